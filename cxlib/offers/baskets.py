"""What each order held, as one sparse matrix: orders down, products across.

    baskets = held(orders, lines, level="category", least=30)
    early, late = baskets.split(0.3)             # the last 30% of the time set apart
    early.count([(0, 4), (2, 3, 7)])             # orders that hold both, or all three

A product counts once an order, however many of it were bought.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from cxlib.core.i18n import _
from cxlib.stats.resampling import keys_of

LEVELS = ("product", "category")
MANY = 300  # products from which on categories are looked at, unless asked otherwise


@dataclass(frozen=True, eq=False)
class Baskets:
    """Orders and what they held.

    Attributes
    ----------
    matrix : (orders, products), 1 where the order holds the product
    products : their names, (products,)
    customer : whose order it is, numbered from 0, (orders,)
    customers : their ids; `keys` of the bootstrap, one each
    at : when, (orders,), rising
    several : share of the orders on file that hold more than one product, rare ones too
    notes : what was left out
    """

    matrix: sparse.csr_array
    products: np.ndarray
    customer: np.ndarray
    customers: np.ndarray
    keys: np.ndarray
    at: np.ndarray
    several: float = np.nan
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.at)

    @property
    def sizes(self) -> np.ndarray:
        """Products in each order."""
        return np.diff(self.matrix.indptr)

    def take(self, orders: np.ndarray) -> Baskets:
        """Some of the orders (a mask); products and customers stay, so that places agree."""
        return replace(
            self, matrix=self.matrix[orders], customer=self.customer[orders], at=self.at[orders]
        )

    def day(self, later: float) -> pd.Timestamp:
        """The midnight that leaves the share `later` of the time after it."""
        first, last = pd.Timestamp(self.at[0]), pd.Timestamp(self.at[-1])
        return (last - later * (last - first)).normalize()

    def split(self, later: float) -> tuple[Baskets, Baskets, pd.Timestamp]:
        """Orders before and from `day(later)` on, and that day. ValueError when one has none."""
        day = self.day(later)
        after = self.at >= np.datetime64(day)
        if not 0 < after.sum() < len(self):
            raise ValueError(
                f"setting apart {later:.0%} of the time, from {day:%Y-%m-%d}, leaves "
                f"{int((~after).sum()):,} orders before and {int(after.sum()):,} after it; both "
                "sides need some. Choose another HOLDOUT, or 0 for none."
            )
        return self.take(~after), self.take(after), day

    def count(self, sets: Sequence[Sequence[int]]) -> np.ndarray:
        """Orders that hold all products of each set."""
        return np.asarray(self.of(sets).sum(0)).ravel()

    def of(self, sets: Sequence[Sequence[int]]) -> sparse.csc_array:
        """(orders, sets): 1 where the order holds all products of the set (one or more)."""
        columns = self.matrix.tocsc()
        first = columns[:, [s[0] for s in sets]]
        for place in range(1, max(map(len, sets), default=1)):
            # A shorter set repeats its last product, which changes nothing.
            first = first.multiply(columns[:, [s[min(place, len(s) - 1)] for s in sets]])
        return sparse.csc_array(first)

    def by_customer(self, columns: sparse.sparray) -> np.ndarray:
        """Sums over the orders of each customer, (customers, columns)."""
        return np.asarray((self.whose @ columns).todense())

    @property
    def whose(self) -> sparse.csr_array:
        """(customers, orders): 1 where the order is the customer's."""
        n = len(self)
        shape = (len(self.customers), n)
        return sparse.csr_array((np.ones(n), (self.customer, np.arange(n))), shape=shape)


def held(orders: pd.DataFrame, lines: pd.DataFrame, *, level: str = "", least: int = 30) -> Baskets:
    """The orders with what they held of `level`: "product" or "category"; without one products, or
    categories where there are some and the products are more than `MANY`.

    Products in fewer than `least` orders are left out, and with them orders that hold nothing
    else. Raises ValueError for columns that are missing, and when nothing is left.
    """
    level = level or _level(lines)
    _check(orders, lines, level)
    known = orders[["order_id", "customer_id", "at"]].dropna().sort_values(["at", "order_id"])
    place = pd.Index(known["order_id"]).get_indexer(lines["order_id"])
    which, names = pd.factorize(lines[level], sort=True)
    there = (place >= 0) & (which >= 0)
    entries = (np.ones(int(there.sum())), (place[there], which[there]))
    matrix = sparse.csr_array(entries, shape=(len(known), len(names)))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    several = float((np.diff(matrix.indptr) > 1).sum() / max((np.diff(matrix.indptr) > 0).sum(), 1))
    often = np.asarray(matrix.sum(0)).ravel() >= least
    matrix = sparse.csr_array(matrix[:, often])
    some = np.diff(matrix.indptr) > 0
    if not some.any():
        raise ValueError(
            f"no {level} is in {least:,} of the {len(orders):,} orders or more. Lower LEAST, or "
            "look at categories instead of products."
        )
    customer, ids = pd.factorize(known["customer_id"].to_numpy()[some], sort=True)
    return Baskets(
        matrix[some],
        np.asarray(names)[often],
        customer,
        np.asarray(ids),
        keys_of(pd.DataFrame({"customer_id": ids}), "customer_id"),
        known["at"].to_numpy()[some],
        several,
        tuple(_losses(len(orders), int(some.sum()), len(names), int(often.sum()), least, several)),
    )


def _losses(
    orders: int, kept: int, names: int, often: int, least: int, several: float
) -> list[str]:
    return [
        _(
            "{kept:count} of {orders:count} orders hold a product that is in {least:count} orders "
            "or more ({often:count} of {names:count} are).",
            kept=kept,
            orders=orders,
            least=least,
            often=often,
            names=names,
        ),
        _("{share:share1} of orders hold more than one product.", share=several),
    ]


def _level(lines: pd.DataFrame) -> str:
    found = {level: lines[level].nunique() for level in LEVELS if level in lines}
    many = found.get("product", MANY + 1) > MANY
    return "category" if many and found.get("category") else "product"


def _check(orders: pd.DataFrame, lines: pd.DataFrame, level: str) -> None:
    if level not in LEVELS:
        raise ValueError(f"level is {level!r}; it must be one of: {', '.join(LEVELS)}.")
    needed = (
        ("orders", orders, ("order_id", "customer_id", "at")),
        ("order_lines", lines, ("order_id", level)),
    )
    for name, table, columns in needed:
        if missing := [c for c in columns if c not in table]:
            there = ", ".join(map(str, table.columns))
            raise ValueError(f"{name} lack {missing}. They have: {there}.")
    if not pd.api.types.is_datetime64_any_dtype(orders["at"]):
        raise ValueError(
            f"orders.at holds {orders['at'].dtype}, not dates. Use pandas.to_datetime, or load the "
            "orders through the reserve."
        )
