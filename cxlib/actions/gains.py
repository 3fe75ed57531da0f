"""Expected net gain of actions, and whether to wait for more answers first.

    net_gain(ledger, today="2026-10-01", more=450)   # a row an open action, with its verdict

Prior and data are normal (Raiffa and Schlaifer 1961, Applied Statistical Decision Theory, ch. 5):
the predicted effect with its interval is what is known, a further wave would narrow it, and the
value of that is what better choices gain on average. Waiting costs what the action would bring
meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from cxlib.actions.assumptions import assumed_value
from cxlib.actions.ledger import (
    LATE,
    OPEN,
    action_status,
    complete,
    confirm_end,
    owner_with_date,
    remedy,
    stop_or_redesign,
)
from cxlib.actions.waiting import TINY, fewest_answers, value_of_waiting
from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import _, mark, ngettext
from cxlib.core.result import Finding, Importance, Result

VERDICTS = mark(
    "act", "do not act yet", "do not act", "unknown", "fall is over", "stop or redesign"
)
AGAINST = VERDICTS[1:3]  # verdicts that say not to begin
WORDS = (
    *("net gain", "chance of a gain", "value of waiting", "answers", "closed"),
    *("gain", "effect of the action"),
)
NORMAL = 1.959963984540054
OUTLOOKS = 100  # equally likely values of a net gain


def net_gain(
    ledger: pd.DataFrame,
    *,
    today: str | pd.Timestamp = "",
    worth: float = 0.0,
    more: int = 0,
    wait: float = 0.25,
    asking: float = 0.0,
    currency: str = "",
    past: Mapping[str, str] | None = None,
) -> Result:
    """Rank open actions by expected net gain of the first year, and value waiting for answers.

    Gain: predicted effect times the value of a unit, minus the cost. The finding names the action
    to take first, whether it is late, and who owns it.

    Parameters
    ----------
    ledger : actions, as the contract has them
    today : the day it is looked at from, to say what is late; not said without
    worth : value of a unit of the effect in a year, where the ledger gives none
    more : answers that waiting brings; they narrow the prediction as its own `answers` did
    wait : years that waiting takes
    asking : cost of one more answer
    currency : of the amounts, for sentences
    past : what an action is about -> the wave that made it a problem and is over, as
        `past_problems` gives it; of what would pay it is to be checked first how often it occurs

    Returns
    -------
    Result with table, largest estimate first: problem, owner, verdict ("act", "do not act yet":
    waiting for answers is worth more, "do not act", "unknown": without an interval or a value,
    "fall is over": would pay, if the problem still occurred as often, "stop or redesign": has
    started and is not expected to pay), estimate (net gain), low, high, chance
    (of a gain), waiting (value of waiting minus that of choosing now; missing where the problem may
    be over, as it rests on the prediction), answers (smallest number that would make waiting
    better; missing where none up to a hundred waves would), action_id and, where some action's
    problem is over, rests_on (the wave); and part outlook, equally likely values of each action's
    gain, for a figure

    References
    ----------
    Raiffa and Schlaifer (1961), Applied Statistical Decision Theory, chapter 5

    Examples
    --------
    >>> row = {"action_id": "a01", "problem": "late parcels", "status": "started", "cost": 100.0}
    >>> effect = {"predicted": 2.0, "predicted_low": 1.0, "predicted_high": 3.0, "worth": 100.0}
    >>> net_gain(pd.DataFrame([row | effect])).table["verdict"].tolist()
    ['act']
    """
    rows = complete(ledger)
    rows = rows[rows["status"].isin(OPEN) & rows["predicted"].notna()].reset_index(drop=True)
    unit = rows["worth"].fillna(worth if worth > 0 else np.nan).to_numpy(float)
    cost = rows["cost"].fillna(0).to_numpy(float)
    gross = rows["predicted"].to_numpy(float) * unit
    width = (rows["predicted_high"] - rows["predicted_low"]).to_numpy(float)
    error = width / (2 * NORMAL) * unit
    known = known_money = ~np.isnan(gross) & ~np.isnan(error)
    net, had = gross - cost, rows["answers"].astype(float).fillna(0).to_numpy()
    waiting = value_of_waiting(gross, cost, error, had, more, wait, asking)
    verdict = np.select(
        [~known, waiting > TINY * np.maximum(cost, 1), net > 0],
        [VERDICTS[3], VERDICTS[1], VERDICTS[0]],
        VERDICTS[2],
    )
    rests_on = rows["about"].map(dict(past or {})).astype(object).fillna("").to_numpy()
    over = (rests_on != "") & (verdict == VERDICTS[0])
    verdict = np.where(over, VERDICTS[4], verdict)
    # What runs already cannot wait to begin: its owner is to stop it or to change it.
    running = rows["status"].eq("started").to_numpy(bool) & np.isin(verdict, AGAINST)
    verdict = np.where(running, VERDICTS[5], verdict)
    table = pd.DataFrame(
        {
            "problem": rows["problem"].astype(object),
            "owner": rows["owner"].astype(object),
            "verdict": verdict,
            "estimate": net,
            "low": net - NORMAL * error,
            "high": net + NORMAL * error,
            "chance": _chance(net, error),
            "waiting": waiting,
            "answers": fewest_answers(gross, cost, error, had, more, wait, asking),
            "action_id": rows["action_id"].astype(str),
        }
    )
    if (rests_on != "").any():
        table["rests_on"] = rests_on
    table["owner"] = table["owner"].fillna("–")
    table.loc[~known, ["estimate", "low", "high", "chance", "waiting", "answers"]] = np.nan
    table.loc[over, ["waiting", "answers"]] = np.nan
    table = table.sort_values("estimate", ascending=False, na_position="last", kind="stable")
    table = table.reset_index(drop=True)
    note = _(
        "Net gain of a year: predicted effect times the value of a unit, minus the cost; effects "
        "are taken as normal. Waiting: {years:number2} years for {more:count} more answers; below "
        "zero it costs more than it brings.",
        years=wait,
        more=more,
    )
    if over.any():
        note = i18n.together(
            [
                note,
                _(
                    "Of a problem whose peak is over the net gain is that if it still occurs as "
                    "often; what waiting brings is not known before that is checked."
                ),
            ]
        )
    note = i18n.together([note, *_why_to_wait(table, more, currency)])
    known = [
        Column("chance", unit="share", label="chance of a gain"),
        Column("waiting", unit="money", label="value of waiting"),
        Column("answers", unit="count", label="answers needed"),
    ]
    standing = pd.DataFrame() if today == "" else action_status(ledger, today).loops
    assumed = assumed_value(rows[known_money], worth, currency)
    first = _first(table, standing, currency, assumed)
    return Result(table, first, note, "money", columns=known, parts={"outlook": _outlook(table)})


def on_hold(table: pd.DataFrame) -> list[str]:
    """The action_id of actions that the verdict of `net_gain` says not to begin.

    Examples
    --------
    >>> on_hold(pd.DataFrame({"action_id": ["a1", "a2"], "verdict": ["act", "do not act"]}))
    ['a2']
    """
    return table.loc[table["verdict"].isin(AGAINST), "action_id"].tolist()


def _outlook(table: pd.DataFrame) -> pd.DataFrame:
    """What each action may bring, equally likely values: a column an action, largest first."""
    from scipy.special import ndtri

    known = table.dropna(subset=["estimate", "low", "high"]).drop_duplicates("problem")
    z = ndtri((np.arange(OUTLOOKS) + 0.5) / OUTLOOKS)
    error = (known["high"] - known["low"]) / (2 * NORMAL)
    values = known["estimate"].to_numpy() + z[:, None] * error.to_numpy()
    return pd.DataFrame(values, columns=known["problem"])


def _chance(net: np.ndarray, error: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error > 0, ndtr(net / error), (net > 0).astype(float))


def _first(table: pd.DataFrame, standing: pd.DataFrame, currency: str, assumed: str) -> Finding:
    """Which action to take first, and on which value of an effect its amount rests."""
    known = table[table["estimate"].notna()]
    if known.empty:
        return Finding(
            _("The net gain of the open actions is unknown."),
            _("It takes a predicted effect with its interval, and the value of a unit"),
        )
    pays = known[known["verdict"] == VERDICTS[0]]
    late = known[known["rests_on"].ne("")] if "rests_on" in known else known.iloc[:0]
    late = late[late["verdict"].eq(VERDICTS[4])]
    running = known[known["verdict"] == VERDICTS[5]]
    if pays.empty and len(late):
        found = _past_problem(late.iloc[0], standing, currency, assumed)
        return _with_running(found, running, standing, currency)
    if pays.empty:
        return _with_running(_none(known), running, standing, currency)
    best = pays.iloc[0]
    about = {} if standing.empty else standing.set_index("action_id").loc[best["action_id"]]
    state = about.get("standing", "")
    if len(late):
        reason = _("of the problems that remain it has the largest expected net gain")
    elif len(pays) == 1:
        reason = _("it is the only open action expected to pay")
    else:
        reason = _("it has the largest expected net gain")
    facts = {"problem": best["problem"], "reason": reason}
    if state == "overdue":
        claim = _("Act first on “{problem:label}”: {reason}, and it is overdue.", **facts)
    elif state == "stalled":
        claim = _("Act first on “{problem:label}”: {reason}, and it has not started.", **facts)
    else:
        claim = _("Act first on “{problem:label}”: {reason}.", **facts)
    found = Finding.of_row(
        best,
        claim,
        _amount(best, currency, assumed),
        unit=currency or "money",
        measure="net_gain",
        at={"action": best["action_id"]},
        importance=Importance.NEWS if state in LATE else Importance.NOTABLE,
        action=remedy(best["problem"]),
        owner=owner_with_date(best["owner"], about.get("due_on", "")),
    )
    return _with_running(found, running, standing, currency)


def _with_running(
    found: Finding, running: pd.DataFrame, standing: pd.DataFrame, currency: str
) -> Finding:
    """With what has started and is not expected to pay: it asks for something too."""
    if running.empty:
        return found
    each = [
        _(
            "the action on “{problem:label}” ({gain:money} a year)",
            problem=row.problem,
            gain=(i18n.rounded(row.estimate), currency),
        )
        for row in running.itertuples()
    ]
    told = _("started and not expected to pay: {names:list3}", names=each)
    due = {} if standing.empty else standing.set_index("action_id")["due_on"].to_dict()
    owners = [owner_with_date(r.owner, due.get(r.action_id, "")) for r in running.itertuples()]
    steps = [(stop_or_redesign(p), o) for p, o in zip(running["problem"], owners, strict=True)]
    steps = [(found.action, found.owner), *steps] if found.action else steps
    one = len({owner for _step, owner in steps}) == 1  # else each has its own behind it
    return replace(
        found,
        detail=_("{first}; {second}", first=found.detail, second=told),
        action=i18n.together([s if one else _with_owner(s, owner) for s, owner in steps]),
        owner=steps[0][1] if one else "",
    )


def _with_owner(action: str, owner: str) -> str:
    """What to do, and behind it who does it."""
    return i18n.together([action, _("Owner: {owner}.", owner=owner)]) if owner else action


def _why_to_wait(table: pd.DataFrame, more: int, currency: str) -> list[str]:
    """In words, why waiting for answers is worth something to an action that is not to be begun."""
    return [
        _(
            "Waiting is worth {waiting:money} for the action on “{problem:label}”: it is not "
            "expected to pay now (chance of a gain {chance:rate}), but {more:count} more answers "
            "may show that it does.",
            waiting=(row.waiting, currency),
            problem=row.problem,
            chance=row.chance,
            more=more,
        )
        if row.estimate <= 0
        else _(
            "Waiting is worth {waiting:money} for the action on “{problem:label}”: {more:count} "
            "more answers may show that it does not pay (chance of a gain {chance:rate}).",
            waiting=(row.waiting, currency),
            problem=row.problem,
            chance=row.chance,
            more=more,
        )
        for row in table[table["verdict"] == VERDICTS[1]].itertuples()
    ]


def _past_problem(
    action: pd.Series, standing: pd.DataFrame, currency: str, assumed: str
) -> Finding:
    """What would pay, were its problem not over: not to be acted on before that is known."""
    facts = {"problem": action["problem"], "wave": action["rests_on"]}
    about = {} if standing.empty else standing.set_index("action_id").loc[action["action_id"]]
    detail = [
        _amount(action, currency, assumed),
        _("provided that it still occurs as often; its fall was in {wave:label}", **facts),
    ]
    return Finding.of_row(
        action,
        _(
            "No open action is ready to start: the one that would pay, on “{problem:label}”, rests "
            "on a fall that is over.",
            **facts,
        ),
        _("; ").join(detail),
        unit=currency or "money",
        measure="net_gain",
        at={"action": action["action_id"]},
        importance=Importance.NOTABLE,
        action=confirm_end(action["problem"]),
        owner=owner_with_date(action["owner"], about.get("due_on", "")),
    )


def _none(known: pd.DataFrame) -> Finding:
    """No action is expected to pay: whether more answers could change that."""
    if (known["verdict"] == VERDICTS[1]).any():
        claim = _("Wait for more answers: no open action is expected to pay yet.")
    else:
        claim = _("No open action is expected to pay.")
    detail = ngettext(
        "{n:count} open action with a prediction",
        "{n:count} open actions with a prediction",
        len(known),
    )
    return Finding(claim, detail, importance=Importance.NOTABLE)


def _amount(action: pd.Series, currency: str, assumed: str) -> str:
    amount = _(
        "Expected net gain {gain:money} a year; 95% CI {span:money_interval}",
        gain=(i18n.rounded(action["estimate"]), currency),
        span=(*map(i18n.rounded, action[["low", "high"]]), currency),
    )
    return _("{first}; {second}", first=amount, second=assumed) if assumed else amount
