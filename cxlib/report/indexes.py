"""The index of a run, and the index over all studies and runs: one line an answer.

html = indexes.of_run(run)                         # `run` as in run.json
html = indexes.of_all(Path("reports"))             # reads every <study>/<run>/run.json below
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from cxlib import page, tables
from cxlib.masking import legible
from cxlib.report import pages


def of_run(run: dict, up: str = "") -> str:
    """index.html of one run: a card for each page, in sets where the run was split by a column.

    `up` is the way to the index over all runs, if there is one.
    """
    sets: dict[str, list[dict]] = {}
    for made in run["pages"]:
        sets.setdefault(made["set"], []).append(made)
    return _render("run.html.j2", run=run, sets=sets, counts=counts(run), lang=run["lang"], up=up)


def of_all(top: Path) -> str:
    """index.html over every run below `top`, the newest first, study by study."""
    studies: dict[str, list[dict]] = {}
    for file in sorted(top.glob("*/run.json")) + sorted(top.glob("*/*/run.json")):
        run = _read(file)
        if run is not None:
            run = {**run, "path": file.parent.relative_to(top).as_posix(), "counts": counts(run)}
            studies.setdefault(run["study"], []).append(run)
    for runs in studies.values():
        runs.sort(key=lambda r: (r["begun"], r["path"]), reverse=True)
    return _render("all.html.j2", studies=studies, lang=page.rules().lang)


def dictionary(lang: str) -> str:
    """dictionary.html: what the columns of every table mean, in `lang`."""
    rows = tables.dictionary(lang)
    parts = [
        (page.label(name), table.meaning[lang], pages.clean(_columns(rows, name)))
        for name, table in tables.TABLES.items()
    ]
    return _render("dictionary.html.j2", parts=parts, lang=lang)


def _columns(rows: pd.DataFrame, name: str) -> str:
    part = rows[rows["table"] == name].drop(columns="table")
    part = part.loc[:, (part != "").any()]
    part.insert(1, "meaning", part.pop("meaning"))
    return part.rename(columns=page.heading).to_html(index=False, border=0)


def counts(run: dict) -> dict[str, int]:
    """How many pages of the run are whole, failed, lacking, not made."""
    found: dict[str, int] = {}
    for made in run["pages"]:
        found[made["status"]] = found.get(made["status"], 0) + 1
    return found


def _read(file: Path) -> dict | None:
    """A run's record; None for a file that is no record of ours, which the index leaves out."""
    try:
        run = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return run if isinstance(run, dict) and {"study", "pages", "begun"} <= set(run) else None


def _render(template: str, **values: object) -> str:
    words = {
        "whole": page.say("whole"),
        "failed": page.say("failed"),
        "lacking": page.say("not for this study"),
        "not made": page.say("not made"),
    }
    made = pages.environment().get_template(template)
    return legible(made.render(policy=pages.POLICY, status=words, **values))
