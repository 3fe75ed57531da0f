"""The index of a run: summary, cards, alerts, opportunities, actions, pages."""

from __future__ import annotations

import json
import re

import pytest

from cxlib.actions import series
from cxlib.core import context
from cxlib.report import findings, indexes, measures, scorecard, sparkline


def record(columns: str, *rows: list, unit: str = "points", claim: str = "", **more) -> dict:
    table = {"columns": columns.split(), "rows": list(rows)}
    finding = {"claim": claim, "importance": 1} | more.pop("finding", {}) if claim else {}
    tables = more.pop("tables", {})
    kept = {"answer": claim, "note": "", "unit": unit, "table": table, "tables": tables}
    return kept | {"finding": finding}


def run_of(*numbers: str, name: str = "now", begun: str = "2026-02", **change) -> dict:
    pages = [
        {
            "page": f"{n}_page",
            "notebook": f"{n}_page.ipynb",
            "set": "",
            "status": "ok",
            "lang": "en",
            "title": f"Question {n}?",
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
    row = ["recommend", estimate, low, high, n]
    finding = {"value": estimate, "measure": "nps", "importance": 2}
    kept = record("term estimate low high n", row, claim=f"NPS is {estimate}.", finding=finding)
    return {"10_page": {"nps": kept}}


def by_wave(change: float, p: float, verdict: str, **finding) -> dict:
    """NPS of four waves, as page 10 keeps it."""
    values = [10.0, 14.0, 20.0, 20.0 + change]
    rows = [[f"w{k}", "recommend", v, v - 5, v + 5, 100] for k, v in enumerate(values)]
    about = {
        "value": values[-1],
        "previous": 20.0,
        "change": change,
        "verdict": verdict,
        "measure": "nps",
        "at": {"wave": "w3"},
        "importance": 4,
    }
    columns = ["wave", "against", "term", "estimate", "low", "high", "n", "p"]
    steps = {"columns": columns, "rows": [["w3", "w2", "x", change, 0, 0, 90, p]]}
    kept = record(
        "wave term estimate low high n",
        *rows,
        claim="NPS moved.",
        finding=about | finding,
        tables={"changes": steps},
    )
    return {"10_page": {"nps": kept}}


def card_of(answers: dict, *numbers: str, before=None) -> dict:
    [card] = measures.of(run_of(*(numbers or ("10",))), answers, before)[0]
    return card


@pytest.mark.parametrize(
    ("change", "p", "verdict", "words", "tone"),
    [
        (-6.0, 0.01, "worse", "−6.0 points since w2, significant", "worse"),
        (6.0, 0.01, "better", "+6.0 points since w2, significant", "better"),
        (2.0, 0.4, "unclear", "+2.0 points since w2, not significant", "same"),
        # A target missed is worse; the change is not significant for that.
        (2.0, 0.4, "worse", "+2.0 points since w2, not significant", "same"),
    ],
)
def test_a_card_compares_with_the_wave_before(change, p, verdict, words, tone) -> None:
    card = card_of(by_wave(change, p, verdict))
    assert (card["change"], card["change_tone"]) == (words, tone)
    assert card["value"] == f"+{20 + change:.0f}" and card["link"] == "10_page.html#answer-nps"
    assert card["detail"].endswith("n = 100.") and "polyline" in card["spark"]


@pytest.mark.parametrize(
    ("standing", "words", "tone"),
    [
        ("missed", "Target +23 missed", "worse"),
        (
            "missed, not certain",
            "Target +23 missed by the estimate, within the margin of error",
            "same",
        ),
        ("not reached yet", "Target +23 not reached yet", "same"),
        ("met, not certain", "Target +23 met by the estimate, within the margin of error", "same"),
        ("met", "Target +23 met", "better"),
    ],
)
def test_a_target_is_met_or_missed_as_its_page_says(standing, words, tone) -> None:
    card = card_of(by_wave(2.0, 0.4, "unclear", target=23.0, target_standing=standing))
    assert (card["target"], card["target_tone"]) == (words, tone)


def test_run_with_run_comes_second_and_only_where_the_same_wave_has_another_value() -> None:
    then = run_of("10", name="then", begun="2026-01")
    same = measures.of(run_of("10"), by_wave(2.0, 0.4, "unclear"), (then, by_wave(2.0, 0.4, "")))
    assert same[0][0]["revised"] == ""
    assert same[1] == "All these numbers are the same as in the run then."
    revised = card_of(by_wave(2.0, 0.4, ""), before=(then, by_wave(-2.0, 0.4, "")))
    assert revised["change"].startswith("+2.0 points since w2")
    assert revised["revised"] == "+18 in the run then"
    other_wave = by_wave(2.0, 0.4, "", at={"wave": "w2"}, value=20.0)
    cards, since = measures.of(run_of("10"), by_wave(2.0, 0.4, ""), (then, other_wave))
    assert (cards[0]["revised"], since) == ("", "")


@pytest.mark.parametrize(
    ("before", "words", "tone"),
    [
        ((10.0, 7.0, 13.0), "+10.0 points since the run then, significant", "better"),
        ((30.0, 27.0, 33.0), "−10.0 points since the run then, significant", "worse"),
        ((18.0, 15.0, 21.0), "+2.0 points since the run then; the intervals overlap", "same"),
        ((20.0, 17.0, 23.0), "", "same"),
    ],
)
def test_without_waves_a_card_compares_with_the_run_before(before, words, tone) -> None:
    then = run_of("10", name="then", begun="2026-01"), nps(*before)
    card = card_of(nps(20.0, 17.0, 23.0), before=then)
    assert (card["value"], card["detail"]) == ("+20", "95% CI 17.0 to 23.0; n = 400.")
    assert (card["change"], card["change_tone"]) == (words, tone)


def test_a_run_whose_answers_had_other_columns_is_passed_over_and_named() -> None:
    old = nps(10.0, 7.0, 13.0) | {
        "11_page": {"index": record("measure estimate", ["loyalty", 70.0])}
    }
    then = run_of("10", "11", name="then", begun="2026-01"), old
    card = scorecard.of(run_of("10"), nps(20.0, 17.0, 23.0), then)
    assert card["measures"][0]["change"] == ""
    assert card["since"] == "The run then has other tables and cannot be compared."


def test_of_months_the_last_counts_and_few_shares_have_a_decimal() -> None:
    stays = record(
        "model months term estimate low high n",
        ["fitted", "1", "active", 0.97, 0.96, 0.98, 90],
        ["fitted", "24", "active", 0.76, 0.74, 0.78, 90],
        ["observed", "24", "active", 0.5, 0.4, 0.6, 90],
        unit="share",
        claim="50% are retained.",
        finding={"value": 0.5, "unit": "share"},
    )
    back = record(
        "purchase term estimate low high n",
        ["first", "within 365 days", 0.006, 0.004, 0.008, 90],
        unit="share",
    )
    kept = {"31_page": {"retention": stays}, "33_page": {"repeat": back}}
    stay, again = measures.of(run_of("31", "33"), kept)[0]
    assert (stay["value"], stay["detail"]) == (
        "50%",  # as the page says, which leaves out a model that does not fit
        "After 24 months; 95% CI 40% to 60%; n = 90.",
    )
    assert (again["value"], again["detail"]) == (
        "0.6%",
        "Within 365 days; a lower bound where the file is a sample of orders; 95% CI 0.4% to "
        "0.8%; n = 90.",
    )
    stage = {"columns": ["term", "estimate", "low", "high"], "rows": [["stage", 2, 1, 3]]}
    grades = {"42_page": {"maturity": record("term", ["x"], tables={"overall": stage})}}
    assert card_of(grades, "42")["value"] == "2 of 5"


def test_a_small_amount_is_not_rounded_away() -> None:
    worth = record(
        "term estimate low high n",
        ["everyone", 0.07, 0.04, 0.11, 90],
        unit="EUR",
        claim="A customer is worth €0.07.",
        finding={"value": 0.07, "unit": "EUR"},
    )
    card = card_of({"31_page": {"worth": worth}}, "31")
    assert (card["value"], card["detail"]) == ("€0.07", "95% CI 0.04 to 0.11; n = 90.")


def test_hidden_numbers_and_pages_that_failed_have_no_card() -> None:
    assert measures.of(run_of("10"), nps(None, None, None, None))[0] == []
    assert measures.of(run_of("10", status="failed"), nps(1, 0, 2))[0] == []
    assert measures.of(run_of("10", set="region: north"), nps(1, 0, 2))[0] == []


def test_the_line_of_waves_runs_to_the_latest_wherever_the_table_begins() -> None:
    answers = by_wave(2.0, 0.4, "unclear")
    first = measures.read(measures.MEASURES[0], {"10": answers["10_page"]}, "nobody")
    answers["10_page"]["nps"]["table"]["rows"].reverse()
    again = measures.read(measures.MEASURES[0], {"10": answers["10_page"]}, "nobody")
    assert first.series == again.series and first.series[-2:] == [("w2", 20.0), ("w3", 22.0)]


def test_a_sparkline_needs_three_waves_and_has_room_for_its_target() -> None:
    assert not sparkline.svg([1.0, 2.0])
    assert 'class="goal"' in sparkline.svg([1.0, 2.0, 3.0], target=9.0)
    assert "nan" not in sparkline.svg([5.0, 5.0, 5.0])


def everything() -> tuple[dict, dict]:
    rows = "term estimate low high n"
    standards = "term estimate low high n goal verdict"
    answers = {
        **nps(20.0, 17.0, 23.0),
        "12_page": {
            "trend": record(
                rows,
                ["x", 1, 0, 2, 9],
                claim="Value for money fell.",
                finding={"verdict": "worse", "importance": 4},
            )
        },
        "20_page": {
            "drivers": record(
                rows, ["x", 1, 0, 2, 9], claim="Delivery matters most.", finding={"importance": 2}
            )
        },
        "21_page": {
            "gains": record(
                rows,
                ["b", 0.1, 0.01, 0.2, 400],
                ["a", 0.3, 0.2, 0.4, 400],
                ["nothing", 0.2, -0.1, 0.5, 400],
                ["hidden", None, None, None, None],
                unit="scale",
            )
        },
        "24_page": {
            "standards": record(
                standards, ["first response", 0.7, 0.6, 0.8, 400, 0.9, "missed"], unit="share"
            )
        },
        "32_page": {
            "churn": record(
                rows,
                ["AUC", 0.7, 0.6, 0.8, 400],
                unit="",
                tables={"risk": {"columns": rows.split(), "rows": [["high", 0.1, 0.05, 0.2, 40]]}},
            )
        },
        "41_page": {
            "net_gain": record(
                "problem estimate low high action_id",
                ["Late parcels", 7000.0, -3000.0, 17000.0, "a1"],
                claim="Fix late parcels first.",
                finding={"importance": 4, "unit": "EUR", "action": "Late parcels"},
            ),
            "ledger": record(
                "problem owner standing due_on action_id",
                ["New app", "digital", "on its way", "2026-12-01", "a2"],
                ["Late parcels", "logistics", "overdue", "2026-09-30", "a1"],
                ["Old bills", "finance", "done", "2025-09-30", "a3"],
            ),
            "closed": record("problem", ["done"], claim="Finished actions brought 9 EUR."),
            "warnings": record(
                "measure by group term estimate low high standing first_seen kind owner wave",
                ["scale", "", "", "delivery", -1.2, -1.4, -1, "new", "w4", "moved", "depot", "w5"],
                [
                    "csat",
                    "team",
                    "red",
                    "ends",
                    -0.4,
                    -0.5,
                    0,
                    "ongoing",
                    "",
                    "standard missed",
                    "",
                    "",
                ],
                ["scale", "", "", "room", -1.2, -1.4, -1.0, "over", "w2", "moved", "", "w2"],
            ),
        },
    }
    return run_of("10", "12", "20", "21", "24", "32", "41"), answers


def test_the_summary_says_level_change_why_and_what_to_do() -> None:
    summary = findings.summary(findings.of(*everything()))
    assert [f.claim for f in summary] == [
        "NPS is 20.0.",
        "Value for money fell.",
        "Delivery matters most.",
        "Fix late parcels first.",
    ]
    assert summary[1].link == "12_page.html#answer-trend"


def test_a_target_that_is_missed_for_certain_is_in_the_summary() -> None:
    run, answers = everything()
    missed = {"verdict": "worse", "importance": 4, "target_standing": "missed", "value": 0.7}
    answers["24_page"]["standards"]["finding"] = {"claim": "The SLA is missed.", **missed}
    assert [f.claim for f in findings.summary(findings.of(run, answers))][-2:] == [
        "The SLA is missed.",
        "Fix late parcels first.",
    ]


def test_an_alert_whose_action_is_not_to_be_taken_says_so() -> None:
    run, answers = everything()
    table = answers["41_page"]["warnings"]["table"]
    table["columns"] = [*table["columns"], "verdict"]
    verdicts = ["do not act yet", "", ""]
    table["rows"] = [[*row, v] for row, v in zip(table["rows"], verdicts, strict=True)]
    alerts = scorecard.of(run, answers)["alerts"]["items"]
    assert [a["more"] for a in alerts] == ["verdict on its action: do not act yet", ""]


def test_a_verdict_that_depends_on_how_time_is_counted_says_so_everywhere() -> None:
    run, answers = everything()
    table = answers["24_page"]["standards"]["table"]
    table["columns"] = [*table["columns"], "other_counts"]
    table["rows"] = [[*row, "other verdict"] for row in table["rows"]]
    card = scorecard.of(run, answers)
    [sla] = [m for m in card["measures"] if m["name"] == "First-response SLA met"]
    assert sla["target"] == "Target 90% missed; depends on how time is counted"
    assert sla["target_tone"] == "same"
    for term, said in (("first-response SLA", ", counted in calendar hours"), ("ends", "")):
        began = "" if said else "2025-12"
        row = {"kind": series.MISSED, "term": term, "group": "", "by": "", "estimate": -0.4}
        row |= {"measure": "share", "first_seen": began, "standing": "new"}
        answers["41_page"]["warnings"]["table"] = {"columns": list(row), "rows": [[*row.values()]]}
        [alert] = scorecard.of(run, answers)["alerts"]["items"]
        assert alert["how"] == f"40.0 percentage points below target over all months{said}"
        assert alert["since"] == ("below it in each month since December 2025" if began else "")
        assert alert["tone"] == ("same" if said else "worse")  # red only where it is settled


def test_what_gives_alerts_an_owner_is_said_once() -> None:
    run, answers = everything()
    alerts = scorecard.of(run, answers)["alerts"]
    assert [bool(a["owner"]) for a in alerts["items"]] == [True, False]
    assert alerts["unowned"].startswith("1 of these 2 alerts has no owner yet: enter an action")
    html = indexes.of_run(run, answers=answers)
    assert alerts["unowned"] in html and html.count("no owner yet") == 1
    table = answers["41_page"]["warnings"]["table"]
    owner = table["columns"].index("owner")
    table["rows"] = [[*row[:owner], "", *row[owner + 1 :]] for row in table["rows"]]
    unowned = scorecard.of(run, answers)["alerts"]["unowned"]
    assert unowned.startswith("None of these alerts has an owner yet")


def test_an_action_is_shown_with_its_verdict() -> None:
    run, answers = everything()
    table = answers["41_page"]["net_gain"]["table"]
    table["columns"] = [*table["columns"], "verdict"]
    table["rows"] = [[*row, "act"] for row in table["rows"]]
    first = scorecard.of(run, answers)["actions"]["items"][0]
    assert first["how"] == "overdue" and first["more"].endswith("€7,000 a year: act")


def test_without_drivers_and_amounts_pain_points_are_the_opportunities() -> None:
    run, answers = everything()
    del answers["21_page"]
    answers["41_page"]["opportunities"] = record(
        "source term estimate low high n unit",
        ["22", "Delivery: problem", 0.13, 0.12, 0.14, 936, "points on average"],
    )
    run["pages"][2]["parameters"] = {"OUTCOME": "score"}
    part = scorecard.of(run, answers)["opportunities"]
    assert part["items"][0]["how"].startswith("0.13 points less")
    assert part["note"] == "On average over all answers."


def test_an_alert_of_grades_says_which_share_moved_down() -> None:
    run, answers = everything()
    rows = answers["41_page"]["warnings"]["table"]["rows"]
    rows[0][:6] = ["share", "", "", "grades", -0.383, -0.41]
    rows[0][9] = "segments sinking"
    first = scorecard.of(run, answers)["alerts"]["items"][0]
    assert first["what"] == "Purchase grades (moves up minus moves down)"
    assert first["how"] == "69% of changes were downwards"  # (1 + 0.383) / 2


def test_a_change_that_is_the_level_already_is_not_said_again() -> None:
    run, answers = run_of("10", "12"), by_wave(-6.0, 0.01, "worse")
    about = {"verdict": "worse", "importance": 4, "measure": "nps", "value": 14.0}
    twin = record("term", ["x"], claim="NPS fell to 14.", finding=about | {"at": {"wave": "w3"}})
    answers |= {"12_page": {"trend": twin}}
    assert [f.claim for f in findings.summary(findings.of(run, answers))] == ["NPS moved."]


def test_causes_of_alerts_that_are_over_are_not_why() -> None:
    run, answers = everything()
    causes = record(
        "term", ["x"], claim="Speed fell significantly in North.", finding={"importance": 3}
    )
    answers["41_page"]["causes"] = causes
    assert "Speed fell significantly in North." not in [
        f.claim for f in findings.summary(findings.of(run, answers))
    ]
    about = {"claim": "Delivery fell.", "importance": 2, "verdict": "worse"}
    answers["41_page"]["warnings"]["finding"] = about
    why = findings.summary(findings.of(run, answers))[2]
    assert why.claim == "Speed fell significantly in North."


def test_a_large_difference_between_groups_says_why() -> None:
    run, answers = everything()
    late = {"importance": 3, "measure": "csat:score", "value": 0.26, "at": {"delivered": "late"}}
    groups = record("term", ["x"], claim="CSAT is 26% for late orders.", finding=late)
    answers["10_page"]["by_group"] = groups
    assert findings.summary(findings.of(run, answers))[2].claim == "CSAT is 26% for late orders."
    groups["finding"]["importance"] = 2
    assert findings.summary(findings.of(run, answers))[2].claim == "Delivery matters most."


def test_sound_data_fill_no_summary() -> None:
    sound = record("term", ["x"], claim="The data passed every check.", finding={"importance": 4})
    answers = {"10_page": nps(20.0, 17.0, 23.0)["10_page"], "00_page": {"losses": sound}}
    summary = findings.summary(findings.of(run_of("00", "10"), answers))
    assert [f.claim for f in summary] == ["NPS is 20.0."]


def test_what_our_actions_brought_is_not_the_change() -> None:
    answers = nps(20.0, 17.0, 23.0)
    better = {"verdict": "better", "importance": 3}
    answers["40_page"] = {"x": record("term", ["x"], claim="The call raised NPS.", finding=better)}
    answers["33_page"] = {"x": record("term", ["x"], claim="Returns rose.", finding=better)}
    summary = findings.summary(findings.of(run_of("10", "40", "33"), answers))
    assert [f.claim for f in summary][:2] == ["NPS is 20.0.", "Returns rose."]


def test_a_run_of_few_pages_says_what_else_is_notable() -> None:
    kept = {
        f"4{k}_page": {"x": record("term", ["x"], claim=f"{k}.", finding={"importance": rank})}
        for k, rank in enumerate([1, 3, 4])
    }
    summary = findings.summary(findings.of(run_of("40", "41", "42"), kept))
    assert [f.claim for f in summary] == ["2.", "1."]


def test_every_part_is_there_and_leads_to_its_page() -> None:
    card = scorecard.of(*everything())
    assert [(m["name"], m["value"]) for m in card["measures"]] == [
        ("First-response SLA met", "70%"),  # what is worse comes first
        ("NPS", "+20"),
        ("Past customers flagged (backtest)", "40"),
    ]
    assert card["measures"][0]["target"] == "Target 90% missed"
    alerts = card["alerts"]["items"]
    assert [(a["what"], a["how"], a["since"], a["owner"], a["new"]) for a in alerts] == [
        ("Delivery", "1.20 points below its baseline in w5", "since w4", "Depot", True),
        (
            "Ends (team: red)",
            "40.0 percentage points below target over all months",
            "",
            "",
            False,
        ),
    ]
    assert card["alerts"]["link"] == "41_page.html#answer-warnings"
    opportunities = card["opportunities"]["items"]
    assert [(o["what"], o["how"]) for o in opportunities] == [
        ("A", "+0.30 points of the outcome"),
        ("B", "+0.10 points of the outcome"),
    ]
    actions = card["actions"]["items"]
    assert [(a["what"], a["how"], a["tone"]) for a in actions] == [
        ("Late parcels", "overdue", "worse"),
        ("New app", "on its way", "same"),
    ]
    assert actions[0]["since"] == "due 30 Sep 2026"
    assert actions[0]["more"] == "expected net gain €7,000 a year"
    rests = "Expected net gains rest on an assumed value of the effects."
    assert card["actions"]["closed"] == f"Finished actions brought 9 EUR. {rests}"


def test_gains_are_listed_by_what_is_printed_and_named_for_what_they_are() -> None:
    """The largest number comes first; what rests on a wave that is over comes last."""
    columns = ["source", "term", "estimate", "low", "high", "n", "unit", "position", "rests_on"]
    rows = [
        ["21", "room", 0.15, 0.10, 0.19, 90, "scale", "strength", "", None],
        ["21", "booking", 0.10, 0.06, 0.14, 90, "scale", "rated about average", "", None],
        ["21", "delivery", 0.16, 0.12, 0.20, 90, "scale", "weakness", "w2", 2],
    ]
    run, answers = everything()
    table = {"columns": [*columns, "place"], "rows": rows}
    answers["41_page"]["opportunities"] = {"table": table, "tables": {}, "finding": {}}
    items = scorecard.of(run, answers)["opportunities"]["items"]
    assert [(i["what"], i["more"]) for i in items] == [
        ("Room", "a strength: rated above average already"),
        ("Booking", "matters more than average, rated about average"),
        (
            "Delivery",
            "a weakness: rated below average; number 2 by explained variance without w2, whose "
            "fall is over",
        ),
    ]


def test_changes_that_worked_are_on_the_index_and_others_are_not() -> None:
    columns = "change verdict term estimate low high n unit passed failed faded_in"
    rows = [
        ["desk", "higher", "welcome", 0.8, 0.4, 1.2, 300, "scale", 4, 0, None],
        ["calls", "higher", "nps", 21.9, 12.7, 31.3, 300, "points", 5, 0, "w3"],  # faded
        ["app", "higher", "ease", 0.8, 0.4, 1.2, 300, "scale", 3, 1, None],  # a check failed
        ["price", "lower", "value", -0.7, -1.0, -0.3, 300, "scale", 4, 0, None],
    ]
    run, answers = run_of("40"), {"40_page": {"verdicts": record(columns, *rows)}}
    for name in ("desk", "calls", "app", "price"):
        told = {"action": f"Extend {name}."}
        answers["40_page"][f"change_{name}"] = record(
            "term", ["x"], claim=f"{name} worked.", finding=told
        )
    [item] = scorecard.of(run, answers)["worked"]["items"]
    assert (item["what"], item["more"]) == ("desk worked.", "Extend desk.")
    assert item["link"].endswith("#answer-change_desk")
    answers["40_page"]["verdicts"] = record(columns, *rows[1:])
    assert scorecard.of(run, answers)["worked"] is None


def test_without_a_page_of_alerts_the_news_of_other_pages_are_the_alerts() -> None:
    run, answers = everything()
    del answers["41_page"]
    answers["12_page"]["more"] = record(
        "term",
        ["x"],
        claim="Speed fell.",
        finding={"verdict": "worse", "importance": 4, "owner": "ops"},
    )
    card = scorecard.of(run, answers)
    [alert] = card["alerts"]["items"]  # the first piece of news is in the summary
    assert (alert["what"], alert["owner"], alert["link"]) == (
        "Speed fell.",
        "ops",
        "12_page.html#answer-more",
    )


def test_pages_come_in_the_order_of_the_run_each_with_its_own_head() -> None:
    run, answers = everything()
    run["pages"][4]["status"], run["pages"][5]["status"] = "failed", "skipped"
    [pages] = scorecard.pages(run, answers).values()
    assert [p["page"][:2] for p in pages] == [p["page"][:2] for p in run["pages"]]
    by = {p["page"][:2]: p["claim"] for p in pages}
    assert by["12"] == "Value for money fell." and by["10"] == "NPS is 20.0."


def test_what_to_do_stands_under_the_summary_unless_a_claim_says_it() -> None:
    run, answers = everything()
    [step] = [f for f in findings.of(run, answers) if f.claim == "Fix late parcels first."]
    head = answers[step.page][step.answer]["finding"]
    head["action"] = "Fix late parcels first"
    assert scorecard.of(run, answers)["do"] is None
    head["action"] = "Ask the carrier for a later hour."
    do = scorecard.of(run, answers)["do"]
    assert do == {"action": "Ask the carrier for a later hour.", "link": step.link}
    body = indexes.of_run(run, answers=answers).split("<body")[1]
    assert 'class="summary"' in body.split("Ask the carrier")[0]
    assert 'class="cells"' in body.split("Ask the carrier")[1]


def test_what_missed_its_target_comes_before_what_improved() -> None:
    """A page was headed by a missed target, and the index asked what had raised the score."""
    run = run_of("24")
    missed = {"action": "Speed up.", "verdict": "worse", "importance": 4}
    rose = {"action": "Keep what improved it.", "verdict": "better", "importance": 3}
    kept = {
        "standards": record("term", claim="The target was missed.", finding=missed),
        "month": record("term", claim="It rose.", finding=rose),
    }
    assert scorecard.of(run, {"24_page": kept})["do"]["action"] == "Speed up."


def test_an_action_whose_fall_is_over_is_closed_and_has_no_gain() -> None:
    run, answers = everything()
    columns = ["action_id", "term", "estimate", "low", "high", "verdict", "rests_on"]
    rows = [["a1", "x", 7000.0, -3000.0, 17000.0, "fall is over", "w4"]]
    answers["41_page"]["net_gain"] |= {"table": {"columns": columns, "rows": rows}}
    first, *_rest = scorecard.of(run, answers)["actions"]["items"]
    assert first["how"].endswith("close it or set a new goal") and not first["more"]


def test_each_page_is_listed_with_its_answer_also_where_the_summary_has_it() -> None:
    run, answers = everything()
    answers["12_page"]["trend"]["finding"] |= {"detail": "95% CI 1 to 2."}
    [pages] = scorecard.pages(run, answers).values()
    by = {p["page"][:2]: p["claim"] for p in pages}
    assert by["12"] == "Value for money fell." and by["10"] == "NPS is 20.0."
    context.begin(lang="en")
    listed = indexes.of_run(run, answers=answers).split('class="found"')[1]
    assert "Value for money fell." in listed and "Stated above" not in listed


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_index_begins_with_the_summary_in_which_no_claim_is_repeated(lang) -> None:
    run, answers = everything()
    for made in run["pages"]:
        made["lang"] = lang
    context.begin(lang=lang)
    html = indexes.of_run(run | {"lang": lang}, lang=lang, answers=answers)
    body = html.split("<body")[1]
    assert body.index('class="summary"') < body.index('class="cells"') < body.index('class="found"')
    summary, found = body.split('class="found"')
    for claim in ["NPS is 20.0.", "Value for money fell.", "Fix late parcels first."]:
        assert summary.count(claim) == 1
    assert "Question 10?" in found
    assert {"+20", "70%", "40"} <= set(re.findall(r"<strong>([^<]+)</strong>", body))
    assert "http://" not in html and "https://" not in html


def test_without_answers_the_index_lists_the_pages() -> None:
    body = indexes.of_run(run_of("10")).split("</style>")[-1]
    assert 'class="summary"' not in body and "Question 10?" in body


def test_the_index_of_all_studies_shows_what_each_says_first(tmp_path) -> None:
    run, answers = everything()
    run |= {"says": {"en": indexes.says(run, answers)}}
    (tmp_path / "nobody" / "now").mkdir(parents=True)
    (tmp_path / "nobody" / "now" / "run.json").write_text(json.dumps(run))
    body = indexes.of_all(tmp_path)["index.html"].split("<body")[1]
    assert "NPS is 20.0." in body and "Value for money fell." not in body and "7 pages" in body


def test_the_run_before_is_the_last_that_has_most_of_the_pages(tmp_path) -> None:
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


def test_what_to_do_about_alerts_is_what_their_page_says_and_comes_before_opportunities() -> None:
    def found(number: str, answer: str, action: str) -> findings.Found:
        return findings.Found(number, f"{number}_p", "?", answer, {"claim": "x", "action": action})

    fell, best = found("12", "nps_change", "find out why"), found("41", "opportunities", "improve")
    alert = found("41", "warnings", "ask area D")
    done = scorecard._to_do([fell, best], [fell, alert, best])
    assert done == {"action": "ask area D", "link": "41_p.html#answer-warnings"}
    assert scorecard._to_do([fell, best], [fell, best])["action"] == "find out why"
    assert scorecard._to_do([best], [best])["action"] == "improve"
