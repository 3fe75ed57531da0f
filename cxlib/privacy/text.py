"""Text as the patterns of personal data read it.

plain("＋４４ 20–7946")                        # "+44 20-7946", as long as it was
longest("4111 1111 1111 1111 25", is_card)     # 19: without the last group it is a card
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

# Chinese, Japanese and Korean: written without spaces, so that they may touch a number or a name.
CJK = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff65"

# What nobody sees and what turns, hides or ends a text: controls but line ends and tabs, overrides
# of the writing direction, halves of characters.
UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
DATE = re.compile(
    r"\(?(?:(?:19|20)\d\d[-/. ]\d{1,2}(?:[-/. ]\d{1,2})?|\d{1,2}[-/. ]\d{1,2}[-/. ](?:19|20)\d\d"
    r"|\d{1,2}[-/.]\d{1,2}[-/.]\d\d(?![-/.])"
    r"|\d{1,2}[-/. ](?:19|20)\d\d|(?:19|20)\d\d[-/ ]+(?:19|20)\d\d"
    r"|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})?)(?!\d)"
)
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


def passes_luhn(digits: Sequence[str]) -> bool:
    """Whether the last digit checks the others (Luhn; ISO/IEC 7812, annex B)."""
    numbers = [int(d) for d in digits]
    doubled = [sum(divmod(2 * d, 10)) for d in numbers[-2::-2]]
    return (sum(numbers[-1::-2]) + sum(doubled)) % 10 == 0
