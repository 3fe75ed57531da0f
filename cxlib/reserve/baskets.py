"""What orders held, counted by SQL: how often products meet in one order, and by whom.

    counted = offers.count_baskets(study.baskets())
    offers.rules(counted)

An order is a basket of different products. Squares and products of customers' own sums, which tests
need since one customer's orders resemble each other, are added up in the store too. What was handed
back is taken off line by line, which SQL does not do well: `study.baskets` is then None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from cxlib.core.sample import DRAWS, SEED
from cxlib.data import sql
from cxlib.reserve import aggregates
from cxlib.reserve.database import Database
from cxlib.stats.resampling import MAX_CLUSTERS

Names = Sequence[Sequence[str]]
KNOWN = 'order_id is not null and customer_id is not null and "at" is not null'
COUNTED = ("product", "category")
AT_ONCE = 1_000_000  # order lines whose products are set against each other in one query


@dataclass(frozen=True)
class StoredBaskets:
    """Baskets in the store; tables are those of `offers.StoredCounts`."""

    database: Database
    draws: int = DRAWS
    seed: int = SEED
    level: str = "product"
    items: tuple[str, ...] | None = None
    since: pd.Timestamp | None = None
    until: pd.Timestamp | None = None
    keys: tuple[int, int] = (0, MAX_CLUSTERS)  # of customers, from the first, before the second

    @cached_property
    def countable(self) -> bool:
        """Whether nothing was handed back and amounts are known of all orders or of none."""
        if self.database.has_columns("orders", "amount"):
            unlike = "count(*) - count(amount) as blank, count(amount) as n"
            back = "sum(case when amount < 0 then 1 else 0 end) as back"
            asked = f"select {unlike}, {back} from orders where {KNOWN}"
            blank, n, handed = sql.first(self.database.store, asked)
            if handed or (blank and n):
                return False
        have = [c for c in ("quantity", "amount") if self.database.has_columns("order_lines", c)]
        below = " or ".join(f"{c} < 0" for c in have)
        return not have or not self._number(f"select count(*) from order_lines where {below}")

    @cached_property
    def orders(self) -> int:
        """How many orders there are."""
        return self._number("select count(*) from orders")

    @cached_property
    def lines(self) -> int:
        """How many order lines there are."""
        return self._number("select count(*) from order_lines")

    @cached_property
    def unbought(self) -> int:
        """Order lines with a quantity of zero."""
        if not self.database.has_columns("order_lines", "quantity"):
            return 0
        inside = f"order_id in (select order_id from orders where {KNOWN})"
        return self._number(f"select count(*) from order_lines where quantity = 0 and {inside}")

    def different(self) -> dict[str, int]:
        """How many products, and categories, order lines name, where they do."""
        return {
            level: self._number(f"select count(distinct {level}) from order_lines")
            for level in COUNTED
            if self.database.has_columns("order_lines", level)
        }

    def of(
        self,
        level: str,
        items: Sequence[str] | None = None,
        since: pd.Timestamp | None = None,
        until: pd.Timestamp | None = None,
    ) -> StoredBaskets:
        """Orders from `since` and before `until`, with nothing but some products or categories."""
        some = None if items is None else tuple(items)
        return replace(self, level=level, items=some, since=since, until=until)

    def span(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """When the first and the last order was."""
        found = self._asked('select min("at") as first, max("at") as last from bought').iloc[0]
        return pd.Timestamp(found["first"]), pd.Timestamp(found["last"])

    def customers(self) -> int:
        """Customers who ordered."""
        return int(self._asked("select count(distinct customer_id) as n from bought")["n"].iloc[0])

    def sizes(self) -> pd.DataFrame:
        """Columns size, item and n: orders of each size that hold each product."""
        found = self._asked("select size, item, count(*) as n from sized group by size, item")
        return found.astype({"size": int, "n": int})

    def by_key(self) -> pd.DataFrame:
        """Columns key, n and several: orders, and those of more than one product."""
        asked = (
            f"select {self._key} as key, count(*) as n, "
            "sum(case when size > 1 then 1 else 0 end) as several "
            f"from baskets group by {self._key}"
        )
        return self._asked(asked).astype(int)

    def sets(self, sets: Names) -> pd.DataFrame:
        """Columns k, n and people: orders that hold all products of each set, and customers."""
        asked = "select k, count(*) as n, count(distinct customer_id) as people from hit group by k"
        return self._asked(asked, sets).astype(int)

    def sets_by_key(self, sets: Names, edges: Sequence[int]) -> pd.DataFrame:
        """Columns key, k, class, n and places: those orders, and what else there was place for."""
        kind = _class(edges)
        asked = (
            f"select {self._key} as key, k, {kind} as class, count(*) as n, "
            f"sum(size - need) as places from hit group by {self._key}, k, {kind}"
        )
        return self._asked(asked, sets).astype(int)

    def squares(self, items: Sequence[str], edges: Sequence[int]) -> tuple[pd.DataFrame, ...]:
        """Sums over customers of products of their orders by class of size.

        A row a product with item, hhS_T and hoS_T (orders with it in class S, times the same, or
        all orders, in class T); and a row with ooS_T.
        """
        classes = range(len(edges))
        both = [f"sum(h{s} * h{t}) as hh{s}_{t}" for s in classes for t in classes if s <= t]
        both += [f"sum(h{s} * o{t}) as ho{s}_{t}" for s in classes for t in classes]
        own = [f"sum(o{s} * o{t}) as oo{s}_{t}" for s in classes for t in classes if s <= t]
        tables = self._by_customer(items, edges)
        joined = "held join everything on held.customer_id = everything.customer_id"
        return (
            self._asked(f"select item, {', '.join(both)} from {joined} group by item", (), tables),
            self._asked(f"select {', '.join(own)} from everything", (), tables),
        )

    def given(self, sets: Names, edges: Sequence[int]) -> pd.DataFrame:
        """What customers have of orders with each set, a row a set.

        Columns k, people, nS (orders in class S), cS (places in them), ccS_T and coS_T (places in
        class S times those, or all orders, of the same customer in class T).
        """
        classes = range(len(edges))
        sums = [f"sum(n{s}) as n{s}, sum(c{s}) as c{s}" for s in classes]
        sums += [f"sum(c{s} * c{t}) as cc{s}_{t}" for s in classes for t in classes if s <= t]
        sums += [f"sum(c{s} * o{t}) as co{s}_{t}" for s in classes for t in classes]
        asked = f"select k, count(*) as people, {', '.join(sums)} from having_it group by k"
        return self._asked(asked, sets, self._by_customer((), edges, given=True))

    def together(
        self,
        sets: Names,
        items: Sequence[str],
        edges: Sequence[int],
        often: Sequence[Sequence[int]],
        orders: Sequence[int],
    ) -> pd.DataFrame:
        """How often customers hold each product with each set, a row a set and product.

        Columns k, item, b (orders with both), bb (of each customer, times the same), bcS and boS
        (times places in orders with the set, and all orders, in class S), bu and cuS: b and those
        places times the usual, which is what a customer holds of the product in each class, times
        the share of the class's `orders` that hold the set, of which `often` says how many do.
        """
        classes = range(len(edges))
        usual = " + ".join(f"h{s} * (g{s}::double / {int(orders[s])})" for s in classes)
        columns = [f"{letter}{s}" for letter in "co" for s in classes]
        own = ", ".join(f"({k}, {', '.join(str(int(n)) for n in g)})" for k, g in enumerate(often))
        each = (
            f"select having_it.k as k, held.item as item, coalesce(b, 0)::double as b, "
            f"{', '.join(columns)}, {usual} as u from having_it "
            f"join (values {own}) as often(of_set, {', '.join(f'g{s}' for s in classes)}) "
            "on of_set = having_it.k join held on held.customer_id = having_it.customer_id "
            "left join met on met.customer_id = having_it.customer_id "
            "and met.k = having_it.k and met.item = held.item"
        )
        sums = ["sum(b) as b, sum(b * b) as bb, sum(b * u) as bu"]
        sums += [
            f"sum(b * c{s}) as bc{s}, sum(b * o{s}) as bo{s}, sum(c{s} * u) as cu{s}"
            for s in classes
        ]
        tables = self._by_customer(items, edges, given=True)
        tables["met"] = (
            "select hit.customer_id as customer_id, k, item, count(*) as b from hit "
            f"join sized on sized.basket = hit.basket where {_among(items)} "
            "group by hit.customer_id, k, item"
        )
        asked = f"select k, item, {', '.join(sums)} from ({each}) as each group by k, item"
        parts = max(1, round(self.lines / AT_ONCE))
        ends = [round(MAX_CLUSTERS * k / parts) for k in range(parts + 1)]
        some = (replace(self, keys=keys) for keys in zip(ends, ends[1:], strict=False))
        found = pd.concat([part._asked(asked, sets, tables) for part in some])
        return found.groupby(["k", "item"], as_index=False).sum()

    def _by_customer(
        self, items: Sequence[str], edges: Sequence[int], *, given: bool = False
    ) -> dict[str, str]:
        """Queries with a row a customer: all orders, those with each product or each set."""

        def counted(what: str, name: str) -> str:
            parts = (
                f"sum(case when {inside} then {what} else 0 end)::double as {name}{s}"
                for s, inside in enumerate(_classes(edges))
            )
            return ", ".join(parts)

        tables = {
            "everything": f"select customer_id, {counted('1', 'o')} from baskets "
            "group by customer_id"
        }
        if len(items):
            held = f"select customer_id, item, {counted('1', 'h')} from sized "
            tables["held"] = f"{held} where {_among(items)} group by customer_id, item"
        if given:
            own = f"select customer_id, k, {counted('1', 'n')}, {counted('size - need', 'c')} "
            own += "from hit group by customer_id, k"
            columns = [f"{letter}{s}" for letter in "nco" for s in range(len(edges))]
            tables["having_it"] = (
                f"select own.customer_id as customer_id, k, {', '.join(columns)} from ({own}) "
                "as own join everything on everything.customer_id = own.customer_id"
            )
        return tables

    @cached_property
    def _key(self) -> str:
        return aggregates.key_of(self.database.store, "orders", "customer_id")

    def _asked(
        self, query: str, sets: Names = (), tables: dict[str, str] | None = None
    ) -> pd.DataFrame:
        """What a query brings of what was bought, with the orders that hold the sets in `hit`."""
        parts = {
            "bought": self._bought(),
            "sized": "select basket, customer_id, item, count(*) over (partition by basket) "
            "as size from bought",
            "baskets": "select basket, customer_id, count(*) as size from bought "
            "group by basket, customer_id",
        }
        if sets:
            members = ", ".join(
                f"({k}, {len(one)}, {sql.text(str(item))})"
                for k, one in enumerate(sets)
                for item in one
            )
            parts["hit"] = (
                "select basket, customer_id, size, k, need from sized "
                f"join (values {members}) as members(k, need, member) on member = item "
                "group by basket, customer_id, size, k, need having count(*) = need"
            )
        parts |= tables or {}
        made = ", ".join(f"{name} as ({part})" for name, part in parts.items())
        return self.database.store.execute(f"with {made} {query}").df()

    def _bought(self) -> str:
        """A row for each order and each different product in it."""
        holds = KNOWN
        if self.since is not None:
            holds += f' and "at" >= {_time(self.since)}'
        if self.until is not None:
            holds += f' and "at" < {_time(self.until)}'
        low, high = self.keys
        if high - low < MAX_CLUSTERS:
            holds += f" and {self._key} >= {low} and {self._key} < {high}"
        quantity = ""
        if self.database.has_columns("order_lines", "quantity"):
            quantity = " and (quantity is null or quantity > 0)"
        some = "" if self.items is None else f" and {_among(self.items, self.level)}"
        return (
            f'select distinct basket, known.customer_id as customer_id, known."at" as "at", '
            f"{self.level} as item from order_lines join (select order_id as basket, customer_id, "
            f'"at" from orders where {holds}) as known on basket = order_id '
            f"where {self.level} is not null{quantity}{some}"
        )

    def _number(self, asked: str) -> int:
        return int(sql.first(self.database.store, asked)[0])


def _among(items: Sequence[str], column: str = "item") -> str:
    return f"{column} in ({', '.join(sql.text(str(item)) for item in items)})"


def _classes(edges: Sequence[int]) -> list[str]:
    """The condition for orders of each class of size, whose largest are `edges`."""
    ends = [int(edge) for edge in edges]
    after = [f"size > {low} and size <= {high}" for low, high in zip(ends, ends[1:], strict=False)]
    return [f"size <= {ends[0]}", *after]


def _class(edges: Sequence[int]) -> str:
    cases = (f"when {inside} then {s}" for s, inside in enumerate(_classes(edges)))
    return f"case {' '.join(cases)} end"


def _time(day: pd.Timestamp) -> str:
    return f"timestamp '{day:%Y-%m-%d %H:%M:%S}'"
