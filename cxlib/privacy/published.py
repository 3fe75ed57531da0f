"""Groups that a run before has shown, and to which too few people have come since.

    state = state_of(records)                      # of a page that was published
    change = change_since(table, columns, state)   # of each row, how many have come or gone

Whoever has both numbers of a group, with the people that each is of, has the answers of those who
came between (differencing). Such a group is hidden until as many have come as the smallest cell
(`disclosure.hidden`). Names are digests: what was published outlives the names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

FILE = "CX_PUBLISHED"  # names the file that tells a notebook the states of its page
TOTAL = "overall"  # what stands in a grouping column for all groups together
State = Mapping[str, Sequence[float]]  # cell -> how many it was shown with; none where hidden


@lru_cache(maxsize=100_000)
def digest(word: str) -> str:
    """A name that can be compared and not read."""
    return hashlib.blake2s(word.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def cell_of(groups: Iterable[str], term: str, time: object = None) -> str:
    """The groups of a row, whatever their columns are called, and its term, of digests."""
    at = [f"{time:.6g}"] if isinstance(time, (int, float)) else []
    return " ".join([*sorted(groups), ">", term, *at])


def state_of(records: Iterable[Mapping[str, Any]]) -> dict[str, list[float]]:
    """How many each cell was shown with, in the reduced answers of a page with digests as names.

    Examples
    --------
    >>> columns, rows = ["plan", "term", "n"], [["a1", "b2", 40], ["c3", "b2", None]]
    >>> state_of([{"table": {"columns": columns, "rows": rows}, "tables": {}}])
    {'a1 > b2': [40], 'c3 > b2': []}
    """
    state: dict[str, list[float]] = {}
    for record in records:
        for table in (record["table"], *record["tables"].values()):
            columns = table["columns"]
            if not {"n", "term"} <= set(columns):
                continue
            at, n = columns.index("term"), columns.index("n")
            time = columns.index("time") if "time" in columns else None
            for row in table["rows"]:
                groups = [str(v) for v in row[:at] if v is not None and v not in ("", TOTAL)]
                cell = cell_of(groups, str(row[at]), None if time is None else row[time])
                seen = state.setdefault(cell, [])
                if isinstance(row[n], (int, float)) and row[n] not in seen:
                    seen.append(row[n])
    return state


def change_since(table: pd.DataFrame, columns: Sequence[str], state: State) -> np.ndarray:
    """How many people have come to each row, or gone, since the state; NaN where none or unknown.

    All of a row are new that the state does not have. Nothing is said of everybody: a run of
    which few are new is not published at all.
    """
    n = pd.to_numeric(table["n"], errors="coerce").to_numpy(float)
    if "term" not in table:
        return np.full(len(table), np.nan)
    groups = [
        [digest(_name(v)) for v in row if _is_name(v)]
        for row in table[[*columns]].astype(object).to_numpy()
    ]
    times = table["time"] if "time" in table else [None] * len(table)
    change = np.full(len(table), np.nan)
    whole = max((v for c, seen in state.items() if c[0] == ">" for v in seen), default=0)
    for place, (group, term, time) in enumerate(zip(groups, table["term"], times, strict=True)):
        seen = state.get(cell_of(group, digest(_name(term)), time))
        if seen is None:
            change[place] = n[place]
        elif n[place] not in seen:
            before = [v for v in seen if group or v < whole]
            change[place] = min((abs(n[place] - v) for v in before), default=np.nan)
    return change


def _name(value: object) -> str:
    """The value as it is written in a kept table, with 8 significant digits."""
    return str(float(f"{value:.8g}")) if isinstance(value, float) else str(value)


def _is_name(value: object) -> bool:
    return value is not None and value == value and value not in ("", TOTAL)
