"""One definition of a purchase: refunds, returned lines and missing amounts on every page."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxlib import loyalty, segments, value
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.data.purchases import days_bought, kept_lines, purchases, seen_from
from cxlib.offers import make_baskets
from cxlib.value.lifecycle import lifecycle

DAY = pd.Timestamp("2026-01-01")


def orders_of(*rows: tuple[str, int, float]) -> pd.DataFrame:
    """Orders of (customer, day, amount)."""
    table = pd.DataFrame(rows, columns=["customer_id", "day", "amount"])
    table["at"] = DAY + pd.to_timedelta(table.pop("day"), unit="D")
    return table.assign(order_id=[f"o{k}" for k in range(len(table))])


@pytest.mark.parametrize(
    ("rows", "kept"),
    [
        # A purchase handed back on another day is none; the customer's others stay.
        ([("a", 1, 10), ("a", 5, 20), ("a", 9, -10)], [("a", 20.0)]),
        # The exact amount is found before the latest purchase.
        ([("a", 1, 10), ("a", 2, 20), ("a", 3, 30), ("a", 9, -20)], [("a", 10.0), ("a", 30.0)]),
        # A part is taken off the latest, and what is over off the one before.
        ([("a", 1, 10), ("a", 2, 20), ("a", 9, -25)], [("a", 5.0)]),
        # On one day purchases come first, whatever the order of the rows.
        ([("a", 1, -10), ("a", 1, 10), ("a", 2, 4)], [("a", 4.0)]),
        # Another customer's refund, and one of a purchase before the file begins, take nothing off.
        ([("a", 1, 10), ("b", 2, -10), ("b", 3, 7)], [("a", 10.0), ("b", 7.0)]),
        # A free order is a purchase; one of no amount is left out.
        ([("a", 1, 0), ("a", 2, np.nan), ("a", 3, 5)], [("a", 0.0), ("a", 5.0)]),
    ],
)
def test_refunds_are_taken_off_what_they_hand_back(rows, kept) -> None:
    orders = orders_of(*rows)
    bought, notes = purchases(orders, seen_from(orders))
    assert list(bought[["customer_id", "amount"]].itertuples(index=False, name=None)) == kept
    if (orders["amount"] < 0).any():
        assert any("refund" in note for note in notes)
    assert days_bought(orders, seen_from(orders))[0]["amount"].sum() == bought["amount"].sum()


def test_a_purchase_counts_until_it_is_handed_back() -> None:
    orders = orders_of(("a", 1, 10), ("a", 9, -10), ("b", 1, 5))
    assert len(purchases(orders, DAY + pd.Timedelta(days=5))[0]) == 2
    assert purchases(orders, DAY + pd.Timedelta(days=30))[0]["customer_id"].tolist() == ["b"]


def test_what_refunds_leave_over_is_said() -> None:
    orders = orders_of(("a", 1, 10), ("a", 9, -15), ("b", 1, 5))
    notes = " ".join(purchases(orders, seen_from(orders))[1])
    assert "1 refund is of more than the customer had bought" in notes
    assert "1 purchase was handed back in full" in notes


@pytest.fixture(scope="module")
def shop() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Orders of 300 customers, and the same with three in ten of them handed back a week later."""
    rng, rows = np.random.default_rng(3), []
    for customer in range(300):
        at = start = DAY + pd.Timedelta(days=int(rng.integers(0, 60)))
        life, rate, mean = rng.exponential(300), rng.gamma(0.8, 40) + 3, 1 / rng.gamma(4, 1 / 130)
        while at < DAY + pd.Timedelta(days=300) and (at - start).days < life:
            rows.append((f"c{customer}", at, round(float(rng.gamma(4, mean / 4)), 2)))
            at += pd.Timedelta(days=1 + float(rng.exponential(rate)))
    bought = pd.DataFrame(rows, columns=["customer_id", "at", "amount"])
    back = bought[rng.random(len(bought)) < 0.3]
    back = back.assign(at=back["at"] + pd.Timedelta(days=7), amount=-back["amount"])
    return bought, pd.concat([bought, back], ignore_index=True)


