"""What is being done about a measure, who does it, and whether it is expected to pay.

    responsible(ledger, "delivery")      # ("Solve “late parcels” as planned ...", "Ann, due ...")

Every page that names an open action says of it what 41_what_shall_we_do_next says.
"""

from __future__ import annotations

import pandas as pd

from cxlib.actions.gains import VERDICTS, net_gain
from cxlib.actions.ledger import INNER, OPEN, complete, owner_with_date
from cxlib.core.i18n import N_, _

ADVICE = {
    # Only 41_what_shall_we_do_next knows whether the problem is over: elsewhere that comes first.
    VERDICTS[0]: N_(
        "Check that “{problem:label}” still occurs, then solve it as planned in the ledger."
    ),
    VERDICTS[1]: N_(
        "Do not act yet on “{problem:label}”: waiting for more answers is expected to pay more."
    ),
    VERDICTS[2]: N_(
        "The action planned on “{problem:label}” is not expected to pay: look for another."
    ),
    VERDICTS[3]: N_(
        "Solve “{problem:label}” as planned in the ledger; whether it pays is not known yet."
    ),
}


def responsible(ledger: pd.DataFrame, *measures: str, more: int = 0) -> tuple[str, str]:
    """What is to be done about a question, touchpoint or topic, and who does it.

    Parameters
    ----------
    ledger : actions, as the contract has them
    measures : names that the action may be `about`, the best first
    more : answers of a further wave, as in `net_gain`

    Returns
    -------
    what to do (about the open action that is due first, by its expected net gain), and its owner
    with the day it is due, in the page's language; both empty where there is none

    Examples
    --------
    >>> row = {"action_id": "a01", "problem": "late parcels", "status": "started", "owner": "ann"}
    >>> effect = {"predicted": 2.0, "predicted_low": 1.0, "predicted_high": 3.0, "worth": 100.0}
    >>> ledger = pd.DataFrame([row | effect | {"about": "delivery", "cost": 900.0}])
    >>> responsible(ledger, "delivery")
    ('The action planned on “late parcels” is not expected to pay: look for another.', 'Ann')
    """
    rows = complete(ledger)
    rows = rows[rows["status"].isin(OPEN) & ~rows["class"].eq(INNER).fillna(False)]
    for measure in measures:
        found = rows[rows["about"].eq(measure).fillna(False)]
        if measure and len(found):
            first = found.sort_values("due_on", kind="stable").iloc[0]
            owner = owner_with_date(first["owner"], first["due_on"])
            advice = ADVICE[_verdict(found.loc[[first.name]], more)]
            return _(advice, problem=first["problem"]), owner
    return "", ""


def _verdict(action: pd.DataFrame, more: int) -> str:
    """Whether an action, one row of the ledger, is expected to pay, as 41 says it."""
    judged = net_gain(action, more=more).table["verdict"]
    return str(judged.iloc[0]) if len(judged) else VERDICTS[3]
