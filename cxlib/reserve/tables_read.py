"""Which tables a page reads: noted by its own queries, so that it is made again only for those.

    os.environ[tables_read.FILE] = str(file)       # by the batch, before the notebook runs
    connection = tables_read.noted(connection)     # by the reserve
    tables_read.names(file)                        # {"responses", "columns"}

A query is taken to read every table whose name stands in its text: too many rather than too few.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, cast

import duckdb

from cxlib.data import contract

FILE = "CX_TABLES_READ"  # the variable that names the file; without it nothing is noted
COLUMNS, CHECKS, DAYS = "columns", "checks", "days"  # what a page reads of all tables together
MARKS = (COLUMNS, CHECKS, DAYS)
ALL = "*"
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


def names(file: Path) -> set[str]:
    """What was noted in the file; `ALL` where nothing can be told."""
    try:
        return set(file.read_text(encoding="utf-8").split())
    except OSError:
        return {ALL}


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

    def execute(self, query: Any, *values: Any) -> duckdb.DuckDBPyConnection:
        note(*of(str(query)))
        return self._connection.execute(query, *values)

    def __getattr__(self, name: str) -> Any:
        if name in ("sql", "query", "table", "view"):
            note(ALL)
        return getattr(self._connection, name)
