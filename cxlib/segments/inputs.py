"""Which customers and features segments can be made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
import pandas as pd

from cxlib.core.errors import InsufficientData, require_choice, require_columns
from cxlib.core.i18n import _, ngettext
from cxlib.segments.features import MOST_LEVELS, is_category

Model = Literal["k-means", "mixture", "classes"]
Missing = Literal["complete", "median", "skip"]
FEWEST = 30  # customers
MOST_ORDINAL = 21  # levels of an ordinal answer, as many as a scale from 0 to 20 has
MOSTLY = 0.8  # share of customers that must have a feature chosen for its numbers alone


def check_choices(model: str, missing: str) -> None:
    """ValueError for choices that there are not."""
    require_choice("model", model, get_args(Model))
    require_choice("missing", missing, get_args(Missing)[:2])


def numeric_features(customers: pd.DataFrame) -> list[str]:
    """Columns of numbers that tell customers apart: filled for 4 in 5, no ids, not who left."""
    numbers = customers.select_dtypes("number").drop(columns="left", errors="ignore")
    return [
        c
        for c in numbers
        if not str(c).endswith("id")
        and numbers[c].notna().mean() >= MOSTLY
        and numbers[c].nunique() > 1
    ]


def check_columns(customers: pd.DataFrame, features: list[str], model: str) -> None:
    """ValueError for features that are not there, or that the model cannot use."""
    if not features:
        raise InsufficientData(
            _(
                "no features: name the columns by which customers shall be alike "
                "(segments.features in study.yaml). There are: {columns}.",
                columns=", ".join(map(str, customers)),
            )
        )
    require_columns(customers, features, "customers")
    levels = [c for c in features if is_category(customers[c])]
    if model == "mixture" and levels:
        raise ValueError(
            f"{levels} are categories; a mixture is of numbers. Leave them out of features, or use "
            "model='classes', which takes both."
        )
    unfit = [
        c
        for c in features
        if pd.api.types.is_datetime64_any_dtype(customers[c])
        or (is_category(customers[c]) and customers[c].nunique() > MOST_LEVELS)
    ]
    if unfit:
        raise ValueError(
            f"{unfit} hold dates, or texts with more than {MOST_LEVELS} different values. Turn "
            "dates into days, group texts, or leave them out of features."
        )


def check_ordinal(
    customers: pd.DataFrame, features: list[str], model: str, ordinal: Sequence[str]
) -> None:
    """ValueError for ordinal features without an order, or of a model that does not use it."""
    if not ordinal:
        return
    if isinstance(ordinal, str):
        raise ValueError(f"ordinal={ordinal!r} is one name; write ordinal=[{ordinal!r}].")
    if model != "classes":
        raise ValueError(
            f"ordinal features are for latent classes; model={model!r} reads numbers as they are. "
            "Use model='classes', or leave out ordinal."
        )
    absent = [c for c in ordinal if c not in features]
    if absent:
        raise ValueError(f"{absent} are called ordinal and are no features. Name them in features.")
    for name in ordinal:
        values = customers[name]
        ordered = isinstance(values.dtype, pd.CategoricalDtype) and values.cat.ordered
        if is_category(values) and not ordered and values.nunique() > 2:
            raise ValueError(
                f"{name!r} is text, whose order is not known. Make it numbers, or "
                "pd.Categorical(..., categories=[lowest, ..., highest], ordered=True)."
            )
        if values.nunique() > MOST_ORDINAL:
            raise ValueError(
                f"{name!r} has {values.nunique()} different values, more than {MOST_ORDINAL}. "
                "Leave it out of ordinal, to be taken as a number."
            )


def usable(
    customers: pd.DataFrame, features: list[str], w: np.ndarray, missing: str
) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    """The customers a model can use, their weights (mean 1), and what was left out, in words.

    `missing` is "complete", "median" or "skip": with the last, any answer is enough.
    """
    rows = finite(customers[features])
    whole = rows.notna().all(axis=1).to_numpy()
    keep = (whole if missing == "complete" else rows.notna().any(axis=1).to_numpy()) & (w > 0)
    rows, w = rows[keep], w[keep] / (w[keep].mean() if keep.any() else 1)
    if len(rows) < FEWEST:
        gaps = finite(customers[features]).isna().sum().sort_values(ascending=False)
        raise InsufficientData(
            _(
                "{n:count} of {offered:count} customers can be used; segments need at least "
                "{least:count}. Most gaps: {feature:label} ({gaps:count}).",
                n=len(rows),
                offered=len(customers),
                least=FEWEST,
                feature=str(gaps.index[0]),
                gaps=gaps.iloc[0],
            )
        )
    constant = [c for c in features if rows[c].nunique(dropna=missing == "skip") < 2]
    if len(constant) == len(features):
        raise ValueError(
            f"all {len(rows):,} customers are identical in {features}, so segments cannot be "
            "formed. Add features."
        )
    notes = []
    gaps = int((~whole[keep]).sum())
    if gaps and missing == "median":
        notes.append(
            ngettext(
                "{gaps:count} customer has missing answers; numbers are replaced by medians.",
                "{gaps:count} customers have missing answers; numbers are replaced by medians.",
                gaps,
                gaps=gaps,
            )
        )
    elif gaps and missing == "skip":
        notes.append(
            _(
                "{gaps:count} customers have missing answers and are placed by the others, as if "
                "it were missing at random.",
                gaps=gaps,
            )
        )
    if constant:
        notes.append(_("Left out, the same for everyone: {columns:label_list}.", columns=constant))
    return rows.drop(columns=constant), w, notes


def finite(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows, endless numbers as missing."""
    return rows.mask(rows.isin([np.inf, -np.inf]))
