"""The answers of a notebook: printed, stored as data, and read back.

add("drivers", fit)                               # in a notebook: prints the finding, stores it
answers_of(notebook)                              # name -> record, read back
table_of(record)                                  # as a reader sees it: a DataFrame of text
others("mystudy")["12"]["trend"].table            # in a notebook: answers of other notebooks
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.columns import Column, heading, resolved
from cxlib.core.display import display_cells
from cxlib.core.finding import Finding
from cxlib.core.result import Result
from cxlib.data import study
from cxlib.privacy import disclosure
from cxlib.privacy.cross_page import MIME as MIME
from cxlib.privacy.cross_page import UNGROUPED
from cxlib.report import commitments

if TYPE_CHECKING:
    from nbformat import NotebookNode

Addition: TypeAlias = Result | pd.DataFrame

OTHERS = "CX_OTHERS"  # names the file with what the notebooks read before kept
DIGITS = 8  # significant; enough to compare runs, few enough to be the same on two machines


def add(name: str, result: Addition, title: str = "") -> None:
    """Show a finding with its table and notes, and store its tables.

    A notebook shows them as HTML, wherever it is run or exported; pages, tests and `cx` read what
    is stored. Outside of notebooks the finding is printed.

    Numbers are stored with 8 significant digits; small cells are hidden.

    Parameters
    ----------
    name : one word ("drivers"), used once in a notebook
    result : a Result, or a bare table, which is shown
    title : above its table on the page; its name unless given

    Raises
    ------
    ValueError : anything else, a name that is no word, or counts in a column that is not called n

    Examples
    --------
    >>> add("nps", Result(pd.DataFrame({"term": ["nps"], "estimate": [25.0]}), "NPS is 25."))
    NPS is 25.
    """
    fit = _as_result(name, result)
    fit = fit.replace(finding=commitments.of(fit))
    record = _record(name, fit, title)
    text = record["answer"] or f"{i18n.label(name)}: {len(record['table']['rows'])}"
    notebook = context.shell()
    if notebook is None:
        print(text)
        return
    _show_figures()
    shown = {"text/plain": text, "text/html": fit._repr_html_(), MIME: record}
    notebook.display_pub.publish(shown, {})


def _show_figures() -> None:
    """Show what was drawn since the last answer: in a loop each figure stands with its own."""
    if inline := sys.modules.get("matplotlib_inline.backend_inline"):
        inline.flush_figures()


def _record(name: str, result: Addition, title: str) -> dict[str, Any]:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r} cannot name an answer. Use small letters, digits and '_'.")
    fit = _as_result(name, result)
    if counts := [c for c in fit.table.columns if c in ("count", "counts", "size")]:
        raise ValueError(
            f"report.add({name!r}, ...): rename the column {counts[0]!r} to n, so that groups "
            "of too few can be hidden."
        )
    # Tables of customers are not tidy and stay out.
    others = {k: t for k, t in fit.tables.items() if t is not fit.table}
    tidy = {k: t for k, t in others.items() if {"term", "estimate"} <= set(t.columns)}
    declared = {"columns": [asdict(c) for c in fit.columns]} if fit.columns else {}
    table, finding = _plain(fit.table), fit.finding
    if ungrouped := fit.parts.get(UNGROUPED):
        table[UNGROUPED] = ungrouped
    return {
        "name": name,
        "title": title,
        "answer": str(fit),
        "finding": {k: _slot(v) for k, v in finding.record().items()} if str(fit) else {},
        "note": fit.notes,
        "unit": fit.unit,
        **declared,
        "draws": fit.draws,
        "seed": fit.seed,
        "table": table,
        "tables": {k: _plain(t) for k, t in tidy.items()},
    }


def _as_result(name: str, result: Any) -> Result:
    if isinstance(result, Result):
        return result
    if isinstance(result, pd.DataFrame):
        return Result(_with_its_index(result), "")
    raise ValueError(
        f"report.add({name!r}, ...) was given a {type(result).__name__}. It takes a Result or a "
        "table."
    )


def _with_its_index(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an index that says something as its first columns."""
    plain = table.index.names == [None] and pd.api.types.is_integer_dtype(table.index)
    if plain:
        return table
    named = ["term" if len(table.index.names) == 1 else f"group {i}" for i in range(1, 9)]
    names = [n or other for n, other in zip(table.index.names, named, strict=False)]
    return table.reset_index(names=names)


