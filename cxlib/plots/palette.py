"""Colours and markers of the house, and the shades of heatmaps.

In the SVG of a figure each colour is a CSS variable (`var(--ink,#1f2933)`), so that a page can give
another one in the dark. Shades are the colours at less than full opacity, for the same reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from matplotlib.colors import LinearSegmentedColormap

# Okabe and Ito (2008): distinct for colour-blind readers, in this order of use.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B87A00", "#3A97D0", "#5B5B5B")
MARKERS = "osD^vPX"
INK, SOFT, FAINT, PAPER = "#1f2933", "#5b6672", "#d9dee3", "#ffffff"
QUIET = "#9aa5b1"  # marks that are there to compare with
HIDDEN, EDGE = "#eef1f4", "#c9d3db"  # of a tile whose number is hidden; around each tile
DASHES = (0, (4, 3))
VARIABLES = {  # the CSS variable of each colour
    **{colour.lower(): f"c{k}" for k, colour in enumerate(COLOURS)},
    INK: "ink",
    SOFT: "soft",
    FAINT: "faint",
    PAPER: "paper",
    QUIET: "quiet",
    HIDDEN: "hidden",
    EDGE: "edge",
}
Looks = dict[str, tuple[str, str]]  # colour and marker of each name
Style = dict[str, Any]  # keyword arguments of matplotlib


def looks_of(values: Iterable[object]) -> Looks:
    """A colour and a marker for each value, in order."""
    return {
        str(v): (COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)])
        for i, v in enumerate(dict.fromkeys(values))
    }


def shades(*stops: tuple[str, float]) -> LinearSegmentedColormap:
    """A colour map from the opacity of the first stop to that of the last; of four, by two hues."""
    places = (0.0, 1.0) if len(stops) == 2 else (0.0, 0.5, 0.5, 1.0)
    return LinearSegmentedColormap.from_list("cx", list(zip(places, stops, strict=True)))


BLUE, ORANGE = COLOURS[:2]
PALE = shades((BLUE, 0.0), (BLUE, 0.4))  # letters are legible on all of it
PALE_DIVERGING = shades((ORANGE, 0.45), (ORANGE, 0.0), (BLUE, 0.0), (BLUE, 0.4))
SEQUENTIAL = shades((BLUE, 0.0), (BLUE, 0.6))
DIVERGING = shades((ORANGE, 0.6), (ORANGE, 0.0), (BLUE, 0.0), (BLUE, 0.6))
