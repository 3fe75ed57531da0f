"""Resampling: how often each customer comes up in each draw, the same for all that is estimated."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

BATCH = 500_000  # drawn units held at once
MANY, BUCKETS = 10_000, 1_000  # rows above which `resample_sums` draws buckets, and how many


def multiplicities(units: int, draws: int, seed: int) -> np.ndarray:
    """How often each unit comes up in each sample drawn with replacement: (draws, units).

    The one source of resampling: the same `units`, `draws` and `seed` give the same draws to every
    estimate of a page, so that differences between estimates can be taken draw by draw.
    """
    return np.concatenate(list(batches(units, draws, seed)))


def batches(units: int, draws: int, seed: int, together: int = 0) -> Iterator[np.ndarray]:
    # Tallies of drawn units are eight times quicker than binomials, and batches keep them small.
    if draws < 1:
        raise ValueError(f"draws is {draws}; it must be 1 or more.")
    rng = np.random.default_rng(seed)
    at_once = together or max(1, BATCH // units)
    for start in range(0, draws, at_once):
        size = min(at_once, draws - start)
        drawn = rng.integers(units, size=(size, units)) + units * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * units).reshape(size, units)


def resample_sums(values: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """Sums of `values` (rows, p), a row a customer, over `draws` samples of customers: (draws, p).

    For statistics that need many plain sums and no products. Above MANY rows, customers are put
    into BUCKETS random buckets that are drawn whole, which costs next to nothing and no precision
    that a reader could see.
    """
    if len(values) > MANY:
        order = np.random.default_rng(seed).permutation(len(values))
        edges = np.linspace(0, len(values), BUCKETS, endpoint=False).astype(int)
        values = np.add.reduceat(values[order], edges, axis=0)
    units = len(values)
    return np.concatenate([counts.astype(float) @ values for counts in batches(units, draws, seed)])


def buckets_of(rows: pd.DataFrame, bucket: str) -> np.ndarray:
    """Which bucket each row falls in; a row without one (no known customer) is its own."""
    if bucket not in rows:
        raise ValueError(
            f"no column {bucket!r} in these rows. They have: {', '.join(rows.columns)}."
        )
    codes, known = pd.factorize(rows[bucket], sort=True)
    alone = codes < 0
    codes[alone] = len(known) + np.arange(alone.sum())
    return codes
