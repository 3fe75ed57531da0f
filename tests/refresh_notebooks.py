"""Run the notebooks on the sample and keep their outputs in place (`make notebooks`).

Names of notebooks refresh only those.

Papermill runs them as `cx run` does; times, ids and paths are stripped, so that a refresh without
a change of substance changes no file.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat

from cxlib import batch


def refresh(names: list[str]) -> int:
    """Write the outputs of the `sample` study into notebooks/; how many notebooks failed."""
    failed = 0
    os.environ["CX_PREVIEWS"] = "yes"  # figures are seen in notebooks that nobody trusts yet
    with tempfile.TemporaryDirectory(prefix="cx") as out:
        for result in batch.run(batch.plan(["sample"], names or committed()), out=out, keep=False):
            if result.status != "ok":
                print(f"{result.page.name}: {result.status}: {result.answer}", file=sys.stderr)
                failed += 1
                continue
            keep(result.page.notebook, Path(out) / f"{result.page.name}.ipynb")
    return failed


def committed() -> list[str]:
    """The notebooks of the project; a researcher's own ones keep the outputs that they have."""
    known = batch.notebooks().items()
    return [n for n, path in known if path.parent.name == "notebooks" and n[0].isdigit()]


def keep(source: Path, executed: Path) -> None:
    """Put the outputs of the executed notebook into the source; its cells stay as they are."""
    notebook = nbformat.read(source, as_version=4)
    made = {c.id: c for c in nbformat.read(executed, as_version=4).cells}
    count = 0
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        count += 1
        cell.outputs = as_lab_saves(made[cell.id].outputs)
        cell.execution_count = count
        for output in cell.outputs:
            if "execution_count" in output:
                output["execution_count"] = count
    nbformat.write(notebook, source)


def as_lab_saves(value: Any) -> Any:
    """The value with whole numbers as JavaScript writes them, so that saving changes nothing."""
    if isinstance(value, dict):
        return type(value)({k: as_lab_saves(v) for k, v in value.items()})
    if isinstance(value, list):
        return [as_lab_saves(v) for v in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


if __name__ == "__main__":
    sys.exit(min(refresh(sys.argv[1:]), 1))
