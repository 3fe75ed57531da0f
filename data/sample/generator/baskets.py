"""What an order of the made-up company holds: tastes of types, habits, and what is sold together.

    held = draw(rng, kind, customer)              # (orders, products): is it in the order?
    lifts(shares)                                 # the true lift of each pair, in closed form

Products enter an order apart from one another, by the taste of the customer's type and the
customer's own habit; then the bundles of `TRUTH["offers"]` are added whole, each by its own chance.
An order that would hold nothing is a night in a single room, so pairs with it are no null pairs.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from generator.truth import TRUTH

PRODUCTS = {"room": ["single room", "double room", "suite"],
            "dining": ["breakfast", "dinner", "afternoon tea"],
            "wellness": ["spa visit", "massage"],
            "shop": ["bathrobe", "tea set", "candle", "pillow", "gift card"],
            "travel": ["airport transfer", "city tour"]}  # fmt: skip
NAMES = tuple(p for products in PRODUCTS.values() for p in products)
CATEGORIES = tuple(c for c, products in PRODUCTS.items() for _ in products)
PLAIN = NAMES.index("single room")  # what an order of nothing else is


def chances() -> np.ndarray:
    """(types, products): the chance that an order holds the product, bundles aside."""
    rule, types = TRUTH["offers"], TRUTH["segments"]
    liked = np.array([[rule["favourites"][t] == c for c in CATEGORIES] for t in types])
    return np.where(liked, rule["liked"], rule["other"])


def bundles() -> np.ndarray:
    """(bundles, products): the chance that the bundle is added, at its products, else 0."""
    found = TRUTH["offers"]["together"]
    return np.array([[chance * (p in group) for p in NAMES] for group, chance in found.items()])


def draw(
    rng: np.random.Generator,
    kind: np.ndarray,
    customer: np.ndarray,
    chance: np.ndarray | None = None,
    together: np.ndarray | None = None,
) -> np.ndarray:
    """(orders, products) of orders by customers (numbered from 0, a `kind` of type each).

    `chance` (types, products) and `together` (bundles, products) stand in for the sample's own.
    """
    chance = chances() if chance is None else chance
    together = bundles() if together is None else together
    habit = TRUTH["offers"]["habit"]
    own = rng.beta(habit * chance, habit * (1 - chance), (int(customer.max()) + 1, *chance.shape))
    held = rng.random((len(customer), chance.shape[1])) < own[customer, kind[customer]]
    for group in together:
        held[np.ix_(rng.random(len(held)) < group.max(), group > 0)] = True
    held[~held.any(1), PLAIN] = True
    return held


def lifts(shares: np.ndarray) -> pd.DataFrame:
    """product, other, lift: true of orders that come from the types in these shares.

    Habits of a customer for two products are unrelated, so within a type they cancel out. Pairs
    with the plain room are left out.
    """
    chance, together = chances(), bundles()
    none = np.prod(1 - together, axis=0)  # no bundle brings it; each product is in one at most
    alone = 1 - (1 - chance) * none
    rows = []
    for i, j in zip(*np.triu_indices(len(NAMES), 1), strict=True):
        if PLAIN in (i, j):
            continue
        shared = together[:, [i, j]].min(1).max()
        both = shared + (1 - shared) * chance[:, i] * chance[:, j]
        both = both if shared else alone[:, i] * alone[:, j]
        rows.append((NAMES[i], NAMES[j], shares @ both / (shares @ alone[:, [i, j]]).prod()))
    return pd.DataFrame(rows, columns=["product", "other", "lift"])
