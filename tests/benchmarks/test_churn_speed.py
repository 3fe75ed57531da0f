"""A million customers scored with reasons in under a minute."""

from __future__ import annotations

import resource
import time

import numpy as np
import pandas as pd
import pytest

from cxlib import churn

pytestmark = pytest.mark.slow


def test_a_million_customers_are_scored_with_reasons_in_under_a_minute() -> None:
    rng = np.random.default_rng(1)
    n = 1_000_000
    people = pd.DataFrame({f"x{i}": rng.normal(size=n).round(3) for i in range(8)})
    people = people.assign(**{f"c{i}": rng.choice(list("abcd"), n) for i in range(8)})
    odds = np.exp(people["x0"] - 1 - (people["c0"] == "a"))
    people["left"] = rng.random(n) < odds / (1 + odds)
    fit = churn.fit(people.head(5_000), draws=50, repeats=1)
    start = time.perf_counter()
    scored = churn.score(people, fit)
    took = time.perf_counter() - start
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # in GB, as Linux counts
    print(f"\n{n:,} customers scored with reasons: {took:.1f} s, {most:.1f} GB at most")
    assert took < 60 and most < 4
    assert len(scored) == n and scored["reasons"].str.len().gt(0).all()
