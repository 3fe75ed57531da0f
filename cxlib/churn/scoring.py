"""Scoring: each customer's probability of leaving, grade of risk, and reasons in words."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd

from cxlib.churn import validation
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
from cxlib.core.errors import require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats import regression

AT_ONCE = 100_000  # customers held as columns of numbers
REASONS = 3
LEAST_REASON = 0.1  # in log-odds: a tenth more odds than the average customer's


def score(sample: SampleLike, fit: Result) -> Sample:
    """The customers, row for row, with probability, risk and reasons added.

    Parameters
    ----------
    sample : one row a customer, with the features of the model
    fit : of `churn.fit`

    Returns
    -------
    Sample with probability (0 to 1), risk ("high", "medium", "low" by `fit.thresholds`) and
    reasons: at most three features with a significant association that raise this customer's odds
    most above the average customer's, in words. Values that the training customers never had count
    as average; the notes and a warning say how many

    Raises
    ------
    ValueError : a feature is missing

    Examples
    --------
    >>> churn.score(today, fit)[["probability", "risk", "reasons"]]    # doctest: +SKIP
    """
    sample = as_sample(sample)
    customers, features = sample.data, fit.features
    require_columns(customers, [f.name for f in features], "customers")
    pieces = [
        _score(customers.iloc[start : start + AT_ONCE], fit)
        for start in range(0, len(customers), AT_ONCE)
    ]
    nobody = np.empty(0), np.empty(0, object)
    probability, reasons = (np.concatenate(p) for p in zip(nobody, *pieces, strict=True))
    grades = np.array(validation.RISKS, object)[validation.grade(probability, fit.thresholds)]
    notes = _novelties(customers, features)
    if notes:
        warnings.warn(i18n.together(notes), stacklevel=2)
    scored = sample.assign(probability=probability, risk=grades, reasons=reasons)
    return scored.replace(notes=(*sample.notes, *notes))


def _score(customers: pd.DataFrame, fit: Result) -> tuple[np.ndarray, np.ndarray]:
    parts = contributions(customers, fit.features, fit.coefficients)
    probability = regression.expit(fit.coefficients[0] + parts.sum(1))
    return probability, _reasons(parts, customers, fit)


def contributions(
    customers: pd.DataFrame, features: list[Feature], coefficients: np.ndarray
) -> np.ndarray:
    """Log-odds that each feature adds to those of the average customer, (n, features)."""
    z = columns_of(features, customers) * coefficients[1:]
    parts = np.add.reduceat(z, [at.start for at in places(features).values()], axis=1)
    _hand_over(parts, customers, features)
    return parts


def reasons_of(
    parts: np.ndarray, features: list[Feature], effects: pd.DataFrame
) -> tuple[np.ndarray, np.ndarray]:
    """The features that raise each customer's odds most, at most three: (places, which count).

    A feature without a significant association may well be chance: it is no reason for anybody.
    """
    clear = set(effects.loc[(effects["low"] > 0) | (effects["high"] < 0), "feature"])
    parts = np.where([f.name in clear for f in features], parts, 0.0)
    top = np.argsort(-parts, axis=1, kind="stable")[:, :REASONS]
    return top, np.take_along_axis(parts, top, axis=1) >= LEAST_REASON


def _hand_over(parts: np.ndarray, customers: pd.DataFrame, features: list[Feature]) -> None:
    # "Online security: no internet service" is no reason of its own; the internet service is.
    place = {f.name: i for i, f in enumerate(features)}
    for feature in features:
        texts = text_of(customers[feature.name]) if feature.implied else None
        for level, owner in feature.implied:
            here = texts == level
            parts[here, place[owner]] += parts[here, place[feature.name]]
            parts[here, place[feature.name]] = 0.0


def _reasons(parts: np.ndarray, customers: pd.DataFrame, fit: Result) -> np.ndarray:
    features = fit.features
    top, counted = reasons_of(parts, features, fit.effects)
    words = np.full(top.shape, "", object)
    for place, feature in enumerate(features):
        row, column = np.nonzero((top == place) & counted)
        words[row, column] = _words(feature, customers[feature.name].iloc[row])
    reasons = words[:, 0]
    for rank in range(1, top.shape[1]):
        reasons = reasons + np.where(counted[:, rank], "; ", "").astype(object) + words[:, rank]
    reasons[~counted[:, 0]] = _("nothing out of the ordinary")
    return reasons


def _words(feature: Feature, values: pd.Series) -> np.ndarray:
    """What to say of each value. Each different value is put into words once."""
    name = i18n.label(feature.name)
    if feature.kind != "number":
        codes, found = pd.factorize(text_of(values))
        words = [_("{feature}: {value}", feature=name, value=wording(feature, v)) for v in found]
    else:
        codes, found = pd.factorize(_rounded(numbers_of(values)), use_na_sentinel=False)
        words = [_number_words(name, v, feature.middle) for v in found]
    return np.array([*words, ""], object)[codes]


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
                    "model was not trained on ({values:list}); they count as average there.",
                    feature=feature.name,
                    new=new.sum(),
                    n=len(customers),
                    values=[UNKNOWN if pd.isna(v) else str(v) for v in values],
                )
            )
    return notes
