"""Is it changing: comparisons, charts, change points, mix and rate; truths, witnesses, alarms."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import generator
import numpy as np
import pandas as pd
import pytest
from generator import people
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from cxlib import scores
from cxlib.core import context
from cxlib.core.errors import InsufficientData
from cxlib.core.result import Result
from cxlib.core.sample import Sample
from cxlib.privacy import disclosure
from cxlib.scores import ControlLimits, Measure, comparisons, group_means
from cxlib.scores.answers import read
from cxlib.scores.decomposition import parts
from cxlib.scores.sample_size import _standard_errors, smallest_change
from cxlib.scores.trend_series import covariance_of
from cxlib.stats import control_charts
from cxlib.stats.intervals import simultaneous_interval
from cxlib.stats.pvalues import max_t

PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "trends.json").read_text("utf-8"))
NUMBERS = ["estimate", "low", "high"]


def asked(groups: dict[str, list], by: str = "wave", **columns: object) -> pd.DataFrame:
    rows = [(g, a) for g, answers in groups.items() for a in answers]
    return (
        pd.DataFrame(rows, columns=[by, "recommend"]).astype({"recommend": float}).assign(**columns)
    )


def quiet_waves(seed: int, n: int, waves: int = 8, **columns: object) -> pd.DataFrame:
    """Waves in which nothing happens, n answers each, other people in each."""
    rows = generator.survey(n * waves, seed)
    return rows.assign(wave=np.repeat([f"2026-{k:02d}" for k in range(1, waves + 1)], n), **columns)


# Comparisons


def test_a_difference_by_hand():
    rows = asked({"a": [10, 10, 9, 0], "b": [10, 8, 7, 0]})
    table = scores.compare(rows, by="wave").table
    assert list(table["wave"]) == ["b"] and list(table["against"]) == ["a"]
    assert_allclose(table["estimate"], [0 - 50])
    assert list(table["n"]) == [4]


@pytest.mark.slow
def test_pairs_rest_previous_and_one_group(responses):
    rows = responses.assign(g=np.resize(list("abcd"), len(responses)))
    nps = scores.nps(rows, by="g").table.set_index("g")["estimate"]
    pairs = scores.compare(rows, by="g").table
    assert len(pairs) == 6
    for row in pairs.itertuples():
        assert_allclose(row.estimate, nps[row.g] - nps[row.against])
    steps = scores.compare(rows, by="g", against="previous").table
    assert_allclose(steps["estimate"], [nps[b] - nps[a] for a, b in pairwise("abcd")])
    with_c = scores.compare(rows, by="g", against="c").table
    assert list(with_c["against"].unique()) == ["c"] and len(with_c) == 3
    rest = scores.compare(rows, by="g", against="rest").table.set_index("g")["estimate"]
    for g in "abcd":
        others = scores.nps(rows[rows["g"] != g]).table["estimate"][0]
        assert_allclose(rest[g], nps[g] - others)


@pytest.mark.parametrize("measure", [Measure("csat", (1, 10)), Measure("mean")])
def test_other_measures_compare_too(responses, measure):
    table = scores.compare(responses, "speed", by="channel", measure=measure).table
    counted = responses.assign(y=measure.recode(responses["speed"].to_numpy()))
    mean = counted.groupby("channel")["y"].mean()
    assert_allclose(
        table["estimate"], [mean[r.channel] - mean[r.against] for r in table.itertuples()]
    )


def test_turning_groups_round_turns_the_sign(responses):
    by_name = scores.compare(responses, by="channel").table.iloc[0]
    renamed = responses.assign(
        channel=responses["channel"].map({"phone": "z", "shop": "a", "web": "m"})
    )
    turned = scores.compare(renamed, by="channel").table
    row = turned[(turned["channel"] == "z") & (turned["against"] == "a")].iloc[0]
    assert (by_name["channel"], by_name["against"]) == ("shop", "phone")
    assert_allclose(
        [row.estimate, row.low, row.high],
        [-by_name.estimate, -by_name.high, -by_name.low],
        atol=1e-9,
    )


@pytest.mark.slow
@pytest.mark.parametrize("weights", [1.0, 2.0])
def test_doubled_weights_change_nothing(responses, weights):
    once = responses.assign(w=responses["weight"])
    twice = responses.assign(w=weights * responses["weight"])
    once, twice = (Sample(rows, weight="w", cluster="customer_id") for rows in (once, twice))
    for make in (
        lambda sample: scores.compare(sample, by="channel"),
        scores.trend,
        lambda sample: scores.decompose_change(sample, by="channel"),
        scores.detectable_change,
    ):
        assert_allclose(make(once).table[NUMBERS], make(twice).table[NUMBERS], rtol=1e-9)


@pytest.mark.slow
def test_a_relabelled_scale_changes_the_unit_only(responses):
    sample, how = Sample(responses, weight="weight", cluster="customer_id"), {"measure": "mean"}
    tenfold = sample.assign(speed=10 * responses["speed"] + 3)
    for make in (scores.compare, scores.decompose_change):
        one, other = (make(s, "speed", by="channel", **how).table for s in (sample, tenfold))
        assert_allclose(other[NUMBERS], 10 * one[NUMBERS], rtol=1e-6)
    one, other = (scores.trend(s, "speed", **how).limits for s in (sample, tenfold))
    assert_allclose(other["z"], one["z"], rtol=1e-6)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"by": "channel", "against": "mail"}, "'mail' is no group of channel.*phone, shop, web"),
        ({"by": "all"}, "1 of 1 groups have two answers or more"),
        ({"by": "channel", "measure": "ces"}, "measure='ces' is not a choice. There are: nps"),
    ],
)
def test_what_cannot_be_compared_is_said(responses, how, message):
    with pytest.raises(ValueError, match=message):
        scores.compare(responses.assign(all="x"), **how)


@pytest.mark.parametrize("others", [0, 1])
def test_groups_that_hardly_answered_are_no_failure_of_the_page(others):
    rows = asked({"seen": [9, 10] * 40, "not seen": [5] * others + [np.nan] * 20})
    with pytest.raises(InsufficientData, match="Too few answers to compare groups"):
        scores.compare(rows, by="wave")


def test_a_clear_difference_is_told_as_one():
    rows = asked({"2025": [9, 10] * 40 + [0] * 20, "2026": [9] * 20 + [0] * 80})
    fit = scores.compare(rows, by="wave", against="previous")
    assert fit.finding.claim == "NPS fell by 120.0 points from 2025 to 2026."
    assert (fit.finding.value, fit.finding.previous, fit.finding.change) == (-60, 60, -120)
    assert (fit.finding.verdict, fit.finding.importance.name) == ("worse", "NEWS")
    assert fit.table["p"][0] < 0.01


def test_small_groups_are_not_told():
    rows = asked({"a": [9, 0] * 3, "b": [10, 10, 0] * 2})
    assert "Too few" in scores.compare(rows, by="wave").finding.claim


def differences(rows: pd.DataFrame, groups: int) -> list[tuple[np.ndarray, ...]]:
    """(low, high, p) of all pairs of groups in each sample, as `compare` makes them."""
    measure = Measure("nps")
    answers = read(
        Sample(
            rows.assign(cell=rows["sample"] * groups + rows["g"]), weight="w", draws=400, seed=3
        ),
        ["recommend"],
        by="cell",
    )
    found = group_means.estimate(answers, measure.recode)
    tops, bottoms = group_means.resampled_sums(answers, measure.recode)
    one = replace(answers, by="g", groups=list(range(groups)))
    results = []
    for k in range(0, len(answers.groups), groups):
        at = slice(k, k + groups)
        total, effective = found.total[at, 0], found.effective[at, 0]
        first, second, _ = comparisons._sides(one, found.n[at, 0], "pairs")
        estimate = 100 * comparisons._gap(found.mean[at, 0] * total, total, first, second)
        drawn = 100 * comparisons._gap(tops[:, at], bottoms[:, at], first, second, effective)
        results.append((*simultaneous_interval(estimate, drawn), max_t(estimate, drawn)))
    return results


def samples_of_groups(n: int, groups: int, times: int, weighted: bool) -> pd.DataFrame:
    rows = generator.survey(n * groups * times, n + groups)[["type", "recommend"]]
    weight = np.array([1.0, 1.5, 2.0, 3.0])[rows["type"]] if weighted else 1.0
    place = np.arange(len(rows)) // n
    return rows.assign(sample=place // groups, g=place % groups, w=weight)


@pytest.mark.slow
def test_differences_of_many_samples_are_those_of_each():
    rows = samples_of_groups(60, 3, 4, weighted=True)
    for (low, high, p), (_, part) in zip(differences(rows, 3), rows.groupby("sample"), strict=True):
        table = scores.compare(Sample(part, weight="w", draws=400, seed=3), by="g").table
        assert_allclose(
            table[["simultaneous_low", "simultaneous_high", "p"]], np.stack([low, high, p], 1)
        )


@pytest.mark.coverage
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize(("n", "groups"), [(50, 2), (50, 4), (200, 4)])
def test_differences_that_are_none_stay_in_their_intervals(n, groups, weighted, tell_coverage):
    """All intervals hold 0 at once in 95 of 100 samples, as far as 400 tell."""
    rows = samples_of_groups(n, groups, 400, weighted)
    held = [
        ((low <= 0) & (high >= 0)).all()
        for _, part in rows.groupby(rows["sample"] // 25)
        for low, high, _ in differences(part, groups)
    ]
    of = f"{groups} groups of {n} answers" + ", weighted" * weighted
    tell_coverage("differences of scores of groups, simultaneous", of, np.mean(held), len(held))
    assert 0.92 <= np.mean(held) <= 0.98, f"{np.mean(held):.1%}"


def test_p_and_intervals_agree():
    rng = np.random.default_rng(4)
    estimate, draws = rng.normal(0, 2, 30), 2000
    replicates = estimate + rng.normal(size=(draws, 30))
    (low, high), p = simultaneous_interval(estimate, replicates), max_t(estimate, replicates)
    assert ((p < 0.05) == ((low > 0) | (high < 0)))[np.abs(p - 0.05) > 0.005].all()


# How large, how many


def test_the_published_detectable_change():
    spread = 0.4 + 0.2 - 0.2**2
    size = 100 * smallest_change(spread, 400, _standard_errors(0.8))
    assert_allclose(size, PUBLISHED["detectable"]["points"], atol=0.05)


def test_what_is_needed_is_what_is_detectable(responses):
    for measure, item in ((Measure("nps"), "recommend"), (Measure("mean"), "speed")):
        change = scores.detectable_change(responses, item, measure=measure).table["estimate"][0]
        needed = scores.sample_size(responses, item, changes=[change], measure=measure)
        assert_allclose(needed.table["estimate"][0], len(responses), atol=1)


@pytest.mark.slow
def test_a_change_of_that_size_is_found_four_times_in_five():
    before = np.array([0.3, 0.3, 0.4])  # detractors, passives, promoters
    n, size = 400, 100 * smallest_change(0.7 - 0.1**2, 400, _standard_errors(0.8)) / 100
    after = before + np.array([size / 2, 0, -size / 2])
    rng = np.random.default_rng(5)
    first, second = (rng.multinomial(n, p, 20_000) / n for p in (before, after))
    gap = [s[:, 2] - s[:, 0] for s in (first, second)]
    error = [(s[:, 2] + s[:, 0] - g**2) / n for s, g in zip((first, second), gap, strict=True)]
    found = np.abs(gap[0] - gap[1]) > 1.96 * np.sqrt(error[0] + error[1])
    assert 0.78 <= found.mean() <= 0.82


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda rows: scores.detectable_change(rows, power=1.2),
            "power=1.2; it must lie between 0 and 1",
        ),
        (
            lambda rows: scores.sample_size(rows, changes=[0]),
            "give the sizes of changes, each above 0",
        ),
    ],
)
def test_impossible_sizes_are_said(responses, make, message):
    with pytest.raises(ValueError, match=message):
        make(responses)


# Control charts


def test_the_cusum_is_montgomerys(tell_witness):
    case = PUBLISHED["cusum"]
    up, _ = control_charts.cusum(np.array(case["x"]) - case["target"])
    at = case["signal"] - 1
    assert np.flatnonzero(up > case["decision"])[0] == at
    tell_witness("CUSUM", "Montgomery, tables 9.1 and 9.2", up[at], case["sum"], atol=0.005)
    assert at - control_charts.start(up)[at] + 1 == case["counter"]


@pytest.mark.slow
@pytest.mark.parametrize("h", [4, 5])
def test_the_cusum_runs_as_long_as_published(h):
    case, rng = PUBLISHED["cusum"], np.random.default_rng(h)
    for shift, length, runs in (
        (0.0, case["in_control_run"][str(h)], 2000),
        (case["shifted_run"]["shift"], case["shifted_run"][str(h)], 20_000),
    ):
        z = rng.normal(shift, 1, (runs, int(9 * length)))
        out = np.maximum(*control_charts.cusum(z)) > h
        first = np.where(out.any(1), out.argmax(1) + 1, z.shape[1])
        assert_allclose(first.mean(), length, rtol=0.06)


def test_a_sum_begins_again_after_a_signal():
    z = np.array([0.0, -12.0, 0.0, 0.0, -3.0, -3.0])
    _, down = control_charts.cusum(z, decision=4)
    assert_allclose(down, [0, 11.5, 0, 0, 2.5, 5])
    assert list(control_charts.start(down, 4)) == [0, 1, 2, 3, 4, 4]


def test_limits_by_hand():
    # Two waves of baseline, 8 of 16 promoters and no passives: the answers vary by 1.
    half = [10, 0] * 8
    rows = asked({"1": half, "2": half, "3": [10] * 16})
    chart = scores.trend(rows, limits=ControlLimits(baseline=2)).limits
    assert_allclose(chart["centre"], 0)
    assert_allclose(chart["high"], 300 * np.sqrt([1 / 32, 1 / 32, 1 / 16 + 1 / 32]))
    assert list(chart["signal"]) == ["", "", "above"]
    assert_allclose(chart["z"], [0, 0, 1 / np.sqrt(3 / 32)], atol=1e-12)
    assert list(chart["baseline"]) == [True, True, False]


def test_limits_follow_n():
    rng = np.random.default_rng(2)
    rows = asked({str(k): list(rng.integers(0, 11, n)) for k, n in enumerate([200, 200, 50, 800])})
    chart = scores.trend(rows, limits=ControlLimits(baseline=2)).limits
    width = (chart["high"] - chart["low"]).to_numpy()
    assert_allclose(width[2] / width[3], np.sqrt((1 / 50 + 1 / 400) / (1 / 800 + 1 / 400)))


@pytest.mark.slow
def test_customers_in_every_wave_narrow_the_limits(responses):
    """Who answers alike in both waves makes their difference surer, and the limits narrower."""
    twice = pd.concat([responses.assign(wave=w, customer_id=responses.index) for w in "ab"])
    same = scores.trend(Sample(twice, cluster="customer_id")).limits
    other = scores.trend(twice).limits
    assert np.isnan(same["z"][0])  # the whole baseline, which cannot lie off itself
    assert same["high"][1] - same["low"][1] < 0.01 < other["high"][1] - other["low"][1]


@pytest.mark.slow
def test_overdispersed_waves_get_wider_limits():
    rng = np.random.default_rng(6)
    chance = np.clip(0.5 + 0.1 * rng.normal(size=20), 0.1, 0.9)
    rows = asked(
        {f"{k:02d}": list(np.where(rng.random(2000) < p, 10, 0)) for k, p in enumerate(chance)}
    )
    plain = scores.trend(rows, limits=ControlLimits(baseline=19)).limits
    laney = scores.trend(rows, limits=ControlLimits(baseline=19, overdispersed=True)).limits
    ratio = (laney["high"] - laney["low"]) / (plain["high"] - plain["low"])
    assert_allclose(ratio, control_charts.overdispersion(plain["z"].to_numpy()[:19]))
    assert ratio[0] > 5 and (plain["signal"] != "").sum() > 10
    assert (laney["signal"] != "").sum() <= 2


def test_waves_that_only_sample_are_not_overdispersed():
    z = np.random.default_rng(1).normal(size=200_000)
    assert_allclose(control_charts.overdispersion(z), 1, atol=0.01)


@pytest.mark.coverage
@pytest.mark.parametrize("kind", ["plain", "weighted", "panel"])
@pytest.mark.parametrize("n", [50, 300])
def test_limits_of_two_errors_are_left_by_five_in_a_hundred(n, kind, tell_coverage):
    """False alarms of waves in which nothing happens, at limits of 1.96; of sums and p likewise."""
    judged = outside = changes = rung = 0
    times = 120
    for seed in range(times):
        design = {}
        if kind == "panel":
            rng = np.random.default_rng(seed)
            who = people.types_of(rng, n)
            felt = {k: v.ravel() for k, v in people.latents(rng, who, 6, {}).items()}
            rows = pd.DataFrame(people.answers(rng, felt, people.topics(rng, (6 * n,))))
            rows = rows.assign(wave=np.tile(np.arange(6), n), who=np.repeat(np.arange(n), 6))
            design = {"cluster": "who"}
        else:
            rows = quiet_waves(seed, n, 6)
        if kind == "weighted":
            rows = rows.assign(w=np.array([1, 1.5, 2, 3.0])[rows["type"]])
            design = {"weight": "w"}
        fit = scores.trend(Sample(rows, draws=200, seed=seed, **design), limits=1.96)
        judged += len(fit.limits)
        outside += fit.limits["signal"].isin(["above", "below"]).sum()
        changes += fit.changes["p"][0] < 0.2
        rung += (fit.limits[["up", "down"]].to_numpy() > control_charts.DECISION).any()
    of = f"{judged} waves of {n} answers, {kind}"
    tell_coverage(
        "rate of false alarms, trend at limits of 1.96", of, outside / judged, times, 0.05
    )
    assert 0.03 <= outside / judged <= 0.07, f"{outside / judged:.1%}"
    assert 0.12 <= changes / times <= 0.28  # of p under .2
    assert rung / times <= 0.06  # of people asked again, waves before and after move together


@pytest.mark.slow
def test_alarm_probabilities_are_those_of_no_change():
    rows = quiet_waves(4, 400)
    chart = scores.trend(rows).limits
    assert chart["probability"].max() > 0.5 and chart["signal"].eq("").all()
    hit = rows.assign(recommend=rows["recommend"].where(rows["wave"] != "2026-07", 0))
    row = scores.trend(hit).limits.iloc[6]
    assert row["signal"] == "below" and row["probability"] < 1e-6
    assert row["first_seen"] == "2026-07"


@pytest.mark.slow
def test_many_scores_and_groups_have_a_row_each_wave(responses):
    rows = responses.assign(wave=np.resize(["1", "2", "3"], len(responses)))
    fit = scores.trend(rows, ["speed", "price"], by="channel", measure="mean")
    assert list(fit.limits.columns[:3]) == ["channel", "wave", "term"]
    assert len(fit.limits) == 3 * 2 * 3 and len(fit.changes) == 6
    alone = scores.trend(rows[rows["channel"] == "web"], "price", measure="mean")
    part = fit.limits[(fit.limits["channel"] == "web") & (fit.limits["term"] == "price")]
    assert_allclose(part["z"], alone.limits["z"])


@pytest.mark.parametrize(
    ("rows", "how", "message"),
    [
        (asked({"1": [9, 0]}), {}, "A trend needs answers in two waves"),
        (
            asked({"1": [9, 0], "2": [9, 0]}),
            {"limits": ControlLimits(baseline=2)},
            "baseline=2 of 2 values of wave",
        ),
        (asked({"1": [9, 0], "2": [9, 0]}), {"over": "month"}, "no column 'month'"),
    ],
)
def test_what_is_no_trend_is_said(rows, how, message):
    with pytest.raises(ValueError, match=message):
        scores.trend(rows, **how)


# Change points


def test_the_nile_changed_in_1899(tell_witness):
    case = PUBLISHED["nile"]
    y = np.array(case["flow"], float)
    step, size = control_charts.level_shifts(y, np.ones(len(y)))
    at = case["break_after"]
    rest = np.concatenate([y[:at] - y[:at].mean(), y[at:] - y[at:].mean()])
    variance = (rest**2).sum() / (len(y) - 2)
    ours, witness = (step**2 * size).max() / variance, "R strucchange (Nile)"
    tell_witness("change point: largest F", witness, ours, case["sup_f"], atol=0.005)
    noise = np.random.default_rng(1).normal(0, np.sqrt(variance), (4000, len(y)))
    found = control_charts.change_point(y, np.full(len(y), 1 / variance), noise)
    assert found.wave == at and found.p < 0.001
    ours, theirs = [found.first, found.last], case["interval"]
    tell_witness("change point: interval", witness, ours, theirs, atol=1)


@pytest.mark.coverage
def test_the_change_lies_in_its_interval(tell_coverage):
    rng, hits, times = np.random.default_rng(8), 0, 400
    noise = rng.normal(size=(500, 12))
    for _ in range(times):
        y = rng.normal(size=12) + np.where(np.arange(12) < 7, 0, 2.0)
        found = control_charts.change_point(y, np.ones(12), noise)
        hits += found.first <= 7 <= found.last
    tell_coverage("wave of a change of level", "12 waves", hits / times, times)
    assert hits / times >= 0.93  # waves are whole: it may hold oftener than 95 times in 100


# The sample: what is known to have happened is found


@pytest.fixture(scope="module")
def company() -> pd.DataFrame:
    rows = generator.company()["responses"]
    codes = rows[list(generator.TOUCHPOINTS)]
    return rows.assign(**codes.where(codes <= 10).to_dict("series"))


def means_over_waves(rows: pd.DataFrame, items: list[str]) -> Result:
    return scores.trend(Sample(rows, cluster="customer_id", draws=400), items, measure="mean")


@pytest.mark.slow
def test_the_failed_deliveries_are_found_in_their_wave(company):
    truth = generator.TRUTH["failure"]
    fit = means_over_waves(company, list(generator.TOUCHPOINTS))
    found = scores.alerts(fit).table
    assert list(zip(found["wave"], found["term"], strict=True)) == [
        (truth["wave"], truth["touchpoint"])
    ]
    assert found["signal"][0] == "below" and found["estimate"][0] < -1


@pytest.mark.slow
def test_the_dearer_wave_is_where_the_level_of_value_changed(company):
    changes = means_over_waves(company, ["value1", "value2"]).changes
    assert (changes["wave"] == generator.TRUTH["price"]["from"]).all()
    assert (changes["p"] < 0.01).all() and (changes["high"] < 0).all()


@pytest.mark.slow
def test_nothing_is_found_where_nothing_happened(company):
    north = company[company["region"] == generator.TRUTH["quiet"]["region"]]
    fit = means_over_waves(north, [*generator.TOUCHPOINTS, "value1", "recommend"])
    assert len(scores.alerts(fit).table) <= 1  # of 80 points


# Mix and rate


def test_mix_and_rate_by_hand():
    # Shares .5/.5 to .75/.25; scores 0 and 100 to 0 and 50.
    tops, bottoms = np.array([[0.0, 200], [0, 50]]), np.array([[2.0, 2], [3, 1]])
    mixed, answered = parts(tops, bottoms)
    whole = (50 + 12.5) / 2
    assert_allclose(mixed, [0.25 * (0 - whole), -0.25 * (75 - whole)])
    assert_allclose(answered, [0, 0.375 * -50])
    assert_allclose(mixed.sum() + answered.sum(), 12.5 - 50)


counts = st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=2, max_size=2)


@given(counts, st.lists(st.floats(-100, 100), min_size=6, max_size=6))
@settings(deadline=None)
def test_mix_and_rate_add_up_and_are_shapley_values(sizes_, means_):
    size, mean = np.array(sizes_, float), np.array(means_).reshape(2, 3)
    if (size.sum(1) == 0).any():
        return
    mixed, answered = parts(size * mean, size)
    share = size / size.sum(1, keepdims=True)
    scores_ = np.where(size > 0, mean, mean[::-1])  # of a group one wave lacks, the other's
    value = lambda a, b: (share[a] * scores_[b]).sum()  # noqa: E731
    assert_allclose(mixed.sum() + answered.sum(), value(1, 1) - value(0, 0), atol=1e-8)
    shapley = (value(1, 0) - value(0, 0) + value(1, 1) - value(0, 1)) / 2
    assert_allclose(mixed.sum(), shapley, atol=1e-8)


@pytest.mark.slow
def test_the_parts_of_groups_add_up_to_the_table(responses):
    fit = scores.decompose_change(
        Sample(responses, weight="weight", cluster="customer_id"), by=["channel", "staff"]
    )
    change = scores.compare(Sample(responses, weight="weight"), by="wave", against="previous").table
    for column, rows in fit.table.groupby("column"):
        value = rows.set_index("term")["estimate"]
        assert_allclose(value["change"], value["mix"] + value["rate"])
        assert_allclose(value["change"], change["estimate"])
        groups = fit.groups[fit.groups["column"] == column].groupby("term")["estimate"].sum()
        assert_allclose([groups["mix"], groups["rate"]], [value["mix"], value["rate"]])
    levels = scores.nps(Sample(responses, weight="weight"), by="wave").table["estimate"]
    assert_allclose(levels.iloc[-2:], [fit.before, fit.before + change["estimate"].iloc[0]])
    assert fit.largest["column"].nunique() == 1 and set(fit.largest["term"]) >= {"mix", "rate"}


def test_rows_that_do_not_say_are_a_group(responses):
    rows = responses.assign(channel=responses["channel"].where(responses.index > 50))
    fit = scores.decompose_change(rows, by="channel")
    assert "not stated" in set(fit.groups["group"])
    assert_allclose(fit.table["estimate"][0], fit.table["estimate"][1:].sum())


@pytest.mark.slow
def test_cells_of_columns_together(responses):
    joint = scores.decompose_change(responses, by=[("channel", "staff")])
    assert list(joint.table["term"]) == ["change", "mix", "rate"]
    assert joint.groups["group"].str.contains(" · ").all()


def test_the_waves_of_a_change_must_be_there(responses):
    with pytest.raises(ValueError, match="wave has no .'2020'.*2026-Q1, 2026-Q2"):
        scores.decompose_change(responses, by="channel", waves=("2020", ""))
    with pytest.raises(ValueError, match="1 value.s. in these rows"):
        scores.decompose_change(responses[responses["wave"] == "2026-Q1"], by="channel")


@cache
def two_waves(n: int, times: int) -> pd.DataFrame:
    """The second wave has other shares of the types, and half of its drifting answer worse."""
    rng, first = np.random.default_rng(n), generator.survey(n * times, n)
    pool = generator.survey(3 * n * times, n + 1)
    stays = rng.random(len(pool)) < np.array([0.3, 0.5, 0.7, 0.9])[pool["type"]]
    second = pool[stays].head(n * times)
    worse = (second["type"] == 3) & (rng.random(len(second)) < 0.5)
    second = second.assign(recommend=second["recommend"].where(~worse, 0))
    rows = pd.concat([first.assign(wave="1"), second.assign(wave="2")], ignore_index=True)
    sample = np.r_[np.arange(n * times) // n, np.arange(n * times) // n]
    return rows[["wave", "type", "recommend"]].assign(sample=sample)


@pytest.mark.coverage
@pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])
@pytest.mark.parametrize("n", [50, 300])
def test_intervals_of_mix_and_rate_cover(n, weighted, tell_coverage):
    """1,000 repeats of 50 answers, where intervals may be short, and 250 of 300."""
    times = 1000 if n == 50 else 250
    weight = {"w": lambda rows: 1 + (rows["type"] % 2)} if weighted else {"w": 1.0}
    big = two_waves(100_000, 4).assign(**weight)
    truth = scores.decompose_change(Sample(big, weight="w", draws=100), by="type").table["estimate"]
    rows, hits = two_waves(n, times).assign(**weight), np.zeros(3)
    for seed, part in rows.groupby("sample"):
        table = scores.decompose_change(
            Sample(part, weight="w", draws=300, seed=seed), by="type"
        ).table
        hits += ((table["low"] <= truth) & (truth <= table["high"])).to_numpy()
    error = 2.2 * np.sqrt(0.05 * 0.95 / times) + 0.005
    of = f"2 waves of {n} answers" + ", weighted" * weighted
    for term, share in zip(table["term"], hits / times, strict=True):
        tell_coverage(f"change of a mean between waves, {term}", of, share, times)
    # Of 50 answers some intervals are wider than need be, which docs/coverage.md says.
    assert (hits / times - 0.95 >= -error).all() and (hits / times <= 0.99).all(), hits / times


# Warnings


@pytest.mark.slow
def test_a_warning_says_what_where_how_much_and_since_when():
    rng = np.random.default_rng(1)
    waves = {str(k): list(rng.integers(5, 11, 300)) for k in range(6)}
    rows = asked({**waves, "6": [0] * 300, "7": [1] * 300, "8": list(rng.integers(5, 11, 300))})
    fit = scores.trend(rows, limits=ControlLimits(baseline=6))
    found = scores.alerts(fit)
    assert list(found.table["wave"]) == ["7", "6"]
    assert list(found.table["first_seen"]) == ["6", "6"]
    centre = fit.limits["centre"][0]
    assert_allclose(found.table["estimate"], [-100 - centre, -100 - centre])
    assert (found.table["probability"] < 0.01).all()
    assert found.finding.claim == "No score gives an alert in 8."
    then = scores.alerts(scores.trend(rows[rows["wave"] < "8"], limits=ControlLimits(baseline=6)))
    assert then.finding.claim == "NPS has been below its baseline since 6."  # not 7, the latest
    assert then.finding.importance.name == "NEWS"


@pytest.mark.slow
def test_a_signal_that_lasts_began_with_the_change_of_level():
    rng = np.random.default_rng(1)
    waves = {str(k): list(rng.integers(5, 11, 300)) for k in range(6)}
    rows = asked({**waves, "6": [0] * 300, "7": [1] * 300})
    fit = scores.trend(rows, limits=ControlLimits(baseline=6))
    step = fit.changes.assign(wave="5", estimate=-50.0, p=0.001)
    dated = scores.alerts(fit.replace(tables=fit.tables | {"changes": step}))
    assert dated.table.set_index("wave")["first_seen"].to_dict() == {"7": "5", "6": "5"}
    assert dated.finding.claim == "NPS has been below its baseline since 5."


@pytest.mark.slow
def test_no_warning_is_said_too():
    found = scores.alerts(scores.trend(quiet_waves(4, 400)))
    assert found.table.empty and "No score gives an alert" in found.finding.claim


@pytest.mark.slow
def test_small_cells_give_no_warning():
    rows = asked({"1": [9, 0] * 20, "2": [9, 0] * 20, "3": [0] * 9})
    assert scores.trend(rows, limits=1.0).limits["signal"].eq("").all()


def test_waves_that_share_customers_covary_as_their_resamples(responses):
    """The covariance of waves is that of draws of customers."""
    rows = pd.concat([responses.assign(wave=w, k=responses.index) for w in "ab"])
    rows = rows.assign(
        recommend=rows["recommend"].where(rows["wave"] == "a", 10 - rows["recommend"])
    )
    answers = read(Sample(rows, cluster="k", draws=4000), ["recommend"], by="wave")
    measure = Measure("mean")
    found = group_means.estimate(answers, measure.recode)
    drawn = group_means.ratio(*group_means.resampled_sums(answers, measure.recode))
    assert_allclose(covariance_of(answers, measure, found, 2), np.cov(drawn.T), rtol=0.1)


@pytest.mark.slow
def test_of_a_hidden_wave_no_sum_is_left_to_follow_it_by() -> None:
    n = [40, 40, 40, 40, 4, 40, 40, 40]
    waves = np.repeat([f"w{k}" for k in range(8)], n)
    rows = pd.DataFrame({"wave": waves, "recommend": np.arange(len(waves)) % 11.0})
    rows.loc[rows["wave"] >= "w4", "recommend"] = 10.0
    fit = scores.trend(Sample(rows, draws=100))
    hidden = (disclosure.hidden(fit.limits) != "").to_numpy()
    traced = fit.limits["up"].isna().to_numpy()
    assert hidden.any() and (traced & ~hidden).any() and traced[hidden].all()
    after = np.flatnonzero(hidden[:-1]) + 1
    assert not (fit.limits["up"].to_numpy()[after] > 0).any()


@pytest.mark.slow
def test_where_all_waves_are_hidden_the_sentence_gives_none() -> None:
    rows = pd.DataFrame({"wave": ["a"] * 40 + ["b"] * 4, "recommend": [9.0, 3.0] * 22})
    assert scores.trend(Sample(rows, draws=100)).finding.claim == disclosure.left_out()


@pytest.mark.slow
def test_the_latest_wave_that_is_told_of_is_one_that_is_shown() -> None:
    waves = np.repeat(["w1", "w2", "w3", "w4"], [60, 50, 40, 4])
    rng = np.random.default_rng(1)
    rows = pd.DataFrame(
        {
            "wave": waves,
            "recommend": rng.integers(0, 11, len(waves)) * 1.0,
            "speed": rng.integers(0, 11, len(waves)) * 1.0,
        }
    )
    fit = scores.trend(Sample(rows, draws=100), ["recommend", "speed"])
    assert "w4" not in fit.finding.claim and "w4" not in scores.alerts(fit).finding.claim
    assert "w4" not in scores.detectable_change(rows, by="wave").finding.claim
    step = rows[rows["wave"] >= "w3"]
    assert scores.decompose_change(
        Sample(step.assign(region="a"), draws=100), by="region"
    ).finding.claim == (disclosure.left_out())


def weeks_of(cases: list[int], customers: int = 400) -> Sample:
    """Each customer in each week, and how many cases each opened."""
    n = len(cases)
    opened = np.concatenate([np.arange(customers) < k for k in cases])
    rows = pd.DataFrame({"customer_id": np.tile(np.arange(customers), n), "cases": opened * 1})
    rows["week"] = np.repeat([f"2026-W{k:02d}" for k in range(1, n + 1)], customers)
    rows["cases_per_1000"] = 1000.0 * rows["cases"]
    return Sample(rows, draws=50)


def charted(cases: list[int]) -> Result:
    how = scores.ControlLimits(rises_are_worse=True)
    return scores.trend(weeks_of(cases), "cases_per_1000", over="week", measure="rate", limits=how)


def test_weeks_of_few_cases_count_in_the_centre_though_none_is_shown() -> None:
    cases = [6, 12, 8, 12, 5, 9, 12, 12, 7, 8, 12, 9]  # the smallest cell is 10
    with context.use(context.Context(smallest_cell=10)):
        fit = charted(cases)
        shown = disclosure.hidden(fit.limits).eq("").to_numpy()
    assert shown.tolist() == [k >= 10 for k in cases]
    before = fit.limits["centre"].iloc[10]  # of the weeks before, those of few cases in pairs
    assert before == pytest.approx(1000 * np.mean(cases[:10]) / 400)
    assert fit.limits["centre"].iloc[3] == pytest.approx(1000 * np.mean(cases[:3]) / 400)
    assert fit.finding.claim.endswith("Later periods are too small to be shown.")
    assert "7 of 12 points" in fit.notes


def test_what_is_shown_tells_no_hidden_week_from_the_one_it_counts_with() -> None:
    columns = ["centre", "low", "high", "z", "signal", "baseline"]
    with context.use(context.Context(smallest_cell=10)):
        one, other = (charted([12, a, b, 12, 12, 12, 7]) for a, b in ((3, 9), (9, 3)))
        shown = disclosure.hidden(one.limits) == ""
    assert shown.tolist() == [True, False, False, True, True, True, False]
    pd.testing.assert_frame_equal(
        one.limits.loc[shown, columns], other.limits.loc[shown, columns], check_exact=False
    )
    assert one.limits.loc[~shown, ["centre", "z", "probability"]].isna().all(axis=None)


def test_changes_of_few_customers_with_many_answers_are_hidden() -> None:
    """24 answers of 4 customers: neither the table of waves nor that of changes gives their n."""
    waves = [f"Q{i}" for i in range(6)]
    rows = pd.DataFrame({"wave": np.tile(waves, 60), "who": np.repeat(np.arange(60), 6)})
    rows["score"] = np.random.default_rng(1).integers(0, 11, len(rows))
    rows["region"] = np.where(rows.who < 4, "islet", np.where(rows.who < 30, "east", "west"))
    with context.use(context.Context(smallest_cell=10)):
        sample = Sample(rows, cluster="who", draws=20)
        found = scores.trend(sample, ["score"], by="region", measure="mean").changes
        assert found["region"].tolist() == ["east", "islet", "west"]
        assert disclosure.hidden(found).tolist() == ["complement", "small", ""]
