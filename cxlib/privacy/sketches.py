"""By how few customers two sets of rows differ, known without the rows: sums of keyed hashes.

    few = differ(monday, tuesday) < 10                 # sketches of the same table and key

Each row has a number, of its key and a secret, and each customer a place among `PLACES`. A sketch
of rows holds for each place the sum of the numbers of its rows, modulo 2^32. Sketches add and
subtract as the sets of their rows do, so that the places at which two differ are those of the
customers who have a row in one set and not in the other: no more places than customers, and hardly
fewer where these are few (of 9 customers two share a place in one of 7 cases: then they count as
8). A sum of many rows tells nothing of one of them to whoever lacks the secret.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import TypeAlias

import numpy as np

from cxlib.privacy.published import digest

PLACES = 256
Sketch: TypeAlias = np.ndarray  # (PLACES,) of uint32
Part = tuple[str, str]  # a table, and the groups of which its rows are
Sketches = Mapping[Part, Sketch]


def groups_key(pairs: Iterable[tuple[str, str]]) -> str:
    """Groups by which sketches are found, whatever their order; names of levels as digests.

    Examples
    --------
    >>> groups_key([("wave", "Q1"), ("plan", "a")]) == groups_key([("plan", "a"), ("wave", "Q1")])
    True
    >>> groups_key([])
    ''
    """
    return " ".join(sorted(f"{column}={digest(level)}" for column, level in pairs))


def differ(one: Sketch, other: Sketch) -> int:
    """At how many places two sketches differ: at most the customers by whom their rows do.

    Examples
    --------
    >>> one, other = np.zeros(PLACES, np.uint32), np.zeros(PLACES, np.uint32)
    >>> other[[3, 9]] = 77
    >>> differ(one, one), differ(one, other)
    (0, 2)
    """
    return int(np.count_nonzero(one != other))


def combined(weights: np.ndarray, some: np.ndarray) -> int | None:
    """At how many places a sum of sketches, with these weights, is not 0; None without such sums.

    Parameters
    ----------
    weights : (sketches,), fractions of small numbers
    some : (sketches, PLACES)
    """
    for size in range(1, 13):
        whole = np.rint(weights * size)
        if np.abs(whole - weights * size).max() < 1e-6:
            of = whole.astype(np.int64) % 2**32
            return int(np.count_nonzero((of.astype(np.uint64) @ some.astype(np.uint64)) % 2**32))
    return None


def written(sketch: Sketch) -> str:
    """The sketch as text, for a file."""
    return base64.b85encode(sketch.astype("<u4").tobytes()).decode("ascii")


def read(text: str) -> Sketch:
    """The sketch that `written` wrote. Raises ValueError for another text.

    Examples
    --------
    >>> sketch = np.arange(PLACES, dtype=np.uint32)
    >>> (read(written(sketch)) == sketch).all()
    np.True_
    """
    sketch = np.frombuffer(base64.b85decode(text), "<u4").astype(np.uint32)
    if len(sketch) != PLACES:
        raise ValueError(f"a sketch has {PLACES} places, not {len(sketch)}.")
    return sketch
