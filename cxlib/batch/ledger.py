"""What runs of a study have published, so that later runs are compared with those that are deleted.

ledger.keep(folder, run, answers)                     # when a run is published
for entry in ledger.entries(run, answers): ...        # records and answers of what was before
ledger.forget("mine", "2026-11-30-093000")            # nobody has seen that run

Deleting a run takes nothing back from those who have read it. Of each run in the project, an entry
in `data/<study>/.published` holds the counts and estimates that its tables showed, and nothing that
they hid. Names of groups and terms, and values in conditions, are digests: `entries` gives back
those that the run at hand shows as well, and no other name outlives the deletion.
"""

from __future__ import annotations

import gzip
import json
import re
import secrets
import sys
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cxlib.batch import fingerprints
from cxlib.core import files
from cxlib.data import study
from cxlib.privacy import disclosure, published, sketches
from cxlib.privacy.sketches import Sketches
from cxlib.report import history

FOLDER = ".published"
KEY_FILE = "key"  # of the study: what keys the hashes of its customers
FORM = 1  # of an entry; raise it when its shape changes
WHOLE = 12  # states of the data whose groups are kept; of older ones, the counts of everybody
NUMBERS = ("n", "estimate", "time", disclosure.PEOPLE)
UNITS = ("unit", "parent")
VALUES = re.compile(r"\"[^\"]*\"|'((?:[^']|'')*)'|(?<!\w)(\d[\d.]*)")  # of a condition
DIGESTS = re.compile(r"'#([0-9a-f]{12})'|#([0-9a-f]{12})")

Answers = Mapping[str, Mapping[str, Any]]  # page -> name -> kept answer


@dataclass(frozen=True)
class People:
    """By whom the rows of a run's pages differ from those of others.

    Attributes
    ----------
    secret : that keys the hashes
    of : page -> sketches of its rows and groups; pages of the same rows and tables share them
    """

    secret: str = ""
    of: Mapping[str, Sketches] = field(default_factory=dict)


NOBODY = People()


def secret(name: str) -> str:
    """What keys the hashes of a study's customers; another where none is kept yet."""
    with suppress(OSError):
        return (study.root() / "data" / name / FOLDER / KEY_FILE).read_text("ascii").strip()
    return secrets.token_hex(32)


def keep(folder: Path, run: Mapping[str, Any], answers: Answers, people: People = NOBODY) -> None:
    """Add what the run publishes; runs in other places than the project leave nothing in it.

    A ledger that cannot be written stops no run: it is said that the folder has to stay.
    """
    rules = run["pages"][0]["job"]["rules"] if run["pages"] else {}
    if rules.get("smallest_cell", 0) < 2 or not files.inside(folder, [study.root()]):
        return
    brief = history.brief(run)
    pages = [{k: page[k] for k in ("page", "lang", "rows", "key")} for page in brief["pages"]]
    shown = {p["page"]: counts(answers[p["page"]]) for p in pages if p["page"] in answers}
    entry = {
        "form": FORM,
        "runs": [folder.name],
        "whole": True,
        **{key: brief.get(key) for key in ("study", "lang", "begun", "data")},
        "pages": [page | {"rows": [page["rows"][0], _coded(page["rows"][1])]} for page in pages],
        "answers": {page: _renamed(of, None) for page, of in shown.items()},
        "people": _written({page: people.of[page] for page in shown if page in people.of}),
        "secret": published.digest(people.secret),
    }
    place = study.root() / "data" / run["study"] / FOLDER
    about = [entry["data"], entry["lang"], entry["pages"]]
    file = place / f"{fingerprints.digest(about)[:24]}.json.gz"
    try:
        place.mkdir(exist_ok=True)
        if people.of and not (place / KEY_FILE).exists():
            files.write(place / KEY_FILE, people.secret.encode("ascii"))
            (place / KEY_FILE).chmod(0o600)
        if before := _read(file):
            entry["runs"] = [*dict.fromkeys([*before["runs"], folder.name])]
        _write(file, entry)
        _thin(place)
    except OSError as error:
        said = f"what {folder} publishes could not be noted ({error.strerror}). Keep the folder: "
        print(f"cx: {said}later runs are compared with it.", file=sys.stderr)


