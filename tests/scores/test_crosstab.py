"""The crosstab: Pearson's test as SciPy has it, residuals as statsmodels, Rao-Scott by its laws."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import chi2_contingency
from statsmodels.stats.contingency_tables import Table
from witness_table import package

from cxlib import scores
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.data.schema import Item
from cxlib.scores.crosstab import independence

ASKED = {"q": Item(label="Q", scale=(1, 5), role="csat")}


def drawn(seed: int, n: int = 400, rows: int = 4, columns: int = 3):
    rng = np.random.default_rng(seed)
    r, c = rng.integers(0, rows, n), rng.integers(0, columns, n)
    return r, np.where((r == rows - 1) & (rng.random(n) < 0.3), 0, c)


@pytest.mark.parametrize("seed", range(3))
def test_independent_answers_are_tested_as_by_pearson(seed, tell_witness):
    r, c = drawn(seed)
    table = pd.crosstab(r, c)
    statistic, p, _, _ = chi2_contingency(table, correction=False)
    found = independence(r, c, np.ones(len(r)))
    ours, theirs = [found.statistic, found.p], [statistic, p]
    tell_witness("crosstab: Pearson's χ² and p", package("scipy"), ours, theirs)
    theirs = Table(table).standardized_resids
    tell_witness("crosstab: adjusted residuals", package("statsmodels"), found.residuals, theirs)
    assert_allclose(found.cramers_v, np.sqrt(statistic / len(r) / 2))


def test_without_a_design_rao_scott_is_nearly_pearson():
    r, c = drawn(0)
    plain = independence(r, c, np.ones(len(r)))
    design = independence(r, c, np.ones(len(r)), np.arange(len(r)))
    assert_allclose(design.effect, len(r) / (len(r) - 1))
    assert_allclose(np.log(design.p), np.log(plain.p), rtol=0.03)


def test_answering_twice_alike_adds_nothing():
    r, c = drawn(1)
    n = np.arange(len(r))
    once = independence(r, c, np.ones(len(r)), n)
    twice = independence(np.tile(r, 2), np.tile(c, 2), np.ones(2 * len(r)), np.tile(n, 2))
    assert_allclose(twice.p, once.p)
    assert_allclose(twice.effect, 2 * once.effect)


def test_the_unit_of_the_weights_does_not_matter():
    r, c = drawn(2)
    w, n = np.random.default_rng(2).uniform(0.5, 2, len(r)), np.arange(len(r))
    one, other = independence(r, c, w, n), independence(r, c, 100 * w, n)
    assert_allclose([one.p, one.effect], [other.p, other.effect])
    assert one.effect > 1


@pytest.mark.coverage
def test_the_test_with_clusters_is_wrong_as_rarely_as_it_says(tell_coverage):
    rng, wrong = np.random.default_rng(5), 0
    for _ in range(300):
        unit = np.repeat(np.arange(80), 4)
        group = rng.integers(0, 2, 80)[unit]
        answer = np.clip(np.round(rng.normal(size=80)[unit] + 0.7 * rng.normal(size=320)), -1, 1)
        wrong += independence((answer + 1).astype(int), group, np.ones(320), unit).p < 0.05
    of = "80 customers, 4 answers each"
    tell_coverage("rate of false findings, Rao–Scott test", of, wrong / 300, 300, 0.05)
    assert 4 <= wrong <= 28  # of 300; Pearson's test is wrong far more often


def test_column_shares_add_up_and_marks_follow_the_adjusted_test():
    rows = pd.DataFrame(
        {"q": [5, 5, 5, 1] * 30 + [1, 1, 1, 5] * 30, "shop": ["a"] * 120 + ["b"] * 120}
    )
    fit = scores.crosstab(rows, ASKED, "shop")
    assert_allclose(fit.cells.groupby("shop")["estimate"].sum(), 1)
    of_a = fit.cells[fit.cells["shop"] == "a"].set_index("answer")
    assert of_a["mark"].to_dict() == {"1": "▼", "5": "▲"}
    assert str(fit) == "Answers to q differ significantly by shop."
    assert fit.finding.detail == "Cramér's V = 0.50"
    assert fit.wide["a"].tolist() == ["25% ▼", "75% ▲"]


def test_groups_too_small_to_be_shown_are_not_in_the_wide_table():
    rows = pd.DataFrame({"q": [1, 5] * 40 + [5] * 3, "shop": ["a", "a", "b", "b"] * 20 + ["c"] * 3})
    fit = scores.crosstab(rows, ASKED, "shop")
    assert fit.wide["c"].tolist() == ["–", "–"]


def test_groups_may_be_called_as_columns_are():
    """A channel called "term" ended page 10."""
    names = ["term", "answer", "estimate", "n"]
    rows = pd.DataFrame({"by": names * 30, "q": [1.0, 2.0, 3.0, 4.0, 5.0] * 24})
    fit = scores.crosstab(Sample(rows, draws=50), ASKED, by="by")
    assert fit.wide.columns.tolist()[2:] == sorted(names)
    assert fit.wide.iloc[0, 2:].str.endswith("%").all()


@pytest.mark.parametrize("groups", [1, 13])
def test_one_group_or_too_many_are_a_sentence(groups):
    rows = pd.DataFrame({"q": [1, 5] * 65, "shop": [f"s{k % groups}" for k in range(130)]})
    with pytest.raises(InsufficientData):
        scores.crosstab(rows, ASKED, "shop")


def test_the_nps_is_taken_as_its_classes_and_long_scales_as_fifths():
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"r": rng.integers(0, 11, 300), "x": rng.uniform(0, 100, 300)})
    rows["shop"] = rng.choice(["a", "b"], 300)
    asked = {
        "r": Item(label="R", scale=(0, 10), role="nps"),
        "x": Item(label="X", scale=(0, 100), role="csat"),
    }
    cells = scores.crosstab(Sample(rows), asked, "shop").cells
    names = cells.groupby("term")["answer"].unique().map(list)
    assert names["r"] == ["0–6", "7–8", "9–10"]
    assert names["x"] == ["0–20", "20–40", "40–60", "60–80", "80–100"]


WEIGHTLESS = {
    "crosstab": lambda rows: scores.crosstab(rows, ASKED, "shop"),
    "nps": lambda rows: scores.nps(rows, "r", by="shop"),
    "mean": lambda rows: scores.mean(rows, ["q", "r"], by="shop"),
    "compare": lambda rows: scores.compare(rows, "r", by="shop"),
    "trend": lambda rows: scores.trend(rows, "r", by="shop"),
}


@pytest.mark.parametrize("method", WEIGHTLESS)
def test_a_group_whose_weights_are_all_zero_is_left_out_and_named(method):
    rng = np.random.default_rng(4)
    rows = pd.DataFrame({"q": rng.integers(1, 6, 240), "r": rng.integers(0, 11, 240)})
    rows["shop"], rows["wave"] = np.resize(["a", "b", "c"], 240), np.repeat(["1", "2", "3"], 80)
    rows["w"] = np.where(rows["shop"] == "b", 0.0, 1.0 + rng.random(240))
    found = WEIGHTLESS[method](Sample(rows, weight="w", draws=60))
    without = WEIGHTLESS[method](Sample(rows[rows["shop"] != "b"], weight="w", draws=60))
    for name, table in without.tables.items():
        pd.testing.assert_frame_equal(found.tables[name], table)
    assert "all their answers have a weight of 0: b (shop)" in found.notes or method == "crosstab"


def test_a_wave_whose_weights_are_all_zero_is_none_of_a_trend():
    rows = pd.DataFrame({"recommend": [9, 0, 5, 10] * 30, "wave": np.repeat(list("abc"), 40)})
    rows["w"] = np.where(rows["wave"] == "b", 0.0, 1.0)
    assert scores.trend(Sample(rows, weight="w")).limits["wave"].tolist() == ["a", "c"]
