"""Driver importance against hand, brute force, relaimpo, and a population whose truth is known."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import generator
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from cxlib import actions, drivers
from cxlib.core import context, parameters
from cxlib.core.result import Importance, Result
from cxlib.core.sample import Sample
from cxlib.drivers import shapley_values, waves
from cxlib.drivers.importance_findings import finding, order
from cxlib.drivers.opportunities import _may_be_first
from cxlib.drivers.ranks import ranks
from cxlib.drivers.waves import PastWave
from cxlib.report import answers
from cxlib.stats import moments, resampling

PARTS = ["speed", "price", "staff"]


def covariances(k: int, draws: int = 3, seed: int = 0) -> np.ndarray:
    """Some covariances of an outcome and k drivers, (draws, 1 + k, 1 + k)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(draws, 5 * k + 20, k + 1)) @ rng.normal(size=(k + 1, k + 1))
    return np.einsum("dni,dnj->dij", x, x) / x.shape[1]


def visits(n: int, seed: int, k: int = 5) -> pd.DataFrame:
    """Ratings of k correlated touchpoints, the first of which matter most, and an outcome."""
    rng = np.random.default_rng(seed)
    x = 0.6 * rng.normal(size=(n, 1)) + rng.normal(size=(n, k))
    y = x @ np.linspace(0.8, 0.3, k) + 1.5 * rng.normal(size=n)
    table = pd.DataFrame(x, columns=[f"t{j}" for j in range(k)])
    return table.assign(outcome=y, weight=rng.uniform(0.5, 2, n))


# --- a witness, and truth by hand


def test_mtcars_has_the_shares_that_relaimpo_prints():
    # mpg, am, vs, cyl of R's mtcars; LMG by relaimpo 2.2 (Grömping 2006, J. Stat. Softw. 17(1))
    mpg = "21 21 22.8 21.4 18.7 18.1 14.3 24.4 22.8 19.2 17.8 16.4 17.3 15.2 10.4 10.4 14.7 32.4 "
    mpg += "30.4 33.9 21.5 15.5 15.2 13.3 19.2 27.3 26 30.4 15.8 19.7 15 21.4"
    cars = pd.DataFrame(
        {
            "mpg": np.array(mpg.split(), float),
            "am": [int(c) for c in "11100000000000000111000001111111"],
            "vs": [int(c) for c in "00110101111000000111100001010001"],
            "cyl": [int(c) for c in "66468684466888888444488884448684"],
        }
    )
    gains = drivers.shapley(moments.of(cars, ["mpg", "am", "vs", "cyl"]).total().cov)
    assert_allclose(gains, [0.1774892, 0.2027032, 0.3817849], atol=5e-8)


def test_uncorrelated_drivers_have_their_squared_correlations():
    cov = np.eye(4)
    cov[0, 1:] = cov[1:, 0] = [0.6, 0.3, 0.1]
    assert_allclose(drivers.shapley(cov), [0.36, 0.09, 0.01])
    assert_allclose(drivers.johnson(cov), [0.36, 0.09, 0.01])


def test_two_drivers_by_hand():
    # R² is .25 and .16 alone, and (.25 + .16 - 2 * .5 * .4 * .5) / .75 = .28 together
    cov = np.array([[1, 0.5, 0.4], [0.5, 1, 0.5], [0.4, 0.5, 1]])
    assert_allclose(drivers.shapley(cov), [(0.25 + 0.12) / 2, (0.16 + 0.03) / 2])


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_the_sweep_over_subsets_is_the_average_over_all_orders(k):
    cov = covariances(k)
    orders = list(permutations(range(k)))
    average = sum(
        shapley_values._gains(cov, np.array(o), [[j] for j in range(k)]) for o in orders
    ) / len(orders)
    assert_allclose(drivers.shapley(cov), average, atol=1e-12)


def test_sampled_orders_come_within_their_stated_error():
    cov = covariances(9, draws=4)
    values, errors = shapley_values.sampled_shapley(cov, seed=3, orders=200)
    apart = (values - drivers.shapley(cov)) / errors
    assert np.sqrt((apart**2).mean()) < 1.5
    assert_allclose(values.sum(-1), shapley_values.r_squared(cov))


