"""Baskets that stay where they are: the numbers that association rules need, counted in the store.

    baskets = count_baskets(study.baskets(), level="category", least=30)
    rules(baskets)          # equal to those of `make_baskets`, from counts

Customers are resampled by their key, as rows are. What is customer by customer (offers of single
products, the tree) needs rows: `make_baskets`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, Self

import numpy as np
import pandas as pd

from cxlib.core.errors import require_choice
from cxlib.offers.baskets import (
    LEVELS,
    midnight,
    notes_of,
    nothing_left,
    require_both_sides,
    resample_customers,
    resampled,
    usual_level,
)

Sets = Sequence[Sequence[int]]
Names = Sequence[Sequence[str]]


class StoredCounts(Protocol):
    """Baskets counted where they are (`study.baskets`)."""

    draws: int
    seed: int
    orders: int
    lines: int
    unbought: int

    def different(self) -> dict[str, int]:
        """How many products, and categories, order lines name, where they do."""

    def of(
        self,
        level: str,
        items: Sequence[str] | None = None,
        since: pd.Timestamp | None = None,
        until: pd.Timestamp | None = None,
    ) -> Self:
        """Orders from `since` and before `until`, with nothing but some products or categories."""

    def span(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """When the first and the last order was."""

    def customers(self) -> int:
        """Customers who ordered."""

    def sizes(self) -> pd.DataFrame:
        """Columns size, item and n: orders of each size that hold each product."""

    def by_key(self) -> pd.DataFrame:
        """Columns key, n and several: orders, and those of more than one product."""

    def sets(self, sets: Names) -> pd.DataFrame:
        """Columns k, n and people: orders that hold all products of each set, and customers."""

    def sets_by_key(self, sets: Names, edges: Sequence[int]) -> pd.DataFrame:
        """Columns key, k, class, n and places: those orders, and what else there was place for."""

    def squares(self, items: Sequence[str], edges: Sequence[int]) -> tuple[pd.DataFrame, ...]:
        """Sums over customers of products of their orders by class of size."""

    def given(self, sets: Names, edges: Sequence[int]) -> pd.DataFrame:
        """What customers have of orders with each set, a row a set."""

    def together(
        self,
        sets: Names,
        items: Sequence[str],
        edges: Sequence[int],
        often: Sequence[Sequence[int]],
        orders: Sequence[int],
    ) -> pd.DataFrame:
        """How often customers hold each product with each set, a row a set and product."""


@dataclass(frozen=True, eq=False)
class CountedBaskets:
    """What orders held, counted; the methods are those of `Baskets` that rules ask.

    Attributes
    ----------
    stored : the baskets in the store
    products : their names, (products,)
    first, last : when the first and the last order was
    notes : what was left out
    several : share of the orders on file that hold more than one product, rare ones too
    """

    stored: StoredCounts
    level: str
    products: np.ndarray
    first: pd.Timestamp
    last: pd.Timestamp
    notes: tuple[str, ...] = ()
    several: float = np.nan
    _tallies: dict[Any, pd.DataFrame] = field(default_factory=dict, repr=False)

    @property
    def draws(self) -> int:
        """Resamples of customers."""
        return self.stored.draws

    @property
    def seed(self) -> int:
        """Of the resamples."""
        return self.stored.seed

    @property
    def resampling(self) -> str:
        """The note on resamples."""
        return resampled(self.draws)

    def __len__(self) -> int:
        return int(self.by_size[1].sum())

    def day(self, later: float) -> pd.Timestamp:
        """The midnight that leaves the share `later` of the time after it."""
        return midnight(self.first, self.last, later)

    def split(self, later: float) -> tuple[CountedBaskets, CountedBaskets, pd.Timestamp]:
        """Orders before and from `day(later)` on, and that day. ValueError when one has none."""
        day = self.day(later)
        early, late = (
            replace(
                self, stored=self.stored.of(self.level, self.products.tolist(), *ends), _tallies={}
            )
            for ends in ((None, day), (day, None))
        )
        require_both_sides(later, day, len(early), len(late))
        return early, late, day

    @cached_property
    def by_size(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sizes of orders, rising; orders of each; and those that hold each product."""
        found = self.stored.sizes()
        sizes, place = np.unique(found["size"].to_numpy(int), return_inverse=True)
        held = np.zeros((len(sizes), len(self.products)))
        held[place, self._places(found["item"])] = found["n"]
        return sizes, (held.sum(1) / np.maximum(sizes, 1)).round().astype(int), held

    @property
    def own(self) -> np.ndarray:
        """Orders that hold each product, (products,)."""
        return self.by_size[2].sum(0)

    @cached_property
    def buyers(self) -> int:
        """Customers who ordered."""
        return self.stored.customers()

    def count(self, sets: Sets) -> np.ndarray:
        """Orders that hold all products of each set."""
        return self._sets(sets)["n"].to_numpy(float)

    def people(self, sets: Sets) -> np.ndarray:
        """Customers of these orders."""
        return self._sets(sets)["people"].to_numpy(int)

    @cached_property
    def _by_key(self) -> pd.DataFrame:
        return self.stored.by_key().sort_values("key", ignore_index=True)

    def orders(self, *, several: bool = False) -> np.ndarray:
        """Orders of each key of customers, (keys,), or those of more than one product."""
        return self._by_key["several" if several else "n"].to_numpy(float)

    def holding(self, sets: Sets, edges: np.ndarray) -> np.ndarray:
        """Orders with all products of each set, of each key and class of size."""
        return self._by_class(sets, edges, "n").sum(2)

    def filled(self, sets: Sets, edges: np.ndarray, chances: np.ndarray) -> np.ndarray:
        """Sums of places in orders with each set, times the class's chance (sets, classes)."""
        return np.einsum("ksc,sc->ks", self._by_class(sets, edges, "places"), chances)

    def resample(self, sums: np.ndarray) -> np.ndarray:
        """(1 + draws, columns): the sums over all keys, then over each resample of customers."""
        return resample_customers(sums, self._by_key["key"].to_numpy(), self.draws, self.seed)

    def _by_class(self, sets: Sets, edges: np.ndarray, column: str) -> np.ndarray:
        asked = tuple(tuple(s) for s in sets), tuple(edges.tolist())
        if asked not in self._tallies:
            self._tallies[asked] = self.stored.sets_by_key(self.names(sets), edges.tolist())
        found, keys = self._tallies[asked], self._by_key["key"].to_numpy()
        of_each = np.zeros((len(keys), len(sets), len(edges)))
        place = np.searchsorted(keys, found["key"])
        of_each[place, found["k"], found["class"]] = found[column]
        return of_each

    def _sets(self, sets: Sets) -> pd.DataFrame:
        found = self.stored.sets(self.names(sets)) if len(sets) else pd.DataFrame({"k": []})
        return found.set_index("k").reindex(range(len(sets)), columns=["n", "people"], fill_value=0)

    def names(self, sets: Sets) -> list[list[str]]:
        """The products of each set by name."""
        return [[str(self.products[k]) for k in one] for one in sets]

    def _places(self, names: pd.Series) -> np.ndarray:
        return pd.Index(self.products).get_indexer(names)

    def scores(
        self, given: Sets, among: np.ndarray, edges: np.ndarray, chances: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What `chance.against` needs of products `among` in orders with each of the sets.

        The score z by customers, their number minus one, and the orders with both: (sets, among),
        (sets,), (sets, among). `chances` are (sets, classes, among).
        """
        items, names, width = self.products[among], self.names(given), len(edges)
        sizes, orders, held = self.by_size
        by = np.searchsorted(edges, sizes) == np.arange(width)[:, None]
        per_class = np.maximum(by @ orders, 1)
        share = (by @ held[:, among] / per_class[:, None]).T  # (among, classes)
        each, own = self.stored.squares(items, edges.tolist())
        each = each.set_index("item").reindex(items).fillna(0)
        hh, ho = _squares(each, "hh", width), _squares(each, "ho", width, half=False)
        oo = _squares(own, "oo", width)[0]
        cross = ho * share[:, None, :]
        taste = hh - cross - cross.swapaxes(1, 2) + oo * share[:, :, None] * share[:, None, :]
        sets = self.stored.given(names, edges.tolist()).set_index("k").reindex(range(len(given)))
        sets = sets.fillna(0)
        n, places = (_columns(sets, letter, width) for letter in "nc")
        often = n / per_class
        met = self.stored.together(names, items, edges.tolist(), n.tolist(), per_class.tolist())
        row, column = met["k"].to_numpy(int), pd.Index(items).get_indexer(met["item"])

        def spread(values: np.ndarray) -> np.ndarray:
            found = np.zeros((len(given), len(among), *values.shape[1:]))
            found[row, column] = values
            return found

        b, bb, bu = (spread(met[name].to_numpy(float)) for name in ("b", "bb", "bu"))
        bc, bo, cu = (spread(_columns(met, name, width)) for name in ("bc", "bo", "cu"))
        k = chances.swapaxes(1, 2)  # (sets, among, classes)
        usual = often[:, None, :] * share  # (sets, among, classes), of all orders of a class
        cc, co = _squares(sets, "cc", width), _squares(sets, "co", width, half=False)
        apart = b - np.einsum("ks,kas->ka", places, k)
        square = bb - 2 * (bc * k).sum(2) + np.einsum("kas,kst,kat->ka", k, cc, k, optimize=True)
        due = bu - (bo * usual).sum(2) - (cu * k).sum(2)
        due += np.einsum("kas,kst,kat->ka", k, co, usual, optimize=True)
        square += np.einsum("ks,ast,kt->ka", often, taste, often, optimize=True) - 2 * due
        with np.errstate(divide="ignore", invalid="ignore"):
            z = apart / np.sqrt(np.maximum(square, 0.0))
        return np.nan_to_num(z), sets["people"].to_numpy(int) - 1, b


def count_baskets(stored: StoredCounts, *, level: str = "", least: int = 30) -> CountedBaskets:
    """What each order held, counted in the store and not read.

    Parameters
    ----------
    stored : of `study.baskets`
    level, least : as of `make_baskets`

    Raises
    ------
    InsufficientData : nothing is left
    """
    different = stored.different()
    level = level or usual_level(different)
    require_choice("level", level, LEVELS)
    whole = stored.of(level)
    found = whole.sizes()
    each = found.groupby("item", sort=True)["n"].sum()
    often = each[each >= least].index.to_numpy(object)
    if not len(often):
        raise nothing_left(level, least, stored.orders)
    orders = found.groupby("size")["n"].sum() / found.groupby("size")["n"].sum().index
    several = float(orders[orders.index > 1].sum() / orders.sum())
    some = stored.of(level, often)
    first, last = some.span()
    made = CountedBaskets(some, level, often, first, last, several=several)
    losses = stored.orders, len(made), different[level], len(often), least, several
    return replace(made, notes=notes_of(*losses, stored.unbought, stored.lines))


def _columns(table: pd.DataFrame, name: str, width: int) -> np.ndarray:
    """The columns name0, name1 ... of a table, (rows, width)."""
    return table[[f"{name}{s}" for s in range(width)]].to_numpy(float)


def _squares(table: pd.DataFrame, name: str, width: int, *, half: bool = True) -> np.ndarray:
    """The columns nameS_T of a table, (rows, width, width); the upper half gives the lower one."""
    found = np.zeros((len(table), width, width))
    for s in range(width):
        for t in range(s if half else 0, width):
            found[:, s, t] = table[f"{name}{s}_{t}"]
            if half:
                found[:, t, s] = found[:, s, t]
    return found
