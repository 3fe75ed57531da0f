"""Sketches of the rows of a table by group, from which it is known by whom two sets differ.

    with Sketching(study, secret) as sketching:
        sketching.of("cases", "", "region = 'east'", ["severity"])

One scan of a table gives each row its number and its customer's place (`privacy.sketches`), one
query for each set of columns the sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import duckdb
import numpy as np

from cxlib.data import contract, expressions, sql
from cxlib.data.study import Study
from cxlib.privacy.sketches import PLACES, Part, Sketch, groups_key
from cxlib.reserve import store
from cxlib.reserve.database import Database
from cxlib.reserve.store import ReserveError

_WORD = "('0x' || left(sha256({}), 8))::ubigint"  # 32 bits of a keyed hash


@dataclass
class Sketching:
    """The tables of a reserve, opened for sketches. `secret` keys the hashes."""

    study: Study
    secret: str
    _hashed: set[str] = field(default_factory=set)

    @cached_property
    def _database(self) -> Database:
        return Database(self.study)

    @cached_property
    def _store(self) -> duckdb.DuckDBPyConnection:
        return store.connect(self.study.reserve_path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_unused: object) -> None:
        self._database.close()
        self._store.close()

    @cached_property
    def tables(self) -> list[str]:
        """Those in the reserve where a customer has several rows, and each row a key."""
        schema = {} if self.study.on_engine else self._database.schema
        known = [t for t, have in schema.items() if {"customer_id", *_key(t)} <= set(have)]
        return [t for t in known if self._several(t)]

    def _several(self, table: str) -> bool:
        asked = f"select count(customer_id) > count(distinct customer_id) from {sql.name(table)}"
        return bool(sql.first(self._store, asked)[0])

    def of(
        self, table: str, wave: str, where: str, columns: Sequence[str] = ()
    ) -> dict[Part, Sketch]:
        """A sketch of each group by the columns, of the rows of a wave and a condition.

        Nothing where the table has no such column or wave, or cannot be asked for the condition.
        """
        have = self._database.columns(table)
        if not {*columns, *(["wave"] if wave else [])} <= set(have):
            return {}
        source = sql.name(self._database.source(table))
        try:
            holds = expressions.condition(where, self._store, self._database.source(table), have)
            self._hash(table, source)
            found = self._store.execute(
                f"select {''.join(f'{sql.name(c)}, ' for c in columns)}_place, "
                f"(sum(_mark) % 4294967296)::ubigint as _sum from {source} "
                f"join {_hashes(table)} using ({sql.ROW}) where {holds}"
                f"{f' and wave = {sql.text(wave)}' if wave else ''} group by all"
            ).df()
        except (duckdb.Error, expressions.ExpressionError, ReserveError):
            return {}
        parts: dict[Part, Sketch] = {}
        names = found[[*columns]].dropna()
        levels = names.astype(str).itertuples(index=False, name=None)
        found = found.loc[names.index]
        for level, place, total in zip(levels, found["_place"], found["_sum"], strict=True):
            key = table, groups_key(zip(columns, level, strict=True))
            parts.setdefault(key, np.zeros(PLACES, np.uint32))[int(place)] = total
        return parts

    def _hash(self, table: str, source: str) -> None:
        """Give each row of a table its number and its customer's place, once."""
        if table in self._hashed:
            return
        row = " || '/' || ".join(f"coalesce({sql.name(c)}::varchar, '')" for c in _key(table))
        who = f"coalesce('c' || customer_id::varchar, 'r' || {row})"  # rows of nobody, one each
        number, place = (_WORD.format(f"{sql.text(self.secret)} || {x}") for x in (row, who))
        self._store.execute(
            f"create temp table {_hashes(table)} as select {sql.ROW}, {number} as _mark, "
            f"{place} % {PLACES} as _place from {source}"
        )
        self._hashed.add(table)


def _key(table: str) -> tuple[str, ...]:
    return contract.TABLES[table].key


def _hashes(table: str) -> str:
    return sql.name(f"_hashes_of_{table}")
