"""Sensitivity: how strong an unmeasured confounder would have to be to explain an effect away.

    e_value(risk_ratio=3.9)                     # 7.26: VanderWeele and Ding (2017)
    e_value(standardised=0.3)
    hidden_bias(differences)                    # Rosenbaum's gamma for pairs
    robustness(partial_r2, free)                # Cinelli and Hazlett (2020)

Random assignment leaves nothing unmeasured but chance; every other design does.
"""

from __future__ import annotations

import numpy as np
import pandas as pd


def e_value(
    risk_ratio: float | np.ndarray | None = None, *, standardised: float | np.ndarray | None = None
) -> np.ndarray:
    """The least risk ratio with both taking part and outcome that would explain the effect away.

    Of a risk ratio, or of a difference in standard deviations d by exp(.91 d) (VanderWeele and Ding
    2017). 1 where there is nothing to explain. For an interval pass the end nearer to nothing, and
    1 or 0 where it holds nothing.

    Examples
    --------
    >>> round(float(e_value(3.9)), 2)
    7.26
    """
    if (risk_ratio is None) == (standardised is None):
        raise ValueError("give either a risk ratio or a standardised difference.")
    if risk_ratio is None:
        ratio = np.exp(0.91 * np.abs(np.asarray(standardised, float)))
    else:
        ratio = np.asarray(risk_ratio, float)
    ratio = np.maximum(ratio, 1 / np.maximum(ratio, 1e-300))
    return ratio + np.sqrt(ratio * (ratio - 1))


def nearest_to_none(low: float, high: float) -> float:
    """The end of an interval nearer to 0; 0 where the interval holds it.

    Examples
    --------
    >>> nearest_to_none(0.2, 0.7), nearest_to_none(-0.1, 0.5)
    (0.2, 0.0)
    """
    return 0.0 if low <= 0 <= high else min(low, high, key=abs)


def hidden_bias(differences: np.ndarray, alpha: float = 0.05) -> float:
    """Rosenbaum's gamma: how unequal the odds of taking part may be within pairs.

    The largest ratio of odds, from 1 on, at which Wilcoxon's signed-rank test of the pairs'
    differences (treated less other) is still under `alpha`, one-sided in the direction found
    (Rosenbaum 2002, section 4.3). 1 where it is not so even with equal odds.
    """
    from scipy.special import ndtri

    d = np.asarray(differences, float)
    d = d[(d != 0) & ~np.isnan(d)]
    if not len(d):
        return 1.0
    ranks = pd.Series(np.abs(d)).rank().to_numpy()
    total, square = ranks.sum(), (ranks**2).sum()
    found = max(ranks[d > 0].sum(), ranks[d < 0].sum())
    z = -ndtri(alpha)

    def below(gamma: float) -> bool:
        share = gamma / (1 + gamma)
        return found - share * total > z * np.sqrt(share * (1 - share) * square)

    if not below(1.0):
        return 1.0
    low, high = 1.0, 2.0
    while below(high) and high < 1e6:
        low, high = high, 2 * high
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if below(middle) else (low, middle)
    return low


def robustness(
    partial_r2: np.ndarray | float, free: float, *, share: float = 1.0, level: float | None = None
) -> np.ndarray:
    """How strong an unmeasured cause would have to be, as a partial R² with driver and outcome.

    One that explains this share of what is left of both would reduce the coefficient by `share`
    (1: to nothing); with `level`, so far that its interval reaches zero. `free` are the residual
    degrees of freedom. Cinelli and Hazlett (2020), equations 18 and 19.

    Examples
    --------
    >>> round(float(robustness(0.1, 100)), 2)
    0.28
    """
    from scipy.special import stdtrit

    partial = np.clip(np.asarray(partial_r2, float), 0, 1 - 1e-12)
    f = share * np.sqrt(partial / (1 - partial))
    if level is not None:
        free = max(free, 2.0)
        f = np.maximum(f - stdtrit(free - 1, (1 + level) / 2) / np.sqrt(free - 1), 0)
    return (np.sqrt(f**4 + 4 * f**2) - f**2) / 2
