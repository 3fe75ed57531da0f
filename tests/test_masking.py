"""Personal data in text is replaced by what it was; numbers that are none stay."""

from __future__ import annotations

from datetime import date, datetime

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxlib.core import context
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
        ("DE89 3704 0044 0532 0130 00 Bank", "[account] Bank"),
        ("4111 1111 1111 1111 25 times", "[card] 25 times"),
        ("身份证110105 19491231 002X。", "身份证[identity number]。"),
        ("邮箱ann@firm.com谢谢", "邮箱[e-mail]谢谢"),
        ("账户GB82 WEST 1234 5698 7654 32。", "账户[account]。"),
        ("Call me on 555-0122.", "Call me on [phone]."),
        ("555-0122", "[phone]"),
        ("(555) 010-1234", "[phone]"),
        ("0171-1234567", "[phone]"),
        ("138 0013 8000", "[phone]"),
        ("+86 138 0013 8000", "[phone]"),
        ("020-8765 4321", "[phone]"),
        ("请拨打+44 20 7946 0958。", "请拨打[phone]。"),
        ("请拨打＋４４ ２０ ７９４６ ０９５８。", "请拨打[phone]。"),
        ("谢谢，13800138000", "谢谢，[phone]"),
        ("name,13800138000,web", "name,[phone],web"),
        ("电话号码 8765 4321", "电话号码 [phone]"),
        ("+44 (0)20 7946 0958", "[phone]"),
        ("+44 20 7946 0958 2 times", "[phone] 2 times"),
        ("ring 8765 4321 today", "ring [phone] today"),
        ("tel. 12 34 56 78", "tel. [phone]"),
        ("my phone number is 2025550143", "my phone number is [phone]"),
        ("400-820-8820", "[phone]"),
        ("Call 020 7946 0958 between 9 and 5", "Call [phone] between 9 and 5"),
        ("2024 4111 1111 1111 1111", "2024 [card]"),
        ("card 4111_1111_1111_1111", "card [card]"),
        ("4111·1111·1111·1111", "[card]"),
        ("card 4111 1111\n1111 1111.", "card [card]."),
        ("card number:\n4111\n1111\n1111\n1111", "card number:\n[card]"),
        ("信用卡號 4111,1111,1111,1111", "信用卡號 [card]"),
        ("3782_822463_10005", "[card]"),
        ("4111\u20021111\u20051111\u205f1111", "[card]"),
        ("DE89 3704 0044\n0532 0130 00", "[account]"),
        ("110105 19491231\n002X", "[identity number]"),
        ("微信 138_1234_5678", "微信 [phone]"),
        ("手机138 1234\r\n5678", "手机[phone]"),
        ("+44 20 7946\n0958", "[phone]"),
        ("card 4111 1111 -\r\n 1111 1111.", "card [card]."),
        ("台湾身份证 A123456789", "台湾身份证 [identity number]"),
        ("身份證號碼 A123456789", "身份證號碼 [identity number]"),
        ("港澳通行证 C12345678", "港澳通行证 [identity number]"),
        ("回鄉證 H12345678", "回鄉證 [identity number]"),
        ("駕駛執照 A1234567", "駕駛執照 [identity number]"),
        ("手機 0912345678", "手機 [phone]"),
        ("門號：0912345678", "門號：[phone]"),
        ("請聯絡 0912 345 678", "請聯絡 [phone]"),
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
        "order 555-0122 and order 12345678",
        "订单 020-87654321，订单号：12345678901",
        "invoice 01-2345678, case 138 0013, id 0171-1234567",
        "2026-11-21 10:30, 01-02-2024 12:30, 01/02/2024 10, 20261129 101500",
        "call 2026-11-21 or in 2025-2026",
        "500-1000 customers, between 1000-2000 EUR, 6000-7000 EUR",
        "EUR 1,234,567.89; 1 234 567 EUR; +31 200 000 EUR; +12 345 678",
        "v2.10.1234, version 10.20.30.40, 192.168.100.200",
        "2016 2017 2018 2019",
        "phone  31.5 28.1 34.9  4812",
        "phone  312 284 3417",
        "978-0-306-40615-7 and 1234-5678-9012",
        "weeks 01-03 04-06 07-09, hours 08-11 09-12 14-18",
        "NPS +26 (15 to 37); −0.49 (95% CI −0.70 to −0.28); 1,850 of 2,112",
        "3 649 1 850 2 112",
        "my passport expired on 12/03/2018, my tax id in 2018-2019",
        "NHS England 2018-2019",
        "訂單編號 12345678901，約 12345678 萬元",
        "order 4111_1111_1111_1112, report_2026_11_21_103000",
        "20261121103000 and 2026-11-21-103000",
        "0    3649\n1    1850\n2    2112\n3    4003",
        "3649\n1850\n2112\n4003",
        "n 4812\n312 284\n3417 2112",
        "soft\u00adhyphen 12\u00ad345, \U0001f468\u200d\U0001f469 \ufe0f1",
    ],
)
def test_other_numbers_and_words_stay(text: str) -> None:
    assert masking.masked(text) == (text, {})


