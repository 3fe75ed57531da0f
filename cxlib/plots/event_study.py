"""Effects of a change: event study, synthetic control, and the power of a comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core import i18n, periods
from cxlib.core.i18n import _
from cxlib.plots import figure, labels, marks
from cxlib.plots.palette import COLOURS, DASHES, FAINT, INK, looks_of


def event_study(
    table: pd.DataFrame, *, unit: str = "", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the difference between treated and control, wave by wave, with intervals.

    The last wave before the change is 0 by definition; the waves with it are shaded.

    Parameters
    ----------
    table : wave, estimate, low, high, n, changed (bool: whether the change had happened)
    unit, title, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"wave": ["q1", "q2"], "estimate": [0.0, 2.0], "low": [0.0, 1.0],
    ...                       "high": [0.0, 3.0], "n": 80, "changed": [False, True]})
    >>> event_study(table, unit="points").get_title("left")
    'Clear of the last point before in q2'
    """
    shown = figure.prepare(table, ("wave", "estimate", "changed"))
    full = periods.with_gaps(shown, "wave")
    full["changed"] = full["changed"].ffill().astype(bool)
    changed = full["changed"].to_numpy()
    looks = {"False": (COLOURS[0], "o"), "True": (COLOURS[1], "D")}
    ax = figure.new_axes(ax, height=3.2)
    _shade(ax, changed)
    marks.reference_line(ax, 0, upright=False)
    data = full.assign(place=np.arange(len(full)), look=changed)
    marks.estimates(ax, data, upright=True, looks=looks, linewidth=1)
    _waves(ax, full["wave"], unit)
    if title is None:
        clear = [labels.name(r.wave) for r in full[changed].itertuples() if r.low > 0 or r.high < 0]
        title = _("No single point is clear of the last one before")
        if clear:
            waves = clear
            title = _("Clear of the last point before in {waves:list}", waves=waves)
    words = labels.values(shown["wave"], shown["estimate"], unit)
    return figure.finish(ax, title, _("Dots with 95% intervals."), words)


def synthetic_control(
    table: pd.DataFrame, *, unit: str = "", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the treated with their interval, and dashed the series without the change.

    Parameters
    ----------
    table : of (the treated first, then the synthetic control or the continued line), wave,
        estimate, low, high, n, changed (bool)
    unit, title, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"of": ["treated"] * 2 + ["synthetic"] * 2, "wave": ["q1", "q2"] * 2,
    ...                       "estimate": [1.0, 3.0, 1.0, 1.5], "changed": [False, True] * 2})
    >>> synthetic_control(table, unit="points").get_title("left")
    '1.5 between the two after it'
    """
    shown = figure.prepare(table, ("of", "wave", "estimate", "changed"))
    names = list(dict.fromkeys(shown["of"]))
    waves = periods.complete(shown["wave"])
    data = periods.with_gaps(shown, "wave", "of")
    data = data.assign(x=data["wave"].map(waves.index), changed=data["changed"].ffill())
    treated, control = (data[data["of"] == name].reset_index(drop=True) for name in names[:2])
    changed = treated["changed"].to_numpy(bool)
    ax = figure.new_axes(ax, height=3.2)
    marks.lines(ax, treated, "x")
    looks = {"": (INK, "")}
    marks.lines(ax, control, "x", looks, band=0, markers=False, linewidth=1.6, linestyle=DASHES)
    drawn = [ax.lines[0], ax.lines[-1]]
    ax.legend(drawn, [labels.name(n) for n in names], fontsize=9.5, loc="best", frameon=False)
    _shade(ax, changed)
    _waves(ax, treated["wave"], unit)
    if title is None:
        gap = (treated["estimate"] - control["estimate"])[changed].mean()
        title = _("{gap} between the two after it", gap=labels.number(gap, unit))
    there = treated["wave"].isin(shown["wave"])
    words = labels.values(treated.loc[there, "wave"], treated.loc[there, "estimate"], unit)
    return figure.finish(ax, title, _("Lines with 95% bands."), words)


def power(
    table: pd.DataFrame, *, unit: str = "", expected: float | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the smallest detectable effect by customers, a line for each number of waves.

    Parameters
    ----------
    table : waves, n (customers in the comparison), estimate (smallest effect)
    unit, ax : as in `intervals`
    expected : effect that is promised; a line across

    Examples
    --------
    >>> table = pd.DataFrame({"waves": 1, "n": [100, 400], "estimate": [2.0, 1.0]})
    >>> power(table, unit="points").get_xlabel()
    'customers in the comparison'
    """
    shown = figure.prepare(table, ("waves", "n", "estimate")).sort_values("n", kind="stable")
    shown = shown.dropna(subset="estimate").astype({"waves": table["waves"].dtype})
    looks = looks_of(table["waves"])
    ax = figure.new_axes(ax, height=3.2)
    marks.lines(ax, shown.assign(look=shown["waves"]), "n", looks, band=0, markeredgewidth=1)
    ax.set_xscale("log")
    ticks = sorted(set(shown["n"]))
    distinct = [n for k, n in enumerate(ticks) if not k or n > 1.4 * ticks[k - 1]]
    ax.set_xticks(distinct, [i18n.count(n) for n in distinct])
    ax.minorticks_off()
    ax.set_ylim(bottom=0)
    figure.value_axis(ax, unit)
    ax.grid(True)
    ax.set_xlabel(_("customers in the comparison"))
    if expected is not None:
        marks.reference_line(ax, expected, upright=False, lw=1.4)
    entries = {
        _("waves: {waves:count}", waves=float(w)): (colour, marker + "-")
        for w, (colour, marker) in looks.items()
    }
    figure.legend_below(ax, entries, ms=5.5)
    last = shown.sort_values(["n", "waves"]).iloc[-1]
    title = _(
        "With {n:count} customers and one wave, effects from {effect} on show"
        if last["waves"] == 1
        else "With {n:count} customers and {waves:count} waves, effects from {effect} on show",
        n=last["n"],
        waves=last["waves"],
        effect=labels.number(last["estimate"], unit),
    )
    words = [
        f"{r.waves} · {i18n.count(r.n)}: {labels.number(r.estimate, unit)}"
        for r in figure.prepare(table).itertuples()
    ]
    return figure.finish(ax, title, labels.in_words(words))


def _shade(ax: Axes, changed: np.ndarray) -> None:
    for k in np.flatnonzero(changed):
        ax.axvspan(k - 0.5, k + 0.5, color=FAINT, alpha=0.5, lw=0, zorder=0)


def _waves(ax: Axes, waves: pd.Series, unit: str) -> None:
    figure.wave_axis(ax, list(waves), level=5)
    ax.set_xlim(-0.6, len(waves) - 0.4)
    figure.value_axis(ax, unit)
