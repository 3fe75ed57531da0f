"""Sentences on names of study.yaml that match nothing, with the nearest name that there is."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from cxlib.core.codes import counted, match
from cxlib.core.errors import suggestion

NEAR = 0.8  # similarity from which a name is taken for a slip of another
LISTED = 16  # names that a message lists


def lost_codes(codes: Iterable[str], values: pd.Series) -> list[str]:
    """The codes that no row has.

    Examples
    --------
    >>> lost_codes(["1", "x"], pd.Series([1.0, 2.0]))
    ['x']
    """
    return [str(c) for c, same in match(codes, values.dropna().unique()).items() if not same]


def unmatched(where: str, lost: Iterable[str], values: pd.Series) -> str:
    """Codes that no row has, and what the rows do have."""
    return f"{where}: no row has {listed(lost)}. {values.name} holds: {counted(values)}."


def no_column(where: str, column: str, have: Iterable[object]) -> str:
    """A column that is not there, and those that are."""
    names = list(dict.fromkeys(map(str, have)))
    return (
        f"{where}: there is no column {column!r}.{suggestion(column, names)} There are: "
        f"{', '.join(names) or 'none'}."
    )


def shown(names: list[str]) -> str:
    """Names in order, the last of many: those next to what is new."""
    more = f"{len(names) - LISTED:,} more and " if len(names) > LISTED else ""
    return more + ", ".join(names[-LISTED:]) or "none"


def listed(names: Iterable[str]) -> str:
    """Names in quotes, one after the other."""
    return ", ".join(map(repr, names))
