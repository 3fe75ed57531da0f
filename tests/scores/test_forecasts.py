"""Forecasts of a score over the next waves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxlib import scores
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.data.schema import Target

QUARTERS = [f"{year}-Q{k}" for year in (2024, 2025, 2026) for k in (1, 2, 3, 4)]


def answers(means: list[float], n: int = 200, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [
        pd.DataFrame({"wave": wave, "recommend": rng.normal(mean, 2.5, n).round().clip(0, 10)})
        for wave, mean in zip(QUARTERS, means, strict=False)
    ]
    return pd.concat(rows, ignore_index=True)


def test_a_steady_score_is_forecast_at_its_mean() -> None:
    sample = Sample(answers([7.5] * 7), draws=200)
    found = scores.forecast(scores.trend(sample), waves=2)
    everybody = scores.nps(sample).table["estimate"].iloc[0]
    assert found.table["wave"].tolist() == ["2025-Q4", "2026-Q1"]
    assert found.table["estimate"].iloc[0] == pytest.approx(everybody, abs=4)
    assert found.table["low"].iloc[0] < everybody < found.table["high"].iloc[0]
    widths = found.table["high"] - found.table["low"]
    assert widths.is_monotonic_increasing  # the further ahead the less is known


@pytest.mark.slow
def test_earlier_waves_are_forecast_from_the_waves_before_them_alone() -> None:
    rows = answers([7.5, 7.4, 7.6, 7.5, 5.0, 5.1])
    found = scores.forecast(scores.trend(Sample(rows, draws=200)))
    assert found.earlier["wave"].tolist() == ["2025-Q1", "2025-Q2"]
    assert found.earlier["within"].iloc[0] == "no"  # nobody foresaw the fall
    cut = rows[rows["wave"] < "2025-Q2"]
    again = scores.forecast(scores.trend(Sample(cut, draws=200)))
    kept = found.earlier.iloc[0][["forecast", "forecast_low", "forecast_high"]]
    assert again.earlier.iloc[0][kept.index].astype(float).tolist() == pytest.approx(kept.tolist())


@pytest.mark.slow
def test_what_happened_once_is_no_season() -> None:
    rows = answers([7.5, 7.5, 7.5, 7.5, 7.5, 5.5, 7.5, 7.5], n=400)
    fit = scores.trend(Sample(rows, draws=200))
    signals = fit.limits.set_index("wave")["signal"]
    assert signals["2025-Q2"] == "below" and signals["2025-Q3"] != "below"
    found = scores.forecast(fit, waves=4)
    ahead = found.table.set_index("wave")["estimate"]
    usual = fit.table.set_index("wave")["estimate"].drop("2025-Q2")
    assert ahead["2026-Q2"] == pytest.approx(usual.mean(), abs=4)  # with it, -30 points lower
    assert "2025-Q2 is left out" in found.notes
    # The wave after it was forecast when nobody knew that it would pass.
    earlier = found.earlier.set_index("wave")["forecast"]
    assert earlier["2025-Q3"] < ahead["2026-Q2"] - 5


@pytest.mark.slow
def test_a_level_that_stays_low_is_forecast() -> None:
    fit = scores.trend(Sample(answers([7.5, 7.5, 7.5, 7.5, 7.5, 7.5, 5.5, 5.5], n=400), draws=200))
    found = scores.forecast(fit, waves=1)
    assert "left out" not in found.notes
    last = fit.table["estimate"].iloc[-1]
    assert found.table["estimate"].iloc[0] == pytest.approx(last, abs=15)


@pytest.mark.slow
def test_a_target_out_of_reach_is_the_finding() -> None:
    trend = scores.trend(Sample(answers([7.0] * 6), draws=200))
    far = scores.forecast(trend, target=Target(value=60))
    assert far.table["reaches_target"].iloc[0] < 0.01 and far.finding.notable
    assert "unlikely to reach its target of +60" in str(far)
    near = scores.forecast(trend, target=Target(value=-60))
    assert near.table["reaches_target"].iloc[0] > 0.99 and not near.finding.notable
    most = scores.forecast(trend, target=Target(value=60, direction="at most"))
    assert most.table["reaches_target"].iloc[0] > 0.99


@pytest.mark.slow
def test_an_interval_ends_where_the_score_does() -> None:
    rows = answers([9.8] * 5, n=40)
    for measure in ("nps", scores.Measure("csat", (0, 10)), scores.Measure("mean", (0, 10))):
        found = scores.forecast(scores.trend(Sample(rows, draws=200), measure=measure))
        best = {"nps": 100, "csat": 1, "mean": 10}[found.finding.measure.split(":")[0]]
        assert (found.table["high"] <= best).all()


@pytest.mark.slow
def test_seasons_need_two_years() -> None:
    means = [6.0, 8.5, 7.0, 8.0] * 3
    found = scores.forecast(scores.trend(Sample(answers(means), draws=200)), waves=4)
    assert found.table["estimate"].idxmin() == 0 and found.table["estimate"].idxmax() == 1
    assert "with seasons" in found.notes
    short = scores.forecast(scores.trend(Sample(answers(means[:6]), draws=200)))
    assert "without seasons" in short.notes


@pytest.mark.slow
def test_few_waves_and_many_scores_are_refused() -> None:
    sample = Sample(answers([7.5] * 4), draws=200)
    with pytest.raises(InsufficientData, match="5 waves"):
        scores.forecast(scores.trend(sample))
    rows = answers([7.5] * 6).assign(region=np.tile(["a", "b"], 600))
    with pytest.raises(ValueError, match="one score"):
        scores.forecast(scores.trend(Sample(rows, draws=200), by="region"))


@pytest.mark.slow
def test_the_probability_of_a_target_says_that_it_is_of_the_true_level() -> None:
    """Its spread lacks the sampling error, so it is not the one that the interval implies."""
    trend = scores.trend(Sample(answers([7.0] * 6), draws=50))
    detail = scores.forecast(trend, target=Target(value=60)).finding.detail
    assert "true level, without the sampling error that the interval includes, meets" in detail
