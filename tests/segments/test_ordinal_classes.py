"""Latent classes of ordinal answers: by hand, laws, another maximiser, known classes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import check_grad, minimize
from scipy.special import log_softmax, logsumexp

from cxlib import segments
from cxlib.core.sample import Sample
from cxlib.stats import adjacent_logit, mixture_em, mixture_refits
from cxlib.stats.mixture_em import Sheet, Solution

ALPHA = np.array([[0, 0.5, 0.3, -0.5], [0, 0.2, -0.4, -1.8], [0, 1.0, 1.2, 0.1]])
SLOPES = np.array([1.2, 0.8, 1.6])
SCORES = (1.0, 2.0, 3.0, 4.0)


def answered(n: int, seed: int, items: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Two classes (60%, 40%), the second with higher answers from 1 to 4 to each question."""
    rng = np.random.default_rng(seed)
    kind = (rng.random(n) > 0.6).astype(int)
    columns = []
    for i in range(items):
        up = np.exp(ALPHA[i % 3] + SLOPES[i % 3] * kind[:, None] * np.arange(4))
        edges = (up / up.sum(1, keepdims=True)).cumsum(1)
        columns.append((rng.random((n, 1)) > edges).sum(1))
    return kind, np.column_stack(columns)


def sheet(x: np.ndarray, scores=SCORES, w: np.ndarray | None = None, levels: int = 4) -> Sheet:
    w = np.ones(len(x)) if w is None else w
    return mixture_em.sheet_of([(c, levels) for c in x.T], w, scores=[scores] * x.shape[1])


def located(own: Sheet, found: Solution) -> np.ndarray:
    """Locations of the classes but the first, the largest, (items, k - 1)."""
    sums = found.sums[np.argsort(-found.sums[:, 0]), 1:]
    return np.array([adjacent_logit.locations(sums[:, b.at], b.scores) for b in own.blocks])


def minus_likelihood(theta: np.ndarray, x: np.ndarray, w: np.ndarray, k: int) -> float:
    """Of the observed answers, from the definition: shares, then thresholds and locations."""
    log = np.concatenate([[0], theta[: k - 1]])
    log = np.broadcast_to(log - logsumexp(log), (len(x), k)).copy()
    for i, own in enumerate(theta[k - 1 :].reshape(x.shape[1], -1)):
        alpha, beta = np.append(0, own[:3]), np.append(0, own[3:])
        p = log_softmax(alpha + beta[:, None] * np.array(SCORES), axis=1)
        log += np.where(x[:, i, None] >= 0, p.T[x[:, i]], 0)
    return -w @ logsumexp(log, axis=1)


def parameters(own: Sheet, sums: np.ndarray) -> np.ndarray:
    share, part = np.log(sums[1:, 0] / sums[0, 0]), []
    for block in own.blocks:
        log = np.log(sums[:, 1:][:, block.at])
        beta = adjacent_logit.locations(sums[:, 1:][:, block.at], SCORES)
        part += [*(log[0, 1:] - log[0, 0]), *beta]
    return np.concatenate([share, part])


# By hand


def test_a_location_is_the_log_odds_of_neighbouring_levels() -> None:
    counts = np.array([[[4.0, 2, 1], [1, 2, 4]]])  # the log-odds of each step: -log 2, +log 2
    found = adjacent_logit.fitted(counts, (0, 1, 2), counts)
    assert_allclose(found, counts, rtol=1e-7)
    assert_allclose(adjacent_logit.locations(found, (0, 1, 2)), [[2 * np.log(2)]])
    assert_allclose(adjacent_logit.locations(found, (0, 10, 20)), [[np.log(2) / 5]])


def test_expected_counts_keep_the_sums_of_levels_classes_and_scores() -> None:
    n = np.random.default_rng(1).uniform(1, 50, (5, 3, 4))
    scores = (1.0, 2.0, 3.0, 5.0)
    found = adjacent_logit.fitted(n, scores, np.ones_like(n))
    assert_allclose(found.sum(-1), n.sum(-1), rtol=1e-8)
    assert_allclose(found.sum(-2), n.sum(-2), rtol=1e-7)
    assert_allclose(found @ scores, n @ scores, rtol=1e-7)
    # One location a class: its log-odds over a step are alike up to what all classes share.
    apart = np.diff(np.log(found[:, 1:]) - np.log(found[:, :1]), axis=-1) / np.diff(scores)
    assert_allclose(apart, np.broadcast_to(apart[..., :1], apart.shape), rtol=1e-6)


