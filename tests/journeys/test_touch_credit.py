"""Credit by rules and the order of chains: by hand, laws, and a known truth."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import journeys
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample

TABLE = pd.DataFrame(
    {
        "path": ["ad > web > mail > shop", "web > shop", "web", "ad"],
        "completed": [2, 1, 1, 0],
        "lost": [0, 3, 0, 4],
        "revenue": [100.0, 30.0, 20.0, 0.0],
    }
)


def wide(fit, column: str = "estimate") -> pd.DataFrame:
    return fit.table.pivot(index="term", columns="rule", values=column)


def test_credit_by_hand():
    found = wide(journeys.touch_credit(Sample(TABLE, draws=50))) * 4  # conversions
    places = ["ad", "mail", "shop", "web"]
    assert_allclose(found.loc[places, "first touch"], [2, 0, 0, 2])
    assert_allclose(found.loc[places, "last touch"], [0, 0, 3, 1])
    assert_allclose(found.loc[places, "linear"], [0.5, 0.5, 1, 2])
    assert_allclose(found.loc[places, "position-based"], [0.8, 0.2, 0.8 + 0.5, 0.2 + 0.5 + 1])


def test_value_is_credited_as_conversions_are():
    fit = journeys.touch_credit(Sample(TABLE, draws=5), value="revenue")
    found = wide(fit, "value")
    assert_allclose(found.sum(), 150)
    assert found.loc["ad", "first touch"] == 100 and found.loc["shop", "last touch"] == 130


@pytest.mark.slow
def test_shares_add_up_and_rows_of_a_path_too():
    split = pd.concat([TABLE.assign(completed=[1, 1, 0, 0]), TABLE.assign(completed=[1, 0, 1, 0])])
    whole, parts = (wide(journeys.touch_credit(Sample(t, draws=5))) for t in (TABLE, split))
    assert_allclose(whole.sum(), 1)
    pd.testing.assert_frame_equal(whole, parts)


def test_where_paths_have_one_step_all_rules_and_the_removal_effect_agree():
    table = pd.DataFrame({"path": ["a", "b"], "completed": [30, 10]})
    fit = journeys.touch_credit(Sample(table, draws=20))
    assert_allclose(wide(fit), [[0.75] * 4, [0.25] * 4])
    assert str(fit) == "Every rule credits a most."
    share = journeys.removal(journeys.paths(table), goal=[journeys.GOAL]).table["share"]
    assert_allclose(share, [0.75, 0.25])


def test_no_conversion_is_said():
    with pytest.raises(InsufficientData, match="No path has a conversion"):
        journeys.touch_credit(TABLE.assign(completed=0))


def test_the_likelihood_of_a_chain_by_hand():
    # Order 0: shares of a, b and the end. Order 1: begin to a or b, then as often on as out.
    table = pd.DataFrame({"path": ["a > b", "b > a"], "completed": [1, 1]})
    found = journeys.chain_order(table, most=2).set_index("order")
    assert_allclose(found["loglik"], [6 * np.log(1 / 3), 6 * np.log(1 / 2), 2 * np.log(1 / 2)])
    assert found["parameters"].tolist() == [2, 3, 1]
    assert_allclose(found["bic"], found["parameters"] * np.log(6) - 2 * found["loglik"])


def walk(order: int, n: int, seed: int) -> pd.DataFrame:
    """Paths that remember one step, or two."""
    rng, found = np.random.default_rng(seed), []
    for _journey in range(n):
        way = [rng.choice(list("abc"))]
        while rng.random() < 0.75:
            before = way[-1] if order == 1 or len(way) < 2 else way[-2]
            liked = {"a": "b", "b": "c", "c": "a"}[before]
            way.append(liked if rng.random() < 0.7 else str(rng.choice(list("abc"))))
        found.append(" > ".join(way))
    return pd.DataFrame({"path": found, "completed": 1})


@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 2])
def test_the_order_of_made_up_paths_is_found(order):
    found = [journeys.chain_order(walk(order, 500, seed), most=3) for seed in range(5)]
    best = [int(t.loc[t["best"], "order"].iloc[0]) for t in found]
    assert sum(b == order for b in best) >= 4


@pytest.mark.coverage
def test_intervals_of_credit_cover_the_truth_of_20_and_50_conversions(tell_coverage):
    ways = ["ad > web > shop", "web > shop", "ad > shop", "web"]
    chance = np.array([0.2, 0.3, 0.1, 0.4])
    many = pd.DataFrame({"path": ways, "completed": (chance * 1000).astype(int)})
    truth = journeys.touch_credit(Sample(many, draws=2)).table.set_index(["rule", "term"])
    rng = np.random.default_rng(2)
    for n in (20, 50):
        held = []
        for seed in range(60):
            table = pd.DataFrame({"path": ways, "completed": rng.multinomial(n, chance)})
            table = table[table["completed"] > 0]
            own = journeys.touch_credit(Sample(table, draws=100, seed=seed)).table
            own = own.set_index(["rule", "term"])
            true = truth.loc[own.index, "estimate"]
            sure = true.between(1e-9, 1 - 1e-9)
            held.append(((own["low"] <= true) & (true <= own["high"]))[sure].mean())
        tell_coverage("credit of a touchpoint", f"{n} conversions", np.mean(held), len(held))
        assert 0.925 <= np.mean(held) <= 0.997, (n, np.mean(held))
