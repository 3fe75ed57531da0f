"""A DuckDB database that others fill, such as by dbt, asked where it is.

    server = DuckDBFile("duckdb:///srv/shop.duckdb")
    server.fetch("select count(*) as n from marts.orders")    # an Arrow table

The file is opened for reading, and holds its writers off while a page is made. Views that read
other files are refused, as every statement of the reserve is.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa

from cxlib.data import live, sql
from cxlib.data.sources import SourceError

SCHEME = "duckdb://"
ADVICE = (
    "Is it there, is nobody writing to it, and does the table not read other files? Write such a "
    "view as a table."
)


class DuckDBFile:
    """A DuckDB database file, opened at the first query and only read.

    Parameters
    ----------
    address : `duckdb://` and the path, or a variable of the environment that holds this
    folder : what a path is relative to

    Examples
    --------
    >>> DuckDBFile("duckdb://shop.duckdb").dialect
    'duckdb'
    """

    dialect = "duckdb"  # as sqlglot calls it

    def __init__(self, address: str, folder: Path | None = None) -> None:
        self.address, self._folder = address, folder or Path()
        self._connection: duckdb.DuckDBPyConnection | None = None

    def fetch(self, statement: str) -> pa.Table:
        """What a statement gives. Raises SourceError."""
        try:
            if self._connection is None:
                path = live.expanded(self.address).removeprefix(SCHEME)
                self._connection = sql.connect(self._folder / path, read_only=True)
            return self._connection.sql(statement).to_arrow_table()
        except duckdb.Error as error:
            why = str(error).splitlines()[0].rstrip(".")
            raise SourceError(f"{self.address}: {why}. {ADVICE}") from None

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
