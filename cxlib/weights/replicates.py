"""Replicate weights that come with a file: its makers' own account of how sure its numbers are.

    rows = weights.replicated(rows, [f"rep{r}" for r in range(1, 81)], kind="brr")

The variance of an estimate is the sum over replicates of its squared distance from the estimate,
times a factor that belongs to how they were made (Wolter 2007, Introduction to Variance
Estimation). Here each bootstrap draw moves the weights by a random sum of those distances, so that
draws of any statistic vary as the replicates say (as the generalised bootstrap does: Beaumont and
Patak 2012, International Statistical Review 80(1)), however few replicates there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from cxlib.core.sample import ReplicateWeights, Sample, SampleLike

KINDS = ("bootstrap", "brr", "fay", "jk1", "jk2")


def replicated(
    rows: SampleLike,
    columns: Sequence[str],
    *,
    kind: str,
    weight: str = "weight",
    fay: float = 0.5,
) -> Any:
    """The rows, whose draws then follow the replicate weights in `columns` (`attrs["replicates"]`).

    `kind` is how they were made: "bootstrap" or "brr" (mean of the squares), "fay" (the same over
    (1 - `fay`)²), "jk1" (leaving out one unit of R: (R - 1) / R), "jk2" (pairs: their sum).
    `weight` is the column of the weights they replicate. Intervals by draws follow them in every
    method that asks `moments` for its draws. Raises ValueError for an unknown kind, fewer than two
    columns, and weights that are missing, negative or (the whole ones) zero where replicates are
    not.
    """
    if kind not in KINDS:
        raise ValueError(f"kind={kind!r} is not a choice. There are: {', '.join(KINDS)}.")
    if len(columns) < 2:
        raise ValueError(f"{len(columns)} columns of replicate weights; at least 2 are needed.")
    if unknown := [c for c in (weight, *columns) if c not in rows]:
        raise ValueError(f"no column {unknown} of weights in these rows.")
    data = rows.data if isinstance(rows, Sample) else rows
    given = data[[weight, *columns]].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    if bad := int((~(given >= 0)).any(1).sum()):
        raise ValueError(
            f"{bad:,} of {len(rows):,} rows have a weight or replicate weight that is negative, "
            "missing or text. Give every row weights of 0 or more."
        )
    if lost := int(((given[:, 0] == 0) & (given[:, 1:] > 0).any(1)).sum()):
        raise ValueError(f"{lost:,} rows have replicate weights over 0 and a weight of 0.")
    count = len(columns)
    factor = {"fay": 1 / (count * (1 - fay) ** 2), "jk1": (count - 1) / count, "jk2": 1.0}
    if isinstance(rows, Sample):
        design = ReplicateWeights(tuple(columns), factor.get(kind, 1 / count))
        return replace(rows, weight=weight, raking=None, replicate_weights=design)
    known = {weight: (tuple(columns), factor.get(kind, 1 / count))}
    out = rows.copy(deep=False)
    out.attrs = {**rows.attrs, "replicates": {**rows.attrs.get("replicates", {}), **known}}
    return out
