"""Groups at one and the same mix: levels of attributes as columns of a regression.

x, used = columns(sample, ["region", "age_group"], groups)
level, plain, used = standardised(sample, y, place, 3, ["region"])   # means at the mix of all
gap, gaps = from_rest(level, *group_shares(sample, place, 3))        # each minus all others
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core.sample import Sample
from cxlib.stats import linear_algebra
from cxlib.stats.estimators import Replicated, least_squares, mean
from cxlib.stats.resampling import design

LEVELS = 10  # of an attribute that have a column of their own; the rest count as one
FEWEST = 10  # rows of a level, below which it counts with the rest
MOST = 40  # columns in all


def levels(values: pd.Series) -> pd.Series:
    """An attribute as few levels: the frequent ones, "" for the rest; thirds of numbers."""
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > LEVELS:
        values = pd.qcut(values, 3, labels=False, duplicates="drop")
    said = values.astype("string")
    counts = said.value_counts()
    kept = counts[counts >= FEWEST].index[:LEVELS]
    return said.where(said.isin(kept), "").fillna("")


def columns(
    sample: Sample, mix: Sequence[str], groups: np.ndarray
) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """Columns (rows, p) of the levels of the attributes, and (attribute, level) of each.

    The largest level of an attribute has none. A column that says what the groups (rows, g) and
    those before it say already is left out.
    """
    kept = [groups]
    named: list[tuple[str, str]] = []
    gram = groups.T @ groups
    for name in mix:
        found = levels(sample[name])
        for level in found.value_counts().index[1:]:
            column = (found == level).to_numpy(float)[:, None]
            cross = np.hstack(kept).T @ column
            wider = np.block([[gram, cross], [cross.T, column.T @ column]])
            if len(named) < MOST and bool(linear_algebra.solvable(wider, 1e-6)):
                kept, gram, named = [*kept, column], wider, [*named, (name, str(level))]
    return np.hstack([np.zeros((len(sample), 0)), *kept[1:]]), named


def standardised(
    sample: Sample, y: np.ndarray, place: np.ndarray, groups: int, mix: Sequence[str]
) -> tuple[Replicated, Replicated, list[str]]:
    """(adjusted means, means as they are) of the groups, and the attributes that were used."""
    cells = (place[:, None] == np.arange(groups)).astype(float)
    x, named = columns(sample, mix, cells)
    used = list(dict.fromkeys(name for name, _level in named))
    how: dict[str, Any] = {"weight": sample.weights, **design(sample)}
    plain = least_squares(cells, y, **how)[:, 0]
    if not used:
        return plain, plain, used
    fit = least_squares(np.hstack([cells, x]), y, **how)[:, 0]
    centre = mean(x, **how)  # of the same draws: at the mix of all groups together
    at = centre.estimate @ fit.estimate[groups:]
    again = np.einsum("dk,dk->d", centre.replicates, fit.replicates[:, groups:])
    level = Replicated(
        fit.estimate[:groups] + at, fit.replicates[:, :groups] + again[:, None], fit.units
    )
    return level, plain, used


def group_shares(sample: Sample, place: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Share of the rows that each group has, with replicates."""
    found = mean(place[:, None] == np.arange(groups), sample.weights, **design(sample))
    return found.estimate, found.replicates


def from_rest(
    level: Replicated, share: np.ndarray, again: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Each group minus all others, these by their shares of rows."""

    def gap(value: np.ndarray, part: np.ndarray) -> np.ndarray:
        total = np.nansum(value * part, axis=-1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            return value - (total - value * part) / (1 - part)

    return gap(level.estimate, share), gap(level.replicates, again)
