"""What all figures share: a table fit to draw, Axes of a size, ticks, legends, titles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation, Text
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import Bbox

from cxlib.core import i18n
from cxlib.core.display import hide_small_cells
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.text import wrap
from cxlib.plots import labels
from cxlib.plots.export import show_in_notebooks
from cxlib.plots.fonts import set_bold
from cxlib.plots.palette import INK, SOFT, Looks, Style
from cxlib.privacy import masking

MOST_WAVES = 14  # whose names have room on an axis
WIDTH = 5.4  # inches; narrow, so that the letters stay legible on a phone

POSITIONS: list[Style] = [  # where the name of a point may stand, best first
    {"position": (dx, dy), "ha": ha, "va": va}
    for dx, dy, ha, va in (
        (6, 6, "left", "bottom"),
        (6, -6, "left", "top"),
        (-6, 6, "right", "bottom"),
        (-6, -6, "right", "top"),
        (0, 10, "center", "bottom"),
        (0, -10, "center", "top"),
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


def new_axes(ax: Axes | None, height: float, width: float = WIDTH) -> Axes:
    """The Axes given, or those of a new figure of this size in inches."""
    if ax is None:
        _, ax = plt.subplots(figsize=(width, height))
    # Again for each figure: the inline backend puts its own formatter in place when it wakes up,
    # which is at the first figure.
    show_in_notebooks()
    return ax


def finish(ax: Axes, title: str, *words: str) -> Axes:
    """Set the title, and the alternative text of the figure: title and words."""
    title = masking.masked(title)[0]
    if title:
        set_bold(ax.set_title(wrap(title, 54), loc="left", x=0))
    text = " ".join(" ".join([title, *words]).replace(r"\$", "$").split())
    before = getattr(ax.figure, "alt_text", "")
    ax.figure.alt_text = f"{before} {text}".strip()  # type: ignore[union-attr]
    return ax


def number_axis(axis: Axis, unit: str) -> None:
    """Set ticks in the page's number format."""
    if unit == "share":
        # Steps of 2.5 would be written wrongly: 12.5% as 12%.
        cast(MaxNLocator, axis.get_major_locator()).set_params(steps=[1, 2, 5, 10])
        axis.set_major_formatter(lambda v, _: i18n.percent(v, _decimals(axis)))
    elif unit == "gap":
        axis.set_major_formatter(lambda v, _: f"{100 * v:,.4g}".replace("-", "−"))
    else:
        if max(map(abs, axis.get_view_interval())) >= 10_000:  # long numbers need room
            cast(MaxNLocator, axis.get_major_locator()).set_params(nbins=5)
        axis.set_major_formatter(lambda v, _: f"{v:,g}".replace("-", "−"))


def _decimals(axis: Axis) -> int:
    """Decimals with which the ticks of shares differ."""
    low, high = sorted(axis.get_view_interval())
    return 0 if high - low >= 0.035 else 1 if high - low >= 0.0035 else 2


def value_axis(ax: Axes, unit: str) -> None:
    """The upright axis of a measure: ticks, lines across, and its unit."""
    ax.grid(axis="y")
    number_axis(ax.yaxis, unit)
    ax.set_ylabel(labels.unit_label(unit))


def wave_axis(ax: Axes, waves: Sequence[object], level: int = 6) -> None:
    """Waves along the axis, aslant above `level`; of very many every second or third."""
    slant: Style = {"rotation": 45, "ha": "right"} if len(waves) > level else {}
    step = -(-len(waves) // MOST_WAVES)
    names = [labels.name(w, 12) for w in waves]
    ax.set_xticks(range(0, len(waves), step), names[::step], **slant)


def row_axis(ax: Axes, names: Sequence[str], places: Sequence[float] | None = None) -> None:
    """Names of the rows beside them, the first on top."""
    at = list(range(len(names)) if places is None else places)
    ax.set_yticks(at, names, linespacing=1.0)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    if places is None:
        ax.set_ylim(len(names) - 0.4, -0.6)


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

    A name may reach `room` pixels beyond the right edge.
    """
    canvas: Any = ax.figure.canvas
    draw, frame = canvas.get_renderer(), ax.get_window_extent()
    known, halo = np.isfinite(x + y), [withStroke(linewidth=2.5, foreground="white")]
    dots = ax.transData.transform(np.column_stack([x, y])[known])
    taken = [Bbox.from_extents(a - 4, b - 4, a + 4, b + 4) for a, b in dots]
    for name, a, b in zip(np.array(list(names), object)[known], x[known], y[known], strict=True):
        label = note(ax, name, (a, b), path_effects=halo)
        costs = []
        for place in POSITIONS:
            label.set(**place)
            box = label.get_window_extent(draw)
            outside = box.x0 < frame.x0 or box.x1 > frame.x1 + room
            costs.append(sum(box.overlaps(other) for other in taken) + outside)
        label.set(**POSITIONS[int(np.argmin(costs))])
        taken.append(label.get_window_extent(draw))


def centred(
    ax: Axes, x: float, y: float, text: str, size: float, color: str = INK, **how: Any
) -> Text:
    """Text with its middle at a point."""
    return ax.text(x, y, text, fontsize=size, color=color, **{"ha": "center", "va": "center"} | how)


def row_notes(ax: Axes, places: Iterable[float], texts: Iterable[str]) -> None:
    """Small text to the right of each row."""
    for place, text in zip(places, texts, strict=True):
        note(ax, text, (1.02, place), color=SOFT, xycoords=("axes fraction", "data"))


def legend_below(
    ax: Axes, looks: Looks | None = None, *, drop: float = 0, ms: float = 6, **line: Any
) -> None:
    """The legend, `drop` inches beneath the axis; `looks` adds an entry for each of its names."""
    for label, (colour, marker) in (looks or {}).items():
        ax.plot([], [], marker, color=colour, label=labels.name(label, 24), ms=ms, **line)
    slanted = any(text.get_rotation() % 180 for text in ax.get_xticklabels()[:1])
    drop = drop or (0.86 if slanted else 0.62)
    ax.legend(
        loc="upper left",
        bbox_to_anchor=(0, -drop / ax.figure.get_figheight()),  # type: ignore[union-attr]
        ncols=3 if looks else 2,
        fontsize=9.5,
        handletextpad=0.3,
        columnspacing=1.2,
        borderaxespad=0,
    )
