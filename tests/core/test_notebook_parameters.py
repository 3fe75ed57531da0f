"""Parameters in a running notebook: the same rules and suggestions as `cx run`."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from cxlib import batch, reserve
from cxlib.core import context, parameters
from cxlib.reserve import selection

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("[0-9]*.ipynb"))
CELL = """STUDY: str = "sample"   # folder under data/
WAVE: str = ""          # survey wave (a wave)
WHERE: str = ""         # rows (a condition)
BY: str = ""            # groups (a column)
LANG: str = "en"        # language (one of: en, zh)
DRAWS: int = 1000       # draws (100 to 20000)
DRIVERS: list[str] = [] # what may explain it (items)
"""


@pytest.fixture
def run(monkeypatch):
    """A notebook that has run these cells."""

    def having_run(*cells: str) -> dict:
        space: dict = {"In": ["", *cells]}
        for cell in cells:
            exec(cell, space)
        monkeypatch.setattr(context, "shell", lambda: SimpleNamespace(user_ns=space))
        return space

    return having_run


@pytest.mark.parametrize(
    ("injected", "said"),
    [
        ("DRAWS = 5", r"DRAWS=5 is out of range. Allowed: 100 to 20,000"),
        ("DRAWS = 'many'", "DRAWS='many' is not a whole number"),
        ("LANG = 'fr'", "LANG='fr' is not allowed. Allowed: en, zh"),
        ("DRAW = 500", "no parameter 'DRAW'; did you mean 'DRAWS'"),
        ("DRIVERS = ['room', 'room']", "names 'room' twice"),
    ],
)
def test_a_value_that_is_not_allowed_is_named(run, injected: str, said: str) -> None:
    run("import cxlib", CELL, f"# Parameters\n{injected}\n")
    with pytest.raises(ValueError, match=said):
        parameters.of_notebook()


def test_the_value_that_a_name_has_now_counts_and_text_is_read_as_on_the_command_line(run) -> None:
    space = run(CELL, "DRAWS = 300", "# Parameters\nDRIVERS = 'room,delivery'\n")
    declared, values = parameters.of_notebook()
    assert list(declared) == list(values)
    assert (values["DRAWS"], values["DRIVERS"]) == (300, ["room", "delivery"])
    assert space["DRIVERS"] == ["room", "delivery"]


@pytest.mark.parametrize("cell", ["STUDY = 'sample'", "STUDY: str = str('sample')", "x = 1"])
def test_a_notebook_without_declarations_is_left_alone(run, cell: str) -> None:
    run(cell)
    assert parameters.of_notebook() == ({}, {})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("injected", "said"),
    [
        ("WAVE = '2026-Q9'", "no such wave"),
        ("BY = 'regoin'", "no such column; did you mean 'region'"),
        ("DRIVERS = ['delivry']", "no such item; did you mean 'delivery'"),
        ("WHERE = \"regoin = 'north'\"", "no column 'regoin'; did you mean 'region'"),
        ("WHERE = \"region = 'nrth'\"", "nrth"),
    ],
)
def test_what_the_study_does_not_have_is_named(run, injected: str, said: str) -> None:
    study = reserve.open("sample")
    run(CELL, f"# Parameters\n{injected}\n")
    with pytest.raises((ValueError, reserve.ReserveError), match=said):
        selection.check_notebook(study)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "injected"),
    [
        ("10", {"BY": "joined_on"}),  # of customers
        ("10", {"WHERE": "amount > 10"}),  # of orders
        ("10", {"WAVE": "2026-Q9"}),
        ("12", {"PARTS": ["regoin"]}),
        ("20", {"DRIVERS": ["delivry"]}),
        ("22", {"BY": "no_such"}),  # of any table
        ("24", {"OUTCOME": "delivry"}),
        ("30", {"WHERE": "delivery > 5"}),
        ("32", {"BY": "wave"}),
    ],
)
def test_cx_run_and_a_notebook_refuse_a_parameter_in_the_same_words(run, number, injected) -> None:
    study, notebook = reserve.open("sample"), batch.pick(number)
    cell = next(
        "".join(c["source"])
        for c in parameters.content(notebook)["cells"]
        if "parameters" in c["metadata"].get("tags", [])
    )
    given = "".join(f"{name} = {value!r}\n" for name, value in injected.items())
    with pytest.raises((ValueError, reserve.ReserveError)) as there:
        batch.plan(["sample"], [number], injected)
    run(cell, f"# Parameters\n{given}")
    with pytest.raises((ValueError, reserve.ReserveError)) as here:
        selection.check_notebook(study)
    assert str(here.value) == str(there.value)
    assert type(here.value) is type(there.value)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_parameters_that_speak_of_rows_name_their_table(notebook: Path) -> None:
    declared = parameters.read(notebook).values()
    unnamed = [p.name for p in declared if p.kind in ("column", "condition") and not p.tables]
    changes = "40"  # whose table study.yaml names with each change
    assert unnamed == (["WHERE"] if notebook.stem.startswith(changes) else [])


@pytest.mark.slow
def test_of_several_tables_the_first_that_the_study_has_counts() -> None:
    study = reserve.open("sample")
    cell = """A: str = ""  # rows (a condition on claims|customers|orders)
B: str = ""  # rows (a condition)
C: str = ""  # rows (a condition on claims)
"""
    declared = parameters.read_cell(cell)
    assert selection.tables_of(study, declared["A"]) == ["customers"]
    assert selection.tables_of(study, declared["B"]) == ["responses", "customers", "orders"]
    with pytest.raises(ValueError, match="C='x = 1': the study has no table claims"):
        selection.check(study, declared, {"A": "", "B": "", "C": "x = 1"})


@pytest.mark.slow
def test_a_condition_may_not_say_whom_a_page_is_about() -> None:
    study = reserve.open("sample")
    declared = parameters.read_cell('WHERE: str = ""  # rows (a condition on customers)\n')
    for where in ("customer_id in ('c0004', 'c0008')", "plan = 'plus' or \"CUSTOMER_ID\" > 'c1'"):
        with pytest.raises(ValueError, match="WHERE asks for values of customer_id") as raised:
            selection.check(study, declared, {"WHERE": where})
        assert "c0004" not in str(raised.value)
    for where in ("customer_id is not null", "plan = 'plus'"):
        selection.check(study, declared, {"WHERE": where})


@pytest.mark.slow
def test_a_message_about_a_condition_lists_no_ids() -> None:
    study = reserve.open("sample")
    with pytest.raises(ValueError, match="no row has customer_id = 'c9999'") as raised:
        study.read("customers", where="customer_id = 'c9999'")
    assert "holds" not in str(raised.value) and "c0004" not in str(raised.value)
    with pytest.raises(ValueError, match="plan holds: 'basic'"):
        study.read("customers", where="plan = 'gold'")
