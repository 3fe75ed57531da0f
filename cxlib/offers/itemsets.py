"""All sets of products above a support, and all rules above a confidence, as other programs list.

    fit = association_rules(baskets, support=0.001, confidence=0.5)
    fit.table            # if_bought, then_bought, lift, n, support, confidence, coverage ...
    fit.itemsets         # sets of products and how many orders hold them

A list, not a test: of many thousand sets some look remarkable by chance, and all numbers are from
the orders in which the rules were found. `rules` tests pairs and triples and judges them on later
orders.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import sparse

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.offers.baskets import Baskets
from cxlib.privacy import disclosure

MOST = 500_000  # sets that are listed at most
MEASURES = [
    Column("coverage", "share of orders with the first products", "share", 1),
    Column("leverage", "support beyond that of independent products", "gap", 2),
    Column("conviction", "how much rarer than by chance the rule fails", "number", 2),
]


def association_rules(
    baskets: Baskets, *, support: float = 0.01, confidence: float = 0.5, longest: int = 10
) -> Result:
    """Rules of one product offered and any number bought, above a support and a confidence.

    Parameters
    ----------
    baskets : what orders held; products in few orders are in if `make_baskets` was given `least=1`
    support : least share of orders with all products of a rule, above 0
    confidence : least share of the orders with the first products that hold the last, 0 to 1
    longest : most products in a rule, 2 or more

    Returns
    -------
    Result with tables "table" (if_bought, then_bought, term, estimate: the lift, n: orders with
    all, support, confidence, coverage, leverage, conviction; infinite where no order fails), by
    lift, and "itemsets" (products, size, n, support), the most frequent first. Neither has an
    interval: what was chosen by its size overstates itself in the same orders

    Raises
    ------
    ValueError : thresholds outside their range, or so low that there are over half a million sets
    InsufficientData : no rule is above the thresholds

    References
    ----------
    Agrawal, Imielinski and Swami (1993), SIGMOD; Zaki (2000) for the search (Eclat); Brin et al.
    (1997) for conviction; Piatetsky-Shapiro (1991) for leverage.

    Examples
    --------
    >>> from cxlib.offers.baskets import make_baskets
    >>> at = pd.date_range("2025-01-01", periods=4)
    >>> orders = pd.DataFrame({"order_id": range(4), "customer_id": range(4), "at": at})
    >>> held = [["tea", "cup"], ["tea", "cup"], ["tea"], ["pen"]]
    >>> lines = orders[["order_id"]].assign(product=held).explode("product")
    >>> fit = association_rules(make_baskets(orders, lines, least=1), support=0.5)
    >>> fit.table[["if_bought", "confidence"]].to_numpy().tolist()
    [['tea', 0.6666666666666666], ['cup', 1.0]]
    """
    if not (0 < support <= 1 and 0 <= confidence <= 1):
        raise ValueError(
            f"support is {support}, confidence {confidence}; support must be above 0, both at "
            "most 1."
        )
    if longest < 2:
        raise ValueError(f"longest is {longest}; a rule has 2 products or more.")
    counts = frequent(baskets, support, longest)
    n = len(baskets)
    rows = []
    for some, both in counts.items():
        for last in some if len(some) > 1 else ():
            first = tuple(x for x in some if x != last)
            if both >= confidence * counts[first] - 1e-9:
                rows.append((first, last, both, counts[first], counts[last,]))
    if not rows:
        raise InsufficientData(
            _(
                "No products are in {support:share1} of orders together and follow others in "
                "{confidence:share}: choose lower thresholds.",
                support=support,
                confidence=confidence,
            )
        )
    both, first, last = np.array([r[2:] for r in rows], float).T
    with np.errstate(divide="ignore"):
        conviction = (1 - last / n) / (1 - both / first)
    label = [i18n.label(str(p)) for p in baskets.products]
    table = pd.DataFrame(
        {
            "if_bought": [i18n.listed([label[k] for k in r[0]]) for r in rows],
            "then_bought": [label[r[1]] for r in rows],
            "term": "lift",
            "estimate": both * n / (first * last),
            "n": both.astype(int),
            "support": both / n,
            "confidence": both / first,
            "coverage": first / n,
            "leverage": both / n - first * last / n**2,
            "conviction": conviction,
        }
    ).sort_values(["estimate", "n"], ascending=False, kind="stable", ignore_index=True)
    itemsets = pd.DataFrame(
        {
            "products": [i18n.listed([label[k] for k in some]) for some in counts],
            "size": [len(some) for some in counts],
            "n": list(counts.values()),
        }
    )
    itemsets["support"] = itemsets["n"] / n
    itemsets = itemsets.sort_values("n", ascending=False, kind="stable", ignore_index=True)
    return Result(
        {"table": table, "itemsets": itemsets},
        _finding(table, len(counts), support, confidence),
        i18n.together([*baskets.notes, _how()]),
        "times",
        columns=MEASURES,
    )


def frequent(baskets: Baskets, support: float, longest: int) -> dict[tuple[int, ...], int]:
    """Orders with each set of products (places, rising) that a share `support` of orders hold.

    Own search because no library of those installed has one: depth first over sets that begin
    alike, whose orders are kept as bits (Eclat), so that a set costs one pass over packed bits.

    Examples
    --------
    >>> from cxlib.offers.baskets import make_baskets
    >>> at = pd.date_range("2025-01-01", periods=3)
    >>> orders = pd.DataFrame({"order_id": range(3), "customer_id": range(3), "at": at})
    >>> held = [["tea", "cup"], ["tea", "cup"], ["tea"]]
    >>> lines = orders[["order_id"]].assign(product=held).explode("product")
    >>> frequent(make_baskets(orders, lines, least=1), 0.5, 2)
    {(0,): 2, (0, 1): 2, (1,): 3}
    """
    least = max(1, int(np.ceil(support * len(baskets) - 1e-9)))
    matrix = sparse.csc_array(baskets.matrix)
    held = np.asarray(matrix.sum(0)).ravel().astype(int)
    some = np.flatnonzero(held >= least)
    bits = np.packbits(matrix[:, some].toarray().T.astype(bool), axis=1)
    found: dict[tuple[int, ...], int] = {}
    for products, count in _deeper((), some, bits, held[some], least, longest):
        found[products] = count
        if len(found) > MOST:
            raise ValueError(
                f"over {MOST:,} sets of products are in {support:.2%} of orders. Choose a higher "
                "support, or a smaller `longest`."
            )
    return found


def _deeper(
    before: tuple[int, ...],
    products: np.ndarray,
    bits: np.ndarray,
    counts: np.ndarray,
    least: int,
    longest: int,
) -> Iterator[tuple[tuple[int, ...], int]]:
    """Each of `products` added to those before, and what can be added after it."""
    for k in range(len(products)):
        own = (*before, int(products[k]))
        yield own, int(counts[k])
        if len(own) < longest:
            both = bits[k + 1 :] & bits[k]
            count = np.bitwise_count(both).sum(1, dtype=int)
            kept = count >= least
            rest = products[k + 1 :][kept]
            yield from _deeper(own, rest, both[kept], count[kept], least, longest)


def _finding(table: pd.DataFrame, sets: int, support: float, confidence: float) -> Finding:
    """How many rules there are, and that of the highest lift."""
    facts = {
        "rules": len(table),
        "sets": sets,
        "support": support,
        "confidence": confidence,
    }
    claim = ngettext(
        "{rules:count} association rule is above the thresholds.",
        "{rules:count} association rules are above the thresholds.",
        len(table),
        **facts,
    )
    detail = _(
        "support at least {support:share1}, confidence at least {confidence:share}; {sets:count} "
        "sets of products",
        **facts,
    )
    shown = disclosure.shown(table)
    if len(shown):
        top = shown.iloc[0]
        detail += _(
            "; highest lift {lift:number1}: {first:verbatim}, then {last:verbatim}",
            lift=top.estimate,
            first=top.if_bought,
            last=top.then_bought,
        )
    return Finding(claim, detail, importance=Importance.METHOD)


def _how() -> str:
    return _(
        "All rules above the thresholds are listed: none is tested, and their numbers are from the "
        "orders in which they were found."
    )
