"""Mean of every group, its effective n, and the same in bootstrap resamples of the clusters.

A mean of recoded answers depends on the data only through how often each answer was given in each
group. So the answers are counted once, and everything else is arithmetic on that small table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from cxlib.scores.answers import Answers
from cxlib.stats.intervals import (
    LEVEL,
    expanded_level,
    normal_quantile,
    percentile_interval,
    simultaneous_interval,
)
from cxlib.stats.resampling import MAX_CLUSTERS, resample_sums
from cxlib.stats.survey_design import student_quantile

Bounds = tuple[np.ndarray, np.ndarray]
Recode = Callable[[np.ndarray], np.ndarray]  # of answers or values, NaN stays NaN
MOST_DRAWN = 20_000_000  # clusters in all draws together


@dataclass(frozen=True)
class GroupMeans:
    """Of each group and item, (groups, items): mean, answers, and effective answers."""

    mean: np.ndarray
    n: np.ndarray
    effective: np.ndarray  # answers of equal weight and different people with the same variance
    design: np.ndarray  # n / effective
    total: np.ndarray  # sums of weights
    variance: np.ndarray  # of an answer, weighted

    @property
    def counted(self) -> np.ndarray:
        """Effective n, a trifle where there is nothing, so that formulas divide by no zero."""
        return np.maximum(self.effective, 1e-9)


def estimate(answers: Answers, recode: Recode) -> GroupMeans:
    """Weighted mean of the recoded answers of every group to every item."""
    parts = []
    for tally in answers.tallies:
        y = recode(tally.values)
        with np.errstate(invalid="ignore", divide="ignore"):
            total = tally.weight.sum(1)
            mean = tally.weight @ y / total
            variance = np.maximum(tally.weight @ y**2 / total - mean**2, 0)
        effective = _kish(total, tally.squares.sum(1))
        parts.append((mean, tally.rows.sum(1), effective, total, variance))
    mean, n, effective, total, variance = (np.stack(p, axis=1) for p in zip(*parts, strict=True))
    if answers.clusters.design is not None:
        effective = np.where(
            variance > 0, _by_design(answers, recode, mean, total, variance), effective
        )
    elif answers.repeated:
        # Linearised variance over clusters; where it gives fewer answers than Kish, it is taken.
        # A cell in which nobody answers twice has the interval that it has by itself: one wave has
        # one interval, whether the waves around it are in the sample or not.
        rest = residuals(answers, recode, mean)
        error = (rest**2).sum(0).reshape(mean.shape) / np.where(total > 0, total, np.nan) ** 2
        clustered = np.divide(variance, error, out=effective.copy(), where=error > 0)
        each = np.ones(len(answers.x)) if answers.rows is None else answers.rows
        answered = answers.unit_sums(np.broadcast_to(each[:, None], answers.x.shape))
        twice = (answered > 1).any(0).reshape(mean.shape)
        effective = np.where(twice, np.minimum(effective, clustered), effective)
    if answers.sample.replicate_weights is not None:
        effective = np.where(
            variance > 0, _by_replicates(answers, recode, mean, total, variance), effective
        )
    with np.errstate(invalid="ignore", divide="ignore"):
        return GroupMeans(mean, n.astype(int), effective, n / effective, total, variance)


def _kish(weights: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Effective n from sums of weights and of their squares (Kish 1965); 0 where there are none."""
    return np.divide(weights**2, squares, out=np.zeros_like(squares, float), where=squares > 0)


