"""Small cells: which numbers of a table a reader may not see, and why. One rule for everything.

    why = hidden(table)                   # "" | "small" | "complement" for each row
    shown(table)                          # the rows of which a sentence may speak
    blanked(table, why)                   # the table without the hidden numbers
    audit(table, why)                     # what was hidden, for the record of a run
    hiding(tables)                        # those of the tables that hide rows
    tells_of_hidden(sentence, hiding)     # whether it gives a number of a hidden row

A cell is small when it counts fewer people (n; a column `people` where rows of one person are
several), or cases of a rate (a column `cases`), than the page's smallest cell. It stays unknown
only if what is hidden with it holds at least that many: along every grouping column (the rows that
differ in that column alone, beside which a total may stand), and among shares that add up to one,
the hidden cells are made two or more, and their n at least the threshold, by hiding the next
smallest (complementary suppression, Hundepool et al. 2012, Statistical Disclosure Control, ch. 4).
Tables, sentences, figures and records all ask here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _
from cxlib.privacy.published import TOTAL as TOTAL
from cxlib.privacy.published import change_since

SMALL, COMPLEMENT, NEAR, GROWN = "small", "complement", "near", "grown"
CASES = "cases"  # column that counts what a rate is of, where n counts those it is for
PEOPLE = "people"  # column that counts people, where n counts their rows
ATTRIBUTE = "attribute"  # column that names those of which the terms are groups
NOT_SHARES = ("n", "low", "high", "simultaneous_low", "simultaneous_high", CASES, PEOPLE)
MEASURES = ("term", "estimate", "low", "high", "n")
# Columns that follow from the numbers: words, times, yes or no.
JUDGED = (
    *("verdict", "signal", "first_seen", "earliest", "latest", "within", "position"),
    *("differs", "before_differs", "meets", "new"),
)
NUMBER = re.compile(r"\d(?:[\d,]*\d)?(?:\.\d+)?%?")


def hidden(table: pd.DataFrame, least: int | None = None) -> pd.Series:
    """Why each row's numbers are hidden: "small", "grown", "complement"; "" where they are shown.

    A table without a column n hides nothing. `least` is the page's smallest cell unless given.
    """
    least = context.current().smallest_cell if least is None else least
    why = pd.Series("", index=table.index, dtype=object)
    if "n" not in table or not len(table):
        return why
    small, grown = _counted(table) < least, _grown(table, least)
    if (
        not small.any()
        and not grown.any()
        and not any(table[c].isin([TOTAL]).any() for c in grouping(table))
    ):
        return why
    gone = completed(table, small | grown, least)
    why[:] = np.select([small, grown, gone], [SMALL, GROWN, COMPLEMENT], "")
    return why


def _grown(table: pd.DataFrame, least: int) -> np.ndarray:
    """Rows to which too few have come since they were published, and those that tell of them."""
    found = np.zeros(len(table), bool)
    for state in context.current().published:
        change = change_since(table, grouping(table), state)
        if ((change < least) & (change > 0)).any():
            lines = [
                (line[~np.isnan(change[line])], unlisted, missing)
                for line, unlisted, missing in _lines(table, change)
            ]
            found |= _with_complements(lines, change, (change < least) | found, least)
    return found


def shown(table: pd.DataFrame, least: int | None = None) -> pd.DataFrame:
    """The rows whose numbers a sentence may give: those that the table shows its readers."""
    return table[hidden(table, least) == ""]


def with_people(table: pd.DataFrame, people: np.ndarray) -> pd.DataFrame:
    """The table with its column `people`, where they hide other rows than n alone does.

    Examples
    --------
    >>> calls = pd.DataFrame({"term": ["fax", "web"], "n": [47, 90]})
    >>> hidden(with_people(calls, np.array([4, 60]))).tolist()
    ['small', '']
    >>> with_people(calls, np.array([40, 60])).columns.tolist()
    ['term', 'n']
    """
    n = pd.to_numeric(table["n"], errors="coerce").to_numpy(float)
    people = np.where(np.isnan(people), n, np.minimum(people, n))
    if not (people < np.minimum(n, context.current().smallest_cell)).any():
        return table
    rest = table.drop(columns=PEOPLE, errors="ignore")
    rest.insert(rest.columns.get_loc("n") + 1, PEOPLE, pd.array(people).astype("Int64"))
    return table if hidden(rest).equals(hidden(table)) else rest


def completed(table: pd.DataFrame, gone: np.ndarray, least: int | None = None) -> np.ndarray:
    """`gone`, and the rows hidden with them so that a total does not give them away."""
    least = context.current().smallest_cell if least is None else least
    n = _counted(table)
    return _with_complements(list(_lines(table, n)), n, gone, least)


def hidden_in_tree(
    n: Mapping[str, int],
    parent: Mapping[str, str],
    least: int | None = None,
    *,
    published: Iterable[str] = (),
    hidden: Iterable[str] = (),
) -> set[str]:
    """Units of a tree whose numbers are hidden, so that none follows from its parent and siblings.

    Parameters
    ----------
    n : people of each unit, those of the units below it among them; a unit that is not there has
        none
    parent : unit -> the unit it belongs to; "" at the top, whose total counts as known
    least : the page's smallest cell unless given
    published : units whose numbers stand elsewhere and cannot be hidden any more
    hidden : units that are hidden already, for the sake of other numbers

    Returns
    -------
    The small units; with them, siblings that would give them away, and parents of which a sum of
    units below would.

    Examples
    --------
    >>> parent = {"North": "", "South": "", "Kiel": "North", "Hamburg": "North", "Bremen": "North"}
    >>> n = {"North": 90, "South": 80, "Kiel": 5, "Hamburg": 30, "Bremen": 55}
    >>> sorted(hidden_in_tree(n, parent, 10))
    ['Hamburg', 'Kiel']
    >>> sorted(hidden_in_tree(n, parent, 10, published=["Hamburg", "Bremen"]))
    ['Kiel', 'North', 'South']
    """
    least = context.current().smallest_cell if least is None else least
    units = list(n)
    counts, place = np.array([n[u] for u in units], float), {u: i for i, u in enumerate(units)}
    gone = (counts < least) | np.isin(units, list(hidden))
    fixed = np.isin(units, list(published)) & ~gone
    lines: dict[str, list[int]] = {}
    for unit in units:
        lines.setdefault(parent[unit], []).append(place[unit])
    changed = True
    while changed:
        changed = False
        for above, line in lines.items():
            while (
                more := _exposed(np.array(line), place.get(above), counts, gone, fixed, least)
            ) is not None:
                gone[more] = changed = True
    return {unit for unit, hide in zip(units, gone, strict=True) if hide}


def _exposed(
    line: np.ndarray,
    above: int | None,
    n: np.ndarray,
    gone: np.ndarray,
    fixed: np.ndarray,
    least: int,
) -> int | None:
    """The unit to hide next so that a hidden one of the line, or their parent, stays unknown."""
    away = line[gone[line]]
    direct = 0.0 if above is None else n[above] - n[line].sum()  # of the parent, of no unit below
    many = n[away].sum() + direct >= least
    unknown = len(away) + (direct > 0)
    if above is not None and gone[above]:
        exposed = not (unknown and many)
    else:
        exposed = bool(len(away) or 0 < direct < least) and not (unknown > 1 and many)
    if not exposed:
        return None
    free = line[~gone[line] & ~fixed[line]]
    if len(free):
        return int(free[np.argmin(n[free])])
    return above if above is not None and not (gone[above] or fixed[above]) else None


def _counted(table: pd.DataFrame) -> np.ndarray:
    """People of each row, or the cases of a rate where those are fewer."""
    known = (c for c in ("n", CASES, PEOPLE) if c in table)
    return np.min([pd.to_numeric(table[c], errors="coerce").to_numpy(float) for c in known], axis=0)


Line = tuple[np.ndarray, float, bool]


def _lines(table: pd.DataFrame, n: np.ndarray) -> Iterator[Line]:
    """Places of the rows of a total, how many people of it no row holds, if a group is missing.

    A group that has rows elsewhere in the table and none here is missing.

    A line is the groups of one column, for one measure and the same other groups. A row for all
    groups together is no part of a line; it tells who belongs to none of them. Shares that add up
    to one are a line too, and the terms of an attribute, which are its groups.
    """
    groups, plain = grouping(table), table.reset_index(drop=True)
    blocks = plain.groupby(groups, sort=False, dropna=False) if groups else [("", plain)]
    for _unused, rows in blocks:
        if ATTRIBUTE in groups or _adds_to_one(rows):
            yield rows.index.to_numpy(), 0.0, False
    for column in groups:
        others = [c for c in [*groups, "term"] if c != column]
        names = plain[column].nunique()
        # Several rows of a group (its answers, points of its curve) are several lines: in one, a
        # small group would hide itself.
        which = plain.groupby([*groups, "term"], sort=False, dropna=False).cumcount()
        for _unused, rows in plain.groupby([*others, which], sort=False, dropna=False):
            whole = (rows[column].astype(str) == TOTAL).to_numpy()
            places = rows.index.to_numpy()
            parts = places[~whole]
            unlisted = n[places[whole]].max() - np.nansum(n[parts]) if whole.any() else 0.0
            missing = rows[column].nunique() + (not whole.any()) < names
            yield parts, max(float(np.nan_to_num(unlisted)), 0.0), bool(missing)


def _adds_to_one(rows: pd.DataFrame) -> bool:
    """Whether a column of the rows is the shares of a whole."""
    shares = rows.select_dtypes("float").drop(columns=list(NOT_SHARES), errors="ignore")
    if len(rows) < 2 or shares.empty:
        return False
    parts = ((shares >= 0) & (shares < 1)).all() & np.isclose(shares.sum(), 1, rtol=0, atol=1e-6)
    return bool(parts.any())


def grouping(table: pd.DataFrame) -> list[str]:
    """The columns in front of `term`: what the rows are groups of."""
    columns = list(table.columns)
    return columns[: columns.index("term")] if "term" in columns else []


def _with_complements(
    lines: Sequence[Line], n: np.ndarray, small: np.ndarray, least: int
) -> np.ndarray:
    """Small cells and those hidden for their sake; again until no line gives one away."""
    gone = small.copy()
    changed = True
    while changed:
        changed = False
        for line in lines:
            while (more := _next(*line, n, gone, least)) is not None:
                gone[more] = changed = True
    return gone


def _next(
    line: np.ndarray, unlisted: float, missing: bool, n: np.ndarray, gone: np.ndarray, least: int
) -> int | None:
    """The cell to hide next in the line; None when it keeps what is hidden already."""
    away, seen = line[gone[line]], line[~gone[line]]
    many = np.nansum(n[away]) + unlisted >= least
    # People of no group are no group: alone, they are nothing that a group must be hidden for.
    # Those of a group that has no row here are one.
    unknown = len(away) + (unlisted > 0)
    safe = many and unknown > 1 and not _narrow(n[away], unlisted, least)
    if not (len(away) or (missing and unlisted)) or not len(seen) or safe:
        return None
    return int(seen[np.argmin(np.where(np.isnan(n[seen]), np.inf, n[seen]))])


def blocks(table: pd.DataFrame, why: pd.Series) -> list[np.ndarray]:
    """Places of the hidden rows, in their order, in lots whose sums tell of no single row.

    An estimate of all rows may be made of them and of the rows that are shown. The last rows may
    not be enough for a lot and are in none; nor are those to which few have come since they were
    published, as a sum that moves with them tells of these.

    Examples
    --------
    >>> weeks = pd.DataFrame({"week": list("abcdef"), "n": [9, 9, 40, 5, 6, 7]})
    >>> with context.use(context.Context(smallest_cell=10)):
    ...     [places.tolist() for places in blocks(weeks, hidden(weeks))]
    [[0, 1, 3], [4, 5]]
    """
    least, n = context.current().smallest_cell, _counted(table)
    found: list[np.ndarray] = []
    lot: list[int] = []
    for place in np.flatnonzero(why.isin([SMALL, COMPLEMENT])):
        lot.append(int(place))
        if len(lot) > 1 and n[lot].sum() >= least and not _narrow(n[lot], 0.0, least):
            found, lot = [*found, np.array(lot)], []
    return found


def protection(least: int) -> float:
    """How far apart the least and the most must lie that a small cell can be, for all one knows."""
    return max(1.0, 0.2 * least)


def _narrow(away: np.ndarray, unlisted: float, least: int) -> bool:
    """Whether the sum of the hidden cells tells nearly how many a small one is.

    Readers see which are small, so that the others hold the smallest cell at least.
    """
    n, endless = np.nan_to_num(away), 1e12
    small = n < least
    lower, upper = np.where(small, 0, least), np.where(small, least - 1, endless)
    total, more = n.sum() + unlisted, endless if unlisted else 0.0
    low = np.maximum(lower, total - (upper.sum() - upper) - more)
    high = np.minimum(upper, total - (lower.sum() - lower))
    return bool((small & (high > 0) & (high - low < protection(least))).any())


def blanked(table: pd.DataFrame, why: pd.Series, *, n_too: bool = False) -> pd.DataFrame:
    """The table with the numbers of hidden rows missing, and what was concluded from them.

    The n of those that are not small goes always (from it and a total the small one follows), that
    of a small cell with `n_too`; else it stays for those who write it as "<10".
    """
    gone = (why != "").to_numpy()
    if not gone.any():
        return table
    judged = [c for c in table if c in JUDGED or (c == "wave" and "earliest" in table)]
    table = table.assign(**{c: _unsaid(table[c], gone) for c in judged})
    numbers = table.select_dtypes("number").columns
    lost = np.outer(gone, table.columns.isin(numbers))
    if not n_too:
        lost[:, list(table.columns).index("n")] = why.isin([COMPLEMENT, GROWN]).to_numpy()
    return table.astype(dict.fromkeys(numbers, float)).mask(lost)


def _unsaid(values: pd.Series, gone: np.ndarray) -> pd.Series:
    """What was concluded, without what hidden rows say: neither yes nor no, no word."""
    if pd.api.types.is_bool_dtype(values):
        return values.astype("boolean").mask(gone)
    return values.mask(gone, "" if values.dtype.kind == "O" else None)


Hiding = list[tuple[pd.DataFrame, np.ndarray]]


def hiding(tables: Iterable[pd.DataFrame]) -> Hiding:
    """The tables of estimates that hide rows, each with why its rows are hidden."""
    found = [(t, hidden(t).to_numpy()) for t in tables if {"n", "estimate"} <= set(t)]
    return [(table, why) for table, why in found if (why != "").any()]


def tells_of_hidden(sentence: str, among: Hiding) -> bool:
    """Whether the sentence gives n or the estimate of a row that a table hides.

    A row is told of where a name that belongs to hidden rows alone stands beside one of its
    numbers as the page writes them. Of a table with one row no name is needed.
    """
    said = set(NUMBER.findall(sentence)) if among else set()
    return bool(said) and any(_told(sentence, said, table, why) for table, why in among)


def _told(sentence: str, said: set[str], table: pd.DataFrame, why: np.ndarray) -> bool:
    names = _names(table)
    named = {name for place in np.flatnonzero(why == "") for name in names[place]}
    for place in np.flatnonzero(why != ""):
        own = [name for name in names[place] if name not in named]
        if len(table) > 1 and not any(_is_in(name, sentence) for name in own):
            continue
        row = table.iloc[place]
        if said & (_written(row["estimate"]) | {i18n.count(row["n"])}):
            return True
    return False


def without_hidden(note: str, among: Hiding) -> str:
    """The note without those of its sentences that tell of hidden rows."""
    if not tells_of_hidden(note, among):
        return note
    said = re.split(r"(?<=[.])\s+|(?<=。)", note)
    return i18n.together(s for s in said if not tells_of_hidden(s, among))


def left_out() -> str:
    """What stands in place of a sentence that would tell of hidden numbers."""
    return _(
        "The sentence is left out: it would show a group of fewer than {least:count}.",
        least=context.current().smallest_cell,
    )


def _names(table: pd.DataFrame) -> list[list[str]]:
    """What each row is called: its groups, else its term, as in the data and as readers see it."""
    columns = grouping(table) or [c for c in ("term",) if c in table]
    return [
        [name for value in row for name in dict.fromkeys((str(value), i18n.label(str(value))))]
        for row in table[columns].itertuples(index=False, name=None)
    ]


def _is_in(name: str, sentence: str) -> bool:
    return bool(name) and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sentence, re.I) is not None


def _written(value: float) -> set[str]:
    """The number as sentences write it, of two digits or more, without its sign."""
    size = abs(float(value))
    forms = {i18n.number(size, d) for d in range(3)} | {i18n.percent(size, d) for d in range(2)}
    return {form for form in forms if sum(c.isdigit() for c in form) > 1}


def counts(table: pd.DataFrame, why: pd.Series) -> list[str]:
    """The column n as a reader sees it: 1,204, "<10" for a small cell, else a dash where hidden."""
    least = context.current().smallest_cell
    small = f"<{i18n.count(least)}"
    n = pd.to_numeric(table["n"], errors="coerce")
    few = n < least if {PEOPLE, CASES} & set(table) else ~(n >= least)  # a kept table has no n
    return [
        i18n.count(v) if not w else small if w == SMALL and f else "–"
        for w, v, f in zip(why, n, few, strict=True)
    ]


def audit(table: pd.DataFrame, why: pd.Series) -> list[dict[str, str]]:
    """Which cells were hidden, by their groups and term, and the reason; never how many."""
    names = [*grouping(table), *(["term"] if "term" in table else [])] or list(table.columns[:1])
    return [
        {
            "cell": ", ".join(f"{c}={value}" for c, value in zip(names, row, strict=True)),
            "reason": reason(why.iloc[place]),
        }
        for place, row in enumerate(table[names].itertuples(index=False, name=None))
        if why.iloc[place]
    ]


def reason(why: str) -> str:
    """In words, for the record of a run."""
    least = context.current().smallest_cell
    return {
        SMALL: f"n under {least}",
        COMPLEMENT: f"with it and a total a cell under {least} could be worked out",
        GROWN: f"fewer than {least} have come or gone since an earlier run",
        NEAR: f"beside a page about more rows a group under {least} could be worked out",
    }[why]


def too_few_left_out(counts_: Mapping[str, int], everybody: int) -> list[str]:
    """The groups that get no page of their own: the small, and the next until those hold `least`.

    `everybody` counts all rows of a group, also of those that are not among the counts: who knows
    the total and the pages there are knows how many are in the others.
    """
    least = context.current().smallest_cell
    order = sorted(counts_, key=lambda g: (counts_[g], g))
    out = sum(counts_[g] < max(least, 1) for g in order)
    while out < len(order) and 0 < everybody - sum(counts_[g] for g in order[out:]) < least:
        out += 1
    return order[:out]


def near_whole(n: Any, whole: Any) -> Any:
    """Counts of a part, those of all in place of one that lacks so few that they would be known.

    Who knows the whole from elsewhere on the page subtracts.

    Examples
    --------
    >>> with context.use(context.Context(smallest_cell=10)):
    ...     near_whole(np.array([1553, 1561, 900]), 1561).tolist()
    [1561, 1561, 900]
    """
    near = np.asarray(whole - n)
    return np.where((near > 0) & (near < context.current().smallest_cell), whole, n)


def count_in_words(n: int) -> str:
    """A number of people for a sentence: "fewer than 10" where it is small but not zero."""
    least = context.current().smallest_cell
    return _("fewer than {least:count}", least=least) if 0 < n < least else i18n.count(n)