def test_sampled_orders_agree_with_all_orders_on_eight_drivers(monkeypatch):
    columns = ["outcome", *(f"t{j}" for j in range(8))]
    sums = moments.of(Sample(visits(500, seed=1, k=8)), columns)
    cov, drawn = sums.total().cov, sums.resample(200, 1).cov
    players = [[j] for j in range(8)]
    exact, none, replicates = shapley_values.decompose(cov, drawn, 1, players)
    monkeypatch.setattr(shapley_values, "MOST_DRAWN", 0)
    monkeypatch.setattr(shapley_values, "MOST_EXACT", 0)
    values, error, again = shapley_values.decompose(cov, drawn, 1, players)
    spread = replicates.std(0)
    assert none == 0 < error
    assert_allclose(values, exact, atol=4 * error)
    assert (np.sqrt(((again - replicates) ** 2).mean(0)) < 0.15 * spread).all()
    assert_allclose(again.std(0), spread, rtol=0.05)


@pytest.mark.slow
def test_draws_of_many_drivers_take_few_regressions_each(monkeypatch):
    factored, factor = [], np.linalg.cholesky
    monkeypatch.setattr(
        np.linalg, "cholesky", lambda a: factored.append(a[..., 0, 0].size) or factor(a)
    )
    cov = covariances(22, draws=101)
    shapley_values.decompose(cov[0], cov[1:], 1, [[j] for j in range(22)])
    assert sum(factored) < 150 * len(cov)


# --- laws


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 7), st.integers(0, 10_000))
def test_shares_add_up_to_r_squared_whatever_the_answers(k, seed):
    cov = covariances(k, draws=2, seed=seed)
    r2 = shapley_values.r_squared(cov)
    assert_allclose(drivers.shapley(cov).sum(-1), r2, atol=1e-9)
    assert_allclose(drivers.johnson(cov).sum(-1), r2, atol=1e-8)
    assert (drivers.shapley(cov) > -1e-9).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 6), st.integers(0, 10_000), st.floats(0.1, 50))
def test_order_of_drivers_and_units_do_not_matter(k, seed, factor):
    cov = covariances(k, draws=1, seed=seed)[0]
    turned = np.r_[0, np.random.default_rng(seed).permutation(np.arange(1, k + 1))]
    unit = np.ones(k + 1)
    unit[1] = factor
    other = (cov * unit * unit[:, None])[np.ix_(turned, turned)]
    assert_allclose(drivers.shapley(other), drivers.shapley(cov)[turned[1:] - 1], atol=1e-8)


def test_draws_held_together_or_apart_are_the_same(monkeypatch):
    cov = covariances(6, draws=20)
    before = drivers.shapley(cov)
    monkeypatch.setattr(shapley_values, "BLOCK", 64)
    assert_allclose(before, drivers.shapley(cov), atol=1e-12)
    assert_allclose(before[4], drivers.shapley(cov[4]), atol=1e-12)


@pytest.mark.slow
def test_weights_of_two_rows_permuted_and_sums_give_the_same(responses):
    first = responses.index < 100
    weighted = drivers.importance(
        Sample(responses.assign(w=1 + first), weight="w", draws=5), "recommend", PARTS
    )
    repeated = pd.concat([responses, responses[first]]).sample(frac=1, random_state=1)
    again = drivers.importance(Sample(repeated, draws=5), "recommend", PARTS[::-1])
    assert weighted.table["term"].tolist() == again.table["term"].tolist()
    assert_allclose(weighted.table["estimate"], again.table["estimate"])
    sample = Sample(responses, draws=50)
    sums = moments.of(sample, [*PARTS, "recommend"])
    a, b = (drivers.importance(r, "recommend", PARTS) for r in (sample, sums))
    assert (a.draws, b.draws) == (50, 50)
    pd.testing.assert_frame_equal(a.table, b.table)


def test_a_draw_is_the_importance_of_the_drawn_rows(responses):
    sums = moments.of(responses, ["recommend", *PARTS])
    drawn = drivers.shapley(sums.resample(4, seed=9).cov)[2]
    units, place = np.unique(resampling.keys_of(responses), return_inverse=True)
    times = resampling.multiplicities(units, 4, seed=9)[2][place]
    rows = responses.iloc[np.repeat(np.arange(500), times)]
    assert_allclose(drawn, drivers.shapley(moments.of(rows, sums.columns).total().cov))


def test_pairwise_without_gaps_is_complete(responses):
    a, b = (
        drivers.importance(Sample(responses, draws=30), "recommend", PARTS, missing=m).table
        for m in ("complete", "pairwise")
    )
    assert_allclose(a["estimate"], b["estimate"], atol=1e-9)
    assert_allclose(a["high"], b["high"], atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("k", "said"), [(18, "Shares are exact; their"), (22, "Shares come from")])
