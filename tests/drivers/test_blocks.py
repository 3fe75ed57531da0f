"""Questions skipped together by the same customers: one indicator, its share divided equally."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import drivers
from cxlib.core.errors import InsufficientData
from cxlib.drivers.specification import specify

DRIVERS = ["speed", "staff", "price"]


def skipped(block: list[str], n: int = 300, effect: float = 2.0) -> pd.DataFrame:
    rng = np.random.default_rng(4)
    rows = pd.DataFrame({d: rng.integers(1, 6, n).astype(float) for d in DRIVERS})
    away = rng.random(n) < 0.3
    rows["overall"] = rows[DRIVERS].mean(axis=1) + effect * away + rng.normal(size=n)
    for driver in block:
        rows.loc[away, driver] = np.nan
        rows[f"{driver}_not_experienced"] = away
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("block", [["speed", "staff"], DRIVERS])
@pytest.mark.parametrize("method", ["shapley", "johnson"])
def test_a_block_skipped_together_enters_once(block, method):
    rows = skipped(block)
    spec = specify(rows, "overall", DRIVERS, "dummy")
    assert [c for c in spec.columns if c.endswith("_not_experienced")] == ["speed_not_experienced"]
    fit = drivers.importance(rows, "overall", DRIVERS, method=method, missing="dummy")
    assert_allclose(fit.table["estimate"].sum(), 1)
    assert "divided equally" in fit.notes
    share = fit.table.set_index("term")["estimate"]
    assert share[block].min() > 0.15  # each has its part of what skipping explains


def test_the_order_of_the_drivers_does_not_matter():
    rows = skipped(["speed", "staff"])
    one, other = (
        drivers.importance(rows, "overall", order, missing="dummy").table.set_index("term")
        for order in (DRIVERS, DRIVERS[::-1])
    )
    assert_allclose(one["estimate"].sort_index(), other["estimate"].sort_index())


@pytest.mark.parametrize("kind", ["logistic", "ordered"])
def test_grades_divide_the_block_too(kind):
    rows = skipped(["speed", "staff"])
    cuts = [-np.inf, 4, np.inf] if kind == "logistic" else [-np.inf, 3, 4, 5, np.inf]
    rows["overall"] = pd.cut(rows["overall"], cuts, labels=False)
    fit = drivers.importance(rows, "overall", DRIVERS, kind=kind, missing="dummy")
    assert_allclose(fit.table["estimate"].sum(), 1)


@pytest.mark.slow
def test_what_to_improve_first_goes_through():
    rows = skipped(DRIVERS)
    scales = dict.fromkeys(DRIVERS, (1, 5))
    assert len(drivers.gains(rows, "overall", DRIVERS, scales=scales, missing="dummy").table) == 3
    assert len(drivers.penalty_reward(rows, "overall", DRIVERS, missing="dummy").classes) == 3


def test_everybody_pays_the_same_price_is_a_sentence():
    rows = skipped([]).assign(price=3.0)
    with pytest.raises(InsufficientData, match="'price' is constant"):
        drivers.importance(rows, "overall", DRIVERS)
