"""Customers lost: counts by month, their forecast, and how often it covers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxlib import churn
from cxlib.core.errors import InsufficientData
from cxlib.stats.forecasting import forecast_counts


def leaving(counts: list[int]) -> pd.DataFrame:
    """Customers of whom so many leave on the 15th of each month from February 2024."""
    months = pd.date_range("2024-02-01", periods=len(counts), freq="MS") + pd.Timedelta(days=14)
    left = pd.DatetimeIndex(np.repeat(months.to_numpy(), counts))
    return pd.DataFrame({"left_on": [*left, *[pd.NaT] * 100], "joined_on": pd.Timestamp("2020")})


@pytest.mark.slow
def test_a_steady_loss_goes_on() -> None:
    fit = churn.losses_forecast(leaving([40] * 20), "2025-09-30")
    first = fit.table.iloc[0]
    assert list(fit.table["month"]) == ["2025-10", "2025-11", "2025-12", "2026-01"]
    assert abs(first["estimate"] - 40) < 2 and first["low"] < 40 < first["high"]
    assert (fit.earlier["within"] == "yes").all() and len(fit.earlier) == 8
    # 800 of 900 customers have left: 40 of the 100 who are there.
    assert "of 100 customers" in fit.finding.detail


@pytest.mark.slow
def test_the_month_that_is_not_over_is_not_counted() -> None:
    fit = churn.losses_forecast(leaving([40] * 20 + [3]), "2025-09-20")
    assert fit.history["month"].iloc[-1] == "2025-08"
    assert fit.table["month"].iloc[0] == "2025-09"


def test_a_leaving_that_is_known_ahead_is_not_counted() -> None:
    rows = leaving([30] * 15)
    ahead = pd.DataFrame({"left_on": [pd.Timestamp("2027-01-01")] * 50})
    fit = churn.losses_forecast(pd.concat([rows, ahead]), "2025-04-30")
    assert fit.history["estimate"].sum() == 450


def test_few_months_are_too_few() -> None:
    with pytest.raises(InsufficientData, match="12 complete months"):
        churn.losses_forecast(leaving([40] * 8), "2024-08-31")


@pytest.mark.slow
def test_seasons_are_forecast() -> None:
    mean, _low, _high = forecast_counts(([20] * 6 + [80] * 6) * 3, 12, period=12)
    assert mean[6:].mean() > 2 * mean[:6].mean()


@pytest.mark.coverage
def test_intervals_of_counts_cover_as_often_as_they_say(tell_coverage) -> None:
    rng = np.random.default_rng(4)
    held = []
    for _turn in range(100):
        level = 40 * np.exp(np.cumsum(rng.normal(0, 0.05, 25)))
        counts = rng.poisson(level).astype(float)
        _mean, low, high = forecast_counts(counts[:24], 1)
        held.append(low[0] <= counts[24] <= high[0])
    tell_coverage("customers lost next month, forecast", "24 months", np.mean(held), len(held))
    assert 0.89 <= np.mean(held) <= 1
