"""Data that may change between two loads: databases, files on the web, survey platforms.

    path, notes = fetch(file, study.folder)    # file.address: what `from:` in study.yaml says

`from:`, and what the environment must hold:

- `postgresql://host/db` with `table:` or `query:`: PGUSER, and PGPASSWORD with PGHOST, or a .pgpass
  file, or a password in the keyring
- `${SHOP_DB}`: SHOP_DB, the whole address
- `https://host/answers.csv`, or the address of a Google Sheet: nothing
- `qualtrics:SURVEY`: QUALTRICS_BASE_URL, QUALTRICS_API_TOKEN
- `limesurvey:SURVEY`: LIMESURVEY_URL, LIMESURVEY_USER, LIMESURVEY_PASSWORD

What arrived is kept in the study's `.cache` folder, so that a load can say whether it changed. A
study.yaml may come from anybody: passwords go to hosts that the user has named, queries only read.
Of a table with a `watermark:` the rows at or above a value can be fetched alone; the same snapshot
of the database says how many rows there are, and how high the watermark has come (`reached`).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from cxlib.core import files
from cxlib.data import platforms, sources, sql
from cxlib.data.mapping import Readable
from cxlib.data.sources import SourceError

VARIABLE = re.compile(r"\$\{(\w+)\}")
LOCAL = ("", "localhost", "127.0.0.1", "::1")
SERVER = "Is the server up, and are PGUSER and PGPASSWORD those of a user who may read it?"
LOST = re.compile(r"terminating connection|closed the connection|no connection to the server")
UNSAID = r" *(LINE \d+: .*\^|Query was: .*|This probably means .*)"
REMEDIES = {  # by the beginning of what PostgreSQL calls the error (its SQLSTATE)
    "42501": "Ask its owner to grant SELECT to your user.",
    "25006": "CX Lab only reads: write a `query` that changes nothing.",
    "42": "Compare study.yaml with the tables there, correct it and run `cx load` again.",
    "22": "Correct the value there or convert it in `query`, and run `cx load` again.",
    "57014": "The server ended the query, such as after its statement_timeout. Ask for more time.",
    "53": "The server has no room or no connection left. Run the same command again later.",
    "57P": "The connection was lost. Run the same command again.",
}
EXACT = 15  # digits of a number that a double holds
SNAPSHOT = "set transaction isolation level repeatable read, read only"
NO_HIGHEST = ("infinity", "nan")  # above them no row can come
_REACHED = b"cxlib.reached"
Getter = Callable[[str, Readable, Path], Path]


@dataclass(frozen=True)
class Reached:
    """How far a table of a database had come when rows of it were fetched.

    Attributes
    ----------
    rows : rows of the whole table or query
    highest : the highest value of its watermark, as the server writes it; empty without a row
    """

    rows: int
    highest: str

    def in_words(self, watermark: str) -> str:
        """How far it had come, as the note of a fetch ends."""
        return f"{self.rows:,} rows up to {watermark} {self.highest}"


def fetch(
    file: Readable, folder: Path, *, watermark: str = "", after: str = ""
) -> tuple[Path, list[str]]:
    """Get what an address gives now.

    Parameters
    ----------
    file : its `address`, with the `table` or `query` of a database
    folder : the study's folder, in which what arrived is kept
    watermark : column of a database's table that is higher in each row that is new or has changed
    after : only rows whose `watermark` is at or above this value, as `Reached.highest` has it

    Returns
    -------
    The file, and a note on when it was fetched and whether it changed since the time before

    Raises
    ------
    SourceError : it cannot be had; the message says why and what to do, and holds no password
    """
    address, scheme = expanded(file.address), urlsplit(expanded(file.address)).scheme
    if scheme not in GETTERS:
        raise SourceError(
            f"{file.address}: addresses begin with {', '.join(GETTERS)}. From another database, "
            "export a file (CSV or Parquet) and name it with `file:`."
        )
    get = GETTERS[scheme]
    if watermark:
        if get is not _postgresql:
            raise SourceError(f"{file.address}: `watermark` is for tables of a database.")
        get = partial(_postgresql, watermark=watermark, after=after)
    store = folder / ".cache"
    store.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=store) as there:
        with sources.announced(f"fetching {file.address}"):
            arrived = get(address, file, Path(there))
        kept = _kept(file, folder, f"{'new-' * bool(after)}{arrived.name}")
        note = _note(file.address, arrived, None if after else kept)
        if watermark:
            note = f"{note.rstrip('.')}; {reached(arrived).in_words(watermark)}."
        files.move_in(arrived, kept)
    kept.chmod(0o600)
    print(f"  {note}", file=sys.stderr, flush=True)
    return kept, [note]


def rows_of(file: Readable, folder: Path) -> Path:
    """Where the rows of a database's table are that `fetch` got last, all of them."""
    return _kept(file, folder, "rows.parquet")


