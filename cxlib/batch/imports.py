"""What a notebook imports, so that its page finds it imported.

imports.of(path)                                   # ["cxlib.scores", "cxlib.plots", "seaborn"]
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

from cxlib.batch import declared

# Those that compute after a fork, as the tests hold: importing them starts no thread.
KNOWN = {
    "cxlib",
    "duckdb",
    "matplotlib",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "seaborn",
    "sklearn",
}
MAGIC = re.compile(r"^\s*[%!?].*|^.*\?\s*$", re.M)  # lines that are IPython's own


def of(notebook: Path) -> list[str]:
    """Names of what its cells import out of `KNOWN`, in order, each once."""
    cells = declared.content(notebook)["cells"]
    sources = [MAGIC.sub("", "".join(c["source"])) for c in cells if c["cell_type"] == "code"]
    names = [name for source in sources for name in _of_cell(source)]
    return [n for n in dict.fromkeys(names) if n.partition(".")[0] in KNOWN]


def _of_cell(source: str) -> Iterator[str]:
    with contextlib.suppress(SyntaxError):  # the page will say so
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
