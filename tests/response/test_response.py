"""Who answers: shares by hand, what is not known, and the known truth of the made-up company."""

from __future__ import annotations

import generator
import numpy as np
import pandas as pd
import pytest
from generator import TRUTH

from cxlib import response, scores
from cxlib.core import context
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.privacy import disclosure


def letters(**columns: list) -> pd.DataFrame:
    rows = {"invitation_id": list("abcd"), "reminder_of": [None, None, "b", None]}
    rows |= {"response_id": ["r1", None, "r2", None], "customer_id": [1, 2, 2, 3]}
    rows["sent_at"] = pd.to_datetime(["2026-01-01", "2026-01-01", "2026-01-08", "2026-01-02"])
    return pd.DataFrame(rows | columns)


ANSWERS = pd.DataFrame(
    {"response_id": ["r1", "r2"], "answered_on": pd.to_datetime(["2026-01-03", "2026-01-10"])}
)


def test_an_invitation_and_its_reminder_count_once():
    asked = response.invited(Sample(letters(), cluster="customer_id"), ANSWERS)
    assert asked["answered"].tolist() == [True, True, False]
    assert asked["reminded"].tolist() == [False, True, False]
    assert asked["answered_after"].fillna(-1).tolist() == [2, 9, -1]
    assert asked["reminded_after"].fillna(-1).tolist() == [-1, 7, -1]
    assert response.by_wave(asked).table["estimate"].tolist() == [pytest.approx(2 / 3)]


@pytest.mark.parametrize(
    ("changed", "error", "words"),
    [
        ({"response_id": [None] * 4}, InsufficientData, "map the column response_id"),
        ({"reminder_of": [None, None, "x", None]}, ValueError, "1 of 1 reminders repeat no first"),
    ],
)
def test_what_is_wrong_with_invitations_is_said(changed, error, words):
    with pytest.raises(error, match=words):
        response.invited(letters(**changed))


def test_columns_that_are_not_there_leave_what_can_be_said():
    asked = response.invited(letters().drop(columns=["reminder_of", "sent_at", "customer_id"]))
    assert asked["answered"].tolist() == [True, False, True, False]
    with pytest.raises(InsufficientData, match="Nobody was reminded"):
        response.reminders(asked)
    with pytest.raises(InsufficientData, match="who was invited"):
        response.contact_pressure(asked)
    with pytest.raises(ValueError, match="above 0"):
        response.contact_pressure(asked, rest_days=0)


def test_where_all_are_reminded_nothing_says_what_reminders_add():
    rows = pd.DataFrame(
        {
            "reminded": [False] * 60 + [True] * 60,
            "answered_after": [2.0] * 60 + [9.0] * 30 + [np.nan] * 30,
        }
    )
    rows["answered"] = rows["answered_after"].notna()
    rows["after_reminder"] = rows["answered"] & rows["reminded"]
    rows["reminded_after"] = np.where(rows["reminded"], 7.0, np.nan)
    fit = response.reminders(Sample(rows, draws=50))
    assert fit.table["estimate"].tolist() == [0.5] and "ratio" not in fit.tables
    assert "what reminders add is not known" in fit.finding.claim


def test_rest_is_counted_from_the_invitation_before_and_not_from_reminders():
    first = letters(
        sent_at=pd.to_datetime(["2026-01-01", "2026-01-05", "2026-01-12", "2026-03-01"])
    )
    first["customer_id"] = [2, 2, 2, 2]
    asked = response.invited(Sample(first, cluster="customer_id", draws=50), ANSWERS)
    customers = pd.DataFrame({"customer_id": [2, 5]})
    fit = response.contact_pressure(asked, rest_days=30, customers=customers)
    assert fit.table["estimate"].tolist() == [pytest.approx(1 / 3), 0.5]
    assert fit.by_count["n"].tolist() == [1, 1, 1]
    assert fit.by_count["term"].tolist() == [
        "0 earlier invitations",
        "1 earlier invitation",
        "2 earlier invitations or more",
    ]


@pytest.fixture(scope="module")
def company() -> dict[str, pd.DataFrame]:
    return generator.company(4)


@pytest.fixture(scope="module")
def asked(company: dict[str, pd.DataFrame]) -> Sample:
    sent = Sample(company["invitations"], cluster="customer_id", draws=200)
    return response.invited(sent, company["responses"])


@pytest.mark.slow
def test_every_answer_of_the_company_has_its_invitation(company, asked):
    back = asked["response_id"].dropna()
    assert set(back) == set(company["responses"]["response_id"]) and back.is_unique
    assert (asked["answered_after"].dropna() >= 0).all()
    late = asked.data[asked["after_reminder"]]
    assert (late["answered_after"] >= late["reminded_after"]).all()


def test_the_true_effect_of_reminders_is_found(asked):
    ratio = response.reminders(asked).ratio.iloc[0]
    assert ratio["low"] <= TRUTH["reminder"]["ratio"] <= ratio["high"]


def test_the_young_answer_least_and_the_order_is_the_true_one(company, asked):
    ages = company["customers"].set_index("customer_id")["age_group"]
    rows = asked.assign(age_group=asked["customer_id"].map(ages))
    fit = response.by_attribute(rows, ["age_group"])
    true = TRUTH["response"]["age_group"]
    found = fit.table.set_index("term")["estimate"]
    assert found.sort_values().index.tolist() == sorted(true, key=true.get)
    assert fit.finding.at == {"age_group": "18-29"} and fit.table["differs"].all()


@pytest.mark.slow
def test_those_who_answer_late_are_less_satisfied_as_they_truly_are(company, asked):
    answers = Sample(company["responses"], cluster="customer_id", draws=50)
    timed = response.with_when(answers, asked).data
    means = timed.groupby("time_of_answer")["satisfaction1"].mean()
    assert means["after a reminder"] < means["without a reminder"]
    fit = scores.by_group(timed, "satisfaction1", by="time_of_answer", measure="mean")
    fit = response.late_answers(fit)
    assert fit.finding.action.startswith("Go on sending reminders")  # no group of customers


def test_many_invitations_of_few_customers_are_a_small_group():
    """15 invitations of 3 customers: neither the table nor the headline gives their rate."""
    who = [*range(50), *range(50, 90), *(90, 91, 92) * 5]
    rows = pd.DataFrame({"customer_id": who, "plan": ["a"] * 50 + ["b"] * 40 + ["c"] * 15})
    rows["answered"] = [i % 2 == 0 for i in range(50)] + [True] * 40 + [False] * 15
    with context.use(context.Context(smallest_cell=10)):
        fit = response.by_attribute(Sample(rows, cluster="customer_id"), ["plan"])
        assert disclosure.hidden(fit.table).tolist() == ["", "complement", "small"]
        assert "plan is c" not in str(fit)
        waves = response.by_wave(Sample(rows, cluster="customer_id"), over="plan")
        assert disclosure.hidden(waves.table).tolist() == ["", "complement", "small"]
