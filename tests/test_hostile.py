"""A seeded part of `make chaos`: hostile conditions are refused or filter, files are reported."""

from __future__ import annotations

import random
import sqlite3
import string
import zipfile
from contextlib import closing, nullcontext

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from chaos import conditions, hostile

from cxlib.cli import errors
from cxlib.data import contract, study, yaml_limits
from cxlib.data.intake import (
    IntakeError,
    cells,
    databases,
    drafts,
    layout,
    readers,
    sheet_extent,
    workbooks,
)
from cxlib.data.intake.drafts import planning

pytestmark = pytest.mark.slow


def test_no_condition_is_more_than_a_filter() -> None:
    store = conditions.store()
    judged = [(text, *conditions.judge(store, text)) for text in conditions.conditions(1, 300)]
    assert [(text, wrong) for text, _taken, wrong in judged if wrong] == []
    assert 15 < sum(taken for _text, taken, _wrong in judged) < 100  # both ways are tried


def test_the_judge_sees_what_is_more_than_a_filter(monkeypatch) -> None:
    """A check that lets everything through is caught."""
    from cxlib.data import expressions

    monkeypatch.setattr(expressions, "_refuse_unsafe", lambda *_: None)
    store = conditions.store()
    for text in ("speed in (select speed from t)", "exists (select * from secret)"):
        assert conditions.judge(store, text)[1]


@pytest.mark.parametrize("name", ["commas", "columns-100000", "header-of-10-MB"])
def test_a_file_of_too_many_columns_is_refused_at_once(tmp_path, name) -> None:
    """Its time was quadratic in the number of columns: minutes for a file of 100 kB."""
    case = next(c for c in hostile.raw_bytes(random.Random(1)) if c.name == f"bytes/{name}")
    [path] = case.write(tmp_path)
    says = "which is no header" if "10-MB" in name else "columns; 16,384 are the most"
    with pytest.raises(IntakeError, match=says):
        readers.read_file(path)


BOMBS = {
    "alias-bomb": "more than 200,000 values",
    "alias-bomb-in-title": "more than 200,000 values",
    "merge-bomb": "more than 200,000 values",
    "recursive": "more than 200,000 values",
    "recursive-map": "more than 200,000 values",
    "brackets": "within each other",
    "braces": "within each other",
    "dashes": "within each other",
    "indents": "within each other",
    "long-title": "5,000,000 are the most",
}


@pytest.mark.few(6)
@pytest.mark.parametrize("name", BOMBS)
def test_a_study_that_stands_for_more_than_it_says_is_refused(tmp_path, name) -> None:
    """Read as they were, they took all memory, or ended the interpreter."""
    case = next(c for c in hostile.studies(random.Random(1)) if c.name == f"study/{name}")
    (tmp_path / "study.yaml").write_text(case.study, encoding="utf-8")
    with pytest.raises(study.StudyError, match=BOMBS[name]):
        study.read(tmp_path / "study.yaml")


def test_an_alias_that_repeats_a_little_is_taken() -> None:
    text = "a: &a {x: [1, 2]}\nb: *a\nc: {<<: *a, y: 3}\n"
    yaml_limits.refuse_bombs(text)
    assert study._parsed(text) == {
        "a": {"x": [1, 2]},
        "b": {"x": [1, 2]},
        "c": {"x": [1, 2], "y": 3},
    }


def test_names_are_made_unique_as_by_the_plain_rule() -> None:
    """Against the rule written out: the first free one of `name (2)`, `name (3)` and so on."""
    rng = random.Random(5)
    for _ in range(200):
        given = [rng.choice(["a", "b", "a (2)", " a", "", "a (3)"]) for _ in range(12)]
        plain = [c.strip() or f"(column {i + 1})" for i, c in enumerate(given)]
        names: list[str] = []
        for c in plain:
            new, n = c, 1
            while new in names or (n > 1 and new in plain):
                n += 1
                new = f"{c} ({n})"
            names.append(new)
        assert layout.unique_names(given, "a.csv")[0] == names


def test_a_message_lists_a_few_names_and_says_how_many_more() -> None:
    names = [letter * 2 for letter in string.ascii_lowercase]
    assert layout.listed(names).endswith("'ll' and 14 more")


FAR = {
    "far-cell": "1,048,576 rows and 16,384 columns",
    "beyond": "rows and 475,254 columns",
}


