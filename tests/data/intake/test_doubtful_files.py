"""Files that look whole and would give wrong numbers: what is asked, named and counted."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import yaml

from cxlib import reserve
from cxlib.core.errors import InsufficientData
from cxlib.data import intake
from cxlib.data import study as study_
from cxlib.data.intake import IntakeError, plausibility
from cxlib.data.intake.garbled import garbled
from cxlib.data.intake.reasons import render

ANSWERS = pd.DataFrame(
    {
        "Response ID": [f"R{i}" for i in range(40)],
        "Date": [f"2026-03-{1 + i % 28:02d}" for i in range(40)],
        "Recommend": [(7 * i) % 11 for i in range(40)],
        "Region": ["North", "South"] * 20,
    }
)


@pytest.fixture
def drafted(folder):
    """The check of a draft of the files, with the proposed answers."""

    def make(**files: pd.DataFrame | bytes) -> reserve.Check:
        paths = []
        for name, content in files.items():
            path = folder / name.replace("__", ".")
            plain = isinstance(content, bytes)
            path.write_bytes(content if plain else content.to_csv(index=False).encode())
            paths.append(path)
        (folder / "study.yaml").write_text(intake.draft("new", paths), encoding="utf-8")
        return reserve.check("new")

    return make


def asked(check: reserve.Check, words: str) -> bool:
    return any(words in guess for guess in check.unconfirmed)


# Ids that repeat


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "called",
    ["Response ID", *(pytest.param(c, marks=pytest.mark.slow) for c in ("ID", "id", "Nr", "#"))],
)
def test_an_id_that_repeats_is_asked_about(drafted, called):
    rows = ANSWERS.rename(columns={"Response ID": called})
    check = drafted(a__csv=pd.concat([rows, rows.head(30)]))
    assert asked(check, f"30 of 40 ids in {called!r} repeat, 30 of them in rows that are identical")
    assert check.exit_code == reserve.LOST
    assert not drafted(a__csv=rows).unconfirmed


@pytest.mark.slow
def test_ids_that_repeat_in_rows_that_differ_are_asked_about(drafted):
    rows = ANSWERS.assign(**{"Response ID": [f"R{i % 30}" for i in range(40)]})
    check = drafted(a__csv=rows)
    assert asked(
        check, "10 of 30 ids in 'Response ID' repeat, 0 of them in rows that are identical"
    )
    assert check.exit_code == reserve.LOST


@pytest.mark.slow
def test_what_the_question_advises_keeps_the_first_row_of_each_id(drafted, folder):
    drafted(a__csv=pd.concat([ANSWERS, ANSWERS]))
    written = yaml.safe_load((folder / "study.yaml").read_text(encoding="utf-8"))
    del written["unconfirmed"]
    responses = written["tables"]["responses"]
    responses["columns"]["response_id"] = "Response ID"
    responses["files"] = [{"file": "a.csv", "first_by": ["Response ID"]}]
    (folder / "study.yaml").write_text(yaml.safe_dump(written), encoding="utf-8")
    check = reserve.check("new")
    assert check.exit_code == 0 and check.counts["kept"].tolist() == [40]
    assert any(
        "40 further rows with the same Response ID are passed over" in n for n in check.notes
    )


@pytest.mark.slow
@pytest.mark.parametrize(("times", "said"), [(2, True), (1, False)])
def test_a_file_without_ids_that_is_there_twice_is_asked_about(drafted, times, said):
    rows = ANSWERS.drop(columns="Response ID").assign(Day=range(40))
    check = drafted(a__csv=pd.concat([rows] * times))
    assert asked(check, "40 row(s) repeat another row in every cell") == said


def test_a_form_of_one_question_repeats_by_chance(drafted):
    check = drafted(a__csv=pd.concat([ANSWERS[["Recommend"]]] * 3))
    assert not asked(check, "repeat another row")
    assert not (check.warnings["rule"] == "copied_rows").any()


@pytest.mark.slow
def test_rows_that_two_files_share_are_asked_about(drafted):
    check = drafted(a__csv=ANSWERS.head(30), b__csv=ANSWERS.tail(20))
    assert asked(check, "10 row(s) stand in several of the files")
    other = ANSWERS.tail(20).assign(Recommend=10, Date="2026-04-01")
    assert not asked(drafted(a__csv=ANSWERS.head(30), b__csv=other), "several of the files")


@pytest.mark.slow
def test_identical_rows_are_counted_where_rows_are_numbered(drafted):
    warnings = drafted(a__csv=pd.concat([ANSWERS, ANSWERS.head(30)])).warnings
    assert warnings.loc[warnings["rule"] == "copied_rows", "rows"].tolist() == [30]
    assert "copied_rows" not in drafted(a__csv=ANSWERS).warnings["rule"].tolist()


# Cells of workbooks that have no value


def book(folder: Path, change: dict[str, str], rows: pd.DataFrame = ANSWERS) -> Path:
    """A workbook of the answers as openpyxl writes it: formulas have no value."""
    path = folder / "a.xlsx"
    with pd.ExcelWriter(path, engine="openpyxl") as writer:
        pd.DataFrame({"Notes": ["none"]}).to_excel(writer, sheet_name="Read me", index=False)
        rows.to_excel(writer, sheet_name="Answers", index=False)
        for cell, content in change.items():
            writer.sheets["Answers"][cell] = content
        writer.book.move_sheet("Answers", -1)
    return path


YAML = """
title: New
source: made here
licence: MIT
tables:
  responses:
    files: {file: a.xlsx, sheet: Answers}
    columns: {response_id: Response ID, answered_on: Date, recommend: Recommend}
    derive: {twice: Recommend * 2}
    keep: [Region]
