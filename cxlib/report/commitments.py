"""What the study has committed to, in every finding about it: its targets and its open actions.

    finding = commitments.of(fit)      # the finding, judged by its target, with action and owner

Findings are recorded in one place (`answers.add`), and this is applied there. Targets and ledger
come from the context of the page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cxlib import actions
from cxlib.core import context, i18n
from cxlib.core.columns import INTERVAL, SIMULTANEOUS, deciding_ends
from cxlib.core.finding import Finding, Importance
from cxlib.core.i18n import N_, _
from cxlib.core.result import Result
from cxlib.data.schema import Target
from cxlib.privacy import disclosure

# What a finding may be of, to be judged by the target of its measure: times and touchpoints, no
# groups of customers; of several windows ("within a year") the one that answers the question.
TIMES, WINDOWS = (
    {"wave", "month", "period", "touchpoint", "horizon", "basis"},
    {"window", "term", "lead", "day"},
)
SUBJECTS = ("touchpoint", "topic", "term")  # columns that say what a row is about
STANDINGS = {
    "met": N_("target {t} met"),
    "met, not certain": N_("target {t} met by the estimate, within the margin of error"),
    "missed, not certain": N_("target {t} missed by the estimate, within the margin of error"),
    "missed": N_("target {t} missed"),
    "not reached yet": N_("target {t} not reached yet"),
}
# The worst and the best that a score can be; of others no bounds are known.
EXTREMES = {"nps": (-100.0, 100.0), "csat": (0.0, 1.0)}
# Where the interval beside them lies on one side of the target, the simultaneous one does not.
ALLOWING = {
    "met, not certain": N_(
        "target {t} met by the estimate, within the margin of error of several comparisons"
    ),
    "missed, not certain": N_(
        "target {t} missed by the estimate, within the margin of error of several comparisons"
    ),
}


def of(fit: Result) -> Finding:
    """The finding of a result, judged by the target of its measure, with action and owner.

    Examples
    --------
    >>> import pandas as pd
    >>> finding = Finding("CLV is 93.", "n = 40", value=93.0, low=80.0, high=99.0, measure="clv")
    >>> rules = context.Context(targets={"clv": Target(value=100)})
    >>> with context.use(rules):
    ...     of(Result(pd.DataFrame({"estimate": [93.0]}), finding)).detail
    'n = 40; target 100 missed'
    """
    finding = _answered(_owned(_judged(fit.finding, fit), fit), fit)
    return replace(finding, action=i18n.line(finding.action))


def _answered(finding: Finding, fit: Result) -> Finding:
    """With what follows from a level of all rows, its change and its target, where nothing else."""
    level = finding.change is not None or finding.target_standing
    if finding.action or not level or finding.importance < Importance.ANSWER:
        return finding
    if set(finding.at) <= (TIMES | WINDOWS if finding.target_standing else TIMES):
        return replace(finding, action=_next_step(finding, bool(_by_nonresponse(finding, fit))))
    return finding


def _next_step(finding: Finding, silent: bool = False) -> str:
    """What to do; `silent` where those who did not answer could overturn a verdict."""
    standing = finding.target_standing
    if finding.verdict == "worse":
        return _("Find out why: “Is it changing?” names the questions and groups that fell.")
    if standing == "missed":
        return _("Begin with the groups that are furthest below the target.")
    if standing == "not reached yet":
        day = finding.target_by
        return _("Plan what closes the gap to the target by {day:date}.", day=day)
    if standing.endswith("not certain") and silent:
        return _("Ask some of those who did not answer: they could overturn the verdict.")
    if standing.endswith("not certain") and "wave" not in finding.at:
        return _("Do not count the target as met or missed yet: wait for more data.")
    if standing.endswith("not certain"):
        return _("Do not count the target as met or missed yet: look at the next wave first.")
    if finding.verdict == "better":
        return _("Find out what improved it, and keep that.")
    return _("Nothing to do: there is no significant change to respond to.")


def _judged(finding: Finding, fit: Result) -> Finding:
    """With the standing of its target, and as news where it is missed for certain."""
    if finding.value is None:
        return finding
    value = finding.value
    low, high = _deciding(finding, fit)
    if finding.target is None:
        # A level of all waves together is context: the target is of the latest, which says so.
        target = None if fit.parts.get("pooled") else _target(finding)
        if target is None:
            return finding
        finding = replace(finding, **target.slots(value, low, high))
        if finding.target_standing == "missed":
            news = {"verdict": "worse", "importance": Importance.NEWS}
            finding = replace(finding, **news)  # type: ignore[arg-type]
    elif not finding.target_standing:
        finding = replace(finding, **Target(value=finding.target).slots(value, low, high))
    detail = [finding.detail, target_words(finding), _by_nonresponse(finding, fit)]
    return replace(finding, detail=_("; ").join(part for part in detail if part))


def _by_nonresponse(finding: Finding, fit: Result) -> str:
    """Whether those who did not answer could overturn the verdict on a score of all respondents.

    As where all of them gave the worst answer, or the best (Manski 1990): the bounds that
    `scores.nonresponse` gives, or those by the share who did not answer in the wave.
    """
    bounds = _bounds(finding, fit)
    if bounds is None or finding.target is None:
        return ""
    if not bounds[0] < finding.target <= bounds[1]:
        return ""
    here = "least" in fit.table  # the page that has the bounds need not be referred to
    return _("non-response could overturn this") if here else by_nonresponse()


def by_nonresponse() -> str:
    """What the line of a target says where those who did not answer could overturn its verdict."""
    return _("non-response could overturn this (see “Who answers?”)")


def _bounds(finding: Finding, fit: Result) -> tuple[float, float] | None:
    """The lowest and highest value of all who were asked; None where that is not known."""
    if {"least", "most"} <= set(fit.table) and len(fit.table) == 1:
        return float(fit.table["least"].iloc[0]), float(fit.table["most"].iloc[0])
    extremes = EXTREMES.get(finding.measure.partition(":")[0])
    known = context.current().silent
    share = known.get(finding.at.get("wave", ""), known.get(""))
    if extremes is None or share is None or finding.value is None:
        return None
    low, high = ((1 - share) * finding.value + share * end for end in extremes)
    return low, high


def _deciding(finding: Finding, fit: Result) -> tuple[float, float]:
    """The ends that decide on a target: the simultaneous ones of its row, else its own."""
    value, low, high = finding.value, finding.low, finding.high
    if {*INTERVAL, SIMULTANEOUS[0]} <= set(fit.table) and None not in (low, high):
        own = (fit.table[list(INTERVAL)] == [value, low, high]).all(axis=1)
        if own.any():
            low, high = deciding_ends(fit.table[own].iloc[0])
    return tuple(float(value if end is None else end) for end in (low, high))  # type: ignore


def _target(finding: Finding) -> Target | None:
    """The study's target for the measure of a finding about all customers."""
    answers = finding.importance >= Importance.ANSWER
    if not set(finding.at) <= (TIMES | WINDOWS if answers else TIMES):
        return None
    known = context.current().targets
    name = finding.measure.rpartition(":")[2].replace(" ", "_")
    return known.get(name)


