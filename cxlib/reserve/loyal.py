"""What a store tells of those who come back: who is new, first orders, referrals, a programme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from cxlib.data.schema import Programme
from cxlib.reserve.store import ReserveError

if TYPE_CHECKING:
    from cxlib.reserve.reading import Reserve

STOOD = (  # columns of a history that are dated, whatever the customers table says
    "customer_id", "tenure_days", "recency_days", "orders_365", "spend_365", "cases_180",
    "open_cases", "last_satisfaction", "events_90",
)  # fmt: skip


def newness(reserve: Reserve) -> dict[str, object]:
    """See `Reserve.newness`."""
    joined = None
    if "joined_on" in reserve._all_columns().get("customers", ()):
        rows = reserve.read("customers", columns=["customer_id", "joined_on"])
        joined = rows.set_index("customer_id")["joined_on"]
    return {"joined": joined, "quiet": reserve.study.loyalty.quiet}


def around_orders(reserve: Reserve) -> dict[str, object]:
    """See `Reserve.around_orders`."""
    names = {"order_lines": "lines", "events": "events", "cases": "cases", "responses": "responses"}
    found = {name: reserve.read(t) for t, name in names.items() if t in reserve.tables}
    if asked := reserve.items_of("csat") or reserve.items_of("nps"):
        found["item"] = asked[0]
    known = reserve.study.loyalty.known
    if known or "referred_by" in reserve._all_columns().get("customers", ()):
        found |= {"customers": reserve.read("customers"), "known": known}
    return found


def referrals(reserve: Reserve) -> pd.DataFrame:
    """See `Reserve.referrals`."""
    names = [t for t, stage in reserve.study.touchpoints.items() if stage == "advocacy"]
    parts = []
    if names and "events" in reserve.tables:
        rows = reserve.read("events", columns=["customer_id", "at", "touchpoint"])
        parts.append(rows[rows["touchpoint"].isin(names)])
    if {"referred_by", "joined_on"} <= set(reserve._all_columns().get("customers", ())):
        rows = reserve.read("customers", columns=["referred_by", "joined_on"]).dropna()
        brought = rows.set_axis(["customer_id", "at"], axis=1)
        parts.append(brought.assign(touchpoint="referral"))
    return pd.concat(parts, ignore_index=True)


def programme(reserve: Reserve) -> tuple[Programme, pd.DataFrame]:
    """See `Reserve.programme`."""
    plan = reserve.study.loyalty.programme
    if plan is None:
        raise ReserveError(f"{reserve.study.name} has no loyalty.programme in study.yaml.")
    rows = reserve.history(plan.begun_on)
    rows = rows[[c for c in rows if c in STOOD or c in reserve.study.loyalty.known]]
    member = rows["customer_id"].isin(_who(reserve, plan, plan.where))
    if plan.control:
        beside = rows["customer_id"].isin(_who(reserve, plan, plan.control))
        rows, member = rows[member | beside], member[member | beside]
    if not 0 < member.sum() < len(member):
        raise ReserveError(
            f"loyalty.programme: {int(member.sum()):,} of {len(member):,} customers are in it on "
            f"{plan.begun_on}; both sorts are needed. Correct where and control in study.yaml."
        )
    return plan, rows.assign(member=member).reset_index(drop=True)


def _who(reserve: Reserve, plan: Programme, where: str) -> pd.Series:
    return reserve.read(plan.table, where=where, columns=["customer_id"])["customer_id"]
