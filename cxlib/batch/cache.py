"""Finished pages kept by what they were made from, so that no page is made twice.

    parts = cache.parts(page)                          # notebook, parameters, data, code, ...
    found, why = cache.look(page)                      # a Kept, or None and what has changed
    found.give(job)                                    # its files into a run's folder, as links
    cache.keep(page, job, record)                      # a page that was just made
    cache.beside("mine", "tables.xlsx", of, make)       # what else a run holds, made once

A page is made again only if its notebook, parameters, data, code, environment or language changed.
Entries lie in reports/<study>/.pages/<page>/<key>/; each appears whole, by one rename, and holds
the digests of its files: one that was touched is not given again. A page that failed is noted, so
that the next run can say so, and never given.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache as once
from pathlib import Path
from typing import Any

from cxlib.batch import execute, fingerprints, processes
from cxlib.batch.planning import Page
from cxlib.core import context, files
from cxlib.core.context import Context
from cxlib.data import study
from cxlib.reserve.tables_read import ALL, MARKS

STUDY = "study.yaml"  # a label that changed makes no other data
MOST = 8  # entries of one page; the oldest go first
WAIT = 10  # seconds for another run that keeps the same page at the moment
EARLIER = "earlier runs"
PARTS = ("notebook", "parameters", "data", "code", "environment", "fonts", "language", EARLIER)


@once
def parts_of_machine() -> dict[str, str]:
    """The parts of a key that all pages share: cxlib's code, environment, fonts."""
    here = [platform.python_version(), sys.platform, platform.machine(), fingerprints.packages()]
    return {
        "code": fingerprints.code(),
        "environment": fingerprints.digest(here),
        "fonts": fingerprints.digest(fingerprints.fonts()),
    }


def parts(page: Page) -> dict[str, str]:
    """Fingerprints of all that a page is made from, by `PARTS`."""
    values = {k: v for k, v in page.values.items() if k != "LANG"}
    return {
        **parts_of_machine(),
        "notebook": fingerprints.notebook(page.notebook),
        "parameters": fingerprints.digest(values),
        "data": fingerprints.digest(dict(page.data)),
        "code": fingerprints.code_of(page.notebook),
        "language": fingerprints.language(page.lang),
        EARLIER: fingerprints.digest(page.rules.get("published", [])),
    }


@dataclass(frozen=True)
class Kept:
    """An entry of the cache."""

    folder: Path
    about: Mapping[str, Any]
    exact: bool = True  # of these very data, not only of the tables that it read

    @property
    def whole(self) -> bool:
        """Its files are there and are what they were."""
        try:
            return self.about["status"] != execute.FAILED and all(
                fingerprints.of_file(self.folder / name) == mark
                for name, mark in self.about["files"].items()
            )
        except (OSError, KeyError):
            return False

    def give(self, job: Mapping[str, Any]) -> bool:
        """Put notebook, page and lists where `job` wants them, as links: they take no room.

        A page whose links or title differ (other pages beside it) is bound anew from its notebook.
        Returns whether it is as it was kept: of these very data, and not bound anew.
        """
        folder = Path(job["folder"])
        for name in self.about["files"]:
            execute.share(self.folder / name, folder / name)
        same = self.about["facts"] == _facts(job)
        if not same:
            nbformat = processes.import_nbformat()
            notebook = nbformat.read(folder / f"{job['page']}.ipynb", as_version=4)
            with context.use(Context(**job["rules"])):
                execute.bind(dict(job), notebook, None)
        with contextlib.suppress(OSError):
            os.utime(self.folder)
        return self.exact and same


def look(page: Page) -> tuple[Kept | None, str]:
    """The page as it was kept, or None and why it has to be made."""
    wanted = parts(page)
    entry = _place(page) / _key(wanted)
    found = _read(entry) or _of_the_same_tables(page, wanted)
    if found is None:
        return None, _why(page, wanted)
    if found.about["status"] == execute.FAILED:
        return None, "it failed last time"
    if not found.whole:
        return None, "the page that was kept is not as it was"
    return found, ""


def _of_the_same_tables(page: Page, wanted: Mapping[str, str]) -> Kept | None:
    """The page as it was made of other data that differ in no table that it read."""
    for kept in () if page.lacking else _entries(_place(page)):
        about = kept.about
        same = all(about["parts"].get(p) == wanted[p] for p in PARTS if p != "data")
        if same and about["status"] != execute.FAILED and _made_of(about, page.data):
            return replace(kept, exact=False)
    return None


def _made_of(about: Mapping[str, Any], data: Mapping[str, str]) -> bool:
    """Whether a page that was kept was made of these data, as far as it read them."""
    read = about.get("read", (ALL,))
    return fingerprints.of_page(about["data"], read) == fingerprints.of_page(data, read)


