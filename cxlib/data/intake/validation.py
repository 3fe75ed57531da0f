"""Files become the tables of the contract; a cell that breaks it goes to the quarantine.

    taken = table(study, "responses")
    taken.rows           # the rows that hold, without the cells that do not
    taken.quarantine     # table, row, column, value, rule, params, file, lost; a line a breach
    taken.losses         # table, column, lost, n, of: rows, and cells by column
    taken.offered == len(taken.rows) + taken.quarantined + sum(taken.left_out.values())

Cells are converted first; what cannot be is a breach. Pandera then holds the table to the contract
(`rules`) and the sound rows to their key. A breach costs the cell, which becomes missing. It costs
the row where the cell is one that every row must have (keys among them), or under `strict: true`.
Rows of customers whom the table of customers lacks are kept, with a warning. Why something was set
aside is a message id with parameters (`reasons`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from cxlib.core import codes
from cxlib.data import contract
from cxlib.data.intake import conversion, currencies, dates, scales, waves
from cxlib.data.intake.cells import Question
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.gathering import Gathered, gather
from cxlib.data.intake.ordering import in_time
from cxlib.data.intake.plausibility import (
    DataWarning,
    accepted,
    currencies_of,
    date_rules,
    garbled_of,
    is_accepted,
    warnings_of,
    weights_of,
)
from cxlib.data.intake.raw import Raw
from cxlib.data.intake.reasons import Reason, render
from cxlib.data.intake.rules import PANDERA, Rule, quiet, rules, schema
from cxlib.data.schema import Item
from cxlib.data.study import Study

if TYPE_CHECKING:
    import pandera.pandas as pa

QUARANTINE = ["table", "row", "column", "value", "rule", "params", "file", "lost"]
LOSSES = ["table", "column", "lost", "n", "of"]
WARNINGS = ["table", "column", "rows", "rule", "params"]
TOO_MANY = 0.01  # of the filled cells of a column: more are lost than may pass without a word
FORM_OF: dict[str, Literal["dates"]] = {"date": "dates"}  # the key that says how it is written


@dataclass(frozen=True)
class Remote:
    """A table that stays on an engine.

    The statement that gives its rows there, their number, and a fingerprint of their content; of
    columns that lost cells, how many are filled; and whether every row names its customer.
    """

    view: str
    rows: int
    fingerprint: str
    filled: dict[str, int] = field(default_factory=dict)
    names_customers: bool = False


LISTED = 5  # new columns of a file that are named
Facts = dict[str, dict[str, dict[str, int]]]  # "offsets" or "currencies": column: which: rows


@dataclass(frozen=True)
class Intake:
    """A table taken in.

    Attributes
    ----------
    name : of the table
    rows : those that hold, with the contract's dtypes; further columns are numbers or text
    quarantine : a line for each breach: table, row (line of the file, from 1), column, value, rule
                 (message id), params (JSON), file, lost ("cell", or "row" for all of a row)
    losses : what that makes: lost "row" (column "") or "cell" (by column), n of how many filled
    offered : rows in the files; always len(rows) + quarantined + sum(left_out)
    left_out : rows that `only` of study.yaml leaves out, by each condition that was applied
    remote : of a table that stays on an engine, where `rows` has its columns and no row
    notes : what was found out or read in a certain way
    warnings : table, column, rows, rule, params: no breach, but worth a look
    labels : labels of columns that came with the file (SPSS)
    offsets : of columns of times, how many have which offset from UTC (see `Converted`)
    currencies : of columns that name currencies, and of amounts, how many rows have which
    headers : columns of its files in which anything stands
    """

    name: str
    rows: pd.DataFrame
    quarantine: pd.DataFrame
    offered: int
    notes: tuple[str, ...] = ()
    warnings: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=WARNINGS))
    labels: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    remote: Remote | None = None
    offsets: dict[str, dict[str, int]] = field(default_factory=dict)
    currencies: dict[str, dict[str, int]] = field(default_factory=dict)
    headers: tuple[str, ...] = ()

    @property
    def kept(self) -> int:
        """Rows that hold, here or on an engine."""
        return self.remote.rows if self.remote else len(self.rows)

    @property
    def quarantined(self) -> int:
        """Rows in the quarantine, each counted once."""
        lost = self.quarantine[self.quarantine["lost"] == "row"]
        return len(lost[["file", "row"]].drop_duplicates())

    @property
    def cells(self) -> int:
        """Cells of rows that were kept which became missing."""
        return int((self.quarantine["lost"] == "cell").sum())

    @property
    def losses(self) -> pd.DataFrame:
        """table, column, lost ("row", "cell"), n, of (rows offered; filled cells of the column)."""
        cells = self.quarantine.loc[self.quarantine["lost"] == "cell", "column"].value_counts()
        filled = self.remote.filled if self.remote else {}
        lines = [(self.name, "", "row", self.quarantined, self.offered)] * bool(self.quarantined)
        lines += [
            (self.name, column, "cell", n, n + filled.get(column, int(self.rows[column].count())))
            for column, n in cells.items()
        ]
        return pd.DataFrame(lines, columns=LOSSES)


def serious(losses: pd.DataFrame) -> pd.DataFrame:
    """The losses that are to be told: any row, and more than 1% of the cells of a column."""
    many = losses["n"] > TOO_MANY * losses["of"]
    return losses[(losses["lost"] == "row") | many]


@dataclass(frozen=True)
class Breach:
    """Rows (their labels) that break a rule in a column, and the reason of each."""

    column: str
    rows: pd.Index
    reasons: list[Reason]


def every_table(study: Study) -> dict[str, Intake]:
    """All tables of the study, those that others refer to first."""
    taken: dict[str, Intake] = {}
    for name in (n for n in contract.TABLES if n in study.tables):
        taken[name] = table(study, name, others={n: i.rows for n, i in taken.items()})
    return taken


def table(
    study: Study,
    name: str,
    *,
    others: Mapping[str, pd.DataFrame] | None = None,
    read: Raw | None = None,
    known: Callable[[pd.DataFrame], pd.Index] | None = None,
    seen: Iterable[str] = (),
) -> Intake:
    """The table of the study, held to the contract.

    Parameters
    ----------
    study, name : the study and which of its tables
    others : rows of the tables it may refer to; without it they are taken in first
    read : rows of its one file that were read already
    known : the labels of those of its rows whose key was loaded before; they are duplicates too
    seen : columns of its files that were loaded before

    Raises
    ------
    IntakeError : a file cannot be read, or a column that study.yaml names is not in it
    """
    if name not in study.tables:
        raise IntakeError(f"{study.name} has no table {name!r}. It has: {', '.join(study.tables)}.")
    if others is None:
        referred = {c.refers for c in contract.TABLES[name].columns.values() if c.refers}
        others = {r: table(study, r).rows for r in referred if r in study.tables and r != name}
    gathered = gather(study, name, read=read)
    rows, breaches, warnings, facts, notes = _converted(study, name, gathered)
    unread, more = _unread(study, name, gathered)
    breaches, notes = [*unread, *breaches], [*notes, *more]
    items = study.items if name == "responses" else {}
    held = [
        *rules(name, rows, items=items, others=others),
        *date_rules(study, name, rows),
        *scales.rating_rules(study, name, rows),
    ]
    for breach in map(partial(_of_nobody, rows), _breaches(rows, name, held)):
        if (why := _warning(study, name, breach)) is not None:
            warnings.append(DataWarning(breach.column, len(breach.rows), why))
        else:
            breaches.append(breach)
    fatal = [b for b in breaches if _costs_row(study, name, b.column)]
    for breach in breaches:
        rows[breach.column] = rows[breach.column].mask(rows.index.isin(breach.rows))
    sound = _without(rows, _rows_of(fatal))
    repeated = _repeated_keys(sound, name, gathered.places["row"], known)
    fatal += repeated
    sound = _without(sound, _rows_of(repeated))
    warnings += weights_of(sound, gathered.places) if name == "responses" else []
    warnings += garbled_of(study, name, sound, gathered.places)
    warnings += _of_files(study, name, gathered, set(seen))
    amounts = {c: s for c, s in facts["currencies"].items() if currencies.is_amount(name, c)}
    warnings += currencies_of(study, amounts | gathered.currencies)
    facts["currencies"] |= gathered.currencies
    sound = sound.reset_index(drop=True)
    sound, tied, said = in_time(study, name, sound)
    sound, asked, more = _with_waves(name, sound, others)
    warnings += [*tied, *asked, *warnings_of(study, name, sound)]
    warnings, agreed = accepted(study, name, warnings)
    left_out = sum(gathered.left_out.values())
    offered = len(rows) + len(gathered.broken) + left_out
    taken = Intake(
        name,
        sound,
        _quarantine(name, gathered, breaches + repeated, _rows_of(fatal)),
        offered,
        (*gathered.notes, *notes, *said, *more, *agreed),
        pd.DataFrame(
            [(name, w.column, w.rows, w.reason.rule, w.reason.json) for w in warnings],
            columns=WARNINGS,
        ),
        gathered.labels,
        gathered.left_out,
        offsets=facts["offsets"],
        currencies=facts["currencies"],
        headers=tuple(sorted({c for _file, columns, _rows in gathered.headers for c in columns})),
    )
    assert offered == len(taken.rows) + taken.quarantined + left_out
    return taken


def _of_files(study: Study, name: str, gathered: Gathered, seen: set[str]) -> Iterator[DataWarning]:
    """What is doubtful about the files of a table, rather than about its columns."""
    for file, encoding, words, rows in gathered.unsure:
        about: dict[str, object] = {"file": file, "encoding": encoding, "words": list(words)}
        yield DataWarning("", rows, Reason("doubtful_encoding", about))
    for file, why, rows in gathered.doubts:
        yield DataWarning("", rows, Reason("doubtful_sheet", {"file": file, "why": why}))
    yield from _new_columns(study, gathered, seen)
    if gathered.shared:
        about = {"key": list(contract.TABLES[name].key)}
        yield DataWarning("customer_id", gathered.shared, Reason("several_customers", about))


def _new_columns(study: Study, gathered: Gathered, seen: set[str]) -> Iterator[DataWarning]:
    """Columns of later files that earlier ones, or those `seen`, have not, by file.

    A column that study.yaml names, in a comment too, is known; a file most of whose columns are
    others is of another kind.
    """
    if not seen and len(gathered.headers) < 2:
        return
    text = (study.folder / "study.yaml").read_text("utf-8")
    for file, columns, rows in gathered.headers:
        named = {c for c in columns if re.search(rf"(?<!\w){re.escape(c)}(?!\w)", text)}
        new = [c for c in columns if c not in seen and c not in named]
        if seen and 0 < len(new) <= len(columns) / 2:
            headers = [*map(repr, new[:LISTED]), *["..."] * (len(new) > LISTED)]
            yield DataWarning("", rows, Reason("new_columns", {"file": file, "headers": headers}))
        seen |= set(columns)


def _of_nobody(rows: pd.DataFrame, breach: Breach) -> Breach:
    """Rows with amounts that lack their customer: the reason says what share they are of it all."""
    if breach.column != "customer_id" or breach.reasons[0].rule != "required":
        return breach
    amount = rows["amount"] if "amount" in rows else pd.Series(dtype=float)
    if not (total := float(amount.abs().sum())) > 0:
        return breach
    lost = float(amount[breach.rows].abs().sum())
    why = Reason("no_customer", {"name": "customer_id", "share": f"{lost / total:.1%}"})
    return Breach(breach.column, breach.rows, [why] * len(breach.rows))


def _with_waves(
    name: str, rows: pd.DataFrame, others: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, list[DataWarning], list[str]]:
    """The rows with waves whose names sort in time, what is to be asked of them, and notes."""
    if "wave" not in rows or "wave" not in contract.TABLES[name].columns:
        return rows, [], []
    at = next((rows[c] for c in ("answered_on", "sent_at") if c in rows), None)
    names, note, question = waves.in_order(rows["wave"], at)
    if name != "responses" and "wave" in others.get("responses", {}):
        known = others["responses"]["wave"].dropna().unique()
        names |= {waves.without_place(new): new for new in map(str, known)}
    rows = rows.assign(wave=rows["wave"].map(names).astype(rows["wave"].dtype))
    asked = [DataWarning("wave", int(rows["wave"].count()), question)] if question else []
    return rows, asked, [f"{name}.wave: {note}"] if note else []


def _strict(study: Study, name: str) -> bool:
    own = study.tables[name].strict
    return study.strict if own is None else own


def _costs_row(study: Study, name: str, column: str) -> bool:
    """Whether a row without a sound cell in the column cannot be used."""
    table = contract.TABLES[name]
    needed = column in table.key or (column in table.columns and table.columns[column].required)
    # The id of a customer that cannot be read is needed where every row must have one.
    return needed or _strict(study, name)


def _warning(study: Study, name: str, breach: Breach) -> Reason | None:
    """The reason of a breach that loses nothing; None for one that does."""
    why = breach.reasons[0]
    if why.rule == "out_of_order":
        return why
    # The ledger of actions is written by hand: an unknown customer there is a slip of the pen.
    unknown = why.rule == "unknown_reference" and why.params["table"] == "customers"
    if unknown and name != "actions" and not _strict(study, name):
        return Reason("unknown_customer")
    return None


# Convert


def _converted(
    study: Study, name: str, gathered: Gathered, settled: Mapping[str, str] | None = None
) -> tuple[pd.DataFrame, list[Breach], list[DataWarning], Facts, list[str]]:
    """Each column in its kind; cells that cannot be read, warnings, offsets and currencies; notes.

    `settled` are forms of columns whose cells fit two, found in the other columns of the table.
    """
    mapping, settled = study.tables[name], settled or {}
    asked: dict[str, Question] = {}
    evidence: dict[str, str] = {}
    done: dict[str, pd.Series] = {}
    facts: Facts = {"offsets": {}, "currencies": {}}
    breaches, warnings, notes, doubts = [], [], [], []
    for column, given in gathered.rows.items():
        values = given
        item = study.items.get(column) if name == "responses" else None
        if _may_be_id(name, column, item is None) and (odd := conversion.inexact(values)).any():
            bad = values.index[odd]
            breaches.append(Breach(column, bad, [Reason("not_exact")] * len(bad)))
            values = values.mask(odd)
        values, never = _without_codes(values, item)
        read = _in_kind(study, name, values, settled.get(column), comma=gathered.decimal_comma)
        warnings += [DataWarning(column, *read.odd)] if read.odd else []
        evidence[column] = read.evidence
        for fact, sizes in (("offsets", read.offsets), ("currencies", read.currencies)):
            if sizes and column not in mapping.derived:
                facts[fact][column] = sizes
        if read.question:
            asked[column] = read.question
        notes += [f"{name}.{column}: {note}" for note in read.notes]
        if read.bad.any() and read.reason:
            bad = values.index[read.bad]
            breaches.append(Breach(column, bad, [read.reason] * len(bad)))
        done[column] = read.values
        if item is None:
            continue
        coded = read.values.isin([*item.not_experienced, *item.missing])
        done[column] = read.values.mask(coded)
        doubts.append(_doubt(column, item, done[column], gathered))
        if item.reverse:
            low, high = item.scale
            done[column] = low + high - done[column]
            notes.append(f"{name}.{column} is flipped: high is good, {high:g} stays best.")
        if item.not_experienced:
            done[f"{column}_not_experienced"] = never | read.values.isin(item.not_experienced)
    if asked:
        forms = conversion.settled(name, asked, evidence)
        *found, notes = _converted(study, name, gathered, forms)
        notes += [f"{name}.{c}: read as {f!r}, as other columns are." for c, f in forms.items()]
        return *found, notes
    if any(doubts):
        raise IntakeError("\n".join(filter(None, doubts)))
    if not study.time_zone and (named := dates.mixed(facts["offsets"])):
        why = Reason("mixed_offsets", {"offsets": named})
        warnings.append(DataWarning("", len(gathered.rows), why))
    return pd.DataFrame(done, index=gathered.rows.index), breaches, warnings, facts, notes


def _doubt(column: str, item: Item, answers: pd.Series, gathered: Gathered) -> str:
    """What is doubtful about the answers to a question: of all rows, of one file or one wave."""
    if found := scales.doubt(column, item, answers):
        return found
    parts = [("", gathered.places["file"], scales.STRAY)]
    if "wave" in gathered.rows:
        parts.append(("wave ", gathered.rows["wave"].astype("string"), scales.IN_A_WAVE))
    for kind, names, stray in parts:
        if names.nunique() > 1:
            for name, part in answers.groupby(names.to_numpy(), sort=False):
                if said := scales.doubt(column, item, part, stray=stray):
                    return f"{said} This is of {kind}{name} alone."
    return ""


def _without_codes(values: pd.Series, item: Item | None) -> tuple[pd.Series, pd.Series]:
    """Answers without the words that stand for none, and which say that it was not experienced."""
    if item is None or not (texts := [c for c in item.not_experienced + item.missing if _text(c)]):
        return values, pd.Series(False, index=values.index)
    means = codes.match(texts, values.dropna().unique())
    never = values.isin([v for c in item.not_experienced for v in means.get(c, [])])
    return values.mask(values.isin([v for same in means.values() for v in same])), never


def _in_kind(
    study: Study, name: str, values: pd.Series, settled: str | None, *, comma: bool
) -> conversion.Converted:
    """A column in the kind that the contract gives it, or that its cells have."""
    column, table, mapping = str(values.name), contract.TABLES[name], study.tables[name]
    is_item = name == "responses" and column in study.items
    if not is_item and column not in table.columns:
        form = settled or mapping.form("numbers", column)
        return conversion.guess(values, str(form), comma=comma, zone=study.time_zone)
    kind = "number" if is_item else table.columns[column].kind
    if kind == "text" and column != table.key[0] and column.endswith("_id"):
        return conversion.reference(values)
    form = settled or mapping.form(FORM_OF.get(kind, "numbers"), column)
    read = conversion.convert(values, kind, form, study.time_zone)
    if is_item and read.question:
        return conversion.convert(values, kind, conversion.below_thousand(read.question))
    return read


def _unread(study: Study, name: str, gathered: Gathered) -> tuple[list[Breach], list[str]]:
    """Cells that hold an error or a formula without a value, and notes on those accepted."""
    breaches, notes = list[Breach](), list[str]()
    for (column, rule), cells in gathered.unread.groupby(["column", "rule"], sort=False):
        first, key = cells.iloc[0], f"{name}.{column}.{rule}"
        words = cells["value"].unique()[:3].tolist()
        about = {"words": words, "sheet": first["sheet"], "cell": first["cell"], "key": key}
        if is_accepted(study, key):
            what = render(rule, about)
            notes.append(f"{key}: {len(cells):,} cell(s): {what}; accepted in study.yaml.")
        else:
            labels = pd.Index(cells["label"].astype(int))
            breaches.append(Breach(column, labels, [Reason(rule, about)] * len(labels)))
    return breaches, notes


def _text(code: float | str) -> bool:
    return isinstance(code, str)


def _may_be_id(name: str, column: str, no_item: bool) -> bool:
    """Whether the column holds ids: those of the contract, and further columns."""
    if (about := contract.TABLES[name].columns.get(column)) is None:
        return no_item
    return column in contract.TABLES[name].key or bool(about.refers) or column == "referred_by"


# Hold to the contract


def _breaches(rows: pd.DataFrame, name: str, held: list[Rule]) -> list[Breach]:
    """What pandera finds wrong with the columns, one breach for each column and rule."""
    reasons = {(rule.column, rule.reason.rule): rule.reason for rule in held}
    cases = _failure_cases(schema(name, rows, held, unique=False), rows)
    return [
        Breach(
            column,
            pd.Index(found["index"].astype(int)),
            [reasons[column, PANDERA.get(check, check)]] * len(found),
        )
        for (column, check), found in cases.groupby(["column", "check"], sort=False)
    ]


def _repeated_keys(
    rows: pd.DataFrame,
    name: str,
    places: pd.Series,
    known: Callable[[pd.DataFrame], pd.Index] | None,
) -> list[Breach]:
    """Of sound rows with the same key, all but the first; and those whose key was known before."""
    with quiet():
        import pandera.pandas as pa

    key = list(contract.TABLES[name].key)
    found = list[Breach]()
    if known is not None and len(before := known(rows[key])):
        why = Reason("duplicate_keys", {"key": key})
        found.append(Breach(key[-1], before, [why] * len(before)))
        rows = rows.drop(index=before)
    unique = pa.DataFrameSchema(unique=key, report_duplicates="exclude_first")
    again = pd.Index(_failure_cases(unique, rows[key])["index"].unique()).astype(int)
    if again.empty:
        return found
    first = places[rows.index].groupby([rows[k] for k in key]).transform("first")[again]
    reasons = [Reason("duplicate_key", {"key": key, "row": int(row)}) for row in first]
    return [*found, Breach(key[-1], again, reasons)]


def _failure_cases(schema: pa.DataFrameSchema, rows: pd.DataFrame) -> pd.DataFrame:
    import pandera.errors

    try:
        with quiet():
            schema.validate(rows, lazy=True)
    except pandera.errors.SchemaErrors as error:
        if error.failure_cases["index"].isna().any():  # a type that conversion did not keep
            raise
        return error.failure_cases
    return pd.DataFrame(columns=["column", "check", "index"])


def _rows_of(breaches: list[Breach]) -> pd.Index:
    return pd.Index(sorted({row for b in breaches for row in b.rows}), dtype=int)


def _without(rows: pd.DataFrame, labels: pd.Index) -> pd.DataFrame:
    """The rows but those; a large table is not copied to drop none."""
    return rows.drop(index=labels) if len(labels) else rows


def _quarantine(
    name: str, gathered: Gathered, breaches: list[Breach], lost: pd.Index
) -> pd.DataFrame:
    """A line a breach, the cell as it stands in the file; of a cell only the first breach."""
    found = []
    for b in breaches:
        value = conversion.text(gathered.rows.loc[b.rows, b.column]).to_numpy(object)
        cost = np.where(b.rows.isin(lost), "row", "cell")
        places = gathered.places.loc[b.rows].assign(column=b.column, lost=cost)
        found.append(_lines(places, value, b.reasons))
    if len(broken := gathered.broken):
        widths = broken[["found", "expected"]].astype(int).to_dict("records")
        reasons = [Reason("field_count", w) for w in widths]
        places = broken[["file", "row"]].assign(column="", lost="row")
        found.append(_lines(places, broken["value"], reasons))
    if not found:
        return pd.DataFrame(columns=QUARANTINE)
    lines = pd.concat(found, ignore_index=True).assign(table=name)[QUARANTINE]
    lines = lines.drop_duplicates(["file", "row", "column"])
    return lines.sort_values(["file", "row"], ignore_index=True)


def _lines(places: pd.DataFrame, value: object, reasons: list[Reason]) -> pd.DataFrame:
    return places.assign(
        value=value, rule=[r.rule for r in reasons], params=[r.json for r in reasons]
    )
