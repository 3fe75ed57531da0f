"""`cx report`, `cx verify`, `cx diff`: runs that were made."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cxlib.cli.errors import terminated_like_ctrl_c
from cxlib.cli.output import NewPath, RunPath, fork_option, jobs_option, near
from cxlib.cli.studies import allow_outside

if TYPE_CHECKING:
    from cxlib.report.comparison import Run

RUN = RunPath()


@click.command()
@click.argument("run", required=False, type=RUN)
def report(run: Path | None) -> None:
    """Bind the pages and index of RUN again; nothing is computed.

    RUN is a folder such as reports/sample/2026-11-21-093000; all of them when it is left out.
    """
    from cxlib.batch import record
    from cxlib.data import study

    top = study.root() / "reports"
    folders = [run] if run else sorted(p.parent for p in top.glob("*/*/run.json"))
    if not folders:
        raise ValueError("nothing is kept yet. `cx run STUDY` makes reports.")
    for folder in folders:
        pages = record.bind_again(folder)
        click.echo(f"{near(folder / 'index.html')}: {pages} pages bound")
    click.echo(near(top / "index.html"))


@click.command()
@click.argument("run", type=RUN)
@jobs_option
@fork_option
@allow_outside
def verify(run: Path, jobs: int | None, fork: bool) -> None:
    """Make RUN again and say whether every number is the same.

    It is made in a folder of its own and then thrown away; RUN stays as it is. Exit code 1 when a
    number differs: each is listed with what it was, and what changed behind it (data, wording,
    code, environment, parameters). Exit code 1 also when a page failed, then or now: nothing of it
    can be compared.

    \b
    Example
      cx verify reports/sample/2026-11-21-093000
    """
    from cxlib.batch.verify import verify as verified

    with terminated_like_ctrl_c():
        found = verified(run, jobs=jobs, fork=fork)
    click.echo(str(found))
    if found.without or not found.same:
        sys.exit(1)


@click.command()
@click.argument("before", type=RUN)
@click.argument("after", type=RUN)
@click.option(
    "-o",
    "--out",
    type=NewPath("file"),
    metavar="FILE",
    help="Write the comparison as an HTML page too.",
)
@click.option(
    "--lang",
    type=click.Choice(["en", "zh"]),
    default="en",
    help="The pages that are compared, and the HTML page.",
)
@click.option("--all", "every", is_flag=True, help="Every value that differs, a line each.")
def diff(before: Path, after: Path, out: Path | None, lang: str, every: bool) -> None:
    """Say what changed from run BEFORE to run AFTER, and why.

    Page by page: answers that say something else, and estimates whose intervals do not touch. Exit
    code 1 when a page failed in one of the runs, so that nothing of it can be compared.

    \b
    Example
      cx diff reports/sample/monday reports/sample/friday -o comparison_page.html
    """
    from cxlib.core import context, files
    from cxlib.report import comparison, comparison_page

    runs = comparison.in_one_language(comparison.read(before), comparison.read(after), lang)
    if internal := [r.name for r in runs if r.record["about"].get("internal")]:
        raise ValueError(f"{internal[0]} is an internal run: it is compared with no other.")
    found = comparison.compare(*runs)
    rules = context.Context(**_rules(runs[1]))
    with context.use(replace(rules, lang="en")):
        click.echo(str(found) if every else comparison_page.text(found))
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        with context.use(replace(rules, lang=lang)):
            files.write(out, comparison_page.html(found))
        click.echo(near(out))
    if found.without:
        sys.exit(1)


def _rules(run: Run) -> dict[str, Any]:
    """The names by which the pages of a run call what they tell of."""
    return next((p["job"]["rules"] for p in run.record["pages"] if "job" in p), {})
