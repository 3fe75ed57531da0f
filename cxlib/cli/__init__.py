"""The `cx` command: studies in, reports out.

    cx init DIR                  a new project: notebooks, sample, Makefile
    cx doctor                    what is installed, and what is missing
    cx new mine answers.csv      write a study.yaml from files
    cx check mine                what is wrong with the data, and how to fix it
    cx load mine                 put it into the reserve
    cx run mine                  make its reports
    cx new-notebook QUESTION     a notebook of your own, in my/
    cx report                    bind reports again from what was kept
    cx verify RUN                make a run again: is every number the same?
    cx diff RUN RUN              what changed between two runs
    cx prune mine --keep 12      remove old runs
    cx export RUN                a run as slides, PDF or a workbook
    cx actions list mine         the action ledger: list, add, close
    cx customer mine ID          one customer's card, for its owner alone
    cx topics mine               topics of the comments, to be merged, renamed and grouped
    cx coding export mine 200    comments for people to code; `cx coding import FILE`

Mistakes are one message and exit code 2; a page that failed is exit code 1; a run that could not go
on (a full disk) is 3; a load that lost rows or many cells is 4; `--debug` shows where. A command
imports what it needs when it is called, so that `cx --help` and tab completion answer at once.
"""

from __future__ import annotations

import click

from cxlib import __version__
from cxlib.cli import (
    compare,
    customer,
    doctor,
    export,
    init,
    ledger,
    notebooks,
    retention,
    run,
    studies,
    voice,
)
from cxlib.cli.errors import Errors

__all__ = ["main"]

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
  cx help study.yaml items.scale       what a key of study.yaml means
"""
VERBS = [
    init.init,
    doctor.doctor,
    studies.list_,
    studies.new,
    studies.check,
    studies.load,
    run.run,
    notebooks.new_notebook,
    compare.report,
    compare.verify,
    compare.diff,
    retention.prune,
    export.export,
    ledger.actions,
    customer.customer,
    voice.topics,
    voice.coding,
    studies.help_,
]


@click.group(cls=Errors, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show where in the code a mistake was found.")
@click.version_option(__version__, prog_name="cx")
def main(debug: bool) -> None:
    """Customer experience research: from raw files to reports with honest numbers."""


for verb in VERBS:
    main.add_command(verb)
