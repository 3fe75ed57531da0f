"""RFM grades: how recently, how often and for how much each customer bought (Hughes 1994).

    grades = rfm(sample, as_of="2026-10-01")
    grades.table          # measure (customers or spend), term, estimate, low, high, n
    grades.cuts           # measure, term (the score), least, most, n

Each of the three is scored from 1 to `grades` by quantiles, equal values always alike, so that a
score may hold nobody. The points are added: A (important) from 70% of the way between fewest and
most points, B (ordinary) from 40%, C (potential) below: those with the most room to grow.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.core.sample import Sample, SampleLike, as_sample
from cxlib.data.purchases import purchases, require_amounts, seen_from
from cxlib.stats import resampling
from cxlib.stats.intervals import estimates_table

MEASURES = ("recency_days", "orders", "spend")
SCORES = ("recency_score", "orders_score", "spend_score")
GRADES = ("A", "B", "C")
THRESHOLDS = (0.7, 0.4)  # share of the way from fewest to most points at which A and B begin


def rfm(sample: SampleLike, *, as_of: str | pd.Timestamp | None = None, grades: int = 5) -> Result:
    """Grade customers by their orders; shares of customers and of spend with 95% intervals.

    Parameters
    ----------
    sample : orders with customer_id, at and amount; an amount below zero is a refund, taken off as
        `cxlib.data.purchases` says
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
    sample = as_sample(sample)
    end = seen_from(sample.data, as_of)
    habits, notes = purchase_habits(sample.data, end)
    total = habits["spend"].sum()
    if not total > 0:
        raise ValueError(
            f"the orders of {len(habits):,} customers sum to {total:g}, so there are no shares of "
            "the spend. Check the sign of amount: sales are positive, refunds negative."
        )
    edges, points = cut_points(habits, grades)
    graded = assign_grades(habits, edges, points)
    table = _shares(graded, sample)
    cuts = _cuts(graded, grades)
    notes = [_dated(end, as_of, len(habits)), *notes, *_ties(cuts), _rule(points)]
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
    graded = assign_grades(habits, *cut_points(habits, grades)).set_index("customer_id")
    return graded["grade"].map(grade_name)


def purchase_habits(
    orders: pd.DataFrame, as_of: pd.Timestamp, since: pd.Timestamp | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """What each customer bought from `since` on and before `as_of`, a row each; what was left out.

    Columns: customer_id, recency_days (whole days since the last purchase), orders, spend; refunds
    are taken off as `purchases` does.
    """
    require_amounts(orders)
    bought, notes = purchases(orders, as_of)
    bought = bought if since is None else bought[bought["at"] >= since]
    habits = bought.groupby("customer_id", as_index=False, observed=True).agg(
        at=("at", "max"), orders=("at", "size"), spend=("amount", "sum")
    )
    days = (as_of - habits["at"]) // pd.Timedelta(days=1)
    habits = habits.assign(recency_days=days.astype(int))[["customer_id", *MEASURES]]
    once = int((habits["orders"] == 1).sum())
    if once:
        notes.append(
            ngettext(
                "{once:count} customer ({share:share}) ordered once.",
                "{once:count} customers ({share:share}) ordered once.",
                once,
                once=once,
                share=once / len(habits),
            )
        )
    return habits, notes


def cut_points(
    habits: pd.DataFrame, grades: int
) -> tuple[dict[str, np.ndarray], dict[str, tuple[int, int]]]:
    """`edges` and `points` of `rfm`, by these customers' habits."""
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


def assign_grades(
    habits: pd.DataFrame, edges: dict[str, np.ndarray], points: dict[str, tuple[int, int]]
) -> pd.DataFrame:
    """The customers' habits with their scores, points and grade; see `rfm_scores`."""
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
    a, b = (int(np.ceil(fewest + s * (most - fewest) - 1e-9)) for s in THRESHOLDS)
    return {"A": (a, most), "B": (b, a - 1), "C": (fewest, b - 1)}


def _shares(graded: pd.DataFrame, sample: Sample) -> pd.DataFrame:
    inside = (graded["grade"].to_numpy()[:, None] == np.array(GRADES)).astype(float)
    spend = graded["spend"].to_numpy()[:, None]
    each = np.hstack([inside, inside * spend])
    sums = resampling.resample_sums(each, sample.draws, sample.seed)
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
                inside.sum(0).astype(int).tolist(),
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
