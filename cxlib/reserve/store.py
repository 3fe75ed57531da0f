"""The store on disk: built beside the old one, swapped in whole, one builder at a time.

A DuckDB file holds the tables of a study, what was quarantined, and a fingerprint of everything it
was made from. It is never changed: loading makes another and puts it in its place with one rename,
so that a crash at any moment leaves the old one whole and readers are not disturbed.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from cxlib import sources
from cxlib.data.intake import Intake
from cxlib.study import Study

MADE_BY = 2  # raise it when the way of the files into the store changes: older stores are rebuilt
OWN = ("_quarantine", "_warnings", "_tables", "_study")


class ReserveError(RuntimeError):
    """The reserve cannot do what was asked; the message says why and what to do."""


def connect(path: Path) -> duckdb.DuckDBPyConnection:
    """A read-only connection; ReserveError when the file is broken."""
    try:
        return duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise ReserveError(
            f"{path.name} of {path.parent.name} cannot be opened ({error}). Delete it and run "
            f"`cx load {path.parent.name}`."
        ) from error


def build(study: Study, taken: dict[str, Intake]) -> pd.DataFrame:
    """Write the tables beside the old store and swap them in; gives back the counts by table.

    Raises OSError when they cannot be written (a full disk); the old store stays as it was.
    """
    new = study.reserve_path.with_name("reserve.duckdb.new")
    for left_over in (new, new.with_name(new.name + ".wal")):
        left_over.unlink(missing_ok=True)
    counts = _counts(taken)
    try:
        with duckdb.connect(str(new)) as store:
            for name, intake in taken.items():
                _write(store, name, intake.rows)
            _write(store, "_quarantine", _text(pd.concat([i.quarantine for i in taken.values()])))
            _write(store, "_warnings", _text(pd.concat([i.warnings for i in taken.values()])))
            _write(store, "_tables", counts)
            _write(store, "_study", _made_from(study, taken))
            _join_customers(store, taken)
    except duckdb.IOException as error:
        raise OSError(
            f"the reserve of {study.name} cannot be written ({error}). Make room in {new.parent} "
            "and run the same command again; the reserve that was there is untouched."
        ) from error
    _settle(new)
    os.replace(new, study.reserve_path)
    return counts


def _write(store: duckdb.DuckDBPyConnection, name: str, rows: pd.DataFrame) -> None:
    arrow = pa.Table.from_pandas(rows, preserve_index=False)
    store.register("_incoming", arrow)
    store.execute(f'create table "{name}" as select * from _incoming').fetchall()
    store.unregister("_incoming")


def _join_customers(store: duckdb.DuckDBPyConnection, taken: dict[str, Intake]) -> None:
    """The view `_responses`: each questionnaire with the attributes of who answered it.

    Dates of joining and leaving stay out: what a customer did later is no attribute of an answer.
    """
    if not {"customers", "responses"} <= set(taken):
        return
    own = set(taken["responses"].rows) | {"customer_id", "joined_on", "left_on"}
    theirs = [f'c."{name}"' for name in taken["customers"].rows if name not in own]
    selected = ", ".join(["r.rowid as _row", "r.*", *theirs])
    store.execute(
        f"create view _responses as select {selected} from responses r "
        "left join customers c using (customer_id)"
    )


def _text(rows: pd.DataFrame) -> pd.DataFrame:
    whole = {c: "Int64" for c in ("row", "rows") if c in rows}
    return rows.astype({c: whole.get(c, "string") for c in rows}).reset_index(drop=True)


def _settle(path: Path) -> None:
    # On disk before the rename: else a power cut could leave a whole name on a half file.
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _counts(taken: dict[str, Intake]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "table": name,
                "offered": intake.offered,
                "kept": len(intake.rows),
                "quarantined": intake.quarantined,
                "sha256": fingerprint(intake.rows),
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


def _made_from(study: Study, taken: dict[str, Intake]) -> pd.DataFrame:
    facts = {
        "name": study.name,
        "made_by": MADE_BY,
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "study": sources.sha256(study.folder / "study.yaml"),
        "files": _files(study),
        "labels": {k: v for intake in taken.values() for k, v in intake.labels.items()},
    }
    return pd.DataFrame({"facts": [json.dumps(facts, ensure_ascii=False)]})


def _files(study: Study) -> dict[str, list]:
    """Local files of the study: size, time of change and sha256."""
    found = {}
    for mapping in study.tables.values():
        for file in mapping.files:
            if file.file in study.sources:
                continue  # its checksum stands in study.yaml
            path = study.folder / file.file
            stat = path.stat()
            found[file.file] = [stat.st_size, stat.st_mtime_ns, sources.sha256(path)]
    return found


def facts(path: Path) -> dict:
    """What the store was made from; ReserveError for a file that is no reserve."""
    with connect(path) as store:
        try:
            return json.loads(store.execute("select facts from _study").fetchone()[0])
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
    if made["study"] != sources.sha256(study.folder / "study.yaml"):
        return "study.yaml has changed"
    for name, (size, changed, digest) in made["files"].items():
        path = study.folder / name
        if not path.is_file():
            continue  # the reserve outlives its files
        stat = path.stat()
        same = (stat.st_size, stat.st_mtime_ns) == (size, changed)
        if not same and sources.sha256(path) != digest:
            return f"{name} has changed"
    return ""


@contextmanager
def alone(study: Study, *, wait: float = 0) -> Iterator[None]:
    """Hold the study's lock while loading; ReserveError when another holds it for `wait` seconds.

    The lock belongs to the process and ends with it, however it ends.
    """
    path = study.reserve_path.with_name("reserve.duckdb.lock")
    until = time.monotonic() + wait
    with open(path, "a+", encoding="utf-8") as file:
        while not hold(file):
            if time.monotonic() >= until:
                file.seek(0)
                holder = file.read().strip() or "another process"
                raise ReserveError(
                    f"{study.name} is being loaded already, by {holder}. Wait until it is done, or "
                    "end that process; the reserve there is stays as it is."
                )
            time.sleep(0.1)
        file.truncate(0)
        file.write(f"process {os.getpid()} since {datetime.now():%H:%M:%S}")
        file.flush()
        yield


def hold(file) -> bool:
    """Take the file for this process alone, if nobody has it; it goes with the process."""
    try:
        if os.name == "nt":
            import msvcrt

            # One byte far beyond the text, so that others can read who holds it.
            file.seek(1000)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
