"""Purchase history: what each customer bought in order, and who of them is a new customer.

    history = loyalty.purchase_history(study.sample("orders"), joined=joined)
    history.first[history.new]                # first purchase of the new customers
    loyalty.repeat_purchase(history)

What one customer buys on one day is one purchase; refunds are taken off, and amounts may be
missing, as `cxlib.data.purchases` says. A file seldom
holds a company's whole past: who bought before it begins looks new in it. Those who joined before
the first day on file are known not to be; without such a day, `quiet` days must have passed since
the file began before a first purchase is taken for one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.purchases import days_bought, seen_from


@dataclass(frozen=True)
class PurchaseHistory:
    """Rows sorted by customer and day; days are counted from 1970-01-01.

    Attributes
    ----------
    orders : as given, with the draws and the seed of every interval made from them
    who, day, amount, number : of each purchase (rows,); number is 0 for the first on file, and
        amounts are NaN where orders have none
    names : the customers, (customers,); `who` are their places
    first, last : day of their first purchase on file, and their last
    new : whether the first on file is taken for their first of all
    quiet : days at the start of the file in which nobody counts as new
    begin, end : the first day on file, and the first day that is not seen any more
    notes : what was left out, sentences
    """

    orders: Sample
    who: np.ndarray
    day: np.ndarray
    amount: np.ndarray
    number: np.ndarray
    names: pd.Index
    first: np.ndarray
    last: np.ndarray
    new: np.ndarray
    quiet: int
    begin: int
    end: int
    notes: list[str]

    @property
    def priced(self) -> bool:
        """Whether amounts are known."""
        return not bool(np.isnan(self.amount).all())

    @property
    def customers(self) -> Sample:
        """customer_id, a row a customer: the unit that is resampled."""
        rows = pd.DataFrame({"customer_id": self.names})
        orders = self.orders
        return Sample(rows, cluster="customer_id", **orders.bootstrap)

    def seen(self) -> np.ndarray:
        """Days for which each customer was seen after the first purchase."""
        return self.end - 1 - self.first


def purchase_history(
    sample: SampleLike,
    *,
    joined: pd.Series | None = None,
    quiet: int = 0,
    as_of: str | pd.Timestamp | None = None,
) -> PurchaseHistory:
    """Purchases by customer and day, and which customers are new.

    Parameters
    ----------
    sample : orders, with customer_id, at (dates) and, where known, amount; its draws and seed are
        those of every interval. Customers are resampled
    joined : day on which each customer joined, by customer_id
    quiet : days from the first day on file without a purchase, before a first purchase counts as
        the customer's first of all; used where `joined` is not given
    as_of : orders on this day and later are not counted; by default the day after the last order

    Returns
    -------
    PurchaseHistory, which the functions of this topic take

    Raises
    ------
    ValueError : missing columns, `at` without dates, `quiet` below 0
    InsufficientData : no purchase, no new customer

    Examples
    --------
    >>> days = pd.to_datetime(["2026-01-05", "2026-01-05", "2026-02-01"])
    >>> orders = pd.DataFrame({"customer_id": list("aba"), "at": days, "amount": 9.0})
    >>> history = purchase_history(orders)
    >>> history.number.tolist(), history.names[history.new].tolist()
    ([0, 1, 0], ['a', 'b'])
    """
    sample = as_sample(sample)
    orders = sample.data
    if quiet < 0:
        raise ValueError(f"quiet is {quiet} days; it must be 0 or more.")
    end = seen_from(orders, as_of)
    days, left_out = days_bought(orders, end)
    who, names = pd.factorize(days["customer_id"])
    day, starts = _days(days["day"]), np.flatnonzero(np.diff(who, prepend=-1))
    ends = np.append(starts[1:], len(who)) - 1
    begin = int(day.min())
    new, who_is_new = _new(pd.Index(names), day[starts], begin, joined, quiet)
    if not new.any():
        raise InsufficientData(
            _(
                "none of {n:count} customers is new: all joined before the orders"
                " begin, or bought within {quiet:count} days of it. Give a "
                "smaller quiet, or check joined_on.",
                n=len(names),
                quiet=quiet,
            )
        )
    number = np.arange(len(who)) - starts[who]
    last_day = int(_days(pd.Series([end]))[0])
    return PurchaseHistory(
        sample,
        who,
        day,
        days["amount"].to_numpy(float),
        number,
        pd.Index(names),
        day[starts],
        day[ends],
        new,
        quiet,
        begin,
        last_day,
        [*left_out, who_is_new],
    )


def date_of(day: int) -> str:
    """The day as 2026-10-01."""
    return str(np.datetime64(int(day), "D"))


def name_of(period: pd.Period, every: str) -> str:
    """The period as 2026-Q1, 2026-01, or the first day of its week."""
    if every == "quarter":
        return f"{period.year}-Q{period.quarter}"
    if every == "week":
        return f"{period.start_time:%Y-%m-%d}"
    return str(period)


def _days(at: pd.Series) -> np.ndarray:
    return at.to_numpy().astype("datetime64[D]").astype(int)


def _new(
    names: pd.Index, first: np.ndarray, begin: int, joined: pd.Series | None, quiet: int
) -> tuple[np.ndarray, str]:
    """Who is taken for new, and the sentence that says so."""
    new, facts = first >= begin + quiet, {"n": i18n.count(len(names)), "date": date_of(begin)}
    if joined is not None:
        since = pd.to_datetime(joined.groupby(level=0).first().reindex(names))
        # Not a number of days, but the largest there is, stands for a day not known.
        earlier = since.notna().to_numpy() & (since < pd.Timestamp(facts["date"])).to_numpy()
        new = new & ~earlier
        return new, _(
            "{new:count} of {n} customers are new: they joined on or after {date:date}, the first "
            "day on file.",
            new=new.sum(),
            **facts,
        )
    if quiet:
        return new, _(
            "{new:count} of {n} customers are taken for new: nothing of theirs is on file for at "
            "least {quiet:count} days from {date:date}, its first day.",
            new=new.sum(),
            quiet=quiet,
            **facts,
        )
    return new, _(
        "{n} customers count as new at their first purchase on file; it begins on {date:date}.",
        **facts,
    )
