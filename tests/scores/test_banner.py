"""Banner tables: bases, shares and letters by hand, laws, and how often letters are wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from openpyxl import load_workbook

from cxlib import report, scores
from cxlib.core.sample import Sample
from cxlib.scores.banner import SHARE, _pair
from cxlib.stats.survey import Linearised

ROWS = pd.DataFrame(
    {
        "region": ["north"] * 40 + ["south"] * 40,
        "plan": ["basic", "plus"] * 40,
        "channel": ["web"] * 30 + ["shop"] * 10 + ["web"] * 10 + ["shop"] * 30,
        "stars": [5.0] * 40 + [4.0, 2.0] * 20,
        "tv": [1.0, 0.0] * 40,
        "radio": [np.nan] * 8 + [1.0] * 72,
        "w": [2.0] * 40 + [1.0] * 40,
    }
)
QUESTIONS = {"Channel": "channel", "Stars": "stars", "Heard": ["tv", "radio"]}


def cell(fit, group: str, question: str, term: str) -> pd.Series:
    rows = fit.table.query("group == @group and question == @question and term == @term")
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.mark.slow
def test_shares_bases_and_letters_by_hand():
    fit = scores.banner(Sample(ROWS, weight="w"), QUESTIONS, by=["region", "plan"])
    web = cell(fit, "north", "Channel", "web")
    assert (web["estimate"], web["n"], web["weighted"], web["letter"]) == (0.75, 40, 80.0, "A")
    assert web["higher_than"] == "B" and cell(fit, "south", "Channel", "shop")["higher_than"] == "A"
    total = cell(fit, "total", "Channel", "web")
    assert total["estimate"] == pytest.approx(70 / 120) and total["weighted"] == 120
    assert cell(fit, "plus", "Channel", "web")["higher_than"] == ""
    assert cell(fit, "north", "Stars", "mean")["higher_than"] == "B"
    assert cell(fit, "south", "Stars", "mean")["estimate"] == 3
    # Letters run on over both columns of groups, and tests stay within each.
    assert fit.table.loc[fit.table["group"] == "basic", "letter"].unique().tolist() == ["C"]
    assert cell(fit, "basic", "Heard", "tv")["higher_than"] == "D"


@pytest.mark.slow
def test_a_matrix_has_a_block_for_each_question_and_multi_select_one():
    fit = scores.banner(ROWS, {"Heard": ["tv", "radio"], "Rating": ["stars", "tv"]}, by="region")
    assert fit.table["question"].unique().tolist() == ["Heard", "Rating: stars", "Rating: tv"]
    assert cell(fit, "total", "Heard", "radio")["estimate"] == pytest.approx(72 / 80)


@pytest.mark.slow
def test_the_wide_table_begins_with_bases_and_hides_small_groups():
    rows = ROWS.assign(region=["east"] * 4 + ROWS["region"].tolist()[4:])
    fit = scores.banner(rows, {"Channel": "channel"}, by="region")
    assert fit.wide.iloc[:, 1].tolist()[:2] == ["unweighted base", "weighted base"]
    assert (fit.wide.filter(like="east") == "").all().all()
    assert fit.wide.iloc[0, 2] == "80"


@pytest.mark.slow
def test_excel_holds_the_same_cells(tmp_path):
    fit = scores.banner(ROWS, QUESTIONS, by="region")
    report.banner_to_excel(fit, tmp_path / "banner.xlsx")
    sheet = load_workbook(tmp_path / "banner.xlsx").active
    assert [c.value for c in sheet[1]] == list(fit.wide.columns)
    assert sheet.max_row == len(fit.wide) + 3 and "letter" in sheet.cell(sheet.max_row, 1).value
    written = [[c.value or "" for c in row[1:]] for row in sheet.iter_rows(2, len(fit.wide) + 1)]
    assert written == fit.wide.iloc[:, 1:].to_numpy().tolist()


def test_two_groups_without_weights_are_tested_as_by_pearson():
    from scipy.stats import chi2_contingency

    rng = np.random.default_rng(1)
    group = np.repeat([0, 1], [400, 300])
    y = (rng.random(700) < 0.3 + 0.07 * group).astype(float)
    inside = [group == 0, group == 1]
    size = np.array([400.0, 300.0])
    means = np.array([y[i].mean() for i in inside])
    plan = Linearised.of(Sample(pd.DataFrame({"y": y})))
    p = _pair(y, inside, size, means, plan, SHARE, 0, 1)
    table = pd.crosstab(y, group)
    assert p == pytest.approx(chi2_contingency(table, correction=False).pvalue, rel=0.02)


@pytest.mark.slow
def test_holm_gives_no_more_letters_than_no_adjustment():
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({"g": rng.choice(list("abcdef"), 600), "y": rng.integers(1, 4, 600)})
    rows["y"] += rng.random(600) < 0.15 * (rows["g"] == "a")
    letters = [
        scores.banner(rows, {"y": "y"}, "g", adjust=a).table["higher_than"].str.len().sum()
        for a in ("holm", "none")
    ]
    assert letters[0] <= letters[1]


@pytest.mark.coverage
def test_letters_are_wrong_no_more_often_than_stated(tell_coverage):
    """Four groups that answer alike; 25 answers each, weighted, two from each customer."""
    rng = np.random.default_rng(3)
    wrong, repeats = np.zeros(2), 300
    for _ in range(repeats):
        customer = np.repeat(np.arange(50), 2)
        like = np.repeat(rng.normal(size=50), 2)
        rows = pd.DataFrame(
            {
                "customer": customer,
                "g": np.repeat(rng.permutation(np.tile(list("abcd"), 13)[:50]), 2),
                "buys": (like + rng.normal(size=100) > 0).astype(float),
                "spend": like + rng.normal(size=100),
                "w": rng.uniform(0.5, 2, 100),
            }
        )
        sample = Sample(rows, weight="w", cluster="customer")
        for k, question in enumerate((["buys"], "spend")):
            table = scores.banner(sample, {"q": question}, "g").table
            wrong[k] += (table["higher_than"] != "").any()
    for question, share in zip(("shares", "means"), wrong / repeats, strict=True):
        of = "100 weighted answers, 2 from each customer, 4 groups"
        tell_coverage(
            f"rate of false letters of a banner table, {question}", of, share, repeats, 0.05
        )
    assert (wrong / repeats <= 0.085).all(), wrong / repeats
