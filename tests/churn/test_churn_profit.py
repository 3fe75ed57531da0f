"""What a warning is worth: money, lead time, drift, trials, reasons; witnesses and known truths."""

from __future__ import annotations

import json
import os
import re
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import care, churn, report
from cxlib.churn import (
    Campaign,
    Experiences,
    UpliftModel,
    Validation,
    drift,
    profit,
    reasons,
    targeting,
)
from cxlib.churn import uplift_models as trial
from cxlib.churn.lead_time import CAUGHT, PRECISION
from cxlib.churn.profit import break_even_margin
from cxlib.core import context
from cxlib.core.result import Importance, Result
from cxlib.core.sample import Sample
from cxlib.data.schema import ContactRules
from cxlib.stats import regression
from cxlib.stats.intervals import wilson_interval

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "churn.json").read_text())


def scored(n: int = 400, seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Who left (0 or 1) and the true probability of it; scores to two digits, so some are tied."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=n).round(2)
    p = 1 / (1 + np.exp(1.5 - score))
    return (rng.random(n) < p).astype(float), p


def book(n: int = 1500, seed: int = 1) -> pd.DataFrame:
    """Customers with a true probability, a worth, whether they left and after how many days."""
    left, p = scored(n, seed)
    rng = np.random.default_rng(seed + 1)
    rows = pd.DataFrame({"customer_id": [f"c{i}" for i in range(n)], "probability": p})
    rows["worth"] = np.exp(rng.normal(5, 0.6, n))
    rows["left"] = left > 0
    rows["left_after"] = np.where(rows["left"], rng.integers(1, 91, n), np.nan)
    return rows


COSTS = Campaign(value="worth", offer=10, contact=2)
PAPER = Campaign(value=200, offer=10, contact=1)
ONCE = Validation(repeats=1)


# Money: truths by hand and the paper's measure


@pytest.mark.slow
def test_money_that_is_sales_is_not_called_profit() -> None:
    rows = book()
    sales = replace(COSTS, basis="spend_365", currency="EUR")
    told = churn.campaign_gain(Sample(rows, draws=50), sales)
    assert sales.gain == "sales less costs (margin not taken off)"
    assert "expected gain would have brought €" in told.finding.claim
    assert "of sales less costs (margin not taken off) within a year" in told.finding.claim
    best = told.table.iloc[0]
    first = rows.assign(gain=churn.expected_gain(rows, sales)).nlargest(int(best["n"]), "gain")
    leavers = first[first["left"] > 0]
    even = 1 - best["estimate"] / (sales.accepted * sales.worth(rows)[leavers.index].sum())
    assert f"covers the costs only if at least {even:.0%} of sales" in told.finding.detail.lower()
    assert "states no margin" in told.notes
    margin = replace(sales, margin=0.3)
    told = churn.campaign_gain(Sample(rows, draws=50), margin)
    assert "of margin less costs within a year" in told.finding.claim
    assert "is 30% of “Spend_365”" in told.notes or "30% of" in told.notes


def test_contacting_pays_from_the_margin_at_which_it_brings_nothing() -> None:
    rows = pd.DataFrame({"probability": [0.9, 0.5], "worth": [300.0, 200.0]})
    sales = replace(COSTS, basis="spend_365")
    gain = churn.expected_gain(rows, sales).sum()
    even = break_even_margin(rows, sales, gain)
    at_even = rows.assign(worth=even * rows["worth"])
    assert churn.expected_gain(at_even, sales).sum() == pytest.approx(0, abs=1e-9)


def test_expected_gain_by_hand() -> None:
    rows = pd.DataFrame({"probability": [1.0, 0.0, 0.5], "worth": [110.0, 110, 210]})
    found = churn.expected_gain(rows, COSTS)
    assert_allclose(found, [0.3 * 100 - 2, -10 - 2, 0.5 * 0.3 * 200 - 0.5 * 10 - 2])


def test_the_expected_maximum_profit_is_the_published_one(tell_witness) -> None:
    left, p = scored()
    about, w = REFERENCE["emp"], np.ones(400)
    ours, witness = profit.expected_maximum_profit(left, p, w, PAPER)[0], "empulse"
    tell_witness("expected maximum profit", witness, ours, about["paper"])
    other = profit.expected_maximum_profit(left, p, w, Campaign(*about["other_costs"].values()))
    tell_witness("expected maximum profit", witness, other[0], about["other"])


@pytest.mark.slow
def test_the_expected_maximum_profit_is_the_mean_of_the_best_thresholds() -> None:
    left, p = scored(300, 3)
    w = np.random.default_rng(1).uniform(0.5, 2, 300)
    order = np.argsort(-p, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(p[order]) < 0), 299)
    gone = np.append(0, np.cumsum((w * left)[order])[ends]) / w.sum()
    stayed = np.append(0, np.cumsum((w * (1 - left))[order])[ends]) / w.sum()
    chance = np.random.default_rng(2).beta(6, 14, 60_000)
    gain = (190 * chance[:, None] - 1) * gone - 11 * stayed
    best = gain.argmax(1)
    found = profit.expected_maximum_profit(left, p, w, PAPER)
    assert_allclose(found[0], gain.max(1).mean(), rtol=0.01)
    assert_allclose(found[1], (gone + stayed)[best].mean(), rtol=0.02)


