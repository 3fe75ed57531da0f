"""Mean of every unit with the mix of its customers removed, and the covariance of these means.

Units are small, and five answers say little about how much answers vary. The variance of an answer
is therefore that of its unit together with `PRIOR` answers that vary as all do, and the design
effect of customers who answer more than once is that of all units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse

from cxlib.scores.answers import Answers
from cxlib.scores.measures import Measure

MOST_VALUES = 12  # of a number that counts as groups
PRIOR = 30  # answers with the variance within all units, added to those of each


@dataclass(frozen=True)
class UnitMeans:
    """Of k units, in the unit of the measure.

    Attributes
    ----------
    names : of the units
    n : answers
    share : of each unit in the sum of weights
    plain : mean as observed
    mean : mean with the mix removed; as observed where there is none to remove
    covariance : of `mean`, (k, k)
    """

    names: list[Any]
    n: np.ndarray
    share: np.ndarray
    plain: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray


def unit_means(answers: Answers, measure: Measure, mix: Sequence[str] = ()) -> UnitMeans:
    """Means of the groups of `answers`, as if each had the mix of all.

    Parameters
    ----------
    answers : to one item, by unit
    measure : what is counted
    mix : columns of the rows. A mean is moved by the differences of its unit's mix from that of
        all, times what they are associated with within units (analysis of covariance)
    """
    y = measure.factor * measure.recode(answers.x[:, 0])
    given = ~np.isnan(y)
    y, w, group, unit = y[given], answers.weight[given], answers.group[given], answers.unit[given]
    n = np.bincount(group, minlength=len(answers.groups))
    there = n > 0
    group = (np.cumsum(there) - 1)[group]
    rows = answers.sample.data.iloc[
        answers.keep if isinstance(answers.keep, slice) else np.flatnonzero(answers.keep)
    ][given]
    x = _design(rows, mix)
    total = np.bincount(group, w)
    plain = np.bincount(group, w * y) / total
    centre = np.stack([np.bincount(group, w * c) / total for c in x.T], 1) if x.size else x[:0]
    centre = centre.reshape(len(total), x.shape[1])
    within, rest = x - centre[group], y - plain[group]
    bread = np.linalg.pinv((within * w[:, None]).T @ within)
    slope = bread @ (within.T @ (w * rest))
    away = centre - (w @ x) / w.sum()
    rest = rest - within @ slope
    own = sparse.csr_matrix((w / total[group], (np.arange(len(y)), group)))
    common = w[:, None] * (within @ bread)
    spread = np.sqrt(_variances(rest, w, group, x.shape[1]))
    names = [g for g, known in zip(answers.groups, there, strict=True) if known]
    return UnitMeans(
        names,
        n[there],
        total / total.sum(),
        plain,
        plain - away @ slope,
        _covariance(own, common, away, rest, spread[group], unit),
    )


def _design(rows: pd.DataFrame, mix: Sequence[str]) -> np.ndarray:
    """The mix as columns: dummies of groups (those without a value are one), other numbers."""
    parts = []
    for column in mix:
        values = rows[column]
        if pd.api.types.is_numeric_dtype(values) and values.nunique() > MOST_VALUES:
            numbers = values.to_numpy(float, na_value=np.nan)
            parts += [np.nan_to_num(numbers, nan=np.nanmean(numbers))[:, None]]
            values = values.isna()
        parts.append(pd.get_dummies(values.astype("string").fillna("")).to_numpy(float)[:, 1:])
    return np.concatenate(parts, axis=1) if parts else np.empty((len(rows), 0))


def _variances(rest: np.ndarray, w: np.ndarray, group: np.ndarray, slopes: int) -> np.ndarray:
    """Variance of an answer within each unit, moved towards that within all, (k,)."""
    n, total = np.bincount(group), np.bincount(group, w)
    own = np.bincount(group, w * rest**2) / total * n  # sums of squares
    free = np.maximum(n - 1, 0)
    pooled = own.sum() / max(len(rest) - len(n) - slopes, 1)
    return (PRIOR * pooled + own) / (PRIOR + free)


def _covariance(
    own: sparse.csr_matrix,
    common: np.ndarray,
    away: np.ndarray,
    rest: np.ndarray,
    spread: np.ndarray,
    unit: np.ndarray,
) -> np.ndarray:
    """Covariance of the means: the weights that each row has in them, times its residual.

    A row has weight `own` in the mean of its unit and `common` in the slopes, whose errors enter
    by how far `away` the unit's mix is.
    """
    n = len(rest)
    expected = sparse.diags(spread)
    rows = _cross(expected @ own, expected @ common, away)
    if unit.max(initial=-1) + 1 == n:
        return rows
    grouped = sparse.csr_matrix((rest, (unit, np.arange(n))))
    clustered = _cross(grouped @ own, grouped @ common, away)
    alone = sparse.diags(rest)
    single = _cross(alone @ own, alone @ common, away)
    size = rows.diagonal()  # so that small units do not decide
    effect = max((clustered.diagonal() / size).sum() / (single.diagonal() / size).sum(), 1.0)
    error = np.sqrt(effect * size)
    observed = np.sqrt(np.maximum(clustered.diagonal(), 1e-300))
    correlation = clustered / np.outer(observed, observed)
    np.fill_diagonal(correlation, 1)
    return correlation * np.outer(error, error)


def _cross(own: sparse.csr_matrix, common: np.ndarray, away: np.ndarray) -> np.ndarray:
    """Cross products of the rows of own - common @ away.T, without writing them out."""
    both = (own.T @ common) @ away.T
    return np.asarray((own.T @ own).todense()) - both - both.T + away @ (common.T @ common) @ away.T
