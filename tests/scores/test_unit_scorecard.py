"""Pages of units: one number on all, sums, verdicts that are safe, nothing of small units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import scores
from cxlib.core import context
from cxlib.core.context import Context
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample, as_sample
from cxlib.data.organisation import Tree
from cxlib.data.schema import Target
from cxlib.privacy import attack
from cxlib.privacy.cross_page import Shown
from cxlib.report import answers
from cxlib.scores.unit_scorecard import all_units

TEAMS = {"N1": ["A", "B"], "N2": ["C", "D"], "S1": ["E", "F"], "S2": ["G", "H"]}
TREE = Tree(
    {
        "North": "",
        "South": "",
        **{branch: "North" if branch[0] == "N" else "South" for branch in TEAMS},
        **{team: branch for branch, teams in TEAMS.items() for team in teams},
    }
)


def agents(n: int = 60, seed: int = 1, **moved: float) -> Sample:
    """Answers to eight teams of four branches; `moved` shifts a team's."""
    rng = np.random.default_rng(seed)
    team = np.repeat(list("ABCDEFGH"), n)
    felt = rng.normal(8, 1.5, len(team)) + pd.Series(team).map(moved).fillna(0)
    rows = {"recommend": np.clip(np.rint(felt), 0, 10), "team": team}
    rows |= {"effort": np.clip(np.rint(rng.normal(5, 1, len(team))), 1, 7)}
    return Sample(pd.DataFrame(rows), draws=100)


def card(sample: Sample, unit: str = "", **how):
    return scores.unit_scorecard(sample, by="team", tree=TREE, unit=unit, **how)


@pytest.mark.slow
def test_answers_of_units_add_up_on_every_page_and_a_unit_has_one_number_on_all():
    sample = agents(D=-2.0)
    seen: dict[str, list] = {}
    for unit in ["", *TREE.parent]:
        table = card(sample, unit, target=20.0).table
        below = table[table["relation"] == "below it"]
        own = table[table["relation"] == "this unit"].iloc[0]
        if len(below):
            assert below["n"].sum() == own["n"]
        for row in table.itertuples():
            seen.setdefault(row.unit, []).append((row.estimate, row.low, row.high, row.n))
    assert len(seen["N2"]) == 4  # its own page, that of its region and those of its two teams
    for numbers in seen.values():
        assert_allclose(numbers, np.tile(numbers[0], (len(numbers), 1)))


@pytest.mark.slow
def test_a_page_has_the_unit_what_it_belongs_to_and_what_belongs_to_it_and_no_sibling():
    table = card(agents(), "N1").table.set_index("unit")["relation"]
    assert dict(table) == {
        "N1": "this unit",
        "North": "benchmark",
        "A": "below it",
        "B": "below it",
    }


@pytest.mark.slow
def test_a_team_is_moved_towards_its_branch():
    sample = agents(n=200, A=-3.0, B=-3.0, C=-3.0)
    few = sample.where((sample["team"] != "B") | (np.arange(1600) % 20 == 0))
    table = card(few, "N1").table.set_index("unit")
    every = card(few).table.set_index("unit")
    observed, pooled = table.loc["B", ["observed", "estimate"]]
    a, overall = table.loc["A", "estimate"], every.loc["overall", "estimate"]
    assert abs(pooled - a) < abs(observed - a) or abs(observed - a) < 5
    assert pooled < (a + overall) / 2  # with A, not with all


@pytest.mark.slow
def test_a_unit_below_standard_is_named_and_the_rest_is_not():
    found = card(agents(n=150, D=-3.0), "N2", target=20.0)
    verdict = found.table.set_index("unit")["verdict"]
    assert verdict["D"] == "below standard" and verdict["C"] != "below standard"
    assert found.table["unit"].tolist().index("D") == 2  # before its sibling
    assert found.finding.claim.startswith(("NPS of N2", "NPS: 1 of 2 units")) and "D" in str(
        found.finding.claim + found.finding.detail
    )


def test_a_unit_that_is_not_there():
    with pytest.raises(ValueError, match="no unit 'Nowhere'"):
        card(agents(), "Nowhere")


@pytest.mark.slow
def test_a_team_has_the_number_that_other_pages_give_it():
    sample = agents(D=-2.0)
    own = card(sample, "N2").table.set_index("unit").loc[["C", "D"]]
    other = scores.units(sample, by="team", tree=TREE).table.set_index("team").loc[["C", "D"]]
    numbers = ["estimate", "low", "high", "n", "observed", "chance_below"]
    assert_allclose(own[numbers].astype(float), other[numbers].astype(float))


