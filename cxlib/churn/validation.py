"""Validation of the churn model out of fold: discrimination, calibration, grades of risk, groups.

Tables of term, estimate, low, high, n and more. See `cxlib.churn.model`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import INTERVAL, SIMULTANEOUS, deciding_ends
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.privacy import disclosure
from cxlib.stats import regression, resampling
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import (
    LEVEL,
    estimates_table,
    sidak_level,
    wilson_interval,
)
from cxlib.stats.resampling import ResamplingUnits

BINS = 10
FEWEST = 20  # leavers, and stayers, of a group that is judged alone
IN_GROUPS = ("AUC", "log-loss", "calibration slope", "calibration intercept")
RISKS = ("high", "medium", "low")


def out_of_fold(
    a: np.ndarray,
    left: np.ndarray,
    w: np.ndarray,
    stiffness: np.ndarray,
    *,
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


def quality(eta: np.ndarray, left: np.ndarray, w: np.ndarray, **how: Any) -> pd.DataFrame:
    """The measures of `logit.MEASURES`, averaged over repeats, with intervals over customers."""
    parts = np.mean([regression.measures(left, e, w) for e in eta], axis=0)
    estimate, replicates = weighted_means(parts, w, **how)
    auc, n = regression.MEASURES.index("AUC"), w.sum() ** 2 / (w**2).sum()
    replicates[:, auc] = regression.auc_draws(estimate[auc], replicates[:, auc], n)
    table = estimates_table(regression.MEASURES, estimate, replicates, len(left))
    brier = table["term"] == "Brier score"
    table.loc[brier, ["low", "high"]] = table.loc[brier, ["low", "high"]].clip(0, 1)
    return table


def in_groups(
    eta: np.ndarray,
    left: np.ndarray,
    w: np.ndarray,
    group: pd.Series | None,
    *,
    draws: int,
    seed: int,
    clusters: ResamplingUnits | None = None,
) -> pd.DataFrame:
    """AUC, log-loss, calibration slope and intercept in each group.

    Groups with fewer than FEWEST leavers or stayers have no row, and the smallest of the others
    has none where everybody less those with a row would be fewer than the smallest cell. Columns:
    group, term, estimate, low, high, n, leavers, simultaneous_low, simultaneous_high (max-t).
    """
    columns = ["group", "term", *INTERVAL, "n", "leavers", *SIMULTANEOUS]
    names = [] if group is None else sorted(group.dropna().unique(), key=str)
    members = {str(name): (group == name).fillna(False).to_numpy(bool) for name in names}
    members_of = {
        name: int(here.sum())
        for name, here in members.items()
        if min(left[here].sum(), (~left[here].astype(bool)).sum()) >= FEWEST
    }
    hidden = disclosure.too_few_left_out(members_of, sum(m.sum() for m in members.values()))
    parts, rows, kish = [], [], []
    for name in members_of:
        if name in hidden:
            continue
        here = members[name]
        gone = int(left[here].sum())
        each = np.mean([regression.measures(left[here], e[here], w[here]) for e in eta], axis=0)
        whole = np.zeros((len(left), len(IN_GROUPS) + 1))
        at = [regression.MEASURES.index(m) for m in IN_GROUPS]
        whole[here] = np.column_stack([each[:, at] * w[here, None], w[here]])
        parts.append(whole)
        kish.append(w[here].sum() ** 2 / (w[here] ** 2).sum())
        rows += [(name, m, int(here.sum()), gone) for m in IN_GROUPS]
    if not parts:
        return pd.DataFrame(columns=columns)
    k = len(IN_GROUPS) + 1
    sums = resampling.resample_sums(np.hstack(parts), draws, seed, clusters).reshape(draws, -1, k)
    total = np.hstack(parts).sum(0).reshape(-1, k)
    estimate = (total[:, :-1] / total[:, -1:]).ravel()
    replicates = (sums[..., :-1] / sums[..., -1:]).reshape(draws, -1)
    table = pd.DataFrame(rows, columns=["group", "term", "n", "leavers"])
    effective = np.repeat(kish, len(IN_GROUPS))
    ends = regression.measure_ends(table["term"], estimate, replicates, effective)
    return table.assign(estimate=estimate, **ends)[columns]


def weakest(groups: pd.DataFrame, table: pd.DataFrame) -> Result:
    """The measures by group, with a sentence about the group in which AUC is least."""
    auc = groups[groups["term"] == "AUC"].sort_values("estimate")
    note = _(
        "Intervals are pointwise; the simultaneous ones hold for all groups and measures. Groups "
        "with under {least:count} leavers are left out, and those from which such a group could "
        "be counted.",
        least=FEWEST,
    )
    if auc.empty:
        claim = _("No group has enough leavers for a validation of its own.")
        return Result(groups, Finding(claim, importance=Importance.METHOD), note)
    worst = auc.iloc[0]
    values = {
        "group": worst.group,
        "auc": worst.estimate,
        "span": (worst.low, worst.high),
        "all": table["estimate"].iloc[0],
    }
    slopes = groups[groups["term"] == "calibration slope"]
    low, high = deciding_ends(slopes)
    wrong = slopes[(low > 1) | (high < 1)]
    if len(wrong):
        claim = _(
            "Predicted risks are miscalibrated in {groups:quoted_list}.", groups=wrong["group"]
        )
    else:
        claim = _(
            "The model predicts worst in {group:quoted}; no group is significantly miscalibrated.",
            **values,
        )
    detail = _(
        "AUC in {group:quoted} {auc:number2} (95% CI {span:interval2}), {all:number2} overall",
        **values,
    )
    level = Importance.NOTABLE if len(wrong) else Importance.METHOD
    return Result(groups, Finding(claim, detail, importance=level), note)


def calibration(p: np.ndarray, left: np.ndarray, w: np.ndarray) -> pd.DataFrame:
    """The share who left among those of like probability, in ten bins.

    Columns: term (probabilities of the bin), estimate (share who left), low, high, n, predicted,
    simultaneous_low, simultaneous_high (for all ten).
    """
    cuts = np.unique(np.quantile(p, np.linspace(0, 1, BINS + 1)[1:-1]))
    place = np.searchsorted(cuts, p, "right")
    ends = [p.min(), *cuts, p.max()]
    terms = [i18n.span(a, b, 1, share=True) for a, b in zip(ends, ends[1:], strict=False)]
    return _shares(place, terms, p, left, w, len(terms)).drop(columns="leavers")


def risks(
    p: np.ndarray, left: np.ndarray, w: np.ndarray, thresholds: tuple[float, float]
) -> pd.DataFrame:
    """Those at high, medium and low risk: who of them left, and what was predicted.

    Columns: term, estimate (share who left), low, high, n, predicted, leavers (share of all
    leavers who are in this grade), least (the smallest probability of the grade).
    """
    table = _shares(grade(p, thresholds), RISKS, p, left, w, 1)
    return table.assign(least=[*thresholds, 0.0])


def grade(p: np.ndarray, thresholds: tuple[float, float]) -> np.ndarray:
    """0 for high, 1 for medium, 2 for low risk."""
    high, medium = thresholds
    return np.where(p >= high, 0, np.where(p >= medium, 1, 2))


def weighted_means(parts: np.ndarray, w: np.ndarray, **how: Any) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means of the columns and their replicates: (p,), (draws, p)."""
    _unused, replicates = ratio(parts * w[:, None], w[:, None], **how)
    return np.average(parts, axis=0, weights=w), replicates


def _shares(
    place: np.ndarray,
    terms: list[str] | tuple[str, ...],
    p: np.ndarray,
    left: np.ndarray,
    w: np.ndarray,
    held: int,
) -> pd.DataFrame:
    """Share who left in each group; the simultaneous ends hold for `held` groups (Šidák)."""
    size = len(terms)
    total, squares = np.bincount(place, w, size), np.bincount(place, w**2, size)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.bincount(place, w * left, size) / total
        predicted = np.bincount(place, w * p, size) / total
        levels = LEVEL, sidak_level(held)
        own, together = (wilson_interval(share, total**2 / squares, at) for at in levels)
    table = pd.DataFrame({"term": list(terms), "estimate": share})
    return table.assign(
        low=own[0],
        high=own[1],
        n=np.bincount(place, minlength=size),
        predicted=predicted,
        leavers=np.bincount(place, w * left, size) / (w @ left),
        simultaneous_low=together[0],
        simultaneous_high=together[1],
    )
