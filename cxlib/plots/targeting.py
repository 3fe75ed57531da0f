"""Whom to contact or treat: profit and uplift curves."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from cxlib.core.i18n import _
from cxlib.plots import figure, labels, marks
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import SOFT
from cxlib.plots.survival import curves, describe


@redrawable
def profit(
    table: pd.DataFrame,
    *,
    currency: str = "",
    about: str = "",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw what contacting ever more customers would have brought; at zero nobody is contacted.

    Parameters
    ----------
    table : term (order of contact), contacted (customers), estimate (money), low, high
    currency : name of the money
    about : what the money is, to stand at its axis; profit unless given
    title, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"term": "by risk", "contacted": [10, 20], "estimate": [5.0, 90.0],
    ...                       "low": [1.0, 50.0], "high": [9.0, 120.0]})
    >>> profit(table, currency="EUR").get_ylabel()
    'profit (EUR)'
    """
    ax = curves(table, "contacted", "term", "", ax)
    marks.reference_line(ax, 0, upright=False, zorder=2)
    ax.set_xlabel(_("customers contacted"))
    ax.set_ylabel(labels.axis_label(currency, about or "profit"))
    return describe(ax, title, table, "contacted", "term")


@redrawable
def uplift(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the gain of treating ever more customers, in the model's order and at random (dashed).

    Parameters
    ----------
    table : term (order of treatment), treated (share), estimate (gain, as a share of all), low,
        high; no interval for the line to compare with
    title, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"term": "by predicted gain", "treated": [0.5, 1.0],
    ...                       "estimate": [0.05, 0.04], "low": 0.0, "high": 0.1})
    >>> uplift(table).get_xlabel()
    'share of the customers treated'
    """
    ax = curves(table, "treated", "term", "gap", ax)
    ax.axhline(0, color=SOFT, lw=0.8)
    figure.number_axis(ax.xaxis, "share")
    ax.set_xlabel(_("share of the customers treated"))
    ax.set_ylabel(_("gain, percentage points"))
    return describe(ax, title, table, "treated", "term")
