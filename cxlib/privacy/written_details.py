"""Names and postal addresses in what people write, by the words that announce them.

    list(names("Regards, Ann Lee"))                      # [(9, 16)]
    list(addresses("12 Baker Street, London NW1 6XE"))   # [(0, 31)]

For comments alone: a branch may be called "12 High Street", and a product "Mr Clean". English,
German, French, Spanish, Italian, Polish and Chinese. What has no such word is not found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_UP = r"[A-ZÀ-ÖØ-ÞĄĆĘŁŃÓŚŹŻ]"
_LOW = r"[\w'’-]"
_WORD = rf"{_UP}{_LOW}+"
_PARTICLE = r"(?:von|van|de|del|della|di|da|la|le|du|der|den|y) "
_NAME = rf"(?:(?:{_PARTICLE})*(?:{_UP}\. ?)*{_WORD})(?: (?:{_PARTICLE})*{_WORD}){{0,2}}"
_FULL = rf"(?:{_WORD}|{_UP}\.)(?: (?:{_UP}\. ?)*(?:{_PARTICLE})*{_WORD}){{0,2}}"
_TITLE = (
    r"(?:Mrs?|Ms|Miss|Mx|Dr|Prof|Herrn?|Frau|Monsieur|Madame|Mme|Mlle|Se[ñn]ora?|Sra?\.|Signora?|"
    r"Sig\.|Senhora?|Pani)"
)
_SAID = (
    r"(?i:my name is|my name's|i am called|mein name ist|ich hei(?:ß|ss)e|je m['’]appelle|"
    r"mon nom est|me llamo|mi nombre es|mi chiamo|il mio nome è|meu nome é|me chamo|"
    r"nazywam się|mam na imię|name:)"
)
_CLOSING = (
    r"(?i:(?:kind |best |warm )?regards|yours (?:sincerely|faithfully)|sincerely|"
    r"mit freundlichen gr(?:ü|ue)(?:ß|ss)en|viele gr(?:ü|ue)(?:ß|ss)e|cordialement|"
    r"cheers|atenciosamente|un saludo|saludos|cordiali saluti|pozdrawiam)"
)
_SURNAME = (  # the commonest of China, four in five of its people
    "[王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余杜叶程苏魏吕丁任卢姚沈"
    "钟姜崔谭陆范汪廖石金韦贾夏付邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺顾毛郝龚邵万钱严赖覃洪武莫孔萧傅阎]"
)
_HAN = "[\u4e00-\u9fff]"
_NAMES = [
    re.compile(rf"(?<!\w){_TITLE}\.? (?P<name>{_NAME})"),
    re.compile(rf"(?<!\w){_SAID} (?P<name>{_FULL})"),
    re.compile(rf"(?<!\w){_CLOSING}[,.!]?\s+(?P<name>{_FULL})(?=[\s.]*$)"),
    re.compile(
        rf"(?P<name>(?:{_SURNAME}|欧阳|司马|诸葛|上官|司徒){_HAN}{{0,2}})(?:先生|女士|小姐|太太)"
    ),
    re.compile(rf"(?:我|免贵)姓(?P<name>{_SURNAME})"),
    re.compile(rf"(?:我叫|姓名[:：]? ?|名字是|名叫)(?P<name>{_SURNAME}{_HAN}{{1,2}})"),
]

_CITY = rf"{_UP}[\w'’-]+(?:[ -](?:{_PARTICLE})?{_UP}[\w'’-]+){{0,2}}"
_POSTCODE = r"[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}"
_WORDS = rf"{_WORD}(?: {_WORD}){{0,2}}"
_STREET = (
    "Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Close|Court|Ct|Boulevard|Blvd|Way|Terrace|"
    "Crescent|Gardens|Row|Square|Grove|Park Road"
)
_OF = r"(?:(?:de|du|des|la|las|los|le|les|del|della|dei|di|el)\s|l['’]|d['’])*"
_TAIL = rf"(?:,? \d{{5}} {_CITY})"
_ADDRESSES = [
    re.compile(
        rf"(?<!\w)\d{{1,5}}[A-Za-z]? {_WORDS} (?:{_STREET})\b\.?(?: (?:[NS][EW]?|[EW])\b)?"
        rf"(?:,? (?:Apt|Flat|Suite|Unit|#)\.? ?\w+)?(?:,? {_CITY})?"
        rf"(?:,? (?:[A-Z]{{2}} \d{{5}}(?:-\d{{4}})?|{_POSTCODE}))?"
    ),
    re.compile(
        rf"(?<!\w)(?:{_UP}\w*(?:straße|strasse|str\.|gasse|allee)|{_WORD} (?:Straße|Allee|Gasse))"
        rf" \d{{1,4}} ?(?:[a-z]\b)?{_TAIL}?"
    ),
    re.compile(rf"(?<!\w)(?:(?:Am|An der|Im|Zum) )?{_WORD} \d{{1,4}}[a-z]?, \d{{5}} {_CITY}"),
    re.compile(
        rf"(?<!\w)\d{{1,4}}(?: ?bis| ?ter)?,? (?:rue|avenue|boulevard|bd|place|allée|chemin|impasse"
        rf"|quai|cours) {_OF}{_WORDS}{_TAIL}?"
    ),
    re.compile(
        rf"(?<!\w)(?:Calle|C/|Avenida|Avda\.?|Plaza|Paseo) ?{_OF}{_WORDS},? (?:n[.º°]+ ?)?\d{{1,4}}"
        rf"(?:,? \d+º ?\w?)?{_TAIL}?"
    ),
    re.compile(
        rf"(?<!\w)(?:Via|Viale|Piazza|Corso|Largo|Vicolo) {_OF}{_WORDS},? \d{{1,4}}"
        rf"(?:{_TAIL}|(?=[.,;]|\s*$))"
    ),
    re.compile(
        rf"(?<!\w)(?:ul|al|pl|os)\. (?:{_WORDS}) \d{{1,4}}\w?(?:/\d+| m\. ?\d+)?"
        rf"(?:,? \d\d-\d{{3}} {_CITY})?"
    ),
    re.compile(
        rf"{_HAN}{{1,20}}(?:路|街|大道|巷|弄|胡同)"  # the words before it may be masked with it
        r"(?:[一二三四五六七八九十\d]{1,2}段)?\d{1,5}(?:[弄巷]\d+)*号(?:楼)?"
        r"(?:\d+(?:栋|单元|楼|层|室|号))*"
    ),
]


def names(text: str) -> Iterator[tuple[int, int]]:
    """Where names stand that a title, an introduction or a closing announces."""
    return _apart([m.span("name") for p in _NAMES for m in p.finditer(text)])


def addresses(text: str) -> Iterator[tuple[int, int]]:
    """Where a street with its number stands, with the town where it follows."""
    return _apart([m.span() for p in _ADDRESSES for m in p.finditer(text)])


def _apart(found: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    at = 0
    for start, end in sorted(found, key=lambda span: (span[0], -span[1])):
        if start >= at:
            yield start, end
            at = end
