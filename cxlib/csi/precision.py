"""Whether an index is known as closely as the European index asks: within 4 points."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import context
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.privacy import disclosure

WIDEST = 4.0  # points of a 95% interval: the rule of the European index (EPSI Rating)


def precision(fit: Estimates) -> Estimates:
    """Whether the 95% intervals of an index are at most 4 points wide, and the n that would do.

    `fit` comes from `csi.fit` or `csi.fit_by`. The table has its rows with `width` (points),
    `meets` and `needed`: answers that would give a width of 4, all else alike (weights, customers
    who answer twice, spread), since widths shrink with the root of n.
    """
    table = fit.table.copy()
    table["width"] = table["high"] - table["low"]
    table["meets"] = table["width"] <= WIDEST
    with np.errstate(invalid="ignore"):
        table["needed"] = np.ceil(table["n"] * (table["width"] / WIDEST) ** 2)
    return Estimates(table, _sentence(table), fit.note, "points", draws=fit.draws, seed=fit.seed)


def _sentence(table: pd.DataFrame) -> str:
    known = table[(disclosure.hidden(table) == "") & table["width"].notna()]
    if known.empty:
        return _("Too few answers to show")
    named = next(c for c in table.columns if c != "term" or table["term"].nunique() > 1)
    facts = {"widest": WIDEST}
    if known["meets"].all():
        return _(
            "Every interval is at most {widest:count} points wide, as the rule of the European "
            "index asks.",
            **facts,
        )
    wide = known[~known["meets"]].sort_values("width", ascending=False)
    least = wide.iloc[0]
    return _(
        "{wide:count} of {all:count} intervals are wider than the {widest:count} points that the "
        "rule of the European index allows; the widest, {name:label}, has {width:number1} with n "
        "{n:count} and would need n {needed:count}.",
        wide=len(wide),
        all=len(known),
        name=least[named],
        width=least["width"],
        n=least["n"],
        needed=least["needed"],
        **facts,
    )


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
