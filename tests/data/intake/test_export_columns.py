"""Columns as survey tools export them: the scale a header states, codes of no answer, weights, ids.

What is clear needs no question; what is doubtful is asked about, with its numbers, and the check
does not pass before it is answered.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxlib import reserve
from cxlib.data import intake, study
from cxlib.data.intake.drafts import special, stated

N = 200
FIVE = np.resize([1, 2, 3, 4, 5, 4, 5, 3], N)
TEN = np.resize([10, 9, 8, 7, 3, 10, 9, 0, 6, 1], N)


@pytest.fixture
def draft(folder):
    """The study that is drafted of a file of 200 answers with these columns, and its responses."""

    def make(**further: object) -> tuple[study.Study, pd.DataFrame]:
        columns = further.pop("columns", {})
        rows = {"Response ID": [f"R{i}" for i in range(N)], "Date": "2026-03-02"}
        rows |= {"Region": np.resize(["North", "South"], N), "Recommend (0-10)": TEN}
        rows = {k: v for k, v in rows.items() if k not in further.get("without", ())}
        pd.DataFrame({**rows, **columns}).to_csv(folder / "a.csv", index=False)
        (folder / "study.yaml").write_text(
            intake.draft("new", [folder / "a.csv"]), encoding="utf-8"
        )
        new = study.read("new")
        return new, intake.every_table(new)["responses"].rows

    return make


def item(new: study.Study, label: str) -> str:
    """The name of the only question beside the one of recommendation."""
    [name] = [n for n in new.items if n != "recommend_0_10"]
    assert label in str(new.items[name].label) + str(new.items[name].wording)
    return name


def with_code(code: object, n: int, answers: np.ndarray = FIVE) -> np.ndarray:
    """The answers, with the code in the place of `n` of them."""
    out = answers.astype(object)
    out[np.arange(n) * 7 % N] = code
    return out


# A scale that the header states


@pytest.mark.parametrize(
    ("wording", "scale"),
    [
        ("推荐意愿(0-10分)", (0, 10)),
        ("服务满意度（１～５）", (1, 5)),
        ("服务满意度1-5分", (1, 5)),
        ("请从1分到5分打分", (1, 5)),
        ("満足度（1〜5）", (1, 5)),
        ("recommend 0-10", (0, 10)),
        ("delivery 1-5", (1, 5)),
        ("Delivery (1-5 stars)", (1, 5)),
        ("Delivery [scale: 1 to 7]", (1, 7)),
        ("Beratung von 1 bis 5", (1, 5)),
        ("Auf einer Skala von 0 bis 10: Wie war es?", (0, 10)),
        ("Sur une échelle de 0 à 10, comment était-ce ?", (0, 10)),
        ("Service (1 = low, 5 = high)", (1, 5)),
        ("Service (low = 1, high = 5)", (1, 5)),
        ("Note (1 = sehr gut, 6 = ungenügend)", (1, 6)),
        ("Frage 1-5", None),
        ("Q1-5", None),
        ("Delivery (1-5 days)", None),
        ("Age 1-50", None),
        ("Visit of 2021-1-5", None),
        ("Ports 1-7 open", None),
    ],
)
def test_a_scale_is_read_from_a_header(wording, scale):
    assert stated.ends(wording) == scale


@pytest.mark.parametrize(
    ("wording", "reverse"),
    [
        ("Service (1 = low, 5 = high)", False),
        ("Service (1 = best, 5 = worst)", True),
        ("Service 1-6 (1 = sehr gut)", True),
        ("Service (1-5, 5 = gut)", False),
        ("Service: 1 (very easy) to 7 (very difficult)", True),
        ("Service (1 = red, 5 = blue)", None),
    ],
)
def test_a_header_says_which_end_is_the_good_one(wording, reverse):
    assert stated.reverse(wording) == reverse


@pytest.mark.first_fast
@pytest.mark.parametrize(
    "header",
    ["Wissen (1-5分)", "zebra 1-5", pytest.param("Zebra von 1 bis 5", marks=pytest.mark.slow)],
)
def test_a_column_is_rated_on_the_scale_of_its_header_without_a_question(draft, header):
    new, rows = draft(columns={header: np.maximum(FIVE, 3)})
    name = item(new, header)
    assert new.items[name].scale == (1, 5) and not new.unconfirmed
    assert rows[name].tolist() == np.maximum(FIVE, 3).tolist()


@pytest.mark.slow
def test_ends_in_words_that_are_unknown_are_asked_about(draft):
    new, _rows = draft(columns={"Zebra (1 = red, 5 = blue)": FIVE})
    assert new.items[item(new, "Zebra")].scale == (1, 5)
    assert any("are high answers the good ones?" in u for u in new.unconfirmed)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("header", "top", "reverse"),
    [("Speed (5 = best)", 5, False), ("Speed (1 = best)", 5, True)]
    + [("Note Beratung (1 = sehr gut, 6 = ungenügend)", 6, True)],
)
def test_a_header_that_names_the_good_end_needs_no_question(draft, header, top, reverse):
    answers = np.resize(range(1, top + 1), N)
    new, rows = draft(columns={header: answers})
    assert new.items[name := item(new, header)].scale == (1, top) and not new.unconfirmed
    assert rows[name].tolist() == (top + 1 - answers if reverse else answers).tolist()


@pytest.mark.slow
def test_a_scale_to_one_to_ten_gives_no_nps(draft):
    new, _rows = draft(
        columns={"Would you recommend us (1-10)": np.maximum(TEN, 1)}, without=["Recommend (0-10)"]
    )
    [one] = new.items.values()
    assert one.scale == (1, 10) and one.role == "intention"
    assert any("an NPS needs 0 to 10" in u for u in new.unconfirmed)


@pytest.mark.slow
@pytest.mark.parametrize("code", [0, 6, 9])
def test_many_answers_off_the_scale_of_a_header_are_asked_about(draft, code):
    new, rows = draft(columns={"Satisfaction (1-5)": with_code(code, 12)})
    one = new.items[name := item(new, "Satisfaction")]
    assert one.scale == (1, 5) and list(one.missing) == [code]
    assert any(f"{code}: 12 of 200 answers are off the scale 1 to 5" in u for u in new.unconfirmed)
    kept = FIVE[pd.Series(with_code(code, 12)).ne(code)]
    assert rows[name].mean() == kept.mean() and rows[name].notna().sum() == 188


@pytest.mark.slow
def test_few_answers_off_the_scale_of_a_header_are_set_aside(draft):
    new, _rows = draft(columns={"Satisfaction (1-5)": with_code(0, 3)})
    assert new.items[item(new, "Satisfaction")].scale == (1, 5) and not new.unconfirmed
    check = reserve.check("new")
    assert check.exit_code == reserve.LOST and check.problems["value"].tolist() == ["0"] * 3


@pytest.mark.slow
def test_a_header_that_fits_half_of_the_answers_keeps_its_scale_and_is_asked_about(draft):
    asked = r"100 of 200 answers \(50%\) lie outside the declared scale 1 to 5"
    with pytest.raises(intake.IntakeError, match=asked):
        draft(columns={"Satisfaction (1-5)": np.resize([*range(1, 11)], N)})


@pytest.mark.slow
def test_a_header_that_fits_no_answer_is_asked_about(draft):
    new, _rows = draft(columns={"Satisfaction (1-5)": FIVE * 20})
    assert list(new.items) == ["recommend_0_10"]
    assert any(
        "states a scale from 1 to 5, on which most answers are not" in u for u in new.unconfirmed
    )


# Codes beside a scale that no header states


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize(("code", "n"), [(9, 15), (9, 2), (8, 15), (10, 15)])
def test_a_number_apart_from_the_scale_is_a_code_that_is_asked_about(draft, code, n):
    new, rows = draft(columns={"Overall satisfaction": with_code(code, n)})
    one = new.items[name := item(new, "Overall satisfaction")]
    assert one.scale == (1, 5) and list(one.missing) == [code]
    assert any(f"{code}: {n} of 200 answers are apart from 1 to 5" in u for u in new.unconfirmed)
    assert rows[name].max() == 5 and rows[name].isna().sum() == n


@pytest.mark.parametrize(
    ("numbers", "codes", "asked"),
    [
        ([1, 2, 3, 4, 5, 8, 9], [8, 9], "8, 9"),
        ([1, 2, 3, 4, 9], [9], "9"),
        ([1, 2, 3, 4, 5, 6, 7, 9], [9], "9"),
        ([0, 1, 2, 3, 4, 5, 6, 7], [0], "0"),
        ([0, 1, 2, 3, 4, 5], [], "the lowest answer, or none?"),
        ([1, 2, 3, 4, 5, 99], [99], "99"),
        ([1, 2, 3, 4, 5, 7], [], ""),  # of 1 to 7
        ([1, 2, 3, 4, 5, 6, 8, 9, 10], [], ""),
        ([0, 3, 5, 6, 7, 8, 9, 10], [], ""),
        ([1, 2, 3, 4, 5], [], ""),
    ],
)
def test_codes_are_told_from_answers(numbers, codes, asked):
    found = special.beside(dict.fromkeys(numbers, 10), None, ten=False)
    assert found.codes == codes and list(found.answers) == [x for x in numbers if x not in codes]
    assert asked in " ".join(found.doubts) and bool(found.doubts) == bool(asked)
    if not set(codes) <= set(special.NO_ANSWER):  # of few answers a gap says nothing
        assert not special.beside(dict.fromkeys(numbers, 1), None, ten=False).codes


# Weights

WEIGHTS = np.round(np.resize(np.linspace(0.52, 1.88, 67), N), 3)
KILOGRAMS = np.round(np.resize(np.linspace(51.3, 99.8, 67), N), 1)


@pytest.mark.first_fast
@pytest.mark.few(3)
@pytest.mark.parametrize(
    "name",
    [
        "Survey weight",
        "Gew.",
        "权重",
        *(
            pytest.param(n, marks=pytest.mark.slow)
            for n in (
                "survey_weight",
                "Weighting factor",
                "Final weight",
                "weight_final",
                "pweight",
                "Gewichtungsfaktor",
                "Designgewicht",
                "样本权重",
                "Coefficient de redressement",
            )
        ),
    ],
)
def test_weights_are_known_by_their_name_without_a_question(draft, name):
    new, rows = draft(columns={name: WEIGHTS})
    assert rows["weight"].tolist() == WEIGHTS.tolist() and not new.unconfirmed


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize("name", ["Weight (kg)", "Body weight", "Gewicht in kg", "Weight category"])
def test_what_people_or_parcels_weigh_is_no_weight_of_answers(draft, name):
    new, rows = draft(columns={name: KILOGRAMS})
    assert "weight" not in rows and not new.unconfirmed


@pytest.mark.slow
def test_a_weight_that_may_be_in_kilograms_is_asked_about(draft):
    new, _rows = draft(columns={"Weight": KILOGRAMS})
    [asked] = new.unconfirmed
    assert f"has a mean of {KILOGRAMS.mean():.4g}: weights of answers, or what" in asked


@pytest.mark.first_fast
@pytest.mark.parametrize(
    ("name", "values", "asked"),
    [
        ("Country weighting 2026 v2", WEIGHTS, True),
        ("F1", np.round(WEIGHTS / WEIGHTS.mean(), 4), True),  # weights that sum to the rows
        ("F1", WEIGHTS, False),
        ("Hours", np.round(KILOGRAMS / 10, 1), False),
        ("Ratio", np.resize([0.5, 1.5], N), False),
    ],
)
def test_numbers_that_may_be_weights_are_asked_about(draft, name, values, asked):
    new, rows = draft(columns={name: values})
    assert "weight" not in rows
    assert any("survey weights?" in u for u in new.unconfirmed) == asked


@pytest.mark.slow
def test_weights_in_two_forms_stay_weights(folder):
    marks = [str(w).replace(".", ",") if i % 2 else str(w) for i, w in enumerate(WEIGHTS)]
    rows = pd.DataFrame({"id": range(N), "Recommend (0-10)": TEN, "Weight": marks})
    rows.to_csv(folder / "a.csv", index=False)
    assert "weight: Weight" in intake.draft("new", [folder / "a.csv"])


@pytest.mark.slow
def test_of_several_weights_the_final_ones_are_taken_and_asked_about(draft):
    new, rows = draft(columns={"Designgewicht": WEIGHTS, "Endgewicht": WEIGHTS[::-1]})
    assert rows["weight"].tolist() == WEIGHTS[::-1].tolist()
    assert any("'Endgewicht' is taken; so could 'Designgewicht'" in u for u in new.unconfirmed)


# Ids and dates

DAYS = pd.date_range("2026-01-05", periods=N, freq="12h")


@pytest.mark.first_fast
@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("Response", 2001),
        ("Lfd. Nr.", 1),
        *(
            pytest.param(n, 20_001, marks=pytest.mark.slow)
            for n in ("Response", "Antwort", "Fragebogen-Nr.", "答卷序号", "Record", "Datensatz")
        ),
    ],
)
def test_numbers_that_never_repeat_are_ids_and_no_dates(draft, name, first):
    ids = [f"{first + i:04d}" for i in range(N)]
    new, rows = draft(
        columns={name: ids, "Date": DAYS.strftime("%Y-%m-%d")}, without=["Response ID"]
    )
    assert rows["response_id"].tolist() == ids and not new.unconfirmed
    assert rows["answered_on"].tolist() == list(DAYS.normalize())


def test_ids_of_few_figures_are_no_years(draft):
    ids = [f"{i:04d}" for i in range(N)]
    _new, rows = draft(columns={"Response": ids}, without=["Response ID", "Date"])
    assert "answered_on" not in rows and rows["response_id"].iloc[0] == "0000"


@pytest.mark.slow
def test_sentences_that_never_repeat_are_no_ids(draft):
    said = [f"We waited {i} days for it, and nobody called us back" for i in range(N)]
    _new, rows = draft(columns={"Response": said})
    assert rows["response_id"].iloc[0] == "R0"


@pytest.mark.slow
def test_answers_that_repeat_are_no_ids(folder):
    rows = pd.DataFrame({"Response": TEN[:60], "Region": np.resize(["N", "S"], 60)})
    rows.to_csv(folder / "nps.csv", index=False)
    assert "repeat, so the rows are numbered" not in intake.draft("new", [folder / "nps.csv"])


@pytest.mark.slow
@pytest.mark.few(4)
@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Befragt am", "%d.%m.%Y"),
        ("提交答卷时间", "%Y/%m/%d %H:%M:%S"),
        *(
            pytest.param(n, "%d.%m.%Y %H:%M", marks=pytest.mark.slow)
            for n in ("Datum Abgeschickt", "Zeitstempel", "Endzeit", "Interviewdatum", "Erhoben am")
        ),
        *(
            pytest.param(n, "%Y-%m-%d %H:%M:%S", marks=pytest.mark.slow)
            for n in ("RecordedDate", "Date submitted", "Completion time", "Interviewed on")
        ),
        *(
            pytest.param(n, "%Y年%m月%d日", marks=pytest.mark.slow)
            for n in ("填写时间", "结束答题时间", "问卷提交时间", "作答日期")
        ),
    ],
)
def test_the_day_of_the_answer_is_known_by_its_name(draft, name, form):
    new, rows = draft(columns={name: DAYS.strftime(form)}, without=["Date"])
    assert rows["answered_on"].dt.normalize().tolist() == list(DAYS.normalize())
    assert not new.unconfirmed


@pytest.mark.slow
@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("start", "end"), [("Startzeit", "Endzeit"), ("开始时间", "结束时间"), ("StartDate", "EndDate")]
)
def test_the_end_of_an_answer_is_its_day_and_not_its_beginning(draft, start, end):
    days = {start: DAYS - pd.Timedelta("2D"), end: DAYS}
    new, rows = draft(columns=days, without=["Date"])
    assert rows["answered_on"].tolist() == list(DAYS) and not new.unconfirmed


# Ratings with words behind their numbers, or beside them


@pytest.mark.first_fast
@pytest.mark.parametrize(
    ("header", "forms", "reverse", "asked"),
    [
        ("Delivery (1-5)", ["{} - text"] * 5, False, False),
        ("Delivery (1-5)", ["{} - red", "{} - green", "{} - blue", "{}", "{} - pink"], False, True),
        ("Zebra (1-5)", ["{} = low", "{}", "{}", "{}", "{} = high"], False, False),
        (
            "Zebra",
            ["{}: 非常不满意", "{}: 不满意", "{}: 一般", "{}: 满意", "{}: 非常满意"],
            False,
            False,
        ),
        ("Zebra", ["{} = sehr unzufrieden", "{}", "{}", "{}", "{} = sehr zufrieden"], False, False),
        ("Zebra", ["{} = sehr zufrieden", "{}", "{}", "{}", "{} = sehr unzufrieden"], True, False),
        (
            "Overall quality",
            ["{} worst", "{} weak", "{} so so", "{} fine", "{} best"],
            False,
            False,
        ),
    ],
)
def test_numbers_with_words_are_ratings(draft, header, forms, reverse, asked):
    words = [forms[x - 1].format(x) for x in FIVE]
    new, rows = draft(columns={header: words})
    one = new.items[name := item(new, header)]
    assert one.scale == (1, 5) and one.reverse == reverse and bool(new.unconfirmed) == asked
    assert rows[name].tolist() == (6 - FIVE if reverse else FIVE).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("header", ["Sales district", "Rooms"])
def test_numbers_with_words_and_nothing_else_are_groups(draft, header):
    words = [f"{x} - {'NESWX'[x - 1]} district" for x in FIVE]
    new, rows = draft(columns={header: words})
    assert list(new.items) == ["recommend_0_10"] and rows[header].tolist() == words


@pytest.mark.slow
@pytest.mark.parametrize("month", ["May", "Okt", "Mrz"])
def test_numbers_that_a_spreadsheet_made_dates_of_are_asked_about(draft, month):
    words = [f"{x}-{month}" if i % 7 == 0 else str(x) for i, x in enumerate(FIVE)]
    new, _rows = draft(columns={"Satisfaction (1-5)": words})
    assert list(new.items) == ["recommend_0_10"]
    assert any("speaks of a rating, but 29 cell(s)" in u for u in new.unconfirmed)


def test_a_numbered_no_answer_is_missing(draft):
    words = with_code(
        "9 - Don't know", 15, np.array([f"{x} - grade {'edcba'[x - 1]}" for x in FIVE])
    )
    new, rows = draft(columns={"Quality (1-5)": words})
    kept = FIVE[words != "9 - Don't know"]
    assert rows[item(new, "Quality")].dropna().tolist() == kept.tolist()


@pytest.mark.slow
@pytest.mark.parametrize(("header", "words"), [("Ease of ordering", "Don't know")])
def test_words_of_no_answer_keep_no_column_from_being_rated(draft, header, words):
    new, rows = draft(columns={header: with_code(words, 12)})
    assert new.items[name := item(new, header)].scale == (1, 5) and not new.unconfirmed
    assert rows[name].notna().sum() == 188


@pytest.mark.slow
def test_numbers_with_words_of_no_answer_and_no_word_of_a_rating_are_asked_about(draft):
    new, _rows = draft(columns={"Zebra": with_code("Don't know", 12)})
    assert any("numbers with nothing that speaks of a rating" in u for u in new.unconfirmed)


# Columns computed from others


@pytest.mark.slow
def test_a_mean_of_other_answers_is_left_out(draft, folder):
    columns = {"Quality": FIVE, "Support": FIVE[::-1], "Price": np.roll(FIVE, 3)}
    mean = np.round((columns["Quality"] + columns["Support"]) / 2, 1)
    new, rows = draft(columns=columns | {"Mean score": mean})
    assert list(new.items) == ["recommend_0_10", "quality", "support", "price"]
    assert "Mean score" not in rows and not new.unconfirmed
    assert "Mean score: computed from Quality, Support" in (folder / "study.yaml").read_text()


@pytest.mark.slow
def test_half_points_that_no_formula_makes_are_answers(draft):
    half = np.clip(FIVE + np.resize([0, 0.5, 0, -0.5, 0.5, 0, -0.5], N), 1, 5)
    new, _rows = draft(columns={"Quality": FIVE, "Support": FIVE[::-1], "Price": half})
    assert "price" in new.items


@pytest.mark.slow
def test_what_is_called_a_mean_and_is_not_made_of_others_is_asked_about(draft):
    new, _rows = draft(columns={"Quality": FIVE, "Average rating": np.roll(FIVE, 3)})
    assert "average_rating" in new.items
    assert any("called a mean: is it computed from other answers?" in u for u in new.unconfirmed)
