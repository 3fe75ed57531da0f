"""Pages that read what others kept: made after them, of their answers, and again when those change.

    for together in dependencies.waves(pages): ...     # those that read others come later
    found = dependencies.answers_for(page, made)       # {notebook: {name: answer}}, of this run
    dependencies.informed(page, found)                 # the page, its fingerprint with theirs

A notebook says so itself, in its metadata: `cxlib: {after: ["12", "20"]}`. The answers are those of
the run's own pages, of the same rows and language; a page that is run without any of them reads
what they kept last of the same data. They go to the page with its job, so that a worker far away
reads the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cxlib.batch import cache, fingerprints, ledger
from cxlib.batch.planning import Page, notebooks
from cxlib.core import parameters
from cxlib.data import study
from cxlib.reserve import tables_read
from cxlib.reserve.database import Database

ANSWERS = "answers of "  # begins the names under which a page's data has marks of others' answers
Found = dict[str, dict[str, dict[str, Any]]]  # notebook: its answers by name


def waves(pages: Sequence[Page]) -> Iterator[list[Page]]:
    """The pages in groups: each group reads nothing but earlier ones. ValueError for a circle."""
    left = list(pages)
    while left:
        now = [p for p in left if not p.after or not any(_reads(p, q) for q in left)]
        if not now:
            names = ", ".join(dict.fromkeys(p.notebook.stem for p in left))
            raise ValueError(f"{names} read each other's answers. Take one out of `after`.")
        yield now
        done = {id(p) for p in now}
        left = [p for p in left if id(p) not in done]


def _reads(page: Page, other: Page) -> bool:
    return page.study == other.study and _is_named(other.notebook.stem, page.after)


def _is_named(stem: str, names: Sequence[str]) -> bool:
    return any(stem == name or stem.startswith(f"{name}_") for name in names)


def answers_for(page: Page, made: Sequence[tuple[Page, dict[str, Any]]]) -> Found:
    """What the notebooks in `after` kept in this run (`made`); a page run alone reads the last."""
    stems = [n for n in notebooks() if _is_named(n, page.after)]
    own = {n: [a for other, a in made if _beside(page, other, n)] for n in stems}
    if any(own.values()):
        return {n: answers[0] for n, answers in own.items() if answers}
    return {n: answers for n in stems if (answers := cache.last(page, n))}


def _beside(page: Page, other: Page, stem: str) -> bool:
    """Whether it is that notebook's page of the same study, rows, set and language."""
    mine, theirs = ((p.study, p.set_name, p.lang, p.rows) for p in (page, other))
    return other.notebook.stem == stem and mine == theirs


def informed(page: Page, found: Found) -> Page:
    """The page as made of these answers too: when one changes, it is made again."""
    if not page.after:
        return page
    marks = {f"{ANSWERS}{n.split('_')[0]}": fingerprints.digest(a) for n, a in found.items()}
    return replace(page, data={**page.data, **marks})


def beside_earlier(page: Page) -> Page:
    """The page as it is made beside what was published of it from other data, if it is published.

    States of the data that differ in nothing that the page read are left out: nobody came or went.
    """
    if page.source.get("internal") or page.rules.get("smallest_cell", 0) < 2:
        return page
    read = cache.measured(page).get("read", (tables_read.ALL,))
    mine = fingerprints.of_page(of_tables(page.data), read)
    states = ledger.states(
        page.study,
        {page.base, page.name},
        page.rows,
        lambda data: fingerprints.of_page(data, read) != mine,
    )
    return replace(page, rules={**page.rules, "published": states}) if states else page


def of_tables(data: Mapping[str, str]) -> dict[str, str]:
    """The fingerprints of the study's own tables alone."""
    other = {"warnings", *tables_read.MARKS}
    return {k: v for k, v in data.items() if k not in other and not k.startswith(ANSWERS)}


def of_data(data: Mapping[str, str]) -> dict[str, str]:
    """The fingerprints of what the study's folder holds: its tables and its earlier warnings."""
    return {k: v for k, v in data.items() if not k.startswith(ANSWERS)}


def explain(pages: Sequence[Page]) -> Iterator[tuple[Page, str]]:
    """Why each page would be made, in the order of making; an empty reason where it would not."""
    made: list[tuple[Page, dict[str, Any]]] = []
    stale: list[Page] = []
    for together in waves(pages):
        for page in together:
            first = [p.notebook.stem for p in stale if _reads(page, p)]
            found, why = cache.look(beside_earlier(informed(page, answers_for(page, made))))
            if found:
                made.append((page, found.about["answers"]))
            if first:
                why = why or f"reads the answers of {', '.join(first)}, which may change"
            if why:
                stale.append(page)
            yield page, why


def costs(page: Page) -> str:
    """What is known of a page's queries before it is made: those that it needed the last time.

    Which queries a notebook makes is known when it runs, not before; its tables are.
    """
    with Database(study.read(page.study)) as database:
        counts = database.counts.set_index("table")["kept"]
        found = cache.measured(page)
        needs = parameters.content(page.notebook)["metadata"].get("cxlib", {}).get("needs", ())
        words = {part for need in needs for part in need.split("|")}
        named = set(found.get("read", words)) & set(counts.index)
        shown = [
            f"{t} ({counts[t]:,} rows, {len(database.columns(t))} columns)" for t in sorted(named)
        ]
    tables = f"reads {', '.join(shown)}" if shown else "reads no table that is named beforehand"
    if not found:
        return f"{tables}, which it declares; not made before, so that its queries are not known"
    cost = found["cost"]
    said = (
        f"{cost['queries']:,} queries brought {cost['rows']:,} rows, {cost['bytes'] / 1e6:,.1f} MB"
    )
    said += f", in {cost['seconds']:,.1f} s" if "seconds" in cost else ""  # not of older versions
    return f"{tables}; when it was made last, {said}"
