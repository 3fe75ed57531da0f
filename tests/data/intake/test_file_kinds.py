"""A table is the same whatever kind of file it comes in, and a file is known by how it begins."""

from __future__ import annotations

import base64
import gzip
import json
import sqlite3
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from cxlib.data.intake import IntakeError, conversion, read_file
from cxlib.data.intake.readers import parts_of

FRAME = pd.DataFrame(
    {
        "id": [9007199254740993, 2, 3],
        "code": ["007", "08", None],
        "nps": pd.array([10, None, 0], dtype="Int64"),
        "amount": [2.5, 1234.25, None],
        "texte": ["Zürich; ça", 'say "no"', "两行\nline"],
    }
)
# A workbook of Excel 97 (id, nps, day), packed: no library of ours writes one.
XLS = (
    "c-rk)O=uHA6#izjX@1(~r=~(HloDvv*h0mFy|k->_GGEOC?aU;=1^+W5(SADt2IYK@T7Pt)Pt9*7k^MeZytn*9t1"
    "&1^yo=Y@X%&`?`2ohTA=|gROVaeo0&KB?Y!NYdHeIa6fe);@2p@IhTuch38AUZrYMEHN(|KQI9&AdASFj*Qy~<ji"
    "EQ%YN$aZs&mqru1qSY!FNlGUlulp<Bh$HT_XgsC_>fWT!yvK3EwV(=Azrl!pBCOCd{=rt72YS7tHOiSx2%q%WR0W"
    ";+*N$cNJ?7-eBOtmc`ugTXva%l#TT!sT3<i*=O;2}Hd#ZL*@6YogbrtO**w>yxQ#GSAoNX5_1ShA37YH$d~>>iui"
    "mbH-mUE$YgZuq_m%d*AM8Pz#MSoeh6&8VIVGE<h-NgK+~UJn=KK<RXh}d4t?voj2jphX65E*qaex0_;ejxRb_oTs"
    "6``P2wnz)Hji{94vQc8>%hH`MZw`--S|`OaE8)NPkmzBb;NTJ~NE|`UBahRf*d=^f&bm#?ox%xnm-5tTyIVLkCw;"
    "C+Yl_C%BY10VuPg7Ma`E$#M_t8F)=nxf4p%ND7T;O(NYX>gCOsc>=vBSy<_*SU%gdD;P(BEE{1#k-M$Glyai4@yE"
    "c13E#D!}$zB}q?&2aA(tJNB6C2GDO&uDxl>XZbxWXT{U>x?yYhUiRJSDTZx=u)B^GTQKfJ5eC~g)lTUG&D3cG&D3"
    "c<R#Q_U&~GROMzef1MYvFWlB~3o8-U67^dksM<103k)u41LPP6kEBwkkms+RB`(Ma7N~7m7iE;5`vf=ehA3&=9de"
    "$wB{k<*J==jw}{QSq`{{XLB(#-"
)


def text(delimiter: str, encoding: str, mark: str = ".") -> bytes:
    out = FRAME.to_csv(index=False, sep=delimiter, decimal=mark)
    return out.encode(encoding)


def workbook(path: Path) -> None:
    frame = FRAME.assign(id=FRAME["id"].astype(str))  # Excel holds no whole number so long
    frame.to_excel(path, index=False, engine="openpyxl")


def database(path: Path) -> None:
    store = sqlite3.connect(path)
    rows = FRAME.astype(object).where(FRAME.notna(), None)
    rows.to_sql("answers", store, index=False)
    store.close()


def lines(path: Path) -> None:
    rows = FRAME.astype(object).where(FRAME.notna(), None).to_dict("records")
    path.write_text("\n".join(json.dumps(r, ensure_ascii=False) for r in rows), encoding="utf-8")


def labelled(writer: str):
    frame = FRAME.assign(id=FRAME["id"].astype(str), nps=FRAME["nps"].astype("float64"))
    return lambda path: getattr(pyreadstat, writer)(frame, str(path))


def as_bytes(content: bytes):
    return lambda path: path.write_bytes(content)