def test_classes_at_the_ends_of_the_scale_have_finite_locations() -> None:
    n = np.array([[[10.0, 0, 0], [0, 0, 10]], [[10, 0, 0], [0, 0, 0]], [[5, 5, 0], [2, 8, 0]]])
    found = adjacent_logit.fitted(n, (0, 1, 2), n)
    assert np.isfinite(found).all()
    assert_allclose(found, n, atol=1e-3)
    assert np.isfinite(adjacent_logit.locations(found, (0, 1, 2))).all()


def test_parameters_are_thresholds_and_a_location_of_each_class_but_one() -> None:
    own = sheet(answered(50, 1)[1])
    assert [own.parameters(k) for k in (1, 2, 3)] == [6 * 3, 1 + 6 * 4, 2 + 6 * 5]
    facts = mixture_refits.criteria(own, mixture_em.best(own, 2, 3, 1), 50)
    assert_allclose(facts["BIC"], -2 * facts["log-likelihood"] + 25 * np.log(50))


# Laws


def test_of_two_levels_it_is_the_nominal_model() -> None:
    x = (answered(400, 2)[1] > 1).astype(int)
    w = np.random.default_rng(1).gamma(2, 1, 400)
    nominal, ordinal = (sheet(x, s, w, levels=2) for s in ((), (0.0, 1.0)))
    assert nominal.parameters(3) == ordinal.parameters(3)
    one, two = (mixture_em.best(s, 2, 10, 1, close=1e-9) for s in (nominal, ordinal))
    assert_allclose(one.loglik, two.loglik, atol=1e-6)
    assert_allclose(np.sort(one.sums[:, 0]), np.sort(two.sums[:, 0]), rtol=1e-3)


@pytest.mark.slow
def test_likelihood_lies_between_independence_and_the_nominal_model() -> None:
    _, x = answered(300, 3)
    rough = np.where(np.random.default_rng(1).random(x.shape) < 0.1, -1, x)  # gaps
    nominal, ordinal = sheet(rough, ()), sheet(rough)
    alone = [mixture_em.best(s, 1, 1, 1).loglik for s in (nominal, ordinal)]
    assert_allclose(*alone, rtol=1e-10)
    for k in (2, 3):
        found = mixture_em.best(ordinal, k, 12, 1)
        above = mixture_em.best(nominal, k, 12, 1, near=found.sums)
        assert alone[0] + 1 < found.loglik < above.loglik - 1


def test_no_step_goes_down() -> None:
    own = sheet(answered(300, 4)[1])
    sums, before = mixture_em.random_starts(own, 3, 6, 1, own.weight), -np.inf
    for _ in range(30):
        sums, height = mixture_em.step(own, sums, own.weight)
        assert (height >= before - 1e-7).all()
        before = height


def test_turning_the_scale_mirrors_the_locations() -> None:
    _, x = answered(400, 5)
    own, turned = sheet(x), sheet(3 - x)
    one, two = (mixture_em.best(s, 2, 10, 1, close=1e-9) for s in (own, turned))
    assert_allclose(one.loglik, two.loglik, atol=1e-6)
    assert_allclose(located(own, one), -located(turned, two), atol=2e-3)


def test_scores_of_another_unit_change_the_unit_of_locations_alone() -> None:
    _, x = answered(300, 6)
    own, wide = sheet(x), sheet(x, (0.0, 10.0, 20.0, 30.0))
    one, two = (mixture_em.best(s, 2, 10, 1) for s in (own, wide))
    assert_allclose(one.loglik, two.loglik, rtol=1e-10)
    assert_allclose(located(own, one), 10 * located(wide, two), rtol=1e-6)


def test_a_weight_of_two_is_the_row_twice() -> None:
    _, x = answered(300, 7)
    w = np.where(np.arange(300) < 100, 2.0, 1.0)
    both = sheet(x, w=w), sheet(np.concatenate([x, x[:100]]))
    assert_allclose(*(mixture_em.best(s, 2, 10, 1).loglik for s in both), rtol=1e-9)


# Another maximiser


