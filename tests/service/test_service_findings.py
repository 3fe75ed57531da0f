"""What page 24 says of standards: whether targets are met, now and before, where, how sure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxlib import scores, service
from cxlib.core import context
from cxlib.core.columns import deciding_ends
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample
from cxlib.data.schema import Standard
from cxlib.service.definitions import _finding as of_definitions
from cxlib.service.standards import _lowest

DAY = pd.Timestamp("2026-03-02")


def cases_of(reply: list[float], solved: list[float], **columns: object) -> Sample:
    """Cases of as many customers, opened on one day, with what was in time."""
    n = len(reply)
    rows = pd.DataFrame(
        {
            "customer_id": [f"k{k}" for k in range(n)],
            "opened_at": DAY,
            "reply_in_time": reply,
            "solved_in_time": solved,
            **columns,
        }
    )
    return Sample(rows, cluster="customer_id", draws=200)


def part(share: float, n: int = 200) -> list[float]:
    return [1.0] * round(share * n) + [0.0] * round((1 - share) * n)


def answered(months: int = 5, n: int = 200, late: float = 0.2) -> Sample:
    """Cases with verdicts on file; of the last month only the quick half has one, all in time."""
    opened = pd.to_datetime([f"2026-{m + 1:02}-03" for m in range(months) for _ in range(n)])
    rng = np.random.default_rng(3)
    hit = (rng.random(len(opened)) > late) * 1.0
    last = opened.month == months
    hit[last] = np.where(
        hit[last] == 1, np.where(rng.random(last.sum()) < 0.6, 1.0, np.nan), np.nan
    )
    rows = pd.DataFrame({"opened_at": opened, "reply_in_time": hit})
    # A case of the month after says that the last one is over.
    rows.loc[len(rows)] = [pd.Timestamp(f"2026-{months + 1:02}-20"), np.nan]
    return service.case_times(Sample(rows, draws=200))


def test_a_month_of_cases_in_progress_is_no_rise():
    cases = answered()
    assert cases["reply_in_time"][cases["month"] == "2026-05"].mean() == 1  # the trap
    fit = service.sla_by_month(cases)
    assert fit.table["month"].max() == "2026-04" and fit.finding.at == {"month": "2026-04"}
    assert "rose" not in str(fit)
    assert "left out as provisional: May 2026 (" in fit.finding.detail
    assert "of cases without a verdict)" in fit.finding.detail
    recent = service.last_weeks(cases, 30, "reply_in_time")
    assert recent["opened_at"].max() == pd.Timestamp("2026-04-03")
    assert service.last_weeks(cases, 30)["opened_at"].max() == pd.Timestamp("2026-05-03")


def test_a_few_cases_without_a_verdict_hide_no_month_and_are_counted():
    cases = answered(months=4)
    hit = cases["reply_in_time"].fillna(1.0)
    hit.iloc[-15:] = np.nan
    cases = cases.assign(reply_in_time=hit)
    whole = service.sla_attainment(cases)
    assert whole.table["undecided"].tolist() == [15]
    assert "15 cases without a verdict left out" in whole.finding.detail
    assert "15 of 801 cases have no verdict on first responses on file" in whole.notes
    assert service.sla_by_month(cases).table["month"].max() == "2026-04"
    assert "undecided" not in service.sla_attainment(cases.where(hit.notna())).table


def _tied() -> Finding:
    """Two regions are as slow as each other, and both slower than a third."""
    regions = [g for g in "abc" for _ in range(200)]
    cases = cases_of([1.0] * 600, part(0.3) + part(0.32) + part(0.9), region=regions)
    return service.sla_attainment(cases, by="region").finding


@pytest.mark.parametrize(
    ("reply", "solved", "claim", "importance", "verdict"),
    [
        (0.7, 0.6, "Both service targets were missed: 70% of first responses and 60%", 4, "worse"),
        (0.97, 0.6, "Only 60% of resolutions were on time, short of the target of 90%", 4, "worse"),
        (0.98, 0.97, "Both service targets were met: 98% of first responses and", 2, "better"),
        (0.9, 0.9, "90% of first responses and 90% of resolutions were on time; no", 2, "unclear"),
    ],
)
def test_a_missed_target_is_news(reply, solved, claim, importance, verdict):
    fit = service.sla_attainment(cases_of(part(reply), part(solved)))
    finding = fit.finding
    assert finding.claim.startswith(claim) and len(finding.claim.split()) <= 25
    assert (finding.importance, finding.verdict, finding.target) == (importance, verdict, 0.9)
    row = fit.table.loc[fit.table["estimate"].idxmin()]
    assert (finding.low, finding.high) == (row["low"], row["high"])


def test_verdicts_need_the_simultaneous_interval_and_numbers_have_their_own():
    both = cases_of(part(0.55), part(0.55))
    alone = both.with_data(both.data.drop(columns="reply_in_time"))
    two = service.sla_attainment(both, goal=0.62).table
    assert two["low"].iloc[1] == service.sla_attainment(alone).table["low"].item()
    assert (two["simultaneous_low"] < two["low"]).all()
    # Its own interval lies below the goal, that of both together does not.
    assert (two["high"] < 0.62).all() and (two["verdict"] == "unclear").all()


@pytest.mark.parametrize(
    ("share", "claim", "importance"),
    [
        (0.3, "On-time resolutions fell to 30% in 2026-04, from 80% the month before.", 4),
        (0.78, "In 2026-04, 78% of resolutions were on time, not significantly different from", 2),
        (0.95, "On-time resolutions rose to 95% in 2026-04, from 80% the month before.", 2),
    ],
)
def test_the_latest_month_is_compared_with_the_one_before(share, claim, importance):
    rows = cases_of([np.nan] * 600, part(0.8) + part(share) + part(0.5)).data
    at = np.repeat(pd.to_datetime(["2026-03-05", "2026-04-05", "2026-05-02"]), 200)
    rows = rows.assign(opened_at=at, month=at.strftime("%Y-%m"))
    fit = service.sla_by_month(Sample(rows, cluster="customer_id", draws=200))
    assert fit.table["month"].unique().tolist() == ["2026-03", "2026-04"]  # May is not over
    assert fit.finding.claim.startswith(claim) and fit.finding.importance == importance
    assert fit.finding.change == pytest.approx(share - 0.8)


def test_open_cases_are_a_count_without_an_interval():
    rows = pd.DataFrame({"opened_at": pd.date_range(DAY, periods=80)})
    rows["solved_at"] = (rows["opened_at"] + pd.Timedelta(days=2)).where(rows.index < 10)
    fit = service.backlog(service.case_times(rows, as_of=DAY + pd.Timedelta(days=79)))
    assert fit.table[["low", "high"]].isna().all(axis=None)
    assert fit.finding.claim == "70 cases were open on 20 May 2026, against 42 four weeks before."
    assert fit.finding.low is None and fit.finding.change == 28


def test_groups_that_do_not_differ_are_context():
    rows = cases_of([np.nan] * 400, part(0.6) + part(0.62), region=["a"] * 200 + ["b"] * 200)
    same = service.sla_attainment(rows, by="region").finding
    assert "do not differ significantly by region" in same.claim
    assert same.importance is Importance.CONTEXT
    worse = cases_of([np.nan] * 400, part(0.3) + part(0.8), region=["a"] * 200 + ["b"] * 200)
    found = service.sla_attainment(worse, by="region").finding
    assert found.claim.startswith("On-time resolutions are rarest for region “a”: 30%")
    assert "rarest" not in _tied().claim and _tied().claim.endswith(
        "not significantly different: b."
    )
    assert found.importance is Importance.NOTABLE and found.at == {"region": "a"}
    fit = service.sla_attainment(worse, by="region")
    said = _lowest(fit.table, "region", 0.9, "counted in calendar hours")
    assert said.claim.startswith("Counted in calendar hours, on-time resolutions are rarest for")


@pytest.mark.slow
def test_numbers_of_cases_have_their_own_unit():
    """No share of satisfied customers, no rating point: cases per 1,000, cases a week, a share."""
    day = pd.date_range("2026-01-05", periods=140, freq="D")
    rows = pd.DataFrame({"opened_at": day, "category": "late", "customer_id": range(140)})
    rows["solved_in_time"] = 0.0
    missed = service.sla_alerts(service.sla_attainment(rows), rows.assign(month="2026-05"))
    assert set(missed.table["measure"]) == {"share"}
    assert service.workload(rows).unit == "cases a week"
    who = pd.DataFrame({"customer_id": range(500)})
    per = service.complaint_rate(service.case_times(rows), None, customers=who)
    assert per.unit == "cases per 1,000 customers"
    weekly = service.customer_weeks(service.case_times(rows), who)
    chart = scores.trend(weekly.replace(draws=50), "cases_per_1000", over="week", measure="rate")
    assert chart.unit == "cases per 1,000 customers"
    assert chart.measure.name("x") == "the number of cases per 1,000 customers"


def test_the_highest_rate_is_tested_by_its_ratio_not_by_overlap():
    """130 and 95 of 1,000: z of the log ratio is 2.3, though the two intervals overlap."""
    rows = pd.DataFrame({"category": ["late"] * 130 + ["bill"] * 95, "customer_id": range(225)})
    rows["opened_at"] = pd.date_range("2026-01-05", periods=len(rows), freq="D")
    who = pd.DataFrame({"customer_id": range(1000)})
    many = service.complaint_rate(Sample(rows, cluster="customer_id", draws=400), customers=who)
    low, high = deciding_ends(many.table)
    assert low[0] < high[1] and "not significantly" not in many.finding.detail
    assert many.finding.importance is Importance.NOTABLE
    few = Sample(rows.iloc[::4], cluster="customer_id", draws=400)  # z is 1.2
    detail = service.complaint_rate(few, customers=who).finding.detail
    assert "not significantly more than bill" in detail


@pytest.mark.parametrize(("badly", "alike"), [(-1.0, True), (-4.0, False)])
def test_good_and_bad_handling_are_compared_with_each_other(badly: float, alike: bool) -> None:
    """Planted: one point lower after either, or four lower after bad handling."""
    rng = np.random.default_rng(3)
    handled = np.repeat(["none", "well", "badly"], [300, 100, 100])
    rows = pd.DataFrame({"handled": handled, "before": rng.normal(7, 1, 500)})
    fall = rows["handled"].map({"none": 0.0, "well": -1.0, "badly": badly})
    rows["after"] = rows["before"] + fall + rng.normal(0, 0.5, 500)
    rows["since"] = pd.Timestamp("2026-01-01") + pd.to_timedelta(rng.integers(0, 90, 500), "D")
    rows["until"] = rows["since"] + pd.to_timedelta(rng.integers(60, 90, 500), "D")
    finding = service.recovery(Sample(rows, draws=100)).finding
    assert finding.verdict == "worse" and "well minus badly handled" in finding.detail
    assert ("do not differ significantly" in finding.claim) is alike
    assert finding.claim.startswith("Even") is not alike


def stressed(verdicts: dict[str, list[str]]) -> Result:
    """Definitions of on time: of each standard the stated one first, then others."""
    rows = [
        {"term": term, "verdict": v, "hours": HOURS[k], "stated": "no" if k else "yes"}
        for term, every in verdicts.items()
        for k, v in enumerate(every)
    ]
    return Result(pd.DataFrame(rows).assign(estimate=0.7, low=0.6, high=0.8, n=90, goal=0.9), "")


HOURS = ("working hours", "calendar hours", "working days")


@pytest.mark.parametrize(
    ("first", "second", "claim", "detail"),
    [
        (
            ["missed", "met", "missed"],
            ["missed", "unclear", "missed"],
            "Counted in working hours, both targets were missed.",
            "other ways to count change the verdict on first responses and resolutions; "
            "resolutions miss the target under 2 of 3 definitions of on time (unclear under 1)",
        ),
        (
            ["missed", "missed"],
            ["missed", "missed"],
            "Both targets were missed.",
            "first responses and resolutions miss the target however time is counted",
        ),
        (
            ["met", "missed"],
            ["met", "unclear"],
            "Counted in working hours, both targets were missed.",
            "other ways to count change the verdict on first responses and resolutions",
        ),
    ],
)
def test_a_verdict_depends_on_the_count_where_another_definition_has_another_verdict(
    first, second, claim, detail
):
    stress = stressed({"first response": first, "resolution": second})
    own = stress.table[stress.table["stated"] == "yes"].reset_index(drop=True)
    found = service.with_definitions(Result(own, Finding("Both targets were missed.")), stress)
    assert (found.finding.claim, found.finding.detail) == (claim, detail)
    assert set(found.table["hours"]) == {"working hours"}


@pytest.mark.parametrize(
    ("verdict", "lang", "action"),
    [
        ("met", "en", "Settle first which hours the promise counts: counted in working hours, 95% "
         "of first responses are on time."),
        ("met", "zh", "请先确定承诺按哪种时间计算"),
        ("missed", "en", "Speed up first responses."),
    ],
)  # fmt: skip
def test_which_hours_count_is_settled_before_anybody_hurries(verdict, lang, action):
    """In calendar hours 73% are on time, in working hours 95%: both cannot be the promise."""
    row = {"term": "first response", "waiting": "all time", "open_counted": "open as observed"}
    row |= {"low": 0.7, "high": 0.75, "n": 99}
    stated = row | {
        "hours": "calendar hours",
        "estimate": 0.73,
        "verdict": "missed",
        "stated": "yes",
    }
    other = row | {"hours": "working hours", "estimate": 0.95, "verdict": verdict, "stated": "no"}
    own, stress = pd.DataFrame([stated]), Result(pd.DataFrame([stated, other]), "")
    told = Finding("The target was missed.", action="Speed up first responses.")
    with context.use(context.Context(lang=lang)):
        found = service.with_definitions(Result(own, told), stress)
    assert found.finding.action.startswith(action)


def test_a_target_missed_under_some_definitions_is_not_said_to_be_missed_under_all():
    """Page 24 of sample: first responses missed under 2 of 3, resolutions under 8 of 12."""
    first = stressed({"first response": ["missed", "met", "missed"]}).table
    second = pd.concat([stressed({"resolution": ["missed", "unclear", "missed"]}).table] * 4)
    both = of_definitions(pd.concat([first, second]))
    alone = of_definitions(second)
    said = "Resolutions miss the target under 8 of 12 definitions of on time (unclear under 4)"
    assert both.claim == f"{said}, first responses under 2 of 3."
    assert (alone.claim, alone.verdict) == (f"{said}.", "unclear")


def test_the_line_on_targets_says_the_period_of_the_cases():
    opened = pd.to_datetime(["2025-03-02", "2025-05-02"] * 20)
    cases = pd.DataFrame({"opened_at": opened, "solved_in_time": [0.0, 0.0, 0.0, 1.0] * 10})
    months = opened.strftime("%Y-%m")
    said = service.sla_attainment(cases.assign(month=months)).finding
    assert said.claim.startswith("The target was missed: 25% of resolutions")
    assert "; March 2025 to May 2025" in said.detail
    assert "2025" not in service.sla_attainment(cases).finding.detail


def test_a_share_of_many_years_names_the_worst_and_the_best_of_them():
    opened = pd.to_datetime([f"{year}-03-02" for year in range(2019, 2024) for _case in range(40)])
    hit = np.repeat([1.0, 0.95, 0.8, 1.0, np.nan], 40)
    hit[40:120] = np.tile([1.0] * 8 + [0.0] * 2, 8)
    hit[40:80] = [0.0] * 2 + [1.0] * 38
    rows = pd.DataFrame({"opened_at": opened, "reply_in_time": hit})
    detail = service.sla_attainment(service.case_times(rows)).finding.detail
    assert "by year of opening from 80% (2021) to 100% (2019)" in detail  # 2023 has no verdicts yet
    alike = rows.assign(reply_in_time=np.tile([1.0, 1.0, 1.0, 0.0], 50))
    assert "by year" not in service.sla_attainment(service.case_times(alike)).finding.detail
    two = rows[rows["opened_at"] < "2021"]
    assert "by year" not in service.sla_attainment(service.case_times(two)).finding.detail


def test_open_cases_count_in_the_shares_of_years_for_as_long_as_they_were_observed():
    opened = pd.to_datetime(
        [f"{year}-12-01" for year in (2019, 2020, 2021) for _case in range(100)]
    )
    hours = np.array([10.0] * 50 + [500.0] * 50 + [10.0] * 50 + [500.0] * 50 + [10.0] * 44)
    hours = np.r_[hours, [500.0] * 47, [np.nan] * 9]  # 9 of the last year are open for 30 hours
    solved = opened + pd.to_timedelta(hours, unit="h")
    rows = pd.DataFrame({"opened_at": opened, "solved_at": solved})
    rows.loc[rows["solved_at"].isna(), "opened_at"] = solved.max() - pd.Timedelta("30h")
    cases = service.case_times(rows, {"any": Standard(solved_hours=48)})
    assert cases["solved_in_time"].isna().sum() == 9  # of the others of their year 48% are on time
    detail = service.sla_attainment(cases).finding.detail
    assert "by year of opening from 44% (2021) to 50% (2019)" in detail
