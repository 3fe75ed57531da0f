"""What went with each warning, as a tree that reads on a phone: an indented list.

report.tree(found)                                # in a notebook, below report.add
"""

from __future__ import annotations

import re
from html import escape


def tree(causes) -> None:
    """Show the `trees` of `actions.causes`: a heading an event, each link under what it is of; what
    the data cannot tell stands in small letters.
    """
    from IPython.display import HTML, display

    display(HTML("".join(html_of(one.head, one.lines) for one in causes.trees)))


def html_of(head: str, lines) -> str:
    """One tree as HTML, escaped; `lines` has depth (from 0), whether it is told, and the text."""
    parts, last = [f"<h4>{escape(head)}</h4>"], -1
    for depth, told, text in lines:
        parts.append("<ul>" * (depth - last) or "</li>" + "</ul></li>" * (last - depth))
        words = re.sub(r"\bn (?=\d)", "n\u00a0", escape(text))  # n and its number on one line
        told_of = re.sub("^(.*?[:：])", r"<strong>\1</strong>", words)
        parts.append(f"<li>{told_of if told else f'<small>{words}</small>'}")
        last = depth
    return "".join(parts) + "</li></ul>" * (last + 1)
