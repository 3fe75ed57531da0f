"""Every notebook is run as `cx run` runs it, and what it kept is read."""

from __future__ import annotations

import io
import os
import pickle
import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import nbformat
import pytest

from cxlib import batch
from cxlib.batch.progress import Progress
from cxlib.core import parameters

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
SMALL = {"DRAWS": 100, "STABILITY": 10, "REPEATS": 1}
OTHER = {  # a value that must change something, for parameters of which any other will not do
    "WAVE": "",
    "WHERE": "region = 'north'",
    "BY": "plan",
    "DRAWS": 150,
    "SEED": 2,
    "GROUPS": 3,
    "PARTS": ["channel"],
    "CAPACITY": 40,
    "SPLIT": "2026-01-01",
    "KIND": "ordered",
    "TODAY": "2026-12-31",
    "LEVEL": "category",
    "MIX": ["plan"],
    "RATE": 0.3,
    "QUANTILE": 0.95,
    "DAYS": 45,
    "CHANNEL": "email",
    "LISTED": 1,
    "TREATED": ["hotel 12"],
    "UNIT": "Centre 1",
}
COMMON = {"WAVE", "WHERE", "BY", "DRAWS", "SEED"}  # parameters of many notebooks
USUAL = "00 10 12 20 22 41"  # pages that `make test` makes; nbval runs all of them
MOST_WORDS = 25  # of a claim in English
ids = {"ids": lambda path: path.stem}


def some(usual: str) -> list:
    """Every notebook; those that are not among the usual ones are for `make test-all`."""
    rest = pytest.mark.thorough
    return [pytest.param(n, marks=() if n.stem[:2] in usual.split() else rest) for n in NOTEBOOKS]


def small(notebook: Path, **given) -> dict:
    known = parameters.read(notebook)
    return {k: v for k, v in {**SMALL, **given}.items() if k in known}


@cache
def made(study: str = "sample", only: str = "", **given) -> dict[str, batch.Result]:
    """All notebooks of a study, made once for all tests; those of the browser open them too.

    `only` names some of them, by their numbers.
    """
    some = [n for n in NOTEBOOKS if not only or n.stem[:2] in only.split()]
    wanted = [(n, small(n, **given)) for n in some]
    return once("-".join([study, only, *map(str, given.values())]), lambda: run_all(wanted, study))


def page(notebook: Path) -> batch.Result:
    """A page of the sample, of the usual ones or of all."""
    return made(only=USUAL if notebook.stem[:2] in USUAL.split() else "")[notebook.stem]


