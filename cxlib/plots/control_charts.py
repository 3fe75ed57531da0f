"""Control charts: a score over the waves between its limits, and many scores as rows of signals."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core import periods
from cxlib.core.i18n import _
from cxlib.plots import figure, labels, marks
from cxlib.plots.layout import redrawable
from cxlib.plots.palette import COLOURS, DASHES, FAINT, PAPER, SOFT, Style

SIGNALS = {  # how each signal looks: marker, colour, edge, size, width of the edge
    "": ("o", SOFT, PAPER, 5, 0.8),
    "above": ("^", COLOURS[0], PAPER, 9, 0.8),
    "below": ("v", COLOURS[1], PAPER, 9, 0.8),
    "rising": ("^", PAPER, COLOURS[0], 8, 1.6),
    "falling": ("v", PAPER, COLOURS[1], 8, 1.6),
    "lasted": ("v", COLOURS[1], PAPER, 9, 0.8),
    "passed": ("v", PAPER, COLOURS[1], 8, 1.6),
    "open": ("D", COLOURS[4], PAPER, 7, 0.8),
    "began": ("s", PAPER, COLOURS[4], 8, 1.6),
}


@redrawable
def control_chart(
    limits: pd.DataFrame,
    *,
    unit: str = "",
    over: str = "wave",
    change: pd.DataFrame | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw one score over the waves, its centre line and its control limits, which follow n.

    A wave outside is a triangle, one whose cumulative sum is out of control an open one; the
    baseline is shaded and says so.

    Parameters
    ----------
    limits : `over`, estimate, low and high (limits), centre, signal, baseline (bool), n, of one
        score, as `scores.trend` gives it
    unit, title, ax : as in `intervals`
    over : column of the waves, in their order
    change : where the level most likely changed (wave, earliest, latest, p); marked if p < 0.05

    Raises
    ------
    ValueError : more than one row a wave

    Examples
    --------
    >>> limits = pd.DataFrame({"wave": ["q1", "q2"], "estimate": [10.0, 30.0], "low": 0.0, "n": 99,
    ...     "high": 20.0, "centre": 10.0, "signal": ["", "above"], "baseline": [True, False]})
    >>> control_chart(limits, unit="points").get_ylabel()
    'points'
    """
    shown = _prepare(limits, (over, "estimate", "centre", "signal", "baseline"))
    if shown.duplicated(over).any():
        raise ValueError(
            f"{len(shown)} rows for {shown[over].nunique()} waves: a control chart shows one "
            "score. Draw many with plots.signals."
        )
    if unit == "share":  # limits beyond what a share can be say nothing
        shown = shown.assign(low=shown["low"].clip(0, 1), high=shown["high"].clip(0, 1))
    waves = shown[over]
    shown = periods.with_gaps(shown, over)  # a missing wave interrupts the line and the limits
    shown = shown.assign(x=np.arange(len(shown)), look="line", signal=shown["signal"].fillna(""))
    plain = shown.drop(columns=["low", "high"])  # limits are no interval of the estimate
    shown["hover"] = labels.hovers(plain, map(labels.name, shown[over]), unit)
    ax = figure.new_axes(ax, height=3.1)
    base = shown.loc[shown["baseline"].eq(True), "x"].to_numpy()
    for run in np.split(base, np.flatnonzero(np.diff(base) > 1) + 1) if len(base) else ():
        ax.axvspan(run[0] - 0.5, run[-1] + 0.5, color=FAINT, alpha=0.35, lw=0, zorder=0)
    if len(base):
        _name_shading(ax, float(base[0]) - 0.5)
    _draw_limits(ax, shown)
    marks.lines(ax, shown, "x", {"line": (SOFT, "")}, band=0, markers=False, linewidth=1.4)
    _draw_signals(ax, shown, "x", "estimate")
    if change is not None:
        _mark_change(ax, change.iloc[0], [str(w) for w in shown[over]])
    figure.wave_axis(ax, list(shown[over]))
    figure.value_axis(ax, unit)
    _legend(ax, shown["signal"])
    shown = shown[shown[over].isin(waves)]
    words = labels.values(shown[over], shown["estimate"], unit)
    return figure.finish(ax, title, _("Control chart."), words)


def _name_shading(ax: Axes, left: float) -> None:
    """Say what the shading is, where it begins, below the line and its limits."""
    where = ("data", "axes fraction")
    words, look = _("shaded: the baseline"), {"va": "bottom", "color": SOFT, "fontsize": 9}
    figure.note(ax, words, (left, 0.0), (4, 3), xycoords=where, **look)


