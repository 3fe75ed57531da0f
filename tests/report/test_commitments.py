"""What the study has committed to, in findings: targets of measures, open actions and owners."""

from dataclasses import replace
from datetime import date

import pandas as pd
import pytest

from cxlib.core import context
from cxlib.core.context import Context
from cxlib.core.result import Finding, Importance, Result
from cxlib.data.schema import Target
from cxlib.report import commitments

SOLVE = "Solve “Parcels come late” as planned in the ledger; whether it pays is not known yet."

LEDGER = pd.DataFrame(
    {
        "action_id": ["a1", "a2"],
        "problem": ["Parcels come late", "Nobody answers"],
        "about": ["delivery", "support"],
        "status": ["started", "done"],
        "owner": ["Logistics", "Service"],
        "due_on": [date(2026, 9, 30), date(2026, 1, 1)],
    }
)


def told(finding: Finding, table: pd.DataFrame | None = None, **rules) -> Finding:
    rows = pd.DataFrame({"estimate": [finding.value]}) if table is None else table
    with context.use(Context(**rules)):
        return commitments.of(Result(rows, finding))


def rate(value: float, low: float, high: float, **slots) -> Finding:
    return Finding("x", value=value, low=low, high=high, unit="share", **slots)


@pytest.mark.parametrize(
    ("value", "low", "high", "direction", "standing"),
    [
        (0.8, 0.7, 0.9, "at least", "met"),
        (0.6, 0.4, 0.8, "at least", "met, not certain"),
        (0.4, 0.2, 0.6, "at least", "missed, not certain"),
        (0.2, 0.1, 0.3, "at least", "missed"),
        (0.2, 0.1, 0.3, "at most", "met"),
        (0.4, 0.2, 0.6, "at most", "met, not certain"),
        (0.6, 0.4, 0.8, "at most", "missed, not certain"),
        (0.8, 0.7, 0.9, "at most", "missed"),
    ],
)
def test_a_target_inside_the_interval_is_not_certain(value, low, high, direction, standing):
    goal = Target(value=0.5, direction=direction)
    finding = told(
        rate(value, low, high, measure="complaint rate"), targets={"complaint_rate": goal}
    )
    assert finding.target_standing == standing and finding.target == 0.5
    side, _comma, doubt = standing.partition(", ")
    said = f"{side} by the estimate, within the margin of error" if doubt else side
    assert finding.detail == f"target 50% {said}"
    assert (finding.importance == Importance.NEWS) == (standing == "missed")


@pytest.mark.parametrize(
    ("value", "low", "high", "words"),
    [
        (0.2, 0.1, 0.3, "not reached yet"),
        (0.4, 0.2, 0.6, "missed by the estimate, within the margin of error"),
        (0.6, 0.4, 0.8, "met by the estimate, within the margin of error"),
        (0.8, 0.7, 0.9, "met"),
    ],
)
def test_before_its_day_a_target_is_not_missed(value, low, high, words):
    """The same rule as for a target without a day: what is inside the interval is not certain."""
    goal = Target(value=0.5, by=date(2027, 1, 1))
    finding = told(rate(value, low, high, measure="active"), targets={"active": goal})
    assert finding.detail == f"target 50% by 1 Jan 2027 {words}"
    assert finding.verdict == "" and finding.importance == Importance.CONTEXT


def test_what_to_do_is_a_sentence_of_its_own():
    for asked in ("improve Delivery first", "Improve Delivery first."):
        finding = told(rate(0.8, 0.7, 0.9, action=asked))
        assert finding.action == "Improve Delivery first."


