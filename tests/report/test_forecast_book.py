"""Forecasts of the run before are held against what was measured since."""

from __future__ import annotations

import pytest

from cxlib.report import forecast_book

COLUMNS = ["wave", "term", "estimate", "low", "high", "n"]


def page(waves: dict[str, float], ahead: dict[str, tuple], unit: str = "points") -> dict:
    def kept(rows: list) -> dict:
        return {"table": {"columns": COLUMNS, "rows": rows}, "finding": {"unit": unit}}

    measured = [[w, "recommend", v, v - 5, v + 5, 99] for w, v in waves.items()]
    expected = [[w, "recommend", *v, 500] for w, v in ahead.items()]
    return {"12": {"trend": kept(measured), "forecast": kept(expected)}}


BEFORE = page({"q1": 20.0, "q2": 24.0}, {"q3": (22.0, 10.0, 34.0), "q4": (22.0, 8.0, 36.0)})


def test_a_wave_measured_since_is_scored() -> None:
    now = page({"q1": 20.0, "q2": 24.0, "q3": 25.0}, {"q4": (23.0, 9.0, 37.0)})
    said = forecast_book.scored(now, BEFORE, "may")
    assert said.startswith("1 of 1 forecast of the run may lay in its 95% prediction interval")
    assert "mean error 3.0 points" in said
    both = page({"q1": 20.0, "q2": 24.0, "q3": 25.0, "q4": 50.0}, {})
    said = forecast_book.scored(both, BEFORE, "may")
    assert said.startswith("1 of 2 forecasts") and "mean error 15.5" in said


@pytest.mark.parametrize("then", [BEFORE, {}, {"12": {}}, {"12": {"trend": {}, "forecast": {}}}])
def test_without_a_new_wave_nothing_is_said(then: dict) -> None:
    assert forecast_book.scored(page({"q1": 20.0, "q2": 24.0}, {}), then, "may") == ""


def test_shares_err_by_percentage_points() -> None:
    then = page({"q1": 0.4}, {"q2": (0.41, 0.3, 0.5)}, unit="share")
    now = page({"q1": 0.4, "q2": 0.44}, {}, unit="share")
    assert "mean error 3.0 percentage points" in forecast_book.scored(now, then, "may")


def counted(page: str, name: str, over: str, past: dict[str, float], ahead: dict) -> dict:
    """A kept forecast of counts: periods that were, and those ahead with their intervals."""
    columns = [over, "term", "estimate", "low", "high", "n"]
    earlier = [[k, "new", v, None, None, 99] for k, v in past.items()]
    rows = [[k, "new", *v, 500] for k, v in ahead.items()]
    return {page: {name: {
        "table": {"columns": columns, "rows": rows},
        "tables": {"earlier": {"columns": columns, "rows": earlier}},
        "finding": {"unit": "count"},
    }}}  # fmt: skip


def test_cases_and_customers_lost_stand_in_the_same_book() -> None:
    then = (
        BEFORE
        | counted(
            "24", "volume_forecast", "week", {"w1": 9}, {"w2": (10, 5, 16), "w3": (10, 4, 17)}
        )
        | counted("32", "losses_forecast", "month", {"m1": 40}, {"m2": (41, 30, 53)})
    )
    now = (
        page({"q1": 20.0, "q2": 24.0, "q3": 25.0}, {})
        | counted("24", "volume_forecast", "week", {"w1": 9, "w2": 12, "w3": 20}, {})
        | counted("32", "losses_forecast", "month", {"m1": 40, "m2": 36}, {})
    )
    said = forecast_book.scored(now, then, "may")
    # Errors by hand: |22 - 25|; |10 - 12| and |10 - 20|; |41 - 36|. Only 20 is outside.
    assert said.startswith("3 of 4 forecasts")
    assert "3.0 points; 6.0 new cases a week; 5.0 customers lost a month" in said


def test_what_was_known_when_it_was_forecast_is_not_scored() -> None:
    then = counted("24", "volume_forecast", "week", {"w1": 9, "w2": 12}, {"w2": (10, 5, 16)})
    now = counted("24", "volume_forecast", "week", {"w1": 9, "w2": 12}, {})
    assert forecast_book.scored(now, then, "may") == ""


def test_a_hidden_count_is_not_scored() -> None:
    then = counted("32", "losses_forecast", "month", {"m1": 40}, {"m2": (41, 30, 53)})
    now = counted("32", "losses_forecast", "month", {"m1": 40, "m2": None}, {})
    assert forecast_book.scored(now, then, "may") == ""
