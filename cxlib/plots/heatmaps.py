"""Heatmaps: a tile for each pair, its number on it, and its interval where it has one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.text import display_width, unwrap, wrap
from cxlib.plots import figure, labels, layout, marks
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import COLOURS, DIVERGING, INK, PALE, PALE_DIVERGING, SEQUENTIAL, Style

TILE = (0.66, 0.44)  # inches
MOST_COLUMNS = 16  # more groups than this become rows
NAME = 14  # letters of a line of a row's name on a phone
LETTER_WIDTH = 0.62  # of a digit, in parts of the size of its font
PHONE_DIGITS = 9  # up to which a share has room without its sign
PHONE_COLUMNS = 6  # up to which tiles on a phone have room for numbers; of more, hover says them


@redrawable
def tile_map(
    table: pd.DataFrame,
    panel: str,
    *,
    unit: str = "",
    reference: float | None = None,
    sort: bool = True,
    about: str = "",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a tile for each term (down) and value of `panel` (across): the darker, the more.

    Beneath each number a line runs from low to high, all on one scale, so that intervals can be
    compared. A table that does not give every pair has empty tiles.

    Parameters
    ----------
    table : term, `panel`, estimate, low, high, n
    panel : column of the groups; more than 16 groups stand in rows
    unit, title, ax : as in `intervals`
    reference : where colours change: blue is above it and orange below
    sort : terms with the largest means first
    about : what the numbers are, to stand beneath the tiles

    Examples
    --------
    >>> table = pd.DataFrame({"channel": ["web", "shop"], "term": "speed", "estimate": [0.3, 0.5],
    ...                       "low": [0.2, 0.4], "high": [0.4, 0.6], "n": 90})
    >>> [text.get_text() for text in tile_map(table, "channel", unit="share").texts]
    ['30%', '50%']
    """
    shown = figure.prepare(table, ("term", "estimate", panel))
    ax = draw_tiles(shown, panel, unit, reference, (title, ""), ax, sort=sort)
    ax.set_xlabel(" · ".join(words for words in (i18n.label(about), ax.get_xlabel()) if words))
    return ax


def draw_tiles(
    shown: pd.DataFrame,
    panel: str,
    unit: str,
    reference: float | None,
    words: tuple[str | None, str],
    ax: Axes | None,
    sort: bool = True,
) -> Axes:
    """Tiles of a prepared table; `words` are the title and the alternative text."""
    columns = list(dict.fromkeys(shown[panel]))
    means = shown.groupby("term", sort=False)["estimate"].mean()
    if sort:
        means = means.sort_values(ascending=False, na_position="last", kind="stable")
    terms, turned = list(means.index), len(columns) > MOST_COLUMNS
    across, down = (terms, columns) if turned else (columns, terms)
    rows = [labels.long_name(v) for v in down]
    height = _row_height(rows) * len(down) + 0.9
    ax = figure.new_axes(ax, height, max(TILE[0] * len(across) / 0.775, 3.0))
    data = shown.assign(
        x=shown["term" if turned else panel].map(across.index),
        y=shown[panel if turned else "term"].map(down.index),
        text=[labels.number(v, unit) if v == v else "" for v in shown["estimate"]],
    )
    cmap, limits = shade_limits(shown["estimate"], reference)
    crowded = layout.narrow() and len(across) > PHONE_COLUMNS
    digits = crowded and unit == "share" and len(across) <= PHONE_DIGITS
    if crowded:
        data["text"] = data["text"].str.rstrip("%") if digits else ""
    place_tiles(ax, data, (len(down), len(across)), cmap, limits, fontsize=8.5 if digits else 10)
    if not crowded:
        _ranges(ax, data.dropna(subset=["estimate", "low"]), shown)
    names = [labels.long_name(v, 24) for v in across]
    slant = max(display_width(line) for name in names for line in name.split("\n")) > 6
    name_tiles(ax, names, rows, slant)
    counts = _counts(shown, panel, columns, not turned)
    ax.set_xlabel(" · ".join(w for w in ("%" if digits else "", counts) if w))
    return figure.finish(ax, words[0], _("Tiles with 95% intervals."), words[1])


def _row_height(rows: Sequence[str]) -> float:
    """Inches of a row of tiles, so that its name has room; on a phone names take several lines."""
    if not layout.narrow():
        return TILE[1]
    return max(TILE[1], 0.15 * max(wrap(row, NAME).count("\n") + 1 for row in rows) + 0.04)


