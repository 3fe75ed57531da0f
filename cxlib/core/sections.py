"""Cells of a notebook that end in an error: parts that are left out, and mistakes in one line.

A cell that raises InsufficientData is no mistake: the rows do not allow this part. Its sentence is
printed, the page goes on, and what the cell would have defined is forgotten, so that no later cell
takes an older value for it; a later cell that asks for it is left out as well. All other errors
stay errors. Those raised in this package say what is wrong in one line, with the traceback folded
below it.
"""

from __future__ import annotations

import ast
import linecache
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from html import escape, unescape
from pathlib import Path
from types import TracebackType
from typing import Any

from cxlib.core import context, i18n
from cxlib.core.errors import InsufficientData, leave_out

PACKAGE = str(Path(__file__).resolve().parents[1])
OPENS, ENDS = "<details><summary>Traceback</summary><pre>", "</pre></details>"
CAUGHT = (Exception, KeyboardInterrupt)  # of what a cell may raise


def go_on_in_notebooks() -> None:
    """Have cells of the notebook that is running leave out what the rows do not allow."""
    shell = context.shell()
    if shell is None:
        return
    begun = shell.events.callbacks["pre_run_cell"]
    if any(isinstance(getattr(c, "__self__", None), _Sections) for c in begun):
        return
    sections = _Sections()
    shell.set_custom_exc(CAUGHT, sections.caught)
    if hasattr(shell, "kernel"):
        shell.showtraceback = partial(_show_stops_in_a_line, shell.showtraceback)
    shell.events.register("pre_run_cell", sections.begin)
    shell.events.register("post_run_cell", sections.end)


class _Sections:
    """The names that are not there because a cell was left out, and why it was."""

    def __init__(self) -> None:
        self.lost: dict[str, str] = {}
        self.before: dict[str, int] | None = None
        self.left_out = False

    def begin(self, info: Any) -> None:
        shell = context.shell()
        self.left_out = False
        self.before = {n: id(shell.user_ns.get(n)) for n in names_set(info.raw_cell or "")}

    def caught(self, shell: Any, etype: type, value: Any, tb: Any, tb_offset: Any = None) -> None:
        lost = etype is NameError and value.name in self.lost
        if not lost and not issubclass(etype, InsufficientData):
            _show(shell, etype, value, tb, tb_offset)
            return
        self.left_out = True
        reason = self.lost[value.name] if lost else i18n.opening(str(value))
        if self.before is None:  # the very cell in which the study was opened
            self.before = {n: id(None) for n in names_set(_source_of(shell, tb))}
        for name, old in self.before.items():
            if id(shell.user_ns.get(name)) == old:
                shell.user_ns.pop(name, None)
                self.lost[name] = reason
        leave_out("" if lost else reason, reason)

    def end(self, result: Any) -> None:
        if self.left_out and result is not None:
            result.error_in_exec = None  # the kernel then says "ok", and the next cell is run


def _show(shell: Any, etype: type, value: Any, tb: Any, tb_offset: Any) -> None:
    """Show an error as IPython does; one raised in this package in a line, the rest folded."""
    if not hasattr(shell, "kernel") or not _is_ours(tb):  # a terminal folds nothing
        shell.showtraceback((etype, value, tb), tb_offset=tb_offset)
        return
    shell._get_exc_info((etype, value, tb))  # for %tb and %debug
    lines = _in_a_line(value)
    shell._showtraceback(etype, value, lines)
    whole = "".join(traceback.format_exception(etype, value, tb.tb_next or tb))
    shell.display_pub.publish(folded(whole), {})


def folded(whole: str) -> dict[str, str]:
    """A traceback as an output of a cell: closed on the page until somebody opens it."""
    return {"text/plain": whole, "text/html": f"{OPENS}{escape(whole)}{ENDS}"}


def traceback_in(outputs: Iterable[Mapping[str, Any]]) -> str:
    """The traceback that the outputs of a cell hold; "" where no error has ended it.

    Examples
    --------
    >>> traceback_in([{"output_type": "display_data", "data": folded("line 1 <module>")}])
    'line 1 <module>'
    """
    found = ""
    for output in outputs:
        if output["output_type"] == "error":
            found = "\n".join(output["traceback"])
        html = "".join(output.get("data", {}).get("text/html", ""))
        if html.startswith(OPENS):
            return unescape(html.removeprefix(OPENS).removesuffix(ENDS))
    return found


def _show_stops_in_a_line(show: Callable[..., None], error: Any = None, **options: Any) -> None:
    """Show an error by `show`, but in a line what ends a cell, also while its figures are drawn."""
    value = (error or sys.exc_info())[1]
    if isinstance(value, KeyboardInterrupt):
        _in_a_line(value)
    show(error, **options)


def _in_a_line(value: Any) -> list[str]:
    """What IPython then shows of an error.

    Else it reads and parses every file on the way, twice: a minute on a busy machine, for which a
    cell that was stopped would go on.
    """
    lines = [f"{type(value).__name__}: {str(value) or 'the cell was stopped'}"]
    value._render_traceback_ = lambda: lines
    return lines


def _is_ours(tb: TracebackType | None) -> bool:
    """Whether the error was raised in this package, or in what it called."""
    return any(f.filename.startswith(PACKAGE) for f in traceback.extract_tb(tb))


def _source_of(shell: Any, tb: Any) -> str:
    """The cell in which an error was raised."""
    while tb is not None and tb.tb_frame.f_globals is not shell.user_ns:
        tb = tb.tb_next
    return "" if tb is None else "".join(linecache.getlines(tb.tb_frame.f_code.co_filename))


def names_set(source: str) -> set[str]:
    """The names that a cell assigns.

    Examples
    --------
    >>> sorted(names_set("fit = score(rows)"))
    ['fit']
    """
    return _names(source, ast.Store)


def names_read(source: str) -> set[str]:
    """The names that a cell reads.

    Examples
    --------
    >>> sorted(names_read("fit = score(rows)"))
    ['rows', 'score']
    """
    return _names(source, ast.Load)


def _names(source: str, how: type[ast.expr_context]) -> set[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:  # magics
        return set()
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, how)}
