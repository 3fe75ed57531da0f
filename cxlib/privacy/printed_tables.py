r"""Tables that a notebook printed, or made HTML of by itself: do they count few people?

    counts_few("channel  n\n    web  4")                # True: the page leaves it out
    counts_few(frame.style.to_html())

A displayed table hides its own small cells (`privacy.disclosure`); what comes as text cannot
be mended. It counts people where a column, or the row of `describe`, is headed so, where pandas
says that it does (`value_counts`, `groupby().size()`), and where whole numbers stand crossed.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from cxlib.core import context, i18n

COUNTS = ("n", "count", "counts", "size")  # what heads a column that counts
NUMBER = re.compile(r"\d[\d,]*(?:\.0*)?")
CELLS, TAGS = re.compile(r"<t([hd])\b[^<>]*>"), re.compile(r"<[^<>]+>")
SERIES = re.compile(r"(?:Name: (?P<name>\S+), )?(?:Length: \d+, )?dtype: (?:u?int|float|Int)\d+")
DESCRIBED = re.compile(r"count((?:\s+[\d,.]+)+)\s*")
Cells = dict[int, str]  # where each word of a line ends: the word


def counts_few(text: str) -> bool:
    """Whether a table in the text, or in the HTML, has a count above 0 and under the smallest."""
    counts = _in_html(text.lower()) if "<tr" in text.lower() else _in_text(text)
    return any(0 < c < context.current().smallest_cell for c in counts)


def _wholes(values: Iterable[str | None]) -> list[float]:
    """The values as numbers; none at all unless every one is whole."""
    found = []
    for said in values:
        if said is None or not NUMBER.fullmatch(said):
            return []
        found.append(float(said.replace(",", "")))
    return found


def _heads_counts(said: str) -> bool:
    return said.lower() in COUNTS or said == i18n.heading("n")


# Text: pandas sets each number beneath the end of its head.


def _in_text(text: str) -> Iterator[float]:
    plain = text.replace("|", " ")  # Markdown
    for block in re.split(r"\n\s*\n", plain):
        lines = [line for line in block.split("\n") if line.strip(" -:+\\")]
        cells = [{m.end(): m[0] for m in re.finditer(r"[^\s\\]+", line)} for line in lines]
        yield from _described(lines)
        yield from _series(lines, cells)
        yield from _crossed(lines, cells)
        words = [list(row.values()) for row in cells]
        for place in range(len(cells) - 1):
            yield from _beneath(cells, words, place)


def _described(lines: list[str]) -> Iterator[float]:
    for found in filter(None, map(DESCRIBED.fullmatch, lines)):
        yield from (c for said in found[1].split() for c in _wholes([said]))


def _series(lines: list[str], cells: list[Cells]) -> Iterator[float]:
    """Series named as counts, or without a name but with one for their groups."""
    for place, line in enumerate(lines):
        if (found := SERIES.fullmatch(line.strip())) is None or not place:
            continue
        grouped = found["name"] is None and not _wholes([_last(cells[0])])
        if grouped or (found["name"] and _heads_counts(found["name"])):
            yield from _wholes(map(_last, cells[1:place]))


def _last(row: Cells) -> str:
    return row[max(row)]


def _crossed(lines: list[str], cells: list[Cells]) -> Iterator[float]:
    """A cross table: names of both sides, then whole numbers only."""
    if len(lines) < 3 or lines[0][:1].isspace() or lines[1][:1].isspace():
        return
    ends = list(cells[0])[1:]
    if ends and not any(NUMBER.fullmatch(said) for said in cells[1].values()):
        values = [[said for end, said in row.items() if end in ends] for row in cells[2:]]
        if all(values):
            yield from _wholes(v for row in values for v in row)


def _beneath(cells: list[Cells], words: list[list[str]], head: int) -> Iterator[float]:
    """What stands beneath a head that counts: at its end, or at its place from the right."""
    named = head + 2 < len(cells) and not any(re.search(r"\d", said) for said in words[head + 1])
    below = range(head + 1 + named, len(cells))  # without the names of the index
    for place, (end, said) in enumerate(cells[head].items()):
        if _heads_counts(said):
            back = len(cells[head]) - place
            level = (words[i][-back] if len(words[i]) >= back else None for i in below)
            yield from _wholes(cells[i].get(end) for i in below) or _wholes(level)


# HTML: by the place of the cell, counted from the right, where nothing spans rows.


def _in_html(text: str) -> Iterator[float]:
    for table in _elements(text, "table"):
        rows = [_cells(row) for row in _elements(table, "tr")]
        heads = [[said for _, said in row] for row in rows if all(k == "h" for k, _ in row)]
        body = [row for row in rows if any(k == "d" for k, _ in row)]
        for head in heads:
            for behind, said in enumerate(reversed(head), 1):
                if _heads_counts(said):
                    level = [row[-behind][1] for row in body if len(row) >= behind]
                    yield from (c for v in level for c in _wholes([v]))
        for row in (r for r in body if r[0][1] == "count"):
            yield from (c for _, said in row[1:] for c in _wholes([said]))
        if len(heads) == 2 and heads[0][:1] != [""] and heads[1][:1] != [""]:
            yield from _wholes(said for row in body for k, said in row if k == "d")


def _elements(text: str, name: str) -> Iterator[str]:
    """What stands in each <name>; nothing after one that never ends."""
    end = 0
    while (begin := text.find(f"<{name}", end)) >= 0:
        if (end := text.find(f"</{name}>", begin)) < 0:
            return
        yield text[begin:end]


def _cells(row: str) -> list[tuple[str, str]]:
    """(h or d, text) of each cell of a row."""
    pieces = CELLS.split(row)[1:]
    return [
        (kind, html.unescape(TAGS.sub("", said)).strip())
        for kind, said in zip(pieces[::2], pieces[1::2], strict=True)
    ]
