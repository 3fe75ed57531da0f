"""The action ledger: is it consistent, and which actions need attention today?

    wrong = contradictions(ledger)              # row, action_id, column, value, reason, mend
    print(action_status(ledger, "2026-10-01"))  # 1 of 3 open actions is overdue ...

The contract says what a cell may hold; here is how the cells of a row must agree. The inner loop is
one customer's matter, to be closed this week; the outer loop takes away the cause.
"""

from __future__ import annotations

import pandas as pd

from cxlib.core import i18n
from cxlib.core.columns import Column
from cxlib.core.i18n import _, ngettext
from cxlib.core.result import Result

OPEN, CLOSED = ("planned", "begun"), ("done", "dropped")
INNER = "one customer"
STALLED = 30  # days after which what should have begun and has not counts as stalled
SOON = 30  # days before the due date
STANDING = ("overdue", "stalled", "without a date", "due soon", "on its way", "done", "dropped")
WORDS = (
    *("overdue", "stalled", "without a date", "due soon", "on its way", "done", "dropped"),
    *("planned", "begun", "one customer", "process", "policy", "front line", "team"),
    *("department", "board", "inner loop", "outer loop", "loop", "standing", "late", "owner"),
    *("actions", "ledger", "inconsistent", "mend"),
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
    >>> row = {"action_id": "a01", "problem": "late parcels", "status": "begun"}
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
        (rows["status"].isna(), "status", "is missing", "planned, begun, done or dropped."),
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
        return Result(wrong, _("None of the {n:count} rows contradicts itself.", n=n))
    rows = wrong["row"].nunique()
    return Result(wrong, _("{rows:count} of {n:count} rows contradict themselves.", rows=rows, n=n))


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


def action_status(
    ledger: pd.DataFrame, today: str | pd.Timestamp, stalled: int = STALLED
) -> Result:
    """List every action with its state on a day: overdue and stalled ones first.

    Parameters
    ----------
    ledger : actions, as the contract has them
    today : the day it is looked at from
    stalled : days after which an action that is planned and should have begun counts as stalled

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
    state = state.mask(idle, "stalled").mask(late > 0, "overdue").mask(~open_, rows["status"])
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
        "begun. Inner loop: one customer, this week; outer loop: the cause.",
        day=day,
        days=stalled,
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


def _finding(table: pd.DataFrame) -> str:
    waiting = table[table["status"].isin(OPEN)]
    if waiting.empty:
        return ngettext(
            "No action is open; {n:count} is closed.",
            "No action is open; {n:count} are closed.",
            len(table),
        )
    outer, inner = (waiting[waiting["loop"] == f"{w} loop"] for w in ("outer", "inner"))
    said = []
    if len(outer):
        facts = {
            "n": i18n.count(len(outer)),
            "overdue": _count(outer, "overdue"),
            "stalled": _count(outer, "stalled"),
        }
        first = outer.iloc[0]
        said.append(
            _(
                "Open actions against causes: {n}, of them overdue {overdue}, stalled {stalled}.",
                **facts,
            )
        )
        if first["standing"] in ("overdue", "stalled"):
            facts = {k: i18n.label(first[k]) for k in ("owner", "standing") if first[k]}
            problem = first["problem"]
            said.append(
                _(
                    "First: {problem:quoted} ({owner}), {standing}.",
                    problem=problem,
                    **{"owner": "–", **facts},
                )
            )
    if len(inner):
        said.append(
            _(
                "Of single customers: open {n:count}, overdue {overdue}.",
                n=len(inner),
                overdue=_count(inner, "overdue"),
            )
        )
    return i18n.together(said)


def _count(rows: pd.DataFrame, standing_: str) -> str:
    return i18n.count((rows["standing"] == standing_).sum())
