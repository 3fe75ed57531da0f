"""Pairs: each who took part beside one other who was as likely to.

    score = propensity(x, treated)               # log-odds of taking part
    one, other = paired(score, treated)          # places of the treated, and of their partners

Pairs show what weights hide: who has no like, and how unequal chances within a pair would have to
be for the effect to go (`sensitivity.hidden_bias`).
"""

from __future__ import annotations

import numpy as np

from cxlib.core.errors import InsufficientData

STEPS = 50
RIDGE = 1e-6  # of a standard deviation: holds scores where x tells who took part


def propensity(x: np.ndarray, treated: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Log-odds of taking part by logistic regression on `x` (n, k), by Newton's steps: (n,).

    Columns that are constant count for nothing. Raises ValueError without both sorts.
    """
    y = np.asarray(treated, float)
    if not 0 < y.sum() < len(y):
        raise InsufficientData(
            f"{int(y.sum()):,} of {len(y):,} are treated; both sorts are needed."
        )
    w = np.ones(len(y)) if weight is None else np.asarray(weight, float)
    scale = np.where(x.std(0) > 0, x.std(0), np.inf)
    a = np.column_stack([np.ones(len(y)), (x - x.mean(0)) / scale])
    b, hold = np.zeros(a.shape[1]), RIDGE * len(y) * np.r_[0.0, np.ones(a.shape[1] - 1)]
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(a @ b, -30, 30)))
        curve = (a * (w * p * (1 - p))[:, None]).T @ a + np.diag(hold + 1e-12)
        step = np.linalg.solve(curve, a.T @ (w * (y - p)) - hold * b)
        b += np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-10:
            break
    return a @ b


def paired(
    score: np.ndarray, treated: np.ndarray, caliper: float = 0.2
) -> tuple[np.ndarray, np.ndarray]:
    """Each treated beside the nearest other not yet taken, likeliest first: (places, partners).

    Partners may be `caliper` standard deviations of the score apart at most (Austin 2011: .2 of the
    log-odds; infinite for no limit); treated without a partner are left out.
    """
    score, treated = np.asarray(score, float), np.asarray(treated, bool)
    reach = caliper * np.sqrt((score[treated].var(ddof=1) + score[~treated].var(ddof=1)) / 2)
    others = np.flatnonzero(~treated)
    others = others[np.argsort(score[others], kind="stable")]
    values = np.r_[-np.inf, score[others], np.inf]
    below, above = np.arange(len(values)), np.arange(len(values))  # the nearest free at or beyond
    rows = np.flatnonzero(treated)
    found = []
    for one in rows[np.argsort(-score[rows], kind="stable")]:
        place = int(np.searchsorted(values, score[one]))
        low, high = _free(below, place - 1), _free(above, place)
        best = low if score[one] - values[low] <= values[high] - score[one] else high
        if abs(values[best] - score[one]) <= reach and np.isfinite(values[best]):
            found.append((one, others[best - 1]))
            below[best], above[best] = best - 1, best + 1
    places = np.array(found, int).reshape(-1, 2)
    return places[:, 0], places[:, 1]


def _free(following: np.ndarray, place: int) -> int:
    """The first place from here on that is not taken; the way there is remembered."""
    end = place
    while following[end] != end:
        end = following[end]
    while following[place] != end:
        following[place], place = end, following[place]
    return int(end)
