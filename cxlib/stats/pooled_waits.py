"""How long it takes until something comes, for kinds of which some are small.

    fit = pooled_waits(days, came, [region, state])    # kinds from coarse to fine, as codes
    fit.quantile(0.9)                                  # (kinds of the finest level,)

A kind's hazards are pooled partially towards those of the kind it belongs to: the parent counts as
so many observations in each. A kind without rows of its own has the curve of its parent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxlib.stats.survival import kaplan_meier

PRIOR = 30.0  # observations that the parent of a kind counts for
POINTS = 400  # times at which curves may step


@dataclass(frozen=True)
class PooledWaits:
    """Curves of each kind of the finest level.

    Attributes
    ----------
    times : (g,) at which something came
    share : (kinds, g) to whom it came by then
    """

    times: np.ndarray
    share: np.ndarray

    def quantile(self, p: float) -> np.ndarray:
        """The time by which it has come to the share `p` of each kind, (kinds,).

        Infinite where so many were not observed to get it.
        """
        over = self.share >= p - 1e-12
        if not len(self.times):
            return np.full(len(self.share), np.inf)
        return np.where(over.any(1), self.times[over.argmax(1)], np.inf)


def pooled_waits(
    time: np.ndarray,
    came: np.ndarray,
    levels: Sequence[np.ndarray],
    *,
    kinds: Sequence[int] | None = None,
    parents: Sequence[np.ndarray] | None = None,
    prior: float = PRIOR,
) -> PooledWaits:
    """Kaplan-Meier curves of nested kinds, pooled partially level by level.

    Parameters
    ----------
    time : (n,) until it came, or until which it was waited for in vain
    came : (n,) whether it came
    levels : codes of the kind of each row, (n,) each, from coarse to fine; a kind of one level
        lies in one kind of the level before, those of the first in all
    kinds : how many kinds each level has; as many as there are codes by default
    parents : of each level, the kind of the level before that each of its kinds lies in; from the
        rows by default
    prior : observations that the parent counts for, above 0

    Returns
    -------
    PooledWaits of the finest level. The hazard of a kind at a time is (d + prior * D / N) /
    (n + prior * A / N), with d of n at risk in the kind, D of A in its parent, and N rows there:
    the mean of a beta-Stacy process around the parent's curve. Of more than 400 times, quantiles of
    them stand for all; what came between is counted at the next.

    References
    ----------
    Kaplan and Meier (1958); Susarla and Van Ryzin (1976), Nonparametric Bayesian estimation of
    survival curves from incomplete observations, JASA 71; Walker and Muliere (1997), Beta-Stacy
    processes, Annals of Statistics 25.

    Examples
    --------
    >>> days, kind = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 0, 0, 1])
    >>> fit = pooled_waits(days, np.ones(4), [kind], prior=4)
    >>> fit.quantile(0.5).tolist()    # of the second kind: its 4 days beside 1, 2, 3 and 4
    [2.0, 3.0]
    """
    time, came = np.asarray(time, float), np.asarray(came, bool)
    times = np.unique(time[came])
    if len(times) > POINTS:
        times = np.unique(np.quantile(times, np.linspace(0, 1, POINTS), method="inverted_cdf"))
    last = np.where(came, np.searchsorted(times, time), np.searchsorted(times, time, "right") - 1)
    whole = np.zeros(len(time), int)
    came_at, there = _counts(whole, 1, last, came, len(times))
    rows = np.array([float(len(time))])
    before = whole
    for at, codes in enumerate(levels):
        n = int(codes.max(initial=-1)) + 1 if kinds is None else kinds[at]
        if parents is None:
            parent = np.zeros(n, int)
            parent[codes] = before
        else:
            parent = parents[at]
        own_came, own_there = _counts(codes, n, last, came, len(times))
        scale = (prior / np.maximum(rows, 1e-300))[parent, None]
        came_at, there = own_came + scale * came_at[parent], own_there + scale * there[parent]
        rows, before = np.bincount(codes, minlength=n) + prior, codes
    return PooledWaits(times, 1 - kaplan_meier(came_at, there))


def _counts(
    codes: np.ndarray, kinds: int, last: np.ndarray, came: np.ndarray, points: int
) -> tuple[np.ndarray, np.ndarray]:
    """How many came at each time, and were at risk then, by kind: (kinds, points) each."""
    ends = np.bincount(codes * (points + 1) + last + 1, minlength=kinds * (points + 1))
    there = ends.reshape(kinds, points + 1)[:, ::-1].cumsum(1)[:, ::-1][:, 1:]
    place = codes[came] * points + last[came]
    arrived = np.bincount(place, minlength=kinds * points).reshape(kinds, points)
    return arrived.astype(float), there.astype(float)
