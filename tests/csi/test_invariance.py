"""Measurement invariance of groups: by hand, laws, R lavaan as a witness, how often it is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import approx_fprime
from test_factor_analysis import CONSTRUCTS, HOME, answers, population, with_covariance

from cxlib import csi
from cxlib.core import context
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.stats import factor_groups

KNOWN = json.loads(
    (Path(__file__).parents[1] / "reference" / "factor_analysis.json").read_text("utf-8")
)["groups"]


def two(n: int, seed: int, **how: bool) -> pd.DataFrame:
    """Two groups of n people each, of one population."""
    rows = answers(2 * n, seed, **how)
    return rows.assign(shop=np.where(np.arange(2 * n) // 2 % 2, "south", "north"))


# By hand


@pytest.mark.slow
def test_groups_that_differ_in_factors_alone_are_measured_alike_exactly() -> None:
    """The second group's first factor has twice the spread and is one higher: scalar holds."""
    spread = np.where(HOME == 0, 2.0, 1.0)
    own = population()
    common = own - np.diag(1 - np.r_[0.81, 0.64, 0.36, 0.64, 0.49, 0.49])
    other = common * np.outer(spread, spread) + np.diag(np.diag(own - common))
    loadings = np.array([0.9, 0.8, 0.6, 0.8, 0.7, 0.7])
    rows = [with_covariance(c, 200) for c in (own, other)]
    rows[1] = rows[1] + loadings * (HOME == 0)
    both = pd.concat([r.assign(shop=s) for r, s in zip(rows, "ab", strict=True)], ignore_index=True)
    found = csi.invariance(Sample(both, draws=20), CONSTRUCTS, "shop")
    assert_allclose(found.table["chi2_plain"], 0, atol=1e-4)
    assert found.table["df"].tolist() == [16, 4, 4]
    assert found.table["verdict"].tolist() == ["holds"] * 3
    raised = both.assign(a=both["a"] + (both["shop"] == "b"))  # one question is easier there
    table = csi.invariance(Sample(raised, draws=20), CONSTRUCTS, "shop").table
    assert_allclose(table["chi2_plain"][:2], 0, atol=1e-4)
    assert table["verdict"].tolist() == ["holds", "holds", "rejected"]


def test_the_gradient_is_that_of_differences() -> None:
    rows = two(60, 1)
    parts = [r[list("abcdef")] for _name, r in rows.groupby("shop")]
    cov, mean = np.stack([np.cov(p.T) for p in parts]), np.stack([p.mean() for p in parts])
    for level in factor_groups.LEVELS:
        layout = factor_groups.Layout(HOME, 2, level)
        alone = factor_groups.factor_model.maximise(cov, HOME)
        theta = factor_groups._start(layout, alone, mean) + 0.05
        slope, tilt = np.random.default_rng(2).normal(size=(2, 6, 6)), mean + 1
        slope = slope + np.swapaxes(slope, 1, 2)

        def value(t: np.ndarray, layout=layout, slope=slope, tilt=tilt) -> float:
            own_mean, own = layout.implied(t)
            return float((slope * own).sum() + (tilt * own_mean).sum())

        expected = approx_fprime(theta, value, 1e-7)
        assert_allclose(layout.gradient(theta, slope, tilt), expected, atol=1e-4)


# The witness


@pytest.mark.slow
def test_schools_are_as_lavaan_prints_them(tell_witness) -> None:
    about = KNOWN["lavaan"]
    rows = [
        (with_covariance(np.array(cov), n) + np.array(mean)).assign(school=school)
        for school, n, mean, cov in zip(
            KNOWN["schools"], KNOWN["n"], KNOWN["mean"], KNOWN["covariance"], strict=True
        )
    ]
    names = {"visual": list("abc"), "textual": list("def"), "speed": list("ghi")}
    sample = Sample(pd.concat(rows, ignore_index=True), draws=20)
    found = csi.invariance(sample, names, "school")
    fit = found.fit.pivot_table(index="level", columns="term", values="estimate", sort=False)
    theirs = [*about["chi2"], *about["difference"]]
    ours = [*fit["χ²"], *found.table["chi2_plain"][1:]]
    witness = "lavaan (Holzinger and Swineford)"
    tell_witness("measurement invariance: χ² and differences", witness, ours, theirs, atol=6e-4)
    df = found.fit.loc[found.fit["term"] == "χ²", "df"]
    assert df.tolist() == about["df"]
    for term in ("CFI", "RMSEA"):
        assert_allclose(fit[term], about[term], atol=6e-4)
    assert found.table["verdict"].tolist()[1:] == ["holds", "rejected"]
    assert "not their means" in str(found)


