"""How much made-up personal data of eight countries is masked, and how many ordinary comments."""

from __future__ import annotations

import re

import personal_data
import pytest

from cxlib.privacy import masking, national_numbers


def test_98_in_100_details_are_masked() -> None:
    table = list(personal_data.personal())
    assert len(table) >= 300 and {c for _, c, _, _ in table} == set(personal_data.COUNTRIES)
    missed = [
        (kind, country, text)
        for kind, country, text, secret in table
        if secret in masking.masked(text, country=country, comment=True)[0]
    ]
    assert len(missed) <= 0.02 * len(table), missed
    for kind in ("e-mail", "card", "account", "identity number"):  # these have a check of their own
        assert not [m for m in missed if m[0] == kind], missed


@pytest.mark.slow
def test_ordinary_comments_are_left_as_they_are() -> None:
    texts = personal_data.ordinary()
    changed = [
        (text, country)
        for text in texts
        for country in ("", "US", "GB", "DE", "FR", "ES", "IT", "PL", "CN")
        if masking.masked(text, country=country, comment=True)[1]
    ]
    assert len({text for text, _ in changed}) <= 0.01 * len(texts), changed[:9]


@pytest.mark.parametrize(
    ("holds", "number"),
    [  # examples that the issuers, or handbooks, publish
        (national_numbers.is_pesel, "44051401359"),
        (national_numbers.is_dni, "12345678Z"),
        (national_numbers.is_dni, "X1234567L"),
        (national_numbers.is_codice_fiscale, "RSSMRA85T10A562S"),
        (national_numbers.is_tax_id, "86095742719"),
        (national_numbers.is_nir, "255081416802538"),
    ],
)
def test_published_numbers_pass_and_with_one_digit_changed_fail(holds, number) -> None:
    assert holds(number)
    at = re.search(r"\d", number).start() + 3
    other = number[:at] + str((int(number[at]) + 1) % 10) + number[at + 1 :]
    assert not holds(other)


@pytest.mark.parametrize("number", ["078051120", "000121234", "666121234", "901121234"])
def test_numbers_that_the_administration_never_gives_are_none(number) -> None:
    assert national_numbers.is_social_security(number) == (number == "078051120")


def test_a_branch_keeps_its_address_outside_comments() -> None:
    assert masking.masked("12 High Street")[0] == "12 High Street"
    assert masking.masked("12 High Street", comment=True)[0] == "[address]"


def test_masking_a_comment_twice_changes_nothing_more() -> None:
    for _kind, country, text, _secret in personal_data.personal():
        once, _ = masking.masked(text, country=country, comment=True)
        assert masking.masked(once, country=country, comment=True) == (once, {})
