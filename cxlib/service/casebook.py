"""Cases as a clock sees them: hours to the first reply and to the solution, and who waits still.

    rows = timed(cases, study.service.standards)
    rows[["reply_hours", "replied", "reply_limit", "reply_in_time"]]       # and of the solution

Hours are those of the calendar, nights and Sundays among them: state standards accordingly.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxlib.core.i18n import _, ngettext
from cxlib.data.schema import Standard

HOUR = pd.Timedelta(hours=1)
WORDS = (  # names of columns and of what they hold
    "first reply", "solution", "reply in time", "solved in time", "goal", "met", "missed", "open",
    "open cases", "reopened", "said so by the customer", "window",
    "solved at the first contact", "weekday", "Monday", "Tuesday", "Wednesday", "Thursday",
    "Friday", "Saturday", "Sunday", "contacts", "hours", "one customer",
    "front line", "process", "policy", "rule", "study.yaml", "its name", "how often it comes",
    "handled", "well", "badly", "well less badly", "change of others like them", "difference",
    "difference without matching", "earlier answer", "its square", "time of the earlier answer",
    "time of the later answer", "limits", "outer low", "outer high", "very low", "very high",
    "standard missed", "day", "days", "again", "cases", "cases per 1000",
)  # fmt: skip
CLOCKS = {  # what is waited for: column of the day it came, and what its own columns begin with
    "first reply": ("first_reply_at", "reply", "replied"),
    "solution": ("solved_at", "solution", "solved"),
}


def timed(
    cases: pd.DataFrame,
    standards: Mapping[str, Standard] | None = None,
    *,
    as_of: str | pd.Timestamp | None = None,
) -> pd.DataFrame:
    """The cases opened by `as_of` (default: the last moment on file), with how long each waited.

    Added, for the first reply and the solution where their days are on file: reply_hours and
    solution_hours (hours until it came, or until `as_of` where it has not), replied and solved
    (whether it came), reply_limit and solution_limit (hours by the standard of the case's
    severity, else by "any"; NaN without one), reply_in_time and solved_in_time (1, 0; NaN where
    there is no standard, or its time was not up by `as_of`), week (ISO) and month. A solution
    without a reply is its reply. `attrs["seen"]` is `as_of`, `attrs["notes"]` what was left out.
    Raises ValueError where opened_at is missing or no date, and where no case is left.
    """
    _dated(cases)
    there = [c for c in ("opened_at", "first_reply_at", "solved_at") if c in cases]
    seen = cases[there].max().max() if as_of is None else pd.Timestamp(as_of)
    backwards = np.zeros(len(cases), bool)
    for column in there[1:]:
        backwards |= (cases[column] < cases["opened_at"]).to_numpy()
    known = cases["opened_at"].notna().to_numpy()
    early = known & (cases["opened_at"] <= seen).to_numpy()
    rows = cases[early & ~backwards].copy()
    if rows.empty:
        raise ValueError(f"none of {len(cases):,} cases was opened by {seen}. Check opened_at.")
    came = {name: _came(rows, column, seen) for name, (column, *_) in CLOCKS.items()}
    notes = _notes(len(cases), known, early, backwards & early)
    if came["first reply"] is not None and came["solution"] is not None:
        silent = came["first reply"].isna() & came["solution"].notna()
        came["first reply"] = came["first reply"].fillna(came["solution"])
        notes += _silent(int(silent.sum()))
    limits = _limits(rows, standards or {})
    for name, (_unused, prefix, happened) in CLOCKS.items():
        if came[name] is None:
            continue
        hours = (came[name].fillna(seen) - rows["opened_at"]) / HOUR
        done, limit = came[name].notna(), limits[name]
        over = ((seen - rows["opened_at"]) / HOUR).to_numpy() >= limit
        rows[f"{prefix}_hours"], rows[happened] = hours, done
        rows[f"{prefix}_limit"] = limit
        in_time = f"{'reply' if prefix == 'reply' else 'solved'}_in_time"
        # Of those whose time is not up, only the quick would count: they would flatter.
        rows[in_time] = np.where(over, done & (hours <= limit), np.nan)
    rows["week"] = rows["opened_at"].dt.strftime("%G-W%V")
    rows["month"] = rows["opened_at"].dt.strftime("%Y-%m")
    rows.attrs |= {"seen": seen, "notes": notes}
    return rows


def last_weeks(rows: pd.DataFrame, weeks: int) -> pd.DataFrame:
    """The cases of the last `weeks` weeks, the one that is not over left out."""
    monday = rows.attrs["seen"].normalize()
    monday -= pd.Timedelta(days=monday.weekday())
    return rows[
        (rows["opened_at"] >= monday - pd.Timedelta(weeks=weeks)) & (rows["opened_at"] < monday)
    ]


def join(rows: pd.DataFrame, groups: pd.Series | None) -> str | None:
    """Put each case into the group of its customer; gives the name of the column to compare by.

    Where customers are in no groups, it is the channel if there is one.
    """
    if groups is None or "customer_id" not in rows:
        return "channel" if "channel" in rows else None
    rows[str(groups.name)] = rows["customer_id"].map(groups)
    return str(groups.name)


def spans(rows: pd.DataFrame, weeks: int) -> bool:
    """Whether the cases span so many whole weeks; says so when they do not."""
    there = int((rows.attrs["seen"] - rows["opened_at"].min()) / pd.Timedelta(weeks=1)) - 1
    if there >= weeks:
        return True
    print(
        _(
            "The cases span {n:count} whole weeks; {least:count} are needed. This part is left "
            "out.",
            n=max(there, 0),
            least=weeks,
        )
    )
    return False


def needs(rows: pd.DataFrame, *columns: str) -> None:
    """Raise ValueError for rows that `timed` did not make, or that lack a column."""
    if lacking := [c for c in columns if c not in rows]:
        raise ValueError(
            f"cases lack {', '.join(lacking)}. They have: {', '.join(map(str, rows))}. "
            "service.timed(cases, standards) adds hours; the rest is mapped in study.yaml."
        )


def about(rows: pd.DataFrame) -> list[str]:
    """How many cases there are, since when, and what was left out."""
    first, seen = rows["opened_at"].min(), rows.attrs.get("seen", rows["opened_at"].max())
    told = ngettext(
        "{n:count} case opened from {first:date}, seen from {seen:date}.",
        "{n:count} cases opened from {first:date}, seen from {seen:date}.",
        len(rows),
        first=first,
        seen=seen,
    )
    return [told, *rows.attrs.get("notes", [])]


def _dated(cases: pd.DataFrame) -> None:
    needs(cases, "opened_at")
    for column in ("opened_at", "first_reply_at", "solved_at"):
        if column in cases and not pd.api.types.is_datetime64_any_dtype(cases[column]):
            raise ValueError(
                f"cases.{column} holds {cases[column].dtype}, not dates. Use pandas.to_datetime, "
                "or load the cases through the reserve."
            )


def _came(rows: pd.DataFrame, column: str, seen: pd.Timestamp) -> pd.Series | None:
    """When it came, missing where it had not by `seen`; None where it is not on file."""
    if column not in rows or rows[column].isna().all():
        return None
    return rows[column].where(rows[column] <= seen)


def _limits(rows: pd.DataFrame, standards: Mapping[str, Standard]) -> dict[str, np.ndarray]:
    other = standards.get("any", Standard())
    severity = rows["severity"].astype("string") if "severity" in rows else None
    found = {}
    for name, field in (("first reply", "first_reply_hours"), ("solution", "solved_hours")):
        usual = getattr(other, field)
        hours = np.full(len(rows), np.nan if usual is None else usual)
        for level, standard in standards.items():
            own = getattr(standard, field)
            if severity is not None and own is not None:
                hours[severity.eq(level).fillna(False).to_numpy(bool)] = own
        found[name] = hours
    return found


def _notes(offered: int, known: np.ndarray, early: np.ndarray, wrong: np.ndarray) -> list[str]:
    notes = []
    if undated := int((~known).sum()):
        notes.append(
            _(
                "{n:count} of {offered:count} cases without a day of opening are left out.",
                n=undated,
                offered=offered,
            )
        )
    if later := int((known & ~early).sum()):
        notes.append(
            _(
                "{n:count} of {offered:count} cases were opened later and are left out.",
                n=later,
                offered=offered,
            )
        )
    if backwards := int(wrong.sum()):
        notes.append(
            _(
                "{n:count} of {offered:count} cases were answered or solved before they were "
                "opened, and are left out.",
                n=backwards,
                offered=offered,
            )
        )
    return notes


def _silent(n: int) -> list[str]:
    if not n:
        return []
    said = ngettext(
        "{n:count} case was solved without a reply on file: the solution counts as the reply.",
        "{n:count} cases were solved without a reply on file: the solution counts as the reply.",
        n,
    )
    return [said]
