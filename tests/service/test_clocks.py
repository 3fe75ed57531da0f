"""Working hours, definitions of on time, open cases, equal treatment: truths and laws."""

from __future__ import annotations

import generator
import numpy as np
import pandas as pd
import pytest
import yaml
from generator import TRUTH
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from pydantic import ValidationError

from cxlib import service
from cxlib.core import context
from cxlib.core.context import Context
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.data import study
from cxlib.data.schema import Service, Standard
from cxlib.data.working_hours import WorkingHours
from cxlib.privacy import disclosure
from cxlib.service import volumes
from cxlib.service.clocks import Clock
from cxlib.service.statuses import spells
from cxlib.stats.forecasting import forecast_counts

OFFICE = WorkingHours(**{"from": "09:00", "to": "17:00", "holidays": ["12-25", "2026-03-10"]})
MARCH = "2026-03-"  # the 2nd is a Monday


def worked(start: str, end: str, hours: WorkingHours = OFFICE) -> float:
    return float(np.diff(hours.worked(pd.Series(pd.to_datetime([start, end]))))[0])


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        (MARCH + "02 10:00", MARCH + "02 12:30", 2.5),
        (MARCH + "02 07:00", MARCH + "02 20:00", 8),  # before and after work counts for nothing
        (MARCH + "06 16:00", MARCH + "09 10:00", 2),  # over a weekend
        (MARCH + "07 10:00", MARCH + "08 10:00", 0),
        (MARCH + "09 16:00", MARCH + "11 10:00", 2),  # the 10th is a holiday
        ("2025-12-24 16:00", "2025-12-26 10:00", 2),  # one of every year
        ("2026-03-02 10:00", "2026-03-02 10:00", 0),
    ],
)
def test_working_hours_by_hand(start, end, hours):
    assert worked(start, end) == hours


def test_hours_of_another_time_zone_follow_summer_time():
    rome = WorkingHours(
        **{"from": "09:00", "to": "17:00", "timezone": "Europe/Rome", "times_in": "UTC"}
    )
    assert worked("2026-01-12 07:00", "2026-01-12 09:00", rome) == 1  # 8 to 10 there
    assert worked("2026-07-13 06:00", "2026-07-13 08:00", rome) == 1


@given(st.lists(st.datetimes(pd.Timestamp("2025-01-01"), pd.Timestamp("2027-01-01")), min_size=3))
@settings(max_examples=30, deadline=None)
def test_working_hours_add_up_and_never_exceed_the_calendar(times):
    times = pd.Series(sorted(times)).astype("datetime64[us]")
    steps = np.diff(OFFICE.worked(times))
    assert (steps >= -1e-9).all()
    assert (steps <= np.diff(times.to_numpy()) / np.timedelta64(1, "h") + 1e-6).all()


def test_working_hours_of_every_day_and_hour_are_the_calendar():
    always = WorkingHours(
        **{
            "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
            "from": "00:00",
            "to": "24:00",
        }
    )
    assert worked("2026-03-06 16:10", "2026-04-09 10:25", always) == pytest.approx(810.25)


