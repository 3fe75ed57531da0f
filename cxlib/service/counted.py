"""Cases that stay where they are: who waited for how long, counted in the store.

    counted = count_cases(study.cases(), study.service, clock)
    sla_attainment(counted, by="severity")      # shares and numbers of cases are those of all rows

Shares and times come from counts of each different time. Resamples are of groups of customers, of
whom times are counted in classes: between two times at which some case was last seen open it does
not matter when others were solved (Kaplan and Meier 1958), so that few classes do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
import pandas as pd

from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.sample import Sample
from cxlib.data.schema import Service
from cxlib.data.working_hours import CountedHours
from cxlib.privacy import disclosure
from cxlib.service.cases import CLOCKS, IN_TIME, left_out, limits_of, unanswered, whole_days
from cxlib.service.clocks import Clock
from cxlib.service.shares import CountedWaits

HOUR = 3_600_000_000  # microseconds
TOGETHER = 8  # keys of customers taken as one, which makes 1,024 groups
CLASSES = 16  # of times within the standard, at most
ALL_HOURS = CountedHours()
FORMATS = {"week": "%G-W%V", "month": "%Y-%m", "year": "%Y"}


class Stored(Protocol):
    """Cases where they are (`study.cases`)."""

    draws: int
    seed: int

    @property
    def ends(self) -> tuple[str, ...]:
        """Those of the reply and the solution that some case has a date of."""

    @property
    def first(self) -> pd.Timestamp:
        """The first opening."""

    @property
    def seen(self) -> pd.Timestamp:
        """The last moment on file."""

    def facts(self) -> dict[str, int]:
        """How many cases there are, how many cannot be counted and why, and what times lack."""

    def groups(self, *columns: str) -> list[str]:
        """Those of the columns by which cases can be counted."""

    def kinds(self, columns: Sequence[str]) -> pd.DataFrame:
        """The different combinations of some columns of cases."""

    def days(self, column: str) -> pd.DataFrame:
        """On how many cases the opening, or the solution, fell on each day: the column, n."""

    def people(self, by: str = "") -> pd.DataFrame:
        """Customers of each group: columns of the group, people."""

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
        """How many cases waited for how long."""


class CountedCases(Sample):
    """Cases counted in the store, for methods that ask for `of`; `data` has a row a day of opening.

    `of` gives what they need: "reply_used", "solution_used" (time that counts, with its limit),
    "reply_hours", "solution_hours" (of the calendar), "reply_in_time", "solved_in_time" and the
    days "opened_at" and "solved_at".
    """

    stored: Stored
    clock: Clock
    _about: Service
    _groups: list[str]
    _due: tuple[Clock, ...]  # by each of which a limit is to have passed
    _known: dict[Any, Any]  # what was counted, also for copies

    def __init__(self, data: pd.DataFrame, notes: Iterable[str] = (), **own: Any) -> None:
        stored = own["stored"]
        made = {"draws": stored.draws, "seed": stored.seed, "cluster": "customer_id"}
        same = {"data": data, "notes": tuple(notes), "count": "n", "weight": "n"}
        self.__dict__.update(made | same | own)  # the class is frozen

    def replace(self, **changes: Any) -> CountedCases:
        """A copy with other draws, rows or clock."""
        return CountedCases(**self.__dict__ | changes)

    def with_data(self, rows: pd.DataFrame) -> CountedCases:
        """Fewer days, or other columns of them."""
        return self.replace(data=rows)

    def timed_by(self, clock: Clock) -> CountedCases:
        """The same cases by another clock, due by all clocks there are."""
        return self.replace(clock=clock, _due=tuple(clock.variants()))

    def of(self, items: str | Sequence[str], *groups: str | None) -> Sample:
        """Cases of equal times, or verdicts, and groups as one: all of them."""
        [item] = [items] if isinstance(items, str) else items
        by = [g for g in groups if g]
        if item == "opened_at":
            return self
        if item == "solved_at":
            return Sample(self.stored.days(item), weight="n", count="n")
        if item in IN_TIME.values():
            return self._verdicts(item, by)
        return self.waits(item, *by)

    def waits(self, item: str, *groups: str) -> CountedWaits:
        """Cases of equal times and groups as one, of a time that `of` gives."""
        by = list(groups)
        end, prefix, done = next(c for c in CLOCKS.values() if item.startswith(c[1]))
        limited = item == f"{prefix}_used"
        hours = self._hours(prefix, self.clock) if limited else ALL_HOURS
        found = self._counted(end, hours, by)
        found = found.assign(**{item: found["time"] / HOUR, done: found["done"]})
        edges = None
        if limited:
            found[f"{prefix}_limit"] = found["limit"] / HOUR
            edges = _edges(found[~found["done"]])

        def by_class(waits: CountedWaits, edges: np.ndarray) -> Sample:
            return self._by_class(waits, end, hours, by, edges, limited=limited)

        made = CountedWaits(found, weight="n", count="n", draws=self.draws, seed=self.seed)
        return replace(made, by_class=by_class, edges=edges)

    def _counted(self, end: str, hours: CountedHours, by: list[str], **asked: Any) -> pd.DataFrame:
        """Equal cases, of the periods that are left."""
        due, edges = map(id, asked.get("due", ())), asked.get("edges")
        rest = tuple(due), None if edges is None else tuple(edges), asked.get("only")
        known = end, id(hours), tuple(by), asked.get("size"), *rest
        if known not in self._known:
            found = self.stored.waits(end, hours, by, **asked)
            for period in FORMATS.keys() & set(by):
                found[period] = found[period].dt.strftime(FORMATS[period])
            self._known[known] = found
        found = self._known[known]
        for period in FORMATS.keys() & set(by):
            found = found[found[period].isin(self.data[period])]
        return found.reset_index(drop=True)

    def _by_class(
        self,
        waits: CountedWaits,
        end: str,
        hours: CountedHours,
        by: list[str],
        edges: np.ndarray,
        *,
        limited: bool,
    ) -> Sample:
        """The cases of the groups that are left, by key of customers and class."""
        asked: dict[str, Any] = {"size": TOGETHER}
        if limited:  # the same classes for all groups, which one query counts
            asked |= {"edges": edges.tolist(), "due": self._due_hours(end)}
            found = self._counted(end, hours, by, **asked)
            for column in by:
                found = found[found[column].isin(waits[column])]
        else:
            [[column, value]] = [(c, waits[c].iloc[0]) for c in by] or [("", None)]
            asked |= {"only": (column, value)} if column else {}
            ends = np.rint(edges * HOUR).astype(np.int64).tolist()
            found = self._counted(end, hours, [], edges=ends, **asked)
        return self._keyed(found)

    def _verdicts(self, item: str, by: list[str]) -> Sample:
        """How many cases were in time, were late, or are not decided."""
        end, prefix, _done = CLOCKS[next(c for c, own in IN_TIME.items() if own == item)]
        hours = self._hours(prefix, self.clock)
        own = self.replace(_due=(self.clock,))._due_hours(end)
        found = self._counted(end, hours, by, edges=[1.0], due=own, size=TOGETHER)
        hit = (found["done"] & (found["time"] == 0)).astype(float).where(found["due"])
        return self._keyed(found.assign(**{item: hit}))

    def _keyed(self, found: pd.DataFrame) -> Sample:
        rows = Sample(found.reset_index(drop=True), weight="n", count="n", cluster="key")
        return rows.replace(draws=self.draws, seed=self.seed)

    def _due_hours(self, end: str) -> tuple[CountedHours, ...]:
        prefix = next(p for e, p, _done in CLOCKS.values() if e == end)
        return tuple(self._hours(prefix, clock) for clock in self._due)

    def _hours(self, prefix: str, clock: Clock) -> CountedHours:
        """The time of a clock as the store counts it, and the limits by it."""
        known = "hours", prefix, clock.basis, clock.less_waiting
        if known not in self._known:
            working = None if clock.basis == "calendar hours" else clock.working
            limits = self._known["limits"][prefix]
            calendar = None
            if working is not None:
                calendar = self._known.setdefault(
                    "calendar", working.days_between(self.stored.first, self.stored.seen)
                )
            if working is not None and clock.basis == "working days":
                limits = limits.assign(limit=limits["limit"] * working.daily / 24)
            limits = limits.assign(limit=(limits["limit"] * HOUR).round())
            paused = clock.less_waiting and clock.pauses is not None
            pauses = tuple(self._about.waiting) if paused else ()
            self._known[known] = CountedHours(calendar, pauses, limits)
        found: CountedHours = self._known[known]
        return found

    def counted(self, table: pd.DataFrame, **named: str) -> pd.DataFrame:
        """The table with the customers behind each group, where they decide what is hidden."""
        groups = disclosure.grouping(table)
        if not len(table) or named or not set(groups) <= {*self._groups}:
            return table
        people = self.stored.people(*groups)
        if not groups:
            return disclosure.with_people(table, np.full(len(table), people["people"].iloc[0]))
        [by] = groups
        if by in FORMATS:
            people[by] = people[by].dt.strftime(FORMATS[by])
        known = people.dropna(subset=[by])
        each = dict(zip(known[by].astype(str), known["people"].astype(float), strict=True))
        return disclosure.with_people(table, table[by].astype(str).map(each).to_numpy(float))


def count_cases(stored: Stored, about: Service, clock: Clock, *, by: str = "") -> CountedCases:
    """The cases that `case_times` would give, counted in the store.

    Parameters
    ----------
    stored : of `study.cases`
    about : `service` of study.yaml: its standards, its grade, and statuses of waiting
    clock : which hours count towards a standard
    by : a column of groups

    Returns
    -------
    Cases for `sla_attainment`, `sla_by_month`, `sla_alerts`, `definitions`, `waiting_times` and
    `volume_forecast`; a column by which they can be grouped is `in` them

    Raises
    ------
    InsufficientData : no case can be counted

    Examples
    --------
    >>> from cxlib import reserve
    >>> with reserve.open("sample") as study:  # doctest: +SKIP
    ...     print(sla_attainment(count_cases(study.cases(), study.study.service, Clock())))
    """
    facts, days = stored.facts(), stored.days("opened_at")
    if days.empty:
        raise InsufficientData(
            _(
                "None of {n:count} cases was opened by {day:date}. Check opened_at.",
                n=facts["offered"],
                day=stored.seen,
            )
        )
    groups = stored.groups(*dict.fromkeys(c for c in ("severity", by, about.grade) if c))
    kinds = stored.kinds([c for c in ("severity", about.grade) if c in groups])
    limits = limits_of(kinds, about.standards, about.grade)
    kinds = kinds.drop(columns="n")
    said = left_out(facts["offered"], facts["unknown"], 0, facts["backwards"])
    said += unanswered(facts["unanswered"]) + ([] if facts["timed"] else [whole_days()])
    days = days.assign(
        **dict.fromkeys([*groups, "customer_id"]),
        **{period: days["opened_at"].dt.strftime(form) for period, form in FORMATS.items()},
        as_of=stored.seen,
        clock=clock.note(),
        counted=clock.counted,
    )
    ways = {}
    for name, (end, prefix, done) in CLOCKS.items():
        if end not in stored.ends:
            continue
        ways[prefix] = kinds.assign(limit=limits[name])
        known = pd.Series(limits[name]).max()
        days = days.assign(**{f"{prefix}_limit": known, f"{prefix}_hours": np.nan, done: True})
        days = days.assign(**{IN_TIME[name]: np.nan, end: pd.NaT})
    own = {"stored": stored, "clock": clock, "_about": about, "_groups": [*groups, *FORMATS]}
    return CountedCases(days, said, **own, _due=(), _known={"limits": ways})


def _edges(open_: pd.DataFrame) -> np.ndarray:
    """Classes of times within the limit, by when cases still within it were last seen."""
    seen = np.unique(open_["time"] / open_["limit"])
    seen = seen[seen <= 1]
    places = np.linspace(0, max(len(seen) - 1, 0), min(CLASSES, len(seen))).round().astype(int)
    return np.union1d(seen[places], [1.0])
