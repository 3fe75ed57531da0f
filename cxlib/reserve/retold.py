"""What the intake wrote of rows, in the language of the page that shows it.

    retold("outside the scale 0 to 10")       # "超出 0 至 10 的量表" on a Chinese page

Reasons and warnings are kept in English, with the store; who loads data reads them there. Counts
of small groups, which a warning names for its owner, are no matter for a page.
"""

from __future__ import annotations

import re
from functools import cache

from cxlib import page

WORDS = (
    "not a finite number", "not a number", "not a whole number", "neither yes nor no",
    "not a date as {form}", "not a date in ISO form (2026-03-31)",
    "outside the scale {low} to {high}", "empty; every row must have it",
    "must be not below {low}", "must be not above {high}", "must be from {low} to {high}",
    "must be one of {values}", "the same {key} as row {row}", "not among the {table}",
    "{n} fields where the header has {width}",
    "only {n} row(s): no interval can be made of so few", "no wave", "nobody answered",
    "waves that are no date, such as {names}, sort as text",
    "all answers are {value}: it can explain nothing",
    "every answer is that to {other}: one is a copy of the other",
    "{n} group(s) have fewer than {least} rows and are hidden in reports: {names}",
    "text ({words}) among numbers: the whole column is kept as text",
    "{place} in study.yaml names no column",
)  # fmt: skip
LABELLED = ("key", "table", "other")  # names of columns and tables
COUNT = re.compile(r" \(\d[\d,]*\)")


def retold(text: str) -> str:
    """The reason or warning in the page's language; as it is where nobody knows it."""
    for sentence, pattern in _patterns():
        if found := pattern.fullmatch(text):
            parts = {k: _named(v) if k in LABELLED else COUNT.sub("", v)
                     for k, v in found.groupdict().items()}  # fmt: skip
            return page.say(sentence, **parts)
    return text


def _named(names: str) -> str:
    return page.listed(page.label(name) for name in names.split(" and "))


@cache
def _patterns() -> list[tuple[str, re.Pattern]]:
    return [
        (words, re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(words)), re.S))
        for words in WORDS
    ]