def test_a_target_is_of_all_customers_and_of_its_own_measure():
    goals = {"active": Target(value=0.5)}
    for slots in ({"measure": "active", "at": {"region": "north"}}, {"measure": "at_risk"}):
        assert told(rate(0.2, 0.1, 0.3, **slots), targets=goals).target is None
    assert told(rate(0.2, 0.1, 0.3, measure="active", at={"window": "a week"})).target is None
    answer = {"measure": "active", "importance": Importance.ANSWER}
    year = told(rate(0.2, 0.1, 0.3, at={"window": "a year"}, **answer), targets=goals)
    assert year.target == 0.5
    wave = told(rate(0.2, 0.1, 0.3, measure="active", at={"wave": "w2"}), targets=goals)
    assert wave.target == 0.5


def test_a_target_is_judged_by_the_latest_wave_and_not_by_all_waves_together():
    finding = Finding("x", value=72.0, low=71.0, high=73.0, unit="points", measure="index")
    rows = pd.DataFrame({"estimate": [72.0]})
    with context.use(Context(targets={"index": Target(value=75, by=date(2026, 12, 31))})):
        pooled = commitments.of(Result(rows, finding, parts={"pooled": True}))
        latest = commitments.of(Result(rows, replace(finding, at={"wave": "2026-Q3"})))
        single = commitments.of(Result(rows, finding, parts={"pooled": False}))
    assert pooled.target is None and "target" not in pooled.detail
    assert latest.target_standing == single.target_standing == "not reached yet"


@pytest.mark.parametrize("measure, at", [("caught", "lead"), ("open cases", "day")])
def test_an_answer_may_be_of_a_day_or_a_time_ahead(measure, at):
    goals = {measure.replace(" ", "_"): Target(value=0.5)}
    slots = {"measure": measure, "at": {at: "x"}, "importance": Importance.ANSWER}
    assert told(rate(0.2, 0.1, 0.3, **slots), targets=goals).target_standing == "missed"


@pytest.mark.parametrize("verdict", ["", "unclear", "worse", "unchanged"])
@pytest.mark.parametrize(
    ("low", "high", "top", "words"),
    [
        (
            0.82,
            0.88,
            0.91,
            "target 90% missed by the estimate, within the margin of error of several comparisons",
        ),
        (0.82, 0.88, 0.89, "target 90% missed"),
        (0.80, 0.91, 0.93, "target 90% missed by the estimate, within the margin of error"),
    ],
)
def test_the_simultaneous_interval_decides_on_a_target(verdict, low, high, top, words):
    """A verdict on a change or on groups has no say, and the words agree with the interval."""
    own = rate(0.85, low, high, measure="solved_in_time", target=0.9, verdict=verdict)
    ends = {"simultaneous_low": 0.7, "simultaneous_high": top}
    table = pd.DataFrame(
        [{"term": "x", "estimate": 0.85, "low": low, "high": high, "n": 90} | ends]
    )
    finding = told(own, table)
    assert finding.detail == words
    assert (finding.target_standing == "missed") == (top < 0.9)


