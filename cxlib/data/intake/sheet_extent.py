"""How far the cells of a workbook reach, before a reader makes room for all between them.

refuse_far_cells(path, "a.xlsx")      # IntakeError where one cell at XFD1048576 would need 550 GB

Of .xlsx, .xlsb and .ods, which are zip archives. An .xls has at most 65,536 rows of 256 columns.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO
from xml.parsers import expat

from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.layout import WIDEST

MOST = 1 << 26  # cells between the first and the last, of 32 bytes each
LARGEST = 2 << 30  # bytes of a sheet, unpacked
LARGE, TIMES = 1 << 28, 500  # bytes from which a sheet of so many times its packed size is refused
PART = 1 << 22
RECORD = 2048  # bytes of a record that are looked at
_CELL = re.compile(rb' r="([A-Z]{1,9})(\d{1,15})"')  # begins as a plain text: it is searched fast
_ODD = (b"r='", b"r =", b"r= ", b"\tr=", b"\nr=", b"\rr=")  # ways to write it that nobody uses
_BARE = re.compile(rb"<(?:\w+:)?c[ >/]")
CELLS = range(1, 12)  # kinds of records of an .xlsb that are a cell; 0 begins a row
TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0 "
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0 "
_ROW = re.compile(rb"<(?:\w+:)?row\b")


def refuse_far_cells(path: Path, name: str) -> None:
    """Raise IntakeError where a sheet would take more memory than its cells are worth.

    A file that is no zip archive, or a broken one, is left to its reader.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        for about in archive.infolist():
            if not (refuse := _check_of(about.filename)):
                continue
            if about.file_size > LARGEST:
                raise IntakeError(f"{name} unpacks to more than fits. Save it again as CSV.")
            if about.file_size > max(LARGE, TIMES * about.compress_size):
                times = about.file_size // max(about.compress_size, 1)
                raise IntakeError(
                    f"{name} unpacks to {times:,} times its size, as no table does. Save it again "
                    "as CSV."
                )
            with archive.open(about) as sheet:
                refuse(sheet, name, Path(about.filename).stem)


def _check_of(member: str) -> Callable[[IO[bytes], str, str], None] | None:
    """What looks at a part of the archive; None of one that is no sheet."""
    if member == "content.xml":
        return _refuse_open_document
    kind = re.fullmatch(r"xl/worksheets/[^/]+\.(xml|bin)", member)
    return {"xml": _refuse, "bin": _refuse_binary}[kind[1]] if kind else None


def _usual(block: bytes) -> bytes:
    """The block with the places of its cells written as Excel writes them."""
    if not any(odd in block for odd in _ODD):
        return block
    return re.sub(rb"\s+r\s*=\s*[\"']([A-Z]+\d+)[\"']", rb' r="\1"', block)


def _refuse(sheet: IO[bytes], name: str, called: str) -> None:
    columns, rows, widest = set[int](), set[int](), 0
    for block in map(_usual, blocks(sheet)):
        found = _CELL.findall(block)
        letters, numbers = map(set, zip(*found, strict=True)) if found else (set(), set())
        columns |= set(map(column_number, letters))
        rows |= set(map(int, numbers))
        if sum(map(block.count, (b"<c ", b"<c>", b"<c/", b":c ", b":c>", b":c/"))) > len(found):
            # Cells without a place: each is the next in its row.
            widest = max(len(_BARE.findall(row)) for row in _ROW.split(block))
        rows = {min(rows), max(rows)} if rows else rows
        columns = {min(columns), max(columns)} if columns else columns
        high, wide = (max(x) - min(x) + 1 if x else 0 for x in (rows, columns))
        _hold(name, called, high, wide, max(wide, widest))


def _hold(name: str, called: str, high: int, wide: int, widest: int = 0) -> None:
    """Raise IntakeError for a sheet of more cells or columns than a table has."""
    if high * wide > MOST or max(widest, wide) > WIDEST:
        raise IntakeError(
            f"{name}: the cells of {called} reach over {high:,} rows and "
            f"{max(wide, widest):,} columns. Delete what stands far from the table (Ctrl+End "
            "goes to the last cell), or save the table as CSV."
        )


def _refuse_binary(sheet: IO[bytes], name: str, called: str) -> None:
    """As `_refuse`, of the records of an .xlsb: kind, size, and a number of row or column."""
    row, rows, columns = 0, Extent(), Extent()
    for kind, content in records(sheet):
        number = int.from_bytes(content[:4], "little")
        if not kind:
            row = number
        elif kind in CELLS:
            rows.add(row, row)
            columns.add(number, number)
    _hold(name, called, rows.size, columns.size)


def records(sheet: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Kind and first bytes of each record of a part of an .xlsb."""
    held, at = b"", 0
    while part := sheet.read(PART):
        held, at = held[at:] + part, 0
        while at + 10 <= len(held):  # kind and size are two bytes and four at most
            kind, size, start = held[at], 0, at + 1
            if kind & 0x80:
                kind, start = kind & 0x7F | held[start] << 7, start + 1
            for place in range(4):
                byte = held[start]
                size, start = size | (byte & 0x7F) << 7 * place, start + 1
                if not byte & 0x80:
                    break
            if start + max(size, 4) > len(held):
                break
            yield kind, held[start : start + min(size, RECORD)]
            at = start + size


def _refuse_open_document(content: IO[bytes], name: str, _called: str) -> None:
    """As `_refuse`, of the sheets of an .ods, whose rows and cells say how often they repeat."""
    row = column = high = wide = 0
    called, rows, columns = "", Extent(), Extent()

    def begun(tag: str, about: dict[str, str]) -> None:
        nonlocal row, column, high, wide, called, rows, columns
        kind = tag.removeprefix(TABLE)
        if kind == "table":
            called, rows, columns, row, high = (
                about.get(f"{TABLE}name", ""),
                Extent(),
                Extent(),
                0,
                0,
            )
        elif kind == "table-row":
            row, high = row + high, repeats(about, "rows")
            column = wide = 0
        elif kind in ("table-cell", "covered-table-cell"):
            column, wide = column + wide, repeats(about, "columns")
            if any(key.startswith(_OFFICE) for key in about):
                rows.add(row, row + high - 1)
                columns.add(column, column + wide - 1)

    def ended(tag: str) -> None:
        if tag == f"{TABLE}table":
            _hold(name, called, rows.size, columns.size)

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = begun, ended
    try:
        parser.ParseFile(content)
    except expat.ExpatError:
        return  # it is left to its reader


def repeats(about: Mapping[str, str], what: str) -> int:
    """How often a row or a cell of an .ods stands there; `what` is "rows" or "columns"."""
    said = about.get(f"{TABLE}number-{what}-repeated", "1")
    return int(said) if re.fullmatch(r"\d{1,15}", said) else 1


class Extent:
    """From the first place to the last that was added."""

    def __init__(self) -> None:
        self.first, self.last = 1 << 62, -1

    def add(self, first: int, last: int) -> None:
        """Count the places from `first` to `last` in."""
        self.first, self.last = min(self.first, first), max(self.last, last)

    @property
    def size(self) -> int:
        """How many places there are, from the first to the last."""
        return max(self.last - self.first + 1, 0)


def blocks(sheet: IO[bytes]) -> Iterator[bytes]:
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


def column_number(letters: bytes) -> int:
    """The place of a column: A is 1, XFD 16,384.

    Examples
    --------
    >>> column_number(b"XFD")
    16384
    """
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
