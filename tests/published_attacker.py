"""An outsider who has the published files of a run, and nothing else.

    files = Published(folder)
    files.numbers_of({"islet"})        # each place that gives a number of a hidden group
    files.shown_elsewhere()            # cells that one table hides and another shows

Read are pages (tables, sentences, alternative texts, labels, hidden elements), figures (words, what
is said on hover, marks at the tick of a group), answers.json, tables.xlsx with all that a workbook
can carry unseen, run.json and the index. The notebooks of a run hold the same outputs.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lxml import etree, html
from openpyxl import load_workbook

NUMBER = re.compile(r"(?<![\w<])[+−-]?\d[\d,]*(?:\.\d+)?%?(?![\w-])")
LINE = re.compile(r"[ML]\s*(-?[\d.]+)[ ,](-?[\d.]+)")
NEAR = 3.0  # points between the tick of a row and the marks that stand in it
PART = re.compile(r"(?<=[.;。；])\s+")
# Whole numbers that a sentence about a hidden group has in every case.
FIXED = re.compile(r"95%|1\.96|<\s*\d+|(?:few|less|under) (?:er )?(?:than )?\d+|\d{4}-[QW]\d+")


@dataclass(frozen=True)
class Claim:
    """What the outsider learned of a hidden group, by which channel, where."""

    channel: str
    place: str
    group: str
    said: str


class Published:
    """The files of a run, read as anybody who downloads them can."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.answers = json.loads((folder / "answers.json").read_text("utf-8"))

    @cached_property
    def pages(self) -> dict[str, Any]:
        """The pages as trees, with those of figures in them."""
        return {f.name: html.parse(str(f)).getroot() for f in sorted(self.folder.glob("*.html"))}

    @cached_property
    def figures(self) -> list[tuple[str, etree._Element]]:
        return [(name, svg) for name, page in self.pages.items() for svg in page.iter("svg")]

    def numbers_of(self, groups: Iterable[str]) -> list[Claim]:
        """Each number that stands with the name of a hidden group and of no other.

        A group that the attacker knows of is one that any table lists without its numbers.
        """
        names = {g: re.compile(rf"(?<![\w-]){re.escape(g)}(?![\w-])", re.I) for g in groups}
        found: list[Claim] = []
        for channel, place, text in self._said():
            for part in PART.split(text):
                for group, pattern in names.items():
                    if not pattern.search(part):
                        continue
                    rest = FIXED.sub(" ", pattern.sub(" ", part))
                    if NUMBER.search(rest):
                        found.append(Claim(channel, place, group, " ".join(part.split())[:150]))
        for channel, place, cells in self._rows():
            for group, pattern in names.items():
                heads = [k for k, cell in enumerate(cells) if pattern.fullmatch(str(cell).strip())]
                known = [c for k, c in enumerate(cells) if k not in heads and _is_number(c)]
                if heads and known:
                    found.append(Claim(channel, place, group, str(known[:4])))
        found += self._marks(names)
        return found

    def _said(self) -> Iterator[tuple[str, str, str]]:
        """(channel, place, text) of everything that is words."""
        for name, page in self.pages.items():
            for element in page.iter():
                if not isinstance(element.tag, str):
                    yield "comment", name, element.text or ""
                    continue
                for key, value in element.attrib.items():
                    if key in ("alt", "aria-label", "title", "content", "value") or "data-" in key:
                        yield "alternative text", name, value
                if element.tag in ("p", "li", "h1", "h2", "h3", "h4", "summary", "figcaption"):
                    yield "sentence", name, element.text_content()
                if element.tag in ("title", "desc", "text", "tspan"):
                    yield "words of a figure", name, element.text_content()
                if element.tag == "script":
                    yield "script", name, element.text or ""
        for page_name, records in self.answers.items():
            for record in records.values():
                finding = record.get("finding") or {}
                said = (v for v in finding.values() if isinstance(v, str))
                for text in (record["answer"], record.get("note", ""), *said):
                    yield "sentence in answers.json", page_name, text
        run = json.loads((self.folder / "run.json").read_text("utf-8"))
        for text in _texts({k: v for k, v in run.items() if k != "hidden"}):
            yield "run.json", "run.json", text
        yield from self._unseen()

    def _rows(self) -> Iterator[tuple[str, str, Sequence[object]]]:
        """(channel, place, cells) of each row of a table, in whatever file."""
        for name, page in self.pages.items():
            for row in page.iter("tr"):
                yield "table", name, [cell.text_content().strip() for cell in row]
        for place, table in self._tables():
            known = [k for k, c in enumerate(table["columns"]) if c not in PLANNED]
            for row in table["rows"]:
                yield "answers.json", place, [row[k] for k in known]
        book = load_workbook(self.folder / "tables.xlsx", data_only=False)
        for sheet in book:
            for row in sheet.iter_rows(values_only=True):
                yield "tables.xlsx", sheet.title, row

    def _tables(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for page, records in self.answers.items():
            for name, record in records.items():
                for part, table in {"": record["table"], **record["tables"]}.items():
                    yield f"{page[:2]} {name} {part}".strip(), table

    def _unseen(self) -> Iterator[tuple[str, str, str]]:
        """What a workbook may carry beside its sheets: caches, names, comments, properties."""
        with zipfile.ZipFile(self.folder / "tables.xlsx") as book:
            for part in book.namelist():
                if "worksheets/" in part or part.endswith("sharedStrings.xml"):
                    continue
                root = etree.fromstring(book.read(part))
                yield "unseen in tables.xlsx", part, " ".join(root.itertext())
        for sheet in load_workbook(self.folder / "tables.xlsx"):
            if sheet.sheet_state != "visible":
                yield "unseen in tables.xlsx", sheet.title, f"{sheet.title} 1"
            for row in sheet.iter_rows():
                for cell in row:
                    if cell.comment:
                        yield "unseen in tables.xlsx", sheet.title, cell.comment.text

    def _marks(self, names: dict[str, re.Pattern[str]]) -> Iterator[Claim]:
        """Dots, bars and whiskers in the row of a group, or above its tick."""
        for name, svg in self.figures:
            ticks = [
                (group, float(t.get("x", 0)), float(t.get("y", 0)))
                for t in svg.iter("text")
                for group, pattern in names.items()
                if pattern.fullmatch(t.text_content().strip())
            ]
            if not ticks:
                continue
            legend = max((y for x, y in _marked(svg, "text")), default=0.0)
            for group, x, y in ticks:
                for kind in ("use", "circle", "rect"):
                    for at_x, at_y in _marked(svg, kind):
                        if abs(at_y - (y - NEAR)) < NEAR and at_x > x + NEAR and y < legend:
                            yield Claim("mark of a figure", name, group, f"{kind} at {at_x}")

    def shown_elsewhere(self) -> list[str]:
        """Cells that one table hides and another table shows, number or n.

        A cell is called by its groups and its term. Tables of parts of the answers (`PARTS`) are of
        other rows.
        """
        hides: dict[tuple[object, ...], list[str]] = defaultdict(list)
        shows: dict[tuple[object, ...], list[str]] = defaultdict(list)
        for place, table in self._tables():
            columns = table["columns"]
            if not {"term", "estimate", "n"} <= set(columns) or PARTS & set(columns):
                continue
            term, n = columns.index("term"), columns.index("n")
            gone = {h["row"] for h in table.get("hidden", [])}
            for k, row in enumerate(table["rows"]):
                key = tuple(zip(columns[:term], row[:term], strict=True)), row[term]
                if k in gone:
                    hides[key].append(place)
                elif row[n] is not None and key[0]:
                    shows[key].append(f"{place}: {row[n]}")
        return [
            f"{key}: {hides[key][0]} hides it, {shows[key][0]} shows it"
            for key in sorted(hides.keys() & shows.keys(), key=str)
        ]


# Columns that are no result of a row: what was planned or how it is called.
PLANNED = {"answer", "time", "step", "wave", "week", "changed", "baseline", "after", "k"}
PARTS = {"time", "against", "kind"}


def _is_number(cell: object) -> bool:
    if isinstance(cell, bool | int | float):
        return True
    text = str(cell if cell is not None else "").strip()
    return bool(text) and not text.startswith("<") and bool(NUMBER.fullmatch(text))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _marked(svg: etree._Element, kind: str) -> Iterator[tuple[float, float]]:
    """Where marks of a kind stand, in points of the figure."""
    for mark in svg.iter(kind):
        x, y = mark.get("x") or mark.get("cx"), mark.get("y") or mark.get("cy")
        if x and y:
            yield float(x), float(y)
