"""Importance of groups, factors and graded outcomes, against R, brute force, and laws."""

from __future__ import annotations

import json
import sys
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from test_drivers_importance import PARTS, covariances, inside, visits

from cxlib import drivers, weights
from cxlib.core.sample import Sample
from cxlib.drivers import ordered_logit, shapley_values
from cxlib.stats import resampling

REFERENCE = Path(__file__).parents[1] / "reference"
sys.path.insert(0, str(REFERENCE))

from odds import answers  # noqa: E402


@pytest.mark.parametrize("kind", ["logistic", "ordered"])
def test_graded_outcomes_have_the_shares_that_r_gives(kind, tell_witness):
    given = json.loads((REFERENCE / "odds.json").read_text())[kind]
    fit = drivers.importance(
        Sample(answers(), weight="w", draws=9), given["outcome"], list("abcd"), kind=kind
    )
    r2 = fit.r2["estimate"].item()
    witness = "R 4.2.2 (glm, MASS polr)"
    tell_witness("McFadden's R², logistic and ordered", witness, r2, given["r2"], atol=1e-10)
    shares_of = fit.table.set_index("term")["estimate"][list("abcd")]
    ours, theirs = shares_of * r2, given["weights"]
    tell_witness("Shapley shares, logistic and ordered", witness, ours, theirs, atol=1e-9)
    assert "McFadden R² = 0." in fit.finding.detail and "300 of 300 responses" in fit.notes


# --- groups of drivers, factors, graded outcomes


def brute(cov: np.ndarray, players: list[list[int]]) -> np.ndarray:
    """Average gain of each group over all orders of the groups, regression by regression."""

    def r2(columns):
        at = [1 + c for c in columns]
        if not at:
            return 0.0
        return cov[0, at] @ np.linalg.pinv(cov[np.ix_(at, at)]) @ cov[at, 0] / cov[0, 0]

    gains = np.zeros(len(players))
    orders = list(permutations(range(len(players))))
    for order in orders:
        for place, p in enumerate(order):
            before = [c for q in order[:place] for c in players[q]]
            gains[p] += r2(before + players[p]) - r2(before)
    return gains / len(orders)


@pytest.mark.slow
@pytest.mark.parametrize(
    "players", [[[0, 1], [2], [3, 4, 5]], [[5], [1, 3], [0], [2, 4]], [[0, 1, 2, 3, 4, 5]]]
)
def test_groups_enter_together(players):
    cov = covariances(6, draws=1)[0]
    assert_allclose(drivers.shapley(cov, players), brute(cov, players), atol=1e-10)
    values, _ = shapley_values.sampled_shapley(
        cov, seed=1, orders=len(players) * 200, players=players
    )
    assert_allclose(values, brute(cov, players), atol=0.02)


def test_a_copy_inside_a_group_adds_nothing():
    cov = covariances(3, draws=1)[0]
    at = [0, 1, 2, 3, 3]
    assert_allclose(drivers.shapley(cov[np.ix_(at, at)], [[0], [1], [2, 3]]), drivers.shapley(cov))


@pytest.mark.slow
def test_groups_of_one_are_drivers_and_the_whole_is_r_squared(responses):
    alone = drivers.importance(Sample(responses, draws=20), "recommend", PARTS)
    named = drivers.importance(Sample(responses, draws=20), "recommend", {p: [p] for p in PARTS})
    pd.testing.assert_frame_equal(alone.table, named.table)
    both = drivers.importance(
        responses, "recommend", {"people": ["staff", "speed"], "price": "price"}
    )
    assert_allclose(both.r2["estimate"], alone.r2["estimate"])
    assert set(both.table["term"]) == {"people", "price"}


