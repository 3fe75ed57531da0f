"""Journeys counted by SQL: how often one touchpoint follows another, by cluster of customers.

The table is that of `journeys.count_transitions`, made without bringing an event out of the store.
Customers are taken some at a time, so that memory does not grow with the number of events.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import duckdb
import pandas as pd

from cxlib.data import sql
from cxlib.reserve.store import ReserveError
from cxlib.stats.resampling import MAX_CLUSTERS, keys_of

AT_ONCE = 1_000_000  # events whose journeys are followed at a time
NAMED = f"{sql.PREFIX}touchpoints"  # in a query; its columns have the prefix of no user's column
NAME, CODE = f"{sql.PREFIX}name", f"{sql.PREFIX}code"


def counted(
    store: duckdb.DuckDBPyConnection,
    *,
    by: str = "",
    gap: float = 0,
    goal: Sequence[str] = (),
    most: int = 0,
    patience: float = 0,
    holds: str = "true",
    row: str = "rowid",
) -> pd.DataFrame:
    """cluster, step, before, after, n of the events for which `holds`, as `count_transitions`.

    Raises ReserveError when no event is left, and for a goal that nobody met.
    """
    of = sql.name(by or "customer_id")
    there = f'{holds} and {of} is not null and "at" is not null and touchpoint is not null'
    found = store.execute(f"select touchpoint from events where {there} group by 1 order by 1").df()
    names = found["touchpoint"].astype(str).tolist()
    if not names:
        raise ReserveError("no event is left to follow. Check WHERE, and journey.by in study.yaml.")
    if unknown := [g for g in goal if g not in names]:
        raise ReserveError(f"nobody met the goal {unknown}. Touchpoints are: {', '.join(names)}.")
    known = "true"  # that what follows an event is known
    if patience:
        last = sql.first(store, f'select max("at") from events where {there}')[0]
        day = pd.Timestamp(last) - pd.Timedelta(days=patience)
        known = f"{{}} <= {sql.text(str(day))}::timestamp"
    parts = _parts(store, of, gap if not by else 0, names, goal, most, known, there, row)
    rows = pd.concat(parts).groupby(["cluster", "step", "before", "after"], as_index=False).sum()
    for column in ("before", "after"):  # -1: nothing, the journey begins or ends
        rows[column] = pd.Categorical.from_codes(rows[column].to_numpy(), names)
    return rows.sort_values(["cluster", "step", "before", "after"], ignore_index=True)


def _parts(
    store: duckdb.DuckDBPyConnection,
    of: str,
    gap: float,
    names: list[str],
    goal: Sequence[str],
    most: int,
    known: str,
    there: str,
    row: str,
) -> list[pd.DataFrame]:
    """The counts of some customers after others."""
    events = sql.first(store, f"select count(*) from events where {there}")[0]
    rounds = -(-events // AT_ONCE)
    hit = f"code in ({', '.join(str(names.index(g)) for g in goal)})" if goal else "false"
    coded = ", ".join(f"({sql.text(name)}, {code})" for code, name in enumerate(names))
    found = []
    ends = [round(k * MAX_CLUSTERS / rounds) for k in range(rounds + 1)]
    for low, high in pairwise(ends):
        part = f" and customer_key({of}::varchar) between {low} and {high - 1}"
        mine = there + (part if rounds > 1 else "")
        query = _query(of, gap, coded, hit, most, known, mine, row)
        found.append(_by_cluster(store.execute(query).df()))
    return found


def _query(
    of: str, gap: float, coded: str, hit: str, most: int, known: str, mine: str, row: str
) -> str:
    """Steps of journeys, then what follows what for each customer."""
    new = "w is null" + (f" or w > {float(gap)} * 86400000000" if gap else "")
    step = f"case when step <= {most} then step else 0 end" if most else "0"
    kept = "where step > 0" if most else ""
    return f"""
        with {NAMED} ({NAME}, {CODE}) as (values {coded}),
        e as (
            select customer_id as who, {of} as own, {CODE} as code, "at", {row} as r,
                date_diff('microsecond',
                    lag("at") over (partition by {of} order by "at", {row}), "at") as w
            from events join {NAMED} on touchpoint = {NAME} where {mine}),
        j as (
            select *, sum(({new})::int) over (partition by own order by "at", r) as journey,
                ({hit})::int as hit from e),
        s as (
            select who, code, hit, "at", lag("at") over path as left_at,
                lag(code) over path as before, lead(code) over path as next,
                row_number() over path as step,
                coalesce(sum(hit) over (partition by own, journey order by "at", r
                    rows between unbounded preceding and 1 preceding), 0) as past
            from j window path as (partition by own, journey order by "at", r)),
        ways as (
            select who, step, coalesce(before, -1) as before, code as after from s
            where past = 0 and (before is null or {known.format("left_at")})
            union all
            select who, step + 1, code, -1 from s
            where past = 0 and next is null and hit = 0 and {known.format('"at"')})
        select who, step, before, after, count(*) as n
        from (select who, {step} as step, before, after from ways) {kept} group by all
    """


def _by_cluster(rows: pd.DataFrame) -> pd.DataFrame:
    rows["cluster"] = keys_of(rows, "who")
    by = ["cluster", "step", "before", "after"]
    return rows.groupby(by, as_index=False)["n"].sum()
