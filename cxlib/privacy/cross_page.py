"""What answers tell of each other: on one page, and on pages of one run that can be subtracted.

    hide_within_page(notebook)                 # hides groups that a total kept elsewhere gives away
    found = exposures({"10": Shown(answers, wave, where), ...})
    found["10"].hide(notebook)            # what other pages of the run would give away

Two rules. A total less the groups shown must be nobody, or enough people. And where one page is
about some of the rows of another, each cell must lack nobody of the other's, or enough people: of
the narrower page such cells are hidden, with others where they could be worked out, and the whole
page where everybody's count is such a cell.

Whether a page is about rows of another is read from its wave and its condition: the wider has no
condition, or asks for a part of what the narrower asks, or both speak of the same columns. Pages
of other runs are not changed for each other, or the same inputs would not make the same page; a
run that tells of few people beside an earlier one is not published (`privacy.attack`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from cxlib.core import context
from cxlib.core.finding import Finding
from cxlib.core.i18n import _
from cxlib.privacy import disclosure, sketches
from cxlib.privacy.sketches import Sketches

if TYPE_CHECKING:  # notebooks import this module and none of nbformat
    from nbformat import NotebookNode

Key = tuple[str, tuple[tuple[str, str], ...], str]  # unit, ((column, group), ...), term
Rows = tuple[str, str]  # wave, condition
Seen = tuple[float, float | None]  # n, estimate
Counts = dict[Key, set[Seen]]  # of every cell that is shown
Mark = tuple[tuple[str, ...], float]  # levels and how many they are, whatever their columns

AUDIT = "cxlab_audit"
NESTED = {"parent", "relation"}  # columns of a table with units and those that make them up
UNGROUPED = "ungrouped"  # of a kept table: how many rows have no group
MIME = "application/vnd.cxlab.answer+json"  # of a kept answer in a notebook
FIGURES = ("image/svg+xml", "image/png", "image/jpeg")
NAMED = re.compile(r"\"([^\"]+)\"|\b(?!(?:and|or|not|in|is|null|like|between)\b)([a-z_]\w*)", re.I)
EQUALS = re.compile(r"\"?(\w+)\"?\s*=\s*('(?:[^']|'')*'|[\d.]+)", re.I)


@dataclass(frozen=True)
class Shown:
    """What a page shows, and of which rows."""

    answers: Mapping[str, dict[str, Any]]
    wave: str = ""
    where: str = ""
    title: str = ""
    tables: frozenset[str] = frozenset()  # what it needs of the data; empty where unknown
    # of each table and group, where known: tells by how many customers others differ
    people: Sketches = field(default_factory=dict, compare=False, repr=False)

    def may_count_with(self, tables: frozenset[str]) -> bool:
        """Whether pages of these tables may count the same rows: responses, or cases, on both."""
        return not self.tables or not tables or bool(self.tables & tables)


@dataclass(frozen=True)
class Exposure:
    """What a page gives away beside others: by totals of the same rows, by cells of more rows."""

    totals: Counts = field(default_factory=dict)
    near: frozenset[Key] = frozenset()
    grown: frozenset[Key] = frozenset()  # cells that few people changed since an earlier run
    beside: str = ""  # the page of which the whole page lacks too few
    complements: frozenset[Mark] = frozenset()  # that another table hides for a small cell

    def hide(self, notebook: NotebookNode) -> list[dict[str, str]]:
        """Take it out of the notebook; what was taken out and why, for the audit."""
        if self.beside:
            return _withhold(notebook, self.beside)
        return _taken(notebook, self.rows)

    def rows(self, table: dict[str, Any], unit: str) -> dict[int, str]:
        """The rows of a kept table to hide, and why."""
        return (
            _close(table, unit, self.grown, disclosure.GROWN)
            | _close(table, unit, self.near, disclosure.NEAR)
            | _of_totals(table, unit, self.totals)
            | _marked(table, self.complements)
        )


def hide_within_page(notebook: NotebookNode) -> list[dict[str, str]]:
    """Hide groups that a total on the same page gives away; what was hidden."""
    totals = counts_of(record for _, record in _kept(notebook))
    return _taken(notebook, lambda table, unit: _of_totals(table, unit, totals))


def exposures(pages: Mapping[str, Shown], older: Iterable[Shown] = ()) -> dict[str, Exposure]:
    """The pages that give something away beside the others, and what.

    `older` are pages of runs of other data: groups that few people changed since are hidden.
    """
    counts = {name: counts_of(shown.answers.values()) for name, shown in pages.items()}
    of_rows: dict[Rows, Counts] = {}
    of_kind: dict[tuple[Rows, frozenset[str]], Counts] = {}
    first: dict[Rows, str] = {}
    for name, shown in pages.items():
        rows = shown.wave, shown.where
        first.setdefault(rows, shown.title or name)
        kind = of_kind.setdefault((rows, shown.tables), {})
        for key, n in counts[name].items():
            of_rows.setdefault(rows, {}).setdefault(key, set()).update(n)
            kind.setdefault(key, set()).update(n)
    wider = {rows: [kind for kind in of_kind if within(rows, kind[0])] for rows in of_rows}
    few = _few_among(pages, counts)
    grown = _few_since(pages, counts, older)
    found = {}
    for name, shown in pages.items():
        rows = shown.wave, shown.where
        near, beside = few[name][0], few[name][1]
        for more, tables in wider.get(rows, ()):
            if not shown.may_count_with(tables):
                continue
            close = clash(counts[name], of_kind[more, tables], one_wave(rows, more))
            near |= close
            beside = beside or (first[more] if _everybody(counts[name]) & close else "")
        away = Exposure(of_rows.get(rows, {}), frozenset(near), grown[name], beside)
        if beside or any(
            away.rows(t, r["unit"]) for r in shown.answers.values() for _, t in tables_of(r)
        ):
            found[name] = away
    return found


def changed_by_few(mine: Counts, theirs: Counts, few: Collection[str]) -> set[Key]:
    """The cells of groups `few` (by `sketches.groups_key`) whose numbers both have, and differ."""
    if not few:
        return set()
    both = mine.keys() & theirs.keys()
    return {key for key in both if mine[key] != theirs[key] and sketches.groups_key(key[1]) in few}


def differ_by_few(one: Sketches, other: Sketches) -> frozenset[str]:
    """The groups of which the rows of a table differ by fewer people than the smallest cell."""
    least = context.current().smallest_cell
    both = one.keys() & other.keys()
    return frozenset(p[1] for p in both if 0 < sketches.differ(one[p], other[p]) < least)


def _few_among(
    pages: Mapping[str, Shown], counts: Mapping[str, Counts]
) -> dict[str, tuple[set[Key], str]]:
    """Of each page the cells that differ from those of another by few people, and that page.

    Of two it is the page that counts fewer, or comes later.
    """
    few: dict[tuple[int, int], frozenset[str]] = {}
    found = {name: (set[Key](), "") for name in pages}
    for name, other in combinations(pages, 2):
        one, two = pages[name], pages[other]
        if one.people is two.people or not one.people or not two.people:
            continue
        sets = id(one.people), id(two.people)  # pages of the same rows share them
        if sets not in few:
            few[sets] = differ_by_few(one.people, two.people)
        for key in changed_by_few(counts[name], counts[other], few[sets]):
            less = max(n for n, _ in counts[name][key]) < max(n for n, _ in counts[other][key])
            away, beside = (name, other) if less else (other, name)
            found[away][0].add(key)
            if key in _everybody(counts[away]):
                found[away] = found[away][0], pages[beside].title or beside
    return found


def _few_since(
    pages: Mapping[str, Shown], counts: Mapping[str, Counts], older: Iterable[Shown]
) -> dict[str, frozenset[Key]]:
    """Of each page the groups that few people changed since an earlier run."""
    found: dict[str, set[Key]] = {name: set() for name in pages}
    for before in older:
        then = counts_of(before.answers.values()) if before.people else {}
        few: dict[int, frozenset[str]] = {}
        for name, page in pages.items() if then else ():
            if id(page.people) not in few:
                few[id(page.people)] = differ_by_few(page.people, before.people)
            away = changed_by_few(counts[name], then, few[id(page.people)])
            found[name] |= {key for key in away if key[1]}
    return {name: frozenset(keys) for name, keys in found.items()}


def clash(narrow: Counts, wide: Counts, wave: str = "") -> set[Key]:
    """The cells that lack so few people of the same cell that those could be worked out.

    Where the narrow ones are of one wave and the wide ones of all: pages of all waves also say what
    the latest alone shows, of about as many people as other waves have.
    """
    least = context.current().smallest_cell
    return {
        key
        for key in narrow.keys() & wide.keys()
        if any(0 < more - less < least for more, _ in wide[key] for less, _ in narrow[key])
        and not (wave and _others_are_many(key, wide, wave, least))
    }


def one_wave(narrow: tuple[str, str], wide: tuple[str, str]) -> str:
    """The wave that the narrower (wave, condition) asks for, where the wider asks for none."""

    def asked(wave: str, where: str) -> str:
        equal = {c.lower(): v.strip("'") for c, v in EQUALS.findall(where)}
        return wave or equal.get("wave", "")

    return "" if asked(*wide) else asked(*narrow)


def _others_are_many(key: Key, wide: Counts, wave: str, least: int) -> bool:
    """Whether another wave alone has so many that nobody is worked out from a sum of all waves.

    Of questions that no table has by wave, the other questions tell.
    """
    _unit, groups, term = key
    waves: dict[str, float] = {}
    for (_other, pairs, asked), seen in wide.items():
        of = dict(pairs).get("wave", wave)
        if of != wave and set(pairs) == {*groups, ("wave", of)}:
            waves[asked] = max(waves.get(asked, 0.0), *(n for n, _ in seen))
    if term in waves:
        return waves[term] >= least
    return not groups and max(waves.values(), default=0.0) >= least


def _everybody(counts: Counts) -> set[Key]:
    """The cells without groups that count the most."""
    whole = {key: max(n for n, _ in seen) for key, seen in counts.items() if not key[1]}
    return {key for key, n in whole.items() if n == max(whole.values())}


def within(narrow: tuple[str, str], wide: tuple[str, str]) -> bool:
    """Whether the rows of one (wave, condition) may all be rows of another, as far as one reads."""
    if narrow == wide or wide[0] not in ("", narrow[0]):
        return False
    less, more = conditions(narrow[1]), conditions(wide[1])
    if more <= less:
        return True
    equal = {c.lower(): v for c, v in EQUALS.findall(" and ".join(sorted(less)))}
    apart = any(equal.get(c.lower(), v) != v for c, v in EQUALS.findall(" and ".join(sorted(more))))
    return not apart and _columns(narrow[1]) == _columns(wide[1])


def conditions(where: str) -> set[str]:
    """The parts joined by AND, outside quotes and brackets."""
    parts, depth = [""], 0
    for piece in re.findall(r"'[^']*'|\"[^\"]*\"|[()]|\band\b|\s+|[^\s()'\"]+", where, re.I):
        depth += (piece == "(") - (piece == ")")
        if piece.lower() == "and" and not depth:
            parts.append("")
        else:
            parts[-1] += " " if piece.isspace() else piece
    bare = {part.strip() for part in parts if part.strip()}
    inner = {p[1:-1] for p in bare if p[:1] == "(" and p[-1:] == ")" and p.count("(") == 1}
    return {p for p in bare if p[1:-1] not in inner}.union(*map(conditions, inner))


def _columns(where: str) -> set[str]:
    plain = re.sub(r"'(?:[^']|'')*'", "", where)
    return {(quoted or bare).lower() for quoted, bare in NAMED.findall(plain)}


def tables_of(record: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, table) of a kept answer: its own, then the further ones."""
    yield record["name"], record["table"]
    for name, table in record["tables"].items():
        yield f"{record['name']}.{name}", table


