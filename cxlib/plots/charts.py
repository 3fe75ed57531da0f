"""Control charts: a score over the waves between its limits, and many scores as rows of signs."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxlib.core.i18n import _
from cxlib.plots import style
from cxlib.plots.style import COLOURS, FAINT, SOFT

SIGNS = {  # how each signal looks: marker, colour, size
    "": ("o", SOFT, 5),
    "above": ("^", COLOURS[0], 9),
    "below": ("v", COLOURS[1], 9),
    "rising": ("^", "white", 8),
    "falling": ("v", "white", 8),
}
EDGES = {"rising": COLOURS[0], "falling": COLOURS[1]}


def control(
    limits: pd.DataFrame,
    *,
    unit: str = "",
    over: str = "wave",
    change: pd.DataFrame | None = None,
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """One score over the waves, its centre line and its control limits, which follow n.

    `limits` is `scores.trend(...).limits` of one score. A wave outside is a triangle, one whose
    cumulative sum is out of control an open one; the baseline is shaded. `change` (`.changes`)
    marks where the level most likely changed, when that is clear of chance.
    """
    shown = _ready(limits, (over, "estimate", "centre", "signal", "baseline"))
    if shown.duplicated(over).any():
        raise ValueError(
            f"{len(shown)} rows for {shown[over].nunique()} waves: a control chart shows one "
            "score. Draw many with show.signals."
        )
    if unit == "share":  # limits beyond what a share can be say nothing
        shown = shown.assign(low=shown["low"].clip(0, 1), high=shown["high"].clip(0, 1))
    ax = style.axes(ax, height=3.4)
    x = np.arange(len(shown))
    base = x[limits["baseline"].to_numpy(bool)]
    ax.axvspan(base.min() - 0.5, base.max() + 0.5, color=FAINT, alpha=0.35, lw=0, zorder=0)
    _stepped(ax, x, shown)
    ax.plot(x, shown["estimate"], "-", color=SOFT, lw=1.4, zorder=2)
    for place, row in zip(x, shown.itertuples(), strict=True):
        _sign(ax, place, row.estimate, row.signal)
    if change is not None:
        _mark_change(ax, change.iloc[0], [str(w) for w in shown[over]])
    style.wave_axis(ax, list(shown[over]))
    ax.grid(axis="y")
    style.number_axis(ax.yaxis, unit)
    ax.set_ylabel(style.unit_words(unit))
    _key(ax, shown["signal"])
    words = [
        f"{style.name(row[over])} {style.number(row['estimate'], unit)}"
        for _, row in shown.iterrows()
        if row["estimate"] == row["estimate"]
    ]
    said = _finding(shown, over, unit) if title is None else title
    return style.say(ax, said, _("Control chart."), style.listed(words))


def signals(
    limits: pd.DataFrame,
    *,
    over: str = "wave",
    by: str = "",
    title: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A row for each score (and group), a column for each wave: which stood out, and which way."""
    shown = _ready(limits, (over, "term", "estimate", "signal"))
    waves = sorted(shown[over].unique())
    rows = list(
        dict.fromkeys(zip(shown[by] if by else [""] * len(shown), shown["term"], strict=True))
    )
    ax = style.axes(ax, height=0.3 * len(rows) + 1.3)
    groups = shown[by] if by else pd.Series("", index=shown.index)
    for group, term, wave, signal, there in zip(
        groups, shown["term"], shown[over], shown["signal"], shown["estimate"], strict=True
    ):
        if there == there:
            _sign(ax, waves.index(wave), rows.index((group, term)), signal)
    several = shown["term"].nunique() > 1
    names = [
        " · ".join(style.name(part) for part in (g, t if several or not by else "") if part)
        for g, t in rows
    ]
    ax.set_yticks(range(len(rows)), names)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x")
    ax.set_xlim(-0.5, len(waves) - 0.5)
    style.wave_axis(ax, waves)
    _key(ax, shown["signal"])
    out = shown[shown["signal"] != ""]
    words = [
        f"{names[rows.index((g, t))]}: {style.name(w)}"
        for g, t, w in zip(groups[out.index], out["term"], out[over], strict=True)
    ]
    stood = len(set(zip(groups[out.index], out["term"], strict=True)))
    found = _("Scores that stood out in some wave: {n} of {all}", n=stood, all=len(rows))
    return style.say(ax, found if title is None else title, style.listed(words))


