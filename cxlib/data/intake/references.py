"""Values that study.yaml names, held against the values there are in the data.

    mistakes(study, taken)      # a line each: margins.sex: no row has '3'. sex holds: '1' (60) ...

A margin, a change, a pilot or a label that matches nothing would change numbers without a word, so
`cx check` lists it and `cx load` refuses it. Codes match by value (`core.codes`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches

import pandas as pd

from cxlib.core.codes import counted, match, plain
from cxlib.data import contract
from cxlib.data.intake.plausibility import DataWarning
from cxlib.data.intake.reasons import Reason
from cxlib.data.intake.validation import Intake
from cxlib.data.study import Study

MANY = 10  # rows of which not one has a known customer: it is no accident
FEW = 1000  # distinct values of a column that labels may name


def mistakes(study: Study, taken: Mapping[str, Intake]) -> list[str]:
    """What study.yaml says of values that are not in the data, one sentence each.

    Parameters
    ----------
    study : as read
    taken : its tables; what is said of a table that could not be taken in is passed over
    """
    tables = {name: intake.rows for name, intake in taken.items()}
    return [
        *_customers(tables),
        *_group(study, tables),
        *_margins(study, tables),
        *_changes(study, tables),
        *_churn(study, tables),
        *_labels(study, tables),
    ]


def _customers(tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """Tables none of whose customers is known: most often ids that are written in two ways."""
    if "customers" not in tables:
        return
    known = tables["customers"]["customer_id"]
    for name, rows in tables.items():
        if name == "customers" or "customer_id" not in rows or name == "actions":
            continue
        ids = rows["customer_id"].dropna()
        if len(ids) >= MANY and len(known) and not ids.isin(known).any():
            yield (
                f"{name}.customer_id: none of the {ids.nunique():,} customers is among the "
                f"customers: ids here are like {ids.iloc[0]!r}, there like {known.iloc[0]!r}. Map "
                "the column that both files share, or take customers out of study.yaml."
            )


def _margins(study: Study, tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    if "responses" not in tables:
        return
    for attribute, shares in study.margins.items():
        values = _of_answers(tables, attribute)
        if values is None:
            yield _no_column(f"margins.{attribute}", attribute, tables["responses"])
            continue
        means = match(shares, values.dropna().unique())
        lost = [code for code, same in means.items() if not same]
        covered = values.isna() | values.isin([v for same in means.values() for v in same])
        if lost and (len(lost) == len(shares) or not covered.all()):
            yield _unmatched(f"margins.{attribute}", lost, values)


def without_share(study: Study, taken: Mapping[str, Intake]) -> Iterator[DataWarning]:
    """Values of the answers that margins give no share, while all their own values are there.

    No weights can be made then, so that pages are not weighted at all.
    """
    tables = {name: intake.rows for name, intake in taken.items()}
    for attribute, shares in study.margins.items() if "responses" in tables else ():
        if (values := _of_answers(tables, attribute)) is None:
            continue
        means = match(shares, values.dropna().unique())
        known = [v for same in means.values() for v in same]
        given = values.dropna()
        odd = given[~given.isin(known)]
        if all(means.values()) and len(odd):
            sizes = {plain(v): int(n) for v, n in odd.value_counts().items()}
            why = Reason("no_share", {"values": sizes, "attribute": attribute})
            yield DataWarning(attribute, len(odd), why)


def _group(study: Study, tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """The column that pages compare by, where neither answers nor customers have it."""
    have = list(dict.fromkeys(c for t in ("responses", "customers") for c in tables.get(t, ())))
    if study.group and have and study.group not in have:
        near = get_close_matches(study.group, have, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        yield (
            f"group: there is no column {study.group!r}{hint} There are: {', '.join(have)}. A "
            "further column of a file is taken in with `keep`."
        )


def _of_answers(tables: Mapping[str, pd.DataFrame], column: str) -> pd.Series | None:
    """A column of the answers, or what their customers have in it."""
    answers, customers = tables["responses"], tables.get("customers")
    if column in answers:
        return answers[column]
    if customers is None or column not in customers or "customer_id" not in answers:
        return None
    return answers["customer_id"].map(customers.set_index("customer_id")[column])


def _changes(study: Study, tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    for change in study.changes:
        if not change.column or change.table not in tables:
            continue
        where, rows = f"changes.{change.name}", tables[change.table]
        of = _of_answers(tables, change.column) if change.table == "responses" else None
        values = rows.get(change.column) if of is None else of
        if values is None:
            yield _no_column(f"{where}.column", change.column, rows)
        elif lost := _lost([*change.treated, *change.control], values):
            yield _unmatched(where, lost, values)


def _churn(study: Study, tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    if study.churn is None or "customers" not in tables:
        return
    trial, customers = study.churn.pilot, tables["customers"]
    if trial and trial.column in customers:
        values = customers[trial.column]
        if lost := _lost([trial.treated, trial.control], values):
            yield _unmatched("churn.pilot", lost, values)


def _labels(study: Study, tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """Labels of codes that no column has, and of words that are near to one that is there."""
    if not study.labels:
        return
    values: dict[str, set[str]] = {}
    for name, rows in tables.items():
        for column in rows:
            if (distinct := rows[column].dropna().unique()).size <= FEW:
                values[f"{name}.{column}"] = {plain(v) for v in distinct}
    known = set().union(*values.values(), contract.TABLES, contract.LABELS, study.items)
    known |= {c for rows in tables.values() for c in rows} | set(study.touchpoints)
    lost = [name for name in study.labels if name not in known]
    if codes := [name for name in lost if name.isdecimal()]:
        coded = {c: v for c, v in values.items() if 0 < len(v) <= 12 and any(map(str.isdecimal, v))}
        there = "; ".join(f"{c}: {', '.join(sorted(v))}" for c, v in coded.items()) or "none"
        yield f"labels: no column has the code {_listed(codes)}. Codes there are: {there}."
    for name in (n for n in lost if n not in codes):
        if near := get_close_matches(name, known - set(study.labels), n=1, cutoff=0.85):
            yield f"labels.{name}: nothing has this name; did you mean {near[0]!r}?"


def _lost(codes: Iterable[str], values: pd.Series) -> list[str]:
    return [str(c) for c, same in match(codes, values.dropna().unique()).items() if not same]


def _unmatched(where: str, lost: Iterable[str], values: pd.Series) -> str:
    return f"{where}: no row has {_listed(lost)}. {values.name} holds: {counted(values)}."


def _no_column(where: str, column: str, rows: pd.DataFrame) -> str:
    return f"{where}: there is no column {column!r}. There are: {', '.join(map(str, rows))}."


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))
