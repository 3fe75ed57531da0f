"""The probability of leaving of each customer, the grade of risk, and the reasons in words."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from cxlib.churn import evidence
from cxlib.churn.features import (
    UNKNOWN,
    Feature,
    columns_of,
    known_of,
    numbers_of,
    places,
    plain,
    text_of,
    wording,
)
from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.stats import regression

AT_ONCE = 100_000  # customers held as columns of numbers
REASONS = 3
LEAST_REASON = 0.1  # in log-odds: a tenth more odds than the average customer's


def score(customers: pd.DataFrame, fit) -> pd.DataFrame:
    """The customers, row for row, with probability (0 to 1), risk and reasons added.

    `risk` is "high", "medium" or "low" by `fit.thresholds`. `reasons` are the features that raise
    this customer's odds most above those of the average customer, at most three, in words. What
    the training customers never had (a new level, a missing number) counts as average; how many
    is warned of and stands in `.attrs["note"]`. Raises ValueError when a feature is missing.
    """
    features, coefficients = fit.features, fit.coefficients
    names = [f.name for f in features]
    if missing := [name for name in names if name not in customers]:
        raise ValueError(
            f"customers lack {missing}, which the warning was learnt from. They have: "
            f"{', '.join(map(str, customers))}. Read them the same way as for churn.fit."
        )
    pieces = [
        _score(customers.iloc[start : start + AT_ONCE], features, coefficients)
        for start in range(0, len(customers), AT_ONCE)
    ]
    nobody = np.empty(0), np.empty(0, object)
    probability, reasons = (np.concatenate(p) for p in zip(nobody, *pieces, strict=True))
    grades = np.array(evidence.RISKS, object)[evidence.grade(probability, fit.thresholds)]
    scored = customers.assign(probability=probability, risk=grades, reasons=reasons)
    scored.attrs["note"] = i18n.together(_novelties(customers, features))
    if scored.attrs["note"]:
        warnings.warn(scored.attrs["note"], stacklevel=2)
    return scored


def _score(
    customers: pd.DataFrame, features: list[Feature], coefficients: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    parts = contributions(customers, features, coefficients)
    probability = regression.expit(coefficients[0] + parts.sum(1))
    return probability, _reasons(parts, customers, features)


def contributions(
    customers: pd.DataFrame, features: list[Feature], coefficients: np.ndarray
) -> np.ndarray:
    """Log-odds that each feature adds to those of the average customer, (n, features)."""
    z = columns_of(features, customers) * coefficients[1:]
    parts = np.add.reduceat(z, [at.start for at in places(features).values()], axis=1)
    _hand_over(parts, customers, features)
    return parts


def reasons_of(parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The features that raise each customer's odds most, at most three: (places, which count)."""
    top = np.argsort(-parts, axis=1, kind="stable")[:, :REASONS]
    return top, np.take_along_axis(parts, top, axis=1) >= LEAST_REASON


def _hand_over(parts: np.ndarray, customers: pd.DataFrame, features: list[Feature]) -> None:
    # "Online security: no internet service" is no reason of its own; the internet service is.
    place = {f.name: i for i, f in enumerate(features)}
    for feature in features:
        texts = text_of(customers[feature.name]) if feature.told else None
        for level, owner in feature.told:
            here = texts == level
            parts[here, place[owner]] += parts[here, place[feature.name]]
            parts[here, place[feature.name]] = 0.0


def _reasons(parts: np.ndarray, customers: pd.DataFrame, features: list[Feature]) -> np.ndarray:
    top, telling = reasons_of(parts)
    words = np.full(top.shape, "", object)
    for place, feature in enumerate(features):
        row, rank = np.nonzero((top == place) & telling)
        words[row, rank] = _words(feature, customers[feature.name].iloc[row])
    said = words[:, 0]
    for rank in range(1, words.shape[1]):
        said = said + np.where(telling[:, rank], "; ", "").astype(object) + words[:, rank]
    said[~telling[:, 0]] = _("nothing out of the ordinary")
    return said


def _words(feature: Feature, values: pd.Series) -> np.ndarray:
    """What to say of each value. Each different value is put into words once."""
    name = i18n.label(feature.name)
    if feature.kind != "number":
        codes, found = pd.factorize(text_of(values))
        said = [_("{feature}: {value}", feature=name, value=wording(feature, v)) for v in found]
    else:
        codes, found = pd.factorize(_rounded(numbers_of(values)), use_na_sentinel=False)
        said = [_number_words(name, v, feature.middle) for v in found]
    return np.array([*said, ""], object)[codes]


def _number_words(name: str, value: float, middle: float) -> str:
    if value != value:
        return _("{feature}: {value}", feature=name, value=_("not known"))
    if value < middle:
        return _("{feature}: {value} (low)", feature=name, value=plain(value))
    return _("{feature}: {value} (high)", feature=name, value=plain(value))


def _rounded(x: np.ndarray, digits: int = 3) -> np.ndarray:
    """To three digits, so that different values are few; whole numbers under 10,000 as they are."""
    size = np.ones_like(x)
    broken = (x != np.round(x)) | (np.abs(x) >= 10_000)
    broken &= np.isfinite(x)
    size[broken] = 10.0 ** (digits - 1 - np.floor(np.log10(np.abs(x[broken]))))
    return np.round(x * size) / size


def _novelties(customers: pd.DataFrame, features: list[Feature]) -> list[str]:
    notes = []
    for feature in features:
        new = ~known_of(feature, customers[feature.name])
        if new.any():
            values = customers.loc[new, feature.name].drop_duplicates().head(3)
            notes.append(
                _(
                    "{feature:label}: {new:count} of {n:count} customers have values that the "
                    "warning never met ({values:list}); they count as average there.",
                    feature=feature.name,
                    new=new.sum(),
                    n=len(customers),
                    values=[UNKNOWN if pd.isna(v) else str(v) for v in values],
                )
            )
    return notes
