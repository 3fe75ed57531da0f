"""Whether a run may be published: what its pages, and those of earlier runs, tell of small groups.

    leaks = leaks_of(folder, run, answers)             # before answers, indexes and pages are given
    if leaks:
        raise withheld(folder, leaks)

Earlier runs of the study lie beside this one or, deleted or not, stand in the ledger of what it
published. Those of the same data are read together with it; of those of other data, the difference
must not be a few people.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cxlib import reserve
from cxlib.batch import cache, fingerprints, ledger, planning, populations
from cxlib.batch.ledger import People
from cxlib.core import context, parameters
from cxlib.core.context import Context
from cxlib.data import contract, study
from cxlib.privacy import attack, leaks
from cxlib.privacy.cross_page import Shown
from cxlib.privacy.leaks import Leak, Withheld
from cxlib.privacy.published_counts import tables_of
from cxlib.privacy.sketches import Sketches
from cxlib.report import history
from cxlib.reserve.tables_read import ALL

MOST = 5  # leaks that a message names


def leaks_of(
    folder: Path,
    run: Mapping[str, Any],
    answers: Mapping[str, Mapping[str, Any]],
    people: People | None = None,
) -> list[Leak]:
    """The hidden cells that could be worked out from the run, beside what was published before.

    Parameters
    ----------
    folder : of the run, with its notebooks
    run : its record
    answers : page -> answers, as they are to be published
    people : by whom the rows of its pages differ from those of others; found out unless given
    """
    people = _people(run, answers) if people is None else people
    found: list[Leak] = []
    counted = {page: ledger.counts(of) for page, of in answers.items()}
    first = ""
    for lang in dict.fromkeys(p["lang"] for p in run["pages"]):
        mine = [p for p in run["pages"] if p["lang"] == lang and p["page"] in answers]
        if not mine:
            continue
        pages = {
            p["page"]: _shown(p["page"], answers, _rows(p), people.of.get(p["page"], {}))
            for p in mine
        }
        with context.use(Context(**mine[0]["job"]["rules"])):
            said = list(_texts(folder, pages))
            if first:  # other languages have the same tables, and sentences of their own
                found += leaks.printed(list(tables_of(pages)), said)
            else:
                found += _recovered(run, pages, *_earlier(folder, run, counted), said)
                found += _grown(folder, run, pages, counted) or _by_few(folder, run, pages, counted)
        first = first or lang
    return found


def _recovered(
    run: Mapping[str, Any],
    pages: Mapping[str, Shown],
    earlier: Mapping[str, Shown],
    older: Mapping[str, Shown],
    said: Sequence[tuple[str, str]],
) -> list[Leak]:
    """What the attacker finds; kept, so that pages that are all as they were are attacked once."""

    def attacked() -> bytes:
        leaks_found = attack.recovered(pages, earlier, said, _levels(run["study"]), older)
        return json.dumps([asdict(leak) for leak in leaks_found]).encode()

    shown = [
        [
            (name, p.answers, p.wave, p.where, sorted(p.tables), sorted(p.people))
            for name, p in of.items()
        ]
        for of in (pages, earlier, older)
    ]
    rules = asdict(context.current())
    of = [fingerprints.digest(x) for x in (rules, shown, said, run["data"])]
    kept = cache.beside(run["study"], "attack.json", of, attacked)
    return [Leak(**leak) for leak in json.loads(kept)]


def _levels(name: str) -> Callable[[str], tuple[set[str], bool] | None]:
    """The values of a column of the study, and whether any is missing; None where unknown."""

    def values(column: str) -> tuple[set[str], bool] | None:
        try:
            with reserve.Reserve(study.read(name)) as store:
                for table in store.tables:
                    for one in store.columns(table):
                        if one.lower() == column:
                            found = store.read(table)[one]
                            return set(found.dropna().astype(str)), bool(found.isna().any())
        except (RuntimeError, ValueError, OSError):  # it is gone, or no row may leave it
            pass
        return None

    return values


ROWS = (history.WAVE, history.WHERE)  # parameters that say which rows a page is about


def _rows(page: Mapping[str, Any]) -> tuple[str, str]:
    """Wave and condition of a page in the record of a run."""
    wave, where = (str(page["parameters"].get(k) or "") for k in ROWS)
    return wave, where


def _shown(
    page: str, answers: Mapping[str, Any], rows: Sequence[object], people: Sketches
) -> Shown:
    """What a page shows, with its wave and its condition."""
    wave, where = map(str, rows)
    return Shown(answers[page], wave, where, tables=tables_needed(page), people=people)


def _people(run: Mapping[str, Any], answers: Mapping[str, Any]) -> People:
    """By whom the rows of a run that was made differ from others, if the data are still there."""
    made = [p for p in run["pages"] if p["page"] in answers]
    try:
        about = study.read(run["study"])
        rules = Context(**made[0]["job"]["rules"])
    except (study.StudyError, IndexError, OSError):
        return People()
    pages = {
        p["page"]: populations.Asked(_rows(p), frozenset(p.get("read", (ALL,))), answers[p["page"]])
        for p in made
    }
    return populations.of(about, run["data"], pages, rules)


def older(name: str, data: Mapping[str, str], made: Iterable[tuple[str, Any]]) -> list[Shown]:
    """Pages of the study that runs of other data have published, with by whom they differ.

    Parameters
    ----------
    name : of the study
    data : fingerprints of the tables now
    made : (condition, answers) of the pages at hand, whose names are given back
    """
    pages = [{"parameters": {history.WHERE: where}} for where, _answers in made]
    answers = {str(i): ledger.counts(of) for i, (_where, of) in enumerate(made)}
    return [
        _shown(page["page"], entry["answers"], page["rows"], entry["people"][page["page"]])
        for entry in ledger.entries({"study": name, "pages": pages}, answers)
        if entry["data"] != data
        for page in entry["pages"]
        if page["page"] in entry["people"]
    ]


def tables_needed(page: str) -> frozenset[str]:
    """The tables that the page's notebook needs, of those with a row a person or event each."""
    notebook = planning.notebooks().get(page.split(".", maxsplit=1)[0])
    if notebook is None:
        return frozenset()
    facts = parameters.content(notebook)["metadata"].get("cxlib", {})
    words = {part for need in facts.get("needs", ()) for part in need.split("|")}
    return frozenset(words & contract.TABLES.keys())


