"""Partial pooling: published shrinkage, closed forms, coverage, and no wrong names in leagues."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.stats import gamma

from cxlib.stats.partial_pooling import partial_pooling

# Batting averages of 18 players after 45 at bats in 1970 and in the rest of the season; Efron and
# Morris (1975; 1977) shrink by c = .212 to the grand mean .265.
HITS = np.array([18, 17, 16, 15, 14, 14, 13, 12, 11, 11, 10, 10, 10, 10, 10, 9, 8, 7]) / 45
SEASON = np.array(
    [0.346, 0.298, 0.276, 0.222, 0.273, 0.270, 0.263, 0.210, 0.269, 0.230]
    + [0.264, 0.256, 0.303, 0.264, 0.226, 0.285, 0.316, 0.200]
)
SCHOOLS = np.array([28.0, 8, -3, 7, -1, 1, 18, 12]), np.array([15.0, 10, 16, 11, 9, 11, 10, 18])


def test_baseball_shrinks_as_the_truncated_james_stein_estimator():
    k, mean = len(HITS), HITS.mean()
    variance, squares = mean * (1 - mean) / 45, ((HITS - mean) ** 2).sum()
    assert_allclose(1 - (k - 3) * variance / squares, 0.212, atol=0.001)  # as published
    # Under the flat prior 1 / (V + A) is a gamma variable that cannot be above 1 / V.
    cut = [gamma.cdf(1 / variance, (k - d) / 2, scale=2 / squares) for d in (1, 3)]
    expected = 1 - variance * (k - 3) / squares * cut[0] / cut[1]
    fit = partial_pooling(HITS, np.full(k, variance))
    assert_allclose((fit.mean - mean) / (HITS - mean), expected, rtol=1e-4)
    error = [((e - SEASON) ** 2).sum() for e in (HITS, fit.mean)]
    assert error[0] > 2.5 * error[1]  # 3.5 times with c = .212


@pytest.mark.slow
def test_eight_schools_as_by_monte_carlo():
    """The same posterior by weighting draws of the mean and of A."""
    y, error = SCHOOLS
    rng = np.random.default_rng(1)
    part = rng.uniform(0, 1, 400_000)
    a = 400 * part / (1 - part)
    total = 1 / (error**2 + a[:, None])
    centre = (y * total).sum(1) / total.sum(1)
    loglik = 0.5 * np.log(total).sum(1) - 0.5 * np.log(total.sum(1))
    loglik -= 0.5 * (total * (y - centre[:, None]) ** 2).sum(1)
    chance = np.exp(loglik) / (1 - part) ** 2
    mean = rng.normal(centre, 1 / np.sqrt(total.sum(1)))
    kept = a[:, None] / (a[:, None] + error**2)
    true = rng.normal(mean[:, None] + kept * (y - mean[:, None]), error * np.sqrt(kept))
    fit = partial_pooling(y, error**2)
    assert_allclose(fit.mean, np.average(true, weights=chance, axis=0), atol=0.15)
    assert_allclose(fit.below(0.0), np.average(true < 0, weights=chance, axis=0), atol=0.01)
    lower = np.average(true < fit.low, weights=chance, axis=0)
    upper = np.average(true > fit.high, weights=chance, axis=0)
    assert_allclose(np.stack([lower, upper]), 0.025, atol=0.004)
    gap = true - true.mean(1, keepdims=True)
    assert_allclose(fit.below(), np.average(gap < 0, weights=chance, axis=0), atol=0.01)


def test_independent_estimates_are_a_diagonal_covariance_and_units_scale():
    y, error = SCHOOLS
    fit, same = partial_pooling(y, error**2), partial_pooling(y, np.diag(error**2))
    assert_allclose(fit.mean, same.mean)
    larger = partial_pooling(100 * y + 5, 1e4 * error**2)
    assert_allclose(larger.mean, 100 * fit.mean + 5)
    assert_allclose(larger.low, 100 * fit.low + 5)
    assert_allclose(larger.below(5.0), fit.below(0.0))


def test_estimates_that_share_an_error_are_not_told_apart_by_it():
    y, own = np.array([1.0, 2, 3, 4, 5]), np.full(5, 0.5)
    shared = partial_pooling(y, np.diag(own) + 4)
    assert_allclose(shared.below(), partial_pooling(y, own).below(), atol=1e-6)


@pytest.mark.parametrize(
    ("y", "variance", "message"),
    [
        (np.ones(3), np.ones(3), "needs 4 groups"),
        (np.ones(4), np.array([1.0, 1, 1, 0]), "variance above 0"),
    ],
)
def test_what_cannot_be_pooled(y, variance, message):
    with pytest.raises(ValueError, match=message):
        partial_pooling(y, variance)


@pytest.mark.coverage
@pytest.mark.parametrize("groups", [5, 10, 30])
@pytest.mark.parametrize("between", [0.0, 0.1, 0.3])
def test_intervals_cover_and_few_leagues_have_a_wrong_name(groups, between, tell_coverage):
    rng, covered, named = np.random.default_rng(groups), [], []
    for _league in range(300):
        variance = 1 / rng.integers(5, 101, groups)
        true = rng.normal(0, between, groups)
        fit = partial_pooling(rng.normal(true, np.sqrt(variance)), variance)
        covered.append(((fit.low < true) & (true < fit.high)).mean())
        for standard, least in ((None, true.mean()), (0.0, 0.0)):
            wrong = fit.certainly_below(standard) & (true >= least - 1e-12)
            named.append(wrong.any())
    of = f"{groups} groups, between {between}"
    tell_coverage("mean of a group, partial pooling", of, np.mean(covered), len(covered))
    tell_coverage(
        "rate of false names in a league, partial pooling", of, np.mean(named), len(covered), 0.05
    )
    assert np.mean(covered) >= 0.93
    assert np.mean(named) < 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(named))


@pytest.mark.slow
def test_most_units_exactly_at_the_standard_and_one_far_below():
    """The normal model foresees no such league; the tests keep the others from being named."""
    rng, named, found = np.random.default_rng(3), [], []
    for _league in range(300):
        variance, true = 1 / rng.integers(5, 101, 20), np.r_[-1.0, np.zeros(19)]
        below = partial_pooling(rng.normal(true, np.sqrt(variance)), variance).certainly_below(0.0)
        named.append(below[1:].any())
        found.append(below[0])
    assert np.mean(named) < 0.075
    assert np.mean(found) > 0.8


@pytest.mark.slow
def test_nested_groups_are_those_of_a_two_level_model_over_a_grid():
    """Posterior means and variances of y | theta, theta | parent by the textbook formulas."""
    y, v = np.array([3.0, 5, 4, 9, 11, 7]), np.array([1.0, 2, 4, 1, 2, 3])
    parent, k = list("aaabbb"), 6
    fit = partial_pooling(y, v, parent=parent)
    alike = np.equal.outer(parent, parent) * 1.0
    (n1, n2), scale = (400, 400), v.mean() + y.var()
    u1, u2 = (np.arange(n1) + 0.5) / n1, (np.arange(n2) + 0.5) / n2
    weight, mean, square = 0.0, np.zeros(k), np.zeros(k)
    one = np.ones(k)
    for p2 in u2[::8]:
        a2 = v.mean() / 3 * p2 / (1 - p2)
        for p1 in u1[::8]:
            a1 = scale * p1**2 / (1 - p1)
            prior = p1 * (2 - p1) / (1 - p1) ** 2
            true = a1 * np.eye(k) + a2 * alike
            w = np.linalg.inv(true + np.diag(v))
            total = one @ w @ one
            mu = one @ w @ y / total
            q = (y - mu) @ w @ (y - mu)
            p = prior * np.sqrt(np.linalg.det(w) / total) * np.exp(-q / 2)
            centre = mu + true @ w @ (y - mu)
            gain = one - true @ w @ one
            var = np.diag(true - true @ w @ true) + gain**2 / total
            weight, mean, square = weight + p, mean + p * centre, square + p * (var + centre**2)
    assert_allclose(fit.mean, mean / weight, atol=0.02)
    spread = np.sqrt((fit.spread**2 + fit.centre**2) @ fit.chance - fit.mean**2)
    assert_allclose(spread, np.sqrt(square / weight - (mean / weight) ** 2), rtol=0.02)


def test_a_group_that_says_nothing_is_moved_to_its_parent_not_to_the_mean_of_all():
    y = np.array([2.0, 2.1, 1.9, 2.0, 9.0, 9.1, 8.9, 5.5])
    v = np.full(8, 0.01)
    v[-1] = 400.0
    nested = partial_pooling(y, v, parent=list("aaaabbbb"))
    assert abs(nested.mean[-1] - 9) < 0.3
    assert abs(partial_pooling(y, v).mean[-1] - y[:-1].mean()) < 1.5  # without parents


def test_two_groups_of_one_parent_are_pooled_by_a_proper_prior():
    fit = partial_pooling(np.array([0.0, 1.0]), np.array([1.0, 1.0]), parent=["a", "a"])
    assert 0 < fit.mean[0] < 0.5 < fit.mean[1] < 1
    assert np.isfinite(fit.low).all() and np.isfinite(fit.high).all()
    with pytest.raises(ValueError, match="needs 2 groups"):
        partial_pooling(np.array([0.0]), np.array([1.0]), parent=["a"])


@pytest.mark.coverage
def test_nested_leagues_of_equal_units_name_none_wrongly_in_95_of_100(tell_coverage):
    rng, wrong = np.random.default_rng(5), []
    parent = np.repeat(np.arange(4), 5)
    for _league in range(150):
        v = rng.uniform(0.05, 2, 20)
        fit = partial_pooling(rng.normal(0, np.sqrt(v)), v, parent=list(parent))
        wrong.append(fit.certainly_below(0.0).any() or fit.certainly_below().any())
    tell_coverage(
        "rate of false names in a league, partial pooling",
        "4 groups of 5 equal units",
        np.mean(wrong),
        len(wrong),
        0.05,
    )
    assert np.mean(wrong) < 0.05


@pytest.mark.coverage
def test_intervals_of_nested_groups_cover(tell_coverage):
    rng, covered = np.random.default_rng(6), []
    parent = np.repeat(np.arange(5), 4)
    for _league in range(60):
        v = rng.uniform(0.1, 2, 20)
        true = rng.normal(0, 1, 5)[parent] + rng.normal(0, 0.5, 20)
        fit = partial_pooling(rng.normal(true, np.sqrt(v)), v, parent=list(parent))
        covered.append(((fit.low <= true) & (true <= fit.high)).mean())
    tell_coverage(
        "mean of a group, partial pooling", "5 groups of 4 units", np.mean(covered), len(covered)
    )
    assert 0.93 <= np.mean(covered) <= 0.98