def entries(run: Mapping[str, Any], answers: Answers) -> Iterator[dict[str, Any]]:
    """What the study of the run has published: `runs`, `data`, `begun`, `lang`, `pages`, `answers`.

    Names and values that the run and its answers have are given back; others stay digests.
    """
    words = {word for page in answers.values() for word in _names(page)}
    for page in run["pages"]:
        words.update(_values(str(page["parameters"].get(history.WHERE) or "")))
    known = {published.digest(word): word for word in words}
    mine = published.digest(secret(run["study"]))
    for file in _files(run["study"]):
        if entry := _read(file):
            alike = entry.get("secret") == mine  # else nothing is known of its people
            yield entry | {
                "people": _people(entry["people"]) if alike else {},
                "answers": {p: _renamed(of, known) for p, of in entry["answers"].items()},
                "pages": [
                    page | {"rows": [page["rows"][0], _decoded(page["rows"][1], known)]}
                    for page in entry["pages"]
                ],
            }


def states(
    name: str,
    pages: Container[str],
    rows: Sequence[str],
    differs: Callable[[Mapping[str, str]], bool],
) -> list[dict[str, list[float]]]:
    """How many each cell of a page was shown with, for each earlier state of the data.

    Parameters
    ----------
    name : of the study
    pages : names of the page, which has more in runs of several languages
    rows : wave and condition that it is of
    differs : whether the data, by fingerprint, are others for the page
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for file in _files(name):
        entry = _read(file)
        if not entry or not differs(entry["data"] or {}):
            continue
        records = found.setdefault(json.dumps(entry["data"], sort_keys=True), [])
        for one in entry["pages"]:
            if one["page"] in pages and one["rows"] == [rows[0], _coded(rows[1])]:
                records += entry["answers"].get(one["page"], {}).values()
    made = (published.state_of(of) for of in found.values())
    return [state for state in made if state]


def forget(name: str, run: str) -> bool:
    """Drop the run from the ledger of the study; whether it was there."""
    found = False
    for file in _files(name):
        entry = _read(file)
        if run in entry.get("runs", ()):
            found, others = True, [r for r in entry["runs"] if r != run]
            if others:
                _write(file, entry | {"runs": others})
            else:
                file.unlink()
    return found


def counts(records: Mapping[str, Any]) -> dict[str, Any]:
    """Of the kept answers of a page, the names, counts and estimates that tell of groups.

    Examples
    --------
    >>> columns = ["plan", "term", "estimate", "low", "n"]
    >>> table = {"columns": columns, "rows": [["a", "nps", 7, 6, 9]]}
    >>> record = {"name": "by_plan", "unit": "points", "table": table, "tables": {}}
    >>> counts({"by_plan": record})["by_plan"]["table"]["rows"]
    [['a', 'nps', 7, 9]]
    """
    return {
        key: {
            "name": record["name"],
            "unit": record["unit"],
            "table": _counted(record["table"]),
            "tables": {part: _counted(table) for part, table in record["tables"].items()},
        }
        for key, record in records.items()
    }


def _counted(table: Mapping[str, Any]) -> dict[str, Any]:
    columns = table["columns"]
    if "n" not in columns:
        return {"columns": [], "rows": []}
    names = _named(columns)
    kept = [i for i, c in enumerate(columns) if i in names or c in NUMBERS]
    hidden = [{"row": h["row"], "why": h["why"]} for h in table.get("hidden", ())]
    ungrouped = {"ungrouped": table["ungrouped"]} if table.get("ungrouped") else {}
    return {
        "columns": [columns[i] for i in kept],
        "rows": [[row[i] for i in kept] for row in table["rows"]],
        **({"hidden": hidden} if hidden else {}),
        **ungrouped,
    }


def _named(columns: list[str]) -> set[int]:
    """The places of columns that hold names: groups, terms, units."""
    last = columns.index("term") if "term" in columns else 0
    return {i for i, c in enumerate(columns) if i <= last or c in UNITS}


def _renamed(records: Mapping[str, Any], names: Mapping[str, str] | None) -> dict[str, Any]:
    """The reduced answers of a page with other names, or with digests of them (None)."""

    def renamed(table: Mapping[str, Any]) -> dict[str, Any]:
        places = _named(table["columns"])
        rows = [
            [_other(v, names) if i in places and _is_name(v) else v for i, v in enumerate(row)]
            for row in table["rows"]
        ]
        return {**table, "rows": rows}

    return {
        key: record
        | {
            "table": renamed(record["table"]),
            "tables": {part: renamed(table) for part, table in record["tables"].items()},
        }
        for key, record in records.items()
    }


def _other(name: object, names: Mapping[str, str] | None) -> str:
    return published.digest(str(name)) if names is None else names.get(str(name), str(name))


def _is_name(value: object) -> bool:
    return value is not None and value not in ("", disclosure.TOTAL)


def _names(records: Mapping[str, Any]) -> Iterator[str]:
    """The names in the tables of a page, among them those of columns."""
    for record in records.values():
        for table in (record["table"], *record["tables"].values()):
            places = _named(table["columns"])
            yield from table["columns"]
            yield from (str(row[i]) for row in table["rows"] for i in places if _is_name(row[i]))


def _values(where: str) -> list[str]:
    """The texts and numbers that a condition asks for."""
    found = VALUES.finditer(where)
    return [_text(m) if m[1] is not None else m[2] for m in found if m[1] is not None or m[2]]


def _text(found: re.Match[str]) -> str:
    return found[1].replace("''", "'")


def _coded(where: str) -> str:
    """The condition with digests in place of its values."""

    def coded(found: re.Match[str]) -> str:
        if found[1] is not None:
            return f"'#{published.digest(_text(found))}'"
        return f"#{published.digest(found[2])}" if found[2] else found[0]

    return VALUES.sub(coded, where)


def _decoded(where: str, known: Mapping[str, str]) -> str:
    """The condition with its values, where they are known."""

    def decoded(found: re.Match[str]) -> str:
        if (word := known.get(found[1] or found[2])) is None:
            return found[0]
        return "'" + word.replace("'", "''") + "'" if found[1] else word

    return DIGESTS.sub(decoded, where)


def _thin(place: Path) -> None:
    """Keep of older states of the data only what tells of everybody: how many there were."""
    newest: list[object] = []
    found = ((file, _read(file)) for file in place.glob("*.json.gz"))
    for file, entry in sorted(found, key=lambda e: str(e[1].get("begun")), reverse=True):
        if entry and entry["data"] not in newest:
            newest.append(entry["data"])
        if entry.get("whole") and newest.index(entry["data"]) >= WHOLE:
            shown = {page: _ungrouped(of) for page, of in entry["answers"].items()}
            thin = {"whole": False, "answers": shown}
            if "people" in entry:
                sets = [
                    {p: s for p, s in of.items() if p[-1:] == " "} for of in entry["people"]["sets"]
                ]
                thin["people"] = entry["people"] | {"sets": sets}
            _write(file, entry | thin)


def _written(people: Mapping[str, Sketches]) -> dict[str, Any]:
    """Sketches as JSON holds them: those of pages of the same rows once; "table groups" -> text."""
    sets = {id(of): of for of in people.values()}
    places = {one: place for place, one in enumerate(sets)}
    return {
        "pages": {page: places[id(of)] for page, of in people.items()},
        "sets": [
            {" ".join(part): sketches.written(s) for part, s in of.items()} for of in sets.values()
        ],
    }


def _people(kept: Mapping[str, Any]) -> dict[str, Sketches]:
    """What `_written` wrote; nothing of what cannot be read."""
    sets: list[Sketches] = []
    for of in kept["sets"]:
        with suppress(ValueError):
            sets.append({tuple(p.split(" ", 1)): sketches.read(text) for p, text in of.items()})
    if len(sets) < len(kept["sets"]):
        return {}
    return {page: sets[place] for page, place in kept["pages"].items()}


def _ungrouped(records: Mapping[str, Any]) -> dict[str, Any]:
    """The reduced answers of a page without the rows of groups."""
    found = {}
    for key, record in records.items():
        table = record["table"]
        at = table["columns"].index("term") if "term" in table["columns"] else 0
        rows = [r for r in table["rows"] if all(name == disclosure.TOTAL for name in r[:at])]
        if rows:
            kept = {"columns": table["columns"], "rows": rows}
            found[key] = record | {"table": kept, "tables": {}}
    return found


def _files(name: str) -> list[Path]:
    return sorted((study.root() / "data" / name / FOLDER).glob("*.json.gz"))


def _read(file: Path) -> dict[str, Any]:
    """An entry; nothing where it is of another form or cannot be read."""
    with suppress(OSError, ValueError, EOFError):
        entry = json.loads(gzip.decompress(file.read_bytes()))
        if isinstance(entry, dict) and entry.get("form") == FORM:
            return entry
    return {}


def _write(file: Path, entry: Mapping[str, Any]) -> None:
    text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
    files.write(file, gzip.compress(text.encode("utf-8"), mtime=0))
