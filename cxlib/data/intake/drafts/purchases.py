"""Orders and their lines: rows that are one order, and orders that may be none."""

from __future__ import annotations

import re
from collections.abc import Iterator

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
    r"cancel|void|pending|fail|declin|unpaid|storn|annul|offen|pendi|取消|未付|待付|失败|キャンセル"
    r"|refund|return|disput|charge.?back|erstatt|retour|rembours|reembols|rimbors|devuel|devol"
    r"|iptal|iade|退款|退货|返金|返品|\blost\b",
    re.IGNORECASE,
)
TESTS = re.compile(r"(is_?)?(live|test)_?(mode)?|mode|modus|environment|umgebung|sandbox")
REFUND = re.compile(r"refund|erstatt|rembours|reembols|rimbors|devol|退款|返金|iade")
ORDER = re.compile(
    r"order|auftrag|bestell|beleg|commande|pedido|ordine|sipari|invoice|receipt|rechnung"
    r"|订单|訂單|注文|受注"
)
MONEY = re.compile(
    r"amount|total|revenue|sales|spen[dt]|price|paid|payment|value|(^|_)(net|gross)(_|$)|netto|brutto"
    r"|betrag|summe|umsatz|wert|montant|(^|_)(ttc|ht)(_|$)|importe|valor|importo|totale|金额|金額|[总實实]额"
)
NO_AMOUNT = re.compile(
    r"unit|item|einzel|stück|单价|單價|tax|vat_|_vat$|(^|_)mwst|steuer|税额|iva$|tva$|ship|deliver"
    r"|versand|livraison|运费|discount|rabatt|remise|descuento|折扣|cost|kosten|coût|profit|margin"
    r"|gewinn|refund|erstatt|rembours|reembols|退款|quantity|count|number|_id$|points|rate"
)
WITH_TAX = re.compile(r"(in|ex)[ck]l\w*_(vat|tax|mwst|iva|tva)|(ohne|with|without)_(vat|tax|mwst)")
ALIKE = 2  # times another column of money, within which it may be the amount
SAME = 0.05  # of the rows with a customer and time of another, from which they may be lines


def doubtful_sales(part: TableOf) -> list[str]:
    """Orders that may be none, by a status that no profile of the shop has judged."""
    found = [*_undecided_lines(part), *_refunds(part), *_other_amounts(part)]
    for name, column in part.seen.columns.items():
        if part.seen.profile or name in part.rows or not 2 <= len(column.counts) <= 20:
            continue
        test = _test_words(name)
        if not STATUS.search(name) and test is None:
            continue
        judged = test or NO_SALE
        other = column.counts[[bool(judged.search(str(v))) for v in column.counts.index]]
        shown = ", ".join(f"{v} ({n:,})" for v, n in other.items())
        rest = [str(v) for v in column.counts.index if v not in other.index]
        if shown and rest:
            only = f"{sql.name(name)} IN ({', '.join(map(sql.text, rest))})"
            found.append(
                f"{part.seen.called}: {'tests, ' if test else ''}orders whose {name!r} is {shown} "
                f"count as purchases; `only: {only}` leaves them out"
            )
    return found


def _test_words(name: str) -> re.Pattern[str] | None:
    """What marks a test in a column that is called as one of tests; none for other columns."""
    called = slug(name)
    if not TESTS.fullmatch(called):
        return None
    words = {"live": "false|no|0", "test": "true|yes|1", "sandbox": "true|yes|1"}
    marks = next((w for k, w in words.items() if k in called), "")
    return re.compile(rf"^(test.*|sandbox|{marks})$" if marks else "^(test.*|sandbox)$", re.I)


def _refunds(part: TableOf) -> Iterator[str]:
    """Columns of refunds that are not taken off the amounts."""
    amount = part.columns.get("amount", "")
    for name, column in part.seen.columns.items():
        if part.seen.profile or not amount or name == amount or not REFUND.search(slug(name)):
            continue
        if any(sql.name(name) in made for made in part.derive.values()):
            continue
        given = column.numbers[column.numbers.index != 0]
        if not len(given):
            continue
        total = float((given.index.to_numpy() * given.to_numpy()).sum())
        sign = "-" if total > 0 else "+"
        yield (
            f"{part.seen.called}: {name!r} is not 0 in {int(given.sum()):,} rows ({total:,.2f} in "
            f"all) and is not taken off {amount!r}. To take it off, write `amount: "
            f"{sql.name(amount)} {sign} {sql.name(name)}` under `derive` in place of `amount` "
            "under `columns`; to leave such rows out, use `only`"
        )
        return  # further ones are the same in another currency


