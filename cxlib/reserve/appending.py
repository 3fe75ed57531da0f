"""Rows added to a reserve from what is new alone: a day more of ten million rows takes seconds.

    added = appending.new_files(study, digests)     # {"orders": [File(...)]}, or None: load it all
    counts, taken = appending.add(study, added, digests)

For tables that only grow (`grows: true` in study.yaml), when nothing else has changed since the
load. The new rows are held to the contract as ever; what is known of old rows stays. A row whose
key is there already is a duplicate and goes to the quarantine, as it does when all is read, so that
a file that is sent again adds nothing and late rows come in whatever their date. Of a database's
table with a `watermark` the rows at or above it are new or changed, and replace those of their key
(`watermarks`). The old reserve is copied, and the copy swapped in whole.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from cxlib.data import contract, sql
from cxlib.data import intake as intake_
from cxlib.data.intake import Intake, IntakeError, waves
from cxlib.data.intake.spelling import folded, grouping
from cxlib.data.mapping import File
from cxlib.data.study import Study
from cxlib.reserve import store, watermarks
from cxlib.reserve.watermarks import News

THERE = "have a key that is loaded already, and are quarantined."
REPLACED = "have a key that is loaded already, and take the place of those rows."
OF_ALL_ROWS = ("few_rows", "one_date", "single_date", "no_answers", "constant_answers", "copy")
# Warnings that are true of all rows of a table, or not at all: new rows alone do not tell.
COUNTS = ("offered", "kept", "quarantined", "cells", "left_out")


def new_files(study: Study, digests: Mapping[str, str]) -> dict[str, list[File]] | None:
    """The new files of tables that grow, and the tables of databases whose new rows are to be read.

    None where the study must be loaded whole.

    Parameters
    ----------
    digests : of study.yaml and of the files that are there now, as `store.digests` gives them
    """
    growing = {name: m for name, m in study.tables.items() if m.grows}
    marked = {name: m.files for name, m in study.tables.items() if m.watermark}
    files = [f for n, m in study.tables.items() if n not in marked for f in m.files]
    live = any(f.address for file in files for f in (file, *file.join))
    if not (growing or marked) or live or not study.reserve_path.is_file():
        return None
    made = store.facts(study.reserve_path)
    old, now = made["files"], {n: d for n, d in digests.items() if n != store.STUDY}
    if made.get("made_by") != store.MADE_BY or made["study"] != digests[store.STUDY]:
        return None
    if any(now.get(name) != digest for name, digest in old.items()):
        return None  # a file has changed or is gone
    fresh = now.keys() - old.keys()
    added = {n: [f for f in m.files if f.file in fresh] for n, m in growing.items()}
    added = {name: files for name, files in added.items() if files}
    known = {file.file for files in added.values() for file in files}
    return added | marked if known == fresh else None


def add(
    study: Study, added: Mapping[str, list[File]], digests: Mapping[str, str]
) -> dict[str, Intake] | None:
    """The reserve with the rows that are new; what was taken in, without rows known already.

    None, and the reserve as it was, where a column of the new rows is of another kind or has
    another offset from UTC or currency, or the reserve has no mark of a table with a watermark, or
    an open question that new rows may answer. Raises SourceError where rows of such a table were
    deleted.
    """
    taken: dict[str, Intake] = {}
    made = store.facts(study.reserve_path)
    with store.connect(study.reserve_path) as opened:
        marks = watermarks.read(opened, study)
        if added.keys() & _asked_of_all(opened):
            return None
    if any(study.tables[name].watermark and name not in marks for name in added):
        return None
    news = {name: watermarks.fetched(study, name, marks[name]) for name in added if name in marks}
    with store.new_file(study) as new:
        shutil.copyfile(study.reserve_path, new)
        with sql.connect(new) as opened:
            for name in (n for n in contract.TABLES if n in added):
                fresh = news.get(name)
                if fresh and fresh.raw is None:
                    watermarks.compare(opened, study, name, fresh)
                    continue
                seen = made.get("headers", {}).get(name, ())
                found = _taken(study, name, added[name], opened, fresh, seen)
                if _of_another_kind(made, found) or not _fits(opened, found):
                    return None
                if _other_spelling(opened, study, found):
                    return None
                if "wave" in found.rows and not waves.are_periods(found.rows["wave"]):
                    return None  # the order of other names is found from all rows
                taken[name] = _replaced(opened, found, fresh) if fresh else _insert(opened, found)
            if not taken:
                return {}
            _note(opened, taken, digests)
            for name in taken.keys() & news.keys():
                _recount(opened, name, news[name])
                watermarks.compare(opened, study, name, news[name])
            opened.execute("force checkpoint")
            counts = opened.execute('select "table", kept from _tables').fetchall()
        store.swap_in(study, new, dict(counts))
    return taken


def known(note: str) -> bool:
    """Whether a note counts rows whose key was loaded already."""
    return THERE in note or REPLACED in note


def _taken(
    study: Study,
    name: str,
    files: list[File],
    opened: duckdb.DuckDBPyConnection,
    news: News | None,
    seen: Sequence[str],
) -> Intake:
    """The new rows, held to the contract; ids that they refer to are looked up."""
    mapping = study.tables[name].model_copy(update={"files": files})
    part = study.model_copy(update={"tables": {**study.tables, name: mapping}})
    referred = {c.refers for c in contract.TABLES[name].columns.values() if c.refers}
    others = {}
    for table in referred & study.tables.keys() - {name}:
        key = sql.names(contract.TABLES[table].key)
        others[table] = opened.execute(f"select {key} from {sql.name(table)}").df()
    if news:
        return store.with_stored_names(
            part, name, intake_.table(part, name, others=others, read=news.raw)
        )
    there = partial(_known, opened, name)
    found = intake_.table(part, name, others=others, known=there, seen=seen)
    again = int((found.quarantine["rule"] == "duplicate_keys").sum())
    if found.quarantined > again and not len(found.rows):
        names = ", ".join(file.file for file in files)
        raise IntakeError(f"{name}: none of the {found.offered:,} rows of {names} is sound.")
    notes = [f"{name}: {again:,} row(s) of new files {THERE}"] * bool(again)
    warnings = found.warnings[~found.warnings["rule"].isin(OF_ALL_ROWS)]
    found = replace(found, warnings=warnings, notes=(*found.notes, *notes))
    return store.with_stored_names(part, name, found)


def _asked_of_all(opened: duckdb.DuckDBPyConnection) -> set[str]:
    """The tables with an open question that counts all of their rows, which more may change."""
    rules = "'one_date', 'several_currencies', 'other_than_stated', 'mixed_offsets'"
    asked = f'select "table" from _warnings where rule in ({rules})'
    return {table for (table,) in opened.execute(asked).fetchall()}


def _known(opened: duckdb.DuckDBPyConnection, name: str, keys: pd.DataFrame) -> pd.Index:
    """The labels of the rows whose key is in the reserve."""
    with_place = keys.assign(**{sql.ROW: range(len(keys))})
    opened.register("_incoming", pa.Table.from_pandas(with_place, preserve_index=False))
    query = f"select {sql.ROW} from _incoming semi join {sql.name(name)} using "
    known = opened.execute(f"{query}({sql.names(list(keys))})").df()[sql.ROW]
    opened.unregister("_incoming")
    return keys.index[np.sort(known.to_numpy())]


def _of_another_kind(made: Mapping[str, Any], found: Intake) -> bool:
    """Whether new rows have an offset from UTC or a currency that no row has in the reserve."""
    return any(
        sizes.keys() - made.get(fact, {}).get(found.name, {}).get(column, {})
        for fact, new in (("offsets", found.offsets), ("currencies", found.currencies))
        for column, sizes in new.items()
    )


def _other_spelling(opened: duckdb.DuckDBPyConnection, study: Study, found: Intake) -> bool:
    """Whether new rows have a group that is there in another spelling."""
    for column in grouping(study, found.name, found.rows):
        name = sql.name(column)
        asked = f"select distinct {name} from {sql.name(found.name)} where {name} is not null"
        known = {value for (value,) in opened.execute(asked).fetchall()}
        new = {*found.rows[column].dropna()} - known
        if {folded(str(v)) for v in new} & {folded(str(v)) for v in known}:
            return True
    return False


def _fits(opened: duckdb.DuckDBPyConnection, found: Intake) -> bool:
    """Whether the rows have the columns of the table, and can have the types of all its rows."""
    there = dict(_types(opened, sql.name(found.name)))
    opened.register("_incoming", pa.Table.from_pandas(found.rows, preserve_index=False))
    mine = dict(_types(opened, "_incoming"))
    opened.unregister("_incoming")
    there.pop(sql.ROW, None)
    return mine.keys() == there.keys() and all(
        kind == mine[c] or (kind, mine[c]) == ("DOUBLE", "BIGINT") or found.rows[c].isna().all()
        for c, kind in there.items()
    )


def _types(opened: duckdb.DuckDBPyConnection, table: str) -> list[tuple[str, str]]:
    return [(name, kind) for name, kind, *_ in opened.execute(f"describe {table}").fetchall()]


def _insert(
    opened: duckdb.DuckDBPyConnection, found: Intake, places: pd.Series | None = None
) -> Intake:
    """Add the rows: at `places` where these are known, the others after all that there are."""
    table = sql.name(found.name)
    [after] = sql.first(opened, f"select coalesce(max({sql.ROW}), -1) + 1 from {table}")
    at = pd.Series(pd.NA, found.rows.index, "Int64") if places is None else places.astype("Int64")
    after = max(after, int(at.max()) + 1) if at.notna().any() else after
    at = at.fillna(after + at.isna().cumsum() - 1)
    rows = pa.Table.from_pandas(found.rows, preserve_index=False)
    _append(opened, found.name, rows.append_column(sql.ROW, pa.array(at, pa.int64())))
    return found


def _replaced(opened: duckdb.DuckDBPyConnection, found: Intake, news: News) -> Intake:
    """Rows that were read again take the place of those of their key."""
    places, mark = watermarks.replace_rows(opened, found, news)
    watermarks.write(opened, found.name, mark)
    found = _insert(opened, found, places)
    if not (again := int(places.notna().sum())):
        return found
    return replace(found, notes=(*found.notes, f"{found.name}: {again:,} row(s) {REPLACED}"))


def _recount(opened: duckdb.DuckDBPyConnection, table: str, news: News) -> None:
    """The counts of a table of which rows were replaced, and when it was fetched."""
    counted = (
        "select count(distinct row) filter (lost = 'row'), count(*) filter (lost = 'cell') "
        'from _quarantine where "table" = ?'
    )
    quarantined, cells = sql.first(opened, counted, [table])
    [kept] = sql.first(opened, f"select count(*) from {sql.name(table)}")
    old, sha256 = sql.first(opened, 'select notes, sha256 from _tables where "table" = ?', [table])
    start = news.note.split(" at ")[0]  # ADDRESS: fetched
    notes = [n for n in json.loads(old) if not n.startswith(start) and REPLACED not in n]
    written = json.dumps([news.note, *notes], ensure_ascii=False)
    content = store.digest([sha256, news.mark.read])  # rows may only have gone to the quarantine
    line = [kept + quarantined, kept, quarantined, cells, written, content]
    sets = "offered = ?, kept = ?, quarantined = ?, cells = ?, notes = ?, sha256 = ?"
    opened.execute(f'update _tables set {sets} where "table" = ?', [*line, table]).fetchall()
    _count_losses(opened, table, quarantined, kept + quarantined)


def _append(opened: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    opened.register("_incoming", rows)
    opened.execute(f"insert into {sql.name(table)} by name select * from _incoming").fetchall()
    opened.unregister("_incoming")


def _note(
    opened: duckdb.DuckDBPyConnection, taken: dict[str, Intake], digests: Mapping[str, str]
) -> None:
    """What is known of the tables, with what the new files add to it."""
    checks = store.checks_of(taken)
    for name in ("_quarantine", "_warnings"):
        _append(opened, name, pa.Table.from_pandas(checks[name], preserve_index=False))
    # The same warning of old and new rows is one.
    opened.execute(
        'create or replace table _warnings as select "table", "column", '
        'sum("rows")::bigint as "rows", rule, params from _warnings group by all '
        "order by min(rowid)"
    ).fetchall()
    for new in store.counts_of(taken).to_dict("records"):
        table = new.pop("table")
        old = opened.execute('select * from _tables where "table" = ?', [table]).df().iloc[0]
        notes = dict.fromkeys([*json.loads(old["notes"]), *json.loads(new["notes"])])
        line: dict[str, Any] = {c: int(old[c] + new[c]) for c in COUNTS}
        line["sha256"] = store.digest([old["sha256"], new["sha256"]]) if new["kept"] else old.sha256
        line["notes"] = json.dumps(list(notes), ensure_ascii=False)
        sets = ", ".join(f"{sql.name(c)} = ?" for c in line)
        update = f'update _tables set {sets} where "table" = ?'
        opened.execute(update, [*line.values(), table]).fetchall()
        _count_losses(opened, table, line["quarantined"], line["offered"])
    facts = json.loads(sql.first(opened, "select facts from _study")[0])
    files = {name: digest for name, digest in digests.items() if name != store.STUDY}
    headers = facts.get("headers", {})
    headers |= {n: sorted({*headers.get(n, ()), *i.headers}) for n, i in taken.items()}
    facts |= {"files": files, "made_at": store.now(), "headers": headers}
    written = json.dumps(facts, ensure_ascii=False)
    opened.execute("update _study set facts = ?", [written]).fetchall()


def _count_losses(
    opened: duckdb.DuckDBPyConnection, table: str, quarantined: int, offered: int
) -> None:
    """What the quarantine costs the table, counted again (see `Intake.losses`)."""
    lines: list[tuple[Any, ...]] = [("", "row", quarantined, offered)] if quarantined else []
    cells = opened.execute(
        'select "column", count(*) from _quarantine where "table" = ? and lost = \'cell\' '
        "group by 1 order by 2 desc, 1",
        [table],
    ).fetchall()
    for column, n in cells:
        [left] = sql.first(opened, f"select count({sql.name(column)}) from {sql.name(table)}")
        lines.append((column, "cell", n, n + left))
    opened.execute('delete from _losses where "table" = ?', [table]).fetchall()
    for line in lines:
        insert = 'insert into _losses ("table", "column", lost, n, "of") values (?, ?, ?, ?, ?)'
        opened.execute(insert, [table, *line]).fetchall()