def league(seed: int) -> bool:
    """Whether scorecards of equal units, at the standard, call one of them below it."""
    rng = np.random.default_rng(seed)
    n = rng.integers(12, 90, 8)
    team = np.repeat(list("ABCDEFGH"), n)
    rows = pd.DataFrame({"team": team, "late": rng.random(len(team)) < 0.7})
    rows["quick"] = rng.random(len(team)) < 0.7
    rows = rows.astype({"late": float, "quick": float})
    measure, wrong = scores.Measure("csat", (0, 1), 1), False
    for item in ("late", "quick"):
        how = {"by": "team", "tree": TREE, "target": Target(value=0.7), "lists": 2}
        found = all_units(as_sample(rows), item, measure, **how)
        wrong |= (found["verdict"] == "below standard").any()
    return bool(wrong)


@pytest.mark.coverage
def test_scorecards_of_equal_units_name_one_below_standard_in_under_5_of_100():
    assert np.mean([league(seed) for seed in range(100)]) < 0.05


@pytest.mark.slow
def test_a_few_scorecards_of_equal_units_name_none():
    assert not any(league(seed) for seed in range(2, 5))


def pages(
    sample: Sample, items: list[str], hidden: frozenset[str], units: list[str]
) -> dict[str, Shown]:
    """The pages of units that may be shown, as a run keeps them."""
    found = {}
    for unit in units:
        records = {}
        for item in items:
            try:
                fit = scores.unit_scorecard(
                    sample, item, "mean", by="team", tree=TREE, unit=unit, hidden=hidden
                )
            except InsufficientData:
                continue
            records[item] = answers._record(item, fit, "")
        if records:
            found[f"27 {unit}"] = Shown(records, "", "")
    return found


@pytest.mark.slow
def test_a_small_team_cannot_be_worked_out_from_the_pages_of_a_run():
    sample = agents(n=40)
    few = sample.where((sample["team"] != "B") | (np.arange(320) % 40 < 4))
    few = few.assign(effort=few["effort"].where(few["team"] != "F"))
    with context.use(Context(smallest_cell=10)):
        away = scores.hidden_units(few, ["recommend", "effort"], by="team", tree=TREE)
        assert {"B", "A", "F", "E"} <= away
        found = pages(few, ["recommend", "effort"], away, ["", "North", "N1", "B", "A", "S2"])
        text = str(found)
        assert not any(f"27 {unit}" in found for unit in away)
        assert attack.recovered(found) == []
        open_ = pages(few, ["recommend"], frozenset("B"), ["N1"])  # only what is small
        leaks = attack.recovered(open_)
    assert "unit=B" in [leak.cell for leak in leaks]
    assert "below it" in text


@pytest.mark.slow
def test_units_with_rows_of_their_own_are_no_leak():
    sample = agents(n=40)
    own = pd.DataFrame({"recommend": [9.0] * 30, "team": "N1", "effort": 5.0})
    few = sample.where((sample["team"] != "B") | (np.arange(320) % 40 < 4))
    few = few.replace(data=pd.concat([few.data, own], ignore_index=True))
    with context.use(Context(smallest_cell=10)):
        away = scores.hidden_units(few, ["recommend"], by="team", tree=TREE)
        assert attack.recovered(pages(few, ["recommend"], away, ["", *TREE.parent])) == []


@pytest.mark.slow
def test_a_change_is_that_of_both_periods_with_the_mix_removed():
    sample = agents(n=100)
    rng = np.random.default_rng(3)
    late = rng.random(800) < 0.5
    hard = rng.random(800) < np.where(late, 0.7, 0.3)
    y = rng.normal(7, 1, 800) + 1.0 * late * (sample["team"] == "C") - 2.0 * hard
    sample = sample.assign(score=y, hard=np.where(hard, "yes", "no"))
    periods = sample.where(~late), sample.where(late)
    fit = scores.unit_scorecard(
        sample, "score", "mean", by="team", tree=TREE, unit="N2", mix=["hard"], periods=periods
    )
    table = fit.table.set_index("unit")
    assert table.loc["C", "change_low"] < 1 < table.loc["C", "change_high"]
    assert table.loc["D", "change_low"] < 0 < table.loc["D", "change_high"]
    moved = scores.unit_changes(fit, scores.Measure("mean"))
    assert "1 unit changed significantly: C" in str(moved) or "N2" in str(moved)
    assert moved.finding.verdict == "better"
    lower = Target(value=1.0, direction="at most")
    assert scores.unit_changes(fit, scores.Measure("mean"), lower).finding.verdict == "worse"


@pytest.mark.slow
def test_periods_of_few_answers_have_no_change():
    sample = agents(n=40)
    late = np.arange(320) % 40 < 4
    with context.use(Context(smallest_cell=10)):
        fit = card(sample, "N1", periods=(sample.where(~late), sample.where(late)))
    table = fit.table.set_index("unit")
    assert table.loc[["A", "B", "N1"], "change"].isna().all()
    assert np.isfinite(table.loc["North", "change"])
