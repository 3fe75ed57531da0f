"""Journeys: the experience map across the page, and the paths that journeys take."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.path import Path as MplPath
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from cxlib.core import i18n
from cxlib.core.i18n import N_, _
from cxlib.core.text import display_width, wrap
from cxlib.plots import figure, fonts, labels, layout, marks
from cxlib.plots.export import show_in_notebooks
from cxlib.plots.intervals import grouped_intervals, intervals
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import BLUE, COLOURS, FAINT, INK, SOFT, Looks, Style, looks_of

PAGE_WIDTH = 7.6  # inches: as wide as a page
STRIPS = ("satisfaction", "ease", "met by", "problem", "contacts", "minutes")  # from the top down
HEIGHTS = {"satisfaction": 1.9, "ease": 1.2, "met by": 0.9, "problem": 0.9}  # inches; numbers .42
SHADES = (0.09, 0.03)  # opacity of the blue behind every other stage
MOST_ENDS = 8  # columns up to which the ends of intervals have room beneath their numbers
PHONE_STEPS = 3  # of a Sankey diagram that are legible on a phone
LEAST_NAMED = 0.045  # share of the journeys that a bar needs to be named
LEAST_DRAWN = 0.004  # and that a band needs to be drawn
OVERALL = "overall"
CURVE = [MplPath.CURVE4] * 3
BAND = [MplPath.MOVETO, *CURVE, MplPath.LINETO, *CURVE, MplPath.CLOSEPOLY]  # over and back beneath


@redrawable
def experience_map(
    table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a column a touchpoint under its stage, a strip a measure, dots with 95% intervals.

    Groups differ by colour and marker; all together are joined by a line. Counts and minutes stand
    as numbers.

    Parameters
    ----------
    table : touchpoint, stage, term (the measure), estimate, low, high, n, perhaps group and rated
        (bool), as `journeys.experience` gives it
    title : as in `intervals`
    ax : None; the map is a figure of its own

    Raises
    ------
    ValueError : `ax` is given

    Examples
    --------
    >>> table = pd.DataFrame({"touchpoint": ["web", "shop"], "term": "ease", "estimate": [70.0, 60],
    ...                       "low": 50.0, "high": 80.0, "n": 90, "stage": ["interest", "action"]})
    >>> [text.get_text() for text in experience_map(table).texts]
    ['interest', 'action']
    """
    shown = figure.prepare(table, ("touchpoint", "term", "estimate"))
    if "group" not in shown:
        shown = shown.assign(group=OVERALL)
    # Not every touchpoint is rated: the order is that of a measure which all of them have.
    every = [own["touchpoint"].unique() for _term, own in shown.groupby("term", sort=False)]
    names = list(dict.fromkeys([*max(every, key=len), *shown["touchpoint"]]))
    if layout.narrow():
        return _ratings(shown, title)
    unrated = (
        [] if "rated" not in shown else [*shown.loc[~shown["rated"].astype(bool), "touchpoint"]]
    )
    there = {*shown["term"], *(["satisfaction"] if unrated else [])}
    strips = [s for s in STRIPS if s in there]
    drawn = set(shown["term"])
    heights = [HEIGHTS.get(s, 0.42) if s in drawn else 0.42 for s in strips]
    axes = _frame(names, shown, [0.4, *heights], ax)
    groups = [g for g in dict.fromkeys(shown["group"]) if g != OVERALL]
    looks = looks_of(groups)
    for place, strip in zip(axes[1:], strips, strict=True):
        rows = shown[shown["term"] == strip]
        if strip in HEIGHTS and len(rows):
            _strip(place, rows, names, strip, looks)
        else:
            _numbers(place, rows[rows["group"] == OVERALL], names, strip)
        if strip == "satisfaction":
            for name in dict.fromkeys(unrated):
                _name_unrated(place, names.index(name))
    last = axes[-1]
    called = [wrap(labels.name(t, 40), 12) for t in names]
    longest = max(display_width(line) for c in called for line in c.split("\n"))
    slant: Style = {"rotation": 35, "ha": "right"} if longest * len(names) > 84 else {}
    last.set_xticks(range(len(names)), called, **slant)
    last.tick_params(axis="x", length=0, labelsize=9)
    words = _in_words(shown[shown["group"] == OVERALL], strips)
    if looks:
        _legend(last, looks)
    figure.finish(axes[0], title, _("Experience map with 95% intervals."), words)
    return axes[0]


