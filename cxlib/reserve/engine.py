"""The tables of a study that stay on a server, asked as if they were in its reserve.

    connection = attached(study, store.connect(study.reserve_path), views)
    connection.execute("select wave, count(*) from responses group by 1").df()

The reserve of such a study holds its tables without their rows, what the checks found, and a view
for each table: the statement that gives its rows on the engine. A query that names such a table is
run on the empty one first, which finds mistakes and says of which types the answer is; translated
(`dialects`), it is then run on the engine. Anything else is answered from the reserve itself. The
engine is only read. All queries of a page see a PostgreSQL server as it was at the first of them;
after an error of the server as it is then, and its rows are counted again.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import duckdb
import pyarrow as pa

from cxlib.data import live, sql
from cxlib.data.sources import SourceError
from cxlib.data.study import Study
from cxlib.reserve import dialects, tables_read
from cxlib.reserve.duckdb_server import SCHEME, DuckDBFile
from cxlib.reserve.spark_server import SparkServer

_LOCAL = re.compile(r"\s*(describe|create|drop|set|pragma)\b", re.IGNORECASE)


class Server:
    """A PostgreSQL server, connected to at the first query and only read."""

    dialect = "postgres"  # as sqlglot calls it

    def __init__(self, address: str) -> None:
        if find_spec("sqlglot") is None:
            raise SourceError(f"{address}: an engine needs `pip install 'cxlib[databases]'`.")
        self.address = address
        self._connection: Any = None
        self._said: Callable[[Exception], str]

    def fetch(self, statement: str) -> pa.Table:
        """What a statement in the server's dialect gives. Raises SourceError."""
        if self._connection is None:
            self._connection, self._said = live.postgresql(self.address)
            self._begin()
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetch_arrow_table()
        except Exception as error:  # the driver raises many kinds
            self._again()
            raise SourceError(self._said(error)) from None

    def _again(self) -> None:
        """Go on after an error; where the connection is lost, the next query makes another."""
        try:
            self._connection.rollback()
            self._begin()
        except Exception:  # the driver raises many kinds
            self._connection = None

    def _begin(self) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(live.SNAPSHOT)

    def close(self) -> None:
        """Leave the server."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


AnyServer = Server | SparkServer | DuckDBFile


def server_of(address: str, folder: Path | None = None) -> AnyServer:
    """The server of an address, which is not connected to yet.

    Parameters
    ----------
    address : as study.yaml names it
    folder : what the path of a DuckDB file is relative to

    Examples
    --------
    >>> server_of("sc://127.0.0.1:15002").dialect
    'spark'
    """
    known = live.VARIABLE.sub(lambda found: os.environ.get(found[1], ""), address)
    if known.startswith(SCHEME):
        return DuckDBFile(address, folder)
    return SparkServer(address) if known.startswith("sc:") else Server(address)


class _Attached:
    """A connection whose queries on tables of the engine are answered there."""

    def __init__(
        self,
        local: duckdb.DuckDBPyConnection,
        server: AnyServer,
        views: Mapping[str, str],
        kept: Mapping[str, int],
        conditions: Mapping[str, str] | None = None,
    ) -> None:
        self._local, self._server, self._views = local, server, dict(views)
        self._names = re.compile(rf"\b({'|'.join(map(re.escape, self._views))})\b")
        self._kept = dict(kept)
        self._unseen = dict(kept)  # tables whose rows were not counted yet
        self._conditions = {t: h for t, h in (conditions or {}).items() if t in self._views}
        self._columns = {
            t: local.sql(f"select * from {t} limit 0").columns for t in self._conditions
        }

    def execute(self, query: str, values: Any = None) -> Any:
        """As DuckDB's own; raises `EngineError` for what the engine refuses or has not."""
        if _LOCAL.match(query) or not self._names.search(query):
            return self._local.execute(query, values)
        named = dialects.tables(query)
        if not named & self._views.keys():
            return self._local.execute(query, values)
        shape = self._local.sql(query, params=values)
        self._count(named)
        found = self._fetch(query, values)
        typed = (
            f"cast({sql.name(column)} as {kind}) as {sql.name(column)}"
            for column, kind in zip(shape.columns, shape.types, strict=True)
        )
        found = found.rename_columns(shape.columns)
        return self._local.from_arrow(found).project(", ".join(typed))

    def _count(self, named: set[str]) -> None:
        """Compare the rows that there are with those that were checked, once a table."""
        joined = {"responses", "customers"} if "_responses" in named else set()
        for table in sorted((named | joined) & self._unseen.keys()):
            was = self._unseen[table]
            counted = f"select count(*) as n from {table}"
            [now] = self._fetch(counted, views=self._views)["n"].to_pylist()
            tables_read.note_cost(1, tables_read.CELL)  # a scan of its own
            if now != was:
                raise EngineError(
                    f"{table} has {now:,} rows on the engine, and had {was:,} when "
                    "they were checked. Run `cx load` again, so that the new ones are checked."
                )
            del self._unseen[table]

    def _fetch(
        self, query: str, values: Any = None, views: Mapping[str, str] | None = None
    ) -> pa.Table:
        dialect = self._server.dialect
        try:
            views = views or self._restricted(query)
            statement = dialects.translated(query, views, dialect, values)
        except dialects.NotTranslated as why:
            raise EngineError(
                f"the engine cannot be asked this: {why}. Pages that need it want the "
                "tables as files, or with `from: postgresql://...` and `engine: duckdb`."
            ) from why
        try:
            return self._server.fetch(statement)
        except SourceError:  # what comes next sees the server at another time
            self._unseen = dict(self._kept)
            raise

    def _restricted(self, query: str) -> dict[str, str]:
        """The views, with the rows that there are for whoever asks and the columns of a query.

        An engine need not leave out a column by itself, such as the place of a row, for which it
        would sort them all.
        """
        if not self._conditions:
            return self._views
        words = dialects.columns(query)
        if words is not None:
            joined = (view for name, view in self._views.items() if name.startswith("_"))
            words = words.union(*map(dialects.words, joined))
        found = dict(self._views)
        for table, holds in self._conditions.items():
            have = self._columns[table]
            read = [c for c in have if words is None or c in words] or have[:1]
            asked = f"select {sql.names(read)} from {table} where {holds}"
            found[table] = dialects.translated(asked, self._views, self._server.dialect)
        return found

    def close(self) -> None:
        """Let go of the reserve and leave the server."""
        self._server.close()
        self._local.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._local, name)


