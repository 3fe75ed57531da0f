"""Sums: laws that must hold whatever the answers are."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from cxlib.core.sample import Sample
from cxlib.stats import moments, resampling

COLUMNS = ["recommend", "speed", "price", "staff"]


def gappy(responses: pd.DataFrame) -> pd.DataFrame:
    """The answers with a fifth of speed and of price missing."""
    rng = np.random.default_rng(3)
    rows = responses.copy()
    for column in ("speed", "price"):
        rows[column] = rows[column].where(rng.random(len(rows)) > 0.2)
    return rows


def test_the_total_is_what_pandas_says(responses):
    total = moments.of(responses, COLUMNS).total()
    assert_allclose(total.mean, responses[COLUMNS].mean())
    assert_allclose(total.cov, responses[COLUMNS].cov(ddof=0))
    assert_allclose(total.cor, responses[COLUMNS].corr())


def test_a_weight_of_two_is_the_row_twice(responses):
    first = responses.index < 100
    weighted = moments.of(Sample(responses.assign(w=1 + first), weight="w"), COLUMNS)
    repeated = moments.of(pd.concat([responses, responses[first]]), COLUMNS)
    assert_allclose(weighted.total().cov, repeated.total().cov)


@pytest.mark.parametrize("missing", moments.MISSING)
def test_clusters_change_the_draws_and_not_the_total(responses, missing):
    rows = gappy(responses)
    alone = moments.of(Sample(rows, weight="weight"), COLUMNS, missing=missing)
    whole = moments.of(
        Sample(rows, weight="weight", cluster="customer_id"), COLUMNS, missing=missing
    )
    assert_allclose(alone.total().cov, whole.total().cov)
    assert len(np.unique(whole.keys)) < len(np.unique(alone.keys))


@pytest.mark.parametrize("missing", moments.MISSING)
def test_a_draw_is_the_sum_over_the_drawn_rows(responses, missing):
    rows = gappy(responses)
    sums = moments.of(Sample(rows, weight="weight"), COLUMNS, missing=missing)
    third = sums.resample(5, seed=4)
    times = resampling.multiplicities(resampling.keys_of(rows), 5, seed=4)[3]
    kept = rows.notna().all(axis=1) if missing == "complete" else rows["speed"].notna() | True
    again = rows.iloc[np.repeat(np.arange(len(rows)), times * kept)]
    expected = moments.of(Sample(again, weight="weight"), COLUMNS, missing=missing).total()
    near = 1e-3 if missing == "em" else 1e-7
    assert_allclose(third.cov[3], expected.cov, rtol=near)
    assert_allclose(third.mean[3], expected.mean, rtol=near)
    assert third.rows[3] == expected.rows


def test_two_waves_added_are_both_at_once(responses):
    early, late = (part for _, part in responses.groupby("wave"))
    origin = np.full(4, 5.0)
    both = moments.of(early, COLUMNS, origin=origin) + moments.of(late, COLUMNS, origin=origin)
    assert_allclose(both.total().cov, moments.of(responses, COLUMNS).total().cov)
    with pytest.raises(ValueError, match="same columns and origin"):
        moments.of(early, COLUMNS, origin=origin) + moments.of(late, COLUMNS, origin=origin + 1)


def test_pairwise_uses_the_rows_that_give_both(responses):
    rows = gappy(responses)
    cov = moments.of(rows, COLUMNS, missing="pairwise").total().cov
    both = rows[["speed", "price"]].dropna()
    assert_allclose(cov[1, 2], both.cov(ddof=0).loc["speed", "price"])
    assert_allclose(cov[1, 1], rows["speed"].var(ddof=0))


def test_large_numbers_keep_their_digits(responses):
    shifted = responses.assign(speed=responses["speed"] + 1e9)
    expected = moments.of(responses, COLUMNS).total().cov
    assert_allclose(moments.of(shifted, COLUMNS).total().cov, expected, rtol=1e-6)


def test_some_columns_selected_are_the_same_sums(responses):
    sums = moments.of(responses, COLUMNS)
    few = ["staff", "recommend"]
    assert_allclose(sums.select(few).total().cov, moments.of(responses, few).total().cov)


def test_customers_come_up_as_a_poisson_law_says_and_the_seed_decides():
    times = resampling.multiplicities(400, 4000, seed=2)
    shares = np.bincount(times.ravel(), minlength=5)[:5] / times.size
    assert_allclose(shares, np.exp(-1) / np.array([1, 1, 2, 6, 24]), atol=0.0012)
    assert_allclose([times.mean(), times.var()], 1, atol=0.004)
    apart = np.corrcoef(times.T)[np.triu_indices(400, 1)]
    assert_allclose(apart.std(), 1 / np.sqrt(4000), rtol=0.02)  # customers have nothing in common,
    beside = np.corrcoef(times[:400])[np.triu_indices(400, 1)]
    assert_allclose(beside.std(), 1 / np.sqrt(400), rtol=0.02)  # nor have draws
    assert_array_equal(times, resampling.multiplicities(400, 4000, seed=2))
    assert (times != resampling.multiplicities(400, 4000, seed=3)).any()


def test_customers_who_are_counted_alike_spread_as_those_in_rows():
    """Of known keys the sums are those of rows; of others they have the spread of customers."""
    values, count = np.array([[1.0, 3.0], [1.0, -2.0], [1.0, 0.5]]), np.array([4000, 2500, 1])
    place = np.repeat(np.arange(3), count)
    found = resampling.resample_counted(values, count, np.full(3, -1), 2000, 1)
    assert_allclose(found.mean(0), count @ values, rtol=0.02)
    assert_allclose(found.std(0), np.sqrt(count @ values**2), rtol=0.4)
    assert_allclose(found[:, 0].std(), np.sqrt(6501 * (1 + 6501 / 8192)), rtol=0.1)
    keys = resampling.hashed(pd.RangeIndex(6501))
    units = resampling.ResamplingUnits(keys)
    in_rows = resampling.resample_sums(values[place], 50, 1, units)
    one = np.ones(6501, int)
    assert_allclose(resampling.resample_counted(values[place], one, keys, 50, 1), in_rows)


def test_a_customer_has_the_same_part_in_every_draw_whoever_else_is_there(responses):
    rows = responses.assign(customer_id=responses["customer_id"].where(responses.index > 9))
    few = rows[rows["channel"] == "web"].sample(frac=1, random_state=1)
    everybody = resampling.multiplicities(resampling.keys_of(rows, "customer_id"), 8, seed=1)
    alone = resampling.multiplicities(resampling.keys_of(few, "customer_id"), 8, seed=1)
    assert_array_equal(alone, everybody[:, few.index])
    longer = resampling.multiplicities(resampling.keys_of(few, "customer_id"), 99, seed=1)
    assert_array_equal(longer[:8], alone)


def test_customers_are_known_by_name_or_number():
    names = pd.DataFrame({"who": ["7", "8", "7"], "n": [7, 8, 7], "gap": [7.0, 8.0, np.nan]})
    text, whole, gaps = (resampling.keys_of(names, c) for c in names)
    assert text[0] == text[2] != text[1]
    assert whole[0] == whole[2] == gaps[0]
    assert len(set(resampling.keys_of(pd.DataFrame(index=range(3000))))) == 3000
    assert len(set(resampling.keys_of(pd.DataFrame(index=[0] * 3000)))) == 3000


@pytest.mark.slow
def test_a_hundred_thousand_customers_are_drawn_in_clusters_with_the_same_spread():
    rows = pd.DataFrame({"x": np.random.default_rng(1).normal(size=100_000)})
    rows = rows.assign(who=rows.index.astype(str))
    for cluster in (None, "who"):
        drawn = moments.of(Sample(rows, cluster=cluster), ["x"]).resample(600, 1).mean
        assert_allclose(drawn.std(), 1 / np.sqrt(len(rows)), rtol=0.1)


def test_draws_do_not_depend_on_how_many_are_held_at_once(monkeypatch):
    at_once = resampling.multiplicities(7, 50, seed=1)
    monkeypatch.setattr(resampling, "BATCH", 20)
    assert_array_equal(at_once, resampling.multiplicities(7, 50, seed=1))


def test_a_row_without_a_customer_is_its_own_cluster(responses):
    rows = responses.assign(customer_id=responses["customer_id"].where(responses.index > 1))
    sums = moments.of(Sample(rows, cluster="customer_id"), COLUMNS)
    keys = resampling.keys_of(rows, "customer_id")
    assert keys[0] != keys[1] and keys[0] != keys[400]  # of rows 0, 1, 400 none has the customer c0
    assert (
        len(np.unique(sums.keys)) == len(set(keys)) > 380
    )  # of 402, some of whom are drawn together
    assert sums.total().rows == 500


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"speed": np.nan}, r"speed has 0 answers in 500 rows"),
        ({"speed": "fast"}, r"\['speed'\] hold text"),
        ({"weight": -1.0}, r"500 of 500 weights in 'weight' are negative"),
        ({"weight": 0.0}, r"None of the \d+ rows has a weight above 0"),
    ],
)
def test_what_cannot_be_summed_is_named(responses, change, message):
    with pytest.raises(ValueError, match=message):
        moments.of(Sample(responses.assign(**change), weight="weight"), COLUMNS)


def test_a_question_nobody_answered_is_named_when_pairwise(responses):
    with pytest.raises(ValueError, match=r"none of 500 rows answers \['price'\]"):
        moments.of(responses.assign(price=np.nan), COLUMNS, missing="pairwise")


def test_an_unknown_column_is_named_with_those_there_are(responses):
    with pytest.raises(ValueError, match=r"no column \['sped'\].*speed"):
        moments.of(responses, ["sped"])
    with pytest.raises(ValueError, match="no column 'household'"):
        moments.of(Sample(responses, cluster="household"), COLUMNS)


@pytest.mark.parametrize("missing", moments.MISSING)
def test_the_groups_add_up_to_the_whole_draw_by_draw(responses, missing):
    sample = Sample(gappy(responses), weight="weight", cluster="customer_id")
    whole = moments.of(sample, COLUMNS, missing=missing).resample(4, seed=2)
    groups = moments.by_group(sample, COLUMNS, "channel", missing=missing)
    assert list(groups) == ["phone", "shop", "web"]
    parts = [sums.resample(4, seed=2) for sums in groups.values()]
    assert_allclose(sum(p.rows for p in parts), whole.rows)
    assert_allclose(sum(p.weight for p in parts), whole.weight)


def test_impossible_correlations_are_moved_to_possible_ones():
    cor = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    good = np.eye(3)
    mended, moved = moments.possible(np.array([4 * cor, good, np.full((3, 3), np.nan)]))
    assert np.linalg.eigvalsh(mended[0]).min() > 0
    assert_allclose(np.diagonal(mended[0]), 4)
    assert_allclose(mended[1], good)
    assert moved[0] > 0.1 and moved[1] == 0 and np.isnan(moved[2])
