"""What a score says in words: its level, the highest and the lowest of several, and how to rank it.

One number has one interval: the pointwise one that the tables have. What is significant is decided
by tests and by simultaneous intervals.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import SIMULTANEOUS
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance
from cxlib.data.schema import Target
from cxlib.scores.answers import Answers
from cxlib.scores.measures import Measure

# Standard deviations of an answer from which a difference changes what one would do: a small effect
# of Cohen (1988).
LARGE = 0.2


def interval(measure: Measure, low: float, high: float, n: float) -> str:
    """The line below a claim: interval and answers."""
    if not low <= high:
        return _("n = {n:count}", n=n)
    return _("95% CI {ci}; n = {n:count}", ci=measure.span(low, high), n=n)


def moved(change: float, significant: bool, spread: float) -> tuple[str, Importance]:
    """Verdict and importance of a change: every loss is news, a gain must be large to be notable.

    Parameters
    ----------
    change : of the score, more is better
    significant : whether a test says so
    spread : standard deviation of an answer, in the unit of the change

    Examples
    --------
    >>> moved(-5.0, True, 70.0)[0], moved(5.0, True, 70.0)[1].name, moved(5.0, False, 70.0)[0]
    ('worse', 'ANSWER', 'unclear')
    """
    if not significant:
        return "unclear", Importance.ANSWER
    if change < 0:
        return "worse", Importance.NEWS
    return "better", Importance.NOTABLE if change >= LARGE * spread else Importance.ANSWER


def misses(target: Target | None, row: Any) -> bool:
    """Whether a row misses a target that is due, for certain: its interval lies beyond it."""
    row = dict(row)
    ends = row["estimate"], row["low"], row["high"]
    return target is not None and target.standing(*ends) == "missed"


def of_target(target: Target | None, row: pd.Series) -> dict[str, Any]:
    """The slots of a finding that say whether a row meets its target."""
    ends = float(row["estimate"]), float(row["low"]), float(row["high"])
    return {} if target is None else target.slots(*ends)


def facts(measure: Measure, item: str, **at: str) -> dict[str, Any]:
    """The slots of a finding that say what its number is of."""
    return {"unit": measure.unit, "measure": measure.key(item), "at": at}


def finding(answers: Answers, table: pd.DataFrame, may: pd.Series, measure: Measure) -> Finding:
    """The number when there is one; else the lowest and the highest of those that may be shown.

    Which is best is not claimed: the next may be as good.
    """
    shown = table[may]
    if shown.empty:
        least = max(context.current().smallest_cell, 1)
        return Finding(_("Fewer than {least:count} answered: no number is shown.", least=least))
    if len(table) == 1 and not answers.by:
        return level(measure, shown.iloc[0])
    shown = shown[shown["estimate"].notna()] if shown["estimate"].notna().any() else shown
    names = _names(answers, shown)
    top, bottom = int(np.argmax(shown["estimate"])), int(np.argmin(shown["estimate"]))
    best, worst = shown.iloc[top], shown.iloc[bottom]
    words = {
        "measure": i18n.opening(measure.name(answers.items[0])),
        "best": names[top],
        "worst": names[bottom],
        "high": measure.level(best["estimate"], bare=True),
        "low": measure.level(worst["estimate"], bare=True),
    }
    if top == bottom:
        claim = _("{measure} is {high} for {best}.", **words)
        return Finding(claim, interval(measure, best["low"], best["high"], best["n"]))
    if len(answers.items) > 1 and not answers.by:
        claim = _("Ratings range from {low} ({worst}) to {high} ({best}).", **words)
    else:
        claim = _("{measure} ranges from {low} ({worst}) to {high} ({best}).", **words)
    detail = _(
        "{best}: {first}; {worst}: {last}",
        first=interval(measure, best["low"], best["high"], best["n"]),
        last=interval(measure, worst["low"], worst["high"], worst["n"]),
        **words,
    )
    ends = [c for c in SIMULTANEOUS if c in table]
    apart = bool(ends) and best[ends[0]] > worst[ends[1]]
    return Finding(claim, detail, importance=Importance.ANSWER if apart else Importance.CONTEXT)


def level(measure: Measure, row: pd.Series, target: Target | None = None) -> Finding:
    """One score of everybody, without a time before."""
    item = str(row["term"])
    words = {"measure": i18n.opening(measure.name(item)), "now": measure.level(row["estimate"])}
    missed = misses(target, row)
    if target is not None and missed:
        goal = measure.level(target.value)
        claim = _(
            "{measure} is {now}, significantly short of the target of {goal}.", goal=goal, **words
        )
    else:
        claim = _("{measure} is {now}.", **words)
    parts = [
        measure.asked(item) if measure.kind != "nps" else "",
        interval(measure, row["low"], row["high"], row["n"]),
    ]
    return Finding.of_row(
        row,
        claim,
        _("; ").join(p for p in parts if p),
        **facts(measure, item),
        **of_target(target, row),
        verdict="worse" if missed else "",
        importance=Importance.NEWS if missed else Importance.ANSWER,
    )


def _names(answers: Answers, shown: pd.DataFrame) -> list[str]:
    items = [i18n.label(term) for term in shown["term"]]
    if not answers.by:
        return [i18n.quoted(i) for i in items]
    groups = [i18n.quoted(i18n.label(str(g))) for g in shown[answers.by]]
    if len(answers.items) == 1:
        return groups
    return [_("{item} ({group})", item=i, group=g) for i, g in zip(items, groups, strict=True)]
