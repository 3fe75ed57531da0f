"""What a run leaves beside its pages: answers.json, run.json, the indexes; and pages of the dead.

`run.json` holds what made the numbers (fingerprints of data, code, parameters, environment, seed)
and what the pages leave out on purpose: times. Two runs of the same inputs have the same pages.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxlib import __version__
from cxlib.batch import cache, dependencies, execute, ledger, processes
from cxlib.batch.fingerprints import code, code_of, digest, language, notebook, packages
from cxlib.batch.ledger import People
from cxlib.core import context, parameters, sections
from cxlib.core.context import Context
from cxlib.data import study
from cxlib.privacy import masking, redaction
from cxlib.privacy.leaks import Withheld

if TYPE_CHECKING:
    from cxlib.batch.planning import Page
    from cxlib.batch.results import Result
    from cxlib.privacy.cross_page import Shown


def job_of(
    page: Page,
    folder: Path,
    links: Mapping[str, tuple[str, str]],
    others: Mapping[str, str] | None = None,
    units: Mapping[str, list[Any]] | None = None,
) -> dict[str, Any]:
    """All that a worker needs to make the page, as JSON."""
    asked = parameters.read(page.notebook)
    return {
        "notebook": str(page.notebook),
        "folder": str(folder),
        "page": page.name,
        "values": dict(page.values),
        "rules": dict(page.rules),
        "lacking": list(page.lacking),
        "facts": {
            "title": page.title,
            "lang": page.lang,
            "study": dict(page.source),
            "parameters": [
                [name, masked_of(page, _shown(value)), asked[name].comment]
                for name, value in page.values.items()
            ],
            "pages": dict(links),
            "others": dict(others or {}),
            "suffix": page.suffix,
            "set_name": page.set_name,
            "foot": foot_of(page),
            **(units or {}),
        },
    }


def masked_of(page: Page, value: Any) -> Any:
    """A text, list or record as the page and the record of the run may show it."""
    with context.use(Context(**page.rules)):
        return masking.masked_in(value)


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def foot_of(page: Page) -> list[str]:
    """The line at the foot of a page: what it was made from, in short fingerprints."""
    seed = [f"seed {page.values['SEED']}"] if "SEED" in page.values else []
    data = [f"data {digest(page.data)[:10]}"] if page.data else []
    return [*seed, *data, f"code {code_of(page.notebook)[:10]}", f"cxlib {__version__}"]


def why_it_died(
    last: Mapping[str, Any], late: float | None = None, memory: float | None = None
) -> str:
    """In words, why a page's process ended without an end; `late`: the seconds it exceeded."""
    code_, said = last.get("code"), str(last.get("said", "")).strip().splitlines()
    if last.get("over"):
        return f"the page held more than {memory:g} GB (--memory) and was ended"
    if late is not None:
        return f"the page took longer than {late:g} s and was ended"
    if isinstance(code_, int) and code_ < 0:
        limit = f"; --memory is {memory:g} GB" if memory else ""
        return f"its process was ended by signal {-code_} (out of memory, or killed{limit})"
    return f"its process ended with exit code {code_}" + (f": {said[-1]}" if said else "")


def write_dead_page(
    job: dict[str, Any], mistake: tuple[int, int, str], traceback: str = ""
) -> None:
    """A page for a process that died before it could write one, and where in the code it died."""
    nbformat = processes.import_nbformat()
    unread = nbformat.read(job["notebook"], as_version=4)
    for cell in unread.cells:
        if cell.cell_type == "code":
            cell.outputs = []
    code_cells = [cell for cell in unread.cells if cell.cell_type == "code"]
    if traceback and code_cells:
        told = nbformat.v4.new_output("display_data", sections.folded(traceback))
        code_cells[-1].outputs = [told]
    with context.use(Context(**job["rules"])):
        unread = execute.canonical(unread)
        redaction.protect(unread)
        execute.write(job, unread, list(mistake))


