"""Results: intervals, draws of whole customers, and what a reader may see of small groups."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from cxlib.core import context, display
from cxlib.core.columns import MEASURES
from cxlib.core.result import Result
from cxlib.core.sample import Sample
from cxlib.stats import intervals, moments, resampling


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "channel": ["web", "shop", "phone"],
            "term": "recommend",
            "estimate": [31.25, -4.0, 12.0],
            "low": [28.0, -60.5, -40.5],
            "high": [34.0, 52.5, 60.0],
            "n": [4812, 9, 5],
        }
    )


def test_a_percentile_interval_by_hand():
    low, high = intervals.percentile_interval(np.arange(1.0, 1000)[:, None])
    assert_allclose([low[0], high[0]], [25, 975])  # of 999 draws, the 25th from either end


def test_an_interval_of_few_draws_covers_as_often_as_one_of_many():
    """Another draw lies in the interval of 79 in 95 of 100: it leaves out 4 of 80 places."""
    drawn = np.random.default_rng(3).normal(size=(80, 20_000))
    low, high = intervals.percentile_interval(drawn[:79])
    inside = (low <= drawn[79]) & (drawn[79] <= high)
    assert_allclose(inside.mean(), 0.95, atol=4 * np.sqrt(0.05 * 0.95 / 20_000))


def test_failed_draws_stay_out_of_the_interval_and_are_counted():
    draws = np.arange(1001.0)[:, None]
    with_failures = np.concatenate([draws, np.full((50, 1), np.nan)])
    assert_allclose(
        intervals.percentile_interval(with_failures), intervals.percentile_interval(draws)
    )
    assert (intervals.failed_draws(with_failures), intervals.failed_draws(draws)) == (50, 0)


def test_no_draws_give_no_interval():
    assert np.isnan(intervals.percentile_interval(np.empty((0, 3)))).all()


def test_a_tidy_table_has_groups_in_front():
    draws = np.random.default_rng(1).normal(size=(200, 2))
    tidy = intervals.estimates_table(["speed", "price"], [0.1, 0.2], draws, 40, wave="2026-Q1")
    assert list(tidy.columns) == ["wave", *MEASURES]
    assert (tidy["low"] < tidy["high"]).all() and (tidy["n"] == 40).all()


def test_intervals_at_once_are_wider_than_each_alone():
    draws = np.random.default_rng(2).normal(size=(4000, 10)) * np.arange(1, 11)
    low, high = intervals.simultaneous_interval(np.zeros(10), draws)
    # The 95% point of the largest of ten absolute normals is 2.80.
    assert_allclose(high / np.arange(1, 11), 2.80, atol=0.12)
    assert_allclose(low, -high)


def test_one_term_at_once_is_the_term_alone():
    draws = np.random.default_rng(3).normal(size=(4000, 1))
    assert_allclose(intervals.simultaneous_interval(np.zeros(1), draws)[1], 1.96, atol=0.08)


def test_terms_that_no_draw_gives_or_that_never_vary_have_no_interval():
    draws = np.random.default_rng(4).normal(size=(100, 3))
    draws[:, 1], draws[:, 2] = np.nan, 5.0
    low, _ = intervals.simultaneous_interval(np.array([0, np.nan, 5.0]), draws)
    assert_array_equal(np.isnan(low), [False, True, True])


@given(st.floats(0.5, 0.999), st.integers(2, 9))
def test_a_higher_level_is_a_wider_interval(level, terms):
    draws = np.random.default_rng(5).normal(size=(300, terms))
    narrow, wide = (intervals.percentile_interval(draws, at) for at in (level - 0.1, level))
    assert (wide[0] <= narrow[0]).all() and (wide[1] >= narrow[1]).all()


def test_few_units_are_asked_for_a_higher_level():
    assert (
        intervals.expanded_level(10)
        > intervals.expanded_level(100)
        > intervals.expanded_level(10_000)
        > 0.95
    )
    assert_allclose(intervals.expanded_level(1e7), 0.95, atol=1e-6)


@pytest.mark.slow
def test_the_bootstrap_finds_the_standard_error_of_a_mean(responses):
    draws = resampling.bootstrap(responses, lambda rows: [rows["speed"].mean()], draws=2000)
    expected = responses["speed"].std(ddof=0) / np.sqrt(len(responses))
    assert draws.shape == (2000, 1)
    assert_allclose(draws.std(), expected, rtol=0.05)


@pytest.mark.slow
def test_customers_are_drawn_whole():
    rows = pd.DataFrame({"customer": list("abbccc"), "one": 1.0})

    def visits(sample: pd.DataFrame) -> list[float]:
        drawn = sample["customer"].value_counts()
        assert drawn.get("b", 0) % 2 == 0 and drawn.get("c", 0) % 3 == 0
        return [drawn.get(name, 0) for name in "abc"]

    draws = resampling.bootstrap(rows, visits, by="customer", draws=200)
    customers = (draws / [1, 2, 3]).sum(1)
    assert_allclose([np.nanmean(customers), np.nanvar(customers)], 3, rtol=0.2)


def test_rows_draws_and_sums_draws_are_the_same_draws(responses):
    rows = responses.sort_values("customer_id")
    by_rows = resampling.bootstrap(
        rows, lambda sample: [sample["speed"].mean()], by="customer_id", draws=50, seed=4
    )
    by_sums = moments.of(Sample(rows, cluster="customer_id"), ["speed"]).resample(50, 4).mean
    assert_allclose(by_rows, by_sums)


@pytest.mark.slow
def test_a_row_without_a_customer_is_drawn_alone():
    rows = pd.DataFrame({"customer": ["a", None, None], "x": [0.0, 1.0, 2.0]})
    draws = resampling.bootstrap(
        rows, lambda sample: [(sample["x"] == 1).sum(), (sample["x"] == 2).sum()], by="customer"
    )
    assert (draws[:, 0] != draws[:, 1]).any()


def test_the_same_seed_gives_the_same_draws(responses):
    first, again, other = (
        resampling.bootstrap(responses, lambda r: [r["speed"].mean()], draws=5, seed=s)
        for s in (1, 1, 2)
    )
    assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_draw_that_cannot_be_computed_is_nan_and_other_errors_are_not_hidden(responses):
    def sometimes(rows: pd.DataFrame) -> list[float]:
        if rows.index.duplicated().sum() % 2:
            raise ZeroDivisionError
        return [1.0, 2.0]

    draws = resampling.bootstrap(responses, sometimes, draws=40)
    assert draws.shape == (40, 2) and 0 < intervals.failed_draws(draws) < 40
    with pytest.raises(KeyError):
        resampling.bootstrap(responses, lambda rows: [rows["sped"].mean()], draws=2)


@pytest.mark.parametrize(
    ("rows", "how", "message"),
    [
        (pd.DataFrame({"x": []}), {}, "no rows to draw from"),
        (pd.DataFrame({"x": [1.0]}), {"by": "customer"}, "no column 'customer'.*They have: x"),
        (pd.DataFrame({"x": [1.0]}), {"draws": 0}, "draws is 0"),
    ],
)
def test_what_cannot_be_drawn_is_said(rows, how, message):
    with pytest.raises(ValueError, match=message):
        resampling.bootstrap(rows, lambda sample: [sample["x"].mean()], **how)


def test_small_cells_are_blank_where_shown_and_whole_in_the_result(table):
    hidden = display.hide_small_cells(table.assign(promoters=[0.5, 0.4, 0.3], waves=[3, 4, 5]))
    assert hidden.loc[1, ["estimate", "low", "high", "promoters", "waves"]].isna().all()
    assert list(hidden["n"]) == [4812, 9, 5] and hidden.loc[1, "channel"] == "shop"
    assert_allclose(hidden.loc[0, ["estimate", "low", "high"]].astype(float), [31.25, 28, 34])
    assert table.loc[1, "estimate"] == -4.0


def test_the_smallest_cell_is_the_page_s(table):
    context.begin(smallest_cell=5)
    assert display.hide_small_cells(table)["estimate"].notna().all()
    assert display.hide_small_cells(table, 10)["estimate"].isna().sum() == 2


def test_a_table_without_n_is_shown_as_it_is():
    counts = pd.DataFrame({"term": ["a"], "estimate": [3.0]})
    assert display.hide_small_cells(counts) is counts


def test_a_reader_sees_rounded_numbers_and_no_small_n(table):
    shown = display.display_table(table, "points")
    assert list(shown["estimate"]) == ["31.2", "–", "–"]
    assert list(shown["n"]) == ["4,812", "<10", "<10"]


def test_a_reader_sees_shares_as_percentages_and_labels(table):
    context.begin(labels={"web": "Web site", "recommend": "Recommendation", "channel": "Where"})
    shown = display.display_table(table.assign(estimate=[0.413, 0.2, 0.1]), "share")
    assert shown["estimate"].iloc[0] == "41%"
    assert shown.iloc[0, 0] == "Web site" and shown["term"].iloc[0] == "Recommendation"
    assert "Where" in shown


def test_a_result_prints_its_sentence_and_shows_no_small_cell(table):
    fit = Result(table, "NPS 31 <b>points</b>.", "Left out: 3.", "points")
    assert str(fit) == "NPS 31 <b>points</b>."
    html = fit._repr_html_()
    assert "&lt;b&gt;" in html and "Left out: 3." in html and "60.5" not in html


def test_a_result_cannot_be_changed(table):
    with pytest.raises(dataclasses.FrozenInstanceError):
        Result(table, "").notes = "other"


def test_a_single_hidden_group_takes_the_next_smallest_with_it() -> None:
    table = pd.DataFrame(
        {
            "region": ["a", "b", "c"],
            "term": "nps",
            "estimate": [1.0, 2.0, 3.0],
            "low": 0.0,
            "high": 4.0,
            "n": [7, 50, 90],
        }
    )
    hidden = display.hide_small_cells(table, 10)["estimate"].isna()
    assert hidden.tolist() == [True, True, False]
    two_small = display.hide_small_cells(table.assign(n=[7, 8, 90]), 10)
    assert two_small["estimate"].isna().tolist() == [True, True, False]


def test_what_no_draw_could_estimate_has_no_quantile_and_no_warning():
    draws = np.array([[1.0, np.nan], [2.0, np.nan], [np.nan, np.nan]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_allclose(intervals.draw_quantile(draws, 0.5), [1.5, np.nan])
        assert_allclose(intervals.draw_quantile(draws, [0.5, 0.5])[1], [1.5, np.nan])
