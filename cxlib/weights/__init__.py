"""Weights that make those who answered look like the population, in the attributes known of both.

    fit = weights.rake(sample, {"region": {"north": 0.4, "south": 0.6}, "plan": {...}})
    print(fit)                        # Weighting moved shares by up to 12.3 points ...
    fit.weights                       # one a row
    sample = weights.weigh(sample, study.margins)       # the same, as a page does it
    weights.representation(sample, customers)           # who answers, of all customers

Raking corrects differences in the attributes it is given, and only those: if within an age group
the dissatisfied answer less, no weight shows it. Weights make estimates less precise; the design
effect says by how much.
"""

from cxlib.weights.margins import Margins, applicable
from cxlib.weights.raking import design_effect, poststratify, rake, weigh
from cxlib.weights.replicate_weights import with_replicates
from cxlib.weights.respondents import representation
from cxlib.weights.survey_design import with_design

__all__ = [
    "Margins",
    "applicable",
    "design_effect",
    "poststratify",
    "rake",
    "representation",
    "weigh",
    "with_design",
    "with_replicates",
]