def close(
    results: Sequence[Result],
    begun: datetime,
    *,
    jobs: int,
    engine: str,
    remember: bool = True,
    publish: bool = True,
) -> None:
    """Write answers.json, run.json and index.html of every study's folder, and the top index.

    With `remember`, the warnings that a page of all rows gave are kept with its study. Raises
    Withheld, when the others are written, for a folder from which small groups could be worked
    out: nothing of it is left; without `publish`, for a folder that nobody reads, and for an
    internal run none is.
    """
    stopped: list[Withheld] = []
    folders = list(dict.fromkeys(r.folder for r in results))
    for folder in folders:
        mine = [r for r in results if r.folder == folder]
        people = _people(mine)
        _protect_from_each_other(mine, people)
        answers = {r.page.name: r.answers for r in mine if r.answers}
        run = _run_of(mine, begun, jobs, engine)
        published = publish and not run["about"].get("internal")
        if published and (error := _withheld(folder, run, answers, people)):
            stopped.append(error)
            continue
        if published:
            ledger.keep(folder, run, answers, people)
            _say_if_on_engine(mine, folder)
        execute.put(folder / "answers.json", _by_line(answers))
        _warn_of_conflicts(folder, run, answers)
        _index(folder, run, top_of(folder, len(folders)), keep=remember)
        if remember:
            _remember(mine)
    if stopped:
        raise Withheld("\n".join(map(str, stopped)))


def _withheld(
    folder: Path, run: dict[str, Any], answers: dict[str, Any], people: People | None = None
) -> Withheld | None:
    """Why the run may not be published, if so; then its folder holds nothing of it.

    Lists that an earlier run left in the folder stay: somebody may be working on them.
    """
    from cxlib.batch import cross_run

    if not (found := cross_run.leaks_of(folder, run, answers, people)):
        return None
    pages = [folder / f"{p['page']}.{kind}" for p in run["pages"] for kind in ("ipynb", "html")]
    clear(folder, [p["page"] for p in run["pages"]])
    of_run = {file for file in files_of_run(folder) if file.suffix != ".csv"}
    for file in {*pages, *of_run, folder / "answers.json", folder / "run.json"}:
        file.unlink(missing_ok=True)
    return cross_run.withheld(folder, found)


def clear(folder: Path, names: Iterable[str]) -> None:
    """Remove pages and their lists from a folder that holds no whole run."""
    if not (folder / "run.json").exists():
        for file in [file for name in names for file in execute.files_of(folder, name)]:
            file.unlink(missing_ok=True)


def _remember(results: Iterable[Result]) -> None:
    """Keep with the study what its pages warn of, so that it is known again in other data."""
    from cxlib.reserve import alerts

    for result in results:
        page, name = result.page, result.page.remembers
        if name in result.answers and not (page.suffix or page.set_name or any(page.rows)):
            table = result.answers[name]["table"]
            alerts.remember(study.read(page.study), dependencies.of_tables(page.data), table)


def _warn_of_conflicts(folder: Path, run: dict[str, Any], answers: dict[str, Any]) -> None:
    """Pages of this run whose numbers contradict each other: told, and recorded."""
    from cxlib.report import consistency

    for page, said in consistency.between_pages(run, answers).items():
        run["warnings"].append({"page": page, "said": said})
        print(f"cx: {folder.name}/{page}: {said}", file=sys.stderr)


def _people(results: Sequence[Result]) -> People:
    """By whom the rows of the pages differ from those of others, in the data they were made of."""
    from cxlib.batch import populations

    pages = {
        r.page.name: populations.Asked(r.page.rows, frozenset(r.read), r.answers)
        for r in results
        if r.answers
    }
    first = results[0].page
    data = dependencies.of_tables(first.data)
    return populations.of(_study_of(first), data, pages, Context(**first.rules))


def _study_of(page: Page) -> study.Study:
    """The study as it was when the run began."""
    frozen = page.notebook.parents[1] / "data" / page.study / "study.yaml"
    return study.read(frozen if frozen.exists() else page.study)


