"""Journeys drawn: the experience map across the page, and the ways that journeys take.

plots.experience_map(found.table)              # stages across, a strip for each measure
plots.follows(moves.table)                     # from each touchpoint, the share who went to each
plots.flow(ways.table)                         # step by step, as broad as they are frequent
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.patches import Rectangle
from matplotlib.path import Path as MplPath

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.plots import style
from cxlib.plots.style import COLOURS, FAINT, INK, SOFT
from cxlib.plots.tiles import tiles

PAGE = 7.6  # inches: as wide as a page
STRIPS = ("satisfaction", "ease", "reach", "trouble", "meetings", "minutes")  # from the top down
HEIGHTS = {"satisfaction": 1.9, "ease": 1.2, "reach": 0.9, "trouble": 0.9}  # inches; numbers .42
SHADES = ("#eaf3fa", "#f6f8fa")
LEAST_NAMED = 0.045  # share of the journeys that a way's end needs to be named
LEAST_DRAWN = 0.004  # and that a band needs to be drawn
OVERALL = "overall"
CURVE = [MplPath.CURVE4] * 3
BAND = [MplPath.MOVETO, *CURVE, MplPath.LINETO, *CURVE, MplPath.CLOSEPOLY]  # over and back beneath


def experience_map(table: pd.DataFrame, *, title: str = "", ax: Axes | None = None) -> Axes:
    """A column a touchpoint under its stage, a strip a measure, dots with 95% intervals.

    `table` is that of `journeys.experience`: [group,] touchpoint, term, estimate, low, high, n,
    stage. Groups are told apart by colour and marker; all together are joined by a line. Counts and
    minutes stand as numbers.
    """
    shown = style.ready(table, ("touchpoint", "term", "estimate"))
    if "group" not in shown:
        shown = shown.assign(group=OVERALL)
    names = list(dict.fromkeys(shown["touchpoint"]))
    strips = [s for s in STRIPS if (shown["term"] == s).any()]
    heights = [HEIGHTS.get(s, 0.42) for s in strips]
    axes = _frame(names, shown, [0.4, *heights], ax)
    groups = [g for g in dict.fromkeys(shown["group"]) if g != OVERALL]
    looks = style.colours_of(groups)
    for place, strip in zip(axes[1:], strips, strict=True):
        rows = shown[shown["term"] == strip]
        if strip in HEIGHTS:
            _strip(place, rows, names, strip, looks)
        else:
            _numbers(place, rows[rows["group"] == OVERALL], names, strip)
    last = axes[-1]
    called = [style.wrapped(style.name(t, 40), 12) for t in names]
    longest = max(style.breadth(line) for c in called for line in c.split("\n"))
    slant = {"rotation": 35, "ha": "right"} if longest * len(names) > 84 else {}
    last.set_xticks(range(len(names)), called, **slant)
    last.tick_params(axis="x", length=0, labelsize=9)
    words = _in_words(shown[shown["group"] == OVERALL], strips)
    if shown.get("rated", pd.Series(True)).eq(False).any():
        last.set_xlabel(
            _("Open dots: no question rates it; the overall answer is taken."),
            fontsize=9,
            color=SOFT,
        )
    if looks:
        _legend(last, looks)
    style.say(axes[0], title, _("Experience map with 95% intervals."), words)
    return axes[0]


def _frame(names: list, shown: pd.DataFrame, heights: list[float], ax: Axes | None) -> np.ndarray:
    """The strips of a new figure over common columns, the stages in the first."""
    if ax is not None:
        raise ValueError("the experience map is a figure of its own; it cannot be drawn into ax.")
    style.show_in_notebooks()
    _unused, axes = plt.subplots(
        len(heights),
        1,
        sharex=True,
        figsize=(PAGE, sum(heights) + 0.5),
        gridspec_kw={"height_ratios": heights, "hspace": 0.1},
    )
    stage = shown.drop_duplicates("touchpoint").set_index("touchpoint")["stage"].reindex(names)
    blocks = (stage.fillna("") != stage.fillna("").shift()).cumsum()
    for ax_ in axes:
        ax_.set_xlim(-0.5, len(names) - 0.5)
        for side in ("left", "bottom"):
            ax_.spines[side].set_visible(False)
        ax_.tick_params(length=0)
        for k, (_unused, block) in enumerate(stage.groupby(blocks.to_numpy())):
            first = names.index(block.index[0])
            box = Rectangle(
                (first - 0.5, 0),
                len(block),
                1,
                fc=SHADES[k % 2],
                lw=0,
                zorder=0,
                transform=ax_.get_xaxis_transform(),
            )
            ax_.add_patch(box)
            if ax_ is axes[0] and block.iloc[0] == block.iloc[0]:
                _stage(ax_, first + (len(block) - 1) / 2, str(block.iloc[0]), k, len(names))
    axes[0].set_yticks([])
    return axes


def _stage(ax: Axes, x: float, stage: str, place: int, columns: int) -> None:
    """The stage's name; where columns are narrow, every other one stands higher."""
    y = (0.74 if place % 2 else 0.26) if columns > 7 else 0.5
    where = {"ha": "center", "va": "center", "transform": ax.get_xaxis_transform()}
    style.weigh(ax.text(x, y, style.name(stage), fontsize=9, color=INK, **where), bold=True)


