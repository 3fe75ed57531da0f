"""Columns of text become numbers; the marks of decimals and thousands are those of the column.

done = number(pd.Series(["1.213,61", "900", "12,5"]))
done.values     # 1213.61, 900.0, 12.5
done.evidence   # "1.234,5": '1.213,61' can be read in one way only
number(pd.Series(["2.100", "5.662"])).question     # two thousand one hundred, or 2.1?

Read are 1,234.56 and 1.234,56, blanks and apostrophes between thousands, 1,23,456.78, full-width
digits, currency signs and codes, percent signs (12% is 12), (12) and 12- for -12.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from cxlib.data.intake.cells import (
    Converted,
    Question,
    examples,
    given,
    of_type,
    plain_letters,
    without_digits,
)
from cxlib.data.intake.currencies import CODES, MORE, counted, resolved
from cxlib.data.intake.reasons import Reason

POINT, COMMA = "1,234.5", "1.234,5"  # answers to the question which mark is that of decimals
FORMS = {".": POINT, ",": COMMA}
MIXED = 0.01  # share of cells with the other decimal mark above which neither is a slip
_SIGN = r"(?:[A-Z]{0,3}\$|[€£¥₹₽₩₺฿₫₪₴₦]|元|円|(?i:kr\.?|zł|kč)|[A-Z]{3})"
_CELL = (
    rf"^(?P<sign>[+-]?)\s*(?P<before>{_SIGN}?)\s*(?P<inner>[+-]?)\s*"
    r"(?P<body>[.,]?\d[\d., ']*(?:[eE][+-]?\d+)?)"
    rf"\s*(?P<after>{_SIGN}?)\s*(?P<percent>%?)\s*(?P<trailing>-?)$"
)
_TRIPLE = r"[1-9]\d{0,2}[.,]\d{3}"  # fits both readings


def _reading(decimal: str, thousands: str) -> str:
    """Pattern of an unsigned number with this decimal mark."""
    first = r"[1-9]\d{0,2}"
    groups = "|".join(rf"{first}(?:{mark}\d{{3}})+" for mark in (thousands, " ", "'"))
    indian = r"|[1-9]\d?(?:,\d{2})+,\d{3}" if decimal == r"\." else ""
    return rf"(?:(?:\d+|{groups}{indian})(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][+-]?\d+)?"


_PATTERNS = {".": _reading(r"\.", ","), ",": _reading(",", r"\.")}


def number(values: pd.Series, form: str = "") -> Converted:
    """Numbers; words for "no value" are missing.

    Parameters
    ----------
    values : the cells of one column
    form : "1,234.5" or "1.234,5", how the column writes numbers; found out when empty

    Examples
    --------
    >>> number(pd.Series(["$1,213.61", "(5.00)", "n/a"])).values.tolist()
    [1213.61, -5.0, nan]
    """
    if pd.api.types.is_numeric_dtype(values):
        plain = pd.Series(values.to_numpy(float, na_value=np.nan), index=values.index)
        return Converted(plain, np.isinf(plain), Reason("not_finite"))
    words, notes = given(values)
    ready = of_type(values, (int, float, np.number))
    x = pd.to_numeric(words, errors="coerce").astype("Float64").astype("float64")
    written = words.mask(ready)
    if decimal_of(form) != "," and _plainly_points(written, x):
        points = written.str.contains(".", regex=False).fillna(False).astype(bool).any()
        x = x.where(np.isfinite(x))
        bad = words.notna() & x.isna()
        return Converted(x, bad, Reason("not_number"), notes, POINT if points else "")
    read = _read(written, form)
    out = read.values.where(~ready, x)
    return replace(read, values=out, notes=(*notes, *read.notes))


def integer(values: pd.Series, form: str = "") -> Converted:
    """Whole numbers, as Int64."""
    done = number(values, form)
    broken = done.values.notna() & (done.values % 1 != 0)
    whole = done.values.mask(broken).astype("Int64")
    reason = Reason("not_whole") if broken.any() or not done.bad.any() else done.reason
    return replace(done, values=whole, bad=done.bad | broken, reason=reason)


def decimal_of(form: str) -> str:
    """The decimal mark of a form such as "1.234,5"; empty where it names none."""
    return next((c for c in reversed(form) if c in ".,"), "")


def _plainly_points(words: pd.Series, x: pd.Series) -> bool:
    """Whether each cell is a number as computers write it, and none could mean thousands."""
    filled = words.notna()
    if (filled & x.isna()).any():
        return False
    dotted = words[words.str.contains(".", regex=False).fillna(False).astype(bool)]
    triple = rf"[+-]?{_TRIPLE}"
    if dotted.empty or not dotted.head(1000).str.fullmatch(triple).all():
        return True
    return not dotted.str.fullmatch(triple).all()


def _read(words: pd.Series, form: str) -> Converted:
    codes, found = pd.factorize(words)
    unique = pd.Series(found, dtype="string")
    if without_digits(unique):  # words, as in most columns of text
        return Converted(pd.Series(np.nan, index=words.index), words.notna(), Reason("not_number"))
    cells = _taken_apart(unique)
    cells["n"] = np.bincount(codes[codes >= 0], minlength=len(cells))
    decimal, evidence = decimal_of(form), ""
    if not decimal:
        decimal = evidence = _decimal(cells)
    ambiguous = cells["body"].str.fullmatch(_TRIPLE).fillna(False).astype(bool)
    x = pd.Series(np.nan, index=cells.index)
    fits = [decimal] if form else [decimal or ".", "," if decimal == "." else "."]
    for mark in fits:  # where both marks occur, a cell that fits one reading only is read by it
        mine = cells[mark] & x.isna()
        mine &= ~ambiguous | (mark == fits[0])
        x = x.mask(mine, _valued(cells["body"], mark))
    votes = _votes(cells)
    mixed = not form and min(votes.values()) > MIXED * sum(votes.values())
    open_ = not decimal or (not form and not mixed and _both_marks(cells, ambiguous))
    question = _question(cells[ambiguous]) if open_ and ambiguous.any() else None
    unlike = {
        "ambiguous_number": ambiguous & mixed,
        "percent_mixed": _minority(cells, cells["percent"]),
        "other_currency": _minority(cells, cells["currency"], cells["currency"] != ""),
    }
    left_out = pd.DataFrame(unlike).any(axis=1)
    notes = _notes(cells[~left_out], decimal, [r for r, u in unlike.items() if u.any()])
    x = (x * np.where(cells["negative"], -1, 1)).where(np.isfinite(x))
    for which in unlike.values():
        x = x.mask(which)
    bad = x.isna()
    kinds = [r for r, u in unlike.items() if u.any() and (bad == u).all()]
    taken = np.append(x.to_numpy(float), np.nan)[codes]
    lost = np.append(bad.to_numpy(bool), False)[codes]
    return Converted(
        pd.Series(taken, index=words.index),
        pd.Series(lost, index=words.index),
        Reason(kinds[0] if kinds else "not_number"),
        notes,
        FORMS.get(evidence, ""),
        question,
        currencies=counted(cells["currency"][~bad], cells["n"][~bad]),
    )


def _taken_apart(words: pd.Series) -> pd.DataFrame:
    """body, currency, percent, negative, and whether the body fits the readings "." and ","."""
    w = plain_letters(words).str.replace("[’ʼ´`]", "'", regex=True)
    w = w.str.replace(r"[−–‒]", "-", regex=True)
    bracket = w.str.fullmatch(r"[^()\d]*\([^()-]*\)[^()\d]*").fillna(False).astype(bool)
    w = w.mask(bracket, w.str.replace(r"[()]", "", regex=True).str.strip())
    cells = w.str.extract(_CELL).fillna("").astype(object)
    minus = (cells[["sign", "inner", "trailing"]] == "-").sum(axis=1) + bracket.astype(int)
    currency = (cells["before"] + cells["after"]).str.upper()
    currency = resolved(currency.map(lambda sign: MORE.get(sign.casefold(), sign)))
    coded = currency.str.fullmatch("[A-Z]{3}").fillna(False) & ~currency.isin(CODES)
    body = cells["body"].str.strip().mask(coded | (minus > 1), "")
    fits = {m: body.str.fullmatch(p).fillna(False).astype(bool) for m, p in _PATTERNS.items()}
    return pd.DataFrame(
        {"word": words, "body": body, "currency": currency, "percent": cells["percent"] == "%"}
        | {"negative": minus == 1, "form": _dressing(cells, bracket)}
        | fits
    )


def _dressing(cells: pd.DataFrame, bracket: pd.Series) -> pd.Series:
    return pd.Series(np.select([bracket, cells["trailing"] == "-"], ["(12)", "12-"], ""))


def _votes(cells: pd.DataFrame) -> dict[str, int]:
    """How many cells can be read with one decimal mark only, by mark."""
    marks = ((".", ","), (",", "."))
    return {m: int(cells.loc[cells[m] & ~cells[other], "n"].sum()) for m, other in marks}


def _decimal(cells: pd.DataFrame) -> str:
    """The decimal mark that the column proves; empty where it proves none."""
    if any((votes := _votes(cells)).values()):
        return max(votes, key=lambda m: votes[m])
    both = cells[cells["."] & cells[","]]
    ambiguous = both["body"].str.fullmatch(_TRIPLE)
    triples, plain = both.loc[ambiguous, "body"], both.loc[both["body"].str.isdigit(), "body"]
    marks = set(triples.str.extract(r"([.,])")[0])
    if len(marks) != 1 or plain.empty:
        return ""
    [mark] = marks
    size = plain.astype("float64")
    zeros = triples.str.endswith("0").any()
    if zeros and size.max() < 1000 and size.max() > 0:  # 31.000 beside 900: thousands are marked
        return "," if mark == "." else "."
    return mark if size.max() >= 1000 and not zeros else ""  # 2.105 beside 1500: they are not


def _both_marks(cells: pd.DataFrame, ambiguous: pd.Series) -> bool:
    """Whether 1,250 stands beside 3.750, and no 1,250.000 says which of them are thousands."""
    body, several = cells["body"], cells["body"].str.contains(r"\..*,|,.*\.", regex=True)
    return _marks(body[ambiguous]).nunique() > 1 and not several.any()


def _marks(body: pd.Series) -> pd.Series:
    return body.str.extract(r"([.,])", expand=False)


def _valued(body: pd.Series, mark: str) -> pd.Series:
    thousands = "[, ']" if mark == "." else "[. ']"
    plain = body.str.replace(thousands, "", regex=True).str.replace(",", ".", regex=False)
    return pd.to_numeric(plain, errors="coerce").astype("Float64").astype("float64")


def _minority(cells: pd.DataFrame, of: pd.Series, among: pd.Series | bool = True) -> pd.Series:
    """Cells that are of another sort than most are."""
    some = (cells["."] | cells[","]) & (cells["body"] != "") & among
    sizes = cells.loc[some, "n"].groupby(of[some]).sum()
    return some & (of != sizes.idxmax()) if len(sizes) > 1 else some & False


def _question(cells: pd.DataFrame) -> Question:
    marks = _marks(cells["body"])
    shown = cells[~marks.duplicated()] if (mixed := marks.nunique() > 1) else cells.head(3)
    readings = [
        " and ".join(f"{v:.10g}" for v in _valued(shown["body"], mark)) for mark in (",", ".")
    ]
    n = int(cells["n"].sum())
    return Question("numbers", (COMMA, POINT), examples(shown["word"]), tuple(readings), n, mixed)


def _notes(cells: pd.DataFrame, decimal: str, unlike: list[str]) -> tuple[str, ...]:
    def note(which: pd.Series, what: str) -> list[str]:
        some = cells[which & (cells["."] | cells[","])]
        first = examples(some["word"], 1)
        return [f"{int(some['n'].sum()):,} cell(s) {what}, as in {first[0]!r}."] if first else []

    body = cells["body"]
    comma = cells[","] & (~cells["."] | (decimal == ",")) & body.str.contains(",", regex=False)
    notes = note(comma, "read with a decimal comma")
    marked = body.str.contains(r"[,.].*[,.]|[ ']", regex=True)
    marked |= body.str.fullmatch(_TRIPLE) & ~body.str.contains(decimal or ".", regex=False)
    notes += note(marked.fillna(False).astype(bool), "read with marks between thousands")
    notes += note(cells["currency"] != "", "read without their currency sign")
    notes += note(cells["percent"], "read as percent: 12% is 12")
    notes += note(cells["form"] == "(12)", "in brackets read as negative")
    notes += note(cells["form"] == "12-", "with a minus behind read as negative")
    said = {
        "ambiguous_number": "Both decimal points and decimal commas occur: cells that fit both "
        "are left out; name the form with `numbers`.",
        "percent_mixed": "Cells with and without a percent sign are mixed: the fewer are left out.",
        "other_currency": "Several currencies are mixed: the fewer are left out.",
    }
    return (*notes, *(said[r] for r in unlike))
