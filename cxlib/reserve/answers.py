"""The answers of a study as a sample: read, or counted in the store where they are many.

    Answers(database).sample(wave="2026-Q1", draws=1000)

Where there are more than `limits.rows_at_most`, or no row may leave, scores and sums come from
counts, and methods that need rows read those of some customers (`Plan`), or none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, cached_property, partial
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from cxlib import weights
from cxlib.core import i18n
from cxlib.core.errors import InsufficientData, RowsStay
from cxlib.core.i18n import _
from cxlib.core.recoded import Recoded, Tally
from cxlib.core.sample import Losses, Sample
from cxlib.data import expressions, sql
from cxlib.data.intake.plausibility import BAD_WEIGHTS
from cxlib.data.study import Study
from cxlib.reserve import aggregates, counting, door, losses, stored_sample, subsample
from cxlib.reserve.counting import COUNT, Counting
from cxlib.reserve.store import ReserveError
from cxlib.reserve.stored_sample import Filters, StoredSample
from cxlib.reserve.subsample import Plan
from cxlib.reserve.tables import Tables, nothing_left, require_people
from cxlib.stats.moments import Moments
from cxlib.stats.raking import Raking
from cxlib.stats.resampling import MAX_CLUSTERS
from cxlib.stats.survey_design import SurveyDesign

NUMBERS = ("DOUBLE", "FLOAT", "BIGINT", "INTEGER", "SMALLINT", "TINYINT")

Asked = TypeVar("Asked")


@dataclass(frozen=True)
class Answers:
    """The responses of a study, weighted as its study.yaml says."""

    tables: Tables

    def sample(self, wave: str, where: str, draws: int, seed: int) -> Sample:
        """As `Database.sample`, which says what is raised."""
        plan = self.plan
        if (plan or not self.study.reporting.leave_rows) and self._countable:
            return self._stored(plan, wave, where, draws, seed)
        sample = self.tables.sample_of("responses", wave, where, draws, seed, plan)
        if (given := self.study.replicates) is not None:
            columns = [c for c in sample.data if c.startswith(given.prefix) and c != "weight"]
            sample = weights.with_replicates(sample, columns, kind=given.kind, fay=given.fay)
        elif self.study.sampling is not None:
            rows, design = self._as_sampled(sample.data, wave, where)
            sample = replace(sample.with_data(rows), design=design)
        for w in self.tables.without_share.itertuples():
            print(losses.not_weighted(w))
        return self._weighed(sample)

    @property
    def study(self) -> Study:
        """What study.yaml says."""
        return self.tables.study

    def _weighed(self, sample: Sample) -> Sample:
        try:
            return weights.weigh(sample, self.tables.margins, by="wave")
        except ValueError as error:  # a row outside the margins must not end every page
            if self.tables.warnings["rule"].isin(BAD_WEIGHTS).any():
                raise  # the data failed their checks: no page is passed over for that
            raise InsufficientData(str(error)) from error

    @property
    def _countable(self) -> bool:
        """Whether counts say all: customers are known, and base weights of margins are few."""
        have = self.tables.schema.get("responses", ())
        own = self.study.replicates is not None or self.study.sampling is not None
        if "customer_id" not in have or own:
            return False
        if not self.tables.margins or "weight" not in have:
            return True
        [kinds] = sql.first(self.tables.store, "select count(distinct weight) from responses")
        return bool(kinds <= counting.MOST_WEIGHTS)

    def _stored(
        self, plan: Plan | None, wave: str, where: str, draws: int, seed: int
    ) -> StoredSample:
        """The answers, counted where they are; some of them for methods that need rows.

        Without a plan none may leave: sums are then those of coarser keys (`door.by_customers`).
        """
        tables, source = self.tables, self.tables.source("responses")
        in_wave = tables.in_wave("responses", wave)
        have = tables.columns("responses")
        chosen = f"{in_wave} and {expressions.condition(where, tables.store, source, have)}"
        kept = int(sql.first(tables.store, f"select count(*) from {source} where {chosen}")[0])
        lost = Losses(**tables.steps("responses", wave, where, in_wave, kept))
        if not kept:
            raise ReserveError(nothing_left("responses", wave, where, asdict(lost)))
        if self.study.reporting.leave_rows:  # else the door has counted them with the rows
            people = "count(distinct customer_id) + count(*) filter (customer_id is null)"
            counted = f"select {people} from {source} where {chosen}"
            require_people(kept, int(sql.first(tables.store, counted)[0]))
        row = self._place_of_nameless()
        key = aggregates.key_of(tables.store, source, "customer_id", row)
        weighted = self._counting(have, key, source, chosen)
        if plan is None:
            print(self._held_sentence(weighted))
        found = _Counted(tables, wave, where, chosen, row, key, weighted, plan, self._weighed)
        return StoredSample(found, draws=draws, seed=seed, losses=lost)

    def _place_of_nameless(self) -> str:
        """The column of a response's place; empty where every response names its customer."""
        if "responses" in self.tables.naming:
            return ""
        try:
            nameless = "select count(*) from responses where customer_id is null"
            return sql.ROW if sql.first(self.tables.store, nameless)[0] else ""
        except RowsStay:  # a few do not, whose number does not leave
            return sql.ROW

    def _held_sentence(self, answers: Counting) -> str:
        """What a page says of answers of which only sums leave."""
        values = {
            "n": self.study.reporting.smallest_cell,
            "few": door.BUCKETS[-1],
            "many": door.BUCKETS[0],
        }
        said = _(
            "No answer leaves the database (leave_rows: false): equal answers are counted there, "
            "in {few:count} to {many:count} groups of at least {n:count} customers each, which are "
            "resampled in place of customers.",
            **values,
        )
        fixed = _("Weights are those of all answers in every resample.")
        return i18n.together([said, fixed]) if answers.reads and self.tables.margins else said

    def _counting(self, have: list[str], key: str, source: str, chosen: str) -> Counting:
        """What is counted of the answers: raked as the counts of the margins' cells say."""
        base = ["weight"] if "weight" in have else []
        reads = [*(a for a in self.tables.margins if a in have), *base]
        in_waves = ["wave"] if "wave" in have else []
        for w in self.tables.without_share.itertuples():
            print(losses.not_weighted(w))
        if self.tables.margins:
            cells, asked = self._cells(reads, in_waves, key, source, chosen)
            weighed = self._weighed(Sample(cells, cluster="customer_id", count=COUNT))
            if isinstance(weighed.raking, Raking):
                raked = Counting.raked(weighed.raking, asked)
                return raked if self.study.reporting.leave_rows else raked.fixed()
        return Counting(bool(base), reads=tuple(base))

    def _cells(
        self, reads: list[str], in_waves: list[str], key: str, source: str, chosen: str
    ) -> tuple[pd.DataFrame, list[str]]:
        """How many answers each combination of columns has, by wave where that may leave."""
        leave = self.study.reporting.leave_rows
        said = {"columns": reads, "n": self.study.reporting.smallest_cell}
        for asked in ([*reads, *in_waves], reads):
            query = Counting().query(asked, key if leave else "0", source, chosen)
            people = door.fewest([*map(sql.name, asked)], source, chosen)
            try:
                found = self.tables.store.execute(door.Held(query, people)).df()
            except door.TooFew as error:
                few = error
                continue
            if len(asked) < len(reads) + len(in_waves):
                print(
                    _(
                        "Answers are weighted for all waves together: within single waves some "
                        "combinations of {columns:label_list} have fewer than {n:count} customers.",
                        **said,
                    )
                )
            # cells have the same numbers each time they are counted, on every engine
            return found.sort_values([*asked, "customer_id"], ignore_index=True), asked
        raise RowsStay(
            _(
                "Weights need the number of answers of each combination of {columns:label_list}, "
                "and some have fewer than {n:count} customers, whose number does not leave the "
                "database (leave_rows: false in study.yaml). State fewer margins.",
                **said,
            )
        ) from few

    @cached_property
    def plan(self) -> Plan | None:
        """Which answers are read where there are more than `limits.rows_at_most`; None for all.

        Answers with replicate weights or a sampling design of their own are read whole.
        """
        own = self.study.replicates is not None or self.study.sampling is not None
        tables, most = self.tables, self.study.limits.rows_at_most
        if own or not self.study.reporting.leave_rows or "responses" not in tables.schema:
            return None
        if tables.kept_rows["responses"] <= most:
            return None
        have = tables.schema["responses"]
        named = "responses" in tables.naming
        return subsample.plan(tables.store, "responses", have, most, tables.some, named=named)

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
            everybody = self.tables.rows("responses", wave, "")[0]
            whole = self.tables.rows("responses", wave, where, ["response_id"])[0]["response_id"]
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


