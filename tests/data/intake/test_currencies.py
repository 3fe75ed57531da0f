"""Amounts in several currencies, by a column that names them, are asked about."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cxlib import reserve
from cxlib.data import intake
from cxlib.data import study as study_
from cxlib.data.intake import drafts
from cxlib.data.intake.currencies import currencies
from cxlib.data.intake.numbers import number
from cxlib.reserve import loading

ORDERS = """
title: Shop
currency: EUR
tables:
  orders:
    files: o*.csv
    columns: {order_id: id, customer_id: c, at: at, amount: amount}
"""
HEAD = "id,c,at,amount,currency\n"


@pytest.fixture(autouse=True)
def study(folder: Path) -> None:
    """Six orders, two of them in yen."""
    (folder / "study.yaml").write_text(ORDERS, encoding="utf-8")
    (folder / "o1.csv").write_text(HEAD + _rows("a", ["EUR", "EUR", "JPY", "EUR", "EUR", "JPY"]))


def _rows(prefix: str, codes: list[str]) -> str:
    amounts = {"EUR": 10, "JPY": 1600}
    return "".join(
        f"{prefix}{k},c{k},2026-0{k + 1}-03,{amounts.get(code, 1)},{code}\n"
        for k, code in enumerate(codes)
    )


def _asked(found: pd.DataFrame) -> list[tuple[str, int]]:
    of = found[found["rule"] == "several_currencies"]
    return list(zip(of["column"], of["rows"], strict=True))


def test_several_currencies_are_a_question_though_their_column_is_not_mapped(folder):
    for check in (reserve.check("new"), reserve.load("new").check):
        assert check.exit_code == loading.LOST
        assert _asked(check.warnings) == [("currency", 6)]
        assert "EUR (4), JPY (2)" in str(check)
        assert "accept: [orders.currency.several_currencies]" in str(check)


@pytest.mark.first_fast
@pytest.mark.parametrize(
    ("answer", "total"),
    [
        ("    only: currency = 'EUR'\n", 40),
        ("    derive: {paid: \"if(currency = 'JPY', amount / 160, amount)\"}\n", 60),
        ("accept: [orders.currency.several_currencies]\n", 3240),
    ],
)
def test_the_question_is_answered_by_only_derive_or_accept(folder, answer, total):
    text = ORDERS.replace("amount: amount}", "amount: paid}") if "derive" in answer else ORDERS
    (folder / "study.yaml").write_text(text + answer, encoding="utf-8")
    found = intake.table(study_.read("new"), "orders")
    assert _asked(found.warnings) == []
    assert found.rows["amount"].sum() == total


@pytest.mark.slow
def test_files_of_one_currency_each_are_of_several_together(folder):
    (folder / "o1.csv").write_text(HEAD + _rows("a", ["EUR"] * 5))
    assert reserve.check("new").exit_code == 0
    (folder / "o2.csv").write_text(HEAD + _rows("b", ["JPY"] * 3))
    assert _asked(reserve.check("new").warnings) == [("currency", 8)]


@pytest.mark.slow
def test_new_rows_in_another_currency_are_asked_about(folder):
    (folder / "study.yaml").write_text(ORDERS + "    grows: true\n", encoding="utf-8")
    (folder / "o1.csv").write_text(HEAD + _rows("a", ["EUR"] * 5))
    assert reserve.load("new").check.exit_code == 0
    (folder / "o2.csv").write_text(HEAD + _rows("b", ["JPY"] * 3))
    for whole in (False, True):
        assert _asked(reserve.load("new", whole=whole).check.warnings) == [("currency", 8)]


@pytest.mark.parametrize(
    ("cells", "codes"),
    [
        (["EUR", "JPY", "eur"], {"EUR": 2, "JPY": 1}),
        (["€", "US-Dollar", "Euro"], {"EUR": 2, "USD": 1}),
        (["人民币", "美元", "CNY", "元"], {"CNY": 3, "USD": 1}),
        (["£", "£", None, ""], {"GBP": 2}),
        (["DEU", "FRA", "CHE"], {}),  # countries: of CHE alone there is a currency
        (["web", "shop"], {}),
        (["EUR"] * 8 + ["?", "-"], {}),  # a fifth is none
        ([978, 392], {}),
    ],
)
def test_columns_of_currencies_are_known_by_their_cells(cells, codes):
    assert currencies(pd.Series(cells)) == codes


def test_a_table_without_amounts_is_not_asked_about(folder):
    text = ORDERS.replace(", amount: amount", "")
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    assert _asked(reserve.check("new").warnings) == []


@pytest.mark.slow
def test_a_draft_asks_about_several_currencies(folder):
    text = HEAD.replace("id,c,at", "order_id,customer_id,order_date")
    file = folder / "sales.csv"
    file.write_text(text + _rows("a", ["EUR", "EUR", "JPY", "EUR", "EUR", "JPY"]))
    draft = drafts.draft("s2", [file])
    assert "amounts are in several currencies by 'currency': EUR (4), JPY (2)" in draft
    file.write_text(text + _rows("a", ["EUR"] * 6))
    assert "several currencies" not in drafts.draft("s2", [file])


@pytest.mark.parametrize(
    ("cells", "currency", "lost"),
    [
        (["100 CNY", "￥90", "¥80", "5000 JPY"], {"¥": 2}, 2),  # the sign is that of both
        (["100 SEK", "90 kr", "80 NOK", "70 SEK"], {"kr": 1, "SEK": 2}, 2),
        (["100 SEK", "90 kr", "80"], {"SEK": 2}, 0),
        (["£5", "6 GBP"], {"GBP": 2}, 0),
        (["5", "6"], {}, 0),
    ],
)
def test_cells_of_another_currency_are_left_out(cells, currency, lost):
    read = number(pd.Series(cells))
    assert int(read.bad.sum()) == lost
    assert read.currencies.items() <= currency.items()
    assert bool(read.currencies) == bool(currency)
    signs = sum(not c.isdigit() for c in cells) - lost
    assert not signs or f"{signs} cell(s) read without their currency sign" in " ".join(read.notes)


@pytest.mark.slow
def test_a_header_names_the_currency_of_its_amounts(folder):
    text = ORDERS.replace("amount: amount", "amount: Amount (USD)").replace("currency: EUR\n", "")
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    (folder / "o1.csv").write_text("id,c,at,Amount (USD)\n1,a,2026-01-03,10\n2,b,2026-02-03,12\n")
    assert reserve.check("new").exit_code == 0
    (folder / "study.yaml").write_text("currency: CAD\n" + text, encoding="utf-8")
    check = reserve.check("new")
    assert check.exit_code == loading.LOST
    assert "amounts are in USD (2), but `currency` of study.yaml is CAD" in str(check)


@pytest.mark.few(2)
@pytest.mark.parametrize("stated", ["EUR", "€", "Euro", "", "points"])
def test_the_currency_of_the_study_may_be_any_name_of_it(folder, stated):
    text = ORDERS.replace("EUR", stated or "''")
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    (folder / "o1.csv").write_text(HEAD + _rows("a", ["EUR"] * 5))
    assert reserve.check("new").exit_code == 0


@pytest.mark.slow
def test_new_amounts_with_another_sign_are_read_with_the_others(folder):
    (folder / "study.yaml").write_text(ORDERS + "    grows: true\n", encoding="utf-8")
    rows = "".join(f"{k},c{k},2026-0{k}-03,€{k}\n" for k in range(1, 6))
    (folder / "o1.csv").write_text("id,c,at,amount\n" + rows)
    assert reserve.load("new").check.exit_code == 0
    (folder / "o2.csv").write_text("id,c,at,amount\n7,c7,2026-04-03,$7\n8,c8,2026-05-03,$8\n")
    for whole in (False, True):
        check = reserve.load("new", whole=whole).check
        assert check.exit_code == loading.LOST
        assert "orders.amount: 2 cell(s) another currency than most of the column" in str(check)
