"""Difference-in-differences: treated and control groups, before and after.

    cells = group_means(y, group, wave, clusters=clusters)        # a mean for each group and wave
    effect(cells, treated, before, after)               # the difference in differences
    path(cells, treated, before)                        # wave by wave: the event study
    pre_trend_test(path, before)                        # were trends parallel before?
    bounds(path, before, after, apart=1.0)              # and if they diverge afterwards?

It holds where both would have moved in parallel without the change. That cannot be seen; whether
they did so before can, and `bounds` says how far they would have to diverge for the effect to
vanish (Rambachan and Roth 2023). Groups are pooled by their share over all waves, so that another
mix of groups from wave to wave is no effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.stats.estimators import Replicated, cell_means, ready
from cxlib.stats.intervals import LEVEL


@dataclass(frozen=True, eq=False)
class Cells:
    """Means of every group in every wave.

    Attributes
    ----------
    means : Replicated, of (groups, waves)
    share : weight of each group over all waves, (groups,)
    count : rows, (groups, waves)
    """

    means: Replicated
    share: np.ndarray
    count: np.ndarray


def group_means(
    y: np.ndarray,
    group: np.ndarray,
    wave: np.ndarray,
    groups: int,
    waves: int,
    *,
    counts: np.ndarray | None = None,
    **how: Any,
) -> Cells:
    """A mean for each group and wave; `group` and `wave` are places from 0, `how` as `cell_means`.

    Rows without an outcome do not count; others stand for one each, or for as many as `counts` has.
    """
    y = np.asarray(y, float)
    place = np.where(np.isnan(y), -1, group * waves + wave)
    flat = cell_means(y, place, groups * waves, **how)
    shape = (groups, waves)
    means = Replicated(
        flat.estimate.reshape(shape), flat.replicates.reshape(-1, *shape), flat.units
    )
    w, _ = ready(len(y), how.get("weight"), None)
    there = place >= 0
    share = np.bincount(group[there], w[there], groups)
    n = np.ones(len(y)) if counts is None else counts
    count = np.bincount(place[there], n[there], groups * waves).astype(int).reshape(shape)
    return Cells(means, share, count)


def gap(cells: Cells, treated: np.ndarray) -> Replicated:
    """Treated less others in each wave, (waves,); groups pooled by their share."""
    treated = np.asarray(treated, bool)
    pool = np.where(treated, cells.share, 0.0) / max(cells.share[treated].sum(), 1e-300)
    pool = pool - np.where(treated, 0.0, cells.share) / max(cells.share[~treated].sum(), 1e-300)
    return (cells.means @ pool[:, None])[0]


def effect(cells: Cells, treated: np.ndarray, before: np.ndarray, after: np.ndarray) -> Replicated:
    """The difference in differences, (1,): the mean gap `after` less the mean gap `before`.

    `before` and `after` are flags of waves; a wave that is neither does not count.
    """
    found = gap(cells, treated) @ contrast(before, after)
    sides = [
        cells.count[side][:, np.asarray(when, bool)].sum()
        for side in (np.asarray(treated, bool), ~np.asarray(treated, bool))
        for when in (before, after)
    ]
    return Replicated(found.estimate, found.replicates, float(min(found.units, *sides)))


def contrast(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Mean over the waves `after` less mean over those `before`, (waves, 1).

    Examples
    --------
    >>> contrast([1, 1, 0], [0, 0, 1]).ravel().tolist()
    [-0.5, -0.5, 1.0]
    """
    before, after = np.asarray(before, float), np.asarray(after, float)
    if not before.sum() or not after.sum():
        raise InsufficientData(
            _(
                "Waves before the change: {before:count}, after: {after:count}; each needs one.",
                before=int(before.sum()),
                after=int(after.sum()),
            )
        )
    return (after / after.sum() - before / before.sum())[:, None]


def path(cells: Cells, treated: np.ndarray, before: np.ndarray) -> Replicated:
    """The gap in each wave less that of the last wave before the change, (waves,)."""
    last = np.flatnonzero(before)[-1]
    return _since(gap(cells, treated), last)


def _since(gaps: Replicated, last: int) -> Replicated:
    shift = np.eye(len(gaps.estimate))
    shift[last] -= 1
    return gaps @ shift


def pre_trend_test(path: Replicated, before: np.ndarray) -> tuple[float, int]:
    """Chance of gaps as uneven if they were even before: (p, how many waves are compared).

    Wald's test that the gaps of all waves before the change are one, with the covariance of the
    draws and Hotelling's F for its being estimated. NaN with fewer than two waves.
    """
    from scipy.special import fdtrc

    places = np.flatnonzero(before)[:-1]
    if not len(places):
        return np.nan, 0
    known = ~np.isnan(path.replicates[:, places]).any(1)
    if known.sum() < 2:
        raise InsufficientData(
            _("Before the change some wave has too few answers to compare the two.")
        )
    cov = np.atleast_2d(np.cov(path.replicates[known][:, places], rowvar=False))
    wald = path.estimate[places] @ np.linalg.pinv(cov) @ path.estimate[places]
    free = max(min(path.units, known.sum()) - len(places), 2.0)
    return float(fdtrc(len(places), free, wald / len(places))), len(places)


def bounds(
    path: Replicated,
    before: np.ndarray,
    after: np.ndarray,
    apart: float,
    *,
    time: np.ndarray | None = None,
    level: float = LEVEL,
) -> tuple[float, float]:
    """Interval of the mean effect if the groups part by up to `apart` times what they did before.

    From one wave to the next the gap may then move, without the change, by `apart` times its
    largest step before (relative magnitudes: Rambachan and Roth 2023, section 2.4.1); so by k times
    that in the k-th wave after. The step before is taken draw by draw, noise and all, so the
    interval is wide rather than narrow. `time` are the places of the waves where some are missing:
    a step over several periods counts as so many.
    """
    where = np.flatnonzero(before)
    time = np.arange(len(before)) if time is None else time
    steps = np.diff(path.replicates[:, where], axis=1) / np.diff(time[where])
    step = np.abs(steps).max(axis=1, initial=0.0)
    waves = np.flatnonzero(after)
    far = (time[waves] - time[where[-1]]).mean() * apart * step
    mean = path.replicates[:, waves].mean(1)
    low, _ = Replicated(np.array(np.nan), mean - far, path.units).interval(level)
    _, high = Replicated(np.array(np.nan), mean + far, path.units).interval(level)
    return float(low), float(high)


def breakdown(
    path: Replicated,
    before: np.ndarray,
    after: np.ndarray,
    *,
    time: np.ndarray | None = None,
    most: float = 5.0,
) -> float:
    """The `apart` of `bounds` from which the effect may be none; 0 if it may be anyway.

    Between 0 and `most`, to a hundredth. NaN with fewer than two waves before.
    """
    if np.sum(before) < 2:
        return np.nan
    low, high = 0.0, most
    while high - low > 0.005:
        middle = (low + high) / 2
        least, largest = bounds(path, before, after, middle, time=time)
        low, high = (low, middle) if least <= 0 <= largest else (middle, high)
    return 0.0 if high < 0.01 else round(high, 2)


def placebo_times(before: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Changes that never were, in the waves before the true one: (before, after) of each."""
    waves = np.flatnonzero(before)
    flags = np.zeros(len(before), bool)
    pairs = []
    for k in range(1, len(waves)):
        first, second = flags.copy(), flags.copy()
        first[waves[:k]], second[waves[k:]] = True, True
        pairs.append((first, second))
    return pairs
