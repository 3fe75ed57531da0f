"""Three hundred forms of made-up personal data, of eight countries and more: at least 98% masked.

Telephone numbers are examples of libphonenumber's metadata, written as each country writes them;
check digits are computed here by the published rules, apart from the code that verifies them.
"""

from __future__ import annotations

import re

import pytest
from phonenumbers import PhoneNumberFormat as Form
from phonenumbers import example_number, format_number

from cxlib.privacy import masking

COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IT", "BR", "CN")

EMAIL = """ann.lee@firm.com|ANN.LEE@FIRM.COM|ann+news@firm.co.uk|a@b.de|ann_lee99@mail.firm.org
jürgen@müller.de|ann.lee@firm.museum|ann.lee @ firm.com|ann.lee@ firm.com|ann.lee (at) firm.com
ann.lee[at]firm.com|ann.lee at firm dot com|ann.lee(at)firm(dot)com|ann.lee <at> firm.com
ann.lee AT firm DOT com|ann.lee [at] firm [dot] com|ann.lee＠firm.com|王芳@公司.中国
"ann lee"@firm.com|ann-lee@firm.io|o'brien@firm.ie|ann.lee@firm。com|1234567@qq.com
ann.lee@xn--mller-kva.de"""
CARD = """4111111111111111|4111 1111 1111 1111|4111-1111-1111-1111|4111.1111.1111.1111
4111  1111  1111  1111|4111–1111–1111–1111|5555 5555 5555 4444|3782 822463 10005|378282246310005
6011 1111 1111 1117|3530 1113 3330 0000|２２２３ ００００ ４８４０ ００１１|4111/1111/1111/1111"""
IBAN = """GB82 WEST 1234 5698 7654 32|GB82WEST12345698765432|gb82 west 1234 5698 7654 32
DE89 3704 0044 0532 0130 00|DE89-3704-0044-0532-0130-00|DE89.3704.0044.0532.0130.00
FR14 2004 1010 0505 0001 3M02 606|FR1420041010050500013M02606|ES91 2100 0418 4502 0005 1332
IT60 X054 2811 1010 0000 0123 456
NL91 ABNA 0417 1643 00
PL61 1090 1014 0000 0712 1981 2874
CH93 0076 2011 6238 5295 7|BR15 0000 0000 0000 1093 2840 814P 2
GB82  WEST  1234  5698  7654  32"""
NAMES = """my name is {Ann Lee}|My name's {Ann Lee}.|Name: {Ann Lee}
Dear Mr {Lee}, hello|Mrs. {Brown} was rude
Dr. {Brown} helped|Ms {O'Brien} called|Prof. {Smith} came
Miss {Jane Smith} said|I am called {Jane}
Regards, {Ann Lee}|Kind regards, {John P. Smith}
Yours sincerely, {A. Lee}|Cheers, {Tom}
Herr {Müller} war nett|Frau {von der Heide} auch|Ich heiße {Anna Schmidt}
Mit freundlichen Grüßen {Anna Schmidt}
Mein Name ist {Jörg}|je m'appelle {Luc Martin}|Mme {Dupont} est là|Mon nom est {Luc}
Cordialement, {Luc Martin}
Me llamo {José García}|Señora {de la Cruz}|Mi nombre es {Ana}|mi chiamo {Marco Rossi}|Sig. {Rossi}
meu nome é {João Silva}|Me chamo {Ana}|Senhor {Silva}|我叫{王小明}
我的名字是{李娜}|姓名：{张伟}|{王}先生很好
一位{李}女士|找{赵敏}小姐|{欧阳锋}先生说|我姓{陈}|免贵姓{林}|客服叫{李娜}小姐"""