@redrawable
def signals(
    limits: pd.DataFrame,
    *,
    over: str = "wave",
    by: str = "",
    since: pd.DataFrame | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw a row for each score (and group), a column for each wave, a sign for each signal.

    Scores with a signal in the latest wave come first, then those with any.

    Parameters
    ----------
    limits : as in `control_chart`, with term, of many scores
    over : column of the waves
    by : column of the groups
    since : term, `over` and first_seen (with `by`, group) of the alerts, as `scores.alerts` gives
        them; the wave since which an alert is dated is marked where it is before its first signal
    title, ax : as in `intervals`

    Examples
    --------
    >>> limits = pd.DataFrame({"wave": ["q1", "q2"], "term": "nps", "estimate": [10.0, 30.0],
    ...                        "signal": ["", "above"], "n": 99})
    >>> [label.get_text() for label in signals(limits).get_xticklabels()]
    ['q1', 'q2']
    """
    shown = _prepare(limits, (over, "term", "estimate", "signal"))
    waves = periods.complete(sorted(shown[over].unique()))
    columns = [by, "term"] if by else ["term"]
    several = shown["term"].nunique() > 1
    shown = shown.assign(x=shown[over].map(waves.index))
    shown["y"] = _alerts_first(shown, columns, shown[over] == waves[-1])
    heads = shown.drop_duplicates("y").sort_values("y")
    names = [
        " · ".join(labels.name(v) for c, v in row.items() if c == by or several or not by)
        for _, row in heads[columns].iterrows()
    ]
    words = [f"{names[y]}, {labels.name(w)}" for y, w in zip(shown["y"], shown[over], strict=True)]
    shown["hover"] = labels.hovers(shown.drop(columns=["low", "high"]), words, "")
    ax = figure.new_axes(ax, figure.rows_height(len(names), 0.3) + 0.9)
    began = _beginnings(shown, since, over, by)
    _draw_signals(ax, shown[~shown.index.isin(began.index)], "x", "y")
    _draw_signals(ax, began, "x", "y")
    figure.row_axis(ax, names)
    ax.grid(axis="x")
    ax.set_xlim(-0.5, len(waves) - 0.5)
    figure.wave_axis(ax, waves)
    _legend(ax, pd.concat([shown["signal"], began["signal"]]))
    out = shown[shown["signal"] != ""]
    words = [f"{names[r]}: {labels.name(w)}" for r, w in zip(out["y"], out[over], strict=True)]
    return figure.finish(
        ax, title, labels.in_words(words) if words else _("No value is outside its limits.")
    )


def _alerts_first(shown: pd.DataFrame, columns: list[str], latest: pd.Series) -> np.ndarray:
    """The row of each score: what a reader looks for is not below the screen of a phone."""
    scores = shown.groupby(columns, sort=False, dropna=False).ngroup().to_numpy()
    signal = (shown["signal"] != "").to_numpy()
    count = scores.max(initial=-1) + 1
    now, ever = (np.bincount(scores, s, count) for s in (signal & latest.to_numpy(), signal))
    place = np.lexsort((ever == 0, now == 0))
    return np.argsort(place)[scores]


def _beginnings(
    shown: pd.DataFrame, since: pd.DataFrame | None, over: str, by: str
) -> pd.DataFrame:
    """Rows of waves without a signal in which an alert of their score is dated to have begun."""
    none = shown.iloc[:0]
    if since is None or since.empty:
        return none
    groups = since["group"].astype(str) if by else pd.Series("", since.index)
    dated = set(
        zip(since["term"].astype(str), groups, since["first_seen"].astype(str), strict=True)
    )
    own = shown[by].astype(str) if by else pd.Series("", shown.index)
    keys = zip(shown["term"].astype(str), own, shown[over].astype(str), strict=True)
    rows = np.array([key in dated for key in keys], bool) & shown["signal"].eq("")
    return shown[rows].assign(signal="began")


def _prepare(limits: pd.DataFrame, needed: tuple[str, ...]) -> pd.DataFrame:
    """The table as it may be drawn: of a hidden wave, not even that it stood out."""
    shown = figure.prepare(limits, needed)
    return shown.assign(signal=shown["signal"].where(shown["estimate"].notna(), ""))


def _draw_limits(ax: Axes, shown: pd.DataFrame) -> None:
    """Limits as steps, a step a wave: each wave has its own."""
    x = shown["x"].to_numpy()
    edges = np.repeat(np.r_[x - 0.5, x[-1] + 0.5], 2)[1:-1]
    outer: Style = {"color": COLOURS[1], "lw": 1.2, "ls": DASHES}
    for side, style in (("low", outer), ("high", outer), ("centre", {"color": SOFT, "lw": 1})):
        ax.plot(edges, np.repeat(shown[side].to_numpy(float), 2), zorder=1, **style)


def _draw_signals(ax: Axes, shown: pd.DataFrame, x: str, y: str) -> None:
    for signal, rows in shown.dropna(subset=["estimate"]).groupby("signal", sort=False):
        marker, face, edge, size, wide = SIGNALS[str(signal)]
        look: Style = {"marker": marker, "color": face, "edgecolor": edge, "linewidth": wide}
        marks.dots(ax, rows, x, y, s=size**2, zorder=4, **look)


def _mark_change(ax: Axes, change: pd.Series, waves: list[str]) -> None:
    if not change["p"] < 0.05 or str(change["wave"]) not in waves[:-1]:
        return  # of the last wave alone nobody knows whether it is a new level
    ends = [waves.index(str(change[side])) - 0.5 for side in ("earliest", "latest")]
    at = waves.index(str(change["wave"])) - 0.5
    if ends[1] > ends[0]:
        ax.axvspan(ends[0], ends[1], color=COLOURS[4], alpha=0.12, lw=0, zorder=0)
    ax.axvline(at, color=COLOURS[4], lw=1.6, zorder=1)
    where = ("data", "axes fraction")
    words, look = _("level changed"), {"va": "top", "color": COLOURS[4]}
    figure.note(ax, words, (at, 1.0), (4, -2), xycoords=where, **look)


def _legend(ax: Axes, found: pd.Series) -> None:
    """What the signs that are there mean, beneath the axis."""
    words = {
        "above": _("above the limits"),
        "below": _("below the limits"),
        "rising": _("cumulative sum: risen, or the rise lasts"),
        "falling": _("cumulative sum: fallen, or the fall lasts"),
        "lasted": _("alarm that lasted"),
        "passed": _("alarm that passed"),
        "open": _("too recent to judge"),
        "began": _("level changed, as later waves show"),
    }
    for signal, word in words.items():
        if (found == signal).any():
            marker, face, edge, size, wide = SIGNALS[signal]
            ax.plot([], [], marker, color=face, ms=size, mec=edge, mew=wide, label=word)
    if ax.get_legend_handles_labels()[0]:
        figure.legend_above(ax)
