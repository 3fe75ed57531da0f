"""Answers by the million: customers chosen by the hash of their id, wave by wave, and weighted.

    plan = subsample.plan(store, "responses", by_wave=True, at_most=2_000_000)
    plan.holds            # the condition for the rows that are read
    plan.weighted(rows)   # each with the number of rows that it stands for

A customer is chosen in all waves or in none of equal share, so that changes are of the same people;
small waves are read whole. The choice depends on the study's data alone, not on the page's WAVE and
WHERE: every page reads the same answers. The bits of the hash are others than those by which
customers are resampled.

    some = subsample.customers({"orders": 10_000_000, "cases": 40_000}, ["orders"], 2_000_000)
    some.conditions(columns)   # table -> the condition for the rows of one customer in five
    batches({"orders": 10_000_000}, ["orders"], 2_000_000)   # all customers, some at a time
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

import duckdb
import numpy as np
import pandas as pd

from cxlib.core.errors import read_in_part
from cxlib.core.i18n import _
from cxlib.data import contract, sql
from cxlib.reserve.door import OF_NOBODY

Counted = Literal["", "orders", "cases"]
KEYS = 1 << 24  # of `sample_key`
SLACK = 1.15  # more batches than rows ask for, since a hash does not divide them evenly


@dataclass(frozen=True)
class Plan:
    """Which share of the rows of each wave is read, of those of customers in the share `within`.

    The keys of these customers begin at the share `start` of all keys. Where every row is `named`,
    that is, has a customer, the places of rows are not asked for: an engine would sort all of them.
    """

    shares: Mapping[str | None, float]
    counts: Mapping[str | None, int]
    customers: bool  # whether rows name their customer
    within: float = 1.0
    start: float = 0.0
    named: bool = False

    @property
    def holds(self) -> str:
        """The condition for the rows that are read."""
        ends = {w: round((self.start + s * self.within) * KEYS) for w, s in self.shares.items()}
        cases = " ".join(
            f"when wave = {sql.text(wave)} then {end}" for wave, end in ends.items() if wave
        )
        other = ends.get(None, KEYS)
        end = f"case {cases} else {other} end" if cases else str(other)
        return f"{_key(self.customers, self.named)} < {end}"

    def weighted(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows with the column `weight` times the number of rows that each stands for."""
        stands_for = np.full(len(rows), 1 / self.shares.get(None, 1.0))
        if "wave" in rows:
            shares = rows["wave"].map({w: s for w, s in self.shares.items() if w is not None})
            stands_for = np.where(shares.isna(), stands_for, 1 / shares.astype(float))
        return rows.assign(weight=rows.get("weight", 1.0) * stands_for)

    @property
    def widening(self) -> float:
        """How many times as wide an interval of all rows comes out by reading only these."""
        counts = np.array([self.counts[w] for w in self.shares], float)
        shares = np.array(list(self.shares.values()))
        return float(np.sqrt((counts / shares).sum() / counts.sum()))

    def sentence(self) -> str:
        """What a page says of it."""
        rows = {w: self.counts[w] * s for w, s in self.shares.items()}
        return _(
            "Of {total:count} answers about {n:count} are read, those of customers chosen by a "
            "hash of their number, and weighted by what they stand for: intervals over all waves "
            "are about {times:.1f} times as wide as those of all answers would be.",
            total=sum(self.counts.values()),
            n=round(sum(rows.values())),
            times=self.widening,
        )


