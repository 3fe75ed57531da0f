"""Levels from graded evidence: by hand, by law, with known raters; and what records can show."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxlib import maturity
from cxlib.core.sample import Sample
from cxlib.maturity import Practice
from cxlib.stats import agreement

GRID = maturity.grid()
DAY = pd.Timestamp("2026-09-15")


def audits(met: dict[str, int] | None = None, raters: int = 3, reached: int = 3) -> pd.DataFrame:
    """Every item of the grid graded 2 up to `reached` and 1 above; `met` overrules some."""
    rows = [
        (item, f"r{k}", (met or {}).get(item, 2 if level <= reached else 1))
        for k in range(raters)
        for item, level in zip(GRID["item"], GRID["level"], strict=True)
    ]
    return pd.DataFrame(rows, columns=["item", "rater", "evidence"]).assign(on=DAY)


def test_the_grid_has_something_to_ask_for_each_dimension_and_level():
    assert len(GRID) == 40 and GRID["item"].is_unique
    assert (GRID.groupby(["dimension", "level"]).size().unstack() > 0).all(axis=None)
    assert GRID["en"].str.len().min() > 20 and GRID["zh"].str.contains("[一-鿿]").all()


def test_levels_by_hand():
    """All met up to 3: stage 3; the mean between the stages is 1 + 1 + 1 for each dimension."""
    fit = maturity.assess(Sample(audits(), draws=100), GRID)
    assert fit.stage == 3 and (fit.table["estimate"] == 3).all()
    assert fit.overall["estimate"].tolist() == [3, 3]


def test_one_item_of_one_dimension_holds_the_whole_back():
    fit = maturity.assess(Sample(audits({"people-2": 1}), draws=100), GRID)
    assert fit.stage == 1 and str(fit) == (
        "CX maturity is stage 1 of 5 (Initial), held back by people and training."
    )
    assert fit.table.set_index("term")["estimate"]["people and training"] == 1
    # seven dimensions at 3, one with one of its three reached levels missing
    assert fit.overall["estimate"][1] == pytest.approx((7 * 3 + 2) / 8)


def test_a_level_above_a_gap_does_not_count():
    own = {f"value-{level}": 2 for level in (2, 4, 5)} | {"value-3": 1}
    fit = maturity.assess(Sample(audits(own, reached=5), draws=50), GRID)
    assert fit.table.set_index("term")["estimate"]["value and return"] == 2


@pytest.mark.slow
def test_claims_are_no_evidence_and_the_majority_decides():
    said = audits(raters=3)
    item = said["item"] == "strategy-3"
    said.loc[item & (said["rater"] == "r0"), "evidence"] = 1
    assert maturity.assess(Sample(said, draws=50), GRID).stage == 3
    said.loc[item & (said["rater"] == "r1"), "evidence"] = 1
    assert maturity.assess(Sample(said, draws=50), GRID).stage == 2


@pytest.mark.slow
@pytest.mark.parametrize("item", ["closed_loop-4", "technology-3", "measurement-2"])
def test_more_evidence_never_lowers_a_level(item):
    rng = np.random.default_rng(3)
    said = audits().assign(evidence=lambda t: rng.integers(0, 4, len(t)))
    better = said.assign(evidence=said["evidence"].mask(said["item"] == item, 3))
    one, other = (maturity.assess(Sample(a, draws=50), GRID) for a in (said, better))
    assert (other.table["estimate"] >= one.table["estimate"]).all()
    assert other.overall["estimate"][1] >= one.overall["estimate"][1]


@pytest.mark.slow
def test_the_order_of_raters_and_rows_is_nothing():
    rng = np.random.default_rng(5)
    said = audits().assign(evidence=lambda t: rng.integers(0, 4, len(t)))
    one = maturity.assess(Sample(said, draws=50), GRID)
    other = maturity.assess(Sample(said.sample(frac=1, random_state=2), draws=50), GRID)
    pd.testing.assert_frame_equal(one.table, other.table)


@pytest.mark.slow
def test_chances_fall_with_the_level_and_are_sure_where_raters_agree():
    fit = maturity.assess(Sample(audits(raters=9), draws=200), GRID)
    assert fit.chances["estimate"].tolist() == [1, 1, 0, 0]
    rng = np.random.default_rng(1)
    mixed = audits(raters=5).assign(evidence=lambda t: rng.integers(1, 4, len(t)))
    other = maturity.assess(Sample(mixed, draws=200), GRID)
    assert other.chances["estimate"].is_monotonic_decreasing
    said = maturity.level_probabilities(fit)
    assert str(said) == "Stage 4 or more has a probability of under 1%."
    pd.testing.assert_frame_equal(said.table, fit.chances)


@pytest.mark.slow
def test_the_chance_of_a_level_is_that_of_the_raters_drawn():
    """One item decides; a rater sees it met with probability .7. Over many companies the mean
    chance of stage 3 is near the chance that such raters see it so."""
    rng, chances, held = np.random.default_rng(11), [], []
    for _ in range(20):
        said = audits(raters=9)
        item = (said["item"] == "governance-3").to_numpy()
        said.loc[item, "evidence"] = np.where(rng.random(9) < 0.7, 2, 1)
        fit = maturity.assess(Sample(said, draws=60), GRID)
        chances.append(fit.chances["estimate"][1])
        held.append(fit.stage >= 3)
    assert np.mean(chances) == pytest.approx(np.mean(held), abs=0.2)


def test_the_latest_answer_of_a_rater_counts():
    old = audits().assign(on=DAY - pd.Timedelta(days=300), evidence=0)
    assert maturity.assess(Sample(pd.concat([audits(), old]), draws=20), GRID).stage == 3


def test_items_that_nobody_rated_are_left_out_and_told():
    said = audits()
    fit = maturity.assess(Sample(said[~said["item"].str.endswith("b")], draws=20), GRID)
    assert fit.stage == 3 and "8 of 40 items were not rated" in fit.notes
    assert "are ours" in fit.notes  # the scoring is not Gartner's, and the page says so


@pytest.mark.slow
def test_agreement_is_that_of_the_library_on_the_same_grades():
    rng = np.random.default_rng(2)
    said = audits().assign(evidence=lambda t: rng.integers(0, 4, len(t)))
    wide = said.pivot(index="item", columns="rater", values="evidence")
    ours = maturity.rater_agreement(Sample(said, draws=50))
    pd.testing.assert_frame_equal(ours.table, agreement.krippendorff(Sample(wide, draws=50)).table)
    assert str(ours) == "The raters agree too little to rely on the stage."  # they guessed
    assert "agree sufficiently" in str(maturity.rater_agreement(Sample(audits(), draws=50)))
    fit = maturity.assess(Sample(said, draws=50), GRID)
    assert fit.finding.detail == f"{ours.finding.detail}; 95% CI of the stage 1 to 1"
    assert fit.finding.claim == (
        "The stage of CX maturity is not settled, as raters disagree; by majority it is 1 of 5 "
        "(Initial)."
    )
    assert fit.finding.action.startswith("Let the raters agree on what counts as evidence")
    alone = audits().query("rater == 'r0'")
    detail = maturity.assess(Sample(alone, draws=20), GRID).finding.detail
    assert detail == "1 rater; 95% CI of the stage 3 to 3"


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (pd.DataFrame({"item": ["strategy-9"], "rater": ["a"], "evidence": [2]}), "'strategy-"),
        (pd.DataFrame({"item": ["people-2"], "rater": ["a"], "evidence": [None]}), "no item has"),
    ],
)
def test_bad_audits_are_told(said, message):
    with pytest.raises(ValueError, match=message):
        maturity.assess(said, GRID)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": 7}, "row 2: level is 7; allowed: 2, 3, 4, 5"),
        ({"dimension": "luck"}, "row 2: dimension is luck"),
        ({"item": "strategy-3"}, "row 3: the item strategy-3 stands there twice"),
    ],
)
def test_a_grid_of_ones_own_is_checked(tmp_path, change, message):
    own = pd.read_csv(
        maturity.items.__file__.replace("items.py", "grid.csv"), keep_default_na=False
    )
    own.iloc[:3].to_csv(tmp_path / "maturity.csv", index=False)
    assert len(maturity.grid(tmp_path)) == 3
    for column, value in change.items():
        own[column] = own[column].astype(object)
        own.loc[0, column] = value
    own.iloc[:3].to_csv(tmp_path / "maturity.csv", index=False)
    with pytest.raises(ValueError, match=message):
        maturity.grid(tmp_path)


def ledger(**change) -> pd.DataFrame:
    row = {
        "owner": "ann",
        "due_on": DAY - pd.DateOffset(months=2),
        "status": "done",
        "class": "one customer",
        "predicted": 2.0,
        "realised": 1.0,
    }
    return pd.DataFrame([row | change])


def test_what_records_show_verifies_or_contradicts():
    waves = pd.DataFrame({"wave": ["a", "b"], "answered_on": [DAY, DAY], "nps": [9, 3]})
    ten = pd.concat([ledger()] * 10, ignore_index=True)
    held = maturity.data_evidence(Practice(responses=waves, actions=ten), DAY)
    assert held["recurring"][0] and held["repeated"][0] and held["used"][0] and held["inner"][0]
    held = maturity.data_evidence(Practice(responses=waves, actions=ledger()), DAY)
    assert "inner" not in held  # one of them shows no practice, nor that there is none
    assert not held["compared"][0]  # one action compares nothing
    old = waves.assign(answered_on=DAY - pd.DateOffset(months=13))
    late = ledger(due_on=DAY - pd.DateOffset(months=14))
    lost = maturity.data_evidence(Practice(responses=old, actions=late, worded=(1, 2)), DAY)
    assert not lost["recurring"][0] and not lost["used"][0] and not lost["documented"][0]
    assert "complaints" not in lost  # no cases, nothing told
    more = Practice(responses=waves.assign(minutes=3.0), questions=("nps",))
    assert maturity.data_evidence(more, DAY)["repeated"] == (
        True,
        "1 of 1 questions were answered in every wave.",
    )


@pytest.mark.parametrize(
    ("alerts", "change", "record"),
    [
        (
            (1, 10),
            {},
            (False, "1 of 10 incidents with alerts led to an action. 1 of 1 actions have an owner"),
        ),
        (
            (6, 10),
            {},
            (True, "6 of 10 incidents with alerts led to an action. 1 of 1 actions have an owner"),
        ),
        (
            (6, 10),
            {"owner": None},
            (False, "6 of 10 incidents with alerts led to an action. 0 of 1 actions"),
        ),
        (None, {"owner": None}, (False, "0 of 1 actions have an owner and a due date.")),
        (None, {}, None),  # what becomes of problems is not known by the actions alone
    ],
)
def test_that_problems_become_actions_is_judged_by_the_alerts(alerts, change, record):
    practice = Practice(actions=ledger(**change), alerts=alerts)
    found = maturity.data_evidence(practice, DAY).get("ledger")
    assert (found is None) == (record is None)
    if record is not None:
        assert found[0] is record[0] and found[1].startswith(record[1])


def test_contradicted_items_come_first_and_the_list_goes_to_the_next_level():
    asked = GRID.set_index("item")["en"]
    said = audits({"closed_loop-3": 1, "value-3": 1, "strategy-4": 2})
    fit = maturity.assess(Sample(said, draws=50), GRID)
    proof = maturity.verify(GRID, fit, {"recurring": (False, "no"), "ledger": (True, "all")})
    assert set(proof.table["proof"]) == {"verified", "contradicted"}
    assert str(proof) == "The study's own records and the raters disagree on 2 items."
    # The raters saw the survey, which the records lack, and not the ledger, which they show.
    assert "on 1 the records show what raters did not see, on 1 they do not" in proof.finding.detail
    todo = maturity.next_steps(fit, GRID, proof.table)
    assert fit.stage == 2 and set(todo.table["term"]) == {
        asked["closed_loop-3"],
        asked["value-3"],
    }
    assert todo.table["bottleneck"].all() and todo.table["cost"].is_monotonic_increasing
    assert todo.table.set_index("term")["proof"][asked["closed_loop-3"]] == "verified"
    # What raters did not see and the records show is said with the item, from the same ledger.
    first = str(todo.table["term"].iloc[0])
    shows = {asked["closed_loop-3"]: "the records show it already: all"}
    assert (shows.get(first, "") in todo.finding.detail) and first in todo.finding.claim


def test_at_the_top_nothing_is_left():
    fit = maturity.assess(Sample(audits(reached=5), draws=20), GRID)
    assert fit.stage == 5 and maturity.next_steps(fit, GRID).table.empty
