"""Are service standards met? Shares of cases in time against their goal, and alerts.

    fit = sla_attainment(case_times(cases, standards), by="severity")
    fit.table           # severity, term (first response, resolution), estimate (share in time)
    sla_by_month(case_times(cases, standards))             # the latest month and the one before
    sla_alerts(fit, cases)                                 # records as `scores.alerts` has them

Open cases count for as long as they were observed (Kaplan and Meier 1958), so that a share is not
flattered by those that are not over.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import SIMULTANEOUS, Column
from cxlib.core.i18n import N_, _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.privacy import disclosure
from cxlib.service import shares
from cxlib.service.cases import CLOCKS, IN_TIME, case_notes, provisional, undecided
from cxlib.stats.estimators import Replicated
from cxlib.stats.notes import resampling_note, simultaneous_note

DONE = {"first response": N_("first responses"), "resolution": N_("resolutions")}  # in sentences
SLA = {"first response": N_("first-response SLA"), "resolution": N_("resolution SLA")}  # in alerts
APART = 0.05  # difference of the shares of two years from which they are told
YEARS, EACH_YEAR = 3, 30  # from which worst and best year are told, and cases that a year needs
Part = tuple[str, str, Replicated, int]  # group, clock, share in time, cases


def sla_attainment(sample: SampleLike, *, by: str | None = None, goal: float = 0.9) -> Result:
    """Share of cases answered and resolved within their standard (SLA).

    Parameters
    ----------
    sample : cases of `case_times`; each is held to the standard of its own severity. Where hours
        are not on file, reply_in_time and solved_in_time may be (1, 0, or missing)
    by : column of groups
    goal : share of cases that is to be in time, 0 to 1

    Returns
    -------
    Result with "table": [by,] term ("first response", "resolution"), estimate (share), low, high, n
    (cases with a standard), simultaneous_low, simultaneous_high (of several), goal, verdict
    ("missed": the whole simultaneous interval lies below the goal; "met": above it; else
    "unclear").

    Raises
    ------
    ValueError : no case has a standard

    References
    ----------
    Kaplan and Meier (1958); Wilson (1927).

    Examples
    --------
    >>> days = pd.to_datetime(["2026-03-02", "2026-03-03"])
    >>> cases = pd.DataFrame({"opened_at": days[[0, 0]], "solved_at": days})
    >>> fit = sla_attainment(cases.assign(solved_in_time=[1.0, 0.0]))
    >>> fit.table[["term", "estimate", "n"]].values.tolist()
    [['resolution', 0.5, 2]]
    """
    sample = as_sample(sample)
    found = [part for clock in CLOCKS for part in _in_time(sample, clock, by)]
    if not found:
        raise ValueError(
            "no case has a standard. Give hours in study.yaml (service: {any: {solved_hours: 48}}) "
            "and pass them to service.case_times(cases, standards)."
        )
    table, replicates = packed(found, by, goal)
    table = sample.counted(table)
    without = {c: int(undecided(sample, IN_TIME[c]).sum()) for c in dict.fromkeys(table["term"])}
    if not by and any(without.values()):
        table["undecided"] = table["term"].map(without)
        least = context.current().smallest_cell
        table["undecided"] = table["undecided"].where(table["undecided"] >= least, 0)
    return Result(
        table,
        _finding(table, by, goal, _counted(sample), sample),
        i18n.together(
            [*case_notes(sample), *_without(without, len(sample)), _how(found, sample, by)]
        ),
        "share",
        columns=[
            Column(
                "undecided",
                "cases without a verdict, left out",
                "count",
                label=N_("without a verdict"),
            )
        ],
        draws=sample.draws,
        seed=sample.seed,
        replicates=replicates,
    )


def _without(without: dict[str, int], offered: int) -> list[str]:
    """What is said of cases that are left out, as the file has no verdict on them."""
    return [
        _(
            "{n} of {offered:count} cases have no verdict on {what} on file (still in progress, or "
            "not recorded) and are left out.",
            n=disclosure.count_in_words(n),
            offered=offered,
            what=_(DONE[clock]),
        )
        for clock, n in without.items()
        if n
    ]


def _in_time(sample: Sample, clock: str, by: str | None) -> list[Part]:
    """The shares of each group that were in time; none where no standard or date is on file."""
    _unused, prefix, happened = CLOCKS[clock]
    limit, column = f"{prefix}_limit", IN_TIME[clock]
    if limit in sample and sample[limit].notna().any():
        found, cases = [], sample.of(f"{prefix}_used", by)
        for name, part in shares.group_samples(cases.where(cases[limit].notna()), by):
            drawn = share_on_time(part, part[f"{prefix}_used"] / part[limit], part[happened])
            found.append((name, clock, drawn, part.rows_of()))
        return found
    if column not in sample or sample[column].isna().all():
        return []
    names, drawn, n = shares.group_shares(sample, sample[column], by)  # as the file itself says
    each = (
        Replicated(drawn.estimate[[k]], drawn.replicates[:, [k]], drawn.units)
        for k in range(len(names))
    )
    return [(name, clock, part, int(k)) for name, part, k in zip(names, each, n, strict=True)]


def share_on_time(sample: Sample, used: pd.Series, done: pd.Series) -> Replicated:
    """The share that was over by 1, in units of each case's own limit (Kaplan and Meier 1958)."""
    parts = used.to_numpy(float).round(9)  # equal parts of different limits are then equal
    return shares.cases_within(sample, parts, done.to_numpy(), np.ones(1))


