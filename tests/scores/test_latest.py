"""The latest wave against the wave before, the year before and a target; one interval a number."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import scores
from cxlib.core import context
from cxlib.core.result import Importance
from cxlib.core.sample import Sample
from cxlib.data.schema import Target
from cxlib.scores import Measure
from cxlib.scores.score_findings import moved

SCORES = {
    "nps": Measure("nps"),
    "csat": Measure("csat", (0, 10), 2),
    "mean": Measure("mean", (0, 10)),
}


def survey(waves: dict[str, float], n: int = 300, seed: int = 1) -> pd.DataFrame:
    """Answers from 0 to 10 about a mean in each wave, some customers in several waves."""
    rng = np.random.default_rng(seed)
    rows = [
        pd.DataFrame({"recommend": np.clip(np.rint(rng.normal(m, 2, n)), 0, 10), "wave": w})
        for w, m in waves.items()
    ]
    rows = pd.concat(rows, ignore_index=True)
    half = rng.random(len(rows)) < 0.5
    return rows.assign(
        who=rng.integers(0, n, len(rows)),
        weight=rng.uniform(0.5, 2, len(rows)),
        plan=np.where(half, "basic", "plus"),
    )


def sample(waves: dict[str, float], **how) -> Sample:
    return Sample(survey(waves, **how), weight="weight", cluster="who", draws=200)


STILL = {"2025-Q3": 7.5, "2025-Q4": 7.5, "2026-Q1": 7.5, "2026-Q2": 7.5, "2026-Q3": 7.5}


@pytest.mark.slow
@pytest.mark.parametrize("kind", SCORES)
def test_a_number_has_one_interval_wherever_it_stands(kind):
    measure, rows = SCORES[kind], sample(STILL)
    now = scores.latest(rows, measure=measure)
    by_wave = scores.score(rows, "recommend", measure, by="wave").table
    trend = scores.trend(rows, measure=measure).table
    alone = scores.score(rows.where(rows["wave"] == "2026-Q3"), "recommend", measure).table
    ends = ["estimate", "low", "high"]
    for table in (by_wave, trend, alone):
        assert_allclose(now.table[ends].iloc[0].astype(float), table[ends].iloc[-1].astype(float))
    finding = now.finding
    assert_allclose((finding.value, finding.low, finding.high), alone[ends].iloc[0])
    wider = by_wave["simultaneous_high"] - by_wave["simultaneous_low"]
    assert (wider > by_wave["high"] - by_wave["low"]).all()


@pytest.mark.slow
@pytest.mark.parametrize("kind", SCORES)
def test_a_change_has_one_interval_wherever_it_stands(kind):
    measure, rows = SCORES[kind], sample(STILL)
    last = scores.last_two_waves(rows, "recommend")
    step = scores.compare(last, by="wave", against="previous", measure=measure).table.iloc[-1]
    steps = scores.compare(rows, by="wave", against="previous", measure=measure).table.iloc[-1]
    split = scores.decompose_change(last, by=["plan"], measure=measure).table.iloc[0]
    since = scores.latest(rows, measure=measure).changes.iloc[0]
    for other in (steps, split, since):
        ends = ["estimate", "low", "high"]
        assert_allclose(step[ends].astype(float), other[ends].astype(float))


@pytest.mark.slow
def test_the_latest_wave_is_compared_with_the_wave_before_and_the_season():
    still = scores.latest(sample(STILL))
    assert " in 2026-Q3, not significantly different from the quarter before (" in str(still)
    assert list(still.changes["against"]) == ["2026-Q2", "2025-Q3"]
    assert (still.finding.verdict, still.finding.importance) == ("unclear", Importance.ANSWER)
    fell = scores.latest(sample({**STILL, "2026-Q3": 5.0}))
    assert str(fell).startswith("NPS fell by ") and str(fell).endswith(" in 2026-Q3.")
    assert (fell.finding.verdict, fell.finding.importance) == ("worse", Importance.NEWS)
    assert fell.finding.change < 0 and fell.finding.at == {"wave": "2026-Q3"}
    lower = scores.latest(sample({**STILL, "2025-Q3": 9.5}))
    assert "significantly lower than a year before" in str(lower)
    assert lower.finding.importance == Importance.NEWS


@pytest.mark.slow
def test_the_last_step_has_one_verdict_however_many_waves_came_before():
    """It is asked for in advance: pages 10 and 12 judge it by itself, and not among all steps."""
    waves = [f"2025-Q{q}" for q in range(1, 5)] + ["2026-Q1", "2026-Q2", "2026-Q3"]
    rng = np.random.default_rng(5)
    share = dict.fromkeys(waves, 0.5) | {"2026-Q3": 0.57}
    rows = pd.concat(
        pd.DataFrame({"recommend": np.where(np.arange(400) < p * 400, 10.0, 5.0), "wave": w})
        for w, p in share.items()
    ).sample(frac=1, random_state=rng)
    rows, measure = Sample(rows.reset_index(drop=True), draws=1000), Measure("csat", (0, 10), 2)
    last, step = scores.last_two_waves(rows, "recommend"), {"by": "wave", "against": "previous"}
    changed = scores.compare(last, measure=measure, **step)
    now = scores.latest(rows, measure=measure)
    assert "rose by 7.0 percentage points from" in changed.finding.claim
    assert "rose by 7.0 percentage points to 57% in 2026-Q3" in now.finding.claim
    numbers = ["estimate", "low", "high", "p"]
    assert_allclose(*(t[numbers].iloc[0].astype(float) for t in (changed.table, now.changes)))
    every = scores.compare(rows, measure=measure, **step)  # of a family of six it is no news
    assert changed.table["p"].iloc[0] < 0.05 < every.table["p"].iloc[-1]


def test_a_loss_is_news_and_a_gain_only_where_it_is_large():
    assert moved(-1, True, 70) == ("worse", Importance.NEWS)
    assert moved(1, True, 70) == ("better", Importance.ANSWER)
    assert moved(20, True, 70) == ("better", Importance.NOTABLE)
    assert moved(-20, False, 70) == ("unclear", Importance.ANSWER)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "missed"),
    [
        (Target(value=95), True),
        (Target(value=-50), False),
        (Target(value=95, by=date(2999, 1, 1)), False),  # still to come
        (Target(value=-90, direction="at most"), True),
    ],
)
def test_a_missed_target_is_news(target, missed):
    for waves in (STILL, {"2026-Q3": 7.5}):
        finding = scores.latest(sample(waves), target=target).finding
        assert finding.target == target.value and (finding.target_standing == "missed") == missed
        assert (finding.importance == Importance.NEWS) == missed
        assert ("target of" in finding.claim) == missed
    charted = scores.trend(sample(STILL), target=target).finding
    assert (charted.importance == Importance.NEWS) == missed


def test_waves_in_which_it_was_not_asked_do_not_hide_the_others():
    rows = survey({**STILL, "2026-Q3": 3.0})
    rows.loc[rows["wave"] < "2026-Q2", "recommend"] = np.nan
    assert str(scores.latest(rows)).startswith("NPS fell by ")


@pytest.mark.slow
def test_a_large_difference_between_groups_is_notable_and_none_is_context():
    rows = survey({"2026": 7.5})
    same = scores.by_group(rows, by="plan")
    assert str(same) == "NPS does not differ significantly by plan."
    assert same.finding.importance == Importance.CONTEXT
    rows.loc[rows["plan"] == "basic", "recommend"] -= 3
    rows["recommend"] = rows["recommend"].clip(0, 10)
    apart = scores.by_group(rows, by="plan")
    of_basic = apart.table.iloc[0]
    assert str(apart).startswith("NPS differs significantly by plan: ")
    assert "for basic" in str(apart) and "for plus" in str(apart)
    assert apart.finding.importance == Importance.NOTABLE
    assert (apart.finding.value, apart.finding.low) == (of_basic["estimate"], of_basic["low"])
    assert apart.finding.at == {"plan": "basic"}
    assert str(apart.versus_rest) == "The two groups differ significantly from each other."


def test_a_rise_is_no_warning():
    rows = survey({"2026-Q1": 6.0, "2026-Q2": 6.0, "2026-Q3": 9.0})
    found = scores.alerts(scores.trend(rows))
    assert found.finding.verdict == "better" and "rose above" in str(found)
    assert found.finding.importance < Importance.ANSWER


@pytest.mark.slow
def test_alerts_are_each_dated_by_when_they_began():
    quiet = survey({"2025-Q1": 7.0, "2025-Q2": 7.0, "2025-Q3": 7.0, "2025-Q4": 7.0, "2026-Q1": 7.0})
    rows = quiet.assign(room=quiet["recommend"], app=quiet["recommend"])
    rows.loc[rows["wave"] >= "2025-Q4", "room"] -= 4
    rows.loc[rows["wave"] >= "2026-Q1", "app"] -= 3
    limits = scores.ControlLimits(baseline=3)
    found = scores.alerts(scores.trend(rows, ["room", "app"], measure="mean", limits=limits))
    assert str(found) == ("room (since 2025-Q4) and app (since 2026-Q1) are below their baseline.")


def test_ratings_name_the_question_that_misses_its_target():
    rows = survey({"2026": 7.0}).assign(room=5.0, app=lambda r: r["recommend"])
    rows.loc[::2, "room"] = 6.0
    met = scores.ratings(rows, ["room", "app"], {"app": Target(value=1)})
    assert "Ratings range from" in str(met) and "target" in met.table
    missed = scores.ratings(rows, ["room", "app"], {"room": Target(value=8), "app": None})
    assert str(missed) == "Room (5.5) is significantly short of its target of 8.0."
    assert missed.finding.importance == Importance.NEWS


@pytest.mark.slow
def test_an_interval_without_zero_is_no_contradiction_of_not_significant():
    """A year's change of 2.1 standard errors: p is between 0.025 and 0.05, and two are tested."""
    steps = np.linspace(-1, 1, 100)
    noise = (steps - steps.mean()) / steps.std(ddof=1)
    means = {"2025-Q3": 6.0, "2025-Q4": 6.2, "2026-Q1": 6.2, "2026-Q2": 6.2, "2026-Q3": 6.297}
    rows = pd.concat([pd.DataFrame({"recommend": m + noise, "wave": w}) for w, m in means.items()])
    finding = scores.latest(Sample(rows, draws=1000), measure=SCORES["mean"]).finding
    year = finding.detail.split("since 2025-Q3 ")[1].split(";")[0]
    assert "not significantly different" in finding.claim
    assert year.endswith("not significant after adjustment for 2 comparisons)")
    assert "2026-Q2 +0.10 (95% CI −0.19 to 0.38)" in finding.detail  # of which zero is part
    with context.use(context.Context(lang="zh")):
        same = scores.latest(Sample(rows, draws=1000), measure=SCORES["mean"]).finding
    assert "校正" in same.detail


@pytest.mark.parametrize("lang, said", [("en", "Set a target and ask again"), ("zh", "请设定目标")])
def test_a_level_of_one_wave_says_what_would_give_it_a_meaning(lang, said):
    rows = pd.DataFrame({"recommend": [10, 0] * 30})
    with context.use(context.Context(lang=lang)):
        alone = scores.latest(Sample(rows, draws=50)).finding
        aimed = scores.latest(Sample(rows, draws=50), target=Target(value=30)).finding
    assert alone.action.startswith(said) and not aimed.action


def test_a_change_that_is_rounded_to_nothing_has_no_sign():
    assert SCORES["nps"].moved(-0.04) == "0.0 points"
    assert SCORES["csat"].moved(0.0003) == "0.0 percentage points"
    assert SCORES["mean"].moved(-0.2) == "−0.20"
