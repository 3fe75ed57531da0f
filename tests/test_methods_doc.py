"""docs/methods.md and methods-by-question.md name functions, tests and files that exist."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "methods.md").read_text("utf-8")
BY_QUESTION = (ROOT / "docs" / "methods-by-question.md").read_text("utf-8")
FUNCTIONS = sorted(set(re.findall(r"`(cxlib(?:\.\w+)+)`", TEXT + BY_QUESTION)))
SECTIONS = re.split(r"^## ", TEXT, flags=re.M)[1:]
DEFINED = {
    file.relative_to(ROOT).as_posix(): set(
        re.findall(r"^def (test_\w+)", file.read_text("utf-8"), re.M)
    )
    for file in (ROOT / "tests").rglob("test_*.py")
}


def named(name: str) -> object:
    """What a dotted name stands for: a name that a package exports may be that of a module too."""
    module, _dot, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)


def test_there_are_functions_to_look_at():
    assert len(FUNCTIONS) > 100


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_can_be_imported(name: str):
    assert callable(named(name))


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s.splitlines()[0])
def test_every_file_exists_and_has_the_tests_that_its_section_names(section: str):
    files = re.findall(r"`(tests/[\w/.]+)`", section)
    assert [f for f in files if not (ROOT / f).exists()] == []
    there = set().union(*(DEFINED.get(f, set()) for f in files))
    assert set(re.findall(r"`(test_\w+)`", section)) <= there


def test_every_row_of_methods_by_question_names_a_function():
    rows = [r for r in BY_QUESTION.splitlines() if r.startswith("| ") and "| function" not in r]
    assert len(rows) > 50
    assert [r for r in rows if r.count("|") != 4 or "`cxlib." not in r.split("|")[3]] == []


@pytest.mark.parametrize("section", SECTIONS, ids=lambda s: s.splitlines()[0])
def test_every_row_of_a_table_has_all_of_its_cells(section: str):
    for table in re.findall(r"(?:^\|.*\n)+", section, re.M):
        assert len({row.count("|") for row in table.splitlines()}) == 1, table[:80]
