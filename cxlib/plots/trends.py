"""Trends: a measure over the waves with its band, one line for each group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core import i18n, periods
from cxlib.core.columns import MEASURES
from cxlib.core.i18n import _
from cxlib.core.text import display_width, wrap
from cxlib.plots import figure, labels, layout, marks
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import COLOURS, DASHES, PAPER, QUIET, SOFT, Looks, Style, looks_of


@redrawable
def trend(
    table: pd.DataFrame,
    *,
    unit: str = "",
    over: str = "wave",
    reference: float | None = None,
    target: float | None = None,
    note: Mapping[str, str] | None = None,
    about: str = "",
    highlight: Sequence[object] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a line with its 95% band over the waves, one for each group, named at its end.

    Parameters
    ----------
    table : `over`, estimate, low, high, n, and the columns that name the lines (groups, term)
    unit, reference, about, title, ax : as in `intervals`
    over : column of the waves, in their order
    target : where the line of the target stands
    note : wave of the finding, and what is written there
    highlight : names of the lines in colour; the others are grey

    Returns
    -------
    The Axes; a line is interrupted where its number is hidden or its wave is missing.

    Examples
    --------
    >>> table = pd.DataFrame({"wave": ["q1", "q2"], "estimate": [10.0, 30.0], "low": [5.0, 25.0],
    ...                       "high": [15.0, 35.0], "n": 99})
    >>> [text.get_text() for text in trend(table, unit="points", target=20).texts]
    ['target 20.0', '30.0']
    """
    shown = figure.prepare(table, (over, "estimate"))
    named = shown.assign(**_line_names(shown, over))
    waves = periods.complete(shown[over])
    data = periods.with_gaps(named, over, "look")
    data["x"] = data[over].map(waves.index)
    pairs = zip(data["line"], data[over], strict=True)
    called = [f"{line}, {labels.name(wave)}".strip(", ") for line, wave in pairs]
    data["hover"] = labels.hovers(data, called, unit)
    ax = figure.new_axes(ax, height=3.0)
    looks = _looks(data, highlight)
    marks.lines(ax, data, "x", looks)
    figure.value_axis(ax, unit, about)
    if reference is not None:
        marks.reference_line(ax, reference, upright=False)
    if target is not None:
        _target(ax, target, unit)
    _name_ends(ax, data.dropna(subset=["estimate"]), looks, unit)
    figure.wave_axis(ax, waves)
    if all(str(wave).isdigit() for wave in waves):  # bare numbers do not say what they count
        ax.set_xlabel(i18n.label(over))
    for wave, said in (note or {}).items():
        _annotate(ax, data, data[over].astype(str) == str(wave), said)
    by_line = named.sort_values("look", key=lambda c: c.map(list(looks).index), kind="stable")
    words = labels.values(by_line[over], by_line["estimate"], unit)
    return figure.finish(ax, title, _("Lines with 95% bands."), words)


