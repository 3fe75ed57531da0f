"""Cohorts by their first purchase: how many buy again, cohort by cohort and all together."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.plots import figure, heatmaps, labels
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import PALE, SOFT
from cxlib.plots.trends import trend

CELL = (0.6, 0.48)  # inches
SIZE = 9.5  # points of the shares in tiles
MOST_PERIODS = 8  # tiles next to each other that a narrow screen holds


@redrawable
def cohorts(
    table: pd.DataFrame, *, unit: str = "", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the retention of cohorts: a row a cohort, a column a period after its first purchase.

    Under each share stands its interval; the customers of a cohort stand at the right. What was not
    seen to its end is empty. Few cohorts seen for long stand in columns, so that a narrow screen
    holds them.

    Parameters
    ----------
    table : cohort, after (period, from 1), estimate (share), low, high, n
    unit : name of a period, such as "month"
    title, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"cohort": "2025-01", "after": ["1", "2"], "estimate": [0.5, 0.2],
    ...                       "low": [0.4, 0.1], "high": [0.6, 0.3], "n": 80})
    >>> [text.get_text() for text in cohorts(table, unit="month").texts]
    ['50%', '20%', 'n 80', '40–60', '10–30']
    """
    shown = figure.prepare(table, ("cohort", "after", "estimate"))
    names = list(dict.fromkeys(shown["cohort"]))
    shown = shown.assign(
        x=shown["after"].astype(int) - 1,
        y=shown["cohort"].map(names.index),
        digits=np.where(shown["estimate"] >= 0.0995, 0, 1),
    )
    shown["text"] = [
        i18n.percent(e, d) if e == e else ""
        for e, d in zip(shown["estimate"], shown["digits"], strict=True)
    ]
    shape = (len(names), int(shown["x"].max()) + 1)
    turned = shape[1] > MOST_PERIODS and shape[0] < shape[1]
    if turned:
        shown, shape = shown.rename(columns={"x": "y", "y": "x"}), shape[::-1]
    ax = figure.new_axes(ax, CELL[1] * shape[0] + 1.0, max(CELL[0] * shape[1] / 0.7, 3.2))
    limits = heatmaps.shade_limits(shown["estimate"])[1]
    heatmaps.place_tiles(ax, shown, shape, PALE, limits, fontsize=SIZE)
    n = shown.groupby("cohort", sort=False)["n"].first()
    counts = [f"n {labels.count(n[name])}" for name in names]
    called, periods = [labels.name(v, 22) for v in names], [str(k + 1) for k in range(max(shape))]
    ax.xaxis.set_label_position("top")
    if turned:
        both = [f"{name}\n{count}" for name, count in zip(called, counts, strict=True)]
        heatmaps.name_tiles(ax, both, periods[: shape[0]])
        ax.set_ylabel(_period_label(unit))
    else:
        heatmaps.name_tiles(ax, periods[: shape[1]], called)
        ax.set_xlabel(_period_label(unit))
        for y, count in enumerate(counts):
            ax.text(shape[1] + 0.1, y + 0.5, count, va="center", fontsize=9, color=SOFT)
    # A percent sign is one and a half digits wide, and a gap is to be left.
    if not heatmaps.fits(ax, (t.replace("%", "00") for t in shown["text"]), 0.95 * SIZE):
        for text in ax.texts:
            text.set_text(text.get_text().removesuffix("%"))
        axis = ax.yaxis if turned else ax.xaxis
        axis.set_label_text(_("percent, by {periods}", periods=_period_label(unit)))
    known = shown.dropna(subset=["estimate", "low"])
    ends = [
        "–".join(i18n.number(100 * v, r.digits) for v in (r.low, r.high))
        for r in known.itertuples()
    ]
    if heatmaps.fits(ax, ends, 8.4):
        for row, span in zip(known.itertuples(), ends, strict=True):
            figure.centred(ax, row.x + 0.5, row.y + 0.75, span, 8.4, SOFT)
    words = labels.in_words(
        f"{labels.name(c)}: {i18n.listed(labels.number(v, 'share') for v in rows['estimate'])}"
        for c, rows in shown.groupby("cohort", sort=False)
    )
    return figure.finish(ax, title, _("Tiles with 95% intervals."), words)


@redrawable
def retention(
    curve: pd.DataFrame, *, unit: str = "", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the share of all cohorts who bought again in each period after the first purchase.

    Parameters
    ----------
    curve : after (period, from 1), estimate (share), low, high, n
    unit : name of a period, such as "month"
    title, ax : as in `intervals`

    Examples
    --------
    >>> curve = pd.DataFrame({"after": ["1", "2"], "estimate": [0.5, 0.2], "low": 0.1, "high": 0.6,
    ...                       "n": [90, 60]})
    >>> retention(curve, unit="month").get_xlabel()
    'periods (month) after the first purchase'
    """
    ax = trend(curve, over="after", unit="share", title=title, ax=ax)
    ax.set_xlabel(_period_label(unit))
    return ax


def _period_label(unit: str) -> str:
    """What the axis of periods is called."""
    if unit:
        return _("periods ({unit:label}) after the first purchase", unit=unit)
    return _("periods after the first purchase")
