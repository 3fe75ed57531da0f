"""Text as the patterns of personal data read it.

plain("＋４４ 20–7946")                        # "+44 20-7946", as long as it was
longest("4111 1111 1111 1111 25", is_card)     # 19: without the last group it is a card
"""

from __future__ import annotations

import re
from collections.abc import Callable

# Chinese, Japanese and Korean: written without spaces, so that they may touch a number or a name.
CJK = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff65"

_FULL_WIDTH = {c: c - 0xFEE0 for c in range(0xFF01, 0xFF5F) if chr(c - 0xFEE0) not in ",;:!?"}
_PLAIN = (
    _FULL_WIDTH
    | dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013"), "-")
    | dict.fromkeys(map(ord, "\u00a0\u2007\u2009\u202f\u3000"), " ")
)
_BOUNDARY = re.compile(r"(?<=[^\W_])[ ./()-]+(?=[^\W_])")


def plain(text: str) -> str:
    """The text with letters, digits, hyphens and spaces of all widths as ASCII; as long as before.

    Chinese punctuation that ends a sentence stays: a comma of full width is in no number.
    """
    return text if text.isascii() else text.translate(_PLAIN)


def longest(text: str, holds: Callable[[str], bool]) -> int:
    """How much of the text, cut between its groups, is what `holds` looks for; 0 if nothing is.

    A number may be followed by another: "4111 1111 1111 1111 2 times".
    """
    ends = [len(text), *(m.start() for m in reversed(list(_BOUNDARY.finditer(text))))]
    return next((end for end in ends if holds(text[:end])), 0)
