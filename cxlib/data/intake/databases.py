"""SQLite files, read without writing to them or reaching another file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd

from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.raw import Raw, numbered
from cxlib.data.mapping import Reading

ALLOWED = (
    sqlite3.SQLITE_SELECT,
    sqlite3.SQLITE_READ,
    sqlite3.SQLITE_FUNCTION,
    sqlite3.SQLITE_RECURSIVE,
)


def tables(path: Path) -> list[str]:
    """Tables and views of the database, by name."""
    try:
        with closing(_opened(path)) as store:
            return _tables(store)
    except sqlite3.Error as error:
        raise IntakeError(f"{path.name}: SQLite cannot read the file ({error}).") from error


def read_sqlite(path: Path, name: str, options: Reading) -> Raw:
    """The rows of a table, or of a query; of the only table where neither is named."""
    try:
        with closing(_opened(path)) as store:
            query = options.query or _whole(_tables(store), name, options.table)
            frame = _rows(store, query)
    except sqlite3.Error as error:
        asked = f"query {options.query!r}" if options.query else "the file"
        raise IntakeError(f"{name}: SQLite cannot read {asked} ({error}).") from error
    what = "the rows of `query`" if options.query else f"table {query.split('from ')[1]}"
    return numbered(frame, [f"{name}: {what}."])


def _opened(path: Path) -> sqlite3.Connection:
    store = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    # A query may come from anybody: it selects, and attaches or writes nothing.
    store.set_authorizer(
        lambda action, *_: sqlite3.SQLITE_OK if action in ALLOWED else sqlite3.SQLITE_DENY
    )
    return store


def _tables(store: sqlite3.Connection) -> list[str]:
    found = store.execute("select name from sqlite_master where type in ('table', 'view')")
    return [name for (name,) in found if not name.startswith("sqlite_")]


def _whole(there: list[str], name: str, table: str) -> str:
    if table and table not in there:
        raise IntakeError(f"{name} has no table {table!r}. It has: {', '.join(there)}.")
    if not table and len(there) != 1:
        raise IntakeError(
            f"{name} has {len(there)} tables: {', '.join(there)}. Choose one with `table:`, or "
            "write a `query:`."
        )
    quoted = (table or there[0]).replace('"', '""')
    return f'select * from "{quoted}"'


def _rows(store: sqlite3.Connection, query: str) -> pd.DataFrame:
    cursor = store.execute(query)
    columns = [c[0] for c in cursor.description or ()]
    frame = pd.DataFrame(cursor.fetchall(), columns=columns, dtype=object)
    return frame.mask(frame == "").convert_dtypes()
