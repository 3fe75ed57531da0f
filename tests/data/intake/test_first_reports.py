"""Drafts of exports as tools write them: what the first report is about, and what it calls it."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from cxlib.data import intake, study

pytestmark = pytest.mark.slow  # whole files are drafted, checked or loaded

N = 120
SATISFIED = ["Very dissatisfied", "Dissatisfied", "Neutral", "Satisfied", "Very satisfied"]
WHEN = pd.date_range("2026-03-01", periods=N, freq="h").strftime("%Y-%m-%d %H:%M:%S")


def answers(low: int, high: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).permutation(np.resize(np.arange(low, high + 1), N))


def words(some: list[str], seed: int = 0) -> np.ndarray:
    return np.array(some, dtype=object)[answers(0, len(some) - 1, seed)]


def texts(form: str = "Delivery number {} came late and nobody told me", share: int = 2) -> list:
    return [form.format(i) if i % share == 0 else None for i in range(N)]


@pytest.fixture
def load(folder):
    """Draft a study of one file under this name, with the proposed answers, and take it in."""

    def loaded(frame: pd.DataFrame | bytes, name: str = "a.csv"):
        if isinstance(frame, bytes):
            (folder / name).write_bytes(frame)
        elif name.endswith(".xlsx"):
            frame.to_excel(folder / name, index=False)
        else:
            frame.to_csv(folder / name, index=False)
        (folder / "study.yaml").write_text(intake.draft("new", [folder / name]), encoding="utf-8")
        new = study.read("new")
        return new, {n: t.rows for n, t in intake.every_table(new).items()}

    return loaded


def nps(scores: pd.Series) -> float:
    return 100 * ((scores >= 9).mean() - (scores <= 6).mean())


# Tools


def test_typeform_choices_are_ticked_boxes_and_none_is_personal(load):
    score, ticked = answers(0, 10), {c: answers(0, 1, s) for s, c in enumerate(["Store", "Phone"])}
    rows = pd.DataFrame({"#": [f"k{i:x}q" for i in range(N)]})
    rows["Hi! How likely are you to recommend *Acme* to a friend?"] = score
    for c, yes in ticked.items():
        rows[c] = np.where(yes, c, None)
    rows["Which region do you live in?"] = words(["North", "South"])
    rows = rows.assign(**{"Submit Date (UTC)": WHEN, "Network ID": range(N), "Tags": ""})
    new, tables = load(rows)
    got = tables["responses"]
    assert got["chosen: Phone"].sum() == ticked["Phone"].sum() and new.label("chosen: Phone")
    assert nps(got["recommend"]) == pytest.approx(nps(pd.Series(score)))
    assert new.items["recommend"].label == {"en": "Likelihood to recommend", "zh": "推荐意愿"}
    assert new.label(new.group) == "Region"


@pytest.mark.parametrize(
    "heads",
    [
        [
            "id. Response ID",
            "submitdate. Date submitted",
            "lastpage. Last page",
            "startlanguage. Start language",
        ],
        ["Antwort ID", "Datum Abgeschickt", "Letzte Seite", "Start-Sprache"],
        ["ID de la réponse", "Date de soumission", "Dernière page", "Langue de départ"],
    ],
)
def test_limesurvey_is_known_with_codes_and_in_other_languages(load, heads):
    rows = pd.DataFrame(dict(zip(heads, [range(N), WHEN, 3, "en"], strict=True)))
    rows.loc[:9, heads[1]] = None  # not finished
    for i, part in enumerate(["Waiting time", "Staff"]):
        name = f"G01Q01[SQ00{i}]. How satisfied are you with the following? [{part}]"
        rows[name] = words(SATISFIED, i)
    new, tables = load(rows, "results-survey123456.csv")
    assert len(tables["responses"]) == N - 10 and not new.group
    assert [i.label["en"] for i in new.items.values()] == ["Waiting time", "Staff"]
    assert new.title["en"] == "New"  # the name of the file says nothing


def test_older_qualtrics_blocks_have_a_hyphen_without_blanks(load):
    label = "Please rate these aspects of your purchase"
    asked = "Where did you buy from us?"
    rows = pd.DataFrame({f"V{i}": "x" for i in range(1, 11)}, index=range(N))
    rows = rows.assign(V1=range(N), V8=WHEN, V9=WHEN, V7=0, V10=1)
    rows = rows.assign(Q2_1=answers(1, 5), Q2_2=answers(1, 5, 1))
    rows = rows.assign(
        Q3_1=np.where(answers(0, 1), 1, np.nan), Q3_2=np.where(answers(0, 1, 2), 1.0, np.nan)
    )
    heads = ["ResponseID", "ResponseSet", "Name", "Ref", "EmailAddress", "IPAddress", "Status"]
    heads += ["StartDate", "EndDate", "Finished", f"{label}-Speed", f"{label}-After-sales service"]
    heads += [f"{asked}-Shop", f"{asked}-App"]
    new, tables = load(
        pd.concat([pd.DataFrame([heads], columns=rows.columns), rows.astype(object)])
    )
    assert [i.label["en"] for i in new.items.values()] == ["Speed", "After-sales service"]
    assert tables["responses"]["where_did_you_buy_from_us: App"].sum() == rows["Q3_2"].sum()


def test_microsoft_forms_reach_a_report_of_scores(load):
    rows = pd.DataFrame({"ID": range(1, N + 1), "Start time": WHEN, "Completion time": WHEN})
    rows = rows.assign(Email="anonymous", Name="")
    rows["Speed of our response"] = words(SATISFIED)
    rows["How likely are you to recommend our help desk to a colleague?"] = answers(0, 10)
    rows["Please rate your overall experience with the help desk"] = answers(1, 5)
    new, tables = load(rows, "Help desk feedback(1-120).xlsx")
    assert new.title["en"] == "Help desk feedback" and "10" in new.reports
    assert nps(tables["responses"]["recommend"]) == pytest.approx(nps(pd.Series(answers(0, 10))))


# Groups


def test_a_group_is_large_enough_among_those_who_answered_the_outcome(load):
    rows = pd.DataFrame({"ID": range(N), "Would you recommend us?": answers(0, 10).astype(float)})
    rows["Region"] = ["North"] * 60 + ["South"] * 60
    rows["Plan"] = ["Basic", "Gold"] * 60
    rows.loc[65:, "Would you recommend us?"] = np.nan  # five answers are from the south
    new, _tables = load(rows)
    assert new.group == "Plan"


def test_a_column_that_names_groups_goes_before_other_questions(load):
    rows = pd.DataFrame({"ID": range(N), "Would you recommend us?": answers(0, 10)})
    rows["Is this your first order?"] = answers(0, 1)
    rows["Region"] = words(["North", "South"])
    assert load(rows)[0].group == "Region"


# Comments


def test_several_columns_of_comments_are_comments_of_their_respondents(load):
    rows = pd.DataFrame({"Would you recommend us?": answers(0, 10)})
    rows["What was good?"], rows["What should we improve?"] = texts(), texts("Please mend {} now")
    rows.loc[1, "What was good?"], rows.loc[3, "What was good?"] = "NA", "nothing"
    new, tables = load(rows)
    wrote = tables["comments"]
    assert wrote["question"].value_counts().to_dict() == {
        "What was good?": N / 2,
        "What should we improve?": N / 2,
    }
    assert wrote["comment_id"].is_unique
    assert set(wrote["response_id"]) <= set(tables["responses"]["response_id"])
    assert wrote["response_id"].value_counts().eq(2).all()  # even rows answered both


def test_cells_that_say_nothing_do_not_hide_a_column_of_comments(load):
    rows = pd.DataFrame({"Would you recommend us?": answers(0, 10)})
    rows["Důvod hodnocení"] = [t or "NA" for t in texts("Zboží číslo {} přišlo pozdě", share=8)]
    assert len(load(rows)[1]["comments"]) == N / 8


def test_texts_of_tickets_are_comments(load):
    rows = pd.DataFrame({"Ticket ID": range(N), "Ticket Type": words(["Refund", "Login"])})
    rows["Ticket Description"] = texts(share=1)
    new, tables = load(rows)
    assert len(tables["comments"]) == N and "23" in new.reports
    new, tables = load(rows.assign(**{"Created at": WHEN, "Status": "open"}))
    assert len(tables["cases"]) == len(tables["comments"]) == N


# Scales


@pytest.mark.parametrize(
    ("wording", "scale"),
    [
        ("How would you rate our speed on a scale from 1 to 100?", (1, 100)),
        ("How satisfied are you with our speed? (0-100)", (0, 100)),
        ("Satisfaction with our speed", (0, 100)),
    ],
)
def test_a_slider_is_a_rating(load, wording, scale):
    score = answers(1, 100)
    new, tables = load(pd.DataFrame({"ID": range(N), "NPS": answers(0, 10), wording: score}))
    item = next(n for n, i in new.items.items() if i.scale == scale)
    assert tables["responses"][item].mean() == pytest.approx(score.mean())


@pytest.mark.parametrize("name", ["Age in years", "Number of visits", "Minutes waited"])
def test_numbers_up_to_a_hundred_are_no_rating_by_themselves(load, name):
    new, _tables = load(pd.DataFrame({"NPS": answers(0, 10), name: answers(1, 100)}))
    assert list(new.items) == ["nps"]


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("wording", "reverse"),
    [
        ("How difficult was it to reach us?", True),
        ("How easy or difficult was it to reach us?", False),
        ("Reaching us was (1 = very easy, 5 = very difficult): how easy?", True),
        ("Reaching us was (1 = very difficult, 5 = very easy): how easy?", False),
        ("您觉得联系我们的费力程度如何？", True),
    ],
)
def test_how_hard_something_was_is_good_when_low(load, wording, reverse):
    new, _tables = load(pd.DataFrame({"NPS": answers(0, 10), wording: answers(1, 5)}))
    assert next(i for i in new.items.values() if i.role == "effort").reverse is reverse


@pytest.mark.few(2)
@pytest.mark.parametrize(
    "steps",
    [
        ["No", "Yes, to some extent", "Yes, definitely"],
        ["No", "Yes, sometimes", "Yes, always"],
        ["Not at all clean", "Not very clean", "Fairly clean", "Very clean"],
        ["Never", "Sometimes", "Usually", "Always"],
    ],
)
def test_scales_of_health_services_are_ratings(load, steps):
    rows = pd.DataFrame({"NPS": answers(0, 10), "Did staff listen to you?": words(steps)})
    new, tables = load(rows)
    item = next(n for n in new.items if n != "nps")
    assert new.items[item].scale == (1, len(steps)) and not new.items[item].reverse
    expected = rows["Did staff listen to you?"].map({w: i + 1 for i, w in enumerate(steps)})
    assert tables["responses"][item].mean() == pytest.approx(expected.mean())


# What readers and owners are told


def test_rows_of_tests_and_of_staff_are_asked_about_and_are_no_group(load):
    rows = pd.DataFrame({"NPS": answers(0, 10), "user_type": ["customer"] * 90 + ["staff"] * 30})
    new, _tables = load(rows)
    (told,) = [u for u in new.unconfirmed if "no customers" in u]
    assert "30 staff" in told and not new.group


def test_readers_see_no_placeholder_of_a_draft(load):
    new, _tables = load(pd.DataFrame({"NPS": answers(0, 10)}), "Acme_relationship_survey_2026.csv")
    assert new.title["en"] == "Acme relationship survey 2026"
    assert new.source is new.licence is None
    assert new.unconfirmed == []  # what no number rests on is no question


def test_questions_in_chinese_make_pages_in_chinese(load):
    new, _tables = load(pd.DataFrame({"您有多大可能推荐我们？": answers(0, 10)}))
    assert new.reporting.languages == ["zh"] and new.untranslated("zh") == []
    english, _tables = load(pd.DataFrame({"NPS": answers(0, 10)}))
    assert english.reporting.languages == []


def test_guesses_call_questions_by_their_labels(load):
    rows = pd.DataFrame({"NPS": answers(0, 10), "Q7_1": words(["A1", "A2", "A3", "A4"])})
    rows = rows.rename(columns={"Q7_1": "How would you rate the speed of our delivery?"})
    new, _tables = load(rows)
    assert any(u.startswith("Speed of our delivery: the codes") for u in new.unconfirmed)


def test_orders_of_a_shop_without_addresses_are_taken_in(load):
    rows = pd.DataFrame({"Name": [f"#{i}" for i in range(20)], "Email": "", "Total": 9.5})
    rows = rows.assign(**{"Financial Status": "paid", "Created at": "2026-03-01 10:00:00 +0100"})
    rows = rows.assign(**{"Lineitem quantity": 1, "Lineitem name": "Mug", "Lineitem price": 9.5})
    new, tables = load(rows.assign(**{"Refunded Amount": 0}))
    assert tables["orders"]["amount"].sum() == 190 and "31" not in new.reports


def test_names_of_many_questions_stay_apart(load):
    asked = itertools.product(["speed", "staff"], ["in our shop", "on the phone"])
    rows = pd.DataFrame(
        {f"How satisfied are you with the {a} {b}?": answers(1, 5) for a, b in asked}
    )
    new, _tables = load(rows)
    labels = [i.label["en"] for i in new.items.values()]
    assert len(set(labels)) == 4 and max(map(len, labels)) <= 40