@pytest.mark.parametrize(
    ("country", "text", "said"),
    [
        ("US", "202 555 0143", "[phone]"),
        ("GB", "020 7946 0958 or 02079460958", "[phone] or [phone]"),
        ("DE", "030 901820", "[phone]"),
        ("FR", "01 42 68 53 00 and 01.42.68.53.00", "[phone] and [phone]"),
        ("DK", "32 12 34 56", "[phone]"),
        ("PL", "601 123 456", "[phone]"),
        ("SG", "6123 4567", "[phone]"),
        ("CN", "010-62345678", "[phone]"),
        ("US", "12345678901 ids", "12345678901 ids"),
        ("GB", "order 02079460958", "order 02079460958"),
        ("SG", "6000-7000 EUR", "6000-7000 EUR"),
        ("NO", "2000 3000", "2000 3000"),
    ],
)
def test_local_numbers_of_the_country_are_masked(country: str, text: str, said: str) -> None:
    assert masking.masked(text, country=country)[0] == said


COUNTRIES = ["", "US", "GB", "DE", "CN", "FR", "DK", "SG"]
WHOLE = st.integers(0, 10**9)
HARMLESS = st.one_of(
    st.builds("order {}".format, st.integers(10**6, 10**11)),
    st.builds("订单号：{}".format, st.integers(10**6, 10**10 - 1)),
    st.dates(date(1900, 1, 1), date(2099, 12, 31)).map(str),
    st.dates(date(1900, 1, 1), date(2099, 12, 31)).map("{:%d/%m/%Y}".format),
    st.datetimes(datetime(1900, 1, 1), datetime(2099, 12, 31)).map("{:%d.%m.%Y %H:%M}".format),
    st.builds("EUR {:,.2f}".format, st.floats(0, 1e9)),
    st.builds("{:,} customers".format, WHOLE),
    st.builds("{}-{}".format, st.integers(1900, 2099), st.integers(1900, 2099)),
    st.builds("{}-{} customers".format, st.integers(100, 999), st.integers(1000, 9999)),
    st.builds("v{}.{}.{}".format, *[st.integers(0, 9999)] * 3),
    st.builds("NPS {:+} ({} to {}), n {:,}".format, *[st.integers(-100, 100)] * 3, WHOLE),
    st.builds("{:.4f}".format, st.floats(-1, 1)),
    st.builds("{} to {}".format, WHOLE, WHOLE),
)


@settings(max_examples=400, deadline=None)
@given(st.lists(HARMLESS, min_size=1, max_size=3), st.sampled_from(COUNTRIES))
def test_what_no_person_can_be_reached_by_stays(texts: list[str], country: str) -> None:
    text = "; ".join(texts)
    assert masking.masked(text, country=country) == (text, {})


def _one_for_people(country: str) -> st.SearchStrategy[str]:
    sample = phonenumbers.example_number(country)
    digits = st.integers(0, 9999).map(lambda last: sample.national_number // 10**4 * 10**4 + last)
    forms = [phonenumbers.PhoneNumberFormat.INTERNATIONAL, phonenumbers.PhoneNumberFormat.E164]

    def written(national: int, form: int) -> str:
        number = phonenumbers.PhoneNumber(sample.country_code, national)
        return phonenumbers.format_number(number, form)

    return st.builds(written, digits, st.sampled_from(forms))


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["US", "GB", "DE", "FR", "CN", "JP", "IN", "BR", "AU"]).flatmap(
        _one_for_people
    ),
    st.sampled_from(["{}", "请拨打{}。", "call {} now", "({})", "a, {}, b"]),
)
def test_numbers_with_a_country_code_are_masked_wherever_they_stand(tel: str, text: str) -> None:
    assert masking.masked(text.format(tel))[0] == text.format("[phone]")


