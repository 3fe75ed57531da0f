"""Rows of one key made one: what is at hand is often a list of lines.

    orders, notes = merged(lines, ["order_id"], ["amount"])           # a row an order

The order is all lines with its number, the customer all orders with theirs, in however many files.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxlib.data.intake import conversion
from cxlib.data.intake.readers import IntakeError


def merged(rows: pd.DataFrame, key: list[str], add: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """(rows, one for each key, under the index of its first; notes).

    The columns `add` are added up, of the others the first value given is taken; notes say in how
    many keys there were several. Rows without a key stay as they are. A cell of `add` that is no
    number stays in its row for the contract to refuse.
    """
    if unknown := [c for c in add if c not in rows]:
        raise IntakeError(
            f"merge names {unknown}, which are not columns. There are: {', '.join(rows.columns)}."
        )
    keyed = rows[key].notna().all(axis=1)
    group, n = _numbered(rows.loc[keyed, key])
    part = rows[keyed]
    first = ~pd.Series(group).duplicated().to_numpy()
    out = part[first].copy()
    notes = []
    for column in (c for c in rows if c not in key):
        if column in add:
            values = _added(part[column], group)
        else:
            values = part[column].groupby(group).first()
            several = int((part[column].groupby(group).nunique() > 1).sum())
            if several:
                notes.append(f"{column} differs within {several:,} of {n:,}; the first is taken.")
        out[column] = values.to_numpy()
    notes.insert(0, f"{int(keyed.sum()):,} rows are {n:,}, told apart by {' and '.join(key)}.")
    return pd.concat([out, rows[~keyed]]).sort_index(), notes


def _numbered(key: pd.DataFrame) -> tuple[np.ndarray, int]:
    words = key.apply(conversion.text)
    group = words.groupby(list(words), sort=False).ngroup().to_numpy()
    return group, int(group.max(initial=-1)) + 1


def _added(column: pd.Series, group: np.ndarray) -> pd.Series:
    read = conversion.number(column)
    total = read.values.groupby(group).sum(min_count=1).astype(object)
    wrong = column[read.bad].groupby(group[read.bad]).first()
    total.loc[wrong.index] = wrong
    return total
