"""Events as steps of journeys, and how often one touchpoint follows another.

    steps = journeys.steps(events, gap=90)       # journey, step, before, after, wait ...
    counts = journeys.counted(steps, goal=["booking"])     # bucket, step, before, after, n

A journey is what one value of a column tells (an order, a case), or what a customer does until
`gap` days of silence. Counts by buckets of customers are all that transitions, flows and removal
effects need; `Reserve.journeys` makes the same table by SQL, without the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.stats import resampling

NEEDED = ("customer_id", "at", "touchpoint")
COUNTS = ("bucket", "step", "before", "after", "n")


def steps(events: pd.DataFrame, *, by: str = "", gap: float = 0) -> pd.DataFrame:
    """The events in the order of each journey, with what came before and after.

    `by` is the column that tells journeys apart (rows without it are left out); without it a
    journey is a customer's, and ends after `gap` days of silence (0: never). Added to the columns
    of events: journey (0, 1 ...), step (from 1), before and after (touchpoints, missing at the
    ends; categories, as touchpoint is then), wait (days since the step before). Events of one
    moment keep the order of the file. Raises ValueError for missing columns, dates that are none,
    and when nothing is left.
    """
    lacking = [c for c in (*NEEDED, *([by] if by else [])) if c not in events]
    if lacking:
        raise ValueError(f"events lack {lacking}. They have: {', '.join(map(str, events))}.")
    if not pd.api.types.is_datetime64_any_dtype(events["at"]):
        raise ValueError(
            f"events.at holds {events['at'].dtype}, not dates. Use pandas.to_datetime."
        )
    if gap < 0:
        raise ValueError(f"gap is {gap} days; it must be 0 or more.")
    of = by or "customer_id"
    kept = events[events[of].notna() & events["at"].notna() & events["touchpoint"].notna()]
    if kept.empty:
        raise ValueError(f"none of {len(events):,} events has {of}, at and touchpoint.")
    owner = pd.factorize(kept[of])[0]
    order = np.lexsort((np.arange(len(kept)), kept["at"].to_numpy(), owner))
    kept, owner = kept.iloc[order], owner[order]
    new = np.diff(owner, prepend=-1) != 0
    wait = np.r_[0.0, np.diff(kept["at"].to_numpy()) / np.timedelta64(1, "D")]
    if gap and not by:
        new |= wait > gap
    journey = np.cumsum(new) - 1
    first = np.flatnonzero(new)
    last = np.r_[new[1:], True]
    codes, names = pd.factorize(kept["touchpoint"], sort=True)
    names = names.astype(str)
    before = np.where(new, -1, np.r_[-1, codes[:-1]])
    after = np.where(last, -1, np.r_[codes[1:], -1])
    return kept.assign(
        touchpoint=pd.Categorical.from_codes(codes, names),
        journey=journey,
        step=np.arange(len(kept)) - first[journey] + 1,
        before=pd.Categorical.from_codes(before, names),
        after=pd.Categorical.from_codes(after, names),
        wait=np.where(new, np.nan, wait),
    ).reset_index(drop=True)


def until_goal(steps: pd.DataFrame, goal: Sequence[str]) -> pd.DataFrame:
    """The steps up to the first that reaches the goal, and `reached`: whether the journey did.

    Without a goal all steps, and none reached. Raises ValueError for a touchpoint nobody met.
    """
    met = set(steps["touchpoint"].unique())
    if unknown := [g for g in goal if g not in met]:
        there = ", ".join(sorted(met))
        raise ValueError(f"nobody met the goal {unknown}. Touchpoints are: {there}.")
    hit = steps["touchpoint"].isin(list(goal)).to_numpy()
    new = np.diff(steps["journey"].to_numpy(), prepend=-1) != 0
    journey = np.cumsum(new) - 1
    so_far = np.cumsum(hit) - hit  # before this step, over all journeys
    kept = so_far == so_far[new][journey]
    reached = np.bincount(journey, hit)[journey] > 0
    after = steps["after"].mask(hit)
    return steps.assign(reached=reached, after=after)[kept]


def counted(
    steps: pd.DataFrame, *, goal: Sequence[str] = (), most: int = 0, by: pd.Series | None = None
) -> pd.DataFrame:
    """How often each touchpoint follows each, in buckets of customers.

    bucket (`resampling.keys_of`), step (of `after`, up to `most`, later ones left out; 0
    for all together), before (missing: a journey begins), after (missing: it ends, without the
    goal), n. With a `goal` journeys are counted up to it. `by` names a group for each row of
    `steps`, which becomes a column in front.
    """
    cut = until_goal(steps, goal)
    touchpoint, names = cut["touchpoint"].cat, cut["touchpoint"].cat.categories
    here, step = touchpoint.codes.to_numpy(np.int64), cut["step"].to_numpy()
    over = (cut["after"].isna() & ~cut["touchpoint"].isin(list(goal))).to_numpy()
    keys = resampling.keys_of(cut, "customer_id")
    group, groups = np.zeros(len(cut), int), None
    if by is not None:
        group, groups = pd.factorize(by[cut.index].astype("string"), sort=True)
    columns = [  # each step from the one before, and each end
        np.r_[group, group[over]],
        np.r_[keys, keys[over]],
        np.r_[step, step[over] + 1],
        np.r_[cut["before"].cat.codes.to_numpy(np.int64), here[over]] + 1,
        np.r_[here, np.full(over.sum(), -1)] + 1,
    ]
    kept = columns[0] >= 0
    if most:
        kept &= columns[2] <= most
    else:
        columns[2] = np.zeros_like(columns[2])
    columns = [c[kept] for c in columns]
    sizes = [c.max(initial=0) + 1 for c in columns]
    kinds, n = np.unique(np.ravel_multi_index(columns, sizes), return_counts=True)
    group, bucket, step, before, after = np.unravel_index(kinds, sizes)
    found = {
        "bucket": bucket,
        "step": step,
        "before": pd.Categorical.from_codes(before - 1, names),
        "after": pd.Categorical.from_codes(after - 1, names),
        "n": n,
    }
    first = {} if groups is None else {"group": np.asarray(groups, object)[group]}
    return pd.DataFrame({**first, **found})
