"""Orders and cases with the step that is expected of each: delivery, first response, resolution.

orders = order_steps(orders, answers, "score", item)    # a row an order
cases = case_steps(service.case_times(cases, standards))    # a row a case and step
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.care.evidence import DELIVERY, DETRACTOR, LOW_SHARE
from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.data.schema import Item

REPLY, SOLUTION = "first response", "resolution"
LOW, HIGH = "low", "high"
PROMOTER = 9.0
MOST_WEEKS = 6  # promised, from which orders are one kind
DAY = pd.Timedelta(days=1)
STEPS = {"reply": (REPLY, "replied"), "solution": (SOLUTION, "solved")}


def order_steps(
    orders: pd.DataFrame,
    responses: pd.DataFrame | None = None,
    outcome: str = "",
    item: Item | None = None,
) -> pd.DataFrame:
    """Orders that wait, or waited, for their delivery, and how each was rated.

    Parameters
    ----------
    orders : order_id, customer_id, at, delivered_at; promised_on and cancelled where on file.
        Cancelled orders are left out, as are those delivered before they were placed
    responses : answers with order_id, answered_on and `outcome`; the first of an order counts
    outcome, item : the question by which orders are rated, and how it is asked

    Returns
    -------
    The orders with added columns: promised_weeks (whole weeks from order to promised day, where
    that is on file: a kind that is known from the start), item (order_id), step, started_at,
    came_at (missing while it is waited for), due_at (end of the promised day), rated_at, rating
    ("low", "high", "" between; missing where it was not rated).

    Raises
    ------
    ValueError : a column is missing
    InsufficientData : no order was delivered

    Examples
    --------
    >>> day = pd.to_datetime(["2026-03-02", "2026-03-05"])
    >>> rows = pd.DataFrame({"order_id": ["a"], "customer_id": ["c"], "at": day[:1],
    ...                      "delivered_at": day[1:]})
    >>> order_steps(rows)[["item", "step", "started_at"]].values.tolist()
    [['a', 'delivery', Timestamp('2026-03-02 00:00:00')]]
    """
    require_columns(orders, ["order_id", "customer_id", "at", "delivered_at"], "orders")
    gone = orders["cancelled"].fillna(False).astype(bool) if "cancelled" in orders else False
    rows = orders[~((orders["delivered_at"] < orders["at"]) | gone) & orders["at"].notna()]
    if rows["delivered_at"].isna().all():
        raise InsufficientData(_("No order has a date of its delivery."))
    if "promised_on" in rows:
        promised = (rows["promised_on"] - rows["at"].dt.normalize()) // pd.Timedelta(weeks=1)
        weeks = promised.clip(0, MOST_WEEKS).astype("Int64").astype("string")
        rows = rows.assign(promised_weeks=weeks)
    found = rows.assign(
        item=rows["order_id"],
        step=DELIVERY,
        started_at=rows["at"],
        came_at=rows["delivered_at"],
        due_at=rows["promised_on"].dt.normalize() + DAY if "promised_on" in rows else pd.NaT,
        rated_at=pd.NaT,
        rating=None,
    )
    if responses is None or item is None or not {"order_id", "answered_on"} <= set(responses):
        return found.reset_index(drop=True)
    known = responses[responses[outcome].notna() & responses["order_id"].notna()]
    first = known.sort_values("answered_on", kind="stable").drop_duplicates("order_id")
    first = first.set_index("order_id")
    nps = item.role == "nps"
    ends = (DETRACTOR, PROMOTER) if nps else _limits(item.scale)
    rating = pd.Series(_rating(first[outcome].astype(float), *ends), first.index)
    return found.assign(
        rated_at=found["order_id"].map(first["answered_on"]),
        rating=found["order_id"].map(rating),
    ).reset_index(drop=True)


def case_steps(cases: pd.DataFrame, scale: tuple[float, float] | None = None) -> pd.DataFrame:
    """Cases that wait, or waited, for a first response and for their resolution.

    Parameters
    ----------
    cases : of `service.case_times`, with case_id and customer_id; satisfaction_after where on file
        is the rating, on the day of the resolution
    scale : lowest and highest answer of satisfaction_after; those on file by default

    Returns
    -------
    A row a case and step, with the columns that `order_steps` adds. due_at is when the standard has
    passed; missing without one, and where it does not count all hours.

    Raises
    ------
    ValueError : a column is missing
    InsufficientData : no case was answered or solved

    Examples
    --------
    >>> from cxlib.service.cases import case_times
    >>> day = pd.to_datetime(["2026-03-02", "2026-03-05"])
    >>> rows = pd.DataFrame({"case_id": ["a"], "customer_id": ["c"], "opened_at": day[:1],
    ...                      "solved_at": day[1:]})
    >>> case_steps(case_times(rows).data)["step"].tolist()
    ['resolution']
    """
    require_columns(cases, ["case_id", "customer_id", "opened_at"], "cases")
    parts = []
    for prefix, (step, happened) in STEPS.items():
        if happened not in cases or not cases[happened].any():
            continue
        came = cases["opened_at"] + pd.to_timedelta(cases[f"{prefix}_hours"], unit="h")
        limit = cases[f"{prefix}_limit"].astype(float)
        # Only a standard that counts every hour says on which day it has passed.
        if not np.isclose(cases[f"{prefix}_used"], cases[f"{prefix}_hours"]).all():
            limit = limit * np.nan
        due = cases["opened_at"] + pd.to_timedelta(limit, unit="h")
        parts.append(
            cases.assign(
                item=cases["case_id"],
                step=step,
                started_at=cases["opened_at"],
                came_at=came.where(cases[happened]),
                due_at=due,
                rated_at=pd.NaT,
                rating=None,
            )
        )
    if not parts:
        raise InsufficientData(_("No case has a date of its first response or resolution."))
    found = pd.concat(parts, ignore_index=True)
    if "satisfaction_after" in found and "solved_at" in found:
        score = found["satisfaction_after"].astype(float)
        known = score.notna() & found["solved_at"].notna()
        ends = (float(score.min()), float(score.max())) if scale is None else scale
        rating = pd.Series(_rating(score, *_limits(ends)), found.index)
        found = found.assign(rated_at=found["solved_at"].where(known), rating=rating.where(known))
    return found


def _limits(scale: tuple[float, float]) -> tuple[float, float]:
    """Up to where a rating is low, as reasons to call have it, and from where it is high."""
    worst, best = scale
    part = LOW_SHARE * (best - worst)
    return float(np.nextafter(worst + part, worst)), float(np.nextafter(best - part, best))


def _rating(score: pd.Series, low: float, high: float) -> np.ndarray:
    return np.select([score <= low, score >= high], [LOW, HIGH], "")
