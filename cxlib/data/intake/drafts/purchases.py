"""Orders and their lines: rows that are one order, and orders that may be none."""

from __future__ import annotations

import re

from cxlib.data import sql
from cxlib.data.intake import conversion
from cxlib.data.intake.drafts.looking import slug
from cxlib.data.intake.drafts.matching import match
from cxlib.data.intake.drafts.parts import ROW, TableOf

UNIT_PRICE = re.compile(
    r"^(unit|item)?_?price|einzelpreis|stückpreis|prix|precio|preço|prezzo|单价"
)
STATUS = re.compile(r"status|state\b|zustand|estado|stato|statut|状态|ステータス", re.IGNORECASE)
NO_SALE = re.compile(
    r"cancel|void|pending|fail|declin|unpaid|storn|annul|offen|pendi|取消|未付|待付|失败|キャンセル",
    re.IGNORECASE,
)


def doubtful_sales(part: TableOf) -> list[str]:
    """Orders that may be none, by a status that no profile of the shop has judged."""
    found = []
    for name, column in part.seen.columns.items():
        if part.seen.profile or not STATUS.search(name) or not 2 <= len(column.counts) <= 20:
            continue
        other = column.counts[[bool(NO_SALE.search(str(v))) for v in column.counts.index]]
        shown = ", ".join(f"{v} ({n:,})" for v, n in other.items())
        rest = [str(v) for v in column.counts.index if v not in other.index]
        if shown and rest:
            only = f"{sql.name(name)} = {sql.text(rest[0])}"
            found.append(
                f"{part.seen.called}: orders whose {name!r} is {shown} count as purchases; "
                f"`only: {only}` leaves them out"
            )
    return found


def with_lines(part: TableOf) -> list[TableOf]:
    """Orders that stand in several rows are put together, and their rows are lines of them."""
    ids = part.columns.get("order_id")
    if part.table == "orders" and not ids and (baskets := _baskets(part)):
        return baskets
    if part.table != "orders" or not ids or part.seen.columns[ids].words.is_unique:
        return [part]
    lines = TableOf(part.seen, "order_lines", {**match("order_lines", part.seen), "line": ROW})
    lines.why = dict.fromkeys(lines.columns, "high: its name")
    part.notes.append(
        "orders stand in several rows, a row a product; the rows of one are one order"
    )
    amount, quantity = part.columns.get("amount"), lines.columns.get("quantity")
    price = next((c for c in part.seen.columns if UNIT_PRICE.search(slug(c))), "")
    if quantity and price and amount in (None, price):
        for table in (part, lines):
            table.columns.pop("amount", None)
            table.derive["amount"] = f"{sql.name(quantity)} * {sql.name(price)}"
        part.doubts.append(
            f"amount: {quantity!r} times {price!r}, added up over the rows of an order"
        )
        part.merge = ["amount"]
    elif amount and part.seen.raw.frame.groupby(ids)[amount].nunique().le(1).all():
        lines.columns.pop("amount", None)
        part.doubts.append(f"amount: {amount!r} repeats in the rows of an order: taken once")
        part.merge = []
    elif amount:
        part.doubts.append(f"amount: {amount!r} is added up over the rows of an order")
        part.merge = ["amount"]
    else:
        part.merge = []
    return [part, lines] if "product" in lines.columns else [part]


def _baskets(part: TableOf) -> list[TableOf]:
    """Rows of products without the number of an order: what a customer bought at one time is one.

    Empty where rows name no product, or no customer bought two products at one time.
    """
    lines = match("order_lines", part.seen)
    who, when = part.columns.get("customer_id"), part.columns["at"]
    if not who or "product" not in lines or not part.seen.raw.frame.duplicated([who, when]).any():
        return []
    # Customers may be known by an address, which no number of an order may give away.
    made = f"md5(concat(lower({sql.name(who)}), ' ', {sql.name(when)}))"
    of_lines = TableOf(part.seen, "order_lines", {**lines, "line": ROW})
    of_lines.why = dict.fromkeys(of_lines.columns, "high: its name")
    part.derive["order_id"] = of_lines.derive["order_id"] = made
    n = len(part.seen.raw.frame.drop_duplicates([who, when]))
    part.doubts.append(
        f"order_id: no column numbers the orders, so the rows of one {who!r} and {when!r} are one "
        f"order: {n:,} orders of {len(part.seen.raw.frame):,} rows"
    )
    part.merge = []
    if amount := part.columns.get("amount"):
        part.merge = ["amount"]
        part.doubts.append(f"amount: {amount!r} is added up over the rows of an order")
    return [part, of_lines]


def lines_of_kept_orders(orders: TableOf, lines: TableOf) -> None:
    """Lines of orders that are left out are left out too, where each line says why."""
    frame, ids = orders.seen.raw.frame, orders.columns.get("order_id", "")
    if not ids:  # each column that numbers are made of is the same in all rows of an order
        made = orders.derive.get("order_id", "")
        lines.rows |= {c: words for c, words in orders.rows.items() if sql.name(c) in made}
        return
    for column, words in orders.rows.items():
        cells = conversion.text(frame[column])
        kept = cells.notna() & ~cells.isin(words)
        if kept.groupby(conversion.text(frame[ids])).nunique().le(1).all():
            lines.rows[column] = words
