"""docs/questions.md names pages, answers and tests that exist, and says what the pages say."""

from __future__ import annotations

import re

import pytest
import refresh_questions as questions

TEXT = questions.FILE.read_text("utf-8")
ROWS = questions.rows(TEXT)
TESTS = {
    name
    for file in (questions.ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", file.read_text("utf-8"), re.M)
}


def test_there_are_fifty_questions_and_more_numbered_in_order():
    assert [int(row[0]) for row in ROWS] == list(range(1, len(ROWS) + 1))
    assert len(ROWS) >= 50


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_page_answer_and_test_is_there(row: list[str]):
    _number, _question, study, where, said, truth = row
    assert (questions.ROOT / "data" / study / "study.yaml").exists()
    for name in re.findall(r"`(test_\w+)`", truth):
        assert name in TESTS, name
    at = questions.AT.match(where)
    if at is None:
        assert where.startswith("`cx "), where
        return
    path = questions.notebook(at[1])
    assert path is not None, where
    source = path.read_text("utf-8")
    assert said and (at[2] in questions.claims(path) or at[2] in source)


@pytest.mark.slow
def test_sentences_of_the_sample_are_those_of_the_committed_pages():
    assert questions.renewed(TEXT) == TEXT
