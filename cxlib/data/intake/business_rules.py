"""Churn, rest rules, costs and service standards of study.yaml, held against the data.

mistakes(study, tables)            # a line each: churn.charge: there is no column 'fee' ...
unseen_refusals(study, taken)      # outcomes that forbid a call and that no contact has yet
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

import pandas as pd
from pandas.api.types import is_numeric_dtype

from cxlib.core.codes import counted, plain, truth
from cxlib.core.errors import suggestion
from cxlib.data import contract
from cxlib.data.intake.plausibility import DataWarning
from cxlib.data.intake.reasons import Reason
from cxlib.data.intake.unmatched import NEAR, lost_codes, no_column, shown, unmatched
from cxlib.data.intake.validation import Intake
from cxlib.data.study import Study


def mistakes(study: Study, tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """What these parts of study.yaml name and the tables do not hold, one sentence each."""
    for check in (_churn, _columns_of_customers, _contact_rules, _costs, _service):
        yield from check(study, tables)


def _churn(study: Study, tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """Columns that say who has left, for how long and what was paid, and the arms of the trial."""
    if (churn := study.churn) is None or "customers" not in tables:
        return
    trial, customers = churn.pilot, tables["customers"]
    keys = {"flag": churn.flag, "tenure": churn.tenure, "charge": churn.charge}
    for key, column in {**keys, "pilot.column": trial.column if trial else ""}.items():
        if column and column not in customers:
            yield no_column(f"churn.{key}", column, customers)
        elif key in ("tenure", "charge") and column and not is_numeric_dtype(customers[column]):
            yield (
                f"churn.{key}: {column} is to hold numbers. It holds: {counted(customers[column])}."
            )
    if churn.flag in customers:
        flags = customers[churn.flag]
        if flags.nunique() > 1 and (lost := lost_codes([str(churn.left)], flags)):
            yield unmatched("churn.left", lost, flags)
    if trial and trial.column in customers:
        values = customers[trial.column]
        if lost := lost_codes([trial.treated, trial.control], values):
            yield unmatched("churn.pilot", lost, values)


def _columns_of_customers(study: Study, tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """Other columns of customers that are not there; of features those close to one that is.

    Features may be computed from orders, cases or events.
    """
    if "customers" not in tables:
        return
    known = list(dict.fromkeys([*tables["customers"], *contract.LABELS]))
    for key, column in {
        "costs.value_column": study.costs.value_column,
        **{f"loyalty.known.{c}": c for c in study.loyalty.known},
    }.items():
        if column and column not in known:
            yield no_column(key, column, tables["customers"])
    churn = study.churn
    features = {
        "segments.features": study.segments.features,
        "segments.value": [study.segments.value],
        "churn.features": churn.features if churn else [],
        "churn.exclude": churn.exclude if churn else [],
    }
    for key, names in features.items():
        for name in (n for n in names if n and n not in known):
            if get_close_matches(name, known, n=1, cutoff=NEAR):
                yield f"{key}: there is no column {name!r}.{suggestion(name, known)}"


def _contact_rules(study: Study, tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """A column of customers never to be contacted that is not there, outcomes that no contact has.

    A rule that matches nothing would have customers called who must not be.
    """
    rules, customers = study.contact_rules, tables.get("customers")
    if rules.never and customers is not None:
        if rules.never not in customers:
            yield no_column("contact_rules.never", rules.never, customers)
        elif not (given := customers[rules.never].dropna()).map(truth).notna().all():
            yield (
                f"contact_rules.never: {rules.never} is to hold yes or no, true or false, 1 or 0. "
                f"It holds: {counted(given)}."
            )
    if rules.refused and "contacts" in tables:
        contacts = tables["contacts"]
        if "outcome" not in contacts:
            yield no_column("contact_rules.refused", "outcome", contacts)
            return
        # That nobody has refused so far is no mistake; a word that is nearly one in use is.
        known = list(map(plain, contacts["outcome"].dropna().unique()))
        for word in lost_codes(rules.refused, contacts["outcome"]):
            if get_close_matches(word, known, n=1, cutoff=NEAR):
                lost = unmatched("contact_rules.refused", [word], contacts["outcome"])
                yield f"{lost}{suggestion(word, known)}"
    if rules.action and (ledger := tables.get("actions")) is not None:
        actions = list(map(plain, ledger["action_id"].dropna().unique()))
        if rules.action not in actions:
            yield (
                f"contact_rules.action: the ledger has no action {rules.action!r}."
                f"{suggestion(rules.action, actions)} It has: {shown(actions)}."
            )
    elif rules.action and "actions" not in study.tables:
        yield (
            f"contact_rules.action: {rules.action!r} is to be an action of the ledger, and the "
            f"study has no table actions. `cx actions add {study.name}` starts one."
        )


def unseen_refusals(study: Study, taken: Mapping[str, Intake]) -> Iterator[DataWarning]:
    """Outcomes that forbid further contacts and that no contact has so far."""
    rules, contacts = study.contact_rules, taken.get("contacts")
    if rules.refused and contacts is not None and "outcome" in contacts.rows:
        outcomes = contacts.rows["outcome"]
        if lost := lost_codes(rules.refused, outcomes):
            sizes = {plain(v): int(n) for v, n in outcomes.value_counts().items()}
            why = Reason("no_refusal", {"names": list(map(repr, lost)), "values": sizes})
            yield DataWarning("outcome", len(outcomes), why)


def _costs(study: Study, tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """Channels whose contacts have a cost and by which nobody was ever met."""
    if not (priced := study.costs.contacts):
        return
    columns = dict.fromkeys(["channel", study.group])
    met = [rows[c] for rows in tables.values() for c in columns if c and c in rows]
    if not met:
        return
    channels = pd.concat(met, ignore_index=True).rename("channel")
    known = list(map(plain, channels.dropna().unique()))
    for name in lost_codes(priced, channels):
        yield unmatched("costs.contacts", [name], channels) + suggestion(name, known)


def _service(study: Study, tables: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """Standards of severities or grades, and statuses of waiting, that no case has."""
    about = study.service
    if about.waiting and "case_statuses" in tables:
        statuses = tables["case_statuses"]["status"]
        if lost := lost_codes(about.waiting, statuses):
            yield unmatched("service.waiting", lost, statuses)
    if "cases" not in tables:
        return
    rows = [tables[t] for t in ("cases", "customers") if t in tables]
    graded = [r[about.grade] for r in rows if about.grade in r]
    if about.grade and not graded:
        yield no_column("service.grade", about.grade, pd.concat([r.head(0) for r in rows]))
    named = pd.concat([*[r["severity"] for r in rows[:1] if "severity" in r], *graded, pd.Series()])
    values = named.dropna().rename("severity")
    levels = [name for name in about.standards if name != "any"]
    lost = lost_codes(levels, values)
    # A severity that no case has just now is no mistake; one that is nearly another's name is.
    known = list(map(str, values.unique()))
    if lost and (len(lost) == len(levels) or any(get_close_matches(n, known, n=1) for n in lost)):
        yield unmatched("service.standards", lost, values)
