"""Personal data in text: found, and replaced by what it was.

    text, found = masked("write to ann@firm.com", names=["Ann Lee"])
    text                                  # "write to [e-mail]"
    found                                 # {"e-mail": 1}

E-mail addresses, telephone numbers (`telephones`), identity numbers (of China by the checksum of
GB 11643, of others by `national_numbers`), in comments names and addresses (`written_details`),
payment cards (Luhn, ISO/IEC 7812), bank accounts (IBAN, ISO 13616) and the names a study lists.
Numbers that fail their checksum stay: they are orders, not people. What is found is a help and no
proof: free text may name a person in ways no pattern knows.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import cache, partial
from typing import Any

from cxlib.core import context
from cxlib.privacy import national_numbers, telephones, written_details
from cxlib.privacy.text import CJK, INVISIBLE, UNSEEN, joined, longest, passes_luhn, plain, readings

Spans = Iterator[tuple[int, int]]

_LATIN = rf"[^\W_{CJK}]"  # what a name or an address may not touch
_BEFORE = r"(?<![0-9A-Za-z])(?<!\d[.,])"  # no part of a word or of a decimal number
_AFTER = r"(?![0-9A-Za-z]|[.,]\d)"
_DOMAIN = r"(?:[\w-]{1,63}\.){1,5}(?:xn--[\w-]{2,59}|[A-Za-z]{2,24}|[^\W\d_]{2,24})"
_LOCAL = (
    rf"(?:(?<!{_LATIN})(?<![_.+-])(?:{_LATIN}|[_.+%'’-]){{1,64}}"
    r"|(?<![\w.+-])(?:(?![A-Za-z])[\w.+%-]){1,64})"
)
_SPLIT = r"(?<![\w.+-])[\w+%-]{1,64}[.\d_][\w.+%-]{0,64}"  # no word of a sentence: ann.lee
_AT, _DOT = (rf" ?[(<\[{{] ?{word} ?[)>\]}}] ?" for word in ("at", "dot"))
_EMAIL = re.compile(
    rf"(?:\"[^\"\n@]{{1,64}}\"|{_LOCAL})(?:@|@ (?=\w+\.\w))"
    rf"(?:{_DOMAIN}|[\w-]{{1,63}}。[A-Za-z]{{2,24}})"
    rf"|{_SPLIT} @ ?{_DOMAIN}"
    rf"|{_LOCAL}{_AT}(?:[\w-]{{1,63}}{_DOT}[A-Za-z]{{2,24}}|{_DOMAIN})"
    rf"|{_SPLIT} at (?:[\w-]{{1,63}} dot ){{1,4}}[A-Za-z]{{2,24}}",
    re.I,
)
_HAS_ADDRESS = re.compile(r"[@＠]|[(<\[{] ?at ?[)>\]}]|\bat\b.* dot ", re.I)
_ACCOUNT = re.compile(
    _BEFORE + r"(?<![_+-])[A-Z]{2}\d\d(?:[ .-]{0,2}[A-Z0-9]{4}){2,7}(?:[ .-]{0,2}[A-Z0-9]{1,3})?"
    r"(?![0-9A-Za-z-])",
    re.I,
)
_IDENTITY = re.compile(_BEFORE + r"[1-9]\d{5}[ -]?\d{8}[ -]?\d{3}[\dXx]" + _AFTER)
_CARD = re.compile(
    _BEFORE + r"(?<!-)(?:[2-6]\d{3}(?:[ -]?\d){9,15}"
    r"|[2-6]\d{3}( ?[^\w\s,;:+%$€£¥] ?| {2,3}|\t)(?:\d{4}\1\d{4}\1\d{1,7}|\d{6}\1\d{5}))" + _AFTER
)
_CARD_CUED = re.compile(  # after a word that announces a card, groups however they are written
    r"(?:\b(?:cards?|visa|master ?card|amex|american express|maestro|karten?(?:nummer)?|carte"
    r"|tarjeta|carta|cart[ãa]o|karta|kort|pan)\b|[卡户账帐][号码]?|信用卡)[^\d\n]{0,20}\s?(?<!\d)(?P<card>"
    r"[2-6]\d{3}(?:[\W_]{0,3}\d){9,15})" + _AFTER,
    re.I,
)
_YEARS = re.compile(  # or a date with its time
    r"(?:(?:19|20)\d\d[ -]?)+"
    r"|20\d\d[ -]?(?:0[1-9]|1[0-2])[ -]?(?:0[1-9]|[12]\d|3[01])[ -]?(?:[01]\d|2[0-3])"
    r"(?:[ -]?[0-5]\d){2}"
)
_SIX_DIGITS = re.compile(r"(?:\d\D{0,4}){5}\d")


def legible(text: str) -> str:
    """The text without characters that nobody sees but that turn, hide or end what stands there.

    Controls but line ends and tabs, overrides of the writing direction, halves of characters.
    """
    return UNSEEN.sub("", text)


def storable(text: str) -> str:
    """The text as a file can hold it: no half of a character."""
    return text.encode("utf-8", "replace").decode()


def masked(
    text: str,
    names: Iterable[str] | None = None,
    country: str | None = None,
    *,
    comment: bool = False,
) -> tuple[str, dict[str, int]]:
    """Replace personal data by "[e-mail]" and so on.

    Parameters
    ----------
    text : any text, in any script
    names : names to mask as whole words; those of the page's context if None
    country : two letters of the country whose telephone numbers have no country code; that of the
        page's context if None, and "" for none
    comment : people wrote it: names that a title or a closing announces, and postal addresses, are
        replaced as well (elsewhere a branch may be called by its street)

    Returns
    -------
    The text, and how many of each kind were replaced: "e-mail", "account", "identity number",
    "card", "phone", "name", "address".

    Examples
    --------
    >>> masked("Call me on 555-0122 or write to ann@firm.com")
    ('Call me on [phone] or write to [e-mail]', {'e-mail': 1, 'phone': 1})
    >>> masked("请联系Ann Lee", names=["Ann Lee"])
    ('请联系[name]', {'name': 1})
    """
    rules = context.current()
    listed = _listed(rules.mask if names is None else tuple(names))
    found: dict[str, int] = {}
    seen = INVISIBLE.sub("", text)
    if _HAS_ADDRESS.search(seen):
        text = _replaced(text, "e-mail", _matches(_EMAIL), found)
    if comment:
        text = _replaced(text, "address", written_details.addresses, found)
    if _SIX_DIGITS.search(seen):
        where = rules.country if country is None else country
        numbers: list[tuple[str, Callable[[str], Spans]]] = [
            ("account", _matches(_ACCOUNT, is_iban)),
            ("identity number", partial(national_numbers.spans, country=where)),
            ("identity number", _matches(_IDENTITY, is_identity_number)),
            ("card", _matches(_CARD, is_card)),
            ("card", _matches(_CARD_CUED, is_card, "card")),
            ("phone", partial(telephones.spans, country=where)),
        ]
        for kind, spans in numbers:
            text = _replaced(text, kind, _over_lines(spans, kind), found)
    if listed:
        text = _replaced(text, "name", _matches(listed), found)
    if comment:
        text = _replaced(text, "name", written_details.names, found)
    return text, found


def masked_in(value: Any, found: dict[str, int] | None = None) -> Any:
    """The same lists and records, every text in them masked and storable; keys stay.

    What is replaced is added to `found`.
    """
    if isinstance(value, str):
        text, more = masked(storable(value))
        add({} if found is None else found, more)
        return text
    if isinstance(value, dict):
        return type(value)({k: masked_in(v, found) for k, v in value.items()})
    return [masked_in(v, found) for v in value] if isinstance(value, list) else value


def _replaced(text: str, kind: str, spans: Callable[[str], Spans], found: dict[str, int]) -> str:
    whole: list[tuple[int, int]] = []
    for start, end in sorted(
        (places[start], places[end - 1] + 1)
        for read, places in readings(text)
        for start, end in spans(plain(read))
    ):
        if whole and start < whole[-1][1]:  # another reading of the same
            whole[-1] = whole[-1][0], max(end, whole[-1][1])
        else:
            whole.append((start, end))
    pieces, at = [], 0
    for start, end in whole:
        pieces += [text[at:start], f"[{kind}]"]
        at = end
    add(found, {kind: len(whole)} if whole else {})
    return "".join([*pieces, text[at:]])


def _matches(
    pattern: re.Pattern[str], holds: Callable[[str], bool] = lambda _: True, group: str | int = 0
) -> Callable[[str], Spans]:
    def spans(text: str) -> Spans:
        at = 0
        while match := pattern.search(text, at):
            start = match.start(group)
            length = longest(match[group], holds)
            if length:
                yield start, start + length
            # Another may begin within what is none: 2024 4111 1111 1111 1111.
            at = start + (length or 1)

    return spans


def _over_lines(spans: Callable[[str], Spans], kind: str) -> Callable[[str], Spans]:
    """Also numbers with a line break in them; telephone numbers if announced, or with a +."""

    def found(text: str) -> Spans:
        yield from spans(text)
        one, places = joined(text)
        for start, end in spans(one) if one != text else ():
            if kind != "phone" or one[start] == "+" or telephones.is_announced(one, start):
                yield places[start], places[end - 1] + 1

    return found


@cache
def _listed(names: tuple[str, ...]) -> re.Pattern[str] | None:
    """The names, longest first, however their accents are written."""
    whole = {n.strip() for n in names if n.strip()}
    forms = {plain(unicodedata.normalize(f, n)) for n in whole for f in ("NFC", "NFD")}
    ways = sorted(forms, key=lambda n: (-len(n), n))
    return re.compile("|".join(map(_whole, ways)), re.I) if ways else None


def _whole(name: str) -> str:
    """The name as whole words, also as file names write it; Chinese needs no space."""
    body = r"[\s_.-]+".join(map(_letters, name.split()))
    before, after = (re.match(_LATIN, end) for end in (name[0], name[-1]))
    return (rf"(?<!{_LATIN})" if before else "") + body + (rf"(?!{_LATIN})" if after else "")


def _letters(word: str) -> str:
    """The word; its apostrophe may be curly, or doubled as in SQL."""
    return re.sub("['’]", "['’]{1,2}", re.escape(word))


def is_card(text: str) -> bool:
    """Whether 13 to 19 digits pass the check of Luhn, are not all the same, and no dates."""
    digits = [c for c in text if c.isdigit()]
    if _YEARS.fullmatch(text):
        return False
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and passes_luhn(digits)


def is_identity_number(text: str) -> bool:
    """Whether 18 characters are a Chinese identity number: a date of birth, and the check digit."""
    text = re.sub("[ -]", "", text)
    if not re.fullmatch(r"\d{17}[\dXx]", text):
        return False
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    weights = [pow(2, 17 - i, 11) for i in range(17)]
    total = sum(w * int(c) for w, c in zip(weights, text, strict=False))
    return born.year >= 1880 and "10X98765432"[total % 11] == text[17].upper()


def is_iban(text: str) -> bool:
    """Whether the text is an IBAN: its letters as numbers, moved round, leave 1 modulo 97."""
    joined = re.sub("[ .-]", "", text)
    if not 15 <= len(joined) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in joined[4:] + joined[:4])) % 97 == 1


def add(total: dict[str, int], more: dict[str, int]) -> None:
    """Add the counts of one text to those of many."""
    for kind, count in more.items():
        total[kind] = total.get(kind, 0) + count
