"""Call-backs: who is called, who rests, and whether the effect of a trial is found again."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from generator.truth import TRUTH
from numpy.testing import assert_allclose

from cxlib import care, reserve, scores, service
from cxlib.care import spend_effects
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.data.intake import business_rules
from cxlib.data.schema import ContactRules, Item
from cxlib.data.study import Study
from cxlib.privacy import disclosure

SAMPLE = Path(__file__).parents[2] / "data" / "sample"
TODAY = "2026-10-01"
NPS = Item(label="Recommendation", scale=(0, 10), role="nps")


def days_ago(*days: int) -> list[pd.Timestamp]:
    return [pd.Timestamp(TODAY) - pd.Timedelta(days=d) for d in days]


@pytest.fixture(scope="module")
def contacts() -> pd.DataFrame:
    return pd.read_csv(SAMPLE / "contacts.csv.gz", parse_dates=["at"])


def needing(priorities: list[int]) -> pd.DataFrame:
    found = pd.DataFrame({"customer_id": [f"c{k:03d}" for k in range(len(priorities))]})
    found["priority"] = priorities
    for reason in ("overdue case", "open case", "low score", "broken journey", "high risk"):
        found[reason] = reason == "low score"
    return found


def week(found: pd.DataFrame, **plan) -> pd.DataFrame:
    rest = pd.Series("", found["customer_id"])
    return care.callbacks(found, rest, care.Plan(TODAY, **plan)).customers


# Truth: the effect drawn in the sample


@pytest.mark.slow
def test_the_effect_of_call_backs_on_the_score_is_recovered(contacts):
    answers = pd.read_csv(SAMPLE / "responses.csv.gz", parse_dates=["answered_on"])
    sample = Sample(answers, weight="weight", cluster="customer_id", draws=200)
    fit = care.effect_on_score(contacts, sample, "recommend", scores.Measure("nps"), follow_up=75)
    row = fit.table.iloc[0]
    assert row["low"] < TRUTH["contacts"]["nps"] < row["high"]
    assert row["low"] > 0 and fit.finding.verdict == "better"


@pytest.mark.slow
def test_money_that_a_call_back_cannot_be_shown_to_bring_is_not_to_be_acted_on(contacts):
    orders = pd.read_csv(SAMPLE / "orders.csv.gz", parse_dates=["at"])
    sample = Sample(orders, cluster="customer_id", draws=200)
    fit = care.effect_on_spend(contacts, sample, follow_up=75, cost=6, margin=1, currency="EUR")
    spend, net = fit.table.iloc[0], fit.table.iloc[1]
    assert spend["low"] < TRUTH["contacts"]["spend"] < spend["high"]
    assert spend["estimate"] - net["estimate"] == pytest.approx(6)
    assert fit.finding.verdict == "unclear" and "is unclear; keep controls" in str(fit)


@pytest.mark.slow
def test_only_the_margin_of_what_is_spent_pays_for_a_call(contacts):
    orders = pd.read_csv(SAMPLE / "orders.csv.gz", parse_dates=["at"])
    sample, paid = Sample(orders, cluster="customer_id", draws=200), {"cost": 6, "currency": "EUR"}
    fit = care.effect_on_spend(contacts, sample, follow_up=75, margin=0.3, **paid)
    spend, net = fit.table.iloc[0], fit.table.iloc[1]
    ends = ["estimate", "low", "high"]
    assert_allclose(net[ends].astype(float), 0.3 * spend[ends].astype(float) - 6)
    assert fit.finding.verdict == "worse" and "more than the margin it brings" in str(fit)
    with pytest.raises(ValueError, match="margin must be over 0"):
        care.effect_on_spend(contacts, sample, margin=0)


SPENT = pd.Series({"estimate": 20.0, "low": 12.0, "high": 30.0, "n": 400})


@pytest.mark.parametrize(
    ("cost", "low", "verdict", "claim", "detail"),
    [
        (6, 12.0, "", "if at least 30% of sales is margin.", "margin 30% (95% CI 20% to 50%)"),
        (15, 12.0, "", "if at least 75% of sales is margin.", "margin 75% (50% in the best case)"),
        (6, -1.0, "unclear", "is unclear", "margin 30% (20% in the best case)"),
        (25, -1.0, "unclear", "is unclear", "by the estimate it pays at no margin"),
        (31, 12.0, "worse", "it pays at no margin.", "for the call; n = 400"),
        (0, 12.0, "", "brings €20.00 of sales within 75 days.", "for the call; n = 400"),
    ],
)
def test_without_a_margin_the_one_from_which_a_call_pays(cost, low, verdict, claim, detail):
    """Cost divided by the spend that a call brings, by hand."""
    found = spend_effects._sales_finding(SPENT.replace(12.0, low), 75, cost, "EUR")
    assert found.verdict == verdict and claim in found.claim
    assert found.detail.endswith(detail)


@pytest.mark.slow
def test_a_week_of_calls_that_have_not_paid_is_a_trial(contacts):
    orders = pd.read_csv(SAMPLE / "orders.csv.gz", parse_dates=["at"])
    answers = pd.read_csv(SAMPLE / "responses.csv.gz", parse_dates=["answered_on"])
    sample = Sample(orders, cluster="customer_id", draws=200)
    rated = Sample(answers, weight="weight", cluster="customer_id", draws=200)
    paid = {"cost": 6, "currency": "EUR"}
    loss = care.effect_on_spend(contacts, sample, follow_up=75, margin=0.3, **paid)
    unclear = care.effect_on_spend(contacts, sample, follow_up=75, **paid)
    dear = care.effect_on_spend(contacts, sample, follow_up=75, cost=500, currency="EUR")
    score = care.effect_on_score(contacts, rated, "recommend", scores.Measure("nps"), follow_up=75)
    found = needing([3] * 100)
    rest, plan = pd.Series("", found["customer_id"]), care.Plan(TODAY, capacity=40)
    told = care.callbacks(found, rest, plan, score=score, spend=loss).finding
    assert (
        "only as a trial: each earlier call-back cost €" in told.claim and told.verdict == "unclear"
    )
    assert "call-backs of 2026-Q3 cannot be shown to have had an effect" in told.detail
    only = care.callbacks(found, rest, plan, score=score, spend=unclear).finding
    assert "only as a trial: call-backs of 2026-Q3 cannot be shown" in only.claim
    assert "trial" not in care.callbacks(found, rest, plan, spend=unclear).finding.claim
    told = care.callbacks(found, rest, plan, spend=dear).finding
    assert "each earlier call-back cost more than the sales it brought." in told.claim
    assert "€500.00 for the call" in told.detail


@pytest.mark.slow
def test_quarters_whose_effects_differ_are_told_of_and_what_the_last_one_shows(contacts):
    answers = pd.read_csv(SAMPLE / "responses.csv.gz", parse_dates=["answered_on"])
    sample = Sample(answers, weight="weight", cluster="customer_id", draws=200)
    fit = care.effect_on_score(contacts, sample, "recommend", scores.Measure("nps"), follow_up=75)
    assert fit.table["term"].iloc[-1] == "2026-Q3" and fit.table["low"].iloc[-1] < 0
    assert "those of 2026-Q3 cannot be shown to have had an effect" in fit.finding.claim
    assert "quarters differ, p 0.0" in fit.finding.detail
    assert "in the first answers after its calls, n = " in fit.finding.detail
    assert "everybody in the programme since it began, by all answers of a wave" in fit.notes
    calls, rows = trial(np.random.default_rng(4), 4000, 0.5)
    calls["at"] = np.where(np.arange(len(calls)) % 2, "2026-01-01", "2025-12-01")
    calls["at"] = pd.to_datetime(calls["at"])
    alike = care.effect_on_score(calls, rows, "score", scores.Measure("mean", (0, 10)))
    assert len(alike.table) == 3 and "on average" not in str(alike)


# Laws of the estimate


def trial(rng: np.random.Generator, n: int, effect: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two blocks: in the better one hardly anybody is called, in the worse one most are."""
    good = rng.random(n) < 0.5
    called = rng.random(n) < np.where(good, 0.2, 0.8)
    ids = [f"c{k}" for k in range(n)]
    calls = pd.DataFrame(
        {
            "customer_id": ids,
            "at": pd.Timestamp("2026-01-01"),
            "arm": np.where(called, "contacted", "control"),
            "block": np.where(good, "good", "bad"),
        }
    )
    y = 5 + 2 * good + effect * called + rng.standard_normal(n)
    answers = pd.DataFrame(
        {"customer_id": ids, "answered_on": pd.Timestamp("2026-02-01"), "score": y}
    )
    return calls, answers


