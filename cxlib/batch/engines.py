"""papermill's engines of ours: an ordinary kernel over IPC, and a shell in this very process.

    register()
    papermill.execute_notebook(path, out, engine_name="cxlab-kernel", tell=print)

The shell in the process is why a page costs its analysis and little else: a kernel's start and
messages take as long as the analysis. Its outputs are caught as a kernel would send them; it leaves
its marks on everything it touches, so it is only for a process that makes one page and ends.

Both tell which cell begins, and must leave the same notebook behind (`execute.canonical` takes
away what differs by nature: times, ids, paths). The shell in the process needs a fresh process for
each page, which `processes` forks.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbformat.v4 import new_output
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines

KERNEL, IN_PROCESS = "cxlab-kernel", "cxlab-in-process"


def register() -> None:
    """Make both engines known to papermill."""
    papermill_engines.register(KERNEL, KernelEngine)
    papermill_engines.register(IN_PROCESS, InProcessEngine)


def _telling(manager: NotebookExecutionManager, tell: Callable[[NotebookNode, int], None]) -> None:
    """Have `tell` called as each cell begins, with the notebook and the cell's number."""
    begin = manager.cell_start

    def cell_start(cell: NotebookNode, cell_index: int, **rest: Any) -> Any:
        tell(manager.nb, cell_index + 1)
        return begin(cell, cell_index, **rest)

    manager.cell_start = cell_start


class KernelEngine(Engine):  # type: ignore[misc]  # papermill brings no types
    """An ordinary kernel of this Python, over sockets: TCP ports of parallel kernels collide."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        tell: Callable[[NotebookNode, int], None],
        **_: Any,
    ) -> None:
        """Execute the notebook in a kernel of its own."""
        from jupyter_client.manager import AsyncKernelManager

        _telling(nb_man, tell)
        # A socket's path may have some 100 characters only, so not below a long folder.
        place = Path(tempfile.mkdtemp(prefix="cx"))
        way = {} if os.name == "nt" else {"transport": "ipc"}
        manager = AsyncKernelManager(
            kernel_name="python3", connection_file=str(place / "k.json"), **way
        )
        limits = {"timeout": None, "startup_timeout": 120, "record_timing": False}
        client = PapermillNotebookClient(nb_man, km=manager, kernel_name="python3", **limits)
        try:
            client.execute()
        finally:
            shutil.rmtree(place, ignore_errors=True)


class InProcessEngine(Engine):  # type: ignore[misc]
    """IPython's shell in this process: no kernel to start, no messages to wait for."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        tell: Callable[[NotebookNode, int], None],
        html: bool = True,
        **_: Any,
    ) -> None:
        """Execute the notebook in this process."""
        _telling(nb_man, tell)
        shell = Shell.begin(figures=html)
        for index, cell in enumerate(nb_man.nb.cells):
            try:
                nb_man.cell_start(cell, index)
                if cell.cell_type == "code" and cell.source.strip():
                    shell.run(cell)
            except CellExecutionError as error:
                nb_man.cell_exception(cell, cell_index=index, exception=error)
                break
            finally:
                nb_man.cell_complete(cell, cell_index=index)
        sys.stdout.flush()


class _Publisher(DisplayPublisher):
    shell: Any  # the page's own

    def publish(  # type: ignore[override]
        self,
        data: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        *,
        transient: dict[str, Any] | None = None,
        update: bool = False,
        **_: Any,
    ) -> None:
        self.shell.caught.append(
            new_output("display_data", data=_plain(data), metadata=metadata or {})
        )

    def clear_output(self, wait: bool = False) -> None:
        self.shell.caught.clear()


class _Hook(DisplayHook):
    """What the last line of a cell gives: an execute_result."""

    shell: Any

    def write_output_prompt(self) -> None:
        pass

    def write_format_data(
        self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None
    ) -> None:
        count, about = self.shell.execution_count, {"metadata": md_dict or {}}
        shown = new_output("execute_result", _plain(format_dict), execution_count=count, **about)
        self.shell.caught.append(shown)

    def finish_displayhook(self) -> None:
        pass


