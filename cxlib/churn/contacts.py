"""Whom to contact this month: a list with what is at stake, why, where it hurt and what they said.

    found = churn.to_contact(study.customers.active(), warning, value="worth", offer=25, contact=4,
                             capacity=200, cases=study["cases"], comments=study["comments"])
    found.customers       # the list, best first: report.list_to_file("contact", found.customers)

The page tells how many and why; who is on the list goes to a file of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.churn.money import expected_profit, worth_of
from cxlib.churn.scoring import score
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.privacy import masking
from cxlib.stats.intervals import sidak_level, wilson_interval

MARGIN = 1.96  # standard errors of what chance may do to the sum


@dataclass(frozen=True)
class Contacts(Estimates):
    """Where it hurt those on the list, in `table`; the list itself in `customers`.

    customers : rank, customer_id, probability, risk, worth, expected_profit, reasons (words),
        touchpoint (of the latest case, else the worst rated in the latest answer), comment (the
        latest, masked) and commented_on
    """

    customers: pd.DataFrame = field(kw_only=True, repr=False)


def to_contact(
    customers: pd.DataFrame,
    fit,
    *,
    value: str | float,
    offer: float,
    contact: float,
    accepted: float = 0.3,
    capacity: int | None = None,
    currency: str = "",
    cases: pd.DataFrame | None = None,
    responses: pd.DataFrame | None = None,
    touchpoints: list[str] | None = None,
    comments: pd.DataFrame | None = None,
) -> Contacts:
    """Today's customers worth contacting, the largest expected profit first, at most `capacity`.

    Of `responses` the answers to the questions `touchpoints` are read. The table has the share of
    the list whom each touchpoint hurt last, with intervals of all at once.
    """
    scored = score(customers, fit)
    how = {"value": value, "offer": offer, "contact": contact, "accepted": accepted}
    hoped = expected_profit(scored, **how)
    scored = scored.assign(worth=worth_of(scored, value), expected_profit=hoped)
    chosen = scored[hoped > 0].sort_values("expected_profit", ascending=False, kind="stable")
    chosen = chosen.head(capacity if capacity is not None else len(chosen)).reset_index(drop=True)
    if "customer_id" not in chosen:
        chosen = chosen.assign(customer_id=[f"#{i + 1}" for i in range(len(chosen))])
    listed = chosen[["customer_id", "probability", "risk", "worth", "expected_profit", "reasons"]]
    listed = listed.assign(risk=listed["risk"].map(i18n.label))
    listed.insert(0, "rank", np.arange(1, len(listed) + 1))
    listed = listed.assign(
        touchpoint=_where_it_hurt(listed["customer_id"], cases, responses, touchpoints),
        **_last_words(listed["customer_id"], comments),
    )
    table = _touchpoints(listed["touchpoint"])
    answer = _answer(listed, len(customers), offer, accepted, currency)
    note = _(
        "Worth contacting are those whose expected profit is above 0. The interval says what "
        "chance may do, if the risks and the share who accept are right."
    )
    return Contacts(table, answer, note, "share", customers=listed)


def _where_it_hurt(
    ids: pd.Series,
    cases: pd.DataFrame | None,
    responses: pd.DataFrame | None,
    touchpoints: list[str] | None,
) -> pd.Series:
    """The touchpoint of the latest case, else the worst rated in the latest answer, in words."""
    found = pd.Series(pd.NA, index=ids, dtype="object")
    if responses is not None and touchpoints and "customer_id" in responses:
        last = _latest(responses, "answered_on").reindex(ids)[touchpoints].astype(float)
        known = last.notna().any(axis=1)
        found[known] = last[known].idxmin(axis=1)
    if cases is not None and "category" in cases:
        last = _latest(cases, "opened_at").reindex(ids)["category"]
        found = last.where(last.notna(), found)
    words = found.map(lambda v: "" if pd.isna(v) else i18n.label(str(v)))
    return words.reset_index(drop=True)


def _last_words(ids: pd.Series, comments: pd.DataFrame | None) -> dict[str, pd.Series]:
    if comments is None:
        return {}
    last = _latest(comments, "at").reindex(ids)
    said = ["" if pd.isna(t) else masking.masked(str(t))[0] for t in last["text"]]
    day = last["at"].dt.strftime("%Y-%m-%d").fillna("")
    return {"comment": pd.Series(said), "commented_on": day.reset_index(drop=True)}


def _latest(rows: pd.DataFrame, at: str) -> pd.DataFrame:
    rows = rows[rows["customer_id"].notna() & rows[at].notna()].sort_values(at, kind="stable")
    return rows.drop_duplicates("customer_id", keep="last").set_index("customer_id")


def _touchpoints(hurt: pd.Series) -> pd.DataFrame:
    counts = hurt.replace("", _("nothing known")).value_counts()
    share = (counts / max(counts.sum(), 1)).to_numpy(float)
    low, high = wilson_interval(share, max(len(hurt), 1), sidak_level(len(share)))
    table = pd.DataFrame({"term": counts.index.astype(str), "estimate": share, "low": low})
    return table.assign(high=high, n=len(hurt))


def _answer(
    listed: pd.DataFrame, everybody: int, offer: float, accepted: float, currency: str
) -> str:
    if listed.empty:
        return _("Nobody is worth contacting: no customer's expected profit is above 0.")
    p, kept = listed["probability"], listed["worth"] - offer
    squares = p * accepted * kept**2 + (1 - p) * offer**2
    mean = p * accepted * kept - (1 - p) * offer
    spread = MARGIN * float(np.sqrt((squares - mean**2).sum()))
    total = float(listed["expected_profit"].sum())
    return _(
        "Contact {chosen:count} of {n:count} customers: expected profit {money:money} "
        "({span:interval0}).",
        chosen=len(listed),
        n=everybody,
        money=(total, currency),
        span=(total - spread, total + spread),
    )