def withheld(folder: Path, found: Sequence[Leak]) -> Withheld:
    """The error that stops the publishing."""
    more = f"\n  and {len(found) - MOST} more" if len(found) > MOST else ""
    listed = "".join(f"\n  {leak}" for leak in found[:MOST])
    least = context.current().smallest_cell
    return Withheld(
        f"{folder} is not published: numbers of groups under {least} could be worked out from it."
        f"{listed}{more}\nPages that are made already are kept: the next run is quick."
    )


def _texts(folder: Path, pages: Mapping[str, Shown]) -> Iterator[tuple[str, str]]:
    """(page, sentence) of all that the notebooks show."""
    for name in pages:
        file = folder / f"{name}.ipynb"
        notebook = json.loads(file.read_text("utf-8")) if file.exists() else {"cells": []}
        yield from ((name.split("_")[0], text) for text in leaks.texts_of(notebook))


@dataclass(frozen=True)
class Earlier:
    """A run that was published before: its name, its record in brief, and its answers by page."""

    name: str
    record: Mapping[str, Any]
    answers: Callable[[], Mapping[str, Any]]


def _earlier(
    folder: Path, run: Mapping[str, Any], answers: Mapping[str, Any]
) -> tuple[dict[str, Shown], dict[str, Shown]]:
    """Pages of other runs that count otherwise than those of this run: of the same data, of others.

    Of runs of the same pages with the same parameters and data the newest speaks for all. Those of
    other data are none where all pages have the same condition.
    """
    newest: dict[str, Earlier] = {}
    for other in _others(folder, run, answers):
        made = [[p["page"], p["key"], *p["rows"]] for p in other.record["pages"]]
        newest[json.dumps([other.record.get("data"), made], sort_keys=True)] = other
    same: dict[str, Shown] = {}
    older: dict[str, Shown] = {}
    for other in reversed(newest.values()):
        kept, now = other.answers(), other.record.get("data") == run["data"]
        for page in other.record["pages"]:
            name = page["page"]
            if page["lang"] == other.record["lang"] and kept.get(name, answers.get(name)) != (
                answers.get(name)
            ):
                found = same if now else older
                shown = _shown(
                    name, kept, page["rows"], other.record.get("people", {}).get(name, {})
                )
                found.setdefault(f"{other.name}/{name}", shown)
    asked = {str(p["parameters"].get(history.WHERE) or "") for p in run["pages"]}
    asked |= {shown.where for shown in (*same.values(), *older.values())}
    return same, older if len(asked) > 1 else {}


