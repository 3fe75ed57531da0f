"""The importance-performance map: what goes with the target, beside how well it stands."""

from __future__ import annotations

from cxlib.core.i18n import _
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
        return _("With fewer than two causes there is nothing to put first.")
    sure = table[table["chance_priority"] >= LEVEL]
    facts = {"target": fit.model.target}
    if len(sure):
        return _(
            "Beyond chance, these go with {target:label} more than the average construct and "
            "stand lower: {names:quoted_list}.",
            names=sure["term"],
            **facts,
        )
    top = table.iloc[0]
    if top["chance_priority"] < 0.5:
        return _(
            "No construct both goes with {target:label} more than the average one and stands "
            "lower.",
            **facts,
        )
    return _(
        "{name:opening} goes with {target:label} more than the average construct and stands lower "
        "in {chance:share} of the draws; that is not beyond chance.",
        name=top["term"],
        chance=top["chance_priority"],
        **facts,
    )
