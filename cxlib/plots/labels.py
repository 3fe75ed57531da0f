"""Names, numbers and lists in a figure, as the page writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.core.text import display_width, shorten, unwrap, wrap
from cxlib.plots import layout
from cxlib.privacy import masking
from cxlib.privacy.masking import legible

WORDS = (
    *("profit", "effect of the action", "effect of the change", "customers called minus controls"),
    *("share of customers", "share of leavers", "share of revenue", "share of next orders"),
    *("difference in the risk of leaving", "share who referred", "more than expected"),
    *("share of explained variance", "outcome points per rating point"),
    *("index points per index point", "possible gain", "share resolved at the first contact"),
)  # what the axes are of, where notebooks name it


def name(value: object, most: int = 38) -> str:
    """What a reader calls it, short enough for an axis."""
    text = " ".join(i18n.label(str(value))[:2000].split())
    text = shorten(masking.masked(legible(text))[0], most)
    return text.replace("$", r"\$")  # a dollar would start a formula


def masked(text: str) -> str:
    """A sentence of the caller without personal data."""
    return masking.masked(legible(text))[0].replace("$", r"\$")


def long_name(value: object, most: int = 30) -> str:
    """A whole name, in lines of `most` letters."""
    return wrap(name(value, 60), most)


def row_name(words: str) -> str:
    """The label of a row: in two lines where it is long, on a phone where it is very long."""
    if layout.narrow():
        return wrap(words, 38)
    return wrap(words, 24) if display_width(words) > 30 else words


def hover(name: str, row: Mapping[str, Any], unit: str, *, simultaneous: bool = False) -> str:
    """What is shown of a mark on hover: its name, estimate, interval and n; "" where hidden."""
    if row["estimate"] != row["estimate"]:
        return ""
    low, high = row.get("low", float("nan")), row.get("high", float("nan"))
    parts = [_("{name}: {value}", name=unwrap(name), value=number(row["estimate"], unit))]
    if low <= high:
        ends = {"low": number(low, unit), "high": number(high, unit)}
        parts.append(
            _("simultaneous 95% CI {low} to {high}", **ends)
            if simultaneous
            else _("95% CI {low} to {high}", **ends)
        )
    if "n" in row and row["n"] == row["n"]:
        parts.append(f"n = {count(row['n'])}")
    return _("; ").join(parts).replace(r"\$", "$")


def hovers(table: pd.DataFrame, names: Iterable[str], unit: str) -> list[str]:
    """What is shown of the mark of each row."""
    rows = table.to_dict("records")
    return [hover(name, row, unit) for name, row in zip(names, rows, strict=True)]


def number(value: float, unit: str) -> str:
    """A number as its unit is written."""
    if unit == "share":
        near = 0.0005 <= abs(value) < 0.0095 or 0.9905 < value <= 0.9995  # nearly none, or all
        return i18n.percent(value, 1 if near else 0)
    if unit == "gap":
        return i18n.number(100 * value, 1)
    if unit in ("points", "percentage points", "index"):
        return i18n.number(value, 1)
    if not unit and float(value).is_integer():  # a count
        return i18n.count(value)
    return i18n.number(value, _digits(value))


def numbers(values: Iterable[float], unit: str) -> list[str]:
    """Numbers that stand together, with the decimals that one of them needs.

    Examples
    --------
    >>> numbers([0.823, -0.005, -0.013, 0.805], "share")
    ['82.3%', '−0.5%', '−1.3%', '80.5%']
    """
    known = list(values)
    if unit == "share":
        digits = int(any(0.0005 <= abs(v) < 0.0095 for v in known))
        return [i18n.percent(v, digits) for v in known]
    if unit or all(float(v).is_integer() for v in known):
        return [number(v, unit) for v in known]
    return [i18n.number(v, _digits(max(known, key=abs))) for v in known]


def _digits(value: float) -> int:
    return 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2


def unit_label(unit: str) -> str:
    """What stands beneath the axis."""
    return {
        "points": _("points"),
        "share": _("share"),
        **dict.fromkeys(("gap", "percentage points"), _("percentage points")),
        "scale": _("rating points"),
        "index": _("index, 0 to 100"),
    }.get(unit) or (_(unit) if unit else "")


def axis_label(unit: str, about: str = "") -> str:
    """What stands beneath an axis: what its numbers are, and their unit where ticks do not say it.

    Examples
    --------
    >>> axis_label("share"), axis_label("share", "of comments"), axis_label("EUR", "margin")
    ('share', 'of comments', 'margin (EUR)')
    """
    what, measured = i18n.label(about) if about else "", unit_label(unit)
    if what and measured and unit not in ("share", "scale"):
        return _("{what} ({unit})", what=what, unit=measured)
    return what or measured


def count(n: float) -> str:
    """n, or that it is too small to show."""
    least = context.current().smallest_cell
    return f"<{least}" if n < least else i18n.count(n)


def in_words(rows: Iterable[str], most: int = 14) -> str:
    """The rows as a sentence of the alternative text."""
    lines = list(rows)
    more = [_("and {n} more", n=len(lines) - most)] if len(lines) > most else []
    return _("; ").join(lines[:most] + more) + _(".") if lines else ""


def values(names: Iterable[object], numbers: Iterable[float], unit: str) -> str:
    """Each name with its number, known ones only, as a sentence of the alternative text."""
    pairs = zip(names, numbers, strict=True)
    return in_words([f"{name(n)} {number(v, unit)}" for n, v in pairs if v == v])
