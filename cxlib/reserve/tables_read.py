"""Which tables a page reads, noted by its own queries, and what these queries cost.

    os.environ[tables_read.FILE] = str(file)       # by the batch, before the notebook runs
    connection = tables_read.noted(connection)     # by the reserve
    tables_read.names(file)                        # {"responses", "columns"}
    tables_read.cost(file)                         # {"queries": 31, "rows": 4322, "bytes": 903210,
                                                   #  "seconds": 0.61}

A page is made again only for the tables that it reads. A query is taken to read every table whose
name stands in its text: too many rather than too few. Its cost is what it brings to the page, and
the time until that is there.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import duckdb
import pandas as pd

from cxlib.data import contract

FILE = "CX_TABLES_READ"  # the variable that names the file; without it nothing is noted
COLUMNS, CHECKS, DAYS = "columns", "checks", "days"  # what a page reads of all tables together
MARKS = (COLUMNS, CHECKS, DAYS)
ALL = "*"
CELL = 8  # bytes of a value that comes alone
_COST = "#"  # begins a line of a query's rows, bytes and seconds
_VIEW = "_responses"  # each answer with its customer's attributes
_OF_CHECKS = {"_quarantine", "_losses", "_warnings", "_tables"}
_WHOLE = re.compile(r"select \* from _tables")  # with the fingerprint of every table


def noted(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """The connection, its queries noted where the process makes a page of a batch."""
    if FILE not in os.environ:
        return connection
    return cast(duckdb.DuckDBPyConnection, _Noted(connection))


def note(*tables: str) -> None:
    """Note that the page reads these, where the process makes a page of a batch."""
    if FILE in os.environ:
        with open(os.environ[FILE], "a", encoding="utf-8") as notes:
            notes.write("".join(f"{table}\n" for table in tables))


def note_cost(rows: int, size: int, seconds: float = 0) -> None:
    """Note that a query brought so many rows, of so many bytes together, and how long it took."""
    note(f"{_COST}{rows} {size} {seconds:.5f}")


def names(file: Path) -> set[str]:
    """The tables noted in the file; `ALL` where nothing can be told."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError:
        return {ALL}
    return {line for line in lines if line and not line.startswith(_COST)}


def cost(file: Path) -> dict[str, float]:
    """How many queries were noted in the file, what they brought, and how long they took."""
    lines = file.read_text(encoding="utf-8").splitlines()
    found = [line[1:].split() for line in lines if line.startswith(_COST)]
    rows, size = (sum(int(line[k]) for line in found) for k in (0, 1))
    seconds = round(sum(float(line[2]) for line in found), 4)
    return {"queries": len(found), "rows": rows, "bytes": size, "seconds": seconds}


def of(query: str) -> set[str]:
    """The tables that a query may read.

    Examples
    --------
    >>> sorted(of('select speed from "_responses" where wave = 2'))
    ['customers', 'responses']
    """
    words = set(re.findall(r"\w+", query))
    found = words & set(contract.TABLES)
    found |= {"responses", "customers"} if _VIEW in words else set()
    found |= {CHECKS} if words & _OF_CHECKS else set()
    return found | {ALL} if _WHOLE.search(query) else found


class _Noted:
    """A connection whose queries are noted."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def execute(self, query: Any, *values: Any) -> Any:
        note(*of(str(query)))
        begun = time.perf_counter()
        answer = self._connection.execute(query, *values)
        return _Brought(answer, time.perf_counter() - begun)

    def __getattr__(self, name: str) -> Any:
        if name in ("sql", "query", "table", "view"):
            note(ALL)
        return getattr(self._connection, name)


class _Brought:
    """What a query gives, its rows and bytes noted when they come."""

    def __init__(self, answer: Any, seconds: float) -> None:
        self._answer, self._seconds = answer, seconds

    def df(self) -> pd.DataFrame:
        rows = self._timed(self._answer.df)
        note_cost(len(rows), int(rows.memory_usage(index=False).sum()), self._seconds)
        return rows

    def fetchall(self) -> list[tuple[Any, ...]]:
        rows = self._timed(self._answer.fetchall)
        note_cost(len(rows), CELL * sum(map(len, rows)), self._seconds)
        return rows

    def fetchnumpy(self) -> Mapping[str, Any]:
        columns = self._timed(self._answer.fetchnumpy)
        rows = max(map(len, columns.values()), default=0)
        note_cost(rows, sum(c.nbytes for c in columns.values()), self._seconds)
        return columns

    def _timed(self, fetch: Callable[[], Any]) -> Any:
        """What comes of the query, whose time goes on until it is there."""
        begun = time.perf_counter()
        found = fetch()
        self._seconds += time.perf_counter() - begun
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._answer, name)
