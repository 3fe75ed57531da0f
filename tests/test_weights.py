"""Weights: a truth by hand, laws, and what raking mends when the content answer more often."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from cxlib import scores, synthetic, weights

TWO = {"sex": {"f": 0.5, "m": 0.5}, "age": {"old": 0.5, "young": 0.5}}


def crossed(counts: dict[tuple[str, str], int]) -> pd.DataFrame:
    rows = [pair for pair, k in counts.items() for _ in range(k)]
    return pd.DataFrame(rows, columns=["sex", "age"])


@pytest.fixture(scope="module")
def answered() -> pd.DataFrame:
    return synthetic.company()["responses"]


def test_one_margin_by_hand():
    rows = pd.DataFrame({"sex": ["f", "f", "f", "m"]})
    fit = weights.rake(rows, {"sex": {"f": 0.5, "m": 0.5}})
    assert_allclose(fit.weights, [2 / 3, 2 / 3, 2 / 3, 2])


def test_two_margins_by_hand():
    # Odds ratio 4 is kept, so with margins of a half the cells are 1/3, 1/6, 1/6, 1/3.
    rows = crossed({("f", "old"): 40, ("f", "young"): 10, ("m", "old"): 20, ("m", "young"): 20})
    fit = weights.rake(rows, TWO)
    cells = fit.weights.groupby([rows["sex"], rows["age"]]).sum() / len(rows)
    assert_allclose(cells, [1 / 3, 1 / 6, 1 / 6, 1 / 3], atol=1e-7)


def test_margins_are_met(answered):
    fit = weights.rake(answered, synthetic.TRUTH["margins"])
    assert fit.converged
    assert_allclose(fit.table["estimate"], fit.table["target"], atol=1e-7)
    assert_allclose(fit.weights.mean(), 1)
    assert fit.weights.index.equals(answered.index)


def test_rows_that_fit_already_keep_their_weight():
    rows = crossed({("f", "old"): 5, ("f", "young"): 5, ("m", "old"): 5, ("m", "young"): 5})
    fit = weights.rake(rows, TWO)
    assert_allclose(fit.weights, 1)
    assert (fit.rounds, fit.effect) == (1, 1)


def test_row_order_and_the_size_of_base_weights_change_nothing(answered):
    fit = weights.rake(answered, synthetic.TRUTH["margins"], base="weight")
    mixed = answered.sample(frac=1, random_state=2).assign(weight=lambda r: 7 * r["weight"])
    again = weights.rake(mixed, synthetic.TRUTH["margins"], base="weight")
    assert_allclose(again.weights.reindex(answered.index), fit.weights, atol=1e-6)


def test_a_base_weight_of_two_is_the_row_twice():
    rows = crossed({("f", "old"): 40, ("f", "young"): 10, ("m", "old"): 20, ("m", "young"): 20})
    twice = rows.index < 30
    once = weights.rake(rows.assign(w=1 + twice), TWO, base="w").weights
    repeated = weights.rake(pd.concat([rows, rows[twice]], ignore_index=True), TWO).weights
    assert_allclose(once[30:] / once[30:].sum(), repeated[30:90] / repeated[30:90].sum())


def test_no_weight_passes_the_limit_and_what_it_costs_is_said():
    rows = pd.DataFrame({"sex": ["f"] * 95 + ["m"] * 5})
    fit = weights.rake(rows, {"sex": {"f": 0.5, "m": 0.5}}, trim=4)
    assert_allclose(fit.weights.max(), 4)
    assert_allclose(fit.weights.mean(), 1)
    assert "5 weights were cut at 4.0 times the mean" in fit.note
    assert "the furthest is" in fit.note


def test_trimming_that_leaves_room_still_meets_the_margins(answered):
    margins = synthetic.TRUTH["margins"]
    free = weights.rake(answered, margins, trim=100).weights
    fit = weights.rake(answered, margins, trim=0.9 * free.max())
    assert fit.weights.max() <= 0.9 * free.max() * (1 + 1e-9)
    assert_allclose(fit.table["estimate"], fit.table["target"], atol=1e-5)


def test_too_few_rounds_are_told(answered):
    fit = weights.rake(answered, synthetic.TRUTH["margins"], most=1)
    assert not fit.converged and "Did not settle in 1 rounds" in fit.note


def test_the_design_effect_by_hand():
    assert_allclose(weights.design_effect([1, 1, 1, 1]), 1)
    assert_allclose(weights.design_effect([1, 3]), 2 * 10 / 16)
    assert_allclose(weights.effective_n([1, 3]), 1.6)


@pytest.mark.parametrize(
    ("margins", "how", "message"),
    [
        ({"sex": {"f": 0.5, "m": 0.4, "x": 0.1}}, {}, "no row is in x .10.0%.*Join it"),
        (
            {"sex": {"f": 1.0}},
            {},
            "2 of 4 rows are in categories without a share .m 2.*There are: f",
        ),
        ({"age": {"old": 0.5, "young": 0.5}}, {}, "margins.age: 1 of 4 rows have no age"),
        ({"town": {"a": 1.0}}, {}, "no column 'town'.*They have: sex, age, w"),
        ({"sex": {"f": 0.5, "m": 0.6}}, {}, "add up to 1.100, not 1"),
        ({"sex": {"f": 1.5, "m": -0.5}}, {}, "not 0 or more"),
        ({}, {}, "no margins"),
        ({"sex": {"f": 0.5, "m": 0.5}}, {"trim": 1}, "trim=1 times"),
        ({"sex": {"f": 0.5, "m": 0.5}}, {"base": "w"}, "1 of 4 base weights in 'w'"),
        ({"sex": {"f": 0.5, "m": 0.5}}, {"base": "v"}, "no column 'v'"),
    ],
)
def test_margins_that_cannot_be_met_are_errors(margins, how, message):
    rows = pd.DataFrame(
        {"sex": list("ffmm"), "age": ["old", "old", "young", None], "w": [1, 1, 1, -1]}
    )
    with pytest.raises(ValueError, match=message):
        weights.rake(rows, margins, **how)


def test_no_rows_is_an_error():
    with pytest.raises(ValueError, match="no rows to weigh"):
        weights.rake(pd.DataFrame({"sex": []}), {"sex": {"f": 1.0}})


def test_a_selection_is_weighed_by_what_applies_to_it(answered, capsys):
    north = answered[answered["region"] == "north"]
    weighed = weights.weigh(north, synthetic.TRUTH["margins"])
    assert "Not weighted by region" in capsys.readouterr().out
    share = weighed.groupby("plan")["weight"].sum() / weighed["weight"].sum()
    assert_allclose(share["premium"], synthetic.TRUTH["margins"]["plan"]["premium"], atol=1e-6)


def test_without_margins_rows_keep_the_weight_they_have(answered):
    pd.testing.assert_series_equal(weights.weigh(answered, {})["weight"], answered["weight"])
    assert (weights.weigh(answered.drop(columns="weight"), {})["weight"] == 1).all()


def test_numbers_may_be_categories():
    rows = pd.DataFrame({"stars": [1, 1, 1, 2]})
    fit = weights.rake(rows, {"stars": {"1": 0.5, "2": 0.5}})
    assert_allclose(fit.table["estimate"], 0.5)


def test_a_hundred_thousand_rows_are_weighted_like_one_copy(answered):
    once = weights.rake(answered, synthetic.TRUTH["margins"])
    many = weights.rake(pd.concat([answered] * 28, ignore_index=True), synthetic.TRUTH["margins"])
    assert_allclose(many.weights[: len(answered)], once.weights)


counts = st.lists(st.integers(1, 40), min_size=4, max_size=4)
share = st.floats(0.2, 0.8)


@given(counts, share, share)
@settings(max_examples=50, deadline=None)
def test_any_full_table_meets_any_margins(size, women, old):
    cells = [("f", "old"), ("f", "young"), ("m", "old"), ("m", "young")]
    rows = crossed(dict(zip(cells, size, strict=True)))
    margins = {"sex": {"f": women, "m": 1 - women}, "age": {"old": old, "young": 1 - old}}
    fit = weights.rake(rows, margins, trim=1e6, most=5000)
    assert_allclose(fit.table["estimate"], fit.table["target"], atol=1e-4)
    assert fit.weights.min() > 0


def test_raking_brings_the_score_nearer_to_everybody():
    """Ten companies: among the answers too content, after raking less so."""
    before, after = [], []
    for seed in range(10):
        tables, unseen = synthetic.company(seed), synthetic.hidden(seed)
        truth = np.mean([_mood_of_the_active(tables, unseen, w) for w in synthetic.WAVES])
        rows = tables["responses"].drop(columns="weight")
        felt = unseen.set_index("customer_id")
        rows = rows.assign(felt=[felt.at[c, f"satisfaction {w}"] for c, w in
                                 zip(rows["customer_id"], rows["wave"], strict=True)])  # fmt: skip
        raked = weights.weigh(rows, synthetic.TRUTH["margins"])
        before.append(rows["felt"].mean() - truth)
        after.append(np.average(raked["felt"], weights=raked["weight"]) - truth)
    assert np.mean(before) > 0.1
    assert np.mean(np.abs(after)) < 0.75 * np.mean(np.abs(before))


def _mood_of_the_active(tables: dict, unseen: pd.DataFrame, wave: str) -> float:
    customers = tables["customers"]
    middle = pd.Period(wave.replace("-", ""), "Q").start_time + pd.Timedelta(days=57)
    active = (customers["joined_on"] <= middle) & ~(customers["left_on"] <= middle)
    return unseen.loc[active.to_numpy(), f"satisfaction {wave}"].mean()


@pytest.mark.slow
def test_raking_on_what_drives_the_silence_recovers_the_nps():
    """The loyal answer four times as often; raked to that, intervals cover again."""
    rng = np.random.default_rng(8)
    chance, margins = {"low": 0.2, "high": 0.8}, {"mood": {"low": 0.5, "high": 0.5}}
    hits = {"raw": 0, "raked": 0}
    everybody = synthetic.survey(1_000_000, 4)
    middle = everybody["loyalty1"].median()
    low = everybody["loyalty1"] <= middle
    margins["mood"] = {"low": float(low.mean()), "high": float(1 - low.mean())}
    truth = scores.nps(everybody).table["estimate"].iloc[0]
    for seed in range(300):
        rows = synthetic.survey(800, seed)
        rows = rows.assign(mood=np.where(rows["loyalty1"] <= middle, "low", "high"))
        rows = rows[rng.random(len(rows)) < rows["mood"].map(chance)]
        for name, sample in (("raw", rows), ("raked", weights.weigh(rows, margins))):
            row = scores.nps(sample, weight="weight" if name == "raked" else None).table.iloc[0]
            hits[name] += row["low"] <= truth <= row["high"]
    assert hits["raw"] < 0.2 * 300
    assert hits["raked"] >= 0.93 * 300
