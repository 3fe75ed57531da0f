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
_CELL = re.compile(rb' r="([A-Z]{1,9})(\d{1,15})"')  # begins as a plain text: it is searched fast
_ODD = (b"r='", b"r =", b"r= ", b"\tr=", b"\nr=", b"\rr=")  # ways to write it that nobody uses
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


def _usual(block: bytes) -> bytes:
    """The block with the places of its cells written as Excel writes them."""
    if not any(odd in block for odd in _ODD):
        return block
    return re.sub(rb"\s+r\s*=\s*[\"']([A-Z]+\d+)[\"']", rb' r="\1"', block)


def _refuse(sheet: IO[bytes], name: str, called: str) -> None:
    columns, rows, widest = set[int](), set[int](), 0
    for block in map(_usual, _blocks(sheet)):
        found = _CELL.findall(block)
        letters, numbers = map(set, zip(*found, strict=True)) if found else (set(), set())
        columns |= set(map(_number, letters))
        rows |= set(map(int, numbers))
        if sum(map(block.count, (b"<c ", b"<c>", b"<c/", b":c ", b":c>", b":c/"))) > len(found):
            # Cells without a place: each is the next in its row.
            widest = max(len(_BARE.findall(row)) for row in _ROW.split(block))
        rows = {min(rows), max(rows)} if rows else rows
        columns = {min(columns), max(columns)} if columns else columns
        high, wide = (max(x) - min(x) + 1 if x else 0 for x in (rows, columns))
        if high * wide > MOST or max(widest, wide) > WIDEST:
            raise IntakeError(
                f"{name}: the cells of {called} reach over {high:,} rows and "
                f"{max(wide, widest):,} columns. Delete what stands far from the table (Ctrl+End "
                "goes to the last cell), or save the table as CSV."
            )


def _blocks(sheet: IO[bytes]) -> Iterator[bytes]:
    """The XML of whole rows at a time; of a row of 64 MB and more its parts."""
    held = b""
    while part := sheet.read(PART):
        held += part
        last = max(held.rfind(b"<row"), held.rfind(b":row "))
        if last > 0 or len(held) > 16 * PART:
            end = last if last > 0 else len(held) - 100
            yield held[:end]
            held = held[end:]
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
