"""Weights: a truth by hand, laws, and what raking mends when the content answer more often."""

from __future__ import annotations

import json
from pathlib import Path

import generator
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from cxlib import scores, stats, weights
from cxlib.core.sample import Sample
from cxlib.scores import group_means
from cxlib.scores.answers import read
from cxlib.stats import intervals, moments, resampling

TWO = {"sex": {"f": 0.5, "m": 0.5}, "age": {"old": 0.5, "young": 0.5}}


def crossed(counts: dict[tuple[str, str], int]) -> pd.DataFrame:
    rows = [pair for pair, k in counts.items() for _ in range(k)]
    return pd.DataFrame(rows, columns=["sex", "age"])


@pytest.fixture(scope="module")
def answered() -> pd.DataFrame:
    return generator.company()["responses"]


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


REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "raking.json").read_text("utf-8"))


@pytest.mark.parametrize("name", REFERENCE)
def test_published_tables_raked_by_another_program(name, tell_witness):
    case = REFERENCE[name]
    counts = np.array(case["table"])
    places = np.repeat(np.argwhere(counts), counts[counts > 0], axis=0)
    rows = pd.DataFrame(places, columns=[f"axis{i}" for i in range(counts.ndim)])
    margins = {
        f"axis{i}": {str(k): v / sum(ends) for k, v in enumerate(ends)}
        for i, ends in enumerate(case["margins"])
    }
    fit = weights.rake(rows, margins, trim=1e9, tolerance=1e-12)
    raked = fit.weights.groupby([rows[c] for c in rows]).sum().to_numpy() / len(rows)
    expected = np.array(case["raked"]) / sum(case["margins"][0])
    tell_witness("raking", "ipfn 1.4.4", raked, expected.ravel(), rtol=1e-6)


def test_cells_are_given_their_shares():
    rows = crossed({("f", "old"): 40, ("f", "young"): 10, ("m", "old"): 20, ("m", "young"): 30})
    shares = {("f", "old"): 0.1, ("f", "young"): 0.4, ("m", "old"): 0.2, ("m", "young"): 0.3}
    fit = weights.poststratify(rows, ["sex", "age"], shares)
    got = fit.weights.groupby([rows["sex"], rows["age"]]).first()
    assert_allclose(got, [0.25, 4, 1, 1])
    assert fit.rounds <= 2 and list(fit.table["term"])[0] == "f × old"


@pytest.mark.slow
def test_margins_are_met(answered):
    fit = weights.rake(answered, generator.TRUTH["margins"])
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
    fit = weights.rake(Sample(answered, weight="weight"), generator.TRUTH["margins"])
    mixed = answered.sample(frac=1, random_state=2).assign(weight=lambda r: 7 * r["weight"])
    again = weights.rake(Sample(mixed, weight="weight"), generator.TRUTH["margins"])
    assert_allclose(again.weights.reindex(answered.index), fit.weights, atol=1e-6)


def test_a_base_weight_of_two_is_the_row_twice():
    rows = crossed({("f", "old"): 40, ("f", "young"): 10, ("m", "old"): 20, ("m", "young"): 20})
    twice = rows.index < 30
    once = weights.rake(Sample(rows.assign(w=1 + twice), weight="w"), TWO).weights
    repeated = weights.rake(pd.concat([rows, rows[twice]], ignore_index=True), TWO).weights
    assert_allclose(once[30:] / once[30:].sum(), repeated[30:90] / repeated[30:90].sum())


def test_no_weight_passes_the_limit_and_what_it_costs_is_said():
    rows = pd.DataFrame({"sex": ["f"] * 95 + ["m"] * 5})
    fit = weights.rake(rows, {"sex": {"f": 0.5, "m": 0.5}}, trim=4)
    assert_allclose(fit.weights.max(), 4)
    assert_allclose(fit.weights.mean(), 1)
    assert "5 weights were cut at 4.0 times the mean" in fit.notes
    assert "the furthest is" in fit.notes


def test_trimming_that_leaves_room_still_meets_the_margins(answered):
    margins = generator.TRUTH["margins"]
    free = weights.rake(answered, margins, trim=100).weights
    fit = weights.rake(answered, margins, trim=0.9 * free.max())
    assert fit.weights.max() <= 0.9 * free.max() * (1 + 1e-9)
    assert_allclose(fit.table["estimate"], fit.table["target"], atol=1e-5)


