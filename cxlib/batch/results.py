"""What became of a page of a run."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cxlib.batch.planning import Page
from cxlib.core.finding import by_importance
from cxlib.core.sections import traceback_in


@dataclass(frozen=True)
class Result:
    """What became of a page: its status ("ok", "failed", "skipped", "not run").

    `reused`: it was made by an earlier run of the same inputs. `why`: why it had to be made.
    `boxes`: its figures show boxes for letters that no font has. `read`: the tables it was made
    from (`reserve.tables_read`). `cost`: how many queries it made of the reserve or the engine, and
    the rows and bytes that they brought. `memory_mb`: the most that its process held,
    libraries included.
    """

    page: Page
    folder: Path
    status: str
    seconds: float = 0.0
    answers: dict[str, Any] = field(default_factory=dict)
    mistake: tuple[int, int, str] | None = None
    cells: tuple[float, ...] = ()
    job: dict[str, Any] = field(default_factory=dict, repr=False)
    boxes: bool = False
    read: tuple[str, ...] = ("*",)
    reused: bool = False
    why: str = ""
    memory_mb: int | None = None
    cost: dict[str, float] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """Where the page is written."""
        return self.folder / f"{self.page.name}.html"

    @property
    def traceback(self) -> str:
        """Where in the code the page failed, as its notebook keeps it: without personal data."""
        try:
            kept = json.loads(self.file.with_suffix(".ipynb").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        found = [traceback_in(cell.get("outputs", [])) for cell in kept["cells"]]
        return next((one for one in reversed(found) if one), "")

    @property
    def answer(self) -> str:
        """The claim of the page's most important finding, or why there is none."""
        if self.mistake:
            return self.mistake[2].splitlines()[0]
        if self.page.lacking:
            return " ".join(self.page.lacking)
        found = by_importance(a["finding"] for a in self.answers.values() if a.get("finding"))
        return found[0]["claim"] if found else ""
