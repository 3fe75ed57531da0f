"""Association of features with leaving, and the commonest reasons for a high risk."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.churn.features import (
    Feature,
    contrast_term,
    contrasts,
    places,
    stiffness_of,
    text_of,
    wording,
)
from cxlib.churn.validation import weighted_means
from cxlib.core import i18n
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.i18n import _
from cxlib.stats import regression
from cxlib.stats.intervals import (
    estimates_table,
    percentile_interval,
    simultaneous_interval,
    wilson_interval,
)

LIGHT = 1.0  # penalty that only keeps the coefficients finite


def feature_effects(
    features: list[Feature],
    a: np.ndarray,
    left: np.ndarray,
    w: np.ndarray,
    fit: regression.Ridge,
    **how: Any,
) -> pd.DataFrame:
    """How much the probability differs when one feature differs and the others do not.

    Average difference over these customers, in shares: a number goes from its lower to its upper
    quartile (or over its middle nine tenths, where these are equal), a category from its commonest
    level to another. Columns: term, estimate, low, high, n, feature, odds (ratio), odds_low,
    odds_high, simultaneous_low, simultaneous_high (of all rows together); those most certainly
    largest first. Associations: nobody was moved. Not shown are levels that another feature already
    tells, or of which nobody or everybody left. The penalty is taken back to LIGHT: what helps a
    prediction draws the differences, and their intervals, towards zero.
    """
    fit = regression.newton(a, left, w, LIGHT, fit.coefficients, stiffness_of(features))
    score = regression.influence(a, left, w, fit)
    terms, names, parts, starts = [], [], [], []
    where = places(features)
    for feature in features:
        at = slice(where[feature.name].start + 1, where[feature.name].stop + 1)
        for start, end, ends in contrasts(feature):
            if feature.kind != "number" and _is_lopsided(a[:, at], ends, left):
                continue
            terms.append(contrast_term(feature.name, start, end))
            names.append(feature.name)
            parts += _contrast(a, w, fit, at, ends, score)
            starts.append(a @ fit.coefficients + (ends[0] - a[:, at]) @ fit.coefficients[at])
    estimate, replicates = weighted_means(np.column_stack(parts), w, **how)
    for j, before in enumerate(starts):
        replicates[:, 2 * j] += _curvature(before, w, estimate[2 * j + 1], replicates[:, 2 * j + 1])
    table = estimates_table(terms, estimate[::2], replicates[:, ::2], len(left))
    low, high = percentile_interval(replicates[:, 1::2])
    both = simultaneous_interval(estimate[::2], replicates[:, ::2])
    table = table.assign(**dict(zip(SIMULTANEOUS, both, strict=True)))
    table = table.assign(
        feature=names, odds=np.exp(estimate[1::2]), odds_low=np.exp(low), odds_high=np.exp(high)
    )
    least = np.maximum(table["low"], -table["high"]).clip(lower=0)
    order = np.lexsort((-table["estimate"].abs(), -least))
    return table.iloc[order].reset_index(drop=True)


def _is_lopsided(columns: np.ndarray, ends: np.ndarray, left: np.ndarray) -> bool:
    # Centred, a level's own column is above zero for its members alone.
    members = columns[:, np.argmax(ends[1] - ends[0])] > 0
    return left[members].min() == left[members].max()


def commonest_reasons(
    features: list[Feature],
    customers: pd.DataFrame,
    given: np.ndarray,
    at_risk: np.ndarray,
    w: np.ndarray,
) -> pd.DataFrame:
    """Share of the customers `at_risk` of whom each feature is a reason; the commonest first.

    Every customer has a contract, so that of a category each value ("Contract: Month to month") is
    a reason of its own. `given` (n, features) says which features are reasons of which customer.
    Wilson intervals.
    """
    w, names = w[at_risk], []
    terms: list[str] = []
    applies: list[np.ndarray] = []
    for feature, reason in zip(features, given[at_risk].T, strict=True):
        name = i18n.label(feature.name)
        if feature.kind == "number":
            values = {name: reason}
        else:
            texts = text_of(customers.loc[at_risk, feature.name])
            values = {
                _("{feature}: {value}", feature=name, value=wording(feature, text)): reason
                & (texts == text)
                for text in dict.fromkeys(texts[reason])
            }
        names += [feature.name] * len(values)
        terms += values
        applies += values.values()
    share = np.array([np.average(a.astype(float), weights=w) for a in applies])
    low, high = wilson_interval(share, w.sum() ** 2 / np.sum(w**2))
    table = pd.DataFrame({"term": terms, "estimate": share, "low": low, "high": high})
    table = table.assign(n=int(at_risk.sum()), feature=names)
    table = table.sort_values("estimate", ascending=False, kind="stable")
    return table[table["estimate"] > 0].reset_index(drop=True)


def _contrast(
    a: np.ndarray,
    w: np.ndarray,
    fit: regression.Ridge,
    at: slice,
    ends: np.ndarray,
    score: np.ndarray,
) -> list[np.ndarray]:
    """What each customer adds to the average difference of probability, and of log-odds: 2 x (n,).

    The difference depends on who the customers are and on the coefficients: both parts are there.
    """
    here = fit.coefficients[at]
    rest = a @ fit.coefficients - a[:, at] @ here
    before, after = (regression.expit(rest + end @ here) for end in ends)
    slopes = [w * q * (1 - q) / w.sum() for q in (before, after)]
    gradient, step = a.T @ (slopes[1] - slopes[0]), np.zeros(a.shape[1])
    gradient[at] = slopes[1].sum() * ends[1] - slopes[0].sum() * ends[0]
    step[at] = ends[1] - ends[0]
    return [
        after - before + _widened(score @ gradient, gradient, w, fit),
        step[at] @ here + _widened(score @ step, step, w, fit),
    ]


def _widened(
    part: np.ndarray, gradient: np.ndarray, w: np.ndarray, fit: regression.Ridge
) -> np.ndarray:
    # Where hardly anybody left, residuals are near zero and influence is too sure of itself (so is
    # any bootstrap); the curvature of the likelihood then says how little is known.
    seen = np.sqrt(np.sum((w * part) ** 2)) / w.sum()
    known = np.sqrt(gradient @ np.linalg.solve(fit.curvature, gradient) * np.mean(w**2))
    return part * max(1.0, known / max(seen, 1e-300))


def _curvature(before: np.ndarray, w: np.ndarray, step: float, steps: np.ndarray) -> np.ndarray:
    """What a straight line misses of the average difference at `steps` of log-odds, (draws,).

    A probability cannot fall below zero, so that a badly known difference is lopsided.
    """
    least, most = np.clip([min(steps.min(), step), max(steps.max(), step)], -12, 12)
    grid = np.linspace(float(least), float(most), 25)
    curve = [np.average(regression.expit(before + g), weights=w) for g in grid]
    q = regression.expit(before + step)
    line = np.average(q, weights=w) + np.average(q * (1 - q), weights=w) * (steps - step)
    return np.interp(steps, grid, curve) - line
