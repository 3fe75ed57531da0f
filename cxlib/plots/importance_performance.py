"""Importance and performance in one plane: what matters and is not done well."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core.i18n import _
from cxlib.core.text import wrap
from cxlib.plots import figure, labels, marks
from cxlib.plots.palette import COLOURS, Style

MOST_NAMES = 8  # next to their points


def importance_performance(
    importance: pd.DataFrame,
    performance: pd.DataFrame | None = None,
    *,
    importance_unit: str = "share",
    performance_unit: str = "scale",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw importance (upwards) and performance (to the right), with the uncertainty of both.

    Dashed lines stand at the averages. The upper left is what to improve.

    Parameters
    ----------
    importance : term, estimate, low, high, n; without `performance` also index, index_low and
        index_high, and perhaps the correlation of both, for an ellipse that holds both at once
        with 95% confidence
    performance : term, estimate, low, high, n
    importance_unit, performance_unit : as `unit` in `intervals`
    title, ax : as in `intervals`

    References
    ----------
    Martilla and James (1977), Journal of Marketing 41.

    Examples
    --------
    >>> importance = pd.DataFrame({"term": ["price", "speed"], "estimate": [0.6, 0.4], "n": 90})
    >>> performance = pd.DataFrame({"term": ["price", "speed"], "estimate": [2.0, 4.0], "n": 90})
    >>> importance_performance(importance, performance).get_xlabel()
    'how well we do'
    """
    both = _joined(importance, performance)
    x, y = both["estimate_p"], both["estimate"]
    ax = figure.new_axes(ax, height=4.6)
    if "correlation" in both and both["correlation"].notna().all():
        for row in both.itertuples():
            _ellipse(ax, row)
    else:
        pale: Style = {"color": COLOURS[0], "alpha": 0.45, "lw": 1.6, "capstyle": "butt"}
        marks.ranges(ax, both, "estimate", ("low_p", "high_p"), **pale)
        marks.ranges(ax, both, "estimate_p", upright=True, **pale)
    marks.dots(ax, both, "estimate_p", "estimate", linewidth=1, zorder=2)
    marks.reference_line(ax, x.mean(), lw=1, zorder=2)
    marks.reference_line(ax, y.mean(), upright=False, lw=1, zorder=2)
    ax.set(xlabel=_("how well we do"), ylabel=_("how much it matters"))
    ax.margins(0.12)
    ax.autoscale_view()
    terms = both["term"].map(lambda t: labels.name(t, 22))
    names = terms if len(both) <= MOST_NAMES else _numbered(ax, both["term"], y.to_numpy(float))
    figure.name_points(ax, names, x.to_numpy(float), y.to_numpy(float))
    figure.number_axis(ax.xaxis, performance_unit)
    figure.number_axis(ax.yaxis, importance_unit)
    return figure.finish(ax, title, _("Scatter with intervals."))


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


def _numbered(ax: Axes, terms: pd.Series, y: np.ndarray) -> pd.Series:
    """The number of each point, from the upmost down, with a list of the names to the right."""
    ranks = pd.Series(np.argsort(np.argsort(-y, kind="stable")) + 1, terms.index)
    rows = [
        wrap(f"{ranks[i]}  {labels.name(terms[i], 60)}", 28).replace("\n", "\n     ")
        for i in ranks.sort_values().index
    ]
    where: Style = {"va": "top", "transform": ax.transAxes}
    ax.text(1.03, 1, "\n".join(rows), fontsize=9, linespacing=1.25, **where)
    return ranks.astype(str)


def _ellipse(ax: Axes, row: Any) -> None:
    """Where both values lie together with 95%; half-widths of single intervals are 1.96 errors."""
    around = np.linspace(0, 2 * np.pi, 80)
    reach = 2.448 / 1.96  # square roots of 5.99 (chi-squared, two values) and 3.84 (one)
    a, b = reach * (row.high_p - row.low_p) / 2, reach * (row.high - row.low) / 2
    x = np.cos(around)
    y = row.correlation * x + np.sqrt(max(1 - row.correlation**2, 0)) * np.sin(around)
    ax.fill(row.estimate_p + a * x, row.estimate + b * y, color=COLOURS[0], alpha=0.16, lw=0)
