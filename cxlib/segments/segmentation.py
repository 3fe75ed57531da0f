"""Segments: how many, how stable, what each is like, and whom to put where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import require_columns
from cxlib.core.result import Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.segments import inputs, kmeans, latent_classes, profiles, stability, summary
from cxlib.stats import moments


@dataclass(frozen=True)
class Choice:
    """How the number of segments is chosen.

    Attributes
    ----------
    k : the number; None chooses it by stability
    most : numbers from 2 to this one are tried, 20 at most
    draws : bootstrap samples in each of which the segments are found again
    """

    k: int | None = None
    most: int = 8
    draws: int = 50

    def __post_init__(self) -> None:
        if not 2 <= (self.k or self.most) <= 20:
            raise ValueError(
                f"k is {self.k}, most {self.most}; there can be from 2 to 20 segments."
            )

    @property
    def numbers(self) -> list[int]:
        """The numbers of segments to try."""
        return sorted({*range(2, self.most + 1), *([self.k] if self.k else [])})


def fit(
    sample: SampleLike,
    features: list[str] | None = None,
    *,
    model: inputs.Model = "k-means",
    missing: inputs.Missing = "complete",
    choice: Choice | None = None,
    ordinal: Sequence[str] = (),
) -> Result:
    """Segments of customers alike in their features, with 95% intervals.

    The number is chosen among those whose every segment is stable: where segments lie furthest
    apart (k-means: silhouette), or the fewest that bring 90% of the gain in BIC that the best
    number brings.

    Parameters
    ----------
    sample : a row a customer
    features : columns of numbers, yes or no, or categories; those of numbers that most customers
        have and that differ where none are named
    model : "k-means"; "mixture" (Gaussian, of numbers); or "classes" (latent classes of numbers,
        categories, and answers of few steps by their levels)
    missing : "complete" leaves out customers with a gap, "median" takes the median of a number and
        "not known" as a level; classes skip the gaps and place everyone by what is known
    choice : the number of segments, or how it is chosen
    ordinal : of latent classes, features whose levels are ordered: numbers, or ordered categories,
        whose levels count 0, 1, 2 and so on. Classes differ in one location each, P(level m | class
        k) ∝ exp(alpha_m + beta_k score_m), instead of in every level

    Returns
    -------
    Result with tables

    - "table": term (the segment's short name), estimate (share of customers), low, high, n, segment
      (number), jaccard, verdict ("report", "pattern", "not named"); largest first
    - "profiles": segment (name), term (feature or level), estimate (mean or share), low, high, n,
      overall, distance (from the average, in deviations), spread (one deviation); simultaneous
      intervals
    - "marks": the profiles in deviations from the average customer
    - "choice": k, silhouette (k-means) or log-likelihood, parameters, BIC, ICL, entropy, misplaced
      share; stability, weakest stability, smallest share, chosen
    - "locations", of ordinal features: segment, reference (the first), term, estimate (beta: by how
      much the log-odds of a level against the one a unit of score below are higher than in the
      reference), low, high, n, and simultaneous ends

    and parts model (how customers become memberships), missing and descriptions (what marks each
    name's segment, in words). Intervals of k-means hold
    memberships; those of models come from refits.

    Raises
    ------
    ValueError : columns that do not exist, never vary or cannot be used, ordinal ones that have no
        order; fewer than 30 (different) customers

    References
    ----------
    Lloyd (1982), Arthur and Vassilvitskii (2007) for k-means; Lazarsfeld and Henry (1968) for
    latent classes; Magidson and Vermunt (2004), Handbook of Quantitative Methodology for the Social
    Sciences, for ordinal ones; Hennig (2007) for stability.

    Examples
    --------
    >>> age = np.repeat([20.0, 60.0], 30) + np.tile(np.arange(30), 2) / 10
    >>> sample = Sample(pd.DataFrame({"age": age}), draws=20)
    >>> fit(sample, ["age"], choice=Choice(most=3, draws=5)).table["n"].tolist()
    [30, 30]
    """
    sample, choice = as_sample(sample), choice or Choice()
    customers = sample.data
    inputs.check_choices(model, missing)
    features = inputs.numeric_features(customers) if features is None else features
    inputs.check_columns(customers, features, model)
    inputs.check_ordinal(customers, features, model, ordinal)
    w = moments.weights_of(customers, sample.weight)
    missing = "skip" if model == "classes" else missing
    rows, w, notes = inputs.usable(customers, list(dict.fromkeys(features)), w, missing)
    data, kind = (
        _prepared(rows, w, model, ordinal),
        kmeans if model == "k-means" else latent_classes,
    )
    numbers = [n for n in choice.numbers if n <= data.different // 2]
    _check_numbers(data.different, rows, choice.k, numbers)
    sampled = np.sort(np.random.default_rng(sample.seed).permutation(len(rows))[: kind.SAMPLE])
    tried = data.trials(numbers, sampled, choice.draws, sample.seed)
    k = choice.k or stability.choose(tried, kind.SUFFICIENT)
    placing, found, order = data.describe(tried[k], sample.draws, sample.seed)
    named, described = profiles.sizes(data.axes, found, tried[k].stability[order])
    table = profiles.table(data.axes, found, named)
    chosen = stability.choice_of(tried, k)
    noted = summary.notes(data.axes, rows, len(customers), chosen, named, len(sampled))
    return Result(
        {
            "table": named,
            "profiles": table,
            "marks": profiles.marks(table),
            "choice": chosen,
            **profiles.locations(data.axes, found, named),
        },
        summary.finding(named),
        i18n.together([*noted, *notes]),
        "share",
        draws=len(found.shares),
        seed=sample.seed,
        parts={"model": placing, "missing": missing, "descriptions": described},
    )


def largest_difference(fit: Result) -> str:
    """Where a segment is furthest from the average customer, in a sentence.

    Parameters
    ----------
    fit : of `segments.fit`
    """
    return summary.largest_difference(fit.marks)


def score(sample: SampleLike, fit: Result) -> Sample:
    """The customers, row for row, with `segment` (number, 1 the largest) and `segment_name`.

    Empty where a feature is missing: any one, unless the fit was made with missing="median"; all
    of them, for classes.

    Parameters
    ----------
    sample : a row a customer
    fit : of `segments.fit`

    Raises
    ------
    ValueError : a feature of the segments is missing
    """
    sample = as_sample(sample)
    inside = memberships(sample, fit)
    known = ~np.isnan(inside).any(axis=1)
    likeliest = np.where(known, np.nan_to_num(inside).argmax(axis=1), 0)
    segment = (pd.Series(likeliest, index=sample.data.index, dtype="Int64") + 1).mask(~known)
    name = segment.map(fit.table.set_index("segment")["term"])
    return sample.assign(segment=segment, segment_name=name)


def groups(sample: SampleLike, fit: Result) -> pd.Series:
    """The segment's name of each customer, by customer_id, so that others can show it by segment.

    Parameters
    ----------
    sample : a row a customer, with customer_id
    fit : of `segments.fit`

    Returns
    -------
    Categories are the names in the order of the fit; empty for who was not placed, and for segments
    too unstable to have a name

    Raises
    ------
    ValueError : as `memberships`, and without customer_id
    """
    sample = as_sample(sample)
    require_columns(sample.data, ["customer_id"], "customers")
    named = fit.table.loc[fit.table["verdict"] != "not named", "term"]
    placed = score(sample, fit).data.set_index("customer_id")["segment_name"]
    kept = placed.where(placed.isin(named))
    return kept.astype(pd.CategoricalDtype(named.tolist(), ordered=True))


def memberships(sample: SampleLike, fit: Result) -> np.ndarray:
    """Probability of each segment for each customer, (n, k); 0 or 1 for k-means; NaN: not placed.

    Parameters
    ----------
    sample : a row a customer
    fit : of `segments.fit`

    Raises
    ------
    ValueError : a feature of the segments is missing
    """
    customers = as_sample(sample).data
    names = [axis.name for axis in fit.model.axes]
    require_columns(customers, names, "customers")
    if not len(customers):
        return np.empty((0, len(fit.table)))
    inside = fit.model.memberships(customers)
    if fit.missing == "complete":
        inside[inputs.finite(customers[names]).isna().any(axis=1).to_numpy()] = np.nan
    return inside


def _prepared(
    rows: pd.DataFrame, w: np.ndarray, model: str, ordinal: Sequence[str]
) -> kmeans.KMeansData | latent_classes.Answers:
    if model == "k-means":
        return kmeans.points(rows, w)
    return latent_classes.answers(rows, w, joint=model == "mixture", ordinal=ordinal)


def _check_numbers(different: int, rows: pd.DataFrame, k: int | None, numbers: list[int]) -> None:
    if not numbers or (k and k not in numbers):
        raise ValueError(
            f"the {len(rows):,} customers show only {different:,} different points in "
            f"{list(rows)}, too few for {k or 2} segments. Choose fewer, or add features."
        )
