"""Necessary conditions: the ceiling above the answers, and the empty corner beyond it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.core.text import wrap
from cxlib.plots import figure, labels, layout, marks
from cxlib.plots.palette import COLOURS, FAINT, INK, SOFT, Style
from cxlib.privacy import masking

ACROSS = 3  # panels in a row


def necessary_conditions(
    table: pd.DataFrame,
    corners: pd.DataFrame,
    cells: pd.DataFrame,
    *,
    outcome: str = "outcome",
    title: str | None = None,
) -> Axes:
    """Draw a panel for each driver: answers as dots, the ceiling above them, the empty corner.

    Dots grow with the number of answers; those of fewer than the page's smallest cell are left out.

    Parameters
    ----------
    table : term, estimate (effect size d), necessary (bool), n
    corners : term, x, y of the steps of each ceiling
    cells : term, x, y and n of the answers
    outcome : name of the outcome
    title : as in `intervals`

    References
    ----------
    Dul (2016), Organizational Research Methods 19.

    Examples
    --------
    >>> table = pd.DataFrame({"term": ["price"], "estimate": [0.1], "necessary": [True], "n": 90})
    >>> corners = pd.DataFrame({"term": "price", "x": [1, 2], "y": [3, 5]})
    >>> cells = pd.DataFrame({"term": "price", "x": [1, 2], "y": [3, 5], "n": [40, 50]})
    >>> necessary_conditions(table, corners, cells).get_title("left").split(chr(10))
    ['price', 'd 0.10']
    """
    shown = figure.prepare(table, ("term", "estimate", "necessary"))
    across = min(ACROSS, len(shown))
    down = -(-len(shown) // across)
    size = (layout.WIDTH, 1.75 * down + 0.6)
    whole, axes = plt.subplots(
        down, across, figsize=size, squeeze=False, sharey=True, layout="constrained"
    )
    figure.new_axes(axes[0, 0], 0)
    for ax in axes.flat[len(shown) :]:
        ax.set_visible(False)
    for ax, row in zip(axes.flat, shown.itertuples(), strict=False):
        known = row.estimate == row.estimate
        if known:  # else too few answered, and the corner is theirs
            _draw_corner(ax, corners[corners["term"] == row.term], cells[cells["term"] == row.term])
        head = f"{labels.name(row.term, 20)}\nd {i18n.number(row.estimate, 2)}"
        ax.set_title(
            head, loc="left", fontsize=9.5, color=INK if known and row.necessary else SOFT, pad=4
        )
    whole.supylabel(labels.name(outcome), fontsize=10)
    whole.supxlabel(_("rating of the driver"), fontsize=10)
    title = masking.masked(title or "")[0]
    if title:
        look: Style = {"x": 0.01, "ha": "left", "fontsize": 12, "fontweight": "bold"}
        whole.suptitle(wrap(title, 62), **look)
    words = [f"{labels.name(r.term)} d {i18n.number(r.estimate, 2)}" for r in shown.itertuples()]
    return figure.finish(axes[0, 0], "", title, _("Scatter with ceilings."), labels.in_words(words))


def _draw_corner(ax: Axes, corners: pd.DataFrame, cells: pd.DataFrame) -> None:
    left, right = cells["x"].min(), cells["x"].max()
    bottom, top = cells["y"].min(), cells["y"].max()
    xs, ys = np.r_[corners["x"], right], np.r_[corners["y"], corners["y"].iloc[-1]]
    ax.fill_between(xs, ys, top, step="post", color=COLOURS[1], alpha=0.22, lw=0)
    ax.step(np.r_[left, xs], np.r_[bottom, ys], where="post", color=COLOURS[1], lw=1.4)
    shown = cells[cells["n"] >= context.current().smallest_cell]
    if len(shown):
        size = 4 + 60 * shown["n"] / shown["n"].max()
        marks.dots(ax, shown, "x", "y", s=size, alpha=0.6, linewidth=0, zorder=1)
    ax.set(xlim=(left - 0.5, right + 0.5), ylim=(bottom - 0.5, top + 0.5))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(5, integer=True))
    ax.tick_params(labelsize=8.5, color=FAINT)
