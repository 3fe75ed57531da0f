"""Never twice: a page is made again when what it is made from changed, and only then."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import replace

import nbformat
import pytest
from click.testing import CliRunner
from test_batch import project, write  # noqa: F401  (project is a fixture)

from cxlib import batch, cli
from cxlib.batch import cache, fingerprints, head_start, processes
from cxlib.batch.progress import Progress
from cxlib.core import parameters
from cxlib.report import workbook

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("project"),
]
NAMES = ["10", "20", "30"]


def made(pages, out, **how):
    said = io.StringIO()
    results = batch.run(pages, out=out, progress=Progress(len(pages), said), **how)
    return {r.page.notebook.stem[:2]: r for r in results}, said.getvalue()


def files(folder) -> dict[str, bytes]:
    """The pages as they are, but for the way to the next one, which is another in a shorter run."""
    way = re.compile(rb'<a rel="(?:next|prev)".*?</a>')
    return {f.name: way.sub(b"", f.read_bytes()) for f in folder.glob("[1-9]*")}


@pytest.fixture(scope="module")
def runs(project):  # noqa: F811
    """Three pages made, two of them asked for again, and all forced."""
    pages = batch.plan(["tiny"], NAMES)
    first = made(pages, project / "first")
    second = made([pages[0], pages[2]], project / "second")
    forced = made(pages, project / "forced", force=True)
    return project, first, second, forced


def test_what_did_not_change_is_copied_whole(runs) -> None:
    project, _, (again, said), _ = runs  # noqa: F811
    assert again["10"].reused and again["30"].reused
    assert "tiny/10_works: up to date" in said
    assert again["10"].answer == "Mean 5.5000, n 60."
    first, second = files(project / "first"), files(project / "second")
    assert second and all(first[name] == second[name] for name in second)
    assert (project / "second" / "index.html").exists()


def test_a_page_that_failed_is_made_again_and_says_why(runs) -> None:
    assert why(names=("20",)) == "it failed last time"


def test_forced_pages_have_the_same_bytes(runs) -> None:
    project, _, _, (forced, said) = runs  # noqa: F811
    assert not any(r.reused for r in forced.values()) and "(forced)" in said
    assert files(project / "first") == files(project / "forced")


def test_the_record_names_what_each_page_was_made_from(runs) -> None:
    project, *_ = runs  # noqa: F811
    run = json.loads((project / "second" / "run.json").read_text(encoding="utf-8"))
    first = run["pages"][0]
    assert set(first["key"]) == set(cache.PARTS)
    assert (first["name"], first["study"], first["status"]) == ("10_works", "tiny", "ok")
    assert first["reused"] and first["answers"] == "answers.json"


def test_other_pages_beside_it_need_no_new_run(runs) -> None:
    project, *_ = runs  # noqa: F811
    alone, _ = made(batch.plan(["tiny"], ["10"]), project / "alone")
    assert alone["10"].reused and alone["10"].file.exists()


def test_nothing_stale_takes_no_time_and_no_process(runs, monkeypatch) -> None:
    project, *_ = runs  # noqa: F811
    monkeypatch.setattr(processes, "run", None)
    pages = batch.plan(["tiny"], ["10", "30"])
    many = [replace(p, values=dict(p.values)) for p in pages]
    began = time.process_time()
    made(many, project / "quick")
    assert time.process_time() - began < 0.5


def why(given=None, names=("10",)) -> str:
    [page] = batch.plan(["tiny"], names, given)
    return cache.look(page)[1]


def test_why_names_the_parameters_that_changed(runs) -> None:
    assert why({"DRAWS": "200"}) == "parameters changed: DRAWS"
    assert why({"DRAWS": "200", "LANG": "zh"}) == "parameters changed: DRAWS; language changed"


def test_a_changed_notebook_is_seen_and_its_outputs_are_not(runs) -> None:
    project, *_ = runs  # noqa: F811
    file = project / "notebooks" / "10_works.ipynb"
    before = file.read_bytes()
    try:
        content = nbformat.read(file, as_version=4)
        content.cells[-1].outputs = [nbformat.v4.new_output("stream", text="old")]
        content.cells[-1].execution_count = 9
        nbformat.write(content, file)
        assert why() == ""
        content.cells[-1].metadata["tags"] = ["remove-input"]
        nbformat.write(content, file)
        assert why() == "notebook changed"
    finally:
        file.write_bytes(before)
        parameters.read.cache_clear()


def test_changed_answers_are_named_by_their_table(runs) -> None:
    project, *_ = runs  # noqa: F811
    file = project / "data" / "tiny" / "answers.csv"
    before = file.read_bytes()
    try:
        file.write_bytes(before + b"r99,w1,web,3\n")
        assert why() == "data changed: responses"
    finally:
        file.write_bytes(before)
    assert why() == ""


@pytest.mark.parametrize("part", ["code", "environment"])
def test_other_code_or_libraries_are_seen(runs, part, monkeypatch) -> None:
    other = {**cache.parts_of_machine(), part: "other"}
    monkeypatch.setattr(cache, "parts_of_machine", lambda: other)
    if part == "code":
        monkeypatch.setattr(fingerprints, "code_of", lambda _notebook: "other")
    assert why() == f"{part} changed"


def test_a_kept_page_that_was_touched_is_not_given(runs) -> None:
    [page] = batch.plan(["tiny"], ["10"])
    found, _ = cache.look(page)
    kept = found.folder / "10_works.html"
    before = kept.read_bytes()
    try:
        kept.chmod(0o644)
        kept.write_bytes(before[:-20])
        assert cache.look(page) == (None, "the page that was kept is not as it was")
    finally:
        kept.write_bytes(before)


def test_the_latest_entries_of_a_page_are_kept_and_nothing_half_made(runs) -> None:
    project, found, *_ = runs  # noqa: F811
    place = project / "reports" / "tiny" / ".pages" / "10_works"
    [entry] = place.iterdir()
    for i in range(12):
        shutil.copytree(entry, place / f"old{i:02}")
        os.utime(place / f"old{i:02}", (i, i))
    (place / ".part-of-a-run-that-was-killed").mkdir()
    about = {"status": "failed", "answers": {}, "cells": []}
    [page] = batch.plan(["tiny"], ["10"])
    other = replace(page, values={**page.values, "SEED": 98})
    cache.keep(other, found[0]["10"].job, about)
    kept = {p.name for p in place.iterdir()}
    assert len(kept) == cache.MOST and entry.name in kept and not any(n[0] == "." for n in kept)
    for old in kept - {entry.name}:
        shutil.rmtree(place / old)


def test_a_page_that_another_run_keeps_is_kept_by_that(runs, monkeypatch) -> None:
    project, found, *_ = runs  # noqa: F811
    [page] = batch.plan(["tiny"], ["10"])
    monkeypatch.setattr(cache, "WAIT", 0)
    place = project / "reports" / "tiny" / ".pages" / "10_works"
    with (
        cache.files.held(place / ".lock", busy=RuntimeError),
        pytest.raises(OSError, match=r"another run keeps it at the moment \(process \d+ since"),
    ):
        cache.keep(page, found[0]["10"].job, {"status": "failed", "answers": {}})


def test_packages_are_those_installed() -> None:
    from importlib import metadata

    found = fingerprints.packages()
    assert found["pandas"] == metadata.version("pandas") and len(found) > 50


def test_a_run_says_what_it_reuses(runs, tmp_path) -> None:
    done = CliRunner().invoke(cli.main, ["run", "tiny", "10", "30", "-o", str(tmp_path / "out")])
    assert "2 of 2 pages are up to date" in done.output
    assert "10_works   up to date" in done.output


def test_a_run_with_nothing_to_make_starts_no_fork_server(runs, tmp_path, monkeypatch) -> None:
    project, *_ = runs  # noqa: F811
    started = []
    monkeypatch.setattr(processes, "start", lambda: started.append(1))
    (project / "reports" / head_start.NOTED).unlink(missing_ok=True)
    for expected in (1, 0):
        started.clear()
        done = CliRunner().invoke(cli.main, ["run", "tiny", "10", "30", "-o", str(tmp_path)])
        assert "2 of 2 pages are up to date" in done.output and len(started) == expected
    os.utime(project / "data" / "tiny" / "answers.csv")
    CliRunner().invoke(cli.main, ["run", "tiny", "10", "30", "-o", str(tmp_path)])
    assert started == [1]


def test_tables_of_the_same_answers_are_written_once(runs, tmp_path, monkeypatch) -> None:
    project, *_ = runs  # noqa: F811
    place = project / "reports" / "tiny" / ".pages" / ".tables.xlsx"
    pages = batch.plan(["tiny"], ["10", "30"])
    made(pages, tmp_path / "one")
    kept = sorted(place.iterdir())
    whole = (tmp_path / "one" / "tables.xlsx").read_bytes()
    assert whole in [file.read_bytes() for file in kept]
    monkeypatch.setattr(workbook, "of_run", lambda *_: b"made again")
    made(pages, tmp_path / "two")
    assert (tmp_path / "two" / "tables.xlsx").read_bytes() == whole
    for file in kept:
        file.write_bytes(b"touched")
    made(pages, tmp_path / "three")
    assert (tmp_path / "three" / "tables.xlsx").read_bytes() == b"made again"
    shutil.rmtree(place)


def test_lists_of_customers_are_kept_and_given_for_their_owner_alone(runs, tmp_path) -> None:
    [page] = batch.plan(["tiny"], ["10"])
    found, _ = cache.look(page)
    job = {**runs[1][0]["10"].job, "folder": str(tmp_path / "from")}
    found.give(job)
    (tmp_path / "from" / "10_works.at_risk.csv").write_text("c1\n")
    (tmp_path / "from" / "10_works.web.note.csv").write_text("of another page")
    other = replace(page, values={**page.values, "SEED": 99})
    cache.keep(other, job, {"status": "ok", "answers": {}, "cells": []})
    cache.look(other)[0].give({**job, "folder": str(tmp_path / "to")})
    given = sorted(f.name for f in (tmp_path / "to").iterdir())
    assert given == ["10_works.at_risk.csv", "10_works.html", "10_works.ipynb"]
    assert (tmp_path / "to" / "10_works.at_risk.csv").stat().st_mode & 0o777 == 0o600


def test_a_kept_list_does_not_go_where_git_would_take_it(runs, tmp_path) -> None:
    """`cx run -o DIR` writes no list into DIR, whether its page is made there or was kept."""
    if shutil.which("git") is None:
        pytest.skip("Git is not installed")
    project, _first, _second, _forced = runs  # noqa: F811
    lists = (
        "import pandas as pd; from cxlib import report; "
        "report.list_to_file('at_risk', pd.DataFrame({'customer_id': ['c1']}))"
    )
    write(project / "notebooks", "55_lists", lists)
    pages, versioned = batch.plan(["tiny"], ["55"]), tmp_path / "reports"
    try:
        plain = made(pages, tmp_path / "plain")[0]["55"]
        assert plain.status == "ok" and (tmp_path / "plain" / "55_lists.at_risk.csv").is_file()
        assert made(pages, tmp_path / "again")[0]["55"].reused
        subprocess.run(["git", "init", "-q", str(versioned)], check=True)
        refused, said = made(pages, versioned)
        assert refused["55"].status == "failed" and "under version control" in said
        assert not list(versioned.glob("*.csv"))
        (versioned / ".gitignore").write_text("*.csv\n")
        allowed = made(pages, versioned)[0]["55"]
        assert allowed.status == "ok" and (versioned / "55_lists.at_risk.csv").is_file()
    finally:
        (project / "notebooks" / "55_lists.ipynb").unlink()


def test_a_font_that_was_installed_makes_its_pages_again(runs, monkeypatch) -> None:
    [page] = batch.plan(["tiny"], ["10"])
    assert cache.look(page)[0] is not None
    found = {**cache.parts_of_machine(), "fonts": "other"}
    monkeypatch.setattr(cache, "parts_of_machine", lambda: found)
    assert cache.look(page) == (None, "fonts changed")


@pytest.mark.slow
def test_figures_with_boxes_are_warned_of_now_and_when_they_are_up_to_date(runs) -> None:
    project, *_ = runs  # noqa: F811
    write(
        project / "notebooks",
        "70_boxes",
        "from matplotlib import pyplot as plt\nplt.title('\\U0001f9ff \\ua4d0')\nplt.show()",
    )
    for number in range(2):
        said = io.StringIO()
        [result] = batch.run(
            batch.plan(["tiny"], ["70"]), out=project / f"boxes{number}", progress=Progress(1, said)
        )
        assert result.status == "ok" and result.reused == bool(number)
        assert "figures show boxes instead of letters in tiny/70_boxes" in said.getvalue()


@pytest.mark.parametrize(
    ("file", "again"),
    [("cli/run.py", False), ("batch/record.py", False), ("scores/nps.py", False),
     ("report/pages.py", True), ("stats/pvalues.py", True), ("batch/execute.py", True)],
)  # fmt: skip
def test_a_page_is_made_again_for_the_code_that_its_notebook_imports(
    runs, tmp_path, monkeypatch, file, again
) -> None:
    copy = tmp_path / "cxlib"
    shutil.copytree(fingerprints.ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / file).parent.mkdir(exist_ok=True)
    with open(copy / file, "a") as code:
        code.write("# a comment\n")
    [page] = batch.plan(["tiny"], ["10"])
    before = fingerprints.code_of(page.notebook)
    monkeypatch.setattr(fingerprints, "ROOT", copy)
    fingerprints._parts.cache_clear()
    fingerprints._code_of.cache_clear()
    try:
        assert (fingerprints.code_of(page.notebook) != before) == again
    finally:
        fingerprints._parts.cache_clear()
        fingerprints._code_of.cache_clear()


def test_a_changed_row_makes_the_pages_of_its_table_alone_again(runs) -> None:
    project, *_ = runs  # noqa: F811
    write(project / "notebooks", "13_reads", "from cxlib import reserve",
          "study = reserve.open(STUDY)\nprint(len(study.read('responses')))")  # fmt: skip
    write(project / "notebooks", "14_does_not", "print(1)")
    pages = batch.plan(["tiny"], ["13", "14"])
    first, _ = made(pages, project / "tables")
    assert {n: r.status for n, r in first.items()} == {"13": "ok", "14": "ok"}
    assert "responses" in first["13"].read and "responses" not in first["14"].read
    file = project / "data" / "tiny" / "answers.csv"
    before = file.read_bytes()
    try:
        file.write_bytes(before.replace(b"r3,w2,shop,4", b"r3,w2,shop,5"))
        assert file.read_bytes() != before
        now, _ = made(batch.plan(["tiny"], ["13", "14"]), project / "tables-2")
        assert now["13"].why == "data changed: responses" and now["14"].reused
        again, _ = made(batch.plan(["tiny"], ["13", "14"]), project / "tables-3")
        assert again["13"].reused and again["14"].reused
    finally:
        file.write_bytes(before)


def test_a_page_that_is_up_to_date_takes_no_room_of_its_own(runs) -> None:
    project, *_ = runs  # noqa: F811
    pages = batch.plan(["tiny"], ["10"])
    made(pages, project / "one")
    again, _ = made(pages, project / "two")
    assert again["10"].file.samefile(project / "one" / again["10"].file.name)
    assert not again["10"].file.stat().st_mode & 0o222 or os.name == "nt"


def test_a_dry_run_says_what_pages_read_and_what_that_cost(runs, monkeypatch) -> None:
    project, *_ = runs  # noqa: F811
    run = json.loads((project / "first" / "run.json").read_text(encoding="utf-8"))
    page = run["pages"][0]
    assert page["cost"]["queries"] > 0 and page["cost"]["rows"] >= 60
    assert "responses" in page["read"]
    monkeypatch.setattr(processes, "run", None)
    said = CliRunner().invoke(cli.main, ["run", "tiny", "10", "--dry-run"]).output
    cost = f"{page['cost']['queries']} queries brought {page['cost']['rows']} rows"
    assert "responses (60 rows, " in said and f"when it was made last, {cost}" in said
    # what a page read until it failed is not what it costs
    failed = cache.Kept(project, {"status": "failed", "cost": {"queries": 1, "rows": 1}})
    entries = cache._entries
    monkeypatch.setattr(cache, "_entries", lambda place: [failed, *entries(place)])
    said = CliRunner().invoke(cli.main, ["run", "tiny", "10", "--dry-run", "--force"]).output
    assert f"when it was made last, {cost}" in said
    monkeypatch.setattr(cache, "_entries", lambda _place: [])
    said = CliRunner().invoke(cli.main, ["run", "tiny", "10", "--dry-run"]).output
    assert "not made before, so that its queries are not known" in said


def test_why_pages_would_be_made_is_said_without_making_them(runs, monkeypatch) -> None:
    monkeypatch.setattr(processes, "run", None)
    said = CliRunner().invoke(cli.main, ["run", "tiny", "10", "20", "--why"]).output
    assert said == "tiny/10_works: up to date\ntiny/20_breaks: it failed last time\n"
    said = CliRunner().invoke(cli.main, ["run", "tiny", "10", "--why", "-p", "DRAWS=200"]).output
    assert said == "tiny/10_works: parameters changed: DRAWS\n"


def test_runs_beyond_those_that_the_study_keeps_are_removed(runs, capsys) -> None:
    project, *_ = runs  # noqa: F811
    file = project / "data" / "tiny" / "study.yaml"
    before = file.read_text()
    file.write_text(before + "reporting: {keep_runs: 2}\n")
    try:
        for _ in range(3):
            _, said = made(batch.plan(["tiny"], ["30"]), "")
        assert "keep_runs is 2" in said
        assert len(list((project / "reports" / "tiny").glob("[!.]*"))) == 2
    finally:
        file.write_text(before)
