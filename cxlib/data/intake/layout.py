"""Where the table in a file begins and ends: title lines, header rows, totals, by looking at cells.

    found = header_of(rows, "answers.csv")      # rows: cells as text, from the first line on
    found.first, found.rows                     # the header begins in rows[2] and takes 1 row
    found.names, found.labels, found.notes

    n, why = ending(frame)                      # 1, "totals": the last row is no data

Whatever is found is said in a note together with the key of study.yaml that overrules it
(`header`, `header_rows`, `skip_last`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from cxlib.data.intake.errors import IntakeError

LOOKED_AT = 60  # rows in which the header is looked for
WIDEST = 16_384  # columns of a file, as of a sheet of Excel
LISTED = 12  # column names that a message lists
FEW = 0.25  # of the rows, the most that are taken for totals amid the table
LAST = 5  # rows at the end that may be totals or remarks
SKIPPED = ["row", "value", "why"]
# Second header rows of survey tools: they say of what kind the answer is, not what was asked.
ANSWER_KINDS = (
    "response",
    "open-ended response",
    "antwort",
    "offene antwort",
    "réponse",
    "respuesta",
    "risposta",
    "resposta",
    "回答",
    "开放式答案",
    "答复",
)
TOTALS = re.compile(
    r"(grand |sub-?)?(totals?|sum|average|mean|count)( .{0,20})?|(gesamt)?summe|gesamt"
    r"|durchschnitt|mittelwert|total (général|geral|general)|totale|totaal|somme|suma|soma"
    r"|moyenne|promedio|media|合计|总计|小计|共计|总和|汇总|平均(值|分)?|合計|総計|小計",
    re.IGNORECASE,
)
NUMBER = re.compile(r"[-+]?[\d.,]*\d%?")
DATE = re.compile(r"\d{1,4}[-/.年]\d{1,2}[-/.月]\d{1,4}日?([T ].*)?")
ID = re.compile(r"[\w-]*\d")  # most first cells, which are no words
NO_VALUE = ("", "na", "n/a", "null", "none", "nan", "-", ".")

Row = Sequence[str]


@dataclass(frozen=True)
class Header:
    """The header of a file.

    Attributes
    ----------
    first, rows : the row that it begins in (from 0) and how many it takes; 0 rows: there is none
    names : of the columns, each once; a blank one is "(column 3)", a repeated one "Other (2)"
    labels : what the columns are about, where a second row says it
    notes : what was found and how to overrule it
    """

    first: int
    rows: int
    names: list[str]
    labels: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    skipped: tuple[tuple[int, str, str], ...] = ()  # rows above it: row, value, why
    parts: tuple[Row, ...] = ()  # its rows, as they stand in the file


def header_of(
    rows: Sequence[Row],
    name: str,
    *,
    header: int | None = None,
    header_rows: int | None = None,
    numbers: Sequence[int] = (),
) -> Header:
    """The header among the first rows of a file.

    Parameters
    ----------
    rows : the first rows, cells as text, an empty cell ""
    name : what messages call the file
    header, header_rows : where the user says it is (from 1; 0: there is none), and how many rows
    numbers : the line that each of `rows` stands in; 1, 2, ... without it

    Raises
    ------
    IntakeError : the row named is not there or is blank

    Examples
    --------
    >>> header_of([["Feedback 2025", ""], ["", ""], ["id", "nps"], ["1", "9"]], "a.csv").first
    2
    """
    numbers = numbers or range(1, len(rows) + 1)
    if header == 0:
        width = max(map(len, rows), default=0)
        note = f"{name}: read without a header; its columns are called (column 1) and so on."
        return Header(0, 0, [_blank(i) for i in range(width)], notes=(note,))
    if header is not None:
        first = list(numbers).index(header) if header in numbers else -1
        if first < 0 or not any(rows[first]):
            raise IntakeError(
                f"{name}: line {header} is not there or blank, and `header: {header}` says that "
                "the header stands there. Correct it, or leave it out to have the header found."
            )
    else:
        first = _first_row(rows)
    notes = []
    if first and header is None:
        lines = [" ".join(filter(None, r)) for r in rows[:first]]
        shown = ", ".join(repr(a[:40]) for a in [a for a in lines if a][:2])
        notes.append(
            f"{name}: the header is in line {numbers[first]}; {first} line(s) above it were skipped"
            f"{f': {shown}' if shown else ''}. `header: {numbers[0]}` takes the first line instead."
        )
    if header_rows is None:
        header_rows, why = _header_rows(rows[first:])
        if header_rows > 1:
            notes.append(
                f"{name}: the header takes {header_rows} rows: {why}. `header_rows: 1` takes the "
                "others as data."
            )
    parts = rows[first : first + header_rows]
    given, about = _names_and_labels(parts)
    names, said = unique_names(given, name)
    if header is None and _is_data(rows[first]):
        notes.append(
            f"{name}: the header in line {numbers[first]} looks like data ({rows[first][0]!r}, "
            "...). If the file has no header, say `header: 0`."
        )
    labels = {names[i]: text for i, text in about.items()}
    above = zip(numbers, (" ".join(filter(None, r)) for r in rows[:first]), strict=False)
    skipped = tuple((n, text, "above the header") for n, text in above if text)
    return Header(first, header_rows, names, labels, (*notes, *said), skipped, tuple(parts))


def _first_row(rows: Sequence[Row]) -> int:
    """The first row that fills half of the columns; above it a row of groups over the columns."""
    wide = [sum(bool(c.strip()) for c in r) for r in rows]
    lengths = [_length(r) for r in rows if any(r)]
    if not lengths:
        return 0
    common, times = Counter(lengths).most_common(1)[0]
    width = common if times > len(lengths) / 2 else max(lengths)
    need = min(width, max(2, width / 2))
    first = next((i for i, n in enumerate(wide) if n >= need), None)
    if first is None:
        return next(i for i, n in enumerate(wide) if n)
    groups = first - 1
    if groups >= 0 and wide[groups] >= 2 and len(rows[groups]) == len(rows[first]):
        names = [c.strip() for c in rows[first]]
        if "" in names or len(set(names)) < len(names):  # the same under several groups
            return groups
    return first


def _length(row: Row) -> int:
    """Columns up to the last that is filled."""
    return max((i + 1 for i, c in enumerate(row) if c.strip()), default=0)


def _header_rows(rows: Sequence[Row]) -> tuple[int, str]:
    """How many rows the header takes, and why."""
    for extra in (1, 2):  # Qualtrics: names, wording (not in older files), identifiers
        if len(rows) > extra and any(c.lstrip().startswith('{"ImportId"') for c in rows[extra]):
            return extra + 1, "the last of them holds Qualtrics' import ids"
    if len(rows) < 3 or len(rows[1]) != len(rows[0]) or not any(rows[1]):
        return 1, ""
    names, second = [c.strip() for c in rows[0]], [c.strip() for c in rows[1]]
    kinds = [c.casefold() for c in second if c]
    if sum(k in ANSWER_KINDS for k in kinds) > 0 and not _is_data(second):
        return 2, f"the second says what the answers are ({_some(second)})"
    body = [r for r in rows[2:] if len(r) == len(names) and any(r)]
    other, same = 0, 0
    for i, cell in enumerate(second):
        below = [r[i] for r in body if r[i].casefold() not in NO_VALUE]
        if len(below) < 2 or cell.casefold() in NO_VALUE or np.mean([*map(_is_value, below)]) < 0.9:
            continue
        same, other = same + _is_value(cell), other + (not _is_value(cell))
    open_columns = [i for i, c in enumerate(names) if not c or names.count(c) > 1]
    filled = [second[i] for i in open_columns if second[i] and not _is_value(second[i])]
    id_is_blank = bool(names[0]) and not second[0] and all(r[0] for r in body) and bool(body)
    if filled and not same and (other or id_is_blank):
        return 2, f"the second names the columns that the first leaves open ({_some(filled)})"
    if other >= 2 and not same:
        return 2, f"the second holds words where numbers or dates follow ({_some(second)})"
    return 1, ""


def _some(words: Sequence[str]) -> str:
    return ", ".join(repr(w[:30]) for w in [w for w in words if w][:3])


def _is_value(cell: str) -> bool:
    cell = cell.strip()
    return bool(NUMBER.fullmatch(cell) or DATE.fullmatch(cell))


def _is_data(row: Row) -> bool:
    """More than half of the cells that are filled are numbers or dates."""
    filled = [c for c in row if c.strip()]
    return bool(filled) and sum(map(_is_value, filled)) > len(filled) / 2


def _names_and_labels(parts: Sequence[Row]) -> tuple[list[str], dict[int, str]]:
    """Names of the columns, and labels by position.

    Where the first row names each column once, the second is what they are about; else names are
    made of both: "Please rate - Speed".
    """
    upper = [c.strip() for c in parts[0]]
    if len(parts) == 1:
        return list(parts[0]), {}
    lower = [c.strip() for c in parts[1]]
    lower += [""] * (len(upper) - len(lower))
    if any(c.startswith('{"ImportId"') for c in lower):
        return upper, {}
    if any(c.lstrip().startswith('{"ImportId"') for c in parts[-1]):
        return upper, {i: c for i, c in enumerate(lower) if c and c != upper[i]}
    named = [a for a, b in zip(upper, lower, strict=False) if a or b]  # a last comma names nothing
    if all(named) and len(set(named)) == len(named):
        kinds = any(c.casefold() in ANSWER_KINDS for c in lower)  # "0-10" is no label then
        return upper, {} if kinds else {i: c for i, c in enumerate(lower) if c}
    joined, group = [], ""
    for top, below in zip(upper, lower, strict=False):
        group = top or (group if below else "")
        plain = below.casefold() in ANSWER_KINDS and top
        joined.append(group if plain or not below else f"{group} - {below}" if group else below)
    for extra in parts[2:]:
        joined = [
            f"{a} - {b.strip()}" if b.strip() else a for a, b in zip(joined, extra, strict=False)
        ]
    return joined, {}


def _blank(position: int) -> str:
    return f"(column {position + 1})"


def unique_names(given: Sequence[str], name: str) -> tuple[list[str], list[str]]:
    """Names of columns without blanks around them, none blank, none twice; and notes on which."""
    cut = [c for c in given if c != c.strip()]
    blank = [i for i, c in enumerate(given) if not c.strip()]
    plain = [c.strip() or _blank(i) for i, c in enumerate(given)]
    if len(plain) > WIDEST:
        raise IntakeError(
            f"{name} has {len(plain):,} columns; {WIDEST:,} are the most. Export fewer, or name "
            "the delimiter with `delimiter:` if it has fewer."
        )
    times, found, last = Counter(plain), dict[str, None](), Counter[str]()
    for c in plain:
        new, n = c, last[c] + 1
        while new in found or (n > 1 and new in times):
            n += 1
            new = f"{c} ({n})"
        last[c] = n - 1
        found[new] = None
    names = list(found)
    notes = []
    if cut:
        notes.append(f"{name}: blanks around {len(cut)} column name(s) were cut: {listed(cut)}.")
    if blank:
        notes.append(
            f"{name}: {len(blank)} column(s) have no name and are called "
            f"{', '.join(names[i] for i in blank[:4])}."
        )
    if repeated := sorted(c for c, n in times.items() if n > 1):
        called = [n for n, c in zip(names, plain, strict=True) if c == repeated[0]]
        notes.append(
            f"{name}: the header repeats {listed(repeated)}; the columns are called "
            f"{listed(called)}."
        )
    return names, notes


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - LISTED:,} more" if len(names) > LISTED else ""
    return f"{', '.join(map(repr, names[:LISTED]))}{more}"


def repeated(frame: pd.DataFrame, header: Header, name: str) -> np.ndarray:
    """Which rows are the header again, as in exports that were put one below the other.

    Raises
    ------
    IntakeError : one of them has the names in another order, so that the rows below it are of
        other columns
    """
    again = np.zeros(len(frame), bool)
    for part in header.parts:
        filled = {i: c for i, c in enumerate(part[: len(frame.columns)]) if c.strip()}
        if len(filled) > 1 and not _is_data(part):  # without a header, rows may well repeat
            again |= _rows_in(frame, {i: [c] for i, c in filled.items()})
    names = [c for c in header.parts[0] if c.strip()] if header.parts else []
    if len(set(names)) > 2 and not _is_data(names):
        moved = _rows_in(frame, dict.fromkeys(range(len(frame.columns)), names)) & ~again
        for row, cells in frame[moved].iterrows():
            if set(cells) == set(names):
                raise IntakeError(
                    f"{name}: row {row} repeats the header with its columns in another order. "
                    "Divide the file there, and name both files in study.yaml."
                )
    return again


def _rows_in(frame: pd.DataFrame, wanted: dict[int, list[str]]) -> np.ndarray:
    """Rows whose cells, by the place of the column, are among those wanted.

    The mark that a file of UTF-8 begins with may stand before the first.
    """
    held = np.ones(len(frame), bool)
    for i, some in wanted.items():
        if not held.any():
            break
        mark = [f"\ufeff{c}" for c in some] + [f'\ufeff"{c}"' for c in some] if i == 0 else []
        held[held] = frame.iloc[:, i][held].isin([*some, *mark]).to_numpy(bool)
    return held


def ending(frame: pd.DataFrame, blank: Sequence[int] = ()) -> tuple[int, str]:
    """How many of the last rows are totals or remarks and no data, and which of them.

    `frame` has the line of each row as index; `blank` are lines that are blank.
    """
    if n := _block_below(frame, set(blank)):
        return n, "a block below the table"
    return _totals(frame, set(blank)) if len(frame) > 3 and _may_end(frame.iloc[-1]) else (0, "")


def _block_below(frame: pd.DataFrame, blank: set[int]) -> int:
    """How many rows stand below two blank lines and fill half of the columns at most.

    Averages, counts and legends that somebody wrote under the answers are none of them.
    """
    gaps = [i for i, row in enumerate(frame.index) if {row - 1, row - 2} <= blank]
    filled = frame.notna().sum(axis=1).to_numpy()
    for i in gaps:
        if i > 3 and filled[i:].max() <= np.median(filled[:i]) / 2:
            return len(frame) - i
    return 0


def is_total(cell: str) -> bool:
    """Whether the cell is a word for a total, such as 合计 or "Grand total: 12"."""
    return bool(TOTALS.fullmatch(re.split("[:：]", cell)[0].strip()))


def _totals(frame: pd.DataFrame, blank: set[int]) -> tuple[int, str]:
    for n in range(min(LAST, len(frame) - 3), 0, -1):
        body, rows = frame.iloc[: len(frame) - n], frame.iloc[len(frame) - n :]
        full = body.notna().mean() > 0.99
        if all(is_total(first_cell(r)) for _, r in rows.iterrows()) and _unlike(rows, body, full):
            return n, "totals"
        after_blank = int(rows.index[0]) - 1 in blank
        if after_blank and len(full) > 2 and (rows.notna().sum(axis=1) == 1).all() and full.any():
            return n, "a remark below the table"
    return 0, ""


def totals_amid(frame: pd.DataFrame) -> pd.Series:
    """The word that totals or averages amid the table begin with, by row; of few rows at most.

    Such a row lacks what all others have, or has the word where they have a number or a date.
    """
    if len(frame) < 4 or not len(frame.columns) or is_numeric_dtype(frame.iloc[:, 0]):
        return pd.Series(dtype=object)
    first = frame.iloc[:, 0].astype(object)
    for other in range(1, min(3, len(frame.columns))):
        if first.isna().any():
            first = first.where(first.notna(), frame.iloc[:, other])
    words = [w for w in first.dropna().unique() if isinstance(w, str)]
    named = first.isin([w for w in words if not ID.fullmatch(w) and is_total(w)])
    if not named.any() or named.mean() > FEW:
        return pd.Series(dtype=object)
    body = frame[~named]
    unlike = frame.loc[named, body.notna().mean() > 0.99].isna().any(axis=1)
    if body.iloc[:, 0].dropna().astype(str).head(200).map(_is_value).mean() > 0.9:
        unlike |= frame.iloc[:, 0][named].notna()
    return first[named][unlike]


def _may_end(last: pd.Series) -> bool:
    return is_total(first_cell(last)) or int(last.notna().sum()) == 1


def first_cell(row: pd.Series) -> str:
    """The first cell of the row that is filled."""
    given = row.dropna()
    return str(given.iloc[0]).strip() if len(given) else ""


def _unlike(rows: pd.DataFrame, body: pd.DataFrame, full: pd.Series) -> bool:
    """Whether totals lack what every other row has, stand under numbers, or are their sums."""
    if rows.loc[:, full].isna().any(axis=1).all():
        return True
    column = rows.notna().iloc[-1].to_numpy().argmax()
    if body.iloc[:, column].dropna().astype(str).head(200).map(_is_value).mean() > 0.9:
        return True
    numbers = body.apply(pd.to_numeric, errors="coerce").dropna(axis=1)
    last = pd.to_numeric(rows.iloc[-1].reindex(numbers.columns), errors="coerce")
    return bool(np.isclose(numbers.sum(), last).any()) and len(numbers.columns) > 0
