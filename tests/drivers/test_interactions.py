"""Products of drivers against nested regressions of statsmodels, laws, and known truths."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose

from cxlib import drivers
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample


def answers(n: int, seed: int, *, product: float = 0.6, clusters: int = 0) -> pd.DataFrame:
    """Three correlated ratings around 3; the first two multiply in the outcome."""
    rng = np.random.default_rng(seed)
    own = rng.integers(0, clusters, n) if clusters else np.arange(n)
    x = rng.normal(size=(n, 3)) + 0.5 * rng.normal(size=(n, 1))
    noise = rng.normal(size=n)
    if clusters:  # customers who answer more than once have their own level of every answer
        x = x + 0.7 * rng.normal(size=(clusters, 3))[own]
        noise = noise + 0.7 * rng.normal(size=clusters)[own]
    rows = pd.DataFrame(3 + x, columns=["a", "b", "c"])
    y = x @ [0.8, 0.4, 0.0] + product * x[:, 0] * x[:, 1] + noise
    extra = {"weight": rng.uniform(0.5, 2, n), "customer_id": own}
    return rows.assign(y=y, plan=rng.choice(["basic", "plus"], n), **extra)


def by_pair(table: pd.DataFrame) -> pd.DataFrame:
    return table.set_index(["term", "other"]).sort_index()


def test_by_hand_a_product_of_two_levels_is_the_difference_of_differences():
    rows = pd.DataFrame({"a": [0, 0, 1, 1] * 5, "b": [0, 1, 0, 1] * 5})
    noise = np.repeat([-1.0, 0, 1, 0, 0], 4)  # the same in the four cells
    rows["y"] = np.tile([1.0, 2, 4, 8], 5) + noise
    fit = drivers.interactions(Sample(rows, draws=50), "y", ["a", "b"])
    assert fit.table["estimate"][0] == pytest.approx((8 - 4) - (2 - 1))
    # The product of effect codes ±1/4: 3² × variance 1/16, of a variance of 7.1875 + 0.4.
    assert fit.gains["r2_gain"][0] == pytest.approx(9 / 16 / (7.1875 + 0.4))


@pytest.mark.slow
@pytest.mark.parametrize("weight", [None, "weight"])
def test_each_product_is_what_statsmodels_loses_without_it(weight):
    rows = answers(200, 1)
    sample = Sample(rows, weight=weight, draws=20)
    fit = drivers.interactions(sample, "y", ["a", "b", "c"], always=["plan"])
    w = rows["weight"] if weight else np.ones(len(rows))
    full = smf.wls("y ~ (a + b + c) ** 2 + plan", rows, weights=w).fit()
    table, gains = by_pair(fit.table), by_pair(fit.gains)
    for a, b in [("a", "b"), ("a", "c"), ("b", "c")]:
        rest = smf.wls(f"y ~ (a + b + c) ** 2 + plan - {a}:{b}", rows, weights=w).fit()
        assert table.loc[(a, b), "estimate"] == pytest.approx(full.params[f"{a}:{b}"])
        assert gains.loc[(a, b), "r2_gain"] == pytest.approx(full.rsquared - rest.rsquared)


@pytest.mark.slow
def test_moving_the_scale_changes_nothing_and_a_weight_of_two_is_the_row_twice():
    rows, parts = answers(120, 2), ["a", "b", "c"]
    own = drivers.interactions(Sample(rows, draws=50), "y", parts)
    moved = drivers.interactions(Sample(rows.assign(a=rows["a"] + 40), draws=50), "y", parts)
    columns = ["estimate", "low", "high", "joint_low", "joint_high"]
    assert_allclose(own.table[columns], moved.table[columns], atol=1e-7)
    twice = pd.concat([rows, rows[:30]], ignore_index=True)
    double = rows.assign(w=np.where(np.arange(120) < 30, 2.0, 1.0))
    a = drivers.interactions(Sample(twice, draws=2), "y", parts)
    b = drivers.interactions(Sample(double, weight="w", draws=2), "y", parts)
    assert_allclose(by_pair(a.table)["estimate"], by_pair(b.table)["estimate"])


def test_the_pair_that_multiplies_is_named_with_its_sign():
    for product, word in [(0.6, "higher"), (-0.6, "lower")]:
        rows = answers(400, 3, product=product)
        fit = drivers.interactions(Sample(rows, draws=400), "y", ["a", "b", "c"])
        assert fit.significant == [("a", "b")]
        row = fit.table.iloc[0]
        assert row["low"] < product < row["high"]
        assert f"is {word} where" in fit.finding.claim
        assert "95% CI" in fit.finding.detail and fit.finding.value == row["estimate"]


def test_what_cannot_be_tried_is_refused():
    rows = answers(60, 4)
    for call, message in [
        (lambda: drivers.interactions(rows, "y", ["a"]), "two drivers"),
        (lambda: drivers.interactions(rows, "y", ["a", "plan"]), "no column of numbers"),
        (lambda: drivers.interactions(rows, "y", ["a", "b"], pairs=[("a", "c")]), "no pair of two"),
        (lambda: drivers.interactions(rows, "y", ["a", "b"], pairs=[]), "each pair once"),
        (
            lambda: drivers.interactions(rows, "y", ["a", "b"], pairs=[("a", "b"), ("b", "a")]),
            "each pair once",
        ),
    ]:
        with pytest.raises(ValueError, match=message):
            call()
    with pytest.raises(InsufficientData):
        drivers.interactions(rows[:5], "y", ["a", "b", "c"])


@pytest.mark.coverage
@pytest.mark.parametrize(
    ("n", "weight", "clusters"), [(50, None, 0), (50, "weight", 0), (120, None, 40)]
)
def test_intervals_of_interactions_cover_the_truth(n, weight, clusters, tell_coverage):
    single, joint = [], []
    for k in range(150):
        rows = answers(n, 500 + k, clusters=clusters)
        sample = Sample(rows, weight=weight, cluster="customer_id", draws=300, seed=k)
        table = by_pair(drivers.interactions(sample, "y", ["a", "b", "c"]).table)
        truth = np.array([0.6, 0.0, 0.0])
        single.append(((table["low"] <= truth) & (truth <= table["high"])).mean())
        joint.append(((table["joint_low"] <= truth) & (truth <= table["joint_high"])).all())
    of = f"{n} answers{', weighted' * bool(weight)}{', clustered' * bool(clusters)}"
    tell_coverage("interaction of drivers", of, np.mean(single), 150)
    tell_coverage("interactions of drivers, simultaneous", of, np.mean(joint), 150)
    assert np.mean(single) >= 0.91 and np.mean(joint) >= 0.9
