"""Periods in time, such as survey waves: where they lie, and which are missing between them.

    places(["2019", "2021", "2022"])            # 0, 2, 3: a year is missing
    missing(["2025-Q3", "2026-Q1"] ...)         # where most waves are a quarter apart: 2025-Q4
    with_gaps(table, "wave")                    # a row without numbers for each missing wave

Understood are years, half-years (2026-H1), quarters, months and weeks. Anything else, days among
it, is taken to be in order and complete.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core.i18n import N_, _, label

MOST = 200  # missing periods that are still listed; a series with more is taken as it is


def _week(year: int, week: int) -> int:
    return dt.date.fromisocalendar(year, week, 1).toordinal() // 7


def _week_name(place: int) -> str:
    year, week, _day = dt.date.fromordinal(place * 7 + 1).isocalendar()
    return f"{year}-W{week:02}"


def _parted(form: str, parts: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """How a part of a year becomes a whole number and back."""
    return (
        lambda year, part: year * parts + part - 1,
        lambda place: form.format(place // parts, place % parts + 1),
    )


_KINDS: tuple[tuple[str, Callable[[int, int], int], Callable[[int], str]], ...] = (
    (r"(\d{4})()", lambda year, _part: year, str),
    (r"(\d{4})-H([12])", *_parted("{}-H{}", 2)),
    (r"(\d{4})-Q([1-4])", *_parted("{}-Q{}", 4)),
    (r"(\d{4})-(0[1-9]|1[0-2])", *_parted("{}-{:02}", 12)),
    (r"(\d{4})-W(0[1-9]|[1-4]\d|5[0-3])", _week, _week_name),
)


def _numbered(periods: Iterable[object]) -> tuple[np.ndarray, Callable[[int], str]] | None:
    """Periods as whole numbers, and how to name one; None where they are not of one kind."""
    names = list(map(str, periods))
    for pattern, number, name in _KINDS:
        found = [re.fullmatch(pattern, n) for n in names]
        if names and all(found):
            parts = [(int(m[1]), int(m[2] or 0)) for m in found if m]
            try:
                return np.array([number(*p) for p in parts]), name
            except ValueError:  # a year without week 53
                return None
    return None


def places(periods: Sequence[object]) -> np.ndarray:
    """Where periods, in order, lie in time: whole numbers from 0, by the finest step among them.

    Examples
    --------
    >>> places(["2019", "2021", "2022"]).tolist(), places(["before", "after"]).tolist()
    ([0, 2, 3], [0, 1])
    """
    numbered = _numbered(periods)
    if numbered is None or len(numbered[0]) < 2 or (np.diff(numbered[0]) <= 0).any():
        return np.arange(len(periods))
    away = numbered[0] - numbered[0][0]
    return away // np.gcd.reduce(away)


_BEFORE = (
    N_("the year before"),
    N_("the half-year before"),
    N_("the quarter before"),
    N_("the month before"),
    N_("the week before"),
)


def before(period: object, earlier: object) -> str:
    """What readers call `earlier` beside `period`: "the quarter before", else its own name.

    Examples
    --------
    >>> before("2026-Q1", "2025-Q4"), before("2018", "2016"), before("b", "a")
    ('the quarter before', '2016', 'a')
    """
    names = str(earlier), str(period)
    for (pattern, number, _name), phrase in zip(_KINDS, _BEFORE, strict=True):
        found = [re.fullmatch(pattern, n) for n in names]
        if all(found):
            first, then = (number(int(m[1]), int(m[2] or 0)) for m in found if m)
            return _(phrase) if then - first == 1 else label(names[0])
    return label(names[0])


def year_before(period: object) -> str:
    """The same half-year, quarter, month or week of the year before; "" where there is none.

    Examples
    --------
    >>> year_before("2026-Q3"), year_before("2018"), year_before("after")
    ('2025-Q3', '', '')
    """
    name = str(period)
    parted = any(re.fullmatch(pattern, name) for pattern, _number, _name in _KINDS[1:])
    return f"{int(name[:4]) - 1}{name[4:]}" if parted else ""


def following(periods: Sequence[object], count: int) -> list[str]:
    """The periods after the last, at the step that most of them are apart; "+1", "+2" if unknown.

    Examples
    --------
    >>> following(["2025-Q3", "2025-Q4", "2026-Q1"], 2), following(["before", "after"], 2)
    (['2026-Q2', '2026-Q3'], ['+1', '+2'])
    """
    numbered = _numbered(periods)
    if numbered is None or len(numbered[0]) < 2 or (np.diff(numbered[0]) <= 0).any():
        return [f"+{k + 1}" for k in range(count)]
    step = usual_step(numbered[0])
    return [numbered[1](int(numbered[0][-1]) + step * (k + 1)) for k in range(count)]


def usual_step(places: np.ndarray) -> int:
    """The step that most places are apart, the shorter of two such."""
    steps, times = np.unique(np.diff(places), return_counts=True)
    return int(steps[times.argmax()])


def in_a_year(periods: Sequence[object]) -> int:
    """How many of `places` make a year: 4 for quarters, 12 for months; 0 where it is not whole.

    Examples
    --------
    >>> in_a_year(["2025-Q3", "2025-Q4"]), in_a_year(["2025-01", "2025-04", "2025-10"])
    (4, 4)
    >>> in_a_year(["2024", "2025"]), in_a_year(["before", "after"])
    (0, 0)
    """
    numbered = _numbered(periods)
    if numbered is None or len(numbered[0]) < 2:
        return 0
    parts = {pattern: n for (pattern, *_), n in zip(_KINDS, (1, 2, 4, 12, 0), strict=True)}
    kind = next(n for pattern, n in parts.items() if re.fullmatch(pattern, str(periods[0])))
    apart = int(np.gcd.reduce(np.diff(numbered[0])))
    return kind // apart if kind > apart and kind % apart == 0 else 0


def missing(periods: Iterable[object]) -> list[str]:
    """The periods between the first and the last that one would expect and that are not there.

    Expected is one at each step that most of the periods are apart, the shorter of two such.

    Examples
    --------
    >>> missing(["2018", "2020", "2022", "2026"])
    ['2024']
    >>> missing(["2025-Q3", "2025-Q4", "2026-Q2"]), missing(["2026-03", "2026-Q2"])
    (['2026-Q1'], [])
    """
    numbered = _numbered(dict.fromkeys(map(str, periods)))
    if numbered is None or len(numbered[0]) < 3:
        return []
    there = np.sort(numbered[0])
    step = usual_step(there)
    gaps = zip(there[:-1].tolist(), there[1:].tolist(), strict=True)
    expected = [k for first, last in gaps for k in range(first + step, last, step)]
    return [numbered[1](k) for k in expected] if len(expected) <= MOST else []


def complete(periods: Iterable[object]) -> list[object]:
    """The periods with the missing ones at their places.

    Examples
    --------
    >>> complete(["2019", "2020", "2022"])
    ['2019', '2020', '2021', '2022']
    """
    there = list(dict.fromkeys(periods))
    return sorted([*there, *missing(there)], key=str) if _numbered(there) else there


def with_gaps(table: pd.DataFrame, over: str, line: str = "") -> pd.DataFrame:
    """The rows with one without numbers for each missing period (of each line), so that it shows.

    Parameters
    ----------
    table : rows in order of `over`
    over : column of the periods
    line : column that tells series apart; a series lacks what lies between its first and its last
        period and others have

    Examples
    --------
    >>> table = pd.DataFrame({"wave": ["2019", "2020", "2022"], "estimate": [1.0, 2.0, 3.0]})
    >>> with_gaps(table, "wave")["estimate"].tolist()
    [1.0, 2.0, nan, 3.0]
    """
    order = complete(table[over])
    rank = {period: k for k, period in enumerate(order)}
    parts = []
    for name, part in table.groupby(line, sort=False) if line else [("", table)]:
        rows, own = part, part[over].map(rank)
        between = range(int(own.min()), int(own.max()) + 1) if len(own) else range(0)
        if gaps := [order[k] for k in between if k not in set(own)]:
            blank = pd.DataFrame({over: gaps} | ({line: name} if line else {}))
            rows = pd.concat([rows, blank], ignore_index=True)
            rows = rows.sort_values(over, key=lambda c: c.map(rank), kind="stable")
        parts.append(rows)
    return pd.concat(parts, ignore_index=True) if parts else table


def day_after(period: object) -> pd.Timestamp:
    """The first day after a period; missing where it is no year, half-year, quarter, month or week.

    Examples
    --------
    >>> [f"{day_after(p):%Y-%m-%d}" for p in ("2025", "2025-H1", "2025-Q4", "2026-02", "2026-W01")]
    ['2026-01-01', '2025-07-01', '2026-01-01', '2026-03-01', '2026-01-05']
    >>> day_after("before the change")
    NaT
    """
    numbered = _numbered([period])
    if numbered is None:
        return pd.NaT
    [place], name = numbered
    following = name(int(place) + 1)
    year, _dash, part = following.partition("-")
    if part.startswith("W"):
        return pd.Timestamp(dt.date.fromisocalendar(int(year), int(part[1:]), 1))
    months = {"H": 6, "Q": 3}.get(part[:1], 1)
    month = 1 + months * (int(part.lstrip("HQ")) - 1) if part else 1
    return pd.Timestamp(int(year), month, 1)
