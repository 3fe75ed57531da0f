"""Which hours of a wait count towards a standard: all, working hours, less time with the customer.

    clock = make_clock(study.working_hours, study.service, statuses)
    clock.hours(cases["opened_at"], cases["solved_at"], cases["case_id"])
    clock.variants()               # the same standard under every other clock that the data allow

A case that waits for an answer of its customer is not waiting for the team.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import suggestion
from cxlib.core.i18n import _
from cxlib.data.schema import ClockBasis, Service
from cxlib.data.working_hours import WEEK, WorkingHours
from cxlib.service.statuses import spells

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
HOUR = pd.Timedelta(hours=1)
EPOCH = pd.Timestamp("1970-01-01")


@dataclass(frozen=True, eq=False)
class Clock:
    """What counts of the time between two moments.

    Attributes
    ----------
    basis : "calendar hours" (every hour), "working hours", or "working days", in which a working
        day counts as the 24 hours of a standard
    working : when the team works; without it only "calendar hours" can be counted
    pauses : case_id, since, until (missing while it lasts) of times with the customer
    less_waiting : whether these are taken off
    zone : of the times, whose summer time counts in calendar hours; none where empty
    """

    basis: ClockBasis = "calendar hours"
    working: WorkingHours | None = None
    pauses: pd.DataFrame | None = None
    less_waiting: bool = False
    zone: str = ""

    def hours(self, start: pd.Series, end: pd.Series, case_id: pd.Series | None) -> np.ndarray:
        """Hours of the standard between two moments of each case.

        Examples
        --------
        >>> days = pd.to_datetime(["2026-03-06 00:00", "2026-03-09 10:00"])
        >>> start, end = pd.Series(days[:1]), pd.Series(days[1:])
        >>> nine_to_five = WorkingHours(**{"from": "09:00", "to": "17:00"})
        >>> [float(Clock(b, nine_to_five).hours(start, end, None)[0])
        ...  for b in ("calendar hours", "working hours", "working days")]
        [82.0, 9.0, 27.0]
        """
        found = self._until(end) - self._until(start)
        if not self.less_waiting or self.pauses is None or case_id is None:
            return found
        bounds = pd.DataFrame({"case_id": case_id, "start": start, "end": end}).set_index("case_id")
        with_case = self.pauses[self.pauses["case_id"].isin(bounds.index)]
        case = bounds.loc[with_case["case_id"]].reset_index(drop=True)
        since, until = (with_case[c].reset_index(drop=True) for c in ("since", "until"))
        since = since.where(since > case["start"], case["start"])
        until = until.where(until < case["end"], case["end"])
        paused = np.maximum(self._until(until) - self._until(since), 0)
        total = pd.Series(paused).groupby(with_case["case_id"].to_numpy()).sum()
        return found - total.reindex(case_id).fillna(0).to_numpy()

    def _until(self, times: pd.Series) -> np.ndarray:
        """Hours of the standard from a moment long ago to each time."""
        if self.basis == "calendar hours" or self.working is None:
            return ((self._moments(times) - EPOCH) / HOUR).to_numpy(float)
        worked = self.working.worked(times)
        return worked * 24 / self.working.daily if self.basis == "working days" else worked

    def _moments(self, times: pd.Series) -> pd.Series:
        """The times without summer time; of the hour that the clock repeats its first is taken."""
        if not self.zone:
            return times
        first = np.ones(len(times), bool)
        at = times.dt.tz_localize(self.zone, ambiguous=first, nonexistent="shift_forward")
        return at.dt.tz_convert("UTC").dt.tz_localize(None)

    def elapsed(self, start: pd.Series, end: pd.Series) -> pd.Series:
        """Calendar hours between two moments of each case, across a change of summer time too.

        Examples
        --------
        >>> days = pd.to_datetime(["2026-10-24 12:00", "2026-10-25 12:00"])
        >>> float(Clock(zone="Europe/Berlin").elapsed(pd.Series(days[:1]), pd.Series(days[1:]))[0])
        25.0
        """
        return (self._moments(end) - self._moments(start)) / HOUR

    def variants(self) -> Iterator[Clock]:
        """Every clock that the working hours and statuses on file allow, this one among them."""
        bases: tuple[ClockBasis, ...] = ("calendar hours",)
        if self.working is not None:
            bases = ("calendar hours", "working hours", "working days")
        without = (False, True) if self.pauses is not None and len(self.pauses) else (False,)
        for basis, less in product(bases, without):
            yield replace(self, basis=basis, less_waiting=less)

    @property
    def counted(self) -> str:
        """Which hours count, in a few words for the line below a claim."""
        return counted_in(self.basis)

    def note(self) -> str:
        """Which hours count, in a sentence or two."""
        said = [_("Hours are calendar hours.")]
        if self.basis != "calendar hours" and (w := self.working) is not None:
            words = {"span": f"{w.begin}–{w.end}", "days": [DAYS[WEEK.index(d)] for d in w.days]}
            said = [
                _("Hours are working hours ({days:label_list}; {span}).", **words)
                if self.basis == "working hours"
                else _(
                    "24 hours of a standard are one working day ({days:label_list}; {span}).",
                    **words,
                )
            ]
        if self.less_waiting:
            said.append(_("Time waiting for the customer does not count."))
        return i18n.together(said)


def counted_in(basis: str) -> str:
    """Which hours count by a clock's basis, in a few words.

    Examples
    --------
    >>> counted_in("working days")
    'counted in working days'
    """
    return {
        "calendar hours": _("counted in calendar hours"),
        "working hours": _("counted in working hours"),
        "working days": _("counted in working days"),
    }[basis]


def make_clock(
    working: WorkingHours | None,
    about: Service,
    statuses: pd.DataFrame | None = None,
    zone: str = "",
) -> Clock:
    """The clock of a study's standards.

    Parameters
    ----------
    working : `working_hours` of study.yaml
    about : `service` of study.yaml: its clock, its statuses of waiting, and whether they count
    statuses : the table case_statuses (case_id, at, status), where the study has it
    zone : `time_zone` of study.yaml

    Raises
    ------
    ValueError : a status of `waiting` that no case ever had

    Examples
    --------
    >>> make_clock(None, Service()).note()
    'Hours are calendar hours.'
    """
    pauses = None
    if statuses is not None and about.waiting:
        known = set(statuses["status"])
        for status in (s for s in about.waiting if s not in known):
            raise ValueError(
                f"service.waiting: no case had the status {status!r}.{suggestion(status, known)} "
                f"There are: {', '.join(sorted(known)) or 'none'}."
            )
        every = spells(statuses)
        pauses = every.loc[every["status"].isin(about.waiting), ["case_id", "since", "until"]]
    return Clock(about.clock, working, pauses, about.less_waiting, zone)
