"""A mixture fitted again to resamples, its classes in the order of the fit; what judges a fit.

The classes of a refit are put in the order of the fit by whom they share (Munkres 1957), so that
draw by draw the same class is spoken of.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from cxlib.stats import mixture_em, resampling
from cxlib.stats.mixture_em import Sheet

REFITS = 200  # draws, at most, in which a mixture is fitted again
NEAR = 0.05  # gain in log-likelihood below which a refit is near enough to the top


def refits(sheet: Sheet, w: np.ndarray, sums: np.ndarray, draws: int, seed: int) -> np.ndarray:
    """The model fitted again to samples of the rows, classes in order: (draws, k, 1 + q).

    Each begins at the fit, so that it needs few steps. `w` is (n,).
    """
    return np.concatenate([refit(sheet, w, sums, c) for c in _in_parts(len(w), draws, seed)])


def refit(sheet: Sheet, w: np.ndarray, sums: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The model fitted to each draw, `times` (draws, n); classes in the order of `sums`."""
    drawn = by_pattern(times * w, sheet.pattern, len(sheet.weight))
    starts = np.repeat(sums[None], len(drawn), axis=0)
    return aligned(sheet, sums, mixture_em.maximise(sheet, starts, drawn, NEAR)[0])


def _in_parts(n: int, draws: int, seed: int) -> list[np.ndarray]:
    # All draws of a large study at once would fill the memory.
    counts = resampling.multiplicities(n, draws, seed)
    return np.array_split(counts, max(1, counts.size // 20_000_000))


def aligned(sheet: Sheet, sums: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The classes of `others` (draws, k, 1 + q) in the order of `sums`, by whom they share."""
    ours = (mixture_em.membership(sheet, sums) * sheet.weight).T
    parts = mixture_em.parts(sheet, others)
    shared = np.concatenate([mixture_em.membership(sheet, others[part]) @ ours for part in parts])
    order = np.array([linear_sum_assignment(-each.T)[1] for each in shared])
    return np.take_along_axis(others, order[:, :, None], axis=1)


def criteria(sheet: Sheet, found: mixture_em.Solution, n: float) -> dict[str, float]:
    """log-likelihood, parameters, BIC, ICL, entropy (1 is certain) and expected misplacement.

    Schwarz (1978); Biernacki, Celeux and Govaert (2000); Ramaswamy et al. (1993). `n` is the
    (effective) number of customers.
    """
    k = len(found.sums)
    inside = mixture_em.membership(sheet, found.sums)
    unsure = -(sheet.weight * inside * np.log(np.maximum(inside, 1e-300))).sum()
    total = sheet.weight.sum()
    bic = -2 * found.loglik + sheet.parameters(k) * np.log(n)
    return {
        "log-likelihood": found.loglik,
        "parameters": sheet.parameters(k),
        "BIC": bic,
        "ICL": bic + 2 * unsure,
        "entropy": 1 - unsure / (total * np.log(k)) if k > 1 else 1.0,
        "misplaced share": float(1 - sheet.weight @ inside.max(0) / total),
    }


def by_pattern(values: np.ndarray, pattern: np.ndarray, patterns: int) -> np.ndarray:
    """Sums over the rows of each pattern, draw by draw: (draws, patterns)."""
    if patterns == len(pattern):
        order = np.empty(patterns, int)
        order[pattern] = np.arange(patterns)
        return values[:, order].astype(float)
    at = pattern + patterns * np.arange(len(values))[:, None]
    summed = np.bincount(at.ravel(), np.ravel(values), minlength=len(values) * patterns)
    return summed.reshape(len(values), patterns)
