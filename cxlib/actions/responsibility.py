"""What is being done about a measure, who does it, and whether it is expected to pay.

    responsible(ledger, "delivery")      # ("Solve “late parcels” as planned ...", "Ann, due ...")

Every page that names an open action says of it what 41_what_shall_we_do_next says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from cxlib.actions.gains import AGAINST, VERDICTS, net_gain
from cxlib.actions.ledger import CHECK_FIRST, INNER, OPEN, PAST, STOP, complete, owner_with_date
from cxlib.core.i18n import N_, _

ADVICE = {
    # Whether the problem is over is known where drivers are compared by wave, and in 41.
    VERDICTS[0]: CHECK_FIRST,
    VERDICTS[1]: N_(
        "Do not act yet on “{problem:label}”: the answers of another wave may change whether it is "
        "expected to pay (chance of a gain now {chance:rate})."
    ),
    VERDICTS[2]: N_(
        "The action planned on “{problem:label}” is not expected to pay: look for another."
    ),
    VERDICTS[3]: N_(
        "Solve “{problem:label}” as planned in the ledger; whether it pays is not known yet."
    ),
    VERDICTS[5]: STOP,
}

STANDARDS = {"first-response SLA": "reply_in_time", "resolution SLA": "solved_in_time"}
OTHERWISE = {  # where a page asks for something that the action of the ledger does not bring
    VERDICTS[2]: N_(
        "{aim}, but by another action: the one planned on “{problem:label}” is not expected to pay."
    ),
    VERDICTS[5]: N_(
        "{aim}, but in another way: the action on “{problem:label}”, which has started, is not "
        "expected to pay; stop or redesign it."
    ),
}


def responsible(
    ledger: pd.DataFrame, *measures: str, more: int = 0, aim: str = "", over: bool = False
) -> tuple[str, str]:
    """What is to be done about a question, touchpoint or topic, and who does it.

    Parameters
    ----------
    ledger : actions, as the contract has them
    measures : names that the action may be `about`, the best first
    more : answers of a further wave, as in `net_gain`
    aim : what a page asks for, such as "Improve Delivery first"; it holds where the action planned
        does not pay
    over : whether the page shows that what made it a problem is over

    Returns
    -------
    what to do (about the open action that is due first, by its expected net gain), and its owner
    with the day it is due, in the page's language; both empty where there is none

    Examples
    --------
    >>> row = {"action_id": "a01", "problem": "late parcels", "status": "planned", "owner": "ann"}
    >>> effect = {"predicted": 2.0, "predicted_low": 1.0, "predicted_high": 3.0, "worth": 100.0}
    >>> ledger = pd.DataFrame([row | effect | {"about": "delivery", "cost": 900.0}])
    >>> responsible(ledger, "delivery")
    ('The action planned on “late parcels” is not expected to pay: look for another.', 'Ann')
    """
    found = _first(ledger, measures)
    if found.empty:
        return "", ""
    first, judged = found.iloc[0], net_gain(found, more=more).table
    verdict = str(judged["verdict"].iloc[0]) if len(judged) else VERDICTS[3]
    owner = owner_with_date(first["owner"], first["due_on"])
    if over and verdict == VERDICTS[0]:
        return _(PAST, problem=first["problem"]), owner
    if aim and verdict in OTHERWISE:
        return _(OTHERWISE[verdict], aim=aim, problem=first["problem"]), owner
    chance = judged["chance"].iloc[0] if len(judged) else None
    return _(ADVICE[verdict], problem=first["problem"], chance=chance), owner


def advice_against(ledger: pd.DataFrame, *measures: str, more: int = 0) -> str:
    """The verdict on the open action about the first of the measures, where it is against acting.

    Parameters
    ----------
    ledger, measures, more : as in `responsible`

    Returns
    -------
    "do not act yet", "do not act" or "stop or redesign"; empty where nothing is against it

    Examples
    --------
    >>> row = {"action_id": "a01", "problem": "late parcels", "status": "planned", "owner": "ann"}
    >>> effect = {"predicted": 2.0, "predicted_low": 1.0, "predicted_high": 3.0, "worth": 100.0}
    >>> ledger = pd.DataFrame([row | effect | {"about": "delivery", "cost": 900.0}])
    >>> advice_against(ledger, "delivery")
    'do not act'
    """
    verdict = net_gain(_first(ledger, measures), more=more).table["verdict"].tolist()
    return verdict[0] if verdict and verdict[0] in (*AGAINST, VERDICTS[5]) else ""


def names_of(alert: Mapping[str, Any], kin: Mapping[str, Sequence[str]]) -> list[str]:
    """What an action that answers an alert may be about, the best first.

    Parameters
    ----------
    alert : a row of the table of `alerts`
    kin : question -> the others of the same construct, which one action works on

    Examples
    --------
    >>> names_of({"term": "price", "group": "North"}, {"price": ["quality"]})
    ['price', 'North', 'quality']
    """
    term = str(alert["term"])
    return [n for n in (term, STANDARDS.get(term), alert.get("group"), *kin.get(term, ())) if n]


def evidence_against(ledger: pd.DataFrame, *measures: str, more: int = 0) -> str:
    """What the ledger says against acting on it, as the end of a detail; empty where nothing.

    Parameters
    ----------
    ledger, measures, more : as in `responsible`

    Examples
    --------
    >>> row = {"action_id": "a01", "problem": "late parcels", "status": "planned", "owner": "ann"}
    >>> effect = {"predicted": 2.0, "predicted_low": 1.0, "predicted_high": 3.0, "worth": 100.0}
    >>> ledger = pd.DataFrame([row | effect | {"about": "delivery", "cost": 250.0}])
    >>> evidence_against(ledger, "delivery")
    'the action planned on “late parcels” is not expected to pay (chance of a gain 16%)'
    """
    judged = net_gain(_first(ledger, measures), more=more).table
    if judged.empty or judged["verdict"].iloc[0] not in (*AGAINST, VERDICTS[5]):
        return ""
    facts = judged.iloc[0][["problem", "chance"]]
    if judged["verdict"].iloc[0] == VERDICTS[1]:
        return _(
            "the action planned on “{problem:label}” is to wait for more answers (chance of a gain "
            "{chance:rate})",
            **facts,
        )
    if judged["verdict"].iloc[0] == VERDICTS[5]:
        return _(
            "the action on “{problem:label}” has started and is not expected to pay (chance of a "
            "gain {chance:rate})",
            **facts,
        )
    return _(
        "the action planned on “{problem:label}” is not expected to pay (chance of a gain "
        "{chance:rate})",
        **facts,
    )


def _first(ledger: pd.DataFrame, measures: Sequence[str]) -> pd.DataFrame:
    """The open action about the first of the measures that has one: a row, or none."""
    rows = complete(ledger)
    rows = rows[rows["status"].isin(OPEN) & ~rows["class"].eq(INNER).fillna(False)]
    for measure in filter(None, measures):
        found = rows[rows["about"].eq(measure).fillna(False)]
        if len(found):
            return found.sort_values("due_on", kind="stable").head(1)
    return rows.iloc[:0]
