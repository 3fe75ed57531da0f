"""How old the newest row of each table is, where study.yaml says how old it may be.

freshness.ages(database, now)       # [Age("orders", day, timedelta(days=3), stale=True), ...]
freshness.sentences(found)          # for the index of a run and its pages
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cxlib.core import i18n
from cxlib.core.i18n import ngettext
from cxlib.data import sql
from cxlib.reserve.database import Database
from cxlib.reserve.tables import DATED


@dataclass(frozen=True)
class Age:
    """The newest row of a table: when it is of, how old that is, and whether it is too old."""

    table: str
    newest: datetime
    age: timedelta
    stale: bool


def ages(database: Database, now: datetime) -> list[Age]:
    """The age of the newest row of each dated table; none where study.yaml sets no limit."""
    if not (asked := database.study.fresh_within):
        return []
    number, unit = asked.rstrip("s").split()
    limit = timedelta(**{f"{unit}s": int(number)})
    found = []
    for table, column in DATED.items():
        if database.has_columns(table, column):
            query = f"select max({sql.name(column)}) from {sql.name(table)}"
            if (newest := sql.first(database.store, query)[0]) is not None:
                age = now - newest
                found.append(Age(table, newest, age, age > limit))
    return found


def sentences(found: Sequence[Age]) -> list[str]:
    """The age of each table in words, those that are too old first."""
    return [
        ngettext(
            "{table:opening}: newest row of {day}, {n:count} day old",
            "{table:opening}: newest row of {day}, {n:count} days old",
            one.age.days,
            table=one.table,
            day=i18n.day(f"{one.newest:%Y-%m-%d}"),
        )
        for one in sorted(found, key=lambda one: (not one.stale, -one.age))
    ]