def packed(
    found: list[Part], by: str | None, goal: float, held: int = 0
) -> tuple[pd.DataFrame, np.ndarray]:
    """The table of `sla_attainment` and the draws; intervals hold for `held` shares, else all."""
    held = held or len(found)
    ends = [shares.interval_columns(f[2], np.array([f[3]]), held) for f in found]
    table = pd.DataFrame(
        {
            "term": [f[1] for f in found],
            "estimate": np.concatenate([f[2].estimate for f in found]),
            **{name: np.concatenate([e[name] for e in ends]) for name in ends[0]},
            "goal": goal,
        }
    )
    low, high = (table[c] for c in (SIMULTANEOUS if held > 1 else ("low", "high")))
    table["verdict"] = np.select([high < goal, low >= goal], ["missed", "met"], "unclear")
    if by:
        table.insert(0, by, [f[0] for f in found])
    return table, np.concatenate([f[2].replicates for f in found], axis=1)


def _counted(sample: Sample) -> str:
    """Which hours count, where standards are in hours: the verdict is of this definition."""
    limits = [f"{p}_limit" for _unused, p, _done in CLOCKS.values() if f"{p}_limit" in sample]
    there = "counted" in sample and len(sample) and sample.data[limits].notna().any(axis=None)
    return str(sample["counted"].iloc[0]) if limits and there else ""


def _months(sample: Sample) -> tuple[str, str] | None:
    """The first and the last month in which the cases were opened; None of one month or none."""
    months = sample["month"].dropna().astype(str) if "month" in sample else pd.Series(dtype=str)
    return (months.min(), months.max()) if months.nunique() > 1 else None


def _years(sample: Sample, clock: str) -> str:
    """The worst and the best year, which one share of three years or more hides."""
    column = IN_TIME[clock]
    if not {column, "month"} <= set(sample.data):
        return ""
    dated = sample.assign(year=sample["month"].astype("string").str[:4])
    early = provisional(dated.where(dated["year"].notna()), "year", [column])
    known = dated.where(dated["year"].notna() & ~dated["year"].isin(early))
    # Open cases count for as long as they were observed, as in the share of all years.
    year = {
        name: float(share.estimate[0])
        for name, _clock, share, n in _in_time(known.replace(draws=2), clock, "year")
        if n >= EACH_YEAR
    }
    if len(year) < YEARS or max(year.values()) - min(year.values()) < APART:
        return ""
    low, high = min(year, key=lambda y: year[y]), max(year, key=lambda y: year[y])
    return _(
        "by year of opening from {low:share} ({first}) to {high:share} ({last})",
        low=year[low],
        first=low,
        high=year[high],
        last=high,
    )


def _finding(
    table: pd.DataFrame,
    by: str | None,
    goal: float,
    counted: str,
    sample: Sample,
) -> Finding:
    shown = disclosure.shown(table)
    if shown.empty:
        claim = _("Too few cases to say whether standards are met.")
        return Finding(claim, importance=Importance.METHOD)
    if by:
        return _lowest(shown, by, goal, counted)
    verdicts = set(shown["verdict"])
    row = shown.loc[shown["estimate"].idxmin()]
    lines = [
        shares.interval_line(r, i18n.opening(_(DONE[r["term"]])))
        if len(shown) > 1
        else shares.interval_line(r)
        for _place, r in shown.iterrows()
    ]
    months = _months(sample)
    period = _("{first:period} to {last:period}", first=months[0], last=months[1]) if months else ""
    years = _years(sample, row["term"])
    open_yet = int(shown["undecided"].max()) if "undecided" in shown else 0
    left = _("{n:count} cases without a verdict left out", n=open_yet) if open_yet else ""
    return Finding.of_row(
        row,
        _target_claim(shown, goal),
        _("; ").join(filter(None, [*lines, left, period, years, counted])),
        **_facts(row),
        target=goal,
        action=_next_step(shown),
        verdict="worse" if "missed" in verdicts else "better" if verdicts == {"met"} else "unclear",
        importance=Importance.NEWS if "missed" in verdicts else Importance.ANSWER,
    )


