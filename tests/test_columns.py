"""Columns of results: units are declared, not guessed, and decide how a table is written."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from cxlib.core import columns, context, display
from cxlib.core.columns import Column
from cxlib.core.result import Result
from cxlib.report import answer_names, answers, html_tables


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


@pytest.mark.parametrize("unit", ["", "name", "text", "share"])
def test_what_a_row_does_not_have_is_a_dash(unit: str) -> None:
    table = pd.DataFrame({"parent": pd.Series(["Kiel", None], dtype="str")})
    shown = display.display_table(table, columns=[Column("parent", unit=unit)])
    assert shown.iloc[:, 0].tolist() == ["Kiel", "–"]


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
        ("date", pd.Timestamp("2026-03-31"), "31 Mar 2026"),
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


def test_an_end_is_headed_by_the_label_of_its_column() -> None:
    known = {"behind": Column("behind", label="behind the best")}
    assert columns.heading(known, "behind_low") == "behind the best, lower limit"
    assert columns.heading({}, "behind_low") == "behind, lower limit"


def test_a_column_declared_twice_in_two_ways_is_an_error() -> None:
    with pytest.raises(ValueError, match="'share' is declared twice"):
        columns.named([Column("share", unit="share"), Column("share", unit="count")])


def test_an_interval_of_shares_does_not_have_the_same_ends_twice() -> None:
    table = pd.DataFrame({"estimate": [0.59, 1.0], "low": [0.57, 0.998], "high": [0.6, 1.0]})
    assert columns.decimals_of(table, "share") == 1
    assert columns.decimals_of(table.assign(low=[0.57, 0.97]), "share") == 0
    assert columns.decimals_of(table.assign(low=[0.57, 1.0]), "share") == 0  # nothing to tell


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"share": True}, ["54%", "52%", "57%"]),
        ({"measure": "share"}, ["54.2%", "51.7%", "56.8%"]),
        ({"unit": "share"}, ["54.2", "51.7", "56.8"]),
        ({"measure": "share", "signal": "below"}, ["54.2 percentage points", "51.7", "56.8"]),
        ({"unit": "points"}, ["0.5", "0.5", "0.6"]),
        ({}, ["0.54", "0.52", "0.57"]),
    ],
)
def test_simultaneous_limits_are_in_the_unit_of_their_estimate(row: dict, text: list) -> None:
    ends = {"simultaneous_low": [0.517], "simultaneous_high": [0.5675]}
    table = pd.DataFrame({"estimate": [0.5424], **ends, **{k: [v] for k, v in row.items()}})
    shown = display.display_cells(table, columns.resolved(table))
    assert shown[["estimate", *ends]].iloc[0].tolist() == text


def test_limits_of_large_numbers_have_the_decimals_of_their_estimates() -> None:
    ends = {"simultaneous_low": [159.06], "simultaneous_high": [269.47]}
    table = pd.DataFrame({"estimate": [214.3], "low": [174.3], "high": [254.3], **ends})
    assert display.display_table(table).iloc[0].tolist() == ["214", "174", "254", "159", "269"]


def test_the_label_of_a_construct_heads_its_own_column_only() -> None:
    labels = {"value": "Perceived value", "support": "Help line"}
    published = Column("value", "published value", columns.ESTIMATE, label="benchmark value")
    table = pd.DataFrame({"value": [18.0], "support": [0.2]})
    with context.use(context.Context(labels=labels)):
        assert list(display.display_table(table, "points", [published])) == [
            "benchmark value",
            "support",
        ]
        undeclared = pd.DataFrame({"value": [18.0]})
        assert list(display.display_table(undeclared)) == ["Perceived value"]
        assert answer_names.called("value") == "Value by segment"


def test_differences_of_shares_are_percentage_points_beside_levels_in_per_cent() -> None:
    row = {"estimate": [0.07], "low": [0.02], "high": [0.12], "before": [0.01], "now": [0.08]}
    fit = Result(pd.DataFrame({"term": ["bill"], **row, "n": [40]}), "More.", unit="gap")
    page = html_tables.of_record(answers._record("emerging", fit, ""))
    assert "Difference (percentage points)" in page and ">7<" in page and "2 to 12" in page
    assert ">1%<" in page and ">8%<" in page


def test_a_signal_has_a_p_value_and_no_probability() -> None:
    table = pd.DataFrame({"signal": ["below"], "probability": [0.0004], "first_seen": ["2026-Q1"]})
    shown = display.display_table(table)
    assert list(shown) == ["signal", "p-value of the signal", "began"]
    assert shown.iloc[0].tolist() == ["below", "<0.001", "2026-Q1"]


def test_a_reader_sees_departments_with_a_capital_and_pages_by_their_titles() -> None:
    table = pd.DataFrame({"owner": ["logistics", ""], "source": ["21", ""], "estimate": [1.0, 2.0]})
    shown = display.display_table(table, columns=[Column("source", unit="page", label="page")])
    assert shown.iloc[:, 0].tolist() == ["Logistics", ""]
    assert shown.iloc[:, 1].tolist() == ["What shall we improve first?", ""]


def test_a_row_without_a_group_is_of_all():
    table = pd.DataFrame({"by": ["", "region"], "group": ["", "North"], "estimate": [1.0, 2.0]})
    assert display.display_table(table).values.tolist() == [
        ["–", "all", "1"],
        ["region", "North", "2"],
    ]
