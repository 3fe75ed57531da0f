"""How often each touchpoint follows each, as arrays: from counts, or from a table of paths.

    table                # path "advert > website > shop", conversions 12, lost 30
    counts = journeys.paths(table, completed="conversions", lost="lost")
    journeys.removal(counts, goal=[journeys.GOAL])

All that looks at journeys as a chain of pairs takes either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats import resampling

BEGINS, ENDS, GOAL = "begins", "ends", "conversion"  # before the first step, after the last
COLUMNS = ("cluster", "step", "before", "after", "n")


@dataclass(frozen=True)
class TransitionCounts:
    """Pairs of touchpoints, one left and one entered, and how often.

    Attributes
    ----------
    sample : what was counted, with its draws, seed and cluster (None: journeys by themselves)
    names : touchpoints
    step, leaves, enters : of each pair, (p,); `leaves` is 0 where a journey begins, `enters` 0
        where it ends, else 1 + the place among the names
    whole : how often, (p,)
    resampled : (draws, seed) to sums in each resample, (draws, p)
    """

    sample: Sample
    names: list[str]
    step: np.ndarray
    leaves: np.ndarray
    enters: np.ndarray
    whole: np.ndarray
    resampled: Callable[[int, int], np.ndarray]

    @property
    def before(self) -> np.ndarray:
        """The touchpoint left, or BEGINS, (p,)."""
        return np.array([BEGINS, *self.names], dtype=object)[self.leaves]

    @property
    def after(self) -> np.ndarray:
        """The touchpoint entered, or ENDS, (p,)."""
        return np.array([ENDS, *self.names], dtype=object)[self.enters]

    def resample(self) -> np.ndarray:
        """How often in each resample, (draws, p)."""
        return self.resampled(self.sample.draws, self.sample.seed)


def counts_of(counts: SampleLike | TransitionCounts) -> TransitionCounts:
    """The counts as arrays. Raises ValueError for a table that is not one of counts."""
    if isinstance(counts, TransitionCounts):
        return counts
    sample = as_sample(counts)
    require_columns(sample.data, COLUMNS, "counts of transitions")
    if not len(sample):
        raise InsufficientData(_("No journey is left to follow. Choose more events."))
    (before, after), names = _coded(sample["before"], sample["after"])
    step, k = sample["step"].to_numpy(), len(names) + 1
    kinds, pair = np.unique((step * k + before + 1) * k + after + 1, return_inverse=True)
    rest, enters = np.divmod(kinds, k)
    step, leaves = np.divmod(rest, k)
    cluster, n = sample["cluster"].to_numpy(), sample["n"].to_numpy(float)
    resampled = partial(_of_clusters, cluster, pair, n)
    whole = np.bincount(pair, n)
    sample = sample.replace(cluster="cluster")
    return TransitionCounts(sample, names, step, leaves, enters, whole, resampled)


def _of_clusters(
    cluster: np.ndarray, pair: np.ndarray, n: np.ndarray, draws: int, seed: int
) -> np.ndarray:
    """Sums of `n` by pair over draws of whole clusters, (draws, p)."""
    keys, unit = np.unique(cluster, return_inverse=True)
    size = len(keys), pair.max() + 1
    values = np.bincount(unit * size[1] + pair, n, size[0] * size[1]).reshape(size)
    return resampling.resample_sums(values, draws, seed, resampling.ResamplingUnits(keys))


def _coded(*columns: pd.Series) -> tuple[list[np.ndarray], list[str]]:
    """The columns as places in their sorted names, -1 where there is none; and the names."""
    found = [c.astype("category").cat for c in columns]
    names = sorted(set().union(*(c.categories for c in found)))
    index = pd.Index(names, dtype=object)
    codes = [np.r_[index.get_indexer(c.categories), -1][c.codes] for c in found]
    return codes, names


def paths(
    sample: SampleLike,
    *,
    path: str = "path",
    completed: str = "completed",
    lost: str = "",
    sep: str = ">",
    goal: str = GOAL,
) -> TransitionCounts:
    """Journeys written as paths ("a > b > c"), with how many took each and reached the goal or not.

    Parameters
    ----------
    sample : one row a path; rows of one path add up
    path : column of the paths
    completed, lost : columns of whole numbers; without `lost` all journeys complete
    sep : stands between touchpoints
    goal : name of what completes a journey

    Returns
    -------
    TransitionCounts, for `transitions` and `removal`; journeys are resampled one by one.

    Raises
    ------
    ValueError : columns that are absent, rows without a path, empty touchpoints, numbers that are
        no counts, and a touchpoint with the name of the goal

    Examples
    --------
    >>> table = pd.DataFrame({"path": ["ad > web", "web"], "completed": [1, 2]})
    >>> paths(table).names
    ['ad', 'web', 'conversion']
    """
    sample = as_sample(sample)
    table = sample.data
    require_columns(table, [c for c in (path, completed, lost) if c], "paths")
    place, different = pd.factorize(table[path])
    if nowhere := int((place < 0).sum()):
        raise ValueError(f"{nowhere:,} of {len(table):,} rows have no {path}. Leave them out.")
    n = [
        np.bincount(place, _whole_numbers(table[c]), len(different))
        if c
        else np.zeros(len(different))
        for c in (completed, lost)
    ]
    names, codes, length = _parsed(different, sep)
    if goal in names:
        raise ValueError(f"a touchpoint is called {goal!r} as the goal is. Name the goal by goal=.")
    return _walked(sample, [*names, goal], codes, length, *n)


def _whole_numbers(column: pd.Series) -> np.ndarray:
    n = column.to_numpy(float, na_value=np.nan)
    odd = ~((n >= 0) & (n == np.floor(n)))
    if odd.any():
        raise ValueError(
            f"{odd.sum():,} of {len(n):,} rows of {column.name} hold no count (first: "
            f"{column[odd].iloc[0]}). They must be 0, 1, 2, ..."
        )
    return n


def _parsed(texts: pd.Index, sep: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """(names, touchpoints of all paths one after another as 1 + their place, lengths of paths)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    split = pc.split_pattern(pa.array(texts, pa.large_string()), sep)
    steps = split.flatten().dictionary_encode()
    called = [str(name).strip() for name in steps.dictionary.to_pylist()]
    place, names = pd.factorize(np.array(called, dtype=object), sort=True)
    if "" in names:
        empty = [t for t in texts if "" in map(str.strip, t.split(sep))]
        raise ValueError(
            f"{len(empty):,} of {len(texts):,} different paths have an empty touchpoint (first: "
            f"{empty[0]!r}). Correct these rows or leave them out."
        )
    return list(names), 1 + place[np.asarray(steps.indices)], np.diff(np.asarray(split.offsets))


