"""Notebooks run with the tools that researchers have, not only with `cx run`."""

from __future__ import annotations

import logging
from pathlib import Path

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
