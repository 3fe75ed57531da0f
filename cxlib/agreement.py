"""How far coders agree on what they read or judged: Krippendorff's alpha.

    fit = agreement.krippendorff(codings, ["ann", "bo", "machine"], level="nominal")
    print(fit)                        # Alpha 0.74 (0.47 to 0.93), 40 pairable codes of 11 units ...

Alpha is one where coders agree always and zero where they agree as often as chance has it. 0.80 is
the custom for what may be relied on, and 0.667 the least for tentative conclusions (Krippendorff
2004, Human Communication Research 30(3)). Any number of coders; units that one coder alone coded
tell nothing of agreement and are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.result import Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats import resampling
from cxlib.stats.agreement import krippendorff_alpha
from cxlib.stats.intervals import estimates_table, expanded_level, failed_draws
from cxlib.stats.notes import resampling_note

LEVELS = ("nominal", "ordinal", "interval")
RELIABLE, TENTATIVE = 0.8, 0.667
WORDS = ("nominal", "ordinal", "interval", "codes", "coders")  # what tables call them


def krippendorff(
    sample: SampleLike, coders: Sequence[str] | None = None, *, level: str = "nominal"
) -> Result:
    """Krippendorff's alpha of two or more coders.

    Parameters
    ----------
    sample : a row is a unit, a column what one coder said, missing where a coder said nothing; the
        units of one cluster are resampled together
    coders : their columns; all but the cluster when None
    level : how far two codes lie apart: "nominal" (the same or not), "ordinal" (an ordered category
        or a number, by rank) or "interval" (a number, by its square)

    Returns
    -------
    Result with a table of one row: term "alpha", estimate, low, high, n (units that two or more
    coded), coders, codes (how many there are).

    Raises
    ------
    ValueError : no unit has two codes, all codes are the same, or a coder or level is unknown

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's Alpha-Reliability. Units are resampled as in Zapf,
    Castell, Morawietz and Karch (2016), BMC Medical Research Methodology 16:93.

    Examples
    --------
    >>> codings = pd.DataFrame({"ann": [1, 1, 2, 2, 1], "bo": [1, 1, 2, 2, 2]})
    >>> float(krippendorff(codings).table["estimate"][0].round(3))
    0.64
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
            "code agreement cannot be distinguished from habit."
        )
    times = resampling.multiplicities(keys, sample.draws, sample.seed)
    drawn = krippendorff_alpha(counts, times, values, level)[:, None]
    table = estimates_table(
        ["alpha"], estimate, drawn, len(counts), level=expanded_level(len(np.unique(keys)))
    ).assign(coders=len(coders), codes=int(counts.sum()))
    return Result(
        table,
        _claim(table.iloc[0]),
        _notes(sample, len(codings) - len(counts), level, failed_draws(drawn)),
        "alpha",
        draws=sample.draws,
        seed=sample.seed,
        replicates=drawn,
    )


def _codes(codings: pd.DataFrame, coders: list[str], level: str) -> tuple[np.ndarray, np.ndarray]:
    """(codes in order, place of each unit's code by coder, -1 where there is none)."""
    if level not in LEVELS:
        raise ValueError(f"no level {level!r}. There are: {', '.join(LEVELS)}.")
    if unknown := [c for c in coders if c not in codings]:
        raise ValueError(f"no column {unknown} in codings. It has: {', '.join(codings)}.")
    if len(coders) < 2:
        raise ValueError(f"agreement needs two coders or more; these are {coders}.")
    said = codings[coders]
    scales = {t for t in said.dtypes if isinstance(t, pd.CategoricalDtype) and t.ordered}
    if level == "ordinal" and len(scales) == 1 and len(set(said.dtypes)) == 1:
        values = np.asarray(scales.pop().categories, object)
        return values, np.column_stack([said[c].cat.codes for c in coders])
    if level == "nominal":
        said = said.astype(object).where(said.notna())
    else:
        try:
            said = said.astype(float)
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"{level} codes must be numbers{' or one ordered category' * (level != LEVELS[2])}"
                f": {error}."
            ) from error
    places, values = pd.factorize(said.to_numpy().ravel(), sort=level != "nominal")
    return np.asarray(values), places.reshape(said.shape)


def _claim(row: pd.Series) -> str:
    said = {
        "alpha": row["estimate"],
        "span": (row["low"], row["high"]),
        "codes": row["codes"],
        "n": row["n"],
    }
    if row["low"] >= RELIABLE:
        return _(
            "Coders agree well enough to rely on: Krippendorff's alpha {alpha:number2} "
            "({span:interval2}), {codes:count} codes of {n:count} units.",
            **said,
        )
    if row["low"] >= TENTATIVE:
        return _(
            "Coders agree well enough for tentative conclusions: Krippendorff's alpha "
            "{alpha:number2} ({span:interval2}), {codes:count} codes of {n:count} units.",
            **said,
        )
    return _(
        "It is not shown that coders agree well enough to rely on: Krippendorff's alpha "
        "{alpha:number2} ({span:interval2}), {codes:count} codes of {n:count} units.",
        **said,
    )


def _notes(sample: Sample, left: int, level: str, lost: int) -> str:
    parts = [
        _(
            "{left:count} of {offered:count} units were coded by fewer than two and left out; "
            "codes are taken as {level:label}.",
            left=left,
            offered=len(sample),
            level=level,
        ),
        resampling_note(sample.replace(weight=None)),
    ]
    if lost:
        parts.append(_("{lost:count} resamples had one code only and were left out.", lost=lost))
    return i18n.together(parts)
