"""Whom to contact or treat: profit and uplift curves."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.plots import figure, marks
from cxlib.plots.palette import SOFT
from cxlib.plots.survival import curves, describe


def profit(table: pd.DataFrame, *, currency: str = "", ax: Axes | None = None) -> Axes:
    """Draw what contacting ever more customers would have brought; at zero nobody is contacted.

    Parameters
    ----------
    table : term (order of contact), contacted (customers), estimate (money), low, high
    currency : name of the money
    ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"term": "by risk", "contacted": [10, 20], "estimate": [5.0, 90.0],
    ...                       "low": [1.0, 50.0], "high": [9.0, 120.0]})
    >>> profit(table, currency="EUR").get_title("left")
    'Most in hindsight, 90 EUR, by contacting 20'
    """
    ax = curves(table, "contacted", "term", "", ax)
    marks.reference_line(ax, 0, upright=False, zorder=2)
    ax.set_xlabel(_("customers contacted"))
    ax.set_ylabel(currency or _("profit"))
    best = table.iloc[table["estimate"].argmax()]
    title = _(
        "Most in hindsight, {money}, by contacting {n:count}",
        money=f"{i18n.count(best['estimate'])} {currency}".strip(),
        n=best["contacted"],
    )
    return describe(ax, title, table, "contacted", "term")


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
    >>> uplift(table).get_title("left")
    'Most is gained, 5.0 points, by treating 50%'
    """
    ax = curves(table, "treated", "term", "gap", ax)
    ax.axhline(0, color=SOFT, lw=0.8)
    figure.number_axis(ax.xaxis, "share")
    ax.set_xlabel(_("share of the customers treated"))
    ax.set_ylabel(_("gain, in points of all customers"))
    if title is None:
        known = table[table["low"].notna()]
        best = known.iloc[known["estimate"].argmax()]
        title = _(
            "Most is gained, {points:points1} points, by treating {share:share}",
            points=best["estimate"],
            share=best["treated"],
        )
    return describe(ax, title, table, "treated", "term")
