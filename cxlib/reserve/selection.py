"""Parameters held against a study: its waves, columns and questions, and conditions on its rows.

    check(store, declared, values, ["responses"])      # ValueError names the mistake
    check_notebook(store)                              # those of the notebook that is running

`cx run` asks before anything starts, a notebook that runs elsewhere as soon as it opens its study.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cxlib.core import parameters
from cxlib.core.parameters import Parameter
from cxlib.reserve.database import Database
from cxlib.reserve.store import ReserveError

HOMES = ("responses", "customers", "orders")  # tables whose columns parameters name


def check(
    reserve: Database,
    declared: Mapping[str, Parameter],
    values: Mapping[str, Any],
    tables: Sequence[str],
) -> None:
    """Check values that name something in the study.

    Parameters
    ----------
    reserve : of the study
    declared : the notebook's parameters
    values : a value for each of them, of its type
    tables : those whose columns and rows the parameters may speak of, the likeliest first

    Raises
    ------
    ValueError : a wave, column or question there is not; a condition that holds for no row; an
        outcome among its drivers
    """
    columns = dict.fromkeys(c for table in tables for c in reserve.columns(table))
    known = {"wave": reserve.waves(), "column": columns, "item": list(reserve.study.items)}
    for name, parameter in declared.items():
        parameter.against(values[name], known)
        if parameter.kind == "condition" and values[name]:
            _check_condition(reserve, tables, str(values[name]), str(values.get("WAVE", "")))
    if {"OUTCOME", "DRIVERS"} <= values.keys() and (values["OUTCOME"] or values["DRIVERS"]):
        study = reserve.study
        _check_outcome(
            values["OUTCOME"] or study.default_outcome, values["DRIVERS"] or study.default_drivers
        )


def check_notebook(reserve: Database) -> None:
    """Check the parameters of the notebook that is running, if it opens this study with them."""
    declared, values = parameters.of_notebook()
    if declared and values["STUDY"] == reserve.study.name:
        tables = [t for t in HOMES if t in reserve.tables] or list(reserve.tables)
        check(reserve, declared, values, tables)


def _check_outcome(outcome: str, drivers: Sequence[str]) -> None:
    if outcome in drivers:
        others = ",".join(d for d in drivers if d != outcome)
        raise ValueError(
            f"OUTCOME={outcome!r} is one of the DRIVERS, and cannot explain itself. Leave it out, "
            f"as in DRIVERS={others or 'another'}, or name another outcome."
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
