"""What pages with several conditions tell together, by sums and differences of their rows.

    list(leaks({"10": now}, {"monday/10": before, "tuesday/10": other}))

Everybody, `region <> 'North'` and `region <> 'South'` are three pages of many people; the last two
less the first are the customers of all other regions. The conditions of all pages cut the rows into
atoms. A page counts a sum of atoms, so that a set of atoms is disclosed where it lies in the row
space of the counts that are published (Hundepool et al. 2012, Statistical Disclosure Control,
ch. 4.2.1), and its people are too few where those counts, combined alike, come to fewer than the
smallest cell. Groups of a page by a column of a condition count as such conditions.

Conditions are read, not executed: their parts joined by AND, of one column each (=, <>, IN, IS
NULL, <, BETWEEN and their opposites); any other part cuts the rows in two of its own. Waves are
compared by `cross_page`. Of more than `MOST` atoms, conditions of each two columns are combined.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, pairwise, product
from typing import Any

import numpy as np

from cxlib.core import context
from cxlib.privacy import cross_page, sketches
from cxlib.privacy.cross_page import Shown
from cxlib.privacy.leaks import Leak
from cxlib.privacy.published import digest
from cxlib.privacy.sketches import Sketch, Sketches

MOST = 256  # atoms that are combined at once
SUBSETS = 10  # atoms of which all sets are looked at; of more, single ones and pairs
WAVE = "wave"
NULL, REST = "missing", "others"  # a missing value, and the values that no condition names
Levels = Callable[[str], "tuple[set[str], bool] | None"]  # of a column; whether any is missing
Asked = frozenset["Part"]

_VALUE = r"(?:'(?:[^']|'')*'|[-+]?[#\w.]+)"
_COLUMN = r"\"?(?P<column>\w+)\"?"
_BETWEEN = re.compile(rf"(\"?\w+\"?)\s+between\s+({_VALUE})\s+and\s+({_VALUE})", re.I)
_SIMPLE = re.compile(
    rf"{_COLUMN}\s*(?P<sign>==?|<>|!=|<=|>=|<|>)\s*(?P<value>{_VALUE})"
    rf"|\"?(?P<among>\w+)\"?\s+(?P<notin>not\s+)?in\s*\((?P<values>\s*{_VALUE}(?:\s*,\s*{_VALUE})*)\s*\)"
    r"|\"?(?P<missing>\w+)\"?\s+is\s+(?P<notnull>not\s+)?null",
    re.I,
)
_NOT = re.compile(
    r"not\b\s*(?P<bare>\w.*|\".*)|not\s*\((?P<inner>[^()]*(?:\([^()]*\))?[^()]*)\)", re.I
)
_CODED = re.compile(r"#[0-9a-f]{12}")
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Part:
    """What a part of a condition asks of a column, or of none where it is a text."""

    column: str
    kind: str  # "in", "<", "<=", "null" or "text"
    values: frozenset[str] = frozenset()
    opposite: bool = False

    def holds(self, value: str) -> bool:
        """Whether rows with the value are asked for; those without one only where it says so."""
        if self.kind == "null" or value == NULL:
            return self.kind == "null" and (value == NULL) != self.opposite
        if self.kind in ("<", "<="):
            number, end = float(value), float(next(iter(self.values)))
            return (number < end or self.kind == "<=" and number == end) != self.opposite
        return (value in self.values or digest(value) in self.values) != self.opposite


def parts_of(where: str) -> Asked:
    """The parts of a condition; values that are no ends of ranges as digests.

    Examples
    --------
    >>> [part] = parts_of("region <> 'North'")
    >>> part.column, part.kind, part.opposite
    ('region', 'in', True)
    >>> parts_of("age between 20 and 30") == parts_of("age >= 20 AND not age > 30")
    True
    """
    plain = _BETWEEN.sub(r"\1 >= \2 and \1 <= \3", where)
    return frozenset(map(_part, cross_page.conditions(plain)))


def _part(text: str) -> Part:
    said = text.strip()
    if found := _NOT.fullmatch(said):
        inner = _part(found["inner"] or found["bare"])
        return Part(inner.column, inner.kind, inner.values, not inner.opposite)
    found = _SIMPLE.fullmatch(said)
    if found and found["missing"]:
        return Part(found["missing"].lower(), "null", opposite=bool(found["notnull"]))
    if found and found["among"]:
        values = frozenset(map(_value, re.findall(_VALUE, found["values"])))
        return Part(found["among"].lower(), "in", values, bool(found["notin"]))
    if found and found["sign"] in ("=", "==", "<>", "!="):
        opposite = found["sign"] in ("<>", "!=")
        return Part(found["column"].lower(), "in", frozenset([_value(found["value"])]), opposite)
    if found:
        kind = {"<": "<", ">=": "<", "<=": "<=", ">": "<="}[found["sign"]]
        column, opposite = found["column"].lower(), found["sign"] in (">", ">=")
        if _NUMBER.fullmatch(found["value"]):
            return Part(column, kind, frozenset([f"{float(found['value']):g}"]), opposite)
        return Part(f"{column} {kind} {found['value']}", "text", frozenset(["yes"]), opposite)
    return Part(" ".join(said.lower().split()), "text", frozenset(["yes"]))


def _value(text: str) -> str:
    """The digest of a value of a condition, which may be one."""
    bare = text[1:-1].replace("''", "'") if text[:1] == "'" else text
    if _CODED.fullmatch(bare):
        return bare[1:]
    return digest(_plain(bare))


def _level(name: str) -> str:
    """The digest of a group of a table, which may be one."""
    return name if re.fullmatch("[0-9a-f]{12}", name) else digest(_plain(name))


def _plain(value: str) -> str:
    """A number as conditions and tables alike may write it; a text as it is."""
    return f"{float(value):g}" if _NUMBER.fullmatch(value) else value


def leaks(
    pages: Mapping[str, Shown],
    earlier: Mapping[str, Shown],
    levels: Levels = lambda _: None,
    older: Mapping[str, Shown] | None = None,
) -> Iterator[Leak]:
    """Sets of too few people that the pages tell, alone or with those published earlier.

    Parameters
    ----------
    pages : of the run, by name
    earlier : of other runs of the same data, as "run/page"
    levels : the values of a column, and whether any is missing; None where they are not known, so
        that other values than those of the conditions are thought to be there
    older : of runs of other data, the newest first; of them count the waves that are as they were,
        as far as the other pages tell
    """
    counted = [_page(name, page, name in pages) for name, page in {**earlier, **pages}.items()]
    counted = [*_unchanged(older or {}, counted), *counted]
    columns = sorted({part.column for page in counted for part in page.asked})
    if len({page.asked for page in counted}) < 2:
        return
    known = {column: levels(column) for column in columns}
    for some in _together(columns, counted, known):
        mine = [page for page in counted if {part.column for part in page.asked} <= set(some)]
        equations = _equations(mine, some, known)
        yield from _told(equations, _atoms(some, _parts(equations), known, missing=True))
        if any(known[column] is None for column in some):  # perhaps none is missing
            yield from _told(equations, _atoms(some, _parts(equations), known, missing=False))


@dataclass(frozen=True)
class Page:
    """What a page asks for, its waves apart, and what it counts."""

    name: str
    asked: Asked
    waves: object
    cells: Mapping[cross_page.Cell, float]
    new: bool
    people: Mapping[str, dict[str, Sketch]]  # by groups, then by table


def _page(name: str, shown: Shown, new: bool) -> Page:
    parts = parts_of(shown.where)
    waves = frozenset(part for part in parts if part.column == WAVE)
    cells = cross_page.cells_of(shown.answers.values())
    people = _by_groups(shown.people)
    return Page(name, parts - waves, (shown.wave, waves), cells, new, people)


def _by_groups(people: Sketches) -> dict[str, dict[str, Sketch]]:
    found: dict[str, dict[str, Sketch]] = {}
    for (table, groups), sketch in people.items():
        found.setdefault(groups, {})[table] = sketch
    return found


def _unchanged(older: Mapping[str, Shown], pages: Sequence[Page]) -> Iterator[Page]:
    """Pages of other data with their cells of waves of which no page at hand counts otherwise."""
    known: dict[object, float] = {
        (_stem(p), p.asked, p.waves, c): n for p in pages for c, n in p.cells.items()
    }
    for name, shown in older.items():
        page = _page(name, shown, new=False)
        of = {cell: _wave_of(page, cell) for cell in page.cells}
        same = {cell: (_stem(page), page.asked, page.waves, cell) for cell in page.cells}
        changed = {of[c] for c, n in page.cells.items() if known.get(same[c], n) != n}
        kept = {c: n for c, n in page.cells.items() if of[c] and of[c] not in changed}
        known |= {same[c]: n for c, n in kept.items()}
        yield replace(page, cells=kept)


def _stem(page: Page) -> str:
    return page.name.rpartition("/")[2].partition(".")[0]


def _wave_of(page: Page, cell: cross_page.Cell) -> object:
    """The wave that a cell of the page is of, alone; None where it is of all."""
    said = [level for column, level in cell[2] if column.lower() == WAVE]
    return said[0] if said else page.waves if page.waves != ("", frozenset()) else None


def _together(
    columns: Sequence[str], pages: Sequence[Page], known: Mapping[str, Any]
) -> list[tuple[str, ...]]:
    """The columns whose conditions are combined: all, or each two where they make many atoms."""
    parts = _parts(_equations(pages, columns, known))
    for size in (len(columns), 2, 1):
        found = list(combinations(columns, size))
        sizes = [[len(_classes(c, parts, known, missing=True)) for c in some] for some in found]
        if max(np.prod(of, dtype=float) for of in sizes) <= MOST:
            break
    return found


Atom = tuple[tuple[str, str], ...]  # of each column a value that stands for others


def _atoms(
    columns: Sequence[str], parts: set[Part], known: Mapping[str, Any], *, missing: bool
) -> list[Atom]:
    sizes = [_classes(column, parts, known, missing=missing) for column in columns]
    return [tuple(zip(columns, values, strict=True)) for values in product(*sizes)]


def _parts(equations: Mapping[Any, Sums]) -> set[Part]:
    return {part for sums in equations.values() for asked in sums.n for part in asked}


@dataclass
class Sums:
    """What was published of one number: how many, by what was asked for."""

    n: dict[Asked, float] = field(default_factory=dict)
    new: set[Asked] = field(default_factory=set)
    pages: dict[Asked, str] = field(default_factory=dict)
    people: dict[Asked, Mapping[str, Sketch]] = field(default_factory=dict)
    alike: bool = True


def _equations(
    pages: Sequence[Page], columns: Sequence[str], known: Mapping[str, Any]
) -> dict[tuple[Any, ...], Sums]:
    """The counts of the same number, groups by columns of conditions taken for conditions."""
    found: dict[tuple[Any, ...], Sums] = {}
    for page in sorted(pages, key=lambda page: page.new):  # what is known already comes first
        stem = _stem(page)
        for (unit, part, pairs, term, time), n in page.cells.items():
            more, rest = set(), []
            for column, level in pairs:
                values = known.get(column.lower())
                if column.lower() in columns and (values is None or level in values[0]):
                    more.add(Part(column.lower(), "in", frozenset([_level(level)])))
                else:
                    rest.append((column, level))
            asked = page.asked | more
            sums = found.setdefault((stem, unit, part, tuple(rest), term, time, page.waves), Sums())
            if asked not in sums.n:
                sums.n[asked], sums.pages[asked] = n, page.name
                sums.people[asked] = page.people.get(sketches.groups_key(pairs), {})
                if page.new:
                    sums.new.add(asked)
            elif sums.n[asked] != n:
                sums.alike = False  # it counts otherwise on other pages
    return found


def _told(equations: Mapping[tuple[Any, ...], Sums], atoms: Sequence[Atom]) -> Iterator[Leak]:
    """The sets of too few people that lie in the row space of what was published."""
    least = context.current().smallest_cell
    ways: dict[object, list[tuple[np.ndarray, np.ndarray]]] = {}
    for (_stem, _unit, part, rest, term, *_more), sums in equations.items():
        if len(sums.n) < 2 or not sums.new or not sums.alike:
            continue
        asked = sorted(sums.n, key=repr)
        fresh = np.array([a in sums.new for a in asked])
        key = tuple(asked), fresh.tobytes()
        if key not in ways:
            ways[key] = _combinations(asked, fresh, atoms)
        n = np.array([sums.n[a] for a in asked])
        values = [float(way @ n) for way, _atoms in ways[key]]
        if min(values, default=0.0) < -0.5:  # these do not count the same people
            continue
        for (way, away), value in zip(ways[key], values, strict=True):
            if 0.5 < value < least - 0.5 or (value > 0.5 and _of_few(way, asked, sums, least)):
                used = sorted(
                    {sums.pages[a] for a, w in zip(asked, way, strict=True) if abs(w) > 1e-9}
                )
                yield _leak(
                    part, rest, term, [atoms[i] for i in np.flatnonzero(away).tolist()], used
                )
                break


def _of_few(way: np.ndarray, asked: Sequence[Asked], sums: Sums, least: int) -> bool:
    """Whether what these weights leave are rows of fewer people than the smallest cell."""
    used = [(w, sums.people[a]) for w, a in zip(way, asked, strict=True) if abs(w) > 1e-9]
    weights = np.array([w for w, _people in used])
    for table in set(used[0][1]).intersection(*(people for _w, people in used)):
        some = np.array([people[table] for _w, people in used])
        if 0 < (sketches.combined(weights, some) or 0) < least:
            return True
    return False


def _combinations(
    asked: Sequence[Asked], fresh: np.ndarray, atoms: Sequence[Atom]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """(weights of the counts, atoms they leave): the sets that new counts help to tell."""
    rows = np.array(
        [
            [all(p.holds(v) for c, v in atom for p in a if p.column == c) for atom in atoms]
            for a in asked
        ],
        float,
    ).reshape(len(asked), len(atoms))
    cells, of = np.unique(rows, axis=1, return_inverse=True)  # atoms that no count tells apart
    nobody = np.array(
        [
            all(NULL in dict(atom).values() for atom in _at(atoms, of, i))
            for i in range(cells.shape[1])
        ]
    )
    places = [i for i in range(cells.shape[1]) if cells[:, i].any()]
    sizes = range(1, len(places) + 1) if len(places) <= SUBSETS else (1, 2)
    sets = [list(some) for k in sizes for some in combinations(places, k)]
    wanted = np.zeros((len(sets), cells.shape[1]))
    for row, some in zip(wanted, sets, strict=True):
        row[some] = 1
    wanted = wanted[~(wanted[:, ~nobody] == 0).all(1)]  # people without a group are none
    weights = wanted @ np.linalg.pinv(cells)
    inside = np.abs(weights @ cells - wanted).max(1) < 1e-7
    if (old := cells[~fresh]).size:
        before = np.abs(wanted @ np.linalg.pinv(old) @ old - wanted).max(1) < 1e-7
        inside &= ~before
    return [(w, s[of] > 0) for w, s in zip(weights[inside], wanted[inside], strict=True)]


def _at(atoms: Sequence[Atom], of: np.ndarray, place: int) -> list[Atom]:
    return [atom for atom, where in zip(atoms, of.ravel(), strict=True) if where == place]


def _classes(
    column: str, parts: Iterable[Part], known: Mapping[str, Any], *, missing: bool
) -> list[str]:
    """Values of the column that stand for all, as far as the conditions tell them apart."""
    mine = sorted((part for part in parts if part.column == column), key=repr)
    ends = sorted({float(v) for part in mine if part.kind in ("<", "<=") for v in part.values})
    if any(part.kind == "text" for part in mine):
        found = ["yes", "no"]
    elif known[column] is not None:
        values, missing = known[column]
        found = [v for v in map(_plain, values) if not ends or _NUMBER.fullmatch(v)]
    elif ends:
        gaps = [(a + b) / 2 for a, b in pairwise(ends)]
        found = [f"{v:g}" for v in [ends[0] - 1, *ends, *gaps, ends[-1] + 1]]
    else:
        found = [*sorted({v for part in mine for v in part.values}), REST]
    told: dict[tuple[bool, ...], str] = {}
    for value in found:
        told.setdefault(tuple(part.holds(value) for part in mine), value)
    return [*told.values(), *([NULL] if missing else [])]


def _leak(
    part: str,
    rest: Iterable[tuple[str, str]],
    term: str,
    atoms: Sequence[Atom],
    used: Sequence[str],
) -> Leak:
    columns = sorted({column for atom in atoms for column, _value in atom})
    cell = ", ".join([f"a part by {' and '.join(columns)}", *(f"{c}={v}" for c, v in rest)])
    how = f"the conditions of {', '.join(used)}, added and subtracted, give it away"
    runs = sorted({name.rpartition("/")[0] for name in used} - {""})
    cure = "Drop the condition of one page"
    if runs:
        forget = " and ".join(f"`cx prune --forget {run}`" for run in runs)
        cure += f"; if nobody has seen one of these runs, {forget}"
    return Leak(f"{cell}, term={term}", f"{how} ({part})", cure)
