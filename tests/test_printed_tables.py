"""Tables printed as text or HTML: those that count few people are seen, others are not."""

from __future__ import annotations

import pandas as pd
import pytest

from cxlib.core import context
from cxlib.privacy.printed_tables import counts_few

ROWS = pd.DataFrame(
    {
        "channel": ["web"] * 20 + ["shop north"] * 4,
        "wave": ["a", "b"] * 12,
        "speed": [float(i) for i in range(24)],
    }
)
GROUPS = ROWS.groupby("channel")
TABLE = pd.DataFrame(
    {"channel": ["web", "shop north"], "term": "speed now", "estimate": [1.5, 2.0], "n": [20, 4]}
)
CROSS = pd.crosstab(ROWS["channel"], ROWS["wave"])
FEW = {
    "table": TABLE,
    "floats": TABLE.astype({"n": float}),
    "n first": TABLE[["n", "channel", "term"]],
    "chinese": TABLE.assign(channel=["网页", "门店 北"]),
    "counted": GROUPS["speed"].agg(["mean", "count"]),
    "described": GROUPS["speed"].describe(),
    "all described": ROWS[ROWS["channel"] != "web"].describe(),
    "value counts": ROWS["channel"].value_counts().reset_index(),
    "crossed": CROSS,
}
SERIES = {
    "value counts": ROWS["channel"].value_counts(),
    "sizes": GROUPS.size(),
    "sizes of pairs": ROWS.groupby(["channel", "wave"]).size(),
    "described": ROWS["speed"].tail(4).describe(),
}
MANY = {
    "table": TABLE.assign(n=[20, 40]),
    "rows": ROWS.head(),
    "whole numbers": ROWS[["speed"]].astype(int).head(),
    "correlations": ROWS[["speed"]].corr(),
    "means": GROUPS[["speed"]].mean(),
    "crossed": CROSS * 10,
}
PROSE = [
    "NPS 4 points, n 5,396.\nOf them 3 were n\nand 4 too",
    "3,649 rows in the files of responses\n3,641 after 8 more were left out",
    str(ROWS.isna().sum()),
    str(ROWS.nunique()),
    str(ROWS["wave"].value_counts()),
    str(ROWS.dtypes),
    "",
]


@pytest.mark.parametrize("how", ["to_string", "to_html", "__str__"])
@pytest.mark.parametrize("name", FEW)
def test_a_table_that_counts_few_is_seen(name: str, how: str) -> None:
    assert counts_few(getattr(FEW[name], how)())


@pytest.mark.parametrize("name", SERIES)
def test_a_series_of_counts_is_seen(name: str) -> None:
    assert counts_few(str(SERIES[name])) and counts_few(f"Below.\n\n{SERIES[name]}")


@pytest.mark.parametrize("justify", ["left", "right"])
def test_the_head_may_stand_on_either_side(justify: str) -> None:
    assert counts_few(TABLE.to_string(index=False, justify=justify))


def test_markdown_is_a_table_too() -> None:
    assert counts_few("| channel |  n |\n|:--------|---:|\n| web     |  4 |")


@pytest.mark.parametrize("how", ["to_string", "to_html"])
@pytest.mark.parametrize("name", MANY)
def test_other_tables_are_left_alone(name: str, how: str) -> None:
    assert not counts_few(getattr(MANY[name], how)())


@pytest.mark.parametrize("text", PROSE)
def test_sentences_and_other_series_are_left_alone(text: str) -> None:
    assert not counts_few(text)


def test_the_threshold_is_the_page_s() -> None:
    context.begin(smallest_cell=4)
    assert not counts_few(str(TABLE))
    context.begin(smallest_cell=0)
    assert not counts_few(str(TABLE.assign(n=1)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "n " * 50_000 + "\n" + "x " * 50_000,
        "n\n1\n" * 30_000 + "x",
        "<td" * 50_000 + "<tr",
        "<table><tr>" * 20_000,
        "\n" * 100_000,
        "count " * 20_000 + "\n" + " 1" * 20_000,
    ],
    ids=lambda t: t[:9],
)
def test_long_text_is_read_once(text: str) -> None:
    counts_few(text)  # pytest ends a test that would go over it again and again
