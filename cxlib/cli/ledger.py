"""`cx actions`: the ledger of a study listed, added to and closed, with the checks of a load.

    cx actions list mine                    overdue and stalled ones first
    cx actions add mine --problem ...       a row more
    cx actions close mine a07 --realised 3  done, with what it brought

The file changes whole or not at all: Ctrl-C leaves it as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click

from cxlib.cli import completion
from cxlib.cli.studies import allow_outside

if TYPE_CHECKING:
    import pandas as pd

DAY = click.DateTime(formats=["%Y-%m-%d"])
COLUMNS = (  # of a new row, in this order in a new file
    "problem", "class", "level", "about", "owner", "customer_id", "begun_on", "due_on", "cost",
    "measure", "status", "predicted", "predicted_low", "predicted_high", "answers", "worth",
)  # fmt: skip
REALISED = ("realised", "realised_low", "realised_high")
CLASSES = ("one customer", "process", "product", "policy")


@click.group()
def actions() -> None:
    """List, add and close actions of a study.

    The ledger is the file data/STUDY/actions.csv.
    """


@actions.command("list")
@click.argument("study", shell_complete=completion.studies)
@allow_outside
@click.option("--today", type=DAY, help="The day it is looked at from. [default: today]")
@click.option("--all", "every", is_flag=True, help="Closed ones too.")
def list_(study: str, today: datetime | None, every: bool) -> None:
    """List the actions of STUDY, overdue and stalled ones first.

    The others follow by expected net gain. Exit code 1 when a row breaks the contract or
    contradicts itself; each is named.

    \b
    Example
      cx actions list sample --today 2026-10-01
    """
    from cxlib import actions as ledger

    taken, wrong = _taken(study)
    judged = ledger.net_gain(taken, **_known(study)).table
    stands = ledger.action_status(taken, today or datetime.now(), held=ledger.on_hold(judged))
    gain = judged.set_index("action_id")
    rows = stands.loops if every else stands.loops[stands.loops["status"].isin(ledger.OPEN)]
    for loop in ("outer loop", "inner loop"):
        part = rows[rows["loop"] == loop]
        if len(part):
            click.echo(f"{loop[:5].capitalize()} loop")
        for row in part.to_dict("records"):
            known = row["action_id"] in gain.index
            click.echo(_line(row, gain.loc[row["action_id"]] if known else None))
    click.echo(str(stands))
    for said in wrong:
        click.echo(said, err=True)
    if wrong:
        raise SystemExit(1)


def _known(study: str) -> dict[str, Any]:
    """What a point is worth and how many answers a wave brings, as notebook 41 takes them.

    Nothing of a study that is not loaded.
    """
    from cxlib import reserve

    try:
        with reserve.open(study) as store:
            return {"worth": store.study.costs.point, "more": store.last_wave}
    except reserve.ReserveError:
        return {}


def _line(row: dict[str, Any], gain: pd.Series | None) -> str:
    when = f"due {row['due_on'] or 'no date'}"
    standing = row["standing"] + (
        f" {row['late']} day{'s' * (row['late'] != 1)}" if row["late"] else ""
    )
    told = ""
    if gain is not None and gain["estimate"] == gain["estimate"]:
        told = (
            f"   net {gain['estimate']:,.0f} ({gain['low']:,.0f} to {gain['high']:,.0f}): "
            f"{gain['verdict']}"
        )
    return f"  {row['action_id']:6}{standing:18}{when:16}{row['owner']:12}{row['problem']}{told}"


def _taken(study: str) -> tuple[pd.DataFrame, list[str]]:
    """(rows of the ledger, what is wrong in words), as `cx load` takes it in."""
    from cxlib import actions as ledger
    from cxlib.data import intake
    from cxlib.data import study as studies_
    from cxlib.reserve import editing

    with editing.alone(studies_.read(study), "actions") as file:
        if not file.path.is_file():
            raise ValueError(f"{study} has no ledger yet. `cx actions add {study}` begins one.")
        taken = file.taken()
        found = [intake.in_words(taken.quarantine), ledger.contradictions(taken.rows)]
    wrong = [
        f"cx: row {m['row']}: {m['column']} {m['value']!r}: {m['reason']}. {m['mend']}".rstrip()
        for part in found
        for m in part.to_dict("records")
    ]
    return taken.rows, wrong


@actions.command()
@click.argument("study", shell_complete=completion.studies)
@allow_outside
@click.option("--problem", required=True, help="What is wrong.")
@click.option(
    "--class",
    "class_",
    type=click.Choice(CLASSES),
    required=True,
    help="Of one customer (inner loop), or the cause of many (outer loop).",
)
@click.option("--owner", required=True, help="Who answers for it.")
@click.option("--due", "due_on", type=DAY, required=True, help="When it shall be done.")
@click.option("--begun", type=DAY, help="When it begins. [default: today]")
@click.option("--level", default="", help="The level that can solve it: front line, team ...")
@click.option("--about", default="", help="The item, touchpoint or topic that it is about.")
@click.option("--customer", "customer_id", default="", help="Of the inner loop: the customer.")
@click.option("--cost", type=click.FloatRange(min=0), help="What it costs.")
@click.option("--measure", default="", help="What its effect is counted in, e.g. NPS.")
@click.option("--predicted", type=float, help="The effect it shall have.")
@click.option("--low", "predicted_low", type=float, help="Low end of its 95% interval.")
@click.option("--high", "predicted_high", type=float, help="High end of its 95% interval.")
@click.option("--answers", type=click.IntRange(min=0), help="Answers the prediction rests on.")
@click.option("--worth", type=float, help="What one unit of the effect brings in a year.")
def add(study: str, class_: str, **said: Any) -> None:
    """Add an action to the ledger of STUDY.

    It is planned until it has started.

    \b
    Example
      cx actions add mine --problem "Parcels come late" --class process --owner logistics \\
         --due 2026-12-31 --predicted 3 --low 1 --high 5 --cost 8000
    """
    begun = (said.pop("begun") or datetime.now()).date()
    status = "started" if begun <= date.today() else "planned"
    row = {**said, "class": class_, "begun_on": str(begun), "status": status}
    row["due_on"] = f"{said['due_on']:%Y-%m-%d}"
    row = {column: row[column] for column in COLUMNS}  # click's order is the typist's

    def more(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        new = {"action_id": _next([r["action_id"] for r in rows])} | _texts(row)
        return [*rows, new]

    click.echo(f"Added {_changed(study, more)[-1]['action_id']}.")


@actions.command()
@click.argument("study", shell_complete=completion.studies)
@allow_outside
@click.argument("action", shell_complete=completion.open_actions)
@click.option("--on", "day", type=DAY, help="When it was done. [default: today]")
@click.option("--realised", type=float, help="What it brought.")
@click.option("--low", "realised_low", type=float, help="Low end of its 95% interval.")
@click.option("--high", "realised_high", type=float, help="High end of its 95% interval.")
@click.option("--dropped", is_flag=True, help="It was given up, not done.")
def close(study: str, action: str, dropped: bool, **said: Any) -> None:
    """Close ACTION of STUDY as done or as dropped.

    Of one that is done, say what it brought.

    \b
    Example
      cx actions close mine a07 --realised 2.1 --low 0.4 --high 3.8
    """
    day = f"{said['day'] or datetime.now():%Y-%m-%d}"
    ended = {"status": "dropped" if dropped else "done", "done_on": day}
    ended |= {column: said[column] for column in REALISED}

    def closed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        from cxlib.core.parameters import nearest

        known = [r["action_id"] for r in rows]
        if action not in known:
            hint = nearest(action, known) or f". It has: {', '.join(known) or 'none'}."
            raise ValueError(f"the ledger of {study} has no action {action!r}{hint}")
        if (was := rows[known.index(action)].get("status")) in ("done", "dropped"):
            raise ValueError(f"{action} is {was} already. Edit the file to change that.")
        return [r | _texts(ended) if r["action_id"] == action else r for r in rows]

    _changed(study, closed)
    click.echo(f"{action} is {ended['status']}.")


def _changed(
    study: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    """The rows after the change, which is in the file when this comes back."""
    from cxlib import actions as ledger
    from cxlib.data import study as studies_
    from cxlib.reserve import editing

    with editing.alone(studies_.read(study), "actions") as file:
        rows = change(file.rows())
        file.write(rows, ledger.contradictions)
    return rows


def _texts(row: dict[str, Any]) -> dict[str, str]:
    return {
        k: f"{v:g}" if isinstance(v, float) else str(v)
        for k, v in row.items()
        if v not in (None, "")
    }


def _next(known: list[str]) -> str:
    """The identifier after the last of its kind: a09 -> a10."""
    numbered = [m for k in known if (m := re.fullmatch(r"(\D*)(\d+)", k))]
    if not numbered:
        return "a01"
    last = max(numbered, key=lambda m: int(m[2]))
    return f"{last[1]}{int(last[2]) + 1:0{len(last[2])}}"