def test_many_drivers_are_sampled_and_the_note_says_so(k, said):
    parts = [f"t{j}" for j in range(k)]
    fit = drivers.importance(Sample(visits(600, seed=1, k=k), draws=20), "outcome", parts)
    assert fit.table["estimate"].sum() == pytest.approx(1)
    assert said in fit.notes and "sampled orders of entry" in fit.notes


# --- what is said


def test_the_answer_names_the_first_driver_its_share_interval_and_n(responses):
    fit = drivers.importance(Sample(responses, cluster="customer_id"), "recommend", PARTS)
    top = fit.table.iloc[0]
    span = f"{top['low']:.0%} to {top['high']:.0%}"
    r2 = fit.r2["estimate"].item()
    assert str(fit) == "Speed is the strongest driver of recommend."
    assert fit.finding.detail == (
        f"{top['estimate']:.0%} (95% CI {span}) of explained variance; R² = {r2:.2f}; n = 500; "
        "all 2 waves together"
    )
    assert (fit.finding.value, fit.finding.low) == (top["estimate"], top["low"])
    assert fit.finding.importance == Importance.NOTABLE
    assert (top["rank_low"], top["rank_high"]) == (1, 1)
    assert fit.table["chance_first"].sum() == pytest.approx(1)
    assert "500 of 500 responses answered every question" in fit.notes


def test_an_order_the_draws_do_not_support_is_left_open():
    rows = visits(300, seed=2, k=2).assign(noise=np.random.default_rng(3).normal(size=300))
    even = rows.assign(outcome=rows["t0"] + rows["t1"] + 0.5 * rows["noise"])
    answer = drivers.importance(
        Sample(even, draws=400), "outcome", ["t0", "t1", "noise"]
    ).finding.claim
    assert (
        "are the strongest drivers of outcome" in answer
        and "the order of the two is not settled" in answer
    )
    many = visits(80, seed=5, k=6)
    answer = drivers.importance(
        Sample(many, draws=400), "outcome", [f"t{j}" for j in range(6)]
    ).finding.claim
    assert "the order of the top " in answer and answer.endswith(" is not settled.")


def test_a_note_speaks_of_weights_only_where_they_differ(responses):
    alike = responses.assign(weight=2.0)
    note = drivers.importance(Sample(alike, weight="weight", draws=20), "recommend", PARTS).notes
    assert "Weighted" not in note
    alike.loc[0, "weight"] = 1.0
    note = drivers.importance(Sample(alike, weight="weight", draws=20), "recommend", PARTS).notes
    assert "Weighted by weight" in note


def test_drivers_unrelated_to_the_outcome_are_said_to_explain_nothing():
    rows = visits(300, seed=8, k=3)
    rows["outcome"] = np.random.default_rng(1).normal(size=300)
    fit = drivers.importance(Sample(rows, draws=100), "outcome", ["t0", "t1", "t2"])
    assert str(fit) == "These drivers do not explain outcome significantly."
    assert fit.finding.detail.startswith("R² = 0.0")


def test_the_intervals_hold_their_estimates_even_with_many_drivers_and_few_rows():
    parts = [f"t{j}" for j in range(12)]
    table = drivers.importance(Sample(visits(60, seed=9, k=12), draws=200), "outcome", parts).table
    assert ((table["low"] <= table["estimate"]) & (table["estimate"] <= table["high"])).all()


def test_labels_are_used_and_capitals_kept(responses):
    context.begin(labels={"speed": "NPS of the app", "recommend": "recommendation"})
    answer = drivers.importance(Sample(responses, draws=50), "recommend", PARTS).finding.claim
    assert answer.startswith("“NPS of the app” is the strongest driver of “recommendation”.")
    context.begin(labels={"recommend": "recommendation"})
    answer = drivers.importance(Sample(responses, draws=50), "recommend", PARTS).finding.claim
    assert answer.startswith("Speed is the strongest driver of recommendation.")


@pytest.mark.slow
def test_not_experienced_is_told_apart_from_not_answered():
    rows = visits(900, seed=4)
    rng = np.random.default_rng(4)
    parts = [f"t{j}" for j in range(5)]
    for part in parts[2:]:  # nobody meets all of these touchpoints
        never = rng.random(900) < 0.6
        rows[f"{part}_not_experienced"] = never
        rows[part] = rows[part].mask(never | (rng.random(900) < 0.05))
    fit = drivers.importance(Sample(rows, draws=200), "outcome", parts, missing="pairwise")
    never = int(rows["t3_not_experienced"].sum())
    assert f"t3 {never}" in fit.notes.split("Not experienced, so not rated:")[1]
    assert f"t3 {int(rows['t3'].notna().sum())}" in fit.notes
    n = fit.table.set_index("term")["n"]
    assert n["t0"] == 900 and n["t3"] == rows["t3"].notna().sum()
    unanswered = rows.assign(outcome=rows["outcome"].where(rows.index >= 40))
    assert (
        "n = 860"
        in drivers.importance(
            Sample(unanswered, draws=20), "outcome", parts, missing="pairwise"
        ).finding.detail
    )
    complete = drivers.importance(Sample(rows, draws=200), "outcome", parts).table.set_index("term")
    wide = (complete["high"] - complete["low"])["t0"]
    pairwise = fit.table.set_index("term")
    assert (pairwise["high"] - pairwise["low"])["t0"] < wide


