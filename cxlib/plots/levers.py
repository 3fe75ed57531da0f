"""Figures of what to improve: ranks, who is ahead of whom, penalty and reward, empty corners."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import MaxNLocator

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.plots import style
from cxlib.plots.style import COLOURS, FAINT, INK, SOFT
from cxlib.privacy import masking

PANELS = 3  # empty corners side by side


def ranks(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """The ranks each driver may have, as lines; a dot at its rank, filled where it may be first.

    `table` has term, estimate, rank_low, rank_high, top, n, as `drivers.importance` gives them.
    """
    shown = style.ready(table, ("term", "estimate", "rank_low", "rank_high", "top"))
    shown = shown.sort_values("estimate", ascending=False, ignore_index=True)
    ax = style.axes(ax, height=0.34 * len(shown) + 1.0)
    for place, row in enumerate(shown.itertuples()):
        if row.estimate != row.estimate:
            continue
        colour = COLOURS[0] if row.top else SOFT
        ax.plot(
            [row.rank_low, row.rank_high],
            [place, place],
            color=colour,
            lw=2.4,
            solid_capstyle="round",
            zorder=2,
        )
        ax.plot(
            place + 1,
            place,
            "o",
            ms=8,
            mec=colour,
            mew=1.6,
            zorder=3,
            mfc=colour if row.top else "white",
        )
    _rows(ax, shown["term"])
    ax.set_xticks(range(1, len(shown) + 1))
    ax.set_xlabel(_("rank; 1 is the largest"))
    ax.grid(axis="x")
    first = [style.name(t) for t in shown.loc[shown["top"].astype(bool), "term"]]
    if len(first) == 1:
        found = _("{name} comes first", name=first[0])
    elif len(first) == len(shown):
        found = _("Any of these may come first")
    else:
        found = _("One of these comes first: {names:list}", names=first)
    words = [
        _("{name} {low} to {high}", name=style.name(r.term), low=r.rank_low, high=r.rank_high)
        for r in shown.itertuples()
    ]
    return style.say(
        ax, found if title is None else title, _("Ranks with 95% intervals."), style.listed(words)
    )


def ahead(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """How probable it is that the row's driver is ahead of the column's: a square of percentages.

    `table` is square, as `drivers.chances` gives it.
    """
    if table.shape[0] != table.shape[1] or table.empty:
        raise ValueError(
            f"a matrix is square; this one has {table.shape[0]} rows, {table.shape[1]} columns."
        )
    names, values = [style.name(c, 60) for c in table.columns], table.to_numpy(float)
    size = max(2.6, 0.46 * len(names) + 0.8)
    ax = style.axes(ax, height=size, width=max(size + 0.8, 4))
    shades = LinearSegmentedColormap.from_list("cx", ["#ffffff", COLOURS[0]])
    ax.imshow(values, cmap=shades, vmin=0.5, vmax=1)
    for (i, j), p in np.ndenumerate(values):
        if p == p:
            ax.text(
                j,
                i,
                _percent(p),
                ha="center",
                va="center",
                fontsize=8.5,
                color="white" if p > 0.82 else INK,
            )
    style.numbered(ax, names, len(names))
    if len(names) < 2 or np.isnan(values[0, 1]):
        found = _("Too few answers to show")
    else:
        found = _(
            "{one} is ahead of {other} in {share} of the draws",
            one=names[0],
            other=names[1],
            share=_percent(values[0, 1]),
        )
    return style.say(
        ax, found if title is None else title, _("Row ahead of column, share of draws.")
    )


def _percent(p: float) -> str:
    """A chance out of some thousand draws is never certain."""
    return ">99%" if p > 0.995 else "<1%" if p < 0.005 else i18n.percent(p)


def contrast(
    table: pd.DataFrame, classes: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """What low ratings go with (to the left) and high ones (to the right), the class at the end.

    `table` and `classes` are those of `drivers.contrast`.
    """
    shown = style.ready(table, ("effect", "term", "estimate"))
    order = classes.sort_values("size", ascending=False, ignore_index=True)
    ax = style.axes(ax, height=0.42 * len(order) + 1.3)
    looks = {"penalty": (COLOURS[1], 0.16), "reward": (COLOURS[0], -0.16)}
    for place, term in enumerate(order["term"]):
        for row in shown[shown["term"] == term].itertuples():
            colour, offset = looks[row.effect]
            ax.barh(place + offset, row.estimate, height=0.3, color=colour, alpha=0.85)
            ax.plot([row.low, row.high], [place + offset] * 2, color=INK, lw=1.2)
        ax.annotate(
            i18n.label(order["class"][place]),
            (1.02, place),
            va="center",
            fontsize=9.5,
            color=SOFT,
            xycoords=("axes fraction", "data"),
            annotation_clip=False,
        )
    _rows(ax, order["term"])
    ax.axvline(0, color=SOFT, lw=1)
    ax.grid(axis="x")
    style.number_axis(ax.xaxis, "")
    ax.set_xlabel(_("outcome points, beside middling ratings"))
    style.key(ax, {_("low ratings"): (COLOURS[1], "s"), _("high ratings"): (COLOURS[0], "s")}, ms=7)
    first = shown.loc[shown["estimate"].abs().idxmax()] if shown["estimate"].notna().any() else None
    found = _("Too few answers to show") if first is None else _strongest(first)
    words = [
        f"{style.name(r.term)}: {i18n.label(r.kind)}"
        for r in order.rename(columns={"class": "kind"}).itertuples()
    ]
    return style.say(ax, found if title is None else title, style.listed(words))


def _strongest(row: pd.Series) -> str:
    facts = {"name": style.name(row["term"]), "points": row["estimate"]}
    if row["effect"] == "penalty":
        return _("Furthest: low ratings of {name}, {points:number2} points", **facts)
    return _("Furthest: high ratings of {name}, {points:number2} points", **facts)


def ceilings(
    table: pd.DataFrame,
    corners: pd.DataFrame,
    cells: pd.DataFrame,
    *,
    outcome: str = "outcome",
    title: str | None = None,
) -> Axes:
    """A panel for each driver: answers as dots, the ceiling above them, the empty corner shaded.

    Takes `table`, `ceilings` and `cells` of `drivers.necessary`. Dots grow with the number of
    answers; those of fewer than the page's smallest cell are left out.
    """
    shown = style.ready(table, ("term", "estimate", "necessary"))
    across = min(PANELS, len(shown))
    down = -(-len(shown) // across)
    figure, axes = plt.subplots(
        down,
        across,
        figsize=(style.WIDTH + 0.6, 1.75 * down + 0.6),
        squeeze=False,
        sharey=True,
        layout="constrained",
    )
    style.axes(axes[0, 0], 0)
    for ax in axes.flat[len(shown) :]:
        ax.set_visible(False)
    for ax, row in zip(axes.flat, shown.itertuples(), strict=False):
        _corner(ax, corners[corners["term"] == row.term], cells[cells["term"] == row.term])
        ax.set_title(
            f"{style.name(row.term, 20)}\nd {i18n.number(row.estimate, 2)}",
            fontsize=9.5,
            color=INK if row.necessary else SOFT,
            pad=4,
        )
    figure.supylabel(style.name(outcome), fontsize=10)
    figure.supxlabel(_("rating of the driver"), fontsize=10)
    needed = [style.name(t) for t in shown.loc[shown["necessary"].astype(bool), "term"]]
    if needed:
        found = _("Necessary: {names:list}", names=needed)
    else:
        found = _("No driver is necessary for a high outcome")
    found = found if title is None else title
    figure.suptitle(
        style.wrapped(masking.masked(found)[0], 62),
        x=0.01,
        ha="left",
        fontsize=12,
        fontweight="bold",
    )
    words = [f"{style.name(r.term)} d {i18n.number(r.estimate, 2)}" for r in shown.itertuples()]
    figure.alt_text = " ".join([found, _("Scatter with ceilings."), style.listed(words)])
    return axes[0, 0]


def _corner(ax: Axes, corners: pd.DataFrame, cells: pd.DataFrame) -> None:
    left, right = cells["x"].min(), cells["x"].max()
    bottom, top = cells["y"].min(), cells["y"].max()
    xs, ys = np.r_[corners["x"], right], np.r_[corners["y"], corners["y"].iloc[-1]]
    ax.fill_between(xs, ys, top, step="post", color=COLOURS[1], alpha=0.22, lw=0)
    ax.step(np.r_[left, xs], np.r_[bottom, ys], where="post", color=COLOURS[1], lw=1.4)
    seen = cells[cells["n"] >= context.current().smallest_cell]
    if len(seen):
        size = 4 + 60 * seen["n"] / seen["n"].max()
        ax.scatter(seen["x"], seen["y"], s=size, color=COLOURS[0], alpha=0.6, lw=0)
    ax.set(xlim=(left - 0.5, right + 0.5), ylim=(bottom - 0.5, top + 0.5))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5, integer=True))
    ax.tick_params(labelsize=8.5, color=FAINT)


def _rows(ax: Axes, terms: pd.Series) -> None:
    """The drivers' names beside the rows, the first on top."""
    labels = [style.name(t, 60) for t in terms]
    labels = [style.wrapped(t, 24) if style.breadth(t) > 30 else t for t in labels]
    ax.set_yticks(range(len(labels)), labels, linespacing=1.0)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
