"""Errors with a remedy: too few rows for an answer, and columns or choices that do not exist."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeVar

from cxlib.core import context, i18n
from cxlib.core.i18n import _

if TYPE_CHECKING:
    import pandas as pd


Answer = TypeVar("Answer")
ABSENT = "application/vnd.cxlab.absent+json"  # of a part that is left out, in a notebook
PARTIAL = "application/vnd.cxlab.partial+json"  # of rows that a page is not made of


class InsufficientData(ValueError):
    """The rows allow no such answer, which is nobody's mistake. The message is for readers."""


class RowsStay(InsufficientData):
    """A query would bring rows of customers, or sums of too few of them; it was not sent."""


def suggestion(name: object, known: Iterable[object]) -> str:
    """Text " Did you mean 'delivery'?" where one of `known` is close to `name`; else nothing.

    Examples
    --------
    >>> suggestion("delivry", ["delivery", "room"])
    " Did you mean 'delivery'?"
    >>> suggestion("price", ["delivery", "room"])
    ''
    """
    close = get_close_matches(str(name), list(map(str, known)), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def require_columns(rows: pd.DataFrame, columns: Iterable[str], table: str = "the rows") -> None:
    """Raise ValueError for columns that `rows` lacks, naming those it has and the nearest one.

    Examples
    --------
    >>> import pandas as pd
    >>> require_columns(pd.DataFrame({"delivery": [9]}), ["delivry"])
    Traceback (most recent call last):
    ValueError: the rows have no column 'delivry'. Did you mean 'delivery'? They have: delivery.
    """
    have = list(map(str, rows.columns))
    if unknown := [c for c in columns if c not in rows]:
        named = ", ".join(map(repr, unknown))
        raise ValueError(
            f"{table} have no column {named}.{suggestion(unknown[0], have)} "
            f"They have: {', '.join(have) or 'none'}."
        )


def require_choice(name: str, value: object, choices: Iterable[object]) -> None:
    """Raise ValueError unless `value` is one of `choices`; `name` is the parameter's.

    Examples
    --------
    >>> require_choice("kind", "lineal", ["linear", "logistic"])
    Traceback (most recent call last):
    ValueError: kind='lineal' is not a choice. Did you mean 'linear'? There are: linear, logistic.
    """
    known = list(choices)
    if value not in known:
        raise ValueError(
            f"{name}={value!r} is not a choice.{suggestion(value, known)} "
            f"There are: {', '.join(map(str, known)) or 'none'}."
        )


def require_dates(rows: pd.DataFrame, columns: Iterable[str], table: str = "the rows") -> None:
    """Raise ValueError for columns that are absent or hold no dates.

    Examples
    --------
    >>> import pandas as pd
    >>> require_dates(pd.DataFrame({"at": ["2026-10-01"]}), ["at"], "orders")
    Traceback (most recent call last):
    ValueError: orders.at holds str, not dates. Convert it with pandas.to_datetime.
    """
    wanted = list(columns)
    require_columns(rows, wanted, table)
    for column in wanted:
        if rows[column].dtype.kind != "M":
            raise ValueError(
                f"{table}.{column} holds {rows[column].dtype}, not dates. Convert it with "
                "pandas.to_datetime."
            )


def attempt(method: Callable[..., Answer], *given: Any, **how: Any) -> Answer | None:
    """What `method` returns; None, and a sentence on the page, where the rows allow no answer.

    Examples
    --------
    >>> def forecast(weeks):
    ...     raise InsufficientData(f"{weeks} weeks are too few.")
    >>> attempt(forecast, 3)
    3 weeks are too few. This part is left out.
    """
    try:
        return method(*given, **how)
    except InsufficientData as error:
        leave_out(str(error))
        return None


def leave_out(reason: str = "", because: str = "") -> None:
    """Say that a part of the page is left out; the page lists all such parts in one line.

    Parameters
    ----------
    reason : a sentence, in the page's language; empty where an earlier part has said it
    because : what that earlier part said

    Examples
    --------
    >>> leave_out("the study has no table orders.")
    The study has no table orders. This part is left out.
    """
    reason = i18n.opening(reason)
    text = i18n.together([reason, _("This part is left out.")])
    _publish(text, ABSENT, {"reason": reason, "because": reason or because})


def read_in_part(short: str, sentence: str) -> None:
    """Say that a page is made of some rows only; `short` stands below its title."""
    _publish(sentence, PARTIAL, {"short": short})


def _publish(text: str, mime: str, about: dict[str, str]) -> None:
    notebook = context.shell()
    if notebook is None:
        print(text)
    else:
        notebook.display_pub.publish({"text/plain": text, mime: about}, {})
