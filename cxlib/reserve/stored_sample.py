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

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core.sample import Calibration, Losses, Sample
from cxlib.data import sql
from cxlib.reserve.counting import Counting
from cxlib.stats.moments import Moments, unanswered

Filters = tuple[tuple[str, tuple[Any, ...]], ...]


@dataclass(frozen=True)
class Stored:
    """Where the rows are.

    Attributes
    ----------
    columns : of the table
    answers : what is counted of equal rows
    count : (columns, groups, filters) -> equal rows of these columns and of the customers' keys,
        with how many there are of each and their weights; groups are those of the columns that
        divide the answers, filters are columns with the values they may have
    sums : (columns, filters, missing, by, origin) -> sums of each group (`stats.moments.by_group`)
    total : filters -> how many rows there are
    rows : reads what methods take that need rows
    """

    columns: list[str]
    answers: Counting
    count: Callable[[list[str], list[str], Filters], pd.DataFrame]
    sums: Callable[..., dict[Any, Moments]]
    total: Callable[[Filters], int]
    rows: Callable[[], Sample]


class StoredSample(Sample):
    """A Sample whose rows are counted in the store; `draws`, `seed` and `losses` as in `Sample`."""

    _stored: Stored
    _filters: Filters
    _made: dict[str, Any]  # draws, seed, losses
    _known: dict[Any, Any]  # what was read or counted

    def __init__(
        self,
        stored: Stored,
        *,
        draws: int,
        seed: int,
        losses: Losses | None = None,
        filters: Filters = (),
    ) -> None:
        made = {"draws": draws, "seed": seed, "losses": losses}
        mine = {"weight": "weight", "cluster": "customer_id"}
        self.__dict__.update(made | mine)  # the class is frozen
        self.__dict__.update(_stored=stored, _filters=filters, _made=made, _known={})

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
        if "rows" not in self._known:
            rows = self._stored.rows()
            for column, values in self._filters:
                rows = rows.only(column, values)
            self._known["rows"] = rows.replace(**self._made)
        found: Sample = self._known["rows"]
        return found

    def of(self, items: str | Sequence[str], *groups: str | None) -> Sample:
        """Equal answers of customers of one key as one, each question by itself: all of them."""
        items = [items] if isinstance(items, str) else list(items)
        parts = [self._counted(item, [g for g in groups if g]) for item in items]
        rows = pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]
        design: dict[str, Any] = {**self._stored.answers.design, **self._made}
        return Sample(rows, cluster="customer_id", questions=len(parts), **design)

    def _counted(self, item: str, groups: list[str]) -> pd.DataFrame:
        wanted = dict.fromkeys([item, f"{item}_not_experienced", *groups])
        columns = [c for c in wanted if c in self._stored.columns]
        asked = tuple(columns)
        if asked not in self._known:
            divided = [c for c in groups if c in columns]
            self._known[asked] = self._stored.count(columns, divided, self._filters)
        found: pd.DataFrame = self._known[asked]
        return found

    def sums(
        self, columns: list[str], *, missing: str, by: str | None, origin: np.ndarray | None
    ) -> dict[Any, Moments]:
        """Sums of all answers by group, customers' key and cell of the margins, by one scan."""
        asked = (*columns, missing, by, None if origin is None else tuple(origin))
        if asked not in self._known:
            found = self._stored.sums(columns, self._filters, missing, by, origin)
            self._known[asked] = found
        if not self._known[asked]:
            each = (self.of(column) for column in columns)
            given = [s.counts[s[c].notna()].sum() for s, c in zip(each, columns, strict=True)]
            raise unanswered(columns, given, len(self))
        return {g: replace(s, **self.bootstrap) for g, s in self._known[asked].items()}

    def only(self, column: str, values: Iterable[object]) -> StoredSample:
        """The rows that have one of the values in the column."""
        filters = (*self._filters, (column, tuple(values)))
        return StoredSample(self._stored, **self._made, filters=filters)

    def replace(self, **changes: Any) -> Sample:
        """A copy with other draws or seed; any other change needs rows."""
        if changes.keys() <= self._made.keys():
            return StoredSample(self._stored, **self._made | changes, filters=self._filters)
        return self.in_rows().replace(**changes)

    def with_data(self, rows: pd.DataFrame) -> Sample:
        """The design of the rows that were read for other columns or fewer of them."""
        return self.in_rows().with_data(rows)

    def __len__(self) -> int:
        if "total" not in self._known:
            self._known["total"] = self._stored.total(self._filters)
        return int(self._known["total"])

    def __contains__(self, column: object) -> bool:
        return column in self._stored.columns

    @property
    def columns(self) -> list[str]:
        """Names of the columns of the table."""
        return list(self._stored.columns)

    def __repr__(self) -> str:
        design = f"{len(self):,} rows, counted where they are; clustered by 'customer_id'"
        return f"Sample({design}; {self.draws:,} draws, seed {self.seed})"


def holds(filters: Filters) -> str:
    """The condition that rows pass the filters."""
    each = (f"{sql.name(c)} in ({', '.join(sql.text(str(v)) for v in vs)})" for c, vs in filters)
    return " and ".join(each) or "true"
