"""All outcomes of one randomised change: one table, one verdict."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from cxlib import impact
from cxlib.core import context
from cxlib.core.result import Finding, Result
from cxlib.data.schema import Change

CALLS = {"name": "calls", "label": "The calls", "column": "arm", "treated": ["yes"], "begun": "Q1"}
PILOT = SimpleNamespace(pilot=SimpleNamespace(column="arm"))
PLAN = SimpleNamespace(programme=SimpleNamespace(randomised=True, where="arm = 'yes'"))


def study(**given: object) -> SimpleNamespace:
    change = Change(**CALLS, design=given.pop("design", "randomised"), action="a1")
    rules = SimpleNamespace(action="a1")
    known = {"churn": PILOT, "loyalty": PLAN, "contact_rules": rules, "changes": [change]}
    return SimpleNamespace(**known | given)


def row(term: str, estimate: float, low: float, high: float, **more: object) -> pd.DataFrame:
    found = {"term": term, "estimate": estimate, "low": low, "high": high, "n": 900}
    return pd.DataFrame([found | more])


def one(faded: str = "", low: float = 12.0) -> Result:
    effects = row("recommend", 21.0, low, 30.0, unit="points")
    parts = {"label": "The calls", "change": "calls", "faded_in": faded}
    return Result({"effects": effects}, "", parts=parts)


WIDE = {"simultaneous_low": -1.0, "simultaneous_high": 17.0, "design": "randomised"}
ANSWERS = {
    "32": {"uplift": Result(row("average effect", 5.5, 1.6, 9.4), "")},
    "33": {"programme": Result(row("purchases", 8.1, 0.3, 15.9, **WIDE), "")},
    "26": {"callback_money": Result(row("spend", 6.7, -2.0, 15.4), Finding("x", unit="EUR"))},
}


def test_the_outcomes_of_a_trial_stand_together_by_hand() -> None:
    found = impact.outcomes(one("2026-Q3"), study(), ANSWERS)
    assert found is not None
    rows = found.table.set_index("term")
    assert rows["verdict"].to_dict() == {
        "NPS": "higher",
        "leaving": "lower",  # page 32 has the gain: that fewer leave is its other sign
        "purchases": "may be higher",
        "sales": "not settled",
    }
    assert rows.loc["leaving", ["estimate", "low", "high"]].tolist() == [-5.5, -9.4, -1.6]
    assert rows["unit"].tolist() == ["points", "percentage points", "percent", "EUR"]
    assert str(found) == (
        "The calls raised NPS and reduced leaving; no effect on NPS shows in 2026-Q3, and that on "
        "purchases and sales is not settled."
    )
    assert len(found.finding.claim.split()) <= 25
    assert "also by leaving, not by NPS alone" in found.finding.action
    lasting = impact.outcomes(one(), study(), {"32": ANSWERS["32"]})
    assert str(lasting) == "The calls raised NPS and reduced leaving."
    assert lasting is not None and not lasting.finding.action


def test_nothing_shown_is_not_said_to_work() -> None:
    money = row("margin minus cost", 1.0, -2.0, 4.0)
    answers = {"26": {"callback_money": Result(money, Finding("", unit="EUR"))}}
    found = impact.outcomes(one(low=-1.0), study(), answers)
    assert str(found) == "No effect of the calls is settled: NPS and margin minus cost."


@pytest.mark.parametrize(
    ("about", "answers"),
    [
        (study(design="series"), ANSWERS),  # not randomised: other pages judge it otherwise
        (study(), {}),  # no other page in this run
        (study(churn=None, loyalty=None, contact_rules=SimpleNamespace(action="")), ANSWERS),
    ],
)
def test_other_trials_are_not_mixed_in(about: SimpleNamespace, answers: dict) -> None:
    assert impact.outcomes(one(), about, answers) is None


def test_the_head_of_page_40_judges_by_all_outcomes() -> None:
    own = row("recommend", 21.0, 12.0, 30.0, unit="points")
    checks = pd.DataFrame({"term": ["attrition"], "result": ["passed"], "shows": [""]})
    parts = {"passed": 1, "failed": 0, "silent": 0, "doubt": False, "faded": "gone in 2026-Q3"}
    parts |= {"label": "The calls", "change": "calls", "clause": "the calls raised NPS"}
    parts |= {"faded_in": "2026-Q3", "design": "randomised", "error": 4.0}
    tables = {"effects": own, "standard": own, "checks": checks}
    fit = Result(tables, Finding("The calls raised NPS by 21.0 points."), parts=parts)
    whole = impact.outcomes(fit, study(), ANSWERS)
    assert whole is not None
    told = impact.verdicts({"calls": fit}, others={"calls": whole}).finding
    assert told.claim == whole.finding.claim and told.action == whole.finding.action
    assert "NPS +21.0 points (95% CI 12.0 to 30.0); leaving −5.5" in told.detail
    assert "gone in 2026-Q3" in told.detail and "1 of 1 check passed" in told.detail
    assert impact.verdicts({"calls": fit}).finding.claim == "The calls raised NPS by 21.0 points."


def test_an_effect_in_doubt_raises_nothing() -> None:
    fit = one()
    doubted = impact.outcomes(fit.replace(parts={**fit.parts, "doubt": True}), study(), ANSWERS)
    assert doubted is not None and "raised" in str(impact.outcomes(fit, study(), ANSWERS))
    assert "raised" not in str(doubted) and "NPS" in str(doubted).split("its effect on")[1]


def test_outcomes_in_chinese() -> None:
    with context.use(context.Context(lang="zh")):
        found = impact.outcomes(one("2026-Q3"), study(), ANSWERS)
        assert found is not None and "降低了流失" in found.finding.claim
