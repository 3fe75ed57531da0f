"""The files of a table put under our names, as study.yaml maps them; nothing is judged here.

gathered = gather(study, "responses")
gathered.rows          # columns of the contract, items and what is kept, cells as in the files
gathered.places        # file and row that each stands in
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cache, partial
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from cxlib.core import codes
from cxlib.data import contract, expressions, live, sources, sql
from cxlib.data.intake import conversion, currencies
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.joins import ROW, decimal_comma, merged, prepared, shared_keys
from cxlib.data.intake.layout import totals_amid
from cxlib.data.intake.raw import TOTAL, UNREAD
from cxlib.data.intake.readers import Raw, read_file
from cxlib.data.mapping import File, Mapping, Readable, Reading
from cxlib.data.study import Study


@dataclass(frozen=True)
class Gathered:
    """A table before it is held to the contract.

    Attributes
    ----------
    rows : cells as they are, under our names
    places : file and row of each of `rows`
    broken : lines of another width than the header: file, row, value, found, expected
    labels : variable labels of SPSS files, by column
    decimal_comma : whether numbers may have one: commas do not part the cells
    notes : what was found out or left out, one sentence each
    left_out : rows for which `only` of study.yaml does not hold, by the condition
    unread : cells of workbooks that could not be read, and keys of rows that are totals: label (of
        the row in `rows`), column (ours), value, rule, sheet, cell
    currencies : of columns that name the currency of amounts, how many rows have which
    doubts : (file, sentence, rows) on what is doubtful in a sheet: merged cells, hidden rows
    shared : keys whose rows were merged although they name several customers
    unsure : files in an encoding that is not certain: file, encoding, words that show it, rows
    headers : of each file its name, the columns in which anything stands, its rows
    """

    rows: pd.DataFrame
    places: pd.DataFrame
    broken: pd.DataFrame
    labels: dict[str, str]
    decimal_comma: bool
    notes: list[str]
    left_out: dict[str, int]
    unread: pd.DataFrame
    currencies: dict[str, dict[str, int]]
    unsure: list[tuple[str, str, tuple[str, ...], int]]
    shared: int
    doubts: list[tuple[str, str, int]]
    headers: list[tuple[str, list[str], int]]


def gather(study: Study, name: str, *, read: Raw | None = None) -> Gathered:
    """All files of the table, one below the other; or `read` in the place of its one file.

    Raises
    ------
    IntakeError : a file cannot be read, or a column that study.yaml names is not in it
    """
    mapping = study.tables[name]
    parts, places, broken, unread = [list[pd.DataFrame]() for _ in range(4)]
    labels: dict[str, str] = {}
    notes: list[str] = []
    recoded: dict[str, list[pd.Series]] = {}
    left_out: dict[str, int] = {}
    named: list[dict[str, dict[str, int]]] = []
    headers: list[tuple[str, list[str], int]] = []
    commas, doubts, unsure = (
        False,
        list[tuple[str, str, int]](),
        list[tuple[str, str, tuple[str, ...], int]](),
    )
    once = cache(lambda *how: _open(study, *how))  # several of them may read the same file
    for own in mapping.files:
        file = own.model_copy(update={"derive": {**mapping.derive, **own.derive}})
        forms = partial(_form_of, study, mapping, file)
        opened = _by(once, file) if read is None else read
        headers.append((_called(file), _filled(opened.frame), opened.offered))
        doubts += [(_called(file), doubt, opened.offered) for doubt in opened.doubts]
        if opened.unsure:
            unsure.append((_called(file), opened.encoding, opened.unsure, opened.offered))
        raw = prepared(opened, file, partial(_by, once), forms, _called(file))
        notes += [n for n in raw.notes if n not in notes]
        part, said = _columns_of(study, name, file, raw)
        for ours in ({*mapping.recode, *file.recode}) & {*part}:
            recoded.setdefault(ours, []).append(part[ours])
        part, more = _recoded(part, study, name, file, raw)
        notes += said + more
        part = _only(study, name, part, raw, left_out)
        used = raw.frame.loc[part.index]
        wanted = _wanted(study, name, file, raw)
        named.append(currencies.of_amounts(name, used, wanted, file.derive.values()))
        if len(raw.unread):
            lost = _unread(part, wanted, raw.unread)
            unread.append(lost.assign(label=lost["label"] + sum(map(len, parts))))
        if len(words := totals_amid(used)):
            lost = _totals(part, contract.TABLES[name].key[0], words)
            unread.append(lost.assign(label=lost["label"] + sum(map(len, parts))))
        parts.append(part)
        places.append(pd.DataFrame({"file": _place(file), "row": part.index}))
        broken.append(raw.broken.assign(file=_place(file)))
        labels |= raw.labels
        commas = commas or decimal_comma(raw)
    notes += [_matched(mapping, name, ours, columns) for ours, columns in sorted(recoded.items())]
    notes = [note for note in notes if note]
    if left_out and not any(map(len, parts)):
        raise IntakeError(
            f"{name}: `only` leaves none of its {sum(left_out.values()):,} rows: "
            f"{'; '.join(left_out)}. Check the spelling of the values."
        )
    rows, place = pd.concat(parts, ignore_index=True), pd.concat(places, ignore_index=True)
    shared = 0
    if mapping.merge is not False:
        shared = shared_keys(rows, contract.TABLES[name].key)
        add = mapping.merge if isinstance(mapping.merge, list) else []
        rows, said = merged(rows, list(contract.TABLES[name].key), add)
        place = place.loc[rows.index].reset_index(drop=True)
        at = pd.Series(range(len(rows)), index=rows.index)
        unread = [u.assign(label=at[u["label"]].to_numpy()) for u in _of_rows(unread, at)]
        rows, notes = rows.reset_index(drop=True), notes + [f"{name}: {s}" for s in said]
    lost = pd.concat([pd.DataFrame(columns=["label", *UNREAD]), *unread], ignore_index=True)
    for ours, cells in lost[lost["rule"] != TOTAL].groupby(
        "column"
    ):  # a recode of empty cells is not for them
        rows[ours] = rows[ours].mask(rows.index.isin(cells["label"]))
    return Gathered(
        *(rows, place, pd.concat(broken), labels, commas, notes, left_out, lost),
        currencies.added(named),
        unsure,
        shared,
        doubts,
        headers,
    )


def _filled(rows: pd.DataFrame) -> list[str]:
    return [str(column) for column in rows if rows[column].notna().any()]


def _of_rows(unread: list[pd.DataFrame], at: pd.Series) -> list[pd.DataFrame]:
    return [u[u["label"].isin(at.index)] for u in unread]


def _unread(part: pd.DataFrame, wanted: dict[str, str], cells: pd.DataFrame) -> pd.DataFrame:
    """The cells that could not be read under our names, with the place of their row in the part."""
    found = [
        cells[cells["column"] == wanted.get(ours, ours)].assign(column=ours)
        for ours in map(str, part)
    ]
    lost = pd.concat(found, ignore_index=True)
    lost = lost[lost["row"].isin(part.index)]
    return lost.assign(label=part.index.get_indexer(lost["row"]))


def _totals(part: pd.DataFrame, key: str, words: pd.Series) -> pd.DataFrame:
    """Rows of totals, as cells of the key of the table that are none."""
    at = np.flatnonzero(part.index.isin(words.index))
    cells = pd.DataFrame({"row": part.index[at], "label": at, "value": words.to_numpy()})
    return cells.assign(column=key, rule=TOTAL, sheet="", cell="")


def _only(
    study: Study, name: str, part: pd.DataFrame, raw: Raw, left_out: dict[str, int]
) -> pd.DataFrame:
    """The rows for which `only` of the study and of the table hold; the others are counted.

    A condition speaks of our columns and of those of the file. That of the study is for every
    table that has its columns.
    """
    own = {sql.fold(c) for c in part}
    seen = pd.concat([part, raw.frame[[c for c in raw.frame if sql.fold(c) not in own]]], axis=1)
    asked = {"only": study.only, f"{name}: only": study.tables[name].only}
    for key, where in ((k, w) for k, w in asked.items() if w.strip()):
        try:
            forms = partial(_form_of, study, study.tables[name], None)
            holds = expressions.holds(seen.loc[part.index], where, key=key, forms=forms)
        except expressions.ExpressionError as error:
            if key == "only" and isinstance(error, expressions.UnknownColumn):
                continue  # it is for tables that have its columns
            raise IntakeError(str(error)) from error
        left_out[where] = left_out.get(where, 0) + int((~holds).sum())
        part = part[holds]
    return part


def _by(once: Callable[..., Raw], file: Readable) -> Raw:
    watermark = file.watermark if isinstance(file, File) else ""
    return once(Readable(**file.model_dump(include=set(Readable.model_fields))), watermark)


def _open(study: Study, file: Readable, watermark: str) -> Raw:
    options = file.model_dump(include=set(Reading.model_fields), exclude_defaults=True)
    if file.address:
        path, notes = live.fetch(file, study.folder, watermark=watermark)
        raw = read_file(path, file.address, **{k: v for k, v in options.items() if k != "query"})
        return replace(raw, notes=(*notes, *raw.notes))
    if file.file not in study.sources:
        return read_file(sources.local(study.folder, file.file), **options)
    source = study.sources[file.file]
    path, notes = sources.fetch(source, file.file), []
    if not source.sha256:
        notes.append(sources.without_checksum(path, file.file))
    if ".pkl" in path.name:
        frame = sources.read_pickle(path, source.sha256)
        return Raw(frame.set_axis(pd.Index(np.arange(len(frame)) + 1, name="row"), axis=0))
    raw = read_file(path, file.file, **options)
    return replace(raw, notes=(*notes, *raw.notes))


def _form_of(
    study: Study,
    mapping: Mapping,
    file: File | None,
    key: Literal["numbers", "dates", "time_zone"],
    theirs: str,
) -> str | list[str]:
    """The form of a column of the file, which study.yaml may call by our name; its zone."""
    if key == "time_zone":
        return study.time_zone
    if file is None:
        return mapping.form(key, theirs)
    named = {**mapping.columns, **file.columns}
    return mapping.form(key, theirs, *(ours for ours, t in named.items() if t == theirs))


def _called(file: File) -> str:
    """What messages call the file: its name, with the sheet where one is named."""
    return Path(_place(file)).name


def _place(file: File) -> str:
    """The file as study.yaml names it, with the sheet, so that two sheets are two places."""
    part = file.sheet and f"sheet {file.sheet!r}" or file.member or file.table
    return file.place + (f", {part}" if part else "")


def _short(file: File, files: list[File]) -> str:
    """A name for the file's rows that no other file of the table has."""
    stems = [Path(f.place).name.split(".")[0] for f in files]
    # What the whole table derives was added to the file's own.
    plain = [f.model_copy(update={"derive": file.derive}) for f in files]
    at = plain.index(file)
    stem = stems[at]
    if stems.count(stem) == 1:
        return stem
    return f"{stem}-{file.sheet or file.member or file.table or at + 1}"


