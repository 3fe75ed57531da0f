"""Complaints and service: truths by hand, laws, published values and known truth."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import generator
import numpy as np
import pandas as pd
import pytest
from generator.service import recoveries
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from cxlib import plots, scores, service
from cxlib.core import context
from cxlib.core.errors import InsufficientData
from cxlib.core.result import Importance
from cxlib.core.sample import Sample
from cxlib.data import intake, schema, study
from cxlib.data.intake import event_logs as logs
from cxlib.data.mapping import Log
from cxlib.data.schema import Standard
from cxlib.privacy import disclosure
from cxlib.scores.alerts import COLUMNS
from cxlib.service import funnels, shares
from cxlib.stats import resampling, survival
from cxlib.stats.estimators import Replicated
from cxlib.stats.resampling import ResamplingUnits

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "service.json").read_text())
STANDARDS = {"high": Standard(solved_hours=10), "any": Standard(solved_hours=20)}
DAY = pd.Timestamp("2026-03-02")  # a Monday


def cases_of(*rows: tuple, **columns: list) -> Sample:
    """Cases from (customer, hours opened after DAY, hours until solved or None)."""
    table = pd.DataFrame(rows, columns=["customer_id", "opened_at", "solved_at"])
    opened = DAY + pd.to_timedelta(table["opened_at"], unit="h")
    solved = opened + pd.to_timedelta(table["solved_at"].astype(float), unit="h")
    return sampled(table.assign(opened_at=opened, solved_at=solved, **columns))


def sampled(rows: pd.DataFrame, draws: int = 50) -> Sample:
    return Sample(rows, cluster="customer_id" if "customer_id" in rows else None, draws=draws)


def mirrored(name: str) -> Path:
    """A file of the mirror, its checksum checked; skips where there is none."""
    about = REFERENCE[name]
    file = Path(os.environ.get("CX_MIRROR", "")) / about["mirror"]
    if "CX_MIRROR" not in os.environ or not file.is_file():
        pytest.skip(f"CX_MIRROR holds no {about['mirror']}; it has no lasting address")
    assert hashlib.sha256(file.read_bytes()).hexdigest() == about["sha256"]
    return file


@pytest.fixture(scope="module")
def sample() -> Sample:
    """The cases of the made-up company, timed by its standards."""
    about = study.read("sample").service
    return service.case_times(sampled(generator.company()["cases"], 300), about.standards)


@pytest.fixture(scope="module")
def helpdesk() -> pd.DataFrame:
    mirrored("helpdesk")
    taken = intake.table(study.read("helpdesk"), "cases")
    assert f"{REFERENCE['helpdesk']['events']:,} events are of 4,580 cases" in taken.notes[0]
    return taken.rows


# Clocks and standards


def test_clocks_by_hand():
    cases = cases_of(
        ("a", 0, 9),
        ("a", 0, 12),
        ("b", 0, 15),
        ("c", 15, None),
        ("d", 40, None),
        ("e", 0, -1),
        severity=["high", "high", "low", "high", "low", "low"],
    )
    rows = service.case_times(cases, STANDARDS, as_of=DAY + pd.Timedelta(hours=30))
    assert rows["solution_hours"].tolist() == [9, 12, 15, 15]  # later and backwards ones are out
    assert rows["solution_limit"].tolist() == [10, 10, 20, 10]
    assert rows["solved"].tolist() == [True, True, True, False]
    assert rows["solved_in_time"].tolist() == [1, 0, 1, 0]  # the open one is late already
    assert "reply_hours" not in rows
    assert len(rows.notes) == 2


def test_a_case_whose_time_is_not_up_is_undecided():
    rows = service.case_times(cases_of(("a", 0, 30), ("b", 25, None), ("c", 25, 1)), STANDARDS)
    told = rows["solved_in_time"].tolist()  # the quick one would flatter, were it counted
    assert told == pytest.approx([0, np.nan, np.nan], nan_ok=True)
    assert service.sla_attainment(rows).table["n"].tolist() == [3]


def test_a_solution_without_a_reply_is_its_reply():
    cases = cases_of(("a", 0, 9), ("b", 0, 12))
    rows = service.case_times(cases.assign(first_reply_at=[DAY + pd.Timedelta(hours=2), pd.NaT]))
    assert rows["reply_hours"].tolist() == [2, 12]


def test_share_in_time_by_hand():
    # In units of their limits: over at .45, .6 watched, over at .75, over at 1.5.
    cases = cases_of(("a", 0, 9), ("b", 78, None), ("c", 0, 15), ("d", 60, 30))
    rows = service.case_times(cases, STANDARDS)
    table = service.sla_attainment(rows).table
    assert table["estimate"].item() == pytest.approx(1 - (3 / 4) * (1 / 2))
    plain = service.sla_attainment(rows.where(rows["solved"])).table
    assert plain["estimate"].item() == pytest.approx(rows["solved_in_time"].mean())


def test_waits_equal_the_published_curve_and_the_durations(tell_witness):
    about = REFERENCE["remission"]
    hours = np.array([*about["relapsed"], *about["censored"]], float)
    happened = np.arange(len(hours)) < len(about["relapsed"])
    at = np.array([float(t) for t in about["left"]])
    drawn = shares.share_within(
        hours, happened, at, ResamplingUnits(np.arange(len(hours))), draws=2000
    )
    ours, theirs = 1 - drawn.estimate, list(about["left"].values())
    source = "Freireich and others (1963), 6-MP"
    tell_witness("Kaplan–Meier: shares still waiting", source, ours, theirs, atol=5e-5)
    risk = survival.at_risk(0 * hours, hours, happened.astype(int), np.ones(len(hours)))
    share, covariance = survival.incidence(risk, at)
    assert_allclose(drawn.estimate, share[0], atol=1e-12)
    assert_allclose(drawn.error, np.sqrt(np.diag(covariance)), rtol=0.1)  # Greenwood's


def test_a_case_twice_of_one_customer_tells_no_more():
    rng = np.random.default_rng(3)
    cases = cases_of(*[(f"c{k}", 0, h) for k, h in enumerate(rng.lognormal(2.7, 0.8, 80))])
    once = service.sla_attainment(service.case_times(cases.replace(draws=200), STANDARDS)).table
    twice = service.sla_attainment(
        service.case_times(sampled(pd.concat([cases.data, cases.data]), 200), STANDARDS)
    ).table
    assert_allclose(twice[["estimate", "low", "high"]], once[["estimate", "low", "high"]])
    assert twice["n"].item() == 2 * once["n"].item()


def test_intervals_of_shares_are_wilsons():
    case = json.loads((Path(__file__).parents[1] / "reference" / "nps.json").read_text())["wilson"]
    hit = pd.Series(np.arange(case["n"]) < case["successes"], dtype=float)
    _, drawn, n = shares.group_shares(Sample(hit.to_frame("hit"), draws=4000), hit, None)
    assert_allclose(
        np.ravel(shares.share_interval(drawn, n)), (case["low"], case["high"]), atol=4e-3
    )
    sure = Replicated(np.array([1.0]), np.ones((50, 1)), 20.0)
    low, high = shares.share_interval(
        sure, np.array([35])
    )  # all met: no more than the 20 customers
    assert (low.item(), high.item()) == (pytest.approx(20 / (20 + 1.96**2), abs=1e-4), 1)


@pytest.mark.slow
def test_the_sample_waits_as_it_was_made_to(sample):
    fit = service.waiting_times(sample, "first response", by="severity")
    half = fit.table[fit.table["term"] == "half of the cases"].set_index("severity")
    made = pd.Series({"low": 20.0, "medium": 10.0, "high": 4.0})
    assert (half["low"] <= made).all() and (made <= half["high"]).all()
    assert half.index.tolist() == ["low", "medium", "high"]  # from slight to grave, not by letter
    curve = fit.curve[fit.curve["severity"] == "low"]
    assert curve["estimate"].is_monotonic_decreasing
    assert (curve["low"] <= curve["estimate"]).all() and (curve["estimate"] <= curve["high"]).all()


@pytest.mark.slow
def test_what_is_missed_for_certain_is_a_warning(sample):
    fit = service.sla_attainment(sample, by="severity")
    found = service.sla_alerts(fit, sample).table
    sure = fit.table[fit.table["verdict"] == "missed"]
    assert list(COLUMNS) == list(found.columns[: len(COLUMNS)])
    assert sorted(found["group"]) == sorted(sure["severity"])
    assert (found["high"] < 0).all() and (found["probability"] < 0.05).all()
    lenient = service.sla_alerts(service.sla_attainment(sample, by="severity", goal=0.1), sample)
    assert lenient.table.empty and "No standard is missed" in lenient.finding.claim


def test_an_alert_of_a_standard_is_dated_by_the_month_in_which_it_began():
    """On time in 19 of 20 cases until March and again in May, then in 5 of 20."""
    months = {"2026-03": 19, "2026-04": 5, "2026-05": 19, "2026-06": 5, "2026-07": 5}
    rows = pd.DataFrame(
        [(f"{m}-02", m, float(k < met)) for m, met in months.items() for k in range(20)],
        columns=["opened_at", "month", "solved_in_time"],
    )
    rows["opened_at"] = pd.to_datetime(rows["opened_at"])
    [missed] = service.sla_alerts(service.sla_attainment(rows), rows).table.to_dict("records")
    assert (missed["first_seen"], missed["wave"]) == ("2026-06", "2026-07")


# What is open, and who comes back


def test_backlog_by_hand():
    cases = cases_of(("a", 0, 24 * 5), ("b", 24, 24 * 20), ("c", 24 * 8, None), ("d", 24 * 13, 2))
    fit = service.backlog(service.case_times(cases, as_of=DAY + pd.Timedelta(days=14)), weeks=4)
    assert fit.table["day"].tolist() == ["2026-03-02", "2026-03-09", "2026-03-16"]
    assert fit.table["estimate"].tolist() == [1, 1, 2]
    assert fit.table[["low", "high"]].isna().all(axis=None)  # a count at hand is no estimate
    assert fit.ageing["estimate"].tolist() == [0.25, 0, 0.5, 0.25, 0]


def test_a_count_of_open_cases_is_told_without_an_interval():
    cases = cases_of(
        *[(f"s{i}", i, 5) for i in range(20)], *[(f"c{i}", i, None) for i in range(40)]
    )
    fit = service.backlog(service.case_times(cases, as_of=DAY + pd.Timedelta(days=14)), weeks=1)
    assert fit.finding.claim.startswith("40 cases were open on 16 Mar 2026, the last day on file.")
    assert fit.finding.importance == Importance.ANSWER  # so that a target of open cases judges it


def test_first_contacts_by_hand():
    cases = cases_of(
        ("a", 0, 1),
        ("a", 48, 1),  # the same again after two days
        ("b", 0, 1),
        ("b", 24 * 10, 1),  # after ten
        ("c", 0, 1),
        ("c", 24, 1),  # another matter
        ("d", 0, 1),
        ("e", 0, 24 * 40),  # reopened; too long
        category=["x", "x", "x", "x", "x", "y", "x", "x"],
        reopened=[False] * 6 + [True, False],
        asked=[1, 1, 0, 1, 1, 1, 0, np.nan],
    )
    rows = service.case_times(cases, as_of=DAY + pd.Timedelta(days=60))
    fit = service.first_contact_resolution(rows, stated="asked")
    assert fit.table["n"].tolist() == [6] * 5  # the second of a and of b follow a first
    assert_allclose(fit.table["estimate"], [4 / 6, 3 / 6, 3 / 6, 2 / 6, 2 / 6])
    assert fit.stated["estimate"].item() == pytest.approx(3 / 5)
    with pytest.raises(ValueError, match="6 of 6 answers are neither 0 nor 1"):
        service.first_contact_resolution(rows.assign(asked=2.0), stated="asked")
    with pytest.raises(ValueError, match="each 1 or more"):
        service.first_contact_resolution(rows, windows=[0, 7])


def half_open(days: float, n: int = 200) -> pd.DataFrame:
    """Cases of as many customers over so many days, every other one still open."""
    opened = DAY + pd.to_timedelta(np.linspace(0, 24 * days, n), unit="h")
    solved = pd.Series(opened + pd.Timedelta(hours=5)).where(np.arange(n) % 2 == 1)
    return pd.DataFrame(
        {"customer_id": [f"k{k}" for k in range(n)], "opened_at": opened, "solved_at": solved}
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("days", "windows", "unknown"),
    [
        (4, ["1 day", "3 days"], "7 days, 14 days and 30 days"),
        (31, ["1 day", "3 days", "7 days", "14 days", "30 days"], ""),
        (60, ["1 day", "3 days", "7 days", "14 days", "30 days"], ""),
        (10, ["1 day", "3 days", "7 days"], "14 days and 30 days"),
    ],
)
def test_open_cases_are_not_solved_and_young_ones_are_not_judged(days, windows, unknown):
    fit = service.first_contact_resolution(service.case_times(half_open(days)))
    assert fit.table["window"].tolist() == windows
    assert (fit.table["estimate"] <= 0.51).all()
    assert fit.table["n"].is_monotonic_decreasing
    assert ("cannot be known yet" in fit.finding.detail) == bool(unknown) and unknown in fit.notes
    assert fit.table[["low", "high"]].notna().all(axis=None)


def test_where_no_case_is_a_day_old_nothing_is_said_of_first_contacts():
    with pytest.raises(InsufficientData, match="cannot be known yet: the oldest case is 0 days"):
        service.first_contact_resolution(service.case_times(half_open(0.5)))


def test_durations_in_hours_stand_for_dates():
    dated = half_open(20)
    hours = (dated["solved_at"] - dated["opened_at"]) / pd.Timedelta(hours=1)
    given = dated.drop(columns="solved_at").assign(solved_hours=hours, first_reply_hours=1.5)
    times = service.case_times(given)
    seen = service.case_times(dated, as_of=times["as_of"].iloc[0])
    assert_allclose(times["solution_hours"], seen["solution_hours"])
    assert (times["reply_hours"] == 1.5).all() and service.has_solutions(times)
    # A date counts before a duration.
    both = service.case_times(dated.assign(solved_hours=99.0), as_of=seen["as_of"].iloc[0])
    assert_allclose(both["solution_hours"][1::2], seen["solution_hours"][1::2])


@pytest.mark.parametrize(
    ("unit", "said"), [("h", "2.1 days"), ("min", "50.0 minutes"), ("D", "50.0 days")]
)
def test_waits_name_the_median_first(unit, said):
    hours = np.arange(1.0, 100.0)
    at = DAY + pd.to_timedelta(hours, unit=unit)
    fit = service.waiting_times(
        service.case_times(pd.DataFrame({"opened_at": DAY, "solved_at": at}))
    )
    claim = str(fit)
    assert said in claim and claim.index("Half of the cases") < claim.index("nine in ten")


def test_half_of_many_cases_wait_as_long_as_their_median():
    hours = np.random.default_rng(4).lognormal(4, 2, 3000)
    solved = DAY + pd.to_timedelta(hours, unit="h")
    cases = pd.DataFrame({"opened_at": DAY, "solved_at": solved})
    fit = service.waiting_times(service.case_times(sampled(cases)))
    plain = np.quantile(hours, [0.5, 0.9], method="inverted_cdf")
    assert_allclose(fit.table["estimate"], plain, rtol=1e-6)
    assert (fit.table["low"] <= plain).all() and (plain <= fit.table["high"]).all()


@pytest.mark.slow
@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1500)), min_size=3, max_size=25))
def test_a_longer_window_finds_no_fewer_who_came_back(happened):
    cases = cases_of(*[(f"c{who}", at, 3) for who, at in happened])
    old = DAY + pd.Timedelta(days=200)
    fit = service.first_contact_resolution(service.case_times(cases, as_of=old))
    assert fit.table["estimate"].is_monotonic_decreasing


def test_reopened_cases_are_shares_of_the_solved(sample):
    fit = service.reopen_rate(sample, by="channel")
    plain = sample.data[sample["solved"]].groupby("channel")["reopened"].mean()
    assert_allclose(fit.table["estimate"], plain)
    assert fit.table["low"].max() < 0.12 < fit.table["high"].min()  # as it was made


# What comes in


@pytest.mark.slow
def test_rates_by_touchpoint_by_hand():
    cases = cases_of(*[("a", 0, 1)] * 3, ("b", 200, 1), category=["app", "app", "web", "price"])
    at = DAY + pd.to_timedelta([0, 5, 10, 15, 20, 999], unit="h")
    events = pd.DataFrame(
        {"customer_id": list("abcdef"), "at": at, "touchpoint": ["app"] * 4 + ["web"] + ["app"]}
    )
    fit = service.complaint_rate(service.case_times(cases), events)
    assert fit.table[["term", "estimate", "contacts"]].values.tolist() == [
        ["web", 1000, 1],
        ["app", 500, 4],
    ]
    assert "1 cases are about no touchpoint" in fit.notes
    many = pd.DataFrame(index=range(200))
    each = service.complaint_rate(service.case_times(cases), customers=many).table
    assert each.set_index("term")["estimate"].to_dict() == {"app": 10, "web": 5, "price": 5}
    none = service.complaint_rate(cases, events.assign(touchpoint="till"))
    assert none.table.empty and "Most cases are about app, web and price;" in none.finding.claim


def test_a_unit_without_spread_does_not_decide_the_spread_of_all():
    apart, error = np.array([0.1, -0.2, 0.0]), np.array([0.1, 0.1, 0.0])
    assert funnels.overdispersion(apart, error) == funnels.overdispersion(apart[:2], error[:2])


def test_a_usual_week_by_hand():
    at = [24 * 7 * week + hour for week in range(6) for hour in (9, 10, 24 + 22)]
    fit = service.workload(cases_of(*[("a", h, 1) for h in at], ("a", 24 * 42, 1)))
    told = fit.table.set_index(["weekday", "term"])["estimate"]
    assert told.to_dict() == {("Monday", "08–12"): 2, ("Tuesday", "20–24"): 1}
    # Two every Monday morning, against 3 in 42 parts of a week: no week without them.
    assert str(fit).startswith("Most cases arrive on Monday, 08:00 to 12:00: 2.0 a week")
    days = service.workload(cases_of(*[("a", 24 * k, 1) for k in range(50)])).table
    assert days["term"].unique().tolist() == ["all day"]


@pytest.mark.slow
def test_the_busiest_time_is_named_only_where_it_is_significantly_so():
    """Cases spread evenly at random: some part of the week has most of them, by chance."""
    hours = np.random.default_rng(1).integers(0, 24 * 7 * 20, 300)
    fit = service.workload(cases_of(*[("a", int(h), 1) for h in sorted(hours)]))
    assert str(fit) == "No time of the week is significantly busier than the average."
    assert fit.finding.detail.startswith("Busiest: ")
    row = fit.table.loc[fit.table["estimate"].idxmax()]
    assert row["simultaneous_low"] < fit.table["n"].sum() / 20 / 42
    # Two mornings are as busy as each other, and busier than all other times.
    both = [24 * (7 * week + day) + 9 for week in range(20) for day in (0, 2) for _k in range(3)]
    busy = service.workload(cases_of(*[("a", h, 1) for h in sorted([*both, *map(int, hours)])]))
    assert str(busy).startswith("Cases arrive significantly more often than average on ")


@pytest.mark.slow
def test_customers_and_weeks_hold_every_case(sample):
    customers = generator.company()["customers"]
    rows = service.customer_weeks(sample, customers, weeks=20)
    inside = service.last_weeks(sample, 20)
    assert rows["week"].nunique() == 20
    assert rows["cases_per_1000"].sum() == pytest.approx(1000 * len(inside), rel=0.02)


@pytest.mark.slow
def test_weeks_of_few_cases_are_hidden_in_the_chart_of_their_rate(sample):
    rows = service.customer_weeks(sample, generator.company()["customers"], weeks=26)
    fit = scores.trend(rows.replace(draws=50), "cases_per_1000", over="week", measure="mean")
    few = fit.limits["cases"] < 10
    assert few.any() and (disclosure.hidden(fit.limits)[few] != "").all()
    assert fit.limits["cases"].tolist() == rows.data.groupby("week")["cases"].sum().tolist()


# Teams


def test_limits_of_the_binomial_law_by_hand():
    # P(R <= 1) = .0107, P(R <= 2) = .0547 of 10 at one half: (2 - .0297 / .0439) / 10
    assert funnels.binomial_limits(0.5, np.array([10]), 0.025) == pytest.approx(0.1324, abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(st.integers(10, 3000), st.floats(0.02, 0.98), st.sampled_from([0.025, 0.001]))
def test_no_more_units_than_told_lie_beyond_a_limit_by_chance(n, target, p):
    from scipy.stats import binom

    low = funnels.binomial_limits(target, np.array([n]), p).item()
    assert binom.cdf(np.ceil(low * n - 1e-9) - 1, n, target) <= p + 1e-9
    assert binom.cdf(np.ceil(low * n - 1e-9), n, target) >= p - 1e-9  # and not one case more


def test_overdispersion_equals_the_published_variance_between_trials(tell_witness):
    about = REFERENCE["bcg"]
    (a, b), (c, d) = (np.array(about[arm], float).T for arm in ("treated", "control"))
    ratio = np.log(a / (a + b)) - np.log(c / (c + d))
    error = np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))
    fixed = np.average(ratio, weights=1 / error**2)
    phi, tau2 = funnels.moments_of((ratio - fixed) / error, error)
    ours, theirs = [fixed, tau2], [about["fixed"], about["tau2"]]
    source = "R metafor (BCG vaccine)"
    tell_witness("funnel plot: mean and variance between units", source, ours, theirs, atol=5e-5)
    tell_witness("funnel plot: Q", source, phi * len(ratio), about["Q"], atol=5e-3)


def units(shares_of: np.ndarray, n: int, seed: int) -> pd.DataFrame:
    hit = np.random.default_rng(seed).random((len(shares_of), n)) < shares_of[:, None]
    names = np.repeat([f"u{k:03d}" for k in range(len(shares_of))], n)
    return pd.DataFrame({"owner": names, "hit": hit.ravel().astype(float)})


@pytest.mark.slow
def test_limits_hold_chance_and_the_usual_spread():
    chance = service.funnel(units(np.full(400, 0.8), 60, 5), "hit")
    out = chance.table["signal"].ne("").mean()
    assert chance.between < 0.02 and 0.02 < out < 0.08
    rng = np.random.default_rng(6)
    differ = units(np.clip(rng.normal(0.8, 0.08, 300), 0.4, 0.99), 200, 7)
    wide, narrow = (service.funnel(differ, "hit", overdispersed=o) for o in (True, False))
    assert wide.between == pytest.approx(0.08, abs=0.015)
    assert wide.table["signal"].ne("").mean() < 0.1 < 0.3 < narrow.table["signal"].ne("").mean()


def counted_units(**hits: tuple[int, int]) -> pd.DataFrame:
    parts = [pd.DataFrame({"owner": o, "hit": np.arange(n) < k}) for o, (k, n) in hits.items()]
    return pd.concat(parts, ignore_index=True).astype({"hit": float})


def test_one_of_four_units_does_not_hide_in_the_spread_that_it_makes():
    rows = counted_units(a=(211, 390), b=(277, 390), c=(289, 390), d=(296, 390))  # 54%, 71 to 76%
    fit = service.funnel(rows, "hit")
    assert fit.table.set_index("term")["signal"].to_dict() == {"a": "very low"} | dict.fromkeys(
        "bcd", ""
    )
    assert fit.apart == ["a"] and "without a" in fit.notes
    assert fit.limits["estimate"].iloc[0] == pytest.approx((277 + 289 + 296) / (3 * 390))


@pytest.mark.slow
def test_one_of_three_units_that_differs_is_found_and_three_alike_are_not():
    rows = counted_units(a=(198, 279), b=(213, 309), c=(134, 305))  # 71%, 69%, 44%
    fit = service.funnel(rows, "hit")
    assert fit.table.set_index("term")["signal"].to_dict() == {"a": "", "b": "", "c": "very low"}
    assert fit.limits["estimate"].iloc[0] == pytest.approx((198 + 213) / (279 + 309))
    assert "1 of 3 units" in fit.finding.claim and "(44%)" in fit.finding.claim
    assert fit.between == 0 and "chance alone" in fit.notes
    found = [service.funnel(units(np.array([0.7, 0.7, 0.5]), 300, s), "hit") for s in range(40)]
    assert np.mean(["u002" in fit.apart for fit in found]) > 0.9  # power: 99%
    alike = [service.funnel(units(np.full(3, 0.7), 300, s), "hit").table for s in range(60)]
    assert pd.concat(alike)["signal"].str.startswith("very").sum() <= 3  # 0.4 expected of 180


@pytest.mark.coverage
@pytest.mark.parametrize(("k", "spread"), [(3, 0), (4, 0), (6, 0), (9, 0), (15, 0.1)])
def test_few_units_alike_or_of_the_usual_spread_are_rarely_called_different(
    k, spread, tell_coverage
):
    rng = np.random.default_rng(11)
    called = [
        service.funnel(
            units(np.clip(rng.normal(0.73, spread, k), 0.3, 0.98), 250, seed), "hit"
        ).table["signal"]
        for seed in range(300)
    ]
    alarmed = pd.concat(called).str.startswith("very").mean()
    of = f"{k} teams of 250 cases" + (", alike" if not spread else f", standard deviation {spread}")
    teams, what = k * len(called), "rate of false alarms, funnel plot, teams outside outer limits"
    tell_coverage(what, of, alarmed, teams, 0.002)
    limit = 0.004 if spread else 0.002
    assert alarmed <= limit + 3 * np.sqrt(limit / teams), alarmed


def test_hard_cases_accuse_nobody():
    rng = np.random.default_rng(8)
    kind = np.r_[np.repeat("hard", 300), np.repeat(["easy", "hard"], [1500, 100])]
    owner = np.r_[np.repeat("specialist", 300), rng.choice(["a", "b", "c", "d"], 1600)]
    hit = rng.random(1900) < np.where(kind == "hard", 0.4, 0.9)
    rows = pd.DataFrame({"owner": owner, "kind": kind, "hit": hit.astype(float)})
    plain = service.funnel(rows, "hit", overdispersed=False).table.set_index("term")["signal"]
    fair = service.funnel(rows, "hit", mix=["kind"], overdispersed=False).table
    assert plain["specialist"] == "very low"
    assert fair.set_index("term")["signal"]["specialist"] == ""
    with pytest.raises(ValueError, match="Groups of owner with hit: 1"):
        service.funnel(rows[rows["owner"] == "a"], "hit")


@pytest.mark.slow
def test_units_that_are_hidden_are_not_spoken_of():
    """The only unit that differs has 5 cases; with one unit shown there is nothing to compare."""
    rows = units(np.array([0.8, 0.8, 0.0]), 40, 3)
    rows = rows[(rows["owner"] != "u002") | rows.groupby("owner").cumcount().lt(5)]
    finding = service.funnel(rows, "hit").finding
    assert "none of 2 units" in finding.claim and "left out" not in finding.claim
    alone = rows[(rows["owner"] != "u001") | rows.groupby("owner").cumcount().lt(5)]
    assert service.funnel(alone, "hit").finding.claim.startswith("Too few cases of each unit")


def test_nobody_is_beyond_what_a_share_can_be():
    rows = units(np.r_[np.full(19, 0.97), 1.0], 40, 9)
    table = service.funnel(rows, "hit").table
    assert table[["estimate", "low", "high", "outer_low", "outer_high"]].stack().between(0, 1).all()
    assert not table["signal"].str.startswith("very").any()


# Reasons, recovery


def test_classes_are_those_of_the_study_and_of_all_else_none_is_claimed():
    about = schema.Service(classes={"late": "process", "x": {"kind": "policy", "level": "process"}})
    names = ["late"] * 40 + ["x"] * 20 + ["price list"] * 20 + ["zzz"] * 30 + ["odd"]
    cases = pd.DataFrame({"category": names, "customer_id": [f"c{k % 60}" for k in range(111)]})
    fit = service.reasons(sampled(cases), about.classes)
    told = fit.categories.set_index("term")[["class", "level", "rule"]].T.to_dict("list")
    assert told == {
        "late": ["process", "process", "study.yaml"],
        "x": ["policy", "process", "study.yaml"],
        "price list": ["not classified", "not classified", ""],
        "zzz": ["not classified", "not classified", ""],
        "odd": ["not classified", "not classified", ""],
    }
    assert fit.finding.claim.startswith("36% of complaints have causes of the type “process”")
    assert "3 categories, 46% of the cases, are not classified" in fit.notes
    assert fit.table["estimate"].sum() == pytest.approx(1) and fit.table["n"].sum() == 111
    assert fit.categories["estimate"].sum() == pytest.approx(1)
    odd = service.reasons(cases, {"wrong": schema.Reason(kind="policy")})
    assert "No case is about wrong, which study.yaml classes." in odd.notes


def test_without_a_list_no_class_of_problem_is_claimed():
    fit = service.reasons(pd.DataFrame({"category": ["late delivery"] * 30 + ["fee"] * 30}))
    assert fit.finding.claim.startswith("No class of problem is claimed")
    assert fit.table["term"].tolist() == ["not classified"]


@pytest.mark.slow
def test_classes_are_learnt_from_listed_names_only_where_they_are_mostly_right():
    words = {"policy": ["fee", "price", "interest"], "process": ["delivery", "parcel", "refund"]}
    kinds = {f"{w} {k}": kind for kind, some in words.items() for w in some for k in "abcdef"}
    fresh = ["parcel z"] * 2 + ["higher interest"] * 2 + ["qqq"] * 2 + ["fee z"] * 20
    listed = {name: schema.Reason(kind=kind) for name, kind in kinds.items()}
    fit = service.reasons(pd.DataFrame({"category": fresh + list(kinds)}), listed)
    told = fit.categories.set_index("term")["class"]
    assert told[["parcel z", "higher interest"]].tolist() == ["process", "policy"]
    assert told["qqq"] == "not classified"
    assert told["fee z"] == "not classified"  # a third of the cases: people have to say
    turned = dict(
        zip(kinds, np.random.default_rng(1).permutation(list(kinds.values())), strict=True)
    )
    chance = {name: schema.Reason(kind=kind) for name, kind in turned.items()}
    fit = service.reasons(pd.DataFrame({"category": fresh + list(kinds)}), chance)
    assert "not significantly more than by always guessing" in fit.notes
    assert "could not be learnt" in fit.notes and "learnt" not in set(fit.categories["rule"])


def test_study_yaml_has_severities_beside_the_rest():
    about = schema.Service(
        **{"high": {"solved_hours": 4}, "share": 0.8, "classes": {"a": "policy"}}
    )
    assert about.standards["high"].solved_hours == 4 and about.share == 0.8
    assert about.classes["a"].kind == "policy"
    with pytest.raises(ValueError, match="one customer"):
        schema.Service(classes={"a": "weather"})


def test_pairs_of_answers_by_hand():
    day = [DAY + pd.Timedelta(days=d) for d in (0, 30, 60, 0, 30, 0, 30)]
    answers = pd.DataFrame(
        {"customer_id": list("aaabbcc"), "answered_on": day, "csat": [3, 5, 9, 7, 8, 2, 4]}
    )
    cases = cases_of(("a", 24 * 10, 5), ("a", 24 * 40, 50), ("c", 24 * 29, 90))
    pairs = service.answer_pairs(answers, service.case_times(cases, STANDARDS), "csat")
    assert pairs.data[["before", "after", "handled"]].values.tolist() == [
        [3, 5, "well"],
        [5, 9, "badly"],
        [7, 8, "none"],
        [2, 4, "open"],
    ]
    assert "1 of customers without a case between them, 1 with cases handled well" in pairs.notes[0]
    with pytest.raises(InsufficientData, match="Fewer than 20 complainers"):
        service.recovery(pairs)


@pytest.mark.slow
def test_regression_to_the_mean_is_no_recovery():
    pairs = recoveries(4000, seed=4, well=0.0, badly=-0.8)
    fit = service.recovery(sampled(pairs, 400))
    told = fit.table.set_index(["handled", "term"])
    assert told.loc[("well", "change"), "low"] > 0.4  # they rise by themselves
    assert told.loc[("well", "difference without matching"), "low"] > 0.4
    row = told.loc[("well", "difference")]
    assert row["simultaneous_low"] < 0 < row["simultaneous_high"] and not fit.paradox
    assert told.loc[("badly", "difference"), "high"] < -0.5
    assert fit.balance["estimate"].abs().max() < 1e-4 < 0.4 < fit.balance["before"].abs().max()


@pytest.mark.coverage
def test_intervals_of_recovery_cover_what_handling_does(tell_coverage):
    inside, naive = [], []
    for seed in range(60):
        fit = service.recovery(sampled(recoveries(350, seed, well=0.5), 100))
        told = fit.table.set_index(["handled", "term"]).loc["well"]
        inside.append(told.loc["difference", "low"] <= 0.5 <= told.loc["difference", "high"])
        plain = told.loc["difference without matching"]
        naive.append(plain["low"] <= 0.5 <= plain["high"])
    tell_coverage(
        "effect of handling complaints well, simultaneous", "350 customers", np.mean(inside), 60
    )
    assert np.mean(inside) >= 0.9  # of 600 samples 97 in 100: it is held together with two others
    assert np.mean(naive) < 0.3


@pytest.mark.coverage
@pytest.mark.parametrize("n", [20, 70])
def test_intervals_of_shares_in_time_cover_the_truth(n, tell_coverage):
    # Customers with one to four cases and a speed of their own; the watch ends at random.
    rng = np.random.default_rng(11)
    truth, inside = 0.5, []
    for _ in range(600):
        times = rng.integers(1, 5, n)
        who = np.repeat(np.arange(n), times)
        hours = np.exp(rng.normal(0, 0.6, n)[who] + rng.normal(0, 0.8, len(who)))
        ends = rng.exponential(4, len(who))
        drawn = shares.share_within(
            np.minimum(hours, ends),
            hours <= ends,
            np.ones(1),
            ResamplingUnits(resampling.hashed(pd.Index(who))),
            draws=150,
            seed=int(rng.integers(1 << 30)),
        )
        low, high = shares.share_interval(drawn, np.array([len(who)]))
        inside.append(low.item() <= truth <= high.item())
    of = f"{n} customers, 1 to 4 cases each"
    tell_coverage("SLA met, Kaplan–Meier", of, np.mean(inside), len(inside))
    assert 0.92 <= np.mean(inside) <= 0.98


# Event logs and real help desks


def test_cases_of_a_log_by_hand():
    steps = [("t1", "open", 0), ("t1", "reply", 2), ("t1", "solve", 5), ("t1", "reply", 7),
             ("t1", "solve", 9), ("t1", "close", 20), ("t2", "open", 1), ("t2", "solve", 4),
             ("t2", "close", 30), ("t3", "open", 3)]  # fmt: skip
    log = pd.DataFrame(steps, columns=["ticket", "step", "hour"])
    log["at"] = (DAY + pd.to_timedelta(log["hour"], unit="h")).dt.tz_localize("UTC")
    how = dict(case="ticket", activity="step", at="at")
    cases = logs.cases_of(log, Log(reply=["reply"], solved=["solve"], closing=["close"], **how))
    hour = pd.Timedelta(hours=1)
    since = cases[["first_reply_at", "solved_at"]].sub(cases["opened_at"], axis=0) / hour
    assert since["first_reply_at"].tolist() == pytest.approx([2, np.nan, np.nan], nan_ok=True)
    assert since["solved_at"].tolist() == pytest.approx([9, 3, np.nan], nan_ok=True)
    assert cases["reopened"].tolist() == [True, False, False]
    with pytest.raises(ValueError, match="step never is solved. There are: close, open"):
        logs.cases_of(log, Log(solved=["solved"], **how))
    with pytest.raises(ValueError, match="no column step. There are: ticket, hour, at"):
        logs.cases_of(log.drop(columns="step"), Log(**how))


@pytest.mark.slow
def test_a_real_help_desk(helpdesk):
    rows = service.case_times(
        sampled(helpdesk), {"any": Standard(first_reply_hours=24, solved_hours=720)}
    )
    assert len(helpdesk) == REFERENCE["helpdesk"]["cases"] == len(rows)
    fit = service.first_contact_resolution(rows)
    assert fit.table["estimate"].is_monotonic_decreasing
    alone = service.first_contact_resolution(rows.assign(category=range(len(rows))))
    assert (alone.table["estimate"] >= fit.table["estimate"]).all()  # nobody has the same twice
    met = service.sla_attainment(rows).table.set_index("term")["estimate"]
    plain = (rows["solution_hours"] <= 720)[rows["solved"]].mean()
    assert met["resolution"] == pytest.approx(plain, abs=5e-3)  # 11 of 4,580 are open


@pytest.mark.slow
def test_timely_answers_of_a_bank_to_complaints():
    about = REFERENCE["timely"]
    mirrored("timely")
    rows = service.case_times(sampled(intake.table(study.read("cfpb"), "cases").rows))
    cases = rows.assign(timely=rows["reply_in_time"].astype(float))
    met = service.sla_attainment(rows.assign(reply_in_time=cases["timely"]), goal=0.97).table
    assert met["n"].item() == about["yes"] + about["no"] and met["verdict"].item() == "missed"
    fit = service.funnel(cases, "timely", by="state")
    assert fit.table["n"].sum() == about["yes"] + about["no"]
    share = about["yes"] / (about["yes"] + about["no"])
    assert fit.limits["estimate"].iloc[0] == pytest.approx(share)
    out = fit.table["signal"].str.startswith("very")
    assert fit.between < 0.005 and list(fit.table["term"][out]) == ["UT"]  # others: nearly chance
    products = service.funnel(cases, "timely", by="bank_product")
    assert products.dispersion > 3 and products.between == 0  # 9 products: limits of chance alone


# Bad input, and figures


def test_mistakes_are_named():
    cases = cases_of(("a", 0, 9))
    with pytest.raises(ValueError, match="cases have no column 'opened_at'"):
        service.case_times(cases.data.drop(columns="opened_at"))
    with pytest.raises(ValueError, match="cases.solved_at holds"):
        service.case_times(cases.assign(solved_at="soon"))
    with pytest.raises(ValueError, match="None of 1 cases was opened"):
        service.case_times(cases, as_of="2020-01-01")
    with pytest.raises(ValueError, match="no case has a standard"):
        service.sla_attainment(service.case_times(cases))
    with pytest.raises(ValueError, match="clock='lunch' is not a choice"):
        service.waiting_times(service.case_times(cases), "lunch")
    with pytest.raises(ValueError, match="cases have no column 'reply_hours'"):
        service.waiting_times(service.case_times(cases), "first response")
    with pytest.raises(ValueError, match="The cases span 0 complete weeks"):
        service.workload(cases)
    with pytest.raises(ValueError, match="None of 1 cases has a category"):
        service.reasons(cases.assign(category=None))


@pytest.mark.slow
def test_a_funnel_is_drawn_with_those_who_stand_out():
    rows = units(np.r_[np.full(30, 0.8), 0.3], 60, 10)
    fit = service.funnel(rows, "hit")
    ax = plots.funnel_plot(fit.table, fit.limits, unit="share")
    assert [t.get_text() for t in ax.texts] == ["u030"]
    assert "Funnel plot. u030 33%" in ax.figure.alt_text
    wide = pd.concat([rows, units(np.full(30, 0.8), 60, 11).assign(owner="u000")])
    fit = service.funnel(wide, "hit")
    ax = plots.funnel_plot(fit.table, fit.limits, unit="share")
    plots.picture(ax.figure)
    assert ax.get_xscale() == "log" and ax.get_xlim()[1] > 1800


@pytest.mark.parametrize(("hour", "told"), [(0, True), (7, False)])
def test_waits_between_days_are_said_to_be_counted_in_days(hour, told):
    opened = pd.date_range("2026-03-02", periods=40) + pd.Timedelta(hours=hour)
    cases = pd.DataFrame({"opened_at": opened, "solved_at": opened + pd.Timedelta(days=1)})
    assert any("counted in days" in n for n in service.case_times(cases).notes) == told


def test_few_cases_that_cannot_be_judged_yet_are_not_counted_by_subtraction():
    day = pd.Timestamp("2026-03-02")
    opened = [day] * 60 + [day + pd.Timedelta(days=9.5)] * 4
    rows = pd.DataFrame({"customer_id": [f"c{k}" for k in range(64)], "opened_at": opened})
    cases = service.case_times(rows.assign(solved_at=rows["opened_at"]), as_of="2026-03-12")
    with context.use(context.Context(smallest_cell=10)):
        assert service.first_contact_resolution(cases, windows=[1]).table["n"].tolist() == [64]
    with context.use(context.Context(smallest_cell=3)):
        assert service.first_contact_resolution(cases, windows=[1]).table["n"].tolist() == [60]
