"""Numbers are read by the marks of their column; what fits two readings is asked."""

import numpy as np
import pandas as pd
import pytest

from cxlib.data.intake.conversion import guess, settled
from cxlib.data.intake.errors import IntakeError
from cxlib.data.intake.numbers import COMMA, POINT, integer, number

READ = [  # cells, their numbers, the form that they prove
    (["1,213.61", "7,627.67", "3.00"], [1213.61, 7627.67, 3], POINT),
    (["1.213,61", "5", "12,5"], [1213.61, 5, 12.5], COMMA),
    (["1213,610", "7627,670"], [1213.61, 7627.67], COMMA),
    (["1.234.567", "2.100"], [1234567, 2100], COMMA),
    (["999,50", "2.000", "12.500", "80"], [999.5, 2000, 12500, 80], COMMA),
    (["1.234", "31.000", "2.500", "900"], [1234, 31000, 2500, 900], COMMA),
    (["1,234", "12,500", "900", "80"], [1234, 12500, 900, 80], POINT),
    (["-1.500", "-12.000", "400"], [-1500, -12000, 400], COMMA),
    (["2.105", "1500", "3.111"], [2.105, 1500, 3.111], POINT),
    (["0.123", "1.234"], [0.123, 1.234], POINT),
    (["1 234,56", "1\u00a0234", "12\u202f000"], [1234.56, 1234, 12000], COMMA),
    (["1'234.50", "1’000"], [1234.5, 1000], POINT),
    (["1,23,456.78", "10"], [123456.78, 10], POINT),
    (["$1,213.61", "US$ 5"], [1213.61, 5], POINT),
    (["¥1213.61", "￥5", "7元", "CNY 8"], [1213.61, 5, 7, 8], POINT),
    (["R$ 1.234,50", "R$ 10,00"], [1234.5, 10], COMMA),
    (["kr 100", "200 kr.", "12,50 €"], [100, 200, np.nan], COMMA),
    (["100 EUR", "€2", "-€3", "€-4", "(€5)"], [100, 2, -3, -4, -5], ""),
    (["(1,234.50)", "12.50-", "+3", "−4", "-.5"], [-1234.5, -12.5, 3, -4, -0.5], POINT),
    (["１２３，４５", "１"], [123.45, 1], COMMA),
    (["12%", "13.5 %", "１４％"], [12, 13.5, 14], POINT),
    (["12%", "15%", "0.12"], [12, 15, np.nan], POINT),
    (["$5", "$6", "7 EUR", "8"], [5, 6, np.nan, 8], ""),
    (["7,5", "8.0", "9,5", "1.234"], [7.5, 8, 9.5, np.nan], COMMA),
    (["1e5", "2.5", "n/a", "-"], [1e5, 2.5, np.nan, np.nan], POINT),
    (["abc", "5", "--5", "XYZ 5", "TOP 10", "1.2.3"], [np.nan, 5, *[np.nan] * 4], ""),
]


@pytest.mark.slow
@pytest.mark.parametrize(("cells", "numbers", "form"), READ, ids=lambda v: str(v)[:40])
def test_marks_are_those_of_the_column(cells, numbers, form):
    done = number(pd.Series(cells))
    np.testing.assert_allclose(done.values, numbers)
    assert done.evidence == form and done.question is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("cells", "comma", "point"),
    [
        (["2.100", "5.662"], "2100 and 5662", "2.1 and 5.662"),
        (["1,234"], "1.234", "1234"),
        (["€1.459", "€1.500"], "1459 and 1500", "1.459 and 1.5"),
        (["-2.100", "2.100", "0"], "2100 and 2100", "2.1 and 2.1"),
    ],
)
def test_a_column_that_fits_both_readings_is_a_question(cells, comma, point):
    question = number(pd.Series(cells)).question
    assert question.readings == (comma, point)
    asked = question.sentence("orders", "amount")
    assert 'numbers: {amount: "1.234,5"}' in asked and repr(cells[0]) in asked
    assert number(pd.Series(cells), COMMA).question is None


@pytest.mark.slow
def test_the_form_named_decides():
    cells = pd.Series(["2.100", "5.662", "7"])
    assert number(cells, "1.234,5").values.tolist() == [2100, 5662, 7]
    assert number(cells, "1,234.5").values.tolist() == [2.1, 5.662, 7]


def test_numbers_beside_text_in_a_sheet_are_taken_as_they_are():
    done = number(pd.Series([1.234, "2,5", 7, "x", None, True], dtype=object))
    np.testing.assert_allclose(done.values, [1.234, 2.5, 7, *[np.nan] * 3])
    assert done.bad.tolist() == [False, False, False, True, False, True]


@pytest.mark.parametrize(
    ("cells", "rule", "note"),
    [
        (["12%", "15%", "0.12"], "percent_mixed", "percent sign are mixed"),
        (["$5", "$6", "€7"], "other_currency", "Several currencies"),
        (["7,5", "8.0", "1.234"], "ambiguous_number", "cells that fit both"),
        (["7", "x"], "not_number", ""),
    ],
)
def test_cells_that_are_left_out_have_a_reason(cells, rule, note):
    done = number(pd.Series(cells))
    assert done.reason.rule == rule and done.bad.sum() == 1
    assert note in " ".join(done.notes)


@pytest.mark.parametrize(
    "cells",
    [
        ["347,248", "348.126"],
        ["3,250", "3.250", "0.125", "12.5"],  # 12.5 proves the point of its own cell only
        ["1.250", "3,250", "0,125"],
    ],
)
def test_both_marks_between_three_digits_are_asked_about(cells):
    read = number(pd.Series(cells))
    assert read.question.mixed
    with pytest.raises(IntakeError, match=r"2 value\(s\) fit more than one reading"):
        settled("orders", {"amount": read.question}, {"other": POINT})
    assert number(pd.Series(cells), POINT).question is None


@pytest.mark.parametrize("cells", [["1,250.000", "3.750", "1,250"], ["1,250", "3.75"]])
def test_thousands_that_the_column_proves_are_not_asked_about(cells):
    read = number(pd.Series(cells))
    assert read.question is None and read.values.iloc[-2:].max() == 1250


def test_a_further_column_of_both_forms_is_asked_about():
    cells = pd.Series(["1.234,5", "1,234.5", "3,250", "7"])
    asked = guess(cells).question
    assert asked.values == ("3,250",) and asked.readings == ("3.25", "3250")
    read = guess(cells.drop(2))
    assert read.question is None and read.values.tolist() == [1234.5, 1234.5, 7]


def test_decimal_commas_are_counted_with_those_that_could_be_thousands():
    read = number(pd.Series(["0,643", "1,250", "1,250", "7", "1.250,5"]))
    assert read.values.tolist() == [0.643, 1.25, 1.25, 7, 1250.5]
    assert "4 cell(s) read with a decimal comma" in " ".join(read.notes)


def test_what_was_read_in_a_certain_way_is_noted():
    notes = " ".join(number(pd.Series(["$1,213.61", "(5.00)", "n/a", "3-"])).notes)
    for words in ("'n/a'", "between thousands", "currency sign", "in brackets", "minus behind"):
        assert words in notes


def test_whole_numbers_with_thousands_are_whole():
    assert integer(pd.Series(["1,234,567", "2"])).values.tolist() == [1234567, 2]
    assert integer(pd.Series(["1.5", "2"])).bad.tolist() == [True, False]
