"""Expected net gain of actions, and whether to wait for more answers first.

    net_gain(ledger, today="2026-10-01", more=450)   # a row an open action, with its verdict
    sample_information(-2000, 9000)         # expected value of perfect information

Prior and data are normal (Raiffa and Schlaifer 1961, Applied Statistical Decision Theory, ch. 5):
the predicted effect with its interval is what is known, a further wave would narrow it, and the
value of that is what better choices gain on average. Waiting costs what the action would bring
meanwhile.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.actions.ledger import LATE, OPEN, action_status, complete, remedy
from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import _, mark, ngettext
from cxlib.core.result import Finding, Importance, Result

VERDICTS = mark("act", "do not act yet", "do not act", "unknown")
WORDS = (
    *("net gain", "chance of a gain", "value of waiting", "answers", "closed"),
    *("gain", "effect of the action"),
)
TINY = 0.01  # of the cost: waiting that gains less is not worth the trouble
NORMAL = 1.959963984540054


def sample_information(mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Expected value of sample information, where what is learnt moves the mean by `spread`.

    E max(0, M) minus max(0, mean), where M is normal about `mean`. With all that there is to know
    (the whole standard error) it is the expected value of perfect information.

    Parameters
    ----------
    mean : expected net gain
    spread : standard deviation of what is learnt; the whole standard error for perfect information

    Returns
    -------
    array of expected gains, in the unit of `mean`

    Examples
    --------
    >>> sample_information(np.array([0.0, 5000.0]), np.array([1000.0])).round().tolist()
    [399.0, 0.0]
    """
    from scipy.special import ndtr

    mean, spread = np.broadcast_arrays(np.asarray(mean, float), np.asarray(spread, float))
    with np.errstate(divide="ignore", invalid="ignore"):
        u = np.abs(mean) / spread
        loss = np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi) - u * ndtr(-u)
    return np.where(spread > 0, spread * loss, 0.0)


def net_gain(
    ledger: pd.DataFrame,
    *,
    today: str | pd.Timestamp = "",
    worth: float = 0.0,
    more: int = 0,
    wait: float = 0.25,
    asking: float = 0.0,
    currency: str = "",
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

    Returns
    -------
    Result with table, largest estimate first: problem, owner, verdict ("act", "do not act yet",
    "do not act", "unknown": without an interval or a value), estimate (net gain), low, high,
    chance (of a gain), waiting (value of waiting minus that of choosing now), answers (smallest
    number that would make waiting better; missing where none up to a hundred waves would),
    action_id

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
    known = ~np.isnan(gross) & ~np.isnan(error)
    net, had = gross - cost, rows["answers"].astype(float).fillna(0).to_numpy()
    waiting = _waiting(gross, cost, error, had, more, wait, asking)
    verdict = np.select(
        [~known, waiting > TINY * np.maximum(cost, 1), net > 0],
        [VERDICTS[3], VERDICTS[1], VERDICTS[0]],
        VERDICTS[2],
    )
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
            "answers": _fewest(gross, cost, error, had, more, wait, asking),
            "action_id": rows["action_id"].astype(str),
        }
    )
    table["owner"] = table["owner"].fillna("–")
    table.loc[~known, ["estimate", "low", "high", "chance", "waiting", "answers"]] = np.nan
    table = table.sort_values("estimate", ascending=False, na_position="last", kind="stable")
    table = table.reset_index(drop=True)
    note = _(
        "Net gain of a year: predicted effect times the value of a unit, minus the cost; effects "
        "are taken as normal. Waiting: {years:number2} years for {more:count} more answers; below "
        "zero it costs more than it brings.",
        years=wait,
        more=more,
    )
    known = [
        Column("chance", unit="share", label="chance of a gain"),
        Column("waiting", unit="money", label="value of waiting"),
        Column("answers", unit="count", label="answers needed"),
    ]
    standing = pd.DataFrame() if today == "" else action_status(ledger, today).loops
    return Result(table, _first(table, standing, currency), note, "money", columns=known)


