"""Were alerts followed by actions, how soon, and what did these bring?

    fit = follow_up(found.table, ledger, today="2026-10-01", ended=found.ended)
    print(fit)              # 3 of 5 incidents with alerts in the last 365 days led to an action ...
    fit.table               # alert, first_seen, response, problem, days, estimate, low, high, ...

Alerts that began and ended together are one incident. An alert is raised on the day after the wave
in which it began. The action of an alert is one of the
ledger `about` its question or touchpoint that was not closed before that day.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlib.actions.alerts import subject
from cxlib.actions.events import keys
from cxlib.actions.gains import NORMAL
from cxlib.actions.ledger import INNER, complete
from cxlib.actions.responsibility import names_of
from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import N_, _, mark, ngettext
from cxlib.core.periods import day_after
from cxlib.core.result import Finding, Importance, Result

DAYS = 365
ACTED, UNDER_WAY, PLANNED, DROPPED, NONE = RESPONSES = mark(
    "acted on", "already under way", "planned, not started", "action dropped", "no action"
)
REACHED, MISSED = OUTCOMES = mark("target reached", "target missed")
EFFECT = ["predicted", "estimate", "low", "high"]
GAIN = ["gain", "gain_low", "gain_high"]
COLUMNS = ["alert", "first_seen", "standing", "response", "problem", "owner", "days", *EFFECT,
           "outcome", *GAIN, "action_id", "event"]  # fmt: skip
WORDS = ("follow up", "alert", "response", "outcome", "gain")


def follow_up(
    alerts: pd.DataFrame,
    ledger: pd.DataFrame,
    today: str | pd.Timestamp,
    *,
    ended: pd.DataFrame | None = None,
    days: int = DAYS,
    worth: float = 0.0,
    currency: str = "",
    faded: Collection[str] = (),
    kin: Mapping[str, Sequence[str]] | None = None,
) -> Result:
    """Compare the alerts of the last year with the ledger of actions.

    Parameters
    ----------
    alerts : table of `alerts`: those that hold or are over
    ledger : actions, as the contract has them
    today : the day it is looked at from
    ended : alerts of earlier runs that no longer stand out, its part of that name
    days : how long ago an alert may have been raised, up to today
    worth : value of a unit of an effect in a year, where the ledger gives none
    currency : of the amounts, for sentences
    faded : action_id of those whose effect cannot be shown any more: a year's gain that rests on it
        is not counted
    kin : question -> the others of the same construct, on which the same action works

    Returns
    -------
    Result with the tables

    - table: a row an alert, the latest first: alert (its name), first_seen (the wave), standing
      ("new", "ongoing", "over"), response (of RESPONSES), problem, owner, days (from the alert to
      the start of the action), predicted, estimate (realised effect), low, high, outcome ("target
      reached" where the realised effect is the predicted one or more, "target missed"), gain (of a
      year, minus the cost; money), gain_low, gain_high, action_id, event (number of the incident)
    - responses: term (of RESPONSES), alerts (how many incidents; the first response of each)
    - overall: term, estimate (gain of the judged actions together), low, high

    Raises
    ------
    ValueError : fewer than one day

    Examples
    --------
    >>> alert = {"by": "", "group": "", "term": "delivery", "kind": "change", "measure": "scale"}
    >>> rows = pd.DataFrame([alert | {"first_seen": "2026-Q1", "standing": "over"}])
    >>> ledger = pd.DataFrame([{"action_id": "a1", "problem": "late parcels", "status": "started",
    ...                         "about": "delivery", "begun_on": "2026-04-15"}])
    >>> follow_up(rows, ledger, "2026-10-01").table[["response", "days"]].values.tolist()
    [['acted on', 14.0]]
    """
    if days < 1:
        raise ValueError(f"days is {days}; take 1 or more.")
    day = pd.Timestamp(today)
    every = [t for t in (alerts, ended) if t is not None and len(t)]
    raised, undated = _raised(every, day, days)
    actions = _outer(ledger, worth)
    actions.loc[actions["action_id"].astype(str).isin(list(faded)), GAIN] = np.nan
    rows = [_followed(alert, actions, kin or {}) for _place, alert in raised.iterrows()]
    table = pd.DataFrame(rows, columns=COLUMNS)
    table["event"] = pd.factorize(pd.Series(keys(raised), dtype=object))[0] + 1
    numbers = ["days", *EFFECT, *GAIN]
    table[numbers] = table[numbers].astype(float)
    counts = _by_event(table).value_counts().reindex(RESPONSES, fill_value=0)
    total = _total(table)
    note = i18n.together(
        [
            _("Alerts that began and ended together are one incident."),
            _(
                "An alert is raised on the day after the wave in which it began. Its action is one "
                "about the same question or touchpoint that was not closed before. Outcome: the "
                "realised effect compared with the predicted one."
            ),
            ngettext(
                "{n:count} alert whose waves are no dates is left out.",
                "{n:count} alerts whose waves are no dates are left out.",
                undated,
            )
            if undated
            else "",
        ]
    )
    return Result(
        {
            "table": table,
            "responses": pd.DataFrame({"term": counts.index, "alerts": counts.to_numpy(int)}),
            "overall": total,
        },
        _finding(table, total.iloc[0], days, currency),
        note,
        columns=[
            Column("gain", unit="money"),
            Column("alerts", unit="count", label=N_("incidents")),
            Column("event", "number of the incident", "count", label=N_("incident")),
            Column("days", unit="count", label="days until the action"),
            Column("gain_low", unit="money", label="gain, low"),
            Column("gain_high", unit="money", label="gain, high"),
            *(Column(c, unit="name") for c in ("response", "outcome")),
        ],
    )


def _raised(tables: list[pd.DataFrame], day: pd.Timestamp, days: int) -> tuple[pd.DataFrame, int]:
    """The alerts of so many days, the latest first, and how many have no date."""
    if not tables:
        return pd.DataFrame(), 0
    rows = pd.concat(tables, ignore_index=True)
    rows["standing"] = rows["standing"].fillna("over") if "standing" in rows else "over"
    on = pd.Series([day_after(first) for first in rows["first_seen"]], dtype="datetime64[ns]")
    on = on.mask((on > day) & (on <= day + pd.Timedelta(days=days)), day)  # of a wave not yet over
    late = (on <= day) & (on >= day - pd.Timedelta(days=days))
    rows = rows.assign(on=on)[late].sort_values("on", ascending=False, kind="stable")
    return rows.reset_index(drop=True), int(on.isna().sum())


def _outer(ledger: pd.DataFrame, worth: float) -> pd.DataFrame:
    """Actions against causes, with the gain of those judged and its interval."""
    rows = complete(ledger)
    rows = rows[~rows["class"].eq(INNER).fillna(False)]
    unit = rows["worth"].fillna(worth if worth > 0 else np.nan).astype(float)
    cost = rows["cost"].fillna(0).astype(float)
    ends = {"gain": "realised", "gain_low": "realised_low", "gain_high": "realised_high"}
    gains = {name: rows[c].astype(float) * unit - cost for name, c in ends.items()}
    return rows.assign(**gains).reset_index(drop=True)


def _followed(
    alert: pd.Series, actions: pd.DataFrame, kin: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """The alert with the action that answers it, if one does."""
    row = {
        "alert": subject(alert.fillna("")),
        "first_seen": alert["first_seen"],
        "standing": alert["standing"],
        "response": NONE,
        "problem": "",
        "owner": "",
        "outcome": "",
        "action_id": "",
    }
    closed = actions["done_on"] < alert["on"]
    found = actions[actions["about"].isin(names_of(alert.fillna(""), kin)) & ~closed]
    if found.empty:
        return row
    response = [_response(action, alert["on"]) for _place, action in found.iterrows()]
    order = np.lexsort((found["begun_on"].to_numpy(), [RESPONSES.index(r) for r in response]))
    action = found.iloc[order[0]]
    row |= {"response": response[order[0]], "problem": action["problem"]}
    row |= {c: action[c] for c in ("action_id", "predicted", *GAIN)}
    row["owner"] = "" if pd.isna(action["owner"]) else action["owner"]
    ends = {"estimate": "realised", "low": "realised_low", "high": "realised_high"}
    row |= {name: action[c] for name, c in ends.items()}
    if row["response"] == ACTED:
        row["days"] = (action["begun_on"] - alert["on"]).days
    if pd.notna(action["realised"]) and pd.notna(action["predicted"]):
        row["outcome"] = REACHED if action["realised"] >= action["predicted"] else MISSED
    return row


def _response(action: pd.Series, raised: pd.Timestamp) -> str:
    if action["status"] in ("planned", "dropped"):
        return PLANNED if action["status"] == "planned" else DROPPED
    begun = action["begun_on"]
    return UNDER_WAY if pd.isna(begun) or begun < raised else ACTED


def _by_event(table: pd.DataFrame) -> pd.Series:
    """The response to each incident: the first of RESPONSES that one of its alerts has."""
    place = table["response"].map(RESPONSES.index).groupby(table["event"]).min()
    return place.map(dict(enumerate(RESPONSES)))


def _total(table: pd.DataFrame) -> pd.DataFrame:
    """The gain of the judged actions together, each counted once, as of independent effects."""
    each = table[table["gain"].notna()].drop_duplicates("action_id")
    error = (each["gain_high"] - each["gain_low"]) / (2 * NORMAL)
    gain = each["gain"].sum() if len(each) else np.nan
    reach = NORMAL * np.sqrt((error**2).sum(skipna=False)) if len(each) else np.nan
    row = {"term": "overall", "estimate": gain, "low": gain - reach, "high": gain + reach}
    return pd.DataFrame([row])


def _started(days: int) -> str:
    if days == 0:
        return _("started on the day of the alert (median)")
    return ngettext(
        "started {n:count} day after the alert (median)",
        "started {n:count} days after the alert (median)",
        days,
    )


def _finding(table: pd.DataFrame, total: pd.Series, days: int, currency: str) -> Finding:
    if table.empty:
        return Finding(_("No alert was raised in the last {days:count} days.", days=days))
    each = _by_event(table)
    n, acted = len(each), table[table["response"] == ACTED]
    judged = acted[acted["outcome"] != ""].drop_duplicates("action_id")
    led = int((each == ACTED).sum())
    facts = {"acted": led, "days": days, "judged": len(judged)}
    facts["reached"] = int((judged["outcome"] == REACHED).sum())
    claim = ngettext(
        "{acted:count} of {n:count} incident with alerts in the last {days:count} days led to an "
        "action",
        "{acted:count} of {n:count} incidents with alerts in the last {days:count} days led to an "
        "action",
        n,
        **facts,
    )
    if len(judged):
        claim = _(
            "{claim}; {reached:count} of {judged:count} judged ones reached their target.",
            claim=claim,
            **facts,
        )
    elif led:
        claim = ngettext(
            "{claim}; it has not been judged yet.",
            "{claim}; none of these has been judged yet.",
            led,
            claim=claim,
        )
    else:
        claim = _("{claim}.", claim=claim)
    wait = acted["days"].dropna()
    details = [_started(round(float(wait.median())))] if len(wait) else []
    for response in (UNDER_WAY, PLANNED, DROPPED, NONE):
        if count := int((each == response).sum()):
            named = i18n.label(response)
            details.append(_("{name}: {n:count}", name=named, n=count))
    if pd.notna(total["estimate"]):
        amounts = [i18n.rounded(total[c]) for c in ("estimate", "low", "high")]
        said = _("judged ones brought {gain:money} net in a year", gain=(amounts[0], currency))
        if pd.notna(total["low"]):
            said = _(
                "judged ones brought {gain:money} net in a year (95% CI {span:money_interval})",
                gain=(amounts[0], currency),
                span=(*amounts[1:], currency),
            )
        details.append(said)
    return Finding(
        claim,
        i18n.opening(_("; ").join(details)),
        value=led,
        unit="count",
        measure="alerts_followed",
        importance=Importance.ANSWER,
    )
