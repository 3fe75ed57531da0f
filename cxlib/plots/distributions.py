"""Distributions as dots of equal chance: how likely a value is, countable by eye."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core.i18n import _
from cxlib.plots import figure, labels, layout, marks
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import BLUE, QUIET

BINS = 18  # across the width of the figure
DOT, ROOM = 0.14, 0.12  # inches of a dot, and above the dots of a row


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
    stacks = {name: _stacked(q, step) for name, q in quantiles.items()}
    size = DOT * (0.75 if layout.narrow() else 1)
    tall = [size * (s["level"].max() + 1) + ROOM + 0.16 * layout.narrow() for s in stacks.values()]
    base = np.cumsum(tall)  # inches from the top
    ax = figure.new_axes(ax, (base[-1] + 0.1) / 0.77)
    for (name, stack), bottom in zip(stacks.items(), base, strict=True):
        strong = stack["value"] > (-np.inf if reference is None else reference)
        data = stack.assign(place=bottom - (stack["level"] + 0.5) * size)
        data["hover"] = [f"{labels.name(name)} {labels.number(v, unit)}" for v in data["value"]]
        for part, colour in ((data[strong], BLUE), (data[~strong], QUIET)):
            marks.dots(ax, part, "value", "place", color=colour, s=(62 * size) ** 2)
    if reference is not None:
        marks.reference_line(ax, reference)
    names = [labels.long_name(name) if len(quantiles) > 1 else "" for name in quantiles]
    stack_tops = base - np.array(tall) + ROOM + 0.16
    places = list(stack_tops if layout.narrow() else base - size / 2)
    figure.row_axis(ax, names, places, above=0.04)
    ax.set_ylim(base[-1] + 0.06, 0)
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
