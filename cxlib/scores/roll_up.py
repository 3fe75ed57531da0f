"""Scores of the units of every level of an organisation, whose answers add up to their parent's."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cxlib.core import i18n
from cxlib.core.codes import plain
from cxlib.core.columns import Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.data.organisation import Tree
from cxlib.privacy import disclosure
from cxlib.scores.measures import Measure, as_measure
from cxlib.scores.scoring import score


def roll_up(
    sample: SampleLike,
    item: str = "recommend",
    measure: Measure | str = "nps",
    *,
    by: str,
    tree: Tree,
    published: Sequence[str] = (),
) -> Result:
    """Scores of the units of every level; the answers of units add up to those of their parent.

    Parameters
    ----------
    sample, item, measure, by, tree, published : as in `scores.units`

    Returns
    -------
    Result whose table has unit, parent, level (1 at the top), term, estimate, low, high, n and
    weight (sum of weights), each unit below the one it belongs to. Units of few answers are left
    out, and with them those by which they could be worked out.

    Examples
    --------
    >>> rows = pd.DataFrame({"recommend": [10, 0] * 40, "shop": ["A"] * 40 + ["B"] * 40})
    >>> tree = Tree({"North": "", "A": "North", "B": "North"})
    >>> roll_up(rows, "recommend", by="shop", tree=tree).table[["unit", "n"]].values.tolist()
    [['North', 80], ['A', 40], ['B', 40]]
    """
    sample, measure = as_sample(sample), as_measure(measure)
    given = sample[item].notna().to_numpy() & (sample.weights > 0)
    parts, n, weight = [], dict[str, int](), dict[str, float]()
    for depth, unit in enumerate(tree.levels(sample[by]), 1):
        if not (unit.notna().to_numpy() & given).any():
            continue
        found = score(sample.assign(unit=unit), item, measure, by="unit")
        parts.append(found.table.assign(level=depth))
        n |= dict(zip(found.table["unit"], found.table["n"], strict=True))
        sums = pd.Series(sample.weights[given]).groupby(unit.to_numpy()[given]).sum()
        weight |= sums.to_dict()
    if not parts:
        raise InsufficientData(_("No answer names a unit of the organisation."))
    table = pd.concat(parts, ignore_index=True)
    hidden = disclosure.hidden_in_tree(n, tree.parent, published=[plain(u) for u in published])
    table["parent"] = [tree.parent[u] or None for u in table["unit"]]
    table["weight"] = table["unit"].map(weight)
    table["path"] = [tree.path(u) for u in table["unit"]]
    table = table[~table["unit"].isin(hidden)].sort_values("path", ignore_index=True)
    columns = ["unit", "parent", "level", "term", "estimate", "low", "high", "n", "weight"]
    notes = [found.notes]
    notes += unlisted(len(hidden))
    columns_ = [
        Column("unit", unit="name"),
        Column("parent", unit="name"),
        Column("level", unit="count"),
    ]
    return Result(
        table[columns],
        _rolled(table, measure),
        i18n.together(notes),
        measure.unit,
        columns=[*columns_, Column("weight", unit="count")],
    )


def hidden_units(
    sample: SampleLike, items: Sequence[str], *, by: str, tree: Tree
) -> frozenset[str]:
    """Units that no page may show: of few answers to one of the items, or giving one such away.

    Parameters
    ----------
    sample : answers or cases
    items : columns of all scorecards of the run
    by : column of the units
    tree : what the units belong to

    Examples
    --------
    >>> from cxlib.core import context
    >>> rows = pd.DataFrame({"recommend": 9, "shop": ["A"] * 40 + ["B"] * 3 + ["C"] * 60})
    >>> tree = Tree({"North": "", "A": "North", "B": "North", "C": "North"})
    >>> with context.use(context.Context(smallest_cell=10)):
    ...     sorted(hidden_units(rows, ["recommend"], by="shop", tree=tree))
    ['A', 'B']
    """
    sample = as_sample(sample)
    levels = tree.levels(sample[by])
    there = {unit for level in levels for unit in level.dropna()}
    gone: set[str] = set()
    counts = []
    for item in items:
        given = sample[item].notna().to_numpy() & (sample.weights > 0)
        named = pd.concat([unit[given] for unit in levels]).value_counts()
        counts.append({unit: int(named.get(unit, 0)) for unit in tree.parent if unit in there})
    while True:  # what is hidden for one item may give another away
        found = gone.union(
            *(disclosure.hidden_in_tree(n, tree.parent, hidden=gone) for n in counts)
        )
        if found == gone:
            return frozenset(gone)
        gone = found


def _rolled(table: pd.DataFrame, measure: Measure) -> Finding:
    """How far the units of the highest level with several are apart."""
    several = table.groupby("level").filter(lambda rows: len(rows) > 1)
    top = several[several["level"] == several["level"].min()] if len(several) else table.head(1)
    if top.empty:
        return Finding(disclosure.left_out())
    low, high = (top.loc[i] for i in (top["estimate"].idxmin(), top["estimate"].idxmax()))
    claim = _(
        "{measure} by unit is from {low} ({one:label}) to {high} ({other:label}).",
        measure=measure.name(str(low["term"])),
        low=measure.level(low["estimate"], bare=True),
        high=measure.level(high["estimate"], bare=True),
        one=low["unit"],
        other=high["unit"],
    )
    return Finding(i18n.opening(claim))


def unlisted(n: int) -> list[str]:
    """How many units have no row, for their few answers."""
    if not n:
        return []
    return [
        ngettext(
            "{n:count} unit is not listed: it has few answers, or gives one that has away.",
            "{n:count} units are not listed: they have few answers, or give one that has away.",
            n,
        )
    ]
