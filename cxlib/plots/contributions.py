"""What a number is made of: a waterfall from before to now, a Pareto chart of causes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.text import unwrap
from cxlib.plots import figure, labels, layout, marks
from cxlib.plots.arrangement import Rows, accented, arrange
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import BLUE, FAINT, INK, ORANGE, QUIET, SOFT, Style

MOST = 80  # per cent of the whole that the coloured bars of a Pareto chart make up
TOP: Style = {"xycoords": ("data", "axes fraction"), "fontsize": 9, "color": SOFT}  # above the axes


@redrawable
def waterfall(
    table: pd.DataFrame,
    *,
    before: float = 0.0,
    ends: tuple[str, str] = ("before", "now"),
    unit: str = "points",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how parts of a change lead from the value before to the value now.

    Parameters
    ----------
    table : term and estimate (points of change), perhaps low, high, n, and a column `group`, as
        `scores.decompose_change` gives it for one column; a row "change" is the sum and no part
    before : value from which the parts lead
    ends : what the value before and the value now are called, such as two waves
    unit, title, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"term": ["change", "mix", "rate"], "estimate": [-5.3, 0.7, -6.0]})
    >>> ax = waterfall(table, before=21.0, ends=("2017", "2018"))
    >>> [text.get_text() for text in ax.texts]
    ['+0.7', '−6.0', '21.0', '15.7']
    """
    shown = figure.prepare(table, ("term", "estimate"))
    parts = shown[shown["term"] != "change"].dropna(subset=["estimate"]).reset_index(drop=True)
    named = parts[["group", "term"]] if "group" in parts else parts[["term"]]
    names = [_(": ").join(map(labels.name, row)) for row in named.itertuples(index=False)]
    stop = before + parts["estimate"].cumsum()
    start = stop - parts["estimate"]
    now = float(stop.iloc[-1]) if len(stop) else before
    ax = figure.new_axes(ax, figure.rows_height(len(parts) + 2, 0.4) + 0.5)
    rows = [labels.name(ends[0]), *names, labels.name(ends[1])]
    thick = 0.36 if layout.narrow() else 0.5
    change = "gap" if unit == "share" else unit  # parts of a share are percentage points
    written = labels.numbers([before, *parts["estimate"], now], unit)
    moves = labels.numbers(parts["estimate"], change)
    for k, (part, name) in enumerate(zip(parts.to_dict("records"), names, strict=True), 1):
        colour = BLUE if part["estimate"] >= 0 else ORANGE
        if part["low"] <= 0 <= part["high"]:
            colour = QUIET
        [bar] = ax.barh(k, part["estimate"], thick, start[k - 1], color=colour, zorder=2)
        marks.say(ax, bar, [labels.hover(name, part, change)])
        sign = "+" if part["estimate"] > 0 else ""
        at, side = max(start[k - 1], stop[k - 1]), sign + moves[k - 1]
        if change != unit:
            side = _("{change} pp", change=side)  # short for percentage points
        figure.note(ax, side, (at, k), (6, 0), gid=figure.HALO)
    for k, value in ((0, before), (len(parts) + 1, now)):
        marks.dots(ax, pd.DataFrame({"x": [value], "y": [k]}), "x", "y", color=INK, s=80)
        look: Style = {"fontweight": "bold", "gid": figure.HALO}
        figure.note(ax, written[k], (value, k), (9, 0), **look)
    steps = [before, *stop]
    for k, value in enumerate(steps):  # from the end of each step to the beginning of the next
        ax.plot([value, value], [k, k + 1], color=SOFT, lw=0.9, zorder=1)
    figure.row_axis(ax, [labels.row_name(r) for r in rows], above=figure.ABOVE_BAR - 0.04)
    ax.use_sticky_edges = False  # the bars would take the margin away
    ax.margins(x=0.16)
    ax.autoscale_view(scaley=False)
    ax.grid(axis="x")
    figure.number_axis(ax.xaxis, unit)
    ax.set_xlabel(labels.unit_label(unit))
    words = labels.in_words(f"{row} {value}" for row, value in zip(rows, written, strict=True))
    return figure.finish(ax, title, _("Waterfall from before to now."), words)


