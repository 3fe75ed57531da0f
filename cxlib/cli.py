"""The `cx` command: studies in, reports out.

    cx new mine answers.csv      write a study.yaml from files
    cx check mine                what is wrong with the data, and how to mend it
    cx load mine                 put it into the reserve
    cx run mine                  make its reports
    cx report                    bind reports again from what was kept
    cx verify RUN                make a run again: is every number the same?
    cx diff RUN RUN              what changed between two runs
    cx actions list mine         the action ledger: list, add, close

Mistakes are one message and exit code 2; a page that failed is exit code 1; a run that could not go
on (a full disk) is 3; `--debug` shows where.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from cxlib import __version__, commands
from cxlib.commands import studies as _studies

MARKS = {"failed": "FAILED ", "not made": "NOT MADE ", "lacking": "not for this study: "}
EXAMPLES = """
\b
Examples
  cx list                              studies and notebooks there are
  cx new mine answers.csv              write data/mine/study.yaml from a file
  cx check mine && cx load mine        look at the data, then take it in
  cx run mine                          the reports its study.yaml lists
  cx run mobile telco 10 20            two notebooks for two studies
  cx run mine 20 -p DRAWS=500          with a parameter
  cx run 20 --help                     the parameters of notebook 20
"""


class Errors(click.Group):
    """A mistake becomes a message; only --debug shows a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except (KeyboardInterrupt, BrokenPipeError):
            click.echo("\nStopped. What was finished is kept; no page is half written.", err=True)
            ctx.exit(130)
        except Exception as error:
            if ctx.params.get("debug"):
                raise
            ours = isinstance(error, (ValueError, OSError)) or _is_ours(error)
            kind = "" if ours else f"{type(error).__name__}: "
            click.echo(f"cx: {kind}{error}", err=True)
            if kind:
                click.echo("cx: `cx --debug ...` shows where this happened.", err=True)
            ctx.exit(_code_of(error))


def _code_of(error: BaseException) -> int:
    """2 for a mistake in what was asked, 3 for a run that could not go on, 130 when stopped."""
    if isinstance(error, KeyboardInterrupt):
        return 130
    return 3 if type(error).__name__ == "Unfinished" else 2


@contextmanager
def _errors_as_json():
    """What ends a run early, on stdout as well as in words on stderr."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        said = {"exit_code": _code_of(error), "error": str(error) or "stopped"}
        click.echo(json.dumps(said, ensure_ascii=False))
        raise


def _is_ours(error: Exception) -> bool:
    return type(error).__module__.startswith("cxlib")


@click.group(cls=Errors, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show where in the code a mistake was found.")
@click.version_option(__version__, prog_name="cx")
def main(debug: bool) -> None:
    """Customer experience research: from raw files to reports with honest numbers."""


main.add_command(commands.actions)


def _studies_and_notebooks(ctx, param, incomplete: str) -> list[CompletionItem]:
    from cxlib import study

    stems = sorted(p.stem for p in (study.root() / "notebooks").glob("[0-9]*.ipynb"))
    return _studies(ctx, param, incomplete) + [
        CompletionItem(s) for s in stems if s.startswith(incomplete)
    ]


def _parameters(ctx: click.Context, param: click.Parameter, incomplete: str):
    from cxlib.batch import notebooks, parameters

    found = {name for path in notebooks().values() for name in parameters(path)}
    return [CompletionItem(f"{n}=") for n in sorted(found) if n.startswith(incomplete)]


@main.command("list")
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
        click.echo(f"  {name:38}{_question(path)}")


def _question(path: Path) -> str:
    import nbformat

    about = nbformat.read(path, as_version=4).metadata.get("cxlib", {})
    return about.get("title", {}).get("en", "")


@main.command()
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
    click.echo(f"Wrote {_near(target)} with {guesses} guesses, marked `# guess: confirm`.")
    click.echo(f"Next: read it, correct it, then `cx check {study}`.")


@main.command()
@click.argument("study", required=False, shell_complete=_studies)
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
    from cxlib.show.style import wrapped

    page.begin(lang=lang)
    columns, _ = shutil.get_terminal_size()
    for name, part in tables.dictionary(lang).groupby("table", sort=False):
        click.echo(f"\n{name}: {tables.TABLES[name].meaning[lang]}")
        wide = max(part["column"].map(len)) + 4
        for row in part.to_dict("records"):
            facts = [row["kind"], row["unit"], row["must hold"]]
            said = page.say("; ").join(w for w in facts if w)
            text = page.say("{meaning} ({rules})", meaning=row["meaning"], rules=said)
            lines = wrapped(text, max(min(columns, 100) - wide, 20))
            heads = [f"  {row['column']}", *[""] * lines.count("\n")]
            for head, line in zip(heads, lines.splitlines(), strict=True):
                click.echo(f"{head:{wide}}{line}")
    click.echo("\n* " + page.say("the key of its table"))


@main.command()
@click.argument("studies", nargs=-1, required=True, shell_complete=_studies)
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


class Run(click.Command):
    """`cx run 20 --help` shows the parameters of notebook 20."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        names = [a for a in args if not a.startswith("-")]
        if names and {"-h", "--help"} & set(args):
            from cxlib import batch, study

            picked = [n for n in names if n not in study.names()]
            for path in [batch.pick(n) for n in picked]:
                click.echo(_parameter_help(path))
            if picked:
                ctx.exit()
        return super().parse_args(ctx, args)


