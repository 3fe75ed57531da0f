"""How good a warning is, on customers it had not seen, and what goes with leaving.

Tables in the grammar of the house: term, estimate, low, high, n and more. See `cxlib.churn`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.churn.features import Feature, contrasts, places, stiffness_of
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.privacy import disclosure
from cxlib.stats import regression, resampling
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import (
    estimates_table,
    percentile_interval,
    sidak_level,
    simultaneous_interval,
    wilson_interval,
)

BINS = 10
FEWEST = 20  # leavers, and stayers, of a group that is judged alone
IN_GROUPS = ("AUC", "log-loss", "calibration slope", "calibration intercept")
LIGHT = 1.0  # penalty that only keeps the coefficients finite
RISKS = ("high", "medium", "low")


def out_of_fold(
    a: np.ndarray,
    left: np.ndarray,
    w: np.ndarray,
    stiffness: np.ndarray,
    folds: int,
    repeats: int,
    seed: int,
) -> np.ndarray:
    """Log-odds of each customer from models that never saw that customer: (repeats, n).

    Folds hold equal shares of leavers; each fold's model chooses its own penalty.
    """
    eta = np.empty((repeats, len(left)))
    for repeat in range(repeats):
        fold = folds_of(left, folds, seed + repeat)
        for f in range(folds):
            seen = fold != f
            fit = regression.ridge(a[seen], left[seen], w[seen], stiffness)
            eta[repeat, ~seen] = a[~seen] @ fit.coefficients
    return eta


def folds_of(left: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold of each customer, (n,): each holds an equal share of the leavers."""
    order = np.lexsort((np.random.default_rng(seed).random(len(left)), left))
    fold = np.empty(len(left), int)
    fold[order] = np.arange(len(left)) % folds
    return fold


def quality(
    eta: np.ndarray, left: np.ndarray, w: np.ndarray, draws: int, seed: int
) -> pd.DataFrame:
    """The measures of `logit.MEASURES`, averaged over repeats, with intervals over customers."""
    parts = np.mean([regression.measures(left, e, w) for e in eta], axis=0)
    estimate, replicates = _means(parts, w, draws, seed)
    table = estimates_table(regression.MEASURES, estimate, replicates, len(left))
    shares = table["term"].isin(["AUC", "Brier score"])
    table.loc[shares, ["low", "high"]] = table.loc[shares, ["low", "high"]].clip(0, 1)
    return table


