"""Figures with a row for each estimate: intervals, bars, margins, stacked answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import MEASURES
from cxlib.plots import findings, style
from cxlib.plots.findings import Found
from cxlib.plots.style import COLOURS, FAINT, INK, SOFT
from cxlib.plots.tiles import tiles

MOST_ROWS = 30  # above it, groups stand side by side as tiles


@dataclass(frozen=True)
class Row:
    """A line of a figure: its label and its estimates; the heading of a block has none."""

    label: str
    members: pd.DataFrame | None = None
    block: str = ""


def intervals(
    table: pd.DataFrame,
    *,
    unit: str = "",
    panel: str | None = None,
    by: str | None = None,
    reference: float | None = None,
    title: str | None = None,
    sort: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """A dot and its 95% interval for each row, n at the right.

    `panel` makes a block of rows for each of its values; `by` puts its values side by side in
    one row, told apart by colour and marker. Rows are named by what differs between them and
    sorted by the estimate (`sort`), waves in their order. `reference` draws a line across.
    """
    shown = style.ready(table, [c for c in ("estimate", panel, by) if c])
    if by and not _differs_without(shown, panel, by):
        by = None  # its values are all there is: they are the rows
    if unit == "share" and reference == 0:
        unit = "gap"  # a difference of shares is told in points
    rows = arranged(shown, panel, by, sort)
    found = _found(rows, by)
    words, said = _words(found, unit), title
    if said is None:
        said = findings.in_words(found, unit, reference)
    if panel and not by and len(rows) > MOST_ROWS and _is_grid(shown, panel):
        return tiles(shown, panel, unit=unit, reference=reference, title=said, words=words, ax=ax)
    colours = style.colours_of(shown[by]) if by else {}
    ax = style.axes(ax, height=0.34 * _lines(rows) + 0.9 + (0.35 if by else 0))
    for place, row in zip(_places(rows), rows, strict=True):
        if row.members is not None:
            _dots(ax, place, row.members, by, colours)
            _hidden(ax, place, row.members)
    _label_rows(ax, rows)
    ax.grid(axis="x")
    style.number_axis(ax.xaxis, unit)
    ax.set_xlabel(" · ".join(p for p in (style.unit_words(unit), _people(ax, rows)) if p))
    if reference is not None:
        ax.axvline(reference, color=SOFT, lw=1.2, ls=(0, (4, 3)), zorder=1)
    if by:
        style.key(ax, {str(v): look for v, look in colours.items()}, ms=7)
    return style.say(ax, said, _("Dots with 95% intervals."), words)


def _is_grid(table: pd.DataFrame, panel: str) -> bool:
    """Whether each value of `panel` has the same terms, each once."""
    pairs = table[[panel, "term"]].drop_duplicates() if "term" in table else table.iloc[:0]
    full = table[panel].nunique() * table["term"].nunique() if len(pairs) else -1
    return len(pairs) == len(table) == full and _names(table, {panel}) == ["term"]


def _differs_without(table: pd.DataFrame, panel: str | None, by: str) -> bool:
    """Whether something else than `by` tells rows apart; if not, its values are the rows."""
    names = _names(table, {panel, by})
    return (
        len(table.drop_duplicates([*names, *([panel] if panel else [])])) > 1 or panel is not None
    )


def _dots(ax: Axes, place: int, members: pd.DataFrame, by: str | None, colours: dict) -> None:
    spread = np.linspace(-0.2, 0.2, len(members)) if len(members) > 1 else [0.0]
    for offset, (_unused, row) in zip(spread, members.iterrows(), strict=True):
        colour, marker = colours[row[by]] if by else (COLOURS[0], "o")
        y = place + offset
        ax.plot(
            [row["low"], row["high"]],
            [y, y],
            color=colour,
            lw=2.4,
            solid_capstyle="round",
            zorder=2,
        )
        ax.plot(row["estimate"], y, marker, color=colour, ms=7, mec="white", mew=0.8, zorder=3)


def _people(ax: Axes, rows: list[Row]) -> str:
    """n beside each row; once at the heading of a block, or beneath all, where it is the same."""
    each = {place: _counts(row) for place, row in zip(_places(rows), rows, strict=True)}
    if len(set(filter(None, each.values()))) == 1 and len(rows) > 1:
        return next(filter(None, each.values()))
    blocks: dict[str, set[str]] = {}
    for row in rows:
        blocks.setdefault(row.block or row.label, set()).add(_counts(row))
    at_heading = any(row.members is None for row in rows) and all(
        len(counts - {""}) == 1 for counts in blocks.values()
    )
    for place, row in zip(each, rows, strict=True):
        said = each[place]
        if at_heading:
            said = "" if row.members is not None else max(blocks[row.label])
        ax.annotate(
            said,
            (1.02, place),
            va="center",
            fontsize=9.5,
            color=SOFT,
            xycoords=("axes fraction", "data"),
            annotation_clip=False,
        )
    return ""


def _counts(row: Row) -> str:
    if row.members is None or "n" not in row.members:
        return ""
    return "n " + " · ".join(dict.fromkeys(style.people(n) for n in row.members["n"]))


def _hidden(ax: Axes, place: float, members: pd.DataFrame) -> None:
    if members["estimate"].isna().all():
        ax.annotate(
            _("hidden: too few answers"),
            (0.02, place),
            va="center",
            fontsize=9,
            xycoords=("axes fraction", "data"),
            color=SOFT,
            style="italic",
        )


def _label_rows(ax: Axes, rows: list[Row]) -> None:
    ax.set_ylim(_lines(rows) - 0.4, -0.6)
    ax.set_yticks(_places(rows), [row.label for row in rows], linespacing=1.0)
    for tick, row in zip(ax.get_yticklabels(), rows, strict=True):
        style.weigh(tick, bold=row.members is None)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def arranged(table: pd.DataFrame, panel: str | None, by: str | None, sort: bool) -> list[Row]:
    """The rows of a figure from the top down, block by block."""
    names = _names(table, {panel, by})
    order = _order(table, names, sort)
    rows: list[Row] = []
    for value, block in table.groupby(panel, sort=False) if panel else [("", table)]:
        heading = _row_label((value,)) if panel else ""
        if panel:
            rows.append(Row(heading))
        parts = dict(list(block.groupby(names, sort=False, dropna=False)))
        rows += [Row(_row_label(k, names), parts[k], heading) for k in order if k in parts]
    return rows


def _names(table: pd.DataFrame, taken: set[str | None]) -> list[str]:
    """The columns that tell the rows apart: groups, and the term where it differs."""
    first = table.columns.get_loc("term") if "term" in table else 1
    groups = [c for c in table.columns[:first] if c not in MEASURES and c not in taken]
    if "term" in table and "term" not in taken and (table["term"].nunique() > 1 or not groups):
        groups.append("term")
    return groups or [table.columns[0]]


def _order(table: pd.DataFrame, names: list[str], sort: bool) -> list[tuple]:
    keys = table.groupby(names, sort=False, dropna=False)["estimate"].mean()
    if sort and "wave" not in names:
        keys = keys.sort_values(ascending=False, na_position="last", kind="stable")
    return [key if isinstance(key, tuple) else (key,) for key in keys.index]


def _lines(rows: list[Row]) -> float:
    """How high the rows are: a label of two lines takes more room."""
    return sum(_height(row) for row in rows)


def _height(row: Row) -> float:
    return 1 + 0.55 * row.label.count("\n")


def _places(rows: list[Row]) -> list[float]:
    """The middle of each row, from the top down."""
    ends = np.cumsum([_height(row) for row in rows])
    return [float(end - _height(row) / 2 - 0.5) for end, row in zip(ends, rows, strict=True)]


def _row_label(key: tuple, columns: Sequence[str] = ()) -> str:
    joint = " − " if list(columns[1:]) == ["against"] else " · "  # one group less another
    words = joint.join(style.name(part, 60) for part in key)
    return style.wrapped(words, 24) if style.breadth(words) > 30 else words


def _found(rows: list[Row], by: str | None) -> list[Found]:
    """Everything that is shown, named by its block, its row and its value of `by`."""
    found = []
    for row in rows:
        for _unused, member in row.members.iterrows() if row.members is not None else []:
            parts = [
                style.unwrapped(row.block),
                style.unwrapped(row.label),
                style.name(member[by]) if by else "",
            ]
            if member["estimate"] == member["estimate"]:
                name = i18n.listed(p for p in parts if p)
                found.append(Found(name, member["estimate"], member["low"], member["high"]))
    return found


def _words(found: list[Found], unit: str) -> str:
    return style.listed([f"{f.name} {style.number(f.value, unit)}" for f in found])


def bars(
    table: pd.DataFrame,
    *,
    unit: str = "",
    panel: str | None = None,
    title: str | None = None,
    sort: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """A bar for each row, its value at the end, a whisker where there is an interval.

    For sizes and shares of a whole, which begin at zero. Rows are named as in `intervals`.
    """
    shown = style.ready(table)
    rows = arranged(shown, panel, None, sort)
    ax = style.axes(ax, height=0.34 * _lines(rows) + 0.8)
    reach = float(np.nanmax([shown[["estimate", "high"]].max().max(), 0])) or 1.0
    for place, row in zip(_places(rows), rows, strict=True):
        if row.members is not None:
            _bar(ax, place, row.members.iloc[0], reach, unit)
    _label_rows(ax, rows)
    ax.set_xlim(min(0, shown["estimate"].min(skipna=True)), reach * 1.22)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    ax.axvline(0, color=SOFT, lw=1)
    found = _found(rows, None)
    said = findings.in_words(found, unit) if title is None else title
    return style.say(ax, said, _("Bars."), _words(found, unit))


def _bar(ax: Axes, place: int, row: pd.Series, reach: float, unit: str) -> None:
    value = row["estimate"]
    if value != value:
        ax.annotate(
            _("hidden: too few answers"),
            (0, place),
            xytext=(6, 0),
            va="center",
            textcoords="offset points",
            fontsize=9,
            color=SOFT,
            style="italic",
        )
        return
    ax.barh(place, value, height=0.62, color=COLOURS[0], alpha=0.85, zorder=2)
    end = value
    if row["low"] == row["low"]:
        ax.plot([row["low"], row["high"]], [place, place], color=INK, lw=1.4, zorder=3)
        end = max(value, row["high"])
    ax.annotate(
        style.number(value, unit),
        (max(end, 0), place),
        xytext=(6, 0),
        va="center",
        textcoords="offset points",
        fontsize=10,
    )


def margins(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Shares before and after weighting beside the population's, as `weights.rake` gives them.

    A ring is the population, a diamond the responses as they came, a dot as they are weighted;
    lines are the intervals of `weights.representation`.
    """
    shown = style.ready(table, ("attribute", "term", "estimate", "before", "target"))
    rows = arranged(shown, "attribute", None, sort=False)
    ax = style.axes(ax, height=0.34 * _lines(rows) + 1.2)
    for place, row in zip(_places(rows), rows, strict=True):
        if row.members is None:
            continue
        one = row.members.iloc[0]
        ax.plot([one["before"], one["target"]], [place, place], color=FAINT, lw=3, zorder=1)
        for low, high, of in (("before_low", "before_high", 1), ("low", "high", 0)):
            if low in one:
                ax.plot([one[low], one[high]], [place, place], color=COLOURS[of], lw=1.4, zorder=2)
        ax.plot(one["target"], place, "o", ms=12, mfc="none", mec=INK, mew=1.4, zorder=2)
        ax.plot(one["before"], place, "D", ms=6, color=COLOURS[1], zorder=3)
        ax.plot(one["estimate"], place, "o", ms=6, color=COLOURS[0], zorder=4)
    _label_rows(ax, rows)
    ax.grid(axis="x")
    style.number_axis(ax.xaxis, "share")
    style.key(ax, {_("as they came"): (COLOURS[1], "D"), _("weighted"): (COLOURS[0], "o")}, ms=6)
    gap = (shown["before"] - shown["target"]).abs()
    worst = shown.loc[gap.idxmax()] if gap.notna().any() else shown.iloc[0]
    found = _(
        "Furthest from the customers: {name}, {before:share} of the responses, {target:share} of "
        "the customers",
        name=style.name(worst["term"]),
        before=worst["before"],
        target=worst["target"],
    )
    return style.say(ax, found if title is None else title, _("Rings are the customers."))


