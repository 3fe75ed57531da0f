"""`cx list`, `help`, `new`, `check`, `load`: studies, before anything is run on them."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cxlib.cli import completion, errors, retention
from cxlib.cli.output import near, question
from cxlib.cli.terminal import shortened
from cxlib.core.i18n import _

SCHEMA = "study.schema.json"  # in data/, from which editors complete and check study.yaml

if TYPE_CHECKING:
    from cxlib.data.intake.drafts import Plan, Question
    from cxlib.reserve import Check

MOST_QUESTIONS = 5  # that `cx new` asks; what is left stands under `unconfirmed`


def _allow(ctx: click.Context, _unused: click.Parameter, given: bool) -> None:
    """Let study.yaml name any file, for this command and the processes that it starts."""
    if given:
        from cxlib.data.sources import ALLOW_OUTSIDE

        before = os.environ.get(ALLOW_OUTSIDE, "")
        os.environ[ALLOW_OUTSIDE] = "1"
        ctx.call_on_close(lambda: os.environ.__setitem__(ALLOW_OUTSIDE, before))


allow_outside = click.option(
    "--allow-outside",
    is_flag=True,
    expose_value=False,
    callback=_allow,
    help="Let study.yaml read files outside the study's folder and the mirror.",
)


@click.command("list")
@click.argument("names", nargs=-1, metavar="[STUDY...]", shell_complete=completion.studies)
@click.option("--runs", is_flag=True, help="The runs of the studies, or of all, with their sizes.")
def list_(names: Sequence[str], runs: bool) -> None:
    """List studies and notebooks; with --runs, the runs kept.

    \b
    Example
      cx list --runs mine
    """
    if runs:
        retention.listed(names)
        return
    if names:
        raise click.UsageError("name studies with --runs: cx list --runs STUDY.")
    from cxlib import batch
    from cxlib.data import study

    click.echo("Studies (data/)")
    for name in study.names():
        try:
            about = study.read(name)
            loaded = "" if about.reserve_path.exists() else "   not loaded yet"
            click.echo(f"  {name:14}{about.title['en']}{loaded}")
        except study.StudyError as error:
            first = str(error).splitlines()[1:2] or str(error).splitlines()
            click.echo(f"  {name:14}has mistakes, `cx check {name}` shows them: {first[0].strip()}")
        except (OSError, RecursionError, MemoryError) as error:  # one study does not end the list
            click.echo(f"  {name:14}cannot be read: {errors.in_words(error)}")
    click.echo("\nNotebooks (notebooks/)")
    for name, path in batch.notebooks().items():
        click.echo(f"  {name:38}{question(path)}")
    retention.kept()


@click.command()
@click.argument("study")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--yes", "-y", is_flag=True, help="Take the proposed answers; ask nothing.")
@click.option("--print", "shown", is_flag=True, help="Print the study.yaml instead of writing it.")
@click.option(
    "--allow-outside",
    is_flag=True,
    help="Name the files where they lie instead of copying them; check, load and run "
    "then need --allow-outside too.",
)
def new(study: str, files: Sequence[Path], yes: bool, shown: bool, allow_outside: bool) -> None:
    """Write data/STUDY/study.yaml by looking at FILES.

    Exports of survey tools, help desks and shops are recognised (Qualtrics, SurveyMonkey, Google
    Forms, Zendesk, Shopify and others); of other files the columns are guessed. Next to each guess
    stands what speaks for it. What only you can know is asked, at most five questions; without a
    terminal, or with --yes, the proposed answers are taken. Answers that are not confirmed, stand
    under `unconfirmed` in study.yaml and are shown on reports. Files from elsewhere are copied to
    data/STUDY; personal columns are left out of the study, not out of the copy.

    \b
    Examples
      cx new mine answers.csv customers.xlsx
      cx new mine --yes export.zip
    """
    from cxlib.core import files as core_files
    from cxlib.data import reference
    from cxlib.data import study as studies
    from cxlib.data.intake import drafts

    paths = [f.resolve() for f in files]
    target = studies.folder_of(study) / "study.yaml"
    if target.exists() and not shown:
        raise ValueError(
            f"{target} exists already and is left alone. Remove it first, or take another name."
        )
    plan = drafts.plan(study, paths)  # before anything is copied: it may refuse the files
    if not yes and not shown and _on_terminal():
        _ask(plan.questions)
    if shown:
        click.echo(drafts.text(plan))
        return
    outside = [f for f in paths if not core_files.inside(f, [target.parent])]
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    copies = _copied(outside, target.parent) if outside and not allow_outside else {}
    head = f"# yaml-language-server: $schema=../{SCHEMA}\n"
    core_files.write(target, head + drafts.text(plan, copies))
    core_files.write(target.parent.parent / SCHEMA, reference.json_schema(studies.Study))
    click.echo(f"Wrote {near(target)}: {_contents(plan)}.")
    if waiting := [q.text for q in plan.questions if not q.settled] + plan.doubts:
        click.echo(f"To be confirmed there, under `unconfirmed` ({len(waiting)}):")
        for text in waiting:
            click.echo(f"  {text}")
    more = " --allow-outside" if outside and allow_outside else ""
    click.echo(f"Next: read it, correct it, then `cx check {study}{more}`.")


def _on_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _ask(questions: Sequence[Question]) -> None:
    """Put the open questions on the terminal, with the proposed answers as defaults."""
    for asked in questions[:MOST_QUESTIONS]:
        click.echo(f"\n{asked.text}")
        keys = list(asked.options)
        for n, key in enumerate(keys, start=1):
            click.echo(f"  {n}  {asked.options[key]}")
        number = click.prompt(
            "Number", type=click.IntRange(1, len(keys)), default=keys.index(asked.proposed) + 1
        )
        asked.settle(keys[number - 1])


def _contents(plan: Plan) -> str:
    """The tables of a draft and the tool that each file comes from, in a few words."""
    tools = {p.seen.profile.title for of in plan.tables.values() for p in of if p.seen.profile}
    asked = f", {len(plan.ratings)} question(s)" if plan.ratings else ""
    made = f" (an export of {', '.join(sorted(tools))})" if tools else ""
    return f"{', '.join(plan.tables)}{asked}{made}"


def _copied(outside: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """Copy files into a folder, for their owner alone; ValueError for a name that is taken."""
    from cxlib.core import files

    copies = {file: folder / file.name for file in outside}
    for file, copy in copies.items():
        if copy.exists() or list(copies.values()).count(copy) > 1:
            raise ValueError(
                f"{file} cannot be copied to {near(folder)}: another file there is called "
                f"{copy.name}. Rename one of them, or name it where it lies with --allow-outside."
            )
    for file, copy in copies.items():
        with files.replacing(copy, mode=0o600) as fresh:
            shutil.copyfile(file, fresh)
        click.echo(f"Copied {file.name} to {near(folder)}.")
    return copies


@click.command("help")
@click.argument("topic", required=False, metavar="[study.yaml|COMMAND]")
@click.argument("key", required=False, metavar="[KEY]")
@click.option("--markdown", is_flag=True, help="The reference of study.yaml as a page.")
@click.option("--schema", is_flag=True, help="Its JSON Schema, for editors.")
@click.pass_context
def help_(
    ctx: click.Context, topic: str | None, key: str | None, markdown: bool, schema: bool
) -> None:
    """Help on a command, or on the keys of study.yaml.

    \b
    Examples
      cx help study.yaml                   the keys at the top
      cx help study.yaml tables.derive     one key: type, default, meaning, example
      cx help run                          as cx run --help
    """
    from cxlib.data import reference
    from cxlib.data.study import Study

    main = ctx.parent.command if ctx.parent else None
    if topic in ("study.yaml", "study"):
        if markdown or schema:
            made = reference.markdown(Study) if markdown else reference.json_schema(Study)
            click.echo(made, nl=False)
            return
        width = min(shutil.get_terminal_size().columns, 100)
        try:
            click.echo(reference.text(Study, key or "", width))
        except LookupError as error:
            raise ValueError(str(error)) from None
    elif isinstance(main, click.Group) and ctx.parent:
        command = main.get_command(ctx, topic) if topic else main
        if command is None:
            raise click.UsageError(
                f"no command {topic!r}. There are: {', '.join(main.list_commands(ctx))}, and "
                "`cx help study.yaml`."
            )
        inner = click.Context(command, info_name=topic, parent=ctx.parent) if topic else ctx.parent
        click.echo(command.get_help(inner))


@click.command()
@click.argument("study", required=False, shell_complete=completion.studies)
@click.option(
    "--dictionary", is_flag=True, help="Print the data dictionary: what each table holds."
)
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="Of the dictionary.")
@allow_outside
def check(study: str | None, dictionary: bool, lang: str) -> None:
    """Say what is wrong with the data of STUDY and how to fix it.

    It also says which pages can be made: the first line counts the notebooks that are ready, that
    leave parts out (partly), and that are not possible; the list at the end says why. Nothing is
    changed.

    The exit code is that of `cx load`: 0 when nothing is lost but a few cells (at most 1% of the
    filled cells of a column) and no question is open; 4 when a row or more cells are lost, or a
    question is open, such as a guess under `unconfirmed` in study.yaml; 2 when study.yaml or a file
    cannot be used, so that nothing could be loaded.

    \b
    Examples
      cx check mine
      cx check --dictionary
    """
    if dictionary:
        from cxlib.core import context

        with context.use(context.Context(lang=lang)):
            _dictionary(lang)
        return
    if not study:
        raise click.UsageError("name a study, or say --dictionary.")
    from cxlib import reserve
    from cxlib.batch import planning, readiness
    from cxlib.data import study as studies

    found = reserve.check(study)
    amiss = planning.amiss(study)
    pages = [] if amiss or not found.taken else readiness.of(studies.read(study), found.taken)
    if pages:
        counts = Counter(page.status for page in pages)
        states = (readiness.READY, readiness.PARTLY, readiness.NOT_POSSIBLE)
        click.echo("Notebooks: " + ", ".join(f"{s} {counts[s]}" for s in states))
    said = [*str(found).splitlines(), *(f"study.yaml, {mistake}" for mistake in amiss)]
    notes = [line for line in said if line.startswith("  note:")]
    listed = [f"  {line}" for page in pages for line in str(page).splitlines()]
    for line in [*(line for line in said if line not in notes), *listed, *notes]:
        click.echo(_wrapped(line))
    sys.exit(reserve.UNUSABLE if amiss else found.exit_code)


def _wrapped(line: str) -> str:
    """A line as wide as the terminal, what goes on indented deeper."""
    width = min(shutil.get_terminal_size().columns, 100)
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.fill(shortened(line), width, subsequent_indent=indent, break_on_hyphens=False)


def _dictionary(lang: str) -> None:
    """Each table by itself, as wide as the terminal: columns with their rules, meanings wrapped."""
    from cxlib.data import contract

    columns = min(shutil.get_terminal_size().columns, 100)
    for name, part in contract.dictionary(lang).groupby("table", sort=False):
        click.echo(f"\n{name}: {contract.TABLES[name].meaning[lang]}")
        wide = max(part["column"].map(len)) + 4
        for row in part.to_dict("records"):
            for line in _entry(row, wide, columns):
                click.echo(line)
    click.echo("\n* " + _("the key of its table"))


def _entry(row: dict[str, Any], wide: int, columns: int) -> list[str]:
    """A column's name, `wide` letters, and beside it what it means and what must hold."""
    from cxlib.core.text import wrap

    facts = [row["kind"], row["unit"], row["must hold"]]
    said = _("; ").join(w for w in facts if w)
    text = _("{meaning} ({rules})", meaning=row["meaning"], rules=said)
    lines = wrap(text, max(columns - wide, 20)).splitlines()
    heads = [f"  {row['column']}", *[""] * (len(lines) - 1)]
    return [f"{head:{wide}}{line}" for head, line in zip(heads, lines, strict=True)]