def test_overlap_is_the_square_of_correlations(responses):
    found = drivers.correlations(Sample(responses, weight="weight"), PARTS)
    assert_allclose(np.diagonal(found), 1)
    assert found.index.tolist() == found.columns.tolist() == PARTS
    assert_allclose(drivers.correlations(responses, PARTS), responses[PARTS].corr())


# --- groups


def test_each_group_is_its_own_fit_and_one_that_differs_is_named():
    rows = visits(1200, seed=6, k=3).assign(region=np.repeat(["north", "south"], 600))
    south = rows["region"] == "south"
    rows.loc[south, "outcome"] = 2 * rows["t2"] + rows["weight"]
    parts = ["t0", "t1", "t2"]
    fit = drivers.importance_by(Sample(rows, draws=300), "outcome", parts, by="region")
    alone = drivers.importance(Sample(rows[south], draws=5), "outcome", parts).table.set_index(
        "term"
    )
    found = fit.table.query("region == 'south'").set_index("term")
    assert_allclose(found["estimate"], alone["estimate"][found.index])
    assert str(fit).startswith("What drives outcome differs by region: t")
    assert "percentage points of explained variance; 95% CI" in fit.finding.detail
    shares_of = fit.table.groupby("region")["estimate"].sum()
    assert_allclose(shares_of, 1)


def test_groups_that_do_not_differ_are_said_not_to(responses):
    rows = responses.assign(half=np.arange(500) % 2)
    fit = drivers.importance_by(Sample(rows, draws=300), "recommend", PARTS, by="half")
    assert str(fit) == "The drivers of recommend do not differ significantly by half."
    assert fit.finding.importance == Importance.CONTEXT


@pytest.mark.slow
def test_a_ranking_that_rests_on_one_wave_says_which():
    rows = visits(1200, seed=6, k=3).assign(wave=np.repeat(["Q1", "Q2", "Q3", "Q4"], 300))
    bad = rows["wave"] == "Q2"
    rows["outcome"] = rows["t1"] + 0.8 * rows["t0"] + 0.1 * rows["weight"]
    rows.loc[bad, "outcome"] = 4 * rows["t2"] + rows["weight"]
    parts = ["t0", "t1", "t2"]
    fit = drivers.without_each_wave(Sample(rows, draws=50), "outcome", parts)
    assert str(fit) == "The first place of t2 rests on Q2: without it, t1 is first."
    assert fit.finding.importance == Importance.NOTABLE
    assert "Q4 alone: t1 first (n = 300)" in fit.finding.detail
    alone = drivers.importance(Sample(rows[~bad], draws=5), "outcome", parts)
    row = fit.table.set_index("wave").loc["Q2"]
    shares_of = alone.table.set_index("term")["estimate"]
    assert (row["term"], row["first"], row["n"]) == ("t2", "t1", 900)
    assert row["estimate"] == pytest.approx(shares_of["t2"])
    steady = drivers.without_each_wave(Sample(rows[~bad], draws=50), "outcome", parts)
    assert "whichever wave is left out" in str(steady)
    assert set(steady.table["first"]) == {"t1"}


