"""Columns of results: units are declared, not guessed, and decide how a table is written."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxlib.core import columns, context, display
from cxlib.core.columns import Column


def estimated(rng: np.random.Generator, scale: float) -> pd.DataFrame:
    estimate = rng.normal(0, scale, 4)
    return pd.DataFrame(
        {
            "region": ["north_east", "south", None, "2"],
            "term": ["delivery", "check_in", "room", "price"],
            "estimate": estimate,
            "low": estimate - scale / 3,
            "high": estimate + scale / 3,
            "p": [0.2, 0.0004, 1.0, np.nan],
            "stable": [True, False, True, True],
            "weeks": [1, 2, 3, 4],
            "lift": [1.0, np.nan, -0.25, 1234.5],
            "n": [4812, 77, 20, 10],
        }
    )


@pytest.mark.parametrize("lang", context.LANGUAGES)
@pytest.mark.parametrize("unit", ["", "share", "gap", "points", "percentage points", "scale"])
@pytest.mark.parametrize("scale", [0.01, 0.3, 40.0, 3000.0])
def test_a_table_of_estimates_is_written_as_before(lang: str, unit: str, scale: float) -> None:
    context.begin(lang=lang)
    table = estimated(np.random.default_rng(3), scale)
    new = columns.format_table(table, columns.of_estimates(table, unit))
    pd.testing.assert_frame_equal(new, display.display_table(table, unit))


def test_columns_beside_a_share_are_written_like_it() -> None:
    table = estimated(np.random.default_rng(3), 0.01).assign(predicted=0.0123)
    new = columns.format_table(table, columns.of_estimates(table, "share", ["predicted"]))
    pd.testing.assert_frame_equal(new, display.display_table(table, "share"))


def test_a_column_called_share_is_a_share_only_where_it_is_declared() -> None:
    table = pd.DataFrame({"share": [0.254]})
    assert columns.format_table(table).iloc[0, 0] == "0.25"
    assert columns.format_table(table, [Column("share", unit="share")]).iloc[0, 0] == "25%"
    assert columns.format_table(table, [Column("share", "", "share", 1)]).iloc[0, 0] == "25.4%"


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        ("count", 1204.0, "1,204"),
        ("money", (1204.4, "EUR"), "1,204 EUR"),
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