def counts_of(records: Iterable[dict[str, Any]]) -> Counts:
    """The n and estimate of every cell shown in the records; a group of everybody is no group."""
    found: Counts = {}
    for record in records:
        for _unused, table in tables_of(record):
            values = _column(table, "n"), _column(table, "estimate")
            for key, n, estimate in zip(_keys(table, record["unit"]), *values, strict=True):
                if isinstance(n, (int, float)):
                    found.setdefault(key, set()).add((n, estimate))
    return found


Cell = tuple[str, str, tuple[tuple[str, str], ...], str, Any]  # unit, table, groups, term, time


def cells_of(records: Iterable[Mapping[str, Any]]) -> dict[Cell, float]:
    """How many each row counts, where it is the only one of its table that is called so."""
    found: dict[Cell, set[float]] = {}
    for record in records:
        for part, table in tables_of(dict(record)):
            columns = table["columns"]
            if not {"n", "term"} <= set(columns):
                continue
            at, n = columns.index("term"), columns.index("n")
            time = columns.index("time") if "time" in columns else None
            for row in table["rows"]:
                if isinstance(row[n], (int, float)):
                    pairs = zip(columns[:at], map(str, row[:at]), strict=True)
                    groups = tuple(p for p in pairs if p[1] != disclosure.TOTAL)
                    moment = None if time is None else row[time]
                    cell = record["unit"], part, groups, str(row[at]), moment
                    found.setdefault(cell, set()).add(row[n])
    return {cell: seen.pop() for cell, seen in found.items() if len(seen) == 1}


