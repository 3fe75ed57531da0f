"""A small table that people keep in a file of the study: one row changed, checked, written whole.

    with editing.alone(study, "actions") as file:        # one at a time
        rows = file.rows()
        file.write(rows + [{"action_id": "a10", ...}])    # EditError: nothing was written

The file stays what it was until the new one is whole and keeps the contract: it is written beside
it, taken in as `cx load` would, and moved in by one rename. Cells that are not changed keep their
text, and columns that the contract does not know keep theirs.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from cxlib.core import files
from cxlib.data import contract, intake, sources
from cxlib.data.mapping import File
from cxlib.data.study import Study

WAIT = 30.0  # seconds for another process to finish
Rows = list[dict[str, str]]
Check = Callable[[pd.DataFrame], pd.DataFrame]  # rows -> what is amiss: row, column, reason ...


class EditError(ValueError):
    """The table would not be sound; the message has a line for each mistake, by row."""


@dataclass(frozen=True)
class Edited:
    """The file of a table: its rows as text, by the contract's columns."""

    study: Study
    table: str
    path: Path
    columns: dict[str, str]  # ours: theirs

    def rows(self) -> Rows:
        """Every row of the file, in order, with our names where the contract has one."""
        ours = {theirs: name for name, theirs in self.columns.items()}
        if not self.path.is_file():
            return []
        return [
            {ours.get(k, k): v or "" for k, v in row.items() if k is not None}
            for row in csv.DictReader(io.StringIO(_text(self.path)))
        ]

    def taken(self) -> intake.Intake:
        """The table as `cx load` takes it in."""
        return intake.table(self._mapped(self.path.name), self.table)

    def write(self, rows: Rows, check: Check) -> None:
        """Put the rows in place of the file's. Raises EditError for mistakes that were not there.

        `check` finds what the contract does not (`actions.contradictions`).
        """
        with files.replacing(self.path) as fresh:
            fresh.write_bytes(self._bytes(rows))
            if (found := self._amiss(fresh.name, check)) and self.path.is_file():
                found -= self._amiss(self.path.name, check)  # what was wrong before stays as it is
            if new := sorted(found):
                lines = "\n".join(f"  row {row}: {said}" for row, said in new)
                raise EditError(f"{self.path.name} is left as it was:\n{lines}")

    def _amiss(self, name: str, check: Check) -> set[tuple[int, str]]:
        taken = intake.table(self._mapped(name), self.table)
        found = [intake.in_words(taken.quarantine), check(taken.rows)]
        return {
            (int(m["row"]), f"{m['column']} {m['value']!r}: {m['reason']}. {m['mend']}".strip())
            for part in found
            for m in part.to_dict("records")
        }

    def _mapped(self, name: str) -> Study:
        own = self.study.tables[self.table]
        file = own.files[0].model_copy(update={"file": name})
        mapping = own.model_copy(update={"files": [file]})
        return self.study.model_copy(update={"tables": {**self.study.tables, self.table: mapping}})

    def _bytes(self, rows: Rows) -> bytes:
        there = list(
            dict.fromkeys([*self._header(), *(self.columns.get(k, k) for r in rows for k in r)])
        )
        out = io.StringIO()
        write = csv.DictWriter(out, there, lineterminator="\n", restval="")
        write.writeheader()
        write.writerows({self.columns.get(k, k): v for k, v in row.items()} for row in rows)
        content = out.getvalue().encode("utf-8")
        return gzip.compress(content, mtime=0) if self.path.suffix == ".gz" else content

    def _header(self) -> list[str]:
        if not self.path.is_file():
            return list(self.columns.values())
        return next(csv.reader(io.StringIO(_text(self.path))), [])


def _text(path: Path) -> str:
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8-sig")


@contextmanager
def alone(study: Study, table: str) -> Iterator[Edited]:
    """The table's file, held for one process; data/STUDY/TABLE.csv where the study has none yet.

    Raises EditError when it is no single CSV file, and when another process holds it for long.
    """
    edited = _edited(study, table)

    def busy(holder: str) -> EditError:
        return EditError(f"{edited.path.name} is being edited by {holder}. Try again.")

    with files.held(edited.path.with_name(f"{table}.lock"), wait=WAIT, busy=busy):
        yield edited


def _edited(study: Study, table: str) -> Edited:
    if table not in study.tables:
        names = {name: name for name in contract.TABLES[table].columns}
        mapping = next(iter(study.tables.values())).model_copy(
            update={
                "files": [File(file=f"{table}.csv")],
                "columns": names,
                "constants": {},
                "recode": {},
                "dates": "",
                "keep": True,
            }
        )
        study = study.model_copy(update={"tables": {**study.tables, table: mapping}})
    mapping = study.tables[table]
    file = mapping.files[0]
    path = sources.local(study.folder, file.file)
    plain = path.suffixes[-2:] in ([".csv"], [".csv", ".gz"]) or path.suffix == ".csv"
    odd = file.delimiter not in ("", ",") or mapping.constants or mapping.recode or mapping.dates
    if len(mapping.files) > 1 or not plain or odd:
        raise EditError(
            f"{table} of {study.name} is not one plain CSV file with commas; edit it by hand, and "
            f"`cx check {study.name}` says whether it is sound."
        )
    return Edited(study, table, path, {**mapping.columns, **file.columns})
