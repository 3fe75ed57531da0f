"""When the rows are too few, or too alike, for a forecast: a sentence of the page, not a traceback.

forecast = attempt(holdout, orders, 26)      # None, and why on the page, where rows allow none
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cxlib.core import context, i18n
from cxlib.core.errors import InsufficientData
from cxlib.core.i18n import _

Found = TypeVar("Found")
Unfit = InsufficientData


def attempt(of: Callable[..., Found], *given: object, **how: object) -> Found | None:
    """What `of` finds in the rows; None where they allow nothing, and the page says why."""
    try:
        return of(*given, **how)
    except Unfit as error:
        print(i18n.together([i18n.opening(str(error)), _("This part is left out.")]))
        return None


def few(n: int) -> str:
    """A number of customers for a sentence, told apart from none only where the page may."""
    least = context.current().smallest_cell
    return _("fewer than {least:count}", least=least) if 0 < n < least else i18n.count(n)
