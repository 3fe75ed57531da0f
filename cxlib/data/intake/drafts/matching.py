"""Which columns of a file are those of one of our tables, by their names and what they hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from functools import cache

from cxlib.data import contract
from cxlib.data.intake.drafts import weights
from cxlib.data.intake.drafts.looking import Column, Seen, slug
from cxlib.data.intake.drafts.personal import HELD, personal
from cxlib.data.intake.profiles import names

ENOUGH_DATES = 0.9  # of a column's cells, for it to be one of dates
MOST_DATES = 0.5  # and for it to be taken where no other is, with a question about the others
MANY = 0.1  # different values a cell, from which a column called "no" holds ids


SPOKEN = re.compile(r"date|time|_at$|_on$|_am$|zeit|日期|时间|時間|datum|fecha|日時|日付|日$|tarih")
ANSWER = re.compile(r"response|answer|survey|submission|interview|antwort")  # may hold answers
DIGITS = re.compile(r"\d")
ID = re.compile(r"(?=.*\d)\S{1,64}")  # what ids look like: no blank, and a digit


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    return {ours: re.compile(p) for ours, p in names()["columns"].items()}


def match(table: str, seen: Seen) -> dict[str, str]:
    """Our columns of the table that the file seems to have: ours -> theirs."""
    found: dict[str, str] = {}
    for ours, about in contract.TABLES[table].columns.items():
        if fits := [c for c in _called(ours, seen, found) if _holds(c, ours, about.kind)]:
            first = weights.likeliest(fits) if ours == "weight" else fits[0]
            if ours == "answered_on":
                begun = re.compile(names()["started"])
                first = min(fits, key=lambda c: bool(begun.search(slug(c.name))))
            exact = next((c for c in fits if slug(c.name) == ours), first)
            found[ours] = exact.name
    bought = table in ("orders", "cases") and "customer_id" not in found
    by_address = next(filter(addresses, seen.columns.values()), None) if bought else None
    if by_address is not None:
        found["customer_id"] = by_address.name
    if table == "customers" and "customer_id" not in found and (own := _contact(seen)):
        found = {"customer_id": own, **found}
    dated = {"orders": "at", "events": "at", "responses": "answered_on"}.get(table)
    if dated and dated not in found and (near := dates_named(seen, found.values())):
        found[dated] = near[0]
    for ours, about in contract.TABLES[table].columns.items():
        if about.kind == "date" and ours not in found:
            doubted = [c for c in _called(ours, seen, found) if c.dates >= MOST_DATES]
            if doubted:
                found[ours] = doubted[0].name
    return found


def _called(ours: str, seen: Seen, found: dict[str, str]) -> list[Column]:
    """The columns with any cell that are called as ours, and are none of those found."""
    pattern = _patterns().get(ours, re.compile(re.escape(ours)))
    return [
        c
        for c in seen.columns.values()
        if c.name not in found.values()
        and (slug(c.name) == ours or pattern.fullmatch(slug(c.name)))
        and len(c.words)
        and (ours.endswith("_id") or not personal(c))
    ]


def _contact(seen: Seen) -> str:
    """The id of a list of people: a plain one beside their names and addresses, nothing sold."""
    sold = [c for c in seen.columns if _patterns()["amount"].fullmatch(slug(c))]
    people = [c for c in seen.columns.values() if personal(c)]
    again = any(addresses(c) and not c.words.is_unique for c in people)
    return "" if sold or len(people) < 3 or again else plain_id(seen, {})


def _holds(column: Column, ours: str, kind: str) -> bool:
    """Whether the cells are of the kind; numbers are let pass, for `cx check` to speak of."""
    if ours == "weight":
        return weights.numeric(column)
    if ours == "order_id":  # "Auftrag" may be what was ordered as well
        return bool(column.words.str.contains(DIGITS).mean() > 0.5)
    return kind != "date" or column.dates >= ENOUGH_DATES


def dates_named(seen: Seen, used: Collection[str]) -> list[str]:
    """The further columns whose names speak of time, over cells that are dates."""
    return [
        c.name
        for c in seen.columns.values()
        if c.name not in used
        and SPOKEN.search(slug(c.name))
        and c.dates >= ENOUGH_DATES
        and not personal(c)
    ]


def known_by_name(ours: str, theirs: str) -> bool:
    """Whether a column is called as such a column is, and was not taken for want of another."""
    return slug(theirs) == ours or bool(_patterns()[ours].fullmatch(slug(theirs)))


def plain_id(seen: Seen, columns: dict[str, str]) -> str:
    """A column that calls itself only "id" or the like and never repeats; empty when none does."""
    ids = (c for c in _called_id(seen, columns) if len(c.counts) == len(c.cells))
    return next((c.name for c in ids if c.words.str.fullmatch(ID).mean() > 0.5), "")


def repeated_id(seen: Seen, columns: dict[str, str]) -> str:
    """A column that calls itself only "id" or the like, has many values and repeats some."""
    many = (c.name for c in _called_id(seen, columns) if len(c.counts) > MANY * len(c.cells))
    return next((n for n in many if not ANSWER.fullmatch(slug(n))), "")


def _called_id(seen: Seen, columns: dict[str, str]) -> Iterator[Column]:
    """The columns that are none of ours and call themselves only "id" or the like."""
    called = re.compile(names()["plain_id"])
    free = (c for c in seen.columns.values() if c.name not in columns.values())
    return (c for c in free if called.fullmatch(slug(c.name)) or c.name.strip() == "#")


def addresses(column: Column) -> bool:
    """Whether a column holds e-mail addresses."""
    sample = column.counts.index[:50].to_series().astype(str)
    return bool(len(sample)) and bool(sample.str.fullmatch(HELD["e-mail addresses"]).mean() > 0.5)