@pytest.mark.slow
def test_profit_is_that_of_the_customers_chosen() -> None:
    rows = book()
    fit = churn.campaign_gain(Sample(rows, draws=50), replace(COSTS, capacity=100))
    hoped = churn.expected_gain(rows, COSTS)
    best = rows.loc[hoped.sort_values(ascending=False, kind="stable").index[:100]]
    real = churn.expected_gain(best.assign(probability=best["left"].astype(float)), COSTS)
    assert_allclose(fit.table["estimate"].iloc[0], real.sum())
    assert "100 of 1,500 past customers contacted" in fit.finding.detail
    everybody = fit.curve.groupby("term")["estimate"].last()
    assert_allclose(everybody.iloc[0], everybody.iloc[1])
    assert (fit.emp["contacted"] <= 1).all() and fit.emp["estimate"].is_monotonic_decreasing


def test_nobody_is_contacted_where_it_does_not_pay() -> None:
    fit = churn.campaign_gain(
        Sample(book(300), draws=20), Campaign(value=50.0, offer=40, contact=30)
    )
    assert "No campaign would have paid" in str(fit)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"value": "nothing"}, "no column 'nothing'"),
        ({"offer": -1}, "must be 0 or more"),
        ({"accepted": 1.5}, "between 0 and 1"),
        ({"value": 5.0}, "costs more than a customer is worth"),
        ({"capacity": 0}, "capacity is 0"),
    ],
)
def test_money_that_makes_no_sense_says_why(change, message) -> None:
    with pytest.raises(ValueError, match=message):
        churn.campaign_gain(book(200), replace(COSTS, **change))


@pytest.mark.coverage
def test_intervals_of_profit_cover_the_truth(monkeypatch, tell_coverage) -> None:
    curve = pd.DataFrame({"term": [""]})  # not looked at here
    monkeypatch.setattr(profit, "_curve", lambda *_, **__: curve)
    left, p = scored(200_000, 99)
    costs = Campaign(value=150, offer=10, contact=2)
    emp = profit.expected_maximum_profit(left, p, np.ones(len(p)), costs)[0]
    big = book(100_000, 98)
    hoped = churn.expected_gain(big, COSTS)
    gain = churn.expected_gain(big.assign(probability=big["probability"]), COSTS)
    each = float(np.where(hoped > 0, gain, 0).mean())
    held = []
    for seed in range(100):
        rows = book(600, 1000 + seed)
        table = churn.campaign_gain(Sample(rows, draws=200, seed=seed), COSTS).table.iloc[0]
        score = rows["left"].to_numpy(float), rows["probability"].to_numpy()
        best = profit._emp(*score, np.ones(600), costs, draws=200, seed=seed).iloc[0]
        held.append((table.low <= 600 * each <= table.high, best.low <= emp <= best.high))
    covered = np.mean(held, axis=0)
    for what, share in zip(
        ("profit of a campaign", "expected maximum profit"), covered, strict=True
    ):
        tell_coverage(f"churn, {what}", "600 customers", share, len(held))
    assert (covered >= 0.88).all(), covered  # where it is more than 95%, docs/coverage.md says so


# Lead time, weights, and the study's own tables


def test_a_weight_of_two_is_the_customer_twice() -> None:
    rows = book(300)
    twice = rows.index < 100
    weighted, repeated = rows.assign(w=1.0 + twice), pd.concat([rows, rows[twice]])
    lead = [churn.lead_time(Sample(weighted, weight="w"), 0.4), churn.lead_time(repeated, 0.4)]
    assert_allclose(lead[0].table["estimate"], lead[1].table["estimate"])
    emp = [
        profit.expected_maximum_profit(
            r["left"].to_numpy(float), r["probability"].to_numpy(), w, PAPER
        )
        for r, w in ((weighted, weighted["w"].to_numpy()), (repeated, np.ones(400)))
    ]
    assert_allclose(emp[0], emp[1])
    arms = pilot(1000, 1)
    arms = arms.assign(w=1.0 + (arms.index < 300))
    effects = [
        trial._effects(
            r["x"].to_numpy() > 0,
            r["treated"].to_numpy(float),
            r["left"].to_numpy(float),
            w,
            draws=50,
            seed=1,
        )
        for r, w in (
            (arms, arms["w"].to_numpy()),
            (pd.concat([arms, arms[arms.index < 300]]), np.ones(1300)),
        )
    ]
    assert_allclose(effects[0]["estimate"], effects[1]["estimate"])


