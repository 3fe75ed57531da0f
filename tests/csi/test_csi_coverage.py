"""Whether intervals hold the truth 95 times in 100, over repeated samples worked on together.

Samples of one size have the same customers' keys, so one set of draws serves them all: a matrix
product gives every draw of every sample, and one call solves them.
"""

from __future__ import annotations

from functools import cache

import generator
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from test_csi_fit import FACTORS, SMALL, WIDE, answers

from cxlib import csi
from cxlib.core.result import Result
from cxlib.core.sample import Sample
from cxlib.csi.estimation import Options, Problem, estimate, prepare
from cxlib.csi.pls import plan_of
from cxlib.csi.prediction import _slopes
from cxlib.csi.validity import _cor, _inflation, ratios
from cxlib.stats import moments, resampling
from cxlib.stats.intervals import expanded_level, percentile_interval

DRAWS, TOGETHER = 400, 8


def intervals(x: np.ndarray, w: np.ndarray, task: Problem, measures: dict) -> dict:
    """Low and high (2, samples, terms) by name, of answers (samples, n, p), weights (samples, n).

    `measures` has by name how many numbers are fitted, what gives (terms, D) of covariances and
    their solution, and perhaps whether intervals are moved back by the bias of the draws.
    """
    samples, n, p = x.shape
    keys = resampling.keys_of(pd.DataFrame(index=range(n)))
    counts = resampling.multiplicities(keys, DRAWS, seed=1).astype(float)
    counts = np.vstack([np.ones(n), counts])  # the sample itself, then its draws
    ends = {name: [] for name in measures}
    for begin in range(0, samples, TOGETHER):
        one, weight = x[begin : begin + TOGETHER], w[begin : begin + TOGETHER, :, None]
        products = (one[..., :, None] * one[..., None, :]).reshape(*one.shape[:2], -1)
        sums = np.concatenate([weight, weight * one, weight * products], axis=2)
        mixed = np.moveaxis(counts @ sums, -1, 0)  # sums, samples, draws
        mean, second = mixed[1 : p + 1] / mixed[0], (mixed[p + 1 :] / mixed[0])
        cov = second.reshape(p, p, *mean.shape[1:]) - mean[:, None] * mean[None]
        flat = [np.ascontiguousarray(a.reshape(*a.shape[:-2], -1)) for a in (mean, cov)]
        (solved,) = task.solve(*flat)
        for name, (fitted, measure, *centred) in measures.items():
            found = measure(flat[1], solved)
            found = found.reshape(len(found), len(one), -1)
            for k, weighing in enumerate(weight[..., 0]):
                level = expanded_level(weighing.sum() ** 2 / (weighing**2).sum(), fitted)
                low, high = percentile_interval(found[:, k, 1:].T, level)
                point = found[:, k, 0]
                bias = np.median(found[:, k, 1:], axis=1) - point if centred else 0.0
                low, high = low - 2 * bias, high - 2 * bias
                ends[name].append((np.minimum(low, point), np.maximum(high, point)))
    return {name: np.moveaxis(pairs, 1, 0) for name, pairs in ends.items()}


def covered(found: dict, truth: dict) -> dict:
    """Share of samples whose interval holds the truth, by name and term."""
    return {
        name: ((low <= truth[name]) & (truth[name] <= high)).mean(0)
        for name, (low, high) in found.items()
    }


def assert_held(found: dict[str, np.ndarray]) -> None:
    """Near 95% in each family of terms; a term alone may stray by chance (its error is .014)."""
    for name, share in found.items():
        assert 0.93 <= share.mean() <= 0.97, (name, share)
        assert (np.abs(share - 0.95) <= 0.045).all(), (name, share)


def prepared(model: csi.Model, scale: tuple[float, float], **how: bool) -> Problem:
    return Problem(model, None, None, np.array([scale] * len(model.items)), Options(**how))


def customers(n: int, weight: bool) -> str:
    return f"{n} customers" + ", weighted" * weight


def weighed(samples: int, n: int, weight: bool) -> np.ndarray:
    w = np.random.default_rng(11).uniform(0.5, 2, (samples, n))
    return w if weight else np.ones((samples, n))


LOADINGS = np.array([0.9, 0.8, 0.7, 0.85, 0.75, 0.65, 0.8, 0.8, 0.6])
BETWEEN = np.array([[1, 0.6, 0.5], [0.6, 1, 0.62], [0.5, 0.62, 1]])  # .5 = .2 + .5 x .6


