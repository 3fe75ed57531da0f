"""Warnings a study has known: by state of the data, once each, the same bytes, from many processes;
and pages that read what others kept: after them, again when that changes, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from cxlib import batch, report
from cxlib.batch import dependencies
from cxlib.batch.progress import Progress
from cxlib.data import study
from cxlib.reserve import ReserveError, alerts

STUDY = """
title: Small
source: made here
licence: MIT
tables: {orders: {files: o.csv, columns: {order_id: o, customer_id: c, at: d}}}
"""
OLD, NEW = {"responses": "1", "actions": "1"}, {"responses": "2", "actions": "1"}


def records(*terms: str, wave: str = "2026-Q1", first: str = "") -> dict:
    rows = [["mean", "", "", t, "below", wave, first or wave] for t in terms]
    return {"columns": [*alerts.KEY, "wave", "first_seen"], "rows": rows}


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    """A project of its own with a study of two orders, so that nothing of the tree is touched."""
    (tmp_path / "data" / "sample").mkdir(parents=True)
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data" / "sample" / "study.yaml").write_text(STUDY, encoding="utf-8")
    (tmp_path / "data" / "sample" / "o.csv").write_text("o,c,d\n1,a,2026-01-01\n2,b,2026-01-02\n")
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    return tmp_path


def test_a_warning_is_known_in_later_data_not_in_the_data_that_raised_it(root):
    sample = study.read("sample")
    alerts.remember(sample, OLD, records("room"))
    assert alerts.known(sample, OLD).empty
    assert list(alerts.known(sample, NEW)["term"]) == ["room"]
    alerts.remember(sample, NEW, records("room", "app", wave="2026-Q2", first="2026-Q2"))
    assert alerts.known(sample, OLD).empty  # made again, it sees what it saw the first time
    later = alerts.known(sample, {"responses": "3"}).set_index("term")
    assert later.loc["room", ["first_seen", "last_seen"]].tolist() == ["2026-Q1", "2026-Q2"]
    assert later.loc["app", "first_seen"] == "2026-Q2"


def test_a_ledger_that_grew_is_no_new_state_of_the_data(root):
    sample = study.read("sample")
    alerts.remember(sample, OLD, records("room"))
    assert alerts.known(sample, OLD | {"actions": "2", "study.yaml": "x"}).empty


def test_the_same_warnings_touch_nothing_and_have_the_same_mark(root):
    sample, file = study.read("sample"), root / "data" / "sample" / "warnings.json"
    alerts.remember(sample, OLD, records("room"))
    before, mark = file.stat().st_mtime_ns, alerts.fingerprint(sample, NEW)
    alerts.remember(sample, OLD, records("room"))
    assert file.stat().st_mtime_ns == before and alerts.fingerprint(sample, NEW) == mark
    alerts.remember(sample, OLD, records("app"))
    assert alerts.fingerprint(sample, NEW) != mark and alerts.fingerprint(
        sample, OLD
    ) == alerts.fingerprint(sample, OLD)


WRITES = """
import sys
from cxlib.data import study
from cxlib.reserve import alerts
for k in range(int(sys.argv[1]), 8, 2):
    rows = [["mean", "", "", f"item {k}", "below", "2026-Q1", "2026-Q1"]]
    table = {"columns": [*alerts.KEY, "wave", "first_seen"], "rows": rows}
    alerts.remember(study.read("sample"), {"responses": f"{k:02}"}, table)
"""


@pytest.mark.slow
def test_two_processes_lose_no_warning(root):
    both = [subprocess.Popen([sys.executable, "-c", WRITES, str(k)]) for k in (0, 1)]
    assert [process.wait() for process in both] == [0, 0]
    assert len(alerts.known(study.read("sample"), NEW)) == 8


@pytest.mark.parametrize("content", ["{", "[1", "nothing"])
def test_a_file_that_cannot_be_read_is_told(root, content):
    (root / "data" / "sample" / "warnings.json").write_text(content)
    with pytest.raises(ReserveError, match="Delete it and run"):
        alerts.known(study.read("sample"), OLD)


def test_a_file_of_another_form_counts_as_none(root):
    (root / "data" / "sample" / "warnings.json").write_text('[{"page": {}, "warnings": []}]')
    assert alerts.known(study.read("sample"), OLD).empty


def test_columns_that_lack_are_told(root):
    with pytest.raises(ReserveError, match="no wave, first_seen"):
        table = {"columns": list(alerts.KEY), "rows": []}
        alerts.remember(study.read("sample"), OLD, table)


# Pages that read what others kept


SAYS = """
import pandas as pd
from cxlib import report
from cxlib.core.result import Result
STUDY: str = "sample"
LEVEL: int = 1
LANG: str = "en"
"""
FIRST = 'report.add("level", Result(pd.DataFrame({"term": ["a"], "estimate": [LEVEL]}), '
FIRST += 'f"Level {LEVEL}."))'
SECOND = """read = report.others(STUDY)
value = read["01"]["level"].table["estimate"].sum() if "01" in read else -1
report.add("seen", Result(pd.DataFrame({"term": ["a"], "estimate": [value]}),
                               f"Saw {value:g}."))
