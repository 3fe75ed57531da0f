"""Segments have short names, each once, in both languages, and a study may give its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxlib import segments
from cxlib.core import context
from cxlib.core.context import Context
from cxlib.core.result import Importance
from cxlib.core.sample import Sample
from cxlib.report.segment_cards import html_of
from cxlib.segments.features import axes_of
from cxlib.segments.names import names_of

COLUMNS = ["orders_365", "spend_365", "discount_share", "plan", "floors"]


def axes():
    rows = pd.DataFrame({c: np.arange(60.0) for c in COLUMNS} | {"plan": ["A", "B"] * 30})
    return axes_of(rows, COLUMNS, np.ones(60))


def named(*away: list[float], verdicts: list[str] | None = None) -> list[str]:
    return names_of(axes(), np.array(away, float), verdicts or ["report"] * len(away))[0]


def test_names_are_adjectives_and_a_noun():
    # Columns: orders, spend, discount, plan A, plan B, floors.
    found = named(
        [1.2, 1.0, 0.4, 0, 0, 0],
        [-0.9, 0, 0.8, 0, 0, 0],
        [0, 0, 0, 2, -2, 0],
        [0, 0, 0, 0, 0, 0.9],
        [0.1, 0, 0, 0, 0, 0],
    )
    assert found == [
        "Frequent high-spending customers",
        "Occasional discount-seeking customers",
        "Plan A",
        "High floors",
        "Average customers",
    ]
    assert all(len(name.split()) <= 4 for name in found)


def test_a_name_is_used_once():
    same = [1.2, 1.0, 0.4, 0, 0, 0]
    found = named(same, same, same, [0.0] * 6, [0.0] * 6, verdicts=["report"] * 5)
    assert len(set(found)) == 5
    assert found[:2] == [
        "Frequent high-spending customers",
        "Frequent high-spending discount-seeking customers",
    ]


def test_names_are_chinese_on_a_chinese_page_and_the_studys_own_where_it_has_some():
    rows = [1.2, 1.0, 0.4, 0, 0, 0], [-0.9, 0, 0.8, 0, 0, 0]
    with context.use(Context(lang="zh")):
        assert named(*rows)[0] == "高频高消费客户"
    with context.use(Context(labels={"orders_365 high": "Regulars"})):
        assert named(*rows) == ["Regulars", "Occasional discount-seeking customers"]


@pytest.fixture(scope="module")
def fit():
    spend = np.repeat([10.0, 100.0], 60) + np.tile(np.arange(60), 2) / 20
    rows = pd.DataFrame({"spend_365": spend, "recency_days": spend[::-1]})
    choice = segments.Choice(most=2, draws=5)
    return rows, segments.fit(Sample(rows, draws=100), choice=choice)


def test_the_segment_that_brings_most_beyond_its_size_is_the_headline(fit):
    rows, found = fit
    brought = segments.value_shares(segments.outcomes(rows, found, value="spend_365"))
    assert brought.finding.claim == (
        "Customers fall into 2 stable segments; “High-spending recent customers”, 50% of them, "
        "bring 90% of spend 365."
    )
    assert brought.finding.importance is Importance.NOTABLE
    assert brought.finding.action == (
        "Put “High-spending recent customers” first in service and retention: they bring 90% of "
        "the value."
    )
    assert len(brought.finding.claim.split()) <= 25
    assert brought.finding.low < brought.finding.value < brought.finding.high


def test_a_segment_that_leaves_more_often_comes_before_the_one_that_brings_most(fit):
    rows, found = fit
    left = np.where(np.arange(len(rows)) < 60, np.arange(len(rows)) % 2, 0).astype(float)
    told = segments.outcomes(rows.assign(left=left), found, ["left"], value="spend_365")
    action = segments.value_shares(told).finding.action
    assert action.startswith("Keep “Low-spending") and "than on average" in action
    same = segments.outcomes(rows.assign(left=0.0), found, ["left"], value="spend_365")
    assert segments.value_shares(same).finding.action.startswith("Put “High-spending")


def test_there_is_nobody_to_keep_where_hardly_anybody_buys_twice(fit):
    rows, found = fit
    outcomes = segments.outcomes(rows, found, value="spend_365")
    orders = np.ones(len(rows))
    once = segments.value_shares(outcomes, rows.assign(orders_365=orders)).finding.action
    assert once.startswith("Find out how the orders of “High-spending recent customers” were won")
    orders[:30] = 2  # a quarter bought twice
    twice = segments.value_shares(outcomes, rows.assign(orders_365=orders)).finding.action
    assert twice.startswith("Put “High-spending")


def test_the_long_description_is_on_the_card_alone(fit):
    _rows, found = fit
    described = "Spend 365: high, recency days: low"
    assert described in html_of(segments.personas(found))
    assert not any(":" in name for name in found.table["term"])
