"""RFM grades: how recently, how often and for how much each customer bought (Hughes 1994).

    grades = rfm(orders, as_of="2026-10-01")
    grades.table          # measure (customers or spend), term, estimate, low, high, n
    grades.cuts           # measure, term (the score), least, most, n

Each of the three is scored from 1 to `grades` by quantiles, equal values always alike, so that a
score may hold nobody. The points are added: A (important) from 70% of the way between fewest and
most points, B (ordinary) from 40%, C (potential) below: those with the most room to grow.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext
from cxlib.data.purchases import seen_from
from cxlib.estimates import Estimates
from cxlib.stats import resampling
from cxlib.stats.intervals import estimates_table

MEASURES = ("recency_days", "orders", "spend")
SCORES = ("recency_score", "orders_score", "spend_score")
GRADES = ("A", "B", "C")
STANDING = (0.7, 0.4)  # share of the way from fewest to most points at which A and B begin


@dataclass(frozen=True)
class Grades(Estimates):
    """RFM grades and what is needed to grade other customers alike.

    Attributes
    ----------
    table : measure (customers or spend), term (the grade), estimate (its share), low, high, n
    cuts : measure, term (the score), least and most (values that get it, both included), n
    points : grade -> (fewest, most) points of the three scores together
    edges : measure -> upper ends of the scores but the best, least wanted first
    as_of : the day seen from; orders on it and later are not counted
    """

    cuts: pd.DataFrame = field(kw_only=True)
    points: dict[str, tuple[int, int]] = field(kw_only=True)
    edges: dict[str, np.ndarray] = field(kw_only=True)
    as_of: pd.Timestamp = field(kw_only=True)


def rfm(
    orders: pd.DataFrame,
    *,
    as_of: str | pd.Timestamp | None = None,
    grades: int = 5,
    draws: int = 1000,
    seed: int = 1,
) -> Grades:
    """Grade the customers by their orders; shares of customers and of spend with 95% intervals.

    `orders` has customer_id, at, amount; an amount below zero is a refund: it counts in the spend,
    not as an order. `as_of` is the day seen from, by default the day after the last order. The
    intervals are over customers drawn whole, at the cut points found. Raises ValueError for
    missing columns, when nothing was bought before `as_of`, or when the spend sums to nothing.
    """
    end = seen_from(orders, as_of)
    habits, notes = habits_of(orders, end)
    total = habits["spend"].sum()
    if not total > 0:
        raise ValueError(
            f"the orders of {len(habits):,} customers sum to {total:g}, so no share of the spend "
            "can be told. Check the sign of amount: sales are positive, refunds negative."
        )
    edges, points = cut_points(habits, grades)
    graded = graded_by(habits, edges, points)
    table = _shares(graded, draws, seed)
    cuts = _cuts(graded, grades)
    return Grades(
        table,
        _answer(table),
        i18n.together([_dated(end, as_of, len(habits)), *notes, *_ties(cuts), _rule(points)]),
        "share",
        draws=draws,
        seed=seed,
        cuts=cuts,
        points=points,
        edges=edges,
        as_of=end,
    )


def grades_of(
    orders: pd.DataFrame, fit: Grades, *, as_of: str | pd.Timestamp | None = None
) -> pd.DataFrame:
    """One row a customer: customer_id, the three measures, their scores, points and grade.

    By the cut points of `fit`, so that grades of two dates may be compared; seen from `as_of`, or
    from the day of the fit.
    """
    end = fit.as_of if as_of is None else seen_from(orders, as_of)
    habits, _unused = habits_of(orders, end)
    return graded_by(habits, fit.edges, fit.points)


def grade_of_each(orders: pd.DataFrame, *, grades: int = 5) -> pd.Series:
    """What a reader calls the grade of each customer, by customer_id, seen from the last order."""
    habits, _unused = habits_of(orders, seen_from(orders))
    graded = graded_by(habits, *cut_points(habits, grades)).set_index("customer_id")
    return graded["grade"].map(grade_name)


def habits_of(orders: pd.DataFrame, as_of: pd.Timestamp) -> tuple[pd.DataFrame, list[str]]:
    """What each customer bought before `as_of`, one row a customer, and what was left out.

    Columns: customer_id, recency_days (whole days since the last order), orders, spend (refunds
    taken off). Customers of whom only refunds are known are left out.
    """
    amount = pd.to_numeric(orders["amount"], errors="coerce").to_numpy(float, na_value=np.nan)
    known = orders["customer_id"].notna() & orders["at"].notna() & np.isfinite(amount)
    before = known & (orders["at"] < as_of)
    if not before.any():
        raise ValueError(
            f"none of {len(orders):,} orders has a customer, a date before {as_of:%Y-%m-%d} and an "
            "amount. Take a later as_of, or check how customer_id, at and amount are mapped."
        )
    rows = pd.DataFrame(
        {
            "customer_id": orders.loc[before, "customer_id"],
            "at": orders.loc[before, "at"],
            "spend": amount[before],
        }
    )
    bought = rows["spend"] >= 0
    rows = rows.assign(orders=bought.astype(int), at=rows["at"].where(bought))
    each = rows.groupby("customer_id", as_index=False, observed=True).agg(
        at=("at", "max"), orders=("orders", "sum"), spend=("spend", "sum")
    )
    habits = each[each["orders"] > 0].reset_index(drop=True)
    days = (as_of - habits["at"]) // pd.Timedelta(days=1)
    habits = habits.assign(recency_days=days.astype(int))[["customer_id", *MEASURES]]
    counts = {
        "orders": len(orders),
        "blank": int((~known).sum()),
        "later": int((known & ~before).sum()),
        "refunds": int((~bought).sum()),
        "refunded": len(each) - len(habits),
    }
    return habits, _losses(counts, habits)


def cut_points(
    habits: pd.DataFrame, grades: int
) -> tuple[dict[str, np.ndarray], dict[str, tuple[int, int]]]:
    """`edges` and `points` of `Grades`, by these customers' habits."""
    if not 2 <= grades <= 10:
        raise ValueError(f"grades is {grades}; it must be 2 to 10 (5 makes quintiles).")
    return {m: _edges(habits[m], grades) for m in MEASURES}, _points(grades)


