"""Columns made of others, and numbers of rows, that need no rows: a store may compute them too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

NOBODY = (np.inf, -np.inf)  # a span without answers


@dataclass(frozen=True)
class Recoded:
    """A column of numbers made of a question and of who did not experience what it asks of.

    Attributes
    ----------
    column : the question
    never : column that says who did not experience it; empty for nobody
    value : what these get
    span : 1 for answers from the first to the second, 0 for others; None leaves answers as they are

    Examples
    --------
    >>> rows = pd.DataFrame({"room": [1.0, 5, None, None], "none": [False, False, True, False]})
    >>> Recoded("room", "none", 3.0).of(rows).tolist()
    [1.0, 5.0, 3.0, nan]
    >>> Recoded("room", "none", 0.0, (4, 5)).of(rows).tolist()
    [0.0, 1.0, 0.0, nan]
    """

    column: str
    never: str = ""
    value: float = 0.0
    span: tuple[float, float] | None = None

    def of(self, rows: pd.DataFrame) -> pd.Series:
        """The column, of rows."""
        made = answers = rows[self.column].astype(float)
        if self.span is not None:
            made = answers.between(*self.span).astype(float).where(answers.notna())
        if not self.never:
            return made
        return made.mask(flagged(rows[self.never]), self.value)


def flagged(column: pd.Series) -> np.ndarray:
    """Rows in which a column is true, or 1; False where it is missing.

    Examples
    --------
    >>> flagged(pd.Series([True, None, False])).tolist(), flagged(pd.Series([1.0, np.nan])).tolist()
    ([True, False, False], [True, False])
    """
    return column.eq(1).to_numpy(bool, na_value=False)


class Tally(NamedTuple):
    """Rows to be counted: those that give all of some columns and any of others.

    Attributes
    ----------
    given, some : columns of which all, and of which any, have a value
    above : columns that are above 0
    """

    given: Sequence[str] = ()
    some: Sequence[str] = ()
    above: Sequence[str] = ()
