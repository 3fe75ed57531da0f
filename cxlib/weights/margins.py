"""Margins: the population's shares of the categories of attributes, and which of them apply."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.codes import counted, match, named
from cxlib.core.errors import require_columns
from cxlib.core.i18n import _, ngettext
from cxlib.core.sample import Sample, SampleLike, as_sample

Margins = Mapping[str, Mapping[str, float]]
NOT_STATED = "not stated"
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
    return usable_margins(as_sample(sample), margins)[0]


def usable_margins(sample: Sample, margins: Margins) -> tuple[Margins, list[str]]:
    """The margins that rows can meet, and sentences on what was left out."""
    usable, omitted, rows = {}, [], sample.data
    for attribute, shares in margins.items():
        if attribute not in rows:
            sentence = _("Not weighted by {attribute:label}: not on file.", attribute=attribute)
            omitted.append(sentence)
            continue
        values = rows[attribute].dropna()
        means = match(shares, values.unique())
        left = {c: s for c, s in shares.items() if means[c]}
        if not left and len(values):
            raise ValueError(
                f"margins.{attribute}: no row has {', '.join(map(repr, shares))}. {attribute} "
                f"holds: {counted(values)}. Correct the margins in study.yaml."
            )
        if values.nunique() < 2 or not sum(left.values()) > 0:
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
        if blank := sample.rows_of(rows[attribute].isna().to_numpy()):
            omitted.append(
                ngettext(
                    "{n:count} row has no {attribute:label}; weighting leaves its share as it is.",
                    "{n:count} rows have no {attribute:label}; weighting leaves their share as it "
                    "is.",
                    blank,
                    attribute=attribute,
                )
            )
        usable[attribute] = {c: s / sum(left.values()) for c, s in left.items()}
    return usable, omitted


def with_blanks(
    rows: pd.DataFrame, margins: Margins, weight: np.ndarray
) -> tuple[pd.DataFrame, Margins]:
    """Rows without a value as a category of their own, whose share stays what it is.

    Others are raked to the population's shares among those whose category is known.
    """
    filled, completed = {}, {attribute: dict(shares) for attribute, shares in margins.items()}
    for attribute, shares in margins.items():
        values = rows.get(attribute)
        if values is None or not (blank := values.isna().to_numpy()).any() or blank.all():
            continue
        share = float(weight[blank].sum() / weight.sum())
        filled[attribute] = named(values, shares).fillna(NOT_STATED)
        completed[attribute] = {str(c): s * (1 - share) for c, s in shares.items()}
        completed[attribute][NOT_STATED] = share
    return rows.assign(**filled), completed


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
    places, found = _places(values)
    means = match(shares, found.tolist())
    at = {value: k for k, same in enumerate(means.values()) for value in same}
    category = np.array([at.get(value, -1) for value in found.tolist()])
    if category.min() < 0 and (unknown := category[places] < 0).any():
        raise ValueError(
            f"{where}: {unknown.sum():,} of {len(rows):,} rows are in categories without a share "
            f"({counted(values[unknown])}). There are: {', '.join(map(str, shares))}. Add the "
            "shares, or recode the rows."
        )
    return places, category


def _places(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """(place of each value, the distinct values); whole numbers without sorting."""
    if values.dtype.kind in "iu" and isinstance(values.dtype, np.dtype):
        numbers = values.to_numpy()
        low = numbers.min()
        if numbers.max() - low < NEAR_INTEGERS:
            return numbers - low, np.arange(low, numbers.max() + 1)
    places, found = pd.factorize(values)
    return places, np.asarray(found, object)
