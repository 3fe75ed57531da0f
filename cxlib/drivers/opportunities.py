"""What to improve first: the answers of the other methods side by side, one row a driver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import in_unit
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.drivers.importance_findings import may_lead_by_share
from cxlib.drivers.needs import AVERAGE, POSITIONS
from cxlib.drivers.waves import PastWave, past_words


def opportunities(
    gain: Result,
    share: Result,
    kano: Result | None = None,
    necessity: Result | None = None,
    *,
    outcome: str,
    rests_on: Mapping[str, PastWave] | None = None,
) -> Result:
    """Improvement opportunities: drivers by gain, with what the other methods say of each.

    Parameters
    ----------
    gain : of `gains`
    share : of `importance`
    kano : of `penalty_reward`
    necessity : of `necessary_conditions`
    outcome : what is explained
    rests_on : driver -> wave without which it ranks lower, as `rests_on_waves` finds them; where
        the driver with the largest gain is among them, the claim names the next that is not

    Returns
    -------
    Result whose table has term, estimate (outcome points associated with a step up), low, high, n,
    share (of what is explained), class (must-be, performance, attractive, indifferent,
    unclear), needed (necessary for a high outcome; only where some driver is), robust (the
    robustness of `gains`) and rests_on (the wave; only where some driver rests on one).
    The claim is a sentence for a board.

    Examples
    --------
    >>> rows = pd.DataFrame({"speed": [1, 2, 3, 4, 5, 4.0], "recommend": [2, 4, 6, 8, 10, 7.9]})
    >>> from cxlib import drivers
    >>> fits = [f(rows, "recommend", ["speed"]) for f in (drivers.gains, drivers.importance)]
    >>> opportunities(*fits, outcome="recommend").table["share"].tolist()
    [1.0]
    """
    columns = ["term", "estimate", "low", "high", "n"]
    table = gain.table[columns].merge(
        share.table[["term", "estimate"]].rename(columns={"estimate": "share"}), on="term"
    )
    if kano is not None:
        table = table.merge(kano.classes[["term", "class"]], on="term", how="left")
        table["class"] = table["class"].fillna("–")
    if necessity is not None and necessity.table["necessary"].any():
        needed = necessity.table.set_index("term")["necessary"]
        table["needed"] = [bool(needed.get(t, False)) for t in table["term"]]
    table = table.merge(gain.table[["term", "robustness"]], on="term")
    table = table.rename(columns={"robustness": "robust"})
    note = _(
        "Sorted by the outcome points associated with one point more, the other drivers held; "
        "effort and cost are not weighed. Associations, not promises."
    )
    past = {d: w for d, w in (rests_on or {}).items() if d in set(table["term"])}
    if past:
        table["rests_on"] = [past[t].wave if t in past else "" for t in table["term"]]
        order = _("The order is of all waves, also where a driver rests on a fall that is over.")
        note = i18n.together([note, order])
    finding = _finding(table, gain, share, outcome, past)
    known = in_unit("share", "share")
    # Where no other driver can be put first, what is to be done is about the one that has passed.
    leader = str(table["term"].iloc[0])
    over = bool(finding.action) and leader in past and finding.at.get("driver") == leader
    parts = {"acts_on": leader, "past": past[leader].wave} if over else {}
    return Result(table, finding, note, "scale", columns=known, parts=parts, **gain.bootstrap)


def _finding(
    table: pd.DataFrame, gain: Result, share: Result, outcome: str, past: Mapping[str, PastWave]
) -> Finding:
    """What a board would read: where to begin, by how much, and how firm that is."""
    first, least = table.iloc[0], context.current().smallest_cell
    if first["n"] < least:
        return Finding(_("Fewer than {least:count} answered: no number is shown.", least=least))
    details = gain.details.set_index("term")
    named = table[table["term"].isin(past) & table["term"].isin([*gain.top, *share.top])]
    told = str(table["term"].iloc[0])  # in the claim where it has passed
    passed = [
        past_words(r.term, past[r.term], r.estimate) for r in named.itertuples() if r.term != told
    ]
    leads_no_more = first["term"] in past
    if leads_no_more:  # the first that holds is put first
        rest = table[~table["term"].isin(past)]
        holds = rest[rest["term"].map(details["joint_low"]).gt(0) & rest["n"].ge(least)]
        first = holds.iloc[0] if len(holds) else first
    more = details.loc[first["term"]]
    facts = {
        "driver": first["term"],
        "outcome": outcome,
        "step": more["step"],
        "gain": first["estimate"],
        "span": (first["low"], first["high"]),
        "n": first["n"],
        "robustness": first["robust"],
    }
    known = Finding.of_row(
        first,
        "",
        unit="scale",
        measure="driver_gain",
        at={"outcome": outcome, "driver": first["term"]},
        importance=Importance.NOTABLE,
    )
    detail = [_("95% CI {span:interval2}; n = {n:count}", **facts)]
    if not more["joint_low"] > 0:
        claim = _(
            "No driver can be put first: none is significantly associated with {outcome:quoted}.",
            **facts,
        )
        largest = _("largest: {driver:quoted}, {gain:number2} points", **facts)
        words = _("; ").join([largest, *detail])
        return replace(
            known, claim=claim, detail=words, verdict="unclear", importance=Importance.ANSWER
        )
    if len(gain.table) == 1:  # nothing stands behind it
        return replace(
            known,
            claim=gain.finding.claim,
            detail=_("; ").join(detail),
            importance=Importance.ANSWER,
        )
    alike = _alike(gain, {first["term"]})
    if alike:
        claim = _(
            "{driver:quoted} may be the first to improve: each rating point is associated with "
            "{outcome:quoted} being {gain:number2} points higher.",
            **facts | {"driver": i18n.opening(i18n.label(first["term"]))},
        )
    elif more["step"] < 1:
        claim = _(
            "Improve {driver:quoted} first: {step:.2g} rating point, to the top of its scale, is "
            "associated with {outcome:quoted} being {gain:number2} points higher.",
            **facts,
        )
    else:
        claim = _(
            "Improve {driver:quoted} first: each rating point is associated with "
            "{outcome:quoted} being {gain:number2} points higher.",
            **facts,
        )
    action = (
        _(
            "Choose by effort and cost, not by these numbers: none of {n:count} drivers can be "
            "ruled out as the first",
            **facts | {"n": len(table)},
        )
        if alike and 2 < len(table) == len(alike) + 1
        else _(
            "Choose between {driver:quoted} and {others:quoted_list3} by effort and cost: the "
            "order is not settled",
            others=alike,
            **facts,
        )
        if alike
        else _("Improve {driver:quoted} first", **facts)
    )
    if leads_no_more:  # no order holds yet: what leads is over, what is next did not lead
        name = table["term"].iloc[0]
        facts |= {"leader": name, "wave": past[name].wave}
        if first["term"] == name:
            claim = _(
                "What to improve first is not settled: {leader:quoted} leads only with the fall of "
                "{wave:label}, which is over.",
                **facts,
            )
            action = _(
                "Confirm that {leader:quoted} is back at its usual level before acting on it",
                **facts,
            )
        else:
            claim = i18n.opening(
                _(
                    "{driver:quoted} has the highest estimate now: what put {leader:quoted} before "
                    "it, the fall of {wave:label}, is over.",
                    **facts,
                )
            )
            action = _(
                "Name an owner for {driver:quoted} and find out what customers rate low in it",
                **facts,
            )
        own = _("{driver:quoted} {gain:signed2} points per rating point", **facts)
        rank = past_words(name, past[name], table["estimate"].iloc[0])
        detail = [_("{effect} ({numbers})", effect=own, numbers=detail[0]), rank]
        known = replace(known, verdict="unclear")
    position = gain.positions.set_index("term").loc[first["term"], "position"]
    if position == POSITIONS[1]:
        detail.append(_("{driver:quoted} is a strength: rated above average already", **facts))
    elif position == AVERAGE:
        detail.append(_("{driver:quoted} is rated about average", **facts))
    detail += passed
    detail += _may_be_first(gain, share, {first["term"], table["term"].iloc[0]})
    detail.append(_("robustness value {robustness:share}", **facts))
    return replace(known, claim=claim, detail=_("; ").join(detail), action=action)


def _may_be_first(gain: Result, share: Result, named: set[str]) -> list[str]:
    """Who else may be first by the gain of a rating point, and by explained variance.

    Both hold the true first with 95% confidence, by two measures, and are named separately.
    """
    by_gain = _alike(gain, named)
    by_share = [t for t in share.top if t not in named]
    if set(by_share) == set(by_gain):
        by_share = []
    if by_gain and by_share:
        both = _(
            "{others:quoted_list3} may also be first by gain; {more:quoted_list3} by explained "
            "variance",
            others=by_gain,
            more=by_share,
        )
        return [both]
    if by_gain:
        return [_("{others:quoted_list3} may also be first by gain", others=by_gain)]
    return [may_lead_by_share(by_share)] if by_share else []


def _alike(gain: Result, named: set[str]) -> list[str]:
    """Drivers besides those named that may be first by the gain of a rating point."""
    return [t for t in gain.top if t not in named]
