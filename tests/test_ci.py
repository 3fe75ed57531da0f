"""The public CI definitions run commands that exist, on the versions that are promised."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[1]
WORKFLOW = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text("utf-8"))
JOBS = WORKFLOW["jobs"]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
STEPS = [step["run"] for job in JOBS.values() for step in job["steps"] if "run" in step]


def test_every_version_of_python_that_is_promised_is_tried() -> None:
    promised = SpecifierSet(PROJECT["project"]["requires-python"])
    tried = JOBS["fast"]["strategy"]["matrix"]["python"]
    assert tried == [v for v in (f"3.{k}" for k in range(8, 20)) if v in promised]


def test_make_targets_extras_and_markers_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    fast = re.search(r"^FAST := (.*)$", makefile, re.M)
    assert fast and fast[1] == WORKFLOW["env"]["FAST"]  # one list of both
    makefile = makefile.replace("$(FAST)", fast[1])
    asked = [word for run in STEPS for word in re.findall(r"make ([\w -]+)", run)]
    asked = [*" ".join(asked).split(), *JOBS["nightly"]["strategy"]["matrix"]["target"]]
    assert asked and set(asked) <= set(re.findall(r"^([\w-]+):", makefile, re.M))
    extras = {e for run in STEPS for e in ",".join(re.findall(r"\.\[([\w,]+)\]", run)).split(",")}
    assert extras - {""} <= set(PROJECT["project"]["optional-dependencies"])
    markers = {m.split(":")[0] for m in PROJECT["tool"]["pytest"]["ini_options"]["markers"]}
    for command in re.findall(r'-m "(.*?)"', makefile):
        assert set(re.findall(r"\w+", command)) - {"not", "and"} <= markers


def test_what_is_installed_by_name_has_a_range_of_versions() -> None:
    text = "\n".join([(ROOT / "Makefile").read_text("utf-8"), *STEPS])
    asked = " ".join(re.findall(r"-m pip install ([^&|;\n]*)", text)).split()
    named = [word for word in asked if re.match(r"['\"]?[a-z]", word) and "/" not in word]
    named = [word for word in named if not word.endswith(".lock")]
    assert len(named) == 3 and all(re.search(r">=[\d.]+,<\d", word) for word in named), named


@pytest.mark.parametrize("job", JOBS)
def test_every_job_has_a_limit_and_checks_the_code_out(job: str) -> None:
    assert JOBS[job]["timeout-minutes"] <= 240
    assert JOBS[job]["steps"][0]["uses"].startswith("actions/checkout@")


SELDOM_RUN = sorted(p for d in ("benchmarks", "chaos") for p in (ROOT / "tests" / d).glob("*.py"))


@pytest.mark.parametrize("file", SELDOM_RUN, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_what_benchmarks_and_campaigns_take_from_the_package_exists(file: Path) -> None:
    """They run seldom: a name that the package no longer has would be noticed months later."""
    tree = ast.parse(file.read_text("utf-8"))
    # A whole script that is run in a process of its own, not the pieces of an f-string.
    scripts = [
        n.value.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Assign)
        and isinstance(n.value, ast.Constant)
        and isinstance(n.value.value, str)
    ]
    scripts = [s for s in scripts if re.search(r"^(import|from) ", s, re.M)]
    assert not [name for each in (tree, *map(ast.parse, scripts)) for name in _missing(each)]


def test_a_name_that_the_package_does_not_have_is_found() -> None:
    gone = "from cxlib import drivers\nfrom cxlib.core import nobody\ndrivers.gains\ndrivers.gone"
    assert _missing(ast.parse(gone)) == ["cxlib.core.nobody", "cxlib.drivers.gone"]


def _missing(tree: ast.Module) -> list[str]:
    """Names of the package that a script imports or takes from an imported module, and are not."""
    modules, missing = {}, []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "cxlib":
            for name in node.names:
                try:
                    found = getattr(importlib.import_module(node.module), name.name, None)
                    found = found or importlib.import_module(f"{node.module}.{name.name}")
                except ModuleNotFoundError:
                    missing.append(f"{node.module}.{name.name}")
                else:
                    modules[name.asname or name.name] = found
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = modules.get(node.value.id)
            if isinstance(module, ModuleType) and not hasattr(module, node.attr):
                missing.append(f"{module.__name__}.{node.attr}")
    return missing