def _strip(ax: Axes, rows: pd.DataFrame, names: list, strip: str, looks: dict) -> None:
    """Dots with intervals at each touchpoint; those of all together joined by a line."""
    groups = [OVERALL, *looks]
    spread = np.linspace(-0.28, 0.28, len(groups)) if looks else [0.0]
    for offset, group in zip(spread, groups, strict=True):
        own = rows[rows["group"] == group].drop_duplicates("touchpoint").set_index("touchpoint")
        own = own.reindex(names)
        colour, marker = looks.get(group, (INK if looks else COLOURS[0], "o"))
        x = np.arange(len(names)) + offset
        ax.vlines(x, own["low"], own["high"], color=colour, lw=2.0, zorder=2)
        open_ = own["rated"].eq(False) if "rated" in own else pd.Series(False, index=own.index)
        face = np.where(open_, "white", colour)
        ax.scatter(x, own["estimate"], s=26, c=face, edgecolors=colour, marker=marker, zorder=3)
        if group == OVERALL and strip == "satisfaction":
            alike = ~open_.to_numpy(bool) if not open_.all() else np.ones(len(own), bool)
            line = own["estimate"].to_numpy(float)
            ax.plot(x[alike], line[alike], color=colour, lw=1.0, alpha=0.55, zorder=1)
    ends = rows[["estimate", "low", "high"]].to_numpy(float)
    if not np.isnan(ends).all():
        low = 0.0 if strip in ("reach", "trouble") else np.nanmin(ends)
        room = max(0.12 * (np.nanmax(ends) - low), 1e-6)
        ax.set_ylim(low - room, np.nanmax(ends) + room)
    ax.yaxis.set_major_locator(plt.MaxNLocator(3, prune=None))
    style.number_axis(ax.yaxis, "share" if strip in ("reach", "trouble") else "")
    ax.grid(axis="y")
    ax.tick_params(axis="y", labelsize=8.5)
    _beside(ax, strip)


def _numbers(ax: Axes, rows: pd.DataFrame, names: list, strip: str) -> None:
    """The estimates as numbers, their intervals beneath."""
    found = rows.drop_duplicates("touchpoint").set_index("touchpoint").reindex(names)
    for x, row in enumerate(found.itertuples()):
        if row.estimate != row.estimate:
            ax.text(x, 0.5, "–", ha="center", va="center", color=SOFT, fontsize=9)
            continue
        values = (row.estimate, row.low, row.high)
        digits, divided = _unit(row.estimate) if strip == "minutes" else (2, 1.0)
        middle, *ends = (i18n.number(v / divided, digits) for v in values)
        said = _duration(middle, divided) if strip == "minutes" else middle
        ax.text(x, 0.68, said, ha="center", va="center", fontsize=9)
        between = "–".join(ends)
        small = 7.2 if len(between) <= 11 else 6.2
        ax.text(x, 0.24, between, ha="center", va="center", fontsize=small, color=SOFT)
    ax.set(ylim=(0, 1), yticks=[])
    _beside(ax, strip)


