"""What the fork server imports before it forks pages (see `processes`); nothing else imports this.

Importing these starts no thread. What is slow the first time is done once here: the schema of
notebooks is read and the page's template compiled. No notebook can see any of it.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import os
import pkgutil
import signal

import cxlib
from cxlib.batch.processes import import_nbformat

LIBRARIES = (
    "IPython.core.completerlib",
    "IPython.core.interactiveshell",
    "IPython.core.magics",
    "ipykernel.jsonutil",
    "papermill",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_svg",
    "matplotlib_inline.backend_inline",
    "pyarrow.pandas_compat",
    "scipy.special",
    "scipy.stats",
    "seaborn",
    "sklearn.linear_model",
    "cxlib.batch.engines",
    "cxlib.batch.execute",
    "cxlib.report.pages",
)
ABOVE = {"batch", "cli"}


def import_all() -> None:
    """Import the libraries and all of cxlib that a notebook may ask for."""
    import_nbformat()
    for name in LIBRARIES:
        importlib.import_module(name)
    for found in pkgutil.iter_modules(cxlib.__path__):
        if found.name not in ABOVE:
            importlib.import_module(f"cxlib.{found.name}")


def warm_up() -> None:
    """Read and write a notebook and its page, which is slow the first time."""
    import nbformat
    from nbformat import v4

    from cxlib.report import pages

    table = v4.new_output("display_data", {"text/html": "<table><tr><td>1</td></tr></table>"})
    cells = [v4.new_markdown_cell("# a\n\nb"), v4.new_code_cell("c = 1", outputs=[table])]
    content = v4.writes(v4.new_notebook(cells=cells))
    notebook = nbformat.reads(content, as_version=4)
    pages.bind(notebook, pages.Facts(""))


# Ctrl-C reaches it too, as any process of the terminal: it ends at once, without a traceback.
before = signal.signal(signal.SIGINT, signal.SIG_DFL)
gc.disable()  # nothing imported here is ever thrown away
import_all()
warm_up()
gc.freeze()  # the pages' own garbage collectors pass over all of it
gc.enable()
signal.signal(signal.SIGINT, before)  # the fork server sets its own; pages have this one
atexit.register(os._exit, 0)  # it holds nothing to be given back, and tidying takes a second
