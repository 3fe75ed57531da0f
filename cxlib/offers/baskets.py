"""What each order held, as one sparse matrix: orders down, products across.

    baskets = make_baskets(orders, lines, level="category", least=30)
    early, late = baskets.split(0.3)             # the last 30% of the time set apart
    early.count([(0, 4), (2, 3, 7)])             # orders that hold both, or all three

A product counts once an order, however many of it were bought.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from cxlib.core.errors import InsufficientData, require_choice, require_columns, require_dates
from cxlib.core.i18n import _
from cxlib.core.sample import DRAWS, SEED, Sample, SampleLike, as_sample
from cxlib.data.purchases import kept_lines
from cxlib.stats.notes import resampling_note
from cxlib.stats.resampling import ResamplingUnits, keys_of, resample_sums

LEVELS = ("product", "category")
WIDE = 300  # products from which on categories are looked at, unless asked otherwise


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
    draws, seed : of the bootstrap
    """

    matrix: sparse.csr_array
    products: np.ndarray
    customer: np.ndarray
    customers: np.ndarray
    keys: np.ndarray
    at: np.ndarray
    several: float = np.nan
    notes: tuple[str, ...] = ()
    draws: int = DRAWS
    seed: int = SEED

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
        return midnight(pd.Timestamp(self.at[0]), pd.Timestamp(self.at[-1]), later)

    def split(self, later: float) -> tuple[Baskets, Baskets, pd.Timestamp]:
        """Orders before and from `day(later)` on, and that day. ValueError when one has none."""
        day = self.day(later)
        after = self.at >= np.datetime64(day)
        require_both_sides(later, day, int((~after).sum()), int(after.sum()))
        return self.take(~after), self.take(after), day

    @property
    def by_size(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sizes of orders, rising; orders of each; and those that hold each product."""
        sizes, place, orders = np.unique(self.sizes, return_inverse=True, return_counts=True)
        n = len(self)
        by = sparse.csr_array((np.ones(n), (place, np.arange(n))), shape=(len(sizes), n))
        return sizes, orders, np.asarray((by @ self.matrix).todense())

    @property
    def own(self) -> np.ndarray:
        """Orders that hold each product, (products,)."""
        return np.asarray(self.matrix.sum(0)).ravel()

    @property
    def buyers(self) -> int:
        """Customers who ordered."""
        return len(np.unique(self.customer))

    def orders(self, *, several: bool = False) -> np.ndarray:
        """Orders of each customer, (customers,), or those of more than one product."""
        some = (self.sizes > 1) if several else None
        return np.bincount(self.customer, some, len(self.customers)).astype(float)

    def count(self, sets: Sequence[Sequence[int]]) -> np.ndarray:
        """Orders that hold all products of each set."""
        return np.asarray(self.of(sets).sum(0)).ravel()

    def people(self, sets: Sequence[Sequence[int]]) -> np.ndarray:
        """Customers of these orders."""
        return (self.by_customer(self.of(sets)) > 0).sum(0)

    def holding(self, sets: Sequence[Sequence[int]], edges: np.ndarray) -> np.ndarray:
        """Orders with all products of each set, (customers, sets)."""
        del edges  # which counts in the store are made by, at once with those of `filled`
        return self.by_customer(self.of(sets))

    def filled(
        self, sets: Sequence[Sequence[int]], edges: np.ndarray, chances: np.ndarray
    ) -> np.ndarray:
        """Places left in orders with each set, times the chance of the order's class of size.

        `chances` are (sets, classes); sums by customer, (customers, sets).
        """
        found, has, sizes = np.zeros((len(self.customers), len(sets))), self.of(sets), self.sizes
        classes = np.searchsorted(edges, sizes)
        for k, some in enumerate(sets):
            rows = has.indices[has.indptr[k] : has.indptr[k + 1]]
            places = sizes[rows] - len(some)
            np.add.at(found[:, k], self.customer[rows], places * chances[k, classes[rows]])
        return found

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

    def resample(self, sums: np.ndarray, keys: np.ndarray | None = None) -> np.ndarray:
        """(1 + draws, columns): the sums over all customers, then over each resample of them.

        `sums` are (customers, columns); `keys` those of the rows where they are not all customers.
        """
        return resample_customers(sums, self.keys if keys is None else keys, self.draws, self.seed)

    @property
    def resampling(self) -> str:
        """The note on resamples."""
        return resampled(self.draws)


def midnight(first: pd.Timestamp, last: pd.Timestamp, later: float) -> pd.Timestamp:
    """The midnight that leaves the share `later` of the time between two orders after it."""
    return (last - later * (last - first)).normalize()


def require_both_sides(later: float, day: pd.Timestamp, before: int, after: int) -> None:
    """Raise ValueError where there are no orders before a day or from it on."""
    if not before or not after:
        raise ValueError(
            f"setting apart {later:.0%} of the time, from {day:%Y-%m-%d}, leaves {before:,} orders "
            f"before and {after:,} after it; both sides need some. Choose another HOLDOUT, or 0 "
            "for none."
        )


def resample_customers(sums: np.ndarray, keys: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """(1 + draws, columns): sums (customers, columns) over all, then over each resample of them."""
    there = sums.any(1)
    clusters = ResamplingUnits(keys[there])
    return np.vstack([sums.sum(0), resample_sums(sums[there], draws, seed, clusters)])


def resampled(draws: int) -> str:
    """The note on resamples of customers."""
    customers = pd.DataFrame({"customer_id": []})
    return resampling_note(Sample(customers, cluster="customer_id", draws=draws))


def make_baskets(
    sample: SampleLike, lines: pd.DataFrame, *, level: str = "", least: int = 30
) -> Baskets:
    """What each order held.

    Parameters
    ----------
    sample : the orders: order_id, customer_id, at (dates); customers are resampled
    lines : the order lines: order_id, and product or category; where there are quantities or
        amounts, returns are taken off as `cxlib.data.purchases.kept_lines` does
    level : "product" or "category"; when empty products, or categories where there are some and
        more than 300 products
    least : orders a product must be in; others are left out, and orders that hold nothing else

    Raises
    ------
    ValueError : columns are missing, or nothing is left

    Examples
    --------
    >>> day = pd.Timestamp("2026-09-01")
    >>> orders = pd.DataFrame({"order_id": [1, 2], "customer_id": ["a", "b"], "at": [day, day]})
    >>> lines = pd.DataFrame({"order_id": [1, 1, 2], "product": ["tea", "cup", "tea"]})
    >>> baskets = make_baskets(orders, lines, least=1)
    >>> baskets.products.tolist(), baskets.sizes.tolist()
    (['cup', 'tea'], [2, 1])
    """
    sample = as_sample(sample)
    orders = sample.data
    level = level or _level(lines)
    require_choice("level", level, LEVELS)
    require_columns(orders, ["order_id", "customer_id", "at"], "orders")
    require_columns(lines, ["order_id", level], "order_lines")
    require_dates(orders, ["at"], "orders")
    known = orders.dropna(subset=["order_id", "customer_id", "at"]).sort_values(["at", "order_id"])
    place = pd.Index(known["order_id"]).get_indexer(lines["order_id"])
    which, names = pd.factorize(lines[level], sort=True)
    bought = kept_lines(known, lines, level)
    there = (place >= 0) & (which >= 0) & bought
    entries = (np.ones(int(there.sum())), (place[there], which[there]))
    matrix = sparse.csr_array(entries, shape=(len(known), len(names)))
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    several = float((np.diff(matrix.indptr) > 1).sum() / max((np.diff(matrix.indptr) > 0).sum(), 1))
    often = np.asarray(matrix.sum(0)).ravel() >= least
    matrix = sparse.csr_array(matrix[:, often])
    some = np.diff(matrix.indptr) > 0
    if not some.any():
        raise nothing_left(level, least, len(orders))
    customer, ids = pd.factorize(known["customer_id"].to_numpy()[some], sort=True)
    return Baskets(
        matrix[some],
        np.asarray(names)[often],
        customer,
        np.asarray(ids),
        keys_of(pd.DataFrame({"customer_id": ids}), "customer_id"),
        known["at"].to_numpy()[some],
        several,
        notes_of(
            *(len(orders), int(some.sum()), len(names), int(often.sum()), least, several),
            *(int((~bought & (place >= 0)).sum()), len(lines)),
        ),
        sample.draws,
        sample.seed,
    )


def nothing_left(level: str, least: int, orders: int) -> InsufficientData:
    """The error where no product is in enough orders."""
    return InsufficientData(
        _(
            "No {level:label} is in {least:count} of the {n:count} orders or more.",
            level=level,
            least=least,
            n=orders,
        )
    )


def notes_of(
    orders: int,
    kept: int,
    names: int,
    often: int,
    least: int,
    several: float,
    returned: int,
    lines: int,
) -> tuple[str, ...]:
    """Sentences on what baskets leave out."""
    return (
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
        *_returns(returned, lines),
    )


def _returns(returned: int, lines: int) -> list[str]:
    """What lines of returns, and those that were returned, mean for the baskets."""
    if not returned:
        return []
    return [
        _(
            "{returned:count} of {lines:count} order lines are returns, were returned or have a "
            "quantity of zero, and do not count.",
            returned=returned,
            lines=lines,
        )
    ]


def _level(lines: pd.DataFrame) -> str:
    return usual_level({level: lines[level].nunique() for level in LEVELS if level in lines})


def usual_level(different: Mapping[str, int]) -> str:
    """Categories where there are some and no products or more than `WIDE`, else products."""
    many = different.get("product", WIDE + 1) > WIDE
    return "category" if many and different.get("category") else "product"
