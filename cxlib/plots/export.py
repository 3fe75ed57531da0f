"""Figures as a page holds them: SVG with real text, pixels where those are lighter, alt texts."""

from __future__ import annotations

import base64
import os
import re
import warnings
from io import BytesIO, StringIO
from typing import Any, cast

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from cxlib.core import context
from cxlib.core.i18n import _
from cxlib.plots import layout
from cxlib.plots.fonts import chinese_fonts
from cxlib.plots.palette import PAPER
from cxlib.plots.svg import refine

WIDE, NARROW, PIXELS = "image/svg+xml", "application/vnd.cxlab.narrow+svg", "image/png"
LARGEST_SVG = 150_000  # characters; above it the pixels are lighter than the shapes
DPI = 160  # of those pixels
PREVIEW_DPI, PREVIEW_COLOURS = 96, 32  # of the pixels beside an SVG: as large as it, and light
PREVIEWS = "CX_PREVIEWS"  # "no" where nobody needs them, as in a run of `cx`
HALO = "halo"  # gid of text that stands on marks: an edge of the paper's colour goes round it
CHINESE = re.compile("[\u3400-\u9fff]")


def picture(figure: Figure) -> tuple[str | bytes, str]:
    """Render a figure as a page holds it.

    Parameters
    ----------
    figure : figure to render

    Returns
    -------
    SVG text, or PNG bytes where the SVG would be larger than 150,000 characters; and the mime type.
    The same figure gives the same bytes. In the SVG, text is text, colours are CSS variables with
    the house's colours as fallback, and the background is transparent.

    Examples
    --------
    >>> picture(Figure())[1]
    'image/svg+xml'
    """
    layout.fit(figure)
    _titles_to_the_left(figure)
    svg = _svg(figure)
    if len(svg) <= LARGEST_SVG:
        return svg, WIDE
    return _pixels(figure), PIXELS


def narrow_picture(figure: Figure) -> str | None:
    """Render the figure's form for a phone, with labels above what they name, as SVG.

    Parameters
    ----------
    figure : figure of a function of this package

    Returns
    -------
    SVG text; None where the figure has no such form, or its SVG would be too large.

    Examples
    --------
    >>> narrow_picture(Figure()) is None
    True
    """
    small = layout.for_phone(figure)
    if small is None:
        return None
    try:
        _titles_to_the_left(small)
        svg = _svg(small)
    finally:
        plt.close(small)
    return svg if len(svg) <= LARGEST_SVG else None


def _svg(figure: Figure) -> str:
    for text in figure.findobj(Text):
        halo = "-halo" if str(text.get_gid()).endswith(HALO) else ""
        text.set_gid(f"text-{text.get_horizontalalignment()}{halo}")
    written = StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "cxlab"}):
        how: dict[str, Any] = {
            "bbox_inches": "tight",
            "metadata": {"Date": None},
            "transparent": True,
        }
        figure.savefig(written, format="svg", **how)
    return refine(written.getvalue(), getattr(figure, "hover", {}))


def _pixels(figure: Figure) -> bytes:
    if _lacks_letters(figure):
        warnings.warn(
            "a figure is too large for SVG, and no font with Chinese characters was found for its "
            "pixels, so figures show boxes. Install one (Debian: apt install fonts-wqy-microhei) "
            "and run again.",
            stacklevel=2,
        )
    return _png(figure, DPI)


def _lacks_letters(figure: Figure) -> bool:
    """Whether pixels would show boxes in place of Chinese characters."""
    texts = [t.get_text() for t in figure.findobj(Text)]
    return not chinese_fonts() and any(map(CHINESE.search, texts))


def _png(figure: Figure, dpi: int) -> bytes:
    for text in figure.findobj(Text):
        if str(text.get_gid()).endswith(HALO):
            text.set_path_effects([withStroke(linewidth=2.5, foreground=PAPER)])
    pixels = BytesIO()
    figure.savefig(pixels, format="png", bbox_inches="tight", dpi=dpi, metadata={"Software": None})
    return pixels.getvalue()


def _preview(figure: Figure) -> bytes | None:
    """The figure in few colours, for viewers that show no SVG of a notebook they do not trust."""
    if os.environ.get(PREVIEWS) == "no" or _lacks_letters(figure):
        return None
    light = BytesIO()
    with Image.open(BytesIO(_png(figure, PREVIEW_DPI))) as whole:
        whole.convert("RGB").quantize(PREVIEW_COLOURS).save(light, "png", optimize=True)
    return light.getvalue()


def _titles_to_the_left(figure: Figure) -> None:
    """Begin titles where the labels of the rows begin: at the edge, where reading begins."""
    for ax in figure.axes if len(figure.axes) == 1 else []:
        if ax.get_title("left"):
            figure.draw_without_rendering()
            box = cast(Bbox, ax.get_tightbbox(for_layout_only=True))
            edge = ax.transAxes.inverted().transform((box.x0, box.y0))[0]
            ax._left_title.set_x(min(edge, 0))  # type: ignore[attr-defined]  # set_title would drop its pad


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
    """Have a notebook show figures as SVG and PNG (or PNG where that is lighter), with their words.

    JupyterLab shows no SVG of a notebook that it does not trust, as of every fresh clone.
    """
    shell = context.shell()
    if shell is None or not hasattr(shell, "display_formatter"):
        return
    for mime in (PIXELS, WIDE, "image/jpeg", "application/pdf"):
        shell.display_formatter.formatters[mime].pop(Figure, None)
    shell.display_formatter.mimebundle_formatter.for_type(Figure, _bundle)


def _bundle(figure: Figure, **_unused: object) -> tuple[dict[str, Any], dict[str, Any]]:
    data, mime = picture(figure)
    words = {"alt": alt_text(figure)}
    if isinstance(data, bytes):
        width = round(int.from_bytes(data[16:20]) * 96 / DPI)  # as large as the SVG
        return {mime: _as_text(data)}, {mime: {**words, "width": width}}
    bundle, about = {mime: data}, {mime: words}
    if small := narrow_picture(figure):
        bundle[NARROW] = small
    if preview := _preview(figure):
        bundle[PIXELS], about[PIXELS] = _as_text(preview), words
    return bundle, about


def _as_text(data: bytes) -> str:
    """As a notebook holds pixels."""
    return base64.b64encode(data).decode()
