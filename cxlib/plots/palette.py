"""Colours and markers of the house, and the shades of heatmaps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from matplotlib.colors import LinearSegmentedColormap

# Okabe and Ito (2008): distinct for colour-blind readers, in this order of use.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B87A00", "#3A97D0", "#5B5B5B")
MARKERS = "osD^vPX"
INK, SOFT, FAINT = "#1f2933", "#5b6672", "#d9dee3"
HIDDEN, EDGE = "#eef1f4", "#c9d3db"  # of a tile whose number is hidden; around each tile
DASHES = (0, (4, 3))
Looks = dict[str, tuple[str, str]]  # colour and marker of each name
Style = dict[str, Any]  # keyword arguments of matplotlib


def looks_of(values: Iterable[object]) -> Looks:
    """A colour and a marker for each value, in order."""
    return {
        str(v): (COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)])
        for i, v in enumerate(dict.fromkeys(values))
    }


def shades(*colours: str) -> LinearSegmentedColormap:
    """A continuous colour map through these colours."""
    return LinearSegmentedColormap.from_list("cx", list(colours))


PALE = shades("#ffffff", "#9ccbe8")  # dark letters are legible on all of it
PALE_DIVERGING = shades("#f4b183", "#ffffff", "#9ccbe8")
SEQUENTIAL = shades("#ffffff", COLOURS[0])
DIVERGING = shades(COLOURS[1], "#ffffff", COLOURS[0])
