"""Importance and performance in one plane: what matters and is not done well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core.i18n import N_, _
from cxlib.core.text import wrap
from cxlib.plots import figure, labels, layout, marks
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import COLOURS, ORANGE, QUIET, SOFT, Style

ON_A_PHONE = 6  # points that all have their names there
NAMED = 3  # of more, those that matter most have them, and all weaknesses
PERFORMANCE = {  # the axes, by the unit of their numbers
    "scale": N_("how well we do (mean rating)"),
    "points": N_("how well we do (index, 0 to 100)"),
}
IMPORTANCE = {
    "scale": N_("how much it matters (points per rating point)"),
    "points": N_("how much it matters (points per index point)"),
    "share": N_("how much it matters (share of explained variance)"),
}


@redrawable
def importance_performance(
    importance: pd.DataFrame,
    performance: pd.DataFrame | None = None,
    *,
    importance_unit: str = "share",
    performance_unit: str = "scale",
    past: Mapping[str, str] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw importance (upwards) and performance (to the right), with the uncertainty of both.

    Dashed lines stand at the averages: weaknesses to the upper left, strengths to the upper right.

    Parameters
    ----------
    importance : term, estimate, low, high, n; without `performance` also index, index_low and
        index_high, and perhaps the correlation of both, for an ellipse that holds both at once
        with 95% confidence
    performance : term, estimate, low, high, n
    importance_unit, performance_unit : as `unit` in `intervals`
    past : driver -> wave whose fall is over and makes it look a weakness; it is named with the
        wave and not set off
    title, ax : as in `intervals`

    References
    ----------
    Martilla and James (1977), Journal of Marketing 41.

    Examples
    --------
    >>> importance = pd.DataFrame({"term": ["price", "speed"], "estimate": [0.6, 0.4], "n": 90})
    >>> performance = pd.DataFrame({"term": ["price", "speed"], "estimate": [2.0, 4.0], "n": 90})
    >>> importance_performance(importance, performance).get_xlabel()
    'how well we do (mean rating)'
    """
    both = _joined(importance, performance)
    x, y = both["estimate_p"], both["estimate"]
    middle = (float(x.mean()), float(y.mean()))
    first = (x < middle[0]) & (y > middle[1])
    over = {t: w for t, w in (past or {}).items() if t in set(both.loc[first, "term"])}
    first &= ~both["term"].isin(list(over))
    names = [_named(str(t), over) for t in both["term"]]
    both["look"], both["hover"] = first, _hovers(both, names, importance_unit, performance_unit)
    ax = figure.new_axes(ax, height=4.4)
    if "correlation" in both and both["correlation"].notna().all():
        for row in both.itertuples():
            _ellipse(ax, row)
    else:
        for part, colour in ((both[~first], QUIET), (both[first], ORANGE)):
            pale: Style = {"color": colour, "alpha": 0.45, "lw": 1.3, "capstyle": "butt"}
            plain = part.drop(columns="hover")
            marks.ranges(ax, plain, "estimate", ("low_p", "high_p"), **pale)
            marks.ranges(ax, plain, "estimate_p", upright=True, **pale)
    looks = {"False": (SOFT, "o"), "True": (ORANGE, "o")}
    marks.dots(ax, both, "estimate_p", "estimate", looks, linewidth=1, zorder=3, s=64)
    ax.set(
        xlabel=_(PERFORMANCE.get(performance_unit, "how well we do")),
        ylabel=_(IMPORTANCE.get(importance_unit, "how much it matters")),
    )
    ax.margins(0.14)
    ax.autoscale_view()
    _quadrants(ax, middle)
    few = len(names) <= ON_A_PHONE or not layout.narrow()  # of many, a phone names the first
    told = first | (y.rank(ascending=False) <= NAMED) | both["term"].isin(list(over))
    shown = [wrap(n, 22 if few else 16) * (few or t) for n, t in zip(names, told, strict=True)]
    figure.name_points(ax, shown, x.to_numpy(float), y.to_numpy(float))
    figure.number_axis(ax.xaxis, performance_unit)
    figure.number_axis(ax.yaxis, importance_unit)
    words = labels.in_words(word.split("; ")[0] for word in both["hover"])
    return figure.finish(ax, title, _("Scatter with intervals."), _first(both, first), words)