def test_too_few_rounds_are_told(answered):
    fit = weights.rake(answered, generator.TRUTH["margins"], rounds=1)
    assert not fit.converged and "Raking did not converge in 1 rounds" in fit.notes


def test_the_design_effect_by_hand():
    assert_allclose(weights.design_effect([1, 1, 1, 1]), 1)
    assert_allclose(weights.design_effect([1, 3]), 2 * 10 / 16)


def test_rows_without_a_category_keep_their_share():
    rows = pd.DataFrame({"age": ["old", "old", "old", "young", None]})
    fit = weights.rake(rows, {"age": {"old": 0.5, "young": 0.5}})
    assert_allclose(fit.weights, [2 / 3, 2 / 3, 2 / 3, 2, 1])
    assert fit.table["term"].tolist() == ["old", "young", "not stated"]


CODED = [  # values in the data, margins, the weights they make
    ([1, 1, 1, 2], {"1": 0.5, "2": 0.5}, [2 / 3, 2 / 3, 2 / 3, 2]),
    ([1.0, 1.0, 1.0, 2.0], {"1": 0.5, "2": 0.5}, [2 / 3, 2 / 3, 2 / 3, 2]),
    (["1", "1.0", "1", "2"], {"1": 0.5, "2.0": 0.5}, [2 / 3, 2 / 3, 2 / 3, 2]),
    (["01", "01", "01", "02"], {"1": 0.5, "2": 0.5}, [2 / 3, 2 / 3, 2 / 3, 2]),
    (["1", "01", "01", "01"], {"1": 0.5, "01": 0.5}, [2, 2 / 3, 2 / 3, 2 / 3]),
]


@pytest.mark.parametrize(("values", "shares", "expected"), CODED)
def test_margins_match_codes_by_value(values, shares, expected):
    weighed = weights.weigh(Sample(pd.DataFrame({"sex": values})), {"sex": shares})
    assert_allclose(weighed.weights, expected)


def test_margins_that_match_nothing_are_an_error_with_the_values_there_are(capsys):
    rows = Sample(pd.DataFrame({"sex": [1, 1, 2]}))
    with pytest.raises(
        ValueError, match="margins.sex: no row has 'f', 'm'. sex holds: '1' .2., '2'"
    ):
        weights.weigh(rows, {"sex": {"f": 0.5, "m": 0.5}})
    weights.weigh(rows.where(rows["sex"] == 1), {"sex": {"1": 0.5, "2": 0.5}})
    assert "these rows do not differ in it" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("margins", "how", "message"),
    [
        ({"sex": {"f": 0.5, "m": 0.4, "x": 0.1}}, {}, "no row is in x .10.0%.*Join it"),
        (
            {"sex": {"f": 1.0}},
            {},
            "2 of 4 rows are in categories without a share .'m' .2.*There are: f",
        ),
        (
            {"town": {"a": 1.0}},
            {},
            "margins.town: the rows have no column 'town'.*They have: sex, age, w",
        ),
        ({"sex": {"f": 0.5, "m": 0.6}}, {}, "add up to 1.100, not 1"),
        ({"sex": {"f": 1.5, "m": -0.5}}, {}, "not 0 or more"),
        ({}, {}, "no margins"),
        ({"sex": {"f": 0.5, "m": 0.5}}, {"trim": 1}, "trim=1 times"),
    ],
)
def test_margins_that_cannot_be_met_are_errors(margins, how, message):
    rows = pd.DataFrame(
        {"sex": list("ffmm"), "age": ["old", "old", "young", None], "w": [1, 1, 1, -1]}
    )
    with pytest.raises(ValueError, match=message):
        weights.rake(rows, margins, **how)


def test_base_weights_below_zero_are_an_error():
    rows = Sample(pd.DataFrame({"sex": list("ffmm"), "w": [1, 1, 1, -1]}), weight="w")
    with pytest.raises(ValueError, match="1 of 4 base weights in 'w'"):
        weights.rake(rows, {"sex": {"f": 0.5, "m": 0.5}})