def reached(path: Path) -> Reached:
    """How far the table had come, of rows that `fetch` got with a `watermark`."""
    facts = pa.parquet.read_schema(path).metadata[_REACHED]
    return Reached(**json.loads(facts))


def _kept(file: Readable, folder: Path, name: str) -> Path:
    key = hashlib.sha256(f"{file.address} {file.table} {file.query}".encode()).hexdigest()[:12]
    return folder / ".cache" / f"{key}-{name}"


def _note(address: str, arrived: Path, kept: Path | None) -> str:
    at = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    note = f"{address}: fetched at {at}, {arrived.stat().st_size:,} bytes"
    if kept is None:
        return f"{note}, new and changed rows alone."
    if not kept.is_file():
        return f"{note}, for the first time."
    before = f"{datetime.fromtimestamp(kept.stat().st_mtime, UTC):%Y-%m-%d %H:%M} UTC"
    same = sources.sha256(arrived) == sources.sha256(kept)
    return f"{note}, {'unchanged' if same else 'CHANGED'} since {before}."


def expanded(address: str) -> str:
    """The address with the variables of the environment that it names.

    Raises SourceError for one that is not set.

    Examples
    --------
    >>> expanded("sc://127.0.0.1:15002")
    'sc://127.0.0.1:15002'
    """
    whole = VARIABLE.fullmatch(address)

    def value(found: re.Match[str]) -> str:
        if (given := os.environ.get(found[1])) is None:
            raise SourceError(
                f"{address}: the environment has no {found[1]}. Set it and try again."
            )
        return given if whole else quote(given, safe="")

    return VARIABLE.sub(value, address)


# Databases


def postgresql(address: str) -> tuple[Any, Callable[[Exception], str]]:
    """A connection to a PostgreSQL server, and what its errors say, without the password.

    Parameters
    ----------
    address : as study.yaml names it; user and password come from the environment, .pgpass or the
        keyring

    Raises
    ------
    SourceError : the driver is not installed, or the server lets nobody in; no password is in it
    """
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError:
        raise SourceError(
            f"{address}: reading databases needs `pip install 'cxlib[databases]'`."
        ) from None
    url = _with_password(expanded(address), address)
    secret = urlsplit(url).password

    def said(error: Exception) -> str:
        why = in_words(error)
        return f"{address}: {why.replace(secret, '***') if secret else why}"

    try:
        return dbapi.connect(url), said
    except Exception as error:  # the driver raises many kinds
        raise SourceError(said(error)) from None


def in_words(error: Exception) -> str:
    """What an error of PostgreSQL's driver says, without the statement, and what to do.

    Examples
    --------
    >>> in_words(OSError("IO: ERROR:  permission denied for table orders SQLSTATE: 42501"))
    'permission denied for table orders. Ask its owner to grant SELECT to your user.'
    """
    said, _, state = " ".join(str(error).split()).partition(" SQLSTATE: ")
    said = re.sub(rf"^.*?\b(ERROR|FATAL): +|{UNSAID}", "", said).strip(" .")[:300]
    state = "57P" if LOST.search(said) else getattr(error, "sqlstate", None) or state
    remedies = [remedy for start, remedy in REMEDIES.items() if state.startswith(start)]
    return f"{said}. {remedies[0] if remedies else SERVER}"


def quoted(table: str) -> str:
    """The name of a table of a database, with its schema, as SQL takes it.

    Examples
    --------
    >>> quoted("shop.answers")
    '"shop"."answers"'
    """
    return ".".join('"' + part.replace('"', '""') + '"' for part in table.split("."))


