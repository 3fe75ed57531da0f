"""Who belongs to which class: by hand, laws, statsmodels and StepMix, recovery of known odds."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.stats import norm

from cxlib import segments
from cxlib.core import context
from cxlib.core.errors import InsufficientData
from cxlib.core.result import Result
from cxlib.core.sample import Sample
from cxlib.segments.three_step import fit_membership, fit_outcome, taken_for

REFERENCE = Path(__file__).parents[1] / "reference" / "latent_classes.json"
KNOWN = json.loads(REFERENCE.read_text(encoding="utf-8"))["stepmix"]
YES = np.array([[0.75, 0.7, 0.7, 0.75, 0.3], [0.25, 0.3, 0.2, 0.25, 0.7]])
TAKEN = np.array([[0.9, 0.1], [0.2, 0.8]])


def customers(n: int, seed: int, slope: float = 1.0, homes: bool = False) -> pd.DataFrame:
    """Two classes told badly by five answers of yes or no; log-odds -0.4 + slope z of the second.

    With `homes` two live together, share z and are mostly of one class.
    """
    rng = np.random.default_rng([seed, n])
    home = np.arange(n) // (2 if homes else 1)
    z = rng.normal(size=n)[home]
    rank = np.sqrt(0.7 * homes) * rng.normal(size=n)[home]
    rank = norm.cdf(rank + np.sqrt(1 - 0.7 * homes) * rng.normal(size=n))
    kind = (rank < 1 / (1 + np.exp(0.4 - slope * z))).astype(int)
    answers = np.where(rng.random((n, 5)) < YES[kind], "yes", "no")
    return pd.DataFrame(answers, columns=list("abcde")).assign(z=z, kind=kind, home=home)


def found_in(sample: Sample) -> Result:
    choice = segments.Choice(k=2, most=2, draws=2)
    return segments.fit(sample.replace(draws=2), list("abcde"), model="classes", choice=choice)


# By hand


@pytest.mark.parametrize("method", ["ml", "bch"])
def test_odds_of_a_covariate_of_two_levels_by_hand(method: str) -> None:
    """With two levels the model is saturated: shares solve placed = share x taken."""
    x = np.repeat([0.0, 1.0], 1000)
    share = np.array([0.4, 0.7])  # of the second class, at either level
    seen = share * TAKEN[1, 1] + (1 - share) * TAKEN[0, 1]  # 0.38 and 0.59
    placed = np.concatenate([np.arange(1000) < round(1000 * s) for s in seen]).astype(int)
    design = np.column_stack([np.ones(2000), x])
    b = fit_membership(design, placed, TAKEN, np.ones(2000), method)
    odds = np.log(share / (1 - share))
    assert_allclose(b[0], [odds[0], odds[1] - odds[0]], atol=1e-6)


def test_who_is_taken_for_whom_by_hand() -> None:
    inside = np.array([[0.8, 0.2], [0.6, 0.4], [0.1, 0.9]])
    # Of the first class 0.8 x 2 + 0.6 are placed in it, 0.1 in the second.
    taken = taken_for(inside, np.array([0, 0, 1]), np.array([2.0, 1, 1]))
    assert_allclose(taken, [[2.2 / 2.3, 0.1 / 2.3], [0.8 / 1.7, 0.9 / 1.7]])


@pytest.mark.parametrize("share", [True, False])
def test_means_by_likelihood_undo_the_errors_of_placing_by_hand(share: bool) -> None:
    """Of 1,000 in each class 0.2 and 0.7 say yes; TAKEN says who is placed where."""
    yes, size = np.array([0.2, 0.7]), np.array([0.5, 0.5])
    cells = [(k, p, v) for k in (0, 1) for p in (0, 1) for v in (0, 1)]
    w = np.array([TAKEN[k, p] * (yes[k] if v else 1 - yes[k]) for k, p, v in cells]) * 1000
    placed, y = (np.array(c) for c in list(zip(*cells, strict=True))[1:])
    if not share:  # normal in each class, with means 1 and 4
        z = norm.ppf((np.arange(400) + 0.5) / 400)
        parts = [(m + z, p, TAKEN[k, p]) for k, m in ((0, 1.0), (1, 4.0)) for p in (0, 1)]
        y = np.concatenate([v for v, _p, _t in parts])
        placed = np.repeat([p for _v, p, _t in parts], 400)
        w, yes = np.repeat([t for _v, _p, t in parts], 400), np.array([1.0, 4.0])
    found = fit_outcome(y.astype(float), placed, TAKEN, w, size, share=share)
    assert_allclose(found, yes, atol=1e-5 if share else 2e-2)
    plain = [np.average(y[placed == p], weights=w[placed == p]) for p in (0, 1)]
    sure = fit_outcome(y.astype(float), placed, np.eye(2), w, size, share=share)
    assert_allclose(sure, plain, atol=1e-6)


# Laws and witnesses


@pytest.mark.parametrize("method", ["ml", "bch", "plain"])
def test_without_errors_it_is_the_multinomial_logit_of_statsmodels(method: str) -> None:
    from statsmodels.discrete.discrete_model import MNLogit

    rng = np.random.default_rng(3)
    x = np.column_stack([np.ones(200), rng.normal(size=(200, 2))])
    placed = rng.integers(0, 3, 200)
    theirs = MNLogit(placed, x).fit(disp=0).params.T
    b = fit_membership(x, placed, np.eye(3), np.ones(200), method)
    assert_allclose(b, theirs, atol=1e-6)


@pytest.mark.parametrize("method", ["ml", "bch"])
def test_a_weight_of_two_is_the_customer_twice(method: str) -> None:
    rng = np.random.default_rng(4)
    x = np.column_stack([np.ones(100), rng.normal(size=100)])
    placed, w = rng.integers(0, 2, 100), rng.integers(1, 3, 100)
    one = fit_membership(x, placed, TAKEN, w.astype(float), method)
    twice = fit_membership(
        np.repeat(x, w, 0), np.repeat(placed, w), TAKEN, np.ones(w.sum()), method
    )
    assert_allclose(one, twice, atol=1e-7)


@pytest.mark.parametrize("method", ["ml", "bch"])
def test_slopes_of_three_classes_are_those_of_stepmix(method: str) -> None:
    spec = importlib.util.spec_from_file_location("made", REFERENCE.with_suffix(".py"))
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    people = pd.DataFrame(made.made_up())
    people = people.assign(
        a=people["a"].map(dict(enumerate("pqr"))), b=people["b"].map({0: "n", 1: "y"})
    )
    fit = segments.fit(
        Sample(people, draws=2),
        list("abxz"),
        model="classes",
        choice=segments.Choice(k=3, most=3, draws=2),
    )
    found = segments.covariates(Sample(people, draws=2), fit, ["c"], method=method).table
    expected = KNOWN["slopes against the largest class"][method.upper()][1:]
    assert_allclose(found["coefficient"], expected, atol=5e-4)


@pytest.mark.slow
def test_segments_of_k_means_have_the_plain_odds_and_another_reference_the_inverse() -> None:
    rng = np.random.default_rng(5)
    kind = rng.integers(0, 2, 100)
    rows = pd.DataFrame({"spend": rng.normal(8 * kind, 1), "visits": rng.normal(8 * kind, 1)})
    plan = np.where(rng.random(100) < 0.3, 1 - kind, kind)
    rows["plan"] = np.where(plan == 1, "plus", "basic")
    rows["age"] = rng.normal(40 + 3 * kind, 5)
    sample = Sample(rows, draws=20)
    choice = segments.Choice(k=2, most=2, draws=2)
    fit = segments.fit(sample, ["spend", "visits"], choice=choice)
    found = segments.covariates(sample, fit, ["plan"])
    counts = pd.crosstab(segments.score(rows, fit)["segment"], rows["plan"]).to_numpy()
    by_hand = counts[0, 0] * counts[1, 1] / (counts[0, 1] * counts[1, 0])
    odds = found.table["estimate"].item()
    assert_allclose([odds, found.table["plain"].item()], odds)
    assert_allclose(max(odds, 1 / odds), max(by_hand, 1 / by_hand))
    assert "taken as known" in found.notes
    both = segments.covariates(sample, fit, ["plan", "age"]).table
    names = fit.table["term"].tolist()
    turned = segments.covariates(sample, fit, ["plan", "age"], reference=names[1]).table
    assert_allclose(both["estimate"], 1 / turned["estimate"], rtol=1e-6)
    assert both["segment"].unique() == names[1] and turned["segment"].unique() == names[0]


# Recovery


@pytest.mark.coverage
@pytest.mark.parametrize(
    ("n", "kind", "method"),
    [
        (150, "", "ml"),
        (500, "", "ml"),
        (500, "", "bch"),
        (500, "weighted", "ml"),
        (500, "clustered", "ml"),
    ],
)
def test_odds_of_membership_cover_the_truth_where_plain_ones_are_too_flat(
    n: int, kind: str, method: str, tell_coverage
) -> None:
    held, plain = [], []
    for seed in range(100):
        rows = customers(n, seed, homes=kind == "clustered")
        if kind == "weighted":  # class and covariate decide who is in the file; weights undo it
            chance = np.where((rows["kind"] == 1) & (rows["z"] > 0), 0.5, 1.0)
            kept = np.random.default_rng(seed).random(n) < chance
            rows = rows[kept].assign(pw=1 / chance[kept])
        sample = Sample(rows, weight="pw" if kind == "weighted" else None, draws=100)
        sample = sample.replace(cluster="home" if kind == "clustered" else None)
        fit = found_in(sample)
        second = (segments.score(sample, fit)["segment"] == 2).to_numpy(bool)
        sign = np.sign(rows["kind"][second].mean() - rows["kind"][~second].mean())
        row = segments.covariates(sample, fit, ["z"], method=method).table.iloc[0]
        width = np.log(row["estimate"]) / row["coefficient"]
        held.append(np.log(row["low"]) <= sign * width <= np.log(row["high"]))
        plain.append(sign * np.log(row["plain"]) / width)
    of = f"{n} customers, {method}" + f", {kind}" * bool(kind)
    tell_coverage("odds ratio of membership (three steps)", of, np.mean(held), len(held))
    assert 0.89 <= np.mean(held) <= 1.0, np.mean(held)
    assert np.mean(plain) < 0.75, np.mean(plain)  # the truth is 1


# Sentences and refusals


@pytest.mark.slow
def test_it_says_what_is_associated_in_both_languages() -> None:
    context.begin()
    sample = Sample(customers(400, 1, slope=2.0), draws=30)
    fit = found_in(sample)
    found = segments.covariates(sample, fit, ["z"])
    assert "is associated most strongly with the segment" in str(found)
    assert "odds ratio" in found.finding.detail and "30 bootstrap resamples" in found.notes
    nothing = sample.assign(z=np.random.default_rng(1).normal(size=400))
    assert "No covariate is significantly" in str(segments.covariates(nothing, fit, ["z"]))
    with context.use(context.Context(lang="zh")):
        other = segments.covariates(sample, fit, ["z"])
        assert "优势比" in other.finding.detail and "Vermunt" in other.notes


@pytest.mark.parametrize(
    ("change", "features", "how", "message"),
    [
        (lambda r: r, ["a"], {}, "the segments were made by"),
        (lambda r: r, ["y"], {}, "no column 'y'"),
        (lambda r: r, [], {}, "at least one covariate"),
        (lambda r: r.assign(z=1.0), ["z"], {}, "is the same for everyone"),
        (lambda r: r.assign(z=r.index.astype(str)), ["z"], {}, "different values"),
        (lambda r: r, ["z"], {"reference": "Nobody"}, "no segment 'Nobody'"),
        (lambda r: r, ["z"], {"method": "soft"}, "method"),
    ],
)
def test_what_cannot_be_explained_says_why(change, features, how, message) -> None:
    rows = customers(100, 2)
    fit = found_in(Sample(rows))
    with pytest.raises(ValueError, match=message):
        segments.covariates(Sample(change(rows), draws=2), fit, features, **how)


def test_a_covariate_that_tells_the_segment_exactly_is_named() -> None:
    rows = customers(100, 2)
    fit = found_in(Sample(rows))
    rows["told"] = np.where(segments.score(rows, fit)["segment"] == 1, 1.0, 0.0)
    with pytest.raises(InsufficientData, match="told"):
        segments.covariates(Sample(rows, draws=2), fit, ["told"])
