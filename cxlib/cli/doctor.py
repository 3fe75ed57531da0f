"""`cx doctor`: is everything here that reports need, and what to do where it is not."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from packaging.requirements import Requirement

Status = Literal["ok", "warn", "fail"]
GB = 2**30
DISK = (0.2, 2.0)  # GB free: less than the first is too little, less than the second is scarce
MEMORY = (0.5, 2.0)  # GB available, likewise: two pages at a time hold about 1 GB
SECONDS = 15  # that the package index has to answer
NAMED = 5  # packages in one line
LOCK = "requirements.lock"


@dataclass(frozen=True)
class Check:
    """One line of `cx doctor`: what was looked at, how it is, and what to do."""

    name: str
    status: Status
    detail: str
    advice: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
def doctor(as_json: bool) -> None:
    """Check whether everything that reports need is here.

    Where it is not, a line says what to do. Each line is ok, warn (a part is missing that only some
    commands need) or fail. The exit code is 1 where something fails, else 0. Nothing is changed or
    installed; the package index is asked once, through pip.

    \b
    Example
      cx doctor --json
    """
    found = []
    for check in CHECKS:
        for line in _lines(check):
            found.append(line)
            if not as_json:
                _say(line)
    failed = sum(line.status == "fail" for line in found)
    if as_json:
        checks = [asdict(line) for line in found]
        click.echo(json.dumps({"ok": not failed, "checks": checks}, ensure_ascii=False, indent=1))
    else:
        warned = sum(line.status == "warn" for line in found)
        click.echo(f"\n{len(found)} checks: {failed} failed, {warned} warnings.")
    if failed:
        click.get_current_context().exit(1)


def _lines(check: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """The lines of a check; a package that it needs itself and that is missing is one of them."""
    try:
        yield from check()
    except ImportError as error:
        advice = "Install what the line `packages` names, and run this again."
        yield Check(check.__name__, "fail", f"cannot be checked: {error}", advice)


def _say(line: Check) -> None:
    click.echo(f"{line.status:4}  {line.name:15} {line.detail}")
    if line.advice:
        click.echo(f"{'':22}{line.advice}")


def python() -> Iterator[Check]:
    """The version of Python, against the one that the package asks for."""
    from packaging.specifiers import SpecifierSet

    asked = importlib.metadata.metadata("cxlib")["Requires-Python"]
    good = SpecifierSet(asked).contains(platform.python_version(), prereleases=True)
    advice = "" if good else "Make a new environment with a Python of these versions."
    detail = f"{platform.python_version()} (needs {asked}), {sys.executable}"
    yield Check("python", "ok" if good else "fail", detail, advice)


def packages() -> Iterator[Check]:
    """Packages against the bounds of cxlib and, in a checkout, against the lock."""
    asked = [_requirement(line) for line in importlib.metadata.requires("cxlib") or ()]
    needed = {r.name: r for r in asked if r.marker is None or r.marker.evaluate({"extra": ""})}
    installed = {name: version_of(name) for name in needed}
    wrong = unmet(needed, installed)
    if wrong:
        advice = "Install them: `make setup` in a checkout, else `pip install --upgrade cxlib`."
        yield Check("packages", "fail", _some(wrong), advice)
    else:
        yield Check("packages", "ok", f"the {len(needed)} that cxlib needs are installed")
    from cxlib.core import files

    lock = (files.project() or Path()) / LOCK
    if not lock.is_file():
        return
    other = differing(lock.read_text(encoding="utf-8"))
    if other:
        advice = "Tests are run with the versions of the lock: `make setup` installs them."
        yield Check("lock", "warn", _some(other), advice)
    else:
        yield Check("lock", "ok", f"the versions are those of {LOCK}")


def _requirement(line: str) -> Requirement:
    from packaging.requirements import Requirement

    return Requirement(line)


def version_of(name: str) -> str | None:
    """The installed version of a package, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def unmet(needed: Mapping[str, Requirement], installed: Mapping[str, str | None]) -> list[str]:
    """The requirements that the installed versions do not meet, in words.

    Examples
    --------
    >>> from packaging.requirements import Requirement
    >>> needed = {name: Requirement(f"{name}>=2") for name in ("one", "two", "three")}
    >>> unmet(needed, {"one": "1.0", "two": "2.1", "three": None})
    ['one 1.0 (needs >=2)', 'three is missing (needs >=2)']
    """
    lines = []
    for name, requirement in needed.items():
        version = installed[name]
        if version is None or not requirement.specifier.contains(version, prereleases=True):
            asked = f" (needs {requirement.specifier})" if requirement.specifier else ""
            lines.append(f"{name} {version or 'is missing'}{asked}")
    return lines


