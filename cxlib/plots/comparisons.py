"""Two values of each row: slopes between two waves, dumbbells between two groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core import i18n
from cxlib.core.columns import MEASURES, deciding_ends
from cxlib.core.i18n import _
from cxlib.core.text import wrap
from cxlib.plots import figure, labels, layout, marks
from cxlib.plots.arrangement import arrange
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import BLUE, FAINT, INK, ORANGE, PAPER, QUIET, SOFT, Style

MOST_NAMED = 10  # lines of a slope chart whose ends have room for names


@redrawable
def slope(
    table: pd.DataFrame,
    changes: pd.DataFrame | None = None,
    *,
    unit: str = "",
    over: str = "wave",
    highlight: Sequence[object] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw each row as a line between the last two waves, named at its end.

    Rises that are significant are blue, falls orange, the rest grey. Of many lines those in colour
    are named, or those that moved most where none is.

    Parameters
    ----------
    table : `over`, estimate, low, high, n, and the columns that name the lines (groups, term), as
        `scores.trend` gives it; of more waves the last two are drawn
    changes : the differences between both waves with the same names: low, high, and perhaps
        `over`, as `scores.compare` gives them with against="previous"; without it a change counts
        as significant where the two intervals do not overlap
    unit, title, ax : as in `intervals`
    over : column of the waves, in their order
    highlight : names of the lines in colour, in place of the significant ones

    Examples
    --------
    >>> table = pd.DataFrame({"wave": ["q1", "q1", "q2", "q2"], "term": ["price", "speed"] * 2,
    ...                       "estimate": [5.0, 7.0, 5.1, 8.0], "low": [4.8, 6.8, 4.9, 7.8],
    ...                       "high": [5.2, 7.2, 5.3, 8.2], "n": 90})
    >>> [text.get_text() for text in slope(table).texts]
    ['5.00', '7.00', '5.10 price', '8.00 speed']
    """
    shown = figure.prepare(table, (over, "estimate"))
    waves = list(dict.fromkeys(shown[over]))[-2:]
    keys = _keys(shown, over)
    shown["line"] = [" · ".join(map(labels.name, k)) for k in shown[keys].itertuples(index=False)]
    first, last = (
        shown[shown[over] == w].drop_duplicates("line").set_index("line")
        for w in (waves[0], waves[-1])
    )
    both = first.merge(last, on="line", suffixes=("", "_last"))
    both = both.dropna(subset=["estimate", "estimate_last"])
    colours = _slopes(both, changes, over, waves[-1], highlight)
    ax = figure.new_axes(ax, max(2.8, 0.34 * min(len(both), MOST_NAMED) + 1.2))
    order = sorted(both.index, key=lambda name: colours[name] != QUIET)  # colour above grey
    for name in order:
        row, colour = both.loc[name], colours[name]
        ends = pd.DataFrame(
            {
                "x": [0, 1],
                "estimate": [row["estimate"], row["estimate_last"]],
                "low": [row["low"], row["low_last"]],
                "high": [row["high"], row["high_last"]],
                "n": [row.get("n", np.nan), row.get("n_last", np.nan)],
            }
        )
        ends["hover"] = labels.hovers(ends, [f"{name}, {labels.name(w)}" for w in waves], unit)
        wide = 1.4 if colour == QUIET else 2.6
        marks.lines(ax, ends, "x", {"": (colour, "o")}, band=0, linewidth=wide)
    ax.set_xlim(-0.02, 1.02)
    ax.margins(y=0.06)
    ax.autoscale_view(scalex=False)
    then, now = both["estimate"].to_numpy(float), both["estimate_last"].to_numpy(float)
    values = np.array(labels.numbers([*then, *now], unit)).reshape(2, -1)
    named = _named(both, colours)
    left: list[figure.End] = [
        (0, then[k], values[0, k], colours[name]) for k, name in enumerate(both.index) if named[k]
    ]
    right: list[figure.End] = [
        (1, now[k], _end(values[1, k], name), colours[name])
        for k, name in enumerate(both.index)
        if named[k]
    ]
    figure.name_ends(ax, left, -8, ha="right")
    figure.name_ends(ax, right)
    ax.set_yticks([])
    ax.set_xticks([0, 1], [labels.name(w) for w in waves])
    ax.xaxis.tick_top()
    ax.tick_params(length=0, labelcolor=INK, pad=9)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    for x in (0, 1):
        ax.axvline(x, color=FAINT, lw=1, zorder=0)
    ax.set_xlabel(labels.unit_label(unit))
    each = [f"{n} {a} → {b}" for n, a, b in zip(both.index, *values, strict=True)]
    return figure.finish(ax, title, _("Lines between two waves."), labels.in_words(each))


def _named(both: pd.DataFrame, colours: dict[str, str]) -> np.ndarray:
    """Which lines are named at their ends: of many those in colour, else those that moved most.

    The others say their names on hover.
    """
    grey = np.array([colours[name] == QUIET for name in both.index])
    moved = (both["estimate_last"] - both["estimate"]).abs().to_numpy(float)
    few = len(both) <= MOST_NAMED or grey.all()
    first = np.lexsort((-moved, grey))[: MOST_NAMED if few else min(MOST_NAMED, (~grey).sum())]
    return np.isin(np.arange(len(both)), first)


def _end(value: str, name: str) -> str:
    return wrap(f"{value} {name}".strip(), 16 if layout.narrow() else 30)


