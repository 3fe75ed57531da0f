"""What to offer whom: products bought together, bundles, next best offers, a tree in words.

    baskets = offers.make_baskets(study.sample("orders"), study.read("order_lines"))
    fit = offers.rules(baskets)           # pairs and triples, judged on later orders
    offers.association_rules(baskets, support=0.01)     # all above thresholds, untested
    offers.rules(offers.count_baskets(study.baskets()))     # the same, counted in the store
    offers.bundles(fit)                   # which of them to offer as one
    offers.sequences(baskets)             # what is bought first and what later
    fit = offers.next_offers(baskets)     # products new to each customer, and the most popular
    offers.recommendations(baskets, fit)  # a row a customer, with reasons
    offers.offer_tree(baskets, customers) # a small tree in words

All are judged on later orders. What goes together was bought unasked: none of this shows what an
offer or a discount would add, which a trial shows (notebook 40).
"""

from __future__ import annotations

from cxlib.offers.associations import bundles, rules
from cxlib.offers.baskets import Baskets, make_baskets
from cxlib.offers.counted import CountedBaskets, count_baskets
from cxlib.offers.itemsets import association_rules
from cxlib.offers.recommendation import next_offers, recommendations
from cxlib.offers.sequences import sequences
from cxlib.offers.tree import offer_tree

__all__ = [
    "Baskets",
    "CountedBaskets",
    "association_rules",
    "bundles",
    "count_baskets",
    "make_baskets",
    "next_offers",
    "offer_tree",
    "recommendations",
    "rules",
    "sequences",
]
