"""Many groups beside many terms: a tile for each pair, its number above its interval."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize, TwoSlopeNorm

from cxlib.core.i18n import _
from cxlib.plots import style
from cxlib.plots.style import COLOURS, INK

TILE = (0.66, 0.44)  # inches
MOST_COLUMNS = 16  # more groups than this become rows


def tiles(
    table: pd.DataFrame,
    panel: str,
    *,
    unit: str = "",
    reference: float | None = None,
    sort: bool = True,
    title: str = "",
    words: str = "",
    ax: Axes | None = None,
) -> Axes:
    """A tile for each term (down) and value of `panel` (across): the darker, the more.

    Terms with the largest means come first (`sort`), else they keep their order.

    Beneath each number a line runs from low to high, all on one scale, so that intervals can be
    compared. A table that does not give every pair has empty tiles. With a `reference`, blue is
    above it and orange below. `title` and `words` (for the alternative text) are the caller's.
    """
    shown = style.ready(table, ("term", "estimate", panel))
    columns = list(dict.fromkeys(shown[panel]))
    means = shown.groupby("term", sort=False)["estimate"].mean()
    if sort:
        means = means.sort_values(ascending=False, na_position="last", kind="stable")
    terms = list(means.index)
    across, down = ("term", panel) if len(columns) > MOST_COLUMNS else (panel, "term")
    x_of, y_of = (terms, columns) if across == "term" else (columns, terms)
    ax = style.axes(ax, TILE[1] * len(y_of) + 0.9, max(TILE[0] * len(x_of) / 0.775, 3.0))
    colour = _colours(shown["estimate"], reference)
    ends = shown[["low", "high", "estimate"]].to_numpy(float)
    scale = (np.nanmin(ends), np.nanmax(ends)) if not np.isnan(ends).all() else (0.0, 1.0)
    x = np.array([x_of.index(v) for v in shown[across]], float)
    y = np.array([y_of.index(v) for v in shown[down]], float)
    _draw(ax, x, y, shown, colour, scale, unit)
    _frame(ax, x_of, y_of)
    ax.set_xlabel(_people(shown, panel, columns, across == panel))
    return style.say(ax, title, _("Tiles with 95% intervals."), words)


def _colours(values: pd.Series, reference: float | None):
    """A colour for each estimate; pale enough for dark letters at one end, dark at the other."""
    low, high = values.min(), values.max()
    if not low < high:
        return lambda _: (1.0, 1.0, 1.0, 1.0)
    if reference is None:
        shades = LinearSegmentedColormap.from_list("one", ["#ffffff", "#9ccbe8"])
        norm = Normalize(low, high)
    else:
        shades = LinearSegmentedColormap.from_list("two", ["#f4b183", "#ffffff", "#9ccbe8"])
        reach = max(abs(low - reference), abs(high - reference))
        norm = TwoSlopeNorm(reference, reference - reach, reference + reach)
    return lambda v: shades(norm(v))


def _draw(
    ax: Axes, x: np.ndarray, y: np.ndarray, rows: pd.DataFrame, colour, scale, unit: str
) -> None:
    """All boxes as one artist, all intervals as another: a large square stays light."""
    values = rows["estimate"].to_numpy(float)
    known = ~np.isnan(values)
    boxes = [plt.Rectangle((i - 0.48, j - 0.47), 0.96, 0.94) for i, j in zip(x, y, strict=True)]
    shades = [colour(v) if k else "#eef1f4" for v, k in zip(values, known, strict=True)]
    plain = {"clip_on": False}  # no mark on each shape: a picture of many stays small
    ax.add_collection(
        PatchCollection(boxes, facecolors=shades, edgecolors="#c9d3db", lw=0.6, **plain)
    )
    for i, j, v, k in zip(x, y, values, known, strict=True):
        said = style.number(v, unit) if k else "–"
        ax.text(i, j - 0.13, said, ha="center", va="center", fontsize=10, color=INK)
    told = known & rows["low"].notna().to_numpy()
    ends = rows[["low", "high", "estimate"]].to_numpy(float)[told]
    at = x[told, None] - 0.4 + 0.8 * (ends - scale[0]) / (scale[1] - scale[0] or 1)
    lines = [[(a, j), (b, j)] for (a, b, _), j in zip(at, y[told] + 0.28, strict=True)]
    ax.add_collection(LineCollection(lines, colors=COLOURS[0], lw=1.6, capstyle="round", **plain))
    ax.scatter(at[:, 2], y[told] + 0.28, s=13, color=COLOURS[0], lw=0, zorder=3, **plain)


def _frame(ax: Axes, x_of: list, y_of: list) -> None:
    names = [style.name(v, 22) for v in x_of]
    slant = {"rotation": 40, "ha": "left"} if max(map(style.breadth, names)) > 6 else {}
    ax.set(xlim=(-0.55, len(x_of) - 0.45), ylim=(len(y_of) - 0.45, -0.55))
    ax.xaxis.tick_top()
    ax.set_xticks(range(len(x_of)), names, **slant)
    ax.set_yticks(range(len(y_of)), [style.wrapped(style.name(v, 64), 30) for v in y_of])
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)


def _people(shown: pd.DataFrame, panel: str, columns: list, across: bool) -> str:
    """n of each group where it is one number, in the order of the columns."""
    if "n" not in shown:
        return ""
    each = shown.groupby(panel, sort=False)["n"].agg(["min", "max"])
    if each["min"].min() == each["max"].max():
        return f"n {style.people(each['min'].iloc[0])}"
    if not across or (each["min"] != each["max"]).any():
        return f"n {style.people(each['min'].min())} – {style.people(each['max'].max())}"
    return "n " + " · ".join(style.people(each.loc[c, "min"]) for c in columns)
