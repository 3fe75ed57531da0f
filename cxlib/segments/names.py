"""Short names of segments, made of the one or two features that mark each most.

    named, described = names_of(axes, away, verdicts)
    named[0]          # Frequent high-spending customers
    described[0]      # Orders in a year: high, Spend in a year: high

A study gives names of its own in study.yaml, by the feature that marks a segment most:
`segments: {names: {orders_365 high: {en: Regulars, zh: 常客}}}`.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from cxlib.core import context, i18n
from cxlib.core.i18n import N_, _
from cxlib.segments.features import FLAG, UNKNOWN, Axis, wording

TELLING = 0.3  # deviations from the average from which a feature names a segment
NAMED = 2  # features in a name
DESCRIBED = 3  # and in a description
# Adjectives of customers with little and much of what most studies know of them.
_AGE = (N_("younger"), N_("older"))
_FEE = (N_("low-fee"), N_("high-fee"))
_ORDERS = (N_("occasional"), N_("frequent"))
_RECENCY = (N_("recent"), N_("lapsed"))
_SATISFIED = (N_("dissatisfied"), N_("satisfied"))
_SPEND = (N_("low-spending"), N_("high-spending"))
_TENURE = (N_("new"), N_("long-standing"))
_CASES = (N_("seldom-complaining"), N_("often-complaining"))
ADJECTIVES = {
    "age": _AGE,
    "cases_180": _CASES,
    "discount_share": (N_("full-price"), N_("discount-seeking")),
    "frequency": _ORDERS,
    "history": _SPEND,
    "last_satisfaction": _SATISFIED,
    "mobile_share": (N_("non-mobile"), N_("mobile")),
    "monthly_charges": _FEE,
    "orders": _ORDERS,
    "orders_365": _ORDERS,
    "recency_days": _RECENCY,
    "recency_months": _RECENCY,
    "spend": _SPEND,
    "spend_365": _SPEND,
    "tenure": _TENURE,
    "tenure_days": _TENURE,
}
Feature = tuple[Axis, str, bool]  # axis, its level ("" for a number), whether more than average


def names_of(
    axes: list[Axis], away: np.ndarray, verdicts: Iterable[str]
) -> tuple[list[str], list[str]]:
    """Names, each used once, and the longer descriptions.

    Parameters
    ----------
    axes : the features
    away : deviations from the average, (segments, columns of the axes); 0 where they may be chance
    verdicts : of each segment; those that are "not named" get a number
    """
    columns = [(axis, level) for axis in axes for level in (axis.levels or ("",))]
    place = {axis.name: k for k, axis in enumerate(axes)}
    names: list[str] = []
    described: list[str] = []
    for number, (row, verdict) in enumerate(zip(away, verdicts, strict=True), 1):
        marks = _marks(columns, row)
        if verdict == "not named":
            ways = [_("segment {number}, not named", number=number)]
        else:
            # Two adjectives are short; a feature in words is long enough by itself.
            least = NAMED if all(map(_has_adjective, marks[:NAMED])) else 1
            own = [m for many in (NAMED, 1) if (m := _of_study(marks[:many]))]
            ways = [*own, *(_name(marks[:many], place) for many in range(least, len(marks) + 1))]
            ways = ways or [_name(marks, place)]
            ways.append(_("{name}, segment {number}", name=i18n.opening(ways[-1]), number=number))
        names.append(next(n for w in ways if (n := i18n.opening(w)) not in names))
        most = sorted(marks[:DESCRIBED], key=lambda m: place[m[0].name])
        described.append(i18n.listed(map(_described, most)) or _("close to the average"))
    return names, described


def _marks(columns: list[tuple[Axis, str]], away: np.ndarray) -> list[Feature]:
    """What marks a segment, the most telling first; of a category what its members are."""
    found: dict[str, Feature] = {}
    for at in np.argsort(-np.abs(away), kind="stable"):
        axis, level = columns[at]
        if abs(away[at]) < TELLING or axis.name in found or (level and away[at] < 0):
            continue
        found[axis.name] = (axis, level, bool(away[at] > 0))
    return list(found.values())


def _of_study(marks: list[Feature]) -> str:
    """The name that study.yaml gives to these features; empty without one."""
    keys = [f"{a.name} {level or ('high' if more else 'low')}" for a, level, more in marks]
    return context.current().labels.get(", ".join(keys), "")


def _name(marks: list[Feature], place: dict[str, int]) -> str:
    """Adjectives and a noun; where a feature has no adjective, the features in words."""
    if not marks:
        return _("average customers")
    if not all(map(_has_adjective, marks)):
        return i18n.listed(map(_phrase, marks))
    words = [_phrase(m) for m in sorted(marks, key=lambda m: place[m[0].name])]
    joint = "" if i18n.language() == "zh" else " "
    return _("{adjectives} customers", adjectives=joint.join(words))


def _has_adjective(mark: Feature) -> bool:
    return not mark[1] and mark[0].name in ADJECTIVES


def _phrase(mark: Feature) -> str:
    """A feature as a name says it: "high age", "plan C"."""
    axis, level, more = mark
    if _has_adjective(mark):
        return _(ADJECTIVES[axis.name][more])
    words = {"feature": i18n.label(axis.name), "value": wording(axis, level) if level else ""}
    if not level:
        return _("high {feature}", **words) if more else _("low {feature}", **words)
    if set(axis.levels) <= {*FLAG, UNKNOWN}:
        return _("{feature}: {value}", **words)
    return _("{feature} {value}", **words)


def _described(mark: Feature) -> str:
    axis, level, more = mark
    words = {"feature": i18n.label(axis.name), "value": wording(axis, level) if level else ""}
    if level:
        return _("{feature}: {value}", **words)
    return _("{feature}: high", **words) if more else _("{feature}: low", **words)
