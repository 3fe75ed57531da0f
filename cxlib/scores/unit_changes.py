"""Which units of a scorecard changed from one period to the next."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.data.schema import Target
from cxlib.privacy import disclosure
from cxlib.scores.measures import Measure
from cxlib.stats.intervals import LEVEL
from cxlib.stats.pvalues import adjusted

REACH = 3.919928  # width of a 95% interval in standard errors


def unit_changes(card: Result, measure: Measure, target: Target | float | None = None) -> Result:
    """The changes of the units of a scorecard, those that are significant named.

    Parameters
    ----------
    card : of `unit_scorecard`, with `periods`
    measure : its measure
    target : its standard, which says whether more is better

    Returns
    -------
    Result with unit, term, estimate (later minus earlier period, mix removed), low, high (95%) and
    p (adjusted by Holm for the number of units).

    Raises
    ------
    InsufficientData : no unit has enough answers in both periods

    Examples
    --------
    >>> import pandas as pd
    >>> row = {"unit": "Kiel", "term": "recommend", "estimate": 12.0, "low": 2.0, "high": 22.0}
    >>> card = Result(pd.DataFrame(), "", parts={"moved": pd.DataFrame([row])})
    >>> print(unit_changes(card, Measure("nps")))
    NPS: 1 unit changed significantly: Kiel.
    """
    table = card.moved.reset_index(drop=True)
    if table.empty:
        raise InsufficientData(_("No unit has enough answers in both periods."))
    error = ((table["high"] - table["low"]) / REACH).to_numpy(float)
    z = np.abs(table["estimate"].to_numpy(float)) / np.maximum(error, 1e-12)
    table = table.assign(p=adjusted(2 * ndtr(-z)))
    found = table[table["p"] <= 1 - LEVEL]
    what = measure.name(str(table["term"].iloc[0]))
    within = found[found["unit"] != disclosure.TOTAL]
    first = (within if len(within) else table).iloc[0]
    ci = _(
        "{unit:label}: {moved} (95% CI {ci})",
        unit=first["unit"],
        moved=measure.moved(first["estimate"]),
        ci=measure.change_span(first["low"], first["high"]),
    )
    if within.empty:
        finding = Finding(
            i18n.opening(_("{what}: no unit changed significantly.", what=what)),
            ci,
            verdict="unchanged",
        )
    else:
        less = isinstance(target, Target) and target.direction == "at most"
        better = (first["estimate"] > 0) != less
        claim = ngettext(
            "{what}: {n:count} unit changed significantly: {names:label_list3}.",
            "{what}: {n:count} units changed significantly: {names:label_list3}.",
            len(within),
            what=what,
            names=[str(u) for u in within["unit"]],
        )
        finding = Finding(
            i18n.opening(claim),
            ci,
            verdict="better" if better else "worse",
            importance=Importance.NOTABLE,
        )
    note = _("Significance is adjusted for the number of units (Holm).")
    columns = [Column("unit", unit="name")]
    return Result(table, finding, note, measure.unit, columns=columns)
