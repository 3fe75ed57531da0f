"""Answers made ready for scoring: checked, in arrays, with groups and customers as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import INTERVAL
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.scores.measures import Measure, Scale
from cxlib.stats import moments, resampling

RESULT_COLUMNS = ("term", *INTERVAL, "n")
WIDEST = 1000  # whole numbers that lie closer are counted in place, without sorting
BLOCK = 1 << 15  # rows counted at once


@dataclass(frozen=True)
class Tally:
    """How often each answer to one item was given, by group: all that a score needs.

    Attributes
    ----------
    values : the v answers there may be
    rows, weight, squares : answers, sums of weights, of squared weights, (groups, v)
    """

    values: np.ndarray
    rows: np.ndarray
    weight: np.ndarray
    squares: np.ndarray


@dataclass(frozen=True)
class Answers:
    """Answers of n rows to k items.

    Attributes
    ----------
    sample, keep : the rows, and which of them are used
    items : names of the items
    x : answers, NaN where there is none, (n, k)
    weight : weights of the rows, ones without, (n,)
    group : place of each row's group in `groups`, (n,)
    groups : names of the groups, [None] when all are one
    unit : number of each row's sampling unit, else cluster, or of the row itself, (n,)
    by : column of the groups; "" when all are one
    notes : what was left out
    rows : how many answers each row stands for, (n,); None for one each
    squares : sums of the squared weights of these, (n,); None where their weights are equal
    """

    sample: Sample
    keep: np.ndarray | slice
    items: tuple[str, ...]
    x: np.ndarray
    weight: np.ndarray
    group: np.ndarray
    groups: list[Any]
    unit: np.ndarray
    by: str
    notes: tuple[str, ...]
    rows: np.ndarray | None = None
    squares: np.ndarray | None = None

    @cached_property
    def clusters(self) -> resampling.ResamplingUnits:
        """How the rows are resampled."""
        return resampling.resampling_units(self.sample).take(self.keep)

    @cached_property
    def weighted(self) -> bool:
        """Whether weights differ."""
        return bool(np.ptp(self.weight) > 0) if len(self.weight) else False

    def answered(self, item: int = 0) -> int:
        """How many answers there are to an item, by its place."""
        return counted(~np.isnan(self.x[:, item]), self.rows)

    @property
    def cells(self) -> int:
        """Number of groups times items."""
        return len(self.groups) * len(self.items)

    @cached_property
    def repeated(self) -> bool:
        """Some cluster answers more than once."""
        answered = len(self.unit) if self.rows is None else self.rows.sum()
        return bool(len(self.unit) > 0 and self.unit.max() + 1 < answered)

    @cached_property
    def tallies(self) -> list[Tally]:
        """The answers to each item, counted."""
        return [self._tally(x) for x in self.x.T]

    def _tally(self, x: np.ndarray) -> Tally:
        values = _values(x)
        shape, counts = (len(self.groups), len(values)), np.zeros(1)
        for some in _blocks(x):
            y, group, w = x[some], self.group[some], self.weight[some]
            n, s = (None if v is None else v[some] for v in (self.rows, self.squares))
            if np.isnan(y.min()):
                given = ~np.isnan(y)
                y, group, w = y[given], group[given], w[given]
                n, s = (None if v is None else v[given] for v in (n, s))
            cell = group * shape[1] + _places(y, values)
            of: tuple[np.ndarray | None, ...] = (None, w, w**2) if self.weighted else (None,)
            if n is not None:  # weights are sums, so that squares of equal ones are this
                of = (n, w, w**2 / n if s is None else s)
            counts = counts + np.array([np.bincount(cell, v, np.prod(shape)) for v in of])
        rows = counts[0].reshape(shape)
        if len(counts) > 1:
            return Tally(values, rows, counts[1].reshape(shape), counts[2].reshape(shape))
        each = float(self.weight[0]) if len(self.weight) else 1.0
        return Tally(values, rows, rows * each, rows * each**2)

    def unit_sums(self, values: np.ndarray, unit: np.ndarray | None = None) -> np.ndarray:
        """Sums of `values` (n, k) by cluster (or `unit`) and group: (units, groups * k)."""
        values, unit = np.where(np.isnan(self.x), 0.0, values), self.unit if unit is None else unit
        size, units = len(self.groups), unit.max() + 1
        place = unit * size + self.group
        sums = [np.bincount(place, v, units * size).reshape(units, size) for v in values.T]
        return np.stack(sums, axis=2).reshape(units, -1)


def read(
    sample: Sample,
    items: Sequence[str],
    measure: Measure | None = None,
    *,
    by: str | None = None,
) -> Answers:
    """The answers of the rows that have a weight and, with `by`, a group.

    Groups whose rows all have a weight of 0 are left out, and named in the notes.

    Raises ValueError for unknown columns, text, answers that `measure` does not allow, bad weights,
    and items that nobody answered.
    """
    sample = sample.of(items, by)
    responses, measure = sample.data, measure or Measure("mean")
    require_columns(responses, [*items, *([by] if by else [])], "the responses")
    if by in RESULT_COLUMNS:
        raise ValueError(f"by={by!r} is the name of a column of every result. Rename it first.")
    x = numbers(responses, items)
    for item, values in zip(items, x.T, strict=True):
        _check_scale(item, values, measure.scale, measure.whole)
    w = moments.weights_of(responses, sample.weight)
    group, groups = _grouped(responses[by]) if by else (np.zeros(len(x), int), [None])
    lost = sample.rows_of(group < 0) if by else 0
    keep: np.ndarray | slice = slice(None)  # all rows, uncopied
    if lost or (sample.weight and not w.all()):
        keep = (w > 0) & (group >= 0)
    x, w, group = x[keep], w[keep], group[keep]
    group, groups, weightless = _weighed(group, groups)
    rows, squares = (
        None if c is None else responses[c].to_numpy(float)[keep]
        for c in (sample.count, sample.squares)
    )
    n = np.array([counted(~np.isnan(v), rows) for v in x.T])
    if not n.any():
        raise InsufficientData(
            _(
                "responses.{items}: none of {n:count} rows holds an answer. "
                "Choose another item, another wave, or a wider WHERE.",
                items=", ".join(items),
                n=sample.rows_of(),
            )
        )
    unit = np.arange(len(x))
    if sample.design is not None:
        unit = np.unique(sample.design.units_of(responses)[keep], return_inverse=True)[1]
    elif sample.cluster:
        codes = pd.factorize(responses[sample.cluster])[0][keep]
        codes = np.where(codes < 0, codes.max(initial=-1) + 1 + unit, codes)  # unknown: own unit
        unit = np.unique(codes, return_inverse=True)[1]
    skipped = [_skips(responses, item, keep, rows) for item in items]
    notes = _notes(items, n, sample.rows_of(), skipped, lost, by)
    if by and weightless:
        notes = (*notes, weightless_note(by, weightless))
    design = x, w, group, groups, unit, by or "", notes, rows, squares
    return Answers(sample, keep, tuple(items), *design)


def counted(some: np.ndarray, rows: np.ndarray | None) -> int:
    """How many answers some of the rows are, of which each stands for so many."""
    return int(np.count_nonzero(some) if rows is None else rows[some].sum())


def _grouped(column: pd.Series) -> tuple[np.ndarray, list[Any]]:
    """(place of each row's group, -1 where it has none; the groups that occur, in order)."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        place, groups = pd.factorize(column, sort=True)
        return place, list(groups)
    codes = column.cat.codes.to_numpy().astype(np.intp)  # known already, so nothing is sought
    there = np.zeros(len(column.cat.categories) + 1, bool)
    there[codes] = True  # -1, of those without a group, is the last
    if not there[:-1].all():
        codes = np.r_[np.cumsum(there[:-1]) - 1, -1][codes]
    return codes, list(column.cat.categories[there[:-1]])


def _weighed(group: np.ndarray, groups: list[Any]) -> tuple[np.ndarray, list[Any], list[Any]]:
    """The groups that some rows are left of, and those whose rows all have a weight of 0."""
    there = np.bincount(group, minlength=len(groups)) > 0
    if there.all():
        return group, groups, []
    kept = [groups[g] for g in np.flatnonzero(there)]
    gone = [groups[g] for g in np.flatnonzero(~there)]
    return (np.cumsum(there) - 1)[group], kept, gone


def weightless_note(by: str, groups: Sequence[Any]) -> str:
    """What is said of groups of the column `by` whose answers all have a weight of 0."""
    return _(
        "Left out, as all their answers have a weight of 0: {groups:label_list} ({by:label}).",
        by=by,
        groups=list(groups),
    )


def _blocks(x: np.ndarray) -> Iterator[slice]:
    """Rows that fit the processor's cache."""
    return (slice(start, start + BLOCK) for start in range(0, max(len(x), 1), BLOCK))


def _is_whole(x: np.ndarray) -> bool:
    """Only whole numbers, none missing."""
    return all((np.rint(x[some]) == x[some]).all() for some in _blocks(x))


def _values(x: np.ndarray) -> np.ndarray:
    """The answers there may be, in order: all whole numbers between, where answers are such."""
    if np.isnan(x.min(initial=0.0)):
        x = x[~np.isnan(x)]
    if len(x) and x.max() - x.min() < WIDEST and _is_whole(x):
        return np.arange(x.min(), x.max() + 1)
    return np.unique(x)


def _places(x: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Which of the `values` each answer is."""
    if len(values) and np.ptp(values) == len(values) - 1:
        return (x - values[0]).astype(np.intp)
    return np.searchsorted(values, x)


def numbers(responses: pd.DataFrame, items: Sequence[str]) -> np.ndarray:
    """The answers as floats (n, k), NaN where there is none; ValueError for text."""
    columns = []
    for item in items:
        try:
            columns.append(responses[item].to_numpy(float, na_value=np.nan))
        except (TypeError, ValueError):
            raise ValueError(_not_numbers(responses, item)) from None
    return np.stack(columns, axis=1) if columns else np.empty((len(responses), 0))


def _not_numbers(responses: pd.DataFrame, item: str) -> str:
    given = responses[item].notna().to_numpy()
    bad = pd.to_numeric(responses[item], errors="coerce").isna().to_numpy() & given
    if not bad.any():
        return f"responses.{item} holds numbers as text. Convert them with pandas.to_numeric."
    first = np.flatnonzero(bad)[0]
    return (
        f"responses.{item}: {bad.sum():,} of {given.sum():,} answers are not numbers (the first is "
        f"{responses[item].iloc[first]!r} in row {first + 1:,}). Recode them in study.yaml; "
        "`cx check` lists the rows."
    )


def _check_scale(item: str, values: np.ndarray, scale: Scale | None, whole: bool) -> None:
    if scale is None:
        return
    low, high = scale
    inside = len(values) and low <= values.min() and values.max() <= high
    if inside and (not whole or _is_whole(values)):
        return  # the quick way, where nothing is missing
    off = (values < low) | (values > high)  # of a missing answer neither holds
    if off.any():
        given = ~np.isnan(values)
        worst = values[off][np.argmax(np.abs(values[off] - (low + high) / 2))]
        which = "largest" if worst > high else "smallest"
        raise ValueError(
            f"responses.{item}: {off.sum():,} of {given.sum():,} answers lie outside "
            f"{low:g}-{high:g} ({which} {worst:g}, first in row {np.flatnonzero(off)[0] + 1:,}). "
            "Recode or drop them before loading; `cx check` lists the rows."
        )
    broken = whole & (values != np.rint(values)) & ~np.isnan(values)
    if broken.any():
        given = ~np.isnan(values)
        first = np.flatnonzero(broken)[0]
        raise ValueError(
            f"responses.{item}: {broken.sum():,} of {given.sum():,} answers are not whole numbers "
            f"(first {values[first]:g} in row {first + 1:,}). The NPS is defined on 0, 1, ..., 10; "
            "use scores.mean() for other scales."
        )


def _notes(
    items: Sequence[str], n: np.ndarray, total: int, skipped: list[int], lost: int, by: str | None
) -> tuple[str, ...]:
    parts = []
    if len(items) == 1:
        parts.append(_("{n:count} of {total:count} responses answered.", n=n[0], total=total))
    elif min(n) == max(n):
        parts.append(
            _("{n:count} of {total:count} responses answered each question.", n=n[0], total=total)
        )
    else:
        parts.append(
            _(
                "{least:count} to {most:count} of {total:count} responses answered each question.",
                least=n.min(),
                most=n.max(),
                total=total,
            )
        )
    if sum(skipped):
        parts.append(
            _(
                "Not experienced, and counted separately: {items:list}.",
                items=[
                    f"{i18n.label(i)} {i18n.count(s)}"
                    for i, s in zip(items, skipped, strict=True)
                    if s
                ],
            )
        )
    if lost:
        parts.append(
            _("{lost:count} responses without {group:label} were left out.", lost=lost, group=by)
        )
    return tuple(parts)


def _skips(
    responses: pd.DataFrame, item: str, keep: slice | np.ndarray, rows: np.ndarray | None
) -> int:
    """How many of the rows kept never experienced what the item asks about."""
    if f"{item}_not_experienced" not in responses:
        return 0
    return counted(not_experienced(responses, item)[keep], rows)


def not_experienced(responses: pd.DataFrame, item: str) -> np.ndarray:
    """Who never experienced what the item asks about: the flag of the item, if there is one."""
    flag = f"{item}_not_experienced"
    if flag not in responses:
        return np.zeros(len(responses), bool)
    return responses[flag].fillna(False).to_numpy(bool)


def latest_wave(sample: SampleLike, item: str, over: str = "wave") -> Sample:
    """The answers of the latest wave with enough answers to show; all of them without waves.

    Examples
    --------
    >>> rows = pd.DataFrame({"wave": list("aabb"), "recommend": [9, 8, 7, 6]})
    >>> latest_wave(rows, "recommend")["recommend"].tolist()
    [9, 8, 7, 6]
    >>> latest_wave(pd.concat([rows] * 10), "recommend")["wave"].unique().tolist()
    ['b']
    """
    sample = as_sample(sample)
    if over not in sample:
        return sample
    asked = sample.of(item, over)
    given = asked.data[asked[item].notna()]
    n = given.groupby(over)[asked.count].sum() if asked.count else given[over].value_counts()
    n = n.sort_index()
    table = disclosure.shown(pd.DataFrame({over: n.index, "term": item, "n": n.to_numpy()}))
    return sample.only(over, table[over].iloc[-1:]) if len(table) else sample
