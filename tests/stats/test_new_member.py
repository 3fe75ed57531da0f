"""What a new member of a kind is expected to be: by hand, laws, and coverage."""

from __future__ import annotations

import numpy as np
import pytest

from cxlib.stats.new_member import predict_new


def test_measured_without_error_the_interval_is_that_of_a_new_observation():
    """With one kind and tiny sampling errors it is near mean ± t·s·√(1 + 1/k)."""
    from scipy.stats import t

    y = np.random.default_rng(3).normal(2, 1, 30)
    found = predict_new(y, np.full(30, 1e-2), ["a"] * 30, ["a"])
    reach = t.ppf(0.975, 29) * y.std(ddof=1) * np.sqrt(1 + 1 / 30)
    assert found.mean[0] == pytest.approx(y.mean(), abs=0.01)
    assert found.high[0] - found.mean[0] == pytest.approx(reach, rel=0.05)


def test_the_mean_of_a_kind_shrinks_by_hand():
    """Given both variances the mean is the best linear predictor: checked at one pair by hand."""
    from cxlib.stats.new_member import _given

    y, v = np.array([4.0, 2.0, 0.0]), np.ones(3)
    alike = np.array([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]])
    to_new, one = np.array([[1.0], [1], [0]]), np.ones(1)
    _loglik, centre, spread = _given(y, v, alike, to_new, one, one)
    # variances of the kinds' means: (1 + 1)/2 + 1 = 2 and (1 + 1) + 1 = 3: mu = (3/2)/(1/2 + 1/3)
    mu = (3 / 2 + 0 / 3) / (1 / 2 + 1 / 3)
    assert centre[0, 0] == pytest.approx(mu + (1 / 2) * (3 - mu))  # weight b / (b + (v + a)/2)
    assert spread[0, 0] ** 2 == pytest.approx(1 + 1 - 1 / 2 + (1 - 1 / 2) ** 2 / (5 / 6))


def test_more_error_shrinks_a_kind_more_towards_the_mean_of_all():
    y, kinds = [5.0, 5.0, 1.0, 1.0, 0.0, 0.0], list("aabbcc")
    means = [predict_new(y, np.full(6, v), kinds, ["a"]).mean[0] for v in (0.1, 4.0, 40.0)]
    assert 5 > means[0] > means[1] > means[2] > 2


def test_a_kind_nobody_measured_gets_the_mean_of_all_and_a_wider_interval():
    y, kinds = [5.0, 5.2, 1.0, 1.1, 0.0, 0.2], list("aabbcc")
    found = predict_new(y, np.full(6, 0.01), kinds, ["a", "new"])
    assert found.mean[1] == pytest.approx(np.mean(y), abs=0.1)
    assert found.high[1] - found.low[1] > 1.5 * (found.high[0] - found.low[0])
    assert found.between > found.within
    alone = predict_new(y, np.full(6, 0.01), ["a"] * 6, ["a", "new"])
    assert np.isfinite(alone.mean[0]) and np.isnan([alone.mean[1], alone.low[1]]).all()


def test_order_and_units_change_nothing():
    y, v, kinds = np.array([3.0, 1, 0.5, -1]), np.array([0.5, 0.2, 0.3, 0.4]), list("abab")
    found = predict_new(y, v, kinds, ["a"])
    turned = predict_new(y[::-1], v[::-1], kinds[::-1], ["a"])
    scaled = predict_new(10 * y, 100 * v, kinds, ["a"])
    assert turned.low == pytest.approx(found.low) and scaled.high == pytest.approx(10 * found.high)


@pytest.mark.parametrize("given", [([1.0], [1.0]), ([1.0, 2.0, 3.0], [1.0, 0.0, 1.0])])
def test_too_few_or_without_errors_is_refused(given):
    with pytest.raises(ValueError):
        predict_new(*given, ["a"] * len(given[0]), ["a"])


@pytest.mark.coverage
@pytest.mark.parametrize(("members", "spread"), [(2, 0.8), (4, 0.8), (12, 0.8), (12, 0.2)])
def test_a_new_member_lies_in_its_interval_95_times_in_100(members, spread, tell_coverage):
    """Measured with 300 runs: 98% of 4 members, 96% of 12, 99.7% where these differ little."""
    rng, inside, runs = np.random.default_rng(5), 0, 100
    kinds = [["process", "policy", "product"][i % 3] for i in range(members)]
    for _run in range(runs):
        means = dict(zip(("process", "policy", "product"), rng.normal(1, 1, 3), strict=True))
        error = rng.uniform(0.3, 0.9, members)
        true = np.array([means[k] for k in kinds]) + spread * rng.standard_normal(members)
        y = true + error * rng.standard_normal(members)
        found = predict_new(y, error**2, kinds, ["process"])
        inside += found.low[0] <= means["process"] + spread * rng.standard_normal() <= found.high[0]
    of = f"{members} actions, spread {spread}"
    tell_coverage("effect of a new action, prediction interval", of, inside / runs, runs)
    assert inside / runs >= 0.92
