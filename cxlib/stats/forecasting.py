"""Forecasts of a series whose points are estimates with known sampling variance.

    found = forecast(y, variance, places, ahead=[8, 9])
    found.mean, found.interval(0.95), found.exceeds(25.0)

The level is a random walk, with seasonal effects where asked for; each point adds its sampling
error. How much the level moves, how large the seasons are and how much points scatter beyond
sampling is not known from a dozen waves: the forecast averages over all three, so that its interval
is wide where little is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.special import ndtr

from cxlib.stats.intervals import LEVEL

# Of the prior of each unknown standard deviation, half-Cauchy: its scale in standard errors of a
# point, and how many of its quantiles stand for it.
STEP, SEASON, SCATTER = (0.75, 14), (1.0, 8), (0.25, 6)
SMALLEST_WEIGHT = 1e-6  # of the likeliest: components below it change no printed digit


@dataclass(frozen=True)
class Forecast:
    """A mixture of normal distributions for each point ahead.

    Attributes
    ----------
    weight : (components,) posterior probability of each combination of variances
    means, variances : (components, points) of what is measured there, its sampling error included
    levels : (components, points) variances of the true level, without the error of measuring it
    """

    weight: np.ndarray
    means: np.ndarray
    variances: np.ndarray
    levels: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """The forecast of each point, (points,)."""
        return self.weight @ self.means

    def exceeds(self, value: float, *, measured: bool = False) -> np.ndarray:
        """Probability that the true level (or what is measured) lies above a value, (points,)."""
        spread = np.sqrt(self.variances if measured else self.levels)
        return self.weight @ ndtr((self.means - value) / spread)

    def interval(self, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray]:
        """Prediction interval of the measured number, (points,) each."""
        tails = ((1 - level) / 2, (1 + level) / 2)
        low, high = (self._quantile(p) for p in tails)
        return low, high

    def _quantile(self, p: float) -> np.ndarray:
        spread = np.sqrt(self.variances)
        low, high = (self.means - 40 * spread).min(0), (self.means + 40 * spread).max(0)
        for _ in range(80):  # bisection: a mixture has no quantile in closed form
            middle = (low + high) / 2
            below = self.weight @ ndtr((middle - self.means) / spread) < p
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return (low + high) / 2


def forecast(
    y: Sequence[float] | np.ndarray,
    variance: Sequence[float] | np.ndarray,
    places: Sequence[int] | np.ndarray,
    ahead: Sequence[int] | np.ndarray,
    *,
    period: int = 0,
    variance_ahead: float | None = None,
) -> Forecast:
    """Forecast points of a series from its earlier points and their sampling variances.

    Parameters
    ----------
    y : (T,) the series; NaN is left out
    variance : (T,) sampling variance of each point, above 0
    places : (T,) where each lies in time, whole numbers that rise
    ahead : (H,) places to forecast, after the last
    period : places in a cycle of seasons (4 for quarters); 0 for none
    variance_ahead : sampling variance of the points ahead; the median of `variance` unless given

    Returns
    -------
    Forecast. The unknown standard deviations (of a step of the level, of the seasons, of points
    beyond sampling) have half-Cauchy priors of 0.75, 1 and 0.25 standard errors of a point; the
    first level has a flat prior.

    Raises
    ------
    ValueError : fewer than three points, variances that are not above 0, places that do not rise

    References
    ----------
    Gelman (2006), Prior distributions for variance parameters in hierarchical models, Bayesian
    Analysis 1; Durbin and Koopman (2012), Time Series Analysis by State Space Methods.

    Examples
    --------
    >>> found = forecast([20, 22, 19, 21, 20], [4.0] * 5, range(5), [5])
    >>> [round(float(v[0]), 1) for v in (found.mean, *found.interval())]
    [20.3, 14.8, 25.8]
    """
    known = ~np.isnan(np.asarray(y, float))
    points, errors, at = (np.asarray(v, float)[known] for v in (y, variance, places))
    _check(points, errors, at, np.asarray(ahead))
    typical = len(errors) / (1 / errors).sum()
    new = float(np.median(errors)) if variance_ahead is None else variance_ahead
    when = np.r_[at, np.asarray(ahead)]
    walk = np.minimum.outer(when - at[0], when - at[0]).astype(float)
    season = np.equal.outer(when % period, when % period) * 1.0 if period else 0 * walk
    sizes = [_variances(typical, *prior) for prior in (STEP, SEASON, SCATTER)]
    if not period:
        sizes[1] = np.zeros(1)
    parts = [_component(points, errors, new, walk, season, *size) for size in product(*sizes)]
    likelihood = np.array([p[0] for p in parts])
    weight = np.exp(likelihood - likelihood.max())
    kept = weight > SMALLEST_WEIGHT
    means, variances, levels = (np.array([p[k] for p in parts])[kept] for k in (1, 2, 3))
    return Forecast(weight[kept] / weight[kept].sum(), means, variances, levels)


def forecast_counts(
    counts: Sequence[float] | np.ndarray, ahead: int, *, period: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Forecast counts of periods without a gap.

    Counts are forecast as twice their square root (Anscombe 1948), on which a Poisson count has
    variance one whatever its size.

    Parameters
    ----------
    counts : (T,) of each period
    ahead : how many periods to forecast
    period : periods in a cycle of seasons; 0 for none

    Returns
    -------
    Expected counts, and the ends of their 95% prediction intervals, whole numbers: (ahead,) each.

    References
    ----------
    Anscombe (1948), The transformation of Poisson, binomial and negative-binomial data, Biometrika
    35.

    Examples
    --------
    >>> mean, low, high = forecast_counts([40.0] * 30, 1)
    >>> round(float(mean[0])), float(low[0]), float(high[0])
    (40, 28.0, 54.0)
    """
    root = 2 * np.sqrt(np.asarray(counts, float) + 3 / 8)
    places = np.arange(len(root) + ahead)
    there, next_ = places[: len(root)], places[len(root) :]
    found = forecast(root, np.ones(len(root)), there, next_, period=period)
    low, high = (np.maximum(np.maximum(r, 0) ** 2 / 4 - 3 / 8, 0) for r in found.interval())
    square = found.weight @ (found.means**2 + found.variances)  # of the root, its mean
    return np.maximum(square / 4 - 3 / 8, 0), low.round(), high.round()


