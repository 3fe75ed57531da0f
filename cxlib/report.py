"""Keeps what a notebook found, and binds notebooks into pages that anyone can open.

report.keep("drivers", fit)                       # in a notebook: the sentence, and its record
report.answers_of(notebook)                       # name -> record, read back
"""

from __future__ import annotations

import dataclasses
import math
import re

import pandas as pd

from cxlib.estimates import hide_small_cells

MIME = "application/vnd.cxlab.answer+json"
DIGITS = 8  # significant; enough to compare runs, few enough to be the same on two machines


def keep(name: str, result, title: str = "") -> None:
    """Print the sentence of `result` and keep its tables, so that pages, tests and `cx` can read it.

    `name` is one word ("drivers"), once a notebook; `result` an Estimates. Numbers are rounded to
    8 significant digits and small cells are hidden. Raises ValueError for anything else.
    """
    record = _record(name, result, title)
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        get_ipython = None
    if get_ipython is None or get_ipython() is None:
        print(record["answer"])
        return
    display({"text/plain": record["answer"], MIME: record}, raw=True)


def _record(name: str, result, title: str) -> dict:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r} cannot name an answer. Use small letters, digits and '_'.")
    if not isinstance(getattr(result, "table", None), pd.DataFrame) or not hasattr(
        result, "answer"
    ):
        raise ValueError(
            f"report.keep({name!r}, ...) was given a {type(result).__name__}; it keeps an Estimates: "
            "something with a table and an answer."
        )
    return {
        "name": name,
        "title": title,
        "answer": str(result.answer),
        "note": str(result.note),
        "unit": result.unit,
        "draws": result.draws,
        "seed": result.seed,
        "table": _plain(result.table),
        "tables": {k: _plain(t) for k, t in _further_tables(result).items()},
    }


def _further_tables(result) -> dict[str, pd.DataFrame]:
    """The other tidy tables of a richer fit; tables of customers are not tidy and stay out."""
    if not dataclasses.is_dataclass(result):
        return {}
    found = {f.name: getattr(result, f.name) for f in dataclasses.fields(result)}
    return {
        name: value
        for name, value in found.items()
        if name != "table"
        and isinstance(value, pd.DataFrame)
        and {"term", "estimate"} <= set(value.columns)
    }


def _plain(table: pd.DataFrame) -> dict:
    shown = hide_small_cells(table)
    rows = [[_value(v) for v in row] for row in shown.itertuples(index=False, name=None)]
    return {"columns": [str(c) for c in shown.columns], "rows": rows}


def _value(value: object) -> object:
    """As JSON has it: missing and infinite numbers are null."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value if isinstance(value, (bool, int, str)) else str(value)


def answers_of(notebook) -> dict[str, dict]:
    """Every answer kept in an executed notebook, by name, in order.

    Raises ValueError when a name was kept twice: a reader could not tell which one holds.
    """
    kept: dict[str, dict] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if record := output.get("data", {}).get(MIME):
                if record["name"] in kept:
                    raise ValueError(
                        f"{record['name']!r} is kept twice. Give the second one another name."
                    )
                kept[record["name"]] = record
    return kept
