"""Latent classes beside StepMix; stability of k-means beside the plain loop. Ratios in one run."""

from __future__ import annotations

import time

import numpy as np
import pytest
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from cxlib.segments import kmeans, stability
from cxlib.stats import mixture_em, resampling

pytestmark = pytest.mark.slow


def answers(n: int, levels: int, k: int, seed: int = 1) -> np.ndarray:
    """Ten answers of n people in k classes."""
    rng = np.random.default_rng(seed)
    share = rng.dirichlet(np.ones(levels), (k, 10)).cumsum(-1)
    kind = rng.integers(k, size=n)
    return (rng.random((n, 10))[:, :, None] > share[kind]).sum(-1).clip(0, levels - 1)


@pytest.mark.parametrize(
    ("n", "levels", "starts", "ratio"),
    [(100_000, 2, 1, 10), (100_000, 4, 1, 10), (10_000, 2, 10, 3), (10_000, 4, 10, 3)],
)
def test_latent_classes_beside_stepmix(n: int, levels: int, starts: int, ratio: int) -> None:
    stepmix = pytest.importorskip("stepmix.stepmix")
    x, k = answers(n, levels, 4), 4
    with threadpool_limits(1):
        mixture_em.best(
            mixture_em.sheet_of([(c, levels) for c in x[:500].T], np.ones(500)), k, 1, 1
        )
        start = time.perf_counter()
        sheet = mixture_em.sheet_of([(c, levels) for c in x.T], np.ones(n))
        ours = mixture_em.best(sheet, k, starts, 1)
        quick = time.perf_counter() - start
        peer = stepmix.StepMix(
            k, measurement="categorical", n_init=starts, random_state=1, progress_bar=0, verbose=0
        )
        start = time.perf_counter()
        peer.fit(x)
        plain = time.perf_counter() - start
    theirs = peer.score(x) * n
    print(
        f"\n{n:,} x 10 of {levels} levels, {starts} starts: {quick:.3f} s, StepMix {plain:.2f} s: "
        f"{plain / quick:.0f}x; {len(sheet.weight):,} patterns; log-likelihood {ours.loglik:.3f} "
        f"against {theirs:.3f}"
    )
    assert ours.loglik >= theirs - 1e-6 * abs(theirs)
    assert plain > ratio * quick


def test_stability_is_twice_as_quick_as_the_plain_loop() -> None:
    rng = np.random.default_rng(1)
    centres, n, k, draws = rng.normal(size=(5, 10)) * 2, 10_000, 5, 100
    x = rng.normal(size=(n, 10)) + centres[rng.integers(k, size=n)]
    with threadpool_limits(1):
        fitted = KMeans(k, n_init=10, random_state=1).fit(x)
        labels, counts = fitted.labels_, resampling.multiplicities(n, draws, 1)
        start = time.perf_counter()
        ours = [
            kmeans.resampled_jaccard(x, times * 1.0, labels, fitted.cluster_centers_, rng)
            for times in counts
        ]
        quick = time.perf_counter() - start
        start = time.perf_counter()
        theirs = [_plain(x, labels, k, rng) for _ in range(draws // 5)]
        plain = 5 * (time.perf_counter() - start)
    assert np.allclose(np.mean(ours, 0), np.mean(theirs, 0), atol=0.02)
    print(
        f"\nstability of {k} segments, {draws} draws of {n:,}: {plain / quick:.1f}x the plain loop"
    )
    assert plain > 2 * quick, f"{plain:.1f} s the plain loop, {quick:.1f} s ours"


def _plain(x: np.ndarray, labels: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    drawn = rng.integers(len(x), size=len(x))
    again = KMeans(k, n_init=10, random_state=1).fit(x[drawn]).predict(x[np.unique(drawn)])
    return stability.jaccard_with_most_similar(labels[np.unique(drawn)], again, k)
