"""Tables drawn: one style, intervals everywhere, a title that says what was found.

    show.use_house_style()                            # once, at the top of a notebook
    show.intervals(fit.table, unit="share")           # a dot, its interval, n at the right
    show.intervals(by_channel.table, panel="channel")
    show.trend(waves.table)                           # a line with its band
    show.paths(fit.paths, fit.r2)                     # the path model as people draw it

Every function takes a tidy table (groups, term, estimate, low, high, n) and gives back the Axes;
pass `ax` to draw into your own. Small cells are hidden here too. Each figure carries `alt_text`,
which the page reads out to those who cannot see it. Nothing is computed but the title.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import cache
from io import BytesIO, StringIO

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cxlib import page
from cxlib.estimates import MEASURES, hide_small_cells

# Okabe and Ito (2008): told apart by colour-blind readers, in this order of use.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B87A00", "#3A97D0", "#5B5B5B")
MARKERS = "osD^vPX"
INK, SOFT, FAINT = "#1f2933", "#5b6672", "#d9dee3"
WIDTH = 6.0  # inches; narrow, so that the letters stay legible on a phone
CJK_FONTS = (
    "WenQuanYi Micro Hei", "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC",
    "Microsoft YaHei", "SimHei", "WenQuanYi Zen Hei", "Droid Sans Fallback", "Arial Unicode MS",
)  # fmt: skip
LARGEST_SVG = 150_000  # characters; above it the pixels are lighter than the outlines

STYLE = {
    "figure.dpi": 100,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.labelsize": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": FAINT,
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 2.0,
    "legend.frameon": False,
    "axes.prop_cycle": matplotlib.cycler(color=COLOURS),
    "axes.unicode_minus": True,
    "svg.hashsalt": "cxlab",  # the same figure has the same ids on every run
    "svg.fonttype": "path",
}


def use_house_style() -> None:
    """Set the style of every figure that follows, and how a notebook shows figures.

    Gives a plain hint where no font for Chinese is found and the page is Chinese.
    """
    plt.rcParams.update(STYLE)
    fonts = chinese_fonts()
    plt.rcParams["font.family"] = ["DejaVu Sans", *fonts]
    if not fonts and page.rules().lang == "zh":
        warnings.warn(
            "no font with Chinese characters was found, so figures show boxes. Install one "
            "(Debian: apt install fonts-wqy-microhei), then delete matplotlib's font list.",
            stacklevel=2,
        )
    _show_in_notebooks()


@cache
def chinese_fonts() -> list[str]:
    """The first font with Chinese characters that is installed, in a list; empty if there is none."""
    installed = {f.name for f in font_manager.fontManager.ttflist}
    return [name for name in CJK_FONTS if name in installed][:1]


def _show_in_notebooks() -> None:
    # Registered again for each figure: the inline backend puts its own formatter back when it
    # wakes up, which is after the cell that imported us.
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is None or not hasattr(shell, "display_formatter"):
        return
    for mime in ("image/png", "image/svg+xml", "image/jpeg", "application/pdf"):
        shell.display_formatter.formatters[mime].pop(Figure, None)
    shell.display_formatter.mimebundle_formatter.for_type(Figure, _bundle)


def _bundle(figure: Figure, **_: object) -> tuple[dict, dict]:
    data, mime = picture(figure)
    return {mime: data}, {mime: {"alt": alt_text(figure)}}


def picture(figure: Figure) -> tuple[str | bytes, str]:
    """The figure as SVG text, or as PNG bytes when the outlines weigh too much; and its mime type."""
    text = StringIO()
    figure.savefig(text, format="svg", bbox_inches="tight", metadata={"Date": None})
    if len(text.getvalue()) <= LARGEST_SVG:
        return text.getvalue(), "image/svg+xml"
    pixels = BytesIO()
    figure.savefig(pixels, format="png", bbox_inches="tight", dpi=160, metadata={"Software": None})
    return pixels.getvalue(), "image/png"


def alt_text(figure: Figure) -> str:
    """What the figure shows, in words: its own `alt_text`, or its titles, axes and legends."""
    if given := getattr(figure, "alt_text", ""):
        return given
    parts = [figure.get_suptitle()]
    for ax in figure.axes:
        parts += [ax.get_title(loc) for loc in ("left", "center")]
        parts += [ax.get_xlabel(), ax.get_ylabel()]
        parts += [t.get_text() for t in legend.get_texts()] if (legend := ax.get_legend()) else []
    said = "; ".join(dict.fromkeys(p.strip() for p in parts if p.strip()))
    return page.say("Figure: {what}.", what=said) if said else page.say("Figure.")


def intervals(
    table: pd.DataFrame,
    *,
    unit: str = "",
    panel: str | None = None,
    by: str | None = None,
    reference: float | None = None,
    title: str | None = None,
    sort: bool = True,
    ax: Axes | None = None,
) -> Axes:
    """A dot and its 95% interval for each row, n at the right.

    `panel` makes a block of rows for each of its values; `by` puts its values side by side in
    one row, told apart by colour and marker. Rows are named by what differs between them and
    sorted by the estimate (`sort`), waves in their order. `reference` draws a line across.
    """
    shown = _ready(table)
    rows = _arranged(shown, panel, by, sort)
    colours = _colour_of(shown, by)
    ax = _axes(ax, height=0.34 * len(rows) + 0.9 + (0.35 if by else 0))
    for place, (header, members) in enumerate(rows):
        _interval_row(ax, place, header, members, by, colours)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_yticks(range(len(rows)), [header for header, _ in rows])
    for tick, (_, members) in zip(ax.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("bold" if members is None else "normal")
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.grid(axis="x")
    _number_axis(ax.xaxis, unit)
    ax.set_xlabel(_unit_words(unit))
    if reference is not None:
        ax.axvline(reference, color=SOFT, lw=1.2, ls=(0, (4, 3)), zorder=1)
    if by:
        _key(ax, colours)
    return _finish(ax, shown, unit, title, rows)


def _interval_row(ax: Axes, place: int, header: str, members, by: str | None, colours) -> None:
    if members is None:  # the heading of a block
        return
    spread = np.linspace(-0.2, 0.2, len(members)) if len(members) > 1 else [0.0]
    for offset, row in zip(spread, members.itertuples(), strict=True):
        colour, marker = colours[getattr(row, by)] if by else (COLOURS[0], "o")
        y = place + offset
        ax.plot([row.low, row.high], [y, y], color=colour, lw=2.4, solid_capstyle="round", zorder=2)
        ax.plot(row.estimate, y, marker, color=colour, ms=7, mec="white", mew=0.8, zorder=3)
    if "n" in members:
        ax.annotate(
            " · ".join(_people(n) for n in members["n"]), (1.02, place), va="center", fontsize=9,
            xycoords=("axes fraction", "data"), color=SOFT, annotation_clip=False,
        )  # fmt: skip
    if members["estimate"].isna().all():
        ax.annotate(
            page.say("hidden: too few answers"), (0.02, place), va="center", fontsize=9,
            xycoords=("axes fraction", "data"), color=SOFT, style="italic",
        )  # fmt: skip


def _people(n: float) -> str:
    least = page.rules().smallest_cell
    return f"<{least}" if n < least else page.count(n)


def _arranged(
    table: pd.DataFrame, panel: str | None, by: str | None, sort: bool
) -> list[tuple[str, pd.DataFrame | None]]:
    """(label, rows) from the top down; a block's heading has no rows."""
    names = _names(table, {panel, by})
    rows: list[tuple[str, pd.DataFrame | None]] = []
    blocks = table.groupby(panel, sort=False) if panel else [("", table)]
    order = _order(table, names, sort)
    for value, block in blocks:
        if panel:
            rows.append((page.label(str(value)), None))
        parts = dict(list(block.groupby(names, sort=False, dropna=False)))
        rows += [(_row_label(key), parts[key]) for key in order if key in parts]
    return rows


