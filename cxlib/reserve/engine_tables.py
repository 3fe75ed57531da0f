"""Tables of an engine held to the contract by queries there: no row comes here.

    found = taken(study)              # table -> intake.Intake, its rows empty
    found["orders"].remote.view       # the statement that gives its rows on the engine

A view gives a table's columns our names and kinds, and takes codes of `missing` and
`not_experienced` out of the answers, as the intake does with files. What breaks the contract is
counted in one scan a table, and set aside by the conditions of the view: a row whose key or
required cell is broken or whose key is there already is left out, and any other cell is missing.
More than `MOST` breaches, and references to rows that are not there, are an IntakeError, to be
mended on the engine. Rows of unknown customers, dates out of order and answers without a usable
weight are warnings, as in files.
What only looks odd (spellings, dates ahead) is not looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import pandas as pd
import pyarrow as pa

from cxlib.data import contract, sql
from cxlib.data.intake import QUARANTINE, WARNINGS, Intake, IntakeError, Remote, reasons, waves
from cxlib.data.intake.plausibility import BAD_WEIGHTS
from cxlib.data.intake.reasons import Reason
from cxlib.data.intake.references import mistakes, without_share
from cxlib.data.mapping import File
from cxlib.data.study import Study
from cxlib.reserve import dialects
from cxlib.reserve.engine import AnyServer, server_of

BASE = "base_"  # the engine's own table within a view that is being written
FEW = 1000  # distinct values of a column that study.yaml may name
MOST = 100_000  # breaches of a rule that are set aside; of more the table is not what was meant
AGAIN = f"{sql.PREFIX}again"  # how often a key was there before, in a view
TYPES = {"text": "varchar", "number": "double", "integer": "bigint", "date": "timestamp"}


@dataclass(frozen=True)
class _Check:
    """How many rows break a rule, as an aggregate over the table.

    Attributes
    ----------
    breaks : the condition that a row breaks it; empty where it takes other tables to say
    row : a breach costs the row, and not only the cell
    """

    column: str
    reason: Reason
    count: str
    breaks: str = ""
    row: bool = False

    @property
    def fatal(self) -> bool:
        """Whether a breach is more than a warning."""
        return self.reason.rule not in ("out_of_order", "unknown_customer", *BAD_WEIGHTS)

    def sentence(self, name: str, n: int) -> str:
        """The breach in words."""
        what = reasons.render(self.reason.rule, self.reason.params)
        return f"{name}.{self.column}: {n:,} row(s): {what}."


def taken(study: Study) -> dict[str, Intake]:
    """The tables of the study that stay on its engine, those that others refer to first.

    Raises
    ------
    IntakeError : a table or column is not there, rows break the contract, or study.yaml names
        values that no row has
    SourceError : the server cannot be asked
    """
    server, found = server_of(study.engine, study.folder), dict[str, Intake]()
    try:
        for name in (n for n in contract.TABLES if n in study.on_engine):
            found[name] = _table(study, name, server, found)
        _refuse_mistakes(study, server, found)
    finally:
        server.close()
    return found


def _table(study: Study, name: str, server: AnyServer, others: dict[str, Intake]) -> Intake:
    view, kind_of = _view(study, name, server)
    known = _views(others) | {name: view}
    checks = list(_checks(study, name, list(kind_of), others))
    key = sql.names(contract.TABLES[name].key)
    again = f"select count(*) from (select {key} from {name} group by {key}) as own"
    nameless = "count(*) - count(customer_id)" if "customer_id" in kind_of else "count(*)"
    counts = ["count(*)", f"count(*) - ({again})", nameless, *(check.count for check in checks)]
    rows, repeated, without, *broken = _counted(server, name, counts, known)
    found = [(check, n) for check, n in zip(checks, broken, strict=True) if n]
    fatal = [(check, n) for check, n in found if check.fatal]
    said = [check.sentence(name, n) for check, n in fatal if n > MOST or not check.breaks]
    said += [f"{name}: {repeated:,} row(s) repeat the key {key}."] * (repeated > MOST)
    if said:
        first = f"{name} on {study.engine} breaks the data contract. Correct it there, or leave "
        first += "such rows out in a view or in `query`:"
        raise IntakeError("\n  ".join([first, *said]))
    lines, kept, filled = pd.DataFrame(columns=QUARANTINE), rows, dict[str, int]()
    if fatal or repeated:
        aside = [check for check, _n in fatal]
        rows_only = [check for check in aside if check.row]
        whole = view
        sound, view = (_view(study, name, server, c)[0] for c in (rows_only, aside))
        views = ({name: v} for v in (whole, sound, view))
        lines, kept, filled = _set_aside(server, name, rows, aside, *views)
        if not kept:
            said = [check.sentence(name, n) for check, n in fatal]
            raise IntakeError("\n  ".join([f"{name} on {study.engine}: no row holds.", *said]))
    names_customers = not without and "customer_id" not in filled
    warned = [(name, c.column, n, c.reason.rule, c.reason.json) for c, n in found if not c.fatal]
    return Intake(
        name,
        pd.DataFrame({c: pd.Series(dtype=contract.KINDS[k]) for c, k in kind_of.items()}),
        lines,
        rows,
        (f"{name}: its rows stay on the engine.",),
        pd.DataFrame(warned, columns=WARNINGS),
        remote=Remote(view, kept, _fingerprint(server, view), filled, names_customers),
    )


def _set_aside(
    server: AnyServer,
    name: str,
    offered: int,
    checks: list[_Check],
    whole: dict[str, str],
    sound: dict[str, str],
    view: dict[str, str],
) -> tuple[pd.DataFrame, int, dict[str, int]]:
    """What the view leaves out, a line a breach; rows that it keeps; filled cells of its columns.

    A line has no row and no value of the engine: rows are numbered to be counted. What costs a row
    is counted by the first rule that it breaks, and rows of a key that is there already are the
    rest of those that are left out.
    """
    cells, rows = ([c for c in checks if c.row is costs_row] for costs_row in (False, True))
    [kept, *broken] = _counted(server, name, ["count(*)", *(c.count for c in cells)], sound)
    first = [
        f"count(case when {c.breaks} and not {_any(rows[:k])} then 1 end)"
        for k, c in enumerate(rows)
    ]
    gone = _counted(server, name, first, whole)
    key = list(contract.TABLES[name].key)
    lost = [(c.column, c.reason, n, "cell") for c, n in zip(cells, broken, strict=True)]
    lost += [(c.column, c.reason, n, "row") for c, n in zip(rows, gone, strict=True)]
    again = offered - kept - sum(gone)
    lost.append((key[-1], Reason("duplicate_keys", {"key": key}), again, "row"))
    lines = [
        (name, column, why.rule, why.json, cost) for column, why, n, cost in lost for _ in range(n)
    ]
    found = pd.DataFrame(lines, columns=["table", "column", "rule", "params", "lost"])
    found = found.assign(row=range(1, len(found) + 1), value=None, file="")[QUARANTINE]
    columns = list(dict.fromkeys(c.column for c in cells))
    full = _counted(server, name, [f"count({sql.name(c)})" for c in columns], view)
    return found, kept, dict(zip(columns, full, strict=True))


def _any(checks: list[_Check]) -> str:
    """The condition that a row breaks any of the rules."""
    return f"coalesce({' or '.join(f'({c.breaks})' for c in checks) or 'false'}, false)"


def _view(
    study: Study, name: str, server: AnyServer, aside: list[_Check] | None = None
) -> tuple[str, dict[str, str]]:
    """The statement that gives the table's rows, and the kind of each of its columns.

    Without what breaks the rules `aside`, and of rows with one key the first; None: all rows.
    """
    base, kinds = _base(study, name, server)
    columns, kind_of = _columns(study, name, kinds)
    key = ", ".join(columns[k] for k in contract.TABLES[name].key)
    selected = [f"{how} as {sql.name(c)}" for c, how in columns.items()]
    source = BASE
    if aside is not None:
        names, key = sql.names(columns), sql.names(contract.TABLES[name].key)
        sound = f"select {', '.join(selected)} from {BASE}"
        again = f"row_number() over (partition by {key} order by {names}) as {AGAIN}"
        rows = [check for check in aside if check.row]
        source = f"(select {names}, {again} from ({sound}) where not {_any(rows)})"
        source += f" where {AGAIN} = 1"
        selected = [_masked(c, aside) for c in columns]
    selected.append(f"row_number() over (order by {key}) - 1 as {sql.ROW}")
    query = f"select {', '.join(selected)} from {source}"
    return dialects.translated(query, {BASE: base}, server.dialect), kind_of


def _masked(column: str, aside: list[_Check]) -> str:
    """A column, missing where its cell breaks a rule."""
    checks = [check for check in aside if check.column == column and not check.row]
    cell = sql.name(column)
    return f"case when not {_any(checks)} then {cell} end as {cell}" if checks else cell


def _views(tables: dict[str, Intake]) -> dict[str, str]:
    return {name: t.remote.view for name, t in tables.items() if t.remote}


def _base(study: Study, name: str, server: AnyServer) -> tuple[str, dict[str, str]]:
    """The statement that gives the engine's own rows, and the kind of each of its columns."""
    file: File = study.tables[name].files[0]
    asked = file.query.strip().rstrip(";") or _whole(file.table, server.dialect)
    shape = server.fetch(f"select * from ({asked}\n) as asked limit 0").schema
    listed = ", ".join(dialects.quoted([c], server.dialect) for c in shape.names)
    return f"select {listed} from ({asked}\n) as asked", {f.name: _kind(f) for f in shape}


