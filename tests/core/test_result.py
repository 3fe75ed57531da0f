"""One Result for all methods: tables and parts by name, comparable, shown in short."""

from __future__ import annotations

import copy
import pickle

import pandas as pd
import pytest

from cxlib.core.result import Finding, Result


def table(rows: int = 2) -> pd.DataFrame:
    return pd.DataFrame(
        {"term": [f"t{i}" for i in range(rows)], "estimate": 0.25, "low": 0.2, "high": 0.3, "n": 40}
    )


@pytest.fixture
def fit() -> Result:
    tables = {"table": table(), "r2": table(1)}
    return Result(tables, "Delivery leads.", "40 answers.", "share", draws=5, parts={"k": 3})


def test_tables_and_parts_are_read_by_name(fit) -> None:
    assert fit.table.equals(table())
    assert fit.r2.equals(table(1))
    assert fit.k == 3
    assert {"r2", "k", "table"} <= set(dir(fit))
    with pytest.raises(AttributeError, match="no 'gain'. It has: table, r2, k"):
        _ = fit.gain


def test_results_compare_by_what_they_tell(fit) -> None:
    assert fit == Result(
        {"table": table(), "r2": table(1)},
        Finding("Delivery leads."),
        "40 answers.",
        "share",
        draws=5,
    )
    assert fit != fit.replace(notes="")
    assert fit != fit.replace(tables={"table": table(), "r2": table(2)})
    assert fit != "Delivery leads."


def test_a_result_can_be_sent_and_copied(fit) -> None:
    assert pickle.loads(pickle.dumps(fit)) == fit
    assert copy.deepcopy(fit).k == 3


def test_what_lab_shows_is_finding_table_and_notes_in_at_most_20_rows() -> None:
    fit = Result(table(30), Finding("A < b.", "95% CI 1 to 2"), "Left out: 3.", "share")
    html = fit._repr_html_()
    assert (
        html.index("A &lt; b.") < html.index("95% CI") < html.index("<table") < html.index("Left")
    )
    assert html.count("<tr") == 21
    assert "10 more rows" in html
    assert "25%" in html


def test_small_cells_are_hidden_in_what_lab_shows() -> None:
    rows = table(5).assign(n=[40, 40, 40, 4, 40], estimate=[0.2, 0.3, 0.4, 0.7654, 0.1])
    fit = Result(rows, "Four shares.", unit="share")
    assert "77%" not in fit._repr_html_()
    assert fit._repr_mimebundle_()[1]["cxlab_audit"]


def test_a_result_has_a_table() -> None:
    with pytest.raises(ValueError, match="at least one table"):
        Result({}, "Nothing.")
