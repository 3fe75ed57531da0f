"""The counts that the tables of a run publish, as an attacker puts them together.

tables = list(tables_of({"24": Shown(answers, wave, where)}))
list(slices_of(tables, least=10))      # of each term: cells counted, cells hidden and bounds
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cxlib.privacy import cross_page, disclosure
from cxlib.privacy.cross_page import Shown
from cxlib.privacy.leaks import Table

Pair = tuple[str, str]  # column, level
Cell = frozenset[Pair]
Bounds = tuple[float, float]
TERMS = "term"  # stands for the column of which the terms of a table are levels
FIRST = 3  # points of a curve, before which nobody is out of sight


@dataclass
class Slice:
    """The counts of one term in one table, and where they stand."""

    source: str
    key: tuple[Any, ...]
    counts: dict[Cell, float] = field(default_factory=dict)
    hidden: dict[Cell, Bounds] = field(default_factory=dict)
    estimates: dict[Cell, float] = field(default_factory=dict)
    ungrouped: float = 0.0
    whole: float = 0.0  # people of all shares, where they add up to one
    below: dict[Cell, set[Cell]] = field(default_factory=dict)  # units -> those that make them up


def tables_of(pages: Mapping[str, Shown]) -> Iterator[Table]:
    """The tables that pages keep: where each stands, its rows, and what is known about them."""
    for name, page in pages.items():
        pairs, rest = condition(page.where)
        for record in page.answers.values():
            for part, kept in cross_page.tables_of(record):
                frame = pd.DataFrame(kept["rows"], columns=kept["columns"])
                why = {h["row"]: h["why"] for h in kept.get("hidden", [])}
                about = {
                    "rows": (page.wave, rest),
                    "pairs": pairs,
                    "unit": record["unit"],
                    "record": (name, record["name"]),
                    "ungrouped": kept.get(cross_page.UNGROUPED, 0),
                }
                yield (
                    f"{name.split('_')[0]} {part}",
                    frame.assign(why=[why.get(i, "") for i in range(len(frame))]),
                    about,
                )


def condition(where: str) -> tuple[Cell, str]:
    """A condition as the groups that it asks for by name, and what else it asks.

    Examples
    --------
    >>> condition("region = 'north' and age > 40")
    (frozenset({('region', 'north')}), 'age > 40')
    """
    equal, other = set(), []
    for part in sorted(cross_page.conditions(where)):
        if found := cross_page.EQUALS.fullmatch(part):
            equal.add((found[1], found[2].strip("'").replace("''", "'")))
        else:
            other.append(part)
    return frozenset(equal), " and ".join(other)


def slices_of(tables: Sequence[Table], least: int) -> Iterator[Slice]:
    """The counts of each table, by term: one slice for all groups of the same rows."""
    begun = _curves(tables)
    for source, printed, about in tables:
        if not {"n", "term"} <= set(printed) or "time" in printed or printed.empty:
            continue
        columns = disclosure.grouping(printed)
        table = printed.assign(n=pd.to_numeric(printed["n"], errors="coerce"))
        if disclosure.ATTRIBUTE in columns:  # its levels stand under term
            for name, rows in table.drop_duplicates(["attribute", "term"]).groupby("attribute"):
                cells = [about["pairs"] | {(str(name), str(t))} for t in rows["term"]]
                yield _slice(source, (about["rows"], "attribute", name), rows, cells, least, about)
            continue
        cells = [about["pairs"] | _pairs(row, columns) for row in table.to_dict("records")]
        # Several answers of one group count it once.
        counted = table.assign(cell=cells).drop_duplicates(["cell", "term", "n"])
        for term, rows in counted.groupby("term", sort=False):
            if rows["cell"].is_unique:
                key = about["rows"], about["unit"], str(term)
                made = _slice(source, key, rows, rows["cell"], least, about)
                if {"unit", "parent"} <= set(rows):
                    _nest(made, rows, about["pairs"])
                for cell, ends in begun.get(about["record"], {}).items():
                    if cell in made.hidden:
                        low, high = made.hidden[cell]
                        made.hidden[cell] = max(low, ends[0]), min(high, ends[1])
                yield made
        if not columns and table["term"].nunique() == len(table) > 1:
            cells = [about["pairs"] | {(TERMS, str(t))} for t in table["term"]]
            yield _slice(source, (source, TERMS), table, cells, least, about)


def _nest(made: Slice, rows: pd.DataFrame, pairs: Cell) -> None:
    """What the tree of units says: which make up another; those without n are hidden."""
    for unit, parent, cell in zip(rows["unit"], rows["parent"], rows["cell"], strict=True):
        if cell not in made.counts:
            made.hidden.setdefault(cell, (0.0, np.inf))
        if parent:
            above = pairs | _pairs({"unit": parent}, ["unit"])
            made.below.setdefault(above, set()).add(cell)
        elif unit:
            made.below.setdefault(cell, set())


def _pairs(row: Mapping[str, Any], columns: Sequence[str]) -> Cell:
    """The group that a row is about; of alerts the column is named in a column of its own."""
    if {"by", "group"} <= set(columns):
        return frozenset([(str(row["by"]), str(row["group"]))] if row["by"] else [])
    return frozenset((c, str(row[c])) for c in columns if str(row[c]) != disclosure.TOTAL)


def _slice(
    source: str,
    key: tuple[Any, ...],
    rows: pd.DataFrame,
    cells: Iterable[Cell],
    least: int,
    about: dict[str, Any],
) -> Slice:
    made = Slice(source, key, ungrouped=about["ungrouped"])
    by_rows = disclosure.PEOPLE not in rows  # where people decide, n of a small cell may be large
    ends = {disclosure.SMALL: (0.0, least - 1.0), disclosure.COMPLEMENT: (float(least), np.inf)}
    ends[disclosure.GROWN] = ends[disclosure.COMPLEMENT]
    values = rows["estimate"] if "estimate" in rows else pd.Series(None, rows.index)
    for cell, n, estimate, why in zip(cells, rows["n"], values, rows["why"], strict=True):
        if not np.isnan(n):
            made.counts[cell] = n
            if isinstance(estimate, (int, float)) and estimate == estimate:
                made.estimates[cell] = estimate
        elif cell and why:
            made.hidden[cell] = ends.get(why, (0.0, np.inf)) if by_rows else (0.0, np.inf)
    shares = np.array([[made.counts[c], made.estimates[c]] for c in made.estimates if c])
    if (
        about["unit"] == "share"
        and len(shares) > 1
        and made.hidden
        and ((shares[:, 1] > 0) & (shares[:, 1] < 1)).all()
    ):
        whole = shares[:, 0] / shares[:, 1]
        if np.ptp(whole) < 1e-3 * whole.mean() and shares[:, 1].sum() < 1:
            made.whole = round(whole.mean(), 3)
    return made


def _curves(tables: Sequence[Table]) -> dict[tuple[Any, ...], dict[Cell, Bounds]]:
    """What curves tell of how many they begin with: by record and group."""
    found: dict[tuple[Any, ...], dict[Cell, Bounds]] = {}
    for _source, table, about in tables:
        columns = disclosure.grouping(table)
        if "time" not in table or not columns or not {"n", "estimate"} <= set(table):
            continue
        known = table.dropna(subset=["n", "estimate"]).sort_values("time")
        cells = [_pairs(row, columns) for row in known.to_dict("records")]
        for cell, rows in known.assign(cell=cells).groupby("cell", sort=False):
            found.setdefault(about["record"], {})[about["pairs"] | cell] = _begun(rows)
    return found


def _begun(curve: pd.DataFrame) -> Bounds:
    """How many a curve of shares begins with: of that many, each share is a whole number."""
    first = curve.head(FIRST)[["n", "estimate"]].to_numpy(float)
    n, share = first[0]
    if not 0.5 < share <= 1:
        return n, np.inf
    whole = np.arange(n, np.floor(n / share + 0.5) + 1)
    still = whole[:, None] * first[:, 1]
    fits = (np.abs(still - still.round()) < 1e-3) & (still <= first[:, 0] + 1e-3)
    whole = whole[fits.all(1)] if fits.all(1).any() else whole
    return float(whole.min()), float(whole.max())