def _ratings(shown: pd.DataFrame, title: str | None) -> Axes:
    """The form for a phone: one measure of the touchpoints; the rest is in the table.

    Of groups the measure is that of the first row (`journeys.group_map`), else how touchpoints are
    rated.
    """
    if (compared := shown["group"] != OVERALL).any():
        rows = shown[compared & (shown["term"] == shown["term"].iloc[0])]
        columns = ["group", "touchpoint", "estimate", "low", "high", "n"]
        unit = "share" if rows["term"].iloc[0] in ("met by", "problem") else ""
        table = rows[columns].rename(columns={"touchpoint": "term"})
        return grouped_intervals(table, "group", unit=unit, sort=False, title=title)
    rated = shown[(shown["term"] == "satisfaction") & (shown["group"] == OVERALL)]
    rows = rated if len(rated) else shown[shown["term"] == shown["term"].iloc[0]]
    unit = "share" if rows["term"].iloc[0] in ("met by", "problem") else ""
    table = rows[["touchpoint", "estimate", "low", "high", "n"]].rename(
        columns={"touchpoint": "term"}
    )
    return intervals(table, unit=unit, sort=False, title=title)


def _frame(
    names: list[Any], shown: pd.DataFrame, heights: list[float], ax: Axes | None
) -> np.ndarray:
    """The strips of a new figure over common columns, the stages in the first."""
    if ax is not None:
        raise ValueError("the experience map is a figure of its own; it cannot be drawn into ax.")
    show_in_notebooks()
    size, ratios = (PAGE_WIDTH, sum(heights) + 0.5), {"height_ratios": heights, "hspace": 0.1}
    _unused, axes = plt.subplots(len(heights), 1, sharex=True, figsize=size, gridspec_kw=ratios)
    stage = shown.drop_duplicates("touchpoint").set_index("touchpoint")["stage"].reindex(names)
    blocks = (stage.fillna("") != stage.fillna("").shift()).cumsum()
    for strip in axes:
        strip.set_xlim(-0.5, len(names) - 0.5)
        figure.no_frame(strip)
        for k, (_unused, block) in enumerate(stage.groupby(blocks.to_numpy())):
            first = names.index(block.index[0])
            strip.axvspan(
                first - 0.5, first + len(block) - 0.5, fc=BLUE, alpha=SHADES[k % 2], lw=0, zorder=0
            )
            if strip is axes[0] and block.iloc[0] == block.iloc[0]:
                _name_stage(strip, first + (len(block) - 1) / 2, block.iloc[0], k, len(names))
    axes[0].set_yticks([])
    return axes


def _name_stage(ax: Axes, x: float, stage: str, place: int, columns: int) -> None:
    """The stage's name; where columns are narrow, every other one stands higher."""
    y = (0.74 if place % 2 else 0.26) if columns > 7 else 0.5
    name = labels.name(stage)
    fonts.set_bold(figure.centred(ax, x, y, name, 9, transform=ax.get_xaxis_transform()))


def _name_unrated(ax: Axes, x: float) -> None:
    """Says of a touchpoint that no question rates it."""
    said = wrap(_("not rated"), 6)
    figure.centred(ax, x, 0.5, said, 8.4, SOFT, transform=ax.get_xaxis_transform())


