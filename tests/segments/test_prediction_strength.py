"""Prediction strength: by hand, laws, and the numbers that Tibshirani and Walther find again."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.cluster import KMeans

from cxlib import segments
from cxlib.core.sample import Sample
from cxlib.segments.prediction_strength import pairs_together


def three_groups(n: int, seed: int = 1, apart: float = 5.0) -> pd.DataFrame:
    """Three normal groups in two dimensions, with their customer and a weight."""
    rng = np.random.default_rng(seed)
    middle = np.array([[0, 0], [0, apart], [apart, -apart / 2]])[rng.integers(3, size=n)]
    rows = pd.DataFrame(middle + rng.normal(size=(n, 2)), columns=["x", "y"])
    return rows.assign(weight=rng.uniform(0.5, 2, n), who=np.arange(n) // 2)


# --- truth by hand, and a second way


@pytest.mark.parametrize(
    ("own", "other", "strength"),
    [
        ([0, 0, 0, 1, 1], [5, 5, 5, 2, 2], 1.0),  # names do not matter
        ([0, 0, 0, 1, 1], [0, 0, 1, 1, 1], 1 / 3),  # one pair of three
        ([0, 0, 1, 1], [0, 1, 1, 1], 0.0),
        ([0, 0, 1], [0, 0, 1], 0.0),  # a group of one has no pair
    ],
)
def test_the_share_of_pairs_by_hand(own, other, strength):
    own, other = np.array(own), np.array(other)
    assert pairs_together(own, other, np.ones(len(own))) == pytest.approx(strength)
    assert pairs_together(own, other, np.full(len(own), 3.0)) == pytest.approx(strength)


def test_it_is_the_count_of_every_pair_of_scikit_learn_s_segments():
    x = three_groups(120)[["x", "y"]].to_numpy()
    one, two = x[:60], x[60:]
    for k in (2, 3, 4):
        centre = KMeans(k, n_init=10, random_state=1).fit(one)
        own = KMeans(k, n_init=10, random_state=1).fit_predict(two)
        other = centre.predict(two)
        shares = []
        for group in range(k):
            inside = np.flatnonzero(own == group)
            pairs = [other[a] == other[b] for a in inside for b in inside if a < b]
            shares.append(np.mean(pairs) if pairs else 0.0)
        assert pairs_together(own, other, np.ones(60)) == pytest.approx(min(shares))


# --- laws and recovery


@pytest.mark.slow
@pytest.mark.parametrize("how", [{}, {"weight": "weight"}, {"cluster": "who"}])
@pytest.mark.parametrize("n", [150])
def test_three_groups_are_found_and_the_reader_is_told(n, how):
    fit = segments.prediction_strength(Sample(three_groups(n), **how), ["x", "y"], most=4, splits=4)
    assert fit.k == 3 and fit.table["k"].tolist() == [1, 2, 3, 4]
    assert str(fit).startswith("3 segments")
    assert fit.table["estimate"].between(0, 1).all() and fit.table["estimate"][0] == 1
    assert f"{fit.table['estimate'][2]:.2f}" in fit.finding.detail


@pytest.mark.slow
def test_a_cloud_without_groups_has_one():
    rows = pd.DataFrame(np.random.default_rng(3).uniform(size=(200, 10)))
    rows.columns = [f"x{i}" for i in range(10)]
    fit = segments.prediction_strength(Sample(rows), list(rows), most=4, splits=4)
    assert fit.k == 1 and str(fit).startswith("No number of segments")


@pytest.mark.slow
def test_units_and_order_of_features_do_not_matter():
    rows = three_groups(100)
    one = segments.prediction_strength(Sample(rows), ["x", "y"], most=4, splits=4)
    two = segments.prediction_strength(
        Sample(rows.assign(x=100 * rows["x"] + 7)), ["x", "y"], most=4, splits=4
    )
    assert_allclose(one.table["estimate"], two.table["estimate"])


@pytest.mark.parametrize("how", [{"most": 1}, {"splits": 1}])
def test_too_few_segments_or_splits_are_refused(how):
    with pytest.raises(ValueError, match="2 or more"):
        segments.prediction_strength(three_groups(60), ["x", "y"], **how)


@pytest.mark.slow
@pytest.mark.parametrize("n", [100])
def test_the_true_number_is_found_in_most_samples(n):
    found = [
        segments.prediction_strength(
            Sample(three_groups(n, 100 + k), seed=k), ["x", "y"], most=4, splits=4
        ).k
        for k in range(8)
    ]
    assert np.mean(np.array(found) == 3) >= 0.75
