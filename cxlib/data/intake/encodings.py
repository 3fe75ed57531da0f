"""The encoding of a text file: what the bytes allow, else what charset-normalizer finds likely.

    content, encoding, why = to_utf8(content, "answers.csv")
    odd_words(content.decode(), encoding)      # words that no Western language writes, if any

UTF-8 and UTF-16 can be told for certain. Big5 is told from GB 18030 by the commonest characters, of
which only the right one of both gives many. Between GB 18030 and Windows-1252, in which other
exports come, charset-normalizer decides on the lines that are not ASCII: a table of numbers and
codes around a few words hides them. Any bytes can be read as Windows-1252: it is taken where that
gives the letters and words of Western languages. Else the likeliest of the other encodings with one
byte a letter is taken, which has to be confirmed. A file that is UTF-8 but for a few bytes is
refused.
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
SHOWN = 3  # words that a question names
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
WESTERN = ("cp1252", "latin-1", "iso-8859-1", "iso-8859-15")
LANGUAGES = (  # letters beside a to z in what is written in Windows-1252, then in one language each
    "äöüßàâæçéèêëîïôœùûáíóúñåø",
    "áâãàçéêíóôõúü",
    "áðéíóúýþæö",
    "àèéíîóìòù",
    "àçèéíïòóúü",
    "åäöõüšž",
)
ITALIAN = 3  # of these; ì, ò and ù stand at the end of its words
OF_ALPHABET = 0.95  # of the letters beyond ASCII, how many have to be of one of these
OF_ONE_WORD = 0.25  # of them, up to which those of a single word may be of another language
ODD_WORDS = 0.05  # of the words with such letters, up to which signs amid letters are slips
RUNS = 0.2  # of them, how many may have three letters beyond ASCII in a row
SINGLE_BYTE = (  # asked for where a text is not Western
    *("cp1251", "koi8_r", "iso8859_5", "cp866", "mac_cyrillic", "cp1253", "iso8859_7", "cp1255"),
    *("cp1256", "cp874", "cp1250", "iso8859_2", "cp1257", "cp1258", "mac_roman", "cp850"),
)
UNCONFIRMED = (*SINGLE_BYTE, "cp1254")  # encodings that are asked about where nobody named them
HANGUL = frozenset(
    "이다는을를에의가하고은도지서로한기대자사인어아리나시해일전부성구정수제과만주장스보산"
)
_SIGNS = "¹²³¼½¾¿¡£¤¥¦§¨©ª¬®¯±µ¶¸º×÷†‡ˆ˜‰"
_ODD = re.compile(
    rf"[^\W\d_][{_SIGNS}\x80-\x9f\u2500-\u25a0][^\W\d_]"
    r"|(?<!\w)[£¤¥¦¬¯±³¹¼¾¨ª\x80-\x9f\u2500-\u25a0][^\W\d_]|[\x80-\x9f\u2500-\u25a0]"
)
_WORD = re.compile(r"[^\W\d_]*[^\x00-\x7f][^\s,;|\"\t.:()/]*")
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
    other = encoding and not encoding.casefold().startswith("utf")
    if other and not content.isascii() and _decodes(content, "utf-8"):
        raise IntakeError(
            f"{name} is in UTF-8, but study.yaml names the encoding {encoding} for it, which "
            "would garble it. Take `encoding` out, or name it for the other files alone."
        )
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
    if encoding := _korean_or_euc(content):
        return encoding, (
            f"it is not UTF-8, and read as {encoding} it is made of common Korean syllables or of "
            "kana. Name another with `encoding:` if the text looks wrong."
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
    if odd_words(content[:LOOKED_AT].decode(western, "ignore"), western):
        other = _single_byte(content)
        return other or western, (
            "it is not UTF-8, and read as Windows-1252 it has letters and words of no Western "
            "language. Name its encoding with `encoding:`."
        )
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
    runs = re.findall(r"[^\x00-\x7f]+", content[:LOOKED_AT].decode("cp932", "ignore"))
    in_words = len(high) >= 2 * len(runs)  # of "München" in the encoding of DOS, ü and n are one
    return len(high) >= FEWEST_HAN and in_words and usual > FIRST_LEVEL * len(high)


def _korean_or_euc(content: bytes) -> str:
    """cp949 where common syllables are more than common Chinese characters, euc_jp with kana."""
    if _decodes(content, "cp949"):
        text = content[:LOOKED_AT].decode("cp949", "ignore")
        hangul = re.findall("[\uac00-\ud7a3]", text)
        high = len(re.sub(r"[\x00-\x7f]", "", text))
        share = sum(c in HANGUL for c in hangul) / max(len(hangul), 1)
        if len(hangul) >= max(FEWEST_HAN, FIRST_LEVEL * high) and share > max(
            0.2, 2 * _frequent(content, "gb18030")
        ):
            return "cp949"
    if _decodes(content, "euc_jp"):
        letters = re.findall(r"[^\x00-\x7f]", content[:LOOKED_AT].decode("euc_jp", "ignore"))
        kana = sum("\u3040" <= c <= "\u30ff" for c in letters)
        if kana >= FEWEST_HAN and kana > 0.2 * len(letters):
            return "euc_jp"
    return ""


def odd_words(text: str, encoding: str) -> list[str]:
    """Words which show that a text was not written in the encoding it was read in.

    Empty where words are as people write them. In Windows-1252 they have to have the letters of
    Western languages; in all encodings no sign amid letters and no capital after a small letter.

    Examples
    --------
    >>> odd_words("Köln, Besançon, Málaga", "cp1252"), odd_words("Ìîñêâà, Êàçàíü", "cp1252")
    ([], ['Ìîñêâà', 'Êàçàíü'])
    """
    words = list(dict.fromkeys(_WORD.findall(text[:LOOKED_AT])))
    words = [w for w in words if not _is_utf8(w, encoding)]
    odd = [w for w in words if _ODD.search(w) or _swapped(w)]
    if len(odd) > ODD_WORDS * len(words):
        return odd[:SHOWN]
    if encoding.replace("_", "-").casefold() not in WESTERN:
        return []
    runs = [w for w in words if re.search(r"[^\W\d_\x00-\x7f]{3}", w)]
    if len(runs) > max(1, RUNS * len(words)):
        return runs[:SHOWN]
    letters = [(c, w, k) for w in words for k, c in enumerate(w.lower()) if _is_letter(c)]
    foreign = min(
        (
            [
                (c, w)
                for c, w, k in letters
                if c not in known or (n == ITALIAN and c in "ìòù" and w[k + 1 : k + 2].isalpha())
            ]
            for n, known in enumerate(LANGUAGES)
        ),
        key=len,
    )
    strange = list(dict.fromkeys(w for _c, w in foreign))
    allowed = 1 - OF_ALPHABET if len(strange) > 1 else OF_ONE_WORD
    few = len(foreign) <= allowed * len(letters)
    return [] if few else strange[:SHOWN]


def unsure(text: str, encoding: str, *, named: bool) -> list[str]:
    """Words by which to see whether the encoding of a text is right; empty where that is certain.

    Parameters
    ----------
    text : as it was read in `encoding`
    named : whether study.yaml names the encoding
    """
    odd = odd_words(text, encoding)
    if odd or named or encoding not in UNCONFIRMED:
        return odd
    return list(dict.fromkeys(_WORD.findall(text[:LOOKED_AT])))[:SHOWN]


def _is_utf8(word: str, encoding: str) -> bool:
    """Whether a word is UTF-8 in a line of its own, which `garbled` finds: MÃ¼nchen."""
    try:
        return bool(word.encode(encoding).decode())
    except UnicodeError:
        return False


def _is_letter(c: str) -> bool:
    return c > "\x7f" and c.isalpha() and c not in "ºªµ"


def _swapped(word: str) -> bool:
    """Whether a capital beyond ASCII follows a small letter, as no one writes: мОСКВА, MŸnchen."""
    pairs = zip(word, word[1:], strict=False)
    after = any(
        a.islower() and b.isupper() and max(a, b) > "\x7f" and a not in "ßºªµ" for a, b in pairs
    )
    return after or (len(word) > 2 and word[0].isupper() and word[1] in "ŸŠŽ" and word[2].islower())


def _single_byte(content: bytes) -> str:
    """The likeliest encoding with one byte a letter in which words are as people write them."""
    fit = [
        e
        for e in SINGLE_BYTE
        if _decodes(content, e) and not odd_words(content[:LOOKED_AT].decode(e, "ignore"), e)
    ]
    high = b"\n".join(re.findall(rb"[^\r\n]*[\x80-\xff][^\r\n]*", content[:LOOKED_AT]))
    best = from_bytes(high, cp_isolation=fit, threshold=1.0).best() if fit else None
    return best.encoding if best is not None and best.encoding in fit else (fit or [""])[0]


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
