"""Parts of a whole of which some are of too few people to be shown, put together with others.

A part that is hidden alone could be found by taking the others from the whole.
"""

from __future__ import annotations

import pandas as pd

from cxlib.core import context, i18n


def merged(table: pd.DataFrame) -> pd.DataFrame:
    """The parts (term, n and other counts) in their order, small ones merged with a neighbour.

    Examples
    --------
    >>> parts = pd.DataFrame({"term": ["a", "b", "c"], "n": [2, 30, 40]})
    >>> merged(parts).values.tolist()
    [['a / b', 32], ['c', 40]]
    """
    rows, least = table.to_dict("records"), context.current().smallest_cell
    while len(rows) > 1 and min(row["n"] for row in rows) < least:
        small = min(range(len(rows)), key=lambda k: rows[k]["n"])
        first = small if small + 1 < len(rows) else small - 1
        one, other = rows[first : first + 2]
        both = {c: one[c] + other[c] for c in one if c != "term"}
        names = " / ".join(i18n.label(str(r["term"])) for r in (one, other))
        rows[first : first + 2] = [{"term": names, **both}]
    return pd.DataFrame(rows, columns=table.columns)
