"""The package works without a checkout: it is built, installed elsewhere, and makes a project."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from cxlib import __version__, cli
from cxlib.cli import init

ROOT = Path(__file__).parents[1]
EXTENSION = "etc/jupyter/jupyter_server_config.d/cxlab.json"  # of JupyterLab's server
SCRIPTS = "Scripts" if os.name == "nt" else "bin"

OTHERS = [p for p in sys.path if Path(p).name == "site-packages"]  # of this environment


def in_git(*paths: str) -> list[str]:
    command = ["git", "ls-files", "-z", "--", *paths]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
    return sorted(name for name in done.stdout.split("\0") if name)


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    """What a command prints; its messages are shown when it fails."""
    ours = ("PYTHONPATH", "CX_ROOT", "VIRTUAL_ENV")
    env = {k: v for k, v in os.environ.items() if k not in ours} | environment
    # Templates of nbconvert lie outside site-packages, in the environment that has the packages.
    shares = [str(Path(p).parents[2] / "share" / "jupyter") for p in OTHERS]
    env["JUPYTER_PATH"] = os.pathsep.join(shares)
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def test_the_version_stands_in_one_place_and_the_papers_follow() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == __version__
    minor = ".".join(__version__.split(".")[:2])
    assert f"(now {minor})" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["dynamic"] == ["version"] and "version" not in project


def test_the_citation_has_what_the_format_asks_for() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    assert cited["cff-version"] == "1.2.0" and cited["type"] == "software"
    assert all(set(author) & {"name", "family-names"} for author in cited["authors"])
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert licence.startswith(cited["license"]) and cited["authors"][0]["name"] in licence


def test_init_makes_a_project_and_leaves_what_differs(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    done = CliRunner().invoke(cli.main, ["init", str(folder)])
    assert done.exit_code == 0, done.output
    wanted = in_git(*init.PARTS) + ["Makefile", "README.md"]
    made = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert made == sorted(wanted)
    assert (folder / "index.ipynb").read_bytes() == (ROOT / "index.ipynb").read_bytes()

    (folder / "index.ipynb").write_text("mine")
    (folder / "data/sample/topics.yaml").unlink()
    again = CliRunner().invoke(cli.main, ["init", str(folder)]).output
    assert "1 files written" in again and "  index.ipynb\n" in again
    assert (folder / "index.ipynb").read_text() == "mine"
    assert (
        "1 files written" in CliRunner().invoke(cli.main, ["init", str(folder), "--replace"]).output
    )
    assert (folder / "index.ipynb").read_bytes() == (ROOT / "index.ipynb").read_bytes()


def test_a_package_without_its_files_says_so(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(init, "PACKAGE", tmp_path / "site-packages" / "cxlib")
    (tmp_path / "site-packages").mkdir()
    done = CliRunner().invoke(cli.main, ["init", str(tmp_path / "project")])
    assert done.exit_code == 2 and "holds no files for a project" in done.output
    assert not (tmp_path / "project").exists()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as it would be published, built from what git holds, as from a fresh clone."""
    pytest.importorskip("hatchling", reason="hatchling is not installed: `make setup` brings it")
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in in_git():
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    (source / "data" / "sample" / "quarantine").mkdir()
    (source / "data" / "sample" / "quarantine" / "rows.csv").write_text("a customer")
    (source / "data" / "sample" / "reserve.duckdb").write_text("customers")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target, folder=source)
    (built,) = target.glob("*.whl")
    return built


@pytest.mark.slow
def test_the_package_holds_what_git_holds_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as package:
        names = [n for n in package.namelist() if ".dist-info/" not in n]
    wanted = in_git("cxlib") + [f"cxlib/project/{name}" for name in in_git(*init.PARTS)]
    wanted.append(f"cxlib-{__version__}.data/data/{EXTENSION}")
    assert sorted(names) == sorted(wanted)
    assert "cxlib/py.typed" in names


@pytest.mark.slow
def test_the_package_works_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    place = tmp_path / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", place, folder=tmp_path)
    python = place / SCRIPTS / "python"
    purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(run(python, "-c", purelib, folder=tmp_path).strip())
    # The other packages are those of this environment. Its own cxlib is named by a .pth file there,
    # which is not read from here.
    (packages / "others.pth").write_text("\n".join(OTHERS), encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    run(*pip, "--no-deps", "--no-index", "--ignore-installed", wheel, folder=tmp_path)

    extension = (ROOT / "cxlib" / "core" / "lab.json").read_bytes()
    assert (place / EXTENSION).read_bytes() == extension
    cx = place / SCRIPTS / "cx"
    where = run(python, "-c", "import cxlib; print(cxlib.__file__)", folder=tmp_path)
    assert Path(where.strip()).is_relative_to(place.resolve())
    assert "cx, version" in run(cx, "--version", folder=tmp_path)
    run(cx, "init", "shop", folder=tmp_path)
    shop = tmp_path / "shop"
    (shop / "answers.csv").write_text(
        "id,satisfied\n" + "".join(f"{i},{i % 10 + 1}\n" for i in range(60)), encoding="utf-8"
    )
    run(cx, "new", "mine", "answers.csv", "--yes", folder=shop)
    assert (shop / "data" / "mine" / "study.yaml").is_file()
    run(cx, "load", "sample", folder=shop)
    said = run(cx, "run", "sample", "10", "-p", "DRAWS=100", folder=shop)
    index = shop / said.strip().splitlines()[-1]
    assert index.name == "index.html" and index.is_file()
    page = (index.parent / "10_how_satisfied_are_customers.html").read_text(encoding="utf-8")
    assert "NPS" in page and str(tmp_path) not in page