def _strip(ax: Axes, rows: pd.DataFrame, names: list[Any], strip: str, looks: Looks) -> None:
    """Dots with intervals at each touchpoint; those of all together joined by a line."""
    looks = {OVERALL: (INK if looks else COLOURS[0], "o"), **looks}
    spread = dict(zip(looks, np.linspace(-0.28, 0.28, len(looks)), strict=True))
    rows = rows.drop_duplicates(["group", "touchpoint"]).assign(look=rows["group"].astype(str))
    shift = rows["look"].map(spread) if len(looks) > 1 else 0.0
    rows["place"] = rows["touchpoint"].map(names.index) + shift
    marks.estimates(ax, rows, upright=True, looks=looks, s=42, linewidth=0, lw=2.0)
    if strip == "satisfaction":
        own = rows[rows["look"] == OVERALL].sort_values("place")
        thin: Style = {"band": 0, "markers": False, "linewidth": 1.0, "alpha": 0.55, "zorder": 1}
        # A touchpoint that nobody rated breaks the line.
        own["look"] = (own["touchpoint"].map(names.index).diff() != 1).cumsum().astype(str)
        marks.lines(ax, own, "place", dict.fromkeys(own["look"], looks[OVERALL]), **thin)
    ends = rows[["estimate", "low", "high"]].to_numpy(float)
    if not np.isnan(ends).all():
        low = 0.0 if strip in ("met by", "problem") else np.nanmin(ends)
        room = max(0.12 * (np.nanmax(ends) - low), 1e-6)
        ax.set_ylim(low - room, np.nanmax(ends) + room)
    ax.yaxis.set_major_locator(MaxNLocator(3))
    figure.number_axis(ax.yaxis, "share" if strip in ("met by", "problem") else "")
    ax.grid(axis="y")
    ax.tick_params(axis="y", labelsize=9)
    _name_strip(ax, strip)


def _numbers(ax: Axes, rows: pd.DataFrame, names: list[Any], strip: str) -> None:
    """The estimates as numbers, their intervals beneath."""
    found = rows.drop_duplicates("touchpoint").set_index("touchpoint").reindex(names)
    for x, row in enumerate(found.itertuples()) if len(rows) else ():
        if row.estimate != row.estimate:
            figure.centred(ax, x, 0.5, "–", 9, SOFT)
            continue
        values = (row.estimate, row.low, row.high)
        form, digits, divided = _unit(row.estimate) if strip == "minutes" else ("{n}", 2, 1.0)
        middle, *ends = (i18n.number(v / divided, digits) for v in values)
        said = _(form, n=middle)
        figure.centred(ax, x, 0.68, said, 9)
        if len(names) <= MOST_ENDS:
            figure.centred(ax, x, 0.24, "–".join(ends), 8.4, SOFT)
    ax.set(ylim=(0, 1), yticks=[])
    _name_strip(ax, strip)


def _unit(minutes: float) -> tuple[str, int, float]:
    """How a time is easily read: its form, its digits, and the minutes of its unit."""
    if minutes >= 2880:
        return N_("{n} days"), 1, 1440.0
    return (N_("{n} h"), 1, 60.0) if minutes >= 120 else (N_("{n} min"), 0, 1.0)


def _name_strip(ax: Axes, strip: str) -> None:
    said = {
        "satisfaction": _("satisfaction, 0 to 100"),
        "ease": _("ease, 0 to 100"),
        "met by": _("met by"),
        "problem": _("contacts with a problem"),
        "contacts": _("contacts per journey"),
        "minutes": _("time, median"),
    }[strip]
    ax.set_ylabel(wrap(said, 13), rotation=0, ha="right", va="center", fontsize=9.5, labelpad=26)


