"""First purchases as they stood on a landmark day, and whether the customer bought again after it.

    sample = loyalty.first_purchases(history, OrderContext(events=events), landmark=30, horizon=180)
    sample["came_back"]       # bought again within `horizon` days of the landmark
    loyalty.repurchase_drivers(sample)

Everything known of a first purchase is dated no later than its landmark, some days after it; only
customers count who had not bought again by then and were observed to the end of the horizon. What
came after the second purchase cannot have brought it about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxlib.core.errors import InsufficientData, require_columns
from cxlib.core.i18n import _
from cxlib.core.sample import Sample
from cxlib.loyalty.history import PurchaseHistory

SHORTEST = 7  # days of a horizon that was shortened
CASE, REFERRED = "case opened", "referred by a customer"
KNOWN_OF = 0.5  # of the first purchases, for a touchpoint's outcome to be a feature


@dataclass(frozen=True, eq=False)
class OrderContext:
    """Tables around a purchase; what is None is not used.

    Attributes
    ----------
    lines : order_lines: products bought, and the category of the largest amount
    events : how each touchpoint ended that most first purchases met
    cases : whether a case was opened
    responses, item : the first answer to the question `item`
    customers, known : columns `known` of customers, which must not have changed since; and from
        `referred_by` whether another customer referred this one
    """

    lines: pd.DataFrame | None = None
    events: pd.DataFrame | None = None
    cases: pd.DataFrame | None = None
    responses: pd.DataFrame | None = None
    item: str = ""
    customers: pd.DataFrame | None = None
    known: Sequence[str] = ()


def first_purchases(
    history: PurchaseHistory,
    around: OrderContext | None = None,
    *,
    landmark: int = 30,
    horizon: int = 180,
) -> Sample:
    """One row a new customer observed for landmark and horizon who had not come back before.

    Parameters
    ----------
    history : see `purchase_history`
    around : tables from which features are made; without them amount and channel are the features
    landmark : days after the first purchase, up to which features are known; 0 or more
    horizon : days after the landmark in which customers may come back; 1 or more. It is shortened
        to what half of the new customers were observed for, where fewer were

    Returns
    -------
    Sample, clustered by customer, of customer_id, first (day), came_back, amount, channel and the
    features of `around`; its notes tell who is left out

    Raises
    ------
    ValueError : landmark or horizon too short, missing columns
    InsufficientData : no customer left

    Examples
    --------
    >>> from cxlib.loyalty import purchase_history
    >>> days = pd.to_datetime(["2026-01-01", "2026-01-01", "2026-02-20", "2026-06-01"])
    >>> orders = pd.DataFrame({"customer_id": list("abac"), "at": days, "amount": 9.0})
    >>> sample = first_purchases(purchase_history(orders), landmark=30, horizon=60)
    >>> dict(zip(sample["customer_id"], sample["came_back"]))
    {'a': True, 'b': False}
    """
    if landmark < 0 or horizon < 1:
        raise ValueError(f"landmark {landmark}, horizon {horizon}; give at least 0 and 1 days.")
    wait = _wait(history)
    longest = int(np.median(history.seen()[history.new])) - landmark
    horizon = horizon if longest < SHORTEST else min(horizon, longest)
    seen = history.new & (history.seen() >= landmark + horizon)
    kept = seen & (wait > landmark)
    if not kept.any():
        raise InsufficientData(
            _(
                "none of {n:count} new customers was seen for {days:count} days "
                "after the first purchase and had not bought again within "
                "{landmark:count} of them. Take a shorter horizon or landmark.",
                n=int(history.new.sum()),
                days=landmark + horizon,
                landmark=landmark,
            )
        )
    rows = pd.DataFrame(
        {
            "customer_id": history.names[kept],
            "first": history.first[kept].astype("datetime64[D]").astype("datetime64[s]"),
            "came_back": wait[kept] <= landmark + horizon,
        }
    )
    if history.priced:
        rows["amount"] = history.amount[history.number == 0][kept]
    for part in _features(history.orders.data, around or OrderContext(), rows, landmark):
        rows = rows.join(part, on="customer_id")
    if CASE in rows:
        rows[CASE] = rows[CASE].eq(True).map({True: "yes", False: "no"})
    orders = history.orders
    return Sample(
        rows,
        cluster="customer_id",
        **orders.bootstrap,
        notes=(*history.notes, _selection_note(history, seen, kept, landmark, horizon)),
    )


def _features(
    orders: pd.DataFrame, around: OrderContext, rows: pd.DataFrame, landmark: int
) -> list[pd.DataFrame]:
    """Features of each table, by customer_id."""
    until = rows.set_index("customer_id")["first"] + pd.Timedelta(days=landmark + 1)
    parts = [_of_orders(orders, around.lines, rows)]
    if around.events is not None:
        parts.append(_of_events(around.events, until))
    if around.cases is not None:
        parts.append(_of_cases(around.cases, until))
    if around.responses is not None and around.item:
        parts.append(_of_responses(around.responses, around.item, until))
    if around.customers is not None:
        parts.append(_of_customers(around.customers, around.known))
    return parts


def _wait(history: PurchaseHistory) -> np.ndarray:
    """Days from the first purchase to the second; infinite without one."""
    wait = np.full(len(history.names), np.inf)
    second = history.number == 1
    wait[history.who[second]] = history.day[second] - history.first[history.who[second]]
    return wait


def _of_orders(
    orders: pd.DataFrame, lines: pd.DataFrame | None, rows: pd.DataFrame
) -> pd.DataFrame:
    """What the orders of the first day say: the channel, and what was in the basket."""
    day = rows.set_index("customer_id")["first"]
    start = orders["customer_id"].map(day)
    firsts = orders[orders["at"].dt.normalize() == start]
    found = pd.DataFrame(index=rows["customer_id"])
    if "channel" in orders:
        found["channel"] = firsts.sort_values("at").groupby("customer_id")["channel"].first()
    if lines is not None:
        inside = lines.merge(firsts[["order_id", "customer_id"]], on="order_id")
        found["products bought"] = inside.groupby("customer_id").size().astype(float)
        if "category" in lines:
            spent = inside.groupby(["customer_id", "category"], observed=True)["amount"].sum()
            top = spent.sort_values(ascending=False, kind="stable").reset_index("category")
            found["category"] = top.groupby("customer_id")["category"].first()
    return found


def _of_events(events: pd.DataFrame, until: pd.Series) -> pd.DataFrame:
    """How each touchpoint ended last, where most first purchases met it before the landmark."""
    require_columns(events, ["customer_id", "at", "touchpoint"], "events")
    found = pd.DataFrame(index=until.index)
    if "outcome" not in events:
        return found
    inside = _before(events, "at", until).dropna(subset=["outcome"]).sort_values("at")
    last = inside.groupby(["customer_id", "touchpoint"], observed=True)["outcome"].last().unstack()
    found = last.reindex(until.index)
    most = [c for c in found if found[c].notna().mean() >= KNOWN_OF and found[c].nunique() > 1]
    return found[most].astype(object).where(found[most].notna(), "not yet")


def _of_cases(cases: pd.DataFrame, until: pd.Series) -> pd.DataFrame:
    require_columns(cases, ["customer_id", "opened_at"], "cases")
    opened = _before(cases, "opened_at", until)["customer_id"].unique()
    return pd.DataFrame({CASE: True}, index=pd.Index(opened))


def _of_responses(responses: pd.DataFrame, item: str, until: pd.Series) -> pd.DataFrame:
    require_columns(responses, ["customer_id", "answered_on", item], "responses")
    inside = _before(responses, "answered_on", until).dropna(subset=[item])
    return inside.sort_values("answered_on").groupby("customer_id")[item].first().to_frame()


def _of_customers(customers: pd.DataFrame, known: Sequence[str]) -> pd.DataFrame:
    require_columns(customers, ["customer_id", *known], "customers")
    rows = customers.drop_duplicates("customer_id").set_index("customer_id")
    found = rows[list(known)]
    if "referred_by" in rows:
        found = found.assign(
            **{REFERRED: rows["referred_by"].notna().map({True: "yes", False: "no"})}
        )
    return found


def _before(rows: pd.DataFrame, at: str, until: pd.Series) -> pd.DataFrame:
    """Rows of these customers dated from the first purchase until their landmark."""
    ends = rows["customer_id"].map(until)
    return rows[(rows[at] < ends).fillna(False)]


def _selection_note(
    history: PurchaseHistory, seen: np.ndarray, kept: np.ndarray, landmark: int, horizon: int
) -> str:
    return _(
        "{kept:count} customers, as they were known {landmark:count} days after the first "
        "purchase; {early:count} had bought again by then, and {short:count} new customers "
        "were not observed for the {horizon:count} days after it. They are left out.",
        kept=kept.sum(),
        landmark=landmark,
        early=(seen & ~kept).sum(),
        short=(history.new & ~seen).sum(),
        horizon=horizon,
    )
