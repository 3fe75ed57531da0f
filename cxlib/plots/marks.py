"""Marks drawn by seaborn from numbers that are computed already: dots, lines, bars, tiles.

Seaborn computes no statistics here (`errorbar=None`, one row a mark); the intervals that a table
brings are drawn beside its marks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, ListedColormap

from cxlib.plots.palette import COLOURS, DASHES, EDGE, HIDDEN, INK, PAPER, SOFT, Looks, Style


def dots(
    ax: Axes, data: pd.DataFrame, x: str, y: str, looks: Looks | None = None, **how: Any
) -> None:
    """A dot for each row; `looks` gives colour and marker by the values of its column "look"."""
    how = {"s": 56, "zorder": 3, "edgecolor": PAPER, "linewidth": 0.9} | how
    if looks is None:
        how = {"marker": "o"} | ({} if "facecolors" in how else {"color": COLOURS[0]}) | how
    else:
        data = data.assign(look=data["look"].astype(str))
        how |= {"hue": "look", "style": "look", **_maps(looks)}
    known = data[[x, y]].notna().all(axis=1)
    if known.any():
        sns.scatterplot(data=data, x=x, y=y, legend=False, ax=ax, **how)
        _hover(ax, ax.collections[-1], data[known])
    _unlabel(ax)


def rings(ax: Axes, data: pd.DataFrame, x: str, y: str, **how: Any) -> None:
    """An open circle for each row."""
    look: Style = {"edgecolor": INK, "linewidth": 1.3, "s": 121, "zorder": 1}
    dots(ax, data, x, y, facecolors="none", **look | how)


def ranges(
    ax: Axes,
    data: pd.DataFrame,
    place: str,
    ends: tuple[str, str] = ("low", "high"),
    *,
    upright: bool = False,
    looks: Looks | None = None,
    **how: Any,
) -> None:
    """A line from one end to the other for each row that has both."""
    known = data.dropna(subset=list(ends))
    if "color" not in how:
        own = known["look"].astype(str) if looks else []
        how["color"] = [looks[v][0] for v in own] if looks else COLOURS[0]
    how = {"lw": 2.6, "capstyle": "round", "zorder": 2} | how
    draw: Any = ax.vlines if upright else ax.hlines
    _hover(ax, draw(known[place], known[ends[0]], known[ends[1]], **how), known)


def estimates(
    ax: Axes,
    data: pd.DataFrame,
    place: str = "place",
    *,
    upright: bool = False,
    looks: Looks | None = None,
    lw: float = 2.6,
    **how: Any,
) -> None:
    """A dot for each row, and the line of its interval."""
    ranges(ax, data, place, upright=upright, looks=looks, lw=lw)
    x, y = (place, "estimate") if upright else ("estimate", place)
    dots(ax, data, x, y, looks, **how)


def lines(
    ax: Axes,
    data: pd.DataFrame,
    x: str,
    looks: Looks | None = None,
    *,
    y: str = "estimate",
    band: float = 0.16,
    markers: bool = True,
    steps: bool = False,
    **how: Any,
) -> None:
    """A line with its band for each look; where a value is hidden, the line is interrupted.

    `looks` gives colour and marker by the values of the column "look".
    """
    looks = looks or {"": (COLOURS[0], "o")}
    data = data.assign(look=data["look"].astype(str) if "look" in data else "")
    for look, rows in data.groupby("look", sort=False) if band else []:
        fill: Style = {"color": looks[str(look)][0], "alpha": band, "lw": 0}
        step: Any = "post" if steps else None
        ax.fill_between(rows[x], rows["low"], rows["high"], step=step, **fill)
    # Seaborn joins what is known on both sides of a hidden value; runs of known values do not.
    data["run"] = data[y].isna().groupby(data["look"]).cumsum()
    how |= {"hue": "look", "units": "run", "estimator": None, "errorbar": None, "sort": False}
    how |= {"drawstyle": "steps-post" if steps else "default", "legend": False}
    how |= {"palette": _maps(looks)["palette"]}
    if markers:
        how = {"markersize": 6, "markeredgecolor": PAPER, "markeredgewidth": 0.8} | how
        how |= {"style": "look", "dashes": False, "markers": _maps(looks)["markers"]}
    if data[y].notna().any():
        before = len(ax.lines)
        sns.lineplot(data=data, x=x, y=y, ax=ax, **how)
        if markers and "hover" in data:
            words = {(float(r[x]), float(r[y])): r["hover"] for r in data.to_dict("records")}
            for line in ax.lines[before:]:
                ends = np.asarray(line.get_xydata(), float)
                say(ax, line, [words.get((float(a), float(b)), "") for a, b in ends])
    _unlabel(ax)


def say(ax: Axes, artist: Artist, words: Sequence[str]) -> None:
    """Have each mark of the artist say its words on hover."""
    figure: Any = ax.figure
    kept = figure.__dict__.setdefault("hover", {})
    artist.set_gid(f"hover-{len(kept)}")
    kept[artist.get_gid()] = list(words)


def _hover(ax: Axes, artist: Artist, rows: pd.DataFrame) -> None:
    if "hover" in rows:
        say(ax, artist, list(rows["hover"]))


def _maps(looks: Looks) -> dict[str, dict[str, str]]:
    """Colours and markers as seaborn takes them."""
    palette, markers = ({k: look[i] for k, look in looks.items()} for i in (0, 1))
    return {"palette": palette, "markers": markers}


def bars(ax: Axes, data: pd.DataFrame, height: float = 0.62, **how: Any) -> None:
    """A bar for each row at its place, from zero to its estimate."""
    known = data.dropna(subset=["estimate"])
    if len(known):
        steps = np.diff(np.unique(known["place"]))
        wide = height / (steps.min() if len(steps) else 1)
        how = {"color": COLOURS[0], "alpha": 0.85, "zorder": 2, "linewidth": 0} | how
        how |= {"orient": "y", "native_scale": True, "errorbar": None, "saturation": 1}
        before = len(ax.patches)
        sns.barplot(known, x="estimate", y="place", width=wide, legend=False, ax=ax, **how)
        words = known.sort_values("place", kind="stable") if "hover" in known else known.head(0)
        for bar, said in zip(ax.patches[before:], words.get("hover", []), strict=False):
            say(ax, bar, [said])
    _unlabel(ax)


def heatmap(
    ax: Axes,
    values: pd.DataFrame,
    texts: pd.DataFrame,
    cmap: Colormap,
    *,
    limits: tuple[float, float],
    hidden: pd.DataFrame | None = None,
    **annot: Any,
) -> None:
    """A tile for each number, with its text; tiles of hidden numbers are grey, with a dash."""
    known, edge = values.notna(), PAPER if hidden is None else EDGE
    dash: Style = {"fontsize": 9, "color": SOFT}
    parts = [(known, values, texts, cmap, {"fontsize": 9} | annot)]
    if hidden is not None:
        dashes = hidden.replace({True: "–", False: ""})
        parts.append((hidden, hidden.astype(float), dashes, ListedColormap([HIDDEN]), dash))
    how: Style = {"cbar": False, "xticklabels": False, "yticklabels": False, "linewidths": 0.6}
    for shown, numbers, words, colours, letters in parts:
        if shown.to_numpy().any():
            how |= dict(zip(("vmin", "vmax"), limits if shown is known else (0, 1), strict=True))
            look = {"annot": words, "annot_kws": letters, "cmap": colours, "fmt": ""} | how
            sns.heatmap(numbers, mask=~shown, ax=ax, **look)
            edges = [edge if k else "none" for k in shown.to_numpy().ravel()]
            ax.collections[-1].set_edgecolor(edges)
    ax.set(xlim=(0, values.shape[1]), ylim=(values.shape[0], 0))
    ax.tick_params(length=0)
    _unlabel(ax)


def _unlabel(ax: Axes) -> None:
    """Take back the labels that seaborn gives the axes, and hides where there are no ticks."""
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set(text="", visible=True)


def reference_line(ax: Axes, at: float, *, upright: bool = True, **how: Any) -> None:
    """A dashed line across at a value."""
    how = {"color": SOFT, "lw": 1.2, "ls": DASHES, "zorder": 1} | how
    draw: Any = ax.axvline if upright else ax.axhline
    draw(at, **how)
