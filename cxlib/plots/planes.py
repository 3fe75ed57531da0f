"""Figures on a plane: trends, calibration, correlations, importance beside performance, choices."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from cxlib.core import i18n
from cxlib.core.i18n import _
from cxlib.estimates import MEASURES
from cxlib.plots import style
from cxlib.plots.style import COLOURS, INK, SOFT

# Where the name of a point may stand, best first.
BESIDE = [
    {"position": (dx, dy), "ha": ha, "va": va}
    for dx, dy, ha, va in (
        (6, 6, "left", "bottom"),
        (6, -6, "left", "top"),
        (-6, 6, "right", "bottom"),
        (-6, -6, "right", "top"),
        (0, 10, "center", "bottom"),
        (0, -10, "center", "top"),
    )
]

MOST_NAMES = 8  # beside their points


def trend(
    table: pd.DataFrame,
    *,
    unit: str = "",
    over: str = "wave",
    reference: float | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A line with its 95% band over the waves, one for each group, named at its end."""
    shown = style.ready(table, (over, "estimate"))
    waves = list(dict.fromkeys(shown[over]))
    lines = _lines(shown, over)
    ax = style.axes(ax, height=3.2)
    looks = style.colours_of(list(lines)).values()
    for line, (colour, marker) in zip(lines.values(), looks, strict=True):
        x = [waves.index(w) for w in line[over]]
        ax.fill_between(x, line["low"], line["high"], color=colour, alpha=0.16, lw=0)
        ax.plot(x, line["estimate"], marker + "-", color=colour, ms=5.5, mec="white", mew=0.7)
    style.wave_axis(ax, waves)
    ax.grid(axis="y")
    style.number_axis(ax.yaxis, unit)
    ax.set_ylabel(style.unit_words(unit))
    if reference is not None:
        ax.axhline(reference, color=SOFT, lw=1.2, ls=(0, (4, 3)))
    _at_the_ends(ax, {label: line["estimate"].to_numpy(float) for label, line in lines.items()})
    said = _change(next(iter(lines.values())), over, unit) if title is None else title
    words = [
        f"{w} {style.number(v, unit)}"
        for line in lines.values()
        for w, v in zip(line[over], line["estimate"], strict=True)
        if v == v
    ]
    return style.say(ax, said, _("Lines with 95% bands."), style.listed(words))


def _lines(table: pd.DataFrame, over: str) -> dict[str, pd.DataFrame]:
    names = [
        c
        for c in table.columns
        if c not in MEASURES
        and c != over
        and table[c].nunique() > 1
        and not pd.api.types.is_float_dtype(table[c])
    ]
    if "term" in table and table["term"].nunique() > 1:
        names.append("term")
    if not names:
        return {"": table}
    groups = table.groupby(names, sort=False)
    return {
        " · ".join(style.name(p) for p in (k if isinstance(k, tuple) else (k,))): rows
        for k, rows in groups
    }


def _at_the_ends(ax: Axes, lines: dict[str, np.ndarray]) -> None:
    """The name of each line beside its last value, moved up where it would cover another."""
    colours, last = style.colours_of(list(lines)), {}
    for name, y in lines.items():
        if name and len(there := np.flatnonzero(~np.isnan(y))):
            last[name] = (there[-1], y[there[-1]])
    low, high = ax.get_ylim()
    free = -np.inf
    for name, (x, y) in sorted(last.items(), key=lambda end: end[1][1]):
        free = max(y, free + 0.06 * (high - low))
        ax.annotate(
            name,
            (x, free),
            xytext=(8, 0),
            va="center",
            color=colours[name][0],
            textcoords="offset points",
            fontsize=9.5,
            annotation_clip=False,
        )


def _change(line: pd.DataFrame, over: str, unit: str) -> str:
    """From the first to the last wave, and whether the intervals part."""
    there = line.dropna(subset=["estimate"])
    if len(there) < 2:
        return _("Too few waves to show a change")
    first, last = there.iloc[0], there.iloc[-1]
    apart = last["low"] > first["high"] or last["high"] < first["low"]
    values = {
        "first": style.number(first["estimate"], unit),
        "then": style.name(first[over]),
        "last": style.number(last["estimate"], unit),
        "now": style.name(last[over]),
    }
    if apart:
        return _("From {first} ({then}) to {last} ({now})", **values)
    return _("{first} ({then}), {last} ({now}): no clear change", **values)


