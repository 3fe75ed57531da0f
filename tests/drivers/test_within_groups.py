"""Slopes within units against least squares with dummies, MixedLM, laws, and known truths."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from numpy.testing import assert_allclose
from scipy import stats

from cxlib import drivers
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample


def branches(k: int, each: int, seed: int, between: float = -1.0) -> pd.DataFrame:
    """Within branches a slope of 0.8 of a, 0.3 of b; branches rated higher differ by `between`."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(k), each)
    level = rng.normal(size=k)[unit]
    a, b = level + rng.normal(size=k * each), rng.normal(size=k * each)
    own = rng.normal(size=k)[unit]
    y = 0.8 * a + 0.3 * b + between * level + own + rng.normal(size=k * each)
    weight = rng.uniform(0.5, 2, k * each)
    return pd.DataFrame({"branch": unit, "a": a, "b": b, "y": y, "weight": weight})


def test_by_hand_the_slope_within_is_that_around_the_means_of_each_unit():
    rows = pd.DataFrame({"u": list("aaabbb") * 3, "x": [1, 2, 3, 11, 12, 13] * 3})
    # Two a point in both units; pooled it falls.
    rows["y"] = np.tile([5.0, 7, 9, 1, 3, 5], 3) + np.repeat([-1, 0, 1], 6)
    fit = drivers.within_groups(Sample(rows, draws=50), "y", ["x"], by="u")
    assert fit.table["estimate"][0] == pytest.approx(2)
    # Products around the common means: 24 within, 18 × 5 × −2 between; squares: 12 and 18 × 25.
    assert fit.differences["pooled"][0] == pytest.approx((24 - 180) / (12 + 450))


@pytest.mark.slow
@pytest.mark.parametrize("weight", [None, "weight"])
def test_slopes_are_those_of_dummies_of_the_units(weight):
    rows = branches(12, 15, 1)
    fit = drivers.within_groups(Sample(rows, weight=weight, draws=20), "y", ["a", "b"], by="branch")
    w = rows["weight"] if weight else np.ones(len(rows))
    own = smf.wls("y ~ a + b + C(branch)", rows, weights=w).fit().params[["a", "b"]]
    assert_allclose(fit.table["estimate"], own)
    pooled = smf.wls("y ~ a + b", rows, weights=w).fit().params[["a", "b"]]
    assert_allclose(fit.differences["pooled"], pooled)


@pytest.mark.slow
def test_slopes_are_those_of_a_mixed_model_with_unit_means_and_icc_is_its_share():
    rows = branches(30, 12, 2).sample(300, random_state=1)  # units of different sizes
    means = rows.groupby("branch")[["a", "b"]].transform("mean")
    rows = rows.assign(am=means["a"], bm=means["b"])
    mixed = smf.mixedlm("y ~ a + b + am + bm", rows, groups="branch").fit()
    fit = drivers.within_groups(Sample(rows, draws=20), "y", ["a", "b"], by="branch")
    assert_allclose(fit.table["estimate"], mixed.params[["a", "b"]], atol=1e-6)
    between = mixed.cov_re.iloc[0, 0]
    assert fit.icc == pytest.approx(between / (between + mixed.scale), abs=1e-4)
    assert fit.icc == pytest.approx(0.5, abs=0.15)


@pytest.mark.slow
def test_a_pooled_slope_that_units_distort_is_named_and_one_that_they_do_not_is_not():
    sample = Sample(branches(25, 20, 3), draws=300)
    fit = drivers.within_groups(sample, "y", ["a", "b"], by="branch")
    assert "significantly different" in fit.finding.claim and fit.finding.value < 0
    assert "ICC" in fit.finding.detail
    rows = branches(25, 20, 3, 0.0)
    rows["y"] -= rows.groupby("branch")["y"].transform("mean")  # units differ in nothing
    rows[["a", "b"]] -= rows.groupby("branch")[["a", "b"]].transform("mean")
    fit = drivers.within_groups(Sample(rows, draws=300), "y", ["a", "b"], by="branch")
    assert "do not differ significantly" in fit.finding.claim
    assert_allclose(fit.differences["estimate"], 0, atol=1e-9)
    assert fit.icc < 0.01


def test_one_unit_is_refused():
    rows = branches(1, 30, 4)
    with pytest.raises(InsufficientData, match="two units"):
        drivers.within_groups(rows, "y", ["a", "b"], by="branch")


@pytest.mark.coverage
@pytest.mark.parametrize(("k", "each", "weight"), [(10, 5, None), (10, 20, "weight")])
def test_intervals_of_slopes_within_cover_the_truth(k, each, weight, tell_coverage):
    single, joint = [], []
    for i in range(150):
        sample = Sample(branches(k, each, 700 + i), weight=weight, draws=300, seed=i)
        table = drivers.within_groups(sample, "y", ["a", "b"], by="branch").table
        truth = np.array([0.8, 0.3])
        single.append(((table["low"] <= truth) & (truth <= table["high"])).mean())
        joint.append(((table["joint_low"] <= truth) & (truth <= table["joint_high"])).all())
    of = f"{k * each} answers{', weighted' * bool(weight)}, {k} units"
    tell_coverage("slopes within units", of, np.mean(single), 150)
    assert np.mean(single) >= 0.9 and np.mean(joint) >= 0.9


