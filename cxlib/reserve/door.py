"""Rows that stay where they are: with `reporting.leave_rows: false` pages bring sums alone.

    connection = door.closed(connection, smallest_cell=10)
    connection.execute("select * from orders")                 # RowsStay
    connection.execute(Held("select wave, sum(amount) ...", people="select min(n) from ..."))

Of tables of customers three kinds of query pass: numbers of rows and of values; values of a column
with their numbers of rows; and sums that name the query of how few customers any of them has
(`Held`). Of the latter two each row is of at least the smallest cell of customers, which the engine
counts before the query is sent; a number of rows is 0 or at least as large. All else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any, Self, TypeVar, cast

import duckdb

from cxlib.core.errors import RowsStay
from cxlib.core.i18n import _
from cxlib.data import sql
from cxlib.reserve import tables_read
from cxlib.stats.resampling import MAX_CLUSTERS

Asked = TypeVar("Asked")
BUCKETS = (1024, 512, 256, 128, 64, 32)  # of customers, where only sums of them may leave
OF_NOBODY = {"actions", "audits", "benchmarks", "units"}  # tables of what the company does or is
_SETS = re.compile(r"\b(union|intersect|except)\b", re.IGNORECASE)
_DESCRIBED = re.compile(r"\s*describe\b|.*\blimit 0\s*$", re.IGNORECASE | re.DOTALL)
_ROWS = re.compile(
    r"\s*select count\(\*\)(?: as \w+)? from (?P<source>\S+)(?: where (?P<holds>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_COLUMN = r'"?\w+"?'
_VALUES = re.compile(
    rf"\s*select (approx_count_distinct\({_COLUMN}\)|count\(distinct {_COLUMN}\)) from\b"
    r"(?!.*\bgroup\b).*",
    re.IGNORECASE | re.DOTALL,
)
_BY_VALUE = re.compile(
    rf"\s*select (?P<column>{_COLUMN}), count\(\*\)(?: as \w+)? from (?P<source>\S+)"
    r"(?: where (?P<holds>.*?))? group by 1( order by 1)?\s*",
    re.IGNORECASE | re.DOTALL,
)


class TooFew(RowsStay):
    """Sums of fewer customers than the smallest cell would leave; they were not sent."""


class Held(str):
    """A query whose rows are sums over customers.

    Attributes
    ----------
    people : the query of one number, of how few customers a row is made
    least : customers that each row needs, where that is more than the smallest cell
    """

    people: str
    least: int

    def __new__(cls, query: str, people: str, least: int = 0) -> Self:
        """The query, which is sent as it is where rows may leave."""
        made = super().__new__(cls, query)
        made.people, made.least = people, least
        return made


def fewest(groups: list[str], source: str, holds: str, customer: str = "customer_id") -> str:
    """The query of how few customers any combination of expressions has; empty of no rows.

    Rows without a customer count as one each, and so do all where `customer` is empty.

    Examples
    --------
    >>> print(fewest(["wave"], "responses", "true"))
    select min(n) from (select count(distinct customer_id) + count(*) - count(customer_id) as n, \
wave as g0 from responses where true group by all) as people
    """
    parts = "".join(f", {expression} as g{k}" for k, expression in enumerate(groups))
    grouped = f"select {_people(customer)} as n{parts} from {source} where {holds}"
    grouped += " group by all" if parts else ""
    return f"select min(n) from ({grouped}) as people"


def _people(customer: str) -> str:
    """How many customers rows have; rows where their table does not say."""
    own = f"count(distinct {customer}) + count(*) - count({customer})"
    return own if customer else "count(*)"


def closed(
    connection: duckdb.DuckDBPyConnection,
    smallest_cell: int,
    named: Collection[str] = (),
    known: dict[str, int | None] | None = None,
) -> duckdb.DuckDBPyConnection:
    """The connection, by which no row of a customer comes.

    Parameters
    ----------
    connection : to the reserve, or to an engine
    smallest_cell : customers at least in whatever comes
    named : tables whose rows name their customer; of others rows are counted
    known : what queries of how few customers there are gave already, which are not sent again
    """
    least = max(smallest_cell, 2)
    return cast(duckdb.DuckDBPyConnection, _Closed(connection, least, frozenset(named), known))


def by_customers(
    asked: Callable[[int], Asked], *, leave_rows: bool, missing: str = "complete"
) -> Asked:
    """What is asked by keys of customers; where no row may leave, of as many keys as one.

    That is the finest of `BUCKETS` by which each sum has at least the smallest cell of
    customers.

    Parameters
    ----------
    asked : what is to be done with so many of the `MAX_CLUSTERS` keys taken as one
    leave_rows : whether rows may leave, so that keys are taken one by one
    missing : how sums treat missing answers

    Raises
    ------
    RowsStay : not even the coarsest has, or sums by pairs of answers are asked for
    """
    if leave_rows:
        return asked(1)
    if missing == "pairwise":  # sums of a pair may be those of one customer who gave both
        raise RowsStay(
            _(
                "Sums by pairs of answers do not leave the database (leave_rows: false in "
                "study.yaml): a pair may have been answered by few. Use MISSING='complete'."
            )
        )
    for buckets in BUCKETS:
        try:
            return asked(MAX_CLUSTERS // buckets)
        except TooFew as error:
            small = error
    raise small


class _Closed:
    """A connection that brings no rows of customers."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        least: int,
        named: frozenset[str],
        known: dict[str, int | None] | None,
    ) -> None:
        self._connection, self._least, self._named = connection, least, named
        self._known = {} if known is None else known

    def execute(self, query: str, values: Any = None) -> Any:
        """As DuckDB's own; RowsStay for what would bring rows, or sums of too few customers."""
        of = tables_read.of(query) - OF_NOBODY
        if of <= {tables_read.CHECKS, tables_read.ALL} or _DESCRIBED.match(query):
            return self._connection.execute(query, values)
        if isinstance(query, Held):
            self._require(query.people, values, query.least)
        elif _SETS.search(query):
            raise self._refused()
        elif found := _ROWS.fullmatch(query):
            return self._number(found, of, values)
        elif found := _BY_VALUE.fullmatch(query):
            holds = found["holds"] or "true"
            customer = "customer_id" if of <= self._named else ""
            self._require(fewest([found["column"]], found["source"], holds, customer), values)
        elif not _VALUES.fullmatch(query):
            raise self._refused()
        return self._connection.execute(query, values)

    def _number(self, found: re.Match[str], of: set[str], values: Any) -> Any:
        """A number of rows, which is not brought where few customers have them."""
        people = f"{_people('customer_id' if of <= self._named else '')} as p"
        counted = f"select count(*) as n, {people} from {found['source']}"
        counted += f" where {found['holds'] or 'true'}"
        few = f"p > 0 and p < {self._least}"
        asked = f"select case when {few} then -1 else n end as n from ({counted}) as counted"
        [n] = sql.first(self._connection, asked, values)
        if n < 0:
            raise self._too_few()
        return self._connection.execute(f"select {int(n)} as n")

    def _require(self, people: str, values: Any, least: int = 0) -> None:
        asked = people if values is None else f"{people} -- {values}"
        if asked not in self._known:
            [self._known[asked]] = sql.first(self._connection, people, values)
        n, least = self._known[asked], max(least, self._least)
        if n is not None and n < least:
            raise self._too_few(least)

    def _too_few(self, least: int = 0) -> TooFew:
        return TooFew(
            _(
                "Sums of fewer than {n:count} customers do not leave the database (leave_rows: "
                "false in study.yaml), and some of those needed here have fewer.",
                n=least or self._least,
            )
        )

    def _refused(self) -> RowsStay:
        return RowsStay(
            _(
                "This needs rows of customers, and study.yaml keeps them in the database "
                "(leave_rows: false)."
            )
        )

    def __getattr__(self, name: str) -> Any:
        if name != "close":  # whatever else there is would bring rows
            raise self._refused()
        return getattr(self._connection, name)
