"""Which parts of the experience move the outcome, and how much of it each explains.

    fit = drivers.importance(responses, "recommend", ["speed", "price", "staff"])
    print(fit)          # Speed explains most of recommend: 41% (38% to 44%) of R² 0.52, n 4,390.
    fit.table           # term, estimate, low, high, n

    drivers.gains(responses, "recommend", [...])       # outcome points that go with a point more
    drivers.contrast(responses, "recommend", [...])    # what low and high ratings go with
    drivers.necessary(responses, "recommend", [...])   # what no high outcome goes without

All of these are associations. None says what would happen if a driver improved; for that, test a
change (notebook 40).
"""

from cxlib.drivers.agenda import agenda
from cxlib.drivers.contrast import CLASSES, Contrast, contrast
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
from cxlib.drivers.gains import Gains, gains, robustness
from cxlib.drivers.necessary import Necessary, necessary
from cxlib.drivers.ranks import chances
from cxlib.drivers.shares import MOST_EXACT, MOST_SAMPLED, johnson, shapley
from cxlib.drivers.treatments import treatments

__all__ = [
    "CLASSES",
    "KINDS",
    "METHODS",
    "MOST_EXACT",
    "MOST_SAMPLED",
    "Comparison",
    "Contrast",
    "Gains",
    "Importance",
    "Necessary",
    "agenda",
    "agreement",
    "chances",
    "contrast",
    "gains",
    "importance",
    "importance_by",
    "johnson",
    "necessary",
    "overlap",
    "robustness",
    "shapley",
    "treatments",
]
