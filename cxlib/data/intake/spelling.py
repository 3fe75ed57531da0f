"""One group written in several ways: berlin, Berlin and ＢＥＲＬＩＮ would be three groups.

spellings(pd.Series(["Berlin", "Berlin", "berlin"]))      # {'Berlin': {'Berlin': 2, 'berlin': 1}}
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import pandas as pd

from cxlib.data import contract
from cxlib.data.intake.reasons import Reason
from cxlib.data.study import Study

SHOWN = 20  # spellings that a sentence lists; the recode has all
MOST = 1000  # distinct values of a column that makes groups
FREE_TEXT = ("text", "problem", "measure", "left_because")  # columns that people write freely
ACCENTS = re.compile("[\u0300-\u036f]")  # of Latin, Greek and Cyrillic letters


def folded(value: str) -> str:
    """The value without case, accents, width and spaces that say nothing.

    Examples
    --------
    >>> folded(" ＭÜnchen  Ost") == folded("munchen ost")
    True
    """
    plain = ACCENTS.sub("", unicodedata.normalize("NFKD", value))
    return " ".join(unicodedata.normalize("NFKC", plain).casefold().split())


def spellings(values: pd.Series) -> dict[str, dict[str, int]]:
    """The values that differ only in case, spaces, accents or width, by the most frequent of them.

    Examples
    --------
    >>> spellings(pd.Series(["Berlin", "Bonn", "berlin", "Berlin"]))
    {'Berlin': {'Berlin': 2, 'berlin': 1}}
    """
    sizes = values.dropna().astype(str).value_counts()
    alike: dict[str, dict[str, int]] = {}
    for value, n in sizes.items():
        alike.setdefault(folded(str(value)), {})[str(value)] = int(n)
    return {next(iter(same)): same for same in alike.values() if len(same) > 1}


def odd_spellings(study: Study, name: str, rows: pd.DataFrame) -> Iterator[tuple[str, int, Reason]]:
    """Columns with one group in several spellings: the column, its rows, the reason."""
    for column in grouping(study, name, rows):
        found = spellings(rows[column])
        if not found:
            continue
        others = {w: usual for usual, same in found.items() for w in same if w != usual}
        sizes = [(w, n) for same in found.values() for w, n in same.items()]
        values = dict(sizes[:SHOWN])
        wrong = sum(found[usual][w] for w, usual in others.items())
        yield column, wrong, Reason("spellings", {"values": values, "become": others})


def grouping(study: Study, name: str, rows: pd.DataFrame) -> list[str]:
    """Text columns that may make groups: neither ids nor questions nor what people write freely."""
    table = contract.TABLES[name]
    ids = {*table.key, "referred_by", *(c.name for c in table.columns.values() if c.refers)}
    texts = [
        c
        for c in rows
        if c not in ids
        and c not in FREE_TEXT
        and not c.endswith("_id")
        and c not in study.items
        and pd.api.types.is_string_dtype(rows[c])
    ]
    return [c for c in texts if rows[c].nunique() <= min(MOST, max(20, len(rows) / 2))]
