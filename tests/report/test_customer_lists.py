"""Lists of customers: readable numbers, and headings in the language of the page."""

import csv

import pandas as pd
import pytest

from cxlib.core import context
from cxlib.report.customer_lists import list_to_file

ROWS = pd.DataFrame(
    {
        "customer_id": ["control", "c2"],  # an id that is a word is no word
        "arm": ["control", None],
        "worth": [966.9000000000001, float("nan")],
        "comment": ["good", "=1+1"],
    }
)


def written(tmp_path, monkeypatch, lang: str) -> list[list[str]]:
    monkeypatch.setenv("CX_RUN_FOLDER", str(tmp_path))
    monkeypatch.delenv("CX_RUN_PAGE", raising=False)
    with context.use(context.Context(lang=lang)):
        file = list_to_file("call_list", ROWS)
    return list(csv.reader(file.open(encoding="utf-8-sig")))


@pytest.mark.parametrize(
    ("lang", "heads", "first"),
    [
        ("en", ["customer_id", "arm", "worth", "comment"], ["control", "control", "966.9", "good"]),
        ("zh", ["客户编号", "分组", "价值", "评论"], ["control", "对照组", "966.9", "good"]),
    ],
)
def test_a_list_has_headings_and_values_in_the_language_of_its_page(
    tmp_path, monkeypatch, lang, heads, first
):
    head, row, last = written(tmp_path, monkeypatch, lang)
    assert (head, row) == (heads, first)
    assert last == ["c2", "", "", "'=1+1"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.1305001212, "0.1305"), (19.99758568, "19.9976"), (1234567.891, "1234567.89")],
)
def test_numbers_have_the_digits_that_readers_need(tmp_path, monkeypatch, value, shown):
    monkeypatch.setenv("CX_RUN_FOLDER", str(tmp_path))
    file = list_to_file("worth", pd.DataFrame({"worth": [value]}))
    assert file.read_text(encoding="utf-8-sig").split() == ["worth", shown]


def test_two_columns_that_would_share_a_heading_keep_their_names(tmp_path, monkeypatch):
    rows = pd.DataFrame({"worth": [1.0], "wert": [2.0]})
    monkeypatch.setenv("CX_RUN_FOLDER", str(tmp_path))
    alike = context.Context(lang="zh", labels={"worth": "价值", "wert": "价值"})
    with context.use(alike):
        file = list_to_file("worth", rows)
    assert file.read_text(encoding="utf-8-sig").splitlines()[0] == "worth,wert"
