"""Dots with intervals, a row for each estimate: the standard figure of a result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.text import wrap
from cxlib.plots import figure, labels, layout, marks
from cxlib.plots.arrangement import Rows, accented, arrange, row_columns
from cxlib.plots.heatmaps import draw_tiles
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import (
    BLUE,
    COLOURS,
    DASHES,
    FAINT,
    INK,
    PAPER,
    QUIET,
    SOFT,
    Style,
    looks_of,
)

ACROSS = 3  # terms next to each other, of which each has its own axis
MOST_ROWS = 30  # above it, groups stand next to each other as tiles
NEGLIGIBLE = 0.1  # of a standard deviation: what counts as balanced (Austin 2009)


@redrawable
def intervals(
    table: pd.DataFrame,
    *,
    unit: str = "",
    panel: str | None = None,
    reference: float | None = None,
    about: str = "",
    line: str = "",
    title: str | None = None,
    sort: bool = True,
    first: int | None = None,
    highlight: Sequence[object] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a dot and its 95% interval for each row, n at the right.

    Parameters
    ----------
    table : estimate, low, high, n, and the columns that name the rows (groups, term)
    unit : "share", "points", "percentage points", "scale", "index", a currency, or ""
    panel : column whose values make blocks of rows; of many rows, the columns of a heatmap
    reference : where to draw a line across; with unit "share" and 0, percentage points are shown
    about : what the numbers are, to stand at their axis ("share of comments")
    line : what the reference is, to stand at the axis too ("target")
    title : a finding of at most 15 words; the page prints the claim of the cell above the figure
    sort : largest estimate first; waves always keep their order
    first : rows of the table to draw; the axis says how many there are. None draws all
    highlight : names of the rows in colour; else those whose interval excludes the reference
    ax : Axes to draw into; None for a new figure

    Returns
    -------
    The Axes; the `alt_text` of its figure says what it shows.

    Raises
    ------
    ValueError : a column is missing, or there are no rows

    Examples
    --------
    >>> table = pd.DataFrame({"term": ["price", "speed"], "estimate": [0.3, 0.41],
    ...                       "low": [0.25, 0.38], "high": [0.35, 0.44], "n": 400})
    >>> [label.get_text() for label in intervals(table, unit="share").get_yticklabels()]
    ['speed', 'price']
    """
    shown, more = figure.first_rows(figure.prepare(table, ("estimate", panel)), first)
    unit = _difference(unit, reference)
    rows = arrange(shown, panel, None, sort)
    if panel and len(rows) > MOST_ROWS and _is_grid(shown, panel):
        ax = draw_tiles(shown, panel, unit, reference, (title, rows.words(unit)), ax)
        figure.add_below(ax, more)
        return ax
    return _draw(rows, (unit, about), reference, title, ax, highlight, line=line, more=more)


