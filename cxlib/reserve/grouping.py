"""Rows of any table by a column of any table: its own, its order's, its answer's, its customer's.

found = grouping.column(reserve, "")               # the first of channel, product, branch ...
grouping.grouped(reserve, study.sample("cases"), "cases", found)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd

from cxlib.core.errors import suggestion
from cxlib.core.i18n import _
from cxlib.core.sample import Sample
from cxlib.data import expressions, sql
from cxlib.reserve.database import Database
from cxlib.reserve.store import ReserveError

# What customers meet or use, in the order in which a page looks for one to compare.
USUAL = (
    *("channel", "product", "branch", "store", "shop", "site", "location", "department"),
    *("team", "category", "渠道", "产品", "门店", "网点", "分店", "部门", "品类"),
)
FEW = 30  # different values of an attribute by which customers are made alike
MOST = 100  # different values, above which a column names rows rather than groups
OWN = ("customer_id", "joined_on", "left_on", "left_because", "referred_by")  # no attributes
KEYS = ("order_id", "response_id", "customer_id")  # by which rows belong to those of other tables
# The steps of an order are no contacts that chose what was bought, and of those invited only who
# answered has an answer.
NO_LINKS = (("events", "order_id"), ("invitations", "response_id"))


def column(reserve: Database, by: str = "") -> str:
    """`by`, else the first usual column with several values, else the study's own group.

    Raises ReserveError where no table has a column `by`; empty where the study names no groups.
    """
    if by:
        require(reserve, by)
        return by
    found = (c for c in USUAL if any(_several(reserve, t, c) for t in having(reserve, c)))
    return next(found, reserve.study.group)


def require(reserve: Database, by: str) -> None:
    """Raise ReserveError where no table has the column, naming the nearest one."""
    if not any(having(reserve, by)):
        known = list(dict.fromkeys(c for have in reserve.schema.values() for c in have))
        raise ReserveError(
            f"no table of {reserve.study.name} has a column {by!r}.{suggestion(by, known)} "
            f"There are: {', '.join(known) or 'none'}."
        )


def having(reserve: Database, by: str) -> Iterator[str]:
    """The tables that have the column."""
    return (table for table, have in reserve.schema.items() if by in have)


def _several(reserve: Database, table: str, by: str) -> bool:
    """Whether a column has 2 to `MOST` different values."""
    values = f"select count(distinct {sql.name(by)}) from {sql.name(reserve.source(table))}"
    return 2 <= sql.first(reserve.store, values)[0] <= MOST


def groupable(reserve: Database, tables: Iterable[str], by: str) -> list[str]:
    """Those of the tables whose rows can be grouped by the column."""
    return [
        t
        for t in tables
        if t in reserve.schema and (by in reserve.schema[t] or linked(reserve, t, by))
    ]


def grouped(reserve: Database, sample: Sample, table: str, by: str) -> Sample | None:
    """The sample with the column `by`, of its own table or of another; None where there is no way.

    A row takes the value of its order, answer or customer, found by the keys that both tables
    have. Of an order with several lines it is that of the line with the largest amount; of a
    customer with several rows the most frequent value, and a note says so. Of equals it is none:
    any choice would make one group larger.
    """
    if by in sample:
        return sample
    link = linked(reserve, table, by)
    if link is None:
        return None
    key, source = link
    found = sample.assign(**{by: sample[key].map(values(reserve, source, key, by))})
    if inferred(reserve, table, by):
        found = found.replace(notes=(*found.notes, inferred_note(table, source, by)))
    return found


def inferred(reserve: Database, table: str, by: str) -> str:
    """The table of whose rows a customer's most frequent value is taken; empty if none is."""
    if by in reserve.schema.get(table, ()) or (link := linked(reserve, table, by)) is None:
        return ""
    return link[1] if link[0] == "customer_id" and link[1] != "customers" else ""


def inferred_note(table: str, source: str, by: str) -> str:
    """That the value of a row is its customer's, and of which rows."""
    return _(
        "{table:opening} have no {column:quoted} of their own: it is the most frequent one among "
        "the customer's {source:inner}, and none where two are equally frequent.",
        table=table,
        column=by,
        source=source,
    )


