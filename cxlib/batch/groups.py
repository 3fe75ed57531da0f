"""The groups that `--by` makes a set of pages for: of one column, or of several crossed.

found, left_out = groups.of(store, "responses", ["region", "channel"], "10_x", where="")
found[0].condition                                 # "region" = 'north' and "channel" = 'web'
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import pandas as pd

from cxlib.core import context, i18n, parameters
from cxlib.core.i18n import _
from cxlib.data import expressions
from cxlib.privacy import masking

if TYPE_CHECKING:
    from cxlib.reserve import Reserve

MOST = 50  # sets of pages
Values = tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """The rows with one value in each column of `by`."""

    by: Values
    values: Values

    @property
    def slug(self) -> str:
        """What it adds to the name of a page: region-north.channel-web."""
        pairs = zip(self.by, self.values, strict=True)
        return ".".join(f"{_slug(column)}-{_slug(value)}" for column, value in pairs)

    @property
    def title(self) -> str:
        """What readers call it."""
        pairs = zip(self.by, self.values, strict=True)
        return _("; ").join(f"{masking.masked_in(i18n.label(c))}: {_named(v)}" for c, v in pairs)

    @property
    def condition(self) -> str:
        """The condition that holds for its rows alone."""
        pairs = zip(self.by, self.values, strict=True)
        return " and ".join(expressions.equal(column, value) for column, value in pairs)

    def within(self, where: str) -> str:
        """The condition for its rows among those for which `where` holds."""
        return f"({where}) and {self.condition}" if where else self.condition

    def __str__(self) -> str:
        pairs = zip(self.by, self.values, strict=True)
        return ", ".join(f"{column}={masking.masked(value)[0]}" for column, value in pairs)


def require(store: Reserve, by: Sequence[str]) -> None:
    """Raise ValueError for a column of --by that no table has, naming the nearest one."""
    known = list(dict.fromkeys(c for have in store.schema.values() for c in have))
    for column in (c for c in by if c not in known):
        raise ValueError(
            f"--by {column}: no table of {store.study.name} has such a column"
            f"{parameters.nearest(column, known) or '.'} They have: {', '.join(known) or 'none'}."
        )


def of(
    store: Reserve, home: str, by: Sequence[str], notebook: str, where: str
) -> tuple[list[Group], list[str]]:
    """The groups that get a set of pages, and those too small for one, as the record names them.

    Raises ValueError for a column that is not there, and where there are no groups or too many.
    """
    from cxlib.reserve import grouping

    columns, named = store.columns(home), ", ".join(by)
    for column in by:
        if column not in columns:
            raise ValueError(
                f"--by {column}: {home} of {store.study.name} have no such column"
                f"{parameters.nearest(column, columns) or '.'} They have: "
                f"{', '.join(columns) or 'none'}."
            )
    if len(set(by)) < len(by):
        raise ValueError(f"--by {named}: name each column once.")
    counted = grouping.people(store, home, by, where)
    people = dict(zip(_values(counted[[*by]]), counted["n"].tolist(), strict=True))

    def together(some: Sequence[Values]) -> int:
        if len(some) < 2:
            return sum(people[k] for k in some)
        these = " or ".join(f"({Group(tuple(by), values).within(where)})" for values in some)
        return int(grouping.people(store, home, [], these)["n"].iloc[0])

    small = _too_few(people, together)
    large = sorted(set(people) - small)
    if not large:
        raise ValueError(
            f"--by {named}: no value has {home} of {context.current().smallest_cell} customers "
            "or more, the study's smallest cell."
        )
    if len(large) > MOST:
        raise ValueError(
            f"--by {named}: {len(large)} values would make as many sets; {MOST} at most."
        )
    columns_ = tuple(by)
    return [Group(columns_, v) for v in large], [str(Group(columns_, v)) for v in sorted(small)]


def _values(rows: pd.DataFrame) -> list[Values]:
    return [*rows.astype(str).itertuples(index=False, name=None)]


def _too_few(
    counts: Mapping[Values, int], together: Callable[[Sequence[Values]], int] | None = None
) -> set[Values]:
    """Groups without pages: the small, and those that keep the small from being worked out.

    Whoever knows the pages of a row or column of the crossing, from another run, and all its groups
    but a few people, knows those. `counts` are people of each group, `together` of several: one of
    them may be in more than one group.
    """
    together = together or (lambda some: sum(counts[k] for k in some))
    least = context.current().smallest_cell
    found = {k for k, n in counts.items() if n < max(least, 1)}
    width = len(next(iter(counts), ()))
    held = [c for r in range(width) for c in combinations(range(width), r)]
    while True:
        more = set()
        for at in held:
            for line in {tuple(k[i] for i in at) for k in counts}:
                inside = [k for k in counts if tuple(k[i] for i in at) == line]
                hidden = together([k for k in inside if k in found])
                shown = [k for k in inside if k not in found]
                if shown and 0 < hidden < least:
                    more.add(min(shown, key=lambda k: (counts[k], k)))
        if not more:
            return found
        found |= more


def _slug(value: str) -> str:
    shown = masking.masked(value)[0]
    safe = re.sub(r"[^\w-]+", "-", shown).strip("-")[:40]
    return safe if safe == value else f"{safe or 'value'}-{_mark(value)}"


def _named(value: str) -> str:
    """What readers call the value; one with personal data in it is told from others by a mark."""
    shown = masking.masked(i18n.label(value))[0]
    return shown if shown == i18n.label(value) else f"{shown} {_mark(value)}"


def _mark(value: str) -> str:
    """Six digits that tell values apart; those of masked names cannot be guessed from a name."""
    secret = context.current().mask if masking.masked(value)[1] else ()
    return hashlib.sha256("\n".join([value, *secret]).encode()).hexdigest()[:6]