def _column(table: dict[str, Any], name: str) -> list[Any]:
    if name not in table["columns"]:
        return [None] * len(table["rows"])
    place = table["columns"].index(name)
    return [row[place] for row in table["rows"]]


def _keys(table: dict[str, Any], unit: str) -> Iterator[Key]:
    columns = table["columns"]
    at = columns.index("term") if "term" in columns else 0
    for row in table["rows"]:
        pairs = zip(columns[:at], map(str, row[:at]), strict=True)
        yield unit, tuple(p for p in pairs if p[1] != disclosure.TOTAL), str(row[at]) if row else ""


def _kept(notebook: NotebookNode) -> list[tuple[NotebookNode, dict[str, Any]]]:
    return [
        (c, o.data[MIME])
        for c in notebook.cells
        for o in c.get("outputs", [])
        if MIME in o.get("data", {})
    ]


def _taken(
    notebook: NotebookNode, rows_of: Callable[[dict[str, Any], str], dict[int, str]]
) -> list[dict[str, str]]:
    """Blank the rows that `rows_of(table, unit)` names, with the figures of their cells."""
    done = []
    for cell, record in _kept(notebook):
        for part, table in tables_of(record):
            if rows := rows_of(table, record["unit"]):
                done += [{"answer": part, **what} for what in _blank(table, rows)]
                _without_figures(cell, record)
    return done


