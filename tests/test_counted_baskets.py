"""Baskets counted in the store give the association rules that their rows give."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from counted_study import loaded

from cxlib import offers, reserve
from cxlib.core.errors import InsufficientData
from cxlib.reserve.baskets import StoredBaskets

pytestmark = pytest.mark.slow
STUDY = """
title: Counted
currency: EUR
tables:
  orders:
    files: orders.csv
    columns: {order_id: order, customer_id: who, at: at, amount: amount}
  order_lines:
    files: lines.csv
    columns: {order_id: order, line: line, product: what, quantity: number}
"""
PRODUCTS = ["it's tea", "cup", "茶", "pen", "ink", "pad", "jam", "tin"]


def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Orders of 250 customers, some with tastes of their own, and what they held."""
    rng, n = np.random.default_rng(4), 2500
    who = rng.integers(0, 250, n)
    taste = rng.dirichlet(np.full(len(PRODUCTS), 0.8), 250)
    held = rng.random((n, len(PRODUCTS))) < np.minimum(2 * taste[who] + 0.05, 0.9)
    held[:, 1] |= held[:, 0] & (rng.random(n) < 0.5)
    held[:, 5:] |= rng.random((n, 1)) < 0.2
    orders = pd.DataFrame({"order": [f"o{k}" for k in range(n)], "who": [f"c{w}" for w in who]})
    orders["at"] = pd.Timestamp("2025-01-03") + pd.to_timedelta(rng.integers(0, 500000, n), "min")
    orders["amount"] = 5.0
    order, product = held.nonzero()
    lines = pd.DataFrame({"order": orders["order"].to_numpy()[order]})
    lines["what"] = np.array(PRODUCTS, object)[product]
    lines["number"] = np.where(rng.random(len(lines)) < 0.02, 0, 1)
    lines = pd.concat(
        [lines, lines.head(50)], ignore_index=True
    )  # a product twice in an order counts once
    lines["line"] = np.arange(len(lines))
    lines.loc[rng.random(len(lines)) < 0.01, "what"] = None
    orders.loc[rng.random(n) < 0.02, "who"] = None
    return orders, lines


def written(root, orders: pd.DataFrame, lines: pd.DataFrame, about: str = STUDY) -> None:
    folder = root / "data" / "counted"
    folder.mkdir(parents=True)
    (root / "notebooks").mkdir()
    orders.to_csv(folder / "orders.csv", index=False)
    lines.to_csv(folder / "lines.csv", index=False)
    (folder / "study.yaml").write_text(about, encoding="utf-8")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Iterator[reserve.Reserve]:
    root = tmp_path_factory.mktemp("baskets")
    written(root, *tables())
    with loaded(root) as study:
        yield study


def both(study: reserve.Reserve, **asked) -> tuple[offers.Baskets, offers.CountedBaskets]:
    """Baskets of rows, and counted."""
    rows = offers.make_baskets(
        study.sample("orders", draws=100), study.read("order_lines"), **asked
    )
    return rows, offers.count_baskets(StoredBaskets(study, 100), **asked)


def same(rows, counted) -> None:
    """Two results have equal tables, within 1e-9, and say the same."""
    assert rows.tables.keys() == counted.tables.keys()
    for name, table in rows.tables.items():
        pd.testing.assert_frame_equal(table, counted.tables[name], rtol=1e-9, check_dtype=False)
    assert (rows.notes, rows.finding.claim) == (counted.notes, counted.finding.claim)
    assert rows.finding.detail == counted.finding.detail


def compared(study: reserve.Reserve, **asked) -> int:
    """How many rules there are, which are the same from rows and from counts, with bundles."""
    rows, counted = both(study, **asked)
    assert (rows.products.tolist(), rows.notes) == (counted.products.tolist(), counted.notes)
    assert (len(rows), rows.buyers) == (len(counted), counted.buyers)
    for holdout in (0.3, 0):
        fits = [offers.rules(baskets, holdout=holdout) for baskets in (rows, counted)]
        same(*fits)
        if fits[0].sets:
            same(*map(offers.bundles, fits))
            np.testing.assert_allclose(fits[0].replicates, fits[1].replicates, rtol=1e-9)
    return len(fits[0].sets)


def test_rules_and_bundles_are_those_of_rows(study):
    rows, counted = both(study, least=20)
    found = [offers.rules(baskets) for baskets in (rows, counted)]
    assert {len(s) for s in found[0].sets} == {2, 3}
    assert compared(study, least=20) > 2


def test_customers_some_at_a_time_add_up(study, monkeypatch):
    monkeypatch.setattr("cxlib.reserve.baskets.AT_ONCE", 2000)
    assert compared(study, least=20) > 2


def test_rules_of_the_sample_are_those_of_rows():
    with reserve.open("sample") as sample:
        assert compared(sample, level="product") > 5
        compared(sample, level="category")


def test_where_nothing_goes_together_it_says_the_same(tmp_path, monkeypatch):
    orders, lines = tables()
    lines["what"] = np.random.default_rng(1).permutation(lines["what"].to_numpy())
    written(tmp_path, orders.head(300), lines[lines["order"].isin(orders["order"].head(300))])
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    reserve.load("counted")
    with reserve.open("counted") as study:
        assert compared(study, least=290 // 6) == 0
        with pytest.raises(InsufficientData, match="is in 5,000 of the"):
            offers.count_baskets(StoredBaskets(study), least=5000)
        with pytest.raises(ValueError, match="both sides need some"):
            both(study, least=20)[1].split(1.0)


def test_many_rows_are_counted_unless_something_was_handed_back(tmp_path, monkeypatch):
    orders, lines = tables()
    about = STUDY + "limits: {rows_at_most: 1000}\n"
    written(tmp_path, orders, lines, about)
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    reserve.load("counted")
    with reserve.open("counted") as study:
        assert study.baskets(draws=50, seed=3).draws == 50
    lines["number"] = lines["number"].where(lines["line"] > 0, -1)
    lines.to_csv(tmp_path / "data" / "counted" / "lines.csv", index=False)
    reserve.load("counted")
    with reserve.open("counted") as study:
        assert study.baskets() is None


def test_few_rows_are_read(study):
    assert study.baskets() is None