def _waiting(gross, cost, error, had, more, wait, asking) -> np.ndarray:
    """What choosing after `more` answers is worth more than choosing now."""
    left = 1 - min(wait, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        learnt = error * left * np.sqrt(np.where(had > 0, more / (more + had), 0.0))
    later = left * gross - cost
    after = np.maximum(later, 0) + sample_information(later, np.nan_to_num(learnt))
    return after - asking * more - np.maximum(gross - cost, 0)


def _fewest(gross, cost, error, had, more, wait, asking) -> np.ndarray:
    """The smallest number of further answers for which waiting is worth it, of waves of `more`."""
    steps = np.arange(1, 101) * max(more, 1)
    years = np.arange(1, 101) * wait
    worth = np.array(
        [_waiting(gross, cost, error, had, n, t, asking) for n, t in zip(steps, years, strict=True)]
    ).reshape(100, -1)
    good = worth > TINY * np.maximum(cost, 1)
    return np.where(good.any(0), steps[good.argmax(0)], np.nan)


def _chance(net: np.ndarray, error: np.ndarray) -> np.ndarray:
    from scipy.special import ndtr

    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(error > 0, ndtr(net / error), (net > 0).astype(float))


def _first(table: pd.DataFrame, standing: pd.DataFrame, currency: str) -> Finding:
    """Which action to take first."""
    known = table[table["estimate"].notna()]
    if known.empty:
        return Finding(
            _("The net gain of the open actions is unknown."),
            _("It takes a predicted effect with its interval, and the value of a unit"),
        )
    pays = known[known["verdict"] == VERDICTS[0]]
    if pays.empty:
        return _none(known)
    best = pays.iloc[0]
    about = {} if standing.empty else standing.set_index("action_id").loc[best["action_id"]]
    state = about.get("standing", "")
    reason = (
        _("it is the only open action expected to pay")
        if len(pays) == 1
        else _("it has the largest expected net gain")
    )
    facts = {"problem": best["problem"], "reason": reason}
    if state == "overdue":
        claim = _("Act first on “{problem:label}”: {reason}, and it is overdue.", **facts)
    elif state == "stalled":
        claim = _("Act first on “{problem:label}”: {reason}, and it has not started.", **facts)
    else:
        claim = _("Act first on “{problem:label}”: {reason}.", **facts)
    return Finding.of_row(
        best,
        claim,
        _amount(best["estimate"], best["low"], best["high"], currency),
        unit=currency or "money",
        measure="net_gain",
        at={"action": best["action_id"]},
        importance=Importance.NEWS if state in LATE else Importance.NOTABLE,
        action=remedy(best["problem"]),
        owner=_owner(best["owner"], about.get("due_on", "")),
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


def _amount(gain: float, low: float, high: float, currency: str) -> str:
    return _(
        "Expected net gain {gain:money} a year; 95% CI {span:money_interval}",
        gain=(gain, currency),
        span=(low, high, currency),
    )


def _owner(owner: str, due: str) -> str:
    if not due:
        return i18n.label(owner)
    return _("{owner:label}, due {due}", owner=owner, due=due)


def realised_gains(ledger: pd.DataFrame, *, worth: float = 0.0, currency: str = "") -> Result:
    """Compare what finished actions brought with what was predicted.

    The finding sums the gains, with the interval of independent effects.

    Parameters
    ----------
    ledger : actions, as the contract has them
    worth : value of a unit of the effect in a year, where the ledger gives none
    currency : of the amounts, for sentences

    Returns
    -------
    Result with the tables

    - table: problem, predicted, predicted_low, predicted_high, estimate (realised), low, high,
      cost, gain (realised effect times the value of a unit, minus the cost; missing without a
      value), action_id
    - comparison: problem, term ("predicted", "realised"), estimate, low, high
    - overall: term, estimate (gain of all actions together), low, high
    """
    rows = complete(ledger)
    rows = rows[rows["status"].eq("done") & rows["realised"].notna()].reset_index(drop=True)
    unit = rows["worth"].fillna(worth if worth > 0 else np.nan).to_numpy(float)
    got, cost = rows["realised"].to_numpy(float), rows["cost"].fillna(0).to_numpy(float)
    table = pd.DataFrame(
        {
            "problem": rows["problem"].astype(object),
            **{c: rows[c].astype(float) for c in ("predicted", "predicted_low", "predicted_high")},
            "estimate": got,
            "low": rows["realised_low"].astype(float),
            "high": rows["realised_high"].astype(float),
            "cost": cost,
            "gain": got * unit - cost,
            "action_id": rows["action_id"].astype(str),
        }
    )
    note = _("As the ledger has them; 40_did_the_change_work is where they are measured.")
    ends = {"predicted": "estimate", "predicted_low": "low", "predicted_high": "high"}
    promised = table[["problem", *ends]].rename(columns=ends)
    both = [promised.assign(term="predicted"), table.assign(term="realised")]
    comparison = pd.concat(both)[["problem", "term", "estimate", "low", "high"]]
    total = _total(table, unit)
    tables = {"table": table, "comparison": comparison.reset_index(drop=True), "overall": total}
    return Result(tables, _realised(table, total, currency), note)


def _total(table: pd.DataFrame, unit: np.ndarray) -> pd.DataFrame:
    """The gain of all actions that have one, with the errors of their effects added up."""
    error = ((table["high"] - table["low"]) / (2 * NORMAL)).to_numpy(float) * unit
    money = table["gain"].notna().to_numpy()
    total, reach = table["gain"].sum(), NORMAL * np.sqrt(np.nansum(error[money] ** 2))
    row = {"term": "overall", "estimate": total, "low": total - reach, "high": total + reach}
    return pd.DataFrame([row])


def _realised(table: pd.DataFrame, total: pd.DataFrame, currency: str) -> Finding:
    if table.empty:
        return Finding(_("No finished action has a realised effect."))
    n, whole = len(table), total.iloc[0]
    inside = int(table["estimate"].between(table["predicted_low"], table["predicted_high"]).sum())
    counted = ngettext(
        "{n:count} finished action, {inside:count} inside its predicted interval",
        "{n:count} finished actions, {inside:count} inside their predicted intervals",
        n,
        inside=inside,
    )
    if table["gain"].isna().all():
        claim = ngettext(
            "{inside:count} of {n:count} finished action had the predicted effect.",
            "{inside:count} of {n:count} finished actions had the predicted effect.",
            n,
            inside=inside,
        )
        return Finding(claim, importance=Importance.ANSWER)
    amount = (abs(whole["estimate"]), currency)
    claim = (
        _("Finished actions brought {amount:money} net in a year.", amount=amount)
        if whole["estimate"] >= 0
        else _(
            "Finished actions cost {amount:money} more in a year than they brought.", amount=amount
        )
    )
    low, high = whole["low"], whole["high"]
    return Finding.of_row(
        whole,
        claim,
        _("95% CI {span:money_interval}; {counted}", span=(low, high, currency), counted=counted),
        unit=currency or "money",
        measure="realised_gain",
        verdict="better" if low > 0 else "worse" if high < 0 else "unclear",
        importance=Importance.NOTABLE if low > 0 or high < 0 else Importance.ANSWER,
    )
