"""How often each touchpoint follows each, as arrays: from counts, or from a table of paths.

    table                # path "advert > website > shop", conversions 12, lost 30
    counts = journeys.paths(table, completed="conversions", lost="lost")
    journeys.removal(counts, goal=[journeys.GOAL])
    journeys.chain_order(table, lost="lost")     # does the next step depend on the last one only?

All that looks at journeys as a chain of pairs takes either. In a chain of a higher order the pairs
are histories of several touchpoints ("advert > website") in place of single ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Literal

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
    last : the touchpoint that each name stands for, where names are histories; else empty
    value : of the conversions of each pair, (p,); None where it is not known
    resampled_value : as `resampled`, of the value; None where single conversions have no known one
    """

    sample: Sample
    names: list[str]
    step: np.ndarray
    leaves: np.ndarray
    enters: np.ndarray
    whole: np.ndarray
    resampled: Callable[[int, int], np.ndarray]
    last: tuple[str, ...] = ()
    value: np.ndarray | None = None
    resampled_value: Callable[[int, int], np.ndarray] | None = None

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
    order: int | Literal["chosen"] = 1,
    value: str = "",
) -> TransitionCounts:
    """Journeys written as paths ("a > b > c"), with how many took each and reached the goal or not.

    Parameters
    ----------
    sample : one row a path; rows of one path add up
    path : column of the paths
    completed, lost : columns of whole numbers; without `lost` all journeys complete
    sep : stands between touchpoints
    goal : name of what completes a journey
    order : how many touchpoints the next step depends on, 1 or more; "chosen" takes 1, 2 or 3,
        whichever has the lowest BIC (`chain_order`)
    value : column of the value of a row's conversions, in currency units, 0 or more

    Returns
    -------
    TransitionCounts, for `transitions` and `removal`; journeys are resampled one by one. Of an
    order above 1, names are histories ("a > b").

    Raises
    ------
    ValueError : columns that are absent, rows without a path, empty touchpoints, numbers that are
        no counts, conversions without a value, an order below 1, and a touchpoint with the name of
        the goal

    Examples
    --------
    >>> table = pd.DataFrame({"path": ["ad > web", "web"], "completed": [1, 2]})
    >>> paths(table).names
    ['ad', 'web', 'conversion']
    >>> paths(table, order=2).names
    ['ad', 'ad > web', 'web', 'conversion']
    """
    sample = as_sample(sample)
    table = sample.data
    require_columns(table, [c for c in (path, completed, lost, value) if c], "paths")
    place, different = _different(table[path])
    won = _whole_numbers(table[completed])
    left = _whole_numbers(table[lost]) if lost else np.zeros(len(table))
    names, codes, length = _parsed(different, sep)
    if goal in names:
        raise ValueError(f"a touchpoint is called {goal!r} as the goal is. Name the goal by goal=.")
    if order == "chosen":
        fits = chain_order(table, path=path, completed=completed, lost=lost, sep=sep)
        memory = max(1, int(fits.loc[fits["best"], "order"].iloc[0]))
        note = _("The next step depends on the last {n:count} (lowest BIC).", n=memory)
    else:
        memory, note = order, _("The next step is taken to depend on the last {n:count}.", n=order)
    if memory < 1:
        raise ValueError(f"order is {order}; it must be 1 or more, or 'chosen'.")
    if order != 1:
        sample = sample.replace(notes=(*sample.notes, note))
    last: tuple[str, ...] = ()
    if memory > 1:
        names, last, codes = _histories(names, codes, length, memory, sep)
        last = (*last, goal)
    done, gone = (np.bincount(place, n, len(different)) for n in (won, left))
    each = _conversion_values(table[value], place, won) if value else None
    counts = _walked(sample, [*names, goal], codes, length, done, gone, each)
    if (won > 1).any():  # what the single conversions of a row are worth is not known
        counts = replace(counts, resampled_value=None)
    return replace(counts, last=last)


