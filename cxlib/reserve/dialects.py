"""Queries written once, as DuckDB takes them, in the dialect of another engine.

    views = {"orders": 'SELECT id AS order_id, "amount" FROM shop.orders'}
    translated("select sum(amount) from orders", views, "postgres")

A table of the reserve stands for a query on the engine (its view), which goes into the statement as
a subquery with the columns that the statement names: to read is enough, no view need be created.
Functions differ between engines without an error (a quarter that `strftime` writes, a number that
ends in a half and is rounded, an É in small letters), so that only those of CHECKED go through, for
which the tests compare the engines.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from cxlib.reserve import spark_sql

CHECKED = {  # functions and operators, by their names in sqlglot, that give the same on each engine
    *("Abs", "Add", "And", "ApproxDistinct", "Array", "Avg", "Case", "Cast", "Ceil", "Coalesce"),
    *("Collate", "Count", "DPipe", "DateDiff", "Day", "Div", "EQ", "Exists", "GT", "GTE"),
    *("Greatest", "If", "Is", "LT", "LTE", "Lag", "Lead", "Least", "Left", "Length", "Like"),
    *("Max", "Min", "Mod"),
    *("Month", "Mul", "NEQ", "Neg", "Not", "Nullif", "Or", "Paren", "Right"),
    *("RowNumber", "StartsWith", "Sub", "Substring", "Sum", "TimestampTrunc", "Trim", "Year"),
}
OURS = {  # functions that each engine computes in its own way, those of `sql.KEYS` among them
    "duckdb": {
        **{name: name + "({0})" for name in ("customer_key", "sample_key", "row_key")},
        **{name: name + "({0})" for name in ("to_days", "to_hours")},
    },
    "postgres": {
        "customer_key": "(('x' || substr(md5({0}), 1, 4))::bit(16)::int >> 3)",
        "sample_key": "('x' || substr(md5({0}), 9, 6))::bit(24)::int",
        "to_days": "({0} * interval '1 day')",
        "to_hours": "({0} * interval '1 hour')",
        "row_key": "((({0} & 4294967295)::numeric * 2654435769 % 4294967296)::bigint >> 19)",
    },
    "spark": {
        "customer_key": "shiftright(cast(conv(substring(md5({0}), 1, 4), 16, 10) as int), 3)",
        "sample_key": "cast(conv(substring(md5({0}), 9, 6), 16, 10) as int)",
        "to_days": "({0} * interval '1' day)",
        "to_hours": "({0} * interval '1' hour)",
        "row_key": "shiftright(cast(cast({0} & 4294967295 as decimal(20, 0)) * 2654435769 "
        "% 4294967296 as bigint), 19)",
    },
}
SUMS = {  # rows of a statement, and the sum of the hashes of all of them
    "duckdb": "select count(*) as n, sum(hash(t)::hugeint)::varchar as h from ({0}) as t",
    "postgres": "select count(*) as n, "
    "sum(('x' || substr(md5(t::text), 1, 15))::bit(60)::bigint)::text as h from ({0}) as t",
    "spark": "select count(*) as n, cast(sum(cast(xxhash64(to_json(struct(*))) as decimal(20, 0))) "
    "as string) as h from ({0}) as t",
}
_WORD = re.compile(r'"((?:[^"]|"")+)"|(\w+)')


class NotTranslated(ValueError):
    """A statement that the engine would not take, or would take for something else."""


def tables(query: str) -> set[str]:
    """The tables that a statement of DuckDB's reads.

    Examples
    --------
    >>> sorted(tables("with a as (select * from orders) select * from a join customers using (x)"))
    ['customers', 'orders']
    """
    from sqlglot import exp

    tree = _parsed(query, "duckdb")
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    return {table.name for table in tree.find_all(exp.Table)} - own


def translated(
    query: str,
    views: Mapping[str, str],
    dialect: str,
    values: Mapping[str, object] | Sequence[object] | None = None,
) -> str:
    """A statement of DuckDB's over tables of the reserve, as the engine takes it.

    Parameters
    ----------
    query : one SELECT
    views : table -> the SELECT in the engine's own dialect that gives its rows
    dialect : of the engine, as sqlglot calls it
    values : of its parameters, by name or in their order

    Raises
    ------
    NotTranslated : it reads a table that is not among the views, or uses a function that was not
        checked on the engine

    Examples
    --------
    >>> views = {"orders": "SELECT a AS amount, b AS c FROM x"}
    >>> print(translated("select amount from orders", views, "postgres"))
    SELECT "amount" FROM (SELECT "a" AS "amount" FROM "x") AS "orders"
    """
    named = values.items() if isinstance(values, Mapping) else enumerate(values or ())
    given = tuple((place, value, type(value)) for place, value in named)  # for a cache 1 is true
    return _translated(query, tuple(views.items()), dialect, given)


@lru_cache(512)
def _translated(
    query: str,
    views: tuple[tuple[str, str], ...],
    dialect: str,
    given: tuple[tuple[object, object, type], ...],
) -> str:
    from sqlglot import exp

    tree: Any = _parsed(query, "duckdb").copy()
    if unknown := tables(query) - {name for name, _view in views}:
        raise NotTranslated(f"it reads {', '.join(sorted(unknown))}, which is not on the engine")
    for node in tree.find_all(exp.Func, exp.Binary, exp.Unary):
        _check(node, dialect)
    for star in tree.find_all(exp.Star):
        if star.args.get("except_"):
            raise NotTranslated("it leaves out columns of a star")
    values = {place: value for place, value, _type in given}
    for place, parameter in enumerate(list(tree.find_all(exp.Placeholder, bfs=False))):
        parameter.replace(_constant(values[parameter.this or place]))
    _group_by_all(tree)
    for count in list(tree.find_all(exp.ApproxDistinct)):
        count.replace(exp.Count(this=exp.Distinct(expressions=[count.this])))
    if dialect == "spark":
        tree = _for_spark(tree)
    for k, query_ in enumerate(tree.find_all(exp.Subquery)):
        if isinstance(query_.parent, (exp.From, exp.Join)) and not query_.alias:
            query_.set("alias", exp.TableAlias(this=exp.to_identifier(f"_{k}")))
    for cast in tree.find_all(exp.Cast):  # true and false become small numbers by way of whole ones
        if cast.to.this == exp.DataType.Type.TINYINT:
            cast.set("to", exp.DataType.build("int"))
    for call in [c for c in tree.find_all(exp.Func) if _function(c) in OURS[dialect]]:
        of = call.expressions if isinstance(call, exp.Anonymous) else [call.this]
        arguments = [argument.sql(dialect, identify=True) for argument in of]
        own = OURS[dialect][_function(call)].format(*arguments)
        call.replace(_parsed(f"select {own}", dialect).selects[0].copy())
    return _in_place(tree, dict(views), columns(query), dialect).sql(dialect, identify=True)


def _in_place(tree: Any, views: Mapping[str, str], named: set[str] | None, dialect: str) -> Any:
    """The tree with each table replaced by its view, of the columns among `named` (None: all)."""
    from sqlglot import exp

    for table in [t for t in tree.find_all(exp.Table) if t.name in views and not t.db]:
        text, joined = views[table.name], table.name.startswith("_")
        view = _parsed(text, "duckdb" if joined else dialect).copy()
        if named is not None:
            kept = [s for s in view.selects if s.is_star or s.alias_or_name in named]
            view.set("expressions", kept or view.selects[:1])
        if joined:  # made of other views, and named apart from the engine's own tables
            mine = None if named is None else named | words(text)
            inner = {name: own for name, own in views.items() if name != table.name}
            view = _in_place(view, inner, mine, dialect)
        table.replace(view.subquery(table.alias_or_name))
    return tree


def _for_spark(tree: Any) -> Any:
    try:
        return spark_sql.rewritten(tree)
    except spark_sql.NotInSpark as why:
        raise NotTranslated(str(why)) from why


def quoted(names: Sequence[str], dialect: str) -> str:
    """The parts of a name as the engine takes them.

    Examples
    --------
    >>> quoted(["shop", "a`b"], "spark")
    '`shop`.`a``b`'
    """
    from sqlglot import exp

    return ".".join(exp.to_identifier(part, quoted=True).sql(dialect) for part in names)


def _constant(value: object) -> Any:
    """A value as it stands in a statement."""
    from sqlglot import exp

    if isinstance(value, datetime):
        return exp.cast(exp.Literal.string(value.isoformat(sep=" ")), "timestamp")
    if value is None or isinstance(value, (bool, int, float, str)):
        return exp.convert(value)
    raise NotTranslated(f"a {type(value).__name__} is no constant")


def _group_by_all(tree: Any) -> None:
    """GROUP BY ALL as the places of what is no sum, which every engine takes."""
    from sqlglot import exp

    for group in [g for g in tree.find_all(exp.Group) if g.args.get("all")]:
        selected = enumerate(group.parent.selects, start=1)
        places = [exp.Literal.number(i) for i, s in selected if not s.find(exp.AggFunc)]
        group.set("all", None)
        group.set("expressions", places)
        if not places:
            group.parent.set("group", None)


def _check(node: Any, dialect: str) -> None:
    """Raise NotTranslated for what was not compared between the engines."""
    from sqlglot import exp

    own = isinstance(node, exp.Func) and _function(node) in OURS[dialect]
    if type(node).__name__ not in CHECKED and not own:
        raise NotTranslated(f"`{node.sql('duckdb')[:80]}` was not compared between engines")
    if isinstance(node, exp.Like) and "\\" in node.expression.name:
        raise NotTranslated(f"`{node.sql('duckdb')[:80]}` has a backslash in its pattern")


def _function(node: Any) -> str:
    """The name of a function in DuckDB."""
    from sqlglot import exp

    return (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()


def columns(query: str) -> set[str] | None:
    """What may name a column in a statement; None where it asks for all of a table.

    Examples
    --------
    >>> sorted(columns("select n, count(*) as own from t"))
    ['as', 'count', 'from', 'n', 'own', 'select', 't']
    >>> columns("select * from t")
    """
    from sqlglot import exp

    stars = _parsed(query, "duckdb").find_all(exp.Star)
    return None if any(not isinstance(s.parent, exp.Count) for s in stars) else words(query)


def words(text: str) -> set[str]:
    """The names and keywords of a text in SQL."""
    return {(q.replace('""', '"') or bare) for q, bare in _WORD.findall(text)}


@lru_cache(512)
def _parsed(text: str, dialect: str) -> Any:
    import sqlglot
    from sqlglot.errors import SqlglotError

    try:
        return sqlglot.parse_one(text, read=dialect)
    except SqlglotError as error:
        raise NotTranslated(f"it cannot be parsed ({str(error).splitlines()[0]})") from error
