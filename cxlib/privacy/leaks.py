"""What gives a hidden row away beside its number: verdicts, sums that go on, rates, sentences.

list(told("24 standards_by_severity", table))     # a verdict of a hidden row
list(printed(tables, [("24", "Lowest for Islet, 12%.")]))
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from cxlib.core import context, i18n
from cxlib.privacy import disclosure
from cxlib.privacy.cross_page import MIME

# Where it stands, its rows with why, what it is about.
Table = tuple[str, pd.DataFrame, dict[str, Any]]
PER = re.compile(r"(?:per|_)\W?(1,?000|100)\b|\brate\b", re.I)  # terms that are rates
TAGS = re.compile(r"<[^>]*>")
TABLES = re.compile(r"(?s)<table.*?</table>")
BLOCKS = re.compile(r"</(?:p|li|h\d|figcaption|div|td|summary|text)>|<br ?/?>")
TOLD = re.compile(r"\d[\d,]*\.\d|\d\s?%|\bn\W{0,3}\d")  # a decimal, a percentage, or n
SHOWN = 120  # letters of a sentence that a message repeats
PARTS = re.compile(r"(?<=[.;])\s+|(?<=[。；])|\n")  # of a text, the sentences
LETTERS = re.compile(r"[^\W\d_]")
LONG = {"en": 20, "zh": 8}  # letters of a text that nothing else says
COUNT = re.compile(r"[−-]?\d[\d,]*(?:\.\d+)?%?")


class Withheld(RuntimeError):
    """A run that is not published, since hidden cells could be worked out from it."""

    exit_code = 5


@dataclass(frozen=True)
class Leak:
    """A hidden cell that can be worked out: which, from what, and what to do."""

    cell: str
    how: str
    cure: str = ""

    def __str__(self) -> str:
        cure = self.cure or (
            f"Merge {self.cell} with another level (recode in study.yaml), raise reporting: "
            "smallest_cell, or leave out a page"
        )
        return f"{self.cell}: {self.how}. {cure}."


def in_tables(tables: Sequence[Table]) -> Iterator[Leak]:
    """What single rows and columns tell of hidden rows."""
    for source, table, _about in tables:
        yield from _judged(source, table)
        yield from _traced(source, table)
        yield from _leavers(source, table)
    yield from _rates(tables)


def gone(table: pd.DataFrame) -> np.ndarray:
    """Which rows are hidden."""
    return (table["why"] != "").to_numpy()


def named(row: Mapping[str, Any], columns: Sequence[str]) -> str:
    """A row as a message names it."""
    return ", ".join(f"{c}={row[c]}" for c in columns)


def _judged(source: str, table: pd.DataFrame) -> Iterator[Leak]:
    """A verdict or a signal of a hidden row: nobody may learn even that of so few."""
    columns = [*disclosure.grouping(table), "term"]
    for column in table.columns.intersection(disclosure.JUDGED):
        said = ~table[column].isin(["", "unclear"]) & table[column].notna() & gone(table)
        for row in table[said].to_dict("records"):
            yield Leak(named(row, columns), f"{source} tells its {column}")


def _traced(source: str, table: pd.DataFrame) -> Iterator[Leak]:
    """A cumulative sum that carries on from a hidden wave gives its deviation."""
    if not {"up", "down", "z", "term"} <= set(table):
        return
    columns = disclosure.grouping(table)
    waves = [*columns, "term"]
    for _unused, rows in table.groupby([*columns[:-1], "term"], dropna=False):
        z, hidden = pd.to_numeric(rows["z"]).to_numpy(float), gone(rows)
        for side in ("up", "down"):
            sums = pd.to_numeric(rows[side]).to_numpy(float)
            for t in range(1, len(rows) - 1):
                if hidden[t] and sums[t - 1] >= 0 and sums[t + 1] > 0 and not np.isnan(z[t + 1]):
                    cell = named(rows.iloc[t].to_dict(), waves)
                    yield Leak(cell, f"the cumulative sum “{side}” of {source} carries on past it")


def _leavers(source: str, table: pd.DataFrame) -> Iterator[Leak]:
    """Shares of all leavers: what the shown rows leave is that of one hidden row."""
    hidden = gone(table)
    if "leavers" in table and hidden.sum() == 1:
        left = 1 - pd.to_numeric(table["leavers"]).sum()
        if 1e-6 < left < 1:
            row = table[hidden].iloc[0].to_dict()
            yield Leak(named(row, ["term"]), f"the column leavers of {source} adds up to one")


def _rates(tables: Sequence[Table]) -> Iterator[Leak]:
    """A rate per 1,000 in one table gives the count that another hides."""
    hidden: dict[tuple[str, str], str] = {}
    for source, table, _about in tables:
        for column in disclosure.grouping(table)[:1] if "n" in table else []:
            hidden |= {(column, str(v)): source for v in table.loc[gone(table), column]}
    least = context.current().smallest_cell
    for source, table, about in tables:
        if not {"n", "estimate", "term"} <= set(table) or about["unit"] == "share":
            continue
        for column in disclosure.grouping(table)[:1]:
            for row in table.dropna(subset=["n", "estimate"]).to_dict("records"):
                if (column, str(row[column])) not in hidden:
                    continue
                if (per := PER.search(str(row["term"]))) is None:
                    continue
                count = row["n"] * row["estimate"] / (100 if per[1] == "100" else 1000)
                if 0.5 < count < least - 0.5 and abs(count - round(count)) < 1e-4:
                    where = hidden[column, str(row[column])]
                    how = f"its rate in {source} gives the count that {where} hides"
                    yield Leak(f"{column}={row[column]}", how)


# Sentences, figures and printed tables.


def texts_of(notebook: Mapping[str, Any]) -> Iterator[str]:
    """Every sentence that a notebook shows: texts, alternative texts, figures, rows of tables."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            record = data.get(MIME, {})
            page = "".join(data.get("text/html", ""))
            drawn = "".join(data.get("image/svg+xml", ""))
            blocks = TAGS.sub(" ", BLOCKS.sub("\n", TABLES.sub("\n", page)))
            yield "".join(output.get("text", ""))
            yield "".join(data.get("text/plain", ""))
            yield html.unescape(blocks)
            yield html.unescape(TAGS.sub(" ", BLOCKS.sub("\n", drawn)))
            yield f"{record.get('answer', '')} {record.get('note', '')}"
            for about in output.get("metadata", {}).values():
                yield about.get("alt", "") if isinstance(about, dict) else ""
            for row in re.findall(r"(?s)<tr\b.*?</tr>", page):
                cells = [html.unescape(TAGS.sub("", c)).strip() for c in re.split(r"</t[dh]>", row)]
                if any(COUNT.fullmatch(c) for c in cells[1:]):  # the first may be a row's number
                    yield " | ".join([*cells, "n 1"])