@pytest.mark.parametrize(
    ("stated", "said"),
    [
        ({"from": "9", "to": "17:00"}, "no time of day"),
        ({"from": "17:00", "to": "09:00"}, "must be before"),
        ({"from": "09:00", "to": "17:00", "days": ["Mo"]}, "'Mon'"),
        ({"from": "09:00", "to": "17:00", "holidays": ["25.12."]}, "1 of 1 are no days: 25.12."),
        ({"from": "09:00", "to": "17:00", "holidays": ["02-30"]}, "no days: 02-30"),
        ({"from": "09:00", "to": "17:00", "timezone": "Europe/Roma"}, "Did you mean 'Europe/Rome'"),
        ({"from": "09:00", "to": "17:00", "timezone": "Europe/Rome"}, "give both timezone"),
    ],
)
def test_wrong_working_hours_are_named(stated, said):
    with pytest.raises(ValidationError, match=said):
        WorkingHours(**stated)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"working_hours": {"form": "09:00", "to": "17:00"}}, "Known here: days, from, to"),
        ({"service": {"clock": "working hours"}}, "needs `working_hours`"),
        ({"service": {"clock": "lunch"}}, "Allowed: calendar hours, working hours"),
        ({"service": {"waiting": ["on hold"]}}, "no table case_statuses"),
        ({"service": {"wating": ["on hold"]}}, "Did you mean 'waiting'"),
        ({"service": {"less_waiting": "yes"}}, "service.waiting"),
    ],
)
def test_mistakes_in_study_yaml_say_what_is_allowed(tmp_path, change, said):
    cases = {"files": "cases.csv", "columns": {"case_id": "id", "opened_at": "at"}}
    file = tmp_path / "desk" / "study.yaml"
    file.parent.mkdir()
    file.write_text(yaml.safe_dump({"title": "Desk", "tables": {"cases": cases}} | change))
    with pytest.raises(study.StudyError, match=said):
        study.read(file)


def test_the_former_name_of_calendar_hours_is_still_read():
    assert Service(clock="elapsed").clock == Service().clock == "calendar hours"


def one_case(*statuses: tuple[str, str], solved: str) -> tuple[Sample, pd.DataFrame]:
    """A case opened when its first status began, and the table of its statuses."""
    log = pd.DataFrame(statuses, columns=["at", "status"]).assign(case_id="k1")
    log["at"] = pd.to_datetime(MARCH + log["at"])
    ends = pd.to_datetime([MARCH + solved])
    cases = pd.DataFrame({"case_id": "k1", "opened_at": log["at"].min(), "solved_at": ends})
    return Sample(cases, draws=20), log


@pytest.mark.slow
def test_time_with_the_customer_by_hand():
    cases, log = one_case(
        ("06 10:00", "new"), ("06 15:00", "on hold"), ("09 11:00", "open"), solved="09 12:00"
    )
    used = {
        (basis, less): service.case_times(
            cases,
            {"any": Standard(solved_hours=9)},
            clock=service.make_clock(
                OFFICE, Service(clock=basis, waiting=["on hold"], less_waiting=less), log
            ),
        )["solution_used"].item()
        for basis in ("calendar hours", "working hours", "working days")
        for less in (False, True)
    }
    assert used == {
        ("calendar hours", False): 74,
        ("calendar hours", True): 6,
        ("working hours", False): 10,  # 7 on Friday, 3 on Monday
        ("working hours", True): 6,  # without 2 on Friday and 2 on Monday
        ("working days", False): 30,
        ("working days", True): 18,
    }


def test_a_status_of_waiting_that_no_case_had_is_an_error():
    _cases, log = one_case(("06 10:00", "on hold"), solved="09 12:00")
    with pytest.raises(ValueError, match="Did you mean 'on hold'"):
        service.make_clock(None, Service(waiting=["on_hold"]), log)


@pytest.mark.slow
def test_waiting_of_the_sample_has_its_true_share():
    tables = generator.company()
    every = spells(tables["case_statuses"])
    solved = tables["cases"].dropna(subset=["solved_at"]).set_index("case_id")
    rows = every[(every["status"] == "waiting for customer") & every["case_id"].isin(solved.index)]
    case = solved.loc[rows["case_id"]].reset_index()
    took = (case["solved_at"] - case["first_reply_at"]) / pd.Timedelta(hours=1)
    part = ((rows["until"] - rows["since"]) / pd.Timedelta(hours=1)).to_numpy() / took
    about = TRUTH["statuses"]
    assert_allclose(len(rows) / len(solved), about["waiting"], atol=0.04)
    assert_allclose(part.mean(), about["part"], atol=0.02)


def timed(
    hours: list[float | None], limit: float, clock: Clock, opened: str = "02 09:00"
) -> Sample:
    at = pd.Timestamp(MARCH + opened)
    ends = [at + pd.Timedelta(hours=h) if h is not None else pd.NaT for h in hours]
    rows = pd.DataFrame(
        {"opened_at": at, "solved_at": pd.to_datetime(ends)}, index=range(len(ends))
    )
    return service.case_times(
        Sample(rows, draws=50), {"any": Standard(solved_hours=limit)}, clock=clock
    )


