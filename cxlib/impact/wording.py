"""What designs, effects and their units are called in sentences."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.causal import staggered
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.impact.trial import Trial

DESIGNS = {  # of study.yaml, and second opinions -> what a table calls it
    "randomised": "randomised",
    "compared": "difference-in-differences",
    "staggered": "staggered roll-out",
    "never": "never-treated controls",
    "alike": "weighted controls",
    "series": "interrupted time series",
    "unadjusted": "unadjusted",
}


def value(number: float, unit: str) -> str:
    """A difference in its unit: 14.8 points, 0.21 points; an amount has none."""
    if unit == "points":
        return _("{v:number1} points", v=number)
    if unit == "percentage points":
        return _("{v:number1} percentage points", v=number)
    return _("{v:number2} points", v=number) if unit == "scale" else i18n.number(number, 2)


def span(low: float, high: float, unit: str) -> str:
    """Its interval, without the unit; an end that would be rounded to 0 has a digit more."""
    digits = 1 if unit.endswith("points") else 2
    near = any(0 < abs(end) < 0.5 / 10**digits for end in (low, high))
    return i18n.span(low, high, digits + near)


def signed(number: float, unit: str) -> str:
    """A difference in its unit, with its sign: +14.8 points, −0.21."""
    return f"+{value(number, unit)}" if number > 0 else value(number, unit)


def inside(label: str) -> str:
    """A change's name in the middle of a sentence: an article is not capitalised there."""
    return label[:1].lower() + label[1:] if label.startswith("The ") else label


def clause(trial: Trial, row: pd.Series, design: str) -> str:
    """The effect on the first outcome, as part of a sentence.

    Causal verbs of randomised designs only.
    """
    up = row["estimate"] > 0
    facts = {
        "change": inside(trial.label),
        # Chinese says that it is a rating which rose or fell.
        "outcome": _("{rating}", rating=trial.called())
        if row["unit"] == "scale"
        else trial.called(),
        "size": value(abs(row["estimate"]), row["unit"]),
        "higher": _("higher") if up else _("lower"),
    }
    if row["low"] <= 0 <= row["high"]:
        return _("no significant effect of {change} on {outcome} was found", **facts)
    if design == "randomised" and up:
        return _("{change} raised {outcome} by {size}", **facts)
    if design == "randomised":
        return _("{change} lowered {outcome} by {size}", **facts)
    if design == "compared" and up:
        return _("after {change}, {outcome} rose by {size} compared with controls", **facts)
    if design == "compared":
        return _("after {change}, {outcome} fell by {size} compared with controls", **facts)
    if design == "staggered" and up:
        return _(
            "after {change}, {outcome} rose by {size} compared with units that did not have it yet",
            **facts,
        )
    if design == "staggered":
        return _(
            "after {change}, {outcome} fell by {size} compared with units that did not have it yet",
            **facts,
        )
    if design == "alike":
        return _("with {change}, {outcome} was {size} {higher} than among similar others", **facts)
    return _("after {change}, {outcome} was {size} {higher} than the trend predicted", **facts)


def differed(trial: Trial, row: pd.Series, before: pd.Series) -> str:
    """What is told of randomised arms that differ with the change, as they did before it."""
    return i18n.opening(
        _(
            "{outcome} was {size} {higher} with {change} than among controls, but already {before} "
            "{higher} before it.",
            outcome=_("{rating}", rating=trial.called())
            if row["unit"] == "scale"
            else trial.called(),
            size=value(abs(row["estimate"]), row["unit"]),
            higher=_("higher") if row["estimate"] > 0 else _("lower"),
            change=inside(trial.label),
            before=value(abs(before["estimate"]), row["unit"]),
        )
    )


def with_period(trial: Trial, effect: str, *, faded: bool) -> str:
    """A significant effect with the waves that it is of, where the latest does not show it.

    The latest may be after the change has ended, or show nothing by itself (`faded`).
    """
    there = [wave for wave, after in zip(trial.waves, trial.after, strict=True) if after]
    facts = {"effect": effect, "first": there[0], "last": there[-1]}
    if there[-1] != trial.waves[-1]:
        if len(there) == 1:
            return _("in {last:period}, {effect}", **facts)
        return _("on average from {first:period} to {last:period}, {effect}", **facts)
    return _("on average since {first:period}, {effect}", **facts) if faded else effect


def sentence(*clauses: str) -> str:
    """One or two clauses as a sentence."""
    if len(clauses) == 1:
        return i18n.opening(_("{first}.", first=clauses[0]))
    return i18n.opening(_("{first}; {second}.", first=clauses[0], second=clauses[1]))


