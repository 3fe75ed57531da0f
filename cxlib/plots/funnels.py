"""Funnel plots: units beside limits that follow how many cases each has.

plots.funnel(fit.table, fit.limits, unit=fit.unit)
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.plots import style
from cxlib.plots.style import COLOURS, INK, SOFT

SIGNS = {  # how each signal looks: marker, colour
    "": ("o", SOFT),
    "low": ("v", SOFT),
    "high": ("^", SOFT),
    "very low": ("v", COLOURS[1]),
    "very high": ("^", COLOURS[0]),
}
WIDE = 20  # times the smallest unit from which the axis is logarithmic
NAMED = 12  # units up to which all are named


def funnel(
    table: pd.DataFrame,
    limits: pd.DataFrame,
    *,
    unit: str = "share",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A mark for each unit over its number of cases, in limits for 95 and 998 of 1,000 by chance.

    `table` and `limits` are those of `service.funnel`. Units outside the outer limits are named,
    all where they are few.
    """
    shown = style.ready(table, ("term", "estimate", "n", "signal"))
    shown = shown.assign(signal=shown["signal"].where(shown["estimate"].notna(), ""))
    ax = style.axes(ax, height=4.2)
    seen = shown.loc[shown["estimate"].notna(), "n"]
    limits = limits[limits["n"] >= pd.to_numeric(seen).min()] if len(seen) else limits
    x = limits["n"].to_numpy(float)
    inner, outer = _("95 in 100 by chance"), _("998 in 1,000")
    for ends, look, name in (
        (("low", "high"), (0, (4, 3)), inner),
        (("outer_low", "outer_high"), "-", outer),
    ):
        for side in ends:
            ax.plot(
                x,
                limits[side],
                color=COLOURS[1],
                lw=1.2,
                ls=look,
                zorder=1,
                label=name if side == ends[0] else None,
            )
    ax.axhline(limits["estimate"].iloc[0], color=SOFT, lw=1, zorder=1)
    known = shown.dropna(subset=["estimate"])
    for row in known.itertuples():
        marker, colour = SIGNS[row.signal]
        ax.plot(row.n, row.estimate, marker, color=colour, ms=8, mec="white", mew=0.8, zorder=3)
    _name(ax, known if len(known) <= NAMED else known[known["signal"].str.startswith("very")], x)
    ax.grid(True)
    ax.set_xlim(x.min() - 0.05 * np.ptp(x), x.max() + 0.16 * max(np.ptp(x), 1))
    style.number_axis(ax.yaxis, unit)
    if x.max() > WIDE * x.min():
        _logarithmic(ax, x)
    else:
        style.number_axis(ax.xaxis, "")
    ax.set_xlabel(_("cases"))
    ax.set_ylabel(style.unit_words(unit))
    ax.legend(
        loc="upper left",
        bbox_to_anchor=(0, -0.7 / ax.figure.get_figheight()),
        ncols=2,
        fontsize=9.5,
        borderaxespad=0,
    )
    words = [f"{style.name(r.term)} {style.number(r.estimate, unit)}" for r in known.itertuples()]
    return style.say(
        ax, _found(known) if title is None else title, _("Funnel plot."), style.listed(words)
    )


def _logarithmic(ax: Axes, x: np.ndarray) -> None:
    ax.set_xscale("log")
    ax.set_xlim(x.min() / 1.1, x.max() * 1.8)
    steps = [step * 10**power for power in range(9) for step in (1, 3)]
    inside = [s for s in steps if x.min() / 1.1 <= s <= x.max() * 1.8]
    ax.xaxis.set_major_locator(FixedLocator(inside))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda n, _: i18n.count(n)))
    ax.xaxis.set_minor_locator(NullLocator())


def _name(ax: Axes, rows: pd.DataFrame, x: np.ndarray) -> None:
    for row in rows.itertuples():
        ax.annotate(
            style.name(row.term, 22),
            (row.n, row.estimate),
            xytext=(7, 0),
            va="center",
            textcoords="offset points",
            fontsize=9.5,
            color=INK,
            annotation_clip=False,
        )


def _found(known: pd.DataFrame) -> str:
    out = known[known["signal"].str.startswith("very")]
    if known.empty:
        return _("Too few answers to show")
    if out.empty:
        return _("All {n:count} lie inside the outer limits", n=len(known))
    return _("Outside the outer limits: {units:list5}", units=[style.name(t) for t in out["term"]])
