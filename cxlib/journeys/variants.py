"""Complete paths: which ways through a journey are most frequent, how long they take, how they end.

fit = journeys.variants(steps, goal=["booking"])
fit.table            # term ("web > shop > booking"): share of journeys, n, steps, days, reached
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.errors import require_columns
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample
from cxlib.journeys.steps import until_goal
from cxlib.privacy import disclosure
from cxlib.stats.estimators import ratio
from cxlib.stats.logit_intervals import share_ends
from cxlib.stats.notes import resampling_note, simultaneous_note
from cxlib.stats.resampling import design

COLUMNS = [
    Column("steps", "steps of the path", "count"),
    Column("days", "median days from the first to the last step", "number", 1),
]


def variants(
    sample: Sample, *, goal: Sequence[str] = (), outcome: str = "", most: int = 10
) -> Result:
    """Most frequent complete paths, with the share of journeys that take each (process variants).

    Parameters
    ----------
    sample : of `steps`
    goal : touchpoints up to which journeys are followed; empty for whole journeys
    outcome : column of the steps, 0 or 1, whose value at the last step of a journey is its outcome
        (solved, complained, bought); none without it
    most : paths that are listed, 1 or more

    Returns
    -------
    Result with "table": term (touchpoints, joined by " > "), estimate (share of all journeys), low,
    high, n (journeys that take it), steps, days (median from the first to the last step),
    simultaneous_low, simultaneous_high, and, with a goal, reached (1 where the path reaches it, 0
    where it ends short of it); and with `outcome` "outcome": term, estimate (share of the journeys
    on this path with outcome 1), low, high, n, simultaneous_low, simultaneous_high.
    The paths were chosen because they are frequent, which overstates the shares of the rarest
    listed ones somewhat.

    Raises
    ------
    ValueError : nobody met the goal, `most` below 1, outcomes that are not 0 or 1

    References
    ----------
    van der Aalst (2016), Process Mining: Data Science in Action.

    Examples
    --------
    >>> from cxlib.journeys.steps import steps
    >>> at = pd.to_datetime(["2026-01-01", "2026-01-03"] * 2 + ["2026-01-01"])
    >>> who, where = ["a", "a", "b", "b", "c"], ["web", "shop", "web", "shop", "web"]
    >>> events = pd.DataFrame({"customer_id": who, "at": at, "touchpoint": where})
    >>> variants(steps(events)).table[["term", "estimate", "days"]].round(2).values.tolist()
    [['web > shop', 0.67, 2.0], ['web', 0.33, 0.0]]
    """
    if most < 1:
        raise ValueError(f"most is {most}; it must be 1 or more.")
    cut = until_goal(sample, goal)
    rows, touchpoint = cut.data, cut.data["touchpoint"].cat
    start = journey_starts(rows)
    place, paths = distinct_paths(touchpoint.codes.to_numpy(), start)
    last = np.r_[start[1:], len(rows)] - 1
    days = (rows["at"].to_numpy()[last] - rows["at"].to_numpy()[start]) / np.timedelta64(1, "D")
    often = np.bincount(place)
    top = np.argsort(-often, kind="stable")[:most]
    one = place[:, None] == top
    journeys = rows.iloc[start]
    of = cut.replace(data=journeys)
    n = len(journeys)
    share, again = ratio(one, np.ones((n, 1)), **design(of))
    label = [i18n.label(str(name)) for name in touchpoint.categories]
    named = pd.DataFrame(
        {
            "term": [" > ".join(label[code] for code in paths[k]) for k in top],
            "estimate": share,
        }
    )
    ends = share_ends(share, again, np.full(len(top), n))
    middle = pd.Series(days).groupby(place).median()
    table = named.assign(
        low=ends["low"],
        high=ends["high"],
        n=often[top],
        steps=[len(paths[k]) for k in top],
        days=middle[top].to_numpy(),
    )
    if goal:
        table["reached"] = journeys["reached"].to_numpy()[one.argmax(0)].astype(float)
    people = of.people(one)
    tables = {"table": disclosure.with_people(table.assign(**ends), people)}
    if outcome:
        result = _outcomes(rows, outcome)[last]
        known = one & np.isfinite(result)[:, None]
        share, drawn = ratio(known * np.nan_to_num(result)[:, None], known, **design(of))
        reach = share_ends(share, drawn, known.sum(0))
        found = named.assign(estimate=share, low=reach["low"], high=reach["high"], n=known.sum(0))
        tables["outcome"] = disclosure.with_people(found.assign(**reach), of.people(known))
    notes = [
        _(
            "{paths:count} different paths of {journeys:count} journeys; the {most:count} listed "
            "make up {share:share} of journeys.",
            paths=len(paths),
            journeys=n,
            most=len(top),
            share=often[top].sum() / n,
        ),
        simultaneous_note(len(top)),
        resampling_note(of),
    ]
    return Result(
        tables,
        _finding(tables["table"], n),
        i18n.together(notes),
        "share",
        columns=COLUMNS
        + [Column("reached", "the path reaches the goal", "share", label="reached")],
        **cut.bootstrap,
        replicates=again,
    )


def journey_starts(rows: pd.DataFrame) -> np.ndarray:
    """The row at which each journey begins, (journeys,); rows of one stand together."""
    return np.flatnonzero(np.diff(rows["journey"].to_numpy(), prepend=-1))


def distinct_paths(codes: np.ndarray, start: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """(the place of each journey's path among the different ones, these), the paths as codes.

    Examples
    --------
    >>> place, paths = distinct_paths(np.array([0, 1, 1, 0, 1]), np.array([0, 2, 3]))
    >>> place.tolist(), [p.tolist() for p in paths]
    ([0, 1, 0], [[0, 1], [1]])
    """
    codes = np.ascontiguousarray(codes, dtype=np.int32)
    whole, width = codes.tobytes(), codes.itemsize
    bounds = width * np.r_[start, len(codes)]
    keys = np.array([whole[a:b] for a, b in pairwise(bounds)] + [None], dtype=object)[:-1]
    place, different = pd.factorize(keys)
    return place, [np.frombuffer(key, dtype=np.int32) for key in different]


def _outcomes(rows: pd.DataFrame, outcome: str) -> np.ndarray:
    require_columns(rows, [outcome], "steps")
    values = rows[outcome].to_numpy(float, na_value=np.nan)
    odd = ~np.isin(values, [0, 1]) & np.isfinite(values)
    if odd.any():
        raise ValueError(
            f"{odd.sum():,} of {len(values):,} rows of {outcome} are neither 0 nor 1 (first: "
            f"{values[odd][0]:g}). Name a column that says yes or no."
        )
    return values


def _finding(table: pd.DataFrame, journeys: int) -> Finding:
    shown = disclosure.shown(table)
    if shown.empty:
        claim = _("No path is taken by enough customers to be shown.")
        return Finding(claim, importance=Importance.METHOD)
    first = shown.iloc[0]
    claim = _(
        "The most frequent path is {path:verbatim}; {share:share} of journeys take it.",
        path=first["term"],
        share=first["estimate"],
    )
    detail = _(
        "95% CI {span:share_interval}; n = {n:count}",
        span=(first["low"], first["high"]),
        n=journeys,
    )
    return Finding.of_row(first, claim, detail, unit="share", measure="path_share")