@pytest.mark.slow
def test_blocks_with_other_shares_of_calls_do_not_bias_the_effect():
    calls, answers = trial(np.random.default_rng(1), 4000, 0.5)
    fit = care.effect_on_score(calls, answers, "score", scores.Measure("mean", (0, 10)))
    raw = answers["score"].groupby(calls["arm"].to_numpy()).mean()
    row = fit.table.iloc[0]
    assert raw["contacted"] < raw["control"]  # as it looks without the blocks
    assert row["estimate"] == pytest.approx(0.5, abs=0.12) and row["low"] < 0.5 < row["high"]


def test_an_answer_before_the_call_or_after_the_follow_up_does_not_count():
    calls, answers = trial(np.random.default_rng(2), 200, 0.5)
    late = answers.assign(answered_on=pd.Timestamp("2026-06-01"))
    early = answers.assign(answered_on=pd.Timestamp("2025-12-01"))
    for rows in (late, early):
        with pytest.raises(InsufficientData, match="0 customers called and 0 controls"):
            care.effect_on_score(calls, rows, "score", scores.Measure("mean", (0, 10)))


@pytest.mark.coverage
def test_intervals_cover_the_effect_as_often_as_they_say(tell_coverage):
    rng, hit = np.random.default_rng(3), 0
    for _ in range(80):
        calls, answers = trial(rng, 150, 0.5)
        sample = Sample(answers, cluster="customer_id", draws=200)
        fit = care.effect_on_score(calls, sample, "score", scores.Measure("mean", (0, 10)))
        hit += fit.table["low"].iloc[0] < 0.5 < fit.table["high"].iloc[0]
    tell_coverage("effect of a call-back on the score", "150 customers, randomised", hit / 80, 80)
    assert 0.88 <= hit / 80 <= 1


