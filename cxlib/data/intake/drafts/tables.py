"""Which of our tables a file is, and which of its columns are ours.

for part in tables_of(seen):
    part.table, part.columns      # "orders", {"order_id": "Name", "amount": "Total"}
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from cxlib.data import contract, sql
from cxlib.data.intake import conversion
from cxlib.data.intake.cells import NO_VALUE
from cxlib.data.intake.drafts import purchases, waiting, weights
from cxlib.data.intake.drafts.looking import Column, Seen
from cxlib.data.intake.drafts.matching import (
    addresses,
    dates_named,
    known_by_name,
    match,
    plain_id,
    repeated_id,
)
from cxlib.data.intake.drafts.parts import ROW, TableOf, offered
from cxlib.data.intake.drafts.personal import personal
from cxlib.data.intake.drafts.texts import open_text, written
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.profiles import Part, names
from cxlib.data.intake.profiles.recognition import plain


def tables_of(seen: Seen, *, ratings: int = 0) -> list[TableOf]:
    """The tables that the file holds: by its profile, else the one that it looks most like.

    `ratings` is the number of its columns that look like ratings. Raises IntakeError when the file
    looks like none.
    """
    if seen.profile:
        parts = [_by_profile(seen, name, part) for name, part in seen.profile.tables.items()]
    else:
        parts = purchases.with_lines(_by_names(seen, ratings))
        parts = _with_answers(parts[0]) if ratings and len(parts) == 1 else parts
    for part in parts:
        if part.table == "cases":
            waiting.hours(part)
        if part.table == "responses":
            weights.settle(part)
    parts += _described(parts)
    for part in parts:
        _complete(part)
    if [p.table for p in parts] == ["orders", "order_lines"]:
        purchases.lines_of_kept_orders(*parts)
    return parts


# By profile


def _by_profile(seen: Seen, table: str, part: Part) -> TableOf:
    assert seen.profile
    there = {plain(c): c for c in reversed(list(seen.columns))}

    def first(some: Iterable[str]) -> str:
        return next(
            (ROW if n == ROW else there[plain(n)] for n in some if n == ROW or plain(n) in there),
            "",
        )

    out = TableOf(seen, table, {}, notes=[part.note] if part.note else [])
    for ours, some in part.columns.items():
        found = first(some)
        if found == ROW or (found and len(seen.columns[found].words)):
            out.columns[ours], out.why[ours] = found, f"high: {seen.profile.title}"
    for ours, pattern in part.derive.items():
        expression = pattern
        asked = {a: first(a.split("|")) for a in re.findall(r"\{([^}]*)\}", expression)}
        for a, theirs in asked.items():
            expression = expression.replace("{" + a + "}", sql.name(theirs) if theirs else "")
        if all(asked.values()):
            out.columns.pop(ours, None)  # what is derived goes before what stands there
            out.derive[ours] = expression
    for names_, words in part.rows.items():
        column = first(names_.split("|"))
        if column and (not words or len(seen.columns[column].words)):
            out.rows[column] = words
            if words and not len(offered(out, column)):
                del out.rows[column]
                held = ", ".join(map(repr, seen.columns[column].counts.index[:3]))
                out.doubts.append(
                    f"{column} is {held} in every row, which {seen.profile.title} writes for tests "
                    "and unfinished answers: the rows are kept. Are they answers of customers?"
                )
    if {w for w in part.only.split() if w in contract.TABLES[table].columns} <= set(out.columns):
        out.only = part.only
    out.merge = part.merge
    _anonymous(out)
    if part.keep:
        tool = {plain(n) for n in seen.profile.tool}
        names_of_people = {plain(n) for n in seen.profile.personal}
        out.left_out = {c: "personal" for c in seen.columns if _once(c) in names_of_people}
        mapped = {
            plain(n) for p in seen.profile.tables.values() for s in p.columns.values() for n in s
        }
        rated = {plain(n) for s in part.rated for n in s.split("|")}
        out.free = [c for c in seen.columns if plain(c) in rated or _once(c) not in tool | mapped]
    return out


def _once(column: str) -> str:
    """A column's name as profiles compare it, without the number that a repeated header gets."""
    return plain(re.sub(r" \(\d+\)$", "", column))


