"""When a team works, as study.yaml says: days of the week, hours of the day, holidays.

hours = WorkingHours(**{"from": "09:00", "to": "17:00"})
hours.worked(end) - hours.worked(start)      # working hours between two series of times
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, Literal, get_args
from zoneinfo import available_timezones

import numpy as np
import pandas as pd
from pydantic import Field, field_validator, model_validator

from cxlib.core.errors import suggestion
from cxlib.data.mapping import Strict

Weekday = Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
WEEK: tuple[Weekday, ...] = get_args(Weekday)
TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)|24:00")
YEARS = range(1970, 2101)  # in which holidays of every year are counted
_DAY = np.timedelta64(1, "D")


def known_zone(zone: str) -> str:
    """The time zone, where it is empty or one of IANA's; ValueError.

    Examples
    --------
    >>> known_zone("Europe/Rome")
    'Europe/Rome'
    """
    if zone and zone not in (known := available_timezones()):
        near = suggestion(zone, sorted(known))
        raise ValueError(f"there is no such time zone.{near} Write one as Europe/Rome or UTC")
    return zone


class WorkingHours(Strict):
    """Days and hours in which a team works; the hours are the same on each of its days."""

    days: list[Weekday] = Field(
        default=list(WEEK[:5]),
        min_length=1,
        description="Days of the week.",
        examples=[["Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]],
    )
    begin: str = Field(
        alias="from", description="When a working day begins, HH:MM.", examples=["09:00"]
    )
    end: str = Field(
        alias="to", description="When it ends, HH:MM; 24:00 is midnight.", examples=["18:00"]
    )
    holidays: list[str] = Field(
        default=[],
        description="Days without work: YYYY-MM-DD, or MM-DD for every year.",
        examples=[["01-01", "12-25", "2026-04-06"]],
    )
    timezone: str = Field(
        default="",
        description="Time zone of these hours, where times in the data are of another one.",
        examples=["Europe/Rome"],
    )
    times_in: str = Field(
        default="",
        description="Time zone of the times in the data; needed with `timezone`.",
        examples=["UTC"],
    )

    @field_validator("days", mode="before")
    @classmethod
    def _capitals(cls, days: Any) -> Any:
        return [d[:1].upper() + d[1:].lower() for d in days] if _texts(days) else days

    @field_validator("days", "holidays")
    @classmethod
    def _each_once(cls, days: list[str]) -> list[str]:
        if twice := [d for d in dict.fromkeys(days) if days.count(d) > 1]:
            raise ValueError(f"{', '.join(twice)} stands there twice; name each day once")
        return days

    @field_validator("begin", "end")
    @classmethod
    def _is_time(cls, value: str) -> str:
        if not TIME.fullmatch(value):
            raise ValueError("this is no time of day. Write HH:MM, as 09:00 or 17:30")
        return value

    @field_validator("holidays")
    @classmethod
    def _are_days(cls, days: list[str]) -> list[str]:
        wrong = [d for d in days if not _is_day(d)]
        if wrong:
            raise ValueError(
                f"{len(wrong)} of {len(days)} are no days: {', '.join(wrong[:3])}. Write "
                "YYYY-MM-DD, or MM-DD for every year"
            )
        return days

    @field_validator("timezone", "times_in")
    @classmethod
    def _is_zone(cls, zone: str) -> str:
        return known_zone(zone)

    @model_validator(mode="after")
    def _agree(self) -> WorkingHours:
        if _hour(self.begin) >= _hour(self.end):
            raise ValueError(f"from ({self.begin}) must be before to ({self.end})")
        if bool(self.timezone) != bool(self.times_in):
            raise ValueError(
                "give both timezone (of the working hours) and times_in (of the times in the "
                "data), or neither where they are the same"
            )
        return self

    @property
    def daily(self) -> float:
        """Hours of a working day."""
        return _hour(self.end) - _hour(self.begin)

    @cached_property
    def calendar(self) -> np.busdaycalendar:
        """The working days, for numpy's business-day functions."""
        free = [d for d in self.holidays if len(d) > 5]
        yearly = [f"{y}-{d}" for d in self.holidays if len(d) == 5 for y in YEARS]
        there = [d for d in yearly if _is_day(d)]  # 29 February is not there in every year
        mask = [day in self.days for day in WEEK]
        return np.busdaycalendar(weekmask=mask, holidays=np.array([*free, *there], "datetime64[D]"))

    def days_between(self, first: pd.Timestamp, last: pd.Timestamp) -> pd.DataFrame:
        """What the days of a time are to `worked`, for databases.

        Parameters
        ----------
        first, last : moments, whose days are the first and the last

        Returns
        -------
        day (since 1970), before (microseconds worked before it), opens and shuts (microseconds of
        the day; both 0 where nobody works)

        Examples
        --------
        >>> nine_to_five = WorkingHours(**{"from": "09:00", "to": "17:00"})
        >>> days = pd.to_datetime(["2026-03-06", "2026-03-07"])  # a Friday, and a Saturday
        >>> (nine_to_five.days_between(*days)[["opens", "shuts"]] / 3.6e9).values.tolist()
        [[9.0, 17.0], [0.0, 0.0]]
        """
        days = np.arange(first.to_datetime64(), last.to_datetime64() + _DAY, dtype="datetime64[D]")
        open_ = np.is_busday(days, busdaycal=self.calendar)
        opens, shuts = (round(_hour(time) * 60) * 60_000_000 for time in (self.begin, self.end))
        before = np.busday_count("1970-01-01", days, busdaycal=self.calendar) * (shuts - opens)
        ends = {"opens": np.where(open_, opens, 0), "shuts": np.where(open_, shuts, 0)}
        return pd.DataFrame({"day": days.astype(int), "before": before, **ends})

    def worked(self, times: pd.Series) -> np.ndarray:
        """Working hours from the beginning of 1970 to each time; NaN where it is missing.

        Their difference is the working time between two moments.

        Examples
        --------
        >>> nine_to_five = WorkingHours(**{"from": "09:00", "to": "17:00"})
        >>> friday = pd.Series(pd.to_datetime(["2026-03-06 16:00", "2026-03-09 10:00"]))
        >>> float(np.diff(nine_to_five.worked(friday))[0])  # to Monday, an hour on each day
        2.0
        """
        if self.timezone:
            local = times.dt.tz_localize(self.times_in, ambiguous="NaT", nonexistent="NaT")
            # The hour that the clock repeats or skips in a night is worked by hardly anybody.
            local = local.dt.tz_convert(self.timezone).dt.tz_localize(None)
            times = local.fillna(times)
        there = times.notna().to_numpy()
        moments = times[there]
        days = moments.to_numpy().astype("datetime64[D]")
        full = np.busday_count("1970-01-01", days, busdaycal=self.calendar)
        hour = ((moments - moments.dt.normalize()) / pd.Timedelta(hours=1)).to_numpy()
        today = np.clip(hour - _hour(self.begin), 0, self.daily)
        found = np.full(len(times), np.nan)
        found[there] = full * self.daily + today * np.is_busday(days, busdaycal=self.calendar)
        return found


@dataclass(frozen=True, eq=False)
class CountedHours:
    """Which time counts where cases are counted in a database.

    Attributes
    ----------
    calendar : the days of `WorkingHours.days_between`; None where all time counts
    pauses : statuses of a case in which time does not count
    limits : limit, the microseconds that cases of each kind may take (missing where they have no
        standard), and the columns of the kind; None where no standard is asked for
    """

    calendar: pd.DataFrame | None = None
    pauses: tuple[str, ...] = ()
    limits: pd.DataFrame | None = None


def _texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(v, str) for v in values)


def _hour(time: str) -> float:
    hour, minute = time.split(":")
    return int(hour) + int(minute) / 60


def _is_day(text: str) -> bool:
    """Whether a text is YYYY-MM-DD, or MM-DD, the 29th of February among them."""
    if not re.fullmatch(r"(\d{4}-)?\d{2}-\d{2}", text):
        return False
    try:
        date.fromisoformat(text if len(text) > 5 else f"2024-{text}")
    except ValueError:
        return False
    return True
