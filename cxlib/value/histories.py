"""What each customer bought, in the three numbers that purchase models need.

    kept, notes = purchase_histories(orders)    # customer_id, first, repeats, last, age ...
    kinds(kept, columns)                        # the distinct ones, how many of each, which each is

Time is in weeks since the customer's first purchase. What one customer buys on one day is one
purchase, as in the literature; refunds are taken off as `cxlib.data.purchases` says.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, ngettext
from cxlib.data.purchases import days_bought, require_amounts, seen_from
from cxlib.stats.patterns import distinct_rows

COLUMNS = ("customer_id", "first", "repeats", "last", "age", "paid", "mean_amount", "mean_log")
WEEK, DAY = pd.Timedelta(days=7), pd.Timedelta(days=1)
Period = Literal["week", "month", "quarter", "year"]
PERIODS: dict[Period, str] = {"week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}


def purchase_histories(
    orders: pd.DataFrame, as_of: str | pd.Timestamp | None = None, *, amounts: bool = True
) -> tuple[pd.DataFrame, list[str]]:
    """What each customer bought before a date, as purchase models need it, and what was left out.

    Parameters
    ----------
    orders : customer_id, at (dates), amount (below zero for a refund)
    as_of : the date; the day after the last order by default
    amounts : orders must have amounts

    Returns
    -------
    A row a customer: customer_id, first (day of the first purchase), repeats (days with a later
    purchase), last and age (weeks from `first` to the last purchase, and to the last day seen),
    paid (repeat purchases above zero), mean_amount and mean_log (of these; NaN without one). And
    sentences on how many customers there are and what was left out.

    Raises
    ------
    InsufficientData : orders without amounts
    ValueError : columns that are missing or hold no dates, or no purchase before `as_of`

    Examples
    --------
    >>> at = pd.to_datetime(["2026-01-01", "2026-01-15"])
    >>> orders = pd.DataFrame({"customer_id": ["a", "a"], "at": at, "amount": [10.0, 20.0]})
    >>> kept, _notes = purchase_histories(orders, as_of="2026-01-30")
    >>> kept[["repeats", "last", "age", "mean_amount"]].values.tolist()
    [[1.0, 2.0, 4.0, 20.0]]
    """
    if amounts:
        require_amounts(orders)
    end = seen_from(orders, as_of)
    days, left_out = days_bought(orders, end)
    kept = history_of_days(days, end)
    return kept, [seen_note(len(kept), end), *left_out]


def history_of_days(days: pd.DataFrame, end: pd.Timestamp) -> pd.DataFrame:
    """The table of `purchase_histories` of the days on which customers bought before `end`."""
    again = days["customer_id"].duplicated()
    paid = days["amount"].where(again & (days["amount"] > 0)).astype(float)
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
    return kept[list(COLUMNS)]


def opportunity_histories(
    orders: pd.DataFrame, period: Period, as_of: str | pd.Timestamp | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """In which calendar periods each customer bought, as BG/BB needs it.

    Parameters
    ----------
    orders : customer_id, at (dates); amounts are used to take refunds off where there are any
    period : "week" (from Monday), "month", "quarter" or "year"
    as_of : date from which customers are seen, the day after the last order by default; a period
        that is not over by then is left out

    Returns
    -------
    A row a customer: customer_id, repeats (later periods with a purchase), last and age (periods
    from that of the first purchase to the last purchase, and to the last complete one). And
    sentences on how many customers there are and what was left out.

    Examples
    --------
    >>> at = pd.to_datetime(["2026-01-05", "2026-03-20", "2026-03-28"])
    >>> orders = pd.DataFrame({"customer_id": "a", "at": at})
    >>> opportunity_histories(orders, "month", "2026-05-12")[0].iloc[0, 1:].astype(float).tolist()
    [1.0, 2.0, 3.0]
    """
    end = seen_from(orders, as_of)
    days, left_out = days_bought(orders, end)
    when = days["day"].dt.to_period(PERIODS[period])
    final = end.to_period(PERIODS[period]) - 1  # the last that is over
    number = when.astype("int64").where(when <= final)
    each = number.groupby(days["customer_id"], observed=True)
    kept = pd.DataFrame({"first": each.min(), "final": each.max(), "times": each.nunique()})
    kept = kept.dropna()
    if kept.empty:
        raise InsufficientData(
            _("No calendar period with purchases is complete. Choose a shorter period.")
        )
    kept = pd.DataFrame(
        {
            "repeats": kept["times"] - 1.0,
            "last": kept["final"] - kept["first"],
            "age": final.ordinal - kept["first"],
        }
    ).reset_index()
    return kept, [seen_note(len(kept), final.end_time.normalize() + DAY), *left_out]


def seen_note(customers: int, end: pd.Timestamp) -> str:
    """How many customers there are, as of which day."""
    return ngettext(
        "{customers:count} customer, as of {date:date}.",
        "{customers:count} customers, as of {date:date}.",
        customers,
        customers=customers,
        date=end,
    )


def kinds(
    kept: pd.DataFrame, columns: list[str], customers: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(distinct rows of `columns` (u, c), customers of each (u,), which one each row is).

    A row is a customer, or stands for so many `customers`.
    """
    first, kind = distinct_rows([kept[column].to_numpy() for column in columns])
    return kept[columns].to_numpy(float)[first], np.bincount(kind, customers).astype(float), kind
