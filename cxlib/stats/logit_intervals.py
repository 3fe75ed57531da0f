"""Intervals of shares over resamples, on the logit scale: pointwise and simultaneous."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, logit

from cxlib.core.columns import INTERVAL, SIMULTANEOUS
from cxlib.stats.intervals import LEVEL, simultaneous_interval


def logit_interval(
    shares: np.ndarray, again: np.ndarray, n: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Simultaneous intervals of shares: on the logit scale, half a case on either side.

    A share of none or all, which no draw changes, has the exact limit of so many cases (Clopper and
    Pearson 1934), one for each share.
    """

    def bent(share: np.ndarray) -> np.ndarray:
        return logit((share * n + 0.5) / (n + 1))

    low, high = simultaneous_interval(bent(shares), bent(again))
    low, high = expit(low), expit(high)
    reach = 1 - ((1 - LEVEL) / 2) ** (1 / np.maximum(n, 1))
    low = np.where(np.isnan(low), np.where(shares > 0.5, 1 - reach, 0.0), low)
    high = np.where(np.isnan(high), np.where(shares > 0.5, 1.0, reach), high)
    return np.minimum(low, shares), np.maximum(high, shares)


def share_ends(shares: np.ndarray, again: np.ndarray, n: np.ndarray) -> dict[str, np.ndarray]:
    """Columns of the interval of each share alone, and of the simultaneous ones of all."""
    each = [logit_interval(shares[[k]], again[:, [k]], n[[k]]) for k in range(len(shares))]
    own = [np.array([end[side][0] for end in each]) for side in (0, 1)]
    together = logit_interval(shares, again, n)
    return dict(zip((*INTERVAL[1:], *SIMULTANEOUS), (*own, *together), strict=True))
