"""Margins: the population's shares of the categories of attributes, and which of them apply."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import require_columns
from cxlib.core.i18n import _
from cxlib.core.sample import SampleLike, as_sample

Margins = Mapping[str, Mapping[str, float]]
NEAR_INTEGERS = 1000  # whole numbers that lie this close are grouped without sorting


def applicable(sample: SampleLike, margins: Margins) -> Margins:
    """The margins that rows can meet: categories without rows left out, shares made to add up.

    Parameters
    ----------
    sample : rows with the attributes as columns
    margins : attribute -> category -> share of the population

    Returns
    -------
    attribute -> category -> share, without attributes of which fewer than two categories are left.

    Examples
    --------
    >>> rows = pd.DataFrame({"plan": ["a", "b"]})
    >>> applicable(rows, {"plan": {"a": 0.3, "b": 0.3, "c": 0.4}})
    {'plan': {'a': 0.5, 'b': 0.5}}
    """
    return usable_margins(as_sample(sample).data, margins)[0]


def usable_margins(rows: pd.DataFrame, margins: Margins) -> tuple[Margins, list[str]]:
    """The margins that rows can meet, and sentences on what was left out."""
    usable, omitted = {}, []
    for attribute, shares in margins.items():
        there = set(_places(rows[attribute])[1]) if attribute in rows else set()
        left = {c: s for c, s in shares.items() if str(c) in there}
        if len(left) < 2 or not sum(left.values()) > 0:
            omitted.append(
                _(
                    "Not weighted by {attribute:label}: these rows do not differ in it.",
                    attribute=attribute,
                )
            )
            continue
        if gone := [i18n.label(str(c)) for c in shares if c not in left]:
            omitted.append(
                _(
                    "Weighted by {attribute:label} without {gone:list}: no rows there.",
                    attribute=attribute,
                    gone=gone,
                )
            )
        usable[attribute] = {c: s / sum(left.values()) for c, s in left.items()}
    return usable, omitted


def categories_of(
    rows: pd.DataFrame, attribute: str, shares: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray]:
    """(which value each row has, which category of `shares` each value is).

    Raises ValueError for what no weights could meet.
    """
    where = f"margins.{attribute}"
    require_columns(rows, [attribute], f"{where}: the rows")
    if bad := {c: s for c, s in shares.items() if not s >= 0}:
        raise ValueError(f"{where}: the shares {bad} are not 0 or more.")
    if abs(sum(shares.values()) - 1) > 0.005:
        raise ValueError(f"{where}: the shares add up to {sum(shares.values()):.3f}, not 1.")
    values = rows[attribute]
    if values.dtype.kind not in "iu" and (lost := int(values.isna().sum())):
        raise ValueError(
            f"{where}: {lost:,} of {len(rows):,} rows have no {attribute}. Fill them, give them a "
            "category of their own with its share, or leave the attribute out of the margins."
        )
    names = [str(c) for c in shares]
    places, found = _places(values)
    category = np.array([names.index(v) if v in names else -1 for v in found.tolist()])
    if category.min() < 0 and (lost := category[places] < 0).any():
        unknown = values[lost].astype("str").value_counts()
        raise ValueError(
            f"{where}: {unknown.sum():,} of {len(rows):,} rows are in categories without a share "
            f"({', '.join(f'{c} {k:,}' for c, k in unknown.head(5).items())}). There are: "
            f"{', '.join(names)}. Add the shares, or recode the rows."
        )
    return places, category


def _places(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """(place of each value, the distinct values as text); whole numbers without sorting."""
    if values.dtype.kind in "iu" and isinstance(values.dtype, np.dtype):
        numbers = values.to_numpy()
        low = numbers.min()
        if numbers.max() - low < NEAR_INTEGERS:
            return numbers - low, np.arange(low, numbers.max() + 1).astype(str)
    places, found = pd.factorize(values)
    return places, np.asarray(found.astype("str"))
