"""Migration of customers between RFM grades from one date to another."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Result
from cxlib.core.sample import Sample, SampleLike
from cxlib.segments.profiles import interval_table
from cxlib.segments.rfm import (
    GRADES,
    CountedHabits,
    assign_grades,
    bounds,
    cut_points,
    dated_orders,
    grade_name,
    purchase_habits,
    spread_of,
)
from cxlib.stats import resampling
from cxlib.stats.notes import resampling_note
from cxlib.stats.resampling import hashed

NOBODY = "none"


def grade_migration(
    sample: SampleLike | CountedHabits,
    *,
    before: str | pd.Timestamp | None = None,
    after: str | pd.Timestamp | None = None,
    since: int = 90,
    window: int = 365,
    grades: int = 5,
) -> Result:
    """Transitions between the RFM grades of two dates, a row a pair.

    Both dates see the orders of the days before them, by the cut points of `before`, so that a move
    is the customer's own. Who ordered nothing in a window has no grade there.

    Parameters
    ----------
    sample : orders, as for `rfm`, in rows or counted
    before, after : the dates; by default the day after the last order, and `since` days earlier
    since : days between the two
    window : days of orders seen
    grades : as in `rfm`

    Returns
    -------
    Result whose table has grade (before), term (after), estimate (share of those who had the grade
    before), n (who had the grade before), low, high, simultaneous_low, simultaneous_high

    Raises
    ------
    ValueError : no dates, dates in the wrong order or without orders

    Examples
    --------
    >>> at = pd.to_datetime(["2026-01-05"] * 30 + ["2026-03-30"] * 20)
    >>> rows = {"customer_id": [*range(30), *range(20)], "at": at, "amount": 9.0}
    >>> table = grade_migration(pd.DataFrame(rows), since=30, window=60, grades=2).table
    >>> table.loc[table["estimate"] > 0, ["grade", "term", "n"]].values.tolist()
    [['potential (C)', 'potential (C)', 30], ['potential (C)', 'no order', 30]]
    """
    counted = None if isinstance(sample, Sample | pd.DataFrame) else sample
    orders = sample
    sample, last = dated_orders(sample, after)
    before = last - pd.Timedelta(days=since) if before is None else before
    first = dated_orders(orders, before)[1]
    days = [first, last]
    if not days[0] < days[1]:
        raise ValueError(
            f"before is {days[0]:%Y-%m-%d} and after {days[1]:%Y-%m-%d}; the first must be earlier."
        )
    seen = [(day, day - pd.Timedelta(days=window), counted) for day in days]
    habits = [purchase_habits(sample.data, *window_)[0] for window_ in seen]
    edges, points = cut_points(spread_of(habits[0], counted, first, window), grades)
    then, now = (assign_grades(h, edges, points).set_index("customer_id")["grade"] for h in habits)
    both = pd.concat([then, now], axis=1, keys=["grade0", "grade1"]).fillna(NOBODY)
    both = both.assign(key=hashed(both.index), n=1)
    if counted is not None:
        starts = points["A"][0], points["B"][0]
        others = counted.graded(bounds(edges), starts, days, window)
        both = pd.concat([both, others.drop(columns="spend")], ignore_index=True)
    states = [*GRADES, NOBODY]
    had = set(both["grade0"])
    pairs = [(a, b) for a in states if a in had for b in states if (a, b) != (NOBODY, NOBODY)]
    place = {pair: at for at, pair in enumerate(pairs)}
    at = np.array([place[pair] for pair in zip(both["grade0"], both["grade1"], strict=True)])
    n_of = (at[:, None] == np.arange(len(pairs))) * both[["n"]].to_numpy(float)
    whole, units = n_of.sum(0), resampling.ResamplingUnits(both["key"].to_numpy(np.int64))
    froms = np.array([states.index(a) for a, _ in pairs])
    inside = (froms[:, None] == np.arange(len(states))).astype(float)
    share = _shares(whole[None], inside)[0]
    drawn = _shares(resampling.resample_sums(n_of, sample.draws, sample.seed, units), inside)
    n = (whole @ inside)[froms].astype(int)
    about = {"grade": [_name(a) for a, _ in pairs], "term": [_name(b) for _, b in pairs]}
    table = interval_table(about, share, drawn, n, share=True)
    facts = {"before": i18n.day(days[0]), "after": i18n.day(days[1])}
    notes = [
        _note(window, int(both["n"].sum())),
        resampling_note(sample.replace(cluster="customer_id")),
    ]
    return Result(table, _finding(table, facts), i18n.together(notes), "share", **sample.bootstrap)


def _shares(counts: np.ndarray, inside: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return counts / (counts @ inside @ inside.T)


def _name(state: str) -> str:
    return _("no order") if state == NOBODY else grade_name(state)


def _finding(table: pd.DataFrame, facts: dict[str, str]) -> Finding:
    kept = table[(table["grade"] == _name("A")) & (table["term"] == _name("A"))]
    if kept.empty:
        return Finding(_("Nobody was important (A) on {before}.", **facts))
    row = kept.iloc[0]
    claim = _(
        "{share:share} of the customers who were important (A) on {before} are still so on "
        "{after}.",
        share=row.estimate,
        **facts,
    )
    detail = _("95% CI {span:share_interval}; n = {n:count}", span=(row.low, row.high), n=row.n)
    return Finding.of_row(row, claim, detail, unit="share")


def _note(window: int, n: int) -> str:
    return _(
        "{n:count} customers ordered in the {window:count} days before one of the two days; the "
        "cut points are those of the first.",
        n=n,
        window=window,
    )