# Laws


@pytest.mark.slow
def test_units_and_the_order_of_groups_do_not_matter_and_chi2_of_groups_adds_up() -> None:
    rows = two(150, 3)
    one = csi.invariance(Sample(rows, draws=20), CONSTRUCTS, "shop")
    other = rows.assign(a=100 * rows["a"] + 3, shop=rows["shop"].map({"north": "z", "south": "b"}))
    two_ = csi.invariance(Sample(other, draws=20), CONSTRUCTS, "shop")
    assert_allclose(two_.table["chi2_plain"], one.table["chi2_plain"], atol=1e-3)
    alone = [
        csi.cfa(Sample(r, draws=2), CONSTRUCTS).fit["estimate"].iloc[0]
        for _name, r in rows.groupby("shop")
    ]
    assert_allclose(one.table["chi2_plain"][0], sum(alone), atol=1e-4)
    assert (one.table["chi2_plain"][1:] >= -1e-6).all()


@pytest.mark.slow
def test_rows_doubled_in_a_cluster_leave_the_robust_tests_as_they_were() -> None:
    rows = two(100, 4).assign(who=np.arange(200))
    both = pd.concat([rows, rows], ignore_index=True)
    of = [
        csi.invariance(Sample(r, cluster="who", draws=60), CONSTRUCTS, "shop").table
        for r in (rows, both)
    ]
    assert_allclose(of[1]["chi2"], of[0]["chi2"], rtol=1e-3)
    assert_allclose(of[1]["chi2_plain"], 2 * of[0]["chi2_plain"], rtol=1e-3)


# How often it is wrong


@pytest.mark.coverage
@pytest.mark.parametrize(
    ("n", "kind"), [(100, ""), (300, ""), (300, "weighted"), (300, "clustered")]
)
def test_equal_groups_are_seldom_called_unequal(n: int, kind: str, tell_coverage) -> None:
    refused, named, samples = [], 0, 100
    for seed in range(samples):
        rows = two(n, 30 + seed, heavy=kind == "weighted", pairs=kind == "clustered")
        weight, cluster = None, "who" if kind == "clustered" else None
        if kind == "weighted":
            chance = np.where(rows["a"].abs() > 1, 0.5, 1.0)
            rows, weight = rows.assign(pw=1 / chance), "pw"
            rows = rows[np.random.default_rng(seed).random(2 * n) < chance]
        sample = Sample(rows, weight=weight, cluster=cluster, draws=200)
        table = csi.invariance(sample, CONSTRUCTS, "shop").table
        refused.append(table["p"][1:] < 0.05)
        named += "rejected" in table["verdict"].tolist()
    of = f"two groups of {n}" + f", {kind}" * bool(kind)
    rates = np.mean(refused, axis=0)
    for level, rate in zip(("loadings", "intercepts"), rates, strict=True):
        tell_coverage(f"equal {level} refused (scaled difference)", of, rate, samples, 0.05)
    assert rates.max() <= 0.13 and named <= 0.08 * samples, (rates, named)


@pytest.mark.slow
def test_a_loading_and_an_intercept_that_differ_are_found() -> None:
    rows = two(300, 5)
    south = rows["shop"] == "south"
    for other, level in (
        (rows.assign(a=rows["a"].where(~south, 0.2 * rows["a"])), "metric"),
        (rows.assign(a=rows["a"] + 0.8 * south), "scalar"),
    ):
        table = csi.invariance(Sample(other, draws=50), CONSTRUCTS, "shop").table
        assert table.set_index("level")["verdict"][level] == "rejected"


# Sentences and refusals


@pytest.mark.slow
def test_small_groups_are_left_out_and_it_speaks_both_languages() -> None:
    context.begin()
    rows = two(150, 6)
    rows.loc[rows.index[:5], "shop"] = "kiosk"
    found = csi.invariance(Sample(rows, draws=20), CONSTRUCTS, "shop")
    assert "kiosk" in found.notes and "means may be compared" in str(found)
    with context.use(context.Context(lang="zh")):
        assert "均值" in str(csi.invariance(Sample(rows, draws=20), CONSTRUCTS, "shop"))
    with pytest.raises(InsufficientData, match="two groups"):
        csi.invariance(rows.assign(shop="one"), CONSTRUCTS, "shop")
    with pytest.raises(ValueError, match="no column"):
        csi.invariance(rows, CONSTRUCTS, "wave")