def test_no_rows_is_an_error():
    with pytest.raises(ValueError, match="no rows to weigh"):
        weights.rake(pd.DataFrame({"sex": []}), {"sex": {"f": 1.0}})


def test_a_selection_is_weighed_by_what_applies_to_it(answered, capsys):
    north = answered[answered["region"] == "north"]
    weighed = weights.weigh(Sample(north), generator.TRUTH["margins"])
    assert "Not weighted by region" in capsys.readouterr().out
    share = weighed.data.groupby("plan")["weight"].sum() / weighed.weights.sum()
    assert_allclose(share["premium"], generator.TRUTH["margins"]["plan"]["premium"], atol=1e-6)


def test_without_margins_rows_keep_the_weight_they_have(answered):
    kept = weights.weigh(Sample(answered), {})
    pd.testing.assert_series_equal(kept["weight"], answered["weight"])
    assert (weights.weigh(Sample(answered.drop(columns="weight")), {}).weights == 1).all()


def test_numbers_may_be_categories():
    rows = pd.DataFrame({"stars": [1, 1, 1, 2]})
    fit = weights.rake(rows, {"stars": {"1": 0.5, "2": 0.5}})
    assert_allclose(fit.table["estimate"], 0.5)


def test_a_hundred_thousand_rows_are_weighted_like_one_copy(answered):
    once = weights.rake(answered, generator.TRUTH["margins"])
    many = weights.rake(pd.concat([answered] * 28, ignore_index=True), generator.TRUTH["margins"])
    assert_allclose(many.weights[: len(answered)], once.weights)


counts = st.lists(st.integers(1, 40), min_size=4, max_size=4)
share = st.floats(0.2, 0.8)


@pytest.mark.slow
@given(counts, share, share)
@settings(max_examples=50, deadline=None)
def test_any_full_table_meets_any_margins(size, women, old):
    cells = [("f", "old"), ("f", "young"), ("m", "old"), ("m", "young")]
    rows = crossed(dict(zip(cells, size, strict=True)))
    margins = {"sex": {"f": women, "m": 1 - women}, "age": {"old": old, "young": 1 - old}}
    fit = weights.rake(rows, margins, trim=1e6, rounds=5000)
    assert_allclose(fit.table["estimate"], fit.table["target"], atol=1e-4)
    assert fit.weights.min() > 0


@pytest.mark.slow
def test_raking_brings_the_score_nearer_to_everybody():
    """Four companies: among the answers too content, after raking less so."""
    before, after = [], []
    for seed in range(4):
        tables, unseen = generator.company(seed), generator.hidden(seed)
        truth = np.mean([_mood_of_the_active(tables, unseen, w) for w in generator.WAVES])
        rows = tables["responses"].drop(columns="weight")
        felt = unseen.set_index("customer_id")
        rows = rows.assign(
            felt=[
                felt.at[c, f"satisfaction {w}"]
                for c, w in zip(rows["customer_id"], rows["wave"], strict=True)
            ]
        )
        raked = weights.weigh(Sample(rows), generator.TRUTH["margins"])
        before.append(rows["felt"].mean() - truth)
        after.append(np.average(raked["felt"], weights=raked.weights) - truth)
    assert np.mean(before) > 0.1
    assert np.mean(np.abs(after)) < 0.75 * np.mean(np.abs(before))


def uneven(n: int, seed: int) -> pd.DataFrame:
    """Answers that differ by plan and age, which those who answer are not a fair sample of."""
    rng = np.random.default_rng(seed)
    plan = rng.choice(["basic", "plus", "premium"], n, p=[0.5, 0.3, 0.2])
    age = rng.choice(["old", "young"], n, p=[0.65, 0.35])
    y = 3 + 3 * (plan == "plus") + 6 * (plan == "premium") + (age == "young")
    return pd.DataFrame({"plan": plan, "age": age, "y": y + rng.normal(0, 0.7, n)})


UNEVEN = {"plan": {"basic": 0.4, "plus": 0.3, "premium": 0.3}, "age": {"old": 0.5, "young": 0.5}}


def as_given(sample: Sample) -> Sample:
    """The same weights, taken as given: not raked in every resample."""
    return sample.replace(raking=None)


