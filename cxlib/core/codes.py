"""Codes matched by value: "1", 1 and 1.0 are one code, wherever study.yaml speaks of data.

    match(["1", "2"], [1.0, 2.0, 3.0])       # {'1': [1.0], '2': [2.0]}

A code that stands among the values as it is written means that value alone, so "1" and "01" stay
two codes in a column that has both.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Mapping
from decimal import Decimal
from typing import TypeVar

import pandas as pd

_NUMBER = re.compile(r"[-+]?\d+(\.\d+)?")
_ENDING = re.compile(r"(?<=\d)(\.0+|(\.\d*?[1-9])0+)$")
Code = TypeVar("Code", bound=Hashable)
LISTED = 12  # values that an error lists
YES = ("true", "yes", "y", "1", "t", "是", "有", "ja", "oui", "sí", "si", "sì", "sim", "はい")
NO = ("false", "no", "n", "0", "f", "否", "无", "nein", "non", "não", "nao", "いいえ")


def truth(value: object) -> bool | None:
    """Whether a code says yes; None where it says neither yes nor no.

    Examples
    --------
    >>> [truth(v) for v in (True, "No", 1.0, "是", "later")]
    [True, False, True, True, None]
    """
    word = plain(value).casefold()
    return True if word in YES else False if word in NO else None


def plain(value: object) -> str:
    """The code as text, without the decimals that say nothing; leading zeros stay.

    Examples
    --------
    >>> [plain(v) for v in (1, 1.0, "1.0", "01", 2.50, " north ", True)]
    ['1', '1', '1', '01', '2.5', 'north', 'True']
    """
    text = str(value).strip()
    return _ENDING.sub(r"\2", text) if _NUMBER.fullmatch(text) else text


def match(codes: Iterable[Code], values: Iterable[Hashable]) -> dict[Code, list[Hashable]]:
    """The values that each code means; an empty list where there is none.

    Parameters
    ----------
    codes : as study.yaml or a parameter writes them
    values : the distinct values of a column; missing ones are passed over

    Examples
    --------
    >>> match([1, "1.0", "x"], ["01", "02"])
    {1: ['01'], '1.0': ['01'], 'x': []}
    >>> match(["1", "01"], ["1", "01"])
    {'1': ['1'], '01': ['01']}
    """
    exact: dict[str, list[Hashable]] = {}
    numeric: dict[Decimal, set[str]] = {}
    for value in values:
        if pd.isna(value):
            continue
        text = plain(value)
        exact.setdefault(text, []).append(value)
        if _NUMBER.fullmatch(text):
            numeric.setdefault(Decimal(text), set()).add(text)
    found: dict[Code, list[Hashable]] = {}
    for code in codes:
        text = plain(code)
        if text not in exact and _NUMBER.fullmatch(text):
            alike = numeric.get(Decimal(text), set())
            text = next(iter(alike)) if len(alike) == 1 else text
        found[code] = exact.get(text, [])
    return found


def named(values: pd.Series, codes: Iterable[Hashable]) -> pd.Series:
    """The values as text, those that a code means under the name of the code.

    Examples
    --------
    >>> named(pd.Series([1.0, 2.0, None]), ["1"]).tolist()
    ['1', '2', <NA>]
    """
    distinct = values.dropna().unique().tolist()
    words = {value: plain(value) for value in distinct}
    for code, same in match(codes, distinct).items():
        words |= dict.fromkeys(same, str(code))
    return values.map(words).astype("string")


def counted(values: pd.Series) -> str:
    """The values there are with their counts, the most frequent first, for an error message.

    Examples
    --------
    >>> counted(pd.Series([1, 1, 2]))
    "'1' (2), '2' (1)"
    """
    return listed(values.dropna().map(plain).value_counts().to_dict())


def listed(sizes: Mapping[str, int]) -> str:
    """Values and their counts in words, as `counted` does, from the counts."""
    ordered = sorted(sizes.items(), key=lambda s: -s[1])
    words = ", ".join(f"{value!r} ({n:,})" for value, n in ordered[:LISTED])
    more = f" and {len(sizes) - LISTED:,} more" if len(sizes) > LISTED else ""
    return (words or "nothing") + more
