"""Orders as purchases: what counts as one, what it brought, and from which day they are seen.

    end = seen_from(orders, as_of)            # checked; orders on it and later are not counted
    bought, notes = purchases(orders, end)    # customer_id, at, amount: a row an order
    days, notes = days_bought(orders, end)    # customer_id, day, amount: a row a customer and day

There is one definition for every page:

- An order of an amount of zero or more is a purchase; one below zero is a refund. Where orders have
  no amount, each is a purchase, and its amount is missing.
- A refund belongs to the purchase of the same customer that it hands back: the latest of exactly
  that amount on that day or before, else the latest ones, as far as the refund goes. It is taken
  off their amounts.
- A purchase that was handed back in full is none. A refund of more than the customer had bought
  before it on file concerns purchases from before the file begins: the rest is left out and said.
- Only what happened before `end` is known: a purchase that is handed back later counts until then.
- Lines of orders are held to the same: `kept_lines`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.core.errors import InsufficientData, require_columns, require_dates
from cxlib.core.i18n import _, ngettext

CENT = 0.005  # amounts nearer to one another are equal


def seen_from(orders: pd.DataFrame, as_of: str | pd.Timestamp | None = None) -> pd.Timestamp:
    """`as_of`, or the day after the last order: orders on it and later are not counted.

    Raises ValueError where orders lack customer_id or at, or `at` holds no dates.
    """
    require_columns(orders, ("customer_id", "at"), "orders")
    require_dates(orders, ["at"], "orders")
    if as_of is None:
        if orders["at"].isna().all():
            raise ValueError(f"none of {len(orders):,} orders has a date, so none is recent.")
        return orders["at"].max().normalize() + pd.Timedelta(days=1)
    try:
        return pd.Timestamp(as_of)
    except ValueError as error:
        raise ValueError(f"as_of is {as_of!r}, which is no date; write 2026-10-01.") from error


def require_amounts(orders: pd.DataFrame) -> None:
    """Raise InsufficientData, a sentence for readers, where orders have no amounts."""
    if "amount" not in orders or orders["amount"].isna().all():
        raise InsufficientData(
            _("The orders have no amounts, so that what customers spend is not known.")
        )


def purchases(
    orders: pd.DataFrame, end: pd.Timestamp, *, required: bool = True
) -> tuple[pd.DataFrame, list[str]]:
    """The orders before `end` that are purchases, and sentences on what was left out.

    Columns customer_id, at and amount (refunds taken off; missing where orders have none), sorted
    by customer and time; the index is that of `orders`. Raises InsufficientData when nothing was
    bought and something is `required`.
    """
    priced = "amount" in orders
    amount = pd.to_numeric(orders["amount"], errors="coerce") if priced else np.nan
    rows = orders[["customer_id", "at"]].assign(amount=amount)
    known = rows["customer_id"].notna() & rows["at"].notna()
    if priced:
        known &= np.isfinite(rows["amount"].to_numpy(float, na_value=np.nan))
    before = known & (rows["at"] < end)
    kept = rows[before].sort_values(["customer_id", "at"], kind="stable")
    notes = left_out(len(orders), int((~known).sum()), int((known & ~before).sum()))
    if priced and (kept["amount"] < 0).any():
        net, rest = without_returns(
            pd.factorize(kept["customer_id"])[0],
            kept["at"].dt.normalize().to_numpy().astype("int64"),
            kept["amount"].to_numpy(float),
        )
        notes += _refund_notes(kept["amount"].to_numpy(float), net, rest)
        kept = kept.assign(amount=net).dropna(subset="amount")
    if required:
        require_some(kept, len(orders), end)
    return kept, notes


def require_some(bought: pd.DataFrame, orders: int, end: pd.Timestamp) -> None:
    """Raise InsufficientData where none of so many orders is a purchase before `end`."""
    if bought.empty:
        raise InsufficientData(
            _(
                "none of {n:count} orders is a purchase with a customer, an "
                "amount and a date before {day:date}. "
                "Check how customer_id, at and amount are mapped.",
                n=orders,
                day=end,
            )
        )


def days_bought(
    orders: pd.DataFrame, end: pd.Timestamp, *, required: bool = True
) -> tuple[pd.DataFrame, list[str]]:
    """customer_id, day, amount of purchases before `end`, and sentences on what was left out.

    What one customer buys on one day is one purchase. Rows are sorted by customer and day; amounts
    are missing where orders have none. Raises InsufficientData when nothing was bought and
    something is `required`.
    """
    bought, notes = purchases(orders, end, required=required)
    days = bought.assign(day=bought["at"].dt.normalize()).groupby(
        ["customer_id", "day"], observed=True, sort=True
    )
    return days["amount"].sum(min_count=1).reset_index(), notes


def kept_lines(orders: pd.DataFrame, lines: pd.DataFrame, product: str) -> np.ndarray:
    """Which order lines were bought and not handed back, (lines,).

    A line of a quantity of zero was not bought. One below zero (by its quantity, else by its amount
    or the order's) is a return, and takes off the latest lines of the same customer and `product`.
    Lines of an order that was handed back as a whole, by an order of a negative amount, count no
    more; nor do those of an order without an amount, where others have one.
    """
    there = lines["order_id"].isin(orders["order_id"]).to_numpy()
    order = orders.drop_duplicates("order_id").set_index("order_id").reindex(lines["order_id"])
    amounts = [rows["amount"] for rows in (lines, order) if "amount" in rows]
    returned = np.zeros(len(lines), bool)
    for amount in amounts:
        returned |= (pd.to_numeric(amount, errors="coerce") < 0).fillna(False).to_numpy(bool)
    quantity = np.ones(len(lines))
    if "quantity" in lines:
        given = pd.to_numeric(lines["quantity"], errors="coerce")
        quantity = given.fillna(1.0).to_numpy(float)
    quantity = np.where(returned, -np.abs(quantity), quantity)
    kept = there & (quantity > 0)
    paid = pd.to_numeric(orders.get("amount", pd.Series(dtype=float)), errors="coerce")
    if (paid < 0).any() or (paid.isna().any() and paid.notna().any()):
        end = seen_from(orders)
        ids = orders.loc[purchases(orders, end)[0].index, "order_id"]
        kept &= lines["order_id"].isin(ids).to_numpy()
    if not (quantity < 0).any():
        return kept
    keys = pd.DataFrame({"who": order["customer_id"].to_numpy(), "what": lines[product].to_numpy()})
    at = order["at"].to_numpy().astype("datetime64[s]").astype("int64")
    place = np.lexsort((at, key := keys.groupby(["who", "what"], dropna=False).ngroup().to_numpy()))
    net = np.empty(len(lines))
    net[place] = without_returns(key[place], at[place], quantity[place])[0]
    return kept & (net > 0)


def without_returns(
    key: np.ndarray, at: np.ndarray, value: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """What is left of each value after those below zero are taken off, and what they leave over.

    Parameters
    ----------
    key, at, value : whose, when and how much, sorted by key and time; those of one key and time
        that are below zero count after the others

    Returns
    -------
    what is left of each (NaN for those below zero, and for those handed back in full), and what of
    each value below zero found nothing to be taken off (zero elsewhere)

    Examples
    --------
    >>> value = np.array([20.0, 30, 20, -30, -5])
    >>> without_returns(np.zeros(5), np.arange(5), value)[0].tolist()
    [20.0, nan, 15.0, nan, nan]
    >>> without_returns(np.zeros(2), np.arange(2), np.array([20.0, -99]))[1].tolist()
    [0.0, 79.0]
    """
    left, rest = value.astype(float), np.zeros(len(value))
    within = np.isin(key, key[value < 0])
    order = np.flatnonzero(within)
    order = order[np.lexsort((value[order] < 0, at[order], key[order]))]
    whose = None
    stack: list[int] = []  # places of what the customer has and has not handed back
    for place in order.tolist():
        if key[place] != whose:
            whose, stack = key[place], []
        if value[place] >= 0:
            stack.append(place)
            continue
        back = -value[place]
        same = next((p for p in reversed(stack) if abs(left[p] - back) < CENT), None)
        for taken in [same] if same is not None else stack[::-1]:
            part = min(back, left[taken])
            if part <= 0:
                continue
            left[taken] -= part
            back -= part
            if left[taken] < CENT:
                left[taken] = np.nan
                stack.remove(taken)
            if back < CENT:
                break
        rest[place] = back if back >= CENT else 0.0
    left[value < 0] = np.nan
    return left, rest


def _refund_notes(amount: np.ndarray, net: np.ndarray, rest: np.ndarray) -> list[str]:
    refunds, full = int((amount < 0).sum()), int((np.isnan(net) & (amount >= 0)).sum())
    notes = [
        ngettext(
            "{n:count} negative amount is a refund: it is taken off the purchase before it.",
            "{n:count} negative amounts are refunds: each is taken off the purchases before it.",
            refunds,
        )
    ]
    if full:
        notes.append(
            ngettext(
                "{n:count} purchase was handed back in full and does not count.",
                "{n:count} purchases were handed back in full and do not count.",
                full,
            )
        )
    if over := int((rest > 0).sum()):
        notes.append(
            ngettext(
                "{n:count} refund is of more than the customer had bought before it on file; the "
                "rest of it is left out.",
                "{n:count} refunds are of more than the customers had bought before them on file; "
                "the rest of them is left out.",
                over,
            )
        )
    return notes


def left_out(offered: int, blank: int, later: int) -> list[str]:
    """Sentences on how many of the orders are left out, and why."""
    blanks = _(
        "{blank:count} of {orders:count} orders have no customer, date or amount and are left out.",
        blank=blank,
        orders=offered,
    )
    late = _(
        "{later:count} of {orders:count} orders are later and left out.",
        later=later,
        orders=offered,
    )
    return [sentence for sentence, n in ((blanks, blank), (late, later)) if n]