def calibration(
    table: pd.DataFrame, *, unit: str = "share", title: str | None = None, ax: Axes | None = None
) -> Axes:
    """What was predicted against what happened, in bins, with the band; the line is perfection."""
    shown = style.ready(table, ("predicted", "estimate")).sort_values("predicted")
    ax = style.axes(ax, height=4.4, width=4.8)
    reach = float(np.nanmax(shown[["predicted", "estimate", "high"]].to_numpy(float))) * 1.05
    ax.plot([0, reach], [0, reach], color=SOFT, lw=1.2, ls=(0, (4, 3)))
    ax.fill_between(
        shown["predicted"], shown["low"], shown["high"], color=COLOURS[0], alpha=0.16, lw=0
    )
    ax.plot(shown["predicted"], shown["estimate"], "o-", color=COLOURS[0], ms=6, mec="white")
    ax.set(xlim=(0, reach), ylim=(0, reach), xlabel=_("predicted"), ylabel=_("happened"))
    ax.grid(True)
    style.number_axis(ax.xaxis, unit)
    style.number_axis(ax.yaxis, unit)
    known = shown.dropna(subset=["estimate", "low"])
    inside = ((known["low"] <= known["predicted"]) & (known["predicted"] <= known["high"])).sum()
    found = _(
        "In {inside} of {bins} bins what was predicted lies within the interval of what happened",
        inside=int(inside),
        bins=len(known),
    )
    return style.say(ax, found if title is None else title, _("Calibration curve."))


def matrix(table: pd.DataFrame, *, title: str | None = None, ax: Axes | None = None) -> Axes:
    """A square table of correlations, blue where two move together, orange where apart."""
    from matplotlib.colors import LinearSegmentedColormap

    if table.shape[0] != table.shape[1] or table.empty:
        raise ValueError(
            f"a matrix is square; this one has {table.shape[0]} rows, {table.shape[1]} columns."
        )
    values, names = table.to_numpy(float), [style.name(c, 60) for c in table.columns]
    size = max(2.6, 0.46 * len(names) + 0.8)
    ax = style.axes(ax, height=size, width=max(size + 0.8, 4))
    below = np.where(np.tri(len(names), k=-1, dtype=bool), values, np.nan)
    shades = LinearSegmentedColormap.from_list("cx", [COLOURS[1], "#ffffff", COLOURS[0]])
    ax.imshow(below, cmap=shades, vmin=-1, vmax=1)
    for (i, j), r in np.ndenumerate(below):
        if r == r:
            ax.text(
                j,
                i,
                i18n.number(r, 2),
                ha="center",
                va="center",
                fontsize=9,
                color="white" if abs(r) > 0.72 else INK,
            )
    style.numbered(ax, names, len(names) - 1)
    found = _closest(below, names) if title is None else title
    return style.say(ax, found, _("Correlations of {names:list}.", names=names))


def _closest(below: np.ndarray, names: list[str]) -> str:
    if np.isnan(below).all():
        return _("Too few answers to show")
    i, j = np.unravel_index(np.nanargmax(below), below.shape)
    return _(
        "{one} and {other} move together most: r {r:number2}",
        one=names[j],
        other=names[i],
        r=below[i, j],
    )


