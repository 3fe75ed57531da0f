"""Columns whose name speaks of a date or a rating while some of their cells are neither.

Such a column would become a group without a word. It is asked about, with the cells in question.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from cxlib.data import contract
from cxlib.data.intake import conversion
from cxlib.data.intake.drafts import scales, special
from cxlib.data.intake.drafts.looking import Column, slug
from cxlib.data.intake.drafts.matching import ENOUGH_DATES
from cxlib.data.intake.drafts.parts import ROW, TableOf
from cxlib.data.intake.drafts.personal import personal
from cxlib.data.intake.drafts.questions import asks, scale_stated
from cxlib.data.intake.layout import DATE
from cxlib.data.intake.profiles.recognition import plain

DATED = re.compile(
    r"(^|_)(date|datum|fecha|datetime|timestamp|zeitstempel|horodateur)(_|$)"
    r"|日期|日時|日付|回答日|注文日|时间戳|タイムスタンプ|(^|_)tarihi?(_|$)"
)
ERA = re.compile(
    r"(?:[MTSHR]|明治|大正|昭和|平成|令和)\s?(?:\d{1,2}|元)[./年-]\d{1,2}.*"
)  # Japanese
COMPACT = re.compile(r"(19|20)\d{6}")
NUMBER = re.compile(r"\d{1,2}(?:[.,]\d+)?")
SHOWN, MOST = 3, 12  # cells, and different answers, that a question names
HALF = 0.5  # of the answers that are on a scale, from which a column is one of ratings


def dates(parts: Sequence[TableOf]) -> Iterator[str]:
    """Date columns of which many cells are no date, and further columns that are called a date."""
    told = set[tuple[str, str]]()
    for part in parts:
        kinds = {c.name: c.kind for c in contract.TABLES[part.table].columns.values()}
        ours = {t: o for o, t in part.columns.items() if t != ROW}
        mapped = [t for t, o in ours.items() if kinds.get(o) == "date"]
        named = [c for c in part.free if c not in ours and DATED.search(slug(c))]
        for column in (part.seen.columns[c] for c in [*mapped, *named]):
            place = (part.seen.called, column.name)
            if column.dates >= ENOUGH_DATES or place in told or personal(column):
                continue
            if odd := _no_dates(column):
                told.add(place)
                said = f"{part.seen.called}: {column.name!r} is "
                where = ours.get(column.name)
                said += f"taken for {part.table}.{where}" if where else "called a date"
                said += f", but {_named(column, odd)} are no date"
                yield said + (
                    ", and read as empty. Correct them, or name the form with `dates`"
                    if where
                    else ": kept as a group. Correct them and map it, or leave it as it is"
                )


def _no_dates(column: Column) -> list[bool]:
    """Which of the filled cells are no dates; none where nothing looks like one."""
    words = column.words
    read = conversion.date(column.cells.loc[words.index])
    if read.question is not None:
        return []
    odd = read.values.isna()
    shaped = [bool(DATE.fullmatch(w) or COMPACT.fullmatch(w) or ERA.match(w)) for w in words[odd]]
    return odd.tolist() if odd.any() and (any(shaped) or not odd.all()) else []


def rating(column: Column, of: Sequence[TableOf]) -> str:
    """What keeps a column from being rated whose name speaks of a rating, or of what gets rated."""
    ends = scale_stated(column)
    rated = ends or asks("rated").search(column.text) or asks("nps").search(column.text)
    if column.labels or not (rated or asks("things").search(column.text)):
        return ""
    places = {str(w): _place(str(w)) for w in column.counts.index}
    some = {w: p for w, p in places.items() if not scales.no_rating(w)}
    n = column.counts[list(some)]
    numbers = {w for w, p in some.items() if p == "number"}
    words = {w for w, p in some.items() if p == "word"}
    on = numbers if n[list(numbers)].sum() >= n[list(words)].sum() else words
    speaks = n[[w for w, p in some.items() if p]].sum()
    off = [w for w in some if w not in on]
    enough = len(on) > 2 if on is numbers else len(on) > 1
    answers = ", ".join(f"{w!r} ({k:,})" for w, k in column.counts.head(MOST).items())
    more = f" and {len(column.counts) - MOST:,} others" * (len(column.counts) > MOST)
    if ends and (off or numbers) and (not enough or speaks < HALF * n.sum()):
        return (
            f"{column.name!r} states a scale from {ends[0]} to {ends[1]}, on which most answers "
            f"are not: kept as a group. Answers: {answers}{more}. Name what they mean under "
            "`recode` and add it to `items`, or leave it as it is"
        )
    odd = off and enough and speaks >= HALF * n.sum()
    if odd and (rated or not any(_counts(w) for w in off)):  # days of delivery, prices: no codes
        return (
            f"{column.name!r} speaks of a rating, but {_cells(column.name, off, of)} are not on "
            f"the scale of the others: kept as a group, so that nothing is reported of it. "
            f"Answers: {answers}{more}. Correct them, or name what they mean under `recode` or "
            "`missing` and add it to `items`"
        )
    speaks_of = asks("satisfied").search(column.text) or asks("nps").search(column.text)
    numeric = column.not_numbers == 0
    if not speaks_of or asks("own_words").search(column.text):
        return ""
    if not numeric and not 2 <= len(some) <= MOST and column.not_numbers > HALF * n.sum():
        return ""
    advice = "Name what they mean under `recode` and add it to `items`"
    if numeric:
        advice = (
            f"Add it to `items` with the scale it was asked on, such as `scale: "
            f"[0, {100 if column.numbers.index.max() > 10 else 10}]`"
        )
    return (
        f"{column.name!r} speaks of satisfaction or recommendation, but its answers are on no "
        f"known scale: kept as a group, so that nothing is reported of it. Answers: "
        f"{answers}{more}. {advice}"
    )


def _place(word: str) -> str:
    """What an answer could be on a scale: a "number" from 0 to 10, a "word", "both", or nothing."""
    word = unicodedata.normalize("NFKC", word).strip()
    if NUMBER.fullmatch(word):
        x = float(word.replace(",", "."))
        return "number" if x <= 10 and x % 0.5 == 0 else ""
    if scales.is_step(word):
        return "word"
    return "both" if scales.is_numbered(word) else ""


def _counts(word: str) -> bool:
    """Whether an answer is a number that is none of the codes of no answer."""
    try:
        return float(word.replace(",", ".")) not in special.NO_ANSWER
    except ValueError:
        return False


def _cells(name: str, words: Iterable[str], of: Sequence[TableOf]) -> str:
    """How many cells of a column hold one of the words, and the first of them with their rows."""
    odd, shown, n = set(words), list[str](), 0
    for part in of:
        own = next((c for c in part.seen.columns if plain(c) == plain(name)), "")
        if not own:
            continue
        cells = part.seen.columns[own].words
        found = cells[cells.isin(odd)]
        n += len(found)
        first = found.drop_duplicates().head(SHOWN - len(shown))
        file = f" of {part.seen.called}" * (len(of) > 1)
        shown += [f"{w!r} in row {row}{file}" for row, w in first.items()]
    return f"{n:,} cell(s), such as {', '.join(shown)},"


def _named(column: Column, odd: list[bool]) -> str:
    """How many of the filled cells are meant, and the first of them with their rows."""
    words = column.words
    found = words[odd]
    shown = ", ".join(f"{w!r} in row {r}" for r, w in found.drop_duplicates().head(SHOWN).items())
    return f"{len(found):,} of {len(words):,} cells, such as {shown},"
