"""What changed with each alert, as a tree that reads on a phone: an indented list.

report.tree(found)                                # in a notebook, below report.add
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from cxlib.core.i18n import _
from cxlib.core.result import Result
from cxlib.report.prose import tied


def tree(causes: Result) -> None:
    """Show what changed with each alert as an indented list.

    A heading an event, each significant link under what it is of; the table has the others.

    Parameters
    ----------
    causes : of `actions.causes`
    """
    from IPython.display import HTML, display

    display(HTML("".join(html_of(one.head, _significant(one.lines)) for one in causes.trees)))


def _significant(lines: Sequence[tuple[int, bool, str]]) -> list[tuple[int, bool, str]]:
    """The links that were found; of an event without any one line that says so."""
    found = [line for line in lines if line[1]]
    if found:
        return found
    return [(0, False, _("No group, driver or topic is known to have changed with it."))]


def html_of(head: str, lines: Iterable[tuple[int, bool, str]]) -> str:
    """One tree as HTML, escaped; `lines` has depth (from 0), whether it was found, and the text."""
    parts, last = [f"<h4>{tied(head)}</h4>"], -1
    for depth, found, text in lines:
        parts.append("<ul>" * (depth - last) or "</li>" + "</ul></li>" * (last - depth))
        words = str(tied(text))
        named = re.sub("^(.*?[:：])", r"<strong>\1</strong>", words)
        parts.append(f"<li>{named if found else f'<small>{words}</small>'}")
        last = depth
    return "".join(parts) + "</li></ul>" * (last + 1)
