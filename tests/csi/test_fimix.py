"""Hidden segments of path models: by hand, laws, mixtools and a plain optimiser, recovery."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from scipy.special import logsumexp
from scipy.stats import norm

from cxlib import csi
from cxlib.core import context
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.stats import mixture_em

KNOWN = json.loads((Path(__file__).parents[1] / "reference" / "fimix.json").read_text("utf-8"))
MODEL = csi.Model(
    {"quality": ["q"], "value": ["v"], "satisfaction": ["s"]},
    {"value": ["quality"], "satisfaction": ["quality", "value"]},
)
WIDE = csi.Options(scales={item: (-30, 30) for item in "qvs"})
CAUSES = ((), (0,), (0, 1))
PATHS = np.array([[0.7, 0.6, 0.1], [0.1, -0.2, 0.7]])  # q → v, q → s, v → s
SHARE = 0.6  # of the first segment


def customers(n: int, seed: int, homes: bool = False, alike: bool = False) -> pd.DataFrame:
    """Two segments with PATHS and normal errors; `homes` of two of one segment, of near answers."""
    rng = np.random.default_rng([seed, n])
    home = np.arange(n) // (2 if homes else 1)
    kind = (rng.random(n) >= (0.0 if alike else SHARE)).astype(int)[home] * (not alike)
    own = np.sqrt(0.6 * homes)

    def noise() -> np.ndarray:
        return own * rng.normal(size=n)[home] + np.sqrt(1 - own**2) * rng.normal(size=n)

    b, q = PATHS[kind].T, noise()
    v = b[0] * q + 0.4 * noise()
    s = b[1] * q + b[2] * v + 0.4 * noise()
    return pd.DataFrame({"q": q, "v": v, "s": s, "kind": kind, "home": home})


def standardised(rows: pd.DataFrame) -> np.ndarray:
    z = rows[list("qvs")].to_numpy()
    return (z - z.mean(0)) / z.std(0)


# By hand


def test_a_tiny_mixture_and_one_step_of_em_by_hand() -> None:
    """Four people on the lines y = x and y = -x; slopes 1 and -1, variance a quarter."""
    x, y = np.array([1.0, 2, 1, 2]), np.array([1.0, 2, -1, -2])
    sheet = mixture_em.lines_of(np.column_stack([x, y]), ((), (0,)), np.ones(4), 1e-6)
    # Sums of a segment whose slope is b and variance v: of x² 1, of xy b, of y² b² + v.
    sums = np.array([[2.0, 2, 2, 2 * b, 2 * (1 + 0.25)] for b in (1, -1)])
    after, height = mixture_em.step(sheet, sums[None], sheet.weight)
    density = norm.pdf(y, np.array([[1], [-1]]) * x, 0.5)
    assert_allclose(height[0], np.log(density.mean(0)).sum())
    inside = density / density.sum(0)
    assert_allclose(mixture_em.membership(sheet, sums), inside)
    slopes, left = mixture_em.regressions(after[0, :, 1:], sheet.blocks[0])
    b = (inside * x * y).sum(1) / (inside * x**2).sum(1)
    assert_allclose(slopes[:, 1, 0], b, atol=1e-8)
    by_hand = (inside * (y - b[:, None] * x) ** 2).sum(1) / inside.sum(1)
    assert_allclose(left[:, 1], by_hand, atol=1e-8)


# Witnesses


def test_countries_have_the_two_lines_of_mixtools(tell_witness) -> None:
    about = KNOWN["mixtools"]
    gnp, co2 = np.array(KNOWN["countries"]).T
    z = np.column_stack([np.ones(len(gnp)), gnp, co2])
    sheet = mixture_em.lines_of(z, ((), (), (0, 1)), np.ones(len(z)), 1e-3)
    found = mixture_em.best(sheet, 2, 60, 1, close=1e-10)
    order = np.argsort(-found.sums[:, 0])
    slopes, left = mixture_em.regressions(found.sums[order, 1:], sheet.blocks[0])
    ours = [*found.sums[order, 0] / 28, *slopes[:, 2, :2].ravel(), found.loglik]
    theirs = [*about["lambda"], *np.ravel(about["beta"]), about["loglik"]]
    tell_witness("FIMIX-PLS: mixture of regressions", "mixtools (R)", ours, theirs, atol=2e-5)
    assert_allclose(np.sqrt(left[:, 2]), about["sigma"], atol=1e-5)


@pytest.mark.slow
def test_the_likelihood_is_that_which_a_plain_optimiser_finds() -> None:
    rows = customers(120, 3)
    z = standardised(rows)

    def loglik(theta: np.ndarray) -> float:
        share = 1 / (1 + np.exp(-theta[0]))
        each = []
        for i, part in enumerate((share, 1 - share)):
            b, s = theta[1 + 5 * i : 4 + 5 * i], np.exp(theta[4 + 5 * i : 6 + 5 * i])
            fits = norm.logpdf(z[:, 1], b[0] * z[:, 0], s[0])
            fits = fits + norm.logpdf(z[:, 2], b[1] * z[:, 0] + b[2] * z[:, 1], s[1])
            each.append(np.log(part) + fits)
        return float(logsumexp(each, axis=0).sum())

    start = np.concatenate([[0.4], *([*p, -0.7, -0.7] for p in PATHS)])
    top = minimize(lambda t: -loglik(t), start, method="BFGS", options={"gtol": 1e-6})
    found = csi.fimix(Sample(rows, draws=2), MODEL, WIDE, most=2, k=2)
    assert_allclose(found.fit["loglik"][1], -top.fun, atol=1e-3)
    theirs = top.x[[1, 2, 3, 6, 7, 8]].reshape(2, 3)
    assert_allclose(found.table["estimate"].to_numpy().reshape(2, 3), theirs, atol=5e-3)


# Laws


@pytest.mark.slow
def test_one_segment_has_the_paths_of_the_model_and_the_likelihood_of_its_equations() -> None:
    rows = customers(200, 1)
    fit = csi.fit(Sample(rows, draws=2), MODEL, WIDE)
    found = csi.fimix(Sample(rows, draws=2), MODEL, WIDE, most=1)
    assert_allclose(found.table["estimate"], fit.paths["estimate"], atol=1e-7)
    left = 1 - found.r2["estimate"].to_numpy()
    assert_allclose(found.fit["loglik"], -100 * np.log(2 * np.pi * np.e * left).sum(), rtol=1e-9)
    assert found.fit["parameters"].tolist() == [5]
    judged = found.fit.iloc[0]
    assert_allclose(judged["BIC"], -2 * judged["loglik"] + 5 * np.log(200))
    assert_allclose([judged["AIC3"] - judged["AIC"], judged["CAIC"] - judged["BIC"]], [5, 5])


def test_the_likelihood_never_falls() -> None:
    sheet = mixture_em.lines_of(standardised(customers(90, 2)), CAUSES, np.ones(90), 0.01)
    sums, before = mixture_em.random_starts(sheet, 3, 8, 1, sheet.weight), -np.inf
    for _ in range(40):
        sums, height = mixture_em.step(sheet, sums, sheet.weight)
        assert (height >= before - 1e-9).all()
        before = height
    far = mixture_em.random_starts(sheet, 3, 8, 1, sheet.weight)
    assert (mixture_em.maximise(sheet, far, sheet.weight)[1] >= before - 1e-6).all()


def test_a_weight_of_two_is_the_customer_twice() -> None:
    rows = customers(150, 4).assign(pw=1.0 + np.arange(150) % 2)
    both = rows.loc[np.repeat(rows.index, rows["pw"].astype(int))]
    z = standardised(both.reset_index(drop=True))
    once = z[~both.index.duplicated()]
    one, other = (
        mixture_em.best(mixture_em.lines_of(z, CAUSES, w, 0.01), 2, 20, 1, close=1e-9).loglik
        for z, w in ((once, rows["pw"].to_numpy()), (z, np.ones(len(z))))
    )
    assert_allclose(one, other, rtol=1e-8)


@pytest.mark.slow
def test_more_than_answers_of_some_are_not_needed_and_membership_says_who_is_placed() -> None:
    rows = customers(200, 5)
    rows.loc[rows.index[:10], "v"] = np.nan
    found = csi.fimix(Sample(rows, draws=2), MODEL, WIDE, most=2, k=2)
    assert found.membership.isna().all(axis=1).sum() == 10
    assert_allclose(found.membership.dropna().sum(axis=1), 1.0)
    assert "10 responses" in found.notes
    assert found.sizes["n"].sum() == 190


# Recovery


@pytest.mark.slow
def test_two_hidden_segments_are_found_and_no_more() -> None:
    rows = customers(500, 6)
    found = csi.fimix(Sample(rows, draws=20), MODEL, WIDE)
    assert len(found.sizes) == 2
    placed = found.membership.to_numpy().argmax(1)
    assert (placed == rows["kind"]).mean() > 0.75
    assert_allclose(found.sizes["estimate"], [SHARE, 1 - SHARE], atol=0.08)
    alike = csi.fimix(Sample(customers(500, 6, alike=True), draws=2), MODEL, WIDE)
    assert len(alike.sizes) == 1 and "no hidden segments" in str(alike)


@pytest.mark.coverage
@pytest.mark.parametrize("n", [200, 400])
def test_segments_are_not_found_where_there_are_none(n: int, tell_coverage) -> None:
    samples = 60
    wrong = 0
    for seed in range(samples):
        rows = customers(n, 700 + seed, alike=True)
        wrong += len(csi.fimix(Sample(rows, draws=2), MODEL, WIDE, most=3).sizes) > 1
    tell_coverage(
        "segments where there are none (FIMIX-PLS)", f"{n} people", wrong / samples, samples, 0.05
    )  # fmt: skip
    assert wrong <= 0.1 * samples


@pytest.mark.coverage
@pytest.mark.parametrize(
    ("n", "kind"), [(150, ""), (400, ""), (400, "weighted"), (400, "clustered")]
)
def test_intervals_of_the_paths_of_segments_cover_the_truth(
    n: int, kind: str, tell_coverage
) -> None:
    # The truth in standard deviations of everybody, as the paths are printed.
    large = customers(400_000, 1)
    sd = large[list("qvs")].std().to_numpy()
    truth = PATHS * np.array([sd[0] / sd[1], sd[0] / sd[2], sd[1] / sd[2]])
    held, sizes = [], []
    for seed in range(60):
        rows = customers(n, 100 + seed, homes=kind == "clustered")
        weight, cluster = None, "home" if kind == "clustered" else None
        if kind == "weighted":  # those far out are sampled at half the chance
            chance = np.where(rows["q"].abs() > 1, 0.5, 1.0)
            rows, weight = rows.assign(pw=1 / chance), "pw"
            rows = rows[np.random.default_rng(seed).random(n) < chance].reset_index(drop=True)
        found = csi.fimix(
            Sample(rows, weight=weight, cluster=cluster, draws=100), MODEL, WIDE, most=2, k=2
        )
        table = found.table
        estimate = table["estimate"].to_numpy().reshape(2, 3)
        order = (
            [0, 1]
            if np.abs(estimate - truth).sum() < np.abs(estimate[::-1] - truth).sum()
            else [1, 0]
        )
        ends = (table[c].to_numpy().reshape(2, 3)[order] for c in ("low", "high"))
        low, high = ends
        held.append(((low <= truth) & (truth <= high)).mean())
        share = found.sizes.iloc[order[0]]
        sizes.append(share["low"] <= SHARE <= share["high"])
    of = f"{n} people" + f", {kind}" * bool(kind)
    tell_coverage("paths of hidden segments (FIMIX-PLS)", of, np.mean(held), len(held))
    if kind != "weighted":  # weights bring back the paths; who is far out is of both segments alike
        tell_coverage("share of a hidden segment (FIMIX-PLS)", of, np.mean(sizes), len(sizes))
    assert np.mean(held) >= 0.89, np.mean(held)


# Sentences and refusals


@pytest.mark.slow
def test_it_says_what_it_found_in_both_languages() -> None:
    context.begin()
    rows = customers(300, 7)
    found = csi.fimix(Sample(rows, draws=20), MODEL, WIDE, most=2)
    assert "2 hidden segments" in str(found) and "entropy" in found.finding.detail
    with context.use(context.Context(lang="zh")):
        assert "隐藏" in str(csi.fimix(Sample(rows, draws=2), MODEL, WIDE, most=2))


@pytest.mark.slow
def test_a_number_of_segments_that_is_too_large_is_said_to_be() -> None:
    rows = customers(110, 8)
    with pytest.raises(ValueError, match="k must be from 1"):
        csi.fimix(rows, MODEL, WIDE, k=5)
    with pytest.raises(InsufficientData, match="20 complete answers"):
        csi.fimix(rows.head(15), MODEL, WIDE)
    forced = csi.fimix(Sample(rows, draws=2), MODEL, WIDE, most=4, k=4)
    assert "too few for its paths" in forced.notes


@pytest.mark.slow
def test_a_model_of_a_higher_order_is_taken_by_its_wholes() -> None:
    rng = np.random.default_rng(9)
    common = rng.normal(size=(150, 1))
    rows = pd.DataFrame(common + rng.normal(size=(150, 6)), columns=list("abcdef"))
    model = csi.Model(
        {
            "network": ["a", "b"],
            "staff": ["c", "d"],
            "quality": ["network", "staff"],
            "satisfaction": ["e", "f"],
        },
        {"satisfaction": ["quality"]},
    )
    wide = csi.Options(scales={item: (-30, 30) for item in "abcdef"})
    found = csi.fimix(Sample(rows, draws=2), model, wide, most=1)
    fit = csi.fit(Sample(rows, draws=2), model, wide)
    paths = fit.paths.set_index(["cause", "effect"])["estimate"]
    assert_allclose(found.table["estimate"], paths["quality", "satisfaction"], atol=1e-6)
