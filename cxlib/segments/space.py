"""Customers as points: every feature counts the same, whatever its unit and number of levels.

A number is standardised, and what lies beyond three deviations counts as three, because k-means
would give one very large customer a segment of its own. A category becomes one column a level,
scaled so that all its columns together vary as much as one number does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib import page

MOST_LEVELS = 40
FARTHEST = 3.0  # deviations
FLAG = ("no", "yes")
UNKNOWN = "not known"


@dataclass(frozen=True)
class Axis:
    """One feature as columns: a number (no levels), or a column a level.

    `middle` is the median; `centre` and `scale` are (1,) for numbers and (levels,) for categories.
    """

    name: str
    levels: tuple[str, ...]
    middle: float
    centre: np.ndarray
    scale: np.ndarray


def axes_of(customers: pd.DataFrame, features: list[str], w: np.ndarray) -> list[Axis]:
    """How each feature is to be read, learnt from these customers."""
    return [_axis(customers[name], w) for name in features]


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
    codes, found = pd.factorize(values)
    texts = np.array([*(_text(v, values) for v in found), UNKNOWN], object)
    place = pd.Index(axis.levels).get_indexer(texts)[codes]
    return (place[:, None] == np.arange(len(axis.levels))).astype(float)


def terms_of(axes: list[Axis]) -> list[str]:
    """What a reader calls each column."""
    return [
        page.label(axis.name)
        if not axis.levels
        else page.say(
            "{feature}: {value}", feature=page.label(axis.name), value=wording(axis, level)
        )
        for axis in axes
        for level in (axis.levels or ("",))
    ]


def wording(axis: Axis, level: str) -> str:
    """What a reader calls a level: the study's label, or plain yes and no for flags."""
    if level == UNKNOWN:
        return page.say("not known")
    if set(axis.levels) <= {*FLAG, UNKNOWN}:
        return page.say("yes") if level == FLAG[1] else page.say("no")
    return page.label(level)


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


def _axis(values: pd.Series, w: np.ndarray) -> Axis:
    name = str(values.name)
    if not is_category(values):
        x = _numbers(values)
        middle = float(np.nanmedian(x))
        x = np.where(np.isnan(x), middle, x)
        mean = np.average(x, weights=w)
        spread = np.sqrt(np.average((x - mean) ** 2, weights=w))
        return Axis(name, (), middle, np.array([mean]), np.array([spread]))
    codes, found = pd.factorize(values, sort=False)
    texts = np.array([*(_text(v, values) for v in found), UNKNOWN], object)[codes]
    levels = tuple(pd.Series(texts).value_counts().index)
    share = np.array([np.average(texts == level, weights=w) for level in levels])
    together = np.sqrt((share * (1 - share)).sum())
    return Axis(name, levels, 0.0, share, np.full(len(levels), together))


def _numbers(values: pd.Series) -> np.ndarray:
    x = pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)
    return np.where(np.isfinite(x), x, np.nan)


def _text(value: object, values: pd.Series) -> str:
    if pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values):
        return FLAG[int(value > 0)]
    return str(value)
