"""The units of an organisation as a tree: region, branch, team, agent.

tree = Tree({"North": "", "Hamburg": "North", "Kiel": "North"})
tree.path("Kiel")                         # ('North', 'Kiel')
tree.not_in(answers["branch"])            # units of answers that the tree lacks, with counts
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from cxlib.core.codes import plain
from cxlib.core.errors import suggestion


@dataclass(frozen=True)
class Tree:
    """Units, and the one that each belongs to.

    Attributes
    ----------
    parent : unit -> the unit it belongs to; "" of those at the top
    manager : unit -> who is responsible for it, where that is known

    Raises
    ------
    ValueError : a unit that belongs to one that is not listed, or to itself through others
    """

    parent: Mapping[str, str]
    manager: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown: dict[str, list[str]] = {}
        for unit, above in self.parent.items():
            if above and above not in self.parent:
                unknown.setdefault(above, []).append(unit)
        if unknown:
            said = "; ".join(f"{p!r} (of {', '.join(u[:3])})" for p, u in unknown.items())
            raise ValueError(
                f"{len(unknown)} units that others belong to are not listed: {said}."
                f"{suggestion(next(iter(unknown)), self.parent)} List each with the unit it "
                "belongs to, empty at the top."
            )
        for unit in self.parent:
            way = [unit]
            while above := self.parent[way[-1]]:
                if above in way:
                    circle = " > ".join([*way[way.index(above) :], above])
                    raise ValueError(f"units belong to each other in a circle: {circle}.")
                way.append(above)

    def path(self, unit: str) -> tuple[str, ...]:
        """The unit with all that it belongs to, from the top down.

        Examples
        --------
        >>> Tree({"North": "", "Kiel": "North"}).path("Kiel")
        ('North', 'Kiel')
        """
        way = [unit]
        while above := self.parent[way[-1]]:
            way.append(above)
        return tuple(reversed(way))

    @property
    def depth(self) -> int:
        """Levels of the tree."""
        return max((len(self.path(unit)) for unit in self.parent), default=0)

    @property
    def leaves(self) -> list[str]:
        """Units that no other belongs to."""
        above = set(self.parent.values())
        return [unit for unit in self.parent if unit not in above]

    def not_in(self, units: pd.Series) -> dict[str, int]:
        """Units of rows that the tree lacks, with the rows of each; the most frequent first."""
        named = units.dropna().map(plain)
        counts = named[~named.isin(list(self.parent))].value_counts()
        return {str(unit): int(n) for unit, n in counts.items()}

    def empty(self, units: pd.Series) -> list[str]:
        """Units at the bottom of the tree that no row names."""
        there = set(units.dropna().map(plain))
        return [unit for unit in self.leaves if unit not in there]

    def levels(self, units: pd.Series) -> list[pd.Series]:
        """The unit of each row on every level, from the top; missing below its own and unknown."""
        named = units.map(plain, na_action="ignore").astype(object)
        paths = {unit: self.path(unit) for unit in self.parent}
        return [
            named.map(lambda u, d=d: paths[u][d] if u in paths and len(paths[u]) > d else None)
            for d in range(self.depth)
        ]


def tree_of(rows: pd.DataFrame) -> Tree:
    """The tree of a table of units: unit, parent, perhaps manager."""

    def column(name: str) -> dict[str, str]:
        values = rows[name] if name in rows else pd.Series("", index=rows.index)
        return dict(zip(rows["unit"].map(plain), values.fillna("").map(plain), strict=True))

    return Tree(column("parent"), {u: m for u, m in column("manager").items() if m})