def _variances(typical: float, scale: float, quantiles: int) -> np.ndarray:
    """Variances that stand for a half-Cauchy prior of their root, all equally likely."""
    return typical * (scale * np.tan(np.pi / 2 * (np.arange(quantiles) + 0.5) / quantiles)) ** 2


def _component(
    y: np.ndarray,
    variance: np.ndarray,
    new: float,
    walk: np.ndarray,
    season: np.ndarray,
    step: float,
    seasonal: float,
    scatter: float,
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Log likelihood, means and variances ahead by generalised least squares."""
    t = len(y)
    cov = step * walk + seasonal * season
    factor = cho_factor(cov[:t, :t] + np.diag(variance + scatter), lower=True)
    ones = np.ones(t)
    solved = cho_solve(factor, np.c_[ones, y, cov[:t, t:]])
    precision = solved[:, 0].sum()
    start = solved[:, 1].sum() / precision
    away = solved[:, 1] - start * solved[:, 0]
    loglik = -np.log(np.diag(factor[0])).sum() - (np.log(precision) + y @ away) / 2
    mean = start + cov[t:, :t] @ away
    unexplained = 1 - solved[:, 2:].sum(0)
    level = (
        np.diag(cov)[t:]
        - np.einsum("ij,ij->j", cov[:t, t:], solved[:, 2:])
        + unexplained**2 / precision
    )
    return float(loglik), mean, level + new + scatter, level


def _check(y: np.ndarray, variance: np.ndarray, at: np.ndarray, ahead: np.ndarray) -> None:
    if len(y) < 3:
        raise ValueError(f"{len(y)} points; a forecast needs 3 or more.")
    if not (variance > 0).all():
        raise ValueError(f"{int((~(variance > 0)).sum())} sampling variances are not above 0.")
    if (np.diff(at) <= 0).any() or (len(ahead) and ahead.min() <= at[-1]):
        raise ValueError("places must rise, and those to forecast lie after the last.")