def _other_amounts(part: TableOf) -> Iterator[str]:
    """Further columns that may be the amount of an order, as the net beside the gross one."""
    amount = part.columns.get("amount", "")
    if part.seen.profile or "amount" in part.derive:
        return
    sums = {
        name: float((column.numbers.index.to_numpy() * column.numbers.to_numpy()).sum())
        for name, column in part.seen.columns.items()
        if column.not_numbers == 0
        and len(column.counts) > 2
        and (name == amount or _is_money(slug(name)))
    }
    own = sums.pop(amount, 0.0)
    if amount:
        sums = {n: x for n, x in sums.items() if own / ALIKE <= x <= own * ALIKE}
    if not sums:
        return
    could = " or ".join(f"{name!r} ({total:,.2f} in all)" for name, total in sums.items())
    said = "no column is known as the amount of an order"
    if amount:
        said = f"{amount!r} ({own:,.2f} in all) is taken for the amount of an order"
    yield (
        f"{part.seen.called}: {said}, and {could} may be it, such as net beside gross. Map to "
        "`amount` what customers pay, the same in all files"
    )


def _is_money(called: str) -> bool:
    """Whether a column is called as the money of an order, taxes and the like apart."""
    return bool(MONEY.search(called)) and not NO_AMOUNT.search(WITH_TAX.sub("", called))


def _shared(part: TableOf) -> Iterator[str]:
    """Numbers of orders that stand with several customers, so that they number no order."""
    ids, who = part.columns.get("order_id", ROW), part.columns.get("customer_id", ROW)
    if ROW in (ids, who):
        return
    customers = part.seen.raw.frame.groupby(ids)[who].nunique()
    if several := int((customers > 1).sum()):
        yield (
            f"order_id: {several:,} of {len(customers):,} values of {ids!r} stand with several "
            f"customers by {who!r}, and their rows become one order of the first. Do they begin "
            "again each day or in each shop? Then map `order_id` to a column that numbers the "
            "orders, or make it of several by `derive`"
        )


def _undecided_lines(part: TableOf) -> Iterator[str]:
    """Rows without a known order number that may be lines of orders."""
    if part.columns.get("order_id") != ROW:
        return
    frame, n = part.seen.raw.frame, len(part.seen.raw.frame)
    keys = [part.columns[c] for c in ("customer_id", "at") if part.columns.get(c, ROW) != ROW]
    same = int(frame.duplicated(keys, keep=False).sum()) if len(keys) == 2 else 0
    named = [
        c.name
        for c in part.seen.columns.values()
        if ORDER.search(slug(c.name))
        and c.name not in part.columns.values()
        and 2 * len(c.counts) > len(c.words) / 5
        and c.words.str.contains(r"\d").mean() > 0.5
        and not c.dates
    ]
    if same <= SAME * n and not named:
        return
    said = f"{part.seen.called}: no column is known as the number of an order, so each of the {n:,}"
    said += " rows counts as an order"
    if same:
        said += f"; {same:,} of them have the customer and time of another row ({keys})"
    could = f", such as {' or '.join(map(repr, named))}," if named else ""
    yield (
        f"{said}. Are they lines of orders? Then map the column of their number{could} to "
        "`order_id` and write `merge: [amount]`, which adds up the rows of an order"
    )


def with_lines(part: TableOf) -> list[TableOf]:
    """Orders that stand in several rows are put together, and their rows are lines of them."""
    ids = part.columns.get("order_id")
    if part.table == "orders" and not ids and (baskets := _baskets(part)):
        return baskets
    if part.table != "orders" or not ids or part.seen.columns[ids].words.is_unique:
        return [part]
    lines = TableOf(part.seen, "order_lines", {**match("order_lines", part.seen), "line": ROW})
    lines.why = dict.fromkeys(lines.columns, "high: its name")
    part.doubts += _shared(part)
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
        frame = part.seen.raw.frame
        differ = [
            name
            for name, c in part.seen.columns.items()
            if name not in (*part.columns.values(), *lines.columns.values())
            and c.not_numbers == 0
            and (frame.groupby(ids)[name].nunique() > 1).any()
        ]
        if differ:
            part.doubts.append(
                f"{part.seen.called}: no column is known as the amount of an order, and "
                f"{' and '.join(map(repr, differ))} differ within the rows of an order, of which "
                "the first is taken. Is one of them an amount? Then map it to `amount` and write "
                "`merge: [amount]`, which adds it up"
            )
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
