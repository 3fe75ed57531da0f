"""Rows of a figure: which there are, in which order, at which height, and what stands at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core import i18n
from cxlib.core.columns import MEASURES, deciding_ends
from cxlib.core.i18n import _
from cxlib.core.text import unwrap
from cxlib.plots import figure, labels, layout
from cxlib.plots.fonts import set_bold
from cxlib.plots.palette import SOFT, Style

# How the names of a row are joined: one group less another, one product after others.
JOINTS: dict[tuple[str, ...], str] = {("against",): " − ", ("then_bought",): " → "}


class Found(NamedTuple):
    """An estimate and what it is of."""

    name: str
    value: float


@dataclass(frozen=True)
class Row:
    """A line of a figure: its label and its estimates; the heading of a block has none."""

    label: str
    members: pd.DataFrame | None = None
    block: str = ""


@dataclass(frozen=True)
class Rows:
    """The rows from the top down, block by block; `by` holds several estimates in one row."""

    rows: list[Row]
    by: str | None = None
    bars: bool = False

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def height(self) -> float:
        """How high the rows are together: a label of two lines takes more room."""
        return sum(_height(row) for row in self.rows)

    @property
    def places(self) -> list[float]:
        """The middle of each row."""
        ends = np.cumsum([_height(row) for row in self.rows])
        return [float(e - _height(r) / 2 - 0.5) for e, r in zip(ends, self.rows, strict=True)]

    @property
    def above(self) -> float:
        """How far above its middle the label of a row stands on a phone."""
        return figure.ABOVE_BAR if self.bars else figure.ABOVE + 0.2 * bool(self.by)

    def data(self, unit: str = "") -> pd.DataFrame:
        """Every estimate with its "place", with `by` its "look", and what is shown on hover."""
        parts = []
        for place, row in zip(self.places, self.rows, strict=True):
            if row.members is not None:
                n, look = len(row.members), row.members[self.by] if self.by else ""
                # On a phone they stand below their own label and away from that of the next row.
                ends = (-0.24, 0.06) if layout.narrow() else (-0.2, 0.2)
                spread = np.linspace(*ends, n) if n > 1 else np.zeros(n)
                words = labels.hovers(row.members, self._names(row), unit)
                parts.append(row.members.assign(look=look, place=place + spread, hover=words))
        return pd.concat(parts, ignore_index=True)

    def found(self) -> list[Found]:
        """Everything that is shown, named by its block, its row and its value of `by`."""
        return [
            Found(name, value)
            for row in self.rows
            if row.members is not None
            for name, value in zip(self._names(row), row.members["estimate"], strict=True)
            if value == value
        ]

    def _names(self, row: Row) -> list[str]:
        """The name of each estimate of a row."""
        members = row.members if row.members is not None else pd.DataFrame()
        parts = [p for p in (unwrap(row.block), unwrap(row.label)) if p]
        own = [[labels.name(v)] for v in members[self.by]] if self.by else [[]] * len(members)
        return [i18n.listed(parts + one) for one in own]

    def words(self, unit: str) -> str:
        """Everything that is shown, with its number, as a sentence."""
        return labels.in_words(f"{f.name} {labels.number(f.value, unit)}" for f in self.found())

    def label(self, ax: Axes) -> None:
        """Names beside the rows, headings bold, a note where the numbers of a row are hidden."""
        ax.set_ylim(self.height - 0.4, -0.6 - self.above * layout.narrow())
        texts = [row.label for row in self.rows]
        names = figure.row_axis(ax, texts, self.places, self.above)
        for name, row in zip(names, self.rows, strict=True):
            set_bold(name, row.members is None)
        for place, row in zip(self.places, self.rows, strict=True):
            if row.members is not None and row.members["estimate"].isna().all():
                look: Style = {"fontsize": 9, "color": SOFT, "style": "italic"}
                where = ("axes fraction", "data")
                words = _("hidden: too few answers")
                figure.note(ax, words, (0.02, place), xycoords=where, gid=figure.HALO, **look)

    def counts(self, ax: Axes) -> str:
        """Write n beside each row; once at a heading where it is the same for its block.

        Gives n back, for the axis, where it is the same in all rows.
        """
        each = [_counts(row) for row in self.rows]
        if len(set(filter(None, each))) == 1 and len(self) > 1:
            return next(filter(None, each))
        blocks: dict[str, set[str]] = {}
        for row, text in zip(self.rows, each, strict=True):
            blocks.setdefault(row.block or row.label, set()).add(text)
        if any(row.members is None for row in self.rows) and all(
            len(texts - {""}) == 1 for texts in blocks.values()
        ):
            each = ["" if r.members is not None else max(blocks[r.label]) for r in self.rows]
        figure.row_notes(ax, self.places, each, self.above)
        return ""


def accented(
    data: pd.DataFrame, reference: float | None, highlight: Sequence[object] | None
) -> pd.Series:
    """Which rows carry the colour: those named, else those whose interval excludes the reference.

    Without both all do.
    """
    if highlight is not None:
        named = data.select_dtypes(exclude="number").astype(str)
        return named.isin({str(h) for h in highlight}).any(axis=1)
    if reference is None or data["low"].isna().all():
        return pd.Series(True, index=data.index)
    low, high = deciding_ends(data)
    return (low > reference) | (high < reference)


def arrange(
    table: pd.DataFrame, panel: str | None, by: str | None, sort: bool, bars: bool = False
) -> Rows:
    """The rows of a table, block by block; `by` is left out where its values are the rows."""
    if by and panel is None and len(table.drop_duplicates(row_columns(table, {by}))) <= 1:
        by = None
    names = row_columns(table, {panel, by})
    order = _order(table, names, sort)
    rows: list[Row] = []
    for value, block in table.groupby(panel, sort=False) if panel else [("", table)]:
        heading = _label((value,)) if panel else ""
        rows += [Row(heading)] if panel else []
        parts = dict(list(block.groupby(names, sort=False, dropna=False)))
        rows += [Row(_label(k, names), parts[k], heading) for k in order if k in parts]
    return Rows(rows, by, bars)


def row_columns(table: pd.DataFrame, taken: set[str | None]) -> list[str]:
    """Columns in which the rows differ: groups, and the term where it differs."""
    first = table.columns.get_loc("term") if "term" in table else 1
    groups = [c for c in table.columns[:first] if c not in MEASURES and c not in taken]
    if "term" in table and "term" not in taken and (table["term"].nunique() > 1 or not groups):
        groups.append("term")
    return groups or [table.columns[0]]


def _order(table: pd.DataFrame, names: list[str], sort: bool) -> list[tuple[Any, ...]]:
    keys = table.groupby(names, sort=False, dropna=False)["estimate"].mean()
    if sort and "wave" not in names:
        keys = keys.sort_values(ascending=False, na_position="last", kind="stable")
    return [key if isinstance(key, tuple) else (key,) for key in keys.index]


def _height(row: Row) -> float:
    return 1 + 0.55 * row.label.count("\n")


def _label(key: tuple[Any, ...], columns: Sequence[str] = ()) -> str:
    joint = JOINTS.get(tuple(columns[1:]), " · ")
    return labels.row_name(joint.join(labels.name(part, 60) for part in key))


def _counts(row: Row) -> str:
    if row.members is None or "n" not in row.members:
        return ""
    return "n " + " · ".join(dict.fromkeys(labels.count(n) for n in row.members["n"]))
