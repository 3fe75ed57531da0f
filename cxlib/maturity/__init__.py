"""How mature is the work on the customer's experience: five stages, eight dimensions, evidence.

    items = maturity.grid()                           # or the study's own, data/STUDY/maturity.csv
    fit = maturity.assess(audits, items)
    print(fit)                                        # Stage 2 of 5, Developing ...
    fit.table                                         # term (dimension), estimate, low, high, rated
    maturity.agreement_of(audits)                     # Krippendorff's alpha of the raters
    maturity.next_list(fit, items, maturity.verified(items, fit, records).table)

The five stages and what they are like are published (Gartner's model of customer experience
management as told by The Future of Commerce 2016). The items and the rule that turns evidence into
a level are ours: Gartner publishes none, and a page that shows a level must say so.
"""

from cxlib.maturity.grading import Maturity, agreement_of, assess, audited_on, chances_of
from cxlib.maturity.items import DIMENSIONS, LEVELS, ask, grid, provenance, stages
from cxlib.maturity.proofs import next_list, records_of, verified

__all__ = [
    "DIMENSIONS", "LEVELS", "Maturity", "agreement_of", "ask", "assess", "audited_on",
    "chances_of", "grid",
    "next_list", "provenance", "records_of", "stages", "verified",
]  # fmt: skip
