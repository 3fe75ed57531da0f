"""Orders whose amount or number could be another: it is asked, never guessed in silence."""

import pandas as pd
import pytest
import yaml

from cxlib import reserve
from cxlib.data import intake

ORDERS = pd.DataFrame(
    {
        "Order ID": [f"O{i}" for i in range(60)],
        "Customer ID": [f"C{i % 20}" for i in range(60)],
        "Date": [f"2026-{1 + i % 6:02d}-{1 + i % 27:02d}" for i in range(60)],
    }
)
MONEY = pd.Series([10 + 1.25 * i for i in range(60)])


@pytest.fixture
def asked(folder):
    """What the draft of a file of orders leaves to confirm; it is the study then."""

    def draft(rows: pd.DataFrame) -> str:
        rows.to_csv(folder / "a.csv", index=False)
        text = intake.draft("new", [folder / "a.csv"])
        (folder / "study.yaml").write_text(text, encoding="utf-8")
        return "\n".join(yaml.safe_load(text).get("unconfirmed", []))

    return draft


@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Nettowert", "Bruttowert"),
        ("Net amount", "Gross amount"),
        ("Amount", "Amount incl VAT"),
        ("Subtotal", "Total"),
        ("Montant HT", "Montant TTC"),
        ("不含税金额", "含税金额"),
        ("List price", "Paid"),
    ],
)
def test_two_columns_of_money_are_asked_about(asked, one, other):
    said = asked(ORDERS.assign(**{one: MONEY, other: 1.19 * MONEY}))
    assert f"{one!r} (" in said and f"{other!r} (" in said and "may be it" in said


@pytest.mark.parametrize("other", ["Profit", "Shipping", "Tax amount", "Discount"])
def test_one_amount_beside_other_money_is_not(asked, other):
    assert asked(ORDERS.assign(Revenue=MONEY, **{other: 0.9 * MONEY})) == ""


def test_a_number_of_orders_that_several_customers_share_is_a_question(asked):
    rows = ORDERS.assign(Amount=MONEY, **{"Order ID": [f"O{i % 45}" for i in range(60)]})
    assert "order_id: 15 of 45 values of 'Order ID' stand with several customers" in asked(rows)
    warnings = reserve.check("new").warnings
    [shared] = warnings[warnings["rule"] == "several_customers"].to_dict("records")
    assert (shared["column"], shared["rows"]) == ("customer_id", 15)
    same = rows.assign(**{"Customer ID": [f"C{i % 45}" for i in range(60)]})
    assert "several customers" not in asked(same)
    assert "several_customers" not in reserve.check("new").warnings["rule"].tolist()
