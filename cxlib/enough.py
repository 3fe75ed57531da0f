"""When the rows are too few, or too alike, for a forecast: a sentence of the page, not a traceback.

forecast = attempt(holdout, orders, 26)      # None, and why on the page, where rows allow none
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cxlib import page
from cxlib.core.errors import InsufficientData

Found = TypeVar("Found")
Unfit = InsufficientData


def attempt(of: Callable[..., Found], *given: object, **how: object) -> Found | None:
    """What `of` finds in the rows; None where they allow nothing, and the page says why."""
    try:
        return of(*given, **how)
    except Unfit as error:
        print(page.together([page.opening(str(error)), page.say("This part is left out.")]))
        return None


def few(n: int) -> str:
    """A number of customers for a sentence, told apart from none only where the page may."""
    least = page.rules().smallest_cell
    return (
        page.say("fewer than {least}", least=page.count(least)) if 0 < n < least else page.count(n)
    )