def _anonymous(part: TableOf) -> None:
    """Where nothing says who bought, each order stands for a customer of its own."""
    known = {*part.columns, *part.derive}
    if part.table != "orders" or "order_id" not in known or "customer_id" in known:
        return
    part.derive["customer_id"] = sql.name(part.columns["order_id"])
    part.doubts.append(
        f"{part.seen.called} does not say who bought: each order counts as a customer of its own, "
        "so nothing about customers can be told"
    )


# By names


def _by_names(seen: Seen, ratings: int) -> TableOf:
    matched = {t: match(t, seen) for t in names()["tables"]}
    scores = {t: _likeness(t, m, seen, ratings) for t, m in matched.items()}
    table = max(scores, key=lambda name: scores[name])
    if scores[table] <= 0 and (text := _fullest_text(seen)):
        table, matched["comments"] = "comments", {**matched["comments"], "text": text}
    elif scores[table] <= 0:
        raise IntakeError(
            f"{seen.called} looks like no table: its columns are {', '.join(seen.columns)}. "
            f"Write its part of study.yaml by hand; the tables are {', '.join(contract.TABLES)}."
        )
    columns = matched[table]
    doubts = _doubtful_date(seen, table, columns)
    why = dict.fromkeys(columns, "high: its name")
    key = contract.TABLES[table].key[0]
    if key not in columns and (own := plain_id(seen, columns)):
        columns, why[key] = {key: own, **columns}, "high: the only column of ids without repeats"
    return TableOf(seen, table, columns, why, free=list(seen.columns), doubts=doubts)


def _doubtful_date(seen: Seen, table: str, columns: dict[str, str]) -> list[str]:
    """A date that was taken because its name speaks of time, where others do too."""
    ours = next((c for c in ("at", "answered_on") if c in columns), "")
    if table not in ("orders", "responses", "events") or not ours:
        return []
    others = dates_named(seen, columns.values())
    if known_by_name(ours, columns[ours]):
        return []
    if table == "orders" and not _bought(seen, columns):
        raise IntakeError(
            f"{seen.called} has customers and {columns[ours]!r}, but no order number, amount or "
            f"product, so it looks like no table: its columns are {', '.join(seen.columns)}. "
            "Write its part of study.yaml by hand, or join it to another table."
        )
    if not others:
        return []
    return [
        f"{table}.{ours}: {columns[ours]!r} is taken; so could {' or '.join(map(repr, others))}"
    ]


def _bought(seen: Seen, columns: dict[str, str]) -> bool:
    """Whether something in a file says that its rows are purchases."""
    named = re.search(names()["tables"]["orders"], seen.title.casefold())
    return bool(
        named or {"order_id", "amount"} & set(columns) or "product" in match("order_lines", seen)
    )


def _likeness(table: str, matched: dict[str, str], seen: Seen, ratings: int) -> float:
    """How much a file looks like the table; 0 when a required column beyond the id is missing."""
    expected = contract.TABLES[table]
    needed = {c.name for c in expected.columns.values() if c.required} - {expected.key[0]}
    if needed - set(matched):
        return 0
    key = matched.get("customer_id")
    if table == "customers" and (key is None or seen.raw.frame[key].duplicated().any()):
        return 0  # a file with several rows a customer tells of something else
    if table == "comments" and ratings > 1:
        return 0
    called = seen.title.casefold()
    score = 2.0 * bool(re.search(names()["tables"][table], called))
    score += 2 * (expected.key[-1] in matched) + 0.5 * len(matched) + 0.5 * len(needed)
    if (
        table == "responses"
        and not ratings
        and not set(matched) - {"channel", "wave", "customer_id"}
    ):
        return score if re.search(names()["tables"][table], called) else 0
    return score + (min(ratings, 6) / 2 + 2 * (ratings > 0) if table == "responses" else 0)


