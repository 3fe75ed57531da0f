"""Doubtful responses by check, and the effect of leaving them out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxlib import scores
from cxlib.core.errors import InsufficientData
from cxlib.data.schema import Item

N = 200


def survey(**columns: object) -> tuple[pd.DataFrame, dict[str, Item]]:
    """200 sincere responses to 12 questions, and the questions."""
    rng = np.random.default_rng(3)
    asked = {f"q{k}": Item(label=f"Q{k}", scale=(1, 5), role="touchpoint") for k in range(11)}
    asked["recommend"] = Item(label="Recommend", scale=(0, 10), role="nps")
    rows = pd.DataFrame({i: rng.integers(q.scale[0], q.scale[1] + 1, N) for i, q in asked.items()})
    return rows.astype(float).assign(**columns), asked


def doubted(fit, term: str) -> list[int]:
    return np.flatnonzero(fit.flags[term]).tolist()


def test_sincere_responses_are_not_doubted():
    fit = scores.survey_quality(
        *survey(customer_id=[f"c{k}" for k in range(N)]), outcome="recommend"
    )
    assert fit.table["responses"].eq(0).all()
    assert "None of 200" in str(fit)


@pytest.mark.parametrize(
    ("days", "waves", "found"),
    [
        (["2026-01-01", "2026-01-01"], ["a", "a"], [1]),
        (["2026-01-01", "2026-02-01"], ["a", "a"], []),  # asked again after another visit
        (["2026-01-01", "2026-01-01"], ["a", "b"], []),
    ],
)
def test_a_customer_who_answers_twice_at_once_is_a_duplicate(days, waves, found):
    rows, asked = survey(customer_id=["x", "x", *map(str, range(N - 2))])
    rows["answered_on"] = pd.to_datetime(days + ["2026-03-01"] * (N - 2))
    rows["wave"] = waves + ["a"] * (N - 2)
    assert doubted(scores.survey_quality(rows, asked), "duplicate respondents") == found


def test_the_same_twelve_answers_are_no_chance():
    rows, asked = survey()
    rows.iloc[7] = rows.iloc[3]
    assert doubted(scores.survey_quality(rows, asked), "identical answers") == [7]


@pytest.mark.parametrize(
    ("column", "values", "found"),
    [
        ("Duration (in seconds)", [19.0, 30.0] + [90.0] * (N - 2), [0]),
        ("所用时间", ["15秒", "50秒"] + ["120秒"] * (N - 2), [0]),
        ("duration_minutes", [0.2, 3.0] + [4.0] * (N - 2), [0]),
        ("interviewtime", [100.0, 400.0] + [900.0] * (N - 2), [0]),
    ],
)
def test_speeders_are_found_by_the_duration_column(column, values, found):
    if column.startswith("Duration"):
        values = [19.0, 31.0, *values[2:]]
    rows, asked = survey(**{column: values})
    assert doubted(scores.survey_quality(rows, asked), "speeders") == found


def test_speeders_are_found_by_start_and_end():
    start = pd.Timestamp("2026-01-01 10:00")
    seconds = pd.to_timedelta([10, 100, *[300] * (N - 2)], unit="s")
    rows, asked = survey(StartDate=start, EndDate=start + seconds)
    assert doubted(scores.survey_quality(rows, asked), "speeders") == [0]


def test_the_same_click_throughout_is_straight_lining_also_over_reversed_questions():
    rows, asked = survey()
    asked["q0"] = asked["q0"].model_copy(update={"reverse": True})
    rows.iloc[4, :11] = [2.0] + [4.0] * 10  # clicked 4 everywhere; q0 was reversed when loaded
    rows.iloc[5, :11] = 4.0  # answered with care: q0 was clicked 2
    assert doubted(scores.survey_quality(rows, asked), "straight-lining") == [4]


def test_break_offs_stop_before_the_end():
    rows, asked = survey()
    rows.iloc[2, 4:] = np.nan
    rows.iloc[3, 4] = np.nan  # passed over, but went on
    rows.iloc[5, 11:] = np.nan  # only the last question
    fit = scores.survey_quality(rows, asked)
    assert doubted(fit, "break-offs") == [2]
    assert "after q3" in fit.notes


@pytest.mark.parametrize("column", ["Status", "response_type", "DistributionChannel"])
def test_previews_and_tests_are_found_by_their_status(column):
    words = ["Survey Preview", "test", "Spam", *["IP Address"] * (N - 3)]
    rows, asked = survey(**{column: words})
    assert doubted(scores.survey_quality(rows, asked), "previews and tests") == [0, 1, 2]


def test_the_effect_is_the_number_without_them_minus_that_of_all():
    rows, asked = survey(Status=["preview"] * 20 + ["ok"] * (N - 20))
    rows.loc[:19, "recommend"] = 10.0
    fit = scores.survey_quality(rows, asked, outcome="recommend")
    row = fit.table.set_index("term").loc["previews and tests"]
    every, kept = (scores.nps(r).table["estimate"].iloc[0] for r in (rows, rows[20:]))
    assert row["effect"] == pytest.approx(kept - every)
    assert row["effect_low"] < row["effect"] < row["effect_high"] < 0
    assert "Leaving them out would change NPS" in str(fit)


def test_no_answers_are_a_sentence():
    with pytest.raises(InsufficientData):
        scores.survey_quality(pd.DataFrame({"a": [1]}), {})
