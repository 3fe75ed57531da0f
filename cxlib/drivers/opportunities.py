"""What to improve first: the answers of the other methods side by side, one row a driver."""

from __future__ import annotations

import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import in_unit
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Result


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
    share (of what is explained), class (must-be, performance, attractive, indifferent, open),
    needed (necessary for a high outcome; only where some driver is) and robust (the robustness of
    `gains`). The claim is a sentence for a board.

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
    finding = _finding(table, gain.top, outcome)
    known = in_unit("share", "share")
    return Result(table, finding, note, "scale", columns=known, **gain.bootstrap)


def _finding(table: pd.DataFrame, top: list[str], outcome: str) -> Finding:
    """What a board would read: where to begin, by how much, and how firm that is."""
    first, least = table.iloc[0], context.current().smallest_cell
    if first["n"] < least:
        return Finding(_("Fewer than {least:count} answered: no number is shown.", least=least))
    facts = {
        "driver": i18n.opening(i18n.label(first["term"])),
        "outcome": outcome,
        "gain": first["estimate"],
        "span": (first["low"], first["high"]),
        "n": first["n"],
    }
    value = float(first["estimate"])
    if first["low"] <= 0:
        claim = _(
            "No driver stands out: not even {driver:verbatim} is significantly associated with "
            "{outcome:quoted}, {gain:number2} ({span:interval2}) points for one more, n "
            "{n:count}.",
            **facts,
        )
        return Finding(claim, value=value, unit="scale", verdict="unclear")
    others = [t for t in top if t != first["term"]]
    claims = [
        _(
            "Improve {driver:verbatim} first: one point more is associated with {gain:number2} "
            "({span:interval2}) points more of {outcome:quoted}, n {n:count}.",
            **facts,
        )
    ]
    if len(others) > 2:
        claims += [_("{others:count} others may come before it.", others=len(others))]
    elif others:
        claims += [_("{others:quoted_list} may come before it.", others=others)]
    claims += [
        _(
            "To account for that, an unmeasured confounder would have to explain "
            "{robustness:share} of the residual variance of both.",
            robustness=first["robust"],
        )
    ]
    return Finding(i18n.together(claims), value=value, unit="scale")
