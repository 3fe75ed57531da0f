"""How many segments, and whether each would be found again among other customers.

Each number of segments is tried on bootstrap samples of the customers; a segment is stable when a
sample has one much like it: the Jaccard similarity, customers in both over customers in either
(Hennig 2007). From 0.75 a segment may be reported, from 0.60 it is a pattern; below, it gets no
name.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import pairwise_distances, silhouette_score

from cxlib import moments

REPORT, PATTERN = 0.75, 0.60
STARTS = 10
COMPARED = 2_000  # customers among whom all distances are taken
SMALLEST = 0.02  # share of customers below which a segment is of no use


@dataclass(frozen=True)
class Trial:
    """k segments: centres (k, columns), labels (n,), jaccard (draws, k), silhouette."""

    centres: np.ndarray
    labels: np.ndarray
    jaccard: np.ndarray
    silhouette: float

    @property
    def stability(self) -> np.ndarray:
        """Mean Jaccard of each segment, (k,)."""
        return np.nanmean(self.jaccard, axis=0)


def trials(
    x: np.ndarray, w: np.ndarray, numbers: list[int], draws: int, seed: int
) -> dict[int, Trial]:
    """A trial for each number of segments. All share the same draws and the same distances."""
    some = np.random.default_rng(seed).permutation(len(x))[:COMPARED]
    counts = moments.multiplicities(len(x), draws, seed)
    distances = pairwise_distances(x[some])
    return {k: _trial(x, w, k, counts, distances, some, seed) for k in numbers}


def choice_of(tried: dict[int, Trial], w: np.ndarray, chosen: int) -> pd.DataFrame:
    """One row a number of segments: k, silhouette, stability, weakest, smallest, chosen."""
    return pd.DataFrame(
        {
            "k": k,
            "silhouette": t.silhouette,
            "stability": np.average(t.stability, weights=np.bincount(t.labels, w, k)),
            "weakest": t.stability.min(),
            "smallest": np.bincount(t.labels, w, k).min() / w.sum(),
            "chosen": k == chosen,
        }
        for k, t in tried.items()
    )


def choose(tried: dict[int, Trial], w: np.ndarray) -> int:
    """The number whose segments are best apart among those whose every segment is stable.

    If at no number all are stable, the number with the most stable weakest segment.
    """
    table = choice_of(tried, w, 0).set_index("k")
    useful = table[table["smallest"] >= SMALLEST]
    useful = table if useful.empty else useful
    stable = useful[useful["weakest"] >= REPORT]
    best = useful["weakest"] if stable.empty else stable["silhouette"]
    return int(best.idxmax())


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
    jaccard = [_again(x, w * times, labels, centres, rng) for times in counts]
    return Trial(centres, labels, np.array(jaccard), float(apart))


def _again(
    x: np.ndarray, w: np.ndarray, labels: np.ndarray, centres: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Jaccard of each segment with its likest in one sample, over the different customers drawn.

    From the fitted centres, and from a fresh start lest the old centres hold the sample fast; the
    tighter of the two counts. A customer drawn twice is a weight of two, so that each is read once.
    """
    drawn = w > 0
    sample, weight, k = x[drawn], w[drawn], len(centres)
    _, again, spread = clusters(sample, weight, k, 0, centres)
    fresh = KMeans(k, n_init=1, random_state=int(rng.integers(2**31 - 1)))
    fresh.fit(sample, sample_weight=weight)
    if fresh.inertia_ < spread:
        again = fresh.labels_
    return _likest(labels[drawn], again, k)


def _likest(before: np.ndarray, after: np.ndarray, k: int) -> np.ndarray:
    both = np.bincount(before * k + after, minlength=k * k).reshape(k, k)
    either = both.sum(1, keepdims=True) + both.sum(0) - both
    with np.errstate(invalid="ignore"):
        likeness = (both / either).max(axis=1)
    return np.where(both.sum(1) > 0, likeness, np.nan)
