"""What to improve first: the answers of the other methods side by side, one row a driver."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from cxlib.core import context
from cxlib.core.columns import in_unit
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result


def opportunities(
    gain: Result,
    share: Result,
    kano: Result | None = None,
    necessity: Result | None = None,
    *,
    outcome: str,
    rests_on: str = "",
) -> Result:
    """Improvement opportunities: drivers by gain, with what the other methods say of each.

    Parameters
    ----------
    gain : of `gains`
    share : of `importance`
    kano : of `penalty_reward`
    necessity : of `necessary_conditions`
    outcome : what is explained
    rests_on : the wave through which the strongest driver is so, as `rests_on_wave` finds it; where
        that driver has the largest gain too, the claim names the next one

    Returns
    -------
    Result whose table has term, estimate (outcome points associated with a step up), low, high, n,
    share (of what is explained), class (must-be, performance, attractive, indifferent,
    unclear), needed (necessary for a high outcome; only where some driver is), robust (the
    robustness of `gains`) and rests_on (the wave, of the first driver; only where it rests on one).
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
    rests_on = rests_on if share.table["term"].iloc[0] == table["term"].iloc[0] else ""
    if rests_on:
        table["rests_on"] = [rests_on, *[""] * (len(table) - 1)]
    finding = _finding(table, gain, outcome, rests_on)
    known = in_unit("share", "share")
    return Result(table, finding, note, "scale", columns=known, **gain.bootstrap)


def _finding(table: pd.DataFrame, gain: Result, outcome: str, rests_on: str) -> Finding:
    """What a board would read: where to begin, by how much, and how firm that is."""
    first, least = table.iloc[0], context.current().smallest_cell
    if first["n"] < least:
        return Finding(_("Fewer than {least:count} answered: no number is shown.", least=least))
    details = gain.details.set_index("term")
    passed = ""
    if rests_on:  # the first that holds is put first
        passed = _(
            "{driver:quoted} ({gain:signed2}) is the strongest driver only through {wave:label}, "
            "which is over",
            driver=first["term"],
            gain=first["estimate"],
            wave=rests_on,
        )
        rest = table.iloc[1:]
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
    if more["step"] < 1:
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
    action = _("Improve {driver:quoted} first", **facts)
    if passed:  # no order holds yet: what leads is over, what is next did not lead
        facts |= {"leader": table["term"].iloc[0], "wave": rests_on}
        claim = _(
            "What to improve first is not settled: {leader:quoted} leads only through "
            "{wave:label}, which is over; {driver:quoted} is next.",
            **facts,
        )
        own = _("{driver:quoted} {gain:signed2} points per rating point", **facts)
        detail = [f"{own} ({detail[0]})", passed]
        action = _("Check {leader:quoted} in the next wave before acting on it", **facts)
        known = replace(known, verdict="unclear")
    others = [t for t in gain.top if t not in (first["term"], table["term"].iloc[0])]
    if others:
        detail.append(_("{others:quoted_list3} cannot be ruled out as first", others=others))
    detail.append(_("robustness value {robustness:share}", **facts))
    return replace(known, claim=claim, detail=_("; ").join(detail), action=action)
