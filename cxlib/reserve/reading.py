"""The reserve as a notebook sees it: rows by wave and condition, sums, customers at a date."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date

import duckdb
import numpy as np
import pandas as pd

from cxlib import estimates, page, tables, weights
from cxlib import study as study_
from cxlib.estimates import Estimates
from cxlib.reserve import (
    conditions,
    loading,
    loyal,
    pathways,
    people,
    store,
    summing,
    telling,
    warned,
)
from cxlib.reserve.store import ReserveError
from cxlib.stats.moments import Moments
from cxlib.study import Costs, Programme, Study


def open(name: str, *, lang: str = "en") -> Reserve:
    """The reserve of the study `name`; begins a page in `lang` with the study's labels and rules.

    Builds the reserve first when it is missing or older than study.yaml or the files, saying so on
    stderr. Raises StudyError, IntakeError, SourceError or ReserveError as `load` does.
    """
    study = study_.read(name)
    page.begin(
        lang=lang,
        smallest_cell=study.reporting.smallest_cell,
        labels=_labels(study, lang),
        mask=study.mask,
    )
    estimates.hide_in_notebooks()
    loading.refresh(study)
    return Reserve(study)


def _labels(study: Study, lang: str) -> dict[str, str]:
    """What readers call everything: the contract's columns, then the study's own words."""
    words = tables.names(lang)
    for name, words_of in study.labels.items():
        words[name] = words_of.get(lang, name)
    if study.loyalty.programme:
        words["the programme"] = study.loyalty.programme.label.get(lang, "the programme")
    for change in study.changes:
        words[change.name] = change.label.get(lang, change.name)
    for name in study.model.labels if study.model else {}:
        words[name] = study.model.labels[name].get(lang, name)
    for name, item in (study.items | study.topics).items():
        words[name] = item.label.get(lang, name)
    return words


@dataclass
class Reserve:
    """A study's store, opened for reading; nothing is read before it is asked for.

    `reserve["orders"]` is `reserve.read("orders")`, and the names are completed at the prompt.
    """

    study: Study
    _store: duckdb.DuckDBPyConnection | None = field(default=None, repr=False)
    _columns: dict[str, list[str]] | None = field(default=None, repr=False)
    _joined: bool = field(default=False, repr=False)  # answers come with the customers' attributes

    @property
    def store(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection, opened at the first use."""
        if self._store is None:
            self._store = store.connect(self.study.reserve_path)
        return self._store

    def close(self) -> None:
        """Let go of the file."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def __enter__(self) -> Reserve:
        return self

    def __exit__(self, *_: object) -> None:
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

    # What there is

    @property
    def tables(self) -> list[str]:
        """The tables the study has."""
        return list(self._all_columns())

    @property
    def counts(self) -> pd.DataFrame:
        """table, offered, kept, quarantined, sha256 (of the content) and notes, as loaded."""
        return self.store.execute("select * from _tables").df()

    @property
    def quarantine(self) -> pd.DataFrame:
        """table, row, column, value, reason, mend, file: what was not let in."""
        return self.store.execute("select * from _quarantine").df()

    @property
    def warnings(self) -> pd.DataFrame:
        """table, column, rows, what, mend: what is worth a look."""
        return self.store.execute("select * from _warnings").df()

    @property
    def fingerprints(self) -> dict[str, str]:
        """sha256 of each table's content, and of study.yaml under "study.yaml"."""
        counts = self.counts
        made = store.facts(self.study.reserve_path)
        return {
            **dict(zip(counts["table"], counts["sha256"], strict=True)),
            "study.yaml": made["study"],
        }

    def columns(self, table: str) -> list[str]:
        """The columns of a table, items among them."""
        return list(self._all_columns()[self._known(table)])

    def waves(self) -> list[str]:
        """The survey waves, in order."""
        if "wave" not in self._all_columns().get("responses", []):
            return []
        found = self.store.execute(
            "select distinct wave from responses where wave is not null order by wave"
        )
        return [row[0] for row in found.fetchall()]

    def _all_columns(self) -> dict[str, list[str]]:
        if self._columns is None:
            found = self.store.execute(
                "select table_name, column_name from duckdb_columns() "
                "where table_name[1] != '_' or table_name = '_responses' order by column_index"
            ).fetchall()
            there: dict[str, list[str]] = {}
            for table, column in found:
                there.setdefault(table, []).extend([column] * (column != "_row"))
            there["responses"] = there.get("_responses", there.get("responses"))
            self._joined = "_responses" in there
            self._columns = {t: there[t] for t in tables.TABLES if there.get(t)}
        return self._columns

    def _known(self, table: str) -> str:
        if table not in self._all_columns():
            raise ReserveError(
                f"{self.study.name} has no table {table!r}. It has: {', '.join(self.tables)}."
            )
        return table

    def _values_in(self, source: str, have: list[str], where: str) -> str:
        """The values of the text columns that a condition names, few as they are; else nothing."""
        found = []
        for column in (c for c in have if re.search(rf"(?<!\w){re.escape(c)}(?!\w)", where)):
            rows = self.store.execute(
                f'select distinct "{column}" from "{source}" where "{column}" is not null '
                "order by 1 limit 13"
            ).fetchall()
            if len(rows) < 13:
                found.append(
                    f" {column} holds: {', '.join(repr(r[0]) for r in rows) or 'nothing'}."
                )
        return "".join(found)

    # Rows

    def read(
        self, table: str, wave: str = "", where: str = "", columns: list[str] | None = None
    ) -> pd.DataFrame:
        """Rows of a table, in the order of the files: of one wave, those for which `where` holds.

        Raises ReserveError for an unknown table, wave or column, for a condition that is none, and
        when no row is left, saying which step lost them.
        """
        have = self.columns(table)
        if unknown := [c for c in columns or [] if c not in have]:
            raise ReserveError(f"{table} has no column {unknown}. It has: {', '.join(have)}.")
        in_wave = self._wave_condition(table, wave)
        source, order = self._source(table)
        holds = conditions.safe(where, self.store, source, have)
        chosen = ", ".join(f'"{c}"' for c in columns or have)
        try:
            rows = self.store.execute(
                f'select {chosen} from "{source}" where {in_wave} and {holds} order by {order}'
            ).df()
        except duckdb.Error as error:
            raise ReserveError(
                f"WHERE {where!r} fails on {table}: {str(error).splitlines()[0]} Compare text "
                "with text in single quotes and numbers with numbers. "
                f"The columns are: {', '.join(have)}."
            ) from error
        steps = self._steps(table, wave, where, in_wave, len(rows))
        if not len(rows) and (wave or where):
            raise ReserveError(
                _nothing_left(table, wave, where, steps) + self._values_in(source, have, where)
            )
        rows.attrs["losses"] = steps
        return rows

    def _source(self, table: str) -> tuple[str, str]:
        """Where the rows of a table are read from, and their order."""
        joined = table == "responses" and self._joined
        return ("_responses", "_row") if joined else (table, "rowid")

    def responses(self, wave: str = "", where: str = "") -> pd.DataFrame:
        """The questionnaires, each with its customer's attributes: `read("responses", ...)`.

        Where study.yaml names replicate weights, draws of these rows follow them.
        """
        rows, given = self.read("responses", wave, where), self.study.replicates
        if given is None:
            return rows
        columns = [c for c in rows if c.startswith(given.prefix) and c != "weight"]
        return weights.replicated(rows, columns, kind=given.kind, fay=given.fay)

    def losses(self, rows: pd.DataFrame) -> None:
        """Print how many rows there were at first and where the others went."""
        if not (steps := rows.attrs.get("losses")):
            print(page.say("{n} rows", n=page.count(len(rows))))
            return
        left = steps["offered"]
        print(
            page.say(
                "{n} rows in the files of {table}",
                n=page.count(left),
                table=page.label(steps["table"]),
            )
        )
        for key, n in ((k, n) for k, n in steps["lost"].items() if n):
            left -= n
            self._print_loss(key, left, n, steps)
        if len(rows) < left:
            n = left - len(rows)
            print(
                page.say(
                    "{left} after {n} more were left out",
                    left=page.count(len(rows)),
                    n=page.count(n),
                )
            )

    def _print_loss(self, key: str, left: int, n: int, steps: dict) -> None:
        values = {"left": page.count(left), "n": page.count(n)}
        if key == "quarantined":
            print(
                page.say("{left} after {n} that broke the data contract were set aside", **values)
            )
        elif key == "wave":
            print(
                page.say(
                    "{left} after {n} of other waves than {wave} were left out",
                    wave=steps["wave"],
                    **values,
                )
            )
        else:
            print(
                page.say(
                    "{left} after {n} for which {where} does not hold were left out",
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
        return "wave = '" + wave.replace("'", "''") + "'"

    def _steps(self, table: str, wave: str, where: str, in_wave: str, kept: int) -> dict:
        offered, loaded = self.store.execute(
            'select offered, kept from _tables where "table" = ?', [table]
        ).fetchone()
        of_wave = loaded
        if wave:
            of_wave = self.store.execute(
                f'select count(*) from "{table}" where {in_wave}'
            ).fetchone()[0]
        lost = {"quarantined": offered - loaded}
        if wave:
            lost["wave"] = loaded - of_wave
        if where.strip():
            lost["where"] = of_wave - kept
        return {"table": table, "offered": offered, "wave": wave, "where": where, "lost": lost}

    # Sums and customers

    def sums(
        self,
        table: str,
        columns: list[str],
        weight: str | None = None,
        bucket: str | None = None,
        where: str = "",
        *,
        wave: str = "",
        missing: str = "complete",
    ) -> Moments:
        """`moments.of` of the rows, by one scan in the store: the same `Moments`, rows never leave.

        `bucket="customer_id"` draws customers whole (a row without one is its own bucket); None
        makes each row a bucket. The origin is the middle of an item's scale, or 0.
        """
        have = self.columns(table)
        asked = [*columns, *([weight] if weight else []), *([bucket] if bucket else [])]
        if unknown := [c for c in asked if c not in have]:
            raise ReserveError(f"{table} has no column {unknown}. It has: {', '.join(have)}.")
        source, row = self._source(table)
        holds = conditions.safe(where, self.store, source, have)
        origin = np.array(
            [sum(self.study.items[c].scale) / 2 if c in self.study.items else 0.0 for c in columns]
        )
        return summing.scan(
            self.store, source, columns, origin, weight, bucket,
            f"{self._wave_condition(table, wave)} and {holds}", missing, row=row,
        )  # fmt: skip

    def journeys(self, *, goal: bool = False, most: int = 0, where: str = "") -> pd.DataFrame:
        """How often one touchpoint follows another: bucket, step, before, after, n.

        Journeys are those of `journey` in study.yaml, counted by SQL (see `journeys.counted`); with
        `goal` up to the study's goal, with `most` step by step.
        """
        have, journey = self.columns("events"), self.study.journey
        if journey.by and journey.by not in have:
            raise ReserveError(
                f"journey.by {journey.by!r} is no column of events. It has: {', '.join(have)}."
            )
        holds = conditions.safe(where, self.store, "events", have)
        goals = journey.goal if goal else []
        about = {"by": journey.by, "gap": journey.gap, "goal": goals, "most": most}
        return pathways.counted(self.store, **about, holds=holds)

    @property
    def journey(self) -> study_.Journey:
        """How events make journeys, as study.yaml says."""
        return self.study.journey

    @property
    def touchpoints(self) -> dict[str, str]:
        """The stage of each touchpoint: of study.yaml, else of its events."""
        return people.touchpoints(self)

    @property
    def ratings(self) -> dict[str, str]:
        """The question that rates each touchpoint."""
        asked = self.items_of("touchpoint")
        return {t: i for i in asked if (t := self.study.items[i].touchpoint)}

    def attributes(self) -> list[str]:
        """What is known of customers to compare like with like: columns of a few values."""
        return people.attributes(self)

    def worth_of_journeys(self) -> tuple[pd.Series | None, str]:
        """What each journey brought where orders name it, else each customer in the last year; and
        the column of events it goes by. None where nobody knows."""
        return people.worth_of_journeys(self)

    def followed(self, responses: pd.DataFrame) -> pd.DataFrame:
        """The answers with `loses`: what each customer was worth who left within the churn horizon
        of the answer, 0 for who stayed, missing where the data end before; as they are where the
        study does not tell."""
        return people.followed(self, responses)

    def history(self, as_of: str | date, horizon: int = 90) -> pd.DataFrame:
        """A row for each who is a customer at `as_of`, told from rows dated before that day only.

        See `people.history` for the columns; `left` says whether they left within `horizon` days.
        """
        self._known("customers" if "orders" not in self.tables else "orders")
        return people.history(self.store, self._all_columns(), self.study, as_of, horizon)

    def people(self, where: str = "") -> pd.DataFrame:
        """Customers for segments and early warning, with `left` where it is known.

        With left_on: the history at the last day whose outcome is known (the last date of the data
        less the study's churn horizon). Else with `churn.flag`: customers, the flag turned into
        `left`. Else the history after the last day, or the customers as they are.
        """
        rows = people.people(self)
        return conditions.keep(rows, where, "customers") if where.strip() else rows

    def snapshots(self, most: int = 6, where: str = "") -> dict[str, pd.DataFrame]:
        """Day -> `history` at that day, oldest first: at most `most`, a churn horizon apart.

        The last is that of `people`; none before a year of everything is on file, and none where
        nobody knows when customers left.
        """
        found = people.snapshots(self, most)
        if where.strip():
            found = {d: conditions.keep(rows, where, "customers") for d, rows in found.items()}
        return found

    def now(self, where: str = "") -> pd.DataFrame:
        """Those who are customers after the last day of the data, as `people` shows customers."""
        rows = people.now(self)
        return conditions.keep(rows, where, "customers") if where.strip() else rows

    def pilot(self) -> pd.DataFrame:
        """The customers of the study's randomised trial as they stood when it began: `treated`,
        and `left` by the end of the data."""
        return people.pilot(self)

    def worth(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows with `worth`: what each brings by `costs` in study.yaml, else one for all."""
        costs = self.study.costs
        if costs.value_column in rows:
            return rows.assign(worth=rows[costs.value_column] * costs.value_times)
        return rows.assign(worth=costs.customer_value)

    def experiences(self) -> dict[str, object]:
        """The tables that tell what customers met: cases, comments, responses, and `touchpoints`,
        the questions about them; what the study lacks is left out."""
        found = {t: self.read(t) for t in ("cases", "comments", "responses") if t in self.tables}
        return {**found, "touchpoints": self.items_of("touchpoint")} if found else {}

    def newness(self) -> dict[str, object]:
        """What tells new customers from those who bought before the file begins: `joined` (the day,
        by customer; None where it is not known) and `quiet` days."""
        return loyal.newness(self)

    def around_orders(self) -> dict[str, object]:
        """The tables that tell of a first purchase: lines, events, cases, responses (and `item`,
        the question), customers (and their columns `known` by then); without what is not there."""
        return loyal.around_orders(self)

    def referrals(self) -> pd.DataFrame:
        """customer_id and at of each contact with a touchpoint of advocacy, and of each customer
        brought (`referred_by`), on the day the other joined."""
        return loyal.referrals(self)

    def programme(self) -> tuple[Programme, pd.DataFrame]:
        """`loyalty.programme` of study.yaml, and the customers as they stood when it began, told
        from earlier rows only: `member`, and what was known of them."""
        return loyal.programme(self)

    @property
    def topics(self) -> dict[str, dict[str, list[str]]]:
        """The topics of comments that the study gives, by name: language -> words."""
        return {name: dict(topic.words) for name, topic in self.study.topics.items()}

    @property
    def coded(self) -> dict[str, str]:
        """The topics that people coded: name -> column of the comments, where it is there."""
        have = self._all_columns().get("comments", ())
        topics = self.study.topics.items()
        return {name: topic.coded for name, topic in topics if topic.coded in have}

    @property
    def time_unit(self) -> str:
        """What `lifetimes` counts in: days, weeks or months."""
        dated = "left_on" in self._all_columns().get("customers", ())
        return "days" if dated or not self.study.churn else self.study.churn.unit

    @property
    def leaving_reasons(self) -> dict[str, str]:
        """Which published reason each of the study's own is."""
        return self.study.churn.reasons if self.study.churn else {}

    def lifetimes(self, where: str = "") -> pd.DataFrame:
        """The customers with `time` as a customer, `left`, and `entry`: the time before the watch.

        Of dated customers in days, and those who joined before the first leaving on file are under
        watch from then on; else the study's `churn.tenure` in its unit.
        """
        rows = people.lifetimes(self)
        return conditions.keep(rows, where, "customers") if where.strip() else rows

    # What was known before

    def known_warnings(self) -> pd.DataFrame:
        """The warnings of earlier states of the data: measure, by, group, term, kind, first_seen,
        last_seen; none where the study's pages have not warned before."""
        return warned.known(self.study, self.fingerprints)

    @property
    def warnings_mark(self) -> str:
        """Fingerprint of `known_warnings`: a page that reads them is made from it."""
        return warned.mark(self.study, self.fingerprints)

    # What it tells a page

    def contents(self) -> pd.DataFrame:
        """table, offered, kept, quarantined, from, to: what came in, and what was turned away."""
        return telling.contents(self)

    def soundness(self) -> Estimates:
        """Share of the rows of each table that keep the contract."""
        return telling.soundness(self)

    def reasons(self) -> pd.DataFrame:
        """table, column, reason, rows: why rows were set aside."""
        return telling.reasons(self)

    def filled(self) -> Estimates:
        """Share of rows with a value, for each column that is filled in part."""
        return telling.filled(self)

    def has(self, need: str) -> bool:
        """Whether the study has what is needed (see `lacks`); says why not when it has not."""
        for reason in (lacking := self.lacks([need])):
            left_out = "" if need == "quarantine" else page.say("This part is left out.")
            print(page.together([reason, left_out]))
        return not lacking

    def item(self, role: str) -> str:
        """The first question of a role: "nps", "csat", "effort" ..."""
        return telling.item(self, role)

    def items_of(self, *roles: str) -> list[str]:
        """The questions of these roles, all questions without one, in the order of study.yaml."""
        return telling.items_of(self, *roles)

    def group(self, by: str = "") -> str:
        """The column to compare groups by: `by`, else the study's own; empty when it has none."""
        return telling.group(self, by)

    def groups_of_customers(self, by: str = "") -> pd.Series | None:
        """The group of each customer by `by`, else by the study's own; None where it has none."""
        return telling.groups_of_customers(self, by)

    @property
    def today(self) -> str:
        """The day after the last of the data, from which a page looks at what is due."""
        return telling.today(self)

    @property
    def last_wave(self) -> int:
        """How many answers the last wave has; 0 without waves."""
        waves = self.waves()
        return len(self.read("responses", wave=waves[-1], columns=["wave"])) if waves else 0

    def practice(self) -> dict[str, object]:
        """responses, cases, actions (where there are any), worded (questions with their wording,
        and all), roles asked, standards stated, joined (tables share customers): what records tell
        of how the work is done."""
        return telling.practice(self)

    @property
    def tenure(self) -> str:
        """The column that counts the periods of a customer's contract; empty without one."""
        return self.study.churn.tenure if self.study.churn else ""

    def under_contract(self) -> pd.DataFrame:
        """The customers (see `people`) who have begun at least one period of their contract."""
        people = self.people()
        return people[people[self.tenure] > 0]

    @property
    def costs(self) -> Costs:
        """What contacts, offers and customers cost, as study.yaml says."""
        return self.study.costs

    def index_model(self) -> study_.IndexModel | None:
        """The satisfaction index of the study; none, and said so, where it has none."""
        return telling.index_model(self)

    @property
    def currency(self) -> str:
        """What amounts are in; "amount" where the study does not say."""
        return self.study.currency or "amount"

    @property
    def outcome(self) -> str:
        """What the study wants explained: its `outcome`, else its NPS or CSAT question."""
        return self.study.default_outcome

    @property
    def drivers(self) -> list[str]:
        """What may explain it: the study's `drivers`, else its touchpoint questions."""
        return self.study.default_drivers

    def features(self, topic: str) -> list[str] | None:
        """The columns study.yaml names for "segments" or "churn"; None leaves it to the topic."""
        return telling.features(self, topic)

    @property
    def scales(self) -> dict[str, tuple[float, float]]:
        """Worst and best answer of each question."""
        return {name: self.study.items[name].scale for name in self.items_of()}

    @property
    def margins(self) -> dict[str, dict[str, float]]:
        """Population shares to weight to: {attribute: {value: share}}."""
        return self.study.margins

    @property
    def bucket(self) -> str | None:
        """The column that makes rows one customer's, for draws of whole customers; None without."""
        return "customer_id" if "customer_id" in self.columns("responses") else None

    def lacks(self, needs: list[str]) -> list[str]:
        """Why a notebook that needs these cannot be run, one sentence each; empty when it can.

        A need is a table, alternatives ("customers|orders"), "model", "churn", "waves" (two or
        more), "margins", "drivers", "goal", "stages", "quarantine", "lifetimes", "leaving_dates",
        "leaving_reasons", "pilot", "programme", "referrals", "referred", "costs", "standards", a
        column ("column:cases.solved_at"), or items of a role ("items:touchpoint",
        "items:nps|csat", "items:any").
        """
        return [reason for need in needs if (reason := people.lack(self, need))]


def _nothing_left(table: str, wave: str, where: str, steps: dict) -> str:
    asked = " and ".join(
        part
        for part in (f"wave {wave!r}" if wave else "", f"WHERE {where!r}" if where else "")
        if part
    )
    of = steps["offered"] - sum(n for key, n in steps["lost"].items() if key != "where")
    return f"{asked} leaves none of the {of:,} rows of {table}. Check the spelling of the values."
