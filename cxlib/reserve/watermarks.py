"""New and changed rows of a database's table, by a column that each change sets higher.

    news = fetched(study, "orders", mark)        # what came since the mark
    places, mark = replace_rows(store, found, news)    # rows of a key that was there go
    write(store, "orders", mark)
    compare(store, study, "orders", news)        # with the number of rows on the server

For tables with a `watermark` in study.yaml. A mark says how far the rows of the reserve go; it is
in the reserve itself, so that whatever interrupts a load, the next one begins where the rows end.
Rows at the highest value are read again, since others may have come with the same value; those that
are the same in every cell are known by a hash and dropped. What was set aside of a row is set aside
until the row is read again, for which the mark holds its key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from cxlib.data import contract, live, sql
from cxlib.data.intake import Intake, conversion
from cxlib.data.intake.raw import Raw, from_arrow, numbered
from cxlib.data.mapping import Mapping as TableMapping
from cxlib.data.sources import SourceError
from cxlib.data.study import Study

TABLE = "_watermarks"
MOST_TIES = 100_000  # rows at the highest value of which a hash is kept; of more, none is


@dataclass(frozen=True)
class Mark:
    """How far a table in the reserve goes.

    Attributes
    ----------
    highest : the highest watermark of its rows, as the server writes it
    read : rows that were read since the last full load, each as often as it was read
    ties : hashes of the rows at the highest value, as the server gave them
    aside : rows in the quarantine (their numbers), by key
    """

    highest: str
    read: int
    ties: list[str]
    aside: dict[str, list[int]]


@dataclass(frozen=True)
class News:
    """What a server has beyond a mark.

    Attributes
    ----------
    raw : the rows, numbered on from those that were read before; None where nothing is new
    keys : their keys, under our names
    mark : how far the table has come, these rows included
    rows : rows of the whole table on the server
    note : when and from where they were fetched
    """

    raw: Raw | None
    keys: pd.DataFrame
    mark: Mark
    rows: int
    note: str


def marks(study: Study, taken: Mapping[str, Intake]) -> pd.DataFrame:
    """The marks of tables that were read in full, as the reserve holds them: table, mark.

    Raises SourceError where another process has fetched the table since.
    """
    lines = []
    for name, mapping in _marked(study).items():
        if name not in taken:
            continue
        path = live.rows_of(mapping.files[0], study.folder)
        rows, reached = pa.parquet.read_table(path), live.reached(path)
        if not any(reached.in_words(mapping.watermark) in note for note in taken[name].notes):
            raise SourceError(
                f"{study.name}: {name} was fetched by another process while it was loaded. Load "
                "again when that is done; the reserve there is stays as it is."
            )
        keys = _keys(name, mapping, rows)
        mark = Mark(
            reached.highest,
            len(rows),
            _hashes(rows.filter(_at(rows, mapping.watermark, reached.highest, "max"))),
            _aside(taken[name], keys.set_axis(range(1, len(rows) + 1))),
        )
        lines.append((name, json.dumps(asdict(mark))))
    return pd.DataFrame(lines, columns=["table", "mark"], dtype="string")


def read(store: duckdb.DuckDBPyConnection, study: Study) -> dict[str, Mark]:
    """The marks of the study's tables in an opened reserve; of a table that has none, none."""
    there = store.execute("select 1 from duckdb_tables() where table_name = ?", [TABLE]).fetchall()
    if not there:
        return {}
    found = store.execute(f'select "table", mark from {TABLE}').fetchall()
    return {name: Mark(**json.loads(mark)) for name, mark in found if name in _marked(study)}


def write(store: duckdb.DuckDBPyConnection, name: str, mark: Mark) -> None:
    """Keep a mark in the reserve."""
    update = f'update {TABLE} set mark = ? where "table" = ?'
    store.execute(update, [json.dumps(asdict(mark)), name]).fetchall()


def fetched(study: Study, name: str, mark: Mark) -> News:
    """The rows of a table at or above its mark, without those that are loaded already.

    Raises SourceError where the server cannot be asked, or has no row as high as the mark.
    """
    mapping = study.tables[name]
    file, column = mapping.files[0], mapping.watermark
    path, [note] = live.fetch(file, study.folder, watermark=column, after=mark.highest)
    rows, reached = pa.parquet.read_table(path), live.reached(path)
    if mark.highest and not len(rows):
        raise SourceError(
            f"{study.name}: {name} has no row any more whose {column} is {mark.highest} or "
            f"higher, as the last load had. {_in_full(study, column)}"
        )
    ties = _hashes(rows.filter(_at(rows, column, reached.highest, "max")))
    rows = _without(rows, _at(rows, column, mark.highest, "min"), {*mark.ties})
    numbers = pd.RangeIndex(mark.read + 1, mark.read + len(rows) + 1)
    keys = _keys(name, mapping, rows).set_axis(numbers)
    raw = numbered(from_arrow(rows))
    raw.frame.index = numbers.rename("row")
    after = Mark(reached.highest, mark.read + len(rows), ties, mark.aside)
    return News(raw if len(rows) else None, keys, after, reached.rows, note)