"""


def notebook(root: Path, name: str, *cells: str, **facts) -> None:
    imports, parameters = SAYS.split("STUDY", 1)
    made = nbformat.v4.new_notebook(
        metadata={
            "cxlib": {
                "needs": [],
                "title": {"en": name, "zh": name},
                **facts,
            }
        }
    )
    cell = nbformat.v4.new_code_cell
    made.cells = [
        nbformat.v4.new_markdown_cell(f"# {name}"),
        cell(imports.strip()),
        cell("STUDY" + parameters.rstrip(), metadata={"tags": ["parameters"]}),
        *map(cell, cells),
    ]
    nbformat.write(made, root / "notebooks" / f"{name}.ipynb")


def made(out: Path, *names: str, **given) -> dict[str, batch.Result]:
    pages = batch.plan(["sample"], names, given)
    quiet = Progress(len(pages), StringIO())
    results = batch.run(pages, out=out, progress=quiet)
    return {r.page.notebook.stem[:2]: r for r in results}


@pytest.fixture
def two(root) -> Path:
    notebook(root, "00_reads", SECOND, after=["01"])
    notebook(root, "01_says", FIRST)
    return root


@pytest.mark.slow
def test_a_page_reads_what_another_kept_and_is_stale_when_that_changes(two):
    first = made(two / "a", "00", "01")
    assert first["00"].answer == "Saw 1." and list(first) == ["00", "01"]
    again = made(two / "b", "00", "01")
    assert again["00"].reused and again["01"].reused
    other = made(two / "c", "00", "01", LEVEL=5)
    assert other["00"].answer == "Saw 5."
    alone = made(two / "d", "00")  # what was kept last: the run of level 5
    assert alone["00"].answer == "Saw 5."
    assert "others" not in json.loads((two / "d" / "run.json").read_text())["pages"][0]["job"]
    notebook(two, "01_says", FIRST.replace("[LEVEL]", "[LEVEL + 1]"))
    assert made(two / "e", "00", "01")["00"].answer == "Saw 2."


@pytest.mark.slow
def test_without_the_other_page_it_says_so_and_is_whole(two):
    assert made(two / "a", "00")["00"].answer == "Saw -1."


@pytest.mark.slow
def test_pages_come_after_those_they_read_and_a_circle_is_told(two):
    pages = batch.plan(["sample"], ["00", "01"])
    assert [[p.notebook.stem for p in group] for group in dependencies.waves(pages)] == [
        ["01_says"],
        ["00_reads"],
    ]
    notebook(two, "01_says", FIRST, after=["00"])
    with pytest.raises(ValueError, match="read each other"):
        list(dependencies.waves(batch.plan(["sample"], ["00", "01"])))


def test_by_hand_a_notebook_reads_the_last_run(root):
    folder = root / "reports" / "sample" / "monday"
    folder.mkdir(parents=True)
    record = {"name": "trend", "answer": "Up.", "note": "", "unit": "points", "draws": 0, "seed": 0,
              "table": {"columns": ["term", "estimate"], "rows": [["a", 2.5], ["b", None]]},
              "tables": {"limits": {"columns": ["term"], "rows": [["a"]]}}}  # fmt: skip
    page = {"page": "12_x", "notebook": "12_x.ipynb", "lang": "en", "set": "", "parameters": {}}
    (folder / "run.json").write_text(json.dumps({"begun": "2026-01-01", "pages": [page]}))
    (folder / "answers.json").write_text(json.dumps({"12_x": {"trend": record}}))
    read = report.others("sample")["12"]["trend"]
    assert read.finding.claim == "Up." and read.table["estimate"][0] == 2.5
    assert pd.isna(read.table["estimate"][1]) and list(read.tables["limits"]["term"]) == ["a"]
    assert report.others("mobile") == {}
