"""What all figures share: a table fit to draw, Axes of a size, ticks, legends, names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.text import Annotation, Text
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from cxlib.core import i18n
from cxlib.core.display import hide_small_cells
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.text import display_width, wrap
from cxlib.plots import labels, layout
from cxlib.plots.export import HALO as HALO
from cxlib.plots.export import show_in_notebooks
from cxlib.plots.fonts import set_bold
from cxlib.plots.palette import INK, PAPER, QUIET, SOFT, Looks, Style
from cxlib.privacy import masking

LETTER = 0.08  # inches of a letter of a tick label
ROW, TALL_ROW = 0.34, 0.46  # inches of a row: its label to the left, or (on a phone) above it
UNCLEAR = 6  # pixels by which its own point has to be nearer to a name than any other
FAR = 12  # points from its point at which a name has a line to it
ABOVE, ABOVE_BAR = 0.2, 0.3  # of a row, from its mark up to its label on a phone

POSITIONS: list[Style] = [  # where the name of a point may stand, best first
    {"position": (dx, dy), "ha": ha, "va": va}
    for dx, dy, ha, va in (
        (6, 6, "left", "bottom"),
        (6, -6, "left", "top"),
        (-6, 6, "right", "bottom"),
        (-6, -6, "right", "top"),
        (0, 9, "center", "bottom"),
        (0, -9, "center", "top"),
        (10, 0, "left", "center"),
        (-10, 0, "right", "center"),
        (14, 16, "left", "bottom"),
        (14, -16, "left", "top"),
        (-14, 16, "right", "bottom"),
        (-14, -16, "right", "top"),
        (0, 24, "center", "bottom"),
        (0, -24, "center", "top"),
        (26, 30, "left", "bottom"),
        (26, -30, "left", "top"),
        (-26, 30, "right", "bottom"),
        (-26, -30, "right", "top"),
        (0, 42, "center", "bottom"),
        (0, -42, "center", "top"),
    )
]


def prepare(table: pd.DataFrame, needed: Sequence[str | None] = ("estimate",)) -> pd.DataFrame:
    """The table, small cells hidden, low and high in place; ValueError if it cannot be drawn."""
    if not isinstance(table, pd.DataFrame):
        raise ValueError(
            f"a {type(table).__name__} cannot be drawn. Pass a table, such as fit.table."
        )
    if lacking := [c for c in needed if c and c not in table]:
        raise ValueError(
            f"the table has no column {lacking}. It has: {', '.join(map(str, table.columns))}. "
            "Pass the `table` of a Result."
        )
    if table.empty:
        raise InsufficientData(_("the table has no rows, so there is nothing to draw."))
    table = table.reset_index(drop=True)
    for side in {"low", "high"} - set(table.columns):
        table[side] = float("nan")
    return hide_small_cells(table)


def first_rows(table: pd.DataFrame, first: int | None) -> tuple[pd.DataFrame, str]:
    """The first rows to draw, and what says that there are more; empty where all are drawn."""
    if first is None or len(table) <= first:
        return table, ""
    return table.head(first), _("first {n:count} of {all:count} rows", n=first, all=len(table))


def add_below(ax: Axes, words: str) -> None:
    """Words behind what stands beneath the axis."""
    ax.set_xlabel(" · ".join(part for part in (ax.get_xlabel(), words) if part))


def new_axes(ax: Axes | None, height: float, width: float | None = None) -> Axes:
    """The Axes given, or those of a new figure of this height in inches.

    Without a width, the figure with its labels is as wide as the page, or the phone.
    """
    if ax is None:
        ax = layout.new_figure(height, width)[1][0]
    # Again for each figure: the inline backend puts its own formatter in place when it wakes up,
    # which is at the first figure.
    show_in_notebooks()
    return ax


def rows_height(rows: float, each: float = ROW) -> float:
    """Inches of so many rows; on a phone they are higher, as their labels stand above them."""
    return rows * (each + TALL_ROW - ROW if layout.narrow() else each)


def finish(ax: Axes, title: str | None, *words: str) -> Axes:
    """Set the title, if there is one, and the alternative text: title and words."""
    title = masking.masked(title or "")[0]
    if title:
        legend = ax.get_legend()
        lines = -(-len(legend.get_texts()) // legend._ncols) if legend else 0  # type: ignore[attr-defined]
        pad = 10 + 17 * lines
        set_bold(ax.set_title(wrap(title, 40 if layout.narrow() else 68), loc="left", x=0, pad=pad))
    text = " ".join(" ".join([title, *words]).replace(r"\$", "$").split())
    before = getattr(ax.figure, "alt_text", "")
    ax.figure.alt_text = f"{before} {text}".strip()  # type: ignore[union-attr]
    return ax


def number_axis(axis: Axis, unit: str) -> None:
    """Set ticks in the page's number format."""
    if unit == "share":
        # Steps of 2.5 would be written wrongly: 12.5% as 12%.
        cast(MaxNLocator, axis.get_major_locator()).set_params(steps=[1, 2, 5, 10])
        axis.set_major_formatter(
            lambda v, _: i18n.percent(v, _decimals(100 * axis.get_majorticklocs()))
        )
    elif unit == "maturity level":
        axis.set_major_locator(MaxNLocator(integer=True))
    elif unit == "gap":
        axis.set_major_formatter(lambda v, _: _tick(100 * v, 100 * axis.get_majorticklocs()))
    else:
        if max(map(abs, axis.get_view_interval())) >= 10_000:  # long numbers need room
            cast(MaxNLocator, axis.get_major_locator()).set_params(nbins=5)
        axis.set_major_formatter(lambda v, _: _tick(v, axis.get_majorticklocs()))


