"""Answers that stay where they are: equal ones are counted there for each question that is asked.

    sample = study.sample()              # of more answers than limits.rows_at_most
    sample.of("recommend", "wave")       # a row for each answer, wave and key of customers: exact
    sample.only("wave", ["2026-Q3"])
    sample.data                          # for a method that needs rows: some customers, weighted

Customers are counted by the key that resampling knows them by (`stats.resampling.keys_of`), so that
sums, and sums in every resample, are those of all rows. Of a design effect the sums by customer are
taken by key as well: it has the sampling error of a variance that is estimated from 8,192 parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import pandas as pd

from cxlib.core.recoded import NOBODY, Recoded, Tally
from cxlib.core.sample import Calibration, Losses, Sample
from cxlib.data import sql
from cxlib.reserve.aggregates import expression
from cxlib.reserve.counting import Counting
from cxlib.stats.moments import Moments, unanswered
from cxlib.stats.resampling import MAX_CLUSTERS, ResamplingUnits
from cxlib.stats.sums import together

Filters = tuple[tuple[str, tuple[Any, ...]], ...]


FINE, COARSE = 1024, 256  # groups of customers whose sums are taken; the latter by cell of margins


class Stored(Protocol):
    """Where the rows are."""

    @property
    def columns(self) -> list[str]:
        """Of the table."""

    @property
    def numbers(self) -> frozenset[str]:
        """Columns that hold numbers."""

    @property
    def may_leave(self) -> bool:
        """Whether rows may leave the store."""

    @property
    def answers(self) -> Counting:
        """What is counted of equal rows."""

    def count(
        self, columns: list[str], groups: list[str], filters: Filters, least: int
    ) -> pd.DataFrame:
        """Equal rows of columns and of customers' keys: how many of each, and their weights.

        Parameters
        ----------
        columns, groups : that are counted, and those of them that divide the answers
        filters : columns with the values that they may have
        least : keys of which at least one is made
        """

    def sums(
        self,
        columns: list[str],
        filters: Filters,
        missing: str,
        by: str | None,
        origin: np.ndarray | None,
        recoded: Mapping[str, Recoded],
        least: int,
    ) -> dict[Any, Moments]:
        """Sums of each group, as `stats.moments.by_group` has them."""

    def tally(
        self, sets: Sequence[Tally], filters: Filters, recoded: Mapping[str, Recoded]
    ) -> list[int]:
        """How many rows are in each set."""

    def origin(self, columns: list[str]) -> np.ndarray:
        """What is subtracted from columns before they are summed."""

    def total(self, filters: Filters) -> int:
        """How many rows there are."""

    def rows(self) -> Sample:
        """Rows, for methods that need them."""


class StoredSample(Sample):
    """A Sample whose rows are counted in the store; `draws`, `seed` and `losses` as in `Sample`."""

    _stored: Stored
    _filters: Filters
    _made: dict[str, Any]  # draws, seed, losses
    _recoded: dict[str, Recoded]
    _buckets: int  # groups of customers that sums are taken of; 0: their keys
    _known: dict[Any, Any]  # what was read or counted, also by copies with other filters

    def __init__(
        self,
        stored: Stored,
        *,
        draws: int,
        seed: int,
        losses: Losses | None = None,
        filters: Filters = (),
        recoded: Mapping[str, Recoded] | None = None,
        buckets: int = 0,
        known: dict[Any, Any] | None = None,
    ) -> None:
        made = {"draws": draws, "seed": seed, "losses": losses}
        mine = {"weight": "weight", "cluster": "customer_id"}
        self.__dict__.update(made | mine)  # the class is frozen
        self.__dict__.update(_stored=stored, _filters=filters, _made=made, _buckets=buckets)
        self.__dict__.update(_recoded=dict(recoded or {}), _known={} if known is None else known)

    def _copy(self, **changes: Any) -> StoredSample:
        same = {"filters": self._filters, "recoded": self._recoded, "buckets": self._buckets}
        return StoredSample(self._stored, **{**self._made, **same, "known": self._known, **changes})

    @property
    def data(self) -> pd.DataFrame:  # read when it is asked for
        """Rows of some customers, weighted for the others."""
        return self.in_rows().data

    @property
    def raking(self) -> Calibration | None:
        """How the rows of `data` were raked."""
        return self.in_rows().raking

    def in_rows(self) -> Sample:
        """Rows of some customers, weighted for the others."""
        asked = "rows", self._filters, tuple(self._recoded.items())
        if asked not in self._known:
            if "rows" not in self._known:
                self._known["rows"] = self._stored.rows()
            rows = self._known["rows"]
            for column, values in self._filters:
                rows = rows.only(column, values)
            self._known[asked] = rows.recode(self._recoded) if self._recoded else rows
        found: Sample = self._known[asked]
        return found.replace(**self._made)

    def in_buckets(self, columns: Sequence[str], *, resampled: bool = True) -> Sample:
        """Sums by groups of customers; rows where a column holds no numbers."""
        if not set(columns) <= self._stored.numbers | self._recoded.keys():
            return self.in_rows()
        several = FINE if self._stored.answers.raking is None else COARSE
        return self._copy(buckets=several if resampled else 1)

    def recode(self, columns: Mapping[str, Recoded]) -> StoredSample:
        """The sample with columns of numbers made of others, which are those of the table."""
        return self._copy(recoded={**self._recoded, **columns})

    def tally(self, sets: Iterable[Tally]) -> list[int]:
        """How many rows of a positive weight are in each set, by one query."""
        sets = list(sets)
        return self._stored.tally(sets, self._filters, self._recoded) if sets else []

    def of(self, items: str | Sequence[str], *groups: str | None) -> Sample:
        """Equal answers of customers of one key as one, each question by itself: all of them.

        In buckets equal answers of all customers are one.
        """
        items = [items] if isinstance(items, str) else list(items)
        parts = [self._counted(item, [g for g in groups if g]) for item in items]
        rows = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
        design: dict[str, Any] = {**self._stored.answers.design, **self._made}
        return Sample(rows, cluster="customer_id", questions=len(parts), **design)

    def _counted(self, item: str, groups: list[str]) -> pd.DataFrame:
        wave = ["wave"] if self._by_wave else []  # for the same without one
        wanted = dict.fromkeys([item, f"{item}_not_experienced", *groups, *wave])
        columns = [c for c in wanted if c in self._stored.columns]
        least = MAX_CLUSTERS if self._buckets else 1
        known = self._known.setdefault(("counts", least), {})
        for (asked, filters), found in known.items():
            rest = [f for f in self._filters if f not in filters]
            if {*columns, *dict(rest)} <= set(asked) and set(filters) <= set(self._filters):
                return found[_passing(found, rest)] if rest else found
        divided = [c for c in [*groups, *wave] if c in columns]
        filters = () if self._by_wave else self._filters
        found = self._stored.count(columns, divided, filters, least)
        known[tuple(columns), filters] = found
        return found[_passing(found, self._filters)] if self._by_wave else found

    @property
    def _by_wave(self) -> bool:
        """Whether answers are summed by wave, once for all choices of waves."""
        other = dict(self._filters).keys() - {"wave"}
        here = self._stored.may_leave and "wave" in self._stored.columns
        return self._buckets > 1 and here and not other

    def sums(
        self, columns: list[str], *, missing: str, by: str | None, origin: np.ndarray | None
    ) -> dict[Any, Moments]:
        """Sums of all answers by group, customers' key and cell of the margins, by one scan."""
        plain = None if origin is None else tuple(origin)
        scanned, mixing = self._scanned(columns)
        asked = tuple(scanned.items()), missing, by, plain, self._buckets
        known = self._known.setdefault("sums", {})
        if (asked, self._filters) not in known:
            found = self._of_waves(asked) if self._by_wave and by is None else self._of_more(asked)
            known[asked, self._filters] = found or self._summed(asked, self._filters)
        found = known[asked, self._filters]
        if not found:
            each = (self.of(column) for column in columns)
            given = [s.counts[s[c].notna()].sum() for s, c in zip(each, columns, strict=True)]
            raise unanswered(columns, given, len(self))
        if mixing is not None:
            start = self._origin(columns)
            found = {g: s.transformed(columns, start, mixing) for g, s in found.items()}
        return {g: replace(s, **self.bootstrap) for g, s in found.items()}

    def _origin(self, columns: Iterable[str]) -> np.ndarray:
        """As of the question, of what is recoded to its own scale."""
        made = [(c, self._recoded.get(c)) for c in columns]
        return self._stored.origin([c if m is None or m.span else m.column for c, m in made])

    def _scanned(self, columns: list[str]) -> tuple[dict[str, Recoded | None], np.ndarray | None]:
        """What is summed, and the columns as combinations of it; None where they are the same.

        Answers of who did not experience it are summed apart from others, so that the same sums
        serve whatever these are given.
        """
        scanned: dict[str, Recoded | None] = {}
        parts: list[dict[str, float]] = []
        for column, start in zip(columns, self._origin(columns), strict=True):
            made = self._recoded.get(column)
            scanned[column], part = made, {column: 1.0}
            if made is not None and made.never and made.span is None:
                scanned[column] = replace(made, value=float(start))
                flag = Recoded(made.column, made.never, 1.0, NOBODY)
                same = (c for c in columns if self._recoded.get(c) == flag)
                name = next(same, f"{made.column}_not_experienced")
                scanned[name], part[name] = flag, made.value - start
            parts.append(part)
        if list(scanned) == columns and all(len(part) == 1 for part in parts):
            return scanned, None
        mixing = np.array([[part.get(c, 0.0) for c in scanned] for part in parts])
        return scanned, mixing

    def _summed(self, asked: tuple[Any, ...], filters: Filters) -> dict[Any, Moments]:
        scanned, missing, by, origin, buckets = asked
        recoded = {name: made for name, made in scanned if made is not None}
        if origin is None and recoded:
            origin = self._origin(name for name, _made in scanned)
        start = None if origin is None else np.array(origin)
        least = MAX_CLUSTERS // buckets if buckets else 1
        names = [name for name, _made in scanned]
        return self._stored.sums(names, filters, missing, by, start, recoded, least)

    def _of_waves(self, asked: tuple[Any, ...]) -> dict[Any, Moments] | None:
        """Sums of the waves that are chosen; None where answers have no wave."""
        of_waves = self.of("", "wave")
        if of_waves["wave"].isna().any() or not len(of_waves):
            return None
        scanned, missing, _by, *rest = asked
        asked = (scanned, missing, "wave", *rest)
        known = self._known.setdefault("sums of waves", {})
        if asked not in known:
            known[asked] = self._summed(asked, ())
        chosen = set(of_waves["wave"])
        parts = [s for wave, s in known[asked].items() if wave in chosen]
        return {None: replace(together(parts), offered=of_waves.rows_of())} if parts else {}

    def _of_more(self, asked: tuple[Any, ...]) -> dict[Any, Moments] | None:
        """Sums of all customers by pairs, of those of more columns; None where there are none."""
        scanned, *how, buckets = asked
        if buckets != 1 or how[0] != "pairwise":
            return None
        for (more, filters), found in self._known["sums"].items():
            same = filters == self._filters and list(more[1:4]) == how
            if same and found and set(scanned) <= set(more[0]):
                columns = [name for name, _made in scanned]
                total = found[None].select(columns).total()
                parts = {part: getattr(total, part)[None] for part in ("weight", "first", "second")}
                rows = np.array(self.tally([Tally(some=columns)]), float)
                units = ResamplingUnits(np.zeros(1, np.int64))
                return {None: replace(total, **parts, rows=rows, clusters=units, masses=None)}
        return None

    def only(self, column: str, values: Iterable[object]) -> StoredSample:
        """The rows that have one of the values in the column."""
        return self._copy(filters=(*self._filters, (column, tuple(values))))

    def replace(self, **changes: Any) -> Sample:
        """A copy with other draws or seed; any other change needs rows."""
        if changes.keys() <= self._made.keys():
            return self._copy(**changes)
        return self.in_rows().replace(**changes)

    def with_data(self, rows: pd.DataFrame) -> Sample:
        """The design of the rows that were read for other columns or fewer of them."""
        return self.in_rows().with_data(rows)

    def __len__(self) -> int:
        asked = "total", self._filters
        if asked not in self._known:
            self._known[asked] = self._stored.total(self._filters)
        return int(self._known[asked])

    def __contains__(self, column: object) -> bool:
        return column in self._stored.columns or column in self._recoded

    @property
    def columns(self) -> list[str]:
        """Names of the columns of the table."""
        return list(self._stored.columns)

    def __repr__(self) -> str:
        design = f"{len(self):,} rows, counted where they are; clustered by 'customer_id'"
        return f"Sample({design}; {self.draws:,} draws, seed {self.seed})"


