"""One customer's card: all touches by time, answers, words, cases, orders, contacts, as one page.

    html = customer_card.page("c0042", history, facts, study="Made-up hotels", items=["recommend"])

The card names a customer: it is a file for its owner alone and no part of a report. Words are
masked as they are on pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import N_, _
from cxlib.data import contract
from cxlib.privacy import masking
from cxlib.report import rendering

TIMES = {  # table: when a row of it was
    "responses": "answered_on",
    "cases": "opened_at",
    "orders": "at",
    "events": "at",
    "comments": "at",
    "contacts": "at",
}
WHAT = {
    "responses": N_("Answer"),
    "cases": N_("Case"),
    "orders": N_("Order"),
    "events": N_("Touchpoint"),
    "comments": N_("Comment"),
    "contacts": N_("Contact by us"),
}
UNTOLD = ("customer_id", "weight", "response_id", "lang", "block")


def touches(
    history: Mapping[str, pd.DataFrame], items: Sequence[str] = (), currency: str = ""
) -> pd.DataFrame:
    """Every touch of a customer, the latest first.

    Parameters
    ----------
    history : name of the table -> rows of the customer, as `study.care.history` gives them
    items : the questions of the survey; of an answer these are told, with its wave and channel
    currency : of amounts

    Returns
    -------
    DataFrame: at (missing where no day is known), what, details, in the page's language

    Examples
    --------
    >>> orders = pd.DataFrame({"order_id": ["o1"], "at": [pd.Timestamp("2026-03-01")]})
    >>> touches({"orders": orders.assign(amount=25.0)}, currency="EUR").values.tolist()
    [[Timestamp('2026-03-01 00:00:00'), 'Order', 'order id: o1; amount: €25.00']]
    """
    rows = []
    for table, when in TIMES.items():
        part = history.get(table, pd.DataFrame())
        told = [c for c in part if c not in (*UNTOLD, when)]
        if table == "responses":
            told = [c for c in told if c in items or c in ("wave", "channel")]
        for row in part.to_dict("records"):
            details = _details(row, told, currency)
            rows.append((row.get(when, pd.NaT), _(WHAT[table]), details))
    found = pd.DataFrame(rows, columns=["at", "what", "details"])
    found["at"] = pd.to_datetime(found["at"])
    return found.sort_values("at", ascending=False, kind="stable", ignore_index=True)


def _details(row: Mapping[str, Any], columns: Iterable[str], currency: str) -> str:
    parts = [
        _("{name}: {value}", name=i18n.label(c), value=written(row[c], c, currency))
        for c in columns
        if not pd.isna(row[c]) and row[c] != ""
    ]
    return _("; ").join(parts)


def written(value: Any, column: str = "", currency: str = "") -> str:
    """A cell as a reader sees it: amounts with their currency, words masked, codes by label.

    Examples
    --------
    >>> written(True), written(3.0), written(12.5, "amount", "EUR"), written("ann@firm.com")
    ('yes', '3', '€12.50', '[e-mail]')
    """
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return _("yes") if value else _("no")
    if isinstance(value, pd.Timestamp):
        return when(value)
    if column == "amount":
        return i18n.money((float(value), currency), 2)
    if isinstance(value, int | float):
        return i18n.number(value, 0 if float(value).is_integer() else 2)
    text = str(value)
    known = column.endswith("_id") or column == "text"
    safe = masking.masked(text)[0]
    return safe if known or " " in text or safe != text else i18n.label(text)


def when(moment: pd.Timestamp) -> str:
    """A day, with its time where it has one; a dash where none is known.

    Examples
    --------
    >>> when(pd.Timestamp("2026-03-01 14:05")), when(pd.NaT)
    ('1 Mar 2026, 14:05', '–')
    """
    if pd.isna(moment):
        return "–"
    day = i18n.day(moment)
    return day if moment == moment.normalize() else f"{day}, {moment:%H:%M}"


def attributes(row: Mapping[str, Any], currency: str = "") -> list[tuple[str, str]]:
    """What is known of the customer as such: label and value of each column that is filled."""
    return [
        (i18n.opening(i18n.label(c)), written(v, c, currency))
        for c, v in row.items()
        if c != "customer_id" and not pd.isna(v) and v != ""
    ]


def page(
    customer: str,
    history: Mapping[str, pd.DataFrame],
    facts: Sequence[tuple[str, str]],
    *,
    study: str,
    items: Sequence[str] = (),
    currency: str = "",
) -> str:
    """The card as HTML that loads nothing from elsewhere.

    Parameters
    ----------
    customer : customer_id
    history, items, currency : as in `touches`
    facts : what stands at the top: name and value
    study : what readers call the study
    """
    rows = touches(history, items, currency)
    counts = [
        _("{table:label}: {n:count}", table=t, n=len(history[t]))
        for t in contract.TABLES
        if t in history and t in TIMES
    ]
    told = [{"day": when(r.at), "what": r.what, "details": r.details} for r in rows.itertuples()]
    return (
        rendering.environment()
        .get_template("customer.html.j2")
        .render(
            customer=customer,
            study=study,
            facts=facts,
            touches=told,
            counts=i18n.opening(_("; ").join(counts)),
            lang=context.current().lang,
        )
    )
