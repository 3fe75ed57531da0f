"""The house style: a seaborn theme, and how a notebook shows figures."""

from __future__ import annotations

import logging

import seaborn as sns

from cxlib.plots import fonts
from cxlib.plots.export import show_in_notebooks
from cxlib.plots.palette import COLOURS, FAINT, INK, SOFT

RC = {  # what differs from seaborn's style "ticks"
    "figure.dpi": 100,
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": SOFT,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 10,
    "ytick.labelsize": "medium",
    "xtick.major.size": 3.5,
    "ytick.major.size": 0,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "lines.linewidth": 2.2,
    "legend.frameon": False,
    "patch.force_edgecolor": False,
    "axes.unicode_minus": True,
    "savefig.pad_inches": 0.04,
    "svg.hashsalt": "cxlab",  # the same figure has the same ids on every run
    "svg.fonttype": "none",
}


def use_house_style() -> None:
    """Set the seaborn theme of every figure that follows, and how a notebook shows figures.

    Call it once, at the top of a notebook. Fonts are looked for at each call; a figure in SVG needs
    none with Chinese characters.

    Examples
    --------
    >>> use_house_style()
    >>> sns.axes_style()["axes.edgecolor"]
    '#5b6672'
    """
    sns.set_theme(style="ticks", palette=COLOURS, rc=RC | {"font.family": fonts.families()})
    # The empty font that measures has no bold cut, and needs no warning.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    show_in_notebooks()
