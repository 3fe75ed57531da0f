"""What waits unusually long: usual times by kind, the replay of a daily list, and its finding."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from statsmodels.duration.survfunc import SurvfuncRight

from cxlib import care, service
from cxlib.care import waits as method
from cxlib.care.replay import Kinds, after_due, late_now, replay
from cxlib.core import context
from cxlib.core.sample import Sample
from cxlib.data.schema import Item, Standard
from cxlib.stats.pooled_waits import pooled_waits

DAY = pd.Timedelta(days=1)
STARS = Item(label="Stars", scale=(1, 5), role="csat")


def waiting(waits: np.ndarray, *, every: float = 0.25, **columns) -> pd.DataFrame:
    """Items that start every quarter of a day; an infinite wait never comes."""
    start = pd.Timestamp("2026-01-01") + pd.to_timedelta(every * np.arange(len(waits)), unit="D")
    came = start + pd.to_timedelta(np.where(np.isfinite(waits), waits, np.nan), unit="D")
    rows = pd.DataFrame({"item": np.arange(len(waits)), "step": "delivery", "started_at": start})
    rows = rows.assign(came_at=came, due_at=pd.NaT, rated_at=pd.NaT, rating=None)
    return rows.assign(customer_id=rows["item"].astype(str), **columns)


def test_without_pooling_the_curve_is_kaplan_meier():
    rng = np.random.default_rng(3)
    time, came = rng.integers(1, 40, 120).astype(float), rng.random(120) < 0.7
    fit = pooled_waits(time, came, [])
    witness = SurvfuncRight(time, came)
    assert_allclose(fit.times, witness.surv_times)
    assert_allclose(1 - fit.share[0], witness.surv_prob)
    assert fit.quantile(0.5)[0] == witness.quantile(0.5)


def test_a_kind_is_pooled_towards_its_parent_by_hand():
    # Parent: 1, 2, 3, 4 days. The kind: 4 days. With the parent as 4 observations:
    # 1/5, 1/5, 1/5, 2/5 of the mass; with it as 12: 3, 3, 3, 4 of 13.
    time, kind = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 0, 0, 1])
    assert_allclose(pooled_waits(time, np.ones(4), [kind], prior=4).share[1], [0.2, 0.4, 0.6, 1])
    fit = pooled_waits(time, np.ones(4), [kind], prior=12)
    assert_allclose(fit.share[1], np.array([3, 6, 9, 13]) / 13)


def test_a_kind_without_rows_has_the_curve_of_its_parent():
    time, kind = np.array([1.0, 2.0, 5.0]), np.array([0, 0, 0])
    parents = [np.array([0, 0])]
    fit = pooled_waits(time, np.ones(3), [kind], kinds=[2], parents=parents)
    assert_allclose(fit.share[1], [1 / 3, 2 / 3, 1])


def test_the_first_morning_by_hand():
    # All wait 2 days, but one that started on 21 January at noon: late after 23 January, noon.
    waits = np.full(200, 2.0)
    waits[82] = np.inf
    rows = waiting(waits)
    flagged = replay(rows, Kinds.of(rows, ["step"]), [0.9], pd.Timestamp("2026-03-01"))[0]
    # The first list is of the first Friday after 100 came: 2 February, when it still waits.
    assert np.flatnonzero(~np.isnat(flagged)).tolist() == [82]
    assert flagged[82] == np.datetime64("2026-01-30")
    waits[82], waits[150] = 2.0, np.inf  # starts on 7 February at noon
    rows = waiting(waits)
    flagged = replay(rows, Kinds.of(rows, ["step"]), [0.9], pd.Timestamp("2026-03-01"))[0]
    assert flagged[150] == np.datetime64("2026-02-10")


def test_the_replay_knows_nothing_of_what_comes_later():
    rng = np.random.default_rng(1)
    rows = waiting(rng.gamma(4, 1, 600), kind=rng.choice(["a", "b"], 600))
    cut = pd.Timestamp("2026-03-15")
    before = rows[rows["started_at"] < cut].reset_index(drop=True)
    known = before.assign(came_at=before["came_at"].where(before["came_at"] <= cut))
    ran = [
        replay(r, Kinds.of(r, ["kind"]), [0.8, 0.9], pd.Timestamp("2026-05-01"))
        for r in (rows, known)
    ]
    now, then = (np.where(f <= np.datetime64(cut), f, np.datetime64("NaT", "us")) for f in ran)
    np.testing.assert_array_equal(now[:, : len(before)], then)
    assert (~np.isnat(now)).sum() > 20


def test_the_plain_rule_flags_the_morning_after_the_promised_day():
    rows = waiting(np.array([3.0, 1.0, np.inf]), every=0)
    rows["due_at"] = pd.Timestamp("2026-01-03")  # the end of 2 January
    flagged = after_due(rows)
    assert flagged[[0, 2]].tolist() == [np.datetime64("2026-01-03", "us").astype(object)] * 2
    assert np.isnat(flagged[1])


def planted(n: int = 1600, seed: int = 2) -> pd.DataFrame:
    """Half of the items take about 2 days, half about 20; a tenth of each twice as long, and these
    are rated low a day after they came. All are promised within 30 days."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["near", "far"], n)
    usual = np.where(kind == "near", 2.0, 20.0)
    slow = rng.random(n) < 0.1
    rows = waiting(usual * np.where(slow, 2, 1) * rng.uniform(0.95, 1.05, n), kind=kind)
    rows["due_at"] = rows["started_at"].dt.normalize() + 31 * DAY
    return rows.assign(rated_at=rows["came_at"] + DAY, rating=np.where(slow, "low", "high"))


