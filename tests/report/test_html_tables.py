"""Tables of a page: heads, numbers, what says nothing left out."""

from __future__ import annotations

import pandas as pd

from cxlib.report import html_tables


def record(**columns) -> dict:
    table = pd.DataFrame(columns)
    rows = table.astype(object).where(table.notna(), None).to_numpy().tolist()
    return {"unit": "share", "table": {"columns": list(table.columns), "rows": rows}}


def test_low_and_high_stand_under_one_head() -> None:
    made = html_tables.of_record(record(term=["a"], estimate=[0.5], low=[0.4], high=[0.6], n=[99]))
    assert '<th colspan="2" scope="colgroup">95% interval</th>' in made
    assert "<td>50%</td><td>40%</td><td>60%</td><td>99</td>" in made


def test_an_interval_that_no_row_has_is_left_out() -> None:
    one = record(term=["a"], estimate=[1.0], low=[None], high=[None], n=[99])
    made = html_tables.of_record(one)
    assert "interval" not in made and "–" not in made


def test_whole_numbers_are_written_as_such_and_shares_as_percentages() -> None:
    made = html_tables.of_record(
        record(term=["a", "b"], estimate=[0.5, 0.5], rank_low=[1.0, 2.0], chance_first=[0.9, 0.1])
    )
    assert "<td>1</td><td>90%</td>" in made and "1.00" not in made


def test_rows_of_several_units_are_each_told_in_their_own() -> None:
    table = record(term=["reach", "minutes"], estimate=[0.974, 2655.4], share=[True, False],
                   overall=[0.021, 20.74], money=[None, None])  # fmt: skip
    made = html_tables.of_record(table)
    assert "<td>97%</td><td>2%</td>" in made and "<td>2,655</td><td>21</td>" in made
    assert "yes" not in made and "None" not in made and "Money" not in made


def test_no_chance_is_naught() -> None:
    one = record(term=["a"], estimate=[1.0], p=[1e-9])
    assert "<td>&lt;0.001</td>" in html_tables.of_record(one)


def test_a_term_that_is_always_the_same_is_left_out() -> None:
    made = html_tables.of_record(record(region=["n", "s"], term=["x", "x"], estimate=[0.1, 0.2]))
    assert "<td>x</td>" not in made and "<td>n</td><td>10%</td>" in made


def test_nothing_has_no_sign() -> None:
    shown = html_tables.of_record(record(term=["a"], estimate=[-0.0001]))
    assert "<td>0.0%</td>" in shown and "−" not in shown


def test_numbers_are_set_right_under_two_rows_of_heads() -> None:
    made = html_tables.framed(
        html_tables.of_record(
            record(term=["a", "b"], estimate=[0.5, 0.5], low=[0.4] * 2, high=[0.6] * 2, n=[9, 99])
        )
    )
    assert made.count('<td class="num">') == 8 and made.count('class="mid"') == 1


def test_the_count_of_rows_is_no_column() -> None:
    made = html_tables.framed(pd.DataFrame({"table": ["orders", "cases"]}).to_html())
    assert "<th>0</th>" not in made and "orders" in made
