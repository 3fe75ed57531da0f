"""A file, or a part of it, as one of our tables."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from cxlib.data.intake import conversion
from cxlib.data.intake.drafts.looking import Seen

ROW = "#row"


@dataclass
class TableOf:
    """A file as one of our tables.

    Attributes
    ----------
    columns : ours: theirs; why : ours: what speaks for it
    derive : columns made by an expression over the file's
    rows : their column: words that rows of the table do not have there (none: it is filled)
    constants : columns of ours that hold one value for the file
    left_out : column: why it is left out
    free : columns that are none of ours, and neither personal nor the tool's
    repeated : a column that is called as an id is and repeats, so that rows are numbered
    """

    seen: Seen
    table: str
    columns: dict[str, str]
    why: dict[str, str] = field(default_factory=dict)
    derive: dict[str, str] = field(default_factory=dict)
    rows: dict[str, list[str]] = field(default_factory=dict)
    constants: dict[str, str] = field(default_factory=dict)
    only: str = ""
    merge: list[str] | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    free: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    repeated: str = ""


def counted_rows(part: TableOf) -> pd.Series:
    """Which rows of the file count: those that are neither tests nor unfinished."""
    frame = part.seen.raw.frame
    keep = pd.Series(True, index=frame.index)
    for name, words in part.rows.items():
        cells = conversion.text(frame[name])
        keep &= cells.notna() & ~cells.isin(words)
    return keep


def offered(part: TableOf, column: str) -> pd.Series:
    """The cells of a column in the rows that count."""
    return part.seen.raw.frame.loc[counted_rows(part), column]
