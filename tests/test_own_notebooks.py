"""Notebooks of one's own: found by path and name, made like the project's, never tested by it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from cxlib import batch, cli
from cxlib.core import parameters
from cxlib.data import study

ROOT = Path(__file__).parents[1]


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project of the sample with one of its notebooks."""
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    (tmp_path / "notebooks" / "mine").mkdir(parents=True)
    first = next((ROOT / "notebooks").glob("10_*.ipynb"))
    shutil.copy(first, tmp_path / "notebooks")
    shutil.copytree(ROOT / "data" / "sample", tmp_path / "data" / "sample")
    parameters.read.cache_clear()
    return tmp_path


def cx(*words: str):
    return CliRunner().invoke(cli.main, list(words))


def test_a_question_becomes_a_notebook_in_a_folder_outside_git(project: Path) -> None:
    done = cx("new-notebook", "Do promoters spend more?")
    assert done.exit_code == 0, done.output
    path = project / "my" / "do_promoters_spend_more.ipynb"
    book = nbformat.read(path, as_version=4)
    nbformat.validate(book)
    assert book.cells[0].source.startswith("# Do promoters spend more?")
    assert parameters.read(path)["STUDY"].default == "sample"
    assert "/my/" in (ROOT / ".gitignore").read_text().splitlines()
    again = cx("new-notebook", "Do promoters spend more?")
    assert again.exit_code == 2 and "is there already" in again.output


def test_a_question_names_a_study_that_there_is(project: Path) -> None:
    done = cx("new-notebook", "Why?", "--study", "sampel")
    assert done.exit_code == 2 and "did you mean 'sample'" in done.output
    assert not (project / "my").exists()


def test_own_notebooks_are_found_by_name_and_by_path(project: Path, tmp_path_factory) -> None:
    cx("new-notebook", "Why?")
    book = project / "my" / "why.ipynb"
    shutil.copy(book, project / "notebooks" / "mine" / "deeper.ipynb")
    (project / "notebooks" / "mine" / "scratch.ipynb").write_text("{}")
    (project / "my" / ".ipynb_checkpoints").mkdir()
    shutil.copy(book, project / "my" / ".ipynb_checkpoints" / "why-checkpoint.ipynb")
    assert [*batch.notebooks()] == ["10_how_satisfied_are_customers", "deeper", "why"]
    assert batch.pick("deep").parent.name == "mine"
    outside = tmp_path_factory.mktemp("elsewhere") / "own.ipynb"
    shutil.copy(book, outside)
    assert batch.pick(str(outside)) == outside
    assert "why" in cx("list").output


@pytest.mark.slow
def test_an_own_page_needs_no_chinese_and_stands_on_the_index(project: Path) -> None:
    cx("new-notebook", "Do promoters spend more?")
    path = project / "my" / "do_promoters_spend_more.ipynb"
    run = cx("run", "sample", str(path), "-p", "DRAWS=100", "--lang", "en,zh", "--json")
    assert run.exit_code == 0, run.output
    summary = json.loads(run.stdout)
    assert [p["status"] for p in summary["pages"]] == ["ok", "ok"]
    assert {p["title"] for p in summary["pages"]} == {"Do promoters spend more?"}
    [made] = summary["runs"]
    index = (study.root() / made["folder"] / "index.html").read_text(encoding="utf-8")
    assert "Do promoters spend more?" in index and "The mean is" in index
