"""What must not reach a page: small cells that other answers give away, personal data, lists.

audit = protect(notebook)             # before it is stored: masked, hidden, and what was done
audit_of(notebook)                    # {"hidden": [...], "masked": {...}, "warnings": [...]}
comments(texts)                       # shown only above twice the smallest cell, masked
list_to_file("at_risk", customers)    # a CSV of its own that only its owner may read
"""

from __future__ import annotations

import csv
import html
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
from nbformat import NotebookNode

from cxlib import hiding, page
from cxlib.privacy import masking
from cxlib.report import apart, printed
from cxlib.report.answers import MIME
from cxlib.report.apart import AUDIT

FOLDER, PAGE = "CX_RUN_FOLDER", "CX_RUN_PAGE"  # said by whoever runs the notebook
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"[-+]?\d+(\.\d+)?(e[-+]?\d+)?", re.I)
_TAGS = re.compile(r"(<[^>]*>)")
_SAID_IN_TAG = re.compile(r"""\b(title|alt|aria-label)=("[^"]*"|'[^']*')""")  # read aloud, or shown


def protect(notebook: NotebookNode) -> dict:
    """Take out of an executed notebook what may not be stored; the audit, also in its metadata.

    Text loses personal data, tables their plain twin (it shows what the table hides), what was
    printed its tables of small groups, answers the groups that another answer's total would give
    away, with their figures.
    """
    hidden, found = [], {}
    for cell in notebook.cells:
        if cell.cell_type == "markdown" or "injected-parameters" in cell.metadata.get("tags", []):
            cell.source = unnamed(cell.source)
        for output in cell.get("outputs", []):
            hidden += _without_printed(output)
            _settle(output, found)
            hidden += _hidden_in(output)
    hidden += apart.between(notebook)
    if "cxlib" in notebook.metadata:  # the title in each language
        notebook.metadata["cxlib"] = masking.masked_in(notebook.metadata["cxlib"])
    notebook.metadata[AUDIT] = {"hidden": hidden, "masked": found, "warnings": _said(notebook)}
    return dict(notebook.metadata[AUDIT])


def audit_of(notebook: NotebookNode) -> dict:
    """What `protect` did to the notebook; empty parts where it has not been protected."""
    return {"hidden": [], "masked": {}, "warnings": [], **notebook["metadata"].get(AUDIT, {})}


def _settle(output: NotebookNode, found: dict[str, int]) -> None:
    """Mask every text of an output; figures apart, whose letters are outlines."""
    for part in ("text", "evalue"):
        if part in output:
            output[part] = _masked(output[part], found)
    if "traceback" in output:
        output["traceback"] = [_masked(line, found) for line in output["traceback"]]
    data = output.get("data", {})
    if "text/html" in data:
        data.pop("text/plain", None)
        pieces = _TAGS.split(data["text/html"])
        pieces[::2] = [_masked_html(piece, found) for piece in pieces[::2]]
        pieces[1::2] = [_SAID_IN_TAG.sub(_masked_attribute, tag) for tag in pieces[1::2]]
        data["text/html"] = "".join(pieces)
    if MIME in data:
        data[MIME] = masking.masked_in(data[MIME], found)
    for mime in ("text/plain", "text/markdown"):
        if mime in data:
            # The sentence of an answer is counted once, in its record.
            data[mime] = _masked(data[mime], {} if MIME in data else found)
    if "image/svg+xml" in data:
        data["image/svg+xml"] = masking.storable(data["image/svg+xml"])
    for about in output.get("metadata", {}).values():
        if isinstance(about, dict) and isinstance(about.get("alt"), str):
            about["alt"] = _masked(about["alt"], found)
    if "metadata" in output:  # it also tells which cells are hidden
        output["metadata"] = masking.masked_in(output["metadata"])


def _masked(text: str, found: dict[str, int]) -> str:
    return masking.masked_in(text, found)


def unnamed(text: str) -> str:
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
        for part, table in apart.tables_of(record):
            for cell in table.get("hidden", []):
                yield {"answer": part, "cell": cell["cell"], "reason": cell["reason"]}
    for cell in output.get("metadata", {}).get(AUDIT, []):
        yield {"answer": "", **cell}


def protect_from(notebook: NotebookNode, away: apart.Away) -> None:
    """Hide in a protected notebook what other pages of its run would give away."""
    audit = audit_of(notebook)
    audit["hidden"] = [*audit["hidden"], *away.hide(notebook)]
    notebook.metadata[AUDIT] = audit


def _without_printed(output: NotebookNode) -> Iterator[dict[str, str]]:
    """Leave out printed tables, and HTML that is not ours, that count few people."""
    least = page.rules().smallest_cell
    said = page.say(
        "A table is left out here: it counts groups of fewer than {least}. Displayed with a "
        "column n, it would be shown without those groups.", least=least,
    )  # fmt: skip
    places = [(output, "text")] if "text" in output else []
    if MIME not in (data := output.get("data", {})):
        places += [(data, m) for m in ("text/html", "text/markdown", "text/plain") if m in data]
    if any(printed.counts_few(held[part]) for held, part in places):
        for held, part in places:
            held[part] = said
        yield {"answer": "", "cell": "printed table", "reason": hiding.reason(hiding.SMALL)}


def _said(notebook: NotebookNode) -> list[str]:
    """Warnings of the notebook: what went to stderr."""
    return [
        output.text.strip()
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.output_type == "stream" and output.name == "stderr" and output.text.strip()
    ]


def comments(texts: Iterable[str], most: int = 5) -> list[str]:
    """Up to `most` comments, masked, in their order; none unless twice the smallest cell wrote one.

    Words tell more of a person than a number does, so they need a larger crowd.
    """
    written = [str(t).strip() for t in texts if isinstance(t, str) and str(t).strip()]
    if len(written) < 2 * page.rules().smallest_cell:
        return []
    return [masking.masked(text)[0] for text in written[:most]]


def list_to_file(name: str, rows: pd.DataFrame) -> Path:
    """Write customers to a CSV of their own beside the page, readable by its owner alone.

    The page says that there is a list, never who is on it. Cells that a spreadsheet would take for
    a formula begin with an apostrophe. Raises ValueError for a name that is no word.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r} cannot name a list. Use small letters, digits and '_'.")
    folder, stem = Path(os.environ.get(FOLDER) or "."), os.environ.get(PAGE, "")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / (f"{stem}.{name}.csv" if stem else f"{name}.csv")
    handle, fresh = tempfile.mkstemp(dir=folder, prefix=".list.", suffix=".part")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8-sig", newline="") as stream:
            write = csv.writer(stream)
            write.writerow([_cell(c) for c in rows.columns])
            write.writerows([_cell(v) for v in r] for r in rows.itertuples(index=False, name=None))
        os.replace(fresh, file)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise
    print(page.say("The list {name} is in a file that only its owner can read: {file}.",
                   name=page.label(name), file=file.name))  # fmt: skip
    return file


def _cell(value: object) -> object:
    """Text as a spreadsheet shows it and never computes it (OWASP, CSV injection)."""
    text = "" if value is None or value is pd.NA or value != value else str(value)
    risky = text.lstrip(" \u00a0\ufeff\x00").startswith(FORMULA) or text.startswith(FORMULA)
    return f"'{text}" if risky and not NUMBER.fullmatch(text) else text
