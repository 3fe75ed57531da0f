"""`cx list --runs` and `cx prune`: the runs that are kept."""

from __future__ import annotations

from collections.abc import Sequence

import click

from cxlib.cli import completion
from cxlib.cli.output import near


def listed(names: Sequence[str]) -> None:
    """The runs of the studies, or of all, the newest first, with their sizes."""
    from cxlib.batch import retention

    for name in names or retention.studies():
        runs = retention.runs(name)
        if not runs:
            click.echo(f"{name}: no runs. `cx run {name}` makes one.")
            continue
        click.echo(f"{name}: {len(runs)} run(s), {retention.size(retention.total(runs))} on disk")
        for run in runs:
            counts = ", ".join(f"{n} {status}" for status, n in run.counts.items())
            own = f"{retention.size(run.size)}, {retention.size(run.own)} of its own"
            click.echo(f"  {near(run.folder):40}  {counts:30}  {own}")


def kept() -> None:
    """How many runs of all studies are kept, and the bytes that they take together."""
    from cxlib.batch import retention

    if runs := [run for name in retention.studies() for run in retention.runs(name)]:
        bytes_ = retention.size(retention.total(runs))
        click.echo(
            f"\nRuns (reports/): {len(runs)}, {bytes_} on disk. `cx list --runs` shows each."
        )


@click.command()
@click.argument("studies", nargs=-1, shell_complete=completion.studies)
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="Keep the newest N runs.")
@click.option(
    "--older-than",
    type=click.IntRange(min=0),
    metavar="DAYS",
    help="Remove runs that started longer ago; with --keep only those beyond N.",
)
@click.option("--dry-run", is_flag=True, help="Name what would be removed; remove nothing.")
@click.option(
    "--forget",
    metavar="RUN",
    help="Remove this run, which nobody has seen, and compare no later run with it.",
)
def prune(
    studies: Sequence[str],
    keep: int | None,
    older_than: int | None,
    dry_run: bool,
    forget: str | None,
) -> None:
    """Remove old runs of STUDIES, or of all studies.

    Runs that were named with -o stay, as do pages that other runs share. To do the same after each
    run, write `reporting: {keep_runs: N}` into study.yaml.

    What a removed run published is still compared with later runs, for its readers have it. Only
    --forget ends that.

    \b
    Examples
      cx prune mine --keep 12
      cx prune --older-than 90 --dry-run
      cx prune mine --forget 2026-11-30-093000
    """
    from cxlib.batch import retention

    if forget is not None:
        if dry_run or keep is not None or older_than is not None:
            raise ValueError("--forget names the one run to remove: give it without the others.")
        from cxlib.data import study

        for name in retention.forget(studies or study.names(), forget):
            click.echo(f"removed {forget} of {name}; later runs are not compared with it.")
        return
    known = retention.studies()
    if unknown := [name for name in studies if name not in known]:
        raise ValueError(
            f"there are no runs of {unknown[0]!r}. There are of: {', '.join(known) or 'none'}."
        )
    gone = retention.prune(studies or known, keep=keep, older_than=older_than, dry_run=dry_run)
    for run in gone:
        click.echo(f"{'would remove' if dry_run else 'removed'} {near(run.folder)}")
    freed = retention.size(sum(run.own for run in gone))
    done = "would be removed" if dry_run else "removed"
    click.echo(f"{len(gone)} run(s) {done}, {freed} that nothing else shares.")
