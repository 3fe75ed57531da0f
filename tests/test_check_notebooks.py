"""Committed notebooks hold the outputs of the sample, whole, small and of no machine."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from check_notebooks import faults

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("[0-9]*.ipynb"))


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_list_of_questions_has_each_notebook_with_its_title() -> None:
    index = nbformat.read(NOTEBOOKS[0].parents[1] / "index.ipynb", as_version=4)
    for file in NOTEBOOKS:
        title = nbformat.read(file, as_version=4).metadata["cxlib"]["title"]["en"]
        row = f"| [{file.stem[:2]}](notebooks/{file.name}) | {title} |"
        assert row in index.cells[0].source.splitlines()


def test_what_lab_would_save_otherwise_is_named(tmp_path: Path) -> None:
    text = NOTEBOOKS[0].read_text(encoding="utf-8")
    (tmp_path / "a.ipynb").write_text(text.replace('"name": "python"\n', '"name":"python"\n'))
    assert any("would save it otherwise" in fault for fault in faults(tmp_path / "a.ipynb"))
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop("image/png", None)
    nbformat.write(notebook, tmp_path / "b.ipynb")
    assert any("no image/png" in fault for fault in faults(tmp_path / "b.ipynb"))