def test_definitions_by_hand():
    # 30 within 10 hours, 20 after two days, 10 open and overdue.
    cases = timed([5.0] * 30 + [48.0] * 20 + [None] * 10, 10, Clock(working=OFFICE))
    table = service.definitions(cases, Clock(working=OFFICE)).table
    shares = table.set_index(["hours", "open_counted"])["estimate"].to_dict()
    watched, without = "open as observed", "without open cases"
    assert shares == pytest.approx(
        {
            ("calendar hours", watched): 30 / 60,
            ("calendar hours", without): 30 / 50,
            ("working hours", watched): 30 / 60,  # 16 working hours
            ("working hours", without): 30 / 50,
            ("working days", watched): 0,  # 5 of a day of 8 hours are 15 of 24
            ("working days", without): 0,
        }
    )
    assert table["verdict"].eq("missed").all()
    assert table.loc[table["stated"] == "yes", "hours"].tolist() == ["calendar hours"]


def test_the_stated_definition_is_the_number_of_the_page():
    clock = Clock("working hours", OFFICE)
    cases = timed([30.0] * 25 + [100.0] * 20, 20, clock, "06 15:00")
    page = service.sla_attainment(cases).table
    table = service.definitions(cases, clock).table
    stated = table[table["stated"] == "yes"]
    assert stated[["estimate", "low", "high", "n", "verdict"]].values.tolist() == (
        page[["estimate", "low", "high", "n", "verdict"]].values.tolist()
    )


def test_fewer_open_cases_than_may_be_shown_make_no_definition_of_their_own():
    cases = timed([5.0] * 50 + [None] * 9, 4, Clock(working=OFFICE))
    assert service.definitions(cases, Clock(working=OFFICE)).table["open_counted"].nunique() == 1


def test_one_definition_is_nothing_to_compare():
    with pytest.raises(InsufficientData, match="working_hours"):
        service.definitions(timed([5.0] * 50, 4, Clock()), Clock())


def test_open_cases_by_hand():
    at = pd.to_datetime(["2026-03-02", "2026-03-20", "2026-03-29", "2026-02-01"])
    ends = pd.to_datetime([None, None, None, "2026-02-03"])
    rows = pd.DataFrame({"case_id": list("abcd"), "opened_at": at, "solved_at": ends})
    rows["customer_id"] = "z"
    days = {"any": Standard(solved_hours=240)}
    fit = service.open_cases(service.case_times(rows, days, as_of="2026-03-31"))
    assert fit.cases[["case_id", "age_days", "standing", "days_overdue"]].values.tolist() == [
        ["a", 29, "overdue", 19],
        ["b", 11, "overdue", 1],
        ["c", 2, "within the standard", 0],
    ]
    assert "customer_id" not in fit.cases  # who works on a case finds its customer there
    assert fit.table.groupby("standing")["estimate"].sum().to_dict() == {
        "overdue": 2,
        "within the standard": 1,
    }
    assert fit.finding.value is None and "Fewer than 10" in fit.finding.claim


@pytest.mark.parametrize(
    ("late", "early", "claim"),
    [
        (30, 20, "Of 50 cases open on 1 Apr 2026, 30 are overdue."),
        (
            30,
            3,
            "33 cases are open on 1 Apr 2026, the last day on file.",
        ),  # 30 would give the 3 away
        (12, 0, "All 12 cases open on 1 Apr 2026 are overdue."),
    ],
)
def test_few_overdue_cases_are_not_counted_on_the_page(late, early, claim):
    opened = ["2026-03-02"] * late + ["2026-03-31"] * early + ["2026-03-01"]
    ends = [None] * (late + early) + ["2026-03-02"]
    rows = pd.DataFrame({"opened_at": pd.to_datetime(opened), "solved_at": pd.to_datetime(ends)})
    timed = service.case_times(rows, {"any": Standard(solved_hours=240)}, as_of="2026-04-01")
    assert service.open_cases(timed).finding.claim == claim


