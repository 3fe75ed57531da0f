"""Weighting: treated customers compared with controls weighted to look the same beforehand.

    w = balanced(x, treated)                     # weights of the controls; the treated keep theirs
    balance(x, treated, w)                       # standardised differences
    effect(y, treated, x, clusters=clusters)     # the effect on the treated, and its replicates

Entropy balancing (Hainmueller 2012): weights nearest to equal ones that make the means of `x` the
same, found again in each draw. What is not in `x` may still differ: see `sensitivity`.
"""

from __future__ import annotations

import numpy as np

from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.stats.estimators import Replicated, columns, ready
from cxlib.stats.resampling import ResamplingUnits

STEPS = 60
CLOSE = 1e-7  # of a standard deviation: when means count as equal


def balanced(
    x: np.ndarray, treated: np.ndarray, weight: np.ndarray | None = None, *, check: bool = True
) -> np.ndarray:
    """Weights that give the others the means of the treated in `x` (n, k): (..., n).

    `weight` (..., n) are weights to begin with, a set for each draw; the treated keep theirs, and
    the others' add up to the same sum. A draw without a solution is NaN; without `check` the first
    may be too. Raises ValueError where the treated lie outside all others.

    Examples
    --------
    >>> x = np.array([[0.0], [1.0], [1.0], [1.0]])
    >>> balanced(x, np.array([False, False, True, True]), check=False).shape
    (4,)
    """
    x, treated = columns(x), np.asarray(treated, bool)
    w = ready(len(x), weight, None)[0]
    shape, w = w.shape, np.atleast_2d(w)
    if not treated.any() or treated.all():
        raise InsufficientData(
            _(
                "{treated:count} of {n:count} are treated; both treated and controls are needed.",
                treated=int(treated.sum()),
                n=len(x),
            )
        )
    scale = x.std(0)
    z = (x - x[treated].mean(0))[:, scale > 0] / scale[scale > 0]
    total = w[:, treated].sum(1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        goal = w[:, treated] @ z[treated] / total
    found = w.copy()
    start = np.zeros(z.shape[1])
    if len(w) > 1:  # draws lie near one another: from the middle of them few steps are left
        middle = (w[:, ~treated].mean(0, keepdims=True), np.nanmean(goal, 0, keepdims=True))
        start = np.nan_to_num(_tilted(z[~treated], *middle, start)[1][0])
    found[:, ~treated] = total * _tilted(z[~treated], w[:, ~treated], goal, start)[0]
    if check and np.isnan(found[0]).any():
        raise InsufficientData(_no_overlap(z, treated))
    return found.reshape(shape)


def _tilted(
    z: np.ndarray, w: np.ndarray, goal: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weights w exp(z l) that sum to 1, with means of z at `goal`, and l: Newton from `start`.

    All draws at once, those that are there already left alone; NaN for a draw without a solution.
    """
    k = z.shape[1]
    tilt = np.tile(start, (len(w), 1))
    products = np.einsum("ni,nj->nij", z, z).reshape(len(z), -1)

    def parts(tilt: np.ndarray, on: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        power = tilt @ z.T
        top = power.max(1, keepdims=True)
        raw = w[on] * np.exp(power - top)
        total = raw.sum(1, keepdims=True)
        share = raw / np.maximum(total, 1e-300)
        height = np.log(np.maximum(total, 1e-300))[:, 0] + top[:, 0] - (tilt * goal[on]).sum(1)
        return share, share @ z - goal[on], height

    share, slope, height = parts(tilt, np.arange(len(w)))
    for _step in range(STEPS):
        on = np.flatnonzero(~(np.abs(slope).max(1, initial=0) < CLOSE) & np.isfinite(height))
        if not len(on):
            break
        mean = share[on] @ z
        curve = (share[on] @ products).reshape(-1, k, k) - mean[:, :, None] * mean[:, None, :]
        curve += 1e-9 * np.eye(k)
        step = np.linalg.solve(curve, slope[on][..., None])[..., 0]
        size = np.ones((len(on), 1))
        for _half in range(12):  # half the step until the (convex) height falls
            ahead = tilt[on] - size * step
            new_share, new, now = parts(ahead, on)
            worse = now > height[on] + 1e-12
            if not worse.any():
                break
            size[worse] /= 2
        tilt[on], share[on], slope[on], height[on] = ahead, new_share, new, now
    share[~(np.abs(slope).max(1, initial=0) < 1e-4)] = np.nan
    return share, tilt


def _no_overlap(z: np.ndarray, treated: np.ndarray) -> str:
    least, most = z[~treated].min(0), z[~treated].max(0)
    outside = [k for k in range(z.shape[1]) if not least[k] <= z[treated][:, k].mean() <= most[k]]
    facts = {"control": int((~treated).sum()), "treated": int(treated.sum()), "k": z.shape[1]}
    if outside:
        return _(
            "No weights make {control:count} controls similar to the {treated:count} treated in "
            "all {k:count} columns: column {column} of the treated lies outside the controls. Take "
            "fewer columns, or treated customers who have comparable controls.",
            column=outside[0],
            **facts,
        )
    return _(
        "No weights make {control:count} controls similar to the {treated:count} treated in all "
        "{k:count} columns. Take fewer columns, or treated customers who have comparable controls.",
        **facts,
    )


def balance(x: np.ndarray, treated: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Standardised differences of means, (k,): treated less others, in deviations of the treated.

    Under .1 counts as alike (Austin 2009).
    """
    x, treated = columns(x), np.asarray(treated, bool)
    w = ready(len(x), weight, None)[0]
    one, other = (np.average(x[s], axis=0, weights=w[s]) for s in (treated, ~treated))
    spread = np.sqrt(np.average((x[treated] - one) ** 2, axis=0, weights=w[treated]))
    spread = np.where(spread > 0, spread, x.std(0))
    return np.divide(one - other, spread, out=np.zeros_like(one), where=spread > 0)


def effect(
    y: np.ndarray,
    treated: np.ndarray,
    x: np.ndarray,
    *,
    weight: np.ndarray | None = None,
    clusters: ResamplingUnits | None = None,
    draws: int = 500,
    seed: int = 1,
) -> Replicated:
    """Mean of the treated less that of the others made like them in each draw, (outcomes,).

    Rows must be complete. Pass changes from before to after as `y` for a difference in differences
    of like customers.
    """
    y, treated = columns(y), np.asarray(treated, bool)
    w, clusters = ready(len(y), weight, clusters)
    sign = np.where(treated, 1.0, -1.0)

    def told(weights: np.ndarray, check: bool) -> np.ndarray:
        found = balanced(x, treated, weights, check=check)
        total = found[..., treated].sum(-1, keepdims=True)
        return (found * sign) @ y / total

    parts = [told(w * times, False) for times in clusters.times(draws, seed)]
    return Replicated(told(w, True), np.concatenate(parts), float(len(np.unique(clusters.keys))))


def effective(weight: np.ndarray) -> float:
    """How many equally weighted others these weights are worth (Kish).

    Examples
    --------
    >>> effective(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    return float(weight.sum() ** 2 / (weight**2).sum())
