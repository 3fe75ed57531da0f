"""Dates are read by the order of their column; what fits two readings is asked."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from cxlib.data.intake.dates import date

READ = [  # cells, what they are, the order of day and month that they prove
    (["2024-03-01", "2024-03-01 14:05:00.25"], ["2024-03-01", "2024-03-01 14:05:00.25"], ""),
    (["2024-01-01T00:30:00+08:00", "2024-01-01"], ["2024-01-01 00:30", "2024-01-01"], ""),
    (["2024-01-01T00:30:00+08:00"] * 2, ["2024-01-01 00:30"] * 2, ""),
    (["2024-01-01T10:00:00Z", "2024-01-01 10:00 -05:00"], ["2024-01-01 10:00"] * 2, ""),
    (["2024/03/01 6:30:32 pm GMT+5:30"], ["2024-03-01 18:30:32"], ""),
    (["2024年3月1日 14:05", "2024/3/1 14:05"], ["2024-03-01 14:05"] * 2, ""),
    (["2024年3月1日 14时05分", "2024/3/1 下午2:05"], ["2024-03-01 14:05"] * 2, ""),
    (["01.03.2024", "1.3.24 08:15"], ["2024-03-01", "2024-03-01 08:15"], "day first"),
    (["1.3.2024", "1.13.2024"], ["2024-01-03", "2024-01-13"], "month first"),
    (["1-Mar-2024", "Mar 1, 2024", "1 mars 2024"], ["2024-03-01"] * 3, ""),
    (["1. März 2024", "1 de março de 2024", "March 1st, 2024"], ["2024-03-01"] * 3, ""),
    (["Fri, 1 Mar 2024 10:00:00 +0100"], ["2024-03-01 10:00"], ""),
    (["Fri Mar 01 2024 10:00:00 GMT+0100 (CET)"], ["2024-03-01 10:00"], ""),
    (
        ["3/1/2024 2:05:00 PM", "12/31/2024 12:00 AM"],
        ["2024-03-01 14:05", "2024-12-31"],
        "month first",
    ),
    (["13/1/2024 2:05 pm", "1/2/2024"], ["2024-01-13 14:05", "2024-02-01"], "day first"),
    (["12-31-23", "1-2-23"], ["2023-12-31", "2023-01-02"], "month first"),
    (["25/12/23", "24/12/23", "3/12/23"], ["2023-12-25", "2023-12-24", "2023-12-03"], "day first"),
    (["1/1/2024", "2/2/2024"], ["2024-01-01", "2024-02-02"], ""),
    (["２０２４/３/１", "2024-03-01"], ["2024-03-01"] * 2, ""),
    (["2024-02-30", "soon", "13/13/2024", "2024-03-01 25:00"], [None] * 4, ""),
    (["2024-01-01", "45292", "45293.5"], ["2024-01-01", "2024-01-01", "2024-01-02 12:00"], ""),
]


@pytest.mark.slow
@pytest.mark.parametrize(("cells", "days", "order"), READ, ids=lambda v: str(v)[:40])
def test_forms_are_those_of_the_column(cells, days, order):
    done = date(pd.Series(cells))
    assert done.values.tolist() == pd.to_datetime(pd.Series(days), format="ISO8601").tolist()
    assert done.evidence == order and done.question is None
    assert done.bad.tolist() == [d is None for d in days]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cells", "answers"),
    [
        (["1/2/2024", "3/4/2024"], ("day first", "month first")),
        (["01-02-24 10:00", "03-04-24 10:00"], ("day first", "month first")),
        (["13/1/2024", "1/13/2024", "1/2/2024"], ("day first", "month first")),
        (["1704067200", "1704067300"], ("unix seconds",)),
        (["1704067200000"], ("unix milliseconds",)),
        (["45292", "45293"], ("excel days",)),
    ],
)
def test_a_column_that_fits_several_readings_is_a_question(cells, answers):
    question = date(pd.Series(cells)).question
    assert question.answers == answers
    assert f"dates: {{at: {answers[0]}}}" in question.sentence("orders", "at")
    for answer in answers:
        assert date(pd.Series(cells), answer).question is None


@pytest.mark.slow
def test_one_slip_among_many_does_not_decide():
    cells = pd.Series([f"{day}/1/2024" for day in range(1, 32)] * 4 + ["1/31/2024"])
    done = date(cells)
    assert done.evidence == "day first" and done.bad.sum() == 1


@pytest.mark.parametrize(
    ("cells", "form", "days"),
    [
        (["03/04/2026", "31/12/2026"], "%d/%m/%Y", ["2026-04-03", "2026-12-31"]),
        (["03/04/2026", "31/12/2026"], "%m/%d/%Y", ["2026-03-04", None]),
        (["1/2/2024 10:00", "2024/05/06"], ["%d/%m/%Y %H:%M", "%Y/%m/%d"],
         ["2024-02-01 10:00", "2024-05-06"]),
        (["1/2/2024 10:00"], "month first", ["2024-01-02 10:00"]),
        (["1704067200"], "unix seconds", ["2024-01-01"]),
        ([45292.0, 45293.25], "excel days", ["2024-01-01", "2024-01-02 06:00"]),
        (["2024-01-01 00:30:00+0800"], "%Y-%m-%d %H:%M:%S%z", ["2024-01-01 00:30"]),
    ],
)  # fmt: skip
def test_forms_that_are_named_decide(cells, form, days):
    done = date(pd.Series(cells), form)
    assert done.values.tolist() == pd.to_datetime(pd.Series(days), format="ISO8601").tolist()


def test_days_of_excel_stand_beside_dates_and_text_in_a_sheet():
    cells = [dt.datetime(2024, 1, 1), dt.date(2024, 1, 5), 45293, "13/1/2024", None]
    days = pd.to_datetime(["2024-01-01", "2024-01-05", "2024-01-02", "2024-01-13", None])
    assert date(pd.Series(cells, dtype=object)).values.tolist() == days.tolist()


def test_dates_that_mean_never_are_missing_and_said():
    done = date(pd.Series(["9999-12-31", "2024-01-01", "1900-01-01 00:00:00", "0000-00-00"]))
    assert done.values.notna().tolist() == [False, True, False, False] and not done.bad.any()
    n, why = done.odd
    assert (n, why.rule) == (3, "never_dates") and "9999-12-31" in why.json


def test_times_with_a_zone_keep_their_day_and_the_zone_is_noted():
    done = date(pd.Series(["2024-01-01T01:00:00+0800", "2024-01-01T23:00:00-05:00"]))
    assert done.values.dt.day.tolist() == [1, 1]
    assert "+0800 (1)" in done.notes[-1] and "-05:00 (1)" in done.notes[-1]
    typed = pd.Series(pd.to_datetime(["2024-01-01 01:00+08:00"]))
    assert date(typed).values.tolist() == [pd.Timestamp("2024-01-01 01:00")]


def test_mixed_forms_are_listed_with_their_counts():
    note = date(pd.Series(["2024-03-01", "2024年3月1日", "13/1/2024", "14/1/2024"])).notes[0]
    for part in ("1 as ISO dates", "1 as year-month-day", "2 as day first ('13/1/2024')"):
        assert part in note


def test_numbers_are_no_dates_unless_asked():
    assert np.all(date(pd.Series([1.0, 2.0])).bad)
