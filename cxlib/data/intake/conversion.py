"""Columns of text in the kind of the contract; which cells are not is said, never guessed.

convert(pd.Series(["7", "n/a", "seven"]), "number").bad     # False, False, True
guess(pd.Series(["1.234,50", "9,00"]))                      # a further column: numbers, if all are

`numbers` and `dates` know the forms; what fits two of them is a question, which `settled` answers
from the other columns of the table or puts to the user.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from cxlib.core.codes import NO, YES, match
from cxlib.data.intake.cells import Converted, Question, given, text
from cxlib.data.intake.dates import date
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.numbers import COMMA, POINT, integer, number
from cxlib.data.intake.reasons import Reason

__all__ = [
    "Converted",
    "Question",
    "below_thousand",
    "convert",
    "date",
    "flag",
    "guess",
    "inexact",
    "integer",
    "labels_as_recode",
    "number",
    "recode",
    "reference",
    "settled",
    "text",
]

EXACT = 2**53  # whole numbers from here on are not exact as floats


def flag(values: pd.Series) -> Converted:
    """Yes or no, as boolean; words in eight languages, 1 and 0."""
    words, notes = given(values)
    word = words.str.casefold()
    out = pd.Series(pd.NA, index=values.index, dtype="boolean")
    out = out.mask(word.isin(YES), True).mask(word.isin(NO), False)
    return Converted(out, words.notna() & out.isna(), Reason("not_flag"), notes)


def _none(values: pd.Series) -> pd.Series:
    return pd.Series(False, index=values.index)


def convert(
    values: pd.Series, kind: str, form: str | Sequence[str] = "", zone: str = ""
) -> Converted:
    """The cells as `kind` of the contract; `form` is that of the column's numbers or dates.

    `zone` is that to which times with an offset are converted.
    """
    if kind == "date":
        return date(values, form, zone)
    if kind in ("number", "integer"):
        return (number if kind == "number" else integer)(values, str(form or ""))
    return flag(values) if kind == "flag" else Converted(text(values), _none(values))


def reference(values: pd.Series) -> Converted:
    """Ids of customers or other rows: "NA" or "null" is nobody, not one customer of that name."""
    words, notes = given(values)
    return Converted(words, _none(values), notes=notes)


def guess(values: pd.Series, form: str = "", *, comma: bool = True, zone: str = "") -> Converted:
    """A further column as numbers where all its cells are, else as text; and what looks wrong.

    With `comma` cells such as 1,2 are decimals; where commas delimit they may be two answers.
    """
    if isinstance(values.dtype, pd.BooleanDtype) or values.dtype == bool:
        return Converted(values.astype("boolean"), _none(values))
    if pd.api.types.is_datetime64_any_dtype(values):
        return date(values, zone=zone)
    words = text(values)
    if pd.api.types.is_numeric_dtype(values):
        return Converted(_whole(number(values).values, words), _none(values))
    plain = Converted(words, _none(values))
    there = words.dropna()
    if there.empty or _coded(there, comma):
        return plain
    read = number(words if values.dtype != object else values, form)
    if not read.bad.any() and read.values.notna().any():
        return replace(read, values=_whole(read.values, words))
    if read.bad.any() and read.reason and read.reason.rule == "ambiguous_number":
        return replace(plain, question=number(words[read.bad]).question)
    odd = there[read.bad[there.index]]
    if len(there) >= 20 and 0 < len(odd) <= len(there) / 10:
        shown = list(map(repr, odd.unique()[:3]))
        return replace(plain, odd=(len(odd), Reason("text_among_numbers", {"words": shown})))
    return plain


def _coded(words: pd.Series, comma: bool) -> bool:
    """Whether digits are no amounts: 007, telephones, and answers such as 1,2 to one question."""
    if words.str.contains(r"^(?:-?0\d|\+[\d ()-]{7})", regex=True).any():
        return True
    if words.str.fullmatch(r"\d{2,3}(?: \d{2,3}){2,}").all():
        return True
    several = words.str.contains(",", regex=False)
    return bool(not comma and several.any() and words[several].str.fullmatch(r"\d,\d").all())


def settled(
    table: str, asked: Mapping[str, Question], evidence: Mapping[str, str]
) -> dict[str, str]:
    """The forms of columns that are in question, where other columns of the table prove them.

    Raises
    ------
    IntakeError : with each question that they do not answer
    """
    proved = set(evidence.values())
    answers, left = dict[str, str](), list[str]()
    for column, question in asked.items():
        fits = [a for a in question.answers if a in proved]
        if len(fits) == 1 and len(question.answers) > 1 and not question.mixed:
            answers[column] = fits[0]
        else:
            left.append(question.sentence(table, column))
    if left:
        raise IntakeError("\n  ".join(left))
    return answers


def below_thousand(question: Question) -> str:
    """The answer under which the marks in question are those of decimals, as on a rating scale."""
    return COMMA if "," in question.values[0] else POINT


def _whole(numbers: pd.Series, words: pd.Series) -> pd.Series:
    """Whole numbers as Int64, so that no group reads 1.0; longer ones are ids and stay text."""
    there = numbers.dropna()
    if not len(there) or not (np.isfinite(there) & (there % 1 == 0)).all():
        return numbers
    return numbers.astype("Int64") if (there.abs() < EXACT).all() else words


def inexact(values: pd.Series) -> pd.Series:
    """Cells that may be ids whose last digits are lost: from 2**53 on as floats, or 1.58E+18."""
    kind = pd.api.types
    if kind.is_datetime64_any_dtype(values) or kind.is_bool_dtype(values):
        return _none(values)
    if kind.is_float_dtype(values):
        return values.abs().ge(EXACT).fillna(False).astype(bool)
    if kind.is_numeric_dtype(values):
        return _none(values)
    if values.dtype == object:
        long = values.map(lambda v: isinstance(v, int) and abs(v) >= EXACT).astype(bool)
        if long.any() and values[long].map(lambda v: int(float(v)) == v).all():
            return long  # numeric cells of Excel: exact ones would not all be floats
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
