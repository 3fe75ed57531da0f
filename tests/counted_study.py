"""A study of a test, loaded and open, for methods that count in the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cxlib import reserve


@contextmanager
def loaded(root: Path) -> Iterator[reserve.Reserve]:
    """The study `counted` of a project, whose files are there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CX_ROOT", str(root))
        reserve.load("counted")
        study = reserve.open("counted")
    with study:
        yield study
