"""Purchases in the order in which each customer made them, and who of them is new.

    bought = read(orders, joined=joined)      # who, day, amount, number: a row a purchase
    bought.first[bought.new]                  # first purchase of those known to be new

What one customer buys on one day is one purchase; refunds are taken off its amount. A file seldom
holds a company's whole past: who bought before it begins looks new in it. Those who joined before
the first day on file are known not to be; without such a day, `quiet` days must have passed since
the file began before a first purchase is taken for one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.data.purchases import days_bought, seen_from

DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class Purchases:
    """Rows sorted by customer and day; days are counted from 1970-01-01.

    Attributes
    ----------
    who, day, amount, number : of each purchase (rows,); number is 0 for the first on file
    names : the customers, (customers,); `who` are their places
    first, last : day of their first purchase on file, and their last
    new : whether the first on file is taken for their first of all
    begin, end : the first day on file, and the first day that is not seen any more
    notes : what was left out, sentences
    """

    who: np.ndarray
    day: np.ndarray
    amount: np.ndarray
    number: np.ndarray
    names: pd.Index
    first: np.ndarray
    last: np.ndarray
    new: np.ndarray
    begin: int
    end: int
    notes: list[str]

    def seen(self) -> np.ndarray:
        """Days for which each customer was seen after the first purchase."""
        return self.end - 1 - self.first


def read(
    orders: pd.DataFrame,
    *,
    joined: pd.Series | None = None,
    quiet: int = 0,
    as_of: str | pd.Timestamp | None = None,
) -> Purchases:
    """The purchases before `as_of` (default: the day after the last order).

    `orders` has customer_id, at and amount; `joined` the day each customer joined, by customer_id.
    Raises ValueError for columns that are missing or hold no dates, for `quiet` below 0, when
    nothing was bought, and when nobody is new.
    """
    if quiet < 0:
        raise ValueError(f"quiet is {quiet} days; it must be 0 or more.")
    end = seen_from(orders, as_of)
    days, left_out = days_bought(orders, end)
    who, names = pd.factorize(days["customer_id"])
    day, starts = _days(days["day"]), np.flatnonzero(np.diff(who, prepend=-1))
    ends = np.append(starts[1:], len(who)) - 1
    begin = int(day.min())
    new, said = _new(pd.Index(names), day[starts], begin, joined, quiet)
    if not new.any():
        raise ValueError(
            f"none of {len(names):,} customers is new: all joined before the orders begin, or "
            f"bought within {quiet} days of it. Give a smaller quiet, or check joined_on."
        )
    number = np.arange(len(who)) - starts[who]
    last_day = int(_days(pd.Series([end]))[0])
    return Purchases(
        who,
        day,
        days["amount"].to_numpy(float),
        number,
        pd.Index(names),
        day[starts],
        day[ends],
        new,
        begin,
        last_day,
        [*left_out, said],
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
            "{new:count} of {n} customers are new: they joined on or after {date}, the first day "
            "on file.",
            new=new.sum(),
            **facts,
        )
    if quiet:
        return new, _(
            "{new:count} of {n} customers are taken for new: nothing of theirs is on file for at "
            "least {quiet:count} days from {date}, its first day.",
            new=new.sum(),
            quiet=quiet,
            **facts,
        )
    return new, _(
        "{n} customers count as new at their first purchase on file; it begins on {date}.", **facts
    )
