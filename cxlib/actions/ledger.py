"""The action ledger: is it consistent, and which actions need attention today?

    wrong = contradictions(ledger)              # row, action_id, column, value, reason, mend
    print(action_status(ledger, "2026-10-01"))  # 2 of 3 open actions are overdue or ...

The contract says what a cell may hold; here is how the cells of a row must agree. The inner loop is
one customer's matter, to be closed this week; the outer loop takes away the cause.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import N_, _, ngettext
from cxlib.core.result import Finding, Importance, Result

OPEN, CLOSED = ("planned", "started"), ("done", "dropped")
LATE = ("overdue", "stalled")
INNER = "one customer"
STALLED = 30  # days after which an action that should have started and has not counts as stalled
SOON = 30  # days before the due date
HELD = "on hold"  # would be late, if it were not the verdict of `net_gain` not to begin it
STANDING = (
    *("overdue", "stalled", "without a date", "due soon", "on its way", HELD, "done", "dropped"),
)
WORDS = (
    *("overdue", "stalled", "without a date", "due soon", "on its way", "done", "dropped"),
    *("on hold",),
    *("planned", "started", "one customer", "process", "policy", "front line", "team"),
    *("department", "board", "inner loop", "outer loop", "loop", "standing", "late", "owner"),
    *("actions", "ledger", "inconsistent"),
)
CHECK_FIRST = N_(
    "Before acting on “{problem:label}” as planned in the ledger, check how often it occurs now."
)
PAST = N_(
    "Close the action on “{problem:label}” or set it a new goal: the fall that it rests on is over."
)
STOP = N_(
    "The action on “{problem:label}” has started and is not expected to pay: stop or redesign it."
)
DATES = ("begun_on", "due_on", "done_on")
COLUMNS = ["row", "action_id", "column", "value", "reason", "mend"]


def contradictions(ledger: pd.DataFrame, first: int = 2) -> pd.DataFrame:
    """Find rows that contradict themselves.

    Parameters
    ----------
    ledger : actions, as the contract has them
    first : line of the file in which the ledger's first row stands

    Returns
    -------
    DataFrame: row, action_id, column, value, reason, mend; in English, as those of `cx check` are

    Examples
    --------
    >>> row = {"action_id": "a01", "problem": "late parcels", "status": "started"}
    >>> contradictions(pd.DataFrame([row]))["reason"].tolist()
    ['nobody answers for it']
    """
    rows = complete(ledger)
    done, ended = rows["status"].eq("done"), rows["status"].isin(CLOSED)
    low, mid, high = (rows[f"predicted{e}"] for e in ("_low", "", "_high"))
    lowest, got, highest = (rows[f"realised{e}"] for e in ("_low", "", "_high"))
    inner = rows["class"].eq(INNER)
    order, ends = "Correct one of the two days.", "The three are low end, value, high end."
    apart = "lies outside its own interval"
    checks = [
        (rows["due_on"] < rows["begun_on"], "due_on", "is before begun_on", order),
        (rows["done_on"] < rows["begun_on"], "done_on", "is before begun_on", order),
        (
            rows["done_on"].notna() & ~ended,
            "done_on",
            "is given, but the status is not done",
            "Use `cx actions close`, or take the day out.",
        ),
        (
            got.notna() & ~done,
            "realised",
            "is given, but the action is not done",
            "Close it first, or take the effect out.",
        ),
        ((low > mid) | (mid > high) | (low > high), "predicted", apart, ends),
        ((lowest > got) | (got > highest) | (lowest > highest), "realised", apart, ends),
        (
            mid.isna() & (low.notna() | high.notna()),
            "predicted",
            "is missing, but its interval is given",
            "Say the value too.",
        ),
        (
            rows["customer_id"].notna() & rows["class"].notna() & ~inner,
            "customer_id",
            f"names a customer, but the class is not {INNER!r}",
            "Choose one of the two.",
        ),
        (
            rows["status"].isin(OPEN) & rows["owner"].isna(),
            "owner",
            "nobody answers for it",
            "Name who does.",
        ),
        (rows["status"].isna(), "status", "is missing", "planned, started, done or dropped."),
    ]
    found = [
        {
            "row": first + place,
            "action_id": str(rows["action_id"].iloc[place]),
            "column": column,
            "value": _written(rows[column].iloc[place]),
            "reason": reason,
            "mend": mend,
        }
        for bad, column, reason, mend in checks
        for place in bad.fillna(False).to_numpy(bool).nonzero()[0]
    ]
    return pd.DataFrame(found, columns=COLUMNS).sort_values("row", kind="stable", ignore_index=True)


def check_ledger(ledger: pd.DataFrame) -> Result:
    """Report rows that contradict themselves: `contradictions` with a finding."""
    wrong = contradictions(ledger)
    n = len(ledger)
    if wrong.empty:
        return Result(wrong, Finding(_("The ledger is consistent."), importance=Importance.METHOD))
    claim = ngettext(
        "{n:count} of {all:count} rows of the ledger contradicts itself.",
        "{n:count} of {all:count} rows of the ledger contradict themselves.",
        wrong["row"].nunique(),
        all=n,
    )
    return Result(wrong, Finding(claim, importance=Importance.NOTABLE))


def _written(value: object) -> str:
    if pd.isna(value):
        return ""
    return f"{value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else f"{value}"


def complete(ledger: pd.DataFrame) -> pd.DataFrame:
    """The ledger with every column of the contract, those it has not empty."""
    from cxlib.data import contract

    columns = contract.TABLES["actions"].columns
    lacking = {
        name: pd.Series(index=ledger.index, dtype=contract.KINDS[c.kind])
        for name, c in columns.items()
        if name not in ledger
    }
    rows = ledger.assign(**lacking).reset_index(drop=True)
    dates = {name: pd.to_datetime(rows[name]) for name in DATES}
    numbers = {n: pd.to_numeric(rows[n]) for n, c in columns.items() if c.kind == "number"}
    return rows.assign(**dates, **numbers)


def customers_waiting(ledger: pd.DataFrame) -> list[object]:
    """Customers whom an open action names: its owner is to contact them, and nobody else decides.

    Examples
    --------
    >>> rows = {"action_id": ["a", "b"], "status": ["started", "done"], "customer_id": ["c1", "c2"]}
    >>> customers_waiting(pd.DataFrame(rows))
    ['c1']
    """
    rows = complete(ledger)
    named = rows.loc[rows["status"].isin(OPEN), "customer_id"].dropna()
    return list(named.unique())


def action_status(
    ledger: pd.DataFrame,
    today: str | pd.Timestamp,
    stalled: int = STALLED,
    held: Collection[str] = (),
) -> Result:
    """List every action with its state on a day: overdue and stalled ones first.

    Parameters
    ----------
    ledger : actions, as the contract has them
    today : the day it is looked at from
    stalled : days after which an action that is planned and should have started counts as stalled
    held : action_id of those that are not to be begun, as `on_hold` gives them

    Returns
    -------
    Result with the tables

    - table: of the outer loop: problem, owner, standing (of STANDING), late (days after it was due,
      while open), due_on, class, level, action_id
    - loops: both loops, as `table`, with loop in front and the status

    and the part this_week: the open actions of single customers, with customer_id; for a list, not
    for a page

    Raises
    ------
    ValueError : not a day
    """
    rows, day = complete(ledger), _day(today)
    due, open_ = rows["due_on"], rows["status"].isin(OPEN)
    late = (day - due).dt.days.where(open_ & (due < day), 0).fillna(0).astype(int)
    idle = rows["status"].eq("planned") & ((day - rows["begun_on"]).dt.days > stalled)
    near = due.notna() & ((due - day).dt.days <= SOON)
    state = pd.Series("on its way", rows.index).mask(near, "due soon").mask(due.isna(), STANDING[2])
    state = state.mask(idle, "stalled").mask(late > 0, "overdue")
    state = state.mask(state.isin(LATE) & rows["action_id"].astype(str).isin(list(held)), HELD)
    state = state.mask(~open_, rows["status"])
    inside = rows["class"].eq(INNER).fillna(False)
    table = rows.assign(
        loop=inside.map({True: "inner loop", False: "outer loop"}).astype(object),
        term=rows["action_id"].astype(str),
        standing=state,
        late=late,
        due_on=[_written(d) for d in due],
        place=state.map({s: k for k, s in enumerate(STANDING)}).fillna(len(STANDING)),
    )
    table = table.sort_values(
        ["loop", "place", "late"], ascending=[False, True, False], kind="stable"
    )
    columns = ["problem", "owner", "standing", "late", "due_on", "class", "level", "status",
               "action_id"]  # fmt: skip
    loops = table[["loop", *columns]].reset_index(drop=True)
    loops = loops.astype({c: object for c in columns if c != "late"}).fillna("")
    outer = loops[loops["loop"] == "outer loop"].drop(columns=["loop", "status"])
    week = table[(table["loop"] == "inner loop") & table["status"].isin(OPEN)]
    note = _(
        "On {day:date}. Stalled: planned, and more than {days:count} days after it should have "
        "started. Inner loop: one customer, this week; outer loop: the cause.",
        day=day,
        days=stalled,
    )
    if state.eq(HELD).any():
        note = i18n.together(
            [note, _("On hold: past its date or not started, but its verdict says not to act.")]
        )
    listed = week[["action_id", "customer_id", "problem", "owner", "due_on", "standing"]]
    return Result(
        {"table": outer.reset_index(drop=True), "loops": loops},
        _finding(loops),
        note,
        columns=[Column("level", "name", "name", label="tier")],
        parts={"this_week": listed},
    )


def _day(today: str | pd.Timestamp) -> pd.Timestamp:
    try:
        return pd.Timestamp(today).normalize()
    except ValueError as error:
        raise ValueError(f"{today!r} is not a day. Write it as 2026-10-01.") from error


def _finding(table: pd.DataFrame) -> Finding:
    waiting = table[table["status"].isin(OPEN)]
    if waiting.empty:
        closed = ngettext("{n:count} closed action", "{n:count} closed actions", len(table))
        return Finding(_("No action is open."), closed)
    outer, inner = (waiting[waiting["loop"] == f"{w} loop"] for w in ("outer", "inner"))
    rows = outer if len(outer) else inner
    late, n = rows["standing"].isin(LATE), len(rows)
    kinds = set(rows.loc[late, "standing"])
    facts: dict[str, Any] = {
        "all": n,
        "late": _("overdue")
        if kinds == {LATE[0]}
        else _("late to start")
        if kinds == {LATE[1]}
        else _("overdue or late to start"),
    }
    resting = rows["standing"].eq(HELD)
    if late.any() and resting.any():  # one on hold may not have started either
        claim = ngettext(
            "{n:count} of {all:count} open actions is {late}; {held:count} on hold.",
            "{n:count} of {all:count} open actions are {late}; {held:count} on hold.",
            int(late.sum()),
            held=int(resting.sum()),
            **facts,
        )
    elif late.any():
        claim = ngettext(
            "{n:count} of {all:count} open actions is {late}.",
            "{n:count} of {all:count} open actions are {late}.",
            int(late.sum()),
            **facts,
        )
    elif resting.any():
        claim = _("No open action is overdue or stalled that is to be acted on.")
    else:
        claim = ngettext(
            "The {n:count} open action is on schedule.",
            "All {n:count} open actions are on schedule.",
            n,
        )
    details = []
    if late.any():
        details.append(
            _(
                "first: the action on “{problem:label}” ({owner:opening})",
                **_named(rows[late].iloc[0]),
            )
        )
    if resting.any():
        names = [i18n.quoted(i18n.label(str(p))) for p in rows.loc[resting, "problem"]]
        details.append(
            ngettext(
                "on hold: the action on {names:list3}",
                "on hold: the actions on {names:list3}",
                len(names),
                names=names,
            )
        )
    if len(outer) and len(inner):
        single = ngettext(
            "for single customers, {n:count} action is open, {overdue:count} overdue",
            "for single customers, {n:count} actions are open, {overdue:count} overdue",
            len(inner),
            overdue=int((inner["standing"] == "overdue").sum()),
        )
        details.append(single)
    return Finding(
        claim,
        i18n.opening(_("; ").join(details)),
        value=int(late.sum()),
        unit="count",
        importance=Importance.NOTABLE if late.any() else Importance.CONTEXT,
    )


def _named(row: pd.Series) -> dict[str, str]:
    return {"problem": row["problem"], "owner": row["owner"] or "–"}


def owner_with_date(owner: object, due: pd.Timestamp | str) -> str:
    """Who does it and until when, as a page says it; empty without an owner.

    Examples
    --------
    >>> owner_with_date("logistics", "2026-09-30")
    'Logistics, due 30 Sep 2026'
    """
    if pd.isna(owner) or owner in ("", "–"):
        return ""
    name = i18n.opening(i18n.label(str(owner)))
    return _("{owner}, due {due:date}", owner=name, due=due) if due and pd.notna(due) else name


def confirm_end(problem: object) -> str:
    """What is to be done about a problem of the ledger whose fall is over."""
    return _(PAST, problem=problem)


def remedy(problem: object) -> str:
    """What is to be done about a problem of the ledger, which names problems only."""
    return _("Solve “{problem:label}” as planned in the ledger.", problem=problem)


def stop_or_redesign(problem: object) -> str:
    """What is to be done about an action that runs and is not expected to pay."""
    return _(STOP, problem=problem)
