"""Figures of those who come back: what stands in a tile, what is hidden, what is read aloud."""

from __future__ import annotations

import matplotlib
import pandas as pd
import pytest

matplotlib.use("agg")

from matplotlib import pyplot as plt

from cxlib import plots


@pytest.fixture(autouse=True)
def _closed():
    plots.use_house_style()
    yield
    plt.close("all")


def letters(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_a_triangle_tells_each_share_with_its_interval_and_hides_small_cohorts() -> None:
    table = pd.DataFrame(
        {
            "cohort": ["2025-01", "2025-01", "2025-02", "2025-03"],
            "after": ["1", "2", "1", "1"],
            "estimate": [0.5, 0.02, 0.4, 0.3],
            "low": [0.4, 0.005, 0.3, 0.1],
            "high": [0.6, 0.05, 0.5, 0.6],
            "n": [80, 80, 60, 4],
        }
    )
    ax = plots.cohorts(table, unit="month")
    said = letters(ax)
    assert "50%" in said and "40–60" in said and "2.0%" in said and "0.5–5.0" in said
    assert "–" in said and "n <10" in said and "30%" not in said
    assert [t.get_text() for t in ax.get_yticklabels()] == ["2025-01", "2025-02", "2025-03"]
    assert "2025-01: 50%, 2%" in ax.figure.alt_text and "30%" not in ax.figure.alt_text


@pytest.mark.slow
def test_balance_begins_with_what_differs_most() -> None:
    table = pd.DataFrame(
        {
            "term": ["amount", "plan"] * 2,
            "when": ["as they were"] * 2 + ["weighted"] * 2,
            "estimate": [0.05, -0.8, 0.0, 0.01],
            "n": 100,
        }
    )
    ax = plots.balance(table)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["plan", "amount"]
    one = plots.balance(table[table["when"] == "as they were"])
    assert ax.get_legend() and not one.get_legend()


def test_few_cohorts_seen_for_long_stand_in_columns() -> None:
    after = [str(k) for k in range(1, 13)]
    table = pd.DataFrame(
        {"cohort": "2025-01", "after": after, "estimate": 0.4, "low": 0.3, "high": 0.5, "n": 80}
    )
    ax = plots.cohorts(pd.concat([table, table.assign(cohort="2025-02")]), unit="month")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["2025-01\nn 80", "2025-02\nn 80"]
    assert [t.get_text() for t in ax.get_yticklabels()] == after
    assert ax.figure.get_figwidth() < 6 and len(ax.texts) == 48


@pytest.mark.slow
def test_all_cohorts_together_fall_from_the_first_period_to_the_last() -> None:
    curve = pd.DataFrame(
        {
            "group": "overall",
            "after": ["1", "2"],
            "estimate": [0.5, 0.2],
            "low": 0.1,
            "high": 0.6,
            "n": [90, 60],
        }
    )
    ax = plots.retention(curve, unit="month")
    assert "1 50%; 2 20%" in ax.figure.alt_text
    assert ax.get_xlabel() == "periods (month) after the first purchase"


@pytest.mark.slow
def test_coming_back_begins_with_nobody() -> None:
    table = pd.DataFrame(
        {
            "purchase": ["first"] * 3,
            "time": [10.0, 20.0, 30.0],
            "estimate": [0.2, 0.5, 0.6],
            "low": [0.1, 0.4, 0.5],
            "high": [0.3, 0.6, 0.7],
            "n": 100,
        }
    )
    ax = plots.repeat_purchase(table, by="purchase")
    x, y = ax.lines[0].get_data()
    assert (x[0], y[0]) == (0, 0) and y[-1] == 0.6
