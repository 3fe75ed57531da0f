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
from cxlib.estimates import Estimates, how_drawn
from cxlib.stats import resampling
from cxlib.stats.agreement import krippendorff_alpha
from cxlib.stats.intervals import estimates_table, expanded_level, failed_draws

LEVELS = ("nominal", "ordinal", "interval")
RELIABLE, TENTATIVE = 0.8, 0.667
WORDS = ("nominal", "ordinal", "interval", "codes", "coders")  # what tables call them


def krippendorff(
    codings: pd.DataFrame,
    coders: Sequence[str] | None = None,
    *,
    level: str = "nominal",
    bucket: str | None = None,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Krippendorff's alpha with a 95% interval; a row is a unit, a column what one coder said.

    `coders` are the columns (all but `bucket` when None). `level` tells how far two codes lie
    apart: "nominal" (the same or not), "ordinal" (an ordered category or a number, by rank) or
    "interval" (a number, by its square). Units are drawn anew, those of one customer (`bucket`)
    together. table: term "alpha", estimate, low, high, n (units that two or more coded), and
    `coders`, `codes`. Raises ValueError where no unit has two codes, or all codes are the same.

    Krippendorff (2011), Computing Krippendorff's Alpha-Reliability; units drawn as in Zapf,
    Castell, Morawietz and Karch (2016), BMC Medical Research Methodology 16:93.
    """
    coders = [c for c in codings if c != bucket] if coders is None else list(coders)
    values, places = _codes(codings, coders, level)
    counts = (places[:, :, None] == np.arange(len(values))).sum(1).astype(float)
    paired = counts.sum(1) >= 2
    if not paired.any():
        raise ValueError(f"none of {len(codings):,} units was coded by two of {', '.join(coders)}.")
    counts = counts[paired]
    keys = resampling.keys_of(codings, bucket)[paired]
    estimate = krippendorff_alpha(counts, np.ones((1, len(counts))), values, level)
    if np.isnan(estimate[0]):
        raise ValueError(
            f"all {int(counts.sum()):,} codes are {values[counts.any(0)][0]!r}; without a second "
            "code agreement cannot be told from habit."
        )
    times = resampling.multiplicities(keys, draws, seed)
    drawn = krippendorff_alpha(counts, times, values, level)[:, None]
    table = estimates_table(
        ["alpha"], estimate, drawn, len(counts), level=expanded_level(len(np.unique(keys)))
    ).assign(coders=len(coders), codes=int(counts.sum()))
    return Estimates(
        table,
        _answer(table.iloc[0]),
        _note(len(codings) - len(counts), len(codings), level, draws, failed_draws(drawn), bucket),
        "alpha",
        draws=draws,
        seed=seed,
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


def _answer(row: pd.Series) -> str:
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


def _note(left: int, offered: int, level: str, draws: int, lost: int, bucket: str | None) -> str:
    parts = [
        _(
            "{left:count} of {offered:count} units were coded by fewer than two and left out; "
            "codes are taken as {level:label}.",
            left=left,
            offered=offered,
            level=level,
        ),
        how_drawn(draws, bucket=bucket),
    ]
    if lost:
        parts.append(_("{lost:count} draws held one code only and were set aside.", lost=lost))
    return i18n.together(parts)
