"""Cells of a workbook that a reader takes for empty: errors, and formulas that nobody computed.

    unread(Path("a.xlsx"), "Sheet1")      # row, place, cell, value, rule; a line a cell

Programs that write workbooks leave formulas without a value; Excel and LibreOffice compute them
when the file is opened and saved. Only .xlsx and .xlsm are looked at: such programs hardly write
another kind, of which a reader does not say where an error stood.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO
from xml.etree.ElementTree import ParseError

import pandas as pd

from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.raw import ERROR, FORMULA
from cxlib.data.intake.sheet_extent import blocks, column_number

LARGEST = 1 << 24  # bytes of the list of sheets
MOST = 1_000_000  # such cells, of which a workbook is to be saved again before it is read
LONGEST = 60  # characters of a formula that are kept
CELL = rb'<(?:\w+:)?c r="([A-Z]{1,3})(\d{1,7})"([^>]*)>'
FORMULA_IN = re.compile(
    CELL + rb"\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>([^<]*)</(?:\w+:)?f>)"
    rb"\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v[^>]*></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
ERROR_IN = re.compile(
    rb'<(?:\w+:)?c r="([A-Z]{1,3})(\d{1,7})"[^>]*\bt="e"[^>]*>'
    rb"(?:\s*<(?:\w+:)?f\b(?:[^>]*/>|[^>]*>[^<]*</(?:\w+:)?f>))?\s*<(?:\w+:)?v[^>]*>([^<]*)<"
)
RELATIONS = "xl/_rels/workbook.xml.rels"


def unread(path: Path, sheet: str) -> pd.DataFrame:
    """The cells of a sheet that hold an error, or a formula without a value.

    Returns
    -------
    row (from 1), place (of the column, from 0), cell ("D3"), value ("#N/A", "=7+0"), rule; empty
    for a file that is no .xlsx or .xlsm

    Raises
    ------
    IntakeError : there are more than `MOST` of them
    """
    found: list[tuple[int, int, str, str, str]] = []
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if member := _member(archive, sheet):
                with archive.open(member) as content:
                    found = sorted(islice(_of_xml(content), MOST + 1))
    if len(found) > MOST:
        raise IntakeError(
            f"{path.name}: sheet {sheet!r} has more than {MOST:,} cells that are errors or "
            "formulas without a value. Open it in Excel or LibreOffice and save it."
        )
    return pd.DataFrame(found, columns=["row", "place", "cell", "value", "rule"])


def _member(archive: zipfile.ZipFile, sheet: str) -> str:
    """The part of the archive that holds the sheet; empty where it cannot be told."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    names = set(archive.namelist())
    parts = [archive.getinfo(n) for n in ("xl/workbook.xml", RELATIONS) if n in names]
    if len(parts) < 2 or any(p.file_size > LARGEST for p in parts):
        return ""
    try:
        book, relations = (fromstring(archive.read(p)) for p in parts)
    except (ParseError, DefusedXmlException):
        return ""
    targets = {r.get("Id"): r.get("Target", "") for r in relations}
    for about in book.iter():
        if about.tag.endswith("}sheet") and about.get("name") == sheet:
            wanted = next((v for k, v in about.attrib.items() if k.endswith("}id")), "")
            member = posixpath.normpath(posixpath.join("/xl", targets.get(wanted, ""))).lstrip("/")
            return member if member in names else ""
    return ""


def _of_xml(content: IO[bytes]) -> Iterator[tuple[int, int, str, str, str]]:
    for block in blocks(content):
        if b't="e"' in block:
            for letters, row, value in ERROR_IN.findall(block):
                yield _found(letters, row, value.decode("utf-8", "replace"), ERROR)
        if b"<f" in block or b":f" in block:
            for letters, row, about, formula in FORMULA_IN.findall(block):
                if b't="str"' not in about and b't="e"' not in about:  # "" is a value
                    shown = "=" + formula.decode("utf-8", "replace")[:LONGEST]
                    yield _found(letters, row, shown, FORMULA)


def _found(letters: bytes, row: bytes, value: str, rule: str) -> tuple[int, int, str, str, str]:
    cell = letters.decode() + row.decode()
    return int(row), column_number(letters) - 1, cell, value, rule