@redrawable
def forecast(
    table: pd.DataFrame,
    ahead: pd.DataFrame,
    *,
    unit: str = "",
    over: str = "wave",
    target: float | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a score over the waves with its 95% band, and what is expected of the next ones.

    Parameters
    ----------
    table : `over`, estimate, low, high, n of the waves that were measured
    ahead : the same of the waves to come; low and high are the prediction interval
    unit, title, ax : as in `intervals`
    over : column of the waves, in their order
    target : where the line of the target stands

    Examples
    --------
    >>> waves = pd.DataFrame({"wave": ["2025", "2026"], "estimate": [10.0, 12.0],
    ...                       "low": [5.0, 7.0], "high": [15.0, 17.0], "n": 99})
    >>> ahead = waves.tail(1).assign(wave="2027")
    >>> [tick.get_text() for tick in forecast(waves, ahead, unit="points").get_xticklabels()]
    ['2025', '2026', '2027']
    """
    shown, ahead = (figure.prepare(t, (over, "estimate")) for t in (table, ahead))
    waves = [*periods.complete(shown[over]), *ahead[over]]
    past = periods.with_gaps(shown, over)
    for rows in (past, ahead):
        rows["x"] = rows[over].map(waves.index)
        rows["hover"] = labels.hovers(rows, map(labels.name, rows[over]), unit)
    ax = figure.new_axes(ax, height=3.0)
    marks.lines(ax, past, "x")
    joined = pd.concat([past.dropna(subset=["estimate"]).tail(1), ahead])
    dashed: Style = {"color": COLOURS[0], "linewidth": 1.4, "linestyle": DASHES}
    ax.plot(joined["x"], joined["estimate"], zorder=1.5, **dashed)
    marks.ranges(ax, ahead, "x", upright=True, lw=2.0, alpha=0.55)
    marks.dots(ax, ahead, "x", "estimate", facecolors=PAPER, edgecolor=COLOURS[0], linewidth=1.5)
    figure.value_axis(ax, unit)
    if target is not None:
        _target(ax, target, unit)
    figure.wave_axis(ax, waves)
    words = labels.values(ahead[over], ahead["estimate"], unit)
    drawn = _("A line with its 95% band; open circles with 95% prediction intervals.")
    return figure.finish(ax, title, drawn, words)


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


def _looks(data: pd.DataFrame, highlight: Sequence[object] | None) -> Looks:
    """A colour for each line; grey where others are highlighted."""
    looks = looks_of(data["look"])
    if highlight is None:
        return looks
    wanted = {labels.name(h) for h in highlight}
    lines = data.drop_duplicates("look").set_index("look")["line"]
    strong = [look for look in looks if wanted & {lines[look], *lines[look].split(" · ")}]
    colours = looks_of(strong)
    return {look: colours.get(look, (QUIET, "o")) for look in looks}


def _target(ax: Axes, target: float, unit: str) -> None:
    """The line of the target, named at its left end."""
    marks.reference_line(ax, target, upright=False, color=SOFT)
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, target - 0.06 * (high - low)), max(high, target + 0.1 * (high - low)))
    words = _("target {value}", value=labels.number(target, unit))
    look: Style = {"va": "bottom", "fontsize": 9, "color": SOFT, "gid": figure.HALO}
    figure.note(ax, words, (0, target), (0, 2), **look)


def _name_ends(ax: Axes, known: pd.DataFrame, looks: Looks, unit: str) -> None:
    """Name and last value of each line at its end."""
    ends = []
    for row in known.groupby("look").tail(1).itertuples():
        said = f"{row.line} {labels.number(row.estimate, unit)}".strip()
        said = wrap(said, 13) if layout.narrow() else said
        ends.append((row.x, row.estimate, said, looks[row.look][0]))
    figure.name_ends(ax, ends)


def _annotate(ax: Axes, data: pd.DataFrame, at: pd.Series, said: str) -> None:
    """What is written at the wave of the finding, above all that is drawn beneath the words."""
    rows = data[at].dropna(subset=["estimate"])
    if rows.empty:
        return
    x = float(rows["x"].iloc[0])
    words = wrap(labels.masked(said), 24 if layout.narrow() else 36)
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    inch = (right - left) / (ax.get_position().width * ax.figure.get_figwidth())  # type: ignore[union-attr]
    wide = max(map(display_width, words.split("\n"))) * figure.LETTER * inch
    side = "right" if x > (left + right) / 2 else "left"
    ends = (x - wide, x) if side == "right" else (x, x + wide)
    beneath = data[data["x"].between(ends[0] - 0.5, ends[1] + 0.5)]
    top = float(np.nanmax(beneath[["estimate", "high"]].to_numpy(float)))
    y = top + 0.06 * (high - low)
    ax.set_ylim(low, max(high, y + 0.08 * (1 + words.count("\n")) * (high - low)))
    dot = float(rows["estimate"].max())
    arrow: Style = {"arrowstyle": "-", "color": SOFT, "lw": 0.8, "shrinkA": 0, "shrinkB": 5}
    arrow["relpos"] = (0.97 if side == "right" else 0.03, 0)
    look: Style = {"ha": side, "va": "bottom", "gid": figure.HALO, "textcoords": "data"}
    ax.annotate(words, (x, dot), xytext=(x, y), fontsize=9.5, arrowprops=arrow, **look)
