"""Names of survey waves made to sort as text in the order of time: all that reads them sorts them.

    in_order(pd.Series(["Wave 10", "Wave 9"]), None).names     # "Wave 9" is "Wave 09"

Names that say a year, half-year, quarter, month or week become 2025-Q1 and the like, so that gaps
and the year before are known. Those of a number are filled up with zeros. Others follow the dates
of their answers, with their place in front; where neither names nor dates tell, it is asked.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import pandas as pd

from cxlib.data.intake.dates import months
from cxlib.data.intake.reasons import Reason

PERIOD = r"\d{4}(-(Q[1-4]|H[12]|W\d{2}|\d{2}(-\d{2})?))?"  # 2026, 2026-Q1, 2026-03, 2026-W07 ...
SHOWN = 4  # names that a note or question lists
_HAN = {c: str(i) for i, c in enumerate("〇一二三四五六七八九")}
_FISCAL = (
    r"(?:fy|gj|财年|財年)\s*'?(\d{4}|\d{2})(?:\s*[/-]\s*(\d{4}|\d{2}))?|(\d{4})\s*(?:财年|財年)"
)
_YEAR = r"(?<!\d)((?:19|20)\d\d)(?!\d)\s*(?:年度?|г\.?|년)?"
_SHORT_YEAR = r"(?:(?<=[^\W\d])|\s*[-/ '])\s*'?(\d\d)$"
_PARTS = (  # the rest of a name beside its year, and the form of the period
    (
        r"(?:q|t|quarter|qtr|quartal|trimestre|kwartaal|kwartał|кв\.?|квартал)\s*\.?\s*([1-4])",
        "Q{}",
    ),
    (
        r"([1-4])\s*(?:st|nd|rd|th|\.|er|e|º|°|o|-й|-?)\s*"
        r"(?:q|t|quarter|qtr|quartal|trimestre|kwartaal|kwartał|çeyrek|кв\.?|квартал)",
        "Q{}",
    ),
    (r"第?([1-4])\s*(?:季度?|四半期|分기|분기)", "Q{}"),
    (r"(?:h|s|hj|half|halbjahr|semestre|semester)\s*([12])", "H{}"),
    (r"([12])\s*(?:st|nd|\.|er|e|º|o)?\s*(?:h|hj|half|halbjahr|semestre|semester)", "H{}"),
    (r"([上下])半年?", "H{}"),
    (r"(?:w|wk|kw|cw|week|woche|semaine|semana|settimana)\s*(\d{1,2})", "W{:02}"),
    (r"第?(\d{1,2})\s*[周週]", "W{:02}"),
    (r"(\d{1,2})\s*(?:月份?|월)?", "{:02}"),
)
_MOST = {"Q{}": 4, "H{}": 2, "W{:02}": 53, "{:02}": 12}


class Waves(NamedTuple):
    """Each name and the one it becomes, a note on that, and what is to be asked."""

    names: dict[str, str]
    note: str = ""
    question: Reason | None = None


def in_order(waves: pd.Series, at: pd.Series | None) -> Waves:
    """The names of waves as they sort in time.

    Parameters
    ----------
    waves : the wave of each answer, as text
    at : when each was answered, where that is known

    Examples
    --------
    >>> in_order(pd.Series(["Jan 2025", "Dec 2024"]), None).names
    {'Jan 2025': '2025-01', 'Dec 2024': '2024-12'}
    >>> in_order(pd.Series(["before", "after"]), None).question.rule
    'wave_order'
    """
    there = list(dict.fromkeys(map(str, waves.dropna())))
    dated = _by_date(waves, at)
    names = _read(there)
    if names:
        order = sorted(there, key=names.__getitem__)
        if dated is None or not _goes_back(order, dated):
            return Waves(names, _note(names))
    elif dated is not None and not _overlap(order := dated.sort_values("middle").index, dated):
        if sorted(there) == list(order):
            return Waves({name: name for name in there})
        names = _numbered(order)
        return Waves(names, _note(names, "in the order of their dates"))
    elif len(there) < 2:
        return Waves({name: name for name in there})
    if dated is not None:
        there = list(dated.sort_values("middle").index)
    return Waves(
        {name: name for name in there},
        question=Reason("wave_order", {"names": _shown(there), "become": _numbered(there)}),
    )


def _read(names: list[str]) -> dict[str, str]:
    """Names that sort in time, as the names themselves tell it; empty where they do not."""
    if are_periods(names):
        return {name: name for name in names}
    plain = {name: _plain(name) for name in names}
    for way in (_calendar, _fiscal):
        read = {name: way(words) for name, words in plain.items()}
        if all(read.values()) and len(set(read.values())) == len(read):
            return read
    # Names that begin with a number are in its order, unless that is a quarter before a year.
    leading = [m for name in names if (m := re.match(r"\d+(?=\D*$)|\d\d(?= )", name))]
    if len({int(m[0]) for m in leading}) == len(names):
        wide = max(len(m[0]) for m in leading)
        return {name: re.sub(r"^\d+", lambda m: m[0].zfill(wide), name) for name in names}
    if len({re.sub(r"\d+", "#", words) for words in plain.values()}) > 1:
        return {}
    places = list(zip(*(re.findall(r"\d+", words) for words in plain.values()), strict=True))
    vary = [k for k, numbers in enumerate(places) if len(set(map(int, numbers))) > 1]
    year_first = all(re.match(r"(19|20)\d\d(?!\d)", words) for words in plain.values())
    if not vary or len(vary) > 1 + year_first:
        return {}
    widths = [max(len(str(int(n))) for n in numbers) for numbers in places]
    return {name: _filled_up(_with_digits(name), widths) for name in names}


def _filled_up(name: str, wide: list[int]) -> str:
    """The numbers of a name with zeros in front, each to its width."""
    width = iter(wide)
    return re.sub(r"\d+", lambda m: str(int(m[0])).zfill(next(width)), name)


def _plain(name: str) -> str:
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", _with_digits(name))).strip().casefold()


def _with_digits(name: str) -> str:
    """Chinese numbers up to 99 after 第 in digits: 第十期 is 第10期."""

    def digits(found: re.Match[str]) -> str:
        tens, ten, ones = found[2].rpartition("十")
        if not ten:
            return found[1] + "".join(map(_HAN.__getitem__, ones))
        return found[1] + str(10 * int(_HAN.get(tens, "1")) + int(_HAN.get(ones, "0")))

    return re.sub(
        r"(第)([一二三四五六七八九]?十[一二三四五六七八九]?|[一二三四五六七八九])", digits, name
    )


def _calendar(words: str) -> str:
    """The year, half-year, quarter, month or week that a name says; "" where it says none."""
    if re.fullmatch(PERIOD, words.upper()):
        return words.upper()
    if re.fullmatch(r"(19|20)\d\d(0[1-9]|1[0-2])", words):
        return f"{words[:4]}-{words[4:]}"
    years = re.findall(_YEAR, words)
    rest = re.sub(_YEAR, " ", words)
    if not years and (short := re.search(_SHORT_YEAR, words)):
        years, rest = [f"20{short[1]}"], words[: short.start()]
        if not re.search(r"[^\d\W]", rest):  # 3/25 may be a day
            return ""
    if len(years) != 1:
        return ""
    part = _part(rest)
    return years[0] + part if part is not None else ""


def _fiscal(words: str) -> str:
    """A fiscal year and its part: Q1 FY25 is FY2025-Q1."""
    years = list(re.finditer(_FISCAL, words))
    if len(years) != 1:
        return ""
    part = _part(re.sub(_FISCAL, " ", words))
    year = years[0][2] or years[0][1] or years[0][3]
    return f"FY{year if len(year) == 4 else '20' + year}{part}" if part is not None else ""


def _part(rest: str) -> str | None:
    """-Q1, -H1, -01 or -W07 of what stands beside a year; "" where that is all, None in doubt."""
    rest = re.sub(r"\b(of|de|del|di|do|da|du)\b", " ", rest)
    rest = re.sub(r"\s+", " ", rest).strip(" -–_/.,:'()")
    if not rest:
        return ""
    if (month := _month_names().get(rest)) is not None:
        return f"-{month:02}"
    for pattern, form in _PARTS:
        if found := re.fullmatch(pattern, rest):
            number = {"上": 1, "下": 2}.get(found[1]) or int(found[1])
            return f"-{form.format(number)}" if 1 <= number <= _MOST[form] else None
    return None


@cache
def _month_names() -> dict[str, int]:
    """Names of months as `dates` reads them, and of languages in which only months are named."""
    from babel.dates import get_month_names

    names = dict(months())
    for language in ("nl", "pl", "ru", "tr", "sv", "da", "nb", "fi", "cs", "el", "vi"):
        for context in ("format", "stand-alone"):
            for width in ("abbreviated", "wide"):
                found = get_month_names(width, context, locale=language)
                for month, name in found.items():
                    names.setdefault(name.strip(".").casefold(), month)
    return names


def _by_date(waves: pd.Series, at: pd.Series | None) -> pd.DataFrame | None:
    """The quartiles of the dates of each wave; None where one has no date."""
    if at is None:
        return None
    days = at.groupby(waves)
    found = pd.DataFrame(
        {
            "early": days.quantile(0.25),
            "middle": days.quantile(0.5),
            "late": days.quantile(0.75),
        }
    )
    whole = len(found) == waves.nunique() and found["middle"].notna().all()
    return found if whole else None


def _overlap(order: Iterable[str], dated: pd.DataFrame) -> bool:
    """Whether waves lie so far over each other in time that dates do not tell their order."""
    in_turn = dated.loc[list(order)]
    return bool((in_turn["early"] < in_turn["late"].shift()).any())


def _goes_back(order: list[str], dated: pd.DataFrame) -> bool:
    """Whether most answers of a wave came before most of one that its name puts ahead of it."""
    in_turn = dated.loc[order]
    return bool((in_turn["late"] < in_turn["early"].cummax().shift()).any())


def _numbered(order: Iterable[str]) -> dict[str, str]:
    return {name: f"{k:02} {name}" for k, name in enumerate(order, 1)}


def are_periods(names: Iterable[object]) -> bool:
    """Whether all names are years, half-years, quarters, months, weeks or days in ISO form.

    Examples
    --------
    >>> are_periods(["2026-Q1", "2026-Q2", None]), are_periods(["Wave 1"])
    (True, False)
    """
    there = {str(name) for name in names if pd.notna(name)}
    return all(re.fullmatch(PERIOD, name) for name in there)


def without_place(name: str) -> str:
    """A name of a wave without the place that `in_order` put in front of it.

    Examples
    --------
    >>> without_place("01 before"), without_place("2026-Q1")
    ('before', '2026-Q1')
    """
    return re.sub(r"^\d\d+ (?=\S)", "", name)


def _note(names: dict[str, str], how: str = "") -> str:
    changed = {name: new for name, new in names.items() if name != new}
    if not changed:
        return ""
    shown = ", ".join(f"{old!r} is {new!r}" for old, new in list(changed.items())[:SHOWN])
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    return f"{shown}{more}, so that waves sort in time{', ' * bool(how)}{how}."


def _shown(names: list[str]) -> list[str]:
    more = [f"{len(names) - SHOWN} more"] * (len(names) > SHOWN)
    return [*map(repr, names[:SHOWN]), *more]
