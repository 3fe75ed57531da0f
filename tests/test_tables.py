"""The contract: schema, rules and dictionary are one thing, in two languages."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pandera.errors
import pytest

from cxlib.data import contract
from cxlib.data.contract import KINDS, TABLES
from cxlib.data.intake.rules import schema


def orders(**changes: object) -> pd.DataFrame:
    rows = pd.DataFrame(
        {
            "order_id": pd.array(["1", "2"], "string"),
            "customer_id": pd.array(["a", "a"], "string"),
            "at": pd.to_datetime(["2026-01-01", "2026-01-02"]).astype("datetime64[us]"),
            "amount": [1.5, None],
        }
    )
    return rows.assign(**changes)


def test_rows_that_hold_pass_with_further_columns():
    rows = orders(colour="red")
    assert schema("orders", rows).validate(rows, lazy=True).equals(rows)


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"order_id": pd.array(["1", None], "string")}, "order_id"),
        ({"customer_id": pd.array([None, "a"], "string")}, "customer_id"),
        ({"amount": ["much", "little"]}, "amount"),
    ],
)
def test_rows_that_do_not_hold_are_told_by_column(changes, column):
    rows = orders(**changes)
    with pytest.raises(pandera.errors.SchemaErrors) as error:
        schema("orders", rows).validate(rows, lazy=True)
    assert column in set(error.value.failure_cases["column"])


def test_keys_are_unique():
    rows = orders(order_id=pd.array(["1", "1"], "string"))
    with pytest.raises(pandera.errors.SchemaErrors, match="unique"):
        schema("orders", rows).validate(rows, lazy=True)


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda t: t.name)
def test_a_table_has_its_key_and_refers_to_tables_there_are(table):
    assert set(table.key) <= set(table.columns)
    for column in table.columns.values():
        assert column.kind in KINDS
        assert not column.refers or column.refers in TABLES
        assert not column.refers or TABLES[column.refers].key[0] == column.name


def test_tables_stand_after_those_they_refer_to():
    order = list(TABLES)
    for name, table in TABLES.items():
        for column in table.columns.values():
            assert not column.refers or order.index(column.refers) < order.index(name)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_dictionary_has_a_meaning_for_every_column(lang):
    words = contract.dictionary(lang)
    assert len(words) == sum(len(t.columns) for t in TABLES.values())
    assert words["meaning"].str.len().gt(0).all()


def test_the_dictionary_says_what_must_hold():
    words = contract.dictionary().set_index(["table", "column"])["must hold"]
    assert words["customers", "customer_id *"] == "unique; never empty"
    assert words["orders", "customer_id"] == "never empty; in customers"
    assert words["responses", "weight"] == "0 to 10,000,000,000"
    assert words["audits", "evidence"] == "0 to 3"


def test_data_readme_is_the_dictionary():
    # To write it anew: python -c "from cxlib.data.contract import *; print(markdown(), end='')"
    page = Path(__file__).parents[1] / "data" / "README.md"
    assert page.read_text(encoding="utf-8") == contract.markdown()


def test_tables_have_names_for_readers_in_both_languages():
    assert set(TABLES) <= set(contract.labels("en"))
    assert contract.labels("zh")["responses"] == "问卷"


@pytest.mark.slow
def test_importing_the_contract_does_not_import_pandera():
    import subprocess
    import sys

    code = "import sys, cxlib.data.contract; print('pandera' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
