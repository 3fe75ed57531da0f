"""What each customer bought, in the three numbers that purchase models need.

    kept = histories(orders)                 # customer_id, first, repeats, last, age, mean_amount
    kinds(kept)                              # the distinct ones, how many of each, which each is

Time is in weeks since the customer's first purchase. What one customer buys on one day is one
purchase, as in the literature; refunds are taken off its amount.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib import page, tables

COLUMNS = ("customer_id", "first", "repeats", "last", "age", "paid", "mean_amount", "mean_log")
WEEK = pd.Timedelta(days=7)


def histories(
    orders: pd.DataFrame, as_of: str | pd.Timestamp | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """One row a customer known before `as_of` (default: the day after the last order), and losses.

    Columns: customer_id, first (day of the first purchase), repeats (days with a later purchase),
    last and age (weeks from `first` to the last purchase, and to the last day seen), paid (repeat
    purchases above zero), mean_amount and mean_log (of these; NaN without one). Raises ValueError
    for columns that are missing or hold no dates, and when nothing was bought before `as_of`.
    """
    seen_from = tables.day_seen_from(orders, as_of)
    amount = pd.to_numeric(orders["amount"], errors="coerce")
    known = orders["customer_id"].notna() & orders["at"].notna() & amount.notna()
    before = known & (orders["at"] < seen_from)
    rows = pd.DataFrame(
        {
            "customer_id": orders["customer_id"],
            "day": orders["at"].dt.normalize(),
            "amount": amount,
            "bought": amount >= 0,
        }
    )[before]
    days = rows.groupby(["customer_id", "day"], observed=True, sort=True).agg(
        amount=("amount", "sum"), bought=("bought", "any")
    )
    days = days[days["bought"]].reset_index()
    if days.empty:
        raise ValueError(
            f"none of {len(orders):,} orders is a purchase with a customer, an amount and a date "
            f"before {seen_from:%Y-%m-%d}. Check how customer_id, at and amount are mapped."
        )
    again = days["customer_id"].duplicated()
    paid = days["amount"].where(again & (days["amount"] > 0))
    each = days.assign(paid=paid, log=np.log(paid)).groupby("customer_id", observed=True, sort=True)
    kept = each.agg(
        first=("day", "min"),
        final=("day", "max"),
        repeats=("day", "size"),
        paid=("paid", "count"),
        mean_amount=("paid", "mean"),
        mean_log=("log", "mean"),
    ).reset_index()
    kept["repeats"] -= 1
    kept["last"] = (kept.pop("final") - kept["first"]) / WEEK
    kept["age"] = (seen_from - pd.Timedelta(days=1) - kept["first"]) / WEEK
    notes = [
        page.say(
            "{customers} customers, seen from {date}.",
            customers=page.count(len(kept)),
            date=f"{seen_from:%Y-%m-%d}",
        )
    ]
    if blank := int((~known).sum()):
        notes.append(
            page.say(
                "{blank} of {orders} orders lack a customer, a date or an amount and are left out.",
                blank=page.count(blank),
                orders=page.count(len(orders)),
            )
        )
    if later := int((known & ~before).sum()):
        notes.append(
            page.say(
                "{later} of {orders} orders are later and left out.",
                later=page.count(later),
                orders=page.count(len(orders)),
            )
        )
    return kept[list(COLUMNS)], notes


def kinds(kept: pd.DataFrame, columns: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(distinct rows of `columns` (u, c), customers of each (u,), which one each customer is)."""
    alike = kept[columns].astype(float).groupby(columns, sort=False, dropna=False)
    size = alike.size()
    return size.index.to_frame().to_numpy(), size.to_numpy(float), alike.ngroup().to_numpy()