def holds(filters: Filters) -> str:
    """The condition that rows pass the filters."""
    return " and ".join(_in(c, vs) for c, vs in filters) or "true"


def _in(column: str, values: tuple[Any, ...]) -> str:
    known = ", ".join(sql.text(str(v)) for v in values if not pd.isna(v))
    parts = [f"{sql.name(column)} in ({known})"] if known else []
    parts += [f"{sql.name(column)} is null"] if any(map(pd.isna, values)) else []
    return f"({' or '.join(parts) or 'false'})"


def _passing(found: pd.DataFrame, filters: Iterable[tuple[str, tuple[Any, ...]]]) -> np.ndarray:
    """Which counted rows pass the filters."""
    passes = np.ones(len(found), bool)
    for column, values in filters:
        passes &= found[column].isin(list(values)).to_numpy()
    return passes


def tallied(sets: Sequence[Tally], recoded: Mapping[str, Recoded]) -> tuple[str, str]:
    """The numbers of rows in the sets, in SQL, and what holds for the rows of all of them.

    Examples
    --------
    >>> tallied([Tally(["room"], above=["late"])], {})
    ('count(*) filter (where "late" > 0) as n0', '"room" is not null')
    """
    common = [c for c in sets[0].given if all(c in one.given for one in sets)]
    counts = []
    for k, one in enumerate(sets):
        own = (c for c in one.given if c not in common)
        given, some, above = (
            [expression(c, recoded) for c in part] for part in (own, one.some, one.above)
        )
        parts = [f"{c} is not null" for c in given] + [f"{c} > 0" for c in above]
        parts += [f"({' or '.join(f'{c} is not null' for c in some)})"] if some else []
        counts.append(f"count(*) filter (where {' and '.join(parts) or 'true'}) as n{k}")
    holds = " and ".join(f"{expression(c, recoded)} is not null" for c in common)
    return ", ".join(counts), holds or "true"