def _different(paths: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """(place of each row's path among the different ones, these); ValueError for rows without."""
    place, different = pd.factorize(paths)
    if nowhere := int((place < 0).sum()):
        raise ValueError(
            f"{nowhere:,} of {len(paths):,} rows have no {paths.name}. Leave them out."
        )
    return place, different


def _histories(
    names: list[str], codes: np.ndarray, length: np.ndarray, order: int, sep: str
) -> tuple[list[str], tuple[str, ...], np.ndarray]:
    """(histories of up to `order` touchpoints, the last touchpoint of each, those of all steps)."""
    start = np.repeat(np.cumsum(length) - length, length)
    at = np.arange(len(codes))
    key = codes
    for back in range(1, order):
        earlier = np.where(at - start >= back, np.roll(codes, back), 0)
        key = np.unique(earlier * (key.max() + 1) + key, return_inverse=True)[1]
    first = np.unique(key, return_index=True)[1]
    join = f" {sep.strip() or sep} "
    ways = [codes[max(start[k], k - order + 1) : k + 1] - 1 for k in first]
    called = [join.join(names[code] for code in way) for way in ways]
    rank = np.argsort(called)
    place = np.argsort(rank)[np.unique(key, return_inverse=True)[1]]
    return [called[k] for k in rank], tuple(names[ways[k][-1]] for k in rank), 1 + place


def _conversion_values(column: pd.Series, place: np.ndarray, won: np.ndarray) -> np.ndarray:
    """The value of each conversion, those of one path after another; equal within a row."""
    value = column.to_numpy(float, na_value=np.nan)
    odd = ~(value >= 0) & (won > 0)
    if odd.any():
        raise ValueError(
            f"{odd.sum():,} of {len(value):,} rows have conversions, but no {column.name} of 0 or "
            "more. Leave them out, or give their value."
        )
    rows = np.argsort(place, kind="stable")
    times = won[rows].astype(int)
    return np.repeat(value[rows] / np.maximum(times, 1), times)


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
    value: np.ndarray | None = None,
) -> TransitionCounts:
    """Pairs of paths: their steps, then the goal (the last name) or the end.

    `value` is that of each conversion, those of one path after another.
    """
    k, final = len(names) + 1, np.cumsum(length) - 1
    before = np.r_[0, codes[:-1]]
    before[final[:-1] + 1] = 0
    of = np.repeat(np.arange(len(length)), length)
    inner, last = before * k + codes, codes[final] * k
    table = np.bincount(inner, (done + lost)[of], k * k)
    table += np.bincount(last + len(names), done, k * k) + np.bincount(last, lost, k * k)
    kinds = np.flatnonzero(table)
    leaves, enters = np.divmod(kinds, k)

    def units() -> tuple[np.ndarray, np.ndarray]:
        """The resampling unit of each journey, and which there are."""
        cluster = resampling.hashed(pd.RangeIndex(int(done.sum() + lost.sum())))
        return cluster, np.unique(cluster)

    def resampled(draws: int, seed: int) -> np.ndarray:
        """Journeys resampled by themselves, those that reached the goal and those that did not."""
        from scipy.sparse import coo_array

        way = np.r_[of, of + len(length), np.arange(2 * len(length))]
        cell = np.r_[inner, inner, last + len(names), last]
        size = 2 * len(length), k * k
        each = coo_array((np.ones(len(way)), (way, cell)), size).tocsr()[:, kinds]
        journey = np.repeat(np.arange(size[0]), np.r_[done, lost].astype(int))
        cluster, own = units()
        shape = cluster.max() + 1, size[0]
        taken = coo_array((np.ones(len(journey)), (cluster, journey)), shape).tocsr()
        return resampling.resample_sums(
            (taken[own] @ each).toarray(), draws, seed, resampling.ResamplingUnits(own)
        )

    def resampled_value(draws: int, seed: int) -> np.ndarray:
        """The value of the conversions of the same journeys, by pair."""
        cluster, own = units()
        unit = np.searchsorted(own, cluster[: len(ends)])
        size = len(own), len(kinds)
        sums = np.bincount(unit * size[1] + ends, value, size[0] * size[1]).reshape(size)
        return resampling.resample_sums(sums, draws, seed, resampling.ResamplingUnits(own))

    sample = sample.replace(cluster=None)
    step = np.zeros_like(kinds)
    counts = TransitionCounts(sample, names, step, leaves, enters, table[kinds], resampled)
    if value is None:
        return counts
    ends = np.searchsorted(kinds, np.repeat(last + len(names), done.astype(int)))
    return replace(
        counts, value=np.bincount(ends, value, len(kinds)), resampled_value=resampled_value
    )