def _edges(values: pd.Series, grades: int) -> np.ndarray:
    # Values that customers have, so that the cut points can be stated and equal values stay alike.
    wanted = _wanted(values)
    return np.quantile(wanted, np.arange(1, grades) / grades, method="inverted_cdf")


def _wanted(values: pd.Series) -> np.ndarray:
    x = values.to_numpy(float)
    return -x if values.name == "recency_days" else x


def graded_by(
    habits: pd.DataFrame, edges: dict[str, np.ndarray], points: dict[str, tuple[int, int]]
) -> pd.DataFrame:
    """The customers' habits with their scores, points and grade; see `grades_of`."""
    scores = {
        score: 1 + np.searchsorted(edges[m], _wanted(habits[m]), "left")
        for m, score in zip(MEASURES, SCORES, strict=True)
    }
    graded = habits.assign(**scores)
    graded["points"] = graded[list(SCORES)].sum(axis=1)
    a, b = points["A"][0], points["B"][0]
    graded["grade"] = np.select([graded["points"] >= a, graded["points"] >= b], GRADES[:2], "C")
    return graded


def _points(grades: int) -> dict[str, tuple[int, int]]:
    fewest, most = 3, 3 * grades
    a, b = (int(np.ceil(fewest + s * (most - fewest) - 1e-9)) for s in STANDING)
    return {"A": (a, most), "B": (b, a - 1), "C": (fewest, b - 1)}


def _shares(graded: pd.DataFrame, draws: int, seed: int) -> pd.DataFrame:
    inside = (graded["grade"].to_numpy()[:, None] == np.array(GRADES)).astype(float)
    spend = graded["spend"].to_numpy()[:, None]
    each = np.hstack([inside, inside * spend])
    sums = resampling.resample_sums(each, draws, seed)
    tables = []
    for measure, at in (("customers", slice(0, 3)), ("spend", slice(3, 6))):
        whole, drawn = each[:, at].sum(0), sums[:, at]
        total = drawn.sum(1, keepdims=True)  # 0 in draws of very few customers: no shares there
        drawn = np.divide(drawn, total, out=np.full(drawn.shape, np.nan), where=total != 0)
        tables.append(
            estimates_table(
                [grade_name(g) for g in GRADES],
                whole / whole.sum(),
                drawn,
                inside.sum(0).astype(int),
                measure=measure,
            )
        )
    return pd.concat(tables, ignore_index=True)


