"""How mature is the work on the customer's experience: five stages, eight dimensions, evidence.

    items = maturity.grid()                           # or the study's own, data/STUDY/maturity.csv
    fit = maturity.assess(study.sample("audits"), items)
    print(fit)                                        # Stage 2 of 5, Developing ...
    fit.table                                         # term (dimension), estimate, low, high, rated
    maturity.rater_agreement(audits)                  # Krippendorff's alpha of the raters
    maturity.next_steps(fit, items, maturity.verify(items, fit, evidence).table)

The five stages and what they are like are published (Gartner's model of customer experience
management as described by The Future of Commerce 2016). The items and the rule that turns evidence
into a level are ours: Gartner publishes none, and a page that shows a level must say so.
"""

from cxlib.maturity.evidence import Practice, alerts_followed, data_evidence, next_steps, verify
from cxlib.maturity.grading import assess, audit_date, level_probabilities, rater_agreement
from cxlib.maturity.items import grid, stages

__all__ = [
    "Practice",
    "assess",
    "audit_date",
    "alerts_followed",
    "data_evidence",
    "grid",
    "level_probabilities",
    "next_steps",
    "rater_agreement",
    "stages",
    "verify",
]