@redrawable
def grouped_intervals(
    table: pd.DataFrame,
    by: str,
    *,
    unit: str = "",
    reference: float | None = None,
    about: str = "",
    title: str | None = None,
    sort: bool = True,
    highlight: Sequence[object] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the values of `by` next to each other in one row, distinct by colour and marker.

    Where rows differ in nothing else, the values of `by` are the rows.

    Parameters
    ----------
    table : estimate, low, high, n, `by`, and the columns that name the rows
    by : column whose values share a row
    unit, reference, about, title, sort, highlight, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"plan": ["A", "B"] * 2, "term": ["price"] * 2 + ["speed"] * 2,
    ...                       "estimate": [0.3, 0.4, 0.1, 0.2], "n": 400})
    >>> ax = grouped_intervals(table, "plan", unit="share")
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['A', 'B']
    """
    shown = figure.prepare(table, ("estimate", by))
    unit = _difference(unit, reference)
    rows = arrange(shown, None, by, sort)
    return _draw(rows, (unit, about), reference, title, ax, highlight)


def _difference(unit: str, reference: float | None) -> str:
    """A difference of shares is written in percentage points."""
    return "gap" if unit == "share" and reference == 0 else unit


def _draw(
    rows: Rows,
    axis: tuple[str, str],
    reference: float | None,
    title: str | None,
    ax: Axes | None,
    highlight: Sequence[object] | None,
    counted: bool = True,
    line: str = "",
    more: str = "",
) -> Axes:
    """The dots, their intervals, and what stands around them; `axis` is its unit and what it is."""
    unit, about = axis
    data = rows.data(unit)
    looks = looks_of(data["look"]) if rows.by else None
    strong = accented(data, reference, highlight)
    grey = {"True": (BLUE, "o"), "False": (QUIET, "o")}
    each = figure.ROW + (0.22 if layout.narrow() else 0.14) * bool(rows.by)
    ax = figure.new_axes(ax, figure.rows_height(rows.height, each) + 0.6)
    marks.estimates(ax, data if looks else data.assign(look=strong), looks=looks or grey)
    rows.label(ax)
    ax.grid(axis="x")
    figure.number_axis(ax.xaxis, unit)
    n = rows.counts(ax) if counted else ""
    named = ""
    if reference is not None:
        marks.reference_line(ax, reference)
        value = labels.number(reference, unit)
        named = _("dashed line: {name:label} {value}", name=line, value=value) if line else ""
    ax.set_xlabel(" · ".join(p for p in (labels.axis_label(unit, about), named, n, more) if p))
    if looks:
        figure.legend_above(ax, looks, ms=7, ls="")
    return figure.finish(
        ax, title, _("Dots with 95% intervals."), more and f"({more})", rows.words(unit)
    )


def _is_grid(table: pd.DataFrame, panel: str) -> bool:
    """Whether each value of `panel` has the same terms, each once."""
    pairs = table[[panel, "term"]].drop_duplicates() if "term" in table else table.iloc[:0]
    full = table[panel].nunique() * table["term"].nunique() if len(pairs) else -1
    return len(pairs) == len(table) == full and row_columns(table, {panel}) == ["term"]


@redrawable
def benchmark(
    table: pd.DataFrame,
    column: str,
    *,
    unit: str = "",
    about: str = "",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw dots with their intervals, and a ring for a value to compare each row with.

    Parameters
    ----------
    table : term, estimate, low, high, n and `column`
    column : values to compare with, such as published or predicted ones
    unit, about, title, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"term": ["price", "speed"], "estimate": [0.3, 0.41],
    ...                       "low": [0.25, 0.38], "high": [0.35, 0.44], "published": [0.2, 0.5]})
    >>> benchmark(table, "published", unit="share").get_xlabel()
    'share · Rings: published.'
    """
    shown = figure.prepare(table, ("term", "estimate", column))
    dots = shown.drop(columns=column)
    ax = intervals(dots, unit=unit, about=about, sort=False, title=title, ax=ax)
    ax = _ringed(ax, shown, column, shown["term"], unit)
    reach = np.nan_to_num(shown[column].max() * 1.1)
    ax.set_xlim(left=min(0, ax.get_xlim()[0]), right=max(ax.get_xlim()[1], reach))
    return ax


