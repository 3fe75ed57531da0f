"""Who the customers are: grades by what they buy, segments by what they are like.

    grades = segments.rfm(orders)                   # recency, frequency, money: A, B, C
    print(grades)         # 812 of 3,000 customers are important (A): 27% ... 61% of the spend ...
    grades.cuts           # where each score begins and ends
    segments.score(orders, grades)                  # a row a customer, with scores and grade

    fit = segments.fit(customers, ["tenure", "spend", "plan"])
    fit.table             # share of customers, and how stable each segment is
    fit.profiles          # what each is like, intervals that hold for all segments at once
    fit.choice            # why this many
    segments.score(customers, fit)                  # the rows with segment and segment_name
    segments.groups(customers, fit)                 # a name a customer, for what others show by it
    segments.fit(customers, features, model="classes")      # latent classes, of mixed answers

    segments.moved(orders, since=90)                # who went from grade to grade
    segments.outcomes(customers, fit, ["spend", "left"])    # placing errors accounted for
    segments.likelihood_ratio(customers, fit)       # is one class fewer enough?
    segments.typing_tool(customers, fit)            # the questions that place a new customer
    segments.trouble(events, groups, ["failed"])    # what goes wrong for each
    segments.personas(fit, worth=..., needs=..., hurts=...) # a card a segment

Grades and segments describe. That one is worth more does not say that moving a customer into it
would make that customer worth more.
"""

from __future__ import annotations

import pandas as pd

from cxlib.segments.clusters import Fit, fit, groups, memberships, place
from cxlib.segments.grading import Grades, grade_of_each, grades_of, rfm
from cxlib.segments.moves import moved
from cxlib.segments.outcomes import Outcomes, outcomes
from cxlib.segments.personas import Personas, personas
from cxlib.segments.placing import Tool, placed_by, typing_tool
from cxlib.segments.ratio import likelihood_ratio
from cxlib.segments.trouble import trouble

__all__ = [
    "Fit",
    "Grades",
    "Outcomes",
    "Personas",
    "Tool",
    "fit",
    "grade_of_each",
    "grades_of",
    "groups",
    "likelihood_ratio",
    "memberships",
    "moved",
    "outcomes",
    "personas",
    "placed_by",
    "rfm",
    "score",
    "trouble",
    "typing_tool",
]


def score(
    rows: pd.DataFrame, fit: Fit | Grades, *, as_of: str | pd.Timestamp | None = None
) -> pd.DataFrame:
    """Where each customer belongs by a fit made before.

    With segments: the customers, row for row, with `segment` and `segment_name`. With RFM grades:
    orders in, one row a customer out (`grades_of`), as of `as_of` or the date of the fit.
    """
    if isinstance(fit, Grades):
        return grades_of(rows, fit, as_of=as_of)
    return place(rows, fit)
