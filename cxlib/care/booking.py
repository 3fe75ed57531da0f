"""What the ledger has of the call-backs, held against what their trial measured."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cxlib.care.effects import sized
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.core.result import Finding, Importance, Result


def booking(effect: Result, ledger: pd.DataFrame, action: str, *, complete: bool = True) -> Result:
    """Compare the effect measured with what the ledger holds of the action, and say what to book.

    Parameters
    ----------
    effect : of `effect_on_score`
    ledger : actions, as the contract has them
    action : its action_id, `contact_rules.action` of study.yaml
    complete : whether the effect is that on all customers, as the ledger has it

    Returns
    -------
    Result with "table": term (predicted, in the ledger, measured), estimate, low, high, n. Its
    finding's action is the command that books the effect, where the ledger has none yet

    Raises
    ------
    InsufficientData : study.yaml names no action, or the ledger does not have it; the effect is
        that on a part of the customers

    Examples
    --------
    >>> row = pd.DataFrame({"term": ["all"], "estimate": [4.0], "low": [1.0], "high": [7.0]})
    >>> ledger = pd.DataFrame({"action_id": ["a1"], "predicted": [5.0], "realised": [None]})
    >>> booking(Result(row.assign(n=90), "", unit="points"), ledger, "a1").finding.action
    'Book it: cx actions close STUDY a1 --realised 4 --low 1 --high 7'
    """
    if not complete:
        raise InsufficientData(
            _("The ledger is about all customers, and this page about a part of them.")
        )
    found = ledger[ledger["action_id"].astype(str) == action] if action else ledger.iloc[:0]
    if found.empty:
        raise InsufficientData(
            _("The ledger has no action {action:verbatim} that books call-backs.", action=action)
            if action
            else _("study.yaml names no action that books call-backs (contact_rules.action).")
        )
    row, measured = found.iloc[0], effect.table.iloc[0]
    columns = {"predicted": "predicted", "in the ledger": "realised"}
    rows = [(term, *_three(row, column)) for term, column in columns.items()]
    rows.append(("measured", measured["estimate"], measured["low"], measured["high"]))
    table = pd.DataFrame(rows, columns=["term", "estimate", "low", "high"])
    table["n"] = [pd.NA, pd.NA, measured["n"]]
    table = table[table["estimate"].notna()].reset_index(drop=True)
    return Result(table, _finding(table, measured, action, effect.unit), unit=effect.unit)


def _three(row: pd.Series, name: str) -> list[float]:
    return [float(pd.to_numeric(row.get(f"{name}{end}"))) for end in ("", "_low", "_high")]


def _finding(table: pd.DataFrame, measured: pd.Series, action: str, unit: str) -> Finding:
    by_term = table.set_index("term")
    facts = {
        "action": action,
        "now": sized(measured["estimate"], unit, sign=True),
        "low": sized(measured["low"], unit, plain=True),
        "high": sized(measured["high"], unit, plain=True),
        "n": measured["n"],
    }
    slots: dict[str, Any] = {"unit": unit, "measure": "callback_booked", "at": {"action": action}}
    detail = _("measured: {now} (95% CI {low} to {high}); n = {n:count}", **facts)
    if "in the ledger" not in by_term.index:
        numbers = [f"{measured[c]:.3g}" for c in ("estimate", "low", "high")]
        return Finding.of_row(
            measured,
            _("The effect of call-backs measured so far is not in the ledger yet.", **facts),
            detail,
            action=_(
                "Book it: cx actions close STUDY {action} --realised {value} --low {low} "
                "--high {high}",
                action=action,
                value=numbers[0],
                low=numbers[1],
                high=numbers[2],
            ),
            **slots,
        )
    booked = by_term.loc["in the ledger"]
    facts["booked"] = sized(booked["estimate"], unit, sign=True)
    agree = not (booked["low"] > measured["high"] or booked["high"] < measured["low"])
    if agree:
        claim = _(
            "The ledger has {booked} for call-backs; their trial measured {now}, which agrees.",
            **facts,
        )
    else:
        claim = _(
            "The ledger has {booked} for call-backs, but their trial measured {now}: correct it.",
            **facts,
        )
    return Finding.of_row(
        measured,
        claim,
        detail,
        importance=Importance.CONTEXT if agree else Importance.NOTABLE,
        **slots,
    )
