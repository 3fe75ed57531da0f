"""Telephone numbers in text, told from orders, dates, amounts and ranges.

    list(spans("Call me on 555-0122."))            # [(11, 19)]
    list(spans("ring 030 901820", "DE"))           # [(5, 15)]

Numbers with a country code are checked by `phonenumbers` (the metadata of libphonenumber), and so
are local ones where the country is known. Without a country a local number is known by its shape
(an area code in brackets or with a leading zero, three digits and four) or by the words before it
("call me on", 电话). A number after "order" or 订单 is none, nor is an amount, a date or a range.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import phonenumbers
from phonenumbers import NumberParseException, ValidationResult

from cxlib.privacy.text import CJK, DATE, longest

_WORD = rf"[^\W{CJK}]"  # a letter, digit or underscore that is not Chinese
_START = rf"(?<!{_WORD})(?<![+/])(?<!\d[.,-])(?<!\d-)"
_END = rf"(?!{_WORD}|[-/]\d|[.,]\d)"
_BETWEEN = r"(?:[ ./-]|\) ?| \(| ?[/-] ?)"

_INTERNATIONAL = re.compile(
    _START + rf"(?:\+ ?|00(?=[1-9]))\(?[1-9](?:{_BETWEEN}?\(?\d\)?){{6,17}}(?!{_WORD})"
)
_MOBILE = re.compile(  # of China: eleven digits that begin with 13 to 19
    r"(?<![0-9A-Za-z+-])(?<!\d[.,])1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?![0-9A-Za-z]|[.,]\d)"
)
_LOCAL = re.compile(_START + rf"\(?\d(?:{_BETWEEN}?\d){{5,14}}" + _END)

_SHAPES = [  # local numbers that need no country and no word
    re.compile(r"(?:1[-. ])?\(\d{3}\)[ -]?\d{3}[-.]\d{4}"),  # (555) 010-1234
    re.compile(r"(?:1[-.])?[2-9]\d{2}([-.])\d{3}\1\d{4}"),  # 555-010-1234, 400-820-8820
    re.compile(r"555-\d{4}|[2-9]\d{2}-0\d{3}"),  # 555-0122: no range has a leading zero
    re.compile(  # a leading zero, an area, a number of 9 to 12 digits: 0171-1234567
        r"(?=(?:\D*\d){9,12}\D*$)\(?0[1-9]\d{0,3}(?:\) ?| ?[-/] ?| )(?=[\d -]*\d{3})"
        r"\d{2,8}(?:[ -]\d{2,5}){0,3}"
    ),
]
_CUED = [  # after words that announce a telephone number
    re.compile(r"\(?\d+\)?(?:[-./]\d+)*"),
    re.compile(r"\(?\d{3,}\)?(?:[ -]\d{3,})*"),
    re.compile(r"\d\d(?:[ -]\d\d){3,6}"),
]
_CUE = re.compile(
    r"(?:\b(?:call|ring|phone|dial|text|reach|contact|whatsapp|sms|telephone|tel|mobile|cell|fax|"
    r"hotline|landline|(?:my|our|his|her|their) (?:new )?number|telefon|handy|anrufen|"
    r"t[ée]l[ée]phone|tel[ée]fono|appelez|llame)\b"
    r"|电话|手机|门号|致电|拨|联系|联络|座机|市话|传真|微信|热线)"
    r"(?:[^\d\n ]| (?! )){0,16}$",
    re.I,
)
_OF_ORDERS = re.compile(
    r"(?:\b(?:orders?|ord|no|nr|number|ref|reference|ticket|case|invoice|inv|ids?|sku|item|isbn|"
    r"article|art|version|build|model|serial|tracking|parcel|account|acct|policy|contract|booking|"
    r"customer|code|pin|postcode|zip|from|between|bestellung|commande|pedido)|[#№]|\bv|"
    r"订单|单号|编号|工单|发票|型号|批号|版本|从)"
    r"[\s.:#：]{0,3}(?:(?:no|nr|number|id|code|号)[\s.:#：]{0,3})?(?:is |was |为|是)?$",
    re.I,
)
_AMOUNT_BEFORE = re.compile(r"(?:[$€£¥￥%=<>≥≤≈]|\b(?:EUR|USD|GBP|CNY|RMB|CHF|n)|共|约) ?$")
_AMOUNT_AFTER = re.compile(
    r" ?(?:[%$€£¥￥‰]|(?:EUR|USD|GBP|CNY|RMB|CHF|euros?|dollars?|pounds?|yuan|rows?|customers?|"
    r"answers?|responses?|orders?|points?|people|persons|users?|times|ids?|days?|weeks?|months?|"
    r"years?|hours?|minutes?|seconds?|km|kg|ms|[KMGT]B)\b|[元万亿条人个次份分天年月]|小时)",
    re.I,
)
_THOUSANDS = re.compile(r"\d{1,3}(?: \d{3})+")


def spans(text: str, country: str = "") -> Iterator[tuple[int, int]]:
    """Where telephone numbers stand in the text, in order.

    Parameters
    ----------
    text : as `text.plain` gives it
    country : two letters (ISO 3166-1) of the country whose numbers have no country code
    """
    abroad = _found(_INTERNATIONAL, text, _is_international)
    local = _found(_LOCAL, text, lambda part: _is_local(part, country))
    at = 0
    for start, end in sorted([*abroad, *_mobiles(text), *local]):
        if start >= at:
            yield start, end
            at = end


def is_announced(text: str, start: int) -> bool:
    """Whether the words before it say that a telephone number begins there."""
    return bool(_CUE.search(text[max(0, start - 40) : start]))


def _mobiles(text: str) -> Iterator[tuple[int, int]]:
    for match in _MOBILE.finditer(text):
        before = text[max(0, match.start() - 40) : match.start()]
        if is_announced(text, match.start()) or not _OF_ORDERS.search(before):
            yield match.span()


def _found(
    pattern: re.Pattern[str], text: str, holds: Callable[[str], bool]
) -> Iterator[tuple[int, int]]:
    for match in pattern.finditer(text):
        start, written = match.start(), match[0]
        before = text[max(0, start - 40) : start]
        cued = is_announced(text, start)
        another = _OF_ORDERS.search(before) or _AMOUNT_BEFORE.search(before)
        if another and not cued and written[0] != "+":
            continue
        wanted = (lambda part: holds(part) or _is_announced(part)) if cued else holds
        if length := longest(written, wanted):
            part = written[:length]
            length -= part.endswith(")") and part.count(")") > part.count("(")
            amount = _AMOUNT_AFTER.match(text, start + length)
            if not amount or "(" in written or written[0] in "+0" or cued and amount[0][-1] > "z":
                yield start, start + length


def _is_international(part: str) -> bool:
    """Whether the part is a number with a country code that could be dialled."""
    digits = _digits(part)[0 if part[0] == "+" else 2 :]
    number = _parsed("+" + digits)
    if number is None or not 8 <= len(digits) <= 15:
        return False
    if _THOUSANDS.fullmatch(part.lstrip("+ ")):  # +12 345 678 is more likely an amount
        return phonenumbers.is_valid_number(number)
    possible = phonenumbers.is_possible_number_with_reason(number)
    return possible == ValidationResult.IS_POSSIBLE


def _is_local(part: str, country: str) -> bool:
    """Whether the part has the shape of a local number, or is one of the country."""
    if DATE.match(part):
        return False
    return any(shape.fullmatch(part) for shape in _SHAPES) or _is_of(part, country)


def _is_of(part: str, country: str) -> bool:
    """Whether the part is a number of the country, written as numbers for people are.

    Digits in one piece are one only with the leading zero that orders rarely have.
    """
    number = _parsed(part, country) if country and len(_digits(part)) >= 7 else None
    written = part.startswith(("0", "(0")) or not part.isdigit()
    return written and number is not None and phonenumbers.is_valid_number(number)


def _is_announced(part: str) -> bool:
    """Whether the part can be a number where the words before it say that one follows."""
    if DATE.match(part) or not 7 <= len(_digits(part)) <= 15:
        return False
    return any(shape.fullmatch(part) for shape in _CUED)


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isdigit())


def _parsed(text: str, country: str | None = None) -> phonenumbers.PhoneNumber | None:
    try:
        return phonenumbers.parse(text, country)
    except NumberParseException:
        return None