@pytest.mark.slow
def test_a_wave_out_of_the_ordinary_that_decides_who_is_first_is_found():
    rows = visits(1200, seed=6, k=3).assign(wave=np.repeat(["Q1", "Q2", "Q3", "Q4"], 300))
    bad, parts = rows["wave"] == "Q2", ["t0", "t1", "t2"]
    rows["outcome"] = rows["t1"] + 0.8 * rows["t0"] + 0.1 * rows["weight"]
    rows.loc[bad, "outcome"] = 4 * rows["t2"] + rows["weight"]
    assert drivers.rests_on_waves(rows, "outcome", parts) == {}  # t2 is rated as in other waves
    rows.loc[bad, "t2"] -= 1.5
    rows.loc[bad, "outcome"] = 4 * rows["t2"] + rows["weight"]
    assert drivers.rests_on_waves(rows, "outcome", parts) == {"t2": ("Q2", 3)}
    assert drivers.rests_on_waves(rows[bad], "outcome", parts) == {}  # there is no other wave
    later = rows.assign(wave=rows["wave"].replace("Q2", "Q5"))
    assert drivers.rests_on_waves(later, "outcome", parts) == {}  # it is not over
    gain, share = (f(rows, "outcome", parts) for f in (drivers.gains, drivers.importance))
    assert gain.table["term"][0] == share.table["term"][0]
    rests = {"t2": PastWave("Q2", 3)}
    found = drivers.opportunities(gain, share, outcome="outcome", rests_on=rests)
    assert found.finding.at["driver"] == found.table["term"][1]
    second = found.table["term"][1]
    assert found.finding.claim == (
        f"{second.upper()} has the highest estimate now: what put t2 before it, the fall of Q2, is "
        "over."
    )
    assert found.finding.action.startswith(f"Name an owner for {second} ")
    assert found.finding.verdict == "unclear" and "acts_on" not in found.parts
    said = (
        f"t2 +{found.table['estimate'][0]:.2f} over all waves, but number 3 by explained variance"
    )
    assert said in found.finding.detail
    without = drivers.without_each_wave(Sample(rows, draws=20), "outcome", parts)
    assert without.rests[["term", "rests_on", "place"]].values.tolist() == [["t2", "Q2", 3]]
    kept = answers._recalled(answers._record("without_waves", without, ""))
    assert actions.past_problems({"20": {"without_waves": kept}}, pd.DataFrame()) == {"t2": "Q2"}
    past = drivers.with_past_waves(share, rests | {"t0": PastWave("Q1", 2)})
    said = past.finding
    assert past.past == "Q2"
    assert said.claim == share.finding.claim
    assert "without Q2, whose fall is over, t2 is number 3 by explained variance" in said.detail
    assert ("over, t0 is number 2" in said.detail) == ("t0" in share.top)


@pytest.mark.slow
def test_a_driver_that_is_not_first_rests_on_a_wave_by_the_same_rule():
    rows = visits(1200, seed=6, k=3).assign(wave=np.repeat(["Q1", "Q2", "Q3", "Q4"], 300))
    bad, parts = rows["wave"] == "Q2", ["t0", "t1", "t2"]
    rows.loc[bad, "t2"] -= 1.5
    rows["outcome"] = 3 * rows["t1"] + 0.5 * rows["t0"] + 0.1 * rows["weight"]
    rows.loc[bad, "outcome"] += 2 * rows.loc[bad, "t2"]
    fit = drivers.importance(rows, "outcome", parts)
    assert fit.table["term"].tolist() == ["t1", "t2", "t0"]
    assert drivers.rests_on_waves(rows, "outcome", parts) == {"t2": ("Q2", 3)}


def test_every_wave_without_which_another_is_first_is_named():
    """Where several waves matter, none of them alone decides."""
    table = pd.DataFrame({"wave": ["Q1", "Q2", "Q3"], "term": "t2", "estimate": [0.3, 0.2, 0.4]})
    found = waves._finding(table.assign(first=["t1", "t1", "t2"]), 0.3, "")
    assert found.claim == (
        "The first place of t2 is not firm: t1 is first where Q1 or Q2 is left out."
    )
    assert found.detail == "share 20% to 40% without one wave, 30% with all"
    found = waves._finding(table.assign(first=["t1", "t0", "t2"]), 0.3, "")
    assert found.claim.endswith(
        "t1 is first where Q1 is left out; t0 is first where Q2 is left out."
    )


def test_pages_20_and_21_treat_missing_answers_alike():
    notebooks = Path(__file__).parents[2] / "notebooks"
    treatments = {
        str(parameters.read(notebooks / name)["MISSING"].default)
        for name in ("20_what_moves_satisfaction.ipynb", "21_what_to_improve_first.ipynb")
    }
    assert treatments == {"dummy"}


def test_what_may_be_first_is_named_by_the_measure_it_is_first_in():
    rows = pd.DataFrame({"term": list("abcd"), "estimate": [4, 3, 2, 1.0]})
    gain, share = (Result(rows, "", parts={"top": list(top)}) for top in ("abc", "abd"))
    assert _may_be_first(gain, share, {"a"}) == [
        "b and c may also be first by gain; b and d by explained variance"
    ]
    assert _may_be_first(gain, gain, {"a"}) == ["b and c may also be first by gain"]
    assert _may_be_first(gain, share, set("abc")) == ["d may also be first by explained variance"]