def _prefix(study: Study, name: str, file: File, ours: str) -> str:
    """What stands in front of a row's number: of several files each numbers its own rows.

    A column that is the key of another table has the numbers of that table's files.
    """
    files = study.tables[name].files
    other = next((t for t in study.tables if contract.TABLES[t].key[0] == ours), name)
    if other != name:
        theirs = study.tables[other].files
        same = next((f for f in theirs if _place(f) == _place(file)), None)
        file, files = (same, theirs) if same else (file, files)
    return f"{_short(file, files)}-" if len(files) > 1 else ""


def _columns_of(study: Study, name: str, file: File, raw: Raw) -> tuple[pd.DataFrame, list[str]]:
    """The file's columns under our names, with constants and what is to be kept."""
    mapping, frame = study.tables[name], raw.frame
    wanted = _wanted(study, name, file, raw)
    _refuse_missing(study, name, file, wanted, raw)
    taken = {
        ours: _column(frame, theirs, _prefix(study, name, file, ours) if theirs == ROW else "")
        for ours, theirs in wanted.items()
    }
    notes = []
    for column in _kept(mapping.keep, frame, wanted):
        if column in taken:
            notes.append(
                f"{_called(file)}: column {column!r} is left out: {column} is mapped to "
                f"{wanted[column]!r} already."
            )
        else:
            taken[column] = frame[column]
    for ours, value in {**mapping.constants, **file.constants}.items():
        taken[ours] = pd.Series(value, index=frame.index)
    return pd.DataFrame(taken, index=frame.index), notes


