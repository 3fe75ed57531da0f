"""Tables of a page: heads, numbers, what says nothing left out."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from cxlib.core import context
from cxlib.report import answers, html_tables

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def record(**columns) -> dict:
    table = pd.DataFrame(columns)
    rows = table.astype(object).where(table.notna(), None).to_numpy().tolist()
    return {"unit": "share", "table": {"columns": list(table.columns), "rows": rows}}


def cells(made: str) -> list[str]:
    """What stands in the cells, heads first."""
    return re.findall(r"<t[hd][^>]*>([^<]*)</t", made)


def test_low_and_high_are_one_column() -> None:
    made = html_tables.of_record(record(term=["a"], estimate=[0.5], low=[0.4], high=[0.6], n=[99]))
    assert cells(made) == ["Measure", "Share", "95% CI", "n", "a", "50%", "40% to 60%", "99"]


def test_a_share_that_says_of_what_it_is_keeps_its_name() -> None:
    one = record(term=["a"], estimate=[0.5], n=[99])
    one["columns"] = [{"name": "estimate", "label": "share of value"}]
    assert cells(html_tables.of_record(one))[:3] == ["Measure", "Share of value", "n"]


def test_an_interval_that_no_row_has_is_left_out() -> None:
    one = record(term=["a"], estimate=[1.0], low=[None], high=[None], n=[99])
    made = html_tables.of_record(one)
    assert "CI" not in made and "–" not in made


def test_whole_numbers_are_written_as_such_and_shares_as_percentages() -> None:
    made = html_tables.of_record(
        record(term=["a", "b"], estimate=[0.5, 0.5], rank_low=[1.0, 2.0], chance_first=[0.9, 0.1])
    )
    assert cells(made)[-4:] == ["b", "50%", "2", "10%"] and "1.00" not in made


def test_rows_of_several_units_are_each_told_in_their_own() -> None:
    table = record(term=["met by", "minutes"], estimate=[0.974, 2655.4], share=[True, False],
                   overall=[0.021, 20.74], money=[None, None])  # fmt: skip
    made = html_tables.of_record(table)
    assert {"97%", "2%", "2,655", "21"} <= set(cells(made))
    assert "yes" not in made and "None" not in made and "Money" not in made


def test_amounts_say_their_currency() -> None:
    table = record(term=["a"], estimate=[6.72], low=[1.0], high=[9.0], n=[99])
    heads = ["Measure", "Amount (EUR)", "95% CI", "n"]
    for units in (
        {"unit": "EUR"},
        {"unit": "money", "finding": {"unit": "EUR"}},
        {"unit": "amount", "finding": {"unit": "EUR"}},
    ):
        assert cells(html_tables.of_record(table | units))[:4] == heads
    unknown = cells(html_tables.of_record(table | {"unit": "money", "finding": {"unit": "money"}}))
    assert unknown[1] == "Amount"
    number = cells(html_tables.of_record(table | {"unit": "count", "finding": {"unit": "EUR"}}))
    assert number[1] == "Number"


def test_amounts_beside_other_estimates_are_in_the_currency_of_the_study() -> None:
    models = record(term=["BG/NBD"], estimate=[0.83], n=[99], clv=[293.4])
    models |= {"columns": [{"name": "clv", "unit": "money", "label": "CLV"}]}
    assert "CLV" in cells(html_tables.of_record(models))
    with context.use(context.Context(currency="EUR")):
        assert "CLV (EUR)" in cells(html_tables.of_record(models))


def test_estimates_of_several_units_are_estimates_each_with_its_unit_and_digits() -> None:
    mixed = record(
        term=["room", "website", "calls"],
        estimate=[0.15, 2770.45, 21.9],
        low=[0.1, -37.49, 12.7],
        high=[0.19, 6592.97, 31.3],
        could_find=[0.04, 900.0, 13.56],
        n=[99, 99, 99],
        unit=["scale", "money", "points"],
    )
    with context.use(context.Context(currency="EUR")):
        found = cells(html_tables.of_record(mixed | {"unit": ""}))
    assert found[:6] == ["Measure", "Estimate", "95% CI", "Detectable effect", "n", "Unit"]
    assert found[6:12] == ["room", "0.15", "0.10 to 0.19", "0.04", "99", "rating points"]
    assert found[12:18] == ["website", "2,770", "−37 to 6,593", "900", "99", "EUR"]
    assert found[18:] == ["calls", "21.9", "12.7 to 31.3", "13.6", "99", "points"]


def test_differences_of_shares_are_in_percentage_points() -> None:
    moved = record(wave=["2018"], against=["2017"], estimate=[-0.018], low=[-0.04], high=[0.004])
    found = cells(html_tables.of_record(moved))
    assert found[2:4] == ["Difference (percentage points)", "95% CI"]
    assert found[-2:] == ["−1.8", "−4.0 to 0.4"]


def test_a_column_of_units_says_how_its_rows_are_written() -> None:
    moved = record(term=["room", "csat"], estimate=[-0.07, -0.068], unit=["scale", "share"])
    found = cells(html_tables.of_record(moved | {"unit": ""}))
    assert {"−0.07", "rating points", "−6.8", "percentage points"} <= set(found)


def test_no_chance_is_naught() -> None:
    one = record(term=["a"], estimate=[1.0], p=[1e-9])
    assert cells(html_tables.of_record(one))[-1] == "&lt;0.001"


def test_a_term_that_is_always_the_same_is_left_out() -> None:
    made = html_tables.of_record(record(region=["n", "s"], term=["x", "x"], estimate=[0.1, 0.2]))
    assert cells(made) == ["Region", "Share", "n", "10%", "s", "20%"]


def test_nothing_has_no_sign() -> None:
    shown = html_tables.of_record(record(term=["a"], estimate=[-0.0001]))
    assert cells(shown)[-1] == "0.0%" and "−" not in shown


def test_numbers_are_set_right_under_their_heads() -> None:
    made = html_tables.of_record(
        record(term=["a", "b"], estimate=[0.5, 0.5], low=[0.4] * 2, high=[0.6] * 2, n=[9, 99])
    )
    assert made.count('<td class="num">') == 6 and made.count('<th class="num" scope="col">') == 3


def test_of_many_columns_the_seven_that_are_looked_for_first_are_shown() -> None:
    more = {f"extra_{k}": [float(k)] for k in range(5)}
    many = record(region=["n"], kind=["x"], **more, term=["a"], estimate=[0.5], low=[0.4],
                  high=[0.6], n=[99])  # fmt: skip
    made = html_tables.of_record(many)
    assert "All 11 columns" in made
    hidden = re.findall(r'<th class="num more" scope="col">([^<]*)</th>', made)
    assert hidden == ["Extra 1", "Extra 2", "Extra 3", "Extra 4"]
    assert "All " not in html_tables.of_record(record(term=["a"], estimate=[0.5], n=[99]))


def test_what_decides_stands_behind_what_is_read_and_years_are_names() -> None:
    wide = record(year=["2018"], estimate=[0.5], low=[0.4], high=[0.6], simultaneous_low=[0.3],
                  simultaneous_high=[0.7], n=[99], detractors=[0.1], passives=[0.2],
                  promoters=[0.7])  # fmt: skip
    made = html_tables.of_record(wide)
    assert all(
        "Simultaneous" in head for head in re.findall(r'num more" scope="col">([^<]*)', made)
    )
    assert '<th scope="col">Year</th>' in made and '<th scope="row">2018</th>' in made


def test_heads_of_tables_that_cells_show_begin_with_a_capital() -> None:
    shown = pd.DataFrame({"question": ["Ease"], "n": [9]}).to_html(index=False)
    assert ">Question</th>" in html_tables.framed(shown) and ">n</th>" in html_tables.framed(shown)


def test_the_csv_has_numbers_and_nothing_that_a_spreadsheet_computes() -> None:
    table = record(term=["=1+1", "b"], estimate=[0.25, None], n=[40, None])
    assert html_tables.csv_of(table) == "term,estimate,n\n'=1+1,0.25,40.0\nb,,\n"


def test_heads_come_from_the_registry() -> None:
    made = html_tables.of_record(
        record(term=["a"], estimate=[0.5], htmt2=[0.8], htmt2_low=[0.7], rmse=[1.0], csat=[0.5])
    )
    assert cells(made)[2:6] == ["HTMT2", "HTMT2, lower limit", "RMSE", "CSAT"]


def test_the_count_of_rows_is_no_column() -> None:
    made = html_tables.framed(pd.DataFrame({"table": ["orders", "cases"]}).to_html())
    assert "<th>0</th>" not in made and "orders" in made


def test_a_row_is_named_by_the_first_cell_that_no_row_leaves_empty() -> None:
    made = html_tables.of_record(record(level=["", "north"], question=["Price", "Staff"]))
    assert re.findall(r'scope="row">([^<]*)<', made) == ["Price", "Staff"]


@pytest.mark.slow
@pytest.mark.parametrize("notebook", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda f: f.stem[:2])
def test_no_two_columns_have_one_head(notebook: Path) -> None:
    for name, kept in answers.answers_of(nbformat.read(notebook, 4)).items():
        heads = re.findall(r'<th[^>]*scope="col">([^<]*)<', html_tables.of_record(kept))
        assert len(heads) == len(set(heads)), (name, heads)
