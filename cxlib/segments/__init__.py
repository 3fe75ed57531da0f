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

Grades and segments describe. That one is worth more does not say that moving a customer into it
would make that customer worth more.
"""

from __future__ import annotations

import pandas as pd

from cxlib.segments.clusters import Fit, fit, place
from cxlib.segments.grading import Grades, grades_of, rfm

__all__ = ["Fit", "Grades", "fit", "grades_of", "rfm", "score"]


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
