"""How far the cells of an .xlsx reach, before a reader makes room for all between them.

refuse_far_cells(path, "a.xlsx")      # IntakeError where one cell at XFD1048576 would need 550 GB
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.layout import WIDEST

MOST = 1 << 26  # cells between the first and the last, of 32 bytes each
LARGEST = 2 << 30  # bytes of a sheet, unpacked
PART = 1 << 22
_CELL = re.compile(rb"\br=[\"']([A-Z]{1,9})(\d{1,15})[\"']")
_BARE = re.compile(rb"<(?:\w+:)?c[ >/]")
_ROW = re.compile(rb"<(?:\w+:)?row\b")


def refuse_far_cells(path: Path, name: str) -> None:
    """Raise IntakeError where a sheet would take more memory than its cells are worth.

    A file that is no zip archive, or a broken one, is left to its reader.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        for about in archive.infolist():
            if not re.fullmatch(r"xl/worksheets/[^/]+\.xml", about.filename):
                continue
            if about.file_size > LARGEST:
                raise IntakeError(f"{name} unpacks to more than fits. Save it again as CSV.")
            with archive.open(about) as sheet:
                _refuse(sheet, name, Path(about.filename).stem)


def _refuse(sheet: IO[bytes], name: str, called: str) -> None:
    columns, rows, widest = set[int](), set[int](), 0
    for row in _rows(sheet):
        found = _CELL.findall(row)
        columns |= {_number(c) for c in {c for c, _row in found}}
        rows |= {int(r) for r in {r for _c, r in found[:1] + found[-1:]}}
        widest = max(widest, len(_BARE.findall(row)))
        rows = {min(rows), max(rows)} if rows else rows
        columns = {min(columns), max(columns)} if columns else columns
        high, wide = (max(x) - min(x) + 1 if x else 0 for x in (rows, columns))
        if high * wide > MOST or max(widest, wide) > WIDEST:
            raise IntakeError(
                f"{name}: the cells of {called} reach over {high:,} rows and "
                f"{max(wide, widest):,} columns. Delete what stands far from the table (Ctrl+End "
                "goes to the last cell), or save the table as CSV."
            )


def _rows(sheet: IO[bytes]) -> Iterator[bytes]:
    """The XML of one or several whole rows at a time."""
    held = b""
    while part := sheet.read(PART):
        held += part
        starts = [m.start() for m in _ROW.finditer(held)]
        for start, end in zip(starts, starts[1:], strict=False):
            yield held[start:end]
        held = held[starts[-1] :] if starts else held[-100:]
        if len(held) > 16 * PART:  # a row of 64 MB
            yield held
            held = held[-100:]
    yield held


def _number(letters: bytes) -> int:
    """The place of a column: A is 1, XFD 16,384.

    Examples
    --------
    >>> _number(b"XFD")
    16384
    """
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
