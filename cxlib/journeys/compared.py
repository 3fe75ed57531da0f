"""Two groups of journeys compared, or two periods: which ways are taken more or less often.

journeys.compare(counts[one], counts[other], names=("web", "shop"))
journeys.compare_parts(steps, journeys.periods(steps, "2026-01-01"))
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import Estimates
from cxlib.journeys.pairs import Pairs, pairs_of
from cxlib.journeys.steps import counted
from cxlib.journeys.transitions import all_held, shares_of, totals
from cxlib.stats.intervals import simultaneous_interval

EARLIER, LATER = "earlier journeys", "later journeys"


def periods(steps: pd.DataFrame, split: str | pd.Timestamp = "") -> pd.Series:
    """ "earlier" or "later" for each step: whether its journey began before `split`, or from it on.

    Without `split` half of the journeys are earlier. Raises ValueError where one side is empty.
    """
    begun = steps.groupby("journey")["at"].transform("min")
    day = pd.Timestamp(split) if split else begun[steps["step"] == 1].median().normalize()
    late = begun >= day
    if late.all() or not late.any():
        raise ValueError(
            f"all journeys begin on one side of {day:%Y-%m-%d}: from {begun.min():%Y-%m-%d} to "
            f"{begun.max():%Y-%m-%d}. Choose a day between."
        )
    return pd.Series(np.where(late, LATER, EARLIER), index=steps.index)


def compare_parts(
    steps: pd.DataFrame, parts: pd.Series, *, draws: int = 1000, seed: int = 1
) -> Estimates:
    """`compare` of two parts of the steps: later and earlier, or the two largest groups.

    `parts` names the part of each step, or of each customer (by customer_id). Raises ValueError
    where there are not two.
    """
    if not parts.index.equals(steps.index):
        parts = steps["customer_id"].map(parts)
    sizes = parts.dropna().astype(str).value_counts()
    if len(sizes) < 2:
        raise ValueError(f"two parts are needed to compare; there are {len(sizes)}.")
    names = [LATER, EARLIER] if set(sizes.index) == {LATER, EARLIER} else list(sizes.index[:2])
    counts = counted(steps, by=parts)
    one, other = (counts[counts["group"] == n] for n in names)
    return compare(one, other, names=(names[0], names[1]), draws=draws, seed=seed)


def compare(
    one: pd.DataFrame | Pairs,
    other: pd.DataFrame | Pairs,
    *,
    names: tuple[str, str],
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """How much more often each way is taken in `one` than in `other`; all intervals hold together.

    Customers in both (of two periods) are drawn as the same. table: before, term, estimate (share
    of `one` less that of `other`), low, high, n (departures, the fewer of the two), and `differs`:
    whether the interval excludes none.
    """
    parts = []
    for counts in (one, other):
        pairs = pairs_of(counts)
        _unused, shares, again = shares_of(pairs, "bootstrap", draws, seed)
        n = totals(pairs.whole, pairs.leaves)
        index = pd.MultiIndex.from_arrays([pairs.before, pairs.after])
        parts.append((pd.DataFrame({"share": shares, "n": n}, index), again))
    every = parts[0][0].index.union(parts[1][0].index, sort=True)
    sides = [_widened(frame, again, every) for frame, again in parts]
    known = np.array([s[1] for s in sides]).min(0) > 0  # both have been at `before`
    apart = (sides[0][0] - sides[1][0])[known]
    again = (sides[0][2] - sides[1][2])[:, known]
    low, high = simultaneous_interval(apart, again)
    table = pd.DataFrame(
        {
            "before": every.get_level_values(0)[known],
            "term": every.get_level_values(1)[known],
            "estimate": apart,
            "low": np.clip(low, -1, 1),
            "high": np.clip(high, -1, 1),
            "n": np.minimum(sides[0][1], sides[1][1])[known].astype(int),
        }
    )
    table["differs"] = (table["low"] > 0) | (table["high"] < 0)
    note = i18n.together(all_held(len(table), draws))
    facts = {"draws": draws, "seed": seed, "replicates": again}
    return Estimates(table, _what_differs(table, names), note, "share", **facts)


def _widened(
    frame: pd.DataFrame, again: np.ndarray, every: pd.MultiIndex
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(shares, n, draws) at every pair; 0 where nobody took a way from where somebody was."""
    at = frame.index.get_indexer(every)
    of = frame.groupby(level=0)["n"].first()
    n = of.reindex(every.get_level_values(0)).fillna(0).to_numpy()
    shares = np.where(at < 0, 0.0, frame["share"].to_numpy()[at])
    return shares, n, np.where(at < 0, 0.0, again[:, at])


def _what_differs(table: pd.DataFrame, names: tuple[str, str]) -> str:
    sure = table[table["differs"]]
    one, other = (i18n.label(n) if n in (EARLIER, LATER) else f"“{i18n.label(n)}”" for n in names)
    both = {"one": one, "other": other}
    if sure.empty:
        return _("No way is taken surely more or less often in {one} than in {other}.", **both)
    most = sure.loc[sure["estimate"].abs().idxmax()]
    return _(
        "{count:count} ways are taken more or less often in {one} than in {other}; most so from "
        "{before:quoted} to {after:quoted}, by {points:points1} points ({span:interval1}).",
        count=len(sure),
        before=most["before"],
        after=most["term"],
        points=most["estimate"],
        span=(100 * most["low"], 100 * most["high"]),
        **both,
    )
