"""Who moved between grades from one day to another."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.data.purchases import seen_from
from cxlib.estimates import Estimates, how_drawn
from cxlib.segments import grading
from cxlib.segments.profiles import tidy, told
from cxlib.stats import resampling

NOBODY = "none"


def moved(
    orders: pd.DataFrame,
    *,
    before: str | pd.Timestamp | None = None,
    after: str | pd.Timestamp | None = None,
    since: int = 90,
    window: int = 365,
    grades: int = 5,
    draws: int = 1000,
    seed: int = 1,
) -> Estimates:
    """Transitions between the grades of two days, a row a pair.

    `after` is by default the day after the last order, `before` the day `since` days earlier. The
    table has grade (before), term (after), estimate (share of those who had the grade before),
    low, high, n (who had the grade before). Both days see the orders of the
    `window` days before them, by the cut points of `before`, so that a move is the customer's own.
    Who ordered nothing in a window has no grade there. Intervals draw customers whole and hold
    together. Raises ValueError for days that are none, in the wrong order, or without orders.
    """
    last = seen_from(orders, after)
    before = last - pd.Timedelta(days=since) if before is None else before
    first = seen_from(orders, before)
    days = [first, last]
    if not days[0] < days[1]:
        raise ValueError(
            f"before is {days[0]:%Y-%m-%d} and after {days[1]:%Y-%m-%d}; the first must be earlier."
        )
    habits = [
        grading.habits_of(orders[orders["at"] >= day - pd.Timedelta(days=window)], day)[0]
        for day in days
    ]
    cuts = grading.cut_points(habits[0], grades)
    then, now = (grading.graded_by(h, *cuts).set_index("customer_id")["grade"] for h in habits)
    both = pd.concat([then, now], axis=1, keys=["then", "now"]).fillna(NOBODY)
    states = [*grading.GRADES, NOBODY]
    had = set(both["then"])
    pairs = [(a, b) for a in states if a in had for b in states if (a, b) != (NOBODY, NOBODY)]
    place = {pair: at for at, pair in enumerate(pairs)}
    at = np.array([place[pair] for pair in zip(both["then"], both["now"], strict=True)])
    counted = (at[:, None] == np.arange(len(pairs))).astype(float)
    whole = counted.sum(0)
    froms = np.array([states.index(a) for a, _ in pairs])
    inside = (froms[:, None] == np.arange(len(states))).astype(float)
    share = _shares(whole[None], inside)[0]
    drawn = _shares(resampling.resample_sums(counted, draws, seed), inside)
    n = (whole @ inside)[froms].astype(int)
    about = {"grade": [_name(a) for a, _ in pairs], "term": [_name(b) for _, b in pairs]}
    table = tidy(about, share, drawn, n, share=True)
    facts = {"before": f"{days[0]:%Y-%m-%d}", "after": f"{days[1]:%Y-%m-%d}"}
    return Estimates(
        table,
        _answer(table, facts),
        i18n.together([_note(window, len(both)), how_drawn(draws, bucket="customer_id")]),
        "share",
        draws=draws,
        seed=seed,
    )


def _shares(counts: np.ndarray, inside: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return counts / (counts @ inside @ inside.T)


def _name(state: str) -> str:
    return _("no order") if state == NOBODY else grading.grade_name(state)


def _answer(table: pd.DataFrame, facts: dict[str, str]) -> str:
    kept = table[(table["grade"] == _name("A")) & (table["term"] == _name("A"))]
    if kept.empty:
        return _("Nobody was important (A) on {before}.", **facts)
    row = kept.iloc[0]
    return _(
        "Of {n} customers who were important (A) on {before}, {share} ({span}) are so on {after}.",
        **told(row, "share"),
        **facts,
    )


def _note(window: int, n: int) -> str:
    return _(
        "{n:count} customers ordered in the {window:count} days before one of the two days; the "
        "cut points are those of the first.",
        n=n,
        window=window,
    )
