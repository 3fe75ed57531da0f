"""Errors in the cells of an .ods, which its reader takes for empty cells, and rows it hides.

errors(content, "Sheet1", 100)      # [(5, 1, "#N/A")]: row and column from 0; 100 at most
hidden_rows(content, "Sheet1")      # {7, 8}: rows from 1
"""

from __future__ import annotations

import re
from typing import IO
from xml.parsers import expat

from cxlib.data.intake.sheet_extent import TABLE, repeats

SHOWN = re.compile(r"#(N/A|DIV/0!|VALUE!|REF!|NAME\?|NUM!|NULL!)|Err:\d{3}")
KIND = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0 value-type"
MOST_ROWS = 1_048_576  # that a sheet may have
PARAGRAPH = "urn:oasis:names:tc:opendocument:xmlns:text:1.0 p"


def errors(content: IO[bytes], sheet: str, most: int) -> list[tuple[int, int, str]]:
    """Row and column (from 0) of each error of a sheet, and what the cell shows.

    LibreOffice marks them; in other files they are formulas that show one. A broken file is left to
    its reader.
    """
    found: list[tuple[int, int, str]] = []
    row = column = 0
    high = wide = 1
    here = marked = formula = inside = False
    shown = ""

    def begun(tag: str, about: dict[str, str]) -> None:
        nonlocal row, column, high, wide, here, marked, formula, inside, shown
        kind = tag.removeprefix(TABLE)
        if kind == "table":
            here, row = about.get(f"{TABLE}name") == sheet, 0
        elif kind == "table-row":
            high, column = repeats(about, "rows"), 0
        elif kind in ("table-cell", "covered-table-cell"):
            wide, shown = repeats(about, "columns"), ""
            marked, formula = about.get(KIND) == "error", f"{TABLE}formula" in about
        inside = here and tag == PARAGRAPH

    def words(some: str) -> None:
        nonlocal shown
        shown += some if inside else ""

    def ended(tag: str) -> None:
        nonlocal row, column, inside, marked, formula
        kind, inside = tag.removeprefix(TABLE), False
        if kind in ("table-cell", "covered-table-cell"):
            if here and (marked or formula and SHOWN.fullmatch(shown)):
                left = max(most + 1 - len(found), 0)
                places = ((row + r, column + c) for r in range(high) for c in range(wide))
                found.extend((*at, shown) for at, _ in zip(places, range(left), strict=False))
            column, marked, formula = column + wide, False, False
        elif kind == "table-row":
            row += high

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = begun, ended
    parser.CharacterDataHandler = words
    try:
        parser.ParseFile(content)
    except expat.ExpatError:
        return []
    return found


def hidden_rows(content: IO[bytes], sheet: str) -> set[int]:
    """The numbers (from 1) of the rows that a sheet hides, by hand or by a filter."""
    found: set[int] = set()
    row, here = 1, False

    def begun(tag: str, about: dict[str, str]) -> None:
        nonlocal row, here
        kind = tag.removeprefix(TABLE)
        if kind == "table":
            here, row = about.get(f"{TABLE}name") == sheet, 1
        elif kind == "table-row":
            high = repeats(about, "rows")
            if here and about.get(f"{TABLE}visibility") in ("collapse", "filter"):
                found.update(range(row, row + min(high, MOST_ROWS)))
            row += high

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = begun
    try:
        parser.ParseFile(content)
    except expat.ExpatError:
        return set()
    return found
