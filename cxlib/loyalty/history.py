"""Purchase history: what each customer bought in order, and who of them is a new customer.

    history = loyalty.purchase_history(study.loyalty.purchases())    # counted in the store
    history = loyalty.purchase_history(orders, joined=joined)        # of rows
    loyalty.repeat_purchase(history)

What one customer buys on one day is one purchase; refunds are taken off, and amounts may be
missing, as `cxlib.data.purchases` says. A file seldom
holds a company's whole past: who bought before it begins looks new in it. Those who joined before
the first day on file are known not to be; without such a day, `quiet` days must have passed since
the file began before a first purchase is taken for one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.purchases import days_bought, left_out, require_some, seen_from
from cxlib.stats.resampling import hashed

FREQUENCY = {"week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}
SUMS = ["repeat_revenue", "revenue", "repeats", "purchases"]
DAY = "datetime64[D]"


class CountedPurchases(Protocol):
    """Purchases counted where they are (`study.loyalty.purchases`), as `PurchaseHistory` does it.

    Those of customers who handed something back are not among them: their orders are `returned`,
    with the draws and the seed of all intervals. `begin` is the first day of both.
    """

    returned: Sample
    joined: pd.Series | None
    quiet: int
    priced: bool
    end: pd.Timestamp
    orders: int
    blank: int
    begin: pd.Timestamp | None

    def customers(self, begin: pd.Timestamp) -> tuple[int, int]:
        """How many customers there are, and how many of them are new."""

    def waits(self, begin: pd.Timestamp, most: int) -> pd.DataFrame:
        """Columns k, time, came and n."""

    def cohorts(self, begin: pd.Timestamp, every: str, length: int, most: int) -> pd.DataFrame:
        """Columns cohort (its first day), n, first, after1, after2 ..."""

    def retained(self, begin: pd.Timestamp, length: int, most: int, groups: str) -> pd.DataFrame:
        """Columns group, after, n and count; one group without a name where `groups` is empty."""

    def revenue(self, begin: pd.Timestamp, every: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Columns key, period (its first day) and SUMS; and period, n and new."""

    def buyers(
        self, begin: pd.Timestamp, every: str, periods: list[pd.Timestamp]
    ) -> tuple[int, int]:
        """Customers who bought after the quiet days, and those of them in none of the periods."""

    def groups_of(self, groups: str) -> pd.Series:
        """The groups of the customers of `returned`."""


