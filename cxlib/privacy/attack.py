"""An attacker who tries to work out hidden cells from all that a run publishes.

    leaks = recovered({"24": Shown(answers, wave, where)}, earlier={"monday/24": Shown(...)})
    print(leaks[0])                # severity=Severity 3 (24 standards_by_severity): ...

Counts are cells of populations: tables that agree on the cells they share count the same people.
Of each population the sums of groups are equations, what a table says of a hidden cell ("<10", a
curve that begins with so many) are bounds, and a linear program gives the least and the most that
a hidden cell can be. It is disclosed when these are closer than the protection level (Hundepool et
al. 2012, Statistical Disclosure Control, ch. 4.2). Verdicts of hidden rows, sums that carry on
through them, rates, pages that lack few people of others, and sentences are looked at as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cxlib.core import context
from cxlib.privacy import combined, cross_page, disclosure, leaks
from cxlib.privacy.cross_page import Exposure, Mark, Shown
from cxlib.privacy.leaks import Leak
from cxlib.privacy.published_counts import (
    TERMS,
    Bounds,
    Cell,
    Pair,
    Slice,
    condition,
    slices_of,
    tables_of,
)

Sum = tuple[set[Cell], float, str]  # hidden cells, what they add up to, how that is known
UNSEEN = "if nobody has seen that run, `cx prune --forget {run}`"
ALIKE = 2  # counts that tables share, from which they are taken to count the same people


def recovered(
    pages: Mapping[str, Shown],
    earlier: Mapping[str, Shown] | None = None,
    texts: Iterable[tuple[str, str]] = (),
    levels: combined.Levels = lambda _column: None,
    older: Mapping[str, Shown] | None = None,
) -> list[Leak]:
    """What a reader of the pages, and of those published earlier, can work out of small groups.

    Parameters
    ----------
    pages : of the run, by name, in one language
    earlier : those of other runs of the same study and data
    texts : (page, what it says) of all that is no table
    levels : the values of a column of the data, and whether any is missing; None where unknown
    older : pages of runs of other data, whose waves may be as they were

    Returns
    -------
    The leaks, each cell once, by their cells.

    References
    ----------
    Hundepool et al. (2012), Statistical Disclosure Control, ch. 4 and 5.

    Examples
    --------
    >>> record, columns = {"name": "a", "unit": "", "tables": {}}, ["term", "estimate", "n"]
    >>> regions = [["east", "nps", 7.0, 40], ["west", "nps", 6.0, 53], ["islet", "nps", None, None]]
    >>> of = {"region": {"columns": ["region", *columns], "rows": regions}}
    >>> of["region"]["hidden"] = [{"row": 2, "why": "small"}]
    >>> of["all"] = {"columns": columns, "rows": [["nps", 6.5, 97]]}
    >>> [leak.cell for leak in recovered({"10": Shown({k: record | {"table": of[k]} for k in of})})]
    ['region=islet']
    """
    if (least := context.current().smallest_cell) < 2:
        return []
    earlier = earlier or {}
    tables = list(tables_of(pages))
    slices = list(slices_of([*tables, *tables_of(earlier)], least))
    found = [
        *leaks.in_tables(tables),
        *(leak for people in _populations(slices) for leak in people.leaks(least)),
        *leaks.printed(tables, texts),
        *_beside(pages, earlier),
    ]
    found = found or list(combined.leaks(pages, earlier, levels, older))
    unique = {leak.cell: leak for leak in reversed(found)}
    return [unique[cell] for cell in sorted(unique)]


def complements_shown(pages: Mapping[str, Shown]) -> dict[str, Exposure]:
    """Groups that one table hides for the sake of a small one, and another shows, by page.

    Tables of other rows have other complements: one of the waves before the latest lists no small
    wave, and shows the wave that all others hide with it. Found are those that give a hidden cell
    away.

    Examples
    --------
    >>> about, columns = {"name": "a", "unit": "", "tables": {}}, ["wave", "term", "estimate", "n"]
    >>> waves = [["Q1", "nps", 7.0, 40], ["Q2", "nps", 6.0, 53], ["Q3", "nps", 6.0, 45]]
    >>> kept = {"columns": columns, "rows": waves}
    >>> away = [["Q3", "nps", None, None], ["Q4", "nps", None, None]]
    >>> why = [{"row": 2, "why": "complement"}, {"row": 3, "why": "small"}]
    >>> hides = {"columns": columns, "rows": [*waves[:2], *away], "hidden": why}
    >>> all_ = {"columns": columns[1:], "rows": [["nps", 6.5, 142]]}
    >>> answers = {str(i): about | {"table": t} for i, t in enumerate((kept, hides, all_))}
    >>> complements_shown({"12": Shown(answers)})["12"].complements
    frozenset({(('Q3',), 45)})
    """
    if (least := context.current().smallest_cell) < 2:
        return {}
    found: set[tuple[Cell, float]] = set()
    for people in _populations(list(slices_of(list(tables_of(pages)), least))):
        both = people.hidden.keys() & people.counts.keys()
        if both and any(people.leaks(least)):
            found |= {(cell, people.counts[cell]) for cell in both}
    shown = {}
    for name, page in pages.items():
        own, _rest = condition(page.where)
        marks = {(_levels(cell - own), n) for cell, n in found if own < cell}
        away = Exposure(complements=frozenset(marks))
        tables = (t for r in page.answers.values() for _, t in cross_page.tables_of(r))
        if any(away.rows(table, "") for table in tables):
            shown[name] = away
    return shown


def grown(pages: Mapping[str, Shown], before: Mapping[str, Shown], run: str) -> list[Leak]:
    """What was shown of everybody and of groups to which too few have come since an earlier run.

    That everybody is too few is said alone. Groups are hidden before (`disclosure.hidden`); found
    here are those that a page shows all the same.
    """
    least, groups = context.current().smallest_cell, list[Leak]()
    how = f"subtract run {run}: fewer than {least} rows have come or gone since"
    cure = f"Publish when {least} have come; {UNSEEN.format(run=run)}"
    for name in sorted(pages.keys() & before.keys()):
        now, then = (_everybody(p[name]) for p in (pages, before))
        for key in sorted(now.keys() & then.keys()):
            if 0 < abs(now[key] - then[key]) < least:
                return [Leak(f"{name} ({key[2]})", how, cure)]
        cells, old = (cross_page.cells_of(p[name].answers.values()) for p in (pages, before))
        for place in cells.keys() & old.keys():
            if 0 < abs(cells[place] - old[place]) < least:
                _unit, part, pairs, term, _time = place
                said = ", ".join([*(f"{c}={v}" for c, v in pairs), f"term={term}"])
                groups.append(Leak(said, f"{how} ({name.split('_')[0]} {part})", cure))
    return sorted(groups, key=str)


def by_few(
    pages: Mapping[str, Shown], before: Mapping[str, Shown], run: str, *, grown: bool
) -> list[Leak]:
    """Cells of which the rows differ from those of an earlier run by few customers.

    However many these rows are. `grown` where the data are others, else the conditions are. That
    everybody's do is said alone.
    """
    least, found = context.current().smallest_cell, dict[str, Leak]()
    cure = f"Publish when {least} have" if grown else "Drop the condition of one page"
    few: dict[tuple[int, int], frozenset[str]] = {}
    counts = [
        {n: cross_page.counts_of(p.answers.values()) for n, p in of.items()}
        for of in (pages, before)
    ]
    for name, page in pages.items():
        for other, shown in before.items():
            sets = id(page.people), id(shown.people)
            if sets not in few:
                few[sets] = cross_page.differ_by_few(page.people, shown.people)
            mine, theirs = counts[0][name], counts[1][other]
            for key in sorted(cross_page.changed_by_few(mine, theirs, few[sets])):
                said = ", ".join([*(f"{c}={v}" for c, v in key[1]), f"term={key[2]}"])
                how = f"its rows in {name} and in {other} of run {run} differ by those of too few "
                leak = Leak(f"{said}", f"{how}customers", f"{cure}; {UNSEEN.format(run=run)}")
                found.setdefault(said, leak)
    every = [leak for said, leak in found.items() if said.startswith("term=")]  # of no group
    return every[:1] or [found[said] for said in sorted(found)]


def _everybody(page: Shown) -> dict[cross_page.Key, float]:
    """The cells of a page that count most, of those without groups."""
    counts = cross_page.counts_of(page.answers.values())
    whole = {key: max(n for n, _ in seen) for key, seen in counts.items() if not key[1]}
    return {key: n for key, n in whole.items() if n == max(whole.values())}


def _beside(pages: Mapping[str, Shown], earlier: Mapping[str, Shown]) -> Iterator[Leak]:
    """Cells that lack fewer people than the smallest cell of the same cell in an earlier run."""
    for name, page in pages.items():
        mine = cross_page.counts_of(page.answers.values())
        for other, before in earlier.items():
            rows = (page.wave, page.where), (before.wave, before.where)
            wider = cross_page.within(*rows)
            nested = wider or cross_page.within(*rows[::-1])
            if not nested or not page.may_count_with(before.tables):
                continue
            counts = mine, cross_page.counts_of(before.answers.values())
            wave = cross_page.one_wave(*(rows if wider else rows[::-1]))
            if close := sorted(cross_page.clash(*(counts if wider else counts[::-1]), wave)):
                cell = ", ".join(f"{c}={v}" for c, v in close[0][1]) or f"{name} ({close[0][2]})"
                how = f"its rows in {name} and in {other} differ by too few"
                run = other.rpartition("/")[0]
                cure = "Drop the condition of one page"
                yield Leak(cell, how, f"{cure}; {UNSEEN.format(run=run)}" if run else cure)


@dataclass
class Population:
    """Counts of the same people from all tables that agree."""

    counts: dict[Cell, float] = field(default_factory=dict)
    hidden: dict[Cell, Bounds] = field(default_factory=dict)
    estimates: dict[Cell, float] = field(default_factory=dict)
    slices: list[Slice] = field(default_factory=list)
    below: dict[Cell, set[Cell]] = field(default_factory=dict)

    def agrees(self, other: Slice) -> bool:
        """Whether no cell is counted differently."""
        return all(self.counts.get(c, n) == n for c, n in other.counts.items() if c)

    def shares(self, other: Slice) -> int:
        """How many groups both count alike."""
        return sum(bool(c) and self.counts.get(c) == n for c, n in other.counts.items())

    def add(self, other: Slice) -> None:
        """Put in what another table counts."""
        self.counts |= {c: n for c, n in other.counts.items() if c}
        if not self.slices or other.key == self.slices[0].key:  # else it measures something else
            self.estimates |= other.estimates
        for cell, (low, high) in other.hidden.items():
            before = self.hidden.get(cell, (0.0, np.inf))
            self.hidden[cell] = max(low, before[0]), min(high, before[1])
        for above, units in other.below.items():
            self.below.setdefault(above, set()).update(units)
        self.slices.append(other)

    def totals(self, group: Cell) -> set[tuple[float, float | None]]:
        """The n and estimate of all rows of the group, as tables have them."""
        if group:
            known = self.counts.get(group)
            return {(known, None)} if known is not None else set()
        every = frozenset[Pair]()
        return {(s.counts[every], s.estimates.get(every)) for s in self.slices if every in s.counts}

    def lines(self) -> dict[tuple[Cell, str], set[Cell]]:
        """The groups of each column, the other columns alike."""
        found: dict[tuple[Cell, str], set[Cell]] = {}
        for cell in {*self.counts, *self.hidden}:
            for pair in cell:
                found.setdefault((cell - {pair}, pair[0]), set()).add(cell)
        return found

    def nested(self, unknown: Mapping[Cell, Bounds]) -> Iterator[Sum]:
        """What units of a tree add up to; hidden ones are taken for those that make them up."""
        how = "the units of a tree and their sum"

        def parts(unit: Cell) -> tuple[set[Cell], float]:
            if unit not in unknown:
                return set(), self.counts.get(unit, 0.0)
            if not (below := self.below.get(unit)):
                return {unit}, 0.0
            found = [parts(u) for u in below]
            return set().union(*(away for away, _n in found)), sum(n for _away, n in found)

        for above, units in self.below.items():
            if not units:
                continue
            found = [parts(u) for u in units]
            away, shown = set().union(*(a for a, _n in found)), sum(n for _a, n in found)
            if above in unknown and not away:
                yield {above}, shown, how
            for total, _estimate in self.totals(above) if away else ():
                yield away, total - shown, how

    def leaks(self, least: int) -> Iterator[Leak]:
        """The hidden cells that the sums tell."""
        unknown = {c: ends for c, ends in self.hidden.items() if c not in self.counts}
        sums = list(self.nested(unknown))
        for (rest, column), line in self.lines().items():
            if self.below and column == "unit":
                continue  # groups of several levels do not add up to all
            away = line & unknown.keys()
            shown = sum(self.counts[c] for c in line - away)
            values = [self.estimates[c] for c in line - away if c in self.estimates]
            for total, estimate in self.totals(rest) if away else ():
                if cross_page.is_of(estimate, values):
                    sums.append((away, total - shown, f"the groups of {column} and their total"))
            for s in self.slices if away else ():
                if s.whole and line <= {*s.counts, *s.hidden}:
                    sums.append((away, round(s.whole - shown), f"the shares of {column}"))
        for cell, how in _narrow(sums, unknown, disclosure.protection(least)):
            yield Leak(_said(cell), f"{how} give it away ({self._places(cell)})")

    def _places(self, cell: Cell) -> str:
        """The tables that name groups of the same columns, or count everybody."""
        columns, every = {c for c, _level in cell}, frozenset[Pair]()
        most = max((s.counts.get(every, 0.0) for s in self.slices), default=0.0)
        found = [
            s.source
            for s in self.slices
            if (most and s.counts.get(every) == most)
            or any({c for c, _level in other} & columns for other in (*s.counts, *s.hidden))
        ]
        return ", ".join(list(dict.fromkeys(found))[:6])


def _said(cell: Cell) -> str:
    return ", ".join(f"{column}={level}" for column, level in sorted(cell))


def _populations(slices: list[Slice]) -> list[Population]:
    """The tables put together: those of one term, and those whose counts agree."""
    found: list[Population] = []
    by_key: dict[tuple[Any, ...], list[Population]] = {}
    for s in sorted(slices, key=lambda s: -len(s.counts)):
        mine = next((p for p in by_key.get(s.key, []) if p.agrees(s)), None)
        if mine is None:
            mine = Population()
            found.append(mine)
            by_key.setdefault(s.key, []).append(mine)
        mine.add(s)
    found = [p for p in found if p.hidden]
    counted: dict[Mark, list[Slice]] = {}
    for s in slices:
        for mark in _marks(s.counts):
            counted.setdefault(mark, []).append(s)
    for people in found:
        alike = Counter(id(s) for mark in _marks(people.counts) for s in counted[mark])
        for s in slices:
            if alike[id(s)] >= ALIKE and s not in people.slices:
                other = _renamed(s, people)
                if people.shares(other) >= ALIKE and people.agrees(other):
                    people.add(other)
    return found


def _marks(counts: Mapping[Cell, float]) -> list[Mark]:
    """Levels and how many they are, whatever their columns are called."""
    return [(_levels(cell), n) for cell, n in counts.items() if cell]


def _levels(cell: Cell) -> tuple[str, ...]:
    return tuple(sorted(level for _column, level in cell))


def _renamed(s: Slice, people: Population) -> Slice:
    """The slice with its terms as levels of the column that has as many people in them."""
    if s.key[-1] != TERMS:
        return s
    votes: dict[str, int] = {}
    counts = {level: n for cell, n in s.counts.items() for column, level in cell if column == TERMS}
    for cell, n in people.counts.items():
        for column, level in cell if len(cell) == 1 else ():
            if counts.get(level) == n:
                votes[column] = votes.get(column, 0) + 1
    best = max(votes, key=lambda c: votes[c], default=TERMS)

    def named(cells: dict[Cell, Any]) -> dict[Cell, Any]:
        return {
            frozenset((best if c == TERMS else c, level) for c, level in cell): v
            for cell, v in cells.items()
        }

    return Slice(s.source, s.key, named(s.counts), named(s.hidden))


def _narrow(
    sums: list[Sum], unknown: Mapping[Cell, Bounds], protection: float
) -> Iterator[tuple[Cell, str]]:
    """The cells whose least and most, given the sums, lie too close; and the sum that tells.

    Sums that cannot hold beside the others may be of other people: they are looked at alone.
    """
    together: list[Sum] = []
    alone: list[list[Sum]] = []
    for one in sums:
        if _range([*together, one], unknown, next(iter(one[0]))) is not None:
            together.append(one)
        else:
            alone.append([one])
    for kept in (together, *alone):
        for cell in {c for away, *_ in kept for c in away}:
            if unknown[cell][0] >= context.current().smallest_cell:
                continue  # large enough to be shown
            ends = _range(kept, unknown, cell)
            if ends is not None and ends[1] > 0 and ends[1] - ends[0] < protection - 1e-6:
                yield cell, next(how for away, _rest, how in kept if cell in away)


def _range(sums: list[Sum], unknown: Mapping[Cell, Bounds], cell: Cell) -> Bounds | None:
    """The least and the most that a cell can be; None where the sums contradict each other."""
    from scipy.optimize import linprog

    reached, size = {cell}, 0
    while len(reached) > size:  # the cells that sums connect with it
        size = len(reached)
        reached |= {c for away, *_ in sums if away & reached for c in away}
    cells = sorted(reached, key=sorted)
    rows = [(away, rest) for away, rest, _how in sums if away & reached]
    a = np.array([[c in away for c in cells] for away, _rest in rows], float)
    b, goal = np.array([rest for _away, rest in rows]), np.array([c == cell for c in cells], float)
    ends = [(low, None if np.isinf(high) else high) for low, high in (unknown[c] for c in cells)]
    found = [linprog(sign * goal, A_eq=a, b_eq=b, bounds=ends) for sign in (1, -1)]
    if any(f.status == 2 for f in found):
        return None
    least, most = (f.fun if f.status == 0 else np.inf for f in found)
    return least, -most if np.isfinite(most) else np.inf
