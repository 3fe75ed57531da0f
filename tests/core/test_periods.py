"""Waves lie in time: a missing one is a gap."""

import numpy as np
import pandas as pd
import pytest

from cxlib.core import periods
from cxlib.stats.notes import gap_note

WAVES = [  # periods, their places, those that are missing
    (["2019", "2020", "2022"], [0, 1, 3], ["2021"]),
    (["2018", "2020", "2022", "2026"], [0, 1, 2, 4], ["2024"]),
    (["2025-Q3", "2025-Q4", "2026-Q2"], [0, 1, 3], ["2026-Q1"]),
    (["2025-H1", "2025-H2", "2026-H2"], [0, 1, 3], ["2026-H1"]),
    (["2025-11", "2025-12", "2026-03"], [0, 1, 4], ["2026-01", "2026-02"]),
    (["2020-W52", "2020-W53", "2021-W02"], [0, 1, 3], ["2021-W01"]),
    (["2019", "2021", "2022"], [0, 2, 3], ["2020"]),
    (["2019", "2022"], [0, 1], []),
    (["2019", "2019-Q3", "2020"], [0, 1, 2], []),
    (["before", "after", "long after"], [0, 1, 2], []),
    (["2026-01-05", "2026-02-20", "2026-02-25"], [0, 1, 2], []),
    ([], [], []),
]


@pytest.mark.parametrize(("waves", "places", "missing"), WAVES, ids=lambda v: str(v)[:30])
def test_periods_have_places_in_time_and_gaps(waves, places, missing):
    assert periods.places(waves).tolist() == places
    assert periods.missing(waves) == missing
    assert [w for w in periods.complete(waves) if w not in waves] == missing


def test_a_line_has_a_gap_where_others_have_a_wave():
    table = pd.DataFrame({"wave": ["2019", "2021", "2019", "2020", "2021"], "y": 1.0})
    table["line"] = list("aabbb")
    found = periods.with_gaps(table, "wave", "line")
    assert found["wave"].tolist() == ["2019", "2020", "2021"] * 2
    assert np.isnan(found["y"][1]) and found["y"].notna().sum() == 5


def test_a_gap_is_said():
    assert gap_note(["2019", "2020", "2022"]).startswith("2021 is missing")
    assert gap_note(["2019", "2020"]) == ""
