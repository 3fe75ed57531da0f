"""Intervals for a statistic of the researcher's own, from the same resamples as all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core.result import Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.stats.intervals import LEVEL, estimates_table, expanded_level
from cxlib.stats.resampling import resampling_units

CHUNK = 50  # draws between two updates of the progress bar
Statistic = Callable[[pd.DataFrame, np.ndarray], Any]


def bootstrap(
    sample: SampleLike,
    statistic: Statistic,
    *,
    finding: str = "",
    unit: str = "",
    level: float = LEVEL,
) -> Result:
    """Estimate any statistic with its interval, clusters resampled whole and weights raked anew.

    Parameters
    ----------
    sample : answers with weights, clusters, draws and seed
    statistic : called as `statistic(rows, weights)`, with the rows of the sample that count and
        their weights, (n,); returns a number, several, or a Series or dict of named numbers
    finding : what readers are told, in the page's language
    unit : of the estimates ("share", "points", a currency ...)
    level : of the intervals

    Returns
    -------
    Result with term, estimate, low, high and n; its replicates are those of the intervals. A draw
    whose statistic raises ArithmeticError or LinAlgError is left out of the interval.

    Raises
    ------
    ValueError : no rows; a statistic of another length or with other names in a draw

    Examples
    --------
    >>> rows = pd.DataFrame({"minutes": [3.0, 9.0, 4.0, 8.0] * 20})
    >>> def longest(rows, weights):
    ...     return {"mean": np.average(rows["minutes"], weights=weights)}
    >>> bootstrap(rows, longest).table[["term", "estimate", "n"]].values.tolist()
    [['mean', 6.0, 80]]
    """
    sample = as_sample(sample)
    if not len(sample):
        raise ValueError("no rows to draw from. Choose another wave, or a wider WHERE.")
    units, weights = resampling_units(sample), sample.weights
    counted = weights != 0
    whole = _named(statistic(sample.data[counted], weights[counted]))
    replicates = []
    with np.errstate(invalid="ignore", divide="ignore"):
        for chunk in units.times(sample.draws, sample.seed, CHUNK):
            replicates += [_in_draw(statistic, sample.data, weights * t, whole) for t in chunk]
    effective = len(np.unique(units.keys))
    table = estimates_table(
        list(whole.index),
        whole.to_numpy(),
        drawn := np.array(replicates),
        len(sample),
        level=expanded_level(effective, 1, level),
    )
    return Result(table, finding, unit=unit, **sample.bootstrap, replicates=drawn)


def _named(values: Any) -> pd.Series:
    """The numbers that a statistic returns, by name."""
    if isinstance(values, (pd.Series, dict)):
        return pd.Series(values, dtype=float).rename(index=str)
    numbers = np.atleast_1d(np.asarray(values, float))
    names = ["statistic"] if len(numbers) == 1 else [str(i) for i in range(1, len(numbers) + 1)]
    return pd.Series(numbers, names)


def _in_draw(
    statistic: Statistic, rows: pd.DataFrame, weights: np.ndarray, whole: pd.Series
) -> np.ndarray:
    counted = weights != 0
    try:
        found = _named(statistic(rows[counted], weights[counted]))
    except (ArithmeticError, np.linalg.LinAlgError):
        return np.full(len(whole), np.nan)
    if list(found.index) != list(whole.index):
        raise ValueError(
            f"the statistic gives {', '.join(found.index)} in a resample and "
            f"{', '.join(whole.index)} for the whole sample. Return the same names each time, "
            "NaN where there is no number."
        )
    return found.to_numpy()
