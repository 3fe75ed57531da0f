"""Cases out of an event log, the form in which help desks and process tools keep what they did.

cases = from_log(log, case="ticket", activity="step", at="time", reply=["Take in charge"],
                 solved=["Resolve"], keep={"owner": "agent", "customer_id": "customer"})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from cxlib.service.casebook import needs


def from_log(
    log: pd.DataFrame,
    *,
    case: str,
    activity: str,
    at: str,
    reply: Sequence[str] = (),
    solved: Sequence[str] = (),
    closing: Sequence[str] = (),
    keep: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """A row a case: case_id, opened_at, first_reply_at, solved_at, reopened, contacts and `keep`.

    Opened is the first event, the first reply the first of the activities `reply`, solved the last
    of `solved`; reopened is a case in which anything but `closing` or another `solved` came after a
    first solution. contacts counts its events. `keep` names columns (ours: theirs), each as it was
    at the last event. Times lose their zone. Raises ValueError for activities nobody ever did.
    """
    keep = dict(keep or {})
    needs(log, case, activity, at, *keep.values())
    there = set(log[activity].dropna())
    if unknown := sorted({*reply, *solved, *closing} - there):
        raise ValueError(
            f"{activity} never is {', '.join(unknown)}. There are: "
            f"{', '.join(sorted(map(str, there))[:20])}."
        )
    when = pd.to_datetime(log[at])
    when = when.dt.tz_localize(None) if when.dt.tz is not None else when
    rows = log.assign(**{at: when}).sort_values([case, at], kind="stable")
    each = rows.groupby(case, sort=True)
    found = pd.DataFrame({"opened_at": each[at].min(), "contacts": each.size()})
    for column, activities, pick in (
        ("first_reply_at", reply, "min"),
        ("solved_at", solved, "max"),
    ):
        if activities:
            done = rows[rows[activity].isin(list(activities))]
            found[column] = done.groupby(case)[at].agg(pick)
    if solved:
        end = rows[activity].isin(list(solved))
        after = end.groupby(rows[case]).cumsum().gt(0) & ~rows[activity].isin([*solved, *closing])
        found["reopened"] = after.groupby(rows[case]).any() & found["solved_at"].notna()
    for ours, theirs in keep.items():
        found[ours] = each[theirs].last()
    return found.rename_axis("case_id").reset_index()
