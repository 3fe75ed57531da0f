"""RFM grades: how recently, how often and for how much each customer bought (Hughes 1994).

    grades = rfm(sample, as_of="2026-10-01")
    grades.table          # measure (customers or spend), term, estimate, low, high, n
    grades.cuts           # measure, term (the score), least, most, n

Each of the three is scored from 1 to `grades` by quantiles, equal values always alike, so that a
score may hold nobody. The points are added: A (important) from 70% of the way between fewest and
most points, B (ordinary) from 40%, C (potential) below: those with the most room to grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, Self

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.purchases import (
    left_out,
    purchases,
    require_amounts,
    require_some,
    seen_from,
)
from cxlib.stats import resampling
from cxlib.stats.intervals import estimates_table
from cxlib.stats.resampling import hashed

MEASURES = ("recency_days", "orders", "spend")
SCORES = ("recency_score", "orders_score", "spend_score")
GRADES = ("A", "B", "C")
PARTS = 10_000  # of a currency's unit, in which spend is compared: sums differ in their last digits
THRESHOLDS = (0.7, 0.4)  # share of the way from fewest to most points at which A and B begin


class CountedHabits(Protocol):
    """Habits of customers, counted where their orders are (`study.loyalty.purchases`).

    Those of customers who handed something back are not among them: their orders are `returned`.
    A window is the orders before a day, of so many days; of all days before it where it is 0.
    """

    returned: Sample
    priced: bool
    end: pd.Timestamp
    orders: int
    blank: int

    def habits(self, measure: str, day: pd.Timestamp, window: int = 0) -> pd.DataFrame:
        """Columns value and n: how many customers have each value of one of MEASURES."""

    def graded(
        self,
        cuts: Mapping[str, list[float]],
        points: tuple[int, int],
        days: list[pd.Timestamp],
        window: int = 0,
    ) -> pd.DataFrame:
        """Columns key, grade0, grade1 ..., n and spend: customers of each key by grade on each day.

        `cuts` are the values of each measure above which a score is one higher, `points` those at
        which A and B begin; spend is that before the last of the days.
        """


class GradedPurchases(CountedHabits, Protocol):
    """Counted purchases whose customers can be grouped (`study.loyalty.purchases`)."""

    def grade_query(
        self,
        cuts: Mapping[str, list[float]],
        points: tuple[int, int],
        day: pd.Timestamp,
        names: Mapping[str, str],
    ) -> str:
        """The query of the customers' grades on a day, by name."""

    def grouped(self, groups: str, returned: pd.Series | None = None) -> Self:
        """The same purchases by the groups of a query; those of `returned` are given."""


