"""Rows that are identical in every column, where nothing says that they are different answers.

copies(rows)      # (60, 4.1): rows that repeat one before them, and how many chance would explain
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def copies(rows: pd.DataFrame) -> tuple[int, float]:
    """How many rows are identical to one before them, and how many would be by chance.

    Parameters
    ----------
    rows : without a column that numbers them

    Returns
    -------
    The number of copies, and the number to be expected if the columns were independent of each
    other. Answers to several questions are not, so that it is a low estimate.

    Examples
    --------
    >>> copies(pd.DataFrame({"day": ["1", "2", "1"], "nps": [9, 7, 9]}))[0]
    1
    """
    if rows.empty or not len(rows.columns):
        return 0, 0.0
    n = int(rows.duplicated().sum())
    if not n:
        return 0, 0.0
    log_chance = np.zeros(len(rows))
    for _name, column in rows.items():
        codes, _values = pd.factorize(column, use_na_sentinel=False)
        log_chance += np.log(np.bincount(codes)[codes] / len(rows))
    expected = np.minimum(1, (len(rows) - 1) / 2 * np.exp(log_chance)).sum()
    return n, float(expected)