def answers(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """All answers to each question as one bar, from the worst (left) to the best (right).

    `table` is `scores.distribution`'s: term, answer, estimate (share), n. Each bar is coloured
    over its own scale.
    """
    shown = style.ready(table, ("term", "answer", "estimate"))
    terms = list(dict.fromkeys(shown["term"]))
    ax = style.axes(ax, height=0.5 * len(terms) + 0.9)
    for place, term in enumerate(terms):
        members = shown[shown["term"] == term].sort_values("answer")
        _stack(ax, place, members)
        _hidden(ax, place, members.head(1))
    rows = [Row(style.name(t, 24), shown[shown["term"] == t].head(1)) for t in terms]
    _label_rows(ax, rows)
    ax.set_xlabel(_people(ax, rows))
    ax.set_xlim(0, 1)
    style.number_axis(ax.xaxis, "share")
    found = _most_given(shown, terms)
    return style.say(ax, found if title is None else title, _("Stacked bars."))


def _stack(ax: Axes, place: int, members: pd.DataFrame) -> None:
    left = 0.0
    shades = plt.get_cmap("cividis")(np.linspace(0.05, 0.95, len(members)))
    for shade, (_unused, row) in zip(shades, members.iterrows(), strict=True):
        share = row["estimate"]
        if share != share:
            return
        ax.barh(place, share, left=left, height=0.7, color=shade, edgecolor="white", lw=0.6)
        if share >= 0.045:
            dark = np.dot(shade[:3], (0.299, 0.587, 0.114)) < 0.5
            ax.text(
                left + share / 2,
                place,
                f"{row['answer']:g}",
                ha="center",
                va="center",
                fontsize=9,
                color="white" if dark else INK,
            )
        left += share


def _most_given(shown: pd.DataFrame, terms: list) -> str:
    first = shown[shown["term"] == terms[0]]
    if first["estimate"].isna().all():
        return _("Too few answers to show")
    top = first.loc[first["estimate"].idxmax()]
    return _(
        "{item}: {answer:g} was given most, by {share:share}",
        item=style.name(top["term"]),
        answer=top["answer"],
        share=top["estimate"],
    )