def once(name: str, make: Callable[[], dict]) -> dict:
    """What the first of pytest's workers made, for the others too; without workers it is made."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID")
    if not run or os.name == "nt":  # no locks of files there
        return make()
    import fcntl

    folder = Path(tempfile.gettempdir()) / f"cxtests-{run}"
    folder.mkdir(exist_ok=True)
    with open(folder / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept = folder / f"{name}.pickle"
        if not kept.exists():
            kept.write_bytes(pickle.dumps(make()))
        return pickle.loads(kept.read_bytes())


def run_all(wanted: list[tuple[Path, dict]], study: str) -> dict[str, batch.Result]:
    pages = [p for n, values in wanted for p in batch.plan([study], [n.stem], values)]
    out = Path(tempfile.mkdtemp(prefix="cxpages")) / "run-of-the-tests"  # with no run beside it
    results = batch.run(pages, out=out, progress=Progress(len(pages), io.StringIO()), keep=False)
    return {r.page.notebook.stem: r for r in results}


@pytest.mark.parametrize("notebook", some(USUAL), **ids)
def test_it_runs_on_the_sample_and_keeps_an_answer_with_numbers(notebook: Path) -> None:
    result = page(notebook)
    assert result.status == "ok", result.mistake
    told = [record["finding"] for record in result.answers.values() if record["finding"]]
    assert any(re.search(r"\d", f"{f['claim']} {f.get('detail', '')}") for f in told)
    assert [f["claim"] for f in told if len(f["claim"].split()) > MOST_WORDS] == []
    for record in result.answers.values():
        assert record["table"]["rows"], record["name"]


@pytest.mark.parametrize("notebook", some(USUAL), **ids)
def test_every_figure_has_words_and_the_page_is_light(notebook: Path) -> None:
    html = page(notebook).file.read_text(encoding="utf-8")
    alts = re.findall(r'<svg[^>]* role="img" aria-label="([^"]*)"', html)
    alts += re.findall(r'<img alt="([^"]*)"', html)
    assert alts and all(len(a) > 20 for a in alts)
    assert len(html) < 1_000_000


def figures(result: batch.Result) -> list[str]:
    return re.findall(r"<svg.*?</svg>", result.file.read_text(encoding="utf-8"), re.S)


def mutations() -> list[tuple[Path, str]]:
    """Each parameter of each notebook; LANG has a test of its own, in test_languages."""
    having = [(n, name) for n in NOTEBOOKS for name in parameters.read(n)]
    return sorted((n, name) for n, name in having if name not in {"STUDY", "LANG"})


def first_of_common() -> set[tuple[Path, str]]:
    """Each common parameter in the first usual notebook that has it: what `make test` tries."""
    usual = [(n, name) for n, name in mutations() if n.stem[:2] in USUAL.split() and name in COMMON]
    return set({name: (n, name) for n, name in reversed(usual)}.values())


@cache
def mutated(thorough: bool) -> dict[tuple[str, str], batch.Result]:
    """Those notebooks once for every parameter, with another value; all in one batch."""
    from cxlib import reserve

    with reserve.open("sample") as store:
        wave, items = store.waves()[-2], list(store.study.items)
        drivers = list(store.study.default_drivers)
        first = store.study.default_outcome
    chosen = {
        **OTHER,
        "WAVE": wave,
        "DRIVERS": drivers[:-1],
        "OUTCOME": next(i for i in items if i != first and i not in drivers),
    }
    pages, keys = [], []
    for notebook, name in mutations():
        if ((notebook, name) in first_of_common()) == thorough:
            continue
        value = (
            chosen[name] if name in chosen else another(parameters.read(notebook)[name], notebook)
        )
        given = {**small(notebook), name: value}
        [planned] = batch.plan(["sample"], [notebook.stem], given)
        pages.append(_named(planned, name))
        keys.append((notebook.stem, name))
    out = tempfile.mkdtemp(prefix="cxmutated")
    progress = Progress(len(pages), io.StringIO())
    results = batch.run(pages, out=out, progress=progress, keep=False, html=False)
    return dict(zip(keys, results, strict=True))


def _named(planned: batch.Page, name: str) -> batch.Page:
    from dataclasses import replace

    return replace(planned, name=f"{planned.name}.{name}")


def another(parameter: parameters.Parameter, notebook: Path) -> object:
    used = small(notebook).get(parameter.name, parameter.default)
    if isinstance(used, bool):
        return not used
    if parameter.choices:
        return next(c for c in parameter.choices if c != used)
    if parameter.low is not None:
        if used + 1 <= parameter.high:
            return used + 1
        return used - 1 if used - 1 >= parameter.low else (used + parameter.low) / 2
    raise AssertionError(f"{parameter.name} needs a value in OTHER")


@pytest.mark.parametrize(
    ("notebook", "name"),
    [
        pytest.param(*m, marks=() if m in first_of_common() else pytest.mark.thorough)
        for m in mutations()
    ],
    ids=lambda v: getattr(v, "stem", v),
)
def test_every_parameter_changes_something_that_is_kept(notebook: Path, name: str) -> None:
    result = mutated((notebook, name) not in first_of_common())[notebook.stem, name]
    assert result.status == "ok", result.mistake
    assert result.answers != page(notebook).answers


def test_notebooks_made_without_pages_keep_the_same_answers() -> None:
    planned = batch.plan(["sample"], ["10"], small(NOTEBOOKS[1]))
    progress = Progress(1, io.StringIO())
    [bare] = batch.run(planned, out=tempfile.mkdtemp(), progress=progress, keep=False, html=False)
    whole = page(planned[0].notebook)
    assert bare.answers == whole.answers and figures(whole)
    assert not bare.file.exists()
    kept = bare.file.with_suffix(".ipynb").read_text(encoding="utf-8")
    assert "nbval-check-output" in kept and "image/" not in kept


@pytest.mark.parametrize("study", ["mobile", "telco"])
def test_a_study_without_the_tables_says_so(study: str) -> None:
    if not (ROOT / "data" / study / "reserve.duckdb").exists() and not os.environ.get("CX_MIRROR"):
        pytest.skip(f"the data of {study} are public and not here; set CX_MIRROR or load them")
    name = {"mobile": "32", "telco": "20"}[study]
    pages = batch.plan([study], [name])
    assert pages[0].lacking
    [result] = batch.run(
        pages, out=tempfile.mkdtemp(), progress=Progress(1, io.StringIO()), keep=False
    )
    assert result.status == "skipped"


@pytest.mark.parametrize("notebook", NOTEBOOKS, **ids)
def test_it_is_a_page_and_defines_nothing(notebook: Path) -> None:
    read = nbformat.read(notebook, as_version=4)
    sources = [c.source for c in read.cells if c.cell_type == "code"]
    assert not re.search(r"^\s*(def|class) ", "\n".join(sources), re.M)
    assert read.cells[0].source.startswith("# ")
    assert any("nbval-check-output" in c.metadata.get("tags", []) for c in read.cells)
    assert "cxlib" in read.metadata and read.metadata["cxlib"]["title"].keys() == {"en", "zh"}


@pytest.mark.thorough
@pytest.mark.parametrize("by", ["region", "wave", "channel", "age_group", "plan"])
def test_the_pages_of_every_group_run(by: str) -> None:
    """Every page keeps its answers; those of one group are drawn and bound as well."""
    pages = batch.plan(["sample"], ["10", "20", "21"], {"DRAWS": SMALL["DRAWS"]}, by=by)
    results = []
    for html in (True, False):
        some = [p for p in pages if (p.set_name == pages[-1].set_name) == html]
        out = Path(tempfile.mkdtemp(prefix="cxpages")) / "run-of-the-tests"
        progress = Progress(len(some), io.StringIO())
        results += batch.run(some, out=out, progress=progress, keep=False, html=html)
    assert len(results) == len(pages) > 3
    assert not {r.page.name: r.mistake for r in results if r.status != "ok"}
