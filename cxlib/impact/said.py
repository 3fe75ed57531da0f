"""What designs, effects and verdicts are called."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib import page
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
    return page.label(DESIGNS[name])


def value(number: float, unit: str) -> str:
    """A difference in its unit: 14.8 points, 0.21."""
    if unit == "points":
        return page.say("{v} points", v=page.number(number))
    if unit == "percentage points":
        return page.say("{v} percentage points", v=page.number(number))
    return page.number(number, 2)


def span(low: float, high: float, unit: str) -> str:
    """Its interval, without the unit; an end that would be rounded to 0 has a digit more."""
    digits = 1 if unit.endswith("points") else 2
    near = any(0 < abs(end) < 0.5 / 10**digits for end in (low, high))
    return page.span(low, high, digits + near)


def effect(trial: Trial, row: pd.Series, kind: str) -> str:
    """The effect on the first outcome, in one sentence; causes are named only where lots were."""
    facts = {
        "change": trial.label,
        "outcome": trial.called(),
        "size": value(abs(row["estimate"]), row["unit"]),
        "change_by": value(row["estimate"], row["unit"]),
        "span": span(row["low"], row["high"], row["unit"]),
        "n": page.count(row["n"]),
    }
    if row["low"] <= 0 <= row["high"]:
        return page.say(
            "{change}: an effect on {outcome} is not clear of chance, {change_by} ({span}), n {n}.",
            **facts,
        )
    up = row["estimate"] > 0
    if kind == "randomised" and up:
        return page.say(
            "{change} raised {outcome} by {size} ({span}); chance alone decided who got it, n {n}.",
            **facts,
        )
    if kind == "randomised":
        return page.say(
            "{change} lowered {outcome} by {size} ({span}, as a change); chance alone decided who "
            "got it, n {n}.",
            **facts,
        )
    higher = page.say("higher") if up else page.say("lower")
    if kind == "compared":
        return page.say(
            "{change}: {outcome} is {size} {higher} (change {span}) than the way of those it "
            "spared would lead one to expect, n {n}.",
            higher=higher, **facts,
        )  # fmt: skip
    if kind == "alike":
        return page.say(
            "{change}: {outcome} is {size} {higher} (difference {span}) than among others who were "
            "like them beforehand, n {n}.",
            higher=higher, **facts,
        )  # fmt: skip
    return page.say(
        "{change}: {outcome} is {size} {higher} (change {span}) than the waves before would lead "
        "one to expect; whatever else happened then is in it, n {n}.",
        higher=higher, **facts,
    )  # fmt: skip


def how(trial: Trial, kind: str) -> str:
    """The design in words a manager understands."""
    change = trial.change
    facts = {
        "treated": page.listed(page.label(v) for v in change.treated),
        "control": page.listed(page.label(g) for g in trial.spared),
        "column": page.quoted(page.label(change.column)),
        "begun": change.begun,
    }
    if kind == "randomised":
        past = page.say("Customers are compared at equal values of what was known of them before.")
        return page.together([
            page.say("Drawn by lot: {treated} beside {control}.", **facts),
            past if trial.before.any() or trial.x.shape[1] else "",
        ])  # fmt: skip
    if kind == "compared":
        out = page.say("Without answers in some wave and so left out: {names}.",
                       names=page.listed(map(page.label, trial.out)))  # fmt: skip
        return page.together([
            page.say(
                "Beside those it spared: how {treated} changed from before {begun} to after, less "
                "how {control} did.",
                **facts,
            ),
            out if trial.out else "",
        ])  # fmt: skip
    if kind == "alike":
        return page.say(
            "Beside others like them: {treated} of {column}, and others weighted to the same means "
            "of {known}.",
            known=page.listed((page.label(k) for k in change.before), most=4), **facts,
        )  # fmt: skip
    return page.say(
        "Before and after only: nobody was spared, so the line of the waves before {begun} is all "
        "there is to compare with.",
        **facts,
    )


def n(trial: Trial) -> str:
    """How many answers of whom."""
    there = ~np.isnan(trial.y[:, 0])
    counts = [int((there & rows & (trial.arm == arm)).sum())
              for arm in (1, 0) for rows in (trial.during, trial.earlier)]  # fmt: skip
    reached, earlier, spared, spared_earlier = map(page.count, counts)
    if not trial.before.any():
        return page.say("{n} of those reached and {spared} of those spared.",
                        n=reached, spared=spared)  # fmt: skip
    parts = [
        page.say("{n} answers of those reached ({before} before it)", n=reached, before=earlier)
    ]
    if counts[2]:
        parts.append(
            page.say("{n} of those spared ({before} before it)", n=spared, before=spared_earlier)
        )
    return page.say("{parts}.", parts=page.listed(parts))