def _of_totals(table: dict[str, Any], unit: str, totals: Counts) -> dict[int, str]:
    """Rows to hide because a total less the others would be fewer than the smallest cell."""
    columns, least = table["columns"], context.current().smallest_cell
    ungrouped = table.get(UNGROUPED, 0)  # people of no group are no group that is given away
    found: dict[int, str] = {}
    if "term" not in columns[1:] or "n" not in columns:
        return found
    if NESTED & set(columns):  # groups of several levels do not add up to all
        return found
    at = columns.index("term")
    seen: dict[str, list[tuple[float, int, float | None]]] = {}
    cells = zip(table["rows"], _column(table, "n"), _column(table, "estimate"), strict=True)
    for place, (row, n, estimate) in enumerate(cells):
        if disclosure.TOTAL not in map(str, row[:at]) and isinstance(n, (int, float)):
            seen.setdefault(str(row[at]), []).append((n, place, estimate))
    for term, shown in seen.items():
        shown.sort(key=lambda cell: cell[:2])
        for total, estimate in totals.get((unit, (), term), ()):
            if not is_of(estimate, [e for _, _, e in shown if e is not None]):
                continue
            while shown and ungrouped < total - sum(n for n, _, _ in shown) < least:
                found[shown.pop(0)[1]] = disclosure.COMPLEMENT
    if not found:
        return found
    # The same n stands beside the other terms of such a group.
    n = _column(table, "n")
    taken = {(*table["rows"][place][:at], n[place]) for place in found}
    return {
        place: disclosure.COMPLEMENT
        for place, row in enumerate(table["rows"])
        if n[place] is not None and (*row[:at], n[place]) in taken
    }


