"""How often customers are asked: rest periods, the most asked, and those never asked."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _, mark, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.response.invitations import DAY
from cxlib.stats import estimators, resampling
from cxlib.stats.estimators import share_interval
from cxlib.stats.notes import resampling_note

TOP = 4  # invitations before this one, from which on they are one group
WITHIN, NEVER = mark("invitations within the rest period", "customers never invited")
OFTEN = 0.05  # a larger share of invitations within the rest period is worth acting on


def contact_pressure(
    asked: SampleLike, *, rest_days: float = 90, customers: pd.DataFrame | None = None
) -> Result:
    """How many invitations came before a customer had rested, and whether answers become fewer.

    Parameters
    ----------
    asked : of `invited`, with customer_id and sent_at
    rest_days : days for which a customer is to be left alone after an invitation, above 0
    customers : all customers, of whom some were perhaps never invited

    Returns
    -------
    Result with tables

    - "table": term ("invitations within the rest period", "customers never invited"), estimate
      (share), low, high, n
    - "by_count": term (invitations before this one), estimate (share who answered), low, high, n

    Raises
    ------
    InsufficientData : it is not known who was invited, or when
    ValueError : rest_days that is not above 0

    Examples
    --------
    >>> sent = pd.to_datetime(["2026-01-01", "2026-02-01", "2026-01-01"])
    >>> rows = pd.DataFrame({"customer_id": list("aab"), "sent_at": sent, "answered": True})
    >>> contact_pressure(rows, rest_days=60).table["estimate"].round(2).tolist()
    [0.33]
    """
    asked = as_sample(asked)
    require_columns(asked.data, ["answered"], "invitations")
    if not rest_days > 0:
        raise ValueError(f"rest_days is {rest_days:g}; it must be above 0.")
    if not {"customer_id", "sent_at"} <= set(asked.columns):
        raise InsufficientData(_("It is not known who was invited, or when."))
    known = asked.where(asked["customer_id"].notna() & asked["sent_at"].notna())
    rows = known.data.sort_values("sent_at", kind="stable")
    each = rows.groupby("customer_id", sort=False)
    since = (each["sent_at"].diff() / DAY).reindex(known.data.index)
    before = each.cumcount().reindex(known.data.index).to_numpy()
    soon = (since < rest_days).to_numpy(float)
    design = resampling.design(known)
    found = estimators.mean(soon[:, None], **design)
    low, high = share_interval(found, np.array([len(known)]))
    table = [_row(WITHIN, found.estimate[0], low[0], high[0], len(known))]
    if customers is not None and len(customers):
        never = ~customers["customer_id"].isin(known["customer_id"])
        # All customers are counted, none is sampled: there is no interval.
        table.append(_row(NEVER, never.mean(), np.nan, np.nan, len(customers)))
    top = int(min(TOP, before.max()))
    place = np.minimum(before, top)
    n = np.bincount(place, minlength=top + 1)
    answered = estimators.cell_means(known["answered"].to_numpy(float), place, top + 1, **design)
    ends = share_interval(answered[:, 0], n)
    names = [
        ngettext("{n:count} earlier invitation", "{n:count} earlier invitations", k)
        for k in range(top)
    ]
    names.append(_("{count:count} earlier invitations or more", count=top))
    by_count = {"term": names, "estimate": answered.estimate[:, 0], "low": ends[0], "high": ends[1]}
    tables = {"table": pd.DataFrame(table), "by_count": pd.DataFrame(by_count).assign(n=n)}
    notes = i18n.together([_("Reminders are not counted as invitations."), resampling_note(known)])
    finding = _finding(tables["table"], int(each.size().max()), rest_days)
    return Result(tables, finding, notes, "share", **asked.bootstrap)


def _row(term: str, estimate: float, low: float, high: float, n: int) -> dict[str, object]:
    return {"term": term, "estimate": float(estimate), "low": low, "high": high, "n": n}


def _finding(table: pd.DataFrame, most: int, rest_days: float) -> Finding:
    row = table.iloc[0]
    facts = {"share": row["estimate"], "days": rest_days, "n": row["n"], "most": most}
    facts["ci"] = i18n.span(row["low"], row["high"], 1, share=True)
    if row["estimate"] == 0:
        claim = _("No customer was invited again within {days:count} days.", **facts)
    else:
        claim = _(
            "{share:rate} of invitations came within {days:count} days of another to the same "
            "customer.",
            **facts,
        )
    detail = _(
        "95% CI {ci}; n = {n:count}; one customer was invited {most:count} times at most", **facts
    )
    if len(table) > 1:
        never = {"never": table["estimate"].iloc[1], "all": table["n"].iloc[1]}
        detail = _(
            "95% CI {ci}; n = {n:count}; one customer was invited {most:count} times at most, "
            "{never:rate} of {all:count} customers never",
            **facts,
            **never,
        )
    return Finding.of_row(
        row,
        claim,
        detail,
        unit="share",
        measure="invited_too_soon",
        importance=Importance.ANSWER if row["low"] > OFTEN else Importance.CONTEXT,
    )