def _unit(minutes: float) -> tuple[int, float]:
    """Digits, and minutes of the unit, in which a time is easily read."""
    return (1, 1440.0) if minutes >= 2880 else (1, 60.0) if minutes >= 120 else (0, 1.0)


def _duration(n: str, minutes: float) -> str:
    if minutes == 1440.0:
        return _("{n} days", n=n)
    return _("{n} h", n=n) if minutes == 60.0 else _("{n} min", n=n)


def _beside(ax: Axes, strip: str) -> None:
    said = {
        "satisfaction": _("satisfaction, 0 to 100"),
        "ease": _("ease, 0 to 100"),
        "reach": _("customers reached"),
        "trouble": _("meetings with trouble"),
        "meetings": _("meetings a journey"),
        "minutes": _("time, median"),
    }[strip]
    ax.set_ylabel(
        style.wrapped(said, 13), rotation=0, ha="right", va="center", fontsize=9.5, labelpad=26
    )


def _legend(ax: Axes, looks: dict) -> None:
    """The groups, beneath all that stands below the lowest strip."""
    entries = {OVERALL: (INK, "o"), **looks}
    called = {group: style.wrapped(style.name(group, 76), 38) for group in entries}
    longest = max(style.breadth(line) for text in called.values() for line in text.split("\n"))
    handles = [
        plt.Line2D([], [], marker=m, color=c, ls="", label=called[g], ms=6)
        for g, (c, m) in entries.items()
    ]
    figure = ax.figure
    figure.draw_without_rendering()
    beneath = ax.get_tightbbox().y0 / figure.bbox.height
    figure.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, beneath - 0.01),
        fontsize=9,
        ncols=max(1, min(len(entries), 90 // (longest + 6))),
        handletextpad=0.2,
        columnspacing=1.2,
    )


def _in_words(rows: pd.DataFrame, strips: list[str]) -> str:
    lines = []
    for strip in strips:
        own = rows[rows["term"] == strip].dropna(subset=["estimate"])
        unit = "share" if strip in ("reach", "trouble") else ""
        said = [
            f"{style.name(t)} {style.number(v, unit)}"
            for t, v in zip(own["touchpoint"], own["estimate"], strict=True)
        ]
        lines.append(f"{i18n.label(strip)}: {i18n.listed(said)}")
    return style.listed(lines)


def follows(table: pd.DataFrame, *, title: str = "", ax: Axes | None = None) -> Axes:
    """A tile for each way: columns where journeys were, rows where they went next.

    `table` is that of `journeys.transitions`: before, term, estimate, low, high, n.
    """
    shown = style.ready(table, ("before", "term", "estimate"))
    before = list(dict.fromkeys(shown["before"]))
    last = [t for t in dict.fromkeys(shown["term"]) if t not in before]
    terms = [t for t in before if (shown["term"] == t).any()] + last
    every = pd.MultiIndex.from_product([before, terms], names=["before", "term"])
    grid = shown.set_index(["before", "term"]).reindex(every).reset_index()
    grid["n"] = grid["before"].map(table.groupby("before")["n"].first())
    ways = shown.nlargest(10, "estimate").itertuples()
    words = [
        f"{style.name(w.before)} – {style.name(w.term)} {i18n.percent(w.estimate)}" for w in ways
    ]
    words = style.listed(words)
    ax = tiles(grid, "before", unit="share", sort=False, title=title, words=words, ax=ax)
    ax.set_ylabel(_("went to"))
    ax.annotate(
        _("were at"),
        (0, 1),
        (-8, 8),
        xycoords="axes fraction",
        ha="right",
        textcoords="offset points",
        color=INK,
        fontsize=10.5,
    )
    return ax


def flow(table: pd.DataFrame, *, title: str = "", ax: Axes | None = None) -> Axes:
    """Journeys step by step: bars as high as the share that is there, bands to where they went.

    `table` is that of `journeys.flows`: step, before, term, estimate (share of all journeys).
    """
    shown = style.ready(table, ("step", "before", "term", "estimate"))
    steps = sorted(shown["step"].unique())
    total = shown.groupby("term")["estimate"].sum().sort_values(ascending=False)
    order = [t for t in total.index if t != "ends"] + ["ends"]
    looks = {t: COLOURS[i % len(COLOURS)] for i, t in enumerate(order[:-1])} | {"ends": FAINT}
    ax = style.axes(ax, height=4.6, width=PAGE)
    bars = {s: _stacked(shown[shown["step"] == s], order) for s in steps}
    for step in steps[1:]:
        _bands(ax, shown[shown["step"] == step], bars, step, order, looks)
    for step, places in bars.items():
        for term, (bottom, height) in places.items():
            box = Rectangle((step - 0.06, bottom), 0.12, height, fc=looks[term], lw=0, zorder=3)
            ax.add_patch(box)
            if height >= LEAST_NAMED:
                said = f"{style.name(term, 20)} {i18n.percent(height)}"
                said = style.wrapped(said, 14) if height > 0.09 else said
                ax.text(step + 0.09, bottom + height / 2, said, va="center", fontsize=8.5, zorder=4)
    ax.set(xlim=(steps[0] - 0.1, steps[-1] + 0.95), ylim=(1.02, -0.01), yticks=[])
    ax.set_xticks(steps, [_("step {n:count}", n=s) for s in steps])
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.tick_params(length=0)
    words = [
        f"{i18n.label(r.before)} – {i18n.label(r.term)} {i18n.percent(r.estimate)}"
        for r in shown.nlargest(10, "estimate").itertuples()
    ]
    return style.say(ax, title, _("Ways that journeys take."), style.listed(words))


def _stacked(rows: pd.DataFrame, order: list[str]) -> dict[str, tuple[float, float]]:
    """(where it begins, how high it is) for each term of one step, in order."""
    heights = rows.groupby("term")["estimate"].sum().reindex(order).dropna()
    begin = np.concatenate([[0.0], np.cumsum(heights)[:-1]]) if len(heights) else []
    return {t: (float(b), float(h)) for t, b, h in zip(heights.index, begin, heights, strict=True)}


def _bands(
    ax: Axes, rows: pd.DataFrame, bars: dict, step: int, order: list[str], looks: dict
) -> None:
    """Bands from the bars of the step before, each stacked in the order of where it goes."""
    rank = {t: i for i, t in enumerate(order)}
    rows = rows.sort_values(
        ["before", "term"], key=lambda c: c.map(rank).fillna(-1), kind="stable"
    ).dropna(subset=["estimate"])
    out = {t: b for t, (b, _) in bars[step - 1].items()}
    into = {t: b for t, (b, _) in bars[step].items()}
    left, right = step - 1 + 0.06, step - 0.06
    middle = (left + right) / 2
    x = [left, middle, middle, right, right, middle, middle, left, left]
    shapes, colours = [], []
    for row in rows.itertuples():
        if row.before not in out or row.term not in into:
            continue
        start, end, wide = out[row.before], into[row.term], row.estimate
        if wide >= LEAST_DRAWN:
            below, beyond = start + wide, end + wide
            y = [start, start, end, end, beyond, beyond, below, below, start]
            shapes.append(MplPath(np.column_stack([x, y]), BAND))
            colours.append(looks[row.before])
        out[row.before] += wide
        into[row.term] += wide
    bands = PathCollection(shapes, facecolors=colours, alpha=0.28, lw=0, clip_on=False)
    ax.add_collection(bands, autolim=False)