def luhn(digits: str) -> str:
    """The digits with their check digit (ISO/IEC 7812, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        twice = int(digit) * (2 - place % 2)
        total += twice // 10 + twice % 10
    return digits + str(-total % 10)


def german(digits: str) -> str:
    """ISO 7064, mod 11, 10."""
    product = 10
    for digit in digits:
        product = ((product + int(digit) - 1) % 10 + 1) * 2 % 11
    return digits + str((11 - product) % 10)


def brazilian(digits: str) -> str:
    for most in (10, 11):
        rest = sum(int(d) * (most - i) for i, d in enumerate(digits)) % 11
        digits += str(0 if rest < 2 else 11 - rest)
    return digits


def french(digits: str) -> str:
    return f"{digits}{97 - int(digits) % 97:02d}"


def spanish(number: int) -> str:
    return f"{number:08d}" + "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23]


def chinese(digits: str) -> str:
    total = sum(int(d) * 2 ** (17 - i) for i, d in enumerate(digits))
    return digits + "10X98765432"[total % 11]


def cut(text: str, sizes: str, between: str = " ") -> str:
    parts, at = [], 0
    for size in map(int, sizes):
        parts.append(text[at : at + size])
        at += size
    return between.join(parts)


def identity_numbers() -> list[str]:
    found = []
    for i in range(4):
        tax, cpf = german(f"8609574{271 + i}"), brazilian(f"52998224{i + 1}")
        insee, born = french(f"18505780060{84 + i}"), chinese(f"11010519491231{i + 2:03d}")
        found += [
            f"{{12{i}-45-678{i}}}",
            f"SSN {{12{i}45678{i}}}",
            f"social security: {{12{i} 45 678{i}}}",
        ]
        found += [
            f"{{AB12345{i}C}}",
            f"{{AB 12 34 5{i} C}}",
            f"national insurance no. {{ab12345{i}c}}",
        ]
        found += [
            f"{{{cut(tax, '2333')}}}",
            f"Steuer-ID: {{{tax}}}",
            f"Personalausweis {{L01X0{i}T47}}",
        ]
        found += [f"{{{cut(insee, '1222332')}}}", f"{{{insee}}}", f"sécurité sociale {{{insee}}}"]
        found += [f"{{{spanish(12345678 + i)}}}", f"{{{cut(spanish(12345678 + i), '81', '-')}}}"]
        found += [f"NIE: {{X123456{i}L}}", f"passport no. {{53310288{i}}}"]
        found += [f"Codice fiscale {{RSSMRA85T10A56{i}S}}", f"护照 {{E1234567{i}}}"]
        found += [
            f"{{{cut(cpf[:9], '333', '.')}-{cpf[9:]}}}",
            f"CPF {{{cpf}}}",
            f"RG: {{12.345.67{i}-9}}",
        ]
        found += [f"{{{born}}}", f"{{{cut(born, '684')}}}", f"身份证号{{{born}}}"]
    return [*found, "{RSSMRA85T10A562S}", "{X1234567L}", "{811228-9874}", "BSN {111222333}"]


def telephones() -> list[tuple[str, str]]:
    """(country, text): how people of eight countries write their numbers."""
    found = []
    for country in COUNTRIES:
        for kind in (0, 1):  # fixed line, mobile
            number = example_number(country) if not kind else _mobile(country)
            abroad = format_number(number, Form.INTERNATIONAL)
            at_home = format_number(number, Form.NATIONAL)
            plain = format_number(number, Form.E164)
            digits = "".join(c for c in at_home if c.isdigit())
            bare = [abroad, plain, abroad.replace(" ", "-"), plain.replace("+", "00"), at_home]
            texts = [f"{{{text}}}" for text in bare]
            texts += [f"tel. {{{at_home}}}", f"call me: {{{digits}}}", f"({{{abroad}}})"]
            found += [(country, text) for text in texts]
    return found


def _mobile(country: str):
    from phonenumbers import PhoneNumberType, example_number_for_type

    return example_number_for_type(country, PhoneNumberType.MOBILE)


def listed(text: str) -> list[str]:
    return [form for line in text.split("\n") for form in line.split("|")]


def forms() -> list[tuple[str, str, str]]:
    """(kind, country, text with what is personal in braces)."""
    made = [("e-mail", "", f"write to {{{t}}} please") for t in listed(EMAIL)]
    made += [("card", "", f"card {{{t}}} was charged") for t in listed(CARD)]
    made += [("account", "", f"IBAN {{{t}}}") for t in listed(IBAN)]
    made += [("identity number", "", f"mine is {t}") for t in identity_numbers()]
    made += [("phone", country, f"please use {t}") for country, t in telephones()]
    return [*made, *(("name", "", t) for t in listed(NAMES))]


FORMS = forms()


def test_there_are_three_hundred_forms_of_eight_countries() -> None:
    assert len(set(FORMS)) >= 300
    assert {country for _, country, _ in FORMS} >= set(COUNTRIES)


@pytest.mark.parametrize("kind", ["e-mail", "card", "account", "identity number", "phone", "name"])
def test_nearly_every_form_is_masked(kind: str) -> None:
    of_kind = [form for form in FORMS if form[0] == kind]
    missed = []
    for _, country, form in of_kind:
        made, _ = masking.masked(
            form.replace("{", "").replace("}", ""), country=country, comment=True
        )
        if made != re.sub(r"\{[^}]*\}", f"[{kind}]", form):
            missed.append((form, made))
    assert len(missed) <= 0.02 * len(of_kind), missed
