"""Peak and end: does the worst or the last moment predict the overall answer better than the mean?

    fit = journeys.peak_end(exposure, "recommend", Touchpoints(ratings={"room": "room", ...}))
    fit.table           # term (what is looked at): R² of answers that the fit has not seen
    fit.gain            # the same minus that of the mean

Kahneman, Fredrickson, Schreiber and Redelmeier (1993) found that people judge an episode by its
most intense and its last moment. We ask the data: each rule is fitted by least squares on nine
tenths of the customers and tried on the rest.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import deciding_ends
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.journeys.exposure import Exposure, Touchpoints
from cxlib.stats import moments
from cxlib.stats.estimators import ratio
from cxlib.stats.intervals import interval_columns
from cxlib.stats.notes import resampling_note
from cxlib.stats.resampling import keys_of, resampling_units

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


def peak_end(exposure: Exposure, outcome: str, touchpoints: Touchpoints) -> Result:
    """How well the mean, worst, best and last rating predict the outcome, out of sample.

    Answers with two ratings or more and a rated last touchpoint count.

    Parameters
    ----------
    exposure : of `journeys.exposure`, which knows the touchpoint met last
    outcome : column of the answers
    touchpoints : ratings and scales

    Returns
    -------
    Result with "table": term, estimate (share of the variance of new answers that is predicted),
    n (answers), low, high, simultaneous_low, simultaneous_high; and "gain": term, estimate (that
    share minus the one of the mean), and the same.

    Raises
    ------
    InsufficientData : fewer than 100 answers count

    References
    ----------
    Kahneman, Fredrickson, Schreiber and Redelmeier (1993), When more pain is preferred to less.

    Examples
    --------
    >>> from cxlib.core.sample import Sample
    >>> from cxlib.journeys.exposure import exposure
    >>> rng = np.random.default_rng(1)
    >>> rows = pd.DataFrame(rng.integers(0, 11, (200, 2)), columns=["web", "shop"])
    >>> rows = rows.assign(order=range(200), score=rows.min(axis=1))
    >>> events = pd.DataFrame({"order": range(200), "touchpoint": "shop"})
    >>> about = exposure(Sample(rows), events.assign(at=pd.Timestamp("2026-01-01")), by="order")
    >>> fit = peak_end(about, "score", Touchpoints(ratings={"web": "web", "shop": "shop"}))
    >>> fit.table.set_index("term")["estimate"].round(3)["the worst"].item()
    1.0
    """
    sample = exposure.sample
    score, y, last = _moments(exposure, outcome, touchpoints)
    used = ((~np.isnan(score)).sum(1) > 1) & ~np.isnan(y) & ~np.isnan(last)
    if used.sum() < FEWEST:
        raise InsufficientData(
            _(
                "{n:count} of {all:count} answers have two ratings, a rated last touchpoint and "
                "{outcome:quoted}; {least:count} are needed. Take a wider window.",
                n=int(used.sum()),
                all=len(sample),
                outcome=outcome,
                least=FEWEST,
            )
        )
    score, y, last, rows = score[used], y[used], last[used], sample.where(used)
    looks = np.column_stack([np.nanmean(score, 1), np.nanmin(score, 1), np.nanmax(score, 1), last])
    w = moments.weights_of(rows.data, rows.weight)
    fold = keys_of(rows.data, rows.cluster) % FOLDS
    missed = np.column_stack([_missed(looks[:, list(c)], y, w, fold) for c in RULES.values()])
    base = _missed(np.zeros((len(y), 0)), y, w, fold)[:, None]
    left = ratio(
        w[:, None] * missed, w[:, None] * base, **sample.bootstrap, clusters=resampling_units(rows)
    )
    share, again = 1 - left.estimate, 1 - left.replicates
    table = _table(share, again, len(y))
    gain = _table((share - share[0])[1:], (again - again[:, :1])[:, 1:], len(y), list(RULES)[1:])
    notes = [
        _(
            "{n:count} of {offered:count} answers have two ratings or more and a rated last "
            "touchpoint; each is predicted from other customers.",
            n=len(y),
            offered=len(sample),
        ),
        resampling_note(sample),
    ]
    return Result(
        {"table": table, "gain": gain},
        _finding(gain),
        i18n.together(notes),
        "share",
        **sample.bootstrap,
    )


def _moments(
    exposure: Exposure, outcome: str, touchpoints: Touchpoints
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(ratings from 0 to 100 (n, k), outcome (n,), rating of the touchpoint met last (n,))."""
    responses, ratings = exposure.sample.data, touchpoints.ratings
    score = np.column_stack([touchpoints.scaled(responses, item) for item in ratings.values()])
    place = np.array([list(ratings).index(t) if t in ratings else -1 for t in exposure.touchpoints])
    which = np.where(exposure.last >= 0, place[exposure.last], -1)
    last = np.where(which >= 0, score[np.arange(len(score)), which], np.nan)
    return score, responses[outcome].to_numpy(float), last


def _missed(x: np.ndarray, y: np.ndarray, w: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Squared error of each answer, predicted by a line fitted to the other folds."""
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
    columns = {"term": names or list(RULES), "estimate": values, "n": n}
    return pd.DataFrame(columns | interval_columns(values, again))


def _finding(gain: pd.DataFrame) -> Finding:
    """Whether some rule does better than the mean."""
    best = gain.loc[gain["estimate"].idxmax()]
    better = deciding_ends(best)[0] > 0
    facts = {
        "rule": best["term"],
        "points": i18n.signed(100 * best["estimate"]),
        "span": (100 * best["low"], 100 * best["high"]),
        "n": best["n"],
    }
    detail = _(
        "{points} percentage points of variance (95% CI {span:interval1}); n = {n:count}", **facts
    )
    if better:
        claim = _(
            "{rule:opening} of the ratings predict the overall answer better than their mean.",
            **facts,
        )
        importance = Importance.ANSWER
    else:
        claim = _(
            "The worst and the last moment are not shown to predict better than the mean of all "
            "ratings."
        )
        importance = Importance.METHOD
    return Finding.of_row(
        best,
        claim,
        detail,
        unit="share",
        verdict="" if better else "unchanged",
        importance=importance,
    )
