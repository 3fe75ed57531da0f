"""What an amount of money rests on: the value that somebody gave a unit of an effect.

    assumed_value(rows, 4000, "EUR")    # assumed value of an NPS point: €4,000 a year (…)

An effect is measured, its value in money is not: whoever reads an amount must learn what value was
assumed, and where it was set.
"""

from __future__ import annotations

import pandas as pd

from cxlib.core import i18n
from cxlib.core.i18n import _


def assumed_value(rows: pd.DataFrame, default: float = 0.0, currency: str = "") -> str:
    """Say which value of a unit of the effect the amounts of these actions rest on.

    Parameters
    ----------
    rows : actions with the columns worth (value of a unit in a year; missing where the ledger gives
        none) and measure
    default : the value where the ledger gives none; 0 for none
    currency : of the amounts

    Returns
    -------
    part of a sentence; empty where no action has a value

    Examples
    --------
    >>> rows = pd.DataFrame({"worth": [1000.0, 4000.0], "measure": "NPS"})
    >>> assumed_value(rows, currency="EUR")
    'assumed value of an NPS point: €1,000 to €4,000 a year, different by action (action ledger)'
    >>> assumed_value(rows.head(1), 4000, "EUR")
    'assumed value of an NPS point: €1,000 a year (action ledger)'
    """
    own = rows["worth"].astype(float)
    used = own.fillna(default if default > 0 else float("nan")).dropna()
    if used.empty:
        return ""
    low, high = used.min(), used.max()
    money = {"low": (low, currency), "high": (high, currency)}
    facts = {
        "unit": _unit(rows.loc[used.index, "measure"].dropna().astype(str).unique()),
        "where": _where(own.notna()[used.index]),
    }
    if low == high:
        return _(
            "assumed value of {unit}: {value:money} a year ({where})", value=money["low"], **facts
        )
    return _(
        "assumed value of {unit}: {low:money} to {high:money} a year, different by action "
        "({where})",
        **facts,
        **money,
    )


def _unit(measures: list[str]) -> str:
    """What the effects of the actions are counted in."""
    if len(measures) != 1:
        return _("a unit of the effect")
    if measures[0].upper() == "NPS":
        return _("an NPS point")
    return _("a point of {measure:quoted}", measure=i18n.label(measures[0]))


def _where(from_ledger: pd.Series) -> str:
    """Where the values were set."""
    if from_ledger.all():
        return _("action ledger")
    if not from_ledger.any():
        return _("study settings")
    return _("action ledger and study settings")
