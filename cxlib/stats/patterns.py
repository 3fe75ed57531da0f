"""Distinct rows, so that what many rows share is computed once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def distinct_rows(columns: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows in the order of their first appearance; missing values equal each other.

    Parameters
    ----------
    columns : arrays of one length, any type

    Returns
    -------
    (place of the first row of each kind, (kinds,); kind of each row, (rows,))

    Examples
    --------
    >>> first, kind = distinct_rows([np.array([1, 2, 1]), np.array([0.5, 0.5, 0.5])])
    >>> first.tolist(), kind.tolist()
    ([0, 1], [0, 1, 0])
    """
    rows = pd.DataFrame(dict(enumerate(columns)))
    kind = rows.groupby(list(rows), sort=False, dropna=False).ngroup()
    return np.flatnonzero(~kind.duplicated().to_numpy()), kind.to_numpy()