@pytest.mark.slow
def test_the_reserve_tells_when_who_left_and_who_is_there() -> None:
    from cxlib import reserve

    study = reserve.open("sample")
    past = study.customers.snapshots()
    days = [pd.Timestamp(day) for day in past]
    assert len(past) > 1 and all((b - a).days >= 90 for a, b in zip(days, days[1:], strict=False))
    last = list(past.values())[-1]
    pd.testing.assert_frame_equal(last, study.customers.profiles())
    assert last["left"].eq(last["left_after"].notna()).all()
    assert last["left_after"].dropna().between(1, 90).all()
    gone = study["customers"].set_index("customer_id")["left_on"]
    assert (
        gone.reindex(study.customers.active()["customer_id"]).isna().all()
        and "left" not in study.customers.active()
    )
    stays = study.customers.lifetimes()
    assert (stays["time"] > stays["entry"]).mean() > 0.99
    assert stays["left"].sum() == gone.notna().sum()
    years = (pd.Timestamp("2026-09-30") - stays["joined_on"]).dt.days / 365.25
    assert stays.loc[~stays["left"], "time"].div(12).sub(years).abs().max() < 0.01  # in months
    arms = study.customers.pilot()
    assert "callback" not in arms and 0.4 < arms["treated"].mean() < 0.6
    assert study.customers.with_value(last)["worth"].equals(last["spend_365"].rename("worth"))
    assert set(study.customers.experiences()) == {"cases", "comments", "responses", "touchpoints"}


@pytest.mark.parametrize("caught, importance", [(2, Importance.NEWS), (40, Importance.ANSWER)])
def test_a_model_that_misses_leavers_is_news_and_unfit_for_use(caught, importance) -> None:
    n = 100  # who leave within the last lead, of whom so many are flagged
    rows = pd.DataFrame({"left_after": [80.0] * n + [np.nan] * n, "probability": 0.1})
    rows.loc[: caught - 1, "probability"] = rows.loc[n : n + 19, "probability"] = 0.9
    fit = churn.lead_time(rows, 0.5)
    assert fit.finding.importance == importance and fit.finding.value == caught / n
    assert ("use it with care" in str(fit)) == (importance == Importance.NEWS)
    row = fit.table.iloc[-1]  # one interval: that of the table, of this number alone
    assert (fit.finding.low, fit.finding.high) == (row.low, row.high)
    assert_allclose([row.low, row.high], wilson_interval(caught / n, np.array(n)))


def test_lead_time_by_hand() -> None:
    rows = pd.DataFrame({"probability": [0.9, 0.9, 0.9, 0.1, 0.1], "left": [1, 1, 0, 1, 0]})
    rows["left_after"] = [10, 80, np.nan, 85, np.nan]
    with context.use(context.Context(smallest_cell=0)):  # a page leaves out so few people
        fit = churn.lead_time(rows, 0.5, contact=4, currency="EUR")
    precision = fit.table[fit.table["measure"] == PRECISION]["estimate"]
    caught = fit.table[fit.table["measure"] == CAUGHT]["estimate"]
    terms = [f"within {n} days" for n in (30, 60, 90)]
    terms += [f"{n - 30} to {n} days ahead" for n in (30, 60, 90)] + ["0 to 90 days ahead"]
    assert fit.table["term"].tolist() == terms  # of those flagged all so far, of leavers each
    assert_allclose(precision, [1 / 3, 1 / 3, 2 / 3])
    assert_allclose(caught, [1, np.nan, 1 / 2, 2 / 3])
    assert_allclose(fit.cost["estimate"], [12, 12, 6])
    assert "a correct warning costs €6" in fit.finding.detail and "67%" in fit.finding.detail
    with pytest.raises(ValueError, match="Nobody has a risk of 99.0% or more"):
        churn.lead_time(rows, 0.99)
    with pytest.raises(ValueError, match="no column 'left_after'"):
        churn.lead_time(rows.drop(columns="left_after"), 0.5)


# The warning compared with another, in groups, and over time


