"""Recipes of docs/scheduling.md: cron runs; systemd and Dagster where installed; others compile."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

DOCS = (Path(__file__).parents[1] / "docs" / "scheduling.md").read_text(encoding="utf-8")
CX = """#!/bin/sh
echo "$@" >> {log}
[ "$1" = load ] && exit {load}
exit {run}
"""


def recipe(name: str, kind: str) -> list[str]:
    """The blocks of code in a section of the page."""
    section = DOCS.split(f"\n## {name}\n")[1].split("\n## ")[0]
    return re.findall(rf"```{kind}\n(.*?)```", section, re.S)


def ours(place: Path, load: int, run: int) -> Path:
    """A command that notes how it was called and ends with these codes."""
    place.mkdir(parents=True, exist_ok=True)
    command = place / "cx"
    command.write_text(CX.format(log=place / "log", load=load, run=run))
    command.chmod(0o755)
    return command


@pytest.mark.skipif(not shutil.which("sh"), reason="no sh")
@pytest.mark.parametrize(
    ("load", "run", "calls", "code"),
    [(0, 0, 2, 0), (4, 0, 2, 0), (2, 0, 1, 1), (0, 3, 2, 3)],
)
def test_the_line_of_cron_runs_when_data_were_taken_in(tmp_path, load, run, calls, code) -> None:
    [line] = recipe("cron", "sh")
    command = line.split("  ", 1)[1].replace("/srv/cx", str(tmp_path))
    done = subprocess.run(
        ["sh", "-c", command], env={"CX": str(ours(tmp_path, load, run)), "PATH": "/bin:/usr/bin"}
    )
    assert done.returncode == code
    assert len((tmp_path / "log").read_text().splitlines()) == calls


@pytest.mark.slow
def test_the_workflow_names_commands_that_there_are() -> None:
    [text] = recipe("GitHub Actions", "yaml")
    steps = yaml.safe_load(text)["jobs"]["reports"]["steps"]
    commands = [s["run"] for s in steps if "run" in s]
    make = (Path(__file__).parents[1] / "Makefile").read_text(encoding="utf-8")
    assert commands[0] == "make setup" and "\nsetup:" in make
    for command in commands[1:]:
        [word] = re.findall(r"^\.venv/bin/cx (\w+)", command)
        done = subprocess.run([sys.executable, "-m", "cxlib.cli", word, "--help"])
        assert done.returncode == 0


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_the_units_of_systemd_are_sound(tmp_path) -> None:
    service, timer = recipe("systemd", "ini")
    (tmp_path / "cx-mine.service").write_text(service.replace("/srv/cx/.venv/bin/cx", "/bin/true"))
    (tmp_path / "cx-mine.timer").write_text(timer)
    said = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / "cx-mine.timer"], capture_output=True, text=True
    )
    assert "cx-mine" not in said.stderr, said.stderr


@pytest.mark.parametrize("name", ["Airflow", "Dagster", "Prefect"])
def test_the_code_of_an_orchestrator_compiles_and_names_3_and_130(name) -> None:
    [code] = recipe(name, "python")
    compile(code, name, "exec")
    assert "(3, 130)" in code and re.search(r"(max_)?retries=3", code)


RUN = "result = cx_reports.execute_in_process(raise_on_error=False)\nok = result.success"


@pytest.mark.slow
@pytest.mark.parametrize(("run", "times"), [(0, 1), (1, 1), (3, 4)])
def test_dagster_repeats_as_written(tmp_path, run, times) -> None:
    pytest.importorskip("dagster")
    [code] = recipe("Dagster", "python")
    code = code.replace("delay=600", "delay=0")
    file = tmp_path / "flow.py"
    file.write_text(f"{code}\n{RUN}\nraise SystemExit(0 if ok else 9)\n")
    done = subprocess.run(
        [sys.executable, str(file)],
        env={"PATH": "/bin:/usr/bin", "HOME": str(tmp_path), "CX": str(ours(tmp_path, 4, run))},
    )
    assert done.returncode == (0 if run == 0 else 9)
    calls = (tmp_path / "log").read_text().splitlines()
    assert calls.count("run mine") == times
