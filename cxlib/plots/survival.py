"""Curves by time: who is retained, who has left, who has bought again."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core import i18n
from cxlib.core.columns import INTERVAL, SIMULTANEOUS, deciding_ends
from cxlib.core.i18n import _
from cxlib.core.text import wrap
from cxlib.plots import figure, labels, layout, marks
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import DASHES, SOFT, Style, looks_of

FEW = 4  # curves that are named at their ends


@redrawable
def survival(
    table: pd.DataFrame,
    *,
    by: str | None = None,
    unit: str = "days",
    about: str = "",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw survival curves as steps from 1, with the simultaneous band of each curve.

    Parameters
    ----------
    table : time, estimate (share), low, high, n, and `by`
    by : column with a curve for each of its values
    unit : of time; hours are drawn as days where the curve goes on for more than two
    about, title, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"time": [10.0, 20.0], "estimate": [0.9, 0.7], "low": [0.8, 0.6],
    ...                       "high": [0.95, 0.8], "n": 100})
    >>> survival(table).get_xlabel()
    'days'
    """
    if unit == "hours" and table["time"].max() > 48:
        table, unit = table.assign(time=table["time"] / 24), "days"
    table, ax = _stepped(table, by, unit, ax, start=1.0)
    ax.set_ylim(0, 1.02)
    ax.set_ylabel(i18n.label(about) if about else "")
    return describe(ax, title, table, "time", by)


@redrawable
def incidence(
    table: pd.DataFrame, *, by: str, unit: str = "days", title: str = "", ax: Axes | None = None
) -> Axes:
    """Draw the cumulative incidence of leaving as steps from 0, a curve for each of `by`.

    Parameters
    ----------
    table : time, estimate (share), low, high, n, and `by`
    by, unit, title, ax : as in `survival`

    Examples
    --------
    >>> table = pd.DataFrame({"time": [10.0, 20.0], "estimate": [0.1, 0.3], "cause": "price",
    ...                       "n": 100})
    >>> incidence(table, by="cause").get_xlabel()
    'days'
    """
    table, ax = _stepped(table, by, unit, ax)
    return describe(ax, title, table, "time", by)


@redrawable
def repeat_purchase(
    table: pd.DataFrame,
    *,
    by: str | None = None,
    unit: str = "days",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the share who bought again by time, as steps from 0, a curve for each of `by`.

    Parameters
    ----------
    table : time, estimate (share), low, high, n, and `by`
    by, unit, title, ax : as in `survival`

    Examples
    --------
    >>> table = pd.DataFrame({"time": [10.0, 20.0], "estimate": [0.2, 0.5], "n": 100})
    >>> repeat_purchase(table).get_xlabel()
    'days'
    """
    table, ax = _stepped(table, by, unit, ax)
    return describe(ax, title, table, "time", by)


def _stepped(
    table: pd.DataFrame, by: str | None, unit: str, ax: Axes | None, start: float = 0.0
) -> tuple[pd.DataFrame, Axes]:
    """The prepared table; its shares by `time` as steps with bands, all from `start` at time 0."""
    table = figure.prepare(table, ("time", "estimate", by))
    begin = table.groupby(by, sort=False).head(1) if by else table.head(1)
    ends = [c for c in (*INTERVAL[1:], *SIMULTANEOUS) if c in table]
    begin = begin.assign(time=0.0, estimate=start, **dict.fromkeys(ends, start))
    ax = curves(pd.concat([begin, table]), "time", by, "share", ax, steps=True)
    ax.set_ylim(bottom=0)
    ax.set_xlabel(i18n.label(unit))
    return table, ax


def curves(
    table: pd.DataFrame, x: str, by: str | None, unit: str, ax: Axes | None, steps: bool = False
) -> Axes:
    """Curves over a number with their bands; one without a band is dashed, to compare with."""
    shown = figure.prepare(table, (x, "estimate", by))
    low, high = deciding_ends(shown)  # a band holds for the whole curve
    shown = shown.assign(look=shown[by].astype(str) if by else "", low=low, high=high)
    looks = looks_of(shown["look"])
    ax = figure.new_axes(ax, height=3.2)
    band, keys, ends = 0.2 if len(looks) < 4 else 0.08, {}, []
    for look, line in shown.groupby("look", sort=False):
        own: Style = {"steps": steps, "band": band, "markers": False}
        colour, style = looks[str(look)][0], "-"
        if line["estimate"].isna().all():  # hidden: too few
            continue
        if line["low"].isna().all():
            colour, style = SOFT, "--"
            own = {"band": 0, "markers": False, "linestyle": DASHES, "linewidth": 1.4}
        keys[str(look)] = (colour, style)
        last = line.dropna(subset=["estimate"]).sort_values(x)["estimate"].iloc[-1]
        name = wrap(labels.name(look, 30), 12 if layout.narrow() else 20)
        ends.append((float(shown[x].max()), float(last), name, colour))
        marks.lines(ax, line.sort_values(x), x, {str(look): (colour, "")}, **own)
    ax.grid(True)
    figure.number_axis(ax.yaxis, unit)
    figure.number_axis(ax.xaxis, "")
    if shown[x].notna().any():  # else all curves are hidden: too few
        ax.set_xlim(0, shown[x].max())
    if by is not None and len(keys) <= FEW:
        figure.name_ends(ax, ends)
    elif by is not None:
        figure.legend_above(ax, keys)
    return ax


def describe(ax: Axes, title: str | None, table: pd.DataFrame, x: str, by: str | None) -> Axes:
    """Set the title, and some points of each curve as the alternative text."""
    words, table = [], figure.prepare(table)
    for name, rows in [("", table)] if by is None else table.groupby(by, sort=False):
        line = rows.dropna(subset=["estimate"]).sort_values(x)
        if line.empty:  # hidden: too few
            continue
        for place in np.unique(np.linspace(0, len(line) - 1, 4).astype(int)):
            row = line.iloc[place]
            point = f"{i18n.number(row[x], 2)}: {i18n.number(row['estimate'], 2)}"
            words.append(f"{labels.name(name)} {point}".strip())
    return figure.finish(ax, title, _("Lines with 95% bands."), labels.in_words(words))
