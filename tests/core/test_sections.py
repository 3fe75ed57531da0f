"""Errors of the package in a notebook: one line, and no long work after it."""

from __future__ import annotations

import subprocess
import sys

import pytest

NOTEBOOK = """
from IPython.core.interactiveshell import InteractiveShell
from cxlib.core import errors, sections

class Notebook(InteractiveShell):
    kernel = None
    shown = 0
    def _showtraceback(self, etype, value, lines):
        print(len(lines), lines[0])

def parsed(*_, **__):
    Notebook.shown += 1
    return ["a traceback of IPython"]

def stopped():
    raise KeyboardInterrupt

errors.require_dates = stopped
stopped.__code__ = stopped.__code__.replace(co_filename=errors.__file__)
shell = Notebook.instance()
shell.history_manager.enabled = False
# Figures are drawn after a cell, by what IPython calls then.
shell.events.register("post_execute", lambda: shell.user_ns.get("figure", print)())
sections.go_on_in_notebooks()
shell.InteractiveTB.structured_traceback = parsed
cell = "from cxlib.core import errors; " + {call!r}
print(shell.run_cell(cell, store_history=True).success, Notebook.shown)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("call", "line", "ended"),
    [
        (
            "errors.require_choice('kind', 'lineal', ['linear'])",
            "1 ValueError: kind='lineal' is",
            "False 0",
        ),
        ("errors.require_dates()", "1 KeyboardInterrupt: the cell was stopped", "False 0"),
        ("figure = errors.require_dates", "1 KeyboardInterrupt: the cell was stopped", "True 0"),
        ("raise KeyboardInterrupt", "1 KeyboardInterrupt: the cell was stopped", "False 0"),
        # A mistake of one's own is shown as ever: IPython reads every file of a traceback to show
        # it, and again to store it.
        ("1 / 0", "1 a traceback of IPython", "False 2"),
    ],
)
def test_an_error_of_the_package_is_a_line_and_ipython_parses_no_files(call, line, ended) -> None:
    code = NOTEBOOK.format(call=call)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert line in ran.stdout, ran.stdout + ran.stderr
    assert ran.stdout.splitlines()[-1] == ended, ran.stdout