def _cuts(graded: pd.DataFrame, grades: int) -> pd.DataFrame:
    rows = []
    for measure, score in zip(MEASURES, SCORES, strict=True):
        for at in range(grades, 0, -1):
            values = graded.loc[graded[score] == at, measure]
            rows.append((measure, str(at), values.min(), values.max(), len(values)))
    return pd.DataFrame(rows, columns=["measure", "term", "least", "most", "n"])


def grade_name(grade: str) -> str:
    """What a reader calls the grade."""
    if grade == "A":
        return _("important (A)")
    return _("ordinary (B)") if grade == "B" else _("potential (C)")


def _answer(table: pd.DataFrame) -> str:
    people, spend = table.iloc[0], table.iloc[3]
    digits = 0 if min(people.estimate, spend.estimate) >= 0.02 else 1  # a share of few is not none
    return _(
        "{important:count} of {n:count} customers are important (A): {share:share{digits}} of the "
        "customers ({span:share_interval{digits}}) bring {spend:share{digits}} of the spend "
        "({spend_span:share_interval{digits}}).",
        important=people.n,
        n=table["n"].iloc[:3].sum(),
        share=people.estimate,
        span=(people.low, people.high),
        spend=spend.estimate,
        spend_span=(spend.low, spend.high),
        digits=digits,
    )


def _dated(end: pd.Timestamp, asked: object, customers: int) -> str:
    day = end
    if asked is None:
        return ngettext(
            "{n:count} customer, seen from {day:date}, the day after the last order.",
            "{n:count} customers, seen from {day:date}, the day after the last order.",
            customers,
            day=day,
        )
    return ngettext(
        "{n:count} customer, seen from {day:date}.",
        "{n:count} customers, seen from {day:date}.",
        customers,
        day=day,
    )


def _losses(counts: dict[str, int], habits: pd.DataFrame) -> list[str]:
    n = {name: i18n.count(value) for name, value in counts.items()}
    once = int((habits["orders"] == 1).sum())
    negative = int((habits["spend"] <= 0).sum())
    said = {
        _(
            "{blank} of {orders} orders lack a customer, date or amount and were left out.", **n
        ): counts["blank"],
        _("{later} orders of that day or later were left out.", **n): counts["later"],
        _(
            "{refunds} negative amounts are refunds: taken off the spend, not counted as orders.",
            **n,
        ): counts["refunds"],
        _("{refunded} customers of whom only refunds are known were left out.", **n): counts[
            "refunded"
        ],
        _(
            "{negative:count} customers got back as much as they paid, or more.", negative=negative
        ): negative,
        ngettext(
            "{once:count} customer ({share:share}) ordered once.",
            "{once:count} customers ({share:share}) ordered once.",
            once,
            once=once,
            share=once / max(len(habits), 1),
        ): once,
    }
    return [sentence for sentence, times in said.items() if times]


def _ties(cuts: pd.DataFrame) -> list[str]:
    empty = cuts[cuts["n"] == 0]
    if empty.empty:
        return []
    held = [f"{i18n.label(r.measure)} {r.term}" for r in empty.itertuples()]
    return [_("Equal values get equal scores, so that nobody has: {scores:list}.", scores=held)]


def _rule(points: dict[str, tuple[int, int]]) -> str:
    return _(
        "A is {a} to {most} points of recency, frequency and spend together, B {b} to {b_most}, C "
        "{c} to {c_most}.",
        a=points["A"][0],
        most=points["A"][1],
        b=points["B"][0],
        b_most=points["B"][1],
        c=points["C"][0],
        c_most=points["C"][1],
    )