def replace_rows(
    store: duckdb.DuckDBPyConnection, found: Intake, news: News
) -> tuple[pd.Series, Mark]:
    """Take out of the reserve what it knows of rows that were read again.

    Returns
    -------
    The place that each of `found.rows` had in its table, missing for new ones; and the mark with
    the keys of what is in the quarantine now.
    """
    key, table = list(contract.TABLES[found.name].key), sql.name(found.name)
    store.register("_read", pa.Table.from_pandas(news.keys.dropna(), preserve_index=False))
    again = f"from {table} semi join _read using ({sql.names(key)})"
    old = store.execute(f"select {sql.names(key)}, {sql.ROW} {again}").df()
    store.execute(f"delete from {table} where {sql.ROW} in (select {sql.ROW} {again})").fetchall()
    store.unregister("_read")
    aside = dict(news.mark.aside)
    gone = [n for text in _texts(news.keys.dropna()) for n in aside.pop(text, ())]
    out = 'delete from _quarantine where "table" = ? and "row" in (select unnest(?::bigint[]))'
    store.execute(out, [found.name, gone]).fetchall()
    aside |= _aside(found, news.keys)
    place = found.rows[key].astype("string").merge(old.astype({k: "string" for k in key}), "left")
    return place[sql.ROW], replace(news.mark, aside=aside)


def compare(store: duckdb.DuckDBPyConnection, study: Study, name: str, news: News) -> None:
    """Raise SourceError where the reserve has another number of rows than the server."""
    [offered] = sql.first(store, 'select offered from _tables where "table" = ?', [name])
    if offered != news.rows:
        raise SourceError(
            f"{study.name}: {name} has {news.rows:,} rows on the server, and with its new rows the "
            f"reserve would have {offered:,}. {_in_full(study, study.tables[name].watermark)}"
        )


def _in_full(study: Study, column: str) -> str:
    return (
        f"Rows were deleted there, or came in with a {column} below the highest of the last load, "
        f"which `watermark` cannot see. Run `cx load {study.name} --full`; the reserve there is "
        "stays as it is."
    )


def _marked(study: Study) -> dict[str, TableMapping]:
    return {name: mapping for name, mapping in study.tables.items() if mapping.watermark}


def _keys(name: str, mapping: TableMapping, rows: pa.Table) -> pd.DataFrame:
    """The keys of rows of the database, as the intake writes them."""
    theirs = {key: mapping.column_of_database(key) for key in contract.TABLES[name].key}
    frame = from_arrow(rows.select([*theirs.values()]))
    return pd.DataFrame({key: conversion.text(frame[column]) for key, column in theirs.items()})


def _aside(found: Intake, keys: pd.DataFrame) -> dict[str, list[int]]:
    """The rows in the quarantine by key; those without one cannot be found again."""
    rows = found.quarantine["row"].astype(int).unique()
    set_aside: dict[str, list[int]] = {}
    named = keys.loc[rows].dropna()
    for text, row in zip(_texts(named), named.index, strict=True):
        set_aside.setdefault(text, []).append(int(row))
    return set_aside


def _texts(keys: pd.DataFrame) -> Iterable[str]:
    return (json.dumps(list(key), ensure_ascii=False) for key in keys.itertuples(index=False))


def _at(rows: pa.Table, column: str, value: str, end: str) -> pa.Array:
    """Whether each row is at an end ("min" or "max") of a column, whose value the server has said.

    Text has another order there than here, and is compared with the value.
    """
    cells = rows[column]
    text = pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)
    return pc.fill_null(pc.equal(cells, value if text else pc.min_max(cells)[end]), False)


def _without(rows: pa.Table, lowest: pa.Array, ties: set[str]) -> pa.Table:
    """Without rows of these hashes, which can stand only at the lowest value."""
    known = iter(_hashes(rows.filter(lowest), most=len(rows)))
    keep = [not (low and next(known) in ties) for low in lowest.to_pylist()]
    return rows.filter(pa.array(keep, pa.bool_()))


def _hashes(rows: pa.Table, most: int = MOST_TIES) -> list[str]:
    """A hash of each row's cells; none where there are more than `most`."""
    if len(rows) > most:
        return []
    cells = zip(*(column.to_pylist() for column in rows.columns), strict=True)
    return [hashlib.sha256(repr(row).encode()).hexdigest()[:16] for row in cells]