items: {recommend: {label: Recommend, scale: [0, 10], role: nps}}
"""


def test_formulas_without_a_value_are_lost_cells_with_their_place(folder, tmp_path):
    path = book(folder, {f"C{row}": "=7+0" for row in range(4, 14)})
    (folder / "study.yaml").write_text(YAML, encoding="utf-8")
    check = reserve.check("new")
    assert check.exit_code == reserve.LOST
    assert "10 cell(s) a formula without a value, from cell C4 of sheet Answers on" in str(check)
    assert check.problems.query("column == 'recommend'")["row"].tolist() == list(range(4, 14))
    assert check.problems["column"].value_counts().to_dict() == {"recommend": 10, "twice": 10}
    assert "10 cell(s) of 'Recommend', first C4, are formulas" in intake.draft("new", [path])


def test_a_value_that_a_formula_has_is_read(folder):
    openpyxl = pytest.importorskip("openpyxl")
    path = book(folder, {})
    plain = openpyxl.load_workbook(path)
    plain["Answers"]["C3"] = "=7+0"
    plain.save(path)
    part, filled = "xl/worksheets/sheet1.xml", b"<f>7+0</f><v>7</v>"
    with zipfile.ZipFile(path) as archive:
        parts = {n: archive.read(n) for n in archive.namelist()}
    assert parts[part].count(b"<f>7+0</f><v></v>") + parts[part].count(b"<f>7+0</f><v />") == 1
    parts[part] = re.sub(rb"<f>7\+0</f><v ?/?>(</v>)?", filled, parts[part])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    raw = intake.read_file(path, sheet="Answers")
    assert raw.unread.empty and float(raw.frame["Recommend"].iloc[1]) == 7


@pytest.mark.slow
@pytest.mark.parametrize(("cells", "code"), [(1, reserve.LOST), (0, 0)])
def test_errors_of_a_spreadsheet_are_lost_cells_until_they_are_accepted(folder, cells, code):
    book(folder, {"C5": "#N/A", "D6": "#REF!"} if cells else {})
    (folder / "study.yaml").write_text(YAML, encoding="utf-8")
    check = reserve.check("new")
    assert check.exit_code == code
    assert len(check.problems) == 3 * cells  # `twice` is made of the first
    (folder / "study.yaml").write_text(YAML + "accept: ['responses.*.error_cell']\n")
    check = reserve.check("new")
    assert check.exit_code == 0 and check.problems.empty
    assert any("(#REF!), from cell D6" in note for note in check.notes) == bool(cells)


@pytest.mark.slow
def test_what_spss_writes_for_no_answer_is_missing_and_noted(folder):
    book(folder, {f"C{row}": "#NULL!" for row in range(4, 14)})
    (folder / "study.yaml").write_text(YAML, encoding="utf-8")
    check = reserve.check("new")
    assert check.exit_code == 0 and check.problems.empty
    assert check.taken["responses"].rows["recommend"].count() == 30
    assert any("10 cell(s) read '#NULL!': missing" in note for note in check.notes)


@pytest.mark.slow
def test_a_recode_of_empty_cells_is_not_for_those_without_a_value(folder):
    book(folder, {f"C{row}": "=7+0" for row in range(4, 14)})
    recode = YAML.replace("    keep:", "    recode: {recommend: {'': 0}}\n    keep:")
    (folder / "study.yaml").write_text(recode, encoding="utf-8")
    check = reserve.check("new")
    assert check.taken["responses"].rows["recommend"].count() == 30
    assert check.problems["value"].isna().all() and check.exit_code == reserve.LOST


def test_a_sheet_of_formulas_alone_is_refused_with_what_to_do(folder):
    path = book(folder, {f"{c}{r}": "=1" for c in "ABCD" for r in range(1, 42)})
    with pytest.raises(IntakeError, match="nothing but 164 formulas without a value, first in A1"):
        intake.read_file(path, sheet="Answers")


def test_rows_that_hold_nothing_but_formulas_are_not_passed_over(folder):
    path = book(folder, {f"{c}{r}": "=1" for c in "ABCD" for r in range(30, 42)})
    raw = intake.read_file(path, sheet="Answers")
    assert len(raw.frame) == 40 and len(raw.unread) == 48


# Totals amid the answers


def with_total(word: str, first: str = "Response ID", **cells: object) -> pd.DataFrame:
    """The answers, with a row amid them that holds a word and an average."""
    row = pd.DataFrame([{first: word, "Recommend": 5, **cells}])
    return pd.concat([ANSWERS.iloc[:20], row, ANSWERS.iloc[20:]])[list(ANSWERS)]


@pytest.mark.first_fast
@pytest.mark.few(2)
@pytest.mark.parametrize("word", ["Average", "Subtotal", "Durchschnitt", "平均", "合计: 20"])
def test_totals_amid_the_answers_are_set_aside_and_asked_about(drafted, word):
    check = drafted(answers__csv=with_total(word))
    assert check.exit_code == reserve.LOST
    assert asked(check, f"1 row(s) amid the others are totals or averages, first row 22, '{word}'")
    assert "1 row(s) a row of totals or averages amid the others" in str(check)
    assert intake.table(study_.read("new"), "responses").rows["recommend"].count() == 40


@pytest.mark.slow
@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("only: \"response_id <> 'Average'\"", 40),
        ("accept: [responses.response_id.total_row]", 41),
    ],
)
def test_totals_are_left_out_by_only_and_kept_by_accept(drafted, folder, answer, kept):
    drafted(answers__csv=with_total("Average", Date="2026-03-30", Region=None))
    text = (folder / "study.yaml").read_text(encoding="utf-8")
    text = re.sub(r"unconfirmed:\n(  - .*\n)+", "", text)
    (folder / "study.yaml").write_text(f"{text}\n{answer}\n", encoding="utf-8")
    check = reserve.check("new")
    assert check.exit_code == 0, str(check)
    assert len(intake.table(study_.read("new"), "responses").rows) == kept


@pytest.mark.slow
def test_a_word_for_a_total_is_no_total_where_rows_are_like_the_others(drafted):
    brand = with_total("R99", Date="2026-03-30", Region="Total")
    assert drafted(answers__csv=brand[["Region", "Date", "Recommend"]]).exit_code == 0


@pytest.mark.slow
def test_errors_that_a_spreadsheet_wrote_as_text_are_no_group(drafted):
    region = ["North", "South"] * 19 + ["#REF!", "#DIV/0!"]
    check = drafted(a__csv=ANSWERS.assign(Region=region))
    assert check.problems["rule"].tolist() == ["error_word"] * 2
    assert set(check.taken["responses"].rows["Region"].dropna()) == {"North", "South"}


# Columns that are called a date or a rating, and are not read as one


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("odd", "n", "answered"),
    [
        ("2026-02-30", 10, True),
        ("0000-00-00", 10, True),
        ("TBD", 12, True),
        ("31.31.2026", 39, False),
    ],
)
def test_a_date_that_many_cells_do_not_hold_is_asked_about(drafted, odd, n, answered):
    check = drafted(a__csv=ANSWERS.assign(Date=[odd] * n + ANSWERS["Date"].tolist()[n:]))
    assert asked(check, f"but {n} of 40 cells, such as {odd!r} in row 2, are no date")
    assert check.exit_code == reserve.LOST
    assert ("answered_on" in check.taken["responses"].rows) == answered


@pytest.mark.slow
@pytest.mark.parametrize("given", [["Q1 2026", "Q2 2026"], ["2025", "2026"], ["Monday", "Friday"]])
def test_periods_under_the_name_of_a_date_are_groups(drafted, given):
    assert not drafted(a__csv=ANSWERS.assign(Date=given * 20)).unconfirmed


@pytest.mark.slow
def test_dates_of_another_century_are_a_question(drafted):
    dates = ANSWERS["Date"].where(ANSWERS.index >= 10, "9/23/1926")
    warnings = drafted(a__csv=ANSWERS.assign(Date=dates)).warnings.set_index("rule")
    assert warnings.loc["distant_dates", "rows"] == 10


@pytest.mark.first_fast
@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("called", "answers", "said"),
    [
        ("Recommend", [*range(11), "ten"], "3 cell(s), such as 'ten' in row 13"),
        (
            "Recommend",
            [9, 8, 10, "10 - Extremely likely", 11],
            "16 cell(s), such as '10 - Extremely",
        ),
        (
            "Satisfaction",
            ["Satisfied", "Very satisfied", "meh"],
            "13 cell(s), such as 'meh' in row",
        ),
        ("Overall rating", [5, 4, 3, 2, "!"], "8 cell(s), such as '!' in row 6"),
        ("Delivery", [1, 2, 3, 4, 5, "x", 99], "10 cell(s), such as 'x' in row 7, '99' in row 8"),
    ],
)
def test_a_rating_that_some_cells_are_not_on_is_asked_about(drafted, called, answers, said):
    rows = ANSWERS.drop(columns="Recommend").assign(**{called: (answers * 40)[:40]})
    check = drafted(a__csv=rows)
    assert asked(check, f"{called!r} speaks of a rating, but {said}")
    assert check.exit_code == reserve.LOST and called in check.taken["responses"].rows


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "answers",
    [
        ["45 %", "80 %", "100 %", "20 %"],
        ["45%", "80", "100%", "20"],
        ["4,5 Sterne", "5 Sterne", "3 Sterne", "1 Stern"],
        ["4 stars", "3.5 stars", "5 stars", "1 star"],
        [0.45, 0.8, 1, 0.2],
        ["😀", "😐", "😡"],
    ],
)
def test_satisfaction_that_is_on_no_known_scale_is_asked_about(drafted, answers):
    check = drafted(a__csv=ANSWERS.assign(CSAT=(answers * 20)[:40]))
    assert asked(
        check, "'CSAT' speaks of satisfaction or recommendation, but its answers are on no"
    )
    assert check.exit_code == reserve.LOST and "CSAT" in check.taken["responses"].rows


@pytest.mark.slow
@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("called", "answers"),
    [
        ("Recommended by", ["friend", "advert"]),
        ("Would recommend", ["yes", "no"]),
        ("Delivery days", [1, 2, 3, 4, 12, 14]),
        ("Price", [2, 4, 6, 12.95]),
        ("NPS group", ["promoter", "passive", "detractor"]),
        ("Service", ["gold", "silver"]),
        ("Rating", ["1 to 3", "4 to 6", "7 to 10"]),
    ],
)
def test_words_and_counts_are_groups_without_a_question(drafted, called, answers):
    check = drafted(a__csv=ANSWERS.assign(**{called: (answers * 40)[:40]}))
    assert not asked(check, "speaks of a rating")


# Weights of which no page can be made


@pytest.mark.first_fast
@pytest.mark.parametrize(
    ("weights", "rule", "n"),
    [
        ([1, 2] * 20, "", 0),
        ([0, 2] * 20, "", 0),
        ([0] * 40, "zero_weights", 40),
        ([""] * 8 + [1] * 32, "no_weight", 8),
        ([1] * 39 + [""], "no_weight", 1),
        ([""] * 40, "no_weight", 40),
    ],
)
def test_answers_without_a_usable_weight_fail_the_checks(drafted, weights, rule, n):
    rows = ANSWERS.assign(weight=pd.Series(weights, dtype=object))
    check = drafted(a__csv=rows)
    found = check.warnings[check.warnings["rule"].isin(plausibility.BAD_WEIGHTS)]
    if weights == [""] * 40:
        assert "weight" not in check.taken["responses"].rows
        return
    assert found[["rule", "rows"]].to_numpy().tolist() == ([[rule, n]] if rule else [])
    assert check.exit_code == (reserve.LOST if rule else 0)
    assert ("not all data checks passed" in str(check)) == bool(rule)


@pytest.mark.slow
def test_a_missing_weight_is_named_by_its_row_and_ends_a_page(drafted):
    check = drafted(a__csv=ANSWERS.assign(weight=[1.0] * 30 + [None] + [1.0] * 9))
    assert "1 row(s): no weight of 0 or more, first in row 32 of a.csv" in str(check)
    assert reserve.load("new").check.exit_code == reserve.LOST
    with pytest.raises(ValueError, match="1 of 40 base weights") as caught:
        reserve.open("new").sample()
    assert not isinstance(caught.value, InsufficientData)


# Lines in another encoding than the rest of the file


@pytest.mark.first_fast
@pytest.mark.parametrize(
    ("town", "most", "other", "row"),
    [
        ("München", "cp1252", "utf-8", 42),
        ("Łódź", "utf-8", "", 0),
        ("上海市区", "gb18030", "utf-8", 42),
    ],
)
def test_a_line_in_another_encoding_is_a_question_with_its_row(drafted, town, most, other, row):
    rows = ANSWERS.assign(Region=["北京" if most == "gb18030" else "Köln", town] * 20)
    content = rows.to_csv(index=False).encode(most)
    content += f"R99,2026-03-01,5,{town}\n".encode(other) if other else b""
    check = drafted(a__csv=content)
    found = check.warnings[check.warnings["rule"] == "garbled"]
    assert found["rows"].tolist() == [1] * bool(other)
    assert asked(check, f"1 cell(s) of 'Region', first in row {row}") == bool(other)
    assert (f"first in row {row} of a.csv" in str(check)) == bool(other)


@pytest.mark.parametrize(
    "word",
    ["CAFÉ»", "IRMÃ”", "café…”", "né »", "NÃO", "ÀÉ", "Łódź", "上海市人民政府", "東京都", "Straße"],
)
def test_letters_that_people_write_are_not_garbled(word):
    assert garbled(pd.Series([word, f"x {word} y", f"({word})"])) is None


@pytest.mark.parametrize(
    "word",
    [
        "München",
        "naïve",
        "it’s",
        "“so”",
        "€5",
        "北京 服务",
        "Москва",
        "Αθήνα",
        "İstanbul",
        "25°C",
        "😀",
    ],
)
@pytest.mark.parametrize("read", ["cp1252", "latin-1"])
def test_utf8_that_was_read_as_western_is_garbled(word, read):
    content = word.encode()
    if read == "cp1252":
        wrong = "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in content)
    else:
        wrong = content.decode(read)
    assert garbled(pd.Series([word, wrong], index=[7, 9])).first == 9


@pytest.mark.slow
def test_free_text_in_another_encoding_is_a_warning_alone(drafted):
    why = [f"It was good for the reason number {i}, thanks" for i in range(39)]
    rows = ANSWERS.assign(Why=[*why, "Itâ€™s been slow and nobody answered"])
    check = drafted(a__csv=rows)
    assert check.warnings["rule"].tolist() == ["garbled_text"] and check.exit_code == 0


# Exports put one below the other


@pytest.mark.slow
@pytest.mark.parametrize(("mark", "mid"), [("", ""), ("\ufeff", ""), ("\ufeff", '"Response ID"')])
def test_a_header_in_the_middle_is_no_answer_and_is_said(drafted, mark, mid):
    first, second = (r.to_csv(index=False) for r in (ANSWERS.head(20), ANSWERS.tail(20)))
    second = second.replace("Response ID", mid or "Response ID")
    check = drafted(a__csv=(mark + first + mark + second).encode())
    rows = check.taken["responses"].rows
    assert len(rows) == 40 and check.exit_code == 0
    assert rows["recommend"].tolist() == ANSWERS["Recommend"].tolist()
    assert any(
        "1 row(s) repeat the header and were skipped, first row 22" in n for n in check.notes
    )


def test_a_header_in_the_middle_of_a_sheet_is_no_answer(folder):
    path = book(folder, dict(zip(["A9", "B9", "C9", "D9"], ANSWERS.columns, strict=True)))
    raw = intake.read_file(path, sheet="Answers")
    assert len(raw.frame) == 39 and raw.skipped["row"].tolist() == [9]


def test_both_rows_of_a_header_are_skipped_in_the_middle(folder):
    head = "id,q1,q2\nResponse,How was it?,And the staff?\n"
    rows = ["".join(f"{i},{i % 5},{i % 7}\n" for i in range(n, n + 20)) for n in (0, 20)]
    (folder / "a.csv").write_text(head + rows[0] + head + rows[1])
    raw = intake.read_file(folder / "a.csv")
    assert len(raw.frame) == 40 and raw.skipped["row"].tolist() == [23, 24]


def test_columns_in_another_order_in_the_middle_are_refused(folder):
    other = ANSWERS[["Date", "Response ID", "Region", "Recommend"]].to_csv(index=False)
    (folder / "a.csv").write_text(ANSWERS.to_csv(index=False) + other)
    with pytest.raises(IntakeError, match=r"a.csv: row 42 repeats the header .* another order"):
        intake.read_file(folder / "a.csv")


@pytest.mark.parametrize("head", ["5,4,5", "a,b"])
def test_rows_that_only_look_like_a_header_stay(folder, head):
    rows = {"5,4,5": ["5,4,5", "1,2,3"] * 10, "a,b": ["a,1", "b,a", "2,b"] * 7}[head]
    (folder / "a.csv").write_text("\n".join([head, *rows]) + "\n")
    assert len(intake.read_file(folder / "a.csv").frame) == len(rows)


# Weights and answers that stand out


def warned(check: reserve.Check, rule: str) -> list[tuple[int, str]]:
    of = check.warnings[check.warnings["rule"] == rule]
    return [(w.rows, render(w.rule, w.params)) for w in of.itertuples()]


@pytest.mark.slow
def test_a_weight_that_outweighs_the_others_is_a_question(drafted):
    weights = [1.0] * 39 + [5000]
    check = drafted(answers__csv=ANSWERS.assign(Weight=weights))
    assert check.exit_code == reserve.LOST
    [(rows, said)] = warned(check, "heavy_weights")
    # 5000 / 5039 = 99.2%; 5039^2 / (5000^2 + 39) = 1.0
    assert rows == 1 and "up to 5000 in row 41 of answers.csv: 99.2%" in said
    assert "40 responses count as 1.0 (effective sample size)" in said


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize(
    "weights", [[5000] * 40, [0.2, 1.8] * 20, [*range(1, 41)], [0] * 20 + [1] * 20]
)
def test_weights_of_a_survey_are_not_asked_about(drafted, weights):
    check = drafted(answers__csv=ANSWERS.assign(**{"Survey weight": weights}))
    assert check.exit_code == 0 and not warned(check, "heavy_weights")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("between", "rule", "said"),
    [
        ([3.5, 2.5], "between_points", "such as 3.5, 2.5: 5.0% of the answers"),
        ([3.5, 2.67], "like_averages", "which look like averages of several answers"),
        ([3.5] * 21, "like_averages", "52.5% of the answers"),
        ([], "", ""),
    ],
)
def test_answers_between_the_points_of_a_scale_are_named(drafted, between, rule, said):
    marks = [*between, *([1, 2, 3, 4, 5] * 8)[len(between) :]]
    check = drafted(answers__csv=ANSWERS.assign(**{"Satisfaction (1-5)": marks}))
    assert check.exit_code == 0
    found = {r: warned(check, r) for r in ("between_points", "like_averages")}
    assert [r for r, some in found.items() if some] == [rule] * bool(rule)
    assert not rule or (found[rule][0][0] == len(between) and said in found[rule][0][1])
