"""p-values of several tests, adjusted for how many there are (statsmodels)."""

from __future__ import annotations

from typing import Literal

import numpy as np

METHODS = {"holm": "holm", "benjamini-hochberg": "fdr_bh", "benjamini-yekutieli": "fdr_by"}
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
    from statsmodels.stats.multitest import multipletests

    p = np.asarray(p, float)
    if not p.size:
        return p
    known = np.where(np.isnan(p), 1.0, p).reshape(-1, p.shape[-1])
    found = np.stack([multipletests(row, method=METHODS[method])[1] for row in known])
    return np.where(np.isnan(p), np.nan, found.reshape(p.shape))
