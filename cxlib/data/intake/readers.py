"""Files read as they are: CSV, TSV, Excel, Parquet and SPSS, with what had to be found out said.

    raw = read_file("answers.csv")
    raw.frame                    # text columns under clean names, line numbers as index
    raw.encoding, raw.delimiter  # "gb18030", ";"
    raw.notes                    # why these: one sentence each
    raw.broken                   # lines that do not have the header's number of fields

What was found out (`encodings`, `tokenising`) is overruled by `encoding:` and `delimiter:` in
study.yaml.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from cxlib.data.intake.encodings import decode
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.tokenising import BROKEN, find_delimiter, named_delimiter, tokenise

TEXT_FILES = (".csv", ".tsv", ".txt", ".tab")
KNOWN = (*TEXT_FILES, ".csv.gz", ".tsv.gz", ".xlsx", ".xlsm", ".parquet", ".sav", ".zsav")


@dataclass(frozen=True)
class Raw:
    """A file as it is.

    Attributes
    ----------
    frame : its rows; the index holds the line (text) or row (Excel) they stand in, from 1
    labels : SPSS variable labels, by column
    values : SPSS value labels, by column: {code: label}
    encoding, delimiter : what a text file was read with; empty for others
    notes : what was found out and why, one sentence each
    broken : lines with more or fewer fields than the header: row, value, found, expected
    repeated : column names that stand in the header more than once
    """

    frame: pd.DataFrame
    labels: dict[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[float | int, str]] = field(default_factory=dict)
    encoding: str = ""
    delimiter: str = ""
    notes: tuple[str, ...] = ()
    broken: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=BROKEN))
    repeated: tuple[str, ...] = ()

    @property
    def offered(self) -> int:
        """Rows of the file, broken lines among them."""
        return len(self.frame) + len(self.broken)


def read_file(
    path: str | Path,
    *,
    sheet: str | int = 0,
    encoding: str = "",
    delimiter: str = "",
    called: str = "",
) -> Raw:
    """The file's rows as they are, with notes on what had to be found out.

    `called` is the name it goes by in notes and errors; its own when empty.

    Raises IntakeError for a file that is not there, is empty, has a header only, is of no known
    kind, or is not in the encoding named.
    """
    path = Path(path)
    if not path.is_file():
        raise IntakeError(_not_there(path))
    if path.stat().st_size == 0:
        raise IntakeError(f"{path.name} is empty (0 bytes). Export it again.")
    name = called or path.name
    raw = _reader(path)(path, name, sheet=sheet, encoding=encoding, delimiter=delimiter)
    if not raw.offered:
        raise IntakeError(
            f"{name} has a header ({len(raw.frame.columns)} columns) and no rows. Export it "
            "again, or take it out of study.yaml."
        )
    return _clean_header(raw, name)


def _reader(path: Path):
    name = path.name.lower()
    stem = name.removesuffix(".gz")
    if stem.endswith(TEXT_FILES):
        return _read_text
    if name.endswith((".xlsx", ".xlsm")):
        return _read_excel
    if name.endswith(".parquet"):
        return _read_parquet
    if name.endswith((".sav", ".zsav")):
        return _read_spss
    hint = {
        ".xls": "Open it in Excel and save it as .xlsx.",
        ".pkl": "A pickle can run code: read only out of a checked source. Use Parquet.",
    }.get(path.suffix.lower(), f"Save it as one of: {', '.join(KNOWN)}.")
    raise IntakeError(f"{path.name} is of no known kind ({path.suffix or 'no ending'}). {hint}")


def _not_there(path: Path) -> str:
    there = sorted(p.name for p in path.parent.glob("*") if p.is_file() and p.name != "study.yaml")
    near = get_close_matches(path.name, there, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    listed = f" The folder holds: {', '.join(there[:12])}." if there else " The folder is empty."
    return f"there is no file {path.name!r} in {path.parent.name}/{hint}{listed}"


def _clean_header(raw: Raw, name: str) -> Raw:
    """Blanks around column names cut, repeated names numbered; both said."""
    notes, names = list(raw.notes), []
    seen: dict[str, int] = {}
    for old in map(str, raw.frame.columns):
        new = old.strip()
        seen[new] = seen.get(new, 0) + 1
        names.append(new if seen[new] == 1 else f"{new} ({seen[new]})")
    cut = [c for c in map(str, raw.frame.columns) if c != c.strip()]
    repeated = tuple(n for n, times in seen.items() if times > 1)
    if cut:
        notes.append(f"{name}: blanks around {len(cut)} column name(s) were cut: {cut}.")
    if repeated:
        notes.append(
            f"{name}: the header repeats {list(repeated)}; the later ones are called 'NAME (2)'."
        )
    return Raw(
        raw.frame.set_axis(names, axis=1),
        *(raw.labels, raw.values, raw.encoding, raw.delimiter, tuple(notes), raw.broken),
        repeated,
    )


# Text


def _read_text(path: Path, name: str, *, encoding: str, delimiter: str, **_: object) -> Raw:
    content = path.read_bytes()
    if path.suffix.lower() == ".gz":
        content = gzip.decompress(content)
    text, encoding, why = decode(content, name, encoding)
    notes = [why]
    named, text = named_delimiter(text)
    if named:
        notes.append(f"{name}: line 1 names the delimiter {named!r}; the header is in line 2.")
    if not text.strip():
        raise IntakeError(f"{name} is empty but for blanks. Export it again.")
    delimiter = delimiter or named
    if not delimiter:
        delimiter, why = find_delimiter(text, name)
        notes.append(why)
    tokens = tokenise(text, delimiter, name, first_line=2 if named else 1)
    if tokens.blank:
        notes.append(f"{name}: {tokens.blank:,} blank line(s) passed over.")
    return Raw(
        tokens.frame,
        encoding=encoding,
        delimiter=delimiter,
        notes=tuple(notes),
        broken=tokens.broken,
    )


# Other kinds


def sheets_of(path: Path) -> list[str]:
    """The sheets of a workbook, by name; none for a file that is no workbook or cannot be read."""
    if not path.name.lower().endswith((".xlsx", ".xlsm")) or not path.is_file():
        return []
    try:
        with pd.ExcelFile(path, engine="openpyxl") as book:
            return [str(s) for s in book.sheet_names]
    except Exception:  # what is wrong with it is said where it is read
        return []


def _read_excel(path: Path, name: str, *, sheet: str | int, **_: object) -> Raw:
    try:
        book = pd.ExcelFile(path, engine="openpyxl")
    except Exception as error:  # openpyxl and zipfile raise many kinds for a broken book
        raise IntakeError(
            f"{name} is not an Excel workbook that can be read ({error}). Save it again as "
            ".xlsx; take a password off."
        ) from error
    with book:
        sheets = book.sheet_names
        if (isinstance(sheet, int) and sheet >= len(sheets)) or (
            isinstance(sheet, str) and sheet not in sheets
        ):
            raise IntakeError(f"{name} has no sheet {sheet!r}. There are: {sheets}.")
        cells = pd.read_excel(
            book, sheet_name=sheet, header=None, dtype=object, keep_default_na=False, na_values=[""]
        )
    if cells.empty:
        raise IntakeError(
            f"{name}: sheet {sheet if isinstance(sheet, str) else sheets[sheet]!r} is empty. "
            "Choose another with `sheet:`."
        )
    header = [f"column {i + 1}" if pd.isna(c) else str(c) for i, c in enumerate(cells.iloc[0])]
    frame = cells.iloc[1:].set_axis(header, axis=1)
    frame.index = pd.Index(np.arange(len(frame)) + 2, name="row")
    blank = frame.isna().all(axis=1)
    chosen = sheets[sheet] if isinstance(sheet, int) else sheet
    notes = [f"{name}: sheet {chosen!r} of {len(sheets)}."]
    if blank.any():
        notes.append(f"{name}: {int(blank.sum()):,} blank row(s) passed over.")
    return Raw(frame[~blank], notes=tuple(notes))


def _read_parquet(path: Path, name: str, **_: object) -> Raw:
    try:
        frame = pd.read_parquet(path)
    except Exception as error:  # pyarrow raises many kinds for a broken file
        raise IntakeError(f"{name} is not a Parquet file that can be read ({error}).") from error
    return Raw(frame.set_axis(pd.Index(np.arange(len(frame)) + 1, name="row"), axis=0))


def _read_spss(path: Path, name: str, **_: object) -> Raw:
    import pyreadstat

    try:
        frame, meta = pyreadstat.read_sav(str(path))
    except Exception as error:  # pyreadstat raises many kinds for a broken file
        raise IntakeError(f"{name} is not an SPSS file that can be read ({error}).") from error
    frame.index = pd.Index(np.arange(len(frame)) + 1, name="row")
    labels = {k: v for k, v in meta.column_names_to_labels.items() if v}
    note = f"{name}: {len(labels)} variable labels, {len(meta.variable_value_labels)} sets of "
    return Raw(
        frame.replace("", np.nan),
        labels=labels,
        values=dict(meta.variable_value_labels),
        encoding=meta.file_encoding or "",
        notes=(note + "value labels; values declared missing are empty.",),
    )
