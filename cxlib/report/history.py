"""The runs in a folder, in brief: what an index, a comparison and a search for runs need of them.

    for folder, run in history.of(Path("reports/mine")).items(): ...

A record has some hundred kilobytes, and a study run every day has hundreds of them. What was read
of each is kept in `.pages/runs.json` of the study's folder until its run.json changes, so that a
run takes as long with many runs beside it as with none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cxlib.core import files

WAVE, WHERE = "WAVE", "WHERE"
FORM = 2  # of what is kept; raise it when `brief` changes
PAGE = ("page", "lang", "suffix", "status", "answer")
RUN = ("run", "study", "lang", "begun", "seconds", "data", "says")


def of(folder: Path) -> dict[Path, dict[str, Any]]:
    """The runs directly below the folder, in brief; what is no record of a run is left out."""
    place = folder / ".pages" / "runs.json"
    before, now, found = _kept(place), {}, {}
    for file in sorted(folder.glob("*/run.json")):
        with suppress(OSError):
            about = file.stat()
            mark = [about.st_mtime_ns, about.st_size]
            known = before.get(file.parent.name)
            run = known["brief"] if known and known["mark"] == mark else brief(_read(file))
            now[file.parent.name] = {"mark": mark, "brief": run}
            if run:
                found[file.parent] = run
    if now != before and place.parent.is_dir():
        with suppress(OSError):  # a full disk: they are read again
            files.write(place, json.dumps({"form": FORM, "runs": now}))
    return found


def brief(run: object) -> dict[str, Any]:
    """Of a record, what other runs need; nothing where it is not one of ours."""
    if not isinstance(run, dict) or not {"study", "pages"} <= set(run):
        return {}
    try:
        about = run.get("about", {})
        return {
            **{key: run[key] for key in RUN if key in run},
            "about": {"title": about.get("title", ""), "internal": bool(about.get("internal"))},
            "pages": [_page(page) for page in run["pages"]],
        }
    except (AttributeError, TypeError):
        return {}


def _page(page: Mapping[str, Any]) -> dict[str, Any]:
    about = page.get("job", {}).get("facts", {}).get("study") or {}
    asked = page.get("parameters", {})
    return {
        **{key: page[key] for key in PAGE if key in page},
        "rows": [str(asked.get(WAVE) or ""), str(asked.get(WHERE) or "")],
        "key": page.get("parameters_sha256", ""),
        "job": {"facts": {"study": {"title": about["title"]} if "title" in about else {}}},
    }


def _kept(place: Path) -> dict[str, Any]:
    kept = _read(place)
    return kept["runs"] if isinstance(kept, dict) and kept.get("form") == FORM else {}


def _read(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