def place_tiles(
    ax: Axes,
    data: pd.DataFrame,
    shape: tuple[int, int],
    cmap: Colormap,
    limits: tuple[float, float],
    **annot: Any,
) -> None:
    """A tile at each x and y of the data; grey where its number is hidden."""
    empty = pd.DataFrame(np.nan, index=range(shape[0]), columns=range(shape[1]))
    values, texts, hidden = empty.copy(), empty.astype(object), empty.notna()
    for row in data.itertuples():
        values.iat[row.y, row.x], texts.iat[row.y, row.x] = row.estimate, row.text
        hidden.iat[row.y, row.x] = row.estimate != row.estimate
    look: Style = {"color": INK, "va": "bottom"} | annot
    marks.heatmap(ax, values, texts, cmap, limits=limits, hidden=hidden, **look)


def shade_limits(
    values: pd.Series, reference: float | None = None
) -> tuple[Colormap, tuple[float, float]]:
    """Colours pale enough for dark letters, and the values at their ends."""
    low, high = values.min(), values.max()
    if not low < high:
        return PALE, (low, low + 1)
    if reference is None:
        return PALE, (low, high)
    reach = max(abs(low - reference), abs(high - reference))
    return PALE_DIVERGING, (reference - reach, reference + reach)


def _ranges(ax: Axes, data: pd.DataFrame, shown: pd.DataFrame) -> None:
    """Each interval as a line beneath its number, from the smallest to the largest of all."""
    ends = shown[["low", "high", "estimate"]].to_numpy(float)
    if np.isnan(ends).all():
        return
    low, high = np.nanmin(ends), np.nanmax(ends)
    at = data[["low", "high", "estimate"]].to_numpy(float)
    x, y = data["x"].to_numpy(), data["y"].to_numpy() + 0.78
    at = x[:, None] + 0.1 + 0.8 * (at - low) / (high - low or 1)
    lines = [[(a, j), (b, j)] for (a, b, _), j in zip(at, y, strict=True)]
    plain: Style = {"clip_on": False}  # no mark on each shape: a picture of many stays small
    ax.add_collection(LineCollection(lines, colors=COLOURS[0], lw=1.6, capstyle="round", **plain))
    dots = pd.DataFrame({"x": at[:, 2], "y": y})
    marks.dots(ax, dots, "x", "y", s=13, linewidth=0, **plain)