def _next_step(shown: pd.DataFrame) -> str:
    """What follows from the standards: the one furthest from its target comes first."""
    if set(shown["verdict"]) == {"met"}:
        return _("Nothing to do: what was promised is kept.")
    missed = shown[shown["verdict"] == "missed"]
    if missed.empty:
        return _("Do not count the target as met or missed yet: more cases would settle it.")
    what = _(DONE[missed.loc[missed["estimate"].idxmin(), "term"]])
    if len(missed) == 1:
        return _("Speed up {what}.", what=what)
    return _("Speed up {what} first: they are furthest from the target.", what=what)


def _facts(row: pd.Series, **at: str) -> dict[str, Any]:
    """The slots of a finding that say what its share is of."""
    return {"unit": "share", "measure": IN_TIME[row["term"]], "at": at}


def _target_claim(shown: pd.DataFrame, goal: float) -> str:
    """Whether the targets are met, in one sentence."""
    rows = list(shown.to_dict("records"))
    first, last = rows[0], rows[-1]
    words: dict[str, object] = {
        "goal": i18n.percent(goal),
        "first": _(DONE[first["term"]]),
        "last": _(DONE[last["term"]]),
        "a": first["estimate"],
        "b": last["estimate"],
    }
    if len(rows) == 1:
        return {
            "missed": _(
                "The target was missed: {a:share} of {first} were on time (target {goal}).", **words
            ),
            "met": _(
                "The target was met: {a:share} of {first} were on time (target {goal}).", **words
            ),
        }.get(
            first["verdict"],
            _(
                "{a:share} of {first} were on time, not significantly different from the target of "
                "{goal}.",
                **words,
            ),
        )
    verdicts = [first["verdict"], last["verdict"]]
    if verdicts == ["missed", "missed"]:
        return _(
            "Both service targets were missed: {a:share} of {first} and {b:share} of {last} were "
            "on time (target {goal}).",
            **words,
        )
    if verdicts == ["met", "met"]:
        return _(
            "Both service targets were met: {a:share} of {first} and {b:share} of {last} were on "
            "time (target {goal}).",
            **words,
        )
    if "missed" in verdicts:
        other = 1 - verdicts.index("missed")
        bad, good = rows[1 - other], rows[other]
        return _(
            "Only {share:share} of {what} were on time, short of the target of {goal}; {rest} "
            "reached {other:share}.",
            share=bad["estimate"],
            what=_(DONE[bad["term"]]),
            rest=_(DONE[good["term"]]),
            other=good["estimate"],
            goal=words["goal"],
        )
    return _(
        "{a:share} of {first} and {b:share} of {last} were on time; no target of {goal} was "
        "missed significantly.",
        **words,
    )


def _lowest(shown: pd.DataFrame, by: str, goal: float, counted: str) -> Finding:
    """The group with the lowest share in time; news is what the totals say, this is where."""
    row = shown.loc[shown["estimate"].idxmin()]
    words = {
        "what": _(DONE[row["term"]]),
        "group": shares.group_name(row, by),
        "column": by,
        "share": row["estimate"],
        "goal": i18n.percent(goal),
    }
    same = shown[shown["term"] == row["term"]]
    clear, alike = shares.significant(same, row), shares.alike(same, row, by)
    words["others"] = alike
    claim = (
        _("On-time {what} are rarest for {group}: {share:share} (target {goal}).", **words)
        if clear and not alike
        else _(
            "On-time {what} are rarer for {group} than for some others: {share:share} (target "
            "{goal}); not significantly different: {others:quoted_list3}.",
            **words,
        )
        if clear
        else _(
            "On-time {what} do not differ significantly by {column:inner}; the lowest share is "
            "{share:share} (target {goal}).",
            **words,
        )
    )
    if counted:
        claim = i18n.opening(_("{counted}, {first:inner}", counted=counted, first=claim))
    return Finding.of_row(
        row,
        claim,
        shares.interval_line(row),
        **_facts(row, **{by: str(row[by])}),
        target=goal,
        verdict="worse" if clear else "unclear",
        importance=Importance.NOTABLE if clear else Importance.CONTEXT,
    )


