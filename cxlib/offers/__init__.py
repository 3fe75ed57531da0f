"""What to offer whom: products bought together, bundles, next best offers, a tree in words.

    baskets = offers.held(orders, lines, level="category")      # what each order held
    fit = offers.rules(baskets)           # pairs and triples beyond chance, held up to later orders
    offers.bundles(fit)                   # which of them to offer as one
    fit = offers.next_offers(baskets)     # products new to each customer, beside the most popular
    offers.to_offer(baskets, fit)         # a row a customer, with reasons
    offers.suits(baskets, customers)      # a small tree in words

All are judged on later orders. What goes together was bought unasked: none of this tells what an
offer or a discount would add, which a trial tells (notebook 40).
"""

from __future__ import annotations

from cxlib.offers.associations import Rules, bundles, rules
from cxlib.offers.baskets import Baskets, held
from cxlib.offers.following import NextOffers, next_offers, to_offer
from cxlib.offers.tree import Suits, suits

__all__ = [
    "Baskets",
    "NextOffers",
    "Rules",
    "Suits",
    "bundles",
    "held",
    "next_offers",
    "rules",
    "suits",
    "to_offer",
]
