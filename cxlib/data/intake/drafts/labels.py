"""Short names and labels of questions, where their wordings are sentences.

label("Overall, how would you rate the speed of our delivery? (1-5)")   # "Speed of our delivery"
matrix("Please rate - Speed")                                           # ("Please rate", "Speed")
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

import yaml

from cxlib.data.intake.drafts.looking import slug

WIDEST = 40  # columns that a label may take: 40 Latin letters or 20 Chinese characters
LONG_NAME = 30  # letters of an item's name
MATRIX = (  # "Please rate [Speed]", "Please rate - Speed", "Please rate these.-Speed"
    re.compile(r"(?P<stem>.+?)\s*\[(?P<part>[^\]]+)\]"),
    re.compile(
        r"(?P<stem>.+?)(?:[:：]?\s+[-–|]\s+|\s*[:：—]+\s*|(?<=[.?!;)。？！）])\s*[-–]\s*)(?P<part>.+)"
    ),
)
IN_BRACKETS = re.compile(r"\([^()]*\)|（[^（）]*）|\([^()（）]*）|（[^()（）]*\)")
OPENING = re.compile(  # words that many names of questions begin with
    r"^(how_\w+?_(are|is|was|were|do|did|would)_(you|it|we)(_(with|rate|to|that))?_|please_rate_"
    r"((the|our|your)_)?|to_what_extent_(do_you_)?(agree_)?(that_)?)"
)
CLAUSE = re.compile(r"[,;:，；：(（—–]|\s-\s")
DANGLING = re.compile(  # words that no label ends with
    r"[\s,]+(and|or|of|the|a|an|our|your|to|in|on|at|for|with|by|from|as|that|und|der|die|das|mit)$",
    re.IGNORECASE,
)


@cache
def _words() -> dict[str, Any]:
    file = resources.files("cxlib.data.intake.profiles") / "labels.yaml"
    return yaml.safe_load(file.read_text(encoding="utf-8"))


@cache
def _patterns(part: str) -> list[re.Pattern[str]]:
    form = r"^(?:{})" if part != "endings" else r"(?:{})$"
    return [re.compile(form.format(p), re.IGNORECASE) for p in _words()[part]]


def matrix(wording: str) -> tuple[str, str]:
    """(what the questions of a matrix share, what is this one's); empty when it is none.

    What stands in round brackets separates nothing.

    Examples
    --------
    >>> matrix("请评价（1：差，5：好）：服务"), matrix("How old are you?")
    (('请评价（1：差，5：好）', '服务'), ('', ''))
    """
    covered = IN_BRACKETS.sub(lambda found: "x" * len(found[0]), wording)
    for pattern in MATRIX:
        if found := pattern.fullmatch(covered):
            stem, part = found.span("stem"), found.span("part")
            return wording[slice(*stem)].strip(), wording[slice(*part)].strip()
    return "", ""


def width(text: str) -> int:
    """Columns that a text takes: a Chinese character takes two."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def label(wording: str, *, group: bool = False) -> str:
    """A label of at most 40 letters, or 20 Chinese characters, for a wording.

    What all questions begin with, politeness and the scale are taken off; the rest is cut at a
    clause, else at a word. A short statement stays as it is.

    Parameters
    ----------
    wording : the question as it was asked
    group : it asks for a group that people belong to, as a region

    Examples
    --------
    >>> label("Thanks! Overall, how satisfied are you with your last order from us?")
    'Last order from us'
    >>> label("请您对我们的服务态度进行评价："), label("Which age group are you in?", group=True)
    ('服务态度', 'Age group')
    """
    plain = " ".join(wording.split())
    asks = bool(re.search(r"[?？:：]\s*\W*$", plain)) or width(plain) > WIDEST
    if not asks and not re.match(r"(please|bitte|请|您|你)", plain, re.IGNORECASE):
        return plain
    kept = _without(plain, _patterns("endings"))
    if group:
        for pattern, form in _words()["groups"].items():
            if found := re.fullmatch(pattern, kept, re.IGNORECASE):
                return _cut(_capital(found.expand(form)))
    opened = _without(kept, _patterns("openings"))
    for pattern, form in _words()["instead"].items():
        opened = re.sub(rf"^(?:{pattern})", form, opened, count=1, flags=re.IGNORECASE)
    if opened == kept and width(plain) <= WIDEST and not re.match(r"(您|你)", plain):
        return plain  # a short question that is none of the usual ones
    kept = _without(opened, _patterns("endings"))
    return _cut(_capital(kept if len(kept) > 1 else plain))


def _without(text: str, patterns: Iterable[re.Pattern[str]]) -> str:
    """The text without what the patterns find, as long as one finds something and letters stay."""
    before = ""
    while text != before:
        before = text
        for pattern in patterns:
            rest = pattern.sub("", text, count=1).strip()
            text = rest if len(re.findall(r"\w", rest)) > 1 else text
    return text


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cut(text: str) -> str:
    if width(text) <= WIDEST:
        return text
    clause = next((text[: f.start()] for f in CLAUSE.finditer(text) if f.start() > 11), "")
    if clause and width(clause) <= WIDEST:
        return clause.strip()
    kept = text
    while width(kept) > WIDEST - 2:
        kept = kept.rpartition(" ")[0] if " " in kept else kept[:-1]
    while DANGLING.search(kept):
        kept = DANGLING.sub("", kept)
    return f"{kept.rstrip(' ,;:，；：')} …"


def of_role(role: str) -> Mapping[str, str]:
    """The label, by language, of the only question of this role; empty when it has none."""
    return _words()["roles"].get(role, {})


def distinct(labels: Sequence[str], codes: Sequence[str]) -> list[str]:
    """The labels, with the code of the question, else a number, behind those that repeat.

    Examples
    --------
    >>> distinct(["Speed", "Staff", "Speed"], ["Q1_1", "Q1_2", "Q2_1"])
    ['Speed (Q1_1)', 'Staff', 'Speed (Q2_1)']
    """
    small = [one.casefold() for one in labels]
    out: list[str] = []
    for one, code, plain in zip(labels, codes, small, strict=True):
        if small.count(plain) > 1:
            mark = (
                code if len(code) <= 12 and code != one else str(small[: len(out)].count(plain) + 1)
            )
            out.append(f"{one} ({mark})" if mark != "1" else one)
        else:
            out.append(one)
    return out


def short(name: str, most: int = LONG_NAME) -> str:
    """A slug of whole words, not longer than `most` letters.

    Examples
    --------
    >>> short("Which channels did you use? (select all)")
    'which_channels_did_you_use'
    """
    own = slug(name)
    if len(own) > most:
        own = OPENING.sub("", own) or own
    if len(own) <= most:
        return own
    cut = own[: most + 1].rpartition("_")[0] or own[:most]
    return cut.strip("_")


def unique(name: str, taken: set[str]) -> str:
    """A name that is no column of the contract and is not taken."""
    from cxlib.data import contract

    name = f"q_{name}" if name[0].isdigit() else name
    n, first = 2, name
    while name in taken or name in contract.TABLES["responses"].columns:
        name, n = f"{first}_{n}", n + 1
    return name
