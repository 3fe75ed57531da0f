"""Orders as purchases: the day they are seen from, and what counts before it.

end = seen_from(orders, as_of)            # checked; orders on it and later are not counted
days, notes = days_bought(orders, end)    # customer_id, day, amount: a row a purchase
"""

from __future__ import annotations

import pandas as pd

from cxlib.core.errors import require_columns, require_dates
from cxlib.core.i18n import _


def seen_from(orders: pd.DataFrame, as_of: str | pd.Timestamp | None = None) -> pd.Timestamp:
    """`as_of`, or the day after the last order: orders on it and later are not counted.

    Raises ValueError where orders lack customer_id, at or amount, or `at` holds no dates.
    """
    require_columns(orders, ("customer_id", "at", "amount"), "orders")
    require_dates(orders, ["at"], "orders")
    if as_of is None:
        if orders["at"].isna().all():
            raise ValueError(f"none of {len(orders):,} orders has a date, so none is recent.")
        return orders["at"].max().normalize() + pd.Timedelta(days=1)
    try:
        return pd.Timestamp(as_of)
    except ValueError as error:
        raise ValueError(f"as_of is {as_of!r}, which is no date; write 2026-10-01.") from error


def days_bought(orders: pd.DataFrame, end: pd.Timestamp) -> tuple[pd.DataFrame, list[str]]:
    """customer_id, day, amount of purchases before `end`, and sentences on what was left out.

    What one customer buys on one day is one purchase; refunds are taken off its amount. Rows are
    sorted by customer and day. Raises ValueError when nothing was bought.
    """
    amount = pd.to_numeric(orders["amount"], errors="coerce")
    known = orders["customer_id"].notna() & orders["at"].notna() & amount.notna()
    before = known & (orders["at"] < end)
    rows = pd.DataFrame(
        {
            "customer_id": orders["customer_id"],
            "day": orders["at"].dt.normalize(),
            "amount": amount,
            "bought": amount >= 0,
        }
    )[before]
    days = rows.groupby(["customer_id", "day"], observed=True, sort=True).agg(
        amount=("amount", "sum"), bought=("bought", "any")
    )
    days = days[days.pop("bought")].reset_index()
    if days.empty:
        raise ValueError(
            f"none of {len(orders):,} orders is a purchase with a customer, an amount and a date "
            f"before {end:%Y-%m-%d}. Check how customer_id, at and amount are mapped."
        )
    return days, _left_out(len(orders), int((~known).sum()), int((known & ~before).sum()))


def _left_out(offered: int, blank: int, later: int) -> list[str]:
    blanks = _(
        "{blank:count} of {orders:count} orders lack a customer, a date or an amount and are left "
        "out.",
        blank=blank,
        orders=offered,
    )
    late = _(
        "{later:count} of {orders:count} orders are later and left out.",
        later=later,
        orders=offered,
    )
    return [sentence for sentence, n in ((blanks, blank), (late, later)) if n]
