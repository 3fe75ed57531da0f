"""The house stands on floors: a module imports only from lower ones; heavy tools live in one."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

FLOORS = [  # a module imports only from floors above it in this list; the longest name counts
    "core.context",
    "core.i18n core.errors core.files core.finding",
    # A Result must know which of its rows may be shown, so disclosure stands below it.
    "privacy",
    "core enough page",
    "stats",
    "estimates",
    "causal data",
    "weights agreement",
    "reserve",
    "scores csi drivers journeys voice service care channels segments value churn loyalty offers "
    "impact actions maturity response",
    "plots",
    "report",
    "batch",
    "cli",
]
ONLY_IN = {
    "duckdb": {"data", "reserve"},
    "matplotlib": {"plots"},
    "seaborn": {"plots"},
    "papermill": {"batch"},
    "nbclient": {"batch"},
    "pooch": {"data"},
    "click": {"cli"},
    "pandera": {"data"},
}


def modules() -> list[Path]:
    return [p for p in sorted((ROOT / "cxlib").rglob("*.py")) if p.stem != "__init__"]


IMPORT = re.compile(r"^ *(?:from ([\w.]+) )?import (?:\(([^)]*)\)|(.*))", re.M)


@cache
def imports_of(file: Path) -> set[str]:
    """What a module imports, read from its lines: to parse all modules takes seconds."""
    found = set()
    for whence, several, one in IMPORT.findall(file.read_text(encoding="utf-8")):
        names = re.sub("#.*", "", several or one).replace("\n", " ").split(",")
        named = {name.split(" as ")[0].strip() for name in names} - {""}
        found |= {f"{whence}.{name}" if whence else name for name in named}
    return found


@pytest.mark.slow
def test_imports_are_read_as_python_reads_them() -> None:
    for file in modules():
        found = set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found |= {f"{node.module}.{alias.name}" for alias in node.names}
        assert imports_of(file) == found, file


def module_of(file: Path) -> str:
    """The dotted name below cxlib: "core.sample"."""
    return ".".join(file.relative_to(ROOT / "cxlib").with_suffix("").parts)


@cache
def floor_of(module: str) -> tuple[int, str] | None:
    """(height, name in FLOORS) by the longest part of the dotted name that has a floor."""
    height = {name: i for i, floor in enumerate(FLOORS) for name in floor.split()}
    parts = module.split(".")
    for end in range(len(parts), 0, -1):
        if (name := ".".join(parts[:end])) in height:
            return height[name], name
    return None


@cache
def arrows() -> dict[str, set[str]]:
    """Module -> the modules of cxlib that it imports."""
    known = {module_of(f) for f in modules()}
    found = {}
    for file in modules():
        targets = {t.removeprefix("cxlib.") for t in imports_of(file) if t.startswith("cxlib.")}
        targets |= {t.rpartition(".")[0] for t in targets}
        found[module_of(file)] = (targets & known) - {module_of(file)}
    return found


def test_every_module_has_a_floor() -> None:
    without = [module_of(f) for f in modules() if not floor_of(module_of(f))]
    assert not without, f"{without} have no floor; give them one in FLOORS"


@pytest.mark.slow
def test_imports_only_go_down() -> None:
    wrong = []
    for file in modules():
        height, here = floor_of(module_of(file)) or (0, "")
        for target in (t for t in imports_of(file) if t.startswith("cxlib.")):
            there = floor_of(target.removeprefix("cxlib."))
            # One folder may stand on several floors.
            same = there is not None and _package(there[1]) == _package(here)
            if there and there[0] >= height + same:
                wrong.append(f"{module_of(file)} may not import {target}")
    assert not wrong


def _package(name: str) -> str:
    return name.partition(".")[0]


@pytest.mark.slow
def test_no_module_imports_itself_through_others() -> None:
    left = {m: set(t) for m, t in arrows().items()}
    while free := [m for m, targets in left.items() if not targets & left.keys()]:
        for m in free:
            del left[m]
    assert not left, f"in a circle, or above one: {sorted(left)}"


def test_no_topic_imports_the_reserve() -> None:
    topics = FLOORS[FLOORS.index("reserve") + 1].split()
    users = {m for m, targets in arrows().items() if any(_package(t) == "reserve" for t in targets)}
    assert not {m for m in users if _package(m) in topics}


@pytest.mark.parametrize("tool", ONLY_IN)
def test_a_heavy_tool_lives_in_one_place(tool: str) -> None:
    users = {module_of(f) for f in modules() if any(i.split(".")[0] == tool for i in imports_of(f))}
    strangers = {u for u in users if not any(f"{u}.".startswith(f"{p}.") for p in ONLY_IN[tool])}
    assert not strangers, f"{tool} is imported by {strangers}"


def test_importing_the_package_imports_nothing_heavy() -> None:
    heavy = ["pandas", "numpy", "duckdb", "matplotlib", "sklearn", "scipy", "papermill"]
    code = f"import cxlib, sys; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_there_is_no_utils() -> None:
    vague = {"utils", "util", "helpers", "common", "misc"}
    assert not [f for f in modules() if vague & {p.removesuffix(".py") for p in f.parts}]


def test_conda_and_pip_ask_for_the_same() -> None:
    import yaml

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = set(project["dependencies"])
    wanted |= {
        d
        for extra in ("lab", "dask", "databases", "export", "test")
        for d in project["optional-dependencies"][extra]
    }
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    names = {"matplotlib-base": "matplotlib", "python-duckdb": "duckdb"}
    found = set()
    by_pip = [d for section in conda if isinstance(section, dict) for d in section["pip"]]
    for line in [d for d in conda if isinstance(d, str)] + by_pip:
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


def test_nothing_travels_in_the_attributes_of_a_table() -> None:
    users = [
        module_of(f)
        for f in modules()
        if ".attrs" in (text := f.read_text(encoding="utf-8"))
        and any(getattr(n, "attr", "") == "attrs" for n in ast.walk(ast.parse(text)))
    ]
    assert not users, f"DataFrame.attrs is lost in a merge; {users} use it. Use a Sample."


def test_modules_have_names_that_people_search_for() -> None:
    vague = "said found given felt apart beside again enough bought retold warned fits rows"
    assert not [module_of(f) for f in modules() if f.stem in vague.split()]


@pytest.mark.slow
def test_notebooks_import_nothing_that_reads_notebooks():
    """A kernel would load nbformat and all that jsonschema checks, for a second or more."""
    code = "import cxlib.plots, cxlib.report, cxlib.reserve, sys; print('nbformat' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
