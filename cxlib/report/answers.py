"""What a notebook found: said, kept as data, and read back.

add("drivers", fit)                               # in a notebook: the sentence, and its record
answers_of(notebook)                              # name -> record, read back
table_of(record)                                  # as a reader sees it: a DataFrame of text
others("mystudy")["12"]["trend"].table            # in a notebook: what other notebooks kept
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.display import display_table
from cxlib.core.result import Result
from cxlib.data import study
from cxlib.estimates import Estimates
from cxlib.privacy import disclosure
from cxlib.privacy.cross_page import MIME

Kept = Result | Estimates | pd.DataFrame

OTHERS = "CX_OTHERS"  # names the file with what the notebooks read before kept
DIGITS = 8  # significant; enough to compare runs, few enough to be the same on two machines


def add(name: str, result: Kept, title: str = "") -> None:
    """Say what was found and keep its tables, so that pages, tests and `cx` can read them.

    `name` is one word ("drivers"), once a notebook. `result` is an Estimates, whose sentence is
    printed, or a bare table, which is shown. Numbers are rounded to 8 significant digits and small
    cells are hidden. Raises ValueError for anything else, and for counts that are not called n.
    """
    record = _record(name, result, title)
    try:
        from IPython import get_ipython
        from IPython.display import display
    except ImportError:
        get_ipython = None
    said = record["answer"] or f"{i18n.label(name)}: {len(record['table']['rows'])}"
    if get_ipython is None or get_ipython() is None:
        print(said)
        return
    display({"text/plain": said, MIME: record}, raw=True)


def _record(name: str, result: Kept, title: str) -> dict:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r} cannot name an answer. Use small letters, digits and '_'.")
    table = result if isinstance(result, pd.DataFrame) else getattr(result, "table", None)
    if not isinstance(table, pd.DataFrame):
        raise ValueError(
            f"report.add({name!r}, ...) was given a {type(result).__name__}. It keeps an "
            "Estimates (something with a table and an answer) or a table."
        )
    if counts := [c for c in table.columns if c in ("count", "counts", "size")]:
        raise ValueError(
            f"report.add({name!r}, ...): rename the column {counts[0]!r} to n, so that groups "
            "of too few can be hidden."
        )
    return {
        "name": name,
        "title": title,
        "answer": "" if result is table else str(result),
        "note": str(getattr(result, "notes", getattr(result, "note", ""))),
        "unit": str(getattr(result, "unit", "")),
        "draws": int(getattr(result, "draws", 0)),
        "seed": int(getattr(result, "seed", 0)),
        "table": _plain(table),
        "tables": {k: _plain(t) for k, t in _further_tables(result).items()},
    }


def _further_tables(result) -> dict[str, pd.DataFrame]:
    """The other tidy tables of a richer fit; tables of customers are not tidy and stay out."""
    if isinstance(result, Result):
        found: Mapping[str, object] = result.tables
    elif dataclasses.is_dataclass(result):
        found = {f.name: getattr(result, f.name) for f in dataclasses.fields(result)}
    else:
        return {}
    return {
        name: value
        for name, value in found.items()
        if name != "table"
        and isinstance(value, pd.DataFrame)
        and {"term", "estimate"} <= set(value.columns)
    }


def _plain(table: pd.DataFrame) -> dict:
    """The table as JSON; of hidden rows neither numbers nor n, but why they are hidden."""
    why = disclosure.hidden(table)
    shown = disclosure.blanked(table, why, n_too=True)
    kept = {
        "columns": [str(c) for c in shown.columns],
        "rows": [[_value(v) for v in row] for row in shown.itertuples(index=False, name=None)],
    }
    for whole in [kept["columns"].index(c) for c in ("n", disclosure.CASES) if c in table]:
        for row in kept["rows"]:  # beside a hidden one, counts would become fractions
            if isinstance(row[whole], float) and row[whole].is_integer():
                row[whole] = int(row[whole])
    places = [place for place, reason in enumerate(why) if reason]
    if places:
        told = zip(places, disclosure.audit(table, why), strict=True)
        kept["hidden"] = [{"row": p, "why": why.iloc[p], **about} for p, about in told]
    return kept


def _value(value: object) -> object:
    """As JSON has it: missing and infinite numbers are null."""
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value if isinstance(value, (bool, int, str)) else str(value)


def others(name: str) -> dict[str, dict[str, Result]]:
    """What other notebooks kept of the study: number of the notebook -> name -> answer.

    In a run those that this notebook's metadata names under `after`, made before it; in a notebook
    opened by hand all of the study's last run in the page's language. Empty where there is none.
    """
    if file := os.environ.get(OTHERS):
        pages = json.loads(Path(file).read_text(encoding="utf-8"))
    else:
        pages = _last_run(name)
    return {
        stem.split("_")[0]: {k: _recalled(record) for k, record in answers.items()}
        for stem, answers in pages.items()
    }


def _last_run(name: str) -> dict[str, dict]:
    """Answers of the newest run's pages of all rows in the page's language, by notebook."""
    found = []
    for file in (study.root() / "reports" / name).glob("*/run.json"):
        try:
            run = json.loads(file.read_text(encoding="utf-8"))
            answers = json.loads(file.with_name("answers.json").read_text(encoding="utf-8"))
            mine = {
                p["notebook"].removesuffix(".ipynb"): answers.get(p["page"], {})
                for p in run["pages"]
                if p["lang"] == context.current().lang
                and not p["set"]
                and not any(p["parameters"].get(k) for k in ("WAVE", "WHERE"))
            }
            found.append((run["begun"], mine))
        except (OSError, ValueError, KeyError, AttributeError):
            continue  # no whole run of ours
    return max(found, key=lambda run: run[0], default=("", {}))[1]


def _recalled(record: dict) -> Result:
    """An answer that another notebook added: hidden cells are missing numbers."""
    tables = {"table": record["table"], **record["tables"]}
    return Result(
        {name: _table(t) for name, t in tables.items()},
        record["answer"],
        record["note"],
        record["unit"],
        draws=record["draws"],
        seed=record["seed"],
    )


def _table(kept: dict) -> pd.DataFrame:
    """A kept table with its numbers as numbers."""
    table = pd.DataFrame(kept["rows"], columns=kept["columns"])
    for column in table.columns.intersection(["estimate", "low", "high", "n", "probability", "p"]):
        table[column] = pd.to_numeric(table[column])
    return table


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


def table_of(record: dict) -> pd.DataFrame:
    """The kept table as text in the page's language and number format."""
    table = pd.DataFrame(record["table"]["rows"], columns=record["table"]["columns"])
    for column in ("estimate", "low", "high", "n"):
        if column in table:
            table[column] = pd.to_numeric(table[column])
    why = pd.Series("", index=table.index, dtype=object)
    for cell in record["table"].get("hidden", []):
        why[cell["row"]] = cell["why"]
    return display_table(table, record["unit"], why)