def rfm(
    sample: SampleLike | CountedHabits,
    *,
    as_of: str | pd.Timestamp | None = None,
    grades: int = 5,
) -> Result:
    """Grade customers by their orders; shares of customers and of spend with 95% intervals.

    Parameters
    ----------
    sample : orders with customer_id, at and amount; an amount below zero is a refund, taken off as
        `cxlib.data.purchases` says. Or orders that are counted in the store
        (`study.loyalty.purchases`), then up to the last of them
    as_of : date from which customers are seen, the day after the last order by default
    grades : scores of each measure, 2 to 10; 5 makes quintiles

    Returns
    -------
    Result with tables

    - "table": measure (customers or spend), term (the grade), estimate (its share), low, high, n
    - "cuts": measure, term (the score), least and most (values that get it, both included), n

    and parts points (grade -> fewest and most points of the three scores together), edges (measure
    -> upper ends of the scores but the best, least wanted first) and as_of. Intervals resample
    customers at the cut points found.

    Raises
    ------
    InsufficientData : orders without amounts
    ValueError : columns that are missing, no purchase before `as_of`, spend that sums to nothing

    References
    ----------
    Hughes (1994).

    Examples
    --------
    >>> at = pd.Timestamp("2026-01-01") + pd.to_timedelta(range(60), unit="D")
    >>> orders = pd.DataFrame({"customer_id": range(60), "at": at, "amount": range(1, 61)})
    >>> rfm(Sample(orders, draws=20)).table["n"].tolist()
    [0, 24, 36, 0, 24, 36]
    """
    counted = None if isinstance(sample, Sample | pd.DataFrame) else sample
    sample, end = dated_orders(sample, as_of)
    habits, notes = purchase_habits(sample.data, end, counted=counted)
    spread = spread_of(habits, counted, end)
    n, total = len(spread["spend"]), spread["spend"].sum()
    if not total > 0:
        raise ValueError(
            f"the orders of {n:,} customers sum to {total:g}, so there are no shares of "
            "the spend. Check the sign of amount: sales are positive, refunds negative."
        )
    edges, points = cut_points(spread, grades)
    graded = assign_grades(habits, edges, points)
    each = graded.assign(key=hashed(pd.Index(graded["customer_id"])), grade0=graded["grade"], n=1)
    each = each[["key", "grade0", "n", "spend"]]
    if counted is not None:
        others = counted.graded(bounds(edges), (points["A"][0], points["B"][0]), [end])
        each = pd.concat([each, others], ignore_index=True)
    cuts = _cuts(spread, edges, grades)
    notes = [_dated(end, as_of, n), *notes, *_once(spread["orders"]), *_ties(cuts), _rule(points)]
    notes.append(_("Orders and spend are counted from the first order on file."))
    if currency := context.current().currency:
        spend = _("{term:label} ({currency})", term="spend", currency=currency)
        cuts["measure"] = cuts["measure"].replace("spend", spend)
    table = _shares(each, sample)
    return Result(
        {"table": table, "cuts": cuts},
        _finding(table),
        i18n.together(notes),
        "share",
        **sample.bootstrap,
        parts={"points": points, "edges": edges, "as_of": end},
    )


def rfm_scores(
    sample: SampleLike, fit: Result, *, as_of: str | pd.Timestamp | None = None
) -> Sample:
    """Scores and grade of each customer by the cut points of a fit, comparable between dates.

    Parameters
    ----------
    sample : orders, as for `rfm`
    fit : of `rfm`
    as_of : date from which customers are seen, that of the fit by default

    Returns
    -------
    Sample with a row a customer: customer_id, recency_days, orders, spend, recency_score,
    orders_score, spend_score, points, grade
    """
    sample = as_sample(sample)
    end = fit.as_of if as_of is None else seen_from(sample.data, as_of)
    rows = assign_grades(purchase_habits(sample.data, end)[0], fit.edges, fit.points)
    return Sample(rows, cluster="customer_id", **sample.bootstrap)


def rfm_grades(sample: SampleLike, *, grades: int = 5) -> pd.Series:
    """The name of each customer's grade, by customer_id, seen from the last order.

    Parameters
    ----------
    sample, grades : as in `rfm`
    """
    orders = as_sample(sample).data
    habits = purchase_habits(orders, seen_from(orders))[0]
    cuts = cut_points(spread_of(habits, None, seen_from(orders)), grades)
    graded = assign_grades(habits, *cuts).set_index("customer_id")
    return graded["grade"].map(grade_name)


def grouped_by_grade(purchases: GradedPurchases, *, grades: int = 5) -> GradedPurchases:
    """Purchases counted in the store, grouped by the name of each customer's grade.

    Parameters
    ----------
    purchases, grades : as `sample` and `grades` of `rfm`
    """
    orders, end = dated_orders(purchases)
    habits = purchase_habits(orders.data, end, counted=purchases)[0]
    edges, points = cut_points(spread_of(habits, purchases, end), grades)
    graded = assign_grades(habits, edges, points).set_index("customer_id")
    named = {g: grade_name(g) for g in GRADES}
    bounded = bounds(edges), (points["A"][0], points["B"][0])
    query = purchases.grade_query(*bounded, end, named)
    return purchases.grouped(query, graded["grade"].map(named))