def _plain(table: pd.DataFrame) -> dict[str, Any]:
    """The table as JSON; of hidden rows neither numbers nor n, but why they are hidden."""
    why = disclosure.hidden(table)
    shown = disclosure.blanked(table, why, n_too=True)
    kept: dict[str, Any] = {
        "columns": [str(c) for c in shown.columns],
        "rows": [[_value(v) for v in row] for row in shown.itertuples(index=False, name=None)],
    }
    for whole in [kept["columns"].index(c) for c in ("n", disclosure.CASES) if c in table]:
        for row in kept["rows"]:  # with a hidden one among them, counts would become fractions
            if isinstance(row[whole], float) and row[whole].is_integer():
                row[whole] = int(row[whole])
    places = [place for place, reason in enumerate(why) if reason]
    if places:
        audited = zip(places, disclosure.audit(table, why), strict=True)
        kept["hidden"] = [{"row": p, "why": why.iloc[p], **about} for p, about in audited]
    return kept


def _slot(value: Any) -> Any:
    return value if isinstance(value, Mapping) else _value(value)


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
    """Read the answers of other notebooks on the same study.

    In a run those that this notebook's metadata names under `after`, made before it; in a notebook
    opened by hand all of the study's last run in the page's language.

    Parameters
    ----------
    name : of the study

    Returns
    -------
    number of the notebook ("12") -> name of the answer -> Result; empty where there is none.
    Numbers of hidden cells are missing
    """
    if file := os.environ.get(OTHERS):
        pages = json.loads(Path(file).read_text(encoding="utf-8"))
    else:
        pages = _last_run(name)
    return {
        stem.split("_")[0]: {k: _recalled(record) for k, record in answers.items()}
        for stem, answers in pages.items()
    }


def _last_run(name: str) -> dict[str, dict[str, Any]]:
    """Answers of the newest run's pages of all rows in the page's language, by notebook."""
    found = []
    for file in (study.root() / "reports" / name).glob("*/run.json"):
        try:
            run = json.loads(file.read_text(encoding="utf-8"))
            if run.get("about", {}).get("internal"):
                continue
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


def _recalled(record: dict[str, Any]) -> Result:
    """The answer that a record holds."""
    tables = {"table": record["table"], **record["tables"]}
    return Result(
        {name: _table(t) for name, t in tables.items()},
        Finding.of_record(record.get("finding") or {"claim": record["answer"]}),
        record["note"],
        record["unit"],
        columns=columns_of(record),
        draws=record["draws"],
        seed=record["seed"],
    )


def _table(kept: dict[str, Any]) -> pd.DataFrame:
    """A kept table with its numbers as numbers: JSON has null for one that is missing."""
    table = pd.DataFrame(kept["rows"], columns=kept["columns"])
    for column, values in table.items():
        if values.isna().any() and set(values.dropna().map(type)) <= {int, float}:
            table[column] = pd.to_numeric(values)
    return table


def answers_of(notebook: NotebookNode) -> dict[str, dict[str, Any]]:
    """Every answer stored in an executed notebook, by name, in order.

    Raises ValueError where two have one name: a reader could not know which one holds.
    """
    kept: dict[str, dict[str, Any]] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if record := output.get("data", {}).get(MIME):
                if record["name"] in kept:
                    raise ValueError(
                        f"{record['name']!r} is added twice. Give the second one another name."
                    )
                kept[record["name"]] = record
    return kept


def columns_of(record: dict[str, Any]) -> list[Column]:
    """What the result of a record declared of its columns."""
    return [Column(**about) for about in record.get("columns", [])]


def cells_of(record: dict[str, Any]) -> tuple[pd.DataFrame, dict[str, Column]]:
    """The main table of a record as text in the page's language, and what its columns hold."""
    table = _table(record["table"])
    why = pd.Series("", index=table.index, dtype=object)
    for cell in record["table"].get("hidden", []):
        why[cell["row"]] = cell["why"]
    known = resolved(table, record["unit"], columns_of(record))
    return display_cells(table, known, why), known


def table_of(record: dict[str, Any]) -> pd.DataFrame:
    """The main table of a record as text in the page's language and number format."""
    text, known = cells_of(record)
    return text.rename(columns=lambda name: heading(known, str(name)))
