"""Files become the tables of the contract; a row that breaks it goes to the quarantine.

    taken = table(study, "responses")
    taken.rows           # the rows that hold
    taken.quarantine     # table, row, column, value, reason, mend, file; a line a breach
    taken.offered == len(taken.rows) + taken.quarantined

Nothing is mended in silence: what was read as missing, flipped or labelled is said in `notes`, what
looks wrong but is no breach of the contract in `warnings`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from cxlib import sources, tables
from cxlib.data.intake import combined, conversion
from cxlib.data.intake.joins import ROW, prepared
from cxlib.data.intake.readers import IntakeError, Raw, read_file
from cxlib.study import File, Readable, Study

QUARANTINE = ["table", "row", "column", "value", "reason", "mend", "file"]
WARNINGS = ["table", "column", "rows", "what", "mend"]
FEW = 20  # rows in which two questions may be answered alike by chance
PERIOD = r"\d{4}(-(Q[1-4]|H[12]|W\d{2}|\d{2}(-\d{2})?))?"  # 2026, 2026-Q1, 2026-03, 2026-W07 ...


@dataclass(frozen=True)
class Intake:
    """A table taken in.

    Attributes
    ----------
    name : of the table
    rows : those that hold, with the contract's dtypes; further columns are numbers or text
    quarantine : a line for each breach: table, row (line of the file, from 1), column, value,
                 reason, mend, file
    offered : rows in the files; always len(rows) + quarantined
    notes : what was found out or read in a certain way
    warnings : table, column, rows, what, mend: no breach, but worth a look
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


@dataclass
class _Sieve:
    """A table on its way: its cells, where they stand, and what was found wrong so far."""

    study: Study
    name: str
    rows: pd.DataFrame
    places: pd.DataFrame  # file, row of each row
    delimiter: str = ""
    breaches: list[pd.DataFrame] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    warned: list[dict] = field(default_factory=list)

    @property
    def contract(self) -> tables.Table:
        return tables.TABLES[self.name]

    def breach(self, bad, column: str, values, reason, mend: str) -> None:
        """Rows `bad` (a mask) are quarantined for `column`; `reason` is text, or one for each."""
        bad = np.asarray(bad, bool)
        if not bad.any():
            return
        found = self.places[bad].assign(
            table=self.name, column=column, value=conversion.text(values[bad]).to_numpy(object)
        )
        found["reason"] = reason if isinstance(reason, str) else np.asarray(reason, object)[bad]
        self.breaches.append(found.assign(mend=mend))

    def warn(self, column: str, rows: int, what: str, mend: str) -> None:
        self.warned.append(dict(zip(WARNINGS, (self.name, column, rows, what, mend), strict=True)))


def every_table(study: Study) -> dict[str, Intake]:
    """All tables of the study, those that others refer to first."""
    taken: dict[str, Intake] = {}
    for name in (n for n in tables.TABLES if n in study.tables):
        keys = {other: intake.rows for other, intake in taken.items()}
        taken[name] = table(study, name, others=keys)
    return taken


def table(study: Study, name: str, *, others: Mapping[str, pd.DataFrame] | None = None) -> Intake:
    """The table `name` of the study, held to the contract.

    `others` are the rows of the tables it may refer to; without it they are taken in first. Raises
    IntakeError when a file cannot be read, or a column that study.yaml names is not in it.
    """
    if name not in study.tables:
        raise IntakeError(f"{study.name} has no table {name!r}. It has: {', '.join(study.tables)}.")
    if others is None:
        referred = {c.refers for c in tables.TABLES[name].columns.values() if c.refers}
        others = {r: table(study, r).rows for r in referred if r in study.tables and r != name}
    sieve, broken, labels = _gather(study, name)
    offered = len(sieve.rows) + len(broken)
    _convert(sieve)
    _hold_to_contract(sieve)
    _hold_references(sieve, others)
    rows, quarantine = _part(sieve, broken)
    _warn(sieve, rows)
    assert offered == len(rows) + len(quarantine[["file", "row"]].drop_duplicates())
    return Intake(
        name,
        rows,
        quarantine,
        offered,
        tuple(sieve.notes),
        pd.DataFrame(sieve.warned, columns=WARNINGS),
        labels,
    )


# Gather


