"""Columns of results: units are declared, not guessed, and decide how a table is written."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from cxlib.core import columns, context, display
from cxlib.core.columns import Column
from cxlib.core.result import Result
from cxlib.report import answers, html_tables


def test_columns_in_the_unit_of_the_estimates_have_their_decimals() -> None:
    table = pd.DataFrame({"estimate": [0.012], "before": [0.0345], "promoters": [0.0345]})
    assert display.display_table(table, unit="share").values.tolist() == [["1.2%", "3.5%", "3%"]]
    assert display.display_table(table, unit="points").values.tolist() == [["0.0", "0.0", "3%"]]


@pytest.mark.parametrize("name", ["share", "customers", "again", "severity", "over", "money"])
def test_a_result_column_that_is_not_declared_gets_no_unit(name: str) -> None:
    table = pd.DataFrame({"term": ["x"], "estimate": [0.5], name: [0.254], "n": [40]})
    fit = Result(table, "Half.", unit="share")
    assert "25%" not in fit._repr_html_() and "0.25" in fit._repr_html_()
    record = answers._record("new", fit, "")
    assert "25%" not in html_tables.of_record(record)
    declared = answers._record("new", fit.replace(columns=columns.in_unit("share", name)), "")
    assert "25%" in html_tables.of_record(declared)


def test_what_a_result_declares_of_its_columns_is_read_back() -> None:
    level = Column("level", unit="name", label="tier")
    table = pd.DataFrame({"term": ["x"], "estimate": [0.5], "level": ["one"], "n": [40]})
    fit = Result(table, "Half.", columns=[level])
    record = json.loads(json.dumps(answers._record("new", fit, "")))
    assert answers._recalled(record).columns == (level,)
    assert "Tier" in html_tables.of_record(record)


@pytest.mark.parametrize(("value", "text"), [(3.0, "3"), (1234, "1,234"), (2.5, "2.50")])
def test_a_number_that_nobody_declared_is_written_by_its_type(value: float, text: str) -> None:
    assert display.display_table(pd.DataFrame({"weeks_open": [value]})).iloc[0, 0] == text


def test_a_column_called_share_is_a_share_only_where_it_is_declared() -> None:
    table = pd.DataFrame({"share": [0.254]})
    assert display.display_table(table).iloc[0, 0] == "0.25"
    assert display.display_table(table, columns=[Column("share", unit="share")]).iloc[0, 0] == "25%"
    assert (
        display.display_table(table, columns=[Column("share", "", "share", 1)]).iloc[0, 0]
        == "25.4%"
    )


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("count", 1204.0, "1,204"),
        ("money", (1204.4, "EUR"), "€1,204"),
        ("date", pd.Timestamp("2026-03-31"), "2026-03-31"),
        ("date", pd.NaT, "–"),
        ("p", 0.0004, "<0.001"),
        ("chance", 0.001, "under 1%"),
        ("minutes", 3.14159, "3.14"),
        ("count", "<10", "<10"),
        ("share", None, "–"),
        ("text", "a_b", "a_b"),
        ("name", "check_in", "check in"),
    ],
)
def test_a_value_is_written_by_its_unit(unit: str, value: object, text: str) -> None:
    assert Column("x", unit=unit).written(value) == text


def test_the_head_is_the_studys_label_then_the_declared_one_then_the_name() -> None:
    waiting = Column("waiting_time", label="Wait")
    assert (waiting.heading(), Column("waiting_time").heading()) == ("Wait", "waiting time")
    context.begin(labels={"waiting_time": "Minutes on hold"})
    assert waiting.heading() == Column("waiting_time").heading() == "Minutes on hold"


def test_a_column_declared_twice_in_two_ways_is_an_error() -> None:
    with pytest.raises(ValueError, match="'share' is declared twice"):
        columns.named([Column("share", unit="share"), Column("share", unit="count")])
