"""Personas as cards: a table a segment, and beneath it what its customers wrote, masked.

report.cards(personas)                            # in a notebook, below report.add
"""

from __future__ import annotations

import html
from typing import Any

import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.privacy import disclosure
from cxlib.privacy.redaction import comments

MOST_QUOTES = 2
AMOUNTS = ("amount", "spend", "spend_365", "worth")  # columns of amounts


def cards(personas: Any) -> None:
    """Show a card for each segment: a table, and comments of its customers, masked.

    Small cells are hidden; comments are shown only where enough customers wrote any.

    Parameters
    ----------
    personas : of `segments.personas`: `table` (segment, part, term, estimate, low, high, n,
        overall, share), `quotes` (segment, text) and `descriptions` (of each segment)
    """
    from IPython.display import HTML, display

    display(HTML(html_of(personas)))


def sheet(tool: Any) -> None:
    """Show the points of a typing tool as a sheet to print and tick.

    Parameters
    ----------
    tool : of `segments.typing_tool`: `sheet` (question, answer, points of each segment) and
        `segments` (their names); nothing is shown of a tool that does not work
    """
    from IPython.display import HTML, display

    if tool.sheet.empty:
        return

    rows: list[list[str]] = []
    last = ""
    for asked, answer, *points in tool.sheet.itertuples(index=False, name=None):
        box = f"☐ {answer}" if answer else ""
        rows.append([i18n.opening(asked) if asked != last else "", box, *map(str, points)])
        last = asked
    rows.append([_("Sum of the answers ticked"), *["" for _ in range(len(rows[0]) - 1)]])
    heads = [_("question"), _("answer"), *map(str, range(1, len(tool.segments) + 1))]
    key = "".join(
        f"<br><strong>{at}</strong> {html.escape(i18n.opening(name))}"
        for at, name in enumerate(tool.segments, 1)
    )
    told = _(
        "Tick one answer to each question and add up the points of each column: the customer "
        "belongs where they are most."
    )
    head = f"<summary>{html.escape(_('The sheet, to print'))}</summary>"
    said = f"<p>{html.escape(told)}{key}</p>"
    display(HTML(f"<details>{head}{said}{_table(heads, rows)}</details>"))


def html_of(personas: Any) -> str:
    """The cards as one piece of HTML, escaped."""
    why = disclosure.hidden(personas.table)
    shown = disclosure.blanked(personas.table, why).assign(n=disclosure.counts(personas.table, why))
    found = []
    for name, lines in shown.groupby("segment", sort=False):
        own = personas.quotes
        written = own.loc[own["segment"] == name, "text"].tolist()
        found.append(_card(str(name), personas.descriptions.get(name, ""), lines, written))
    return "".join(found)


def _card(name: str, described: str, lines: pd.DataFrame, written: list[str]) -> str:
    heads = [i18n.heading("part"), i18n.heading("measure"), _("segment"), _("95% interval")]
    heads += [_("all"), "n"]
    rows, last = [], ""
    for line in lines.to_dict("records"):
        part = _part(line["part"]) if line["part"] != last else ""
        last = line["part"]
        term = i18n.opening(_with_currency(str(line["term"]), share=bool(line["share"])))
        rows.append([part, term, *_numbers(line), str(line["n"])])
    quotes = "".join(
        f"<blockquote>“{html.escape(text)}”</blockquote>" for text in comments(written, MOST_QUOTES)
    )
    told = f" {html.escape(i18n.opening(described))}" if described else ""
    head = f"<summary><strong>{html.escape(i18n.opening(name))}</strong>{told}</summary>"
    return f"<details>{head}{_table(heads, rows)}{quotes}</details>"


def _with_currency(term: str, *, share: bool) -> str:
    """What a line is called, with the currency where its numbers are amounts."""
    currency = context.current().currency
    if share or term not in AMOUNTS or not currency:
        return i18n.label(term)
    return _("{term:label} ({currency})", term=term, currency=currency)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    head = "".join(f"<th>{html.escape(i18n.opening(h) if h != 'n' else h)}</th>" for h in heads)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _part(name: str) -> str:
    return {
        "size": _("How many"),
        "features": _("What marks them"),
        "demographics": _("Who they are"),
        "outcomes": _("What they do"),
        "drivers": _("What they need: key drivers (share of explained variance)"),
        "ratings": _("Where it hurts"),
        "problems": _("What goes wrong"),
    }[name]


def _numbers(line: dict[str, Any]) -> list[str]:
    """The number, its interval, and everybody's, as the page writes numbers."""
    if line["estimate"] != line["estimate"]:
        return [_("hidden: too few answers"), "", ""]
    share, overall = bool(line["share"]), line["overall"]
    digits = _digits(line["estimate"] if overall != overall else overall)  # alike on every card
    write = i18n.percent if share else lambda v: i18n.number(v, digits)
    span = i18n.span(line["low"], line["high"], 0 if share else digits, share=share)
    return [write(line["estimate"]), span, "" if overall != overall else write(overall)]


def _digits(value: float) -> int:
    return 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
