"""Moments by SQL: one scan of the store gives the sums that `moments.of` gives from rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from cxlib.core.recoded import Recoded
from cxlib.data import sql
from cxlib.reserve.counting import Counting
from cxlib.reserve.door import Held, fewest
from cxlib.reserve.store import ReserveError
from cxlib.stats.em import Patterned
from cxlib.stats.moments import MISSING, Moments
from cxlib.stats.raking import CELL
from cxlib.stats.resampling import MAX_CLUSTERS, ResamplingUnits


def scan(
    store: duckdb.DuckDBPyConnection,
    table: str,
    columns: list[str],
    origin: np.ndarray,
    weight: str | None,
    cluster: str | None,
    holds: str,
    missing: str = "complete",
    *,
    row: str = "rowid",
    size: int = 1,
) -> Moments:
    """Sums of `columns` less `origin` by cluster, over the rows for which `holds`.

    Complete: rows that answer all the columns. Pairwise: for each pair, the rows that give both.
    Raises ReserveError when no row is left, and for text columns and bad weights.
    """
    asked = columns, origin, weight, cluster, holds, missing
    if not (found := scan_by(store, table, *asked, row=row, size=size)):
        raise ReserveError(
            f"no row answers all of {columns}. Leave one out, or use missing='pairwise'."
        )
    return found[None]


def scan_by(
    store: duckdb.DuckDBPyConnection,
    table: str,
    columns: list[str],
    origin: np.ndarray,
    weight: str | None,
    cluster: str | None,
    holds: str,
    missing: str = "complete",
    *,
    row: str = "rowid",
    by: str | None = None,
    answers: Counting | None = None,
    size: int = 1,
    recoded: Mapping[str, Recoded] | None = None,
    masses: bool = False,
    least: int = 0,
) -> dict[Any, Moments]:
    """`scan` of each group of the column `by`, in order; without one, of all rows under None.

    With raked `answers` sums are taken by cell, and each has the weight of its cell. `size` keys
    of customers that follow one another are one; `masses` keeps the weight of each key. Some
    columns may be `recoded` from others. Where no row may leave, sums are of `least` customers each
    or more. `row` is the column of a row's place, by which a row without a customer is drawn; empty
    where every row names one.
    """
    answers = answers or Counting()
    if missing not in MISSING:
        raise ReserveError(f"missing={missing!r} is not a choice. There are: {', '.join(MISSING)}.")
    p, w = len(columns), sql.name(weight) if weight else "1.0"
    w = f"({answers.own})" if weight and answers.weighted else w
    source = sql.name(table)
    key = key_of(store, table, cluster, row) if cluster else f"row_key({sql.name(row)})"
    single, key = key, coarser(key, size)
    values = [expression(c, recoded or {}) for c in columns]
    given = [f"{value} is not null" for value in values]
    kept = f"({(' and ' if missing == 'complete' else ' or ').join(given)}) and {w} > 0"
    pattern = " || ".join(f"({g})::tinyint::varchar" for g in given) if missing == "em" else "''"
    # each value is made once a row; what is missing adds nothing
    group = sql.name(by) if by else "0"
    holds = f"{holds} and {group} is not null"
    parts = [f"{key} as b", f"{pattern} as pattern", f"{w}::double as w"]
    parts += [f"{group} as g", f"{answers.code} as {CELL}"]
    for i, (value, o) in enumerate(zip(values, origin, strict=True)):
        parts += [
            f"coalesce({value} - {float(o)!r}, 0)::double as x{i}",
            f"({given[i]})::tinyint::double as g{i}",
        ]
    wanted = _wanted(p, missing == "pairwise")
    if w == "1.0":
        wanted = [s.removeprefix("w * ") for s in wanted]
    added = ", ".join(f"sum({s}) as s{k}" for k, s in enumerate(wanted))
    rows = f"select {', '.join(parts)} from {source} where {holds} and {kept}"
    each = f"g, b, pattern, {CELL}"
    summed = f"select {each}, count(*) as n, {added} from ({rows}) group by all order by {each}"
    customer = sql.name(cluster) if cluster else ""
    people = fewest([group, key, pattern, answers.code], source, f"{holds} and {kept}", customer)
    unusable = f"count(*) filter (where {w} is null or {w} < 0) as bad"
    counted = f"select {group} as g, count(*) as n, {unusable} from {source} where {holds}"
    try:
        several = Held(
            f"{counted} group by all order by g", fewest([group], source, holds, customer)
        )
        offered = store.execute(several).df()
        found = store.execute(Held(summed, people, least)).df()
    except duckdb.Error as error:
        raise ReserveError(
            f"{table}: {columns} cannot be summed ({str(error).splitlines()[0]}). Only numbers can."
        ) from error
    if bad := int(offered["bad"].sum()):
        raise ReserveError(
            f"{bad:,} weights in {weight!r} are negative or missing. Give every row a weight of 0 "
            "or more, or run `weights.rake` again."
        )
    found, names = answers.weighed(found, [f"s{k}" for k in range(len(wanted))]), {}
    own = [f"m{i}" for i in range(p if missing == "pairwise" else 1)]
    if masses:
        each = ", ".join(f"sum(w * g{i}) as m{i}" for i in range(len(own)))
        by_key = rows.replace(f"{key} as b", f"{single} as b")
        weighed = store.execute(f"select g, b, {CELL}, {each} from ({by_key}) group by all").df()
        weighed = answers.weighed(weighed, own).groupby(["g", "b"], as_index=False)[own].sum()
    for name, n in zip(offered["g"], offered["n"], strict=True):
        if (here := found["g"] == name).any():
            some = found[here]
            sums = _moments(some, columns, origin, missing == "pairwise", len(wanted), int(n))
            sums = replace(sums, clusters=answers.units(some, sums.drawn))
            if masses:
                sums = replace(sums, masses=weighed[weighed["g"] == name].set_index("b")[own])
            names[name if by else None] = _patterned(sums, some) if missing == "em" else sums
    return names


def _wanted(p: int, pairwise: bool) -> list[str]:
    """What is summed, in SQL: products, then weights, then answers (`_moments` takes it apart)."""
    upper = [(i, j) for i in range(p) for j in range(i, p)]
    wanted = [f"w * x{i} * x{j}" for i, j in upper]
    if not pairwise:
        return [*wanted, "w", *(f"w * x{i}" for i in range(p))]
    wanted += [f"w * g{i} * g{j}" for i, j in upper]
    return [*wanted, *(f"w * x{i} * g{j}" for i in range(p) for j in range(p))]


def key_of(store: duckdb.DuckDBPyConnection, table: str, cluster: str, row: str = "") -> str:
    """The key of a row's customer, as `resampling.keys_of` gives it to rows.

    `row` is the column of its place, which the key of a row without a customer is made of. An
    engine sorts a table to say its rows' places, so it is left out where every row names one.
    """
    described = store.execute(f"describe select {sql.name(cluster)} from {sql.name(table)}")
    kind = described.fetchall()[0][1]
    if kind not in ("VARCHAR", "BIGINT"):
        raise ReserveError(
            f"{table}: {cluster} is {kind.lower()}; rows are drawn together by text or by whole "
            "numbers."
        )
    key = f"{'customer_key' if kind == 'VARCHAR' else 'row_key'}({sql.name(cluster)})"
    return f"coalesce({key}, row_key({sql.name(row)}))" if row else key


def expression(column: str, recoded: Mapping[str, Recoded]) -> str:
    """A column in SQL, or what it is made of.

    Examples
    --------
    >>> expression("room", {"room": Recoded("room", "unused", 4.0)})
    'case when "unused" then 4.0 else "room" end'
    """
    if (made := recoded.get(column)) is None:
        return sql.name(column)
    answer = given = sql.name(made.column)
    if made.span is not None:
        low, high = made.span
        inside = [f"{given} >= {low!r}"] if low > -np.inf else []
        inside += [f"{given} <= {high!r}"] if high < np.inf else []
        within = "false" if low > high else " and ".join(inside)
        answer = f"case when {given} is null then null when {within} then 1.0 else 0.0 end"
    if not made.never:
        return answer
    return f"case when {sql.name(made.never)} then {made.value!r} else {answer} end"


def coarser(key: str, size: int) -> str:
    """The first of `size` keys that follow one another, in SQL.

    Examples
    --------
    >>> coarser("key", 1), coarser("key", 8), coarser("key", MAX_CLUSTERS)
    ('key', '(key - key % 8)', '0')
    """
    if size >= MAX_CLUSTERS:
        return "0"
    return f"({key} - {key} % {size})" if size > 1 else key


def _patterned(sums: Moments, found: pd.DataFrame) -> Patterned:
    kinds, pattern = np.unique(np.asarray(found["pattern"]).astype("U"), return_inverse=True)
    return Patterned(
        **{f: getattr(sums, f) for f in sums.__dataclass_fields__},
        pattern=pattern,
        given=np.array([[c == "1" for c in kind] for kind in kinds]),
    )


def _moments(
    found: pd.DataFrame,
    columns: list[str],
    origin: np.ndarray,
    pairwise: bool,
    k: int,
    offered: int,
) -> Moments:
    sums = np.column_stack([np.asarray(found[f"s{i}"], float) for i in range(k)])
    p = len(columns)
    at = np.triu_indices(p)
    half = len(at[0])
    second = _square(sums[:, :half], p, at)
    if pairwise:
        mass = _square(sums[:, half : 2 * half], p, at)
        first = sums[:, 2 * half :].reshape(-1, p, p)
    else:
        mass, first = sums[:, half], sums[:, half + 1 :]
    return Moments(
        tuple(columns),
        origin,
        mass,
        first,
        second,
        offered=offered,
        rows=np.asarray(found["n"], float),
        clusters=ResamplingUnits(np.asarray(found["b"], np.int64)),
    )


def _square(flat: np.ndarray, p: int, at: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    square = np.zeros((len(flat), p, p))
    square[:, at[0], at[1]] = flat
    square[:, at[1], at[0]] = flat
    return square
