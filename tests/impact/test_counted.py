"""Effects of changes from equal answers counted in the store: those of all rows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from cxlib import impact, reserve
from cxlib.data import study as study_
from cxlib.data.schema import Limits
from cxlib.impact import effects, trial

DESIGNS = {
    "callback_programme": (effects.unadjusted, effects.compared, effects.series),
    "price_rise": (effects.compared, effects.series),
    "delivery_failure": (effects.compared,),
    "desk_training": (effects.roll_out,),
}


@pytest.fixture(scope="module")
def both():
    """The changes of the sample by all of its 3,649 answers, and where 2,500 are read."""
    reserve.open("sample").close()
    found = []
    for limit in (50_000, 2500):
        changed = {"limits": Limits(rows_at_most=limit)}
        with reserve.Reserve(study_.read("sample").model_copy(update=changed)) as opened:
            samples = {"responses": opened.sample(draws=100)}
            asked = {"outcome": opened.outcome, "points": opened.items_of("nps")}
            found.append(impact.read_all(samples, opened.study.changes, **asked))
    return found


@pytest.mark.parametrize("name", DESIGNS)
def test_what_needs_sums_alone_is_that_of_all_rows(both, name):
    rows, counted = (trials[name] for trials in both)
    assert rows.counted is None and counted.counted is not None
    assert len(counted.y) < 0.8 * len(rows.y)
    assert (counted.groups, counted.waves) == (rows.groups, rows.waves)
    for design in DESIGNS[name]:
        one, other = design(rows), design(counted)
        for part in ("estimate", "low", "high"):
            assert_allclose(getattr(other, part), getattr(one, part), rtol=1e-9, atol=1e-9)
        assert_allclose(other.error, one.error, rtol=1e-9)
        assert other.n == one.n
    assert_allclose(
        effects.standard_deviations(counted), effects.standard_deviations(rows), rtol=1e-9
    )
    cells = [effects.cells_of(trial) for trial in (rows, counted)]
    assert np.array_equal(cells[0].count, cells[1].count)
    assert cells[0].means.units == cells[1].means.units


def test_counts_of_very_many_groups_are_not_brought(both, monkeypatch):
    monkeypatch.setattr(trial, "MOST_COUNTED", 1000)
    changed = {"limits": Limits(rows_at_most=2500)}
    with reserve.Reserve(study_.read("sample").model_copy(update=changed)) as opened:
        read = impact.read(opened.sample(draws=100), both[0]["price_rise"].change)
    assert read.counted is None and read.every is read


def test_the_page_says_what_is_of_all_answers(both):
    rows, counted = (impact.effect(trials["price_rise"]) for trials in both)
    assert str(counted) == str(rows) and counted.finding.detail == rows.finding.detail
    assert "are those of all answers" in counted.notes
    assert "are those of all answers" not in rows.notes
