"""What a score would be if those who did not answer differed from those who did."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from cxlib.core.i18n import _, mark
from cxlib.plots import figure, labels, marks
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import COLOURS, SOFT, Style

(OF_ALL,) = mark("score of all asked")


@redrawable
def tipping_point(
    curve: pd.DataFrame,
    *,
    unit: str = "",
    target: float | None = None,
    tip: float | None = None,
    late: float | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the score of everybody by how much those who did not answer differ.

    Parameters
    ----------
    curve : difference, estimate, low, high, n
    unit, title, ax : as in `intervals`
    target : value to reach; a line across
    tip : difference at which a verdict changes; an upright line where it lies on the curve
    late : difference of those who answered late; a ring on the line

    Examples
    --------
    >>> curve = pd.DataFrame({"difference": [-10.0, 10.0], "estimate": [20.0, 30.0],
    ...                       "low": [15.0, 25.0], "high": [25.0, 35.0], "n": 400})
    >>> tipping_point(curve, unit="points", target=22, tip=-6).get_ylabel()
    'score of all asked (points)'
    """
    shown = figure.prepare(curve, ("difference", "estimate"))
    ax = figure.new_axes(ax, height=3.2)
    marks.lines(ax, shown, "difference", markers=False, linewidth=1.8)
    marks.reference_line(ax, 0)
    gap_unit = "gap" if unit == "share" else unit
    low, high = shown["difference"].iloc[[0, -1]]
    look: Style = {"fontsize": 9, "color": SOFT, "gid": figure.HALO}
    if target is not None:
        marks.reference_line(ax, target, upright=False)
        words = _("target {value}", value=labels.number(target, unit))
        figure.note(ax, words, (high, target), (0, 2), va="bottom", ha="right", **look)
    if late is not None and low <= late <= high:
        at = shown.iloc[[(shown["difference"] - late).abs().argmin()]]
        marks.rings(ax, at, "difference", "estimate", s=90, edgecolor=COLOURS[0], linewidth=1.8)
        words = _("late answers {value}", value=labels.number(late, gap_unit))
        figure.note(ax, words, (late, at["estimate"].iloc[0]), (7, -9), ha="left", **look)
    if tip is not None and low <= tip <= high:
        marks.reference_line(ax, tip, color=COLOURS[1], lw=1.6)
        words = _("tipping point {value}", value=labels.number(tip, gap_unit))
        side, shift = ("right", -4) if tip < 0 else ("left", 4)
        figure.note(ax, words, (tip, ax.get_ylim()[0]), (shift, 8), ha=side, **look)
    figure.value_axis(ax, unit, OF_ALL)
    figure.number_axis(ax.xaxis, gap_unit)
    ax.set_xlabel(
        _("difference of those who did not answer ({unit})", unit=labels.unit_label(unit))
        if unit not in ("share", "scale")
        else _("difference of those who did not answer (percentage points)")
        if unit == "share"
        else _("difference of those who did not answer")
    )
    ends = shown.iloc[[0, len(shown) // 2, -1]]
    named = [labels.number(d, gap_unit) for d in ends["difference"]]
    values = labels.values(named, ends["estimate"], unit)
    return figure.finish(ax, title, _("A line with its 95% band."), values)
