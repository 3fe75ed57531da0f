"""Does the verdict on service standards survive another definition of "on time"?

fit = definitions(cases, clock)
fit.table           # term, hours, waiting, open cases, estimate (share on time), verdict
print(fit)          # Both verdicts hold under all 18 definitions of on time.

A share on time depends on which hours count, whether time with the customer does, and what becomes
of cases that are still open. Each combination can be defended; a verdict worth acting on does not
depend on the choice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import N_, _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.service import shares
from cxlib.service.cases import CLOCKS, case_notes
from cxlib.service.clocks import Clock, counted_in
from cxlib.service.counted import CountedCases
from cxlib.service.standards import DONE, Part, packed, share_on_time
from cxlib.stats.notes import resampling_note

WATCHED, MISSED, LEFT_OUT = "open as observed", "overdue as missed", "without open cases"
COUNTS = ("other verdict", "same verdict")  # of a standard, where time is counted otherwise
UNSURE = {"missed", "unclear"}  # verdicts of a standard that no definition meets for certain
COUNTED, TAKEN_OFF = "all time", "without waiting for the customer"


def definitions(sample: SampleLike, clock: Clock, *, goal: float = 0.9) -> Result:
    """Share of cases on time under every defensible definition; whether the verdict is the same.

    Parameters
    ----------
    sample : cases of `case_times`, made with the same clock
    clock : of `make_clock`: its basis is the stated definition; its working hours and statuses of
        waiting make the others
    goal : share of cases that is to be in time, 0 to 1

    Returns
    -------
    Result with "table": term ("first response", "resolution"), hours (which count), waiting
    (whether time waiting for the customer counts), open_counted (as long as observed, by Kaplan and
    Meier; overdue ones as missed, where those not due are left out; or none of them, which counts
    cases by when they ended), estimate (share on time), low, high, n, simultaneous ends, goal,
    verdict as `sla_attainment` has it, stated ("yes" for the definition of the page). Definitions
    of open cases that differ in fewer cases than the page's smallest cell are one. `headline` has
    the rows of the standard that the page leads with, for a figure, and `about` what they are.

    Raises
    ------
    InsufficientData : no case has a standard in hours, or there is one definition only

    References
    ----------
    Simonsohn, Simmons and Nelson (2020), Specification curve analysis.

    Examples
    --------
    >>> from cxlib.data.schema import Standard
    >>> from cxlib.data.working_hours import WorkingHours
    >>> from cxlib.service.cases import case_times
    >>> opened = pd.to_datetime(["2026-03-06 16:00"] * 40)
    >>> cases = pd.DataFrame({"opened_at": opened, "solved_at": opened + pd.Timedelta(days=3)})
    >>> clock = Clock(working=WorkingHours(**{"from": "09:00", "to": "17:00"}))
    >>> timed = case_times(cases, {"any": Standard(solved_hours=24)}, clock=clock)
    >>> definitions(timed, clock).table["verdict"].tolist()
    ['missed', 'met', 'met']
    """
    sample = as_sample(sample)
    rows = [
        _described(table, variant, case, clock)
        for variant in clock.variants()
        for case, table in _tables(sample, variant, goal)
    ]
    if len(rows) < 2:
        raise InsufficientData(
            _("Only one definition of on time can be computed; state working_hours for others.")
            if rows
            else _("No case has a standard in hours.")
        )
    table = pd.concat(rows).sort_values("term", kind="stable")
    same = ["term", "hours", "open_counted", "estimate", "low", "high", "n"]
    # Where nothing was waited for, both ways to count it are one.
    table = table[~table.duplicated(same) | (table["estimate"] == 1)].reset_index(drop=True)
    lowest = table.loc[table[table["stated"] == "yes"]["estimate"].idxmin(), "term"]
    headline = table[table["term"] == lowest]
    varied = [c for c in ("waiting", "open_counted") if headline[c].nunique() > 1] or ["waiting"]
    names = [_("; ").join(map(i18n.label, v)) for v in headline[varied].itertuples(index=False)]
    headline = headline[["hours", "estimate", "low", "high", "n"]].assign(term=names)
    return Result(
        {"table": table},
        _finding(table),
        i18n.together([*case_notes(sample), *_notes(table), resampling_note(sample)]),
        "share",
        columns=[Column("open_counted", "how open cases count", "name", label="open cases")],
        draws=sample.draws,
        seed=sample.seed,
        parts={
            "headline": headline,
            "about": _("share of {what} on time", what=_(DONE[lowest])),
        },
    )


def with_hours(fit: Result, clock: Clock) -> Result:
    """The same finding, with which hours count where others could.

    Parameters
    ----------
    fit : about a share on time, such as of `scores.units`
    clock : by which it was counted, of `make_clock`

    Examples
    --------
    >>> from cxlib.data.working_hours import WorkingHours
    >>> fit = Result(pd.DataFrame(), "All teams miss the target.")
    >>> clock = Clock(working=WorkingHours(**{"from": "09:00", "to": "17:00"}))
    >>> print(with_hours(fit, clock))
    Counted in calendar hours, all teams miss the target.
    >>> print(with_hours(fit, Clock()))
    All teams miss the target.
    """
    if len({variant.basis for variant in clock.variants()}) == 1:
        return fit
    claim = _("{counted}, {first:inner}", counted=clock.counted, first=fit.finding.claim)
    return fit.replace(finding=replace(fit.finding, claim=i18n.opening(claim)))


def with_definitions(fit: Result, stress: Result | None) -> Result:
    """The standards with whether their verdicts depend on how time is counted.

    Parameters
    ----------
    fit : of `sla_attainment`, of all cases
    stress : of `definitions`; None where there is one definition only

    Returns
    -------
    `fit` whose table has other_counts ("same verdict" or "other verdict": some definition gives
    another one, be it that nothing is certain) and hours (the stated ones), and whose finding names
    them and says which verdicts other definitions change

    Examples
    --------
    >>> row = pd.DataFrame({"term": ["resolution"], "verdict": ["missed"]})
    >>> both = pd.concat([row, row.assign(verdict="met")])
    >>> both = both.assign(hours=["calendar hours", "working hours"], stated=["yes", "no"])
    >>> found = with_definitions(Result(row, "The target was missed."), Result(both, ""))
    >>> found.finding.claim, found.finding.detail
    ('Counted in calendar hours, the target was missed.', 'other ways to count change the verdict \
on resolutions')
    """
    if stress is None:
        return fit
    verdicts = stress.table.groupby("term")["verdict"]
    varied = fit.table["term"].map(verdicts.nunique()) > 1
    hours = str(stress.table.loc[stress.table["stated"] == "yes", "hours"].iloc[0])
    table = fit.table.assign(other_counts=np.where(varied, *COUNTS), hours=hours)
    column = Column("other_counts", unit="name", label=N_("with other ways to count time"))
    known = [*fit.columns, column, Column("hours", unit="name")]
    fit = fit.replace(tables={**fit.tables, "table": table}, columns=known)
    shown = disclosure.shown(table)
    loose = shown[(shown["other_counts"] == COUNTS[0]) & (shown["verdict"] != "unclear")]
    told = fit.finding
    words = [told.detail] if told.detail else []
    if len(loose):
        changed = _(
            "other ways to count change the verdict on {names:list}",
            names=[_(DONE[t]) for t in loose["term"]],
        )
        claim = _("{counted}, {first:inner}", counted=counted_in(hours), first=told.claim)
        told = replace(told, claim=i18n.opening(claim))
        words.append(changed)
    for term in loose["term"]:
        of_term = verdicts.get_group(term)
        if set(of_term) == UNSURE:
            words.append(_missed_or_unclear(str(term), of_term))
    missed = shown[(shown["other_counts"] == COUNTS[1]) & (shown["verdict"] == "missed")]
    never = [_(DONE[t]) for t in missed["term"]]
    if never:
        words.append(_("{names:list} miss the target however time is counted", names=never))
    if not never and (settle := _settle_first(stress.table, loose)):
        told = replace(told, action=settle)
    return fit.replace(finding=replace(told, detail=_("; ").join(words)))


def _settle_first(table: pd.DataFrame, loose: pd.DataFrame) -> str:
    """What to do where whether a target is missed depends on which hours count; else empty."""
    missed = loose.loc[loose["verdict"] == "missed", "term"]
    stated = table[(table["stated"] == "yes") & table["term"].isin(missed)]
    if stated.empty or not {"waiting", "open_counted", "estimate"} <= set(table):
        return ""
    alike = ["term", "waiting", "open_counted"]
    others = table.merge(stated[alike], on=alike)
    others = others[(others["stated"] != "yes") & (others["verdict"] != "missed")]
    if others.empty:
        return _("Settle first how the promise counts time: whether it is missed depends on it.")
    basis = others.loc[others["estimate"].idxmax(), "hours"]
    shares = [
        _("{share:share} of {what}", share=row.estimate, what=_(DONE[row.term]))
        for row in others[others["hours"] == basis].itertuples()
    ]
    return _(
        "Settle first which hours the promise counts: {counted}, {shares:list} are on time.",
        counted=counted_in(str(basis)),
        shares=shares,
    )


def _missed_or_unclear(term: str, verdicts: pd.Series) -> str:
    """Of a standard that no definition meets for certain: how many miss it, how many do not."""
    return _(
        "{what} miss the target under {k:count} of {n:count} definitions of on time (unclear under "
        "{rest:count})",
        what=_(DONE[term]),
        k=int((verdicts == "missed").sum()),
        n=len(verdicts),
        rest=int((verdicts == "unclear").sum()),
    )


def _tables(sample: Sample, clock: Clock, goal: float) -> Iterator[tuple[str, pd.DataFrame]]:
    """The shares on time of both clocks for one choice of hours, by what becomes of open cases."""
    there = [c for c, (_at, p, _done) in CLOCKS.items() if _has_limit(sample, f"{p}_limit")]
    found: dict[str, list[Part]] = {WATCHED: [], MISSED: [], LEFT_OUT: []}
    for name in there:
        part, used, cases = _by_clock(sample, clock, name)
        found[WATCHED].append(("", name, share_on_time(part, used, part["done"]), part.rows_of()))
        hit, n = (cases["done"] & cases["in_time"]).astype(float), cases.rows_of()
        for case, counted in ((MISSED, cases["due"]), (LEFT_OUT, cases["done"])):
            without = cases.rows_of(~counted.to_numpy())
            if max(context.current().smallest_cell, 1) <= without < n:
                _names, drawn, kept = shares.group_shares(cases, hit.where(counted), None)
                found[case].append(("", name, drawn, int(kept[0])))
    for case, parts in found.items():
        if parts:
            yield case, packed(parts, None, goal, len(there))[0]


def _by_clock(sample: Sample, clock: Clock, name: str) -> tuple[Sample, pd.Series, Sample]:
    """Cases with a standard by a clock: waits, in parts of the limit, and what became of each.

    The latter has done, in_time and due: by every clock, so that all definitions that need it are
    of the same cases.
    """
    _unused, prefix, happened = CLOCKS[name]
    if isinstance(sample, CountedCases):
        waits = sample.timed_by(clock).waits(f"{prefix}_used")
        return waits, waits["time"] / waits["limit"], waits.verdicts
    part = sample.where(sample[f"{prefix}_limit"].notna())
    opened, ids, limit = part["opened_at"], part.data.get("case_id"), part[f"{prefix}_limit"]
    end = opened + pd.to_timedelta(part[f"{prefix}_hours"], unit="h")
    used, clocks = clock.hours(opened, end, ids) / limit, clock.variants()
    due = np.all([c.hours(opened, part["as_of"], ids) >= limit for c in clocks], axis=0)
    part = part.assign(done=part[happened], in_time=used <= 1, due=due)
    return part, used, part


def _has_limit(sample: Sample, limit: str) -> bool:
    return limit in sample and bool(sample[limit].notna().any())


def _described(table: pd.DataFrame, variant: Clock, case: str, stated: Clock) -> pd.DataFrame:
    same = (variant.basis, variant.less_waiting) == (stated.basis, stated.less_waiting)
    table.insert(1, "hours", variant.basis)
    table.insert(2, "waiting", TAKEN_OFF if variant.less_waiting else COUNTED)
    table.insert(3, "open_counted", case)
    return table.assign(stated="yes" if same and case == WATCHED else "no")


def _finding(table: pd.DataFrame) -> Finding:
    """Whether the verdict of each standard is the same under all definitions."""
    shown = disclosure.shown(table)
    parts = [(str(t), part) for t, part in shown.groupby("term", sort=False) if len(part) > 1]
    if not parts:
        claim = _("Too few cases to compare definitions of on time.")
        return Finding(claim, importance=Importance.METHOD)
    # Missed for certain by some, met for certain by none: the claim counts both kinds.
    unsure = [(t, part) for t, part in parts if set(part["verdict"]) == UNSURE]
    loose = [(t, part) for t, part in parts if part["verdict"].nunique() > 1]
    loose = [one for one in loose if one[0] not in dict(unsure)]
    held = [(term, part) for term, part in parts if part["verdict"].nunique() == 1]
    words: dict[str, object] = {"n": sum(len(part) for _term, part in parts)}
    if unsure:
        claim = _unsure(unsure, loose)
    elif not loose:
        claim = (
            _("Both verdicts hold under all {n:count} definitions of on time.", **words)
            if len(parts) > 1
            else _(
                "The verdict on {what} holds under all {n:count} definitions of on time.",
                what=_(DONE[parts[0][0]]),
                **words,
            )
        )
    else:
        claim = _depends(loose, [term for term, _part in held])
    goal = i18n.percent(float(shown["goal"].iloc[0]))
    lines = [_range(term, part) for term, part in parts]
    return Finding(
        claim,
        i18n.opening(_("; ").join([*lines, _("target {goal}", goal=goal)])),
        verdict="unclear" if loose or unsure else "",
        importance=Importance.NOTABLE if loose or unsure else Importance.ANSWER,
    )


def _unsure(unsure: list[tuple[str, pd.DataFrame]], loose: list[tuple[str, pd.DataFrame]]) -> str:
    """Under how many definitions targets are missed, and a standard that some definition meets."""
    said = _missed_or_unclear(unsure[0][0], unsure[0][1]["verdict"])
    for term, part in [*unsure[1:], *loose]:
        other = _(
            "{first} under {k:count} of {m:count}",
            first=_(DONE[term]),
            k=int((part["verdict"] == "missed").sum()),
            m=len(part),
        )
        said = _("{first}, {second}", first=said, second=other)
    return i18n.opening(_("{first}.", first=said))


def _depends(loose: list[tuple[str, pd.DataFrame]], held: list[str]) -> str:
    """Under how many definitions the target is missed, or met where it is missed under none."""
    term, part = loose[0]
    missed, met = (int((part["verdict"] == v).sum()) for v in ("missed", "met"))
    words: dict[str, object] = {"first": _(DONE[term]), "n": len(part), "k": missed or met}
    if len(loose) > 1:
        return _(
            "How time is counted decides both verdicts: {first} miss the target under {k:count} "
            "of {n:count} definitions, {last} under {j:count} of {m:count}.",
            **(words | {"k": missed}),
            j=int((loose[1][1]["verdict"] == "missed").sum()),
            last=_(DONE[loose[1][0]]),
            m=len(loose[1][1]),
        )
    if held:
        words["other"] = _(DONE[held[0]])
        return (
            _(
                "The verdict on {other} holds under every definition; {first} miss the target "
                "under {k:count} of {n:count}.",
                **words,
            )
            if missed
            else _(
                "The verdict on {other} holds under every definition; {first} meet the target "
                "under {k:count} of {n:count} and miss it under none.",
                **words,
            )
        )
    return (
        _(
            "How time is counted decides the verdict on {first}: the target is missed under "
            "{k:count} of {n:count} definitions.",
            **words,
        )
        if missed
        else _(
            "How time is counted decides the verdict on {first}: the target is met under {k:count} "
            "of {n:count} definitions, missed under none.",
            **words,
        )
    )


def _range(term: str, part: pd.DataFrame) -> str:
    """The lowest and highest share of all definitions, and the one that the page states."""
    lowest, highest = part["estimate"].min(), part["estimate"].max()
    digits = 1 if highest - lowest < 0.02 else 0
    stated = part.loc[part["stated"] == "yes", "estimate"]
    return _(
        "{what} {span} on time, {stated:share{digits}} as stated",
        what=_(DONE[term]),
        span=i18n.span(lowest, highest, digits, share=True),
        stated=float(stated.iloc[0]) if len(stated) else lowest,
        digits=digits,
    )


def _notes(table: pd.DataFrame) -> list[str]:
    """What the definitions differ in."""
    said = []
    if table["hours"].nunique() > 1:
        said.append(
            _(
                "Hours of a standard are calendar hours, working hours, or working days (24 hours "
                "are one working day)."
            )
        )
    if table["open_counted"].nunique() > 1:
        said.append(
            _(
                "Open cases count as long as they were observed, count as missed once overdue, or "
                "are left out, as where cases are counted by when they ended."
            )
        )
    return said
