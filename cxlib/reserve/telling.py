"""What a study tells a page about itself: what it holds, what was lost, what it asks by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxlib import page, tables
from cxlib.data.intake import reasons as reasons_
from cxlib.estimates import Estimates
from cxlib.reserve.store import ReserveError
from cxlib.study import IndexModel

if TYPE_CHECKING:
    from cxlib.reserve.reading import Reserve


def contents(reserve: Reserve) -> pd.DataFrame:
    """A row a table: rows offered, kept and quarantined, first and last day."""
    rows = []
    for count in reserve.counts.itertuples():
        first, last = _days(reserve, count.table)
        rows.append(
            {
                "table": page.label(count.table),
                "offered": count.offered,
                "kept": count.kept,
                "quarantined": count.quarantined,
                "from": first,
                "to": last,
            }
        )
    return pd.DataFrame(rows).rename(columns=page.heading)


def _days(reserve: Reserve, table: str) -> tuple[str, str]:
    dated = [c.name for c in tables.TABLES[table].columns.values() if c.kind == "date"]
    there = [c for c in dated if c in reserve.columns(table)]
    if not there:
        return "–", "–"
    first, last = reserve.store.execute(
        f'select min("{there[0]}"), max("{there[0]}") from "{table}"'
    ).fetchone()
    return tuple("–" if day is None else f"{day:%Y-%m-%d}" for day in (first, last))


def soundness(reserve: Reserve) -> Estimates:
    """Share of the rows of each table that keep the contract; counts, so without an interval."""
    counts = reserve.counts
    table = pd.DataFrame(
        {
            "term": counts["table"],
            "estimate": counts["kept"] / counts["offered"].clip(lower=1),
            "low": np.nan,
            "high": np.nan,
            "n": counts["offered"],
        }
    )
    offered, kept = int(counts["offered"].sum()), int(counts["kept"].sum())
    values = {"kept": page.count(kept), "offered": page.count(offered), "tables": len(counts)}
    if kept == offered and len(counts) == 1:
        answer = page.say("All {offered} rows keep the data contract.", **values)
    elif kept == offered:
        answer = page.say("All {offered} rows of {tables} tables keep the data contract.", **values)
    else:
        answer = page.say(
            "{kept} of {offered} rows ({share}) keep the data contract; {lost} were set aside.",
            share=page.percent(kept / offered, 1),
            lost=page.count(offered - kept),
            **values,
        )
    return Estimates(table, answer, _warned(reserve), unit="share")


def _warned(reserve: Reserve) -> str:
    found = reserve.warnings
    if found.empty:
        return page.say("Nothing else was noticed.")
    first = found.iloc[0]
    return page.say(
        "One thing is worth a look: {table}.{column}, {rows} rows: {what}."
        if len(found) == 1
        else "{n} things are worth a look, first: {table}.{column}, {rows} rows: {what}.",
        n=len(found),
        table=page.label(first["table"]),
        column=page.label(first["column"]),
        rows=_at_least(first["rows"]),
        what=reasons_.render(first["rule"], first["params"], for_readers=True),
    )


def _at_least(rows: int) -> str:
    least = page.rules().smallest_cell
    return f"<{least}" if rows < least else page.count(rows)


def reasons(reserve: Reserve) -> pd.DataFrame:
    """Why rows were set aside: table, column, reason, rows, as the page calls them."""
    rows = [
        (page.label(table), page.label(column), reasons_.render(*why, for_readers=True), len(lost))
        for (table, column, *why), lost in reasons_.by_kind(reserve.quarantine)
    ]
    found = pd.DataFrame(rows, columns=["table", "column", "reason", "rows"])
    found = found.sort_values("rows", ascending=False, ignore_index=True, kind="stable")
    return found.rename(columns=page.heading)


def filled(reserve: Reserve) -> Estimates:
    """Share of rows with a value, for each column of the contract that is not filled throughout."""
    found = []
    for table in reserve.tables:
        own = [c for c in tables.TABLES[table].columns if c in reserve.columns(table)]
        counted = ", ".join(f'count("{c}")' for c in own)
        shares = reserve.store.execute(f'select count(*), {counted} from "{table}"').fetchone()
        found += [
            (
                page.say("{name}: {value}", name=page.label(table), value=page.label(c)),
                k / shares[0],
                shares[0],
            )
            for c, k in zip(own, shares[1:], strict=True)
            if 0 < k < shares[0]
        ]
    rows = pd.DataFrame(found, columns=["term", "estimate", "n"])
    rows.insert(2, "low", np.nan)
    rows.insert(3, "high", np.nan)
    if rows.empty:
        answer = page.say("Every column of the contract is filled throughout.")
    else:
        answer = page.say(
            "One column of the contract is filled in part."
            if len(rows) == 1
            else "{n} columns of the contract are filled in part.",
            n=len(rows),
        )
    return Estimates(rows, answer, unit="share")


def index_model(reserve: Reserve) -> IndexModel | None:
    """The satisfaction index of the study; none, and said so, where it has none."""
    if reserve.study.model is None:
        print(page.say("The study has no satisfaction index. This part is left out."))
    return reserve.study.model


def group(reserve: Reserve, by: str) -> str:
    """The column to compare groups by: `by`, else the study's own; empty for none."""
    chosen = by or reserve.study.group
    if not chosen:
        print(page.say("The study names no groups to compare. This part is left out."))
        return ""
    have = reserve.columns("responses")
    if chosen and chosen not in have:
        named = "" if by else " (it is the `group` of study.yaml; correct it there)"
        raise ReserveError(
            f"responses have no column {chosen!r}{named}. They have: {', '.join(have)}."
        )
    return chosen


