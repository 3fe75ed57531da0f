"""Effects of a randomised change by group: by hand, a witness, laws, recovery and coverage."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose

from cxlib import impact
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample

EFFECTS = {"a": 0.0, "b": 2.0, "c": 2.0}


def trial(n: int, effects: dict[str, float], seed: int, clustered: bool = False) -> pd.DataFrame:
    """A trial of `n` customers in each group, half of them treated, two rows each if clustered."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame({"plan": np.repeat(list(effects), n)})
    rows["called"] = rng.permuted(np.tile([0, 1], (len(effects), n // 2)), axis=1).ravel()
    own = rng.normal(0, 2, len(rows))
    rows["who"] = np.arange(len(rows))
    if clustered:
        rows, own = pd.concat([rows, rows], ignore_index=True), np.tile(own, 2)
    rows["w"] = rng.uniform(0.5, 2, len(rows))
    noise = rng.normal(0, 2, len(rows))
    return rows.assign(score=5 + own + noise + rows["called"] * rows["plan"].map(effects))


def test_effects_and_differences_by_hand():
    rows = pd.DataFrame({"plan": ["a"] * 40 + ["b"] * 20, "called": [0, 1] * 30})
    rows["score"] = np.where(rows["plan"] == "a", 4.0, 1.0) * rows["called"]
    rows["score"] += np.repeat([0.5, 0.5, -0.5, -0.5], 15)  # alike in both arms, but for chance
    found = impact.effects_by_group(rows, "score", treated="called", by="plan")
    means = rows.groupby(["plan", "called"])["score"].mean().unstack()
    by_hand = (means[1] - means[0]).to_numpy()
    assert_allclose(found.table["estimate"], by_hand)
    assert_allclose(
        found.differences["estimate"], [by_hand[0] - by_hand[1], by_hand[1] - by_hand[0]]
    )
    assert found.table["n"].tolist() == [40, 20] and found.table["treated"].tolist() == [20, 10]


@pytest.mark.parametrize("weight", [None, "w"])
def test_effects_are_those_of_a_saturated_regression(weight):
    rows = trial(60, EFFECTS, 3)
    found = impact.effects_by_group(
        Sample(rows, weight=weight, draws=200), "score", treated="called", by="plan"
    )
    model = smf.wls(
        "score ~ C(plan) + C(plan):called", rows, weights=1.0 if weight is None else rows["w"]
    ).fit()
    slopes = [model.params[f"C(plan)[{g}]:called"] for g in EFFECTS]
    assert_allclose(found.table["estimate"], slopes)
    if weight is None:  # a group against all others, in proportion to how many they are
        others = [np.mean([s for k, s in enumerate(slopes) if k != j]) for j in range(3)]
        assert_allclose(found.differences["estimate"], np.subtract(slopes, others))
        error = model.bse[[f"C(plan)[{g}]:called" for g in EFFECTS]].to_numpy()
        half = (found.table["high"] - found.table["low"]) / 2
        assert_allclose(half / error, 2.0, rtol=0.2)


def test_a_weight_of_two_is_the_row_twice():
    rows = trial(40, EFFECTS, 4)
    twice = rows["who"] % 3 == 0
    one = impact.effects_by_group(
        Sample(rows.assign(w=1.0 + twice), weight="w"), "score", treated="called", by="plan"
    )
    two = impact.effects_by_group(
        pd.concat([rows, rows[twice]]), "score", treated="called", by="plan"
    )
    assert_allclose(one.table["estimate"], two.table["estimate"])


def test_a_true_difference_is_found_and_named_with_its_sign():
    found = impact.effects_by_group(
        trial(200, {"a": 0.0, "b": 4.0}, 5), "score", treated="called", by="plan", unit="points"
    )
    assert found.p < 0.001 and found.finding.at == {"plan": "b"}
    assert "differs significantly by plan" in found.finding.claim
    assert found.finding.low < 4 < found.finding.high


def test_small_groups_are_left_out_and_counted():
    rows = pd.concat([trial(40, {"a": 0.0, "b": 1.0}, 6), trial(8, {"tiny": 9.0}, 7)])
    found = impact.effects_by_group(rows, "score", treated="called", by="plan")
    assert found.table["plan"].tolist() == ["a", "b"]
    assert "1 group with fewer than 10 customers in an arm is left out" in found.notes
    with pytest.raises(InsufficientData, match="need two groups with 10 customers in each arm"):
        impact.effects_by_group(rows[rows["plan"] != "b"], "score", treated="called", by="plan")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"called": 2}, "called must be true or false"),
        ({"score": "good"}, "score holds text"),
    ],
)
def test_what_is_no_trial_is_an_error_that_says_why(change, says):
    rows = trial(40, EFFECTS, 8).assign(**change)
    with pytest.raises(ValueError, match=says):
        impact.effects_by_group(rows, "score", treated="called", by="plan")


@pytest.mark.coverage
@pytest.mark.parametrize(("n", "kind"), [(20, ""), (50, ""), (50, "weighted, clustered")])
def test_intervals_cover_and_equal_effects_are_seldom_told_apart(n, kind, tell_coverage):
    truth, own, together, found = np.array(list(EFFECTS.values())), [], [], []
    for seed in range(300):
        how = {"weight": "w", "cluster": "who"} if kind else {}
        sample = Sample(trial(n, EFFECTS, seed, bool(kind)), draws=300, seed=seed, **how)
        table = impact.effects_by_group(sample, "score", treated="called", by="plan").table
        own.append(((table["low"] <= truth) & (truth <= table["high"])).to_numpy())
        ends = table["simultaneous_low"], table["simultaneous_high"]
        together.append(bool(((ends[0] <= truth) & (truth <= ends[1])).all()))
        alike = Sample(
            trial(n, dict.fromkeys(EFFECTS, 1.0), seed + 999, bool(kind)),
            draws=300,
            seed=seed,
            **how,
        )
        same = impact.effects_by_group(alike, "score", treated="called", by="plan")
        found.append(same.p < 0.05)
    of = f"3 groups of {n} customers, randomised" + (f", {kind}" if kind else "")
    tell_coverage("effect in a group", of, np.mean(own), 300)
    tell_coverage("effects in groups, simultaneous", of, np.mean(together), 300)
    tell_coverage("rate of false findings, different effects", of, np.mean(found), 300, 0.05)
    assert 0.925 <= np.mean(own) <= 0.985 and np.mean(together) >= 0.92
    assert np.mean(found) <= 0.09, np.mean(found)