@redrawable
def caterpillar(
    table: pd.DataFrame,
    observed: str = "observed",
    *,
    unit: str = "",
    reference: float | None = None,
    highlight: Sequence[object] | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw pooled estimates with their intervals, and a ring for what was observed.

    Rows stay in their order, as a ranking of units would be mostly chance; of more than 30 the
    first are drawn.

    Parameters
    ----------
    table : units, term, estimate, low, high, n and `observed`, as `scores.units` gives it
    observed : column of the scores as observed
    unit, title, ax : as in `intervals`
    reference : the standard, drawn as a line
    highlight : units in colour; else those whose interval excludes the reference

    Examples
    --------
    >>> table = pd.DataFrame({"shop": ["A", "B"], "term": "recommend", "estimate": [0.3, 0.41],
    ...                       "low": [0.2, 0.3], "high": [0.4, 0.5], "observed": [0.2, 0.5]})
    >>> caterpillar(table, unit="share", reference=0.4).get_xlabel()
    'share · Rings: observed.'
    """
    shown = figure.prepare(table, ("estimate", observed))
    dots = shown.drop(columns=observed)
    marked: dict[str, Any] = {"reference": reference, "highlight": highlight}
    ax = intervals(dots, unit=unit, sort=False, first=MOST_ROWS, title=title, ax=ax, **marked)
    shown = shown.head(MOST_ROWS)
    return _ringed(ax, shown, observed, shown.iloc[:, 0], unit)


def _ringed(ax: Axes, table: pd.DataFrame, column: str, names: pd.Series, unit: str) -> Axes:
    """The figure with a ring in each row for the value of the column."""
    said = [f"{labels.name(v)}, {i18n.label(column)}" for v in names]
    words = labels.hovers(table[[column]].rename(columns={column: "estimate"}), said, unit)
    rings = table[[column]].assign(place=np.arange(len(table)), hover=words)
    below = ax.get_xlabel()  # the marks take it away
    marks.rings(ax, rings, column, "place")
    ax.set_xlabel(below)
    named = _("Rings: {what:label}.", what=column)
    figure.add_below(ax, named)
    return figure.finish(ax, "", named, labels.values(names, table[column], unit))


@redrawable
def small_multiples(table: pd.DataFrame, panel: str = "segment") -> Axes:
    """Draw each term in Axes of its own, groups in rows, a line across at the average of all.

    Terms stand next to each other on a page, beneath each other on a phone.

    Parameters
    ----------
    table : `panel`, term, estimate, low, high, n, overall (average of all), share (whether the
        term is a share), as `segments.outcomes` gives it
    panel : column of the groups

    Examples
    --------
    >>> table = pd.DataFrame({"segment": ["one", "two"], "term": "spend", "estimate": [9.0, 5.0],
    ...                       "low": 4, "high": 10, "n": 80, "overall": 7.0, "share": False})
    >>> small_multiples(table).get_title("left")
    'Spend (all: 7)'
    """
    # Hidden as groups of `panel`: as terms they would not hide others for a small one's sake.
    shown = figure.prepare(table, (panel, "term", "estimate"))
    terms = list(dict.fromkeys(shown["term"]))
    names = [labels.row_name(labels.name(v, 60)) for v in shown[panel].unique()]
    lines = sum(1 + 0.55 * name.count("\n") for name in names)
    across = 1 if layout.narrow() else min(len(terms), ACROSS)
    down = -(-len(terms) // across)
    height = (figure.rows_height(lines) + 1.0 + 0.2 * (across > 1)) * down
    whole, every = layout.new_figure(height, None, down, across)
    for ax in every[len(terms) :]:
        ax.remove()
    for place, (ax, term) in enumerate(zip(every, terms, strict=False)):
        own = shown[shown["term"] == term].drop(columns="term").rename(columns={panel: "term"})
        unit, overall = "share" if own["share"].iloc[0] else "", own["overall"].max()
        outcome, average = i18n.opening(labels.name(term)), labels.number(overall, unit)
        title = _("{outcome} (all: {average})", outcome=outcome, average=average)
        rows = arrange(own[["term", "estimate", "low", "high", "n"]], None, None, sort=False)
        title = wrap(title, 18) if across > 1 else title
        with mpl.rc_context({"axes.titlesize": 10} if across > 1 else {}):
            _draw(rows, (unit, ""), overall, title, ax, None, counted=across == 1)
        if across > 1:
            ax.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
        if place % across:
            ax.set_yticklabels([])
        ax.set_xlabel("")
    whole.subplots_adjust(hspace=0.55 if down > 1 else 0, wspace=0.14)
    return every[0]


@redrawable
def margins(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw shares before and after weighting with those of the population.

    A ring is the population, a diamond the responses as they came, a dot as they are weighted;
    lines are intervals.

    Parameters
    ----------
    table : attribute, term, estimate, before, target, and perhaps low, high, before_low,
        before_high, as `weights.rake` and `weights.representation` give it (shares)
    title, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"attribute": "age", "term": ["young", "old"], "estimate": 0.5,
    ...                       "before": [0.1, 0.9], "target": 0.5, "n": 99})
    >>> ax = margins(table)
    """
    shown = figure.prepare(table, ("attribute", "term", "estimate", "before", "target"))
    rows = arrange(shown, "attribute", None, sort=False)
    data = rows.data("share")
    plain = data.drop(columns="hover")
    ax = figure.new_axes(ax, figure.rows_height(rows.height) + 0.9)
    marks.ranges(ax, plain, "place", ("before", "target"), color=FAINT, lw=3, zorder=1)
    for ends, colour in ((("before_low", "before_high"), 1), (("low", "high"), 0)):
        if ends[0] in data:
            marks.ranges(ax, plain, "place", ends, color=COLOURS[colour], lw=1.4)
    marks.rings(ax, plain, "target", "place", s=144, linewidth=1.4, zorder=2)
    marks.dots(ax, plain, "before", "place", marker="D", color=COLOURS[1], s=36, linewidth=0)
    marks.dots(ax, data, "estimate", "place", s=36, linewidth=0, zorder=4)
    rows.label(ax)
    ax.grid(axis="x")
    figure.number_axis(ax.xaxis, "share")
    ring: Style = {"ls": "", "mfc": "none", "mec": INK, "mew": 1.4, "ms": 9}
    ax.plot([], [], "o", label=i18n.label("customers"), **ring)
    looks = {_("unweighted"): (COLOURS[1], "D"), _("weighted"): (COLOURS[0], "o")}
    figure.legend_above(ax, looks, ls="")
    return figure.finish(ax, title, _("Rings are the customers."), rows.words("share"))


@redrawable
def balance(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the balance of covariates between two groups (love plot), a mark for each `when`.

    Parameters
    ----------
    table : term, when, estimate (standardised mean difference), n
    title, ax : as in `intervals`

    Returns
    -------
    The Axes; between the dashed lines (0.1 standard deviations) a covariate is balanced.

    References
    ----------
    Austin (2009), Statistics in Medicine 28.

    Examples
    --------
    >>> table = pd.DataFrame({"term": ["spend", "plan"], "when": "before", "estimate": [0.05, -0.8],
    ...                       "n": 100})
    >>> [label.get_text() for label in balance(table).get_yticklabels()]
    ['plan', 'spend']
    """
    shown = figure.prepare(table, ("term", "when", "estimate"))
    wide = shown.pivot_table(index="term", columns="when", values="estimate", sort=False)
    first = wide.columns[0]
    wide = wide.loc[wide[first].abs().sort_values(ascending=False, kind="stable").index]
    places = dict(zip(wide.index, range(len(wide)), strict=True))
    ends = pd.DataFrame({"low": wide.min(axis=1), "high": wide.max(axis=1), "place": places})
    ax = figure.new_axes(ax, figure.rows_height(len(wide), 0.3) + 0.9)
    looks = looks_of(reversed(wide.columns))
    marks.ranges(ax, ends, "place", color=FAINT, lw=3, zorder=1)
    hover = labels.hovers(shown.drop(columns=["low", "high"]), map(labels.name, shown["term"]), "")
    shown = shown.assign(place=shown["term"].map(places), look=shown["when"], hover=hover)
    marks.dots(ax, shown, "estimate", "place", looks, s=42, linewidth=0.7)
    for edge in (-NEGLIGIBLE, 0, NEGLIGIBLE):
        marks.reference_line(ax, edge, lw=1.0, zorder=0, ls=DASHES if edge else "-")
    figure.row_axis(ax, [labels.long_name(v) for v in wide.index])
    ax.xaxis.set_major_locator(MaxNLocator(6))
    figure.number_axis(ax.xaxis, "")
    ax.grid(axis="x")
    ax.set_xlabel(_("difference of means, in standard deviations"))
    if len(wide.columns) > 1:
        figure.legend_above(ax, {str(w): looks[str(w)] for w in wide.columns}, ms=7, ls="")
    words = labels.in_words(f"{labels.name(t)} {i18n.number(v, 2)}" for t, v in wide[first].items())
    return figure.finish(ax, title, _("Dots, a row for each column."), words)


@redrawable
def rank_intervals(
    table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the rank of each row with its interval; a dot is filled where it may be the first.

    Parameters
    ----------
    table : term, estimate, rank_low, rank_high, top, n, as `drivers.importance` gives them
    title, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"term": ["price", "speed"], "estimate": [0.3, 0.41], "n": 400,
    ...                       "rank_low": [1, 1], "rank_high": [2, 1], "top": [False, True]})
    >>> [label.get_text() for label in rank_intervals(table).get_yticklabels()]
    ['speed', 'price']
    """
    shown = figure.prepare(table, ("term", "estimate", "rank_low", "rank_high", "top"))
    shown = shown.sort_values("estimate", ascending=False, ignore_index=True)
    data = shown.assign(place=shown.index, rank=shown.index + 1).dropna(subset=["estimate"])
    top = data["top"].astype(bool)
    ax = figure.new_axes(ax, figure.rows_height(len(shown)) + 0.7)
    ax.axvspan(0.5, 1.5, color=BLUE, alpha=0.08, lw=0, zorder=0)
    looks = ((top, BLUE, BLUE, _("may be first")), (~top, SOFT, PAPER, _("ruled out as first")))
    for some, colour, face, name in looks:
        marks.ranges(ax, data[some], "place", ("rank_low", "rank_high"), color=colour)
        look: Style = {"color": face, "edgecolor": colour, "linewidth": 1.6, "s": 64}
        marks.dots(ax, data[some], "rank", "place", label=name, **look)
    figure.legend_above(ax)
    figure.row_axis(ax, [labels.row_name(labels.name(t, 60)) for t in shown["term"]])
    ax.set(xticks=range(1, len(shown) + 1), xlim=(0.5, len(shown) + 0.5))
    ax.set_xlabel(_("rank, from 1 (largest) to {n:count} (smallest)", n=len(shown)))
    ax.grid(axis="x")
    words = [
        _("{name} {low} to {high}", name=labels.name(r.term), low=r.rank_low, high=r.rank_high)
        for r in shown.itertuples()
    ]
    return figure.finish(ax, title, _("Ranks with 95% intervals."), labels.in_words(words))


@redrawable
def stability(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw the bootstrap stability of segments (Jaccard similarity) in bands of its verdicts.

    Parameters
    ----------
    table : term, jaccard (0 to 1), verdict ("report", "pattern" or "not named")
    title, ax : as in `intervals`

    References
    ----------
    Hennig (2007), Computational Statistics & Data Analysis 52.

    Examples
    --------
    >>> table = pd.DataFrame({"term": ["one", "two"], "jaccard": [0.9, 0.7],
    ...                       "verdict": ["report", "pattern"]})
    >>> [label.get_text() for label in stability(table).get_yticklabels()]
    ['one', 'two']
    """
    shown = figure.prepare(table, ("term", "jaccard", "verdict"))
    data = shown.assign(place=shown.index, start=0.3)
    ax = figure.new_axes(ax, figure.rows_height(len(shown), 0.45) + 1.0)
    bands = ((0.0, 0.60, "not named"), (0.60, 0.75, "pattern"), (0.75, 1.0, "report"))
    for (low, high, verdict), alpha in zip(bands, (0.0, 0.5, 1.0), strict=True):
        ax.axvspan(low, high, color=BLUE, alpha=0.12 * alpha, lw=0, zorder=0)
        middle = (max(low, 0.3) + high) / 2
        figure.centred(ax, middle, -0.72, i18n.label(verdict), 9, SOFT, va="bottom")
    marks.ranges(ax, data, "place", ("start", "jaccard"), color=COLOURS[0], lw=1.4, alpha=0.5)
    marks.dots(ax, data, "jaccard", "place", s=64)
    for row in data.itertuples():
        at = (row.jaccard, row.place)
        figure.note(ax, i18n.number(row.jaccard, 2), at, (0, 8), ha="center", va="baseline")
    figure.row_axis(ax, [labels.long_name(v) for v in shown["term"]])
    ax.set(ylim=(len(shown) - 0.4, -0.75), xlim=(0.3, 1.03))
    ax.set_xlabel(_("bootstrap stability (Jaccard similarity)"))
    words = [f"{labels.name(r.term)} {i18n.number(r.jaccard, 2)}" for r in shown.itertuples()]
    return figure.finish(ax, title, labels.in_words(words))
