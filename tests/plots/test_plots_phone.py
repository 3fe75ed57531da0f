"""Matrices, experience maps and Sankey diagrams have a form for phones."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest

from cxlib import plots

NAMES = [
    "Website",
    "Newsletter",
    "Mobile app",
    "Booking",
    "Check-in",
    "Room",
    "Delivery",
    "Support",
]


def pairs(one: str, other: str, names: list[str] = NAMES) -> pd.DataFrame:
    rows = [(a, b, 0.1, 0.05, 0.15, 90) for a, b in itertools.product(names, names)]
    return pd.DataFrame(rows, columns=[one, other, "estimate", "low", "high", "n"])


def journey_map() -> pd.DataFrame:
    rated = pd.DataFrame({"touchpoint": NAMES, "estimate": np.linspace(60, 80, 8), "n": 90})
    rated = rated.assign(low=rated["estimate"] - 4, high=rated["estimate"] + 4, stage="use")
    reach = rated.assign(term="reach", estimate=0.5, low=0.4, high=0.6)
    return pd.concat([rated.assign(term="satisfaction"), reach], ignore_index=True)


def steps() -> pd.DataFrame:
    first = pd.DataFrame({"step": 1, "before": "begins", "term": NAMES[:4], "estimate": 0.25})
    more = [pairs("before", "term", NAMES[:4]).assign(step=k, estimate=0.0625) for k in range(2, 6)]
    return pd.concat([first, *(m[["step", "before", "term", "estimate"]] for m in more)])


@pytest.mark.parametrize("name", ["tiles", "transitions", "correlations", "map", "sankey"])
def test_a_wide_figure_has_a_form_for_phones(name: str) -> None:
    square = pd.DataFrame(np.eye(8), NAMES, NAMES)
    draw = {
        "tiles": lambda: plots.tile_map(pairs("term", "risk"), "risk", unit="share"),
        "transitions": lambda: plots.transitions(pairs("before", "term")),
        "correlations": lambda: plots.correlation_matrix(square),
        "map": lambda: plots.experience_map(journey_map()),
        "sankey": lambda: plots.sankey(steps()),
    }[name]
    ax = draw()
    small = plots.narrow_picture(ax.figure)
    assert small is not None
    width = float(re.search(r'width="([\d.]+)pt"', small)[1])
    assert width == pytest.approx(72 * 3.4, abs=30)
    assert min(map(float, re.findall(r"font-size:([\d.]+)px", small))) >= 8.25


def test_crowded_tiles_on_a_phone_have_colours_alone() -> None:
    ax = plots.tile_map(pairs("term", "risk"), "risk", unit="share")
    assert "10%" in plots.picture(ax.figure)[0]
    assert "10%" not in plots.narrow_picture(ax.figure)
    few = plots.tile_map(pairs("term", "risk", NAMES[:3]), "risk", unit="share")
    assert "10%" in plots.narrow_picture(few.figure)
