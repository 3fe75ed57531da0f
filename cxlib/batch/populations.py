"""The rows that the pages of a run are about, as sketches: by whom they differ from others.

    people = populations.of(study.read("mine"), run["data"], pages, rules)

A page is about the rows of its wave and condition in the tables that it read, and about the groups
that it shows, where these are columns of such a table. Nothing is known of rows on an engine, and
of a study whose data are no longer those of the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cxlib.batch import ledger
from cxlib.core.context import Context
from cxlib.data import contract
from cxlib.data.study import Study
from cxlib.privacy import cross_page, sketches
from cxlib.privacy.sketches import Part, Sketch
from cxlib.reserve import store
from cxlib.reserve.sketching import Sketching
from cxlib.reserve.tables_read import ALL


@dataclass(frozen=True)
class Asked:
    """A page: of which rows it is, which tables it read, what it shows."""

    rows: tuple[str, str]
    read: frozenset[str]
    answers: Mapping[str, Any]


def of(
    about: Study, data: Mapping[str, str], pages: Mapping[str, Asked], rules: Context
) -> ledger.People:
    """Sketches of the rows and groups of each page.

    Parameters
    ----------
    about : the study
    data : fingerprints of the tables from which the pages were made
    pages : by name
    rules : of the run; where they hide nothing, nothing is needed
    """
    secret = ledger.secret(about.name)
    if rules.smallest_cell < 2 or not pages or not _same(about, data):
        return ledger.People(secret)
    with Sketching(about, secret) as sketching:
        every = frozenset(sketching.tables)
        sets: dict[tuple[tuple[str, str], frozenset[str]], list[str]] = {}
        for name, page in pages.items():
            tables = every if ALL in page.read else every & page.read
            sets.setdefault((page.rows, tables), []).append(name)
        found: dict[str, dict[Part, Sketch]] = {}
        known: dict[tuple[Any, ...], dict[Part, Sketch]] = {}
        for (rows, tables), names in sets.items():
            groups = {pairs for name in names for pairs in _groups(pages[name].answers.values())}
            wanted = {sketches.groups_key(pairs) for pairs in groups}
            columns = {tuple(sorted({c for c, _level in pairs})) for pairs in groups}
            made: dict[Part, Sketch] = {}
            for table in sorted(tables):
                for some in sorted(columns):
                    key = rows, table, some
                    if key not in known:
                        known[key] = sketching.of(table, rows[0], rows[1], some)
                    made |= {p: s for p, s in known[key].items() if p[1] in wanted}
            found |= dict.fromkeys(names, made)
    return ledger.People(secret, found)


def _same(about: Study, data: Mapping[str, str]) -> bool:
    """Whether the tables are those of which the pages were made."""
    try:
        found = store.fingerprints(about.reserve_path)
    except (RuntimeError, ValueError, OSError):  # it is gone
        return False
    tables = contract.TABLES.keys() & data.keys()
    return bool(tables) and all(found.get(table) == data[table] for table in tables)


def _groups(records: Iterable[dict[str, Any]]) -> set[tuple[tuple[str, str], ...]]:
    return {(), *(key[1] for key in cross_page.counts_of(records))}
