"""WHERE, as people write it, made safe: one true-or-false expression over the table's columns.

    where = safe("channel == \"web\" and nps >= 9", store, "responses")

It is parsed by DuckDB itself and only what a filter needs is let through: columns, constants,
comparisons, and plain functions. No subquery, no second table, no file, no unknown column. Codes
are compared by value, and a value that no row has is an error with the values there are.
"""

from __future__ import annotations

import json
import re
from difflib import get_close_matches

import duckdb
import pandas as pd

from cxlib.core.codes import listed, match, plain
from cxlib.reserve import sql
from cxlib.reserve.store import ReserveError

PLAIN = {
    *("COLUMN_REF", "CONSTANT", "COMPARISON", "CONJUNCTION", "OPERATOR", "FUNCTION", "CAST"),
    *("BETWEEN", "CASE", "TYPE"),
}
FUNCTIONS = {
    *("abs", "ceil", "floor", "round", "least", "greatest", "mod", "sqrt", "ln"),
    *("lower", "upper", "trim", "length", "contains", "starts_with", "ends_with", "prefix"),
    *("suffix", "substr", "substring", "left", "right", "replace", "regexp_matches", "concat"),
    *("year", "quarter", "month", "day", "hour", "week", "isodow", "dayofweek", "date_trunc"),
    *("date_diff", "datediff", "date_part", "strftime", "to_days", "to_months", "to_years"),
    *("isnan", "like_escape", "ilike_escape", "ifnull", "nullif"),
    *("coalesce", "date_add", "date_sub", "strptime", "make_date"),
}
COMPARED = ("COMPARE_EQUAL", "COMPARE_NOTEQUAL", "COMPARE_IN", "COMPARE_NOT_IN")
BEFORE = "select 1 from t where (\n"
_TOKEN = re.compile(
    r"""'(?:[^']|'')*'            # text, left as it is
      | "(?P<quoted>(?:[^"]|"")*)"
      | \b(?P<bare>[^\W\d]\w*)\b(?!\s*[('])  # a name, but no function and no date '2026-01-01'
    """,
    re.VERBOSE,
)


def safe(where: str, store: duckdb.DuckDBPyConnection, table: str, columns: list[str]) -> str:
    """`where` as SQL that can only filter `table`; "true" when empty. Raises ReserveError."""
    if not where.strip():
        return "true"
    condition = _words_as_text(where, columns)
    try:
        tree = _parsed(condition, store)
        _refuse_unsafe(tree, where, columns)
        condition = _by_value(condition, tree, where, store, table)
        described = f"describe select ({condition}\n) from {sql.name(table)}"
        kind = store.execute(described).fetchall()[0][1]
    except duckdb.Error as error:
        raise ReserveError(
            f"WHERE {where!r} is not a condition: {_first_line(error)} Write one like "
            f"channel = 'web' and month(answered_on) = 3. {_there_are(columns)}"
        ) from error
    if kind != "BOOLEAN":
        raise ReserveError(
            f"WHERE {where!r} gives {kind.lower()}, not true or false. Compare it with something, "
            f"such as {columns[0]} = ..."
        )
    return f"({condition}\n)"


def equal(column: str, value: str) -> str:
    """The condition that a column has this value, as `safe` takes it."""
    return f"{sql.name(column)} = {sql.text(value)}"


def keep(rows: pd.DataFrame, where: str, name: str) -> pd.DataFrame:
    """The rows of a data frame for which `where` holds. Raises ReserveError as `safe` does."""
    stored = sql.distinct(rows)
    with sql.connect() as store:
        store.register(name, rows.set_axis(list(stored.values()), axis=1))
        holds = safe(where, store, name, list(stored.values()))
        kept = store.execute(f"select {holds} from {sql.name(name)}").df().iloc[:, 0].fillna(False)
    if not kept.any():
        raise ReserveError(
            f"WHERE {where!r} leaves none of the {len(rows):,} rows of {name}. Check the spelling "
            "of the values."
        )
    return rows[kept.to_numpy(bool)].reset_index(drop=True)


def _words_as_text(where: str, columns: list[str]) -> str:
    """A double-quoted word is text unless it is a column; columns may be SQL's own words.

    channel == "web" becomes channel == 'web', and at > '2026-01-01' becomes "at" > '2026-01-01'.
    """
    known = {sql.fold(c): c for c in columns}

    def turn(match: re.Match) -> str:
        bare = match["bare"]
        word = bare if match["quoted"] is None else match["quoted"].replace('""', '"')
        if word is None or "\0" in word:
            return match.group(0)
        if sql.fold(word) in known:
            return sql.name(known[sql.fold(word)])
        return match.group(0) if bare is not None else sql.text(word)

    return _TOKEN.sub(turn, where)


