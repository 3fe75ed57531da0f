"""What to improve first: the answers of the other methods side by side, one row a driver."""

from __future__ import annotations

import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.drivers.contrast import Contrast
from cxlib.drivers.fits import Importance
from cxlib.drivers.gains import Gains
from cxlib.drivers.necessary import Necessary
from cxlib.estimates import Estimates


def agenda(
    gain: Gains,
    share: Importance,
    contrast: Contrast | None = None,
    necessary: Necessary | None = None,
    *,
    outcome: str,
) -> Estimates:
    """Drivers sorted by expected gain, with what the other methods say of each.

    `table`: term, estimate (outcome points that go with a step up), low, high, n, share (of what
    is explained), class (must-be, performance, attractive, indifferent, open), needed (necessary
    for a high outcome; only where some driver is) and robust (the robustness of `Gains`). The
    answer is a sentence for a board.
    """
    columns = ["term", "estimate", "low", "high", "n"]
    table = gain.table[columns].merge(
        share.table[["term", "estimate"]].rename(columns={"estimate": "share"}), on="term"
    )
    if contrast is not None:
        table = table.merge(contrast.classes[["term", "class"]], on="term", how="left")
        table["class"] = table["class"].fillna("–")
    if necessary is not None and necessary.table["necessary"].any():
        needed = necessary.table.set_index("term")["necessary"]
        table["needed"] = [bool(needed.get(t, False)) for t in table["term"]]
    table = table.merge(gain.table[["term", "robustness"]], on="term")
    table = table.rename(columns={"robustness": "robust"})
    note = _(
        "Sorted by the outcome points that go with one point more, the other drivers held; effort "
        "and cost are not weighed. Associations, not promises."
    )
    facts = {"draws": gain.draws, "seed": gain.seed}
    return Estimates(table, sentence(table, gain.top, outcome), note, "scale", **facts)


def sentence(table: pd.DataFrame, top: list[str], outcome: str) -> str:
    """What a board would read: where to begin, what goes with it, and how firm that is."""
    first, least = table.iloc[0], context.current().smallest_cell
    if first["n"] < least:
        return _("Fewer than {least:count} answered: no number is shown.", least=least)
    facts = {
        "driver": i18n.opening(i18n.label(first["term"])),
        "outcome": outcome,
        "gain": first["estimate"],
        "span": (first["low"], first["high"]),
        "robustness": first["robust"],
        "n": first["n"],
    }
    if first["low"] <= 0:
        return _(
            "No driver stands out: not even {driver:verbatim} goes with more of {outcome:quoted} "
            "beyond chance, {gain:number2} ({span:interval2}) points for one more, n {n:count}.",
            **facts,
        )
    others = [t for t in top if t != first["term"]]
    if not others:
        return _(
            "{driver:verbatim} first: one point more goes with {gain:number2} ({span:interval2}) "
            "points more of {outcome:quoted}, n {n:count}. A cause nobody measured would have to "
            "explain {robustness:share} of what is left of both to account for that.",
            **facts,
        )
    if len(others) > 2:
        return _(
            "Begin with {driver:verbatim}: one point more goes with {gain:number2} "
            "({span:interval2}) points more of {outcome:quoted}, n {n:count}; {others:count} "
            "others may come before it. A cause nobody measured would have to explain "
            "{robustness:share} of what is left of both to account for that.",
            others=len(others),
            **facts,
        )
    return _(
        "Begin with {driver:verbatim}: one point more goes with {gain:number2} ({span:interval2}) "
        "points more of {outcome:quoted}, n {n:count}; {others:quoted_list} may come before it. A "
        "cause nobody measured would have to explain {robustness:share} of what is left of both "
        "to account for that.",
        others=others,
        **facts,
    )