def test_a_driver_that_is_rarely_first_and_not_ruled_out_is_named_wherever_it_is_marked():
    rows = pd.DataFrame({"term": list("abcd"), "estimate": [4, 3, 2, 1.0], "low": 0.0, "high": 5.0})
    rows = rows.assign(chance_first=[0.6, 0.38, 0.02, 0.0], top=[True] * 4, n=90)
    rows = rows.assign(rank_low=1, rank_high=4)
    fit = Result(rows, "", parts={"top": list("abcd")})
    assert _may_be_first(fit, fit, {"a"}) == ["b, c and d may also be first by gain"]
    said = order(fit).finding.detail
    assert said == (
        "may be the strongest: a, b and c; not ruled out, though first in fewer than 1% of "
        "resamples: d"
    )
    r2 = pd.Series({"term": "R²", "estimate": 0.5, "low": 0.4, "high": 0.6, "n": 90})
    found = finding(rows, r2, "score", insignificant=False)
    assert found.claim.startswith("No driver of score is significantly stronger than the others")
    rows["top"] = [True, True, True, False]
    found = finding(rows, r2, "score", insignificant=False)
    assert found.claim.endswith("the order of the top 3 is not settled.")
    assert found.detail.endswith("; c may also be first by explained variance")


@pytest.mark.slow
def test_the_true_first_of_many_alike_is_in_the_top_set():
    # Left out for being first in fewer than 1% of resamples, it would be missing in 15 of 100.
    rng = np.random.default_rng(1)
    true = np.eye(20)[0]
    held = []
    for _ in range(100):
        point = true + rng.normal(size=20)
        drawn = point + rng.normal(size=(500, 20))
        held.append(ranks([str(i) for i in range(20)], point, drawn)["top"].iloc[0])
    assert np.mean(held) >= 0.95


def test_a_share_that_is_known_already_is_not_estimated_again(responses):
    few, many = (Sample(responses, draws=n) for n in (50, 200))
    fit = drivers.importance(many, "recommend", PARTS)
    # Also where it is called otherwise: nothing is not experienced here.
    for name in ("complete", "dummy"):
        rows = drivers.missing_sensitivity(few, "recommend", PARTS, known={name: fit}).table
        same = rows[rows["missing"] == "complete"].set_index("term")[["low", "high"]]
        assert_allclose(same, fit.table.set_index("term").loc[same.index, ["low", "high"]])


@pytest.mark.slow
def test_a_group_of_one_row_is_left_blank_and_named(responses):
    rows = responses.assign(channel=np.where(responses.index == 3, "fax", responses["channel"]))
    fit = drivers.importance_by(Sample(rows, draws=50), "recommend", PARTS, by="channel")
    fax = fit.table.query("channel == 'fax'")
    assert fax["estimate"].isna().all() and (fax["n"] == 1).all()
    assert "Left blank" in fit.notes and "fax (channel)" in fit.notes
    assert fit.table.query("channel == 'web'")["low"].notna().all()


# --- mistakes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: {"staff": r["speed"]}, "driver 'staff' is a copy of driver 'speed'"),
        (lambda r: {"staff": 11 - r["speed"]}, "driver 'staff' is a copy of driver 'speed'"),
        (lambda r: {"staff": r["recommend"]}, "driver 'staff' is a copy of the outcome"),
        (lambda r: {"staff": r["speed"] + r["price"]}, "speed, price, staff are copies"),
        (lambda r: {"staff": 7.0}, "driver 'staff' is constant: all 500 answers are 7"),
        (lambda r: {"recommend": 9.0}, "outcome 'recommend' is constant"),
        (lambda r: {"staff": "good"}, r"\['staff'\] hold text"),
        (lambda r: {"staff": np.nan}, "staff has 0 answers in 500 rows"),
    ],
)
def test_drivers_that_cannot_be_told_apart_are_named(responses, change, message):
    with pytest.raises(ValueError, match=message):
        drivers.importance(responses.assign(**change(responses)), "recommend", PARTS)


@pytest.mark.parametrize(
    ("outcome", "parts", "message"),
    [
        ("recommend", ["speed", "recommend"], "'recommend' is the outcome and a driver"),
        ("recommend", ["speed", "speed"], "'speed' is given twice"),
        ("recommend", [], "no drivers given"),
        ("recomend", ["speed"], r"no column \['recomend'\]"),
        ("recommend", [f"x{i}" for i in range(61)], "61 drivers are too many.*johnson"),
    ],
)
def test_names_that_cannot_be_are_refused(responses, outcome, parts, message):
    with pytest.raises(ValueError, match=message):
        drivers.importance(responses, outcome, parts)