def _by_value(
    condition: str, tree: object, where: str, store: duckdb.DuckDBPyConnection, table: str
) -> str:
    """The condition with codes as the columns write them: sex = 1 finds '1', and '1' finds 1.

    Raises ReserveError for a value that no row has, with those that there are.
    """
    kinds = {
        sql.fold(row[0]): (row[0], row[1])
        for row in store.execute(f"describe {sql.name(table)}").fetchall()
    }
    edits: dict[tuple[int, int], str] = {}
    content = condition.encode()
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
        rows = store.execute(
            f"select {sql.name(column)}, count(*) from {sql.name(table)} "
            f"where {sql.name(column)} is not null group by 1"
        ).fetchall()
        means = match(found.values(), [row[0] for row in rows])
        lost = [code for code, same in means.items() if not same]
        if lost and node["type"] in ("COMPARE_EQUAL", "COMPARE_IN"):
            raise ReserveError(
                f"WHERE {where!r}: no row has {column} = {', '.join(map(repr, lost))}. {column} "
                f"holds: {listed({plain(value): n for value, n in rows})}."
            )
        for place, value in found.items():
            same = [sql.text(str(v)) for v in means[value]] or [sql.text(str(value))]
            several = ", ".join(same)
            if len(same) > 1 and not node.get("children"):
                several = f"{'any' if node['type'] == 'COMPARE_EQUAL' else 'all'}([{several}])"
            edits[place] = several
    for (start, end), text in sorted(edits.items(), reverse=True):
        content = content[:start] + text.encode() + content[end:]
    return content.decode()


def _constant(content: bytes, node: dict) -> tuple[tuple[int, int], str] | None:
    """Where a constant stands in the condition, and its value; None for true, null and dates."""
    start = node["query_location"] - len(BEFORE)
    token = re.compile(rb"'((?:[^']|'')*)'|[-+]?\d+(?:\.\d+)?").match(content, start)
    if token is None:
        return None
    text = token[0] if token[1] is None else token[1].replace(b"''", b"'")
    return token.span(), text.decode()


def _parsed(condition: str, store: duckdb.DuckDBPyConnection) -> dict:
    """The tree of the condition; ReserveError when it is more than a condition."""
    trees = []
    for text in ("select 1 from t where true", f"{BEFORE}{condition}\n)"):
        tree = json.loads(sql.first(store, "select json_serialize_sql(?)", [text])[0])
        if tree["error"]:
            raise ReserveError(
                f"WHERE {condition!r} is not a condition: {tree['error_message']}. Write one like "
                "channel = 'web' and recommend >= 9."
            )
        trees.append(tree["statements"])
    plain, asked = trees
    if len(asked) == 1 and asked[0]["node"]["type"] == "SELECT_NODE":
        tree = asked[0]["node"].pop("where_clause")
        plain[0]["node"].pop("where_clause")
        if _without_places(plain) == _without_places(asked):
            return tree
    raise ReserveError(f"WHERE {condition!r} is more than one condition. Give a single one.")


def _without_places(tree: object) -> object:
    if isinstance(tree, dict):
        return {k: _without_places(v) for k, v in tree.items() if "location" not in k}
    return [_without_places(v) for v in tree] if isinstance(tree, list) else tree


def _refuse_unsafe(tree: object, where: str, columns: list[str]) -> None:
    for node in _nodes(tree):
        kind = node["class"]
        if kind not in PLAIN:
            raise ReserveError(
                f"WHERE {where!r}: {kind.lower()} is not allowed in a condition. Compare columns "
                "with values, joined by and, or, not."
            )
        if kind == "COLUMN_REF":
            _refuse_unknown(node["column_names"], where, columns)
        if kind == "FUNCTION" and not (
            node.get("is_operator") or node["function_name"] in FUNCTIONS | {"~~", "!~~"}
        ):
            if re.fullmatch(r"\W+", node["function_name"]):
                continue
            raise ReserveError(
                f"WHERE {where!r}: the function {node['function_name']!r} is not allowed. There "
                f"are: {', '.join(sorted(FUNCTIONS))}."
            )


def _nodes(tree: object):
    if isinstance(tree, dict):
        if "class" in tree:
            yield tree
        for value in tree.values():
            yield from _nodes(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _nodes(value)


def _refuse_unknown(names: list[str], where: str, columns: list[str]) -> None:
    known = {sql.fold(c) for c in columns}
    if len(names) > 1 or sql.fold(names[0]) not in known:
        near = get_close_matches(names[-1], columns, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ". Text needs single quotes."
        raise ReserveError(
            f"WHERE {where!r}: there is no column {'.'.join(names)!r}{hint} {_there_are(columns)}"
        )


def _there_are(columns: list[str]) -> str:
    return f"The columns are: {', '.join(columns)}."


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") + "."
