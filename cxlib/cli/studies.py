"""`cx list`, `cx new`, `cx check`, `cx load`: studies, before anything is run on them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from cxlib.cli import completion
from cxlib.cli.output import near, question


@click.command("list")
def list_() -> None:
    """Studies and notebooks there are."""
    from cxlib import batch, study

    click.echo("Studies (data/)")
    for name in study.names():
        try:
            about = study.read(name)
            loaded = "" if about.reserve_path.exists() else "   not loaded yet"
            click.echo(f"  {name:14}{about.title['en']}{loaded}")
        except study.StudyError as error:
            first = str(error).splitlines()[1:2] or str(error).splitlines()
            click.echo(f"  {name:14}has mistakes, `cx check {name}` shows them: {first[0].strip()}")
    click.echo("\nNotebooks (notebooks/)")
    for name, path in batch.notebooks().items():
        click.echo(f"  {name:38}{question(path)}")


@click.command()
@click.argument("study")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--print", "shown", is_flag=True, help="Print the study.yaml instead of writing it.")
def new(study: str, files: Sequence[Path], shown: bool) -> None:
    """Write data/STUDY/study.yaml by looking at FILES (CSV, TSV, Excel, Parquet, SPSS).

    What was guessed is marked `# guess: confirm`. The files are left where they are.

    \b
    Example
      cx new mine answers.csv customers.xlsx
    """
    from cxlib import intake
    from cxlib import study as studies

    text = intake.draft(study, [f.resolve() for f in files])
    if shown:
        click.echo(text)
        return
    target = studies.folder_of(study) / "study.yaml"
    if target.exists():
        raise ValueError(
            f"{target} exists already and is left alone. Remove it first, or take another name."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    guesses = text.count("# guess")
    click.echo(f"Wrote {near(target)} with {guesses} guesses, marked `# guess: confirm`.")
    click.echo(f"Next: read it, correct it, then `cx check {study}`.")


@click.command()
@click.argument("study", required=False, shell_complete=completion.studies)
@click.option(
    "--dictionary", is_flag=True, help="Print the data dictionary: what each table holds."
)
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="Of the dictionary.")
def check(study: str | None, dictionary: bool, lang: str) -> None:
    """Say what is wrong with the data of STUDY, how many rows, and how to mend it.

    Exit code 1 when something is. Nothing is changed.

    \b
    Examples
      cx check mine
      cx check --dictionary
    """
    if dictionary:
        _dictionary(lang)
        return
    if not study:
        raise click.UsageError("name a study, or say --dictionary.")
    from cxlib import reserve
    from cxlib.batch import planning

    found = reserve.check(study)
    click.echo(str(found))
    amiss = planning.amiss(study)
    for mistake in amiss:
        click.echo(f"study.yaml, {mistake}")
    if amiss or not found.ok:
        sys.exit(1)


def _dictionary(lang: str) -> None:
    """Each table by itself, as wide as the terminal: columns with their rules, meanings wrapped."""
    from cxlib import page, tables

    page.begin(lang=lang)
    columns = min(shutil.get_terminal_size().columns, 100)
    for name, part in tables.dictionary(lang).groupby("table", sort=False):
        click.echo(f"\n{name}: {tables.TABLES[name].meaning[lang]}")
        wide = max(part["column"].map(len)) + 4
        for row in part.to_dict("records"):
            for line in _entry(row, wide, columns):
                click.echo(line)
    click.echo("\n* " + page.say("the key of its table"))


def _entry(row: dict, wide: int, columns: int) -> list[str]:
    """A column's name, `wide` letters, and beside it what it means and what must hold."""
    from cxlib import page
    from cxlib.show.style import wrapped

    facts = [row["kind"], row["unit"], row["must hold"]]
    said = page.say("; ").join(w for w in facts if w)
    text = page.say("{meaning} ({rules})", meaning=row["meaning"], rules=said)
    lines = wrapped(text, max(columns - wide, 20)).splitlines()
    heads = [f"  {row['column']}", *[""] * (len(lines) - 1)]
    return [f"{head:{wide}}{line}" for head, line in zip(heads, lines, strict=True)]


@click.command()
@click.argument("studies", nargs=-1, required=True, shell_complete=completion.studies)
def load(studies: Sequence[str]) -> None:
    """Take the files of STUDIES into their reserves; rows in = rows kept + rows quarantined.

    \b
    Example
      cx load sample mobile
    """
    from cxlib import reserve

    for study in studies:
        loaded = reserve.load(study)
        click.echo(f"{study}")
        for row in loaded.counts.itertuples():
            click.echo(
                f"  {row.table:12}{row.offered:>10,} in = {row.kept:,} kept + "
                f"{row.quarantined:,} quarantined"
            )
        if not loaded.check.ok:
            click.echo(f"  Why rows were quarantined, and how to mend them: `cx check {study}`.")
        elif warned := len(loaded.check.warnings):
            click.echo(f"  {warned} warning(s): `cx check {study}` shows them.")
