"""Events as steps of journeys, and how often one touchpoint follows another.

    steps = journeys.steps(events, gap=90)       # journey, step, before, after, wait ...
    counts = journeys.count_transitions(steps, goal=["booking"])   # cluster, step, before, after, n

A journey is what one value of a column says (an order, a case), or what a customer does until
`gap` days of silence. Counts by cluster of customers are all that transitions, flows and removal
effects need; `study.journeys.transitions` makes the same table by SQL, without the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core.errors import InsufficientData, require_columns, require_dates
from cxlib.core.i18n import _
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.stats import resampling
from cxlib.stats.notes import open_journeys_note


def steps(sample: SampleLike, *, by: str = "", gap: float = 0) -> Sample:
    """The events in the order of each journey, with what came before and after.

    Events of one moment keep the order of the file.

    Parameters
    ----------
    sample : events (customer_id, at, touchpoint)
    by : column that says which journey an event belongs to (rows without it are left out); without
        it a journey is a customer's
    gap : days of silence that end a customer's journey; 0 for none

    Returns
    -------
    Sample, clustered by customer, with added columns: journey (0, 1 ...), step (from 1), before and
    after (touchpoints, missing at the ends; categories, as touchpoint is then), wait (days since
    the step before).

    Raises
    ------
    ValueError : columns that are absent, or a negative gap
    InsufficientData : no event is left

    Examples
    --------
    >>> at = pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-09"])
    >>> events = pd.DataFrame({"customer_id": "c", "at": at, "touchpoint": ["web", "shop", "web"]})
    >>> steps(events, gap=5)[["journey", "step", "wait"]].fillna(-1).values.tolist()
    [[0.0, 1.0, -1.0], [0.0, 2.0, 1.0], [1.0, 1.0, -1.0]]
    """
    sample = as_sample(sample)
    events, of = sample.data, by or "customer_id"
    require_columns(events, ["customer_id", "touchpoint", of], "events")
    require_dates(events, ["at"], "events")
    if gap < 0:
        raise ValueError(f"gap is {gap} days; it must be 0 or more.")
    kept = events[events[of].notna() & events["at"].notna() & events["touchpoint"].notna()]
    if kept.empty:
        raise InsufficientData(
            _("None of {n:count} events has {of}, at and touchpoint.", n=len(events), of=of)
        )
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
    rows = kept.assign(
        touchpoint=pd.Categorical.from_codes(codes, names),
        journey=journey,
        step=np.arange(len(kept)) - first[journey] + 1,
        before=pd.Categorical.from_codes(before, names),
        after=pd.Categorical.from_codes(after, names),
        wait=np.where(new, np.nan, wait),
    ).reset_index(drop=True)
    return Sample(rows, cluster=sample.cluster or "customer_id", **sample.bootstrap)


def until_goal(sample: Sample, goal: Sequence[str]) -> Sample:
    """The steps up to the first that reaches the goal, and `reached`: whether the journey did.

    Without a goal all steps, and none reached. Raises ValueError for a touchpoint nobody met.
    """
    rows = sample.data
    met = set(rows["touchpoint"].unique())
    if unknown := [g for g in goal if g not in met]:
        there = ", ".join(sorted(met))
        raise ValueError(f"nobody met the goal {unknown}. Touchpoints are: {there}.")
    hit = rows["touchpoint"].isin(list(goal)).to_numpy()
    new = np.diff(rows["journey"].to_numpy(), prepend=-1) != 0
    journey = np.cumsum(new) - 1
    so_far = np.cumsum(hit) - hit  # before this step, over all journeys
    kept = so_far == so_far[new][journey]
    reached = np.bincount(journey, hit)[journey] > 0
    return sample.assign(reached=reached, after=rows["after"].mask(hit)).where(kept)


def count_transitions(
    sample: Sample,
    *,
    goal: Sequence[str] = (),
    most: int = 0,
    by: pd.Series | None = None,
    patience: float = 0,
) -> Sample:
    """How often each touchpoint follows each, by cluster of customers.

    What follows a step of the last `patience` days is not known for all: where nothing has followed
    yet, the journey may go on. So nothing is counted from these steps, whether or not another
    follows. Shares of the others are those of journeys that were observed to their end.

    Parameters
    ----------
    sample : of `steps`
    goal : touchpoints up to which journeys are counted; empty for whole journeys
    most : steps that are counted one by one, later ones left out; 0 for all together
    by : group of each row of the steps, which becomes a column in front
    patience : days without a step after which a journey counts as ended; 0 where all journeys of
        the data are over

    Returns
    -------
    Sample of [group,] cluster (`resampling.keys_of`), step (of `after`; 0 for all together), before
    (missing: a journey begins), after (missing: it ends, without the goal), n.

    Raises
    ------
    ValueError : nobody met the goal

    Examples
    --------
    >>> at = pd.to_datetime(["2026-01-01", "2026-01-02"])
    >>> events = pd.DataFrame({"customer_id": "c", "at": at, "touchpoint": ["web", "shop"]})
    >>> count_transitions(steps(events))["n"].tolist()
    [1, 1, 1]
    >>> count_transitions(steps(events), patience=1)["n"].tolist()  # the shop may not be the end
    [1, 1]
    """
    cut = until_goal(sample, goal).data
    day = pd.Timedelta(days=1)
    known = sample["at"].max() - patience * day if patience else cut["at"].max()
    left = cut["at"].shift().mask(cut["before"].isna())  # when the step before was
    touchpoint, names = cut["touchpoint"].cat, cut["touchpoint"].cat.categories
    here, step = touchpoint.codes.to_numpy(np.int64), cut["step"].to_numpy()
    over = cut["after"].isna() & ~cut["touchpoint"].isin(list(goal)) & (cut["at"] <= known)
    over, followed = over.to_numpy(), ~(left > known).to_numpy()
    keys = resampling.keys_of(cut, sample.cluster)
    group, groups = np.zeros(len(cut), int), None
    if by is not None:
        group, groups = pd.factorize(by[cut.index].astype("string"), sort=True)
    columns = [  # each step from the one before, and each end
        np.r_[group[followed], group[over]],
        np.r_[keys[followed], keys[over]],
        np.r_[step[followed], step[over] + 1],
        np.r_[cut["before"].cat.codes.to_numpy(np.int64)[followed], here[over]] + 1,
        np.r_[here[followed], np.full(over.sum(), -1)] + 1,
    ]
    kept = columns[0] >= 0
    if most:
        kept &= columns[2] <= most
    else:
        columns[2] = np.zeros_like(columns[2])
    columns = [c[kept] for c in columns]
    sizes = [c.max(initial=0) + 1 for c in columns]
    kinds, n = np.unique(np.ravel_multi_index(columns, sizes), return_counts=True)
    group, cluster, step, before, after = np.unravel_index(kinds, sizes)
    found = {
        "cluster": cluster,
        "step": step,
        "before": pd.Categorical.from_codes(before - 1, names),
        "after": pd.Categorical.from_codes(after - 1, names),
        "n": n,
    }
    first = {} if groups is None else {"group": np.asarray(groups, object)[group]}
    rows = pd.DataFrame({**first, **found})
    notes = (open_journeys_note(patience),) if patience else ()
    return Sample(rows, cluster="cluster", notes=notes, **sample.bootstrap)