# --- random slopes


def varying(k: int, each: int, seed: int, sd: float = 0.5) -> pd.DataFrame:
    """Slopes of a around 1 that differ by `sd` from unit to unit, and of b that is 0.3 in all."""
    rng = np.random.default_rng(seed)
    unit = np.repeat(np.arange(k), each)
    a, b = rng.normal(size=(2, k * each))
    slope, own = 1 + sd * rng.normal(size=k), rng.normal(size=k)
    y = slope[unit] * a + 0.3 * b + own[unit] + rng.normal(size=k * each)
    return pd.DataFrame({"branch": unit, "a": a, "b": b, "y": y})


def random(rows: pd.DataFrame, *names: str, draws: int = 20):
    sample = Sample(rows, draws=draws)
    how = {"by": "branch", "random_slopes": names}
    return drivers.within_groups(sample, "y", ["a", "b"], **how)


@pytest.mark.slow
def test_random_slopes_are_those_of_mixedlm(tell_witness):
    rows = varying(30, 12, 2).sample(300, random_state=1)
    means = rows.groupby("branch")[["a", "b"]].transform("mean")
    rows = rows.assign(am=means["a"], bm=means["b"], ad=rows["a"] - means["a"])
    mixed = smf.mixedlm("y ~ ad + b + am + bm", rows, groups="branch", re_formula="~ad").fit()
    row = random(rows, "a").random_slopes.iloc[0]
    theirs = [mixed.params["ad"], np.sqrt(mixed.cov_re.loc["ad", "ad"])]
    ours = [row["estimate"], row["sd"]]
    tell_witness("random slopes: mean, SD", "statsmodels MixedLM", ours, theirs, atol=2e-3)
    reach = stats.t.ppf(0.975, 29) * mixed.bse["ad"]
    assert row["high"] - row["estimate"] == pytest.approx(reach, rel=0.02)


@pytest.mark.slow
def test_slopes_that_differ_are_found_and_those_that_do_not_have_a_small_sd():
    table = random(varying(60, 25, 5), "a", "b").random_slopes.set_index("term")
    assert table.loc["a", "sd"] == pytest.approx(0.5, abs=0.1) and table.loc["a", "p"] < 1e-6
    assert table.loc["b", "sd"] < 0.15 and table.loc["b", "p"] > 0.01
    assert table.loc["a", "low"] < 1 < table.loc["a", "high"]


@pytest.mark.slow
def test_a_variance_of_zero_is_said_in_words():
    rows = varying(20, 10, 3, 0.0)
    means = rows.groupby("branch")[["a", "y"]].transform("mean")
    a, y = rows["a"] - means["a"], rows["y"] - means["y"]
    own = (a * y).groupby(rows["branch"]).sum() / (a**2).groupby(rows["branch"]).sum()
    rows["y"] += (1 - rows["branch"].map(own)) * a  # slopes of all units are exactly 1
    fit = random(rows.assign(b=0.1 * rows["b"]), "a")
    assert fit.random_slopes["sd"][0] == pytest.approx(0, abs=0.05)
    assert fit.random_slopes["p"][0] > 0.5
    if fit.random_slopes["sd"][0] == 0:
        assert "lower bound" in fit.notes


@pytest.mark.slow
def test_units_of_the_driver_scale_its_slopes():
    rows = varying(25, 12, 4)
    one = random(rows, "a").random_slopes.iloc[0]
    ten = random(rows.assign(a=10 * rows["a"]), "a").random_slopes.iloc[0]
    assert_allclose(
        10 * ten[["estimate", "low", "high", "sd"]].astype(float),
        one[["estimate", "low", "high", "sd"]].astype(float),
        rtol=1e-3,
    )
    assert ten["p"] == pytest.approx(one["p"], rel=1e-3)


def test_random_slopes_of_what_is_no_driver_are_refused():
    with pytest.raises(ValueError, match="random_slopes"):
        random(varying(10, 8, 1), "c")


@pytest.mark.coverage
@pytest.mark.parametrize(("k", "each"), [(10, 8), (30, 10)])
def test_intervals_of_the_mean_of_random_slopes_cover_the_truth(k, each, tell_coverage):
    held, wrong = [], []
    for i in range(100):
        row = random(varying(k, each, 900 + i), "a", draws=2).random_slopes.iloc[0]
        held.append(row["low"] <= 1 <= row["high"])
        wrong.append(
            random(varying(k, each, 900 + i, 0.0), "a", draws=2).random_slopes["p"][0] < 0.05
        )
    of = f"{k * each} answers, {k} units"
    tell_coverage("mean of random slopes", of, np.mean(held), len(held))
    tell_coverage("rate of slopes wrongly found to differ", of, np.mean(wrong), len(wrong), 0.05)
    assert np.mean(held) >= 0.91 and np.mean(wrong) <= 0.1
