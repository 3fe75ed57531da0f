"""The page's language, numbers and labels."""

from __future__ import annotations

import pytest

from cxlib.core import context, i18n
from cxlib.core.i18n import _


def test_numbers_are_written_as_readers_write_them() -> None:
    assert i18n.number(4812.345, 1) == "4,812.3"
    assert i18n.number(-3.2, 1) == "−3.2"
    assert i18n.percent(0.413) == "41%"
    assert i18n.span(0.38, 0.44, 0, share=True) == "38% to 44%"
    assert i18n.number(float("nan")) == "–"
    assert (i18n.number(-0.04), i18n.percent(-0.001)) == ("0.0", "0%")


def test_a_sentence_without_an_entry_stays_english() -> None:
    context.begin(lang="zh")
    assert _("no such sentence {x}", x=3) == "no such sentence 3"


def test_an_unknown_language_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'fr'. There are: en, zh"):
        context.begin(lang="fr")


def test_labels_come_from_the_study_and_fall_back_to_plain_words() -> None:
    context.begin(labels={"perq1": "Overall quality"})
    assert i18n.label("perq1") == "Overall quality"
    assert i18n.label("check_in") == "check in"


def test_a_long_list_tells_its_first_names_and_how_many_more():
    assert i18n.listed("abcdef", most=3) == "a, b, c and 3 more"
    assert i18n.listed("abcd", most=3) == "a, b, c, d"  # one more would be no shorter
