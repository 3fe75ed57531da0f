"""Other runs of the same study and data, whose pages beside this run's give a small group away.

    warnings(folder, run, {"10_x": Shown(answers, wave, where)})     # [{"page", "said"}]

They are warned of, never changed: the same inputs make the same pages whatever lies beside them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from cxlib.privacy import cross_page
from cxlib.privacy.cross_page import Shown


def warnings(folder: Path, run: Mapping, shown: Mapping[str, Shown]) -> list[dict[str, str]]:
    """One warning for each pair of a page here and a page of a run in the same parent folder."""
    mine = {name: cross_page.counts_of(page.answers.values()) for name, page in shown.items()}
    found = []
    for place, other in _others(folder, run):
        for name, theirs in other.items():
            counts = None
            for own, page in shown.items():
                rows, more = (page.wave, page.where), (theirs.wave, theirs.where)
                wider, narrower = cross_page.within(rows, more), cross_page.within(more, rows)
                if not wider and not narrower:
                    continue
                counts = counts or cross_page.counts_of(theirs.answers.values())
                pair = (mine[own], counts) if wider else (counts, mine[own])
                if cells := cross_page.clash(*pair):
                    found.append({"page": own, "said": _said(f"{place}/{name}", len(cells))})
    return found


def _said(other: str, cells: int) -> str:
    return (
        f"beside {other} a small group could be worked out ({cells} of the same cells differ by "
        "too few people). Do not give both to the same readers, or delete one of them."
    )


def _others(folder: Path, run: Mapping) -> Iterator[tuple[str, dict[str, Shown]]]:
    """(name, pages) of the other runs in the parent folder that are of the same study and data."""
    for file in sorted(folder.parent.glob("*/run.json")):
        if file.parent.resolve() == folder.resolve():
            continue
        try:
            text = file.read_text(encoding="utf-8")
            if not all(mark in text for mark in run["data"].values()):
                continue  # quicker than to read what is of other data
            other = json.loads(text)
            if (other["study"], other["data"]) != (run["study"], run["data"]):
                continue
            rows = {p["page"]: p["parameters"] for p in other["pages"]}
            answers = json.loads(file.with_name("answers.json").read_text(encoding="utf-8"))
            pages = {
                name: Shown(kept, *(str(rows[name].get(k) or "") for k in ("WAVE", "WHERE")))
                for name, kept in answers.items()
            }
            yield file.parent.name, pages
        except (OSError, ValueError, KeyError, TypeError):
            continue  # no whole run of ours
