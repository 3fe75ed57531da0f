"""Which rows a page read and which it lost, in sentences.

losses.say(len(sample), asdict(sample.losses), study.losses)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import N_, _, ngettext

WHY = {  # a step that lost rows: what is printed
    "only": N_("{left:count} after {n:count} that `only` of study.yaml leaves out"),
    "quarantined": N_("{left:count} after {n:count} that broke the data contract were set aside"),
    "sampled": N_(
        "{left:count} after {n:count} of customers who were not chosen by the hash of their number "
        "were left out; the others are weighted for them"
    ),
    "not_chosen": N_(
        "{left:count} after {n:count} of customers who were not chosen by the hash of their number "
        "were left out"
    ),
    "wave": N_("{left:count} after {n:count} of other waves than {wave} were left out"),
    "where": N_("{left:count} after {n:count} for which {where} does not hold were left out"),
}


def say(kept: int, steps: Mapping[str, Any], losses: pd.DataFrame) -> None:
    """Print how many rows there were at first and where the others went.

    Parameters
    ----------
    kept : rows that are left
    steps : where they came from and what was lost, `core.sample.Losses` as a dictionary; {} where
        nobody counted
    losses : table, column, lost, n, of: what the quarantine cost
    """
    if not steps:
        print(ngettext("{n:count} row", "{n:count} rows", kept))
        return
    _say_steps(kept, steps)
    of = (losses["table"] == steps["table"]) & (losses["lost"] == "cell")
    for loss in losses[of].itertuples():
        print(sentence(loss))


def _say_steps(kept: int, steps: Mapping[str, Any]) -> None:
    left = steps["offered"]
    print(
        ngettext(
            "{n:count} row in the files of {table:label}",
            "{n:count} rows in the files of {table:label}",
            left,
            table=steps["table"],
        )
    )
    for key, n in ((k, n) for k, n in steps["lost"].items() if n):
        left -= n
        asked = {"wave": steps["wave"], "where": steps["where"]}
        print(_(WHY[key], left=left, n=n, **asked))
    if kept < left:
        n = left - kept
        print(_("{left:count} after {n:count} more were left out", left=kept, n=n))


def sentence(loss: Any) -> str:
    """A row of `losses` in words; small numbers of rows or cells are not told exactly."""
    told = {"n": at_least(loss.n), "of": loss.of, "table": loss.table}
    if loss.lost == "row":
        return _("{n} of {of:count} rows of {table:label} were set aside.", **told)
    return _(
        "{n} of {of:count} values of {column:label} ({table:label}) could not be used and count as "
        "missing.",
        column=loss.column,
        **told,
    )


def not_weighted(warning: Any) -> str:
    """A warning of values without a share, as a sentence."""
    return _(
        "The answers are not weighted: no share of the population is known for some values of "
        "{attribute:label}.",
        attribute=warning.column,
    )


def at_least(rows: int) -> str:
    """How many rows, without telling small numbers exactly."""
    least = context.current().smallest_cell
    return f"<{least}" if rows < least else i18n.count(rows)
