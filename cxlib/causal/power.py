"""Power of a comparison before it is made, by simulating it on the study's own answers.

    drawn = simulated(answers, 400, draws=2000, seed=1)    # of arms without any difference
    detected(drawn, 0.5)                                   # power against half a point
    minimum_detectable_effect(drawn, 0.8)                  # detected in 80 of 100

Skew, scales, clusters and waves are those of the study; statsmodels' power functions, which take
independent normal answers, are the witness in the tests. Adding the same effect to everyone moves a
difference and not its error, so all effects are read from one simulation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxlib.stats.intervals import LEVEL

TOGETHER = 4_000_000  # numbers drawn at once


@dataclass(frozen=True, eq=False)
class Simulated:
    """Differences between arms that nothing was done to, (draws,), and their standard errors."""

    difference: np.ndarray
    error: np.ndarray


def simulated(
    answers: np.ndarray, n: int, *, share: float = 0.5, draws: int = 2000, seed: int = 1
) -> Simulated:
    """`draws` comparisons of random arms from `answers` (customers,) or (customers, waves).

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
    return Simulated(difference, error)


def _ratio(top: np.ndarray, bottom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean answer and its variance over customers, by linearisation; (draws, customers) each."""
    n, total = top.shape[1], np.maximum(bottom.sum(1), 1e-300)
    mean = top.sum(1) / total
    rest = top - mean[:, None] * bottom
    return mean, (rest**2).sum(1) * n / (n - 1) / total**2


def detected(drawn: Simulated, effect: float, level: float = LEVEL) -> float:
    """Share of comparisons in which an effect of this size is told from none (two-sided)."""
    from scipy.special import ndtri

    far = np.abs(drawn.difference + effect) > ndtri((1 + level) / 2) * drawn.error
    return float(far.mean())


def minimum_detectable_effect_by_formula(
    n: float,
    deviation: float,
    *,
    share: float = 0.5,
    power: float = 0.8,
    level: float = LEVEL,
    explained: float = 0.0,
    design_effect: float = 1.0,
) -> float:
    """The effect found with probability `power`, by the normal formula.

    Parameters
    ----------
    n : customers in both arms
    deviation : standard deviation of the outcome, in its unit
    share : of the customers that is treated, between 0 and 1
    power, level : of the two-sided test
    explained : share of the outcome's variance that earlier answers explain (CUPED), below 1
    design_effect : by how much weights and clusters multiply the variance

    Returns
    -------
    The smallest effect, in the unit of the outcome.

    Raises
    ------
    ValueError : shares or power not between 0 and 1

    References
    ----------
    Bloom (1995), Evaluation Review 19(5); Deng, Xu, Kohavi and Walker (2013) for `explained`.

    Examples
    --------
    >>> round(minimum_detectable_effect_by_formula(400, 1.0), 2)
    0.28
    >>> round(minimum_detectable_effect_by_formula(400, 1.0, explained=0.5), 2)
    0.2
    """
    from scipy.special import ndtri

    if not (0 < share < 1 and 0 < power < 1 and 0 <= explained < 1):
        raise ValueError(
            f"share={share:g}, power={power:g}, explained={explained:g}: each must lie between 0 "
            "and 1."
        )
    variance = deviation**2 * (1 - explained) * design_effect / (n * share * (1 - share))
    return float((ndtri((1 + level) / 2) + ndtri(power)) * np.sqrt(variance))


def minimum_detectable_effect(drawn: Simulated, power: float = 0.8, level: float = LEVEL) -> float:
    """The effect that is told from none in `power` of the comparisons.

    In those a rise is told when difference + effect > z error; the `power` quantile of
    z error - difference is the effect that does it so often (falls told as rises left out).

    Examples
    --------
    >>> answers = np.random.default_rng(1).normal(size=5000)
    >>> round(minimum_detectable_effect(simulated(answers, 400)), 1)
    0.3
    """
    from scipy.special import ndtri

    if not 0 < power < 1:
        raise ValueError(f"power={power:g}; it must lie between 0 and 1, as .8 does.")
    return float(np.quantile(ndtri((1 + level) / 2) * drawn.error - drawn.difference, power))
