"""Files become the tables of the contract; a row that breaks it goes to the quarantine.

    taken = table(study, "responses")
    taken.rows           # the rows that hold
    taken.quarantine     # table, row, column, value, rule, params, file; a line a breach
    taken.offered == len(taken.rows) + taken.quarantined

Cells are converted first; what cannot be is a breach. Pandera then holds the table to the contract
(types, required values, ranges, allowed values, scales of items, references, order of dates) and
the sound rows to their key. Why a row was set aside is a message id with parameters (`reasons`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxlib import tables
from cxlib.data.intake import conversion
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.gathering import Gathered, gather
from cxlib.data.intake.plausibility import DataWarning, warnings_of
from cxlib.data.intake.reasons import Reason
from cxlib.study import Study

QUARANTINE = ["table", "row", "column", "value", "rule", "params", "file"]
WARNINGS = ["table", "column", "rows", "rule", "params"]
KEPT = ("out_of_order",)  # rules of the contract that warn: the row stays


@dataclass(frozen=True)
class Intake:
    """A table taken in.

    Attributes
    ----------
    name : of the table
    rows : those that hold, with the contract's dtypes; further columns are numbers or text
    quarantine : a line for each breach: table, row (line of the file, from 1), column, value, rule
                 (message id), params (JSON), file
    offered : rows in the files; always len(rows) + quarantined
    notes : what was found out or read in a certain way
    warnings : table, column, rows, rule, params: no breach, but worth a look
    labels : labels of columns that came with the file (SPSS)
    """

    name: str
    rows: pd.DataFrame
    quarantine: pd.DataFrame
    offered: int
    notes: tuple[str, ...] = ()
    warnings: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=WARNINGS))
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def quarantined(self) -> int:
        """Rows in the quarantine, each counted once."""
        return len(self.quarantine[["file", "row"]].drop_duplicates())


@dataclass(frozen=True)
class Breach:
    """Rows (their labels) that break a rule in a column; of a repeated key, a reason for each."""

    column: str
    rows: pd.Index
    reason: Reason | list[Reason]


@dataclass(frozen=True)
class _Rule:
    """What must hold of the values of a column, and the reason when it does not."""

    column: str
    reason: Reason
    holds: Callable[[pd.Series], pd.Series]


def every_table(study: Study) -> dict[str, Intake]:
    """All tables of the study, those that others refer to first."""
    taken: dict[str, Intake] = {}
    for name in (n for n in tables.TABLES if n in study.tables):
        taken[name] = table(study, name, others={n: i.rows for n, i in taken.items()})
    return taken


def table(study: Study, name: str, *, others: Mapping[str, pd.DataFrame] | None = None) -> Intake:
    """The table of the study, held to the contract.

    Parameters
    ----------
    study, name : the study and which of its tables
    others : rows of the tables it may refer to; without it they are taken in first

    Raises
    ------
    IntakeError : a file cannot be read, or a column that study.yaml names is not in it
    """
    if name not in study.tables:
        raise IntakeError(f"{study.name} has no table {name!r}. It has: {', '.join(study.tables)}.")
    if others is None:
        referred = {c.refers for c in tables.TABLES[name].columns.values() if c.refers}
        others = {r: table(study, r).rows for r in referred if r in study.tables and r != name}
    gathered = gather(study, name)
    rows, breaches, warnings, notes = _converted(study, name, gathered)
    breaches += _breaches(rows, _rules(study, name, rows, others), tables.TABLES[name])
    warnings += [
        DataWarning(b.column, len(b.rows), b.reason)
        for b in breaches
        if isinstance(b.reason, Reason) and b.reason.rule in KEPT
    ]
    breaches = [b for b in breaches if isinstance(b.reason, list) or b.reason.rule not in KEPT]
    sound = rows.drop(index=_rows_of(breaches))
    if repeated := _repeated_keys(sound, list(tables.TABLES[name].key), gathered.places["row"]):
        breaches.append(repeated)
        sound = sound.drop(index=repeated.rows)
    sound = sound.reset_index(drop=True)
    warnings += warnings_of(study, name, sound)
    offered = len(rows) + len(gathered.broken)
    taken = Intake(
        name,
        sound,
        _quarantine(name, gathered, breaches),
        offered,
        (*gathered.notes, *notes),
        pd.DataFrame(
            [(name, w.column, w.rows, w.reason.rule, w.reason.json) for w in warnings],
            columns=WARNINGS,
        ),
        gathered.labels,
    )
    assert offered == len(taken.rows) + taken.quarantined
    return taken


# Convert


def _converted(
    study: Study, name: str, gathered: Gathered
) -> tuple[pd.DataFrame, list[Breach], list[DataWarning], list[str]]:
    """Each column in its kind; cells that cannot be read, text among numbers, and notes."""
    contract, dates = tables.TABLES[name].columns, study.tables[name].dates
    comma = gathered.decimal_comma
    done: dict[str, pd.Series] = {}
    breaches, warnings, notes = [], [], []
    for column, values in gathered.rows.items():
        item = study.items.get(column) if name == "responses" else None
        if item is None and column not in contract:
            done[column], odd = conversion.guess(values, comma=comma)
            warnings += [DataWarning(column, *odd)] if odd else []
            continue
        kind = "number" if item else contract[column].kind
        read = conversion.convert(values, kind, comma=comma, form=dates)
        notes += [f"{name}.{column}: {note}" for note in read.notes]
        if read.bad.any() and read.reason:
            breaches.append(Breach(column, values.index[read.bad], read.reason))
        done[column] = read.values
        if item is None:
            continue
        coded = read.values.isin([*item.not_experienced, *item.missing])
        done[column] = read.values.mask(coded)
        if item.reverse:
            low, high = item.scale
            done[column] = low + high - done[column]
            notes.append(f"{name}.{column} is flipped: high is good, {high:g} stays best.")
        if item.not_experienced:
            done[f"{column}_not_experienced"] = read.values.isin(item.not_experienced)
    return pd.DataFrame(done, index=gathered.rows.index), breaches, warnings, notes


# Hold to the contract


def _rules(
    study: Study, name: str, rows: pd.DataFrame, others: Mapping[str, pd.DataFrame]
) -> Iterator[_Rule]:
    """What the contract and the study's items say of the columns there are."""
    for column in (c for c in tables.TABLES[name].columns.values() if c.name in rows):
        limits = {k: v for k, v in (("low", column.low), ("high", column.high)) if v is not None}
        if limits:
            rule = "outside_range" if len(limits) == 2 else _ONE_LIMIT[next(iter(limits))]
            yield _between(column.name, Reason(rule, limits), column.low, column.high)
        if column.allowed:
            reason = Reason("not_allowed", {"values": list(column.allowed)})
            yield _Rule(column.name, reason, lambda s, ok=column.allowed: s.isin(ok))
        if column.refers in others:
            known = others[column.refers][column.name]
            reason = Reason("unknown_reference", {"table": column.refers})
            yield _Rule(column.name, reason, lambda s, known=known: s.isin(known))
        if column.after and column.after in rows:
            earlier = rows[column.after].dt.normalize()
            reason = Reason("out_of_order", {"earlier": column.after, "later": column.name})
            yield _Rule(
                column.name, reason, lambda s, first=earlier: ~(s.dt.normalize() < first[s.index])
            )
    for item in (i for i in study.items if name == "responses" and i in rows):
        low, high = study.items[item].scale
        reason = Reason("outside_scale", {"low": low, "high": high, "item": item})
        yield _between(item, reason, low, high)


