"""Errors in the cells of an .xls, which its reader takes for empty cells, and rows it hides.

    list(errors(Path("a.xls").read_bytes(), "Sheet1"))      # (5, 1, 42): #N/A in B6
    hidden_rows(Path("a.xls").read_bytes(), "Sheet1")       # {7, 8}

Read by xlrd, which tells errors from empty cells.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
NAMES = {  # code of an error: how it is shown [MS-XLS, 2.5.10]
    **{0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?"},
    **{0x24: "#NUM!", 0x2A: "#N/A", 0x2B: "#GETTING_DATA"},
}


def errors(content: bytes, sheet: str) -> Iterator[tuple[int, int, int]]:
    """Row and column (from 0) and code of each error in the sheet; none of a file of another kind.

    A broken file is left to its reader.
    """
    if not content.startswith(MAGIC):
        return
    from xlrd import XL_CELL_ERROR, open_workbook

    try:  # its remarks on the file are not shown
        with open_workbook(
            file_contents=content, logfile=io.StringIO(), on_demand=True, ragged_rows=True
        ) as book:
            cells = book.sheet_by_name(sheet)
    except Exception:  # xlrd raises many kinds for a broken book
        return
    for row in range(cells.nrows):
        for column, kind in enumerate(cells.row_types(row)):
            if kind == XL_CELL_ERROR:
                yield row, column, cells.cell_value(row, column)


def hidden_rows(content: bytes, sheet: str) -> set[int]:
    """The numbers (from 1) of the rows that the sheet hides; none of a file of another kind."""
    if not content.startswith(MAGIC):
        return set()
    from xlrd import open_workbook

    try:
        with open_workbook(
            file_contents=content, logfile=io.StringIO(), on_demand=True, formatting_info=True
        ) as book:
            rows = book.sheet_by_name(sheet).rowinfo_map
    except Exception:  # xlrd raises many kinds for a broken book
        return set()
    return {row + 1 for row, about in rows.items() if about.hidden}
