"""Kappa and intraclass correlations against published values, laws and repeated samples."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.stats import agreement, intraclass

PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "agreement.json").read_text())
JUDGES = pd.DataFrame(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]],
    columns=list("abcd"),
)
FLEISS = [
    [0, 0, 0, 0, 14],
    [0, 2, 6, 4, 2],
    [0, 0, 3, 5, 6],
    [0, 3, 9, 2, 0],
    [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0],
    [3, 2, 6, 3, 0],
    [2, 5, 3, 2, 2],
    [6, 5, 2, 1, 0],
    [0, 2, 2, 3, 7],
]


def coded(counts: list[int], pairs: list[str]) -> pd.DataFrame:
    return pd.DataFrame([list(p) for p in np.repeat(pairs, counts)], columns=["one", "two"])


@pytest.mark.parametrize("term", [t for t in PUBLISHED["icc"] if t != "source"])
def test_intraclass_correlations_are_the_published_ones(term, tell_witness):
    table = intraclass.icc(JUDGES).table.set_index("term")
    estimate, low, high = PUBLISHED["icc"][term]
    row, source = table.loc[term], "Shrout and Fleiss (1979)"
    tell_witness("intraclass correlation", source, row["estimate"], estimate, atol=0.005)
    ends = [low, high]
    tell_witness(
        "intraclass correlation: interval", "R psych", row[["low", "high"]], ends, atol=0.005
    )


def test_raters_of_one_level_agree_and_of_two_only_in_order():
    x = np.arange(8.0)
    same = intraclass.icc(pd.DataFrame({"a": x, "b": x})).table
    apart = intraclass.icc(pd.DataFrame({"a": x, "b": x + 3})).table.set_index("term")["estimate"]
    assert same["estimate"].to_numpy() == pytest.approx(1)
    assert apart["ICC(3,1)"] == pytest.approx(1) and apart["ICC(2,1)"] < 0.8
    # By hand: units 12, raters 36, error 0: 12 / (12 + 2 · 36 / 8).
    assert apart["ICC(2,1)"] == pytest.approx(12 / (12 + 9))


def test_units_that_not_all_rated_are_left_out():
    fit = intraclass.icc(JUDGES.assign(extra=1.0).mask(JUDGES == 10), list("abcd"))
    assert fit.table["n"].tolist() == [5] * 6 and "1 of 6" in fit.notes
    with pytest.raises(InsufficientData, match="two are needed"):
        intraclass.icc(JUDGES.iloc[:1])


def test_kappas_are_the_published_ones(tell_witness):
    cohen = agreement.kappa(Sample(coded([20, 5, 10, 15], ["yy", "yn", "ny", "nn"]), draws=20))
    one, two = (PUBLISHED[name]["kappa"] for name in ("cohen", "fleiss"))
    tell_witness("Cohen's κ", "worked example, Wikipedia", cohen.table["estimate"][0], one)
    rows = [np.repeat(np.arange(5), counts) for counts in FLEISS]
    fleiss = agreement.kappa(Sample(pd.DataFrame(rows, columns=list("abcdefghijklmn")), draws=20))
    found = fleiss.table["estimate"][0]
    tell_witness("Fleiss' κ", "worked example, Wikipedia", found, two, atol=0.0005)


def test_quadratic_weights_of_two_raters_of_one_distribution_give_icc():
    # Fleiss and Cohen (1973): the same but for terms of order 1/n.
    rng = np.random.default_rng(1)
    truth = rng.normal(size=4000)
    codes = [np.clip(np.round(3 + truth + rng.normal(0, 0.8, 4000)), 1, 5) for _ in range(2)]
    rows = pd.DataFrame({"a": codes[0], "b": codes[1]})
    weighed = agreement.kappa(Sample(rows, draws=2), weights="quadratic").table["estimate"][0]
    icc = intraclass.icc(rows).table.set_index("term").loc["ICC(2,1)", "estimate"]
    assert weighed == pytest.approx(icc, abs=0.001)


def test_weights_need_two_coders():
    with pytest.raises(ValueError, match="needs two coders"):
        agreement.kappa(JUDGES, weights="linear")


@pytest.mark.coverage
@pytest.mark.parametrize("n", [20, 50])
def test_intervals_of_kappa_and_icc_cover_the_truth(n, tell_coverage):
    rng = np.random.default_rng(n)
    hits, repeats = {"ICC(1,1)": 0, "ICC(2,1)": 0, "ICC(3,1)": 0}, 400
    for _ in range(repeats):
        x = rng.normal(size=(n, 1)) + rng.normal(0, 0.5, (1, 4)) + rng.normal(0, 1, (n, 4))
        table = intraclass.icc(pd.DataFrame(x)).table.set_index("term")
        alone = rng.normal(size=(n, 1)) + rng.normal(0, np.sqrt(1.25), (n, 4))
        one = intraclass.icc(pd.DataFrame(alone)).table.set_index("term")
        truth = {"ICC(1,1)": 1 / 2.25, "ICC(2,1)": 1 / 2.25, "ICC(3,1)": 0.5}
        for term, value in truth.items():
            row = (one if term == "ICC(1,1)" else table).loc[term]
            hits[term] += row["low"] <= value <= row["high"]
    covered = {term: k / repeats for term, k in hits.items()}
    for term, share in covered.items():
        tell_coverage(term, f"{n} units, 4 raters", share, repeats)
    assert all(0.92 <= c <= 0.985 for c in covered.values()), covered


@pytest.mark.coverage
@pytest.mark.parametrize("n", [20, 50])
def test_intervals_of_kappa_cover_the_truth(n, tell_coverage):
    # Two coders with half yes say the same in 80 of 100: kappa 0.6.
    rng = np.random.default_rng(n)
    hits, repeats = 0, 150
    for _ in range(repeats):
        first = rng.permutation(n) % 2 == 0
        second = np.where(rng.random(n) < 0.8, first, ~first)
        rows = pd.DataFrame({"a": first, "b": second})
        fit = agreement.kappa(Sample(rows, draws=200)).table.iloc[0]
        hits += fit["low"] <= 0.6 <= fit["high"]
    tell_coverage("Cohen's κ", f"{n} units, 2 raters", hits / repeats, repeats)
    assert 0.9 <= hits / repeats <= 0.99, hits / repeats
