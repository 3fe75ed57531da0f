"""Subdistribution hazards of Fine and Gray: which features go with one reason for leaving.

    fit, covariance = fine_gray(x, time, cause, w)

Whoever left for another reason stays at risk, with a weight that falls as customers would have
been lost to observation: a weighted Cox model of rows that `at_risk_rows` makes.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cxlib.stats.survival import Cox, cox, kaplan_meier, sums_from


def fine_gray(
    x: np.ndarray, time: np.ndarray, cause: np.ndarray, w: np.ndarray
) -> tuple[Cox, np.ndarray]:
    """Coefficients of the subdistribution hazard of cause 1, and their robust covariance.

    The covariance takes the censoring weights as known, as R's coxph does on rows of finegray; it
    then is a little too large.

    Parameters
    ----------
    x : features, (n, p)
    time, w : (n,); all customers under observation from 0 on
    cause : 1 for who left for the reason in question, 2 for other reasons, 0 for those still there

    Raises
    ------
    ArithmeticError : as `survival.cox`

    References
    ----------
    Fine and Gray (1999), Journal of the American Statistical Association 94; Geskus (2011),
    Biometrics 67, for the weighted rows.

    Examples
    --------
    >>> x, time = np.array([[0.0], [1.0], [0.0], [1.0]]), np.array([4.0, 2.0, 3.0, 5.0])
    >>> fit, covariance = fine_gray(x, time, np.array([1, 1, 2, 1]), np.ones(4))
    >>> covariance.shape
    (1, 1)
    """
    who, entry, end, left, weight = at_risk_rows(time, cause, w)
    fit = cox(x[who], entry, end, left, weight)
    return fit, fit.robust(who)


def at_risk_rows(
    time: np.ndarray, cause: np.ndarray, w: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Customer, entry, time, left and weight of each row at risk of cause 1.

    A row a customer, and rows after leaving for another reason: one for each span between leavings
    for cause 1 over which the chance of still being observed stays the same.

    Examples
    --------
    >>> time, cause = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2, 1, 0, 1])
    >>> who, entry, end, left, weight = at_risk_rows(time, cause, np.ones(4))
    >>> who.tolist(), end.tolist(), weight.tolist()
    ([0, 1, 2, 3, 0, 0], [1.0, 2.0, 3.0, 4.0, 2.0, 4.0], [1.0, 1.0, 1.0, 1.0, 1.0, 0.5])
    """
    observed = _observed_until(time, cause, w)
    events = np.unique(time[cause == 1])
    chance = observed(events)
    ends = events[np.r_[chance[1:] != chance[:-1], True]] if len(events) else events
    starts = np.r_[0.0, ends[:-1]]
    other = np.flatnonzero(cause == 2)
    row, span = np.nonzero(ends > time[other, None])
    again = other[row]
    weight = w[again] * observed(ends)[span] / observed(time[again])
    kept = weight > 0
    own = np.arange(len(time))
    return (
        np.r_[own, again[kept]],
        np.r_[np.zeros(len(time)), np.maximum(starts[span], time[again])[kept]],
        np.r_[time, ends[span][kept]],
        np.r_[(cause == 1).astype(float), np.zeros(kept.sum())],
        np.r_[w, weight[kept]],
    )


def _observed_until(
    time: np.ndarray, cause: np.ndarray, w: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """The chance of being observed until just before each time; leavings precede losses."""
    lost, place = np.unique(time[cause == 0], return_inverse=True)
    gone = np.bincount(place, w[cause == 0], len(lost))
    there = sums_from(lost, np.full(len(time), -np.inf), time, w)
    tied = np.isin(time, lost) & (cause > 0)
    there -= np.bincount(np.searchsorted(lost, time[tied]), w[tied], len(lost))
    curve = np.r_[1.0, kaplan_meier(gone, there)]
    return lambda at: curve[np.searchsorted(lost, at, "left")]
