"""Files become tables: what is found out is said; what breaks the contract is counted."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlib.data import contract as intake_tables
from cxlib.data import intake, study
from cxlib.data.intake import IntakeError
from cxlib.data.intake import conversion as cells
from cxlib.data.intake.encodings import find_encoding

ANSWERS = "id,recommend,speed\n1,9,5\n2,10,4\n3,0,1\n"
CHINESE = "编号,渠道,满意度\n1,网站,9\n2,电话客服,8\n3,门店,10\n"


@pytest.fixture
def make(tmp_path, monkeypatch):
    """Write files and a study.yaml of responses (or other tables) and read the study."""
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    folder = tmp_path / "data" / "shop"
    folder.mkdir(parents=True)

    def write(files: dict[str, str | bytes], **keys: object) -> study.Study:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (folder / name).write_bytes(data)
        about = {
            "title": "Shop",
            "source": "us",
            "licence": "internal",
            "tables": {"responses": {"files": "a.csv", "columns": {"response_id": "id"}}},
            "items": {"recommend": {"label": "Recommend", "scale": [0, 10], "role": "nps"}},
        } | keys
        (folder / "study.yaml").write_text(yaml.safe_dump(about, allow_unicode=True), "utf-8")
        return study.read("shop")

    return write


def responses(**changes: object) -> dict:
    return {"responses": {"files": "a.csv", "columns": {"response_id": "id"}, **changes}}


# Reading files


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("gbk", "gb18030"),
        ("gb18030", "gb18030"),
    ],
)
def test_chinese_is_read_in_its_encoding_and_a_guess_is_noted(tmp_path, encoding, found):
    (tmp_path / "a.csv").write_bytes((CHINESE * 1).encode(encoding))
    raw = intake.read_file(tmp_path / "a.csv")
    assert raw.encoding == found
    assert list(raw.frame["渠道"]) == ["网站", "电话客服", "门店"]
    noted = [note for note in raw.notes if f"encoding {found}" in note]
    assert len(noted) == len(raw.notes) == (found == "gb18030")  # the others are certain


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_western_letters_are_not_taken_for_chinese(tmp_path, encoding):
    text = "id;ort\n1;Zürich\n2;Genève\n3;Málaga, España\n4;Düsseldorf à Köln\n"
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    raw = intake.read_file(tmp_path / "a.csv")
    assert raw.encoding == "cp1252"
    assert raw.frame["ort"].iloc[1] == "Genève"


@pytest.mark.parametrize("word", ["EDUCAÇÃO", "AÇÃO DA NAÇÃO", "ÄÖÜ im Groß", "Straße; Größe; süß"])
def test_runs_of_western_letters_inside_words_are_western(word):
    text = f"id,wort\n1,{word}\n2,INSTALAÇÃO\n"
    assert find_encoding(text.encode("cp1252"))[0] == "cp1252"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("订单编号,会员编号,下单时间,实付金额\n1,2,2024-11-20,11.52\n", "gb18030"),
        ("注文番号,顧客番号,注文日,金額\n1,2,2024/11/20,12\n", "cp932"),
        ("回答番号,地域\n1,東京\n2,どちらともいえない\n", "cp932"),
        ("問卷編號,地區,滿意度\n1,臺北,非常滿意\n", "cp950"),
        ("Müşteri No;Şehir\n1;İstanbul\n", "cp1254"),
        ("Þjónusta;Ánægja\nÞór;góð\n", "cp1252"),
        ("Größe;Straße;Höhe\nMünchen;Köln;ö\n", "cp1252"),
        ("Qualité;Ville;Événement\nà Paris;é;è\n", "cp1252"),
    ],
)
def test_a_short_header_is_enough_to_find_the_encoding(text, encoding):
    assert find_encoding(text.encode(encoding))[0] == encoding


def test_one_broken_byte_in_utf8_is_an_error_not_another_encoding():
    good = "满意度很高\n".encode() * 30
    with pytest.raises(IntakeError, match="broken byte.*line 31"):
        find_encoding(good + b"\xff\n", "a.csv")


def test_a_named_encoding_that_does_not_fit_names_the_line(tmp_path):
    (tmp_path / "a.csv").write_bytes(CHINESE.encode("gbk"))
    with pytest.raises(IntakeError, match="not in utf-8: line 1"):
        intake.read_file(tmp_path / "a.csv", encoding="utf-8")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_and_not_noted(tmp_path, delimiter):
    text = 'id{d}text\n1{d}"a, b; c"\n2{d}"d, e; f"\n'.replace("{d}", delimiter)
    (tmp_path / "a.csv").write_text(text)
    raw = intake.read_file(tmp_path / "a.csv")
    assert raw.delimiter == delimiter
    assert list(raw.frame["text"]) == ["a, b; c", "d, e; f"]
    assert raw.notes == ()


def test_rows_are_called_by_the_line_they_begin_in(tmp_path):
    (tmp_path / "a.csv").write_text('id,text\n1,"two\nlines"\n\n2,one\n')
    raw = intake.read_file(tmp_path / "a.csv")
    assert list(raw.frame.index) == [2, 5]
    assert any("1 blank line" in note for note in raw.notes)


def test_lines_with_too_many_or_too_few_fields_are_broken(tmp_path):
    (tmp_path / "a.csv").write_text("id,a\n1,2\n2,3,4\n3\n4,5\n")
    raw = intake.read_file(tmp_path / "a.csv")
    assert list(raw.frame["id"]) == ["1", "4"] and list(raw.frame.index) == [2, 5]
    assert list(raw.broken["row"]) == [3, 4]
    assert raw.offered == 4


def test_blanks_around_column_names_are_cut_and_said(tmp_path):
    (tmp_path / "a.csv").write_text("id , nps\n1,2\n")
    raw = intake.read_file(tmp_path / "a.csv")
    assert list(raw.frame) == ["id", "nps"]
    assert any("blanks around 2" in note for note in raw.notes)


def test_gzip_excel_and_parquet_hold_the_same(tmp_path):
    frame = pd.DataFrame({"id": [1, 2], "recommend": [9, 10]})
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(frame.to_csv(index=False).encode()))
    frame.to_excel(tmp_path / "a.xlsx", index=False, sheet_name="Answers")
    frame.to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv.gz", "a.xlsx", "a.parquet"):
        read = intake.read_file(tmp_path / name).frame
        assert cells.number(read["recommend"]).values.tolist() == [9, 10], name


@pytest.mark.slow
def test_an_excel_sheet_that_is_not_there_lists_those_that_are(tmp_path):
    pd.DataFrame({"id": [1]}).to_excel(tmp_path / "a.xlsx", sheet_name="Wave 1", index=False)
    with pytest.raises(IntakeError, match=r"no sheet 'Wave 2'.*Wave 1"):
        intake.read_file(tmp_path / "a.xlsx", sheet="Wave 2")


def test_spss_labels_and_value_labels_come_along(tmp_path, make):
    import pyreadstat

    study = make(
        {"a.csv": ANSWERS},
        tables={
            "responses": {
                "files": "a.sav",
                "columns": {"response_id": "id", "recommend": "q1", "sex": "sex"},
            }
        },
    )
    frame = pd.DataFrame({"id": ["a", "b"], "q1": [9.0, 3.0], "sex": [1.0, 2.0]})
    pyreadstat.write_sav(
        frame,
        str(study.folder / "a.sav"),
        column_labels={"q1": "Would you recommend us?"},
        variable_value_labels={"sex": {1: "male", 2: "女"}},
    )
    taken = intake.table(study, "responses")
    assert list(taken.rows["sex"]) == ["male", "女"]
    assert taken.labels["q1"] == "Would you recommend us?"


# Cells


def test_words_for_no_value_are_missing_and_said():
    done = cells.number(pd.Series(["7", "n/a", "", "NULL"]))
    assert done.values.notna().tolist() == [True, False, False, False]
    assert not done.bad.any() and "2 cell(s)" in done.notes[0]


def test_a_code_with_a_leading_zero_stays_text():
    read = cells.guess(pd.Series(["007", "120"]))
    assert read.values.tolist() == ["007", "120"]


def test_text_among_numbers_is_warned_of():
    read = cells.guess(pd.Series([str(i) for i in range(30)] + ["about 7"]))
    assert read.values.iloc[-1] == "about 7" and read.odd[0] == 1 and "about 7" in read.odd[1].json


# Tables


@pytest.mark.slow
def test_rows_offered_are_kept_or_quarantined(make):
    rows = "id,recommend\n1,9\n2,11\n3,often\n,5\n1,7\n6,7,8\n8,10\n"
    taken = intake.table(make({"a.csv": rows}), "responses")
    assert (taken.offered, len(taken.rows), taken.quarantined, taken.cells) == (7, 4, 3, 2)
    reasons = intake.in_words(taken.quarantine).set_index("row")["reason"].to_dict()
    assert reasons == {
        3: "outside the scale 0 to 10",
        4: "not a number",
        5: "empty; every row must have it",
        6: "the same response_id as row 2",
        7: "3 fields where the header has 2",
    }
    assert list(taken.quarantine) == intake.QUARANTINE
    assert taken.quarantine["lost"].tolist() == ["cell", "cell", "row", "row", "row"]
    assert taken.losses.values.tolist() == [
        ["responses", "", "row", 3, 7],
        ["responses", "recommend", "cell", 2, 4],
    ]


@pytest.mark.slow
def test_of_rows_with_the_same_key_the_first_sound_one_is_kept(make):
    tables_ = {
        "customers": {"files": "c.csv", "columns": {"customer_id": "id"}},
        "orders": {
            "files": "o.csv",
            "columns": {"order_id": "id", "customer_id": "who", "at": "at"},
        },
    }
    orders = "id,who,at\n1,a,soon\n1,nobody,2026-01-01\n1,a,2026-01-02\n1,a,2026-01-03\n"
    study_ = make({"c.csv": "id\na\n", "o.csv": orders}, tables=tables_, strict=True)
    taken = intake.every_table(study_)["orders"]
    assert taken.rows["at"].dt.day.tolist() == [2]
    lost = taken.quarantine.set_index("row")
    assert lost["rule"].tolist() == ["not_iso_date", "unknown_reference", "duplicate_key"]
    assert json.loads(lost["params"][5]) == {"key": ["order_id"], "row": 4}
    assert lost["value"].tolist() == ["soon", "nobody", "1"]


def test_dates_out_of_order_are_warned_of_and_kept(make):
    tables_ = {
        "cases": {
            "files": "c.csv",
            "columns": {"case_id": "id", "opened_at": "opened", "solved_at": "solved"},
        }
    }
    cases = (
        "id,opened,solved\n1,2026-01-05 10:00,2026-01-05\n2,2026-01-05,2026-01-04\n"
        "3,2026-01-05,\n4,2026-01-05,2026-01-09\n"
    )
    taken = intake.table(make({"c.csv": cases}, tables=tables_), "cases")
    assert len(taken.rows) == 4 and taken.quarantined == 0
    [warning] = taken.warnings.to_dict("records")
    assert (warning["column"], warning["rows"]) == ("solved_at", 1)
    assert intake.render(warning["rule"], warning["params"]) == "solved_at is before opened_at"


CONTRACT = [  # a cell, the rule that it breaks, and its parameters
    ({"cases.solved_hours": "-1"}, "below_minimum", {"low": 0}),
    ({"audits.evidence": "4"}, "outside_range", {"low": 0, "high": 3}),
    ({"audits.evidence": "1.5"}, "not_whole", {}),
    (
        {"actions.status": "later"},
        "not_allowed",
        {"values": ["planned", "started", "done", "dropped"]},
    ),
    ({"actions.problem": ""}, "required", {"name": "problem"}),
    ({"cases.reopened": "perhaps"}, "not_flag", {}),
]
FIRST = {
    "order_lines": {"order_id": "1", "line": "1", "quantity": "1"},
    "audits": {"audit_id": "1", "item": "a", "evidence": "3"},
    "actions": {"action_id": "1", "problem": "slow", "status": "done"},
    "cases": {"case_id": "1", "opened_at": "2026-01-05", "solved_hours": "3", "reopened": "no"},
}


@pytest.mark.slow
@pytest.mark.parametrize(("wrong", "rule", "params"), CONTRACT, ids=lambda v: str(v)[:30])
def test_each_rule_of_the_contract_sets_a_cell_aside_under_its_id(make, wrong, rule, params):
    [(place, value)] = wrong.items()
    name, column = place.split(".")
    good = FIRST[name]
    key = intake_tables.TABLES[name].key[-1]
    lines = [
        ",".join(good),
        ",".join(good.values()),
        ",".join({**good, key: "2", column: value}.values()),
    ]
    mapping = {name: {"files": "t.csv", "columns": dict(zip(good, good, strict=True))}}
    taken = intake.table(make({"t.csv": "\n".join(lines)}, tables=mapping, items={}), name)
    [lost] = taken.quarantine.to_dict("records")
    assert (lost["row"], lost["column"], lost["rule"]) == (3, column, rule)
    assert json.loads(lost["params"]) == params
    if rule == "required":
        assert lost["lost"] == "row" and len(taken.rows) == 1
    else:
        assert lost["lost"] == "cell" and taken.rows[column].isna().tolist() == [False, True]


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["1", "2", "3", "4", "5", "", "x"]),
            st.sampled_from(["0", "10", "11", "-1", "", "many", "7.5", "n/a"]),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_whatever_the_rows_none_is_lost(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("any")
    text = "id,recommend,z\n" + "".join(f"{i},{r},z\n" for i, r in rows)
    (folder / "a.csv").write_text(text)
    (folder / "study.yaml").write_text(
        "{title: t, source: s, licence: l, tables: {responses: {files: a.csv, "
        "columns: {response_id: id}}}, items: {recommend: {label: r, scale: [0, 10], role: nps, "
        "confirmed: true}}}"
    )
    taken = intake.table(study.read(folder / "study.yaml"), "responses")
    assert taken.offered == len(rows) == len(taken.rows) + taken.quarantined
    assert taken.rows["response_id"].is_unique
    assert taken.rows["recommend"].dropna().between(0, 10).all()


def test_missing_and_not_experienced_are_two_things(make):
    item = {"label": "Lounge", "scale": [1, 5], "not_experienced": [6], "missing": [0]}
    taken = intake.table(
        make({"a.csv": "id,lounge\n1,5\n2,6\n3,0\n4,\n"}, items={"lounge": item}), "responses"
    )
    assert taken.rows["lounge"].isna().tolist() == [False, True, True, True]
    assert taken.rows["lounge_not_experienced"].tolist() == [False, True, False, False]


def test_a_reversed_item_is_flipped_and_said(make):
    item = {"label": "Trouble", "scale": [1, 5], "reverse": True}
    taken = intake.table(
        make({"a.csv": "id,trouble\n1,5\n2,1\n3,4\n"}, items={"trouble": item}), "responses"
    )
    assert taken.rows["trouble"].tolist() == [1, 5, 2]
    assert any("flipped" in note for note in taken.notes)


def test_a_file_has_columns_constants_and_codes_of_its_own(make):
    files = [
        {"file": "a.csv", "constants": {"wave": "2025"}, "recode": {"home": {1: "north"}}},
        {
            "file": "b.csv",
            "constants": {"wave": "2026"},
            "columns": {"recommend": "NPS"},
            "recode": {"home": {1: "south"}},
        },
    ]
    columns = {"response_id": "#row", "recommend": "recommend", "home": "home"}
    taken = intake.table(
        make(
            {"a.csv": "recommend,home\n9,1\n", "b.csv": "NPS,home\n3,1\n"},
            tables={"responses": {"files": files, "columns": columns}},
        ),
        "responses",
    )
    assert taken.rows["response_id"].tolist() == ["a-1", "b-1"]
    assert taken.rows["wave"].tolist() == ["2025", "2026"]
    assert taken.rows["home"].tolist() == ["north", "south"]
    assert taken.rows["recommend"].tolist() == [9, 3]


def test_empty_cells_may_have_a_code_of_their_own():
    cells_ = pd.Series(["7", None, "98", " "])
    assert cells.recode(cells_, {"": -1, "98": None})[0].tolist() == ["7", -1, None, -1]
    assert cells.recode(cells_, {"98": None})[0].tolist() == ["7", None, None, None]


def test_codes_without_a_recode_are_said(make):
    recode = {"sex": {"1": "male", "2": "female", "0": None}}
    taken = intake.table(
        make(
            {"a.csv": "id,recommend,sex\n1,9,1\n2,8,3\n3,8,0\n"},
            tables=responses(keep=["sex"], recode=recode),
        ),
        "responses",
    )
    assert taken.rows["sex"].tolist()[:2] == ["male", "3"] and pd.isna(taken.rows["sex"][2])
    assert any("'3' (1)" in note for note in taken.notes)


@pytest.mark.slow
def test_what_is_refused_in_one_table_is_refused_in_those_that_refer_to_it(make):
    tables_ = {
        "customers": {"files": "c.csv", "columns": {"customer_id": "id"}},
        "orders": {
            "files": "o.csv",
            "columns": {"order_id": "id", "customer_id": "who", "at": "at"},
        },
        "order_lines": {
            "files": "l.csv",
            "columns": {"order_id": "id", "line": "n", "quantity": "q"},
        },
    }
    files = {
        "c.csv": "id\nann\nbob\n",
        "o.csv": "id,who,at\n1,ann,2026-01-01\n2,eve,2026-01-02\n",
        "l.csv": "id,n,q\n1,1,2\n2,1,1\n",
    }
    taken = intake.every_table(make(files, tables=tables_, items={}, strict=True))
    lost = intake.in_words(taken["orders"].quarantine)
    assert lost[["row", "value", "reason"]].values.tolist() == [
        [3, "eve", "not among the customers"]
    ]
    lost = intake.in_words(taken["order_lines"].quarantine)
    assert lost["reason"].tolist() == ["not among the orders"]


@pytest.mark.slow
def test_a_hundred_thousand_rows_are_taken_in(make):
    rng = np.random.default_rng(1)
    n = 100_000
    frame = pd.DataFrame({"id": np.arange(n), "recommend": rng.integers(0, 11, n)})
    frame.loc[:999, "recommend"] = 11
    for i in range(10):
        frame[f"q{i}"] = rng.integers(1, 6, n)
    study_ = make({"a.csv": frame.to_csv(index=False)}, tables=responses(keep=True))
    taken = intake.table(study_, "responses")
    assert taken.cells == (frame["recommend"] == 11).sum()


@pytest.mark.slow
@pytest.mark.mirror
def test_the_mobile_survey_is_taken_in_whole():
    taken = _public("mobile", "responses")
    assert (taken.offered, taken.quarantined) == (250, 0)
    assert taken.rows["cusa1"].mean() == pytest.approx(7.988, abs=0.001)


@pytest.mark.slow
@pytest.mark.mirror
def test_the_airport_survey_keeps_never_used_apart():
    taken = _public("airport", "responses")
    of_2017 = taken.rows[taken.rows["wave"] == "2017"]
    assert (taken.offered, taken.quarantined, len(of_2017)) == (28665, 0, 2831)
    assert of_2017["art_not_experienced"].sum() == 445
    assert of_2017["art"].notna().sum() == 18 + 77 + 553 + 892 + 744
    assert of_2017["recommend"].notna().sum() == 2831 - 84 - 1
    # County codes changed between the years; San Francisco was 1 in 2017 and is 5 in 2018.
    assert taken.rows.loc[taken.rows["home"] == "San Francisco County", "residence"].mode()[0] == (
        "Bay Area"
    )
    assert not [n for n in taken.notes if "no recode" in n]


@pytest.mark.slow
@pytest.mark.mirror
def test_nine_years_of_the_airport_have_one_set_of_names():
    rows = _public("airport", "responses").rows
    asked = {"2010": 3234, "2011": 3872, "2012": 3521, "2013": 3535, "2014": 2818, "2015": 2958,
             "2016": 3087, "2017": 2831, "2018": 2809}  # fmt: skip
    assert rows["wave"].value_counts().to_dict() == asked
    # Counted in the files: "the airport as a whole" is Q6N, Q8N, Q8N_WHOLE, Q7O_WHOLE and Q7ALL.
    whole = {
        "2010": [5, 50, 705, 1744, 589],
        "2011": [16, 66, 827, 1978, 807],
        "2013": [6, 69, 616, 1931, 712],
        "2016": [7, 51, 497, 1633, 731],
    }
    for wave, counts in whole.items():
        answers = rows.loc[rows["wave"] == wave, "overall"].dropna()
        assert answers.value_counts().reindex([1, 2, 3, 4, 5]).to_list() == counts
    by_wave = rows.groupby("wave")
    assert set(by_wave["recommend"].count().loc[lambda n: n > 0].index) == {"2017", "2018"}
    assert by_wave["weight"].sum().to_dict() == pytest.approx(asked, rel=1e-4)
    assert rows["boarding_area"].notna().all() and set(rows["boarding_area"]) == set("ABCDEFG")
    assert set(rows["age"].dropna()) <= {
        "Under 18",
        "18 to 24",
        "25 to 34",
        "35 to 44",
        "45 to 54",
        "55 to 64",
        "65 and over",
    }
    assert not rows.loc[rows["wave"] == "2012", "wifi"].notna().any()


@pytest.mark.slow
@pytest.mark.mirror
def test_the_american_index_is_taken_in_without_postcodes():
    taken = _public("acsi", "responses")
    assert (taken.offered, taken.quarantined) == (8239, 0)
    assert taken.rows["industry"].value_counts()["Banks"] == 2505
    assert taken.rows["satisfied"].isna().sum() == 7 and taken.rows["again"].max() == 10
    assert taken.rows["complained"].mean() == pytest.approx(1393 / (1393 + 6569))
    assert not [c for c in taken.rows if "zip" in c.lower() or "race" in c.lower()]


@cache
def _public(name: str, table: str) -> intake.Intake:
    from cxlib.data.sources import SourceError

    try:
        return intake.table(
            study.read(Path(__file__).parents[1] / f"data/{name}/study.yaml"), table
        )
    except SourceError as error:
        pytest.skip(str(error))
