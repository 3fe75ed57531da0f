"""The call-backs of a week: as many as can be made, the most urgent first, chance among equals.

    week = callbacks(found, rest, Plan(today="2026-10-01", capacity=40))
    week.table            # by priority: customers, calls, controls, postponed
    week.customers        # the list: report.list_to_file("call_list", week.customers)

A customer with an overdue case, or whom somebody else is to contact, is never a control. Among
others of the same priority a hash of customer, day and seed decides, which anybody can compute
again and nobody can steer.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxlib.care.earlier_effects import evidence_against
from cxlib.care.evidence import REASONS, in_words
from cxlib.care.replay import LOOK_BACK
from cxlib.care.small import merged
from cxlib.core import context, i18n
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Finding, Importance, Result
from cxlib.privacy import disclosure
from cxlib.stats.intervals import wilson_interval

MANY_STALE = 0.25  # share of those with a reason, from which a page asks to check it first
PRIORITIES = {
    1: "overdue case (priority 1)",
    2: "several reasons (priority 2)",
    3: "one reason (priority 3)",
}
DUE = {1: 1, 2: 3, 3: 7}  # days within which a customer of each priority is called
CALLED, CONTROL, POSTPONED = "called", "control", "postponed"
CAMPAIGN = "call_back"
LISTED = (
    *("owner", "worth", "score", "answered_on", "touchpoint", "probability", "case_id"),
    *("waits_for", "waited_days", "usual_days"),
    *("category", "comment", "commented_on"),
)


@dataclass(frozen=True)
class Plan:
    """How many calls can be made, and how chance decides.

    Attributes
    ----------
    today : first day of the week
    capacity : calls that can be made in it
    control : share of the customers of a priority that at least stays uncalled as controls; none
        of those with an overdue case
    seed : of the hash
    channel : by which customers are contacted

    Raises
    ------
    ValueError : a capacity below 1, a share that is not from 0 to 0.9
    """

    today: str
    capacity: int = 50
    control: float = 0.2
    seed: int = 1
    channel: str = "phone"

    def __post_init__(self) -> None:
        if self.capacity < 1 or not 0 <= self.control <= 0.9:
            raise ValueError(
                f"capacity is {self.capacity}, control {self.control:g}; take 1 or more, and a "
                "share of 0 to 0.9."
            )

    def block(self, priority: int) -> str:
        """The name of the customers among whom chance decides."""
        return f"{self.today} priority {priority}"


def callbacks(
    needs: pd.DataFrame,
    rest: pd.Series,
    plan: Plan,
    *,
    score: Result | None = None,
    spend: Result | None = None,
    elsewhere: Collection[object] = (),
) -> Result:
    """Choose who is called this week and who is kept as control.

    Parameters
    ----------
    needs : of `needs`
    rest : of `resting`, by customer_id
    plan : capacity, share of controls, seed
    score, spend : what earlier call-backs did, of `effect_on_score` and `effect_on_spend`; where
        they speak against call-backs, the finding asks for them as a trial only
    elsewhere : customer_id of those whom somebody else is to contact, such as the owner of an open
        action. They may be called, but are no part of the trial: a control must stay uncalled

    Returns
    -------
    Result with "table": term (priority; small ones together), n (customers with a reason who may
    be contacted), calls, controls, postponed (neither), and the part `customers`: the list, as the
    table `contacts` has it, with what the caller should know

    Examples
    --------
    >>> found = pd.DataFrame({"customer_id": [f"c{k}" for k in range(30)], "priority": 3})
    >>> found = found.assign(**{reason: True for reason in REASONS})
    >>> week = callbacks(found, pd.Series("", found["customer_id"]), Plan("2026-10-01", 10))
    >>> week.table[["n", "calls", "controls", "postponed"]].values.tolist()
    [[30, 10, 10, 10]]
    """
    free = needs[needs["customer_id"].map(rest).fillna("").eq("").to_numpy(bool)]
    drawn = _drawn(free, plan, elsewhere)
    rows = []
    for priority, name in PRIORITIES.items():
        arms = drawn.loc[drawn["priority"] == priority, "_arm"].value_counts()
        if len(arms):
            there = [int(arms.get(arm, 0)) for arm in (CALLED, CONTROL, POSTPONED)]
            rows.append((name, sum(there), *there))
    table = merged(pd.DataFrame(rows, columns=["term", "n", "calls", "controls", "postponed"]))
    listed = _listed(drawn[drawn["_arm"] != POSTPONED], plan)
    return Result(
        table,
        _finding(table, needs, plan, (score, spend)),
        _notes(listed, plan),
        parts={"customers": listed},
    )


def _drawn(rows: pd.DataFrame, plan: Plan, elsewhere: Collection[object]) -> pd.DataFrame:
    """The rows in the order of priority and chance, with the arm of each, and who is in a trial."""
    keys = [
        hashlib.sha256(f"{plan.seed}|{plan.block(p)}|{c}".encode()).hexdigest()
        for c, p in zip(rows["customer_id"], rows["priority"], strict=True)
    ]
    rows = rows.assign(_key=keys).sort_values(["priority", "_key"], ignore_index=True)
    # An overdue case is nobody's control, nor is a customer whom somebody else contacts.
    trial = (rows["priority"].gt(1) & ~rows["customer_id"].isin(elsewhere)).to_numpy(bool)
    arms = np.full(len(rows), POSTPONED, dtype=object)
    left = plan.capacity
    for priority in PRIORITIES:
        place = np.flatnonzero(rows["priority"] == priority)
        called, controls = _chosen(trial[place], left, plan.control)
        arms[place[called]], arms[place[controls]] = CALLED, CONTROL
        left -= len(called)
    return rows.drop(columns="_key").assign(_arm=arms, _trial=trial)


def _chosen(trial: np.ndarray, left: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Places of calls and of controls among the members of a priority, in the order of chance.

    Where capacity leaves more uncalled than the share asks for, there are as many controls as
    calls in the trial: they cost nothing, and more would only miss the calls of the next weeks.
    """
    members = np.flatnonzero(trial)
    # None of very few: they would never be called.
    asked = len(members) * share
    least = math.ceil(asked - 1e-9) if asked >= 1 else 0
    kept = members[len(members) - least :]
    callable_ = np.setdiff1d(np.arange(len(trial)), kept)
    if len(callable_) < left:
        return callable_, kept
    called = callable_[:left]
    others = np.setdiff1d(members, called)
    return called, others[: int(trial[called].sum())]


