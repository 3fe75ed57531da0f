"""Parts of a page that the rows do not allow: a sentence stands in their place, the page goes on.

A cell of a notebook that raises InsufficientData is no mistake. Its sentence is printed, and what
the cell would have defined is forgotten, so that no later cell takes an older value for it; a later
cell that asks for it is left out as well. All other errors stay errors.
"""

from __future__ import annotations

import ast
import linecache
import sys
from typing import Any

from cxlib.core.errors import InsufficientData, leave_out


def go_on_in_notebooks() -> None:
    """Have cells of the notebook that is running leave out what the rows do not allow."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None or InsufficientData in shell.custom_exceptions:
        return
    sections = _Sections()
    shell.set_custom_exc((InsufficientData, NameError), sections.caught)
    shell.events.register("pre_run_cell", sections.begin)
    shell.events.register("post_run_cell", sections.end)


class _Sections:
    """The names that are not there because a cell was left out."""

    def __init__(self) -> None:
        self.lost: set[str] = set()
        self.before: dict[str, int] | None = None
        self.left_out = False

    def begin(self, info: Any) -> None:
        shell = sys.modules["IPython"].get_ipython()
        self.left_out = False
        self.before = {n: id(shell.user_ns.get(n)) for n in _defined(info.raw_cell or "")}

    def caught(self, shell: Any, etype: type, value: Any, tb: Any, tb_offset: Any = None) -> None:
        if etype is NameError and value.name not in self.lost:
            shell.showtraceback((etype, value, tb), tb_offset=tb_offset)
            return
        self.left_out = True
        if self.before is None:  # the very cell in which the study was opened
            self.before = {n: id(None) for n in _defined(_source_of(shell, tb))}
        for name, old in self.before.items():
            if id(shell.user_ns.get(name)) == old:
                shell.user_ns.pop(name, None)
                self.lost.add(name)
        leave_out("" if etype is NameError else str(value))

    def end(self, result: Any) -> None:
        if self.left_out and result is not None:
            result.error_in_exec = None  # the kernel then says "ok", and the next cell is run


def _source_of(shell: Any, tb: Any) -> str:
    """The cell in which an error was raised."""
    while tb is not None and tb.tb_frame.f_globals is not shell.user_ns:
        tb = tb.tb_next
    return "" if tb is None else "".join(linecache.getlines(tb.tb_frame.f_code.co_filename))


def _defined(source: str) -> set[str]:
    """The names that a cell assigns."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # magics
        return set()
    return {
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
