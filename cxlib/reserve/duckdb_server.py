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

from cxlib.data import live, sources, sql
from cxlib.data.sources import SourceError

SCHEME = "duckdb://"
ADVICE = (
    "Is it there, is nobody writing to it, and does the table not read other files? Write such a "
    "view as a table."
)


def below(address: str) -> str:
    """The path of the file below the study's folder; "" of another address.

    Examples
    --------
    >>> below("duckdb://shop.duckdb"), below("duckdb:///srv/shop.duckdb"), below("duckdb")
    ('shop.duckdb', '', '')
    """
    path = address.removeprefix(SCHEME) if address.startswith(SCHEME) else ""
    return "" if Path(path).is_absolute() else path


class DuckDBFile:
    """A DuckDB database file, opened at the first query and only read.

    Parameters
    ----------
    address : `duckdb://` and the path, or a variable of the environment that holds this
    folder : the study's, which a path is relative to; other folders are for the user to name, by
        the variable or `--allow-outside`

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
                self._connection = sql.connect(self._path(), read_only=True)
            return self._connection.sql(statement).to_arrow_table()
        except duckdb.Error as error:
            why = str(error).splitlines()[0].rstrip(".")
            raise SourceError(f"{self.address}: {why}. {ADVICE}") from None

    def _path(self) -> Path:
        """Where the file is: anywhere by a variable, else where study.yaml may read."""
        path = live.expanded(self.address).removeprefix(SCHEME)
        by_user = live.VARIABLE.fullmatch(self.address)
        return self._folder / path if by_user else sources.local(self._folder, path)

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
