"""Which parts of the experience move the outcome, and how much of it each explains.

    fit = drivers.importance(responses, "recommend", ["speed", "price", "staff"])
    print(fit)          # Speed explains most of recommend: 41% (38% to 44%) of R² 0.52, n 4,390.
    fit.table           # term, estimate, low, high, n

The shares add up to one. They rank drivers; they do not say what would happen if a driver improved.
For that, test a change (notebook 40).
"""

from cxlib.drivers.fits import (
    KINDS,
    METHODS,
    Comparison,
    Importance,
    agreement,
    importance,
    importance_by,
    overlap,
)
from cxlib.drivers.ranks import chances
from cxlib.drivers.shares import MOST_EXACT, MOST_SAMPLED, johnson, shapley

__all__ = [
    "KINDS",
    "METHODS",
    "MOST_EXACT",
    "MOST_SAMPLED",
    "Comparison",
    "Importance",
    "agreement",
    "chances",
    "importance",
    "importance_by",
    "johnson",
    "overlap",
    "shapley",
]
