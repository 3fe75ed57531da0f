"""What the notebooks will be able to say, before any of them is run: ready, partly, not possible.

    for found in readiness.of(study.read("mine"), reserve.check("mine").taken): print(found)

A notebook declares in its metadata what it `needs` at all, for its `parts`, by heading, what each
needs, and what only becomes known `later`. All needs are checked on the data at hand, by counts.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cxlib.batch import planning
from cxlib.core import context, parameters
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _
from cxlib.data.intake import Intake
from cxlib.data.study import Study
from cxlib.reserve.requirements import LATER

if TYPE_CHECKING:
    from cxlib.reserve import Reserve

READY, PARTLY, NOT_POSSIBLE = "ready", "partly", "not possible"


@dataclass(frozen=True)
class Readiness:
    """What a notebook can do with a study: why it cannot be made, or which parts are left out."""

    notebook: str
    missing: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()  # heading, why
    later: tuple[str, ...] = ()  # what cannot be known before it is made

    @property
    def status(self) -> str:
        """Whether the notebook can be made of the study: wholly, in part, or not."""
        return NOT_POSSIBLE if self.missing else PARTLY if self.left_out else READY

    def __str__(self) -> str:
        lines = [f"{self.notebook}: {self.status}", *self.missing]
        lines += [f"{part} {why}" for part, why in self.left_out]
        return "\n  ".join([*lines, *self.later])


def of(study: Study, taken: dict[str, Intake]) -> list[Readiness]:
    """The readiness of the notebooks that study.yaml lists, or of all there are.

    Parameters
    ----------
    study, taken : the study, and its tables as the intake hands them on
    """
    from cxlib import reserve

    listed = [planning.pick(n) for n in study.reports] or list(planning.notebooks().values())
    with context.use(reserve.context_of(study)), reserve.in_memory(study, taken) as store:
        broken = _no_sample(store)
        found = [_ready(store, notebook, broken) for notebook in listed]
    return _said_once(found, broken)


def _said_once(found: list[Readiness], broken: str) -> list[Readiness]:
    """The notebooks, the reason that all of them share in full at the first of them only."""
    first = next((page.notebook for page in found if broken in page.missing), "")
    return [
        replace(page, missing=(f"for the same reason as {first}",))
        if broken in page.missing and page.notebook != first
        else page
        for page in found
    ]


def _ready(store: Reserve, notebook: Path, broken: str) -> Readiness:
    facts = parameters.content(notebook)["metadata"].get("cxlib", {})
    needs: Sequence[str] = facts.get("needs", ())
    missing = list(store.lacks(list(needs)))
    if broken and "responses" in needs and not missing:
        missing = [broken]
    parts = facts.get("parts", {}).items()
    left_out = [(part, why[0]) for part, own in parts if (why := store.lacks(list(own)))]
    if missing:
        return Readiness(notebook.stem, tuple(missing))
    # What waits for a model is said where the model can be made.
    later = [] if "Answer" in dict(left_out) else facts.get("later", ())
    known_later = tuple(_(LATER[what]) for what in later)
    return Readiness(notebook.stem, (), tuple(left_out), known_later)


def _no_sample(store: Reserve) -> str:
    """Why the answers cannot be weighted as study.yaml says; empty when they can."""
    if "responses" not in store.tables:
        return ""
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # what pages say of their weights
            store.sample("responses")
    except (InsufficientData, ValueError, RuntimeError) as error:
        return str(error)
    return ""