def _say_if_on_engine(results: Sequence[Result], folder: Path) -> None:
    """Tables on an engine have no sketches: what the run was not compared by."""
    page = results[0].page
    if Context(**page.rules).smallest_cell > 1 and _study_of(page).on_engine:
        print(
            f"cx: {folder.name}: tables on an engine are compared with earlier runs by rows, not "
            "by customers. Check that no small group changed (docs/privacy.md).",
            file=sys.stderr,
        )


def _protect_from_each_other(results: Sequence[Result], people: People) -> None:
    """Write again, with less in them, pages that beside others give small groups away."""
    whole = {r.page.name: r for r in results if r.answers}
    if not whole:
        return
    for given_away in (partial(_given_away, people=people), _complements_shown):
        with context.use(Context(**next(iter(whole.values())).page.rules)):
            found = given_away(whole)
        if found:
            _hide(whole, found)


def _hide(whole: Mapping[str, Result], given_away: Mapping[str, Any]) -> None:
    """Write pages again without what they give away."""
    from cxlib.privacy import redaction
    from cxlib.report import answers_of

    nbformat = processes.import_nbformat()
    for name, away in given_away.items():
        result = whole[name]
        with context.use(Context(**result.page.rules)):
            notebook = nbformat.read(result.file.with_suffix(".ipynb"), as_version=4)
            redaction.protect_from(notebook, away)
            execute.write(result.job, notebook, result.mistake)
            result.answers.clear()
            result.answers.update(answers_of(notebook))


def _given_away(whole: Mapping[str, Result], people: People) -> dict[str, Any]:
    """The pages that give groups away beside all others; each told in its own language."""
    from cxlib.batch import cross_run
    from cxlib.privacy import cross_page

    found: dict[str, Any] = {}
    first = next(iter(whole.values())).page
    made = [(r.page.rows[1], r.answers) for r in whole.values()]
    internal = first.source.get("internal")
    older = (
        [] if internal else cross_run.older(first.study, dependencies.of_tables(first.data), made)
    )
    for lang in dict.fromkeys(r.page.lang for r in whole.values()):
        titles = {r.page.base: r.page.title for r in whole.values() if r.page.lang == lang}
        shown = {
            n: replace(
                _shown_by(r),
                title=titles.get(r.page.base, r.page.title),
                people=people.of.get(n, {}),
            )
            for n, r in whole.items()
        }
        away = cross_page.exposures(shown, older)
        found |= {n: a for n, a in away.items() if whole[n].page.lang == lang}
    return found


def _complements_shown(whole: Mapping[str, Result]) -> dict[str, Any]:
    """The pages that show a group which another hides for the sake of a small one."""
    from cxlib.privacy import attack

    return attack.complements_shown({name: _shown_by(r) for name, r in whole.items()})


def _shown_by(result: Result) -> Shown:
    """What a page shows, and of which rows."""
    from cxlib.batch import cross_run
    from cxlib.privacy.cross_page import Shown

    values = dict(result.page.values)
    wave, where = (str(values.get(k) or "") for k in ("WAVE", "WHERE"))
    tables = cross_run.tables_needed(result.page.base)
    return Shown(result.answers, wave, where, result.page.title, tables)


def bind_again(folder: Path) -> int:
    """Make the pages and indexes of a run anew from its notebooks and its record; how many pages.

    Raises ValueError for a folder that is no run, or whose notebooks are gone, Withheld where small
    groups could be worked out from it: then nothing is changed.
    """
    nbformat = processes.import_nbformat()
    try:
        run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        jobs = [p["job"] | {"folder": str(folder)} for p in run["pages"]]
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{folder} is not a run of `cx run`: no whole run.json in it.") from error
    pages = zip(jobs, run["pages"], strict=True)
    made = [(job, p["mistake"]) for job, p in pages if p["status"] != "not run"]
    from cxlib.batch import cross_run

    internal = run["about"].get("internal")
    found = [] if internal else cross_run.leaks_of(folder, run, _read(folder / "answers.json"))
    if found:
        raise cross_run.withheld(folder, found)
    for job, mistake in made:
        kept = folder / f"{job['page']}.ipynb"
        if not kept.exists():
            raise ValueError(f"{kept} is gone; run it again with `cx run {run['study']}`.")
        with context.use(Context(**job["rules"])):
            execute.write(job, nbformat.read(kept, as_version=4), mistake)
    _index(folder, run, top_of(folder, 1), keep=False)
    return len(made)