def dated_orders(
    sample: SampleLike | CountedHabits, as_of: str | pd.Timestamp | None = None
) -> tuple[Sample, pd.Timestamp]:
    """The orders in rows, and the date before which they are seen; of counted ones the returned."""
    if isinstance(sample, Sample | pd.DataFrame):
        sample = as_sample(sample)
        return sample, seen_from(sample.data, as_of)
    if not sample.priced or sample.orders == sample.blank:
        require_amounts(sample.returned.data.iloc[:0])
    return sample.returned, sample.end if as_of is None else pd.Timestamp(as_of).normalize()


def purchase_habits(
    orders: pd.DataFrame,
    as_of: pd.Timestamp,
    since: pd.Timestamp | None = None,
    counted: CountedHabits | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """What each customer bought from `since` on and before `as_of`, a row each; what was left out.

    Columns: customer_id, recency_days (whole days since the last purchase), orders, spend; refunds
    are taken off as `purchases` does. There may be no rows where others are `counted`.
    """
    if counted is None:
        require_amounts(orders)
    bought, notes = purchases(orders, as_of, required=counted is None)
    if counted is not None:
        notes = [*left_out(counted.orders, counted.blank, 0), *notes]
    bought = bought if since is None else bought[bought["at"] >= since]
    habits = bought.groupby("customer_id", as_index=False, observed=True).agg(
        at=("at", "max"), orders=("at", "size"), spend=("amount", "sum")
    )
    days = (as_of - habits["at"]) // pd.Timedelta(days=1)
    spend = np.rint(habits["spend"].astype(float) * PARTS) / PARTS
    habits = habits.assign(recency_days=days.astype(int), spend=spend)
    return habits[["customer_id", *MEASURES]], notes


def spread_of(
    habits: pd.DataFrame, counted: CountedHabits | None, day: pd.Timestamp, window: int = 0
) -> dict[str, np.ndarray]:
    """All customers' values of each measure, in rows and counted."""
    found = {m: habits[m].to_numpy(float) for m in MEASURES}
    if counted is not None:
        for m, own in found.items():
            more = counted.habits(m, day, window)
            found[m] = np.r_[own, np.repeat(more["value"].to_numpy(float), more["n"])]
    require_some(pd.DataFrame(found), 0 if counted is None else counted.orders, day)
    return found


def bounds(edges: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
    """The values of each measure beyond which a score is one higher: fewer days, more orders."""
    return {m: (-e if m == "recency_days" else e).tolist() for m, e in edges.items()}


def _once(orders: np.ndarray) -> list[str]:
    if not (once := int((orders == 1).sum())):
        return []
    return [
        ngettext(
            "{once:count} customer ({share:share}) ordered once.",
            "{once:count} customers ({share:share}) ordered once.",
            once,
            once=once,
            share=once / len(orders),
        )
    ]


def cut_points(
    habits: Mapping[str, np.ndarray], grades: int
) -> tuple[dict[str, np.ndarray], dict[str, tuple[int, int]]]:
    """`edges` and `points` of `rfm`, by these customers' habits."""
    if not 2 <= grades <= 10:
        raise ValueError(f"grades is {grades}; it must be 2 to 10 (5 makes quintiles).")
    return {m: _edges(_wanted(m, habits[m]), grades) for m in MEASURES}, _points(grades)


def _edges(wanted: np.ndarray, grades: int) -> np.ndarray:
    # Values that customers have, so that the cut points can be stated and equal values stay alike.
    return np.quantile(wanted, np.arange(1, grades) / grades, method="inverted_cdf")


def _wanted(measure: str, values: np.ndarray) -> np.ndarray:
    return -values if measure == "recency_days" else values


def _scores(measure: str, values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return 1 + np.searchsorted(edges, _wanted(measure, values), "left")


def assign_grades(
    habits: pd.DataFrame, edges: dict[str, np.ndarray], points: dict[str, tuple[int, int]]
) -> pd.DataFrame:
    """The customers' habits with their scores, points and grade; see `rfm_scores`."""
    scores = {
        score: _scores(m, habits[m].to_numpy(float), edges[m])
        for m, score in zip(MEASURES, SCORES, strict=True)
    }
    graded = habits.assign(**scores)
    graded["points"] = graded[list(SCORES)].sum(axis=1)
    a, b = points["A"][0], points["B"][0]
    graded["grade"] = np.select([graded["points"] >= a, graded["points"] >= b], GRADES[:2], "C")
    return graded


def _points(grades: int) -> dict[str, tuple[int, int]]:
    fewest, most = 3, 3 * grades
    a, b = (int(np.ceil(fewest + s * (most - fewest) - 1e-9)) for s in THRESHOLDS)
    return {"A": (a, most), "B": (b, a - 1), "C": (fewest, b - 1)}


def _shares(counts: pd.DataFrame, sample: Sample) -> pd.DataFrame:
    """Shares of customers and of spend by grade, of counts by the customers' keys."""
    inside = (counts["grade0"].to_numpy()[:, None] == np.array(GRADES)).astype(float)
    each = np.hstack([inside * counts[[c]].to_numpy(float) for c in ("n", "spend")])
    units = resampling.ResamplingUnits(counts["key"].to_numpy(np.int64))
    sums = resampling.resample_sums(each, sample.draws, sample.seed, units)
    n, tables = each[:, :3].sum(0).astype(int).tolist(), []
    for measure, at in (("customers", slice(0, 3)), ("spend", slice(3, 6))):
        whole, drawn = each[:, at].sum(0), sums[:, at]
        total = drawn.sum(1, keepdims=True)  # 0 in draws of very few customers: no shares there
        drawn = np.divide(drawn, total, out=np.full(drawn.shape, np.nan), where=total != 0)
        names = [grade_name(g) for g in GRADES]
        tables.append(estimates_table(names, whole / whole.sum(), drawn, n, measure=measure))
    return pd.concat(tables, ignore_index=True)


def _cuts(
    spread: Mapping[str, np.ndarray], edges: dict[str, np.ndarray], grades: int
) -> pd.DataFrame:
    rows = []
    for measure in MEASURES:
        score = _scores(measure, spread[measure], edges[measure])
        for at in range(grades, 0, -1):
            values = pd.Series(spread[measure][score == at])
            rows.append((measure, str(at), values.min(), values.max(), len(values)))
    return pd.DataFrame(rows, columns=["measure", "term", "least", "most", "n"])


def grade_name(grade: str) -> str:
    """What a reader calls the grade."""
    if grade == "A":
        return _("important (A)")
    return _("ordinary (B)") if grade == "B" else _("potential (C)")


def _finding(table: pd.DataFrame) -> Finding:
    people, spend = table.iloc[0], table.iloc[3]
    digits = 0 if min(people.estimate, spend.estimate) >= 0.02 else 1  # a share of few is not none
    claim = _(
        "Customers graded important (A) are {share:share{digits}} of buyers and bring "
        "{spend:share{digits}} of spend.",
        share=people.estimate,
        spend=spend.estimate,
        digits=digits,
    )
    detail = _(
        "95% CI {span:share_interval{digits}} and {spend_span:share_interval{digits}}; n = "
        "{n:count}",
        span=(people.low, people.high),
        spend_span=(spend.low, spend.high),
        n=table["n"].iloc[:3].sum(),
        digits=digits,
    )
    return Finding.of_row(
        spend,
        claim,
        detail,
        unit="share",
        measure="share_of_spend",
        at={"grade": "A"},
        importance=Importance.ANSWER,
    )


def _dated(end: pd.Timestamp, asked: object, customers: int) -> str:
    day = end
    if asked is None:
        return ngettext(
            "{n:count} customer, as of {day:date}, the day after the last order.",
            "{n:count} customers, as of {day:date}, the day after the last order.",
            customers,
            day=day,
        )
    return ngettext(
        "{n:count} customer, as of {day:date}.",
        "{n:count} customers, as of {day:date}.",
        customers,
        day=day,
    )


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