@dataclass(frozen=True)
class _Counted:
    """Answers of a wave and condition, as `stored_sample.Stored` asks for them.

    Attributes
    ----------
    tables : they are in
    wave, where, chosen : which answers these are; `chosen` is both in SQL
    row, key : expressions of a row's place, empty where none is needed, and of its customer's key
    answers : what is counted of equal rows
    plan : which answers are read by methods that need rows; None: none
    weigh : gives rows the weights of study.yaml
    """

    tables: Tables
    wave: str
    where: str
    chosen: str
    row: str
    key: str
    answers: Counting
    plan: Plan | None
    weigh: Callable[[Sample], Sample]

    @property
    def columns(self) -> list[str]:
        return self.tables.columns("responses")

    @cached_property
    def numbers(self) -> frozenset[str]:
        source = self.tables.source("responses")
        described = self.tables.store.execute(f"describe select * from {source}").fetchall()
        return frozenset(c for c, kind, *_rest in described if kind in NUMBERS)

    @property
    def may_leave(self) -> bool:
        return self.plan is not None

    def count(
        self, columns: list[str], groups: list[str], filters: Filters, least: int
    ) -> pd.DataFrame:
        table, holds = self._where([*columns], filters)

        def counted(size: int) -> pd.DataFrame:
            bucket = aggregates.coarser(self.key, max(size, least))
            query = self.answers.query(columns, bucket, table, holds)
            people = door.fewest([*map(sql.name, groups), bucket], table, holds)
            return self.tables.store.execute(door.Held(query, people)).df()

        return self.answers.finished(self._by_customers(counted))

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
        reads = [*_read_for(columns, recoded), *([by] if by else [])]
        table, holds = self._where(reads, filters)
        of = self.tables.origin(columns) if origin is None else origin
        weight = "weight" if self._own_weights else None
        asked = self.tables.store, table, columns, of, weight, "customer_id", holds, missing
        by_size = partial(aggregates.scan_by, *asked, row=self.row, by=by, recoded=recoded)
        masses = 1 < least < MAX_CLUSTERS and self.may_leave
        # products of more columns than there are customers would give their answers away
        people = len(columns) if least > 1 else 0

        def summed(size: int) -> dict[Any, Moments]:
            size = max(size, least)
            return by_size(answers=self._coarser(size), size=size, masses=masses, least=people)

        return self._by_customers(summed, missing)

    def tally(
        self, sets: Sequence[Tally], filters: Filters, recoded: Mapping[str, Recoded]
    ) -> list[int]:
        named = {c for one in sets for part in one for c in part}
        table, holds = self._where(_read_for(named, recoded), filters)
        if self._own_weights:
            holds = f"{holds} and ({self.answers.own}) > 0"
        asked, common = stored_sample.tallied(sets, recoded)
        holds = f"{holds} and {common}"
        query = f"select {asked} from {table} where {holds}"
        counted = door.Held(query, door.fewest([], table, holds))
        return [int(n) for n in sql.first(self.tables.store, counted)]

    def origin(self, columns: list[str]) -> np.ndarray:
        return self.tables.origin(columns)

    def total(self, filters: Filters) -> int:
        holds = f"{self.chosen} and {stored_sample.holds(filters)}"
        counted = f"select count(*) from {self.tables.source('responses')} where {holds}"
        return int(sql.first(self.tables.store, counted)[0])

    def rows(self) -> Sample:
        read, _unused = self.tables.rows("responses", self.wave, self.where, plan=self.plan)
        if self.plan is None:  # the store refuses
            return Sample(read)
        print(self.plan.sentence())
        return self.weigh(Sample(self.plan.weighted(read), cluster="customer_id"))

    @property
    def _own_weights(self) -> bool:
        return self.answers.weighted and self.answers.raking is None

    def _where(self, columns: Sequence[str], filters: Filters) -> tuple[str, str]:
        """The table that these columns are read from, and the condition for its rows."""
        reads = [*columns, *dict(filters), *self.answers.reads]
        holds = f"{self.chosen} and {stored_sample.holds(filters)}"
        return self.tables.narrowest(reads, self.where), holds

    @cached_property
    def _coarser(self) -> Callable[[int], Counting]:
        return cache(self.answers.coarser)

    def _by_customers(self, asked: Callable[[int], Asked], missing: str = "complete") -> Asked:
        leave = self.tables.study.reporting.leave_rows
        return door.by_customers(asked, leave_rows=leave, missing=missing)


def _read_for(columns: Iterable[str], recoded: Mapping[str, Recoded]) -> list[str]:
    """The columns of the table that these are, or are made of."""
    made = [recoded.get(c, Recoded(c)) for c in columns]
    return [c for one in made for c in (one.column, one.never) if c]