def last(page: Page, stem: str) -> dict[str, Any]:
    """The answers that the notebook `stem` kept last of the data, rows and language of `page`."""
    place = study.root() / "reports" / page.study / ".pages" / f"{stem}{page.suffix}"
    for kept in _entries(place):
        values, data = kept.about["values"], kept.about["data"]
        rows = str(values.get("WAVE") or ""), str(values.get("WHERE") or "")
        read = fingerprints.of_page(data, kept.about.get("read", (ALL,)))
        same = all(page.data[t] == m for t, m in read.items() if t in page.data and t != STUDY)
        made = kept.about["status"], rows, values.get("LANG", "en")
        if same and made == (execute.OK, page.rows, page.lang):
            return kept.about["answers"]
    return {}


def measured(page: Page) -> Mapping[str, Any]:
    """What the page read when it was made last, of whatever data: `read` and `cost`.

    A page that failed read only part of it.
    """
    made = (k.about for k in _entries(_place(page)) if k.about["status"] != execute.FAILED)
    about = next((one for one in made if one.get("cost")), {})
    return {name: about[name] for name in ("read", "cost") if name in about}


def keep(page: Page, job: Mapping[str, Any], about: Mapping[str, object]) -> None:
    """Keep a page that was made: its files from the run's folder, and `about` (status and more).

    Raises OSError when it cannot; nothing half kept is left.
    """
    of, place = parts(page), _place(page)
    inputs = {"values": dict(page.values), "data": dict(page.data), "parts": of}
    place.mkdir(parents=True, exist_ok=True)

    def busy(holder: str) -> OSError:
        return OSError(f"another run keeps it at the moment ({holder})")

    with files.held(place / ".lock", busy=busy, wait=WAIT):
        for left in place.glob(f"{files.PART}*"):  # by a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(dir=place, prefix=files.PART))
        try:
            _fill(fresh, job, {**about, **inputs})
            entry = place / _key(of)
            shutil.rmtree(entry, ignore_errors=True)
            os.replace(fresh, entry)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        entries = [e for e in place.glob("[!.]*") if e.is_dir()]
        for old in sorted(entries, key=lambda e: e.stat().st_mtime)[:-MOST]:
            shutil.rmtree(old, ignore_errors=True)


def _fill(fresh: Path, job: Mapping[str, Any], about: Mapping[str, object]) -> None:
    marks = {}
    if about["status"] != execute.FAILED:
        for source in execute.files_of(Path(job["folder"]), job["page"]):
            execute.share(source, fresh / source.name)
            marks[source.name] = fingerprints.of_file(fresh / source.name)
    entry = {**about, "files": marks, "facts": _facts(job)}
    (fresh / "entry.json").write_text(json.dumps(entry), encoding="utf-8")


def beside(name: str, file_name: str, of: object, make: Callable[[], bytes]) -> bytes:
    """A file of a run of the study that is no page, as it was kept or made now of `of`.

    Of each name the latest are kept. `of` has the language too.
    """
    place = study.root() / "reports" / name / ".pages" / f".{file_name}"
    key = _key({**parts_of_machine(), "of": of})
    for file in place.glob(f"{key}.*"):
        with contextlib.suppress(OSError):
            content = file.read_bytes()
            if file.name == f"{key}.{fingerprints.of_content(content)}":  # it is as it was
                os.utime(file)
                return content
    content = make()
    with contextlib.suppress(OSError):  # no room to keep it: it is made again next time
        place.mkdir(parents=True, exist_ok=True)
        files.write(place / f"{key}.{fingerprints.of_content(content)}", content)
        for old in sorted(place.glob("*.*"), key=lambda f: -f.stat().st_mtime)[MOST:]:
            old.unlink(missing_ok=True)
    return content


def _place(page: Page) -> Path:
    return study.root() / "reports" / page.study / ".pages" / page.name


def _key(of: Mapping[str, object]) -> str:
    return fingerprints.digest(dict(of))[:24]


def _facts(job: Mapping[str, Any]) -> str:
    return fingerprints.digest([job["page"], job["facts"], job["lacking"]])


def _entries(place: Path) -> list[Kept]:
    """The whole entries of a page, the newest first."""
    entries = sorted(place.glob("[!.]*"), key=lambda e: -e.stat().st_mtime)
    return [kept for entry in entries if (kept := _read(entry))]


def _read(entry: Path) -> Kept | None:
    try:
        return Kept(entry, json.loads((entry / "entry.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def _why(page: Page, wanted: Mapping[str, str]) -> str:
    """What differs from the entry that is most alike."""
    found = _entries(_place(page))
    if not found:
        return "not run before"

    def changed(kept: Kept) -> list[str]:
        return [p for p in PARTS if kept.about["parts"].get(p) != wanted[p]]

    nearest = min(found, key=lambda kept: len(changed(kept)))
    which = (f"{p} changed{_which(p, nearest.about, page)}" for p in changed(nearest))
    return "; ".join(which)


def _which(part: str, about: Mapping[str, Any], page: Page) -> str:
    """Which tables or parameters, where that can be told."""
    read = about.get("read", (ALL,))
    data = [fingerprints.of_page(d, read) for d in (about["data"], page.data)]
    sides = {"data": data, "parameters": [about["values"], page.values]}
    before, now = sides.get(part, [{}, {}])
    names = [n for n in {**before, **now} if before.get(n) != now.get(n) and n != "LANG"]
    names = [n for n in names if n not in MARKS] or names
    return f": {', '.join(names)}" if names else ""
