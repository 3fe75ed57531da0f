"""Channels: truths by hand, laws, a library's models as witnesses, and known truth recovered."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from cxlib import channels, journeys, service
from cxlib.channels.groups import OTHERS
from cxlib.core import context
from cxlib.core.errors import InsufficientData
from cxlib.core.result import Importance
from cxlib.core.sample import Sample
from cxlib.data.schema import Item
from cxlib.privacy import disclosure
from cxlib.scores import Measure, measure_of

YES = Measure("csat", (0, 1), 1)
DAY = pd.Timestamp("2026-03-02")


def sampled(rows: pd.DataFrame, draws: int = 100, **design: object) -> Sample:
    cluster = "customer_id" if "customer_id" in rows else None
    return Sample(rows, **{"cluster": cluster, "draws": draws, **design})  # type: ignore[arg-type]


def of(fit, column: str = "estimate", by: str = "channel") -> dict[str, float]:
    return dict(zip(fit.table[by], fit.table[column], strict=True))


def contacts_of(*rows: tuple) -> Sample:
    """Contacts from (customer, days after DAY, channel)."""
    table = pd.DataFrame(rows, columns=["customer_id", "at", "channel"])
    return sampled(table.assign(at=DAY + pd.to_timedelta(table["at"], unit="D")))


# Groups


def test_small_groups_are_compared_as_one_that_can_be_shown():
    rows = pd.DataFrame({"channel": ["web"] * 50 + ["phone"] * 30 + ["fax"] * 12 + ["mail"] * 2})
    names = channels.largest([rows], "channel")
    assert names == ["web", "phone", OTHERS]
    kept = channels.only(rows, "channel", names)
    assert kept["channel"].value_counts().to_dict() == {"web": 50, "phone": 30, OTHERS: 14}
    with context.use(context.Context(smallest_cell=10)):
        assert not (
            disclosure.hidden(channels.volume({"events": kept}, "channel").table) != ""
        ).any()


def test_groups_are_the_same_in_all_tables_and_rows_without_one_are_counted_out():
    calls = pd.DataFrame({"channel": ["phone"] * 20 + [None] * 3})
    visits = pd.DataFrame({"channel": ["web"] * 40 + ["phone"] * 15})
    names = channels.largest([visits, calls], "channel")
    assert names == ["web", "phone"]
    kept = channels.only(calls, "channel", names)
    assert len(kept) == 20 and "3 rows have no" in kept.notes[0]


# Rates


def test_shares_are_held_to_the_same_mix_of_customers_and_rare_ones_are_left_as_they_are():
    rng = np.random.default_rng(1)
    young = np.r_[np.ones(300), np.zeros(100), np.ones(100), np.zeros(300)]
    rows = pd.DataFrame({"channel": ["web"] * 400 + ["phone"] * 400, "age": young.astype(str)})
    rows["ok"] = (rng.random(800) < np.where(young == 1, 0.8, 0.3)).astype(float)
    plain = channels.rate(sampled(rows), "ok", by="channel")
    assert of(plain, "verdict") == {"web": "better", "phone": "worse"}
    assert plain.finding.detail.endswith("not adjusted for customers or time")
    fit = channels.rate(sampled(rows), "ok", by="channel", mix=["age"])
    assert of(fit, "plain") == pytest.approx(of(plain))
    assert of(fit, "verdict") == {"web": "unclear", "phone": "unclear"}
    model = smf.ols("ok ~ C(channel) + C(age)", rows).fit()  # an independent standardisation
    for channel, share in of(fit).items():
        everyone = model.predict(rows.assign(channel=channel))
        assert share == pytest.approx(everyone.mean(), abs=1e-9)
    assert "at the same mix of customers" in fit.finding.claim
    assert fit.finding.detail.endswith("; adjusted for age")
    rare = rows.assign(ok=[1.0, *[0.0] * 798, 1.0])
    assert "plain" not in channels.rate(sampled(rare), "ok", by="channel", mix=["age"]).table


def test_few_rows_without_a_value_are_not_counted_by_subtraction():
    rows = pd.DataFrame({"channel": ["web"] * 44 + ["phone"] * 40, "solved": [1.0, 0.0] * 42})
    rows.loc[:3, "solved"] = np.nan
    with context.use(context.Context(smallest_cell=10)):
        told = channels.rate(rows, "solved", by="channel")
    assert told.table.set_index("channel")["n"].to_dict() == {"web": 44, "phone": 40}
    with context.use(context.Context(smallest_cell=0)):
        assert channels.rate(rows, "solved", by="channel").table["n"].sum() == 80


def test_a_rate_by_hand():
    rows = pd.DataFrame({"channel": ["web"] * 40 + ["phone"] * 40, "ok": [1] * 50 + [0] * 30})
    fit = channels.rate(rows, "ok", by="channel")
    assert of(fit) == {"phone": 0.25, "web": 1.0}
    assert of(fit, "verdict") == {"phone": "worse", "web": "better"}
    gap = fit.versus_rest.set_index("channel")["estimate"]
    assert gap.to_dict() == pytest.approx({"web": 0.75, "phone": -0.75})
    assert fit.finding.importance == Importance.NOTABLE and fit.finding.verdict == "worse"


def test_where_less_is_better_more_is_worse():
    rows = pd.DataFrame({"channel": ["web"] * 40 + ["phone"] * 40})
    rows["minutes"] = [1.0, 2.0] * 20 + [8.0, 9.0] * 20
    fit = channels.rate(rows, "minutes", by="channel", unit="minutes", better="lower")
    assert of(fit, "verdict") == {"web": "better", "phone": "worse"}
    neither = channels.rate(rows, "minutes", by="channel", unit="minutes", better="")
    assert set(of(neither, "verdict").values()) == {"different"}


@pytest.mark.slow
def test_weights_count_as_rows_do():
    rows = pd.DataFrame({"channel": list("aab"), "ok": [1, 0, 1], "w": [3.0, 1.0, 2.0]})
    repeated = rows.loc[rows.index.repeat(rows["w"].astype(int))].drop(columns="w")
    weighted = channels.rate(sampled(rows, weight="w"), "ok", by="channel")
    assert of(weighted) == of(channels.rate(repeated, "ok", by="channel")) == {"a": 0.75, "b": 1}


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), min_size=12, max_size=60))
def test_shares_of_groups_add_up_and_intervals_hold_their_estimate(rows):
    table = pd.DataFrame(rows, columns=["channel", "ok"])
    volume = channels.volume({"events": table}, "channel").table
    assert volume["estimate"].sum() == pytest.approx(1)
    assert (volume["low"] <= volume["estimate"]).all()
    assert (volume["estimate"] <= volume["high"]).all()
    if table["channel"].nunique() > 1:
        fit = channels.rate(table, "ok", by="channel")
        whole = (fit.table["estimate"] * fit.table["n"]).sum() / fit.table["n"].sum()
        assert whole == pytest.approx(table["ok"].mean())


def test_one_group_alone_is_not_compared():
    rows = pd.DataFrame({"channel": ["web"] * 20, "ok": 1})
    with pytest.raises(InsufficientData):
        channels.rate(rows, "ok", by="channel")


@pytest.mark.coverage
@pytest.mark.parametrize("kind", ["share", "mean"])
def test_no_difference_is_found_where_there_is_none(kind, tell_coverage):
    """Of worlds without a difference, some group is called different in 5% at most."""
    rng, wrong, worlds = np.random.default_rng(5), 0, 80
    for seed in range(worlds):
        who = rng.integers(0, 45, 120)
        level = rng.normal(0, 0.7, 45)[who]
        y = rng.random(120) < 1 / (1 + np.exp(-level - 1)) if kind == "share" else rng.normal(level)
        rows = pd.DataFrame({"customer_id": who, "channel": rng.choice(list("aaabbc"), 120)})
        unit = "share" if kind == "share" else "scale"
        fit = channels.rate(
            sampled(rows.assign(y=y * 1.0), 200, seed=seed), "y", by="channel", unit=unit
        )
        wrong += bool((fit.table["verdict"] != "unclear").any())
    tell_coverage(
        f"rate of false findings of differences of channels, {kind}",
        "120 rows of 45 customers, 3 channels",
        wrong / worlds,
        worlds,
        0.05,
    )
    assert wrong / worlds <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / worlds)


@pytest.mark.coverage
def test_intervals_of_small_weighted_clustered_rates_cover_the_truth(tell_coverage):
    rng, hits, worlds = np.random.default_rng(8), np.zeros(3), 100
    truth = {"a": 0.8, "b": 0.5, "c": 0.2}
    for seed in range(worlds):
        group = np.repeat(list("aaabbc"), 10)
        rows = pd.DataFrame({"customer_id": np.arange(60) // 2, "channel": group})
        rows["ok"] = rng.random(60) < rows["channel"].map(truth)
        rows["w"] = rng.choice([1.0, 2.0], 60)
        fit = channels.rate(
            sampled(rows.assign(ok=rows["ok"] * 1.0), 200, weight="w", seed=seed),
            "ok",
            by="channel",
        )
        table = fit.table.set_index("channel").loc[list(truth)]
        inside = (table["low"] <= pd.Series(truth)) & (pd.Series(truth) <= table["high"])
        hits += inside.to_numpy()
    for n, share, held in zip((30, 20, 10), truth.values(), hits, strict=True):
        of = f"{n} weighted rows, 2 from each customer, true share {share:.0%}"
        tell_coverage("rate of a channel", of, held / worlds, worlds)
    assert (hits / worlds >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / worlds)).all(), hits / worlds


def test_cases_per_hundred_contacts_by_hand():
    contacts = contacts_of(*((f"c{k}", k % 50, "web" if k % 2 else "phone") for k in range(200)))
    opened = DAY + pd.to_timedelta(range(0, 44, 2), unit="D")
    cases = pd.DataFrame({"customer_id": [f"c{k}" for k in range(22)], "opened_at": opened})
    cases["channel"] = ["phone"] * 20 + ["web"] * 2
    last = cases["opened_at"].max()
    seen = contacts.data[contacts["at"] <= last]["channel"].value_counts()
    fit = channels.per_contact(sampled(cases), contacts, by="channel", what="cases")
    assert of(fit) == pytest.approx({"web": 200 / seen["web"], "phone": 2000 / seen["phone"]})
    assert of(fit, "cases") == {"web": 2, "phone": 20}
    assert of(fit, "verdict") == {"web": "better", "phone": "worse"}


def test_cases_per_hundred_customers_where_there_are_no_contacts():
    customers = pd.DataFrame({"customer_id": range(100), "region": ["north", "south"] * 50})
    cases = pd.DataFrame({"customer_id": [0, 2, 4, 1], "region": ["north"] * 3 + ["south"]})
    fit = channels.per_contact(sampled(cases), sampled(customers), by="region", what="cases")
    assert of(fit, by="region") == pytest.approx({"north": 6.0, "south": 2.0})


@pytest.mark.slow
def test_conversion_counts_the_same_customers_orders_within_the_days():
    contacts = contacts_of(("a", 1, "web"), ("b", 1, "web"), ("c", 1, "app"), ("d", 29, "app"))
    orders = contacts_of(("a", 3, ""), ("b", 12, ""), ("z", 0, ""), ("c", 1, ""), ("z", 30, ""))
    fit = channels.conversion(contacts, orders, by="channel", days=7)
    assert of(fit) == {"web": 0.5, "app": 1.0}  # the last contact is too young to be judged


# Issues


def test_issues_by_hand():
    contacts = contacts_of(
        ("a", 0, "web"), ("a", 5, "web"), ("a", 9, "phone"),  # one issue, moved after two
        ("a", 60, "web"), ("b", 0, "phone"), ("c", 100, "web"),
    )  # fmt: skip
    found = channels.issues(contacts, by="channel", days=30).data
    assert found["contacts"].tolist() == [3, 1, 1]
    assert found["changed_channel"].tolist() == [1, 0, 0] and found["contacts_before"].iloc[0] == 2
    assert found["solved_first"].tolist() == [0, 1, 1]
    costs = {"web": 1.0, "phone": 6.0}
    paid = channels.issues(contacts, by="channel", days=30, costs=costs)
    assert paid["cost"].tolist() == [8.0, 1.0, 6.0]


@pytest.mark.slow
def test_first_contact_resolution_is_that_of_page_24():
    rng = np.random.default_rng(3)
    opened = DAY + pd.to_timedelta(rng.integers(0, 300 * 24, 800), unit="h")
    cases = pd.DataFrame({"customer_id": rng.integers(0, 250, 800).astype(str)})
    cases = cases.assign(opened_at=opened, channel=rng.choice(["web", "phone"], 800))
    cases["category"] = rng.choice(["bill", "app"], 800)
    cases["solved_at"] = opened + pd.to_timedelta(rng.integers(1, 900, 800), unit="h")
    cases["reopened"] = rng.random(800) < 0.1
    timed = service.case_times(sampled(cases))
    ours = channels.first_contact(channels.issues(timed, by="channel", days=30), by="channel")
    theirs = service.first_contact_resolution(timed, by="channel", windows=(30,)).table
    assert of(ours) == pytest.approx(dict(zip(theirs["channel"], theirs["estimate"], strict=True)))


def test_the_largest_move_to_another_channel_is_told():
    walks = [(f"c{k}", d, ch) for k in range(60) for d, ch in ((0, "web"), (3, "phone"))]
    walks += [(f"d{k}", d, "web") for k in range(20) for d in (0, 2)]
    steps = journeys.steps(channels.contact_steps(contacts_of(*walks), "channel"), gap=30)
    fit = journeys.transitions(journeys.count_transitions(steps))
    told = channels.moves(fit, ["web", "phone"], days=30)
    assert str(told).startswith("After web, 60% of customers turn to phone within 30 days; 20%")


# Adjusted scores


def world(n: int, rng: np.random.Generator, effect: float = 0.0) -> pd.DataFrame:
    """Old customers answer lower and use the phone; the phone itself adds `effect`."""
    old = rng.random(n) < 0.5
    phone = rng.random(n) < np.where(old, 0.8, 0.2)
    score = 7 - 2 * old + effect * phone + rng.normal(0, 1, n)
    rows = pd.DataFrame({"age": np.where(old, "old", "young"), "score": score})
    return rows.assign(channel=np.where(phone, "phone", "web"))


MEAN = Measure("mean", (-100, 100))


@pytest.mark.slow
def test_what_who_they_are_explains_is_no_difference():
    rows = world(2000, np.random.default_rng(1))
    plain = channels.adjusted(rows, "score", by="channel", measure=MEAN)
    assert of(plain, "verdict") == {"web": "better", "phone": "worse"}
    fit = channels.adjusted(rows, "score", by="channel", measure=MEAN, mix=["age"])
    assert set(of(fit, "verdict").values()) == {"unclear"}
    assert of(fit, "plain") == pytest.approx(of(plain))
    assert fit.finding.verdict == "unclear" and fit.finding.importance == Importance.CONTEXT


def test_adjusted_scores_are_those_of_a_regression():
    rows = world(400, np.random.default_rng(2), effect=1.0)
    rows["w"] = np.random.default_rng(3).choice([1.0, 3.0], 400)
    fit = channels.adjusted(
        sampled(rows, weight="w"), "score", by="channel", measure=MEAN, mix=["age"]
    )
    model = smf.wls("score ~ channel + age", rows, weights=rows["w"]).fit()
    for name, found in of(fit).items():
        at = model.predict(rows.assign(channel=name))
        assert found == pytest.approx(np.average(at, weights=rows["w"]))


@pytest.mark.coverage
@pytest.mark.parametrize("n", [60, 300])
def test_adjusted_differences_cover_the_truth_in_small_weighted_clustered_samples(n, tell_coverage):
    rng, worlds, inside = np.random.default_rng(n), 80, 0
    for seed in range(worlds):
        rows = world(n, rng, effect=0.5)
        rows = rows.assign(customer_id=np.arange(n) // 2, w=rng.choice([1.0, 2.0], n))
        sample = sampled(rows, 200, weight="w", seed=seed)
        fit = channels.adjusted(sample, "score", by="channel", measure=MEAN, mix=["age"])
        gap = fit.versus_rest.set_index("channel").loc["phone"]
        inside += gap["low"] <= 0.5 <= gap["high"]
    of = f"{n} weighted answers, 2 from each customer"
    tell_coverage("difference of channels, adjusted", of, inside / worlds, worlds)
    assert inside / worlds >= 0.95 - 2.5 * np.sqrt(0.05 * 0.95 / worlds), inside / worlds


def test_a_column_that_says_what_the_group_says_is_not_adjusted_for():
    rows = world(200, np.random.default_rng(4))
    rows["same"] = rows["channel"].map({"web": "online", "phone": "call"})
    fit = channels.adjusted(rows, "score", by="channel", measure=MEAN, mix=["same", "age"])
    assert fit.mix == ["age"]


def history(rng: np.random.Generator, n: int = 4000, effect: float = 0.0) -> pd.DataFrame:
    """Fax was there in the good year only, in which all were on time; web serves more and more."""
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 730, n), unit="D")
    good = (day < pd.Timestamp("2025-01-01")).astype(float)
    fax = (rng.random(n) < 0.3 * good) & (good > 0)
    web = rng.random(n) < np.where(good > 0, 0.5, 0.8)
    rows = pd.DataFrame({"opened_at": day, "channel": np.where(fax, "fax", "phone")})
    rows.loc[web & ~fax, "channel"] = "web"
    on_time = 0.98 - 0.2 * (1 - good) - effect * (rows["channel"] == "web")
    return rows.assign(ok=(rng.random(n) < on_time) * 1.0)


def test_a_channel_of_good_months_is_no_better_for_it():
    rows = history(np.random.default_rng(7))
    blind = channels.adjusted(rows.drop(columns="opened_at"), "ok", by="channel", measure=YES)
    assert channels.priorities(blind).best == "fax"  # the trap
    assert channels.priorities(blind).finding.importance == Importance.NOTABLE
    fit = channels.adjusted(rows, "ok", by="channel", measure=YES)
    assert set(of(fit, "verdict").values()) == {"unclear"}
    assert fit.mix == ["month"] and "Adjusted for month by regression" in fit.notes
    assert str(fit) == "Share of ok does not differ significantly by channel at the same time."
    told = channels.priorities(fit)
    assert (told.table["verdict"] == "unclear").all() and not told.finding.action
    assert str(told).startswith("No channel is shown to be below the best")
    months = pd.get_dummies(rows["opened_at"].dt.strftime("%Y-%m"), drop_first=True, dtype=float)
    cells = pd.get_dummies(rows["channel"], dtype=float)
    model = sm.OLS(rows["ok"], cells.join(months)).fit().params
    mine = of(fit)
    assert mine["fax"] - mine["web"] == pytest.approx(model["fax"] - model["web"])


@pytest.mark.slow
def test_a_difference_within_months_is_found_beside_one_of_time():
    rows = history(np.random.default_rng(8), 8000, effect=0.1)
    fit = channels.adjusted(sampled(rows, 200), "ok", by="channel", measure=YES)
    assert of(fit, "verdict")["web"] == "worse"
    mine = of(fit)
    assert mine["phone"] - mine["web"] == pytest.approx(0.1, abs=0.04)


def test_channels_of_other_times_are_not_compared():
    rows = history(np.random.default_rng(9), 1000)
    day = rows["opened_at"].where(rows["channel"] != "fax", pd.Timestamp("2020-01-01"))
    fit = channels.adjusted(rows.assign(opened_at=day), "ok", by="channel", measure=YES)
    assert sorted(of(fit)) == ["phone", "web"]
    assert "Not compared, as no other group was there in the same month: fax." in fit.notes
    two = rows[rows["channel"] != "phone"].assign(opened_at=day)
    two.loc[two["channel"] == "web", "opened_at"] = pd.Timestamp("2021-01-01")
    with pytest.raises(InsufficientData, match="same month"):
        channels.adjusted(two, "ok", by="channel", measure=YES)


# What to improve first


@pytest.mark.slow
def test_the_gain_is_volume_times_the_gap_to_the_best():
    rows = pd.DataFrame({"channel": ["web"] * 60 + ["phone"] * 100 + ["desk"] * 40})
    rows["ok"] = [1.0] * 54 + [0.0] * 6 + [1.0] * 40 + [0.0] * 60 + [1.0] * 12 + [0.0] * 28
    fit = channels.priorities(channels.adjusted(rows, "ok", by="channel", measure=YES))
    assert of(fit) == pytest.approx({"phone": 0.5 * 0.5, "desk": 0.2 * 0.6})
    assert fit.best == "web" and fit.unit == "gap"
    assert str(fit) == (
        "Share of ok is 50.0 percentage points lower for channel phone than for web: closing the "
        "gap corresponds to 25.0 percentage points."
    )
    assert fit.finding.importance == Importance.NOTABLE  # a gap that lasts is no news


@pytest.mark.slow
def test_a_larger_gain_that_is_not_settled_is_named():
    rows = pd.DataFrame({"channel": ["web"] * 300 + ["phone"] * 100 + ["desk"] * 300})
    rows["ok"] = [1.0] * 255 + [0.0] * 45 + [1.0] * 72 + [0.0] * 28 + [1.0] * 230 + [0.0] * 70
    fit = channels.adjusted(rows, "ok", by="channel", measure=YES)
    table = channels.priorities(fit).table.set_index("channel")
    table["verdict"] = ["worse" if c == "phone" else "unclear" for c in table.index]
    from cxlib.channels.priorities import _aim, _finding

    told = _finding(table.reset_index(), "channel", "web", fit, [])
    assert told.action == "Improve channel phone first"
    assert "desk may offer more (" in told.detail and table["estimate"].idxmax() == "desk"
    near = _finding(table.reset_index(), "channel", "web", fit, ["desk"])
    assert " lower for channel phone than for web: closing the gap" in near.claim
    fit.table["verdict"] = ["worse" if c == "desk" else "unclear" for c in fit.table["channel"]]
    both = _finding(table.reset_index(), "channel", "web", fit, ["phone"])
    assert " may be " in both.claim and " lower for channel desk than for web" in both.claim
    assert "significantly below all others, while its distance from the best" in both.detail
    assert "may offer more" not in both.detail
    assert near.action == "Improve channel phone first"  # desk is below nobody for certain
    assert both.action == "Improve channel desk or phone"
    assert _aim({"named": "channel phone"}, ["desk", "web"]) == (
        "Start with channel phone or where it costs least: the gains of 3 that are below others "
        "do not differ significantly"
    )


@pytest.mark.slow
@pytest.mark.parametrize(("web", "alike"), [(30, True), (58, False)])
def test_a_group_is_first_only_where_no_other_gains_as_much(web, alike):
    """App is right in 30 of 60; web in as many, or in nearly all as by telephone."""
    right = {"app": 30, "web": web, "phone": 59}
    rows = pd.concat(
        [
            pd.DataFrame({"channel": name, "ok": [1.0] * n + [0.0] * (60 - n)})
            for name, n in right.items()
        ],
        ignore_index=True,
    )
    rows["wave"] = ["2026-Q1", "2026-Q2"] * 90
    found = channels.priorities(channels.adjusted(rows, "ok", by="channel", measure=YES)).finding
    assert ("not significantly different by gain" in found.detail) == alike
    assert found.action.startswith("Improve ") and (" or " in found.action) == alike
    assert found.detail.endswith("all 2 waves from 2026-Q1 to 2026-Q2 together")


def test_small_groups_together_are_no_example():
    rows = pd.DataFrame({"channel": ["web"] * 100 + ["phone"] * 100 + [OTHERS] * 60, "ok": 1.0})
    rows.loc[:40, "ok"] = 0.0
    rows.loc[100:120, "ok"] = 0.0
    fit = channels.adjusted(rows, "ok", by="channel", measure=YES)
    assert channels.priorities(fit).best == "phone"


def test_a_lucky_few_are_not_the_best():
    rows = pd.DataFrame({"channel": ["web"] * 100 + ["phone"] * 100 + ["fax"] * 12, "ok": 1.0})
    rows.loc[:40, "ok"] = 0.0
    rows.loc[100:120, "ok"] = 0.0
    assert (
        channels.priorities(channels.adjusted(rows, "ok", by="channel", measure=YES)).best
        == "phone"
    )


@pytest.mark.coverage
def test_the_best_of_equal_channels_is_no_reason_to_improve_another(tell_coverage):
    """Eight channels alike: the highest is high by chance, and none is called worse than it."""
    rng, wrong, worlds = np.random.default_rng(11), 0, 80
    for seed in range(worlds):
        rows = pd.DataFrame({"channel": np.repeat(list("abcdefgh"), 40)})
        rows["score"] = rng.normal(0, 1, len(rows))
        fit = channels.adjusted(sampled(rows, 200, seed=seed), "score", by="channel", measure=MEAN)
        wrong += bool((channels.priorities(fit).table["verdict"] == "worse").any())
    tell_coverage(
        "rate of false findings of channels worse than the best",
        "320 answers, 8 equal channels",
        wrong / worlds,
        worlds,
        0.05,
    )
    assert wrong / worlds <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / worlds), wrong / worlds


# Who uses which


@pytest.mark.slow
def test_shares_of_users_are_those_of_a_multinomial_logit():
    rng, n = np.random.default_rng(6), 6000
    age, plan = rng.choice(["old", "young"], n), rng.choice(["basic", "gold"], n, p=[0.7, 0.3])
    eta = np.column_stack([np.zeros(n), 0.8 * (age == "old"), 0.6 * (plan == "gold") - 0.3])
    chance = np.exp(eta) / np.exp(eta).sum(1, keepdims=True)
    place = (chance.cumsum(1) < rng.random((n, 1))).sum(1)
    rows = pd.DataFrame(
        {"age": age, "plan": plan, "channel": np.array(["web", "phone", "app"])[place]}
    )
    fit = channels.users(sampled(rows), by="channel", mix=["age", "plan"])
    x = sm.add_constant(pd.get_dummies(rows[["age", "plan"]], drop_first=True, dtype=float))
    model = sm.MNLogit(place, x).fit(disp=0)
    for level, code in (("old", 0.0), ("young", 1.0)):
        mine = fit.table[fit.table["term"] == level].set_index("channel")["estimate"]
        theirs = np.asarray(model.predict(x.assign(age_young=code))).mean(0)
        assert_allclose(mine.loc[["web", "phone", "app"]], theirs, atol=0.01)
    sums = fit.table.groupby("term")["estimate"].sum()
    assert_allclose(sums, 1)
    old = fit.table.query("term == 'old'").set_index("channel")["verdict"].to_dict()
    assert old["phone"] == "more" and old["web"] == "less"


def test_an_attribute_that_goes_with_another_is_told_apart():
    rng, n = np.random.default_rng(9), 3000
    old = rng.random(n) < 0.5
    pensioner = np.where(rng.random(n) < 0.9, old, ~old)
    phone = rng.random(n) < np.where(old, 0.6, 0.2)
    rows = pd.DataFrame(
        {"age": np.where(old, "old", "young"), "work": np.where(pensioner, "no", "yes")}
    )
    rows["channel"] = np.where(phone, "phone", "web")
    fit = channels.users(sampled(rows), by="channel", mix=["age", "work"]).table
    work = fit[fit["attribute"] == "work"]
    assert set(work["verdict"]) == {"unclear"} and (work["plain"].max() > 0.7)
    assert set(fit.loc[fit["attribute"] == "age", "verdict"]) == {"more", "less"}


def test_a_level_that_is_one_group_by_another_name_is_no_finding():
    rows = pd.DataFrame({"region": ["north"] * 60 + ["south"] * 60})
    rows["pilot"] = ["in"] * 30 + ["out"] * 30 + ["in"] * 60
    rows["age"] = ["old", "young"] * 60
    fit = channels.users(rows, by="region", mix=["pilot", "age"])
    out = fit.table[fit.table["term"] == "out"]
    assert set(out["verdict"]) == {"unclear"}
    assert "–" not in fit.finding.detail


# All together


@pytest.mark.slow
def test_the_overview_counts_where_a_group_is_worse():
    rows = pd.DataFrame({"channel": ["web"] * 40 + ["phone"] * 40})
    rows = rows.assign(ok=[1.0] * 50 + [0.0] * 30, speed=[9.0, 8.0] * 40)
    item = Item(label="Ease", scale=(1, 10), role="effort")
    fits = [
        channels.rate(rows, "ok", by="channel"),
        channels.adjusted(rows, "speed", by="channel", measure=measure_of(item)),
        None,
    ]
    fit = channels.overview(fits, by="channel")
    assert str(fit) == "Phone is worse than all others in 1 of the 2 measures known for it."
    assert fit.table["term"].unique().tolist() == ["Ok, %", "Ease (customer effort score)"]
    shown = fit.table.set_index(["term", "channel"])["estimate"]
    assert shown["Ok, %", "phone"] == 25.0
    with pytest.raises(InsufficientData):
        channels.overview([None], by="channel")


def test_waits_that_lie_above_all_others_are_worse():
    hours = np.r_[np.linspace(1, 10, 60), np.linspace(100, 200, 60)]
    cases = pd.DataFrame({"opened_at": DAY, "channel": ["web"] * 60 + ["phone"] * 60})
    cases["solved_at"] = DAY + pd.to_timedelta(hours, unit="h")
    waits = service.waiting_times(service.case_times(sampled(cases)), by="channel")
    fit = channels.overview([waits], by="channel")
    assert of(fit, "verdict") == {"web": "better", "phone": "worse"}


def test_the_overview_names_the_currency_of_costs():
    rows = pd.DataFrame({"channel": ["web"] * 40 + ["phone"] * 40, "cost": [1.0, 2.0] * 40})
    made = {"name": "Cost per issue", "unit": "money", "better": "lower", "currency": "EUR"}
    fit = channels.overview([channels.rate(rows, "cost", by="channel", **made)], by="channel")
    assert set(fit.table["term"]) == {"Cost per issue (EUR)"}
