"""Made-up personal data as people of eight countries write it, and comments that have none.

Check digits are computed here by the rules of those who issue the numbers, apart from `cxlib`.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import phonenumbers

COUNTRIES = ("US", "GB", "DE", "FR", "ES", "IT", "PL", "CN")
BANKS = {"GB": "WEST", "IT": "X"}  # letters within an account number, and how many digits follow
LENGTHS = {"GB": 14, "DE": 18, "FR": 23, "ES": 20, "IT": 22, "PL": 24}
NAMES = {
    "US": [("Ann", "Whitaker"), ("Carlos", "Mendez")],
    "GB": [("Oliver", "Thornton"), ("Pat", "O'Brien")],
    "DE": [("Jürgen", "Müller"), ("Anke", "von Stein")],
    "FR": [("Hélène", "Lefèvre"), ("Luc", "de la Tour")],
    "ES": [("José", "García"), ("María", "Núñez")],
    "IT": [("Giulia", "Rossi"), ("Marco", "Di Stefano")],
    "PL": [("Łukasz", "Wiśniewski"), ("Anna", "Kowalska")],
    "CN": [("王", "小明"), ("张", "伟")],
}
INTRODUCED = {
    "US": ["My name is {0} {1}, call me", "I spoke with Mr. {1} today", "Regards, {0} {1}"],
    "GB": ["my name's {0} {1}.", "Mrs {1} was rude", "Kind regards\n{0} {1}"],
    "DE": ["Mein Name ist {0} {1}.", "Frau {1} war nett", "Mit freundlichen Grüßen\n{0} {1}"],
    "FR": ["Je m'appelle {0} {1}.", "Madame {1} est venue", "Cordialement, {0} {1}"],
    "ES": ["Me llamo {0} {1}.", "la señora Carmen, no: Señora {1}", "Un saludo, {0} {1}"],
    "IT": ["Mi chiamo {0} {1}.", "Signora {1} è gentile", "Cordiali saluti\n{0} {1}"],
    "PL": ["Nazywam się {0} {1}.", "Pani {1} była miła", "Pozdrawiam, {0} {1}"],
    "CN": ["我叫{0}{1}，谢谢", "{0}先生态度很好", "姓名：{0}{1}"],
}
ADDRESSES = {
    "US": ["1600 Maple Avenue NW, Springfield, IL 62704", "22 Oak St, Apt 5", "7 Elm Court"],
    "GB": ["12 Baker Street, London NW1 6XE", "3a Mill Lane", "Flat 2, 40 Park Road, Leeds"],
    "DE": ["Hauptstraße 5, 10115 Berlin", "Lindenallee 12a", "Am Markt 3, 99084 Erfurt"],
    "FR": ["10 rue de Rivoli, 75001 Paris", "5 bis, avenue Foch", "18 boulevard des Capucines"],
    "ES": ["Calle Mayor 5, 28013 Madrid", "Avenida de América 12", "C/ Alcalá, 45"],
    "IT": ["Via Roma 10, 00184 Roma", "Piazza Garibaldi 3", "Corso Buenos Aires, 33"],
    "PL": ["ul. Długa 5, 00-238 Warszawa", "al. Jerozolimskie 65/79", "os. Kolorowe 12"],
    "CN": ["北京市朝阳区建国路88号", "上海市徐汇区漕溪北路12弄5号302室", "中山大道100号"],
}
AROUND = {
    "US": "Please ship to {} instead",
    "GB": "I live at {} since May",
    "DE": "Ich wohne in {} und warte",
    "FR": "J'habite {} depuis mai",
    "ES": "Vivo en {} desde mayo",
    "IT": "Abito in {}.",
    "PL": "Mieszkam: {} od maja",
    "CN": "请送到{}，谢谢",
}
IDENTITY = {
    "US": "my SSN is {}",
    "GB": "NI number {}",
    "DE": "Steuer-ID {}",
    "FR": "n° de sécu {}",
    "ES": "mi DNI {}",
    "IT": "codice fiscale {}",
    "PL": "PESEL {}",
    "CN": "身份证{}",
}
ORDINARY = (
    "Delivery took {n} days and the box of order {order} was damaged",
    "I paid {money} EUR on {day} for {n} items, invoice {order}",
    "Great service at the High Street shop, 5 stars out of 5",
    "Mr, Mrs or Ms: the form has no other choice",
    "Best regards to the whole team, keep it up",
    "Waited from 10:30 to 12:45 in room 214 on floor 3",
    "The app version 4.12.{n} crashes on Android 14",
    "Our score fell from 8.4 to 7.{n} between 2024 and 2026",
    "Flight BA 2490 left gate 14B at 07:{n}5",
    "The Square reader and the Park and Ride were both full",
    "Die Bestellung {order} kam am {day} an, Rechnung über {money} Euro",
    "Der Parkplatz 45 war frei, der Weg 10 Minuten",
    "Spring 2026 was better than Autumn 2025",
    "Nach 12 Wochen immer noch keine Antwort, Ticket {order}",
    "La commande {order} est arrivée en {n} jours, 75 euros perdus",
    "Dans la rue il y a 3 places de parking",
    "El pedido {order} llegó tarde, {n} días después del {day}",
    "Via Amazon the price was {money}, via web 3 euros less",
    "Zamówienie {order} przyszło po {n} dniach, ul. zamknięta",
    "订单{order}等了{n}天，客服小姐姐很热心",
    "高级会员的价格是{money}元，第{n}次购买",
    "王牌产品，走路5分钟就到，101号店",
    "Reference 12-3456-78, parcel {order}, weight 2.{n} kg",
    "Section 3.2.{n} of the manual, page 118, table 12",
    "We are a family of {n} and stay 14 nights each year",
)


def personal(seed: int = 1) -> Iterator[tuple[str, str, str, str]]:
    """(kind, country, text, the part that no reader may see)."""
    rng = random.Random(seed)
    for country in COUNTRIES:
        for _ in range(6):
            for kind, text, secret in _of(country, rng):
                yield kind, country, text, secret


def _of(country: str, rng: random.Random) -> Iterator[tuple[str, str, str]]:
    mail = f"{rng.choice(['ann', 'j.doe', 'li_wei'])}{rng.randrange(99)}@{rng.choice(['firm', 'mail'])}.{rng.choice(['com', 'co.uk', 'de'])}"
    yield "e-mail", f"write to {mail}, thanks", mail
    for form in (
        phonenumbers.PhoneNumberFormat.INTERNATIONAL,
        phonenumbers.PhoneNumberFormat.NATIONAL,
    ):
        number = _telephone(country, rng, form)
        yield "phone", f"call {number} after six", number
    card = _spaced(_with_luhn("4" + _digits(rng, 14)), 4, rng)
    yield "card", f"paid with {card} twice", card
    if country in LENGTHS:
        account = _iban(country, rng)
        yield "account", f"refund to {account} please", account
    number = _identity(country, rng)
    yield "identity number", IDENTITY[country].format(number), number
    first, last = rng.choice(NAMES[country])
    yield (
        "name",
        (text := rng.choice(INTRODUCED[country]).format(first, last)),
        _shown(text, first, last),
    )
    place = rng.choice(ADDRESSES[country])
    street = place.split(",")[0] if not place.startswith("Flat") else "40 Park Road"
    yield "address", AROUND[country].format(place), street


def _shown(text: str, first: str, last: str) -> str:
    """The part of the name that the text has."""
    return next(n for n in (f"{first}{last}", last, first) if n in text)


def ordinary(seed: int = 1, most: int = 500) -> list[str]:
    """Comments without personal data."""
    rng = random.Random(seed)
    return [
        rng.choice(ORDINARY).format(
            n=rng.randrange(2, 10),
            order=_digits(rng, rng.choice((6, 8, 10, 11))),
            money=f"{rng.randrange(5, 4000)}.{rng.randrange(10, 99)}",
            day=f"2026-{rng.randrange(1, 13):02d}-{rng.randrange(1, 29):02d}",
        )
        for _ in range(most)
    ]


def _digits(rng: random.Random, n: int) -> str:
    return str(rng.randrange(1, 10)) + "".join(str(rng.randrange(10)) for _ in range(n - 1))


def _telephone(country: str, rng: random.Random, form: int) -> str:
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    while True:
        national = example.national_number // 1000 * 1000 + rng.randrange(1000)
        number = phonenumbers.PhoneNumber(example.country_code, national)
        if phonenumbers.is_valid_number(number):
            return phonenumbers.format_number(number, form)


def _with_luhn(digits: str) -> str:
    total = sum(sum(divmod(int(c) * (2 - i % 2), 10)) for i, c in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def _spaced(text: str, size: int, rng: random.Random) -> str:
    parts = [text[i : i + size] for i in range(0, len(text), size)]
    return rng.choice((" ", "-", "")).join(parts)


def _iban(country: str, rng: random.Random) -> str:
    bank = BANKS.get(country, "")
    body = bank + _digits(rng, LENGTHS[country])
    number = int("".join(str(int(c, 36)) for c in f"{body}{country}00"))
    whole = f"{country}{98 - number % 97:02d}{body}"
    return (
        whole if rng.random() < 0.5 else " ".join(whole[i : i + 4] for i in range(0, len(whole), 4))
    )


def _identity(country: str, rng: random.Random) -> str:
    if country == "US":
        return (
            f"{rng.randrange(1, 666):03d}-{rng.randrange(1, 99):02d}-{rng.randrange(1, 9999):04d}"
        )
    if country == "GB":
        return f"AB {rng.randrange(10, 99)} {rng.randrange(10, 99)} {rng.randrange(10, 99)} C"
    if country == "ES":
        number = rng.randrange(10**7, 10**8)
        return f"{number}{'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23]}"
    if country == "FR":
        body = f"{rng.choice('12')}{rng.randrange(50, 99)}{rng.randrange(1, 13):02d}75{_digits(rng, 6)}"
        return f"{body}{97 - int(body) % 97:02d}"
    return {"DE": _german, "IT": _italian, "PL": _polish, "CN": _chinese}[country](rng)


def _german(rng: random.Random) -> str:
    body, rest = _digits(rng, 10), 10
    for c in body:
        rest = (rest + int(c)) % 10 or 10
        rest = rest * 2 % 11
    return body + str((11 - rest) % 10)


def _italian(rng: random.Random) -> str:
    body = f"RSSMRA{rng.randrange(50, 99)}T{rng.randrange(10, 31)}H{rng.randrange(100, 999)}"
    odd = {c: v for v, c in zip((1, 0, 5, 7, 9, 13, 15, 17, 19, 21), "ABCDEFGHIJ", strict=True)}
    odd |= dict(
        zip(
            "KLMNOPQRSTUVWXYZ",
            (2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23),
            strict=True,
        )
    )
    odd |= {str(i): odd["ABCDEFGHIJ"[i]] for i in range(10)}
    total = sum(
        odd[c] if i % 2 == 0 else int(c, 36) - (10 if c.isalpha() else 0)
        for i, c in enumerate(body)
    )
    return body + chr(ord("A") + total % 26)


def _polish(rng: random.Random) -> str:
    body = f"{rng.randrange(50, 99)}{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}{rng.randrange(1000, 9999)}"
    total = sum(int(c) * w for c, w in zip(body, (9, 7, 3, 1, 9, 7, 3, 1, 9, 7), strict=True))
    return body + str(total % 10)


def _chinese(rng: random.Random) -> str:
    body = f"110105{rng.randrange(1950, 2005)}{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}{rng.randrange(100, 999)}"
    total = sum(
        int(c) * w
        for c, w in zip(body, (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), strict=True)
    )
    return body + "10X98765432"[total % 11]
