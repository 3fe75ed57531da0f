"""Headers below titles, in two rows, repeated or empty; totals at the end: found and said."""

from __future__ import annotations

import pandas as pd
import pytest

from cxlib.data.intake import IntakeError, read_file

BODY = "1,2026-01-02,9,N\n2,2026-01-03,4,S\n3,2026-01-04,7,N\n4,2026-01-05,10,S\n"
NAMES = ["id", "day", "nps", "region"]
HEAD = ",".join(NAMES) + "\n"


def read(tmp_path, text: str, kind: str = "csv", **options):
    """The text read as a file of the kind: CSV, or the same cells in Excel."""
    path = tmp_path / f"a.{kind}"
    if kind == "csv":
        path.write_text(text, encoding="utf-8")
    else:
        rows = [line.split(",") for line in text.splitlines()]
        width = max(map(len, rows))
        cells = [[c or None for c in r] + [None] * (width - len(r)) for r in rows]
        pd.DataFrame(cells).to_excel(path, index=False, header=False, engine="openpyxl")
    return read_file(path, **options)


ABOVE = {  # what stands above the header: the line that the header is in
    "one title": ("Feedback 2025\n", 2),
    "a title, a date and a blank line": ("Feedback 2025\nExported 3 April\n\n", 4),
    "titles filled up with delimiters": ("Feedback 2025,,,\n,,,\n", 3),
    "a blank line": ("\n", 2),
    "a title in Chinese": ("满意度调查结果\n导出时间：2026年1月5日\n", 3),
}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize(("above", "line"), ABOVE.values(), ids=ABOVE)
def test_the_header_is_found_below_titles_and_said(tmp_path, kind, above, line):
    raw = read(tmp_path, above + HEAD + BODY, kind)
    assert list(raw.frame) == NAMES and raw.broken.empty
    assert raw.frame.index.tolist() == [line + i for i in range(1, 5)]
    assert any(f"the header is in line {line}" in n and "`header: " in n for n in raw.notes)
    assert raw.skipped["row"].tolist() == [
        i for i, t in enumerate(above.splitlines(), 1) if t.strip(",")
    ]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_titles_with_commas_do_not_decide_the_delimiter(tmp_path, delimiter):
    table = (HEAD + BODY.replace(".", "")).replace(",", delimiter)
    raw = read(tmp_path, f"Feedback, 2025\nall, waves\n\n{table}")
    assert list(raw.frame) == NAMES and raw.delimiter == delimiter and len(raw.frame) == 4


def test_decimal_commas_do_not_decide_the_delimiter(tmp_path):
    raw = read(tmp_path, "Umsatz 2025\n\nid;betrag\n1;1,5\n2;2,5\n3;3,5\n4;4,5\n")
    assert list(raw.frame) == ["id", "betrag"] and raw.frame["betrag"].iloc[0] == "1,5"


def test_a_column_of_texts_with_commas_stays_a_column(tmp_path):
    raw = read(tmp_path, "comment\nGood, really\nBad, slow\nI like it\nSo, so\n")
    assert list(raw.frame) == ["comment"] and raw.broken["row"].tolist() == [2, 3, 5]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_user_says_where_the_header_is(tmp_path, kind):
    text = "a,b,c,d\nx,y,z,w\n" + HEAD + BODY
    raw = read(tmp_path, text, kind, header=3)
    assert list(raw.frame) == NAMES and len(raw.frame) == 4
    with pytest.raises(IntakeError, match="line 99 is not there or blank.*`header: 99`"):
        read(tmp_path, text, kind, header=99)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_without_a_header_is_asked_about_and_read_when_said(tmp_path, kind):
    raw = read(tmp_path, BODY, kind)
    assert any("looks like data" in n and "`header: 0`" in n for n in raw.notes)
    raw = read(tmp_path, BODY, kind, header=0)
    assert list(raw.frame) == [f"(column {i})" for i in range(1, 5)] and len(raw.frame) == 4
    assert raw.frame.index[0] == 1


