"""What a study.yaml would say of some files, with the questions that only their owner can answer.

plan = plan_of("shop", [Path("answers.csv")])
for question in plan.questions:
    question.settle(question.proposed)
plan.tables, plan.ratings, plan.outcome
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from cxlib.data import contract
from cxlib.data.intake import conversion, currencies, dates
from cxlib.data.intake.cells import Question as Undecided
from cxlib.data.intake.drafts import unparsed
from cxlib.data.intake.drafts.answers import add_answers
from cxlib.data.intake.drafts.looking import Column, Seen, look, slug
from cxlib.data.intake.drafts.parts import ROW, TableOf
from cxlib.data.intake.drafts.plans import Plan, Question, pooled
from cxlib.data.intake.drafts.purchases import doubtful_sales
from cxlib.data.intake.drafts.questions import asks, ratings
from cxlib.data.intake.drafts.tables import join_by_address, tables_of
from cxlib.data.intake.drafts.texts import open_text, unique_text
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.garbled import garbled
from cxlib.data.intake.layout import totals_amid
from cxlib.data.intake.raw import FORMULA

SHOWN = 3  # words that show how a file was read
MOST_KINDS = 10  # different words of a column of satisfaction


def plan_of(name: str, files: list[Path]) -> Plan:
    """Look at the files and guess. Raises IntakeError for a file that cannot be read or is none."""
    parts, passed, unused = _parts(files)
    join_by_address(parts)
    tables: dict[str, list[TableOf]] = {}
    for table in contract.TABLES:
        if of := [p for p in parts if p.table == table]:
            tables[table] = of
    plan = Plan(name, files, tables, passed)
    plan.doubts += [f"not used: {why}" for why in unused]
    for table in tables:
        _tell_files_apart(plan, table)
    if "responses" in tables:
        add_answers(plan)
    for table, of in plan.tables.items():
        if table != "responses" and not (table == "comments" and "responses" in plan.tables):
            columns = pooled(of)
            plan.kept[table] = [n for n, c in columns.items() if not unique_text(c)]
        more = [d for p in of for d in doubtful_sales(p)] if table == "orders" else []
        plan.doubts += [d for p in of for d in p.doubts if d not in plan.doubts] + more
    plan.doubts += dict.fromkeys(d for p in parts for d in _not_computed(p.seen))
    plan.doubts += dict.fromkeys(d for p in parts for d in _garbled(p.seen))
    plan.doubts += dict.fromkeys(d for p in parts for d in _encoding(p.seen))
    plan.doubts += dict.fromkeys(d for p in parts for d in _totals(p.seen))
    plan.doubts += unparsed.dates(parts)
    plan.doubts += _taken_for_answers(plan)
    _forms(plan)
    _offsets(plan)
    _currencies(plan)
    return plan


def _taken_for_answers(plan: Plan) -> Iterator[str]:
    """Rows that became answers though no column is a rating; rated cases without a rating."""
    responses = plan.tables.get("responses", [])
    for part in responses if not plan.ratings else []:
        if not part.seen.profile:
            yield (
                f"{part.seen.called}: no column is a rating, and each of its "
                f"{len(part.seen.raw.frame):,} rows counts as an answer to a survey. Are they? "
                "Orders, deals, cases or events belong to another table: write its part of "
                f"study.yaml by hand; the tables are {', '.join(contract.TABLES)}"
            )
    for part in plan.tables.get("cases", []):
        if "satisfaction_after" in part.columns or responses:
            continue
        for name in part.free or part.seen.columns:
            column = part.seen.columns[name]
            judged = asks("satisfied").search(column.text) or slug(name) in ("score", "rating")
            if judged and 2 <= len(column.counts) <= MOST_KINDS:
                held = ", ".join(f"{w!r} ({n:,})" for w, n in column.counts.items())
                yield (
                    f"{part.seen.called}: {name!r} may be how satisfied customers were ({held}): "
                    "nothing is reported of it. Recode it to numbers (`recode`) and map it to "
                    "`satisfaction_after`, or to an item of `responses`, where only those who "
                    "answered count"
                )


def _currencies(plan: Plan) -> None:
    """Amounts of which a column of the files says that they are of several currencies."""
    for table, of in plan.tables.items():
        named = [
            currencies.of_amounts(
                table,
                p.seen.raw.frame,
                {**{d: d for d in p.derive}, **p.columns},
                p.derive.values(),
            )
            for p in of
        ]
        for column, sizes in currencies.several(named).items():
            shown = ", ".join(f"{code} ({n:,})" for code, n in sizes.items())
            plan.doubts.append(
                f"{table}: amounts are in several currencies by {column!r}: {shown}. Convert them "
                "to one by `derive`, or select one by `only`"
            )


def _offsets(plan: Plan) -> None:
    """Times with several offsets from UTC: converted to one zone, which is asked about."""
    found: dict[str, dict[str, int]] = {}
    for table, of in plan.tables.items():
        dated = [c.name for c in contract.TABLES[table].columns.values() if c.kind == "date"]
        for ours, p in ((c, p) for c in dated for p in of if p.columns.get(c, ROW) != ROW):
            column = p.seen.columns[p.columns[ours]]
            if column.dates:
                sizes = found.setdefault(f"{table}.{ours}", {})
                for offset, n in conversion.date(column.cells).offsets.items():
                    sizes[offset] = sizes.get(offset, 0) + n
    tables = {t: {c: s for c, s in found.items() if c.split(".")[0] == t} for t in plan.tables}
    written = {c: {o: n for o, n in sizes.items() if o} for c, sizes in found.items()}
    differ = [m for sizes in tables.values() for m in dates.mixed(sizes)] or dates.mixed(written)
    if differ:
        plan.time_zone = "UTC"
        plan.doubts.append(
            f"times have different offsets from UTC (– is none): {', '.join(differ)}. Taken: "
            "`time_zone: UTC`, to which they are converted; times without an offset count as of "
            "it. Name there the zone in which your days begin, such as Europe/Berlin"
        )


def _garbled(seen: Seen) -> Iterator[str]:
    """Columns of which some cells are in another encoding than the file, texts of people apart."""
    for column in seen.columns.values():
        if not column.not_numbers or open_text(column) or not (odd := garbled(column.words)):
            continue
        yield (
            f"{seen.called}: {odd.n:,} cell(s) of {column.name!r}, first in row {odd.first}, were "
            f"read in another encoding than they are written in ({', '.join(odd.words)}): save all "
            "of the file in one encoding"
        )


def _encoding(seen: Seen) -> Iterator[str]:
    """A text in an encoding that is not certain, such as Turkish letters, or Icelandic ones."""
    if seen.raw.encoding == "cp1254":
        words = [w for c in seen.columns.values() for w in (c.name, *map(str, c.counts.index[:99]))]
        shown = [w for w in words if re.search("[ĞİŞğış]", w)][:SHOWN]
        yield (
            f"{seen.called}: read as Turkish (cp1254), as in {', '.join(map(repr, shown))}. If "
            "that looks wrong, name the encoding with `encoding`, such as cp1252 for Icelandic"
        )
    elif seen.raw.unsure:
        yield (
            f"{seen.called}: read in the encoding {seen.raw.encoding}, as in "
            f"{', '.join(map(repr, seen.raw.unsure))}. If that looks wrong, name the right one "
            "with `encoding`"
        )


def _totals(seen: Seen) -> list[str]:
    """Rows amid the table that are totals: `cx check` sets them aside."""
    if not len(words := totals_amid(seen.raw.frame)):
        return []
    return [
        f"{seen.called}: {len(words):,} row(s) amid the others are totals or averages, first row "
        f"{words.index[0]}, {words.iloc[0]!r}, and are set aside. Take them out of the file, or "
        "leave them out by `only`"
    ]


def _not_computed(seen: Seen) -> list[str]:
    """Formulas without a value, by column: what was guessed of it rests on the other cells."""
    cells = seen.raw.unread
    formulas = cells[cells["rule"] == FORMULA]
    return [
        f"{seen.called}: {len(some):,} cell(s) of {column!r}, first {some['cell'].iloc[0]}, are "
        "formulas without a value and read as empty. Open the workbook in Excel or LibreOffice, "
        "save it, and draft again"
        for column, some in formulas.groupby("column", sort=False)
    ]


def _parts(files: list[Path]) -> tuple[list[TableOf], list[str], list[str]]:
    """Each file (or sheet) as the tables it holds, why sheets were passed over, and why files.

    A workbook may hold notes beside its tables; but if none of its sheets is one, it raises, and
    so it does when none of the files is a table.
    """
    parts, passed = list[TableOf](), list[str]()
    refused = list[IntakeError]()
    judged = dict[tuple[str, ...], tuple[int, int]]()
    for path in files:
        found, why = list[TableOf](), list[str]()
        for seen in (sheets := look(path)):
            try:
                if seen.problem:
                    raise IntakeError(seen.problem)
                new = tables_of(seen, ratings=_rated(seen, judged))
            except IntakeError as error:
                if len(sheets) == 1:
                    refused.append(error)
                else:
                    why.append(str(error).split(" Write its part")[0])
                continue
            if same := next((f for f in found if _same(f, new[0])), None):
                why.append(f"{seen.called} has the columns and ids of {same.seen.called}")
                continue
            found += new
        if not found and len(sheets) > 1:
            raise IntakeError("\n  ".join([f"no part of {path.name} is a table:", *why]))
        parts, passed = parts + found, passed + why
    if refused and not parts:
        raise refused[0]
    return parts, passed, [str(error) for error in refused]


def _rated(seen: Seen, judged: dict[tuple[str, ...], tuple[int, int]]) -> int:
    """How many columns are ratings; as in a file before of these columns and not many fewer rows.

    An archive of one file a day has hundreds of them.
    """
    if seen.profile:
        return 0
    columns, rows = _open_columns(seen), len(seen.raw.frame)
    known = judged.get(tuple(columns), (0, 0))
    if known[0] < rows / 2 or not known[0]:
        known = judged[tuple(columns)] = rows, len(ratings(columns))
    return known[1]


def _open_columns(seen: Seen) -> dict[str, Column]:
    return {n: c for n, c in seen.columns.items() if len(c.words)}


def _same(one: TableOf, other: TableOf) -> bool:
    """Two sheets of one workbook with the same rows, as raw and edited."""
    key = one.columns[contract.TABLES[one.table].key[0]]
    if one.table != other.table or one.columns != other.columns:
        return False
    x, y = one.seen.raw.frame, other.seen.raw.frame
    if key != ROW:
        x, y = (f.drop_duplicates(key).set_index(key) for f in (x, y))
    else:
        x, y = (f.reset_index(drop=True) for f in (x, y))
    rows, shared = x.index.intersection(y.index), [c for c in x if c in y]
    if len(rows) < len(x) / 2 or not shared:
        return False
    alike = x.loc[rows, shared].astype(str).eq(y.loc[rows, shared].astype(str))
    return bool(alike.to_numpy().mean() > 0.5)


def _tell_files_apart(plan: Plan, table: str) -> None:
    """Several files of one table: ids that begin again are numbered with the file's name."""
    of, key = plan.tables[table], contract.TABLES[table].key[0]
    if len(of) < 2 or len(contract.TABLES[table].key) > 1 or of[0].merge is not None:
        return
    ids = [p.seen.columns[p.columns[key]].words for p in of if p.columns[key] != ROW]
    again = len(ids) > 1 and pd.concat(ids).duplicated().any()
    if again:
        _ask_of_overlap(plan, table)
    if again or len(ids) < len(of) and ids:
        for p in of:
            p.free = [c for c in p.free if c != p.columns[key]]
            p.columns[key] = ROW
            p.why[key] = "high: ids begin again in each file, so rows are numbered by file"