def _gather(study: Study, name: str) -> tuple[_Sieve, pd.DataFrame, dict[str, str]]:
    mapping, parts, places, broken, labels = study.tables[name], [], [], [], {}
    notes: list[str] = []
    delimiter = ""
    once = cache(lambda *how: _open(study, *how))  # several of them may read the same file
    for file in mapping.files:
        raw = prepared(_by(once, file), file, partial(_by, once), mapping.dates, _called(file))
        notes += [n for n in raw.notes if n not in notes]
        part, said = _columns_of(study, name, file, raw)
        notes += said
        parts.append(part)
        places.append(pd.DataFrame({"file": _place(file), "row": part.index}))
        broken.append(raw.broken.assign(file=_place(file)))
        labels |= raw.labels
        delimiter = delimiter or raw.delimiter
    rows, place = pd.concat(parts, ignore_index=True), pd.concat(places, ignore_index=True)
    if mapping.merge is not False:
        add = mapping.merge if isinstance(mapping.merge, list) else []
        rows, said = combined.merged(rows, list(tables.TABLES[name].key), add)
        place = place.loc[rows.index].reset_index(drop=True)
        rows, notes = rows.reset_index(drop=True), notes + [f"{name}: {s}" for s in said]
    sieve = _Sieve(study, name, rows, place, delimiter, notes=notes)
    mend = "Mend the line: a delimiter inside a text needs quotes around the text."
    return sieve, pd.concat(broken).assign(table=name, column="", mend=mend), labels


def _by(once: Callable[..., Raw], file: Readable) -> Raw:
    return once(file.file, file.sheet, file.encoding, file.delimiter)


def _open(study: Study, name: str, sheet: str | int, encoding: str, delimiter: str) -> Raw:
    asked = {"sheet": sheet, "encoding": encoding, "delimiter": delimiter}
    if name not in study.sources:
        return read_file(study.folder / name, **asked)
    source = study.sources[name]
    path = sources.fetch(source, name)
    if ".pkl" in path.name:
        frame = sources.read_pickle(path, source.sha256)
        return Raw(frame.set_axis(pd.Index(np.arange(len(frame)) + 1, name="row"), axis=0))
    return read_file(path, called=name, **asked)


def _called(file: File) -> str:
    """What messages call the file: its name, with the sheet where one is named."""
    return Path(_place(file)).name


def _place(file: File) -> str:
    """The file as study.yaml names it, with the sheet, so that two sheets are two places."""
    return file.file + (f", sheet {file.sheet!r}" if file.sheet else "")


def _short(file: File, files: list[File]) -> str:
    """A name for the file's rows that no other file of the table has."""
    stems = [Path(f.file).name.split(".")[0] for f in files]
    stem = stems[files.index(file)]
    if stems.count(stem) == 1:
        return stem
    return f"{stem}-{file.sheet or files.index(file) + 1}"


def _columns_of(study: Study, name: str, file: File, raw: Raw) -> tuple[pd.DataFrame, list[str]]:
    """The file's columns under our names, recoded, with constants and what is to be kept."""
    mapping, frame = study.tables[name], raw.frame
    wanted = {k: v for k, v in {**mapping.columns, **file.columns}.items() if v}
    if name == "responses":  # an item whose name is a column of the file needs no line
        wanted |= {i: i for i in study.items if i in frame and i not in wanted}
    _refuse_missing(study, name, file, wanted, raw)
    # Of several files each numbers its own rows, so the file's name goes in front.
    prefix = f"{_short(file, mapping.files)}-" if len(mapping.files) > 1 else ""
    taken = {ours: _column(frame, theirs, prefix) for ours, theirs in wanted.items()}
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
    part, said = _recoded(pd.DataFrame(taken, index=frame.index), study, name, file, wanted, raw)
    return part, notes + said


def _recoded(
    part: pd.DataFrame, study: Study, name: str, file: File, wanted: dict[str, str], raw: Raw
) -> tuple[pd.DataFrame, list[str]]:
    """The columns with their codes replaced: by study.yaml, else by the file's value labels."""
    mapping = study.tables[name]
    recode = {**mapping.recode, **file.recode}
    # A file may lack what the table's recode speaks of, if another file has it.
    elsewhere = {c for f in mapping.files for c in f.columns} - set(file.recode)
    if unknown := [c for c in recode if c not in part and c not in elsewhere]:
        raise IntakeError(
            f"{name}: recode names {unknown}, which are not columns of {_called(file)}. There are: "
            f"{', '.join(part.columns)}."
        )
    notes: list[str] = []
    for ours in part:
        if ours in recode:
            part[ours], said = conversion.recode(part[ours], recode[ours])
            notes += [f"{_called(file)}: {name}.{ours}: {s}" for s in said]
        elif (codes := raw.values.get(wanted.get(ours, ours))) and ours not in study.items:
            part[ours], _ = conversion.recode(part[ours], conversion.labels_as_recode(codes))
            notes.append(f"{_called(file)}: {name}.{ours} carries its SPSS value labels.")
    return part, notes


def _column(frame: pd.DataFrame, theirs: str, prefix: str) -> pd.Series:
    if theirs == ROW:
        numbers = frame[ROW] if ROW in frame else np.arange(1, len(frame) + 1)
        return prefix + pd.Series(numbers, index=frame.index).astype("string")
    return frame[theirs]