def test_the_strictest_of_severity_and_grade_is_the_standard():
    rows = pd.DataFrame(
        {
            "opened_at": pd.Timestamp(MARCH + "02"),
            "solved_at": pd.Timestamp(MARCH + "03"),
            "severity": ["high", "low", "high", "low"],
            "plan": ["gold", "gold", "basic", "basic"],
        }
    )
    hours = {"any": 72, "high": 48, "gold": 24}
    standards = {name: Standard(solved_hours=h) for name, h in hours.items()}
    timed = service.case_times(rows, standards, grade="plan")
    assert timed["solution_limit"].tolist() == [24, 24, 48, 72]
    assert service.case_times(rows, standards)["solution_limit"].tolist() == [48, 72, 48, 72]


def graded(effect: float, seed: int = 3, n: int = 1500) -> Sample:
    """Cases of two plans, of which gold has more of the easy kind; gold waits `effect` as long."""
    rng = np.random.default_rng(seed)
    gold = rng.random(n) < 0.4
    easy = rng.random(n) < np.where(gold, 0.8, 0.3)
    hours = np.where(easy, 10, 40) * rng.lognormal(0, 0.7, n) * np.where(gold, effect, 1)
    rows = pd.DataFrame({"opened_at": pd.Timestamp(MARCH + "02"), "customer_id": np.arange(n)})
    rows["solved_at"] = rows["opened_at"] + pd.to_timedelta(hours, unit="h")
    rows["plan"], rows["category"] = np.where(gold, "gold", "basic"), np.where(easy, "a", "b")
    sample = Sample(rows, cluster="customer_id", draws=200)
    return service.case_times(sample, {"any": Standard(solved_hours=24)})


@pytest.mark.slow
def test_a_mix_of_easier_cases_is_no_better_treatment():
    cases = graded(1.0)
    plain = service.treatment(cases, by="plan")
    alike = service.treatment(cases, by="plan", mix=["category"])
    assert set(plain.table["verdict"]) == {"better", "worse"}
    assert set(alike.table["verdict"]) == set(alike.waits["verdict"]) == {"unclear"}
    assert alike.finding.claim.startswith("Neither shares on time nor waits differ significantly")


@pytest.mark.slow
def test_unequal_treatment_is_found_with_its_size():
    fit = service.treatment(graded(0.7), by="plan", mix=["category"])
    wait = fit.waits.set_index("plan").loc["gold"]
    assert wait["ratio_low"] < 0.7 < wait["ratio_high"] and wait["verdict"] == "better"
    assert fit.finding.verdict in ("better", "worse")
    for number in (fit.finding.value, fit.finding.low, fit.finding.high):
        assert f"{abs(100 * number):.1f}" in fit.finding.detail


@pytest.mark.slow
def test_the_sample_treats_all_plans_alike():
    tables = generator.company()
    plan = tables["customers"].set_index("customer_id")["plan"]
    rows = tables["cases"].assign(plan=tables["cases"]["customer_id"].map(plan))
    cases = service.case_times(Sample(rows, draws=200), study.read("sample").service.standards)
    fit = service.treatment(cases, by="plan", mix=["severity", "category"])
    assert set(fit.table["verdict"]) | set(fit.waits["verdict"]) == {"unclear"}


