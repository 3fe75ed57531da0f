"""Figures as a page holds them: compact SVG, or pixels where those are lighter, and alt texts."""

from __future__ import annotations

import base64
import re
from io import BytesIO, StringIO
from typing import cast

from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from cxlib.core.i18n import _
from cxlib.plots.fonts import OUTLINED, set_bold
from cxlib.plots.palette import INK

LARGEST_SVG = 150_000  # characters; above it the pixels are lighter than the outlines
DPI = 160  # of those pixels
NOT_DRAWN = re.compile(r"<!DOCTYPE.*?>|<metadata>.*?</metadata>", re.S)
LONG = re.compile(r"-?[1-9]\d*\.\d{3,}")  # a hundredth of a point is more than an eye sees
GLYPH = re.compile(r'(?<=["#])([A-Z][A-Za-z]+(?:-[A-Za-z]+)?)-([0-9a-f]+)(?=")')
NAMED = re.compile(r'<g id="[^"]*"')  # nothing in a figure points to a group


def compact_svg(svg: str) -> str:
    """The same picture in fewer characters; comments (what a text says) stay."""
    svg = LONG.sub(lambda m: f"{float(m[0]):.2f}", NOT_DRAWN.sub("", svg))
    svg = re.sub(r'(?<= d=")[^"]*', lambda m: re.sub(r"\s*([A-Za-z])\s*", r"\1", m[0]).strip(), svg)
    svg = re.sub(r'(?<= style=")[^"]*', lambda m: re.sub(r"(?<=[:;]) ", "", m[0]), svg)
    # Letters: by the capitals of their font, and moved along their line.
    svg = GLYPH.sub(lambda m: "".join(filter(str.isupper, m[1])) + m[2], svg)
    svg = re.sub(r'transform="translate\((\S+) 0\)"/>', r'x="\1"/>', svg)
    return re.sub(r">\s+<", "><", NAMED.sub("<g", svg))


def picture(figure: Figure) -> tuple[str | bytes, str]:
    """Render a figure as a page holds it.

    Parameters
    ----------
    figure : figure to render

    Returns
    -------
    SVG text, or PNG bytes where the SVG would be larger than 150,000 characters; and the mime type.
    The same figure gives the same bytes.

    Examples
    --------
    >>> picture(Figure())[1]
    'image/svg+xml'
    """
    _titles_to_the_left(figure)
    text = StringIO()
    figure.savefig(text, format="svg", bbox_inches="tight", metadata={"Date": None})
    mark = f'<g id="{OUTLINED}"'
    outline = f'{mark} style="stroke: {INK}; stroke-width: 256"'  # 6400 are a letter
    outlines = compact_svg(text.getvalue().replace(mark, outline))
    if len(outlines) <= LARGEST_SVG:
        return outlines, "image/svg+xml"
    for part in figure.findobj(lambda artist: artist.get_gid() == OUTLINED):
        part.set_path_effects([withStroke(linewidth=0.5, foreground=INK)])
    pixels = BytesIO()
    figure.savefig(pixels, format="png", bbox_inches="tight", dpi=DPI, metadata={"Software": None})
    return pixels.getvalue(), "image/png"


def _titles_to_the_left(figure: Figure) -> None:
    """Begin titles where the labels of the rows begin: at the edge, where reading begins."""
    for ax in figure.axes if len(figure.axes) == 1 else []:
        if ax.get_title("left"):
            figure.draw_without_rendering()
            box = cast(Bbox, ax.get_tightbbox(for_layout_only=True))
            edge = ax.transAxes.inverted().transform((box.x0, box.y0))[0]
            set_bold(ax.set_title(ax.get_title("left"), loc="left", x=min(edge, 0)))


def alt_text(figure: Figure) -> str:
    """Describe a figure for readers who cannot see it.

    Parameters
    ----------
    figure : any matplotlib figure

    Returns
    -------
    Its own `alt_text`, which figures of this package carry; else its titles, axes and legends.

    Examples
    --------
    >>> figure = Figure()
    >>> _ = figure.add_subplot().set(title="Mine", xlabel="days")
    >>> alt_text(figure)
    'Figure: Mine; days.'
    """
    if given := getattr(figure, "alt_text", ""):
        return given
    parts = [figure.get_suptitle()]
    for ax in figure.axes:
        parts += [ax.get_title(loc) for loc in ("left", "center")]
        parts += [ax.get_xlabel(), ax.get_ylabel()]
        parts += [t.get_text() for t in legend.get_texts()] if (legend := ax.get_legend()) else []
    words = "; ".join(dict.fromkeys(p.strip() for p in parts if p.strip()))
    return _("Figure: {what}.", what=words) if words else _("Figure.")


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
