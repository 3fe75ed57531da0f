"""Distributions as dots of equal chance: how likely a value is, countable by eye."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core.i18n import _
from cxlib.plots import figure, labels, layout, marks
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import BLUE, QUIET

BINS = 26  # across the width of the figure


@redrawable
def quantile_dots(
    values: pd.DataFrame | pd.Series,
    *,
    unit: str = "",
    reference: float | None = None,
    dots: int = 20,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw an estimate's uncertainty as dots, each standing for the same chance.

    Parameters
    ----------
    values : draws of an estimate, such as bootstrap replicates; of a DataFrame each column is a row
        of the figure. Not answers of customers: single values are drawn
    unit, title, ax : as in `intervals`
    reference : dots above it are in colour
    dots : how many; each of 20 is a chance of 5%

    References
    ----------
    Kay, Kola, Hullman and Munson (2016), Proceedings of CHI.

    Examples
    --------
    >>> gains = pd.Series(range(-20, 80), name="gain")
    >>> quantile_dots(gains, reference=0, unit="EUR").get_xlabel()
    'EUR · each dot is a chance of 5%'
    """
    shown = values.to_frame() if isinstance(values, pd.Series) else values
    chances = (np.arange(dots) + 0.5) / dots
    quantiles = {
        str(name): np.nanquantile(v, chances) for name, v in shown.items() if v.notna().any()
    }
    every = np.concatenate(list(quantiles.values()))
    step = (np.ptp(every) or 1) / BINS
    names = [labels.long_name(name) for name in quantiles]
    stacks = {n: _stacked(q, step) for n, q in quantiles.items()}
    tallest = max(int(s["level"].max()) + 1 for s in stacks.values())
    single = len(names) == 1
    each = max(0.4, 0.17 * tallest + 0.15)
    ax = figure.new_axes(ax, figure.rows_height(len(names), each) + 0.7)
    for k, (name, stack) in enumerate(stacks.items()):
        strong = stack["value"] > (-np.inf if reference is None else reference)
        height = 0.86 / max(tallest, 5)
        data = stack.assign(place=k + 0.38 - (stack["level"] + 0.5) * height)
        data["hover"] = [f"{labels.name(name)} {labels.number(v, unit)}" for v in data["value"]]
        for part, colour in ((data[strong], BLUE), (data[~strong], QUIET)):
            marks.dots(
                ax, part, "value", "place", color=colour, s=62 if not layout.narrow() else 34
            )
    if reference is not None:
        marks.reference_line(ax, reference)
    figure.row_axis(ax, [""] if single else names, above=0.44)
    if single:
        ax.set_ylim(0.55, -0.62)
    figure.number_axis(ax.xaxis, unit)
    about = _("each dot is a chance of {share:share}", share=1 / dots)
    ax.set_xlabel(" · ".join(p for p in (labels.unit_label(unit), about) if p))
    words = labels.in_words(
        f"{labels.name(n)} {' – '.join(labels.number(q[k], unit) for k in (0, dots // 2, -1))}"
        for n, q in quantiles.items()
    )
    return figure.finish(ax, title, _("Dots of equal chance: lowest, median and highest."), words)


def _stacked(quantiles: np.ndarray, step: float) -> pd.DataFrame:
    """Each dot in the middle of its bin, above those that are in it already."""
    bins = np.floor(quantiles / step)
    level = pd.Series(bins).groupby(bins).cumcount()
    return pd.DataFrame({"value": (bins + 0.5) * step, "level": level})
