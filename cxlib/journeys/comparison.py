"""Two groups of journeys compared, or two periods: which paths are taken more or less often.

journeys.compare_transitions(one, other, names=("web", "shop"))
journeys.compare_groups(steps, journeys.periods(steps, "2026-01-01"))
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import deciding_ends
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike
from cxlib.journeys.counts import BEGINS, ENDS, TransitionCounts, counts_of
from cxlib.journeys.steps import count_transitions
from cxlib.journeys.transitions import interval_notes, totals, transition_shares
from cxlib.stats.intervals import interval_columns

EARLIER, LATER = "earlier journeys", "later journeys"


def periods(sample: Sample, split: str | pd.Timestamp = "") -> pd.Series:
    """Label each step "earlier journeys" or "later journeys", by when its journey began.

    Parameters
    ----------
    sample : of `steps`
    split : first day of the later period; by default half of the journeys are earlier

    Raises
    ------
    InsufficientData : all journeys begin on one side

    Examples
    --------
    >>> from cxlib.journeys.steps import steps
    >>> at = pd.to_datetime(["2026-01-01", "2026-02-01"])
    >>> events = pd.DataFrame({"customer_id": ["a", "b"], "at": at, "touchpoint": "web"})
    >>> periods(steps(events), "2026-01-15").tolist()
    ['earlier journeys', 'later journeys']
    """
    steps = sample.data
    begun = steps.groupby("journey")["at"].transform("min")
    day = pd.Timestamp(split) if split else begun[steps["step"] == 1].median().normalize()
    late = begun >= day
    if late.all() or not late.any():
        raise InsufficientData(
            _(
                "All journeys start on one side of {day:date}: from {first:date} to {last:date}. "
                "Choose a day between.",
                day=day,
                first=begun.min(),
                last=begun.max(),
            )
        )
    return pd.Series(np.where(late, LATER, EARLIER), index=steps.index)


def compare_groups(sample: Sample, groups: pd.Series, *, patience: float = 30) -> Result:
    """`compare_transitions` of two groups: later and earlier journeys, or the two largest groups.

    Parameters
    ----------
    sample : of `steps`
    groups : the group of each step, or of each customer (by customer_id)
    patience : days without a step after which a journey counts as ended; what follows the steps of
        the last such days is not known for all, and left out

    Raises
    ------
    InsufficientData : there are not two groups

    Examples
    --------
    >>> from cxlib.journeys.steps import steps
    >>> at = pd.to_datetime(["2026-01-01", "2026-02-01"])
    >>> events = pd.DataFrame({"customer_id": ["a", "b"], "at": at, "touchpoint": ["web", "shop"]})
    >>> rows = steps(events)
    >>> compare_groups(rows, periods(rows, "2026-01-15")).table["estimate"].tolist()
    [1.0, -1.0]
    """
    if not groups.index.equals(sample.data.index):
        groups = sample["customer_id"].map(groups)
    sizes = groups.dropna().astype(str).value_counts()
    if len(sizes) < 2:
        raise InsufficientData(
            _("Two groups are needed to compare; there are {n:count}.", n=len(sizes))
        )
    names = [LATER, EARLIER] if set(sizes.index) == {LATER, EARLIER} else list(sizes.index[:2])
    counts = count_transitions(sample, by=groups, patience=patience)
    one, other = (counts.where(counts["group"] == n) for n in names)
    return compare_transitions(one, other, names=(names[0], names[1]))


def compare_transitions(
    one: SampleLike | TransitionCounts,
    other: SampleLike | TransitionCounts,
    *,
    names: tuple[str, str],
) -> Result:
    """How much more often each path is taken in `one` than in `other`.

    Customers in both (of two periods) are resampled as the same.

    Parameters
    ----------
    one, other : counts of `count_transitions`, with the same draws and seed
    names : what readers call them

    Returns
    -------
    Result with "table": before, term, estimate (share of `one` minus that of `other`), n
    (departures, the fewer of the two), low, high, simultaneous_low, simultaneous_high, and
    differs: whether the simultaneous interval excludes 0.

    Examples
    --------
    >>> from cxlib.journeys.counts import paths
    >>> one = pd.DataFrame({"path": ["ad > web", "web"], "completed": [1, 1]})
    >>> other = one.assign(completed=[1, 3])
    >>> fit = compare_transitions(paths(one), paths(other), names=("2026", "2025"))
    >>> fit.table[["term", "estimate"]].values.tolist()[:2]
    [['web', 0.0], ['ad', 0.25]]
    """
    parts = []
    counts = [counts_of(c) for c in (one, other)]
    for pairs in counts:
        shares, again = transition_shares(pairs)
        n = totals(pairs.whole, pairs.leaves)
        index = pd.MultiIndex.from_arrays([pairs.before, pairs.after])
        parts.append((pd.DataFrame({"share": shares, "n": n}, index), again))
    every = parts[0][0].index.union(parts[1][0].index, sort=True)
    sides = [_widened(frame, again, every) for frame, again in parts]
    known = np.array([s[1] for s in sides]).min(0) > 0  # both have been at `before`
    apart = (sides[0][0] - sides[1][0])[known]
    again = (sides[0][2] - sides[1][2])[:, known]
    ends = {c: np.clip(end, -1, 1) for c, end in interval_columns(apart, again).items()}
    table = pd.DataFrame(
        {
            "before": every.get_level_values(0)[known],
            "term": every.get_level_values(1)[known],
            "estimate": apart,
            "n": np.minimum(sides[0][1], sides[1][1])[known].astype(int),
            **ends,
        }
    )
    low, high = deciding_ends(table)
    table["differs"] = (low > 0) | (high < 0)
    sample = counts[0].sample
    return Result(
        table,
        _finding(table, names),
        i18n.together(interval_notes(len(table), sample)),
        "gap",
        **sample.bootstrap,
        replicates=again,
    )


def _widened(
    frame: pd.DataFrame, again: np.ndarray, every: pd.MultiIndex
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(shares, n, draws) at every pair; 0 where nobody took a path from where somebody was."""
    at = frame.index.get_indexer(every)
    of = frame.groupby(level=0)["n"].first()
    n = of.reindex(every.get_level_values(0)).fillna(0).to_numpy()
    shares = np.where(at < 0, 0.0, frame["share"].to_numpy()[at])
    return shares, n, np.where(at < 0, 0.0, again[:, at])


