"""`cx run`: what was asked is told apart, planned, made, and summed up."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from cxlib.cli import completion, errors, output
from cxlib.cli.studies import allow_outside
from cxlib.core import context


class Run(click.Command):
    """`cx run 20 --help` shows the parameters of notebook 20."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Help of a notebook that is named, else the arguments as click reads them."""
        names = [a for a in args if not a.startswith("-")]
        if names and {"-h", "--help"} & set(args):
            from cxlib import batch
            from cxlib.data import study

            picked = [n for n in names if n not in study.names()]
            for path in [batch.pick(n) for n in picked]:
                click.echo(_parameter_help(path))
            if picked:
                ctx.exit()
        return super().parse_args(ctx, args)


def _parameter_help(path: Path) -> str:
    from cxlib.core import parameters

    lines = [f"{path.stem}: {output.question(path)}", "", "Parameters (-p NAME=VALUE)"]
    for p in parameters.read(path).values():
        limits = p.limits or ", ".join(p.choices)
        allowed = f" [{limits or p.kind}]" if limits or p.kind else ""
        default = ",".join(p.default) if isinstance(p.default, list) else p.default
        lines.append(f"  {p.name:12}{p.type:11}{default!s:10}{p.comment}{allowed}")
    return "\n".join([*lines, "", "STUDY is the argument: cx run STUDY " + path.stem[:2], ""])


