"""How old the newest row of each table is, and what a run says of those that are too old."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cxlib import reserve
from cxlib.batch import planning
from cxlib.core import context
from cxlib.core.context import Context
from cxlib.data import study as study_
from cxlib.reserve import freshness

STUDY = """
title: Shop
fresh_within: 2 days
tables:
  orders: {files: orders.csv, columns: {order_id: order, customer_id: customer, at: day}}
  cases: {files: cases.csv, columns: {case_id: "case", customer_id: customer, opened_at: day}}
"""
NOW = datetime(2026, 3, 5, 12)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Orders until 5 March and cases until 2 March."""
    root = tmp_path_factory.mktemp("project")
    folder = root / "data" / "shop"
    folder.mkdir(parents=True)
    (root / "notebooks").mkdir()
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    (folder / "orders.csv").write_text("order,customer,day\no1,a,2026-03-05\no2,b,2026-01-09\n")
    (folder / "cases.csv").write_text("case,customer,day\nc1,a,2026-03-02\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_ROOT", str(root))
        reserve.load("shop")
        with reserve.Reserve(study_.read("shop")) as opened:
            yield opened


def test_the_newest_row_of_each_table_has_an_age(shop):
    orders, cases = freshness.ages(shop, NOW)
    assert (orders.table, orders.age, orders.stale) == ("orders", timedelta(hours=12), False)
    assert (cases.table, cases.age, cases.stale) == ("cases", timedelta(days=3, hours=12), True)
    exact = freshness.ages(shop, datetime(2026, 3, 4))  # not older than two days
    assert not any(one.stale for one in exact)


@pytest.mark.parametrize(
    ("lang", "said"),
    [("en", "Cases: newest row of 2 Mar 2026, 3 days old"), ("zh", "2026年3月2日，距今 3 天")],
)
def test_the_oldest_are_told_first(shop, lang, said):
    with context.use(Context(lang=lang)):
        first, second = freshness.sentences(freshness.ages(shop, NOW))
    assert said in first and {"en": "0 days old", "zh": "距今 0 天"}[lang] in second


def test_nothing_is_said_where_study_yaml_sets_no_limit(shop):
    free = shop.study.model_copy(update={"fresh_within": ""})
    with reserve.Reserve(free) as opened:
        assert freshness.ages(opened, NOW) == []
        assert planning._ages(opened) == {}


def test_pages_are_told_which_tables_are_too_old(shop):
    assert set(planning._ages(shop)) == {"stale"}  # of 2026, whenever this test is run later


@pytest.mark.parametrize("limit", ["two days", "2 months", "-1 days", "2"])
def test_a_limit_is_a_number_of_hours_days_or_weeks(tmp_path: Path, limit):
    file = tmp_path / "study.yaml"
    file.write_text(STUDY.replace("2 days", limit), encoding="utf-8")
    with pytest.raises(study_.StudyError, match="fresh_within"):
        study_.read(file)


@pytest.mark.parametrize(
    ("needs", "period"),
    [
        (["cases"], ["cases", "2026-03-02", "2026-03-02"]),
        (["order_lines"], ["orders", "2026-01-09", "2026-03-05"]),
        (["customers|cases"], ["cases", "2026-03-02", "2026-03-02"]),
        (["events|orders", "cases"], ["orders", "2026-01-09", "2026-03-05"]),
        ([], ["orders", "2026-01-09", "2026-03-05"]),
    ],
)
def test_a_page_says_the_period_of_the_table_that_it_is_about(shop, needs, period):
    assert planning._period(shop, needs) == period
