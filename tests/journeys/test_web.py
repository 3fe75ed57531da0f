"""Visits to the website: bounce, conversion, self-service, scores of visitors."""

import generator
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import journeys
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.journeys.web import DAYS, _last_visit, counts


@pytest.fixture(scope="module")
def company() -> dict[str, pd.DataFrame]:
    return generator.company()


@pytest.mark.slow
def test_a_line_of_totals_counts_as_its_visits():
    rows = pd.DataFrame(
        {
            "stage": ["awareness", "awareness", "interest"],
            "visits": [90.0, 10.0, np.nan],
            "bounces": [45.0, 0.0, np.nan],
            "conversions": [9.0, 1.0, 1.0],
            "pages": [200.0, 40.0, 1.0],
        }
    )
    assert counts(rows).values.tolist() == [[90, 45, 9], [10, 0, 1], [1, 1, 1]]
    table = journeys.web_visits(Sample(rows, draws=50)).table.set_index(["stage", "term"])
    assert_allclose(table["estimate"], [0.45, 0.10, 1, 1])
    assert table["n"].tolist() == [100, 100, 1, 1]
    helped = pd.concat([rows, rows.head(1)]).assign(help=[False] * 3 + [True])
    assert journeys.web_visits(Sample(helped, draws=50)).table["n"].tolist() == [100, 100, 1, 1]


@pytest.mark.slow
def test_the_visits_of_the_sample_bounce_and_convert_as_planted(company):
    table = journeys.web_visits(
        Sample(company["visits"], cluster="customer_id", draws=200)
    ).table.set_index(["stage", "term"])
    for stage, told in generator.TRUTH["visits"].items():
        for term in ("bounce", "conversion"):
            row = table.loc[(stage, term)]
            assert row["simultaneous_low"] < told[term] < row["simultaneous_high"]
            assert row["n"] == told["visits"]


def test_self_service_of_the_sample_is_as_planted(company):
    visits = Sample(company["visits"], cluster="customer_id", draws=200)
    found = journeys.self_service(visits, company["cases"])
    table = found.table.set_index("days")
    assert table.loc[7, "low"] < generator.TRUTH["self_service"] < table.loc[7, "high"]
    # of a few cases nothing comes before day 7, and nothing at all after it
    assert table.loc[1, "estimate"] > table.loc[3, "estimate"] > table.loc[7, "estimate"]
    assert abs(table.loc[30, "estimate"] - table.loc[7, "estimate"]) < 0.01
    assert found.finding.claim.startswith("After 7") and "within 7 days" in found.finding.claim


def test_a_help_visit_counts_once_it_was_observed_for_long_enough():
    at = pd.to_datetime(
        ["2026-01-01 10:00", "2026-01-01 00:00", "2026-01-28 00:00", "2026-01-02 00:00"]
        + ["2026-01-02 00:00"]
    )
    visits = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", None, "d"],
            "at": at,
            "help": [True, True, True, True, False],
        }
    )
    cases = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b"],
            "opened_at": pd.to_datetime(
                ["2026-01-01 09:00", *(f"2026-01-{d} 00:00" for d in ("06", 31))]
            ),
        }
    )
    table = journeys.self_service(visits, cases).table
    assert table["days"].tolist() == list(DAYS)
    assert table["n"].tolist() == [3, 3, 2, 2, 1]  # c was seen for 3 days, b for 30
    assert_allclose(table["estimate"], [1, 1, 0.5, 0.5, 0])  # the case before the visit is none
    with pytest.raises(InsufficientData):
        journeys.self_service(visits[visits["customer_id"].isna()], cases)


def test_the_last_visit_before_an_answer_within_the_window():
    day = pd.to_datetime
    visits = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c", None],
            "at": day(["2026-01-01", "2026-01-05", "2026-01-20", "2025-01-01", "2026-01-05"]),
            "pages": [5, 1, 6, 4, 3],
            "conversions": [1, 0, 0, 0, 0],
        }
    )
    answers = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "b", "c", None],
            "answered_on": day(["2026-01-03", "2026-01-09", "2026-01-19", "2026-01-21"]
                               + ["2026-01-09"] * 2),
            "score": [9.0, 2, 5, 6, 5, 5],
        }
    )  # fmt: skip
    ended = ["reached the goal", "left after one page", "no visit", "other visit", "no visit"]
    assert _last_visit(answers, visits, 90).tolist() == [*ended, "no visit"]
    fit = journeys.web_scores(Sample(answers, draws=50), visits, "score")
    assert fit.table.set_index("term")["estimate"].to_dict() == {
        "reached the goal": 9, "left after one page": 2, "other visit": 6, "no visit": 5,
    }  # fmt: skip
    assert fit.difference["estimate"].tolist() == [4, -3, 1]
