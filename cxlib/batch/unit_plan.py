"""A page for each unit of the organisation: what `cx run STUDY --units` makes.

    pages = batch.unit_pages(batch.plan(["sample"], ["27"]))
    [p.set_name for p in pages]                       # "", "Centre 1", "Centre 1 › team A", ...

Every notebook that has a parameter UNIT is made for the unit that it names, the whole unless one is
given, and for every unit below. Units of few rows get no page, nor do those by which they could be
worked out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from cxlib.batch.groups import Group
from cxlib.batch.planning import Page
from cxlib.core import context, i18n
from cxlib.core.context import Context
from cxlib.data import study
from cxlib.data.organisation import Tree
from cxlib.privacy import disclosure, masking

UNIT = "UNIT"
MOST = 300  # pages of a notebook


def unit_pages(pages: Sequence[Page]) -> list[Page]:
    """The pages, with those of units.

    Parameters
    ----------
    pages : as planned, of all rows

    Raises
    ------
    ValueError : no page is of a notebook with a parameter UNIT, or there would be too many
    """
    if not any(UNIT in page.values for page in pages):
        notebooks = ", ".join(dict.fromkeys(Path(p.notebook).stem for p in pages))
        raise ValueError(
            f"--units makes pages of notebooks that have a parameter UNIT; of {notebooks} none "
            "has one. Name another: cx run STUDY 27 --units."
        )
    return [made for page in pages for made in ([page] if page.lacking else _of_page(page))]


def _of_page(page: Page) -> list[Page]:
    if UNIT not in page.values:
        return [page]
    from cxlib import reserve

    about = study.read(page.study)
    with context.use(Context(**page.rules)), reserve.attach(about) as store:
        tree, stated = store.units, store.organisation
        assert stated is not None
        counts = _rows_of(tree, store.read(stated.table)[stated.column])
        away = disclosure.hidden_in_tree(counts, tree.parent)
        first = str(page.values[UNIT])
        units = [u for u in _in_order(tree) if not first or first in tree.path(u)]
        shown = [u for u in units if u not in away and u != first]
        if len(shown) > MOST:
            raise ValueError(
                f"--units: {len(shown)} units would make as many pages; {MOST} at most. Name one "
                "whose units you want: -p UNIT=NAME."
            )
        left_out = tuple(str(Group(("unit",), (u,))) for u in units if u in away and counts[u])
        top = tree.path(first) if first else ()
        made = [
            replace(
                page,
                left_out=(*page.left_out, *left_out),
                unit_path=top,
                unit_name=_title(top[-1:]),
            )
        ]
        for unit in shown:
            slug, name = Group(("unit",), (unit,)).slug, page.name.removesuffix(page.suffix)
            made.append(
                replace(
                    made[0],
                    name=f"{name}.{slug}{page.suffix}",
                    values={**page.values, UNIT: unit},
                    set_name=_title(tree.path(unit)),
                    unit_path=tree.path(unit),
                    unit_name=_title([unit]),
                )
            )
        return made


def around(page: Page, pages: Sequence[Page]) -> tuple[Page | None, list[Page]]:
    """The page of what a unit belongs to, and those of the units below it.

    Units without a page are passed over: what is below such a one is listed with the unit above it.

    Parameters
    ----------
    page : one of `pages`
    pages : those of a run

    Returns
    -------
    The page above, None at the top and for pages of no unit; and the pages below, in their order
    """
    if page.unit_path is None:
        return None, []
    shared = (page.study, page.notebook, page.suffix, page.rows)
    known = {
        p.unit_path: p
        for p in pages
        if p.unit_path is not None and (p.study, p.notebook, p.suffix, p.rows) == shared
    }

    def above(path: tuple[str, ...]) -> Page | None:
        shorter = (path[:k] for k in range(len(path) - 1, -1, -1))
        return next((known[way] for way in shorter if way in known), None)

    return above(page.unit_path), [p for way, p in known.items() if above(way) is page]


def _rows_of(tree: Tree, named: pd.Series) -> dict[str, int]:
    """How many rows each unit has, with those of the units below it."""
    counts = dict.fromkeys(tree.parent, 0)
    for level in tree.levels(named):
        counts |= {str(unit): int(n) for unit, n in level.value_counts().items()}
    return counts


def _in_order(tree: Tree) -> list[str]:
    """The units, each below the one it belongs to, as the organisation lists them."""
    place = {unit: i for i, unit in enumerate(tree.parent)}
    return sorted(tree.parent, key=lambda u: [place[above] for above in tree.path(u)])


def _title(path: Sequence[str]) -> str:
    return " › ".join(masking.masked(i18n.label(unit))[0] for unit in path)
