"""An empty project for the studies that tests draft and load."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    """The empty folder of a study "new" in a project of its own."""
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    (tmp_path / "notebooks").mkdir()
    (folder := tmp_path / "data" / "new").mkdir(parents=True)
    return folder