def _kept(keep: bool | list[str], frame: pd.DataFrame, wanted: dict[str, str]) -> list[str]:
    if isinstance(keep, list):
        return keep
    return [c for c in frame if c not in (ROW, *wanted.values())] if keep else []


def _refuse_missing(study: Study, name: str, file: File, wanted: dict[str, str], raw: Raw) -> None:
    """IntakeError that lists every column that is asked for and not there."""
    mapping, there = study.tables[name], [c for c in raw.frame if c != ROW]
    kept = there if mapping.keep is True else mapping.keep or []
    given = {*wanted, *kept, *mapping.constants, *file.constants}
    lines = [_not_in_file(o, t, raw) for o, t in [*wanted.items(), *((c, c) for c in kept)]]
    lines += [
        f"nothing is mapped to {c.name}, which every row must have"
        for c in tables.TABLES[name].columns.values()
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
        there = f"The file has: {', '.join(there)}."
        raise IntakeError("\n  ".join([f"{name}, file {_called(file)}:", *lines, there]))


def _not_in_file(ours: str, theirs: str, raw: Raw) -> str:
    """Why column `theirs` cannot be had from the file; empty when it can."""
    if theirs in raw.repeated:
        return f"column {theirs!r} (for {ours}) stands in the header more than once"
    if theirs == ROW or theirs in raw.frame:
        return ""
    near = get_close_matches(theirs, list(raw.frame), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"there is no column {theirs!r} for {ours}{hint}"


# Convert


def _convert(sieve: _Sieve) -> None:
    """Each column to its kind; what does not convert is a breach."""
    done = {}
    for column in sieve.rows:
        values = sieve.rows[column]
        if sieve.name == "responses" and column in sieve.study.items:
            done |= _item(sieve, column, values)
        elif column in sieve.contract.columns:
            done[column] = _to_kind(sieve, column, values, sieve.contract.columns[column].kind)
        else:
            done[column], what = conversion.guess(values, comma=sieve.delimiter in (";", "\t"))
            if what:
                sieve.warn(column, *what)
    sieve.rows = pd.DataFrame(done, index=sieve.rows.index)


def _to_kind(sieve: _Sieve, column: str, values: pd.Series, kind: str) -> pd.Series:
    if kind == "date":
        converted = conversion.date(values, sieve.study.tables[sieve.name].dates)
    else:
        converted = conversion.TO[kind](values, comma=sieve.delimiter in (";", "\t"))
    sieve.notes += [f"{sieve.name}.{column}: {n}" for n in converted.notes]
    sieve.breach(converted.bad, column, values, converted.reason, converted.mend)
    return converted.values


def _item(sieve: _Sieve, column: str, values: pd.Series) -> dict[str, pd.Series]:
    """An item on its scale: missing codes empty, not-experienced flagged, reversed flipped."""
    item = sieve.study.items[column]
    low, high = item.scale
    x = _to_kind(sieve, column, values, "number")
    flag = x.isin(item.not_experienced)
    x = x.mask(x.isin([*item.not_experienced, *item.missing]))
    sieve.breach(
        x.notna() & ~x.between(low, high),
        column,
        values,
        f"outside the scale {low:g} to {high:g}",
        f"Correct it, or name the code under items.{column}: missing or not_experienced.",
    )
    if item.reverse:
        x = low + high - x
        sieve.notes.append(f"responses.{column} is flipped: high is good, {high:g} stays best.")
    return {column: x} | ({f"{column}_not_experienced": flag} if item.not_experienced else {})


# Hold


def _hold_to_contract(sieve: _Sieve) -> None:
    import pandera.errors

    try:
        sieve.contract.schema(list(sieve.rows)).validate(sieve.rows, lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases
        cells_wrong = cases[cases["index"].notna() & cases["column"].isin(sieve.contract.columns)]
        cells_wrong = cells_wrong[~cells_wrong["check"].str.contains("uniq")]
        for (column, check), group in cells_wrong.groupby(["column", "check"], sort=False):
            bad = sieve.rows.index.isin(group["index"].astype(int))
            sieve.breach(bad, column, sieve.rows[column], *_contract_words(column, check))
    _hold_keys(sieve)


def _contract_words(column: str, check: str) -> tuple[str, str]:
    if check == "not_nullable":
        return "empty; every row must have it", f"Fill in {column}, or leave the row out."
    return f"must be {check}", "Correct it, or recode it in study.yaml."


def _hold_keys(sieve: _Sieve) -> None:
    """Of rows with the same key, sound ones, the first is kept."""
    key = list(sieve.contract.key)
    sound = ~_wrong(sieve)
    rows = sieve.rows.loc[sound, key]
    again = rows.duplicated(key, keep="first")
    if not again.any():
        return
    first = sieve.places.loc[sound, "row"].groupby([rows[k] for k in key]).transform("first")
    name = " and ".join(key)
    reasons = np.full(len(sieve.rows), "", object)
    reasons[np.flatnonzero(sound)] = (f"the same {name} as row " + first.astype(str)).to_numpy()
    bad = np.zeros(len(sieve.rows), bool)
    bad[np.flatnonzero(sound)] = again
    mend = "The first row is kept. Take the others out, or give each its own id."
    sieve.breach(bad, key[-1], sieve.rows[key[-1]], reasons, mend)


def _hold_references(sieve: _Sieve, others: Mapping[str, pd.DataFrame]) -> None:
    for column in sieve.contract.columns.values():
        if column.refers not in others or column.name not in sieve.rows:
            continue
        known = others[column.refers][column.name]
        values = sieve.rows[column.name]
        sieve.breach(
            values.notna() & ~values.isin(known),
            column.name,
            values,
            f"not among the {column.refers}",
            f"Add the row to {column.refers}, correct the id, or leave the row out.",
        )


def _wrong(sieve: _Sieve) -> np.ndarray:
    wrong = np.zeros(len(sieve.rows), bool)
    for breach in sieve.breaches:
        wrong[breach.index] = True
    return wrong


def _part(sieve: _Sieve, broken: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    found = [b for b in [*sieve.breaches, broken] if len(b)]
    wrong = _wrong(sieve)
    rows = sieve.rows[~wrong].reset_index(drop=True)
    if not found:
        return rows, pd.DataFrame(columns=QUARANTINE)
    quarantine = pd.concat(found, ignore_index=True)[QUARANTINE]
    quarantine = quarantine.drop_duplicates(["file", "row", "column"])
    return rows, quarantine.sort_values(["file", "row"], ignore_index=True)


# Warn


def _warn(sieve: _Sieve, rows: pd.DataFrame) -> None:
    if 0 < len(rows) < 3:
        sieve.warn(
            "", len(rows), f"only {len(rows)} row(s): no interval can be made of so few",
            "Collect more, or read the numbers as a list.",
        )  # fmt: skip
    if "wave" in sieve.contract.columns and "wave" in rows:
        _warn_waves(sieve, rows["wave"])
    if sieve.name == "responses" and len(rows):
        for item in (i for i in sieve.study.items if i in rows):
            _warn_item(sieve, item, rows[item])
        _warn_copies(sieve, rows)
        _warn_small_groups(sieve, rows)


def _warn_waves(sieve: _Sieve, wave: pd.Series) -> None:
    blank = int(wave.isna().sum())
    if 0 < blank < len(wave):
        sieve.warn("wave", blank, "no wave", "Fill in the wave; such rows belong to none.")
    unlike = wave[~wave.str.fullmatch(PERIOD).fillna(True).astype(bool)]
    if len(unlike):
        shown = ", ".join(map(repr, unlike.value_counts().index[:3]))
        sieve.warn(
            "wave", len(unlike), f"waves that are no date, such as {shown}, sort as text",
            "Write waves as 2026, 2026-Q1, 2026-03 or 2026-03-31 (recode them in study.yaml), so "
            "that they follow in time.",
        )  # fmt: skip


def _warn_item(sieve: _Sieve, item: str, answers: pd.Series) -> None:
    given = answers.dropna()
    if given.empty:
        sieve.warn(item, len(answers), "nobody answered", "Check the column, or drop the item.")
    elif len(given) > 1 and given.nunique() == 1:
        sieve.warn(
            item, len(given), f"all answers are {given.iloc[0]:g}: it can explain nothing",
            "Check the column; leave the item out of models.",
        )  # fmt: skip


def _warn_copies(sieve: _Sieve, rows: pd.DataFrame) -> None:
    """Questions answered alike by everybody: most often one column mapped under two names."""
    differ = [i for i in sieve.study.items if i in rows and rows[i].nunique() > 1]
    for n, item in enumerate(differ):
        for other in differ[:n]:
            if len(rows) >= FEW and rows[item].equals(rows[other]):
                sieve.warn(
                    item, len(rows), f"every answer is that to {other}: one is a copy of the other",
                    "Check the column; take one of them out of items and drivers.",
                )  # fmt: skip
                break


def _warn_small_groups(sieve: _Sieve, rows: pd.DataFrame) -> None:
    """Groups of the study's own comparison that are too small to be shown."""
    group, least = sieve.study.group, sieve.study.reporting.smallest_cell
    if group not in rows or len(rows) < least:
        return
    sizes = rows[group].value_counts()
    if len(small := sizes[sizes < least]):
        shown = ", ".join(f"{g!r} ({n:,})" for g, n in small.head(4).items())
        sieve.warn(
            group, int(small.sum()),
            f"{len(small):,} group(s) have fewer than {least} rows and are hidden in reports: "
            f"{shown}",
            "Correct the spelling, or recode small groups into a larger one.",
        )  # fmt: skip