class EngineError(RuntimeError):
    """The engine has not what was asked; the message says why and what to do."""


def attached(
    study: Study,
    local: duckdb.DuckDBPyConnection,
    views: Mapping[str, str],
    conditions: Mapping[str, str] | None = None,
) -> duckdb.DuckDBPyConnection:
    """The connection to the reserve, with the study's engine behind its tables.

    Parameters
    ----------
    study : with an engine, or without one: then the connection is given back as it is
    local : to the reserve, in which the engine's tables are empty
    views : what gives the rows of each table on the engine
    conditions : table -> which of its rows there are for whoever asks, of the engine or not
    """
    conditions = conditions or {}
    _restrict(local, {t: holds for t, holds in conditions.items() if t not in views})
    if not views:
        return local
    counted = local.execute('select "table", kept from _tables').fetchall()
    kept = {table: n for table, n in counted if table in views}
    attached = _Attached(local, server_of(study.engine, study.folder), views, kept, conditions)
    return cast(duckdb.DuckDBPyConnection, attached)


def _restrict(local: duckdb.DuckDBPyConnection, conditions: Mapping[str, str]) -> None:
    """Put views of this connection in the place of the tables, with some of their rows."""
    [reserve] = sql.first(local, "select current_database()")
    whole = f"{sql.name(reserve)}.main"
    for table, holds in conditions.items():  # `in` names tables, too: later views see earlier ones
        rows = f"select * from {whole}.{sql.name(table)} where {holds}"
        local.execute(f"create temp view {sql.name(table)} as {rows}").fetchall()
