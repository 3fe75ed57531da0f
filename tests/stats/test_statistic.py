"""Statistics of one's own: the same draws, weights and clusters as those of the package."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxlib import drivers, stats, weights
from cxlib.core.sample import Sample
from cxlib.drivers import shapley_values
from cxlib.stats import estimators, resampling

MARGINS = {"channel": {"web": 0.6, "phone": 0.2, "shop": 0.2}}


@pytest.fixture
def sample(responses: pd.DataFrame) -> Sample:
    return Sample(responses, weight="weight", cluster="customer_id", draws=200)


def mean(rows: pd.DataFrame, w: np.ndarray) -> float:
    return np.average(rows["speed"], weights=w)


@pytest.mark.slow
def test_a_weighted_mean_has_the_interval_that_the_package_gives_it(sample) -> None:
    fit = stats.bootstrap(sample, mean, finding="Speed is 6.", unit="scale")
    w, y = sample.weights, sample["speed"].to_numpy()
    units = resampling.resampling_units(sample)
    known = estimators.ratio((w * y)[:, None], w[:, None], draws=200, clusters=units)
    np.testing.assert_allclose(fit.replicates, known.replicates)
    np.testing.assert_allclose(fit.table["estimate"], known.estimate)
    assert str(fit) == "Speed is 6." and fit.table["n"].tolist() == [500]


def test_weights_are_raked_again_in_every_draw(responses) -> None:
    raked = weights.weigh(
        Sample(responses, draws=50), {"channel": {"web": 0.6, "phone": 0.2, "shop": 0.2}}
    )
    share = stats.bootstrap(raked, lambda rows, w: w[rows["channel"] == "web"].sum() / w.sum())
    np.testing.assert_allclose(share.replicates, 0.6, atol=1e-6)


@pytest.mark.slow
def test_named_numbers_are_terms_and_must_stay_the_same(sample) -> None:
    fit = stats.bootstrap(sample, lambda rows, w: rows[["speed", "price"]].mean())
    assert fit.table["term"].tolist() == ["speed", "price"]
    with pytest.raises(ValueError, match="Return the same names"):
        stats.bootstrap(sample, lambda rows, w: rows.groupby("response_id")["speed"].mean())


def test_a_draw_without_an_answer_is_left_out(sample) -> None:
    def sometimes(rows, w):
        if len(rows) % 2:
            raise ZeroDivisionError
        return len(rows)

    even = sample.with_data(sample.data.iloc[: len(sample) // 2 * 2])
    lost = np.isnan(stats.bootstrap(even, sometimes).replicates)
    assert 0 < lost.mean() < 1


def test_an_importance_method_of_ones_own_takes_covariances(sample) -> None:
    names = ["speed", "price", "staff"]
    own = drivers.importance(sample, "recommend", names, method=shapley_values.johnson)
    assert own == drivers.importance(sample, "recommend", names, method="johnson")
    with pytest.raises(ValueError, match="a number for each driver"):
        drivers.importance(sample, "recommend", names, method=lambda cov: cov)


def test_a_weighed_frame_is_saved_as_parquet(sample, tmp_path) -> None:
    raked = weights.weigh(sample, MARGINS)
    raked.data.to_parquet(tmp_path / "rows.parquet")
    again = pd.read_parquet(tmp_path / "rows.parquet")
    np.testing.assert_allclose(again[raked.weight], raked.weights)
