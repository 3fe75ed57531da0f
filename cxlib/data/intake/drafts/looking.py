"""A file as it lies before a draft: its columns with their answers, and the tool it comes from.

seen = look(Path("answers.csv"))[0]
seen.columns["Q1"].label       # the wording, where the file has one
seen.columns["Q1"].counts      # answer: how often
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pandas as pd

from cxlib.data.intake import conversion
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.profiles import Profile, names, recognise
from cxlib.data.intake.readers import Raw, parts_of, read_file

NUMBERING = re.compile(
    r"^(?:Q\.?\s?#?\d+[.:、)\s-]+|\d{1,3}\s?[.、:)]\s*|[(（]\d{1,3}[)）]\s*"
    r"|[A-Za-z]{1,3}\d+\w*(?:\[\w+\])*\.\s+)(?=\D)"  # LimeSurvey: "G01Q02[SQ001]. Speed"
)
NUMBER = re.compile(r"[_.]?\d+$")  # at the end of a column's name: its place in a block
DIGIT = re.compile(r"\d")
YEAR = re.compile(r"\s*(?:19|20)\d\d(?:\.0)?\s*")
NO_DATE = re.compile(r"\s*(?:\d{1,4}|\d{6,7})(?:\.0)?\s*")  # bare numbers: ids, years, counts
LIKELY = (1900, 2100)  # years of dates in surveys, shops and help desks
WIDEST = 2000  # columns of which a draft is made
DATED = 2000  # cells that are read to see whether a column holds dates
TAGS = re.compile(r"<[^>]+>|&nbsp;")


@dataclass(frozen=True)
class Column:
    """A column: its cells, what it is called and asked, and the value labels it has."""

    name: str
    label: str
    cells: pd.Series
    labels: dict[float | int, str] = field(default_factory=dict)

    @cached_property
    def words(self) -> pd.Series:
        """The cells that say something, as text."""
        return conversion.text(self.cells).dropna()

    @cached_property
    def counts(self) -> pd.Series:
        """Answer: how often, the commonest first."""
        return self.words.value_counts()

    @cached_property
    def numbers(self) -> pd.Series:
        """Number: how often; the cells that are none are left out."""
        words = self.counts[[bool(DIGIT.search(str(w))) for w in self.counts.index]]
        if words.empty:
            return pd.Series(dtype="int64", index=pd.Index([], dtype="float64"))
        read = conversion.number(pd.Series(words.index, dtype=object)).values
        return words.set_axis(read.to_numpy())[read.notna().to_numpy()].groupby(level=0).sum()

    @cached_property
    def dates(self) -> float:
        """The share of the cells that are dates."""
        sample = self.cells.dropna().head(DATED)
        if not len(sample) or pd.api.types.is_numeric_dtype(sample):
            return 0.0
        cells = sample.astype(str)
        if cells.str.contains(DIGIT).mean() < 0.5 or cells.str.fullmatch(YEAR).all():
            return 0.0
        done = conversion.date(sample)
        if getattr(done, "question", None) is not None:  # of ids may be days of Excel or seconds
            return float(not re.fullmatch(names()["plain_id"], slug(self.name)))
        at = done.values.dt.year.between(*LIKELY).to_numpy()
        return float((at & ~cells.str.fullmatch(NO_DATE).to_numpy(bool)).mean())

    @property
    def not_numbers(self) -> int:
        """Number of filled cells that are no numbers."""
        return int(self.counts.sum() - self.numbers.sum())

    @property
    def text(self) -> str:
        """Name and wording together, in small letters, to look for words in."""
        return f"{slug(self.name).replace('_', ' ')} {self.label.casefold()}"


@dataclass(frozen=True)
class Seen:
    """A file, or a part of it, with its columns and the profile that it fits, if any.

    `part` is the key and value of study.yaml that choose a sheet, a member or a table, if the file
    has several; `problem` says why the part cannot be read.
    """

    path: Path
    part: tuple[str, str] | None
    raw: Raw
    columns: dict[str, Column]
    profile: Profile | None
    problem: str = ""

    @property
    def called(self) -> str:
        """What messages call the table: its file, and its sheet if it has several."""
        return f"{self.path.name}, {self.part[0]} {self.part[1]!r}" if self.part else self.path.name

    @property
    def title(self) -> str:
        """What the table is called: the sheet's name, else the file's."""
        return Path(self.part[1] if self.part else self.path.name).stem


def look(path: Path) -> list[Seen]:
    """The file, or each sheet, member or table of it. Raises IntakeError if it cannot be read."""
    parts = parts_of(path)
    return [_seen(path, part) for part in parts] if len(parts) > 1 else [_seen(path, None)]


def _seen(path: Path, part: tuple[str, str] | None) -> Seen:
    problem = ""
    try:
        raw = read_file(path, **dict([part] if part else []))
    except IntakeError as error:
        if not part:
            raise
        raw, problem = Raw(pd.DataFrame()), str(error)
    if len(raw.frame.columns) > WIDEST:
        raise IntakeError(
            f"{path.name} has {len(raw.frame.columns):,} columns; a draft looks at no more than "
            f"{WIDEST:,}. Keep those you need, or write study.yaml by hand."
        )
    wordings = _divided({str(c): clean(raw.labels.get(c) or str(c)) for c in raw.frame})
    columns = {
        str(c): Column(str(c), wordings[str(c)], raw.frame[c], dict(raw.values.get(c, {})))
        for c in raw.frame
    }
    return Seen(path, part, raw, columns, recognise(columns), problem)


def _divided(wordings: dict[str, str]) -> dict[str, str]:
    """Wordings of blocks as "stem - part", where the tool wrote "stem-part" (older Qualtrics)."""
    blocks: dict[str, list[str]] = {}
    for name, wording in wordings.items():
        if "-" in wording and NUMBER.search(name):
            blocks.setdefault(NUMBER.sub("", name), []).append(name)
    out = dict(wordings)
    for members in blocks.values():
        stem = os.path.commonprefix([wordings[n] for n in members]).rpartition("-")[0].rstrip()
        if len(members) > 1 and len(stem) > 10:
            for n in members:
                rest = wordings[n][len(stem) :].lstrip(" -")
                out[n] = f"{stem} - {rest}" if rest else wordings[n]
    return out


def clean(wording: str) -> str:
    """A question without its number, tags and line ends.

    Examples
    --------
    >>> clean("3、您对服务满意吗？"), clean("Q4. How easy was it?")
    ('您对服务满意吗？', 'How easy was it?')
    """
    wording = " ".join(TAGS.sub(" ", wording).split())
    wording = re.sub(r"\*([^*]+)\*", r"\1", wording)
    return NUMBERING.sub("", wording).strip(" *") or wording


def slug(name: str) -> str:
    """A name in small letters, words joined by _: "Customer ID", "CustomerId" are customer_id."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])|(?<=[a-z])(?=(ID|No)$)", "_", name.strip())
    return re.sub(r"\W+", "_", name.casefold()).strip("_") or "column"