@dataclass(frozen=True)
class PurchaseHistory:
    """Purchases of customers, in rows or counted in the store.

    Rows are sorted by customer and day; days are counted from 1970-01-01. Where purchases are
    counted, rows are those of customers who handed something back, and the methods add both up.

    Attributes
    ----------
    orders : as given, with the draws and the seed of every interval made from them
    who, day, amount, number : of each purchase (rows,); number is 0 for the first on file, and
        amounts are NaN where orders have none
    names : the customers, (customers,); `who` are their places
    first : day of their first purchase on file
    new : whether the first on file is taken for their first of all
    quiet : days at the start of the file in which nobody counts as new
    begin, end : the first day on file, and the first day that is not seen any more
    priced : whether amounts are known
    n, n_new : customers, and new ones among them, in rows and counted
    notes : what was left out, sentences
    counted : purchases that are counted in the store
    """

    orders: Sample
    who: np.ndarray
    day: np.ndarray
    amount: np.ndarray
    number: np.ndarray
    names: pd.Index
    first: np.ndarray
    new: np.ndarray
    quiet: int
    begin: int
    end: int
    priced: bool
    n: int
    n_new: int
    notes: list[str]
    counted: CountedPurchases | None = None

    @property
    def customers(self) -> Sample:
        """customer_id, a row a customer in rows: the unit that is resampled."""
        rows = pd.DataFrame({"customer_id": self.names})
        return Sample(rows, cluster="customer_id", **self.orders.bootstrap)

    @property
    def begun(self) -> pd.Timestamp:
        """The first day on file."""
        return pd.Timestamp(date_of(self.begin))

    def seen(self) -> np.ndarray:
        """Days for which each customer in rows was seen after the first purchase."""
        return self.end - 1 - self.first

    def waits(self, most: int) -> pd.DataFrame:
        """How long new customers waited after each of `most` purchases, or are waiting still.

        Columns k (0 for the first purchase), time (days, 1 or more), came (whether the next
        purchase did), n (customers).
        """
        at = np.flatnonzero((self.number < most) & self.new[self.who])
        following = np.minimum(at + 1, len(self.who) - 1)
        came = (following > at) & (self.who[following] == self.who[at])
        time = np.where(came, self.day[following], self.end - 1) - self.day[at]
        found = pd.DataFrame({"k": self.number[at], "time": time, "came": came, "n": 1})
        if self.counted is not None:
            found = pd.concat([found, self.counted.waits(self.begun, most)], ignore_index=True)
        return found[found["time"] > 0]  # bought on the last day: not seen for a day

    def cohorts(self, every: str, length: int, most: int) -> pd.DataFrame:
        """New customers by the period of their first purchase, which is the index.

        Columns n (customers), first (the latest day of a first purchase) and after1, after2 ...:
        how many bought in each of `most` periods of `length` days after it.
        """
        after = [f"after{k}" for k in range(1, most + 1)]
        found = pd.DataFrame(self._active(length, most)[self.new].astype(int), columns=after)
        days = self.first[self.new]
        found = found.assign(n=1, first=days, cohort=_periods(days.astype(DAY), every))
        if self.counted is not None:
            other = self.counted.cohorts(self.begun, every, length, most)
            cohort = _periods(other["cohort"], every)
            other = other.assign(first=_days(other["first"]), cohort=cohort)
            found = pd.concat([found, other], ignore_index=True)
        return found.groupby("cohort").agg(dict.fromkeys(["n", *after], "sum") | {"first": "max"})

    def retained(
        self, length: int, most: int, groups: pd.Series | str | None = None
    ) -> pd.DataFrame:
        """New customers by group who were seen to the end of each of `most` periods, and bought.

        Columns group ("" where none are given), after (1 ...), n, count (who bought in the period).
        """
        asked, of = groups or "" if isinstance(groups, str) else "", groups
        if asked and self.counted is not None:
            of = self.counted.groups_of(asked)
        group = pd.Series("", self.names, dtype="string")
        if isinstance(of, pd.Series):
            group = of.groupby(level=0).first().reindex(self.names).astype("string")
        active, parts = self._active(length, most), []
        for k in range(most):
            there = self.new & (self.seen() >= length * (k + 1))
            one = {"group": group.array, "after": k + 1, "n": there, "count": there & active[:, k]}
            parts.append(pd.DataFrame(one).astype({"n": int, "count": int}))
        if self.counted is not None:
            parts.append(self.counted.retained(self.begun, length, most, asked))
            parts[-1]["group"] = parts[-1]["group"].astype("string")
        found = pd.concat(parts, ignore_index=True).groupby(["group", "after"], as_index=False)
        return found[["n", "count"]].sum()

    def revenue(self, every: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """What was bought after the quiet days, by the customers' keys and by period.

        The first table has key, period, and sums of repeat_revenue, revenue, repeats (repeat
        purchases) and purchases; without amounts a purchase counts one. The second, by period, has
        n (customers) and new (first purchases of new customers).
        """
        each = self._bought(every)
        sums = each.assign(key=hashed(self.names)[each["who"]])[["key", "period", *SUMS]]
        by_period = each.assign(n=1)[["period", "n", "new"]]
        if self.counted is not None:
            more, others = (
                table.assign(period=_periods(table["period"], every))
                for table in self.counted.revenue(self.begun, every)
            )
            sums = pd.concat([sums, more], ignore_index=True)
            by_period = pd.concat([by_period, others], ignore_index=True)
        sums = sums.groupby(["key", "period"], as_index=False).sum()
        return sums, by_period.groupby("period").sum()

    def buyers(self, every: str, periods: list[pd.Period]) -> tuple[int, int]:
        """Customers who bought after the quiet days, and those of them in none of the periods."""
        each = self._bought(every)
        inside = each["period"].isin(periods).groupby(each["who"]).any()
        n, outside = len(inside), int((~inside).sum())
        if self.counted is not None:
            more = self.counted.buyers(self.begun, every, [p.start_time for p in periods])
            n, outside = n + more[0], outside + more[1]
        return n, outside

    def _active(self, length: int, most: int) -> np.ndarray:
        """Whether each customer bought in each period after the first, (customers, periods)."""
        ages = self.day - self.first[self.who]
        period = (ages - 1) // length  # day 0 is the first purchase itself
        inside = (ages > 0) & (period < most)
        active = np.zeros((len(self.names), most), bool)
        active[self.who[inside], period[inside]] = True
        return active

    def _bought(self, every: str) -> pd.DataFrame:
        """who, period, SUMS and new of what each customer bought after the quiet days."""
        there = self.day >= self.begin + self.quiet
        who, first = self.who[there], self.number[there] == 0
        gain = self.amount[there] if self.priced else np.ones(there.sum())
        again = ~(first & self.new[who])
        rows = pd.DataFrame(
            {
                "who": who,
                "period": _periods(self.day[there].astype(DAY), every),
                **dict(zip(SUMS, (gain * again, gain, again, 1), strict=True)),
                "new": ~again,
            }
        )
        return (
            rows.astype({"repeats": int, "new": int})
            .groupby(["who", "period"], as_index=False)
            .sum()
        )


def purchase_history(
    sample: SampleLike | CountedPurchases,
    *,
    joined: pd.Series | None = None,
    quiet: int = 0,
    as_of: str | pd.Timestamp | None = None,
) -> PurchaseHistory:
    """Purchases by customer and day, and which customers are new.

    Parameters
    ----------
    sample : orders, with customer_id, at (dates) and, where known, amount; its draws and seed are
        those of every interval. Customers are resampled. Or purchases that are counted in the
        store (`study.loyalty.purchases`), which know all else themselves
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
    if not isinstance(sample, Sample | pd.DataFrame):
        return _of_counted(sample)
    sample = as_sample(sample)
    if quiet < 0:
        raise ValueError(f"quiet is {quiet} days; it must be 0 or more.")
    end = seen_from(sample.data, as_of)
    days, notes = days_bought(sample.data, end)
    return _history(sample, days, notes, joined, quiet, end)


def _of_counted(counted: CountedPurchases) -> PurchaseHistory:
    days, notes = days_bought(counted.returned.data, counted.end, required=False)
    if counted.begin is None:
        require_some(days, counted.orders, counted.end)
    notes = [*left_out(counted.orders, counted.blank, 0), *notes]
    joined, quiet = counted.joined, counted.quiet
    return _history(counted.returned, days, notes, joined, quiet, counted.end, counted)


def _history(
    sample: Sample,
    days: pd.DataFrame,
    notes: list[str],
    joined: pd.Series | None,
    quiet: int,
    end: pd.Timestamp,
    counted: CountedPurchases | None = None,
) -> PurchaseHistory:
    who, names = pd.factorize(days["customer_id"])
    day, starts = _days(days["day"]), np.flatnonzero(np.diff(who, prepend=-1))
    amount = days["amount"].to_numpy(float)
    begins = [int(day.min())] if len(day) else []
    if counted is not None and counted.begin is not None:
        begins.append(int(_days(pd.Series([counted.begin]))[0]))
    begin, first = min(begins), day[starts]
    new = _new(pd.Index(names), first, begin, joined, quiet)
    more = (0, 0) if counted is None else counted.customers(pd.Timestamp(date_of(begin)))
    n, n_new = len(names) + more[0], int(new.sum()) + more[1]
    if not n_new:
        raise InsufficientData(
            _(
                "none of {n:count} customers is new: all joined before the orders"
                " begin, or bought within {quiet:count} days of it. Give a "
                "smaller quiet, or check joined_on.",
                n=n,
                quiet=quiet,
            )
        )
    return PurchaseHistory(
        sample,
        who,
        day,
        amount,
        np.arange(len(who)) - starts[who],
        pd.Index(names),
        first,
        new,
        quiet,
        begin,
        int(_days(pd.Series([end]))[0]),
        not np.isnan(amount).all() if counted is None else counted.priced,
        n,
        n_new,
        [*notes, _who_is_new(n, n_new, begin, joined is not None, quiet)],
        counted,
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
    return at.to_numpy().astype(DAY).astype(int)


def _periods(days: np.ndarray | pd.Series, every: str) -> pd.PeriodIndex:
    return pd.PeriodIndex(days, freq=FREQUENCY[every])


def _new(
    names: pd.Index, first: np.ndarray, begin: int, joined: pd.Series | None, quiet: int
) -> np.ndarray:
    """Who is taken for new."""
    new: np.ndarray = first >= begin + quiet
    if joined is None:
        return new
    since = pd.to_datetime(joined.groupby(level=0).first().reindex(names))
    # Not a number of days, but the largest there is, stands for a day not known.
    earlier = since.notna().to_numpy() & (since < pd.Timestamp(date_of(begin))).to_numpy()
    return new & ~earlier


def _who_is_new(n: int, new: int, begin: int, joined: bool, quiet: int) -> str:
    """The sentence that says who is taken for new."""
    facts = {"n": i18n.count(n), "date": date_of(begin)}
    if joined:
        return _(
            "{new:count} of {n} customers are new: they joined on or after {date:date}, the first "
            "day on file.",
            new=new,
            **facts,
        )
    if quiet:
        return _(
            "{new:count} of {n} customers are taken for new: nothing of theirs is on file for at "
            "least {quiet:count} days from {date:date}, its first day.",
            new=new,
            quiet=quiet,
            **facts,
        )
    return _(
        "{n} customers count as new at their first purchase on file; it begins on {date:date}.",
        **facts,
    )
