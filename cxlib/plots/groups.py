"""Groups of customers: who moved, who is taken for whom, how stable, and what each does."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.plots import style
from cxlib.plots.rows import intervals
from cxlib.plots.style import COLOURS, INK, SOFT
from cxlib.plots.tiles import tiles

LONG = 20  # letters of a name that still fits above a column
BANDS = ((0.0, 0.60, "not named"), (0.60, 0.75, "pattern"), (0.75, 1.0, "report"))


def crossings(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Shares of each row's group that are found in each column's, such as `segments.moved`.

    `table` has the group (first column), term (where found), estimate, low, high, n.
    """
    first = str(table.columns[0])
    shown = table.rename(columns={first: "term", "term": "found"})
    shown = shown[["found", *(c for c in shown if c != "found")]]
    known = style.ready(shown)
    away = known[known["term"] != known["found"]].dropna(subset=["estimate"])
    found = _("Nobody is elsewhere")
    if len(away):
        top = away.loc[away["estimate"].idxmax()]
        found = _(
            "Most often elsewhere: {group} → {found} ({share:share})",
            group=style.name(top["term"], 60),
            found=style.name(top["found"], 60),
            share=top["estimate"],
        )
    words = style.listed(
        [
            f"{style.name(r.term)} → {style.name(r.found)} {i18n.percent(r.estimate)}"
            for r in known.dropna(subset=["estimate"]).itertuples()
        ]
    )
    names = list(dict.fromkeys([*shown["term"], *shown["found"]]))
    if max(style.breadth(n) for n in names) > LONG:  # numbers across, told beside the rows
        number = {n: str(at) for at, n in enumerate(names, 1)}
        numbered = {n: _("{number}: {name}", number=number[n], name=n) for n in names}
        shown = shown.assign(term=shown["term"].map(numbered), found=shown["found"].map(number))
    return tiles(
        shown,
        "found",
        unit="share",
        sort=False,
        title=found if title is None else title,
        words=words,
        ax=ax,
    )


def found_again(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """How much of each segment comes back in other samples (Jaccard), with what that allows."""
    shown = style.ready(table, ("term", "jaccard", "verdict"))
    ax = style.axes(ax, height=0.5 * len(shown) + 1.3)
    for (low, high, verdict), alpha in zip(BANDS, (0.0, 0.5, 1.0), strict=True):
        ax.axvspan(low, high, color="#e3eef5", alpha=alpha, lw=0, zorder=0)
        ax.text(
            (max(low, 0.3) + high) / 2,
            -0.72,
            i18n.label(verdict),
            ha="center",
            va="bottom",
            fontsize=9,
            color=SOFT,
        )
    places = np.arange(len(shown))
    ax.hlines(places, 0.3, shown["jaccard"], color=COLOURS[0], lw=1.4, alpha=0.5)
    ax.plot(shown["jaccard"], places, "o", ms=8, color=COLOURS[0], mec="white")
    for place, value in zip(places, shown["jaccard"], strict=True):
        ax.annotate(
            i18n.number(value, 2),
            (value, place),
            xytext=(0, 8),
            ha="center",
            textcoords="offset points",
            fontsize=9,
            color=INK,
        )
    names = [style.wrapped(style.name(v, 60), 30) for v in shown["term"]]
    ax.set_yticks(places, names)
    ax.tick_params(axis="y", length=0)
    ax.set(
        ylim=(len(shown) - 0.4, -0.75),
        xlim=(0.3, 1.03),
        xlabel=_("share found again (Jaccard)"),
    )
    sure = int((shown["verdict"] == "report").sum())
    found = _("{sure} of {k} segments can be reported", sure=sure, k=len(shown))
    words = [f"{style.name(r.term)} {i18n.number(r.jaccard, 2)}" for r in shown.itertuples()]
    return style.say(ax, found if title is None else title, style.listed(words))


def by_group(table: pd.DataFrame, panel: str = "segment") -> Axes:
    """Each term in axes of its own, groups in rows, a line across at the average of all.

    `table` is that of `segments.outcomes`: segment, term, estimate, low, high, n, overall, share.
    """
    terms = list(dict.fromkeys(table["term"]))
    groups = table[panel].nunique()
    height = (0.52 * groups + 1.0) * len(terms)
    figure, every = plt.subplots(len(terms), 1, figsize=(style.WIDTH, height), squeeze=False)
    for ax, term in zip(every[:, 0], terms, strict=True):
        own = table[table["term"] == term].drop(columns="term").rename(columns={panel: "term"})
        unit = "share" if own["share"].iloc[0] else ""
        average = style.number(own["overall"].iloc[0], unit)
        intervals(
            own[["term", "estimate", "low", "high", "n"]],
            unit=unit,
            sort=False,
            reference=own["overall"].iloc[0],
            ax=ax,
            title=_(
                "{outcome} (all: {average})",
                outcome=i18n.opening(style.name(term)),
                average=average,
            ),
        )
        ax.set_xlabel("")
    figure.tight_layout(h_pad=1.6)
    return every[0, 0]