def _keys(table: pd.DataFrame, over: str) -> list[str]:
    """The columns that name the lines."""
    first = table.columns.get_loc("term") if "term" in table else 0
    names = [c for c in table.columns[:first] if c != over and c not in MEASURES]
    if "term" in table and (table["term"].nunique() > 1 or not names):
        names.append("term")
    return [c for c in names if table[c].nunique() > 1] or names[:1]


def _slopes(
    both: pd.DataFrame,
    changes: pd.DataFrame | None,
    over: str,
    wave: object,
    highlight: Sequence[object] | None,
) -> dict[str, str]:
    """The colour of each line: blue where it rises, orange where it falls, grey if unclear."""
    rises = both["low_last"] > both["high"]
    falls = both["high_last"] < both["low"]
    if changes is not None:
        own = changes[changes[over] == wave] if over in changes else changes
        keys = [c for c in _keys(own, over) if c != "against"] or ["term"]
        names = [" · ".join(map(labels.name, k)) for k in own[keys].itertuples(index=False)]
        if len(both) == len(own) == 1:  # one line has no name
            names = list(both.index)
        own = own.assign(line=names).drop_duplicates("line").set_index("line").reindex(both.index)
        low, high = deciding_ends(own)
        rises, falls = low > 0, high < 0
    if highlight is not None:
        wanted = {labels.name(h) for h in highlight}
        strong = pd.Series([bool(wanted & {n, *n.split(" · ")}) for n in both.index], both.index)
        up = both["estimate_last"] >= both["estimate"]
        rises, falls = strong & up, strong & ~up
    return {n: BLUE if rises[n] else ORANGE if falls[n] else QUIET for n in both.index}


@redrawable
def dumbbell(
    table: pd.DataFrame,
    by: str,
    *,
    unit: str = "",
    highlight: Sequence[object] | None = None,
    title: str | None = None,
    sort: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """Draw two dots a row, joined by a line: two groups, or before and after.

    The line is in colour where the two intervals do not overlap.

    Parameters
    ----------
    table : estimate, low, high, n, `by` (of two values), and the columns that name the rows
    by : column of the two values; the first is an open dot, the second a full one
    unit, highlight, title, ax : as in `intervals`
    sort : the largest difference first; waves always keep their order

    Raises
    ------
    ValueError : `by` has other than two values

    Examples
    --------
    >>> table = pd.DataFrame({"plan": ["A", "B"] * 2, "term": ["price"] * 2 + ["speed"] * 2,
    ...                       "estimate": [0.3, 0.4, 0.1, 0.5], "n": 400})
    >>> [label.get_text() for label in dumbbell(table, "plan", unit="share").get_yticklabels()]
    ['speed', 'price']
    """
    shown = figure.prepare(table, ("estimate", by))
    names = list(dict.fromkeys(shown[by]))
    if len(names) != 2:
        raise ValueError(f"a dumbbell has two ends; column {by} has {len(names)} values.")
    rows = arrange(shown, None, by, sort=False)
    parts = [(row, row.members) for row in rows.rows if row.members is not None]
    gap = [float(np.ptp(members["estimate"].to_numpy(float))) for _row, members in parts]
    if sort and "wave" not in table.columns:
        order = np.argsort([-g if g == g else np.inf for g in gap], kind="stable")
        rows = type(rows)([parts[k][0] for k in order], by)
    data = rows.data(unit)
    middle = data.groupby(np.searchsorted(rows.places, data["place"] - 0.5), sort=False)
    data["place"] = middle["place"].transform("mean")
    one, two = (data[data[by] == n] for n in names)
    ends = one.merge(two, on="place", suffixes=("", "_two"))
    apart = (ends["low_two"] > ends["high"]) | (ends["high_two"] < ends["low"])
    if highlight is not None:
        apart = ends.select_dtypes(exclude="number").isin({str(h) for h in highlight}).any(axis=1)
    ax = figure.new_axes(ax, figure.rows_height(rows.height) + 0.8)
    for part, colour in ((ends[~apart], QUIET), (ends[apart], BLUE)):
        between: Style = {"color": colour, "lw": 3, "alpha": 0.55, "zorder": 1}
        marks.ranges(ax, part, "place", ("estimate", "estimate_two"), **between | {"lw": 4})
    plain = data.drop(columns="hover")
    marks.ranges(ax, plain, "place", color=SOFT, lw=1, zorder=2, alpha=0.7)
    marks.dots(ax, one, "estimate", "place", color=PAPER, edgecolor=INK, linewidth=1.6, s=60)
    marks.dots(ax, two, "estimate", "place", color=BLUE, s=68)
    rows.label(ax)
    ax.grid(axis="x")
    figure.number_axis(ax.xaxis, unit)
    ax.set_xlabel(" · ".join(p for p in (labels.unit_label(unit), rows.counts(ax)) if p))
    looks: list[tuple[object, Style]] = [
        (names[0], {"mfc": PAPER, "mec": INK, "mew": 1.6}),
        (names[1], {"mfc": BLUE, "mec": BLUE}),
    ]
    for name, look in looks:
        ax.plot([], [], "o", ms=7, label=labels.name(name, 30), **look)
    figure.legend_above(ax)
    about = _("Dots of {names:list}, joined by lines.", names=[i18n.label(str(n)) for n in names])
    return figure.finish(ax, title, about, rows.words(unit))