def differing(lock: str) -> list[str]:
    """Packages that are installed in another version than the lock's, in words.

    Packages that are not installed are left out: the lock holds those of tests and other systems.

    Examples
    --------
    >>> import packaging
    >>> differing("packaging==0.1 \\\\\\n    --hash=sha256:00\\nnowhere==1.0")[0].split(" (")[1]
    'lock: 0.1)'
    """
    lines = [line.split("\\")[0].strip() for line in lock.splitlines()]
    names = [line for line in lines if line and not line.startswith(("#", "--"))]
    found = []
    for requirement in map(_requirement, names):
        version = version_of(requirement.name)
        if version is None or (requirement.marker and not requirement.marker.evaluate()):
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            locked = str(requirement.specifier).removeprefix("==")
            found.append(f"{requirement.name} {version} (lock: {locked})")
    return found


def _some(lines: list[str]) -> str:
    rest = f" and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
    return ", ".join(lines[:NAMED]) + rest


def fonts() -> Iterator[Check]:
    """Fonts for Latin letters and for Chinese characters."""
    from cxlib.plots import fonts as of_plots

    latin, chinese = of_plots.families()[0], of_plots.chinese_fonts()
    if of_plots.is_listed(latin):
        yield Check("font, Latin", "ok", latin)
    else:
        yield Check("font, Latin", "fail", f"{latin} is missing", "Install matplotlib again.")
    if chinese:
        yield Check("font, Chinese", "ok", chinese[0])
    else:
        advice = "For slides and figures in Chinese install one (Debian: apt install "
        advice += "fonts-wqy-microhei). Web pages use the fonts of their readers."
        yield Check("font, Chinese", "warn", "none installed", advice)


def browser() -> Iterator[Check]:
    """Chromium or Chrome, for PDF and slides."""
    from cxlib.report import browser as of_reports

    if path := of_reports.found():
        yield Check("browser", "ok", path)
    else:
        advice = "`cx export --pdf` and --pptx need Chromium or Chrome (Debian: apt install "
        advice += f"chromium); {of_reports.NAMED} names one that lies elsewhere."
        yield Check("browser", "warn", "no Chromium or Chrome was found", advice)


