"""What the shell completes: studies, notebooks, parameters, open actions."""

from __future__ import annotations

from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem


def studies(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of studies."""
    from cxlib.data import study

    return _beginning(incomplete, study.names())


def studies_and_notebooks(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Names of studies, then those of notebooks."""
    from cxlib.batch import notebooks
    from cxlib.data import study

    return _beginning(incomplete, [*study.names(), *notebooks()])


def parameters(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """`NAME=` of every parameter that some notebook has."""
    from cxlib.batch import notebooks
    from cxlib.core.parameters import read

    found = {f"{name}=" for path in notebooks().values() for name in read(path)}
    return _beginning(incomplete, sorted(found))


def open_actions(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Identifiers of the study's actions that are not closed, with their problems."""
    from cxlib.data import study
    from cxlib.reserve import editing

    try:
        with editing.alone(study.read(ctx.params["study"]), "actions") as file:
            rows = file.rows()
    except (ValueError, OSError, KeyError):
        return []
    return [
        CompletionItem(r["action_id"], help=r.get("problem", ""))
        for r in rows
        if r["action_id"].startswith(incomplete) and r.get("status") not in ("done", "dropped")
    ]


def _beginning(incomplete: str, names: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
