"""Who the customers are: RFM grades by what they buy, segments by what they are like.

    grades = segments.rfm(study.sample("orders"))   # recency, frequency, money: A, B, C
    print(grades)         # Customers graded important (A) are 27% of buyers and bring 61% of spend.
    grades.cuts           # where each score begins and ends
    segments.rfm_scores(orders, grades)             # a row a customer, with scores and grade

    fit = segments.fit(customers, ["tenure", "spend", "plan"])
    fit.table             # share of customers, and how stable each segment is
    fit.profiles          # what each is like, with simultaneous intervals
    fit.choice            # why this many
    segments.score(customers, fit)                  # the rows with segment and segment_name
    segments.groups(customers, fit)                 # a name a customer, for what others show by it
    segments.fit(customers, features, model="classes")      # latent classes, of mixed answers

    segments.grade_migration(orders, since=90)      # who went from grade to grade
    segments.outcomes(customers, fit, ["spend", "left"])    # corrected for errors of placing
    segments.covariates(customers, fit, ["age", "plan"])    # who belongs where, corrected likewise
    segments.likelihood_ratio(customers, fit)       # is one class fewer sufficient?
    segments.prediction_strength(customers)         # how many segments other customers show again
    segments.goodness_of_fit(customers, fit)        # G², X², which answers still go together
    segments.typing_tool(customers, fit)            # the questions that place a new customer
    segments.problem_rates(events, groups, ["failed"])      # what goes wrong for each
    segments.personas(fit, outcomes=..., drivers=...)        # a card a segment

Grades and segments describe. That one is worth more does not say that moving a customer into it
would make that customer worth more.
"""

from __future__ import annotations

from cxlib.core.errors import attempt
from cxlib.segments.covariates import covariates
from cxlib.segments.demographics import demographics
from cxlib.segments.goodness_of_fit import goodness_of_fit
from cxlib.segments.likelihood_ratio import likelihood_ratio
from cxlib.segments.migration import grade_migration
from cxlib.segments.outcomes import outcomes, value_shares
from cxlib.segments.personas import personas
from cxlib.segments.prediction_strength import prediction_strength
from cxlib.segments.problems import problem_rates
from cxlib.segments.rfm import grouped_by_grade, rfm, rfm_grades, rfm_scores
from cxlib.segments.segmentation import Choice, fit, groups, largest_difference, memberships, score
from cxlib.segments.typing_tool import classify, typing_tool

__all__ = [
    "attempt",
    "Choice",
    "classify",
    "covariates",
    "demographics",
    "fit",
    "goodness_of_fit",
    "grade_migration",
    "grouped_by_grade",
    "groups",
    "largest_difference",
    "likelihood_ratio",
    "memberships",
    "outcomes",
    "personas",
    "prediction_strength",
    "problem_rates",
    "rfm",
    "rfm_grades",
    "rfm_scores",
    "score",
    "typing_tool",
    "value_shares",
]
