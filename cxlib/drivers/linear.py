"""Regressions from covariances: of the sample, of its draws, and what chance alone would do."""

from __future__ import annotations

import numpy as np

from cxlib.drivers.columns import Chosen
from cxlib.stats import linear_algebra, moments
from cxlib.stats.intervals import LEVEL
from cxlib.stats.moments import Moments

LEAST_VARIANCE = 1e-9  # of a column in a draw, in parts of its variance in the sample
MOST_MOVED = 0.1  # of a pairwise correlation; beyond that the answers contradict one another


def by_chance(r2: float, k: int, n: float) -> bool:
    """Whether unrelated drivers would reach this R² in 5 samples of 100 or more (F test)."""
    from scipy.special import fdtrc

    free = n - k - 1
    return free <= 0 or fdtrc(k, free, r2 / max(1 - r2, 1e-12) * free / k) >= 1 - LEVEL


def possible(sums: Moments) -> tuple[np.ndarray, float]:
    """Covariances of the sample, and how far pairwise ones had to be moved to be possible."""
    cov = sums.total().cov
    if not sums.pairwise:
        return cov, 0.0
    cov, moved = moments.possible(cov)
    if not moved <= MOST_MOVED:
        raise ValueError(
            f"pairwise correlations contradict one another (one would have to move by "
            f"{moved:.2f}; the limit is {MOST_MOVED}). Leave out drivers that few answer, or "
            "use missing='complete'."
        )
    return cov, float(moved)


def drawn(sums: Moments, chosen: Chosen, draws: int, seed: int) -> tuple[np.ndarray, int]:
    """Covariances of the draws, NaN where there is no solution, and how many were mended."""
    cov, mended = sums.resample(draws, seed).cov, 0
    # A constant column has a variance of rounding errors, which would pass for answers.
    least = LEAST_VARIANCE * np.diagonal(sums.total().cov)
    constant = np.diagonal(cov, axis1=-2, axis2=-1) < least
    if constant.any():
        cov = np.where(constant[:, :, None] | constant[:, None, :], 0.0, cov)
        single = [0, *(1 + p[0] for p in chosen.players if len(p) == 1)]
        cov = np.where(constant[:, single].any(-1)[:, None, None], np.nan, cov)
    if sums.pairwise:
        with np.errstate(invalid="ignore", divide="ignore"):
            cov, moved = moments.possible(cov)
        mended = int((moved > 0).sum())
    return cov, mended


def slopes(cov: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of the drivers, each with all others held (..., k), and their partial R².

    Partial R² is the share of what the others leave unexplained of the outcome that goes with a
    driver. NaN where a draw has no solution. A column without variance, such as a category that
    nobody of a draw belongs to, is left out of the regression and its own coefficient is NaN.
    """
    empty = np.diagonal(cov, axis1=-2, axis2=-1) == 0
    cov = cov + empty[..., None] * np.eye(cov.shape[-1]) if empty.any() else cov
    precision = linear_algebra.inverse(cov)
    own = np.diagonal(precision, axis1=-2, axis2=-1)
    coefficients = -precision[..., 0, 1:] / own[..., :1]
    partial = precision[..., 0, 1:] ** 2 / (own[..., :1] * own[..., 1:])
    gone = empty[..., 1:] | empty[..., :1]
    return np.where(gone, np.nan, coefficients), np.where(gone, np.nan, partial)
