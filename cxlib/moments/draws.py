"""Resampling: how often each customer comes up in each draw, the same for all that is estimated.

A customer's part in a draw depends on three things only: who the customer is, the number of the
draw, and the seed. So two estimates of a page, of a group and of everybody, or of two waves, are
drawn from the same customers whichever rows each had to leave out, and may be compared draw by
draw. Each customer comes up as often as a Poisson law of mean one says (Hanley and MacGibbon 2006;
Chamandy, Muralidharan, Najmi and Naidu 2012), which is drawing with replacement where the size of a
sample is left to chance too.

Customers fall into BUCKETS by what they are called, and those of one bucket come up together: for
hundreds of customers hardly two, for millions the same work as for thousands.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, factorial

import numpy as np
import pandas as pd

BITS = 13
BUCKETS = 1 << BITS
BATCH = 500_000  # drawn units held at once
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio, odd
AT_MOST = np.cumsum([exp(-1) / factorial(k) for k in range(8)])  # of a Poisson law of mean one
STEPS = np.round(AT_MOST * 2**16).astype(np.uint16)


def keys_of(rows: pd.DataFrame, bucket: str | None = None) -> np.ndarray:
    """The bucket of each row, 0 to BUCKETS - 1, by its customer in the column `bucket`.

    A row without a customer, or without a column to tell, goes by its own label in the index (by
    its place where labels repeat), which selecting and sorting rows leave as they are.
    """
    if bucket is not None and bucket not in rows:
        raise ValueError(
            f"no column {bucket!r} in these rows. They have: {', '.join(rows.columns)}."
        )
    labels = rows.index if rows.index.is_unique else pd.RangeIndex(len(rows))
    if bucket is None:
        return hashed(labels)
    codes, known = pd.factorize(rows[bucket])
    return np.where(codes < 0, hashed(labels), np.r_[hashed(pd.Index(known)), 0][codes])


def hashed(names: pd.Index) -> np.ndarray:
    """Bucket of each name; whole numbers that follow one another lie in different buckets."""
    if pd.api.types.is_float_dtype(names) and (names == np.floor(names)).all():
        names = names.astype("int64")  # customer 7 of a column that knows no missing whole numbers
    if pd.api.types.is_integer_dtype(names):
        hashed = np.asarray(names, np.int64).astype(np.uint64) * GOLDEN
    else:
        hashed = pd.util.hash_array(np.asarray(names.astype(str), object), categorize=False)
    return (hashed >> np.uint64(64 - BITS)).astype(np.int64)


def multiplicities(units: int | np.ndarray, draws: int, seed: int) -> np.ndarray:
    """How often each unit comes up in each draw: (draws, units), small whole numbers.

    The one source of resampling. `units` are the keys of customers (`keys_of`), or how many there
    are: then they are drawn one by one, numbered from 0.
    """
    return np.concatenate(list(batches(units, draws, seed)))


def batches(
    units: int | np.ndarray, draws: int, seed: int, together: int = 0
) -> Iterator[np.ndarray]:
    """The rows of `multiplicities`, some at a time (`together`, or what fits the memory)."""
    if draws < 1:
        raise ValueError(f"draws is {draws}; it must be 1 or more.")
    keys = np.arange(units) if np.isscalar(units) else np.asarray(units)
    own = _scrambled(keys.astype(np.uint64) * GOLDEN + _scrambled(np.array([seed], np.uint64)))
    at_once = together or max(4, BATCH // max(1, len(keys)))
    for start in range(0, draws, at_once):
        size = min(at_once, draws - start)
        first, last = start // 4, -(-(start + size) // 4)
        # 64 random bits of a customer serve for four draws
        bits = _scrambled(own + np.arange(first, last, dtype=np.uint64)[:, None] * GOLDEN)
        quarters = np.ascontiguousarray(bits.view(np.uint16).reshape(*bits.shape, 4).swapaxes(1, 2))
        times = np.zeros(quarters.shape, np.uint8)
        for step in STEPS:
            times += quarters >= step
        yield times.reshape(-1, len(keys))[start - 4 * first :][:size]


def resample_sums(
    values: np.ndarray, draws: int, seed: int, keys: np.ndarray | None = None
) -> np.ndarray:
    """Sums of `values` (rows, p) over `draws` samples of their customers: (draws, p).

    For statistics that need many plain sums and no products. Without `keys` each row is a customer,
    known by its place.
    """
    keys = hashed(pd.RangeIndex(len(values))) if keys is None else keys
    kept, place = np.unique(keys, return_inverse=True)
    values = sum_by(place, values)
    return np.concatenate([times.astype(float) @ values for times in batches(kept, draws, seed)])


def sum_by(place: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sums of `values` (n, ...) over rows of one place; places are 0, 1, ... without a gap."""
    if np.array_equal(place, np.arange(len(values))):
        return values
    order = np.argsort(place, kind="stable")
    starts = np.flatnonzero(np.diff(place[order], prepend=-1))
    return np.add.reduceat(values[order], starts, axis=0)


def _scrambled(bits: np.ndarray) -> np.ndarray:
    """Each number made into one that looks random (the finaliser of splitmix64, Vigna 2015)."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))
