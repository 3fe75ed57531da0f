"""Parameters held against a study: its waves, columns and questions, and conditions on its rows.

    check(store, declared, values)                     # ValueError names the mistake
    check_notebook(store)                              # those of the notebook that is running

`cx run` asks before anything starts, a notebook that runs elsewhere as soon as it opens its study:
both by what the parameters themselves declare, so that both say the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cxlib.core import parameters
from cxlib.core.parameters import Parameter
from cxlib.data import identifiers
from cxlib.reserve import organisation
from cxlib.reserve.database import Database
from cxlib.reserve.store import ReserveError

HOMES = ("responses", "customers", "orders")  # what parameters that name no table speak of


def check(reserve: Database, declared: Mapping[str, Parameter], values: Mapping[str, Any]) -> None:
    """Check values that name something in the study.

    Parameters
    ----------
    reserve : of the study
    declared : the notebook's parameters
    values : a value for each of them, of its type

    Raises
    ------
    ValueError : a wave, column or question there is not; a condition that holds for no row, or
        names people; an outcome among its drivers
    """
    every = dict.fromkeys(c for have in reserve.schema.values() for c in have)
    known = {
        "wave": reserve.waves(),
        "item": list(reserve.study.items),
        "column in any table": every,
    }
    if any(p.kind == "unit" for p in declared.values()):
        known["unit"] = organisation.tree(reserve).parent if reserve.study.organisation else ()
    for name, parameter in declared.items():
        tables = tables_of(reserve, parameter)
        columns = dict.fromkeys(c for table in tables for c in reserve.columns(table))
        parameter.against(values[name], known | {"column": columns})
        if parameter.kind == "condition" and values[name]:
            if not tables:
                names = " or ".join(parameter.tables)
                raise ValueError(f"{name}={values[name]!r}: the study has no table {names}.")
            _refuse_identifiers(name, str(values[name]))
            _check_condition(reserve, tables, str(values[name]), str(values.get("WAVE", "")))
    if {"OUTCOME", "DRIVERS"} <= values.keys() and (values["OUTCOME"] or values["DRIVERS"]):
        study = reserve.study
        _check_outcome(
            values["OUTCOME"] or study.default_outcome, values["DRIVERS"] or study.default_drivers
        )


def tables_of(reserve: Database, parameter: Parameter) -> list[str]:
    """The tables whose columns and rows a parameter may speak of, the likeliest first."""
    if parameter.tables:
        return [t for t in parameter.tables if t in reserve.tables][:1]
    return [t for t in HOMES if t in reserve.tables] or list(reserve.tables)


def check_notebook(reserve: Database) -> None:
    """Check the parameters of the notebook that is running, if it opens this study with them."""
    declared, values = parameters.of_notebook()
    if declared and values["STUDY"] == reserve.study.name:
        check(reserve, declared, values)


def _check_outcome(outcome: str, drivers: Sequence[str]) -> None:
    if outcome in drivers:
        others = ",".join(d for d in drivers if d != outcome)
        raise ValueError(
            f"OUTCOME={outcome!r} is one of the DRIVERS, and cannot explain itself. Leave it out, "
            f"as in DRIVERS={others or 'another'}, or name another outcome."
        )


def _refuse_identifiers(name: str, where: str) -> None:
    """Raise ValueError where a condition names people, without repeating whom."""
    if ids := identifiers.names_people(where):
        raise ValueError(
            f"{name} asks for values of {', '.join(ids)}. A page shows its parameters and must not "
            "say whom it is about: use attributes of customers. `cx customer STUDY ID` shows one."
        )


def _check_condition(reserve: Database, tables: Sequence[str], where: str, wave: str) -> None:
    """Raise the first table's error unless the condition holds for a row of one of them."""
    problems: list[Exception] = []
    for table in tables:
        in_wave = wave if "wave" in reserve.columns(table) else ""
        try:
            reserve.read(table, in_wave, where)
            return
        except (ReserveError, ValueError) as error:
            problems.append(error)
    raise problems[0]
