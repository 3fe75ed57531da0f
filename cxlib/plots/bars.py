"""Bars: sizes and shares of a whole, answers to a question, penalties and rewards."""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.plots import figure, labels, marks, titles
from cxlib.plots.arrangement import Row, Rows, arrange
from cxlib.plots.palette import COLOURS, INK, SOFT


def bars(
    table: pd.DataFrame,
    *,
    unit: str = "",
    panel: str | None = None,
    title: str | None = None,
    sort: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw a bar for each row, its value at the end, a whisker where there is an interval.

    For sizes and shares of a whole, which begin at zero.

    Parameters
    ----------
    table : estimate, perhaps low, high and n, and the columns that name the rows
    unit, panel, title, sort, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"term": ["web", "shop"], "estimate": [0.7, 0.3]})
    >>> bars(table, unit="share").get_title("left")
    'Highest: web (70%). Lowest: shop (30%).'
    """
    shown = figure.prepare(table, ("estimate", panel))
    rows = arrange(shown, panel, None, sort)
    data = rows.data().drop_duplicates("place")
    ax = figure.new_axes(ax, height=0.34 * rows.height + 0.8)
    marks.bars(ax, data)
    marks.ranges(ax, data, "place", color=INK, lw=1.4, zorder=3)
    for row in data.dropna(subset=["estimate"]).itertuples():
        end = max(v for v in (row.estimate, row.high, 0) if v == v)
        figure.note(ax, labels.number(row.estimate, unit), (end, row.place), (6, 0), fontsize=10)
    rows.label(ax)
    reach = float(np.nanmax([shown[["estimate", "high"]].max().max(), 0])) or 1.0
    ax.set_xlim(min(0, shown["estimate"].min(skipna=True)), reach * 1.22)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    ax.axvline(0, color=SOFT, lw=1)
    title = titles.from_estimates(rows.found(), unit) if title is None else title
    return figure.finish(ax, title, _("Bars."), rows.words(unit))


def answer_distribution(table: pd.DataFrame, *, by: str = "", ax: Axes | None = None) -> Axes:
    """Draw all answers to each question as one stacked bar, from the worst to the best.

    Parameters
    ----------
    table : term, answer (from the worst to the best), estimate (share), n, as
        `scores.distribution` gives it; with `by` perhaps residual and mark, as the cells of
        `scores.crosstab`
    by : column of groups: a bar for each group of each question
    ax : as in `intervals`

    Returns
    -------
    The Axes; each bar is coloured over its own scale.

    Examples
    --------
    >>> table = pd.DataFrame({"term": "ease", "answer": [1, 2, 3], "estimate": [0.2, 0.3, 0.5],
    ...                       "n": 50})
    >>> answer_distribution(table).get_title("left")
    'ease: 3 was given most, by 50%'
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
    ax = figure.new_axes(ax, height=(0.36 if by else 0.5) * len(heads) + 0.9)
    if len(data):
        _stack(ax, data)
    rows = Rows([Row(_bar_name(h.iloc[0], by), h.head(1)) for h in heads])
    rows.label(ax)
    ax.set(xlabel=rows.counts(ax), ylabel="", xlim=(0, 1))
    figure.number_axis(ax.xaxis, "share")
    title = _outstanding(data, by) if by else _commonest(heads[0])
    return figure.finish(ax, title, _("Stacked bars."))


def _bar_name(row: pd.Series, by: str) -> str:
    if not by:
        return labels.name(row["term"], 24)
    named = {"item": labels.name(row["term"], 24), "group": labels.name(row[by], 18)}
    return _("{item}: {group}", **named)


