"""Agreement of coders: Krippendorff's alpha. Own code: the package that has it is GPL-3."""

from __future__ import annotations

import numpy as np


def krippendorff_alpha(
    counts: np.ndarray, times: np.ndarray, values: np.ndarray, level: str
) -> np.ndarray:
    """Krippendorff's alpha of each draw; 1 is full agreement, 0 what chance gives.

    Parameters
    ----------
    counts : how many coders gave each unit each code, (units, codes); two or more a unit
    times : how often each unit counts, (draws, units)
    values : the codes in order, (codes,)
    level : "nominal", "ordinal" or "interval"

    Returns
    -------
    (draws,); NaN where a draw holds one code only.

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's Alpha-Reliability.

    Examples
    --------
    >>> counts = np.array([[2.0, 0.0], [0.0, 2.0]])
    >>> krippendorff_alpha(counts, np.ones((1, 2)), np.array([0, 1]), "nominal").tolist()
    [1.0]
    """
    coders = counts.sum(1)
    pairs = counts[:, :, None] * counts[:, None, :]
    diagonal = np.arange(counts.shape[1])
    pairs[:, diagonal, diagonal] -= counts
    pairs /= (coders - 1)[:, None, None]
    coincidence = np.tensordot(np.asarray(times, float), pairs, axes=1)
    totals = coincidence.sum(2)
    n = totals.sum(1)
    apart = _apart(totals, values, level)
    observed = (coincidence * apart).sum((1, 2))
    expected = (totals[:, :, None] * totals[:, None, :] * apart).sum((1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 0, 1 - (n - 1) * observed / expected, np.nan)


def _apart(totals: np.ndarray, values: np.ndarray, level: str) -> np.ndarray:
    """Squared distance of each pair of codes: (draws or 1, codes, codes)."""
    if level == "nominal":
        return (1.0 - np.eye(len(values)))[None]
    # An ordinal code lies in the middle of those that share it, so ranks are midranks.
    at = values.astype(float) if level == "interval" else totals.cumsum(1) - totals / 2
    at = np.atleast_2d(at)
    return (at[:, :, None] - at[:, None, :]) ** 2