@pytest.mark.parametrize("name", ["far-cell", "beyond"])
def test_a_cell_far_from_the_table_is_refused_and_ends_nothing(tmp_path, name) -> None:
    """The reader made room for all between, and its failure ended the interpreter."""
    case = next(c for c in hostile.workbooks(random.Random(1)) if c.name == f"workbook/{name}")
    [path] = case.write(tmp_path)
    with pytest.raises(IntakeError, match=FAR[name]):
        readers.read_file(path)


@pytest.mark.parametrize("name", ["far-down", "far-right", "dimension", "row-0"])
def test_a_cell_that_takes_little_room_is_read(tmp_path, name) -> None:
    case = next(c for c in hostile.workbooks(random.Random(1)) if c.name == f"workbook/{name}")
    [path] = case.write(tmp_path)
    sheet_extent.refuse_far_cells(path, "a.xlsx")


def test_cells_without_a_place_are_counted_by_row(tmp_path) -> None:
    cells = b"<c><v>1</v></c>" * 20_000
    xml = b"<worksheet><sheetData><row>" + cells + b"</row></sheetData></worksheet>"
    (tmp_path / "a.xlsx").write_bytes(hostile.zipped(**{"xl/worksheets/sheet1.xml": xml}))
    with pytest.raises(IntakeError, match="20,000 columns"):
        sheet_extent.refuse_far_cells(tmp_path / "a.xlsx", "a.xlsx")


def _sheet_of_ods(*cells: str) -> bytes:
    """An OpenDocument sheet of a table of two cells, and more after it."""
    begin = (
        '<o:document-content xmlns:o="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
        'xmlns:t="urn:oasis:names:tc:opendocument:xmlns:table:1.0"><o:body><o:spreadsheet>'
        '<t:table t:name="Data"><t:table-row><t:table-cell o:value-type="string"/>'
        '<t:table-cell o:value-type="string"/></t:table-row>'
    )
    return (
        begin + "".join(cells) + "</t:table></o:spreadsheet></o:body></o:document-content>"
    ).encode()


EMPTY_ROWS = '<t:table-row t:number-rows-repeated="1048575"><t:table-cell/></t:table-row>'
FAR_CELL = '<t:table-row><t:table-cell t:number-columns-repeated="16383"/>%s</t:table-row>'
VALUE = '<t:table-cell o:value-type="float" o:value="1"/>'


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([EMPTY_ROWS, FAR_CELL % VALUE], "Data reach over 1,048,577 rows and 16,384 columns"),
        (['<t:table-row t:number-rows-repeated="99999">' + FAR_CELL[13:] % VALUE], "100,000 rows"),
        ([EMPTY_ROWS, FAR_CELL % "<t:table-cell/>"], ""),  # as every such file ends
        ([EMPTY_ROWS, f"<t:table-row>{VALUE}</t:table-row>"], ""),  # far down takes little room
        (["<broken"], ""),
    ],
)
def test_an_open_document_with_a_far_cell_is_refused(tmp_path, rows, says) -> None:
    (tmp_path / "a.ods").write_bytes(hostile.zipped(**{"content.xml": _sheet_of_ods(*rows)}))
    with pytest.raises(IntakeError, match=says) if says else nullcontext():
        sheet_extent.refuse_far_cells(tmp_path / "a.ods", "a.ods")


def test_a_sheet_of_blanks_without_end_is_refused_before_it_is_read(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(sheet_extent, "LARGE", 1 << 20)
    for name, content in (("blank", b" " * (4 << 20)), ("table", bytes(range(256)) * 10_000)):
        with zipfile.ZipFile(tmp_path / f"{name}.xlsx", "w", zipfile.ZIP_DEFLATED) as book:
            book.writestr("xl/worksheets/sheet1.xml", content)
    with pytest.raises(IntakeError, match=r"blank.xlsx unpacks to 1,0\d\d times its size, as no"):
        sheet_extent.refuse_far_cells(tmp_path / "blank.xlsx", "blank.xlsx")
    sheet_extent.refuse_far_cells(tmp_path / "table.xlsx", "table.xlsx")  # 235 times


def _record(kind: int, number: int, rest: bytes = b"") -> bytes:
    content = number.to_bytes(4, "little") + rest
    size = bytes([len(content) & 0x7F | 0x80, len(content) >> 7])  # the longer way to write it
    return (
        (bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])) + size + content
    )


