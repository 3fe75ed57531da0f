"""The importance-performance map: what is associated with the target, and how well it stands."""

from __future__ import annotations

import pandas as pd

from cxlib.core.i18n import _
from cxlib.core.result import Finding, Result
from cxlib.stats.intervals import LEVEL


def importance_performance(index: Result) -> Result:
    """Constructs by how likely they are to matter more and stand lower than the average one.

    Parameters
    ----------
    index : of `fit`

    Returns
    -------
    Result whose table is the table "importance" of `fit`, improvement opportunities first:
    estimate, low, high (index points of the target for one point of the construct, all routes
    together), index, index_low, index_high (how it stands), correlation (of both over the
    resamples, for an ellipse), chance_first and chance_priority.

    References
    ----------
    Ringle and Sarstedt (2016), Industrial Management and Data Systems 116(9).

    Examples
    --------
    >>> from cxlib import csi
    >>> rows = pd.DataFrame({"speed": [1, 4, 6, 9, 7, 3.0], "pleased": [2, 4, 7, 10, 7, 3.0]})
    >>> constructs = {"quality": ["speed"], "satisfaction": ["pleased"]}
    >>> model = csi.Model(constructs, {"satisfaction": ["quality"]})
    >>> print(importance_performance(csi.fit(rows, model)))
    With fewer than two causes there is nothing to put first.
    """
    table = index.importance.sort_values(
        ["chance_priority", "estimate"], ascending=False, ignore_index=True
    )
    finding = _finding(table, index.model.target)
    return Result(table, finding, index.notes, **index.bootstrap)


def _finding(table: pd.DataFrame, target: str) -> Finding:
    if len(table) < 2 or not table["chance_priority"].notna().any():
        return Finding(_("With fewer than two causes there is nothing to put first."))
    significant = table[table["chance_priority"] >= LEVEL]
    if len(significant):
        claim = _(
            "These are significantly more associated with {target:label} than the average "
            "construct and stand lower: {names:quoted_list}.",
            names=significant["term"],
            target=target,
        )
        return Finding(claim)
    top = table.iloc[0]
    if top["chance_priority"] < 0.5:
        claim = _(
            "No construct is both more associated with {target:label} than the average one and "
            "stands lower.",
            target=target,
        )
        return Finding(claim, verdict="unclear")
    claim = _(
        "{name:opening} is more associated with {target:label} than the average construct and "
        "stands lower in {chance:share} of the resamples; that is not significant.",
        name=top["term"],
        chance=top["chance_priority"],
        target=target,
    )
    return Finding(claim, verdict="unclear")