def _whole(table: str, dialect: str) -> str:
    return f"select * from {dialects.quoted(table.split('.'), dialect)}"


def _kind(field: pa.Field) -> str:
    """The kind of the contract that a column of the engine is; its type where it is none."""
    type_ = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    own = (field.metadata or {}).get(b"ADBC:postgresql:typname", b"").decode()
    if pa.types.is_integer(type_):
        return "integer"
    if pa.types.is_floating(type_) or pa.types.is_decimal(type_) or own == "numeric":
        return "number"
    if pa.types.is_boolean(type_):
        return "flag"
    if pa.types.is_date(type_) or (pa.types.is_timestamp(type_) and type_.tz is None):
        return "date"
    if pa.types.is_string(type_) and own in ("", "text", "varchar", "bpchar", "name", "uuid"):
        return "text"
    return own or str(type_)


def _columns(
    study: Study, name: str, kinds: dict[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Each of our columns as an expression over the engine's own, and its kind."""
    mapping, table = study.tables[name], contract.TABLES[name]
    items = study.items if name == "responses" else {}
    wanted = {ours: theirs for ours, theirs in mapping.columns.items() if theirs}
    wanted |= {i: i for i in items if i in kinds and i not in wanted}
    kept = list(kinds) if mapping.keep is True else mapping.keep or []
    wanted |= {c: c for c in kept if c not in wanted and c not in wanted.values()}
    if lost := [f"{o} ({t})" for o, t in wanted.items() if t not in kinds]:
        raise IntakeError(
            f"{name} on {study.engine} has no column for {', '.join(lost)}. It has: "
            f"{', '.join(kinds)}."
        )
    given = {*wanted, *mapping.constants}
    needed = [c.name for c in table.columns.values() if c.required and c.name not in given]
    if needed := needed + [i for i in items if i not in {*given, *mapping.columns}]:
        raise IntakeError(f"{name} on {study.engine}: nothing is mapped to {', '.join(needed)}.")
    columns: dict[str, str] = {}
    kind_of: dict[str, str] = {}
    for ours, theirs in wanted.items():
        own, cell = kinds[theirs], sql.name(theirs)
        kind = "number" if ours in items else own
        kind = table.columns[ours].kind if ours in table.columns else kind
        _refuse_kind(study, f"{name}.{ours}", own, kind)
        columns[ours], kind_of[ours] = _as(kind, own, cell), kind
        if item := items.get(ours):
            never, none = (_codes(c) for c in (item.not_experienced, item.missing))
            if coded := [*never, *none]:
                columns[ours] = (
                    f"case when {cell} not in ({', '.join(coded)}) then {columns[ours]} end"
                )
            if item.reverse:
                columns[ours] = f"{sum(item.scale)!r} - {columns[ours]}"
            if never:
                flag = f"coalesce({cell} in ({', '.join(never)}), false)"
                columns[f"{ours}_not_experienced"] = flag
                kind_of[f"{ours}_not_experienced"] = "flag"
    for ours, value in mapping.constants.items():
        kind = table.columns[ours].kind if ours in table.columns else "text"
        columns[ours], kind_of[ours] = f"cast({sql.text(str(value))} as {TYPES[kind]})", kind
    return columns, kind_of


def _codes(codes: list[Any]) -> list[str]:
    """Codes of answers as numbers; the answers of an engine are numbers."""
    return [repr(float(c)) for c in codes if not isinstance(c, str)]


def _refuse_kind(study: Study, place: str, own: str, kind: str) -> None:
    fits = {"number": ("integer", "number"), "text": ("text", "integer")}.get(kind, (kind,))
    if kind not in contract.KINDS or own not in fits:
        raise IntakeError(
            f"{place} is of the type {own} on {study.engine}; it is to be of the kind "
            f"{kind if kind in contract.KINDS else ', '.join(contract.KINDS)}. Convert it in a "
            "view or in `query`, or leave it out of `keep`."
        )


def _as(kind: str, own: str, cell: str) -> str:
    if kind == "text":  # ordered by the bytes of the text, as everywhere here
        return f"nullif(trim(cast({cell} as varchar)), '') collate \"C\""
    if kind == "number" and own == "number":
        return f"nullif(cast({cell} as double), cast('nan' as double))"
    return cell if kind == "flag" else f"cast({cell} as {TYPES[kind]})"


def _checks(
    study: Study, name: str, columns: list[str], others: dict[str, Intake]
) -> Iterator[_Check]:
    """The rules of the contract and of the items, each as a count of the rows that break it."""
    needed = [c.name for c in contract.TABLES[name].columns.values() if c.required]
    needed += contract.TABLES[name].key

    def check(column: str, rule: str, breaks: str, **params: Any) -> _Check:
        row = study.strict or column in needed
        count = f"count(case when {breaks} then 1 end)"
        return _Check(column, Reason(rule, params), count, breaks, row)

    for c in contract.TABLES[name].columns.values():
        if c.name not in columns:
            continue
        cell = sql.name(c.name)
        if c.required:
            yield check(c.name, "required", f"{cell} is null", name=c.name)
        if c.low is not None:
            yield check(c.name, "below_minimum", f"{cell} < {c.low}", low=c.low)
        if c.high is not None:
            yield check(c.name, "above_maximum", f"{cell} > {c.high}", high=c.high)
        if c.allowed:
            among = ", ".join(map(sql.text, c.allowed))
            breaks = f"{cell} not in ({among})"
            yield check(c.name, "not_allowed", breaks, values=list(c.allowed))
        if c.refers in others:
            lost = f"exists (select 1 from {c.refers} as known where known.{cell} = own.{cell})"
            count = (
                f"select count(*) from {name} as own where own.{cell} is not null and not {lost}"
            )
            why = Reason("unknown_reference", {"table": c.refers})
            if c.refers == "customers":
                why = Reason("unknown_customer")
            yield _Check(c.name, why, f"({count})")
        if c.after in columns:
            days = (f"date_trunc('day', {sql.name(d)})" for d in (c.name, c.after))
            breaks = " < ".join(days)
            yield check(c.name, "out_of_order", breaks, earlier=c.after, later=c.name)
    if name == "responses" and "weight" in columns:
        limits, cell = contract.TABLES[name].columns["weight"], sql.name("weight")
        usable = f"{cell} between {limits.low} and {limits.high}"
        none = f"count(*) - count(case when {usable} then 1 end)"
        yield _Check("weight", Reason("unweighted"), none)
        zeros = f"count(*) * case when min({cell}) = 0 and max({cell}) = 0 then 1 else 0 end"
        yield _Check("weight", Reason("zero_weights"), zeros)
    for item in study.items if name == "responses" else ():
        about, cell = study.items[item], sql.name(item)
        if item not in columns:
            continue
        low, high = about.scale
        breaks = f"{cell} < {low} or {cell} > {high}"
        yield check(item, "outside_scale", breaks, low=low, high=high, item=item)
        if about.role == "nps":
            yield check(item, "not_whole", f"{cell} <> cast({cell} as bigint)")


def _counted(server: AnyServer, name: str, counts: list[str], views: dict[str, str]) -> list[int]:
    """Aggregates over a table, which are whole numbers."""
    if not counts:
        return []
    asked = ", ".join(f"{count} as n{i}" for i, count in enumerate(counts))
    query = dialects.translated(f"select {asked} from {name}", views, server.dialect)
    return [int(column[0].as_py()) for column in server.fetch(query).columns]


def _fingerprint(server: AnyServer, view: str) -> str:
    """What changes when a row does: rows, and the sum of the hashes of all of them."""
    found = server.fetch(dialects.SUMS[server.dialect].format(view))
    return f"{found['n'][0].as_py()}-{found['h'][0].as_py()}"


def _refuse_mistakes(study: Study, server: AnyServer, found: dict[str, Intake]) -> None:
    """IntakeError where study.yaml names values that no row has."""
    values = {name: _values(server, name, found) for name in found}
    if {"responses", "customers"} <= values.keys():  # answers have their customers' attributes
        theirs = [c for c in values["customers"] if c not in values["responses"]]
        parts = [values["responses"], values["customers"][theirs]]
        values["responses"] = pd.concat(parts, axis=1)
    known = {name: replace(found[name], rows=rows) for name, rows in values.items()}
    lost = mistakes(study, known)
    for unweighted in without_share(study, known):
        shown = ", ".join(cast(dict[str, int], unweighted.reason.params["values"]))
        lost.append(f"margins.{unweighted.column}: no share is given for {shown}.")
    if lost:
        raise IntakeError("\n  ".join(["study.yaml names what the data do not hold:", *lost]))
    _refuse_waves(server, found)


def _refuse_waves(server: AnyServer, found: dict[str, Intake]) -> None:
    """IntakeError where waves of answers do not sort in the order of time."""
    if "responses" not in found or "wave" not in found["responses"].rows:
        return
    dated = "answered_on" in found["responses"].rows
    days = ", min(answered_on) as first, max(answered_on) as last" if dated else ""
    query = f"select wave{days} from responses where wave is not null group by wave"
    there = server.fetch(dialects.translated(query, _views(found), server.dialect)).to_pandas()
    ends = [pd.to_datetime(there[end]) for end in ("first", "last") if dated]
    names = pd.concat([there["wave"]] * max(len(ends), 1), ignore_index=True)
    told = waves.in_order(names, pd.concat(ends, ignore_index=True) if ends else None)
    in_time = sorted(told.names, key=lambda name: told.names[name])
    if told.question is None and in_time == sorted(told.names):
        return
    if told.question is None:
        why = "sort as text in another order than in time; such names would do: "
        why += ", ".join(f"{n!r} as {told.names[n]!r}" for n in in_time[: waves.SHOWN])
    else:
        why = reasons.render(told.question.rule, told.question.params)
    raise IntakeError(
        f"responses.wave: {why}. Give waves names that sort in time, such as 2026-Q1, in a view or "
        "in `query`."
    )


def _values(server: AnyServer, name: str, found: dict[str, Intake]) -> pd.DataFrame:
    """The distinct values of the columns that have few, one below the other, as if rows."""
    own, views = found[name].rows, _views(found)
    asked = [str(c) for c in own if own[c].dtype != contract.KINDS["date"]]
    counts = [f"count(distinct {sql.name(c)})" for c in asked]
    values = {str(c): own[c] for c in own}
    for column, n in zip(asked, _counted(server, name, counts, views), strict=True):
        if n <= FEW:
            query = f"select distinct {sql.name(column)} as v from {name}"
            there = server.fetch(dialects.translated(query, views, server.dialect))["v"].to_pandas()
            values[column] = there.dropna().astype(own[column].dtype).reset_index(drop=True)
    return pd.DataFrame(values)