def company(n: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x, z = rng.normal(shift, 1, n), rng.normal(size=n)
    region = rng.choice(["north", "south", "west"], n, p=[0.5, 0.48, 0.02])
    eta = 1.2 * x * np.where(region == "north", 1, 0.3) - 1 + 0.5 * z
    return pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(n)],
            "x": x,
            "z": z,
            "region": region,
            "left": rng.random(n) < regression.expit(eta),
        }
    )


@pytest.fixture(scope="module")
def warning() -> Result:
    context.begin()
    return churn.fit(Sample(company(1500, 1), draws=200), by="region", validation=ONCE)


@pytest.mark.slow
def test_each_group_is_judged_on_its_own_and_held_together(warning) -> None:
    rows, groups = company(1500, 1), warning.groups
    assert set(groups["group"]) == {"north", "south"}  # the west has too few leavers
    north = (rows["region"] == "north").to_numpy()
    eta = regression.logit(warning.out_of_fold.to_numpy())
    found = regression.auc(rows["left"].to_numpy(float)[north], eta[north], np.ones(north.sum()))
    row = groups[(groups["group"] == "north") & (groups["term"] == "AUC")].iloc[0]
    assert_allclose(row.estimate, found)
    assert "predicts worst in south" in str(churn.validation_by_group(warning))
    with pytest.raises(ValueError, match="no column 'east'"):
        churn.fit(Sample(rows, draws=20), by="east", validation=ONCE)


@pytest.mark.slow
def test_boosting_meets_the_same_customers_on_the_same_folds(warning) -> None:
    found = churn.boosting_benchmark(warning)
    assert found.table["model"].unique().tolist() == ["transparent model", "gradient boosting"]
    ours = found.table.iloc[0]
    assert_allclose(ours.estimate, warning.table["estimate"].iloc[0], atol=1e-9)
    gap = found.differences.iloc[0]
    assert gap.low <= gap.estimate <= gap.high and gap.high - gap.low < ours.high - ours.low


@pytest.mark.slow
def test_boosting_is_said_to_tell_more_where_it_does() -> None:
    rng = np.random.default_rng(3)
    x, z = rng.normal(size=(2, 2500))
    rows = pd.DataFrame(
        {"x": x, "z": z, "left": rng.random(2500) < regression.expit(2.5 * x * z - 0.5)}
    )
    fit = churn.fit(Sample(rows, draws=100), validation=Validation(folds=2, repeats=1))
    found, again = (churn.boosting_benchmark(fit) for _ in range(2))
    assert str(found).startswith("Gradient boosting predicts better")
    pd.testing.assert_frame_equal(found.table, again.table)


@pytest.mark.slow
def test_what_was_learnt_is_judged_later_unchanged() -> None:
    past = {"2026-01-01": company(1200, 1), "2026-04-01": company(1200, 2)}
    past["2026-07-01"] = company(1200, 3, shift=1.0)
    found = churn.model_drift(
        {day: Sample(rows, draws=200) for day, rows in past.items()}, validation=ONCE
    )
    warning = churn.fit(Sample(past["2026-01-01"], draws=50), validation=ONCE)
    later = churn.score(past["2026-07-01"], warning)
    auc = regression.auc(
        later["left"].to_numpy(float), later["probability"].to_numpy(), np.ones(1200)
    )
    row = found.table[found.table["term"] == "AUC"].iloc[-1]
    assert_allclose(row.estimate, auc, atol=1e-9)
    quiet, moved = found.stability.itertuples()
    assert quiet.low == 0 and moved.low > 0.25 and "a new churn model is due" in str(found)
    with pytest.raises(ValueError, match="1 snapshots"):
        churn.model_drift({"2026-01-01": past["2026-01-01"]})


@pytest.mark.slow
def test_a_feature_that_leaks_fails_in_every_door() -> None:
    rows = company(600, 4)
    leaking = rows.assign(refund=rows["left"] * 3.0 + rows["z"] / 9)
    with pytest.raises(ValueError, match="written down after they left"):
        churn.fit(leaking)
    with pytest.raises(ValueError, match="written down after they left"):
        churn.model_drift({"a": leaking, "b": leaking})
    told = rows.assign(left_because="x", left_after=1.0)
    for late in ("left_because", "left_after"):
        with pytest.raises(ValueError, match="cannot warn of it"):
            churn.fit(told, features=["x", late])
    used = {f.name for f in churn.fit(Sample(told, draws=20), validation=ONCE).features}
    assert used == {"x", "z", "region"}