def _grown(
    folder: Path, run: Mapping[str, Any], pages: Mapping[str, Shown], answers: Mapping[str, Any]
) -> list[Leak]:
    """What earlier runs of other data tell of the rows that came or went since.

    Each state of the data is compared: after a file was corrected, the newest run may differ by
    many rows and one before it by few.
    """
    newest: dict[str, Earlier] = {}
    for other in _others(folder, run, answers):
        if other.record.get("data") != run["data"]:
            made = [[p["page"], p["key"], *p["rows"]] for p in other.record["pages"]]
            newest[json.dumps([other.record.get("data"), made], sort_keys=True)] = other
    for other in reversed(newest.values()):
        kept, rows = other.answers(), {p["page"]: tuple(p["rows"]) for p in other.record["pages"]}
        before = {
            name: Shown(kept[name], page.wave, page.where)
            for name, page in pages.items()
            if name in kept and rows.get(name) == (page.wave, page.where)
        }
        if found := attack.grown(pages, before, other.name):
            return found
    return []


def _by_few(
    folder: Path, run: Mapping[str, Any], pages: Mapping[str, Shown], answers: Mapping[str, Any]
) -> list[Leak]:
    """What earlier runs tell of many rows of few customers: those that came or went, or were asked.

    Known are they of the runs in the ledger, with its secret.
    """
    for other in reversed(_others(folder, run, answers)):
        if people := other.record.get("people"):
            kept, rows = other.answers(), {p["page"]: p["rows"] for p in other.record["pages"]}
            before = {
                name: _shown(name, kept, rows[name], of)
                for name, of in people.items()
                if name in kept and kept[name] != answers.get(name)
            }
            grown = other.record.get("data") != run["data"]
            if found := attack.by_few(pages, before, other.name, grown=grown):
                return found
    return []


def _others(folder: Path, run: Mapping[str, Any], answers: Mapping[str, Any]) -> list[Earlier]:
    """What the study published before: by the ledger and beside this run, the newest last.

    Of a run that is in both, what lies beside comes later.
    """
    kept = list(ledger.entries(run, answers))
    found = [
        Earlier(entry["runs"][-1], entry, partial(entry.__getitem__, "answers")) for entry in kept
    ]
    people = {(n, _mark(entry["data"])): entry["people"] for entry in kept for n in entry["runs"]}
    found += [
        Earlier(
            place.name,
            {**other, "people": people.get((place.name, _mark(other.get("data"))), {})},
            partial(_answers, place),
        )
        for place, other in history.of(folder.parent).items()
        if other["study"] == run["study"]
        and not other["about"]["internal"]
        and place.resolve() != folder.resolve()
    ]
    return sorted(found, key=lambda other: str(other.record.get("begun") or ""))


def _mark(data: object) -> str:
    return json.dumps(data, sort_keys=True)


def _answers(place: Path) -> dict[str, Any]:
    """What the run in a folder published, as far as it counts anybody."""
    try:
        kept = json.loads((place / "answers.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {page: ledger.counts(of) for page, of in kept.items()}
