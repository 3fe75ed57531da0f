"""Peak and end: does the worst or the last moment foretell the overall answer better than the mean?

    ends = journeys.peak_end(responses, met, "recommend", ratings={"room": "room", ...})
    ends.table           # term (what is looked at): R² of answers that the fit has not seen
    ends.gain            # the same less that of the mean

Kahneman, Fredrickson, Schreiber and Redelmeier (1993) found that people judge an episode by its
most intense and its last moment. We ask the data: each rule is fitted by least squares on nine
tenths of the customers and tried on the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates, how_drawn
from cxlib.journeys.exposure import Exposure, Scales, scaled
from cxlib.stats import moments, resampling
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import simultaneous_interval

FOLDS = 10
FEWEST = 100  # answers to try rules on
RULES = {  # what is looked at: columns of (mean, worst, best, last)
    "the mean": (0,),
    "the worst": (1,),
    "the last": (3,),
    "the worst and the last": (1, 3),
    "the mean and the worst": (0, 1),
    "the mean and the last": (0, 3),
    "the mean, the worst, the best and the last": (0, 1, 2, 3),
}


@dataclass(frozen=True)
class PeakEnd(Estimates):
    """Rules compared.

    Attributes
    ----------
    table : term, estimate (share of the variance of new answers foretold), low, high, n (answers)
    gain : term, estimate (that share less the one of the mean), low, high, n; held together
    """

    gain: pd.DataFrame = field(kw_only=True)


def peak_end(
    responses: pd.DataFrame,
    met: Exposure,
    outcome: str,
    *,
    ratings: Mapping[str, str],
    scales: Scales | None = None,
    weight: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> PeakEnd:
    """How well the mean, worst, best and last rating foretell the outcome, out of sample.

    `ratings` names the question that rates a touchpoint; the last is that of the touchpoint met
    last (`met`). Answers with two ratings or more and a rated last touchpoint count. Raises
    ValueError when fewer than 100 do.
    """
    score, y, last = _moments(responses, met, outcome, ratings, scales)
    used = ((~np.isnan(score)).sum(1) > 1) & ~np.isnan(y) & ~np.isnan(last)
    if used.sum() < FEWEST:
        raise ValueError(
            f"{used.sum():,} of {len(responses):,} answers have two ratings, a rated last "
            f"touchpoint and {outcome}; {FEWEST} are needed. Take a wider window."
        )
    score, y, last, rows = score[used], y[used], last[used], responses[used]
    looks = np.column_stack([np.nanmean(score, 1), np.nanmin(score, 1), np.nanmax(score, 1), last])
    w = moments.weights_of(rows, weight)
    fold = resampling.keys_of(rows, "customer_id") % FOLDS
    missed = np.column_stack([_missed(looks[:, list(c)], y, w, fold) for c in RULES.values()])
    base = _missed(np.zeros((len(y), 0)), y, w, fold)[:, None]
    who = resampling.who_of(rows, "customer_id", weight)
    left = ratio(w[:, None] * missed, w[:, None] * base, draws=draws, seed=seed, who=who)
    share, again = 1 - left.estimate, 1 - left.replicates
    table = _table(share, again, len(y))
    gain = _table((share - share[0])[1:], (again - again[:, :1])[:, 1:], len(y), list(RULES)[1:])
    note = i18n.together(
        [
            _(
                "{n:count} of {offered:count} answers have two ratings or more and a rated last "
                "touchpoint; each is foretold from other customers.",
                n=len(y),
                offered=len(responses),
            ),
            how_drawn(draws, weight, "customer_id"),
        ]
    )
    return PeakEnd(table, _answer(table, gain), note, "share", draws=draws, seed=seed, gain=gain)


def _moments(
    responses: pd.DataFrame,
    met: Exposure,
    outcome: str,
    ratings: Mapping[str, str],
    scales: Scales | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(ratings from 0 to 100 (n, k), outcome (n,), rating of the touchpoint met last (n,))."""
    score = np.column_stack([scaled(responses, item, scales) for item in ratings.values()])
    place = np.array([list(ratings).index(t) if t in ratings else -1 for t in met.touchpoints])
    which = np.where(met.last >= 0, place[met.last], -1)
    last = np.where(which >= 0, score[np.arange(len(score)), which], np.nan)
    return score, responses[outcome].to_numpy(float), last


def _missed(x: np.ndarray, y: np.ndarray, w: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Squared error of each answer, foretold by a line fitted to the other folds."""
    design = np.column_stack([np.ones(len(y)), x])
    error = np.empty(len(y))
    for k in range(FOLDS):
        own = fold == k
        fitted = design[~own].T * w[~own]
        slopes = np.linalg.lstsq(fitted @ design[~own], fitted @ y[~own], rcond=None)[0]
        error[own] = (y[own] - design[own] @ slopes) ** 2
    return error


def _table(
    values: np.ndarray, again: np.ndarray, n: int, names: list[str] | None = None
) -> pd.DataFrame:
    low, high = simultaneous_interval(values, again)
    names = names or list(RULES)
    return pd.DataFrame({"term": names, "estimate": values, "low": low, "high": high, "n": n})


def _answer(table: pd.DataFrame, gain: pd.DataFrame) -> str:
    best = gain.loc[gain["estimate"].idxmax()]
    said = {
        "mean": table["estimate"][0],
        "rule": best["term"],
        "points": best["estimate"],
        "span": (100 * best["low"], 100 * best["high"]),
        "n": best["n"],
    }
    if best["low"] > 0:
        return _(
            "The mean of the ratings foretells {mean:share1} of the variance of new answers; "
            "{rule:label} foretell {points:points1} points more ({span:interval1}), n {n:count}.",
            **said,
        )
    return _(
        "The mean of the ratings foretells {mean:share1} of the variance of new answers; no rule "
        "of worst or last moments surely does better (best: {rule:label}, {points:points1} "
        "points, {span:interval1}), n {n:count}.",
        **said,
    )
