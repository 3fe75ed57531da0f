"""SQL text, written in one place: identifiers and constants quoted, connections locked.

Column names come from the header of a user's file and may hold anything. Every identifier that goes
into a statement passes through `name`, every text constant through `text`; nothing else joins SQL.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from cxlib.core.memory import total_memory

PREFIX = "_cxlab_"  # of tables and columns that are ours; no column of a study begins with it
ROW = f"{PREFIX}row"  # the row's place in its table: "rowid" may be a user's column
MACROS = {  # functions of ours, which every expression may call: name -> arguments and meaning
    "period": (
        "(day, unit) as case unit when 'year' then strftime(day, '%Y') "
        "when 'quarter' then strftime(day, '%Y-Q') || quarter(day) "
        "when 'month' then strftime(day, '%Y-%m') when 'week' then strftime(day, '%G-W%V') "
        "when 'day' then strftime(day, '%Y-%m-%d') else error('period: the unit is year, quarter, "
        "month, week or day') end"
    ),
    "time_between": (
        "(since, until, unit) as case when until >= since then "
        "date_diff('microsecond', since, until) / case unit when 'minutes' then 6e7 "
        "when 'hours' then 3.6e9 when 'days' then 8.64e10 "
        "else error('time_between: the unit is minutes, hours or days') end end"
    ),
}
KEYS = {  # the key by which a row is resampled, as `stats.resampling.hashed` gives it to rows
    "customer_key": "(name) as (('0x' || md5(name)[:4])::bigint >> 3)",
    "sample_key": "(name) as ('0x' || md5(name)[9:14])::bigint",  # whether a row is read at all
    # `row` is a reserved word of DuckDB before 2.
    "row_key": (
        "(place) as ((((place & 4294967295)::ubigint * 2654435769) % 4294967296) >> 19)::bigint"
    ),
}
LOCKED: dict[str, Any] = {"enable_external_access": "false", "lock_configuration": "true"}


def name(identifier: str) -> str:
    """Quote an identifier: `region` becomes `"region"`, and a quote within it is doubled.

    Raises ValueError for what DuckDB cannot hold as a name: nothing, and the character NUL.

    Examples
    --------
    >>> name('region" from x; --')
    '"region"" from x; --"'
    """
    if not identifier or "\0" in identifier:
        raise ValueError(f"{identifier!r} cannot be the name of a column or table.")
    return '"' + identifier.replace('"', '""') + '"'


def names(identifiers: Iterable[str], *, of: str = "") -> str:
    """Quoted identifiers separated by commas, each with the table `of` where one is given."""
    table = f"{name(of)}." if of else ""
    return ", ".join(f"{table}{name(i)}" for i in identifiers)


def text(constant: str) -> str:
    """Quote a text constant: `it's` becomes `'it''s'`. Raises ValueError for the character NUL."""
    if "\0" in constant:
        raise ValueError(f"{constant!r} holds the character NUL, which no text of the reserve has.")
    return "'" + constant.replace("'", "''") + "'"


def fold(identifier: str) -> str:
    """The identifier as DuckDB compares it: letters A to Z in lower case, all others as they are.

    Examples
    --------
    >>> fold("Region ÄÖ")
    'region ÄÖ'
    """
    return re.sub("[A-Z]+", lambda m: m[0].lower(), identifier)


def distinct(columns: Iterable[str]) -> dict[str, str]:
    """Column: the name that it is stored under, which is its own wherever DuckDB can hold it.

    Names that differ only in the case of letters, empty names, the character NUL and names that
    begin as ours do get another: the first free one of `name_2`, `name_3` and so on.

    Examples
    --------
    >>> distinct(["Region", "region", "plan"])
    {'Region': 'Region', 'region': 'region_2', 'plan': 'plan'}
    """
    columns = [str(c) for c in columns]
    taken = {fold(c) for c in columns if _holds(c)}
    seen: set[str] = set()
    stored = {}
    for column in columns:
        wanted = column
        if not _holds(column) or fold(column) in seen:
            stem = column.replace("\0", "").strip() or "column"
            stem = stem.lstrip("_") if fold(stem).startswith(PREFIX) else stem
            number, wanted = 2, f"{stem}_2"
            while fold(wanted) in taken | seen:
                number += 1
                wanted = f"{stem}_{number}"
        stored[column] = wanted
        seen.add(fold(wanted))
    return stored


def _holds(column: str) -> bool:
    return bool(column) and "\0" not in column and not fold(column).startswith(PREFIX)


def connect(file: Path | None = None, *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A connection that reads and writes no file but its own, and stays so.

    Statements cannot read or write other files, attach databases, load extensions or change the
    configuration. What does not fit into the memory that they may hold is put on the disk.
    """
    place = ":memory:" if file is None else str(file)
    store = duckdb.connect(place, read_only=read_only, config=LOCKED | {"memory_limit": _memory()})
    for macro, body in (MACROS | KEYS).items():
        store.execute(f"create temp macro {macro}{body}")
    return store


def _memory() -> str:
    """What a connection may hold: two pages are made at a time, each in a process of its own."""
    if sys.platform.startswith("linux"):
        import resource

        limit, _unused = resource.getrlimit(resource.RLIMIT_DATA)  # `cx run --memory`
        if limit != resource.RLIM_INFINITY:
            return f"{limit // 2**21}MiB"
    return f"{total_memory() * 4 // 10 // 2**20}MiB"


def first(store: duckdb.DuckDBPyConnection, query: str, values: object = None) -> tuple[Any, ...]:
    """The first row that the query gives. Raises duckdb.Error where it gives none."""
    rows = store.execute(query, values).fetchall()  # to the end: the connection is free again
    if not rows:
        raise duckdb.InvalidInputException("the query gave no row")
    return rows[0]
