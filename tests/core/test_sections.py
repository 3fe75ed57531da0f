"""Errors of the package in a notebook: one line, and no long work after it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from cxlib.core import sections

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


def test_a_traceback_that_was_folded_is_read_again() -> None:
    whole = 'File "cxlib/x.py", line 1, in <module>\n    if a < b & c:'
    told = {"output_type": "display_data", "data": sections.folded(whole)}
    of_ipython = {"output_type": "error", "traceback": ["line 1", "line 2"]}
    assert whole not in told["data"]["text/html"]  # escaped
    assert sections.traceback_in([of_ipython, told]) == whole
    assert sections.traceback_in([of_ipython]) == "line 1\nline 2"
    assert sections.traceback_in([{"output_type": "stream", "text": "Traceback"}]) == ""


def test_names_of_a_cell_with_a_magic_are_none() -> None:
    assert sections.names_set("a, b = f(c)") == {"a", "b"}
    assert sections.names_read("a, b = f(c)") == {"f", "c"}
    assert sections.names_set("%matplotlib inline\na = 1") == set()
