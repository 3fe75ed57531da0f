"""Bars: sizes and shares of a whole, answers to a question, penalties and rewards."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.plots import figure, labels, layout, marks
from cxlib.plots.arrangement import Row, Rows, accented, arrange
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import BLUE, COLOURS, INK, ORANGE, PAPER, QUIET, SOFT, Style


@redrawable
def bars(
    table: pd.DataFrame,
    *,
    unit: str = "",
    panel: str | None = None,
    title: str | None = None,
    sort: bool = True,
    first: int | None = None,
    highlight: Sequence[object] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a bar for each row, its value at the end, a whisker where there is an interval.

    For sizes and shares of a whole, which begin at zero.

    Parameters
    ----------
    table : estimate, perhaps low, high and n, and the columns that name the rows
    unit, panel, title, sort, first, highlight, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"term": ["web", "shop"], "estimate": [0.7, 0.3]})
    >>> [text.get_text() for text in bars(table, unit="share").texts]
    ['70%', '30%']
    """
    shown, more = figure.first_rows(figure.prepare(table, ("estimate", panel)), first)
    rows = arrange(shown, panel, None, sort, bars=True)
    data = rows.data(unit).drop_duplicates("place").reset_index(drop=True)
    strong = accented(data, None, highlight)
    ax = figure.new_axes(ax, figure.rows_height(rows.height) + 0.5)
    for part, colour in ((data[strong], BLUE), (data[~strong], QUIET)):
        marks.bars(ax, part, height=_thickness(), color=colour)
    marks.ranges(ax, data.drop(columns="hover"), "place", color=INK, lw=1.4, zorder=3)
    # Shares that are small throughout differ by less than a per cent.
    small = unit == "share" and bool(data["estimate"].max() < 0.1)
    for row in data.dropna(subset=["estimate"]).itertuples():
        end = max(v for v in (row.estimate, row.high, 0) if v == v)
        nearly = unit == "share" and 0.9995 < row.estimate < 1  # not all: a few are missing
        number = i18n.percent(row.estimate, 1) if small else labels.number(row.estimate, unit)
        said = i18n.chance(row.estimate) if nearly else number
        figure.note(ax, said, (end, row.place), (6, 0), fontsize=10)
    rows.label(ax)
    reach = float(np.nanmax([shown[["estimate", "high"]].max().max(), 0])) or 1.0
    if not shown["estimate"].any():  # else the whiskers of nothing would fill the figure
        reach = max(reach, 1.0)
    ax.set_xlim(min(0, shown["estimate"].min(skipna=True)), reach * 1.22)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    ax.axvline(0, color=SOFT, lw=1)
    figure.add_below(ax, more)
    return figure.finish(ax, title, _("Bars."), more and f"({more})", rows.words(unit))


