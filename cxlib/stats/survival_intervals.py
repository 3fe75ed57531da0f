"""Intervals of survival curves: pointwise, bands of a whole curve, and quantiles of time.

    n, most = effective_at_risk(risk, at)                 # customers behind the curve at each time
    low, high = pointwise(share, error, n)                # one time by itself
    low, high = band(share, error, correlation, n, most)  # the whole curve at once
    median, low, high = quantile(risk)                    # the time by which half have left

Before the first event a curve is 0 and its estimated variance is 0, yet the truth need not be: of
n customers watched without an event the share may still be 1 - 0.025 ** (1 / n). Intervals here
have that width from the start, as those of Clopper and Pearson (1934) have.
"""

from __future__ import annotations

import numpy as np

from cxlib.stats.intervals import LEVEL, normal_critical_value, normal_quantile
from cxlib.stats.survival import Risk, bent, incidence, kaplan_meier, sums_from

POINTS = 32  # times that are looked at in one step of the search for a limit


def effective_at_risk(
    risk: Risk, at: np.ndarray, who: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """As how many equally weighted customers those at risk count until each time.

    Parameters
    ----------
    risk : of `survival.at_risk`
    at : times, (g,), ascending
    who : codes 0, 1 ... of the customer of each row; each row is a customer when None

    Returns
    -------
    (n, most), each (g,): customers at risk at each time (no more than on average until then, for
    those who came under observation late), and the most rows that were at risk at a time until then

    References
    ----------
    Kish (1965), Survey Sampling: (sum of weights)² / sum of squared weights.

    Examples
    --------
    >>> from cxlib.stats.survival import at_risk
    >>> time, left, one = np.array([2.0, 4.0, 6.0]), np.array([0, 1, 0]), np.ones(3)
    >>> n, most = effective_at_risk(at_risk(np.zeros(3), time, left, one), np.array([1.0, 3.0]))
    >>> n.tolist(), most.tolist()
    ([3.0, 2.0], [3.0, 3.0])
    """
    every = np.union1d(at, np.r_[risk.entry, risk.time])
    total, rows = _kish(risk, at)
    most = np.maximum.accumulate(_kish(risk, every)[1])[np.searchsorted(every, at)]
    spent = [np.clip(t - risk.entry, 0, risk.time - risk.entry) @ risk.w for t in at]
    mean = np.divide(spent, at, out=total.copy(), where=at > 0)  # at risk on average until then
    part = np.divide(np.minimum(mean, total), total, out=np.zeros(len(at)), where=total > 0)
    alone = 1.0 if who is None else len(np.unique(who)) / len(who)
    return rows * part * alone, most


def _kish(risk: Risk, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sum of weights at risk at each time, and as how many rows of one weight they count."""
    total, square = (sums_from(at, risk.entry, risk.time, risk.w**k) for k in (1, 2))
    return total, np.divide(total**2, square, out=np.zeros(len(at)), where=square > 1e-12)


def pointwise(
    share: np.ndarray, error: np.ndarray, n: np.ndarray, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Interval of each share by itself: log(-log), and exact where nobody or everybody has left.

    Parameters
    ----------
    share, error : shares who have left and their standard errors, (..., g)
    n : customers at risk, of `effective_at_risk`
    level : confidence level

    Returns
    -------
    (low, high), 0 to 1.

    Examples
    --------
    >>> low, high = pointwise(np.array([0.0]), np.array([0.0]), np.array([25.0]))
    >>> low.tolist(), high.round(3).tolist()  # 1 - 0.025 ** (1 / 25)
    ([0.0], [0.137])
    """
    reach = normal_quantile(level)
    inside = (share > 0) & (share < 1) & (error > 0)
    pairs = zip(bent(share, error, reach), _beta_limits(share, error, reach, n, n), strict=True)
    low, high = (np.where(inside, log_log, exact) for log_log, exact in pairs)
    return low, high


def band(
    share: np.ndarray,
    error: np.ndarray,
    correlation: np.ndarray,
    n: np.ndarray,
    most: np.ndarray,
    *,
    level: float = LEVEL,
    seed: int = 1,
) -> tuple[np.ndarray, np.ndarray]:
    """Simultaneous band of whole curves, with width before the first event too.

    At each time it is the interval of Clopper and Pearson for the effective number of customers,
    share (1 - share) / error², at the level that a Gaussian process of these correlations needs to
    hold at all times at once.

    Parameters
    ----------
    share, error : of each curve at each time, (k, g)
    correlation : of those of the k g shares whose error is positive, in their order
    n, most : of `effective_at_risk`, (g,)
    level : confidence level, of all curves together
    seed : of the simulated maxima

    Returns
    -------
    (low, high), each (k, g), both of which rise with time as the curve does.

    References
    ----------
    Clopper and Pearson (1934), Biometrika 26; Korn and Graubard (1998), Survey Methodology 24;
    Fay, Brittain and Proschan (2013), Biostatistics 14, for beta limits of survival curves.

    Examples
    --------
    >>> low, high = band(np.zeros((1, 1)), np.zeros((1, 1)), np.eye(0), *np.full((2, 1), 25.0))
    >>> low.tolist(), high.round(3).tolist()
    ([[0.0]], [[0.137]])
    """
    reach = normal_critical_value(correlation, level, seed)
    low, high = _beta_limits(share, error, reach, n, most)
    # The true curve rises, so what bounds it at one time bounds it before or after too.
    low = np.maximum.accumulate(low, axis=-1)
    return low, np.minimum.accumulate(high[..., ::-1], axis=-1)[..., ::-1]


def _beta_limits(
    share: np.ndarray, error: np.ndarray, reach: float, n: np.ndarray, most: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Limits of Clopper and Pearson for as many customers as the standard error is worth."""
    from scipy.special import betaincinv, ndtr

    inside = (share > 0) & (share < 1) & (error > 0)
    worth = share * (1 - share) / np.where(inside, error, 1.0) ** 2
    # A single event of small weight would count as more customers than there are.
    worth = np.where(inside, np.minimum(worth, most), np.maximum(n, 1e-9))
    left, stay, tail = share * worth, (1 - share) * worth, ndtr(-reach)
    low = betaincinv(np.maximum(left, 1e-9), stay + 1, tail)
    high = betaincinv(left + 1, np.maximum(stay, 1e-9), 1 - tail)
    return np.where(share > 0, low, 0.0), np.where(share < 1, high, 1.0)


def quantile(
    risk: Risk, part: float = 0.5, who: np.ndarray | None = None, level: float = LEVEL
) -> tuple[float, float, float]:
    """The time by which `part` of the customers have left, exactly from the steps of the curve.

    Parameters
    ----------
    risk : of `survival.at_risk`, with one reason
    part : 0 to 1; 0.5 for the median
    who : codes of the customer of each row, as in `survival.incidence`
    level : confidence level

    Returns
    -------
    (estimate, low, high) in the unit of time: the first time by which at least `part` have left,
    and the first times at which the upper and the lower limit of the curve reach it. NaN where the
    curve, or its limit, does not reach it while customers were observed.

    References
    ----------
    Brookmeyer and Crowley (1982), Biometrics 38, on the scale log(-log).

    Examples
    --------
    >>> from cxlib.stats.survival import at_risk
    >>> time = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    >>> round(quantile(at_risk(np.zeros(5), time, np.ones(5, int), np.ones(5)))[0])
    3
    """
    if not 0 < part < 1:
        raise ValueError(f"part is {part}; give a share between 0 and 1.")
    gone = 1 - kaplan_meier(risk.left.sum(0), risk.there)
    place = int(np.argmax(gone >= part - 1e-12)) if (gone >= part - 1e-12).any() else len(gone)

    def first(end: int) -> float:
        """The first time of an event at which the lower (0) or upper (1) limit reaches `part`."""
        places = np.arange(len(risk.times))
        while True:
            some = np.unique(np.linspace(0, len(places) - 1, POINTS).round().astype(int))
            at = risk.times[places[some]]
            share, covariance = incidence(risk, at, who)
            n, _most = effective_at_risk(risk, at, who)
            limit = pointwise(share[0], np.sqrt(np.diag(covariance)), n, level)[end]
            reached = limit >= part - 1e-12
            if not reached.any():
                return np.nan
            last = int(reached.argmax())
            if len(some) == len(places):
                return float(at[last])
            places = places[some[last - 1] + 1 if last else 0 : some[last] + 1]

    estimate = float(risk.times[place]) if place < len(gone) else np.nan
    low, high = first(1), first(0)
    return estimate, low if np.isnan(estimate) else min(low, estimate), high
