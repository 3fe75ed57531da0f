"""Questions with several answers: a list in one cell, or a column for each answer.

    asked = several(columns, {})
    asked.derived({"Which channels?"})   # {"which_channels: Web": "if(contains(...), 1, 0)"}

Each answer becomes a column of 1 and 0 whose name begins with that of the question; it is empty for
those who gave no answer at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cxlib.data import sql
from cxlib.data.intake.drafts import scales
from cxlib.data.intake.drafts.labels import matrix, short
from cxlib.data.intake.drafts.looking import Column, clean

SEPARATORS = ("┋", ";", "|", "\n", ", ", "，", ",")
TICKED = (
    {"1"},
    {"1", "0"},
    {"yes"},
    {"yes", "no"},
    {"y"},
    {"y", "n"},
    {"true"},
    {"true", "false"},
    {"x"},
    {"是"},
    {"是", "否"},
    {"checked"},
    {"checked", "unchecked"},
    {"ja"},
    {"ja", "nein"},
    {"selected"},
    {"not selected", "selected"},
)
NOT_TICKED = "'0', '0.0', 'no', 'n', 'false', '否', 'unchecked', 'nein', 'not selected'"
DECIMAL = re.compile(r"^[^,]*\d,\d[^,]*$")  # 4,5 Sterne
MOST = 20  # different answers that a question may offer


@dataclass
class Several:
    """The columns that belong to such questions, the expressions of their answers, labels."""

    columns: set[str] = field(default_factory=set)
    made: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)

    def derived(self, there: set[str]) -> dict[str, str]:
        """The expressions for a file that has these columns."""
        return {n: text for n, (text, needs) in self.made.items() if set(needs) <= there}


def several(columns: Mapping[str, Column], ignored: Mapping[str, str]) -> Several:
    """The questions with several answers among the columns."""
    out = Several()
    for column in columns.values():
        if found := _listed(column, ignored):
            _add_list(out, column, *found)
    blocks: dict[str, list[tuple[Column, str]]] = {}
    for column in columns.values():
        if column.name not in out.columns and (block := _ticked(column, ignored)):
            blocks.setdefault(block[0], []).append((column, block[1]))
    for stem, members in blocks.items():
        if len(members) > 1:
            _add_columns(out, stem, members, ignored)
    return out


def _listed(column: Column, ignored: Mapping[str, str]) -> tuple[str, list[str]] | None:
    """(separator, answers) of a column whose cells are lists; None when they are not."""
    counts = column.counts[[w not in ignored for w in column.counts.index]]
    if column.labels or not len(counts) > 2 or column.not_numbers < 0.2 * len(column.words):
        return None
    cells = counts.index.to_series()
    for separator in SEPARATORS:
        with_it = cells.str.contains(separator, regex=False)
        if counts[with_it.to_numpy()].sum() < 0.1 * counts.sum():
            continue
        if separator == "," and cells[with_it].str.contains(DECIMAL).all():
            continue
        split = cells.str.strip(separator).str.split(separator)
        tokens = split.explode().str.strip()
        n = counts.repeat(split.str.len()).set_axis(tokens.to_numpy()).groupby(level=0).sum()
        n = n[n.index != ""]
        sizes = n.to_numpy()
        if not 2 <= len(n) <= MOST or n.index.str.len().max() > 60 or (sizes < 2).mean() > 0.2:
            continue
        single = cells[~with_it.to_numpy()].str.strip()
        if single.isin(n.index).all() and len(n) < len(counts) + 1 and not _scale_words(n.index):
            return separator, list(n.index)
    return None


def _scale_words(tokens: Iterable[str]) -> bool:
    return scales.of_words(list(tokens)) is not None


def _add_list(out: Several, column: Column, separator: str, answers: list[str]) -> None:
    prefix, mark = short(clean(column.name)), separator.strip() or separator
    cells = f"replace('{mark}' || {sql.name(column.name)} || '{mark}', '{mark} ', '{mark}')"
    for answer in answers:
        name = f"{prefix}: {answer}"
        held = f"contains({cells}, {sql.text(mark + answer + mark)})"
        out.made[name] = (f"cast({held} as int)", (column.name,))
        out.labels[name] = answer
    out.columns.add(column.name)


def _ticked(column: Column, ignored: Mapping[str, str]) -> tuple[str, str] | None:
    """(question, answer) of a column that says only whether an answer was ticked."""
    answers = {str(w).removesuffix(".0") for w in column.counts.index if w not in ignored}
    small = {a.casefold() for a in answers}
    stem, part = _stem_of(column)
    if not stem and answers == {column.label}:
        return "chosen", column.label  # Typeform: a column is called by its answer
    if column.labels:
        named = {str(v).casefold() for v in column.labels.values()}
        if len(named) > 2 or not stem or not small <= {"0", "1", *named}:
            return None
        return (stem, part) if small <= {"0", "1"} or small in TICKED else None
    if not stem or not answers:
        return None
    own = (
        len(answers) == 1
        and (part.casefold() in small or not small & {"0"})
        and len(column.words) < len(column.cells)
    )
    if small in TICKED or (own and len(next(iter(answers))) < 60):
        return stem, part if small in TICKED else next(iter(answers))
    return None


def _stem_of(column: Column) -> tuple[str, str]:
    stem, part = matrix(column.label)
    if stem:
        return stem, part
    if found := re.fullmatch(r"(.+?)[_.$ ](\d+|[a-z])", column.name):
        return found[1], column.label if column.label != column.name else found[2]
    return "", ""


def _add_columns(
    out: Several, stem: str, members: list[tuple[Column, str]], ignored: Mapping[str, str]
) -> None:
    named = [c.name for c, _part in members]
    prefix = short(stem)
    skipped = "".join(f", {sql.text(w)}" for w in ignored)
    asked = " and ".join(f"{sql.name(n)} is null" for n in named)
    for column, part in members:
        cell = sql.name(column.name)
        off = f"lower(cast({cell} as varchar)) in ({NOT_TICKED}{skipped})"
        one = f"if({cell} is null or {off}, 0, 1)"
        name = f"{prefix}: {part}"
        out.made[name] = (f"if({asked}, null, {one})", tuple(named))
        out.labels[name] = part if len(part) < 60 else part[:58] + " …"
        out.columns.add(column.name)
