"""Intervals of means and shares: formulas on arrays.

    adjusted_wald(promoters=0.5, detractors=0.2, n=400)      # (low, high) of the NPS as a share
    wilson(share=0.81, n=400)

`n` may be an effective number (Kish 1965). Arrays of any shape broadcast, so all groups of a
table are one call. None of this knows what was asked.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from cxlib.estimates import LEVEL

Bounds = tuple[np.ndarray, np.ndarray]


def adjusted_wald(
    promoters: np.ndarray, detractors: np.ndarray, n: np.ndarray, level: float = LEVEL
) -> Bounds:
    """Interval of the net promoter score as a share, -1 to 1.

    Rocks (2016): three answers are added, 3/4 detractor, 3/2 passive, 3/4 promoter, and the Wald
    interval is taken of that. It has a width even where all gave the same answer.
    """
    size = np.asarray(n, float) + 3
    p, d = (np.asarray(n) * promoters + 0.75) / size, (np.asarray(n) * detractors + 0.75) / size
    reach = z(level) * np.sqrt((p + d - (p - d) ** 2) / size)
    # One or two answers at an end of the scale lie outside; an interval holds its own estimate.
    score = np.asarray(promoters) - detractors
    low, high = np.minimum(p - d - reach, score), np.maximum(p - d + reach, score)
    return np.maximum(low, -1), np.minimum(high, 1)


def wilson(share: np.ndarray, n: np.ndarray, level: float = LEVEL) -> Bounds:
    """Score interval of a share, 0 to 1 (Wilson 1927)."""
    n, square = np.asarray(n, float), z(level) ** 2
    middle = (share + square / (2 * n)) / (1 + square / n)
    reach = np.sqrt(share * (1 - share) * square / n + (square / (2 * n)) ** 2) / (1 + square / n)
    return np.maximum(middle - reach, 0), np.minimum(middle + reach, 1)


def each(cells: int, level: float = LEVEL) -> float:
    """Level of each of `cells` intervals that together cover with `level` (Šidák 1967).

    Exact for separate groups, and on the safe side where customers are in several.
    """
    return level ** (1 / max(cells, 1))


def kish(weights: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Effective n from sums of weights and of their squares (Kish 1965); 0 where there are none."""
    return np.divide(weights**2, squares, out=np.zeros_like(squares, float), where=squares > 0)


def z(level: float) -> float:
    """Standard normal quantile of a two-sided interval: 1.96 for 95%."""
    return NormalDist().inv_cdf((1 + level) / 2)