def test_a_factor_is_one_driver_however_its_categories_are_named(responses):
    parts = [*PARTS, "channel"]
    fit = drivers.importance(Sample(responses, draws=50), "recommend", parts)
    renamed = responses.assign(
        channel=responses["channel"].map({"web": "z", "shop": "a"}).fillna("m")
    )
    again = drivers.importance(Sample(renamed, draws=50), "recommend", parts)
    assert_allclose(fit.table["estimate"], again.table["estimate"])
    assert fit.table["term"].tolist().count("channel") == 1
    with pytest.raises(ValueError, match="depends on how a factor is coded, and 'channel' is one"):
        drivers.importance(Sample(responses, draws=5), "recommend", parts, method="johnson")


def test_a_draw_of_a_graded_outcome_is_nearly_the_fit_of_the_drawn_rows():
    rows = visits(1500, seed=5, k=3)
    grade, x = np.digitize(rows["outcome"], [-2, 0, 2]), rows[["t0", "t1", "t2"]].to_numpy()
    subsets = np.arange(8)[:, None] >> np.arange(3) & 1 == 1
    counts = resampling.multiplicities(1500, 3, 1).astype(float)
    at = np.arange(1500)
    _, drawn, _ = ordered_logit.subset_fits(grade, x, np.ones(1500), at, subsets, counts)
    spread = ordered_logit.subset_fits(
        grade, x, np.ones(1500), at, subsets, resampling.multiplicities(1500, 99, 2)
    )[1].std(1)
    for b in range(3):
        kept = counts[b] > 0
        one = grade[kept], x[kept], counts[b][kept], at[: kept.sum()], subsets
        whole, *_ = ordered_logit.subset_fits(*one, np.ones((1, kept.sum())))
        assert (np.abs(drawn[1:, b] - whole[1:]) < 0.06 * spread[1:]).all()


def test_draws_of_a_graded_outcome_are_raked_again(monkeypatch):
    rows = visits(300, seed=4, k=2).drop(columns="weight")
    rows["half"] = np.where(rows["t0"] > rows["t0"].median(), "upper", "lower")
    rows["high"] = (rows["outcome"] > rows["outcome"].mean()).astype(float)
    sample = weights.weigh(Sample(rows, draws=20), {"half": {"upper": 0.4, "lower": 0.6}})
    seen, subset_fits = {}, ordered_logit.subset_fits

    def spy(grade, x, w, cluster, subsets, counts):
        seen.update(w=w * counts[:, cluster])
        return subset_fits(grade, x, w, cluster, subsets, counts)

    monkeypatch.setattr(ordered_logit, "subset_fits", spy)
    drivers.importance(sample, "high", ["t0", "t1"], kind="logistic")
    upper = seen["w"][:, (rows["half"] == "upper").to_numpy()].sum(1)
    assert_allclose(upper / seen["w"].sum(1), 0.4, atol=1e-6)


@pytest.mark.slow
def test_each_group_of_a_graded_outcome_is_its_own_fit():
    rows = visits(400, seed=5, k=2).assign(region=np.repeat(["north", "south"], 200))
    rows["high"] = (rows["outcome"] > rows["outcome"].mean()).astype(float)
    sample = Sample(rows, draws=200)
    south = sample.where(rows["region"] == "south")
    asked = "high", ["t0", "t1"]
    fit = drivers.importance_by(sample, *asked, by="region", kind="logistic")
    alone = drivers.importance(south, *asked, kind="logistic")
    found = fit.table.query("region == 'south'").set_index("term")
    own = alone.table.set_index("term")
    assert_allclose(found["estimate"], own["estimate"][found.index])
    assert (found["low"] <= own["low"][found.index] + 0.02).all()  # held with the other group
    everybody = drivers.importance(sample, *asked, kind="logistic").table.set_index("term")
    apart = fit.differences.query("region == 'south'").set_index("term")["estimate"]
    assert_allclose(apart, (own["estimate"] - everybody["estimate"])[apart.index], atol=1e-12)


