"""What the contract says of a table: rules, each with its reason, and the pandera schema of them.

    held = list(rules("orders", rows, others={"customers": customers}))
    schema("orders", rows, held).validate(rows, lazy=True)

A failure case of pandera names the rule (a message id of `reasons`) under `check`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.compute

from cxlib.data import contract
from cxlib.data.intake.reasons import Reason
from cxlib.data.schema import Item

if TYPE_CHECKING:
    import pandera.pandas as pa

ONE_LIMIT = {"low": "below_minimum", "high": "above_maximum"}
PANDERA = {"not_nullable": "required"}  # what pandera calls a rule of ours


@dataclass(frozen=True)
class Rule:
    """What must hold of the filled values of a column, and the reason where it does not."""

    column: str
    reason: Reason
    holds: Callable[[pd.Series], pd.Series] | None = None  # pandera's own when None


def rules(
    name: str,
    rows: pd.DataFrame,
    *,
    items: Mapping[str, Item] | None = None,
    others: Mapping[str, pd.DataFrame] | None = None,
) -> Iterator[Rule]:
    """The rules of the contract and of the items for the columns that are there.

    Parameters
    ----------
    name : of the table
    rows : its rows, converted
    items : questions on a scale, by column
    others : rows of the tables that this one may refer to; references to others are not checked
    """
    others = others or {}
    for column in contract.TABLES[name].columns.values():
        if column.required:
            yield Rule(column.name, Reason("required", {"name": column.name}))
        if column.name not in rows:
            continue
        limits = {k: v for k, v in (("low", column.low), ("high", column.high)) if v is not None}
        if limits:
            which = "outside_range" if len(limits) == 2 else ONE_LIMIT[min(limits)]
            yield within(column.name, Reason(which, limits), **limits)
        if column.allowed:
            reason = Reason("not_allowed", {"values": list(column.allowed)})
            yield _among(column.name, column.allowed, reason)
        if column.refers in others:
            reason = Reason("unknown_reference", {"table": column.refers})
            yield _refers(column.name, others[column.refers][column.name], reason)
        if column.after and column.after in rows:
            yield _not_before(column.name, column.after, rows[column.after])
    for asked, item in (items or {}).items():
        if asked in rows:
            limits = dict(zip(("low", "high"), item.scale, strict=True))
            yield within(asked, Reason("outside_scale", {**limits, "item": asked}), *item.scale)
            if item.role == "nps":
                yield Rule(asked, Reason("not_whole"), lambda s: s == s.round())


@contextmanager
def quiet() -> Iterator[None]:
    """Without the remark on pandas of Spark's client, which pandera imports where it is there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def schema(
    name: str, rows: pd.DataFrame, held: Iterable[Rule] | None = None, *, unique: bool = True
) -> pa.DataFrameSchema:
    """The pandera schema of the table's columns, its rules and its key.

    Parameters
    ----------
    name : of the table
    rows : its rows; columns that are neither the contract's nor under a rule may follow
    held : the rules; those of the contract alone when None
    unique : whether keys must not repeat
    """
    with quiet():
        import pandera.pandas as pa

    table = contract.TABLES[name]
    checks: dict[str, list[pa.Check]] = {c: [] for c in table.columns if c in rows}
    for rule in rules(name, rows) if held is None else held:
        own = [pa.Check(rule.holds, name=rule.reason.rule)] if rule.holds else []
        checks[rule.column] = [*checks.get(rule.column, []), *own]
    columns = {}
    for column, list_of in checks.items():
        about = table.columns.get(column)
        kind = contract.KINDS[about.kind if about else "number"]
        columns[column] = pa.Column(kind, list_of, nullable=not (about and about.required))
    return pa.DataFrameSchema(columns, unique=list(table.key) if unique else None, name=name)


def within(column: str, reason: Reason, low: Any = -np.inf, high: Any = np.inf) -> Rule:
    """A rule that values, numbers or dates, lie between two, both of them allowed."""
    return Rule(column, reason, lambda s: s.between(low, high))


def _among(column: str, known: Iterable[object], reason: Reason) -> Rule:
    return Rule(column, reason, lambda s: s.isin(known))


def _refers(column: str, known: pd.Series, reason: Reason) -> Rule:
    """A rule that values are among the ids of a table."""
    return Rule(column, reason, lambda s: are_among(s, known))


def are_among(values: pd.Series, ids: pd.Series) -> pd.Series:
    """`values.isin(ids)`, of which there may be millions.

    Arrow looks text up; pandas would make a Python list of all ids, twenty times as slow.

    Examples
    --------
    >>> are_among(pd.Series(["a", "z", None]), pd.Series(["a", "b"])).tolist()
    [True, False, False]
    """
    if not (pd.api.types.is_string_dtype(values) and pd.api.types.is_string_dtype(ids)):
        return values.isin(ids)
    text = pyarrow.large_string()
    known = pyarrow.array(ids.dropna(), text)
    found = pyarrow.compute.is_in(pyarrow.array(values, text), known)
    return pd.Series(found.to_numpy(zero_copy_only=False), index=values.index)


def _not_before(column: str, earlier: str, since: pd.Series) -> Rule:
    """Dates not before others of the same row, by the day: some have a time and some have none."""
    day = since.dt.normalize()
    reason = Reason("out_of_order", {"earlier": earlier, "later": column})
    return Rule(column, reason, lambda s: ~(s.dt.normalize() < day[s.index]))
