"""Sparklines: a measure over the waves as large as a word, for cards and tables."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd

from cxlib.core.i18n import _
from cxlib.plots import figure, labels
from cxlib.plots.palette import BLUE, FAINT, PAPER, QUIET, VARIABLES

EDGE = 4.0  # pixels that the last dot needs around it


def sparkline(
    table: pd.DataFrame | pd.Series, *, unit: str = "", width: int = 120, height: int = 32
) -> str:
    """A line without axes as an SVG text: the last point marked, the interval of the one before.

    Parameters
    ----------
    table : estimate, perhaps low, high and n, in the order of the waves, as `scores.trend` gives
        it for one score; or a series of estimates
    unit : as in `intervals`, for the text that is read out
    width, height : in pixels

    Returns
    -------
    SVG text; the grey bar is the 95% interval of the last wave but one, along which the last point
    can be read. Hidden and missing values interrupt the line.

    Examples
    --------
    >>> sparkline(pd.Series([10.0, 30.0]), unit="points")[:44]
    '<svg xmlns="http://www.w3.org/2000/svg" role'
    """
    if isinstance(table, pd.Series):
        table = pd.DataFrame({"estimate": table.to_numpy(float)})
    shown = figure.prepare(table)
    ends = shown[["estimate", "low", "high"]].to_numpy(float)
    drawn = np.r_[ends[:, 0], ends[-2:-1, 1:].ravel()]
    if np.isnan(drawn).all():
        return ""
    low, high = np.nanmin(drawn), np.nanmax(drawn)
    x = np.linspace(EDGE, width - EDGE, len(ends)) if len(ends) > 1 else np.array([width / 2])
    y = height - EDGE - (ends - low) / (high - low or 1) * (height - 2 * EDGE)
    parts = []
    if len(ends) > 1 and not np.isnan(y[-2, 1:]).any():
        top, tall = y[-2, 2], max(y[-2, 1] - y[-2, 2], 1)
        where = f'x="{x[-2]:.1f}" y="{top:.1f}" width="{x[-1] - x[-2]:.1f}" height="{tall:.1f}"'
        parts.append(f'<rect {where} fill="{_colour(FAINT)}" fill-opacity="0.7"/>')
    pen, path = "M", ""
    for a, b in zip(x, y[:, 0], strict=True):
        if b == b:
            path += f"{pen}{a:.1f} {b:.1f}"
        pen = "L" if b == b else "M"
    line = f'fill="none" stroke="{_colour(QUIET)}" stroke-width="1.6" stroke-linejoin="round"'
    parts.append(f'<path d="{path}" {line}/>')
    if y[-1, 0] == y[-1, 0]:
        dot = f'cx="{x[-1]:.1f}" cy="{y[-1, 0]:.1f}" r="3.2" fill="{_colour(BLUE)}"'
        parts.append(f'<circle {dot} stroke="{_colour(PAPER)}" stroke-width="1"/>')
    words = escape(_words(shown, unit), quote=True)
    head = f'role="img" aria-label="{words}" width="{width}" height="{height}"'
    box = f'viewBox="0 0 {width} {height}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {head} {box}>{"".join(parts)}</svg>'


def _colour(colour: str) -> str:
    return f"var(--{VARIABLES[colour.lower()]},{colour.lower()})"


def _words(shown: pd.DataFrame, unit: str) -> str:
    known = shown["estimate"].dropna()
    first, last = labels.number(known.iloc[0], unit), labels.number(known.iloc[-1], unit)
    return _("From {first} to {last} in {n:count} waves.", first=first, last=last, n=len(shown))