def test_groups_of_few_cases_are_not_compared():
    cases = graded(1.0)
    few = cases.assign(plan=cases["plan"].mask(np.arange(len(cases)) < 9, "vip"))
    table = service.treatment(few, by="plan").table.set_index("plan")
    assert np.isnan(table.loc["vip", "estimate"]) and table.loc["vip", "verdict"] == "unclear"
    with pytest.raises(InsufficientData, match="Too few cases"):
        service.treatment(cases.where(cases["plan"] == "gold"), by="plan")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("about", "said"),
    [
        ({"hihg": {"solved_hours": 4}, "low": {"solved_hours": 9}}, "no row has 'hihg'"),
        ({"urgent": {"solved_hours": 4}}, "no row has 'urgent'"),
        ({"urgent": {"solved_hours": 4}, "low": {"solved_hours": 9}}, ""),  # none just now
        ({"grade": "plan", "gold": {"solved_hours": 4}}, ""),
        ({"grade": "pln"}, "service.grade: there is no column 'pln'"),
        ({"waiting": ["on hold", "on_hold"]}, "no row has 'on_hold'"),
    ],
)
def test_the_check_names_standards_and_statuses_that_no_case_has(tmp_path, about, said):
    from cxlib.data import intake
    from cxlib.data.intake import references

    folder = tmp_path / "desk"
    folder.mkdir()
    opened = pd.to_datetime(["2026-03-02"] * 2)
    files = {
        "cases": pd.DataFrame(
            {"case_id": ["1", "2"], "opened_at": opened, "severity": ["high", "low"]}
        ),
        "case_statuses": pd.DataFrame({"status_id": ["1"], "case_id": "1", "at": opened[:1]}),
    }
    files["cases"]["plan"], files["case_statuses"]["status"] = ["gold", "basic"], "on hold"
    for name, rows in files.items():
        rows.to_csv(folder / f"{name}.csv", index=False)
    tables = {n: {"files": f"{n}.csv", "columns": {c: c for c in r}} for n, r in files.items()}
    stated = {"title": "Desk", "tables": tables, "service": about}
    (folder / "study.yaml").write_text(yaml.safe_dump(stated))
    desk = study.read(folder / "study.yaml")
    found = " ".join(references.mistakes(desk, intake.every_table(desk)))
    assert said in found and bool(said) == bool(found)


def arriving(weekly: list[int], first: str = "2026-01-05", days: float = 3.0) -> pd.DataFrame:
    """So many cases in each week from a Monday on, each solved after so many days."""
    week = np.repeat(np.arange(len(weekly)), weekly)
    place = np.concatenate([np.arange(n) / max(n, 1) for n in weekly])
    opened = pd.Timestamp(first) + pd.to_timedelta(7 * (week + place), unit="D").round("min")
    return pd.DataFrame({"opened_at": opened, "solved_at": opened + pd.Timedelta(days=days)})


def test_weekly_counts_have_weeks_without_a_case_and_no_week_that_is_not_over():
    rows = arriving([3, 0, 5, 2, 9])
    counts, end = volumes.weekly(Sample(rows))
    assert counts.tolist() == [3, 0, 5, 2]
    assert (counts.index[0], end) == ("2026-W02", pd.Timestamp("2026-02-02"))


@pytest.mark.coverage
def test_a_forecast_of_counts_covers_as_often_as_it_says(tell_coverage):
    rng = np.random.default_rng(5)
    held = []
    for _turn in range(60):
        level = rng.gamma(20, 1) * np.exp(np.cumsum(rng.normal(0, 0.05, 31)))
        counts = rng.poisson(level * rng.gamma(10, 0.1, 31)).astype(float)  # overdispersed
        _mean, low, high = forecast_counts(counts[:30], 1)
        held.append(low[0] <= counts[30] <= high[0])
    tell_coverage("cases of the next week, forecast", "30 weeks", np.mean(held), len(held))
    assert 0.88 <= np.mean(held) <= 1


def test_a_constant_rate_is_forecast_with_about_the_poisson_interval():
    counts = np.random.default_rng(2).poisson(40, 80).astype(float)
    mean, low, high = forecast_counts(counts, 1)
    assert_allclose(mean, 40, rtol=0.1)
    assert_allclose(high - low, 2 * 1.96 * np.sqrt(40), rtol=0.25)


@pytest.mark.slow
def test_weeks_that_lack_cases_at_the_end_are_no_forecast():
    rows = arriving([*[50] * 30, 12, 4, 1])
    fit = service.volume_forecast(service.case_times(rows))
    assert fit.finding.claim.startswith("The last two weeks have fewer cases")


