"""Feature leakage checks: which rows and columns a churn model may learn from.

data = training_data(sample, "left", features=None, leak_limit=0.95)
data.features           # names of the columns that may be used: known before customers left
data.notes              # what was left out and why, in the page's language
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlib.churn.features import MOST_LEVELS, numbers_of, text_of
from cxlib.core import i18n
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.sample import Sample
from cxlib.privacy import disclosure
from cxlib.stats import moments, regression
from cxlib.stats.resampling import design

FEWEST = 20  # leavers, and stayers, that a model may be learnt from
COPIES = 0.01  # share of rows identical to another above which we say so
LEAVING = ("left_on", "left_because", "left_after")  # written down when a customer leaves
STEPS = 20  # groups a number is cut into when one column is tried alone


@dataclass(frozen=True)
class TrainingData:
    """The rows with a known outcome, `left` as 0 or 1, weights of mean one, the columns to use."""

    sample: Sample
    left: np.ndarray
    weight: np.ndarray
    features: list[str]
    notes: list[str]
    offered: int

    @property
    def rows(self) -> pd.DataFrame:
        """The customers with a known outcome."""
        return self.sample.data

    @property
    def how(self) -> dict[str, Any]:
        """How the customers are resampled: clusters, draws and seed."""
        return design(self.sample)


def training_data(
    sample: Sample, outcome: str, features: list[str] | None, leak_limit: float
) -> TrainingData:
    """What may be used of these customers; ValueError for data that allow no model."""
    customers, weight = sample.data, sample.weight
    _check_columns(customers, outcome, features)
    _check_ids(customers)
    left = _left(customers[outcome])
    w = moments.weights_of(customers, weight)
    keep = ~np.isnan(left) & (w > 0)
    _check_classes(left[keep], outcome)
    sample, left, w = sample.where(keep), left[keep], w[keep] / w[keep].mean()
    rows = sample.data
    if features is None:
        names, notes = _default_features(rows, [outcome, *([weight] if weight else [])])
    else:
        names, notes = _deliberate(rows, list(dict.fromkeys(features)))
    names, dropped = _varying(rows, names)
    _check_leaks(rows[names], left, w, leak_limit)
    notes = [*notes, *dropped, *_copies(rows[[*names, outcome]])]
    return TrainingData(sample, left, w, names, notes, len(customers))


def eligible_features(
    rows: pd.DataFrame, taken: list[str | None], duplicate_of: pd.Series | None = None
) -> list[str]:
    """Columns that differ between customers, but for those `taken`, keys, dates and free text.

    A column that repeats `duplicate_of` is left out too. ValueError when none is left.
    """
    names = [c for c in rows if c not in (*taken, *LEAVING, "customer_id")]
    names = [c for c in names if not _is_unsuitable(rows[c]) and rows[c].nunique() > 1]
    if duplicate_of is not None:
        same = {c: (rows[c].to_numpy() == duplicate_of.to_numpy()).mean() > 0.999 for c in names}
        names = [c for c in names if not same[c]]
    if not names:
        raise InsufficientData(_("No column differs between customers."))
    return names


def single_feature_auc(rows: pd.Series, left: np.ndarray, w: np.ndarray, folds: int = 5) -> float:
    """AUC out of fold of one column alone.

    The share who left is learnt for each level, or for each twentieth of a number, on the other
    folds, so that a column of a curved or jagged association is found out too.
    """
    codes = _steps(rows)
    fold = np.random.default_rng(0).permutation(len(left)) % folds
    size = codes.max() + 1
    all_left, all_rows = np.bincount(codes, w * left, size), np.bincount(codes, w, size)
    rate = np.average(left, weights=w)
    score = np.empty(len(left))
    for f in range(folds):
        here = fold == f
        gone = all_left - np.bincount(codes[here], (w * left)[here], size)
        seen = all_rows - np.bincount(codes[here], w[here], size)
        score[here] = ((gone + rate) / (seen + 1))[codes[here]]
    return regression.auc(left, score, w)


def _steps(values: pd.Series) -> np.ndarray:
    if not pd.api.types.is_numeric_dtype(values):
        return pd.factorize(text_of(values))[0]
    x = numbers_of(values)
    known = x[~np.isnan(x)]
    cuts = np.unique(np.quantile(known, np.linspace(0, 1, STEPS + 1)[1:-1]))
    # A cut belongs to neither side: a value that many share is a group of its own.
    place = np.searchsorted(cuts, x, "left") + np.searchsorted(cuts, x, "right")
    return np.where(np.isnan(x), 2 * len(cuts) + 1, place)


def _check_columns(customers: pd.DataFrame, outcome: str, features: list[str] | None) -> None:
    require_columns(customers, [outcome, *(features or [])], "customers")
    after = [c for c in features or [] if c in (outcome, *LEAVING)]
    if after:
        raise ValueError(
            f"{after} tell who left and cannot warn of it. Take them out of features; what may be "
            "used is what was known before."
        )


def _check_ids(customers: pd.DataFrame) -> None:
    if "customer_id" not in customers:
        return
    twice = customers["customer_id"].duplicated(keep=False) & customers["customer_id"].notna()
    if twice.any():
        first = customers.loc[twice, "customer_id"].iloc[0]
        raise ValueError(
            f"{int(twice.sum()):,} of {len(customers):,} rows share a customer_id with another row "
            f"(first {first!r}). A customer in both halves of a test makes it look too good. Give "
            "one row a customer: reserve.open(STUDY).customers.as_of(as_of) makes it."
        )


def _left(values: pd.Series) -> np.ndarray:
    known = values.dropna()
    number = pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)
    flags = number or known.map(type).eq(bool).all()
    if not flags or not known.isin([0, 1]).all():
        sizes = ", ".join(f"{v!r} {n:,}" for v, n in known.value_counts().head(5).items())
        raise ValueError(
            f"{values.name} must be true or false (or 1 and 0), true for those who left; it holds "
            f"{sizes}. Write customers.assign({values.name}=customers[{values.name!r}] == ...) or "
            "set churn.flag in study.yaml."
        )
    return numbers_of(values.astype("boolean"))


def _check_classes(left: np.ndarray, outcome: str) -> None:
    gone, stayed = int(left.sum()), int(len(left) - left.sum())
    if not len(left):
        raise InsufficientData(
            _("{outcome:quoted} is missing for every customer.", outcome=outcome)
        )
    if min(gone, stayed) < FEWEST:
        facts = {
            "n": len(left),
            "few": disclosure.count_in_words(min(gone, stayed)),
            "least": FEWEST,
        }
        # One number only: the other would tell those too few to be told.
        raise InsufficientData(
            _(
                "Of {n:count} customers {few} left; a churn model needs {least} to train on. "
                "Take more customers or, in study.yaml, a longer churn.horizon.",
                **facts,
            )
            if gone < stayed
            else _(
                "Of {n:count} customers {few} stayed; a churn model needs {least} to train on. "
                "Take more customers or, in study.yaml, a shorter churn.horizon.",
                **facts,
            )
        )


def _default_features(rows: pd.DataFrame, taken: list[str]) -> tuple[list[str], list[str]]:
    names, notes, excluded = [], [], []
    for name in rows.columns.difference([*taken, *LEAVING, "customer_id"], sort=False):
        if _is_unsuitable(rows[name]):
            excluded.append(i18n.label(name))
        else:
            names.append(name)
    if excluded:
        notes.append(
            _("Left out as dates, row numbers or free text: {columns:list}.", columns=excluded)
        )
    return names, notes


def _deliberate(rows: pd.DataFrame, names: list[str]) -> tuple[list[str], list[str]]:
    if unsuitable := [c for c in names if c == "customer_id" or _is_unsuitable(rows[c])]:
        raise ValueError(
            f"{unsuitable} are dates, row numbers or texts with more than {MOST_LEVELS} different "
            "values, of which nothing general can be learnt. Turn dates into days before the "
            "warning date, group texts, or leave them out of features."
        )
    return names, []


def _is_unsuitable(values: pd.Series) -> bool:
    if pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_timedelta64_dtype(values):
        return True
    if pd.api.types.is_numeric_dtype(values):
        whole = pd.api.types.is_integer_dtype(values) and values.is_unique
        return (
            whole
            and values.is_monotonic_increasing
            and int(values.max() - values.min()) < (2 * len(values))
        )
    return values.nunique() > MOST_LEVELS


def _varying(rows: pd.DataFrame, names: list[str]) -> tuple[list[str], list[str]]:
    varies = {c: rows[c].nunique(dropna=False) > 1 and rows[c].notna().any() for c in names}
    constant = [i18n.label(c) for c in names if not varies[c]]
    if len(constant) == len(names):
        raise InsufficientData(
            _(
                "Customers differ in none of {n:count} columns, so nothing predicts who leaves: "
                "{columns:list}.",
                n=len(names),
                columns=constant,
            )
            if names
            else _("No column differs between customers.")
        )
    note = _("Left out, the same for everyone: {columns:list}.", columns=constant)
    return [c for c in names if varies[c]], [note] if constant else []


def _check_leaks(rows: pd.DataFrame, left: np.ndarray, w: np.ndarray, limit: float) -> None:
    alone = {name: single_feature_auc(rows[name], left, w) for name in rows}
    if leaks := {name: value for name, value in alone.items() if value > limit}:
        worst = ", ".join(f"{name} (AUC {value:.3f})" for name, value in leaks.items())
        raise ValueError(
            f"{worst} alone tells the {int(left.sum()):,} leavers from the others almost "
            f"perfectly (limit {limit:g}): it was probably written down after they left. Leave it "
            "out (features=..., or churn.exclude in study.yaml); if it truly was known before, "
            "say so with leak_limit=1."
        )


def _copies(rows: pd.DataFrame) -> list[str]:
    copies = int(rows.duplicated(keep=False).sum())
    if copies <= COPIES * len(rows):
        return []
    return [
        _(
            "{copies:count} of {n:count} customers are like another in every column; if rows were "
            "copied, the figures look too good.",
            copies=copies,
            n=len(rows),
        )
    ]