@dataclass(frozen=True)
class SomeCustomers:
    """Customers chosen by the hash of their id, with all rows that are theirs in any table.

    Attributes
    ----------
    share : of the customers
    table, rows : the table for whose size they are chosen, and its rows
    start : share of the customers whose hash is below theirs
    batch : whether they are one of the parts of all customers (`batches`)
    """

    share: float
    table: str
    rows: int
    start: float = 0.0
    batch: bool = False

    def conditions(
        self, columns: Mapping[str, Iterable[str]], named: Collection[str] = ()
    ) -> dict[str, str]:
        """Table -> the condition for the rows of these customers, where rows are a customer's.

        Parameters
        ----------
        columns : of each table; a row without customer_id belongs to the order, case or answer
            that it names. The company's own tables (its actions and the like) have no condition
        named : tables whose rows are all known to have a customer

        Examples
        --------
        >>> some = SomeCustomers(0.5, "orders", 10)
        >>> some.conditions({"orders": ["order_id", "customer_id"], "units": ["unit"]})
        {'orders': "sample_key(coalesce(customer_id::varchar, 'row ' || _cxlab_row::varchar)) \
< 8388608"}
        """
        found: dict[str, str] = {}
        low, high = (round(end * KEYS) for end in (self.start, self.start + self.share))
        for name, table in contract.TABLES.items():  # those that others refer to come first
            have = set(columns.get(name, ())) if name not in OF_NOBODY else set()
            refers = (c for c in table.columns.values() if c.name in have and c.refers in found)
            if "customer_id" in have:
                key = _key(True, name in named)
                found[name] = f"{key} >= {low} and {key} < {high}" if low else f"{key} < {high}"
            elif link := next(refers, None):
                chosen = f"select {link.name} from {link.refers} where {found[link.refers]}"
                found[name] = f"{link.name} in ({chosen})"
        return found

    def say(self, *, listing: bool = False, counted: Counted = "") -> None:
        """Say it on the page: in short below its title, and in full.

        Parameters
        ----------
        listing : whether the page lists customers, all of whom it takes batch by batch
        counted : the table of which the page counts all rows for the rest
        """
        if counted:
            short = _("partly rows of one customer in {each:.1f}", each=1 / self.share)
        else:
            short = _("rows of one customer in {each:.1f}", each=1 / self.share)
        read_in_part(short, self._sentence(listing, counted))

    def _sentence(self, listing: bool, counted: Counted) -> str:
        facts = {"table": self.table, "rows": self.rows, "each": 1 / self.share}
        facts["times"] = self.share**-0.5
        if counted == "cases":
            return _(
                "{table:opening} have {rows:count} rows. Shares on time, waiting times and numbers "
                "of new cases are counted from all of them; their intervals come from resamples of "
                "1,024 groups of customers. All other parts read the rows of one customer in "
                "{each:.1f}, chosen by a hash of their number: there, numbers of cases and lists "
                "are of these, and intervals are about {times:.1f} times as wide as those of all "
                "rows would be.",
                **facts,
            )
        if counted:
            return _(
                "{table:opening} have {rows:count} rows. Retention, repeat revenue, grades, "
                "the life cycle, purchase models, association rules and bundles are counted from "
                "all of them; customer lifetime value takes purchases from all of them, amounts "
                "from those of some customers. All other parts read those of one customer in "
                "{each:.1f}, chosen by a hash of their number: there, numbers of customers are of "
                "these, and intervals are about {times:.1f} times as wide as those of all rows "
                "would be.",
                **facts,
            )
        if listing:
            return _(
                "{table:opening} have {rows:count} rows. Lists of customers are of all customers, "
                "who are read and scored batch by batch. Models and estimates are of the rows of "
                "one customer in {each:.1f}, chosen by a hash of their number, and so are other "
                "numbers of customers and totals. Shares and means are estimates for all "
                "customers; their intervals are about {times:.1f} times as wide as those of all "
                "rows would be.",
                **facts,
            )
        return _(
            "{table:opening} have {rows:count} rows. Only those of one customer in {each:.1f} are "
            "read, chosen by a hash of their number: numbers of customers, totals and lists of "
            "customers on this page are of these. Shares and means are estimates for all "
            "customers; their intervals are about {times:.1f} times as wide as those of all rows "
            "would be.",
            **facts,
        )


def customers(
    counts: Mapping[str, int], tables: Iterable[str], at_most: int
) -> SomeCustomers | None:
    """The customers whose rows of the largest of some tables are about so many; None for all.

    Examples
    --------
    >>> customers({"orders": 8000, "cases": 900}, ["orders", "cases"], 2000)
    SomeCustomers(share=0.25, table='orders', rows=8000, start=0.0, batch=False)
    """
    rows, table = max(((counts.get(t, 0), t) for t in tables), default=(0, ""))
    return SomeCustomers(at_most / rows, table, rows) if rows > at_most else None


def batches(counts: Mapping[str, int], tables: Iterable[str], at_most: int) -> list[SomeCustomers]:
    """All customers, in parts whose rows of each of some tables are at most about so many.

    None where all of them are that few.

    Examples
    --------
    >>> [(some.start, some.share) for some in batches({"orders": 3000}, ["orders"], 1000)]
    [(0.0, 0.25), (0.25, 0.25), (0.5, 0.25), (0.75, 0.25)]
    """
    if (some := customers(counts, tables, at_most)) is None:
        return []
    n = math.ceil(SLACK / some.share)
    return [SomeCustomers(1 / n, some.table, some.rows, k / n, batch=True) for k in range(n)]


def _key(known: bool, named: bool = False) -> str:
    """The number by which a row's customer is chosen; a row without one is its own."""
    if named:
        return "sample_key(customer_id::varchar)"
    row = f"'row ' || {sql.ROW}::varchar"
    return f"sample_key({f'coalesce(customer_id::varchar, {row})' if known else row})"


def plan(
    store: duckdb.DuckDBPyConnection,
    source: str,
    have: list[str],
    at_most: int,
    some: SomeCustomers | None = None,
    *,
    named: bool = False,
) -> Plan | None:
    """How to read at most about so many rows; None where there are no more than that.

    Where the rows are those of `some` customers, of these. `named`: every row has a customer.
    """
    wave = "wave" if "wave" in have else "cast(null as varchar)"
    found = store.execute(f"select {wave} as w, count(*) as n from {source} group by 1 order by 1")
    counts = {None if pd.isna(w) else str(w): int(n) for w, n in found.fetchall()}
    if sum(counts.values()) <= at_most:
        return None
    of = (some.share, some.start) if some else (1.0, 0.0)
    return Plan(shares_of(counts, at_most), counts, "customer_id" in have, *of, named)


def shares_of(counts: Mapping[str | None, int], at_most: int) -> dict[str | None, float]:
    """The share of each wave that is read: as many rows of each wave, and small waves whole.

    Examples
    --------
    >>> shares_of({"2026-Q1": 100, "2026-Q2": 900, "2026-Q3": 1800}, 1300)
    {'2026-Q1': 1.0, '2026-Q2': 0.6666666666666666, '2026-Q3': 0.3333333333333333}
    """
    left, shares = float(at_most), dict[str | None, float]()
    by_size = sorted(counts.items(), key=lambda pair: pair[1])
    for k, (wave, n) in enumerate(by_size):
        quota = min(n, left / (len(by_size) - k))
        shares[wave], left = quota / n, left - quota
    return {wave: shares[wave] for wave in counts}