@click.command()
@click.argument("studies", nargs=-1, required=True, shell_complete=completion.studies)
@allow_outside
@click.option("--full", is_flag=True, help="Read everything, not new rows alone.")
def load(studies: Sequence[str], full: bool) -> None:
    """Take the files of STUDIES into their reserves.

    Rows in = rows kept + rows quarantined (+ rows that `only` leaves out). Of tables with
    `grows: true` new files alone are read, and of tables with a `watermark` new and changed rows,
    where nothing else has changed.

    The exit code is that of `cx check`: 0 when nothing is lost but a few cells (at most 1% of the
    filled cells of a column) and no question is open; 4 when it is done and a row or more cells are
    lost, or a question is open, such as a guess under `unconfirmed` in study.yaml; 2 when
    study.yaml or a file cannot be used, so that nothing is loaded.

    \b
    Example
      cx load sample mobile
    """
    codes, alone = set(), len(studies) == 1
    for study in studies:
        try:
            codes.add(_loaded(study, full=full))
        except Exception as error:
            if alone or not errors.is_ours(error):
                raise
            click.echo(f"{study}\n  not loaded: {errors.in_words(error)}", err=True)
            codes.add(errors.code_of(error))
    unusable = codes & {2, 3}  # worse than losses, which 4 says
    sys.exit(max(unusable or codes))