def _listed(drawn: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The list: columns of the table `contacts`, then what the caller should know."""
    called = (drawn["_arm"] == CALLED).to_numpy()
    chance = drawn["_trial"].to_numpy(bool)
    day = pd.Timestamp(plan.today)
    due = [f"{day + pd.Timedelta(days=DUE[p]):%Y-%m-%d}" for p in drawn["priority"]]
    listed = pd.DataFrame(
        {
            "contact_id": [f"{plan.today} {c}" for c in drawn["customer_id"]],
            "customer_id": drawn["customer_id"].to_numpy(),
            "at": plan.today,
            "channel": np.where(called, plan.channel, ""),
            "reason": [in_words(row) for _place, row in drawn.iterrows()],
            "campaign": CAMPAIGN,
            "arm": np.where(chance, np.where(called, "contacted", "control"), ""),
            "block": np.where(chance, [plan.block(p) for p in drawn["priority"]], ""),
            "outcome": "",
            "call": np.where(called, _("yes"), _("no")),
            "priority": drawn["priority"].to_numpy(),
            "due_on": np.where(called, due, ""),
        }
    )
    for column in (c for c in LISTED if c in drawn):
        values = drawn[column]
        if pd.api.types.is_datetime64_any_dtype(values):
            values = values.dt.strftime("%Y-%m-%d")
        listed[column] = values.to_numpy()
    order = np.lexsort((~called,))  # those to be called first
    return listed.iloc[order].reset_index(drop=True)


def _notes(listed: pd.DataFrame, plan: Plan) -> str:
    owner = listed["owner"] if "owner" in listed else pd.Series(pd.NA, listed.index)
    calls = listed["due_on"] != ""
    lacking = int((owner.isna() & calls).sum()) / max(int(calls.sum()), 1)
    outside = int((listed["arm"] == "").sum())
    notes = [
        _(
            "This list is for calls about something that happened; the one of "
            "32_who_is_about_to_leave is for offers to customers likely to leave."
        ),
        _(
            "Within a priority a hash of customer, day and seed decides. Due within {first:count} "
            "day, {second:count} days and {third:count} days by priority. Controls must not be "
            "called: add the list to the table contacts, so that the next waves measure the "
            "effect.",
            first=DUE[1],
            second=DUE[2],
            third=DUE[3],
        ),
    ]
    if outside:
        notes.append(
            _(
                "Customers called who are not part of the trial and have no arm ({n}) have an "
                "overdue case, or are on the list of those about to leave or of an open action "
                "too.",
                n=disclosure.count_in_words(outside),
            )
        )
    if lacking:
        told = _(
            "{share:share} of calls have no owner, as no earlier case names one.", share=lacking
        )
        notes.append(told)
    return i18n.together(notes)


def _finding(
    table: pd.DataFrame,
    needs: pd.DataFrame,
    plan: Plan,
    earlier: tuple[Result | None, Result | None] = (None, None),
) -> Finding:
    called, controls = (int(table[c].sum()) for c in ("calls", "controls"))
    facts = {"all": len(needs), "controls": controls, "capacity": plan.capacity}
    least = context.current().smallest_cell
    if 0 < len(needs) < least:
        return Finding(
            _("Call the few customers on the list this week.", **facts),
            _("fewer than {n:count} customers have a reason to call", n=least),
            importance=Importance.ANSWER,
        )
    if not called:
        return Finding(
            _("Call nobody this week: no customer with a reason may be called.")
            if len(needs)
            else _("Call nobody this week: no customer has a reason to be called."),
            _("{all:count} customers with a reason to call", **facts),
            importance=Importance.ANSWER,
        )
    detail = _(
        "{all:count} customers have a reason to call; capacity {capacity:count} calls; "
        "{controls:count} more are kept as controls",
        **facts,
    )
    slots: dict[str, Any] = {
        "value": float(called),
        "unit": "count",
        "measure": "callbacks",
        "importance": Importance.NOTABLE,
    }
    if against := evidence_against(*earlier):
        return Finding(
            ngettext(
                "Call {n:count} customer this week, only as a trial: {why}",
                "Call {n:count} customers this week, only as a trial: {why}",
                called,
                why=against[0],
            ),
            _("; ").join([detail, *against[1:]]),
            verdict="unclear",
            action=_(
                "Work through the list from the top; do not call customers marked control, and do "
                "not raise the number of calls until all outcomes of the trial (see “Did the "
                "change work?”) show that they pay."
            ),
            **slots,
        )
    first = table[table["term"] == PRIORITIES[1]]  # not there where it was too small
    urgent = int(first["calls"].sum())
    if urgent >= max(least, 1) and urgent < called:
        claim = ngettext(
            "Call {n:count} customer this week, first the {urgent:count} with an overdue case.",
            "Call {n:count} customers this week, first the {urgent:count} with an overdue case.",
            called,
            urgent=urgent,
        )
    else:
        claim = ngettext(
            "Call {n:count} customer this week: the most urgent first; ties are drawn at random.",
            "Call {n:count} customers this week: the most urgent first; ties are drawn at random.",
            called,
            **facts,
        )
    action = _("Work through the list from the top; do not call customers marked control.")
    if stale := _stale(needs):
        days = {"n": stale, "days": LOOK_BACK}
        told = _("{n:count} of them have waited more than {days:count} days", **days)
        detail = _("{first}; {second}", first=detail, second=told)
        check = _("First check whether what {n:count} of them wait for is over.", **days)
        action = i18n.together([check, action])
    return Finding(claim, detail, action=action, **slots)


def _stale(needs: pd.DataFrame) -> int:
    """How many wait for so long that their order or case may only not be closed; 0 if not many."""
    if "waited_days" not in needs:
        return 0
    n = int((needs["waited_days"].astype(float) > LOOK_BACK).sum())
    return n if n >= max(context.current().smallest_cell, MANY_STALE * len(needs)) else 0


def reasons(needs: pd.DataFrame) -> Result:
    """What the reasons to call are.

    Parameters
    ----------
    needs : of `needs`

    Returns
    -------
    Result with "table": term (reason), estimate (share of customers with a reason), low, high, n

    Examples
    --------
    >>> found = pd.DataFrame({reason: [True, False] * 20 for reason in REASONS})
    >>> reasons(found).table["estimate"].tolist()
    [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    """
    counts = needs.reindex(columns=list(REASONS), fill_value=False).sum()
    few = (counts > 0) & (counts < context.current().smallest_cell)
    note = ngettext(
        "{n:count} reason of too few customers is not shown.",
        "{n:count} reasons of too few customers are not shown.",
        int(few.sum()),
    )
    broken = _("A broken journey is a contact that ended badly, as study.yaml names it.")
    counts = counts[(counts > 0) & ~few].sort_values(ascending=False, kind="stable")
    share = counts.to_numpy(float) / max(len(needs), 1)
    low, high = wilson_interval(share, np.array(len(needs))) if len(counts) else (share, share)
    table = pd.DataFrame(
        {"term": counts.index.astype(str), "estimate": share, "low": low, "high": high}
    ).assign(n=counts.to_numpy(int))
    if table.empty:
        return Result(table, Finding(_("No customer has a reason to be called.")), unit="share")
    top = table.iloc[0]
    finding = Finding.of_row(
        top,
        _(
            "The most frequent reason to call is {reason:quoted}: {share:rate} of customers.",
            reason=top.term,
            share=top.estimate,
        ),
        _(
            "95% CI {span:share_interval1}; n = {n:count} customers with a reason; a customer may "
            "have several",
            span=(top.low, top.high),
            n=len(needs),
        ),
        unit="share",
        measure="callback_reason",
        at={"reason": str(top.term)},
    )
    said = [note if few.any() else "", broken if "broken journey" in set(table["term"]) else ""]
    return Result(table, finding, i18n.together(said), "share")
