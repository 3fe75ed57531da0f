"""Cells of a file as text, and what a column of them became; shared by `numbers` and `dates`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from cxlib.data.intake.reasons import Reason

NO_VALUE = ("na", "n/a", "#n/a", "null", "#null!", "none", "nan", ".", "-")


@dataclass(frozen=True)
class Question:
    """A column whose values fit two readings, which only its owner can decide.

    Attributes
    ----------
    key : of study.yaml that answers it, "numbers" or "dates"
    answers : what may be written there
    values : some cells as they are in the file
    readings : what the cells are under each of the answers
    n : cells that it is about
    mixed : whether the cells are written in both ways, so that other columns answer nothing
    """

    key: str
    answers: tuple[str, ...]
    values: tuple[str, ...]
    readings: tuple[str, ...]
    n: int
    mixed: bool = False

    def sentence(self, table: str, column: str) -> str:
        """The question with its answers, ready to be written into study.yaml."""
        shown = ", ".join(map(repr, self.values))
        what = "fit more than one reading" if len(self.answers) > 1 else "are numbers and no dates"
        both = "; or ".join(
            f"`{self.key}: {{{column}: {_quoted(answer)}}}` for {reading}"
            for answer, reading in zip(self.answers, self.readings, strict=True)
        )
        return (
            f"{table}.{column}: {self.n:,} value(s) {what}, such as {shown}. "
            f"Write under tables.{table} in study.yaml {both}."
        )


@dataclass(frozen=True)
class Converted:
    """A column in its kind.

    Attributes
    ----------
    values : missing where a cell says nothing or could not be read
    bad : the cells that could not be read, and `reason` why
    notes : how others were read, one sentence each
    evidence : the form that the cells themselves prove, an answer to `Question`; else empty
    question : what has to be asked before the values can be trusted
    odd : cells that were read and look wrong: how many, and why
    offsets : of times: how many have which offset from UTC, as +08:00; "" for those without one
    currencies : of numbers: how many have a sign or code of which currency
    """

    values: pd.Series
    bad: pd.Series
    reason: Reason | None = None
    notes: tuple[str, ...] = ()
    evidence: str = ""
    question: Question | None = None
    odd: tuple[int, Reason] | None = None
    offsets: dict[str, int] = field(default_factory=dict)
    currencies: dict[str, int] = field(default_factory=dict)


def iso(times: pd.Series, unit: Literal["D", "s"]) -> pd.Series:
    """Times as ISO 8601 writes them, to the day or the second, also of years after 9999."""
    written = np.datetime_as_string(times.to_numpy("datetime64[us]"), unit=unit, casting="unsafe")
    said = pd.Series(written, times.index, dtype="string").str.replace("T", " ", n=1)
    return said.mask(times.isna())


def iso_day(moment: pd.Timestamp) -> str:
    """The day as ISO 8601 writes it, also before the year 1 and after 9999.

    Examples
    --------
    >>> iso_day(pd.Timestamp("2026-03-01 12:00"))
    '2026-03-01'
    """
    return str(np.datetime_as_string(moment.to_datetime64(), unit="D"))


def text(values: pd.Series) -> pd.Series:
    """The cells as people write them: 1 for 1.0, ISO dates, blanks cut, empty as missing."""
    if pd.api.types.is_datetime64_any_dtype(values):
        midnight = (values.dropna() == values.dropna().dt.normalize()).all()
        return iso(values, "D" if midnight else "s")
    if pd.api.types.is_float_dtype(values):
        whole = values.dropna() % 1 == 0
        values = values.astype("Float64").astype("Int64") if whole.all() else values
    out = values.astype("string").str.strip()
    if values.dtype == object:  # Excel: a column of mixed cells, 7 may stand there as 7.0
        out = out.str.replace(r"^(-?\d+)\.0$", r"\1", regex=True)
        out = out.str.replace(r"^(\d{4}-\d\d-\d\d) 00:00:00$", r"\1", regex=True)
    return out.mask(out == "")


def given(values: pd.Series) -> tuple[pd.Series, tuple[str, ...]]:
    """The cells that say something, and a note on those that say "no value"."""
    out = text(values)
    missing = out.str.casefold().isin(NO_VALUE)
    if not missing.any():
        return out, ()
    return out.mask(missing), (f"{counted(out[missing])}: missing.",)


def plain_letters(words: pd.Series) -> pd.Series:
    """Full-width letters, digits and marks as plain ones; each run of blanks as one blank."""
    special = words.str.contains(r"[^\x21-\x7e ]|  ", regex=True).fillna(False).astype(bool)
    if not special.any():
        return words
    plain = words[special].str.normalize("NFKC").str.replace(r"\s+", " ", regex=True).str.strip()
    return words.mask(special, plain)


def without_digits(words: pd.Series) -> bool:
    """Whether no cell can hold a digit: each is of plain letters and marks."""
    return not words.str.contains(r"[^\x00-/:-\x7f]", regex=True).fillna(False).any()


def counted(words: pd.Series) -> str:
    """How many cells, and the first four of what they say."""
    return f"{len(words):,} cell(s) read {', '.join(map(repr, words.unique()[:4]))}"


def examples(words: Iterable[str], most: int = 3) -> tuple[str, ...]:
    """The first few different words."""
    return tuple(dict.fromkeys(map(str, words)))[:most]


def of_type(values: pd.Series, kinds: tuple[type, ...]) -> pd.Series:
    """Which cells of a mixed column are already of a type, as in a sheet of Excel."""
    if values.dtype != object:
        return pd.Series(False, index=values.index)
    are = [isinstance(v, kinds) and not isinstance(v, (bool, np.bool_)) for v in values]
    return pd.Series(are, index=values.index, dtype=bool) & values.notna()


def _quoted(words: str) -> str:
    return words if words.replace(" ", "").isalpha() else f'"{words}"'
