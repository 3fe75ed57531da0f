"""Customers as points: every feature counts the same, whatever its unit and number of levels.

A number is standardised, and what lies beyond three deviations counts as three, because k-means
would give one very large customer a segment of its own. A category becomes one column a level,
scaled so that all its columns together vary as much as one number does.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _

MOST_LEVELS = 40
MOST_STEPS = 7
FARTHEST = 3.0  # deviations
FLAG = ("no", "yes")
UNKNOWN = "not known"


@dataclass(frozen=True)
class Axis:
    """One feature as columns: a number (no levels), or a column a level.

    `middle` is the median; `centre` and `scale` are (1,) for numbers and (levels,) for categories.
    `scores` are those of the levels or steps of an ordinal answer.
    """

    name: str
    levels: tuple[str, ...]
    middle: float
    centre: np.ndarray
    scale: np.ndarray
    steps: tuple[float, ...] = ()  # of a number that latent classes read by its levels
    scores: tuple[float, ...] = ()


def axes_of(
    customers: pd.DataFrame, features: list[str], w: np.ndarray, *, skip: bool = False
) -> list[Axis]:
    """How each feature is to be read, learnt from these customers.

    With `skip`, gaps stay gaps (they are no level of their own), and a number of MOST_STEPS whole
    values or fewer, such as an answer from 1 to 5, has `steps`.
    """
    return [_axis(customers[name], w, skip) for name in features]


def in_order(axis: Axis, values: pd.Series) -> Axis:
    """The feature as an ordinal answer: a number by its values, a category by its order."""
    if not axis.levels:
        x = _numbers(values)
        steps = tuple(np.unique(x[~np.isnan(x)]).tolist())
        return replace(axis, steps=steps, scores=steps)
    known = [_text(v, values) for v in sorted(values.dropna().unique())]
    if isinstance(values.dtype, pd.CategoricalDtype):
        known = [str(v) for v in values.cat.categories if str(v) in axis.levels]
    at = [axis.levels.index(level) for level in known]
    return replace(
        axis,
        levels=tuple(known),
        centre=axis.centre[at],
        scale=axis.scale[at],
        scores=tuple(map(float, range(len(at)))),
    )


def points_of(axes: list[Axis], customers: pd.DataFrame) -> np.ndarray:
    """The customers as points, (n, columns). A level never met before is no level at all."""
    columns = []
    for axis in axes:
        z = (values_of(axis, customers[axis.name]) - axis.centre) / axis.scale
        columns.append(z if axis.levels else np.clip(z, -FARTHEST, FARTHEST))
    return np.hstack(columns)


def values_of(axis: Axis, values: pd.Series) -> np.ndarray:
    """The feature in its own unit (n, 1), or whether it is each of its levels (n, levels)."""
    if not axis.levels:
        x = _numbers(values)
        return np.where(np.isnan(x), axis.middle, x)[:, None]
    codes, texts = _levels(values)
    place = pd.Index(axis.levels).get_indexer(texts)[codes]
    return (place[:, None] == np.arange(len(axis.levels))).astype(float)


def answers_of(axes: list[Axis], customers: pd.DataFrame) -> list[tuple[np.ndarray, int]]:
    """Each feature as latent classes read it: (values, number of levels; 0 for a number).

    Levels count from 0, -1 where missing or never met before; numbers are standardised, and NaN
    where missing.
    """
    found = []
    for axis in axes:
        values = customers[axis.name]
        if axis.levels:
            codes, texts = _levels(values)
            found.append((pd.Index(axis.levels).get_indexer(texts)[codes], len(axis.levels)))
        elif axis.steps:
            codes = pd.Index(axis.steps).get_indexer(_numbers(values))
            found.append((codes, len(axis.steps)))
        else:
            z = (_numbers(values) - axis.centre) / axis.scale
            found.append((np.clip(z, -FARTHEST, FARTHEST), 0))
    return found


def terms_of(axes: list[Axis]) -> list[str]:
    """What a reader calls each column."""
    return [
        i18n.label(axis.name)
        if not axis.levels
        else _("{feature:label}: {value}", feature=axis.name, value=wording(axis, level))
        for axis in axes
        for level in (axis.levels or ("",))
    ]


def wording(axis: Axis, level: str) -> str:
    """What a reader calls a level: the study's label, or plain yes and no for flags."""
    if level == UNKNOWN:
        return _("not known")
    if set(axis.levels) <= {*FLAG, UNKNOWN}:
        return _("yes") if level == FLAG[1] else _("no")
    return i18n.label(level)


def clipped(axes: list[Axis], customers: pd.DataFrame) -> int:
    """How many values lie farther out than FARTHEST deviations."""
    far = 0
    for axis in axes:
        if not axis.levels:
            z = (values_of(axis, customers[axis.name]) - axis.centre) / axis.scale
            far += int((np.abs(z) > FARTHEST).sum())
    return far


def is_category(values: pd.Series) -> bool:
    """Whether a column is read by its levels: text, or yes and no, or 0 and 1."""
    if not pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return True
    return bool(values.dropna().isin([0, 1]).all())


def _axis(values: pd.Series, w: np.ndarray, skip: bool) -> Axis:
    name = str(values.name)
    if not is_category(values):
        x = _numbers(values)
        middle = float(np.nanmedian(x))
        known = ~np.isnan(x)
        x, w = (x[known], w[known]) if skip else (np.where(known, x, middle), w)
        mean = np.average(x, weights=w)
        spread = np.sqrt(np.average((x - mean) ** 2, weights=w))
        steps = _steps(x) if skip else ()
        return Axis(name, (), middle, np.array([mean]), np.array([spread]), steps)
    codes, texts = _levels(values)
    texts = texts[codes]
    if skip:
        texts, w = texts[codes >= 0], w[codes >= 0]
    levels = tuple(pd.Series(texts).value_counts().index)
    share = np.array([np.average(texts == level, weights=w) for level in levels])
    together = np.sqrt((share * (1 - share)).sum())
    return Axis(name, levels, 0.0, share, np.full(len(levels), together))


def _steps(x: np.ndarray) -> tuple[float, ...]:
    different = np.unique(x)
    whole = len(different) <= MOST_STEPS and np.array_equal(different, np.rint(different))
    return tuple(different.tolist()) if whole else ()


def _numbers(values: pd.Series) -> np.ndarray:
    x = pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)
    return np.where(np.isfinite(x), x, np.nan)


def _levels(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """(place of each row's level, levels), the last level for gaps, whose place is -1."""
    codes, found = pd.factorize(values)
    return codes, np.array([*(_text(v, values) for v in found), UNKNOWN], object)


def _text(value: Any, values: pd.Series) -> str:
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return FLAG[int(value > 0)]
    return str(value)