def _tick(value: float, ticks: np.ndarray) -> str:
    """A number as all ticks of its axis are written, with the decimals that one of them needs.

    Examples
    --------
    >>> _tick(5, np.array([4.9, 5.0])), _tick(-2, np.array([-2, 0])), _tick(0, np.array([0, 0.025]))
    ('5.0', '−2', '0.000')
    >>> _tick(1_500_000, np.array([0, 1_500_000]))
    '1,500,000'
    """
    return f"{value:,.{_decimals(ticks)}f}".replace("-", "−")


def _decimals(ticks: np.ndarray) -> int:
    """Decimals that the ticks of an axis need to be written exactly.

    Examples
    --------
    >>> _decimals(np.array([1.5, 2.0, 2.5])), _decimals(np.array([5.0, 10.0]))
    (1, 0)
    """
    written = partial(np.format_float_positional, precision=6, fractional=False, trim="-")
    return max((len(written(tick).partition(".")[2]) for tick in ticks), default=0)


def value_axis(ax: Axes, unit: str, about: str = "") -> None:
    """The upright axis of a measure: ticks, lines across, and what it is."""
    ax.grid(axis="y")
    number_axis(ax.yaxis, unit)
    ax.set_ylabel(labels.axis_label(unit, about))


def wave_axis(ax: Axes, waves: Sequence[object]) -> None:
    """Waves along the axis: of many, as many as have room, the last among them."""
    names = [labels.name(w, 12) for w in waves]
    longest = max((display_width(n) for n in names), default=1)
    layout.fit(ax.figure)  # type: ignore[arg-type]
    room = ax.get_position().width * ax.figure.get_figwidth()  # type: ignore[union-attr]
    step = max(1, -(-len(names) * (longest + 1.5) * LETTER // room))
    at = range((len(names) - 1) % int(step), len(names), int(step))
    ax.set_xticks(list(at), [names[k] for k in at])


def row_axis(
    ax: Axes, names: Sequence[str], places: Sequence[float] | None = None, above: float = ABOVE
) -> list[Text]:
    """Names of the rows beside them (on a phone above them), the first on top."""
    at = list(range(len(names)) if places is None else places)
    phone = layout.narrow()
    ax.set_yticks(at, [""] * len(at) if phone else names, linespacing=1.0)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    if places is None:
        ax.set_ylim(len(names) - 0.4, -0.6 - above * phone)
    if not phone:
        return ax.get_yticklabels()
    look: Style = {"fontsize": 9.2, "ha": "left", "linespacing": 1.0}
    return [_above_row(ax, name, (0, y - above), **look) for name, y in zip(names, at, strict=True)]


def _above_row(ax: Axes, text: str, at: tuple[float, float], **how: Any) -> Annotation:
    """What stands above a row on a phone, on paper of its own: no line across runs through it."""
    paper: Style = {"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none"}
    place: Style = {"xycoords": ("axes fraction", "data"), "va": "bottom", "zorder": 1.5}
    return note(ax, text, at, bbox=paper if text else None, **place, **how)


def no_frame(ax: Axes) -> None:
    """Neither axis lines nor tick marks."""
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)


def note(
    ax: Axes, text: str, at: tuple[float, float], shift: tuple[float, float] = (0, 0), **how: Any
) -> Annotation:
    """Small text at a point, moved by `shift` (typographic points)."""
    look: Style = {"va": "center", "fontsize": 9.5, "color": INK, "annotation_clip": False} | how
    return ax.annotate(text, at, xytext=shift, textcoords="offset points", **look)


def name_points(
    ax: Axes, names: Iterable[str], x: np.ndarray, y: np.ndarray, room: float = 20
) -> None:
    """Names next to their points, each where it covers least of other names and points.

    A name may reach `room` pixels beyond the right edge. One that is far from its point, or nearer
    to another, has a line to its own.
    """
    layout.fit(ax.figure)  # type: ignore[arg-type]
    canvas: Any = ax.figure.canvas
    draw, frame = canvas.get_renderer(), ax.get_window_extent()
    known = np.isfinite(x + y)
    dots = ax.transData.transform(np.column_stack([x, y])[known])
    taken = [Bbox.from_extents(a - 4, b - 4, a + 4, b + 4) for a, b in dots]
    taken += [t.get_window_extent(draw) for t in ax.texts]  # such as the words in the corners
    every = zip(np.array(list(names), object)[known], x[known], y[known], strict=True)
    for k, (name, a, b) in enumerate(every):
        others = np.delete(dots, k, axis=0)
        label = note(ax, name, (a, b), gid=HALO)
        costs = []
        for place in POSITIONS:
            label.set(**place)
            box = label.get_window_extent(draw)
            outside = box.x0 < frame.x0 or box.x1 > frame.x1 + room
            far = 2e2 * (np.hypot(*place["position"]) > FAR)
            cost = sum(_shared(box, other) for other in taken) + 4e3 * outside + far
            costs.append(cost + 3e2 * _nearer_to_others(box, dots[k], others))
        best = POSITIONS[int(np.argmin(costs))]
        label.set(**best)
        box = label.get_window_extent(draw)
        taken.append(box)
        if np.hypot(*best["position"]) > FAR or _nearer_to_others(box, dots[k], others):
            dx, dy = best["position"]
            line: Style = {"color": SOFT, "lw": 0.7, "shrinkA": 0, "shrinkB": 4}
            note(ax, "", (a, b), (dx, dy), arrowprops={"arrowstyle": "-"} | line)


def _nearer_to_others(box: Bbox, own: np.ndarray, others: np.ndarray) -> bool:
    """Whether a reader could take a name for that of another point: one hardly farther from it."""
    if not len(others):
        return False

    def away(dots: np.ndarray) -> np.ndarray:
        low, high = np.array([box.x0, box.y0]), np.array([box.x1, box.y1])
        return np.hypot(*np.maximum(np.maximum(low - dots, dots - high), 0).T)

    return bool(away(others).min() < away(own[None])[0] + UNCLEAR)


def _shared(one: Bbox, other: Bbox) -> float:
    """The area that two boxes share, in square pixels."""
    both = Bbox.intersection(one, other)
    return float(both.width * both.height) if both else 0.0


def spread(at: Sequence[float], gaps: Sequence[float], most: float = np.inf) -> list[float]:
    """Places as near to `at` as gaps allow, none above `most`; `gaps` are the heights of labels.

    Examples
    --------
    >>> spread([1, 1.1, 5], [1, 1, 1])
    [1.0, 2.0, 5.0]
    """
    places = [0.0] * len(at)
    order = np.argsort(at, kind="stable")
    free = -np.inf
    for k in order:
        places[k] = max(float(at[k]), free)
        free = places[k] + gaps[k]
    for k in order[::-1]:
        places[k] = min(places[k], most)
        most = places[k] - gaps[k]
    return places


End = tuple[float, float, str, str]  # x, y, what is written there, its colour


def name_ends(ax: Axes, ends: Sequence[End], shift: float = 8, **how: Any) -> None:
    """Names of lines at their ends, moved apart where they would cover each other."""
    low, high = ax.get_ylim()
    line = 0.165 / (0.77 * ax.figure.get_figheight()) * (high - low)  # type: ignore[union-attr]
    heights = [line * (1 + text.count("\n")) for _x, _y, text, _c in ends]
    places = spread([y for _x, y, _text, _c in ends], heights, high)
    for (x, _y, text, colour), place in zip(ends, places, strict=True):
        note(ax, text, (x, place), (shift, 0), color=SOFT if colour == QUIET else colour, **how)


def centred(
    ax: Axes, x: float, y: float, text: str, size: float, color: str = INK, **how: Any
) -> Text:
    """Text with its middle at a point."""
    return ax.text(x, y, text, fontsize=size, color=color, **{"ha": "center", "va": "center"} | how)


def row_notes(
    ax: Axes, places: Iterable[float], texts: Iterable[str], above: float = ABOVE
) -> None:
    """Small text to the right of each row; on a phone above its right end."""
    for place, text in zip(places, texts, strict=True):
        look: Style = {"color": SOFT, "fontsize": 9}
        if layout.narrow():
            _above_row(ax, text, (1, place - above), ha="right", **look)
        else:
            note(ax, text, (1.02, place), xycoords=("axes fraction", "data"), **look)


def legend_above(ax: Axes, looks: Looks | None = None, *, ms: float = 6, **line: Any) -> None:
    """The legend above what is drawn; `looks` adds an entry for each of its names."""
    for label, (colour, marker) in (looks or {}).items():
        ax.plot([], [], marker, color=colour, label=labels.name(label, 38), ms=ms, **line)
    words = ax.get_legend_handles_labels()[1]
    widths = [display_width(w) + 4 for w in words] or [1]
    room = (3.2 if layout.narrow() else 5.4) / LETTER
    lines = [line for t in ax.get_yticklabels() for line in t.get_text().split("\n")]
    room -= max([0, *map(display_width, lines)])  # names of rows take from the width of the axes
    look: Style = {"fontsize": 9.5, "handletextpad": 0.3, "columnspacing": 1.2, "labelcolor": INK}
    if layout.narrow():
        look |= {"fontsize": 8.8, "handletextpad": 0.1, "columnspacing": 0.7}
    columns = len(words) if sum(widths) <= room else int(max(1, room // max(widths)))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2, **look)
