"""Figures of what a change did: wave by wave, beside a stand-in, and what could be found."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.plots import style
from cxlib.plots.style import COLOURS, FAINT, INK, SOFT


def event_study(
    table: pd.DataFrame, *, unit: str = "", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """How far those reached stand from those spared, wave by wave, with intervals (`trials.path`).

    The last wave before the change is 0 by definition; the waves with it are shaded.
    """
    shown = style.ready(table, ("wave", "estimate", "changed"))
    x = np.arange(len(shown))
    ax = style.axes(ax, height=3.2)
    _shade(ax, shown["changed"].to_numpy(bool))
    ax.axhline(0, color=SOFT, lw=1.2, ls=(0, (4, 3)), zorder=1)
    changed = shown["changed"].to_numpy(bool)
    for rows, colour, marker in ((~changed, COLOURS[0], "o"), (changed, COLOURS[1], "D")):
        ax.vlines(x[rows], shown["low"][rows], shown["high"][rows], color=colour, lw=2.4, zorder=2)
        ax.plot(x[rows], shown["estimate"][rows], marker, color=colour, ms=7, mec="white", zorder=3)
    _waves(ax, shown["wave"])
    style.number_axis(ax.yaxis, unit)
    ax.set_ylabel(style.unit_words(unit))
    clear = [style.name(r.wave) for r in shown[changed].itertuples() if r.low > 0 or r.high < 0]
    found = _("No single point is clear of the last one before")
    if clear:
        found = _("Clear of the last point before in {waves:list}", waves=clear)
    words = [f"{r.wave} {style.number(r.estimate, unit)}" for r in shown.itertuples()]
    said = found if title is None else title
    return style.say(ax, said, _("Dots with 95% intervals."), style.listed(words))


def stand_in(
    table: pd.DataFrame, *, unit: str = "", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Those reached, with their interval, and dashed what stands for them without the change.

    `table` is that of `trials.beside` or `trials.line`: of, wave, estimate, low, high, changed.
    """
    shown = style.ready(table, ("of", "wave", "estimate", "changed"))
    names = list(dict.fromkeys(shown["of"]))
    lines = [shown[shown["of"] == name] for name in names]
    ax = style.axes(ax, height=3.2)
    x = np.arange(len(lines[0]))
    ax.plot(x, lines[0]["estimate"], "o-", color=COLOURS[0], ms=5.5, mec="white", mew=0.7)
    ax.plot(x, lines[1]["estimate"], color=INK, lw=1.6, ls=(0, (4, 3)))
    ax.fill_between(x, lines[0]["low"], lines[0]["high"], color=COLOURS[0], alpha=0.16, lw=0)
    ax.legend([style.name(n) for n in names], fontsize=9.5, loc="best", frameon=False)
    _shade(ax, lines[0]["changed"].to_numpy(bool))
    _waves(ax, lines[0]["wave"])
    style.number_axis(ax.yaxis, unit)
    ax.set_ylabel(style.unit_words(unit))
    gap = (lines[0]["estimate"].to_numpy() - lines[1]["estimate"].to_numpy())[
        lines[0]["changed"].to_numpy(bool)
    ].mean()
    found = _("{gap} between the two after it", gap=style.number(gap, unit))
    words = [f"{r.wave} {style.number(r.estimate, unit)}" for r in lines[0].itertuples()]
    said = found if title is None else title
    return style.say(ax, said, _("Lines with 95% bands."), style.listed(words))


def power(
    table: pd.DataFrame,
    *,
    unit: str = "",
    expected: float | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The smallest effect that shows, by customers, a line for each number of waves.

    `table` is that of `trials.plan`; `expected` draws a line across: what is promised. Below a
    curve it is mostly missed.
    """
    shown = style.ready(table, ("waves", "n", "estimate"))
    ax = style.axes(ax, height=3.2)
    looks = style.colours_of(shown["waves"].unique())
    for waves, line in shown.groupby("waves", sort=False):
        line = line.sort_values("n")
        colour, marker = looks[waves]
        ax.plot(line["n"], line["estimate"], marker + "-", color=colour, ms=5.5, mec="white")
    ax.set_xscale("log")
    ticks = sorted(set(shown["n"]))
    apart = [n for k, n in enumerate(ticks) if not k or n > 1.4 * ticks[k - 1]]
    ax.set_xticks(apart, [i18n.count(n) for n in apart])
    ax.minorticks_off()
    ax.set_ylim(bottom=0)
    ax.grid(True)
    ax.set_xlabel(_("customers in the comparison"))
    style.number_axis(ax.yaxis, unit)
    ax.set_ylabel(style.unit_words(unit))
    if expected is not None:
        ax.axhline(expected, color=SOFT, lw=1.4, ls=(0, (4, 3)))
    style.key(
        ax,
        {_("waves: {waves:count}", waves=w): (c, m + "-") for w, (c, m) in looks.items()},
        ms=5.5,
    )
    last = shown.sort_values(["n", "waves"]).iloc[-1]
    found = _(
        "With {n:count} customers and one wave, effects from {effect} on show"
        if last["waves"] == 1
        else "With {n:count} customers and {waves:count} waves, effects from {effect} on show",
        n=last["n"],
        waves=last["waves"],
        effect=style.number(last["estimate"], unit),
    )
    words = [
        f"{r.waves} · {i18n.count(r.n)}: {style.number(r.estimate, unit)}"
        for r in shown.itertuples()
    ]
    return style.say(ax, found if title is None else title, style.listed(words))


def _shade(ax: Axes, changed: np.ndarray) -> None:
    for k in np.flatnonzero(changed):
        ax.axvspan(k - 0.5, k + 0.5, color=FAINT, alpha=0.5, lw=0, zorder=0)


def _waves(ax: Axes, waves: pd.Series) -> None:
    slant = {"rotation": 45, "ha": "right"} if len(waves) > 5 else {}
    ax.set_xticks(range(len(waves)), [style.name(w, 12) for w in waves], **slant)
    ax.set_xlim(-0.6, len(waves) - 0.4)
    ax.grid(axis="y")
