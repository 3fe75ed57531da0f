"""Committed notebooks hold the outputs of the sample, whole, small and of no machine."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from check_notebooks import faults

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("[0-9]*.ipynb"))


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_a_committed_notebook_has_no_fault(file: Path) -> None:
    assert faults(file) == []


def test_what_must_not_be_committed_is_named(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    parameters = next(c for c in code if "parameters" in c.metadata.get("tags", []))
    parameters.source = parameters.source.replace('"sample"', '"mine"')
    code[-1].execution_count = 1
    folder = "/".join(["", "home", "ann"])
    code[-1].outputs = [nbformat.v4.new_output("stream", text=f"{folder}/data")]
    nbformat.write(notebook, tmp_path / "00_mine.ipynb")
    found = " ".join(faults(tmp_path / "00_mine.ipynb"))
    assert all(words in found for words in ("parameters", "in order", "path of a machine"))
