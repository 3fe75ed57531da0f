"""What must not reach a page is taken out of an executed notebook before it is stored.

audit = protect(notebook)             # masked, hidden, and a record of what was done
audit_of(notebook)                    # {"hidden": [...], "masked": {...}, "warnings": [...]}
comments(texts)                       # shown only above twice the smallest cell, masked
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from cxlib.core import context
from cxlib.core.errors import ABSENT
from cxlib.core.i18n import _
from cxlib.privacy import cross_page, disclosure, masking, printed_tables
from cxlib.privacy.cross_page import AUDIT, MIME

if TYPE_CHECKING:  # notebooks import this module and none of nbformat
    from nbformat import NotebookNode

PIXELS = "image/png"
DRAWN = ("image/svg+xml", "application/vnd.cxlab.narrow+svg")
_TAGS = re.compile(r"(<[^>]*>)")
_SAID_IN_TAG = re.compile(r"""\b(title|alt|aria-label)=("[^"]*"|'[^']*')""")  # read aloud, or shown


def protect(notebook: NotebookNode) -> dict[str, Any]:
    """Take out of an executed notebook what may not be stored; the audit, also in its metadata.

    Text loses personal data, tables their plain twin (it shows what the table hides), what was
    printed its tables of small groups, answers the groups that another answer's total would give
    away, with their figures.
    """
    hidden: list[dict[str, str]] = []
    found: dict[str, int] = {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown" or "injected-parameters" in cell.metadata.get("tags", []):
            cell.source = without_personal_data(cell.source)
        for output in cell.get("outputs", []):
            hidden += _without_printed(output)
            _settle(output, found)
            hidden += _hidden_in(output)
    hidden += cross_page.hide_within_page(notebook)
    if "cxlib" in notebook.metadata:  # the title in each language
        notebook.metadata["cxlib"] = masking.masked_in(notebook.metadata["cxlib"])
    notebook.metadata[AUDIT] = {"hidden": hidden, "masked": found, "warnings": _said(notebook)}
    return dict(notebook.metadata[AUDIT])


def audit_of(notebook: NotebookNode) -> dict[str, Any]:
    """What `protect` did to the notebook; empty parts where it has not been protected."""
    return {"hidden": [], "masked": {}, "warnings": [], **notebook["metadata"].get(AUDIT, {})}


def _settle(output: NotebookNode, found: dict[str, int]) -> None:
    """Mask every text of an output."""
    for part in ("text", "evalue"):
        if part in output:
            output[part] = _masked(output[part], found)
    if "traceback" in output:
        output["traceback"] = [_masked(line, found) for line in output["traceback"]]
    data = output.get("data", {})
    answer = MIME in data  # what its record counts is not counted again
    if "text/html" in data:
        if not answer:
            data.pop("text/plain", None)
        pieces = _TAGS.split(data["text/html"])
        counted = {} if answer else found
        pieces[::2] = [_masked_html(piece, counted) for piece in pieces[::2]]
        pieces[1::2] = [_SAID_IN_TAG.sub(_masked_attribute, tag) for tag in pieces[1::2]]
        data["text/html"] = "".join(pieces)
    for mime in (MIME, ABSENT):
        if mime in data:
            data[mime] = masking.masked_in(data[mime], found)
    for mime in ("text/plain", "text/markdown"):
        if mime in data:
            data[mime] = _masked(data[mime], {} if answer else found)
    for mime in DRAWN:
        if mime in data:
            pieces = _TAGS.split(masking.storable(data[mime]))
            pieces[::2] = [_masked_html(piece, found) for piece in pieces[::2]]
            drawn, data[mime] = data[mime], "".join(pieces)
            if data[mime] != drawn:  # the same figure in pixels cannot be masked
                data.pop(PIXELS, None)
    for about in output.get("metadata", {}).values():
        if isinstance(about, dict) and isinstance(about.get("alt"), str):
            about["alt"] = _masked(about["alt"], found)
    if "metadata" in output:  # it also tells which cells are hidden
        output["metadata"] = masking.masked_in(output["metadata"])


def _masked(text: str, found: dict[str, int]) -> str:
    return masking.masked_in(text, found)


def without_personal_data(text: str) -> str:
    """The text without personal data."""
    return _masked(text, {})


def _masked_attribute(match: re.Match[str]) -> str:
    quote = match[2][0]
    return f"{match[1]}={quote}{_masked_html(match[2][1:-1], {})}{quote}"


def _masked_html(text: str, found: dict[str, int]) -> str:
    plain = html.unescape(text)
    said = _masked(plain, found)
    return text if said == plain else html.escape(said)


def _hidden_in(output: NotebookNode) -> Iterator[dict[str, str]]:
    record = output.get("data", {}).get(MIME)
    if record:
        for part, table in cross_page.tables_of(record):
            for cell in table.get("hidden", []):
                yield {"answer": part, "cell": cell["cell"], "reason": cell["reason"]}
    for cell in output.get("metadata", {}).get(AUDIT, []):
        yield {"answer": "", **cell}


def protect_from(notebook: NotebookNode, away: cross_page.Exposure) -> None:
    """Hide in a protected notebook what other pages of its run would give away."""
    audit = audit_of(notebook)
    audit["hidden"] = [*audit["hidden"], *away.hide(notebook)]
    notebook.metadata[AUDIT] = audit


def _without_printed(output: NotebookNode) -> Iterator[dict[str, str]]:
    """Leave out printed tables, and HTML that is not ours, that count few people."""
    least = context.current().smallest_cell
    said = _(
        "A table is left out here: it counts groups of fewer than {least}. Displayed with a "
        "column n, it would be shown without those groups.",
        least=least,
    )
    places = [(output, "text")] if "text" in output else []
    if MIME not in (data := output.get("data", {})):
        places += [(data, m) for m in ("text/html", "text/markdown", "text/plain") if m in data]
    if any(printed_tables.counts_few(held[part]) for held, part in places):
        for held, part in places:
            held[part] = said
        yield {"answer": "", "cell": "printed table", "reason": disclosure.reason(disclosure.SMALL)}


def _said(notebook: NotebookNode) -> list[str]:
    """Warnings of the notebook: what went to stderr."""
    return [
        output.text.strip()
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stderr" and output.text.strip()
    ]


def comments(texts: Iterable[str], most: int = 5) -> list[str]:
    """Mask comments so that they may be shown: up to `most`, in their order.

    Words reveal more of a person than a number does, so none are given unless twice the smallest
    cell wrote one.

    Parameters
    ----------
    texts : comments; missing and empty ones do not count
    most : comments to give
    """
    written = [str(t).strip() for t in texts if isinstance(t, str) and str(t).strip()]
    if len(written) < 2 * context.current().smallest_cell:
        return []
    return [masking.masked(text, comment=True)[0] for text in written[:most]]
