"""The house stands on floors: a module imports only from lower ones; heavy tools live in one."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FLOORS = [  # a module imports only from floors above it in this list
    "page tables stats",
    "study sources synthetic moments masking hiding bought enough",
    "estimates",
    "weights durations agreement designs intake",
    "reserve",
    "scores csi drivers journeys voice service segments value churn loyalty offers trials actions "
    "maturity",
    "show",
    "report",
    "batch",
    "cli",
]
ONLY_IN = {
    "duckdb": {"reserve"},
    "matplotlib": {"show"},
    "seaborn": {"show"},
    "papermill": {"batch"},
    "nbclient": {"batch"},
    "pooch": {"sources"},
    "click": {"cli"},
    "pandera": {"tables", "intake"},
}


def modules() -> list[Path]:
    return [p for p in sorted((ROOT / "cxlib").rglob("*.py")) if p.stem != "__init__"]


@cache
def imports_of(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def module_of(file: Path) -> str:
    """The floor plan's name: a folder of the same name counts as the module."""
    return file.relative_to(ROOT / "cxlib").parts[0].removesuffix(".py")


@pytest.mark.parametrize("file", modules(), ids=lambda f: f.stem)
def test_imports_only_go_down(file: Path) -> None:
    height = {name: i for i, floor in enumerate(FLOORS) for name in floor.split()}
    here = module_of(file)
    assert here in height, f"{here} has no floor; give it one in FLOORS"
    for target in imports_of(file):
        if not target.startswith("cxlib."):
            continue
        there = target.split(".")[1]
        if there == here or there.startswith("_"):
            continue
        assert height[there] < height[here], f"{here} may not import {there}"


@pytest.mark.parametrize("tool", ONLY_IN)
def test_a_heavy_tool_lives_in_one_place(tool: str) -> None:
    users = {module_of(f) for f in modules() if any(i.split(".")[0] == tool for i in imports_of(f))}
    assert users <= ONLY_IN[tool], f"{tool} is imported by {users - ONLY_IN[tool]}"


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = ["pandas", "numpy", "duckdb", "matplotlib", "sklearn", "scipy", "papermill"]
    code = f"import cxlib, sys; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_there_is_no_utils() -> None:
    vague = {"utils", "util", "helpers", "common", "core", "misc"}
    assert not [f for f in modules() if vague & {p.removesuffix(".py") for p in f.parts}]


def test_conda_and_pip_ask_for_the_same() -> None:
    import yaml

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = set(project["dependencies"])
    wanted |= {
        d for extra in ("lab", "dask", "test") for d in project["optional-dependencies"][extra]
    }
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    names = {"matplotlib-base": "matplotlib", "python-duckdb": "duckdb"}
    found = set()
    for line in (d for d in conda if isinstance(d, str)):
        name = line.split(">")[0].strip()
        found.add(line.replace(" ", "").replace(name, names.get(name, name), 1))
    python = {d for d in found if d.startswith("python>")}
    assert python == {f"python{project['requires-python']}"}
    assert found - python == {d.replace(" ", "") for d in wanted} | {"pip"}


def test_the_lock_has_a_hash_for_everything_and_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = [line for line in lock.splitlines() if line and not line.startswith((" ", "#"))]
    assert all("==" in line for line in pinned)
    assert lock.count("--hash=sha256:") >= len(pinned)
    assert "://" not in lock and "index" not in lock.replace("importlib", "")
