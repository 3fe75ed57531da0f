"""The importance-performance map: what goes with the target, beside how well it stands."""

from __future__ import annotations

from cxlib import page
from cxlib.csi.fits import Fit
from cxlib.estimates import Estimates
from cxlib.stats.intervals import LEVEL


def priorities(fit: Fit) -> Estimates:
    """Constructs by how likely they are to matter more and stand lower than the average one.

    The table is `fit.importance`: estimate, low, high (index points of the target that go with one
    point of the construct, all routes together), index, index_low, index_high (how it stands),
    correlation (of both over the draws, for an ellipse), chance_first and chance_priority. Ringle
    and Sarstedt (2016), Industrial Management and Data Systems 116(9).
    """
    table = fit.importance.sort_values(
        ["chance_priority", "estimate"], ascending=False, ignore_index=True
    )
    return Estimates(table, _sentence(table, fit), fit.note, draws=fit.draws, seed=fit.seed)


def _sentence(table, fit: Fit) -> str:
    if len(table) < 2 or not table["chance_priority"].notna().any():
        return page.say("With fewer than two causes there is nothing to put first.")
    sure = table[table["chance_priority"] >= LEVEL]
    facts = {"target": page.label(fit.model.target)}
    if len(sure):
        return page.say(
            "Beyond chance, these go with {target} more than the average construct and stand "
            "lower: {names}.",
            names=page.listed(page.quoted(page.label(t)) for t in sure["term"]),
            **facts,
        )
    top = table.iloc[0]
    if top["chance_priority"] < 0.5:
        return page.say(
            "No construct both goes with {target} more than the average one and stands lower.",
            **facts,
        )
    return page.say(
        "{name} goes with {target} more than the average construct and stands lower in {chance} of "
        "the draws; that is not beyond chance.",
        name=page.opening(page.label(top["term"])),
        chance=page.percent(top["chance_priority"]),
        **facts,
    )
