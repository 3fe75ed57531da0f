"""Confirmatory factor analysis: by hand, laws, R lavaan as a witness, coverage of the truth."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import csi
from cxlib.core import context
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.stats import factor_model

KNOWN = json.loads(
    (Path(__file__).parents[1] / "reference" / "factor_analysis.json").read_text("utf-8")
)
LOADINGS, BETWEEN = np.array([0.9, 0.8, 0.6, 0.8, 0.7, 0.7]), 0.5
HOME = np.repeat([0, 1], 3)
CONSTRUCTS = {"quality": list("abc"), "value": list("def")}


def population() -> np.ndarray:
    """Correlations of six questions on two factors."""
    factors = np.array([[1, BETWEEN], [BETWEEN, 1]])[HOME[:, None], HOME]
    cov = np.outer(LOADINGS, LOADINGS) * factors
    np.fill_diagonal(cov, 1.0)
    return cov


def with_covariance(cov: np.ndarray, n: int) -> pd.DataFrame:
    """Rows that have exactly these covariances (divided by n)."""
    x = np.random.default_rng(1).normal(size=(n, len(cov)))
    x -= x.mean(0)
    x = x @ np.linalg.inv(np.linalg.cholesky(x.T @ x / n)).T
    return pd.DataFrame(x @ np.linalg.cholesky(cov).T, columns=list("abcdefghi")[: len(cov)])


def answers(n: int, seed: int, heavy: bool = False, pairs: bool = False) -> pd.DataFrame:
    """Normal answers of that population; `heavy` tails, or `pairs` of people who answer alike."""
    rng = np.random.default_rng([seed, n])
    who = np.arange(n) // (2 if pairs else 1)
    z = np.sqrt(0.7 * pairs) * rng.normal(size=(n, 6))[who]
    z = z + np.sqrt(1 - 0.7 * pairs) * rng.normal(size=(n, 6))
    x = z @ np.linalg.cholesky(population()).T
    if heavy:  # Student's t of 9 degrees of freedom, of variance one: kurtosis 6 / 5
        x *= np.sqrt(7 / rng.chisquare(9, (n, 1)))
    return pd.DataFrame(x, columns=list("abcdef")).assign(who=who)


# By hand


def test_loadings_that_made_the_correlations_are_found_and_fit_exactly() -> None:
    found = csi.cfa(Sample(with_covariance(population(), 200), draws=20), CONSTRUCTS)
    assert_allclose(found.table["estimate"], LOADINGS, atol=1e-6)
    assert_allclose(found.correlations["estimate"], BETWEEN, atol=1e-6)
    fit = found.fit.set_index("term")["estimate"]
    assert_allclose(fit[["χ²", "CFI", "RMSEA", "SRMR"]], [0, 1, 0, 0], atol=1e-6)
    first, second = found.reliability["estimate"], found.reliability["omega"]
    assert_allclose(first, [(0.81 + 0.64 + 0.36) / 3, (0.64 + 0.49 + 0.49) / 3], atol=1e-6)
    assert_allclose(second[0], 2.3**2 / (2.3**2 + 0.19 + 0.36 + 0.64), atol=1e-6)


def test_an_only_question_is_measured_without_error() -> None:
    rows = with_covariance(population(), 100)
    found = csi.cfa(Sample(rows, draws=20), {"quality": list("abc"), "value": ["d"]})
    assert_allclose(found.table["estimate"].iloc[3], 1.0)
    assert_allclose(found.correlations["estimate"], 0.5 * 0.8, atol=1e-6)
    assert found.fit["df"].iloc[0] == 10 - (3 + 3 + 1 + 1)


def test_gradient_and_information_are_those_of_differences() -> None:
    cov = population()
    model = factor_model.maximise(cov, HOME)
    other = np.cov(answers(80, 1)[list("abcdef")].T)
    u, v = model.directions
    inverse = np.linalg.inv(model.implied)
    slope = 2 * (u * ((inverse - inverse @ other @ inverse) @ v)).sum(-2)
    for k, step in enumerate(1e-5 * np.eye(model.parameters)):
        up, down = (model.moved(sign * step, other).discrepancy for sign in (1, -1))
        assert_allclose((up - down) / 2e-5, slope[k], atol=1e-6)
        # At the truth the expected second derivatives are those of the discrepancy itself.
        high, low = (model.moved(sign * 100 * step, cov).discrepancy for sign in (1, -1))
        assert_allclose((high + low) / 1e-6, model.information[k, k], rtol=1e-3)


# The witness


@pytest.mark.slow
def test_holzinger_and_swineford_are_as_lavaan_prints_them() -> None:
    about = KNOWN["lavaan"]
    rows = with_covariance(np.array(KNOWN["covariance"]), KNOWN["n"])
    names = {"visual": list("abc"), "textual": list("def"), "speed": list("ghi")}
    found = csi.cfa(Sample(rows, draws=20), names)
    fit = found.fit.set_index("term")
    for term in ("χ²", "CFI", "TLI", "RMSEA", "SRMR"):
        assert_allclose(fit.loc[term, "estimate"], about[term], atol=6e-4, err_msg=term)
    assert fit.loc["χ²", "df"] == about["df"]
    assert_allclose(
        fit.loc["RMSEA", ["low", "high"]].astype(float), about["RMSEA interval"], atol=6e-4
    )
    assert_allclose(found.table["loading"], about["loadings"], atol=6e-4)
    assert_allclose(found.table["error"], about["errors"], atol=6e-4)
    assert_allclose(found.table["estimate"], about["standardised"], atol=6e-4)
    assert_allclose(found.correlations["estimate"], about["correlations"], atol=6e-4)


# Laws


@pytest.mark.slow
def test_units_do_not_matter_and_a_weight_of_two_is_the_person_twice() -> None:
    rows = answers(120, 2).assign(pw=1.0 + np.arange(120) % 2)
    sample = Sample(rows, weight="pw", draws=20)
    one = csi.cfa(sample, CONSTRUCTS)
    other = csi.cfa(sample.assign(a=100 * rows["a"], d=7 - rows["d"]), CONSTRUCTS)
    assert_allclose(other.table["estimate"].abs(), one.table["estimate"], atol=1e-5)
    assert_allclose(other.table["loading"][1], one.table["loading"][1] / 100, rtol=1e-4)
    assert other.table["estimate"][3] * other.table["estimate"][4] < 0
    both = rows.loc[np.repeat(rows.index, rows["pw"].astype(int))].reset_index(drop=True)
    twice = csi.cfa(Sample(both, draws=20), CONSTRUCTS)
    assert_allclose(twice.table["estimate"], one.table["estimate"], atol=1e-5)


@pytest.mark.slow
def test_rows_doubled_in_a_cluster_leave_the_robust_fit_as_it_was() -> None:
    rows = answers(150, 3).assign(who=np.arange(150))
    both = pd.concat([rows, rows], ignore_index=True)
    one, twice = (csi.cfa(Sample(r, cluster="who", draws=60), CONSTRUCTS) for r in (rows, both))
    terms = ["scaled χ²", "robust RMSEA", "robust CFI"]
    of = [f.fit.set_index("term")["estimate"] for f in (one, twice)]
    assert_allclose(of[1][terms], of[0][terms], rtol=1e-4, atol=1e-6)
    assert_allclose(of[1]["χ²"], 2 * of[0]["χ²"], rtol=1e-4)


@pytest.mark.slow
def test_heavy_tails_scale_the_test_by_their_kurtosis() -> None:
    """Of elliptical answers χ² is too large by 1 + κ (Browne 1984); here 1 + 6 / 5 / 3."""
    found = csi.cfa(Sample(answers(20_000, 4, heavy=True), draws=400), CONSTRUCTS).fit
    fit = found.set_index("term")["estimate"]
    assert_allclose(fit["χ²"] / fit["scaled χ²"], 1.4, rtol=0.12)


@pytest.mark.slow
def test_answers_missing_by_another_answer_are_made_up_for_by_em() -> None:
    """Who rates `a` low skips `b`: complete rows understate loadings, likelihood does not."""
    rows = answers(2000, 9)
    rows["b"] = rows["b"].where(rows["a"] > 0)
    few, all_of = (
        csi.cfa(Sample(rows, draws=10), CONSTRUCTS, missing=m).table["estimate"]
        for m in ("complete", "em")
    )
    assert_allclose(all_of, LOADINGS, atol=0.06)
    assert few[0] < LOADINGS[0] - 0.1


# Recovery


@pytest.mark.coverage
@pytest.mark.parametrize(
    ("n", "kind"), [(50, ""), (300, ""), (300, "weighted"), (300, "clustered")]
)
def test_intervals_of_loadings_and_factors_cover_the_truth(
    n: int, kind: str, tell_coverage
) -> None:
    held, refused = [], []
    omega = [2.3**2 / (2.3**2 + 1.19), 2.2**2 / (2.2**2 + 3 - 0.64 - 2 * 0.49)]
    truth = {
        "table": LOADINGS,
        "correlations": [BETWEEN],
        "reliability": (LOADINGS**2).reshape(2, 3).mean(1),
    }
    for seed in range(100):
        rows = answers(n, 10 + seed, heavy=kind == "weighted", pairs=kind == "clustered")
        if kind == "weighted":  # who answers far from the middle is sampled at half the chance
            chance = np.where(rows["a"].abs() > 1, 0.5, 1.0)
            rows = rows.assign(pw=1 / chance)[np.random.default_rng(seed).random(n) < chance]
        weight, cluster = (
            ("pw" if kind == "weighted" else None),
            ("who" if kind == "clustered" else None),
        )
        found = csi.cfa(Sample(rows, weight=weight, cluster=cluster, draws=200), CONSTRUCTS)
        parts = [
            (found.tables[name]["low"] <= value) & (value <= found.tables[name]["high"])
            for name, value in truth.items()
        ]
        known = found.reliability["omega_low"].le(omega) & found.reliability["omega_high"].ge(omega)
        held.append([np.mean(p) for p in [*parts, known]])
        p = found.fit.set_index("term")["p"]
        refused.append([p["scaled χ²"] < 0.05, p["χ²"] < 0.05])
    of = f"{n} people" + f", {kind}" * bool(kind)
    names = (
        "loadings",
        "correlations of factors",
        "average variance extracted",
        "composite reliability",
    )
    for name, share in zip(names, np.mean(held, axis=0), strict=True):
        tell_coverage(f"{name} (factor analysis)", of, share, len(held))
    robust, plain = np.mean(refused, axis=0)
    tell_coverage(
        "rate of false findings, scaled χ² of a factor model", of, robust, len(held), 0.05
    )
    assert np.mean(held) >= 0.91 and np.min(np.mean(held, axis=0)) >= 0.86, np.mean(held, axis=0)
    # Satorra and Bentler (1994) is for large samples: of 50 people the test is wrong too often.
    assert robust <= (0.2 if n == 50 else 0.12), (robust, plain)
    if kind == "clustered":
        assert plain > robust


# Sentences and refusals


@pytest.mark.slow
def test_it_says_how_well_the_model_fits_in_both_languages() -> None:
    context.begin()
    rows = answers(400, 5)
    found = csi.cfa(Sample(rows, draws=30), CONSTRUCTS)
    assert "fits closely" in str(found) and "robust CFI" in found.finding.detail
    wrong = csi.cfa(Sample(rows, draws=30), {"quality": list("abd"), "value": list("cef")})
    assert "does not fit closely" in str(wrong)
    with context.use(context.Context(lang="zh")):
        assert "拟合" in str(csi.cfa(Sample(rows, draws=30), CONSTRUCTS))
    exact = csi.cfa(Sample(rows, draws=30), {"quality": list("abc")})
    assert "cannot be tested" in str(exact)


@pytest.mark.slow
def test_questions_of_a_satisfaction_model_are_taken() -> None:
    model = csi.Model(
        {"quality": list("abc"), "satisfaction": list("def")}, {"satisfaction": ["quality"]}
    )
    rows = answers(100, 6)
    one, other = (csi.cfa(Sample(rows, draws=20), m).table["estimate"] for m in (model, CONSTRUCTS))
    assert_allclose(one, other)


@pytest.mark.parametrize(
    ("constructs", "message"),
    [
        ({"quality": ["a", "b"]}, "three questions or more"),
        ({"quality": list("abc"), "value": list("cde")}, "'c' is used twice"),
        ({"quality": ["a", "b", "x"]}, "no column"),
        ({"quality": list("abc"), "value": []}, "needs a question"),
    ],
)
def test_what_cannot_be_fitted_says_why(constructs, message) -> None:
    with pytest.raises(ValueError, match=message):
        csi.cfa(answers(50, 7), constructs)
    with pytest.raises(ValueError, match="missing"):
        csi.cfa(answers(50, 7), CONSTRUCTS, missing="pairwise")


def test_copies_and_constants_have_no_solution() -> None:
    rows = answers(50, 8)
    with pytest.raises(InsufficientData, match="repeat one another"):
        csi.cfa(rows.assign(b=rows["a"]), CONSTRUCTS)
    with pytest.raises(InsufficientData, match="answers the same"):
        csi.cfa(rows.assign(b=1.0), CONSTRUCTS)
