"""Errors in the cells of an .xls, which its reader takes for empty cells.

    list(errors(Path("a.xls").read_bytes(), "Sheet1"))      # (5, 1, 42): #N/A in B6

The streams of the file are those of a compound file [MS-CFB], their records those of [MS-XLS].
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import error as ShortError
from struct import unpack_from

import numpy as np

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
NAMES = {  # code of an error: how it is shown
    **{0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?"},
    **{0x24: "#NUM!", 0x2A: "#N/A", 0x2B: "#GETTING_DATA"},
}
BEGIN, END, SHEET, FORMULA, BOOLEAN_OR_ERROR = 0x809, 0x0A, 0x85, 0x06, 0x205  # kinds of records
LAST = 0xFFFFFFF8  # sectors from here on are none


def errors(content: bytes, sheet: str) -> Iterator[tuple[int, int, int]]:
    """Row and column (from 0) and code of each error in the sheet; none of a file of another kind.

    A broken file is left to its reader.
    """
    if not content.startswith(MAGIC):
        return
    try:
        stream = _workbook(content)
        yield from _of_sheet(stream, _offset(stream, sheet))
    except (ShortError, IndexError, ValueError):
        return


def _of_sheet(stream: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    depth = 0  # a chart within the sheet has records of its own
    for kind, start, size in _records(stream, at):
        depth += (kind == BEGIN) - (kind == END)
        if depth < 1:
            return
        if kind == BOOLEAN_OR_ERROR and depth == 1 and size >= 8 and stream[start + 7]:
            row, column = unpack_from("<HH", stream, start)
            yield row, column, stream[start + 6]
        elif kind == FORMULA and depth == 1 and size >= 14:
            row, column, _, what, code, no_number = unpack_from("<HHHBxBxxxH", stream, start)
            if no_number == 0xFFFF and what == 2:
                yield row, column, code


def _records(stream: bytes, at: int) -> Iterator[tuple[int, int, int]]:
    """Kind, place of the content and its size of each record from a place on."""
    while at + 4 <= len(stream):
        kind, size = unpack_from("<HH", stream, at)
        yield kind, at + 4, size
        at += 4 + size


def _offset(stream: bytes, sheet: str) -> int:
    """Where the records of a sheet begin; the end of the stream where it is not found."""
    for kind, start, size in _records(stream, 0):
        if kind == END:
            break
        if kind == SHEET:
            at, _, length, wide = unpack_from("<IHBB", stream, start)
            name = stream[start + 8 : start + size]
            old = stream[start + 7 : start + size]  # Excel 95 has no byte on the width of letters
            coded = (
                name[: 2 * length].decode("utf-16-le", "replace")
                if wide & 1
                else name.decode("latin-1")
            )
            if sheet in (coded, old.decode("latin-1")):
                return int(at)
    return len(stream)


def _workbook(content: bytes) -> bytes:
    """The stream of the book among those of the compound file."""
    shift, small = unpack_from("<HH", content, 30)
    if shift not in (9, 12):
        return b""
    first, cutoff, first_small = unpack_from("<I4xII", content, 48)
    more, _ = unpack_from("<II", content, 68)
    table = list(unpack_from("<109I", content, 76))
    while more < LAST and len(table) < len(content):
        part = unpack_from(f"<{(1 << shift) // 4}I", content, more + 1 << shift)
        table, more = [*table, *part[:-1]], part[-1]
    sectors = [content[s + 1 << shift : s + 2 << shift] for s in table if s < LAST]
    following = np.frombuffer(b"".join(sectors), "<u4")

    def chained(begin: int) -> bytes:
        places = _chain(following, begin)
        return b"".join(content[s + 1 << shift : s + 2 << shift] for s in places)

    directory, root = chained(first), b""
    for at in range(0, len(directory), 128):
        name = directory[at : at + 64].decode("utf-16-le", "replace").split("\0")[0]
        begin, size = unpack_from("<II", directory, at + 116)
        if not at:
            root = chained(begin)
        elif name in ("Workbook", "Book") and size >= cutoff:
            return chained(begin)[:size]
        elif name in ("Workbook", "Book"):
            places = _chain(np.frombuffer(chained(first_small), "<u4"), begin)
            return b"".join(root[s << small : s + 1 << small] for s in places)[:size]
    return b""


def _chain(following: np.ndarray, begin: int) -> Iterator[int]:
    """The sectors of a stream, one after the other; no more than there are, should they circle."""
    for _ in following:
        if begin >= len(following):
            return
        yield begin
        begin = int(following[begin])
