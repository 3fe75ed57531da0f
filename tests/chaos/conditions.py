"""Conditions out of a grammar of what should not pass, and what DuckDB would do with those that do.

for text in conditions(1, 300): judge(store, text)   # what is wrong; empty: refused, or a filter
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator

import duckdb
import pandas as pd
import sqlglot
from sqlglot import exp

from cxlib.data import expressions, sql
from cxlib.reserve import dialects

COLUMNS = {
    "channel": ["web", "shop", "it's"],
    "speed": [1, 2, 3],
    "at": pd.to_datetime(["2026-01-01", "2026-02-01", "2026-03-01"]),
    "Größe": ["S", "M", "L"],
    'a"b; --': [1.5, 2.5, 3.5],
    "read_text": ["x", "y", "z"],
}
FILTERS = {  # operators of a plan that reads one table and keeps some of its rows
    *("FILTER", "PROJECTION", "SEQ_SCAN", "TABLE_SCAN", "EMPTY_RESULT"),
    *("COLUMN_DATA_SCAN", "UNGROUPED_AGGREGATE"),  # what counts the rows
}
READERS = (
    *("read_text('/etc/passwd')", "read_csv('/etc/passwd')", "read_blob('x')", "glob('/*')"),
    *("read_parquet('x')", "read_json_auto('x')", "sniff_csv('/etc/passwd')", "getenv('HOME')"),
    *("query('select 1')", "query_table('t')", "pragma_version()", "duckdb_settings()"),
    *("duckdb_secrets()", "current_setting('home_directory')", "which_secret('s3://x','s3')"),
    *("nextval('s')", "currval('s')", "random()", "uuid()", "setseed(0.5)", "now()", "version()"),
    *("current_database()", "txid_current()", "range(1000000000)", "unnest([1,2])", "row_number()"),
    *(
        "list_transform([1], x -> x)",
        "sum(speed)",
        "count(*)",
        "string_agg(channel)",
        "any_value(at)",
    ),
    *(
        "parse_path('x')",
        "json_execute_serialized_sql('x')",
        "error('x')",
        "repeat('x', 999999999)",
    ),
    *("lpad('x', 999999999, 'y')", "pg_read_file('/etc/passwd')", "pg_sleep(9)", "dblink('x','y')"),
    *("lo_import('/etc/passwd')", "xpath('/a', 'b')", "set_config('a','b',true)", "read_text"),
)
STATEMENTS = (
    *("attach 'x.db' as y", "copy t to 'x.csv'", "pragma database_list", "install httpfs"),
    *(
        "load 'x.so'",
        "drop table t",
        "delete from t",
        "update t set speed = 1",
        "create table x(a int)",
    ),
    *(
        "export database 'x'",
        "import database 'x'",
        "set memory_limit='1GB'",
        "call pragma_version()",
    ),
    *("checkpoint", "vacuum", "begin", "use memory", "detach t", "describe t", "explain select 1"),
    *(
        "prepare p as select 1",
        "select * from '/etc/passwd'",
        "from t",
        "values (1)",
        "show tables",
    ),
)
BREAKS = (
    *(";", "--", "/*", "*/", "\n", "\r", "\t", "\0", ")", "(", "))", "((", "'", '"', "''", '""'),
    *("\u2018", "\u2019", "\u201c", "\u201d", "\uff07", "\uff02", "\u02bc", "\u00a0", "\u200b"),
    *("\ufeff", "\u2028", "\x1b", "\\", "\\'", "$$", "$a$", "$1", "?", ":x", "@x", "#", "#1", "::"),
    *("[", "]", "{", "}", "e'\\x27'", "E'\\''", "x'27'", "U&'\\0027'", "b'1'", "`", "||", "\ud800"),
)
TAILS = (
    *("union select 1", "union all select * from t", "limit 1", "order by 1", "group by 1"),
    *("having true", "window w as ()", "qualify true", "using sample 1", "returning *"),
    *("intersect select 1", "except select 1", "offset 1", "for update", "into x", "from t2"),
    *("join t on true", "where true", "as x", "collate nocase", "at time zone 'UTC'", "over ()"),
    *("filter (where true)", "within group (order by 1)", "is distinct from 1", "tablesample 1"),
)


def conditions(seed: int, most: int) -> Iterator[str]:
    """So many conditions, the same for the same seed."""
    rng = random.Random(seed)
    for _ in range(most):
        text = _condition(rng, 3)
        if rng.random() < 0.3:
            at = rng.randrange(len(text) + 1)
            text = text[:at] + rng.choice(BREAKS) + text[at:]
        if rng.random() < 0.15:
            at, size = rng.randrange(len(text)), rng.choice((1, 2, 9))
            text = text[:at] + text[at + size :]
        yield text


def _condition(rng: random.Random, depth: int) -> str:
    if not depth or rng.random() < 0.25:
        return (
            f"{_value(rng, 0)} {rng.choice(('=', '==', '<>', '<', '>=', 'like'))} {_value(rng, 0)}"
        )
    inner = lambda: _condition(rng, depth - 1)  # noqa: E731
    value = lambda: _value(rng, depth - 1)  # noqa: E731
    ways = (
        lambda: f"{inner()} {rng.choice(('and', 'or', 'AND NOT', 'xor'))} {inner()}",
        lambda: f"({inner()})",
        lambda: f"not {inner()}",
        lambda: f"{value()} in ({value()}, {value()})",
        lambda: f"{value()} between {value()} and {value()}",
        lambda: f"{value()} is {rng.choice(('null', 'not null', 'true', 'distinct from 1'))}",
        lambda: f"{inner()} {rng.choice(TAILS)}",
        lambda: f"{inner()}{rng.choice((';', '); ', ' ;--', chr(10)))} {rng.choice(STATEMENTS)}",
        lambda: (
            f"exists (select * from {rng.choice(('t', 'duckdb_tables()', chr(39) + '/x' + chr(39)))})"
        ),
        lambda: f"speed in (select speed from t where {inner()})",
        lambda: "speed = any(select 1)",
        lambda: f"{inner()} /* {inner()} */ -- {rng.choice(STATEMENTS)}",
        lambda: f"true) from t; {rng.choice(STATEMENTS)}; select (true",
        lambda: f"case when {inner()} then {value()} else {value()} end",
    )
    return rng.choice(ways)()


def _value(rng: random.Random, depth: int) -> str:
    names = [
        *COLUMNS,
        "rowid",
        "t",
        "main.t.speed",
        "_cxlab_row",
        "excluded.speed",
        "columns(*)",
        "*",
    ]
    if not depth or rng.random() < 0.4:
        return rng.choice(
            (
                lambda: rng.choice(names),
                lambda: sql.name(rng.choice(names)),
                lambda: rng.choice(
                    ("1", "-1", "1e999", "0x1", "'web'", '"web"', "null", "true", "''")
                ),
                lambda: rng.choice(READERS),
                lambda: f"date '2026-01-0{rng.randrange(1, 9)}'",
                lambda: f"interval {rng.randrange(9)} days",
            )
        )()
    inner = lambda: _value(rng, depth - 1)  # noqa: E731
    ways = (
        lambda: f"{rng.choice(sorted(expressions.FUNCTIONS))}({inner()}, {inner()})",
        lambda: f"{rng.choice(sorted(expressions.FUNCTIONS))}({inner()})",
        lambda: (
            f"{inner()} {rng.choice(('+', '-', '*', '/', '//', '%', '||', '->', '->>', '^', '~'))} {inner()}"
        ),
        lambda: f"(select {inner()})",
        lambda: f"(select {inner()} from t)",
        lambda: f"cast({inner()} as {rng.choice(('int', 'varchar', 'blob', 'json', 'regclass'))})",
        lambda: f"[{inner()}, {inner()}]",
        lambda: f"{{'a': {inner()}}}",
        lambda: f"({inner()}).a",
        lambda: f"{inner()}[1]",
        lambda: f"lambda x: {inner()}",
        lambda: rng.choice(READERS),
    )
    return rng.choice(ways)()


def store() -> duckdb.DuckDBPyConnection:
    """A connection as the reserve has one, with the table that conditions are about."""
    made = sql.connect()
    made.register("rows", pd.DataFrame(COLUMNS))
    made.execute("create table t as select * from rows")
    made.execute("create table secret as select 'hidden' as word")
    made.unregister("rows")
    return made


def judge(made: duckdb.DuckDBPyConnection, text: str) -> tuple[bool, str]:
    """Whether the condition is taken, and what is wrong with that: nothing where it is a filter."""
    try:
        holds = expressions.condition(text, made, "t", list(COLUMNS))
    except expressions.ExpressionError as error:
        return False, "" if str(error) else "refused without a word"
    query = f"select count(*) from t where {holds}"
    try:
        if more := _operators(made, query) - FILTERS:
            return True, f"its plan has {more}"
        sql.first(made, query)
    except duckdb.Error:
        pass  # a value that cannot be compared: `reserve` words it
    try:
        trees = sqlglot.parse(f"select 1 from t where {holds}", read="duckdb")
    except sqlglot.errors.SqlglotError:
        trees = []  # it reads less than DuckDB does: the plan alone speaks
    if len(trees) > 1 or any(map(_more_than_a_filter, trees)):
        return True, f"another parser sees {trees!r}"[:200]
    try:
        far = dialects.translated(query, {"t": _view()}, "postgres")
    except dialects.NotTranslated:
        return True, ""
    there = sqlglot.parse(far, read="postgres")
    if len(there) != 1 or len(list(there[0].find_all(exp.Table))) != 1:
        return True, f"PostgreSQL would be sent {far}"
    return True, ""


def _view() -> str:
    columns = ", ".join(f"{sql.name(f'c{i}')} as {sql.name(c)}" for i, c in enumerate(COLUMNS))
    return f"select {columns} from shop"


def _more_than_a_filter(tree: exp.Expression | None) -> bool:
    selects = [n for n in tree.find_all(exp.Select, exp.SetOperation)] if tree else []
    tables = [n.name for n in tree.find_all(exp.Table)] if tree else []
    return len(selects) != 1 or tables != ["t"]


def _operators(made: duckdb.DuckDBPyConnection, query: str) -> set[str]:
    """The operators of the plan."""
    plan = json.loads(made.execute(f"explain (format json) {query}").fetchall()[0][1])

    def names(nodes: list[dict]) -> Iterator[str]:
        for node in nodes:
            yield node["name"].strip()
            yield from names(node.get("children", []))

    return set(names(plan))


def campaign(seed: int, most: int) -> int:
    """Judge so many conditions and print how many were taken; the number that did not hold."""
    made, taken, wrong = store(), 0, 0
    for text in conditions(seed, most):
        try:
            took, why = judge(made, text)
        except Exception as error:  # what no message words is what we look for
            took, why = False, f"{type(error).__name__}: {error}"
        taken, wrong = taken + took, wrong + bool(why)
        if why:
            print(f"{text[:200]!r}: {why[:200]}")
    print(f"Conditions: {most:,} tried, {taken:,} taken as filters, {wrong:,} did not hold.")
    return wrong


if __name__ == "__main__":
    sys.exit(bool(campaign(1, 10_000)))
