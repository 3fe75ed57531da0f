"""Effects of a change: event study, synthetic control, and the power of a comparison."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core import i18n, periods
from cxlib.core.i18n import _, mark
from cxlib.core.text import wrap
from cxlib.plots import figure, labels, layout, marks
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import COLOURS, DASHES, FAINT, INK, looks_of

DIFFERENCE, EFFECT = mark("difference", "smallest effect")  # what the upright axes show


@redrawable
def event_study(
    table: pd.DataFrame, *, unit: str = "", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the difference between treated and control, wave by wave, with intervals.

    The last wave before the change is 0 by definition; the waves with it are shaded.

    Parameters
    ----------
    table : wave, estimate, low, high (simultaneous interval), n, changed (bool: whether the change
        had happened); waves called -1, 0, +1 are counted from the start of each unit
    unit, title, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"wave": ["q1", "q2"], "estimate": [0.0, 2.0], "low": [0.0, 1.0],
    ...                       "high": [0.0, 3.0], "n": 80, "changed": [False, True]})
    >>> event_study(table, unit="points").get_ylabel()
    'difference (points)'
    """
    shown = figure.prepare(table, ("wave", "estimate", "changed"))
    full = periods.with_gaps(shown, "wave")
    full["changed"] = full["changed"].ffill().astype(bool)
    changed = full["changed"].to_numpy()
    looks = {"False": (COLOURS[0], "o"), "True": (COLOURS[1], "D")}
    ax = figure.new_axes(ax, height=3.2)
    _shade(ax, changed)
    marks.reference_line(ax, 0, upright=False)
    hover = [
        labels.hover(labels.name(row["wave"]), row, unit, simultaneous=True)
        for row in full.to_dict("records")
    ]
    data = full.assign(place=np.arange(len(full)), look=changed, hover=hover)
    marks.estimates(ax, data, upright=True, looks=looks, linewidth=1)
    since_start = full["wave"].astype(str).str.startswith("+").any()
    signed = full["wave"].astype(str).str.replace(r"^-", "−", regex=True)
    _waves(ax, signed if since_start else full["wave"], unit, DIFFERENCE)
    if since_start:
        ax.set_xlabel(_("waves since the start"))
    words = labels.values(shown["wave"], shown["estimate"], unit)
    return figure.finish(ax, title, _("Dots with simultaneous 95% intervals."), words)


@redrawable
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
    >>> [text.get_text() for text in synthetic_control(table, unit="points").texts]
    ['treated', 'synthetic']
    """
    shown = figure.prepare(table, ("of", "wave", "estimate", "changed"))
    names = list(dict.fromkeys(shown["of"]))
    waves = periods.complete(shown["wave"])
    data = periods.with_gaps(shown, "wave", "of")
    data = data.assign(x=data["wave"].map(waves.index), changed=data["changed"].ffill())
    treated, control = (data[data["of"] == name].reset_index(drop=True) for name in names[:2])
    changed = treated["changed"].to_numpy(bool)
    ax = figure.new_axes(ax, height=3.0)
    hover = labels.hovers(treated, map(labels.name, treated["wave"]), unit)
    marks.lines(ax, treated.assign(hover=hover), "x")
    looks = {"": (INK, "")}
    marks.lines(ax, control, "x", looks, band=0, markers=False, linewidth=1.6, linestyle=DASHES)
    _shade(ax, changed)
    _waves(ax, treated["wave"], unit)
    _name_ends(ax, {names[0]: (treated, COLOURS[0]), names[1]: (control, INK)})
    there = treated["wave"].isin(shown["wave"])
    words = labels.values(treated.loc[there, "wave"], treated.loc[there, "estimate"], unit)
    return figure.finish(ax, title, _("Lines with 95% bands."), words)


@redrawable
def power(
    table: pd.DataFrame,
    *,
    unit: str = "",
    expected: float | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the smallest detectable effect by customers, a line for each number of waves.

    Parameters
    ----------
    table : waves, n (customers in the comparison), estimate (smallest effect)
    unit, title, ax : as in `intervals`
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
    figure.value_axis(ax, unit, EFFECT)
    ax.grid(True)
    ax.set_xlabel(_("customers in the comparison"))
    if expected is not None:
        marks.reference_line(ax, expected, upright=False, lw=1.4)
    entries = {
        _("waves: {waves:count}", waves=float(w)): (colour, marker + "-")
        for w, (colour, marker) in looks.items()
    }
    figure.legend_above(ax, entries, ms=5.5)
    words = [
        f"{r.waves} · {i18n.count(r.n)}: {labels.number(r.estimate, unit)}"
        for r in figure.prepare(table).dropna(subset=["estimate"]).itertuples()
    ]
    return figure.finish(ax, title, labels.in_words(words))


def _name_ends(ax: Axes, lines: dict[str, tuple[pd.DataFrame, str]]) -> None:
    """The name of each line at its last known point."""
    most, ends = 12 if layout.narrow() else 18, []
    for name, (rows, colour) in lines.items():
        for row in rows.dropna(subset=["estimate"]).tail(1).itertuples():
            ends.append((row.x, row.estimate, wrap(labels.name(name, 30), most), colour))
    figure.name_ends(ax, ends)


def _shade(ax: Axes, changed: np.ndarray) -> None:
    for k in np.flatnonzero(changed):
        ax.axvspan(k - 0.5, k + 0.5, color=FAINT, alpha=0.5, lw=0, zorder=0)


def _waves(ax: Axes, waves: pd.Series, unit: str, about: str = "") -> None:
    figure.wave_axis(ax, list(waves))
    ax.set_xlim(-0.6, len(waves) - 0.4)
    figure.value_axis(ax, unit, about)
    if about and unit == "scale":
        ax.set_ylabel(_("{what} ({unit})", what=_(about), unit=labels.unit_label(unit)))
