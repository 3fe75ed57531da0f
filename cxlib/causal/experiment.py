"""Randomised experiments: the difference of arms, and the same adjusted for earlier answers.

Random assignment makes arms alike but for chance. What customers said or did before explains part
of that chance and is taken out: the difference is as unbiased and more precise (CUPED: Deng, Xu,
Kohavi and Walker 2013; with a slope for each arm, Lin 2013, which is never worse in large samples).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cxlib.stats import linear_algebra, resampling
from cxlib.stats.estimators import Replicated, cell_means, columns, ready
from cxlib.stats.resampling import ResamplingUnits

FEW = 5  # customers in each arm; a resample without any of them has a chance of e^-5


def difference(y: np.ndarray, treated: np.ndarray, **how: Any) -> Replicated:
    """Mean of the treated less that of the others, (outcomes,); `how` as in `cell_means`.

    Examples
    --------
    >>> difference(np.array([1.0, 3.0, 4.0, 6.0]), [0, 0, 1, 1], draws=50).estimate.tolist()
    [3.0]
    """
    arm = np.asarray(treated).astype(int)
    means = cell_means(y, arm, 2, **how)
    apart = means[1] - means[0]
    return Replicated(apart.estimate, apart.replicates, _fewer(arm, how.get("clusters")))


def _fewer(arm: np.ndarray, clusters: ResamplingUnits | None) -> float:
    """Customers in the smaller arm: it is what makes a difference unsure."""
    return _fewest(np.ones(len(arm), bool), arm, clusters)


def _fewest(which: np.ndarray, arm: np.ndarray, clusters: ResamplingUnits | None) -> float:
    """Customers with rows of `which` in the arm that has fewer of them."""
    keys = np.arange(len(arm)) if clusters is None else clusters.keys
    return float(min(len(np.unique(keys[which & (arm == side)])) for side in (0, 1)))


def adjusted(
    y: np.ndarray,
    treated: np.ndarray,
    before: np.ndarray,
    *,
    weight: np.ndarray | None = None,
    clusters: ResamplingUnits | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Replicated:
    """The difference at equal values of `before` (n, k), a slope for each arm: (outcomes,).

    Each arm is regressed on `before`, and both are told at the mean of everyone. What is missing of
    `before` is filled with its mean and marked by a column of its own, which a lot allows. Where
    fewer than `FEW` customers of an arm lack it, it is only filled; where fewer have it, it is left
    out: that arm, or some of its draws, would have no solution. Rows must have all outcomes.
    """
    y, x, arm = columns(y), columns(before), np.asarray(treated).astype(float)
    gap = np.isnan(x)
    known, missing = (
        np.array([_fewest(c, arm, clusters) >= FEW for c in which.T], bool) for which in (~gap, gap)
    )
    use = known | ~gap.any(0)
    x = filled(x[:, use], missing[use])
    w, clusters = ready(len(y), weight, clusters)
    x = np.hstack([np.ones((len(y), 1)), x])
    p, q = x.shape[1], y.shape[1]
    products = np.einsum("n,ni,nj->nij", w, x, np.hstack([x, y])).reshape(len(y), -1)
    both = np.hstack([products * arm[:, None], products * (1 - arm)[:, None]])

    def told(sums: np.ndarray) -> np.ndarray:
        sums = sums.reshape(-1, 2, p, p + q)
        slopes = linear_algebra.solve(sums[..., :p], sums[..., p:])
        mean = sums[:, :, 0, :p].sum(1)
        return np.einsum("dp,dpq->dq", mean / mean[:, :1], slopes[:, 0] - slopes[:, 1])

    again = told(resampling.resample_sums(both, draws, seed, clusters))
    return Replicated(told(both.sum(0))[0], again, _fewer(arm, clusters))


def filled(x: np.ndarray, marked: np.ndarray | None = None) -> np.ndarray:
    """Missing values made the mean, with a column that marks them (of those `marked`, or of all).

    Columns that say nothing (constant), or what others say already, are left out.
    """
    from scipy.linalg import qr

    gap = np.isnan(x)
    some = gap.any(0) & ~gap.all(0)
    marks = gap[:, some if marked is None else some & marked].astype(float)
    mean = np.where(gap, 0.0, x).sum(0) / np.maximum((~gap).sum(0), 1)
    x = np.hstack([np.where(gap, mean, x), marks])
    x = x[:, np.ptp(x, axis=0) > 0]
    if not x.shape[1]:
        return x
    even = (x - x.mean(0)) / x.std(0)
    _, r, order = qr(even, mode="economic", pivoting=True)
    size = np.abs(np.diag(r))
    return x[:, np.sort(order[: len(size)][size > 1e-6 * size[0]])]