@pytest.mark.coverage
@pytest.mark.parametrize(("n", "weight"), [(400, False), (400, True), (50, False)])
def test_factors_freed_of_error_and_htmt(n, weight, tell_coverage):
    home = np.repeat(np.arange(3), 3)
    cor = np.outer(LOADINGS, LOADINGS) * BETWEEN[home[:, None], home]
    np.fill_diagonal(cor, 1)
    samples = 800 if n == 400 else 300
    x = np.random.default_rng(7).normal(size=(samples, n, 9)) @ np.linalg.cholesky(cor).T
    task, pairs = prepared(FACTORS, (-20, 20), consistent=True), np.triu_indices(3, 1)

    def told(cov, *, geometric=False):
        deviation = np.sqrt(np.einsum("iid->id", cov))
        r = np.abs(cov / deviation[:, None] / deviation)
        if geometric:
            return np.exp(ratios(task.plans[0], np.log(r), geometric=True))[pairs]
        return ratios(task.plans[0], r)[pairs]

    measures = {
        "paths": (3, lambda _, s: s.paths[[1, 2, 2], [0, 0, 1]]),
        "loadings": (3, lambda _, s: s.loadings),
        "htmt": (3, lambda cov, _: told(cov)),
        "htmt2": (3, lambda cov, _: told(cov, geometric=True)),
    }
    truth = {"paths": [0.6, 0.2, 0.5], "loadings": LOADINGS, "htmt2": [0.6, 0.5, 0.62]}
    truth["htmt"] = told(cor[:, :, None])[:, 0]
    found = covered(intervals(x, weighed(samples, n, weight), task, measures), truth)
    names = {
        "paths": "path, consistent PLS",
        "loadings": "loading, consistent PLS",
        "htmt": "HTMT",
        "htmt2": "HTMT2",
    }
    for name, share in found.items():
        tell_coverage(names[name], customers(n, weight), share.mean(), samples)
    assert_held(found)


@cache
def population() -> Result:
    return csi.fit(Sample(answers(400_000, seed=99), draws=1, cluster="channel"), SMALL)


@pytest.mark.coverage
@pytest.mark.parametrize(("n", "weight"), [(400, False), (400, True), (50, False), (50, True)])
def test_index_paths_importance_and_r2(n, weight, tell_coverage):
    big = population()
    x = np.stack([answers(n, 1000 + k)[SMALL.items].to_numpy() for k in range(250)])
    measures = {
        "table": (1, lambda _, s: s.index),
        "paths": (3, lambda _, s: s.paths[[1, 2, 2], [0, 1, 0]]),
        "importance": (3, lambda _, s: s.importance[:1]),
        "r2": (3, lambda _, s: s.r2[1:], True),
    }
    truth = {name: getattr(big, name)["estimate"].to_numpy() for name in measures}
    if n == 400:
        plan = plan_of(SMALL)
        measures["f2"] = (3, lambda cov, s: _inflation(plan, _cor(cov), s)[1])
        truth["f2"] = csi.validity(Sample(answers(150_000, seed=98), draws=1), SMALL).f2["estimate"]
        truth["f2"] = truth["f2"].to_numpy()
    w = weighed(250, n, weight)
    found = covered(intervals(x, w, prepared(SMALL, (1, 10)), measures), truth)
    names = {
        "table": "PLS index",
        "paths": "path, PLS",
        "importance": "importance (IPMA)",
        "r2": "R² of a construct, PLS",
        "f2": "f², PLS",
    }
    for name, share in found.items():
        tell_coverage(names[name], customers(n, weight), share.mean(), len(x))
    assert_held(found)


@pytest.mark.coverage
def test_what_is_predicted_of_new_people_lies_in_its_interval(tell_coverage):
    """Q²predict of a fit, beside how well that fit foretells 20,000 others."""
    new, held = answers(20_000, seed=77)[SMALL.items].to_numpy(float), []
    for k in range(100):
        rows = answers(100, 3000 + k)
        table = csi.predict(Sample(rows, draws=300, seed=k), SMALL, repeats=2).table
        task, total = prepare(rows, SMALL), moments.of(rows, SMALL.items).total()
        (solved,), _ = estimate(task)
        slopes = _slopes(task.plans[0], total.cov[..., None], solved, "direct")[..., 0]
        error = ((new - total.mean - (new - total.mean) @ slopes) ** 2).mean(1)
        q2 = 1 - (error[0] / error[2])[[SMALL.items.index(term) for term in table["term"]]]
        held.append((table["low"] <= q2) & (q2 <= table["high"]))
    tell_coverage("Q²predict", "100 customers", np.mean(held), len(held))
    assert abs(np.mean(held) - 0.95) <= 0.03, np.mean(held, axis=0)


