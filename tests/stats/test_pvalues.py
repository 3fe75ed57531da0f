"""Adjusted p-values against the textbook procedures, by hand."""

import gc

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from statsmodels.stats.multitest import multipletests

from cxlib.stats import intervals, pvalues

P = np.array([0.01, 0.04, 0.03, 0.005])


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("holm", [0.03, 0.06, 0.06, 0.02]),
        ("benjamini-hochberg", [0.02, 0.04, 0.04, 0.02]),
        ("benjamini-yekutieli", np.array([0.02, 0.04, 0.04, 0.02]) * (1 + 1 / 2 + 1 / 3 + 1 / 4)),
    ],
)
def test_adjusted_p_values_are_those_of_the_papers(method, expected):
    assert_allclose(pvalues.adjusted(P, method), expected)
    assert_allclose(pvalues.adjusted(np.array([P, P]), method), [expected, expected])


@pytest.mark.slow
def test_holm_is_that_of_statsmodels_and_collects_no_garbage(monkeypatch):
    p = np.random.default_rng(5).uniform(size=(2, 2, 30)).round(2) ** 3  # with ties, 0 and 1
    theirs = [[multipletests(row, method="holm")[1] for row in block] for block in p]
    monkeypatch.setattr(gc, "collect", lambda *_: pytest.fail("all objects were looked through"))
    assert_array_equal(pvalues.adjusted(p), theirs)


def test_a_missing_p_value_stays_missing_and_counts_as_a_test():
    assert_allclose(pvalues.adjusted(np.array([0.01, np.nan])), [0.02, np.nan])
    assert pvalues.adjusted(np.array([])).size == 0


def test_the_wilson_interval_is_the_formula():
    share, n, z = np.linspace(0, 1, 11), np.linspace(0.5, 400, 11), 1.959963984540054
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    low, high = intervals.wilson_interval(share, n)
    assert_allclose(low, np.maximum(middle - reach, 0), atol=1e-12)
    assert_allclose(high, np.minimum(middle + reach, 1), atol=1e-12)


def test_the_wilson_interval_of_nobody_is_empty():
    low, high = intervals.wilson_interval(np.array([np.nan]), np.array([0.0]))
    assert np.isnan([low, high]).all()
