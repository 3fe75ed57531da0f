"""Those who come back: the triangle of cohorts, and how alike two groups were made.

plots.cohorts(kept.table, unit="month")
plots.balance(found.balance)
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.ticker import MaxNLocator

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.plots import curves, planes, style
from cxlib.plots.style import COLOURS, FAINT, INK, MARKERS, SOFT

ALIKE = 0.1  # of a standard deviation: what counts as alike (Austin 2009)
CELL = (0.5, 0.46)  # inches
ACROSS = 8  # tiles beside each other that a narrow screen holds


def cohorts(
    table: pd.DataFrame, *, unit: str = "", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """A row a cohort, a column a period after its first purchase: the darker, the more came back.

    Under each share stands its interval; the customers of a cohort stand at the right. What was not
    seen to its end is empty. Few cohorts seen for long stand in columns, so that a narrow screen
    holds them.
    """
    shown = style.ready(table, ("cohort", "after", "estimate"))
    shown["place"] = shown["after"].astype(int) - 1
    names, periods = list(dict.fromkeys(shown["cohort"])), int(shown["place"].max()) + 1
    turned = periods > ACROSS and len(names) < periods
    across, down = (len(names), periods) if turned else (periods, len(names))
    ax = style.axes(ax, CELL[1] * down + 1.0, max(CELL[0] * across / 0.7, 3.2))
    low, high = shown["estimate"].min(), shown["estimate"].max()
    shades = LinearSegmentedColormap.from_list("one", ["#ffffff", "#9ccbe8"])
    norm = Normalize(low, high if high > low else low + 1)
    for row in shown.itertuples():
        at = (names.index(row.cohort), row.place)
        _cell(ax, row, at if turned else at[::-1], shades, norm)
    n = shown.groupby("cohort", sort=False)["n"].first()
    of = [f"n {style.people(n[name])}" for name in names]
    called = [style.name(v, 22) for v in names]
    if turned:
        ticks = (
            [f"{name}\n{count}" for name, count in zip(called, of, strict=True)],
            range(1, down + 1),
        )
        ax.set_ylabel(_periods(unit))
    else:
        ticks = range(1, across + 1), called
        ax.set_xlabel(_periods(unit))
        for y, count in enumerate(of):
            ax.text(across - 0.4, y, count, va="center", fontsize=9, color=SOFT)
    ax.set(xlim=(-0.55, across - 0.5), ylim=(down - 0.5, -0.5))
    ax.set_xticks(range(across), ticks[0])
    ax.set_yticks(range(down), ticks[1])
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    words = [
        f"{style.name(c)}: {i18n.listed(style.number(v, 'share') for v in rows['estimate'])}"
        for c, rows in shown.groupby("cohort", sort=False)
    ]
    said = _fall(shown) if title is None else title
    return style.say(ax, said, _("Tiles with 95% intervals."), style.listed(words))


def retention(
    curve: pd.DataFrame, *, unit: str = "", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """All cohorts together: the share who came back in each period after the first purchase."""
    said = _fall(curve.assign(cohort="", place=curve["after"].astype(int) - 1))
    ax = planes.trend(curve, over="after", unit="share", title=title or said, ax=ax)
    ax.set_xticks(
        ax.get_xticks(), [t.get_text() for t in ax.get_xticklabels()], rotation=0, ha="center"
    )
    ax.set_xlabel(_periods(unit))
    return ax


def _periods(unit: str) -> str:
    if unit:
        return _("periods ({unit:label}) after the first purchase", unit=unit)
    return _("periods after the first purchase")


def _cell(ax: Axes, row: tuple, at: tuple[int, int], shades, norm) -> None:
    (x, y), known = at, row.estimate == row.estimate
    ax.add_patch(
        plt.Rectangle(
            (x - 0.48, y - 0.47),
            0.96,
            0.94,
            lw=0.6,
            ec="#c9d3db",
            fc=shades(norm(row.estimate)) if known else "#eef1f4",
        )
    )
    if not known:
        ax.text(x, y, "–", ha="center", va="center", fontsize=9, color=SOFT)
        return
    digits = 0 if row.estimate >= 0.0995 else 1
    ax.text(
        x,
        y - 0.14,
        i18n.percent(row.estimate, digits),
        ha="center",
        va="center",
        fontsize=9.5,
        color=INK,
    )
    if row.low == row.low:
        ends = "–".join(i18n.number(100 * v, digits) for v in (row.low, row.high))
        ax.text(x, y + 0.25, ends, ha="center", va="center", fontsize=7.5, color=SOFT)


def _fall(shown: pd.DataFrame) -> str:
    """From the first to the last period that several cohorts were seen in."""
    known = shown.dropna(subset=["estimate"])
    seen = known.groupby("place")["cohort"].nunique()
    if seen.empty:
        return _("Too few answers to show")
    last = seen.index[seen >= min(2, seen.max())].max()
    first, then = (
        np.average(part["estimate"], weights=part["n"])
        for part in (known[known["place"] == seen.index.min()], known[known["place"] == last])
    )
    if last == seen.index.min():
        return _("{share:share} came back in the first period", share=first)
    return _(
        "{share} came back in the first period, {then} in period {last:count}",
        share=i18n.percent(first, 0 if first >= 0.1 else 1),
        then=i18n.percent(then, 0 if then >= 0.1 else 1),
        last=last + 1,
    )


def balance(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """Standardised differences of what was known before, a row each, a mark for each `when`.

    Between the dashed lines (a tenth of a standard deviation) the two count as alike.
    """
    shown = style.ready(table, ("term", "when", "estimate"))
    wide = shown.pivot_table(index="term", columns="when", values="estimate", sort=False)
    first = wide.columns[0]
    wide = wide.loc[wide[first].abs().sort_values(ascending=False, kind="stable").index]
    ax = style.axes(ax, height=0.3 * len(wide) + 1.2)
    looks = {when: (COLOURS[i], MARKERS[i]) for i, when in enumerate(reversed(wide.columns))}
    for y, (_unused, row) in enumerate(wide.iterrows()):
        ax.plot([row.min(), row.max()], [y, y], color=FAINT, lw=3, zorder=1)
        for when, value in row.items():
            ax.plot(
                value,
                y,
                looks[when][1],
                color=looks[when][0],
                ms=6.5,
                mec="white",
                mew=0.7,
                zorder=3,
            )
    for edge in (-ALIKE, 0, ALIKE):
        ax.axvline(edge, color=SOFT, lw=1.0, ls=(0, (4, 3)) if edge else "-", zorder=0)
    ax.set_yticks(range(len(wide)), [style.wrapped(style.name(v, 60), 30) for v in wide.index])
    ax.set_ylim(len(wide) - 0.4, -0.6)
    ax.xaxis.set_major_locator(MaxNLocator(6))
    style.number_axis(ax.xaxis, "")
    ax.grid(axis="x")
    ax.set_xlabel(_("difference of means, in standard deviations"))
    if len(wide.columns) > 1:
        style.key(ax, {str(w): looks[w] for w in wide.columns}, ms=7, ls="")
    said = _alike(wide) if title is None else title
    words = [f"{style.name(t)} {i18n.number(v, 2)}" for t, v in wide[first].items()]
    return style.say(ax, said, _("Dots, a row for each column."), style.listed(words))


def comeback(
    table: pd.DataFrame,
    *,
    by: str | None = None,
    unit: str = "days",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Shares who came back by time, with the bands of whole curves; a line for each of `by`."""
    table = style.ready(table, [c for c in ("time", "estimate", by) if c])
    ax = curves.stepped(table, by, ax, start=0.0)
    ax.set_xlabel(i18n.label(unit))
    if title is None:
        half = table[(table["estimate"] >= 0.5)]
        first = half[half[by] == table[by].iloc[0]] if by else half
        last = (table[table[by] == table[by].iloc[0]] if by else table).iloc[-1]
        facts = {"unit": unit, "share": style.number(last["estimate"], "share")}
        title = (
            _("Half came back within {time:count} {unit:label}", time=first["time"].min(), **facts)
            if len(first)
            else _("{share} came back within {time:count} {unit:label}", time=last["time"], **facts)
        )
    return curves.said(ax, title, table, by)


def _alike(wide: pd.DataFrame) -> str:
    outside = (wide.abs() > ALIKE).sum()
    facts = {"n": len(wide), "before": outside.iloc[0]}
    if len(outside) == 1:
        return _("Unlike before in {before:count} of {n:count}", **facts)
    return _(
        "Unlike before in {before:count} of {n:count}, once made alike in {after:count}",
        after=outside.iloc[1],
        **facts,
    )
