"""Checks of models: calibration of predictions, and the choice among models."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core import i18n
from cxlib.core.i18n import _, mark
from cxlib.plots import figure, labels, marks
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import COLOURS, DASHES, SOFT

PROBABILITIES = mark("predicted probability", "observed share")  # axes of a calibration curve
AMOUNTS = mark("predicted", "observed")


@redrawable
def calibration(
    table: pd.DataFrame, *, unit: str = "share", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw what was predicted against what happened, in bins, with the band of what happened.

    Parameters
    ----------
    table : predicted, estimate (what happened), low, high, n, a row a bin
    unit, title, ax : as in `intervals`

    Returns
    -------
    The Axes; a perfect model lies on the dashed line.

    Examples
    --------
    >>> bins = pd.DataFrame({"predicted": [0.1, 0.9], "estimate": [0.1, 0.5], "low": [0.05, 0.45],
    ...                      "high": [0.2, 0.6], "n": 90})
    >>> calibration(bins).get_xlabel()
    'predicted probability'
    """
    shown = figure.prepare(table, ("predicted", "estimate")).sort_values("predicted")
    ax = figure.new_axes(ax, height=4.4, width=4.8)
    reach = float(np.nanmax(shown[["predicted", "estimate", "high"]].to_numpy(float))) * 1.05
    ax.plot([0, reach], [0, reach], color=SOFT, lw=1.2, ls=DASHES)
    marks.lines(ax, shown, "predicted", markersize=6, markeredgewidth=1)
    ax.set(xlim=(0, reach), ylim=(0, reach))
    names = PROBABILITIES if unit == "share" else AMOUNTS
    ax.set_xlabel(labels.axis_label(unit, names[0]))
    ax.set_ylabel(labels.axis_label(unit, names[1]))
    ax.grid(True)
    figure.number_axis(ax.xaxis, unit)
    figure.number_axis(ax.yaxis, unit)
    called = [labels.number(p, unit) for p in shown["predicted"]]
    words = labels.values(called, shown["estimate"], unit)
    return figure.finish(ax, title, _("Calibration curve."), words)


@redrawable
def model_selection(
    table: pd.DataFrame,
    *,
    measure: str = "estimate",
    unit: str = "",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw how a measure changes with the number of groups or questions, the chosen one marked.

    Parameters
    ----------
    table : the number (first column), `measure`, perhaps low, high, term, and chosen (bool)
    measure : column to draw
    unit, title, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"k": [2, 3], "estimate": [0.9, 0.8], "chosen": [False, True]})
    >>> model_selection(table).get_xlabel()
    'number of groups'
    """
    shown = figure.prepare(table, (measure,))
    first = str(shown.columns[0])
    shown = shown.assign(x=pd.to_numeric(shown[first]))
    ax = figure.new_axes(ax, height=3.0)
    band = 0.16 if measure == "estimate" else 0
    marks.lines(ax, shown, "x", y=measure, band=band, markersize=6, markeredgewidth=1)
    best = shown[measure] == shown[measure].max()
    picked = shown[shown["chosen"].astype(bool) if "chosen" in shown else best]
    marks.rings(ax, picked, "x", measure, s=169, edgecolor=COLOURS[1], linewidth=2, zorder=3)
    ax.set_xticks(shown["x"])
    figure.value_axis(ax, unit)
    counted = {"k": _("number of groups"), "questions": _("number of questions")}
    ax.set_xlabel(counted.get(first) or i18n.label(first))
    named = measure == "estimate" and "term" in shown
    ax.set_ylabel(labels.name(shown["term"].iloc[0]) if named else i18n.label(measure))
    words = [
        f"{k:g}: {labels.number(v, unit)}" for k, v in zip(shown["x"], shown[measure], strict=True)
    ]
    return figure.finish(ax, title, labels.in_words(words))