def _parameter_help(path: Path) -> str:
    from cxlib import batch

    lines = [f"{path.stem}: {_question(path)}", "", "Parameters (-p NAME=VALUE)"]
    for p in batch.parameters(path).values():
        limits = p.limits or ", ".join(p.choices)
        allowed = f" [{limits or p.kind}]" if limits or p.kind else ""
        default = ",".join(p.default) if isinstance(p.default, list) else p.default
        lines.append(f"  {p.name:12}{p.type:11}{default!s:10}{p.comment}{allowed}")
    return "\n".join([*lines, "", "STUDY is the argument: cx run STUDY " + path.stem[:2], ""])


@main.command(cls=Run)
@click.argument("names", nargs=-1, metavar="STUDY... [NOTEBOOK...]",
                shell_complete=_studies_and_notebooks)  # fmt: skip
@click.option("-p", "--parameter", "given", multiple=True, metavar="NAME=VALUE",
              shell_complete=_parameters,
              help="A parameter of the notebooks; may be repeated. Lists with commas.")  # fmt: skip
@click.option("--by", default="", metavar="COLUMN", help="One set of reports per value of COLUMN.")
@click.option("--lang", "langs", default="", metavar="en,zh",
              help="The languages to make them in; several with a comma. [default: what study.yaml "
              "names under reporting: languages, else en]")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 64), help="Pages at a time. [default: 2 at most]")
@click.option("-o", "--out", type=click.Path(path_type=Path), metavar="DIR",
              help="Where the reports go. [default: reports/STUDY/TIME]")  # fmt: skip
@click.option("--plain", is_flag=True, help="Ordinary kernels: slower, same outputs.")
@click.option("--force", is_flag=True, help="Make every page, changed or not.")
@click.option("--limit", type=click.FloatRange(min=1), metavar="SECONDS", default=600.0,
              help="The longest a page may take. [default: 600]")  # fmt: skip
@click.option("--memory", type=click.FloatRange(min=0.5), metavar="GB",
              help="The most a page may hold in memory, libraries included.")  # fmt: skip
@click.option("--scheduler", default="", metavar="ADDRESS",
              help="Make the pages on the Dask cluster at tcp://HOST:PORT.")  # fmt: skip
