"""Expressions that people write in study.yaml and on pages, made safe: WHERE, `only`, `derive`.

    condition('channel == "web" and nps >= 9', store, "responses", columns)
    computed(frame, "quantity * unit_price", "", where="orders.csv: amount")

An expression is parsed by DuckDB itself, and only what a filter or a formula needs is let through:
columns, constants, comparisons and plain functions. No subquery, no second table, no file, no
unknown column. Beside DuckDB's own functions there are those of `sql.MACROS`:
`period(day, 'quarter')` gives 2024-Q1, `time_between(start, end, 'hours')` the time between two
dates, missing where it would be negative.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Literal

import duckdb
import numpy as np
import pandas as pd

from cxlib.core.codes import listed, match, plain
from cxlib.data import sql
from cxlib.data.identifiers import identifies

PLAIN = {
    *("COLUMN_REF", "CONSTANT", "COMPARISON", "CONJUNCTION", "OPERATOR", "FUNCTION", "CAST"),
    *("BETWEEN", "CASE", "TYPE"),
}
FUNCTIONS = {
    *("abs", "ceil", "floor", "round", "trunc", "least", "greatest", "mod", "sqrt", "ln", "exp"),
    *("lower", "upper", "trim", "length", "contains", "starts_with", "ends_with", "prefix"),
    *("suffix", "substr", "substring", "left", "right", "replace", "regexp_matches", "concat"),
    *("regexp_replace", "regexp_extract", "split_part", "if"),
    *("year", "quarter", "month", "day", "hour", "week", "isodow", "dayofweek", "date_trunc"),
    *("date_diff", "datediff", "date_part", "strftime", "to_days", "to_months", "to_years"),
    *("isnan", "like_escape", "ilike_escape", "ifnull", "nullif"),
    *("md5", "coalesce", "date_add", "date_sub", "strptime", "make_date", *sql.MACROS),
}
LONGEST = 50_000  # characters of an expression
COMPARED = ("COMPARE_EQUAL", "COMPARE_NOTEQUAL", "COMPARE_IN", "COMPARE_NOT_IN")
BEFORE = "select 1 from t where (\n"
EXAMPLES = "Write one like channel = 'web' and month(answered_on) = 3."
_TOKEN = re.compile(
    r"""'(?:[^']|'')*'            # text, left as it is
      | "(?P<quoted>(?:[^"]|"")*)"
      | \b(?P<bare>[^\W\d]\w*)\b(?!\s*[('])  # a name, but no function and no date '2026-01-01'
    """,
    re.VERBOSE,
)


Forms = Callable[[Literal["numbers", "dates", "time_zone"], str], str | list[str]]


def found_out(_key: str, _column: str) -> str:
    """The form of a column of which nothing was said."""
    return ""


class ExpressionError(ValueError):
    """A condition or formula that cannot be used; the message says why and what to write."""


def condition(
    where: str,
    store: duckdb.DuckDBPyConnection,
    table: str,
    columns: list[str],
    key: str = "WHERE",
    *,
    empty: bool = False,
) -> str:
    """`where` as SQL that can only filter `table`; "true" when empty.

    `key` is what messages call the expression; `empty` allows values that no row has. Raises
    ExpressionError.
    """
    if not where.strip():
        return "true"
    text, kind = safe(where, store, table, columns, key, empty=empty)
    if kind != "BOOLEAN":
        raise ExpressionError(
            f"{key} {where!r} gives {kind.lower()}, not true or false. Compare it with something, "
            f"such as {columns[0]} = ..."
        )
    return text


def safe(
    written: str,
    store: duckdb.DuckDBPyConnection,
    table: str,
    columns: list[str],
    key: str,
    *,
    empty: bool = False,
) -> tuple[str, str]:
    """(the expression as SQL over `table`, its type in DuckDB). Raises ExpressionError."""
    asked = f"{key} {written!r}" if key == "WHERE" and not empty else ""
    text = _words_as_text(written, columns)
    try:
        tree = _parsed(text, store, key)
        _refuse_unsafe(tree, written, columns, key)
        text = _by_value(text, tree, store, table, asked)
        described = f"describe select ({text}\n) from {sql.name(table)}"
        kind = store.execute(described).fetchall()[0][1]
    except duckdb.Error as error:
        raise ExpressionError(
            f"{key} {written!r} cannot be used: {_first_line(error)} {EXAMPLES} "
            f"{_there_are(columns)}"
        ) from error
    return f"({text}\n)", kind


def equal(column: str, value: str) -> str:
    """The condition that a column has this value, as `safe` takes it."""
    return f"{sql.name(column)} = {sql.text(value)}"


def keep(rows: pd.DataFrame, where: str, name: str, *, empty: bool = False) -> pd.DataFrame:
    """The rows of a data frame for which `where` holds.

    Raises ExpressionError for what is no condition, and where no row is left unless `empty`.
    """
    stored = sql.distinct(rows)
    with sql.connect() as store:
        store.register(name, rows.set_axis(list(stored.values()), axis=1))
        holds = condition(where, store, name, list(stored.values()), empty=empty)
        kept = store.execute(f"select {holds} from {sql.name(name)}").df().iloc[:, 0].fillna(False)
    if not kept.any() and not empty:
        raise ExpressionError(
            f"WHERE {where!r} leaves none of the {len(rows):,} rows of {name}. Check the spelling "
            "of the values."
        )
    return rows[kept.to_numpy(bool)].reset_index(drop=True)


class UnknownColumn(ExpressionError):
    """It speaks of a column that is not there, or uses one that is not there as SQL's own word."""


@dataclass(frozen=True)
class Computed:
    """What an expression gives for each row, its type in DuckDB, and what was found out."""

    values: pd.Series
    kind: str
    notes: list[str]


def computed(frame: pd.DataFrame, written: str, *, key: str, forms: Forms = found_out) -> Computed:
    """The values of an expression over columns as they stand in a file.

    A column that the expression names is taken as numbers where all of its cells are, or as dates,
    else as text. Where that does not fit the expression, as numbers or dates where most cells are;
    the others are counted in the notes, as are rows that have every column and still give nothing.

    Parameters
    ----------
    frame : cells as in the file
    written : in SQL, over the columns of `frame`
    key : what messages call it
    forms : how a column writes its dates or numbers, as `conversion` takes them; empty: found out

    Raises
    ------
    ExpressionError : it is none, names an unknown column, or gives nothing in any row

    Examples
    --------
    >>> lines = pd.DataFrame({"quantity": ["2", "3"], "unit_price": ["1.50", "2"]})
    >>> computed(lines, "quantity * unit_price", key="amount").values.tolist()
    [3.0, 6.0]
    """
    made = _evaluated(frame, written, key, forms, words=False)
    if len(made.values) and made.values.isna().all():
        raise ExpressionError(f"{key} {written!r} gives nothing in any of its rows.{made.notes[0]}")
    return replace(made, notes=made.notes[1:])


def holds(frame: pd.DataFrame, where: str, *, key: str, forms: Forms = found_out) -> pd.Series:
    """Whether a condition holds for each row, as `computed` reads the columns; empty is no."""
    if not len(frame):
        return pd.Series(False, index=frame.index)
    made = _evaluated(frame, where, key, forms, words=True)
    if made.kind != "BOOLEAN":
        raise ExpressionError(
            f"{key} {where!r} gives {made.kind.lower()}, not true or false.{made.notes[0]} Compare "
            "it with something."
        )
    return made.values.astype("boolean").fillna(False).astype(bool)


def _named(tree: object) -> set[str]:
    return {sql.fold(n["column_names"][-1]) for n in _nodes(tree) if n["class"] == "COLUMN_REF"}


def _evaluated(
    frame: pd.DataFrame, written: str, key: str, forms: Forms, *, words: bool
) -> Computed:
    """The values, with how the columns were read as the first of the notes."""
    from cxlib.data.intake.dates import mixed

    stored = sql.distinct(frame)
    columns = list(stored.values())
    with sql.connect() as store:
        tree = _parsed(_words_as_text(written, columns, words=words), store, key)
        _refuse_unsafe(tree, written, columns, key)
        named = _named(tree)
        used = {c: s for c, s in stored.items() if sql.fold(s) in named}
        failed: ExpressionError | None = None
        for reading in READINGS:
            typed = {s: _typed(frame[c], reading, forms) for c, s in used.items()}
            rows = pd.DataFrame({s: t for s, (t, *_) in typed.items()}, index=frame.index)
            try:
                values, kind = _run(store, rows, written, key, columns)
            except ExpressionError as error:
                failed = failed or error
            else:
                break
        else:
            assert failed is not None
            raise failed
    differ = mixed({c: offsets for c, (*_, offsets) in typed.items()})
    if differ and not words and not forms("time_zone", ""):
        raise ExpressionError(
            f"{key} {written!r} is computed of times with different offsets from UTC "
            f"({', '.join(differ)}). Name the zone that all are to be converted to in study.yaml, "
            "e.g. `time_zone: Europe/Berlin`."
        )
    if pd.api.types.is_float_dtype(values):
        values = values.where(np.isfinite(values))
    notes = [
        f"{key}: {lost} in {c!r}; missing there." for c, (_t, lost, _o) in typed.items() if lost
    ]
    if lost := int((values.isna() & rows.notna().all(axis=1)).sum()):
        notes.append(f"{key}: {lost:,} row(s) could not be computed; missing there.")
    return Computed(values, kind, [_spoken(rows), *notes])


def _run(
    store: duckdb.DuckDBPyConnection, rows: pd.DataFrame, written: str, key: str, columns: list[str]
) -> tuple[pd.Series, str]:
    place = pd.Series(range(len(rows)), index=rows.index)
    store.register("file", rows.assign(**{sql.ROW: place}))
    try:
        text, kind = safe(written, store, "file", columns, key)
        made = store.execute(f"select {text} as made from file order by {sql.ROW}").df()["made"]
    except duckdb.Error as error:
        raise ExpressionError(
            f"{key} {written!r} fails: {_first_line(error)}{_spoken(rows)}"
        ) from error
    return made.set_axis(rows.index), kind


# How the columns are read, one way after the other until the types fit the expression: by all of
# their cells; as most of their cells are (a word among amounts); as text (C536379 among numbers).
READINGS = ("all", "most", "text")


def _typed(cells: pd.Series, reading: str, forms: Forms) -> tuple[pd.Series, str, dict[str, int]]:
    """A column as numbers, dates or text, which cells were lost by that, and offsets of times."""
    from cxlib.data.intake import conversion

    dates, numbers = (forms(key, str(cells.name)) for key in ("dates", "numbers"))
    zone = str(forms("time_zone", ""))
    text = conversion.text(cells)
    given = int(text.notna().sum())
    codes = text.str.fullmatch(r"-?0\d+|-?\d{16,}").fillna(False)  # 007 and long ids: no amounts
    if reading == "text" or codes.any():
        return text, "", {}
    most = given // 2 if reading == "most" else 0
    if reading == "most" and not given:
        return conversion.date(cells, dates).values, "", {}
    number = conversion.number(cells, numbers if isinstance(numbers, str) else "")
    if number.question:
        raise ExpressionError(number.question.sentence("TABLE", str(cells.name)))
    if number.bad.sum() <= most:
        whole = (number.values.dropna() % 1 == 0).all()
        values = number.values.astype("Int64") if whole else number.values
        return values, _lost(text[number.bad], "no number"), {}
    date = conversion.date(cells, dates, zone)
    if date.bad.sum() <= most:
        return date.values, _lost(text[date.bad], "no date"), date.offsets
    return text, "", {}


def _lost(cells: pd.Series, what: str) -> str:
    shown = ", ".join(map(repr, cells.unique()[:3]))
    return f"{len(cells):,} cell(s) hold {what} ({shown})" if len(cells) else ""


def _spoken(rows: pd.DataFrame) -> str:
    """How the columns of an expression were read, for messages."""
    kinds = {"f": "number", "i": "number", "M": "date", "b": "yes or no"}
    read = [f"{c} ({kinds.get(rows[c].dtype.kind, 'text')})" for c in rows]
    return f" Columns as read: {', '.join(read)}." if read else ""


def _words_as_text(where: str, columns: list[str], *, words: bool = True) -> str:
    """A double-quoted word is text unless it is a column (with `words`); columns may be SQL's own.

    channel == "web" becomes channel == 'web', and at > '2026-01-01' becomes "at" > '2026-01-01'.
    """
    known = {sql.fold(c): c for c in columns}

    def turn(match: re.Match[str]) -> str:
        bare = match["bare"]
        word = bare if match["quoted"] is None else match["quoted"].replace('""', '"')
        if word is None or "\0" in word:
            return match.group(0)
        if sql.fold(word) in known:
            return sql.name(known[sql.fold(word)])
        return match.group(0) if bare is not None or not words else sql.text(word)

    return _TOKEN.sub(turn, where)


def _by_value(
    text: str,
    tree: object,
    store: duckdb.DuckDBPyConnection,
    table: str,
    asked: str,
) -> str:
    """The expression with codes as the columns write them: sex = 1 finds '1', and '1' finds 1.

    With `asked`, what messages call it, a value that no row has is an ExpressionError that lists
    those that there are.
    """
    kinds = {
        sql.fold(row[0]): (row[0], row[1])
        for row in store.execute(f"describe {sql.name(table)}").fetchall()
    }
    edits: dict[tuple[int, int], str] = {}
    held: dict[str, list[tuple[Any, ...]]] = {}
    content = text.encode()
    for node in (n for n in _nodes(tree) if n["type"] in COMPARED):
        sides = node.get("children") or [node["left"], node["right"]]
        refs = [s for s in sides if s["class"] == "COLUMN_REF"]
        places = [_constant(content, s) for s in sides if s["class"] == "CONSTANT"]
        found = {place: value for place, value in filter(None, places)}
        if len(refs) != 1 or not found:
            continue
        column, kind = kinds[sql.fold(refs[0]["column_names"][0])]
        if kind not in ("VARCHAR", "BIGINT"):
            continue
        if column not in held:  # a condition may speak of a column a thousand times
            held[column] = store.execute(
                f"select {sql.name(column)}, count(*) from {sql.name(table)} "
                f"where {sql.name(column)} is not null group by 1"
            ).fetchall()
        rows = held[column]
        means = match(found.values(), [row[0] for row in rows])
        lost = [code for code, same in means.items() if not same]
        if lost and asked and node["type"] in ("COMPARE_EQUAL", "COMPARE_IN"):
            missing = f"{asked}: no row has {column} = {', '.join(map(repr, lost))}."
            if identifies(column, [n for _value, n in rows]):  # a page may show this message
                raise ExpressionError(f"{missing} Check how the values are written.")
            there = listed({plain(value): n for value, n in rows})
            raise ExpressionError(f"{missing} {column} holds: {there}.")
        for place, value in found.items():
            same = [sql.text(str(v)) for v in means[value]] or [sql.text(str(value))]
            several = ", ".join(same)
            if len(same) > 1 and not node.get("children"):
                several = f"{'any' if node['type'] == 'COMPARE_EQUAL' else 'all'}([{several}])"
            edits[place] = several
    pieces, at = list[bytes](), 0
    for (start, end), code in sorted(edits.items()):
        pieces += [content[at:start], code.encode()]
        at = end
    return b"".join([*pieces, content[at:]]).decode()


def _constant(content: bytes, node: dict[str, Any]) -> tuple[tuple[int, int], str] | None:
    """Where a constant stands in the condition, and its value; None for true, null and dates."""
    start = node["query_location"] - len(BEFORE)
    token = re.compile(rb"'((?:[^']|'')*)'|[-+]?\d+(?:\.\d+)?").match(content, start)
    if token is None:
        return None
    text = token[0] if token[1] is None else token[1].replace(b"''", b"'")
    return token.span(), text.decode()


def _parsed(text: str, store: duckdb.DuckDBPyConnection, key: str) -> dict[str, Any]:
    """The tree of the expression; ExpressionError when it is more than one."""
    if len(text) > LONGEST:
        raise ExpressionError(
            f"{key} has {len(text):,} characters; {LONGEST:,} are the most. Put a long list of "
            "values into a column of a file, and ask for that."
        )
    trees = []
    for query in ("select 1 from t where true", f"{BEFORE}{text}\n)"):
        tree = json.loads(sql.first(store, "select json_serialize_sql(?)", [query])[0])
        if tree["error"]:
            raise UnknownColumn(
                f"{key} {text!r} cannot be used: {tree['error_message']}. {EXAMPLES}"
            )
        trees.append(tree["statements"])
    plain, asked = trees
    if len(asked) == 1 and asked[0]["node"]["type"] == "SELECT_NODE":
        tree = asked[0]["node"].pop("where_clause")
        plain[0]["node"].pop("where_clause")
        if _without_places(plain) == _without_places(asked):
            return tree
    raise ExpressionError(f"{key} {text!r} is more than one expression. Give a single one.")


def _without_places(tree: object) -> object:
    if isinstance(tree, dict):
        return {k: _without_places(v) for k, v in tree.items() if "location" not in k}
    return [_without_places(v) for v in tree] if isinstance(tree, list) else tree


def _refuse_unsafe(tree: object, where: str, columns: list[str], key: str) -> None:
    for node in _nodes(tree):
        kind = node["class"]
        if kind not in PLAIN:
            raise ExpressionError(
                f"{key} {where!r}: {kind.lower()} is not allowed. Use columns, values and plain "
                "functions of the same row, joined by and, or, not."
            )
        if kind == "COLUMN_REF":
            _refuse_unknown(node["column_names"], where, columns, key)
        if kind == "FUNCTION" and not (
            node.get("is_operator") or node["function_name"] in FUNCTIONS | {"~~", "!~~"}
        ):
            if re.fullmatch(r"\W+", node["function_name"]):
                continue
            raise ExpressionError(
                f"{key} {where!r}: the function {node['function_name']!r} is not allowed. There "
                f"are: {', '.join(sorted(FUNCTIONS))}."
            )


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


def _refuse_unknown(names: list[str], where: str, columns: list[str], key: str) -> None:
    known = {sql.fold(c) for c in columns}
    if len(names) > 1 or sql.fold(names[0]) not in known:
        near = get_close_matches(names[-1], columns, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ". Text needs single quotes."
        raise UnknownColumn(
            f"{key} {where!r}: there is no column {'.'.join(names)!r}{hint} {_there_are(columns)}"
        )


def _there_are(columns: list[str]) -> str:
    return f"The columns are: {', '.join(columns)}."


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") + "."
