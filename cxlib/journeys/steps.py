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

from cxlib import moments

NEEDED = ("customer_id", "at", "touchpoint")
COUNTS = ("bucket", "step", "before", "after", "n")


def steps(events: pd.DataFrame, *, by: str = "", gap: float = 0) -> pd.DataFrame:
    """The events in the order of each journey, with what came before and after.

    `by` is the column that tells journeys apart (rows without it are left out); without it a
    journey is a customer's, and ends after `gap` days of silence (0: never). Added to the columns
    of events: journey (0, 1 ...), step (from 1), before and after (touchpoints, missing at the
    ends), wait (days since the step before). Events of one moment keep the order of the file.
    Raises ValueError for missing columns, dates that are none, and when nothing is left.
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
    touchpoint = kept["touchpoint"].astype("string")
    return kept.assign(
        touchpoint=touchpoint,
        journey=journey,
        step=np.arange(len(kept)) - first[journey] + 1,
        before=touchpoint.shift(1).mask(new),
        after=touchpoint.shift(-1).mask(last),
        wait=np.where(new, np.nan, wait),
    ).reset_index(drop=True)


def until_goal(steps: pd.DataFrame, goal: Sequence[str]) -> pd.DataFrame:
    """The steps up to the first that reaches the goal, and `reached`: whether the journey did.

    Without a goal all steps, and none reached. Raises ValueError for a touchpoint nobody met.
    """
    unknown = [g for g in goal if not steps["touchpoint"].eq(g).any()]
    if unknown:
        there = ", ".join(sorted(steps["touchpoint"].unique()))
        raise ValueError(f"nobody met the goal {unknown}. Touchpoints are: {there}.")
    hit = steps["touchpoint"].isin(list(goal)).to_numpy()
    new = np.diff(steps["journey"].to_numpy(), prepend=-1) != 0
    journey = np.cumsum(new) - 1
    so_far = np.cumsum(hit) - hit  # before this step, over all journeys
    kept = so_far == so_far[new][journey]
    reached = np.bincount(journey, hit)[journey] > 0
    after = steps["after"].mask(pd.Series(hit, index=steps.index))
    return steps.assign(reached=reached, after=after)[kept]


def counted(
    steps: pd.DataFrame, *, goal: Sequence[str] = (), most: int = 0, by: pd.Series | None = None
) -> pd.DataFrame:
    """How often each touchpoint follows each, in buckets of customers.

    bucket (`moments.keys_of` the customer), step (of `after`, up to `most`, later ones left out; 0
    for all together), before (missing: a journey begins), after (missing: it ends, without the
    goal), n. With a `goal` journeys are counted up to it. `by` names a group for each row of
    `steps`, which becomes a column in front.
    """
    cut = until_goal(steps, goal)
    parts = [cut[["before", "touchpoint", "step"]].set_axis(["before", "after", "step"], axis=1)]
    ends = cut["after"].isna() & ~cut["touchpoint"].isin(list(goal))
    over = cut.loc[ends, ["touchpoint", "step"]].set_axis(["before", "step"], axis=1)
    parts.append(over.assign(after=pd.Series(pd.NA, index=over.index, dtype="string"),
                             step=over["step"] + 1))  # fmt: skip
    keys = pd.Series(moments.keys_of(cut, "customer_id"), index=cut.index)
    rows = pd.concat([p.assign(bucket=keys[p.index]) for p in parts])
    columns = list(COUNTS[:-1])
    if by is not None:
        rows["group"] = by[rows.index].astype("string")
        rows, columns = rows[rows["group"].notna()], ["group", *columns]
    rows["step"] = rows["step"].where(rows["step"] <= most, 0) if most else 0
    if most:
        rows = rows[rows["step"] > 0]
    return rows.groupby(columns, dropna=False, sort=True).size().rename("n").reset_index()