@pytest.mark.slow
def test_sampled_orders_of_graded_outcomes_come_near_all_of_them(monkeypatch):
    rows = visits(300, seed=5, k=5).assign(g=lambda r: (r["outcome"] > 0).astype(int))
    parts = [f"t{j}" for j in range(5)]
    sample = Sample(rows, draws=20)
    exact = drivers.importance(sample, "g", parts, kind="logistic").table.set_index("term")
    monkeypatch.setattr(ordered_logit, "MOST_FITTED", 3)
    fit = drivers.importance(sample, "g", parts, kind="logistic")
    assert "Shares come from sampled orders" in fit.notes
    assert_allclose(
        fit.table.set_index("term")["estimate"], exact["estimate"][fit.table["term"]], atol=0.02
    )


@pytest.mark.slow
def test_scale_order_and_doubled_weights_do_not_matter_to_graded_outcomes():
    rows = visits(200, seed=6, k=3).assign(g=lambda r: np.digitize(r["outcome"], [-1, 1]))
    parts, design = ["t0", "t1", "t2"], {"weight": "weight", "draws": 30}
    one = drivers.importance(Sample(rows, **design), "g", parts, kind="ordered").table
    turned = rows.assign(t0=100 - 7 * rows["t0"], weight=2 * rows["weight"], g=rows["g"] * 5 + 1)
    other = Sample(turned.sample(frac=1, random_state=2), **design)
    two = drivers.importance(other, "g", parts[::-1], kind="ordered").table
    columns = ["term", "estimate", "low", "high"]
    pd.testing.assert_frame_equal(one[columns], two[columns], check_exact=False, rtol=1e-6)


# --- mistakes


@pytest.mark.parametrize(
    ("change", "how", "message"),
    [
        ({}, {"kind": "logistic"}, "different values; kind='logistic' takes two values"),
        ({"recommend": 3.0}, {"kind": "ordered"}, "outcome 'recommend' is constant"),
        ({}, {"kind": "ordered", "missing": "pairwise"}, "needs rows that answer everything"),
        ({}, {"kind": "probit"}, "kind='probit' is not a choice"),
        ({}, {"method": "owen"}, "method='owen' is not a choice"),
        ({}, {"kind": "ordered", "method": "johnson"}, "'johnson' is for kind='linear'"),
        ({}, {"missing": "mean"}, "missing='mean' is not a choice"),
    ],
)
def test_what_does_not_fit_together_is_refused(responses, change, how, message):
    with pytest.raises(ValueError, match=message):
        drivers.importance(Sample(responses.assign(**change), draws=5), "recommend", PARTS, **how)


def test_a_factor_of_many_categories_is_refused(responses):
    rows = responses.assign(shop=[f"shop {i % 40}" for i in range(500)])
    with pytest.raises(ValueError, match="'shop' has 40 categories; the limit is 30"):
        drivers.importance(rows, "recommend", [*PARTS, "shop"])


# --- recovery


@pytest.mark.coverage
@pytest.mark.parametrize(
    ("kind", "n", "weight"), [("logistic", 400, None), ("ordered", 300, "weight")]
)
def test_the_intervals_of_shares_of_graded_outcomes_cover_the_truth(kind, n, weight, tell_coverage):
    parts, cuts = ["t0", "t1", "t2"], {"logistic": [0.0], "ordered": [-2.0, 0.5, 3.0]}[kind]
    grade = lambda rows: rows.assign(g=np.digitize(rows["outcome"], cuts))  # noqa: E731
    big = grade(visits(150_000, seed=7, k=3)).assign(one=0)
    one = Sample(big, cluster="one", draws=1)
    truth = drivers.importance(one, "g", parts, kind=kind).table.set_index("term")["estimate"]
    hits = []
    for sample in range(120):
        rows = grade(visits(n, 5000 + sample, k=3))
        drawn = Sample(rows, weight=weight, draws=300, seed=sample)
        hits.append(inside(drivers.importance(drawn, "g", parts, kind=kind).table, truth))
    found = pd.concat(hits, axis=1).mean(axis=1)
    of = f"{n} answers" + ", weighted" * (weight is not None)
    tell_coverage(f"Shapley share of a driver, {kind}", of, found.mean(), len(hits))
    assert abs(found.mean() - 0.95) < 0.025, found.to_dict()
