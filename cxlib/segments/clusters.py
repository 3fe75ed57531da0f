"""Segments: how many, how stable, what each is like, and whom to put where."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.estimates import Estimates
from cxlib.segments import admission, classes, means, profiles, said, stability
from cxlib.segments.classes import Classes
from cxlib.segments.means import Means
from cxlib.segments.space import Axis
from cxlib.stats import moments


@dataclass(frozen=True)
class Fit(Estimates):
    """Segments, and what is needed to place other customers.

    Attributes
    ----------
    table : term (the segment's name), estimate (share of customers), low, high, n, segment
        (number), jaccard, verdict ("report", "pattern", "not named"); largest first
    profiles : segment (name), term (feature or level), estimate (mean or share), low, high, n,
        overall, distance (from the average, in deviations), spread (one deviation); the intervals
        hold for all segments and terms at once
    marks : profiles in deviations from the average customer, to set features side by side
    choice : k, silhouette (k-means) or log-likelihood, parameters, BIC, ICL, entropy, misplaced
        share; stability, weakest stability, smallest share, chosen
    model : how customers become memberships
    missing : what was done about missing values: "complete", "median" or "skip"
    """

    profiles: pd.DataFrame = field(kw_only=True)
    marks: pd.DataFrame = field(kw_only=True)
    choice: pd.DataFrame = field(kw_only=True)
    model: Means | Classes = field(kw_only=True)
    missing: str = field(kw_only=True)

    @property
    def axes(self) -> list[Axis]:
        """How each feature is read."""
        return self.model.axes

    @property
    def mark(self) -> str:
        """What marks a segment most, in a sentence."""
        return said.mark(self.marks)


def fit(
    customers: pd.DataFrame,
    features: list[str] | None = None,
    *,
    model: str = "k-means",
    k: int | None = None,
    most: int = 8,
    weight: str | None = None,
    missing: str = "complete",
    draws: int = 50,
    interval_draws: int = 1000,
    seed: int = 1,
) -> Fit:
    """Segments of customers alike in `features` (numbers, yes or no, categories).

    `model` is "k-means"; "mixture" (Gaussian, of numbers); or "classes" (latent classes of numbers,
    categories, and answers of few steps by their levels). Without features, those are the columns
    of numbers that most customers have and that differ. The number is chosen from 2 to `most`
    among those whose every segment is stable over `draws` bootstrap samples: where segments lie
    furthest apart (k-means: silhouette), or the fewest that bring 90% of the gain in BIC that the
    best number brings; unless `k` is given.

    `missing="complete"` leaves out customers with a gap; "median" puts the median for a number, and
    "not known" as a level. Classes skip the gaps, and place everyone by what is known. Intervals of
    k-means hold memberships; those of models come from refits. Raises ValueError for unknown,
    useless or unfit columns, and for fewer than 30 (different) customers.
    """
    numbers = admission.numbers(k, most, missing, model)
    features = admission.own_numbers(customers) if features is None else features
    admission.check_columns(customers, features, model)
    w = moments.weights_of(customers, weight)
    missing = "skip" if model == "classes" else missing
    rows, w, notes = admission.used(customers, list(dict.fromkeys(features)), w, missing)
    crowd, kind = _crowd(rows, w, model), means if model == "k-means" else classes
    numbers = [n for n in numbers if n <= crowd.different // 2]
    _check_numbers(crowd.different, rows, k, numbers)
    sampled = np.sort(np.random.default_rng(seed).permutation(len(rows))[: kind.SAMPLE])
    tried = crowd.trials(numbers, sampled, draws, seed)
    chosen = k or stability.choose(tried, kind.ENOUGH)
    placing, found, order = crowd.described(tried[chosen], interval_draws, seed)
    named = profiles.sizes(crowd.axes, found, tried[chosen].stability[order])
    table = profiles.table(crowd.axes, found, named)
    choice = stability.choice_of(tried, chosen)
    noted = said.notes(crowd.axes, rows, len(customers), choice, named, len(sampled))
    return Fit(
        named,
        said.answer(named),
        i18n.together([*noted, *notes]),
        "share",
        draws=len(found.shares),
        seed=seed,
        profiles=table,
        marks=profiles.marks(table),
        choice=choice,
        model=placing,
        missing=missing,
    )


def place(customers: pd.DataFrame, fit: Fit) -> pd.DataFrame:
    """The customers, row for row, with `segment` (number, 1 the largest) and `segment_name`.

    Empty where a feature is missing: any one, unless the fit was made with missing="median"; all
    of them, for classes.
    """
    inside = memberships(customers, fit)
    known = ~np.isnan(inside).any(axis=1)
    likeliest = np.where(known, np.nan_to_num(inside).argmax(axis=1), 0)
    segment = (pd.Series(likeliest, index=customers.index, dtype="Int64") + 1).mask(~known)
    return customers.assign(
        segment=segment, segment_name=segment.map(fit.table.set_index("segment")["term"])
    )


def groups(customers: pd.DataFrame, fit: Fit) -> pd.Series:
    """The segment's name of each customer, by customer_id, so that others can show it by segment.

    Categories are the names in the order of the fit; empty for who was not placed, and for segments
    too unstable to have a name. Raises ValueError as `memberships` does, and without customer_id.
    """
    if "customer_id" not in customers:
        raise ValueError(
            "customers lack customer_id, by which segments are looked up. They have: "
            f"{', '.join(map(str, customers))}."
        )
    named = fit.table.loc[fit.table["verdict"] != "not named", "term"]
    placed = place(customers, fit).set_index("customer_id")["segment_name"]
    kept = placed.where(placed.isin(named))
    return kept.astype(pd.CategoricalDtype(named.tolist(), ordered=True))


def memberships(customers: pd.DataFrame, fit: Fit) -> np.ndarray:
    """Probability of each segment for each customer, (n, k); 0 or 1 for k-means; NaN: not placed.

    Raises ValueError where customers lack a column by which the segments were made.
    """
    names = [axis.name for axis in fit.axes]
    if lacking := [name for name in names if name not in customers]:
        raise ValueError(
            f"customers lack {lacking}, by which the segments were made. They have: "
            f"{', '.join(map(str, customers))}."
        )
    if not len(customers):
        return np.empty((0, len(fit.table)))
    inside = fit.model.memberships(customers)
    if fit.missing == "complete":
        inside[admission.finite(customers[names]).isna().any(axis=1).to_numpy()] = np.nan
    return inside


def _crowd(rows: pd.DataFrame, w: np.ndarray, model: str) -> means.Points | classes.Answers:
    if model == "k-means":
        return means.points(rows, w)
    return classes.answers(rows, w, joint=model == "mixture")


def _check_numbers(different: int, rows: pd.DataFrame, k: int | None, numbers: list[int]) -> None:
    if not numbers or (k and k not in numbers):
        raise ValueError(
            f"the {len(rows):,} customers show only {different:,} different points in "
            f"{list(rows)}, too few for {k or 2} segments. Take fewer, or add features."
        )
