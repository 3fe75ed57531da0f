"""What is bought first and what later: frequent sequences of purchases, against a random order.

    fit = sequences(baskets, support=0.02)
    fit.table            # if_bought, then_bought, lift of the order and its interval, support ...

Support is the share of customers who bought the products in this order, each in a later order than
the one before (Agrawal and Srikant 1995). Who buys two products often buys them in either order, so
the lift compares with the same orders of each customer in random order: it says what the order of
purchases adds to how often they are made.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import deciding_ends
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.offers.baskets import Baskets
from cxlib.privacy import disclosure
from cxlib.stats.intervals import estimates_table, interval_columns
from cxlib.stats.notes import simultaneous_note

MOST = 100_000  # sequences that are looked at


def sequences(
    baskets: Baskets,
    *,
    support: float = 0.01,
    longest: int = 3,
    most: int = 50,
    shuffles: int = 50,
) -> Result:
    """Products bought one after another by many customers, and whether their order is by chance.

    Parameters
    ----------
    baskets : what orders held; orders of one customer at one moment count as one
    support : least share of customers who buy in this order, above 0
    longest : most products in a sequence, 2 or more; one product may come several times
    most : sequences that are listed, the most frequent ones
    shuffles : random orders of each customer's orders, each also reversed, that give the chance

    Returns
    -------
    Result with tables "table" (if_bought: the products before, joined by " > ", then_bought, term,
    estimate: the lift, low, high, n: customers with the sequence, simultaneous_low,
    simultaneous_high, support: share of customers, confidence: share of those with the products
    before), the most frequent first, and "measures" (support and confidence with their intervals).
    The lift is the number of customers with the sequence by the number expected if each customer's
    orders came in random order; that of one product bought again is 1. Customers are resampled.

    Raises
    ------
    ValueError : thresholds outside their range, or so low that there are over 100,000 sequences
    InsufficientData : no sequence is as frequent as `support`

    References
    ----------
    Agrawal and Srikant (1995), Mining sequential patterns, ICDE; Zaki (2001), SPADE, Machine
    Learning 42. Elements are single products here.

    Examples
    --------
    >>> from cxlib.offers.baskets import make_baskets
    >>> orders = pd.DataFrame({"order_id": range(80), "customer_id": np.arange(80) // 2})
    >>> orders["at"] = pd.date_range("2025-01-01", periods=80)
    >>> lines = orders[["order_id"]].assign(product=["tent", "stove"] * 40)
    >>> fit = sequences(make_baskets(orders, lines, least=1))
    >>> fit.table[["if_bought", "then_bought", "support"]].values.tolist()
    [['tent', 'stove', 1.0]]
    >>> bool(1.7 < fit.table["estimate"][0] < 2.3)
    True
    """
    if not 0 < support <= 1:
        raise ValueError(f"support is {support}; it must be above 0 and at most 1.")
    if longest < 2 or most < 1 or shuffles < 1:
        raise ValueError(
            f"longest is {longest}, most {most}, shuffles {shuffles}; they must be at least 2, 1 "
            "and 1."
        )
    visits = _visits(baskets)
    customers = int((visits.last >= visits.first).sum())
    counts = frequent(visits, max(1, int(np.ceil(support * customers - 1e-9))), longest)
    chosen = sorted((s for s in counts if len(s) > 1), key=lambda s: (-counts[s], s))[:most]
    if not chosen:
        raise InsufficientData(
            _(
                "No two products are bought one after the other by {support:share1} of customers. "
                "Choose a lower support.",
                support=support,
            )
        )
    k = len(chosen)
    has = _holders(visits, chosen)
    before = _holders(visits, [s[:-1] for s in chosen])
    expected = np.zeros(has.shape)
    rng = np.random.default_rng(baskets.seed)
    for _shuffle in range(shuffles):
        by = rng.random(len(visits.customer))
        # A random order and its reverse: of two products in one order each, exactly a half.
        expected += _holders(visits.sorted(by), chosen) + _holders(visits.sorted(-by), chosen)
    there = (visits.last >= visits.first).astype(float)[:, None]
    sums = baskets.resample(np.hstack([there, has, before, expected / (2 * shuffles)]))
    orders, (both, first, chance) = sums[:, :1], np.split(sums[:, 1:], 3, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        lifts, shares, confidence = both / chance, both / orders, both / first
        logs = np.where((lifts > 0) & np.isfinite(lifts), np.log(lifts), np.nan)
    label = [i18n.label(str(p)) for p in baskets.products]
    named = {
        "if_bought": [" > ".join(label[p] for p in s[:-1]) for s in chosen],
        "then_bought": [label[s[-1]] for s in chosen],
    }
    n, people = both[0].astype(int), has.sum(0)
    ends = {  # an order that cannot matter (one product again) has no width
        c: np.where(np.isnan(end), lifts[0], np.exp(end))
        for c, end in interval_columns(logs[0], logs[1:], units=customers).items()
    }
    table = pd.DataFrame(named | {"term": "lift", "estimate": lifts[0]})
    table = table.assign(low=ends["low"], high=ends["high"], n=n).assign(**ends)
    table = table.assign(support=shares[0], confidence=confidence[0])
    measures = [
        estimates_table(
            [term] * k,
            v[0],
            v[1:],
            n.tolist(),
            if_bought=named["if_bought"],
            then_bought=named["then_bought"],
        )
        for term, v in (("support", shares), ("confidence", confidence))
    ]
    notes = [
        *baskets.notes,
        _(
            "The lift compares with each customer's orders in random order ({n:count} times). A "
            "product that was on sale only later comes later for that reason alone.",
            n=2 * shuffles,
        ),
        simultaneous_note(k),
        baskets.resampling,
    ]
    table = disclosure.with_people(table, people)
    return Result(
        {
            "table": table,
            "measures": disclosure.with_people(
                pd.concat(measures, ignore_index=True), np.tile(people, 2)
            ),
        },
        _finding(table),
        i18n.together(notes),
        "times",
        draws=baskets.draws,
        seed=baskets.seed,
        replicates=lifts[1:],
        parts={"sequences": chosen},
    )


@dataclass(frozen=True, eq=False)
class Visits:
    """Orders of one customer at one moment, numbered by customer and time.

    Attributes
    ----------
    customer : whose visit it is, (visits,)
    first, last : the visits of each customer, (customers,); last is below first where there is none
    product, visit : what was bought and when, (purchases,)
    bought : the visits with each product, rising
    """

    customer: np.ndarray
    first: np.ndarray
    last: np.ndarray
    product: np.ndarray
    visit: np.ndarray
    bought: list[np.ndarray]

    def sorted(self, by: np.ndarray) -> Visits:
        """The visits of each customer in the order of other numbers, (visits,)."""
        place = np.empty(len(self.customer), dtype=int)
        place[np.lexsort((by, self.customer))] = np.arange(len(place))
        return _visits_of(self, place[self.visit])

    def next(self, product: int, customers: np.ndarray, after: np.ndarray) -> np.ndarray:
        """The first visit of each customer after one of theirs with the product; -1 for none."""
        bought = np.append(self.bought[product], len(self.customer))
        found = bought[np.searchsorted(bought, after, side="right")]
        return np.where(found <= self.last[customers], found, -1)


def _visits_of(visits: Visits, visit: np.ndarray) -> Visits:
    """The same visits with purchases at other ones."""
    order = np.lexsort((visit, visits.product))
    ends = np.searchsorted(visits.product[order], np.arange(1, len(visits.bought)))
    bought = np.split(visit[order], ends)
    parts = (visits.customer, visits.first, visits.last, visits.product)
    return Visits(*parts, visit, bought)


def _visits(baskets: Baskets) -> Visits:
    """Visits of all orders, those of each customer by time."""
    moments, time = np.unique(baskets.at, return_inverse=True)
    keys, of = np.unique(baskets.customer * len(moments) + time, return_inverse=True)
    customer = keys // len(moments)
    people = np.arange(len(baskets.customers))
    held = baskets.matrix.tocoo()
    order, product = held.coords
    unsorted = Visits(
        customer,
        np.searchsorted(customer, people),
        np.searchsorted(customer, people, side="right") - 1,
        product,
        of[order],
        [np.empty(0, int)] * len(baskets.products),
    )
    return _visits_of(unsorted, of[order])


def frequent(visits: Visits, least: int, longest: int) -> dict[tuple[int, ...], int]:
    """Customers with each sequence of products (places) that at least `least` of them have.

    Own search because no library of those installed has one: depth first, and of each customer the
    earliest visit at which the sequence is complete, after which any further product may come.
    """
    found: dict[tuple[int, ...], int] = {}
    customers = np.flatnonzero(visits.last >= visits.first)
    for products, n in _deeper(visits, (), customers, visits.first[customers] - 1, least, longest):
        found[products] = n
        if len(found) > MOST:
            raise ValueError(
                f"over {MOST:,} sequences are as frequent as {least:,} customers. Choose a higher "
                "support, or a smaller `longest`."
            )
    return found


def _deeper(
    visits: Visits,
    before: tuple[int, ...],
    customers: np.ndarray,
    after: np.ndarray,
    least: int,
    longest: int,
) -> Iterator[tuple[tuple[int, ...], int]]:
    """Each product added to those before, where enough of their customers go on to buy it."""
    for product in range(len(visits.bought)):
        visit = visits.next(product, customers, after)
        some = visit >= 0
        if (n := int(some.sum())) >= least:
            own = (*before, product)
            yield own, n
            if len(own) < longest:
                yield from _deeper(visits, own, customers[some], visit[some], least, longest)


def _holders(visits: Visits, some: list[tuple[int, ...]]) -> np.ndarray:
    """(customers, sequences): 1 where the customer has the sequence."""
    everyone = np.flatnonzero(visits.last >= visits.first)
    known: dict[tuple[int, ...], tuple[np.ndarray, np.ndarray]] = {}
    known[()] = (everyone, visits.first[everyone] - 1)
    found = np.zeros((len(visits.first), len(some)))
    for column, products in enumerate(some):
        for end in range(1, len(products) + 1):
            if products[:end] not in known:
                customers, after = known[products[: end - 1]]
                visit = visits.next(products[end - 1], customers, after)
                known[products[:end]] = customers[visit >= 0], visit[visit >= 0]
        found[known[products][0], column] = 1.0
    return found


def _finding(table: pd.DataFrame) -> Finding:
    """The sequence of the largest significant lift, of those that may be shown."""
    shown = disclosure.shown(table)
    sure = shown[deciding_ends(shown)[0].to_numpy() > 1] if len(shown) else shown
    if sure.empty:
        claim = _("No products are bought in one order significantly more often than by chance.")
        detail = _("{n:count} sequences of purchases compared with a random order", n=len(table))
        return Finding(claim, detail, importance=Importance.ANSWER)
    best = sure.loc[sure["estimate"].idxmax()]
    facts = {"one": best["if_bought"], "other": best["then_bought"], "lift": best["estimate"]}
    return Finding.of_row(
        best,
        _(
            "Customers buy {other:verbatim} after {one:verbatim} {lift:number2} times as often as "
            "in random order.",
            **facts,
        ),
        _(
            "95% CI {span:interval2}; n = {n:count}; {share:share1} of customers",
            span=(best["low"], best["high"]),
            n=best["n"],
            share=best["support"],
        ),
        unit="times",
        measure="sequence_lift",
        at={"if_bought": best["if_bought"], "then_bought": best["then_bought"]},
        importance=Importance.NOTABLE,
    )
