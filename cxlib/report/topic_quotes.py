"""Topics and quotes from the comments on them.

report.quoted(voice.quotes(marked, fit))          # in a notebook
"""

from __future__ import annotations

import html
from typing import Any

import pandas as pd

from cxlib.core import context, i18n
from cxlib.core.i18n import _, ngettext
from cxlib.privacy import masking

OPEN = 4  # topics whose quotes are seen at once
NOT_ENOUGH = 2  # times the smallest cell: of fewer writers no words are shown


def quoted(topics: pd.DataFrame) -> None:
    """Show each topic with its words and quotes, masked.

    Small counts are hidden; quotes are shown only where enough customers wrote of the topic.

    Parameters
    ----------
    topics : of `voice.quotes`: term, n, words, then a column a quote
    """
    from IPython.display import HTML, display

    display(HTML(html_of(topics)))


def html_of(topics: pd.DataFrame) -> str:
    """The topics as one piece of HTML, escaped and masked: the first open, the others folded."""
    blocks = [_block(row) for row in topics.itertuples(index=False)]
    shown, folded = "".join(blocks[:OPEN]), blocks[OPEN:]
    if not folded:
        return shown
    more = ngettext("{n:count} more topic", "{n:count} more topics", len(folded))
    summary = f"<summary>{html.escape(more)}</summary>"
    return f"{shown}<details>{summary}{''.join(folded)}</details>"


def _block(row: Any) -> str:
    term, n, words, *texts = row
    least = context.current().smallest_cell
    crowd = [t for t in texts if t] if n >= NOT_ENOUGH * least else []
    masked = [masking.masked(t, comment=True)[0] for t in crowd]
    quotes = "".join(f"<blockquote>“{html.escape(t)}”</blockquote>" for t in masked)
    if not quotes:
        quotes = f"<p><small>{html.escape(_('Hidden: too few wrote of it.'))}</small></p>"
    count = i18n.count(n) if n >= least else f"&lt;{least}"
    name = html.escape(i18n.label(str(term)))
    head = f"<p><strong>{name}</strong> · n {count}<br><small>{html.escape(words)}</small></p>"
    return head + quotes
