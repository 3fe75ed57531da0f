"""`cx export`: a run as slides, PDF or a workbook."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from cxlib.cli import output
from cxlib.cli.compare import RUN
from cxlib.core import context, files


@click.command()
@click.argument("run", type=RUN)
@click.option("--pptx", is_flag=True, help="Slides: one for each finding that matters.")
@click.option("--pdf", is_flag=True, help="Every page as PDF, in a folder. Needs Chromium.")
@click.option("--xlsx", is_flag=True, help="A workbook with every table.")
@click.option(
    "--lang",
    type=click.Choice(context.LANGUAGES),
    help="The pages to export. [default: the run's first language]",
)
@click.option(
    "-o",
    "--out",
    type=output.NewPath("folder"),
    metavar="DIR",
    help="Where the files go. [default: RUN]",
)
def export(
    run: Path, pptx: bool, pdf: bool, xlsx: bool, lang: str | None, out: Path | None
) -> None:
    """Export RUN to the formats named; nothing is computed again.

    RUN is a folder such as reports/sample/2026-11-21-093000. Written are slides.pptx, tables.xlsx
    and the folder pdf/, in RUN or in DIR.

    A slide has the claim of a finding as its title, its figure, its interval and n, and what to do;
    the notes say how it was found. Slides need python-pptx (pip install "cxlib[export]"). Figures
    on slides, and PDF, need Chromium or Chrome: the first of the usual names on the path, or what
    CX_BROWSER names. Without it, slides have no figures.

    \b
    Examples
      cx export reports/sample/2026-11-21-093000 --pptx
      cx export reports/sample/2026-11-21-093000 --pdf --lang zh -o for-the-board
    """
    if not (pptx or pdf or xlsx):
        raise ValueError("say what to export to: --pptx, --pdf or --xlsx.")
    from cxlib.core.context import Context
    from cxlib.report import indexes

    record, answers = (_read(run / name) for name in ("run.json", "answers.json"))
    if record["about"].get("internal"):
        raise ValueError(f"{run} is an internal run. Make it without --internal to pass it on.")
    mine = indexes.in_language(record, lang or record["lang"])
    if lang and mine["lang"] != lang:
        raise ValueError(f"{run} has no pages in {lang!r}. Run it again with --lang {lang}.")
    suffix = mine["index"].removeprefix("index").removesuffix(".html")
    place = out or run
    place.mkdir(parents=True, exist_ok=True)
    rules = mine["pages"][0]["job"]["rules"] if mine["pages"] else {"lang": mine["lang"]}
    with context.use(Context(**rules)):
        if pptx:
            _say(place / f"slides{suffix}.pptx", _slides(run, mine, answers))
        if xlsx:
            _say(place / f"tables{suffix}.xlsx", _workbook(mine, answers))
    if pdf:
        for made in _pdfs(run, mine, place / f"pdf{suffix}"):
            click.echo(output.near(made))


def _read(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{file.parent} is not a run of `cx run`: no {file.name} in it."
        ) from error


def _say(file: Path, content: bytes) -> None:
    files.write(file, content)
    click.echo(output.near(file))


def _slides(folder: Path, run: dict[str, Any], answers: dict[str, Any]) -> bytes:
    try:
        import pptx  # noqa: F401  (said here, before figures are drawn)
    except ImportError:
        raise ValueError('slides need python-pptx: pip install "cxlib[export]".') from None
    from cxlib.report import browser, slides

    try:
        content, left_out = slides.of_run(folder, run, answers)
    except browser.NoBrowserError as error:
        raise ValueError(str(error)) from None
    if left_out:
        figures = "1 figure is" if left_out == 1 else f"{left_out} figures are"
        click.echo(
            f"cx: {figures} left out of the slides: Chromium or Chrome is needed to "
            f"draw them. Install it, or name it in {browser.NAMED}.",
            err=True,
        )
    return content


def _workbook(run: dict[str, Any], answers: dict[str, Any]) -> bytes:
    from cxlib.report import workbook

    return workbook.of_run(run, answers)


def _pdfs(folder: Path, run: dict[str, Any], place: Path) -> Iterator[Path]:
    """The index and every page that was made, one file each."""
    from cxlib.report import browser

    names = [run["index"], *(f"{p['page']}.html" for p in run["pages"])]
    pages = [folder / name for name in names if (folder / name).is_file()]
    place.mkdir(exist_ok=True)
    for page in pages:
        made = place / f"{page.stem}.pdf"
        try:
            browser.pdf(page, made)
        except browser.NoBrowserError as error:
            raise ValueError(f"--pdf: {error}") from None
        yield made
