"""How long cases waited, where a file of tickets says it in hours or minutes instead of dates."""

from __future__ import annotations

import re

from cxlib.data import sql
from cxlib.data.intake import conversion
from cxlib.data.intake.drafts.looking import Column, slug
from cxlib.data.intake.drafts.parts import TableOf
from cxlib.data.intake.profiles import names

HOURS = {"hours": "1", "minutes": "60", "seconds": "3600", "days": "1 / 24"}  # in one hour
UNITS = {
    "hours": r"h|hrs?|hours?|stunden|heures?|horas?|ore|小时|時間",
    "minutes": r"m|mins?|minutes?|minuten|minutos?|minuti|分钟?",
    "seconds": r"s|secs?|seconds?|sekunden|secondes?|segundos?|secondi|秒",
    "days": r"d|days?|tage|jours?|días?|dias?|giorni|天|日",
}
DATES = {"first_reply_hours": "first_reply_at", "solved_hours": "solved_at"}


def hours(part: TableOf) -> None:
    """Add the columns of hours to cases whose dates are not in the file.

    A case that is not solved by its status has no hours until it was solved, whatever stands there.
    Hours go before dates that are only days: from one day to the next may be a minute.
    """
    for ours, date in DATES.items():
        if ours in {*part.columns, *part.derive} or date in part.derive:
            continue
        days = date in part.columns and not any(
            _times_of_day(part, c) for c in ("opened_at", date) if c in part.columns
        )
        if date in part.columns and not days:
            continue
        pattern = re.compile(names()["waits"][ours])
        fits = ((c, _unit(c, pattern)) for c in part.seen.columns.values())
        column, unit = next(((c, u) for c, u in fits if u), (None, ""))
        if column is None:
            continue
        if days:
            part.notes.append(
                f"{part.columns[date]!r} has no time of day; the hours in {column.name!r} are used"
            )
            part.free.append(part.columns.pop(date))
        status = _status(part) if ours == "solved_hours" else None
        if unit == "hours" and status is None:
            part.columns[ours], part.why[ours] = column.name, "high: its name"
            continue
        formula = sql.name(column.name)
        formula += f" / ({HOURS[unit]}.0)" if unit != "hours" else ""
        if status is not None:
            formula = _where_solved(part, formula, column, *status)
        part.derive[ours] = formula


def _times_of_day(part: TableOf, ours: str) -> bool:
    """Whether a column of dates says the time of day too."""
    read = conversion.date(part.seen.columns[part.columns[ours]].cells.dropna()).values.dropna()
    return bool((read != read.dt.normalize()).any())


def _unit(column: Column, pattern: re.Pattern[str]) -> str:
    """The unit of a column of waits, by its name; empty when it is none or names no unit."""
    called = slug(column.name)
    if column.numbers.empty or column.not_numbers > 0.05 * len(column.words):
        return ""
    for unit, words in UNITS.items():
        if (found := re.search(rf"_?(?:in_)?(?:{words})$", called)) and pattern.fullmatch(
            called[: found.start()]
        ):
            return unit
    return ""


def _status(part: TableOf) -> tuple[Column, list[str]] | None:
    """The column that says which cases are solved, with its words for those that are."""
    solved = re.compile(names()["solved"], re.IGNORECASE)
    for column in part.seen.columns.values():
        words = [str(w) for w in column.counts.index]
        if re.search(names()["status"], slug(column.name)) and 2 <= len(words) <= 20:
            done = [w for w in words if solved.search(w)]
            if done and len(done) < len(words):
                return column, done
    return None


def _where_solved(
    part: TableOf, formula: str, column: Column, status: Column, done: list[str]
) -> str:
    """The formula for the cases that the status calls solved alone."""
    frame = part.seen.raw.frame
    others = ~frame[status.name].astype(str).str.strip().isin(done)
    if n := int((others & frame[column.name].notna()).sum()):
        part.doubts.append(
            f"{part.seen.called}: {n:,} cases have {column.name!r}, but {status.name!r} is not "
            f"{' or '.join(done)}; they count as not solved"
        )
    held = ", ".join(sql.text(w) for w in done)
    return f"case when {sql.name(status.name)} in ({held}) then {formula} end"
