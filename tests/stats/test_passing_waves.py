"""A wave in which something fell and that is over."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cxlib.core.sample import Sample
from cxlib.stats.passing_waves import past_wave, standing_out, what_remains


def waves(means: list[float]) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    parts = [
        pd.DataFrame({"wave": f"2026-Q{k}", "room": rng.normal(mean, 1, 100)})
        for k, mean in enumerate(means, 1)
    ]
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    "means, fell, rose",
    [
        ([7, 5, 7, 7], "2026-Q2", ""),
        ([7, 9, 7, 7], "", "2026-Q2"),
        ([7, 7, 7, 5], "", ""),  # it is not over
        ([7, 7, 7, 7], "", ""),
        ([5, 7], "", ""),  # of two, one is the other's opposite
    ],
)
def test_a_fall_is_over_where_the_latest_wave_shows_nothing_of_it(means, fell, rose) -> None:
    rows = waves(means)
    assert (past_wave(rows, "room"), past_wave(rows, "room", rises=True)) == (fell, rose)


def test_a_weight_of_two_counts_as_two_rows_in_the_mean() -> None:
    rows = pd.DataFrame({"x": [1.0, 2, 3, 4], "wave": ["a", "a", "b", "b"], "w": [1.0, 1, 2, 2]})
    here = rows["wave"] == "a"
    found = standing_out(Sample(rows, weight="w"), here.to_numpy(), "x")
    assert found == pytest.approx(2 / 0.5)  # each mean has a variance of 0.125


def test_what_remains_of_a_rise_is_the_level_of_the_latest_wave() -> None:
    """By hand: 18 of 30 in the wave that is over; 10 of 30 in the latest, 15 of 35 with weights."""
    late = [0.0] * 30 + [1.0] * 18 + [0.0] * 12 + [1.0] * 10 + [0.0] * 20
    rows = pd.DataFrame({"late": late, "wave": ["Q1"] * 30 + ["Q2"] * 30 + ["Q3"] * 30})
    rows["w"] = np.where(rows["late"].eq(1), 1.5, 1.0)
    left = what_remains(Sample(rows), "late", "Q2")
    assert left == ("Q3", pytest.approx(1 / 3), pytest.approx(0.6))
    weighted = what_remains(Sample(rows, weight="w"), "late", "Q2")
    assert weighted is not None and weighted.now == pytest.approx(15 / 35)
    few = rows.assign(late=rows["late"].where(rows.index != 60, 0.0))  # nine of the latest wave
    assert what_remains(few, "late", "Q2") is None and what_remains(rows, "late", "") is None


def test_rows_without_waves_have_no_past_wave() -> None:
    assert past_wave(pd.DataFrame({"x": [1.0, 2]}), "x") == ""