def _with_answers(part: TableOf) -> list[TableOf]:
    """Comments with a score and cases with a rating hold the answers to a question as well."""
    rated = part.columns.get(
        {"comments": "score", "cases": "satisfaction_after"}.get(part.table, "")
    )
    if not rated:
        return [part]
    key = contract.TABLES[part.table].key[0]
    answers = TableOf(part.seen, "responses", {"response_id": part.columns.get(key, ROW)})
    answers.why = {"response_id": part.why.get(key, "high: a row an answer")}
    when = {"comments": ("at",), "cases": ("solved_at", "opened_at")}[part.table]
    for ours, some in (("answered_on", when), ("customer_id", ("customer_id",))):
        if own := next((part.columns[c] for c in some if c in part.columns), ""):
            answers.columns[ours], answers.why[ours] = own, "high: its name"
    text = part.columns.get("text", "")
    answers.free = [c for c in part.seen.columns if c != text]
    if part.table == "comments":
        if (own := answers.columns["response_id"]) == ROW:
            part.columns["response_id"] = own
        else:  # a column is mapped once, and this one is the comments' own id
            part.derive["response_id"] = sql.name(own)
        part.free = []
    return [answers, part]


def _described(parts: list[TableOf]) -> list[TableOf]:
    """What customers wrote in the tickets of a help desk, as comments."""
    cases = next((p for p in parts if p.table == "cases"), None)
    if cases is None or any(p.table == "comments" for p in parts):
        return []
    text = _fullest_text(cases.seen)
    if not text or text in cases.columns.values():
        return []
    columns = {"comment_id": cases.columns.get("case_id", ROW), "text": text}
    for ours, own in (("customer_id", "customer_id"), ("at", "opened_at"), ("channel", "channel")):
        if own in cases.columns:
            columns[ours] = cases.columns[own]
    why = {"text": "high: the longest texts of the tickets"}
    known = contract.TABLES["comments"].columns
    derive = {ours: made for ours, made in cases.derive.items() if ours in known}
    return [TableOf(cases.seen, "comments", columns, why, derive, dict(cases.rows))]


def _fullest_text(seen: Seen) -> str:
    """The column of texts in people's own words that has the most of them; empty for none."""
    texts = [c for c in seen.columns.values() if open_text(c) and not personal(c)]
    return max(texts, key=lambda c: written(c).str.len().sum()).name if texts else ""


# What both have in common


def _complete(part: TableOf) -> None:
    """A key without repeats, rows that can be used, no personal columns among the free ones."""
    seen, table = part.seen, contract.TABLES[part.table]
    key = table.key[0]
    theirs = part.columns.get(key)
    if len(table.key) == 1 and part.merge is None and theirs != ROW:
        cells = offered(part, theirs) if theirs else None
        if cells is None or cells.duplicated().any() or cells.isna().any():
            part.why[key] = "high: no column is an id without repeats, so the rows are numbered"
            if theirs:
                part.notes.append(
                    f"{theirs!r} repeats or has blanks: the rows are numbered instead"
                )
                part.free.append(theirs)
            if called := theirs or repeated_id(seen, part.columns):
                _ask_of_repeats(part, called)
            part.columns = {key: ROW, **{k: v for k, v in part.columns.items() if k != key}}
    _needed(part)
    _hide_addresses(part)
    used = {*part.columns.values()}
    for c in (seen.columns[c] for c in part.free if c not in used and c not in part.left_out):
        if reason := personal(c):
            part.left_out[c.name] = f"personal, by {reason}"
    part.left_out = {c: why for c, why in part.left_out.items() if c not in used}
    part.free = [
        c
        for c in part.free
        if c not in used and c not in part.left_out and len(seen.columns[c].words)
    ]


