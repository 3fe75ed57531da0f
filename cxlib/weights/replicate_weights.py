"""Replicate weights that come with a file: its makers' own account of how precise its numbers are.

    sample = weights.with_replicates(sample, [f"rep{r}" for r in range(1, 81)], kind="brr")

The variance of an estimate is the sum over replicates of its squared distance from the estimate,
times a factor that belongs to how they were made (Wolter 2007, Introduction to Variance
Estimation). Here each bootstrap draw moves the weights by a random sum of those distances, so that
draws of any statistic vary as the replicates say (as the generalised bootstrap does: Beaumont and
Patak 2012, International Statistical Review 80(1)), however few replicates there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from cxlib.core.errors import require_choice, require_columns
from cxlib.core.sample import ReplicateWeights, Sample, SampleLike, as_sample

KINDS = ("bootstrap", "brr", "fay", "jk1", "jk2")


def with_replicates(
    sample: SampleLike,
    columns: Sequence[str],
    *,
    kind: str,
    weight: str = "weight",
    fay: float = 0.5,
) -> Sample:
    """The sample, whose resamples then follow the replicate weights in `columns`.

    Parameters
    ----------
    sample : rows with their weights
    columns : two or more columns of replicate weights
    kind : how they were made: "bootstrap" or "brr" (mean of the squares), "fay" (the same over
        (1 - `fay`)²), "jk1" (leaving out one unit of R: (R - 1) / R), "jk2" (pairs: their sum)
    weight : column of the weights they replicate
    fay : Fay's coefficient, 0 to 1

    Returns
    -------
    Sample weighted by `weight`, no longer raked in every resample.

    Raises
    ------
    ValueError : unknown kind or columns, fewer than two columns, weights that are missing, negative
        or zero where replicates are not

    References
    ----------
    Wolter (2007); Beaumont and Patak (2012).

    Examples
    --------
    >>> rows = pd.DataFrame({"weight": [1.0, 1.0], "r1": [2.0, 0.0], "r2": [0.0, 2.0]})
    >>> with_replicates(rows, ["r1", "r2"], kind="jk1").replicate_weights.factor
    0.5
    """
    sample = as_sample(sample)
    require_choice("kind", kind, KINDS)
    if len(columns) < 2:
        raise ValueError(f"{len(columns)} columns of replicate weights; at least 2 are needed.")
    require_columns(sample.data, [weight, *columns])
    numbers = sample.data[[weight, *columns]].apply(pd.to_numeric, errors="coerce")
    given = numbers.to_numpy(float, na_value=np.nan)
    if bad := int((~(given >= 0)).any(1).sum()):
        raise ValueError(
            f"{bad:,} of {len(given):,} rows have a weight or replicate weight that is negative, "
            "missing or text. Give every row weights of 0 or more."
        )
    if lost := int(((given[:, 0] == 0) & (given[:, 1:] > 0).any(1)).sum()):
        raise ValueError(f"{lost:,} rows have replicate weights over 0 and a weight of 0.")
    count = len(columns)
    factors = {"fay": 1 / (count * (1 - fay) ** 2), "jk1": (count - 1) / count, "jk2": 1.0}
    design = ReplicateWeights(tuple(columns), factors.get(kind, 1 / count))
    return replace(sample, weight=weight, raking=None, replicate_weights=design, design=None)