def detail(row: pd.Series, design: str) -> str:
    """Design, interval and n of an effect; its size too, where the claim has none."""
    facts = {
        "design": DESIGNS[design],
        "size": signed(row["estimate"], row["unit"]),
        "span": span(row["low"], row["high"], row["unit"]),
        "n": row["n"],
    }
    if row["low"] <= 0 <= row["high"]:
        return _("{design:opening}; {size}, 95% CI {span}; n = {n:count}", **facts)
    return _("{design:opening}; 95% CI {span}; n = {n:count}", **facts)


def design(trial: Trial, name: str) -> str:
    """Whom the design compares with whom."""
    change = trial.change
    facts = {
        "treated": change.treated,
        "control": trial.control,
        "column": change.column,
        "begun": change.first_wave,
    }
    if name == "randomised":
        past = _("Customers are compared at equal values of what was known of them before.")
        return i18n.together(
            [
                _("Randomised: {treated:label_list} compared with {control:label_list}.", **facts),
                past if trial.before.any() or trial.x.shape[1] else "",
                _(
                    "The effect in a wave compares all answers that they gave in it, however long "
                    "the change had lasted for them; 26_whom_to_call_back compares the first "
                    "answers after calls, where the change is call-backs."
                )
                if trial.after.sum() > 1
                else "",
            ]
        )
    if name == "compared":
        out = _(
            "Left out, as they have no answers in some wave or too few customers: "
            "{names:label_list}.",
            names=trial.out,
        )
        return i18n.together(
            [
                _(
                    "Difference-in-differences: how {treated:label_list} changed from before "
                    "{begun:date} to after, minus how {control:label_list} did.",
                    **facts,
                ),
                out if trial.out else "",
            ]
        )
    if name == "staggered":
        return _roll_out(trial)
    if name == "alike":
        return _(
            "Weighted controls: {treated:label_list} of {column:quoted}, and others weighted to "
            "the same means of {known:label_list4}.",
            known=change.before,
            **facts,
        )
    return _(
        "Interrupted time series: there is no control group, so the trend before {begun:date} is "
        "all there is to compare with.",
        **facts,
    )


def _roll_out(trial: Trial) -> str:
    """Cohorts, controls, units left out, and whose chance is in the intervals."""
    start, waves = np.asarray(trial.start), len(trial.waves)
    treated = (start > 0) & (start < waves)
    facts = {
        "units": int((start > 0).sum()),
        "treated": int(treated.sum()),
        "cohorts": len(np.unique(start[treated])),
        "never": int((start == waves).sum()),
        "begun": trial.change.first_wave,
    }
    said = [
        _(
            "Staggered roll-out from {begun:date} on: {treated:count} units in {cohorts:count} "
            "cohorts, each compared with the units that did not have it yet in the same waves "
            "({never:count} never had it).",
            **facts,
        )
    ]
    if staggered.free_units(start) >= staggered.LEAST_FREE:
        said.append(
            _(
                "Intervals contain what happens in single units by itself: {units:count} units are "
                "resampled.",
                **facts,
            )
        )
    else:
        said.append(
            _(
                "{units:count} units are too few to be resampled: intervals reflect the sampling "
                "of customers, and what happens in single units by itself is not in them.",
                **facts,
            )
        )
    if trial.out:
        said.append(
            _("Without answers in some wave and so left out: {names:label_list}.", names=trial.out)
        )
    if early := [g for g, first in zip(trial.groups, start, strict=True) if first == 0]:
        said.append(
            _(
                "With it from the first wave on, and so left out: {names:label_list}.",
                names=early,
            )
        )
    return i18n.together(said)


def counts(trial: Trial) -> str:
    """How many answers of whom."""
    others = _other_changes(trial)
    numbers = [
        trial.answers(rows & (trial.arm == arm))
        for arm in (1, 0)
        for rows in (trial.during, trial.earlier)
    ]
    treated, earlier, control, control_earlier = map(i18n.count, numbers)
    if not trial.before.any():
        said = _("{n} treated and {control} controls.", n=treated, control=control)
        return i18n.together([said, *others])
    parts = [_("{n} answers of the treated ({before} before it)", n=treated, before=earlier)]
    if numbers[2]:
        parts.append(_("{n} of controls ({before} before it)", n=control, before=control_earlier))
    return i18n.together([_("{parts:list}.", parts=parts), *others])


def _other_changes(trial: Trial) -> list[str]:
    """Whom other changes reached in the same waves, and what that means for the effect."""
    said = []
    if trial.contaminated:
        said.append(
            _(
                "Left out of the comparison because another change affected them: {names:list}.",
                names=trial.contaminated,
            )
        )
    if trial.shared:
        said.append(
            _(
                "Most of the treated had other changes too in these waves: {names:list}. The "
                "effect includes what those changed.",
                names=trial.shared,
            )
        )
    return said
