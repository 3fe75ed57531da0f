"""Text files become rows once: every line is a row, a blank line or a broken line, and is named."""

from __future__ import annotations

import csv
import io

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cxlib.data import intake
from cxlib.data.intake import IntakeError
from cxlib.data.intake.encodings import find_encoding
from cxlib.data.intake.tokenising import DELIMITERS, find_delimiter, tokenise

CASES = {  # text: rows as {line: cells}, broken lines as {line: (value, fields)}
    "quoted line ends": (
        'id,a\n1,"x\ny"\n2,"p\r\nq"\n3,z\n',
        {2: ["1", "x\ny"], 4: ["2", "p\r\nq"], 6: ["3", "z"]},
        {},
    ),
    "a broken line between texts of several lines": (
        'id,a\n1,"x\ny"\n2\n"3\n",z,4\n5,w\n',
        {2: ["1", "x\ny"], 7: ["5", "w"]},
        {4: ("2", 1), 5: ('"3\n",z,4', 3)},
    ),
    "line ends of old Macs": ("id,a\r1,x\r2\r3,y\r", {2: ["1", "x"], 4: ["3", "y"]}, {3: ("2", 1)}),
    "line ends of Windows": ("id,a\r\n1,x\r\n2\r\n", {2: ["1", "x"]}, {3: ("2", 1)}),
    "no line end at the end": ("id,a\n1,x", {2: ["1", "x"]}, {}),
    "blank lines and rows without any cell": (
        "id,a\n\n1,x\n,\n   \n2,y\n\n",
        {3: ["1", "x"], 6: ["2", "y"]},
        {5: ("   ", 1)},
    ),
    "zero bytes": ("id,a\n1,x\x00y\n", {2: ["1", "x\x00y"]}, {}),
    "a quotation mark inside a text": ('id,a\n1,5" disk\n', {2: ["1", '5" disk']}, {}),
    "doubled quotation marks": ('id,a\n1,"say ""no"""\n', {2: ["1", 'say "no"']}, {}),
    "an empty text in quotation marks": ('id,a\n1,""\n', {2: ["1", None]}, {}),
    "long texts": ("id,a\n1," + "x" * 3_000_000 + "\n", {2: ["1", "x" * 3_000_000]}, {}),
    "a single column": ("id\n1\n\n2\n", {2: ["1"], 4: ["2"]}, {}),
}


@pytest.mark.parametrize(("text", "rows", "broken"), CASES.values(), ids=CASES)
def test_every_line_is_a_row_a_blank_or_a_broken_one(text, rows, broken):
    tokens = tokenise(text, ",", "a.csv")
    cells = tokens.frame.astype(object).where(tokens.frame.notna(), None)
    assert dict(zip(cells.index, cells.values.tolist(), strict=True)) == rows
    wrong = tokens.broken.set_index("row")
    assert {k: (v["value"], v["found"]) for k, v in wrong.iterrows()} == broken


CELL = st.text(alphabet='ab ,;"\n\rä满\t', max_size=5)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.lists(CELL, min_size=1, max_size=4), max_size=6))
@example([["", ""], ["a", ""]])
@example([["\r\n", '"'], ["a"], ["", "b"]])
def test_rows_are_those_of_the_csv_module(records):
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows([["x", "y"], *records])
    tokens = tokenise(out.getvalue(), ",", "a.csv")
    reader = csv.reader(io.StringIO(out.getvalue(), newline=""))
    begins, whole = {}, []
    before = 0
    for record in reader:
        begins[before + 1], before = record, reader.line_num
    whole = {n: r for n, r in begins.items() if n > 1 and len(r) == 2 and any(r)}
    assert list(tokens.frame.index) == list(whole)
    assert tokens.frame.fillna("").values.tolist() == list(whole.values())
    assert tokens.broken["row"].tolist() == [n for n, r in begins.items() if len(r) != 2]


@pytest.mark.parametrize(
    "text", ['id,a\n1,"x\n2,y\n', 'id,a\n1,x\n2,"y', 'id,"a\n1,x\n', 'id\n"1\n']
)
def test_an_open_quotation_mark_is_refused_wherever_it_stands(text):
    with pytest.raises(IntakeError, match="quotation mark is opened and never closed"):
        tokenise(text, ",", "a.csv")


