"""Who comes before whom, and how sure that is: differences of all pairs, ranks, and the top set.

Bootstrap intervals of a rank itself are too short where drivers are close. Instead a driver is
compared with all others at once (one-sided max-t for each side): it is behind those that are surely
larger, ahead of those that are surely smaller, and its rank lies between (Mogstad, Romano, Shaikh
and Wilhelm 2024, Review of Economic Studies 91(1), marginal confidence sets). Those whose ranks
include 1 are the top set: the true first is among them with 95% confidence or more (Gupta 1965,
Technometrics 7(2); Hsu 1984).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from cxlib.stats import intervals
from cxlib.stats.intervals import LEVEL, simultaneous_interval


def pairs(
    terms: list[str], point: np.ndarray, replicates: np.ndarray, n: int, *, units: float = np.inf
) -> pd.DataFrame:
    """Differences of all pairs: term, other, estimate, low, high, n, chance (that term > other).

    `replicates` is (draws, terms). The intervals hold at once; the larger of a pair comes first.
    """
    order = np.argsort(-np.nan_to_num(point, nan=-np.inf), kind="stable")
    both = [(order[i], order[j]) for i, j in combinations(range(len(terms)), 2)]
    one, other = np.array(both, int).reshape(-1, 2).T
    apart, drawn = point[one] - point[other], replicates[:, one] - replicates[:, other]
    low, high = apart, apart
    if both:  # a slope and a scale are fitted for each driver
        low, high = simultaneous_interval(apart, drawn, units=units, fitted=1 + 2 * len(terms))
    known = ~np.isnan(drawn).any(1)
    ahead = (drawn[known] > 0).mean(0) if known.any() else np.full(len(both), np.nan)
    names = np.array(terms, object)
    return pd.DataFrame(
        {
            "term": names[one],
            "other": names[other],
            "estimate": apart,
            "low": low,
            "high": high,
            "n": n,
            "chance": ahead,
        }
    )


def ranks(
    terms: list[str], point: np.ndarray, replicates: np.ndarray, *, level: float = LEVEL
) -> pd.DataFrame:
    """rank_low, rank_high (1 is the largest), chance_first and top, by term."""
    known = replicates[~np.isnan(replicates).any(1)]
    ends = np.array([_rank(j, point, known, level) for j in range(len(terms))])
    first = np.bincount(known.argmax(1), minlength=len(terms)) if len(known) else np.nan
    chance = first / max(len(known), 1)
    facts = {"rank_low": ends[:, 0], "rank_high": ends[:, 1], "chance_first": chance}
    return pd.DataFrame(facts | {"top": ends[:, 0] == 1}, index=terms)


def _rank(j: int, point: np.ndarray, replicates: np.ndarray, level: float) -> tuple[int, int]:
    """The interval of driver j's rank: half of the error on either side."""
    k = len(point)
    if k < 2 or len(replicates) < 2:
        return 1, k
    lag, drawn = (
        np.delete(point, j) - point[j],
        np.delete(replicates, j, axis=1) - replicates[:, [j]],
    )
    error = np.maximum(drawn.std(0, ddof=1), 1e-12)
    apart, side = (drawn - lag) / error, (1 + level) / 2
    ahead = (lag / error > intervals.critical_value(apart, side)).sum()
    behind = (-lag / error > intervals.critical_value(-apart, side)).sum()
    return 1 + int(ahead), k - int(behind)


def order_probabilities(differences: pd.DataFrame) -> pd.DataFrame:
    """Share of resamples in which the row's driver is ahead of the column's: a square table.

    Parameters
    ----------
    differences : the table of that name of `importance`

    Examples
    --------
    >>> pair = pd.DataFrame({"term": ["room"], "other": ["price"], "chance": [0.9]})
    >>> order_probabilities(pair).round(1).loc["price", "room"]
    np.float64(0.1)
    """
    terms = list(dict.fromkeys([*differences["term"], *differences["other"]]))
    square = pd.DataFrame(np.nan, index=terms, columns=terms)
    for row in differences.itertuples():
        square.loc[row.term, row.other] = row.chance
        square.loc[row.other, row.term] = 1 - row.chance
    return square
