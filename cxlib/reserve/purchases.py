"""Purchases counted by SQL: how long customers wait, how many return, what they bring.

    history = loyalty.purchase_history(study.loyalty.purchases())

Orders of one customer on one day are one purchase, as in `cxlib.data.purchases`. A refund is taken
off earlier purchases one by one, which SQL does not do well: the orders of customers who handed
something back are read (`returned`), those of all others counted, by key where they are resampled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from cxlib.core.sample import DRAWS, SEED, Sample
from cxlib.data import sql
from cxlib.reserve import aggregates, door
from cxlib.reserve.database import Database
from cxlib.reserve.door import Held, fewest
from cxlib.reserve.subsample import SomeCustomers

PARTS = 10_000  # of a currency's unit, in which spend is counted
BACK = (
    "select 1 from orders as back where back.customer_id = orders.customer_id "
    'and back.amount < 0 and back."at" is not null'
)


@dataclass(frozen=True)
class StoredPurchases:
    """Purchases by customer and day; tables are those of `loyalty.CountedPurchases`.

    `groups` is a query of customers (customer_id, value), of which those of `returned` are known as
    `groups_returned`; `some` are the customers whose orders are in rows too, None for all.
    """

    database: Database
    draws: int = DRAWS
    seed: int = SEED
    groups: str = ""
    groups_returned: pd.Series | None = None
    some: SomeCustomers | None = None

    def grouped(self, groups: str, returned: pd.Series | None = None) -> StoredPurchases:
        """The same purchases, whose patterns are counted by group.

        Parameters
        ----------
        groups : query of customer_id and value (`customers.group_query`); empty for none
        returned : groups of the customers of `returned`, where the query does not have them
        """
        known = self.groups_of(groups) if groups and returned is None else returned
        return replace(self, groups=groups, groups_returned=known)

    @cached_property
    def quiet(self) -> int:
        """Days at the start of the file in which nobody counts as new."""
        return self.database.study.loyalty.quiet

    @cached_property
    def priced(self) -> bool:
        """Whether orders have amounts."""
        return self.database.has_columns("orders", "amount")

    @cached_property
    def _dated(self) -> bool:
        return self.database.has_columns("customers", "joined_on")

    @cached_property
    def _known_orders(self) -> str:
        """The condition for orders that are counted."""
        known = 'customer_id is not null and "at" is not null'
        return f"{known} and amount is not null" if self.priced else known

    @cached_property
    def orders(self) -> int:
        """How many orders there are."""
        return self._number("select count(*) from orders")

    @cached_property
    def blank(self) -> int:
        """Orders without a customer, date or amount."""
        return self.orders - self._number(f"select count(*) from orders where {self._known_orders}")

    @cached_property
    def end(self) -> pd.Timestamp:
        """The day after the last order."""
        [[last]] = self._sums('select max("at") as last from orders', "orders").to_numpy()
        return pd.Timestamp(last).normalize() + pd.Timedelta(days=1)

    @cached_property
    def _refunds(self) -> bool:
        """Whether somebody handed something back."""
        asked = f"select count(*) from orders where {self._known_orders} and amount < 0"
        return self.priced and self._number(asked) > 0

    @cached_property
    def returned(self) -> Sample:
        """The orders of customers who handed something back."""
        priced, order = ", amount" if self.priced else "", self.database.order("orders")
        asked = f'select customer_id, "at"{priced} from orders where {self._known_orders}'
        asked += f" and exists ({BACK}) order by {order}" if self._refunds else " limit 0"
        rows = self.database.store.execute(asked).df()
        return Sample(rows, cluster="customer_id", draws=self.draws, seed=self.seed)

    @cached_property
    def joined(self) -> pd.Series | None:
        """When the customers of `returned` joined; None where it is not known of any."""
        dated = "select customer_id, joined_on as value from customers"
        return self._of_returned(dated) if self._dated else None

    def groups_of(self, groups: str) -> pd.Series:
        """The groups of the customers of `returned`."""
        return self._of_returned(groups)

    def _of_returned(self, values: str) -> pd.Series:
        theirs = f"select customer_id from orders where {self._known_orders} and exists ({BACK})"
        theirs = f"customer_id in ({theirs})" if self._refunds else "true limit 0"
        asked = f"select customer_id, value from ({values}) as v where value is not null and "
        rows = self.database.store.execute(asked + theirs).df()
        return rows.set_index("customer_id")["value"]

    @cached_property
    def begin(self) -> pd.Timestamp | None:
        """The first day on which one of the customers who are counted bought."""
        [[day]] = self._sums(f"select min(day) as day from {self._days}", self._days).to_numpy()
        return None if pd.isna(day) else pd.Timestamp(day)

    @cached_property
    def _days(self) -> str:
        """customer_id, day, amount of each purchase: a subquery."""
        holds = self._known_orders + (f" and not exists ({BACK})" if self._refunds else "")
        amount = "sum(amount)" if self.priced else "1.0"
        return (
            f"(select customer_id, date_trunc('day', \"at\") as day, {amount} as amount "
            f"from orders where {holds} group by customer_id, date_trunc('day', \"at\")) as days"
        )

    def _purchases(self, begin: pd.Timestamp) -> str:
        """With the place of each among the customer's, the first day, the next, and who is new."""
        columns = "customer_id, day, amount, place, first, following"
        ordered = "over (partition by customer_id order by day)"
        numbered = (
            f"select customer_id, day, amount, row_number() {ordered} as place, "
            f"min(day) over (partition by customer_id) as first, lead(day) {ordered} as following "
            f"from {self._days}"
        )
        new = f"first >= {_time(begin + pd.Timedelta(days=self.quiet))}"
        joined = ""
        if self._dated:
            joined = "left join (select customer_id as id, joined_on from customers) as c"
            joined += " on id = customer_id"
            new += f" and (joined_on is null or joined_on >= {_time(begin)})"
        return (
            f"(select {columns}, case when {new} then 1 else 0 end as new "
            f"from ({numbered}) as numbered {joined}) as bought"
        )

    def customers(self, begin: pd.Timestamp) -> tuple[int, int]:
        """How many customers there are, and how many of them are new."""
        source = self._purchases(begin)
        asked = f"select count(*) as n, sum(new) as new from {source} where place = 1"
        [[n, new]] = self._sums(asked, source).fillna(0).to_numpy()
        return int(n), int(new)

    def waits(self, begin: pd.Timestamp, most: int) -> pd.DataFrame:
        """Columns k, time, came and n."""
        last = _time(self.end - pd.Timedelta(days=1))
        groups = [
            "place - 1",
            f"date_diff('day', day, coalesce(following, {last}))",
            "case when following is null then 0 else 1 end",
        ]
        named = (f"{g} as {name}" for g, name in zip(groups, ("k", "time", "came"), strict=True))
        holds = f"new = 1 and place <= {most}"
        source = self._purchases(begin)
        asked = f"select {', '.join(named)}, count(*) as n from {source} where {holds} group by all"
        found = self._sums(asked, source, groups, holds)
        return found.astype({"k": int, "time": int, "came": bool, "n": int})

    def _returns(self, begin: pd.Timestamp, length: int, most: int, groups: str = "") -> str:
        """Of each customer in which periods of `length` days after the first purchase it bought."""
        age, parts = "date_diff('day', first, day)", []
        for k in range(most):
            inside = f"{age} > {k * length} and {age} <= {(k + 1) * length}"
            parts.append(f"max(case when {inside} then 1 else 0 end) as after{k + 1}")
        each = f"select customer_id, first, new, {', '.join(parts)} "
        each += f"from {self._purchases(begin)} group by customer_id, first, new"
        group, joined = "'' as value", ""
        if groups:
            of = f"(select customer_id as id, value from ({groups}) as v) as g"
            group, joined = "value", f"join {of} on id = customer_id where value is not null"
        after = ", ".join(f"after{k + 1}" for k in range(most))
        of_each = f"select customer_id, first, new, {group}, {after} from ({each}) as each {joined}"
        return f"({of_each}) as returns"

    def cohorts(self, begin: pd.Timestamp, every: str, length: int, most: int) -> pd.DataFrame:
        """Columns cohort (its first day), n, first, after1, after2 ..."""
        source, cohort = self._returns(begin, length, most), f"date_trunc('{every}', first)"
        added = ", ".join(f"sum(after{k}) as after{k}" for k in range(1, most + 1))
        asked = (
            f"select {cohort} as cohort, count(*) as n, max(first) as first, {added} "
            f"from {source} where new = 1 group by {cohort}"
        )
        return self._sums(asked, source, [cohort], "new = 1")

    def retained(self, begin: pd.Timestamp, length: int, most: int, groups: str) -> pd.DataFrame:
        """Columns group, after, n and count; one group without a name where `groups` is empty."""
        source, parts = self._returns(begin, length, most, groups), []
        for k in range(1, most + 1):
            seen = f"new = 1 and first <= {_time(self.end - pd.Timedelta(days=1 + length * k))}"
            parts.append(f"sum(case when {seen} then 1 else 0 end) as n{k}")
            parts.append(f"sum(case when {seen} then after{k} else 0 end) as count{k}")
        asked = f"select value, {', '.join(parts)} from {source} group by value"
        found = self._sums(asked, source, ["value"])
        each = [
            pd.DataFrame(
                {
                    "group": found["value"],
                    "after": k,
                    "n": found[f"n{k}"],
                    "count": found[f"count{k}"],
                }
            )
            for k in range(1, most + 1)
        ]
        return pd.concat(each, ignore_index=True)

    def _brought(self, begin: pd.Timestamp, every: str) -> str:
        """What each customer bought in each period after the quiet days."""
        again = "case when place > 1 or new = 0 then {} else 0 end"
        return (
            f"(select customer_id, date_trunc('{every}', day) as period, "
            f"sum({again.format('amount')}) as repeat_revenue, sum(amount) as revenue, "
            f"sum({again.format('1')}) as repeats, count(*) as purchases, "
            f"max(case when place = 1 then new else 0 end) as new from {self._purchases(begin)} "
            f"where day >= {_time(begin + pd.Timedelta(days=self.quiet))} "
            f"group by customer_id, date_trunc('{every}', day)) as brought"
        )

    def revenue(self, begin: pd.Timestamp, every: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Columns key, period (its first day) and sums; and period, n and new."""
        source = self._brought(begin, every)
        key = aggregates.key_of(self.database.store, "orders", "customer_id")
        names = ("repeat_revenue", "revenue", "repeats", "purchases")
        added = ", ".join(f"sum({name}) as {name}" for name in names)

        def summed(size: int) -> pd.DataFrame:
            bucket = aggregates.coarser(key, size)
            asked = (
                f"select {bucket} as key, period, {added} from {source} group by {bucket}, period"
            )
            return self._sums(asked, source, [bucket, "period"])

        counted = f"select period, count(*) as n, sum(new) as new from {source} group by period"
        sums, of = self._by_key(summed), self._sums(counted, source, ["period"])
        return sums.astype(dict.fromkeys(names, float)), of.astype({"n": int, "new": int})

    def _by_key(self, asked: Callable[[int], pd.DataFrame]) -> pd.DataFrame:
        return door.by_customers(asked, leave_rows=self.database.study.reporting.leave_rows)

    def buyers(
        self, begin: pd.Timestamp, every: str, periods: list[pd.Timestamp]
    ) -> tuple[int, int]:
        """Customers who bought after the quiet days, and those of them in none of the periods."""
        named = ", ".join(map(_time, periods))
        inside = f"max(case when period in ({named}) then 1 else 0 end)" if periods else "0"
        each = f"(select customer_id, {inside} as inside from {self._brought(begin, every)} "
        each += "group by customer_id) as each"
        found = self._sums(
            f"select inside, count(*) as n from {each} group by inside", each, ["inside"]
        )
        return int(found["n"].sum()), int(found.loc[found["inside"] == 0, "n"].sum())

    def bought_in(self, starts: list[pd.Timestamp]) -> pd.DataFrame:
        """Columns key, early, in0, in1 ... and n: how many customers of each key bought when.

        Early is before the first of the days; in0 from it on and before the second, and so on, to
        the last of the days.
        """
        inside = [f"day < {_time(starts[0])}"]
        inside += [
            f"day >= {_time(day)} and day < {_time(next_)}"
            for day, next_ in zip(starts, starts[1:], strict=False)
        ]
        names = ["early", *(f"in{k}" for k in range(len(starts) - 1))]
        flags = ", ".join(
            f"max(case when {when} then 1 else 0 end) as {name}"
            for when, name in zip(inside, names, strict=True)
        )
        source = f"(select customer_id, {flags} from {self._days} group by customer_id) as each"
        key = aggregates.key_of(self.database.store, "orders", "customer_id")

        def summed(size: int) -> pd.DataFrame:
            groups = [aggregates.coarser(key, size), *names]
            asked = f"select {groups[0]} as key, {', '.join(names)}, count(*) as n from {source} "
            return self._sums(f"{asked} group by {', '.join(groups)}", source, groups)

        return self._by_key(summed)

    def later(self, day: pd.Timestamp) -> int:
        """Orders on a day or later."""
        held = f'{self._known_orders} and "at" >= {_time(day)}'
        return self._number(f"select count(*) from orders where {held}")

    def patterns(self, day: pd.Timestamp) -> pd.DataFrame:
        """How many customers have bought alike before a day, by group.

        Columns group, repeats, last, age, paid and after (`value.purchase_histories`; last and age
        in days, after is purchases from the day on), key (of customers in rows, -1 of others), n,
        and the sums of spent and its squares, of what each customer paid in repeat purchases.
        """
        now, last = _time(day), _time(day - pd.Timedelta(days=1))
        paid = f"day > first and day < {now} and amount > 0"
        own = [
            f"max(case when day < {now} then day end) as final",
            f"sum(case when day < {now} then 1 else 0 end) - 1 as repeats",
            f"sum(case when {paid} then 1 else 0 end) as paid",
            f"sum(case when day >= {now} then 1 else 0 end) as after",
            f"sum(case when {paid} then amount else 0.0 end) as spent",
        ]
        first = "min(day) over (partition by customer_id) as first"
        each = f"select customer_id, first, {', '.join(own)} "
        each += f"from (select customer_id, day, amount, {first} from {self._days}) as dated "
        each = f"({each} where first < {now} group by customer_id, first) as each"
        group = "cast(null as varchar)"
        if self.groups:
            group = "value"
            each += f" left join (select customer_id as id, value from ({self.groups}) as v) as g"
            each += " on id = customer_id"
        age = "date_diff('day', first, {})"
        key = aggregates.key_of(self.database.store, "orders", "customer_id")
        if self.some is not None:
            in_rows = self.some.conditions({"orders": ["customer_id"]}, ["orders"])["orders"]
            key = f"case when {in_rows} then {key} else -1 end"
        groups = [group, "repeats", age.format("final"), age.format(last), "paid", "after", key]
        names = ["group", "repeats", "last", "age", "paid", "after", "key"]
        named = (f'{of} as "{name}"' for of, name in zip(groups, names, strict=True))
        sums = "count(*) as n, sum(spent) as spent, sum(spent * spent) as squares"
        asked = f"select {', '.join(named)}, {sums} from {each} group by all"
        found = self._sums(asked, each, groups).astype(dict.fromkeys([*names[1:], "n"], int))
        return found.sort_values(names, ignore_index=True)

    def habits(self, measure: str, day: pd.Timestamp, window: int = 0) -> pd.DataFrame:
        """Columns value and n: how many customers have each recency_days, orders or spend.

        Of their orders before a day, of so many days; of all before it where `window` is 0.
        """
        value = _habit(measure, day, window)
        each = (
            f"select customer_id, {value} as value from orders where {self._inside([day], window)}"
        )
        source = f"({each} group by customer_id) as each"
        asked = f"select value, count(*) as n from {source} group by value order by value"
        found = self._sums(asked, source, ["value"])
        return found.assign(value=found["value"] / (PARTS if measure == "spend" else 1))

    def graded(
        self,
        cuts: Mapping[str, list[float]],
        points: tuple[int, int],
        days: list[pd.Timestamp],
        window: int = 0,
    ) -> pd.DataFrame:
        """Columns key, grade0, grade1 ..., n and spend: customers of each key by grade on each day.

        `cuts` are the values of each measure beyond which a score is one higher, `points` those at
        which A and B begin; spend is that before the last of the days.
        """
        source = self._graded(cuts, points, days, window)
        key = aggregates.key_of(self.database.store, "orders", "customer_id")
        of = [f"grade{k}" for k in range(len(days))]

        def summed(size: int) -> pd.DataFrame:
            groups = [aggregates.coarser(key, size), *of]
            asked = (
                f"select {groups[0]} as key, {', '.join(of)}, count(*) as n, sum(spend) as spend "
            )
            asked += f"from {source} group by {', '.join(groups)}"
            return self._sums(asked, source, groups)

        found = self._by_key(summed)
        return found.assign(spend=found["spend"].astype(float) / PARTS)

    def grade_query(
        self,
        cuts: Mapping[str, list[float]],
        points: tuple[int, int],
        day: pd.Timestamp,
        names: Mapping[str, str],
    ) -> str:
        """The query of the customers' grades on a day, by name, as `grouped` takes it."""
        cases = " ".join(f"when {sql.text(g)} then {sql.text(name)}" for g, name in names.items())
        source = self._graded(cuts, points, [day], 0)
        return f"select customer_id, case grade0 {cases} end as value from {source}"

    def _graded(
        self,
        cuts: Mapping[str, list[float]],
        points: tuple[int, int],
        days: list[pd.Timestamp],
        window: int,
    ) -> str:
        """Of each customer the grade on each day, and spend: a subquery."""
        own = [f"{_habit(m, day, window)} as {m}{k}" for k, day in enumerate(days) for m in cuts]
        each = f"select customer_id, {', '.join(own)} from orders "
        each += f"where {self._inside(days, window)} group by customer_id"
        grades = []
        for k in range(len(days)):
            scores = " + ".join(_score(f"{m}{k}", m, cuts[m]) for m in cuts)
            cases = f"when orders{k} = 0 then 'none' when {scores} >= {points[0]} then 'A'"
            grades.append(
                f"case {cases} when {scores} >= {points[1]} then 'B' else 'C' end as grade{k}"
            )
        columns = f"customer_id, spend{len(days) - 1} as spend, {', '.join(grades)}"
        return f"(select {columns} from ({each}) as each) as graded"

    def _inside(self, days: list[pd.Timestamp], window: int) -> str:
        """The condition for orders that are seen from some day, of customers who are counted."""
        holds = self._known_orders + (f" and not exists ({BACK})" if self._refunds else "")
        holds += f' and "at" < {_time(days[-1])}'
        since = days[0] - pd.Timedelta(days=window)
        return f'{holds} and "at" >= {_time(since)}' if window else holds

    def _number(self, asked: str) -> int:
        return int(sql.first(self.database.store, asked)[0])

    def _sums(
        self, asked: str, source: str, groups: list[str] | None = None, holds: str = "true"
    ) -> pd.DataFrame:
        """What a query of sums brings; where no row may leave, each of enough customers."""
        held = Held(asked, fewest(groups or [], source, holds))
        return self.database.store.execute(held).df()


def _habit(measure: str, day: pd.Timestamp, window: int) -> str:
    """Of a customer the days since the last order before a day, the number or the sum of orders.

    Sums are in parts of a currency's unit: whole numbers are the same in whatever order they are
    added up, so that a cut point lies on the same side of them.
    """
    seen = f'"at" < {_time(day)}'
    seen += f' and "at" >= {_time(day - pd.Timedelta(days=window))}' if window else ""
    if measure == "orders":
        return f"sum(case when {seen} then 1 else 0 end)"
    if measure == "spend":
        return f"(sum(case when {seen} then amount else 0.0 end) * {PARTS})::bigint"
    last = f'max(case when {seen} then "at" end)'
    begun = f"case when date_trunc('day', {last}) < {last} then 1 else 0 end"
    return f"date_diff('day', {last}, {_time(day)}) - {begun}"


def _score(column: str, measure: str, cuts: list[float]) -> str:
    beyond, times = "<" if measure == "recency_days" else ">", PARTS if measure == "spend" else 1
    parts = (f"case when {column} {beyond} {round(c * times)} then 1 else 0 end" for c in cuts)
    return f"1 + {' + '.join(parts)}"


def _time(day: pd.Timestamp) -> str:
    return f"timestamp '{day:%Y-%m-%d %H:%M:%S}'"