def people(reserve: Database, table: str, by: Sequence[str], where: str = "") -> pd.DataFrame:
    """How many customers each group of a table has: columns `by`, n; rows of nobody count alone.

    Rows without a value in a column of `by` are in no group. Raises ExpressionError for a
    condition that is none.
    """
    have, source = reserve.columns(table), reserve.source(table)
    holds = [expressions.condition(where, reserve.store, source, have)]
    holds += [f"{sql.name(column)} is not null" for column in by]
    own = "count(distinct customer_id) + count(*) - count(customer_id)"
    counted = own if "customer_id" in have else "count(*)"
    return reserve.store.execute(
        f"select {''.join(f'{sql.name(column)}, ' for column in by)}{counted} as n "
        f"from {sql.name(source)} where {' and '.join(holds)} group by all"
    ).df()


def alike(reserve: Database, table: str, others: Iterable[str], by: str) -> str:
    """The first other table whose groups are those of the table: recorded, or inferred alike.

    Rows by a group that was inferred over rows by one that was recorded are no rate.
    """
    own = inferred(reserve, table, by)
    return next((t for t in others if inferred(reserve, t, by) == own), "")


def attributes(reserve: Database, table: str, by: str) -> list[str]:
    """What says who a row's customer is: few-valued columns of customers, wave, kind of case."""
    churn = reserve.study.churn
    out = {by, *OWN, churn.flag if churn else ""}
    own = {"responses": ["wave"], "cases": ["severity", "category"]}.get(table, [])
    have = reserve.schema[table]
    theirs = reserve.schema.get("customers", []) if "customer_id" in have else []
    found = [(table, c) for c in own if c in have] + [("customers", c) for c in theirs]
    return list(dict.fromkeys(c for t, c in found if c not in out and _few(reserve, t, c)))


def _few(reserve: Database, table: str, by: str) -> bool:
    values = f"select approx_count_distinct({sql.name(by)}) from {sql.name(reserve.source(table))}"
    return 2 <= sql.first(reserve.store, values)[0] <= FEW


def linked(reserve: Database, table: str, by: str) -> tuple[str, str] | None:
    """The key, and the table that has it and the column."""
    have = [k for k in reserve.schema.get(table, []) if (table, k) not in NO_LINKS]
    sources = [t for t in having(reserve, by) if t != table]
    pairs = ((k, t) for k in KEYS if k in have for t in sources if k in reserve.schema[t])
    return next(pairs, None)


def values(reserve: Database, table: str, key: str, by: str) -> pd.Series:
    """The value of each key of a table: of its only row, largest line, or most of its rows.

    A key with several values that are equally large or frequent has none.
    """
    lines = key == "order_id" and "amount" in reserve.schema[table]
    rows = reserve.read(table, columns=[key, by, *(["amount"] if lines else [])])
    rows = rows.dropna(subset=[key, by])
    if lines:
        sizes = rows.assign(n=rows["amount"].fillna(-np.inf)).groupby([key, by], sort=False)["n"]
        counts = sizes.max().reset_index()
    else:
        counts = rows.value_counts([key, by], sort=False).rename("n").reset_index()
    top = counts[counts["n"] == counts.groupby(key)["n"].transform("max")]
    return top.drop_duplicates(key, keep=False).set_index(key)[by]


def commonest(table: str, by: str) -> str:
    """The query of `values` of the customers of a table: columns customer_id and value."""
    source, column = sql.name(table), sql.name(by)
    counted = (
        f"select customer_id, {column} as v, count(*) as n from {source} "
        f"where customer_id is not null and {column} is not null group by customer_id, {column}"
    )
    most = "max(n) over (partition by customer_id) as most"
    ranked = f"select customer_id, v, n, {most} from ({counted}) as c"
    return (
        f"select customer_id, max(v) as value from ({ranked}) as m where n = most "
        "group by customer_id having count(*) = 1"
    )
