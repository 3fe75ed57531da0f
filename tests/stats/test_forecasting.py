"""Forecasts of points with known sampling variance."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm

from cxlib.stats import forecasting
from cxlib.stats.forecasting import forecast

Y = np.array([20.0, 26.0, 19.0, 24.0, 30.0, 27.0])


def fixed(monkeypatch: pytest.MonkeyPatch, step: float, seasonal: float = 0.0, scatter=0.0) -> None:
    """Variances that are known, in place of those averaged over."""
    sizes = iter([[step], [seasonal], [scatter]])
    monkeypatch.setattr(forecasting, "_variances", lambda *_: np.array(next(sizes)))


def test_a_level_that_never_moves_is_the_weighted_mean(monkeypatch) -> None:
    fixed(monkeypatch, 0.0)
    variance = np.array([1.0, 2, 1, 4, 2, 1])
    found = forecast(Y, variance, range(6), [6, 9], variance_ahead=3.0)
    mean, error = np.average(Y, weights=1 / variance), 1 / (1 / variance).sum()
    assert found.mean == pytest.approx([mean, mean])
    assert found.levels[0] == pytest.approx([error, error])
    assert found.variances[0] == pytest.approx([error + 3, error + 3])


def test_with_huge_steps_the_last_point_is_the_forecast(monkeypatch) -> None:
    fixed(monkeypatch, 1e7)
    found = forecast(Y, np.ones(6), range(6), [6, 8])
    assert found.mean == pytest.approx([27, 27], abs=1e-4)
    assert found.levels[0] == pytest.approx([1e7 + 1, 3e7 + 1], rel=1e-6)


def test_the_local_level_model_of_statsmodels_says_the_same(monkeypatch) -> None:
    """Durbin and Koopman's Nile: variances 15,099 and 1,469.1; the year after is 798.4."""
    nile = sm.datasets.nile.load_pandas().data["volume"].to_numpy(float)
    model = sm.tsa.UnobservedComponents(nile, "llevel", use_exact_diffuse=True)
    there = model.smooth([15099.0, 1469.1]).get_forecast(3)
    fixed(monkeypatch, 1469.1)
    found = forecast(nile, np.full(100, 15099.0), range(100), [100, 101, 102])
    assert found.mean == pytest.approx(np.asarray(there.predicted_mean), rel=1e-6)
    assert found.variances[0] == pytest.approx(np.asarray(there.var_pred_mean), rel=1e-6)
    assert round(found.mean[0], 1) == 798.4


def test_the_answer_is_the_same_in_another_unit_and_order_of_size() -> None:
    one = forecast(Y, np.full(6, 4.0), range(6), [6])
    other = forecast(100 * Y + 7, np.full(6, 40000.0), range(6), [6])
    assert other.mean == pytest.approx(100 * one.mean + 7)
    assert other.interval()[1] == pytest.approx(100 * one.interval()[1] + 7)


def test_a_missing_wave_makes_two_steps_of_one() -> None:
    gap = forecast([*Y[:3], np.nan, *Y[4:]], np.ones(6), range(6), [6])
    same = forecast(Y[[0, 1, 2, 4, 5]], np.ones(5), [0, 1, 2, 4, 5], [6])
    assert gap.mean == pytest.approx(same.mean)


@pytest.mark.slow
def test_seasons_come_back() -> None:
    """Three years of quarters that differ by season alone, nearly without error."""
    seasons = np.tile([10.0, 20, 15, 30], 3)
    found = forecast(seasons, np.full(12, 0.25), range(12), range(12, 16), period=4)
    assert found.mean == pytest.approx([10, 20, 15, 30], abs=1.0)
    without = forecast(seasons, np.full(12, 0.25), range(12), range(12, 16))
    width = np.subtract(*found.interval()[::-1]), np.subtract(*without.interval()[::-1])
    assert (width[0] < width[1] / 2).all()


def test_the_probability_agrees_with_the_interval() -> None:
    found = forecast(Y, np.full(6, 4.0), range(6), [6, 7])
    low, high = found.interval()
    assert found.exceeds(float(high[0]), measured=True)[0] == pytest.approx(0.025, abs=1e-6)
    assert found.exceeds(float(low[1]), measured=True)[1] == pytest.approx(0.975, abs=1e-6)


@pytest.mark.parametrize(
    ("y", "variance", "places", "says"),
    [
        ([1.0, 2.0], [1.0, 1.0], [0, 1], "2 points"),
        ([1.0, 2.0, 3.0], [1.0, 0.0, 1.0], [0, 1, 2], "1 sampling variances"),
        ([1.0, 2.0, 3.0], [1.0, 1.0, 1.0], [0, 2, 1], "must rise"),
    ],
)
def test_what_cannot_be_forecast_is_refused(y, variance, places, says) -> None:
    with pytest.raises(ValueError, match=says):
        forecast(y, variance, places, [9])


@pytest.mark.coverage
@pytest.mark.parametrize("waves", [5, 12])
@pytest.mark.parametrize("step", [0.0, 0.5, 2.0])  # of the level, in standard errors
def test_intervals_cover_the_next_wave(waves: int, step: float, tell_coverage) -> None:
    rng, hits = np.random.default_rng(waves), []
    for _ in range(250):
        variance = rng.uniform(0.5, 2, waves + 1)
        y = np.cumsum(rng.normal(0, step, waves + 1)) + rng.normal(0, np.sqrt(variance))
        known = forecast(
            y[:-1], variance[:-1], range(waves), [waves], variance_ahead=float(variance[-1])
        )
        low, high = known.interval()
        hits.append(low[0] <= y[-1] <= high[0])
    of = f"{waves} waves, step of {step} standard errors"
    tell_coverage("score of the next wave, forecast", of, np.mean(hits), len(hits))
    assert np.mean(hits) >= 0.92  # 0.95 less two standard errors of 250
