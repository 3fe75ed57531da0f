"""Funnel plots: units with limits that follow how many cases each has."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.plots import figure, labels, marks
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import COLOURS, DASHES, SOFT, Style

LOOKS = {  # how each signal looks: colour, marker
    "": (SOFT, "o"),
    "low": (SOFT, "v"),
    "high": (SOFT, "^"),
    "very low": (COLOURS[1], "v"),
    "very high": (COLOURS[0], "^"),
}
WIDE = 20  # times the smallest unit from which the axis is logarithmic
NAMED = 12  # units up to which all are named


@redrawable
def funnel_plot(
    table: pd.DataFrame,
    limits: pd.DataFrame,
    *,
    unit: str = "share",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a mark for each unit over its number of cases, in its 95% and 99.8% limits.

    Units outside the outer limits are named, all where they are few.

    Parameters
    ----------
    table : term, estimate, n, signal ("", "low", "high", "very low" or "very high")
    limits : n, estimate (centre), low, high, outer_low, outer_high, by growing n
    unit, title, ax : as in `intervals`

    References
    ----------
    Spiegelhalter (2005), Statistics in Medicine 24.

    Examples
    --------
    >>> table = pd.DataFrame({"term": ["a", "b"], "estimate": [0.5, 0.9], "n": [50, 90],
    ...                       "signal": ["", "very high"]})
    >>> limits = pd.DataFrame({"n": [50, 90], "estimate": 0.5, "low": 0.4, "high": 0.6,
    ...                        "outer_low": 0.3, "outer_high": 0.7})
    >>> sorted(text.get_text() for text in funnel_plot(table, limits).texts)
    ['a', 'b']
    """
    shown = figure.prepare(table, ("term", "estimate", "n", "signal"))
    known = shown.dropna(subset=["estimate"])
    limits = limits[limits["n"] >= pd.to_numeric(known["n"]).min()] if len(known) else limits
    ax = figure.new_axes(ax, height=4.2)
    inner, outer = _("95 in 100 by chance"), _("998 in 1,000")
    for side, style, name in (
        ("low", DASHES, inner),
        ("high", DASHES, None),
        ("outer_low", "-", outer),
        ("outer_high", "-", None),
    ):
        look: Style = {"color": COLOURS[1], "lw": 1.2, "ls": style, "zorder": 1, "label": name}
        ax.plot(limits["n"], limits[side], **look)
    ax.axhline(limits["estimate"].iloc[0], color=SOFT, lw=1, zorder=1)
    hover = labels.hovers(
        known.drop(columns=["low", "high"]), map(labels.name, known["term"]), unit
    )
    dots = known.assign(look=known["signal"], hover=hover)
    marks.dots(ax, dots, "n", "estimate", LOOKS, s=64)
    out = known[known["signal"].str.startswith("very")]
    ax.grid(True)
    figure.number_axis(ax.yaxis, unit)
    _cases(ax, limits["n"].to_numpy(float))
    ax.set_ylabel(labels.unit_label(unit))
    figure.legend_above(ax)
    named = known if len(known) <= NAMED else out
    x, y = (pd.to_numeric(named[c]).to_numpy(float) for c in ("n", "estimate"))
    figure.name_points(ax, [labels.name(t, 22) for t in named["term"]], x, y, room=60)
    first = pd.concat([out, known.drop(out.index)])
    words = labels.values(first["term"], first["estimate"], unit)
    return figure.finish(ax, title, _("Funnel plot."), words)


def _cases(ax: Axes, x: np.ndarray) -> None:
    """The axis of cases, logarithmic where the largest unit is much larger than the smallest."""
    ax.set_xlabel(_("cases"))
    if x.max() <= WIDE * x.min():
        ax.set_xlim(x.min() - 0.05 * np.ptp(x), x.max() + 0.16 * max(np.ptp(x), 1))
        return figure.number_axis(ax.xaxis, "")
    ax.set_xscale("log")
    ends = x.min() / 1.1, x.max() * 1.8
    ax.set_xlim(*ends)
    steps = [step * 10**power for power in range(9) for step in (1, 3)]
    ax.xaxis.set_major_locator(FixedLocator([s for s in steps if ends[0] <= s <= ends[1]]))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda n, _: i18n.count(n)))
    ax.xaxis.set_minor_locator(NullLocator())
