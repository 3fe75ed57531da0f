"""Groups at one and the same mix: levels of attributes as columns of a regression.

x, used = columns(sample, ["region", "age_group"], groups)
level, plain, used = standardised(sample, y, place, 3, ["region"])   # means at the mix of all
time = periods(sample)               # the wave, else the month (quarter, year) of each row
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
MOST = 40  # columns in all, without those of time
PERIODS = 32  # at most: quarters where months are more, then years
DAYS = ("answered_on", "opened_at", "at")  # columns of the day of a row


def levels(values: pd.Series) -> pd.Series:
    """An attribute as few levels: the frequent ones, "" for the rest; thirds of numbers."""
    if pd.api.types.is_numeric_dtype(values) and values.nunique() > LEVELS:
        values = pd.qcut(values, 3, labels=False, duplicates="drop")
    said = values.astype("string")
    counts = said.value_counts()
    kept = counts[counts >= FEWEST].index[:LEVELS]
    return said.where(said.isin(kept), "").fillna("")


def periods(sample: Sample) -> tuple[str, pd.Series]:
    """What time the rows are of, and its name: "wave", "month", "quarter", "year" or "" (unknown).

    Months are taken where they are 32 or fewer, else quarters, else years. A period of fewer than
    10 rows counts with the one before it, the first with the one after it.

    Examples
    --------
    >>> days = pd.to_datetime(["2026-01-05"] * 12 + ["2026-02-05"] * 12 + ["2026-03-01"])
    >>> name, time = periods(Sample(pd.DataFrame({"opened_at": days})))
    >>> name, sorted(set(time))
    ('month', ['2026-01', '2026-02'])
    """
    if "wave" in sample and sample["wave"].nunique() > 1:
        return "wave", sample["wave"].astype("string").fillna("")
    day = next((c for c in DAYS if c in sample and sample[c].notna().any()), None)
    if day is None or not pd.api.types.is_datetime64_any_dtype(sample[day]):
        return "", pd.Series("", sample.data.index, dtype="string")
    kinds = {"month": "M", "quarter": "Q", "year": "Y"}
    found = {name: sample[day].dt.tz_localize(None).dt.to_period(f) for name, f in kinds.items()}
    name = next((k for k, time in found.items() if time.nunique() <= PERIODS), "year")
    counts = found[name].value_counts().sort_index()
    large = counts.index[counts >= FEWEST]
    at = np.maximum(large.searchsorted(counts.index, side="right") - 1, 0)
    joined = large[at].astype(str) if len(large) else [""] * len(counts)
    return name, found[name].map(dict(zip(counts.index, joined, strict=True))).astype("string")


def compared_in_time(time: pd.Series, place: np.ndarray) -> np.ndarray:
    """Which rows are of groups that can be told from time: they share periods, or others link them.

    Groups and periods are linked where a group has rows in a period; of several parts that nothing
    links, the one of most rows is kept.

    Examples
    --------
    >>> compared_in_time(pd.Series(["1", "1", "2", "3"]), np.array([0, 1, 0, 2])).tolist()
    [True, True, True, False]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    codes = pd.factorize(time.fillna(""))[0] + place.max(initial=0) + 1
    many = int(codes.max(initial=0)) + 1
    links = coo_array((np.ones(len(place)), (place, codes)), shape=(many, many))
    part = connected_components(links, directed=False)[1][place]
    return part == np.bincount(part).argmax() if len(part) else np.ones(0, bool)


def columns(
    sample: Sample, mix: Sequence[str], groups: np.ndarray, time: pd.Series | None = None
) -> tuple[np.ndarray, list[tuple[str, str]]]:
    """Columns (rows, p) of the levels of the attributes, and (attribute, level) of each.

    The largest level of an attribute has none. A column that says what the groups (rows, g) and
    those before it say already is left out. Of `time` every period but the largest has a column.
    """
    kept = [groups]
    named: list[tuple[str, str]] = []
    gram = groups.T @ groups
    found = {} if time is None else {"": time.fillna("")}
    most = MOST + (0 if time is None else time.nunique())
    for name, each in {**found, **{name: levels(sample[name]) for name in mix}}.items():
        for level in each.value_counts().index[1:]:
            column = (each == level).to_numpy(float)[:, None]
            cross = np.hstack(kept).T @ column
            wider = np.block([[gram, cross], [cross.T, column.T @ column]])
            if len(named) < most and bool(linear_algebra.solvable(wider, 1e-6)):
                kept, gram, named = [*kept, column], wider, [*named, (name, str(level))]
    return np.hstack([np.zeros((len(sample), 0)), *kept[1:]]), named


def standardised(
    sample: Sample,
    y: np.ndarray,
    place: np.ndarray,
    groups: int,
    mix: Sequence[str],
    time: pd.Series | None = None,
) -> tuple[Replicated, Replicated, list[str]]:
    """(adjusted means, means as they are) of the groups, and the attributes that were used.

    The name of `time` among those used is "".
    """
    cells = (place[:, None] == np.arange(groups)).astype(float)
    x, named = columns(sample, mix, cells, time)
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
