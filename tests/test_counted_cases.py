"""Cases counted in the store give the shares, times and numbers that their rows give."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from counted_study import loaded

from cxlib import cli, reserve, scores, service
from cxlib.core.errors import InsufficientData
from cxlib.core.result import Result
from cxlib.core.sample import Sample
from cxlib.data.schema import Limits, Reporting
from cxlib.reserve.cases import StoredCases

pytestmark = pytest.mark.slow
STUDY = """
title: Counted
tables:
  cases:
    files: cases.csv
    columns: {case_id: case, customer_id: who, opened_at: opened, ENDS}
    keep: [severity, team]
  customers:
    files: customers.csv
    columns: {customer_id: who}
    keep: [region, plan]
STATUSES
working_hours:
  {days: [Mon, Tue, Thu, Fri], from: "08:20", to: "17:00", holidays: [01-01, 2026-04-06]}
service:
  GRADE
  clock: CLOCK
  high: {first_reply_hours: 8, solved_hours: 48}
  any: {first_reply_hours: 24, solved_hours: 120}
"""
STATUSES = """
  case_statuses:
    files: statuses.csv
    columns: {status_id: "#row", case_id: case, at: at, status: status}
"""
WAITING = "waiting: [it's with the customer]\n  less_waiting: true"
BOTH = "first_reply_at: reply, solved_at: solved"
KINDS = {  # columns of ends, clock, whether statuses count, unit of times, share of cases open
    "all hours": (BOTH, "calendar hours", False, "min", 0.15),
    "working hours less waiting": (BOTH, "working hours", True, "s", 0.15),
    "working days, solutions only": ("solved_at: solved", "working days", True, "min", 0.4),
    "days without hours": (BOTH, "calendar hours", False, "D", 0.05),
}
WIDTHS = ("low", "high", "simultaneous_low", "simultaneous_high", "probability", "z")


def written(root, kind: str) -> None:
    """1,500 cases of 260 customers, some of whom, and some of whose dates, are not known."""
    ends, clock, statuses, unit, open_ = KINDS[kind]
    rng, n = np.random.default_rng(5), 1500
    folder = root / "data" / "counted"
    folder.mkdir(parents=True)
    (root / "notebooks").mkdir()
    steps = pd.Timedelta(days=1) // pd.Timedelta(1, unit)
    start = pd.Timestamp("2025-11-03")
    opened = start + pd.to_timedelta(np.sort(rng.integers(0, 200 * steps, n)), unit)
    wait = rng.exponential(1.2 * steps, (2, n)).astype(int)
    reply = pd.Series(opened + pd.to_timedelta(wait[0], unit))
    solved = reply + pd.to_timedelta(2 * wait[1], unit)
    seen = start + pd.Timedelta(days=200)
    reply[(reply > seen) | (rng.random(n) < 0.05)] = pd.NaT
    late = opened > seen - pd.Timedelta(days=6)  # whose limit is not over
    solved[(solved > seen) | (rng.random(n) < np.where(late, open_, 0.02))] = pd.NaT
    cases = pd.DataFrame({"case": [f"k{k}" for k in range(n)], "opened": opened})
    cases["who"] = [f"c{k}" for k in rng.integers(0, 260, n)]
    cases["reply"], cases["solved"] = reply, solved
    cases["severity"] = rng.choice(["high", "low", None], n, p=[0.3, 0.6, 0.1])
    cases["team"] = rng.choice([1, 2, 3], n)
    cases.loc[rng.random(n) < 0.02, "who"] = None
    cases.loc[rng.random(n) < 0.01, "opened"] = pd.NaT
    cases.loc[rng.random(n) < 0.01, "solved"] = start - pd.Timedelta(days=9)
    cases.to_csv(folder / "cases.csv", index=False)
    customers = pd.DataFrame({"who": [f"c{k}" for k in range(250)]})
    customers["region"] = rng.choice(["north", "south", None], 250)
    customers["plan"] = rng.choice(["high", "basic"], 250)
    customers.to_csv(folder / "customers.csv", index=False)
    known = cases.dropna(subset=["opened"]).sample(700, random_state=1)
    spells = []
    for hours, status in ((0, "new"), (5, "it's with the customer"), (60, "back"), (70, "new")):
        at = known["opened"] + pd.to_timedelta(rng.integers(0, 30, 700) + hours, "h")
        spells.append(pd.DataFrame({"case": known["case"], "at": at, "status": status}))
    pd.concat(spells).drop_duplicates(["case", "at"]).to_csv(folder / "statuses.csv", index=False)
    text = STUDY.replace("ENDS", ends).replace("CLOCK", clock)
    text = text.replace("STATUSES", STATUSES if statuses else "")
    text = text.replace("GRADE", f"grade: plan\n  {WAITING}" if statuses else "grade: plan")
    (folder / "study.yaml").write_text(text, encoding="utf-8")


def both(study: reserve.Reserve, by: str = "") -> tuple[Sample, Sample, service.Clock]:
    """Cases in rows, and counted, and their clock."""
    about, of_cases = study.study.service, study.sample("cases", draws=100)
    statuses = study.read("case_statuses") if "case_statuses" in study.tables else None
    clock = service.make_clock(study.study.working_hours, about, statuses)
    for column in filter(None, (by, about.grade)):
        of_cases = study.grouped(of_cases, "cases", column)[0]
    rows = service.case_times(of_cases, about.standards, clock=clock, grade=about.grade)
    return rows, service.count_cases(StoredCases(study, 100), about, clock, by=by), clock


def same(rows: Result, counted: Result, *, width: float = 0.6) -> None:
    """Results agree in all but intervals, which are of groups of customers; those are as wide."""
    assert rows.tables.keys() == counted.tables.keys()
    for name, table in rows.tables.items():
        other = counted.tables[name]
        assert list(table) == list(other)
        exact = [c for c in table if c not in WIDTHS]
        pd.testing.assert_frame_equal(table[exact], other[exact], rtol=1e-9, check_dtype=False)
        if "low" in table:
            ours, theirs = (t["high"] - t["low"] for t in (table, other))
            wide = (theirs / ours)[np.isfinite(theirs) & (ours > 0)]
            assert wide.empty or width < wide.median() < 1 / width
    assert rows.notes == counted.notes
    assert rows.finding.claim == counted.finding.claim


@pytest.fixture(scope="module", params=KINDS)
def study(request, tmp_path_factory) -> Iterator[reserve.Reserve]:
    """A study whose cases differ in what is known of them."""
    root = tmp_path_factory.mktemp("cases")
    written(root, request.param)
    with loaded(root) as study:
        yield study


@pytest.mark.few(8)
@pytest.mark.parametrize("by", ["", "severity", "team", "region"])
def test_shares_on_time_and_their_alerts(study, by):
    rows, counted, _clock = both(study, by)
    fits = [service.sla_attainment(c, by=by or None) for c in (rows, counted)]
    assert fits[0].table["estimate"].between(0.05, 0.95).any()
    same(*fits)
    same(*(service.sla_alerts(f, c) for f, c in zip(fits, (rows, counted), strict=True)))


@pytest.mark.few(12)
@pytest.mark.parametrize(
    "ask",
    [
        service.sla_by_month,
        service.waiting_times,
        lambda cases: service.waiting_times(cases, by="severity"),
        lambda cases: service.waiting_times(cases, by="region"),
        service.volume_forecast,
        service.clearance,
    ],
)
def test_months_waits_and_numbers_of_cases(study, ask: Callable[[Sample], Result]):
    rows, counted, _clock = both(study, "region")
    same(*map(ask, (rows, counted)))


@pytest.mark.few(2)
def test_other_definitions_of_on_time(study):
    rows, counted, clock = both(study)
    fits = [service.definitions(c, clock) for c in (rows, counted)]
    assert fits[0].table["open_counted"].nunique() == 3 and len(fits[0].table) > 7
    same(*fits)


def test_the_chart_of_weeks(study):
    csat = scores.Measure("csat", (0, 1), 1)
    recent = [service.last_weeks(c, 20, "solved_in_time") for c in both(study)[:2]]
    fits = [scores.trend(c, "solved_in_time", over="week", measure=csat) for c in recent]
    table = fits[0].table[["week", "estimate", "n"]]
    assert len(table) > 15
    pd.testing.assert_frame_equal(table, fits[1].table[["week", "estimate", "n"]], rtol=1e-9)


def test_intervals_of_few_classes_are_those_of_all_times(study, monkeypatch):
    """Where cases still within their limit are many, their last moments share classes."""
    fine = both(study)[1]
    wanted = service.sla_attainment(fine)
    monkeypatch.setattr("cxlib.service.counted.CLASSES", 2)
    found = service.sla_attainment(both(study)[1])
    same(wanted, found, width=0.9)
    np.testing.assert_allclose(found.replicates, wanted.replicates, atol=0.01)


def test_few_customers_of_many_cases_are_hidden(study):
    """Whether a group is hidden depends on its customers, who are counted in the store."""
    _rows, counted, _clock = both(study, "team")
    table = pd.DataFrame({"team": ["1", "2"], "term": "resolution", "n": [400, 400]})
    few = pd.DataFrame({"team": [1, 2], "people": [3, 200]})
    counted.stored.__dict__["people"] = lambda *_by: few
    assert counted.counted(table)["people"].tolist() == [3, 200]


def test_months_of_few_customers_are_hidden_and_one_standard_needs_no_kinds(study, monkeypatch):
    monkeypatch.setattr(StoredCases, "groups", lambda *_unused: [])
    rows, counted, clock = both(study)
    table = pd.DataFrame({"month": ["2026-02"], "term": "resolution", "n": [400]})
    month = {"month": [pd.Timestamp("2026-02-01")], "people": [4]}
    counted.stored.__dict__["people"] = lambda *_by: pd.DataFrame(month)
    assert counted.counted(table)["people"].tolist() == [4]
    usual = study.study.service.standards["any"]
    known, seen = rows.data[study.columns("cases")], rows["as_of"].max()
    plain = service.case_times(known, {"any": usual}, clock=clock, as_of=seen)
    found = service.sla_attainment(counted).table
    wanted = service.sla_attainment(plain).table
    pd.testing.assert_frame_equal(found[["n", "estimate"]], wanted[["n", "estimate"]])


def test_no_case_that_can_be_counted_is_said(study):
    stored = StoredCases(study)
    stored.__dict__["_known"] = "false"
    with pytest.raises(InsufficientData, match="was opened by"):
        service.count_cases(stored, study.study.service, service.Clock())


def test_all_cases_are_counted_where_there_are_too_many():
    """Of more rows than may be read, numbers of cases and shares are those of all."""
    with reserve.open("sample") as whole:
        few = {"limits": Limits(rows_at_most=1000)}
        wanted = service.sla_attainment(both(whole)[0]).table
        with reserve.Reserve(whole.study.model_copy(update=few)) as limited:
            stored = limited.cases(draws=100)
            with limited.of_some_customers("cases", counted="cases") as some:
                clock = both(some)[2]
                assert 800 < len(some["cases"]) < 1200
            found = service.sla_attainment(service.count_cases(stored, whole.study.service, clock))
            pd.testing.assert_frame_equal(found.table[["n", "estimate"]], wanted[["n", "estimate"]])
            assert found.table["n"].tolist() == [1561, 1561]


@pytest.mark.parametrize(
    ("changed", "many"),
    [
        ({}, True),
        ({"limits": Limits(rows_at_most=10**7)}, False),
        ({"reporting": Reporting(leave_rows=False)}, False),
        ({"time_zone": "Europe/Rome"}, False),
    ],
)
def test_rows_are_read_where_few_or_of_a_time_zone(changed, many):
    with reserve.open("sample") as whole:
        few = {"limits": Limits(rows_at_most=1000), **changed}
        with reserve.Reserve(whole.study.model_copy(update=few)) as limited:
            assert (limited.cases() is not None) == many


@pytest.mark.thorough
def test_the_page_says_what_it_counts_and_shows_all_cases(tmp_path, monkeypatch):
    root = Path(__file__).parents[1]
    (tmp_path / "notebooks").symlink_to(root / "notebooks")
    ignored = shutil.ignore_patterns("reserve.duckdb*", "generator")
    shutil.copytree(root / "data" / "sample", tmp_path / "data" / "sample", ignore=ignored)
    with (tmp_path / "data" / "sample" / "study.yaml").open("a") as about:
        about.write("\nlimits: {rows_at_most: 1000}\n")
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    asked = ["run", "sample", "24", "-o", str(tmp_path / "out"), "-p", "DRAWS=100", "--jobs", "1"]
    done = CliRunner().invoke(cli.main, asked)
    assert done.exit_code == 0, done.output
    [page] = (tmp_path / "out").glob("24*.html")
    text = page.read_text(encoding="utf-8")
    assert "numbers of new cases are counted from all of them" in text
    assert "partly rows of one customer in 25.1" in text
    answers = (tmp_path / "out" / "answers.json").read_text(encoding="utf-8")
    assert "73% of first responses and 58% of resolutions were on time" in answers
    assert answers.count("n = 1,561") > 1