# The list


def test_the_list_fits_the_capacity_and_no_overdue_case_is_a_control():
    listed = week(needing([1] * 15 + [2] * 20 + [3] * 100), capacity=40)
    called = listed[listed["call"] == "yes"]
    assert called["priority"].value_counts().to_dict() == {1: 15, 2: 16, 3: 9}
    kept = listed[listed["call"] == "no"]
    assert kept["priority"].value_counts().to_dict() == {3: 9, 2: 4}
    assert listed.loc[listed["priority"] == 1, ["arm", "block"]].eq("").all(axis=None)
    assert set(listed["arm"]) == {"", "contacted", "control"}


@pytest.mark.parametrize("capacity", [20, 200])  # short, and enough for all
def test_nobody_whom_others_contact_is_a_control_or_in_the_trial(capacity):
    found = needing([2] * 20 + [3] * 60)
    plan, rest = care.Plan(TODAY, capacity=capacity), pd.Series("", found["customer_id"])
    before = week(found, capacity=capacity)
    elsewhere = before.loc[before["call"] == "no", "customer_id"].tolist()
    assert len(elsewhere) > 3
    listed = care.callbacks(found, rest, plan, elsewhere=elsewhere)
    theirs = listed.customers[listed.customers["customer_id"].isin(elsewhere)]
    assert theirs["call"].eq("yes").all() and theirs[["arm", "block"]].eq("").all(axis=None)
    others = listed.customers[~listed.customers["customer_id"].isin(elsewhere)]
    assert set(others["arm"]) == {"contacted", "control"}
    assert (listed.customers["call"] == "yes").sum() <= capacity
    asked = f"and have no arm ({disclosure.count_in_words(len(theirs))})"
    assert asked in listed.notes  # fewer than 10 are not counted


def test_the_page_counts_all_who_have_no_arm_on_the_list():
    """Overdue cases have none either: 15 of them and those whom others contact."""
    found = needing([1] * 15 + [3] * 60)
    rest = pd.Series("", found["customer_id"])
    others = found["customer_id"].iloc[20:60].tolist()
    listed = care.callbacks(found, rest, care.Plan(TODAY, 40), elsewhere=others)
    none = int((listed.customers["arm"] == "").sum())
    assert none > 15 and f"and have no arm ({none})" in listed.notes
    assert "the one of 32_who_is_about_to_leave is for offers" in listed.notes


@pytest.mark.parametrize(("stale", "asked"), [(30, True), (12, False), (5, False)])
def test_what_may_only_not_be_closed_is_to_be_checked_first(stale, asked):
    """Of 80, 30 wait for over 180 days: likely orders that nobody closed. A few are no reason."""
    found = needing([3] * 80).assign(waited_days=[300.0] * stale + [20.0] * (80 - stale))
    told = care.callbacks(found, pd.Series("", found["customer_id"]), care.Plan(TODAY, 10)).finding
    assert told.action.startswith(f"First check whether what {stale} of them wait for") == asked
    assert (f"{stale} of them have waited more than 180 days" in told.detail) == asked