def name_tiles(ax: Axes, across: list[str], down: list[str], slant: bool = False) -> None:
    """Names above the columns and at the rows."""
    how: Style = {"rotation": 40, "ha": "left"} if slant else {}
    if layout.narrow():
        how = {"rotation": 90, "ha": "center"} if slant else {}
        across = [wrap(unwrap(a), max(16, display_width(a) // 2 + 3)) for a in across]
        down = [wrap(d, NAME) for d in down]
    ax.xaxis.tick_top()
    ax.set_xticks(np.arange(len(across)) + 0.5, across, **how)
    ax.set_yticks(np.arange(len(down)) + 0.5, down)
    figure.no_frame(ax)


def fits(ax: Axes, texts: Iterable[str], size: float) -> bool:
    """Whether tiles are wide enough for the texts; asked once names stand around them."""
    layout.fit(ax.figure)  # type: ignore[arg-type]
    inches = ax.get_position().width * ax.figure.get_figwidth()  # type: ignore[union-attr]
    longest = max(map(display_width, texts), default=0)
    return longest * size * LETTER_WIDTH / 72 < inches / abs(np.subtract(*ax.get_xlim()))


def _counts(shown: pd.DataFrame, panel: str, columns: list[Any], across: bool) -> str:
    """The n of each group where it is one number, in the order of the columns."""
    if "n" not in shown:
        return ""
    each = shown.groupby(panel, sort=False)["n"].agg(["min", "max"])
    if each["min"].min() == each["max"].max():
        return f"n {labels.count(each['min'].iloc[0])}"
    if not across or (each["min"] != each["max"]).any():
        return f"n {labels.count(each['min'].min())} – {labels.count(each['max'].max())}"
    return "n " + " · ".join(labels.count(each.loc[c, "min"]) for c in columns)


@redrawable
def verdicts(
    table: pd.DataFrame, panel: str, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a tile for each measure (down) and group (across), coloured by its verdict.

    Blue is significantly better than all others, orange worse, pale neither; the number is the
    value, in the unit of the measure.

    Parameters
    ----------
    table : term (measure), `panel`, estimate, low, high, n, verdict, as `channels.overview` gives
        it; shares in percent
    panel : column of the groups
    title, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"channel": ["web", "phone"], "term": "solved, %", "n": 90,
    ...                       "estimate": [80.0, 40.0], "verdict": ["better", "worse"]})
    >>> [text.get_text() for text in verdicts(table, "channel").texts]
    ['80', '40']
    """
    shown = figure.prepare(table, ("term", "estimate", "verdict", panel))
    groups, terms = (list(dict.fromkeys(shown[c])) for c in (panel, "term"))
    turned = layout.narrow() and len(groups) > len(terms)
    across, down = (terms, groups) if turned else (groups, terms)
    column, row = ("term", panel) if turned else (panel, "term")
    rows = [labels.long_name(v, 26) for v in down]
    height = _row_height(rows) * len(down) + 1.1
    ax = figure.new_axes(ax, height, max(TILE[0] * len(across) / 0.7, 3.0))
    side = {"better": 1.0, "worse": -1.0}
    known = shown["estimate"].notna()
    most = shown["estimate"].abs().groupby(shown["term"]).transform("max")
    data = shown.assign(
        x=shown[column].map(pd.Index(across).get_loc),
        y=shown[row].map(pd.Index(down).get_loc),
        text=[_short(v, m) for v, m in zip(shown["estimate"], most, strict=True)],
        estimate=shown["verdict"].map(lambda v: side.get(v, 0.0)).where(known),
    )
    size = 8.5 if layout.narrow() else 10
    place_tiles(
        ax, data, (len(down), len(across)), PALE_DIVERGING, (-1, 1), fontsize=size, va="center"
    )
    names = [labels.long_name(v, 24) for v in across]
    slant = max(display_width(line) for name in names for line in name.split("\n")) > 6
    name_tiles(ax, names, rows, slant)
    ax.set_xlabel(_("blue: significantly better than all others; orange: worse"))
    words = labels.in_words(
        f"{labels.name(r.term)}, {labels.name(r.group)}: {_short(r.estimate, r.most)} "
        f"({i18n.label(r.verdict)})"
        for r in shown[known].assign(most=most).rename(columns={panel: "group"}).itertuples()
        if r.verdict in side
    )
    return figure.finish(ax, title, _("Tiles of values, coloured by verdict."), words)


def _short(value: float, most: float) -> str:
    """A value of any unit in a tile: two digits or more of the largest of its measure."""
    if value != value:
        return ""
    return i18n.number(value, 2 if most < 1 else 1 if most < 20 else 0)


@redrawable
def crosstab(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the shares of each row's group that are found in each column's.

    For moves between segments, and for the confusion matrix of a typing tool.

    Parameters
    ----------
    table : group (first column), term (where found), estimate (share), low, high, n
    title, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"segment": ["a", "a", "b", "b"], "term": ["a", "b"] * 2,
    ...                       "estimate": [0.9, 0.1, 0.3, 0.7], "n": 80})
    >>> [text.get_text() for text in crosstab(table).texts]
    ['90%', '10%', '30%', '70%']
    """
    first = str(table.columns[0])
    shown = figure.prepare(table).rename(columns={first: "term", "term": "found"})
    known = shown.dropna(subset=["estimate"])
    words = labels.in_words(
        f"{labels.name(r.term)} → {labels.name(r.found)} {i18n.percent(r.estimate)}"
        for r in known.itertuples()
    )
    return draw_tiles(shown, "found", "share", None, (title, words), ax, sort=False)


@redrawable
def transitions(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw where journeys went next (rows) from each touchpoint (columns).

    Parameters
    ----------
    table : before, term, estimate (share), low, high, n, as `journeys.transitions` gives it
    title, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"before": ["web", "web"], "term": ["shop", "ends"],
    ...                       "estimate": [0.8, 0.2], "n": 50})
    >>> transitions(table).get_ylabel()
    'went to'
    """
    shown = figure.prepare(table, ("before", "term", "estimate"))
    before = list(dict.fromkeys(shown["before"]))
    last = [t for t in dict.fromkeys(shown["term"]) if t not in before]
    terms = [t for t in before if (shown["term"] == t).any()] + last
    every = pd.MultiIndex.from_product([before, terms], names=["before", "term"])
    grid = shown.set_index(["before", "term"]).reindex(every).reset_index()
    grid["n"] = grid["before"].map(table.groupby("before")["n"].first())
    words = labels.in_words(
        f"{labels.name(r.before)} – {labels.name(r.term)} {i18n.percent(r.estimate)}"
        for r in shown.nlargest(10, "estimate").itertuples()
    )
    grid = figure.prepare(grid)
    ax = draw_tiles(grid, "before", "share", None, (title, words), ax, sort=False)
    ax.set_ylabel(_("went to"))
    look: Style = {"ha": "right", "va": "baseline", "fontsize": 10.5, "xycoords": "axes fraction"}
    figure.note(ax, _("were at"), (0, 1), (-8, 8), **look)
    return ax


@redrawable
def correlation_matrix(
    table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a square table of correlations: blue where positive, orange where negative.

    Parameters
    ----------
    table : square; its lower half is drawn
    title, ax : as in `intervals`

    Raises
    ------
    ValueError : the table is not square

    Examples
    --------
    >>> table = pd.DataFrame([[1, 0.7], [0.7, 1]], ["speed", "price"], ["speed", "price"])
    >>> [text.get_text() for text in correlation_matrix(table).texts]
    ['0.70', 'speed']
    """
    values = table.where(np.tri(table.shape[0], table.shape[1], k=-1, dtype=bool))
    texts = values.map(lambda r: i18n.number(r, 2) if r == r else "")
    ax, names = _square(values, texts, DIVERGING, (-1, 1), ax, half=True)
    words = _("Correlations of {names:list}.", names=names)
    below = values.to_numpy(float)
    pairs = sorted(zip(*np.nonzero(~np.isnan(below)), strict=True), key=lambda p: -abs(below[p]))
    each = [f"{names[j]} – {names[i]} {i18n.number(below[i, j], 2)}" for i, j in pairs]
    words = f"{words} {labels.in_words(each)}"
    return figure.finish(ax, title, words)


@redrawable
def rank_probabilities(
    table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw how probable it is that the row's driver ranks above the column's.

    Parameters
    ----------
    table : square, shares of bootstrap resamples, as `drivers.chances` gives it
    title, ax : as in `intervals`

    Raises
    ------
    ValueError : the table is not square

    Examples
    --------
    >>> table = pd.DataFrame([[None, 0.9], [0.1, None]], ["speed", "price"], ["speed", "price"])
    >>> [text.get_text() for text in rank_probabilities(table.astype(float)).texts]
    ['90%', '10%']
    """
    texts = table.map(lambda p: _percent(p) if p == p else "")
    ax, names = _square(table, texts, SEQUENTIAL, (0.5, 1), ax, fontsize=8.5)
    words = _("Row ahead of column, share of bootstrap resamples.")
    pairs = zip(names, names[1:], np.diag(table.to_numpy(float), k=1), strict=False)
    each = [f"{one} – {other} {_percent(p)}" for one, other, p in pairs if p == p]
    return figure.finish(ax, title, words, labels.in_words(each))


def _square(
    values: pd.DataFrame,
    texts: pd.DataFrame,
    cmap: Colormap,
    limits: tuple[float, float],
    ax: Axes | None,
    half: bool = False,
    **annot: Any,
) -> tuple[Axes, list[str]]:
    """A square of numbers with the names of rows and columns; of half a square on the diagonal."""
    if values.empty:
        raise InsufficientData(_("the table has no rows, so there is nothing to draw."))
    if values.shape[0] != values.shape[1]:
        raise ValueError(
            f"a matrix is square; this one has {values.shape[0]} rows, {values.shape[1]} columns."
        )
    names = [labels.name(c, 60) for c in values.columns]
    size = max(2.2, 0.42 * len(names) + 0.5)
    if layout.narrow() and len(names) > PHONE_COLUMNS:
        texts = texts.map(lambda _text: "")
    ax = figure.new_axes(ax, height=size, width=max(size + 0.8, 4))
    marks.heatmap(ax, values, texts, cmap, limits=limits, color=INK, **annot)
    ax.set_aspect("equal")
    name_tiles(ax, [], [wrap(n, 32) for n in names])
    short = [labels.name(c, 26) for c in values.columns]
    if half:  # each column is named above its first number
        above = short if layout.narrow() else [wrap(n, 32) for n in names]
        for k, name in enumerate(above[:-1]):
            figure.note(ax, name, (k + 0.25, k + 0.94), ha="left", va="bottom", fontsize=9.2)
    else:
        name_tiles(ax, short, [wrap(n, 32) for n in names], slant=True)
    return ax, names


def _percent(p: float) -> str:
    """A chance out of some thousand resamples is never certain."""
    return ">99%" if p > 0.995 else "<1%" if p < 0.005 else i18n.percent(p)
