"""Notebooks run over a grid of studies and groups, by papermill, into pages.

    pages = batch.plan(["mobile"], ["10", "20"], {"DRAWS": "500"}, by="gender")
    results = batch.run(pages, jobs=2)                 # reports/mobile/<time>/index.html

`plan` holds the parameters strictly and starts nothing; `run` makes each page in a process of its
own, so nothing leaks from page to page, and a page that dies takes no other with it. Whether a page
is whole is decided by how its process ended, never by what the notebook says of itself.
"""

from __future__ import annotations

import sys

# nbformat would have jsonschema build 35 grammars at import, a second, for a check it never makes.
sys.modules.setdefault("rfc3987_syntax", None)

from cxlib.batch.declared import Parameter  # noqa: E402
from cxlib.batch.declared import of as parameters  # noqa: E402
from cxlib.batch.grid import (  # noqa: E402
    Page,
    Result,
    Unfinished,
    notebooks,
    pick,
    plan,
    run,
)

__all__ = [
    "Page", "Parameter", "Result", "Unfinished", "notebooks", "parameters", "pick", "plan", "run",
]  # fmt: skip
