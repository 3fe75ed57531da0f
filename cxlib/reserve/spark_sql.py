"""What Spark computes otherwise than DuckDB, put in other words before a query is written for it.

    rewritten(tree)    # of a query as DuckDB takes it, as sqlglot parsed it

Spark cuts a number off where DuckDB rounds it, counts whole hours where DuckDB counts those that
began, divides decimals with few digits, and gives a day that was cut from a time a time zone. Each
function here gives DuckDB's own answer; `tests/test_engine_spark.py` compares them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

# A number as text, and text as a number, are written by each engine in its own way.
TEXT = (
    "if(typeof({0}) in ('double', 'float'), "
    "raise_error('a number with decimals cannot be made text here'), cast({0} as string))"
)
# A whole number of a fraction, which is rounded: of two as near to the even one, of text upwards.
WHOLE = (
    "case when typeof({0}) in ('double', 'float') "
    "then cast(bround(cast({0} as decimal(38, 18))) as {1}) "
    "when typeof({0}) = 'string' or typeof({0}) like 'decimal%' "
    "then cast(round(cast({0} as decimal(38, 18))) as {1}) else cast({0} as {1}) end"
)
TRUNCATED = "cast(date_trunc('{1}', {0}) as timestamp_ntz)"
BEGUN = "timestampdiff({2}, date_trunc('{2}', {0}), date_trunc('{2}', {1}))"
BETWEEN = {  # unit: how many of them begin after {0} and up to {1}
    "DAY": "datediff({1}, {0})",
    "MONTH": "((year({1}) - year({0})) * 12 + month({1}) - month({0}))",
    "YEAR": "(year({1}) - year({0}))",
    "MICROSECOND": "timestampdiff(MICROSECOND, {0}, {1})",
    **dict.fromkeys(("HOUR", "MINUTE", "SECOND"), BEGUN),
}
INTEGERS = {"TINYINT": "int", "SMALLINT": "smallint", "INT": "int", "BIGINT": "bigint"}


class NotInSpark(ValueError):
    """What cannot be said so that Spark gives what DuckDB does."""


def rewritten(tree: Any) -> Any:
    """The query with Spark's own words for what it would compute otherwise.

    Parameters
    ----------
    tree : a query of DuckDB's as sqlglot parsed it, which is changed

    Raises
    ------
    NotInSpark : there are no such words

    Examples
    --------
    >>> import sqlglot
    >>> tree = sqlglot.parse_one("select avg(k) from a where d = any([1, 2])", read="duckdb")
    >>> rewritten(tree).sql("spark")
    'SELECT AVG(CAST(`k` AS DOUBLE)) FROM a WHERE d IN (1, 2)'
    """
    for node in reversed(list(tree.walk())):  # what is inside another first
        rewrite = _REWRITES.get(type(node).__name__)
        made = rewrite(node) if rewrite else None
        if made is not None:
            node.replace(made)
    return tree


def _spark(template: str, *parts: Any) -> Any:
    """An expression in Spark's own words, around parts of the query."""
    import sqlglot

    said = (part if isinstance(part, str) else part.sql("spark", identify=True) for part in parts)
    tree: Any = sqlglot.parse_one(f"select {template.format(*said)}", read="spark")
    return tree.selects[0].copy()


def _average(node: Any) -> None:
    node.set("this", _spark("cast({0} as double)", node.this))


def _quotient(node: Any) -> None:
    node.set("this", _spark("cast({0} as double)", node.this))


def _cast(node: Any) -> Any:
    from sqlglot import exp

    kind = node.to.this.name
    if kind in ("TEXT", "VARCHAR"):
        return None if isinstance(node.this, exp.Literal) else _spark(TEXT, node.this)
    if kind not in INTEGERS:
        return None
    plain = isinstance(node.this.unnest(), (exp.Predicate, exp.Connector, exp.Not))
    whole = plain or (isinstance(node.this, exp.Literal) and node.this.is_int)
    return _spark("cast({0} as {1})" if whole else WHOLE, node.this, INTEGERS[kind])


def _truncated(node: Any) -> Any:
    return _spark(TRUNCATED, node.this, node.unit.name)


def _days_between(node: Any) -> Any:
    unit = node.unit.name.upper() if node.unit else "DAY"
    if unit not in BETWEEN:
        raise NotInSpark(f"`{node.sql('duckdb')[:80]}` counts in {unit.lower()}s")
    return _spark(BETWEEN[unit], node.expression, node.this, unit)


def _equal(node: Any) -> Any:
    from sqlglot import exp

    if not isinstance(node.expression, exp.Any):
        return None
    among = node.expression.this.unnest()
    if not isinstance(among, exp.Array) or not among.expressions:
        raise NotInSpark(f"`{node.sql('duckdb')[:80]}` compares with no list of values")
    return exp.In(this=node.this.copy(), expressions=[e.copy() for e in among.expressions])


def _part(node: Any) -> None:
    """Left, right and middle of a text by places from its beginning, which are the same."""
    from sqlglot import exp

    places = [a for k, a in node.args.items() if k != "this" and isinstance(a, exp.Expression)]
    least = 1 if isinstance(node, exp.Substring) else 0
    if not all(isinstance(p, exp.Literal) and p.is_int and int(p.name) >= least for p in places):
        raise NotInSpark(f"`{node.sql('duckdb')[:80]}` counts places from the end, or from 0")


_REWRITES: dict[str, Callable[[Any], Any]] = {
    "Avg": _average,
    "Cast": _cast,
    "Collate": lambda node: node.this,  # text is ordered by its bytes anyway
    "DateDiff": _days_between,
    "Div": _quotient,
    "EQ": _equal,
    "Left": _part,
    "Right": _part,
    "Substring": _part,
    "TimestampTrunc": _truncated,
}
