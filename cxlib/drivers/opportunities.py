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
) -> Result:
    """Improvement opportunities: drivers by gain, with what the other methods say of each.

    Parameters
    ----------
    gain : of `gains`
    share : of `importance`
    kano : of `penalty_reward`
    necessity : of `necessary_conditions`
    outcome : what is explained

    Returns
    -------
    Result whose table has term, estimate (outcome points associated with a step up), low, high, n,
    share (of what is explained), class (must-be, performance, attractive, indifferent, not
    settled), needed (necessary for a high outcome; only where some driver is) and robust (the
    robustness of `gains`). The claim is a sentence for a board.

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
    finding = _finding(table, gain, outcome)
    known = in_unit("share", "share")
    return Result(table, finding, note, "scale", columns=known, **gain.bootstrap)


def _finding(table: pd.DataFrame, gain: Result, outcome: str) -> Finding:
    """What a board would read: where to begin, by how much, and how firm that is."""
    first, least = table.iloc[0], context.current().smallest_cell
    if first["n"] < least:
        return Finding(_("Fewer than {least:count} answered: no number is shown.", least=least))
    more = gain.details.set_index("term").loc[first["term"]]
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
            "associated with {gain:number2} points more of {outcome:quoted}.",
            **facts,
        )
    else:
        claim = _(
            "Improve {driver:quoted} first: each rating point is associated with {gain:number2} "
            "points more of {outcome:quoted}.",
            **facts,
        )
    others = [t for t in gain.top if t != first["term"]]
    if others:
        detail.append(_("{others:quoted_list3} cannot be ruled out as first", others=others))
    detail.append(_("robustness value {robustness:share}", **facts))
    action = _("Improve {driver:quoted} first", **facts)
    return replace(known, claim=claim, detail=_("; ").join(detail), action=action)
