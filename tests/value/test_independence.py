"""Correlation of how often and for how much customers buy: numpy's, and a known truth covered."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import value
from cxlib.core import context
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample


def orders(n: int, seed: int, slope: float = 0.0) -> pd.DataFrame:
    """Customers who bought 2 to 9 times, for exp(slope * log(times) + noise) each."""
    rng = np.random.default_rng(seed)
    times = 2 + rng.binomial(7, 0.5, n)
    who = np.repeat(np.arange(n), times)
    own = slope * np.log(times - 1) + rng.normal(0, 0.4, n)
    rank = np.arange(len(who)) - np.repeat(np.cumsum(times) - times, times)
    at = pd.Timestamp("2025-01-01") + pd.to_timedelta(7 * rank, unit="D")
    return pd.DataFrame({"customer_id": who, "at": at, "amount": np.exp(3 + own[who])})


def test_the_correlation_is_that_of_numpy() -> None:
    rows = orders(80, 1, 0.5)
    table = value.amount_correlation(Sample(rows, draws=50)).table
    paid = rows.groupby("customer_id")["amount"].agg(["size", "first"])
    both = paid["size"] - 1, paid["first"]
    assert_allclose(table["estimate"][0], np.corrcoef(*both)[0, 1])
    assert_allclose(table["estimate"][1], np.corrcoef(*map(np.log, both))[0, 1])


@pytest.mark.coverage
@pytest.mark.parametrize("slope", [0.0, 0.6])
def test_intervals_cover_the_correlation_of_many_customers(slope: float, tell_coverage) -> None:
    truth = value.amount_correlation(Sample(orders(40_000, 7, slope), draws=2)).table["estimate"]
    held = []
    for seed in range(150):
        table = value.amount_correlation(Sample(orders(50, seed, slope), draws=200)).table
        held.append((table["low"] <= truth) & (truth <= table["high"]))
    for kind, share in zip(
        ("number and amount", "their logarithms"), np.mean(held, axis=0), strict=True
    ):
        tell_coverage(f"correlation of {kind}", f"50 customers, slope {slope}", share, len(held))
    assert (np.mean(held, axis=0) >= 0.89).all() and (np.mean(held, axis=0) <= 0.99).all()


def test_it_says_whether_the_model_holds() -> None:
    free = str(value.amount_correlation(Sample(orders(200, 3), draws=100)))
    tied = str(value.amount_correlation(Sample(orders(300, 4, 1.0), draws=100)))
    assert "does not depend significantly" in free and "misjudges frequent buyers" in tied
    with context.use(context.Context(lang="zh")):
        assert "购买" in str(value.amount_correlation(Sample(orders(200, 3), draws=100)))


def test_too_few_or_alike_are_refused() -> None:
    with pytest.raises(InsufficientData, match="a correlation needs 30"):
        value.amount_correlation(orders(20, 5))
    with pytest.raises(InsufficientData, match="there is no correlation"):
        value.amount_correlation(orders(60, 6).assign(amount=5.0))
