"""The table of witnesses that `make witnesses` writes: by hand, and up to date."""

import ast
from pathlib import Path

import pytest
import witness_table

ROOT = Path(__file__).parents[1]


def test_a_method_and_witness_have_one_row_of_their_largest_distances():
    told = [
        ("NPS", "R", *witness_table.distances([1.5, 2.0], [1.0, 2.0])),
        ("AUC", "scikit-learn", *witness_table.distances([0.7], [0.7])),
        ("NPS", "R", *witness_table.distances(0.25, 0.0)),
    ]
    page = witness_table.page(told)
    assert page.splitlines()[-2:] == [
        "| AUC | scikit-learn | 1 | under 1e-09 | under 1e-09 |",
        "| NPS | R | 3 | 0.5 | 0.5 |",
    ]
    assert witness_table.methods(page) == {"AUC", "NPS"}


@pytest.mark.slow
def test_the_committed_table_has_the_methods_of_the_tests():
    """Renew with `make witnesses`."""
    named = set()
    for file in (ROOT / "tests").rglob("test_*.py"):
        for node in (
            ast.walk(ast.parse(text)) if "tell_witness" in (text := file.read_text()) else ()
        ):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tell_witness":
                assert isinstance(node.args[0], ast.Constant), f"{file}:{node.lineno}"
                named.add(node.args[0].value)
    committed = (ROOT / "docs" / "witnesses.md").read_text(encoding="utf-8")
    assert named == witness_table.methods(committed)
