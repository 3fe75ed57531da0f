"""Intervals of the net promoter score: formulas on arrays.

    adjusted_wald(promoters=0.5, detractors=0.2, n=400)      # (low, high) of the NPS as a share

`n` may be an effective number (Kish 1965). Arrays of any shape broadcast, so all groups of a
table are one call.
"""

from __future__ import annotations

import numpy as np

from cxlib.stats.intervals import LEVEL, normal_quantile

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
    reach = normal_quantile(level) * np.sqrt((p + d - (p - d) ** 2) / size)
    # One or two answers at an end of the scale lie outside; an interval holds its own estimate.
    score = np.asarray(promoters) - detractors
    low, high = np.minimum(p - d - reach, score), np.maximum(p - d + reach, score)
    return np.maximum(low, -1), np.minimum(high, 1)


def wald(
    promoters: np.ndarray, detractors: np.ndarray, n: np.ndarray, level: float = LEVEL
) -> Bounds:
    """Interval of the net promoter score as a share: plus and minus its standard error.

    Too short of few answers and near the ends, and of no width where all gave the same answer
    (Rocks 2016): for comparison with other programs.
    """
    p, d, n = (np.asarray(v, float) for v in (promoters, detractors, n))
    reach = normal_quantile(level) * np.sqrt((p + d - (p - d) ** 2) / n)
    return np.maximum(p - d - reach, -1), np.minimum(p - d + reach, 1)


def score_interval(
    promoters: np.ndarray, detractors: np.ndarray, n: np.ndarray, level: float = LEVEL
) -> Bounds:
    """Interval of the net promoter score as a share: the values that a score test does not reject.

    A difference of two shares of one multinomial sample, its variance taken where the difference
    is what is tested (May and Johnson 1997, Statistics in Medicine 16; Tango 1998, ibid. 17, with
    his closed form of the constrained shares). Found by halving, for all cells together.
    """
    p, d, n = np.broadcast_arrays(*(np.asarray(v, float) for v in (promoters, detractors, n)))
    square, given = normal_quantile(level) ** 2, n > 0
    p, d, n = (np.where(given, v, w) for v, w in ((p, 0.5), (d, 0.5), (n, 1.0)))
    estimate = p - d

    def rejected(value: np.ndarray) -> np.ndarray:
        room = value * (1 - value)
        middle = (2 - p + d) * value - p - d
        lower = (np.sqrt(np.maximum(middle**2 + 8 * d * room, 0)) - middle) / 4
        variance = np.maximum(2 * lower + room, 0)
        return n * (estimate - value) ** 2 > square * variance

    bounds = []
    for end in (-1.0, 1.0):
        inside, outside = estimate.copy(), np.full_like(estimate, end)
        for _ in range(50):
            half = (inside + outside) / 2
            out = rejected(half)
            inside, outside = np.where(out, inside, half), np.where(out, half, outside)
        bounds.append(np.where(given, inside, np.nan))
    return bounds[0], bounds[1]


def dirichlet(
    promoters: np.ndarray,
    detractors: np.ndarray,
    n: np.ndarray,
    level: float = LEVEL,
    *,
    prior: float = 0.5,
    draws: int = 1000,
    seed: int = 1,
) -> Bounds:
    """Credible interval of the net promoter score as a share, equal tails.

    Detractors, passives and promoters are multinomial, with `prior` answers of each kind before
    the first is given: 1/2 is the prior of Jeffreys (1946), 1/3 one answer in all.
    """
    p, d, n = np.broadcast_arrays(*(np.asarray(v, float) for v in (promoters, detractors, n)))
    counts = np.nan_to_num(n * np.stack([d, 1 - p - d, p]))
    drawn = np.random.default_rng(seed).standard_gamma(
        np.maximum(counts, 0) + prior, size=(draws, *counts.shape)
    )
    scores = (drawn[:, 2] - drawn[:, 0]) / drawn.sum(1)
    low, high = np.quantile(scores, [(1 - level) / 2, (1 + level) / 2], axis=0)
    # All promoters: the tail beyond them is empty, and an interval holds its own estimate.
    return np.fmin(low, p - d), np.fmax(high, p - d)
