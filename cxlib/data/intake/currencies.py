"""Currencies that cells, columns beside them and headers name: with several, a sum has no unit.

currencies(pd.Series(["EUR", "JPY", "yen"]))      # {'JPY': 2, 'EUR': 1}
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

import pandas as pd
from pandas.api.types import is_numeric_dtype

from cxlib.data import contract
from cxlib.data.intake.cells import text

MOSTLY = 0.9  # of the filled cells of a column that names currencies
FIRST = 200  # cells that are looked at before all of a column are counted
LANGUAGES = ("en", "zh")  # in which Babel names currencies; more take a second to read
MORE = {  # signs, and names in everyday use
    **dict.fromkeys(("€", "euros"), "EUR"),
    **dict.fromkeys(("$", "us$", "dollar", "dollars", "us-dollar", "美金"), "USD"),
    **dict.fromkeys(("£", "pound", "pounds", "sterling"), "GBP"),
    **dict.fromkeys(("rmb", "yuan", "元", "cn¥"), "CNY"),
    **dict.fromkeys(("yen", "円", "jp¥"), "JPY"),
    **{"¥": "¥", "kr": "kr", "₹": "INR", "₽": "RUB", "₩": "KRW", "₺": "TRY", "฿": "THB"},
    **{"₫": "VND", "₪": "ILS", "₴": "UAH", "₦": "NGN", "₱": "PHP", "r$": "BRL", "zł": "PLN"},
    **{"ca$": "CAD", "c$": "CAD", "a$": "AUD", "au$": "AUD", "hk$": "HKD", "nt$": "TWD"},
    **{"s$": "SGD", "nz$": "NZD", "mx$": "MXN", "kč": "CZK", "ft": "HUF", "fr.": "CHF"},
    **{"kr.": "kr", "￥": "¥"},
}
CODES = (  # words of three letters that are currencies beside a number; TOP and ALL are not
    *("USD", "EUR", "GBP", "CNY", "RMB", "JPY", "CHF", "AUD", "CAD", "NZD", "HKD", "SGD", "SEK"),
    *("NOK", "DKK", "PLN", "CZK", "HUF", "BRL", "MXN", "INR", "KRW", "TWD", "THB", "ZAR", "AED"),
)
NONE = ("XXX", "XTS", "ALL", "TOP")  # of tests, and words of English
SHARED = {"¥": ("CNY", "JPY"), "kr": ("SEK", "NOK", "DKK")}  # signs that several currencies have
IN_HEADER = re.compile(rf"(?<![A-Za-z])(?:{'|'.join(CODES)})(?![A-Za-z])|[€£₹₽₩₺]|(?:US)?\$")


def currencies(values: pd.Series) -> dict[str, int]:
    """How many rows have which currency, where a column names currencies; else nothing.

    Parameters
    ----------
    values : cells of a column: codes of ISO 4217, signs, or names in English and Chinese

    Returns
    -------
    Code of the currency (a sign where it stands for several): rows, most first

    Examples
    --------
    >>> currencies(pd.Series(["EUR", "eur", "Euro", "JPY"]))
    {'EUR': 3, 'JPY': 1}
    >>> currencies(pd.Series(["red", "EUR"]))
    {}
    """
    if is_numeric_dtype(values) or not _mostly(values.dropna().head(FIRST)):
        return {}
    sizes = text(values).value_counts()
    codes = pd.Series(sizes.index.map(code), index=sizes.index, dtype=object)
    if sizes[codes != ""].sum() < MOSTLY * sizes.sum():
        return {}
    return counted(resolved(codes), sizes)


def resolved(codes: pd.Series) -> pd.Series:
    """The codes, a sign of several currencies as that one of them which is there besides.

    Examples
    --------
    >>> resolved(pd.Series(["¥", "JPY", "kr"])).tolist()
    ['JPY', 'JPY', 'kr']
    """
    there = set(codes)
    one = {s: found for s, of in SHARED.items() if len(found := there & set(of)) == 1}
    return codes.replace({sign: next(iter(found)) for sign, found in one.items()})


def counted(codes: pd.Series, sizes: pd.Series) -> dict[str, int]:
    """How many rows have which currency, most first; "" is none."""
    found = sizes.groupby(codes).sum().drop("", errors="ignore")
    return {str(c): int(n) for c, n in found.sort_values(ascending=False, kind="stable").items()}


def is_amount(table: str, column: str) -> bool:
    """Whether a column of the contract holds amounts of money."""
    about = contract.TABLES[table].columns.get(column)
    return about is not None and about.unit == "currency"


def of_amounts(
    table: str, frame: pd.DataFrame, ours: Mapping[str, str], formulas: Iterable[str]
) -> dict[str, dict[str, int]]:
    """The columns of a file that name the currency of its amounts, with the rows of each.

    Such are amounts themselves whose header names it, as in "Total (USD)".

    A column that a formula of the file speaks of is left out: amounts are converted by it.

    Parameters
    ----------
    table : of the contract
    frame : the rows of the file that are used
    ours : our names of its columns: theirs
    formulas : expressions by which columns are derived
    """
    amounts = [(c, theirs) for c, theirs in ours.items() if is_amount(table, c)]
    if not amounts:
        return {}
    spoken = " ".join(formulas)
    mapped = {theirs for c, theirs in ours.items() if c in contract.TABLES[table].columns}
    free = [
        c
        for c in frame
        if c not in mapped and not re.search(rf"(?<!\w){re.escape(str(c))}(?!\w)", spoken)
    ]
    found = {str(c): sizes for c in free if (sizes := currencies(frame[c]))}
    for column, theirs in amounts:
        codes = set(filter(None, map(code, IN_HEADER.findall(theirs))))
        if len(codes) == 1 and len(frame):
            found[column] = {codes.pop(): len(frame)}
    return found


def several(
    found: Iterable[Mapping[str, Mapping[str, int]]], stated: str = ""
) -> dict[str, dict[str, int]]:
    """The columns of files of one table that name other currencies than one, files together.

    `stated` is the currency of the study, which is to be that of all amounts.

    Examples
    --------
    >>> several([{"currency": {"EUR": 2}}, {"currency": {"JPY": 3}}])
    {'currency': {'EUR': 2, 'JPY': 3}}
    >>> several([{"currency": {"EUR": 2}}], "USD")
    {'currency': {'EUR': 2}}
    """
    together = added(found)
    own = code(stated) if together else ""
    of = {c: set(resolved(pd.Series([*sizes, own]))) - {""} for c, sizes in together.items()}
    return {column: sizes for column, sizes in together.items() if len(of[column]) > 1}


def added(found: Iterable[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """The rows of each currency by column, of all files together."""
    out: dict[str, dict[str, int]] = {}
    for part in found:
        for column, sizes in part.items():
            mine = out.setdefault(column, {})
            for code, n in sizes.items():
                mine[code] = mine.get(code, 0) + n
    return out


def _mostly(cells: pd.Series) -> bool:
    words = text(cells).dropna()
    return bool(len(words)) and bool(words.map(code).ne("").mean() >= MOSTLY / 2)


def code(word: str) -> str:
    """The currency that a code, a sign or a name stands for; empty for other words."""
    return _names().get(str(word).casefold().strip(), "")


@cache
def _names() -> Mapping[str, str]:
    """Code of a currency by its code, its names and its sign, in small letters."""
    from babel import Locale

    names = dict[str, str]()
    for language in LANGUAGES:
        for iso, name in Locale.parse(language).currencies.items():
            names.setdefault(name.casefold(), iso)
    codes = map(str, Locale.parse("en").currencies)
    names |= {iso.casefold(): iso for iso in codes if iso not in NONE}
    return names | MORE