def _stack(ax: Axes, data: pd.DataFrame) -> None:
    """A stacked bar at each place; shares of 4.5% and more have their answer written on them."""
    groups = data.groupby("place", sort=False)["estimate"]
    at = (groups.cumcount() / (groups.transform("size") - 1).clip(lower=1)).to_numpy()
    colours = [to_hex(c) for c in plt.get_cmap("cividis")(0.05 + 0.9 * at)]
    data = data.assign(shade=[f"{a:.4f}" for a in at], left=groups.cumsum() - data["estimate"])
    palette = dict(sorted(zip(data["shade"], colours, strict=True), reverse=True))
    sns.histplot(
        data=data,
        y="place",
        weights="estimate",
        hue="shade",
        hue_order=list(palette),
        palette=palette,
        multiple="stack",
        discrete=True,
        shrink=0.7,
        alpha=1,
        edgecolor="white",
        linewidth=0.6,
        legend=False,
        ax=ax,
    )
    for row, colour in zip(data.itertuples(), colours, strict=True):
        written = row.answer if isinstance(row.answer, str) else f"{row.answer:g}"
        written += getattr(row, "mark", "")
        if row.estimate >= max(0.045, 0.014 * len(written)):
            dark = (
                np.dot([int(colour[k : k + 2], 16) for k in (1, 3, 5)], (0.299, 0.587, 0.114))
                < 127.5
            )
            at = row.left + row.estimate / 2
            figure.centred(ax, at, row.place, written, 9, "white" if dark else INK)


def _outstanding(cells: pd.DataFrame, by: str) -> str:
    """The cell that departs most from the other groups."""
    marked = cells[cells["mark"] != ""] if "mark" in cells else cells.head(0)
    if marked.empty:
        return _("No answer stands out in any group")
    top = marked.loc[marked["residual"].abs().idxmax()]
    facts = {
        "item": labels.name(top["term"]),
        "group": labels.name(top[by]),
        "answer": top["answer"],
        "share": top["estimate"],
    }
    if top["residual"] > 0:
        return _("{item}: {answer} is most overrepresented in {group} ({share:share})", **facts)
    return _("{item}: {answer} is most underrepresented in {group} ({share:share})", **facts)


def _commonest(first: pd.DataFrame) -> str:
    if first["estimate"].isna().all():
        return titles.too_few()
    top = first.loc[first["estimate"].idxmax()]
    return _(
        "{item}: {answer:g} was given most, by {share:share}",
        item=labels.name(top["term"]),
        answer=top["answer"],
        share=top["estimate"],
    )


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
    >>> penalty_reward(table, classes).get_title("left")
    'Furthest: low ratings of price, −1.20 points'
    """
    shown = figure.prepare(table, ("effect", "term", "estimate"))
    order = classes.sort_values("size", ascending=False, ignore_index=True)
    ax = figure.new_axes(ax, height=0.42 * len(order) + 1.3)
    place = shown["term"].map({t: i for i, t in enumerate(order["term"])})
    for effect, colour, offset in (("penalty", COLOURS[1], 0.16), ("reward", COLOURS[0], -0.16)):
        data = shown.assign(place=place + offset)[shown["effect"] == effect]
        marks.bars(ax, data, height=0.3, color=colour)
        marks.ranges(ax, data, "place", color=INK, lw=1.2, capstyle="butt", zorder=3)
    figure.row_notes(ax, range(len(order)), [i18n.label(c) for c in order["class"]])
    figure.row_axis(ax, [labels.row_name(labels.name(t, 60)) for t in order["term"]])
    ax.axvline(0, color=SOFT, lw=1)
    ax.grid(axis="x")
    figure.number_axis(ax.xaxis, "")
    ax.set_xlabel(_("outcome points, compared with middling ratings"))
    looks = {_("low ratings"): (COLOURS[1], "s"), _("high ratings"): (COLOURS[0], "s")}
    figure.legend_below(ax, looks, ms=7, ls="")
    words = [
        f"{labels.name(t)}: {i18n.label(c)}"
        for t, c in zip(order["term"], order["class"], strict=True)
    ]
    return figure.finish(ax, _strongest(shown) if title is None else title, labels.in_words(words))


def _strongest(shown: pd.DataFrame) -> str:
    if shown["estimate"].isna().all():
        return titles.too_few()
    row = shown.loc[shown["estimate"].abs().idxmax()]
    facts = {"name": labels.name(row["term"]), "points": row["estimate"]}
    if row["effect"] == "penalty":
        return _("Furthest: low ratings of {name}, {points:number2} points", **facts)
    return _("Furthest: high ratings of {name}, {points:number2} points", **facts)