@pytest.mark.coverage
def test_the_stability_index_covers_the_truth(tell_coverage) -> None:
    # Tenths of a uniform score, of which a tenth moves from the lower to the upper half.
    shares = np.repeat([0.09, 0.11], 5)
    truth, held, quiet = float((shares - 0.1) @ np.log(shares / 0.1)), [], []
    for seed in range(300):
        rng = np.random.default_rng(seed)
        before = rng.random(2000)
        after = (rng.choice(10, 1500, p=shares) + rng.random(1500)) / 10
        same = rng.random(1500)
        w = np.ones(2000), np.ones(1500)
        _, low, high = drift.population_stability_index(before, after, w)
        held.append(low <= truth <= high)
        if seed % 2:
            quiet.append(drift.population_stability_index(before, same, w)[1] == 0)
    of = "2,000 customers before, 1,500 after"
    tell_coverage("churn, population stability index", of, np.mean(held), len(held))
    tell_coverage(
        "rate of false alarms, population stability index", of, 1 - np.mean(quiet), len(quiet), 0.05
    )
    assert 0.92 <= np.mean(held) <= 0.985 and np.mean(quiet) > 0.94


# Reasons for leaving


def leavers(why: object) -> pd.DataFrame:
    """A row a customer who left."""
    return pd.DataFrame({"left_because": why})


@pytest.mark.slow
def test_the_exact_test_by_hand() -> None:
    # Three of three in the rarer of two reasons: only that outcome is as unlikely.
    p, exact = reasons.multinomial_test(np.array([3, 0]), np.array([0.25, 0.75]))
    assert exact and np.isclose(p, 0.25**3)
    # Of two fair coins' outcomes 1-1 is the likeliest, so all are as unlikely or more.
    p, exact = reasons.multinomial_test(np.array([1, 1]), np.array([0.5, 0.5]))
    assert exact and np.isclose(p, 1)
    counts, shares = np.array([4, 3, 2, 1, 5, 3]), np.array([0.1, 0.1, 0.1, 0.1, 0.3, 0.3])
    exactly = reasons.multinomial_test(counts, shares)
    assert exactly[1]
    drawn = np.random.default_rng(1).multinomial(18, shares, 100_000)
    from scipy.stats import multinomial

    chance = multinomial.pmf(drawn, 18, shares)
    assert np.isclose(
        exactly[0], (chance <= multinomial.pmf(counts, 18, shares) * 1.0001).mean(), atol=0.006
    )


def test_the_quoted_shares_are_tested_and_never_assumed() -> None:
    rng = np.random.default_rng(1)
    names, shares = list(churn.PUBLISHED), list(churn.PUBLISHED.values())
    quoted = churn.churn_reasons(leavers(rng.choice(names, 300, p=shares)))
    assert "do not differ significantly" in str(quoted)
    other = leavers(rng.choice(["price", "staff"], 200, p=[0.8, 0.2]))
    said = {"price": "product", "staff": "attitude of staff"}
    found = churn.churn_reasons(other, names=said)
    assert "of the literature" in str(found) and "p <0.001" in found.finding.detail
    assert found.table["n"].eq(200).all() and found.table["estimate"].sum() == pytest.approx(1)
    assert (found.table["low"] <= found.table["high"]).all()
    with pytest.raises(ValueError, match="none of 200 reasons"):
        churn.churn_reasons(other)


