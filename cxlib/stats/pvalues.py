"""p-values of several tests, adjusted for how many there are."""

from __future__ import annotations

from typing import Literal

import numpy as np

METHODS = {"benjamini-hochberg": "fdr_bh", "benjamini-yekutieli": "fdr_by"}
Method = Literal["holm", "benjamini-hochberg", "benjamini-yekutieli"]


def adjusted(p: np.ndarray, method: Method = "holm") -> np.ndarray:
    """p-values adjusted over the last axis.

    Parameters
    ----------
    p : (..., tests); NaN stays NaN and counts as a test
    method : "holm" holds the chance of any false finding (Holm 1979); "benjamini-hochberg" the
        expected share of false ones among the findings (Benjamini and Hochberg 1995), and
        "benjamini-yekutieli" the same however the tests depend on one another (2001)

    Returns
    -------
    Adjusted p-values in the same shape: a test whose adjusted p is at most q is a finding at q.

    Examples
    --------
    >>> adjusted(np.array([0.01, 0.04, np.nan])).round(2).tolist()
    [0.03, 0.08, nan]
    >>> adjusted(np.array([0.01, 0.02]), "benjamini-hochberg").tolist()
    [0.02, 0.02]
    """
    p = np.asarray(p, float)
    if not p.size:
        return p
    known = np.where(np.isnan(p), 1.0, p).reshape(-1, p.shape[-1])
    found = _holm(known) if method == "holm" else _by_statsmodels(known, METHODS[method])
    return np.where(np.isnan(p), np.nan, found.reshape(p.shape))


def _by_statsmodels(p: np.ndarray, method: str) -> np.ndarray:
    from statsmodels.stats.multitest import multipletests

    return np.stack([multipletests(row, method=method)[1] for row in p])


def _holm(p: np.ndarray) -> np.ndarray:
    """As statsmodels, which collects garbage at each call: 0.3 s where many objects are alive."""
    order = p.argsort(axis=-1)
    steps = np.take_along_axis(p, order, -1) * np.arange(p.shape[-1], 0, -1)
    found = np.empty_like(p)
    np.put_along_axis(found, order, np.maximum.accumulate(steps, -1).clip(max=1), -1)
    return found


def max_t(estimate: np.ndarray, replicates: np.ndarray) -> np.ndarray:
    """p-values of terms, adjusted for all of them by the largest deviation of each draw (max-t).

    Parameters
    ----------
    estimate : (terms,)
    replicates : (draws, terms); NaN where a draw gives none

    Returns
    -------
    (terms,): the chance that, were all of them 0, some term lay as many standard errors away. NaN
    for a term that does not vary or that no draw gives. The intervals that go with them are
    `intervals.simultaneous_interval`.

    References
    ----------
    Westfall and Young (1993), Resampling-Based Multiple Testing.

    Examples
    --------
    >>> draws = np.random.default_rng(1).normal(size=(999, 2)) + [0, 5]
    >>> max_t(np.array([0.0, 5.0]), draws).round(3).tolist()
    [1.0, 0.001]
    """
    deviations = np.asarray(replicates, float) - estimate
    error = np.full(len(estimate), np.nan)
    known = (~np.isnan(deviations)).sum(0) > 1
    error[known] = np.nanstd(deviations[:, known], axis=0, ddof=1)
    error[error < 1e-12] = np.nan
    varies = ~np.isnan(error)
    if not varies.any():
        return error
    ratio = np.abs(deviations[:, varies]) / error[varies]
    largest = np.nanmax(ratio[~np.isnan(ratio).all(1)], axis=1)
    beyond = (largest[:, None] >= np.abs(estimate) / error).sum(0)
    return np.where(varies, (1 + beyond) / (1 + len(largest)), np.nan)
