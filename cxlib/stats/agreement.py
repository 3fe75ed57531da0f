"""Agreement of coders or raters: Krippendorff's alpha (own code: the package that has it is GPL-3).

    fit = agreement.krippendorff(codings, ["ann", "bo", "machine"], level="nominal")
    print(fit)                        # Alpha 0.74 (0.47 to 0.93), 40 pairable codes of 11 units ...

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
from cxlib.stats.intervals import estimates_table, expanded_level, failed_draws
from cxlib.stats.notes import resampling_note

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
