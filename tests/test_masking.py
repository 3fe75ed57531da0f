"""Personal data in text is replaced by what it was; numbers that are none stay."""

from __future__ import annotations

import pytest

from cxlib.privacy import masking


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("write to ann.lee+x@mail.firm.co.uk.", "write to [e-mail]."),
        ("联系 wang@firm.cn，谢谢", "联系 [e-mail]，谢谢"),
        ("call +44 20 7946 0958 now", "call [phone] now"),
        ("call +1 (202) 555-0143", "call [phone]"),
        ("00491701234567 at noon", "[phone] at noon"),
        ("电话13812345678。", "电话[phone]。"),
        ("电话 138-1234-5678", "电话 [phone]"),
        ("+86 138 1234 5678", "[phone]"),
        ("id 11010519491231002X", "id [identity number]"),
        ("card 4111 1111 1111 1111.", "card [card]."),
        ("5500-0000-0000-0004", "[card]"),
        ("IBAN GB82 WEST 1234 5698 7654 32", "IBAN [account]"),
        ("DE89370400440532013000", "[account]"),
    ],
)
def test_personal_data_is_replaced(text: str, said: str) -> None:
    made, found = masking.masked(text)
    assert made == said and sum(found.values()) == 1


@pytest.mark.parametrize(
    "text",
    [
        "NPS 31 points (28 to 34), n 4,812.",
        "order 4111111111111112 of 2026-11-21",
        "110105194912310021",
        "0.4111111111111111 and 13.812345678",
        "GB82 WEST 1234 5698 7654 33",
        "1,234,567,890 rows, 12345678901 ids",
        "0000000000000000",
        "@property and a@b",
        "+12 to +34 points",
    ],
)
def test_other_numbers_and_words_stay(text: str) -> None:
    assert masking.masked(text) == (text, {})


def test_names_that_a_study_lists_are_masked_as_whole_words() -> None:
    names = ["Ann", "Ann Lee", "王小明"]
    text, found = masking.masked("Annual: ann  LEE and Ann; 王小明很好", names)
    assert text == "Annual: [name] and [name]; [name]很好" and found == {"name": 3}


def test_masking_twice_changes_nothing_more() -> None:
    once, _ = masking.masked("a@b.com +44 20 7946 0958")
    assert masking.masked(once) == (once, {})


@pytest.mark.parametrize("piece", ["1", "a.", "+1 ", "a@", "GB82 ", "4 ", "4111-", "x@a."])
def test_a_very_long_text_is_masked_to_its_end(piece: str) -> None:
    text, _ = masking.masked(piece * (100_000 // len(piece)) + " me@home.org")
    assert "me@home.org" not in text
