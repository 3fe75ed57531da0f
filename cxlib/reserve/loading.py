"""Files checked and loaded into the reserve."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from cxlib.data import contract, sources
from cxlib.data import intake as intake_
from cxlib.data import study as study_
from cxlib.data.intake import Intake, IntakeError, plausibility, reasons
from cxlib.data.intake.business_rules import unseen_refusals
from cxlib.data.intake.references import mistakes, without_share
from cxlib.data.study import Study
from cxlib.reserve import appending, engine_tables, store
from cxlib.reserve.store import ReserveError

UNUSABLE, LOST = 2, 4  # exit codes: nothing can be loaded; something is lost or to be answered
WHOLE = 10  # cells of a column: when all of so many are lost, it is the wrong column
LISTED = 100  # distinct values that a check lists of one kind of breach
NO_FILE = "no file is new, and none has changed"
NOT_TO_RECODE = (
    *("duplicate_key", "duplicate_keys", "unknown_reference", "not_exact"),
    *("total_row", "other_currency"),
)


@dataclass(frozen=True)
class Check:
    """What is wrong with a study's files.

    Attributes
    ----------
    counts : table, offered, kept, quarantined (rows), cells (that became missing), left_out (by
             `only`); a table that cannot be read has 0 offered
    problems : table, row, column, value, rule, params, file, lost; a line a breach; row is empty
               where a whole file or table, or study.yaml, is meant
    losses : table, column, lost ("row", "cell"), n, of
    warnings : table, column, rows, rule, params: no breach, but worth a look
    notes : what had to be found out: encodings, delimiters, codes
    unconfirmed : guesses of `cx new` that nobody has confirmed yet
    taken : the tables that could be read
    """

    study: str
    counts: pd.DataFrame
    problems: pd.DataFrame
    warnings: pd.DataFrame
    losses: pd.DataFrame
    notes: tuple[str, ...] = ()
    unconfirmed: tuple[str, ...] = ()
    taken: dict[str, Intake] = field(default_factory=dict, repr=False)

    @property
    def ok(self) -> bool:
        """Whether there is nothing to answer: `exit_code` is 0."""
        return self.exit_code == 0

    @property
    def serious(self) -> pd.DataFrame:
        """The losses that are to be told: any row, more than 1% of the cells of a column."""
        return intake_.serious(self.losses)

    @property
    def exit_code(self) -> int:
        """UNUSABLE, LOST or 0: one rule for `cx check` and `cx load`.

        0: nothing is lost but a few cells, and nothing is to be answered. LOST: rows or many cells
        are lost, a warning has to be answered, or a guess is to be confirmed.
        """
        if self.problems["row"].isna().any():
            return UNUSABLE
        return LOST if self._failed or self.unconfirmed else 0

    @property
    def _failed(self) -> bool:
        """Whether the data themselves, apart from guesses, leave something to answer."""
        lost = self.problems["row"].isna().any() or len(self.serious)
        return bool(lost or len(plausibility.doubtful(self.warnings)))

    def __str__(self) -> str:
        few = f" but for {len(self.problems):,} cell(s)" if len(self.problems) else ""
        passed = "not all data checks passed" if self._failed else f"all data checks passed{few}"
        waiting = f"; {len(self.unconfirmed)} guess(es) to confirm" if self.unconfirmed else ""
        lines = [f"{self.study}: {passed}{waiting}"]
        lines += [f"  {c.table}: {count_line(c)}" for c in self.counts.itertuples()]
        lines += _problem_lines(self.problems)
        lines += warning_lines(self.warnings)
        lines += confirmation_lines(self.unconfirmed)
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def warning_lines(warnings: pd.DataFrame) -> list[str]:
    """Each warning with what to do about it; those that have to be answered are questions."""
    lines = []
    for w in warnings.itertuples():
        where = f"{w.table}.{w.column}" if w.column else w.table
        what = reasons.render(w.rule, w.params)
        advice, kind = reasons.advice(w.rule, w.params), "warning"
        if w.rule in (*plausibility.DOUBTFUL, *plausibility.NOT_TO_ACCEPT):
            kind = "question"
        if w.rule in plausibility.DOUBTFUL:
            advice += f" If they are right, add `accept: [{where}.{w.rule}]` to study.yaml."
        lines.append(f"  {kind}: {where}: {w.rows:,} row(s): {what}. {advice}")
        if become := json.loads(w.params).get("become"):
            lines += ["    proposed recode:", *_recode(w.table, w.column, become)]
    return lines


def confirmation_lines(guesses: Sequence[str]) -> list[str]:
    """Each guess of `cx new` as a question, then how to confirm it."""
    if not guesses:
        return []
    return [
        *(f"  question: unconfirmed: {guess}" for guess in guesses),
        "    Correct in study.yaml what is wrong, and take each line that is right out of "
        "`unconfirmed` there.",
    ]


def count_line(count: Any) -> str:
    """What became of a table's rows."""
    left_out = f", {count.left_out:,} left out by `only`" if count.left_out else ""
    cells = f"; {count.cells:,} cell(s) set to missing" if count.cells else ""
    return (
        f"{count.offered:,} offered, {count.kept:,} kept, {count.quarantined:,} quarantined"
        f"{left_out}{cells}"
    )


