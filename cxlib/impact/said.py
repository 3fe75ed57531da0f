"""What designs, effects and verdicts are called."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.impact.rows import Trial

DESIGNS = {  # of study.yaml, and second opinions: what a table calls it
    "randomised": "drawn by lot",
    "compared": "beside those it spared",
    "alike": "beside others like them",
    "series": "before and after only",
    "plain": "as they are",
}


def design(name: str) -> str:
    """The design in a sentence."""
    return i18n.label(DESIGNS[name])


def value(number: float, unit: str) -> str:
    """A difference in its unit: 14.8 points, 0.21."""
    if unit == "points":
        return _("{v:number1} points", v=number)
    if unit == "percentage points":
        return _("{v:number1} percentage points", v=number)
    return i18n.number(number, 2)


def span(low: float, high: float, unit: str) -> str:
    """Its interval, without the unit; an end that would be rounded to 0 has a digit more."""
    digits = 1 if unit.endswith("points") else 2
    near = any(0 < abs(end) < 0.5 / 10**digits for end in (low, high))
    return i18n.span(low, high, digits + near)


def effect(trial: Trial, row: pd.Series, kind: str) -> str:
    """The effect on the first outcome, in one sentence; causes are named only where lots were."""
    facts = {
        "change": trial.label,
        "outcome": trial.called(),
        "size": value(abs(row["estimate"]), row["unit"]),
        "change_by": value(row["estimate"], row["unit"]),
        "span": span(row["low"], row["high"], row["unit"]),
        "n": row["n"],
    }
    if row["low"] <= 0 <= row["high"]:
        return _(
            "{change}: an effect on {outcome} is not clear of chance, {change_by} ({span}), n "
            "{n:count}.",
            **facts,
        )
    up = row["estimate"] > 0
    if kind == "randomised" and up:
        return _(
            "{change} raised {outcome} by {size} ({span}); chance alone decided who got it, n "
            "{n:count}.",
            **facts,
        )
    if kind == "randomised":
        return _(
            "{change} lowered {outcome} by {size} ({span}, as a change); chance alone decided who "
            "got it, n {n:count}.",
            **facts,
        )
    higher = _("higher") if up else _("lower")
    if kind == "compared":
        return _(
            "{change}: {outcome} is {size} {higher} (change {span}) than the way of those it "
            "spared would lead one to expect, n {n:count}.",
            higher=higher,
            **facts,
        )
    if kind == "alike":
        return _(
            "{change}: {outcome} is {size} {higher} (difference {span}) than among others who "
            "were like them beforehand, n {n:count}.",
            higher=higher,
            **facts,
        )
    return _(
        "{change}: {outcome} is {size} {higher} (change {span}) than the waves before would lead "
        "one to expect; whatever else happened then is in it, n {n:count}.",
        higher=higher,
        **facts,
    )


def how(trial: Trial, kind: str) -> str:
    """The design in words a manager understands."""
    change = trial.change
    facts = {
        "treated": change.treated,
        "control": trial.spared,
        "column": change.column,
        "begun": change.begun,
    }
    if kind == "randomised":
        past = _("Customers are compared at equal values of what was known of them before.")
        return i18n.together(
            [
                _("Drawn by lot: {treated:label_list} beside {control:label_list}.", **facts),
                past if trial.before.any() or trial.x.shape[1] else "",
            ]
        )
    if kind == "compared":
        out = _(
            "Without answers in some wave and so left out: {names:label_list}.", names=trial.out
        )
        return i18n.together(
            [
                _(
                    "Beside those it spared: how {treated:label_list} changed from before {begun} "
                    "to after, less how {control:label_list} did.",
                    **facts,
                ),
                out if trial.out else "",
            ]
        )
    if kind == "alike":
        return _(
            "Beside others like them: {treated:label_list} of {column:quoted}, and others "
            "weighted to the same means of {known:label_list4}.",
            known=change.before,
            **facts,
        )
    return _(
        "Before and after only: nobody was spared, so the line of the waves before {begun} is all "
        "there is to compare with.",
        **facts,
    )


def n(trial: Trial) -> str:
    """How many answers of whom."""
    there = ~np.isnan(trial.y[:, 0])
    counts = [
        int((there & rows & (trial.arm == arm)).sum())
        for arm in (1, 0)
        for rows in (trial.during, trial.earlier)
    ]
    reached, earlier, spared, spared_earlier = map(i18n.count, counts)
    if not trial.before.any():
        return _("{n} of those reached and {spared} of those spared.", n=reached, spared=spared)
    parts = [_("{n} answers of those reached ({before} before it)", n=reached, before=earlier)]
    if counts[2]:
        parts.append(_("{n} of those spared ({before} before it)", n=spared, before=spared_earlier))
    return _("{parts:list}.", parts=parts)
