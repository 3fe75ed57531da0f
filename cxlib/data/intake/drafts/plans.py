"""A plan: what a draft will say, and the questions that its files leave open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from cxlib.data.intake.drafts.looking import Column
from cxlib.data.intake.drafts.parts import TableOf
from cxlib.data.intake.drafts.questions import Rating
from cxlib.data.intake.profiles.recognition import plain


@dataclass
class Question:
    """A question that the files leave open: what it is about, its answers and the one proposed."""

    text: str
    options: dict[str, str]  # answer: what it means
    proposed: str
    apply: Callable[[str], None]
    settled: bool = False

    def settle(self, answer: str) -> None:
        """Take the answer. Raises ValueError for one that is none of the options."""
        if answer not in self.options:
            raise ValueError(f"answer one of {', '.join(self.options)}")
        self.apply(answer)
        self.settled = True


@dataclass
class Plan:
    """What the draft will say.

    Attributes
    ----------
    tables : the files of each table
    ratings : the questions; outcome : the one that the reports are about
    kept : column of the responses (or customers ...): what it seems to be
    labels : column: what a reader calls it
    forms : table: key (dates, numbers): our column: answer
    time_zone : to which times are converted, where their offsets from UTC differ
    doubts : guesses that wait to be confirmed, beside open questions
    """

    name: str
    files: list[Path]
    tables: dict[str, list[TableOf]]
    passed: list[str]
    ratings: list[Rating] = field(default_factory=list)
    kept: dict[str, list[str]] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    forms: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    outcome: str = ""
    group: str = ""
    waves: str = ""
    time_zone: str = ""
    questions: list[Question] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def pooled(of: list[TableOf]) -> dict[str, Column]:
    """The free columns of all files by name; those of one name are one."""
    by_name: dict[str, list[Column]] = {}
    first: dict[str, str] = {}
    for part in of:
        for c in part.free:
            name = first.setdefault(plain(c), c)
            by_name.setdefault(name, []).append(part.seen.columns[c])
    return {
        name: some[0]
        if len(some) == 1
        else Column(
            name,
            some[0].label,
            pd.concat([c.cells.astype(object) for c in some], ignore_index=True),
            some[0].labels,
        )
        for name, some in by_name.items()
    }