def test_chance_decides_by_the_seed_and_not_by_the_order_of_the_rows():
    found = needing([3] * 60)
    one, again = week(found, capacity=20), week(found.iloc[::-1], capacity=20)
    assert one["customer_id"].tolist() == again["customer_id"].tolist()
    other = week(found, capacity=20, seed=2)
    assert set(other["customer_id"]) != set(one["customer_id"])


def test_parts_too_small_to_be_shown_are_put_together_with_others():
    found = needing([1] * 3 + [3] * 60)
    table = care.callbacks(found, pd.Series("", found["customer_id"]), care.Plan(TODAY)).table
    assert table["n"].tolist() == [63]


# Who has a reason, and who rests


def test_reasons_are_those_of_the_latest_answer_and_of_what_is_open_today():
    answers = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c"],
            "answered_on": days_ago(30, 5, 10, 200),
            "recommend": [2, 9, 6, 0],  # a is a promoter by now, what c said is too old
        }
    )
    cases = pd.DataFrame(
        {
            "customer_id": ["b", "d"],
            "opened_at": days_ago(9, 1),
            "solved": False,
            "solution_limit": 72.0,
        }
    )
    evidence = care.Evidence(responses=answers, outcome="recommend", item=NPS, cases=cases)
    found = care.needs(evidence, TODAY).set_index("customer_id")
    assert found["priority"].to_dict() == {"b": 1, "d": 3}
    assert care.in_words(found.loc["b"]) == "overdue case; low score"


LATE = pd.DataFrame(
    {
        "item": ["o1", "o2", "k1", "k2", "o3"],
        "step": ["delivery", "delivery", "resolution", "resolution", "delivery"],
        "customer_id": ["a", "a", "b", "c", None],
        "waited_days": [20.0, 30.0, 9.0, 9.0, 40.0],
        "usual_days": [5.0, 5.0, 3.0, 3.0, 5.0],
        "late_after_days": [15.0, 12.0, 6.0, 6.0, 15.0],
    }
)


def test_what_waits_unusually_long_is_a_reason_to_call():
    """An order that waits is a matter of its own; a case that waits is the open case."""
    cases = pd.DataFrame({"customer_id": ["a", "b"], "opened_at": days_ago(9, 1), "solved": False})
    found = care.needs(care.Evidence(cases=cases, late=LATE), TODAY).set_index("customer_id")
    assert found["priority"].to_dict() == {"a": 2, "b": 3, "c": 3}
    assert care.in_words(found.loc["a"]) == "open case; unusually long wait"
    assert found.loc["a", ["waits_for", "waited_days"]].tolist() == ["delivery", 30.0]
    week = care.callbacks(
        found.reset_index(), pd.Series(["rest"], ["b"]), care.Plan(TODAY, capacity=5)
    )
    listed = week.customers.set_index("customer_id")
    assert sorted(listed.index) == ["a", "c"] and listed.loc["a", "waited_days"] == 30.0
    assert care.reasons(found.reset_index().loc[[0] * 20]).table["term"].tolist() == [
        "open case",
        "unusually long wait",
    ]


def test_orders_alone_give_a_list():
    found = care.needs(care.Evidence(late=LATE[LATE["step"] == "delivery"]), TODAY)
    assert found[["customer_id", "priority"]].values.tolist() == [["a", 3]]


def test_lists_of_late_items_mark_whom_nobody_may_contact():
    contacts = pd.DataFrame({"customer_id": ["b", "c"], "at": days_ago(1, 90)})
    contacts["outcome"] = ["reached", "refused"]
    rules = ContactRules(most=1, days=30, refused=["refused"])
    marked = care.with_contact(LATE, contacts, rules, TODAY, never=pd.Series({"a": 1, "b": 0}))
    assert marked["no_contact"].tolist() == [
        *["may not be contacted"] * 2,
        "",  # contacted often enough, which an urgent matter may overrule
        "asked not to be contacted",
        "",
    ]


def test_a_study_with_nothing_of_customers_gives_no_list():
    with pytest.raises(InsufficientData, match="no answers"):
        care.needs(care.Evidence(), TODAY)


