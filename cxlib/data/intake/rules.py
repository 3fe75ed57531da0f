"""What the contract says of a table: rules, each with its reason, and the pandera schema of them.

    held = list(rules("orders", rows, others={"customers": customers}))
    schema("orders", rows, held).validate(rows, lazy=True)

A failure case of pandera names the rule (a message id of `reasons`) under `check`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxlib import tables
from cxlib.data.intake.reasons import Reason
from cxlib.study import Item

if TYPE_CHECKING:
    import pandera.pandas as pa

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
    for column in tables.TABLES[name].columns.values():
        if column.required:
            yield Rule(column.name, Reason("required", {"name": column.name}))
        if column.name not in rows:
            continue
        if column.low is not None or column.high is not None:
            yield _within(column.name, column.low, column.high)
        if column.allowed:
            reason = Reason("not_allowed", {"values": list(column.allowed)})
            yield Rule(column.name, reason, lambda s, ok=column.allowed: s.isin(ok))
        if column.refers in others:
            known = others[column.refers][column.name]
            reason = Reason("unknown_reference", {"table": column.refers})
            yield Rule(column.name, reason, lambda s, known=known: s.isin(known))
        if column.after and column.after in rows:
            yield _not_before(column.name, column.after, rows[column.after])
    for item in (i for i in items or {} if i in rows):
        low, high = items[item].scale
        reason = Reason("outside_scale", {"low": low, "high": high, "item": item})
        yield Rule(item, reason, lambda s, low=low, high=high: s.between(low, high))


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
    import pandera.pandas as pa

    contract = tables.TABLES[name]
    checks: dict[str, list[pa.Check]] = {c: [] for c in contract.columns if c in rows}
    for rule in rules(name, rows) if held is None else held:
        own = [pa.Check(rule.holds, name=rule.reason.rule)] if rule.holds else []
        checks[rule.column] = [*checks.get(rule.column, []), *own]
    columns = {}
    for column, list_of in checks.items():
        about = contract.columns.get(column)
        kind = tables.KINDS[about.kind if about else "number"]
        columns[column] = pa.Column(kind, list_of, nullable=not (about and about.required))
    return pa.DataFrameSchema(columns, unique=list(contract.key) if unique else None, name=name)


def _within(column: str, low: float | None, high: float | None) -> Rule:
    limits = {k: v for k, v in (("low", low), ("high", high)) if v is not None}
    rule = {("low",): "below_minimum", ("high",): "above_maximum"}.get(tuple(limits))
    least, most = limits.get("low", -np.inf), limits.get("high", np.inf)
    reason = Reason(rule or "outside_range", limits)
    return Rule(column, reason, lambda s: s.between(least, most))


def _not_before(column: str, earlier: str, since: pd.Series) -> Rule:
    """Dates not before others of the same row, by the day: some have a time and some have none."""
    day = since.dt.normalize()
    reason = Reason("out_of_order", {"earlier": earlier, "later": column})
    return Rule(column, reason, lambda s: ~(s.dt.normalize() < day[s.index]))
