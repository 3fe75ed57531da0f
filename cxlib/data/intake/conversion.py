"""Columns of text become numbers, dates and flags; which cells did not is said, never guessed.

done = number(pd.Series(["7", "n/a", "seven"]))
done.values     # 7.0, NaN, NaN
done.bad        # False, False, True
done.notes      # "1 cell(s) read 'n/a': taken as missing."
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core.codes import match
from cxlib.data.intake.reasons import Reason

NO_VALUE = ("na", "n/a", "#n/a", "null", "#null!", "none", "nan", ".", "-")
EXACT = 2**53  # a float holds every whole number below, and not every one above
YES = ("true", "yes", "y", "1", "t", "是", "有")
NO = ("false", "no", "n", "0", "f", "否", "无")


@dataclass(frozen=True)
class Converted:
    """Values of the kind; which cells could not be read, and why; notes on how others were."""

    values: pd.Series
    bad: pd.Series
    reason: Reason | None = None
    notes: tuple[str, ...] = ()


def text(values: pd.Series) -> pd.Series:
    """The cells as people write them: 1 for 1.0, ISO dates, blanks cut, empty as missing."""
    if pd.api.types.is_datetime64_any_dtype(values):
        midnight = (values.dropna() == values.dropna().dt.normalize()).all()
        return values.dt.strftime("%Y-%m-%d" if midnight else "%Y-%m-%d %H:%M:%S").astype("string")
    if pd.api.types.is_float_dtype(values):
        whole = values.dropna() % 1 == 0
        values = values.astype("Float64").astype("Int64") if whole.all() else values
    out = values.astype("string").str.strip()
    if values.dtype == object:  # Excel: a column of mixed cells, 7 may stand there as 7.0
        out = out.str.replace(r"^(-?\d+)\.0$", r"\1", regex=True)
        out = out.str.replace(r"^(\d{4}-\d\d-\d\d) 00:00:00$", r"\1", regex=True)
    return out.mask(out == "")


def number(values: pd.Series, *, comma: bool = False) -> Converted:
    """Numbers; words for "no value" are missing, and decimal commas are read where `comma`."""
    if pd.api.types.is_numeric_dtype(values):
        plain = pd.Series(values.to_numpy(float, na_value=np.nan), index=values.index)
        return Converted(plain, np.isinf(plain), Reason("not_finite"))
    given, missing, notes = _given(values)
    x = pd.to_numeric(given, errors="coerce").astype("Float64").astype("float64")
    if comma and (bad := given.notna() & x.isna()).any():
        again = given[bad].where(given[bad].str.fullmatch(r"-?\d+,\d+").fillna(False))
        read = pd.to_numeric(again.str.replace(",", "."), errors="coerce").astype("float64")
        if read.notna().any():
            x = x.fillna(read)
            notes += (f"{int(read.notna().sum()):,} cell(s) read with a decimal comma.",)
    x = x.where(np.isfinite(x))
    return Converted(x, given.notna() & x.isna(), Reason("not_number"), notes)


def integer(values: pd.Series, *, comma: bool = False) -> Converted:
    """Whole numbers, as Int64."""
    done = number(values, comma=comma)
    broken = done.values.notna() & (done.values % 1 != 0)
    whole = done.values.mask(broken).astype("Int64")
    return Converted(whole, done.bad | broken, Reason("not_whole"), done.notes)


def flag(values: pd.Series) -> Converted:
    """Yes or no, as boolean; English and Chinese words, 1 and 0."""
    given, _missing, notes = _given(values)
    word = given.str.casefold()
    out = pd.Series(pd.NA, index=values.index, dtype="boolean")
    out = out.mask(word.isin(YES), True).mask(word.isin(NO), False)
    return Converted(out, given.notna() & out.isna(), Reason("not_flag"), notes)


def date(values: pd.Series, form: str = "") -> Converted:
    """Dates and times, in UTC where a zone was given; ISO unless `form` names another."""
    if pd.api.types.is_datetime64_any_dtype(values):
        zone = getattr(values.dtype, "tz", None)
        plain = values.dt.tz_convert("UTC").dt.tz_localize(None) if zone else values
        note = ("times with a zone are in UTC now.",) if zone else ()
        return Converted(plain.astype("datetime64[us]"), _none(values), notes=note)
    given, _missing, notes = _given(values)
    at = _parse(given, form or "ISO8601")
    if values.dtype == object:  # Excel: real dates stand beside text
        real = values.map(lambda v: isinstance(v, (dt.date, pd.Timestamp)))
        at = at.where(~real, _parse(given, "ISO8601"))
    reason = Reason("not_date", {"form": form}) if form else Reason("not_iso_date")
    return Converted(at, given.notna() & at.isna(), reason, notes)


def _none(values: pd.Series) -> pd.Series:
    return pd.Series(False, index=values.index)


def _parse(given: pd.Series, form: str) -> pd.Series:
    at = pd.to_datetime(given, format=form, errors="coerce", utc=True)
    return at.dt.tz_localize(None).astype("datetime64[us]")


def _given(values: pd.Series) -> tuple[pd.Series, pd.Series, tuple[str, ...]]:
    """The cells that say something, those that say "no value", and a note on the latter."""
    out = text(values)
    missing = out.str.casefold().isin(NO_VALUE)
    if not missing.any():
        return out, missing, ()
    words = ", ".join(map(repr, out[missing].unique()[:4]))
    return out.mask(missing), missing, (f"{int(missing.sum()):,} cell(s) read {words}: missing.",)


def convert(values: pd.Series, kind: str, *, comma: bool = False, form: str = "") -> Converted:
    """The cells as `kind` of the contract; `form` is that of dates, `comma` of numbers."""
    if kind == "date":
        return date(values, form)
    if kind in ("number", "integer"):
        return (number if kind == "number" else integer)(values, comma=comma)
    return flag(values) if kind == "flag" else Converted(text(values), _none(values))


def guess(values: pd.Series, *, comma: bool = False) -> tuple[pd.Series, tuple[int, Reason] | None]:
    """A further column as numbers where all its cells are, else as text; and what looks wrong.

    Decimal commas are read where `comma`, as in files with semicolons.
    """
    if isinstance(values.dtype, pd.BooleanDtype) or values.dtype == bool:
        return values.astype("boolean"), None
    if pd.api.types.is_datetime64_any_dtype(values):
        return date(values).values, None
    if pd.api.types.is_numeric_dtype(values):
        return _whole(number(values).values, text(values)), None
    words = text(values)
    if comma and words.str.fullmatch(r"-?\d+(,\d+)?").dropna().all():
        words = words.str.replace(",", ".")
    given = words.dropna()
    x = pd.to_numeric(given, errors="coerce")
    coded = given.str.fullmatch(r"-?0\d+").any()  # 007 is a code, not seven
    if len(given) and x.notna().all() and not coded:
        return _whole(pd.to_numeric(words, errors="coerce").astype("float64"), words), None
    odd = given[x.isna()]
    if len(given) >= 20 and len(odd) <= len(given) / 10 and not coded:
        shown = list(map(repr, odd.unique()[:3]))
        return words, (len(odd), Reason("text_among_numbers", {"words": shown}))
    return words, None


def _whole(numbers: pd.Series, words: pd.Series) -> pd.Series:
    """Whole numbers as Int64, so that no group reads 1.0; longer ones are ids and stay text."""
    given = numbers.dropna()
    if not len(given) or not (np.isfinite(given) & (given % 1 == 0)).all():
        return numbers
    return numbers.astype("Int64") if (given.abs() < EXACT).all() else words


def inexact(values: pd.Series) -> pd.Series:
    """Cells that may be ids whose last digits are lost: floats from 2**53 on, or 1.58E+18."""
    kind = pd.api.types
    if kind.is_datetime64_any_dtype(values) or kind.is_bool_dtype(values):
        return _none(values)
    if kind.is_float_dtype(values):
        return values.abs().ge(EXACT).fillna(False).astype(bool)
    if kind.is_numeric_dtype(values):
        return _none(values)
    words = values.astype("string").str.strip()
    found = words.str.fullmatch(r"\d(\.\d+)?[eE]\+?\d{2}").fillna(False).astype(bool)
    return found & (pd.to_numeric(words.where(found), errors="coerce").fillna(0) >= EXACT)


def recode(values: pd.Series, codes: Mapping[str, object]) -> tuple[pd.Series, list[str]]:
    """The cells with the codes replaced, null becoming missing; notes on cells without a code.

    The code "" is that of empty cells, for a question that was not put to those who left it empty.
    """
    words = text(values)
    words = words.fillna("") if "" in codes else words
    means = match(codes, words.dropna().unique())
    become = {word: codes[code] for code, same in means.items() for word in same}
    coded = words.isin(list(become))
    known = coded | words.isna()
    said = []
    named = [v for v in codes.values() if isinstance(v, str)]
    if len(named) > 1 and not (known | words.isin(named)).all():
        left = words[~known].value_counts()
        shown = ", ".join(f"{v!r} ({n:,})" for v, n in left.head(4).items())
        said.append(f"{int(left.sum()):,} cell(s) have no recode and stay as they are: {shown}.")
    out = words.astype(object).where(~coded, words.map(become))
    return out.where(pd.notna(out), None), said


def labels_as_recode(labels: Mapping[float | int, str]) -> dict[str, object]:
    """SPSS value labels as a recode: 1.0 is the code "1"."""
    return {
        f"{c:g}" if isinstance(c, (int, float)) else str(c): label for c, label in labels.items()
    }
