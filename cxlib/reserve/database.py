"""The tables of a study's reserve: rows by wave and condition, and sums that leave no row.

database.tables                                    # those the study has
database.read("orders", where="amount > 100")
database.sums("responses", ["speed", "price"], cluster="customer_id")
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import cache, partial
from typing import Any, Self, TypeVar

import duckdb
import numpy as np
import pandas as pd

from cxlib import weights
from cxlib.core import context, i18n
from cxlib.core.errors import InsufficientData, RowsStay
from cxlib.core.i18n import _, ngettext
from cxlib.core.recoded import Recoded, Tally
from cxlib.core.sample import DRAWS, SEED, Losses, Sample
from cxlib.data import contract, expressions, sql
from cxlib.data.identifiers import IDENTIFIERS
from cxlib.data.intake.plausibility import BAD_WEIGHTS
from cxlib.data.study import Study
from cxlib.reserve import (
    aggregates,
    counting,
    door,
    engine,
    limits,
    store,
    stored_sample,
    subsample,
    tables_read,
)
from cxlib.reserve.counting import COUNT, Counting
from cxlib.reserve.store import ReserveError
from cxlib.reserve.stored_sample import Filters, Stored, StoredSample
from cxlib.reserve.subsample import Plan, SomeCustomers
from cxlib.stats.moments import Moments
from cxlib.stats.raking import Raking
from cxlib.stats.resampling import MAX_CLUSTERS
from cxlib.stats.survey_design import SurveyDesign

Asked = TypeVar("Asked")
NUMBERS = ("DOUBLE", "FLOAT", "BIGINT", "INTEGER", "SMALLINT", "TINYINT")
BUCKETS = (1024, 512, 256, 128, 64, 32)  # of customers, where only sums of them may leave
DATED = {  # table: the column that says when a row came to be known
    "responses": "answered_on",
    "events": "at",
    "orders": "at",
    "cases": "opened_at",
    "case_statuses": "at",
    "comments": "at",
}
CHECKED = (  # what the checks of the load left, without the numbers of rows
    "select * from _quarantine",
    "select * from _losses",
    "select * from _warnings",
    'select "table", quarantined, cells, left_out, notes from _tables',
)


@dataclass
class Database:
    """A study's tables, opened for reading; nothing is read before it is asked for."""

    study: Study
    _store: duckdb.DuckDBPyConnection | None = field(default=None, repr=False)
    _bounded: duckdb.DuckDBPyConnection | None = field(default=None, repr=False)
    _columns: dict[str, list[str]] | None = field(default=None, repr=False)
    _plan: list[Plan | None] = field(default_factory=list, repr=False)  # once it is known
    _fewest: dict[str, int | None] = field(default_factory=dict, repr=False)  # see `door.closed`
    _own_columns: list[str] = field(default_factory=list, repr=False)  # of answers alone
    _joined: bool = field(default=False, repr=False)  # answers come with the customers' attributes
    _some: SomeCustomers | None = field(default=None, repr=False)  # whose rows alone are read
    _whole: Database | None = field(default=None, repr=False)  # with the rows of all customers

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
            views = store.facts(self.study.reserve_path)["views"] if self.study.on_engine else {}
            conditions = self._some.conditions(_columns_of(opened)) if self._some else {}
            self._store = engine.attached(self.study, opened, views, conditions)
        return self._store

    def of_some_customers(self, *tables: str, listing: bool = False, counted: bool = False) -> Self:
        """The same tables, with the rows of some customers where the named ones have too many.

        Where one of them has more than `limits.rows_at_most`, customers are chosen by a hash of
        their id, and every table has the rows of these alone; this is printed. Days
        (`first_day`, `last_day`) stay those of all rows.

        Parameters
        ----------
        tables : that are read
        listing : whether the page lists customers, all of whom it takes from `in_batches`
        counted : whether the rest of the page is counted of all rows
        """
        if not self.study.reporting.leave_rows:  # no row is read at all
            return self
        some = subsample.customers(self._kept_rows, tables, self.study.limits.rows_at_most)
        if some is None:
            return self
        some.say(listing=listing, counted=counted)
        return type(self)(self.study, _some=some, _whole=self)

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
        parts = subsample.batches(self._kept_rows, tables, most) if leave else []
        if parts and where and "customers" in self.tables:
            self._require_some("customers", where)
        for some in parts:
            part = type(self)(self.study, _some=some, _whole=self)
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
            why = _nothing_left(table, "", where, self._steps(table, "", where, "true", kept))
            raise ReserveError(why + self._values_in(table, have, where))

    @property
    def _kept_rows(self) -> dict[str, int]:
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

    def __str__(self) -> str:
        counts = self.counts
        rows = [f"  {c.table}: {c.kept:,} rows" for c in counts.itertuples()]
        return "\n".join([f"{self.study.name}: {self.study.title['en']}", *rows])

    __repr__ = __str__

    @property
    def tables(self) -> list[str]:
        """The tables the study has."""
        return list(self.schema)

    @property
    def counts(self) -> pd.DataFrame:
        """table, offered, kept, quarantined, cells (lost), left_out, sha256 and notes."""
        return self.store.execute("select * from _tables").df()

    @property
    def quarantine(self) -> pd.DataFrame:
        """table, row, column, value, rule, params, file, lost: what was not let in.

        Without rows and values where no row may leave.
        """
        nameless = (
            "" if self.study.reporting.leave_rows else 'replace (null as "row", null as value)'
        )
        return self.store.execute(f"select * {nameless} from _quarantine").df()

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
        return self.study.margins if self._without_share.empty else {}

    @property
    def _without_share(self) -> pd.DataFrame:
        return self.warnings.query("rule == 'no_share'")

    @property
    def fingerprints(self) -> dict[str, str]:
        """sha256 of each table's content, and of study.yaml under "study.yaml"."""
        tables_read.note(tables_read.ALL)
        return store.fingerprints(self.study.reserve_path)

    @property
    def marks(self) -> dict[str, str]:
        """Fingerprints of what pages read of all tables together: columns, checks and days."""
        sums = "select count(*), sum(hash(t)::hugeint)::varchar from ({}) t"
        checks = [sql.first(self._opened(), sums.format(query)) for query in CHECKED]
        days = [self._day(f, f, [d]) for d in self._dated(customers=True) for f in ("min", "max")]
        found = {
            tables_read.COLUMNS: self.schema,
            tables_read.CHECKS: checks,
            tables_read.DAYS: [str(day) for day in days],
        }
        return {name: store.digest(value) for name, value in found.items()}

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
        if self._columns is None:
            tables_read.note(tables_read.COLUMNS)
            there = _columns_of(self._opened())
            self._own_columns = there.get("responses", [])
            there["responses"] = there.get("_responses", there.get("responses", []))
            self._joined = "_responses" in there
            self._columns = {t: there[t] for t in contract.TABLES if there.get(t)}
        return self._columns

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
        return self._read(table, wave, where, columns)[0]

    def _read(
        self,
        table: str,
        wave: str,
        where: str,
        columns: list[str] | None = None,
        plan: Plan | None = None,
    ) -> tuple[pd.DataFrame, Losses]:
        have = self.columns(table)
        if unknown := [c for c in columns or [] if c not in have]:
            raise ReserveError(f"{table} has no column {unknown}. It has: {', '.join(have)}.")
        in_wave = self._wave_condition(table, wave)
        source = self.source(table)
        empty = self.may_be_empty
        holds = expressions.condition(where, self.store, source, have, empty=empty)
        chosen = f" and {plan.holds}" if plan else ""
        try:
            rows = self.store.execute(
                f"select {sql.names(columns or have)} from {sql.name(source)} "
                f"where {in_wave} and {holds}{chosen} order by {sql.ROW}"
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
        steps = self._steps(table, wave, where, in_wave, kept)
        steps["lost"] |= {"sampled": kept - len(rows)} if plan else {}
        if not kept and (wave or where) and not empty:
            why = _nothing_left(table, wave, where, steps)
            raise ReserveError(why + self._values_in(source, have, where))
        return rows, Losses(**steps)

    @property
    def may_be_empty(self) -> bool:
        """Whether a condition may leave no row: these are a part of all customers."""
        return self._some is not None and self._some.batch

    @property
    def first_part(self) -> bool:
        """Whether these are all customers or their first part, which says what holds of all."""
        return not self.may_be_empty or (self._some is not None and not self._some.start)

    def source(self, table: str) -> str:
        """The table or view that the rows of a table are read from."""
        return "_responses" if table == "responses" and self._joined else table

    def responses(self, wave: str = "", where: str = "") -> pd.DataFrame:
        """The questionnaires, each with its customer's attributes: `read("responses", ...)`.

        They carry no design: `sample` gives them weighted, clustered and with their replicates.
        """
        return self.read("responses", wave, where)

    def sample(
        self,
        table: str = "responses",
        *,
        wave: str = "",
        where: str = "",
        draws: int = DRAWS,
        seed: int = SEED,
    ) -> Sample:
        """Rows of a table ready to be analysed: weighted, clustered by customer, losses counted.

        Parameters
        ----------
        table : of the study; responses carry the attributes of their customers and are weighted as
            study.yaml says (margins, replicate weights, sampling)
        wave : survey wave; empty for all
        where : condition on the columns, as in SQL; empty for all rows
        draws, seed : of the bootstrap behind every interval

        Raises
        ------
        ReserveError : unknown table, wave or column, no condition, no row left
        InsufficientData : rows that the margins of study.yaml do not speak of, or many rows of
            fewer customers than the smallest cell
        """
        leave = self.study.reporting.leave_rows
        plan = self._sampling_plan() if table == "responses" and leave else None
        if table == "responses" and (plan or not leave) and self._countable:
            return self._stored(plan, wave, where, draws, seed)
        rows, losses = self._read(table, wave, where, plan=plan)
        if not plan and "customer_id" in rows:
            who = rows["customer_id"]
            _require_people(len(rows), int(who.nunique() + who.isna().sum()))
        if plan:
            rows = plan.weighted(rows)
        if table == "responses" and self.study.sampling is not None:
            rows, sampled = self._as_sampled(rows, wave, where)
        cluster = "customer_id" if "customer_id" in rows else None
        notes = (plan.sentence(),) if plan else ()
        sample = Sample(rows, cluster=cluster, draws=draws, seed=seed, losses=losses, notes=notes)
        if table != "responses":
            return sample
        if (given := self.study.replicates) is not None:
            columns = [c for c in rows if c.startswith(given.prefix) and c != "weight"]
            sample = weights.with_replicates(sample, columns, kind=given.kind, fay=given.fay)
        elif self.study.sampling is not None:
            sample = replace(sample, design=sampled)
        for w in self._without_share.itertuples():
            print(not_weighted(w))
        return self._weighed(sample)

    def _weighed(self, sample: Sample) -> Sample:
        try:
            return weights.weigh(sample, self.margins, by="wave")
        except ValueError as error:  # a row outside the margins must not end every page
            if self.warnings["rule"].isin(BAD_WEIGHTS).any():
                raise  # the data failed their checks: no page is passed over for that
            raise InsufficientData(str(error)) from error

    @property
    def _countable(self) -> bool:
        """Whether counts say all: customers are known, and base weights of margins are few."""
        have = self.schema.get("responses", ())
        own = self.study.replicates is not None or self.study.sampling is not None
        if "customer_id" not in have or own:
            return False
        if not self.margins or "weight" not in have:
            return True
        [kinds] = sql.first(self.store, "select count(distinct weight) from responses")
        return bool(kinds <= counting.MOST_WEIGHTS)

    def _stored(
        self, plan: Plan | None, wave: str, where: str, draws: int, seed: int
    ) -> StoredSample:
        """The answers, counted where they are; some of them for methods that need rows.

        Without a plan none may leave: sums are then those of coarser keys (`_in_buckets`).
        """
        have, source = self.columns("responses"), self.source("responses")
        in_wave = self._wave_condition("responses", wave)
        chosen = f"{in_wave} and {expressions.condition(where, self.store, source, have)}"
        row = self._place_of_nameless()
        key = aggregates.key_of(self.store, source, "customer_id", row)
        kept = int(sql.first(self.store, f"select count(*) from {source} where {chosen}")[0])
        losses = Losses(**self._steps("responses", wave, where, in_wave, kept))
        if not kept:
            raise ReserveError(_nothing_left("responses", wave, where, asdict(losses)))
        if self.study.reporting.leave_rows:  # else the door has counted them with the rows
            people = "count(distinct customer_id) + count(*) filter (customer_id is null)"
            counted = f"select {people} from {source} where {chosen}"
            _require_people(kept, int(sql.first(self.store, counted)[0]))
        answers = self._counting(have, key, source, chosen)

        described = self.store.execute(f"describe select * from {source}").fetchall()
        numbers = frozenset(c for c, kind, *_rest in described if kind in NUMBERS)
        coarse = cache(answers.coarser)

        def count(
            columns: list[str], groups: list[str], filters: Filters, least: int
        ) -> pd.DataFrame:
            reads = [*columns, *dict(filters), *answers.reads]
            holds = f"{chosen} and {stored_sample.holds(filters)}"
            table = self._narrowest(reads, where)

            def counted(size: int) -> pd.DataFrame:
                bucket = aggregates.coarser(key, max(size, least))
                query = answers.query(columns, bucket, table, holds)
                people = door.fewest([*map(sql.name, groups), bucket], table, holds)
                return self.store.execute(door.Held(query, people)).df()

            return answers.finished(self._in_buckets(counted))

        def sums(
            columns: list[str],
            filters: Filters,
            missing: str,
            by: str | None,
            origin: np.ndarray | None,
            recoded: Mapping[str, Recoded],
            least: int,
        ) -> dict[Any, Moments]:
            reads = [*_read_for(columns, recoded), *dict(filters), *answers.reads]
            asked = (
                self.store,
                self._narrowest([*reads, *([by] if by else [])], where),
                columns,
                self._origin(columns) if origin is None else origin,
                "weight" if answers.weighted and answers.raking is None else None,
                "customer_id",
                f"{chosen} and {stored_sample.holds(filters)}",
                missing,
            )
            by_size = partial(aggregates.scan_by, *asked, row=row, by=by, recoded=recoded)
            masses = 1 < least < MAX_CLUSTERS and plan is not None
            # products of more columns than there are customers would give their answers away
            people = len(columns) if least > 1 else 0

            def summed(size: int) -> dict[Any, Moments]:
                size = max(size, least)
                return by_size(answers=coarse(size), size=size, masses=masses, least=people)

            return self._in_buckets(summed, missing)

        def tally(
            sets: Sequence[Tally], filters: Filters, recoded: Mapping[str, Recoded]
        ) -> list[int]:
            named = {c for one in sets for part in one for c in part}
            reads = [*_read_for(named, recoded), *dict(filters), *answers.reads]
            holds = f"{chosen} and {stored_sample.holds(filters)}"
            if answers.weighted and answers.raking is None:
                holds = f"{holds} and ({answers.own}) > 0"
            table = self._narrowest(reads, where)
            asked, common = stored_sample.tallied(sets, recoded)
            holds = f"{holds} and {common}"
            counted = door.Held(
                f"select {asked} from {table} where {holds}", door.fewest([], table, holds)
            )
            return [int(n) for n in sql.first(self.store, counted)]

        def total(filters: Filters) -> int:
            counted = f"select count(*) from {source} where {chosen}"
            return int(sql.first(self.store, f"{counted} and {stored_sample.holds(filters)}")[0])

        def rows() -> Sample:
            read, _unused = self._read("responses", wave, where, plan=plan)
            if plan is None:  # the store refuses
                return Sample(read)
            print(plan.sentence())
            return self._weighed(Sample(plan.weighted(read), cluster="customer_id"))

        if plan is None:
            print(self._held_sentence(answers))
        stored = Stored(
            have, numbers, plan is not None, answers, count, sums, tally, self._origin, total, rows
        )
        return StoredSample(stored, draws=draws, seed=seed, losses=losses)

    def _place_of_nameless(self) -> str:
        """The column of a response's place; empty where every response names its customer."""
        try:
            nameless = "select count(*) from responses where customer_id is null"
            return sql.ROW if sql.first(self.store, nameless)[0] else ""
        except RowsStay:  # a few do not, whose number does not leave
            return sql.ROW

    def _in_buckets(self, asked: Callable[[int], Asked], missing: str = "complete") -> Asked:
        """What is asked by keys of customers; where no row may leave, of as many keys as one.

        That is the finest of `BUCKETS` by which each sum has at least the smallest cell of
        customers. Raises RowsStay where not even the coarsest has.
        """
        if self.study.reporting.leave_rows:
            return asked(1)
        if missing == "pairwise":  # sums of a pair may be those of one customer who gave both
            raise RowsStay(
                _(
                    "Sums by pairs of answers do not leave the database (leave_rows: false in "
                    "study.yaml): a pair may have been answered by few. Use MISSING='complete'."
                )
            )
        for buckets in BUCKETS:
            try:
                return asked(MAX_CLUSTERS // buckets)
            except door.TooFew as error:
                small = error
        raise small

    def _held_sentence(self, answers: Counting) -> str:
        """What a page says of answers of which only sums leave."""
        values = {"n": self.study.reporting.smallest_cell, "few": BUCKETS[-1], "many": BUCKETS[0]}
        said = _(
            "No answer leaves the database (leave_rows: false): equal answers are counted there, "
            "in {few:count} to {many:count} groups of at least {n:count} customers each, which are "
            "resampled in place of customers.",
            **values,
        )
        fixed = _("Weights are those of all answers in every resample.")
        return i18n.together([said, fixed]) if answers.reads and self.margins else said

    def _counting(self, have: list[str], key: str, source: str, chosen: str) -> Counting:
        """What is counted of the answers: raked as the counts of the margins' cells say."""
        base = ["weight"] if "weight" in have else []
        reads = [*(a for a in self.margins if a in have), *base]
        in_waves = ["wave"] if "wave" in have else []
        for w in self._without_share.itertuples():
            print(not_weighted(w))
        if self.margins:
            leave = self.study.reporting.leave_rows

            def counted(columns: list[str]) -> pd.DataFrame:
                query = Counting().query(columns, key if leave else "0", source, chosen)
                people = door.fewest([*map(sql.name, columns)], source, chosen)
                found = self.store.execute(door.Held(query, people)).df()
                # cells have the same numbers each time they are counted, on every engine
                return found.sort_values([*columns, "customer_id"], ignore_index=True)

            said = {"columns": reads, "n": self.study.reporting.smallest_cell}
            try:
                try:
                    cells = counted(asked := [*reads, *in_waves])
                except door.TooFew:
                    if not in_waves:
                        raise
                    cells = counted(asked := reads)
                    print(
                        _(
                            "Answers are weighted for all waves together: within single waves some "
                            "combinations of {columns:label_list} have fewer than {n:count} "
                            "customers.",
                            **said,
                        )
                    )
            except door.TooFew as error:
                raise RowsStay(
                    _(
                        "Weights need the number of answers of each combination of "
                        "{columns:label_list}, and some have fewer than {n:count} customers, whose "
                        "number does not leave the database (leave_rows: false in study.yaml). "
                        "State fewer margins.",
                        **said,
                    )
                ) from error
            weighed = self._weighed(Sample(cells, cluster="customer_id", count=COUNT))
            if isinstance(weighed.raking, Raking):
                raked = Counting.raked(weighed.raking, asked)
                return raked if leave else raked.fixed()
        return Counting(bool(base), reads=tuple(base))

    def _narrowest(self, columns: list[str], where: str) -> str:
        """What these columns are read from: the answers without the customers where that does."""
        own = self._own_columns if self._joined and not where.strip() else []
        return "responses" if set(columns) <= set(own) else self.source("responses")

    def _sampling_plan(self) -> Plan | None:
        """Which answers are read where there are more than `limits.rows_at_most`; None for all.

        Answers with replicate weights or a sampling design of their own are read whole.
        """
        own = self.study.replicates is not None or self.study.sampling is not None
        if own or "responses" not in self.schema:
            return None
        if not self._plan:
            most, have = self.study.limits.rows_at_most, self.schema["responses"]
            kept = "select kept from _tables where \"table\" = 'responses'"
            large = sql.first(self._opened(), kept)[0] > most
            asked = self.store, "responses", have, most, self._some
            found = subsample.plan(*asked) if large else None
            self._plan.append(found)
        return self._plan[0]

    def _as_sampled(
        self, rows: pd.DataFrame, wave: str, where: str
    ) -> tuple[pd.DataFrame, SurveyDesign]:
        """The rows under the labels they have among all that were sampled, and the design of all.

        A condition chooses a domain: the sampling units that it leaves without a row count too.
        """
        plan = self.study.sampling
        assert plan is not None
        everybody = rows
        if where:
            everybody = self._read("responses", wave, "")[0]
            whole = self._read("responses", wave, where, ["response_id"])[0]["response_id"]
            place = pd.Index(everybody["response_id"]).get_indexer(whole)
            rows = rows.set_axis(everybody.index[place])
        try:
            design = SurveyDesign.of(
                everybody, plan.strata, plan.psu or None, plan.population or None
            )
        except ValueError as error:
            raise ReserveError(f"sampling of study.yaml: {error}") from error
        if "weight" not in rows and plan.population:  # units were sampled whole
            share = design.fraction[design.stratum[design.units_of(rows)]]
            rows = rows.assign(weight=1 / share)
        return rows, design

    def report_losses(self, sample: Sample) -> None:
        """Print how many rows there were at first and where the others went."""
        self._print_losses(len(sample), asdict(sample.losses) if sample.losses else {})

    def _print_losses(self, kept: int, steps: dict[str, Any]) -> None:
        if not steps:
            print(ngettext("{n:count} row", "{n:count} rows", kept))
            return
        self._print_steps(kept, steps)
        lost = self.losses.query("`table` == @steps['table'] and lost == 'cell'")
        for loss in lost.itertuples():
            print(loss_sentence(loss))

    def _print_steps(self, kept: int, steps: dict[str, Any]) -> None:
        left = steps["offered"]
        print(
            ngettext(
                "{n:count} row in the files of {table:label}",
                "{n:count} rows in the files of {table:label}",
                left,
                table=steps["table"],
            )
        )
        for key, n in ((k, n) for k, n in steps["lost"].items() if n):
            left -= n
            self._print_loss(key, left, n, steps)
        if kept < left:
            n = left - kept
            print(_("{left:count} after {n:count} more were left out", left=kept, n=n))

    def _print_loss(self, key: str, left: int, n: int, steps: dict[str, Any]) -> None:
        values = {"left": left, "n": n}
        if key == "only":
            print(
                _(
                    "{left:count} after {n:count} that `only` of study.yaml leaves out",
                    **values,
                )
            )
        elif key == "quarantined":
            print(
                _(
                    "{left:count} after {n:count} that broke the data contract were set aside",
                    **values,
                )
            )
        elif key == "sampled":
            print(
                _(
                    "{left:count} after {n:count} of customers who were not chosen by the hash of "
                    "their number were left out; the others are weighted for them",
                    **values,
                )
            )
        elif key == "not_chosen":
            print(
                _(
                    "{left:count} after {n:count} of customers who were not chosen by the hash of "
                    "their number were left out",
                    **values,
                )
            )
        elif key == "wave":
            print(
                _(
                    "{left:count} after {n:count} of other waves than {wave} were left out",
                    wave=steps["wave"],
                    **values,
                )
            )
        else:
            print(
                _(
                    "{left:count} after {n:count} for which {where} does not hold were left out",
                    where=steps["where"],
                    **values,
                )
            )

    def _wave_condition(self, table: str, wave: str) -> str:
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

    def _steps(self, table: str, wave: str, where: str, in_wave: str, kept: int) -> dict[str, Any]:
        query = 'select offered, kept, left_out from _tables where "table" = ?'
        offered, loaded, left_out = sql.first(self.store, query, [table])
        of_wave = here = loaded
        if wave or self._some:
            count = f"select count(*) from {sql.name(table)}"
            of_wave = sql.first(self.store, f"{count} where {in_wave}")[0]
            here = sql.first(self.store, count)[0] if self._some else loaded
        lost = {"only": left_out, "quarantined": offered - loaded - left_out}
        lost |= {"not_chosen": loaded - here} if self._some else {}
        if wave:
            lost["wave"] = here - of_wave
        if where.strip():
            lost["where"] = of_wave - kept
        return {"table": table, "offered": offered, "wave": wave, "where": where, "lost": lost}

    def sums(
        self,
        table: str,
        columns: list[str],
        weight: str | None = None,
        cluster: str | None = None,
        where: str = "",
        *,
        wave: str = "",
        missing: str = "complete",
    ) -> Moments:
        """`moments.of` of the rows, by one scan in the store: the same `Moments`, rows never leave.

        `cluster="customer_id"` draws customers whole (a row without one is its own cluster); None
        makes each row a cluster. The origin is the middle of an item's scale, or 0.
        """
        have = self.columns(table)
        asked = [*columns, *([weight] if weight else []), *([cluster] if cluster else [])]
        if unknown := [c for c in asked if c not in have]:
            raise ReserveError(f"{table} has no column {unknown}. It has: {', '.join(have)}.")
        source = self.source(table)
        holds = expressions.condition(where, self.store, source, have)
        in_wave = self._wave_condition(table, wave)
        of = columns, self._origin(columns), weight, cluster, f"{in_wave} and {holds}", missing
        return self._in_buckets(
            lambda size: aggregates.scan(self.store, source, *of, row=sql.ROW, size=size), missing
        )

    def _origin(self, columns: list[str]) -> np.ndarray:
        items = self.study.items
        return np.array([sum(items[c].scale) / 2 if c in items else 0.0 for c in columns])

    def items_of(self, *roles: str) -> list[str]:
        """The questions of these roles, all questions without one, in the order of study.yaml."""
        asked = self.study.items_of(*roles) if roles else list(self.study.items)
        have = self.schema.get("responses", ())
        return [name for name in asked if name in have]

    def item(self, role: str) -> str:
        """The first question of a role: "nps", "csat", "effort" ..."""
        if not (found := self.items_of(role)):
            raise ReserveError(f"{self.study.name} asks no question with the role {role}.")
        return found[0]

    def has_columns(self, table: str, *columns: str) -> bool:
        """Whether the table is there and has these columns."""
        return set(columns) <= set(self.schema.get(table, ())) and table in self.schema

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


def _read_for(columns: Iterable[str], recoded: Mapping[str, Recoded]) -> list[str]:
    """The columns of the table that these are, or are made of."""
    made = [recoded.get(c, Recoded(c)) for c in columns]
    return [c for one in made for c in (one.column, one.never) if c]


def _nothing_left(table: str, wave: str, where: str, steps: dict[str, Any]) -> str:
    asked = " and ".join(
        part
        for part in (f"wave {wave!r}" if wave else "", f"WHERE {where!r}" if where else "")
        if part
    )
    of = steps["offered"] - sum(n for key, n in steps["lost"].items() if key != "where")
    return f"{asked} leaves none of the {of:,} rows of {table}. Check the spelling of the values."


def _require_people(rows: int, people: int) -> None:
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


def loss_sentence(loss: Any) -> str:
    """A row of `losses` in words; small numbers of rows or cells are not told exactly."""
    told = {"n": at_least(loss.n), "of": loss.of, "table": loss.table}
    if loss.lost == "row":
        return _("{n} of {of:count} rows of {table:label} were set aside.", **told)
    return _(
        "{n} of {of:count} values of {column:label} ({table:label}) could not be used and count as "
        "missing.",
        column=loss.column,
        **told,
    )


def not_weighted(warning: Any) -> str:
    """A warning of values without a share, as a sentence."""
    return _(
        "The answers are not weighted: no share of the population is known for some values of "
        "{attribute:label}.",
        attribute=warning.column,
    )


def at_least(rows: int) -> str:
    """How many rows, without telling small numbers exactly."""
    least = context.current().smallest_cell
    return f"<{least}" if rows < least else i18n.count(rows)