def _finding(table: pd.DataFrame, names: tuple[str, str]) -> Finding:
    differing = table[table["differs"]]
    one, other = (i18n.label(n) if n in (EARLIER, LATER) else f"“{i18n.label(n)}”" for n in names)
    facts: dict[str, object] = {"one": one, "other": other}
    if differing.empty:
        claim = _(
            "No path is taken significantly more or less often in {one} than in {other}.", **facts
        )
        return Finding(claim, verdict="unchanged", importance=Importance.METHOD)
    most = differing.loc[differing["estimate"].abs().idxmax()]
    facts |= {
        "before": most["before"],
        "after": most["term"],
        "points": i18n.signed(100 * most["estimate"]),
        "span": (100 * most["low"], 100 * most["high"]),
        "n": len(differing),
    }
    more = most["estimate"] > 0
    if most["before"] == BEGINS:
        claim = (
            _("Journeys begin with {after:quoted} more often in {one} than in {other}.", **facts)
            if more
            else _(
                "Journeys begin with {after:quoted} less often in {one} than in {other}.", **facts
            )
        )
    elif most["term"] == ENDS:
        claim = (
            _("Journeys end at {before:quoted} more often in {one} than in {other}.", **facts)
            if more
            else _("Journeys end at {before:quoted} less often in {one} than in {other}.", **facts)
        )
    elif more:
        claim = _(
            "Customers go from {before:quoted} to {after:quoted} more often in {one} than in "
            "{other}.",
            **facts,
        )
    else:
        claim = _(
            "Customers go from {before:quoted} to {after:quoted} less often in {one} than in "
            "{other}.",
            **facts,
        )
    detail = ngettext(
        "{points} percentage points (95% CI {span:interval1}); {n:count} path differs "
        "significantly",
        "{points} percentage points (95% CI {span:interval1}); {n:count} paths differ "
        "significantly",
        len(differing),
        points=facts["points"],
        span=facts["span"],
    )
    return Finding.of_row(most, claim, detail, unit="share")
