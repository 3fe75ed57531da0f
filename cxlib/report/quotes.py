"""Topics and what was written of them, as a table that a page shows.

report.quoted(voice.quotes(marked, fit))          # in a notebook
"""

from __future__ import annotations

import html

import pandas as pd

from cxlib import masking, page

NOT_ENOUGH = 2  # times the smallest cell: of fewer writers no words are shown


def quoted(topics: pd.DataFrame) -> None:
    """Show each topic, its words and quotes; numbers and quotes only of a crowd.

    `topics` has term, n, words, then a column a quote, as `voice.quotes` gives them.
    """
    from IPython.display import HTML, display

    display(HTML(html_of(topics)))


def html_of(topics: pd.DataFrame) -> str:
    """The topics as one piece of HTML, escaped and masked."""
    heads = [page.label("topic"), "n", page.label("words"), page.say("quotes")]
    head = "".join(f"<th>{html.escape(h)}</th>" for h in heads)
    rows = [_row(row) for row in topics.itertuples(index=False)]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _row(row: tuple) -> str:
    term, n, words, *said = row
    least = page.rules().smallest_cell
    crowd = [t for t in said if t] if n >= NOT_ENOUGH * least else []
    told = [masking.masked(t, page.rules().mask)[0] for t in crowd]
    quotes = "".join(f"<p>“{html.escape(t)}”</p>" for t in told)
    if not quotes:
        quotes = html.escape(page.say("hidden: too few wrote of it"))
    count = page.count(n) if n >= least else f"<{least}"
    cells = [page.label(str(term)), count, str(words)]
    return "<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in cells) + f"<td>{quotes}</td></tr>"