@pytest.mark.slow
def test_a_planted_truth_is_found():
    fit = method.late_steps(Sample(planted(), draws=20), ["kind"], "2027-04-01")
    found = fit.table.set_index(["measure", "term"])["estimate"]
    # Slow ones wait 4 or 40 days; lists of one kind for all would miss every near one.
    assert found[method.CAUGHT, method.LATE] > 0.95
    assert found[method.FALSE, method.LATE] < 0.3
    # The promised day is past only for slow far ones: half of the low ratings, 10 days ahead.
    assert_allclose(found[method.CAUGHT, method.DUE], 0.5, atol=0.08)
    lead = fit.lead.set_index("term")["estimate"]
    assert_allclose(lead[method.DUE], 10, atol=1)
    # Of near ones flagged after 2 to 3 days, and far ones after 21: 2 to 20 days ahead.
    assert lead[method.LATE] > 2
    alone = fit.finding
    assert alone.value == found[method.CAUGHT, method.LATE]


def test_both_rules_are_told_with_their_own_false_alarms():
    ends = ["measure", "term", "estimate", "low", "high", "n"]
    rows = [
        (method.CAUGHT, method.LATE, 0.40, 0.37, 0.43, 994),
        (method.CAUGHT, method.DUE, 0.38, 0.35, 0.41, 994),
        (method.FALSE, method.LATE, 0.47, 0.44, 0.50, 757),
        (method.FALSE, method.DUE, 0.24, 0.21, 0.27, 500),
    ]
    days = [("lead", method.LATE, 7.0, 6.5, 7.5, 398), ("lead", method.DUE, 2.6, 2.2, 3.0, 378)]
    more = {method.CAUGHT: (-0.01, 0.05), method.LEAD: (4.0, 4.8), method.FALSE: (0.2, 0.26)}
    table, lead = (pd.DataFrame(part, columns=ends) for part in (rows, days))
    assert method._finding(method._Measured(table, lead, more)).claim == (
        "Unusually long waits flagged 40% of low ratings, 7.0 days ahead (47% false alarms); the "
        "promised time 38%, 2.6 days ahead (24%)."
    )


@pytest.mark.slow
def test_kinds_are_used_where_they_help_and_not_where_they_do_not():
    rows = planted()
    noise = np.random.default_rng(8).choice([f"k{k}" for k in range(40)], len(rows))
    helped = method.late_steps(Sample(rows, draws=20), ["kind"], "2027-04-01")
    mixed = method.late_steps(Sample(rows.assign(kind=noise), draws=20), ["kind"], "2027-04-01")
    caught = [
        f.table.loc[(f.table["measure"] == method.CAUGHT) & (f.table["term"] == method.LATE)]
        for f in (helped, mixed)
    ]
    assert float(caught[0]["estimate"].iloc[0]) > float(caught[1]["estimate"].iloc[0]) + 0.3