def _by_replicates(
    answers: Answers, recode: Recode, mean: np.ndarray, total: np.ndarray, variance: np.ndarray
) -> np.ndarray:
    """Effective answers of each cell by the variance that replicate weights give it."""
    rest = answers.weight[:, None] * (recode(answers.x) - mean[answers.group])
    moved = answers.unit_sums(rest, np.arange(len(rest))).T @ answers.clusters.moved
    error = (moved**2).sum(1).reshape(mean.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(error > 0, variance * total**2 / error, np.inf)


def _by_design(
    answers: Answers, recode: Recode, mean: np.ndarray, total: np.ndarray, variance: np.ndarray
) -> np.ndarray:
    """Effective answers of each cell by the linearised variance within strata.

    Few sampling units tell the variance roughly: the number is reduced by the squared ratio of the
    normal to Student's quantile (Korn and Graubard 1998, Survey Methodology 24(2)).
    """
    design = answers.clusters.design
    assert design is not None
    error = (residuals(answers, recode, mean) ** 2).sum(0).reshape(mean.shape)
    rough = normal_quantile(LEVEL) / student_quantile(design.degrees_of_freedom, LEVEL)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(error > 0, variance * total**2 / error * rough**2, np.inf)


def residuals(answers: Answers, recode: Recode, mean: np.ndarray) -> np.ndarray:
    """What each cluster adds to each mean's deviation: weighted sums, (clusters, cells).

    With a sampling design, deviations of sampling units within strata, of all of the design.
    """
    rest = answers.weight[:, None] * (recode(answers.x) - mean[answers.group])
    if (design := answers.clusters.design) is None:
        return answers.unit_sums(rest)
    return design.deviations(answers.unit_sums(rest, answers.clusters.keys))


def resampled_sums(answers: Answers, recode: Recode) -> tuple[np.ndarray, np.ndarray]:
    """Weighted sums of recoded answers and of weights in each resample of the clusters.

    Both are (draws, groups * items); the same clusters are resampled for all cells and for every
    other estimate of one seed. Only where that is very much work, resamples of independent answers
    are drawn as counts: the same law, but not the same clusters.
    """
    draws, seed = answers.sample.draws, answers.sample.seed
    alone = len(answers.items) == 1 and not answers.weighted and not answers.repeated
    alone = alone and answers.clusters.design is None
    if alone and draws * min(len(answers.x), MAX_CLUSTERS) > MOST_DRAWN:
        return _from_counts(answers, recode, draws, seed)
    y, w = recode(answers.x), answers.weight[:, None]
    clusters, unit, _ = answers.clusters.grouped()
    both = [answers.unit_sums(w * y, unit), answers.unit_sums(w * np.ones_like(y), unit)]
    sums = resample_sums(np.concatenate(both, axis=1), draws, seed, clusters)
    tops, bottoms = np.split(sums, 2, axis=1)
    return tops, bottoms


def _from_counts(
    answers: Answers, recode: Recode, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The same law as resampling rows: how often each answer comes up is multinomial."""
    tally = answers.tallies[0]
    values, value = np.unique(recode(tally.values), return_inverse=True)
    counts = tally.rows @ np.eye(len(values))[value]
    chance, n = counts.ravel() / counts.sum(), int(counts.sum())
    rng, left, drawn = np.random.default_rng(seed), n, np.zeros((len(chance), draws))
    for kind, rest in enumerate(np.cumsum(chance[::-1])[::-1]):
        # a binomial of what is left, draws together: half the time of `rng.multinomial`
        if chance[kind] > 0:
            drawn[kind] = rng.binomial(left, min(chance[kind] / rest, 1.0), draws)
            left = left - drawn[kind].astype(int)
    drawn = drawn.reshape(*counts.shape, draws)
    return (values @ drawn).T, drawn.sum(1).T


def ratio(tops: np.ndarray, bottoms: np.ndarray) -> np.ndarray:
    """Means from sums of answers and of weights, NaN where there is no answer."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(bottoms > 0, tops / bottoms, np.nan)


def expand(replicates: np.ndarray, estimate: np.ndarray, effective: np.ndarray) -> np.ndarray:
    """Resamples of few answers spread too little: each cell's are moved out by its own factor."""
    reach = np.array([normal_quantile(expanded_level(n)) for n in np.ravel(effective)])
    return estimate + reach / normal_quantile(LEVEL) * (replicates - estimate)


def bootstrap_interval(
    answers: Answers,
    recode: Recode,
    cells: GroupMeans,
    bounds: tuple[Any, ...],
    sums: tuple[np.ndarray, np.ndarray] | None = None,
) -> tuple[Bounds, Bounds, np.ndarray]:
    """Bootstrap intervals of every cell: (its own, the simultaneous ones, replicates).

    `sums` are those of `resampled_sums`, where they are known already.
    `replicates` (draws, cells) are moved out for few answers; NaN for cells without an interval.
    """
    replicates = ratio(*(sums or resampled_sums(answers, recode)))
    flat = cells.mean.ravel()
    # A cell of one answer, or of answers all alike, shows no spread and has no interval.
    varies = (np.abs(replicates - flat) > 1e-9).any(0)
    known = (cells.n.ravel() > 1) & varies
    ends = np.full((4, len(flat)), np.nan)
    if known.any():
        moved = expand(replicates[:, known], flat[known], cells.effective.ravel()[known])
        ends[:2, known] = percentile_interval(moved)
        ends[2:, known] = simultaneous_interval(flat[known], moved)
        replicates[:, known] = moved
    replicates[:, ~known] = np.nan
    own_low, own_high, low, high = ends.reshape(4, *cells.mean.shape)
    least, most = bounds
    own = np.maximum(own_low, least), np.minimum(own_high, most)
    return own, (np.maximum(low, least), np.minimum(high, most)), replicates