class _Stream(io.TextIOBase):
    """stdout or stderr of a page. Text is gathered in pieces; joining each time is quadratic."""

    encoding, errors = "utf-8", "strict"

    def __init__(self, shell: Shell, name: str) -> None:
        self._shell, self.name = shell, name

    def write(self, text: str) -> int:
        self._shell.say(self.name, str(text))
        return len(text)

    def fileno(self) -> int:
        return {"stdout": 1, "stderr": 2}[self.name]

    def writable(self) -> bool:
        return True


class Shell(InteractiveShell):
    """The shell of one page."""

    kernel = None  # libraries ask for it to learn whether they are in a notebook
    caught: list[Any]
    history_manager: Any

    @classmethod
    def begin(cls, figures: bool = True) -> Shell:
        """A shell whose displays and prints are caught, and figures too unless none is wanted."""
        os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
        shell = cls.instance(
            displayhook_class=_Hook,
            display_pub_class=_Publisher,
            user_module=None,
            user_ns={},
            colors="nocolor",
        )
        shell.caught = []
        shell.history_manager.enabled = False
        shell.enable_gui = lambda *_: None  # type: ignore[method-assign]
        if "pandas" in sys.modules:
            # pandas looks once, at import, whether it is in a notebook; the template was in none.
            sys.modules["pandas"].set_option("display.max_columns", 20)
        if "matplotlib" in sys.modules:
            shell.run_line_magic("matplotlib", "inline")
            # It would draw each figure after its cell, and throw the drawing away.
            sys.modules["matplotlib.pyplot"].uninstall_repl_displayhook()
            shell.events.callbacks["post_execute"].insert(0, _lay_out if figures else _close)
        if not figures:
            _draw_nothing()
        return shell

    def init_history(self) -> None:
        """Keep no history: a page is executed once."""
        super().init_history()  # type: ignore[no-untyped-call]
        self.history_manager.enabled = False

    def say(self, name: str, text: str) -> None:
        """Add to the stream `name`, one output as long as nothing else comes between."""
        last = self.caught[-1] if self.caught else None
        if isinstance(last, tuple) and last[0] == name:
            last[1].append(text)
        elif text:
            self.caught.append((name, [text]))

    def run(self, cell: NotebookNode) -> None:
        """Run a cell as a kernel would. Raises CellExecutionError when it raises anything."""
        self.caught.clear()
        streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _Stream(self, "stdout"), _Stream(self, "stderr")
        try:
            result = self.run_cell(cell.source, store_history=True, silent=False)  # type: ignore[no-untyped-call]
        finally:
            sys.stdout, sys.stderr = streams
        cell.execution_count = result.execution_count
        cell.outputs = [_whole(o) for o in self.caught if _whole(o) is not None]
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            raise CellExecutionError("", type(error).__name__, str(error))

    def _showtraceback(self, etype: type, evalue: object, stb: list[str]) -> None:
        name = getattr(etype, "__name__", str(etype))
        self.caught.append(new_output("error", ename=name, evalue=str(evalue), traceback=list(stb)))


def _lay_out() -> None:
    """Figures that lay themselves out move a little at each drawing: as often as in a kernel."""
    for manager in sys.modules["matplotlib._pylab_helpers"].Gcf.get_all_fig_managers():
        if manager.canvas.figure.stale and manager.canvas.figure.get_layout_engine():
            manager.canvas.draw_idle()


def _draw_nothing() -> None:
    """Have `show` take its tables and give back nothing: drawing takes as long as the analysis."""
    from cxlib import plots

    for name in plots.__all__:
        if getattr(plots, name).__module__ != plots.use_house_style.__module__:
            setattr(plots, name, lambda *_, **__: None)


def _close() -> None:
    sys.modules["matplotlib.pyplot"].close("all")


def _whole(output: Any) -> NotebookNode | None:
    if not isinstance(output, tuple):
        return output
    text = "".join(output[1])
    return new_output("stream", name=output[0], text=text) if text else None


def _plain(data: dict[str, Any]) -> dict[str, Any]:
    """As a kernel sends it: images as base64 text."""
    from ipykernel.jsonutil import encode_images, json_clean

    return json_clean(encode_images(dict(data)))
