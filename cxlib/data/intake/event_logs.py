"""Cases out of an event log, the form in which help desks and process tools keep what they did.

    cases = logs.cases_of(log, Log(case="ticket", activity="step", at="time", solved=["Resolve"]))

In study.yaml it is the `log` of a file of cases.
"""

from __future__ import annotations

import pandas as pd

from cxlib.data.mapping import Log


def cases_of(log: pd.DataFrame, how: Log) -> pd.DataFrame:
    """A row a case, in the order of their names: its columns as they were at its last event, and.

    opened_at (the first event), first_reply_at (the first of the activities `reply`), solved_at
    (the last of `solved`), reopened (anything but `closing` or another `solved` came after a first
    solution) and contacts (its events). Times lose their zone. Raises ValueError for columns that
    lack and activities nobody ever did.
    """
    if lacking := [c for c in (how.case, how.activity, how.at) if c not in log]:
        raise ValueError(f"no column {', '.join(lacking)}. There are: {', '.join(log) or 'none'}.")
    there = set(log[how.activity].dropna())
    if unknown := sorted({*how.reply, *how.solved, *how.closing} - there):
        raise ValueError(
            f"{how.activity} never is {', '.join(unknown)}. There are: "
            f"{', '.join(sorted(map(str, there))[:20]) or 'none'}."
        )
    when = pd.to_datetime(log[how.at])
    when = when.dt.tz_localize(None) if when.dt.tz is not None else when
    rows = log.assign(**{how.at: when}).sort_values([how.case, how.at], kind="stable")
    each = rows.groupby(how.case, sort=True)
    found = each.last().drop(columns=[how.at, how.activity])
    found["opened_at"], found["contacts"] = each[how.at].min(), each.size()
    for column, activities, pick in (
        ("first_reply_at", how.reply, "min"),
        ("solved_at", how.solved, "max"),
    ):
        if activities:
            done = rows[rows[how.activity].isin(activities)]
            found[column] = done.groupby(how.case)[how.at].agg(pick)
    if how.solved:
        end = rows[how.activity].isin(how.solved)
        over = end.groupby(rows[how.case]).cumsum().gt(0)
        after = over & ~rows[how.activity].isin([*how.solved, *how.closing])
        found["reopened"] = after.groupby(rows[how.case]).any() & found["solved_at"].notna()
    return found.rename_axis(how.case).reset_index()
