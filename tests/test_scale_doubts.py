"""Answers that do not fit the declared scale are asked about, not quarantined."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxlib.data.intake.scales import doubt
from cxlib.data.schema import Item

RNG = np.random.default_rng(1)


def spread(low: int, high: int, n: int = 200) -> pd.Series:
    return pd.Series(np.tile(np.arange(low, high + 1.0), n)[:n])


@pytest.mark.parametrize(
    ("scale", "role", "answers", "words"),
    [
        ((1, 5), "csat", spread(1, 10), ["(50%) lie outside", "`scale: [1, 10]`", "10 (20)"]),
        ((1, 5), "touchpoint", spread(0, 100, 202), ["`scale: [0, 100]`"]),
        ((0, 10), "nps", spread(0, 100, 202), ["outside the declared scale 0 to 10", "0, 100"]),
        ((1, 5), "csat", [*spread(1, 5, 80), *[99.0] * 20], ["`missing: [99]`"]),
        ((0, 10), "nps", spread(1, 5), ["scale of 1 to 5", "no NPS can be made", "`recode`"]),
        ((0, 10), "nps", spread(1, 7), ["scale of 1 to 7"]),
        ((0, 10), "nps", spread(0, 10) * 0.95, ["not whole numbers", "role intention"]),
        ((1, 10), "csat", spread(1, 5), ["`scale: [1, 5]`"]),
        ((1, 7), "effort", spread(1, 5), ["`scale: [1, 5]`"]),
        ((0, 100), "csat", spread(1, 10), ["`scale: [1, 10]`"]),
    ],
)
def test_a_wrong_scale_is_asked_about(scale, role, answers, words):
    item = Item(label="Q", scale=scale, role=role)
    said = doubt("q", item, pd.Series(answers, dtype=float))
    assert said.startswith("responses.q: ")
    assert [w for w in words if w not in said] == []
    confirmed = item.model_copy(update={"confirmed": True})
    assert doubt("q", confirmed, pd.Series(answers, dtype=float)) == ""


@pytest.mark.parametrize(
    ("scale", "role", "answers"),
    [
        ((1, 5), "csat", [*spread(1, 5), 9, 55]),  # stray values: of the quarantine
        ((0, 10), "nps", [*spread(0, 10), 6.5]),
        ((0, 10), "nps", [1, 3, 5]),  # too few to tell
        ((0, 10), "nps", [6.5, 6.5]),
        ((1, 10), "touchpoint", [*spread(1, 5), 8]),
        ((1, 5), "csat", spread(1, 5) * 0.9 + 0.1),  # averages have a top box and a mean
        ((1, 5), "csat", []),
        ((0, 100), "csat", spread(0, 100)),
    ],
)
def test_ordinary_answers_are_not(scale, role, answers):
    item = Item(label="Q", scale=scale, role=role)
    assert doubt("q", item, pd.Series(answers, dtype=float)) == ""
