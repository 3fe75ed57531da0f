"""Weighted sums of survey answers: the one small table that every linear method needs.

A mean, a covariance, a regression, a driver's share of R² and a path model are all functions of
three sums: of weights, of answers, and of products of answers. We take the sums once, in buckets of
customers. Adding the buckets gives the estimate; drawing buckets again with replacement gives its
uncertainty. The rows are never read twice.

    sums = moments.of(responses, ["nps", "speed", "price"], weight="weight", bucket="customer_id")
    sums.total().cov                                 # (3, 3)
    sums.resample(draws=1000, seed=7).mean           # (1000, 3)

Missing answers are a named choice. "complete" uses the rows that answer everything; "pairwise" uses
for each pair of answers the rows that give both, which keeps more people but may give a covariance
that no data could have; "em" finds the likeliest means and covariances given all that was answered
(maximum likelihood under the normal law), which holds where what is missing depends on answers
that were given.
"""

from cxlib.moments.draws import Who, hashed, keys_of, multiplicities, resample_sums, who_of
from cxlib.moments.sums import MISSING, Moments, by_group, groups_of, of, possible, weights_of

__all__ = [
    "MISSING",
    "Moments",
    "Who",
    "by_group",
    "groups_of",
    "hashed",
    "keys_of",
    "multiplicities",
    "of",
    "possible",
    "resample_sums",
    "weights_of",
    "who_of",
]