def test_each_rest_rule_excludes_whom_it_names():
    rows = [
        ("often", 3, None, "reached"),
        ("often", 20, None, "reached"),
        ("once", 3, None, "reached"),
        ("called", 40, "contacted", "reached"),
        ("urgent", 40, "contacted", "reached"),
        ("control", 40, "control", None),
        ("past", 100, "control", None),
        ("refused", 300, None, "no calls"),
    ]
    contacts = pd.DataFrame(rows, columns=["customer_id", "at", "arm", "outcome"])
    contacts["at"] = days_ago(*contacts["at"])
    ids = pd.Series(["often", "once", "called", "urgent", "control", "past", "refused", "never"])
    rules = ContactRules(most=2, days=30, never="no_contact", refused=["no calls"], follow_up=90)
    never = pd.Series(["Yes", "no"], ["never", "once"])
    how = {"never": never, "urgent": ids == "urgent"}
    assert care.resting(ids, contacts, rules, TODAY, **how).to_dict() == {
        "often": "contacted often enough",
        "once": "",
        "called": "followed after an earlier call-back",
        "urgent": "",
        "control": "followed after an earlier call-back",
        "past": "",
        "refused": "asked not to be contacted",
        "never": "may not be contacted",
    }


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({"never": "no_calls"}, "there is no column 'no_calls'"),
        ({"never": "region"}, "region is to hold yes or no"),
        ({"refused": ["reachd"]}, "no row has 'reachd'. outcome holds: 'reached'"),
    ],
)
def test_a_rule_that_would_exclude_nobody_is_a_mistake_of_study_yaml(rules, said):
    customers = pd.DataFrame({"customer_id": ["a"], "region": ["north"]})
    contacts = pd.DataFrame({"customer_id": ["a"], "outcome": ["reached"]})
    study = SimpleNamespace(contact_rules=ContactRules(**rules))
    tables = {"customers": customers, "contacts": contacts}
    assert said in " ".join(business_rules._contact_rules(study, tables))


@pytest.mark.slow
def test_effects_are_those_on_the_customers_asked_for_who_have_left_too():
    study = reserve.open("sample")
    rows, all_ = study.care.contacts("plan = 'plus'"), study.read("contacts")
    plus = study.read("customers", where="plan = 'plus'").set_index("customer_id")["left_on"]
    assert len(rows) == all_["customer_id"].isin(plus.index).sum() < len(all_)
    assert rows["customer_id"].map(plus).notna().any()  # of those who have left
    assert len(study.care.contacts()) == len(all_)


def test_the_ledger_is_not_held_against_an_effect_on_a_part_of_the_customers():
    effect = SimpleNamespace(table=pd.DataFrame(), unit="points")
    with pytest.raises(InsufficientData, match="about a part of them"):
        care.booking(effect, pd.DataFrame({"action_id": ["a1"]}), "a1", complete=False)


@pytest.mark.slow
def test_cases_are_overdue_by_the_clock_of_the_study():
    """Opened on Friday at 16:00 with 9 hours to go, of which Saturday and Sunday are none."""
    hours = {"working_hours": {"from": "09:00", "to": "17:00"}}
    stated = Study(
        name="s",
        folder=Path("."),
        title="S",
        tables={"cases": {"files": "cases.csv", "columns": {"case_id": "id"}}},
        service={"clock": "working hours", "any": {"solved_hours": 9}},
        **hours,
    )
    cases = pd.DataFrame({"case_id": ["k1", "k2"], "customer_id": ["c1", "c2"]})
    cases = cases.assign(
        opened_at=pd.to_datetime(["2026-03-06 16:00", "2026-03-02 09:00"]),
        solved_at=pd.to_datetime([None, "2026-03-02 10:00"]),
    )
    for day, overdue in (
        ("2026-03-09 16:00", False),
        ("2026-03-09 17:30", False),
        ("2026-03-10 10:00", True),
    ):
        timed = service.times_of(cases.head(1), cases, stated, as_of=day)
        found = care.needs(care.Evidence(cases=timed), day)
        assert found["overdue case"].tolist() == [overdue], day


def test_where_no_case_is_solved_all_are_open():
    """An export of open cases alone; nobody may fall off the list."""
    opened = pd.Timestamp(TODAY) - pd.Timedelta(days=3)
    cases = pd.DataFrame({"case_id": ["k1"], "customer_id": ["c1"], "opened_at": [opened]})
    unsolved = cases.assign(solved_at=pd.NaT, solution_limit=24.0)
    found = care.needs(care.Evidence(cases=unsolved), TODAY, days=90)
    assert found[["customer_id", "overdue case"]].values.tolist() == [["c1", True]]


@pytest.mark.parametrize(("members", "controls"), [(3, 0), (12, 3), (272, 55)])
def test_controls_are_at_least_their_share(members: int, controls: int):
    listed = week(needing([2] * members), capacity=10_000, control=0.2)
    assert (listed["arm"] == "control").sum() == controls


def test_reasons_of_few_customers_are_left_out():
    found = needing([3] * 40).assign(**{"high risk": [True] * 4 + [False] * 36})
    fit = care.reasons(found)
    assert fit.table["term"].tolist() == ["low score"] and "1 reason" in fit.notes
