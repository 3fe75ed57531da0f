"""Past alarms replayed: what was known then, the truth of the sample, rates without a change."""

from __future__ import annotations

import generator
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import scores
from cxlib.core import context
from cxlib.core.sample import Sample

TRUTH = generator.TRUTH


@pytest.fixture(scope="module")
def company() -> Sample:
    rows = generator.company()["responses"]
    rows = rows.assign(delivery=rows["delivery"].where(rows["delivery"] <= 10))
    return Sample(rows, weight="weight", cluster="customer_id", draws=100, seed=1)


def quiet(seed: int, n: int, kind: str, waves: int = 8) -> Sample:
    """Ratings of four questions in which nothing changes."""
    rng = np.random.default_rng(seed)
    who, wave = np.divmod(np.arange(n * waves), waves)
    person = rng.normal(0, 1, (n, 4))[who] if kind == "panel" else 0.0
    ratings = np.clip(np.round(6 + person + rng.normal(0, 2, (n * waves, 4))), 0, 10)
    rows = pd.DataFrame(ratings, columns=list("abcd")).assign(wave=wave, who=who)
    rows["w"] = rng.choice([1, 2, 4.0], n * waves)
    design = {"weighted": {"weight": "w"}, "panel": {"cluster": "who"}}.get(kind, {})
    return Sample(rows, draws=100, seed=seed, **design)


@pytest.mark.slow
def test_the_trend_made_then_gives_the_signals_of_the_replay(company):
    now = scores.trend(company, ["recommend", "value1"], measure="mean").limits
    waves = sorted(now["wave"].unique())
    for k in (3, 5, 7):
        part = company.where(company["wave"] <= waves[k - 1])
        then = scores.trend(part, ["recommend", "value1"], measure="mean").limits
        same = now[now["wave"].isin(waves[:k])].reset_index(drop=True)
        assert_allclose(then["z"], same["z"], rtol=1e-6)
        assert list(then["signal"]) == list(same["signal"])


@pytest.mark.slow
def test_the_samples_price_rise_lasted_and_its_failed_deliveries_passed(company):
    outcome = scores.trend(company, "recommend")
    items = scores.trend(company, ["value1", "value2", "delivery", "app"], measure="mean")
    audit = scores.alarm_audit(outcome, items)
    table = audit.table.set_index("term")
    assert (table.loc[["value1", "value2"], "lasted"] == 1).all()
    assert (table.loc[["value1", "value2"], "delay"] <= 1).all()
    assert table.loc["value1", "lead"] == 2  # price from 2025-Q3, NPS fell in 2026-Q1
    assert table.loc["delivery", ["alarms", "passed"]].tolist() == [1, 1]
    assert table.loc["app", "alarms"] == 0
    failed = audit.timeline[audit.timeline["term"] == "delivery"].set_index("wave")["signal"]
    assert failed[failed != ""].to_dict() == {TRUTH["failure"]["wave"]: "passed"}
    assert list(audit.delays.columns[:2]) == ["term", "estimate"]
    caught = audit.delays[["within_1", "within_2", "within_4"]].to_numpy()
    assert (np.diff(caught, axis=1) >= 0).all() and (np.diff(caught, axis=0) >= 0).all()
    assert "of 4 past alarms" in audit.finding.claim


def swinging(n: int = 300) -> pd.DataFrame:
    """A score that is high in one wave and low in the next."""
    rng = np.random.default_rng(3)
    level = np.tile([7.0, 6.6, 7.4, 5.6], 3)
    rows = pd.DataFrame({"wave": np.repeat([f"w{k:02}" for k in range(12)], n)})
    rows["steady"] = np.clip(np.round(rng.normal(7, 1.5, len(rows))), 0, 10)
    moved = np.repeat(level, n) + rng.normal(0, 1.5, len(rows))
    return rows.assign(swings=np.clip(np.round(moved), 0, 10))


def test_a_score_that_only_cries_is_held_back_and_named():
    both = scores.trend(swinging(), ["steady", "swings"], measure="mean")
    audit = scores.alarm_audit(both)
    row = audit.table.iloc[0]
    assert (row["term"], row["verdict"], row["lasted"]) == ("swings", "awaits confirmation", 0)
    assert row["passed"] >= 2 and row["swing"] > 3
    assert audit.notes.endswith("usually swing by as much: swings.")