def _marked(table: dict[str, Any], marks: Collection[Mark]) -> dict[int, str]:
    """The rows of groups that other tables hide; terms are groups where a table has no others."""
    columns = table["columns"]
    if not marks or not {"n", "term"} <= set(columns):
        return {}
    at = columns.index("term")
    levels = slice(at, at + 1) if not at or disclosure.ATTRIBUTE in columns else slice(0, at)
    names = [[str(v) for v in row[levels]] for row in table["rows"]]
    groups = [tuple(sorted(v for v in of if v != disclosure.TOTAL)) for of in names]
    rows = enumerate(zip(groups, _column(table, "n"), strict=True))
    return {place: disclosure.COMPLEMENT for place, mark in rows if mark in marks}


def is_of(total: float | None, groups: list[float]) -> bool:
    """Whether the groups may add up to the total: it lies among them, or not far off.

    A mean of everybody does; an effect that happens to have the unit and the term of a mean is
    another number, and no difference is to be had from it.
    """
    if total is None or not groups:
        return True
    low, high = min(groups), max(groups)
    slack = high - low + 0.1 * max(abs(low), abs(high))
    return low - slack <= total <= high + slack


def _close(table: dict[str, Any], unit: str, near: frozenset[Key], why_: str) -> dict[int, str]:
    """Rows whose cell is one of `near`, and those from which they could be worked out."""
    close = np.array([key in near for key in _keys(table, unit)], bool)
    if not close.any():
        return {}
    frame = pd.DataFrame(table["rows"], columns=table["columns"])
    before = frame["n"].isna().to_numpy()
    gone = disclosure.completed(frame, close | before)
    why = np.where(close, why_, disclosure.COMPLEMENT)
    return {int(i): str(why[i]) for i in np.flatnonzero(gone & ~before)}


def _blank(table: dict[str, Any], rows: Mapping[int, str]) -> list[dict[str, str]]:
    frame = pd.DataFrame(table["rows"], columns=table["columns"])
    why = pd.Series([rows.get(i, "") for i in range(len(frame))], dtype=object)
    names = {*disclosure.grouping(frame), "term"}
    told = disclosure.audit(frame, why)
    for place, what in zip(np.flatnonzero(why != ""), told, strict=True):
        about = {"row": int(place), "why": disclosure.COMPLEMENT, **what}
        table.setdefault("hidden", []).append(about)
        table["rows"][place] = [
            v if c in names else _wordless(c, v)
            for c, v in zip(table["columns"], table["rows"][place], strict=True)
        ]
    return told


def _wordless(column: str, value: object) -> object:
    """What stays of a value of a hidden row: words that do not follow from its numbers."""
    if column in disclosure.JUDGED:
        return ""
    return value if isinstance(value, (str, bool)) else None


def _without_figures(cell: NotebookNode, record: dict[str, Any]) -> None:
    """The figures of the cell, sentence and note, may show or name what was taken out."""
    said = _("A figure and a sentence are left out: they would give a small group away.")
    record["answer"], record["note"] = said, ""
    record["finding"] = Finding(said).record()
    cell.outputs = [
        o
        for o in cell.outputs
        if MIME in o.get("data", {})
        or not any(m in o.get("data", {}) for m in (*FIGURES, "text/html"))
    ]
    for output in cell.outputs:
        if output.get("data", {}).get(MIME) is record:
            output.data.pop("text/html", None)
            output.data["text/plain"] = said


def _withhold(notebook: NotebookNode, beside: str) -> list[dict[str, str]]:
    """Leave nothing but a sentence of what the notebook found."""
    least = context.current().smallest_cell
    said = _(
        "This page is left out: together with “{page}” of a few rows more it would give away a "
        "group of fewer than {least}.",
        page=beside,
        least=least,
    )
    nothing: dict[str, list[Any]] = {"columns": [], "rows": []}
    record: dict[str, Any] = dict.fromkeys(("name", "title", "answer", "note", "unit"), "")
    record |= {"name": "left_out", "answer": said, "draws": 0, "seed": 0}
    record |= {"table": nothing, "tables": {}}
    first = [[c for c in notebook.cells if c.cell_type == k][:1] for k in ("markdown", "code")]
    notebook.cells = [cell for cells in first for cell in cells]
    from nbformat.v4 import new_output

    notebook.cells[-1].outputs = [new_output("display_data", {"text/plain": said, MIME: record})]
    return [{"answer": "", "cell": "page", "reason": disclosure.reason(disclosure.NEAR)}]
