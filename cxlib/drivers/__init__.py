"""Which parts of the experience move the outcome, and how much of it each explains.

    fit = drivers.importance(sample, "recommend", ["speed", "price", "staff"])
    print(fit)          # Speed is the strongest driver of recommend.
    fit.table           # term, estimate, low, high, n
    drivers.importance(sample, "recommend ~ speed + C(plan)")  # as in statsmodels and R

    drivers.importance_metrics(sample, "recommend", [...])     # first, last, Pratt, CAR; signs
    drivers.gains(sample, "recommend", [...])                  # outcome points for a point more
    drivers.interactions(sample, "recommend", [...])           # does one driver depend on another
    drivers.penalty_reward(sample, "recommend", [...])         # low and high ratings (Kano)
    drivers.expectation_gaps(sample, {...})                    # experience minus expectation
    drivers.needs(fit)                                         # strengths, weaknesses, key needs
    drivers.necessary_conditions(sample, "recommend", [...])   # what no high outcome goes without

All of these are associations. None says what would happen if a driver improved; for that, test a
change (notebook 40).
"""

from cxlib.drivers.expectations import expectation_gaps
from cxlib.drivers.formula import formula
from cxlib.drivers.gains import best_groups, gains
from cxlib.drivers.groups import importance_by
from cxlib.drivers.importance import (
    KINDS,
    METHODS,
    correlations,
    importance,
)
from cxlib.drivers.importance_findings import most_alike, order, rank_agreement
from cxlib.drivers.importance_metrics import METRICS, importance_metrics, owen
from cxlib.drivers.interactions import interactions
from cxlib.drivers.missing_sensitivity import missing_sensitivity
from cxlib.drivers.necessary_conditions import necessary_conditions
from cxlib.drivers.needs import needs
from cxlib.drivers.opportunities import opportunities
from cxlib.drivers.penalty_reward import CLASSES, penalty_reward
from cxlib.drivers.ranks import order_probabilities
from cxlib.drivers.shapley_values import MOST_EXACT, MOST_SAMPLED, johnson, shapley
from cxlib.drivers.waves import rests_on_waves, with_past_waves, without_each_wave
from cxlib.drivers.within_groups import within_groups

__all__ = [
    "CLASSES",
    "KINDS",
    "METHODS",
    "METRICS",
    "MOST_EXACT",
    "MOST_SAMPLED",
    "best_groups",
    "correlations",
    "expectation_gaps",
    "formula",
    "gains",
    "importance",
    "importance_by",
    "importance_metrics",
    "interactions",
    "johnson",
    "missing_sensitivity",
    "most_alike",
    "necessary_conditions",
    "needs",
    "opportunities",
    "order",
    "order_probabilities",
    "owen",
    "penalty_reward",
    "rank_agreement",
    "shapley",
    "rests_on_waves",
    "with_past_waves",
    "within_groups",
    "without_each_wave",
]
