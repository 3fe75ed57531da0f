"""The house style: a seaborn theme, and how a notebook shows figures."""

from __future__ import annotations

import logging
import warnings

import seaborn as sns

from cxlib.core import context
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
    "axes.labelcolor": INK,
    "axes.labelsize": 10.5,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": "medium",
    "ytick.labelsize": "medium",
    "xtick.major.size": 3.5,
    "ytick.major.size": 3.5,
    "xtick.major.width": 0.8,
    "ytick.major.width": 0.8,
    "lines.linewidth": 2.0,
    "legend.frameon": False,
    "patch.force_edgecolor": False,
    "axes.unicode_minus": True,
    "svg.hashsalt": "cxlab",  # the same figure has the same ids on every run
    "svg.fonttype": "path",
}


def use_house_style() -> None:
    """Set the seaborn theme of every figure that follows, and how a notebook shows figures.

    Call it once, at the top of a notebook.

    Warns
    -----
    UserWarning : the page is Chinese and no font with Chinese characters is installed

    Examples
    --------
    >>> use_house_style()
    >>> sns.axes_style()["axes.edgecolor"]
    '#5b6672'
    """
    chinese = fonts.chinese_fonts()
    sns.set_theme(
        style="ticks", palette=COLOURS, rc=RC | {"font.family": ["DejaVu Sans", *chinese]}
    )
    # A Chinese font seldom has a bold cut; the plain one does, and needs no warning.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    if not chinese and context.current().lang == "zh":
        warnings.warn(
            "no font with Chinese characters was found, so figures show boxes. Install one "
            "(Debian: apt install fonts-wqy-microhei) and run again.",
            stacklevel=2,
        )
    show_in_notebooks()
