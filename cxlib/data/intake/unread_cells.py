"""Cells of a workbook that a reader takes for empty: errors, and formulas that nobody computed.

    unread(Path("a.xlsx"), "Sheet1")      # row, place, cell, value, rule; a line a cell

Programs that write workbooks leave formulas without a value; Excel and LibreOffice compute them
when the file is opened and saved. These are looked for in .xlsx and .xlsm only, as such programs
hardly write another kind; errors are found in .xls, .xlsb and .ods, too.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import IO, cast
from xml.etree.ElementTree import Element, ParseError

import pandas as pd

from cxlib.data.intake import excel97, open_document
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.raw import ERROR, FORMULA
from cxlib.data.intake.sheet_extent import blocks, column_number, records

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
HIDDEN = re.compile(rb'<(?:\w+:)?row\b(?=[^>]*\shidden="(?:1|true)")[^>]*?\sr="(\d{1,7})"[^>]*>')
RELATIONS = "xl/_rels/workbook.%s.rels"
SHEET, ERRORS = 156, (3, 11)  # records of an .xlsb: a sheet, an error by itself or of a formula


def unread(path: Path, sheet: str) -> pd.DataFrame:
    """The cells of a sheet that hold an error, or a formula without a value.

    Returns
    -------
    row (from 1), place (of the column, from 0), cell ("D3"), value ("#N/A", "=7+0"), rule

    Raises
    ------
    IntakeError : there are more than `MOST` of them
    """
    found = sorted(islice(_cells(path, sheet), MOST + 1))
    if len(found) > MOST:
        raise IntakeError(
            f"{path.name}: sheet {sheet!r} has more than {MOST:,} cells that are errors or "
            "formulas without a value. Open it in Excel or LibreOffice and save it."
        )
    return pd.DataFrame(found, columns=["row", "place", "cell", "value", "rule"])


def hidden_rows(path: Path, sheet: str) -> set[int]:
    """The numbers (from 1) of the rows that a sheet hides; none of an .xlsb."""
    if not zipfile.is_zipfile(path):
        return excel97.hidden_rows(path.read_bytes(), sheet)
    with zipfile.ZipFile(path) as archive:
        if "content.xml" in archive.namelist():
            with archive.open("content.xml") as content:
                return open_document.hidden_rows(content, sheet)
        there = "xl/workbook.xml" in archive.namelist()
        if not (member := _member(archive, sheet) if there else ""):
            return set()
        with archive.open(member) as content:
            return {int(m[1]) for block in blocks(content) for m in HIDDEN.finditer(block)}


def _cells(path: Path, sheet: str) -> Iterator[tuple[int, int, str, str, str]]:
    if not zipfile.is_zipfile(path):
        for row, place, code in excel97.errors(path.read_bytes(), sheet):
            yield _placed(row, place, excel97.NAMES.get(code, f"error {code}"))
        return
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if "content.xml" in names:
            with archive.open("content.xml") as content:
                for row, place, words in open_document.errors(content, sheet, MOST):
                    yield _placed(row, place, words)
        elif "xl/workbook.bin" in names:
            if member := _member_of_binary(archive, sheet):
                with archive.open(member) as content:
                    yield from _of_records(content)
        elif member := _member(archive, sheet):
            with archive.open(member) as content:
                yield from _of_xml(content)


def _placed(row: int, place: int, words: str) -> tuple[int, int, str, str, str]:
    """An error at a row and a column that count from 0."""
    letters, left = "", place + 1
    while left:
        left, letter = divmod(left - 1, 26)
        letters = chr(65 + letter) + letters
    return row + 1, place, f"{letters}{row + 1}", words, ERROR


def _member_of_binary(archive: zipfile.ZipFile, sheet: str) -> str:
    """The part of an .xlsb that holds the sheet."""
    with archive.open("xl/workbook.bin") as book:
        for kind, content in records(book):
            if kind == SHEET:
                size = 2 * int.from_bytes(content[8:12], "little")
                relation = content[12 : 12 + size].decode("utf-16-le", "replace")
                if content[16 + size :].decode("utf-16-le", "replace") == sheet:
                    return _target(archive, "bin", relation)
    return ""


def _of_records(content: IO[bytes]) -> Iterator[tuple[int, int, str, str, str]]:
    row = 0
    for kind, cell in records(content):
        if not kind:
            row = int.from_bytes(cell[:4], "little")
        elif kind in ERRORS and len(cell) > 8:
            name = excel97.NAMES.get(cell[8], f"error {cell[8]}")
            yield _placed(row, int.from_bytes(cell[:4], "little"), name)


def _parsed(archive: zipfile.ZipFile, part: str) -> Element:
    """A part of the archive; an empty element where it is not there, too large or broken."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    if part in archive.namelist() and archive.getinfo(part).file_size <= LARGEST:
        with suppress(ParseError, DefusedXmlException):
            return cast(Element, fromstring(archive.read(part)))
    return Element("none")


def _target(archive: zipfile.ZipFile, kind: str, relation: str) -> str:
    """The part of the archive that a relation of the book names."""
    relations = _parsed(archive, RELATIONS % kind)
    target = next((r.get("Target", "") for r in relations if r.get("Id") == relation), "")
    member = posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")
    return member if member in archive.namelist() else ""


def _member(archive: zipfile.ZipFile, sheet: str) -> str:
    """The part of the archive that holds the sheet; empty where it cannot be told."""
    for about in _parsed(archive, "xl/workbook.xml").iter():
        if about.tag.endswith("}sheet") and about.get("name") == sheet:
            wanted = next((v for k, v in about.attrib.items() if k.endswith("}id")), "")
            return _target(archive, "xml", wanted)
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
