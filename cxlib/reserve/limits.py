"""Queries that would read more than study.yaml allows: refused before they are sent.

    connection = limits.bounded(connection, study.limits, counted={"responses": 10_000_000})

How many rows a query scans is known from the rows that the load counted; how many it brings is
counted by the store or the engine itself, and only where its tables have more than is allowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import duckdb

from cxlib.data import sql
from cxlib.data.schema import Limits
from cxlib.reserve import tables_read
from cxlib.reserve.store import ReserveError


class TooManyRows(ReserveError):
    """A query reads or brings more rows than study.yaml allows; it was not sent."""


def bounded(
    connection: duckdb.DuckDBPyConnection, limits: Limits, counted: Mapping[str, int]
) -> duckdb.DuckDBPyConnection:
    """The connection, which refuses queries above the limits; itself where there are none.

    Parameters
    ----------
    connection : to the reserve, or to an engine
    limits : of study.yaml
    counted : rows of each table
    """
    if limits.max_rows_fetched is None and limits.max_rows_scanned is None:
        return connection
    return cast(duckdb.DuckDBPyConnection, _Bounded(connection, limits, counted))


class _Bounded:
    """A connection whose queries are held to the limits."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, limits: Limits, counted: Mapping[str, int]
    ) -> None:
        self._connection, self._limits, self._counted = connection, limits, counted

    def execute(self, query: str, values: Any = None) -> Any:
        """As DuckDB's own; TooManyRows for a query above the limits."""
        tables = sorted(tables_read.of(query) & self._counted.keys())
        rows = sum(self._counted[table] for table in tables)
        most, brings = self._limits.max_rows_scanned, self._limits.max_rows_fetched
        if most is not None and rows > most:
            raise TooManyRows(
                f"a query reads {', '.join(tables)} with {rows:,} rows; limits.max_rows_scanned "
                f"of study.yaml allows {most:,}. Raise it, or leave out the pages that need it."
            )
        if brings is not None and rows > brings and not query.lstrip().startswith("describe"):
            [n] = sql.first(self._connection, f"select count(*) from ({query}) as asked", values)
            tables_read.note_cost(1, tables_read.CELL)  # it reads what the query reads
            if n > brings:
                raise TooManyRows(
                    f"a query of {', '.join(tables)} would bring {n:,} rows; "
                    f"limits.max_rows_fetched of study.yaml allows {brings:,}. Raise it, or name "
                    "fewer rows by WAVE or WHERE."
                )
        return self._connection.execute(query, values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)
