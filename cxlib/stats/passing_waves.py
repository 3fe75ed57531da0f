"""Waves in which something fell or rose and that are over: what pooled answers still show of them.

past_wave(sample, "delivery")              # "2026-Q1": lower there than in all others, not now
"""

from __future__ import annotations

import numpy as np

from cxlib.core import context
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats import moments

STANDS_OUT = 3.0  # standard errors by which the mean of a wave differs from that of all others


def past_wave(sample: SampleLike, column: str, *, rises: bool = False) -> str:
    """The wave in which a mean fell (or rose) most, where the latest wave shows nothing of it.

    Parameters
    ----------
    sample : rows with a column "wave", whose names sort by time
    column : numbers, such as ratings or 0 and 1
    rises : look for a wave whose mean is higher than that of all others, not lower

    Returns
    -------
    name of the wave: its mean differs from that of all others by more than 3 standard errors, and
    that of the latest does not; empty where there is no such wave

    Examples
    --------
    >>> import pandas as pd
    >>> late = [4, 5, 4, 5, 1, 1, 2, 1, 4, 5, 5, 4]
    >>> rows = pd.DataFrame({"speed": late, "wave": ["Q1"] * 4 + ["Q2"] * 4 + ["Q3"] * 4})
    >>> with context.use(context.Context(smallest_cell=0)):
    ...     past_wave(rows, "speed"), past_wave(rows, "speed", rises=True)
    ('Q2', '')
    """
    sample = as_sample(sample)
    if "wave" not in sample:
        return ""
    wave = sample["wave"].astype(str)
    names = sorted(wave[sample["wave"].notna()].unique())
    if len(names) < 3:  # of two, one is the other's opposite
        return ""
    sign = -1.0 if rises else 1.0
    *before, latest = names
    found = {name: sign * standing_out(sample, wave == name, column) for name in before}
    worst = max(before, key=lambda name: found[name])
    if found[worst] <= STANDS_OUT or int((wave == worst).sum()) < context.current().smallest_cell:
        return ""
    others = wave != worst  # beside the latest, were it far off, an ordinary wave stands out
    now = standing_out(sample.where(others), (wave == latest)[others], column)
    return worst if abs(now) <= STANDS_OUT else ""


def standing_out(sample: Sample, here: np.ndarray, column: str) -> float:
    """Standard errors by which a mean is lower in some rows than in all others; 0 if unknown."""
    here = np.asarray(here, bool)
    means, squares = [], []
    for rows in (here, ~here):
        part = sample.where(rows)
        known = part[column].notna().to_numpy()
        y, weight = part[column].to_numpy(float)[known], moments.weights_of(part.data, part.weight)
        weight = weight[known]
        if len(y) < 2 or not weight.sum() > 0:
            return 0.0
        mean = np.average(y, weights=weight)
        means.append(mean)
        squares.append(float((weight**2 * (y - mean) ** 2).sum() / weight.sum() ** 2))
    error = np.sqrt(sum(squares))
    return float((means[1] - means[0]) / error) if error > 0 else 0.0