def _ask_of_repeats(part: TableOf, theirs: str) -> None:
    """Whether rows of one id are the same answer twice, where a column is called as an id is.

    A session has several events, so an id of events may repeat.
    """
    ids = conversion.text(offered(part, theirs)).dropna()
    again = ids.duplicated(keep=False)
    if not again.any() or part.table in ("events", "visits"):
        return
    rows = part.seen.raw.frame.loc[ids.index].astype(str)
    alike = ids[rows.duplicated(keep=False)].nunique()
    key = contract.TABLES[part.table].key[0]
    part.repeated = theirs
    part.why[key] = f"low: {theirs!r} repeats, so the rows are numbered; see `unconfirmed`"
    part.doubts.append(
        f"{part.seen.called}: {ids[again].nunique():,} of {ids.nunique():,} ids in {theirs!r} "
        f"repeat, {alike:,} of them in rows that are identical in every cell: duplicates? Each of "
        f"the {len(ids):,} rows counts now. Where they are, write `{key}: {theirs}` under columns "
        f"and `first_by: [{theirs}]` under the file, which keeps the first row of each id"
    )


def _needed(part: TableOf) -> None:
    """Rows without a column that every row must have are left out, and said."""
    for about in contract.TABLES[part.table].columns.values():
        theirs = part.columns.get(about.name)
        if not about.required or theirs in (None, ROW) or theirs in part.rows:
            continue
        cells = conversion.text(offered(part, theirs))
        nobody = cells.str.casefold().isin(NO_VALUE) & about.name.endswith("_id")
        if blank := int((cells.isna() | nobody).sum()):
            part.rows[theirs] = sorted(cells[nobody].unique())
            part.notes.append(f"{blank:,} rows have no {theirs!r} and are left out")
            if about.name == "customer_id":
                part.doubts.append(
                    f"{part.table}: {blank:,} of {len(cells):,} rows do not say who the customer "
                    "is; they and what they brought are left out"
                )


def _hide_addresses(part: TableOf) -> None:
    """Customers who are known by an e-mail address get a number made of it."""
    theirs = part.columns.get("customer_id")
    if theirs and theirs != ROW and addresses(part.seen.columns[theirs]):
        part.columns.pop("customer_id")
        _number(part, theirs)


def _number(part: TableOf, theirs: str) -> None:
    """Know customers by a number made of their e-mail address, which itself is left out."""
    part.derive["customer_id"] = f"md5(lower({sql.name(theirs)}))"
    part.left_out[theirs] = "personal: customers are known by a number made of it (md5)"
    part.free = [c for c in part.free if c != theirs]


def join_by_address(parts: list[TableOf]) -> None:
    """Number customers by their e-mail addresses, where these tell more than one row of them.

    Further tables that share addresses with a numbered one are numbered alike: a survey and the
    orders of a shop then tell of the same customers. So are surveys in which an address gave
    several answers, which are not independent.
    """
    numbered = [p for p in parts if "md5(" in p.derive.get("customer_id", "")]
    known = {a for part in numbered for c in _addressed(part) for a in c.words.str.casefold()}
    unnumbered = [
        p
        for p in parts
        if "customer_id" in contract.TABLES[p.table].columns
        and "customer_id" not in {*p.columns, *p.derive}
    ]
    for part in unnumbered if known else []:
        shared = {c.name: c.words.str.casefold().isin(known).sum() for c in _addressed(part)}
        if shared and shared[theirs := max(shared, key=lambda n: shared[n])]:
            _number(part, theirs)
    surveys = [
        (part, max(own, key=lambda c: c.words.nunique()))
        for part in unnumbered
        if part.table == "responses"
        and "customer_id" not in part.derive
        and (own := _addressed(part))
    ]
    # Addresses of those who served are few.
    asked = [(p, c) for p, c in surveys if c.words.nunique() > len(c.words) / 2]
    if asked and pd.concat([c.words for _part, c in asked]).str.casefold().duplicated().any():
        for part, column in asked:
            _number(part, column.name)


def _addressed(part: TableOf) -> list[Column]:
    """Columns of e-mail addresses that are used for nothing else."""
    used = set(part.columns.values())
    return [c for c in part.seen.columns.values() if c.name not in used and addresses(c)]
