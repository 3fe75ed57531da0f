"""The store on disk: built beside the old one, swapped in whole, one builder at a time.

A DuckDB file holds the tables of a study, what was quarantined, and a fingerprint of everything it
was made from. It holds personal data: only its owner may read it, also while it is being built. It
is never changed: loading makes another and puts it in its place with one rename, so that a crash at
any moment leaves the old one whole and readers are not disturbed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from cxlib.core.files import held, move_in
from cxlib.data import sources, sql
from cxlib.data.intake import Intake, IntakeError
from cxlib.data.study import Study
from cxlib.reserve import watermarks

MADE_BY = 8  # raise it when the way of the files into the store changes: older stores are rebuilt
STUDY = "study.yaml"
BESIDE = ("topics.yaml", "coding.csv")  # kept beside it by people; pages of comments use them
JOINED = "_responses"  # the answers with the attributes of their customers
OWN = ("_quarantine", "_losses", "_warnings", "_tables", "_study")


class ReserveError(RuntimeError):
    """The reserve cannot do what was asked; the message says why and what to do."""


class NotWritten(OSError):
    """The reserve could not be written whole, as on a full disk; the old one is untouched."""

    exit_code = 3


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection; ReserveError when the file is broken."""
    try:
        return sql.connect(path, read_only=True)
    except duckdb.Error as error:
        raise ReserveError(
            f"{path.name} of {path.parent.name} cannot be opened ({error}). Delete it and run "
            f"`cx load {path.parent.name}`."
        ) from error


def build(study: Study, taken: dict[str, Intake], files: dict[str, str]) -> pd.DataFrame:
    """Write the tables to a new file, check it, and swap it in; returns the counts by table.

    Parameters
    ----------
    study : whose reserve it is
    taken : tables by name, as the intake hands them on
    files : `digests` of the files that they were read from

    Raises
    ------
    NotWritten : the file cannot be written, or does not hold every row (a full disk)
    IntakeError : two questions of study.yaml have names that the reserve cannot hold apart

    Whatever is raised, the old reserve stays as it was and nothing of the new one is left.
    """
    taken = {name: with_stored_names(study, name, intake) for name, intake in taken.items()}
    counts = counts_of(taken)
    content = _content(taken) | {"_study": _made_from(study, taken, files), "_tables": counts}
    content[watermarks.TABLE] = watermarks.marks(study, taken)
    with new_file(study) as new:
        with sql.connect(new) as store:
            _fill(store, content, taken)
            # Else rows may stay in the write-ahead log, which the swap leaves behind.
            store.execute("force checkpoint")
        swap_in(study, new, {name: len(rows) for name, rows in content.items()})
    return counts


@contextmanager
def new_file(study: Study) -> Iterator[Path]:
    """Where another reserve of the study may be written; nothing of it is left afterwards.

    Raises NotWritten where that fails, as on a full disk.
    """
    place = study.reserve_path.with_name("reserve.duckdb.new")
    _remove(place)
    try:
        # with the log that DuckDB writes next to it, open to its owner only
        place.mkdir(mode=0o700)
        yield place / study.reserve_path.name
    except (duckdb.Error, OSError) as error:
        raise NotWritten(
            f"the reserve of {study.name} cannot be written ({error}). Make room in {place.parent} "
            "and run the same command again; the reserve that was there is untouched."
        ) from error
    finally:
        _remove(place)


def swap_in(study: Study, new: Path, expected: dict[str, int]) -> None:
    """Put a reserve that was written in the place of the study's; OSError when rows are missing."""
    _verify(new, expected)
    new.chmod(0o600)
    move_in(new, study.reserve_path)


def in_memory(study: Study, taken: dict[str, Intake]) -> duckdb.DuckDBPyConnection:
    """The tables in a store that is not written, to ask it what the files would allow."""
    taken = {name: with_stored_names(study, name, intake) for name, intake in taken.items()}
    store = sql.connect()
    _fill(store, _content(taken) | {"_tables": counts_of(taken)}, taken)
    return store


def _content(taken: dict[str, Intake]) -> dict[str, pd.DataFrame]:
    return {name: intake.rows for name, intake in taken.items()} | checks_of(taken)


def checks_of(taken: dict[str, Intake]) -> dict[str, pd.DataFrame]:
    """What the checks of the tables left: what was set aside, what that costs, and warnings."""
    return {
        "_quarantine": _text(pd.concat([i.quarantine for i in taken.values()])),
        "_losses": _text(pd.concat([i.losses for i in taken.values()])),
        "_warnings": _text(pd.concat([i.warnings for i in taken.values()])),
    }


