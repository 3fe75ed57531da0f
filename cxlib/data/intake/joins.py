"""Rows of one file made complete by others, before they are held to the contract.

study.yaml says, file by file: `join` columns of another file, keep the rows in which some columns
are `filled`, the first row `first_by` some columns, and columns to `derive` by expressions. Rows
keep their place in the first file, so the quarantine names a line that can be looked up.

    orders, notes = merged(lines, ["order_id"], ["amount"])           # a row an order

What is at hand is often a list of lines: `merge` makes one row of those that share a key, in
however many files they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import get_close_matches

import numpy as np
import pandas as pd

from cxlib.data import expressions
from cxlib.data.intake import conversion, event_logs
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.readers import Raw
from cxlib.data.mapping import File, Join, Log

ROW = "#row"
Opened = Callable[[Join], Raw]


def prepared(raw: Raw, file: File, opened: Opened, forms: expressions.Forms, where: str) -> Raw:
    """The file's rows as its `log`, `join`, `filled`, `first_by` and `derive` ask for, or as is.

    `opened` reads a joined file, `forms` gives how a column writes dates or numbers, `where`
    is what messages call the file. Raises IntakeError for a column that is not there, and for a
    key that a joined file has in several rows.
    """
    frame, notes, unread = raw.frame, list[str](), raw.unread
    if file.log:
        _refuse_unread(raw, [file.log.case, file.log.activity, file.log.at], where)
        frame, notes = _cases(frame, file.log, where)
        unread = unread.head(0)
    for join in file.join:
        other = opened(join)
        _refuse_unread(other, [str(c) for c in other.frame], join.place)
        frame, said = _joined(frame, join, other.frame, where)
        notes += said
    if file.filled or file.first_by:  # rows keep the number they have in the whole file
        frame = frame.assign(**{ROW: np.arange(1, len(frame) + 1)})
    frame, said = _chosen(frame, file, where)
    notes += said
    for name, written in file.derive.items():  # in their order: one may speak of another
        key = f"{where}: derive: {name}"
        try:
            made = expressions.computed(frame, written, key=key, forms=forms)
        except expressions.ExpressionError as error:
            raise IntakeError(str(error)) from error
        notes += made.notes
        frame = frame.assign(**{name: made.values})
        lost = unread[unread["column"].map(lambda c, w=written: c in w).astype(bool)]
        if len(lost := lost[lost["row"].isin(frame.index[frame[name].isna()])]):
            unread = pd.concat([unread[unread["column"] != name], lost.assign(column=name)])
    return replace(raw, frame=frame, notes=(*raw.notes, *notes), unread=unread)


def _refuse_unread(raw: Raw, columns: list[str], where: str) -> None:
    """IntakeError for cells that are missing unsaid, in a file whose rows become others."""
    lost = raw.unread[raw.unread["column"].isin(columns)]
    if len(lost):
        first = lost.iloc[0]
        raise IntakeError(
            f"{where}: {len(lost):,} cell(s) are errors or formulas without a value, first "
            f"{first['value']!r} of {first['column']} in row {first['row']}. Open the workbook in "
            "Excel or LibreOffice, correct the errors, and save it."
        )


def decimal_comma(raw: Raw) -> bool:
    """Whether numbers of the file may have a decimal comma: commas do not part its cells."""
    return raw.delimiter in (";", "\t")


def _cases(log: pd.DataFrame, how: Log, where: str) -> tuple[pd.DataFrame, list[str]]:
    try:
        cases = event_logs.cases_of(log, how)
    except ValueError as error:
        raise IntakeError(f"{where}: {error} Correct `log` in study.yaml.") from error
    cases.index = pd.Index(np.arange(len(cases)) + 1, name="row")
    return cases, [f"{where}: {len(log):,} events are of {len(cases):,} cases."]


def _joined(
    frame: pd.DataFrame, join: Join, other: pd.DataFrame, where: str
) -> tuple[pd.DataFrame, list[str]]:
    """The rows with the columns of the joined file that they lack; as many rows as before."""
    here, there = list(join.by), list(join.by.values())
    _there_are(frame, here, where)
    _there_are(other, [*there, *join.sum], join.place)
    keys = pd.DataFrame({h: conversion.text(other[t]) for h, t in join.by.items()})
    notes = []
    if join.sum:
        added, keys = _added_up(other, join, keys)
    else:
        _refuse_repeated(keys, join, where)
        added = other.drop(columns=there)
    if double := [c for c in added if c in frame]:
        notes.append(
            f"{where}: {double} of {join.place} are left out: it has columns of that name."
        )
    added = added.drop(columns=double)
    filled = keys.notna().all(axis=1).to_numpy()  # an empty key belongs to nobody
    index = pd.MultiIndex.from_frame(keys[filled])
    at = index.get_indexer(
        pd.MultiIndex.from_frame(pd.DataFrame({h: conversion.text(frame[h]) for h in here}))
    )
    if (lost := int((at < 0).sum())) == len(frame):
        raise IntakeError(
            f"{where}: no row has its {' and '.join(here)} in {join.place} "
            f"({' and '.join(there)}). Correct `join` in study.yaml."
        )
    if lost:
        notes.append(f"{where}: {lost:,} of {len(frame):,} rows have no row in {join.place}.")
    # Row -1 is the empty one, of all that are not found.
    empty = added[filled].reset_index(drop=True).reindex(range(int(filled.sum()) + 1))
    taken = empty.iloc[at].set_axis(frame.index, axis=0)
    return pd.concat([frame, taken], axis=1), notes


def _added_up(
    other: pd.DataFrame, join: Join, keys: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The sums of the columns over the rows of each key, and the keys."""
    numbers = {c: _certain(conversion.number(other[c]), c, join.file) for c in join.sum}
    if bad := [c for c, n in numbers.items() if n.bad.any()]:
        n = int(numbers[bad[0]].bad.sum())
        raise IntakeError(
            f"{join.place}: {bad[0]} cannot be added up: {n:,} cell(s) hold no number."
        )
    values = pd.DataFrame({c: n.values for c, n in numbers.items()})
    sums = values.groupby([keys[k] for k in keys], sort=False).sum(min_count=1).reset_index()
    return sums[join.sum], sums[list(keys)].astype("string")


