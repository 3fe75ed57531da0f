"""Values that study.yaml names, held against the values there are in the data.

    mistakes(study, taken)      # a line each: margins.sex: no row has '3'. sex holds: '1' (60) ...

A margin, a change, a pilot or a label that matches nothing would change numbers without a word, so
`cx check` lists it and `cx load` refuses it. Codes match by value (`core.codes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

import pandas as pd

from cxlib.core.codes import counted, match, plain
from cxlib.core.errors import suggestion
from cxlib.data import contract
from cxlib.data.intake import business_rules
from cxlib.data.intake.plausibility import DataWarning
from cxlib.data.intake.reasons import Reason
from cxlib.data.intake.rules import are_among
from cxlib.data.intake.unmatched import NEAR, listed, lost_codes, no_column, shown, unmatched
from cxlib.data.intake.validation import Intake
from cxlib.data.organisation import Tree, tree_of
from cxlib.data.schema import Change
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
        *_organisation(study, tables),
        *_margins(study, tables),
        *_changes(study, tables),
        *business_rules.mistakes(study, tables),
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
        if len(ids) >= MANY and len(known) and not are_among(ids, known).any():
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
            yield no_column(f"margins.{attribute}", attribute, tables["responses"])
            continue
        means = match(shares, values.dropna().unique())
        lost = [code for code, same in means.items() if not same]
        covered = values.isna() | values.isin([v for same in means.values() for v in same])
        if lost and (len(lost) == len(shares) or not covered.all()):
            yield unmatched(f"margins.{attribute}", lost, values)


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
    """The column that pages compare by, where no table has it."""
    have = list(dict.fromkeys(c for rows in tables.values() for c in rows))
    if study.group and study.group not in have and study.tables.keys() <= tables.keys():
        near = get_close_matches(study.group, have, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        yield (
            f"group: there is no column {study.group!r}{hint} There are: "
            f"{', '.join(have) or 'none'}. A further column of a file is taken in with `keep`."
        )


def _organisation(study: Study, tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """Units that are no tree, a column that is not there, or one that names none of them."""
    stated = study.organisation
    if stated is None or stated.table not in tables:
        return
    try:
        tree = Tree(stated.units) if stated.units else tree_of(tables["units"])
    except KeyError:  # the table could not be taken in, which is said elsewhere
        return
    except ValueError as error:
        yield f"units: {error}"
        return
    rows = tables[stated.table]
    named = _of_answers(tables, stated.column) if stated.table == "responses" else None
    named = rows.get(stated.column) if named is None else named
    if named is None:
        yield no_column("organisation.column", stated.column, rows)
    elif not named.dropna().map(plain).isin(list(tree.parent)).any():
        yield (
            f"organisation: {stated.table}.{stated.column} names none of its "
            f"{len(tree.parent)} units ({', '.join(list(tree.parent)[:3])} ...). "
            f"{stated.column} holds: {counted(named)}."
        )
    else:
        strange = list(tree.not_in(named))
        for unit in tree.empty(named):  # a new one may have no rows yet
            if near := get_close_matches(unit, strange, n=1, cutoff=NEAR):
                yield (
                    f"organisation: no row of {stated.table} names the unit {unit!r}, and the "
                    f"units lack {near[0]!r}. Did you mean {near[0]!r}?"
                )
    have = [*rows, *tables.get("customers", ())]
    for column in (c for c in stated.mix if c not in have):
        yield no_column("organisation.mix", column, have)


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
        if change.table not in tables:
            continue
        where, rows = f"changes.{change.name}", tables[change.table]
        yield from _waves_of(where, change, rows)
        answers = change.table == "responses"
        have = [*rows, *(tables.get("customers", ()) if answers else ())]
        keys = {"column": [change.column], "within": [change.within], "before": change.before}
        if not answers:  # those of answers are items, which study.yaml itself declares
            keys |= {"outcome": [change.outcome or study.default_outcome], "also": change.also}
        for key, names in keys.items():
            for name in (n for n in names if n and n not in have):
                yield no_column(f"{where}.{key}", name, have)
        if not change.column or change.column not in have:
            continue
        values = _of_answers(tables, change.column) if answers else rows[change.column]
        if values is not None and (lost := lost_codes([*change.treated, *change.control], values)):
            yield unmatched(where, lost, values)


def _waves_of(where: str, change: Change, rows: pd.DataFrame) -> Iterator[str]:
    """Waves that a change names and no answer has, with the units that are said to start in them.

    The change could not be judged: its page would have to leave it out.
    """
    if not change.dates:
        return
    if "wave" not in rows:
        yield (
            f"{where}: it names waves, and {change.table} have none. Map or derive `wave`, as in "
            "wave: period(answered_on, 'quarter')."
        )
        return
    known = sorted(map(str, rows["wave"].dropna().unique()))
    starts = change.begun if isinstance(change.begun, dict) else {"": change.begun}
    units: dict[tuple[str, str], list[str]] = {("ended", change.ended): [""]}
    for unit, wave in starts.items():
        units.setdefault(("begun", wave), []).append(unit)
    for (key, wave), named in units.items():
        if not wave or wave in known:
            continue
        of = f" (of {listed(filter(None, named))})" if any(named) else ""
        ahead = bool(known) and wave > known[-1]
        later = f" The last wave is {known[-1]!r}; leave it out until then." if ahead else ""
        yield (
            f"{where}.{key}: no answer has the wave {wave!r}{of}.{suggestion(wave, known)}{later} "
            f"Waves there are: {shown(known)}."
        )


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
    known |= set(study.organisation.units) if study.organisation else set()
    known |= {c for rows in tables.values() for c in rows} | set(study.touchpoints)
    lost = [name for name in study.labels if name not in known]
    if codes := [name for name in lost if name.isdecimal()]:
        coded = {c: v for c, v in values.items() if 0 < len(v) <= 12 and any(map(str.isdecimal, v))}
        there = "; ".join(f"{c}: {', '.join(sorted(v))}" for c, v in coded.items()) or "none"
        yield f"labels: no column has the code {listed(codes)}. Codes there are: {there}."
    for name in (n for n in lost if n not in codes):
        if near := get_close_matches(name, known - set(study.labels), n=1, cutoff=0.85):
            yield f"labels.{name}: nothing has this name; did you mean {near[0]!r}?"
