"""Detractors, passives and promoters as stacked bars, the Net Promoter Score beside them."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.plots import figure, labels, layout, marks
from cxlib.plots.arrangement import arrange
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import BLUE, ORANGE, PAPER, SOFT, Style

PARTS = {"detractors": (ORANGE, 0.75), "passives": (SOFT, 0.18), "promoters": (BLUE, 0.75)}
LEAST_WRITTEN = 0.07  # share that has room for its number


@redrawable
def nps_bars(
    table: pd.DataFrame, *, title: str | None = None, sort: bool = True, ax: Axes | None = None
) -> Axes:
    """Draw the shares of detractors, passives and promoters, with the NPS at the right.

    Parameters
    ----------
    table : estimate (NPS, points), detractors, passives, promoters (shares), perhaps low, high and
        n, and the columns that name the rows (wave or groups), as `scores.nps` gives it
    title, sort, ax : as in `intervals`

    Examples
    --------
    >>> table = pd.DataFrame({"wave": ["q1", "q2"], "estimate": [20.0, -5.0], "n": 90,
    ...     "detractors": [0.2, 0.4], "passives": [0.4, 0.25], "promoters": [0.4, 0.35]})
    >>> [text.get_text() for text in nps_bars(table).texts if "NPS" in text.get_text()]
    ['NPS +20', 'NPS −5']
    """
    shown = figure.prepare(table, ("estimate", *PARTS))
    rows = arrange(shown, None, None, sort, bars=True)
    data = rows.data("points").drop_duplicates("place").dropna(subset=["estimate"])
    ax = figure.new_axes(ax, figure.rows_height(rows.height, 0.42) + 0.5)
    left = pd.Series(0.0, data.index)
    thick = 0.5 if layout.narrow() else 0.66
    for part, colour in PARTS.items():
        bars = ax.barh(data["place"], data[part], thick, left, color=colour, edgecolor=PAPER)
        for bar, share, place, start in zip(bars, data[part], data["place"], left, strict=True):
            value = labels.number(share, "share")
            marks.say(ax, bar, [_("{name}: {value}", name=i18n.label(part), value=value)])
            if share >= LEAST_WRITTEN * (1.5 if layout.narrow() else 1):
                figure.centred(ax, start + share / 2, place, value, 9.5)
        left = left + data[part]
    rows.label(ax)
    scores = {row.place: f"NPS {signed(row.estimate)}" for row in data.itertuples()}
    look: Style = {"xycoords": ("axes fraction", "data"), "fontweight": "bold"}
    for place, score in scores.items():
        if layout.narrow():
            beside: Style = {"ha": "right", "va": "bottom", "fontsize": 9.2}
            figure.note(ax, score, (1, place - rows.above), **beside | look)
        else:
            figure.note(ax, score, (1, place), (8, 0), fontsize=10.5, **look)
    for row in data.itertuples() if not layout.narrow() else ():
        words = (
            []
            if row.low != row.low
            else [_("{low} to {high}", low=signed(row.low), high=signed(row.high))]
        )
        words += [f"n {labels.count(row.n)}"] if "n" in data else []
        quiet: Style = {"color": SOFT, "fontsize": 9, "xycoords": ("axes fraction", "data")}
        figure.note(ax, " · ".join(words), (1, row.place), (76, 0), **quiet)
    ax.set(xlim=(0, 1), xticks=[])
    ax.spines["bottom"].set_visible(False)
    for part, colour in PARTS.items():
        name = i18n.opening(i18n.label(part))
        ax.plot([], [], "s", ms=8, color=colour[0], alpha=colour[1], label=name)
    figure.legend_above(ax)
    each = [
        f"{name} {scores[place]} ({shares})"
        for name, place, shares in zip(
            (f.name for f in rows.found()),
            data["place"],
            (
                i18n.listed(labels.number(v, "share") for v in values)
                for values in data[list(PARTS)].to_numpy(float)
            ),
            strict=True,
        )
    ]
    about = _("Shares of detractors, passives and promoters, and the NPS.")
    return figure.finish(ax, title, about, labels.in_words(each))


def signed(value: float) -> str:
    """A whole number with its sign.

    Examples
    --------
    >>> signed(19.6), signed(-3.1), signed(0.2)
    ('+20', '−3', '0')
    """
    whole = round(value)
    return f"{'+' if whole > 0 else '−' if whole < 0 else ''}{i18n.count(abs(whole))}"