def _loaded(study: str, *, full: bool = False) -> int:
    """Load a study and say what was taken in and lost; the exit code."""
    from cxlib.core.progress import announced, reminded

    with announced(f"loading {study}"):
        from cxlib import reserve
    _hold_to_checksums(study)
    with reminded(f"loading {study}"):
        loaded = reserve.load(study, whole=full)
    click.echo(f"{study}")
    for line in loaded.only_new:
        click.echo(f"  {line}")
    for row in loaded.counts.itertuples():
        cells = f"; {row.cells:,} cell(s) set to missing" if row.cells else ""
        left_out = f" + {row.left_out:,} left out by `only`" if row.left_out else ""
        click.echo(
            f"  {row.table:12}{row.offered:>10,} in = {row.kept:,} kept + "
            f"{row.quarantined:,} quarantined{left_out}{cells}"
        )
    for loss in loaded.serious.itertuples():
        where = f"{loss.table}.{loss.column}" if loss.column else loss.table
        click.echo(f"  lost: {where}: {loss.n:,} of {loss.of:,} {loss.lost}s")
    for line in (*_without_customer(loaded.check), *_open_questions(loaded.check)):
        click.echo(_wrapped(line))
    if len(loaded.check.problems):
        click.echo(f"  What was lost, and how to correct it: `cx check {study}`.")
    elif warned := len(loaded.check.warnings):
        click.echo(f"  {warned} warning(s): `cx check {study}` shows them.")
    return loaded.check.exit_code