MATRIX = "Respondent,Please rate,,,Comments\n,Speed,Staff,Price,Open-Ended Response\n"
ROWS = "9001,3,1,1,\n9002,3,5,3,good\n9003,4,5,3,\n"
JOINED = ["Respondent", "Please rate - Speed", "Please rate - Staff", "Please rate - Price"]
TWO_ROWS = {  # two header rows: names of the columns
    "a matrix of SurveyMonkey": (MATRIX + ROWS, [*JOINED, "Comments"]),
    "merged cells over numbers": (
        "id,Service,,Product,\n,Speed,Staff,Speed,Price\n1,3,4,5,1\n2,4,4,5,2\n3,1,2,2,3\n",
        ["id", "Service - Speed", "Service - Staff", "Product - Speed", "Product - Price"],
    ),
    "groups above a header that repeats": (
        ",Service,,Product,\nid,Speed,Staff,Speed,Price\n1,3,4,5,1\n2,4,4,5,2\n3,1,2,2,3\n",
        ["id", "Service - Speed", "Service - Staff", "Product - Speed", "Product - Price"],
    ),
    "in Chinese": (
        "编号,请打分,,意见\n,速度,人员,开放式答案\n1,3,4,好\n2,4,4,\n3,1,2,差\n",
        ["编号", "请打分 - 速度", "请打分 - 人员", "意见"],
    ),
}


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize(("text", "names"), TWO_ROWS.values(), ids=TWO_ROWS)
def test_two_header_rows_are_joined_and_said(tmp_path, kind, text, names):
    raw = read(tmp_path, text, kind)
    assert list(raw.frame) == names
    assert len(raw.frame) == 3 and any("header takes 2 rows" in n for n in raw.notes)


def test_words_where_numbers_follow_are_labels(tmp_path):
    text = "Q1,Q2,Q3\nHow was it?,How fast?,Why?\n5,4,fine\n3,2,slow\n4,4,\n"
    raw = read(tmp_path, text)
    assert list(raw.frame) == ["Q1", "Q2", "Q3"] and len(raw.frame) == 3
    assert raw.labels == {"Q1": "How was it?", "Q2": "How fast?", "Q3": "Why?"}
    assert len(read(tmp_path, text, header_rows=1).frame) == 4


@pytest.mark.parametrize(
    "first", ["n/a,4,x", "1,n/a,x", "a,4,x", "-,-,-", ",,x"], ids=lambda first: first
)
def test_an_odd_first_answer_is_no_header(tmp_path, first):
    raw = read(tmp_path, f"q1,q2,why\n{first}\n5,4,fine\n3,2,slow\n4,4,\n")
    assert len(raw.frame) == 4 and list(raw.frame) == ["q1", "q2", "why"]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_every_column_can_be_named(tmp_path, kind):
    text = ",nps,Other,Other,Other (2),,\n1,9,a,b,c,d,\n2,8,a,b,c,,\n3,8,a,b,c,d,\n"
    raw = read(tmp_path, text, kind)
    names = ["(column 1)", "nps", "Other", "Other (3)", "Other (2)", "(column 6)"]
    assert list(raw.frame) == names
    assert raw.frame["(column 6)"].fillna("").tolist() == ["d", "", "d"]
    said = " ".join(raw.notes)
    assert "the header repeats 'Other'; the columns are called 'Other', 'Other (3)'" in said
    if kind == "csv":
        assert "1 column(s) have no name and no cell: left out" in said


TOTALS = {  # last lines: how many of them are no data
    "a total": ("Total,,30,\n", 1),
    "in German": ("Summe,,30,\n", 1),
    "in Chinese": ("合计,,30,\n", 1),
    "an average below a total": ("Total,,30,\nAverage,,7.5,\n", 2),
    "a total of another width": ("Total: 4\n", 1),
    "a remark below a blank line": ("\nSource: our shop,,,\n", 1),
    "a remark of another width": ("\nSource: our shop\n", 1),
    "a region of that name": ("5,2026-01-06,8,Total\n", 0),
    "a short line": ("5,2026-01-06\n", 0),
    "an answer with few cells": ("5,,,\n", 0),
    "nothing": ("", 0),
}