def test_the_first_line_of_excel_names_the_delimiter(tmp_path):
    (tmp_path / "a.csv").write_text("sep=;\nid;a\n1;x,y\n2\n")
    raw = intake.read_file(tmp_path / "a.csv")
    assert list(raw.frame) == ["id", "a"] and raw.frame.loc[3].tolist() == ["1", "x,y"]
    assert raw.broken["row"].tolist() == [4] and raw.delimiter == ";"
    assert raw.notes == ()


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ('a;b\n"1, 2, 3";x\n"4, 5, 6";y\n', ";"),
        ('a,b\n"1;2\n3;4",x\n', ","),
        ('"a, b, c"\t"d"\n1\t2\n', "\t"),
        ("a|b\n1,5|2,5\n", "|"),
        ("only\none\n", ""),
    ],
)
def test_delimiters_within_texts_do_not_count(text, delimiter):
    assert find_delimiter(text)[0] == delimiter


def test_only_a_delimiter_in_doubt_is_noted():
    even = "".join(f"{i};{i}\n" for i in range(100))
    assert find_delimiter("id;a\n" + even) == (";", "")
    delimiter, doubt = find_delimiter("id;a\n" + even + "1;2;3\n" * 20, "a.csv")
    assert delimiter == ";" and doubt.startswith("a.csv: delimiter semicolon: it gives only 83%")
    assert "no delimiter found" in find_delimiter("only\none\n")[1]


SIGNS = "网站电话客服门店北京上海广州深圳满意度非常好一般差男女经理产品价格服务质量等待时间"
WESTERN = ["Zürich", "São Paulo", "naïve", "£5", "50 €", "¿Qué?", "É", "à", "“hi”", "ÜÖÄ",
           "20 °C", "½ cup", "5 µm", "AÇÃO; ÁREA; Änderung", "§A, Ärger", "N.ºX",
           "Ação", "GRÖSSE ÜBER ÄRZTE", "déjà-vu à Évry", "Straße; Größe; süß"]  # fmt: skip


@pytest.mark.parametrize("rows", [1, 3, 40])
@pytest.mark.parametrize("word", WESTERN)
def test_western_words_among_numbers_are_western(word, rows):
    text = "id,x\n" + "".join(f"{i},{word}\n" for i in range(rows))
    assert find_encoding(text.encode("cp1252"))[0] == "cp1252"


@pytest.mark.parametrize("rare", ["Größe", "Çà et là", "Øst"])
def test_a_rare_western_word_among_many_degrees_is_western(rare):
    text = "id,x\n" + "1,20 °C\n2,5 °F\n" * 300 + f"3,{rare}\n" * 5
    assert find_encoding(text.encode("cp1252"))[0] == "cp1252"


@pytest.mark.parametrize(
    "words", ["男女", "是否", "大中小", ["台北市", "高雄市"], ["滿意", "不滿意"]]
)
def test_few_traditional_words_among_numbers_are_big5(words):
    text = "id,x\n" + "".join(f"{i},{words[i % len(words)]}\n" for i in range(40))
    assert find_encoding(text.encode("big5"))[0] == "cp950"


@pytest.mark.parametrize("length", [1, 2, 4])
@pytest.mark.parametrize("rows", [1, 3, 500])
def test_chinese_words_among_numbers_are_chinese(length, rows):
    words = [SIGNS[i % (len(SIGNS) - 4) :][:length] for i in range(rows)]
    text = "id,channel,comment\n" + "".join(
        f"{i},{word},a long comment in English\n" for i, word in enumerate(words)
    )
    assert find_encoding(text.encode("gb18030"))[0] == "gb18030"


def test_utf8_with_a_byte_order_mark_is_read_without_it_even_when_named(tmp_path):
    (tmp_path / "a.csv").write_bytes("id,a\n1,x\n".encode("utf-8-sig"))
    assert list(intake.read_file(tmp_path / "a.csv", encoding="utf-8").frame) == ["id", "a"]
    assert list(intake.read_file(tmp_path / "a.csv").frame) == ["id", "a"]


def test_cells_stay_text_as_they_are():
    frame = tokenise("id,a,b\n007,1e3,2026-01-02\ntrue,NA,null\n", ",", "a.csv").frame
    assert frame.values.tolist() == [["007", "1e3", "2026-01-02"], ["true", "NA", "null"]]
    assert frame.dtypes.tolist() == [pd.StringDtype(na_value=float("nan"))] * 3


@pytest.mark.parametrize("delimiter", [*DELIMITERS, " "])
def test_every_delimiter_splits_a_table_and_its_end(delimiter) -> None:
    text = delimiter.join(["id", "day"]) + "\n" + delimiter.join(["00001", "19970101"]) + "\n"
    tokens = tokenise(text, delimiter, "orders.txt")
    assert tokens.frame.to_numpy().tolist() == [["00001", "19970101"]]
    assert tokens.broken.empty
