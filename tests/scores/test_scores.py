"""Scores: cases by hand, laws, published cases, and intervals that cover as often as they say."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

import generator
import numpy as np
import pandas as pd
import pytest
from generator import people
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from cxlib import scores, weights
from cxlib.core import context, i18n
from cxlib.core.result import Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.study import Item
from cxlib.scores import group_means, nps_intervals
from cxlib.scores.answers import read
from cxlib.scores.measures import Measure
from cxlib.scores.score_tables import formula_interval
from cxlib.stats.intervals import (
    percentile_interval,
    sidak_level,
    simultaneous_interval,
    wilson_interval,
)

PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "nps.json").read_text("utf-8"))
TRENDS = json.loads((Path(__file__).parents[1] / "reference" / "trends.json").read_text("utf-8"))
NUMBERS = ["estimate", "low", "high"]


def asked(answers: list, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"recommend": np.array(answers, float), **columns})


def one(fit: Result) -> pd.Series:
    assert len(fit.table) == 1
    return fit.table.iloc[0]


@pytest.mark.parametrize(
    ("answers", "points"),
    [
        ([10, 9, 8, 0], 25),
        ([9], 100),
        ([6], -100),
        ([7, 8], 0),
        ([10, 10, 10, 6, np.nan], 50),
        (PUBLISHED["case"]["answers"], PUBLISHED["case"]["nps"]),
    ],
)
def test_the_nps_by_hand(answers, points):
    assert_allclose(one(scores.nps(asked(answers))).estimate, points)


def test_rocks_has_the_same_variance(tell_witness):
    case = PUBLISHED["case"]
    p, d, n = (case[k] / case["n"] for k in ("promoters", "detractors", "n"))
    assert_allclose(n, 1)
    tell_witness("NPS: variance", "Rocks (2016)", p + d - (p - d) ** 2, case["variance"])


def test_adjusted_wald_adds_three_answers():
    low, high = nps_intervals.adjusted_wald(3 / 6, 1 / 6, 6)
    p, d = 3.75 / 9, 1.75 / 9
    reach = 1.959964 * np.sqrt((p + d - (p - d) ** 2) / 9)
    assert_allclose([low, high], [p - d - reach, p - d + reach], rtol=1e-6)


def test_the_score_interval_is_tangos(tell_witness):
    # Promoters and detractors are the discordant pairs of a paired comparison.
    case = TRENDS["paired"]
    shares = (case[k] / case["n"] for k in ("promoters", "detractors"))
    ours, theirs = nps_intervals.score_interval(*shares, case["n"]), [case["low"], case["high"]]
    tell_witness(
        "NPS: score interval", "Fagerland, Lydersen and Laake (2014)", ours, theirs, atol=5e-4
    )


def test_the_ends_of_the_score_interval_are_just_not_rejected():
    p, d, n = np.array([0.5, 0.1, 1.0]), np.array([0.2, 0.4, 0.0]), np.array([50, 12, 9])
    for end in nps_intervals.score_interval(p, d, n):
        # The shares that are likeliest given the difference, by search instead of by formula.
        lower = np.linspace(1e-9, 1, 200_001)[:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            upper = lower + end
            rest = 1 - lower - upper
            terms = (p, upper), (d, lower), (1 - p - d, rest)
            likely = sum(np.where(k > 0, k * np.log(v), 0) for k, v in terms)
        allowed = (rest >= 0) & (upper >= 0) & ~np.isnan(likely)
        best = lower[np.where(allowed, likely, -np.inf).argmax(0), 0]
        z = (p - d - end) / np.sqrt((2 * best + end - end**2) / n)
        inside = np.abs(end) < 1 - 1e-6
        assert_allclose(np.abs(z[inside]), 1.959964, atol=2e-3)


def test_the_dirichlet_interval_is_the_posterior():
    counts = np.array([8, 12, 20]) + 0.5
    drawn = np.random.default_rng(3).dirichlet(counts, 200_000)
    low, high = np.quantile(drawn[:, 2] - drawn[:, 0], [0.025, 0.975])
    found = nps_intervals.dirichlet(20 / 40, 8 / 40, 40, draws=200_000)
    assert_allclose(found, [low, high], atol=0.004)


def test_wilson_by_hand(tell_witness):
    # 81 of 263: Newcombe (1998), table I, method 3.
    case = PUBLISHED["wilson"]
    bounds = wilson_interval(case["successes"] / case["n"], case["n"])
    ends = [case["low"], case["high"]]
    tell_witness("Wilson interval", "Newcombe (1998), table I", bounds, ends, atol=5e-5)


def test_the_other_scores_by_hand():
    rows = pd.DataFrame({"overall": [10, 9, 8, 1.0], "ease": [7, 5, 4, 4.0]})
    assert one(scores.csat(rows, "overall")).estimate == 0.5
    assert one(scores.csat(rows, "overall", top=3)).estimate == 0.75
    assert one(scores.effort(rows, "ease")).estimate == 5
    assert list(scores.mean(rows, ["overall", "ease"]).table["estimate"]) == [7, 5]


@pytest.mark.parametrize("method", ["adjusted_wald", "score", "dirichlet", "bootstrap"])
def test_a_weight_of_two_is_the_row_twice(responses, method):
    twice = responses.index < 100
    weighted = scores.nps(Sample(responses.assign(w=1 + twice), weight="w"), method=method)
    repeated = scores.nps(pd.concat([responses, responses[twice]]), method=method)
    assert_allclose(one(weighted).estimate, one(repeated).estimate)


def test_doubling_every_weight_changes_nothing(responses):
    for score in (scores.nps, lambda sample: scores.mean(sample, ["speed"])):
        once = score(Sample(responses, weight="weight")).table[NUMBERS]
        doubled = score(Sample(responses.assign(weight=2 * responses["weight"]), weight="weight"))
        assert_allclose(once, doubled.table[NUMBERS])


def test_equal_weights_are_no_weights(responses):
    weighted = scores.nps(Sample(responses.assign(w=3.0), weight="w")).table
    pd.testing.assert_frame_equal(weighted, scores.nps(responses).table)


def test_row_order_changes_nothing(responses):
    mixed = responses.sample(frac=1, random_state=1)
    design = {"weight": "weight", "cluster": "customer_id"}
    one, other = (scores.nps(Sample(r, **design), by="channel") for r in (responses, mixed))
    pd.testing.assert_frame_equal(one.table, other.table)


def test_groups_are_what_each_group_alone_gives(responses):
    table = scores.mean(Sample(responses, weight="weight"), ["speed", "price"], by="channel").table
    for channel, part in table.groupby("channel"):
        alone = scores.mean(
            Sample(responses[responses["channel"] == channel], weight="weight"), ["speed", "price"]
        )
        assert_allclose(part["estimate"], alone.table["estimate"])
        assert list(part["n"]) == list(alone.table["n"])


def test_groups_held_together_have_wider_intervals(responses):
    web = responses[responses["channel"] == "web"]
    table = scores.nps(responses, by="channel").table.set_index("channel")
    alone = one(scores.nps(web))
    of_web = table.loc["web"]
    assert (of_web["low"], of_web["high"]) == (alone.low, alone.high)  # one number, one interval
    assert of_web["simultaneous_low"] < alone.low < alone.high < of_web["simultaneous_high"]


@pytest.mark.slow
def test_formula_and_bootstrap_agree(responses):
    for score in (scores.nps, lambda sample, **how: scores.csat(sample, "speed", **how)):
        formula = one(score(responses))
        drawn = one(score(Sample(responses, draws=10_000), method="bootstrap"))
        assert_allclose(drawn.high - drawn.low, formula.high - formula.low, rtol=0.04)


@pytest.mark.slow
def test_drawing_counts_is_drawing_rows(responses):
    from_counts = one(scores.nps(Sample(responses, draws=10_000), method="bootstrap"))
    # A weight that differs in nothing that matters sends the same answers down the other way.
    rows = responses.assign(w=1 + 1e-9 * np.arange(len(responses)))
    from_rows = one(scores.nps(Sample(rows, weight="w", draws=10_000), method="bootstrap"))
    assert_allclose(from_counts[NUMBERS].astype(float), from_rows[NUMBERS].astype(float), atol=0.6)


def test_customers_who_answer_alike_widen_the_interval(responses):
    four = pd.concat([responses] * 4, ignore_index=True)
    once = one(
        scores.nps(Sample(responses.assign(customer_id=responses.index), cluster="customer_id"))
    )
    for method in ("adjusted_wald", "bootstrap"):
        rows = four.assign(customer_id=np.tile(responses.index, 4))
        known = one(scores.nps(Sample(rows, cluster="customer_id"), method=method))
        assert known.n == 2000
        assert_allclose(known.high - known.low, once.high - once.low, rtol=0.06)


def test_the_same_seed_gives_the_same_draws(responses):
    first, again, other = (
        scores.nps(Sample(responses, weight="weight", seed=s), method="bootstrap").table
        for s in (5, 5, 6)
    )
    assert first.equals(again)
    assert not first.equals(other)


def test_eleven_is_no_answer_to_the_nps():
    rows = asked([9] * 117 + [11] + [8] * 10)
    with pytest.raises(
        ValueError, match=r"1 of 128 answers lie outside 0-10 \(largest 11, first in row 118\)"
    ):
        scores.nps(rows)


@pytest.mark.parametrize(
    ("rows", "how", "message"),
    [
        (asked([7.5, 8]), {}, "not whole numbers .first 7.5 in row 1"),
        (pd.DataFrame({"recommend": ["9", "ten"]}), {}, "1 of 2 .* not numbers.*'ten' in row 2"),
        (asked([9, 8]), {"item": "recomend"}, "no column 'recomend'.*'recommend'"),
        (asked([9, 8]), {"by": "channel"}, "no column 'channel'"),
        (asked([9, 8], n=["a", "b"]), {"by": "n"}, "Rename it"),
        (asked([np.nan, np.nan]), {}, "none of 2 rows holds an answer"),
        (asked([]), {}, "none of 0 rows"),
        (Sample(asked([9, 8], w=[1, -1]), weight="w"), {}, "1 of 2 weights in 'w' are negative"),
        (asked([9, 8]), {"method": "exact"}, "There are: adjusted_wald, score, dirichlet"),
    ],
)
def test_what_is_wrong_is_said(rows, how, message):
    with pytest.raises(ValueError, match=message):
        scores.nps(rows, **how)


def test_more_boxes_than_the_scale_has_is_an_error(responses):
    with pytest.raises(ValueError, match="top=10 boxes of the scale 1-10; choose 1 to 9"):
        scores.csat(responses, "speed", top=10)


def test_all_answers_alike_keep_a_width_by_formula_and_none_by_draws():
    rows = asked([10] * 30)
    formula, drawn = one(scores.nps(rows)), scores.nps(rows, method="bootstrap")
    assert formula.low < 90 and formula.high <= 100
    assert one(drawn)[["low", "high"]].isna().all()
    assert "without two different answers" in drawn.notes


@pytest.mark.parametrize("weight", [None, "w"])
def test_means_of_answers_all_alike_have_no_interval(weight):
    rows = asked([7] * 40, w=np.random.default_rng(1).uniform(0.3, 3, 40))
    row = one(scores.mean(Sample(rows, weight=weight), "recommend"))
    assert_allclose(row.estimate, 7)
    assert np.isnan(row.low) and np.isnan(row.high)


def test_a_group_of_one_row_does_not_break_the_others(responses):
    rows = responses.assign(channel=["alone", *responses["channel"][1:]])
    formula = scores.nps(rows, by="channel").table.set_index("channel")
    drawn = scores.nps(rows, by="channel", method="bootstrap")
    assert formula.loc["alone", "high"] - formula.loc["alone", "low"] > 90
    table = drawn.table.set_index("channel")
    assert np.isnan(table.loc["alone", "low"]) and table["low"].notna().sum() == 3
    assert "1 without two different answers" in drawn.notes


def test_a_group_without_answers_is_an_empty_row():
    rows = asked([9, 3, np.nan], channel=["web", "web", "shop"])
    shop = scores.nps(rows, by="channel").table.iloc[0]
    assert shop["n"] == 0 and np.isnan(shop["estimate"]) and np.isnan(shop["low"])


def test_the_sentence_hides_what_the_table_must_not_show():
    assert "no number" in scores.nps(asked([9] * 9)).finding.claim
    rows = asked([9] * 30 + [0] * 3, channel=["web"] * 20 + ["app"] * 10 + ["shop"] * 3)
    assert "shop" not in scores.nps(rows, by="channel").finding.claim


def test_the_sentence_carries_number_interval_and_n(responses):
    row = one(scores.nps(responses))
    finding = scores.nps(responses).finding
    assert finding.claim == f"NPS is {i18n.signed(row.estimate, 0)}."
    assert finding.detail == f"95% CI {i18n.span(row.low, row.high)}; n = 500"
    assert (finding.value, finding.low, finding.high) == (row.estimate, row.low, row.high)


def test_not_experienced_is_no_missing_answer():
    rows = asked([9, 8, np.nan, np.nan], recommend_not_experienced=[False, False, True, False])
    fit = scores.item_response(rows, ["recommend"])
    assert_allclose(one(fit)[["estimate", "n", "not_experienced"]].astype(float), [2 / 3, 3, 0.25])
    assert "counted separately: recommend 1" in scores.nps(rows).notes


def test_what_a_wave_was_not_asked_nobody_passed_over():
    rows = asked([9, np.nan, np.nan, np.nan], wave=["2", "2", "1", "1"], speed=[1, 2, 3, 4])
    fit = scores.item_response(rows, ["recommend", "speed"])
    assert fit.table[["estimate", "n"]].to_numpy().tolist() == [[1 / 2, 2], [1, 4]]
    assert fit.unanswered[["term", "estimate"]].to_numpy().tolist() == [["recommend", 1 / 2]]
    assert "3 of 4 responses answered every question that applied" in fit.notes
    assert "Not asked in every wave, and counted where asked: recommend." in fit.notes


def test_categories_nobody_is_in_are_no_groups(responses):
    odd = responses.assign(channel=responses["channel"].astype("category"))
    odd["channel"] = odd["channel"].cat.set_categories(["web", "post", "phone", "shop"])
    odd.loc[:9, "channel"] = None
    fit = scores.nps(odd, by="channel")
    assert list(fit.table["channel"]) == ["web", "phone", "shop"]  # in the order of the categories
    assert "10 responses without channel were left out." in fit.notes
    plain = scores.nps(odd.astype({"channel": object}), by="channel").table.set_index("channel")
    whole = fit.table.set_index("channel")
    pd.testing.assert_frame_equal(whole, plain.loc[list(whole.index)], check_index_type=False)


def test_rows_without_a_group_are_counted(responses):
    rows = responses.assign(channel=responses["channel"].where(responses.index > 6))
    assert "7 responses without channel" in scores.nps(rows, by="channel").notes


def test_the_design_effect_is_told(responses):
    w = responses["weight"]
    kish = len(w) * (w**2).sum() / w.sum() ** 2
    assert f"design effect {kish:.2f}" in scores.nps(Sample(responses, weight="weight")).notes


def test_formulas_say_that_they_do_not_see_the_raking(responses):
    rows = weights.weigh(
        Sample(responses.drop(columns="weight"), draws=50),
        {"channel": {"web": 0.6, "phone": 0.2, "shop": 0.2}},
    )
    remark = "take the weights as given"
    assert remark in scores.nps(rows).notes
    assert remark not in scores.nps(rows, method="bootstrap").notes
    assert remark not in scores.nps(Sample(responses, weight="weight")).notes


def test_a_distribution_adds_up_to_one(responses):
    table = scores.distribution(Sample(responses, weight="weight"), ["recommend", "speed"]).table
    assert_allclose(table.groupby("term")["estimate"].sum(), 1)
    nine = responses["speed"] == 9
    share = responses.loc[nine, "weight"].sum() / responses["weight"].sum()
    row = table[(table["term"] == "speed") & (table["answer"] == 9)].iloc[0]
    assert_allclose(row["estimate"], share)


answers = st.lists(st.integers(0, 10), min_size=1, max_size=60)
quiet = settings(deadline=None)  # a busy machine is no fault


@pytest.mark.slow
@given(answers)
@quiet
def test_the_score_lies_in_its_interval_and_on_the_scale(given):
    row = one(scores.nps(asked(given)))
    assert -100 <= row.low < row.high <= 100
    assert row.low - 1e-9 <= row.estimate <= row.high + 1e-9
    assert_allclose(row.promoters + row.passives + row.detractors, 1)


@pytest.mark.slow
@given(answers)
@quiet
def test_turning_promoters_into_detractors_turns_the_sign(given):
    swap = {10: 0, 9: 6, 8: 7, 7: 8}
    turned = [swap.get(a, 9) for a in given]
    row, mirror = one(scores.nps(asked(given))), one(scores.nps(asked(turned)))
    assert_allclose(
        [row.estimate, row.low, row.high], [-mirror.estimate, -mirror.high, -mirror.low], atol=1e-9
    )


@pytest.mark.slow
@given(answers, answers)
@settings(max_examples=20, deadline=None)
def test_two_groups_together_are_their_weighted_mean(first, second):
    rows = asked(first + second, by=["a"] * len(first) + ["b"] * len(second))
    parts = scores.nps(rows, by="by").table
    whole = one(scores.nps(rows))
    assert_allclose(np.average(parts["estimate"], weights=parts["n"]), whole.estimate, atol=1e-9)


POPULATION = generator.TRUTH["population"]
SHOWN = {"nps": "recommend", "csat": "satisfaction1", "mean": "satisfaction1", "effort": "effort"}
MEASURES = {
    "nps": Measure("nps"),
    "csat": Measure("csat", (1, 10)),
    "mean": Measure("mean"),
    "effort": Measure("effort", (1, 7)),
}
TIMES = {25: 4000, 50: 4000, 400: 1500}
NAMES = {"nps": "NPS", "csat": "top-2 box", "mean": "mean score", "effort": "CES"}
INTERVALS = {
    "adjusted_wald": "adjusted Wald interval",
    "score": "score interval (Tango)",
    "dirichlet": "Dirichlet interval (Jeffreys)",
    "wilson": "Wilson interval",
    "bootstrap": "bootstrap interval",
}
FORMULAS = {"score": nps_intervals.score_interval, "dirichlet": nps_intervals.dirichlet}


@cache
def samples(n: int, times: int, *, weighted: bool = False, seed: int = 7) -> pd.DataFrame:
    """`times` samples of n from the population side by side, told apart by `sample`.

    Weighted ones are thinned by type with known chances that go with mood, weighed by the inverse.
    """
    size = 2 * n if weighted else n
    rows = generator.survey(size * times, seed)[["type", *dict.fromkeys(SHOWN.values())]]
    rows = rows.assign(sample=np.repeat(np.arange(times), size), w=1.0)
    if not weighted:
        return rows
    chance = np.array([0.8, 0.6, 0.4, 0.25])[rows["type"]]
    stays = np.random.default_rng([seed, 5]).random(len(rows)) < chance
    return rows.assign(w=1 / chance)[stays].reset_index(drop=True)


def bounds(sample: SampleLike, name: str, method: str) -> tuple[np.ndarray, np.ndarray]:
    """The interval of each sample, as the score itself makes it, for all of them at once."""
    measure = MEASURES[name]
    sample = as_sample(sample)
    answers = read(sample, [SHOWN[name]], by="sample")
    found = group_means.estimate(answers, measure.recode)
    if method == "bootstrap":
        return bootstrap_bounds(sample, name)
    if method in ("score", "dirichlet"):
        tally = answers.tallies[0]
        shares = tally.weight / tally.weight.sum(1, keepdims=True)
        p, d = (shares[:, keep].sum(1) for keep in (tally.values >= 9, tally.values <= 6))
        low, high = FORMULAS[method](p, d, found.effective[:, 0])
        return 100 * low, 100 * high
    return formula_interval(answers, found, measure)


def bootstrap_bounds(sample: Sample, name: str, together: int = 50, draws: int = 400):
    """Bootstrap intervals of the samples, a few samples at a time: each has its own customers."""
    measure, lows, highs = MEASURES[name], [], []
    sample = sample.replace(draws=draws, seed=3)
    for _, part in sample.data.groupby(sample["sample"] // together):
        answers = read(sample.with_data(part), [SHOWN[name]], by="sample")
        found = group_means.estimate(answers, measure.recode)
        flat = found.mean[:, 0]
        replicates = group_means.ratio(*group_means.resampled_sums(answers, measure.recode))
        moved = group_means.expand(replicates, flat, found.effective)
        low, high = percentile_interval(moved)
        lows.append(measure.factor * low)
        highs.append(measure.factor * high)
    return np.concatenate(lows), np.concatenate(highs)


@pytest.mark.slow
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("nps", "adjusted_wald"),
        ("nps", "score"),
        ("nps", "bootstrap"),
        ("csat", "wilson"),
        ("csat", "bootstrap"),
        ("mean", "bootstrap"),
        ("effort", "bootstrap"),
    ],
)
def test_many_samples_at_once_are_each_sample_alone(name, method, weighted):
    """What the coverage tests look at is what the scores give."""
    rows = samples(60, 6, weighted=weighted)
    design = {"weight": "w" if weighted else None, "draws": 400, "seed": 3}
    low, high = bounds(Sample(rows, **design), name, method)
    score = {
        "nps": lambda part: scores.nps(part, method=method),
        "csat": lambda part: scores.csat(part, SHOWN["csat"], method=method),
        "mean": lambda part: scores.mean(part, SHOWN["mean"]),
        "effort": lambda part: scores.effort(part, SHOWN["effort"]),
    }[name]
    alone = pd.concat([score(Sample(part, **design)).table for _, part in rows.groupby("sample")])
    assert_allclose(alone["low"], low, rtol=1e-9)
    assert_allclose(alone["high"], high, rtol=1e-9)


@pytest.mark.coverage
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("n", [25, 50, 400])
@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("nps", "adjusted_wald"),
        ("nps", "score"),
        ("nps", "dirichlet"),
        ("nps", "bootstrap"),
        ("csat", "wilson"),
        ("mean", "bootstrap"),
        ("effort", "bootstrap"),
    ],
)
def test_intervals_cover_the_truth(name, method, n, weighted, tell_coverage):
    rows = samples(n, TIMES[n], weighted=weighted, seed=n)
    low, high = bounds(Sample(rows, weight="w" if weighted else None), name, method)
    share = np.mean((low <= POPULATION[name]) & (POPULATION[name] <= high))
    of = f"{n} answers" + ", weighted" * weighted
    tell_coverage(f"{NAMES[name]}, {INTERVALS[method]}", of, share, TIMES[n])
    assert 0.93 <= share <= 0.97, f"{name} {method}, n {n}: {share:.1%}"


def four_waves(times: int, customers: int = 100) -> pd.DataFrame:
    """In each sample the same customers, asked in each of four quiet waves."""
    rng = np.random.default_rng(9)
    kind = people.types_of(rng, customers * times)
    felt = {k: v.ravel() for k, v in people.latents(rng, kind, 4, {}).items()}
    given = people.answers(rng, felt, people.topics(rng, (customers * times * 4,)))
    who = np.repeat(np.arange(customers * times), 4)
    return pd.DataFrame(given).assign(customer_id=who, sample=who // customers)


def test_standard_error_variance_and_wald_interval_by_hand():
    rows = asked([10] * 5 + [8] * 3 + [0] * 2)  # NPS 30; variance 0.5 + 0.2 - 0.09
    fit = scores.nps(rows, method="wald")
    row = fit.errors.iloc[0]
    assert row["variance"] == pytest.approx(6100) and row["effective"] == 10
    assert row["error"] == pytest.approx(np.sqrt(610))
    assert one(fit)["low"] == pytest.approx(30 - 1.959964 * np.sqrt(610), abs=1e-4)
    assert "Wald, too short" in fit.notes
    csat = scores.csat(rows, "recommend", scale=(0, 10)).errors.iloc[0]
    assert csat["error"] == pytest.approx(np.sqrt(0.25 / 10))
    mean = scores.mean(rows, "recommend").errors.iloc[0]
    assert mean["error"] == pytest.approx(rows["recommend"].std(ddof=0) / np.sqrt(10))


@pytest.mark.parametrize("how", [{}, {"weight": "w"}, {"weight": "w", "cluster": "who"}])
def test_standard_errors_are_those_of_the_bootstrap(how):
    rng = np.random.default_rng(3)
    who = np.repeat(np.arange(200), 2)
    answer = np.clip(np.rint(rng.normal(8, 1.5, 200)[who] + rng.normal(0, 1, 400)), 0, 10)
    rows = asked(answer.tolist(), who=who, w=rng.uniform(0.5, 2, 400), shop=who % 2)
    sample = Sample(rows, draws=4000, **how)
    fit = scores.nps(sample, by="shop", method="bootstrap")
    assert_allclose(fit.errors["error"], fit.replicates.std(0), rtol=0.1)
    errors = fit.errors
    assert_allclose(errors["error"] ** 2, errors["variance"] / errors["effective"])
    assert errors["shop"].tolist() == fit.table["shop"].tolist()


@pytest.mark.coverage
@pytest.mark.parametrize("n", [25, 50, 400])
def test_the_plain_wald_interval_is_too_short_of_few_answers(n, tell_coverage):
    rows = samples(n, TIMES[n], weighted=False, seed=n)
    low, high = bounds(Sample(rows), "nps", "wald")
    share = np.mean((low <= POPULATION["nps"]) & (POPULATION["nps"] <= high))
    tell_coverage("NPS, plain Wald", f"{n} answers", share, TIMES[n])
    assert 0.91 <= share <= 0.97


@pytest.mark.coverage
@pytest.mark.parametrize("n", [20, 100])
@pytest.mark.parametrize(
    ("name", "method"),
    [("nps", "adjusted_wald"), ("nps", "bootstrap"), ("csat", "wilson"), ("mean", "bootstrap")],
)
def test_intervals_cover_when_customers_answer_four_times(name, method, n, tell_coverage):
    rows, truth, covered = four_waves(800, n), POPULATION[name], {}
    for customer in (None, "customer_id"):
        # In parts, as customers of one sample make no sum with those of another.
        parts = [
            bounds(Sample(part, cluster=customer), name, method)
            for _, part in rows.groupby(rows["sample"] // 50)
        ]
        low, high = (np.concatenate(side) for side in zip(*parts, strict=True))
        covered[customer] = np.mean((low <= truth) & (truth <= high))
    of = f"{n} customers, 4 answers each"
    tell_coverage(f"{NAMES[name]}, {INTERVALS[method]}", of, covered["customer_id"], 800)
    assert 0.93 <= covered["customer_id"] <= 0.97
    assert covered[None] < 0.92  # as if all answers were of different people


def held_together(part: pd.DataFrame, name: str, method: str) -> tuple[np.ndarray, np.ndarray]:
    """Of each sample the intervals of its four types that hold at once: (samples, 4) each."""
    measure = MEASURES[name]
    sample = Sample(part.assign(cell=4 * part["sample"] + part["type"]), draws=400, seed=3)
    answers = read(sample, [SHOWN[name]], by="cell")
    found = group_means.estimate(answers, measure.recode)
    if method != "bootstrap":
        sides = formula_interval(answers, found, measure, sidak_level(4))
        return tuple(side.reshape(-1, 4) for side in sides)
    flat = found.mean[:, 0]
    replicates = group_means.ratio(*group_means.resampled_sums(answers, measure.recode))
    moved = group_means.expand(replicates, flat, found.effective)
    places = [slice(k, k + 4) for k in range(0, len(flat), 4)]
    sides = [simultaneous_interval(flat[place], moved[:, place]) for place in places]
    low, high = (measure.factor * np.array(side) for side in zip(*sides, strict=True))
    return low, high


@pytest.mark.parametrize(("name", "method"), [("nps", "adjusted_wald"), ("mean", "bootstrap")])
def test_groups_of_many_samples_are_those_of_each(name, method):
    rows = samples(300, 3)
    low, high = held_together(rows, name, method)
    score = scores.nps if name == "nps" else scores.mean
    for k, (_, part) in enumerate(rows.groupby("sample")):
        table = score(Sample(part, draws=400, seed=3), SHOWN[name], by="type").table
        assert_allclose(table["simultaneous_low"], low[k])
        assert_allclose(table["simultaneous_high"], high[k])


@pytest.mark.coverage
@pytest.mark.parametrize(
    ("name", "method"),
    [("nps", "adjusted_wald"), ("nps", "bootstrap"), ("csat", "wilson"), ("mean", "bootstrap")],
)
def test_intervals_of_groups_cover_all_at_once(name, method, tell_coverage):
    measure, big = MEASURES[name], generator.survey(1_000_000, 99)
    truth = measure.factor * measure.recode(big[SHOWN[name]].to_numpy(float))
    truth = pd.Series(truth).groupby(big["type"].to_numpy()).mean().to_numpy()
    rows = samples(800, 600)
    parts = [held_together(part, name, method) for _, part in rows.groupby(rows["sample"] // 10)]
    low, high = (np.concatenate(side) for side in zip(*parts, strict=True))
    share = np.mean(((low <= truth) & (truth <= high)).all(1))
    of = "800 answers, by group"
    tell_coverage(f"{NAMES[name]}, {INTERVALS[method]}, simultaneous", of, share, len(low))
    assert 0.93 <= share <= 0.97, f"{share:.1%}"


def test_the_score_of_a_question_is_that_of_its_role(responses: pd.DataFrame) -> None:
    nps = Item(label="Recommend", scale=(0, 10), role="nps")
    csat = Item(label="Speed", scale=(1, 10), role="csat")
    plain = Item(label="Speed", scale=(1, 10))
    measures = [scores.measure_of(asked) for asked in (nps, csat, plain)]
    assert scores.score(responses, "recommend", measures[0]).unit == "points"
    assert scores.score(responses, "speed", measures[1]).unit == "share"
    mean = scores.score(responses, "speed", measures[2]).table["estimate"][0]
    assert mean == pytest.approx(responses["speed"].mean())


@pytest.mark.parametrize("measure", ["nps", "mean"])
def test_a_wave_has_one_interval_alone_and_beside_other_waves(measure):
    """Customers who answer in each wave: nobody does so twice within one."""
    rng = np.random.default_rng(4)
    rows = pd.DataFrame({"customer_id": np.tile(np.arange(200), 3)})
    rows["wave"] = np.repeat([1, 2, 3], 200)
    rows["recommend"] = np.clip(rng.normal(8, 2, 200).round()[rows["customer_id"]], 0, 10)
    rows["weight"] = rng.uniform(0.2, 3, len(rows))
    sample = Sample(rows, weight="weight", cluster="customer_id", draws=100)
    every = scores.score(sample, "recommend", measure, by="wave").table.set_index("wave")
    alone = scores.score(sample.where(rows["wave"] == 3), "recommend", measure).table
    assert_allclose(every.loc[3, ["low", "high"]].astype(float), alone.loc[0, ["low", "high"]])
    # Within one cell who answers three times counts as one: no narrower than of independent rows.
    whole, apart = (
        scores.nps(Sample(rows, weight="weight", cluster=c)).table for c in ("customer_id", None)
    )
    assert (whole["high"] - whole["low"])[0] > 1.2 * (apart["high"] - apart["low"])[0]


@pytest.mark.slow
def test_a_claim_about_groups_says_that_it_is_of_several_waves():
    """The latest wave may be another: a reader must not take one for the other."""
    rows = pd.DataFrame({"recommend": [10, 8] * 20 + [0, 9] * 20})
    rows["wait"] = np.repeat(["no", "yes"], 40)
    rows["wave"] = np.tile(["a", "a", "b", "b"], 20)
    one = scores.by_group(rows[rows["wave"] == "a"], by="wait").finding.claim
    assert scores.by_group(rows, by="wait").finding.claim.startswith(
        "Over all 2 waves, NPS differs"
    )
    assert one.startswith("NPS ")


@pytest.mark.parametrize(
    ("late", "told"),
    [
        ([0] * 20, r"; over all 2 waves [^;]*, −83\.3 points \(95% CI [^;]*\)"),
        ([10, 8] * 10, r"; not significant in b alone: 0\.0 points \(95% CI [^;]*\)"),
        ([0], "; too few answers in b to show whether it holds there"),
    ],
)
def test_a_difference_of_all_waves_says_whether_it_holds_in_the_latest(late, told):
    waves = {("a", "no"): [10, 8] * 20, ("a", "yes"): [0, 9] * 20}
    waves |= {("b", "no"): [10, 8] * 10, ("b", "yes"): late}
    parts = [pd.DataFrame({"recommend": x, "wave": w, "wait": g}) for (w, g), x in waves.items()]
    with context.use(context.Context(smallest_cell=10)):
        detail = scores.by_group(Sample(pd.concat(parts), draws=200), by="wait").finding.detail
    assert re.search(told + "$", detail)


def test_the_latest_wave_heads_a_difference_between_groups():
    """Late parcels had an NPS of −100 at first and 0 now: claim and advice are of now."""
    waves = {("a", "no"): [10, 8] * 40, ("a", "late"): [0] * 40}
    waves |= {("b", "no"): [10, 8] * 90, ("b", "late"): [10, 0] * 10}
    parts = [pd.DataFrame({"recommend": x, "wave": w, "parcel": g}) for (w, g), x in waves.items()]
    with context.use(context.Context(smallest_cell=5)):
        fit = scores.by_group(Sample(pd.concat(parts), draws=200), by="parcel")
    found, row = fit.finding, fit.latest.set_index("parcel").loc["late"]
    assert (found.value, found.low, found.high) == (row["estimate"], row["low"], row["high"])
    assert found.claim == "In b, NPS differs significantly by parcel: 0 for late, +50 for no."
    assert found.at == {"parcel": "late", "wave": "b"}
    assert "over all 2 waves" in found.detail
    assert found.action == (
        "Reduce the share of late (10% of answers in b) where you can, or what lowers their score."
    )
