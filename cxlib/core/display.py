"""Tables as a reader sees them: small cells hidden, numbers formatted, heads in words."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.privacy import disclosure

# Columns beside a share that are shares too.
SHARES = ("customers", "predicted", "quoted", "plain", "outer_low", "outer_high")
CHANCES = ("p", "p_held", "adjusted", "probability")  # never zero, however small
MEASURED = {"nps": (i18n.number, 1), "csat": (i18n.percent, 1)}


def hide_small_cells(table: pd.DataFrame, least: int | None = None) -> pd.DataFrame:
    """The table with its numbers blanked where n is under `least` (the page's own), n apart.

    Others are blanked with them where, from those that stay and a total, a small cell could be
    worked out; n of those goes too (`hiding`).
    """
    return disclosure.blanked(table, disclosure.hidden(table, least))


def display_table(
    table: pd.DataFrame, unit: str = "", why: pd.Series | None = None
) -> pd.DataFrame:
    """The table as text a reader can read: small cells hidden, numbers in the page's format.

    `why` says which rows are hidden, for a table that was blanked before.
    """
    why = disclosure.hidden(table) if why is None else why
    shown = disclosure.blanked(table, why)
    mixed = has_units_by_row(shown)
    unit = "share" if unit == "gap" else unit  # a difference of shares
    digits, say = _digits(shown, unit), i18n.percent if unit == "share" else i18n.number
    text = pd.DataFrame(index=shown.index)
    for column in shown:
        values = shown[column]
        if column == "n":
            text[column] = disclosure.counts(shown, why)
        elif mixed and column == "share":
            continue
        elif mixed and column in ("estimate", "low", "high", "overall"):
            each_row = zip(values, shown["estimate"], shown["share"], strict=True)
            text[column] = [_of_its_row(*row) for row in each_row]
        elif column in ("estimate", "low", "high"):
            several = not unit and "measure" in shown
            forms = _of_measures(shown) if several else [(say, digits)] * len(shown)
            text[column] = [write(v, d) for v, (write, d) in zip(values, forms, strict=True)]
        elif column in CHANCES and pd.api.types.is_float_dtype(values):
            text[column] = [i18n.p_value(v) for v in values]
        elif pd.api.types.is_bool_dtype(values):
            text[column] = [_("yes") if v else _("no") for v in values]
        elif pd.api.types.is_float_dtype(values):
            share = unit == "share" and column in SHARES
            text[column] = [say(v, digits) if share else i18n.number(v, 2) for v in values]
        else:
            text[column] = ["–" if v is None else i18n.label(str(v)) for v in values]
    return text.rename(columns=lambda name: i18n.heading(str(name)))


def _narrow(table: pd.DataFrame) -> bool:
    """Whether most intervals would shrink to nothing in whole percentages."""
    return (table["high"] - table["low"]).median() < 0.01 if "low" in table else False


def has_units_by_row(table: pd.DataFrame) -> bool:
    """Whether a column `share` says of each row if it is one; readers see it in the numbers."""
    return "share" in table and pd.api.types.is_bool_dtype(table["share"])


def _of_its_row(value: float, estimate: float, share: bool) -> str:
    """A number in the unit of its row, with as many digits as its estimate needs."""
    if share:
        return i18n.percent(value, int(abs(estimate) < 0.05))
    return i18n.number(value, 2 if abs(estimate) < 10 else 1 if abs(estimate) < 100 else 0)


def _of_measures(table: pd.DataFrame) -> list[tuple[Callable[..., str], int]]:
    """How each row is written, and its decimals, where rows are of several measures."""
    return [MEASURED.get(kind, (i18n.number, 2)) for kind in table["measure"]]


def hide_in_notebooks() -> None:
    """Have a notebook show tables (anything with a column n) without their small cells."""
    if "IPython" not in sys.modules:  # no notebook; importing it would take longer than all else
        return
    shell = sys.modules["IPython"].get_ipython()
    if shell is not None and hasattr(shell, "display_formatter"):
        shell.display_formatter.mimebundle_formatter.for_type(pd.DataFrame, _without_small_cells)


def _without_small_cells(table: pd.DataFrame, **_unused: object) -> tuple[dict, dict] | None:
    """What a notebook shows of a table with small cells; None for others, which it shows as is."""
    why = disclosure.hidden(table)
    if not (why != "").any():
        return None
    shown = disclosure.blanked(table, why).assign(n=disclosure.counts(table, why))
    data = {"text/plain": shown.to_string(na_rep="–"), "text/html": shown.to_html(na_rep="–")}
    return data, {"cxlab_audit": disclosure.audit(table, why)}


def _whole(values: pd.Series) -> bool:
    return bool(values.notna().any()) and bool((values.dropna() % 1 == 0).all())


def _digits(table: pd.DataFrame, unit: str) -> int:
    if unit in ("points", "percentage points", "maturity level"):
        return int(unit.endswith("points"))
    largest = table.get("estimate", pd.Series([0.0])).abs().max()
    if unit == "share":
        return int(largest < 0.05 or _narrow(table))
    if not unit and "estimate" in table and _whole(table["estimate"]):
        return 0
    return 2 if largest < 100 else 0
