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
from cxlib.report import history


def warnings(folder: Path, run: Mapping, shown: Mapping[str, Shown]) -> list[dict[str, str]]:
    """One warning for each pair of a page here and a page of a run in the same parent folder.

    Of runs of the same pages with the same parameters the newest speaks for all.
    """
    mine = {name: cross_page.counts_of(page.answers.values()) for name, page in shown.items()}
    found = []
    for places, rows in _others(folder, run):
        pairs = [
            (own, name, wider)
            for name, theirs in rows.items()
            for own, page in shown.items()
            if (wider := cross_page.within((page.wave, page.where), theirs))
            or cross_page.within(theirs, (page.wave, page.where))
        ]
        answers = _answers(places[-1]) if pairs else {}
        counts = {name: cross_page.counts_of(kept.values()) for name, kept in answers.items()}
        for own, name, wider in pairs:
            if name not in counts:
                continue
            pair = (mine[own], counts[name]) if wider else (counts[name], mine[own])
            if cells := cross_page.clash(*pair):
                said = _said(f"{places[-1].name}/{name}", len(places) - 1, len(cells))
                found.append({"page": own, "said": said})
    return found


def _said(other: str, alike: int, cells: int) -> str:
    more = f", and the same page of {alike} earlier run(s)," if alike else ""
    return (
        f"beside {other}{more} a small group could be worked out ({cells} of the same cells differ "
        "by too few people). Do not give both to the same readers, or delete one of them."
    )


def _others(folder: Path, run: Mapping) -> Iterator[tuple[list[Path], dict[str, tuple[str, str]]]]:
    """(folders, the rows of each page) of the other runs here of the same study and data; runs of
    the same pages and parameters together, the newest last."""
    alike: dict[tuple, list[Path]] = {}
    rows: dict[tuple, dict[str, tuple[str, str]]] = {}
    runs = history.of(folder.parent).items()
    for place, other in sorted(runs, key=lambda r: (r[1].get("begun", ""), r[0])):
        same = (other["study"], other.get("data")) == (run["study"], run["data"])
        if not same or place.resolve() == folder.resolve():
            continue
        key = tuple((p["page"], p["key"], *p["rows"]) for p in other["pages"])
        alike.setdefault(key, []).append(place)
        rows[key] = {p["page"]: (p["rows"][0], p["rows"][1]) for p in other["pages"]}
    for key, places in alike.items():
        yield places, rows[key]


def _answers(place: Path) -> dict:
    try:
        return json.loads((place / "answers.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
