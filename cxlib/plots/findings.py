"""Titles of figures with many estimates: what was found, and no more than the intervals bear.

    in_words([Found("speed", .41, .38, .44), ...], unit="share")    # "speed (41%) is clearly ..."

Two estimates are told apart only where their intervals do. Estimates without an interval are
described: the highest and the lowest. What cannot vary (one question alone in its scale, with an
interval of no width) is counted beside a reference, and never named as the finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.plots import style


class Found(NamedTuple):
    """An estimate and its interval, and what it is of."""

    name: str
    value: float
    low: float
    high: float


def in_words(found: Sequence[Found], unit: str, reference: float | None = None) -> str:
    """The title: what is clear of `reference`, or which estimates are clear of each other."""
    if not found:
        return _("Too few answers to show")
    if len(found) == 1:
        name, value = _said(found[0], unit)
        return _("{name}: {value}", name=name, value=value)
    known = [f for f in found if f.high - f.low > 1e-9]
    if known and reference is not None:
        return _beside([f for f in found if f.low <= f.high], known, unit, reference)
    return _apart(found, known, unit) if len(known) > 1 else _ends(found, unit)


def _said(one: Found, unit: str) -> tuple[str, str]:
    return one.name, style.number(one.value, unit)


def _ends(found: Sequence[Found], unit: str) -> str:
    ordered = sorted(found, key=lambda f: f.value)
    (top, high), (bottom, low) = _said(ordered[-1], unit), _said(ordered[0], unit)
    return _(
        "Highest: {top} ({high}). Lowest: {bottom} ({low}).",
        top=top,
        high=high,
        bottom=bottom,
        low=low,
    )


def _apart(found: Sequence[Found], known: Sequence[Found], unit: str) -> str:
    """The highest and the lowest if their intervals part, else the two that part most.

    Where no two part but one of no known width lies beyond them all, no overlap is claimed.
    """
    top, bottom = max(known, key=lambda f: f.value), min(known, key=lambda f: f.value)
    if top.low <= bottom.high:
        upper, lower = max(known, key=lambda f: f.low), min(known, key=lambda f: f.high)
        if upper.low > lower.high:
            top, bottom = upper, lower
    (high_name, high), (low_name, low) = _said(top, unit), _said(bottom, unit)
    if top.low > bottom.high:
        return _(
            "{top} ({high}) is clearly above {bottom} ({low})",
            top=high_name,
            high=high,
            bottom=low_name,
            low=low,
        )
    if not all(bottom.value <= f.value <= top.value for f in found):
        return _ends(found, unit)
    return _(
        "From {bottom} ({low}) to {top} ({high}): the intervals overlap",
        top=high_name,
        high=high,
        bottom=low_name,
        low=low,
    )


def _beside(held: Sequence[Found], known: Sequence[Found], unit: str, reference: float) -> str:
    """How many with an interval are clear of the reference, and the furthest that varies."""
    above = [f for f in held if f.low > reference]
    below = [f for f in held if f.high < reference]
    line = f"{100 * reference if unit == 'gap' else reference:g}".replace("-", "−")
    if unit == "share":
        line = i18n.percent(reference)
    clear = [f for f in above + below if f in known]
    furthest = max(clear or above + below or known, key=lambda f: abs(f.value - reference))
    name, value = _said(furthest, unit)
    said = {"all": len(held), "line": line, "name": name, "value": value}
    if above and below:
        return _(
            "Clearly above {line}: {above} of {all}, below: {below}; furthest: {name} ({value})",
            above=len(above),
            below=len(below),
            **said,
        )
    if above:
        return _(
            "Clearly above {line}: {above} of {all}; furthest: {name} ({value})",
            above=len(above),
            **said,
        )
    if below:
        return _(
            "Clearly below {line}: {below} of {all}; furthest: {name} ({value})",
            below=len(below),
            **said,
        )
    return _("None of {all} is clear of {line}", **said)
