"""Text as the patterns of personal data read it.

plain("＋４４ 20–7946")                        # "+44 20-7946", as long as it was
list(readings("4111\u200b1111"))                # without what nobody sees, and where it stood
longest("4111 1111 1111 1111 25", is_card)     # 19: without the last group it is a card
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

# Chinese, Japanese and Korean: written without spaces, so that they may touch a number or a name.
CJK = "\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff65"

# What nobody sees and what turns, hides or ends a text: controls but line ends and tabs, overrides
# of the writing direction, halves of characters.
UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# With them: hyphens of line breaks, joiners, marks of direction, selectors of variants (Unicode,
# Default_Ignorable_Code_Point).
INVISIBLE = re.compile(
    UNSEEN.pattern[:-1] + "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
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
    | dict.fromkeys((0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " ")
)
# Traditional letters of the words that announce something, and of surnames.
_TRADITIONAL = str.maketrans(
    "電話機撥聯繫絡傳熱線訂單號編發從為爲約萬億條個時證護駕執簽軍鄉臺統碼動貴張劉陳楊黃趙吳孫馬羅鄭謝許韓馮鄧蔣葉蘇呂"
    "盧鍾鐘譚陸範賈鄒韋蕭閆龍賀顧龔錢嚴賴歐諸閻陽駛棟樓層門還",
    "电话机拨联系络传热线订单号编发从为为约万亿条个时证护驾执签军乡台统码动贵张刘陈杨黄赵吴孙马罗郑谢许韩冯邓蒋叶苏吕"
    "卢钟钟谭陆范贾邹韦萧闫龙贺顾龚钱严赖欧诸阎阳驶栋楼层门还",
)
_UNDERSCORE = re.compile(r"(?<=\d)_(?=\d)")
_LINE_BREAK = re.compile(r"(?<=\d)[ -]{0,2}\r?\n[ -]{0,2}(?=\d)")
_COLUMN = re.compile(r"[\d.,]{1,7}")  # the line of a column of numbers
_BOUNDARY = re.compile(r"(?<=[^\W_])[^\w]+(?=[^\W_])")


def plain(text: str) -> str:
    """The text with letters, digits, hyphens and spaces of all widths as ASCII; as long as before.

    Chinese punctuation that ends a sentence stays: a comma of full width is in no number.
    Traditional letters become simplified ones, and an underscore between digits a hyphen.
    """
    if not text.isascii():
        text = text.translate(_PLAIN).translate(_TRADITIONAL)
    return _UNDERSCORE.sub("-", text)


def joined(text: str) -> tuple[str, Sequence[int]]:
    """The text with a space for each line break within a number, and where its letters stood.

    Columns of numbers stay.
    """
    pieces, places, at = list[str](), list[int](), 0
    for found in _LINE_BREAK.finditer(text):
        line = text[text.rfind("\n", 0, found.start()) + 1 : found.start()]
        if not _COLUMN.fullmatch(line.strip()):
            pieces += [text[at : found.start()], " "]
            places += range(at, found.start() + 1)
            at = found.end()
    return "".join([*pieces, text[at:]]), [*places, *range(at, len(text))]


def readings(text: str) -> Iterator[tuple[str, Sequence[int]]]:
    """Ways to read a text with characters that nobody sees, and where its letters stand in it.

    Without them; with those between a letter and a digit, where words end; as it is.
    """
    if not text.isascii() or not text.isprintable():
        gone = [m.start() for m in INVISIBLE.finditer(text)]
        within = [i for i in gone if not _is_end(text[i - 1 : i], text[i + 1 : i + 2])]
        for away in dict.fromkeys((tuple(gone), tuple(within))):
            if away:
                places = sorted(set(range(len(text))).difference(away))
                yield "".join(text[i] for i in places), places
    yield text, range(len(text))


def _is_end(before: str, after: str) -> bool:
    return before.isalpha() and after.isdigit() or before.isdigit() and after.isalpha()


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