@redrawable
def pareto(
    table: pd.DataFrame,
    *,
    unit: str = "",
    most: int = 12,
    highlight: Sequence[object] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw causes by size, and what share of the whole the first of them make up together.

    The first bars that together reach 80% are in colour.

    Parameters
    ----------
    table : estimate (a size: cases, money, priority), perhaps low, high and n, and the columns that
        name the rows (groups, term), such as that of `journeys.pain_points`
    unit, title, ax : as in `intervals`
    most : rows that are drawn; the share is that of all rows
    highlight : names of the rows in colour, in place of those that reach 80%

    Examples
    --------
    >>> table = pd.DataFrame({"term": ["late", "rude", "price"], "estimate": [60, 10, 30]})
    >>> [text.get_text() for text in pareto(table).texts if "%" in text.get_text()][:3]
    ['60%', '90%', '100%']
    """
    shown = figure.prepare(table, ("estimate",))
    shown = shown.dropna(subset=["estimate"]).sort_values(
        "estimate", ascending=False, kind="stable"
    )
    together = (shown["estimate"].cumsum() / shown["estimate"].sum()).to_numpy(float)
    rows = arrange(shown.head(most), None, None, sort=True, bars=True)
    data = rows.data(unit).drop_duplicates("place").reset_index(drop=True)
    together = together[: len(data)]
    strong = pd.Series(np.r_[0.0, together[:-1]] < MOST / 100, index=data.index)
    if highlight is not None:
        strong = accented(data, None, highlight)
    ax = figure.new_axes(ax, figure.rows_height(rows.height) + 0.8)
    for part, colour in ((data[strong], BLUE), (data[~strong], QUIET)):
        marks.bars(ax, part, height=0.46 if layout.narrow() else 0.62, color=colour)
    marks.ranges(ax, data.drop(columns="hover"), "place", color=INK, lw=1.2, zorder=3)
    _bar_ends(ax, data, unit)
    rows.label(ax)
    reach = float(np.nanmax(data[["estimate", "high"]].to_numpy(float)))
    _cumulative(ax, rows, together, reach)
    if unit:  # an axis without ticks has no label of its own
        figure.note(ax, labels.unit_label(unit), (0, 1.0), (0, 8), ha="left", **TOP)
    ax.set_xlim(0, reach * 1.95)
    ax.set_xticks([])
    for side in ("bottom", "left"):
        ax.spines[side].set_visible(False)
    about = _("Bars by size; the line is the share that they make up together.")
    each = [
        f"{f.name} {labels.number(f.value, unit)} ({i18n.percent(c)})"
        for f, c in zip(rows.found(), together, strict=True)
    ]
    return figure.finish(ax, title, about, labels.in_words(map(unwrap, each)))


def _bar_ends(ax: Axes, data: pd.DataFrame, unit: str) -> None:
    """The size of each bar at its end; counts have no decimals."""
    whole = not unit and bool((data["estimate"] % 1 == 0).all())
    for row in data.itertuples():
        end = max(v for v in (row.estimate, row.high) if v == v)
        said = i18n.count(row.estimate) if whole else labels.number(row.estimate, unit)
        figure.note(ax, said, (end, row.place), (5, 0), color=SOFT)


def _cumulative(ax: Axes, rows: Rows, together: np.ndarray, reach: float) -> None:
    """The cumulative line at the right of the bars, from 0 to 100% between two fine lines."""
    left, wide = reach * 1.35, reach * 0.42
    x = left + wide * together
    for edge in (left, left + wide):
        ax.axvline(edge, color=FAINT, lw=0.8, zorder=0)
    ax.plot(x, rows.places, "-o", color=INK, lw=1.3, ms=4.5, zorder=3)
    for at, place, share in zip(x, rows.places, together, strict=True):
        figure.note(ax, i18n.percent(share), (at, place), (6, 0), fontsize=9)
    words = _("cumulative share, 0 to 100%")
    figure.note(ax, words, (left + wide / 2, 1.0), (0, 8), ha="center", **TOP)
