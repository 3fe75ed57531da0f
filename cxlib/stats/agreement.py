"""Agreement of coders or raters: Krippendorff's alpha (own code: the package that has it is GPL-3).

    fit = agreement.krippendorff(codings, ["ann", "bo", "machine"], level="nominal")
    print(fit)                        # Alpha 0.74 (0.47 to 0.93), 40 pairable codes of 11 units ...
    agreement.kappa(codings, ["ann", "bo"])              # Cohen's kappa; Fleiss' of three or more

Alpha is one where coders agree always and zero where they agree as often as chance has it. 0.80 is
the custom for what may be relied on, and 0.667 the least for tentative conclusions (Krippendorff
2004, Human Communication Research 30(3)).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.errors import require_choice, require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Result
from cxlib.core.sample import SampleLike, as_sample
from cxlib.stats import resampling
from cxlib.stats.intervals import LEVEL, estimates_table, expanded_level, failed_draws
from cxlib.stats.notes import resampling_note
from cxlib.stats.survey_design import student_quantile

LEVELS = ("nominal", "ordinal", "interval")
RELIABLE, TENTATIVE = 0.8, 0.667
WORDS = ("nominal", "ordinal", "interval", "codes", "coders")  # what tables call them


def krippendorff(
    sample: SampleLike, coders: Sequence[str] | None = None, *, level: str = "nominal"
) -> Result:
    """Krippendorff's alpha with a 95% interval.

    Parameters
    ----------
    sample : a row is a unit, a column what one coder said of it; units of one cluster are resampled
        together. Weights are not used
    coders : two or more columns; all but the cluster when None. Units that one coder alone coded
        say nothing of agreement and are left out
    level : how far two codes lie apart: "nominal" (the same or not), "ordinal" (an ordered category
        or a number, by rank) or "interval" (a number, by its square)

    Returns
    -------
    Result whose table has term "alpha", estimate, low, high, n (units that two or more coded),
    coders and codes (how many).

    Raises
    ------
    ValueError : unknown columns or level, codes that are no numbers, no unit with two codes, or all
        codes the same

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's Alpha-Reliability; Zapf, Castell, Morawietz and
    Karch (2016), BMC Medical Research Methodology 16:93, on resampling units.

    Examples
    --------
    >>> codings = pd.DataFrame({"ann": list("aab"), "bo": list("abb")})
    >>> krippendorff(codings).table["estimate"].round(3).tolist()
    [0.444]
    """
    sample = as_sample(sample)
    codings = sample.data
    coders = [c for c in codings if c != sample.cluster] if coders is None else list(coders)
    values, places = _codes(codings, coders, level)
    counts = (places[:, :, None] == np.arange(len(values))).sum(1).astype(float)
    paired = counts.sum(1) >= 2
    if not paired.any():
        raise ValueError(f"none of {len(codings):,} units was coded by two of {', '.join(coders)}.")
    counts = counts[paired]
    keys = resampling.keys_of(codings, sample.cluster)[paired]
    estimate = krippendorff_alpha(counts, np.ones((1, len(counts))), values, level)
    if np.isnan(estimate[0]):
        raise ValueError(
            f"all {int(counts.sum()):,} codes are {values[counts.any(0)][0]!r}; without a second "
            "code agreement cannot be told from habit."
        )
    times = resampling.multiplicities(keys, sample.draws, sample.seed)
    replicates = krippendorff_alpha(counts, times, values, level)[:, None]
    wide = expanded_level(len(np.unique(keys)))
    table = estimates_table(["alpha"], estimate, replicates, len(counts), level=wide)
    table = table.assign(coders=len(coders), codes=int(counts.sum()))
    notes = [
        _(
            "{left:count} of {offered:count} units were coded by fewer than two and left out; "
            "codes are taken as {level:label}.",
            left=len(codings) - len(counts),
            offered=len(codings),
            level=level,
        ),
        resampling_note(sample),
    ]
    if lost := failed_draws(replicates):
        notes.append(_("{lost:count} resamples held one code only and were set aside.", lost=lost))
    return Result(
        table,
        Finding(_claim(table.iloc[0]), value=float(estimate[0]), unit="alpha"),
        i18n.together(notes),
        "alpha",
        **sample.bootstrap,
        replicates=replicates,
    )


def kappa(
    sample: SampleLike, coders: Sequence[str] | None = None, *, weights: str | None = None
) -> Result:
    """Cohen's kappa of two coders, Fleiss' kappa of three or more, with a 95% interval.

    Parameters
    ----------
    sample : as in `krippendorff`; units of one cluster are resampled together, weights not used
    coders : two or more columns; all but the cluster when None. Units that not all of them coded
        are left out
    weights : of two coders whose codes are in order: "linear" or "quadratic" count codes that are
        near as partly agreeing; None counts equal ones only

    Returns
    -------
    Result whose table has term ("Cohen's kappa" or "Fleiss' kappa"), estimate, low, high (on
    Fisher's z scale with the bootstrap error, empty where all agree), n (units), coders.

    Raises
    ------
    ValueError : unknown columns, one coder, no unit that all coded, all codes the same, or weights
        for more than two coders or for codes that are no numbers or ordered category

    References
    ----------
    Cohen (1960), Educational and Psychological Measurement 20(1); Fleiss (1971), Psychological
    Bulletin 76(5). Computed by statsmodels.

    Examples
    --------
    >>> codings = pd.DataFrame({"ann": list("aabb"), "bo": list("aabb")})
    >>> kappa(codings).table[["term", "estimate"]].values.tolist()
    [["Cohen's kappa", 1.0]]
    """
    sample = as_sample(sample)
    codings = sample.data
    coders = [c for c in codings if c != sample.cluster] if coders is None else list(coders)
    if weights is not None:
        require_choice("weights", weights, ("linear", "quadratic"))
        if len(coders) != 2:
            raise ValueError(f"weights={weights!r} needs two coders; these are {coders}.")
    values, places = _codes(codings, coders, "nominal" if weights is None else "ordinal")
    whole = (places >= 0).all(1)
    if not whole.any() or len(np.unique(places[whole])) < 2:
        raise ValueError(
            f"{int(whole.sum()):,} of {len(codings):,} units were coded by all, with fewer than "
            "two different codes; kappa needs two codes."
        )
    keys = resampling.keys_of(codings, sample.cluster)[whole]
    places, size = places[whole], len(values)
    times = resampling.multiplicities(keys, sample.draws, sample.seed)
    once = np.ones((1, len(places)), int)
    one = _cohen if len(coders) == 2 else _fleiss
    with np.errstate(invalid="ignore", divide="ignore"):
        estimate, replicates = (
            np.array([[one(places, t, size, weights)] for t in some]) for some in (once, times)
        )
    term = "Cohen's kappa" if len(coders) == 2 else "Fleiss' kappa"
    low, high = _fisher_interval(float(estimate[0, 0]), replicates[:, 0], len(np.unique(keys)))
    found = {"term": term, "estimate": estimate[0], "low": low, "high": high, "n": len(places)}
    table = pd.DataFrame(found | {"coders": len(coders)}, index=[0])
    row = table.iloc[0]
    claim = _("{term} is {x:number2}.", x=row["estimate"], term=term)
    detail = _(
        "95% CI {ci:interval2}; {k:count} coders, n = {n:count}",
        ci=(row["low"], row["high"]),
        k=len(coders),
        n=row["n"],
    )
    finding = Finding.of_row(row, claim, detail, unit="kappa")
    notes = resampling_note(sample)
    return Result(table, finding, notes, "kappa", **sample.bootstrap, replicates=replicates)


def _fisher_interval(estimate: float, replicates: np.ndarray, units: int) -> tuple[float, float]:
    """Interval of a coefficient below 1: percentiles miss the truth where nearly all agree."""
    error = float(np.nanstd(replicates, ddof=1))
    if not (abs(estimate) < 1 and error > 0) or units < 2:
        return np.nan, np.nan
    reach = student_quantile(units - 1, LEVEL) * np.sqrt(units / (units - 1)) * error
    middle, half = np.arctanh(estimate), reach / (1 - estimate**2)
    return float(np.tanh(middle - half)), float(np.tanh(middle + half))


def _cohen(places: np.ndarray, times: np.ndarray, size: int, weights: str | None) -> float:
    from statsmodels.stats.inter_rater import cohens_kappa

    if not times.any():  # a draw of few units may hold none of them
        return np.nan
    counts = np.bincount(places[:, 0] * size + places[:, 1], times, size * size)
    table = counts.reshape(size, size)
    return float(cohens_kappa(table, wt=weights, return_results=False))


def _fleiss(places: np.ndarray, times: np.ndarray, size: int, _weights: str | None) -> float:
    from statsmodels.stats.inter_rater import fleiss_kappa

    if not times.any():
        return np.nan
    counts = (places[:, :, None] == np.arange(size)).sum(1)
    return float(fleiss_kappa(np.repeat(counts, times, axis=0)))


def _codes(codings: pd.DataFrame, coders: list[str], level: str) -> tuple[np.ndarray, np.ndarray]:
    """(codes in order, place of each unit's code by coder, -1 where there is none)."""
    require_choice("level", level, LEVELS)
    require_columns(codings, coders, "the codings")
    if len(coders) < 2:
        raise ValueError(f"agreement needs two coders or more; these are {coders}.")
    coded = codings[coders]
    scales = {t for t in coded.dtypes if isinstance(t, pd.CategoricalDtype) and t.ordered}
    if level == "ordinal" and len(scales) == 1 and len(set(coded.dtypes)) == 1:
        values = np.asarray(scales.pop().categories, object)
        return values, np.column_stack([coded[c].cat.codes for c in coders])
    if level == "nominal":
        coded = coded.astype(object).where(coded.notna())
    else:
        try:
            coded = coded.astype(float)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{level} codes must be numbers{' or one ordered category' * (level != LEVELS[2])}"
                f": {error}."
            ) from error
    places, values = pd.factorize(coded.to_numpy().ravel(), sort=level != "nominal")
    return np.asarray(values), places.reshape(coded.shape)


def _claim(row: pd.Series) -> str:
    facts = {
        "alpha": row["estimate"],
        "span": (row["low"], row["high"]),
        "codes": row["codes"],
        "n": row["n"],
    }
    if row["low"] >= RELIABLE:
        return _(
            "Coders agree well enough to rely on: Krippendorff's alpha {alpha:number2} "
            "({span:interval2}), {codes:count} codes of {n:count} units.",
            **facts,
        )
    if row["low"] >= TENTATIVE:
        return _(
            "Coders agree well enough for tentative conclusions: Krippendorff's alpha "
            "{alpha:number2} ({span:interval2}), {codes:count} codes of {n:count} units.",
            **facts,
        )
    return _(
        "It is not shown that coders agree well enough to rely on: Krippendorff's alpha "
        "{alpha:number2} ({span:interval2}), {codes:count} codes of {n:count} units.",
        **facts,
    )


def krippendorff_alpha(
    counts: np.ndarray, times: np.ndarray, values: np.ndarray, level: str
) -> np.ndarray:
    """Krippendorff's alpha of each draw; 1 is full agreement, 0 what chance gives.

    Parameters
    ----------
    counts : how many coders gave each unit each code, (units, codes); two or more a unit
    times : how often each unit counts, (draws, units)
    values : the codes in order, (codes,)
    level : "nominal", "ordinal" or "interval"

    Returns
    -------
    (draws,); NaN where a draw holds one code only.

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's Alpha-Reliability.

    Examples
    --------
    >>> counts = np.array([[2.0, 0.0], [0.0, 2.0]])
    >>> krippendorff_alpha(counts, np.ones((1, 2)), np.array([0, 1]), "nominal").tolist()
    [1.0]
    """
    coders = counts.sum(1)
    pairs = counts[:, :, None] * counts[:, None, :]
    diagonal = np.arange(counts.shape[1])
    pairs[:, diagonal, diagonal] -= counts
    pairs /= (coders - 1)[:, None, None]
    coincidence = np.tensordot(np.asarray(times, float), pairs, axes=1)
    totals = coincidence.sum(2)
    n = totals.sum(1)
    distance = _distances(totals, values, level)
    observed = (coincidence * distance).sum((1, 2))
    expected = (totals[:, :, None] * totals[:, None, :] * distance).sum((1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected > 0, 1 - (n - 1) * observed / expected, np.nan)


def _distances(totals: np.ndarray, values: np.ndarray, level: str) -> np.ndarray:
    """Squared distance of each pair of codes: (draws or 1, codes, codes)."""
    if level == "nominal":
        return (1.0 - np.eye(len(values)))[None]
    # An ordinal code lies in the middle of those that share it, so ranks are midranks.
    at = values.astype(float) if level == "interval" else totals.cumsum(1) - totals / 2
    at = np.atleast_2d(at)
    return (at[:, :, None] - at[:, None, :]) ** 2