def _fill(
    store: duckdb.DuckDBPyConnection, content: dict[str, pd.DataFrame], taken: dict[str, Intake]
) -> None:
    for name, rows in content.items():
        _write(store, name, rows)
    _join_customers(store, taken)


def _remove(place: Path) -> None:
    """Remove a folder in which a reserve was being built, or the file of an older version."""
    shutil.rmtree(place, ignore_errors=True)
    for left_over in (place, place.with_name(place.name + ".wal")):
        with suppress(OSError):
            left_over.unlink(missing_ok=True)


def _verify(path: Path, expected: dict[str, int]) -> None:
    """Read the closed file and count every table. Raises OSError when rows are not in it."""
    log = path.with_name(path.name + ".wal")
    if log.exists() and log.stat().st_size:
        raise OSError("rows are left in the write-ahead log")
    with sql.connect(path, read_only=True) as store:
        there = {
            row[0] for row in store.execute("select table_name from duckdb_tables()").fetchall()
        }
        for table, rows in expected.items():
            if table not in there:
                raise OSError(f"the table {table} is not in the file")
            [found] = sql.first(store, f"select count(*) from {sql.name(table)}")
            if found != rows:
                raise OSError(f"{table} holds {found:,} of {rows:,} rows")


def with_stored_names(study: Study, table: str, intake: Intake) -> Intake:
    """The intake with the names of columns that the reserve can hold; a note says which changed."""
    stored = sql.distinct(intake.rows)
    changed = {old: new for old, new in stored.items() if old != new}
    if not changed:
        return intake
    if items := [old for old in changed if old in study.items]:
        raise IntakeError(
            f"{table}: the reserve cannot hold the question {items[0]!r} under this name: another "
            "column differs from it only in the case of letters. Rename it in study.yaml."
        )
    notes = [f"{table}: column {old!r} is stored as {new!r}" for old, new in changed.items()]
    return replace(
        intake,
        rows=intake.rows.set_axis(list(stored.values()), axis=1),
        notes=(*intake.notes, *notes),
    )


def _write(store: duckdb.DuckDBPyConnection, name: str, rows: pd.DataFrame) -> None:
    table = pa.Table.from_pandas(rows, preserve_index=False)
    if not name.startswith("_"):
        table = table.append_column(sql.ROW, pa.array(range(len(rows)), pa.int64()))
    store.register("_incoming", table)
    store.execute(f"create table {sql.name(name)} as select * from _incoming").fetchall()
    store.unregister("_incoming")


def _join_customers(store: duckdb.DuckDBPyConnection, taken: dict[str, Intake]) -> None:
    """The view `_responses`, where it is known whose answers they are."""
    if joined := _with_customers(taken):
        store.execute(f"create view {JOINED} as {joined}")


def _with_customers(taken: dict[str, Intake]) -> str:
    """The statement that gives each questionnaire with the attributes of who answered it.

    Dates of joining and leaving stay out: what a customer did later is no attribute of an answer.
    """
    if not {"customers", "responses"} <= set(taken):
        return ""
    if "customer_id" not in taken["responses"].rows:  # nobody knows whose answers they are
        return ""
    own = {sql.fold(c) for c in taken["responses"].rows} | {"customer_id", "joined_on", "left_on"}
    theirs = [c for c in taken["customers"].rows if sql.fold(c) not in own]
    selected = ["r.*", *([sql.names(theirs, of="c")] if theirs else [])]
    return (
        f"select {', '.join(selected)} from responses r left join customers c using (customer_id)"
    )


def views(taken: dict[str, Intake]) -> dict[str, str]:
    """What gives the rows of each table that stays on an engine, the joined answers among them."""
    found = {name: intake.remote.view for name, intake in taken.items() if intake.remote}
    joined = _with_customers({name: taken[name] for name in found})
    return found | ({JOINED: joined} if joined else {})


def _text(rows: pd.DataFrame) -> pd.DataFrame:
    whole = {c: "Int64" for c in ("row", "rows", "n", "of") if c in rows}
    return rows.astype({c: whole.get(c, "string") for c in rows}).reset_index(drop=True)


def counts_of(taken: dict[str, Intake]) -> pd.DataFrame:
    """What `_tables` says of the tables."""
    return pd.DataFrame(
        [
            {
                "table": name,
                "offered": intake.offered,
                "kept": intake.kept,
                "quarantined": intake.quarantined,
                "cells": intake.cells,
                "left_out": sum(intake.left_out.values()),
                "sha256": intake.remote.fingerprint if intake.remote else fingerprint(intake.rows),
                "notes": json.dumps(intake.notes, ensure_ascii=False),
            }
            for name, intake in taken.items()
        ]
    )


