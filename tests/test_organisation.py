"""The tree of units in study.yaml, and the numbers of a tree that are hidden."""

import numpy as np
import pandas as pd
import pytest

from cxlib.data import study
from cxlib.data.intake import references
from cxlib.data.intake.validation import Intake
from cxlib.data.organisation import Tree, tree_of
from cxlib.privacy.disclosure import hidden_in_tree

YAML = """
title: Branches
tables:
  responses: {files: answers.csv, columns: {response_id: id}, keep: [branch]}
items:
  recommend: {label: Recommendation, scale: [0, 10], role: nps}
"""
TREE = Tree({"North": "", "South": "", "Kiel": "North", "7": "North", "Ulm": "South"})


def read(tmp_path, more: str) -> study.Study:
    (tmp_path / "study.yaml").write_text(YAML + more, encoding="utf-8")
    return study.read(str(tmp_path / "study.yaml"))


def test_a_tree_knows_paths_levels_and_what_rows_name():
    branch = pd.Series(["Kiel", 7.0, None, "Bonn", "Bonn", "South"])
    assert TREE.path("7") == ("North", "7")
    assert [list(level.fillna("")) for level in TREE.levels(branch)] == [
        ["North", "North", "", "", "", "South"],
        ["Kiel", "7", "", "", "", ""],
    ]
    assert TREE.not_in(branch) == {"Bonn": 2}
    assert TREE.empty(branch) == ["Ulm"]
    rows = pd.DataFrame({"unit": ["A", 1.0], "parent": [None, "A"], "manager": ["Ms Li", None]})
    assert tree_of(rows) == Tree({"A": "", "1": "A"}, {"A": "Ms Li"})


@pytest.mark.parametrize(
    ("units", "message"),
    [
        ("{A: B, B: A}", "circle: A > B > A"),
        ("{A: A}", "circle: A > A"),
        (
            "{North: null, Kiel: Nord, Bonn: Nord}",
            r"1 units .* 'Nord' \(of Kiel, Bonn\). Did you mean 'North'",
        ),
        ("{1: null, '1': null}", "twice"),
    ],
)
def test_what_is_no_tree_is_refused_by_name(tmp_path, units, message):
    with pytest.raises(study.StudyError, match=message):
        read(tmp_path, f"organisation: {{column: branch, units: {units}}}\n")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("organisation: {column: branch}", "in `units` or in a table units"),
        ("organisation: {table: cases, column: x, units: {A: null}}", "no table cases"),
        ("benchmarks: [{measure: npps, value: 3, source: x}]", "did you mean 'nps'"),
        ("benchmarks: [{measure: nps, value: 3, source: x, n: 9, error: 1}]", "either n or error"),
    ],
)
def test_what_study_yaml_may_not_say(tmp_path, more, message):
    with pytest.raises(study.StudyError, match=message):
        read(tmp_path, more + "\n")


def _mistakes(tmp_path, more: str) -> str:
    """What the checks say of an organisation and two answers of the branches Kiel and Ulm."""
    stated = read(tmp_path, more)
    rows = pd.DataFrame({"response_id": ["1", "2"], "branch": ["Kiel", "Ulm"]})
    taken = {"responses": Intake("responses", rows, rows.head(0), len(rows))}
    return " ".join(references.mistakes(stated, taken))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("{column: branch, units: {Kiel: null}}", ""),
        ("{column: branch, units: {Bonn: null}}", "names none of its 1 units"),
        ("{column: shop, units: {Kiel: null}}", "organisation.column: there is no column 'shop'"),
        ("{column: branch, units: {Kiel: null}, mix: [age]}", "there is no column 'age'"),
    ],
)
def test_the_checks_hold_an_organisation_against_the_answers(tmp_path, more, said):
    found = _mistakes(tmp_path, f"organisation: {more}\n")
    assert said in found if said else not found


def test_the_checks_say_that_a_table_of_units_is_no_tree(tmp_path):
    mapping = "{files: units.csv, columns: {unit: unit, parent: parent}}"
    more = "organisation: {column: branch}\n"
    text = YAML.replace("tables:\n", f"tables:\n  units: {mapping}\n") + more
    (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
    stated = study.read(str(tmp_path / "study.yaml"))
    units = pd.DataFrame({"unit": ["Kiel", "Ulm"], "parent": ["Ulm", "Kiel"]})
    rows = pd.DataFrame({"response_id": ["1"], "branch": ["Kiel"]})
    taken = {
        "responses": Intake("responses", rows, rows.head(0), len(rows)),
        "units": Intake("units", units, units.head(0), len(units)),
    }
    assert "circle: Kiel > Ulm > Kiel" in " ".join(references.mistakes(stated, taken))


def _random_tree(rng: np.random.Generator) -> tuple[dict[str, int], dict[str, str]]:
    """Units with their people, some of them in no unit below."""
    parent: dict[str, str] = {}
    for i in range(rng.integers(4, 18)):
        top = i < 2 or rng.random() < 0.15
        parent[f"u{i}"] = "" if top else f"u{rng.integers(0, i)}"
    n: dict[str, int] = {}
    for unit in reversed(parent):
        below = [u for u, above in parent.items() if above == unit]
        own = 0 if below and rng.random() < 0.5 else int(rng.integers(1, 60))
        n[unit] = own + sum(n[u] for u in below)
    return {u: n[u] for u in parent}, parent


def _worked_out(n: dict[str, int], parent: dict[str, str], hidden: set[str]) -> set[str]:
    """Hidden units that follow from the others by linear algebra."""
    place = {u: i for i, u in enumerate(n)}
    rows = [np.eye(2 * len(n))[place[u]] for u in n if u not in hidden]
    for above in {"", *parent.values()}:
        below = [u for u in n if parent[u] == above]
        row = np.zeros(2 * len(n))
        row[[place[u] for u in below]] = 1
        if above:
            row[place[above]] = -1
            row[len(n) + place[above]] = n[above] > sum(n[u] for u in below)
        rows.append(row)
    known = np.array(rows)
    rank = np.linalg.matrix_rank(known)
    return {
        u
        for u in hidden
        if np.linalg.matrix_rank(np.vstack([known, np.eye(2 * len(n))[place[u]]])) == rank
    }


@pytest.mark.slow
def test_no_small_unit_follows_from_its_parent_and_siblings():
    rng = np.random.default_rng(1)
    for _tree in range(300):
        n, parent = _random_tree(rng)
        hidden = hidden_in_tree(n, parent, 10)
        assert {u for u in n if n[u] < 10} <= hidden
        if sum(n[u] for u in hidden if not parent[u]) >= 10 or all(n[u] >= 10 for u in hidden):
            assert not {u for u in _worked_out(n, parent, hidden) if n[u] < 10}


def test_only_what_must_is_hidden():
    parent = {"North": "", "South": "", "Kiel": "North", "Hamburg": "North", "Ulm": "South"}
    n = {"North": 90, "South": 80, "Kiel": 35, "Hamburg": 55, "Ulm": 80}
    assert hidden_in_tree(n, parent, 10) == set()
    assert hidden_in_tree(n | {"Kiel": 5, "Hamburg": 85}, parent, 10) == {"Kiel", "Hamburg"}
