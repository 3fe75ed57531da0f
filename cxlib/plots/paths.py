"""Path diagrams: boxes for the constructs, arrows with their coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.text import wrap
from cxlib.plots import figure, fonts, labels, marks
from cxlib.plots.palette import COLOURS, HIDDEN, INK, SOFT, Style

HALF = (0.86, 0.31)  # of a box, in units of a place; two lines of a name and R² fit in
STEP = 1.16  # from one level to the next
Places = dict[str, tuple[float, float]]


def path_diagram(
    table: pd.DataFrame,
    r2: pd.DataFrame | None = None,
    *,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a path model: boxes from top to bottom, arrows with their coefficients.

    An arrow is as thick as its coefficient is large, and pale when its interval includes zero.

    Parameters
    ----------
    table : cause, effect, estimate (standardised coefficient), low, high
    r2 : term, estimate: share of variance explained, a row a construct
    title, ax : as in `intervals`

    Raises
    ------
    ValueError : the paths run in a circle

    Examples
    --------
    >>> table = pd.DataFrame({"cause": ["image"], "effect": ["loyalty"], "estimate": [0.5],
    ...                       "low": 0.4, "high": 0.6})
    >>> [text.get_text() for text in path_diagram(table).texts if text.get_text()]
    ['0.50', 'image', 'loyalty']
    """
    shown = figure.prepare(table, ("cause", "effect", "estimate"))
    places = _places(shown)
    sides, depth = _sides(shown, places), max(y for _, y in places.values()) + 1
    ax = figure.new_axes(ax, height=1.1 * depth + 0.3, width=max(6.0, 1.5 * (sides[1] - sides[0])))
    for _unused, row in shown.iterrows():
        _arrow(ax, row, places)
    explained = {} if r2 is None else dict(zip(r2["term"], r2["estimate"], strict=True))
    for name, place in places.items():
        _box(ax, name, place, explained.get(name))
    ax.set(xlim=sides, ylim=(depth - 0.6, -0.4), aspect="equal")
    ax.axis("off")
    words = [
        f"{labels.name(r.cause)} → {labels.name(r.effect)} {i18n.number(r.estimate, 2)}"
        for r in shown.itertuples()
    ]
    return figure.finish(ax, title, _("Path diagram."), labels.in_words(words, 30))


def _places(table: pd.DataFrame) -> Places:
    """(x, y) of each construct: y is the longest way from a beginning, x spreads those of one y."""
    causes: dict[str, list[str]] = {}
    for cause, effect in zip(table["cause"], table["effect"], strict=True):
        causes.setdefault(cause, [])
        causes.setdefault(effect, []).append(cause)
    level: dict[str, int] = {}

    def depth(name: str, seen: tuple[str, ...] = ()) -> int:
        if name in seen:
            raise ValueError(f"the paths run in a circle: {' → '.join([*seen, name])}.")
        if name not in level:
            level[name] = max((depth(c, (*seen, name)) + 1 for c in causes[name]), default=0)
        return level[name]

    for name in causes:
        depth(name)
    rows = [[n for n in causes if level[n] == y] for y in range(max(level.values()) + 1)]
    return {
        n: ((i - (len(row) - 1) / 2) * 1.85 + _sway(y, row, rows), STEP * y)
        for y, row in enumerate(rows)
        for i, n in enumerate(row)
    }


def _sides(table: pd.DataFrame, places: Places) -> tuple[float, float]:
    """Left and right edge, wide enough for the arrows that go round."""
    x = [x + side for x, _ in places.values() for side in (-HALF[0] - 0.1, HALF[0] + 0.1)]
    for cause, effect in zip(table["cause"], table["effect"], strict=True):
        start, stop = np.array(places[cause]), np.array(places[effect])
        x.append(_along(*_ends(start, stop), _bend(start, stop), 0.5)[0] * 1.04)
    return min(x) - 0.15, max(x) + 0.15


