"""Who comes before whom, and how sure that is: differences of all pairs, ranks, and the top set.

Bootstrap intervals of a rank itself are too short where drivers are close. Instead all pairwise
differences are held at once (max-t); a driver is behind those that are surely larger and ahead of
those that are surely smaller. All true ranks lie in the intervals together, with the level of the
differences: Mogstad, Romano, Shaikh and Wilhelm (2024), Review of Economic Studies 91(1).

The top set asks less, and is smaller: a driver leaves it when it is surely behind the best of the
others. The true first is in it with that confidence: Gupta (1965), Technometrics 7(2); Hsu (1984).
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from cxlib.estimates import LEVEL, at_once


def pairs(
    terms: list[str], point: np.ndarray, again: np.ndarray, n: int, *, level: float = LEVEL
) -> pd.DataFrame:
    """Differences of all pairs: term, other, estimate, low, high, n, chance (that term > other).

    `again` is (draws, terms). The intervals hold at once; the larger of a pair comes first.
    """
    order = np.argsort(-np.nan_to_num(point, nan=-np.inf), kind="stable")
    both = [(order[i], order[j]) for i, j in combinations(range(len(terms)), 2)]
    one, other = np.array(both, int).reshape(-1, 2).T
    apart, drawn = point[one] - point[other], again[:, one] - again[:, other]
    low, high = at_once(apart, drawn, level) if len(both) else (apart, apart)
    known = ~np.isnan(drawn).any(1)
    ahead = (drawn[known] > 0).mean(0) if known.any() else np.full(len(both), np.nan)
    names = np.array(terms, object)
    return pd.DataFrame(
        {"term": names[one], "other": names[other], "estimate": apart, "low": low, "high": high,
         "n": n, "chance": ahead}
    )  # fmt: skip


def ranked(
    terms: list[str],
    point: np.ndarray,
    again: np.ndarray,
    differences: pd.DataFrame,
    *,
    level: float = LEVEL,
) -> pd.DataFrame:
    """rank_low, rank_high (1 is the largest; all hold at once), chance_first and top, by term."""
    low, high = pd.Series(1, terms), pd.Series(len(terms), terms)
    clear = differences[differences["low"] > 0]
    low = low.add(clear["other"].value_counts(), fill_value=0).loc[terms].astype(int)
    high = high.sub(clear["term"].value_counts(), fill_value=0).loc[terms].astype(int)
    known = again[~np.isnan(again).any(1)]
    first = np.bincount(known.argmax(1), minlength=len(terms)) if len(known) else np.nan
    chance = pd.Series(first / max(len(known), 1), terms)
    top = pd.Series([_may_lead(j, point, known, level) for j in range(len(terms))], terms)
    return pd.DataFrame({"rank_low": low, "rank_high": high, "chance_first": chance, "top": top})


def _may_lead(j: int, point: np.ndarray, again: np.ndarray, level: float) -> bool:
    """Whether driver j is not surely behind one of the others (one-sided max-t)."""
    if len(point) < 2 or len(again) < 2:
        return True
    lag, drawn = np.delete(point, j) - point[j], np.delete(again, j, axis=1) - again[:, [j]]
    error = np.maximum(drawn.std(0, ddof=1), 1e-12)
    reach = np.quantile(((drawn - lag) / error).max(1), level)
    return bool((lag / error).max() <= reach)


def chances(differences: pd.DataFrame) -> pd.DataFrame:
    """The share of draws in which the row's driver is ahead of the column's: a square table."""
    terms = list(dict.fromkeys([*differences["term"], *differences["other"]]))
    square = pd.DataFrame(np.nan, index=terms, columns=terms)
    for row in differences.itertuples():
        square.loc[row.term, row.other] = row.chance
        square.loc[row.other, row.term] = 1 - row.chance
    return square
