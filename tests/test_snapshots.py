"""One state of the data for a whole run: what changes meanwhile is for the next one."""

from __future__ import annotations

import io
import os
import shutil

import pytest
from test_batch import STUDY, write

from cxlib import batch, reserve
from cxlib.batch import cache, fingerprints
from cxlib.batch.processes import Unfinished
from cxlib.batch.progress import Progress
from cxlib.core import parameters
from cxlib.reserve import ReserveError, loading

CHANGE = """\
import os
from pathlib import Path
for file in map(Path, {files!r}):
    about = file.stat()
    text = file.read_bytes()
    file.write_bytes(text.replace({old!r}, {new!r}))
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))   # same size, same time
"""
OPENED = """\
from cxlib import report, reserve
from cxlib.core.result import Result
study = reserve.open(STUDY)
rows = study.responses()
table = rows.groupby("channel")["satisfied"].agg(estimate="mean", n="size").reset_index()
table = table.rename(columns={"channel": "term"}).assign(low=1.0, high=10.0)
report.add("mean", Result(table, f"Mean {rows.satisfied.mean():.4f}, n {len(rows)}."))
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    study, notebooks = tmp_path / "data/tiny", tmp_path / "notebooks"
    study.mkdir(parents=True)
    notebooks.mkdir()
    (study / "study.yaml").write_text(STUDY)
    rows = [f"r{i},w{i % 2 + 1},{'web' if i % 3 else 'shop'},{i % 9 + 1}" for i in range(60)]
    (study / "answers.csv").write_text("\n".join(["id,wave,channel,satisfied", *rows, ""]))
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    parameters.read.cache_clear()
    return tmp_path


def made(pages, out, **how):
    results = batch.run(pages, out=out, jobs=1, progress=Progress(len(pages), io.StringIO()), **how)
    return {r.page.notebook.stem[:2]: r for r in results}


def changed_while_made(project, old: bytes, new: bytes, file: str) -> None:
    """A first page that changes a file of the study, and a second that reads the study."""
    files = [str(project / file)]
    write(project / "notebooks", "10_first", CHANGE.format(files=files, old=old, new=new), OPENED)
    write(project / "notebooks", "11_second", OPENED)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("data/tiny/answers.csv", b"web,2\n", b"web,9\n"),
        ("data/tiny/study.yaml", b"scale: [1, 10]", b"scale: [1, 11]"),
    ],
)
def test_a_file_that_changes_during_a_run_changes_none_of_its_pages(project, file, old, new):
    changed_while_made(project, old, new, file)
    before = made(batch.plan(["tiny"], ["11"]), project / "before", keep=False)["11"].answer
    run = made(batch.plan(["tiny"], ["10", "11"]), project / "during")
    assert [r.status for r in run.values()] == ["ok", "ok"]
    assert run["11"].answer == before and run["10"].answer == before
    [page] = batch.plan(["tiny"], ["11"])
    assert cache.look(page)[1].startswith("data changed")
    after = made([page], project / "after")["11"]
    assert not after.reused
    assert (after.answer != before) == file.endswith(".csv")


@pytest.mark.slow
def test_a_notebook_that_changes_during_a_run_is_kept_as_it_was_run(project):
    notebook = str(project / "notebooks/11_second.ipynb")
    write(
        project / "notebooks",
        "10_first",
        CHANGE.format(files=[notebook], old=b"Mean ", new=b"Sum  "),
    )
    write(project / "notebooks", "11_second", OPENED)
    run = made(batch.plan(["tiny"], ["10", "11"]), project / "during")
    assert run["11"].answer.startswith("Mean")
    again = made(batch.plan(["tiny"], ["11"]), project / "after")["11"]
    assert not again.reused and again.answer.startswith("Sum")


@pytest.mark.slow
def test_data_that_changed_since_the_plan_stop_the_run(project):
    write(project / "notebooks", "11_second", OPENED)
    pages = batch.plan(["tiny"], ["11"])
    with (project / "data/tiny/answers.csv").open("a") as file:
        file.write("r99,w1,web,1\n")
    reserve.load("tiny")
    with pytest.raises(Unfinished, match=r"tiny changed after .* \(responses\)"):
        made(pages, project / "out")
    assert not list((project / "reports/.snapshots").iterdir())


@pytest.mark.slow
def test_a_run_leaves_no_snapshot(project):
    write(project / "notebooks", "30_orders", "1", needs=("orders",))
    assert made(batch.plan(["tiny"], ["30"]), project / "out")["30"].status == "skipped"
    assert not list((project / "reports/.snapshots").iterdir())


@pytest.mark.slow
def test_a_file_of_the_same_size_and_time_is_read_again_when_its_content_changed(project, capsys):
    reserve.load("tiny")
    file = project / "data/tiny/answers.csv"
    about = file.stat()
    file.write_bytes(file.read_bytes().replace(b"web,2\n", b"web,9\n"))
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    reserve.open("tiny")
    assert "answers.csv has changed" in capsys.readouterr().err


def test_a_notebook_of_the_same_size_and_time_has_another_fingerprint(project):
    write(project / "notebooks", "11_second", OPENED)
    file = project / "notebooks/11_second.ipynb"
    before, about = fingerprints.notebook(file), file.stat()
    file.write_bytes(file.read_bytes().replace(b"Mean ", b"Sum  "))
    os.utime(file, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert fingerprints.notebook(file) != before


@pytest.mark.slow
def test_a_file_that_changes_while_it_is_loaded_is_not_taken_in(project, monkeypatch):
    path = reserve.load("tiny").path
    before = path.read_bytes()
    every_table = loading.intake_.every_table

    def slow(study):
        taken = every_table(study)
        with (project / "data/tiny/answers.csv").open("a") as file:
            file.write("r99,w1,web,1\n")
        return taken

    monkeypatch.setattr(loading.intake_, "every_table", slow)
    with pytest.raises(ReserveError, match="answers.csv changed while it was read"):
        reserve.load("tiny")
    assert path.read_bytes() == before


@pytest.mark.slow
def test_a_file_system_without_links_gets_a_copy(project, monkeypatch):
    def no_links(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", no_links)
    write(project / "notebooks", "30_orders", "1", needs=("orders",))
    copied = []
    copy = shutil.copyfile
    monkeypatch.setattr(
        shutil, "copyfile", lambda a, b, **how: copied.append(a.name) or copy(a, b, **how)
    )
    made(batch.plan(["tiny"], ["30"]), project / "out")
    assert "reserve.duckdb" in copied
