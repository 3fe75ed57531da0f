"""Weights that make those who answered look like the population, in the attributes known of both.

    fit = weights.rake(responses, {"region": {"north": 0.4, "south": 0.6}, "plan": {...}})
    print(fit)                        # Weights meet all margins; design effect 1.31, ...
    responses["weight"] = fit.weights
    responses = weights.weigh(responses, study.margins)       # the same, as a page does it

Raking mends differences in the attributes it is given, and only those: if within an age group the
dissatisfied answer less, no weight shows it. Weights make estimates less exact; the design effect
says by how much.
"""

from cxlib.weights.faithful import representation
from cxlib.weights.fits import (
    Margins,
    Weights,
    applicable,
    design_effect,
    differing,
    effective_n,
    poststratify,
    rake,
    weigh,
)
from cxlib.weights.replicates import replicated

__all__ = [
    "Margins",
    "Weights",
    "applicable",
    "design_effect",
    "differing",
    "effective_n",
    "poststratify",
    "rake",
    "replicated",
    "representation",
    "weigh",
]
