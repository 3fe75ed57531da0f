"""Lines that several commands say: questions of notebooks, paths as one would type them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from cxlib.core import files

jobs_option = click.option(
    "--jobs", type=click.IntRange(1, 64), help="Pages at a time. [default: 2 at most]"
)
fork_option = click.option(
    "--no-fork",
    "fork",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Ordinary kernels: slower, same numbers.",
)


class NewPath(click.Path):
    """A file or folder to write: the folder that holds it must be there.

    A mistyped path is then an error and no new folder. Folders in reports/ and data/ of the project
    are made where they are missing.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(dir_okay=kind == "folder", file_okay=kind == "file", path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path; a mistake where its folder is missing."""
        path = Path(value)
        super().convert(value, param, ctx)
        root = files.project()
        own = [root / name for name in ("reports", "data")] if root else []
        if not path.parent.is_dir() and not files.inside(path, own):
            self.fail(
                f"there is no folder {str(path.parent)!r}. Make it, or name another.", param, ctx
            )
        return path


class RunPath(click.Path):
    """The folder of a run that was made."""

    def __init__(self) -> None:
        super().__init__(file_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path; a mistake that says how to find one where there is none."""
        path = Path(value)
        if not path.exists():
            hint = "`cx list --runs` shows the runs that are kept."
            self.fail(f"there is no run {str(path)!r}. {hint}", param, ctx)
        super().convert(value, param, ctx)
        return path


MARKS = {"failed": "FAILED ", "not run": "NOT RUN ", "skipped": "skipped: "}


def question(notebook: Path) -> str:
    """The question that a notebook asks, in English."""
    from cxlib.core import parameters

    content = parameters.content(notebook)
    first = "".join(content["cells"][0]["source"]).partition("\n")[0]
    title = content["metadata"].get("cxlib", {}).get("title", {})
    return title.get("en", first.removeprefix("# "))


def near(path: Path) -> str:
    """The path as one would type it here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def results(made: Sequence[Any]) -> None:
    """Of the results of a run: lines one may paste into a mail, and where the index is."""
    width = max(len(r.page.name) for r in made)
    for part in dict.fromkeys((r.page.study, r.page.suffix) for r in made):
        mine = [r for r in made if (r.page.study, r.page.suffix) == part]
        click.echo(f"\n{mine[0].page.source['title']}")
        for r in mine:
            held = f", {r.memory_mb:,} MB" if r.memory_mb else ""
            took = "up to date" if r.reused else f"{r.seconds:.0f} s{held}"
            click.echo(
                f"    {r.page.name:{width}}  {took:13}   {MARKS.get(r.status, '')}{r.answer}"
            )
    click.echo("")
    if reused := sum(r.reused for r in made):
        click.echo(f"{reused} of {len(made)} pages are up to date: no input of theirs changed.")
    if failed := sum(r.status == "failed" for r in made):
        click.echo(
            f"{failed} of {len(made)} pages failed; each says so at its top. "
            "`cx --debug run` shows where in the code."
        )
    for index in _indexes(made):
        click.echo(near(index))


def tracebacks(made: Sequence[Any]) -> None:
    """Of the pages that failed: where in the code, on stderr."""
    for r in (r for r in made if r.status == "failed"):
        where = r.traceback.rstrip() or r.answer
        click.echo(f"\n{r.page.study}/{r.page.name}\n{where}", err=True)


def _indexes(made: Sequence[Any]) -> list[Path]:
    """The one that joins several folders, or those of each language of one."""
    from cxlib.batch import record

    folders = list(dict.fromkeys(r.folder for r in made))
    each = list(dict.fromkeys(r.folder / f"index{r.page.suffix}.html" for r in made))
    if len(folders) == 1:
        return each
    tops = {record.top_of(f, len(folders)) for f in folders}
    return [t / "index.html" for t in tops if t] or each