def test_days_to_clear_by_hand():
    # 20 come in and 30 are solved in each of 13 weeks; 40 are open at their end, and one that came
    # in the week that is not over.
    opened = arriving([*[20] * 13, 1])["opened_at"]
    ends = arriving([30] * 13)["opened_at"]
    stock = pd.Series(pd.Timestamp("2026-01-05"), range(170))
    rows = pd.DataFrame({"opened_at": pd.concat([stock, opened[:260]], ignore_index=True)})
    rows["solved_at"] = pd.concat([ends, pd.Series([pd.NaT] * 40)], ignore_index=True)
    rows["opened_at"] = rows["opened_at"].where(rows["opened_at"] <= rows["solved_at"], stock[0])
    last = pd.DataFrame({"opened_at": opened[-1:], "solved_at": pd.NaT})
    cases = Sample(pd.concat([rows, last.astype(rows.dtypes)], ignore_index=True), draws=50)
    table = service.clearance(service.case_times(cases)).table.set_index("term")["estimate"]
    net = table["resolved cases a week"] - table["new cases a week"]
    assert table["resolved cases a week"] == 30 and table["open cases"] == 41
    expected = 7 * 41 / net if net > 0 else np.inf
    assert table["days to clear"] == pytest.approx(expected)


@pytest.mark.slow
@pytest.mark.parametrize("waiting", [8, 11, 30])
def test_open_cases_are_counted_once_and_hidden_everywhere(waiting):
    """The backlog, the list of open cases and the clearance have one count, masked alike."""
    rows = arriving([20] * 20 + [3])
    rows["solved_at"] = rows["solved_at"].where(np.arange(len(rows)) >= waiting)
    cases = service.case_times(Sample(rows, draws=50))
    with context.use(Context(smallest_cell=10)):
        backlog = service.backlog(cases)
        listed = service.open_cases(cases)
        cleared = service.attempt(service.clearance, cases)
        shown = disclosure.shown(backlog.table)
        assert shown["estimate"].min() >= 10 and (shown["n"] == shown["estimate"]).all()
        if waiting < 10:
            assert cleared is None and backlog.finding.claim == listed.finding.claim
            assert backlog.finding.claim.startswith("Fewer than 10 cases are open on")
            assert backlog.finding.value is None and listed.finding.value is None
        else:
            counts = [backlog.finding.value, listed.finding.value, cleared.table["estimate"][2]]
            assert counts == [waiting] * 3


def test_a_backlog_that_grows_is_not_cleared():
    rows = arriving([*range(10, 40), 5])
    rows["solved_at"] = rows["solved_at"].where(np.arange(len(rows)) % 2 == 0)
    fit = service.clearance(service.case_times(Sample(rows, draws=50)))
    assert np.isinf(fit.table["estimate"].iloc[-1]) and fit.never == 1
    assert "does not clear" in fit.finding.claim


def test_time_in_each_status_by_hand():
    cases, log = one_case(
        ("02 10:00", "new"), ("02 12:00", "on hold"), ("02 15:00", "open"), ("02 20:00", "done"),
        ("03 20:00", "closed"), solved="02 20:00",
    )  # fmt: skip
    fit = service.time_in_status(cases, log)
    assert fit.table[["term", "estimate", "hours"]].values.tolist() == [
        ["open", 0.5, 5],
        ["on hold", 0.3, 3],
        ["new", 0.2, 2],
    ]


@pytest.mark.slow
def test_cases_of_the_sample_wait_for_customers_as_long_as_is_true():
    tables = generator.company()
    fit = service.time_in_status(Sample(tables["cases"], draws=100), tables["case_statuses"])
    share = fit.table.set_index("term").loc["waiting for customer"]
    about = TRUTH["statuses"]
    to_solution = 1 - fit.table.set_index("term").loc["new", "estimate"]
    true = about["waiting"] * about["part"] * to_solution
    assert share["low"] - 0.01 < true < share["high"] + 0.01
    assert fit.table["estimate"].sum() == pytest.approx(1)
