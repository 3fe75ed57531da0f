"""Sequences of purchases: by hand, by force, against exact chances, and a known truth."""

from __future__ import annotations

from itertools import product
from math import factorial

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import offers
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample


def baskets_of(*histories: str, draws: int = 100, seed: int = 1) -> offers.Baskets:
    """Orders of customers: "ab c" is an order with a and b, then one with c."""
    rows = [
        (f"o{who}-{k}", who, pd.Timestamp("2026-01-01") + pd.Timedelta(days=k), list(order))
        for who, history in enumerate(histories)
        for k, order in enumerate(history.split())
    ]
    orders = pd.DataFrame(rows, columns=["order_id", "customer_id", "at", "product"])
    lines = orders[["order_id", "product"]].explode("product")
    return offers.make_baskets(Sample(orders, draws=draws, seed=seed), lines, least=1)


def drawn(n: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    return [
        " ".join(
            "".join(rng.choice(list("abcd"), rng.integers(1, 3), replace=False))
            for _order in range(rng.integers(1, 5))
        )
        for _customer in range(n)
    ]


def follows(history: str, some: str) -> bool:
    """Whether any choice of rising orders holds the products one by one."""
    orders = history.split()
    if not some:
        return True
    return any(
        some[0] in order and follows(" ".join(orders[k + 1 :]), some[1:])
        for k, order in enumerate(orders)
    )


def table_of(baskets: offers.Baskets, **options: object) -> pd.DataFrame:
    table = offers.sequences(baskets, most=10_000, **options).table
    return table.set_index(table["if_bought"] + " > " + table["then_bought"])


@pytest.mark.slow
def test_sequences_by_hand() -> None:
    # a then b: customers 0 and 1. Together in one order is no sequence.
    found = table_of(baskets_of("a b", "a c b", "b a", "ab"), support=0.5)
    assert found["n"].to_dict() == {"a > b": 2}
    row = found.loc["a > b"]
    assert (row["support"], row["confidence"]) == (0.5, 0.5)
    assert row["estimate"] == pytest.approx(2 / 1.5)  # three have both apart, a half each


@pytest.mark.slow
def test_the_worked_example_of_zaki_has_its_sequences_of_single_products() -> None:
    """Zaki (2001): four customers; all sequences that two of them have."""
    baskets = baskets_of("cd abc abf acdf", "abf e", "abf", "dgh bf agh")
    found = table_of(baskets, support=0.5)
    names = ["b > a", "d > a", "d > b", "d > b > a", "d > f", "d > f > a", "f > a"]
    assert sorted(found.index) == names and found["n"].eq(2).all()


@pytest.mark.slow
def test_the_search_finds_what_trying_every_sequence_finds() -> None:
    histories = drawn(60, 2)
    found = table_of(baskets_of(*histories), support=0.05, longest=4, shuffles=1)
    every = {
        " > ".join(s): sum(follows(h, "".join(s)) for h in histories)
        for size in (2, 3, 4)
        for s in product("abcd", repeat=size)
    }
    assert found["n"].to_dict() == {s: n for s, n in every.items() if n >= 3}
    first = {s: sum(follows(h, s.replace(" > ", "")[:-1]) for h in histories) for s in found.index}
    assert_allclose(found["confidence"], [every[s] / first[s] for s in found.index])


def exact(history: str, one: str, other: str) -> float:
    """Chance that an order with `one` comes before one with `other`, orders in random order."""
    orders = history.split()
    both = sum(one in o and other in o for o in orders)
    a, b = sum(one in o for o in orders) - both, sum(other in o for o in orders) - both
    if both > 1:
        return 1.0
    if not both:  # never so only where all of `other` come first
        return 1 - factorial(a) * factorial(b) / factorial(a + b) if a and b else 0.0
    return 1 - factorial(a) * factorial(b) / factorial(a + b + 1)


@pytest.mark.slow
def test_the_lift_of_pairs_is_that_of_the_exact_chance_of_random_orders() -> None:
    histories = drawn(200, 3)
    found = table_of(baskets_of(*histories), support=0.05, longest=2, shuffles=200)
    for name, row in found.iterrows():
        one, other = str(name).split(" > ")
        if one == other:
            assert (row["estimate"], row["low"], row["high"]) == (1, 1, 1)
        else:
            chance = sum(exact(h, one, other) for h in histories)
            assert row["estimate"] == pytest.approx(row["n"] / chance, rel=0.02)


@pytest.mark.slow
def test_what_comes_first_is_found_and_said() -> None:
    fit = offers.sequences(baskets_of(*["a b"] * 40, *["b a"] * 10, *["c d", "d c"] * 20))
    assert str(fit).startswith("Customers buy b after a 1.60 times")
    assert fit.table.iloc[0][["if_bought", "then_bought", "n"]].tolist() == ["a", "b", 40]
    fit = offers.sequences(baskets_of(*["c d", "d c"] * 20))
    assert str(fit).startswith("No products are bought in one order significantly")


def test_what_cannot_be_is_told() -> None:
    with pytest.raises(ValueError, match="support is 0"):
        offers.sequences(baskets_of("a b"), support=0)
    with pytest.raises(ValueError, match="longest is 1"):
        offers.sequences(baskets_of("a b"), longest=1)
    with pytest.raises(InsufficientData, match="one after the other"):
        offers.sequences(baskets_of("a", "b"))


@pytest.mark.coverage
def test_intervals_of_the_lift_of_order_cover_the_truth(tell_coverage) -> None:
    """Three of four customers with both buy a first: a lift of 1.5; c and d come in any order."""
    rng = np.random.default_rng(6)
    for n in (50, 200):
        held = []
        for seed in range(200):
            kind = rng.choice(4, n, p=[0.375, 0.125, 0.25, 0.25])
            histories = [["a b", "b a", "c d", "d c"][k] for k in kind]
            found = table_of(baskets_of(*histories, draws=200, seed=seed))
            for name, true in {"a > b": 1.5, "b > a": 0.5, "c > d": 1.0}.items():
                if name in found.index:
                    row = found.loc[name]
                    held.append(row["low"] <= true <= row["high"])
        share = np.mean(held)
        tell_coverage("lift of an order of purchases", f"{n} customers", share, len(held))
        print(n, share)
        assert 0.915 <= share <= 0.985, (n, share)
