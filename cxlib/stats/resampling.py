"""Resampling: how often each customer comes up in each draw, the same for all that is estimated.

A customer's part in a draw depends on three things only: who the customer is, the number of the
draw, and the seed. So two estimates of a page, of a group and of everybody, or of two waves, are
drawn from the same customers whichever rows each had to leave out, and may be compared draw by
draw. Each customer comes up as often as a Poisson law of mean one says (Hanley and MacGibbon 2006;
Chamandy, Muralidharan, Najmi and Naidu 2012), which is drawing with replacement where the size of a
sample is left to chance too.

Customers fall into at most MAX_CLUSTERS by their names, and those of one come up together: for
hundreds of customers hardly two, for millions the same work as for thousands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import md5
from math import exp, factorial
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core.progress import progress
from cxlib.core.sample import Calibration, Design, SampleLike, as_sample

BITS = 13
MAX_CLUSTERS = 1 << BITS
BATCH = 500_000  # drawn units held at once
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio, odd
KNUTH = 2654435769  # 2**32 over the golden ratio
AT_MOST = np.cumsum([exp(-1) / factorial(k) for k in range(8)])  # of a Poisson law of mean one
STEPS = np.round(AT_MOST * 2**16).astype(np.uint16)


def keys_of(rows: pd.DataFrame, cluster: str | None = None) -> np.ndarray:
    """The key of each row, 0 to MAX_CLUSTERS - 1, by its customer in the column `cluster`.

    A row without a customer, or without a column to tell, goes by its own label in the index (by
    its place where labels repeat), which selecting and sorting rows leave as they are.
    """
    if cluster is not None and cluster not in rows:
        raise ValueError(
            f"no column {cluster!r} in these rows. They have: {', '.join(rows.columns)}."
        )
    labels = rows.index if rows.index.is_unique else pd.RangeIndex(len(rows))
    if cluster is None:
        return hashed(labels)
    codes, known = pd.factorize(rows[cluster])
    return np.where(codes < 0, hashed(labels), np.r_[hashed(pd.Index(known)), 0][codes])


def hashed(names: pd.Index) -> np.ndarray:
    """Key of each name, the one that `customer_key` and `row_key` of `cxlib.data.sql` give it.

    Of text it is the first bits of its MD5 sum, which every database has; of whole numbers the
    first bits of their product with a large one (Knuth 1998, section 6.4), so that those that
    follow one another have different keys.

    Examples
    --------
    >>> hashed(pd.Index(["c1", "c2"])).tolist(), hashed(pd.Index([1, 2])).tolist()
    ([5438, 4950], [5062, 1933])
    """
    if pd.api.types.is_float_dtype(names) and (names == np.floor(names)).all():
        names = names.astype("int64")  # customer 7 of a column that knows no missing whole numbers
    if pd.api.types.is_integer_dtype(names):
        last = np.asarray(names, np.int64).astype(np.uint64) & np.uint64(2**32 - 1)
        hashed = (last * np.uint64(KNUTH)) % np.uint64(2**32)
        return (hashed >> np.uint64(32 - BITS)).astype(np.int64)
    return np.fromiter(map(_key_of, names.astype(str).tolist()), np.int64, len(names))


@lru_cache(1 << 17)  # a page asks for the same customers again and again
def _key_of(name: str) -> int:
    first = md5(name.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()[:2]
    return int.from_bytes(first) >> (16 - BITS)


def multiplicities(units: int | np.ndarray, draws: int, seed: int) -> np.ndarray:
    """How often each unit comes up in each draw: (draws, units), small whole numbers.

    The one source of resampling. `units` are the keys of customers (`keys_of`), or how many there
    are: then they are drawn one by one, numbered from 0.

    Examples
    --------
    >>> times = multiplicities(5, draws=3, seed=1)
    >>> times.shape, bool((times == multiplicities(5, draws=3, seed=1)).all())
    ((3, 5), True)
    """
    return np.concatenate(list(batches(units, draws, seed)))


def batches(
    units: int | np.ndarray, draws: int, seed: int, together: int = 0
) -> Iterator[np.ndarray]:
    """The rows of `multiplicities`, some at a time (`together`, or what fits the memory)."""
    if draws < 1:
        raise ValueError(f"draws is {draws}; it must be 1 or more.")
    keys = units if isinstance(units, np.ndarray) else np.arange(int(units))
    own = _scrambled(keys.astype(np.uint64) * GOLDEN + _scrambled(np.array([seed], np.uint64)))
    together = together or draws_at_a_time(len(keys))
    for start in range(0, draws, together):
        size = min(together, draws - start)
        first, last = start // 4, -(-(start + size) // 4)
        # 64 random bits of a customer serve for four draws
        bits = _scrambled(own + np.arange(first, last, dtype=np.uint64)[:, None] * GOLDEN)
        quarters = np.ascontiguousarray(bits.view(np.uint16).reshape(*bits.shape, 4).swapaxes(1, 2))
        times = np.zeros(quarters.shape, np.uint8)
        for step in STEPS:
            times += quarters >= step
        yield times.reshape(-1, len(keys))[start - 4 * first :][:size]


@dataclass(frozen=True, eq=False)
class ResamplingUnits:
    """How rows are drawn: the key of each and, where weights are raked, what raking needs.

    Attributes
    ----------
    keys : (rows,), see `keys_of`
    cell : of each row the cell it was raked in; None without raking
    raking : rakes every draw again (`weights.Raking`)
    cluster : column of the customers
    moved : (rows, replicates), how far replicate weights that came with the file lie from the
        weight, in parts of it, times the root of their factor; rows are then drawn as these
        say, each by itself (`weights.with_replicates`)
    design : strata and sampling units, of which `keys` are the places (`weights.with_design`)
    """

    keys: np.ndarray
    cell: np.ndarray | None = None
    raking: Calibration | None = None
    cluster: str | None = None
    moved: np.ndarray | None = None
    design: Design | None = None

    def take(self, some: np.ndarray | slice) -> ResamplingUnits:
        """Some of the rows."""
        cell, moved = (None if a is None else a[some] for a in (self.cell, self.moved))
        return replace(self, keys=self.keys[some], cell=cell, moved=moved)

    def __add__(self, other: ResamplingUnits) -> ResamplingUnits:
        keys = np.concatenate([self.keys, other.keys])
        both = zip((self.cell, self.moved), (other.cell, other.moved), strict=True)
        cell, moved = (None if a is None else np.concatenate([a, b]) for a, b in both)
        return replace(self, keys=keys, cell=cell, moved=moved)

    def grouped(
        self, kind: np.ndarray | None = None
    ) -> tuple[ResamplingUnits, np.ndarray, np.ndarray]:
        """Rows of one key, cell and `kind` as one: (units, place of each row, kind of each)."""
        kind = np.zeros(len(self.keys), int) if kind is None else kind
        cell = np.zeros(1, int) if self.cell is None else self.cell
        cells, kinds = np.max(cell, initial=0) + 1, kind.max(initial=0) + 1
        entry = (self.keys * cells + cell) * kinds + kind
        entry, first, place = np.unique(entry, return_index=True, return_inverse=True)
        rest, kind = np.divmod(entry, kinds)
        keys, cell = np.divmod(rest, cells)
        moved = None if self.moved is None else self.moved[first]
        known = None if self.cell is None else cell
        return replace(self, keys=keys, cell=known, moved=moved), place, kind

    def times(self, draws: int, seed: int, together: int = 0) -> Iterator[np.ndarray]:
        """How much each row counts in each draw, (some draws, rows)."""
        together = together or draws_at_a_time(len(self.keys))
        draw = batches if self.design is None else self.design.multiplicities
        if self.moved is not None:
            rng = np.random.default_rng(seed)
            for start in progress(range(0, draws, together)):
                size = min(together, draws - start), self.moved.shape[1]
                yield 1 + rng.standard_normal(size) @ self.moved.T
            return
        raked = None
        if self.raking is not None:
            raked = self.raking.ratios(self.cluster, draws, seed, together, self.design)
        drawn = draw(self.keys, draws, seed, together)
        for counts in progress(drawn, -(-draws // together)):
            times = counts.astype(float)
            yield times if raked is None else times * next(raked)[:, self.cell]


def resampling_units(rows: SampleLike) -> ResamplingUnits:
    """How the rows are drawn: clusters whole, and raked weights raked again in every draw.

    Where the weights came with replicates, as those say; where the sample has a design, sampling
    units within strata. Raises ValueError where the weights were
    raked and these rows or their weights are no longer those.
    """
    sample = as_sample(rows)
    if (given := sample.replicate_weights) is not None:
        whole, again = (
            sample.data[list(c)].to_numpy(float) for c in ([sample.weight], given.columns)
        )
        moved = np.divide(again - whole, whole, out=np.zeros_like(again), where=whole > 0)
        keys = np.arange(len(sample))
        return ResamplingUnits(keys, cluster=sample.cluster, moved=np.sqrt(given.factor) * moved)
    plan, who = sample.design, sample.cluster
    if sample.count is not None and who is not None:  # counted by these keys
        keys = sample.data[who].to_numpy(np.int64)
    else:
        keys = keys_of(sample.data, who) if plan is None else plan.units_of(sample.data)
    clusters = ResamplingUnits(keys, cluster=who, design=plan)
    if sample.raking is None:
        return clusters
    cell = sample.raking.cells_of(sample.data, str(sample.weight))
    if cell is None:
        raise ValueError(
            "these rows are not those whose weights were raked (their index or their weights have "
            "changed). Use Sample.where, assign or merge, which keep them."
        )
    return replace(clusters, cell=cell, raking=sample.raking)


def design(rows: SampleLike) -> dict[str, Any]:
    """`clusters`, `draws` and `seed` of the rows, as estimators take them by name."""
    sample = as_sample(rows)
    return {"clusters": resampling_units(sample), **sample.bootstrap}


def resample_sums(
    values: np.ndarray, draws: int, seed: int, clusters: ResamplingUnits | None = None
) -> np.ndarray:
    """Sums of `values` (rows, p) over `draws` samples of their customers: (draws, p).

    For statistics that need many plain sums and no products. Without `who` each row is a customer,
    known by its place.
    """
    clusters, place, _ = (clusters or ResamplingUnits(hashed(pd.RangeIndex(len(values))))).grouped()
    values = sum_by(place, values)
    return np.concatenate([times @ values for times in clusters.times(draws, seed)])


def resample_counted(
    values: np.ndarray, count: np.ndarray, keys: np.ndarray, draws: int, seed: int
) -> np.ndarray:
    """`resample_sums` of rows that stand for `count` customers each, of whom all have the `values`.

    `keys` are those of the customers, -1 where they are not known. As a key says nothing of what a
    customer did, such customers are given one by chance.
    """
    known = keys >= 0
    rows, units = values[known] * count[known, None], keys[known]
    if not known.all():
        rows = np.vstack([rows, _keyed(values[~known], count[~known], seed)])
        units = np.r_[units, np.arange(MAX_CLUSTERS)]
    return resample_sums(rows, draws, seed, ResamplingUnits(units))


def _keyed(values: np.ndarray, count: np.ndarray, seed: int) -> np.ndarray:
    """Sums of the values of so many customers by keys that are drawn, (MAX_CLUSTERS, p)."""
    rng, sums = np.random.default_rng(seed), np.zeros((MAX_CLUSTERS, values.shape[1]))
    part = np.cumsum(count) // BATCH
    for rows in np.split(np.arange(len(count)), np.flatnonzero(np.diff(part)) + 1):
        place = np.repeat(rows, count[rows])
        keys = rng.integers(MAX_CLUSTERS, size=len(place))
        sums += np.column_stack([np.bincount(keys, v[place], MAX_CLUSTERS) for v in values.T])
    return sums


def bootstrap(
    rows: pd.DataFrame,
    statistic: Callable[[pd.DataFrame], Sequence[float]],
    *,
    by: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> np.ndarray:
    """`statistic` of `draws` samples of the rows, customers (`by`) drawn whole: (draws, terms).

    For statistics that are not functions of sums; others go through `moments.resample`, which is
    faster by far. A row without a known customer is drawn alone. A draw whose statistic raises
    ArithmeticError or LinAlgError is NaN.
    """
    if rows.empty:
        raise ValueError("no rows to draw from. Choose another wave, or a wider WHERE.")
    values = []
    for times in multiplicities(keys_of(rows, by), draws, seed):
        values.append(_value(statistic, rows.iloc[np.repeat(np.arange(len(rows)), times)]))
    width = max(map(len, values))
    return np.array([v if len(v) == width else np.full(width, np.nan) for v in values], float)


def _value(statistic: Callable[..., Any], sample: pd.DataFrame) -> np.ndarray:
    if sample.empty:
        return np.array([np.nan])
    try:
        return np.atleast_1d(np.asarray(statistic(sample), float))
    except (ArithmeticError, np.linalg.LinAlgError):
        return np.array([np.nan])


def draws_at_a_time(units: int) -> int:
    """Draws that are made at a time."""
    return max(4, BATCH // max(1, units))


def sum_by(place: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Sums of `values` (n, ...) over rows of one place; places are 0, 1, ... without a gap.

    Examples
    --------
    >>> sum_by(np.array([0, 1, 0]), np.array([1.0, 2.0, 3.0])).tolist()
    [4.0, 2.0]
    """
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
