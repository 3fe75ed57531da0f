"""Identity numbers of countries beside China, told from orders by their form and check digits.

    list(spans("My DNI is 12345678Z"))       # [(10, 19)]

The United States (social security), Britain (national insurance), Germany (tax), France (NIR),
Spain (DNI, NIE), Italy (codice fiscale), Poland (PESEL), Brazil (CPF), Sweden and, after a word
that announces it, any other. What is of digits alone, without a form of its own, is one only after
such a word, or on pages of its country; a date is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date

from cxlib.privacy.text import DATE, passes_luhn

_CUE = re.compile(
    r"\b(?:ssn|social security|nino|ni (?:number|no)|national insurance|steuer-?id(?:ent\w*)?|"
    r"steuer(?:identifikations)?nummer|idnr|tax id|nir|s[ée]cu\w*|dni|nie|nif|codice fiscale|"
    r"pesel|passport|passeport|reisepass|pasaporte|personalausweis|(?:id|identity) card|cpf|rg|bsn|"
    r"burgerservicenummer|personnummer|aadhaar)\b[^\d\n]{0,20}$"
    r"|(?:身[份分]证|(?:通行|居留|居住|台胞|[回还]乡|驾驶?|军官)证|统一证号|护照|签证|驾照|驾驶执照|证件"
    r"|社保|健保|マイナンバー|个人番号|주민등록번호)[^\d\n]{0,20}$",
    re.I,
)
_ORDER = re.compile(
    r"\b(?:orders?|invoice|ticket|case|tracking|bestellung|commande|pedido|ordine|zam[óo]wieni\w*)\b",
    re.I,
)
_DNI = "TRWAGMYFPDXBNJZSQVHLCKE"
_ODD = dict(  # values of the characters at odd places of a codice fiscale, D.M. 23/12/1976
    zip(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21)
        + (2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
        strict=True,
    )
)


def is_social_security(text: str) -> bool:
    """Whether nine digits can be a number of the Social Security Administration."""
    area, group, serial = text[:3], text[3:5], text[5:]
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def is_national_insurance(text: str) -> bool:
    """Whether the prefix is one that is given out (HMRC, NIM39110)."""
    return text[:2].upper() not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ")


def is_tax_id(text: str) -> bool:
    """Whether eleven digits pass ISO 7064 (MOD 11, 10), as a German tax number does."""
    product = 10
    for digit in map(int, text[:10]):
        product = ((digit + product) % 10 or 10) * 2 % 11
    return text[0] != "0" and (11 - product) % 10 == int(text[10])


def is_nir(text: str) -> bool:
    """Whether 15 digits are a French NIR: the last two are 97 less the others modulo 97."""
    return 97 - int(text[:13]) % 97 == int(text[13:])


def is_dni(text: str) -> bool:
    """Whether the letter is that of the number modulo 23 (Spain, DNI and NIE)."""
    number = text.upper().replace("X", "0", 1) if text[0] in "xX" else text.upper()
    number = re.sub("^[YZ]", lambda m: "12"["YZ".index(m[0])], number)
    return _DNI[int(number[:-1]) % 23] == number[-1]


def is_codice_fiscale(text: str) -> bool:
    """Whether the last letter checks the fifteen characters before it."""
    plain = text.upper()
    even = [int(c) if c.isdigit() else ord(c) - ord("A") for c in plain[1:15:2]]
    return (sum(_ODD[c] for c in plain[:15:2]) + sum(even)) % 26 == ord(plain[15]) - ord("A")


def is_pesel(text: str) -> bool:
    """Whether eleven digits are a PESEL: a date of birth, and a check digit."""
    month = int(text[2:4])
    century = {0: 1900, 2: 2000, 4: 2100, 6: 2200, 8: 1800}.get(month // 20 * 2, 0)
    try:
        date(century + int(text[:2]), month % 20, int(text[4:6]))
    except ValueError:
        return False
    total = sum(int(c) * w for c, w in zip(text, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), strict=True))
    return total % 10 == 0


def is_cpf(text: str) -> bool:
    """Whether the last two of eleven digits check the others, as in a Brazilian CPF."""
    sums = [sum(int(d) * (n - i) for i, d in enumerate(text[: n - 1])) for n in (10, 11)]
    return len(set(text)) > 1 and text[9:] == "".join(str(s * 10 % 11 % 10) for s in sums)


def is_personnummer(text: str) -> bool:
    """Whether ten or twelve digits are Swedish: a date of birth, and the check of Luhn."""
    digits = text[-10:]
    born = 1 <= int(digits[2:4]) <= 12 and 1 <= int(digits[4:6]) <= 31
    return born and passes_luhn(digits)


def has_six_digits(text: str) -> bool:
    """Whether words that announce an identity number can be followed by this one."""
    return 6 <= sum(c.isdigit() for c in text) <= 18


_GROUP = r"[A-Z]{0,6}\d[A-Z0-9]{0,17}"
ANNOUNCED = "announced"  # no country: nine digits alone may be anything
# Pattern, check, and the country on whose pages it needs no announcement; None: it never needs one.
_KINDS: tuple[tuple[str, Callable[[str], bool], str | None], ...] = (
    (r"\d{3}-\d\d-\d{4}", is_social_security, None),
    (r"\d{3} ?\d\d ?\d{4}", is_social_security, ANNOUNCED),
    (r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]", is_national_insurance, None),
    (r"[1-478] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?\d\d ?\d{3} ?\d{3} ?\d\d", is_nir, None),
    (r"(?:\d{8}|[XYZ]-?\d{7})[ -]?[A-HJ-NP-TV-Z]", is_dni, None),
    (r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]", is_codice_fiscale, None),
    (r"\d\d ?\d{3} ?\d{3} ?\d{3}", is_tax_id, "DE"),
    (r"\d\d(?: \d{3}){3}", is_tax_id, None),
    (r"\d{3}\.\d{3}\.\d{3}-\d\d", is_cpf, None),
    (r"(?:19|20)?\d{6}[-+]\d{4}", is_personnummer, None),
    (r"\d{11}", is_pesel, "PL"),
    (rf"{_GROUP}(?:[ ./-]{_GROUP}){{0,8}}", has_six_digits, ANNOUNCED),  # of any other country
)
_PATTERNS = [
    (re.compile(rf"(?<![0-9A-Za-z_+-])(?<!\d[.,])(?:{p})(?![0-9A-Za-z_]|[.,-]\d)", re.I), holds, of)
    for p, holds, of in _KINDS
]


def spans(text: str, country: str = "") -> Iterator[tuple[int, int]]:
    """Where identity numbers stand in the text, in order.

    Parameters
    ----------
    text : as `text.plain` gives it
    country : two letters of the country of the page

    Examples
    --------
    >>> list(spans("NINO: AB 12 34 56 C"))
    [(6, 19)]
    """
    found = []
    for pattern, holds, of in _PATTERNS:
        for match in pattern.finditer(text):
            before = text[max(0, match.start() - 40) : match.start()]
            announced = bool(_CUE.search(before))
            if not announced and (of is not None and of != country or _ORDER.search(before)):
                continue
            if of == ANNOUNCED and DATE.match(match[0]):
                continue
            if holds(re.sub("[ .+-]", "", match[0])):
                found.append(match.span())
    at = 0
    for start, end in sorted(found, key=lambda span: (span[0], -span[1])):
        if start >= at:
            yield start, end
            at = end
