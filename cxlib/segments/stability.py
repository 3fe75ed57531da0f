"""How many segments, and whether each would be found again among other customers.

Each number of segments is tried on bootstrap samples of the customers; a segment is stable when a
sample has one much like it: the Jaccard similarity, customers in both over customers in either
(Hennig 2007). From 0.75 a segment may be reported, from 0.60 it is a pattern; below, it gets no
name.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cxlib.segments.profiles import REPORT

SMALLEST = 0.02  # share of customers below which a segment is of no use


@dataclass(frozen=True)
class Trial:
    """k segments: share (k,), jaccard (draws, k), `solution` of the model, and facts.

    `merit` sets stable numbers in order: the more the better.
    """

    share: np.ndarray
    jaccard: np.ndarray
    solution: Any
    merit: float
    facts: dict[str, float] = field(default_factory=dict)

    @property
    def stability(self) -> np.ndarray:
        """Mean Jaccard of each segment, (k,)."""
        return np.nanmean(self.jaccard, axis=0)


def choice_of(tried: dict[int, Trial], chosen: int) -> pd.DataFrame:
    """A row a number: k, the model's facts, stabilities, smallest share, chosen."""
    return pd.DataFrame(
        {
            "k": k,
            **t.facts,
            "stability": np.average(t.stability, weights=t.share),
            "weakest stability": t.stability.min(),
            "smallest share": t.share.min(),
            "chosen": k == chosen,
        }
        for k, t in tried.items()
    )


def choose(tried: dict[int, Trial], sufficient: float = 1.0) -> int:
    """The fewest segments of sufficient merit, where every segment is stable and large enough.

    Merit is how far segments lie apart (k-means: silhouette), or the gain in BIC over no segments
    at all; `sufficient` is a share of the best. If at no number all are stable, the number with the
    most stable weakest segment.
    """
    table = choice_of(tried, 0).set_index("k").assign(merit={k: t.merit for k, t in tried.items()})
    useful = table[table["smallest share"] >= SMALLEST]
    useful = table if useful.empty else useful
    stable = useful[useful["weakest stability"] >= REPORT]
    if stable.empty:
        return int(useful["weakest stability"].idxmax())
    return int(stable.index[stable["merit"] >= sufficient * stable["merit"].max()].min())


def jaccard_with_most_similar(before: np.ndarray, after: np.ndarray, k: int) -> np.ndarray:
    """Jaccard of each segment with its most similar, by labels; NaN where it has nobody."""
    return jaccard_of_counts(np.bincount(before * k + after, minlength=k * k).reshape(k, k))


def jaccard_of_counts(both: np.ndarray) -> np.ndarray:
    """The same from counts of customers, (..., k before, k after)."""
    either = both.sum(-1, keepdims=True) + both.sum(-2, keepdims=True) - both
    with np.errstate(invalid="ignore"):
        likeness = (both / np.maximum(either, 1e-300)).max(axis=-1)
    return np.where(both.sum(-1) > 0, likeness, np.nan)
