"""Columns whose values lead to single people: what a page must neither ask for nor list.

names_people("customer_id = 'c1'")      # ['customer_id']
identifies("email", counts)             # True where nearly every value is one row's
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from cxlib.data import contract

OF_PEOPLE = (
    *("customers", "responses", "invitations", "events", "orders", "cases", "comments"),
    "contacts",
)
IDENTIFIERS = frozenset(
    {key for table in OF_PEOPLE for key in contract.TABLES[table].key}
    | {"referred_by", "reminder_of"}
)
FEW = 12  # values that single rows have, of which a message may list some
_ASKED = r"(?<!\w){}(?!\w)(?!\"?\s+is\s+(?:not\s+)?null)"


def identifies(column: str, counts: Sequence[int]) -> bool:
    """Whether the values of a column lead to single people, as ids, names and addresses do.

    Parameters
    ----------
    column : its name
    counts : rows of each of its values

    Examples
    --------
    >>> identifies("customer_id", [5, 5]), identifies("email", [1] * 40), identifies("plan", [9, 8])
    (True, True, False)
    """
    alone = sum(n == 1 for n in counts)
    return column in IDENTIFIERS or (alone > FEW and 2 * alone > len(counts))


def names_people(where: str) -> list[str]:
    """The identifiers whose values a condition asks for; not those that it only wants filled.

    Examples
    --------
    >>> names_people("customer_id in ('c1', 'c2') and plan = 'plus'")
    ['customer_id']
    >>> names_people("referred_by is not null")
    []
    """
    bare = re.sub(r"'(?:[^']|'')*'", "''", where)
    return [c for c in sorted(IDENTIFIERS) if re.search(_ASKED.format(c), bare, re.I)]
