"""Matrices, experience maps and Sankey diagrams have a form for phones."""

import itertools
import re

import numpy as np
import pandas as pd
import pytest

from cxlib import plots
from cxlib.plots import layout

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
    reach = rated.assign(term="met by", estimate=0.5, low=0.4, high=0.6)
    return pd.concat([rated.assign(term="satisfaction"), reach], ignore_index=True)


def steps() -> pd.DataFrame:
    first = pd.DataFrame({"step": 1, "before": "begins", "term": NAMES[:4], "estimate": 0.25})
    more = [pairs("before", "term", NAMES[:4]).assign(step=k, estimate=0.0625) for k in range(2, 6)]
    return pd.concat([first, *(m[["step", "before", "term", "estimate"]] for m in more)])


@pytest.mark.slow
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


@pytest.mark.slow
def test_crowded_tiles_on_a_phone_have_shares_without_signs_and_no_other_numbers() -> None:
    ax = plots.tile_map(pairs("term", "risk"), "risk", unit="share")
    assert ">10%<" in plots.picture(ax.figure)[0]
    small = plots.narrow_picture(ax.figure)
    assert ">10<" in small and ">10%<" not in small and ">%" in small
    scale = plots.tile_map(pairs("term", "risk"), "risk", unit="scale")
    assert ">0.10<" in plots.picture(scale.figure)[0]
    assert ">0.10<" not in plots.narrow_picture(scale.figure)
    few = plots.tile_map(pairs("term", "risk", NAMES[:3]), "risk", unit="share")
    assert ">10%<" in plots.narrow_picture(few.figure)


@pytest.mark.slow
def test_no_line_across_runs_through_the_labels_of_rows_on_a_phone() -> None:
    table = pairs("term", "x", NAMES[:4]).drop(columns="x").drop_duplicates("term")
    ax = plots.intervals(table.assign(low=-0.4), unit="points", reference=0)
    small = plots.narrow_picture(ax.figure)
    before, name, _after = small.partition(">Website<")
    box = before.rpartition("<path")[2]  # what is drawn just before the label: paper beneath it
    assert name and "fill:var(--paper" in box
    assert small.index("stroke-dasharray") < len(before.rpartition("<path")[0])  # over the line


@pytest.mark.slow
def test_intervals_of_cohorts_are_left_out_where_tiles_are_too_narrow() -> None:
    rows = [(f"2025-Q{c}", str(k), 0.5, 0.41, 0.59, 80) for c in (1, 2) for k in range(1, 8)]
    table = pd.DataFrame(rows, columns=["cohort", "after", "estimate", "low", "high", "n"])
    ax = plots.cohorts(table, unit="quarter")
    small = plots.narrow_picture(ax.figure)
    assert "41–59" in plots.picture(ax.figure)[0]
    assert "50%" in small and "41–59" not in small


@pytest.mark.slow
def test_shares_of_cohorts_leave_their_signs_out_where_tiles_are_too_narrow() -> None:
    """Eight shares across a narrow screen ran into each other: 68%64%66%."""
    rows = [(f"2025-{c:02}", str(k), 0.5, 0.41, 0.59, 80) for c in range(1, 9) for k in range(1, 9)]
    table = pd.DataFrame(rows, columns=["cohort", "after", "estimate", "low", "high", "n"])
    ax = plots.cohorts(table, unit="month")
    wide, small = plots.picture(ax.figure)[0], plots.narrow_picture(ax.figure)
    assert ">50%<" in wide and "percent, by" not in wide
    assert ">50<" in small and ">50%<" not in small and "percent, by" in small


@pytest.mark.slow
def test_a_long_label_of_an_axis_takes_no_width_from_tiles_on_a_phone() -> None:
    table = pairs("term", "risk", NAMES[:4])
    long = "share of the items of each level that are met by those who were asked about them"
    widths = []
    for about in ("", long):
        ax = plots.tile_map(table, "risk", unit="share", about=about)
        small = layout.for_phone(ax.figure)
        widths.append(small.axes[0].get_window_extent().width)
    assert widths[1] == pytest.approx(widths[0], rel=0.05)


def test_touchpoints_of_the_map_keep_the_order_of_stages_where_some_are_not_rated() -> None:
    table = pd.DataFrame(
        [
            ("satisfaction", "shop", "action", 70.0),
            ("met by", "newsletter", "awareness", 0.4),
            ("met by", "shop", "action", 0.6),
        ],
        columns=["term", "touchpoint", "stage", "estimate"],
    )
    ax = plots.experience_map(table.assign(low=0.1, high=90.0, n=90))
    names = [t.get_text() for t in ax.figure.axes[-1].get_xticklabels()]
    assert [name.lower() for name in names] == ["newsletter", "shop"]


@pytest.mark.slow
def test_on_a_phone_the_map_of_groups_shows_the_groups_and_the_measure_they_differ_in() -> None:
    columns = ["group", "touchpoint", "term", "estimate", "low", "high", "n"]
    rows = [
        [group, touchpoint, term, value, value - 1, value + 1, 90]
        for group, value in (("overall", 71.3), ("old", 60.9), ("new", 76.8))
        for touchpoint in ("web", "shop")
        for term in ("satisfaction", "met by")
    ]
    table = pd.DataFrame(rows, columns=columns).assign(stage="use")
    ax = plots.experience_map(table, title="Satisfaction differs most at the shop.")
    small = plots.narrow_picture(ax.figure)
    assert "60.9" in small and "76.8" in small and "71.3" not in small


@pytest.mark.slow
def test_on_a_phone_the_three_drivers_that_matter_most_have_names() -> None:
    importance = pd.DataFrame({"term": NAMES, "estimate": np.linspace(0.8, 0.1, 8)})
    performance = pd.DataFrame({"term": NAMES, "estimate": np.linspace(9, 2, 8)})
    ax = plots.importance_performance(importance, performance)
    small = re.sub("<title>.*?</title>", "", plots.narrow_picture(ax.figure))
    shown = [name for name in NAMES if f">{name}<" in small]
    assert shown == NAMES[:3]