def chain_order(
    sample: SampleLike,
    *,
    path: str = "path",
    completed: str = "completed",
    lost: str = "",
    sep: str = ">",
    most: int = 3,
) -> pd.DataFrame:
    """How well Markov chains of order 0 to `most` describe the paths: likelihood, AIC and BIC.

    `removal` takes journeys as a chain of order 1 unless their `paths` are of a higher one. Where a
    higher order has the lowest BIC, the next step depends on more than the last one, and effects
    by order 1 are an approximation.

    Parameters
    ----------
    sample, path, completed, lost, sep : as in `paths`
    most : highest order

    Returns
    -------
    Table with order, loglik, parameters, aic, bic and best (the lowest BIC); n of the BIC is the
    number of steps, the last one out of the path included. A chain has a parameter for each next
    step that follows a history, less one a history.

    Raises
    ------
    ValueError : as `paths`

    References
    ----------
    Katz (1981), Technometrics 23(3), for the BIC of the order of a chain.

    Examples
    --------
    >>> table = pd.DataFrame({"path": ["a > b"] * 2 + ["b > a"] * 2, "completed": [5] * 4})
    >>> chain_order(table, most=2)["loglik"].round(1).tolist()
    [-65.9, -41.6, -13.9]
    """
    table = as_sample(sample).data
    require_columns(table, [c for c in (path, completed, lost) if c], "paths")
    place, different = _different(table[path])
    won = np.bincount(place, _whole_numbers(table[completed]))
    left = np.bincount(place, _whole_numbers(table[lost])) if lost else np.zeros(len(won))
    names, codes, length = _parsed(different, sep)
    # Begin is 0, touchpoints 1 to k, then lost and won, where a path ends.
    states = len(names) + 3
    bounds = np.r_[0, np.cumsum(length)]
    ways = [codes[a:b] for a, b in pairwise(bounds)]
    rows = []
    for order in range(most + 1):
        history, following, times = [], [], []
        for end, count in ((states - 2, left), (states - 1, won)):
            for way, n in zip(ways, count, strict=True):
                if n:
                    walk = np.r_[np.zeros(order, int), way, end]
                    came = np.zeros(len(way) + 1, int)
                    for back in range(1, order + 1):
                        came = came * states + walk[order - back : len(walk) - back]
                    history.append(came)
                    following.append(walk[order:])
                    times.append(np.full(len(came), n))
        rows.append((order, *_likelihood(history, following, times, states)))
    found = pd.DataFrame(rows, columns=["order", "loglik", "parameters", "n"])
    found["aic"] = 2 * found["parameters"] - 2 * found["loglik"]
    found["bic"] = np.log(found["n"]) * found["parameters"] - 2 * found["loglik"]
    found["best"] = found["bic"] == found["bic"].min()
    return found


def _likelihood(
    history: list[np.ndarray], following: list[np.ndarray], times: list[np.ndarray], states: int
) -> tuple[float, int, float]:
    """(log likelihood, parameters, steps) of a chain whose shares are those observed."""
    came, n = np.concatenate(history), np.concatenate(times)
    pairs, at = np.unique(came * states + np.concatenate(following), return_inverse=True)
    often = np.bincount(at, n)
    _known, home = np.unique(pairs // states, return_inverse=True)
    whole = np.bincount(home, often)
    loglik = float((often * np.log(often / whole[home])).sum())
    return loglik, len(pairs) - len(whole), float(n.sum())
