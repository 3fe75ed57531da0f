"""Purchases counted in the store give the numbers that their rows give."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest

from cxlib import loyalty, reserve, segments, value
from cxlib.core.errors import InsufficientData, RowsStay
from cxlib.data.schema import Reporting

STUDY = """
title: Counted
currency: EUR
tables:
  orders:
    files: orders.csv
    columns: {order_id: order, customer_id: who, at: at AMOUNT}
    keep: [channel]
CUSTOMERS
loyalty: {quiet: QUIET}
group: region
"""
CUSTOMERS = """
  customers:
    files: customers.csv
    columns: {customer_id: who, joined_on: joined}
    keep: [region]
"""
KINDS = {  # refunds, amounts, customers with the day on which they joined, quiet days
    "plain": (0.0, True, True, 0),
    "handed back": (0.15, True, True, 0),
    "no amounts": (0.0, False, False, 40),
    "all handed something back": (1.0, True, False, 25),
}


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=KINDS)
def study(request, tmp_path_factory) -> Iterator[reserve.Reserve]:
    """A study of 300 customers, some of whose orders lack something."""
    refunds, priced, listed, quiet = KINDS[request.param]
    root, rng, n = tmp_path_factory.mktemp("counted"), np.random.default_rng(3), 1500
    folder = root / "data" / "counted"
    folder.mkdir(parents=True)
    (root / "notebooks").mkdir()
    who = rng.integers(0, 300, n)
    orders = pd.DataFrame({"order": [f"o{k}" for k in range(n)], "who": [f"c{w}" for w in who]})
    minutes = rng.integers(0, 400 * 1440, n)
    orders["at"] = pd.Timestamp("2025-01-03") + pd.to_timedelta(minutes, "min")
    orders["amount"] = np.round(rng.uniform(5, 90, n), 2)
    orders["channel"] = rng.choice(["web", "shop"], n)
    back = orders[who < 300 * refunds].sample(frac=0.2, random_state=1)
    if refunds == 1:  # a day later, of each customer once more than was bought
        back = pd.concat([back, orders.drop_duplicates("who")])
    back = back.assign(order="b" + back["order"], amount=-back["amount"])
    back["at"] += pd.to_timedelta(rng.integers(0, 5, len(back)), "D")
    orders = pd.concat([orders, back], ignore_index=True)
    orders.loc[rng.random(len(orders)) < 0.02, "who"] = None
    orders.loc[rng.random(len(orders)) < 0.02, "amount"] = None
    orders.to_csv(folder / "orders.csv", index=False)
    names = pd.DataFrame({"who": [f"c{k}" for k in range(300)]})
    joined = pd.Timestamp("2024-09-01") + pd.to_timedelta(rng.integers(0, 300, 300), "D")
    names["joined"] = joined.where(rng.random(300) > 0.1)
    names["region"] = rng.choice(["north", "south", None], 300)
    names.to_csv(folder / "customers.csv", index=False)
    text = STUDY.replace(" AMOUNT", ", amount: amount" if priced else "")
    text = text.replace("CUSTOMERS", CUSTOMERS if listed else "").replace("QUIET", str(quiet))
    (folder / "study.yaml").write_text(text if listed else text.replace("group: region\n", ""))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_ROOT", str(root))
        reserve.load("counted")
        opened = reserve.open("counted")
    with opened:
        yield opened


@pytest.fixture
def histories(study) -> tuple[loyalty.PurchaseHistory, loyalty.PurchaseHistory]:
    """The purchases in rows, and counted."""
    orders = study.sample("orders", draws=100)
    in_rows = loyalty.purchase_history(orders, **study.loyalty.first_orders())
    return in_rows, loyalty.purchase_history(study.loyalty.purchases(draws=100))


def same(rows, counted) -> None:
    """Two results have equal tables, within 1e-9, and say the same."""
    assert rows.tables.keys() == counted.tables.keys()
    for name, table in rows.tables.items():
        other = counted.tables[name]
        pd.testing.assert_frame_equal(table, other, rtol=1e-9, check_dtype=False)
    assert rows.notes == counted.notes
    assert rows.finding.claim == counted.finding.claim
    assert rows.finding.detail == counted.finding.detail


def test_who_is_new_and_how_long_they_wait(histories):
    in_rows, counted = histories
    assert (in_rows.n, in_rows.n_new, in_rows.notes) == (counted.n, counted.n_new, counted.notes)
    assert 0 < len(in_rows.names) == in_rows.n and len(counted.names) <= in_rows.n
    same(*map(loyalty.repeat_purchase, histories))


@pytest.mark.parametrize("by", ["", "channel"])
@pytest.mark.parametrize("every", ["week", "month", "quarter"])
def test_cohorts_and_their_groups(study, histories, every, by):
    groups = study.customers.groups(by), study.customers.group_query(by)
    same(
        *(loyalty.cohorts(h, every=every, groups=g) for h, g in zip(histories, groups, strict=True))
    )


@pytest.mark.parametrize("every", ["week", "month", "quarter", "year"])
def test_revenue_of_those_who_bought_before(histories, every):
    in_rows, counted = (loyalty.repeat_revenue(h, every=every) for h in histories)
    same(in_rows, counted)
    assert in_rows.ungrouped == counted.ungrouped
    np.testing.assert_allclose(in_rows.replicates, counted.replicates, rtol=1e-9)


@pytest.mark.parametrize("grades", [2, 5])
def test_grades_and_who_moved_between_them(study, grades):
    if "amount" not in study.columns("orders"):
        with pytest.raises(InsufficientData, match="no amounts"):
            segments.rfm(study.loyalty.purchases())
        return
    opened = study.sample("orders", draws=100), study.loyalty.purchases(draws=100)
    same(*(segments.rfm(o, grades=grades) for o in opened))
    moved = [segments.grade_migration(o, grades=grades, since=60, window=90) for o in opened]
    assert len(moved[0].table) > 4
    same(*moved)


@pytest.mark.parametrize(("weeks", "most"), [(13, 8), (6, 3)])
def test_the_life_cycle(study, weeks, most):
    opened = study.sample("orders", draws=100), study.loyalty.purchases(draws=100)
    cycles = [value.lifecycle(o, weeks=weeks, most=most) for o in opened]
    assert cycles[0].table["period"].nunique() >= 2
    same(*cycles)
    with pytest.raises(InsufficientData, match="fewer than 3 complete periods"):
        value.lifecycle(opened[1], weeks=40)


def test_what_is_counted_is_the_same_where_no_row_may_leave():
    """Estimates are; resampled are groups of customers, and waits of a day are those of few."""
    with reserve.open("sample") as whole:
        limited = whole.study.model_copy(update={"reporting": Reporting(leave_rows=False)})
        with reserve.Reserve(limited) as held:
            opened = whole, held
            histories = [loyalty.purchase_history(o.loyalty.purchases(draws=100)) for o in opened]
            asked = {"every": "quarter", "groups": held.customers.group_query()}
            same(*(loyalty.cohorts(h, **asked) for h in histories))
            wanted, found = (loyalty.repeat_revenue(h, every="quarter").table for h in histories)
            np.testing.assert_allclose(found["estimate"], wanted["estimate"], rtol=1e-9)
            width = (found["high"] - found["low"]) / (wanted["high"] - wanted["low"])
            assert 0.6 < width.median() < 1.6
            with pytest.raises(RowsStay, match="fewer than 10 customers"):
                loyalty.repeat_purchase(histories[1])


def test_orders_of_who_handed_something_back_do_not_leave(study):
    limited = study.study.model_copy(update={"reporting": Reporting(leave_rows=False)})
    if len(study.loyalty.purchases().returned):
        with reserve.Reserve(limited) as held, pytest.raises(RowsStay):
            loyalty.purchase_history(held.loyalty.purchases())


def test_without_a_purchase_or_a_new_customer_it_says_so(study):
    purchases = study.loyalty.purchases()
    purchases.__dict__["_known_orders"] = "false"
    for ask in (loyalty.purchase_history, value.lifecycle):
        with pytest.raises(InsufficientData, match="is a purchase"):
            ask(purchases)
    late = study.loyalty.purchases()
    late.__dict__["quiet"] = 5000
    with pytest.raises(InsufficientData, match="customers is new"):
        loyalty.purchase_history(late)
