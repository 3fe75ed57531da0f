"""Rolling scores and scores freed of the season: by hand, laws, a witness, a known truth."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import scores
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample


def daily(days: int, a_day: int, seed: int = 1, start: str = "2026-01-01") -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    day = pd.Timestamp(start) + pd.to_timedelta(np.repeat(np.arange(days), a_day), unit="D")
    rows = {"answered_on": day, "recommend": rng.integers(0, 11, len(day))}
    return pd.DataFrame(rows).assign(
        customer_id=rng.integers(0, len(day) // 2, len(day)), w=rng.uniform(0.5, 2, len(day))
    )


def test_windows_are_laid_back_from_the_last_answer_and_hold_so_many_days():
    rows = daily(30, 3)
    table = scores.rolling(rows, window=10, step=7).table
    assert table["day"].astype(str).tolist() == ["2026-01-16", "2026-01-23", "2026-01-30"]
    assert table["n"].tolist() == [30, 30, 30]


@pytest.mark.slow
@pytest.mark.parametrize("measure", ["nps", "mean", scores.Measure("csat", scale=(0, 10))])
def test_each_window_has_the_score_and_interval_of_its_answers_alone(measure):
    sample = Sample(daily(40, 4), weight="w", cluster="customer_id", draws=200)
    table = scores.rolling(sample, window=14, step=5, measure=measure).table
    for row in table.itertuples():
        day = sample["answered_on"]
        part = sample.where((day > row.day - pd.Timedelta(days=14)) & (day <= row.day))
        own = scores.score(part, "recommend", measure).table.iloc[0]
        assert (row.estimate, row.low, row.high, row.n) == tuple(
            own[["estimate", "low", "high", "n"]]
        )


def test_windows_side_by_side_weigh_up_to_the_score_of_all():
    rows = daily(28, 5)
    table = scores.rolling(rows, window=7, step=7, measure="mean").table
    assert len(table) == 4 and table["n"].sum() == len(rows)
    assert_allclose(np.average(table["estimate"], weights=table["n"]), rows["recommend"].mean())


def test_hours_and_missing_days_do_not_move_a_window():
    rows = daily(30, 3)
    late = rows.assign(answered_on=rows["answered_on"] + pd.Timedelta(hours=23))
    late = pd.concat([late, late.tail(1)], ignore_index=True)
    late.loc[len(late) - 1, "answered_on"] = pd.NaT
    pd.testing.assert_frame_equal(
        scores.rolling(rows, window=10).table, scores.rolling(late, window=10).table
    )


@pytest.mark.parametrize(
    ("change", "options", "error", "says"),
    [
        ({}, {"window": 0}, ValueError, "window=0 must be 1 day or more"),
        ({}, {"step": 0}, ValueError, "step=0 must be 1 day or more"),
        ({}, {"window": 31}, InsufficientData, "span fewer than 31 days"),
        ({"recommend": np.nan}, {}, InsufficientData, "span fewer than 28 days"),
        ({"answered_on": "2026-01-01"}, {}, ValueError, "holds no dates"),
    ],
)
def test_what_makes_no_windows_is_said(change, options, error, says):
    with pytest.raises(error, match=says):
        scores.rolling(daily(30, 3).assign(**change), **options)


def waves(cycles: int, season: int, n: int, adds: np.ndarray, level=50.0, seed=1) -> pd.DataFrame:
    """Answers of 0 to 100 whose mean is the level of the wave and what its season adds."""
    rng, count = np.random.default_rng(seed), cycles * season
    truth = np.broadcast_to(level, count) + np.tile(adds, cycles)
    wave = np.repeat(np.arange(count), n)
    score = truth[wave] + rng.normal(0, 10, len(wave))
    return pd.DataFrame({"wave": wave, "score": score, "who": rng.integers(0, 2 * n, len(wave))})


def classical(means: np.ndarray, season: int) -> np.ndarray:
    """What seasons add, step by step as textbooks have it, for an even number of seasons."""
    half = season // 2
    trend = {
        t: (
            means[t - half] / 2 + means[t - half + 1 : t + half].sum() + means[t + half] / 2
        ) / season
        for t in range(half, len(means) - half)
    }  # fmt: skip
    each = [np.mean([means[t] - v for t, v in trend.items() if t % season == s])
            for s in range(season)]  # fmt: skip
    return (np.array(each) - np.mean(each))[np.arange(len(means)) % season]


@pytest.mark.parametrize("season", [4, 12])
def test_the_season_is_that_of_the_textbook(season):
    adds = np.linspace(-6, 6, season) ** 2
    rows = waves(3, season, 20, adds - adds.mean())
    found = scores.seasonally_adjusted(rows, "score", season=season, measure="mean").table
    means = rows.groupby("wave")["score"].mean().to_numpy()
    assert_allclose(found["season"], classical(means, season))
    assert_allclose(found["estimate"] + found["season"], means)
    assert_allclose(found["unadjusted"], means)


def test_a_season_alone_is_taken_off_and_a_trend_alone_is_left():
    season = np.tile([3.0, -1.0, -2.0, 0.0], 3)
    steady = pd.DataFrame({"wave": np.repeat(np.arange(12), 2), "score": np.repeat(season + 5, 2)})
    steady["score"] += np.tile([1.0, -1.0], 12)
    found = scores.seasonally_adjusted(steady, "score", measure="mean").table
    assert_allclose(found["estimate"], 5.0)
    rising = steady.assign(score=steady["wave"] + np.tile([1.0, -1.0], 12))
    found = scores.seasonally_adjusted(rising, "score", measure="mean").table
    assert_allclose(found["estimate"], np.arange(12))


def test_a_weight_of_two_is_the_answer_twice():
    rows = waves(2, 4, 10, np.array([2.0, -2.0, 1.0, -1.0]))
    twice = rows["wave"] % 3 == 0
    one = scores.seasonally_adjusted(
        Sample(rows.assign(w=1.0 + twice), weight="w"), "score", measure="mean"
    )
    two = scores.seasonally_adjusted(pd.concat([rows, rows[twice]]), "score", measure="mean")
    assert_allclose(one.table["estimate"], two.table["estimate"])


def test_too_few_cycles_are_an_error_that_counts_them():
    with pytest.raises(InsufficientData, match="Seasons of 4 waves need 8 waves; there are 7"):
        rows = waves(2, 4, 5, np.zeros(4))
        scores.seasonally_adjusted(rows[rows["wave"] < 7], "score", measure="mean")
    with pytest.raises(ValueError, match="season=1 must be 2 waves or more"):
        scores.seasonally_adjusted(rows, "score", season=1, measure="mean")


@pytest.mark.coverage
@pytest.mark.parametrize(("n", "kind"), [(20, ""), (50, ""), (50, "weighted, clustered")])
def test_adjusted_scores_cover_the_truth(n, kind, tell_coverage):
    adds, level, held = np.array([4.0, -3.0, -2.0, 1.0]), np.arange(12) / 2, []
    for seed in range(150):
        rows = waves(3, 4, n, adds, 50 + level, seed)
        how = {}
        if kind:
            rng = np.random.default_rng(seed)
            rows = rows.assign(w=rng.uniform(0.5, 2, len(rows)))
            rows["score"] += 8 * np.random.default_rng(seed + 999).normal(size=2 * n)[rows["who"]]
            how = {"weight": "w", "cluster": "who"}
        sample = Sample(rows, draws=300, seed=seed, **how)
        table = scores.seasonally_adjusted(sample, "score", measure="mean").table
        held.append(((table["low"] <= 50 + level) & (50 + level <= table["high"])).to_numpy())
    share = np.mean(held)
    of = f"12 quarters of {n} answers" + (f", {kind}" if kind else "")
    tell_coverage("score without its season", of, share, 150)
    assert 0.925 <= share <= 0.985, share
