"""Notebooks run with the tools that researchers have, not only with `cx run`."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from cxlib.core import parameters

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_papermill_reads_every_parameter_with_its_comment(notebook: Path, caplog) -> None:
    from papermill.inspection import inspect_notebook

    with caplog.at_level(logging.WARNING, "papermill"):
        found = inspect_notebook(str(notebook))
    assert not caplog.messages
    assert list(found) == list(parameters.read(notebook))
    assert all(about["help"] for about in found.values())


@pytest.fixture(scope="module")
def short(tmp_path_factory) -> Path:
    """A page as far as its sample, without outputs."""
    book = nbformat.read(next(n for n in NOTEBOOKS if n.stem.startswith("20")), as_version=4)
    book.cells = [c for c in book.cells if c.cell_type == "code"][:3]
    book.cells.append(nbformat.v4.new_code_cell("print(WHERE, DRAWS, DRIVERS, len(sample))"))
    for cell in book.cells:
        cell.outputs = []
    file = tmp_path_factory.mktemp("papermill") / "short.ipynb"
    nbformat.write(book, file)
    return file


def python(*words: object) -> subprocess.CompletedProcess:
    command = [sys.executable, *map(str, words)]
    return subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "CX_ROOT": str(ROOT)}
    )


def jupyter(*words: object) -> subprocess.CompletedProcess:
    return python("-m", *words)


def printed(file: Path) -> str:
    outputs = nbformat.read(file, as_version=4).cells[-1].outputs
    return "".join(o.text for o in outputs if o.output_type == "stream")


@pytest.mark.slow
def test_papermill_gives_parameters_by_option_text_and_file(short: Path, tmp_path: Path) -> None:
    done, file = tmp_path / "done.ipynb", tmp_path / "given.yaml"
    file.write_text("DRAWS: 300\n")
    given = ["-p", "WHERE", "region = 'north'", "-y", "DRIVERS: [room, delivery]", "-f", file]
    ran = jupyter("papermill", short, done, "--log-level", "WARNING", *given)
    assert ran.returncode == 0, ran.stderr
    assert "Unable" not in ran.stderr and "unknown parameter" not in ran.stderr
    assert printed(done).startswith("region = 'north' 300 ['room', 'delivery'] ")


@pytest.mark.slow
def test_a_mistake_is_one_line_with_the_traceback_folded(short: Path, tmp_path: Path) -> None:
    done = tmp_path / "done.ipynb"
    ran = jupyter("papermill", short, done, "-y", "DRIVERS: [delivry]")
    assert ran.returncode != 0
    cells = nbformat.read(done, as_version=4).cells
    shown = [c.get("outputs", []) for c in cells]
    [outputs] = [found for found in shown if any(o.output_type == "error" for o in found)]
    error = next(o for o in outputs if o.output_type == "error")
    assert len(error.traceback) == 1 and "did you mean 'delivery'" in error.traceback[0]
    assert outputs[outputs.index(error) + 1].data["text/html"].startswith("<details><summary>")


PLOOMBER = """
import sys
from ploomber_engine import execute_notebook
source, target, where = sys.argv[1:]
given = {"WHERE": where, "DRAWS": 300, "DRIVERS": ["room", "delivery"]}
execute_notebook(source, target, parameters=given, progress_bar=False, verbose=False)
"""
SCHEDULER = """
import sys
from types import SimpleNamespace
from jupyter_scheduler.executors import DefaultExecutionManager

class Job(DefaultExecutionManager):  # as the extension runs it, without its database
    source, target, where = sys.argv[1:]
    given = {"WHERE": repr(where), "DRAWS": "300", "DRIVERS": "['room', 'delivery']"}  # as typed
    model = SimpleNamespace(parameters=given, output_formats=["notebook"])
    def add_side_effects_files(self, folder): ...

Job("id", "/", "", {"input": Job.source, "notebook": Job.target}).execute()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("module", "code"), [("ploomber_engine", PLOOMBER), ("jupyter_scheduler", SCHEDULER)]
)
def test_other_runners_give_parameters_too(short: Path, tmp_path: Path, module, code) -> None:
    pytest.importorskip(module)
    done = tmp_path / "done.ipynb"
    ran = python("-c", code, short, done, "region = 'north'")
    assert ran.returncode == 0, ran.stderr
    assert printed(done).startswith("region = 'north' 300 ['room', 'delivery'] ")


@pytest.mark.slow
@pytest.mark.parametrize(
    "way",
    [
        ["execute", "--inplace"],
        pytest.param(
            ["nbconvert", "--execute", "--to", "notebook", "--inplace"], marks=pytest.mark.thorough
        ),
    ],
)
def test_jupyter_runs_a_notebook_with_the_default_kernel(short: Path, tmp_path: Path, way) -> None:
    book = tmp_path / "book.ipynb"
    book.write_bytes(short.read_bytes())
    ran = jupyter("jupyter", *way, book)
    assert ran.returncode == 0, ran.stderr
    assert printed(book).endswith(" 3649\n")
