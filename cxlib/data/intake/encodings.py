"""The encoding of a text file: what the bytes allow, else what charset-normalizer finds likely.

    content, encoding, why = to_utf8(content, "answers.csv")

UTF-8 and UTF-16 can be told for certain. Big5 is told from GB 18030 by the commonest characters, of
which only the right one of both gives many. Between GB 18030 and Windows-1252, in which other
exports come, charset-normalizer decides on the lines that are not ASCII: a table of numbers and
codes around a few words hides them. A file that is UTF-8 but for a few bytes is refused.
"""

from __future__ import annotations

import re
from collections import Counter

from charset_normalizer import from_bytes

from cxlib.data.intake.errors import IntakeError

MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
LOOKED_AT = 2_000_000  # bytes
BIG5 = ("cp950", "big5hkscs")  # of Taiwan, and with the characters of Hong Kong
# The commonest characters of running text, in Simplified and Traditional form: a fifth of any text.
FREQUENT = frozenset(
    "的一是不了人我在有他这這为為之大来來以个個中上们們到说說国國和地也子时時道出而要于於就下得可你年生自会會那后後能对對着"
    "著事其里裡所去行过過家十用发發天如然作方成者多日都三小军軍二无無同么麼经經法当當起与與好看学學进進种種将將还還分此心"
    "前面又定见見只主没沒从從很太间間回服务務"
)
WESTERN_LEADS = frozenset("°ªºµ§©®".encode("latin-1") + bytes(range(0xC0, 0x100)))
FEWEST_HAN = 4  # Chinese characters, under which their rows decide nothing
WESTERN_SHARE = 0.9  # of the Chinese characters, above which they are Western letters
FIRST_LEVEL = 0.9  # of the characters of a text, how many are common ones in its encoding
TURKISH = frozenset("ÇĞİÖŞÜÂÎÛçğıöşüâîû€₺«»“”’–°".encode("cp1254", "ignore") + b"\xa0")
COMMON = 0.7  # of the Chinese characters of a text, how many are in GB 2312


def to_utf8(content: bytes, name: str, encoding: str = "") -> tuple[bytes, str, str]:
    """The file in UTF-8, from the encoding named or found.

    Returns
    -------
    The text as UTF-8 without a byte order mark, its encoding, and a sentence on why it is that one:
    empty where there is no doubt, as it is named, marked, or valid UTF-8

    Raises
    ------
    IntakeError : the encoding named is unknown or does not fit, or the file is almost UTF-8
    """
    why = ""
    if not encoding:
        encoding, found = find_encoding(content, name)
        why = f"{name}: encoding {encoding}: {found}" if found else ""
        if encoding in ("utf-8", "utf-8-sig"):  # checked already
            return content.removeprefix(b"\xef\xbb\xbf"), encoding, why
    try:
        return content.decode(encoding).removeprefix("\ufeff").encode(), encoding, why
    except LookupError:
        raise IntakeError(
            f"{name}: encoding {encoding!r} is not known. Use utf-8, gb18030, cp1252 ..."
        ) from None
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise IntakeError(
            f"{name} is not in {encoding}: line {line} has the byte "
            f"0x{content[error.start]:02x}. Leave `encoding` out to have it found."
        ) from error


def find_encoding(content: bytes, name: str = "the file") -> tuple[str, str]:
    """The encoding of the bytes: UTF-8, UTF-16, Shift JIS, Big5, GB 18030, Windows-1254 or -1252.

    And a sentence on why, where the bytes leave a doubt: another encoding reads them as well.

    Examples
    --------
    >>> find_encoding("渠道：网站".encode("gbk"))[0]
    'gb18030'
    """
    for mark, encoding in MARKS.items():
        if content.startswith(mark):
            return encoding, ""
    zeros = content[:4000].count(0)
    if zeros > len(content[:4000]) / 5:
        at = "le" if content[:4000:2].count(0) < zeros / 2 else "be"
        return f"utf-16-{at}", ""
    try:
        content.decode("utf-8")
        return "utf-8", ""
    except UnicodeDecodeError as error:
        _refuse_almost_utf8(content, name, error)
    if _is_japanese(content):
        return "cp932", (
            "it is not UTF-8, and read as Shift JIS it is made of kana and common kanji. Name "
            "another with `encoding:` if the text looks wrong."
        )
    if encoding := _big5(content):
        return encoding, (
            "it is not UTF-8, and read as Big5 it has the common characters of Traditional "
            "Chinese. Name another with `encoding:` if the text looks wrong."
        )
    if _is_chinese(content):
        return "gb18030", (
            "it is not UTF-8, and its high bytes pair up as common Chinese characters. Name "
            "another with `encoding:` if the text looks wrong."
        )
    if _is_turkish(content):
        return "cp1254", (
            "it is not UTF-8, and its high bytes are letters of Turkish. Name another with "
            "`encoding:` if the text looks wrong, such as cp1252 for Icelandic."
        )
    western = "cp1252" if _decodes(content, "cp1252") else "latin-1"
    return western, (
        "it is not UTF-8, and its high bytes stand alone as Western letters do. Name another with "
        "`encoding:` if the text looks wrong."
    )