_ONE_LIMIT = {"low": "below_minimum", "high": "above_maximum"}


def _between(column: str, reason: Reason, low: float | None, high: float | None) -> _Rule:
    least, most = (-np.inf if low is None else low), (np.inf if high is None else high)
    return _Rule(column, reason, lambda s: s.between(least, most))


def _breaches(rows: pd.DataFrame, rules: Iterator[_Rule], contract: tables.Table) -> list[Breach]:
    """What pandera finds wrong with the columns, one breach for each column and rule."""
    import pandera.errors
    import pandera.pandas as pa

    checks: dict[str, list[_Rule]] = {}
    for rule in rules:
        checks.setdefault(rule.column, []).append(rule)
    columns = {}
    for name in [c for c in rows if c in contract.columns or c in checks]:
        column = contract.columns.get(name)
        columns[name] = pa.Column(
            tables.KINDS[column.kind if column else "number"],
            [pa.Check(r.holds, name=r.reason.rule) for r in checks.get(name, [])],
            nullable=column is None or not column.required,
        )
    try:
        pa.DataFrameSchema(columns).validate(rows, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases
        if cases["index"].isna().any():  # a type that conversion does not keep
            raise
        reasons = {(r.column, r.reason.rule): r.reason for c in checks.values() for r in c}
        return [
            Breach(
                column,
                pd.Index(group["index"].astype(int)),
                reasons.get((column, check)) or Reason("required", {"name": column}),
            )
            for (column, check), group in cases.groupby(["column", "check"], sort=False)
        ]
    return []


def _repeated_keys(rows: pd.DataFrame, key: list[str], places: pd.Series) -> Breach | None:
    """Of rows with the same key, all but the first."""
    import pandera.errors
    import pandera.pandas as pa

    schema = pa.DataFrameSchema(unique=key, report_duplicates="exclude_first")
    try:
        schema.validate(rows[key], lazy=True)
    except pandera.errors.SchemaErrors as error:
        again = pd.Index(error.failure_cases["index"].unique()).astype(int)
        first = places[rows.index].groupby([rows[k] for k in key]).transform("first")[again]
        return Breach(
            key[-1], again, [Reason("duplicate_key", {"key": key, "row": int(n)}) for n in first]
        )
    return None


def _rows_of(breaches: list[Breach]) -> pd.Index:
    return pd.Index(sorted({row for b in breaches for row in b.rows}), dtype=int)


def _quarantine(name: str, gathered: Gathered, breaches: list[Breach]) -> pd.DataFrame:
    """A line a breach, the cell as it stands in the file; of a cell only the first breach."""
    found = []
    for b in breaches:
        reasons = b.reason if isinstance(b.reason, list) else [b.reason] * len(b.rows)
        value = conversion.text(gathered.rows.loc[b.rows, b.column]).to_numpy(object)
        found.append(_lines(gathered.places.loc[b.rows].assign(column=b.column), value, reasons))
    if len(broken := gathered.broken):
        widths = broken[["found", "expected"]].astype(int).to_dict("records")
        reasons = [Reason("field_count", w) for w in widths]
        found.append(_lines(broken[["file", "row"]].assign(column=""), broken["value"], reasons))
    if not found:
        return pd.DataFrame(columns=QUARANTINE)
    lines = pd.concat(found, ignore_index=True).assign(table=name)[QUARANTINE]
    lines = lines.drop_duplicates(["file", "row", "column"])
    return lines.sort_values(["file", "row"], ignore_index=True)


def _lines(places: pd.DataFrame, value: object, reasons: list[Reason]) -> pd.DataFrame:
    return places.assign(
        value=value, rule=[r.rule for r in reasons], params=[r.json for r in reasons]
    )