def in_groups(
    eta: np.ndarray,
    left: np.ndarray,
    w: np.ndarray,
    group: pd.Series | None,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    """AUC, log-loss, calibration slope and intercept in each group, all intervals at once (max-t).

    Groups with fewer than FEWEST leavers or stayers have no row, and the smallest of the others
    has none where everybody less those with a row would be fewer than the smallest cell. Columns:
    group, term, estimate, low, high, n, leavers.
    """
    columns = ["group", "term", "estimate", "low", "high", "n", "leavers"]
    names = [] if group is None else sorted(group.dropna().unique(), key=str)
    members = {str(name): (group == name).fillna(False).to_numpy(bool) for name in names}
    enough = {
        name: int(here.sum())
        for name, here in members.items()
        if min(left[here].sum(), (~left[here].astype(bool)).sum()) >= FEWEST
    }
    unsaid = disclosure.too_few_left_out(enough, len(left))
    parts, rows = [], []
    for name in enough:
        if name in unsaid:
            continue
        here = members[name]
        gone = int(left[here].sum())
        each = np.mean([regression.measures(left[here], e[here], w[here]) for e in eta], axis=0)
        whole = np.zeros((len(left), len(IN_GROUPS) + 1))
        at = [regression.MEASURES.index(m) for m in IN_GROUPS]
        whole[here] = np.column_stack([each[:, at] * w[here, None], w[here]])
        parts.append(whole)
        rows += [(name, m, int(here.sum()), gone) for m in IN_GROUPS]
    if not parts:
        return pd.DataFrame(columns=columns)
    k = len(IN_GROUPS) + 1
    sums = resampling.resample_sums(np.hstack(parts), draws, seed).reshape(draws, -1, k)
    total = np.hstack(parts).sum(0).reshape(-1, k)
    estimate = (total[:, :-1] / total[:, -1:]).ravel()
    low, high = simultaneous_interval(
        estimate, (sums[..., :-1] / sums[..., -1:]).reshape(draws, -1)
    )
    table = pd.DataFrame(rows, columns=["group", "term", "n", "leavers"])
    return table.assign(estimate=estimate, low=low, high=high)[columns]


def weakest(groups: pd.DataFrame, table: pd.DataFrame) -> Estimates:
    """The measures by group, with a sentence about the group in which AUC is least."""
    told = groups[groups["term"] == "AUC"].sort_values("estimate")
    note = _(
        "The intervals hold for all groups and measures at once; groups with under {least:count} "
        "leavers are left out, and those from which such a group could be counted.",
        least=FEWEST,
    )
    if told.empty:
        return Estimates(groups, _("No group has enough leavers to be judged alone."), note)
    worst = told.iloc[0]
    values = {
        "group": worst.group,
        "auc": worst.estimate,
        "span": (worst.low, worst.high),
        "all": table["estimate"].iloc[0],
    }
    said = _(
        "The warning is weakest in {group:quoted}: AUC {auc:number2} ({span:interval2}), "
        "{all:number2} overall.",
        **values,
    )
    slopes = groups[groups["term"] == "calibration slope"]
    wrong = slopes[(slopes["low"] > 1) | (slopes["high"] < 1)]
    if len(wrong):
        more = _(
            "Risks are not to be taken at their word in {groups:quoted_list}.",
            groups=wrong["group"],
        )
    else:
        more = _("In no group is the calibration slope clearly off.")
    return Estimates(groups, i18n.together([said, more]), note)


def calibration(p: np.ndarray, left: np.ndarray, w: np.ndarray) -> pd.DataFrame:
    """The share who left among those of like probability, in ten bins; the band holds for all ten.

    Columns: term (probabilities of the bin), estimate (share who left), low, high, n, predicted.
    """
    cuts = np.unique(np.quantile(p, np.linspace(0, 1, BINS + 1)[1:-1]))
    place = np.searchsorted(cuts, p, "right")
    ends = [p.min(), *cuts, p.max()]
    terms = [i18n.span(a, b, 1, share=True) for a, b in zip(ends, ends[1:], strict=False)]
    return _shares(place, terms, p, left, w, len(terms)).drop(columns="leavers")


def risks(
    p: np.ndarray, left: np.ndarray, w: np.ndarray, thresholds: tuple[float, float]
) -> pd.DataFrame:
    """Those at high, medium and low risk: who of them left, beside what was predicted.

    Columns: term, estimate (share who left), low, high, n, predicted, leavers (share of all
    leavers who are in this grade), least (the smallest probability of the grade).
    """
    table = _shares(grade(p, thresholds), RISKS, p, left, w, 1)
    return table.assign(least=[*thresholds, 0.0])


def grade(p: np.ndarray, thresholds: tuple[float, float]) -> np.ndarray:
    """0 for high, 1 for medium, 2 for low risk."""
    high, medium = thresholds
    return np.where(p >= high, 0, np.where(p >= medium, 1, 2))


def effects(
    features: list[Feature],
    a: np.ndarray,
    left: np.ndarray,
    w: np.ndarray,
    fit: regression.Ridge,
    draws: int,
    seed: int,
) -> pd.DataFrame:
    """How much the probability differs when one feature differs and the others do not.

    Average difference over these customers, in shares: a number goes from its lower to its upper
    quartile (or over its middle nine tenths, where these are equal), a category from its commonest
    level to another. Columns: term, estimate, low, high, n, feature, odds (ratio), odds_low,
    odds_high; those surely largest first. Intervals are for each row alone. Associations: nobody
    was moved. Not shown are levels that another feature already tells, or of which nobody or
    everybody left. The penalty is taken back to LIGHT: what helps a prediction draws the
    differences, and their intervals, towards zero.
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
            terms.append(
                _("{feature:label}: {start} → {end}", feature=feature.name, start=start, end=end)
            )
            names.append(feature.name)
            parts += _contrast(a, w, fit, at, ends, score)
            starts.append(a @ fit.coefficients + (ends[0] - a[:, at]) @ fit.coefficients[at])
    estimate, replicates = _means(np.column_stack(parts), w, draws, seed)
    for j, before in enumerate(starts):
        replicates[:, 2 * j] += _bend(before, w, estimate[2 * j + 1], replicates[:, 2 * j + 1])
    table = estimates_table(terms, estimate[::2], replicates[:, ::2], len(left))
    low, high = percentile_interval(replicates[:, 1::2])
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
    features: list[Feature], given: np.ndarray, at_risk: np.ndarray, w: np.ndarray
) -> pd.DataFrame:
    """Share of the customers `at_risk` of whom each feature is a reason; the commonest first.

    `given` (n, features) says which features are reasons of which customer. Wilson intervals.
    """
    w = w[at_risk]
    share = np.average(given[at_risk].astype(float), axis=0, weights=w)
    low, high = wilson_interval(share, w.sum() ** 2 / np.sum(w**2))
    names = [f.name for f in features]
    table = pd.DataFrame(
        {"term": [i18n.label(n) for n in names], "estimate": share, "low": low, "high": high}
    ).assign(n=int(at_risk.sum()), feature=names)
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
        after - before + _sure(score @ gradient, gradient, w, fit),
        step[at] @ here + _sure(score @ step, step, w, fit),
    ]


def _sure(
    part: np.ndarray, gradient: np.ndarray, w: np.ndarray, fit: regression.Ridge
) -> np.ndarray:
    # Where hardly anybody left, residuals are near zero and influence is too sure of itself (so is
    # any bootstrap); the curvature of the likelihood then says how little is known.
    seen = np.sqrt(np.sum((w * part) ** 2)) / w.sum()
    known = np.sqrt(gradient @ np.linalg.solve(fit.curvature, gradient) * np.mean(w**2))
    return part * max(1.0, known / max(seen, 1e-300))


def _bend(before: np.ndarray, w: np.ndarray, step: float, steps: np.ndarray) -> np.ndarray:
    """What a straight line misses of the average difference at `steps` of log-odds, (draws,).

    A probability cannot fall below zero, so that a badly known difference is lopsided.
    """
    grid = np.linspace(*np.clip([min(steps.min(), step), max(steps.max(), step)], -12, 12), 25)
    curve = [np.average(regression.expit(before + g), weights=w) for g in grid]
    q = regression.expit(before + step)
    line = np.average(q, weights=w) + np.average(q * (1 - q), weights=w) * (steps - step)
    return np.interp(steps, grid, curve) - line


def _means(
    parts: np.ndarray, w: np.ndarray, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means of the columns and their draws of customers: (p,), (draws, p)."""
    _unused, replicates = ratio(parts * w[:, None], w[:, None], draws=draws, seed=seed)
    return np.average(parts, axis=0, weights=w), replicates


def _shares(
    place: np.ndarray,
    terms: list[str] | tuple[str, ...],
    p: np.ndarray,
    left: np.ndarray,
    w: np.ndarray,
    held: int,
) -> pd.DataFrame:
    """Share who left in each group; intervals that hold for `held` groups at once (Šidák)."""
    size = len(terms)
    total, squares = np.bincount(place, w, size), np.bincount(place, w**2, size)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.bincount(place, w * left, size) / total
        predicted = np.bincount(place, w * p, size) / total
        low, high = wilson_interval(share, total**2 / squares, sidak_level(held))
    table = pd.DataFrame({"term": list(terms), "estimate": share})
    return table.assign(
        low=low,
        high=high,
        n=np.bincount(place, minlength=size),
        predicted=predicted,
        leavers=np.bincount(place, w * left, size) / (w @ left),
    )