def _legend(ax: Axes, looks: Looks) -> None:
    """The groups, beneath all that stands below the lowest strip."""
    entries = {OVERALL: (INK, "o"), **looks}
    called = {group: wrap(labels.name(group, 76), 38) for group in entries}
    longest = max(display_width(line) for text in called.values() for line in text.split("\n"))
    handles = [
        Line2D([], [], marker=m, color=c, ls="", label=called[g], ms=6)
        for g, (c, m) in entries.items()
    ]
    whole = cast(Figure, ax.figure)
    whole.draw_without_rendering()
    beneath = cast(Bbox, ax.get_tightbbox()).y0 / whole.bbox.height
    columns = max(1, min(len(entries), 90 // (longest + 6)))
    look: Style = {"fontsize": 9, "handletextpad": 0.2, "columnspacing": 1.2}
    at = (0.5, beneath - 0.01)
    whole.legend(handles=handles, loc="upper center", bbox_to_anchor=at, ncols=columns, **look)


def _in_words(rows: pd.DataFrame, strips: list[str]) -> str:
    lines = []
    for strip in strips:
        own = rows[rows["term"] == strip].dropna(subset=["estimate"])
        unit = "share" if strip in ("met by", "problem") else ""
        said = [
            f"{labels.name(t)} {labels.number(v, unit)}"
            for t, v in zip(own["touchpoint"], own["estimate"], strict=True)
        ]
        lines.append(f"{i18n.label(strip)}: {i18n.listed(said)}")
    return labels.in_words(lines)


@redrawable
def sankey(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw journeys step by step: bars as high as the share that is there, bands to the next.

    Parameters
    ----------
    table : step, before, term, estimate (share of all journeys), as `journeys.flows` gives it
    title, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"step": [1, 2, 2], "before": ["begins", "web", "web"],
    ...                       "term": ["web", "shop", "ends"], "estimate": [1.0, 0.8, 0.2]})
    >>> [text.get_text().replace(chr(10), " ") for text in sankey(table).texts]
    ['web 100%', 'shop 80%', 'ends 20%']
    """
    shown = figure.prepare(table, ("step", "before", "term", "estimate"))
    shown = shown.dropna(subset=["estimate"])  # of a hidden flow, not even its step is known
    steps = sorted(shown["step"].unique())[: PHONE_STEPS if layout.narrow() else None]
    shown = shown[shown["step"].isin(steps)]
    total = shown.groupby("term")["estimate"].sum().sort_values(ascending=False)
    order = [t for t in total.index if t != "ends"] + ["ends"]
    looks = {t: COLOURS[i % len(COLOURS)] for i, t in enumerate(order[:-1])} | {"ends": FAINT}
    ax = figure.new_axes(ax, height=4.6, width=PAGE_WIDTH)
    bars = {s: _stacked(shown[shown["step"] == s], order) for s in steps}
    for step in steps[1:]:
        _bands(ax, shown[shown["step"] == step], bars, step, order, looks)
    for step, places in bars.items():
        for term, (bottom, height) in places.items():
            box = Rectangle((step - 0.06, bottom), 0.12, height, fc=looks[term], lw=0, zorder=3)
            ax.add_patch(box)
            if height >= LEAST_NAMED:
                said = f"{labels.name(term, 20)} {i18n.percent(height)}"
                said = wrap(said, 14) if height > 0.09 else said
                ax.text(step + 0.09, bottom + height / 2, said, va="center", fontsize=8.5, zorder=4)
    ax.set(xlim=(steps[0] - 0.1, steps[-1] + 0.95), ylim=(1.02, -0.01), yticks=[])
    ax.set_xticks(steps, [_("step {n:count}", n=s) for s in steps])
    figure.no_frame(ax)
    words = [
        f"{i18n.label(r.before)} – {i18n.label(r.term)} {i18n.percent(r.estimate)}"
        for r in shown.nlargest(10, "estimate").itertuples()
    ]
    return figure.finish(ax, title, _("Paths that journeys take."), labels.in_words(words))


def _stacked(rows: pd.DataFrame, order: list[str]) -> dict[str, tuple[float, float]]:
    """(where it begins, how high it is) for each term of one step, in order."""
    heights = rows.groupby("term")["estimate"].sum().reindex(order).dropna()
    begin = heights.cumsum() - heights
    return {t: (float(b), float(h)) for t, b, h in zip(heights.index, begin, heights, strict=True)}


def _bands(
    ax: Axes,
    rows: pd.DataFrame,
    bars: dict[int, dict[str, tuple[float, float]]],
    step: int,
    order: list[str],
    looks: dict[str, Any],
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
