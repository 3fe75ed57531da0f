"""The scorecard: the few measures, what changed and whether that is noise, nothing hidden shown."""

from __future__ import annotations

import json
import re

import pytest

from cxlib.core import context
from cxlib.report import indexes, scorecard


def record(
    columns: str, *rows: list, unit: str = "points", answer: str = "Said.", **tables
) -> dict:
    table = {"columns": columns.split(), "rows": list(rows)}
    return {"answer": answer, "note": "", "unit": unit, "table": table, "tables": tables}


def run_of(*numbers: str, name: str = "now", begun: str = "2026-02", **change) -> dict:
    pages = [
        {
            "page": f"{n}_page",
            "notebook": f"{n}_page.ipynb",
            "set": "",
            "status": "ok",
            "lang": "en",
            "title": n,
            "answer": "",
            "mistake": None,
        }
        | change
        for n in numbers
    ]
    return {
        "run": name,
        "study": "nobody",
        "pages": pages,
        "lang": "en",
        "begun": begun,
        "about": {"title": "Nobody", "source": "", "licence": "", "citation": ""},
        "code": "0",
    }


def nps(estimate, low, high, n=400) -> dict:
    return {
        "10_page": {
            "nps": record("term estimate low high n", ["recommend", estimate, low, high, n])
        }
    }


@pytest.mark.parametrize(
    ("before", "said", "tone"),
    [
        ((10.0, 7.0, 13.0), "+10.0, more than noise", "up"),
        ((30.0, 27.0, 33.0), "−10.0, more than noise", "down"),
        ((18.0, 15.0, 21.0), "+2.0, may be noise", "same"),
        ((20.0, 17.0, 23.0), "as before", "same"),
    ],
)
def test_a_change_is_more_than_noise_where_the_intervals_do_not_touch(before, said, tone):
    then = run_of("10", name="then", begun="2026-01"), nps(*before)
    [measure] = scorecard.of(run_of("10"), nps(20.0, 17.0, 23.0), then)["measures"]
    assert (measure["value"], measure["span"], measure["n"]) == ("20.0", "17.0 to 23.0", "400")
    assert (measure["change"], measure["tone"]) == (said, tone)
    assert measure["file"] == "10_page.html"


def test_a_run_whose_answers_had_other_columns_is_passed_over_and_named():
    old = nps(10.0, 7.0, 13.0) | {
        "11_page": {"index": record("measure estimate", ["loyalty", 70.0])}
    }
    then = run_of("10", "11", name="then", begun="2026-01")
    card = scorecard.of(run_of("10"), nps(20.0, 17.0, 23.0), (then, old))
    assert (card["since"], card["unread"], card["measures"][0]["change"]) == ("", "then", "")
    html = indexes.of_run(run_of("10"), answers=nps(20.0, 17.0, 23.0), before=(then, old))
    assert "The run then kept its answers in another form: no change to tell." in html


def test_of_renewals_the_last_is_told_and_few_shares_have_a_decimal():
    stays = record(
        "model renewals term estimate low high n",
        ["fitted", "1", "there still", 0.97, 0.96, 0.98, 90],
        ["fitted", "24", "there still", 0.76, 0.74, 0.78, 90],
        ["observed", "24", "there still", 0.5, 0.4, 0.6, 90],
        unit="share",
    )
    back = record(
        "purchase term estimate low high n",
        ["first", "within 365 days", 0.006, 0.004, 0.008, 90],
        unit="share",
    )
    kept = {"31_page": {"retention": stays}, "33_page": {"repeat": back}}
    stay, again = scorecard.of(run_of("31", "33"), kept)["measures"]
    assert (stay["value"], stay["more"]) == ("76%", "after 24 renewals (74% to 78%)")
    assert (again["value"], again["more"]) == ("0.6%", "within 365 days (0.4% to 0.8%)")
    top = {
        "10_page": {
            "csat": record("term estimate low high n", ["x", 0.31, 0.29, 0.33, 90], unit="share")
        }
    }
    [satisfied] = scorecard.of(run_of("10", parameters={"TOP": 2}), top)["measures"]
    assert satisfied["more"] == "of the 2 best marks (29% to 33%)"
    stage = {"columns": ["term", "estimate", "low", "high"], "rows": [["stage", 2, 1, 3]]}
    grades = {"42_page": {"maturity": record("term", ["x"], overall=stage)}}
    [stage] = scorecard.of(run_of("42"), grades)["measures"]
    assert (stage["value"], stage["span"]) == ("2 of 5", "1 to 3")


def test_hidden_numbers_and_pages_that_failed_are_left_out():
    assert scorecard.of(run_of("10"), nps(None, None, None, None))["measures"] == []
    assert scorecard.of(run_of("10", status="failed"), nps(1, 0, 2))["measures"] == []
    assert scorecard.of(run_of("10", set="region: north"), nps(1, 0, 2))["measures"] == []


