"""Strengths, weaknesses and key needs; expectation against experience."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from cxlib import drivers
from cxlib.core.display import display_table
from cxlib.core.errors import InsufficientData
from cxlib.core.sample import Sample
from cxlib.drivers.needs import positions
from cxlib.drivers.waves import PastWave


def answers(n: int, seed: int) -> pd.DataFrame:
    """Speed matters and is rated low, staff matters and is rated high, decor does not matter."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            "speed": rng.integers(1, 6, n),
            "staff": rng.integers(5, 10, n),
            "decor": rng.integers(2, 7, n),
            "food": rng.integers(6, 11, n),
        }
    ).astype(float)
    noise = rng.normal(size=n)
    return rows.assign(y=rows["speed"] + 0.9 * rows["staff"] + 0.05 * rows["food"] + noise)


def test_planted_positions_are_found():
    fit = drivers.gains(
        Sample(answers(800, 1), draws=200), "y", ["speed", "staff", "decor", "food"]
    )
    found = drivers.needs(fit)
    table = found.table.set_index("term")
    assert table["position"].to_dict() == {
        "speed": "weakness",
        "staff": "strength",
        "decor": "low priority",
        "food": "maintain",
    }
    assert table.loc[["speed", "staff"], "key_need"].min() > 0.99
    shown = display_table(found.table, found.unit, columns=found.columns)
    assert shown["mean rating"].iloc[0] == f"{table['level'].iloc[0]:.2f}"  # a rating, no share
    assert table.loc[["decor", "food"], "key_need"].max() < 0.01
    assert found.finding.claim == ("Weakness in what matters most: speed; strengths: staff.")
    assert "key needs: speed over 99% and staff over 99%; n = 800" in found.finding.detail
    past = drivers.needs(fit, {"speed": PastWave("Q2", 2), "decor": PastWave("Q1", 3)}).finding
    assert past.claim == (
        "Weakness in what matters most: speed; strengths: staff. Speed matters most only with "
        "the fall of Q2, which is over."
    )


def test_a_position_is_named_where_its_probability_is_decisive():
    # price matters more in every draw, and is rated above the average in 64 and in 95 of 100
    for above, named in ((64, "rated about average"), (95, "strength")):
        gains = np.tile([0.4, 0.1], (100, 1))
        levels = np.tile([7.0, 6.0], (100, 1))
        levels[above:] = [5.0, 6.0]
        row = positions(["price", "room"], gains[0], gains, levels[0], levels, 90).iloc[0]
        assert row["position"] == named and row["key_need"] == 1
        assert np.isnan(row["chance"]) if above == 64 else row["chance"] == pytest.approx(0.95)
        # room matters less; whether it is rated lower is decided as for price
        room = positions(["price", "room"], gains[0], gains, levels[0], levels, 90).iloc[1]
        assert room["position"] == ("unclear" if above == 64 else "low priority")


def test_the_gap_is_within_those_who_answered_both():
    rows = pd.DataFrame(
        {
            "speed": [2.0, 4, 9, np.nan] * 5,
            "hoped": [5.0, 5, np.nan, 1] * 5,
            "room": [8.0, 8, 7, 7] * 5,
            "hoped_room": [7.0, 8, 7, 6] * 5,
            "weight": [1.0, 3, 1, 1] * 5,
        }
    )
    pairs = {"room": "hoped_room", "speed": "hoped"}
    fit = drivers.expectation_gaps(Sample(rows, weight="weight", draws=200), pairs)
    table = fit.table.set_index("term")
    assert fit.table["term"].tolist() == ["speed", "room"]
    assert_allclose(table.loc["speed", ["estimate", "experience", "expected"]].astype(float),
                    [(1 * -3 + 3 * -1) / 4, (1 * 2 + 3 * 4) / 4, 5])  # fmt: skip
    assert_allclose(table.loc["room", "estimate"], (1 * 1 + 0 + 0 + 1) / 6)
    assert table["n"].to_dict() == {"speed": 10, "room": 20}
    assert fit.finding.verdict == "worse" and "falls short of expectations in speed" in str(fit)
    assert "−1.50 points" in fit.finding.detail and fit.finding.value == -1.5


def test_gaps_that_may_be_chance_are_not_claimed():
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({"a": rng.normal(size=200), "b": rng.normal(size=200)})
    fit = drivers.expectation_gaps(Sample(rows, draws=200), {"a": "b"})
    assert fit.finding.verdict == "unchanged" and "No question differs" in str(fit)
    rows["b"] = np.nan
    with pytest.raises(InsufficientData):
        drivers.expectation_gaps(rows, {"a": "b"})
    with pytest.raises(ValueError, match="no question to compare"):
        drivers.expectation_gaps(rows, {})
