"""Products bought together beside mlxtend in one run on one machine; ratios are printed only.

    pip install mlxtend==0.25.0                 # in an environment of their own, with cxlib
    python -m pytest tests/benchmarks/test_offers_speed.py -s

mlxtend counts sets above a support and gives no intervals and no tests; so counts are set beside
counts, and then the whole of `offers.rules` (counts, tests, intervals, later orders) beside them.
"""

from __future__ import annotations

import generator
import numpy as np
import pandas as pd
import pytest
from clock import seconds
from generator import baskets as made

from cxlib import offers

pytestmark = pytest.mark.slow


def many(orders: int, products: int, seed: int = 1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Orders of a shop whose products are bought by a power law, six or so an order."""
    rng = np.random.default_rng(seed)
    share = 1 / np.arange(1, products + 1) ** 0.8
    size = 1 + rng.poisson(5, orders)
    at = np.repeat(np.arange(orders), size)
    product = rng.choice(products, len(at), p=share / share.sum())
    head = pd.DataFrame(
        {
            "order_id": np.arange(orders).astype(str),
            "customer_id": rng.integers(0, orders // 10, orders).astype(str),
            "at": pd.Timestamp("2025-01-01") + pd.to_timedelta(np.arange(orders), "min"),
        }
    )
    lines = pd.DataFrame({"order_id": at.astype(str), "product": product.astype(str)})
    return head, lines


@pytest.mark.parametrize(("orders", "products"), [(20_000, 100), (100_000, 300)])
def test_pairs_and_triples_beside_mlxtend(orders: int, products: int) -> None:
    mlxtend = pytest.importorskip("mlxtend.frequent_patterns")
    baskets = offers.make_baskets(*many(orders, products), least=orders // 200)
    support = 0.002
    frame = pd.DataFrame.sparse.from_spmatrix(
        baskets.matrix.astype(bool), columns=list(map(str, baskets.products))
    )
    pairs = lambda: (baskets.matrix.T @ baskets.matrix).toarray()  # noqa: E731
    ours = seconds(pairs, 3)
    theirs = seconds(
        lambda: mlxtend.fpgrowth(frame.sparse.to_dense(), min_support=support, max_len=2), 1
    )
    count = pairs()
    found = mlxtend.fpgrowth(frame.sparse.to_dense(), min_support=support, max_len=2)
    both = found[found["itemsets"].map(len) == 2]
    assert len(both) == (np.triu(count, 1) >= support * len(baskets)).sum()  # the same pairs
    whole = seconds(lambda: offers.rules(baskets), 1)
    apriori = seconds(
        lambda: mlxtend.apriori(frame.sparse.to_dense(), min_support=support, max_len=3), 1
    )
    growth = seconds(
        lambda: mlxtend.association_rules(
            mlxtend.fpgrowth(frame.sparse.to_dense(), min_support=support, max_len=3),
            metric="lift",
            min_threshold=1.0,
        ),
        1,
    )
    print(
        f"\n{orders:,} orders, {products} products: all pairs {ours:.3f} s, fpgrowth "
        f"{theirs:.2f} s ({theirs / ours:.0f}x); rules tested with intervals {whole:.2f} s, "
        f"fpgrowth and its rules {growth:.2f} s ({growth / whole:.1f}x), apriori alone "
        f"{apriori:.2f} s ({apriori / whole:.1f}x)"
    )


def test_the_sample_as_a_page_asks_for_it() -> None:
    parts = generator.company()
    baskets = offers.make_baskets(parts["orders"], parts["order_lines"])
    assert len(baskets.products) == len(made.NAMES)
    print(
        f"\nsample: rules {seconds(lambda: offers.rules(baskets), 3):.2f} s, next offers "
        f"{seconds(lambda: offers.next_offers(baskets), 3):.2f} s"
    )
