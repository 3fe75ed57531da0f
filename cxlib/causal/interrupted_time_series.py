"""Interrupted time series: one series with a change of level and slope.

    fit = segmented_regression(y, first=12)     # y: (periods,), changed from period 12 on
    fit.effect, fit.low, fit.high               # mean gap to the old trend over the periods after
    fit.counterfactual                          # the old trend carried on

Segmented regression (Wagner, Soumerai, Zhang and Ross-Degnan 2002). There is no control group, so
whatever else happened at that time is in the number too. The interval is own code: HAC errors
(statsmodels) are far too short for the 8 to 40 waves of a survey. How strongly errors follow the
wave before cannot be known from so few; the interval is the mean of Student's over autocorrelations
of -.35 to .95, each weighted by its restricted likelihood (Zellner and Tiao 1964), and never
shorter than sampling makes it. Over 1,500 series each it covered the truth in 97 to 99 of 100
without autocorrelation, in 96 to 98 with .3, in 93 to 96 with .6 and in 89 to 95 with .8.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.stats.intervals import LEVEL

FOLLOWS = np.linspace(-0.35, 0.95, 14)  # correlations of the error of a wave with the one before


@dataclass(frozen=True, eq=False)
class SegmentedRegression:
    """A step and a slope, and what they come to on average over the periods after.

    Attributes
    ----------
    effect, error, low, high : mean gap after between the fitted series and the old line carried on
    step, step_error : at the first period after
    slope, slope_error : change of slope, a period; NaN where one period follows
    fitted, counterfactual : the fitted series and the old line, (periods,)
    free : degrees of freedom
    """

    effect: float
    error: float
    low: float
    high: float
    step: float
    step_error: float
    slope: float
    slope_error: float
    fitted: np.ndarray
    counterfactual: np.ndarray
    free: int


def segmented_regression(
    y: np.ndarray,
    first: int,
    *,
    sampling: np.ndarray | None = None,
    sloped: bool = True,
    time: np.ndarray | None = None,
    level: float = LEVEL,
) -> SegmentedRegression:
    """The series fitted with a break at period `first`; `sampling` is the covariance of its values.

    Without `sloped` the old line has no slope, and the change is a step only: for fewer than three
    periods before, or a series that had no trend. `time` are the places of the values, whole and
    rising, where some periods lack one; the slope is that of one unit of it. Raises ValueError
    where periods are too few.

    Examples
    --------
    >>> y = np.array([1.0, 2, 3, 4, 5, 8, 9, 10, 11])
    >>> round(segmented_regression(y, first=5).effect, 6)
    2.0
    """
    y = np.asarray(y, float)
    time = np.arange(len(y)) if time is None else np.asarray(time)
    x, after = _columns(time, first, sloped)
    free = len(y) - x.shape[1]
    if np.isnan(y).any() or free < 1 or first < (3 if sloped else 2):
        raise InsufficientData(
            _(
                "{known:count} of {periods:count} periods have a value, and {before:count} come "
                "before the change; {least:count} before it and one more than the trends use are "
                "needed, none missing.",
                known=int((~np.isnan(y)).sum()),
                periods=len(y),
                before=first,
                least=3 if sloped else 2,
            )
        )
    beta = np.linalg.lstsq(x, y)[0]
    weight, cov = _by_correlation(x, y, time)
    change = np.where(np.arange(x.shape[1]) >= 1 + sloped, 1.0, 0.0) * x
    place, last = 1 + sloped, x.shape[1] - 1
    told = np.vstack([change[after].mean(0), np.eye(x.shape[1])[[place, last]]])
    errors = np.sqrt(np.einsum("ti,gij,tj->tg", told, cov, told))
    if sampling is not None:
        least = told @ np.linalg.pinv(x)
        errors = np.maximum(
            errors, np.sqrt(np.einsum("ti,ij,tj->t", least, sampling, least))[:, None]
        )
    effect, step, slope = told @ beta
    error, step_error, slope_error = np.sqrt(errors**2 @ weight)
    reach = _reach(errors[0], weight, free, level)
    if last == place:  # no slope of its own after
        slope = slope_error = np.nan
    return SegmentedRegression(
        effect=float(effect),
        error=float(error),
        low=float(effect - reach),
        high=float(effect + reach),
        step=float(step),
        step_error=float(step_error),
        slope=float(slope),
        slope_error=float(slope_error),
        fitted=x @ beta,
        counterfactual=(x - change) @ beta,
        free=free,
    )


def _columns(time: np.ndarray, first: int, sloped: bool) -> tuple[np.ndarray, np.ndarray]:
    """Constant, slope, step, change of slope: those that the periods bear; and which are after."""
    since = (time - time[min(first, len(time) - 1)]).astype(float)
    after = np.arange(len(time)) >= first
    x = [np.ones(len(time)), *([since] if sloped else []), after.astype(float)]
    if sloped and after.sum() > 2:
        x.append(np.where(after, since, 0.0))
    return np.column_stack(x), after


def _by_correlation(
    x: np.ndarray, y: np.ndarray, time: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """How likely each correlation of FOLLOWS is, and the covariance of least squares under it.

    Likely: the restricted likelihood, all correlations alike beforehand (Zellner and Tiao 1964).
    """
    n, k = x.shape
    along = FOLLOWS[:, None, None] ** np.abs(np.subtract.outer(time, time))
    right = np.linalg.solve(along, np.broadcast_to(x, (len(along), n, k)))
    known = x.T @ right
    beta = np.linalg.solve(known, np.einsum("gnk,n->gk", right, y)[..., None])
    rest = y[:, None] - x @ beta
    squares = (rest * np.linalg.solve(along, rest)).sum((1, 2))
    squares = np.maximum(squares, 1e-24 * max(y @ y, 1e-276))
    sizes = np.linalg.slogdet(along)[1] + np.linalg.slogdet(known)[1]
    likely = -(sizes + (n - k) * np.log(squares)) / 2
    weight = np.exp(likely - likely.max())
    inverse = np.linalg.pinv(x)
    cov = (squares / (n - k))[:, None, None] * (inverse @ along @ inverse.T)
    return weight / weight.sum(), cov


def _reach(errors: np.ndarray, weight: np.ndarray, free: int, level: float) -> float:
    """Half the interval whose ends leave (1 - level) outside in the mean over correlations."""
    from scipy.optimize import brentq
    from scipy.special import stdtr, stdtrit

    ends = stdtrit(free, (1 + level) / 2) * np.array([errors.min(), errors.max()])
    if np.ptp(ends) <= 1e-9 * ends[1]:
        return float(ends[1])
    return float(brentq(lambda r: 2 * weight @ stdtr(free, -r / errors) - (1 - level), *ends))
