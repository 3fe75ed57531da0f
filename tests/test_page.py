"""The page's language, numbers and labels."""

from __future__ import annotations

import pytest

from cxlib import page


def test_numbers_are_written_as_readers_write_them() -> None:
    assert page.number(4812.345, 1) == "4,812.3"
    assert page.number(-3.2, 1) == "−3.2"
    assert page.percent(0.413) == "41%"
    assert page.span(0.38, 0.44, 0, share=True) == "38% to 44%"
    assert page.number(float("nan")) == "–"
    assert (page.number(-0.04), page.percent(-0.001)) == ("0.0", "0%")


def test_a_sentence_without_an_entry_stays_english() -> None:
    page.begin(lang="zh")
    assert page.say("no such sentence {x}", x=3) == "no such sentence 3"


def test_an_unknown_language_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'fr'. There are: en, zh"):
        page.begin(lang="fr")


def test_labels_come_from_the_study_and_fall_back_to_plain_words() -> None:
    page.begin(labels={"perq1": "Overall quality"})
    assert page.label("perq1") == "Overall quality"
    assert page.label("check_in") == "check in"


def test_a_long_list_tells_its_first_names_and_how_many_more():
    assert page.listed("abcdef", most=3) == "a, b, c and 3 more"
    assert page.listed("abcd", most=3) == "a, b, c, d"  # one more would be no shorter
