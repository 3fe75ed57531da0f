"""Forecasts of counts, held against what came: the columns of such tables, and their replay.

replayed(history, last=12, least=12)   # each of the last periods as forecast before it
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from cxlib.core.columns import Column
from cxlib.stats.forecasting import forecast_counts


def count_columns(what: str, label: str) -> tuple[Column, ...]:
    """Columns of forecast counts, and of those that are held against what came.

    Parameters
    ----------
    what : what is counted
    label : what heads the counts, marked for translation

    Examples
    --------
    >>> [c.name for c in count_columns("new cases", "New cases")][:3]
    ['estimate', 'low', 'high']
    """
    return (
        Column("estimate", what, "count", label=label),
        Column("low", "lower end of the prediction interval", "count"),
        Column("high", "upper end of the prediction interval", "count"),
        Column("forecast", f"{what} as forecast before", "count", label="Forecast made before"),
        Column("forecast_low", "lower end of its interval", "count"),
        Column("forecast_high", "upper end of its interval", "count"),
        Column("within", "whether the number lay in its interval", label="Within the forecast"),
    )


def replayed(
    history: pd.DataFrame,
    *,
    last: int,
    least: int,
    period: Callable[[np.ndarray], int] = lambda _before: 0,
) -> pd.DataFrame:
    """The last periods, each with the forecast that those before it would have given.

    Parameters
    ----------
    history : a row a period in order, its count in the column estimate
    last : how many periods are looked at, at most
    least : periods that a forecast needs
    period : length of the seasons in the counts so far; 0 for none

    Returns
    -------
    Rows of the history with forecast, forecast_low, forecast_high (95% prediction interval) and
    within ("yes", "no")

    Examples
    --------
    >>> replayed(pd.DataFrame({"estimate": [9.0] * 14}), last=1, least=12)["within"].tolist()
    ['yes']
    """
    counts = history["estimate"].to_numpy(float)
    rows = []
    for k in range(max(len(counts) - last, least), len(counts)):
        (mean,), (low,), (high,) = forecast_counts(counts[:k], 1, period=period(counts[:k]))
        rows.append([mean, low, high, "yes" if low <= counts[k] <= high else "no"])
    made = pd.DataFrame(rows, columns=["forecast", "forecast_low", "forecast_high", "within"])
    return pd.concat([history.tail(len(made)).reset_index(drop=True), made], axis=1)
