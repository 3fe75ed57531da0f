"""What a comparison could find before it is made, by making it many times on the answers there are.

    drawn = lots(answers, 400, draws=2000, seed=1)         # of arms without any difference
    found(drawn, 0.5)                                      # chance that half a point shows
    smallest(drawn, 0.8)                                   # what shows in 80 of 100

Customers are drawn from the study's own, and lots from all lots, so skew, scales, lumps and waves
are as they are. Adding the same effect to everyone moves a difference and not its error, so all
effects are read from one simulation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxlib.stats.intervals import LEVEL

TOGETHER = 4_000_000  # numbers drawn at once


@dataclass(frozen=True, eq=False)
class Lots:
    """Differences between arms that nothing was done to, (draws,), and their standard errors."""

    difference: np.ndarray
    error: np.ndarray


def lots(
    answers: np.ndarray, n: int, *, share: float = 0.5, draws: int = 2000, seed: int = 1
) -> Lots:
    """`draws` comparisons of arms drawn by lot out of `answers` (customers,) or (customers, waves).

    `n` customers in all, `share` of them in one arm, drawn with replacement. With several waves a
    customer counts by the mean of those answered, and the error is that of customers (clusters);
    customers without an answer stay in, and count for nothing.
    """
    from cxlib.stats.estimators import columns

    answers = columns(answers)
    if n < 4 or not 0 < share < 1:
        raise ValueError(f"n={n} customers, share={share:g}: an arm needs two customers at least.")
    first = min(max(round(n * share), 2), n - 2)
    tops, bottoms = np.nansum(answers, axis=1), (~np.isnan(answers)).sum(1).astype(float)
    rng = np.random.default_rng(seed)
    parts = []
    for start in range(0, draws, size := max(1, TOGETHER // n)):
        chosen = rng.integers(0, len(answers), (min(size, draws - start), n))
        top, bottom = tops[chosen], bottoms[chosen]
        arms = [_ratio(top[:, s], bottom[:, s]) for s in (slice(0, first), slice(first, None))]
        parts.append((arms[0][0] - arms[1][0], np.sqrt(arms[0][1] + arms[1][1])))
    difference, error = (np.concatenate(p) for p in zip(*parts, strict=True))
    return Lots(difference, error)


def _ratio(top: np.ndarray, bottom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean answer and its variance over customers, by linearisation; (draws, customers) each."""
    n, total = top.shape[1], np.maximum(bottom.sum(1), 1e-300)
    mean = top.sum(1) / total
    rest = top - mean[:, None] * bottom
    return mean, (rest**2).sum(1) * n / (n - 1) / total**2


def found(drawn: Lots, effect: float, level: float = LEVEL) -> float:
    """Share of comparisons in which an effect of this size is told from none (two-sided)."""
    from scipy.special import ndtri

    far = np.abs(drawn.difference + effect) > ndtri((1 + level) / 2) * drawn.error
    return float(far.mean())


def smallest(drawn: Lots, power: float = 0.8, level: float = LEVEL) -> float:
    """The effect that is told from none in `power` of the comparisons.

    In those a rise is told when difference + effect > z error; the `power` quantile of
    z error - difference is the effect that does it so often (falls told as rises left out).
    """
    from scipy.special import ndtri

    if not 0 < power < 1:
        raise ValueError(f"power={power:g}; it must lie between 0 and 1, as .8 does.")
    return float(np.quantile(ndtri((1 + level) / 2) * drawn.error - drawn.difference, power))