def groups_of_customers(reserve: Reserve, by: str) -> pd.Series | None:
    """The group of each customer, by customer_id; None where customers are not in groups."""
    have = reserve.columns("customers") if "customers" in reserve.tables else []
    chosen = by or reserve.study.group
    if by and by not in have:
        raise ReserveError(f"customers have no column {by!r}. They have: {', '.join(have)}.")
    if chosen not in have:
        return None
    return reserve.read("customers").set_index("customer_id")[chosen]


def item(reserve: Reserve, role: str) -> str:
    """The first question of a role; ReserveError when there is none."""
    if not (found := items_of(reserve, role)):
        raise ReserveError(f"{reserve.study.name} asks no question with the role {role}.")
    return found[0]


def items_of(reserve: Reserve, *roles: str) -> list[str]:
    """The questions of these roles (all without one) that were asked, in the file's order."""
    if "responses" not in reserve.tables:
        return []
    asked = reserve.study.items_of(*roles) if roles else list(reserve.study.items)
    return [name for name in asked if name in reserve.columns("responses")]


def features(reserve: Reserve, topic: str) -> list[str] | None:
    """The columns that study.yaml names for "segments" or "churn"; None when it names none."""
    section = getattr(reserve.study, topic, None)
    return list(section.features) if section and section.features else None


def practice(reserve: Reserve) -> dict[str, object]:
    """What the tables and study.yaml tell of how the work is done; see `Reserve.practice`."""
    study, there = reserve.study, {}
    for table in ("responses", "cases", "actions"):
        if table in reserve.tables:
            there[table] = reserve.read(table)
    of_customers = [t for t in ("responses", "orders", "cases") if t in reserve.tables
                    and "customer_id" in reserve.columns(t)]  # fmt: skip
    if len(of_customers) > 1:
        sides = [set(reserve.read(t, columns=["customer_id"])["customer_id"].dropna())
                 for t in of_customers]  # fmt: skip
        there["joined"] = bool(set.intersection(*sides))
    worded = sum(item.wording is not None for item in study.items.values())
    return {
        **there,
        "worded": (worded, len(study.items)),
        "roles": frozenset(item.role for item in study.items.values()),
        "standards": len(study.service.standards),
    }


def today(reserve: Reserve) -> str:
    """The day after the last of the data; of a study without days that of its last action."""
    from cxlib.reserve import people

    last = people._last_day(reserve)
    if last is None and "actions" in reserve.tables:
        days = reserve.read("actions").select_dtypes("datetime")
        last = days.max().max() if days.size else None
    last = pd.Timestamp.today().normalize() if last is None or pd.isna(last) else last
    return f"{pd.Timestamp(last) + pd.Timedelta(days=1):%Y-%m-%d}"