def _how(found: list[Part], sample: Sample, by: str | None) -> str:
    undecided = sum(
        cases.rows_of((~cases[h] & (cases[f"{p}_used"] <= cases[f"{p}_limit"])).to_numpy())
        for _unused, p, h in CLOCKS.values()
        if f"{p}_limit" in sample and sample[f"{p}_limit"].notna().any()
        for cases in [sample.of(f"{p}_used", by)]
    )
    said = [str(sample["clock"].iloc[0])] if "clock" in sample and len(sample) else []
    if undecided:
        said.append(
            _(
                "Cases still within their time ({n}) count for as long as they were observed "
                "(Kaplan and Meier 1958).",
                n=disclosure.count_in_words(undecided),
            )
        )
    if len(found) > 1:
        said.append(simultaneous_note(len(found)))
    return i18n.together([*said, resampling_note(sample)])


def sla_alerts(fit: Result, sample: SampleLike) -> Result:
    """The standards that are missed significantly, the furthest from the goal first.

    Parameters
    ----------
    fit : of `sla_attainment`
    sample : its cases, with their month

    Returns
    -------
    Result with "table", columns as those of `scores.alerts`: wave, by, group, term, estimate
    (share in time minus the goal), low, high, n, measure, signal, probability (of so low a share
    if the goal were met, normal law), first_seen, and kind ("standard missed"). `wave` is the last
    month on file; `first_seen` the first of the months on end, up to the last, in which fewer cases
    than the goal were in time. Small cells give no alert.

    Examples
    --------
    >>> cases = pd.DataFrame({"opened_at": pd.Timestamp("2026-03-02")}, index=range(40))
    >>> cases["solved_in_time"] = 0.0
    >>> missed = sla_alerts(sla_attainment(cases), cases.assign(month="2026-03")).table
    >>> missed[["term", "estimate", "first_seen"]].values.tolist()
    [['resolution SLA', -0.9, '2026-03']]
    """
    from scipy.special import ndtr

    by = fit.table.columns[0] if fit.table.columns[0] != "term" else ""
    hidden = disclosure.hidden(fit.table) != ""
    rows = fit.table[(fit.table["verdict"] == "missed") & ~hidden]
    error = np.nanstd(np.asarray(fit.replicates)[:, rows.index], axis=0, ddof=1)
    short = rows["estimate"] - rows["goal"]
    sample = as_sample(sample)
    wave = str(sample["month"].max())
    table = pd.DataFrame(
        {
            "wave": wave,
            "by": by,
            "group": rows[by].astype(str) if by else "",
            "term": rows["term"].map(SLA),
            "estimate": short,
            "low": rows["low"] - rows["goal"],
            "high": rows["high"] - rows["goal"],
            "n": rows["n"],
            "measure": "share",
            "signal": "below",
            "probability": ndtr(short / np.maximum(error, 1e-9)),
            "first_seen": [_missed_since(sample, by, row) for row in rows.to_dict("records")],
            "kind": "standard missed",
        }
    ).sort_values("estimate", ignore_index=True)
    # The page's findings on the standards say it; the records are for alerts of other pages.
    finding = Finding(_alerts_claim(table, int((~hidden).sum())), importance=Importance.METHOD)
    return Result(table, finding, fit.notes, "share")


def _missed_since(sample: Sample, by: str, row: dict[str, Any]) -> str:
    """The first of the months on end, up to the last, with fewer in time than the goal, if any."""
    sample = sample.of(IN_TIME[row["term"]], by, "month")
    in_time = sample[IN_TIME[row["term"]]]
    counted = in_time.notna() & ((sample[by].astype(str) == str(row[by])) if by else True)
    weight = pd.Series(sample.weights, index=in_time.index)[counted]
    month = sample["month"][counted]
    share = (in_time[counted] * weight).groupby(month).sum() / weight.groupby(month).sum()
    met = np.flatnonzero(share >= row["goal"])
    first = met[-1] + 1 if len(met) else 0  # after the last month that met it
    return str(share.index[first]) if first < len(share) else ""


def _alerts_claim(table: pd.DataFrame, looked: int) -> str:
    words: dict[str, object] = {"looked": looked}
    if table.empty:
        return _("No standard is missed significantly ({looked:count} examined).", **words)
    first = table.iloc[0]
    words["name"] = i18n.label(first["term"])
    if first["group"]:
        words["name"] = _("{item} ({group:label})", item=words["name"], group=first["group"])
    return ngettext(
        "{n:count} of {looked:count} standards is missed significantly: {name}, by {short:number1} "
        "percentage points.",
        "{n:count} of {looked:count} standards are missed significantly; furthest from its target: "
        "{name}, by {short:number1} percentage points.",
        len(table),
        short=-100 * first["estimate"],
        **words,
    )
