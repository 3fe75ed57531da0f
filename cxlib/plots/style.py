"""What all figures have in common: colours, letters, axes, and how a notebook shows them."""

from __future__ import annotations

import base64
import logging
import re
import unicodedata
import warnings
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from io import BytesIO, StringIO

import matplotlib
import pandas as pd
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text

from cxlib.core import context, i18n
from cxlib.core.display import hide_small_cells
from cxlib.core.i18n import _
from cxlib.plots.outlines import lighter
from cxlib.privacy import masking
from cxlib.privacy.masking import legible

# Okabe and Ito (2008): told apart by colour-blind readers, in this order of use.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#B87A00", "#3A97D0", "#5B5B5B")
MARKERS = "osD^vPX"
INK, SOFT, FAINT = "#1f2933", "#5b6672", "#d9dee3"
# What stays on one line: a Latin word with the space after it, or a Chinese character, each with
# the brackets and stops that belong to it.
PIECES = re.compile(
    r"[“（《]*(?:[\u3400-\u9fff]|[^\s\u3000-\u9fff\uff00-\uffef]+)[，。；：、！？）》”…]*\s*|\S\s*"
)
CHINESE = re.compile("[\u3400-\u9fff]")
BREAKS = re.compile("(?<=[\u3000-\u9fff\uff00-\uffef])\n|\n(?=[\u3000-\u9fff\uff00-\uffef])")
MOST_WAVES = 14  # whose names have room on an axis
WIDTH = 5.4  # inches; narrow, so that the letters stay legible on a phone
CJK_FONTS = (
    "WenQuanYi Micro Hei",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Arial Unicode MS",
)
LARGEST_SVG = 150_000  # characters; above it the pixels are lighter than the outlines
DPI = 160  # of those pixels
OUTLINED = "outlined"  # marks text that is to look bold

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

    Gives a plain hint where the page is Chinese and no font for it is found.
    """
    plt.rcParams.update(STYLE)
    fonts = chinese_fonts()
    plt.rcParams["font.family"] = ["DejaVu Sans", *fonts]
    # A Chinese font seldom has a bold cut; the plain one does, and needs no warning.
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    if not fonts and context.current().lang == "zh":
        warnings.warn(
            "no font with Chinese characters was found, so figures show boxes. Install one "
            "(Debian: apt install fonts-wqy-microhei) and run again.",
            stacklevel=2,
        )
    show_in_notebooks()


@cache
def chinese_fonts() -> list[str]:
    """The first font with Chinese characters that is installed, in a list; else an empty one.

    matplotlib keeps a list of fonts; where that names none, the files are looked at afresh, as a
    font may have been installed since.
    """
    return _listed_fonts() or (_list_new_fonts() or _listed_fonts())


def _listed_fonts() -> list[str]:
    installed = {f.name for f in font_manager.fontManager.ttflist}
    return [name for name in CJK_FONTS if name in installed][:1]


def _list_new_fonts() -> None:
    """Add the font files that matplotlib's list lacks, for this process."""
    known = {f.fname for f in font_manager.fontManager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        with suppress(Exception):  # a broken file is no reason to stop
            font_manager.fontManager.addfont(path)


def show_in_notebooks() -> None:
    """Have a notebook show figures as SVG (or PNG where that is lighter), with their words."""
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


def _bundle(figure: Figure, **_unused: object) -> tuple[dict, dict]:
    data, mime = picture(figure)
    about: dict[str, object] = {"alt": alt_text(figure)}
    if isinstance(data, bytes):  # a notebook holds text
        about["width"] = round(int.from_bytes(data[16:20]) * 96 / DPI)  # as large as the SVG
        data = base64.b64encode(data).decode()
    return {mime: data}, {mime: about}


def picture(figure: Figure) -> tuple[str | bytes, str]:
    """The figure as SVG text, or as PNG bytes when outlines weigh too much; and its mime type."""
    _titles_to_the_left(figure)
    text = StringIO()
    figure.savefig(text, format="svg", bbox_inches="tight", metadata={"Date": None})
    mark = f'<g id="{OUTLINED}"'
    outline = f'{mark} style="stroke: {INK}; stroke-width: 256"'  # 6400 are a letter
    outlines = lighter(text.getvalue().replace(mark, outline))
    if len(outlines) <= LARGEST_SVG:
        return outlines, "image/svg+xml"
    for part in figure.findobj(lambda artist: artist.get_gid() == OUTLINED):
        part.set_path_effects([withStroke(linewidth=0.5, foreground=INK)])
    pixels = BytesIO()
    figure.savefig(pixels, format="png", bbox_inches="tight", dpi=DPI, metadata={"Software": None})
    return pixels.getvalue(), "image/png"


def _titles_to_the_left(figure: Figure) -> None:
    """Titles begin where the labels of the rows begin: at the edge, where reading begins."""
    for ax in figure.axes if len(figure.axes) == 1 else []:
        if ax.get_title("left"):
            figure.draw_without_rendering()
            box = ax.get_tightbbox(for_layout_only=True)
            edge = ax.transAxes.inverted().transform((box.x0, box.y0))[0]
            weigh(ax.set_title(ax.get_title("left"), x=min(edge, 0)), bold=True)


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
    return _("Figure: {what}.", what=said) if said else _("Figure.")


def weigh(text: Text, *, bold: bool) -> None:
    """Set the text bold or plain; a Chinese font without a bold cut gets an outline when drawn."""
    chinese = CHINESE.search(text.get_text()) and chinese_fonts()
    outlined = bold and chinese and not _has_bold()
    text.set_fontweight("bold" if bold and not outlined else "normal")
    text.set_gid(OUTLINED if outlined else None)


@cache
def _has_bold() -> bool:
    entries = [f for f in font_manager.fontManager.ttflist if f.name in chinese_fonts()]
    return any(str(f.weight) in ("600", "700", "800", "semibold", "bold") for f in entries)


def say(ax: Axes, title: str, *words: str) -> Axes:
    """Set the title, and the alternative text of the figure: title and words."""
    title = masking.masked(title)[0]
    if title:
        weigh(ax.set_title(wrapped(title, 54), x=0), bold=True)
    text = " ".join(" ".join([title, *words]).replace(r"\$", "$").split())
    before = getattr(ax.figure, "alt_text", "")
    ax.figure.alt_text = f"{before} {text}".strip()
    return ax


def breadth(text: str) -> int:
    """How many Latin letters wide the text is; a Chinese character is two."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def wrapped(text: str, most: int) -> str:
    """The text in lines of `most` letters at most; Chinese may break anywhere but before a stop."""
    lines = [""]
    for piece in PIECES.findall(text):
        if lines[-1] and breadth(lines[-1] + piece.rstrip()) > most:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.strip() for line in lines)


def unwrapped(text: str) -> str:
    """The text of several lines in one; Chinese needs no space where a line ended."""
    return " ".join(BREAKS.sub("", text).split())


def axes(ax: Axes | None, height: float, width: float = WIDTH) -> Axes:
    """The Axes given, or those of a new figure of this size in inches."""
    if ax is None:
        _unused, ax = plt.subplots(figsize=(width, height))
    # Again for each figure: the inline backend puts its own formatter in place when it wakes up,
    # which is at the first figure.
    show_in_notebooks()
    return ax


def numbered(ax: Axes, names: Sequence[str], across: int) -> None:
    """The rows of a square by number and whole name, its first `across` columns by number."""
    rows = [wrapped(f"{i}  {n}", 32) for i, n in enumerate(names, 1)]
    ax.set_yticks(range(len(names)), rows, linespacing=0.95)
    ax.set_xticks(range(across), range(1, across + 1))
    ax.set_xlim(-0.5, max(across, 1) - 0.5)
    ax.tick_params(length=0)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)


def ready(table: pd.DataFrame, needed: Sequence[str] = ("estimate",)) -> pd.DataFrame:
    """The table, small cells hidden, low and high in place; ValueError if it cannot be drawn."""
    if not isinstance(table, pd.DataFrame):
        raise ValueError(
            f"a {type(table).__name__} cannot be drawn. Pass a table, such as fit.table."
        )
    if lacking := [c for c in needed if c not in table]:
        raise ValueError(
            f"the table has no column {lacking}. It has: {', '.join(map(str, table.columns))}. "
            "Pass the `table` of an Estimates."
        )
    if table.empty:
        raise ValueError("the table has no rows, so there is nothing to draw.")
    table = table.reset_index(drop=True)
    for side in {"low", "high"} - set(table.columns):
        table[side] = float("nan")
    return hide_small_cells(table)


def name(value: object, most: int = 38) -> str:
    """What a reader calls it, short enough for an axis."""
    text = " ".join(i18n.label(str(value))[:2000].split())
    text = masking.masked(legible(text))[0]
    if breadth(text) > most:
        while breadth(text) > most - 1:
            text = text[:-1]
        text += "…"
    return text.replace("$", r"\$")  # a dollar would start a formula


def wave_axis(ax: Axes, waves: Sequence[object]) -> None:
    """Waves along the axis, aslant where there are many; of very many every second or third."""
    slant = {"rotation": 45, "ha": "right"} if len(waves) > 6 else {}
    step = -(-len(waves) // MOST_WAVES)
    ax.set_xticks(range(0, len(waves), step), [name(w, 12) for w in waves][::step], **slant)


def number(value: float, unit: str) -> str:
    """A number as its unit is written."""
    if unit == "share":
        near = 0.0005 <= abs(value) < 0.0095 or 0.9905 < value <= 0.9995  # nearly none, or all
        return i18n.percent(value, 1 if near else 0)
    if unit == "gap":
        return i18n.number(100 * value, 1)
    if unit in ("points", "percentage points", "index"):
        return i18n.number(value, 1)
    return i18n.number(value, 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2)


def number_axis(axis, unit: str) -> None:
    """Ticks in the page's number format."""
    if unit == "share":
        axis.get_major_locator().set_params(steps=[1, 2, 5, 10])  # 12.5% would be written 12%
        axis.set_major_formatter(lambda v, _: i18n.percent(v, _decimals(axis)))
    elif unit == "gap":
        axis.set_major_formatter(lambda v, _: f"{100 * v:,.4g}".replace("-", "−"))
    else:
        if max(map(abs, axis.get_view_interval())) >= 10_000:  # long numbers need room
            axis.get_major_locator().set_params(nbins=5)
        axis.set_major_formatter(lambda v, _: f"{v:,g}".replace("-", "−"))


def _decimals(axis) -> int:
    """Decimals that tell the ticks of shares apart."""
    low, high = sorted(axis.get_view_interval())
    return 0 if high - low >= 0.035 else 1 if high - low >= 0.0035 else 2


def unit_words(unit: str) -> str:
    """What stands beneath the axis."""
    return {
        "points": _("points"),
        "share": _("share"),
        **dict.fromkeys(("gap", "percentage points"), _("percentage points")),
        "scale": _("on the question's own scale"),
        "index": _("index, 0 to 100"),
    }.get(unit) or (_(unit) if unit else "")


def people(n: float) -> str:
    """n, or that it is too small to tell."""
    least = context.current().smallest_cell
    return f"<{least}" if n < least else i18n.count(n)


def colours_of(values: Sequence[object]) -> dict[object, tuple[str, str]]:
    """A colour and a marker for each value, in order."""
    return {
        v: (COLOURS[i % len(COLOURS)], MARKERS[i % len(MARKERS)])
        for i, v in enumerate(dict.fromkeys(values))
    }


def key(ax: Axes, entries: dict[str, tuple[str, str]], **style: object) -> None:
    """The legend, beneath the axis."""
    for label, (colour, marker) in entries.items():
        ax.plot([], [], marker, color=colour, label=name(label, 24), **style)
    slanted = any(text.get_rotation() % 180 for text in ax.get_xticklabels()[:1])
    drop = 0.86 if slanted else 0.62  # inches
    ax.legend(
        loc="upper left",
        bbox_to_anchor=(0, -drop / ax.figure.get_figheight()),
        ncols=3,
        fontsize=9.5,
        handletextpad=0.3,
        columnspacing=1.2,
        borderaxespad=0,
    )


def listed(lines: list[str], most: int = 14) -> str:
    """The rows in words, for the alternative text."""
    more = [_("and {n} more", n=len(lines) - most)] if len(lines) > most else []
    return _("; ").join(lines[:most] + more) + _(".") if lines else ""
