"""A control chart whose baseline follows confirmed changes, judged wave by wave as known then.

    chart = adaptive_chart(y, covariance)
    chart.z, chart.centre            # of each wave, from the waves before it alone
    chart.side, chart.since          # -1 in a fall, 1 in a gain; the wave in which it began

The first wave is the first baseline; each later wave that gives no signal joins it (Quesenberry
1991). A gain that its next wave confirms becomes the new baseline; a fall does not, until it has
lasted long: limits are moved only where the change is wanted and stays (Wheeler 2004). What is
known of a wave rests on that wave and those before it, so a chart made today and one made then
give the same signals. Leading axes of the series (resamples) ride along.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxlib.stats.control_charts import DECISION, SLACK

WIDTH = 3.0
CONFIRM, ACCEPT = 2, 8  # waves after which a gain, and a fall, is the new baseline
CALM = 0.954  # median change between two of a standard normal
MINIMUM = 4  # waves with a z, of which the usual swing is taken


@dataclass(frozen=True)
class AdaptiveChart:
    """Each wave against the baseline as it was known then; all (..., t).

    Attributes
    ----------
    z, centre, error : how far it lies from the mean of the baseline, in standard errors of that
        difference; NaN for the first wave
    up, down : cumulative sums
    side : -1 in a fall, 1 in a gain, 0 in neither
    since : place of the wave in which the fall or gain began; its own where there is none
    baseline : the wave is in the baseline that the latest wave is held against
    """

    z: np.ndarray
    centre: np.ndarray
    error: np.ndarray
    up: np.ndarray
    down: np.ndarray
    side: np.ndarray
    since: np.ndarray
    baseline: np.ndarray

    @property
    def alarms(self) -> np.ndarray:
        """Whether a fall is first signalled in the wave."""
        before = np.concatenate([np.zeros_like(self.side[..., :1]), self.side[..., :-1]], -1)
        return (self.side < 0) & (before >= 0)


def adaptive_chart(
    y: np.ndarray,
    covariance: np.ndarray,
    weight: np.ndarray,
    *,
    width: float = WIDTH,
    confirm: int = CONFIRM,
    accept: int = ACCEPT,
) -> AdaptiveChart:
    """Judge each wave by those before it: Shewhart limits and cumulative sums, which adapt.

    A fall (gain) is signalled where a wave lies more than `width` standard errors from the
    baseline's mean, or a cumulative sum (k 0.5, h 4) passes; it then began where that sum left
    zero. It lasts while each wave is nearer to its mean than to the baseline's. Its waves stay out
    of the baseline until it is the baseline: after `confirm` waves of a gain, `accept` of a fall.

    Parameters
    ----------
    y : (..., t) the waves; NaN in all leading axes for one that is not judged
    covariance : (t, t, t) for each wave that of the waves as known then, or (t, t)
    weight : (t,) what each weighs in the baseline's mean
    width : of the limits, in standard errors
    confirm, accept : waves, 1 or more

    Returns
    -------
    AdaptiveChart

    References
    ----------
    Quesenberry (1991), SPC Q charts for start-up processes, Journal of Quality Technology 23; Page
    (1954), Biometrika 41; Wheeler (2004), When do I recalculate my limits?, Quality Digest.

    Examples
    --------
    >>> y = np.array([0.0, 1.0, 8.0, 8.0, 7.0, 1.0, 2.0])
    >>> chart = adaptive_chart(y, np.eye(7), np.ones(7))
    >>> chart.side.tolist(), chart.centre.round(1).tolist()
    ([0, 0, 1, 1, 0, -1, -1], [nan, 0.0, 0.5, 0.5, 8.0, 7.7, 7.7])
    """
    state = _State.empty(np.atleast_2d(y))
    for t in np.flatnonzero(~np.isnan(state.y).all(0)).tolist():
        known = covariance[t] if covariance.ndim == 3 else covariance
        state.judge(t, known[: t + 1, : t + 1], weight, width)
        state.adopt(t, confirm, accept)
    parts = (state.z, state.centre, state.error, state.up, state.down, state.side, state.since)
    return AdaptiveChart(*(p.reshape(y.shape) for p in (*parts, state.used)))


def usual_swing(z: np.ndarray) -> float:
    """How much more a series moves from wave to wave than sampling explains, at least 1.

    By the median of the moves, so that one event does not count as usual.

    Examples
    --------
    >>> usual_swing(np.array([0, 0.5, -0.2, 0.1, -12, 0.3])), usual_swing(np.tile([-3.0, 3.0], 4))
    (1.0, 6.289308176100629)
    """
    there = z[~np.isnan(z)]
    return (
        max(1.0, float(np.median(np.abs(np.diff(there))) / CALM)) if len(there) >= MINIMUM else 1.0
    )


@dataclass
class _State:
    """A chart in the making: rows are leading axes, columns waves."""

    y: np.ndarray
    z: np.ndarray
    centre: np.ndarray
    error: np.ndarray
    up: np.ndarray
    down: np.ndarray
    side: np.ndarray
    since: np.ndarray
    base: np.ndarray  # waves of the baseline, as known now
    used: np.ndarray  # and as the wave just judged was held against
    sums: np.ndarray  # (2, rows): up and down
    left: np.ndarray  # (2, rows): the wave in which each left zero
    run: np.ndarray  # side of the fall or gain that lasts
    start: np.ndarray  # and where it began

    @classmethod
    def empty(cls, y: np.ndarray) -> _State:
        rows, t = y.shape
        z, centre, error, up, down = np.full((5, rows, t), np.nan)
        return cls(
            **{"y": y, "z": z, "centre": centre, "error": error, "up": up, "down": down},
            side=np.zeros(y.shape, int),
            since=np.tile(np.arange(t), (rows, 1)),
            base=np.zeros(y.shape, bool),
            used=np.zeros(y.shape, bool),
            sums=np.zeros((2, rows)),
            left=np.zeros((2, rows), int),
            run=np.zeros(rows, int),
            start=np.zeros(rows, int),
        )

    def judge(self, t: int, covariance: np.ndarray, weight: np.ndarray, width: float) -> None:
        """Hold wave t against the baseline, and say whether it is in a fall or gain."""
        y, now = np.nan_to_num(self.y), self.y[:, t]
        share = self.base * weight
        total = share.sum(1, keepdims=True)
        if not total.any():  # the first wave
            self.base[:, t] = self.used[:, t] = True
            return
        self.used = self.base.copy()
        share = (share / total)[:, :t]
        centre = (share * y[:, :t]).sum(1)
        past = share @ covariance[:t, :t]
        variance = covariance[t, t] - 2 * share @ covariance[:t, t] + (past * share).sum(1)
        error = np.sqrt(np.where(variance > 1e-18, variance, np.nan))
        z = (now - centre) / error
        self.z[:, t], self.centre[:, t], self.error[:, t] = z, centre, error
        self._sum(t, np.nan_to_num(z))
        self._follow(t, now, centre, np.nan_to_num(z), width)

    def _sum(self, t: int, z: np.ndarray) -> None:
        sums = np.where(self.sums > DECISION, 0.0, self.sums)  # begins again after a signal
        self.left = np.where(sums == 0, t, self.left)
        self.sums = np.maximum(0, sums + np.stack([z, -z]) - SLACK)
        self.up[:, t], self.down[:, t] = self.sums

    def _follow(
        self, t: int, now: np.ndarray, centre: np.ndarray, z: np.ndarray, width: float
    ) -> None:
        """Does a fall or gain go on, begin or end?"""
        far = np.abs(z) > width
        passed = self.sums > DECISION
        new = np.where(far, np.sign(z), np.where(passed[0], 1, np.where(passed[1], -1, 0)))
        new = new.astype(int)
        begin = np.where(far, t, np.where(new > 0, *self.left))
        places = np.arange(self.y.shape[1])
        of_run = (places >= self.start[:, None]) & (places < t) & ~np.isnan(self.y)
        level = np.where(of_run, self.y, 0).sum(1) / np.maximum(of_run.sum(1), 1)
        lasts = (self.run != 0) & ((now - (level + centre) / 2) * self.run > 0)
        ended = (self.run != 0) & ~lasts
        self.start = np.where(lasts, self.start, begin)
        self.run = np.where(lasts, self.run, new)
        self.sums[:, ended & (new == 0)] = 0.0
        out = self.run != 0
        self.side[:, t] = self.run
        self.since[:, t] = np.where(out, self.start, t)
        self.base[:, t] = ~out & ~np.isnan(now)
        self.base &= ~(out[:, None] & (places >= self.start[:, None]))

    def adopt(self, t: int, confirm: int, accept: int) -> None:
        """Make a gain that is confirmed, or a fall that lasted long, the new baseline."""
        places = np.arange(self.y.shape[1])
        of_run = (places >= self.start[:, None]) & (places <= t) & ~np.isnan(self.y)
        length = of_run.sum(1)
        held = ((self.run > 0) & (length >= confirm)) | ((self.run < 0) & (length >= accept))
        self.base = np.where(held[:, None], of_run, self.base)
        self.run = np.where(held, 0, self.run)
        self.sums[:, held] = 0.0
