"""Tables as a reader sees them: small cells hidden, numbers formatted, heads in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import (
    COMMON,
    ESTIMATE,
    PER_CONTACTS,
    Column,
    format_cells,
    heading,
    resolved,
)
from cxlib.core.i18n import N_, _
from cxlib.privacy import disclosure

# Whatever else a row has in the unit of its estimate: simultaneous limits, the time before.
IN_UNIT_OF_ESTIMATE = tuple(name for name, column in COMMON.items() if column.unit == ESTIMATE)
MEASURED = {
    "nps": (i18n.number, 1),
    "points": (i18n.number, 1),
    "csat": (i18n.percent, 1),
    "share": (i18n.percent, 1),
    "percentage points": (i18n.number, 1),
    PER_CONTACTS: (i18n.number, 1),
    "money": (i18n.number, 0),
}
UNIT_NAMES = {
    "scale": N_("rating points"),
    "share": N_("percentage points"),
    "rate": N_("cases per 1,000 contacts"),
}

PAGES = {  # of a column that says on which page a number is
    "21": N_("What shall we improve first?"),
    "22": N_("Where do journeys break?"),
    "26": N_("Whom shall we call back?"),
    "32": N_("Who is about to leave?"),
    "33": N_("What keeps them coming back?"),
}


def hide_small_cells(table: pd.DataFrame, least: int | None = None) -> pd.DataFrame:
    """The table with its numbers blanked where n is under `least` (the page's own), n apart.

    Others are blanked with them where, from those that stay and a total, a small cell could be
    worked out; n of those goes too (`hiding`).
    """
    return disclosure.blanked(table, disclosure.hidden(table, least))


def display_table(
    table: pd.DataFrame, unit: str = "", columns: Iterable[Column] = ()
) -> pd.DataFrame:
    """The table as text a reader can read: small cells hidden, numbers in the page's format.

    Parameters
    ----------
    table : with a column n where rows count answers
    unit : of the estimates
    columns : those that are not in `core.columns.COMMON`, or differ from it

    Examples
    --------
    >>> table = pd.DataFrame({"estimate": [0.25], "before": [0.5], "share": [0.75]})
    >>> display_table(table, "share").values.tolist()
    [['25%', '50%', '0.75']]
    >>> display_table(table, "share", [Column("share", unit="share")]).values.tolist()
    [['25%', '50%', '75%']]
    """
    known = resolved(table, unit, columns)
    return display_cells(table, known).rename(columns=lambda c: heading(known, str(c)))


def display_cells(
    table: pd.DataFrame, known: Mapping[str, Column], why: pd.Series | None = None
) -> pd.DataFrame:
    """`display_table` under the table's own heads; `why` of a table that was blanked before."""
    why = disclosure.hidden(table) if why is None else why
    shown = disclosure.blanked(table, why)
    text = format_cells(shown, known)
    if "n" in shown:
        text["n"] = disclosure.counts(shown, why)
    if {"by", "group"} <= set(shown):  # a row without a group is of all
        text["by"] = [v or "–" for v in text["by"]]
        text["group"] = [v or _("all") for v in text["group"]]
    if "owner" in shown:  # a department as a sentence names it
        text["owner"] = [i18n.opening(name) for name in text["owner"]]
    for column in (c for c in shown if c in known and known[c].unit == "page"):
        text[column] = [_(PAGES[v]) if v in PAGES else v for v in shown[column]]
    if has_units_by_row(shown):
        for column in shown.columns.intersection(IN_UNIT_OF_ESTIMATE):
            each_row = zip(shown[column], shown["estimate"], shown["share"], strict=True)
            text[column] = [_of_its_row(*row) for row in each_row]
        return text.drop(columns="share")
    kinds = next((shown[c] for c in ("measure", "unit") if c in shown), None)
    if kinds is not None and "estimate" in shown and not known["estimate"].unit:
        # Rows that name a unit, and alerts, are differences: of shares, percentage points.
        forms = [MEASURED.get(kind, (i18n.number, 2)) for kind in kinds]
        if {"unit", "signal"} & set(shown):
            forms = [
                (i18n.points, d) if write is i18n.percent else (write, d) for write, d in forms
            ]
        for column in shown.columns.intersection(IN_UNIT_OF_ESTIMATE):
            text[column] = [write(v, d) for v, (write, d) in zip(shown[column], forms, strict=True)]
        if "unit" not in shown:  # no column says what a difference of shares is counted in
            text["estimate"] = [
                _("{v} percentage points", v=v) if write is i18n.points and v != "–" else v
                for v, (write, _digits) in zip(text["estimate"], forms, strict=True)
            ]
    if "unit" in shown:
        units = zip(shown["unit"], text["unit"], strict=True)
        named = UNIT_NAMES | {"money": context.current().currency or N_("amount")}
        text["unit"] = [_(named[u]) if u in named else known_as for u, known_as in units]
    return text


def has_units_by_row(table: pd.DataFrame) -> bool:
    """Whether a column `share` says of each row if it is one; readers see it in the numbers."""
    return "share" in table and pd.api.types.is_bool_dtype(table["share"])


def _of_its_row(value: float, estimate: float, share: bool) -> str:
    """A number in the unit of its row, with as many digits as its estimate needs."""
    if share:
        return i18n.percent(value, int(abs(estimate) < 0.05))
    return i18n.number(value, 2 if abs(estimate) < 10 else 1 if abs(estimate) < 100 else 0)


def hide_in_notebooks() -> None:
    """Have a notebook show tables (anything with a column n) without their small cells."""
    shell = context.shell()
    if shell is not None and hasattr(shell, "display_formatter"):
        shell.display_formatter.mimebundle_formatter.for_type(pd.DataFrame, _without_small_cells)


def _without_small_cells(
    table: pd.DataFrame, **_unused: object
) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """What a notebook shows of a table with small cells; None for others, which it shows as is."""
    why = disclosure.hidden(table)
    if not (why != "").any():
        return None
    shown = disclosure.blanked(table, why).assign(n=disclosure.counts(table, why))
    data = {"text/plain": shown.to_string(na_rep="–"), "text/html": shown.to_html(na_rep="–")}
    return data, {"cxlab_audit": disclosure.audit(table, why)}