def _named(term: str, over: Mapping[str, str]) -> str:
    """What a point is called; one that is where it is by a wave that is over, with that wave."""
    name = labels.name(term, 60)
    if term not in over:
        return name
    return _("{name} (fall of {wave:label})", name=name, wave=over[term])


def _first(both: pd.DataFrame, first: pd.Series) -> str:
    """The names in the upper left, for the alternative text."""
    names = both[first].sort_values("estimate", ascending=False)["term"].map(labels.name)
    return _("Weaknesses: {names:list}.", names=list(names)) if len(names) else ""


def _hovers(both: pd.DataFrame, names: list[str], *units: str) -> list[str]:
    """Both values of each driver with their intervals."""
    ends = {"estimate_p": "estimate", "low_p": "low", "high_p": "high"}
    own = both[["estimate", "low", "high"]]
    other = both[list(ends)].rename(columns=ends)
    called = (
        labels.hovers(table, [f"{name}, {axis}" for name in names], unit)
        for table, axis, unit in (
            (own, _("how much it matters"), units[0]),
            (other, _("how well we do"), units[1]),
        )
    )
    return ["; ".join(pair) for pair in zip(*called, strict=True)]


def _quadrants(ax: Axes, middle: tuple[float, float]) -> None:
    """Lines at the averages, what each quadrant means in its corner, the upper left shaded."""
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    for at, upright in zip(middle, (True, False), strict=True):
        marks.reference_line(ax, at, upright=upright, lw=1, zorder=1)
    ax.fill_between([left, middle[0]], middle[1], top, color=ORANGE, alpha=0.07, lw=0, zorder=0)
    corners = (  # positions, as the table of strengths and weaknesses names them
        (_("Weakness"), 0.01, 0.99, ORANGE),
        (_("Strength"), 0.99, 0.99, SOFT),
        (_("Low priority"), 0.01, 0.01, SOFT),
        (_("Maintain"), 0.99, 0.01, SOFT),
    )
    for words, x, y, colour in corners:
        side, up = ("left" if x < 0.5 else "right"), ("top" if y > 0.5 else "bottom")
        look: Style = {"ha": side, "va": up, "fontsize": 9, "fontweight": "bold"}
        figure.note(ax, words, (x, y), xycoords="axes fraction", color=colour, **look)
    ax.set(xlim=(left, right), ylim=(bottom, top))


def _joined(importance: pd.DataFrame, performance: pd.DataFrame | None) -> pd.DataFrame:
    """Both in one table; the columns of performance end in "_p"."""
    shown = figure.prepare(importance)
    if performance is None:
        ends = {"index": "estimate_p", "index_low": "low_p", "index_high": "high_p"}
        return shown.rename(columns=ends)
    both = shown.merge(figure.prepare(performance), on="term", suffixes=("", "_p"))
    if both.empty:
        raise ValueError("the two tables have no term in common.")
    return both


def _ellipse(ax: Axes, row: Any) -> None:
    """Where both values lie together with 95%; half-widths of single intervals are 1.96 errors."""
    around = np.linspace(0, 2 * np.pi, 80)
    reach = 2.448 / 1.96  # square roots of 5.99 (chi-squared, two values) and 3.84 (one)
    a, b = reach * (row.high_p - row.low_p) / 2, reach * (row.high - row.low) / 2
    x = np.cos(around)
    y = row.correlation * x + np.sqrt(max(1 - row.correlation**2, 0)) * np.sin(around)
    ax.fill(row.estimate_p + a * x, row.estimate + b * y, color=COLOURS[0], alpha=0.16, lw=0)