KINDS = {
    "comma.csv": as_bytes(text(",", "utf-8")),
    "semicolon.csv": as_bytes(text(";", "gb18030", ",")),
    "tab.tsv": as_bytes(text("\t", "utf-16")),
    "bar.txt": as_bytes(text("|", "utf-8-sig")),
    "packed.csv.gz": as_bytes(gzip.compress(text(",", "utf-8"))),
    "sheet.xlsx": workbook,
    "records.jsonl": lines,
    "list.json": lambda path: FRAME.to_json(path, orient="records", force_ascii=False),
    "table.parquet": lambda path: FRAME.to_parquet(path),
    "shop.sqlite": database,
    "spss.sav": labelled("write_sav"),
    "stata.dta": labelled("write_dta"),
    "sas.xpt": labelled("write_xport"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_table_is_the_same_in_every_kind_of_file(tmp_path, name):
    if name == "semicolon.csv":
        KINDS[name] = as_bytes(text(";", "gb18030", ",").replace("ü".encode("gb18030"), b"u"))
    KINDS[name](tmp_path / name)
    raw = read_file(tmp_path / name)
    words = {c: conversion.text(raw.frame[c]) for c in ("id", "code", "texte")}
    assert words["id"].tolist() == ["9007199254740993", "2", "3"]
    assert words["code"].fillna("").tolist() == ["007", "08", ""]
    nps = conversion.number(raw.frame["nps"]).values
    np.testing.assert_equal(nps.to_numpy(), [10, np.nan, 0])
    if name != "semicolon.csv":  # its marks are decided later, by column
        amounts = conversion.number(raw.frame["amount"]).values
        np.testing.assert_equal(amounts.to_numpy(), [2.5, 1234.25, np.nan])
        assert words["texte"].iloc[0] == "Zürich; ça"
    assert raw.frame.index.name == "row" and raw.broken.empty and raw.skipped.empty


@pytest.mark.parametrize(
    ("name", "kind", "what"),
    [
        ("a.csv", "sheet.xlsx", "an Excel workbook"),
        ("a.csv", "packed.csv.gz", "packed with gzip"),
        ("a.xlsx", "table.parquet", "a Parquet file"),
        ("a.csv", "shop.sqlite", "an SQLite database"),
        ("a.sav", "stata.dta", "a Stata file"),
    ],
)
def test_a_file_with_another_ending_than_its_kind_is_read_and_said(tmp_path, name, kind, what):
    KINDS[kind](tmp_path / name)
    raw = read_file(tmp_path / name)
    assert len(raw.frame) == 3 and any(f"but it is {what}" in n for n in raw.notes)


def test_a_workbook_of_excel_97_is_read(tmp_path):
    (tmp_path / "a.xls").write_bytes(zlib.decompress(base64.b85decode(XLS)))
    frame = read_file(tmp_path / "a.xls").frame
    assert frame["id"].tolist() == ["007", "008"] and frame["nps"].tolist() == [9, 10]
    assert conversion.date(frame["day"]).values.tolist()[1] == pd.Timestamp("2026-01-03")


HTML = """<html><body><table><tr><td>menu</td></tr></table><table>
<tr><th colspan="3">Feedback 2025</th></tr><tr><th>id</th><th>nps</th><th>why</th></tr>
<tr><td>1</td><td>9</td><td>fast &amp; kind</td></tr><tr><td>2</td><td></td><td>ok</td></tr>
</table></body></html>"""
XML = """<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"
 xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet ss:Name="Raw"><Table>
<Row><Cell><Data ss:Type="String">id</Data></Cell><Cell><Data ss:Type="String">nps</Data></Cell>
<Cell><Data ss:Type="String">why</Data></Cell></Row><Row ss:Index="3"><Cell><Data
 ss:Type="Number">1</Data></Cell><Cell ss:Index="3"><Data ss:Type="String">fast</Data></Cell></Row>
</Table></Worksheet></Workbook>"""


@pytest.mark.slow
def test_a_page_or_xml_under_the_name_of_excel_is_read(tmp_path):
    (tmp_path / "a.xls").write_text(HTML)
    raw = read_file(tmp_path / "a.xls")
    assert raw.frame.fillna("").values.tolist() == [["1", "9", "fast & kind"], ["2", "", "ok"]]
    assert any("an HTML or XML table" in n for n in raw.notes)
    (tmp_path / "b.xls").write_text(XML)
    raw = read_file(tmp_path / "b.xls")
    assert raw.frame.fillna("").loc[3].tolist() == ["1", "", "fast"]


def test_xml_that_names_files_of_the_machine_is_refused(tmp_path):
    bomb = XML.replace("?>", '?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', 1)
    (tmp_path / "a.xls").write_text(bomb.replace("fast", "&e;"))
    with pytest.raises(IntakeError, match="XML that cannot be read"):
        read_file(tmp_path / "a.xls")


@pytest.mark.parametrize(
    "name", ["a.sav", "a.dta", "a.parquet", "a.xlsx", "a.sqlite", "a.sas7bdat"]
)
def test_text_under_the_name_of_another_kind_is_refused_with_the_reason(tmp_path, name):
    (tmp_path / name).write_text("id,nps\n1,9\n")
    with pytest.raises(IntakeError, match=r"does not begin as one|is not a Stata file"):
        read_file(tmp_path / name)


@pytest.mark.parametrize("name", ["sheet.xlsx", "table.parquet", "spss.sav", "packed.csv.gz"])
def test_half_a_file_is_an_error_in_a_sentence(tmp_path, name):
    KINDS[name](tmp_path / name)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(IntakeError, match=name):
        read_file(tmp_path / name)


# Files that hold several tables


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return path


def test_an_archive_with_one_table_is_read(tmp_path):
    members = {"__MACOSX/._a.csv": b"x", "export/a.csv": text(",", "utf-8")}
    path = archive(tmp_path / "a.csv", members)
    raw = read_file(path)
    assert len(raw.frame) == 3 and any("'export/a.csv' of the archive" in n for n in raw.notes)
    assert any("but it is a zip archive" in n for n in raw.notes)


def test_of_several_members_one_is_chosen(tmp_path):
    path = archive(tmp_path / "a.zip", {"a.csv": b"id,nps\n1,9\n", "b.csv": b"id\n7\n8\n"})
    assert parts_of(path) == [("member", "a.csv"), ("member", "b.csv")]
    with pytest.raises(IntakeError, match="holds 2 files: a.csv, b.csv. Choose one with `member:`"):
        read_file(path)
    assert len(read_file(path, member="b.csv").frame) == 2
    with pytest.raises(IntakeError, match=r"holds no file '../b.csv'"):
        read_file(path, member="../b.csv")


def test_the_sheet_that_is_read_is_said_with_the_others(tmp_path):
    with pd.ExcelWriter(tmp_path / "a.xlsx", engine="openpyxl") as book:
        pd.DataFrame().to_excel(book, sheet_name="Cover", index=False)
        FRAME.to_excel(book, sheet_name="Raw", index=False)
        FRAME.head(1).to_excel(book, sheet_name="Edited", index=False)
    raw = read_file(tmp_path / "a.xlsx")
    assert len(raw.frame) == 3
    assert "sheet 'Raw' (4 rows) of 3. Not read: 'Edited' (2 rows)" in raw.notes[0]
    assert len(read_file(tmp_path / "a.xlsx", sheet="Edited").frame) == 1
    assert parts_of(tmp_path / "a.xlsx") == [("sheet", "Raw"), ("sheet", "Edited")]


def test_a_hidden_sheet_is_not_read_unless_named(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title, book.active.sheet_state = "Old", "hidden"
    book.active.append(["id"])
    book.active.append([1])
    shown = book.create_sheet("New")
    for row in (["id"], [2], [3]):
        shown.append(row)
    book.save(tmp_path / "a.xlsx")
    assert len(read_file(tmp_path / "a.xlsx").frame) == 2
    assert len(read_file(tmp_path / "a.xlsx", sheet="Old").frame) == 1


def test_a_database_needs_a_table_or_a_query(tmp_path):
    path = tmp_path / "shop.db"
    database(path)
    store = sqlite3.connect(path)
    store.execute("create table orders (id integer)")
    store.execute("insert into orders values (1)")
    store.commit()
    with pytest.raises(IntakeError, match=r"2 tables: answers, orders. Choose one with `table:`"):
        read_file(path)
    assert len(read_file(path, table="orders").frame) == 1
    assert read_file(path, query="select count(*) as n from answers").frame["n"].tolist() == [3]
    with pytest.raises(IntakeError, match=r"no table 'order'. It has: answers, orders"):
        read_file(path, table="order")


@pytest.mark.parametrize(
    "query",
    [
        "attach 'other.db' as x",
        "drop table answers",
        "insert into answers(id) values (1)",
        "pragma journal_mode = off",
        "select * from nothing",
        "select 1; select 2",
    ],
)
def test_a_query_only_reads(tmp_path, query):
    database(tmp_path / "shop.db")
    with pytest.raises(IntakeError, match="SQLite cannot read query"):
        read_file(tmp_path / "shop.db", query=query)


def test_a_table_and_a_query_are_one_too_many(tmp_path):
    database(tmp_path / "shop.db")
    with pytest.raises(ValueError, match="either table or query"):
        read_file(tmp_path / "shop.db", table="answers", query="select 1")


# JSON


def test_what_is_nested_becomes_columns(tmp_path):
    records = [
        {"id": 1, "values": {"Q1": 9, "deep": {"x": 1}}, "tags": ["a", "b"], "none": None},
        {"id": 2**60 + 1, "values": {"Q1": None}, "tags": [], "more": True},
    ]
    (tmp_path / "a.json").write_text(json.dumps({"meta": {}, "responses": records}))
    raw = read_file(tmp_path / "a.json")
    frame = raw.frame
    assert list(frame) == ["id", "values.Q1", "values.deep", "tags", "none", "more"]
    assert frame["id"].tolist() == [1, 2**60 + 1] and frame["tags"].iloc[0] == "a; b"
    assert frame["values.deep"].iloc[0] == '{"x": 1}'
    assert any("2 records of 'responses'" in n for n in raw.notes)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"id": 1}\n{"id": 2\n', "line 2: no JSON record"),
        ('[{"id": 1}, 7]', "record 2 .*is no object"),
        ("[]", "holds no records"),
        ('{"a": [{"x": 1}], "b": [{"x": 1}]}', "several lists: a, b. Choose with `table:`"),
        ('[{"id": 1}', "is not JSON"),
    ],
)
def test_json_that_is_no_table_says_why(tmp_path, content, says):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(IntakeError, match=says):
        read_file(tmp_path / "a.json")


# Labels


@pytest.mark.parametrize("name", ["a.sav", "a.dta"])
def test_labels_come_along_and_declared_missing_is_missing(tmp_path, name):
    frame = pd.DataFrame({"q1": [1.0, 2.0, 99.0], "region": [1.0, 2.0, 2.0]})
    labels = {"q1": {1.0: "Low", 2.0: "High", 99.0: "Refused"}, "region": {1.0: "North"}}
    if name == "a.sav":
        pyreadstat.write_sav(
            frame,
            str(tmp_path / name),
            column_labels=["How was it?", None],
            variable_value_labels=labels,
            missing_ranges={"q1": [{"lo": 90, "hi": 99}]},
        )
    else:
        frame["q1"] = frame["q1"].astype(object).where(frame["q1"] != 99, "a")
        whole = {c: {int(k): v for k, v in d.items() if k != 99} for c, d in labels.items()}
        whole["q1"]["a"] = "Refused"
        pyreadstat.write_dta(
            frame,
            str(tmp_path / name),
            column_labels=["How was it?", None],
            variable_value_labels=whole,
            missing_user_values={"q1": ["a"]},
        )
    raw = read_file(tmp_path / name)
    assert raw.labels == {"q1": "How was it?"}
    assert {float(k): v for k, v in raw.values["q1"].items()} == {1.0: "Low", 2.0: "High"}
    np.testing.assert_equal(raw.frame["q1"].to_numpy(float), [1, 2, np.nan])
    assert any("q1: 1 cell(s) declared missing" in n and "'Refused'" in n for n in raw.notes)