def _ready(limits: pd.DataFrame, needed: tuple[str, ...]) -> pd.DataFrame:
    """The table as it may be drawn: of a hidden wave, not even that it stood out."""
    shown = style.ready(limits, needed)
    return shown.assign(signal=shown["signal"].where(shown["estimate"].notna(), ""))


def _stepped(ax: Axes, x: np.ndarray, shown: pd.DataFrame) -> None:
    """Limits as steps, a step a wave: each wave has its own."""
    edges = np.repeat(np.r_[x - 0.5, x[-1] + 0.5], 2)[1:-1]
    for side in ("low", "high"):
        ax.plot(
            edges,
            np.repeat(shown[side].to_numpy(float), 2),
            color=COLOURS[1],
            lw=1.2,
            ls=(0, (4, 3)),
            zorder=1,
        )
    ax.plot(edges, np.repeat(shown["centre"].to_numpy(float), 2), color=SOFT, lw=1, zorder=1)


def _sign(ax: Axes, x: float, y: float, signal: str) -> None:
    marker, colour, size = SIGNS[signal]
    ax.plot(
        x,
        y,
        marker,
        color=colour,
        ms=size,
        mec=EDGES.get(signal, "white"),
        mew=1.6 if signal in EDGES else 0.8,
        zorder=4,
    )


def _mark_change(ax: Axes, change: pd.Series, waves: list[str]) -> None:
    if not change["p"] < 0.05 or str(change["wave"]) not in waves:
        return
    ends = [waves.index(str(change[side])) - 0.5 for side in ("earliest", "latest")]
    at = waves.index(str(change["wave"])) - 0.5
    if ends[1] > ends[0]:
        ax.axvspan(*ends, color=COLOURS[4], alpha=0.12, lw=0, zorder=0)
    ax.axvline(at, color=COLOURS[4], lw=1.6, zorder=1)
    ax.annotate(
        _("level changed"),
        (at, 1.0),
        xytext=(4, -2),
        va="top",
        fontsize=9.5,
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        color=COLOURS[4],
    )


def _key(ax: Axes, found: pd.Series) -> None:
    """What the signs that are there mean, beneath the axis."""
    words = {
        "above": _("above the limits"),
        "below": _("below the limits"),
        "rising": _("cumulative sum: risen"),
        "falling": _("cumulative sum: fallen"),
    }
    for signal, word in words.items():
        if (found == signal).any():
            marker, colour, size = SIGNS[signal]
            ax.plot(
                [],
                [],
                marker,
                color=colour,
                ms=size,
                mec=EDGES.get(signal, "white"),
                mew=1.6 if signal in EDGES else 0.8,
                label=word,
            )
    if ax.get_legend_handles_labels()[0]:
        ax.legend(
            loc="upper left",
            bbox_to_anchor=(0, -1.05 / ax.figure.get_figheight()),
            ncols=2,
            fontsize=9.5,
            handletextpad=0.3,
            columnspacing=1.2,
            borderaxespad=0,
        )


def _finding(shown: pd.DataFrame, over: str, unit: str) -> str:
    out = shown[shown["signal"].isin(["above", "below"])]
    if shown["estimate"].isna().all():
        return _("Too few answers to show")
    if out.empty:
        if over != "wave":
            return _("None of those shown lies outside the control limits")
        return _("All {n} waves lie inside their control limits", n=len(shown))
    return _(
        "Outside the control limits: {waves:list6}",
        waves=[
            _(
                "{wave} ({value})",
                wave=style.name(row[over]),
                value=style.number(row["estimate"], unit),
            )
            for _unused, row in out.iterrows()
        ],
    )
