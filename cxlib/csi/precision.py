"""Whether an index is known as closely as the European index asks: within 4 points."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import context
from cxlib.core.columns import Column
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.privacy import disclosure

WIDEST = 4.0  # points of a 95% interval: the rule of the European index (EPSI Rating)
COLUMNS = (
    Column("width", "from one end of the interval to the other", "points", label="interval width"),
    Column("meets", "whether the interval is narrow enough", label="narrow enough"),
    Column("needed", "answers for an interval that is", "count", label="answers needed"),
)


def precision(index: Result) -> Result:
    """Whether the 95% intervals of an index are at most 4 points wide, and the n that would do.

    Parameters
    ----------
    index : of `fit` or `fit_by`

    Returns
    -------
    Result whose table has the rows of `index` with width (points), meets, and needed: answers that
    would give a width of 4, all else alike (weights, customers who answer twice, spread), since
    widths shrink with the root of n.

    Examples
    --------
    >>> table = pd.DataFrame({"term": ["value"], "low": [60.0], "high": [68.0], "n": [100]})
    >>> precision(Result(table, "")).table["needed"].tolist()
    [400.0]
    """
    table = index.table.copy()
    table["width"] = table["high"] - table["low"]
    table["meets"] = table["width"] <= WIDEST
    with np.errstate(invalid="ignore"):
        table["needed"] = np.ceil(table["n"] * (table["width"] / WIDEST) ** 2)
    finding, draws, seed = _finding(table), index.draws, index.seed
    return Result(table, finding, index.notes, "points", columns=COLUMNS, draws=draws, seed=seed)


def _finding(table: pd.DataFrame) -> Finding:
    known = table[(disclosure.hidden(table) == "") & table["width"].notna()]
    if known.empty:
        return Finding(_("Too few answers to show"))
    named = next(c for c in table.columns if c != "term" or table["term"].nunique() > 1)
    if known["meets"].all():
        claim = _(
            "Every interval is at most {widest:count} points wide, as the rule of the European "
            "index asks.",
            widest=WIDEST,
        )
        return Finding(claim, importance=Importance.METHOD)
    wide = known[~known["meets"]].sort_values("width", ascending=False)
    widest = wide.iloc[0]
    words = {"wide": len(wide), "all": len(known), "widest": WIDEST, "name": widest[named]}
    claim = _(
        "{wide:count} of {all:count} intervals are wider than the {widest:count} points that the "
        "European index allows.",
        **words,
    )
    detail = _(
        "widest: {name:label}, {width:number1} points; n = {n:count}, needed {needed:count}",
        width=widest["width"],
        n=widest["n"],
        needed=widest["needed"],
        **words,
    )
    return Finding(claim, detail, importance=Importance.METHOD)


def width_rule(table: pd.DataFrame, target: str) -> str:
    """What a note says of the width of the target's interval; nothing where it is not shown."""
    row = table.set_index("term").loc[target]
    width = row["high"] - row["low"]
    if row["n"] < context.current().smallest_cell or not width >= 0:
        return ""
    facts = {"width": width, "widest": WIDEST}
    if width <= WIDEST:
        return _(
            "The index's interval is {width:number1} points wide; the rule of the European index "
            "asks for {widest:count} at most.",
            **facts,
        )
    return _(
        "The index's interval is {width:number1} points wide, more than the {widest:count} that "
        "the rule of the European index allows; some {needed:count} answers would meet it.",
        needed=np.ceil(row["n"] * (width / WIDEST) ** 2),
        **facts,
    )