def _sway(y: int, row: list[str], rows: list[list[str]]) -> float:
    """Boxes alone in their row step aside in turn, so that longer arrows pass beside them."""
    widest = max(map(len, rows))
    return 0.0 if len(row) > 1 or (widest > 1 and y in (0, len(rows) - 1)) else (-1.05, 1.05)[y % 2]


def _arrow(ax: Axes, row: pd.Series, places: Places) -> None:
    start, stop = np.array(places[row["cause"]]), np.array(places[row["effect"]])
    unclear = row["low"] <= 0 <= row["high"]
    colour = SOFT if unclear else COLOURS[0] if row["estimate"] >= 0 else COLOURS[1]
    begin, end, bend = *_ends(start, stop), _bend(start, stop)
    look: Style = {"color": colour, "alpha": 0.45 if unclear else 0.9, "zorder": 1}
    wide = 0.8 + 3.4 * min(abs(row["estimate"]), 1)
    bent: Style = {"connectionstyle": f"arc3,rad={bend}", "shrinkA": 0, "shrinkB": 0}
    arrow: Style = {"arrowstyle": "-|>", "mutation_scale": 13, "lw": wide} | look | bent
    shape = ax.add_patch(FancyArrowPatch(tuple(begin), tuple(end), **arrow))
    name = f"{labels.name(row['cause'])} → {labels.name(row['effect'])}"
    marks.say(ax, shape, [labels.hover(name, row, "")] * 2)  # a line and its head
    x, y = _along(begin, end, bend, 0.58)
    ink = SOFT if unclear else INK
    figure.centred(ax, x, y, i18n.number(row["estimate"], 2), 9.5, ink, zorder=3, gid=figure.HALO)


def _bend(start: np.ndarray, stop: np.ndarray) -> float:
    """Arrows within a column go round the boxes between them, on the outer side."""
    if abs(start[0] - stop[0]) > 0.2 or abs(start[1] - stop[1]) <= STEP:
        return 0.0
    return 0.32 if start[0] <= 0 else -0.32


def _ends(start: np.ndarray, stop: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if not _bend(start, stop):
        return _edge(start, stop), _edge(stop, start)
    side = np.array([-HALF[0] if start[0] <= 0 else HALF[0], 0.0])
    return start + side, stop + side


def _along(begin: np.ndarray, end: np.ndarray, bend: float, t: float) -> np.ndarray:
    """A point of matplotlib's arc3 on axes of equal units whose y runs downwards."""
    step = end - begin
    control = (begin + end) / 2 + bend * np.array([-step[1], step[0]])
    return (1 - t) ** 2 * begin + 2 * t * (1 - t) * control + t**2 * end


def _edge(inside: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """Where the line from the middle of a box leaves it."""
    step = towards - inside
    with np.errstate(divide="ignore"):
        reach = np.min(np.array(HALF) / np.maximum(np.abs(step), 1e-9))
    return inside + step * min(reach * 1.04, 0.48)


def _box(ax: Axes, name: str, place: tuple[float, float], explained: Any) -> None:
    x, y = place
    look: Style = {"fc": HIDDEN, "ec": COLOURS[0], "lw": 1.3, "zorder": 2}
    corner, size = (x - HALF[0], y - HALF[1]), (2 * HALF[0], 2 * HALF[1])
    ax.add_patch(FancyBboxPatch(corner, *size, boxstyle="round,pad=0,rounding_size=.08", **look))
    words, known = wrap(labels.name(name, 34), 19), explained is not None and explained == explained
    text = figure.centred(ax, x, y - 0.09 * known, words, 9.5, zorder=4, linespacing=1.0)
    fonts.set_bold(text)
    if known:
        beneath, r2 = 0.2 if "\n" in words else 0.14, f"R² {i18n.number(explained, 2)}"
        figure.centred(ax, x, y + beneath, r2, 8.5, SOFT, zorder=4)
