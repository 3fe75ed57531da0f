"""The widths of figures, one for a page and one for a phone, and drawing again for the other."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, TypeVar, cast

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cxlib.core.text import wrap

WIDTH = 6.9  # inches of a figure with all its labels on a page
PHONE = 3.4  # and on a phone
SMALLEST = 8.4  # points of a letter: 11 pixels
PHONE_LETTERS = 34  # of a line beneath an axis
LEAST_AXES = 1.4  # inches that labels leave to what is drawn
PHONE_STYLE: Any = {
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titlepad": 8,
    "axes.labelsize": 9,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "lines.linewidth": 1.8,
}
_narrow: ContextVar[bool] = ContextVar("narrow", default=False)
Draw = TypeVar("Draw", bound=Callable[..., Axes])


def narrow() -> bool:
    """Whether the figure being drawn is for a phone."""
    return _narrow.get()


def redrawable(draw: Draw) -> Draw:
    """Have the figures of `draw` remember how to be drawn again for a phone."""

    @wraps(draw)
    def drawn(*tables: Any, ax: Axes | None = None, **how: Any) -> Axes:
        if ax is not None:
            return draw(*tables, ax=ax, **how)
        given = draw(*tables, **how)
        copies = [t.copy() if hasattr(t, "copy") else t for t in tables]
        given.figure.redraw = lambda: draw(*copies, **how)  # type: ignore[union-attr]
        return given

    return cast(Draw, drawn)


def for_phone(figure: Figure) -> Figure | None:
    """The figure drawn again for a phone; None where it has no such form. Close it after use."""
    redraw = getattr(figure, "redraw", None)
    if redraw is None or narrow():
        return None
    token = _narrow.set(True)
    try:
        with mpl.rc_context(PHONE_STYLE):
            small = cast(Figure, redraw().figure)
            for ax in small.axes:  # a long label would take width from what is drawn
                ax.set_xlabel(wrap(ax.get_xlabel(), PHONE_LETTERS))
            fit(small)
    finally:
        _narrow.reset(token)
    return small


def fit(figure: Figure) -> None:
    """Give what is drawn the width that labels leave it, so that the whole is as wide as wanted.

    Done for figures with a `fitted` width; their Axes take a constant part of the figure.
    """
    wanted = getattr(figure, "fitted", None)
    if wanted is None or figure.get_layout_engine() is not None:
        return
    share = figure.subplotpars.right - figure.subplotpars.left
    # A title begins at the left edge in the end and takes no width from what is drawn.
    titles = [t for ax in figure.axes for t in (ax.title, ax._left_title) if t.get_visible()]  # type: ignore[attr-defined]
    for title in titles:
        title.set_visible(False)
    for _ in range(3):
        excess = figure.get_tightbbox().width + 2 * mpl.rcParams["savefig.pad_inches"] - wanted
        if abs(excess) < 0.01:
            break
        width = max(figure.get_figwidth() - excess / share, LEAST_AXES / share)
        figure.set_figwidth(width)
    for title in titles:
        title.set_visible(True)


def new_figure(
    height: float, width: float | None, rows: int = 1, columns: int = 1
) -> tuple[Figure, Any]:
    """A figure of this height in inches, and its Axes, row by row."""
    wide = PHONE if narrow() else (WIDTH if width is None else width)
    figure, axes = plt.subplots(rows, columns, figsize=(wide, height), squeeze=False)
    if width is None or narrow():
        figure.fitted = wide  # type: ignore[attr-defined]
    return figure, axes.ravel()
