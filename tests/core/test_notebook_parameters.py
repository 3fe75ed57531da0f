"""Parameters in a running notebook: the same rules and suggestions as `cx run`."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from cxlib import reserve
from cxlib.core import context, parameters
from cxlib.reserve import selection

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
