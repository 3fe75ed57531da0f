"""What each customer bought, in the three numbers that purchase models need.

    kept = histories(orders)                 # customer_id, first, repeats, last, age, mean_amount
    kinds(kept)                              # the distinct ones, how many of each, which each is

Time is in weeks since the customer's first purchase. What one customer buys on one day is one
purchase, as in the literature; refunds are taken off its amount.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core.i18n import ngettext
from cxlib.data.purchases import days_bought, seen_from

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
    end = seen_from(orders, as_of)
    days, left_out = days_bought(orders, end)
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
    kept["age"] = (end - pd.Timedelta(days=1) - kept["first"]) / WEEK
    said = ngettext(
        "{customers:count} customer, seen from {date:date}.",
        "{customers:count} customers, seen from {date:date}.",
        len(kept),
        customers=len(kept),
        date=end,
    )
    return kept[list(COLUMNS)], [said, *left_out]


def kinds(kept: pd.DataFrame, columns: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(distinct rows of `columns` (u, c), customers of each (u,), which one each customer is)."""
    values = kept[columns].to_numpy(float)
    key = np.zeros(len(values), np.int64)
    for column in values.T:
        code, levels = pd.factorize(column)
        key, _unused = pd.factorize(key * len(levels) + code)
    size = np.bincount(key)
    first = np.empty(len(size), int)
    first[key[::-1]] = np.arange(len(key))[::-1]
    return values[first], size.astype(float), key