def _postgresql(
    address: str, file: Readable, folder: Path, *, watermark: str = "", after: str = ""
) -> Path:
    if not (file.table or file.query):
        raise SourceError(f"{file.address}: say which `table:`, or write a `query:`.")
    query = file.query.strip().rstrip(";") or f"select * from {quoted(file.table)}"
    asked, facts = f"from ({query}\n) as asked", {}
    opened, said = postgresql(file.address)
    try:
        with opened as connection, connection.cursor() as cursor:
            cursor.execute(SNAPSHOT)
            if watermark:
                facts[_REACHED] = json.dumps(asdict(_reached(cursor, file, asked, watermark)))
            at_or_above = f" where {sql.name(watermark)} >= {sql.text(after)}" if after else ""
            cursor.execute(f"select * {asked}{at_or_above}")
            table = cursor.fetch_arrow_table()
    except SourceError:
        raise
    except Exception as error:  # the driver raises many kinds
        raise SourceError(said(error)) from None
    target = folder / "rows.parquet"
    pa.parquet.write_table(_with_numbers(table).replace_schema_metadata(facts), target)
    return target


def _reached(cursor: Any, file: Readable, asked: str, watermark: str) -> Reached:
    """How far the table has come; SourceError where the watermark could miss rows."""
    column, where = sql.name(watermark), f"{file.address}, {file.table or 'query'}"
    cursor.execute("set local datestyle to 'ISO'")
    cursor.execute(
        f"select count(*) as n, count({column}) as filled, max({column})::text as highest {asked}"
    )
    [found] = cursor.fetch_arrow_table().to_pylist()
    if empty := found["n"] - found["filled"]:
        raise SourceError(
            f"{where}: {watermark} is empty in {empty:,} of {found['n']:,} rows, and new rows "
            "without it would never be read. Fill it there, or give a `query` that does, such as "
            f"select *, coalesce({watermark}, created_at) as changed_at from ..., and take "
            "changed_at for `watermark`."
        )
    highest = found["highest"] or ""
    if highest.casefold() in NO_HIGHEST:
        raise SourceError(
            f"{where}: the highest {watermark} is {highest}, above which no row can come. Leave "
            "such rows out by a `query`, or take another column for `watermark`."
        )
    return Reached(found["n"], highest)


def _with_password(address: str, named: str) -> str:
    """The address with the password that belongs to its host.

    Only a host that the user named, in the environment or a keyring, is sent a password.
    """
    url = urlsplit(address)
    host, port = url.hostname or "", f":{url.port}" if url.port else ""
    by_study = bool(urlsplit(named).hostname) and not VARIABLE.search(
        urlsplit(named).netloc.split("@")[-1]
    )
    secret = VARIABLE.search(named) or (os.environ.get("PGPASSWORD") and not url.password)
    if host not in LOCAL and by_study and secret and os.environ.get("PGHOST") != host:
        raise SourceError(
            f"{named}: a password of the environment would go to {host}, which only study.yaml "
            f"names. If you trust it, set PGHOST={host} beside PGPASSWORD."
        )
    user = url.username or os.environ.get("PGUSER", "")
    if secret or url.password or not (user and host):
        return address
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return address
    try:
        password = keyring.get_password(host, user)
    except KeyringError:  # this machine has no keyring: the server may want no password
        return address
    netloc = (
        f"{quote(user, safe='')}:{quote(password, safe='')}@{host}{port}"
        if password
        else url.netloc
    )
    return urlunsplit(url._replace(netloc=netloc))


def _with_numbers(table: pa.Table) -> pa.Table:
    """The table with NUMERIC, which the driver gives as text, as numbers where they are exact."""
    for i, field in enumerate(table.schema):
        kind = (field.metadata or {}).get(b"ADBC:postgresql:typname", b"")
        if kind != b"numeric":
            continue
        column = table[i].cast(pa.string())
        table = table.set_column(i, field.name, column)
        digits = pc.utf8_length(pc.replace_substring_regex(column, r"[^0-9]|^-?0\.?0*", ""))
        if (pc.max(digits).as_py() or 0) <= EXACT:
            table = table.set_column(i, field.name, pc.cast(column, pa.float64()))
    return table.replace_schema_metadata(None)


# The web and survey platforms


def _web(address: str, file: Readable, folder: Path) -> Path:
    return sources.download(address, folder, file.address)


def _qualtrics(address: str, file: Readable, folder: Path) -> Path:
    return platforms.qualtrics(address.partition(":")[2], folder)


def _limesurvey(address: str, file: Readable, folder: Path) -> Path:
    return platforms.limesurvey(address.partition(":")[2], folder)


GETTERS: dict[str, Getter] = {
    "postgresql": _postgresql,
    "postgres": _postgresql,
    "https": _web,
    "http": _web,
    "qualtrics": _qualtrics,
    "limesurvey": _limesurvey,
}
