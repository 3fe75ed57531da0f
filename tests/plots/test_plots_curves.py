"""Curves of staying, profit and uplift: what is drawn, and what is read aloud."""

from __future__ import annotations

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("agg")

from matplotlib import pyplot as plt

from cxlib import plots
from cxlib.core import context
from cxlib.plots import export


@pytest.fixture(autouse=True)
def _closed():
    plots.use_house_style()
    yield
    plt.close("all")


def line(x: str, values: list[float], **more: object) -> pd.DataFrame:
    """A curve of `values` with a band, over 10, 20 ... of `x`."""
    v = np.array(values)
    table = pd.DataFrame({"term": "a", x: 10.0 * np.arange(1, len(v) + 1), "estimate": v})
    return table.assign(low=v - 0.05, high=v + 0.05, n=100, **more)


@pytest.mark.slow
def test_staying_begins_with_everybody_and_is_told_where_all_lines_reach() -> None:
    long, short = line("time", [0.9, 0.8, 0.3], plan="A"), line("time", [0.7, 0.5], plan="B")
    ax = plots.survival(pd.concat([long, short]), by="plan", unit="months")
    drawn = ax.get_lines()[0].get_xydata()
    assert drawn[0].tolist() == [0, 1] and drawn[-1].tolist() == [30, 0.3]
    assert ax.get_xlabel() == "months"
    assert "B 20.00: 0.50" in plots.alt_text(ax.figure)
    assert "30.00: 0.30" in plots.alt_text(plots.survival(long).figure)


def test_profit_is_in_the_money_of_the_study() -> None:
    curve = pd.concat([line("contacted", [5.0, 90, 20]), line("contacted", [1.0, 2, 20])])
    ax = plots.profit(curve.assign(term=["by risk"] * 3 + ["by lot"] * 3), currency="EUR")
    assert ax.get_ylabel() == "profit (EUR)"


def test_a_line_without_a_band_is_there_to_compare_with() -> None:
    told = line("treated", [0.02, 0.05, 0.04]).assign(term="by predicted gain")
    told["treated"] /= 30
    by_lot = told.assign(term="by lot", estimate=0.04 * told["treated"], low=np.nan, high=np.nan)
    ax = plots.uplift(pd.concat([told, by_lot]))
    assert [bool(entry.get_linestyle() == "--") for entry in ax.get_lines()[:2]] == [False, True]


@pytest.mark.slow
def test_rings_stand_beside_the_dots_and_are_read_aloud() -> None:
    table = line("x", [0.2, 0.5]).assign(term=["one", "two"], quoted=[0.7, 0.1]).drop(columns="x")
    ax = plots.benchmark(table, "quoted", unit="share")
    assert ax.get_xlim()[1] > 0.7 and "Rings: quoted." in ax.get_xlabel()
    assert "one 70%; two 10%" in plots.alt_text(ax.figure)
    context.begin(lang="zh")
    assert "圆环" in plots.benchmark(table, "quoted", unit="share").get_xlabel()


def test_what_cannot_be_drawn_says_why() -> None:
    with pytest.raises(ValueError, match=r"no column \['time'\]"):
        plots.survival(
            line("x", [0.5, 0.4]).assign(time=1.0).drop(columns="time").rename(columns={})
        )
    with pytest.raises(ValueError, match="cannot be drawn"):
        plots.profit([1, 2])


def test_curves_that_are_all_hidden_leave_an_empty_figure() -> None:
    rows = pd.DataFrame({"time": [30.0, 60.0], "estimate": [0.9, 0.8], "low": 0.7, "high": 0.95})
    assert plots.survival(rows.assign(n=4)).get_xlabel()


@pytest.mark.parametrize("n", [[4, 400, 900], [4, 5, 6]])
def test_the_power_of_hidden_groups_is_not_drawn(n: list[int]) -> None:
    rows = pd.DataFrame({"waves": [1, 2, 4], "n": n, "estimate": [3.0, 2.0, 1.0]})
    assert plots.power(rows, unit="points").get_xlabel()


@pytest.mark.slow
def test_the_title_stands_clear_of_the_legend() -> None:
    stages = [line("time", [0.9 - 0.1 * k, 0.5], stage=f"stage {k}") for k in range(6)]
    ax = plots.survival(pd.concat(stages), by="stage", title="Half move on within 60 days.")
    export.picture(ax.figure)
    draw = ax.figure.canvas.get_renderer()
    title = next(t for t in ax.findobj(matplotlib.text.Text) if "Half" in t.get_text())
    assert title.get_window_extent(draw).y0 >= ax.get_legend().get_window_extent(draw).y1


@pytest.mark.slow
def test_hours_are_drawn_as_days_where_waits_are_long():
    curve = pd.DataFrame({"time": [12.0, 240.0], "estimate": [0.9, 0.2], "n": 100})
    ax = plots.survival(curve, unit="hours", about="share of cases still open")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("days", "share of cases still open")
    assert ax.get_xlim() == (0, 10)
    assert plots.survival(curve.assign(time=[1.0, 20.0]), unit="hours").get_xlabel() == "hours"


@pytest.mark.slow
def test_axes_name_what_is_drawn():
    table = pd.DataFrame({"term": ["a", "b"], "estimate": [0.3, 0.4], "n": [90, 80]})
    ax = plots.intervals(table, unit="share", about="share of comments")
    assert ax.get_xlabel() == "share of comments"
    counted = pd.DataFrame({"months": ["1", "2"], "estimate": [0.9, 0.8], "n": 90})
    ax = plots.trend(counted, over="months", unit="share", about="share retained")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("months", "share retained")


@pytest.mark.slow
def test_outcomes_of_segments_stand_side_by_side_on_a_page():
    table = pd.DataFrame({"segment": ["one", "two"] * 3, "term": np.repeat(["a", "b", "c"], 2),
                          "estimate": 9.0, "low": 4.0, "high": 10.0, "n": 80, "overall": 7.0,
                          "share": False})  # fmt: skip
    first, *others = plots.small_multiples(table).figure.axes
    assert {ax.get_position().y0 for ax in others} == {first.get_position().y0}
    assert [t.get_text() for t in first.get_yticklabels()] == ["one", "two"]
    assert not any(t.get_text() for ax in others for t in ax.get_yticklabels())


def test_waves_before_the_start_have_a_minus_sign_and_not_a_hyphen():
    table = pd.DataFrame(
        {"wave": ["-2", "-1", "0", "+1"], "estimate": 0.5, "low": 0.0, "high": 1.0}
    )
    table = table.assign(n=80, changed=[False, False, True, True])
    ax = plots.event_study(table, unit="points")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["−2", "−1", "0", "+1"]


def test_the_tiles_of_one_measure_have_as_many_decimals():
    table = pd.DataFrame(
        {"channel": ["a", "b", "a", "b"], "term": ["NPS", "NPS", "moved", "moved"]}
    )
    table = table.assign(estimate=[12.9, 31.2, 0.7, 0.0], n=90, verdict="unclear")
    said = [text.get_text() for text in plots.verdicts(table, "channel").texts]
    assert said[:4] == ["13", "31", "0.70", "0.00"]