def kernel() -> Iterator[Check]:
    """The Jupyter kernel that notebooks name, and whether it is of this Python."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    from cxlib.batch import execute

    name = execute.KERNEL["name"]
    try:
        command = KernelSpecManager().get_kernel_spec(name).argv
    except NoSuchKernel:
        yield Check("kernel", "fail", f"no kernel {name}", "Install it: pip install ipykernel.")
        return
    major, minor = sys.version_info[:2]
    if command[0] in ("python", f"python{major}", f"python{major}.{minor}"):
        other = sys.executable  # what Jupyter starts for these names
    else:
        other = shutil.which(command[0]) or command[0]
    if Path(other).parent.resolve() == Path(sys.executable).parent.resolve():
        yield Check("kernel", "ok", f"{name}, of this Python")
    else:
        advice = f"Notebooks in JupyterLab run there. Remove it: jupyter kernelspec remove {name}."
        yield Check("kernel", "warn", f"{name} is of another Python: {other}", advice)


def disk() -> Iterator[Check]:
    """Free disk space where the project, or this folder, lies."""
    from cxlib.core import files

    place = files.project() or Path.cwd()
    free = shutil.disk_usage(place).free / GB
    advice = "Make room: `cx prune STUDY --keep 3` removes older runs."
    yield _amount("disk", free, DISK, f"free at {place}", advice)


def memory() -> Iterator[Check]:
    """Available memory."""
    import psutil

    free = psutil.virtual_memory().available / GB
    advice = "Close other programs, or make one page at a time: cx run --jobs 1."
    yield _amount("memory", free, MEMORY, "available", advice)


def _amount(
    name: str, amount: float, bounds: tuple[float, float], where: str, advice: str
) -> Check:
    too_little, scarce = bounds
    status: Status = "fail" if amount < too_little else "warn" if amount < scarce else "ok"
    return Check(name, status, f"{amount:.1f} GB {where}", "" if status == "ok" else advice)


def mirror() -> Iterator[Check]:
    """The folder of public data that is looked at before anything is downloaded."""
    named = os.environ.get("CX_MIRROR")
    if not named:
        yield Check("mirror", "ok", "CX_MIRROR is not set: public data are downloaded")
    elif Path(named).is_dir():
        yield Check("mirror", "ok", named)
    else:
        advice = "Set CX_MIRROR to a folder that exists, or unset it."
        yield Check("mirror", "warn", f"{named} is not a folder", advice)


def package_index() -> Iterator[Check]:
    """Whether pip reaches its package index, which the public studies in packages come from."""
    command = [sys.executable, "-m", "pip", "index", "versions", "stop-words"]
    command += ["--quiet", "--no-input", "--retries=0", f"--timeout={SECONDS}"]
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter, with fixed arguments
            command, capture_output=True, timeout=2 * SECONDS, check=False
        )
        reached = done.returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        reached = False
    if reached:
        yield Check("package index", "ok", "pip reaches it")
    else:
        advice = "Only mobile, telco, cdnow and grocery, and installations, need it. Set pip's "
        advice += "index (pip config), or CX_MIRROR."
        yield Check("package index", "warn", "pip does not reach it", advice)


def folders() -> Iterator[Check]:
    """The project, and whether its folders and the cache can be written."""
    from cxlib.core import files
    from cxlib.data import sources

    root = files.project()
    if root is None:
        advice = "Go to your project, or make one: cx init DIR."
        yield Check("project", "warn", f"no project at {Path.cwd()}", advice)
    else:
        yield Check("project", "ok", str(root))
    wanted = {"cache": sources.cache()}
    if root is not None:
        wanted = {"data": root / "data", "reports": root / "reports"} | wanted
    for name, folder in wanted.items():
        if writable(folder):
            yield Check(f"folder, {name}", "ok", f"{folder} is writable")
        else:
            advice = f"See who owns it: ls -ld {folder}."
            if name == "cache":
                advice += " CX_CACHE names another folder."
            yield Check(f"folder, {name}", "fail", f"{folder} cannot be written", advice)


def writable(folder: Path) -> bool:
    """Whether files can be made in a folder, or in the nearest one above that exists."""
    there = next((f for f in (folder, *folder.parents) if f.exists()), folder)
    try:
        with tempfile.TemporaryFile(dir=there):
            return True
    except OSError:
        return False


def git() -> Iterator[Check]:
    """Git, for history of studies and notebooks; commands work without it."""
    if path := shutil.which("git"):
        yield Check("git", "ok", path)
    else:
        yield Check("git", "warn", "not found", "Install it to keep a history of your studies.")


CHECKS: tuple[Callable[[], Iterator[Check]], ...] = (
    python,
    packages,
    fonts,
    browser,
    kernel,
    disk,
    memory,
    mirror,
    package_index,
    folders,
    git,
)