def test_every_draw_is_raked_anew():
    sample = weights.weigh(Sample(uneven(300, 1), draws=5, seed=3), UNEVEN)
    # selected, and in another order
    part = sample.with_data(sample.data[sample["y"] > 2].sample(frac=1, random_state=1))
    sums = moments.of(part, ["y"])
    times = resampling.multiplicities(resampling.keys_of(sample.data), 5, seed=3)[4]
    drawn = sample.data.iloc[np.repeat(np.arange(300), times)].drop(columns="weight")
    again = weights.weigh(Sample(drawn.reset_index(drop=True)), UNEVEN)
    again = again.where(again["y"] > 2)
    expected = np.average(again["y"], weights=again.weights)
    assert_allclose(sums.resample(5, seed=3).mean[4], expected, rtol=1e-6)
    assert_allclose(scores.mean(part, "y").table["estimate"], sums.total().mean)


def test_doubled_or_changed_weights_are_still_weights():
    sample = weights.weigh(Sample(uneven(200, 2)), UNEVEN)
    fixed = moments.of(as_given(sample), ["y"]).resample(9, 1).mean
    doubled = as_given(sample).assign(weight=2 * sample["weight"])
    assert_allclose(moments.of(doubled, ["y"]).resample(9, 1).mean, fixed)
    # weights that are no longer those of the raking cannot be raked again
    with pytest.raises(ValueError, match="not those whose weights were raked"):
        sample.assign(weight=2 * sample["weight"])
    based = weights.weigh(Sample(uneven(200, 2).assign(weight=2.0)), UNEVEN)
    drawn = [moments.of(s, ["y"]).resample(9, 1).mean for s in (sample, based)]
    assert_allclose(*drawn)


def test_rows_of_weight_zero_leave_every_draw_as_it_is():
    rows = uneven(200, 2)
    rows["weight"] = np.where(np.arange(200) % 4 == 0, 0.0, 1.0)
    average = lambda data, weight: np.average(data["y"], weights=weight)  # noqa: E731
    tables = [
        stats.bootstrap(weights.weigh(Sample(some, draws=20), UNEVEN), average, unit="scale").table
        for some in (rows, rows[rows["weight"] > 0])
    ]
    columns = ["estimate", "low", "high"]
    pd.testing.assert_frame_equal(tables[0][columns], tables[1][columns])


def test_a_draw_without_a_category_leaves_its_share_to_the_others(capsys):
    rows = pd.DataFrame({"plan": ["a"] * 9 + ["b"], "y": np.arange(10.0)})
    weighed = weights.weigh(Sample(rows), {"plan": {"a": 0.8, "b": 0.2}})
    drawn = moments.of(weighed, ["y"]).resample(300, 1).mean
    assert np.isfinite(drawn).all()
    assert "Fewer than 10 rows in a and b: intervals" in capsys.readouterr().out


@pytest.mark.coverage
@pytest.mark.parametrize("n", [50, 200])
def test_intervals_know_what_raking_takes_away(n, tell_coverage):
    truth, repeats = 0.4 * 3 + 0.3 * 6 + 0.3 * 9 + 0.5, 1000
    held, width = np.zeros(2), np.zeros(2)
    for seed in range(repeats):
        raked = weights.weigh(Sample(uneven(n, seed)), UNEVEN)
        for k, sample in enumerate((raked, as_given(raked))):
            sums = moments.of(sample, ["y"])
            drawn = sums.resample(300, seed=1).mean
            (low,), (high,) = intervals.percentile_interval(
                drawn, intervals.expanded_level(sums.effective)
            )
            held[k] += low <= truth <= high
            width[k] += high - low
    tell_coverage("mean, raked", f"{n} answers", held[0] / repeats, repeats)
    assert 0.90 <= held[0] / repeats <= 0.985, held / repeats
    assert held[1] / repeats > 0.97  # intervals that take weights as given are too wide,
    assert width[0] < 0.5 * width[1]  # by far where the margins say much about the answer


