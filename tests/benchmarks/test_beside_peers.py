"""Methods beside the program that users know for them, in one run: prints and writes docs/speed.md.

`make bench` installs the peers of peers.txt apart from the project. A method is compared by what
both give: the estimate, without the resamples behind our intervals, unless the row says so.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clock import seconds
from threadpoolctl import threadpool_limits

from cxlib import drivers, offers
from cxlib.segments.three_step import fit_membership
from cxlib.stats import (
    agreement,
    factor_model,
    intraclass,
    mixture_em,
    moments,
    resampling,
    survival,
)

pytestmark = pytest.mark.slow
FILE = Path(__file__).parents[2] / "docs" / "speed.md"
PAGE = """# Seconds compared with named peers

`make bench` runs each method and the program that users know for it one after another, on one
processor of one machine, and writes this page; nothing here is typed by hand. Seconds depend on the
machine, ratios much less: over 1, the peer takes longer. Compared is what both give, the estimate,
without the resamples behind our intervals unless the row names them. That the numbers agree is
tested ([witnesses.md](witnesses.md)).

| method | data | here, s | peer | peer, s | ratio |
|---|---|---|---|---|---|
"""
Case = tuple[str, str, Callable[[], object], Callable[[], object]]  # peer, data, ours, theirs
rng = np.random.default_rng(1)


def lives(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, times in whole days and whether somebody left."""
    x = rng.normal(size=(n, 5))
    gone, seen = rng.exponential(np.exp(-0.3 * x[:, 0]) * 200), rng.integers(30, 400, n)
    return x, np.ceil(np.minimum(gone, seen)), (gone <= seen).astype(float)


def cox_lifelines() -> Case:
    lifelines = pytest.importorskip("lifelines")
    x, time, left = lives(5000)
    rows = pd.DataFrame(x).add_prefix("x").assign(time=time, left=left)
    return (
        "lifelines",
        "5,000 customers, 5 features",
        lambda: survival.cox(x, np.zeros(5000), time, left, np.ones(5000)),
        lambda: lifelines.CoxPHFitter().fit(rows, "time", "left"),
    )


def cox_statsmodels() -> Case:
    from statsmodels.duration.hazard_regression import PHReg

    x, time, left = lives(5000)
    return (
        "statsmodels",
        "5,000 customers, 5 features",
        lambda: survival.cox(x, np.zeros(5000), time, left, np.ones(5000)),
        lambda: PHReg(time, x, left, ties="efron").fit(),
    )


def kaplan_meier() -> Case:
    lifelines = pytest.importorskip("lifelines")
    _x, time, left = lives(20_000)
    at, ones = np.arange(30.0, 390.0, 30.0), np.ones(20_000)
    return (
        "lifelines",
        "20,000 customers, 12 dates",
        lambda: survival.greenwood(survival.at_risk(0 * ones, time, left.astype(int), ones), at),
        lambda: lifelines.KaplanMeierFitter().fit(time, left).survival_function_at_times(at),
    )


def factor_analysis() -> Case:
    semopy = pytest.importorskip("semopy")
    factors = rng.multivariate_normal(np.zeros(3), 0.5 + 0.5 * np.eye(3), 500)
    x = 0.8 * np.repeat(factors, 3, axis=1) + 0.6 * rng.normal(size=(500, 9))
    rows = pd.DataFrame(x, columns=list("abcdefghi"))
    text = "one =~ a + b + c\ntwo =~ d + e + f\nthree =~ g + h + i"
    home = np.repeat([0, 1, 2], 3)
    return (
        "semopy",
        "500 people, 9 questions, 3 factors",
        lambda: factor_model.maximise(np.cov(x.T, ddof=0), home),
        lambda: semopy.Model(text).fit(rows),
    )


def classes() -> Case:
    stepmix = pytest.importorskip("stepmix.stepmix")
    kind = rng.integers(0, 3, 5000)
    x = (rng.random((5000, 8)) < np.array([0.2, 0.5, 0.8])[kind][:, None]).astype(int)
    how = {"n_init": 5, "random_state": 1, "progress_bar": 0, "verbose": 0}
    return (
        "stepmix",
        "5,000 people, 8 yes or no, 3 classes, 5 starts",
        lambda: mixture_em.best(mixture_em.sheet_of([(c, 2) for c in x.T], np.ones(5000)), 3, 5, 1),
        lambda: stepmix.StepMix(3, measurement="binary", **how).fit(x),
    )


def gaussian_mixture() -> Case:
    from sklearn.mixture import GaussianMixture

    x = rng.normal(size=(5000, 4)) + 3 * rng.integers(0, 3, 5000)[:, None]
    x = (x - x.mean(0)) / x.std(0)
    return (
        "scikit-learn",
        "5,000 customers, 4 numbers, 3 segments, 5 starts, equally converged",
        lambda: mixture_em.best(
            mixture_em.sheet_of([(c, 0) for c in x.T], np.ones(5000), joint=True), 3, 5, 1
        ),
        lambda: GaussianMixture(3, n_init=5, random_state=1, tol=1e-9, max_iter=5000).fit(x),
    )


