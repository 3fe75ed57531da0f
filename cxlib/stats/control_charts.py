"""Control charts, cumulative sums and change points: arithmetic on a series of estimates.

    z, centre, error = standardised(y, covariance, size, baseline=4)
    up, down = cusum(z)                       # tabular, Page (1954)
    change_point(y, size, deviations)         # where, how clear, between where and where

The series runs along the last axis; leading axes (repeated samples, draws) ride along.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

SLACK, DECISION = 0.5, 4.0  # k and h of the CUSUM, in standard errors of a wave
ROUNDING = 1e-12  # part of the variances of waves below which the variance of a difference is none
STEP = 0.05  # p-value of a change of level that dates a signal
RANGE = 1.128  # mean moving range of two of a standard normal (d2)


def standardised(
    y: np.ndarray, covariance: np.ndarray, size: np.ndarray, baseline: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(z, centre, error): how far each wave lies from the baseline's mean, in standard errors.

    `y` (..., t) are the waves, `covariance` (..., t, t) theirs, `size` (..., t) what each weighs in
    the centre, which is the mean of the first `baseline` waves. `error` (..., t) is of a wave minus
    the centre: it follows the wave's own n, counts that the baseline too was measured with error,
    and that a wave of the baseline is part of the centre. NaN where the wave is the whole centre.
    """
    t = y.shape[-1]
    share = np.where(np.arange(t) < baseline, np.nan_to_num(size), 0.0)
    share = share / share.sum(-1, keepdims=True)
    centre = (share * np.nan_to_num(y)).sum(-1, keepdims=True)
    contrast = np.eye(t) - share[..., None, :]
    variance = np.einsum("...ij,...jk,...ik->...i", contrast, covariance, contrast)
    # Waves that vary as one differ by nothing but rounding, which is not the same on every machine.
    apart = np.einsum("...ij,...jj,...ij->...i", contrast, covariance, contrast)
    error = np.sqrt(np.where(apart > 0, np.maximum(variance, ROUNDING * apart), np.nan))
    return (y - centre) / error, centre[..., 0], error


def cusum(
    z: np.ndarray, slack: float = SLACK, decision: float = np.inf
) -> tuple[np.ndarray, np.ndarray]:
    """Tabular cumulative sums, upward and downward, of standardised waves (Page 1954).

    C+ = max(0, z - k + C+ of the wave before), C- = max(0, -z - k + C-). A sum that passed
    `decision` starts again from 0, so that one wild wave does not speak for those after it. A wave
    without an estimate leaves both as they were.
    """
    up, down = np.empty_like(z), np.empty_like(z)
    above = below = np.zeros(z.shape[:-1])
    for t in range(z.shape[-1]):
        now, there = z[..., t], ~np.isnan(z[..., t])
        above, below = (np.where(c > decision, 0.0, c) for c in (above, below))
        above = np.where(there, np.maximum(0, above + now - slack), above)
        below = np.where(there, np.maximum(0, below - now - slack), below)
        up[..., t], down[..., t] = above, below
    return up, down


def start(sums: np.ndarray, decision: float = np.inf) -> np.ndarray:
    """The wave at which each cumulative sum last left zero: when the change likely began."""
    since = np.zeros(sums.shape, int)
    for t in range(1, sums.shape[-1]):
        goes_on = (sums[..., t - 1] > 0) & (sums[..., t - 1] <= decision)
        since[..., t] = np.where(goes_on, since[..., t - 1], t)
    return since


def overdispersion(z: np.ndarray, time: np.ndarray | None = None) -> float:
    """How much more waves scatter than sampling explains: mean moving range over 1.128.

    Of waves that follow each other in `time`: across a gap they may have moved.

    Laney (2002, Quality Engineering 14): the factor of his p' limits. About 1 where nothing but
    sampling moves the waves; at least three are needed, else NaN.
    """
    there = ~np.isnan(z)
    ranges = np.abs(np.diff(z[there]))
    if time is not None and len(ranges):
        steps = np.diff(time[there])
        ranges = ranges[steps == steps.min()]
    return float(ranges.mean() / RANGE) if len(ranges) > 1 else np.nan


def level_shifts(y: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean after minus mean before each wave but the first, and its size, (..., t - 1) each.

    Means are weighted by `size` (inverse variances); the step's own is the inverse variance of it.
    """
    before = np.cumsum(size, -1)[..., :-1]
    whole, sums = size.sum(-1, keepdims=True), np.cumsum(size * y, -1)
    after = whole - before
    step = (sums[..., -1:] - sums[..., :-1]) / after - sums[..., :-1] / before
    return step, before * after / whole


@dataclass(frozen=True)
class ChangePoint:
    """The most likely single change of level.

    Attributes
    ----------
    wave : place of the first wave of the new level
    first, last : percentile interval of it
    p : chance of so large a likelihood ratio without any change
    step : mean after minus mean before
    """

    wave: int
    first: int
    last: int
    p: float
    step: float


def change_point(
    y: np.ndarray, size: np.ndarray, deviations: np.ndarray, level: float = 0.95
) -> ChangePoint:
    """The most likely single change of level, by the largest likelihood ratio over all waves.

    `y` (t,) are the waves, `size` (t,) their inverse variances, `deviations` (draws, t) resamples
    of the waves minus their estimates: they give the chance of so large a ratio without any change,
    and where the change would be found had it happened where it was found. Hawkins (1977, JASA 72).
    """
    ratio, at = _largest(*level_shifts(y, size))
    null = _largest(*level_shifts(deviations, size))[0]
    fitted = np.where(np.arange(len(y)) < at, _mean(y[:at], size[:at]), _mean(y[at:], size[at:]))
    again = _largest(*level_shifts(fitted + deviations, size))[1]
    tail = (1 - level) / 2
    first, last = np.quantile(again, [tail, 1 - tail], method="inverted_cdf")
    return ChangePoint(
        wave=int(at),
        first=int(first),
        last=int(last),
        p=float((1 + (null >= ratio).sum()) / (1 + len(null))),
        step=float(level_shifts(y, size)[0][at - 1]),
    )


def _largest(step: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ratio = step**2 * size
    return ratio.max(-1), ratio.argmax(-1) + 1


def _mean(y: np.ndarray, size: np.ndarray) -> float:
    return float((y * size).sum() / size.sum())


def began(first_seen: str, size: float, change: Mapping[str, Any]) -> str:
    """The wave in which a signal that lasts began.

    That in which its run of signals began, or an earlier significant change of level in its
    direction. `size` is how far the latest wave lies from the centre, `change` has the wave,
    estimate and p of the change of level.

    Examples
    --------
    >>> began("w4", -0.8, {"wave": "w1", "estimate": -0.5, "p": 0.001})
    'w1'
    >>> began("w4", -0.8, {"wave": "w1", "estimate": 0.5, "p": 0.001})
    'w4'
    """
    dated = change.get("p", 1.0) < STEP and change["estimate"] * size > 0
    return min(first_seen, str(change["wave"])) if dated else first_seen