def _wanted(study: Study, name: str, file: File, raw: Raw) -> dict[str, str]:
    """Our names of the file's columns, and theirs."""
    mapped = {**study.tables[name].columns, **file.columns}
    wanted = {k: v for k, v in mapped.items() if v}
    if name == "responses":  # an item whose name is a column of the file needs no line
        wanted |= {i: i for i in study.items if i in raw.frame and i not in wanted}
    taken = {*wanted, *wanted.values()}  # what is derived for no other column is one of ours
    return wanted | {d: d for d in file.derive if d not in taken}


def _recoded(
    part: pd.DataFrame, study: Study, name: str, file: File, raw: Raw
) -> tuple[pd.DataFrame, list[str]]:
    """The columns with their codes replaced: by study.yaml, else by the file's value labels."""
    mapping, wanted = study.tables[name], _wanted(study, name, file, raw)
    recode = {**mapping.recode, **file.recode}
    # A file may lack what the table's recode speaks of, if another file has it.
    elsewhere = {c for f in mapping.files for c in f.columns} - set(file.recode)
    if unknown := [c for c in recode if c not in part and c not in elsewhere]:
        raise IntakeError(
            f"{name}: recode names {unknown}, which are not columns of {_called(file)}. There are: "
            f"{', '.join(part.columns) or 'none'}."
        )
    notes: list[str] = []
    for ours in part:
        if ours in recode:
            part[ours], said = conversion.recode(part[ours], recode[ours])
            notes += [f"{_called(file)}: {name}.{ours}: {s}" for s in said]
        elif (named := raw.values.get(wanted.get(ours, ours))) and ours not in study.items:
            labels = conversion.labels_as_recode(named)
            given = conversion.text(part[ours]).dropna().unique()
            if len(unnamed := [v for v in given if v not in labels]) > max(2, len(labels)):
                # 1 = "Very bad", 100 = "Very good": the labels explain the ends of numbers.
                notes.append(
                    f"{_called(file)}: {name}.{ours} keeps its numbers: its {len(labels)} value "
                    f"label(s) name none of {len(unnamed)} others."
                )
                continue
            part[ours], _ = conversion.recode(part[ours], labels)
            notes.append(f"{_called(file)}: {name}.{ours} carries its SPSS value labels.")
    return part, notes


