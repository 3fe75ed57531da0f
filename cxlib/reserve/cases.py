"""Cases counted where they are: how many waited for how long, by the hours that count.

    stored = study.cases()
    service.count_cases(stored, study.study.service, clock)

Times are whole microseconds, so that a case that took just as long as its standard allows is on
time on every engine. Working time until a moment is that of the days before it, from a calendar in
the query, and the part of its own day that lies within the hours of work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from cxlib.core.sample import DRAWS, SEED
from cxlib.data import sql
from cxlib.data.working_hours import CountedHours
from cxlib.reserve import aggregates, grouping
from cxlib.reserve.counting import constant
from cxlib.reserve.database import Database

EPOCH = "timestamp '1970-01-01 00:00:00'"
ENDS = ("first_reply_at", "solved_at")
STATED = ("first_reply_hours", "solved_hours", "reply_in_time", "solved_in_time")
DAY, WORKED = 86_400_000_000, "_worked"  # microseconds; of names of working time
PERIODS = ("week", "month", "year")  # of the opening, by which cases are grouped


@dataclass(frozen=True)
class StoredCases:
    """Cases in the store; tables are those that `service.CountedCases` asks for."""

    database: Database
    draws: int = DRAWS
    seed: int = SEED

    @cached_property
    def countable(self) -> bool:
        """Whether times are dates of one clock, and no verdict or duration is on file instead."""
        has, study = self.database.has_columns, self.database.study
        zones = study.time_zone or (study.working_hours and study.working_hours.timezone)
        stated = any(has("cases", column) for column in STATED)
        there = has("cases", "opened_at", "customer_id") and bool(self.ends)
        return there and not zones and not stated

    @cached_property
    def ends(self) -> tuple[str, ...]:
        """Those of the reply and the solution that some case has a date of."""
        return tuple(c for c in ENDS if self.database.has_columns("cases", c) and self._any(c))

    def _any(self, column: str) -> bool:
        return self._number(f"select count(*) from cases where {column} is not null") > 0

    @cached_property
    def first(self) -> pd.Timestamp:
        """The first opening."""
        return self._moment("select min(opened_at) from cases")

    @cached_property
    def seen(self) -> pd.Timestamp:
        """The last moment on file, until which cases were observed."""
        dates = ("opened_at", *self.ends)
        return max(self._moment(f"select max({column}) from cases") for column in dates)

    def facts(self) -> dict[str, int]:
        """How many cases there are, how many cannot be counted and why, and what times lack."""
        late = " or ".join(f"{end} < opened_at" for end in self.ends)
        dates = ("opened_at", *self.ends)
        timed = " or ".join(f"{c} <> date_trunc('day', {c})" for c in dates)
        answered = "first_reply_at is null and solved_at is not null"
        parts = {
            "unknown": "opened_at is null",
            "backwards": f"opened_at is not null and ({late})",
            "unanswered": f"{self._known} and {answered}" if len(self.ends) > 1 else "false",
            "timed": f"{self._known} and ({timed})",
        }
        added = ", ".join(f"sum(case when {p} then 1 else 0 end) as {k}" for k, p in parts.items())
        found = self._asked(f"select count(*) as offered, {added} from cases")
        return {str(name): int(n) for name, n in found.fillna(0).iloc[0].items()}

    def groups(self, *columns: str) -> list[str]:
        """Those of the columns by which cases are counted: of cases, or of their customers."""
        return [c for c in columns if self._own(c) or self._of_customers(c)]

    def _own(self, column: str) -> bool:
        return self.database.has_columns("cases", column)

    def _of_customers(self, column: str) -> bool:
        link = grouping.linked(self.database, "cases", column)
        return link == ("customer_id", "customers")

    def kinds(self, columns: Sequence[str]) -> pd.DataFrame:
        """The different combinations of some columns of cases."""
        names = [*(f"g{k}" for k in range(len(columns))), "count(*) as n"]
        asked = f"select {', '.join(names)} from dated group by all"
        found = self._asked(_with(self._dated(self.ends[0], columns), asked))
        return found.set_axis([*columns, "n"], axis=1)

    def days(self, column: str) -> pd.DataFrame:
        """On how many cases the opening, or the solution, fell on each day: the column, n."""
        day = f"date_trunc('day', {column})"
        return self._asked(
            f"select {day} as {column}, count(*) as n from cases "
            f"where {self._known} and {column} is not null group by {day} order by {day}"
        )

    def people(self, by: str = "") -> pd.DataFrame:
        """Customers of each group, and cases of nobody known: columns of the group, people."""
        counted = "count(distinct customer_id) + count(*) - count(customer_id) as people"
        groups = [by] if by else []
        asked = f"select {'g0, ' if by else ''}{counted} from dated {'group by g0' if by else ''}"
        found = self._asked(_with(self._dated(self.ends[0], groups), asked))
        return found.set_axis([*groups, "people"], axis=1)

    def waits(
        self,
        end: str,
        hours: CountedHours,
        groups: Sequence[str] = (),
        *,
        due: Sequence[CountedHours] = (),
        edges: Sequence[float] | None = None,
        size: int = 0,
        only: tuple[str, object] | None = None,
    ) -> pd.DataFrame:
        """How many cases waited for how long.

        Parameters
        ----------
        end : "first_reply_at" or "solved_at", of which the solution counts as the reply
        hours : that count. With limits the cases that have one, and parts of their own limit
        groups : columns, or the week, month or year of the opening
        due : clocks by each of which the limit is to have passed
        edges : of classes of times, rising, each with its own; all different times without them
        size : how many keys of customers are one; 0 for no keys
        only : the group to which the cases belong

        Returns
        -------
        [key,] [limit,] time (microseconds, twice the limit where it is over; with edges the number
        of the class), groups, done (whether it came), due, n (cases)
        """
        columns = [*groups, *(only[:1] if only else ())]
        kinds = [] if hours.limits is None else [c for c in hours.limits if c != "limit"]
        clocks, places = [hours, *due], [f"g{k}" for k in range(len(groups))]
        calendar = next((c.calendar for c in clocks if c.calendar is not None), None)
        counting = _Counting(calendar, self.seen)
        parts = counting.days | self._dated(end, [*columns, *kinds])
        source = counting.joined("dated", "opened_at", "ended")
        if pauses := next((c.pauses for c in clocks if c.pauses), ()):
            parts |= {"pauses": self._pauses(pauses), "paused": counting.paused}
            source += " left join paused on paused.case_id = dated.case_id"
        most = [_limit(clock, len(columns)) for clock in clocks]
        passed = [f"{counting.watched(c)} >= {m}" for c, m in zip(due, most[1:], strict=True)]
        inner = [*places, "customer_key", "done", f"{counting.used(hours)} as used"]
        inner += [f"case when {' and '.join(passed) or 'true'} then 1 else 0 end as due"]
        holds = [f"g{len(groups)} = {constant(only[1])}"] if only else []
        if most[0]:
            inner.append(f"{most[0]} as most")
            holds.append(f"{most[0]} is not null")
        parts["timed"] = f"select {', '.join(inner)} from {source} where {_all(holds)}"
        wanted = [f"{aggregates.coarser('customer_key', size)} as key"] if size else []
        if edges is not None:
            wanted.append(f"{_class(edges, 'used::double / most' if most[0] else 'used')} as time")
        elif most[0]:
            wanted += ["most", "case when used > most then 2 * most else used end as time"]
        else:
            wanted.append("used as time")
        asked = f"select {', '.join([*wanted, *places])}, done, due, count(*) as n from timed"
        found = self._asked(_with(parts, f"{asked} group by all"))
        named = dict(zip(places, groups, strict=True)) | {"most": "limit"}
        return found.rename(columns=named).astype({"done": bool, "due": bool, "n": int})

    @cached_property
    def _known(self) -> str:
        """The condition for cases that are counted."""
        return " and ".join(
            ["opened_at is not null", *(f"({e} is null or {e} >= opened_at)" for e in self.ends)]
        )

    @cached_property
    def _key(self) -> str:
        unnamed = self._number("select count(*) from cases where customer_id is null")
        row = sql.ROW if unnamed else ""
        return aggregates.key_of(self.database.store, "cases", "customer_id", row)

    def _dated(self, end: str, columns: Sequence[str]) -> dict[str, str]:
        """The query of a row a case, with its columns g0, g1 ..., when it ended and whether."""
        ends = [e for e in self.ends if e == "solved_at" or end == "first_reply_at"]
        came = f"coalesce({', '.join([*ends, _time(self.seen)])})"
        done = " or ".join(f"{e} is not null" for e in ends)
        parts = ["case_id", "customer_id", f"{self._key} as customer_key"]
        parts += ["opened_at", f"{came} as ended", f"case when {done} then 1 else 0 end as done"]
        joined = ""
        for k, column in enumerate(columns):
            if column in PERIODS:
                parts.append(f"date_trunc('{column}', opened_at) as g{k}")
            elif self._own(column):
                parts.append(f"{sql.name(column)} as g{k}")
            else:
                theirs = f"select customer_id as who{k}, {sql.name(column)} as g{k} from customers"
                joined += f" left join ({theirs}) as c{k} on who{k} = customer_id"
                parts.append(f"g{k}")
        return {"dated": f"select {', '.join(parts)} from cases{joined} where {self._known}"}

    def _pauses(self, statuses: Sequence[str]) -> str:
        """The query of when cases waited for their customer."""
        order = self.database.order("case_statuses")
        spells = (
            'select case_id, status, "at" as since, lead("at") over (partition by case_id '
            f'order by "at", {order}) as until from case_statuses'
        )
        named = ", ".join(sql.text(s) for s in statuses)
        seen = _time(self.seen)
        since = "greatest(since, opened_at)"
        until, later = (
            f"greatest(least(coalesce(until, {e}), {e}), {since})" for e in ("ended", seen)
        )
        return (
            f"select spells.case_id as case_id, {since} as since, {until} as until, "
            f"{later} as later from ({spells}) as spells "
            f"join dated on dated.case_id = spells.case_id where status in ({named})"
        )

    def _asked(self, query: str) -> pd.DataFrame:
        return self.database.store.execute(query).df()

    def _number(self, asked: str) -> int:
        return int(sql.first(self.database.store, asked)[0])

    def _moment(self, asked: str) -> pd.Timestamp:
        return pd.Timestamp(sql.first(self.database.store, asked)[0])


@dataclass(frozen=True, eq=False)
class _Counting:
    """The time of clocks in SQL, between moments of `dated` cases and of their `pauses`."""

    calendar: pd.DataFrame | None
    seen: pd.Timestamp

    @property
    def days(self) -> dict[str, str]:
        """The query of the calendar, if there is one."""
        if self.calendar is None:
            return {}
        columns = ["day", "before", "opens", "shuts"]
        rows = self.calendar[columns].itertuples(index=False, name=None)
        values = ", ".join(f"({', '.join(str(int(v)) for v in row)})" for row in rows)
        named = ", ".join(columns)
        return {"calendar": f"select {named} from (values {values}) as days({named})"}

    def joined(self, table: str, *moments: str) -> str:
        """The table with the days of its moments."""
        if self.calendar is None:
            return table
        days = (
            f" join calendar as of_{m} on of_{m}.day = date_diff('day', {EPOCH}, {table}.{m})"
            for m in moments
        )
        return table + "".join(days)

    def _until(self, table: str, moment: str, *, worked: bool) -> str:
        """Microseconds that count from 1970 to a moment."""
        at, day = f"{table}.{moment}", f"of_{moment}"
        if not worked:
            return f"date_diff('microsecond', {EPOCH}, {at})"
        today = f"date_diff('microsecond', date_trunc('day', {at}), {at})"
        return f"({day}.before + greatest(least({today}, {day}.shuts), {day}.opens) - {day}.opens)"

    def used(self, clock: CountedHours) -> str:
        """Microseconds that count from the opening of a case to its end."""
        worked = clock.calendar is not None
        opened, ended = (self._until("dated", m, worked=worked) for m in ("opened_at", "ended"))
        return f"({ended} - {opened}{_less(clock, 'until')})"

    def watched(self, clock: CountedHours) -> str:
        """Microseconds that count from the opening of a case to the last moment on file."""
        until = _microseconds(self.seen)
        if clock.calendar is not None:
            day, rest = divmod(until, DAY)
            [today] = clock.calendar.query(f"day == {day}").to_dict("records")
            opens = int(today["opens"])
            until = int(today["before"]) + max(min(rest, int(today["shuts"])), opens) - opens
        opened = self._until("dated", "opened_at", worked=clock.calendar is not None)
        return f"({until} - {opened}{_less(clock, 'later')})"

    @property
    def paused(self) -> str:
        """The query of how long each case waited for its customer, until its end and until now."""
        spans = ", ".join(
            f"sum({self._until('pauses', moment, worked=worked)} - "
            f"{self._until('pauses', 'since', worked=worked)})::bigint as {moment}{WORKED * worked}"
            for worked in (False, *([True] if self.calendar is not None else []))
            for moment in ("until", "later")
        )
        source = self.joined("pauses", "since", "until", "later")
        return f"select pauses.case_id as case_id, {spans} from {source} group by pauses.case_id"


def _less(clock: CountedHours, moment: str) -> str:
    """What is taken off for waiting."""
    worked = WORKED * (clock.calendar is not None)
    return f" - coalesce(paused.{moment}{worked}, 0)" if clock.pauses else ""


def _limit(hours: CountedHours, place: int) -> str:
    """Microseconds that a case may take, by the columns of its kind from a place on."""
    if hours.limits is None:
        return ""
    kinds = [c for c in hours.limits if c != "limit"]
    cases = ""
    for row in hours.limits[hours.limits["limit"].notna()].to_dict("records"):
        same = [_is(f"g{place + k}", row[column]) for k, column in enumerate(kinds)]
        cases += f" when {_all(same)} then {int(row['limit'])}"
    return f"case{cases} end" if cases else "null"


def _is(column: str, value: object) -> str:
    return f"{column} is null" if pd.isna(value) else f"{column} = {constant(value)}"


def _all(conditions: Sequence[str]) -> str:
    return " and ".join(conditions) or "true"


def _class(edges: Sequence[float], of: str, first: int = 0) -> str:
    """The number of the first edge that is as large or larger, by halves."""
    if not len(edges):
        return str(first)
    half = len(edges) // 2
    below, above = _class(edges[:half], of, first), _class(edges[half + 1 :], of, first + half + 1)
    return f"case when {of} <= {constant(edges[half])} then {below} else {above} end"


def _with(parts: dict[str, str], query: str) -> str:
    return f"with {', '.join(f'{name} as ({part})' for name, part in parts.items())} {query}"


def _time(moment: pd.Timestamp) -> str:
    return f"timestamp '{moment:%Y-%m-%d %H:%M:%S.%f}'"


def _microseconds(moment: pd.Timestamp) -> int:
    return int((moment - pd.Timestamp("1970-01-01")) // pd.Timedelta(microseconds=1))
