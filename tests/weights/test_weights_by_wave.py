"""Waves are raked each by itself, so that a trend is not one of who happened to answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import weights
from cxlib.core.sample import Sample
from cxlib.stats import intervals, moments

PLANS = {"plan": {"basic": 0.5, "gold": 0.3, "plus": 0.2}}
RATES = {"basic": 2.0, "gold": 6.0, "plus": 9.0}
MIXES = {"2026-Q1": (0.5, 0.3, 0.2), "2026-Q2": (0.2, 0.3, 0.5), "2026-Q3": (0.65, 0.2, 0.15)}


def answers(n: int = 200, seed: int = 0) -> pd.DataFrame:
    """Answers of three waves that differ in who answered, and in nothing else."""
    rng = np.random.default_rng(seed)
    waves = np.repeat(list(MIXES), n)
    plans = np.concatenate([rng.choice(list(RATES), n, p=list(m)) for m in MIXES.values()])
    rate = pd.Series(plans).map(RATES) + rng.normal(0, 1, len(plans))
    return pd.DataFrame({"wave": waves, "plan": plans, "y": rate})


def shares(rows: pd.DataFrame) -> pd.Series:
    """Share of the weights of each plan within each wave."""
    sums = rows.groupby(["wave", "plan"])["weight"].sum()
    return sums / sums.groupby("wave").transform("sum")


def test_two_waves_by_hand():
    rows = pd.DataFrame(
        {"wave": ["1"] * 40 + ["2"] * 60, "sex": ["f"] * 30 + ["m"] * 50 + ["f"] * 20}
    )
    fit = weights.rake(rows, {"sex": {"f": 0.5, "m": 0.5}}, by="wave")
    # wave 1: 30 women weigh 20/30, 10 men 20/10; wave 2: 40 men 30/40, 20 women 30/20
    assert_allclose(fit.weights, np.repeat([2 / 3, 2, 0.75, 1.5], [30, 10, 40, 20]))
    assert_allclose(fit.table["estimate"], 0.5)
    assert fit.table["n"].tolist() == [50, 50]


def test_each_wave_has_the_margins_and_keeps_its_own_total():
    rows = answers().assign(base=lambda d: np.where(d["wave"] == "2026-Q2", 3.0, 1.0))
    fit = weights.rake(Sample(rows, weight="base"), PLANS, by="wave")
    weighed = rows.assign(weight=fit.weights)
    for (_wave, plan), share in shares(weighed).items():
        assert share == pytest.approx(PLANS["plan"][plan])
    assert_allclose(weighed.groupby("wave")["weight"].sum() / len(rows), [0.2, 0.6, 0.2])
    together = weights.rake(rows, PLANS)
    assert shares(rows.assign(weight=together.weights))["2026-Q2", "plus"] > 0.3  # of 0.2


def test_a_wave_by_itself_has_the_weights_that_it_has_among_all():
    rows = answers()
    among_all = weights.weigh(Sample(rows), PLANS, by="wave")
    alone = weights.weigh(Sample(rows[rows["wave"] == "2026-Q2"]), PLANS, by="wave")
    assert_allclose(among_all.weights[200:400], alone.weights, rtol=1e-6)


@pytest.mark.parametrize("order", [1, -1])
def test_small_waves_are_weighted_with_the_next_and_the_last_with_those_before(order, capsys):
    #        b: 12          3 and 4: together 7            2: with those before
    sizes = {"1": (20, 12), "2": (20, 3), "3": (30, 4), "4": (15, 2)}
    rows = pd.DataFrame(
        [
            (w, p)
            for w, of in sizes.items()
            for p, k in zip("ab", of, strict=True)
            for _ in range(k)
        ],
        columns=["wave", "plan"],
    )[::order]
    weighed = weights.weigh(Sample(rows), {"plan": {"a": 0.6, "b": 0.4}}, by="wave")
    said = capsys.readouterr().out
    assert "3 waves have fewer than 5 answers in a category" in said
    assert "Fewer than 10 rows of a wave in b: intervals" in said
    strata = {"1": "first", "2": "rest", "3": "rest", "4": "rest"}
    within = shares(weighed.data.assign(wave=weighed["wave"].map(strata)))
    assert_allclose(within, [0.6, 0.4] * 2)


def test_a_wave_before_a_plan_was_offered_is_weighted_by_the_others():
    rows = answers()
    rows = rows[(rows["wave"] != "2026-Q1") | (rows["plan"] != "plus")]
    within = shares(weights.weigh(Sample(rows), PLANS, by="wave").data)
    assert_allclose(within["2026-Q1"], [0.5 / 0.8, 0.3 / 0.8])
    assert_allclose(within["2026-Q3"], [0.5, 0.3, 0.2])


def test_who_states_no_plan_keeps_the_share_that_he_has_in_the_wave():
    rows = answers()
    rows.loc[rows.index[200:240], "plan"] = None
    within = weights.weigh(Sample(rows), PLANS, by="wave").data
    blank = within[within["plan"].isna()]["weight"].sum()
    assert blank == pytest.approx(40)  # of 200
    assert_allclose(shares(within)["2026-Q2"], [0.5, 0.3, 0.2])


def test_every_draw_is_raked_within_its_waves():
    rows = answers(200, seed=3)
    sample = weights.weigh(Sample(rows, draws=40), PLANS, by="wave")
    drawn = moments.of(sample.assign(gold=(rows["plan"] == "gold") * 1.0), ["gold"])
    assert np.ptp(drawn.resample(40, 1).mean) < 1e-5  # the share of each wave, so that of all
    for wave in MIXES:
        part = sample.assign(gold=(rows["plan"] == "gold") * 1.0).where(rows["wave"] == wave)
        assert_allclose(moments.of(part, ["gold"]).resample(40, 1).mean, 0.3, atol=1e-5)


def test_counted_answers_get_the_weights_of_rows():
    rows = answers()
    counted = rows.groupby(["wave", "plan"], as_index=False).size().assign(customer_id=0)
    weighed = weights.weigh(
        Sample(counted, count="size", cluster="customer_id"), PLANS, by="wave"
    ).data
    sums = weights.weigh(Sample(rows), PLANS, by="wave").data.groupby(["wave", "plan"])["weight"]
    assert_allclose(weighed["weight"], sums.sum().to_numpy())


def test_draws_without_a_wave_are_finite():
    rows = pd.DataFrame({"wave": ["1"] * 60 + ["2"] * 60, "plan": ["a", "b"] * 60, "y": 1.0})
    rows["customer_id"] = np.where(rows["wave"] == "1", rows.index, 1000)  # one gave all of wave 2
    sample = Sample(rows, cluster="customer_id", draws=200)
    weighed = weights.weigh(sample, {"plan": {"a": 0.6, "b": 0.4}}, by="wave")
    sums = moments.of(weighed, ["y"]).resample(200, 1)
    assert np.isfinite(sums.mean).all()
    assert_allclose(sums.mean, 1)


@pytest.mark.coverage
@pytest.mark.parametrize("n", [120, 300])
def test_a_difference_of_waves_is_not_one_of_who_answered(n, tell_coverage):
    repeats, held, pooled = 200, 0, 0
    for seed in range(repeats):
        rows = answers(n, seed)
        for by in ("wave", None):
            sample = weights.weigh(Sample(rows), PLANS, by=by)
            first, last = (
                moments.of(sample.where(rows["wave"] == w), ["y"]).resample(300, 1).mean[:, 0]
                for w in ("2026-Q2", "2026-Q3")
            )
            (low,), (high,) = intervals.percentile_interval(
                (last - first)[:, None], intervals.expanded_level(n)
            )
            held += by == "wave" and low <= 0 <= high
            pooled += by is None and low <= 0 <= high
    tell_coverage(
        "difference of means of two waves, raked", f"{n} answers a wave", held / repeats, repeats
    )
    assert 0.90 <= held / repeats <= 0.985
    assert pooled / repeats < 0.2  # weights of all waves together leave the change of who answered