@pytest.mark.coverage
def test_index_of_the_made_up_company(tell_coverage):
    truth = pd.Series(generator.TRUTH["population"]["index"])
    model = csi.Model(generator.CONSTRUCTS, preset="ecsi12")
    rows = [generator.survey(400, seed=5000 + k)[model.items] for k in range(240)]
    x = np.stack([r.to_numpy(float) for r in rows])
    measures = {"index": (1, lambda _, s: s.index)}
    found = intervals(x, weighed(240, 400, False), prepared(model, (1, 10)), measures)
    found = covered(found, {"index": truth[list(model.constructs)].to_numpy()})
    tell_coverage("PLS index, ECSI model", customers(400, False), found["index"].mean(), 240)
    assert_held(found)


@pytest.mark.coverage
def test_a_model_that_holds_is_refused_by_its_srmr_5_times_in_100(tell_coverage):
    home, refused, times = np.repeat(np.arange(3), 3), 0, 100
    cor = np.outer(LOADINGS, LOADINGS) * BETWEEN[home[:, None], home]
    np.fill_diagonal(cor, 1)
    for k in range(times):
        x = np.random.default_rng(k).normal(size=(200, 9)) @ np.linalg.cholesky(cor).T
        sample = Sample(pd.DataFrame(x, columns=FACTORS.items), draws=99, seed=k)
        srmr = csi.validity(sample, FACTORS, Options(scales=WIDE, consistent=True)).srmr
        refused += srmr["p"].iloc[1] <= 0.05
    tell_coverage(
        "rate of false alarms, SRMR of a model that holds",
        "200 customers",
        refused / times,
        times,
        0.05,
    )
    assert refused / times <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / times)


@pytest.mark.coverage
def test_differences_of_groups_hold_at_once_and_are_seldom_found_where_there_are_none(
    tell_coverage,
):
    truth, kept, found, times = population_gaps(), 0, 0, 50
    for k in range(times):
        rows = grouped(300, 3000 + k)
        table = csi.compare(
            Sample(rows, draws=300, seed=k), SMALL, "channel", permutations=59
        ).table
        low, high = table["simultaneous_low"], table["simultaneous_high"]
        kept += ((low <= truth) & (truth <= high)).all()
        found += bool(table["p"].iloc[0] <= 0.05)  # the first two groups are alike
    error = np.sqrt(0.05 * 0.95 / times)
    of = "300 customers, groups"
    tell_coverage("differences of the PLS index of groups, simultaneous", of, kept / times, times)
    tell_coverage("rate of false findings, permutation MGA", of, found / times, times, 0.05)
    assert abs(kept / times - 0.95) <= 0.02 + error, kept / times
    assert found / times <= 0.05 + 2 * error, found / times


def grouped(n: int, seed: int) -> pd.DataFrame:
    """Answers of three groups, of which the third is less satisfied."""
    rows = answers(n, seed).assign(channel=lambda r: np.array(["a", "b", "c"])[r.index % 3])
    third = rows["channel"] == "c"
    rows.loc[third, ["s1", "s2"]] = (rows.loc[third, ["s1", "s2"]] - 1).clip(1, 10)
    return rows


def population_gaps() -> np.ndarray:
    rows = grouped(150_000, 99).assign(bucket=lambda r: r.index % 50)
    index = csi.fit_by(Sample(rows, cluster="bucket", draws=1), SMALL, "channel").table["estimate"]
    return np.array([index[0] - index[1], index[0] - index[2], index[1] - index[2]])


@pytest.mark.slow
def test_samples_worked_on_together_have_the_intervals_of_a_fit():
    rows = answers(80)
    x, w = rows[SMALL.items].to_numpy()[None], rows["weight"].to_numpy()[None]
    measures = {"index": (1, lambda _, s: s.index)}
    low, high = intervals(x, w, prepared(SMALL, (1, 10)), measures)["index"]
    table = csi.fit(Sample(rows, weight="weight", draws=DRAWS), SMALL).table
    assert_allclose(low[0], table["low"], atol=1e-4)
    assert_allclose(high[0], table["high"], atol=1e-4)
