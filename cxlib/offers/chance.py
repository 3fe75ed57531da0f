"""How often products would meet in an order by chance alone, and how sure it is not that.

Two things bring products together that say nothing of the products: large orders hold everything,
and one customer's orders resemble each other. So what is expected is taken within orders of about
the same size, and customers, not orders, are what is counted as independent.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
from scipy import sparse, special

from cxlib.offers.baskets import Baskets
from cxlib.offers.counted import CountedBaskets

STRATA = 12  # most classes of order size
EXPECTED = 5.0  # fewer meetings than this by chance, and a pair is not tested
MOST = (8, 32, 128, 300, 600)  # products tested together, by how many partners they have


class Sizes:
    """What orders of each size hold: `edges` of the classes, `push` how much a product has.

    The chance that an order which holds some products holds product j too is its open places times
    push[j] over the push of the products not yet there, in its class: quasi-independence, with the
    number of meetings of every product kept.
    """

    def __init__(self, baskets: Baskets | CountedBaskets) -> None:
        sizes, orders, held = baskets.by_size
        last = np.cumsum(orders)  # the place after the last order of each size, in order of size
        places = np.floor((last[-1] - 1) * np.linspace(0, 1, STRATA + 1)[1:])
        self.edges = np.unique(sizes[np.searchsorted(last, places, side="right")])
        by = self.of(sizes) == np.arange(len(self.edges))[:, None]
        self.push = _quasi(by @ ((sizes - 1.0)[:, None] * held))

    def of(self, sizes: np.ndarray) -> np.ndarray:
        """The class of orders of these sizes."""
        return np.searchsorted(self.edges, sizes)

    def chance(self, given: Sequence[int]) -> np.ndarray:
        """(classes, products): of filling an open place of an order that holds `given` already."""
        given = list(given)
        rest = self.push.sum(1) - self.push[:, given].sum(1)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = self.push / rest[:, None]
        found = np.nan_to_num(found, posinf=0.0)
        found[:, given] = 0.0
        return found


def _quasi(met: np.ndarray) -> np.ndarray:
    """An independence table's margins without its diagonal.

    In each row a >= 0 with a_i (sum of a - a_i) = met_i.
    """
    total = met.sum(1, keepdims=True)
    a = met / np.sqrt(np.maximum(total, 1e-300))
    for _ in range(200):
        others = np.maximum(a.sum(1, keepdims=True) - a, 1e-300)
        new = np.sqrt(a * np.where(met > 0, met / others, 0.0))
        if np.allclose(new, a, rtol=1e-10, atol=1e-12):
            break
        a = new
    return a


def pairs(baskets: Baskets | CountedBaskets) -> tuple[list[tuple[int, ...]], np.ndarray]:
    """(pairs tested, p of each): those that chance would bring together `EXPECTED` times.

    Their own counts decide that, not how often they met; so it chooses no finds.
    """
    own = baskets.own
    often = np.outer(own, own) / max(len(baskets), 1) >= EXPECTED
    np.fill_diagonal(often, False)
    p, partners = np.ones(often.shape), often.sum(1)
    ranked = np.argsort(-own, kind="stable")  # a product's partners are the commonest of all
    in_steps = isinstance(baskets, Baskets) or len(own) > MOST[-1]  # counts scan once a step
    for fewer, most in pairwise((0, *(MOST if in_steps else ()), len(own))):
        some = np.flatnonzero((partners > fewer) & (partners <= most))
        among = ranked[: most + 1]  # itself may be one of them
        if len(some):
            p[np.ix_(some, among)] = against(baskets, [(k,) for k in some.tolist()], among)
    i, j = np.nonzero(np.triu(often))
    return list(zip(i.tolist(), j.tolist(), strict=True)), np.maximum(p[i, j], p[j, i])


def triples(
    baskets: Baskets | CountedBaskets, found: Sequence[tuple[int, int]]
) -> tuple[list[tuple[int, ...]], np.ndarray]:
    """(triples of three found pairs, p of each: the largest over its product against its pair)."""
    known = set(found)
    joined = sorted(
        (i, j, k) for i, j in known for k in {b for a, b in known if a == j} if (i, k) in known
    )
    if not joined:
        return [], np.array([])
    parts = sorted({two for t in joined for two in combinations(t, 2)})
    among = np.unique(joined)
    p, place = against(baskets, parts, among), {two: k for k, two in enumerate(parts)}
    at = {int(product): k for k, product in enumerate(among)}
    each = [
        [p[place[j, k], at[i]], p[place[i, k], at[j]], p[place[i, j], at[k]]] for i, j, k in joined
    ]
    return [tuple(t) for t in joined], np.max(each, axis=1)


def against(
    baskets: Baskets | CountedBaskets, given: Sequence[Sequence[int]], among: np.ndarray
) -> np.ndarray:
    """One-sided p that orders with `given` hold products `among` by chance, (given, among).

    The larger of two: Fisher's exact test over orders, and a score test over customers in which
    each order is held to what orders of its size hold, with the customers' own sums as spread.
    Exact below .05; larger ones are p of the score test, or 1 where chance explains it.
    """
    sizes, own = Sizes(baskets), baskets.own[among]
    if isinstance(baskets, CountedBaskets):
        chances = np.stack([sizes.chance(some)[:, among] for some in given])
        z, free, both = baskets.scores(given, among, sizes.edges, chances)
        counts = baskets.count(given)
    else:
        matrix, has = sparse.csr_array(baskets.matrix[:, among]), baskets.of(given)
        usual, counts = _Usual(baskets, sizes, matrix), np.asarray(has.sum(0)).ravel()
        z, free = np.zeros((len(given), len(among))), np.zeros(len(given))
        for k, some in enumerate(given):
            rows = has.indices[has.indptr[k] : has.indptr[k + 1]]
            z[k], free[k] = usual.score(rows, sizes.chance(some)[:, among], len(some))
        both = np.asarray((has.T @ matrix).todense())
    p = special.stdtr(np.maximum(free, 1)[:, None], -z)
    for k, some in enumerate(given):
        p[k, np.isin(among, some)] = 1.0
    row, column = np.nonzero(p < 0.05)
    fisher = upper_tail(both[row, column], own[column], counts[row], len(baskets))
    p[row, column] = np.maximum(p[row, column], fisher)
    return p


class _Usual:
    """What customers' orders hold compared with orders of their size, to take taste out of z.

    A customer who likes a product holds it with anything. Taking off, in proportion to how often
    orders of a size hold `given`, what the customer holds of it at all leaves the mean as it is
    and what is due to taste out of the spread. What that comes to over all customers is worked out
    once, a small table of classes for each product, so that only those with `given` are looked at.
    """

    def __init__(self, baskets: Baskets, sizes: Sizes, matrix: sparse.csr_array) -> None:
        self.baskets, self.matrix = baskets, matrix
        (n, products), classes = matrix.shape, len(sizes.push)
        people = len(baskets.customers)
        self.of = sizes.of(baskets.sizes)
        by = sparse.csr_array((np.ones(n), (self.of, np.arange(n))), shape=(classes, n))
        self.per_class = np.maximum(np.asarray(by.sum(1)).ravel(), 1)
        self.share = np.asarray((by @ matrix).todense()) / self.per_class[:, None]
        self.orders = np.zeros((people, classes))
        np.add.at(self.orders, (baskets.customer, self.of), 1.0)
        held = matrix.tocoo()
        order, product = held.coords
        entries = (held.data, (baskets.customer[order], self.of[order] * products + product))
        self.held = sparse.csr_array(entries, shape=(people, classes * products))
        self.squares = self._squares()

    def _squares(self) -> np.ndarray:
        """Sums over customers of what they hold beyond the usual, (products, classes, classes).

        In orders of one class, times the same of another.
        """
        classes, products = self.share.shape
        columns = self.held.tocsc()
        parts = [columns[:, k * products : (k + 1) * products] for k in range(classes)]
        found = np.zeros((products, classes, classes))
        cross = np.stack([part.T @ self.orders for part in parts], axis=1)  # product, class, class
        for s in range(classes):
            for t in range(s, classes):
                found[:, s, t] = found[:, t, s] = parts[s].multiply(parts[t]).sum(0)
        share, all_orders = self.share.T, self.orders.T @ self.orders
        found -= cross * share[:, None, :] + cross.swapaxes(1, 2) * share[:, :, None]
        return found + all_orders * share[:, None, :] * share[:, :, None]

    def score(self, rows: np.ndarray, chance: np.ndarray, taken: int) -> tuple[np.ndarray, int]:
        """Score z of each product over the orders `rows`, with `taken` places taken.

        The second value is the number of customers in them, minus one.
        """
        if not len(rows):
            return np.zeros(chance.shape[1]), 0
        people, who = np.unique(self.baskets.customer[rows], return_inverse=True)
        classes, (width, products) = self.of[rows], chance.shape
        whose = sparse.csr_array(
            (np.ones(len(rows)), (who, np.arange(len(rows)))), shape=(len(people), len(rows))
        )
        places = self.baskets.sizes[rows] - float(taken)
        count = sparse.csr_array((places, (who, classes)), shape=(len(people), width))
        apart = np.asarray((whose @ self.matrix[rows]).todense()) - count @ chance
        often = np.bincount(classes, minlength=width) / self.per_class
        some = self.held[people].tocoo()
        row, (kind, product) = some.coords[0], np.divmod(some.coords[1], products)
        place, weight = row * products + product, some.data * often[kind]
        taste = np.bincount(place, weight, apart.size).reshape(apart.shape)
        taste = taste - self.orders[people] @ (often[:, None] * self.share)
        square = np.einsum("cp,cp->p", apart, apart - 2 * taste)
        square += np.einsum("s,pst,t->p", often, self.squares, often, optimize=True)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = apart.sum(0) / np.sqrt(np.maximum(square, 0.0))
        return np.nan_to_num(z), len(people) - 1


def upper_tail(both: np.ndarray, one: np.ndarray, other: np.ndarray, n: int) -> np.ndarray:
    """P(at least `both` meetings) of products in `one` and `other` of n orders, by chance.

    Fisher's exact test, all tables at once; 1 up to the mean, where it decides nothing.
    """
    both, one, other = (np.asarray(v, float) for v in (both, one, other))
    term = np.exp(_log_hypergeometric(both, one, other, n))
    total, k = term.copy(), both.copy()
    while (going := term > 1e-17 * total).any():
        k += 1
        ratio = (one - k + 1) * (other - k + 1) / (k * (n - one - other + k))
        term = np.where(going, term * np.maximum(ratio, 0.0), 0.0)
        total += term
    return np.where(both > one * other / n, np.minimum(total, 1.0), 1.0)


def _log_hypergeometric(k: np.ndarray, one: np.ndarray, other: np.ndarray, n: int) -> np.ndarray:
    def choose(a: np.ndarray | int, b: np.ndarray) -> np.ndarray:
        return special.gammaln(a + 1) - special.gammaln(b + 1) - special.gammaln(a - b + 1)

    with np.errstate(invalid="ignore"):
        return choose(one, k) + choose(n - one, other - k) - choose(n, other)
