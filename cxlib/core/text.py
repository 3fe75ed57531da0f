r"""Text by its display width: a Chinese character is as wide as two Latin letters.

wrap("one two three", 8)              # "one two\nthree"
"""

from __future__ import annotations

import re
import unicodedata

# What stays on one line: a Latin word with the space after it, or a Chinese character, each with
# the brackets and stops that belong to it.
PIECES = re.compile(
    r"[“（《]*(?:[\u3400-\u9fff]|[^\s\u3000-\u9fff\uff00-\uffef]+)[，。；：、！？）》”…]*\s*|\S\s*"
)
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # forbidden in XML
BREAKS = re.compile("(?<=[\u3000-\u9fff\uff00-\uffef])\n|\n(?=[\u3000-\u9fff\uff00-\uffef])")


def display_width(text: str) -> int:
    """Width of the text in Latin letters."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def wrap(text: str, most: int) -> str:
    """Text in lines of at most `most` letters; Chinese may break anywhere but before a stop."""
    lines = [""]
    for piece in PIECES.findall(text):
        if lines[-1] and display_width(lines[-1] + piece.rstrip()) > most:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.strip() for line in lines)


def unwrap(text: str) -> str:
    """Text of several lines in one; Chinese needs no space where a line ended."""
    return " ".join(BREAKS.sub("", text).split())


def shorten(text: str, most: int) -> str:
    """Text of at most `most` letters, an ellipsis in place of what was cut."""
    if display_width(text) <= most:
        return text
    while display_width(text) > most - 1:
        text = text[:-1]
    return text + "…"