@pytest.mark.slow
def test_who_answers_is_told_as_the_company_was_made():
    """Who answers was made to depend on age, plan and mood, not on region or gender."""
    tables = generator.company()
    sample = Sample(tables["responses"], cluster="customer_id", draws=400)
    sample = weights.weigh(sample, generator.TRUTH["margins"])
    customers = tables["customers"].drop(columns=["channel", "discount_share", "mobile_share"])
    fit = weights.representation(sample, customers)
    table = fit.table.set_index(["attribute", "term"])
    for attribute, shares in generator.TRUTH["margins"].items():
        assert_allclose(
            table.loc[attribute, "target"][list(shares)], list(shares.values()), atol=0.02
        )
        assert_allclose(table.loc[attribute, "estimate"], table.loc[attribute, "target"], atol=0.02)
    odds = np.log(table["before"] / table["target"])
    assert odds["age_group"]["18-29"] < odds["age_group"]["30-44"] < 0 < odds["age_group"]["60+"]
    assert odds["plan"]["basic"] < 0 < odds["plan"]["premium"]
    alone = table.loc[["region", "gender"]]
    assert (
        (alone["before_low"] < alone["target"]) & (alone["target"] < alone["before_high"])
    ).all()
    assert fit.finding.claim == (
        "Basic (plan) and 18-29 (age group) are under-represented, and weighting corrects it."
    )
    assert "asic 34% of responses, 46% of customers; 18-29 10% " in fit.finding.detail
    assert not fit.table["differs"].any() and fit.table["before_differs"].any()
    assert list(dict.fromkeys(fit.differing["attribute"])) == ["plan", "age_group"]


def test_everybody_answering_looks_like_the_customers():
    customers = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(60)],
            "n": np.arange(60.0),
            "plan": ["a", "b", None] * 20,
        }
    )
    rows = customers[["customer_id"]].assign(weight=1.0)
    sample = Sample(rows, weight="weight", cluster="customer_id", draws=50)
    fit = weights.representation(sample, customers)
    assert "Respondents resemble the customers" in fit.finding.claim
    assert fit.finding.detail == "6 groups compared"
    assert_allclose(fit.table["estimate"], fit.table["target"])
    assert list(fit.table["n"]) == [15, 15, 15, 15, 20, 20]
    some = customers.assign(
        joined_on=pd.Timestamp("2026-01-01"), left_on=pd.Timestamp("2026-01-02")
    )
    some.loc[some["plan"] == "a", "left_on"] = pd.NaT
    dated = sample.assign(answered_on=pd.Timestamp("2026-02-01"))
    later = weights.representation(dated, some).table.set_index("term")
    assert later.loc["a", "target"] == 1 and later.loc["b", "before"] == 0.5
    nobody = weights.representation(sample.assign(customer_id="x"), customers)
    assert nobody.table.empty and "No response has a customer" in nobody.finding.claim
    nothing = weights.representation(sample, customers[["customer_id"]])
    assert nothing.table.empty and "Nothing is known" in nothing.finding.claim


def _mood_of_the_active(tables: dict, unseen: pd.DataFrame, wave: str) -> float:
    customers = tables["customers"]
    middle = pd.Period(wave.replace("-", ""), "Q").start_time + pd.Timedelta(days=57)
    active = (customers["joined_on"] <= middle) & ~(customers["left_on"] <= middle)
    return unseen.loc[active.to_numpy(), f"satisfaction {wave}"].mean()


@pytest.mark.coverage
def test_raking_on_what_drives_the_silence_recovers_the_nps(tell_coverage):
    """The loyal answer four times as often; raked to that, intervals cover again."""
    rng = np.random.default_rng(8)
    chance, margins = {"low": 0.2, "high": 0.8}, {"mood": {"low": 0.5, "high": 0.5}}
    hits = {"raw": 0, "raked": 0}
    everybody = generator.survey(400_000, 4)
    middle = everybody["loyalty1"].median()
    low = everybody["loyalty1"] <= middle
    margins["mood"] = {"low": float(low.mean()), "high": float(1 - low.mean())}
    truth = scores.nps(everybody).table["estimate"].iloc[0]
    many = generator.survey(800 * 200, 5)
    for start in range(0, len(many), 800):
        rows = many.iloc[start : start + 800]
        rows = rows.assign(mood=np.where(rows["loyalty1"] <= middle, "low", "high"))
        rows = rows[rng.random(len(rows)) < rows["mood"].map(chance)]
        raw = Sample(rows)
        for name, sample in (("raw", raw), ("raked", weights.weigh(raw, margins))):
            row = scores.nps(sample).table.iloc[0]
            hits[name] += row["low"] <= truth <= row["high"]
    tell_coverage("NPS, raked", "about 400 answers", hits["raked"] / 200, 200)
    assert hits["raw"] < 0.2 * 200
    assert hits["raked"] >= 0.93 * 200


