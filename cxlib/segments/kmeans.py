"""Segments by k-means: tried on the customers as points, and on samples of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances, silhouette_score
from threadpoolctl import threadpool_limits

from cxlib.segments import profiles
from cxlib.segments.features import Axis, axes_of, points_of, values_of
from cxlib.segments.stability import Trial, jaccard_with_most_similar
from cxlib.stats import resampling

STARTS = 10
COMPARED = 2_000  # customers among whom all distances are taken
SAMPLE = 10_000  # customers on whom the number of segments is chosen
SUFFICIENT = 1.0  # share of the best silhouette that the chosen number has


@dataclass(frozen=True)
class Centroids:
    """How customers become points, and the middle of each segment (k, columns)."""

    axes: list[Axis]
    centres: np.ndarray

    def memberships(self, rows: pd.DataFrame) -> np.ndarray:
        """1 for the nearest segment of each row, else 0: (n, k)."""
        x = points_of(self.axes, rows)
        # |x - c|² without |x|², which is the same for every centre.
        far = (self.centres**2).sum(1) - 2 * x @ self.centres.T
        return (far.argmin(1)[:, None] == np.arange(len(self.centres))).astype(float)


@dataclass(frozen=True)
class KMeansData:
    """Customers as points, ready to be clustered."""

    axes: list[Axis]
    rows: pd.DataFrame
    x: np.ndarray
    w: np.ndarray

    @property
    def different(self) -> int:
        """Number of customers that differ in some feature."""
        return len(np.unique(self.x, axis=0))

    def trials(
        self, numbers: list[int], sampled: np.ndarray, draws: int, seed: int
    ) -> dict[int, Trial]:
        """A trial for each number of segments. All share the same draws and distances."""
        x, w = self.x[sampled], self.w[sampled]
        some = np.random.default_rng(seed).permutation(len(x))[:COMPARED]
        counts = resampling.multiplicities(len(x), draws, seed)
        # Small products: threads would only wait for each other.
        with threadpool_limits(1):
            distances = pairwise_distances(x[some])
            return {k: _trial(x, w, k, counts, distances, some, seed) for k in numbers}

    def describe(
        self, trial: Trial, draws: int, seed: int
    ) -> tuple[Centroids, profiles.Description, np.ndarray]:
        """Of all customers, the largest first: (model, description, order of the trial's)."""
        k = len(trial.share)
        with threadpool_limits(1):
            centres, labels, _ = clusters(self.x, self.w, k, seed, trial.solution)
        order = np.argsort(-np.bincount(labels, self.w, k), kind="stable")
        values = np.hstack([values_of(axis, self.rows[axis.name]) for axis in self.axes])
        found = profiles.describe(values, self.w, np.argsort(order)[labels], k, draws, seed)
        return Centroids(self.axes, centres[order]), found, order


def points(rows: pd.DataFrame, w: np.ndarray) -> KMeansData:
    """The customers as points."""
    axes = axes_of(rows, list(rows), w)
    return KMeansData(axes, rows, points_of(axes, rows), w)


def clusters(
    x: np.ndarray, w: np.ndarray, k: int, seed: int, start: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, float]:
    """scikit-learn's k-means from `start`, or the best of several: (centres, labels, inertia)."""
    if start is None:
        fitted = KMeans(k, n_init=STARTS, random_state=seed).fit(x, sample_weight=w)
    else:
        fitted = KMeans(k, init=start, n_init=1).fit(x, sample_weight=w)
    return fitted.cluster_centers_, fitted.labels_, float(fitted.inertia_)


def _trial(
    x: np.ndarray,
    w: np.ndarray,
    k: int,
    counts: np.ndarray,
    distances: np.ndarray,
    some: np.ndarray,
    seed: int,
) -> Trial:
    centres, labels, _ = clusters(x, w, k, seed)
    apart = np.nan
    if 1 < len(np.unique(labels[some])) < len(some):
        apart = silhouette_score(distances, labels[some], metric="precomputed")
    rng = np.random.default_rng(seed)
    jaccard = [resampled_jaccard(x, w * times, labels, centres, rng) for times in counts]
    share = np.bincount(labels, w, k) / w.sum()
    return Trial(share, np.array(jaccard), centres, float(apart), {"silhouette": float(apart)})


def resampled_jaccard(
    x: np.ndarray, w: np.ndarray, labels: np.ndarray, centres: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Jaccard of each segment with its most similar in a sample, over the customers drawn.

    From the fitted centres, and from a fresh start lest the old centres hold the sample fast; the
    tighter of the two counts. A customer drawn twice is a weight of two, so that each is read once.
    """
    drawn = w > 0
    sample, weight, k = x[drawn], w[drawn], len(centres)
    _, after, spread = clusters(sample, weight, k, 0, centres)
    fresh = KMeans(k, n_init=1, random_state=int(rng.integers(2**31 - 1)))
    fresh.fit(sample, sample_weight=weight)
    if fresh.inertia_ < spread:
        after = fresh.labels_
    return jaccard_with_most_similar(labels[drawn], after, k)