def _without_customer(check: Check) -> list[str]:
    """The orders that name no customer, with their share of the amount."""
    from cxlib.data.intake import reasons

    return [
        f"  lost: {table}: {len(rows):,} rows have {reasons.render(rule, params)}"
        for (table, _column, rule, params), rows in reasons.by_kind(check.problems)
        if rule == "no_customer"
    ]


def _open_questions(check: Check) -> list[str]:
    """The warnings of a check that have to be answered, and the guesses to be confirmed."""
    from cxlib.data.intake import plausibility
    from cxlib.reserve.loading import confirmation_lines, warning_lines

    warned = warning_lines(plausibility.doubtful(check.warnings))
    return warned + confirmation_lines(check.unconfirmed)


def _hold_to_checksums(name: str) -> None:
    """Offer to write the checksums that `sources` in study.yaml lacks, once they are known."""
    from cxlib.data import sources, study

    about = study.read(name)
    for key, source in about.sources.items():
        if source.sha256:
            continue
        path = sources.fetch(source, key)
        click.echo(f"  {sources.without_checksum(path, key)}", err=True)
        if not sys.stdin.isatty() or not click.confirm("  Write it into study.yaml?"):
            continue
        if not sources.write_checksum(about.folder / "study.yaml", source, sources.sha256(path)):
            click.echo("  No line of study.yaml is its url alone: add it by hand.", err=True)