def _walked(
    sample: Sample,
    names: list[str],
    codes: np.ndarray,
    length: np.ndarray,
    done: np.ndarray,
    lost: np.ndarray,
) -> TransitionCounts:
    """Pairs of paths: their steps, then the goal (the last name) or the end."""
    k, final = len(names) + 1, np.cumsum(length) - 1
    before = np.r_[0, codes[:-1]]
    before[final[:-1] + 1] = 0
    of = np.repeat(np.arange(len(length)), length)
    inner, last = before * k + codes, codes[final] * k
    table = np.bincount(inner, (done + lost)[of], k * k)
    table += np.bincount(last + len(names), done, k * k) + np.bincount(last, lost, k * k)
    kinds = np.flatnonzero(table)
    leaves, enters = np.divmod(kinds, k)

    def resampled(draws: int, seed: int) -> np.ndarray:
        """Journeys resampled by themselves, those that reached the goal and those that did not."""
        from scipy.sparse import coo_array

        way = np.r_[of, of + len(length), np.arange(2 * len(length))]
        cell = np.r_[inner, inner, last + len(names), last]
        size = 2 * len(length), k * k
        each = coo_array((np.ones(len(way)), (way, cell)), size).tocsr()[:, kinds]
        journey = np.repeat(np.arange(size[0]), np.r_[done, lost].astype(int))
        cluster = resampling.hashed(pd.RangeIndex(len(journey)))
        shape = cluster.max() + 1, size[0]
        taken = coo_array((np.ones(len(journey)), (cluster, journey)), shape).tocsr()
        own = np.unique(cluster)
        return resampling.resample_sums(
            (taken[own] @ each).toarray(), draws, seed, resampling.ResamplingUnits(own)
        )

    sample = sample.replace(cluster=None)
    step = np.zeros_like(kinds)
    return TransitionCounts(sample, names, step, leaves, enters, table[kinds], resampled)
