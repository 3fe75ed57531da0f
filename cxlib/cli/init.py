"""`cx init`: a project of one's own, where the package is installed without a checkout."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import click

from cxlib.cli.output import near

PACKAGE = Path(__file__).resolve().parents[1]
SHIPPED = (
    PACKAGE / "project"
)  # in an installed package: the files of the checkout that projects get
OWN = Path(__file__).parent / "new_project"  # what a project has instead of the checkout's files
# Of the checkout, as pyproject.toml puts them into the package.
PARTS = (
    "notebooks",
    "data",
    "docs/*.md",
    "docs/study.schema.json",
    "reports/README.md",
    "index.ipynb",
    ".gitignore",
)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Replace files that differ from those of cxlib.")
def init(folder: Path, replace: bool) -> None:
    """Make FOLDER a project, with notebooks and the study sample.

    The public studies, a Makefile and a .gitignore are written too. In a project that exists
    already, files that are missing are added. Files that differ stay as they are and are named;
    with --replace they are replaced. Nothing else is touched.

    \b
    Examples
      cx init cx-project && cd cx-project && cx load sample && cx run sample
      cx init . --replace          after an update of cxlib
    """
    from cxlib.core import files

    around = files.holding(folder)
    if around and around != folder.resolve():
        raise click.UsageError(
            f"{near(folder)} lies in the project {near(around)}. Name a folder outside it; a study "
            "of that project begins with `cx new`."
        )
    wanted = shipped()
    contents = {name: path.read_bytes() for name, path in wanted.items()}
    differing, made = [], 0
    for name, content in contents.items():
        target = folder / name
        there = target.read_bytes() if target.exists() else None
        if there == content:
            continue
        if there is not None and not replace:
            differing.append(name)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        files.write(target, content)
        made += 1
    click.echo(f"{near(folder)}: {made} files written, {len(contents) - made} left as they were.")
    if differing:
        click.echo("These differ from the files of cxlib (--replace replaces them):")
        click.echo("\n".join(f"  {name}" for name in differing))
    place = "" if folder.resolve() == Path.cwd() else f"cd {near(folder)} && "
    click.echo(f"Next: {place}cx load sample && cx run sample")


def shipped() -> dict[str, Path]:
    """Files of a new project: name in the project -> file; StudyError where none came along."""
    found = {path.relative_to(SHIPPED).as_posix(): path for path in _files(SHIPPED)}
    found = found or _of_checkout(PACKAGE.parent)
    return found | {path.name: path for path in _files(OWN)}


def _files(folder: Path) -> Iterator[Path]:
    return (p for p in sorted(folder.rglob("*")) if p.is_file() and "__pycache__" not in p.parts)


def _of_checkout(root: Path) -> dict[str, Path]:
    """Files of a checkout that git knows: a developer's own data stay where they are."""
    from cxlib.data.study import StudyError

    command = ["git", "ls-files", "-z", "--", *PARTS]
    try:
        names = subprocess.run(  # noqa: S603 - fixed arguments
            command, cwd=root, capture_output=True, check=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise StudyError(
            f"{PACKAGE} holds no files for a project, and {root} is no checkout of git. Install "
            "the package: pip install cxlib."
        ) from error
    return {name: root / name for name in names.split("\0") if name}
