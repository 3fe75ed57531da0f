"""All rules above thresholds: counted by hand and by force, and as many as arules prints."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import sparse

from cxlib import offers
from cxlib.core import context
from cxlib.core.errors import InsufficientData
from cxlib.data import sources
from cxlib.data.study import Source
from cxlib.offers.itemsets import frequent

PUBLISHED = json.loads((Path(__file__).parents[1] / "reference" / "offers.json").read_text())


def baskets_of(held: np.ndarray) -> offers.Baskets:
    """An order a customer and day, products named p0, p1 ..."""
    n, places = len(held), np.arange(len(held))
    return offers.Baskets(
        sparse.csr_array(held.astype(float)),
        np.array([f"p{k}" for k in range(held.shape[1])]),
        places,
        places,
        places.astype(np.uint64),
        np.arange(n).astype("datetime64[D]"),
    )


def drawn(n: int, products: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.random((n, products)) < rng.uniform(0.1, 0.7, products)


@pytest.mark.slow
def test_a_textbook_rule_has_its_measures() -> None:
    orders = PUBLISHED["textbook"]["orders"]
    names = sorted({p for order in orders for p in order})
    held = np.array([[p in order for p in names] for order in orders])
    fit = offers.association_rules(baskets_of(held), support=0.4, confidence=0.6)
    beer, diapers, milk = (f"p{names.index(p)}" for p in ("Beer", "Diapers", "Milk"))
    rule = fit.table[(fit.table["then_bought"] == beer) & (fit.table["n"] == 2)]
    rule = rule[rule["if_bought"].str.contains(diapers) & rule["if_bought"].str.contains(milk)]
    # Support 2/5, confidence 2/3, beer in 3 of 5, the first two in 3 of 5 orders.
    expected = [2 / 5, 2 / 3, 3 / 5, 2 / 5 - 9 / 25, (1 - 3 / 5) / (1 - 2 / 3), (2 / 3) / (3 / 5)]
    measures = ["support", "confidence", "coverage", "leverage", "conviction", "estimate"]
    assert_allclose(rule[measures].to_numpy()[0], expected)


@pytest.mark.parametrize("support", [0.01, 0.1, 0.3])
def test_the_search_finds_what_counting_every_set_finds(support: float) -> None:
    held = drawn(150, 7, 1)
    every = {
        some: int(held[:, list(some)].all(1).sum())
        for size in range(1, 8)
        for some in combinations(range(7), size)
    }
    assert frequent(baskets_of(held), support, 7) == {
        some: n for some, n in every.items() if n >= support * 150
    }


def test_more_than_three_products_are_found_and_longest_is_kept() -> None:
    held = drawn(200, 6, 2)
    held[:60, :5] = True
    fit = offers.association_rules(baskets_of(held), support=0.25, confidence=0.3)
    assert fit.itemsets["size"].max() >= 5
    short = offers.association_rules(baskets_of(held), support=0.25, confidence=0.3, longest=3)
    assert short.itemsets["size"].max() == 3
    pairs = fit.table.merge(short.table, on=["if_bought", "then_bought", "n"])
    assert len(pairs) == len(short.table)


@pytest.mark.slow
@pytest.mark.mirror
@pytest.mark.parametrize("case", PUBLISHED["all_rules"]["rules"], ids=lambda c: c["support"])
def test_groceries_has_as_many_rules_as_arules_prints(case: dict) -> None:
    about = PUBLISHED["all_rules"]
    try:
        source = Source(mirror=about["mirror"], sha256=about["sha256"])
        held = np.loadtxt(sources.fetch(source, "Groceries.data"), dtype=int) > 0
    except sources.SourceError as error:
        pytest.skip(f"the orders of Groceries cannot be had: {error}")
    thresholds = {k: case[k] for k in ("support", "confidence")}
    table = offers.association_rules(baskets_of(held), **thresholds).table
    lengths = 2 + table["if_bought"].str.count(", ")
    assert {str(k): n for k, n in lengths.value_counts().items()} == case["lengths"]


def test_thresholds_that_make_no_sense_are_refused() -> None:
    held = baskets_of(drawn(50, 5, 3))
    with pytest.raises(ValueError, match="support must be above 0"):
        offers.association_rules(held, support=0.0)
    with pytest.raises(ValueError, match="2 products or more"):
        offers.association_rules(held, longest=1)
    with pytest.raises(InsufficientData, match="lower thresholds"):
        offers.association_rules(held, support=1.0)


@pytest.mark.slow
def test_it_speaks_both_languages() -> None:
    held = baskets_of(drawn(100, 5, 4))
    fit = offers.association_rules(held, support=0.05)
    assert "above the thresholds" in str(fit) and isinstance(fit.table, pd.DataFrame)
    with context.use(context.Context(lang="zh")):
        assert "规则" in str(offers.association_rules(held, support=0.05))