def _problem_lines(problems: pd.DataFrame) -> list[str]:
    """For each kind of breach: where, how many, how to mend it, and the values with a recode."""
    lines = []
    for (table, column, rule, params), group in reasons.by_kind(problems):
        where = f"{table}.{column}" if column else table
        first, what = group.iloc[0], reasons.render(rule, params)
        if pd.isna(first["row"]):
            lines.append(f"  {where}: {what}")
            continue
        rows = int((group["lost"] == "row").sum())
        cells = len(group) - rows
        lost = [f"{rows:,} row(s)"] * bool(rows) + [f"{cells:,} cell(s)"] * bool(cells)
        value = "" if pd.isna(first["value"]) else f" {first['value']!r}"
        lines.append(
            f"  {where}: {' and '.join(lost)} {what}, first{value} in row {first['row']} of "
            f"{Path(first['file']).name}. {reasons.advice(rule, params)}"
        )
        if column and group["value"].notna().any():
            lines += _value_lines(table, column, rule, group["value"])
    return lines


def _value_lines(table: str, column: str, rule: str, values: pd.Series) -> list[str]:
    """The distinct values with their counts and, where a recode would mend it, one to paste."""
    sizes = values.value_counts()
    listed = ", ".join(f"{value!r} ({n:,})" for value, n in sizes.head(LISTED).items())
    more = f" and {len(sizes) - LISTED:,} more" if len(sizes) > LISTED else ""
    lines = [f"    values: {listed}{more}"]
    if rule in NOT_TO_RECODE or len(sizes) > LISTED:
        return lines
    proposed = dict.fromkeys(map(str, sizes.index))
    return [*lines, "    proposed recode, null for missing:", *_recode(table, column, proposed)]


def _recode(table: str, column: str, become: Mapping[str, str | None]) -> list[str]:
    """A recode to paste into study.yaml."""
    named = {json.dumps(v, ensure_ascii=False): to for v, to in become.items()}
    pairs = ", ".join(f"{v}: {json.dumps(to, ensure_ascii=False)}" for v, to in named.items())
    return [
        *("      tables:", f"        {table}:", "          recode:"),
        f"            {column}: {{{pairs}}}",
    ]


@dataclass(frozen=True)
class Loaded:
    """What a load did: counts by table, as in `Check` and with sha256, and a Check."""

    study: str
    path: Path
    counts: pd.DataFrame
    check: Check
    only_new: tuple[str, ...] = ()  # what was added where new files alone were read

    @property
    def serious(self) -> pd.DataFrame:
        """The losses that are to be told: any row, more than 1% of the cells of a column."""
        return self.check.serious

    def __str__(self) -> str:
        return f"loaded {self.check}"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def check(name: str) -> Check:
    """Take in every table of the study and say what is wrong; nothing is written.

    Raises StudyError when study.yaml itself cannot be used.
    """
    study = study_.read(name)
    taken, refused = _take(study)
    taken = _with_study_checked(study, taken)
    whole = [(name, "unreadable_table", why) for name, why in refused.items()]
    whole += [(name, "unmatched", why) for name, why in _lost_whole(taken)]
    if not refused:
        whole += [("study.yaml", "unmatched", why) for why in _idle_only(study, taken)]
    lost = [] if study.on_engine else mistakes(study, taken)  # the engine's own were refused
    whole += [("study.yaml", "unmatched", why) for why in lost]
    return _checked(study, taken, whole)


def load(name: str, *, wait: float = 0, whole: bool = False) -> Loaded:
    """Build the study's reserve beside the old one and swap it in.

    Of tables that grow (study.yaml) new files alone are read where nothing else has changed, unless
    `whole` is asked for.

    Cells that break the contract become missing, and rows that cannot be used are set aside; both
    are left in the quarantine and counted. Raises StudyError for study.yaml, IntakeError for a file
    that cannot be read, a table or a column of which nothing can be used, and values that
    study.yaml names and no row has, SourceError for public data that cannot be
    had, ReserveError while another load is running (for longer than `wait` seconds). Whatever is
    raised, the reserve there was stays.
    """
    study = study_.read(name)
    with store.alone(study, wait=wait):
        return _load(study, whole=whole)