@click.command(cls=Run)
@click.argument(
    "names",
    nargs=-1,
    metavar="STUDY... [NOTEBOOK...]",
    shell_complete=completion.studies_and_notebooks,
)
@click.option(
    "-p",
    "--parameter",
    "given",
    multiple=True,
    metavar="NAME=VALUE",
    shell_complete=completion.parameters,
    help="A parameter of the notebooks; may be repeated. Lists with commas.",
)
@click.option(
    "--by",
    multiple=True,
    metavar="COLUMN",
    help="One set of reports per value of COLUMN; several columns are crossed.",
)
@click.option(
    "--units",
    is_flag=True,
    help="A page for each unit of the organisation, of notebooks with a parameter UNIT (27).",
)
@click.option(
    "--grid",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Make all that a YAML file lists: studies, notebooks, by, lang and parameters.",
)
@click.option(
    "--lang",
    "langs",
    default="",
    metavar="en,zh",
    help="The languages to make them in; several with a comma. [default: what study.yaml "
    "names under reporting: languages, else en]",
)
@output.jobs_option
@click.option(
    "-o",
    "--out",
    type=output.NewPath("folder"),
    metavar="DIR",
    help="Where the reports go. [default: reports/STUDY/TIME]",
)
@output.fork_option
@click.option("--why", is_flag=True, help="Say why each page would be made; make none.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="As --why, with the tables that each page reads, and what its queries cost the last time.",
)
@click.option("--force", is_flag=True, help="Make every page, up to date or not.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    metavar="SECONDS",
    default=600.0,
    help="The longest a page may take. [default: 600]",
)
@click.option(
    "--memory",
    type=click.FloatRange(min=0.5),
    metavar="GB",
    help="The most a page may hold in memory, libraries included.",
)
@click.option(
    "--scheduler",
    default="",
    metavar="ADDRESS",
    help="Make the pages on the Dask cluster at tcp://HOST:PORT.",
)
@click.option(
    "--storage",
    default="",
    metavar="URL",
    help="Where a cluster that does not see this folder finds data and leaves pages: "
    "any fsspec address.",
)
@click.option(
    "--notify",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="Post the summary and new alerts when the run is done: slack, teams, feishu, dingtalk, "
    "webhook or mail; may be repeated. Addresses and secrets come from the environment "
    "(docs/sharing.md).",
)
@click.option(
    "--log-json",
    "log_file",
    type=output.NewPath("file"),
    metavar="FILE",
    help="Add what happens to FILE as JSON lines, while it happens.",
)
@allow_outside
@click.option(
    "--internal",
    is_flag=True,
    help="Not to be published: every page says so, and no other run is compared with it.",
)
@click.option("--json", "as_json", is_flag=True, help="A summary for machines on stdout.")
def run(
    names: Sequence[str],
    given: Sequence[str],
    by: Sequence[str],
    units: bool,
    grid: Path | None,
    langs: str,
    targets: Sequence[str],
    log_file: Path | None,
    as_json: bool,
    why: bool,
    dry_run: bool,
    internal: bool,
    **how: Any,
) -> None:
    """Make the reports of STUDIES, one page a notebook.

    Pages are made of the NOTEBOOKS named, or of those that study.yaml lists. A notebook is named by
    its number, the beginning of its name or its path, and takes the parameters that study.yaml
    gives it, unless -p says otherwise. Everything is checked before anything starts. A page whose
    notebook, parameters, data, code, environment and language are those of an earlier run is copied
    from it. A page that fails says so at its top and the others go on. After Ctrl-C or a crash, the
    same command goes on where it stopped.

    Before a run is published, it is tried to work out its hidden small groups from it and from
    earlier runs; a run that gives one away is not published. With --internal it is made all the
    same, for those who may see the data: its pages say so, and no other run is compared with it.

    Exit codes: 0 all well, 1 a page failed, a study could not be read or a message could not be
    sent, 2 a mistake in what was asked (nothing ran), 3 it could not go on (disk full, scheduler
    lost), 5 not published, 130 stopped.

    \b
    Examples
      cx run sample                        what data/sample/study.yaml lists
      cx run mobile telco                  two studies
      cx run mobile 10 20 -p DRAWS=500     two notebooks, fewer draws
      cx run mine -p "WHERE=channel = 'web'" 10
      cx run mine 10 --by channel          one set per channel
      cx run mine --by region --by channel   one set per channel of each region
      cx run mine 27 --units               one page per unit of the organisation
      cx run mine 27 --units -p UNIT=North   those of North and the units below it
      cx run --grid grid.yaml              what a file lists (reports/README.md)
      cx run mine --lang en,zh             every page in English and in Chinese
      cx run mine my/own.ipynb             a notebook of your own (cx new-notebook)
      cx run mine 10 --internal            for those who may see the data, not for readers
      cx run mine --notify slack           post summary and new alerts to CX_SLACK_URL
      cx run mine --why                    why each page would be made, making none
      cx run mine --dry-run                the same, with what each page reads
      cx run 20 --help                     the parameters of notebook 20
    """
    unusable: dict[str, str] = {}
    split = {"by": by, "units": units, "langs": langs, "grid": grid, "unusable": unusable}
    split["internal"] = internal
    if internal and targets:
        raise ValueError("--internal is for a run that nobody else is told of: drop --notify.")
    if why or dry_run:
        _explain(_planned(names, given, split), with_costs=dry_run)
        for name, reason in unusable.items():
            click.echo(f"cx: no page of {name} can be made: {reason}", err=True)
        sys.exit(int(bool(unusable)))
    with errors.as_json() if as_json else nullcontext(), _logged(log_file) as how["tell"]:
        if targets:
            _check(targets)
        results = _made(names, given, split, how)
    from cxlib.batch import summary

    if as_json:
        click.echo(json.dumps(summary.of(results, unusable), indent=1, ensure_ascii=False))
    else:
        output.results(results)
    if click.get_current_context().find_root().params.get("debug"):
        output.tracebacks(results)
    for name, reason in unusable.items():
        click.echo(f"cx: no page of {name} was made: {reason}", err=True)
    sent = [_sent(target, folder) for target in targets for folder in _folders(results)]
    sys.exit(summary.exit_code(results, unusable) or int(not all(sent)))


@contextmanager
def _logged(file: Path | None) -> Iterator[Callable[..., None]]:
    """Where events go; an error that ends the run is the last of them."""
    from cxlib.batch import log

    with log.to(file) if file else nullcontext(lambda *_, **__: None) as tell:
        try:
            yield tell
        except (Exception, KeyboardInterrupt) as error:
            tell("run_ended", exit_code=errors.code_of(error), error=str(error) or "stopped")
            raise


def _check(targets: Sequence[str]) -> None:
    """Where to post is known before anything starts."""
    from cxlib.batch import notify

    for target in targets:
        notify.configured(target)


def _folders(results: Sequence[Any]) -> list[Path]:
    return list(dict.fromkeys(r.folder for r in results))


def _sent(target: str, folder: Path) -> bool:
    """Post a message about the run; where that fails, say so: the report itself is made."""
    from cxlib.batch import messages, notify

    try:
        notify.send(target, messages.of(folder))
    except notify.NotifyError as error:
        click.echo(f"cx: {error}", err=True)
        return False
    return True