def test_groups_that_are_not_there_are_refused(responses):
    with pytest.raises(ValueError, match="column 'region' is empty in these 500 rows"):
        drivers.importance_by(responses.assign(region=np.nan), "recommend", PARTS, by="region")
    with pytest.raises(ValueError, match="no column 'region'"):
        drivers.importance_by(responses, "recommend", PARTS, by="region")


def test_two_rows_are_too_few(responses):
    with pytest.raises(ValueError, match="2 of 2 responses can be used for 3 drivers"):
        drivers.importance(responses.head(2), "recommend", PARTS)


def test_two_touchpoints_nobody_met_both_of_cannot_be_weighed(responses):
    rows = responses.assign(
        speed=responses["speed"].where(responses.index < 250),
        price=responses["price"].where(responses.index >= 250),
    )
    with pytest.raises(ValueError, match="nobody answers both 'speed' and 'price'"):
        drivers.importance(rows, "recommend", PARTS, missing="pairwise")


def test_pairwise_answers_that_contradict_one_another_are_refused():
    a, b, c = (np.tile([1.0, 2, 3, 4, 5, 6], 30) for _ in range(3))
    third = np.arange(180) % 3
    rows = pd.DataFrame({"y": a, "a": a, "b": b, "c": c})
    rows["b"] = np.where(third == 2, 7 - rows["b"], rows["b"]) + np.arange(180) % 7 / 10
    rows["y"] = rows["y"] + np.arange(180) % 5
    rows["a"] = np.where(third == 0, np.nan, rows["a"])
    rows["c"] = np.where(third == 1, np.nan, rows["c"])
    rows["b"] = np.where(third == 9, np.nan, rows["b"])
    rows.loc[third == 2, "b"] = np.nan
    rows.loc[third == 0, "c"] = 7 - rows["c"]
    with pytest.raises(ValueError, match="contradict one another"):
        drivers.importance(rows, "y", ["a", "b", "c"], missing="pairwise")


def test_draws_in_which_a_driver_is_constant_are_counted():
    rows = visits(40, seed=1, k=2).assign(t1=lambda r: np.where(r.index == 0, 1.0, 0.0))
    fit = drivers.importance(Sample(rows, draws=300), "outcome", ["t0", "t1"])
    lost = (resampling.multiplicities(40, 300, 1)[:, 0] == 0).sum()
    assert f"{lost} of 300 resamples had drivers that were constant" in fit.notes


# --- recovery


def inside(table: pd.DataFrame, truth: pd.Series) -> pd.Series:
    row = table.set_index("term").loc[truth.index]
    return (row["low"] <= truth) & (truth <= row["high"])


def population(k: int = 5) -> tuple[np.ndarray, list[str]]:
    """Covariances of `visits` as they are made, and the names of its touchpoints."""
    slopes = np.linspace(0.8, 0.3, k)
    x = np.eye(k) + 0.36
    cov = np.block([[slopes @ x @ slopes + 2.25, slopes @ x], [(x @ slopes)[:, None], x]])
    return cov, [f"t{j}" for j in range(k)]


@pytest.mark.coverage
@pytest.mark.parametrize(("n", "weight"), [(400, "weight"), (50, None), (50, "weight")])
def test_shares_differences_ranks_and_the_top_set_cover_the_truth(n, weight, tell_coverage):
    cov, parts = population()
    truth = {
        m: pd.Series(part(cov), parts)
        for m, part in zip(drivers.METHODS, (drivers.shapley, drivers.johnson), strict=True)
    }
    truth = {m: gains / gains.sum() for m, gains in truth.items()}
    hits = {m: [] for m in drivers.METHODS}
    pairs, ranks, top = [], [], []
    for sample in range(150):
        rows = visits(n, 3000 + sample)
        for method in drivers.METHODS:
            drawn = Sample(rows, weight=weight, draws=300, seed=sample)
            fit = drivers.importance(drawn, "outcome", parts, method=method)
            hits[method].append(inside(fit.table, truth[method]))
            apart = fit.differences
            true = (
                truth[method][apart["term"]].to_numpy() - truth[method][apart["other"]].to_numpy()
            )
            pairs.append(((apart["low"] <= true) & (true <= apart["high"])).all())
            row = fit.table.set_index("term").loc[parts]
            at = np.arange(1, 6)  # t0 is first in the population
            ranks.append((row["rank_low"] <= at) & (at <= row["rank_high"]))
            top.append("t0" in fit.top)
    of = f"{n} answers" + ", weighted" * (weight is not None)
    for method, found in hits.items():
        share = pd.concat(found, axis=1).to_numpy().mean()
        tell_coverage(f"{method.title()} share of a driver, linear", of, share, len(found))
    for what, found in (
        ("differences of the shares of drivers, simultaneous", pairs),
        ("rank of a driver", ranks),
        ("set of drivers that may be first", top),
    ):
        tell_coverage(what, of, np.mean(found), 150)
    error = np.sqrt(0.05 * 0.95 / 150)  # of a share of samples
    for method, found in hits.items():
        each = pd.concat(found, axis=1).mean(axis=1)
        assert -0.02 < each.mean() - 0.95 < 0.03, (method, each)  # wider of 50 weighted answers
        assert (each - 0.95).abs().max() < 2.5 * error, (method, each)
    assert abs(np.mean(pairs) - 0.95) < 2 * error, np.mean(pairs)
    assert pd.concat(ranks, axis=1).mean(axis=1).min() > 0.925 and np.mean(top) > 0.935