def target_words(finding: Finding) -> str:
    """The target and whether it is met, as the line below a claim says it."""
    standing, target = finding.target_standing, finding.target
    inside = None in (finding.low, target, finding.high) or (
        finding.low <= target <= finding.high  # type: ignore[operator]
    )
    words = STANDINGS[standing] if inside else ALLOWING.get(standing, STANDINGS[standing])
    goal = written(finding)
    if day := finding.target_by:
        goal = _("{t} by {day:date}", t=goal, day=day)
    return _(words, t=goal)


def written(finding: Finding) -> str:
    """The target in the unit of its measure: +30, 80%, €90, 7.5."""
    target, unit = finding.target or 0.0, finding.unit
    if finding.measure == "nps":
        return i18n.signed(target, 0)
    if unit == "share":
        return i18n.percent(target, int(abs(100 * target) % 1 > 0))
    if len(unit) == 3 and unit.isupper():
        return i18n.money((target, unit))
    return i18n.number(target, 0 if target == int(target) else 2)


def _owned(finding: Finding, fit: Result) -> Finding:
    """With the open action about what it is about, and who does it."""
    ledger = context.current().ledger
    if ledger is None or finding.owner or finding.importance < Importance.ANSWER:
        return finding
    more = context.current().last_wave
    subjects = list(_subjects(finding, fit))
    over = bool(fit.parts.get("past"))
    action, owner = actions.responsible(ledger, *subjects, more=more, aim=finding.action, over=over)
    if not action:
        return finding
    # A claim that asks for something must not leave out that the ledger says otherwise.
    against = actions.evidence_against(ledger, *subjects, more=more)
    if finding.action and against:
        told = _("; ").join(filter(None, [finding.detail, against]))
        finding = replace(finding, detail=told)
    return replace(finding, action=action, owner=owner)


def _subjects(finding: Finding, fit: Result) -> Iterator[str]:
    """Names that an action may be about: of the result, its row, its groups, its measure."""
    rows = disclosure.shown(fit.table)
    yield str(fit.parts.get("acts_on", ""))
    if finding.value is not None:
        numbers = rows[rows.columns.intersection(["estimate", "impact"])].select_dtypes("number")
        rows = rows[((numbers.abs() - abs(finding.value)).abs() < 1e-9).any(axis=1)]
    elif finding.verdict != "worse":
        rows = rows.iloc[:0]
    for column in SUBJECTS:
        if column in rows and len(rows):
            yield str(rows[column].iloc[0])
    yield from (value for key, value in finding.at.items() if key != "basis")
    yield finding.measure.rpartition(":")[2]