def _index(folder: Path, run: dict[str, Any], top: Path | None, *, keep: bool) -> None:
    """run.json, and the indexes and dictionaries, in each language of the run."""
    from cxlib.report import indexes

    up = os.path.relpath(top, folder).replace(os.sep, "/") if top else ""
    answers, before = _read(folder / "answers.json"), _run_before(folder, run)
    run["says"] = {}
    for lang in indexes.languages([run]):
        mine = indexes.in_language(run, lang)
        rules = mine["pages"][0]["job"]["rules"] if mine["pages"] else {"lang": lang}
        with context.use(Context(**rules)):
            run["says"][lang] = indexes.says(mine, answers)
            execute.put(folder / mine["index"], indexes.of_run(run, up, lang, answers, before))
            execute.put(folder / mine["glossary"], indexes.glossary(lang, mine["index"]))
            for name, (made_of, make) in _beside(mine, answers).items():
                of = digest([made_of, lang, language(lang), rules])
                content = cache.beside(run["study"], name, of, make) if keep else make()
                execute.put(folder / name, content)
    execute.put(folder / "run.json", _json(run))
    if top:
        for file, html in indexes.of_all(top, run["lang"]).items():
            execute.put(top / file, html)


def _beside(
    run: Mapping[str, Any], answers: dict[str, Any]
) -> dict[str, tuple[object, Callable[[], bytes]]]:
    """The dictionary and the workbook of a run in one language: what they are made of, and how."""

    def dictionary() -> bytes:
        from cxlib.report import indexes

        return indexes.dictionary(run["lang"], run["index"], asked).encode("utf-8")

    def tables() -> bytes:
        from cxlib.report import workbook

        return workbook.of_run(run, answers)

    asked = run["about"].get("questions", [])
    kept = [(p["page"], p["title"], list(answers.get(p["page"], {}).items())) for p in run["pages"]]
    return {run["dictionary"]: ([run["index"], asked], dictionary), run["tables"]: (kept, tables)}


