"""A fork server starts early where pages are likely to be made, and not for a run that has none."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from cxlib.batch import head_start

WORDS = [("shop",), (), {"by": ()}, False]
SOON = 60 * 10**9  # nanoseconds: later than anything that other tests write meanwhile


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for file in ("data/shop/answers.csv", "notebooks/10_x.ipynb", "reports/README.md"):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_text("a")
    return tmp_path


def test_a_command_that_made_nothing_gets_none_until_a_file_changes(root: Path) -> None:
    assert head_start.helps(root, WORDS)
    begun = time.time_ns() + SOON
    head_start.note(root, WORDS, begun)
    assert not head_start.helps(root, WORDS)
    assert head_start.helps(root, [*WORDS[:3], True])
    os.utime(root / "data" / "shop" / "answers.csv", ns=(begun, begun))
    assert head_start.helps(root, WORDS)


@pytest.mark.parametrize("content", ["", "{", "[]"])
def test_what_was_noted_and_cannot_be_read_is_nothing(root: Path, content: str) -> None:
    (root / "reports" / head_start.NOTED).write_text(content)
    assert head_start.helps(root, WORDS)
    head_start.note(root, WORDS, time.time_ns() + SOON)
    assert not head_start.helps(root, WORDS)


def test_few_commands_are_noted(root: Path) -> None:
    for number in range(head_start.MOST + 5):
        head_start.note(root, [number], time.time_ns() + SOON)
    assert len(head_start._noted(root)) == head_start.MOST
    assert not head_start.helps(root, [head_start.MOST + 4]) and head_start.helps(root, [0])