def _names(table: pd.DataFrame, taken: set[str | None]) -> list[str]:
    """The columns that tell the rows apart: groups, and the term where it differs."""
    groups = [c for c in table if c not in MEASURES and c not in taken and _is_group(table[c])]
    first = table.columns.get_loc("term") if "term" in table else len(table.columns)
    groups = [c for c in groups if table.columns.get_loc(c) < first]
    if "term" in table and (table["term"].nunique() > 1 or not groups):
        groups.append("term")
    return groups or [table.columns[0]]


def _is_group(column: pd.Series) -> bool:
    return not pd.api.types.is_float_dtype(column)


def _order(table: pd.DataFrame, names: list[str], sort: bool) -> list[tuple]:
    keys = table.groupby(names, sort=False, dropna=False)["estimate"].mean()
    if sort and "wave" not in names:
        keys = keys.sort_values(ascending=False, na_position="last", kind="stable")
    return [key if isinstance(key, tuple) else (key,) for key in keys.index]


def _row_label(key: tuple) -> str:
    return _short(" · ".join(page.label(str(part)) for part in key))


def _short(text: str, most: int = 38) -> str:
    text = " ".join(text.split()).replace("$", r"\$")  # a dollar would start a formula
    return text if len(text) <= most else text[: most - 1] + "…"


