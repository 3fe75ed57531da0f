"""tables.xlsx: every table of a run, one sheet an answer, with a contents sheet that links to them.

    data = workbook.of_run(run, answers)      # bytes of the file; the same for the same run

Numbers stay numbers, in the format of their unit; what a page hides is empty here too.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from typing import Any

import pandas as pd
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink

from cxlib.core.columns import heading
from cxlib.core.i18n import _
from cxlib.report.answers import cells_of
from cxlib.report.customer_lists import spreadsheet_cell
from cxlib.report.html_tables import opened

LONGEST = 31  # characters of a sheet's name
NO_NAME = re.compile(r"[\[\]:*?/\\]")
FORMATS = {"share": "0.0%", "gap": "0.0%", "count": "#,##0", "money": "#,##0.00", "p": "0.000"}
# No times: two runs of the same inputs are the same file.
MODIFIED = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</)")
BOLD = Font(bold=True)


def of_run(run: Mapping[str, Any], answers: Mapping[str, Mapping[str, dict[str, Any]]]) -> bytes:
    """The workbook of a run in one of its languages.

    Parameters
    ----------
    run : as in run.json, with the pages of one language
    answers : as in answers.json: page -> name -> record
    """
    book = Workbook()
    contents = book.active
    contents.title = NO_NAME.sub(" ", _("Contents"))
    heads = [_("Table"), _("Page"), _("Finding"), _("Detail")]
    contents.append(heads)
    taken = {contents.title.lower()}
    for page in run["pages"]:
        for name, record in answers.get(page["page"], {}).items():
            if not record["table"]["rows"]:
                continue
            sheet = book.create_sheet(_sheet_name(page["page"], name, taken))
            _fill(sheet, record)
            detail = record.get("finding", {}).get("detail", "")
            words = [sheet.title, page["title"], record["answer"], detail]
            contents.append([spreadsheet_cell(w) for w in words])
            first = contents.cell(contents.max_row, 1)
            first.hyperlink = Hyperlink(first.coordinate, location=f"'{sheet.title}'!A1")
    _look(contents, [26, 34, 80, 50])
    written = io.BytesIO()
    book.save(written)
    return _without_times(written)


def _sheet_name(page: str, name: str, taken: set[str]) -> str:
    """A name that no other sheet has: "10 by_group"; of parts of a run with the part."""
    part = page.partition(".")[2]
    base = NO_NAME.sub(" ", f"{page[:2]} {name}{' ' + part if part else ''}")[:LONGEST]
    made, more = base, 2
    while made.lower() in taken:
        made, more = f"{base[: LONGEST - 4]} {more}", more + 1
    taken.add(made.lower())
    return made


def _fill(sheet: Any, record: Mapping[str, Any]) -> None:
    raw = pd.DataFrame(record["table"]["rows"], columns=record["table"]["columns"])
    shown, known = cells_of(dict(record))
    sheet.append([spreadsheet_cell(opened(heading(known, str(c)))) for c in shown])
    columns = [map(_cell, raw[c].tolist(), shown[c].tolist()) for c in shown]
    for row in zip(*columns, strict=True):
        sheet.append(row)
    for at, column in enumerate(shown, 1):
        unit = known[column].unit if column in known else ""
        for (cell,) in sheet.iter_rows(min_row=2, min_col=at, max_col=at):
            cell.number_format = FORMATS.get(unit, cell.number_format)
    _look(sheet, [28] + [14] * (len(shown.columns) - 1))


def _cell(value: object, words: str) -> object:
    """Numbers as numbers, texts as readers see them, nothing where nothing is shown."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value == value:
        return value
    return None if value is None or value != value else spreadsheet_cell(words)


def _look(sheet: Any, widths: list[int]) -> None:
    for cell in sheet[1]:
        cell.font, cell.alignment = BOLD, Alignment(wrap_text=True, vertical="bottom")
    for at, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(at)].width = width
    sheet.freeze_panes = "B2"


def _without_times(written: io.BytesIO) -> bytes:
    """The same archive, its members without the time at which they were made."""
    made = io.BytesIO()
    with zipfile.ZipFile(written) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = MODIFIED.sub(rb"\g<1>1980-01-01T00:00:00Z\2", old.read(name))
            new.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return made.getvalue()
