"""Purchase histories, customer by customer from rows or counted in the store where they are alike.

    found = histories(sample)                                       # a row a customer
    found = histories(sample, counted=study.loyalty.purchases())    # a row a pattern
    found.rows["customers"]                                         # how many each stands for

A purchase model asks of a customer only for the number of repeat purchases and the times of the
last one and of observation: customers who are equal in these are counted together by SQL, all of
them. Amounts are not so: their likelihood differs with what each customer paid, so that they are
learned from the customers of the sample. Given what was learned, the value of a customer rises in a
line with what the customer paid, so that sums by pattern give the mean value of all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from cxlib.core.i18n import _
from cxlib.core.sample import Sample
from cxlib.data.purchases import (
    days_bought,
    left_out,
    require_amounts,
    require_some,
    seen_from,
)
from cxlib.stats import resampling
from cxlib.value.histories import history_of_days, purchase_histories, seen_note


class CountedPurchases(Protocol):
    """Purchases counted where they are (`study.loyalty.purchases`).

    Orders of customers who handed something back are `returned`, in rows, and the groups of these
    customers `groups_returned`.
    """

    returned: Sample
    groups_returned: pd.Series | None
    end: pd.Timestamp
    orders: int
    blank: int

    def later(self, day: pd.Timestamp) -> int:
        """Orders on a day or later."""

    def patterns(self, day: pd.Timestamp) -> pd.DataFrame:
        """Columns group, repeats, last, age (days), paid, after, key, n, spent, squares (sums).

        The key, by which they are resampled, is that of customers whose orders are in rows too, and
        -1 of all others.
        """


@dataclass(frozen=True, eq=False)
class Histories:
    """What customers bought before a day.

    Attributes
    ----------
    rows : as of `purchase_histories`; where purchases are counted, a row a pattern with customers
        (how many have it), spread (the variance of their mean amounts) and key (`keys_of`)
    group : of each row; None without groups
    notes : sentences on how many customers there are, and what was left out
    buyers : customers in rows, from whom amounts are learned
    """

    rows: pd.DataFrame
    group: pd.Series | None
    notes: list[str]
    buyers: pd.DataFrame

    @property
    def customers(self) -> np.ndarray:
        """How many customers each row stands for."""
        return customers_of(self.rows)


def customers_of(rows: pd.DataFrame) -> np.ndarray:
    """How many customers each row of histories stands for."""
    return rows["customers"].to_numpy() if "customers" in rows else np.ones(len(rows), int)


def keys_of(rows: pd.DataFrame) -> np.ndarray:
    """The key by which the customers of each row are resampled; -1 where it is drawn."""
    return rows["key"].to_numpy() if "key" in rows else resampling.keys_of(rows, "customer_id")


def histories(
    sample: Sample,
    *,
    as_of: str | pd.Timestamp | None = None,
    groups: pd.Series | None = None,
    counted: CountedPurchases | None = None,
) -> Histories:
    """The histories of the customers in rows or, where purchases are counted, of all customers.

    Parameters
    ----------
    sample : orders with customer_id, at and amount; of some customers where others are counted
    as_of : date before which orders are seen, the day after the last order by default
    groups : group of each customer_id (its index), of customers in rows
    counted : purchases of all customers, with their own groups
    """
    if counted is None:
        rows, notes = purchase_histories(sample.data, as_of)
        group = None if groups is None else rows["customer_id"].map(groups)
        return Histories(rows, group, notes, rows)
    end = counted.end if as_of is None else pd.Timestamp(as_of)
    require_amounts(sample.data)
    buyers = purchase_histories(sample.data, end)[0]
    orders = counted.returned.data
    days, notes = days_bought(orders[orders["at"] < end], end, required=False)
    mine = history_of_days(days, end).assign(customers=1, spread=0.0, group=None)
    mine["key"] = resampling.keys_of(mine, "customer_id")
    mine["after"] = _bought_after(mine, orders, counted.end)
    if counted.groups_returned is not None:
        mine["group"] = mine["customer_id"].map(counted.groups_returned)
    rows = _with_patterns(mine, counted.patterns(end))
    require_some(rows, counted.orders, end)
    notes = [
        seen_note(int(rows["customers"].sum()), end),
        *left_out(counted.orders, counted.blank, counted.later(end)),
        *notes,
        _(
            "Purchases are counted from all customers; amounts are learned from {n:count} of them "
            "who bought again.",
            n=int((buyers["paid"] > 0).sum()),
        ),
    ]
    group = rows.pop("group")
    return Histories(rows, None if group.isna().all() else group, notes, buyers)


def _with_patterns(rows: pd.DataFrame, patterns: pd.DataFrame) -> pd.DataFrame:
    n, times = patterns["n"], patterns["paid"].where(patterns["paid"] > 0)
    spent = patterns["spent"] / n
    more = patterns.assign(
        last=patterns["last"] / 7,
        age=patterns["age"] / 7,
        mean_amount=spent / times,
        customers=n,
        spread=((patterns["squares"] / n - spent**2).clip(lower=0) / times**2).fillna(0.0),
    )
    named = ["repeats", "last", "age", "paid", "mean_amount", "spread", "customers", "key"]
    parts = [part[["group", *named, "after"]] for part in (rows, more)]
    both = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    return both.assign(customer_id=np.arange(len(both)), mean_log=np.nan)


def held_out(
    sample: Sample,
    weeks: float,
    *,
    as_of: str | pd.Timestamp | None = None,
    counted: CountedPurchases | None = None,
) -> tuple[Histories, np.ndarray]:
    """Histories up to some weeks before a date, and each row's purchases in these weeks.

    A purchase that is handed back in these weeks is taken off them.

    Parameters
    ----------
    sample, as_of, counted : as of `histories`; where purchases are counted, up to the last of them
    weeks : that are held out
    """
    end = seen_from(sample.data, as_of) if counted is None else counted.end
    found = histories(sample, as_of=end - pd.Timedelta(days=round(7 * weeks)), counted=counted)
    if counted is not None:
        return found, found.rows["after"].to_numpy(float)
    orders = sample.data
    return found, _bought_after(found.rows, orders[orders["at"] < end], end)


def _bought_after(before: pd.DataFrame, orders: pd.DataFrame, end: pd.Timestamp) -> np.ndarray:
    """Purchases before `end` less those `before`; fewer than none where they were handed back."""
    days = days_bought(orders, end, required=False)[0].groupby("customer_id", observed=True).size()
    known = days.reindex(before["customer_id"]).fillna(0).to_numpy(float)
    return known - 1 - before["repeats"].to_numpy(float)