def _load(study: Study, *, whole: bool = False) -> Loaded:
    study = study_.read(study.folder / "study.yaml")  # as it is now that the lock is held
    files = store.digests(study)
    if not whole and (added := appending.new_files(study, files)) is not None:
        taken = appending.add(study, added, files) if added else {}
        if taken is not None:
            checked, counts = _stored(study, taken)
            lines = [f"new in {n}: {len(i.rows):,} rows" for n, i in taken.items()]
            lines += [note for i in taken.values() for note in i.notes if appending.known(note)]
            marked = [n for n, mapping in study.tables.items() if mapping.watermark]
            nothing = f"no row of {', '.join(marked)} is new or has changed" if marked else NO_FILE
            said = tuple(lines or [nothing])
            return Loaded(study.name, study.reserve_path, counts, checked, said)
    try:
        taken = _with_study_checked(study, _every_table(study))
        refused = [f"{name}: {why}" for name, why in _lost_whole(taken)]
        if refused := refused or _idle_only(study, taken):
            raise IntakeError(refused[0])
        if lost := [] if study.on_engine else mistakes(study, taken):
            raise IntakeError("\n  ".join(["study.yaml names what the data do not hold:", *lost]))
    except IntakeError as error:
        raise IntakeError(f"{study.name}: {error}") from error
    if changed := [n for n, digest in store.digests(study).items() if files.get(n) != digest]:
        raise ReserveError(
            f"{study.name}: {', '.join(changed)} changed while it was read. Wait until it is "
            "written, and load again; the reserve there was is untouched."
        )
    counts = store.build(study, taken, files)
    return Loaded(study.name, study.reserve_path, counts, _checked(study, taken, []))


def _stored(study: Study, taken: dict[str, Intake]) -> tuple[Check, pd.DataFrame]:
    """What is wrong with all rows of the reserve, those of this load among them; `_tables`."""
    with store.connect(study.reserve_path) as opened:
        counts, problems, warnings, losses = (
            opened.execute(f"select * from {table}").df()
            for table in ("_tables", "_quarantine", "_warnings", "_losses")
        )
    check = Check(
        study.name,
        counts[["table", "offered", "kept", "quarantined", "cells", "left_out"]],
        problems,
        warnings,
        losses,
        tuple(dict.fromkeys(n for written in counts["notes"] for n in json.loads(written))),
        tuple(study.unconfirmed),
        taken,
    )
    return check, counts


def refresh(study: Study, *, wait: float = 600) -> None:
    """Load the study when its reserve is missing or older than what it was made from, saying so."""
    if not store.why_stale(study):
        return
    with store.alone(study, wait=wait):
        why = store.why_stale(study)  # another process may have loaded it while we waited
        if not why:
            return
        print(f"loading {study.name} into its reserve: {why}", file=sys.stderr, flush=True)
        loaded = _load(study)
    if not loaded.check.ok:
        print(loaded, file=sys.stderr, flush=True)


def _every_table(study: Study) -> dict[str, Intake]:
    """All tables of the study: those of its engine, which stay there, and those of files."""
    if not study.on_engine:
        return intake_.every_table(study)
    remote = engine_tables.taken(study)
    files = [n for n in study.tables if n not in remote]
    return {**remote, **{n: intake_.table(study, n, others={}) for n in files}}


def _lost_whole(taken: dict[str, Intake]) -> list[tuple[str, str]]:
    """Tables of which no row, or no cell of a filled column, can be used: the table, and why."""
    return [(name, why) for name, intake in taken.items() if (why := _all_lost(intake))]


def _all_lost(intake: Intake) -> str:
    if intake.remote:
        return ""
    if not len(intake.rows):
        what, lost = (
            f"none of its {intake.offered:,} rows can be used; most often",
            intake.quarantine,
        )
    else:
        whole = intake.losses.query("lost == 'cell' and n == of and n >= @WHOLE")
        if whole.empty:
            return ""
        column, n = whole.iloc[0][["column", "n"]]
        what = f"none of the {n:,} cells of {column} can be read;"
        lost = intake.quarantine[intake.quarantine["column"] == column]
    (_, column, *why), rows = max(reasons.by_kind(lost), key=lambda k: len(k[1]))
    values = rows["value"].value_counts().head(3)
    shown = ", ".join(f"{value!r} ({n:,})" for value, n in values.items())
    return (
        f"{what} {column} is {reasons.render(*why)} ({len(rows):,} rows"
        f"{', such as ' * bool(shown)}{shown}). {reasons.advice(*why)} Is the right column mapped? "
        "`cx check` shows more."
    )