def _ask_of_overlap(plan: Plan, table: str) -> None:
    """Whether rows that stand in two files, with their ids, are one answer exported twice."""
    of = [p for p in plan.tables[table] if not p.repeated]
    frames = [p.seen.raw.frame for p in of]
    shared = [c for c in frames[0] if all(c in f for f in frames)] if frames else []
    rows = pd.concat([f[shared].astype(str) for f in frames]) if shared else pd.DataFrame()
    n = int(rows.duplicated().sum()) - sum(
        int(f[shared].astype(str).duplicated().sum()) for f in frames
    )
    if n:
        files = " and ".join(p.seen.called for p in of)
        plan.doubts.append(
            f"{files}: {n:,} row(s) stand in several of the files, with the same id and the same "
            "in every cell, and count as often: exported twice? Then leave out a file that another "
            "holds, or take these rows out of one"
        )


def _forms(plan: Plan) -> None:
    """Dates and amounts that fit two readings: asked, with the reading that the file suggests."""
    asked: dict[tuple[str, ...], list[tuple[str, str]]] = {}
    found: dict[tuple[str, ...], tuple[Undecided, bool]] = {}
    for table, of in plan.tables.items():
        kinds = {c.name: c.kind for c in contract.TABLES[table].columns.values()}
        for ours, theirs in of[0].columns.items():
            kind = kinds.get(ours, "text")
            if theirs == ROW or kind not in ("date", "number"):
                continue
            undecided = conversion.convert(of[0].seen.columns[theirs].cells, kind).question
            if undecided is not None:
                key = (undecided.key, *undecided.answers)
                asked.setdefault(key, []).append((table, ours))
                found.setdefault(key, (undecided, of[0].seen.raw.delimiter == ";"))
    for key, (undecided, european) in found.items():
        _ask_form(plan, asked[key], undecided, european)


def _ask_form(
    plan: Plan, columns: list[tuple[str, str]], undecided: Undecided, european: bool
) -> None:
    options = dict(zip(undecided.answers, undecided.readings, strict=True))
    likely = ("day first", "1.234,5") if european else ("month first", "1,234.5")
    proposed = next((a for a in options if a in likely), next(iter(options)))

    def settle(answer: str) -> None:
        for table, ours in columns:
            plan.forms.setdefault(table, {}).setdefault(undecided.key, {})[ours] = answer

    settle(proposed)
    shown = ", ".join(map(str, undecided.values[:3]))
    called = ", ".join(f"{table}.{ours}" for table, ours in columns)
    plan.questions.append(
        Question(f"{called}: how is it written? {shown}", options, proposed, settle)
    )