@pytest.mark.parametrize(
    ("records", "says"),
    [
        ([(0, 1_048_575), (2, 16_383)], "sheet1 reach over 1,048,576 rows and 16,384 columns"),
        ([(0, 1_048_575), (2, 0)], ""),
        ([(148, 1_048_575), (500, 16_383)], ""),  # what the file says of itself is no cell
        ([(0, 1), (2, 70_000)], "70,001 columns"),
    ],
)
def test_a_binary_workbook_with_a_far_cell_is_refused(tmp_path, records, says) -> None:
    near = [_record(0, 0, bytes(300)), _record(2, 0, bytes(4)), _record(7, 1)]
    sheet = (
        b"".join(near + [_record(*r, bytes(200)) for r in records]) + _record(130, 0) + bytes(20)
    )
    path = tmp_path / "a.xlsb"
    path.write_bytes(hostile.zipped(**{"xl/worksheets/sheet1.bin": sheet}))
    with pytest.raises(IntakeError, match=says) if says else nullcontext():
        sheet_extent.refuse_far_cells(path, "a.xlsb")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, '{"a": 1}\n' + "[" * 100_000])
def test_brackets_without_end_are_no_records(tmp_path, text) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(IntakeError, match="a.json"):
        readers.read_file(tmp_path / "a.json")


def test_files_of_one_table_are_judged_once(tmp_path, monkeypatch) -> None:
    """The draft of an archive of 300 files took minutes; a file of few rows decides for itself."""
    few, many, judged = hostile.csv(hostile.table(2)), hostile.csv(hostile.table()), []
    ratings = planning.ratings
    monkeypatch.setattr(planning, "ratings", lambda c: judged.append(c) or ratings(c))
    files = {"a.csv": few, "b.csv": many, "c.csv": many.replace(b"c1", b"d1"), "d.csv": few}
    (tmp_path / "a.zip").write_bytes(hostile.zipped(**files))
    plan = drafts.plan("case", [tmp_path / "a.zip"])
    assert [len(columns["wave"].words) for columns in judged] == [2, 60]
    assert "responses" in plan.tables


@pytest.mark.parametrize("place", [28, 40, 45])  # in the header of the file, and in its content
def test_a_damaged_archive_is_said_to_be_one(tmp_path, place) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", "id,x\n1,2\n" * 50)
    content = bytearray(path.read_bytes())
    content[place] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(IntakeError, match="not a whole zip"):
        readers.read_file(path)


@pytest.mark.parametrize("look", [readers.read_file, workbooks.sheets])
def test_a_sheet_whose_cells_are_nowhere_is_a_damaged_workbook(tmp_path, look) -> None:
    """The book opens; its sheet is broken, which shows when the cells are read."""
    [book] = [c for c in hostile.cases(kinds=["workbooks"]) if c.name == "workbook/row-0"]
    [path] = book.write(tmp_path)
    with pytest.raises(IntakeError, match="not an Excel workbook that can be read"):
        look(path)


def test_a_damaged_database_is_said_to_be_one(tmp_path) -> None:
    path = tmp_path / "a.sqlite"
    with closing(sqlite3.connect(path)) as store:
        store.execute("create table a (x)")
        store.commit()
    content = path.read_bytes()
    path.write_bytes(content[:100] + bytes(300) + content[400:])
    with pytest.raises(IntakeError, match="SQLite cannot read the file"):
        databases.tables(path)


@pytest.mark.parametrize(
    ("key", "says"), [("? [a, b]\n: c", "a key is a word"), ("~: c", "no word")]
)
def test_a_key_that_is_no_word_is_named(tmp_path, key, says) -> None:
    (tmp_path / "study.yaml").write_text(f"{key}\ntitle: T\n")
    with pytest.raises(study.StudyError, match=says):
        study.read(tmp_path / "study.yaml")


def test_days_of_any_year_are_written() -> None:
    days = pd.Series(np.array(["2026-01-02", "290000-03-04", "NaT"], "datetime64[us]"))
    assert cells.text(days).tolist()[:2] == ["2026-01-02", "290000-03-04"]
    assert pd.isna(cells.text(days)[2])
    assert cells.iso_day(pd.Timestamp(np.datetime64("-4712-01-02", "us"))) == "-4712-01-02"
    moments = pd.Series(np.array(["2026-01-02T03:04:05"], "datetime64[us]"))
    assert cells.text(moments).tolist() == ["2026-01-02 03:04:05"]


def test_a_weight_of_more_than_all_people_is_out_of_range() -> None:
    """Sums of weights of 1e308 overflowed, and the page failed."""
    weight = contract.TABLES["responses"].columns["weight"]
    assert weight.high is not None and np.isfinite((weight.high * 1e9) ** 2)


def test_too_little_memory_is_said_in_words() -> None:
    error = pa.lib.ArrowMemoryError("malloc of size 9 failed")
    assert errors.is_ours(error) and "more memory than there is" in errors.in_words(error)
