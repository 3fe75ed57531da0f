"""A whole run of the sample with groups of four: a reader of all of it cannot count them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import disclosure_attack as attack
import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_no_page_of_a_run_gives_a_planted_group_away(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    attack.plant(tmp_path)
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    run = attack.run(tmp_path, tmp_path / "reports" / "sample" / "run")
    assert attack.recovered(run) == []


# The attacker must be able to find something, or the test above says nothing.


def kept(columns: str, *rows: list, answer: str = "", **tables: dict) -> dict:
    table = {"columns": columns.split(), "rows": [list(row) for row in rows]}
    return {
        "name": "found",
        "answer": answer,
        "note": "",
        "unit": "",
        "table": table,
        "tables": tables,
    }


REGIONS = [["east", "speed", 7.0, 40], ["north", "speed", 6.0, 53], ["islet", "speed", None, None]]
LEAKS = {
    "prints": [kept("term n", answer="NPS in 2026-Q4: 26.5 points, n 4.")],
    "of a lot": [kept("term n", answer="Lowest for Islet, 12%.")],
    "leaves 4": [
        kept("term estimate n", ["price", 0.6, 60], ["room", 0.36, 36], ["minibar", None, None])
    ],
    "leavers leave": [
        kept("term estimate leavers n", ["high", 0.6, 0.61, 60], ["low", 0.3, None, None])
    ],
    "less the groups": [
        kept("region term estimate n", *REGIONS),
        kept("term estimate n", ["speed", 6.5, 97]),
    ],
    "of two tables": [
        kept("region term estimate n", *REGIONS[1:], ["east", "speed", None, None]),
        kept("region term estimate n", *REGIONS[::2], ["north", "speed", None, None]),
        kept("term estimate n", ["speed", 6.5, 97]),
    ],
    "counts 4": [
        kept("week term estimate n", ["W1", "rate", 2.0, 2000]),
        kept("week term estimate n", ["W1", "in time", None, None]),
    ],
    "gives the wave": [
        kept(
            "wave term estimate n z up down",
            ["q1", "nps", 7.0, 90, 1, 0.5, 0],
            ["q2", "nps", None, None, None, None, None],
            ["q3", "nps", 7.0, 90, 1, 2.5, 0],
        )
    ],
}


@pytest.mark.parametrize("kind", LEAKS)
def test_the_attack_finds_what_is_given_away(tmp_path, kind: str) -> None:
    answers = {"12_page": {f"a{i}": record for i, record in enumerate(LEAKS[kind])}}
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    found = attack.recovered(tmp_path)
    said = {"of a lot": "prints", "of two tables": "less the groups"}.get(kind, kind)
    assert found and all(said in line for line in found), found


@pytest.mark.parametrize(("n", "given_away"), [("4", True), ("&lt;10", False)])
def test_the_attack_reads_the_tables_of_notebooks(tmp_path, n: str, given_away: bool) -> None:
    row = f"<table><tr><th>0</th><td>Islet.</td>\n<td>{n}</td><td>–</td></tr></table>"
    cell = {"outputs": [{"data": {"text/html": ["<p>By region</p>", row]}}]}
    (tmp_path / "12_page.ipynb").write_text(json.dumps({"cells": [cell]}))
    (tmp_path / "answers.json").write_text("{}")
    assert attack.recovered(tmp_path) == (["12 row prints: Islet 4 –"] if given_away else [])


def test_the_attack_finds_nothing_where_two_are_hidden(tmp_path) -> None:
    hidden = kept(
        "region term estimate n",
        ["east", "speed", 7.0, 40],
        *[[g, "speed", None, None] for g in ("north", "islet")],
    )
    answers = {"12_page": {"a": hidden, "b": kept("term estimate n", ["speed", 6.5, 97])}}
    (tmp_path / "answers.json").write_text(json.dumps(answers))
    assert attack.recovered(tmp_path) == []