def _take(study: Study) -> tuple[dict[str, Intake], dict[str, str]]:
    """Each table taken in, or why it could not be."""
    taken: dict[str, Intake] = {}
    refused: dict[str, str] = {}
    if study.on_engine:
        try:
            return _every_table(study), {}
        except (IntakeError, sources.SourceError) as error:
            return {}, {study.on_engine[0]: str(error)}
    for name in (n for n in contract.TABLES if n in study.tables):
        others = {n: i.rows for n, i in taken.items()}
        try:
            taken[name] = intake_.table(study, name, others=others)
        except (IntakeError, sources.SourceError) as error:
            refused[name] = str(error)
    return taken, refused


def _idle_only(study: Study, taken: dict[str, Intake]) -> list[str]:
    """`only` of the study must be a condition on columns of some table."""
    if not study.only or any(study.only in intake.left_out for intake in taken.values()):
        return []
    there = list(dict.fromkeys(str(c) for intake in taken.values() for c in intake.rows))
    return [
        f"only {study.only!r}: no table has all of its columns, or it is no condition. Correct "
        "`only` in study.yaml: write one like status = 'complete'. Columns there are: "
        f"{', '.join(there) or 'none'}."
    ]


def _with_study_checked(study: Study, taken: dict[str, Intake]) -> dict[str, Intake]:
    """The tables with warnings of all of them: shares, refusals, offsets from UTC that differ."""
    checks = {} if study.on_engine else {"responses": without_share, "contacts": unseen_refusals}
    said = [(n, w) for n, check_ in checks.items() for w in check_(study, taken)]
    said += plausibility.offsets_of_tables(study, {n: i.offsets for n, i in taken.items()})
    for name in dict.fromkeys(n for n, _w in said):
        found = [w for n, w in said if n == name]
        left, notes = plausibility.accepted(study, name, found)
        lines = [(name, w.column, w.rows, w.reason.rule, w.reason.json) for w in left]
        intake, more = taken[name], pd.DataFrame(lines, columns=intake_.WARNINGS)
        warnings = _together([intake.warnings, more])
        taken = {**taken, name: replace(intake, warnings=warnings, notes=(*intake.notes, *notes))}
    return taken


def _checked(study: Study, taken: dict[str, Intake], whole: list[tuple[str, str, str]]) -> Check:
    counts = [
        (n, i.offered, i.kept, i.quarantined, i.cells, sum(i.left_out.values()))
        for n, i in taken.items()
    ]
    counts += [(n, 0, 0, 0, 0, 0) for n, rule, _why in whole if rule == "unreadable_table"]
    problems = pd.DataFrame(
        [
            (place, None, "", None, rule, reasons.Reason("", {"why": why}).json, "", "")
            for place, rule, why in whole
        ],
        columns=intake_.QUARANTINE,
    )
    warnings = [i.warnings for i in taken.values()] or [pd.DataFrame(columns=intake_.WARNINGS)]
    return Check(
        study.name,
        pd.DataFrame(
            counts, columns=["table", "offered", "kept", "quarantined", "cells", "left_out"]
        ),
        _together([problems, *(i.quarantine for i in taken.values())]),
        _together(warnings),
        _together([i.losses for i in taken.values()] or [pd.DataFrame(columns=intake_.LOSSES)]),
        (*dict.fromkeys(note for i in taken.values() for note in i.notes), *_untranslated(study)),
        tuple(study.unconfirmed),
        taken,
    )


def _untranslated(study: Study) -> list[str]:
    """Which questions have no label in a language that pages are made in, and how to give one."""
    return [
        f"{len(labels)} question(s) have no label in {language}, such as {labels[0]!r}: write "
        "`label: {en: ..., zh: ...}` under `items` in study.yaml, and likewise `labels` for groups."
        for lang, language in {"en": "English", "zh": "Chinese"}.items()
        if lang in study.reporting.languages and (labels := study.untranslated(lang))
    ]


def _together(parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat([p for p in parts if len(p)] or parts[:1], ignore_index=True)


__all__ = ["LOST", "UNUSABLE", "Check", "Loaded", "ReserveError", "check", "load", "refresh"]