def printed(tables: Sequence[Table], texts: Iterable[tuple[str, str]]) -> Iterator[Leak]:
    """Sentences that give a number of a group that every table hides, and of no other group."""
    small: set[str] = set()
    seen: set[str] = set()
    words: set[str] = set()  # names of shown rows, of which a hidden name may be a part
    for _source, table, _about in tables:
        hidden = gone(table)
        few = table["why"].isin([disclosure.SMALL, disclosure.GROWN]).to_numpy()
        for column in [*disclosure.grouping(table), "term"] if "term" in table else []:
            for names, rows in ((small, few), (seen, ~hidden)):
                names.update(_names(table.loc[rows, column]))
        for column in table.select_dtypes(exclude="number").columns.difference(["why"]):
            words |= _names(table.loc[~hidden, column])
    small = {name for name in small - seen if re.search(r"[^\W\d_]", name)}
    find, other = _pattern(small), _pattern({n for n in seen if len(n) > 1})
    if find is None:
        return
    # A sentence in a table is no name: it is read like any other.
    longer = _pattern({w for w in words - small if find.search(w) and not TOLD.search(w)})
    for place, text in texts:
        for sentence in PARTS.split(text):
            own = longer.sub(" ", sentence) if longer else sentence
            if (found := find.search(own)) is None:
                continue
            rest = find.sub(" ", own)
            if not TOLD.search(rest) or (other and other.search(rest)):
                continue
            if TOLD.search(find.sub(" ", _without_constants(own))):
                said = " ".join(sentence.split())[:SHOWN]
                yield Leak(found[0], f"a sentence of {place} gives a number of it, “{said}”")


def _without_constants(sentence: str) -> str:
    """The sentence without the numbers that it has in every case, whatever the data are."""
    plain = " ".join(sentence.split())
    for text in _constants(context.current().lang):
        if text in plain:
            plain = plain.replace(text, re.sub(r"\d", " ", text))
    return plain


@cache
def _constants(lang: str) -> tuple[str, ...]:
    """Texts of the catalogue with a number, too long to be said by chance of something else."""
    parts = {" ".join(p.split()) for text in i18n.fixed_texts(lang) for p in PARTS.split(text)}
    longest = sorted(parts, key=lambda part: (-len(part), part))
    return tuple(p for p in longest if TOLD.search(p) and len(LETTERS.findall(p)) >= LONG[lang])


def _names(values: pd.Series) -> set[str]:
    """Names as tables and as readers have them, in small letters."""
    return {t.lower() for v in values.dropna().unique() for t in (str(v), i18n.label(str(v)))}


def _pattern(names: set[str]) -> re.Pattern[str] | None:
    """Any of the names as a word of its own, the longest first."""
    if not names:
        return None
    longest = sorted(names, key=lambda n: (-len(n), n))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)", re.I)
