"""Every question with its score and answers; top boxes of decimals and of reversed scales."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import scores
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.data.schema import Item
from cxlib.scores.measures import Measure, measure_of


def item(**parts: object) -> Item:
    return Item(**{"label": "Q", "scale": (1, 5), "role": "csat", **parts})


STARS = [1, 2.5, 3, 3.1, 3.5, 3.5, 3.5, 4, 4.5, 5]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("asked", "answers", "share", "counted"),
    [
        (item(), STARS, 0.3, "4 or more"),
        (item(), [3.99, 4.0, 4.01], 2 / 3, "4 or more"),
        (item(scale=(1, 10)), [8.5, 9, 9.5, 10], 0.75, "9 or more"),
        (item(scale=(0, 1)), [1, 0, 1, 1], 0.75, "1"),
        # German grades: 1 is the best, and the answers were reversed when they were loaded
        (item(scale=(1, 6), reverse=True), [6, 5, 4, 1], 0.5, "1 or 2"),
        (item(scale=(1, 6), reverse=True, satisfied=3), [6, 5, 4, 1], 0.75, "1 to 3"),
        (item(scale=(0, 100), satisfied=80), [80, 79.9, 100, 0], 0.5, "80 or more"),
        (item(satisfied=5), [5, 4, 4, 3], 0.25, "5"),
    ],
)
def test_the_top_box_counts_from_its_least_answer_on(asked, answers, share, counted):
    rows, measure = pd.DataFrame({"q": answers}), measure_of(asked)
    assert measure.counted == counted
    share_of = asked.scale == (0, 1)
    assert measure.name("q") == ("Share of q" if share_of else "CSAT")
    assert measure.asked("q") == ("q" if share_of else f"q, share of {counted}")
    assert_allclose(scores.score(rows, "q", measure).table["estimate"], share)
    row = scores.question_scores(rows, {"q": asked}).table.iloc[0]
    assert_allclose(row["estimate"], share)
    assert row["counted"] == counted


def test_a_scale_of_a_hundred_has_no_top_boxes_unless_stated():
    fit = scores.question_scores(pd.DataFrame({"q": [80.0, 20] * 20}), {"q": item(scale=(0, 100))})
    assert np.isnan(fit.table["estimate"].iloc[0])
    assert fit.table["mean"].iloc[0] == 50
    assert "satisfied" in fit.notes


def test_a_reversed_question_is_told_as_it_was_asked():
    asked = {"grade": item(scale=(1, 6), reverse=True)}
    rows = pd.DataFrame({"grade": [6.0, 6, 5, 1] * 10})  # grades 1, 1, 2, 6
    table = scores.distribution(rows, asked).table
    assert table["answer"].tolist() == [6, 2, 1]  # from the worst to the best
    assert table["estimate"].tolist() == [0.25, 0.25, 0.5]
    assert scores.question_scores(rows, asked).table["mean"].iloc[0] == 2.5
    assert "reversed, 6 is best" in str(
        scores.score(rows, "grade", Measure("mean", (1, 6), reverse=True))
    )


def test_every_question_of_satisfaction_and_intention_has_a_row():
    rows = pd.DataFrame({"service": [4, 5, 1, 2], "product": [5, 5, 5, 3], "again": [1, 2, 3, 5]})
    asked = {name: item(role="intention" if name == "again" else "csat") for name in rows}
    table = scores.question_scores(Sample(rows), asked).table
    assert table["term"].tolist() == ["service", "product", "again"]
    assert table["estimate"].tolist() == [0.5, 0.75, 0.25]


def test_nobody_answering_is_told():
    with pytest.raises(InsufficientData, match="Nobody answered"):
        scores.question_scores(pd.DataFrame({"q": [np.nan]}), {"q": item()})


@pytest.mark.parametrize("satisfied", [0, 1, 6])
def test_satisfied_must_lie_inside_the_scale(satisfied):
    with pytest.raises(ValueError, match="satisfied"):
        Measure("csat", (1, 5), satisfied=satisfied)


def test_the_best_question_is_named_only_where_it_is_significantly_the_best():
    """20 of 40 against 18, 17 and 2 of 40: only which is last is settled."""
    asked = {q: item(label=q) for q in "abcd"}
    given = dict(zip("abcd", (20, 18, 17, 2), strict=True))
    rows = pd.DataFrame({q: [5.0] * k + [1.0] * (40 - k) for q, k in given.items()})
    fit = scores.question_scores(rows, asked)
    from cxlib.stats.intervals import sidak_level, wilson_interval

    low, _high = wilson_interval(np.array([0.5]), np.array([40]), sidak_level(4))
    assert fit.table["simultaneous_low"][0] == pytest.approx(low[0])
    assert fit.finding.claim == "Best answers are least frequent for d (5%)."
    ahead = scores.question_scores(rows.assign(a=5.0), asked).finding.claim
    assert ahead.startswith("Best answers are most frequent for") and "least for" in ahead
    close = scores.question_scores(rows[["a", "b"]], asked).finding.claim
    assert close == (
        "Shares of best answers range from 45% (b) to 50% (a); which question is first or last is "
        "not settled."
    )


def test_best_answers_are_compared_on_one_scale_only():
    """Three questions of ten points; of seven points the best two are more of the scale."""
    rng = np.random.default_rng(4)
    rows = pd.DataFrame({q: rng.integers(1, 11, 200) for q in "abc"})
    rows["ease"] = rng.integers(5, 8, 200)
    asked = {q: item(scale=(1, 10)) for q in "abc"} | {"ease": item(scale=(1, 7))}
    fit = scores.question_scores(rows, asked)
    assert fit.table.set_index("term")["estimate"].idxmax() == "ease"
    assert fit.finding.claim.startswith("Shares of best answers range from 20% (b) to 25% (c);")
