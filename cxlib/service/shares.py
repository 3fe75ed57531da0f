"""Shares of cases with intervals: by group, and within hours, clusters resampled whole.

    drawn = share_within(hours, happened, at, units)   # share that came by each time
    low, high = share_interval(drawn, n)      # Wilson, with the effective number of cases

Kaplan and Meier (1958): a case that is open still counts for as long as it was observed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.i18n import _
from cxlib.core.sample import Sample
from cxlib.stats.estimators import Replicated, cell_means
from cxlib.stats.estimators import share_interval as share_interval
from cxlib.stats.resampling import ResamplingUnits, design, resample_sums, resampling_units
from cxlib.stats.survival import kaplan_meier

SEVERITIES = ("trivial", "very low", "low", "minor", "normal", "medium", "moderate", "major",
              "high", "very high", "urgent", "critical",
              "低", "一般", "中", "高", "紧急")  # fmt: skip


def share_within(
    hours: np.ndarray,
    happened: np.ndarray,
    at: np.ndarray,
    clusters: ResamplingUnits,
    *,
    draws: int = 1000,
    seed: int = 1,
) -> Replicated:
    """Share of the cases to which it came within each of the times `at`, (times,), with draws.

    `hours` is when it came, or until when it was observed without it (`happened` False).
    """
    curve = share_curve(hours, happened, at)
    point = curve(np.ones((1, len(hours))))[0]
    again = np.concatenate([curve(times) for times in clusters.times(draws, seed)])
    return Replicated(point, again, float(len(np.unique(clusters.keys))))


def share_curve(
    hours: np.ndarray, happened: np.ndarray, at: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    """What gives the share within each time `at` of how often each case counts, (draws, cases).

    Examples
    --------
    >>> share = share_curve(np.array([1.0, 2.0]), np.array([True, True]), np.array([1.0]))
    >>> share(np.array([[3.0, 1.0]])).tolist()
    [[0.75]]
    """
    order = np.argsort(hours, kind="stable")
    hours, happened = np.asarray(hours, float)[order], np.asarray(happened, float)[order]
    starts = np.flatnonzero(np.diff(hours, prepend=-np.inf))
    places = np.searchsorted(hours[starts], at, "right")

    def curve(times: np.ndarray) -> np.ndarray:
        times = times[:, order]
        there = np.cumsum(times[:, ::-1], axis=1)[:, ::-1][:, starts]
        came = np.add.reduceat(times * happened, starts, axis=1)
        waits = kaplan_meier(came, there)
        waits = np.concatenate([np.ones((len(times), 1)), waits], axis=1)[:, places]
        return np.where(there[:, :1] > 0, 1 - waits, np.nan)  # a draw may have nobody

    return curve


@dataclass(frozen=True, eq=False)
class CountedWaits(Sample):
    """Cases counted by how long they waited: a row for each different time, whose number is `n`.

    Attributes
    ----------
    by_class : gives the cases by key of customers and class of times, whose upper ends are given:
        columns key, time (number of the class), done, due, n
    edges : the classes; None where the times that are asked for are their ends
    """

    by_class: Callable[[CountedWaits, np.ndarray], Sample] | None = None
    edges: np.ndarray | None = None

    @property
    def verdicts(self) -> Sample:
        """The cases with `in_time`: whether they were over, or last seen, within their limit."""
        assert self.by_class is not None and self.edges is not None
        cases = self.by_class(self, self.edges)
        return cases.assign(in_time=cases["time"] < len(self.edges))

    def within(self, hours: np.ndarray, happened: np.ndarray, at: np.ndarray) -> Replicated:
        """The share of all cases, and of resampled groups of customers by class.

        Within a class a case may have been seen for the last time before others were solved; by
        how much that moves the share of all, resamples are moved too.
        """
        assert self.by_class is not None
        edges = at if self.edges is None else self.edges
        cases = self.by_class(self, edges)
        keys, unit = np.unique(cases["key"], return_inverse=True)
        size = len(edges) + 1
        cell = unit * size + cases["time"].to_numpy()
        counts = [
            np.bincount(cell, w, len(keys) * size).reshape(len(keys), size)
            for w in (cases.counts * cases["done"], cases.counts)
        ]
        sums = np.concatenate(counts, axis=1)
        places = np.searchsorted(edges, at)

        def curve(sums: np.ndarray) -> np.ndarray:
            came, cases_ = np.split(sums, 2, axis=1)
            there = np.cumsum(cases_[:, ::-1], axis=1)[:, ::-1]
            return np.where(there[:, :1] > 0, 1 - kaplan_meier(came, there)[:, places], np.nan)

        point = share_curve(hours, happened, at)(self.counts[None])[0]
        drawn = curve(resample_sums(sums, self.draws, self.seed, ResamplingUnits(keys)))
        moved = point - curve(sums.sum(0)[None])[0]
        return Replicated(point, np.clip(drawn + moved, 0, 1), float(len(keys)))


def cases_within(
    sample: Sample, hours: np.ndarray, happened: np.ndarray, at: np.ndarray
) -> Replicated:
    """`share_within` of the cases of a sample, resampled as it says."""
    if isinstance(sample, CountedWaits):
        return sample.within(hours, happened, at)
    return share_within(
        hours, happened, at, resampling_units(sample), draws=sample.draws, seed=sample.seed
    )


def interval_columns(drawn: Replicated, n: np.ndarray, held: int = 1) -> dict[str, np.ndarray]:
    """low, high and n of shares and, where they are several, the ends that hold for `held`."""
    low, high = share_interval(drawn, n)
    own = {"low": low, "high": high, "n": np.asarray(n)}
    if held == 1:
        return own
    return own | dict(zip(SIMULTANEOUS, share_interval(drawn, n, held), strict=True))


def significant(table: pd.DataFrame, one: pd.Series) -> bool:
    """Whether the simultaneous interval of `one` lies apart from that of another row."""
    if SIMULTANEOUS[0] not in table:
        return False
    low, high = (table.drop(index=one.name)[c] for c in SIMULTANEOUS)
    return bool(((low > one[SIMULTANEOUS[1]]) | (high < one[SIMULTANEOUS[0]])).any())


def alike(table: pd.DataFrame, one: pd.Series, by: str) -> list[str]:
    """The other groups whose simultaneous interval meets that of `one`."""
    low, high = SIMULTANEOUS if SIMULTANEOUS[0] in table else ("low", "high")
    near = (table[low] <= one[high]) & (table[high] >= one[low])
    return table.loc[near & (table.index != one.name), by].astype(str).tolist()


def interval_line(row: pd.Series, what: str = "") -> str:
    """The line below a claim: interval of a share and cases."""
    digits = 1 if row["high"] - row["low"] < 0.02 else 0
    span = i18n.span(row["low"], row["high"], digits, share=True)
    words = {"span": span, "n": row["n"], "what": what}
    if what:
        return _("{what}: 95% CI {span}; n = {n:count}", **words)
    return _("95% CI {span}; n = {n:count}", **words)


def group_name(row: pd.Series, by: str | None) -> str:
    """A group with what it is a group of: "low" alone says nothing."""
    if not by:
        return ""
    if i18n.label(by).lower() in (group := i18n.label(str(row[by]))).lower():
        return group
    return _("{column:inner} “{group:label}”", group=row[by], column=by)


def group_shares(
    sample: Sample, hit: pd.Series, by: str | None
) -> tuple[list[str], Replicated, np.ndarray]:
    """Share of the rows with `hit` (1, 0; NaN is left out) in each group: names, shares, n.

    Without `by` one group called "".
    """
    names, place = group_places(sample[by] if by else None, len(sample))
    values = hit.to_numpy(float)
    drawn = cell_means(values, place, len(names), weight=sample.counts, **design(sample))[:, 0]
    there = ~np.isnan(values) & (place >= 0)
    n = np.bincount(place[there], sample.counts[there], len(names)).astype(int)
    return names, drawn, n


def group_samples(sample: Sample, by: str | None) -> Iterator[tuple[str, Sample]]:
    """Each group's name and rows; one called "" without `by`."""
    names, place = group_places(sample[by] if by else None, len(sample))
    return ((name, sample.where(place == k)) for k, name in enumerate(names))


def group_places(by: pd.Series | None, rows: int) -> tuple[list[str], np.ndarray]:
    """Names of the groups, sorted (severities in their order), and each row's place or -1."""
    if by is None:
        return [""], np.zeros(rows, int)
    names = sorted(map(str, by.dropna().unique()))
    if all(n.lower() in SEVERITIES for n in names):
        names.sort(key=lambda n: SEVERITIES.index(n.lower()))
    return names, pd.Index(names).get_indexer(by.astype("string"))