UNSEEN = "\u00ad\u034f\u061c\u200b\u200c\u200d\u200f\u202e\u2060\u2066\u2069\ufe0f\ufeff\U000e0020"
DETAILS = {
    "ann.lee@firm.com": "e-mail",
    "ann.lee (at) firm (dot) com": "e-mail",
    "+44 20 7946 0958": "phone",
    "13812345678": "phone",
    "4111 1111 1111 1111": "card",
    "GB82WEST12345698765432": "account",
    "11010519491231002X": "identity number",
}


@pytest.mark.parametrize("detail", DETAILS)
def test_characters_that_nobody_sees_hide_no_detail(detail: str) -> None:
    """Between any two letters of it, around it, and where it touches a word."""
    said = f"[{DETAILS[detail]}]"
    for unseen in UNSEEN:
        for at in range(1, len(detail)):
            text = f"my {detail[:at]}{unseen}{detail[at:]}, ok{unseen}?"
            assert masking.masked(text)[0] == f"my {said}, ok{unseen}?", ascii(text)
        assert masking.masked(unseen.join(["my ", *detail, " ok"]))[0].count(said) == 1
        if detail[0].isdigit():
            assert masking.masked(f"number{unseen}{detail}{unseen}ok")[0].count(said) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("劉先生很好", "[name]先生很好"),
        ("歐陽鋒小姐說", "[name]小姐說"),
        ("免貴姓陳", "免貴姓[name]"),
        ("我叫蕭小明", "我叫[name]"),
        ("台北市忠孝東路四段100號5樓", "[address]"),
        ("Ann\u200b Le\u00ade", "[name]"),
    ],
)
def test_comments_in_traditional_letters_and_with_unseen_ones(text: str, said: str) -> None:
    assert masking.masked(text, ["Ann Lee"], comment=True)[0] == said


def test_names_and_country_are_those_of_the_context() -> None:
    with context.use(context.Context(mask=("Ann Lee",), country="DE")):
        assert masking.masked("Ann Lee, 030 901820")[0] == "[name], [phone]"
    assert masking.masked("Ann Lee")[1] == {}


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("Ann Lee", "请联系Ann Lee，谢谢", "请联系[name]，谢谢"),
        (
            "Ann Lee",
            "owner_Ann-Lee.html, ann.lee and Annlee",
            "owner_[name].html, [name] and Annlee",
        ),
        ("Pat O'Brien", "Pat O’Brien; 'Pat O''Brien'", "[name]; '[name]'"),
        ("José", "Jose\u0301 and Joséphine", "[name] and Joséphine"),
        ("王小明", "请找王小明。", "请找[name]。"),
    ],
)
def test_a_name_is_found_however_it_is_written(name: str, text: str, said: str) -> None:
    assert masking.masked(text, [name])[0] == said


def test_names_that_a_study_lists_are_masked_as_whole_words() -> None:
    names = ["Ann", "Ann Lee", "王小明"]
    text, found = masking.masked("Annual: ann  LEE and Ann; 王小明很好", names)
    assert text == "Annual: [name] and [name]; [name]很好" and found == {"name": 3}


def test_masking_twice_changes_nothing_more() -> None:
    once, _ = masking.masked("a@b.com +44 20 7946 0958")
    assert masking.masked(once) == (once, {})


@pytest.mark.slow
@pytest.mark.parametrize("piece", ["1", "a.", "+1 ", "a@", "GB82 ", "4 ", "4111-", "x@a."])
def test_a_very_long_text_is_masked_to_its_end(piece: str) -> None:
    text, _ = masking.masked(piece * (100_000 // len(piece)) + " me@home.org")
    assert "me@home.org" not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece", ["市", "路1", "王", "12 Aa Aa ", "rue de ", "Mr A. ", "ul. A", "Via Aa "]
)
def test_a_very_long_comment_is_masked_to_its_end(piece: str) -> None:
    """A pattern that tries all ways took half a minute here."""
    text, _ = masking.masked(piece * (100_000 // len(piece)) + " me@home.org", comment=True)
    assert "me@home.org" not in text