def fingerprint(rows: pd.DataFrame) -> str:
    """sha256 of the content: column names, kinds and every cell, in order."""
    digest = hashlib.sha256(json.dumps([(str(c), str(rows[c].dtype)) for c in rows]).encode())
    digest.update(pd.util.hash_pandas_object(rows, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def digest(value: object) -> str:
    """sha256 of a value written as JSON."""
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def _made_from(study: Study, taken: dict[str, Intake], files: dict[str, str]) -> pd.DataFrame:
    facts = {
        "name": study.name,
        "made_by": MADE_BY,
        "made_at": now(),
        "study": files[STUDY],
        "files": {name: digest for name, digest in files.items() if name != STUDY},
        "labels": {k: v for intake in taken.values() for k, v in intake.labels.items()},
        "views": views(taken),
        "named": [n for n, t in taken.items() if t.remote and t.remote.names_customers],
        "offsets": {name: intake.offsets for name, intake in taken.items()},
        "currencies": {name: intake.currencies for name, intake in taken.items()},
        "headers": {name: intake.headers for name, intake in taken.items()},
    }
    return pd.DataFrame({"facts": [json.dumps(facts, ensure_ascii=False)]})


def now() -> str:
    """The time at which a reserve is made, as it says so."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def digests(study: Study) -> dict[str, str]:
    """sha256 of study.yaml (with `BESIDE`) and of the study's local files, by name."""
    found = {STUDY: _own_digest(study)}
    for mapping in study.tables.values():
        named = [f.file for file in mapping.files for f in (file, *file.join)]
        for name in named:
            if name in study.sources:
                continue  # its checksum stands in study.yaml
            path = study.folder / name
            if path.is_file():
                found[name] = sources.sha256(path)
    return found


def _own_digest(study: Study) -> str:
    """sha256 of study.yaml, together with those of `BESIDE` that there are."""
    own = sources.sha256(study.folder / STUDY)
    more = [(n, sources.sha256(study.folder / n)) for n in BESIDE if (study.folder / n).is_file()]
    return digest([own, more]) if more else own


def fingerprints(path: Path) -> dict[str, str]:
    """sha256 of each table's content as loaded, and of study.yaml under "study.yaml"."""
    with connect(path) as store:
        found = store.execute('select "table", sha256 from _tables').fetchall()
        return {**dict(found), "study.yaml": _facts(store, path)["study"]}


def facts(path: Path) -> dict[str, Any]:
    """What the store was made from; ReserveError for a file that is no reserve."""
    with connect(path) as store:
        return _facts(store, path)


def _facts(store: duckdb.DuckDBPyConnection, path: Path) -> dict[str, Any]:
    """What an opened store was made from."""
    try:
        return json.loads(sql.first(store, "select facts from _study")[0])
    except (duckdb.Error, TypeError, ValueError) as error:
        raise ReserveError(
            f"{path.name} of {path.parent.name} is no reserve of ours ({error}). Delete it and "
            f"run `cx load {path.parent.name}`."
        ) from error


def why_stale(study: Study) -> str:
    """Why the store must be made anew; empty when it need not."""
    if not study.reserve_path.is_file():
        return "it is not there yet"
    try:
        made = facts(study.reserve_path)
    except ReserveError:
        return "it cannot be read"
    if made.get("made_by") != MADE_BY:
        return "it was made by another version"
    if made["study"] != _own_digest(study):
        return "study.yaml has changed, or a file beside it"
    for name, digest in made["files"].items():
        path = study.folder / name
        # The reserve outlives its files. Content decides: a file may change and keep size and time.
        with suppress(PermissionError):  # `unread` says so
            if path.is_file() and sources.sha256(path) != digest:
                return f"{name} has changed"
    return ""


def unread(study: Study) -> list[str]:
    """The files that the store was made from and that cannot be looked at now, in words."""
    made = facts(study.reserve_path)
    found = []
    for name in made["files"]:
        path = study.folder / name
        try:
            with open(path, "rb"):
                continue
        except FileNotFoundError:
            why = "is gone"
        except OSError as error:
            why = f"cannot be read ({error.strerror})"
        found.append(
            f"{study.name}: {name} {why}, so its rows are those loaded on {made['made_at'][:10]}. "
            f"Put it back into {study.folder}, or take it out of study.yaml."
        )
    return found


def alone(study: Study, *, wait: float = 0) -> AbstractContextManager[None]:
    """Hold the study's lock while loading; ReserveError when another holds it for `wait` seconds.

    The lock belongs to the process and ends with it, however it ends.
    """

    def busy(holder: str) -> ReserveError:
        return ReserveError(
            f"{study.name} is being loaded already, by {holder}. Wait until it is done, or "
            "end that process; the reserve there is stays as it is."
        )

    return held(study.reserve_path.with_name("reserve.duckdb.lock"), wait=wait, busy=busy)