@pytest.mark.parametrize(
    ("table", "slots", "owner"),
    [
        ({"term": ["delivery"], "estimate": [0.2]}, {"value": 0.2}, True),
        ({"term": ["support"], "estimate": [0.2]}, {"value": 0.2}, False),  # it is done
        ({"term": ["room", "delivery"], "estimate": [0.2, 0.1]}, {"value": 0.2}, False),
        ({"term": ["delivery"], "estimate": [0.2]}, {}, False),  # the finding is of no row
        ({"term": ["delivery"], "estimate": [0.2]}, {"verdict": "worse"}, True),
        ({"term": ["x"], "estimate": [0.2]}, {"value": 0.2, "measure": "mean:delivery"}, True),
    ],
)
def test_a_finding_names_the_open_action_about_it_and_its_owner(table, slots, owner):
    finding = Finding("x", importance=Importance.NOTABLE, **slots)
    found = told(finding, pd.DataFrame(table), ledger=LEDGER)
    said = (SOLVE, "Logistics, due 30 Sep 2026") if owner else ("", "")
    assert (found.action, found.owner) == said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cost", "asks", "against"),
    [
        (250.0, "Improve it", "is not expected to pay (chance of a gain 16%)"),  # z = −50 / 51.02
        (250.0, "", ""),  # a claim that asks for nothing
        (50.0, "Improve it", ""),  # the action is expected to pay
    ],
)
def test_what_asks_for_something_says_that_the_ledger_is_against_it(cost, asks, against):
    effect = {"predicted": 2.0, "predicted_low": 1.0, "predicted_high": 3.0, "worth": 100.0}
    ledger = LEDGER.assign(cost=cost, **effect)
    finding = Finding("x", "n = 90", value=0.2, importance=Importance.NOTABLE, action=asks)
    table = pd.DataFrame({"term": ["delivery"], "estimate": [0.2]})
    planned = "n = 90; the action on “Parcels come late” has started and "
    found = told(finding, table, ledger=ledger)
    assert found.detail == (planned + against if against else "n = 90")
    # What is asked for and what the ledger says are one sentence.
    assert found.action.startswith("Improve it, but in another way: the action on") == bool(against)
    assert found.action.endswith("to pay; stop or redesign it.") == bool(against)
    plan = told(finding, table, ledger=ledger.assign(status="planned"))
    assert ("; the action planned on “Parcels come late” is not" in plan.detail) == bool(against)
    assert plan.action.startswith("Improve it, but by another action") == bool(against)


@pytest.mark.parametrize(
    ("silent", "wave", "said"),
    [
        ({"w2": 0.5}, "w2", True),  # 26 of half of them: -37 to 63 of all
        ({"w2": 0.004}, "w2", False),  # 25.5 to 26.3
        ({"w2": 0.5}, "w1", False),  # of that wave nothing is known
        ({"": 0.5}, "w1", True),  # stated for the study
        ({}, "w2", False),
    ],
)
def test_a_target_says_where_nonresponse_could_overturn_it(silent, wave, said):
    score = Finding("x", value=26.0, low=18.0, high=34.0, measure="nps", at={"wave": wave})
    rules = {"targets": {"nps": Target(value=25)}, "silent": silent}
    assert told(score, **rules).detail.endswith(commitments.by_nonresponse()) == said


def test_bounds_of_a_result_decide_on_nonresponse():
    bounds = pd.DataFrame({"estimate": [26.0], "least": [-39.0], "most": [65.0]})
    score = Finding("x", value=26.0, low=18.0, high=34.0, measure="nps")
    rules = {"targets": {"nps": Target(value=25)}}
    assert told(score, bounds, **rules).detail.endswith("; non-response could overturn this")
    answer = replace(score, importance=Importance.ANSWER)
    assert told(answer, bounds, **rules).action.startswith("Ask some of those who did not answer")
    narrow = bounds.assign(least=25.5, most=26.5)
    assert "non-response" not in told(score, narrow, **rules).detail
    assert told(answer, narrow, **rules).action.startswith("Do not count the target")


@pytest.mark.slow
def test_an_action_on_what_is_over_is_to_be_closed_or_planned_anew():
    """The page that shows that the fall is over asks for what 41 asks for."""
    effect = {"predicted": 4.0, "predicted_low": 3.0, "predicted_high": 5.0, "worth": 100.0}
    rows = LEDGER.assign(**effect, cost=10.0)
    finding = Finding("x", value=0.2, importance=Importance.NOTABLE)
    table = pd.DataFrame({"term": ["delivery"], "estimate": [0.2]})
    for lang, now, over in (
        (
            "en",
            "Before acting on “Parcels come late”",
            "Close the action on “Parcels come late” or set it a new goal",
        ),
        ("zh", "请先核实", "设定新目标"),
    ):
        with context.use(Context(ledger=rows, lang=lang)):
            lasting = commitments.of(Result(table, finding))
            past = commitments.of(Result(table, finding, parts={"past": "2026-Q1"}))
        assert now in lasting.action and over in past.action
        assert lasting.owner == past.owner != ""