@pytest.mark.parametrize(
    ("n", "told"),
    [
        (100, "reasons for leaving are product and competition;"),
        (10_000, "reason for leaving is product;"),
    ],
)
def test_reasons_that_chance_cannot_tell_apart_are_named_together(n, told) -> None:
    why = np.repeat(
        ["product", "competition", "moved"], [31 * n // 100, 28 * n // 100, 41 * n // 400]
    )
    assert told in churn.churn_reasons(leavers(why)).finding.claim


@pytest.mark.coverage
def test_the_tests_of_reasons_keep_their_level(monkeypatch, tell_coverage) -> None:
    monkeypatch.setattr(reasons, "DRAWS", 1000)  # a test by draws holds its level with any number
    shares = np.array(list(churn.PUBLISHED.values()))
    rng, p = np.random.default_rng(2), []
    for k in range(300):
        plain = reasons.multinomial_test(rng.multinomial(60, shares), shares, k)[0]
        w, why = rng.gamma(2.0, size=60), rng.choice(6, 60, p=shares)
        found = np.bincount(why, w, 6) / w.sum()
        p.append((plain, reasons.weighted_test(found, w, shares, k)))
    rejected = np.mean(np.array(p) < 0.05, axis=0)
    for what, share in zip(("60 reasons", "60 reasons, weighted"), rejected, strict=True):
        tell_coverage("rate of false findings, test of churn reasons", what, share, 300, 0.05)
    assert (rejected >= 0.015).all() and (rejected <= 0.085).all(), rejected


@pytest.mark.slow
def test_leavers_with_weights_stand_for_more_than_themselves() -> None:
    rng = np.random.default_rng(5)
    why = pd.Series(rng.choice(list(churn.PUBLISHED), 300, p=list(churn.PUBLISHED.values())))
    rows = leavers(why)
    plain = churn.churn_reasons(rows)
    doubled = churn.churn_reasons(Sample(rows.assign(w=2.0), weight="w"))
    assert doubled.table.equals(plain.table) and str(doubled) == str(plain)
    w = pd.Series(np.where(why == "moved", 20.0, 1.0))
    found = churn.churn_reasons(Sample(rows.assign(w=w), weight="w"))
    share = w[why == "moved"].sum() / w.sum()
    assert found.table["estimate"][1] == pytest.approx(share) and "not the 3%" in str(found)
    assert (found.table["high"] - found.table["low"])[5] > (
        plain.table["high"] - plain.table["low"]
    )[5]
    with pytest.raises(ValueError, match="1 of 300 leavers"):
        churn.churn_reasons(Sample(rows.assign(w=w.where(w.index > 0)), weight="w"))


# Trials


def pilot(n: int, seed: int) -> pd.DataFrame:
    """A randomised trial that keeps a tenth more customers of plan A and loses 4 in 100 of B."""
    rng = np.random.default_rng(seed)
    plan, x, treated = rng.choice(["A", "B"], n), rng.normal(size=n), rng.random(n) < 0.5
    gain = np.where(plan == "A", 0.10, -0.04)
    left = rng.random(n) < 0.3 + 0.05 * np.tanh(x) - gain * treated
    return pd.DataFrame({"plan": plan, "x": x, "treated": treated, "left": left})


HOW = {"treated": "treated", "outcome": "left", "lower_is_better": True}


@pytest.mark.slow
@pytest.mark.parametrize("method", trial.METHODS)
def test_a_trial_finds_whom_it_keeps(method: str) -> None:
    rows = pilot(8000, 1)
    fit = churn.uplift(Sample(rows, draws=200), **HOW, model=UpliftModel(method=method))
    table = fit.table.set_index("term")
    assert table.loc["average effect", "low"] < 3 < table.loc["average effect", "high"]
    assert table.loc["effect in the treat set", "low"] < 10
    assert (table["simultaneous_low"] <= table["low"]).all()  # in the same unit
    assert (table["simultaneous_high"] >= table["high"]).all()
    assert table.loc["effect in the treat set", "estimate"] > 6
    assert table.loc["Qini", "low"] > 0 and "treating only" in fit.finding.detail
    left = rows.loc[~rows["treated"], "left"].mean()
    assert fit.finding.detail.startswith(f"control group {left:.1%}; gain")
    assert fit.gain[rows["plan"] == "A"].mean() > 0.05 > fit.gain[rows["plan"] == "B"].mean()
    assert_allclose(
        100 * fit.curve["estimate"].iloc[trial.STEPS - 1], table.loc["average effect", "estimate"]
    )


@pytest.mark.slow
def test_a_trial_that_does_the_same_to_all_tells_nobody_apart() -> None:
    rng = np.random.default_rng(5)
    rows = pd.DataFrame({"x": rng.normal(size=3000), "treated": rng.random(3000) < 0.5})
    rows["left"] = rng.random(3000) < 0.3 - 0.1 * rows["treated"]
    fit = churn.uplift(Sample(rows, draws=200), **HOW)
    assert str(fit).startswith("The treatment reduced leaving by")
    assert fit.finding.verdict == "better" and "does not identify" in fit.finding.detail


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda r: r.assign(treated=r["treated"] & (r.index < 40)), "each arm needs 50"),
        (lambda r: r.assign(left=2), "must be true or false"),
        (lambda r: r.drop(columns="treated"), "no column 'treated'"),
        (lambda r: r[["treated", "left"]], "No column differs"),
    ],
)
def test_a_trial_that_cannot_be_read_says_why(change, message) -> None:
    with pytest.raises(ValueError, match=message):
        churn.uplift(change(pilot(400, 1)), **HOW)
    with pytest.raises(ValueError, match="method='guess' is not a choice"):
        UpliftModel(method="guess")


@pytest.mark.coverage
def test_intervals_of_effect_qini_and_auuc_cover_the_truth(tell_coverage) -> None:
    truth = _areas(100_000, 99)[0]
    held = []
    for seed in range(80):
        estimate, low, high = _areas(1200, seed)
        held.append((low <= truth) & (truth <= high))
    covered = np.mean(held, axis=0)
    # The two areas hold at once, so that each covers a little more than 95 in 100.
    for what, share in zip(("effect on those chosen", "Qini", "AUUC"), covered, strict=True):
        tell_coverage(f"uplift, {what}", "1,200 customers, randomised", share, len(held))
    assert (covered >= 0.89).all() and covered.mean() < 0.995, covered


