"""Titles of figures with many estimates: the finding, and no more than the intervals bear.

    from_estimates([Found("speed", .41, .38, .44), ...], unit="share")    # "speed (41%) is ..."

Two estimates differ only where their intervals do. Estimates without an interval are described:
the highest and the lowest. What cannot vary (one question alone in its scale, with an interval of
no width) is counted beside a reference, and never named as the finding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.plots import labels


class Found(NamedTuple):
    """An estimate and its interval, and what it is of."""

    name: str
    value: float
    low: float
    high: float


def too_few() -> str:
    """The title of a figure whose numbers are all hidden."""
    return _("Too few answers to show")


def from_estimates(found: Sequence[Found], unit: str, reference: float | None = None) -> str:
    """The title: what is clear of `reference`, or which estimates are clear of each other."""
    if not found:
        return too_few()
    if len(found) == 1:
        name, value = _words(found[0], unit)
        return _("{name}: {value}", name=name, value=value)
    known = [f for f in found if f.high - f.low > 1e-9]
    if known and reference is not None:
        return _against([f for f in found if f.low <= f.high], known, unit, reference)
    return _differing(found, known, unit) if len(known) > 1 else _extremes(found, unit)


def _words(one: Found, unit: str) -> tuple[str, str]:
    return one.name, labels.number(one.value, unit)


def _extremes(found: Sequence[Found], unit: str) -> str:
    ordered = sorted(found, key=lambda f: f.value)
    (top, high), (bottom, low) = _words(ordered[-1], unit), _words(ordered[0], unit)
    return _(
        "Highest: {top} ({high}). Lowest: {bottom} ({low}).",
        top=top,
        high=high,
        bottom=bottom,
        low=low,
    )


def _differing(found: Sequence[Found], known: Sequence[Found], unit: str) -> str:
    """The highest and the lowest if their intervals part, else the two that part most.

    Where no two part but one of no known width lies beyond them all, no overlap is claimed.
    """
    top, bottom = max(known, key=lambda f: f.value), min(known, key=lambda f: f.value)
    if top.low <= bottom.high:
        upper, lower = max(known, key=lambda f: f.low), min(known, key=lambda f: f.high)
        if upper.low > lower.high:
            top, bottom = upper, lower
    (high_name, high), (low_name, low) = _words(top, unit), _words(bottom, unit)
    said = {"top": high_name, "high": high, "bottom": low_name, "low": low}
    if top.low > bottom.high:
        return _("{top} ({high}) is clearly above {bottom} ({low})", **said)
    if not all(bottom.value <= f.value <= top.value for f in found):
        return _extremes(found, unit)
    return _("From {bottom} ({low}) to {top} ({high}): the intervals overlap", **said)


def _against(held: Sequence[Found], known: Sequence[Found], unit: str, reference: float) -> str:
    """How many with an interval are clear of the reference, and the furthest that varies."""
    above = [f for f in held if f.low > reference]
    below = [f for f in held if f.high < reference]
    line = f"{100 * reference if unit == 'gap' else reference:g}".replace("-", "−")
    if unit == "share":
        line = i18n.percent(reference)
    clear = [f for f in above + below if f in known]
    furthest = max(clear or above + below or known, key=lambda f: abs(f.value - reference))
    name, value = _words(furthest, unit)
    said = {"all": len(held), "line": line, "name": name, "value": value}
    said |= {"above": len(above), "below": len(below)}
    if above and below:
        return _(
            "Clearly above {line}: {above} of {all}, below: {below}; furthest: {name} ({value})",
            **said,
        )
    if above:
        return _("Clearly above {line}: {above} of {all}; furthest: {name} ({value})", **said)
    if below:
        return _("Clearly below {line}: {below} of {all}; furthest: {name} ({value})", **said)
    return _("None of {all} is clear of {line}", **said)


def change(line: pd.DataFrame, over: str, unit: str) -> str:
    """From the first to the last wave, and whether the intervals part."""
    known = line.dropna(subset=["estimate"])
    if len(known) < 2:
        return _("Too few waves to show a change")
    first, last = known.iloc[0], known.iloc[-1]
    clear = last["low"] > first["high"] or last["high"] < first["low"]
    facts = {
        "first": labels.number(first["estimate"], unit),
        "then": labels.name(first[over]),
        "last": labels.number(last["estimate"], unit),
        "now": labels.name(last[over]),
    }
    if clear:
        return _("From {first} ({then}) to {last} ({now})", **facts)
    return _("{first} ({then}), {last} ({now}): no clear change", **facts)