def _matched(mapping: Mapping, name: str, ours: str, columns: list[pd.Series]) -> str:
    """A note on the codes of a recode that no cell has; IntakeError when there is none at all."""
    cells = conversion.text(pd.concat(columns, ignore_index=True))
    recodes = [mapping.recode, *(file.recode for file in mapping.files)]
    wanted = [code for recode in recodes for code in recode.get(ours, {}) if code]
    means = codes.match(wanted, cells.dropna().unique())
    lost = [repr(code) for code, same in means.items() if not same]
    if not lost or cells.isna().all():
        return ""
    if len(lost) < len(means):
        return f"{name}.{ours}: the recode of {', '.join(lost)} has no cell to apply to."
    raise IntakeError(
        f"{name}: recode.{ours} applies to no cell: nobody has {', '.join(lost)}. "
        f"{ours} holds: {codes.counted(cells)}."
    )


def _column(frame: pd.DataFrame, theirs: str, prefix: str) -> pd.Series:
    if theirs == ROW:
        numbers = frame[ROW] if ROW in frame else np.arange(1, len(frame) + 1)
        return prefix + pd.Series(numbers, index=frame.index).astype("string")
    return frame[theirs]


def _kept(keep: bool | list[str], frame: pd.DataFrame, wanted: dict[str, str]) -> list[str]:
    if isinstance(keep, list):
        return [c for c in keep if wanted.get(c) != c]
    return [c for c in frame if c not in (ROW, *wanted.values())] if keep else []


def _refuse_missing(study: Study, name: str, file: File, wanted: dict[str, str], raw: Raw) -> None:
    """IntakeError that lists every column that is asked for and not there."""
    mapping, there = study.tables[name], [c for c in raw.frame if c != ROW]
    kept = there if mapping.keep is True else mapping.keep or []
    given = {*wanted, *kept, *mapping.constants, *file.constants}
    lines = [_not_in_file(o, t, raw) for o, t in [*wanted.items(), *((c, c) for c in kept)]]
    lines += [
        f"nothing is mapped to {c.name}, which every row must have"
        for c in contract.TABLES[name].columns.values()
        if c.required and c.name not in given
    ]
    if name == "responses":
        given |= {*mapping.columns, *file.columns}  # "" says: not in this file
        lines += [
            f"item {i!r} has no column; add `{i}: THEIR COLUMN` under tables.responses.columns"
            for i in study.items
            if i not in given
        ]
    if lines := [line for line in lines if line]:
        has = f"The file has: {', '.join(there) or 'none'}."
        raise IntakeError("\n  ".join([f"{name}, file {_called(file)}:", *lines, has]))


def _not_in_file(ours: str, theirs: str, raw: Raw) -> str:
    """Why column `theirs` cannot be had from the file; empty when it can."""
    if theirs == ROW or theirs in raw.frame:
        return ""
    near = get_close_matches(theirs, list(raw.frame), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"there is no column {theirs!r} for {ours}{hint}"