def _areas(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Effect, Qini and AUUC along a given order (a noisy hint of the plan), and their intervals."""
    rows = pilot(n, 50 + seed)
    score = (rows["plan"] == "A") + np.random.default_rng(seed).normal(size=n)
    rank = np.argsort(np.argsort(-score.to_numpy()))
    t, y, w = rows["treated"].to_numpy(float), -rows["left"].to_numpy(float), np.ones(n)
    draws = 200 if n < 10_000 else 2
    _, areas = trial._curves(rank, t, y, w, draws=draws, seed=seed)
    effect = trial._effects(score.to_numpy() > 0, t, y, w, draws=draws, seed=seed).iloc[:1]
    both = pd.concat([effect, areas])
    return tuple(both[c].to_numpy() for c in ("estimate", "low", "high"))


@pytest.mark.slow
@pytest.mark.mirror
def test_hillstrom_s_trial_gives_the_published_effect(tell_witness) -> None:
    about = REFERENCE["hillstrom"]
    path = Path(os.environ.get("CX_MIRROR", "")) / about["mirror"]
    if not path.is_file():
        pytest.skip("CX_MIRROR holds no hillstrom")
    from cxlib.data import sources

    assert sources.sha256(path) == about["sha256"]
    rows = pd.read_csv(path)
    rows = rows[rows["segment"] != "Mens E-Mail"].drop(columns=["conversion", "spend"])
    rows = rows.assign(treated=rows["segment"] == "Womens E-Mail").drop(columns="segment")
    fit = churn.uplift(Sample(rows, draws=100), treated="treated", outcome="visit")
    table = fit.table.set_index("term")
    assert rows["treated"].sum() == about["treated"]
    ours, theirs = table.loc["average effect", "estimate"], 100 * about["effect"]
    tell_witness("uplift: average effect", "Hillstrom (2008)", ours, theirs, atol=5e-3)
    # Who bought women's things before is who comes for women's things.
    assert table.loc["Qini", "low"] > 0
    inside, outside = (table.loc[f"effect {k} the treat set"] for k in ("in", "outside"))
    assert inside.estimate > outside.estimate


# Whom to contact


def test_a_list_by_risks_not_shown_to_rank_is_no_campaign() -> None:
    rng = np.random.default_rng(3)
    rows = pd.DataFrame({"x": rng.normal(size=300), "left": rng.random(300) < 0.3})
    fit = churn.fit(Sample(rows, draws=50), validation=ONCE)
    assert fit.table["low"].iloc[0] <= 0.5
    now = rows[["x"]].assign(worth=100.0)
    found = churn.contact_list(now, fit, Campaign(value="worth", offer=1, contact=1, accepted=0.5))
    assert found.table["low"].iloc[-1] > 0  # it would pay if the risks were known
    assert "is not certain" in str(found) and "random part" in found.finding.action


def test_a_list_in_sales_says_from_which_margin_it_pays() -> None:
    """At that margin, expected gains of the list add up to nothing."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=600)
    rows = pd.DataFrame({"x": x, "left": rng.random(600) < 1 / (1 + np.exp(1 - 3 * x))})
    fit = churn.fit(Sample(rows, draws=50), validation=ONCE)
    campaign = Campaign("worth", offer=10, contact=1, accepted=0.5, basis="spend", currency="EUR")
    found = churn.contact_list(rows[["x"]].assign(worth=100.0), fit, campaign)
    listed, share = found.customers, r"at least (\d+)% of sales is margin"
    told = re.search(share, str(found))
    assert told and "margin not taken off" in found.finding.detail
    even = break_even_margin(listed, campaign, found.finding.value)
    assert int(told[1]) == round(100 * even)
    at_even = listed.assign(worth=even * listed["worth"])
    assert churn.expected_gain(at_even, campaign).sum() == pytest.approx(0, abs=1e-6)


@pytest.mark.slow
def test_the_list_holds_the_best_with_words_touchpoint_and_comment(tmp_path, monkeypatch) -> None:
    rows = company(800, 6)
    fit = churn.fit(Sample(rows, draws=20), validation=ONCE)
    now = company(300, 7).assign(worth=100.0)
    cases = pd.DataFrame(
        {"customer_id": ["c0", "c0", "c1"], "category": ["room", "billing", "app"]}
    )
    cases["opened_at"] = pd.to_datetime(["2026-01-01", "2026-03-01", "2026-02-01"])
    answers = pd.DataFrame({"customer_id": [f"c{i}" for i in range(300)], "room": 3, "desk": 9})
    answers["answered_on"] = pd.Timestamp("2026-01-01")
    words = pd.DataFrame({"customer_id": [f"c{i}" for i in range(300)]})
    words["text"] = "=cmd|' /C calc'!A0 write to ann@example.com"
    words["at"] = pd.Timestamp("2026-02-03")
    campaign = Campaign(value="worth", offer=5, contact=1, capacity=80)
    known = Experiences(
        cases=cases, responses=answers, touchpoints=["room", "desk"], comments=words
    )
    found = churn.contact_list(now, fit, campaign, known)
    listed = found.customers
    assert len(listed) == 80 and listed["expected_gain"].is_monotonic_decreasing
    assert (listed["expected_gain"] > 0).all() and listed["reasons"].str.len().gt(0).all()
    hurt = listed.set_index("customer_id")["touchpoint"]
    assert (
        set(hurt) <= {"room", "billing", "app"}
        and hurt.drop(["c0", "c1"], errors="ignore").eq("room").all()
    )
    assert not listed["comment"].str.contains("ann@").any()
    assert listed["commented_on"].eq("2026-02-03").all()
    assert str(found).startswith("Contacting the 80 customers on the list")
    assert found.finding.action.startswith("Work through the list from the top")
    assert list(found.touchpoints.table["term"])[0] == "room"
    few = Experiences(responses=answers.iloc[::2], touchpoints=["room", "desk"])
    partly = churn.contact_list(now, fit, campaign, few).touchpoints.table
    assert list(partly["term"]) == ["room", "none known"]
    assert partly["estimate"].sum() == 1 and partly["n"].sum() == 80
    nowhere = churn.contact_list(now, fit, campaign)
    assert nowhere.touchpoints.table.empty and not str(nowhere.touchpoints)
    assert found.curve["contacted"].tolist() == [*range(10, 81, 10)]  # no step shows one customer
    assert found.finding.value == pytest.approx(listed["expected_gain"].sum())
    assert found.table["estimate"].tolist() == [found.finding.value]
    monkeypatch.setenv("CX_RUN_FOLDER", str(tmp_path))
    file = report.list_to_file("contact", listed)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "'=cmd" in file.read_text(encoding="utf-8-sig")


@pytest.mark.slow
def test_controls_of_call_backs_are_not_on_the_list() -> None:
    fit = churn.fit(Sample(company(800, 6), draws=20), validation=ONCE)
    now, campaign = company(300, 7).assign(worth=100.0), Campaign("worth", offer=5, capacity=20)
    first = churn.contact_list(now, fit, campaign)
    kept = first.customers["customer_id"].head(3).tolist()
    calls = pd.DataFrame({"customer_id": kept, "at": pd.Timestamp("2026-09-20"), "arm": "control"})
    rest = care.resting(now["customer_id"], calls, ContactRules(), "2026-10-01")
    found = churn.contact_list(now, fit, campaign, resting=rest)
    assert len(found.customers) == 20  # others take their places
    names, others = (f.customers["customer_id"].tolist() for f in (found, first))
    assert names[:17] == others[3:]
    assert "leave out 3 customers." in found.notes and "leave out" not in first.notes
    again = churn.worth_contacting(churn.score(now, fit).data, campaign, rest)  # as page 26 does
    assert again["customer_id"].tolist() == names


@pytest.mark.slow
def test_nobody_is_listed_where_it_does_not_pay() -> None:
    fit = churn.fit(Sample(company(800, 6), draws=20), validation=ONCE)
    campaign = Campaign(value=6.0, offer=5.0, contact=4.0)
    found = churn.contact_list(company(100, 8), fit, campaign)
    assert found.customers.empty and "Contact nobody" in str(found)


@pytest.mark.coverage
def test_what_chance_does_to_the_profit_lies_in_the_interval(tell_coverage) -> None:
    rng, held = np.random.default_rng(1), []
    for _ in range(300):
        p, worth = rng.uniform(0.05, 0.6, 150), np.exp(rng.normal(5, 0.5, 150))
        rows = pd.DataFrame({"probability": p, "worth": worth})
        hoped = churn.expected_gain(rows, COSTS)
        last = targeting._curve(rows.assign(expected_gain=hoped), COSTS).iloc[-1]
        gone, kept = rng.random(150) < p, rng.random(150) < 0.3
        profit = np.where(gone, kept * (worth - 10), -10).sum() - 300
        held.append(last.low <= profit <= last.high)
    tell_coverage("profit of a contact list, prediction", "150 customers", np.mean(held), len(held))
    assert 0.92 <= np.mean(held) <= 0.98
