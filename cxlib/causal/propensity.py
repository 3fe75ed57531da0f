"""Propensity scores, and matched pairs of treated and control customers.

    score = propensity(x, treated)               # log-odds of being treated
    one, other = paired(score, treated)          # places of the treated, and of their partners

Pairs show what weights hide: who has no comparable control, and how unequal chances within a pair
would have to be for the effect to vanish (`sensitivity.hidden_bias`).
"""

from __future__ import annotations

import numpy as np

from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _

RIDGE = 1e-6  # of a standard deviation: holds scores where x tells who took part


def propensity(x: np.ndarray, treated: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Log-odds of being treated, by scikit-learn's logistic regression with a trace of ridge.

    Parameters
    ----------
    x : covariates, (n, k); constant columns count for nothing
    treated : flags, (n,)
    weight : (n,); 1 when None

    Returns
    -------
    (n,)

    Raises
    ------
    InsufficientData : nobody, or everybody, is treated

    Examples
    --------
    >>> x = np.array([[0.0], [0.0], [1.0], [1.0], [1.0]])
    >>> propensity(x, np.array([True, False, True, True, False])).round(2).tolist()
    [0.0, 0.0, 0.69, 0.69, 0.69]
    """
    from sklearn.linear_model import LogisticRegression

    y = np.asarray(treated, float)
    if not 0 < y.sum() < len(y):
        raise InsufficientData(
            _(
                "{treated:count} of {n:count} are treated; both treated and controls are needed.",
                treated=int(y.sum()),
                n=len(y),
            )
        )
    scale = np.where(x.std(0) > 0, x.std(0), np.inf)
    even = (x - x.mean(0)) / scale
    fit = LogisticRegression(C=1 / (RIDGE * len(y)), solver="newton-cholesky", tol=1e-8)
    return fit.fit(even, y, sample_weight=weight).decision_function(even)


def paired(
    score: np.ndarray, treated: np.ndarray, caliper: float = 0.2
) -> tuple[np.ndarray, np.ndarray]:
    """Each treated with the nearest other not yet taken, likeliest first: (places, partners).

    Partners may be `caliper` standard deviations of the score apart at most (Austin 2011: .2 of the
    log-odds; infinite for no limit); treated without a partner are left out.

    Examples
    --------
    >>> one, other = paired(np.array([0.0, 1.0, 0.1, 1.0]), np.array([True, True, False, False]))
    >>> dict(zip(one.tolist(), other.tolist()))
    {1: 3, 0: 2}
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
