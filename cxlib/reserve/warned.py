"""Warnings that one notebook gave and others read: kept beside the reserve, in warnings.json.

    store.warn(found.table, where=WHERE)      # in 12_is_it_changing: replaces what this page said
    store.warned()                            # in any other: wave, by, group, term, estimate, ...

A page's warnings replace those the same page gave before, so that one that no longer holds goes
away; pages of other groups (`where`) keep their own. The file holds no times and is ordered: the
same warnings are the same bytes, however often and in whatever order pages are made. Pages of
several processes write one after the other, each by one rename.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from cxlib.reserve.store import ReserveError, hold
from cxlib.study import Study

COLUMNS = ("wave", "by", "group", "term", "estimate", "low", "high", "n", "measure", "signal",
           "probability", "first_seen")  # fmt: skip
DIGITS = 8  # significant; as in the answers that pages keep
WAIT = 30.0  # seconds for another page to finish writing


def write(study: Study, records: pd.DataFrame, page: Mapping[str, str]) -> None:
    """Keep the records as all that the page (its parameters) warns of.

    Raises ReserveError for lacking columns, and when another process holds the file for long.
    """
    if lacking := [c for c in COLUMNS if c not in records]:
        raise ReserveError(
            f"a warning has no {', '.join(lacking)}. Pass the table of scores.warnings(...)."
        )
    said = [_plain(row) for row in records[list(COLUMNS)].to_dict("records")]
    where = dict(sorted((k, str(v)) for k, v in page.items()))
    with _alone(study):
        others = [entry for entry in _read(study) if entry["page"] != where]
        entries = others + ([{"page": where, "warnings": said}] if said else [])
        entries.sort(key=lambda entry: json.dumps(entry["page"]))
        _replace(_place(study), json.dumps(entries, ensure_ascii=False, indent=1) + "\n")


def read(study: Study, page: Mapping[str, str]) -> pd.DataFrame:
    """What pages with these parameters warn of, one row a warning, in the order they gave.

    Parameters that are not named may be anything; the same warning of two pages is told once.
    """
    rows = [
        warning
        for entry in _read(study)
        if all(entry["page"].get(k, "") == str(v) for k, v in page.items())
        for warning in entry["warnings"]
    ]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table.drop_duplicates(["wave", "by", "group", "term", "signal"], ignore_index=True)


def mark(study: Study) -> str:
    """Fingerprint of the warnings there are: what a page that reads them was made from."""
    file = _place(study)
    return hashlib.sha256(file.read_bytes() if file.is_file() else b"").hexdigest()


def _place(study: Study) -> Path:
    return study.folder / "warnings.json"


def _read(study: Study) -> list[dict]:
    file = _place(study)
    if not file.is_file():
        return []
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ReserveError(
            f"{file.name} of {study.name} cannot be read ({error}). Delete it and run "
            f"`cx run {study.name} 12` again."
        ) from error


def _plain(row: dict) -> dict:
    """As JSON has it: numbers rounded, text for names, no empty ones."""
    numbers = {"estimate", "low", "high", "probability"}
    return {
        k: float(f"{v:.{DIGITS}g}") if k in numbers else int(v) if k == "n" else str(v)
        for k, v in row.items()
        if not pd.isna(v)
    }


def _replace(file: Path, text: str) -> None:
    if file.is_file() and file.read_text(encoding="utf-8") == text:
        return  # untouched: no page that reads it need be made again
    handle, fresh = tempfile.mkstemp(dir=file.parent, prefix=".warnings")
    with os.fdopen(handle, "w", encoding="utf-8") as new:
        new.write(text)
        new.flush()
        os.fsync(new.fileno())
    os.chmod(fresh, 0o644)
    os.replace(fresh, file)


@contextmanager
def _alone(study: Study) -> Iterator[None]:
    """Hold the file while it is read and written; the lock ends with the process."""
    until = time.monotonic() + WAIT
    with open(_place(study).with_suffix(".json.lock"), "a+", encoding="utf-8") as file:
        while not hold(file):
            if time.monotonic() >= until:
                raise ReserveError(
                    f"another process has held the warnings of {study.name} for {WAIT:g} seconds. "
                    "End it, and run again."
                )
            time.sleep(0.02)
        yield
