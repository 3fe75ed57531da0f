"""Charts whose baseline adapts: by hand, what was known then, published run lengths, its rates."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from cxlib.stats import control_charts
from cxlib.stats.adaptive_charts import ACCEPT, adaptive_chart, usual_swing

PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "trends.json").read_text("utf-8"))


def plain(*y: float, **how: float):
    return adaptive_chart(np.array(y, float), np.eye(len(y)), np.ones(len(y)), **how)


def test_each_wave_is_held_against_the_mean_of_those_before():
    chart = plain(1, 2, 3, 2)
    assert_allclose(chart.centre, [np.nan, 1, 1.5, 2])
    assert_allclose(chart.z, [np.nan, 1 / np.sqrt(2), 1.5 / np.sqrt(1.5), 0])
    assert_allclose(chart.error[1:], np.sqrt([1 + 1, 1 + 1 / 2, 1 + 1 / 3]))


def test_a_gain_is_the_new_baseline_after_two_waves_and_a_fall_is_not():
    gain = plain(0, 0, 0, 9, 9, 9)
    assert list(gain.side) == [0, 0, 0, 1, 1, 0] and gain.centre[5] == 9
    fall = plain(0, 0, 0, -9, -9, -9)
    assert list(fall.side) == [0, 0, 0, -1, -1, -1] and (fall.since[3:] == 3).all()
    assert (fall.centre[1:] == 0).all() and list(fall.alarms) == [False] * 3 + [True, False, False]
    long = plain(0, 0, *[-9] * (ACCEPT + 1))
    assert list(long.side) == [0, 0] + [-1] * ACCEPT + [0]
    assert long.centre[-1] == -9


def test_an_event_of_one_wave_leaves_the_baseline_as_it_was():
    chart = plain(0, 0, 0, -12, 0, 0)
    assert list(chart.side) == [0, 0, 0, -1, 0, 0]
    assert (chart.centre[1:] == 0).all() and (chart.down[4:] == 0).all()


def test_a_slow_fall_is_dated_by_its_sum_and_leaves_the_baseline():
    chart = plain(*[0] * 8, -2.2, -2.2, -2.2, -2.2)
    assert list(chart.side[8:]) == [0, 0, -1, -1] and list(chart.since[10:]) == [8, 8]
    assert chart.centre[11] == 0  # waves that were thought in control are taken out again


def test_a_wave_that_is_not_judged_is_in_no_baseline():
    chart = plain(0, np.nan, 1, 0)
    assert np.isnan(chart.z[1]) and chart.centre[2] == 0 and chart.centre[3] == 0.5
    assert list(chart.baseline) == [True, False, True, False]


@pytest.mark.parametrize("seed", range(5))
def test_a_chart_made_then_says_what_one_made_now_says_of_then(seed):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=16) + np.repeat(rng.normal(0, 3, 4), 4)
    root = rng.normal(size=(16, 16)) / 8
    covariance, weight = np.eye(16) + root @ root.T, rng.uniform(0.5, 2, 16)
    now = adaptive_chart(y, covariance, weight)
    for t in range(2, 16):
        then = adaptive_chart(y[:t], covariance[:t, :t], weight[:t])
        for part in ("z", "side", "since", "up", "down"):
            assert_allclose(getattr(then, part), getattr(now, part)[:t])


def test_scale_and_origin_change_nothing():
    y = np.random.default_rng(3).normal(size=(20, 12)).cumsum(-1)
    one = adaptive_chart(y, np.eye(12), np.ones(12))
    other = adaptive_chart(10 * y + 3, 100 * np.eye(12), 5 * np.ones(12))
    assert_allclose(other.z, one.z)
    assert (other.side == one.side).all()


@pytest.mark.slow
def test_with_a_known_baseline_a_shift_is_found_as_soon_as_published():
    """Of a first wave without error the sums are those of Page; its run length has tables."""
    case = PUBLISHED["cusum"]["shifted_run"]
    y = np.random.default_rng(1).normal(-case["shift"], 1, (1500, 50))
    y[:, 0] = 0
    errors, weight = np.r_[1e-12, np.ones(49)], np.r_[1e15, np.ones(49)]
    alarms = adaptive_chart(y, np.diag(errors), weight, width=np.inf).alarms
    assert control_charts.DECISION == 4 and alarms.any(1).all()
    assert_allclose(alarms.argmax(1).mean(), case["4"], rtol=0.06)


@pytest.mark.slow
def test_alarms_without_a_change_are_as_rare_as_stated():
    y = np.random.default_rng(2).normal(size=(10_000, 12))
    chart = adaptive_chart(y, np.eye(12), np.ones(12))
    assert_allclose((np.abs(chart.z[:, 1:]) > 3).mean(), 0.0027, atol=0.0005)
    assert 0.002 < chart.alarms[:, 1:].mean() < 0.004  # falls alone: limits .00135, sums the rest
    assert_allclose(np.corrcoef(chart.z[:, 1:].T)[np.triu_indices(11, 1)], 0, atol=0.07)


def test_a_series_that_sampling_alone_moves_has_no_swing():
    z = np.random.default_rng(4).normal(size=100_000)
    assert_allclose(usual_swing(z), 1, atol=0.02)
    assert_allclose(usual_swing(4 * z), 4, rtol=0.02)