def membership() -> Case:
    from statsmodels.discrete.discrete_model import MNLogit

    x = np.column_stack([np.ones(5000), rng.normal(size=(5000, 4))])
    placed = rng.integers(0, 3, 5000)
    return (
        "statsmodels",
        "5,000 customers, 3 segments, 4 covariates",
        lambda: fit_membership(x, placed, np.eye(3), np.ones(5000)),
        lambda: MNLogit(placed, x).fit(disp=0),
    )


def rules() -> Case:
    mlxtend = pytest.importorskip("mlxtend.frequent_patterns")
    at = np.repeat(np.arange(5000), 6)
    share = 1 / np.arange(1, 101) ** 0.8
    product = rng.choice(100, len(at), p=share / share.sum())
    head = pd.DataFrame(
        {
            "order_id": np.arange(5000).astype(str),
            "customer_id": (np.arange(5000) // 5).astype(str),
            "at": pd.Timestamp("2025-01-01"),
        }
    )
    lines = pd.DataFrame({"order_id": at.astype(str), "product": product.astype(str)})
    baskets = offers.make_baskets(head, lines, least=1)
    frame = pd.DataFrame(baskets.matrix.toarray() > 0)

    def theirs() -> object:
        sets = mlxtend.fpgrowth(frame, min_support=0.005)
        return mlxtend.association_rules(sets, metric="confidence", min_threshold=0.1)

    return (
        "mlxtend",
        "5,000 orders of 6, support 0.005, confidence 0.1",
        lambda: offers.association_rules(baskets, support=0.005, confidence=0.1),
        theirs,
    )


def alpha() -> Case:
    krippendorff = pytest.importorskip("krippendorff")
    truth = rng.integers(0, 5, 2000)
    codes = np.where(rng.random((3, 2000)) < 0.8, truth, rng.integers(0, 5, (3, 2000)))
    counts = (codes[..., None] == np.arange(5)).sum(0).astype(float)
    return (
        "krippendorff",
        "2,000 units, 3 coders, ordinal",
        lambda: agreement.krippendorff_alpha(counts, np.ones((1, 2000)), np.arange(5.0), "ordinal"),
        lambda: krippendorff.alpha(codes, level_of_measurement="ordinal"),
    )


def icc() -> Case:
    pingouin = pytest.importorskip("pingouin")
    wide = pd.DataFrame(rng.normal(size=(500, 1)) + rng.normal(size=(500, 4))).add_prefix("r")
    long = wide.reset_index().melt("index", var_name="rater", value_name="score")
    return (
        "pingouin",
        "500 units, 4 raters, with intervals",
        lambda: intraclass.icc(wide),
        lambda: pingouin.intraclass_corr(long, "index", "rater", "score"),
    )


def shapley() -> Case:
    pingouin = pytest.importorskip("pingouin")
    x = rng.normal(size=(1000, 8)) + rng.normal(size=(1000, 1))
    rows = pd.DataFrame(x).add_prefix("t").assign(outcome=x.sum(1) + rng.normal(size=1000))
    parts = [f"t{j}" for j in range(8)]
    return (
        "pingouin",
        "1,000 answers, 8 drivers",
        lambda: drivers.shapley(moments.of(rows, ["outcome", *parts]).total().cov),
        lambda: pingouin.linear_regression(rows[parts], rows["outcome"], relimp=True),
    )


def bootstrap() -> Case:
    from scipy.stats import bootstrap as of_scipy

    y = rng.normal(size=1000)
    each = np.column_stack([y, np.ones(1000)])

    def ours() -> object:
        drawn = resampling.resample_sums(each, 2000, 1)
        return np.quantile(drawn[:, 0] / drawn[:, 1], [0.025, 0.975])

    return (
        "scipy",
        "1,000 answers, 2,000 resamples, percentile",
        ours,
        lambda: of_scipy((y,), np.mean, n_resamples=2000, method="percentile", rng=1),
    )


CASES = {
    "Cox regression": cox_lifelines,
    "Cox regression, Efron's ties": cox_statsmodels,
    "Kaplan–Meier with variance": kaplan_meier,
    "Confirmatory factor analysis": factor_analysis,
    "Latent classes": classes,
    "Gaussian mixture": gaussian_mixture,
    "Multinomial logit of segments": membership,
    "Association rules": rules,
    "Krippendorff's α": alpha,
    "Intraclass correlation": icc,
    "Shapley (LMG) shares of drivers": shapley,
    "Bootstrap interval of a mean": bootstrap,
}


@pytest.fixture(scope="module")
def told() -> Iterator[dict[str, tuple[str, str, float, float]]]:
    """Rows of the page, which is written when every peer was there."""
    rows: dict[str, tuple[str, str, float, float]] = {}
    yield rows
    page = PAGE
    for method, (peer, data, ours, theirs) in rows.items():
        page += f"| {method} | {data} | {ours:.4f} | {peer} {version(peer)} | {theirs:.4f} | "
        page += f"{theirs / ours:.1f} |\n"
    print("\n" + page.split("\n\n")[-1])
    if len(rows) == len(CASES):
        FILE.write_text(page, encoding="utf-8")


@pytest.mark.parametrize("method", CASES)
def test_no_slower_than_the_peer(method: str, told) -> None:
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        peer, data, ours, theirs = CASES[method]()
        ours(), theirs()  # imports and compilation are not counted
        spent = [seconds(task, 3) for task in (ours, theirs)]
    told[method] = (peer, data, *spent)
    assert spent[0] <= 1.1 * spent[1], spent  # the clock itself varies by a tenth
