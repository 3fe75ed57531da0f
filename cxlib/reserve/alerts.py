"""The warnings a study has known: kept with it in warnings.json, so that one is known again.

    remember(study, fingerprints, table)   # by the batch, after a run: what a page warned of
    known(study, fingerprints)             # before: key, first_seen, last_seen, of earlier data
    fingerprint(study, fingerprints)       # fingerprint of that: a page that reads it is made of it

A state is what was warned of in one state of the data. Reading gives the states before that of the
data at hand, so a run that is made again sees what it saw the first time, and its warnings are not
known by having been raised just now. The file holds no times and is written by one rename.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from cxlib.core import files
from cxlib.data.study import Study
from cxlib.reserve.database import Database
from cxlib.reserve.store import ReserveError, fingerprints

KEY = ("measure", "by", "group", "term", "kind")  # what makes two warnings the same
COLUMNS = (*KEY, "first_seen", "last_seen")
# A ledger that grew is no new state.
NOT_OF_CUSTOMERS = ("actions", "audits", "units", "benchmarks", "contacts", "study.yaml")
MOST = 60  # states kept; the oldest go first
WAIT = 30.0  # seconds for another run to finish writing


@dataclass(frozen=True)
class Alerts:
    """The alerts of a study's earlier pages."""

    database: Database

    def known(self) -> pd.DataFrame:
        """The alerts of earlier states of the data; none where no page has raised any before.

        Columns: measure, by, group, term, kind, first_seen, last_seen.
        """
        return known(self.database.study, self._now)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of `known`: a page that reads these alerts is made from it."""
        return fingerprint(self.database.study, self._now)

    @property
    def _now(self) -> dict[str, str]:
        return fingerprints(self.database.study.reserve_path)


def remember(study: Study, data: Mapping[str, str], table: Mapping[str, list[Any]]) -> None:
    """Keep the table (columns, rows) of warnings as those of this state of the data.

    It has KEY and first_seen; `wave` is when it was seen last. Raises ReserveError for columns that
    lack, and when another process holds the file for long.
    """
    rows = pd.DataFrame(table["rows"], columns=table["columns"])
    if lacking := [c for c in (*KEY, "wave", "first_seen") if c not in rows]:
        raise ReserveError(f"a warning has no {', '.join(lacking)}; it cannot be known again.")
    rows = rows.assign(last_seen=rows["wave"])[list(COLUMNS)].astype(object)
    said = rows.where(rows.notna(), "").astype(str).to_dict("records")
    with _alone(study):
        states, now = _read(study), {"data": _state(data), "warnings": said}
        places = [k for k, s in enumerate(states) if s["data"] == now["data"]]
        if places:
            states[places[0]] = now
        else:
            states.append(now)
        text = json.dumps(states[-MOST:], ensure_ascii=False, indent=1) + "\n"
        _replace(_place(study), text)


def known(study: Study, data: Mapping[str, str]) -> pd.DataFrame:
    """Warnings of the states of the data before this one, the latest words on each: COLUMNS."""
    rows = [warning for state in _earlier(study, data) for warning in state["warnings"]]
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    first = table.groupby(list(KEY), sort=False)["first_seen"].transform("min")
    table = table.assign(first_seen=first).drop_duplicates(list(KEY), keep="last")
    return table.reset_index(drop=True)


def fingerprint(study: Study, data: Mapping[str, str]) -> str:
    """Fingerprint of what `known` gives."""
    return _digest({"states": _earlier(study, data)})


def _earlier(study: Study, data: Mapping[str, str]) -> list[dict[str, Any]]:
    states, now = _read(study), _state(data)
    at = [k for k, state in enumerate(states) if state["data"] == now]
    return states[: at[0]] if at else states


def _state(data: Mapping[str, str]) -> str:
    return _digest({k: v for k, v in data.items() if k not in NOT_OF_CUSTOMERS})


def _digest(value: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _place(study: Study) -> Path:
    return study.folder / "warnings.json"


def _read(study: Study) -> list[dict[str, Any]]:
    file = _place(study)
    if not file.is_file():
        return []
    try:
        states = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ReserveError(
            f"{file.name} of {study.name} cannot be read ({error}). Delete it and run "
            f"`cx run {study.name}` again: warnings then count as new."
        ) from error
    whole = isinstance(states, list) and all(
        isinstance(s, dict) and {"data", "warnings"} <= s.keys() for s in states
    )
    return states if whole else []


def _replace(file: Path, text: str) -> None:
    if file.is_file() and file.read_text(encoding="utf-8") == text:
        return
    files.write(file, text)


def _alone(study: Study) -> AbstractContextManager[None]:
    """Hold the file while it is read and written; the lock ends with the process."""

    def busy(holder: str) -> ReserveError:
        return ReserveError(
            f"the warnings of {study.name} have been held for {WAIT:g} seconds by {holder}. "
            "End it, and run again."
        )

    return files.held(_place(study).with_suffix(".json.lock"), wait=WAIT, busy=busy)