def _made(
    names: Sequence[str], given: Sequence[str], split: dict[str, Any], how: dict[str, Any]
) -> list[Any]:
    if how["storage"] and not how["scheduler"]:
        raise ValueError("--storage is for a cluster; name its --scheduler as well.")
    from cxlib.batch import head_start, processes
    from cxlib.core import files
    from cxlib.core.progress import announced

    root, words, begun = files.project(), [names, given, split, how["force"]], time.time_ns()
    with errors.terminated_like_ctrl_c():
        forks = how["fork"] and not how["scheduler"]
        if forks and (how["force"] or root is None or head_start.helps(root, words)):
            processes.start()  # it imports while we do, and plan
        with announced("reading studies and notebooks"):
            from cxlib import batch
            from cxlib.batch.progress import Progress

            pages = _planned(names, given, split)
        tell = how.pop("tell")
        tell("run_started", pages=[f"{p.study}/{p.name}" for p in pages])
        made = batch.run(
            pages, progress=Progress(len(pages), tell=tell), **{**how, "out": how["out"] or ""}
        )
        for folder in _folders(made):
            mine = [r.status for r in made if r.folder == folder]
            counts = {status: mine.count(status) for status in dict.fromkeys(mine)}
            tell("run_ended", folder=folder.resolve(), counts=counts)
        if root and all(r.reused for r in made):
            head_start.note(root, words, begun)
        return made


def _planned(names: Sequence[str], given: Sequence[str], split: dict[str, Any]) -> list[Any]:
    pages = _asked(names, given, split)
    if not split["internal"]:
        return pages
    return [replace(page, source={**page.source, "internal": True}) for page in pages]


def _asked(names: Sequence[str], given: Sequence[str], split: dict[str, Any]) -> list[Any]:
    from cxlib import batch

    values = dict(_pair(text) for text in given)
    if split["grid"]:
        from cxlib.batch import grid

        if names or split["by"] or split["langs"] or split["units"]:
            raise ValueError(
                "--grid names studies, notebooks, by, units and lang: leave them out beside it."
            )
        return grid.plan(split["grid"], values, split["unusable"])
    langs = _languages(split["langs"])
    studies, notebooks = _sorted_names(names)
    pages = batch.plan(
        studies, notebooks, values, by=split["by"], langs=langs, unusable=split["unusable"]
    )
    return batch.unit_pages(pages) if split["units"] else pages


def _explain(pages: Sequence[Any], *, with_costs: bool) -> None:
    """Why each page would be made, a line each, and what it would read."""
    from cxlib.batch import dependencies

    for page, why in dependencies.explain(pages):
        click.echo(f"{page.study}/{page.name}: {why or 'up to date'}")
        if with_costs:
            click.echo(f"  {dependencies.costs(page)}")


def _languages(text: str) -> list[str]:
    langs = [lang.strip() for lang in text.split(",") if lang.strip()]
    for lang in langs:
        if lang not in context.LANGUAGES:
            raise ValueError(
                f"--lang {lang}: no such language. There are: {', '.join(context.LANGUAGES)}."
            )
    return langs


def _sorted_names(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Arguments told apart: studies by their names, notebooks by what begins theirs."""
    from cxlib import batch
    from cxlib.core.parameters import nearest
    from cxlib.data import study

    known = study.names()
    studies = [n for n in names if n in known]
    notebooks = []
    for name in (n for n in names if n not in known):
        begins = [n for n in batch.notebooks() if n.startswith(name)]
        if not begins and not name[:1].isdigit() and not name.endswith(".ipynb"):
            raise ValueError(
                f"{name!r} is neither a study nor a notebook"
                f"{nearest(name, [*known, *batch.notebooks()]) or '.'} "
                "`cx list` shows the studies and notebooks there are."
            )
        batch.pick(name)
        notebooks.append(name)
    if both := [n for n in studies if any(b.startswith(n) for b in batch.notebooks())]:
        raise ValueError(f"{both[0]!r} is a study and begins a notebook. Write out the notebook.")
    if not studies:
        raise ValueError("name a study: cx run STUDY. `cx list` shows those there are.")
    return studies, notebooks


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ValueError(f"-p {text!r} is not NAME=VALUE, as in -p DRAWS=500.")
    return name.strip(), value
