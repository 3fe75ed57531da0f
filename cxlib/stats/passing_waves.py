"""Waves in which something fell or rose and that are over: what pooled answers still show of them.

past_wave(sample, "delivery")              # "2026-Q1": lower there than in all others, not now
what_remains(sample, "delivery", "2026-Q1")     # ("2026-Q3", 7.2, 5.4): what is left of it
"""

from __future__ import annotations

from typing import NamedTuple

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


class Remains(NamedTuple):
    """The latest wave, the mean in it, and that in the wave which is over."""

    latest: str
    now: float
    then: float


def what_remains(sample: SampleLike, column: str, past: str) -> Remains | None:
    """Say what the latest wave shows of what fell or rose in an earlier one.

    A peak that is over may leave a level that is not nothing.

    Parameters
    ----------
    sample : rows with a column "wave", whose names sort by time
    column : numbers, such as ratings or 0 and 1
    past : the wave that is over, as `past_wave` gives it

    Returns
    -------
    the latest wave, the weighted mean in it and in the past one; None where too few answered in
    one of them to be shown, or of 0 and 1 too few are one or the other

    Examples
    --------
    >>> import pandas as pd
    >>> rows = pd.DataFrame({"late": [1, 1, 0, 0, 0, 1.0], "wave": ["Q1"] * 2 + ["Q2"] * 4})
    >>> with context.use(context.Context(smallest_cell=0)):
    ...     what_remains(rows, "late", "Q1")
    Remains(latest='Q2', now=0.25, then=1.0)
    """
    sample = as_sample(sample)
    if not past or "wave" not in sample:
        return None
    wave = sample["wave"].astype(str)
    latest = max(wave[sample["wave"].notna()])
    means = []
    for name in (latest, past):
        part = sample.where((wave == name) & sample[column].notna())
        y = part[column].to_numpy(float)
        counts = [(y == v).sum() for v in (0, 1)] if set(y) <= {0.0, 1.0} else [len(y)]
        weight = moments.weights_of(part.data, part.weight)
        if min(counts) < context.current().smallest_cell or not weight.sum() > 0:
            return None
        means.append(float(np.average(y, weights=weight)))
    return Remains(latest, *means)


def standing_out(sample: Sample, here: np.ndarray, column: str) -> float:
    """Standard errors by which a mean is lower in some rows than in all others; 0 if unknown."""
    here = np.asarray(here, bool)
    means, squares = [], []
    for rows in (here, ~here):
        part = sample.where(rows)
        known = part[column].notna().to_numpy()
        y, weight = part[column].to_numpy(float)[known], moments.weights_of(part.data, part.weight)
        weight, counts = weight[known], part.counts[known]
        if counts.sum() < 2 or not weight.sum() > 0:
            return 0.0
        mean = np.average(y, weights=weight)
        means.append(mean)
        squared = part[part.squares].to_numpy(float)[known] if part.squares else weight**2 / counts
        squares.append(float((squared * (y - mean) ** 2).sum() / weight.sum() ** 2))
    error = np.sqrt(sum(squares))
    return float((means[1] - means[0]) / error) if error > 0 else 0.0