@pytest.mark.coverage
def test_the_true_first_is_seldom_lost_among_equals_and_others_are_left_out(tell_coverage):
    parts, kept, size = [f"t{j}" for j in range(6)], [], []
    for sample in range(150):
        rng = np.random.default_rng(sample)
        x = rng.normal(size=(300, 6))
        y = x @ [1, 1, 1, 0.2, 0.2, 0.2] + 1.5 * rng.normal(size=300)
        rows = pd.DataFrame(x, columns=parts).assign(y=y)
        fit = drivers.importance(Sample(rows, draws=300, seed=sample), "y", parts)
        kept.append("t0" in fit.top)  # as good as the first: each of the three must stay
        size.append(len(fit.top))
    tell_coverage(
        "set of drivers that may be first", "300 answers, 3 equal drivers", np.mean(kept), len(kept)
    )
    assert np.mean(kept) > 0.93 and np.mean(size) < 3.2, (np.mean(kept), np.mean(size))


@pytest.mark.coverage
@pytest.mark.parametrize(("missing", "samples"), [("complete", 150), ("pairwise", 80), ("em", 40)])
def test_the_intervals_of_shares_cover_the_truth_of_the_made_up_company(
    missing, samples, tell_coverage
):
    truth, hits = pd.Series(generator.TRUTH["population"]["drivers"]), []
    for sample in range(samples):
        rows = generator.survey(400, seed=9000 + sample)
        drawn = Sample(rows, draws=200, seed=sample)
        fit = drivers.importance(drawn, "recommend", list(truth.index), missing=missing)
        hits.append(inside(fit.table, truth))
    found = pd.concat(hits, axis=1).mean(axis=1)
    of = f"400 answers, made-up company, missing={missing}"
    tell_coverage("Shapley share of a driver, linear", of, found.mean(), samples)
    assert abs(found.mean() - 0.95) < 0.025, found.to_dict()


def test_the_strongest_drivers_come_with_what_to_do():
    """One that stands out is begun with; between two that do not differ, page 21 decides."""
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(rng.normal(size=(300, 3)), columns=["speed", "price", "room"])
    rows["recommend"] = 2 * rows["speed"] + rng.normal(size=300)
    alone = drivers.importance(Sample(rows, draws=100), "recommend", ["speed", "price"]).finding
    assert alone.action == "Begin with speed, and test what an improvement brings"
    rows["recommend"] = rows["speed"] + rows["price"] + rng.normal(size=300)
    parts = ["speed", "price", "room"]
    two = drivers.importance(Sample(rows, draws=100), "recommend", parts).finding
    assert two.action.startswith("Do not choose between ")
    assert two.action.endswith("“What shall we improve first?” compares what each would bring")


def test_waves_that_are_left_out_in_turn_do_not_give_a_small_wave_away():
    """All answers less those without each other wave would be the answers of the small one."""
    rows = visits(404, seed=6, k=2).assign(
        wave=[*np.repeat(["Q1", "Q2", "Q3", "Q4"], 100), *["Q5"] * 4]
    )
    rows["outcome"] = rows["t1"] + rows["weight"]
    rows = rows.drop(index=rows.index[rows["wave"] == "Q2"][:5])
    fit = drivers.without_each_wave(Sample(rows, draws=5), "outcome", ["t0", "t1"])
    assert fit.table["wave"].tolist() == ["Q1", "Q3", "Q4"]
    assert "2 waves are not left out" in fit.notes
