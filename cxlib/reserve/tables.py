"""The tables of a study's reserve, opened: what they have, their rows by wave and condition.

tables.schema                                      # the columns of each
tables.read("orders", where="amount > 100")
for part in tables.in_batches("orders"): ...       # all customers, some at a time
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Self

import duckdb
import numpy as np
import pandas as pd

from cxlib.core import context
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.sample import Losses, Sample
from cxlib.data import contract, expressions, sql
from cxlib.data.identifiers import IDENTIFIERS
from cxlib.data.study import Study
from cxlib.reserve import door, engine, limits, store, subsample, tables_read
from cxlib.reserve.store import ReserveError
from cxlib.reserve.subsample import Counted, Plan, SomeCustomers

DATED = {  # table: the column that says when a row came to be known
    "responses": "answered_on",
    "events": "at",
    "orders": "at",
    "cases": "opened_at",
    "case_statuses": "at",
    "comments": "at",
}


@dataclass
class Tables:
    """A study's tables, opened for reading; nothing is read before it is asked for."""

    study: Study
    _store: duckdb.DuckDBPyConnection | None = field(default=None, repr=False)
    _bounded: duckdb.DuckDBPyConnection | None = field(default=None, repr=False)
    _fewest: dict[str, int | None] = field(default_factory=dict, repr=False)  # see `door.closed`
    some: SomeCustomers | None = field(default=None, repr=False)  # whose rows alone are read
    _naming: Collection[str] = field(default=(), repr=False)  # see `naming`
    _whole: Self | None = field(default=None, repr=False)  # with the rows of all customers

    @property
    def store(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection, opened at the first use."""
        if self._bounded is None:
            opened = self._opened()
            counted = opened.execute('select "table", kept from _tables').fetchall()
            self._bounded = limits.bounded(opened, self.study.limits, dict(counted))
        noted = tables_read.noted(self._bounded)
        if self.study.reporting.leave_rows:
            return noted
        named = {t for t, have in self.schema.items() if "customer_id" in have}
        return door.closed(noted, self.study.reporting.smallest_cell, named, self._fewest)

    def _opened(self) -> duckdb.DuckDBPyConnection:
        """The connection, whose queries are neither noted nor held to limits: few rows come."""
        if self._store is None:
            opened = store.connect(self.study.reserve_path)
            there = store.facts(self.study.reserve_path) if self.study.on_engine else {}
            self._naming = there.get("named", [])
            some = self.some
            conditions = some.conditions(_columns_of(opened), self._naming) if some else {}
            self._store = engine.attached(self.study, opened, there.get("views", {}), conditions)
        return self._store

    @property
    def naming(self) -> Collection[str]:
        """Tables on an engine whose rows all have a customer, as was counted at the load."""
        self._opened()
        return self._naming

    def order(self, table: str) -> str:
        """By which columns rows come in the order of the files; on an engine, of their keys.

        An engine would sort the whole table to say which place a row has.
        """
        on_engine = table in self.study.on_engine
        return sql.names(contract.TABLES[table].key) if on_engine else sql.ROW

    def of_some_customers(self, *tables: str, listing: bool = False, counted: Counted = "") -> Self:
        """The same tables, with the rows of some customers where the named ones have too many.

        Where one of them has more than `limits.rows_at_most`, customers are chosen by a hash of
        their id, and every table has the rows of these alone; this is printed. Days
        (`first_day`, `last_day`) stay those of all rows.

        Parameters
        ----------
        tables : that are read
        listing : whether the page lists customers, all of whom it takes from `in_batches`
        counted : the table of which the page counts all rows for the rest ("orders", "cases")
        """
        if not self.study.reporting.leave_rows:  # no row is read at all
            return self
        some = subsample.customers(self.kept_rows, tables, self.study.limits.rows_at_most)
        if some is None:
            return self
        some.say(listing=listing, counted=counted)
        return type(self)(self.study, some=some, _whole=self)

    def in_batches(self, *tables: str, where: str = "") -> Iterator[Self]:
        """All customers in parts, each with the tables of these alone, for what is done with each.

        A part has at most about `limits.rows_at_most` rows of each of the named tables; where none
        has more, there is one part, the study itself. Days stay those of all rows. Of a part a
        condition may leave no row. It is closed when the next one is asked for.

        Parameters
        ----------
        tables : that are read
        where : condition that some customer has to meet

        Raises
        ------
        ReserveError : no customer meets the condition
        """
        leave = self.study.reporting.leave_rows
        most = self.study.limits.rows_at_most
        parts = subsample.batches(self.kept_rows, tables, most) if leave else []
        if parts and where and "customers" in self.tables:
            self._require_some("customers", where)
        for some in parts:
            part = type(self)(self.study, some=some, _whole=self)
            try:
                yield part
            finally:
                part._close_store()
        if not parts:
            yield self

    def _require_some(self, table: str, where: str) -> None:
        """Raise ReserveError where the condition leaves no row of a table."""
        have = self.columns(table)
        holds = expressions.condition(where, self.store, table, have)
        counted = f"select count(*) from {sql.name(table)} where {holds}"
        kept = sql.first(self.store, counted)[0]
        if not kept:
            why = nothing_left(table, "", where, self.steps(table, "", where, "true", kept))
            raise ReserveError(why + self._values_in(table, have, where))

    @property
    def kept_rows(self) -> dict[str, int]:
        """How many rows each table had when it was loaded."""
        return dict(self._opened().execute('select "table", kept from _tables').fetchall())

    def close(self) -> None:
        """Let go of the file."""
        if self._whole is not None:
            self._whole.close()
        self._close_store()

    def _close_store(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = self._bounded = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()

    def __getitem__(self, table: str) -> pd.DataFrame:
        return self.read(table)

    def _ipython_key_completions_(self) -> list[str]:
        return self.tables

    @property
    def tables(self) -> list[str]:
        """The tables the study has."""
        return list(self.schema)

    @property
    def losses(self) -> pd.DataFrame:
        """table, column, lost ("row", "cell"), n, of: what the quarantine cost."""
        return self.store.execute("select * from _losses").df()

    @property
    def warnings(self) -> pd.DataFrame:
        """table, column, rows, what, mend: what is worth a look."""
        return self.store.execute("select * from _warnings").df()

    @property
    def margins(self) -> dict[str, dict[str, float]]:
        """Population shares to weight to: {attribute: {value: share}}.

        Empty where some value has no share: weights to a part of the population would mislead.
        """
        return self.study.margins if self.without_share.empty else {}

    @property
    def without_share(self) -> pd.DataFrame:
        """Those warnings that speak of values without a share of the population."""
        return self.warnings.query("rule == 'no_share'")

    def columns(self, table: str) -> list[str]:
        """The columns of a table, items among them."""
        return list(self.schema[self._known(table)])

    def waves(self) -> list[str]:
        """The survey waves, in order."""
        if "wave" not in self.schema.get("responses", []):
            return []
        found = self.store.execute(
            "select wave, count(*) as n from responses where wave is not null group by 1 order by 1"
        )
        return [row[0] for row in found.fetchall()]

    @property
    def schema(self) -> dict[str, list[str]]:
        """The columns of each table that the study has."""
        there = self._there
        answers = there.get("_responses", there.get("responses", []))
        found = there | {"responses": answers}
        return {t: found[t] for t in contract.TABLES if found.get(t)}

    @cached_property
    def _there(self) -> dict[str, list[str]]:
        """The columns of what is in the reserve; _responses: answers with customers' attributes."""
        tables_read.note(tables_read.COLUMNS)
        return _columns_of(self._opened())

    def _known(self, table: str) -> str:
        if table not in self.schema:
            raise ReserveError(
                f"{self.study.name} has no table {table!r}. It has: {', '.join(self.tables)}."
            )
        return table

    def _values_in(self, source: str, have: list[str], where: str) -> str:
        """The values of the text columns that a condition names, few as they are; else nothing."""
        found = []
        shown = (c for c in have if c not in IDENTIFIERS)
        for column in (c for c in shown if re.search(rf"(?<!\w){re.escape(c)}(?!\w)", where)):
            rows = self.store.execute(
                f"select distinct {sql.name(column)} from {sql.name(source)} "
                f"where {sql.name(column)} is not null order by 1 limit 13"
            ).fetchall()
            if len(rows) < 13:
                found.append(
                    f" {column} holds: {', '.join(repr(r[0]) for r in rows) or 'nothing'}."
                )
        return "".join(found)

    def read(
        self, table: str, wave: str = "", where: str = "", columns: list[str] | None = None
    ) -> pd.DataFrame:
        """Rows of a table, in the order of the files: of one wave, those for which `where` holds.

        Raises ReserveError for an unknown table, wave or column, for a condition that is none, and
        when no row is left, saying which step lost them.
        """
        return self.rows(table, wave, where, columns)[0]

    def rows(
        self,
        table: str,
        wave: str,
        where: str,
        columns: list[str] | None = None,
        plan: Plan | None = None,
    ) -> tuple[pd.DataFrame, Losses]:
        """As `read`, of those that a plan chooses, and what was lost."""
        have = self.columns(table)
        if unknown := [c for c in columns or [] if c not in have]:
            raise ReserveError(f"{table} has no column {unknown}. It has: {', '.join(have)}.")
        in_wave = self.in_wave(table, wave)
        source = self.source(table)
        empty = self.may_be_empty
        holds = expressions.condition(where, self.store, source, have, empty=empty)
        chosen = f" and {plan.holds}" if plan else ""
        try:
            rows = self.store.execute(
                f"select {sql.names(columns or have)} from {sql.name(source)} "
                f"where {in_wave} and {holds}{chosen} order by {self.order(table)}"
            ).df()
            kept = len(rows)
            if plan:
                counted = f"select count(*) from {sql.name(source)} where {in_wave} and {holds}"
                [kept] = sql.first(self.store, counted)
        except duckdb.Error as error:
            raise ReserveError(
                f"WHERE {where!r} fails on {table}: {str(error).splitlines()[0]} Compare text "
                "with text in single quotes and numbers with numbers. "
                f"The columns are: {', '.join(have)}."
            ) from error
        steps = self.steps(table, wave, where, in_wave, kept)
        steps["lost"] |= {"sampled": kept - len(rows)} if plan else {}
        if not kept and (wave or where) and not empty:
            why = nothing_left(table, wave, where, steps)
            raise ReserveError(why + self._values_in(source, have, where))
        return rows, Losses(**steps)

    def sample_of(
        self, table: str, wave: str, where: str, draws: int, seed: int, plan: Plan | None = None
    ) -> Sample:
        """Rows of a table clustered by customer, not yet weighted but for what a plan chose.

        Raises InsufficientData for many rows of fewer customers than the smallest cell.
        """
        rows, losses = self.rows(table, wave, where, plan=plan)
        cluster = "customer_id" if "customer_id" in rows else None
        if plan:
            rows = plan.weighted(rows)
        elif cluster:
            who = rows[cluster]
            require_people(len(rows), int(who.nunique() + who.isna().sum()))
        notes = (plan.sentence(),) if plan else ()
        return Sample(rows, cluster=cluster, draws=draws, seed=seed, losses=losses, notes=notes)

    @property
    def whole(self) -> Self:
        """The same tables with the rows of all customers."""
        return self if self._whole is None else self._whole

    @property
    def may_be_empty(self) -> bool:
        """Whether a condition may leave no row: these are a part of all customers."""
        return self.some is not None and self.some.batch

    @property
    def first_part(self) -> bool:
        """Whether these are all customers or their first part, which says what holds of all."""
        return not self.may_be_empty or (self.some is not None and not self.some.start)

    def source(self, table: str) -> str:
        """The table or view that the rows of a table are read from."""
        return "_responses" if table == "responses" and "_responses" in self._there else table

    def narrowest(self, columns: list[str], where: str) -> str:
        """What these columns of answers are read from: without the customers where that does."""
        own = self._there["responses"] if not where.strip() else []
        return "responses" if set(columns) <= set(own) else self.source("responses")

    def in_wave(self, table: str, wave: str) -> str:
        """The condition that a row is of a wave. Raises ReserveError for one there is not."""
        if not wave:
            return "true"
        if "wave" not in self.columns(table):
            raise ReserveError(
                f"{table} of {self.study.name} has no waves; leave WAVE empty, or use WHERE."
            )
        known = self.waves()
        if table == "responses" and wave not in known:
            there = ", ".join(known) or "none"
            raise ReserveError(f"{self.study.name} has no wave {wave!r}. There are: {there}.")
        return f"wave = {sql.text(wave)}"

    def steps(self, table: str, wave: str, where: str, in_wave: str, kept: int) -> dict[str, Any]:
        """What a page lost of a table on the way to `kept` rows, as `core.sample.Losses` has it."""
        query = 'select offered, kept, left_out from _tables where "table" = ?'
        offered, loaded, left_out = sql.first(self.store, query, [table])
        of_wave = here = loaded
        if wave or self.some:
            count = f"select count(*) from {sql.name(table)}"
            of_wave = sql.first(self.store, f"{count} where {in_wave}")[0]
            here = sql.first(self.store, count)[0] if self.some else loaded
        lost = {"only": left_out, "quarantined": offered - loaded - left_out}
        lost |= {"not_chosen": loaded - here} if self.some else {}
        if wave:
            lost["wave"] = here - of_wave
        if where.strip():
            lost["where"] = of_wave - kept
        return {"table": table, "offered": offered, "wave": wave, "where": where, "lost": lost}

    def origin(self, columns: list[str]) -> np.ndarray:
        """What sums of columns are taken from: the middle of an item's scale, or 0."""
        items = self.study.items
        return np.array([sum(items[c].scale) / 2 if c in items else 0.0 for c in columns])

    @property
    def first_day(self) -> datetime | None:
        """Since when every dated table has rows: the latest of their first days."""
        return self._day("max", "min", self._dated())

    @property
    def last_day(self) -> datetime | None:
        """The last day of the data, over all dated tables and the customers' dates."""
        return self._day("max", "max", self._dated(customers=True))

    def period(self, table: str = "") -> tuple[datetime, datetime] | None:
        """First and last day of a dated table; of all dated tables where it has no dates."""
        dated = self._dated()
        dated = [pair for pair in dated if pair[0] == table] or dated
        first, last = self._day("min", "min", dated), self._day("max", "max", dated)
        return (first, last) if first and last else None

    def _dated(self, *, customers: bool = False) -> list[tuple[str, str]]:
        """The dated tables with their column, and with `customers` their dates as well."""
        own = [("customers", c) for c in ("joined_on", "left_on") if customers]
        return [(t, c) for t, c in [*DATED.items(), *own] if c in self.schema.get(t, ())]

    def _day(self, over: str, of: str, dated: list[tuple[str, str]]) -> datetime | None:
        if not dated:
            return None
        if self._whole is not None:
            return self._whole._day(over, of, dated)
        days = " union all ".join(
            f"select {of}({sql.name(c)}) as d from {sql.name(t)}" for t, c in dated
        )
        tables_read.note(tables_read.DAYS)
        found = sql.first(self._opened(), f"select {over}(d) from ({days})")[0]
        return None if found is None else datetime(found.year, found.month, found.day)


def _columns_of(opened: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """The columns of the tables in the reserve, and of the answers with their customers'."""
    found = opened.execute(
        "select table_name, column_name from duckdb_columns() where database_name = "
        "current_database() and (table_name[1] != '_' or table_name = '_responses') "
        "order by column_index"
    )
    there: dict[str, list[str]] = {}
    for table, column in found.fetchall():
        there.setdefault(table, []).extend([column] * (column != sql.ROW))
    return there


def nothing_left(table: str, wave: str, where: str, steps: Mapping[str, Any]) -> str:
    """What is said where a wave and a condition leave no row."""
    asked = " and ".join(
        part
        for part in (f"wave {wave!r}" if wave else "", f"WHERE {where!r}" if where else "")
        if part
    )
    of = steps["offered"] - sum(n for key, n in steps["lost"].items() if key != "where")
    return f"{asked} leaves none of the {of:,} rows of {table}. Check the spelling of the values."


def require_people(rows: int, people: int) -> None:
    """Raise InsufficientData for many rows of few customers: hidden is a group of few people."""
    least = context.current().smallest_cell
    if people < least <= rows:
        raise InsufficientData(
            _(
                "The rows that are left are of fewer than {least:count} customers, whose numbers "
                "are not shown.",
                least=least,
            )
        )