def _read(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _run_before(folder: Path, run: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Record and answers of the last earlier run beside this one that has most of its pages."""
    from cxlib.report import history

    names = {p["page"] for p in run["pages"]}
    found = [
        (2 * len(names & {p["page"] for p in other["pages"]}) >= len(names), other["begun"], place)
        for place, other in history.of(folder.parent).items()
        if other["study"] == run["study"]
        and not other["about"]["internal"]
        and "" < other.get("begun", "") < run["begun"]
        and place.resolve() != folder.resolve()
    ]
    if not found:
        return None
    *_, place = max(found)
    return _read(place / "run.json"), _read(place / "answers.json")


def files_of_run(folder: Path) -> set[Path]:
    """The pages, lists, indexes and tables of the run in a folder, as its record names them."""
    from cxlib.report import indexes

    run = _read(folder / "run.json")
    if not {"pages", "study", "about", "lang"} <= set(run):
        return set()
    names = {
        mine[key]
        for mine in (indexes.in_language(run, lang) for lang in indexes.languages([run]))
        for key in ("index", "dictionary", "glossary", "tables")
    }
    pages = {file for p in run["pages"] for file in execute.files_of(folder, p["page"])}
    return pages | {folder / name for name in names}


def _by_line(answers: Mapping[str, Mapping[str, object]]) -> str:
    """answers.json: a line for each record, which is read well and written four times as fast."""

    def listed(of: Mapping[str, Any], write: Callable[[Any], str]) -> str:
        return "{\n" + ",\n".join(f"{json.dumps(k)}: {write(v)}" for k, v in of.items()) + "\n}"

    of_page = partial(listed, write=partial(json.dumps, ensure_ascii=False))
    return listed(answers, of_page) + "\n"


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def top_of(folder: Path, folders: int) -> Path | None:
    """Where the index that joins studies lies: reports/, or above several folders."""
    reports = study.root() / "reports"
    if reports.resolve() in folder.resolve().parents:
        return reports
    return folder.parent if folders > 1 else None


def _run_of(results: Sequence[Result], begun: datetime, jobs: int, engine: str) -> dict[str, Any]:
    first = results[0]
    pages = [_page_of(r) for r in results]
    return {
        "run": first.folder.name,
        "study": first.page.study,
        "about": dict(first.page.source),
        "lang": first.page.lang,
        "begun": begun.isoformat(timespec="seconds"),
        "seconds": round((datetime.now(UTC) - begun).total_seconds(), 1),
        "jobs": jobs,
        "engine": engine,
        "data": dependencies.of_tables(first.page.data),
        "code": code(),
        "wording": _wording(first.page.study),
        "seeds": sorted({r.page.values["SEED"] for r in results if "SEED" in r.page.values}),
        "cxlib": __version__,
        "hidden": [
            *_without_pages(results),
            *({"page": p["page"], **cell} for p in pages for cell in p["hidden"]),
        ],
        "masked": _total(p["masked"] for p in pages),
        "warnings": [
            *({"page": "", "said": said} for said in _unread(first.page.study)),
            *({"page": p["page"], "said": w} for p in pages for w in p["warnings"]),
        ],
        "environment": {
            "python": platform.python_version(),
            "system": platform.platform(terse=True),
            "fingerprint": digest(packages()),
            "packages": packages(),
        },
        "pages": pages,
    }


def _unread(name: str) -> list[str]:
    """The files of the study that could not be looked at, so that their old rows were used."""
    from cxlib import reserve

    return reserve.unread(study.read(name))


def _total(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Of each kind, how many over all pages."""
    return dict(sum((Counter(c) for c in counts), Counter()))


def _portable(job: dict[str, Any]) -> dict[str, Any]:
    """The job without the folders of this machine."""
    here = ("folder", "values", "notebook", "memory", "root", "others")
    rules = {k: v for k, v in job["rules"].items() if k not in ("mask", "published")}
    return {k: v for k, v in job.items() if k not in here} | {"rules": rules}


def _page_of(result: Result) -> dict[str, Any]:
    page = result.page
    return {
        "name": page.name,
        "page": page.name,
        "study": page.study,
        "title": page.title,
        "set": page.set_name,
        "lang": page.lang,
        "suffix": page.suffix,
        "status": result.status,
        "answer": result.answer,
        "notebook": page.notebook.name,
        "notebook_sha256": notebook(page.notebook),
        "parameters": masked_of(page, dict(page.values)),
        "parameters_sha256": digest(dict(page.values)),
        "seed": page.values.get("SEED"),
        "key": cache.parts(page),
        "reused": result.reused,
        "why": result.why,
        "answers": "answers.json",
        "seconds": round(result.seconds, 2),
        "memory_mb": result.memory_mb,
        "read": list(result.read),
        "cost": result.cost,
        "cells": list(result.cells),
        "mistake": list(result.mistake) if result.mistake else None,
        "lacking": list(page.lacking),
        **_audit(result),
        "job": _portable(result.job),
    }


def _audit(result: Result) -> dict[str, Any]:
    """What the page hid, masked and warned of, as its notebook tells."""
    from cxlib import report

    try:
        kept = json.loads(result.file.with_suffix(".ipynb").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        kept = {"metadata": {}}
    return report.audit_of(kept)


def _without_pages(results: Sequence[Result]) -> list[dict[str, str]]:
    """The values that `--by` gave no page, and why."""
    least = results[0].page.rules["smallest_cell"]
    reason = f"fewer than {least} customers, or from the other pages such a value could be found"
    cells = dict.fromkeys(cell for r in results for cell in r.page.left_out)
    return [{"page": "", "answer": "", "cell": cell, "reason": reason} for cell in cells]


def _wording(study_name: str) -> str:
    """Fingerprint of what was asked: the words, scales and codes of every question."""
    items = study.read(study_name).items
    return digest({name: item.model_dump(mode="json") for name, item in items.items()})