@click.option("--storage", default="", metavar="URL",
              help="Where a cluster that does not see this folder finds data and leaves pages: "
              "any fsspec address.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="A summary for machines on stdout.")
def run(names, given, by: str, langs: str, as_json: bool, **how) -> None:
    """Make reports of STUDIES: the NOTEBOOKS named, or those that study.yaml lists.

    A notebook is named by its number or the beginning of its name. Everything is checked before
    anything starts. A page whose notebook, parameters, data, code, environment and language are
    those of an earlier run is copied from it. A page that fails says so at its top and the others
    go on. After Ctrl-C or a crash, the same command goes on where it stopped.

    Exit codes: 0 all well, 1 a page failed, 2 a mistake in what was asked (nothing ran), 3 it could
    not go on (disk full, scheduler lost), 130 stopped.

    \b
    Examples
      cx run sample                        what data/sample/study.yaml lists
      cx run mobile telco                  two studies
      cx run mobile 10 20 -p DRAWS=500     two notebooks, fewer draws
      cx run mine -p "WHERE=channel = 'web'" 10
      cx run mine 10 --by channel          one set per channel
      cx run mine --lang en,zh             every page in English and in Chinese
      cx run 20 --help                     the parameters of notebook 20
    """
    with _errors_as_json() if as_json else nullcontext():
        results = _made(names, given, {"by": by, "langs": _languages(langs)}, how)
    from cxlib.batch import summary

    if as_json:
        click.echo(json.dumps(summary.of(results), indent=1, ensure_ascii=False))
    else:
        _summary(results)
    sys.exit(summary.exit_code(results))


def _made(names: Sequence[str], given: Sequence[str], split: dict, how: dict) -> list:
    values = dict(_pair(text) for text in given)
    if how["storage"] and not how["scheduler"]:
        raise ValueError("--storage is for a cluster; name its --scheduler as well.")
    with _terminated_like_ctrl_c(), _template(how) as started:
        from cxlib import batch

        studies, notebooks = _sorted_names(names)
        pages = batch.plan(studies, notebooks, values, **split)
        how = {"out": how.pop("out") or "", "longest": how.pop("limit"), **how}
        return batch.run(pages, started=started, **how)


def _languages(text: str) -> list[str]:
    from cxlib import page

    langs = [lang.strip() for lang in text.split(",") if lang.strip()]
    for lang in langs:
        if lang not in page.LANGUAGES:
            raise ValueError(
                f"--lang {lang}: no such language. There are: {', '.join(page.LANGUAGES)}."
            )
    return langs


def _template(how: dict):
    """The process that pages are forked from: it imports while we do, and plan."""
    from cxlib.batch.template import Template

    elsewhere = how["plain"] or how["scheduler"]
    return (not elsewhere and Template.start()) or nullcontext()


def _sorted_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Arguments told apart: studies by their names, notebooks by what begins theirs."""
    from cxlib import batch, study
    from cxlib.batch.declared import nearest

    known = study.names()
    studies = [n for n in names if n in known]
    notebooks = []
    for name in (n for n in names if n not in known):
        begins = [n for n in batch.notebooks() if n.startswith(name)]
        if not begins and not name[:1].isdigit():
            raise ValueError(
                f"{name!r} is neither a study nor a notebook{nearest(name, known) or '.'} Studies: "
                f"{', '.join(known) or 'none yet'}. Notebooks: {', '.join(batch.notebooks())}."
            )
        batch.pick(name)
        notebooks.append(name)
    if both := [n for n in studies if any(b.startswith(n) for b in batch.notebooks())]:
        raise ValueError(f"{both[0]!r} is a study and begins a notebook. Write out the notebook.")
    if not studies:
        raise ValueError(
            f"name a study: cx run STUDY. There are: {', '.join(known) or 'none yet'}."
        )
    return studies, notebooks


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ValueError(f"-p {text!r} is not NAME=VALUE, as in -p DRAWS=500.")
    return name.strip(), value


class _terminated_like_ctrl_c:
    """A polite end (SIGTERM, as cron and CI send it) cleans up as Ctrl-C does."""

    def __enter__(self) -> None:
        self.before: Callable | int | None = signal.signal(signal.SIGTERM, self._stop)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self.before)

    @staticmethod
    def _stop(*_: object) -> None:
        raise KeyboardInterrupt


def _summary(results) -> None:
    """Lines one may paste into a mail, and where the index is."""
    width = max(len(r.page.name) for r in results)
    for part in dict.fromkeys((r.page.study, r.page.suffix) for r in results):
        mine = [r for r in results if (r.page.study, r.page.suffix) == part]
        click.echo(f"\n{mine[0].page.source['title']}")
        for r in mine:
            said = f"{MARKS.get(r.status, '')}{r.answer}"
            took = "reused" if r.reused else f"{r.seconds:4.0f} s"
            click.echo(f"    {r.page.name:{width}}  {took:6}   {said}")
    indexes = list(dict.fromkeys(r.folder / f"index{r.page.suffix}.html" for r in results))
    failed = sum(r.status == "failed" for r in results)
    reused = sum(r.reused for r in results)
    click.echo("")
    if reused:
        click.echo(f"{reused} of {len(results)} pages reused: nothing they are made from changed.")
    if failed:
        click.echo(f"{failed} of {len(results)} pages failed; each says so at its top.")
    folders = list(dict.fromkeys(i.parent for i in indexes))
    for index in indexes if len(folders) == 1 else _joint(folders) or indexes:
        click.echo(_near(index))


def _joint(folders: list[Path]) -> list[Path]:
    from cxlib.batch import record

    tops = {record.top_of(f, len(folders)) for f in folders}
    return [t / "index.html" for t in tops if t]


def _near(path: Path) -> str:
    """The path as one would type it here."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


@main.command()
@click.argument(
    "run", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
def report(run: Path | None) -> None:
    """Bind pages and indexes again from what `cx run` kept; nothing is computed.

    RUN is a folder such as reports/sample/2026-11-21-093000; all of them when it is left out.
    """
    from cxlib import study
    from cxlib.batch import record

    top = study.root() / "reports"
    folders = [run] if run else sorted(p.parent for p in top.glob("*/*/run.json"))
    if not folders:
        raise ValueError("nothing is kept yet. `cx run STUDY` makes reports.")
    for folder in folders:
        pages = record.bind_again(folder)
        click.echo(f"{_near(folder / 'index.html')}: {pages} pages bound")
    click.echo(_near(top / "index.html"))


RUN = click.Path(exists=True, file_okay=False, path_type=Path)


@main.command()
@click.argument("run", type=RUN)
@click.option("--jobs", type=click.IntRange(1, 64), help="Pages at a time. [default: 2 at most]")
@click.option("--plain", is_flag=True, help="Ordinary kernels: slower, same numbers.")
def verify(run: Path, jobs: int | None, plain: bool) -> None:
    """Make RUN again and say whether every number is the same.

    It is made in a folder of its own and then thrown away; RUN stays as it is. Exit code 1 when a
    number differs: each is listed with what it was, and what changed behind it (data, wording,
    code, environment, parameters).

    \b
    Example
      cx verify reports/sample/2026-11-21-093000
    """
    from cxlib.batch import again

    with _terminated_like_ctrl_c():
        found = again.verify(run, jobs=jobs, plain=plain)
    click.echo(str(found))
    if not found.same:
        sys.exit(1)


@main.command()
@click.argument("before", type=RUN)
@click.argument("after", type=RUN)
@click.option("-o", "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write the comparison as an HTML page too.")  # fmt: skip
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="Of the HTML page.")
def diff(before: Path, after: Path, out: Path | None, lang: str) -> None:
    """What changed from run BEFORE to run AFTER, whether beyond noise, and why it may have.

    \b
    Example
      cx diff reports/sample/monday reports/sample/friday -o changes.html
    """
    from cxlib import page
    from cxlib.report import comparison

    found = comparison.compare(comparison.read(before), comparison.read(after))
    click.echo(str(found))
    if out:
        page.begin(lang=lang)
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(found.html(), encoding="utf-8")
        click.echo(_near(out))


if __name__ == "__main__":
    main(prog_name="cx")