def test_the_list_of_today_has_what_is_late_for_its_kind():
    rows = planted(600)
    today = rows["started_at"].iloc[-1] + DAY / 2
    rows["came_at"] = rows["came_at"].where(rows["came_at"] <= today)
    listed = late_now(rows, Kinds.of(rows, ["kind"]), 0.8, today)
    late = listed[listed["late"]]
    assert set(late["rating"]) == {"low"}  # the slow ones, before anybody rated
    assert (late["waited_days"] > late["late_after_days"]).all()
    rows["listed"] = rows["kind"] == "near"
    fit = method.late_steps(Sample(rows), ["kind"], today)
    assert set(fit.items["kind"]) <= {"near"}


def test_few_that_wait_are_not_counted_on_the_page():
    rows = planted(600)
    with context.use(context.Context(smallest_cell=10)):
        fit = method.late_steps(Sample(rows, draws=20), ["kind"], "2026-07-01")
    assert "Fewer than 10 are open today" in fit.notes


def test_long_after_the_last_data_nothing_is_usual():
    fit = method.late_steps(Sample(planted(600), draws=20), ["kind"], "2030-01-01")
    assert fit.items.empty and "There is no list" in fit.notes


def test_without_ratings_there_is_a_list_and_no_replay():
    rows = planted(600).assign(rating=None)
    fit = method.late_steps(Sample(rows), ["kind"], rows["started_at"].max())
    assert fit.table.empty and len(fit.items) and fit.rate == 0.9


def test_orders_that_are_cancelled_are_not_waited_for():
    day = pd.Timestamp("2026-03-02 10:00")
    orders = pd.DataFrame({"order_id": list("abcd"), "customer_id": "x", "at": day})
    orders["delivered_at"] = [day + 3 * DAY, pd.NaT, day - DAY, pd.NaT]
    orders["cancelled"] = pd.array([False, True, False, pd.NA], dtype="boolean")
    orders["promised_on"] = pd.Timestamp("2026-03-20")
    found = care.order_steps(orders)
    assert found["item"].tolist() == ["a", "d"]
    assert found["due_at"].tolist() == [pd.Timestamp("2026-03-21")] * 2
    assert found["promised_weeks"].tolist() == ["2", "2"]


@pytest.mark.parametrize(
    ("item", "low", "high"),
    [(STARS, [1, 2], [4, 5]), (Item(label="NPS", scale=(0, 10), role="nps"), [0, 6], [9, 10])],
)
def test_what_is_a_low_and_a_high_rating(item, low, high):
    scores = [*low, *high, 3 if item is STARS else 7]
    day = pd.Timestamp("2026-03-02")
    names = [str(k) for k in range(5)]
    orders = pd.DataFrame({"order_id": names, "customer_id": "x", "at": day})
    orders["delivered_at"] = day + DAY
    answers = pd.DataFrame({"order_id": names, "answered_on": day + 2 * DAY, "score": scores})
    found = care.order_steps(orders, answers, "score", item)
    assert found["rating"].tolist() == ["low", "low", "high", "high", ""]


def test_cases_wait_for_two_steps_and_are_due_by_their_standard():
    day = pd.Timestamp("2026-03-02")
    cases = pd.DataFrame({"case_id": list("ab"), "customer_id": "x", "opened_at": day})
    cases["first_reply_at"] = [day + DAY, pd.NaT]
    cases["solved_at"] = [day + 3 * DAY, pd.NaT]
    cases["satisfaction_after"] = [1.0, 10.0]  # of the open case: not to be believed
    timed = service.case_times(cases, {"any": Standard(first_reply_hours=24, solved_hours=48)})
    found = care.case_steps(timed.data, (1, 10)).set_index(["step", "item"])
    assert found.loc[("resolution", "a"), "due_at"] == day + 2 * DAY
    assert found.loc[("first response", "b"), "came_at"] is pd.NaT
    assert found["rating"].fillna("-").tolist() == ["low", "-", "low", "-"]
