"""The rules of the page being written: its language, its smallest cell, its labels.

context.begin(lang="zh", smallest_cell=10)
context.current().lang
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

LANGUAGES = {"en": "English", "zh": "中文"}  # as each calls itself
SMALLEST_CELL = 10


@dataclass(frozen=True)
class Rules:
    """What holds for the whole page."""

    lang: str = "en"
    smallest_cell: int = SMALLEST_CELL
    labels: Mapping[str, str] = field(default_factory=dict)
    mask: tuple[str, ...] = ()  # names that no page may show


_rules = Rules()


def begin(
    *,
    lang: str = "en",
    smallest_cell: int = SMALLEST_CELL,
    labels: Mapping[str, str] | None = None,
    mask: Iterable[str] = (),
) -> Rules:
    """Set the rules of the page; gives them back. Raises ValueError for an unknown language.

    `labels` are what readers call items, constructs and columns, in the page's language.
    """
    global _rules
    if lang not in LANGUAGES:
        raise ValueError(f"no language {lang!r}. There are: {', '.join(LANGUAGES)}.")
    if smallest_cell < 0:
        raise ValueError(f"smallest_cell is {smallest_cell}; it must be 0 or more.")
    # Half a character ("\\ud83d" in a study.yaml) fits in no column of text.
    whole = {k: v.encode("utf-8", "replace").decode() for k, v in (labels or {}).items()}
    _rules = Rules(lang, smallest_cell, whole, tuple(mask))
    return _rules


def current() -> Rules:
    """The rules in force."""
    return _rules
