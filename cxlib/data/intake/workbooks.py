"""Workbooks (Excel old and new, OpenDocument) and tables in HTML or XML, through python-calamine.

raw = read(Path("answers.xlsx"), "answers.xlsx", Reading(sheet="Raw"))
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import numpy as np
import pandas as pd
from python_calamine import CalamineError, SheetVisibleEnum

from cxlib.data.intake.encodings import to_utf8
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.layout import LOOKED_AT, WIDEST, header_of
from cxlib.data.intake.raw import FORMULA, UNREAD, Raw, trimmed
from cxlib.data.intake.sheet_extent import refuse_far_cells
from cxlib.data.intake.unread_cells import hidden_rows, unread
from cxlib.data.mapping import Reading

SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
SPSS_NULL = "#NULL!"  # that SPSS writes for no answer
SPREADSHEET = "{urn:schemas-microsoft-com:office:spreadsheet}"


def sheets(path: Path) -> list[str]:
    """The sheets that hold cells, by name. Raises IntakeError for a book that cannot be read."""
    with _opened(path, path.name) as book:
        return [s for s in map(str, book.sheet_names) if book.book.get_sheet_by_name(s).height]


def read(path: Path, name: str, options: Reading) -> Raw:
    """The rows of one sheet: the one named, else the first visible one that holds a table."""
    with _opened(path, name) as book:
        sheet, note = _chosen(book, name, options.sheet)
        cells = pd.read_excel(
            book, sheet_name=sheet, header=None, dtype=object, keep_default_na=False, na_values=[""]
        )
        merges = book.book.get_sheet_by_name(sheet).merged_cell_ranges or []
    beside, notes = unread(path, sheet), [note]
    if (none := beside["value"] == SPSS_NULL).any():
        notes.append(f"{name}: {int(none.sum()):,} cell(s) read {SPSS_NULL!r}: missing.")
        beside = beside[~none]
    formulas = beside[beside["rule"] == FORMULA]
    if len(formulas) and (cells.empty or cells.isna().all(axis=None)):
        raise IntakeError(
            f"{name}: sheet {sheet!r} holds nothing but {len(formulas):,} formulas without a "
            f"value, first in {formulas['cell'].iloc[0]}. Open it in Excel or LibreOffice and save "
            "it."
        )
    if cells.empty:
        raise IntakeError(f"{name}: sheet {sheet!r} is empty. Choose another with `sheet:`.")
    if len(beside):  # the reader ends where nothing but such cells follow
        high, wide = max(len(cells), beside["row"].max()), beside["place"].max() + 1
        cells = cells.reindex(index=range(high), columns=range(max(len(cells.columns), wide)))
    raw = _table(cells, name, options, notes, beside.assign(sheet=sheet))
    doubts = [*_fill_merged(raw, merges), *_hidden(raw, path, sheet)]
    return replace(raw, doubts=tuple(doubts))


def _fill_merged(raw: Raw, merges: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> list[str]:
    """Give each row below the header the value of the cell that is merged over it, and say so."""
    frame, filled = raw.frame, Counter[str]()
    for (first, left), (last, _right) in merges:
        if first + 1 not in frame.index or last <= first or left >= len(frame.columns):
            continue
        column = frame.columns[left]
        rows = frame.index[(frame.index > first + 1) & (frame.index <= last + 1)]
        rows = rows[frame.loc[rows, column].isna()]
        frame.loc[rows, column] = frame.at[first + 1, column]
        filled[str(column)] += len(rows)
    return [
        f"{n:,} cells of {column!r} are merged with one above, whose value they take: does it hold "
        "for each of these rows? An amount for all of them together would count several times"
        for column, n in filled.items()
        if n
    ]


def _hidden(raw: Raw, path: Path, sheet: str) -> list[str]:
    """A sentence on the rows that the sheet hides, which count as the others."""
    rows = hidden_rows(path, sheet)
    hidden = raw.frame.index[raw.frame.index.isin(rows)]
    if hidden.empty:
        return []
    return [
        f"{len(hidden):,} rows that sheet {sheet!r} hides (by a filter or by hand), the first in "
        f"row {hidden[0]}, count as the others; delete them in the sheet if they shall not"
    ]


@contextmanager
def _opened(path: Path, name: str) -> Iterator[pd.ExcelFile]:
    """The book; sheets are read when they are asked for, so that a broken one shows only then."""

    def broken(error: Exception) -> IntakeError:
        return IntakeError(
            f"{name} is not an Excel workbook that can be read ({error}). Save it again as "
            ".xlsx; take a password off."
        )

    try:
        refuse_far_cells(path, name)
        book = pd.ExcelFile(path, engine="calamine")
    except IntakeError:
        raise
    except Exception as error:  # calamine and zipfile raise many kinds for a broken book
        raise broken(error) from error
    with book:
        try:
            yield book
        except CalamineError as error:
            raise broken(error) from error


def _chosen(book: pd.ExcelFile, name: str, wanted: str | int) -> tuple[str, str]:
    """The sheet to read, and a note on which of how many."""
    about = {str(m.name): m for m in book.book.sheets_metadata}
    there = list(map(str, book.sheet_names))
    if wanted and wanted not in there and (isinstance(wanted, str) or wanted >= len(there)):
        raise IntakeError(f"{name} has no sheet {wanted!r}. There are: {there}.")
    height = {s: book.book.get_sheet_by_name(s).height for s in there}
    if wanted:
        sheet = wanted if isinstance(wanted, str) else there[wanted]
    else:
        seen = [s for s in there if height[s] > 1 and about[s].visible == SheetVisibleEnum.Visible]
        sheet = next(iter(seen or [s for s in there if height[s]] or there))
    others = [f"{s!r} ({height[s]:,} rows)" for s in there if s != sheet and height[s]]
    note = f"{name}: sheet {sheet!r} ({height[sheet]:,} rows) of {len(there)}."
    if others and not wanted:
        note += f" Not read: {', '.join(others[:6])}; `sheet:` chooses another."
    return sheet, note


def _table(
    cells: pd.DataFrame,
    name: str,
    options: Reading,
    notes: Sequence[str],
    beside: pd.DataFrame | None = None,
) -> Raw:
    """The table among the cells of a sheet; `beside` are those that could not be read."""
    head = cells.iloc[:LOOKED_AT].astype(object)
    rows = [["" if pd.isna(c) else str(c) for c in row] for row in head.to_numpy()]
    header = header_of(rows, name, header=options.header, header_rows=options.header_rows)
    begin = header.first + header.rows
    frame = cells.iloc[begin:].set_axis(header.names, axis=1)
    frame.index = pd.Index(np.arange(len(frame)) + begin + 1, name="row")
    blank = frame.isna().all(axis=1)
    raw = Raw(frame, notes=tuple(notes))
    if beside is not None and len(beside):
        beside = beside[beside["row"].isin(frame.index) & (beside["place"] < len(header.names))]
        named = beside.assign(column=[header.names[i] for i in beside["place"]])
        raw = replace(raw, unread=named[UNREAD].reset_index(drop=True))
        blank &= ~frame.index.isin(beside["row"])
    raw = replace(raw, frame=frame[~blank])
    return trimmed(raw, header, name, options.skip_last, frame.index[blank].tolist())


# HTML and XML, which many tools export under the name .xls


def read_markup(path: Path, name: str, options: Reading) -> Raw:
    """The largest table of an HTML page, or the first sheet of an Excel 2003 XML file."""
    content, _, why = to_utf8(path.read_bytes(), name, options.encoding)
    if b"urn:schemas-microsoft-com:office:spreadsheet" in content[:4000]:
        rows, what = _xml_rows(path.read_bytes(), name, options.sheet)
    else:
        rows, what = _html_rows(content)
    if not rows:
        raise IntakeError(
            f"{name} is HTML or XML and holds no table. Export it as CSV or .xlsx instead."
        )
    width = max(map(len, rows))
    cells = pd.DataFrame([[*r, *[""] * (width - len(r))] for r in rows], dtype=object)
    cells = cells.mask(cells == "")
    return _table(cells, name, options, [f"{name}: {what} is read.", why])


def _html_rows(content: bytes) -> tuple[list[list[str]], str]:
    from bs4 import BeautifulSoup

    tables = [
        [_spread(row) for row in table.find_all("tr") if row.find_parent("table") is table]
        for table in BeautifulSoup(content, "html.parser").find_all("table")
    ]
    return max(tables, key=len, default=[]), f"the largest of {len(tables)} table(s) of the page"


def _spread(row: Any) -> list[str]:
    """The cells of a row, one that spans several columns followed by empty ones."""
    out: list[str] = []
    for cell in row.find_all(["td", "th"], recursive=False):
        span = str(cell.get("colspan", "1"))
        empty = min(int(span), WIDEST) - 1 if span.isdecimal() else 0
        out += [cell.get_text(" ", strip=True), *[""] * empty]
    return out


def _xml_rows(content: bytes, name: str, wanted: str | int) -> tuple[list[list[str]], str]:
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        book = fromstring(content)
    except (ParseError, DefusedXmlException) as error:
        raise IntakeError(
            f"{name} is XML that cannot be read ({error}). Export it again."
        ) from None
    sheets = {s.get(f"{SPREADSHEET}Name", ""): s for s in book.iter(f"{SPREADSHEET}Worksheet")}
    key = wanted if isinstance(wanted, str) else [*sheets, *[""] * wanted][wanted]
    if key not in sheets:
        raise IntakeError(f"{name} has no sheet {wanted!r}. There are: {list(sheets)}.")
    rows: list[list[str]] = []
    for row in sheets[key].iter(f"{SPREADSHEET}Row"):
        at = int(row.get(f"{SPREADSHEET}Index", len(rows) + 1))
        rows += [[] for _ in range(at - len(rows) - 1)] if at < 1 << 21 else []
        cells: list[str] = []
        for cell in row.iter(f"{SPREADSHEET}Cell"):
            column = min(int(cell.get(f"{SPREADSHEET}Index", len(cells) + 1)), WIDEST)
            cells += [""] * (column - len(cells) - 1)
            data = cell.find(f"{SPREADSHEET}Data")
            cells.append("" if data is None else "".join(data.itertext()))
            cells += [""] * min(int(cell.get(f"{SPREADSHEET}MergeAcross", 0)), WIDEST)
        rows.append(cells)
    return rows, f"sheet {key!r} of {len(sheets)}"
