"""Moments by SQL: one scan of the store gives the sums that `moments.of` gives from rows."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd

from cxlib.moments import MISSING, Moments, Who, keys_of
from cxlib.moments.draws import BITS
from cxlib.moments.em import Patterned
from cxlib.reserve.store import ReserveError

KEYS = "_cxlab_keys"  # table and columns, named so that no study has them


def scan(
    store: duckdb.DuckDBPyConnection,
    table: str,
    columns: list[str],
    origin: np.ndarray,
    weight: str | None,
    bucket: str | None,
    holds: str,
    missing: str = "complete",
    *,
    row: str = "rowid",
) -> Moments:
    """Sums of `columns` less `origin` in buckets, over the rows for which `holds`.

    Complete: rows that answer all the columns. Pairwise: for each pair, the rows that give both.
    Raises ReserveError when no row is left, and for text columns and bad weights.
    """
    if missing not in MISSING:
        raise ReserveError(f"missing={missing!r} is not a choice. There are: {', '.join(MISSING)}.")
    pairwise, p = missing == "pairwise", len(columns)
    em = missing == "em"
    w = f'"{weight}"' if weight else "1.0"
    key, customers = _by_label(row), ""
    if bucket:
        _name_keys(store, table, bucket, holds)
        customers = f'left join {KEYS} on "{bucket}" = {KEYS}_name'
        key = f"coalesce({KEYS}_key, {key})"
    x = [f'("{c}" - {float(o)!r})' for c, o in zip(columns, origin, strict=True)]
    given = [f'"{c}" is not null' for c in columns]
    kept = f"({(' and ' if missing == 'complete' else ' or ').join(given)}) and {w} > 0"
    if em:
        x = [f"coalesce({c}, 0)" for c in x]
    pattern = " || ".join(f"({g})::tinyint" for g in given) if em else "''"
    upper = [(i, j) for i in range(p) for j in range(i, p)]
    wanted = [f"sum({w} * {x[i]} * {x[j]})" for i, j in upper]
    if pairwise:
        wanted += [f"sum({w}) filter (where {given[i]} and {given[j]})" for i, j in upper]
        wanted += [
            f"sum({w} * {x[i]}) filter (where {given[j]})" for i in range(p) for j in range(p)
        ]
    else:
        wanted += [f"sum({w})", *(f"sum({w} * {x[i]})" for i in range(p))]
    filtered = ", ".join(f"{_kept(s, kept)} as s{k}" for k, s in enumerate(wanted))
    sql = (
        f"select {key} as b, {pattern} as pattern, count(*) as all_rows, "
        f"count(*) filter (where {kept}) as n, "
        f"count(*) filter (where {w} is null or {w} < 0) as bad, {filtered} "
        f'from "{table}" {customers} where {holds} group by all order by b, pattern'
    )
    try:
        found = store.execute(sql).fetchnumpy()
    except duckdb.Error as error:
        raise ReserveError(
            f"{table}: {columns} cannot be summed ({str(error).splitlines()[0]}). Only numbers can."
        ) from error
    if em:
        return _patterned(_moments(found, columns, origin, weight, pairwise, len(wanted)), found)
    return _moments(found, columns, origin, weight, pairwise, len(wanted))


def _by_label(row: str) -> str:
    """Key of a row without a known customer: multiplicative hashing (Knuth 1998, section 6.4)."""
    product = f"({row}::ubigint % 4294967296) * 2654435769"
    return f"(({product} % 4294967296) >> {32 - BITS})::bigint"


def _name_keys(store: duckdb.DuckDBPyConnection, table: str, bucket: str, holds: str) -> None:
    """A table of the customers' keys: those that `moments.keys_of` gives to rows."""
    wanted = f'select distinct "{bucket}" from "{table}" where {holds} and "{bucket}" is not null'
    names = store.execute(wanted).df()
    found = pd.DataFrame({f"{KEYS}_name": names[bucket], f"{KEYS}_key": keys_of(names, bucket)})
    store.register(KEYS, found)


def _patterned(sums: Moments, found: dict) -> Patterned:
    some = np.asarray(found["n"]) > 0
    kinds, pattern = np.unique(np.asarray(found["pattern"])[some].astype("U"), return_inverse=True)
    return Patterned(
        **{f: getattr(sums, f) for f in sums.__dataclass_fields__},
        pattern=pattern,
        given=np.array([[c == "1" for c in kind] for kind in kinds]),
    )


def _kept(aggregate: str, kept: str) -> str:
    """The aggregate over the kept rows; one that has a filter of its own gets both."""
    if " filter (where " in aggregate:
        return aggregate.removesuffix(")") + f" and {kept})"
    return f"{aggregate} filter (where {kept})"


def _moments(
    found: dict, columns: list[str], origin: np.ndarray, weight: str | None, pairwise: bool, k: int
) -> Moments:
    if weight and (bad := int(found["bad"].sum())):
        raise ReserveError(
            f"{bad:,} weights in {weight!r} are negative or missing. Give every row a weight of 0 "
            "or more, or run `weights.rake` again."
        )
    some = np.asarray(found["n"]) > 0
    if not some.any():
        raise ReserveError(
            f"no row answers all of {columns}. Leave one out, or use missing='pairwise'."
        )
    sums = np.column_stack(
        [np.ma.filled(np.ma.asarray(found[f"s{i}"], float), 0.0)[some] for i in range(k)]
    )
    p = len(columns)
    at = np.triu_indices(p)
    half = len(at[0])
    second = _square(sums[:, :half], p, at)
    if pairwise:
        mass = _square(sums[:, half : 2 * half], p, at)
        first = sums[:, 2 * half :].reshape(-1, p, p)
    else:
        mass, first = sums[:, half], sums[:, half + 1 :]
    rows, offered = np.asarray(found["n"])[some].astype(float), int(found["all_rows"].sum())
    return Moments(
        tuple(columns), origin, mass, first, second,
        rows=rows, offered=offered, who=Who(np.asarray(found["b"])[some].astype(np.int64)),
    )  # fmt: skip


def _square(flat: np.ndarray, p: int, at: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    square = np.zeros((len(flat), p, p))
    square[:, at[0], at[1]] = flat
    square[:, at[1], at[0]] = flat
    return square