def _colour_of(table: pd.DataFrame, by: str | None) -> dict[object, tuple[str, str]]:
    values = list(dict.fromkeys(table[by])) if by else []
    return {v: (COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)]) for i, v in enumerate(values)}


def _key(ax: Axes, colours: dict[object, tuple[str, str]]) -> None:
    for value, (colour, marker) in colours.items():
        ax.plot([], [], marker, color=colour, label=_short(page.label(str(value)), 24))
    ax.legend(
        loc="upper left", bbox_to_anchor=(0, -0.6 / ax.figure.get_figheight()), ncols=3,
        fontsize=9.5, handletextpad=0.2, columnspacing=1.2, borderaxespad=0,
    )  # fmt: skip


def _ready(
    table: pd.DataFrame, needed: Sequence[str] = ("estimate", "low", "high")
) -> pd.DataFrame:
    if lacking := [c for c in needed if c not in table]:
        raise ValueError(
            f"the table has no column {lacking}. It has: {', '.join(map(str, table.columns))}. "
            "Pass the `table` of an Estimates."
        )
    if table.empty:
        raise ValueError("the table has no rows, so there is nothing to draw.")
    return hide_small_cells(table)


def _axes(ax: Axes | None, height: float, width: float = WIDTH) -> Axes:
    _show_in_notebooks()
    if ax is not None:
        return ax
    _, ax = plt.subplots(figsize=(width, height))
    return ax


def _number_axis(axis, unit: str) -> None:
    if unit == "share":
        axis.set_major_formatter(lambda v, _: page.percent(v))
    else:
        axis.set_major_formatter(lambda v, _: f"{v:,g}".replace("-", "−"))


def _unit_words(unit: str) -> str:
    return {
        "points": page.say("points"),
        "share": page.say("share"),
        "scale": page.say("on the question's own scale"),
        "index": page.say("index, 0 to 100"),
    }.get(unit, page.say(unit) if unit else "")


def _number(value: float, unit: str) -> str:
    if unit == "share":
        return page.percent(value)
    return page.number(value, 0 if abs(value) >= 1000 else 1 if unit in ("points", "index") else 2)


def _finish(ax: Axes, table: pd.DataFrame, unit: str, title: str | None, rows) -> Axes:
    """Title and alternative text, both from the numbers drawn."""
    found = _finding(rows, unit) if title is None else title
    _title(ax, found)
    lines = [
        f"{header} {_number(row.estimate, unit)}"
        for header, members in rows
        if members is not None
        for row in members.itertuples()
        if row.estimate == row.estimate
    ]
    _say(ax, page.say("Dots with 95% intervals. {title} {rows}", title=found, rows=_list(lines)))
    return ax


def _finding(rows, unit: str) -> str:
    """The highest and the lowest row in words; only the number where there is one row."""
    numbers = [
        (header, row.estimate)
        for header, members in rows
        if members is not None
        for row in members.itertuples()
        if row.estimate == row.estimate
    ]
    if not numbers:
        return page.say("Too few answers to show")
    top, bottom = max(numbers, key=lambda p: p[1]), min(numbers, key=lambda p: p[1])
    if len(numbers) == 1 or top[0] == bottom[0]:
        return page.say("{name}: {value}", name=top[0], value=_number(top[1], unit))
    return page.say(
        "Highest: {top} ({high}). Lowest: {bottom} ({low}).",
        top=top[0], high=_number(top[1], unit), bottom=bottom[0], low=_number(bottom[1], unit),
    )  # fmt: skip


def _list(lines: list[str], most: int = 14) -> str:
    more = [page.say("and {n} more", n=len(lines) - most)] if len(lines) > most else []
    return "; ".join(lines[:most] + more) + "."


def _title(ax: Axes, text: str) -> None:
    ax.set_title("\n".join(_wrapped(text, 60)), wrap=False, x=0)


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, width) or [""]


def _say(ax: Axes, text: str) -> None:
    ax.figure.alt_text = " ".join(text.replace(r"\$", "$").split())
