"""Notebooks run over a grid of studies and groups, by papermill, into pages.

    pages = batch.plan(["mobile"], ["10", "20"], {"DRAWS": "500"}, by="gender")
    results = batch.run(pages, jobs=2)                 # reports/mobile/<time>/index.html

`plan` checks the parameters strictly and starts nothing; `run` makes each page in a process of its
own, so nothing leaks from page to page, and a page that dies takes no other with it. Whether a page
is whole is decided by how its process ended, never by what the notebook says of itself.
"""

from __future__ import annotations

import importlib
from typing import Any

# Looked up when first asked for: `cx run` starts its fork server before all this is imported.
WHERE = {
    "Page": "planning",
    "Result": "results",
    "Unfinished": "processes",
    "notebooks": "planning",
    "pick": "planning",
    "plan": "planning",
    "run": "runner",
    "unit_pages": "unit_plan",
}

__all__ = list(WHERE)


def __getattr__(name: str) -> Any:
    if name not in WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{WHERE[name]}"), name)
