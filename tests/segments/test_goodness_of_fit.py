"""Whether classes explain the answers: poLCA's printed values, Pearson's χ², known dependence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import chi2_contingency

from cxlib import segments
from cxlib.core.sample import Sample
from cxlib.segments.goodness_of_fit import statistics
from cxlib.stats import mixture_em, mixture_refits

REFERENCE = Path(__file__).parents[1] / "reference" / "latent_classes.json"
PUBLISHED = json.loads(REFERENCE.read_text(encoding="utf-8"))["published"]


def people(n: int, seed: int, copied: float = 0.0, questions: int = 5) -> pd.DataFrame:
    """Two classes of yes-or-no answers; the second repeats the first for a share `copied`."""
    rng = np.random.default_rng(seed)
    often = np.where(rng.random((n, 1)) < 0.6, 0.85, 0.2)
    answers = rng.random((n, questions)) < often
    answers[:, 1] = np.where(rng.random(n) < copied, answers[:, 0], answers[:, 1])
    return pd.DataFrame(answers, columns=list("abcdefgh"[:questions]))


def fitted(rows: pd.DataFrame):
    choice = segments.Choice(k=2, most=2, draws=2)
    return segments.fit(Sample(rows, draws=2), list(rows), model="classes", choice=choice)


def test_stouffer_and_toby_fit_as_polca_prints(tell_witness) -> None:
    patterns = np.array([[i >> 3 & 1, i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(16)])
    sheet = mixture_em.sheet_of([(c, 2) for c in patterns.T], np.array(PUBLISHED["counts"], float))
    found = mixture_em.best(sheet, 2, 20, 1, close=1e-10)
    both, _ = statistics(sheet, found.sums)
    told = PUBLISHED["poLCA of 2"]
    witness, theirs = "poLCA (Stouffer and Toby)", [told["G²"], told["X²"]]
    tell_witness("latent classes: G², X²", witness, both, theirs, atol=2e-5)
    facts = mixture_refits.criteria(sheet, found, 216)
    tell_witness("latent classes: BIC", witness, facts["BIC"], told["BIC"], atol=6e-4)


def test_one_class_leaves_the_chi_squares_of_the_tables() -> None:
    rows = people(200, 1)
    sheet = mixture_em.sheet_of([(rows[c].to_numpy(int), 2) for c in rows], np.ones(200))
    _, pairs = statistics(sheet, mixture_em.best(sheet, 1, 1, 1).sums)
    own = chi2_contingency(pd.crosstab(rows["a"], rows["b"]), correction=False)
    assert_allclose(pairs[0], own.statistic)


def test_aic_is_bic_with_two_for_each_parameter() -> None:
    rows = people(150, 2)
    table = segments.goodness_of_fit(rows, fitted(rows), simulations=3).table.set_index("term")
    gap = table.loc["BIC", "estimate"] - table.loc["AIC", "estimate"]
    assert_allclose(gap, 11 * (np.log(150) - 2))
    assert table.loc["G²", "df"] == 31 - 11


@pytest.mark.slow
def test_an_answer_that_repeats_another_is_named() -> None:
    rows = people(600, 3, copied=0.5, questions=8)
    fit = segments.goodness_of_fit(rows, fitted(rows), simulations=19)
    top = fit.residuals.iloc[0]
    assert {top.one, top.other} == {"a", "b"} and top.p == 0.05 and top.estimate > 4
    assert fit.table["p"].iloc[0] == 0.05


@pytest.mark.coverage
def test_classes_that_hold_are_seldom_refused(tell_coverage) -> None:
    """By chance 1 in 20; 5 or more in 20 samples has a chance of 0.3%."""
    refused = []
    for seed in range(20):
        rows = people(250, 100 + seed)
        fit = segments.goodness_of_fit(rows, fitted(rows), simulations=19)
        refused.append([fit.table["p"].iloc[0] <= 0.05, fit.residuals["p"].min() <= 0.05])
    for what, share in zip(("G²", "bivariate residuals"), np.mean(refused, axis=0), strict=True):
        tell_coverage(
            f"rate of false alarms, latent class model, {what}", "250 customers", share, 20, 0.05
        )
    assert (np.sum(refused, axis=0) < 5).all()


@pytest.mark.slow
def test_numbers_and_k_means_are_refused() -> None:
    rows = people(80, 4).assign(x=np.random.default_rng(1).normal(size=80))
    with pytest.raises(ValueError, match=r"\['x'\] are numbers"):
        segments.goodness_of_fit(rows, fitted(rows), simulations=1)
    choice = segments.Choice(k=2, most=2, draws=2)
    means = segments.fit(Sample(rows, draws=2), ["x"], choice=choice)
    with pytest.raises(ValueError, match="model='classes'"):
        segments.goodness_of_fit(rows, means)