@redrawable
def answer_distribution(
    table: pd.DataFrame, *, by: str = "", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw all answers to each question as one stacked bar, from the worst to the best.

    Parameters
    ----------
    table : term, answer (from the worst to the best), estimate (share), n, as
        `scores.distribution` gives it; with `by` perhaps residual and mark, as the cells of
        `scores.crosstab`
    by : column of groups: a bar for each group of each question
    title, ax : as in `intervals`

    Returns
    -------
    The Axes; each bar is coloured over its own scale, from orange by grey to blue.

    Examples
    --------
    >>> table = pd.DataFrame({"term": "ease", "answer": [1, 2, 3], "estimate": [0.2, 0.3, 0.5],
    ...                       "n": 50})
    >>> [text.get_text() for text in answer_distribution(table).texts]
    ['1', '2', '3', 'n 50']
    """
    shown = figure.prepare(table, ("term", "answer", "estimate"))
    bar = shown[["term", *([by] if by else [])]].astype(str).agg("\0".join, axis=1)
    shown = shown.assign(place=pd.factorize(bar)[0])
    if by:  # the groups of a question lie together, in the order of the questions
        terms = pd.factorize(shown["term"])[0]
        shown["place"] = pd.Series(terms * len(shown) + shown["place"]).rank(method="dense") - 1
    data = shown.sort_values("place", kind="stable")
    data = data[data.groupby("place")["estimate"].transform(lambda e: e.notna().all())]
    heads = [rows for _unused, rows in shown.sort_values("place", kind="stable").groupby("place")]
    ax = figure.new_axes(ax, figure.rows_height(len(heads), 0.36 if by else 0.44) + 0.7)
    if len(data):
        _stack(ax, data)
    rows = Rows([Row(_bar_name(h.iloc[0], by), h.head(1)) for h in heads], bars=True)
    rows.label(ax)
    ax.set(xlabel=rows.counts(ax), ylabel="", xlim=(0, 1))
    figure.number_axis(ax.xaxis, "share")
    said = ((_bar_name(h.iloc[0], by), h) for h in heads)
    words = (f"{name}: {labels.values(h['answer'], h['estimate'], 'share')}" for name, h in said)
    return figure.finish(ax, title, _("Stacked bars."), *words)


def _thickness() -> float:
    """How much of a row its bar takes; on a phone its label stands above it."""
    return 0.46 if layout.narrow() else 0.66


def _shade(at: float) -> tuple[str, float]:
    """Colour and opacity of an answer between the worst (0) and the best (1) of its scale."""
    if abs(at - 0.5) < 0.01:
        return SOFT, 0.16
    return (ORANGE if at < 0.5 else BLUE), 0.12 + 0.63 * abs(2 * at - 1)


def _bar_name(row: pd.Series, by: str) -> str:
    if not by:
        return labels.name(row["term"], 24)
    named = {"item": labels.name(row["term"], 24), "group": labels.name(row[by], 18)}
    return _("{item}: {group}", **named)


def _stack(ax: Axes, data: pd.DataFrame) -> None:
    """A stacked bar at each place; answers are written on the parts that have room for them."""
    groups = data.groupby("place", sort=False)["estimate"]
    at = groups.cumcount() / (groups.transform("size") - 1).clip(lower=1)
    left = groups.cumsum() - data["estimate"]
    for row, start, colour in zip(data.itertuples(), left, map(_shade, at), strict=True):
        written = row.answer if isinstance(row.answer, str) else f"{row.answer:g}"
        written += getattr(row, "mark", "")
        [bar] = ax.barh(
            row.place,
            row.estimate,
            _thickness(),
            start,
            color=colour,
            edgecolor=PAPER,
            linewidth=0.8,
        )
        share = labels.number(row.estimate, "share")
        marks.say(ax, bar, [_("{name}: {value}", name=written, value=share)])
        if row.estimate >= max(0.045, 0.014 * len(written)) * (1.7 if layout.narrow() else 1):
            figure.centred(ax, start + row.estimate / 2, row.place, written, 9)


@redrawable
def penalty_reward(
    table: pd.DataFrame, classes: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw what low ratings cost (to the left) and high ones add (to the right), with classes.

    Parameters
    ----------
    table : term, effect ("penalty" or "reward"), estimate (points of the outcome), low, high, n
    classes : term, size, class (must-be, performance, attractive ...), a row a driver
    title, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"effect": ["penalty", "reward"], "term": "price", "low": [-2, 0],
    ...                       "estimate": [-1.2, 0.4], "high": [-1, 1], "n": 90})
    >>> classes = pd.DataFrame({"term": ["price"], "size": [1.6], "class": ["must-be"]})
    >>> [text.get_text() for text in penalty_reward(table, classes).texts]
    ['must-be']
    """
    shown = figure.prepare(table, ("effect", "term", "estimate"))
    order = classes.sort_values("size", ascending=False, ignore_index=True)
    ax = figure.new_axes(ax, figure.rows_height(len(order), 0.46) + 0.8)
    place = shown["term"].map({t: i for i, t in enumerate(order["term"])})
    for effect, colour, offset in (("penalty", COLOURS[1], 0.14), ("reward", COLOURS[0], -0.14)):
        words = labels.hovers(shown, map(labels.name, shown["term"]), "points")
        data = shown.assign(place=place + offset, hover=words)[shown["effect"] == effect]
        marks.bars(ax, data, height=0.27, color=colour)
        thin: Style = {"color": INK, "lw": 1.2, "capstyle": "butt", "zorder": 3}
        marks.ranges(ax, data.drop(columns="hover"), "place", **thin)
    above = figure.ABOVE_BAR + 0.05
    figure.row_notes(ax, range(len(order)), [i18n.label(c) for c in order["class"]], above)
    figure.row_axis(ax, [labels.row_name(labels.name(t, 60)) for t in order["term"]], above=above)
    ax.axvline(0, color=SOFT, lw=1)
    ax.grid(axis="x")
    figure.number_axis(ax.xaxis, "")
    ax.set_xlabel(_("outcome points, compared with middling ratings"))
    looks = {_("low ratings"): (COLOURS[1], "s"), _("high ratings"): (COLOURS[0], "s")}
    figure.legend_above(ax, looks, ms=7, ls="")
    words = [
        f"{labels.name(t)}: {i18n.label(c)}"
        for t, c in zip(order["term"], order["class"], strict=True)
    ]
    known = shown.dropna(subset=["estimate"])
    effects = [f"{labels.name(r.term)}, {i18n.label(r.effect)}" for r in known.itertuples()]
    numbers = labels.values(effects, known["estimate"], "points")
    return figure.finish(ax, title, labels.in_words(words), numbers)
