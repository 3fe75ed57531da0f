"""Columns that are computed from other answers, as the mean of a block, and are no answers.

made_of(found, columns)     # {"Mean score": ["Quality", "Support"]}
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cxlib.data.intake.drafts.looking import Column
from cxlib.data.intake.drafts.questions import Rating, coded

CALLED = re.compile(
    r"\b(mean|average|avg|composite|durchschnitt\w*|mittelwert|moyenne|promedio|média|media)\b|平均|均值"
)
ROUNDED = 0.0501  # what a mean that is rounded to a decimal may be off
FEWEST, MOST = 20, 100  # rows beyond the columns that a formula is told from; columns it may have
SLIGHT = 0.02  # share of a column in a mean, below which it has none
HOLDS = 0.99  # of the rows, in which a formula holds


def made_of(found: Sequence[Rating], columns: Mapping[str, Column]) -> dict[str, list[str]]:
    """Ratings whose answers are the same sum of other ratings in (nearly) each row.

    Only those with decimals can be: a copy of one other rating is none.
    """
    numbers = pd.DataFrame({r.column: _numbers(columns[r.column], r) for r in found})
    parts = numbers.columns[(numbers.isna() | (numbers % 1 == 0)).all()]
    out: dict[str, list[str]] = {}
    for made in numbers.columns.difference(parts, sort=False):
        both = numbers[[made, *parts]].dropna()
        if not 2 <= len(parts) <= MOST or len(both) < len(parts) + FEWEST:
            continue
        x = np.column_stack([both[parts], np.ones(len(both))])
        weights = np.linalg.lstsq(x, both[made].to_numpy(), rcond=None)[0]
        near = np.abs(x @ weights - both[made].to_numpy()) <= ROUNDED
        of = [str(c) for c, w in zip(parts, weights, strict=False) if w > SLIGHT]
        if near.mean() >= HOLDS and len(of) > 1:
            out[str(made)] = of
    return out


def _numbers(column: Column, rating: Rating) -> pd.Series:
    """The answers as they stand, without what is no rating."""
    x = coded(column, rating)
    return -x if rating.reverse else x
