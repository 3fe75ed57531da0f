"""Curves over a number: who stays, what contacts bring, what treatment gains; shares beside others.

plots.survival(stay.curve, by="plan", unit="days")
plots.profit(worth.curve, currency="EUR")
plots.uplift(kept.curve)
plots.beside(why.table, "published", unit="share")
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.plots import style
from cxlib.plots.rows import intervals
from cxlib.plots.style import INK, SOFT


def survival(
    table: pd.DataFrame,
    *,
    by: str | None = None,
    unit: str = "days",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Shares by time as steps, each with the band of its whole curve; a line for each of `by`."""
    table = style.ready(table, [c for c in ("time", "estimate", by) if c])
    ax = stepped(table, by, ax, start=1.0)
    ax.set_xlabel(i18n.label(unit))
    ax.set_ylim(0, 1.02)
    return _say(ax, _lowest(table, by, unit) if title is None else title, table, "time", by)


def incidence(
    table: pd.DataFrame, *, by: str, unit: str = "days", title: str = "", ax: Axes | None = None
) -> Axes:
    """Shares who have left by each time, as steps from 0; a line with its band for each of `by`."""
    table = style.ready(table, ["time", "estimate", by])
    ax = stepped(table, by, ax, start=0.0)
    ax.set_xlabel(i18n.label(unit))
    return _say(ax, title, table, "time", by)


def profit(
    table: pd.DataFrame, *, currency: str = "", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """What contacting ever more customers would have brought; at zero nobody is contacted."""
    ax = _curves(table, "contacted", "term", "", ax)
    ax.axhline(0, color=SOFT, lw=1.2, ls=(0, (4, 3)))
    ax.set_xlabel(_("customers contacted"))
    ax.set_ylabel(currency or _("profit"))
    if title is None:
        best = table.iloc[table["estimate"].argmax()]
        title = _(
            "Most in hindsight, {money}, by contacting {n:count}",
            money=f"{i18n.count(best['estimate'])} {currency}".strip(),
            n=best["contacted"],
        )
    return _say(ax, title, table, "contacted", "term")


def uplift(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Gain of treating ever more customers, in the model's order and by lot (the dashed line)."""
    ax = _curves(table, "treated", "term", "gap", ax)
    ax.axhline(0, color=SOFT, lw=0.8)
    style.number_axis(ax.xaxis, "share")
    ax.set_xlabel(_("share of the customers treated"))
    ax.set_ylabel(_("gain, in points of all customers"))
    if title is None:
        told = table[table["low"].notna()]
        best = told.iloc[told["estimate"].argmax()]
        title = _(
            "Most is gained, {points:points1} points, by treating {share:share}",
            points=best["estimate"],
            share=best["treated"],
        )
    return _say(ax, title, table, "treated", "term")


def beside(
    table: pd.DataFrame,
    column: str,
    *,
    unit: str = "",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Dots with their intervals, and a ring for what the other column says of each row."""
    told = style.ready(table, ("term", "estimate", column)).drop(columns=column)
    ax = intervals(told, unit=unit, sort=False, title=title, ax=ax)
    for place, value in enumerate(table[column]):
        ax.plot(value, place, "o", ms=11, mfc="none", mec=INK, mew=1.3, zorder=1)
    ax.set_xlim(
        left=min(0, ax.get_xlim()[0]), right=max(ax.get_xlim()[1], table[column].max() * 1.1)
    )
    rings = _("Rings: {what:label}.", what=column)
    ax.set_xlabel(f"{ax.get_xlabel()} · {rings}".strip(" ·"))
    pairs = zip(table["term"], table[column], strict=True)
    words = [f"{style.name(t)} {style.number(v, unit)}" for t, v in pairs]
    return style.say(ax, "", rings, style.listed(words))


def stepped(table: pd.DataFrame, by: str | None, ax: Axes | None, *, start: float) -> Axes:
    """Shares by `time` as steps with bands, all from `start` at time 0."""
    begin = table.groupby(by, sort=False).head(1) if by else table.head(1)
    begin = begin.assign(time=0.0, estimate=start, low=start, high=start)
    ax = _curves(pd.concat([begin, table]), "time", by, "share", ax, steps=True)
    ax.set_ylim(bottom=0)
    return ax


def said(ax: Axes, title: str, table: pd.DataFrame, by: str | None) -> Axes:
    """The title, and some points of each line as the alternative text."""
    return _say(ax, title, table, "time", by)


def _curves(
    table: pd.DataFrame, x: str, by: str | None, unit: str, ax: Axes | None, steps: bool = False
) -> Axes:
    shown = style.ready(table, [c for c in (x, "estimate", by) if c])
    groups = {"": shown} if by is None else dict(list(shown.groupby(by, sort=False, observed=True)))
    ax = style.axes(ax, height=3.4)
    looks, alpha = style.colours_of(list(groups)), 0.2 if len(groups) < 4 else 0.08
    band, how = ({"step": "post"}, {"drawstyle": "steps-post"}) if steps else ({}, {})
    for name, line in groups.items():
        line, colour = line.sort_values(x), looks[name][0]
        own = how
        if line["estimate"].isna().all():  # hidden: too few
            del looks[name]
            continue
        if line["low"].isna().all():  # a line without a band is there to compare with
            colour, own = SOFT, {"ls": (0, (4, 3)), "lw": 1.4}
        else:
            ax.fill_between(
                line[x], line["low"], line["high"], color=colour, alpha=alpha, lw=0, **band
            )
        ax.plot(line[x], line["estimate"], color=colour, **own)
        looks[name] = (colour, "--" if line["low"].isna().all() else "-")
    ax.grid(True)
    style.number_axis(ax.yaxis, unit)
    style.number_axis(ax.xaxis, "")
    ax.set_xlim(0, shown[x].max())
    if by is not None:
        style.key(ax, {str(name): look for name, look in looks.items()})
    return ax


def _lowest(table: pd.DataFrame, by: str | None, unit: str) -> str:
    """Who is left at the last time that every line reaches."""
    reached = table["time"].max() if by is None else table.groupby(by)["time"].max().min()
    last = table[table["time"] <= reached].sort_values("time")
    last = last.tail(1) if by is None else last.groupby(by, sort=False).tail(1)
    row = last.iloc[last["estimate"].argmin()]
    values = {"share": row["estimate"], "time": row["time"], "unit": unit}
    if by is None:
        return _("{share:share} are left after {time:count} {unit:label}", **values)
    return _(
        "Fewest are left of {group:verbatim}: {share:share} after {time:count} {unit:label}",
        group=style.name(row[by]),
        **values,
    )


def _say(ax: Axes, title: str, table: pd.DataFrame, x: str, by: str | None) -> Axes:
    words = []
    for name, line in [("", table)] if by is None else table.groupby(by, sort=False):
        line = line.dropna(subset=["estimate"]).sort_values(x)
        if line.empty:  # hidden: too few
            continue
        for place in np.unique(np.linspace(0, len(line) - 1, 4).astype(int)):
            row = line.iloc[place]
            said = f"{style.name(name)} {i18n.number(row[x], 2)}: {i18n.number(row['estimate'], 2)}"
            words.append(said.strip())
    return style.say(ax, title, _("Lines with 95% bands."), style.listed(words))
