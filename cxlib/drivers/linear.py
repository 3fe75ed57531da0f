"""Regressions from covariances: of the sample and of its resamples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cxlib.drivers.specification import Specification
from cxlib.stats import linear_algebra, moments
from cxlib.stats.intervals import LEVEL
from cxlib.stats.moments import Moments

LEAST_VARIANCE = 1e-9  # of a column in a resample, in parts of its variance in the sample
ROUNDING = 1e-13  # of a variance that is a difference of others, in parts of the outcome's
MOST_MOVED = 0.1  # of a pairwise correlation; beyond that the answers contradict one another


@dataclass(frozen=True, eq=False)
class Covariances:
    """Covariances of the outcome (first) and the columns, that a regression can be made of.

    Attributes
    ----------
    estimate : of the sample, (p, p); of what the covariates leave unexplained, where there are any
    replicates : of the resamples, (draws, p, p); NaN where one has no solution
    moved : how far pairwise correlations of the sample had to be moved to be possible
    repaired : resamples in which some had to be moved
    """

    estimate: np.ndarray
    replicates: np.ndarray
    moved: float
    repaired: int


def covariances(spec: Specification, sums: Moments) -> Covariances:
    """Covariances of the sample and its resamples; ValueError for contradicting pairwise ones."""
    total = sums.total()
    estimate, moved, repaired = total.cov, 0.0, 0
    if sums.pairwise:
        estimate, change = moments.possible(estimate)
        if not (moved := float(change)) <= MOST_MOVED:
            raise ValueError(
                f"pairwise correlations contradict one another (one would have to move by "
                f"{moved:.2f}; the limit is {MOST_MOVED}). Leave out drivers that few answer, or "
                "use missing='complete'."
            )
    cov = sums.resample(spec.sample.draws, spec.sample.seed).cov
    # A constant column has a variance of rounding errors, which would pass for answers.
    least = LEAST_VARIANCE * np.diagonal(total.cov)
    constant: np.ndarray = np.less(np.diagonal(cov, axis1=-2, axis2=-1), least)
    if constant.any():
        cov = np.where(constant[:, :, None] | constant[:, None, :], 0.0, cov)
        single = [0, *(1 + p[0] for p in spec.players if len(p) == 1)]
        cov = np.where(np.expand_dims(constant[:, single].any(-1), (1, 2)), np.nan, cov)
    if sums.pairwise:
        with np.errstate(invalid="ignore", divide="ignore"):
            cov, change = moments.possible(cov)
        repaired = int((change > 0).sum())
    if spec.covariates:
        kept = 1 + len(spec.columns)
        estimate, cov = given_the_last(estimate, kept), given_the_last(cov, kept)
    return Covariances(estimate, cov, moved, repaired)


def given_the_last(cov: np.ndarray, kept: int) -> np.ndarray:
    """Covariances of the first `kept` columns of (..., p, p) given all others.

    Covariates without variance in a resample, such as a category that nobody belongs to, explain
    nothing of it.

    Examples
    --------
    >>> given_the_last(np.array([[1.0, 0.6], [0.6, 1.0]]), 1).round(2).tolist()
    [[0.64]]
    """
    inside = cov[..., kept:, kept:]
    empty = np.diagonal(inside, axis1=-2, axis2=-1) == 0
    inside = inside + empty[..., None] * np.eye(inside.shape[-1])
    across = cov[..., kept:, :kept]
    explained = np.swapaxes(across, -1, -2) @ linear_algebra.solve(inside, across)
    rest = cov[..., :kept, :kept] - explained
    # What covariates explain altogether is left with rounding errors, which are no variance.
    whole = np.diagonal(cov[..., :kept, :kept], axis1=-2, axis2=-1)
    gone = np.diagonal(rest, axis1=-2, axis2=-1) < LEAST_VARIANCE * whole
    return np.where(gone[..., :, None] | gone[..., None, :], 0.0, rest)


def slopes(cov: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of the drivers, each with all others held (..., k), and their partial R².

    Partial R² is the share of what the others leave unexplained of the outcome that a driver
    explains: of a perfect fit 1, and NaN for a driver that adds nothing to it. NaN where a draw has
    no solution. A column without variance, such as a category that nobody of a draw belongs to, is
    left out of the regression and its own coefficient is NaN.
    """
    coefficients, gain, rest = solution(cov)
    with np.errstate(invalid="ignore"):
        return coefficients, gain / (gain + rest)


def solution(cov: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Coefficients as `slopes`, and variances of the outcome: each driver's gain, what is left.

    The gain (..., k) is what the driver explains beyond all others; what is left is (..., 1).
    """
    empty = np.diagonal(cov, axis1=-2, axis2=-1) == 0
    cov = cov + empty[..., None] * np.eye(cov.shape[-1]) if empty.any() else cov
    # Of the drivers alone: with the outcome, covariances of a perfect fit have no inverse.
    precision = linear_algebra.inverse(cov[..., 1:, 1:])
    across, whole = cov[..., 1:, 0], cov[..., :1, 0]
    coefficients = (precision @ across[..., None])[..., 0]
    gain = coefficients**2 / np.diagonal(precision, axis1=-2, axis2=-1)
    rest = whole - (coefficients * across).sum(-1, keepdims=True)
    least = ROUNDING * whole  # what is less is no variance
    gain, rest = (np.where(of < least, 0.0, of) for of in (gain, rest))
    gone = empty[..., 1:] | empty[..., :1]
    return np.where(gone, np.nan, coefficients), np.where(gone, np.nan, gain), rest


def is_insignificant(r2: float, k: int, n: float) -> bool:
    """Whether unrelated drivers would reach this R² in 5 samples of 100 or more (F test)."""
    from scipy.special import fdtrc

    free = n - k - 1
    return bool(free <= 0 or fdtrc(k, free, r2 / max(1 - r2, 1e-12) * free / k) >= 1 - LEVEL)