# --- replicate weights that come with a file


def clustered(n: int = 300, size: int = 10, seed: int = 1) -> tuple[pd.DataFrame, list[str]]:
    """Answers that are alike within shops of `size`, with a jackknife replicate for each shop."""
    rng = np.random.default_rng(seed)
    shop, many = np.arange(n) // size, n // size
    y = np.clip(np.round(7 + 1.5 * rng.normal(size=many)[shop] + rng.normal(size=n)), 0, 10)
    rows = pd.DataFrame({"recommend": y, "speed": rng.normal(size=n) + y, "shop": shop})
    rows["weight"] = rng.uniform(0.5, 2, n)
    left_out = {
        f"r{k}": np.where(shop == k, 0, rows["weight"] * many / (many - 1)) for k in range(many)
    }
    return rows.assign(**left_out), list(left_out)


def test_draws_and_formulas_vary_as_the_replicate_weights_say():
    rows, columns = clustered()
    sample = Sample(rows, weight="weight", draws=4000)
    given = weights.with_replicates(sample, columns, kind="jk1")
    whole = np.average(rows["recommend"], weights=rows["weight"])
    again = np.array([np.average(rows["recommend"], weights=rows[c]) for c in columns])
    error = np.sqrt((len(columns) - 1) / len(columns) * ((again - whole) ** 2).sum())
    fit = scores.mean(given, "recommend")
    assert fit.table["estimate"].item() == pytest.approx(whole)
    assert fit.replicates.std() == pytest.approx(error, rel=0.05)
    alone = scores.mean(sample.replace(draws=500), "recommend").replicates.std()
    assert alone < error / 2  # as if every answer were of another shop
    found = group_means.estimate(read(given, ["recommend"]), lambda x: x)
    assert np.sqrt(found.variance / found.effective).item() == pytest.approx(error, rel=0.02)
    drawn = moments.of(given, ["recommend", "speed"]).resample(2000, 1).mean
    assert drawn[:, 0].std() == pytest.approx(error, rel=0.06)


@pytest.mark.parametrize(
    ("kind", "factor"), [("bootstrap", 1 / 30), ("brr", 1 / 30), ("fay", 4 / 30), ("jk2", 1.0)]
)
def test_each_kind_of_replicates_has_its_factor(kind, factor):
    rows, columns = clustered()
    moved = [
        resampling.resampling_units(weights.with_replicates(rows, columns, kind=k)).moved
        for k in (kind, "jk1")
    ]
    assert_allclose(moved[0] ** 2, moved[1] ** 2 * factor / (29 / 30))


def test_raking_anew_lets_go_of_the_replicates_of_the_old_weights():
    rows, columns = clustered()
    given = weights.with_replicates(rows.assign(half=rows["shop"] % 2), columns, kind="jk1")
    assert resampling.resampling_units(weights.weigh(given, {})).moved is not None
    raked = weights.weigh(given, {"half": {"0": 0.5, "1": 0.5}})
    assert resampling.resampling_units(raked).moved is None


@pytest.mark.parametrize(
    ("change", "how", "message"),
    [
        ({}, {"kind": "jkn"}, "kind='jkn' is not a choice"),
        ({}, {"kind": "brr", "columns": ["r0"]}, "1 columns of replicate weights"),
        ({}, {"kind": "brr", "columns": ["r0", "z"]}, "no column 'z'"),
        ({"r0": np.nan}, {"kind": "brr"}, "300 of 300 rows have a weight or replicate weight"),
        ({"weight": 0.0}, {"kind": "brr"}, "300 rows have replicate weights over 0"),
    ],
)
def test_replicates_that_cannot_be_are_refused(change, how, message):
    rows, columns = clustered()
    with pytest.raises(ValueError, match=message):
        weights.with_replicates(rows.assign(**change), **{"columns": columns, **how})
