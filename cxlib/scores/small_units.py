"""Units of few answers counted together, so that their customers still count.

A union is made of what small cells would hide (`privacy.disclosure.hidden_in_tree`): of the small
units that belong to the same unit and, where only one is small or all of them hold too few, of the
next smallest. So its numbers give no small unit away, by themselves or beside those of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from cxlib.core import context
from cxlib.core.codes import plain
from cxlib.core.i18n import _
from cxlib.core.sample import Sample
from cxlib.data.organisation import Tree
from cxlib.privacy import disclosure


def joined_units(
    sample: Sample, item: str, *, by: str, tree: Tree | None, published: Sequence[str] = ()
) -> tuple[Sample, Tree | None, dict[str, list[str]]]:
    """The answers with small units renamed to their union, the tree with it, and who is in each.

    Parameters
    ----------
    sample, item, by, tree, published : as in `scores.units`

    Examples
    --------
    >>> rows = pd.DataFrame({"recommend": 9, "shop": ["A"] * 40 + ["B"] * 3 + ["C"] * 60})
    >>> found, _tree, unions = joined_units(Sample(rows), "recommend", by="shop", tree=None)
    >>> found["shop"].value_counts().to_dict(), unions
    ({'C': 60, 'Other units (2)': 43}, {'Other units (2)': ['A', 'B']})
    """
    least = context.current().smallest_cell
    named = sample[by].map(plain, na_action="ignore")
    given = sample[item].notna() & (sample.weights > 0) & named.notna()
    who = sample.clusters if sample.cluster else pd.Series(sample.data.index, sample.data.index)
    there = pd.DataFrame({"unit": named, "who": who.to_numpy()})[given.to_numpy()]
    parent = dict.fromkeys(there["unit"], "") if tree is None else dict(tree.parent)
    levels = [named] if tree is None else tree.levels(named)
    n = {
        unit: int(people)
        for level in levels
        for unit, people in there.groupby(level[given.to_numpy()])["who"].nunique().items()
    }
    known = {plain(u) for u in published}
    away = disclosure.hidden_in_tree(n, parent, published=known)
    above = {parent[unit] for unit in n}
    families: dict[str, list[str]] = {}
    for unit in sorted(away - above):
        families.setdefault(parent[unit], []).append(unit)
    unions: dict[str, list[str]] = {}
    for family, units in families.items():
        people = there.loc[there["unit"].isin(units), "who"].nunique()
        if len(units) < 2 or people < least or family in away or known.intersection(units):
            continue  # still too few, or one would follow: they stay hidden
        name = (
            _("Other units of {unit:label} ({n:count})", unit=family, n=len(units))
            if family
            else _("Other units ({n:count})", n=len(units))
        )
        unions[name] = units
        named = named.where(~named.isin(units), name)
        parent[name] = family
    if not unions:
        return sample, tree, {}
    tree = None if tree is None else replace(tree, parent=parent)
    return sample.assign(**{by: named}), tree, unions
