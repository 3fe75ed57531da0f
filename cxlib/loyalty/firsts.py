"""First purchases as they stood on a day, and whether the customer came back after it.

    began = first_purchases(orders, landmark=30, horizon=180, events=events, cases=cases)
    began["came_back"]        # bought again within `horizon` days of the landmark

Point in time is the whole of it: everything told of a first purchase is dated no later than its
landmark, some days after it, and only those count who had not bought again by then and were seen
to the end of the horizon. What came after the second purchase cannot have brought it about.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxlib.core.i18n import _
from cxlib.loyalty import purchases
from cxlib.loyalty.purchases import Purchases

SHORTEST = 7  # days of a horizon that was shortened
CASE, BROUGHT = "case opened", "brought by a customer"
KNOWN_OF = 0.5  # of the first purchases, for how a touchpoint ended to be told of all


def first_purchases(
    orders: pd.DataFrame,
    *,
    landmark: int = 30,
    horizon: int = 180,
    lines: pd.DataFrame | None = None,
    events: pd.DataFrame | None = None,
    cases: pd.DataFrame | None = None,
    responses: pd.DataFrame | None = None,
    item: str = "",
    customers: pd.DataFrame | None = None,
    known: Sequence[str] = (),
    joined: pd.Series | None = None,
    quiet: int = 0,
    as_of: str | pd.Timestamp | None = None,
) -> pd.DataFrame:
    """A row a new customer who was seen through landmark and horizon and had not come back before.

    Columns: customer_id, first (its day), came_back, and what was known `landmark` days later:
    amount; channel of the first order; from `lines` products bought (how many) and category (of the
    largest amount); from `events` how each touchpoint ended that most first purchases met; from
    `cases` case opened (yes or no); from `responses` the first answer to `item`; and the
    columns `known` of `customers`, which must not have changed since, and from its `referred_by`
    brought by a customer (yes or no). A horizon that fewer than half of the new were seen for is
    shortened to what half were. `attrs["notes"]` tells who is left out. Raises ValueError for a
    landmark below 0, a horizon below 1, columns that are missing, and when nobody is left.
    """
    if landmark < 0 or horizon < 1:
        raise ValueError(f"landmark {landmark}, horizon {horizon}; give at least 0 and 1 days.")
    bought = purchases.read(orders, joined=joined, quiet=quiet, as_of=as_of)
    wait = _wait(bought)
    longest = int(np.median(bought.seen()[bought.new])) - landmark
    horizon = horizon if longest < SHORTEST else min(horizon, longest)
    seen = bought.new & (bought.seen() >= landmark + horizon)
    kept = seen & (wait > landmark)
    if not kept.any():
        raise ValueError(
            f"none of {int(bought.new.sum()):,} new customers was seen for {landmark + horizon} "
            f"days after the first purchase and had not come back within {landmark} of them. "
            "Take a shorter horizon or landmark."
        )
    rows = pd.DataFrame(
        {
            "customer_id": bought.names[kept],
            "first": bought.first[kept].astype("datetime64[D]").astype("datetime64[s]"),
            "came_back": wait[kept] <= landmark + horizon,
            "amount": bought.amount[bought.number == 0][kept],
        }
    )
    until = rows.set_index("customer_id")["first"] + pd.Timedelta(days=landmark + 1)
    told = [_of_orders(orders, lines, rows)]
    told += [_of_events(events, until)] if events is not None else []
    told += [_of_cases(cases, until)] if cases is not None else []
    told += [_of_responses(responses, item, until)] if responses is not None and item else []
    told += [_of_customers(customers, known)] if customers is not None else []
    for part in told:
        rows = rows.join(part, on="customer_id")
    if CASE in rows:
        rows[CASE] = rows[CASE].eq(True).map({True: "yes", False: "no"})
    rows.attrs["notes"] = [*bought.notes, _about(bought, seen, kept, landmark, horizon)]
    rows.attrs["horizon"] = horizon
    return rows


def _wait(bought: Purchases) -> np.ndarray:
    """Days from the first purchase to the second; infinite without one."""
    wait = np.full(len(bought.names), np.inf)
    second = bought.number == 1
    wait[bought.who[second]] = bought.day[second] - bought.first[bought.who[second]]
    return wait


def _of_orders(orders: pd.DataFrame, lines: pd.DataFrame | None, rows: pd.DataFrame):
    """What the orders of the first day say: the channel, and what was in the basket."""
    day = rows.set_index("customer_id")["first"]
    begun = orders["customer_id"].map(day)
    firsts = orders[orders["at"].dt.normalize() == begun]
    told = pd.DataFrame(index=rows["customer_id"])
    if "channel" in orders:
        told["channel"] = firsts.sort_values("at").groupby("customer_id")["channel"].first()
    if lines is not None:
        inside = lines.merge(firsts[["order_id", "customer_id"]], on="order_id")
        told["products bought"] = inside.groupby("customer_id").size().astype(float)
        if "category" in lines:
            spent = inside.groupby(["customer_id", "category"], observed=True)["amount"].sum()
            top = spent.sort_values(ascending=False, kind="stable").reset_index("category")
            told["category"] = top.groupby("customer_id")["category"].first()
    return told


def _of_events(events: pd.DataFrame, until: pd.Series) -> pd.DataFrame:
    """How each touchpoint ended last, where most first purchases met it before the landmark."""
    _check(events, "events", ["customer_id", "at", "touchpoint"])
    told = pd.DataFrame(index=until.index)
    if "outcome" not in events:
        return told
    inside = _before(events, "at", until).dropna(subset=["outcome"]).sort_values("at")
    last = inside.groupby(["customer_id", "touchpoint"], observed=True)["outcome"].last().unstack()
    told = last.reindex(until.index)
    most = [c for c in told if told[c].notna().mean() >= KNOWN_OF and told[c].nunique() > 1]
    return told[most].astype(object).where(told[most].notna(), "not yet")


def _of_cases(cases: pd.DataFrame, until: pd.Series) -> pd.DataFrame:
    _check(cases, "cases", ["customer_id", "opened_at"])
    opened = _before(cases, "opened_at", until)["customer_id"].unique()
    return pd.DataFrame({CASE: True}, index=pd.Index(opened))


def _of_responses(responses: pd.DataFrame, item: str, until: pd.Series) -> pd.DataFrame:
    _check(responses, "responses", ["customer_id", "answered_on", item])
    inside = _before(responses, "answered_on", until).dropna(subset=[item])
    return inside.sort_values("answered_on").groupby("customer_id")[item].first().to_frame()


def _of_customers(customers: pd.DataFrame, known: Sequence[str]) -> pd.DataFrame:
    _check(customers, "customers", ["customer_id", *known])
    rows = customers.drop_duplicates("customer_id").set_index("customer_id")
    told = rows[list(known)]
    if "referred_by" in rows:
        told = told.assign(**{BROUGHT: rows["referred_by"].notna().map({True: "yes", False: "no"})})
    return told


def _before(rows: pd.DataFrame, at: str, until: pd.Series) -> pd.DataFrame:
    """Rows of these customers dated from the first purchase until their landmark."""
    ends = rows["customer_id"].map(until)
    return rows[(rows[at] < ends).fillna(False)]


def _check(rows: pd.DataFrame, name: str, needed: list[str]) -> None:
    if lacking := [c for c in needed if c not in rows]:
        raise ValueError(f"{name} lack {lacking}. They have: {', '.join(map(str, rows))}.")


def _about(
    bought: Purchases, seen: np.ndarray, kept: np.ndarray, landmark: int, horizon: int
) -> str:
    return _(
        "{kept:count} customers, as they were known {landmark:count} days after the first "
        "purchase; {early:count} had come back by then, and {short:count} of the new ones were "
        "not seen for the {horizon:count} days after it. They are left out.",
        kept=kept.sum(),
        landmark=landmark,
        early=(seen & ~kept).sum(),
        short=(bought.new & ~seen).sum(),
        horizon=horizon,
    )