def _refuse_almost_utf8(content: bytes, name: str, error: UnicodeDecodeError) -> None:
    text = content.decode("utf-8", errors="replace")
    bad = text.count("\ufffd")
    other = sum(len(run) for run in re.findall(r"[^\x00-\x7f\ufffd]+", text))
    if other > 20 * bad:
        line = content[: error.start].count(b"\n") + 1
        raise IntakeError(
            f"{name} is UTF-8 but for {bad:,} broken byte(s), the first in line {line}. Correct or "
            "export it again; `encoding: cp1252` would garble the rest."
        )


def _big5(content: bytes) -> str:
    """The form of Big5 the text is in, where that gives more common characters; else nothing."""
    encoding = next((e for e in BIG5 if _decodes(content, e)), "")
    if not encoding or _western_pairs(content, encoding):
        return ""
    shares = [_frequent(content, e) for e in (encoding, "gb18030")]
    if shares[0] > max(0.05, 2 * shares[1]):
        return encoding
    # Names and places have few of them: then the rows of the tables that hold common ones decide.
    big5, gb = (_first_level(content, e) for e in (encoding, "gb18030"))
    return encoding if big5[0] > 0.95 and big5 > gb else ""


def _western_pairs(content: bytes, encoding: str) -> bool:
    """Whether the Chinese is a Western sign or letter before a plain one, as in "°C" and "Är".

    In Chinese 6 of 10 second bytes are high, so hardly a text is made of such pairs alone.
    """
    han = Counter(_han(content, encoding))
    pairs = {c: c.encode(encoding) for c in han}
    western = sum(
        han[c] for c, (lead, second) in pairs.items() if second < 0x80 and lead in WESTERN_LEADS
    )
    return western > WESTERN_SHARE * han.total()


def _first_level(content: bytes, encoding: str) -> tuple[float, int]:
    """How many Chinese characters there are, after the share of Big5's or GB 2312's first level."""
    han = _han(content, encoding) if _decodes(content, encoding) else ""
    low, high = (b"\xb0", b"\xd7") if encoding == "gb18030" else (b"\xa4", b"\xc6")
    own = "gb2312" if encoding == "gb18030" else encoding
    first = sum(low <= c.encode(own, "ignore")[:1] <= high for c in han)
    return (first / len(han), len(han)) if len(han) >= FEWEST_HAN else (0.0, 0)


def _frequent(content: bytes, encoding: str) -> float:
    """The share of common ones among the Chinese characters of the text."""
    han = _han(content, encoding) if _decodes(content, encoding) else ""
    return sum(c in FREQUENT for c in han) / max(len(han), 1)


def _han(content: bytes, encoding: str) -> str:
    text = content[:LOOKED_AT].decode(encoding, "ignore")
    return "".join(re.findall("[\u3400-\u9fff]", text))


def _is_japanese(content: bytes) -> bool:
    """Whether the text is Shift JIS: nearly all kana, kanji of its first level and wide signs.

    Western letters and Chinese in its encodings become half-width kana and rare kanji.
    """
    if not _decodes(content, "cp932"):
        return False
    high = re.sub(r"[\x00-\x7f]", "", content[:LOOKED_AT].decode("cp932", "ignore"))
    leads = [c.encode("cp932", "ignore")[:1] for c in high]
    usual = sum(b"\x81" <= b <= b"\x84" or b"\x88" <= b <= b"\x97" for b in leads)
    return len(high) >= FEWEST_HAN and usual > FIRST_LEVEL * len(high)


def _is_turkish(content: bytes) -> bool:
    """Whether the high bytes are letters of Turkish, with one that only Turkish has there."""
    high = set(re.sub(rb"[\x00-\x7f]", b"", content[:LOOKED_AT]))
    return bool(high & set("ĞİŞğış".encode("cp1254"))) and high <= TURKISH


def _is_chinese(content: bytes) -> bool:
    """Whether the text is GB 18030 rather than Windows-1252."""
    if not _decodes(content, "gb18030"):
        return False
    high = b"\n".join(re.findall(rb"[^\r\n]*[\x80-\xff][^\r\n]*", content[:LOOKED_AT]))
    inside = len(re.findall(rb"(?<=[A-Za-z])[\x80-\xff]+(?=[A-Za-z])", high))
    if inside > len(re.findall(rb"[\x80-\xff]+", high)) / 2:
        return False  # in "AÇÃO" too the high bytes pair up
    runs = re.findall("[\u3400-\u9fff]+", text := content[:LOOKED_AT].decode("gb18030", "ignore"))
    other = len(re.findall("[\u00c0-\u024f\u3040-\u30ff\uac00-\ud7a3]", text))
    leads = [c.encode("gb2312", "ignore")[:1] for c in "".join(runs)]
    first = sum(b"\xb0" <= lead <= b"\xd7" for lead in leads)
    in_words = len(leads) >= 2 * max(FEWEST_HAN, len(runs))  # Western letters are rarely in fours
    if in_words and first > FIRST_LEVEL * (len(leads) + other):
        return True  # a header alone is too short for charset-normalizer
    best = from_bytes(high, cp_isolation=["gb18030", "cp1252"], threshold=1.0).best()
    if best is None or best.encoding != "gb18030":
        return False
    letters = re.sub(r"[\x00-\x7f]", "", str(best))
    common = letters.encode("gb2312", "ignore").decode("gb2312")
    return len(common) > COMMON * len(letters)


def _decodes(content: bytes, encoding: str) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
