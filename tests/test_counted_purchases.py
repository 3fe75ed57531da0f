"""Purchases counted in the store give the numbers that their rows give."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from counted_study import loaded

from cxlib import loyalty, reserve, segments, value
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.errors import InsufficientData, RowsStay
from cxlib.core.sample import Sample
from cxlib.data.schema import Reporting
from cxlib.reserve.purchases import StoredPurchases
from cxlib.reserve.subsample import SomeCustomers

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
    with loaded(root) as study:
        yield study


@pytest.fixture
def histories(study) -> tuple[loyalty.PurchaseHistory, loyalty.PurchaseHistory]:
    """The purchases in rows, and counted."""
    orders = study.sample("orders", draws=100)
    in_rows = loyalty.purchase_history(orders, **study.loyalty.first_orders())
    return in_rows, loyalty.purchase_history(study.loyalty.purchases(draws=100))


def same(rows, counted) -> None:
    """Two results have equal tables, within 1e-9, and say the same but for whose amounts it is."""
    assert rows.tables.keys() == counted.tables.keys()
    for name, table in rows.tables.items():
        other = counted.tables[name]
        pd.testing.assert_frame_equal(table, other, rtol=1e-9, check_dtype=False)
    more = r"Purchases are counted from .*? bought again\. "
    assert rows.notes == re.sub(more, "", counted.notes)
    assert rows.finding.claim == counted.finding.claim
    assert rows.finding.detail == counted.finding.detail.partition("; amounts from")[0]


def test_who_is_new_and_how_long_they_wait(histories):
    in_rows, counted = histories
    assert (in_rows.n, in_rows.n_new, in_rows.notes) == (counted.n, counted.n_new, counted.notes)
    assert 0 < len(in_rows.names) == in_rows.n and len(counted.names) <= in_rows.n
    same(*map(loyalty.repeat_purchase, histories))


@pytest.mark.few(8)
@pytest.mark.parametrize("by", ["", "channel"])
@pytest.mark.parametrize("every", ["week", "month", "quarter"])
def test_cohorts_and_their_groups(study, histories, every, by):
    groups = study.customers.groups(by), study.customers.group_query(by)
    same(
        *(loyalty.cohorts(h, every=every, groups=g) for h, g in zip(histories, groups, strict=True))
    )


@pytest.mark.few(6)
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


TRUTH = {"r": 0.8, "alpha": 80.0, "a": 0.6, "b": 3.0, "p": 5.0, "q": 4.0, "v": 60.0}


def bought(n: int, seed: int) -> pd.DataFrame:
    """Orders of `n` customers who buy as TRUTH says, so slowly that days hold one purchase each."""
    rng = np.random.default_rng(seed)
    rate, leaves = rng.gamma(0.8, 1 / 80, n), rng.beta(0.6, 3, n)
    likes, start = rng.gamma(4.0, 1 / 60.0, n), rng.uniform(0, 130, n)
    who, at, rows = np.arange(n), start, []
    while len(who):
        rows.append((who, at, rng.gamma(5.0, 1 / likes[who])))
        stays = (rng.random(len(who)) >= leaves[who]) | (at == start[who])
        later = at + rng.exponential(1 / rate[who])
        who, at = who[stays & (later < 780)], later[stays & (later < 780)]
    number, week, amount = map(np.concatenate, zip(*rows, strict=True))
    orders = pd.DataFrame({"order": [f"o{k}" for k in range(len(week))]})
    orders["amount"] = np.round(amount, 2)
    orders["who"] = pd.Series(number).map("c{}".format)
    orders["at"] = pd.Timestamp("2010-01-01") + pd.to_timedelta(np.floor(week * 7), unit="D")
    return orders.assign(channel=np.where(number < 2 * n / 3, "web", "shop"))


@contextmanager
def opened(root, orders: pd.DataFrame, share: float = 1.0) -> Iterator[reserve.Reserve]:
    """A study of the orders, of which this share is read at most."""
    folder = root / "data" / "counted"
    folder.mkdir(parents=True)
    (root / "notebooks").mkdir()
    orders.to_csv(folder / "orders.csv", index=False)
    text = STUDY.replace(" AMOUNT", ", amount: amount").replace("CUSTOMERS", "")
    text += f"limits: {{rows_at_most: {round(share * len(orders))}}}\n"
    (folder / "study.yaml").write_text(text.replace("QUIET", "0").replace("group: region\n", ""))
    with loaded(root) as study:
        yield study


@pytest.fixture(scope="module", params=["plain", "handed back"])
def buyers(request, tmp_path_factory) -> Iterator[reserve.Reserve]:
    """Of 900 customers all orders are read; some hand something back, all of it or in part."""
    orders = bought(900, 8)
    if request.param == "handed back":
        back = orders[orders["who"].str.endswith("3")].sample(frac=0.3, random_state=1)
        part = np.where(np.arange(len(back)) % 2, 1.0, 0.4)
        back = back.assign(order="b" + back["order"], amount=-np.round(back["amount"] * part, 2))
        orders = pd.concat([orders, back.assign(at=back["at"] + pd.Timedelta(days=200))])
    with opened(tmp_path_factory.mktemp("buyers"), orders) as study:
        yield study


def by_channel(study) -> tuple[Sample, pd.Series, StoredPurchases]:
    """Orders in rows, the groups of their customers, and the same counted."""
    stored = study.loyalty.purchases(draws=50).grouped(study.customers.group_query("channel"))
    return study.sample("orders", draws=50), study.customers.groups("channel"), stored


@pytest.mark.parametrize("model", ["bg_nbd", "mbg_nbd", "pareto_nbd"])
def test_a_model_of_purchases(buyers, model):
    orders, groups, stored = by_channel(buyers)
    by, refused = {"model": model, "groups": groups}, ""
    try:
        rows = value.lifetime_value(orders, **by)
    except InsufficientData as error:  # those who hand back make Pareto/NBD's chances all alike
        refused = str(error)
    if refused:
        with pytest.raises(InsufficientData, match=re.escape(refused)):
            value.lifetime_value(orders, model=model, counted=stored)
        return
    assert rows.table["n"].iloc[0] > 800 and np.isfinite(rows.table["low"]).all()
    same(rows, value.lifetime_value(orders, model=model, counted=stored))
    same(
        value.holdout(orders, 104, model=model),
        value.holdout(orders, 104, model=model, counted=stored),
    )


def test_the_choice_of_a_model_and_what_moves_it(buyers):
    orders, groups, stored = by_channel(buyers)
    ask = {"holdout": 104}
    same(
        value.compare_models(orders, groups=groups, **ask),
        value.compare_models(orders, counted=stored, **ask),
    )
    same(
        value.covariate_effects(orders, groups, model="bg_nbd"),
        value.covariate_effects(orders, model="bg_nbd", counted=stored),
    )
    graded = segments.grouped_by_grade(buyers.loyalty.purchases(draws=50))
    same(
        value.lifetime_value(orders, groups=segments.rfm_grades(orders)),
        value.lifetime_value(orders, counted=graded),
    )


def test_a_model_without_amounts_or_without_a_maximum(study):
    orders, groups, stored = by_channel(study)
    said = []
    for asked in ({"groups": groups}, {"counted": stored}):
        with pytest.raises(InsufficientData) as refused:
            value.lifetime_value(orders, model="pareto_nbd", **asked)
        said.append(str(refused.value))
    assert said[0] == said[1]


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Iterator[reserve.Reserve]:
    """Of 9,000 customers who buy as TRUTH says, a quarter of the orders are read."""
    with opened(tmp_path_factory.mktemp("large"), bought(9000, 11), 0.25) as study:
        yield study


def widths(table: pd.DataFrame) -> np.ndarray:
    return (table["high"] - table["low"]).to_numpy(float)


def test_of_more_orders_than_are_read_purchases_are_of_all_customers(large):
    with large.of_some_customers("orders", counted=True) as some:
        orders, stored = some.sample("orders", draws=400), some.loyalty.all_purchases(draws=400)
        theirs = value.lifetime_value(orders)
        found = value.lifetime_value(orders, counted=stored)
        assert large.loyalty.all_purchases() is None
    everyone = value.lifetime_value(large.sample("orders", draws=400))
    n = int((theirs.parameters["n"]).iloc[-1])
    assert f"n = 9,000; amounts from {n:,} of them" in found.finding.detail
    assert f"amounts are learned from {n:,} of them who bought again" in found.notes
    parameters = found.parameters.set_index("term")
    ends = parameters[["low", "high"]].to_numpy(float)
    values = np.array([TRUTH[term] for term in parameters.index])
    assert ((ends[:, 0] < values) & (values < ends[:, 1])).all()
    # Purchases are those of all customers, and so are how many there are and their intervals.
    for name in ("active", "purchases"):
        of_all, of_some = everyone.tables[name], theirs.tables[name]
        pd.testing.assert_frame_equal(
            found.tables[name][["estimate", "n"]], of_all[["estimate", "n"]], rtol=1e-9
        )
        assert widths(found.tables[name]) == pytest.approx(widths(of_all), rel=0.15)
        assert widths(found.tables[name]) < 0.65 * widths(of_some)
    np.testing.assert_allclose(
        found.parameters["estimate"].iloc[4:], theirs.parameters["estimate"].iloc[4:], rtol=1e-9
    )
    width = [widths(fit.table)[0] for fit in (everyone, found, theirs)]
    assert width[0] < width[1] < width[2]


def test_grades_and_choice_and_holdout_and_covariates_are_of_all_customers(large):
    every, by = large.sample("orders", draws=100), large.customers.groups("channel")
    with large.of_some_customers("orders", counted=True) as some:
        orders = some.sample("orders", draws=100)
        graded = segments.grouped_by_grade(some.loyalty.all_purchases(draws=100))
        counted = {"counted": some.loyalty.all_purchases("channel")}
    grades, own = segments.rfm_grades(every), ["low", "high", *SIMULTANEOUS]

    def same_estimates(*fits, name: str = "table") -> None:
        """All columns are equal but for intervals, and for `clv`, whose amounts are of some."""
        tables = (fit.tables[name].drop(columns=[*own, "clv"], errors="ignore") for fit in fits)
        pd.testing.assert_frame_equal(*tables, rtol=1e-9)

    both = value.lifetime_value(every, groups=grades), value.lifetime_value(orders, counted=graded)
    same_estimates(*both, name="active")
    both = value.compare_models(every, groups=by), value.compare_models(orders, **counted)
    same_estimates(*both)
    same_estimates(*both, name="active")
    assert both[0].best == both[1].best == "bg_nbd"
    both = value.holdout(every, 104), value.holdout(orders, 104, **counted)
    same_estimates(*both)
    assert both[0].finding.claim == both[1].finding.claim
    asked = {"model": "bg_nbd"}
    both = (
        value.covariate_effects(every, by, **asked),
        value.covariate_effects(orders, **asked, **counted),
    )
    same_estimates(*both)
    assert widths(both[1].table) == pytest.approx(widths(both[0].table), rel=0.3)


def test_patterns_are_customers_with_their_number(large):
    """Fewer than customers, of whom those in rows have their key."""
    keyed = large.loyalty.purchases()
    half = replace(keyed, some=SomeCustomers(0.5, "orders", 1))
    of_all, of_half = (one.patterns(keyed.end) for one in (keyed, half))
    assert of_all["n"].sum() == of_half["n"].sum() == 9000 and (of_all["key"] >= 0).all()
    unkeyed = of_half[of_half["key"] < 0]
    assert 0.45 < unkeyed["n"].sum() / 9000 < 0.55 and len(unkeyed) < unkeyed["n"].sum()
    assert of_all["spent"].sum() == pytest.approx(of_half["spent"].sum())
    first = large["orders"].groupby("customer_id")["at"].agg(["min", "nunique"])
    last = (keyed.end - first["min"]).dt.days - 1
    once = last[first["nunique"] == 1].value_counts()
    found = of_all[of_all["repeats"] == 0].groupby("age")["n"].sum()
    assert found.to_dict() == once.to_dict()


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