def _refuse_repeated(keys: pd.DataFrame, join: Join, where: str) -> None:
    again = keys.dropna().duplicated(keep=False)
    if again.any():
        first = keys.loc[again[again].index[0]].tolist()
        raise IntakeError(
            f"{join.place} has {int(again.sum()):,} rows whose {' and '.join(join.by.values())} "
            f"stands there more than once (first {', '.join(map(repr, first))}): each row of "
            f"{where} would come several times. Join on further columns, or name the columns to "
            "add up with `sum`."
        )


def _chosen(frame: pd.DataFrame, file: File, where: str) -> tuple[pd.DataFrame, list[str]]:
    """The rows that are asked for, and how many were passed over."""
    _there_are(frame, [*file.filled, *file.first_by], where)
    notes = []
    if file.filled:
        said = {c: conversion.text(frame[c]) for c in file.filled}
        full = pd.DataFrame({c: s.notna() & ~s.isin(file.filled[c]) for c, s in said.items()})
        full = full.all(axis=1)
        words = pd.concat([said[c][said[c].isin(file.filled[c])] for c in said]).value_counts()
        why = [f"{n:,} {word!r}" for word, n in words.items()]
        why += [f"{n:,} without {c!r}" for c, s in said.items() if (n := int(s.isna().sum()))]
        notes.append(
            f"{where}: {int((~full).sum()):,} of {len(frame):,} rows are left out by `filled`"
            f"{': ' if why else ''}{', '.join(why)}."
        )
        frame = frame[full]
    if file.first_by:
        again = frame.duplicated(file.first_by)
        columns = " and ".join(file.first_by)
        notes.append(
            f"{where}: {int(again.sum()):,} further rows with the same {columns} are passed over."
        )
        frame = frame[~again]
    if frame.empty:
        raise IntakeError(f"{where}: `filled` leaves none of its rows. Correct study.yaml.")
    return frame, notes


def _certain(read: conversion.Converted, column: str, where: str) -> conversion.Converted:
    """What was read, unless its cells fit two readings: then the question, as an IntakeError."""
    if read.question:
        raise IntakeError(f"{where}: {read.question.sentence('TABLE', column)}")
    return read


def _there_are(frame: pd.DataFrame, columns: list[str], where: str) -> None:
    if lost := [c for c in columns if c not in frame]:
        near = get_close_matches(lost[0], list(map(str, frame)), n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise IntakeError(
            f"{where}: there is no column {lost[0]!r}{hint} It has: "
            f"{', '.join(map(str, frame)) or 'none'}."
        )


# Several rows of one key


def merged(rows: pd.DataFrame, key: list[str], add: list[str]) -> tuple[pd.DataFrame, list[str]]:
    """(rows, one for each key, under the index of its first; notes).

    The columns `add` are added up, of the others the first value given is taken; notes say in how
    many keys there were several. Rows without a key stay as they are. A cell of `add` that is no
    number stays in its row for the contract to refuse.
    """
    if unknown := [c for c in add if c not in rows]:
        raise IntakeError(
            f"merge names {unknown}, which are not columns. There are: "
            f"{', '.join(rows.columns) or 'none'}."
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


def shared_keys(rows: pd.DataFrame, key: Sequence[str]) -> int:
    """How many keys stand with several customers.

    Examples
    --------
    >>> rows = pd.DataFrame({"order_id": [1, 1, 2], "customer_id": ["a", "b", "a"]})
    >>> shared_keys(rows, ["order_id"])
    1
    """
    if "customer_id" not in rows or "customer_id" in key:
        return 0
    return int((rows.groupby(list(key))["customer_id"].nunique() > 1).sum())


def _numbered(key: pd.DataFrame) -> tuple[np.ndarray, int]:
    words = key.apply(conversion.text)
    group = words.groupby(list(words), sort=False).ngroup().to_numpy()
    return group, int(group.max(initial=-1)) + 1


def _added(column: pd.Series, group: np.ndarray) -> pd.Series:
    read = _certain(conversion.number(column), str(column.name), "merge")
    total = read.values.groupby(group).sum(min_count=1).astype(object)
    wrong = column[read.bad].groupby(group[read.bad]).first()
    total.loc[wrong.index] = wrong
    return total
