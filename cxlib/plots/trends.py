"""Trends: a measure over the waves with its band, one line for each group."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core import periods
from cxlib.core.columns import MEASURES
from cxlib.core.i18n import _
from cxlib.plots import figure, labels, marks, titles
from cxlib.plots.palette import Looks, looks_of


def trend(
    table: pd.DataFrame,
    *,
    unit: str = "",
    over: str = "wave",
    reference: float | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a line with its 95% band over the waves, one for each group, named at its end.

    Parameters
    ----------
    table : `over`, estimate, low, high, n, and the columns that name the lines (groups, term)
    unit, reference, title, ax : as in `intervals`
    over : column of the waves, in their order

    Returns
    -------
    The Axes; a line is interrupted where its number is hidden or its wave is missing.

    Examples
    --------
    >>> table = pd.DataFrame({"wave": ["q1", "q2"], "estimate": [10.0, 30.0], "low": [5.0, 25.0],
    ...                       "high": [15.0, 35.0], "n": 99})
    >>> trend(table, unit="points").get_title("left")
    'From 10.0 (q1) to 30.0 (q2)'
    """
    shown = figure.prepare(table, (over, "estimate"))
    named = shown.assign(**_line_names(shown, over))
    waves = periods.complete(shown[over])
    data = periods.with_gaps(named, over, "look")
    data["x"] = data[over].map(waves.index)
    ax = figure.new_axes(ax, height=3.2)
    looks = looks_of(data["look"])
    marks.lines(ax, data, "x", looks)
    figure.wave_axis(ax, waves)
    figure.value_axis(ax, unit)
    if reference is not None:
        marks.reference_line(ax, reference, upright=False)
    _name_ends(ax, data.dropna(subset=["estimate"]), looks)
    if title is None:
        title = titles.change(data[data["look"] == data["look"].iloc[0]], over, unit)
    by_line = named.sort_values("look", key=lambda c: c.map(list(looks).index), kind="stable")
    words = labels.values(by_line[over], by_line["estimate"], unit)
    return figure.finish(ax, title, _("Lines with 95% bands."), words)


def _line_names(table: pd.DataFrame, over: str) -> dict[str, pd.Series]:
    """The line that each row belongs to ("look"), and how it is called ("line")."""
    taken = {*MEASURES, over}
    names = [
        c
        for c in table.columns
        if c not in taken and table[c].nunique() > 1 and not pd.api.types.is_float_dtype(table[c])
    ]
    if "term" in table and table["term"].nunique() > 1:
        names.append("term")
    if not names:
        return dict.fromkeys(("look", "line"), pd.Series("", table.index))
    parts = zip(*(table[c].map(labels.name) for c in names), strict=True)
    look = table.groupby(names, sort=False, dropna=False).ngroup().astype(str)
    return {"look": look, "line": pd.Series([" · ".join(p) for p in parts], table.index)}


def _name_ends(ax: Axes, known: pd.DataFrame, looks: Looks) -> None:
    """The name of each line beside its last value, moved up where it would cover another."""
    low, high = ax.get_ylim()
    free = -np.inf
    for row in known.groupby("look").tail(1).sort_values("estimate").itertuples():
        free = max(row.estimate, free + 0.06 * (high - low))
        figure.note(ax, row.line, (row.x, free), (8, 0), color=looks[row.look][0])
