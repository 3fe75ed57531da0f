"""Columns of text become dates and times; the column decides which is day and month.

done = date(pd.Series(["13/1/2024 2:05 pm", "1/2/2024"]))
done.values     # 2024-01-13 14:05, 2024-02-01
done.evidence   # "day first": there is no month 13
date(pd.Series(["1/2/2024"])).question     # 1 February or 2 January?

Times with an offset from UTC are kept as they are written, so that an order of 1 January stays one,
and the offsets are counted (`mixed` says whether they differ); or they are converted to one zone.
Read without being asked for are ISO forms, 2024/3/1, 2024年3月1日, 1.3.2024, 1-Mar-2024,
Mar 1, 2024 (months in six languages), with times such as 14:05, 2:05:00 PM or 6:30:32 pm GMT+5:30.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from cxlib.data.intake.cells import (
    Converted,
    Question,
    examples,
    given,
    iso,
    iso_day,
    of_type,
    plain_letters,
    without_digits,
)
from cxlib.data.intake.reasons import Reason

DAY, MONTH, YEAR = "day first", "month first", "year first"
ISO = "ISO dates"
EXCEL, SECONDS, MILLISECONDS = "excel days", "unix seconds", "unix milliseconds"
COUNTS = {  # forms that are counts: unit, day that they begin at, range in which they are likely
    EXCEL: ("D", "1899-12-30", (20_000, 80_000)),
    SECONDS: ("s", "1970-01-01", (5e8, 4e9)),
    MILLISECONDS: ("ms", "1970-01-01", (5e11, 4e12)),
}
NEVER = ("9999-12-31", "2999-12-31", "1900-01-01", "1899-12-30", "1899-12-31", "0001-01-01")
SLIPS = 0.02  # share of decisive cells that may speak for the other order of day and month
OFFSETS = {  # names of zones: minutes from UTC
    **dict.fromkeys(("Z", "UTC", "GMT", "WET"), 0),
    **{"WEST": 60, "CET": 60, "BST": 60, "CEST": 120, "EET": 120, "EEST": 180, "IST": 330},
    **{"JST": 540, "AEST": 600, "AEDT": 660, "EST": -300, "EDT": -240, "CST": -360, "CDT": -300},
    **{"MST": -420, "MDT": -360, "PST": -480, "PDT": -420},
}
_ZONES = "|".join(sorted(OFFSETS, key=len, reverse=True))
_ZONE = (
    r"(?P<time>\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:\s*[AaPp]\.?[Mm]\.?)?)\s*"
    rf"(?P<zone>(?:UTC|GMT)?[+-]\d{{1,2}}(?::?\d\d)?|(?:{_ZONES}))(?:\s*\([^)]*\))?$"
)
_CELL = (
    r"^(?:[A-Za-z]{2,9}\.?,?\s+(?=\d|[A-Za-z]{3,10}\.? \d))?"  # the day of the week
    r"(?:(?P<y1>\d{4})[-/.年](?P<m1>\d{1,2})[-/.月](?P<d1>\d{1,2})日?"
    r"|(?P<a>\d{1,2})(?P<sep>[-/. ])(?P<b>\d{1,2})(?P=sep)(?P<c>\d{4}|\d{2})"
    r"|(?P<d3>\d{1,2})\.?(?:[-/ ]|\s*de\s+)(?P<m3>[^\W\d_]{3,10})\.?,?"
    r"(?:[-/ ]|\s*de\s+)(?P<y3>\d{4}|\d{2})"
    r"|(?P<m4>[^\W\d_]{3,10})\.? (?P<d4>\d{1,2})(?:st|nd|rd|th)?,? (?P<y4>\d{4}))"
    r"(?:[T,\s]+(?:at )?(?:(?P<cn>上午|下午)\s*)?(?P<hour>\d{1,2})[:时](?P<minute>\d{2})分?"
    r"(?::?(?P<second>\d{2}(?:[.,]\d+)?)秒?)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?$"
)


def date(values: pd.Series, form: str | Sequence[str] = "", zone: str = "") -> Converted:
    """Dates and times, without zones.

    Parameters
    ----------
    values : the cells of one column
    form : as in `strptime`, or "day first", "month first", "year first", "excel days", "unix
        seconds", "unix milliseconds"; of several the first that fits is taken. Found out when empty
    zone : to which times with an offset from UTC are converted, as Europe/Berlin; the others are
        of it already. Without it all are kept as written

    Examples
    --------
    >>> date(pd.Series(["2026-07-01T22:30:00Z"]), zone="Europe/Berlin").values.tolist()
    [Timestamp('2026-07-02 00:30:00')]
    >>> date(pd.Series(["2024/03/01 6:30:32 pm GMT+5:30"])).values.tolist()
    [Timestamp('2024-03-01 18:30:32')]
    """
    forms = tuple(f for f in ([form] if isinstance(form, str) else form) if f)
    if pd.api.types.is_datetime64_any_dtype(values):
        return _of_times(values, zone)
    words, notes = given(values)
    if not forms and not (at := _iso(words)).hasnans and words.notna().all():
        done = _without_never(at, _none(values), None, notes, words)
        return replace(done, offsets=_of_no_zone(at))
    codes, unique = pd.factorize(words)
    cells = pd.Series(unique, dtype="string")
    n = np.bincount(codes[codes >= 0], minlength=len(cells))
    ready = of_type(values, (dt.date, pd.Timestamp, np.datetime64)).to_numpy()
    of_excel = np.zeros(len(cells), bool)
    of_excel[codes[ready]] = True
    at, evidence, question, said, offsets = _read(cells, n, of_excel, forms, zone)
    taken = pd.Series(
        np.append(at.to_numpy(), np.datetime64("NaT", "us"))[codes], index=values.index
    )
    taken = taken.astype("datetime64[us]")
    exact = [f for f in forms if "%" in f]
    reason = Reason("not_date", {"form": ", ".join(exact)}) if exact else Reason("not_iso_date")
    bad = words.notna() & taken.isna()
    done = _without_never(taken, bad, reason, (*notes, *said), words, (evidence, question))
    return replace(done, offsets=offsets)


def mixed(offsets: Mapping[str, Mapping[str, int]]) -> list[str]:
    """The offsets from UTC of the columns of a table, where they are not one and the same.

    Examples
    --------
    >>> mixed({"opened_at": {"+00:00": 400}, "solved_at": {"+08:00": 390, "": 10}})
    ['opened_at +00:00 (400)', 'solved_at +08:00 (390)', 'solved_at – (10)']
    >>> mixed({"opened_at": {"+08:00": 400}, "solved_at": {"+08:00": 400}})
    []
    """
    if len({offset for counts in offsets.values() for offset in counts}) < 2:
        return []
    return [
        f"{column} {offset or '–'} ({n:,})"
        for column, counts in offsets.items()
        for offset, n in counts.items()
    ]


def _of_times(values: pd.Series, zone: str) -> Converted:
    """A column of times, which may be of a zone."""
    own = getattr(values.dtype, "tz", None)
    if own is None:
        done = _without_never(values.astype("datetime64[us]"), _none(values), None, ())
        return replace(done, offsets=_of_no_zone(done.values))
    local = values.dt.tz_convert(zone) if zone else values
    said = f"times are converted from {own} to {zone}." if zone else f"times are those of {own}."
    done = _without_never(
        local.dt.tz_localize(None).astype("datetime64[us]"), _none(values), None, (said,)
    )
    written = values.dt.tz_localize(None) - values.dt.tz_convert("UTC").dt.tz_localize(None)
    sizes = written[done.values.notna()].value_counts()
    return replace(done, offsets={_offset(o): int(size) for o, size in sizes.items()})


def _of_no_zone(at: pd.Series) -> dict[str, int]:
    """How many times have no offset: none where all are days."""
    there = at.dropna()
    return {"": len(there)} if (there != there.dt.normalize()).any() else {}


def _read(
    cells: pd.Series, n: np.ndarray, of_excel: np.ndarray, forms: tuple[str, ...], zone: str
) -> tuple[pd.Series, str, Question | None, list[str], dict[str, int]]:
    """Different cells as dates; what they prove of day and month, a question, notes, offsets."""
    plain, zones = _zones(cells)
    at = pd.Series(pd.NaT, index=cells.index, dtype="datetime64[us]")
    at = at.mask(of_excel, _iso(plain))
    exact = [f for f in forms if "%" in f]
    for form in exact:
        at = at.fillna(_strptime(plain, form))
    if exact and len(exact) == len(forms):
        at, said, offsets = _in_zone(at, plain, zones, n, zone)
        return at, "", None, said, offsets
    used: dict[str, np.ndarray] = {}

    def take(name: str, found: pd.Series) -> None:
        nonlocal at
        new = (at.isna() & found.notna()).to_numpy()
        if new.any():
            used[name], at = new | used.get(name, False), at.fillna(found)

    counts = [f for f in forms if f in COUNTS]
    if not counts:
        take(ISO, _iso(plain))
    rest, evidence, question = plain[at.isna() & plain.notna()], "", None
    if not without_digits(rest):
        parts = _parts(rest)
        take("year-month-day", _assembled(parts, "y1", "m1", "d1"))
        take("day month-name year", _assembled(parts, "y3", "m3", "d3"))
        take("month-name day year", _assembled(parts, "y4", "m4", "d4"))
        orders, evidence, question = _order(parts, cells, n, forms)
        for order in orders:
            take(order, _ordered(parts, order))
    size = pd.to_numeric(plain, errors="coerce").astype("float64")
    for name in counts or ([EXCEL] if used or of_excel.any() else []):
        unit, origin, (low, high) = COUNTS[name]
        likely = size.between(low, high) if not counts else size.notna()
        with_origin = pd.to_datetime(size.where(likely), unit=unit, origin=origin, errors="coerce")
        take(name, with_origin.dt.round("s").astype("datetime64[us]"))
    if not question and not forms:
        question = _counts(cells.mask(at.notna()), size, n)
    for name in used.keys() & {SECONDS, MILLISECONDS}:  # they count from 1970 in UTC
        zones = zones.mask(used[name], "UTC")
    at, said, offsets = _in_zone(at, plain, zones, n, zone)
    return at, evidence, question, [*_form_notes(used, cells, n), *said], offsets


# Forms


def _zones(cells: pd.Series) -> tuple[pd.Series, pd.Series]:
    """The cells without their zones, in plain letters, and the zones."""
    plain, zones = plain_letters(cells), pd.Series(None, index=cells.index, dtype=object)
    has = plain.str.contains(r":.*[Z+)-]|:.*[A-Z]{3}", regex=True).fillna(False).astype(bool)
    if has.any():
        found = plain[has].str.extract(_ZONE)
        zones[has] = found["zone"].astype(object)
        plain = plain.mask(has, plain[has].str.replace(_ZONE, r"\g<time>", regex=True))
    return plain, zones


def _iso(cells: pd.Series) -> pd.Series:
    """ISO forms without a zone; missing where a cell has another."""
    try:
        at = pd.to_datetime(cells, format="ISO8601", errors="coerce")
    except ValueError:  # several zones
        at = pd.Series(pd.NaT, index=cells.index)
    if getattr(at.dtype, "tz", None) or at.dtype == object:
        at = pd.Series(pd.NaT, index=cells.index)
    return at.astype("datetime64[us]")


def _strptime(cells: pd.Series, form: str) -> pd.Series:
    form = form.replace("%z", "").replace("%Z", "").strip()
    return pd.to_datetime(cells, format=form, errors="coerce").astype("datetime64[us]")


def _parts(cells: pd.Series) -> pd.DataFrame:
    """The numbers in each cell by their place, its separator, and its time of day (`time`)."""
    found = cells.str.extract(_CELL)
    for name in ("m3", "m4"):
        found[name] = found[name].str.casefold().map(months())
    numbers = found.columns.difference(["sep", "cn", "half"])
    parts = found[numbers].apply(
        lambda s: pd.to_numeric(s.str.replace(",", ".") if s.name == "second" else s)
    )
    parts = parts.astype("float64")
    half = found["half"].str[0].str.casefold()
    half = half.fillna(found["cn"].map({"上午": "a", "下午": "p"}))
    hour, minute, second = (parts[p].fillna(0) for p in ("hour", "minute", "second"))
    twelve = half.notna().to_numpy(bool)
    wrong = (twelve & ~hour.between(1, 12)) | (hour > 23) | (minute > 59) | (second >= 60)
    hour = hour.mask(twelve, hour % 12) + 12 * (half == "p").fillna(False).astype(float)
    seconds = (hour * 3600 + minute * 60 + second).mask(wrong)
    time = pd.to_timedelta(seconds, unit="s").dt.round("us")
    return parts.assign(sep=found["sep"], short=found["c"].str.len() == 2, time=time)


def _assembled(parts: pd.DataFrame, year: str, month: str, day: str) -> pd.Series:
    """Dates of the numbers in these places, with the time of day; missing where there is none."""
    y, there = parts[year], parts[[year, month, day]].notna().all(axis=1)
    if not there.any():
        return pd.Series(pd.NaT, index=parts.index, dtype="datetime64[us]")
    y = y + 100 * ((y < 70) * 20 + ((y >= 70) & (y < 100)) * 19)
    frame = pd.DataFrame({"year": y, "month": parts[month], "day": parts[day]})[there]
    at = pd.to_datetime(frame.astype("int64"), errors="coerce").astype("datetime64[us]")
    return (at.reindex(parts.index) + parts["time"]).astype("datetime64[us]")


@cache
def months() -> dict[str, int]:
    """Names of months, short and long, in the languages that write dates in Latin letters."""
    from babel.dates import get_month_names

    names = {"sept": 9, "mrz": 3}
    for language in ("en", "de", "fr", "es", "pt", "it"):
        for width in ("abbreviated", "wide"):
            for month, name in get_month_names(width, locale=language).items():
                names.setdefault(name.strip(".").casefold(), month)
    return names


# Day or month first


def _ordered(parts: pd.DataFrame, order: str) -> pd.Series:
    at = _assembled(parts, *{DAY: "cba", MONTH: "cab", YEAR: "abc"}[order])
    return at.where(parts["short"].fillna(False).astype(bool)) if order == YEAR else at


def _order(
    parts: pd.DataFrame, cells: pd.Series, n: np.ndarray, forms: tuple[str, ...]
) -> tuple[list[str], str, Question | None]:
    """The orders to read 1/3/2024 in; the one that the column proves; a question if it proves none.

    Points between day and month are those of countries that put the day first.
    """
    if named := [f for f in forms if f in (DAY, MONTH, YEAR)]:
        return named, "", None
    some = parts["a"].notna()
    if not some.any():
        return [], "", None
    some_parts = parts[some]
    read = pd.DataFrame({order: _ordered(some_parts, order) for order in (DAY, MONTH, YEAR)})
    if parts["a"].nunique() >= parts["c"].nunique():  # the year is the part that changes least
        read[YEAR] = pd.NaT
    fits, size = read.notna(), pd.Series(n, index=cells.index)[read.index]
    alone = fits.sum(axis=1) == 1
    votes = pd.Series({o: int(size[alone & fits[o]].sum()) for o in read})
    votes = votes.sort_values(ascending=False, kind="stable")
    if votes.iloc[0] and votes.iloc[1] <= SLIPS * votes.iloc[0]:
        return [str(votes.index[0])], str(votes.index[0]), None
    if not votes.iloc[0] and (parts.loc[some, "sep"] == ".").all():
        return [DAY], DAY, None
    same = (read[DAY] == read[MONTH]) & ~fits[YEAR]
    differ = fits.sum(axis=1).gt(1) & ~same
    if not differ.any():
        return [DAY, MONTH], "", None
    answers = [o for o in read if fits.loc[differ, o].all()] if not votes.iloc[0] else [DAY, MONTH]
    shown = read[differ].head(3)
    readings = [" and ".join(iso_day(d) for d in shown[o].dropna()) for o in answers]
    values = examples(cells[shown.index])
    n_differ = int(size[differ].sum())
    question = Question("dates", tuple(answers), values, tuple(readings), n_differ)
    return [DAY, MONTH], "", question


def _counts(cells: pd.Series, size: pd.Series, n: np.ndarray) -> Question | None:
    """Asks what numbers count that could be dates: days of Excel or seconds since 1970."""
    left = cells.notna()
    for name, (unit, origin, likely) in COUNTS.items():
        some = left & size.between(*likely)
        if some.sum() > left.sum() / 2:
            shown = cells[some].head(3)
            at = pd.to_datetime(size[shown.index], unit=unit, origin=origin)
            reading = " and ".join(f"{d:%Y-%m-%d %H:%M}" for d in at)
            return Question("dates", (name,), examples(shown), (reading,), int(n[some].sum()))
    return None


# Notes and values that stand for none


def _form_notes(used: dict[str, np.ndarray], cells: pd.Series, n: np.ndarray) -> Iterator[str]:
    """How many cells have which form, where they are not simply ISO."""
    if set(used) <= {ISO}:
        return
    parts = [
        f"{int(n[which].sum()):,} as {name} ({cells[which].iloc[0]!r})"
        for name, which in used.items()
    ]
    yield f"dates read: {'; '.join(parts)}."


def _in_zone(
    at: pd.Series, plain: pd.Series, zones: pd.Series, n: np.ndarray, zone: str
) -> tuple[pd.Series, list[str], dict[str, int]]:
    """The times, those with an offset in `zone` where it is given; notes; offsets with counts."""
    likely = at.between("1902", "2100")  # a day that stands for never is no time
    timed = likely & plain.str.contains("[:时]", regex=True).fillna(False).astype(bool)
    zones = zones.where(likely)
    if not zones.notna().any():
        without = int(n[timed].sum())
        days = (at[timed] == at[timed].dt.normalize()).all()
        return at, [], {"": without} if without and not days else {}
    minutes = {name: _minutes(name, zone) for name in zones.dropna().unique()}
    offset = pd.to_timedelta(zones.map(minutes).astype("float64"), unit="min")
    named = offset.map(_offset, na_action="ignore").astype(object).mask(timed & offset.isna(), "")
    counts = pd.Series(n).groupby(named).sum().sort_values(ascending=False, kind="stable")
    sizes = pd.Series(n).groupby(zones.fillna("none")).sum().sort_values(ascending=False)
    shown = ", ".join(f"{name} ({size:,})" for name, size in sizes.head(6).items())
    said = f"times are kept as written, in their own zone: {shown}."
    if zone:
        moments = (at - offset)[offset.notna()].dt.tz_localize("UTC").dt.tz_convert(zone)
        local = moments.dt.tz_localize(None).astype("datetime64[us]")
        at, said = local.reindex(at.index).fillna(at), f"times are converted to {zone}: {shown}."
    return at, [said], {str(o): int(size) for o, size in counts.items()}


def _minutes(written: str, zone: str) -> int:
    """The offset from UTC of a time: +05:30 is 330; of CST where `zone` has a CST, that one."""
    if found := re.fullmatch(r"(?:UTC|GMT)?([+-])(\d{1,2})(?::?(\d\d))?", written):
        size = 60 * int(found[2]) + int(found[3] or 0)
        return -size if found[1] == "-" else size
    for month in (1, 7) if zone else ():
        moment = dt.datetime(2026, month, 1, tzinfo=ZoneInfo(zone))
        if moment.tzname() == written and (offset := moment.utcoffset()) is not None:
            return int(offset.total_seconds() // 60)
    return OFFSETS[written]


def _offset(size: pd.Timedelta) -> str:
    minutes = int(size.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def _without_never(
    at: pd.Series,
    bad: pd.Series,
    reason: Reason | None,
    notes: tuple[str, ...],
    words: pd.Series | None = None,
    decided: tuple[str, Question | None] = ("", None),
) -> Converted:
    """9999-12-31 and the like say that something never happened: missing."""
    never = at.dt.normalize().isin(pd.to_datetime(pd.Series(NEVER)).astype("datetime64[us]"))
    if words is not None:
        zero = words.str.match(r"0000[-/]00[-/]00").fillna(False).astype(bool)
        never, bad = never | zero, bad & ~zero
    odd = None
    if never.any():
        shown = words[never] if words is not None else iso(at[never], "D")
        odd = int(never.sum()), Reason("never_dates", {"words": list(map(repr, examples(shown)))})
    return Converted(at.mask(never), bad, reason, notes, *decided, odd)


def _none(values: pd.Series) -> pd.Series:
    return pd.Series(False, index=values.index)