@pytest.mark.slow
@pytest.mark.parametrize("k", [2, 3])
def test_no_search_of_the_observed_likelihood_climbs_higher(k: int) -> None:
    rng = np.random.default_rng(k)
    _, x = answered(400, 8, items=4)
    x, w = np.where(rng.random(x.shape) < 0.1, -1, x), rng.gamma(2, 1, 400)
    own = sheet(x, w=w)
    found = mixture_em.best(own, k, 12, 1, close=1e-10)
    theta, at = parameters(own, found.sums), (x, w, k)
    assert_allclose(-minus_likelihood(theta, *at), found.loglik, rtol=1e-9)
    flat = check_grad(minus_likelihood, lambda t, *_: np.zeros(len(t)), theta, *at)
    away = check_grad(minus_likelihood, lambda t, *_: np.zeros(len(t)), theta + 0.1, *at)
    assert flat < 0.05 < 1 < away
    again = minimize(minus_likelihood, theta, args=at, method="BFGS", options={"maxiter": 40})
    assert -again.fun < found.loglik + 1e-3


# Known classes, through the public function


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    kind, x = answered(1500, 9)
    found = pd.DataFrame(x + 1, columns=[f"q{i}" for i in range(6)]).assign(kind=kind)
    names = np.array(["poor", "fair", "good", "excellent"])
    found["q5"] = pd.Categorical(names[x[:, 5]], names, ordered=True)
    return found


@pytest.fixture(scope="module")
def fit(rows: pd.DataFrame):
    features = [f"q{i}" for i in range(6)]
    choice = segments.Choice(k=2, most=2, draws=5)
    return segments.fit(
        Sample(rows, draws=60), features, model="classes", choice=choice, ordinal=features
    )


def test_known_locations_are_found(rows: pd.DataFrame, fit) -> None:
    found = fit.locations
    assert found["term"].tolist() == [f"q{i}" for i in range(6)]
    truth = np.tile(SLOPES, 2)
    assert_allclose(found["estimate"], truth, atol=0.3)
    assert ((found["simultaneous_low"] < truth) & (truth < found["simultaneous_high"])).all()
    assert (found["low"] > 0).all() and set(found["reference"]) == {fit.table["term"][0]}
    assert_allclose(fit.table["estimate"], [0.6, 0.4], atol=0.06)
    assert fit.choice.query("chosen")["parameters"].item() == 1 + 6 * 4
    placed = segments.score(rows, fit).data["segment"] - 1
    assert (placed == rows["kind"]).mean() > 0.85
    inside = segments.memberships(rows, fit)
    assert_allclose(inside.mean(0), fit.table["estimate"], atol=1e-3)


@pytest.mark.slow
def test_tests_of_the_fit_keep_answers_ordinal(rows: pd.DataFrame, fit) -> None:
    few = rows.head(400)
    found = segments.goodness_of_fit(few, fit, simulations=9).table.set_index("term")
    assert found.loc["G²", "df"] == 4**6 - 1 - 25
    assert found.loc["G²", "p"] > 0.1
    assert segments.likelihood_ratio(few, fit, simulations=9).table["p"].item() == 0.1


@pytest.mark.slow
def test_two_levels_of_text_or_numbers_may_be_called_ordinal() -> None:
    x = answered(200, 10)[1] > 1
    flags = pd.DataFrame(x, columns=list("abcdef")).assign(a=x[:, 0].astype(int))
    flags["b"] = np.where(x[:, 1], "yes", "no")
    choice = segments.Choice(k=2, most=2, draws=3)
    fits = [
        segments.fit(
            Sample(flags, draws=5), list(flags), model="classes", choice=choice, ordinal=ordinal
        )
        for ordinal in ([], list(flags))
    ]
    one, two = (f.choice["log-likelihood"].item() for f in fits)
    assert one == pytest.approx(two, abs=1e-4)
    assert "locations" not in fits[0].tables and (fits[1].locations["estimate"] > 0).all()


@pytest.mark.parametrize(
    ("ordinal", "model", "message"),
    [
        (["text"], "classes", "order is not known"),
        (["number"], "classes", "300 different values"),
        (["absent"], "classes", "no features"),
        ("q0", "classes", r"write ordinal=\['q0'\]"),
        (["q0"], "k-means", "for latent classes"),
    ],
)
def test_ordinal_features_need_an_order_and_classes(rows, ordinal, model, message) -> None:
    some = rows.head(300).assign(text=["a", "b", "c"] * 100, number=np.arange(300) / 7)
    with pytest.raises(ValueError, match=message):
        segments.fit(some, ["q0", "q1", "text", "number"], model=model, ordinal=ordinal)