@pytest.mark.slow
@pytest.mark.parametrize(("last", "n"), TOTALS.values(), ids=TOTALS)
def test_totals_and_remarks_at_the_end_are_skipped_and_said(tmp_path, last, n):
    raw = read(tmp_path, HEAD + BODY + last)
    lines = sum(bool(line) for line in last.splitlines())
    assert len(raw.skipped) == n and raw.offered == 4 + lines - n
    assert any("`skip_last: 0` keeps them" in note for note in raw.notes) == bool(n)
    assert read(tmp_path, HEAD + BODY + last, skip_last=0).offered == 4 + lines


def test_totals_in_a_workbook_are_skipped(tmp_path):
    raw = read(tmp_path, HEAD + BODY + "Total,,30,\n", "xlsx")
    assert len(raw.frame) == 4 and raw.skipped["row"].tolist() == [6]


def test_a_sum_below_names_is_a_total_and_a_brand_is_not(tmp_path):
    rows = "brand,sold\nShell,5\nBP,7\nAral,8\n"
    assert len(read(tmp_path, rows + "Total,20\n").frame) == 3
    assert len(read(tmp_path, rows + "Total,6\n").frame) == 4


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_the_user_says_how_many_rows_to_skip(tmp_path, kind):
    raw = read(tmp_path, HEAD + BODY, kind, skip_last=2)
    assert len(raw.frame) == 2 and raw.skipped["why"].tolist() == ["`skip_last: 2`"] * 2


@pytest.mark.slow
def test_a_study_maps_repeated_and_nameless_columns(tmp_path, monkeypatch):
    import yaml

    from cxlib import reserve

    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    folder = tmp_path / "data" / "shop"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("Export of today\n\n,NPS,Other,Other\n7,9,x,2025\n8,3,x,2026\n")
    columns = {"response_id": "(column 1)", "nps": "NPS", "channel": "Other", "wave": "Other (2)"}
    about = {
        "title": "Shop",
        "source": "us",
        "licence": "internal",
        "tables": {"responses": {"files": [{"file": "a.csv", "header": 3}], "columns": columns}},
        "items": {"nps": {"label": "Recommend", "scale": [0, 10], "role": "nps"}},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(about))
    check = reserve.check("shop")
    assert check.ok and "the header repeats 'Other'" in str(check)
    reserve.load("shop")
    rows = reserve.open("shop")["responses"]
    assert rows["response_id"].tolist() == ["7", "8"] and rows["channel"].tolist() == ["x", "x"]
    assert rows["wave"].tolist() == ["2025", "2026"]


@pytest.mark.parametrize("below", ["mean,,8,\nmedian,,7.5,\n", "legend,,,\n,,,\nN,North,,\n"])
def test_a_block_below_the_table_is_no_data_and_is_said(tmp_path, below):
    raw = read(tmp_path, HEAD + BODY + ",,,\n,,,\n" + below, "xlsx")
    assert len(raw.frame) == 4 and any("below the table" in n for n in raw.notes)


def test_import_ids_are_found_beside_columns_added_by_hand(tmp_path):
    text = """Status,Q1,Q2,Q2,Mark
Response Type,How good?,Which?,Which else?,
"{""ImportId"":""status""}","{""ImportId"":""QID1""}","{""ImportId"":""QID2""}","{""ImportId"":""QID3""}",
IP Address,4,a,b,X
IP Address,5,a,c,
"""
    raw = read(tmp_path, text)
    assert list(raw.frame) == ["Status", "Q1", "Q2", "Q2 (2)", "Mark"]
    assert raw.labels["Q1"] == "How good?" and len(raw.frame) == 2
