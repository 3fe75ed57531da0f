"""Personal data in text: found, and replaced by what it was.

    text, found = masked("write to ann@firm.com", names=["Ann Lee"])
    text                                  # "write to [e-mail]"
    found                                 # {"e-mail": 1}

E-mail addresses, telephone numbers (with a country's code, or Chinese mobiles), Chinese identity
numbers (GB 11643 checksum), payment cards (Luhn, ISO/IEC 7812), bank accounts (IBAN, ISO 13616) and
the names a study lists. Numbers that fail their checksum stay: they are orders, not people. What is
found is a help and no proof: free text may name a person in ways no pattern knows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from functools import cache

_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

_EDGE, _END = r"(?<![\w.,+-])", r"(?![\w-]|[.,]\d)"
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,5}[^\W\d_]{2,24}")
_IBAN = re.compile(_EDGE + r"[A-Z]{2}\d\d(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?" + _END)
_IDENTITY = re.compile(r"(?<![0-9A-Za-z.,])[1-9]\d{16}[\dXx](?![0-9A-Za-z]|[.,]\d)")
_CARD = re.compile(r"(?<![0-9A-Za-z.,-])[2-6]\d{3}(?:[ -]?\d){9,15}(?![0-9A-Za-z]|[.,]\d)")
_MOBILE = re.compile(
    r"(?<![0-9A-Za-z.,+-])(?:(?:\+|00)86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?![0-9A-Za-z]|[.,]\d)"
)
_PHONE = re.compile(
    r"(?<![\w.,+])(?:\+|00(?=[1-9]))[1-9]\d{0,2}(?:[ .\-/]?\(?\d{1,5}\)?){2,6}(?!\w)"
)


def legible(text: str) -> str:
    """The text without characters that nobody sees but that turn, hide or end what stands there.

    Controls but line ends and tabs, overrides of the writing direction, halves of characters.
    """
    return _UNSEEN.sub("", text)


def masked(text: str, names: Iterable[str] = ()) -> tuple[str, dict[str, int]]:
    """The text with personal data replaced by "[e-mail]" and so on, and how many of each kind."""
    found: Counter[str] = Counter()
    for kind, pattern, holds in _kinds(tuple(names)):
        text = pattern.sub(_replacer(kind, holds, found), text)
    return text, dict(found)


def _replacer(kind: str, holds: Callable[[str], bool], found: Counter) -> Callable:
    def replace(match: re.Match) -> str:
        if not holds(match[0]):
            return match[0]
        found[kind] += 1
        return f"[{kind}]"

    return replace


@cache
def _kinds(names: tuple[str, ...]) -> list[tuple[str, re.Pattern, Callable[[str], bool]]]:
    kinds = [
        ("e-mail", _EMAIL, lambda _: True),
        ("account", _IBAN, is_iban),
        ("identity number", _IDENTITY, is_identity_number),
        ("card", _CARD, is_card),
        ("phone", _MOBILE, lambda _: True),
        ("phone", _PHONE, lambda found: 8 <= sum(c.isdigit() for c in found) <= 15),
    ]
    listed = sorted({n.strip() for n in names if n.strip()}, key=lambda n: (-len(n), n))
    if listed:
        ways = "|".join(_whole(n) for n in listed)
        kinds.append(("name", re.compile(ways, re.I), lambda _: True))
    return kinds


def _whole(name: str) -> str:
    """The name as whole words; Chinese has no spaces, so there it may stand anywhere."""
    body = r"\s+".join(map(re.escape, name.split()))
    before = r"(?<!\w)" if name[:1].isascii() else ""
    return before + body + (r"(?!\w)" if name[-1:].isascii() else "")


def is_card(text: str) -> bool:
    """Whether 13 to 19 digits pass the check of Luhn, and are not all the same."""
    digits = [int(c) for c in text if c.isdigit()]
    doubled = [sum(divmod(2 * d, 10)) for d in digits[-2::-2]]
    whole = sum(digits[-1::-2]) + sum(doubled)
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and whole % 10 == 0


def is_identity_number(text: str) -> bool:
    """Whether 18 characters are a Chinese identity number: a date of birth, and the check digit."""
    try:
        born = date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return False
    weights = [pow(2, 17 - i, 11) for i in range(17)]
    total = sum(w * int(c) for w, c in zip(weights, text, strict=False))
    return born.year >= 1880 and "10X98765432"[total % 11] == text[17].upper()


def is_iban(text: str) -> bool:
    """Whether the text is an IBAN: its letters as numbers, moved round, leave 1 modulo 97."""
    plain = text.replace(" ", "")
    if not 15 <= len(plain) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def add(total: dict[str, int], more: dict[str, int]) -> None:
    """Add the counts of one text to those of many."""
    for kind, count in more.items():
        total[kind] = total.get(kind, 0) + count
