"""Text that was read in another encoding than it is written in: MÃ¼nchen, 鍖椾含.

A file put together from two may be UTF-8 in some lines only. Read as Windows-1252, the ü of UTF-8
is Ã¼; read as GB 18030, two Chinese characters are three others. Nobody writes either.

    garbled(pd.Series(["Bonn", "MÃ¼nchen"], index=[2, 3]))     # Garbled(1, 3, ["'Ã¼' for 'ü'"])
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pandas as pd

SHOWN = 3  # sequences that a message names
MARKS = frozenset("…‘’“”–—«»‹›\u00a0")  # they may well follow an accented letter
_NEXT = re.escape(bytes(range(128, 192)).decode("cp1252", "ignore")) + "\x80-\x9f"
_WESTERN = re.compile(
    f"(?:[\u00c2-\u00df][{_NEXT}]|[\u00e0-\u00ef][{_NEXT}]{{2}}|[\u00f0-\u00f4][{_NEXT}]{{3}})+"
)
_CHINESE = re.compile("[\u3400-\u9fff]{3,}")
_ANY = f"{_WESTERN.pattern}|{_CHINESE.pattern}"
_LIKELY = re.compile(  # what such sequences stand for
    "(?:[\u00a0-\u017f\u2010-\u2044\u20ac\u2122\u3000-\u30ff\u4e00-\u9fff]"
    "|[\uac00-\ud7a3\uff00-\uffee]|[\U0001f000-\U0001faff]|[\u0370-\u04ff]{2,})+"
)


class Garbled(NamedTuple):
    """How many cells are garbled, the label of the first, and the first few sequences."""

    n: int
    first: int
    words: list[str]


def garbled(values: pd.Series) -> Garbled | None:
    """The cells of a column of text that were read in another encoding; None where none was."""
    words = values.dropna().astype("string")
    some = pd.Series(words.unique(), dtype="string")
    some = some[some.str.contains(_ANY, regex=True)]
    meant = {w: found for w in some if (found := _meant(w))}
    odd = words[words.isin(list(meant))]
    if odd.empty:
        return None
    shown = dict.fromkeys(f"{a!r} for {b!r}" for w in odd.unique() for a, b in [meant[w]])
    return Garbled(len(odd), int(odd.index[0]), list(shown)[:SHOWN])


def _meant(word: str) -> tuple[str, str] | None:
    """What of a text is garbled, and what it should read.

    Examples
    --------
    >>> _meant("KÃ¶ln"), _meant("CAFÉ»"), _meant("鍖椾含")
    (('Ã¶', 'ö'), None, ('鍖椾含', '北京'))
    """
    for part in _WESTERN.finditer(word):
        content = b"".join(c.encode("cp1252" if c > "\u009f" else "latin-1") for c in part[0])
        try:
            meant = content.decode()
        except UnicodeDecodeError:
            continue
        # After a capital the marks are those of the text: "CAFÉ»", „IRMÃ”.
        before = word[part.start() - 1 : part.start()]
        plain = set(part[0][1:]) <= MARKS and (len(part[0]) > 2 or not before.islower())
        if not plain and _LIKELY.fullmatch(meant):
            return part[0], meant
    for part in _CHINESE.finditer(word):
        try:
            meant = part[0].encode("gb18030").decode()
        except UnicodeDecodeError:
            continue
        if _CHINESE.match(meant + meant):
            return part[0], meant
    return None