def test_a_study_of_one_page_has_a_card_of_its_parts_only():
    card = scorecard.of(run_of("10"), nps(20.0, 17.0, 23.0))
    assert [m["name"] for m in card["measures"]] == ["NPS"] and card["measures"][0]["change"] == ""
    assert not any(card[part] for part in ("alerts", "opportunities", "pains", "actions"))


def everything() -> tuple[dict, dict]:
    rows = "term estimate low high n"
    answers = {
        **nps(20.0, 17.0, 23.0),
        "11_page": {
            "index": record(rows, ["image", 70, 69, 71, 400], ["satisfaction", 72, 71, 73, 400])
        },
        "21_page": {
            "gains": record(
                rows,
                ["b", 0.1, 0.0, 0.2, 400],
                ["a", 0.3, 0.2, 0.4, 400],
                ["c", None, None, None, None],
                unit="scale",
            )
        },
        "22_page": {
            "pain_points": record(
                "touchpoint term estimate severity impact impact_low impact_high",
                ["desk", "queue", 5, 0.081, 1.014, 0.751, 1.317],
            )
        },
        "24_page": {"standards": record(rows, ["first reply", 0.7, 0.6, 0.8, 400], unit="share")},
        "32_page": {
            "churn": record(
                rows,
                ["AUC", 0.7, 0.6, 0.8, 400],
                unit="",
                risk={"columns": rows.split(), "rows": [["high", 0.1, 0.05, 0.2, 40]]},
            )
        },
        "41_page": {
            "ledger": record("problem", ["late"], answer="Open 3, overdue 1."),
            "closed": record("problem", ["done"], answer="They brought 9."),
            "warnings": record(
                "measure by group term estimate low high standing first_seen",
                ["scale", "", "", "delivery", -1.2, -1.4, -1.0, "new", "w4"],
                ["csat", "team", "red", "solved", -0.4, -0.5, -0.3, "known", "w3"],
                ["scale", "", "", "room", -1.2, -1.4, -1.0, "over", "w2"],
            ),
        },
    }
    return run_of("10", "11", "21", "22", "24", "32", "41"), answers


def test_every_part_is_there_and_leads_to_its_page():
    card = scorecard.of(*everything())
    values = {m["name"]: m["value"] for m in card["measures"]}
    assert values == {
        "Satisfaction index": "72.0",
        "NPS": "20.0",
        "First-response SLA met": "70%",
        "At high risk of leaving": "40",
    }
    assert card["opportunities"]["said"] == [
        "One rating point more is associated with so many points more of the outcome:",
        "A: 0.30 (0.20 to 0.40)",
        "B: 0.10 (0.00 to 0.20)",
    ]
    assert card["pains"]["file"] == "22_page.html#answer-pain_points"
    assert card["pains"]["said"] == [
        "desk: queue; 8.1% of its customers, associated with 1.01 points less (0.75 to 1.32)"
    ]
    assert card["alerts"]["said"] == [
        "Alerts now: new 1, known 1.",
        "Delivery −1.20 (−1.40 to −1.00), since w4",
        "Solved (team: red) −40 percentage points (−50 to −30), since w3",
    ]
    assert card["actions"]["said"] == ["Open 3, overdue 1.", "They brought 9."]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_index_shows_it_first_with_the_same_numbers(lang):
    run, answers = everything()
    for made in run["pages"]:
        made["lang"] = lang
    context.begin(lang=lang)
    html = indexes.of_run(run | {"lang": lang}, lang=lang, answers=answers)
    assert html.index('class="scorecard"') < html.index('class="cards"')
    shown = set(re.findall(r"<strong>([^<]+)</strong>", html))
    assert {"72.0", "20.0", "70%", "40"} <= shown
    assert "http://" not in html and "https://" not in html


def test_without_answers_the_index_is_as_it_was():
    assert "scorecard" not in indexes.of_run(run_of("10")).split("</style>")[1]


def test_the_run_before_is_the_last_that_has_most_of_the_pages(tmp_path):
    from cxlib.batch.record import _run_before

    for name, begun, numbers in [
        ("old", "2026-01-01", ["10", "11"]),
        ("new", "2026-01-03", ["10"]),
        ("mid", "2026-01-02", ["10", "11"]),
        ("later", "2026-09", ["10", "11"]),
    ]:
        (tmp_path / name).mkdir()
        other = run_of(*numbers, name=name, begun=begun)
        (tmp_path / name / "run.json").write_text(json.dumps(other))
        (tmp_path / name / "answers.json").write_text(json.dumps(nps(1, 0, 2)))
    run = run_of("10", "11", "12", begun="2026-02")
    before = _run_before(tmp_path / "now", run)
    assert before[0]["run"] == "mid" and "10_page" in before[1]
    assert _run_before(tmp_path / "now", run | {"study": "another"}) is None
