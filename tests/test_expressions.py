"""`derive` and `only` of study.yaml: columns computed and rows left out before the data checks."""

from __future__ import annotations

import pandas as pd
import pytest

from cxlib import reserve
from cxlib.data import expressions
from cxlib.data.expressions import ExpressionError
from cxlib.data.intake import IntakeError

INVOICES = """invoice;customer;day;quantity;unit_price;status
536365;c1;2024-02-01;2;2,50;complete
536366;c2;2024-05-01;1;10,00;complete
C536367;c1;2024-06-01;-1;2,50;returned
536368;c3;2024-11-01;3;x;complete
536369;c3;2025-01-01;;4,00;open
"""
STUDY = """
title: Shop
source: us
licence: internal
ONLY
tables:
  orders:
    files: orders.csv
    columns: {order_id: invoice, customer_id: customer, at: day}
    derive: {amount: quantity * unit_price, wave: "period(day, 'quarter')"}
    MORE
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A function that makes the study shop: `more` of the table, `only` of the study."""
    monkeypatch.setenv("CX_ROOT", str(tmp_path))
    folder = tmp_path / "data" / "shop"
    folder.mkdir(parents=True)

    def make(more: str = "", only: str = "", files: str = INVOICES) -> None:
        (folder / "orders.csv").write_text(files, encoding="utf-8")
        text = STUDY.replace("ONLY", only).replace("MORE", more)
        (folder / "study.yaml").write_text(text, encoding="utf-8")

    return make


@pytest.mark.slow
def test_derived_columns_are_ours_and_what_cannot_be_computed_is_counted(shop):
    shop()
    checked = reserve.check("shop")
    said = "\n".join(checked.notes)
    assert "1 cell(s) hold no number ('x') in 'unit_price'; missing there." in said
    reserve.load("shop")
    with reserve.open("shop") as store:
        orders = store["orders"]
        assert orders["amount"].fillna(0).tolist() == [5, 10, -2.5, 0, 0]
        assert orders["wave"].tolist() == ["2024-Q1", "2024-Q2", "2024-Q2", "2024-Q4", "2025-Q1"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "kept"),
    [
        ({"more": "only: status = 'complete'"}, 3),
        ({"only": 'only: status == "complete"'}, 3),
        ({"more": "only: not starts_with(invoice, 'C')"}, 4),
        ({"more": "only: amount > 0"}, 2),  # empty is no
        ({"only": "only: at >= '2024-05-01'", "more": "only: status in ('complete', 'open')"}, 3),
    ],
)
def test_rows_that_only_leaves_out_are_counted_and_no_breach(shop, how, kept, capsys):
    shop(**how)
    loaded = reserve.load("shop")
    [count] = loaded.counts.to_dict("records")
    assert (count["offered"], count["kept"], count["quarantined"]) == (5, kept, 0)
    assert count["left_out"] == 5 - kept and loaded.check.ok
    assert f"{5 - kept} left out by `only`" in str(reserve.check("shop"))
    with reserve.open("shop") as store:
        assert store.quality.contents().iloc[0].tolist()[1:5] == [5, kept, 0, 5 - kept]
        store.report_losses(store.sample("orders"))
    assert "that `only` of study.yaml leaves out" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"more": "only: statu = 'complete'"}, "did you mean 'status'"),
        ({"only": "only: statu = 'complete'"}, "no table has all of its columns"),
        ({"more": "only: status = 'gone'"}, "leaves none of its 5 rows"),
        ({"more": "only: quantity"}, "gives bigint, not true or false"),
        ({"more": "only: (select true)"}, "subquery is not allowed"),
        ({"more": "only: status ="}, "cannot be used"),
        ({"files": INVOICES.replace("quantity", "qty")}, "no column 'quantity'"),
    ],
)
def test_expressions_that_cannot_be_used_are_refused(shop, how, why):
    shop(**how)
    with pytest.raises(IntakeError, match=why.replace("(", r"\(")):
        reserve.load("shop")


def computed(expression: str, **columns: list) -> list:
    made = expressions.computed(pd.DataFrame(columns), expression, key="x").values
    return made.astype(object).where(made.notna(), None).tolist()


@pytest.mark.parametrize(
    ("expression", "columns", "right"),
    [
        ("a / b", {"a": ["1", "1"], "b": ["4", "0"]}, [0.25, None]),  # no infinite amount
        ("a || '-' || b", {"a": ["01", "2"], "b": ["7", "8"]}, ["01-7", "2-8"]),
        ("a || ''", {"a": ["1234567890123456789", "1"]}, ["1234567890123456789", "1"]),
        ("time_between(a, b, 'hours')", {"a": ["2024-01-01 10:00"], "b": ["2024-01-02"]}, [14]),
        ("if(a > b, 'late', 'on time')", {"a": ["2024-01-02"], "b": ["2024-01-01"]}, ["late"]),
        ('"Unit Price" * 2', {"Unit Price": ["1.5"]}, [3]),
        ("upper(a)", {"a": ["1", "2"]}, ["1", "2"]),
        ("period(a, 'week')", {"a": ["2024-12-30"]}, ["2025-W01"]),
    ],
)
def test_expressions_give_what_they_say(expression, columns, right):
    assert computed(expression, **columns) == right


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ('"unit prise" * 2', "no column 'unit prise'"),
        ("period(day, 'fortnight')", "the unit is year, quarter"),
        ("a + 1", "gives nothing in any of its rows"),
        ("sum(a)", "'sum' is not allowed"),
        ("read_text('/etc/passwd')", "not allowed"),
    ],
)
def test_what_gives_nothing_or_too_much_is_refused(expression, why):
    frame = pd.DataFrame({"day": ["2024-01-01"], "a": [None], "unit price": ["1"]})
    with pytest.raises(ExpressionError, match=why):
        expressions.computed(frame, expression, key="x")


@pytest.mark.slow
def test_a_column_is_looked_up_once_however_often_a_condition_names_it():
    """Each comparison asked the store again: 11 s for one of 5,000."""
    asked = " and ".join(["a <> 'y'"] * 2000)
    assert computed(asked, a=["x", "y"]) == [True, False]
    among = ", ".join(f"'v{i}'" for i in range(5000))
    assert computed(f"a in ({among}, 'x')", a=["x", "y"]) == [True, False]


def test_an_expression_without_end_is_refused():
    with pytest.raises(ExpressionError, match="has 60,000 characters; 50,000 are the most"):
        computed("1" * 60_000, a=["x"])
