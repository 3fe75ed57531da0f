"""papermill's engines of ours: an ordinary kernel over IPC, and a shell in this very process.

    register()
    papermill.execute_notebook(path, out, engine_name="cxlab-kernel", tell=print)

Both tell which cell begins, and must leave the same notebook behind (`execute.canonical` takes
away what differs by nature: times, ids, paths). The shell in the process needs a fresh process for
each page, which `processes` forks.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
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

    def cell_start(cell, cell_index=None, **rest):
        tell(manager.nb, cell_index + 1)
        return begin(cell, cell_index, **rest)

    manager.cell_start = cell_start


class KernelEngine(Engine):
    """An ordinary kernel of this Python, over sockets: TCP ports of parallel kernels collide."""

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, *, tell, **_):
        from jupyter_client.manager import AsyncKernelManager

        _telling(nb_man, tell)
        # A socket's path may have some 100 characters only, so not below a long folder.
        place = Path(tempfile.mkdtemp(prefix="cx"))
        way = {} if os.name == "nt" else {"transport": "ipc"}
        manager = AsyncKernelManager(
            kernel_name="python3", connection_file=str(place / "k.json"), **way
        )
        client = PapermillNotebookClient(
            nb_man, km=manager, timeout=None, startup_timeout=120, record_timing=False,
            kernel_name="python3",
        )  # fmt: skip
        try:
            client.execute()
        finally:
            shutil.rmtree(place, ignore_errors=True)


class InProcessEngine(Engine):
    """IPython's shell in this process: no kernel to start, no messages to wait for."""

    @classmethod
    def execute_managed_notebook(cls, nb_man, kernel_name, *, tell, html=True, **_):
        from cxlib.batch.shell import Shell

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
