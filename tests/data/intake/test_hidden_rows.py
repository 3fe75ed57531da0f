"""Rows that a sheet hides count, and a study is asked about them each time it is loaded."""

import zipfile

import openpyxl
import pytest

from cxlib import reserve
from cxlib.data import intake
from cxlib.data.intake import open_document
from cxlib.data.intake.workbooks import read
from cxlib.data.mapping import Reading

ODS = """<?xml version="1.0"?><office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>
<table:table table:name="A">{rows}</table:table></office:spreadsheet></office:body>
</office:document-content>"""


def book(path, hidden=()) -> None:
    made = openpyxl.Workbook()
    made.active.append(["Response ID", "Recommend", "Region"])
    for k in range(40):
        made.active.append([f"R{k}", (7 * k) % 11, "North" if k % 2 else "South"])
    for row in hidden:
        made.active.row_dimensions[row].hidden = True
    made.save(path)


def test_rows_that_a_later_file_hides_are_a_question(folder):
    book(folder / "a.xlsx")
    (folder / "study.yaml").write_text(intake.draft("new", [folder / "a.xlsx"]), encoding="utf-8")
    assert reserve.check("new").ok
    book(folder / "a.xlsx", hidden=(5, 6, 30))
    check = reserve.check("new")
    assert check.exit_code == reserve.LOST and len(check.taken["responses"].rows) == 40
    assert "a.xlsx: 3 rows that sheet 'Sheet' hides (by a filter or by hand), the first" in str(
        check
    )
    accepted = (folder / "study.yaml").read_text() + "\naccept: [responses.doubtful_sheet]\n"
    (folder / "study.yaml").write_text(accepted, encoding="utf-8")
    assert reserve.check("new").ok


@pytest.fixture
def document(tmp_path):
    """An .ods of a header and ten rows, of which the fourth to sixth are hidden."""
    cells = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = [f"<table:table-row>{(cells * 2).format('id', 'nps')}</table:table-row>"]
    for k in range(10):
        shown = {3: ' table:visibility="filter"', 4: ' table:visibility="collapse"'}.get(k, "")
        rows.append(f"<table:table-row{shown}>{(cells * 2).format(f'r{k}', k)}</table:table-row>")
    with zipfile.ZipFile(path := tmp_path / "a.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", ODS.format(rows="\n".join(rows)))
    return path


def test_hidden_rows_of_an_open_document_are_counted(document):
    with zipfile.ZipFile(document) as archive, archive.open("content.xml") as content:
        assert open_document.hidden_rows(content, "A") == {5, 6}
    raw = read(document, "a.ods", Reading())
    assert (
        "2 rows that sheet 'A' hides (by a filter or by hand), the first in row 5" in raw.doubts[0]
    )