@pytest.mark.slow
def test_every_page_counts_the_same_purchases_and_customers(shop) -> None:
    _bought, both = shop
    end = DAY + pd.Timedelta(days=310)
    kept = purchases(both, end)[0]
    assert abs(kept["amount"].sum() - both["amount"].sum()) < 1e-6 * both["amount"].abs().sum()
    people = kept["customer_id"].nunique()
    scores = segments.rfm_scores(both, segments.rfm(Sample(both, draws=20), as_of=end)).data
    assert (len(scores), scores["orders"].sum()) == (people, len(kept))
    history = loyalty.purchase_history(both, as_of=end)
    days = kept.assign(day=kept["at"].dt.normalize()).groupby(["customer_id", "day"]).ngroups
    assert (len(history.names), len(history.who)) == (people, days)
    cycle = lifecycle(Sample(both, draws=20), as_of=end)
    assert cycle.table["n"].max() == people


@pytest.mark.slow
def test_customers_are_worth_what_they_keep(shop) -> None:
    bought, both = shop
    end, terms = DAY + pd.Timedelta(days=310), value.Valuation(26)
    worth = [
        value.lifetime_value(Sample(rows, draws=20), terms, as_of=end).table["estimate"].iloc[0]
        for rows in (bought, both)
    ]
    assert 0.6 < worth[1] / worth[0] < 0.85  # seven tenths of the money stayed


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ({"quantity": [1, 0, 2, 1]}, ["tea", "cup", "pot"]),
        ({"quantity": [1, 1, 2, -1]}, ["cup", "cup"]),  # the tea of the order before is returned
        ({"amount": [3.0, 4, 5, -3]}, ["cup", "cup"]),
        ({"quantity": [3, 1, 2, -1]}, ["tea", "cup", "cup"]),
        ({}, ["tea", "cup", "cup", "tea"]),
    ],
)
def test_lines_that_were_returned_are_in_no_basket(lines, kept) -> None:
    orders = orders_of(("a", 1, 10), ("b", 2, 5), ("a", 3, 1))
    names = ["tea", "cup", "cup", "tea"] if "pot" not in kept else ["tea", "cup", "cup", "pot"]
    table = pd.DataFrame({"order_id": ["o0", "o0", "o1", "o2"], "product": names, **lines})
    bought = kept_lines(orders, table, "product")
    assert table.loc[bought, "product"].tolist() == kept
    baskets = make_baskets(orders, table, least=1)
    assert baskets.matrix.sum() == len(kept)
    assert any("do not count" in note for note in baskets.notes) == (len(kept) < 4)


def test_lines_of_an_order_that_was_handed_back_do_not_count() -> None:
    orders = orders_of(("a", 1, 10), ("b", 2, 5), ("a", 3, -10))
    lines = pd.DataFrame({"order_id": ["o0", "o0", "o1"], "product": ["tea", "cup", "pot"]})
    assert kept_lines(orders, lines, "product").tolist() == [False, False, True]


@pytest.mark.slow
def test_without_amounts_what_needs_them_says_so_and_the_rest_is_told() -> None:
    rows = [(f"c{k % 40}", 9 * (k // 40) + k % 7, 1.0) for k in range(200)]
    orders = orders_of(*rows).drop(columns="amount")
    history = loyalty.purchase_history(orders)
    assert len(loyalty.cohorts(history, every="week").table)
    revenue = loyalty.repeat_revenue(history, every="week")
    assert set(revenue.table["term"]) == {"purchases"} and "no amounts" in revenue.notes
    first = loyalty.first_purchases(history, landmark=1, horizon=7)
    assert "amount" not in first.data
    assert len(lifecycle(orders, weeks=1).table)
    for needs in (segments.rfm, value.lifetime_value):
        with pytest.raises(InsufficientData, match="orders have no amounts"):
            needs(orders)
