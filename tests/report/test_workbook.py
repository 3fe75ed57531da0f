"""tables.xlsx: one sheet an answer, numbers as numbers, the same bytes for the same run."""

from __future__ import annotations

from io import BytesIO
from zipfile import ZipFile

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

from cxlib.core import context
from cxlib.core.result import Result
from cxlib.report import answers, glossary, indexes, workbook


@pytest.fixture
def made() -> bytes:
    table = pd.DataFrame({"term": ["=speed", "b"], "estimate": [0.5, 0.25], "n": [40, 3]})
    record = answers._record("drivers", Result(table, "Speed leads.", unit="share"), "")
    run = {"pages": [{"page": "10_x", "title": "Which?"}, {"page": "20_y.zh", "title": "Y"}]}
    return workbook.of_run(run, {"10_x": {"drivers": record, "a" * 60: record},
                                 "20_y.zh": {}})  # fmt: skip


def test_each_answer_has_a_sheet_that_the_contents_lead_to(made: bytes) -> None:
    book = load_workbook(BytesIO(made))
    assert book.sheetnames == ["Contents", "10 drivers", "10 " + "a" * 28]
    contents = book["Contents"]
    assert [c.value for c in contents[2]][:3] == ["10 drivers", "Which?", "Speed leads."]
    assert contents["A2"].hyperlink.location == "'10 drivers'!A1"


def test_numbers_are_numbers_and_small_cells_stay_hidden(made: bytes) -> None:
    rows = [[c.value for c in row] for row in load_workbook(BytesIO(made))["10 drivers"]]
    assert rows[1] == ["'=speed", 0.5, 40] and rows[2][1] is None
    assert load_workbook(BytesIO(made))["10 drivers"]["B2"].number_format == "0.0%"


def test_a_missing_number_of_a_row_with_its_own_unit_is_a_dash() -> None:
    """A share without its value before ended the workbook of a whole run."""
    table = pd.DataFrame(
        {"term": ["a", "b"], "estimate": [0.5, 20.0], "share": [True, False], "n": 40}
    ).assign(before=[np.nan, np.nan])
    record = answers._record("mixed", Result(table, "Half."), "")
    assert record["table"]["rows"][0][4] is None
    text, _known = answers.cells_of(record)
    assert text["before"].tolist() == ["–", "–"]
    assert text["estimate"].tolist() == ["50%", "20.0"]


def test_characters_that_no_workbook_can_hold_are_left_out() -> None:
    """A group called so ended a run after its pages were made."""
    table = pd.DataFrame({"term": ["\x1b[31mred\x00\ufffe"], "estimate": [0.5], "n": [40]})
    answer = {"drivers": answers._record("drivers", Result(table, "\x1bRed leads."), "")}
    run = {"pages": [{"page": "10_x", "title": "Wh\x07ich?"}]}
    book = load_workbook(BytesIO(workbook.of_run(run, {"10_x": answer})))
    assert book["10 drivers"]["A2"].value.endswith("red")
    assert [c.value for c in book["Contents"][2]][1:3] == ["Which?", "Red leads."]


def test_the_file_holds_no_time(made: bytes) -> None:
    about = load_workbook(BytesIO(made)).properties
    assert (about.created.year, about.modified.year) == (1980, 1980)
    assert {i.date_time for i in ZipFile(BytesIO(made)).infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_glossary_explains_each_term_once(lang: str) -> None:
    with context.use(context.Context(lang=lang)):
        terms = [term for _name, part in glossary.parts() for term in part]
        html = indexes.glossary(lang)
    assert len({t.slug for t in terms}) == len({t.name for t in terms}) == len(terms) > 35
    assert all(f'id="{t.slug}"' in html and t.meaning for t in terms)