def priorities(
    importance: pd.DataFrame,
    performance: pd.DataFrame | None = None,
    *,
    importance_unit: str = "share",
    performance_unit: str = "scale",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Importance (upwards) beside performance (to the right), with the uncertainty of both.

    Two tables joined by term; or one that has index, index_low, index_high too (`csi.priorities`),
    and an ellipse, which holds both at once in 95 of 100, where it also has their correlation.
    Dashed lines at the averages. The upper left is what to improve.
    """
    both = _both(importance, performance)
    ax = style.axes(ax, height=4.6)
    x, y = both["estimate_p"], both["estimate"]
    if "correlation" in both and both["correlation"].notna().all():
        for row in both.itertuples():
            _ellipse(ax, row)
    else:
        ax.hlines(y, both["low_p"], both["high_p"], color=COLOURS[0], alpha=0.45, lw=1.6)
        ax.vlines(x, both["low"], both["high"], color=COLOURS[0], alpha=0.45, lw=1.6)
    ax.plot(x, y, "o", color=COLOURS[0], ms=7, mec="white")
    ax.axvline(x.mean(), color=SOFT, lw=1, ls=(0, (4, 3)))
    ax.axhline(y.mean(), color=SOFT, lw=1, ls=(0, (4, 3)))
    ax.set(xlabel=_("how well we do"), ylabel=_("how much it matters"))
    ax.margins(0.12)
    _names(ax, both["term"], x.to_numpy(float), y.to_numpy(float))
    style.number_axis(ax.xaxis, performance_unit)
    style.number_axis(ax.yaxis, importance_unit)
    found = _first(both) if title is None else title
    return style.say(ax, found, _("Scatter with intervals."))


def _both(importance: pd.DataFrame, performance: pd.DataFrame | None) -> pd.DataFrame:
    shown = style.ready(importance)
    if performance is None:
        ends = {"index": "estimate_p", "index_low": "low_p", "index_high": "high_p"}
        return shown.rename(columns=ends)
    both = shown.merge(style.ready(performance), on="term", suffixes=("", "_p"))
    if both.empty:
        raise ValueError("the two tables have no term in common.")
    return both


def _names(ax: Axes, terms: pd.Series, x: np.ndarray, y: np.ndarray) -> None:
    """Names beside their points, each where it covers least of other names and points.

    Many points have numbers, from the upmost down, and their names in a list to the right.
    """
    ax.autoscale_view()
    if len(terms) > MOST_NAMES:
        terms = _numbered(ax, terms, y)
    draw, frame = ax.figure.canvas.get_renderer(), ax.get_window_extent()
    seen, halo = np.isfinite(x + y), [withStroke(linewidth=2.5, foreground="white")]
    dots = ax.transData.transform(np.column_stack([x, y])[seen])
    taken = [Bbox.from_extents(a - 4, b - 4, a + 4, b + 4) for a, b in dots]
    for term, a, b in zip(terms[seen], x[seen], y[seen], strict=True):
        how = {"xytext": (6, 6), "textcoords": "offset points", "fontsize": 9.5}
        label = ax.annotate(style.name(term, 22), (a, b), path_effects=halo, **how)
        costs = []
        for place in BESIDE:
            label.set(**place)
            box = label.get_window_extent(draw)
            outside = box.x0 < frame.x0 or box.x1 > frame.x1 + 20
            costs.append(sum(box.overlaps(other) for other in taken) + outside)
        label.set(**BESIDE[int(np.argmin(costs))])
        taken.append(label.get_window_extent(draw))


def _numbered(ax: Axes, terms: pd.Series, y: np.ndarray) -> pd.Series:
    """The number of each point, once the list of names is drawn."""
    ranks = pd.Series(np.argsort(np.argsort(-y, kind="stable")) + 1, terms.index)
    rows = [
        style.wrapped(f"{ranks[i]}  {style.name(terms[i], 60)}", 28).replace("\n", "\n     ")
        for i in ranks.sort_values().index
    ]
    ax.text(
        1.03, 1, "\n".join(rows), va="top", fontsize=9, linespacing=1.25, transform=ax.transAxes
    )
    return ranks.astype(str)


def _ellipse(ax: Axes, row: tuple) -> None:
    """Where both values lie together with 95%; half-widths of single intervals are 1.96 errors."""
    around = np.linspace(0, 2 * np.pi, 80)
    reach = 2.448 / 1.96  # square roots of 5.99 (chi-squared, two values) and 3.84 (one)
    a, b = reach * (row.high_p - row.low_p) / 2, reach * (row.high - row.low) / 2
    x = np.cos(around)
    y = row.correlation * x + np.sqrt(max(1 - row.correlation**2, 0)) * np.sin(around)
    ax.fill(row.estimate_p + a * x, row.estimate + b * y, color=COLOURS[0], alpha=0.16, lw=0)


def _first(both: pd.DataFrame) -> str:
    x, y = both["estimate_p"], both["estimate"]
    first = both[(x < x.mean()) & (y > y.mean())].sort_values("estimate", ascending=False)
    if len(first):
        names = [style.name(t) for t in first["term"]]
        return _("Matters more than others and goes worse: {names:list}", names=names)
    return _("Nothing that matters much is done badly")


def choice(
    table: pd.DataFrame,
    *,
    measure: str = "estimate",
    unit: str = "",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """How a measure changes with the number of groups, or questions; the chosen number marked.

    `table` has the number in its first column, `measure`, perhaps low, high, term, and `chosen`.
    """
    shown = style.ready(table, (measure,))
    x = pd.to_numeric(shown[shown.columns[0]])
    ax = style.axes(ax, height=3.0)
    if measure == "estimate":
        ax.fill_between(x, shown["low"], shown["high"], color=COLOURS[0], alpha=0.16, lw=0)
    ax.plot(x, shown[measure], "o-", color=COLOURS[0], ms=6, mec="white")
    picked = (
        shown["chosen"].astype(bool)
        if "chosen" in shown
        else shown[measure] == shown[measure].max()
    )
    ax.plot(x[picked], shown.loc[picked, measure], "o", ms=13, mfc="none", mec=COLOURS[1], mew=2)
    ax.set_xticks(x)
    ax.grid(axis="y")
    first = str(shown.columns[0])
    counted = {"k": _("number of groups"), "questions": _("number of questions")}
    ax.set_xlabel(counted.get(first) or i18n.label(first))
    named = measure == "estimate" and "term" in shown
    ax.set_ylabel(style.name(shown["term"].iloc[0]) if named else i18n.label(measure))
    style.number_axis(ax.yaxis, unit)
    found = _("Chosen: {k:list}", k=[f"{v:g}" for v in x[picked]]) if picked.any() else ""
    words = [f"{k:g}: {style.number(v, unit)}" for k, v in zip(x, shown[measure], strict=True)]
    return style.say(ax, found if title is None else title, style.listed(words))