@pytest.mark.slow
def test_a_hidden_wave_is_in_no_baseline():
    rows = pd.DataFrame({"wave": np.repeat(list("abcdef"), [50, 50, 4, 50, 50, 6])})
    rows["recommend"] = np.where(rows["wave"].isin(["c", "f"]), 0, np.tile([10, 8], 105))
    with context.use(context.Context(smallest_cell=5)):
        chart = scores.trend(rows).limits
    with context.use(context.Context(smallest_cell=5)):
        other = scores.trend(rows.assign(recommend=rows["recommend"].mask(rows["wave"] == "c", 10)))
    gone = chart["wave"].isin(["c"])
    assert chart.loc[gone, "z"].isna().all()
    assert_allclose(
        chart.loc[~gone, ["centre", "z", "down"]], other.limits.loc[~gone, ["centre", "z", "down"]]
    )


@pytest.mark.slow
def test_a_rise_of_complaints_is_what_the_fall_of_a_score_is():
    rows = swinging().assign(wave=lambda t: t["wave"].where(t["wave"] < "w09", "w09"))
    rows.loc[rows["wave"] >= "w05", "steady"] += 1
    how = scores.ControlLimits(rises_are_worse=True)
    worse = scores.trend(rows, "steady", measure="mean", limits=how).limits
    better = scores.trend(rows.assign(steady=10 - rows["steady"]), "steady", measure="mean").limits
    assert set(worse["signal"]) == {"", "above"} and set(better["signal"]) == {"", "below"}
    assert_allclose(worse["z"], -better["z"], atol=1e-9)
    assert worse["signal"].ne("").sum() == 5  # all five: not the new level, as a gain would be


@pytest.mark.coverage
@pytest.mark.parametrize(("n", "kind"), [(25, "plain"), (25, "weighted"), (200, "panel")])
def test_alarms_without_a_change_are_as_rare_as_the_audit_says(n, kind, tell_coverage):
    judged = alarms = stated = 0
    for seed in range(25):
        fit = scores.trend(quiet(seed, n, kind), list("abcd"), measure="mean")
        audit = scores.alarm_audit(fit)
        judged += audit.table["judged"].sum()
        alarms += audit.table["alarms"].sum()
        stated += audit.table["false_alarms"].sum()
    of = f"{judged} waves of {n} answers" + ("" if kind == "plain" else f", {kind}")
    tell_coverage("rate of false alarms, trend", of, alarms / judged, int(judged), stated / judged)
    assert judged == 25 * 4 * 7
    assert 0.001 < stated / judged < 0.006
    assert alarms <= stated + 3 * np.sqrt(stated)


@pytest.mark.coverage
def test_a_fall_that_stays_is_found_as_soon_as_the_audit_says():
    found, stated, times = np.zeros(3), np.zeros(3), 40
    for seed in range(times):
        sample = quiet(seed, 100, "weighted")
        fit = scores.trend(sample, "a", measure="mean")
        delays = fit.parts["delays"]
        at, size = 4, delays["size"].iloc[1]  # the audit puts it into the middle of what is judged
        moved = sample.data["a"] - size * (sample.data["wave"] >= at)
        chart = scores.trend(sample.assign(a=moved), "a", measure="mean").limits
        down = chart["signal"].isin(["below", "falling"]).to_numpy()[at:]
        found += [down[:k].any() for k in (1, 2, 4)]
        stated += delays.iloc[1][["within_1", "within_2", "within_4"]].to_numpy(float)
    assert_allclose(found / times, stated / times, atol=3 * 0.5 / np.sqrt(times))


@pytest.mark.slow
def test_what_is_held_back_is_listed_but_is_not_the_finding():
    rows = swinging()
    rows.loc[rows["wave"] == "w11", "steady"] -= 1
    both = scores.trend(rows, ["steady", "swings"], measure="mean")
    found = scores.alerts(both, audit=scores.alarm_audit(both))
    assert {"steady", "swings"} <= set(found.table["term"])
    assert "steady" in found.finding.claim and "swings" not in found.finding.claim
    # The page shows its fall too, so that the sentence says how far it fell and why it is no alert.
    said = "also low, to be confirmed by a second wave as earlier alarms faded: swings (−"
    assert said in found.finding.detail
