"""The two periods between which a change is measured."""

from __future__ import annotations

import pandas as pd

from cxlib.core.sample import Sample, SampleLike, as_sample


def two_periods(
    sample: SampleLike, over: str = "", days: int = 182
) -> tuple[Sample, Sample] | None:
    """Rows of the last two waves, or of the last days and of as many days before.

    Parameters
    ----------
    sample : answers or cases
    over : column of dates, which counts where there are no two waves (a column `wave`)
    days : length of each period

    Returns
    -------
    Earlier and later rows; None where there are no two periods

    Examples
    --------
    >>> rows = pd.DataFrame({"wave": list("abcc"), "recommend": [9, 8, 7, 6]})
    >>> [list(part["recommend"]) for part in two_periods(rows)]
    [[8], [7, 6]]
    >>> rows = pd.DataFrame({"opened_at": pd.to_datetime(["2026-01-01", "2026-01-20"])})
    >>> [len(part) for part in two_periods(rows, "opened_at", days=14)]
    [1, 1]
    """
    sample = as_sample(sample)
    if "wave" in sample and len(waves := sorted(sample["wave"].dropna().unique())) > 1:
        return sample.where(sample["wave"] == waves[-2]), sample.where(sample["wave"] == waves[-1])
    if over not in sample:
        return None
    days_ago = (sample[over].max() - sample[over]) / pd.Timedelta(days=days)
    if not (days_ago >= 1).any():
        return None
    return sample.where((days_ago >= 1) & (days_ago < 2)), sample.where(days_ago < 1)
